//! A [`Value`] in PostgreSQL's binary form, and as text.

use super::OutputStyle;
use super::array::{quote, write_element, write_header};
use super::datetime::{write_date, write_time, write_timestamp, write_timestamptz};
use super::float::{write_f32, write_f64};
use super::interval::write_interval;
use super::number::{DIGITS_MAX, digits_u128, write_decimal, write_i64, write_numeric_binary};
use super::scalar::{write_bytea, write_uuid};
use super::temporal::{
    date32, write_date_binary, write_infinity, write_interval_binary, write_timestamp_binary,
};
use crate::error::{Error, Result};
use crate::types::civil::ZoneCache;
use crate::types::input::parse_timetz;
use crate::types::{PgType, ScalarType, Value};

/// Appends a value as PostgreSQL prints it; NULL appends nothing. A boolean is `true` or `false`,
/// as its cast
/// to text has it.
pub(crate) fn write_value_text(out: &mut Vec<u8>, value: &Value, style: OutputStyle) {
    let stored = |micros: i64| if micros == -i64::MAX { i64::MIN } else { micros };
    match value {
        Value::Null => {}
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Int2(value) => write_i64(out, (*value).into()),
        Value::Int4(value) => write_i64(out, (*value).into()),
        Value::Int8(value) => write_i64(out, *value),
        Value::Float4(value) => write_f32(out, *value, style.extra_float_digits),
        Value::Float8(value) => write_f64(out, *value, style.extra_float_digits),
        Value::Numeric(value) => {
            let mut digits = [0; DIGITS_MAX];
            let start = digits_u128(value.unscaled.unsigned_abs(), &mut digits);
            write_decimal(out, value.unscaled < 0, &digits[start..], value.scale.into());
        }
        Value::Text(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bytea(bytes) => write_bytea(out, bytes, style.bytea_hex),
        Value::Date(days) => {
            if !write_infinity(out, date32(*days)) {
                write_date(out, (*days).into(), style.date_style);
            }
        }
        Value::Time(micros) => write_time(out, *micros),
        Value::Timestamp(micros) => {
            if !write_infinity(out, stored(*micros)) {
                write_timestamp(out, *micros, style.date_style);
            }
        }
        Value::Timestamptz(micros) => {
            if !write_infinity(out, stored(*micros)) {
                let zone = ZoneCache::new(style.time_zone);
                write_timestamptz(out, *micros, &zone, style.date_style);
            }
        }
        Value::Interval(interval) => write_interval(out, *interval, style.interval_style),
        Value::Uuid(bytes) => write_uuid(out, bytes),
        Value::Array(_, items) => write_array_text(out, items, style),
    }
}

fn write_array_text(out: &mut Vec<u8>, items: &[Value], style: OutputStyle) {
    out.push(b'{');
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        match item {
            Value::Null => out.extend_from_slice(b"NULL"),
            Value::Array(..) => write_value_text(out, item, style),
            Value::Bool(value) => out.push(if *value { b't' } else { b'f' }),
            item => {
                let start = out.len();
                write_value_text(out, item, style);
                quote(out, start);
            }
        }
    }
    out.push(b'}');
}

/// Appends a value that is not NULL.
pub(super) fn write_value_binary(out: &mut Vec<u8>, pg_type: PgType, value: &Value) -> Result<()> {
    match value {
        Value::Null => return Err(Error::internal("NULL has no binary form")),
        Value::Bool(value) => out.push((*value).into()),
        Value::Int2(value) => out.extend_from_slice(&value.to_be_bytes()),
        Value::Int4(value) => out.extend_from_slice(&value.to_be_bytes()),
        // An OID is carried in a wider integer; its lower half is what is sent.
        Value::Int8(value) if pg_type.size() == 4 => {
            out.extend_from_slice(&value.to_be_bytes()[4..]);
        }
        Value::Int8(value) => out.extend_from_slice(&value.to_be_bytes()),
        Value::Float4(value) => out.extend_from_slice(&value.to_be_bytes()),
        Value::Float8(value) => out.extend_from_slice(&value.to_be_bytes()),
        Value::Numeric(value) => {
            let mut digits = [0; DIGITS_MAX];
            let start = digits_u128(value.unscaled.unsigned_abs(), &mut digits);
            let negative = value.unscaled < 0;
            write_numeric_binary(out, negative, &digits[start..], value.scale.into());
        }
        Value::Text(text) => match pg_type.scalar() {
            ScalarType::Timetz => {
                let (micros, offset) = parse_timetz(text)?;
                out.extend_from_slice(&micros.to_be_bytes());
                // On the wire the offset counts seconds west of Greenwich.
                out.extend_from_slice(&(-offset).to_be_bytes());
            }
            ScalarType::Jsonb => {
                out.push(1);
                out.extend_from_slice(text.as_bytes());
            }
            ScalarType::Int2Vector => write_vector(out, text, ScalarType::Int2)?,
            ScalarType::OidVector => write_vector(out, text, ScalarType::Oid)?,
            _ => out.extend_from_slice(text.as_bytes()),
        },
        Value::Bytea(bytes) => out.extend_from_slice(bytes),
        Value::Date(days) => write_date_binary(out, date32(*days))?,
        Value::Time(micros) => out.extend_from_slice(&micros.to_be_bytes()),
        Value::Timestamp(micros) | Value::Timestamptz(micros) => {
            let micros = if *micros == -i64::MAX { i64::MIN } else { *micros };
            write_timestamp_binary(out, micros)?;
        }
        Value::Interval(interval) => write_interval_binary(out, *interval),
        Value::Uuid(bytes) => out.extend_from_slice(bytes),
        Value::Array(element, items) => write_array(out, *element, items)?,
    }
    Ok(())
}

fn write_vector(out: &mut Vec<u8>, text: &str, element: ScalarType) -> Result<()> {
    let values: Vec<i64> = text.split_ascii_whitespace().flat_map(str::parse).collect();
    write_header(out, &[values.len()], false, element.oid(), 0)?;
    let width = usize::try_from(element.size()).unwrap_or(4);
    for value in values {
        write_element(out, |out| {
            out.extend_from_slice(&value.to_be_bytes()[8 - width..]);
            Ok(())
        })?;
    }
    Ok(())
}

/// Appends an array; `from_text` has already seen to it that nested ones are of one length.
fn write_array(out: &mut Vec<u8>, element: ScalarType, items: &[Value]) -> Result<()> {
    fn leaves<'a>(items: &'a [Value], level: usize, lengths: &mut Vec<usize>) -> Vec<&'a Value> {
        if lengths.len() == level {
            lengths.push(items.len());
        }
        let mut found = Vec::new();
        for item in items {
            match item {
                Value::Array(_, inner) => found.extend(leaves(inner, level + 1, lengths)),
                value => found.push(value),
            }
        }
        found
    }
    let mut lengths = Vec::new();
    let values = leaves(items, 0, &mut lengths);
    if values.is_empty() {
        lengths.clear();
    }
    let has_null = values.iter().any(|value| matches!(value, Value::Null));
    write_header(out, &lengths, has_null, element.oid(), 1)?;
    for value in values {
        if matches!(value, Value::Null) {
            out.extend_from_slice(&(-1i32).to_be_bytes());
        } else {
            write_element(out, |out| write_value_binary(out, PgType::Scalar(element), value))?;
        }
    }
    Ok(())
}
