//! Roots, powers and logarithms of `numeric`, with as many decimal places as PostgreSQL gives them.
//!
//! A numeric comes and goes as its text. What has more digits before the point than the engine's
//! decimals hold beside those places is out of range.

use super::quad::Quad;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// The decimal places in which the engine keeps results: of roots, powers, and the rest.
const ROOT_SCALE: i32 = 21;
const POWER_SCALE: i32 = 16;
const SCALE: i32 = 19;
/// Digits of the engine's decimals.
const DIGITS_MAX: i32 = 38;
/// Significant digits of a result at least.
const SIGNIFICANT: i32 = 16;
const LOG10_E: f64 = std::f64::consts::LOG10_E;

/// A numeric: its digits without the point, and how many of them stand behind it.
#[derive(Clone, Copy)]
struct Number {
    digits: i128,
    scale: u32,
}

impl Number {
    fn parse(text: &str) -> Result<Number> {
        let unreadable =
            || Error::unsupported(format!("numeric \"{text}\" is too long for this function"));
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().map_err(|_| unreadable())?),
            None => (text, 0i32),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: i128 = format!("{whole}{fraction}").parse().map_err(|_| unreadable())?;
        let mut scale = i32::try_from(fraction.len()).map_err(|_| unreadable())? - exponent;
        if scale < 0 {
            let power = 10i128.checked_pow(scale.unsigned_abs()).ok_or_else(unreadable)?;
            digits = digits.checked_mul(power).ok_or_else(unreadable)?;
            scale = 0;
        }
        Ok(Number { digits, scale: scale.unsigned_abs() })
    }

    fn quad(self) -> Quad {
        Quad::of_int(self.digits).over(Quad::ten_to(self.scale))
    }

    fn float(self) -> f64 {
        self.quad().float()
    }

    fn shown(self) -> i32 {
        i32::try_from(self.scale).unwrap_or(i32::MAX)
    }

    /// The power of ten of the first digit; 0 for zero.
    fn magnitude(self) -> i32 {
        match self.digits.unsigned_abs().checked_ilog10() {
            Some(log) => i32::try_from(log).unwrap_or(0) - self.shown(),
            None => 0,
        }
    }

    /// The number if it has no fraction.
    fn integer(self) -> Option<i128> {
        let power = 10i128.checked_pow(self.scale)?;
        (self.digits % power == 0).then(|| self.digits / power)
    }
}

fn too_large() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
}

/// Prints a result with so many places, or with as many as can be kept.
fn shown(value: Quad, places: i32, kept: i32) -> Result<String> {
    let places = places.clamp(0, kept).unsigned_abs();
    let number = value.times(Quad::ten_to(places)).rounded().ok_or_else(too_large)?;
    let room = 10u128.pow((DIGITS_MAX - kept).unsigned_abs() + places);
    if number.unsigned_abs() >= room {
        return Err(too_large());
    }
    let sign = if number < 0 { "-" } else { "" };
    let places = places as usize;
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = places + 1);
    let (whole, rest) = digits.split_at(digits.len() - places);
    Ok(if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") })
}

/// The decimal places of a result by its first digit's power of ten, as PostgreSQL cuts it.
fn places_for(logarithm: f64, shown: i32) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "a power of ten's size")]
    let magnitude = logarithm as i32;
    (SIGNIFICANT - magnitude).max(shown)
}

/// `sqrt(numeric)`.
pub(super) fn sqrt(text: &str) -> Result<String> {
    let number = Number::parse(text)?;
    if number.digits < 0 {
        return Err(Error::new(
            SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
            "cannot take square root of a negative number",
        ));
    }
    // PostgreSQL counts digits to the base of 10000.
    let weight = number.magnitude().div_euclid(4);
    let root = if weight >= 0 { weight * 2 + 1 } else { 1 - (1 - weight * 4) / 2 };
    shown(number.quad().sqrt(), (SIGNIFICANT - root).max(number.shown()), ROOT_SCALE)
}

/// # Errors
/// 2201E for what has no logarithm.
fn check_logarithm(number: Number) -> Result<()> {
    let what = match number.digits {
        0 => "zero",
        digits if digits < 0 => "a negative number",
        _ => return Ok(()),
    };
    Err(Error::new(
        SqlState::INVALID_ARGUMENT_FOR_LOGARITHM,
        format!("cannot take logarithm of {what}"),
    ))
}

/// The power of ten of a logarithm's first digit, as PostgreSQL estimates it.
fn logarithm_magnitude(number: Number) -> i32 {
    let value = number.float();
    if (0.9..=1.1).contains(&value) {
        let Some(one) = 10i128.checked_pow(number.scale) else { return 0 };
        return Number { digits: number.digits - one, ..number }.magnitude();
    }
    #[expect(clippy::cast_possible_truncation, reason = "a power of ten's size")]
    let magnitude = value.ln().abs().log10() as i32;
    magnitude
}

