//! COPY's binary format: a signature, flags, then tuples of length-prefixed values.

use super::{CopyDecoder, bad_format};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::input::from_binary;

/// What a stream begins with.
pub const COPY_SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// The flag of a stream whose tuples have OIDs, which no PostgreSQL since 12 reads.
const WITH_OIDS: u32 = 1 << 16;

/// Where in the format the stream is.
#[derive(Default)]
pub(super) struct Tuples {
    /// The header is behind.
    begun: bool,
    /// The trailer, too.
    ended: bool,
}

/// Reads numbers off the front of bytes; `None` when there are too few.
struct Front<'a>(&'a [u8]);

impl<'a> Front<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn i16(&mut self) -> Option<i16> {
        self.take(2).and_then(|bytes| Some(i16::from_be_bytes(bytes.try_into().ok()?)))
    }

    fn i32(&mut self) -> Option<i32> {
        self.take(4).and_then(|bytes| Some(i32::from_be_bytes(bytes.try_into().ok()?)))
    }
}

impl CopyDecoder {
    /// Takes the header or one tuple; returns its length, or `None` when it is not whole yet.
    pub(super) fn tuple(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        if !self.tuples.begun {
            let length = header(bytes)?;
            self.tuples.begun = length.is_some();
            return Ok(length);
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        if self.tuples.ended {
            let error = bad_format("received copy data after EOF marker");
            return Err(error.with_context(self.place()));
        }
        let mut front = Front(bytes);
        let Some(count) = front.i16() else { return Ok(None) };
        if count == -1 {
            self.tuples.ended = true;
            self.line += 1;
            return Ok(Some(2));
        }
        if usize::try_from(count).ok() != Some(self.columns.len()) {
            self.line += 1;
            let expected = self.columns.len();
            let error = bad_format(format!("row field count is {count}, expected {expected}"));
            return Err(error.with_context(self.place()));
        }
        let Some(length) = self.whole_tuple(bytes)? else { return Ok(None) };
        self.line += 1;
        for index in 0..self.columns.len() {
            let field = match usize::try_from(front.i32().unwrap_or(-1)) {
                Ok(length) => front.take(length),
                Err(_) => None,
            };
            self.binary_value(index, field)?;
        }
        self.rows += 1;
        self.rows_in_batch += 1;
        Ok(Some(length))
    }

    /// Returns a tuple's length once all of it is there.
    fn whole_tuple(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        let mut at = 2;
        for index in 0..self.columns.len() {
            let Some(length) = bytes.get(at..).and_then(|rest| Front(rest).i32()) else {
                return Ok(None);
            };
            if length < -1 {
                self.line += 1;
                return Err(self.in_column(bad_format("invalid field size"), index));
            }
            at += 4 + usize::try_from(length).unwrap_or(0);
        }
        Ok((at <= bytes.len()).then_some(at))
    }

    fn binary_value(&mut self, index: usize, field: Option<&[u8]>) -> Result<()> {
        let (Some(builder), Some(column)) = (self.builders.get_mut(index), self.columns.get(index))
        else {
            return Err(Error::internal("a field past the last column was read"));
        };
        let Some(field) = field else {
            builder.append_null();
            return Ok(());
        };
        let appended =
            from_binary(column.pg_type, field).and_then(|value| builder.append_value(&value));
        appended.map_err(|error| self.in_column(error, index))
    }

    fn in_column(&self, error: Error, index: usize) -> Error {
        let name = self.columns.get(index).map_or("", |column| column.name.as_str());
        error.with_context(format!("{}, column {name}", self.place()))
    }

    /// Checks that the stream did not end within a tuple.
    pub(super) fn end_of_tuples(&mut self, rest: &[u8]) -> Result<()> {
        if !self.tuples.begun {
            header(rest)?;
            return Err(unrecognized(rest));
        }
        // A count that is cut off counts as the end, as in PostgreSQL.
        if rest.len() < 2 {
            return Ok(());
        }
        self.line += 1;
        let mut at = 2;
        let index = (0..self.columns.len()).find(|_| {
            let length = rest.get(at..).and_then(|rest| Front(rest).i32());
            at += 4 + length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
            length.is_none() || at > rest.len()
        });
        Err(self.in_column(bad_format("unexpected EOF in COPY data"), index.unwrap_or(0)))
    }
}

/// Returns the header's length once all of it is there.
fn header(bytes: &[u8]) -> Result<Option<usize>> {
    let known = bytes.len().min(COPY_SIGNATURE.len());
    if bytes[..known] != COPY_SIGNATURE[..known] {
        return Err(bad_format("COPY file signature not recognized"));
    }
    let Some(rest) = bytes.get(COPY_SIGNATURE.len()..) else { return Ok(None) };
    let mut front = Front(rest);
    let Some(flags) = front.i32().map(i32::cast_unsigned) else { return Ok(None) };
    if flags & WITH_OIDS != 0 {
        return Err(bad_format("invalid COPY file header (WITH OIDS)"));
    }
    if flags >> 16 != 0 {
        return Err(bad_format("unrecognized critical flags in COPY file header"));
    }
    let Some(extension) = front.i32() else { return Ok(None) };
    let Ok(extension) = usize::try_from(extension) else {
        return Err(bad_format("invalid COPY file header (missing length)"));
    };
    let length = COPY_SIGNATURE.len() + 8 + extension;
    Ok((length <= bytes.len()).then_some(length))
}

/// Makes the error of a stream that ends within its header.
fn unrecognized(rest: &[u8]) -> Error {
    let message = match rest.len() {
        0..11 => "COPY file signature not recognized",
        11..15 => "invalid COPY file header (missing flags)",
        15..19 => "invalid COPY file header (missing length)",
        _ => "invalid COPY file header (wrong length)",
    };
    Error::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}
