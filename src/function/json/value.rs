//! A jsonb value in memory: objects in jsonb's order of keys, numbers as numeric.
//!
//! Parts are shared, so a copy costs nothing and a part can be told from one that looks the same.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use super::number::Number;
use super::parse::{self, Build, Scalar};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// Bytes that jsonb has room for in a container; here, that the numbers of a text may grow to when
/// their exponents are written out.
const BYTES_MAX: usize = 268_435_455;

/// The fields of an object.
pub(super) type Fields = Vec<(Arc<str>, Value)>;

/// A jsonb value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    String(Arc<str>),
    Array(Arc<Vec<Value>>),
    /// Sorted by [`key_order`], no key twice.
    Object(Arc<Fields>),
}

/// jsonb's order of the keys of an object: by length, then by bytes.
pub(super) fn key_order(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

impl Value {
    /// Reads JSON text.
    pub(super) fn parse(text: &str) -> Result<Value> {
        parse::parse(text, Builder { bytes: 0 })
    }

    /// Makes a string.
    pub(super) fn string(text: &str) -> Value {
        Value::String(Arc::from(text))
    }

    /// Makes an array.
    pub(super) fn array(items: Vec<Value>) -> Value {
        Value::Array(Arc::new(items))
    }

    /// Makes an object; of fields with the same key the last one stays.
    pub(super) fn object(mut fields: Fields) -> Value {
        let sorted = fields.windows(2).all(|pair| match pair {
            [(a, _), (b, _)] => key_order(a, b).is_lt(),
            _ => true,
        });
        if !sorted {
            fields.sort_by(|(a, _), (b, _)| key_order(a, b));
            fields.reverse();
            fields.dedup_by(|(a, _), (b, _)| a == b);
            fields.reverse();
        }
        Value::Object(Arc::new(fields))
    }

    /// Whether it has no parts.
    pub(super) fn is_scalar(&self) -> bool {
        !matches!(self, Value::Array(_) | Value::Object(_))
    }

    /// The value of an object's field.
    pub(super) fn field(&self, key: &str) -> Option<&Value> {
        let Value::Object(fields) = self else { return None };
        let at = fields.binary_search_by(|(other, _)| key_order(other, key)).ok()?;
        fields.get(at).map(|(_, value)| value)
    }

    /// The item of an array; a negative index counts from its end.
    pub(super) fn element(&self, index: i32) -> Option<&Value> {
        let Value::Array(items) = self else { return None };
        items.get(place(index, items.len())?)
    }

    /// What `jsonb_typeof` calls it.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }
    }
}

/// The place in a list of `len` that an index means, negative ones counting from its end.
pub(super) fn place(index: i32, len: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(at) => Some(at),
        Err(_) => len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

/// Builds jsonb values.
struct Builder {
    /// What the numbers have grown to.
    bytes: usize,
}

impl<'a> Build<'a> for Builder {
    type Value = Value;

    fn escapes(&self) -> bool {
        true
    }

    fn scalar(&mut self, scalar: Scalar<'a>, _: Range<usize>) -> Result<Value> {
        Ok(match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::String(text) => Value::String(Arc::from(text)),
            Scalar::Number(text) => {
                let number = Number::parse(text)?;
                self.bytes = self.bytes.saturating_add(number.text().len());
                if self.bytes > BYTES_MAX {
                    return Err(Error::new(
                        SqlState::PROGRAM_LIMIT_EXCEEDED,
                        format!(
                            "total size of jsonb array elements exceeds the maximum of \
                             {BYTES_MAX} bytes"
                        ),
                    ));
                }
                Value::Number(number)
            }
        })
    }

    fn array(&mut self, items: Vec<Value>, _: Range<usize>) -> Result<Value> {
        Ok(Value::array(items))
    }

    fn object(&mut self, fields: Vec<(String, Value)>, _: Range<usize>) -> Result<Value> {
        Ok(Value::object(fields.into_iter().map(|(key, value)| (Arc::from(key), value)).collect()))
    }
}
