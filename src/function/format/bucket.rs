//! `width_bucket` of floats.

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// Returns which of `count` equal buckets from `low` to `high` the operand falls in: 0 before the
/// first, `count + 1` behind the last. If `low` is above `high`, buckets count downwards.
pub fn width_bucket(operand: f64, low: f64, high: f64, count: i32) -> Result<i32> {
    let invalid = |message: &str| {
        Err(Error::new(SqlState::INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, message))
    };
    if count <= 0 {
        return invalid("count must be greater than zero");
    }
    if operand.is_nan() || low.is_nan() || high.is_nan() {
        return invalid("operand, lower bound, and upper bound cannot be NaN");
    }
    if low.is_infinite() || high.is_infinite() {
        return invalid("lower and upper bounds must be finite");
    }
    let rising = low < high;
    if !rising && low <= high {
        return invalid("lower bound cannot equal upper bound");
    }
    let (before, behind) =
        if rising { (operand < low, operand >= high) } else { (operand > low, operand <= high) };
    if before {
        return Ok(0);
    }
    if behind {
        return count.checked_add(1).ok_or_else(|| {
            Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range")
        });
    }
    // In this order, as the last bit counts; a quotient past `int` is C's conversion on x86.
    let count = f64::from(count);
    let place = if rising {
        count * (operand - low) / (high - low) + 1.0
    } else {
        count * (low - operand) / (low - high) + 1.0
    };
    let fits = place > f64::from(i32::MIN) && place < f64::from(i32::MAX) + 1.0;
    #[expect(clippy::cast_possible_truncation, reason = "checked above; C cuts the fraction, too")]
    Ok(if fits { place as i32 } else { i32::MIN })
}
