//! Which storage the tables of a statement have.

use super::Router;
use crate::ids::TableName;
use crate::sql::TableRef;

/// A statement's tables by storage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Storages {
    pub(super) arrow: Vec<TableName>,
    pub(super) duckdb: Vec<TableRef>,
}

impl Storages {
    /// Tells whether both storages are among them.
    pub(super) fn are_mixed(&self) -> bool {
        !self.arrow.is_empty() && !self.duckdb.is_empty()
    }
}

impl Router {
    /// Finds the dataset that a name means, if it means one.
    pub(super) fn dataset_of(&self, table: &TableRef, search_path: &[String]) -> Option<TableName> {
        table.candidates(search_path).find(|name| self.datasets.contains(name))
    }

    /// Sorts tables by storage. What is no dataset is DuckDB's, which knows better what is missing.
    pub(super) fn storages(&self, tables: &[TableRef], search_path: &[String]) -> Storages {
        let mut storages = Storages::default();
        for table in tables {
            match self.dataset_of(table, search_path) {
                Some(name) => storages.arrow.push(name),
                None => storages.duckdb.push(table.clone()),
            }
        }
        storages
    }
}
