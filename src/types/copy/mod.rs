//! COPY's formats to Arrow batches.
//!
//! The stream may be cut anywhere. What is not yet a whole record is kept; a record is split into
//! fields that go straight into typed builders. After an error the decoder is of no further use.
//!
//! - `options.rs`: [`CopyOptions`] and its checks.
//! - `scan.rs`: where a record of text or csv ends.
//! - `split.rs`: a record's fields.
//! - `binary.rs`: the binary format.
//! - `header.rs`: the names in a header line.
//! - `lenient.rs`: records that are put aside instead of ending it all.
//! - `lines.rs`: the other way: rows to lines and tuples.

mod binary;
mod header;
mod lenient;
mod lines;
mod options;
mod scan;
mod split;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};

use super::arrow_map::{ColumnBuilder, batch, storage_field};
use super::{Column, InputStyle};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
pub use binary::COPY_SIGNATURE;
use binary::Tuples;
pub use header::header_names;
use lenient::Lenient;
pub use lenient::{BadRecord, Lines};
pub use lines::{CopyLines, copy_binary_header, put_tuple};
pub use options::{CopyEncoding, CopyFormat, CopyHeader, CopyOptions, GivenCopyOptions};
use scan::Scanner;

/// Longest record, in bytes: PostgreSQL's limit for one string.
const RECORD_BYTES_MAX: usize = 0x3fff_ffff;
/// A batch ends when its records have so many bytes, however few they are.
const BATCH_BYTES: usize = 8 << 20;
/// Longest part of a line or value in an error's context, in bytes.
const SHOWN_MAX: usize = 100;

/// Decodes the stream of one `COPY … FROM STDIN`.
pub struct CopyDecoder {
    options: CopyOptions,
    columns: Vec<Column>,
    builders: Vec<ColumnBuilder>,
    schema: SchemaRef,
    batch_rows: usize,
    table: String,
    /// Bytes of which the first `scanner.at()` hold no end of a record.
    pending: Vec<u8>,
    scanner: Scanner,
    tuples: Tuples,
    /// Whether lines end with CR LF; decided by the first.
    crlf: Option<bool>,
    /// The end marker was met: what follows is ignored.
    ended: bool,
    header_due: bool,
    line: u64,
    rows: u64,
    rows_in_batch: usize,
    bytes_in_batch: usize,
    scratch: Vec<u8>,
    lenient: Option<Lenient>,
}

impl CopyDecoder {
    /// Makes a decoder for the given columns, in the stream's order. Batches have `batch_rows`
    /// rows, the last one
    /// fewer; the table's name is for the errors' context.
    ///
    /// # Errors
    /// 0A000 for a column whose values cannot be built one by one.
    pub fn new(
        options: CopyOptions,
        columns: Vec<Column>,
        style: impl Into<InputStyle>,
        batch_rows: usize,
        table_name_for_messages: &str,
    ) -> Result<CopyDecoder> {
        let style = style.into();
        let fields =
            columns.iter().map(|column| storage_field(column, true)).collect::<Result<Vec<_>>>()?;
        let builders = fields
            .iter()
            .map(|field| ColumnBuilder::new(field, style))
            .collect::<Result<Vec<_>>>()?;
        Ok(CopyDecoder {
            scanner: Scanner::new(&options),
            header_due: options.header,
            options,
            columns,
            builders,
            schema: Arc::new(Schema::new(fields)),
            batch_rows: batch_rows.max(1),
            table: table_name_for_messages.to_owned(),
            pending: Vec::new(),
            tuples: Tuples::default(),
            crlf: None,
            ended: false,
            line: 0,
            rows: 0,
            rows_in_batch: 0,
            bytes_in_batch: 0,
            scratch: Vec::new(),
            lenient: None,
        })
    }

