//! Writers of booleans, numbers, strings and bytes.
//!
//! Each function takes how to read a value and gives the writer for a type on the wire, or `None`
//! for a pair that has no conversion.

use super::cell::Cell;
use super::float::{decimal_digits, write_f32, write_f64};
use super::number::{DIGITS_MAX, digits_u128, write_decimal, write_i128, write_numeric_binary};
use super::value::write_value_binary;
use super::{Format, Wire};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::input::{from_text, parse_uuid};
use crate::types::{PgType, ScalarType, inet};

/// Tells whether a type is one that holds any text.
pub(super) fn is_text(pg_type: PgType) -> bool {
    !pg_type.is_array() && pg_type.scalar().is_text()
}

fn is_json(pg_type: PgType) -> bool {
    matches!(pg_type, PgType::Scalar(ScalarType::Json | ScalarType::Jsonb))
}

/// Wraps a writer of text for a type that holds text or json; `None` for others.
pub(super) fn as_text<'a>(
    wire: Wire,
    write: impl Fn(usize, &mut Vec<u8>) -> Result<()> + 'a,
) -> Option<Cell<'a>> {
    if !is_text(wire.pg_type) && !is_json(wire.pg_type) {
        return None;
    }
    if wire.pg_type.scalar() == ScalarType::Inet && wire.format == Format::Binary {
        return Some(Box::new(move |at, out| {
            let mut text = Vec::new();
            write(at, &mut text)?;
            let address = std::str::from_utf8(&text).ok().and_then(inet::to_binary);
            out.extend(address.ok_or_else(|| {
                let message = "a value is no address that inet has in binary";
                Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
            })?);
            Ok(())
        }));
    }
    if wire.pg_type == PgType::JSONB && wire.format == Format::Binary {
        return Some(Box::new(move |at, out| {
            out.push(1);
            write(at, out)
        }));
    }
    Some(Box::new(write))
}

pub(super) fn bools<'a>(wire: Wire, get: impl Fn(usize) -> bool + 'a) -> Option<Cell<'a>> {
    match (wire.pg_type, wire.format) {
        (PgType::BOOL, Format::Text) => Some(Box::new(move |at, out| {
            out.push(if get(at) { b't' } else { b'f' });
            Ok(())
        })),
        (PgType::BOOL, Format::Binary) => Some(Box::new(move |at, out| {
            out.push(get(at).into());
            Ok(())
        })),
        _ => as_text(wire, move |at, out| {
            out.extend_from_slice(if get(at) { b"true" } else { b"false" });
            Ok(())
        }),
    }
}

/// Gives the range of a type that is an integer on the wire.
fn int_range(scalar: ScalarType) -> Option<(i128, i128)> {
    use ScalarType::{Int2, Int4, Int8};
    Some(match scalar {
        Int2 => (i16::MIN.into(), i16::MAX.into()),
        Int4 => (i32::MIN.into(), i32::MAX.into()),
        Int8 => (i64::MIN.into(), i64::MAX.into()),
        oid if oid.is_oid() => (0, u32::MAX.into()),
        _ => return None,
    })
}

fn out_of_range(scalar: ScalarType) -> Error {
    let message = format!("{} out of range", scalar.sql_name());
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
}

/// Serves the integer types from values that may not fit.
fn fallible_ints<'a>(wire: Wire, get: impl Fn(usize) -> Option<i128> + 'a) -> Option<Cell<'a>> {
    let PgType::Scalar(scalar) = wire.pg_type else { return None };
    let (min, max) = int_range(scalar)?;
    let checked = move |at| match get(at) {
        Some(value) if value >= min && value <= max => Ok(value),
        _ => Err(out_of_range(scalar)),
    };
    if wire.format == Format::Text {
        return Some(Box::new(move |at, out| {
            write_i128(out, checked(at)?);
            Ok(())
        }));
    }
    let width = usize::try_from(scalar.size()).ok()?;
    Some(Box::new(move |at, out| {
        let bytes = checked(at)?.to_be_bytes();
        out.extend_from_slice(&bytes[16 - width..]);
        Ok(())
    }))
}

pub(super) fn ints<'a>(wire: Wire, get: impl Fn(usize) -> i128 + 'a) -> Option<Cell<'a>> {
    let PgType::Scalar(scalar) = wire.pg_type else { return None };
    if int_range(scalar).is_some() {
        return fallible_ints(wire, move |at| Some(get(at)));
    }
    #[expect(clippy::cast_precision_loss, reason = "as PostgreSQL's cast to a float")]
    match scalar {
        ScalarType::Numeric => decimals(wire, 0, move |at| Some(get(at)), |_| String::new()),
        ScalarType::Float4 => reals(wire, move |at| get(at) as f32),
        ScalarType::Float8 => doubles(wire, move |at| get(at) as f64),
        _ => as_text(wire, move |at, out| {
            write_i128(out, get(at));
            Ok(())
        }),
    }
}

