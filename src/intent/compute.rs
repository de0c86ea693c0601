//! An algorithm that a trigger runs.

use serde::{Deserialize, Serialize};

use super::deliver::DatasetTarget;
use crate::ids::TableName;
use crate::types::{Column, Value};

/// An algorithm to run over what the transaction sees, and the table that gets its rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compute {
    pub algorithm: String,
    pub inputs: Vec<ComputeInput>,
    /// Its own arguments, by their names; those that are absent have their defaults.
    pub arguments: Vec<(String, Value)>,
    pub table: TableName,
    /// The table's columns that get the computed ones, in their order.
    pub columns: Vec<Column>,
    /// The names of the computed columns, in the same order.
    pub computed: Vec<String>,
    /// The rows that the table has go first.
    pub replaces: bool,
    /// The table as a dataset, if it is one.
    #[serde(default)]
    pub dataset: Option<DatasetTarget>,
}

/// What an algorithm reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComputeInput {
    /// The columns, by their roles.
    pub columns: Vec<Column>,
    /// The query of the rows, in DuckDB's SQL.
    pub sql: String,
}
