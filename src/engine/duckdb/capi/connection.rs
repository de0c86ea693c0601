//! A connection, and the handle that interrupts it.
//!
//! **Invariant:** only [`Interrupter::interrupt`] touches a connection that another thread uses.
#![expect(unsafe_code, reason = "part of the border to DuckDB's C API")]

use std::ptr;
use std::sync::Arc;

use ::duckdb::ffi;

use super::checks::{c_string, check_result, text_of};
use super::helpers::{Activity, Entered};
use super::{Appender, ChunkReader, Database, Prepared};
use crate::engine::duckdb::error::{failure, from_duckdb_message};
use crate::error::Result;

/// A connection and the database that it keeps open.
pub(super) struct ConnectionHandle {
    raw: ffi::duckdb_connection,
    database: Database,
    activity: Option<Arc<Activity>>,
}

// SAFETY: a connection may move between threads; exclusive use is ensured by `&mut Connection`.
unsafe impl Send for ConnectionHandle {}
// SAFETY: shared use is duckdb_interrupt only, which DuckDB allows from any thread.
unsafe impl Sync for ConnectionHandle {}

impl ConnectionHandle {
    /// Begins a call that runs a statement, or a part of it.
    pub(super) fn enter(&self) -> Option<Entered<'_>> {
        self.activity.as_deref().map(Activity::enter)
    }

    /// A statement whose rows were fetched piece by piece is over.
    pub(super) fn end(&self) {
        if let Some(activity) = &self.activity {
            activity.end();
        }
    }

    pub(super) fn raw(&self) -> ffi::duckdb_connection {
        self.raw
    }
}

impl Drop for ConnectionHandle {
    fn drop(&mut self) {
        // SAFETY: the handle came from duckdb_connect; statements and results hold this Arc.
        unsafe { ffi::duckdb_disconnect(&raw mut self.raw) };
    }
}

/// Interrupts what its connection runs, from any thread.
#[derive(Clone)]
pub(crate) struct Interrupter(Arc<ConnectionHandle>);

impl Interrupter {
    pub(crate) fn interrupt(&self) {
        // SAFETY: the Arc keeps the connection open.
        unsafe { ffi::duckdb_interrupt(self.0.raw) };
    }
}

/// One DuckDB connection.
pub(crate) struct Connection {
    handle: Arc<ConnectionHandle>,
}

impl Connection {
    /// Returns what reads chunks for as long as this connection is open.
    pub(crate) fn chunk_reader(&self) -> ChunkReader {
        ChunkReader::of(&self.handle)
    }

    pub(super) fn open(database: &Database) -> Result<Connection> {
        let mut raw = ptr::null_mut();
        // SAFETY: the database is open; on failure there is nothing to destroy.
        if unsafe { ffi::duckdb_connect(database.raw(), &raw mut raw) } != ffi::DuckDBSuccess {
            return Err(failure("DuckDB could not open a connection"));
        }
        let (activity, database) = (database.activity(), database.clone());
        let handle = Arc::new(ConnectionHandle { raw, database, activity });
        let mut connection = Connection { handle };
        connection.execute("SET errors_as_json = true")?;
        Ok(connection)
    }

    /// Opens another connection to the same database.
    pub(crate) fn another(&self) -> Result<Connection> {
        Connection::open(&self.handle.database)
    }

    /// Moves the connection out of what is about to be dropped, or only looks at it meanwhile: the
    /// two are one connection and must not be used at once.
    pub(crate) fn hand_over(&mut self) -> Connection {
        Connection { handle: Arc::clone(&self.handle) }
    }

    pub(crate) fn interrupter(&self) -> Interrupter {
        Interrupter(Arc::clone(&self.handle))
    }

    /// Runs SQL of our own that gives no rows; several statements are allowed.
    pub(crate) fn execute(&mut self, sql: &str) -> Result<()> {
        let sql = c_string(sql)?;
        let _entered = self.handle.enter();
        // SAFETY: zeroed is the C API's empty result; it is destroyed on both ways out.
        unsafe {
            let mut result: ffi::duckdb_result = std::mem::zeroed();
            let state = ffi::duckdb_query(self.handle.raw, sql.as_ptr(), &raw mut result);
            let outcome = check_result(state, &mut result);
            ffi::duckdb_destroy_result(&raw mut result);
            outcome
        }
    }

    /// Prepares one statement that DuckDB may expand to several, as it does with PIVOT: all but the
    /// last are run at once.
    pub(crate) fn prepare_expanded(&mut self, sql: &str) -> Result<Prepared> {
        let sql = c_string(sql)?;
        let mut extracted = ptr::null_mut();
        // SAFETY: `extracted` is destroyed below; indexes are below the count.
        unsafe {
            let count =
                ffi::duckdb_extract_statements(self.handle.raw, sql.as_ptr(), &raw mut extracted);
            let prepare = |index| {
                let mut raw = ptr::null_mut();
                let state = ffi::duckdb_prepare_extracted_statement(
                    self.handle.raw,
                    extracted,
                    index,
                    &raw mut raw,
                );
                Prepared::adopt(state, raw, Arc::clone(&self.handle))
            };
            let prepared = if count == 0 {
                let message = text_of(ffi::duckdb_extract_statements_error(extracted));
                Err(from_duckdb_message(&message))
            } else {
                (0..count - 1)
                    .try_for_each(|index| prepare(index)?.run_again(&[]))
                    .and_then(|()| prepare(count - 1))
            };
            ffi::duckdb_destroy_extracted(&raw mut extracted);
            prepared
        }
    }

    /// Prepares one statement: parses, binds and plans it without running.
    pub(crate) fn prepare(&mut self, sql: &str) -> Result<Prepared> {
        let sql = c_string(sql)?;
        let mut raw = ptr::null_mut();
        // SAFETY: DuckDB sets `raw` also on failure, to carry the message; Prepared destroys it.
        unsafe {
            let state = ffi::duckdb_prepare(self.handle.raw, sql.as_ptr(), &raw mut raw);
            Prepared::adopt(state, raw, Arc::clone(&self.handle))
        }
    }

    /// Opens an appender on a table; `columns` names those that are given, the others take their
    /// defaults. Database, where it is not the data file, and schema are DuckDB's words (`main`).
    pub(crate) fn appender(
        &mut self,
        schema: (Option<&str>, &str),
        table: &str,
        columns: &[String],
    ) -> Result<Appender<'_>> {
        Appender::open(self, schema, table, columns)
    }

    pub(super) fn raw(&self) -> ffi::duckdb_connection {
        self.handle.raw
    }
}