pub(super) fn reals<'a>(wire: Wire, get: impl Fn(usize) -> f32 + 'a) -> Option<Cell<'a>> {
    let digits = wire.style.extra_float_digits;
    match (wire.pg_type, wire.format) {
        (PgType::FLOAT4, Format::Binary) => Some(Box::new(move |at, out| {
            out.extend_from_slice(&get(at).to_be_bytes());
            Ok(())
        })),
        (PgType::FLOAT4, Format::Text) => Some(Box::new(move |at, out| {
            write_f32(out, get(at), digits);
            Ok(())
        })),
        (PgType::FLOAT8 | PgType::NUMERIC, _) => doubles(wire, move |at| get(at).into()),
        _ => as_text(wire, move |at, out| {
            write_f32(out, get(at), digits);
            Ok(())
        }),
    }
}

pub(super) fn doubles<'a>(wire: Wire, get: impl Fn(usize) -> f64 + 'a) -> Option<Cell<'a>> {
    let digits = wire.style.extra_float_digits;
    match (wire.pg_type, wire.format) {
        (PgType::FLOAT8, Format::Binary) => Some(Box::new(move |at, out| {
            out.extend_from_slice(&get(at).to_be_bytes());
            Ok(())
        })),
        #[expect(clippy::cast_possible_truncation, reason = "the column is a real")]
        (PgType::FLOAT4, format) => Some(Box::new(move |at, out| {
            let value = get(at) as f32;
            match format {
                Format::Text => write_f32(out, value, digits),
                Format::Binary => out.extend_from_slice(&value.to_be_bytes()),
            }
            Ok(())
        })),
        (PgType::NUMERIC, format) => Some(Box::new(move |at, out| {
            write_float_numeric(out, get(at), format);
            Ok(())
        })),
        (PgType::FLOAT8, Format::Text) => Some(Box::new(move |at, out| {
            write_f64(out, get(at), digits);
            Ok(())
        })),
        _ => as_text(wire, move |at, out| {
            write_f64(out, get(at), digits);
            Ok(())
        }),
    }
}

/// Appends a float as a numeric: never with an exponent.
fn write_float_numeric(out: &mut Vec<u8>, value: f64, format: Format) {
    if value.is_finite() {
        let mut digits = Vec::new();
        let scale = decimal_digits(value, &mut digits);
        match format {
            Format::Text => write_decimal(out, value < 0.0, &digits, scale),
            Format::Binary => write_numeric_binary(out, value < 0.0, &digits, scale),
        }
    } else if format == Format::Text {
        write_f64(out, value, 1);
    } else {
        // No digits; the sign says which special value it is.
        let sign: u16 = if value.is_nan() {
            0xC000
        } else if value > 0.0 {
            0xD000
        } else {
            0xF000
        };
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&sign.to_be_bytes());
        out.extend_from_slice(&[0; 2]);
    }
}

/// Serves decimals: `value` gives the unscaled number, or `None` past 128 bits, where `long` gives
/// it
/// as text.
pub(super) fn decimals<'a>(
    wire: Wire,
    scale: i32,
    value: impl Fn(usize) -> Option<i128> + 'a,
    long: impl Fn(usize) -> String + 'a,
) -> Option<Cell<'a>> {
    let PgType::Scalar(scalar) = wire.pg_type else { return None };
    if int_range(scalar).is_some() {
        return fallible_ints(wire, move |at| rounded(value(at)?, scale));
    }
    let write = move |at, out: &mut Vec<u8>, format| match value(at) {
        Some(number) => {
            let (number, scale) =
                if wire.free_scale { shown_scale(number, scale) } else { (number, scale) };
            let mut digits = [0; DIGITS_MAX];
            let start = digits_u128(number.unsigned_abs(), &mut digits);
            write_numeric(out, number < 0, &digits[start..], scale, format);
        }
        None => {
            let text = long(at);
            let digits = text.trim_start_matches('-').as_bytes();
            write_numeric(out, text.starts_with('-'), digits, scale, format);
        }
    };
    let double = move |write: &dyn Fn(&mut Vec<u8>)| {
        let mut text = Vec::new();
        write(&mut text);
        std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
    };
    match scalar {
        ScalarType::Numeric => Some(Box::new(move |at, out| {
            write(at, out, wire.format);
            Ok(())
        })),
        ScalarType::Float4 | ScalarType::Float8 => {
            doubles(wire, move |at| double(&|out| write(at, out, Format::Text)))
        }
        _ => as_text(wire, move |at, out| {
            write(at, out, Format::Text);
            Ok(())
        }),
    }
}

fn write_numeric(out: &mut Vec<u8>, negative: bool, digits: &[u8], scale: i32, format: Format) {
    match format {
        Format::Text => write_decimal(out, negative, digits, scale),
        Format::Binary => write_numeric_binary(out, negative, digits, scale),
    }
}

/// The engine's scale of quotients, of square roots, of logarithms and what is made by them, and of
/// numerics that were declared without one.
const QUOTIENT_SCALE: i32 = 20;
const ROOT_SCALE: i32 = 21;
const LOGARITHM_SCALE: i32 = 19;
const FREE_SCALE: i32 = 10;

