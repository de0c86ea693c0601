//! Result rows of RETURNING or CALL, from the Writer to the session that waits.

use std::io::Cursor;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use serde::{Deserialize, Serialize};

use super::body::Applied;
use super::bytes::Bytes;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sqlstate::SqlState;
use crate::types::Column;

/// Rows and the columns that they are shown as.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResultSet {
    pub(super) columns: Vec<Column>,
    /// An Arrow IPC stream.
    pub(super) ipc: Bytes,
    /// There were rows of so many bytes, which were not kept.
    #[serde(default)]
    pub(super) lost_bytes: Option<u64>,
    /// What sequences gave last, for the session's `currval`.
    #[serde(default)]
    pub(super) drawn: Vec<(TableName, i64)>,
}

impl ResultSet {
    /// Packs batches of one schema.
    ///
    /// # Errors
    /// XX000 when a batch has another schema.
    pub fn new(
        columns: Vec<Column>,
        schema: &Schema,
        batches: &[RecordBatch],
    ) -> Result<ResultSet> {
        let failed =
            |error: ArrowError| Error::internal(format!("result rows cannot be written: {error}"));
        let mut writer = StreamWriter::try_new(Vec::new(), schema).map_err(failed)?;
        for batch in batches {
            writer.write(batch).map_err(failed)?;
        }
        Ok(ResultSet {
            columns,
            ipc: Bytes(writer.into_inner().map_err(failed)?),
            lost_bytes: None,
            drawn: Vec::new(),
        })
    }

    /// Stands for rows that were there and are gone; 0 bytes where not even their size is known.
    pub fn lost(bytes: u64) -> ResultSet {
        ResultSet { lost_bytes: Some(bytes), ..ResultSet::default() }
    }

    /// Returns the size of the packed rows.
    pub fn bytes(&self) -> usize {
        self.ipc.len()
    }

    /// Adds what sequences gave.
    pub fn with_drawn(mut self, drawn: Vec<(TableName, i64)>) -> ResultSet {
        self.drawn = drawn;
        self
    }

    /// Returns what sequences gave.
    pub fn drawn(&self) -> &[(TableName, i64)] {
        &self.drawn
    }

    /// Counts the rows.
    ///
    /// # Errors
    /// XX000 when they are not readable.
    pub fn rows(&self) -> Result<u64> {
        let (_, batches) = self.clone().into_batches()?;
        let mut rows = 0;
        for batch in batches {
            rows += batch?.num_rows() as u64;
        }
        Ok(rows)
    }

    /// Unpacks the columns and the batches.
    ///
    /// # Errors
    /// XX000 when the rows are not readable.
    pub fn into_batches(
        self,
    ) -> Result<(Vec<Column>, impl Iterator<Item = Result<RecordBatch>> + Send + 'static)> {
        let failed =
            |error: ArrowError| Error::internal(format!("result rows cannot be read: {error}"));
        let reader = StreamReader::try_new(Cursor::new(self.ipc.0), None).map_err(failed)?;
        Ok((self.columns, reader.map(move |batch| batch.map_err(failed))))
    }
}

impl Applied {
    /// Packs an outcome for the data file, its rows only up to a bound.
    ///
    /// # Errors
    /// XX000 when it cannot be encoded.
    pub fn to_bytes(&self, rows_bytes_max: usize) -> Result<Vec<u8>> {
        let result = self.result.as_ref().map(|rows| match rows.bytes() {
            bytes if bytes <= rows_bytes_max => rows.clone(),
            bytes => ResultSet::lost(bytes as u64),
        });
        let kept = Applied { tag: self.tag.clone(), rows: self.rows, result, drawn: Vec::new() };
        rmp_serde::to_vec_named(&kept)
            .map_err(|error| Error::internal(format!("an outcome cannot be encoded: {error}")))
    }

    /// Reads an outcome back.
    ///
    /// # Errors
    /// XX001 when it is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Applied> {
        rmp_serde::from_slice(bytes).map_err(|error| {
            Error::new(SqlState::DATA_CORRUPTED, format!("a kept outcome is damaged: {error}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int32Array;

    use super::*;
    use crate::types::PgType;

    #[test]
    fn rows_come_out_as_they_went_in() {
        let batch = |values: Vec<i32>| {
            RecordBatch::try_from_iter([("a", Arc::new(Int32Array::from(values)) as _)]).unwrap()
        };
        let batches = [batch(vec![1, 2]), batch(Vec::new()), batch(vec![3])];
        let columns = vec![Column::new("a", PgType::INT4)];
        let set = ResultSet::new(columns.clone(), &batches[0].schema(), &batches).unwrap();
        let (named, rows) = set.into_batches().unwrap();
        assert_eq!(named, columns);
        assert_eq!(rows.collect::<Result<Vec<_>>>().unwrap(), batches);
    }

    #[test]
    fn no_stream_is_no_rows() {
        assert!(ResultSet::default().into_batches().is_err());
    }
}
