//! Statements that a connection keeps prepared: preparing costs DuckDB more than running a small
//! one.

use super::capi::{Connection, Prepared};
use crate::error::Result;

/// The most recently used statements, newest last.
pub(super) struct StatementCache {
    kept: Vec<(String, Prepared)>,
    statements_max: usize,
}

impl StatementCache {
    pub(super) fn new(statements_max: usize) -> StatementCache {
        StatementCache { kept: Vec::new(), statements_max: statements_max.max(1) }
    }

    /// Finds a statement, or prepares it and forgets the one that was not used for longest.
    pub(super) fn prepared(
        &mut self,
        connection: &mut Connection,
        sql: &str,
    ) -> Result<&mut Prepared> {
        let entry = match self.kept.iter().rposition(|(text, _)| text == sql) {
            Some(place) => self.kept.remove(place),
            None => {
                let prepared = connection.prepare(sql)?;
                if self.kept.len() >= self.statements_max {
                    self.kept.remove(0);
                }
                (sql.to_owned(), prepared)
            }
        };
        let newest = self.kept.len();
        self.kept.push(entry);
        Ok(&mut self.kept[newest].1)
    }

    /// Forgets all: names may mean something else now.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }
}
