//! The one place where arrow-rs batches and Polars frames meet: through Arrow's C data interface,
//! which hands buffers over without copying their values.
//!
//! The two libraries have their own Arrow. Types are first brought to what Polars holds
//! (`schema.rs`), so that no value changes in between.
#![expect(unsafe_code, reason = "hands arrays over as C structs, which both libraries define")]

use std::mem;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, make_array};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use polars::prelude::{CompatLevel, DataFrame, IntoColumn, PolarsError, Series};
use polars_arrow::ffi;

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// Makes a frame of one chunk from a batch whose types Polars holds.
///
/// # Errors
/// XX000 for a type that it does not.
pub fn to_frame(batch: &RecordBatch) -> Result<DataFrame> {
    let schema = batch.schema();
    let columns = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, array)| Ok(to_series(field, array)?.into_column()))
        .collect::<Result<Vec<_>>>()?;
    DataFrame::new(batch.num_rows(), columns).map_err(|error| refused(&error))
}

fn to_series(field: &Field, array: &ArrayRef) -> Result<Series> {
    let (array, schema) = to_ffi(&array.to_data()).map_err(|error| refused(&error))?;
    // SAFETY: both are the structs of the C data interface, with the layout that it fixes; each
    // is moved, so the one that releases it is the receiver.
    let (array, schema) = unsafe {
        (
            mem::transmute::<FFI_ArrowArray, ffi::ArrowArray>(array),
            mem::transmute::<FFI_ArrowSchema, ffi::ArrowSchema>(schema),
        )
    };
    // SAFETY: arrow-rs has made the schema and the array of one and the same array just now.
    let taken = unsafe {
        let taken = ffi::import_field_from_c(&schema).map_err(|error| refused(&error))?;
        ffi::import_array_from_c(array, taken.dtype).map_err(|error| refused(&error))?
    };
    Series::from_arrow(field.name().as_str().into(), taken).map_err(|error| refused(&error))
}

/// Makes batches from a frame, one for each of its chunks, in the types of part files.
///
/// # Errors
/// XX000 for a type that arrow-rs does not hold.
pub fn to_batches(frame: &mut DataFrame) -> Result<Vec<RecordBatch>> {
    frame.align_chunks();
    let schema = arrow_schema(frame)?;
    let chunks =
        frame.columns().first().map_or(0, |column| column.as_materialized_series().n_chunks());
    let one = |chunk: usize| {
        let columns = frame
            .columns()
            .iter()
            .zip(schema.fields())
            .map(|(column, field)| to_array(column.as_materialized_series(), chunk, field))
            .collect::<Result<Vec<_>>>()?;
        RecordBatch::try_new(Arc::clone(&schema), columns).map_err(|error| refused(&error))
    };
    (0..chunks).map(one).collect()
}

fn to_array(series: &Series, chunk: usize, field: &Field) -> Result<ArrayRef> {
    let array = ffi::export_array_to_c(series.to_arrow(chunk, CompatLevel::oldest()));
    let schema = FFI_ArrowSchema::try_from(field.data_type()).map_err(|error| refused(&error))?;
    // SAFETY: the struct of the C data interface, as above; it is moved.
    let array = unsafe { mem::transmute::<ffi::ArrowArray, FFI_ArrowArray>(array) };
    // SAFETY: Polars has made the array in the type that it said for this field.
    let data = unsafe { from_ffi(array, &schema) }.map_err(|error| refused(&error))?;
    Ok(make_array(data))
}

/// Returns the schema that [`to_batches`] gives for a frame.
///
/// # Errors
/// XX000 for a type that arrow-rs does not hold.
pub(super) fn arrow_schema(frame: &DataFrame) -> Result<SchemaRef> {
    let field = |column: &polars::prelude::Column| {
        let dtype = column.dtype();
        let field = dtype.to_arrow_field(column.name().clone(), CompatLevel::oldest());
        let schema = ffi::export_field_to_c(&field);
        // SAFETY: the struct of the C data interface, as above; it is moved.
        let schema = unsafe { mem::transmute::<ffi::ArrowSchema, FFI_ArrowSchema>(schema) };
        let data_type = arrow::datatypes::DataType::try_from(&schema);
        let data_type = data_type.map_err(|error| refused(&error))?;
        Ok(Field::new(column.name().as_str(), data_type, true))
    };
    let fields = frame.columns().iter().map(field).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(Schema::new(fields)))
}

fn refused(error: &dyn std::fmt::Display) -> Error {
    Error::internal(format!("could not convert rows: {error}"))
}

/// Translates an error of Polars on our own files; `what` says what was being done.
pub(super) fn polars_error(what: &str, error: &PolarsError) -> Error {
    match error {
        PolarsError::IO { error, .. } => Error::io(what, error),
        PolarsError::Context { error, .. } | PolarsError::ExprContext { error, .. } => {
            polars_error(what, error)
        }
        _ => Error::internal(format!("{what}: {error}")),
    }
}

/// Translates an error of Polars on a user's file.
pub(super) fn file_error(what: &str, error: &PolarsError) -> Error {
    match error {
        PolarsError::IO { error, .. } => Error::io(what, error),
        PolarsError::Context { error, .. } | PolarsError::ExprContext { error, .. } => {
            file_error(what, error)
        }
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            Error::new(SqlState::BAD_COPY_FILE_FORMAT, format!("{what}: {first}")).with_detail(text)
        }
    }
}
