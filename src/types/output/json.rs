//! Any Arrow value as json: what structs, maps and unions go to the client as.
//!
//! Numbers and booleans stay what they are, NaN and the infinities become strings as PostgreSQL's
//! `to_json`
//! makes them, timestamps are in ISO 8601 with `T`, everything else is a string of its text form.

use arrow::array::{Array, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{ArrowNativeType, DataType, Field as ArrowField};

use super::array::list_parts;
use super::cell::Cell;
use super::{Field, OutputStyle, Wire};
use crate::error::{Error, Result};
use crate::types::arrow_map::column_for_field;
use crate::types::{PgType, ScalarType};

/// An array whose values are written as json, NULL as `null`.
struct Member<'a> {
    nulls: Option<NullBuffer>,
    write: Cell<'a>,
}

impl<'a> Member<'a> {
    fn new(
        array: &'a dyn Array,
        field: Option<&ArrowField>,
        style: OutputStyle,
    ) -> Result<Member<'a>> {
        Ok(Member { nulls: array.logical_nulls(), write: values(array, field, style)? })
    }

    fn write(&self, at: usize, out: &mut Vec<u8>) -> Result<()> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(at)) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        (self.write)(at, out)
    }
}

/// Makes the writer of an array's values that are not NULL. The field, where there is one, tells
/// json text
/// from other text.
pub(super) fn values<'a>(
    array: &'a dyn Array,
    field: Option<&ArrowField>,
    style: OutputStyle,
) -> Result<Cell<'a>> {
    match array.data_type() {
        DataType::Struct(_) => structs(array, style),
        DataType::Map(..) => maps(array, style),
        DataType::Union(..) => unions(array, style),
        DataType::Null => Ok(Box::new(|_, out| {
            out.extend_from_slice(b"null");
            Ok(())
        })),
        _ => match list_parts(array) {
            Some((range, items)) => {
                let items = Member::new(items, None, style)?;
                Ok(Box::new(move |at, out| {
                    out.push(b'[');
                    for (place, item) in range(at).enumerate() {
                        if place > 0 {
                            out.push(b',');
                        }
                        items.write(item, out)?;
                    }
                    out.push(b']');
                    Ok(())
                }))
            }
            None => leaves(array, field, style),
        },
    }
}

fn leaves<'a>(
    array: &'a dyn Array,
    field: Option<&ArrowField>,
    style: OutputStyle,
) -> Result<Cell<'a>> {
    use ScalarType::{Bool, Float4, Float8, Int2, Int4, Int8, Json, Jsonb, Numeric, Oid};
    let pg_type = match field {
        Some(field) => column_for_field(field).pg_type,
        None => column_for_field(&ArrowField::new("", array.data_type().clone(), true)).pg_type,
    };
    let text = Field::new(array, Wire::text(pg_type, style))?.write;
    Ok(match pg_type.scalar() {
        Bool => Box::new(move |at, out| {
            let start = out.len();
            text(at, out)?;
            let value = out.get(start) == Some(&b't');
            out.truncate(start);
            out.extend_from_slice(if value { b"true" } else { b"false" });
            Ok(())
        }),
        Int2 | Int4 | Int8 | Oid | Numeric | Json | Jsonb => text,
        Float4 | Float8 => Box::new(move |at, out| {
            let start = out.len();
            text(at, out)?;
            if out.last().is_some_and(u8::is_ascii_alphabetic) || out.ends_with(b"NaN") {
                quote(out, start);
            }
            Ok(())
        }),
        _ => Box::new(move |at, out| {
            let start = out.len();
            text(at, out)?;
            if matches!(pg_type, PgType::TIMESTAMP | PgType::TIMESTAMPTZ) {
                to_iso_8601(out, start, pg_type == PgType::TIMESTAMPTZ);
            }
            quote(out, start);
            Ok(())
        }),
    })
}

/// Makes a printed timestamp one of ISO 8601: `T` between date and time, minutes in the offset.
fn to_iso_8601(out: &mut Vec<u8>, start: usize, zoned: bool) {
    if let Some(space) = out[start..].iter().position(|&byte| byte == b' ') {
        out[start + space] = b'T';
    }
    let sign = out.len().checked_sub(3).filter(|&at| at > start).map(|at| out[at]);
    if zoned && matches!(sign, Some(b'+' | b'-')) {
        out.extend_from_slice(b":00");
    }
}

/// Makes a json string of what was appended since `start`.
fn quote(out: &mut Vec<u8>, start: usize) {
    let plain = !out[start..].iter().any(|&byte| byte < 0x20 || matches!(byte, b'"' | b'\\'));
    if plain {
        out.insert(start, b'"');
        out.push(b'"');
        return;
    }
    let raw = out.split_off(start);
    write_string(out, &raw);
}

/// Appends a json string.
fn write_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

fn structs(array: &dyn Array, style: OutputStyle) -> Result<Cell<'_>> {
    let array = array.as_struct();
    let mut members = Vec::with_capacity(array.num_columns());
    for (field, column) in array.fields().iter().zip(array.columns()) {
        let mut name = Vec::new();
        write_string(&mut name, field.name().as_bytes());
        name.push(b':');
        members.push((name, Member::new(column.as_ref(), Some(field), style)?));
    }
    Ok(Box::new(move |at, out| {
        out.push(b'{');
        for (place, (name, member)) in members.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            out.extend_from_slice(name);
            member.write(at, out)?;
        }
        out.push(b'}');
        Ok(())
    }))
}

fn maps(array: &dyn Array, style: OutputStyle) -> Result<Cell<'_>> {
    let map = array.as_map();
    let offsets = map.value_offsets();
    let key_type = column_for_field(&ArrowField::new("", map.key_type().clone(), true)).pg_type;
    let keys = Field::new(map.keys().as_ref(), Wire::text(key_type, style))?;
    let items = Member::new(map.values().as_ref(), None, style)?;
    Ok(Box::new(move |at, out| {
        out.push(b'{');
        let range = offsets[at].as_usize()..offsets[at + 1].as_usize();
        for (place, item) in range.enumerate() {
            if place > 0 {
                out.push(b',');
            }
            let start = out.len();
            if !keys.is_null(item) {
                (keys.write)(item, out)?;
            }
            quote(out, start);
            out.push(b':');
            items.write(item, out)?;
        }
        out.push(b'}');
        Ok(())
    }))
}

fn unions(array: &dyn Array, style: OutputStyle) -> Result<Cell<'_>> {
    let Some(union) = array.as_union_opt() else {
        return Err(Error::internal("an array that is no union was read as one"));
    };
    let mut members = Vec::new();
    if let DataType::Union(fields, _) = array.data_type() {
        for (id, field) in fields.iter() {
            let child = union.child(id).as_ref();
            members.push((id, Member::new(child, Some(field), style)?));
        }
    }
    Ok(Box::new(move |at, out| {
        let id = union.type_id(at);
        match members.iter().find(|(member, _)| *member == id) {
            Some((_, member)) => member.write(union.value_offset(at), out),
            None => Err(Error::internal("a union value is of no member's type")),
        }
    }))
}
