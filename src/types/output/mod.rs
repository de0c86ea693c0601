//! Arrow batches to `DataRow` messages, in text or binary.
//!
//! The column's [`PgType`] says what goes on the wire, the array's Arrow type where it is read
//! from. A batch is prepared once (each array downcast, each pair of types decided), then written
//! row by row into one buffer: no allocation per field.
//!
//! - `cell.rs`: which writer serves which pair of types.
//! - `scalar.rs`, `temporal.rs`: the writers of single values; `array.rs`: lists; `record.rs`:
//!   rows; `json.rs`: what has no PostgreSQL type and goes as json; `value.rs`: a
//!   [`Value`](super::Value) in binary.
//! - `number.rs`, `float.rs`, `datetime.rs`, `styled.rs`, `interval.rs`: the representations
//!   themselves.

mod array;
mod cell;
mod datetime;
mod float;
mod interval;
mod json;
mod number;
mod record;
mod scalar;
mod styled;
#[cfg(test)]
mod style_tests;
mod temporal;
#[cfg(test)]
mod tests;
mod value;

use arrow::array::{Array, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field as ArrowField};
use bytes::BytesMut;
use chrono_tz::Tz;

use super::arrow_map::column_for_field;
use super::{Column, DateStyle, IntervalStyle, PgType, ScalarType};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use cell::Cell;
pub use datetime::timestamp_text;
pub(crate) use datetime::{write_offset, write_time};
pub(crate) use json::{JsonForm, json_texts};
use number::write_i64;
pub(crate) use value::write_value_text;

/// How one column goes over the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Text,
    Binary,
}

/// The session's settings that change how values print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputStyle {
    /// The zone that `timestamptz` is shown in.
    pub time_zone: Tz,
    /// PostgreSQL's setting of that name: 1 and above give the shortest exact digits.
    pub extra_float_digits: i32,
    /// Whether `bytea` prints as hex; otherwise as escapes.
    pub bytea_hex: bool,
    pub date_style: DateStyle,
    pub interval_style: IntervalStyle,
}

impl Default for OutputStyle {
    fn default() -> Self {
        OutputStyle {
            time_zone: Tz::UTC,
            extra_float_digits: 1,
            bytea_hex: true,
            date_style: DateStyle::default(),
            interval_style: IntervalStyle::default(),
        }
    }
}

/// What a writer is asked for: type, format and style.
#[derive(Clone, Copy)]
pub(crate) struct Wire {
    pg_type: PgType,
    format: Format,
    style: OutputStyle,
    /// A numeric without declared scale: zeros that only the engine's scale adds are left out.
    free_scale: bool,
    /// The characters that a `char(n)` is filled up to; 0 for other types.
    width: usize,
}

impl Wire {
    fn text(pg_type: PgType, style: OutputStyle) -> Wire {
        Wire { pg_type, format: Format::Text, style, free_scale: true, width: 0 }
    }
}

/// One array, ready to be written value by value.
pub(crate) struct Field<'a> {
    nulls: Option<NullBuffer>,
    write: Cell<'a>,
    /// The characters that a `char(n)` is filled up to; 0 for other types.
    width: usize,
}

impl<'a> Field<'a> {
    pub(crate) fn new(array: &'a dyn Array, wire: Wire) -> Result<Field<'a>> {
        let write = cell::cell(array, wire)?;
        Ok(Field { nulls: array.logical_nulls(), write, width: wire.width })
    }

    #[inline]
    fn is_null(&self, index: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(index))
    }

    /// Appends the value's length and bytes, or -1 for NULL.
    #[inline]
    fn write_with_length(&self, index: usize, out: &mut Vec<u8>) -> Result<()> {
        let at = out.len();
        if self.is_null(index) {
            out.extend_from_slice(&(-1i32).to_be_bytes());
            return Ok(());
        }
        out.extend_from_slice(&[0; 4]);
        (self.write)(index, out)?;
        if self.width > 0 {
            self.fill_up(out, at + 4);
        }
        write_length(out, at, 4)
    }
}

impl Field<'_> {
    /// Appends blanks to a text that starts at `from`.
    fn fill_up(&self, out: &mut Vec<u8>, from: usize) {
        let is_first = |byte: &&u8| **byte & 0xc0 != 0x80;
        let characters = out[from..].iter().filter(is_first).count();
        let missing = self.width.saturating_sub(characters);
        out.resize(out.len() + missing, b' ');
    }
}

