//! DuckDB's C API, made safe: the one file that speaks to it.
//!
//! The `duckdb` crate does not wrap what a server needs: describing a statement without running
//! it, fetching a streamed result piece by piece from any thread, errors as JSON.
//!
//! **Invariants:** a connection runs one statement at a time (its methods take `&mut`); only
//! [`Interrupter::interrupt`] may touch it meanwhile. Every handle is destroyed exactly once, and
//! a child handle keeps its parents alive.
#![expect(unsafe_code, reason = "this file is the border to DuckDB's C API")]

use std::ffi::{CStr, CString, c_char};
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use ::duckdb::ffi;
use arrow::array::{Array, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};

use super::error::{failure, from_duckdb_message};
use super::logical_type::{column_of, pg_type_of};
use super::value::bind_value;
use crate::error::{Error, Result};
use crate::types::{Column, PgType, Value};

struct DatabaseHandle(ffi::duckdb_database);

// SAFETY: DuckDB's database handle may be used from any thread.
unsafe impl Send for DatabaseHandle {}
// SAFETY: as above; opening connections is synchronised inside DuckDB.
unsafe impl Sync for DatabaseHandle {}

impl Drop for DatabaseHandle {
    fn drop(&mut self) {
        // SAFETY: the handle came from duckdb_open_ext and every connection holds this Arc.
        unsafe { ffi::duckdb_close(&raw mut self.0) };
    }
}

/// An open DuckDB instance.
#[derive(Clone)]
pub(super) struct Database(Arc<DatabaseHandle>);

impl Database {
    /// Opens or creates the file at `path` with DuckDB settings.
    pub(super) fn open(path: &Path, settings: &[(&str, String)]) -> Result<Database> {
        let path = c_string(&path.to_string_lossy())?;
        let mut config = ptr::null_mut();
        let mut database = ptr::null_mut();
        let mut message: *mut c_char = ptr::null_mut();
        // SAFETY: all pointers are local and valid; config is destroyed below on every way out.
        unsafe {
            if ffi::duckdb_create_config(&raw mut config) != ffi::DuckDBSuccess {
                return Err(Error::internal("DuckDB could not create a configuration"));
            }
            for (name, value) in settings {
                let (c_name, c_value) = (c_string(name)?, c_string(value)?);
                if ffi::duckdb_set_config(config, c_name.as_ptr(), c_value.as_ptr())
                    != ffi::DuckDBSuccess
                {
                    ffi::duckdb_destroy_config(&raw mut config);
                    return Err(Error::internal(format!("DuckDB refused setting {name}")));
                }
            }
            let state =
                ffi::duckdb_open_ext(path.as_ptr(), &raw mut database, config, &raw mut message);
            ffi::duckdb_destroy_config(&raw mut config);
            if state != ffi::DuckDBSuccess {
                let text = text_of(message);
                ffi::duckdb_free(message.cast());
                return Err(from_duckdb_message(&text));
            }
        }
        Ok(Database(Arc::new(DatabaseHandle(database))))
    }

    /// Opens one more connection.
    pub(super) fn connect(&self) -> Result<Connection> {
        let mut raw = ptr::null_mut();
        // SAFETY: the database is open; on failure there is nothing to destroy.
        if unsafe { ffi::duckdb_connect(self.0.0, &raw mut raw) } != ffi::DuckDBSuccess {
            return Err(failure("DuckDB could not open a connection"));
        }
        let handle = Arc::new(ConnectionHandle { raw, _database: self.clone() });
        let mut connection = Connection { handle };
        connection.execute("SET errors_as_json = true")?;
        Ok(connection)
    }

    /// Opens a connection of the `duckdb` crate on the same instance, for what only it offers.
    pub(super) fn connect_crate(&self) -> Result<::duckdb::Connection> {
        // SAFETY: the database outlives the connection, since the caller keeps `self`'s Arc.
        unsafe { ::duckdb::Connection::open_from_raw(self.0.0) }
            .map_err(|error| from_duckdb_message(&error.to_string()))
    }
}

struct ConnectionHandle {
    raw: ffi::duckdb_connection,
    _database: Database,
}

// SAFETY: a connection may move between threads; exclusive use is ensured by `&mut Connection`.
unsafe impl Send for ConnectionHandle {}
// SAFETY: shared use is duckdb_interrupt only, which DuckDB allows from any thread.
unsafe impl Sync for ConnectionHandle {}

impl Drop for ConnectionHandle {
    fn drop(&mut self) {
        // SAFETY: the handle came from duckdb_connect; statements and results hold this Arc.
        unsafe { ffi::duckdb_disconnect(&raw mut self.raw) };
    }
}

/// Interrupts what its connection runs, from any thread.
#[derive(Clone)]
pub(super) struct Interrupter(Arc<ConnectionHandle>);

