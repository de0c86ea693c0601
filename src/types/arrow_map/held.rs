//! What a type's modifier does to a value that is assigned: `timestamp(n)` and its like round,
//! `varchar(n)` and `char(n)` cut blanks and refuse the rest.

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{Column, Interval, ScalarType, Value};

/// Holds a value of a column's type to its modifier.
///
/// # Errors
/// 22001 for a text that is too long.
pub(super) fn held(column: &Column, value: Value) -> Result<Value> {
    if column.typmod < 0 {
        return Ok(value);
    }
    Ok(match value {
        Value::Timestamp(micros) => Value::Timestamp(rounded(micros, column)),
        Value::Timestamptz(micros) => Value::Timestamptz(rounded(micros, column)),
        Value::Time(micros) => Value::Time(rounded(micros, column)),
        Value::Interval(span) => {
            Value::Interval(Interval { micros: rounded(span.micros, column), ..span })
        }
        Value::Text(text) if column.pg_type.scalar() == ScalarType::Varchar => {
            Value::Text(cut(column, &text)?.to_owned())
        }
        other => other,
    })
}

/// The start of PostgreSQL's time, around which halves are rounded, as the start of ours has it.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// Rounds microseconds to the places of seconds that `timestamp(n)` and its like have.
pub(super) fn rounded(micros: i64, column: &Column) -> i64 {
    const INFINITE: [i64; 3] = [i64::MIN, -i64::MAX, i64::MAX];
    if column.typmod < 0 || INFINITE.contains(&micros) {
        return micros;
    }
    // Above the places there are an interval's fields.
    let places = u32::try_from(column.typmod & 0xffff).unwrap_or(6);
    let unit = 10_i64.pow(6_u32.saturating_sub(places));
    let zero = match column.pg_type.scalar() {
        ScalarType::Timestamp | ScalarType::Timestamptz => EPOCH_MICROS,
        _ => 0,
    };
    let rest = micros.rem_euclid(unit);
    let is_up = rest * 2 > unit || (rest * 2 == unit && micros >= zero);
    if is_up { (micros - rest).saturating_add(unit) } else { micros - rest }
}

/// Holds text to `varchar(n)` and `char(n)`: only spaces may be cut off.
pub(super) fn cut<'a>(column: &Column, text: &'a str) -> Result<&'a str> {
    let Some(limit) = usize::try_from(column.typmod).ok().and_then(|t| t.checked_sub(4)) else {
        return Ok(text);
    };
    if text.len() <= limit {
        return Ok(text);
    }
    let Some((end, _)) = text.char_indices().nth(limit) else { return Ok(text) };
    if text[end..].bytes().all(|byte| byte == b' ') {
        return Ok(&text[..end]);
    }
    Err(Error::new(
        SqlState::STRING_DATA_RIGHT_TRUNCATION,
        format!("value too long for type {}({limit})", column.pg_type.sql_name()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::PgType;

    #[test]
    fn seconds_are_rounded_as_postgresql_rounds_them() {
        let to =
            |pg_type, typmod, micros| rounded(micros, &Column::with_typmod("c", pg_type, typmod));
        assert_eq!(to(PgType::TIME, 0, 1_500_000), 2_000_000);
        assert_eq!(to(PgType::TIME, 3, 1_499), 1_000);
        assert_eq!(to(PgType::INTERVAL, (0x7fff << 16) | 3, -1_500), -2_000);
        // Halves go away from the year 2000.
        assert_eq!(to(PgType::TIMESTAMP, 0, 500_000), 0);
        assert_eq!(to(PgType::TIMESTAMP, 0, EPOCH_MICROS + 500_000), EPOCH_MICROS + 1_000_000);
        for same in [i64::MAX, -i64::MAX, i64::MIN] {
            assert_eq!(to(PgType::TIMESTAMPTZ, 0, same), same);
        }
        assert_eq!(to(PgType::TIMESTAMP, -1, 5), 5);
    }

    #[test]
    fn a_text_loses_only_blanks() {
        let column = Column::with_typmod("c", PgType::VARCHAR, 7);
        let held = |text: &str| held(&column, Value::Text(text.to_owned()));
        assert_eq!(held("äöü   ").unwrap(), Value::Text("äöü".to_owned()));
        assert_eq!(held("ab").unwrap(), Value::Text("ab".to_owned()));
        let error = held("abcd").unwrap_err();
        assert_eq!(error.message(), "value too long for type character varying(3)");
    }
}
