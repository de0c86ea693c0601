//! PostgreSQL 15's formatting functions: `to_char`, `to_date`, `to_timestamp`, `to_number`,
//! `format`, `initcap` and the small functions of dates, intervals and buckets.
//!
//! Pure functions on plain Rust values, byte for byte as PostgreSQL with the locale `C.UTF-8`:
//! whoever calls them maps nulls and types. Templates are parsed at each call.

mod bucket;
mod calendar;
mod datetime_fields;
mod datetime_in;
mod datetime_out;
mod decimal;
mod interval;
mod number_in;
mod number_out;
mod number_picture;
mod number_value;
mod picture;
mod quote;
mod text;
#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

pub use bucket::width_bucket;
pub use datetime_fields::{ParsedTimestamp, to_date, to_timestamp};
pub use datetime_out::{Zone, to_char_interval, to_char_timestamp};
pub use decimal::{Decimal, Numeric};
pub use interval::{
    Interval, Spans, date_bin, justify_days, justify_hours, justify_interval, make_interval,
};
pub use number_in::to_number;
pub use number_value::{
    to_char_float4, to_char_float8, to_char_int4, to_char_int8, to_char_numeric, to_roman,
};
pub use quote::{quote_ident, quote_literal};
pub use text::{format, initcap};

use picture::Case;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const ROMAN_MONTHS: [&str; 12] =
    ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

/// Returns the first three letters of an English month or day.
fn abbreviation(name: &str) -> &str {
    name.get(..3).unwrap_or(name)
}

/// Writes an ASCII word in one of the three ways.
fn in_case(word: &str, case: Case) -> String {
    match case {
        Case::Upper => word.to_ascii_uppercase(),
        Case::Lower => word.to_ascii_lowercase(),
        Case::Title => ascii_title(word),
    }
}

/// Writes an ASCII word with one capital, its first letter.
fn ascii_title(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars.map(|c| c.to_ascii_lowercase())).collect()
}

/// Reads a template's quoted text, whose opening quote is gone, and returns what is behind it. A
/// backslash takes the next character as it is.
fn quoted(text: &str, mut push: impl FnMut(char)) -> &str {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => push(chars.next().unwrap_or(c)),
            _ => push(c),
        }
    }
    chars.as_str()
}

/// Returns the ending that makes a written number an ordinal: 1st, 2nd, 3rd, 11th.
fn ordinal_suffix(number: &str, case: Case) -> Result<&'static str> {
    let mut back = number.bytes().rev();
    let last = back.next().unwrap_or_default();
    if !last.is_ascii_digit() {
        return Err(Error::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("\"{number}\" is not a number"),
        ));
    }
    let teen = back.next() == Some(b'1');
    let upper = case == Case::Upper;
    Ok(match last {
        b'1' if !teen => ["st", "ST"],
        b'2' if !teen => ["nd", "ND"],
        b'3' if !teen => ["rd", "RD"],
        _ => ["th", "TH"],
    }[usize::from(upper)])
}
