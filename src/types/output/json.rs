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
use crate::sqlstate::SqlState;
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
        if !self.write_some(at, out)? {
            out.extend_from_slice(b"null");
        }
        Ok(())
    }

    /// Writes a value that is not NULL; tells whether there is one.
    fn write_some(&self, at: usize, out: &mut Vec<u8>) -> Result<bool> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(at)) {
            return Ok(false);
        }
        (self.write)(at, out)?;
        Ok(true)
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
        DataType::Struct(_) => structs(array, style, b","),
        DataType::Map(..) => maps(array, style),
        DataType::Union(..) => unions(array, style),
        DataType::Null => Ok(Box::new(|_, out| {
            out.extend_from_slice(b"null");
            Ok(())
        })),
        _ => match list_parts(array) {
            Some(_) => listed(array, style, (b"[", b",", b"]")),
            None => leaves(array, field, style),
        },
    }
}

/// The field of a list's items.
fn item_field(list: &DataType) -> Option<&ArrowField> {
    match list {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => Some(item),
        _ => None,
    }
}

/// How a value is laid out in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonForm {
    /// As `to_json` does.
    Plain,
    /// With line feeds between a row's or an array's own parts.
    Pretty,
    /// The list of an aggregate's arguments as an array.
    Aggregate,
    /// The list of an aggregate's keys and values as an object.
    ObjectAggregate,
}

/// Prints the values of an array as JSON; NULL gives `None`.
///
/// # Errors
/// 0A000 for values without a text, 22023 for an object's key that is NULL.
pub(crate) fn json_texts(
    field: &ArrowField,
    array: &dyn Array,
    style: OutputStyle,
    form: JsonForm,
) -> Result<Vec<Option<String>>> {
    let write = match form {
        JsonForm::Plain => values(array, Some(field), style)?,
        JsonForm::Pretty => match array.data_type() {
            DataType::Struct(_) => structs(array, style, b",\n ")?,
            _ => listed(array, style, (b"[", b",\n ", b"]"))?,
        },
        JsonForm::Aggregate => {
            let item = item_field(array.data_type()).map(ArrowField::data_type);
            let is_composite =
                item.is_some_and(|item| matches!(item, DataType::Struct(_)) || is_list(item));
            let between: &[u8] = if is_composite { b", \n " } else { b", " };
            listed(array, style, (b"[", between, b"]"))?
        }
        JsonForm::ObjectAggregate => objects(array, style)?,
    };
    let nulls = array.logical_nulls();
    let mut out = Vec::new();
    let text = |at| {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(at)) {
            return Ok(None);
        }
        out.clear();
        write(at, &mut out)?;
        Ok(Some(String::from_utf8_lossy(&out).into_owned()))
    };
    (0..array.len()).map(text).collect()
}

fn is_list(data_type: &DataType) -> bool {
    item_field(data_type).is_some()
}

/// Makes the writer of a list with something before, between and after its items.
fn listed<'a>(
    array: &'a dyn Array,
    style: OutputStyle,
    (before, between, after): (&'a [u8], &'a [u8], &'a [u8]),
) -> Result<Cell<'a>> {
    let Some((range, items)) = list_parts(array) else { return values(array, None, style) };
    let items = Member::new(items, item_field(array.data_type()), style)?;
    Ok(Box::new(move |at, out| {
        out.extend_from_slice(before);
        for (place, item) in range(at).enumerate() {
            if place > 0 {
                out.extend_from_slice(between);
            }
            items.write(item, out)?;
        }
        out.extend_from_slice(after);
        Ok(())
    }))
}

/// Makes the writer of a list of keys and values as an object, as `json_object_agg` lays it out.
fn objects(array: &dyn Array, style: OutputStyle) -> Result<Cell<'_>> {
    let pairs = list_parts(array).map(|(range, items)| (range, items.as_struct_opt()));
    let Some((range, Some(pairs))) = pairs else { return values(array, None, style) };
    let [keys, items] = pairs.columns() else { return values(array, None, style) };
    let keys = Member::new(keys.as_ref(), Some(&pairs.fields()[0]), style)?;
    let items = Member::new(items.as_ref(), Some(&pairs.fields()[1]), style)?;
    Ok(Box::new(move |at, out| {
        out.extend_from_slice(b"{ ");
        for (place, item) in range(at).enumerate() {
            if place > 0 {
                out.extend_from_slice(b", ");
            }
            let start = out.len();
            if !keys.write_some(item, out)? {
                let message = "field name must not be null";
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
            if out.get(start) != Some(&b'"') {
                quote(out, start);
            }
            out.extend_from_slice(b" : ");
            items.write(item, out)?;
        }
        out.extend_from_slice(b" }");
        Ok(())
    }))
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

/// Makes the writer of rows with something between their fields.
fn structs<'a>(array: &'a dyn Array, style: OutputStyle, between: &'a [u8]) -> Result<Cell<'a>> {
    let array = array.as_struct();
    let mut members = Vec::with_capacity(array.num_columns());
    for (place, (field, column)) in array.fields().iter().zip(array.columns()).enumerate() {
        let mut name = Vec::new();
        // A row that was written out has no names for its fields.
        match field.name().as_str() {
            "" => write_string(&mut name, format!("f{}", place + 1).as_bytes()),
            own => write_string(&mut name, own.as_bytes()),
        }
        name.push(b':');
        members.push((name, Member::new(column.as_ref(), Some(field), style)?));
    }
    Ok(Box::new(move |at, out| {
        out.push(b'{');
        for (place, (name, member)) in members.iter().enumerate() {
            if place > 0 {
                out.extend_from_slice(between);
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