    /// Returns the schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Returns how many rows were decoded.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes the next piece of the stream, cut anywhere; gives the batches that it completes.
    ///
    /// # Errors
    /// 22P04 for a record of the wrong shape, 22021 for text that is not UTF-8, 54000 for a record
    /// that is too long,
    /// and what reading a value gives; with the line and column as context.
    pub fn feed(&mut self, data: &[u8]) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        if self.ended {
            return Ok(batches);
        }
        let mut pending = std::mem::take(&mut self.pending);
        if self.options.encoding == CopyEncoding::Latin1 && !self.is_binary() {
            // Each byte is the character of its number; what separates fields stays the same.
            pending.extend(data.iter().map(|&byte| char::from(byte)).collect::<String>().bytes());
        } else if pending.is_empty() {
            let used = self.decode(data, &mut batches)?;
            pending.extend_from_slice(&data[used..]);
            self.pending = self.bounded(pending)?;
            return Ok(batches);
        } else {
            pending.extend_from_slice(data);
        }
        let used = self.decode(&pending, &mut batches)?;
        pending.drain(..used);
        self.pending = self.bounded(pending)?;
        Ok(batches)
    }

    fn is_binary(&self) -> bool {
        self.options.format == CopyFormat::Binary
    }

    /// Takes every whole record; returns how many bytes they had.
    fn decode(&mut self, bytes: &[u8], batches: &mut Vec<RecordBatch>) -> Result<usize> {
        let mut used = 0;
        while !self.ended {
            let rest = &bytes[used..];
            let taken = if self.is_binary() {
                self.tuple(rest)?
            } else if let Some(end) = self.scanner.next(rest) {
                self.record(&rest[..end])?;
                Some(end + 1)
            } else {
                None
            };
            let Some(taken) = taken else { break };
            used += taken;
            self.bytes_in_batch += taken;
            let full = self.rows_in_batch == self.batch_rows || self.bytes_in_batch >= BATCH_BYTES;
            if full && self.rows_in_batch > 0 {
                batches.push(self.take_batch()?);
            }
        }
        // What follows the end mark is ignored.
        Ok(if self.ended { bytes.len() } else { used })
    }

    fn bounded(&self, pending: Vec<u8>) -> Result<Vec<u8>> {
        if pending.len() <= RECORD_BYTES_MAX {
            return Ok(pending);
        }
        Err(Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("a record of more than {RECORD_BYTES_MAX} bytes cannot be read"),
        )
        .with_context(format!("COPY {}, line {}", self.table, self.line + 1)))
    }

    /// Takes the end of the stream; gives the rows that are left.
    ///
    /// # Errors
    /// As [`CopyDecoder::feed`], for a last record without a line end.
    pub fn finish(&mut self) -> Result<Option<RecordBatch>> {
        let pending = std::mem::take(&mut self.pending);
        if self.is_binary() {
            self.end_of_tuples(&pending)?;
        } else if !self.ended && !pending.is_empty() {
            if self.scanner.in_quotes() {
                let newlines = memchr::memchr_iter(b'\n', &pending).count();
                self.line += 1 + u64::try_from(newlines).unwrap_or(0);
                return Err(self.at_line(bad_format("unterminated CSV quoted field"), &pending));
            }
            if self.crlf == Some(true) && pending.last() != Some(&b'\r') {
                self.crlf = None;
            }
            self.record(&pending)?;
        }
        if self.rows_in_batch == 0 { Ok(None) } else { self.take_batch().map(Some) }
    }

    fn take_batch(&mut self) -> Result<RecordBatch> {
        let arrays =
            self.builders.iter_mut().map(ColumnBuilder::finish).collect::<Result<Vec<_>>>()?;
        let rows = std::mem::take(&mut self.rows_in_batch);
        self.bytes_in_batch = 0;
        let batch = batch(Arc::clone(&self.schema), arrays, rows)?;
        self.good_rows(batch)
    }

    /// Takes one record, without its line end's LF.
    fn record(&mut self, record: &[u8]) -> Result<()> {
        let newlines = memchr::memchr_iter(b'\n', record).count();
        self.line += 1 + u64::try_from(newlines).unwrap_or(0);
        match self.take_record(record) {
            Err(error) if self.lenient.is_some() => self.put_aside(record, error),
            taken => taken,
        }
    }

    fn take_record(&mut self, record: &[u8]) -> Result<()> {
        let ends_with_cr = record.last() == Some(&b'\r');
        let crlf = *self.crlf.get_or_insert(ends_with_cr);
        let record = match (crlf, ends_with_cr) {
            (true, true) => &record[..record.len() - 1],
            (true, false) => {
                let error = bad_format(self.options.literal("newline"));
                return Err(self.at_line(error, record));
            }
            _ => record,
        };
        if record == b"\\." {
            self.ended = true;
            return Ok(());
        }
        let text = match std::str::from_utf8(record) {
            Ok(text) if memchr::memchr(0, record).is_none() => text,
            _ => return Err(not_utf8(record).with_context(self.place())),
        };
        if std::mem::take(&mut self.header_due) {
            return if self.options.header_match { self.check_header(text) } else { Ok(()) };
        }
        if text.is_empty() && self.columns.len() > 1 && self.lenient.is_some() {
            return Ok(());
        }
        match self.options.format {
            CopyFormat::Text | CopyFormat::Binary => self.text_row(text)?,
            CopyFormat::Csv => self.csv_row(text)?,
        }
        self.note_row(text);
        self.rows += 1;
        self.rows_in_batch += 1;
        Ok(())
    }

    fn place(&self) -> String {
        format!("COPY {}, line {}", self.table, self.line)
    }

    /// Adds the line and what stands in it as context.
    fn at_line(&self, error: Error, record: &[u8]) -> Error {
        let record = String::from_utf8_lossy(record);
        error.with_context(format!("{}: \"{}\"", self.place(), shown(&record)))
    }

    /// Adds the line, the column and its value as context.
    fn at_column(&self, error: Error, index: usize, value: Option<&str>) -> Error {
        let name = self.columns.get(index).map_or("", |column| column.name.as_str());
        let value = match value {
            Some(value) => format!("\"{}\"", shown(value)),
            None => "null input".to_owned(),
        };
        error.with_context(format!("{}, column {name}: {value}", self.place()))
    }

    fn missing(&self, index: usize, record: &str) -> Error {
        let name = self.columns.get(index).map_or("", |column| column.name.as_str());
        let error = bad_format(format!("missing data for column \"{name}\""));
        self.at_line(error, record.as_bytes())
    }

    fn extra(&self, record: &str) -> Error {
        self.at_line(bad_format("extra data after last expected column"), record.as_bytes())
    }

    /// Appends one field, or NULL.
    fn append(&mut self, index: usize, value: Option<&str>) -> Result<()> {
        if value.is_none() {
            self.check_null(index)?;
        }
        let Some(builder) = self.builders.get_mut(index) else {
            return Err(Error::internal("a field past the last column was read"));
        };
        match value {
            None => builder.append_null(),
            Some(text) => {
                if let Err(error) = builder.append_text(text) {
                    if let Some(lenient) = &mut self.lenient {
                        lenient.failed_column = Some(index);
                    }
                    return Err(self.at_column(error, index, value));
                }
            }
        }
        Ok(())
    }
}

/// Shortens what a context repeats.
fn shown(text: &str) -> String {
    if text.len() <= SHOWN_MAX {
        return text.to_owned();
    }
    let mut end = SHOWN_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &text[..end])
}

fn bad_format(message: impl Into<String>) -> Error {
    Error::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}

/// Makes the error of bytes that are not UTF-8, or are zero.
fn not_utf8(bytes: &[u8]) -> Error {
    let valid = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let at = bytes[..valid].iter().position(|&byte| byte == 0).unwrap_or(valid);
    let byte = bytes.get(at).copied().unwrap_or(0);
    Error::new(
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        format!("invalid byte sequence for encoding \"UTF8\": 0x{byte:02x}"),
    )
}
