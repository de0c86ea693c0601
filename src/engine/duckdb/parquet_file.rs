//! Rows to a Parquet file, which DuckDB writes.

use std::path::Path;

use arrow::datatypes::SchemaRef;

use super::DuckDb;
use super::capi::{Connection, SendBatches, StreamView};
use crate::error::{Error, Result};
use crate::sql::quote_ident;
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType, ScalarType};

impl DuckDb {
    /// Writes batches to a Parquet file, in one of the folders that the instance may use; gives the
    /// number of rows. `columns` are the batches', by their places. Blocks.
    ///
    /// # Errors
    /// 42701 when two columns have one name; the batches' own; what DuckDB says of types that
    /// Parquet does not have, and of the disk.
    pub fn write_parquet(
        &self,
        file: &Path,
        schema: &SchemaRef,
        columns: &[Column],
        batches: SendBatches,
    ) -> Result<u64> {
        check_names(columns)?;
        let mut connection = self.database.connect()?;
        let view = StreamView::new(&connection, SchemaRef::clone(schema), batches)?;
        let list: Vec<String> = schema
            .fields()
            .iter()
            .zip(columns)
            .map(|(field, column)| chosen(field.name(), column))
            .collect();
        let query = format!("SELECT {} FROM {}", list.join(", "), view.sql_name());
        match connection.execute(&to_parquet(&query, file)) {
            Ok(()) => Ok(view.rows()),
            Err(error) => Err(view.failed().unwrap_or(error)),
        }
    }
}

/// Writes the rows of a query to a Parquet file.
pub(super) fn write(connection: &mut Connection, query: &str, file: &Path) -> Result<()> {
    connection.execute(&to_parquet(query, file))
}

fn to_parquet(query: &str, file: &Path) -> String {
    let path = file.to_string_lossy().replace('\'', "''");
    format!("COPY ({query}) TO '{path}' (FORMAT parquet)")
}

fn check_names(columns: &[Column]) -> Result<()> {
    for (place, column) in columns.iter().enumerate() {
        if columns[..place].iter().any(|other| other.name.eq_ignore_ascii_case(&column.name)) {
            return Err(Error::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{}\" specified more than once", column.name),
            )
            .with_hint("The columns of a Parquet file have different names."));
        }
    }
    Ok(())
}

/// A column of the stream, of the type that it is of where Arrow has no such type.
fn chosen(field: &str, column: &Column) -> String {
    let (field, name) = (quote_ident(field), quote_ident(&column.name));
    match column.pg_type {
        PgType::Scalar(ScalarType::Uuid) => format!("CAST({field} AS UUID) AS {name}"),
        PgType::Scalar(ScalarType::Json | ScalarType::Jsonb) => {
            format!("CAST({field} AS JSON) AS {name}")
        }
        _ => format!("{field} AS {name}"),
    }
}
