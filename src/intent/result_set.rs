//! Result rows of RETURNING or CALL, from the Writer to the session that waits.

use std::io::Cursor;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use serde::{Deserialize, Serialize};

use super::body::Bytes;
use crate::error::{Error, Result};
use crate::types::Column;

/// Rows and the columns that they are shown as.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResultSet {
    pub(super) columns: Vec<Column>,
    /// An Arrow IPC stream.
    pub(super) ipc: Bytes,
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
        Ok(ResultSet { columns, ipc: Bytes(writer.into_inner().map_err(failed)?) })
    }

    /// Returns the size of the packed rows.
    pub fn bytes(&self) -> usize {
        self.ipc.len()
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
