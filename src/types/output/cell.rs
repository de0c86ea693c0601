//! Which writer serves which pair of Arrow type and PostgreSQL type.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    ArrowDictionaryKeyType, ArrowNativeType, DataType, Date32Type, Date64Type, Decimal32Type,
    Decimal64Type, Decimal128Type, Decimal256Type, Float16Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::{OutputStyle, Wire, array, json, record, scalar, temporal};
use crate::error::{Error, Result};
use crate::types::{DateStyle, PgType, ScalarType};

/// Appends the value at an index; never asked for a NULL.
pub(crate) type Cell<'a> = Box<dyn Fn(usize, &mut Vec<u8>) -> Result<()> + 'a>;

/// Finds the writer of an array.
///
/// # Errors
/// 0A000 naming the pair, when there is none.
pub(super) fn cell<'a>(array: &'a dyn Array, wire: Wire) -> Result<Cell<'a>> {
    let found = match array.data_type() {
        DataType::Null => Some(Box::new(|_, _: &mut Vec<u8>| Ok(())) as Cell<'a>),
        DataType::Dictionary(key, _) => dictionary(array, key, wire)?,
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(..)
        | DataType::ListView(_)
        | DataType::LargeListView(_) => list(array, wire)?,
        DataType::Struct(_) if wire.pg_type == PgType::RECORD => {
            Some(record::records(array.as_struct(), wire)?)
        }
        DataType::Struct(_) | DataType::Map(..) | DataType::Union(..) => as_json(array, wire)?,
        _ => number(array, wire).or_else(|| other(array, wire)),
    };
    found.ok_or_else(|| {
        Error::unsupported(format!(
            "a column of Arrow type {} cannot be sent as type {}",
            array.data_type(),
            wire.pg_type.sql_name()
        ))
    })
}

/// Numbers and booleans.
fn number<'a>(array: &'a dyn Array, wire: Wire) -> Option<Cell<'a>> {
    macro_rules! ints {
        ($type:ty) => {{
            let values = array.as_primitive::<$type>();
            scalar::ints(wire, move |at| i128::from(values.value(at)))
        }};
    }
    macro_rules! decimals {
        ($type:ty, $scale:expr) => {{
            let values = array.as_primitive::<$type>();
            let long = |_: usize| String::new();
            let value = move |at| Some(i128::from(values.value(at)));
            scalar::decimals(wire, (*$scale).into(), value, long)
        }};
    }
    match array.data_type() {
        DataType::Boolean => {
            let values = array.as_boolean();
            scalar::bools(wire, move |at| values.value(at))
        }
        DataType::Int8 => ints!(Int8Type),
        DataType::Int16 => ints!(Int16Type),
        DataType::Int32 => ints!(Int32Type),
        DataType::Int64 => ints!(Int64Type),
        DataType::UInt8 => ints!(UInt8Type),
        DataType::UInt16 => ints!(UInt16Type),
        DataType::UInt32 => ints!(UInt32Type),
        DataType::UInt64 => ints!(UInt64Type),
        DataType::Float16 => {
            let values = array.as_primitive::<Float16Type>();
            scalar::reals(wire, move |at| values.value(at).to_f32())
        }
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>();
            scalar::reals(wire, move |at| values.value(at))
        }
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            scalar::doubles(wire, move |at| values.value(at))
        }
        DataType::Decimal32(_, scale) => decimals!(Decimal32Type, scale),
        DataType::Decimal64(_, scale) => decimals!(Decimal64Type, scale),
        DataType::Decimal128(_, scale) => decimals!(Decimal128Type, scale),
        DataType::Decimal256(_, scale) => {
            let values = array.as_primitive::<Decimal256Type>();
            let value = move |at| values.value(at).to_i128();
            let long = move |at| values.value(at).to_string();
            scalar::decimals(wire, (*scale).into(), value, long)
        }
        _ => None,
    }
}

