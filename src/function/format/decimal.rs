//! Exact decimal numbers as text: what `numeric` is to the formatting functions.

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// A `numeric` to format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Numeric<'a> {
    /// The number `digits` (no point, no sign) divided by 10 to the power of `scale`.
    Finite {
        /// Whether it is below zero.
        negative: bool,
        /// ASCII digits; leading zeros do not matter.
        digits: &'a str,
        /// How many of the digits are behind the point.
        scale: i32,
    },
    /// Not a number.
    NaN,
    /// Infinity or, if `negative`, minus infinity.
    Infinity {
        /// Whether it is minus infinity.
        negative: bool,
    },
}

/// A finite `numeric` that a function returns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decimal {
    /// Whether it is below zero.
    pub negative: bool,
    /// ASCII digits without leading zeros; `0` for zero.
    pub digits: String,
    /// How many of the digits are behind the point; there may be more than digits.
    pub scale: i32,
}

/// PostgreSQL's most digits before the point.
const MAX_WHOLE: usize = 131_072;

/// A finite number, its digits split at the point.
pub(super) struct Split {
    pub(super) negative: bool,
    /// Without leading zeros.
    pub(super) whole: Vec<u8>,
    pub(super) fraction: Vec<u8>,
}

impl Split {
    /// Splits `digits` before the last `scale` of them and moves the point right by `shift`.
    pub(super) fn new(negative: bool, digits: &str, scale: i32, shift: usize) -> Result<Split> {
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::new(
                SqlState::INVALID_TEXT_REPRESENTATION,
                format!("invalid input syntax for type numeric: \"{digits}\""),
            ));
        }
        let bytes = digits.trim_start_matches('0').as_bytes();
        let behind = i64::from(scale) - i64::try_from(shift).unwrap_or(i64::MAX);
        if bytes.is_empty() {
            let zeros = usize::try_from(behind).unwrap_or_default().min(MAX_WHOLE);
            return Ok(Split { negative: false, whole: Vec::new(), fraction: vec![b'0'; zeros] });
        }
        let (mut whole, mut fraction) = (bytes.to_vec(), Vec::new());
        match usize::try_from(behind) {
            Ok(behind) if behind <= whole.len() => fraction = whole.split_off(whole.len() - behind),
            Ok(behind) => {
                fraction = vec![b'0'; behind.min(MAX_WHOLE).saturating_sub(whole.len())];
                fraction.append(&mut whole);
            }
            Err(_) => {
                let zeros = usize::try_from(behind.unsigned_abs()).unwrap_or(usize::MAX);
                if zeros > MAX_WHOLE {
                    return Err(Error::new(
                        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                        "value overflows numeric format",
                    ));
                }
                whole.resize(whole.len() + zeros, b'0');
            }
        }
        Ok(Split { negative, whole, fraction })
    }

    /// Rounds to `places` digits behind the point, half away from zero, and pads with zeros.
    pub(super) fn round(mut self, places: usize) -> Split {
        let up = self.fraction.get(places).is_some_and(|digit| *digit >= b'5');
        self.fraction.resize(places, b'0');
        if up && carry(&mut self.fraction) && carry(&mut self.whole) {
            self.whole.insert(0, b'1');
        }
        let digits = self.whole.iter().chain(&self.fraction);
        if digits.into_iter().all(|digit| *digit == b'0') {
            self.negative = false;
        }
        self
    }

    /// Writes the number without its sign.
    pub(super) fn text(&self) -> String {
        let whole: &[u8] = if self.whole.is_empty() { b"0" } else { &self.whole };
        let mut text: String = whole.iter().copied().map(char::from).collect();
        if !self.fraction.is_empty() {
            text.push('.');
            text.extend(self.fraction.iter().copied().map(char::from));
        }
        text
    }

    /// Writes the number in scientific notation with `places` digits behind the point. As
    /// PostgreSQL does, it takes the exponent of the number before rounding: 9.99 is `10.0e+00`.
    pub(super) fn scientific(&self, places: usize) -> String {
        let digits = || self.whole.iter().chain(&self.fraction);
        let leading = digits().take_while(|digit| **digit == b'0').count();
        let mut rest = digits().skip(leading).copied();
        let (power, first) = match rest.next() {
            Some(first) => (exponent(self.whole.len(), leading), vec![first]),
            None => (0, Vec::new()),
        };
        let fraction: Vec<u8> = rest.collect();
        let mantissa = Split { negative: self.negative, whole: first, fraction }.round(places);
        let sign = if mantissa.negative { "-" } else { "" };
        format!("{sign}{}e{}", mantissa.text(), exponent_text(power))
    }
}

/// Returns the power of ten of a number's first digit but zeros.
fn exponent(whole: usize, leading: usize) -> i64 {
    let signed = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    signed(whole) - signed(leading) - 1
}

/// Writes an exponent as C does: a sign and at least two digits.
pub(super) fn exponent_text(exponent: i64) -> String {
    format!("{exponent:+03}")
}

/// Adds one to the last digit and tells whether the first one overflowed.
fn carry(digits: &mut [u8]) -> bool {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return false;
        }
        *digit = b'0';
    }
    true
}
