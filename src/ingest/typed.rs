//! The rows of Parquet and Arrow: batches that have types, cast to the table's.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;

use super::csv::columns_of;
use super::pieces::{Piece, Pieces, row_as_json};
use super::rejects::Rejects;
use crate::dataset::{FileFormat, FileRows, read_file};
use crate::error::{Error, Result};
use crate::router::{IngestTarget, null_value};
use crate::types::{cast_batch, storage_schema};

pub(super) struct TypedPieces<'a> {
    target: &'a IngestTarget,
    given: Vec<usize>,
    schema: SchemaRef,
    content: FileRows,
    rows_before: u64,
}

impl<'a> TypedPieces<'a> {
    pub(super) fn open(
        path: &Path,
        format: FileFormat,
        target: &'a IngestTarget,
    ) -> Result<TypedPieces<'a>> {
        let content = read_file(path, format)?;
        let names: Vec<String> = content.columns.iter().map(|column| column.name.clone()).collect();
        let given = columns_of(&names, target)?;
        let schema = storage_schema(given.iter().map(|&place| &target.columns[place].column))?;
        Ok(TypedPieces { target, given, schema, content, rows_before: 0 })
    }

    /// Casts rows; where that fails, each half for itself, down to the rows that are wrong.
    fn cast(
        &self,
        batch: &RecordBatch,
        first: u64,
        good: &mut Vec<RecordBatch>,
        numbers: &mut Vec<u64>,
        rejects: &mut Rejects,
    ) -> Result<()> {
        let rows = batch.num_rows();
        match self.try_cast(batch) {
            Ok(cast) => {
                numbers.extend(first..first + rows as u64);
                good.push(cast);
                Ok(())
            }
            Err((column, error)) if rows == 1 => {
                rejects.put(first, column, row_as_json(batch, 0)?, error)
            }
            Err(_) => {
                let half = rows / 2;
                self.cast(&batch.slice(0, half), first, good, numbers, rejects)?;
                let second = batch.slice(half, rows - half);
                self.cast(&second, first + half as u64, good, numbers, rejects)
            }
        }
    }

    fn try_cast(&self, batch: &RecordBatch) -> Result<RecordBatch, (Option<String>, Error)> {
        let cast = cast_batch(batch, Arc::clone(&self.schema)).map_err(|error| {
            // Only of a row that stands alone the column is asked for.
            let column = (batch.num_rows() == 1).then(|| self.failing_column(batch)).flatten();
            (column, error)
        })?;
        for (array, &place) in cast.columns().iter().zip(&self.given) {
            let column = &self.target.columns[place];
            if column.not_null && array.null_count() > 0 {
                let name = &column.column.name;
                return Err((Some(name.clone()), null_value(name, &self.target.table)));
            }
        }
        Ok(cast)
    }

    fn failing_column(&self, row: &RecordBatch) -> Option<String> {
        let fails = |place: &usize| {
            let (one, schema) = (row.project(&[*place]), self.schema.project(&[*place]));
            match (one, schema) {
                (Ok(one), Ok(schema)) => cast_batch(&one, Arc::new(schema)).is_err(),
                _ => false,
            }
        };
        let place = (0..row.num_columns()).find(fails)?;
        Some(self.schema.field(place).name().clone())
    }
}

impl Pieces for TypedPieces<'_> {
    fn given(&self) -> &[usize] {
        &self.given
    }

    fn next(&mut self, rejects: &mut Rejects) -> Result<Option<Piece>> {
        let Some(batch) = self.content.batches.next() else { return Ok(None) };
        let batch = batch?;
        let (mut good, mut numbers) = (Vec::new(), Vec::new());
        if batch.num_rows() > 0 {
            self.cast(&batch, self.rows_before + 1, &mut good, &mut numbers, rejects)?;
        }
        self.rows_before += batch.num_rows() as u64;
        let batch = match good.as_slice() {
            [one] => one.clone(),
            many => concat_batches(&self.schema, many)
                .map_err(|error| Error::internal(format!("rows could not be joined: {error}")))?,
        };
        Ok(Some(Piece { batch, numbers, raw: None }))
    }
}
