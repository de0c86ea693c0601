//! A JSON number as jsonb keeps it: PostgreSQL's numeric in the form in which it is written out.
//!
//! No exponent, no superfluous zero before the point, the zeros after it kept, no minus on zero.
//! [`super::decimal`] calculates with it.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// Digits that numeric has room for before the decimal point.
pub(super) const WHOLE_DIGITS_MAX: usize = 131_072;
/// Digits that numeric has room for after the decimal point.
pub(super) const SCALE_MAX: usize = 16_383;
/// The first exponent that numeric refuses whatever the digits are.
const EXPONENT_LIMIT: i64 = 1_073_741_823;
/// Decimal digits in one of numeric's own digits.
const GROUP: usize = 4;

/// A decimal number of any size that numeric can hold.
#[derive(Clone, Debug)]
pub(super) struct Number(Arc<str>);

/// What a result that does not fit says.
pub(super) fn overflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
}

impl Number {
    /// Reads a literal of JSON or jsonpath: an optional sign, digits around an optional point, an
    /// optional exponent. The caller has checked the syntax.
    pub(super) fn parse(literal: &str) -> Result<Number> {
        let (negative, unsigned) = match literal.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, literal.strip_prefix('+').unwrap_or(literal)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let point = signed(whole.len())? + exponent;
        let scale =
            usize::try_from((signed(fraction.len())? - exponent).max(0)).map_err(|_| overflow())?;
        if scale > SCALE_MAX {
            return Err(overflow());
        }
        let significant = digits.trim_start_matches('0');
        let leading = signed(digits.len() - significant.len())?;
        if significant.is_empty() {
            return Ok(Number::zero(scale));
        }
        let places = usize::try_from((point - leading).max(0)).map_err(|_| overflow())?;
        if places > WHOLE_DIGITS_MAX {
            return Err(overflow());
        }
        Ok(Number::of_digits(negative, significant, scale, point - leading))
    }

    /// Makes a zero that shows `scale` digits after the point.
    fn zero(scale: usize) -> Number {
        if scale == 0 {
            return Number(Arc::from("0"));
        }
        Number(Arc::from(format!("0.{}", "0".repeat(scale))))
    }

    /// Lays digits that start with one that is not 0 around the point, which is `point` digits
    /// after their start; bounds have been checked.
    fn of_digits(negative: bool, digits: &str, scale: usize, point: i64) -> Number {
        let mut text = String::with_capacity(digits.len() + 2);
        if negative {
            text.push('-');
        }
        if point <= 0 {
            text.push_str("0.");
            let gap = usize::try_from(-point).unwrap_or_default();
            text.push_str(&"0".repeat(gap));
            text.push_str(digits);
            return Number(Arc::from(text));
        }
        let point = usize::try_from(point).unwrap_or_default();
        let (whole, fraction) = digits.split_at_checked(point).unwrap_or((digits, ""));
        text.push_str(whole);
        text.push_str(&"0".repeat(point - whole.len()));
        if scale > 0 {
            text.push('.');
            text.push_str(fraction);
        }
        Number(Arc::from(text))
    }