/// `ln(numeric)`.
pub(super) fn ln(text: &str) -> Result<String> {
    let number = Number::parse(text)?;
    check_logarithm(number)?;
    let places = (SIGNIFICANT - logarithm_magnitude(number)).max(number.shown());
    shown(number.quad().ln(), places, SCALE)
}

/// `log(base, numeric)`.
pub(super) fn log(base: &str, text: &str) -> Result<String> {
    let (base, number) = (Number::parse(base)?, Number::parse(text)?);
    check_logarithm(base)?;
    check_logarithm(number)?;
    if base.integer() == Some(1) {
        return Err(Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
    }
    let magnitude = logarithm_magnitude(number) - logarithm_magnitude(base);
    let places = (SIGNIFICANT - magnitude).max(base.shown()).max(number.shown());
    shown(number.quad().ln().over(base.quad().ln()), places, SCALE)
}

/// `exp(numeric)`.
pub(super) fn exp(text: &str) -> Result<String> {
    let number = Number::parse(text)?;
    exponential(number.quad(), number.shown(), SCALE)
}

/// The exponential of a number, with at least so many places.
fn exponential(number: Quad, least: i32, kept: i32) -> Result<String> {
    let logarithm = number.float() * LOG10_E;
    if logarithm > f64::from(DIGITS_MAX) {
        return Err(too_large());
    }
    let places = places_for(logarithm, least);
    if logarithm < -1000.0 {
        return shown(Quad::of_int(0), places, kept);
    }
    shown(number.exp(), places, kept)
}

/// `power(numeric, numeric)`.
pub(super) fn power(base: &str, exponent: &str) -> Result<String> {
    let (base, exponent) = (Number::parse(base)?, Number::parse(exponent)?);
    let undefined = |message| Error::new(SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION, message);
    if base.digits == 0 && exponent.digits < 0 {
        return Err(undefined("zero raised to a negative power is undefined"));
    }
    let least = base.shown().max(exponent.shown());
    let whole = exponent.integer().and_then(|whole| i32::try_from(whole).ok());
    if let Some(whole) = whole {
        let logarithm = match base.digits {
            0 => 0.0,
            _ => base.float().abs().log10() * f64::from(whole),
        };
        if logarithm > f64::from(DIGITS_MAX) {
            return Err(too_large());
        }
        return shown(base.quad().powi(whole), SIGNIFICANT.max(least), POWER_SCALE);
    }
    if base.digits < 0 {
        return Err(undefined(
            "a negative number raised to a non-integer power yields a complex result",
        ));
    }
    if base.digits == 0 {
        return shown(Quad::of_int(0), SIGNIFICANT, POWER_SCALE);
    }
    exponential(base.quad().ln().times(exponent.quad()), least, POWER_SCALE)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Each as PostgreSQL 15 answers.
    #[test]
    fn places_are_postgresqls() {
        assert_eq!(sqrt("2.0").unwrap(), "1.414213562373095");
        assert_eq!(sqrt("1000000").unwrap(), "1000.0000000000000");
        assert_eq!(ln("10.0").unwrap(), "2.3025850929940457");
        assert_eq!(ln("3.25").unwrap(), "1.1786549963416461");
        assert_eq!(log("10", "100.0").unwrap(), "2.0000000000000000");
        assert_eq!(log("2.0", "64.0").unwrap(), "6.0000000000000000");
        assert_eq!(exp("1.0").unwrap(), "2.7182818284590452");
        assert_eq!(exp("0.0").unwrap(), "1.0000000000000000");
        assert_eq!(power("2.0", "3").unwrap(), "8.0000000000000000");
        assert_eq!(power("2.0", "0.5").unwrap(), "1.4142135623730950");
        assert_eq!(power("10.0", "3").unwrap(), "1000.0000000000000000");
        assert_eq!(power("9", "0.5").unwrap(), "3.0000000000000000");
    }

    #[test]
    fn what_cannot_be_is_an_error() {
        let code = |result: Result<String>| result.unwrap_err().code();
        assert_eq!(code(sqrt("-1")), SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION);
        assert_eq!(code(ln("0")), SqlState::INVALID_ARGUMENT_FOR_LOGARITHM);
        assert_eq!(code(power("-8", "0.5")), SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION);
        assert_eq!(code(power("0", "-1")), SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION);
        assert_eq!(code(exp("1000")), SqlState::NUMERIC_VALUE_OUT_OF_RANGE);
    }
}
