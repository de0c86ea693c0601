//! Scalar functions in Rust: what PostgreSQL computes and no engine has.
//!
//! [`ALL`] lists them. Each is known to DuckDB as `teatree_<name>`; the macros in `sql/functions/`
//! give it PostgreSQL's name and arguments.
//!
//! - `float.rs`: texts of floating-point numbers.
//! - `format/`: `to_char`, `to_date`, `to_number`, `format` and their like.
//! - `json/`: jsonb's operators and functions.
//! - `numeric.rs`: division as PostgreSQL's `numeric` does it.
//! - `transcendental.rs`: roots, powers and logarithms of `numeric`, by the numbers of `quad.rs`.
//! - `regexp.rs`: regular expressions as functions; `pattern.rs`: how they are read and run.
//! - `list.rs`: the list of functions, with how they take their arguments.

mod digest;
mod float;
pub mod format;
pub mod json;
mod list;
mod numeric;
mod pattern;
mod quad;
mod regexp;
mod transcendental;

use crate::error::{Error, Result};

pub use list::ALL;
pub use numeric::{QUOTIENT_SCALE, divide};

/// A type that arguments and results have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Int4,
    Int8,
    Float8,
    Bool,
    /// Microseconds since 1970, without a zone.
    Timestamp,
    /// Days since 1970.
    Date,
    Texts,
}

/// An argument of one row.
#[derive(Clone, Debug)]
pub enum Arg<'a> {
    Null,
    Text(&'a str),
    Int(i64),
    Float(f64),
    Bool(bool),
    Texts(Vec<Option<&'a str>>),
}

impl<'a> Arg<'a> {
    /// Returns a text.
    ///
    /// # Errors
    /// XX000 for anything else: the engine gives what the list of functions says.
    pub fn text(&self) -> Result<&'a str> {
        match self {
            Arg::Text(text) => Ok(text),
            _ => Err(unexpected()),
        }
    }

    /// Returns an integer, a timestamp's microseconds or a date's days.
    ///
    /// # Errors
    /// XX000 for anything else.
    pub fn int(&self) -> Result<i64> {
        match self {
            Arg::Int(int) => Ok(*int),
            _ => Err(unexpected()),
        }
    }

    /// Returns an integer that was declared as one of 32 bits.
    ///
    /// # Errors
    /// XX000 for anything else.
    pub fn int4(&self) -> Result<i32> {
        i32::try_from(self.int()?).map_err(|_| unexpected())
    }

    /// Returns a float.
    ///
    /// # Errors
    /// XX000 for anything else.
    pub fn float(&self) -> Result<f64> {
        match self {
            Arg::Float(float) => Ok(*float),
            _ => Err(unexpected()),
        }
    }

    /// Returns a boolean.
    ///
    /// # Errors
    /// XX000 for anything else.
    pub fn bool(&self) -> Result<bool> {
        match self {
            Arg::Bool(value) => Ok(*value),
            _ => Err(unexpected()),
        }
    }

    /// Returns a list of texts.
    ///
    /// # Errors
    /// XX000 for anything else.
    pub fn texts(&self) -> Result<&[Option<&'a str>]> {
        match self {
            Arg::Texts(texts) => Ok(texts),
            _ => Err(unexpected()),
        }
    }
}

fn unexpected() -> Error {
    Error::internal("a function was called with an argument of another type")
}

/// The result of one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    Null,
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Texts(Vec<Option<String>>),
}

impl From<Option<String>> for Out {
    fn from(text: Option<String>) -> Out {
        text.map_or(Out::Null, Out::Text)
    }
}

/// One function.
#[derive(Debug)]
pub struct ScalarFunction {
    /// The name behind `teatree_`.
    pub name: &'static str,
    pub args: &'static [Kind],
    pub result: Kind,
    /// NULL for any argument gives NULL.
    pub strict: bool,
    pub run: fn(&[Arg<'_>]) -> Result<Out>,
}
