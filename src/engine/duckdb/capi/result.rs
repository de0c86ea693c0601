//! A result on its way out: its columns, and its rows as Arrow batches.
#![expect(unsafe_code, reason = "part of the border to DuckDB's C API")]

use std::ffi::c_char;
use std::sync::Arc;

use ::duckdb::ffi;
use arrow::array::{RecordBatch, RecordBatchOptions, StructArray};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};

use super::Prepared;
use super::checks::{check_error_data, text_of};
use super::connection::ConnectionHandle;
use crate::engine::duckdb::error::{failure, from_duckdb_message};
use crate::engine::duckdb::logical_type::column_of;
use crate::error::Result;
use crate::types::Column;

/// A result, fetched piece by piece.
pub(crate) struct QueryResult {
    result: ffi::duckdb_result,
    options: ffi::duckdb_arrow_options,
    schema: SchemaRef,
    columns: Vec<Column>,
    source: Source,
}

/// What a result must not outlive.
pub(super) enum Source {
    /// The statement of rows that are computed as they are fetched.
    Stream(Prepared),
    /// For a result that is complete.
    Connection(#[expect(dead_code, reason = "held open")] Arc<ConnectionHandle>),
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
        if let Source::Stream(statement) = &self.source {
            statement.connection().end();
        }
    }
}

impl QueryResult {
    /// Takes over a result that is no error, and describes it.
    ///
    /// # Safety
    /// `result` is the source's, complete if that is a connection, and nobody else destroys it.
    pub(super) unsafe fn adopt(
        mut result: ffi::duckdb_result,
        source: Source,
    ) -> Result<QueryResult> {
        // SAFETY: the caller gives a valid result; both handles are destroyed here or by Drop.
        unsafe {
            let mut options = ffi::duckdb_result_get_arrow_options(&raw mut result);
            match describe_result(&mut result, options) {
                Ok((schema, columns)) => {
                    Ok(QueryResult { result, options, schema, columns, source })
                }
                Err(error) => {
                    ffi::duckdb_destroy_arrow_options(&raw mut options);
                    ffi::duckdb_destroy_result(&raw mut result);
                    Err(error)
                }
            }
        }
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns how many rows an INSERT, UPDATE or DELETE changed.
    pub(crate) fn rows_changed(&mut self) -> u64 {
        // SAFETY: the result is valid.
        unsafe { ffi::duckdb_rows_changed(&raw mut self.result) }
    }

    /// Tells whether the statement gave rows of its own, as opposed to a count of changed ones.
    pub(crate) fn has_rows(&self) -> bool {
        // SAFETY: the result is valid; it is passed by value as the C API wants it.
        let kind = unsafe { ffi::duckdb_result_return_type(self.result) };
        kind == ffi::duckdb_result_type_DUCKDB_RESULT_TYPE_QUERY_RESULT
    }

    /// Fetches the next rows, at most one DuckDB vector of them; `None` at the end.
    pub(crate) fn fetch(&mut self) -> Result<Option<RecordBatch>> {
        let entered = match &self.source {
            Source::Stream(statement) => statement.connection().enter(),
            Source::Connection(_) => None,
        };
        // SAFETY: the result is valid; the chunk is destroyed; the Arrow array is owned by
        // FFI_ArrowArray, whose Drop releases it.
        unsafe {
            let mut chunk = ffi::duckdb_fetch_chunk(self.result);
            if let Some(entered) = entered {
                entered.goes_on();
            }
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
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
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
