//! A content as it is decoded: batches of rows with their places in it.

use arrow::array::RecordBatch;

use super::rejects::Rejects;
use crate::error::{Error, Result};
use crate::types::{OutputStyle, column_for_field, each_text};

/// Rows that could be read.
pub(super) struct Piece {
    /// In the storage schema of the given columns.
    pub(super) batch: RecordBatch,
    /// Where each row stood: its line or number, from 1.
    pub(super) numbers: Vec<u64>,
    /// The rows as they stood, where they were asked for; `None` for a form that is no text.
    pub(super) raw: Option<Vec<String>>,
}

/// A decoder.
pub(super) trait Pieces {
    /// The table's columns that rows are given for, by place, in the rows' order.
    fn given(&self) -> &[usize];

    /// Decodes on; puts rows aside that cannot be read.
    ///
    /// # Errors
    /// What keeps the whole content from being read.
    fn next(&mut self, rejects: &mut Rejects) -> Result<Option<Piece>>;
}

impl Piece {
    /// Gives a row as it stood, or as JSON.
    pub(super) fn raw_of(&self, row: usize) -> Result<String> {
        match &self.raw {
            Some(raw) => Ok(raw.get(row).cloned().unwrap_or_default()),
            None => row_as_json(&self.batch, row),
        }
    }
}

/// Writes a row as a JSON object of texts.
pub(super) fn row_as_json(batch: &RecordBatch, row: usize) -> Result<String> {
    let mut object = serde_json::Map::new();
    for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let one = array.slice(row, 1);
        let mut shown = serde_json::Value::Null;
        let pg_type = column_for_field(field).pg_type;
        each_text(one.as_ref(), pg_type, OutputStyle::default(), |text| {
            if let Some(text) = text {
                shown = String::from_utf8_lossy(text).into_owned().into();
            }
        })?;
        object.insert(field.name().clone(), shown);
    }
    serde_json::to_string(&object).map_err(|error| Error::internal(error.to_string()))
}
