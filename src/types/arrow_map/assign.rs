//! Single values to what a column stores, as an assignment casts them.

use chrono_tz::Tz;

use super::NUMERIC_DEFAULT;
use super::convert::{date, double, fit, instant, mismatch, narrow, numeric, stored, whole};
use super::held::held;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::input::{from_text, parse_f32, parse_f64, parse_numeric};
use crate::types::{Column, InputStyle, Numeric, PgType, ScalarType, Value};

/// Casts a value of type `from` to what `column` stores, so that building an array of it later
/// cannot fail. `None` where PostgreSQL has no such cast, or where it is not done here.
///
/// # Errors
/// 22003 for a number out of range, 22021 for text with a NUL byte.
pub fn assign(column: &Column, from: PgType, value: Value, zone: Tz) -> Result<Option<Value>> {
    match (column.pg_type, value) {
        (_, Value::Null) => Ok(Some(Value::Null)),
        (PgType::Array(element), Value::Array(given, items)) if from == column.pg_type => {
            let inner = Column { pg_type: PgType::Scalar(element), ..column.clone() };
            let cast = |item| assign(&inner, PgType::Scalar(given), item, zone);
            let items = items.into_iter().map(cast).collect::<Result<Option<Vec<_>>>>()?;
            Ok(items.map(|items| Value::Array(element, items)))
        }
        (PgType::Scalar(to), value) => match from {
            PgType::Scalar(from) => {
                let assigned = assign_scalar(column, from, to, value, zone)?;
                assigned.map(|value| held(column, value)).transpose()
            }
            PgType::Array(_) => Ok(None),
        },
        _ => Ok(None),
    }
}

/// Tells whether [`assign`] knows how to cast values of a type to what a column stores.
pub fn is_assignable(column: &Column, from: PgType) -> bool {
    use ScalarType as T;
    match (from, column.pg_type) {
        (PgType::Scalar(from), PgType::Scalar(to)) => {
            let plain =
                matches!(to, T::Bool | T::Bytea | T::Time | T::Interval | T::Uuid | T::Json);
            is_number(from) && is_number(to)
                || is_moment(from) && is_moment(to)
                || is_text(from) && is_text(to)
                || from == to && plain
        }
        (PgType::Array(from), PgType::Array(to)) => {
            let inner = Column { pg_type: PgType::Scalar(to), ..column.clone() };
            from == to && is_assignable(&inner, PgType::Scalar(from))
        }
        _ => false,
    }
}

/// Reads a quoted literal or a text parameter as a column's value.
///
/// # Errors
/// As [`from_text`] and [`assign`].
pub fn assign_text(
    column: &Column,
    text: &str,
    style: impl Into<InputStyle>,
) -> Result<Option<Value>> {
    let style = style.into();
    if !is_assignable(column, column.pg_type) {
        return Ok(None);
    }
    let value = from_text(column.pg_type, text, style)?;
    assign(column, column.pg_type, value, style.time_zone)
}

/// Reads a number as it is written in a statement as a column's value.
///
/// # Errors
/// 22003 for a number out of range.
pub fn assign_number(column: &Column, text: &str, zone: Tz) -> Result<Option<Value>> {
    match column.pg_type {
        // A number in a statement is a numeric first, which has no negative zero.
        PgType::FLOAT8 => return Ok(Some(Value::Float8(parse_f64(text)? + 0.0))),
        PgType::FLOAT4 => return Ok(Some(Value::Float4(parse_f32(text)? + 0.0))),
        _ => {}
    }
    match text.parse::<i64>() {
        Ok(number) => assign(column, PgType::INT8, Value::Int8(number), zone),
        Err(_) => {
            let number = Value::Numeric(parse_numeric(text)?);
            assign(column, PgType::NUMERIC, number, zone)
        }
    }
}

fn is_number(scalar: ScalarType) -> bool {
    use ScalarType as T;
    matches!(scalar, T::Int2 | T::Int4 | T::Int8 | T::Float4 | T::Float8 | T::Numeric)
}

fn is_moment(scalar: ScalarType) -> bool {
    matches!(scalar, ScalarType::Date | ScalarType::Timestamp | ScalarType::Timestamptz)
}

fn is_text(scalar: ScalarType) -> bool {
    matches!(scalar, ScalarType::Text | ScalarType::Varchar)
}

