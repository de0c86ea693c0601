//! A file that a procedure leaves in the outbox.

use serde::{Deserialize, Serialize};

use crate::sql::FileForm;
use crate::types::{Column, CopyOptions, Value};

/// A query whose rows go to a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// SQL for DuckDB, with typed parameters.
    pub sql: String,
    pub params: Vec<Value>,
    pub columns: Vec<Column>,
    /// The file's name below the outbox, as it was written.
    pub name: String,
    pub form: FileForm,
    pub options: CopyOptions,
    /// For each column whether it is always quoted.
    pub quoted: Vec<bool>,
}