/// Puts the length of what follows `at` into the four bytes there; `counted` of them are not
/// counted.
#[inline]
fn write_length(out: &mut [u8], at: usize, uncounted: usize) -> Result<()> {
    let length = i32::try_from(out.len() - at - uncounted).map_err(|_| too_long())?;
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

fn too_long() -> Error {
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "a row is too long for one message")
}

/// Prints the values of an array as PostgreSQL's text; NULL gives `None`.
pub(crate) fn each_text(
    array: &dyn Array,
    pg_type: PgType,
    style: OutputStyle,
    mut take: impl FnMut(Option<&[u8]>),
) -> Result<()> {
    let field = Field::new(array, Wire::text(pg_type, style))?;
    let mut text = Vec::new();
    for index in 0..array.len() {
        if field.is_null(index) {
            take(None);
            continue;
        }
        text.clear();
        (field.write)(index, &mut text)?;
        take(Some(&text));
    }
    Ok(())
}

/// Prints the values of an array of any type as PostgreSQL's text: rows as records, lists as
/// arrays; NULL gives `None`.
///
/// # Errors
/// 0A000 for values without a text.
pub(crate) fn value_texts(
    field: &ArrowField,
    array: &dyn Array,
    style: OutputStyle,
) -> Result<Vec<Option<String>>> {
    let mut item = field.data_type();
    while let DataType::List(inner) | DataType::LargeList(inner) = item {
        item = inner.data_type();
    }
    let pg_type = match (item, field.data_type()) {
        (DataType::Struct(_), DataType::Struct(_)) => PgType::RECORD,
        (DataType::Struct(_), _) => PgType::Array(ScalarType::Record),
        _ => column_for_field(field).pg_type,
    };
    let mut texts = Vec::with_capacity(array.len());
    each_text(array, pg_type, style, |text| {
        texts.push(text.map(|text| String::from_utf8_lossy(text).into_owned()));
    })?;
    Ok(texts)
}

/// Writes the rows of one result.
pub struct RowEncoder {
    columns: Vec<Column>,
    formats: Vec<Format>,
    style: OutputStyle,
}

impl RowEncoder {
    /// Makes an encoder. Formats are as in a Bind message: none for all text, one for all columns,
    /// or
    /// one a column.
    pub fn new(columns: &[Column], formats: Vec<Format>, style: OutputStyle) -> RowEncoder {
        RowEncoder { columns: columns.to_vec(), formats, style }
    }

    /// Returns the format of a column.
    fn format(&self, index: usize) -> Format {
        match self.formats.as_slice() {
            [] => Format::Text,
            [one] => *one,
            many => many.get(index).copied().unwrap_or_default(),
        }
    }

    /// Appends complete `DataRow` messages for the rows `[start, start + count)` of a batch. When
    /// it fails,
    /// nothing was appended.
    ///
    /// # Errors
    /// XX000 when the batch has not these columns or rows, 0A000 for a pair of types that has no
    /// conversion, 22003 and
    /// 22008 for a value that the column's type cannot hold, 54000 for what the protocol cannot.
    pub fn encode(
        &self,
        batch: &RecordBatch,
        start: usize,
        count: usize,
        out: &mut BytesMut,
    ) -> Result<()> {
        if batch.num_columns() != self.columns.len() {
            return Err(Error::internal(format!(
                "a batch has {} columns where the result has {}",
                batch.num_columns(),
                self.columns.len()
            )));
        }
        let end = start.checked_add(count).filter(|&end| end <= batch.num_rows());
        let Some(end) = end else {
            return Err(Error::internal("rows past the end of a batch were asked for"));
        };
        let field_count = i16::try_from(self.columns.len()).map_err(|_| {
            Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "a result has too many columns")
        })?;
        let fields = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let wire = Wire {
                    pg_type: column.pg_type,
                    format: self.format(index),
                    style: self.style,
                    free_scale: column.typmod < 0,
                    width: match column.pg_type {
                        PgType::BPCHAR => usize::try_from(column.typmod - 4).unwrap_or(0),
                        _ => 0,
                    },
                };
                Field::new(batch.column(index).as_ref(), wire)
            })
            .collect::<Result<Vec<_>>>()?;
        let mut rows = Vec::with_capacity(count.saturating_mul(8 + 14 * fields.len()));
        for row in start..end {
            let message = rows.len();
            rows.extend_from_slice(b"D\0\0\0\0");
            rows.extend_from_slice(&field_count.to_be_bytes());
            for field in &fields {
                field.write_with_length(row, &mut rows)?;
            }
            // The message's length counts itself, but not the letter before it.
            write_length(&mut rows, message + 1, 0)?;
        }
        out.extend_from_slice(&rows);
        Ok(())
    }
}
