//! The one place where arrow-rs batches and Polars frames meet: through Arrow IPC bytes.
//!
//! The two libraries have their own Arrow, so a batch is encoded once and decoded once. Types
//! are first brought to what Polars holds (`schema.rs`), so that no value changes in between.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use polars::prelude::{
    CompatLevel, DataFrame, IpcStreamReader, IpcStreamWriter, PolarsError, SerReader, SerWriter,
};

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// Makes a frame of one chunk from a batch whose types are those of part files.
pub(super) fn to_frame(batch: &RecordBatch) -> Result<DataFrame> {
    let bare = without_metadata(batch)?;
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &bare.schema()).map_err(encode_error)?;
    writer.write(&bare).and_then(|()| writer.finish()).map_err(encode_error)?;
    drop(writer);
    IpcStreamReader::new(Cursor::new(bytes))
        .set_rechunk(false)
        .finish()
        .map_err(|error| polars_error("could not convert rows", &error))
}

/// Makes batches from a frame, in the types of part files.
pub(super) fn to_batches(frame: &mut DataFrame) -> Result<Vec<RecordBatch>> {
    let mut bytes = Vec::new();
    IpcStreamWriter::new(&mut bytes)
        .with_compat_level(CompatLevel::oldest())
        .finish(frame)
        .map_err(|error| polars_error("could not convert rows", &error))?;
    let reader = StreamReader::try_new(Cursor::new(bytes), None).map_err(encode_error)?;
    reader.map(|batch| batch.map_err(encode_error)).collect()
}

/// Returns the schema that `to_batches` gives for a frame.
pub(super) fn arrow_schema(frame: &DataFrame) -> Result<SchemaRef> {
    let mut bytes = Vec::new();
    IpcStreamWriter::new(&mut bytes)
        .with_compat_level(CompatLevel::oldest())
        .finish(&mut frame.slice(0, 0))
        .map_err(|error| polars_error("could not convert rows", &error))?;
    let reader = StreamReader::try_new(Cursor::new(bytes), None).map_err(encode_error)?;
    Ok(reader.schema())
}

/// Drops field metadata: Polars takes some of it as extension types of its own.
fn without_metadata(batch: &RecordBatch) -> Result<RecordBatch> {
    let schema = batch.schema();
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| Field::new(field.name(), field.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), batch.columns().to_vec())
        .map_err(encode_error)
}

fn encode_error(error: arrow::error::ArrowError) -> Error {
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
