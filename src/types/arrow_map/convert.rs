//! Values as an assignment casts them: PostgreSQL's rounding, ranges and errors.

use arrow::datatypes::IntervalMonthDayNano;
use chrono_tz::Tz;

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::civil::{DAY_US, offset_at, offset_of_local};
use crate::types::input::parse_numeric;
use crate::types::output::{OutputStyle, write_value_text};
use crate::types::{Column, Interval, Numeric, PgType, ScalarType, Value};

fn value_type(value: &Value) -> PgType {
    match value {
        Value::Bool(_) => PgType::BOOL,
        Value::Int2(_) => PgType::INT2,
        Value::Int4(_) => PgType::INT4,
        Value::Int8(_) => PgType::INT8,
        Value::Float4(_) => PgType::FLOAT4,
        Value::Float8(_) => PgType::FLOAT8,
        Value::Numeric(_) => PgType::NUMERIC,
        Value::Null | Value::Text(_) => PgType::TEXT,
        Value::Bytea(_) => PgType::BYTEA,
        Value::Date(_) => PgType::DATE,
        Value::Time(_) => PgType::TIME,
        Value::Timestamp(_) => PgType::TIMESTAMP,
        Value::Timestamptz(_) => PgType::TIMESTAMPTZ,
        Value::Interval(_) => PgType::INTERVAL,
        Value::Uuid(_) => PgType::UUID,
        Value::Array(element, _) => PgType::Array(*element),
    }
}

pub(super) fn mismatch(column: &Column, value: &Value) -> impl Fn() -> Error + Copy + use<> {
    // Only types are kept, so that the error costs nothing where there is none.
    let (wanted, given) = (column.pg_type, value_type(value));
    move || {
        Error::new(
            SqlState::DATATYPE_MISMATCH,
            format!(
                "a column of type {} cannot take an expression of type {}",
                wanted.sql_name(),
                given.sql_name()
            ),
        )
        .with_hint("You will need to rewrite or cast the expression.")
    }
}

pub(super) fn whole<N: TryFrom<i128>>(
    value: &Value,
    scalar: ScalarType,
    mismatch: impl Fn() -> Error,
) -> Result<N> {
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and is then out of range")]
    let from_float = |value: f64| match value.is_nan() {
        true => i128::MAX,
        false => value.round_ties_even() as i128,
    };
    let number = match value {
        Value::Int2(value) => (*value).into(),
        Value::Int4(value) => (*value).into(),
        Value::Int8(value) => (*value).into(),
        Value::Float4(value) => from_float((*value).into()),
        Value::Float8(value) => from_float(*value),
        Value::Numeric(value) => rescale(*value, 0).unwrap_or(i128::MAX),
        _ => return Err(mismatch()),
    };
    N::try_from(number).map_err(|_| {
        let message = format!("{} out of range", scalar.sql_name());
        Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
    })
}

pub(super) fn double(value: &Value) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "as PostgreSQL's cast to a float")]
    Some(match value {
        Value::Int2(value) => (*value).into(),
        Value::Int4(value) => (*value).into(),
        Value::Int8(value) => *value as f64,
        Value::Float4(value) => (*value).into(),
        Value::Float8(value) => *value,
        Value::Numeric(_) => {
            let mut text = Vec::new();
            write_value_text(&mut text, value, OutputStyle::default());
            std::str::from_utf8(&text).ok()?.parse().ok()?
        }
        _ => return None,
    })
}

pub(super) fn narrow(value: f64) -> Result<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "checked below")]
    let narrowed = value as f32;
    if narrowed.is_infinite() && value.is_finite() {
        return Err(Error::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            "value out of range: overflow",
        ));
    }
    Ok(narrowed)
}

