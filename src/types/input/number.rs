//! Booleans and numbers from text.

use super::{SHOWN_MAX, invalid, out_of_range, prefix};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{Numeric, ScalarType};

/// C's `isspace`, which PostgreSQL skips around values.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
}

/// Reads a boolean: any prefix of true, false, yes, no; on, off; 1, 0.
pub(crate) fn parse_bool(text: &str) -> Result<bool> {
    let word = trim(text);
    let starts = |full: &str| {
        !word.is_empty()
            && full.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    if starts("true") || starts("yes") || word.eq_ignore_ascii_case("on") || word == "1" {
        return Ok(true);
    }
    let off = word.len() >= 2 && starts("off");
    if starts("false") || starts("no") || off || word == "0" {
        return Ok(false);
    }
    Err(invalid(ScalarType::Bool, text))
}

/// Reads up to 18 digits, the form that nearly every number has.
#[inline]
fn plain_digits(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0i64, |number, &byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + i64::from(digit))
    })
}

/// Reads a decimal number that fits into `numeric(precision, scale)` as it is written: digits, a
/// point, no more places than the scale. Gives it unscaled; `None` for any other form.
#[inline]
pub(crate) fn plain_decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    const POWERS: [i64; 10] =
        [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let places = usize::try_from(scale).ok().filter(|&places| places < POWERS.len())?;
    let (whole, fraction) = match memchr::memchr(b'.', digits) {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, &[][..]),
    };
    if fraction.len() > places || whole.len() + places > usize::from(precision).min(18) {
        return None;
    }
    let whole = plain_digits(whole)?;
    let fraction_value = if fraction.is_empty() { 0 } else { plain_digits(fraction)? };
    let number = whole * POWERS[places] + fraction_value * POWERS[places - fraction.len()];
    Some(i128::from(if negative { -number } else { number }))
}

/// Reads an integer, with spaces around it and a sign.
#[inline]
pub(crate) fn parse_int<N: TryFrom<i64>>(text: &str, scalar: ScalarType) -> Result<N> {
    let plain = match text.as_bytes() {
        [b'-', digits @ ..] => plain_digits(digits).map(|number| -number),
        digits => plain_digits(digits),
    };
    match plain.and_then(|number| N::try_from(number).ok()) {
        Some(number) => Ok(number),
        None => parse_any_int(text, scalar),
    }
}

fn parse_any_int<N: TryFrom<i64>>(text: &str, scalar: ScalarType) -> Result<N> {
    let word = trim(text);
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid(scalar, text));
    }
    word.parse::<i64>()
        .ok()
        .and_then(|value| N::try_from(value).ok())
        .ok_or_else(|| out_of_range(scalar, text))
}

/// Reads an OID; a negative one wraps, as PostgreSQL has it.
pub(super) fn parse_oid(text: &str) -> Result<i64> {
    let value: i64 = parse_int(text, ScalarType::Oid)?;
    match value {
        0..=0xffff_ffff => Ok(value),
        value if value >= i64::from(i32::MIN) && value < 0 => Ok(value + (1 << 32)),
        _ => Err(out_of_range(ScalarType::Oid, text)),
    }
}

/// Tells whether a float's text has a digit other than zero before its exponent.
fn has_digits(word: &str) -> bool {
    word.bytes().take_while(|byte| !matches!(byte, b'e' | b'E')).any(|b| matches!(b, b'1'..=b'9'))
}

fn float_range(text: &str, scalar: ScalarType) -> Error {
    let shown = prefix(text, SHOWN_MAX);
    let message = format!("\"{shown}\" is out of range for type {}", scalar.sql_name());
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
}

/// Tells whether a number too great became infinite, or one too small zero.
fn left_range(word: &str, infinite: bool, zero: bool) -> bool {
    let spelled = word.bytes().any(|byte| matches!(byte, b'i' | b'I' | b'n' | b'N'));
    (infinite && !spelled) || (zero && has_digits(word))
}

