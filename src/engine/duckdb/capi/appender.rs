//! Arrow batches into a table, past SQL.
#![expect(unsafe_code, reason = "part of the border to DuckDB's C API")]

use std::ptr;

use ::duckdb::ffi;
use arrow::array::{Array, RecordBatch, StructArray};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};

use super::Connection;
use super::checks::{c_string, check_error_data};
use crate::engine::duckdb::error::failure;
use crate::error::Result;

/// Appends Arrow batches to a table. Rows are in the table when [`Appender::finish`] returns.
pub(crate) struct Appender<'a> {
    raw: ffi::duckdb_appender,
    connection: &'a mut Connection,
}

impl Drop for Appender<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is destroyed once. What a failed append left in the buffer is cleared
        // first, since destroying flushes it.
        unsafe {
            if !self.raw.is_null() {
                ffi::duckdb_appender_clear(self.raw);
                ffi::duckdb_appender_destroy(&raw mut self.raw);
            }
        }
    }
}

impl<'a> Appender<'a> {
    pub(super) fn open(
        connection: &'a mut Connection,
        (database, schema): (Option<&str>, &str),
        table: &str,
        columns: &[String],
    ) -> Result<Appender<'a>> {
        let c_database = database.map(c_string).transpose()?;
        let (c_schema, c_table) = (c_string(schema)?, c_string(table)?);
        let mut raw = ptr::null_mut();
        // SAFETY: the appender is destroyed by Appender's Drop, also when its creation failed.
        let state = unsafe {
            ffi::duckdb_appender_create_ext(
                connection.raw(),
                c_database.as_ref().map_or(ptr::null(), |name| name.as_ptr()),
                c_schema.as_ptr(),
                c_table.as_ptr(),
                &raw mut raw,
            )
        };
        let appender = Appender { raw, connection };
        appender.check(state)?;
        for column in columns {
            let name = c_string(column)?;
            // SAFETY: the appender is valid.
            appender.check(unsafe { ffi::duckdb_appender_add_column(raw, name.as_ptr()) })?;
        }
        Ok(appender)
    }

    fn check(&self, state: ffi::duckdb_state) -> Result<()> {
        if state == ffi::DuckDBSuccess {
            return Ok(());
        }
        // SAFETY: the appender is valid; check_error_data destroys the error.
        unsafe { check_error_data(ffi::duckdb_appender_error_data(self.raw)) }?;
        Err(failure("DuckDB's appender failed without a message"))
    }

    /// Appends a batch; its columns are cast to the table's where they differ.
    pub(crate) fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        // SAFETY: this only reads a constant.
        let vector_size = usize::try_from(unsafe { ffi::duckdb_vector_size() }).unwrap_or(2048);
        let mut schema = FFI_ArrowSchema::try_from(batch.schema().as_ref())
            .map_err(|error| failure(&format!("Arrow schema: {error}")))?;
        let mut converted = ptr::null_mut();
        // SAFETY: the connection and schema are valid; `converted` is destroyed below.
        unsafe {
            check_error_data(ffi::duckdb_schema_from_arrow(
                self.connection.raw(),
                (&raw mut schema).cast::<ffi::ArrowSchema>(),
                &raw mut converted,
            ))?;
        }
        let mut outcome = Ok(());
        let mut start = 0;
        while start < batch.num_rows() && outcome.is_ok() {
            let count = vector_size.min(batch.num_rows() - start);
            outcome = self.append_slice(&batch.slice(start, count), converted);
            start += count;
        }
        // SAFETY: the converted schema is valid and destroyed once.
        unsafe { ffi::duckdb_destroy_arrow_converted_schema(&raw mut converted) };
        outcome
    }

    fn append_slice(
        &mut self,
        slice: &RecordBatch,
        converted: ffi::duckdb_arrow_converted_schema,
    ) -> Result<()> {
        let mut array = FFI_ArrowArray::new(&StructArray::from(slice.clone()).to_data());
        let mut chunk = ptr::null_mut();
        // SAFETY: DuckDB takes the array over on success (it clears `release`), else our Drop
        // releases it; the chunk is destroyed.
        unsafe {
            check_error_data(ffi::duckdb_data_chunk_from_arrow(
                self.connection.raw(),
                (&raw mut array).cast::<ffi::ArrowArray>(),
                converted,
                &raw mut chunk,
            ))?;
            let state = ffi::duckdb_append_data_chunk(self.raw, chunk);
            ffi::duckdb_destroy_data_chunk(&raw mut chunk);
            self.check(state)
        }
    }

    /// Flushes what was appended and checks the table's constraints.
    pub(crate) fn finish(self) -> Result<()> {
        // SAFETY: the appender is valid.
        let state = unsafe { ffi::duckdb_appender_flush(self.raw) };
        self.check(state)
    }
}
