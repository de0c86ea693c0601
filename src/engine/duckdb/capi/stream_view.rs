//! Arrow batches as a view that one query reads, once, with all of DuckDB's threads.
//!
//! For many rows this is twice as fast as the Appender, whose own inserts of some 200,000 rows
//! each are not of the size that DuckDB stores together.
#![expect(unsafe_code, reason = "part of the border to DuckDB's C API")]

use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ::duckdb::ffi;
use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use parking_lot::Mutex;

use super::Connection;
use super::checks::c_string;
use crate::engine::duckdb::error::failure;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// Where the views are: the attached database in memory, so that the data file never sees them.
const SCHEMA: &str = "teatree_system.main";

/// Batches that a query reads.
pub(crate) type SendBatches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// A view over a stream of batches; it is gone when this is dropped.
pub(crate) struct StreamView {
    name: String,
    /// Makes and drops the view, outside of the transaction that reads it.
    connection: Connection,
    stream: ManuallyDrop<Box<FFI_ArrowArrayStream>>,
    state: Arc<StreamState>,
}

struct StreamState {
    batches: Mutex<Option<SendBatches>>,
    /// DuckDB has released the stream.
    released: AtomicBool,
    failed: Mutex<Option<Error>>,
    rows: AtomicU64,
}

/// What the stream reads from.
struct Source {
    schema: SchemaRef,
    state: Arc<StreamState>,
}

impl Drop for Source {
    fn drop(&mut self) {
        self.state.released.store(true, Ordering::Release);
    }
}

impl Iterator for Source {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.state.batches.lock().as_mut()?.next()?;
        Some(match next {
            Ok(batch) => {
                self.state.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
                Ok(batch)
            }
            Err(error) => {
                let told = ArrowError::ExternalError(error.message().to_owned().into());
                *self.state.failed.lock() = Some(error);
                Err(told)
            }
        })
    }
}

impl RecordBatchReader for Source {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl StreamView {
    /// Makes a view of batches of a schema.
    pub(crate) fn new(
        beside: &Connection,
        schema: SchemaRef,
        batches: SendBatches,
    ) -> Result<StreamView> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut connection = beside.another()?;
        connection.execute(&format!("SET search_path = '{SCHEMA}'"))?;
        let name = format!("staged_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let c_name = c_string(&name)?;
        let state = Arc::new(StreamState {
            batches: Mutex::new(Some(batches)),
            released: AtomicBool::new(false),
            failed: Mutex::default(),
            rows: AtomicU64::new(0),
        });
        let source = Source { schema, state: Arc::clone(&state) };
        let mut stream = Box::new(FFI_ArrowArrayStream::new(Box::new(source)));
        // SAFETY: the connection is valid; the stream stays at its place until the view is gone.
        let made = unsafe {
            ffi::duckdb_arrow_scan(
                connection.raw(),
                c_name.as_ptr(),
                (&raw mut *stream).cast::<ffi::_duckdb_arrow_stream>(),
            )
        };
        if made != ffi::DuckDBSuccess {
            return Err(failure("DuckDB could not look at a stream of rows"));
        }
        Ok(StreamView { name, connection, stream: ManuallyDrop::new(stream), state })
    }

    /// The view's name in SQL.
    pub(crate) fn sql_name(&self) -> String {
        format!("{SCHEMA}.{}", self.name)
    }

    /// Rows that were read.
    pub(crate) fn rows(&self) -> u64 {
        self.state.rows.load(Ordering::Relaxed)
    }

    /// Tells whether a query has failed because it does not see the view.
    pub(crate) fn is_unseen(&self, error: &Error) -> bool {
        let is_missing = error.code() == SqlState::UNDEFINED_TABLE;
        is_missing && self.rows() == 0 && error.message().contains(&self.name)
    }

    /// Takes the batches back that nobody has read.
    ///
    /// # Errors
    /// XX000 when somebody has.
    pub(crate) fn into_batches(self) -> Result<SendBatches> {
        let batches = self.state.batches.lock().take();
        batches.ok_or_else(|| Error::internal("a stream of rows was read twice"))
    }

    /// Why the batches ended early, if they did.
    pub(crate) fn failed(&self) -> Option<Error> {
        self.state.failed.lock().take()
    }
}

impl Drop for StreamView {
    fn drop(&mut self) {
        // A view that cannot be dropped is read by nobody.
        let _ = self.connection.execute(&format!("DROP VIEW IF EXISTS {}", self.sql_name()));
        // SAFETY: it is taken once, here.
        let stream = unsafe { ManuallyDrop::take(&mut self.stream) };
        if self.state.released.load(Ordering::Acquire) {
            // A query worked on a copy of the struct and has released what both point to.
            std::mem::forget(*stream);
        }
    }
}
