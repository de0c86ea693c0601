//! PostgreSQL's binary representations to [`Value`].
//!
//! Lengths and counts in the bytes are never trusted: nothing is reserved by them, and reading
//! stops
//! at the end of the bytes.

use super::array::DIMENSIONS_MAX;
use super::datetime::timetz_text;
use super::number::{from_digits, numeric_overflow};
use super::{check_json, prefix};
use crate::error::{Error, Result};
use crate::function::json::canonical;
use crate::sqlstate::SqlState;
use crate::types::civil::{DAY_US, PG_EPOCH_DAYS, PG_EPOCH_US};
use crate::types::inet;
use crate::types::{Interval, Numeric, PgType, ScalarType, Value};

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| Error::protocol("insufficient data left in message"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    fn i16(&mut self) -> Result<i16> {
        self.array().map(i16::from_be_bytes)
    }

    fn i32(&mut self) -> Result<i32> {
        self.array().map(i32::from_be_bytes)
    }

    fn i64(&mut self) -> Result<i64> {
        self.array().map(i64::from_be_bytes)
    }
}

fn incorrect() -> Error {
    Error::new(SqlState::INVALID_BINARY_REPRESENTATION, "incorrect binary data format")
}

fn out_of_range(what: &str) -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("{what} out of range"))
}

fn text(bytes: &[u8]) -> Result<&str> {
    let wrong = |at: usize| {
        let byte = bytes.get(at).copied().unwrap_or(0);
        let message = format!("invalid byte sequence for encoding \"UTF8\": 0x{byte:02x}");
        Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
    };
    if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
        return Err(wrong(at));
    }
    std::str::from_utf8(bytes).map_err(|error| wrong(error.valid_up_to()))
}

/// Reads a value's binary form.
///
/// # Errors
/// 08P01 for bytes that end too soon, 22P03 for what is no such value, 22021 for text that is not
/// UTF-8.
pub fn from_binary(pg_type: PgType, bytes: &[u8]) -> Result<Value> {
    let mut reader = Reader(bytes);
    let value = match pg_type {
        PgType::Array(element) => read_array(&mut reader, element)?,
        PgType::Scalar(ScalarType::Int2Vector | ScalarType::OidVector) => {
            read_vector(&mut reader, pg_type.scalar())?
        }
        PgType::Scalar(scalar) => read_scalar(&mut reader, scalar)?,
    };
    if reader.0.is_empty() { Ok(value) } else { Err(incorrect()) }
}

fn read_scalar(reader: &mut Reader, scalar: ScalarType) -> Result<Value> {
    use ScalarType as T;
    Ok(match scalar {
        T::Bool => Value::Bool(reader.array::<1>()? != [0]),
        T::Int2 => Value::Int2(reader.i16()?),
        T::Int4 => Value::Int4(reader.i32()?),
        T::Int8 => Value::Int8(reader.i64()?),
        oid if oid.is_oid() => Value::Int8(reader.array().map(u32::from_be_bytes)?.into()),
        T::Float4 => Value::Float4(reader.array().map(f32::from_be_bytes)?),
        T::Float8 => Value::Float8(reader.array().map(f64::from_be_bytes)?),
        T::Numeric => Value::Numeric(read_numeric(reader)?),
        T::Date => match reader.i32()? {
            i32::MAX => Value::Date(i32::MAX),
            i32::MIN => Value::Date(-i32::MAX),
            days => {
                Value::Date(days.checked_add(PG_EPOCH_DAYS).ok_or_else(|| out_of_range("date"))?)
            }
        },
        T::Time => Value::Time(read_time(reader)?),
        T::Timetz => {
            let micros = read_time(reader)?;
            let west = reader.i32()?;
            if west.unsigned_abs() >= 16 * 3600 {
                return Err(out_of_range("time zone displacement"));
            }
            Value::Text(timetz_text(micros, -west))
        }
        T::Timestamp => Value::Timestamp(read_timestamp(reader)?),
        T::Timestamptz => Value::Timestamptz(read_timestamp(reader)?),
        T::Interval => {
            let micros = reader.i64()?;
            let days = reader.i32()?;
            Value::Interval(Interval { months: reader.i32()?, days, micros })
        }
        T::Uuid => Value::Uuid(reader.array()?),
        T::Bytea => Value::Bytea(std::mem::take(&mut reader.0).to_vec()),
        T::Json => {
            let json = text(std::mem::take(&mut reader.0))?;
            check_json(json, scalar)?;
            Value::Text(json.to_owned())
        }
        T::Jsonb => {
            if reader.array()? != [1] {
                return Err(Error::unsupported("unsupported jsonb version number"));
            }
            Value::Text(canonical(text(std::mem::take(&mut reader.0))?)?)
        }
        T::Inet => {
            let address = inet::from_binary(std::mem::take(&mut reader.0));
            Value::Text(address.ok_or_else(|| {
                let message = "invalid address in external \"inet\" value";
                Error::new(SqlState::INVALID_BINARY_REPRESENTATION, message)
            })?)
        }
        T::Name => Value::Text(prefix(text(std::mem::take(&mut reader.0))?, 63).to_owned()),
        _ => Value::Text(text(std::mem::take(&mut reader.0))?.to_owned()),
    })
}

