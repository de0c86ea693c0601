//! Calls that an engine's own function answers as PostgreSQL does, because of what their arguments
//! are: a macro that guards against the rest would only cost time, at each statement and row.

use sqlparser::ast::{Expr, UnaryOperator, Value};

use super::expr::{INT4, INT8};
use super::{UNKNOWN, resolve};

/// Units of time that engines know by the same name, and cut at in the same way.
const UNITS: [&str; 9] =
    ["second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade"];
/// Fields of a time that are whole numbers everywhere.
const FIELDS: [&str; 8] = ["minute", "hour", "day", "week", "month", "quarter", "doy", "isodow"];

/// Tells whether the engine's function is as good as the catalogue's; `given` are the arguments'
/// types.
pub(super) fn is_as_good(source: &str, args: &[&Expr], given: &[u32]) -> bool {
    match (source, args) {
        ("timestamp_trunc" | "timestamptz_trunc", [unit, _]) => {
            // A date becomes a timestamp on the way.
            text_of(unit).is_some_and(|unit| UNITS.contains(&unit))
                && matches!(given, [_, super::expr::TIMESTAMP | super::expr::TIMESTAMPTZ])
        }
        ("timestamp_part" | "timestamptz_part", [field, _]) => {
            text_of(field).is_some_and(|field| FIELDS.contains(&field))
        }
        ("text_substr", [_, from, length]) => {
            number_of(from).is_some_and(|from| from >= 1)
                && number_of(length).is_some_and(|length| length >= 0)
        }
        ("text_substr_no_len", [_, from]) => number_of(from).is_some_and(|from| from >= 1),
        ("textregexreplace_noopt", [_, pattern, instead]) => replaces_alike(pattern, instead),
        ("textregexreplace", [_, pattern, instead, flags]) => {
            matches!(text_of(flags), Some("" | "g" | "i" | "gi" | "ig"))
                && replaces_alike(pattern, instead)
        }
        ("split_part", [_, _, place]) => number_of(place).is_some_and(|place| place >= 1),
        ("interval_mul" | "mul_d_interval", _) => {
            given.iter().any(|oid| matches!(*oid, INT4 | INT8 | 21))
        }
        ("text_concat" | "text_concat_ws", _) => {
            given.iter().all(|&oid| oid == UNKNOWN || resolve::category(oid) == b'S')
        }
        _ => false,
    }
}

/// Tells whether a pattern and what comes in its place mean the same to every engine: a dot, a
/// letter's class and what is special to PostgreSQL do not.
fn replaces_alike(pattern: &Expr, instead: &Expr) -> bool {
    let (Some(pattern), Some(instead)) = (text_of(pattern), text_of(instead)) else { return false };
    let escapes = |pair: &[u8]| {
        pair[0] == b'\\' && pair[1].is_ascii_alphanumeric() && !b"dDsS".contains(&pair[1])
    };
    !pattern.as_bytes().windows(2).any(escapes)
        && !pattern.contains('.')
        && !["(?", "[[", "[:", "***"].iter().any(|part| pattern.contains(part))
        && !instead.contains("\\&")
}

fn text_of(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn number_of(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => text.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The digits of the least integer, which is none without its minus.
pub(super) fn is_least_integer(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value)
        if matches!(&value.value, Value::Number(text, _) if text == "2147483648"))
}

/// `(-2147483648)`, whose opposite is a bigint.
pub(super) fn is_least_negated(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_least_negated(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => is_least_integer(expr),
        _ => false,
    }
}
