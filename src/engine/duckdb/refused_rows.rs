//! Which rows of a batch SQL is true for: how the conditions of a table are looked at before its
//! rows are queued.

use std::iter;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};

use super::capi::StreamView;
use super::instance::text_rows;
use super::write_connection::WriteConnection;
use crate::error::{Error, Result};

/// The column that numbers the rows.
const ROW: &str = "teatree_row";
/// The connection's own table of the rows.
const ROWS: &str = "teatree_rows";

impl WriteConnection {
    /// Finds the rows for which one of the conditions is true: each with its place in the batch and
    /// the place of the first such condition. Outside of a transaction.
    ///
    /// # Errors
    /// What DuckDB says of a condition that it cannot compute.
    pub fn refused_rows(
        &mut self,
        batch: &RecordBatch,
        conditions: &[&str],
    ) -> Result<Vec<(usize, usize)>> {
        let numbered = numbered(batch)?;
        let schema = numbered.schema();
        let view = StreamView::new(&self.connection, schema, Box::new(iter::once(Ok(numbered))))?;
        let cases: Vec<String> = conditions
            .iter()
            .enumerate()
            .map(|(place, condition)| format!("WHEN {condition} THEN {place}"))
            .collect();
        // A stream is read as it is: DuckDB would ask it for fewer columns, and it gives all.
        self.connection.execute(&format!(
            "CREATE OR REPLACE TEMP TABLE {ROWS} AS SELECT * FROM {}",
            view.sql_name()
        ))?;
        drop(view);
        let sql = format!(
            "SELECT {ROW}::varchar, refused::varchar FROM \
             (SELECT {ROW}, CASE {} END AS refused FROM temp.main.{ROWS}) \
             WHERE refused IS NOT NULL ORDER BY {ROW}",
            cases.join(" "),
        );
        let found = text_rows(&mut self.connection, &sql)?;
        let pair = |row: &Vec<String>| match row.as_slice() {
            [row, condition] => Some((row.parse().ok()?, condition.parse().ok()?)),
            _ => None,
        };
        Ok(found.iter().filter_map(pair).collect())
    }
}

fn numbered(batch: &RecordBatch) -> Result<RecordBatch> {
    let rows =
        i32::try_from(batch.num_rows()).map_err(|_| Error::internal("a batch is too long"))?;
    let mut fields: Vec<_> = batch.schema_ref().fields().iter().map(Arc::clone).collect();
    fields.push(Arc::new(Field::new(ROW, DataType::Int32, false)));
    let mut arrays: Vec<ArrayRef> = batch.columns().to_vec();
    arrays.push(Arc::new(Int32Array::from_iter_values(0..rows)));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| Error::internal(format!("rows could not be numbered: {error}")))
}
