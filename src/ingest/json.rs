//! The rows of JSON lines: one object a line.
//!
//! The text is read twice: first for the names of all columns that some line gives, since those
//! that no line gives take their defaults; then for the rows, in which a name that is missing means
//! NULL.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::csv::bad_content;
use super::pieces::{Piece, Pieces};
use super::rejects::Rejects;
use crate::error::{Error, Result};
use crate::function::json::{json_array_elements_text, json_each, json_object_keys};
use crate::router::{IngestTarget, null_value};
use crate::sqlstate::SqlState;
use crate::types::{
    ColumnBuilder, InputStyle, PgType, ScalarType, Value, from_text, storage_schema,
};

/// Longest line, in bytes.
const LINE_BYTES_MAX: usize = 64 << 20;
/// A batch ends at so many rows or bytes of lines.
const BATCH_ROWS: usize = 61_440;
const BATCH_BYTES: usize = 8 << 20;

pub(super) struct JsonPieces<'a> {
    lines: Lines,
    target: &'a IngestTarget,
    given: Vec<usize>,
    schema: SchemaRef,
    builders: Vec<ColumnBuilder>,
    style: InputStyle,
    keeps_raw: bool,
}

/// Lines with their numbers.
struct Lines {
    source: BufReader<File>,
    number: u64,
}

impl Lines {
    /// Gives the next line that is not blank, its line end included; `None` at the end.
    fn next(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            let mut line = Vec::new();
            (&mut self.source)
                .take(LINE_BYTES_MAX as u64 + 1)
                .read_until(b'\n', &mut line)
                .map_err(|error| Error::io("could not read the content", &error))?;
            if line.is_empty() {
                return Ok(None);
            }
            if line.len() > LINE_BYTES_MAX {
                return Err(Error::new(
                    SqlState::PROGRAM_LIMIT_EXCEEDED,
                    format!("a line of more than {LINE_BYTES_MAX} bytes cannot be read"),
                ));
            }
            self.number += 1;
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
    }
}

impl<'a> JsonPieces<'a> {
    pub(super) fn open(
        file: File,
        target: &'a IngestTarget,
        style: InputStyle,
        keeps_raw: bool,
    ) -> Result<JsonPieces<'a>> {
        let mut lines = Lines { source: BufReader::new(file), number: 0 };
        let given = given_columns(&mut lines, target)?;
        lines
            .source
            .seek(SeekFrom::Start(0))
            .map_err(|error| Error::io("could not read the content", &error))?;
        lines.number = 0;
        let columns = given.iter().map(|&place| &target.columns[place].column);
        let schema = storage_schema(columns)?;
        let builders = schema.fields().iter().map(|field| ColumnBuilder::new(field, style));
        let builders = builders.collect::<Result<_>>()?;
        Ok(JsonPieces { lines, target, given, schema, builders, style, keeps_raw })
    }

    /// Appends one row; tells which column is wrong. Some builders may have a value then.
    fn append(&mut self, line: &[u8]) -> Result<(), (Option<String>, Error)> {
        let text = text_of(line).map_err(|error| (None, error))?;
        let fields = json_each(text).map_err(|error| (None, not_an_object(&error)))?;
        if let Some((name, _)) =
            fields.iter().find(|(name, _)| self.target.place_of(name).is_none())
        {
            let table = &self.target.table.table;
            let message = format!("column \"{name}\" of relation \"{table}\" does not exist");
            return Err((Some(name.clone()), Error::new(SqlState::UNDEFINED_COLUMN, message)));
        }
        for (builder, &place) in self.builders.iter_mut().zip(&self.given) {
            let column = &self.target.columns[place];
            let name = &column.column.name;
            // The last one counts, as in jsonb.
            let found = fields
                .iter()
                .rev()
                .find(|(field, _)| field == name || self.target.place_of(field) == Some(place));
            let appended = match found.map(|(_, raw)| raw.as_str()) {
                None | Some("null") if column.not_null => Err(null_value(name, &self.target.table)),
                None | Some("null") => {
                    builder.append_null();
                    Ok(())
                }
                Some(raw) => append_json(builder, column.column.pg_type, raw, self.style),
            };
            appended.map_err(|error| (Some(name.clone()), error))?;
        }
        Ok(())
    }

    fn take_batch(&mut self, rows: usize, bad: &[usize]) -> Result<RecordBatch> {
        let arrays =
            self.builders.iter_mut().map(ColumnBuilder::finish).collect::<Result<Vec<_>>>();
        super::load::batch_without(&self.schema, arrays?, rows, bad)
    }
}

