//! The columns of a chunk that DuckDB gives to a function, as Arrow arrays of any type.
#![expect(unsafe_code, reason = "part of the border to DuckDB's C API")]

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use ::duckdb::ffi;
use arrow::array::{ArrayRef, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};

use super::checks::{check_error_data, text_of};
use super::connection::ConnectionHandle;
use crate::engine::duckdb::error::failure;
use crate::error::Result;

/// Arrow's own key for extension types.
const EXTENSION_KEY: &str = "ARROW:extension:name";

/// How DuckDB makes Arrow of its values, by the settings of a connection.
///
/// It does not keep the connection open: functions live in the instance, which would never end.
pub(crate) struct ChunkReader {
    options: ffi::duckdb_arrow_options,
    connection: Weak<ConnectionHandle>,
}

// SAFETY: the options are a copy of settings that is only read.
unsafe impl Send for ChunkReader {}
// SAFETY: as above.
unsafe impl Sync for ChunkReader {}

impl Drop for ChunkReader {
    fn drop(&mut self) {
        // SAFETY: the handle is valid and destroyed once.
        unsafe { ffi::duckdb_destroy_arrow_options(&raw mut self.options) };
    }
}

impl ChunkReader {
    pub(super) fn of(connection: &Arc<ConnectionHandle>) -> ChunkReader {
        let mut options = std::ptr::null_mut();
        // SAFETY: the connection is open; the options are destroyed by Drop.
        unsafe { ffi::duckdb_connection_get_arrow_options(connection.raw(), &raw mut options) };
        ChunkReader { options, connection: Arc::downgrade(connection) }
    }

    /// Gives the columns of a chunk.
    pub(crate) fn columns(&self, chunk: ffi::duckdb_data_chunk) -> Result<Vec<(Field, ArrayRef)>> {
        let unreadable = |error| failure(&format!("DuckDB's Arrow data: {error}"));
        // The options point at the connection.
        let Some(_open) = self.connection.upgrade() else {
            return Err(failure("the instance is being closed"));
        };
        // SAFETY: the chunk is the caller's and valid during the call; types are destroyed, and
        // the Arrow array is owned by FFI_ArrowArray, whose Drop releases it.
        unsafe {
            let count = ffi::duckdb_data_chunk_get_column_count(chunk);
            let of_column = |at| {
                ffi::duckdb_vector_get_column_type(ffi::duckdb_data_chunk_get_vector(chunk, at))
            };
            let mut types: Vec<ffi::duckdb_logical_type> = (0..count).map(of_column).collect();
            let mut names = vec![c"".as_ptr(); types.len()];
            let mut schema = FFI_ArrowSchema::empty();
            let error = ffi::duckdb_to_arrow_schema(
                self.options,
                types.as_mut_ptr(),
                names.as_mut_ptr(),
                count,
                (&raw mut schema).cast::<ffi::ArrowSchema>(),
            );
            let outcome = check_error_data(error)
                .and_then(|()| Schema::try_from(&schema).map_err(unreadable))
                .map(|schema| {
                    let fields = schema.fields().iter().zip(&types);
                    fields.map(|(field, logical)| marked(field, *logical)).collect::<Fields>()
                });
            for logical in &mut types {
                ffi::duckdb_destroy_logical_type(logical);
            }
            let fields = outcome?;
            let mut array = FFI_ArrowArray::empty();
            let error = ffi::duckdb_data_chunk_to_arrow(
                self.options,
                chunk,
                (&raw mut array).cast::<ffi::ArrowArray>(),
            );
            check_error_data(error)?;
            let kind = DataType::Struct(fields.clone());
            let data = arrow::ffi::from_ffi_and_data_type(array, kind).map_err(unreadable)?;
            let columns = StructArray::from(data).columns().to_vec();
            Ok(fields.iter().map(|field| field.as_ref().clone()).zip(columns).collect())
        }
    }
}

/// Says of JSON that it is JSON, also inside of lists and rows: Arrow has a text there.
///
/// # Safety
/// The handle is a valid type, the one that the field was made of.
unsafe fn marked(field: &Field, logical: ffi::duckdb_logical_type) -> Field {
    // SAFETY: the caller's handle is valid; children and names are destroyed here.
    unsafe {
        let alias = ffi::duckdb_logical_type_get_alias(logical);
        let is_json = text_of(alias) == "JSON";
        ffi::duckdb_free(alias.cast());
        if is_json {
            let json = HashMap::from([(EXTENSION_KEY.to_owned(), "arrow.json".to_owned())]);
            return field.clone().with_metadata(json);
        }
        let child = |inner: &FieldRef, mut logical| {
            let inner = Arc::new(marked(inner, logical));
            ffi::duckdb_destroy_logical_type(&raw mut logical);
            inner
        };
        let data_type = match field.data_type() {
            DataType::List(item) => {
                DataType::List(child(item, ffi::duckdb_list_type_child_type(logical)))
            }
            DataType::LargeList(item) => {
                DataType::LargeList(child(item, ffi::duckdb_list_type_child_type(logical)))
            }
            DataType::Struct(fields)
                if ffi::duckdb_get_type_id(logical) == ffi::DUCKDB_TYPE_DUCKDB_TYPE_STRUCT =>
            {
                let fields = (0..).zip(fields).map(|(at, field)| {
                    child(field, ffi::duckdb_struct_type_child_type(logical, at))
                });
                DataType::Struct(fields.collect())
            }
            other => other.clone(),
        };
        field.clone().with_data_type(data_type)
    }
}
