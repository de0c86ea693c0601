//! Text and binary representations to [`Value`], as liberal as PostgreSQL.
//!
//! Whatever the bytes, the outcome is a value or an error: no panic, and no work beyond the input's
//! length. A `timetz` becomes text in one form, an `oid` an [`Value::Int8`]; types without a case
//! of their own become text. Infinite dates and timestamps are the greatest number of the storage
//! and its negative,
//! as DuckDB has them.
//!
//! - `number.rs`, `datetime.rs` (fields in `fields.rs`), `interval.rs`, `array.rs`, `bytes.rs`:
//!   text by kind.
//! - `binary.rs`: the binary representations.

mod array;
mod binary;
mod bytes;
mod datetime;
mod fields;
mod interval;
mod number;
#[cfg(test)]
mod tests;

use super::{InputStyle, PgType, ScalarType, Value};
use crate::error::{Error, Result};
use crate::function::json::canonical;
use crate::sqlstate::SqlState;

pub use binary::from_binary;
pub(crate) use bytes::{parse_bytea, parse_uuid};
pub(crate) use datetime::{
    parse_date, parse_time, parse_timestamp, parse_timestamptz, parse_timetz,
};
pub use fields::zone_by_name;
pub(crate) use interval::parse_interval;
pub(crate) use number::{
    parse_bool, parse_f32, parse_f64, parse_int, parse_numeric, plain_decimal,
};

/// Longest part of a value that a message repeats, in characters.
const SHOWN_MAX: usize = 1000;

/// Reads a value's text. A style may be given as a time zone alone.
///
/// # Errors
/// 22P02 or 22007 for text that is no such value, 22003 or 22008 for one out of range.
pub fn from_text(pg_type: PgType, text: &str, style: impl Into<InputStyle>) -> Result<Value> {
    read_text(pg_type, text, style.into())
}

fn read_text(pg_type: PgType, text: &str, style: InputStyle) -> Result<Value> {
    use ScalarType as T;
    let scalar = match pg_type {
        PgType::Array(element) => return array::parse_array(element, text, style),
        PgType::Scalar(scalar) => scalar,
    };
    Ok(match scalar {
        T::Bool => Value::Bool(parse_bool(text)?),
        T::Int2 => Value::Int2(parse_int(text, scalar)?),
        T::Int4 => Value::Int4(parse_int(text, scalar)?),
        T::Int8 => Value::Int8(parse_int(text, scalar)?),
        T::Oid => Value::Int8(number::parse_oid(text)?),
        T::Float4 => Value::Float4(parse_f32(text)?),
        T::Float8 => Value::Float8(parse_f64(text)?),
        T::Numeric => Value::Numeric(parse_numeric(text)?),
        T::Bytea => Value::Bytea(parse_bytea(text)?),
        T::Uuid => Value::Uuid(parse_uuid(text)?),
        T::Date => Value::Date(parse_date(text, style)?),
        T::Time => Value::Time(parse_time(text, style)?),
        T::Timetz => Value::Text(datetime::normal_timetz(text, style)?),
        T::Timestamp => Value::Timestamp(parse_timestamp(text, style)?),
        T::Timestamptz => Value::Timestamptz(parse_timestamptz(text, style)?),
        T::Interval => Value::Interval(parse_interval(text, style.interval_style)?),
        T::Json => {
            check_json(text, scalar)?;
            Value::Text(text.to_owned())
        }
        T::Jsonb => Value::Text(canonical(text)?),
        T::Int2Vector => vector::<i16>(text, T::Int2)?,
        T::OidVector => vector::<u32>(text, T::Oid)?,
        // An object's OID; a name stays text, for only the catalog can find it.
        reg if reg.is_oid() => match text.trim().parse::<u32>() {
            Ok(oid) => Value::Int8(oid.into()),
            Err(_) => Value::Text(text.to_owned()),
        },
        T::Name => Value::Text(prefix(text, 63).to_owned()),
        T::Char => Value::Text(text.chars().take(1).collect()),
        _ => Value::Text(text.to_owned()),
    })
}

fn vector<N: std::str::FromStr>(text: &str, element: ScalarType) -> Result<Value> {
    let parts: Vec<&str> = text.split_ascii_whitespace().collect();
    match parts.iter().find(|part| part.parse::<N>().is_err()) {
        Some(part) => Err(invalid(element, part)),
        None => Ok(Value::Text(parts.join(" "))),
    }
}

/// Checks that a text is one json value.
pub(crate) fn check_json(text: &str, scalar: ScalarType) -> Result<()> {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(error) => {
            let message = format!("invalid input syntax for type {}", scalar.sql_name());
            Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
                .with_detail(format!("The input is not valid JSON: {error}.")))
        }
    }
}

/// Gives the longest prefix of at most so many bytes that ends between characters.
fn prefix(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Makes `invalid input syntax for type integer: "abc"`.
fn invalid(scalar: ScalarType, text: &str) -> Error {
    let code = match scalar {
        ScalarType::Date
        | ScalarType::Time
        | ScalarType::Timetz
        | ScalarType::Timestamp
        | ScalarType::Timestamptz
        | ScalarType::Interval => SqlState::INVALID_DATETIME_FORMAT,
        _ => SqlState::INVALID_TEXT_REPRESENTATION,
    };
    let shown = prefix(text, SHOWN_MAX);
    Error::new(code, format!("invalid input syntax for type {}: \"{shown}\"", scalar.sql_name()))
}

/// Makes `value "99999" is out of range for type smallint`.
fn out_of_range(scalar: ScalarType, text: &str) -> Error {
    let shown = prefix(text, SHOWN_MAX);
    Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("value \"{shown}\" is out of range for type {}", scalar.sql_name()),
    )
}