impl Interrupter {
    pub(super) fn interrupt(&self) {
        // SAFETY: the Arc keeps the connection open.
        unsafe { ffi::duckdb_interrupt(self.0.raw) };
    }
}

/// One DuckDB connection.
pub(super) struct Connection {
    handle: Arc<ConnectionHandle>,
}

impl Connection {
    pub(super) fn interrupter(&self) -> Interrupter {
        Interrupter(Arc::clone(&self.handle))
    }

    /// Runs SQL of our own that gives no rows; several statements are allowed.
    pub(super) fn execute(&mut self, sql: &str) -> Result<()> {
        let sql = c_string(sql)?;
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
    pub(super) fn prepare_expanded(&mut self, sql: &str) -> Result<Prepared> {
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
                let prepared = Prepared { raw, _connection: Arc::clone(&self.handle) };
                if state == ffi::DuckDBSuccess { Ok(prepared) } else { Err(prepared.error()) }
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
    pub(super) fn prepare(&mut self, sql: &str) -> Result<Prepared> {
        let sql = c_string(sql)?;
        let mut raw = ptr::null_mut();
        // SAFETY: DuckDB sets `raw` also on failure, to carry the message; Prepared destroys it.
        let state = unsafe { ffi::duckdb_prepare(self.handle.raw, sql.as_ptr(), &raw mut raw) };
        let prepared = Prepared { raw, _connection: Arc::clone(&self.handle) };
        if state != ffi::DuckDBSuccess {
            return Err(prepared.error());
        }
        Ok(prepared)
    }

    /// Opens an appender on a table; `columns` names those that are given, the others take their
    /// defaults. The schema is DuckDB's word (`main`).
    pub(super) fn appender(
        &mut self,
        schema: &str,
        table: &str,
        columns: &[String],
    ) -> Result<Appender<'_>> {
        let (c_schema, c_table) = (c_string(schema)?, c_string(table)?);
        let mut raw = ptr::null_mut();
        // SAFETY: the appender is destroyed by Appender's Drop, also when its creation failed.
        let state = unsafe {
            ffi::duckdb_appender_create_ext(
                self.handle.raw,
                ptr::null(),
                c_schema.as_ptr(),
                c_table.as_ptr(),
                &raw mut raw,
            )
        };
        let appender = Appender { raw, connection: self };
        appender.check(state)?;
        for column in columns {
            let name = c_string(column)?;
            // SAFETY: the appender is valid.
            appender.check(unsafe { ffi::duckdb_appender_add_column(raw, name.as_ptr()) })?;
        }
        Ok(appender)
    }
}

/// What DuckDB says a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatementType {
    Select,
    Explain,
    Other,
}

/// A prepared statement.
pub(super) struct Prepared {
    raw: ffi::duckdb_prepared_statement,
    _connection: Arc<ConnectionHandle>,
}

// SAFETY: a prepared statement may move between threads; its use is exclusive through `&mut`.
unsafe impl Send for Prepared {}

impl Drop for Prepared {
    fn drop(&mut self) {
        // SAFETY: the handle came from duckdb_prepare and is destroyed once.
        unsafe { ffi::duckdb_destroy_prepare(&raw mut self.raw) };
    }
}

impl Prepared {
    fn error(&self) -> Error {
        // SAFETY: the message belongs to the statement and is copied at once.
        from_duckdb_message(&unsafe { text_of(ffi::duckdb_prepare_error(self.raw)) })
    }

    pub(super) fn statement_type(&self) -> StatementType {
        // SAFETY: the statement is valid.
        match unsafe { ffi::duckdb_prepared_statement_type(self.raw) } {
            ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_SELECT => StatementType::Select,
            ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_EXPLAIN => StatementType::Explain,
            _ => StatementType::Other,
        }
    }

    /// Returns the inferred type of each parameter; `None` where DuckDB has none.
    pub(super) fn params(&self) -> Vec<Option<PgType>> {
        // SAFETY: the statement is valid; indexes run from 1 to nparams; types are destroyed.
        unsafe {
            (1..=ffi::duckdb_nparams(self.raw))
                .map(|index| {
                    let mut logical = ffi::duckdb_param_logical_type(self.raw, index);
                    let pg_type = pg_type_of(logical).map(|(pg_type, _)| pg_type);
                    ffi::duckdb_destroy_logical_type(&raw mut logical);
                    pg_type
                })
                .collect()
        }
    }

    /// Returns the result's columns; `None` when DuckDB cannot tell before it knows the
    /// parameters' types.
    pub(super) fn columns(&self) -> Option<Vec<Column>> {
        // SAFETY: the statement is valid; indexes are below the count; handles are destroyed.
        unsafe {
            (0..ffi::duckdb_prepared_statement_column_count(self.raw))
                .map(|index| {
                    let name = ffi::duckdb_prepared_statement_column_name(self.raw, index);
                    let mut logical =
                        ffi::duckdb_prepared_statement_column_logical_type(self.raw, index);
                    let column = column_of(&text_of(name), logical);
                    ffi::duckdb_free(name.cast_mut().cast());
                    ffi::duckdb_destroy_logical_type(&raw mut logical);
                    column
                })
                .collect()
        }
    }

