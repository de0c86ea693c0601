//! Lists as PostgreSQL's arrays: `{1,"b c",NULL}`, nested lists as more dimensions.

use std::ops::Range;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{ArrowNativeType, DataType};

use super::cell::Cell;
use super::{Field, Format, Wire, write_i64, write_length};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{PgType, ScalarType};

/// PostgreSQL's `MAXDIM`.
pub(crate) const DIMENSIONS_MAX: usize = 6;

/// One level of lists.
struct Lists<'a> {
    range: Box<dyn Fn(usize) -> Range<usize> + 'a>,
    items: Items<'a>,
}

enum Items<'a> {
    Lists(Option<arrow::buffer::NullBuffer>, Box<Lists<'a>>),
    Values(Field<'a>),
}

impl<'a> Lists<'a> {
    fn new(array: &'a dyn Array, element: Wire, depth: usize) -> Result<Lists<'a>> {
        if depth > DIMENSIONS_MAX {
            return Err(Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!(
                    "number of array dimensions exceeds the maximum allowed ({DIMENSIONS_MAX})"
                ),
            ));
        }
        let Some((range, values)) = list_parts(array) else {
            return Err(Error::internal("an array that is no list was read as one"));
        };
        let items = match list_parts(values) {
            Some(_) if !is_json(element) => {
                let inner = Lists::new(values, element, depth + 1)?;
                Items::Lists(values.logical_nulls(), Box::new(inner))
            }
            _ => Items::Values(Field::new(values, element)?),
        };
        Ok(Lists { range, items })
    }

    /// Appends the text of one list; tells whether it has any value.
    fn write_text(&self, at: usize, out: &mut Vec<u8>) -> Result<bool> {
        out.push(b'{');
        let mut any = false;
        for (place, item) in (self.range)(at).enumerate() {
            if place > 0 {
                out.push(b',');
            }
            match &self.items {
                Items::Lists(nulls, inner) => {
                    if nulls.as_ref().is_some_and(|nulls| nulls.is_null(item)) {
                        out.extend_from_slice(b"NULL");
                        any = true;
                    } else {
                        any |= inner.write_text(item, out)?;
                    }
                }
                Items::Values(field) if field.is_null(item) => {
                    out.extend_from_slice(b"NULL");
                    any = true;
                }
                Items::Values(field) => {
                    let start = out.len();
                    (field.write)(item, out)?;
                    quote(out, start);
                    any = true;
                }
            }
        }
        out.push(b'}');
        Ok(any)
    }

    /// Finds the dimensions, and whether any value is NULL. All lists of one level must be of one
    /// length.
    fn measure(&self, at: usize, level: usize, shape: &mut Shape) -> Result<()> {
        let range = (self.range)(at);
        match shape.lengths.get(level) {
            None => shape.lengths.push(range.len()),
            Some(&length) if length == range.len() => {}
            Some(_) => return Err(ragged()),
        }
        match &self.items {
            Items::Lists(nulls, inner) => {
                for item in range {
                    if nulls.as_ref().is_some_and(|nulls| nulls.is_null(item)) {
                        return Err(ragged());
                    }
                    inner.measure(item, level + 1, shape)?;
                }
            }
            Items::Values(field) => {
                shape.has_null |= field.nulls.is_some() && range.clone().any(|i| field.is_null(i));
                shape.values += range.len();
            }
        }
        Ok(())
    }

    fn write_values(&self, at: usize, out: &mut Vec<u8>) -> Result<()> {
        for item in (self.range)(at) {
            match &self.items {
                Items::Lists(_, inner) => inner.write_values(item, out)?,
                Items::Values(field) => field.write_with_length(item, out)?,
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Shape {
    lengths: Vec<usize>,
    has_null: bool,
    values: usize,
}

fn ragged() -> Error {
    Error::unsupported(
        "nested lists of different lengths cannot be sent as a multidimensional array in binary",
    )
}

/// Tells whether the elements are json, so that inner lists are json too.
fn is_json(element: Wire) -> bool {
    matches!(element.pg_type, PgType::Scalar(ScalarType::Json | ScalarType::Jsonb))
}

type Parts<'a> = (Box<dyn Fn(usize) -> Range<usize> + 'a>, &'a dyn Array);

/// Gives where each list's items are, and the items; `None` for what is no list.
pub(super) fn list_parts<'a>(array: &'a dyn Array) -> Option<Parts<'a>> {
    macro_rules! offsets {
        ($list:expr) => {{
            let list = $list;
            let offsets = list.value_offsets();
            let range = move |at: usize| offsets[at].as_usize()..offsets[at + 1].as_usize();
            (Box::new(range), list.values().as_ref())
        }};
    }
    macro_rules! views {
        ($list:expr) => {{
            let list = $list;
            let range = move |at: usize| {
                let start = list.value_offset(at).as_usize();
                start..start + list.value_size(at).as_usize()
            };
            (Box::new(range), list.values().as_ref())
        }};
    }
    Some(match array.data_type() {
        DataType::List(_) => offsets!(array.as_list::<i32>()),
        DataType::LargeList(_) => offsets!(array.as_list::<i64>()),
        DataType::ListView(_) => views!(array.as_list_view::<i32>()),
        DataType::LargeListView(_) => views!(array.as_list_view::<i64>()),
        DataType::FixedSizeList(..) => {
            let list = array.as_fixed_size_list();
            let width = list.value_length().as_usize();
            (Box::new(move |at| at * width..(at + 1) * width), list.values().as_ref())
        }
        _ => return None,
    })
}

/// Quotes what was appended since `start`, where PostgreSQL's array output does.
pub(super) fn quote(out: &mut Vec<u8>, start: usize) {
    let text = &out[start..];
    let special = |byte: &u8| matches!(byte, b'"' | b'\\');
    let plain = !text.is_empty()
        && !text.eq_ignore_ascii_case(b"null")
        && !text
            .iter()
            .any(|byte| special(byte) || matches!(byte, b'{' | b'}' | b',' | b' ' | b'\t'..=b'\r'));
    if plain {
        return;
    }
    if text.iter().any(special) {
        let raw = text.to_vec();
        out.truncate(start);
        for byte in raw {
            if special(&byte) {
                out.push(b'\\');
            }
            out.push(byte);
        }
    }
    out.insert(start, b'"');
    out.push(b'"');
}

/// Makes the writer of an array type.
pub(super) fn lists(array: &dyn Array, element: ScalarType, wire: Wire) -> Result<Cell<'_>> {
    let element_wire = Wire { pg_type: PgType::Scalar(element), ..wire };
    let lists = Lists::new(array, element_wire, 1)?;
    if wire.format == Format::Text {
        return Ok(Box::new(move |at, out| {
            let start = out.len();
            if !lists.write_text(at, out)? {
                // Whatever its nesting, an array without values is `{}`.
                out.truncate(start);
                out.extend_from_slice(b"{}");
            }
            Ok(())
        }));
    }
    let oid = element.oid();
    Ok(Box::new(move |at, out| {
        let mut shape = Shape::default();
        lists.measure(at, 0, &mut shape)?;
        if shape.values == 0 {
            shape.lengths.clear();
        }
        write_header(out, &shape.lengths, shape.has_null, oid, 1)?;
        if shape.values > 0 {
            lists.write_values(at, out)?;
        }
        Ok(())
    }))
}

/// Appends the head of a binary array.
pub(super) fn write_header(
    out: &mut Vec<u8>,
    lengths: &[usize],
    has_null: bool,
    element_oid: u32,
    lower_bound: i32,
) -> Result<()> {
    let count = |length: usize| {
        i32::try_from(length).map_err(|_| {
            Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "an array has too many elements")
        })
    };
    out.extend_from_slice(&count(lengths.len())?.to_be_bytes());
    out.extend_from_slice(&i32::from(has_null).to_be_bytes());
    out.extend_from_slice(&element_oid.to_be_bytes());
    for &length in lengths {
        out.extend_from_slice(&count(length)?.to_be_bytes());
        out.extend_from_slice(&lower_bound.to_be_bytes());
    }
    Ok(())
}

/// Makes the writer of `int2vector` and `oidvector`: `1 2 3` as text, an array from 0 in binary.
pub(super) fn vectors(array: &dyn Array, wire: Wire) -> Result<Cell<'_>> {
    let element = match wire.pg_type.scalar() {
        ScalarType::Int2Vector => ScalarType::Int2,
        _ => ScalarType::Oid,
    };
    let element_wire = Wire { pg_type: PgType::Scalar(element), ..wire };
    let Some((range, values)) = list_parts(array) else {
        return Err(Error::internal("an array that is no list was read as one"));
    };
    let field = Field::new(values, element_wire)?;
    Ok(Box::new(move |at, out| {
        if wire.format == Format::Binary {
            write_header(out, &[range(at).len()], false, element.oid(), 0)?;
        }
        for (place, item) in range(at).enumerate() {
            match wire.format {
                Format::Binary => field.write_with_length(item, out)?,
                Format::Text => {
                    if place > 0 {
                        out.push(b' ');
                    }
                    if field.is_null(item) {
                        write_i64(out, 0);
                    } else {
                        (field.write)(item, out)?;
                    }
                }
            }
        }
        Ok(())
    }))
}

/// Appends one element of a binary array: its length, then what `write` appends.
pub(super) fn write_element(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out)?;
    write_length(out, at, 4)
}
