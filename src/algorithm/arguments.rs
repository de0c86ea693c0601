//! The typed arguments of a run.

use std::collections::BTreeMap;

use super::invalid;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{self, Interval, PgType, Value};

/// Microseconds of a day, of which a month has thirty, as intervals compare.
const DAY_US: i64 = 86_400_000_000;

/// An argument beside the names of tables and columns.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    pub name: &'static str,
    pub kind: ParamKind,
    /// As it is written in SQL; without one the call must give it.
    pub default: Option<&'static str>,
}

/// What values an argument has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParamKind {
    /// A whole number between two, both included.
    Integer(i64, i64),
    /// A finite number between two, both included.
    Number(f64, f64),
    /// A length of time, longer than zero or not below it, without months.
    Duration {
        zero: bool,
    },
    Bool,
}

impl ParamKind {
    /// The type of its literals and parameters.
    pub fn pg_type(self) -> PgType {
        match self {
            ParamKind::Integer(..) => PgType::INT8,
            ParamKind::Number(..) => PgType::FLOAT8,
            ParamKind::Duration { .. } => PgType::INTERVAL,
            ParamKind::Bool => PgType::BOOL,
        }
    }
}

/// The arguments of one run, checked and complete.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    values: BTreeMap<&'static str, Value>,
}

impl Arguments {
    /// Checks what a call gives, and fills in defaults.
    ///
    /// # Errors
    /// 22023 for a value that is missing, NULL or out of its range, and 22P02 and its like for
    /// text that is none of its type.
    pub fn new(params: &[Param], given: impl Fn(&str) -> Option<Value>) -> Result<Arguments> {
        let mut values = BTreeMap::new();
        for param in params {
            let value = match (given(param.name), param.default) {
                (Some(value), _) => value,
                (None, Some(default)) => Value::Text(default.to_owned()),
                (None, None) => {
                    return Err(invalid(format!("argument {} must be given", param.name)));
                }
            };
            values.insert(param.name, checked(param, value)?);
        }
        Ok(Arguments { values })
    }

    /// A whole number.
    ///
    /// # Errors
    /// XX000 for a name that is none of [`ParamKind::Integer`].
    pub fn integer(&self, name: &str) -> Result<i64> {
        match self.values.get(name) {
            Some(Value::Int8(value)) => Ok(*value),
            _ => Err(no_such(name)),
        }
    }

    /// A number.
    ///
    /// # Errors
    /// XX000 for a name that is none of [`ParamKind::Number`].
    pub fn number(&self, name: &str) -> Result<f64> {
        match self.values.get(name) {
            Some(Value::Float8(value)) => Ok(*value),
            _ => Err(no_such(name)),
        }
    }

    /// A length of time, in microseconds.
    ///
    /// # Errors
    /// XX000 for a name that is none of [`ParamKind::Duration`].
    pub fn micros(&self, name: &str) -> Result<i64> {
        match self.values.get(name) {
            Some(Value::Interval(value)) => micros(*value).ok_or_else(|| no_such(name)),
            _ => Err(no_such(name)),
        }
    }

    /// A truth value.
    ///
    /// # Errors
    /// XX000 for a name that is none of [`ParamKind::Bool`].
    pub fn bool(&self, name: &str) -> Result<bool> {
        match self.values.get(name) {
            Some(Value::Bool(value)) => Ok(*value),
            _ => Err(no_such(name)),
        }
    }
}

fn checked(param: &Param, value: Value) -> Result<Value> {
    let name = param.name;
    let value = of_type(param.kind.pg_type(), value)?
        .ok_or_else(|| invalid(format!("argument {name} must be {}", words(param.kind))))?;
    let fits = match (param.kind, &value) {
        (ParamKind::Integer(least, most), Value::Int8(value)) => (least..=most).contains(value),
        (ParamKind::Number(least, most), Value::Float8(value)) => (least..=most).contains(value),
        (ParamKind::Duration { zero }, Value::Interval(value)) => {
            micros(*value).is_some_and(|micros| micros > 0 || (zero && micros == 0))
        }
        (ParamKind::Bool, Value::Bool(_)) => true,
        _ => false,
    };
    if fits {
        return Ok(value);
    }
    Err(invalid(format!("argument {name} must be {}", words(param.kind))))
}

