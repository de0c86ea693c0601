//! Tables of which rows are deleted while an older transaction may still see them.
//!
//! DuckDB 1.5.6 keeps such rows apart, in each index that the table has when they are deleted. When
//! the older transaction ends it takes them out of every index that keeps any by then: one that was
//! made in between, and got others since, does not have them, and the whole instance is invalid
//! ("Failed to delete all rows from index"). An index over such a table is made over a copy of it.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use super::followed::with_followers;
use crate::engine::duckdb::DuckDb;
use crate::ids::TableName;
use crate::intent::{Body, Storage};
use crate::pipeline::Graph;

/// The tables.
#[derive(Debug, Default)]
pub struct DeletedRows {
    tables: Mutex<BTreeSet<TableName>>,
}

impl DeletedRows {
    /// Notes what a change may delete or update.
    pub(super) fn note(&self, duckdb: &DuckDb, graph: &Graph, body: &Body) {
        let own: BTreeSet<TableName> = body.tables().into_iter().cloned().collect();
        let only_appends = match body {
            Body::Values(_) => true,
            Body::Rows { storage: Storage::DuckDb, replaces, .. } => !replaces,
            _ => false,
        };
        if only_appends && graph.is_empty() {
            return;
        }
        let mut changed = with_followers(graph, own.clone());
        changed.extend(graph.impact(body).into_keys());
        if only_appends {
            changed.retain(|table| !own.contains(table));
        }
        if changed.is_empty() {
            return;
        }
        let mut tables = self.tables.lock();
        if duckdb.transactions() == 0 {
            tables.clear();
        }
        tables.extend(changed);
    }

    /// Lists the tables, where there may be an older transaction than `own` ones.
    pub(super) fn tables(&self, duckdb: &DuckDb, own: usize) -> BTreeSet<TableName> {
        if duckdb.transactions() <= own {
            return BTreeSet::new();
        }
        self.tables.lock().clone()
    }
}