/// Strings, bytes, and what counts time.
fn other<'a>(array: &'a dyn Array, wire: Wire) -> Option<Cell<'a>> {
    macro_rules! strings {
        ($values:expr) => {{
            let values = $values;
            scalar::strings(wire, move |at| values.value(at))
        }};
    }
    macro_rules! bytes {
        ($values:expr) => {{
            let values = $values;
            scalar::bytes(wire, move |at| values.value(at))
        }};
    }
    match array.data_type() {
        DataType::Utf8 => strings!(array.as_string::<i32>()),
        DataType::LargeUtf8 => strings!(array.as_string::<i64>()),
        DataType::Utf8View => strings!(array.as_string_view()),
        DataType::Binary => bytes!(array.as_binary::<i32>()),
        DataType::LargeBinary => bytes!(array.as_binary::<i64>()),
        DataType::BinaryView => bytes!(array.as_binary_view()),
        DataType::FixedSizeBinary(_) => bytes!(array.as_fixed_size_binary()),
        DataType::Date32 => {
            let values = array.as_primitive::<Date32Type>();
            temporal::dates(wire, move |at| temporal::date32(values.value(at)))
        }
        DataType::Date64 => {
            let values = array.as_primitive::<Date64Type>();
            temporal::dates(wire, move |at| values.value(at).div_euclid(86_400_000))
        }
        DataType::Time32(unit) | DataType::Time64(unit) => temporal::times(array, *unit, wire),
        DataType::Timestamp(unit, _) => temporal::timestamps(array, *unit, wire),
        DataType::Interval(unit) => temporal::intervals(array, *unit, wire),
        DataType::Duration(unit) => temporal::durations(array, *unit, wire),
        _ => None,
    }
}

fn list<'a>(array: &'a dyn Array, wire: Wire) -> Result<Option<Cell<'a>>> {
    match wire.pg_type {
        PgType::Array(element) => array::lists(array, element, wire).map(Some),
        PgType::Scalar(ScalarType::Int2Vector | ScalarType::OidVector) => {
            array::vectors(array, wire).map(Some)
        }
        PgType::Scalar(_) => as_json(array, wire),
    }
}

fn as_json<'a>(array: &'a dyn Array, wire: Wire) -> Result<Option<Cell<'a>>> {
    if !scalar::is_text(wire.pg_type)
        && !matches!(wire.pg_type, PgType::Scalar(ScalarType::Json | ScalarType::Jsonb))
    {
        return Ok(None);
    }
    let version = wire.pg_type == PgType::JSONB && wire.format == super::Format::Binary;
    // Dates in json are in ISO 8601 in every date style.
    let style = OutputStyle { date_style: DateStyle::default(), ..wire.style };
    let inner = json::values(array, None, style)?;
    Ok(Some(Box::new(move |at, out| {
        if version {
            out.push(1);
        }
        inner(at, out)
    })))
}

fn dictionary<'a>(array: &'a dyn Array, key: &DataType, wire: Wire) -> Result<Option<Cell<'a>>> {
    Ok(Some(match key {
        DataType::Int8 => keyed::<Int8Type>(array, wire)?,
        DataType::Int16 => keyed::<Int16Type>(array, wire)?,
        DataType::Int32 => keyed::<Int32Type>(array, wire)?,
        DataType::Int64 => keyed::<Int64Type>(array, wire)?,
        DataType::UInt8 => keyed::<UInt8Type>(array, wire)?,
        DataType::UInt16 => keyed::<UInt16Type>(array, wire)?,
        DataType::UInt32 => keyed::<UInt32Type>(array, wire)?,
        DataType::UInt64 => keyed::<UInt64Type>(array, wire)?,
        _ => return Ok(None),
    }))
}

fn keyed<K: ArrowDictionaryKeyType>(array: &dyn Array, wire: Wire) -> Result<Cell<'_>> {
    let dictionary = array.as_dictionary::<K>();
    let value = cell(dictionary.values().as_ref(), wire)?;
    let keys = dictionary.keys();
    Ok(Box::new(move |at, out| value(keys.value(at).as_usize(), out)))
}
