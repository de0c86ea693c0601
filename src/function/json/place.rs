//! Changing what a path leads to inside a jsonb value.

use std::sync::Arc;

use super::access::integer;
use super::value::{self, Fields, Value};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// What is done where the path ends.
pub(super) enum Change {
    Delete,
    /// Replaces what is there, adds it where nothing is.
    Set(Value),
    /// Replaces what is there.
    Replace(Value),
    InsertBefore(Value),
    InsertAfter(Value),
}

impl Change {
    /// The value that is added where nothing is.
    fn added(&self) -> Option<&Value> {
        match self {
            Change::Set(new) | Change::InsertBefore(new) | Change::InsertAfter(new) => Some(new),
            Change::Delete | Change::Replace(_) => None,
        }
    }
}

/// Changes a container at a path that is not empty.
pub(super) fn change(value: &Value, path: &[Option<&str>], change: &Change) -> Result<Value> {
    Walk { path, change }.value(value, 0)
}

struct Walk<'a> {
    path: &'a [Option<&'a str>],
    change: &'a Change,
}

impl Walk<'_> {
    /// Changes a value at a level that the path reaches.
    fn value(&self, value: &Value, level: usize) -> Result<Value> {
        let key = self.key(level)?;
        if level + 1 == self.path.len() {
            return match value {
                Value::Object(fields) => self.last_in_object(fields, key),
                Value::Array(items) => Ok(self.last_in_array(items, place(items, key, level)?)),
                _ => Ok(value.clone()),
            };
        }
        let (at, inner) = match value {
            Value::Object(fields) => {
                let at = fields.iter().position(|(other, _)| other.as_ref() == key);
                (at, at.and_then(|at| fields.get(at)).map(|(_, inner)| inner))
            }
            Value::Array(items) => {
                let at = place(items, key, level)?;
                (at, at.and_then(|at| items.get(at)))
            }
            _ => (None, None),
        };
        match (at, inner) {
            (Some(at), Some(inner)) => Ok(replaced(value, at, self.value(inner, level + 1)?)),
            _ => Ok(value.clone()),
        }
    }

    fn key(&self, level: usize) -> Result<&str> {
        self.path.get(level).copied().flatten().ok_or_else(|| {
            Error::new(
                SqlState::NULL_VALUE_NOT_ALLOWED,
                format!("path element at position {} is null", level + 1),
            )
        })
    }

    fn last_in_object(&self, fields: &Fields, key: &str) -> Result<Value> {
        let mut changed = fields.clone();
        match (changed.iter().position(|(other, _)| other.as_ref() == key), self.change) {
            (None, change) => {
                changed.extend(change.added().map(|new| (Arc::from(key), new.clone())));
            }
            (Some(at), Change::Delete) => {
                changed.remove(at);
            }
            (Some(at), Change::Set(new) | Change::Replace(new)) => {
                changed.splice(at..=at, [(Arc::from(key), new.clone())]);
            }
            (Some(_), Change::InsertBefore(_) | Change::InsertAfter(_)) => {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    "cannot replace existing key",
                )
                .with_hint("Try using the function jsonb_set to replace key value."));
            }
        }
        Ok(Value::object(changed))
    }

    fn last_in_array(&self, items: &[Value], at: Option<usize>) -> Value {
        let mut changed = items.to_vec();
        match at {
            Some(at) if at < items.len() => {
                changed.splice(at..=at, self.instead(items.get(at)));
            }
            // Before its start or behind its end.
            _ => {
                let end = if at.is_none() { 0 } else { items.len() };
                changed.splice(end..end, self.change.added().cloned());
            }
        }
        Value::array(changed)
    }

    /// What stands in the place of an item.
    fn instead(&self, item: Option<&Value>) -> Vec<Value> {
        let parts = match self.change {
            Change::Delete => [None, None],
            Change::Set(new) | Change::Replace(new) => [Some(new), None],
            Change::InsertBefore(new) => [Some(new), item],
            Change::InsertAfter(new) => [item, Some(new)],
        };
        parts.into_iter().flatten().cloned().collect()
    }
}

/// The place of an item, the length for all that are behind the end, `None` for those before the
/// start.
fn place(items: &[Value], key: &str, level: usize) -> Result<Option<usize>> {
    let Some(index) = integer(key) else {
        return Err(Error::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("path element at position {} is not an integer: \"{key}\"", level + 1),
        ));
    };
    Ok(value::place(index, items.len()).map(|at| at.min(items.len())))
}

/// A copy of a container with another value in one place.
fn replaced(value: &Value, at: usize, new: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut changed = fields.to_vec();
            if let Some((_, old)) = changed.get_mut(at) {
                *old = new;
            }
            Value::object(changed)
        }
        Value::Array(items) => {
            let mut changed = items.to_vec();
            changed.splice(at..=at, [new]);
            Value::array(changed)
        }
        _ => new,
    }
}