fn words(kind: ParamKind) -> String {
    match kind {
        ParamKind::Integer(least, most) => format!("a whole number from {least} to {most}"),
        ParamKind::Number(least, most) => format!("a number from {least} to {most}"),
        ParamKind::Duration { zero: true } => "an interval of zero or more, without months".into(),
        ParamKind::Duration { zero: false } => "an interval above zero, without months".into(),
        ParamKind::Bool => "true or false".into(),
    }
}

/// Brings a literal's or a parameter's value to a type; `None` for NULL and for another kind.
fn of_type(pg_type: PgType, value: Value) -> Result<Option<Value>> {
    if let Value::Text(text) = value {
        return types::from_text(pg_type, &text, chrono_tz::UTC).map(Some);
    }
    Ok(match (pg_type, value) {
        (PgType::INT8, Value::Int2(value)) => Some(Value::Int8(value.into())),
        (PgType::INT8, Value::Int4(value)) => Some(Value::Int8(value.into())),
        (PgType::FLOAT8, Value::Int2(value)) => Some(Value::Float8(value.into())),
        (PgType::FLOAT8, Value::Int4(value)) => Some(Value::Float8(value.into())),
        #[expect(clippy::cast_precision_loss, reason = "as PostgreSQL casts a bigint")]
        (PgType::FLOAT8, Value::Int8(value)) => Some(Value::Float8(value as f64)),
        (PgType::FLOAT8, Value::Float4(value)) => Some(Value::Float8(value.into())),
        #[expect(clippy::cast_precision_loss, reason = "as PostgreSQL casts a numeric")]
        (PgType::FLOAT8, Value::Numeric(value)) => {
            Some(Value::Float8(value.unscaled as f64 / 10f64.powi(value.scale.into())))
        }
        (PgType::INT8, value @ Value::Int8(_))
        | (PgType::FLOAT8, value @ Value::Float8(_))
        | (PgType::INTERVAL, value @ Value::Interval(_))
        | (PgType::BOOL, value @ Value::Bool(_)) => Some(value),
        _ => None,
    })
}

/// An interval's length; `None` with months in it, which have none of their own.
fn micros(interval: Interval) -> Option<i64> {
    if interval.months != 0 {
        return None;
    }
    i64::from(interval.days).checked_mul(DAY_US)?.checked_add(interval.micros)
}

fn no_such(name: &str) -> Error {
    Error::new(SqlState::INTERNAL_ERROR, format!("the algorithm has no such argument: {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMS: &[Param] = &[
        Param { name: "lookback", kind: ParamKind::Integer(2, 100), default: Some("20") },
        Param { name: "threshold", kind: ParamKind::Number(0.0, 1e9), default: None },
        Param { name: "gap", kind: ParamKind::Duration { zero: false }, default: Some("30 min") },
    ];

    fn with(name: &str, value: Value) -> Result<Arguments> {
        Arguments::new(PARAMS, |wanted| match wanted {
            wanted if wanted == name => Some(value.clone()),
            "threshold" => Some(Value::Int8(3)),
            _ => None,
        })
    }

    #[test]
    fn defaults_and_literals_become_their_types() {
        let args = with("lookback", Value::Text("7".into())).unwrap();
        assert_eq!(args.integer("lookback").unwrap(), 7);
        assert_eq!(args.number("threshold").unwrap().to_bits(), 3f64.to_bits());
        assert_eq!(args.micros("gap").unwrap(), 1_800_000_000);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (name, value) in [
            ("lookback", Value::Int8(1)),
            ("lookback", Value::Null),
            ("threshold", Value::Float8(f64::NAN)),
            ("gap", Value::Text("1 month".into())),
            ("gap", Value::Text("0".into())),
            ("gap", Value::Bool(true)),
        ] {
            let error = with(name, value.clone()).unwrap_err();
            assert_eq!(error.code(), SqlState::INVALID_PARAMETER_VALUE, "{name} {value:?}");
        }
        assert!(with("lookback", Value::Text("many".into())).is_err());
        assert!(Arguments::new(PARAMS, |_| None).is_err(), "threshold has no default");
    }
}
