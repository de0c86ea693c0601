//! Rows within rows: `(1,a)` as text, the fields with their types in binary.

use arrow::array::StructArray;
use arrow::datatypes::DataType;

use super::cell::Cell;
use super::{Field, Format, Wire};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::PgType;
use crate::types::arrow_map::column_for_field;

/// Makes the writer of structs as `record`.
pub(super) fn records(array: &StructArray, wire: Wire) -> Result<Cell<'_>> {
    let mut members = Vec::with_capacity(array.num_columns());
    for (field, values) in array.fields().iter().zip(array.columns()) {
        let pg_type = match field.data_type() {
            DataType::Struct(_) => PgType::RECORD,
            _ => column_for_field(field).pg_type,
        };
        members.push((pg_type.oid(), Field::new(values.as_ref(), Wire { pg_type, ..wire })?));
    }
    let count = i32::try_from(members.len())
        .map_err(|_| Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "a row has too many fields"))?;
    if wire.format == Format::Binary {
        return Ok(Box::new(move |at, out| {
            out.extend_from_slice(&count.to_be_bytes());
            for (oid, member) in &members {
                out.extend_from_slice(&oid.to_be_bytes());
                member.write_with_length(at, out)?;
            }
            Ok(())
        }));
    }
    Ok(Box::new(move |at, out| {
        out.push(b'(');
        for (place, (_, member)) in members.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            if !member.is_null(at) {
                let start = out.len();
                (member.write)(at, out)?;
                quote(out, start);
            }
        }
        out.push(b')');
        Ok(())
    }))
}

/// Quotes what was appended since `start`, where PostgreSQL's row output does.
fn quote(out: &mut Vec<u8>, start: usize) {
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | b'(' | b')' | b',');
    let text = &out[start..];
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    if !text.is_empty() && !text.iter().any(|byte| special(byte) || is_blank(byte)) {
        return;
    }
    let raw = out.split_off(start);
    out.push(b'"');
    for byte in raw {
        if matches!(byte, b'"' | b'\\') {
            out.push(byte);
        }
        out.push(byte);
    }
    out.push(b'"');
}
