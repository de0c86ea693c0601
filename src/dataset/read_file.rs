//! Files of others as rows: CSV, Parquet, Arrow IPC and JSON lines.
//!
//! The columns are found first, then rows come in batches of those columns' storage schema.
//! Memory: CSV and JSON lines hold one piece of text (8 MiB) and its rows; Arrow IPC one record
//! batch of the file; Parquet one row group, whose size the file's writer chose. The types of
//! CSV and JSON lines come from the first piece; a later value of another type is an error.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::{FileReader, StreamReader};
use polars::prelude::{
    CsvReadOptions, DataFrame, FileMetadataRef, JsonFormat, JsonReader, ParquetReader,
    SchemaRef as PolarsSchemaRef, SerReader,
};

use super::bridge::{arrow_schema, file_error, to_batches};
use super::text_chunks::TextChunks;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{Column, cast_batch, column_for_field, storage_schema};

/// Tests take small pieces, to have several.
const TEXT_CHUNK_BYTES: usize = if cfg!(test) { 64 << 10 } else { 8 << 20 };

/// What an Arrow file begins with, and a stream does not.
const ARROW_FILE_START: &[u8] = b"ARROW1";

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    Csv,
    Parquet,
    Arrow,
    JsonLines,
}

impl FileFormat {
    /// Tells the format from a file's extension.
    pub fn of(path: &Path) -> Option<FileFormat> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Some(FileFormat::Csv),
            "parquet" => Some(FileFormat::Parquet),
            "arrow" | "arrows" | "ipc" | "feather" => Some(FileFormat::Arrow),
            "jsonl" | "ndjson" => Some(FileFormat::JsonLines),
            _ => None,
        }
    }
}

/// A file's columns, and its rows as they are taken.
pub struct FileRows {
    pub columns: Vec<Column>,
    /// Batches in the storage schema of `columns`.
    pub batches: Box<dyn Iterator<Item = Result<RecordBatch>> + Send>,
}

/// A source of batches in whatever types the file has.
type RawBatches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// Opens a file for reading its rows. The path is taken as it is: whoever calls has checked it.
///
/// # Errors
/// 58P01 without the file, 22P04 when it is not of the format.
pub fn read_file(path: &Path, format: FileFormat) -> Result<FileRows> {
    let (schema, raw) = match format {
        FileFormat::Csv => text_rows(path, true)?,
        FileFormat::JsonLines => text_rows(path, false)?,
        FileFormat::Parquet => parquet_rows(path)?,
        FileFormat::Arrow => arrow_rows(path)?,
    };
    if schema.fields().is_empty() {
        return Err(bad_file("the file has no columns"));
    }
    let columns: Vec<Column> =
        schema.fields().iter().map(|field| column_for_field(field)).collect();
    let storage = storage_schema(&columns)?;
    let batches =
        raw.map(move |batch| batch.and_then(|batch| cast_batch(&batch, Arc::clone(&storage))));
    Ok(FileRows { columns, batches: Box::new(batches) })
}

fn open(path: &Path) -> Result<File> {
    let what = || format!("could not open file \"{}\"", path.display());
    File::open(path).map_err(|error| Error::io(&what(), &error))
}

fn bad_file(message: &str) -> Error {
    Error::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}

fn arrow_rows(path: &Path) -> Result<(SchemaRef, RawBatches)> {
    let refused = |error| bad_file(&format!("could not read the Arrow file: {error}"));
    let mut source = BufReader::new(open(path)?);
    let start = source.fill_buf().map_err(|error| Error::io("could not read the file", &error))?;
    if !start.starts_with(ARROW_FILE_START) {
        let reader = StreamReader::try_new(source, None).map_err(refused)?;
        let schema = reader.schema();
        return Ok((schema, Box::new(reader.map(move |batch| batch.map_err(refused)))));
    }
    let reader = FileReader::try_new(source, None).map_err(refused)?;
    let schema = reader.schema();
    Ok((schema, Box::new(reader.map(move |batch| batch.map_err(refused)))))
}