/// Reads a `double precision`.
pub(crate) fn parse_f64(text: &str) -> Result<f64> {
    let word = trim(text);
    let value: f64 = word.parse().map_err(|_| invalid(ScalarType::Float8, text))?;
    if left_range(word, value.is_infinite(), value == 0.0) {
        return Err(float_range(text, ScalarType::Float8));
    }
    Ok(value)
}

/// Reads a `real`.
pub(crate) fn parse_f32(text: &str) -> Result<f32> {
    let word = trim(text);
    let value: f32 = word.parse().map_err(|_| invalid(ScalarType::Float4, text))?;
    if left_range(word, value.is_infinite(), value == 0.0) {
        return Err(float_range(text, ScalarType::Float4));
    }
    Ok(value)
}

/// Significant digits that a numeric may have here.
pub(crate) const NUMERIC_DIGITS_MAX: usize = 38;

/// The error of a number with more digits than are stored.
pub(super) fn numeric_overflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
        .with_detail(format!("A number has at most {NUMERIC_DIGITS_MAX} digits."))
}

/// Reads a numeric, with or without an exponent. Digits past the 38th are rounded away where they
/// are
/// behind the point.
pub(crate) fn parse_numeric(text: &str) -> Result<Numeric> {
    let wrong = || invalid(ScalarType::Numeric, text);
    let word = trim(text);
    let (negative, rest) = match word.as_bytes().first() {
        Some(b'-') => (true, &word[1..]),
        Some(b'+') => (false, &word[1..]),
        _ => (false, word),
    };
    if ["nan", "inf", "infinity"].iter().any(|special| rest.eq_ignore_ascii_case(special)) {
        return Err(Error::unsupported(format!("numeric values cannot be {rest}")));
    }
    let (number, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], parse_exponent(&rest[at + 1..]).ok_or_else(wrong)?),
        None => (rest, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return Err(wrong());
    }
    let digits = whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0');
    let scale = i64::try_from(fraction.len()).unwrap_or(i64::MAX).saturating_sub(exponent);
    from_digits(negative, digits, scale).ok_or_else(numeric_overflow)
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Past what any numeric holds the exact size does not matter.
    let value = digits.parse::<i64>().unwrap_or(i64::MAX).min(1_000_000);
    Some(if text.starts_with('-') { -value } else { value })
}

/// Makes a numeric of decimal digits and a scale; `None` when it does not fit.
pub(super) fn from_digits(
    negative: bool,
    digits: impl Iterator<Item = u8> + Clone,
    scale: i64,
) -> Option<Numeric> {
    let digits = digits.skip_while(|&digit| digit == 0);
    let count = i64::try_from(digits.clone().count()).ok()?;
    if count == 0 {
        let scale = u8::try_from(scale.clamp(0, i64::from(u8::MAX))).ok()?;
        return Some(Numeric { unscaled: 0, scale });
    }
    let limit = i64::try_from(NUMERIC_DIGITS_MAX).ok()?;
    let excess = (count - limit).max(scale - i64::from(u8::MAX)).max(0);
    if excess > scale.max(0) || (scale < 0 && count - scale > limit) {
        return None;
    }
    let kept = usize::try_from((count - excess).max(0)).ok()?;
    let mut unscaled = digits
        .clone()
        .take(kept)
        .try_fold(0i128, |n, digit| n.checked_mul(10)?.checked_add(i128::from(digit)))?;
    let next = if count >= excess { digits.clone().nth(kept) } else { None };
    if excess > 0 && next.is_some_and(|digit| digit >= 5) {
        unscaled = unscaled.checked_add(1)?;
    }
    let scale = scale - excess;
    if scale < 0 {
        let power = 10i128.checked_pow(u32::try_from(-scale).ok()?)?;
        unscaled = unscaled.checked_mul(power)?;
    }
    if negative {
        unscaled = -unscaled;
    }
    Some(Numeric { unscaled, scale: u8::try_from(scale.max(0)).ok()? })
}