    /// Binds every parameter, in order.
    pub(super) fn bind(&mut self, params: &[Value]) -> Result<()> {
        for (index, value) in params.iter().enumerate() {
            let mut bound = bind_value(value)?;
            // SAFETY: the statement and the value are valid; the value is destroyed.
            let state = unsafe {
                let state = ffi::duckdb_bind_value(self.raw, index as u64 + 1, bound);
                ffi::duckdb_destroy_value(&raw mut bound);
                state
            };
            if state != ffi::DuckDBSuccess {
                return Err(self.error());
            }
        }
        Ok(())
    }

    /// Runs a statement of our own that is kept prepared, and forgets its result.
    pub(super) fn run_again(&mut self, params: &[Value]) -> Result<()> {
        self.bind(params)?;
        // SAFETY: zeroed is the C API's empty result; it is destroyed here.
        unsafe {
            let mut result: ffi::duckdb_result = std::mem::zeroed();
            let state = ffi::duckdb_execute_prepared(self.raw, &raw mut result);
            let outcome = check_result(state, &mut result);
            ffi::duckdb_destroy_result(&raw mut result);
            outcome
        }
    }

    /// Runs the statement. A streamed result is computed as it is fetched; one that is not
    /// streamed is complete when this returns.
    pub(super) fn run(self, streaming: bool) -> Result<QueryResult> {
        // SAFETY: zeroed is the C API's empty result; QueryResult destroys it.
        unsafe {
            let mut result: ffi::duckdb_result = std::mem::zeroed();
            let state = if streaming {
                ffi::duckdb_execute_prepared_streaming(self.raw, &raw mut result)
            } else {
                ffi::duckdb_execute_prepared(self.raw, &raw mut result)
            };
            if let Err(error) = check_result(state, &mut result) {
                ffi::duckdb_destroy_result(&raw mut result);
                return Err(error);
            }
            let mut options = ffi::duckdb_result_get_arrow_options(&raw mut result);
            let described = describe_result(&mut result, options);
            match described {
                Ok((schema, columns)) => {
                    Ok(QueryResult { result, options, schema, columns, _prepared: self })
                }
                Err(error) => {
                    ffi::duckdb_destroy_arrow_options(&raw mut options);
                    ffi::duckdb_destroy_result(&raw mut result);
                    Err(error)
                }
            }
        }
    }
}

/// A result, fetched piece by piece.
pub(super) struct QueryResult {
    result: ffi::duckdb_result,
    options: ffi::duckdb_arrow_options,
    schema: SchemaRef,
    columns: Vec<Column>,
    _prepared: Prepared,
}

// SAFETY: a result may move between threads; its use is exclusive through `&mut`.
unsafe impl Send for QueryResult {}

impl Drop for QueryResult {
    fn drop(&mut self) {
        // SAFETY: both handles are valid and destroyed once, before the statement.
        unsafe {
            ffi::duckdb_destroy_arrow_options(&raw mut self.options);
            ffi::duckdb_destroy_result(&raw mut self.result);
        }
    }
}

impl QueryResult {
    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns how many rows an INSERT, UPDATE or DELETE changed.
    pub(super) fn rows_changed(&mut self) -> u64 {
        // SAFETY: the result is valid.
        unsafe { ffi::duckdb_rows_changed(&raw mut self.result) }
    }

    /// Tells whether the statement gave rows of its own, as opposed to a count of changed ones.
    pub(super) fn has_rows(&self) -> bool {
        // SAFETY: the result is valid; it is passed by value as the C API wants it.
        let kind = unsafe { ffi::duckdb_result_return_type(self.result) };
        kind == ffi::duckdb_result_type_DUCKDB_RESULT_TYPE_QUERY_RESULT
    }

    /// Fetches the next rows, at most one DuckDB vector of them; `None` at the end.
    pub(super) fn fetch(&mut self) -> Result<Option<RecordBatch>> {
        // SAFETY: the result is valid; the chunk is destroyed; the Arrow array is owned by
        // FFI_ArrowArray, whose Drop releases it.
        unsafe {
            let mut chunk = ffi::duckdb_fetch_chunk(self.result);
            if chunk.is_null() {
                let message = ffi::duckdb_result_error(&raw mut self.result);
                if message.is_null() || *message == 0 {
                    return Ok(None);
                }
                return Err(from_duckdb_message(&text_of(message)));
            }
            let rows = usize::try_from(ffi::duckdb_data_chunk_get_size(chunk)).unwrap_or(0);
            let mut array = FFI_ArrowArray::empty();
            let error = ffi::duckdb_data_chunk_to_arrow(
                self.options,
                chunk,
                (&raw mut array).cast::<ffi::ArrowArray>(),
            );
            ffi::duckdb_destroy_data_chunk(&raw mut chunk);
            check_error_data(error)?;
            let kind = DataType::Struct(self.schema.fields().clone());
            let data = arrow::ffi::from_ffi_and_data_type(array, kind)
                .map_err(|error| failure(&format!("DuckDB's Arrow data: {error}")))?;
            let columns = StructArray::from(data).columns().to_vec();
            let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
            RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
                .map(Some)
                .map_err(|error| failure(&format!("DuckDB's Arrow data: {error}")))
        }
    }
}

