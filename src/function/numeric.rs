//! Division as PostgreSQL's `numeric` does it: exact, rounded to at least 16 significant digits.

use arrow::datatypes::i256;

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// The decimal places in which quotients are stored: as many as PostgreSQL gives at most to those
/// between 0.0001 and 1.
pub const QUOTIENT_SCALE: u8 = 20;

/// PostgreSQL's digits have the base 10000.
const BASE: i128 = 10_000;
const SIGNIFICANT_DIGITS: i32 = 16;

/// Divides `left / 10^left_scale` by `right / 10^right_scale`; gives the quotient times
/// 10^[`QUOTIENT_SCALE`], rounded to the scale that PostgreSQL would choose.
///
/// # Errors
/// 22012 for a division by zero, 22003 for a quotient of more than 18 digits before the point.
pub fn divide(left: i128, left_scale: u8, right: i128, right_scale: u8) -> Result<i128> {
    if right == 0 {
        return Err(Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
    }
    let scale = quotient_scale(left, left_scale, right, right_scale);
    // left / 10^a / (right / 10^b) * 10^scale = left * 10^(b + scale - a) / right
    let up = i32::from(right_scale) + scale - i32::from(left_scale);
    let rounded = match narrow_quotient(left, right, up) {
        Some(quotient) => quotient,
        None => wide_quotient(left, right, up)?,
    };
    let left_over = u32::try_from(i32::from(QUOTIENT_SCALE) - scale).unwrap_or(0);
    10i128
        .checked_pow(left_over)
        .and_then(|power| rounded.checked_mul(power))
        .filter(|value| value.unsigned_abs() < 10u128.pow(38))
        .ok_or_else(too_large)
}

/// `left * 10^up / right`, rounded half away from zero; `None` where 128 bits have no room for the
/// way there.
fn narrow_quotient(left: i128, right: i128, up: i32) -> Option<i128> {
    let power = 10i128.checked_pow(up.unsigned_abs())?;
    let (above, below) =
        if up >= 0 { (left.checked_mul(power)?, right) } else { (left, right.checked_mul(power)?) };
    let whole = above.checked_div(below)?;
    let rest = (above - whole * below).unsigned_abs();
    let step = if (left < 0) == (right < 0) { 1 } else { -1 };
    if rest * 2 >= below.unsigned_abs() { whole.checked_add(step) } else { Some(whole) }
}

/// The same with 256 bits, which takes ten times as long.
fn wide_quotient(left: i128, right: i128, up: i32) -> Result<i128> {
    let (mut above, mut below) = (i256::from_i128(left), i256::from_i128(right));
    let power = i256::from_i128(10).checked_pow(up.unsigned_abs()).ok_or_else(too_large)?;
    if up >= 0 {
        above = above.checked_mul(power).ok_or_else(too_large)?;
    } else {
        below = below.checked_mul(power).ok_or_else(too_large)?;
    }
    let whole = above.checked_div(below).ok_or_else(too_large)?;
    let rest = above.checked_rem(below).ok_or_else(too_large)?;
    let twice = rest.wrapping_abs().checked_mul(i256::from_i128(2)).ok_or_else(too_large)?;
    let negative = (left < 0) != (right < 0);
    let step = i256::from_i128(if negative { -1 } else { 1 });
    let rounded = if twice >= below.wrapping_abs() { whole.wrapping_add(step) } else { whole };
    rounded.to_i128().ok_or_else(too_large)
}

fn too_large() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
}

/// Chooses the decimal places of a quotient as PostgreSQL's `select_div_scale` does.
fn quotient_scale(left: i128, left_scale: u8, right: i128, right_scale: u8) -> i32 {
    let (left_weight, left_first) = leading(left, left_scale);
    let (right_weight, right_first) = leading(right, right_scale);
    let mut weight = left_weight - right_weight;
    if left_first <= right_first {
        weight -= 1;
    }
    // What was divided before has more places than it shows.
    let shown = |scale: u8| if scale >= QUOTIENT_SCALE { 0 } else { i32::from(scale) };
    (SIGNIFICANT_DIGITS - weight * 4)
        .max(shown(left_scale))
        .max(shown(right_scale))
        .clamp(0, i32::from(QUOTIENT_SCALE))
}

/// The weight of a number's first digit to the base of 10000, and that digit.
fn leading(value: i128, scale: u8) -> (i32, i128) {
    let pad = (4 - scale % 4) % 4;
    let places = i32::from((scale + pad) / 4);
    let mut rest = value.checked_abs().unwrap_or(i128::MAX);
    let power = 10i128.pow(u32::from(pad));
    // Most numbers have room in 64 bits, whose divisions are much cheaper.
    if let Some(small) = rest.checked_mul(power).and_then(|padded| u64::try_from(padded).ok()) {
        let digits = small.checked_ilog10().map_or(0, |log| log / 4);
        let first = small / 10_u64.pow(digits * 4);
        let weight = i32::try_from(digits).unwrap_or(i32::MAX) - places;
        return if small == 0 { (0, 0) } else { (weight, i128::from(first)) };
    }
    let mut count = 0;
    match rest.checked_mul(power) {
        Some(padded) => rest = padded,
        None => {
            // The last digit alone holds what the padding adds.
            rest /= BASE / power;
            count = 1;
        }
    }
    if rest == 0 {
        return (0, 0);
    }
    while rest >= BASE {
        rest /= BASE;
        count += 1;
    }
    (count - places, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotient(left: i128, left_scale: u8, right: i128, right_scale: u8) -> String {
        let value = divide(left, left_scale, right, right_scale).unwrap();
        let sign = if value < 0 { "-" } else { "" };
        let digits = format!("{:021}", value.unsigned_abs());
        let (whole, rest) = digits.split_at(digits.len() - 20);
        format!("{sign}{whole}.{rest}")
    }

    #[test]
    fn quotients_are_rounded_where_postgresql_rounds_them() {
        // Each as PostgreSQL 15 gives it, with zeros up to 20 places.
        assert_eq!(quotient(10, 0, 30, 1), "3.33333333333333330000");
        assert_eq!(quotient(10, 1, 3, 0), "0.33333333333333333333");
        assert_eq!(quotient(22, 0, 7, 0), "3.14285714285714290000");
        assert_eq!(quotient(5000, 0, 30, 1), "1666.66666666666666670000");
        assert_eq!(quotient(-1, 0, 8, 0), "-0.12500000000000000000");
        assert_eq!(quotient(123_456_789, 0, 10, 0), "12345678.90000000000000000000");
        assert_eq!(quotient(1, 2, 3, 10), "33333333.33333333333300000000");
    }

    #[test]
    fn both_ways_to_a_quotient_agree() {
        let numbers = [1, -1, 2, 3, 7, 9_999, 10_000, -123_456_789, i128::from(u64::MAX), 1 << 90];
        for left in numbers.into_iter().chain([0]) {
            for right in numbers {
                for up in [-30, -3, 0, 1, 7, 16, 20] {
                    if let Some(narrow) = narrow_quotient(left, right, up) {
                        let wide = wide_quotient(left, right, up).unwrap();
                        assert_eq!(narrow, wide, "{left} * 10^{up} / {right}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_is_an_error() {
        assert_eq!(divide(1, 0, 0, 0).unwrap_err().code(), SqlState::DIVISION_BY_ZERO);
        let huge = divide(i128::MAX, 0, 1, 3).unwrap_err();
        assert_eq!(huge.code(), SqlState::NUMERIC_VALUE_OUT_OF_RANGE);
        assert!(divide(i128::MIN, 38, i128::MAX, 0).is_ok());
    }
}