fn assign_scalar(
    column: &Column,
    from: ScalarType,
    to: ScalarType,
    value: Value,
    zone: Tz,
) -> Result<Option<Value>> {
    if is_number(from) && is_number(to) {
        return assign_to_number(column, to, &value).map(Some);
    }
    if is_moment(from) && is_moment(to) {
        return Ok(match to {
            ScalarType::Date => date(&value, zone).map(Value::Date),
            ScalarType::Timestamp => instant(&value, false, zone).map(Value::Timestamp),
            _ => instant(&value, true, zone).map(Value::Timestamptz),
        });
    }
    if from != to && !(is_text(from) && is_text(to)) {
        return Ok(None);
    }
    Ok(match (to, value) {
        (_, Value::Text(text)) => {
            check_no_nul(&text)?;
            (is_text(to) || to == ScalarType::Json).then_some(Value::Text(text))
        }
        // Beyond what Arrow counts in nanoseconds.
        (ScalarType::Interval, Value::Interval(interval)) if stored(interval).is_err() => None,
        (
            ScalarType::Bool
            | ScalarType::Bytea
            | ScalarType::Time
            | ScalarType::Interval
            | ScalarType::Uuid,
            value,
        ) => Some(value),
        _ => None,
    })
}

fn assign_to_number(column: &Column, to: ScalarType, value: &Value) -> Result<Value> {
    let mismatch = mismatch(column, value);
    Ok(match to {
        ScalarType::Int2 => Value::Int2(whole(value, to, mismatch)?),
        ScalarType::Int4 => Value::Int4(whole(value, to, mismatch)?),
        ScalarType::Int8 => Value::Int8(whole(value, to, mismatch)?),
        ScalarType::Float4 => match value {
            Value::Float4(value) => Value::Float4(*value),
            value => Value::Float4(narrow(double(value).ok_or_else(mismatch)?)?),
        },
        ScalarType::Float8 => Value::Float8(double(value).ok_or_else(mismatch)?),
        _ => {
            let (precision, scale) = column.numeric_precision_scale().unwrap_or(NUMERIC_DEFAULT);
            let unscaled = fit(numeric(value, mismatch)?, precision, scale)?;
            Value::Numeric(Numeric { unscaled, scale: scale.unsigned_abs() })
        }
    })
}

fn check_no_nul(text: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::new(
            SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            "invalid byte sequence for encoding \"UTF8\": 0x00",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::numeric_typmod;

    fn column(pg_type: PgType) -> Column {
        Column::new("a", pg_type)
    }

    #[test]
    fn numbers_are_rounded_and_held_to_their_ranges() {
        let number = |pg_type, text: &str| assign_number(&column(pg_type), text, Tz::UTC);
        assert_eq!(number(PgType::INT4, "2.5").unwrap(), Some(Value::Int4(3)));
        assert_eq!(number(PgType::INT4, "-2.5").unwrap(), Some(Value::Int4(-3)));
        assert_eq!(number(PgType::INT2, "1e3").unwrap(), Some(Value::Int2(1000)));
        assert_eq!(number(PgType::FLOAT8, "1e300").unwrap(), Some(Value::Float8(1e300)));
        let error = number(PgType::INT4, "99999999999").unwrap_err();
        assert_eq!(
            (error.code(), error.message()),
            (SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range")
        );
        assert_eq!(number(PgType::TEXT, "1").unwrap(), None);
        assert_eq!(number(PgType::BOOL, "1").unwrap(), None);
        let money = Column { typmod: numeric_typmod(4, 2), ..column(PgType::NUMERIC) };
        let held = assign_number(&money, "1.005", Tz::UTC).unwrap();
        assert_eq!(held, Some(Value::Numeric(Numeric { unscaled: 101, scale: 2 })));
        let error = assign_number(&money, "100", Tz::UTC).unwrap_err();
        assert_eq!(error.message(), "numeric field overflow");
    }

    #[test]
    fn texts_are_read_as_the_columns_type() {
        let text = |pg_type, text: &str| assign_text(&column(pg_type), text, Tz::UTC);
        assert_eq!(text(PgType::DATE, "1970-01-03").unwrap(), Some(Value::Date(2)));
        let error = text(PgType::INT4, "x").unwrap_err();
        assert_eq!(error.message(), "invalid input syntax for type integer: \"x\"");
        let array = text(PgType::Array(ScalarType::Int4), "{1,NULL}").unwrap();
        assert_eq!(array, Some(Value::Array(ScalarType::Int4, vec![Value::Int4(1), Value::Null])));
        assert_eq!(text(PgType::TEXT, "a\0").unwrap_err().code().as_str(), "22021");
    }

    #[test]
    fn what_has_no_assignment_cast_is_left_to_others() {
        let to = |to, from, value| assign(&column(to), from, value, Tz::UTC).unwrap();
        assert_eq!(to(PgType::INT4, PgType::TEXT, Value::Text("1".into())), None);
        assert_eq!(to(PgType::TEXT, PgType::INT4, Value::Int4(1)), None);
        assert_eq!(to(PgType::JSON, PgType::TEXT, Value::Text("1".into())), None);
        let day = to(PgType::TIMESTAMP, PgType::DATE, Value::Date(1));
        assert_eq!(day, Some(Value::Timestamp(86_400_000_000)));
    }
}