unsafe fn describe_result(
    result: &mut ffi::duckdb_result,
    options: ffi::duckdb_arrow_options,
) -> Result<(SchemaRef, Vec<Column>)> {
    // SAFETY: the caller gives a valid result; names live as long as it; types are destroyed.
    unsafe {
        let count = ffi::duckdb_column_count(result);
        let mut names: Vec<*const c_char> =
            (0..count).map(|index| ffi::duckdb_column_name(result, index)).collect();
        let mut types: Vec<ffi::duckdb_logical_type> =
            (0..count).map(|index| ffi::duckdb_column_logical_type(result, index)).collect();
        let columns: Option<Vec<Column>> = names
            .iter()
            .zip(&types)
            .map(|(&name, &logical)| column_of(&text_of(name), logical))
            .collect();
        let mut schema = FFI_ArrowSchema::empty();
        let error = ffi::duckdb_to_arrow_schema(
            options,
            types.as_mut_ptr(),
            names.as_mut_ptr().cast(),
            count,
            (&raw mut schema).cast::<ffi::ArrowSchema>(),
        );
        for logical in &mut types {
            ffi::duckdb_destroy_logical_type(logical);
        }
        check_error_data(error)?;
        let schema = Schema::try_from(&schema)
            .map_err(|error| failure(&format!("DuckDB's Arrow schema: {error}")))?;
        let columns = columns.ok_or_else(|| failure("DuckDB gave a column without a type"))?;
        Ok((Arc::new(schema), columns))
    }
}

/// Appends Arrow batches to a table. Rows are in the table when [`Appender::finish`] returns.
pub(super) struct Appender<'a> {
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

impl Appender<'_> {
    fn check(&self, state: ffi::duckdb_state) -> Result<()> {
        if state == ffi::DuckDBSuccess {
            return Ok(());
        }
        // SAFETY: the appender is valid; check_error_data destroys the error.
        unsafe { check_error_data(ffi::duckdb_appender_error_data(self.raw)) }?;
        Err(failure("DuckDB's appender failed without a message"))
    }

    /// Appends a batch; its columns are cast to the table's where they differ.
    pub(super) fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        let vector_size = usize::try_from(unsafe { ffi::duckdb_vector_size() }).unwrap_or(2048);
        let mut schema = FFI_ArrowSchema::try_from(batch.schema().as_ref())
            .map_err(|error| failure(&format!("Arrow schema: {error}")))?;
        let mut converted = ptr::null_mut();
        // SAFETY: the connection and schema are valid; `converted` is destroyed below.
        unsafe {
            check_error_data(ffi::duckdb_schema_from_arrow(
                self.connection.handle.raw,
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
                self.connection.handle.raw,
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
    pub(super) fn finish(self) -> Result<()> {
        // SAFETY: the appender is valid.
        let state = unsafe { ffi::duckdb_appender_flush(self.raw) };
        self.check(state)
    }
}

unsafe fn check_result(state: ffi::duckdb_state, result: &mut ffi::duckdb_result) -> Result<()> {
    if state == ffi::DuckDBSuccess {
        return Ok(());
    }
    // SAFETY: the caller gives a valid result; the message is copied.
    Err(from_duckdb_message(&unsafe { text_of(ffi::duckdb_result_error(result)) }))
}

/// Takes an error of the C API over: destroys it, and gives it as ours if there is one.
unsafe fn check_error_data(mut error: ffi::duckdb_error_data) -> Result<()> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the caller hands over a valid error; it is destroyed once.
    unsafe {
        let outcome = if ffi::duckdb_error_data_has_error(error) {
            Err(from_duckdb_message(&text_of(ffi::duckdb_error_data_message(error))))
        } else {
            Ok(())
        };
        ffi::duckdb_destroy_error_data(&raw mut error);
        outcome
    }
}

pub(super) unsafe fn text_of(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the C API gives NUL-terminated strings; the caller keeps this one alive.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

pub(super) fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| {
        Error::new(
            crate::sqlstate::SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            "invalid byte sequence for encoding \"UTF8\": 0x00",
        )
    })
}
