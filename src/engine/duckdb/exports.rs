//! Rows of the Writer's queries on their way to files, and the table of files whose names are due.

use std::path::Path;

use arrow::array::RecordBatch;

use super::WriteConnection;
use super::instance::text_rows;
use super::parquet_file;
use crate::error::Result;
use crate::sql::quote_ident;
use crate::types::Value;

/// Files of committed transactions, by their names below the outbox.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS teatree_internal.outbox (
    hidden VARCHAR NOT NULL, path VARCHAR NOT NULL)";

/// Where rows lie between a query with parameters and its file.
const ROWS: &str = "teatree_exported";

impl WriteConnection {
    /// Gives each batch of a query's rows, which are computed as they are taken.
    ///
    /// # Errors
    /// The query's own, and what `take` says.
    pub fn each_batch(
        &mut self,
        sql: &str,
        params: &[Value],
        take: &mut dyn FnMut(RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let mut result = self.planned(sql, params)?.run(true)?;
        while let Some(batch) = result.fetch()? {
            take(batch)?;
        }
        Ok(())
    }

    /// Writes a query's rows to a Parquet file, whose columns get these names; gives their number.
    ///
    /// # Errors
    /// The query's own; what DuckDB says of names, of types that Parquet does not have, and of the
    /// disk.
    pub fn write_parquet(
        &mut self,
        file: &Path,
        sql: &str,
        params: &[Value],
        names: &[&str],
    ) -> Result<u64> {
        let names: Vec<String> = names.iter().map(|name| quote_ident(name)).collect();
        let named = format!("SELECT * FROM ({sql}) AS teatree_rows({})", names.join(", "));
        self.execute(&format!("CREATE OR REPLACE TEMP TABLE {ROWS} AS {named}"), params, 0)?;
        let rows = self.count(ROWS)?;
        parquet_file::write(&mut self.connection, &format!("FROM temp.{ROWS}"), file)?;
        self.execute(&format!("DROP TABLE temp.{ROWS}"), &[], 0)?;
        Ok(rows)
    }

    /// Notes that a file gets its name when the transaction is committed.
    pub fn note_outbox_file(&mut self, hidden: &str, path: &str) -> Result<()> {
        let params = [Value::Text(hidden.to_owned()), Value::Text(path.to_owned())];
        self.execute("INSERT INTO teatree_internal.outbox VALUES ($1, $2)", &params, 1).map(drop)
    }

    /// Lists the files whose names may be due, oldest first.
    pub fn outbox_files(&mut self) -> Result<Vec<(String, String)>> {
        self.connection.execute(TABLE)?;
        let rows = text_rows(
            &mut self.connection,
            "SELECT hidden, path FROM teatree_internal.outbox ORDER BY rowid",
        )?;
        let pairs = rows.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok());
        Ok(pairs.map(|[hidden, path]| (hidden, path)).collect())
    }

    /// Says that all names are given. In a transaction of its own.
    pub fn forget_outbox_files(&mut self) -> Result<()> {
        self.connection.execute("DELETE FROM teatree_internal.outbox")
    }

    /// Says that these files have their names.
    pub fn forget_outbox_file(&mut self, hidden: &str) -> Result<()> {
        let params = [Value::Text(hidden.to_owned())];
        self.execute("DELETE FROM teatree_internal.outbox WHERE hidden = $1", &params, 1).map(drop)
    }
}
