//! The Writer's connection: every change of the DuckDB file goes through here.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::capi::{Connection, Interrupter, Prepared};
use super::instance::{text_rows, text_rows_with};
use crate::catalog;
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::sqlstate::SqlState;
use crate::types::{Column, Value};

/// The table that holds the last applied IntentSeq, in the database that it describes: its largest
/// row. Rows are only added, since DuckDB refuses a CHECKPOINT while a reader is older than an
/// UPDATE, and adding one is cheaper; now and then the smaller ones are deleted.
const APPLIED_TABLE: &str = "CREATE SCHEMA IF NOT EXISTS teatree_internal;
CREATE TABLE IF NOT EXISTS teatree_internal.applied (seq UBIGINT NOT NULL);
INSERT INTO teatree_internal.applied
    SELECT 0 WHERE NOT EXISTS (FROM teatree_internal.applied);
DELETE FROM teatree_internal.applied
    WHERE seq < (SELECT max(seq) FROM teatree_internal.applied);";

/// Commits between two clean-ups of the table of applied places.
const CLEAN_EVERY: u32 = 10_000;

/// What one statement did.
pub struct Changed {
    /// Rows inserted, updated or deleted; rows returned for RETURNING.
    pub rows: u64,
    /// The rows of RETURNING.
    pub returned: Option<(Vec<Column>, SchemaRef, Vec<RecordBatch>)>,
}

/// A connection that writes. All its methods block.
pub struct WriteConnection {
    advance: Prepared,
    clean: Prepared,
    commits: u32,
    connection: Connection,
    session: (String, Vec<String>),
}

impl WriteConnection {
    pub(super) fn new(mut connection: Connection) -> Result<WriteConnection> {
        connection.execute(APPLIED_TABLE)?;
        let advance = connection.prepare("INSERT INTO teatree_internal.applied VALUES ($1)")?;
        let clean = connection.prepare("DELETE FROM teatree_internal.applied WHERE seq < $1")?;
        Ok(WriteConnection {
            advance,
            clean,
            commits: 0,
            connection,
            session: (String::new(), vec![String::new()]),
        })
    }

    /// Returns what stops the running statement from another thread.
    pub fn interrupter(&self) -> impl Fn() + Send + Sync + use<> {
        let interrupter: Interrupter = self.connection.interrupter();
        move || interrupter.interrupt()
    }

    /// Reads the last IntentSeq whose change is in the file.
    pub fn applied(&mut self) -> Result<IntentSeq> {
        let rows = text_rows(
            &mut self.connection,
            "SELECT max(seq)::varchar FROM teatree_internal.applied",
        )?;
        rows.first()
            .and_then(|row| row.first()?.parse().ok())
            .map(IntentSeq)
            .ok_or_else(|| Error::new(SqlState::DATA_CORRUPTED, "the applied IntentSeq is missing"))
    }

    /// Gives the connection the time zone and search path that an intent was accepted with.
    pub fn adopt(&mut self, time_zone: &str, search_path: &[String]) -> Result<()> {
        if self.session.0 != time_zone {
            let zone = time_zone.replace('\'', "''");
            self.connection.execute(&format!("SET SESSION TimeZone = '{zone}'"))?;
            time_zone.clone_into(&mut self.session.0);
        }
        if self.session.1 != search_path {
            let path = catalog::duckdb_search_path(search_path).replace('\'', "''");
            self.connection.execute(&format!("SET SESSION search_path = '{path}'"))?;
            self.session.1 = search_path.to_vec();
        }
        Ok(())
    }

    /// Starts a transaction.
    pub fn begin(&mut self) -> Result<()> {
        self.connection.execute("BEGIN TRANSACTION")
    }

    /// Commits the transaction together with its place in the log. When it fails, the transaction
    /// is undone.
    pub fn commit(&mut self, seq: IntentSeq) -> Result<()> {
        let seq = i64::try_from(seq.0).map_err(|_| Error::internal("the log is too long"))?;
        self.commits += 1;
        let cleaned = if self.commits % CLEAN_EVERY == 0 {
            self.clean.run_again(&[Value::Int8(seq)])
        } else {
            Ok(())
        };
        let committed = match cleaned.and_then(|()| self.advance.run_again(&[Value::Int8(seq)])) {
            Ok(()) => self.connection.execute("COMMIT"),
            Err(error) => Err(error),
        };
        if committed.is_err() {
            // A COMMIT that failed has ended its transaction already; an interrupt before it has
            // not.
            let _ = self.rollback();
        }
        committed
    }