/// Leaves out the zeros at a numeric's end that PostgreSQL would not show: it gives quotients 16
/// significant digits or some more, and other numbers the places that they came with.
fn shown_scale(mut number: i128, mut scale: i32) -> (i128, i32) {
    let least = match scale {
        FREE_SCALE => 0,
        QUOTIENT_SCALE => {
            const ONE: u128 = 10u128.pow(20);
            let size = number.unsigned_abs();
            match size {
                0 | ONE => QUOTIENT_SCALE,
                // Digits to the base of 10000 before the point, the first of which has weight 0.
                ONE.. => {
                    let digits = (size / ONE).ilog10();
                    16 - 4 * i32::try_from(digits / 4).unwrap_or(4)
                }
                _ => QUOTIENT_SCALE,
            }
        }
        // 16 significant digits, where the square has an even number of digits or one less.
        ROOT_SCALE => 15 - 2 * magnitude(number, scale).div_euclid(2),
        LOGARITHM_SCALE => 16 - magnitude(number, scale).max(0),
        _ => return (number, scale),
    };
    while scale > least.max(0) && number % 10 == 0 {
        number /= 10;
        scale -= 1;
    }
    (number, scale)
}

/// The power of ten of a decimal's first digit; 0 for zero.
fn magnitude(number: i128, scale: i32) -> i32 {
    let digits = number.unsigned_abs().checked_ilog10();
    digits.map_or(0, |digits| i32::try_from(digits).unwrap_or(0) - scale)
}

/// Rounds a decimal to an integer, half away from zero.
fn rounded(value: i128, scale: i32) -> Option<i128> {
    let power = 10i128.checked_pow(scale.unsigned_abs());
    if scale <= 0 {
        return value.checked_mul(power?);
    }
    let Some(power) = power else { return Some(0) };
    let (whole, rest) = (value / power, value % power);
    let up = rest.unsigned_abs() >= power.unsigned_abs().div_ceil(2);
    Some(if up { whole + value.signum() } else { whole })
}

pub(super) fn strings<'a>(wire: Wire, get: impl Fn(usize) -> &'a str + 'a) -> Option<Cell<'a>> {
    let raw = wire.format == Format::Text || wire.pg_type == PgType::JSON;
    if raw || is_text(wire.pg_type) && wire.pg_type != PgType::INET {
        return Some(Box::new(move |at, out| {
            out.extend_from_slice(get(at).as_bytes());
            Ok(())
        }));
    }
    match wire.pg_type {
        PgType::JSONB | PgType::INET => as_text(wire, move |at, out| {
            out.extend_from_slice(get(at).as_bytes());
            Ok(())
        }),
        PgType::UUID => Some(Box::new(move |at, out| {
            out.extend_from_slice(&parse_uuid(get(at))?);
            Ok(())
        })),
        // The engine knows only the text of this value; it is read as a client's would be.
        pg_type => Some(Box::new(move |at, out| {
            let value = from_text(pg_type, get(at), wire.style.time_zone)?;
            write_value_binary(out, pg_type, &value)
        })),
    }
}

pub(super) fn bytes<'a>(wire: Wire, get: impl Fn(usize) -> &'a [u8] + 'a) -> Option<Cell<'a>> {
    match (wire.pg_type, wire.format) {
        (PgType::BYTEA, Format::Binary) => Some(Box::new(move |at, out| {
            out.extend_from_slice(get(at));
            Ok(())
        })),
        (PgType::BYTEA, Format::Text) => Some(Box::new(move |at, out| {
            write_bytea(out, get(at), wire.style.bytea_hex);
            Ok(())
        })),
        (PgType::UUID, format) => Some(Box::new(move |at, out| {
            let bytes: [u8; 16] = get(at).try_into().map_err(|_| {
                let message = "a uuid does not have 16 bytes";
                Error::new(SqlState::INVALID_BINARY_REPRESENTATION, message)
            })?;
            match format {
                Format::Binary => out.extend_from_slice(&bytes),
                Format::Text => write_uuid(out, &bytes),
            }
            Ok(())
        })),
        _ => as_text(wire, move |at, out| {
            let text = std::str::from_utf8(get(at)).map_err(|_| {
                let message = "invalid byte sequence for encoding \"UTF8\"";
                Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
            })?;
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }),
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn write_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        out.push(HEX[usize::from(byte >> 4)]);
        out.push(HEX[usize::from(byte & 15)]);
    }
}

/// Appends a `bytea`, as hex or with escapes.
pub(super) fn write_bytea(out: &mut Vec<u8>, bytes: &[u8], hex: bool) {
    if hex {
        out.extend_from_slice(b"\\x");
        return write_hex(out, bytes);
    }
    for &byte in bytes {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x20..=0x7e => out.push(byte),
            _ => out.extend_from_slice(&[
                b'\\',
                b'0' + (byte >> 6),
                b'0' + (byte >> 3 & 7),
                b'0' + (byte & 7),
            ]),
        }
    }
}

/// Appends a `uuid` with its dashes.
pub(super) fn write_uuid(out: &mut Vec<u8>, bytes: &[u8; 16]) {
    for (part, range) in [0..4, 4..6, 6..8, 8..10, 10..16].into_iter().enumerate() {
        if part > 0 {
            out.push(b'-');
        }
        write_hex(out, &bytes[range]);
    }
}
