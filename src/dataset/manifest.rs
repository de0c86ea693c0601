//! The manifest: the list of files that are a dataset's current state.
//!
//! It is small JSON, replaced whole. Readers hold it immutable behind an `Arc`.

use std::fs;
use std::path::Path;

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use super::schema::{DatasetColumn, read_schema};
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::sqlstate::SqlState;

/// The layout of manifests and part files that this code writes and reads.
pub(super) const FORMAT: u32 = 1;
/// The manifest's file name.
pub(super) const MANIFEST: &str = "MANIFEST.json";

/// The state of one dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    pub name: TableName,
    /// The intent that created the dataset.
    pub create_seq: IntentSeq,
    /// The last intent applied to the dataset.
    pub applied_seq: IntentSeq,
    /// The rows that the last intent reported, for an answer to its replay.
    pub applied_rows: u64,
    pub columns: Vec<DatasetColumn>,
    /// The rows: these files one after the other.
    pub parts: Vec<Part>,
    /// The number of the next part file; never used twice among live files.
    pub next_part: u64,
    /// Names that the dataset had before, newest last.
    #[serde(default)]
    pub renamed: Vec<Renamed>,
}

/// A name that a dataset gave up, and by which intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed {
    pub from: TableName,
    pub seq: IntentSeq,
}

/// One immutable Arrow IPC file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The name inside the dataset's directory.
    pub file: String,
    pub rows: u64,
    pub bytes: u64,
    /// One entry a column, in the order of the columns.
    pub stats: Vec<ColumnStats>,
}

/// What is known of one column in one part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnStats {
    pub nulls: u64,
    /// The least and the greatest value; absent where unknown, as with long strings, NaN or
    /// nothing but NULL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Bound>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Bound>,
}

/// One end of a column's values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    Bool(bool),
    /// Integers; dates as days and timestamps as microseconds since 1970-01-01.
    Int(i64),
    /// As text, since JSON numbers do not keep every bit.
    Float(String),
    Text(String),
}

impl Manifest {
    /// Returns the number of rows.
    pub fn rows(&self) -> u64 {
        self.parts.iter().map(|part| part.rows).sum()
    }

    /// Returns the bytes of the part files.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }

    /// Returns the schema that readers of the part files see.
    pub fn read_schema(&self) -> Result<SchemaRef> {
        read_schema(&self.columns)
    }

    /// Reads a manifest file.
    ///
    /// # Errors
    /// XX001 when it is not one of this format.
    pub(super) fn load(path: &Path) -> Result<Manifest> {
        let text =
            fs::read(path).map_err(|error| Error::io("could not read a manifest", &error))?;
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| {
            Error::new(
                SqlState::DATA_CORRUPTED,
                format!("manifest \"{}\" is damaged: {error}", path.display()),
            )
        })?;
        if manifest.format != FORMAT {
            return Err(Error::new(
                SqlState::DATA_CORRUPTED,
                format!("manifest \"{}\" has unknown format {}", path.display(), manifest.format),
            ));
        }
        Ok(manifest)
    }
}
