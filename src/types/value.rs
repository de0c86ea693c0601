//! One SQL value outside of Arrow: a bound parameter, a literal, a procedure's argument.

use serde::{Deserialize, Serialize};

use super::ScalarType;

/// A value. Times count microseconds; dates and timestamps count from 1970-01-01 (UTC where zoned).
/// The infinities are `MAX` and `-MAX` of the number, as DuckDB has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    Null,
    Bool(bool),
    Int2(i16),
    Int4(i32),
    Int8(i64),
    Float4(f32),
    Float8(f64),
    Numeric(Numeric),
    /// text, varchar, bpchar, name, json, jsonb and every type that has no case of its own.
    Text(String),
    Bytea(Vec<u8>),
    /// Days.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    Timestamp(i64),
    Timestamptz(i64),
    Interval(Interval),
    Uuid([u8; 16]),
    /// A one-dimensional array, or nested arrays for more dimensions.
    Array(ScalarType, Vec<Value>),
}

/// A decimal number: `unscaled / 10^scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numeric {
    pub unscaled: i128,
    pub scale: u8,
}

/// An interval, its three parts kept apart as PostgreSQL and Arrow keep them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    pub months: i32,
    pub days: i32,
    pub micros: i64,
}
