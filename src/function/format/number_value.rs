//! `to_char` of each type of number: its digits, and what it does where the types differ.

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

use super::decimal::{Numeric, Split, exponent_text};
use super::number_out::{Ready, lay_out};
use super::number_picture::{self, Shape};

/// Formats a `numeric`.
pub fn to_char_numeric(value: Numeric<'_>, template: &str) -> Result<String> {
    let (nodes, mut shape) = number_picture::parse(template)?;
    let (negative, digits, scale) = match value {
        Numeric::Finite { negative, digits, scale } => (negative, digits, scale),
        Numeric::NaN | Numeric::Infinity { .. } if shape.scientific => {
            return Ok(no_exponent(&shape));
        }
        Numeric::NaN if shape.roman => return Err(no_integer("NaN")),
        Numeric::Infinity { .. } if shape.roman => return Err(no_integer("infinity")),
        Numeric::NaN | Numeric::Infinity { .. } => {
            shape.whole += shape.shift;
            let text = match value {
                Numeric::NaN => "NaN",
                Numeric::Infinity { negative: true } => "-Infinity",
                _ => "Infinity",
            };
            return lay_out(&nodes, &shape, &Ready::fit(text, &shape));
        }
    };
    if shape.scientific {
        let text = Split::new(negative, digits, scale, 0)?.scientific(shape.fraction);
        return Ok(with_blank(text));
    }
    if shape.roman {
        let text = signed(&Split::new(negative, digits, scale, 0)?.round(0));
        let value = text.parse::<i32>().map_err(|_| integer_out_of_range())?;
        return lay_out(&nodes, &shape, &roman(i64::from(value)));
    }
    let number = Split::new(negative, digits, scale, shape.shift)?.round(shape.fraction);
    shape.whole += shape.shift;
    lay_out(&nodes, &shape, &Ready::fit(&signed(&number), &shape))
}

/// Formats an `integer` or `smallint`. Under `V` it overflows silently, as PostgreSQL's does.
pub fn to_char_int4(value: i32, template: &str) -> Result<String> {
    let (nodes, shape) = number_picture::parse(template)?;
    if shape.roman {
        return lay_out(&nodes, &shape, &roman(i64::from(value)));
    }
    if shape.scientific {
        return Ok(with_blank(scientific(f64::from(value), shape.fraction)));
    }
    let factor = 10_i32.checked_pow(u32::try_from(shape.shift).unwrap_or(u32::MAX));
    let value = value.wrapping_mul(factor.unwrap_or(i32::MIN));
    integer(&nodes, shape, i64::from(value))
}

/// Formats a `bigint`.
pub fn to_char_int8(value: i64, template: &str) -> Result<String> {
    let (nodes, shape) = number_picture::parse(template)?;
    if shape.roman {
        let value = i32::try_from(value).map_err(|_| integer_out_of_range())?;
        return lay_out(&nodes, &shape, &roman(i64::from(value)));
    }
    if shape.scientific {
        let digits = value.unsigned_abs().to_string();
        let text = Split::new(value < 0, &digits, 0, 0)?.scientific(shape.fraction);
        return Ok(with_blank(text));
    }
    let value = u32::try_from(shape.shift)
        .ok()
        .and_then(|shift| 10_i64.checked_pow(shift))
        .and_then(|factor| value.checked_mul(factor))
        .ok_or_else(|| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range"))?;
    integer(&nodes, shape, value)
}

/// Formats a `double precision`; at most 15 digits are written.
pub fn to_char_float8(value: f64, template: &str) -> Result<String> {
    let shifted = |factor: f64| value * factor;
    float(value, &shifted, f64::DIGITS as usize, template)
}

/// Formats a `real`; at most 6 digits are written.
pub fn to_char_float4(value: f32, template: &str) -> Result<String> {
    #[expect(clippy::cast_possible_truncation, reason = "PostgreSQL multiplies floats here")]
    let shifted = |factor: f64| f64::from(value * factor as f32);
    float(f64::from(value), &shifted, f32::DIGITS as usize, template)
}

fn float(
    value: f64,
    shifted: &dyn Fn(f64) -> f64,
    precision: usize,
    template: &str,
) -> Result<String> {
    let (nodes, mut shape) = number_picture::parse(template)?;
    if shape.roman {
        #[expect(clippy::cast_possible_truncation, reason = "saturates outside of Roman numbers")]
        let value = value.round_ties_even() as i64;
        return lay_out(&nodes, &shape, &roman(value));
    }
    if shape.scientific {
        return Ok(if value.is_finite() {
            with_blank(scientific(value, shape.fraction))
        } else {
            no_exponent(&shape)
        });
    }
    let mut value = value;
    if shape.shifted {
        let digits = u32::try_from(shape.shift).unwrap_or(u32::MAX);
        value = shifted(10_f64.powf(f64::from(digits)));
        shape.whole += shape.shift;
    }
    let whole = fixed(value.abs(), 0).len();
    shape.fraction = shape.fraction.min(precision.saturating_sub(whole));
    let text = fixed(value, shape.fraction);
    lay_out(&nodes, &shape, &Ready::fit(&text, &shape))
}

/// Writes a float with so many digits behind the point.
fn fixed(value: f64, places: usize) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        format!("{value:.places$}")
    }
}

/// Writes a float as PostgreSQL's `%e`, whose digits end in zeros behind the 350th.
fn scientific(value: f64, places: usize) -> String {
    let exact = places.min(350);
    let text = format!("{value:.exact$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let zeros = "0".repeat(places - exact);
            let exponent = exponent.parse().unwrap_or_default();
            format!("{mantissa}{zeros}e{}", exponent_text(exponent))
        }
        None => text,
    }
}

fn integer(nodes: &[number_picture::Node], mut shape: Shape, value: i64) -> Result<String> {
    shape.whole += shape.shift;
    let mut text = value.to_string();
    if shape.fraction > 0 {
        text.push('.');
        text.push_str(&"0".repeat(shape.fraction));
    }
    lay_out(nodes, &shape, &Ready::fit(&text, &shape))
}

fn signed(number: &Split) -> String {
    let text = number.text();
    if number.negative { format!("-{text}") } else { text }
}

/// Gives a positive number the place that a minus sign would take.
fn with_blank(text: String) -> String {
    if text.starts_with('-') { text } else { format!(" {text}") }
}

/// What `EEEE` writes for a number that is none.
fn no_exponent(shape: &Shape) -> String {
    format!(" {}.{}", "#".repeat(shape.whole), "#".repeat(shape.fraction + 4))
}

fn roman(value: i64) -> Ready {
    let text = to_roman(value).unwrap_or_else(|| "#".repeat(15));
    Ready { text, sign: '\0', lead: 0 }
}

/// Writes a number from 1 to 3999 in Roman digits.
pub fn to_roman(number: i64) -> Option<String> {
    const DIGITS: [(i64, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if !(1..=3999).contains(&number) {
        return None;
    }
    let (mut roman, mut left) = (String::new(), number);
    for (value, digit) in DIGITS {
        while left >= value {
            roman.push_str(digit);
            left -= value;
        }
    }
    Some(roman)
}

fn no_integer(what: &str) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot convert {what} to integer"))
}

fn integer_out_of_range() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range")
}
