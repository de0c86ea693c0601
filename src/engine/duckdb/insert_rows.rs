//! A few typed rows into a table by a prepared statement: one row as parameters, more as one list a
//! column. DuckDB plans an appender anew each time, which takes longer than such rows themselves;
//! for many rows the appender is faster.

use super::WriteConnection;
use crate::catalog;
use crate::error::Result;
use crate::ids::TableName;
use crate::sql::{duckdb_type_name, quote_ident};
use crate::types::{Column, PgType, ScalarType, Value};

/// Rows that lists are made of at most.
const ROWS_MAX: usize = 256;

impl WriteConnection {
    /// Inserts rows, each with one value a column of exactly the column's type or NULL, where they
    /// are few and plain; `false` when they are neither inserted nor looked at.
    ///
    /// # Errors
    /// What DuckDB says of the rows.
    pub fn insert_few(
        &mut self,
        table: &TableName,
        columns: &[Column],
        rows: &[&Vec<Value>],
    ) -> Result<bool> {
        if rows.is_empty() || rows.len() > ROWS_MAX || !columns.iter().all(|c| is_plain(c.pg_type))
        {
            return Ok(false);
        }
        let names: Vec<String> = columns.iter().map(|column| quote_ident(&column.name)).collect();
        let into = format!("INSERT INTO {} ({})", catalog::duckdb_table(table), names.join(", "));
        if let [only] = rows {
            let places: Vec<String> =
                (1..=columns.len()).map(|place| format!("${place}")).collect();
            let sql = format!("{into} VALUES ({})", places.join(", "));
            self.statements.prepared(&mut self.connection, &sql)?.run_again(only)?;
            return Ok(true);
        }
        let mut lists = Vec::with_capacity(columns.len());
        let mut values = Vec::with_capacity(columns.len());
        for (place, column) in columns.iter().enumerate() {
            let Some(name) = duckdb_type_name(column.pg_type) else { return Ok(false) };
            lists.push(format!("unnest(${}::{name}[])", place + 1));
            let items = rows.iter().filter_map(|row| row.get(place).cloned()).collect();
            values.push(Value::Array(column.pg_type.scalar(), items));
        }
        let sql = format!("{into} SELECT {}", lists.join(", "));
        self.statements.prepared(&mut self.connection, &sql)?.run_again(&values)?;
        Ok(true)
    }
}

/// Types whose lists DuckDB takes as they are.
fn is_plain(pg_type: PgType) -> bool {
    let is_plain = matches!(
        pg_type.scalar(),
        ScalarType::Bool
            | ScalarType::Int2
            | ScalarType::Int4
            | ScalarType::Int8
            | ScalarType::Float4
            | ScalarType::Float8
            | ScalarType::Text
            | ScalarType::Bytea
            | ScalarType::Date
            | ScalarType::Time
            | ScalarType::Timestamp
            | ScalarType::Timestamptz
            | ScalarType::Uuid
    );
    is_plain && !pg_type.is_array()
}
