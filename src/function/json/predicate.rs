//! Comparing jsonb values: equality, the order of btree indexes, `@>` and the `?` operators.

use std::cmp::Ordering;

use super::value::Value;
use crate::error::Result;

/// The tags of [`jsonb_sort_key`], in the order of the types.
mod tag {
    pub(super) const NULL: u8 = 1;
    pub(super) const STRING: u8 = 2;
    pub(super) const NUMBER: u8 = 3;
    pub(super) const BOOL: u8 = 4;
    pub(super) const ARRAY: u8 = 5;
    pub(super) const OBJECT: u8 = 6;
}

/// The order of jsonb: objects over arrays over booleans over numbers over strings over null, the
/// bigger container over the smaller one; strings by their bytes.
///
/// As in PostgreSQL, an empty array alone is below everything else.
pub fn jsonb_compare(a: &str, b: &str) -> Result<Ordering> {
    let (a, b) = (Value::parse(a)?, Value::parse(b)?);
    let wrapped = |value: &Value| match value {
        Value::Array(items) => Some((items.len(), true)),
        Value::Object(_) => None,
        // A scalar alone is stored as an array of one that knows that it is none.
        _ => Some((1, false)),
    };
    Ok(match (wrapped(&a), wrapped(&b)) {
        (Some(a_form), Some(b_form)) => a_form.cmp(&b_form).then_with(|| a.compare(&b)),
        _ => a.compare(&b),
    })
}

/// `jsonb = jsonb`.
pub fn jsonb_equal(a: &str, b: &str) -> Result<bool> {
    Ok(jsonb_compare(a, b)?.is_eq())
}

/// Bytes that compare as [`jsonb_compare`] compares the values, and that are the same for equal
/// values: a key to sort, group and join by.
pub fn jsonb_sort_key(json: &str) -> Result<Vec<u8>> {
    let value = Value::parse(json)?;
    let mut key = Vec::new();
    match &value {
        Value::Array(items) => {
            push_head(tag::ARRAY, items.len(), &mut key);
            key.push(1);
            items.iter().for_each(|item| item.push_key(&mut key));
        }
        Value::Object(_) => value.push_key(&mut key),
        _ => {
            push_head(tag::ARRAY, 1, &mut key);
            key.push(0);
            value.push_key(&mut key);
        }
    }
    Ok(key)
}

fn push_head(tag: u8, len: usize, key: &mut Vec<u8>) {
    key.push(tag);
    key.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes());
}

/// No string holds a zero byte, so one marks its end.
fn push_string(text: &str, key: &mut Vec<u8>) {
    key.extend_from_slice(text.as_bytes());
    key.push(0);
}

impl Value {
    fn rank(&self) -> u8 {
        match self {
            Value::Null => tag::NULL,
            Value::String(_) => tag::STRING,
            Value::Number(_) => tag::NUMBER,
            Value::Bool(_) => tag::BOOL,
            Value::Array(_) => tag::ARRAY,
            Value::Object(_) => tag::OBJECT,
        }
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        match self {
            Value::Array(items) => push_head(tag::ARRAY, items.len(), key),
            Value::Object(fields) => push_head(tag::OBJECT, fields.len(), key),
            _ => key.push(self.rank()),
        }
        match self {
            Value::Null => {}
            Value::Bool(value) => key.push(u8::from(*value)),
            Value::Number(number) => number.sort_key(key),
            Value::String(text) => push_string(text, key),
            Value::Array(items) => items.iter().for_each(|item| item.push_key(key)),
            Value::Object(fields) => {
                for (name, value) in fields.iter() {
                    key.push(tag::STRING);
                    push_string(name, key);
                    value.push_key(key);
                }
            }
        }
    }

    /// The order of values inside a container.
    pub(super) fn compare(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Number(a), Value::Number(b)) => a.compare(b),
            (Value::String(a), Value::String(b)) => a.cmp(b),
            (Value::Array(a), Value::Array(b)) => a.len().cmp(&b.len()).then_with(|| {
                let mut orders = a.iter().zip(b.iter()).map(|(a, b)| a.compare(b));
                orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            }),
            (Value::Object(a), Value::Object(b)) => a.len().cmp(&b.len()).then_with(|| {
                let pairs = a.iter().zip(b.iter());
                let mut orders = pairs.map(|((a_key, a_value), (b_key, b_value))| {
                    a_key.cmp(b_key).then_with(|| a_value.compare(b_value))
                });
                orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            }),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    /// Whether what stands at the same level of `other` stands here too.
    fn contains(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Object(fields), Value::Object(wanted)) => {
                fields.len() >= wanted.len()
                    && wanted
                        .iter()
                        .all(|(key, value)| self.field(key).is_some_and(|own| own.contains(value)))
            }
            (Value::Array(items), Value::Array(wanted)) => {
                wanted.iter().all(|value| items.iter().any(|item| item.contains(value)))
            }
            _ => self.is_scalar() && other.is_scalar() && self.compare(other).is_eq(),
        }
    }

    /// Whether the string is a key, an item or the value itself.
    fn has(&self, key: &str) -> bool {
        let is_key = |value: &Value| matches!(value, Value::String(text) if text.as_ref() == key);
        match self {
            Value::Object(_) => self.field(key).is_some(),
            Value::Array(items) => items.iter().any(is_key),
            _ => is_key(self),
        }
    }
}

/// `jsonb @> jsonb`; `<@` with the arguments the other way round.
pub fn jsonb_contains(json: &str, other: &str) -> Result<bool> {
    let (value, other) = (Value::parse(json)?, Value::parse(other)?);
    // At the top, an array contains its items themselves.
    Ok(match &value {
        Value::Array(items) if other.is_scalar() => items.iter().any(|item| item.contains(&other)),
        _ => value.contains(&other),
    })
}

/// `jsonb ? text`.
pub fn jsonb_exists(json: &str, key: &str) -> Result<bool> {
    Ok(Value::parse(json)?.has(key))
}

/// `jsonb ?| text[]`; NULLs do not count.
pub fn jsonb_exists_any(json: &str, keys: &[Option<&str>]) -> Result<bool> {
    let value = Value::parse(json)?;
    Ok(keys.iter().flatten().any(|key| value.has(key)))
}

/// `jsonb ?& text[]`; NULLs do not count.
pub fn jsonb_exists_all(json: &str, keys: &[Option<&str>]) -> Result<bool> {
    let value = Value::parse(json)?;
    Ok(keys.iter().flatten().all(|key| value.has(key)))
}