    /// Makes a number of an unscaled magnitude's digits, the last `scale` of them after the point.
    pub(super) fn of_unscaled(negative: bool, digits: &str, scale: usize) -> Result<Number> {
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Ok(Number::zero(scale));
        }
        if digits.len().saturating_sub(scale) > WHOLE_DIGITS_MAX {
            return Err(overflow());
        }
        let point = signed(digits.len())? - signed(scale)?;
        Ok(Number::of_digits(negative, digits, scale, point))
    }

    /// Makes a number of an integer.
    pub(super) fn of_integer(value: i64) -> Number {
        Number(Arc::from(value.to_string()))
    }

    /// The text that PostgreSQL writes.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Whether it is below zero.
    pub(super) fn is_negative(&self) -> bool {
        self.0.starts_with('-')
    }

    /// Whether it is zero.
    pub(super) fn is_zero(&self) -> bool {
        !self.0.bytes().any(|b| (b'1'..=b'9').contains(&b))
    }

    /// The digits before the point and those after it.
    pub(super) fn parts(&self) -> (&str, &str) {
        let unsigned = self.0.strip_prefix('-').unwrap_or(&self.0);
        unsigned.split_once('.').unwrap_or((unsigned, ""))
    }

    /// The number of digits after the point.
    pub(super) fn scale(&self) -> usize {
        self.parts().1.len()
    }

    /// The same number with the other sign.
    pub(super) fn negated(&self) -> Number {
        match self.0.strip_prefix('-') {
            Some(rest) => Number(Arc::from(rest)),
            None if self.is_zero() => self.clone(),
            None => Number(Arc::from(format!("-{}", self.0))),
        }
    }

    /// The magnitude.
    pub(super) fn abs(&self) -> Number {
        if self.is_negative() { self.negated() } else { self.clone() }
    }

    /// The whole part, if it is an `i32`.
    pub(super) fn truncated(&self) -> Option<i32> {
        let magnitude = self.parts().0.parse::<i64>().ok()?;
        i32::try_from(if self.is_negative() { -magnitude } else { magnitude }).ok()
    }

    /// PostgreSQL's order of numbers: the zeros at the end do not count.
    pub(super) fn compare(&self, other: &Number) -> Ordering {
        match (self.is_negative(), other.is_negative()) {
            (false, false) => self.compare_magnitude(other),
            (true, true) => other.compare_magnitude(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }

    fn compare_magnitude(&self, other: &Number) -> Ordering {
        let (whole, fraction) = self.parts();
        let (other_whole, other_fraction) = other.parts();
        let by_whole = whole.len().cmp(&other_whole.len()).then_with(|| whole.cmp(other_whole));
        by_whole
            .then_with(|| fraction.trim_end_matches('0').cmp(other_fraction.trim_end_matches('0')))
    }

    /// Appends bytes that compare as the numbers do, and that are the same for equal numbers.
    pub(super) fn sort_key(&self, key: &mut Vec<u8>) {
        let (whole, fraction) = self.parts();
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_end_matches('0');
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() {
            key.push(1);
            return;
        }
        // At most 131,072 + 16,383 digits are written out, so the bias keeps it positive.
        let leading = digits.len() - significant.len();
        let place = u32::try_from(whole.len() + SCALE_MAX + 1 - leading).unwrap_or(u32::MAX);
        let mut tail = place.to_be_bytes().to_vec();
        tail.extend_from_slice(significant.as_bytes());
        tail.push(0);
        if self.is_negative() {
            key.push(0);
            key.extend(tail.iter().map(|byte| !byte));
        } else {
            key.push(2);
            key.extend_from_slice(&tail);
        }
    }

    /// The size of the number in PostgreSQL's binary jsonb, which `.keyvalue()` shows.
    pub(super) fn binary_size(&self) -> usize {
        let (first, last) = self.groups();
        let scale_fits = self.scale() <= 63;
        let short = scale_fits && (-64..=63).contains(&first);
        let digits = usize::try_from(first - last + 1).unwrap_or_default();
        let digits = if self.is_zero() { 0 } else { digits };
        4 + if short { 2 } else { 4 } + 2 * digits
    }

    /// The weights, in powers of 10,000, of the first and the last group of digits that is not 0;
    /// both 0 for zero.
    pub(super) fn groups(&self) -> (i64, i64) {
        let (whole, fraction) = self.parts();
        let nonzero = |c: char| c != '0';
        let group = |digits: usize| i64::try_from(digits / GROUP).unwrap_or_default();
        let in_whole = |at: usize| group(whole.len() - 1 - at);
        let in_fraction = |at: usize| -1 - group(at);
        let first = whole.find(nonzero).map(in_whole);
        let last = fraction.rfind(nonzero).map(in_fraction);
        let first = first.or_else(|| fraction.find(nonzero).map(in_fraction));
        let last = last.or_else(|| whole.rfind(nonzero).map(in_whole));
        (first.unwrap_or_default(), last.unwrap_or_default())
    }

    /// The digits in the first group that is not 0; 0 for zero.
    pub(super) fn first_group(&self) -> u32 {
        let (whole, fraction) = self.parts();
        let (first, _) = self.groups();
        let digits = if let Ok(weight) = usize::try_from(first) {
            let end = whole.len().saturating_sub(weight * GROUP);
            whole.get(end.saturating_sub(GROUP)..end).unwrap_or_default().to_owned()
        } else {
            let start = usize::try_from(-first - 1).unwrap_or_default() * GROUP;
            let end = fraction.len().min(start + GROUP);
            format!("{:0<4}", fraction.get(start..end).unwrap_or_default())
        };
        digits.parse().unwrap_or_default()
    }
}

fn signed(count: usize) -> Result<i64> {
    i64::try_from(count).map_err(|_| overflow())
}

fn exponent_of(text: &str) -> Result<i64> {
    let exponent: i64 = text.parse().map_err(|_| overflow())?;
    if exponent.abs() >= EXPONENT_LIMIT { Err(overflow()) } else { Ok(exponent) }
}
