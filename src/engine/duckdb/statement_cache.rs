//! Statements that a connection keeps prepared: preparing costs DuckDB more than running a small
//! one.

use std::borrow::Cow;

use super::capi::{Connection, Prepared};
use crate::error::Result;

/// Runs after which a statement is prepared again. Once any definition has changed since it was
/// prepared, DuckDB plans it anew at every run, and does not tell.
const RUNS_MAX: u32 = 64;

/// A statement that is prepared when it is first needed.
pub(super) struct KeptStatement {
    sql: Cow<'static, str>,
    prepared: Option<Prepared>,
    runs: u32,
}

impl KeptStatement {
    pub(super) fn new(sql: impl Into<Cow<'static, str>>) -> KeptStatement {
        KeptStatement { sql: sql.into(), prepared: None, runs: 0 }
    }

    /// Returns the statement for one run.
    pub(super) fn prepared(&mut self, connection: &mut Connection) -> Result<&mut Prepared> {
        if self.runs % RUNS_MAX == 0 {
            self.prepared = None;
        }
        self.runs = self.runs.wrapping_add(1);
        match &mut self.prepared {
            Some(prepared) => Ok(prepared),
            none => Ok(none.insert(connection.prepare(&self.sql)?)),
        }
    }
}

/// The most recently used statements, newest last.
pub(super) struct StatementCache {
    kept: Vec<KeptStatement>,
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
        let entry = match self.kept.iter().rposition(|entry| entry.sql == sql) {
            Some(place) => self.kept.remove(place),
            None => {
                if self.kept.len() >= self.statements_max {
                    self.kept.remove(0);
                }
                KeptStatement::new(sql.to_owned())
            }
        };
        let newest = self.kept.len();
        self.kept.push(entry);
        self.kept[newest].prepared(connection)
    }

    /// Forgets all: names may mean something else now.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }
}
