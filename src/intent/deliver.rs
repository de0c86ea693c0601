//! Rows that a trigger sends to a dataset.

use serde::{Deserialize, Serialize};

use crate::ids::TableName;
use crate::types::{Column, Value};

/// A query whose rows go to a dataset, behind the transaction that they are computed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deliver {
    /// SQL for DuckDB, with typed parameters.
    pub sql: String,
    pub params: Vec<Value>,
    pub target: DatasetTarget,
}

/// A dataset, and which of its columns get rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetTarget {
    pub dataset: TableName,
    /// The columns that rows are given for, in their order.
    pub columns: Vec<Column>,
    /// All columns of the dataset; those that are not given get NULL.
    pub all: Vec<Column>,
}