/// The rows of a Parquet file, one row group at a time.
struct ParquetRows {
    path: PathBuf,
    metadata: FileMetadataRef,
    group: usize,
    first_row: usize,
}

fn parquet_rows(path: &Path) -> Result<(SchemaRef, RawBatches)> {
    let refused = |error| file_error("could not read the Parquet file", &error);
    let mut reader = ParquetReader::new(open(path)?);
    let metadata = Arc::clone(reader.get_metadata().map_err(refused)?);
    // No rows, but the columns in the very types that the rows will have.
    let empty = reader.with_slice(Some((0, 0))).finish().map_err(refused)?;
    let schema = arrow_schema(&empty)?;
    let rows = ParquetRows { path: path.to_owned(), metadata, group: 0, first_row: 0 };
    Ok((schema, Box::new(rows.flat_map(spread))))
}

impl Iterator for ParquetRows {
    type Item = Result<Vec<RecordBatch>>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.metadata.row_groups.get(self.group)?.num_rows();
        let slice = (self.first_row, rows);
        self.group += 1;
        self.first_row += rows;
        Some(open(&self.path).and_then(|file| {
            let mut reader = ParquetReader::new(file).with_slice(Some(slice));
            reader.set_metadata(Arc::clone(&self.metadata));
            let frame = reader.finish();
            frame
                .map_err(|error| file_error("could not read the Parquet file", &error))
                .and_then(|mut frame| to_batches(&mut frame))
        }))
    }
}

/// The rows of a text file, one piece at a time.
struct TextRows {
    chunks: TextChunks<File>,
    csv: bool,
    schema: PolarsSchemaRef,
    /// The first piece, which gave the types.
    first: Option<DataFrame>,
    failed: bool,
}

fn text_rows(path: &Path, csv: bool) -> Result<(SchemaRef, RawBatches)> {
    let mut chunks = TextChunks::new(open(path)?, csv, TEXT_CHUNK_BYTES);
    let Some(first) = chunks.next_chunk()? else { return Err(bad_file("the file is empty")) };
    let frame = parse(csv, first, None)?;
    let polars_schema = Arc::clone(frame.schema());
    let schema = arrow_schema(&frame)?;
    let rows = TextRows { chunks, csv, schema: polars_schema, first: Some(frame), failed: false };
    Ok((schema, Box::new(rows.flat_map(spread))))
}

impl Iterator for TextRows {
    type Item = Result<Vec<RecordBatch>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let result = self.next_frame();
        self.failed = result.is_err();
        result
            .and_then(|frame| frame.map(|mut frame| to_batches(&mut frame)).transpose())
            .transpose()
    }
}

impl TextRows {
    fn next_frame(&mut self) -> Result<Option<DataFrame>> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let Some(text) = self.chunks.next_chunk()? else { return Ok(None) };
        parse(self.csv, text, Some(Arc::clone(&self.schema))).map(Some)
    }
}

/// Parses one piece; the first has CSV's header line and no schema yet.
fn parse(csv: bool, text: Vec<u8>, schema: Option<PolarsSchemaRef>) -> Result<DataFrame> {
    let source = Cursor::new(text);
    if csv {
        CsvReadOptions::default()
            .with_has_header(schema.is_none())
            .with_schema(schema)
            .with_infer_schema_length(None)
            .map_parse_options(|options| options.with_try_parse_dates(true))
            .into_reader_with_file_handle(source)
            .finish()
            .map_err(|error| file_error("could not read the CSV file", &error))
    } else {
        let reader = JsonReader::new(source).with_json_format(JsonFormat::JsonLines);
        let reader = match schema {
            Some(schema) => reader.with_schema(schema),
            None => reader.infer_schema_len(None),
        };
        reader.finish().map_err(|error| file_error("could not read the JSON lines", &error))
    }
}

fn spread(batches: Result<Vec<RecordBatch>>) -> Vec<Result<RecordBatch>> {
    match batches {
        Ok(batches) => batches.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    }
}