fn read_time(reader: &mut Reader) -> Result<i64> {
    match reader.i64()? {
        micros @ 0..=DAY_US => Ok(micros),
        _ => Err(out_of_range("time")),
    }
}

fn read_timestamp(reader: &mut Reader) -> Result<i64> {
    match reader.i64()? {
        i64::MAX => Ok(i64::MAX),
        i64::MIN => Ok(-i64::MAX),
        micros => micros.checked_add(PG_EPOCH_US).ok_or_else(|| out_of_range("timestamp")),
    }
}

fn read_numeric(reader: &mut Reader) -> Result<Numeric> {
    let count = usize::try_from(reader.i16()?).map_err(|_| incorrect())?;
    let weight = i64::from(reader.i16()?);
    let sign = reader.i16()?.cast_unsigned();
    let scale = i64::from(reader.i16()?);
    let negative = match sign {
        0 => false,
        0x4000 => true,
        0xC000 | 0xD000 | 0xF000 => {
            return Err(Error::unsupported("numeric values cannot be NaN or Infinity"));
        }
        _ => return Err(incorrect()),
    };
    if !(0..=0x3fff).contains(&scale) {
        return Err(incorrect());
    }
    let groups = reader.take(count.saturating_mul(2))?;
    let mut digits = Vec::with_capacity(count * 4);
    for group in groups.chunks_exact(2) {
        let group = i16::from_be_bytes([group[0], group[1]]);
        if !(0..10_000).contains(&group) {
            return Err(incorrect());
        }
        for power in [1000, 100, 10, 1] {
            digits.push(u8::try_from(group / power % 10).unwrap_or(0));
        }
    }
    // The digits' own scale, then as many zeros or as few digits as the display scale says.
    let own_scale = (i64::try_from(count).unwrap_or(0) - weight - 1) * 4;
    let places = i64::try_from(digits.len()).unwrap_or(0) + scale - own_scale;
    if digits.iter().all(|&digit| digit == 0) {
        digits.clear();
    } else {
        let places = places.max(0);
        // A digit beyond the scale is cut off, as PostgreSQL does.
        digits.resize(usize::try_from(places).unwrap_or(0).min(1 << 18), 0);
    }
    from_digits(negative, digits.into_iter(), scale).ok_or_else(numeric_overflow)
}

/// Reads dimension lengths and checks the element's type.
fn read_header(reader: &mut Reader, element: ScalarType) -> Result<Vec<usize>> {
    let dimensions = usize::try_from(reader.i32()?).map_err(|_| incorrect())?;
    if dimensions > DIMENSIONS_MAX {
        return Err(Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("number of array dimensions exceeds the maximum allowed ({DIMENSIONS_MAX})"),
        ));
    }
    let flags = reader.i32()?;
    let oid = reader.array().map(u32::from_be_bytes)?;
    if !(0..=1).contains(&flags) {
        return Err(incorrect());
    }
    if oid != element.oid() {
        return Err(Error::new(SqlState::DATATYPE_MISMATCH, "wrong element type"));
    }
    let mut lengths = Vec::with_capacity(dimensions);
    for _ in 0..dimensions {
        lengths.push(usize::try_from(reader.i32()?).map_err(|_| incorrect())?);
        reader.i32()?;
    }
    // Each element takes at least its length's four bytes.
    let elements = lengths.iter().try_fold(1usize, |product, &n| product.checked_mul(n));
    if elements.is_none_or(|elements| elements > reader.0.len() / 4) && !lengths.contains(&0) {
        let missing = Error::protocol("insufficient data left in message");
        return if lengths.is_empty() { Ok(lengths) } else { Err(missing) };
    }
    if lengths.contains(&0) {
        lengths.clear();
    }
    Ok(lengths)
}

fn read_element(reader: &mut Reader, element: ScalarType) -> Result<Value> {
    match reader.i32()? {
        -1 => Ok(Value::Null),
        length => {
            let bytes = reader.take(usize::try_from(length).map_err(|_| incorrect())?)?;
            from_binary(PgType::Scalar(element), bytes)
        }
    }
}

fn read_array(reader: &mut Reader, element: ScalarType) -> Result<Value> {
    fn level(reader: &mut Reader, element: ScalarType, lengths: &[usize]) -> Result<Value> {
        let Some((&length, inner)) = lengths.split_first() else {
            return read_element(reader, element);
        };
        let items = (0..length).map(|_| level(reader, element, inner));
        items.collect::<Result<Vec<_>>>().map(|items| Value::Array(element, items))
    }
    let lengths = read_header(reader, element)?;
    if lengths.is_empty() {
        return Ok(Value::Array(element, Vec::new()));
    }
    level(reader, element, &lengths)
}

/// Reads `int2vector` and `oidvector` into their text form.
fn read_vector(reader: &mut Reader, scalar: ScalarType) -> Result<Value> {
    let element = if scalar == ScalarType::Int2Vector { ScalarType::Int2 } else { ScalarType::Oid };
    let Value::Array(_, items) = read_array(reader, element)? else { return Err(incorrect()) };
    let mut words = Vec::with_capacity(items.len());
    for item in items {
        words.push(match item {
            Value::Int2(value) => value.to_string(),
            Value::Int8(value) => value.to_string(),
            _ => return Err(incorrect()),
        });
    }
    Ok(Value::Text(words.join(" ")))
}