impl Pieces for JsonPieces<'_> {
    fn given(&self) -> &[usize] {
        &self.given
    }

    fn next(&mut self, rejects: &mut Rejects) -> Result<Option<Piece>> {
        let (mut rows, mut bytes) = (0, 0);
        let (mut bad, mut numbers, mut raw) = (Vec::new(), Vec::new(), Vec::new());
        while rows < BATCH_ROWS && bytes < BATCH_BYTES {
            let Some(line) = self.lines.next()? else { break };
            bytes += line.len();
            let shown = || String::from_utf8_lossy(line.trim_ascii_end()).replace('\0', "\u{fffd}");
            match self.append(&line) {
                Ok(()) => {
                    numbers.push(self.lines.number);
                    if self.keeps_raw {
                        raw.push(shown());
                    }
                }
                Err((column, error)) => {
                    self.builders
                        .iter_mut()
                        .filter(|builder| builder.len() == rows)
                        .for_each(ColumnBuilder::append_null);
                    bad.push(rows);
                    rejects.put(self.lines.number, column, shown(), error)?;
                }
            }
            rows += 1;
        }
        if rows == 0 {
            return Ok(None);
        }
        let batch = self.take_batch(rows, &bad)?;
        Ok(Some(Piece { batch, numbers, raw: Some(raw) }))
    }
}

/// Finds the columns that some line gives, in the table's order. Lines that are no objects, and
/// names that the table does not have, are the second reading's business.
fn given_columns(lines: &mut Lines, target: &IngestTarget) -> Result<Vec<usize>> {
    let mut seen = vec![false; target.columns.len()];
    let mut any = false;
    while let Some(line) = lines.next()? {
        any = true;
        if seen.iter().all(|seen| *seen) {
            break;
        }
        let Some(names) = text_of(&line).ok().and_then(|text| json_object_keys(text).ok()) else {
            continue;
        };
        for place in names.iter().filter_map(|name| target.place_of(name)) {
            seen[place] = true;
        }
    }
    let given: Vec<usize> = (0..seen.len()).filter(|&place| seen[place]).collect();
    match (any, given.is_empty()) {
        (false, _) => Err(bad_content("the content is empty")),
        (true, true) => Err(bad_content("no line gives a column of the table")
            .with_hint("Each line must be a JSON object whose names are the table's columns.")),
        (true, false) => Ok(given),
    }
}

fn text_of(line: &[u8]) -> Result<&str> {
    let refused = |_| {
        Error::new(
            SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            "invalid byte sequence for encoding \"UTF8\"",
        )
    };
    let text = std::str::from_utf8(line).map_err(refused)?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text).trim())
}

fn not_an_object(error: &Error) -> Error {
    match error.code() {
        SqlState::INVALID_PARAMETER_VALUE => {
            Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "the line is not a JSON object")
        }
        _ => Error::new(error.code(), error.message().to_owned()),
    }
}

/// Appends a JSON value as PostgreSQL's `json_populate_record` reads it.
fn append_json(
    builder: &mut ColumnBuilder,
    pg_type: PgType,
    raw: &str,
    style: InputStyle,
) -> Result<()> {
    match pg_type {
        PgType::Scalar(ScalarType::Json | ScalarType::Jsonb) => builder.append_text(raw),
        PgType::Array(element) if raw.starts_with('[') => {
            let items = json_array_elements_text(raw)?;
            let value = |item: Option<String>| match item {
                None => Ok(Value::Null),
                Some(text) => from_text(PgType::Scalar(element), &text, style),
            };
            let items = items.into_iter().map(value).collect::<Result<Vec<_>>>()?;
            builder.append_value(&Value::Array(element, items))
        }
        _ if raw.starts_with('"') => {
            let text: String = serde_json::from_str(raw).map_err(|error| {
                Error::new(
                    SqlState::INVALID_TEXT_REPRESENTATION,
                    format!("a string cannot be read: {error}"),
                )
            })?;
            if text.contains('\0') {
                return Err(Error::new(
                    SqlState::UNTRANSLATABLE_CHARACTER,
                    "unsupported Unicode escape sequence",
                ));
            }
            builder.append_text(&text)
        }
        _ => builder.append_text(raw),
    }
}