pub(super) fn numeric(value: &Value, mismatch: impl Fn() -> Error) -> Result<Numeric> {
    let whole = |unscaled: i128| Ok(Numeric { unscaled, scale: 0 });
    match value {
        Value::Int2(value) => whole((*value).into()),
        Value::Int4(value) => whole((*value).into()),
        Value::Int8(value) => whole((*value).into()),
        Value::Numeric(value) => Ok(*value),
        // PostgreSQL keeps 15 and 6 digits of a float here.
        Value::Float8(value) => parse_numeric(&format!("{value:.14e}")),
        Value::Float4(value) => parse_numeric(&format!("{value:.5e}")),
        _ => Err(mismatch()),
    }
}

/// Brings a number to a scale, rounding half away from zero; `None` past 128 bits.
fn rescale(number: Numeric, scale: i8) -> Option<i128> {
    let by = i32::from(scale) - i32::from(number.scale);
    let power = 10i128.checked_pow(by.unsigned_abs());
    if by >= 0 {
        return if number.unscaled == 0 { Some(0) } else { number.unscaled.checked_mul(power?) };
    }
    let Some(power) = power else { return Some(0) };
    let (whole, rest) = (number.unscaled / power, number.unscaled % power);
    let up = rest.unsigned_abs() >= power.unsigned_abs() / 2;
    Some(if up { whole + number.unscaled.signum() } else { whole })
}

/// Holds a number to `numeric(precision, scale)`.
pub(super) fn fit(number: Numeric, precision: u8, scale: i8) -> Result<i128> {
    let limit = 10u128.checked_pow(precision.into()).unwrap_or(u128::MAX);
    rescale(number, scale).filter(|value| value.unsigned_abs() < limit).ok_or_else(|| {
        let room = i32::from(precision) - i32::from(scale);
        let bound = if room == 0 { "1".to_owned() } else { format!("10^{room}") };
        Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow").with_detail(
            format!(
                "A field with precision {precision}, scale {scale} must round to an absolute value \
                 less than {bound}."
            ),
        )
    })
}

pub(super) fn stored(interval: Interval) -> Result<IntervalMonthDayNano> {
    let nanoseconds = interval
        .micros
        .checked_mul(1_000)
        .ok_or_else(|| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "interval out of range"))?;
    Ok(IntervalMonthDayNano { months: interval.months, days: interval.days, nanoseconds })
}

/// Moves an instant to the zone's clocks, or back; the infinities stay.
fn shifted(micros: i64, seconds: i32) -> Option<i64> {
    micros.checked_add(i64::from(seconds) * 1_000_000)
}

fn is_infinite(micros: i64) -> bool {
    micros == i64::MAX || micros <= -i64::MAX
}

pub(super) fn instant(value: &Value, zoned: bool, zone: Tz) -> Option<i64> {
    let (micros, from_zoned) = match value {
        Value::Timestamp(micros) => (*micros, false),
        Value::Timestamptz(micros) => (*micros, true),
        Value::Date(i32::MAX) => (i64::MAX, zoned),
        Value::Date(days) if *days == -i32::MAX => (-i64::MAX, zoned),
        Value::Date(days) => (i64::from(*days).checked_mul(DAY_US)?, false),
        _ => return None,
    };
    if is_infinite(micros) || zoned == from_zoned {
        return Some(micros);
    }
    let seconds = micros.div_euclid(1_000_000);
    match zoned {
        true => shifted(micros, -offset_of_local(zone, seconds)),
        false => shifted(micros, offset_at(zone, seconds)),
    }
}

pub(super) fn date(value: &Value, zone: Tz) -> Option<i32> {
    if let Value::Date(days) = value {
        return Some(*days);
    }
    match instant(value, false, zone)? {
        i64::MAX => Some(i32::MAX),
        micros if is_infinite(micros) => Some(-i32::MAX),
        micros => i32::try_from(micros.div_euclid(DAY_US)).ok(),
    }
}

pub(super) fn time(value: &Value, zone: Tz) -> Option<i64> {
    match value {
        Value::Time(micros) => Some(*micros),
        Value::Interval(interval) => Some(interval.micros.rem_euclid(DAY_US)),
        Value::Date(_) => None,
        value => instant(value, false, zone)
            .filter(|&micros| !is_infinite(micros))
            .map(|micros| micros.rem_euclid(DAY_US)),
    }
}
