//! The rows of a materialized view whose query DuckDB cannot run: they travel with the intent.

use serde::{Deserialize, Serialize};

use super::storage::RowsAt;
use crate::ids::TableName;

/// All rows of a materialized view that reads Arrow datasets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewRows {
    /// The table that they are for: a view that was made anew under its name has another.
    pub storage: TableName,
    /// In the storage's columns.
    pub rows: RowsAt,
    pub as_of: AsOf,
}

/// Which changes of tables a query has seen, as the server counts them while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsOf {
    /// Which run of the server has counted.
    pub run: u64,
    /// The last change that was noted before the query began.
    pub change: u64,
}
