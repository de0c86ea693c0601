//! Statements that tell what they draw from sequences.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;

use super::WriteConnection;
use super::write_connection::Changed;
use crate::error::Result;
use crate::types::Value;

impl WriteConnection {
    /// Runs one statement, keeping of what RETURNING gives its last rows only.
    pub fn execute_for_last(&mut self, sql: &str, params: &[Value]) -> Result<Changed> {
        let mut result = self.planned(sql, params)?.run(false)?;
        let (columns, schema) = (result.columns().to_vec(), result.schema().clone());
        let mut last = Vec::new();
        let mut rows = 0;
        while let Some(batch) = result.fetch()? {
            rows += batch.num_rows() as u64;
            if batch.num_rows() > 0 {
                last = vec![batch];
            }
        }
        Ok(Changed { rows, returned: Some((columns, schema, last)) })
    }

    /// Runs a query of the server's own that gives one column of whole numbers and reads no table:
    /// it stays prepared.
    pub fn numbers(&mut self, sql: &str, params: &[Value]) -> Result<Vec<i64>> {
        let prepared = self.statements.prepared(&mut self.connection, sql)?;
        prepared.bind(params)?;
        let mut result = prepared.run_kept()?;
        let mut numbers = Vec::new();
        while let Some(batch) = result.fetch()? {
            let column = batch.columns().first();
            let values = column.and_then(|column| column.as_primitive_opt::<Int64Type>());
            numbers.extend(values.into_iter().flatten().flatten());
        }
        Ok(numbers)
    }
}