    /// Undoes the transaction.
    pub fn rollback(&mut self) -> Result<()> {
        self.connection.execute("ROLLBACK")
    }

    /// Runs one statement, gathering at most `rows_max` rows of RETURNING.
    ///
    /// # Errors
    /// 54000 when RETURNING gives more rows; what DuckDB says otherwise.
    pub fn execute(&mut self, sql: &str, params: &[Value], rows_max: usize) -> Result<Changed> {
        let mut prepared = self.connection.prepare(sql)?;
        prepared.bind(params)?;
        let mut result = prepared.run(false)?;
        if !result.has_rows() {
            return Ok(Changed { rows: result.rows_changed(), returned: None });
        }
        let (columns, schema) = (result.columns().to_vec(), result.schema().clone());
        let mut batches = Vec::new();
        let mut rows = 0;
        while let Some(batch) = result.fetch()? {
            rows += batch.num_rows();
            if rows > rows_max {
                return Err(Error::new(
                    SqlState::PROGRAM_LIMIT_EXCEEDED,
                    format!("a write gives back more than {rows_max} rows"),
                )
                .with_hint("Raise outcome_rows_max, or leave RETURNING out."));
            }
            batches.push(batch);
        }
        Ok(Changed { rows: rows as u64, returned: Some((columns, schema, batches)) })
    }

    /// Counts a table's rows; the name is quoted SQL.
    pub fn count(&mut self, table: &str) -> Result<u64> {
        let sql = format!("SELECT count(*)::varchar FROM {table}");
        let rows = text_rows(&mut self.connection, &sql)?;
        Ok(rows.first().and_then(|row| row.first()?.parse().ok()).unwrap_or(0))
    }

    /// Counts a table's rows.
    pub fn count_table(&mut self, table: &TableName) -> Result<u64> {
        self.count(&catalog::duckdb_table(table))
    }

    /// Runs SQL of the server's own.
    pub fn run(&mut self, sql: &str) -> Result<()> {
        self.connection.execute(sql)
    }

    /// Appends batches to a table; `columns` names those that the batches have.
    pub fn append(
        &mut self,
        table: &TableName,
        columns: &[String],
        batches: &mut dyn Iterator<Item = Result<RecordBatch>>,
    ) -> Result<u64> {
        if !self.has_table(table)? {
            return Err(Error::new(
                SqlState::UNDEFINED_TABLE,
                format!("relation \"{}\" does not exist", table.table),
            ));
        }
        let schema = catalog::duckdb_schema(&table.schema);
        let mut appender = self.connection.appender(schema, &table.table, columns)?;
        let mut rows = 0;
        for batch in batches {
            let batch = batch?;
            appender.append(&batch)?;
            rows += batch.num_rows() as u64;
        }
        appender.finish()?;
        Ok(rows)
    }

    /// Tells whether DuckDB has a table or view of this name.
    pub fn has_table(&mut self, table: &TableName) -> Result<bool> {
        let params = [
            Value::Text(catalog::duckdb_schema(&table.schema).to_owned()),
            Value::Text(table.table.clone()),
        ];
        let rows = text_rows_with(
            &mut self.connection,
            "SELECT '1' FROM duckdb_tables() WHERE database_name = current_database()
                 AND schema_name = $1 AND table_name = $2
             UNION ALL
             SELECT '1' FROM duckdb_views() WHERE database_name = current_database()
                 AND schema_name = $1 AND view_name = $2",
            &params,
        )?;
        Ok(!rows.is_empty())
    }

    /// Writes everything committed into the data file and empties its write-ahead log.
    ///
    /// # Errors
    /// 55000 when DuckDB refuses it: a reader is open that is older than an UPDATE, whose rows the
    /// file would have to keep twice.
    pub fn checkpoint(&mut self) -> Result<()> {
        self.connection.execute("CHECKPOINT")
    }
}
