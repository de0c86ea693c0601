//! Changed copies of jsonb values: `||`, `-`, `#-`, `jsonb_set`, `jsonb_insert`.

use super::place::{self, Change};
use super::value::{self, Fields, Value};
use super::write::canonical;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

fn invalid(message: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// `jsonb || jsonb`.
pub fn jsonb_concat(a: &str, b: &str) -> Result<String> {
    let (a, b) = (Value::parse(a)?, Value::parse(b)?);
    if let (Value::Object(first), Value::Object(second)) = (&a, &b) {
        let fields: Fields = first.iter().chain(second.iter()).cloned().collect();
        return Ok(Value::object(fields).to_json());
    }
    let items = [a, b].into_iter().flat_map(|value| match value {
        Value::Array(items) => items.to_vec(),
        other => vec![other],
    });
    Ok(Value::array(items.collect()).to_json())
}

/// `jsonb - text`.
pub fn jsonb_delete(json: &str, key: &str) -> Result<String> {
    delete(json, |other| other == key)
}

/// `jsonb - text[]`; NULLs do not count.
pub fn jsonb_delete_keys(json: &str, keys: &[Option<&str>]) -> Result<String> {
    delete(json, |other| keys.iter().flatten().any(|key| *key == other))
}

/// Takes fields with such keys, or strings among the items, away.
fn delete(json: &str, doomed: impl Fn(&str) -> bool) -> Result<String> {
    let value = match Value::parse(json)? {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(key, _)| !doomed(key));
            Value::object(kept.cloned().collect())
        }
        Value::Array(items) => {
            let kept = items.iter().filter(|item| match item {
                Value::String(text) => !doomed(text),
                _ => true,
            });
            Value::array(kept.cloned().collect())
        }
        _ => return Err(invalid("cannot delete from scalar")),
    };
    Ok(value.to_json())
}

/// `jsonb - integer`.
pub fn jsonb_delete_element(json: &str, index: i32) -> Result<String> {
    let value = Value::parse(json)?;
    match &value {
        Value::Object(_) => Err(invalid("cannot delete from object using integer index")),
        Value::Array(items) => {
            let doomed = value::place(index, items.len());
            let kept = items.iter().enumerate().filter(|(at, _)| Some(*at) != doomed);
            Ok(Value::array(kept.map(|(_, item)| item.clone()).collect()).to_json())
        }
        _ => Err(invalid("cannot delete from scalar")),
    }
}

/// `jsonb #- text[]`.
pub fn jsonb_delete_path(json: &str, path: &[Option<&str>]) -> Result<String> {
    let value = Value::parse(json)?;
    if value.is_scalar() {
        return Err(invalid("cannot delete path in scalar"));
    }
    if path.is_empty() || is_empty(&value) {
        return Ok(value.to_json());
    }
    Ok(place::change(&value, path, &Change::Delete)?.to_json())
}

/// `jsonb_set`.
pub fn jsonb_set(json: &str, path: &[Option<&str>], new: &str, create: bool) -> Result<String> {
    let (value, new) = (Value::parse(json)?, Value::parse(new)?);
    if value.is_scalar() {
        return Err(invalid("cannot set path in scalar"));
    }
    if path.is_empty() || (is_empty(&value) && !create) {
        return Ok(value.to_json());
    }
    let change = if create { Change::Set(new) } else { Change::Replace(new) };
    Ok(place::change(&value, path, &change)?.to_json())
}

/// `jsonb_insert`.
pub fn jsonb_insert(json: &str, path: &[Option<&str>], new: &str, after: bool) -> Result<String> {
    let (value, new) = (Value::parse(json)?, Value::parse(new)?);
    if value.is_scalar() {
        return Err(invalid("cannot set path in scalar"));
    }
    if path.is_empty() {
        return Ok(value.to_json());
    }
    let change = if after { Change::InsertAfter(new) } else { Change::InsertBefore(new) };
    Ok(place::change(&value, path, &change)?.to_json())
}

/// `jsonb_set_lax`: `new` may be NULL, and the last argument says what that does. The other
/// arguments are not NULL.
pub fn jsonb_set_lax(
    json: &str,
    path: &[Option<&str>],
    new: Option<&str>,
    create: bool,
    on_null: Option<&str>,
) -> Result<String> {
    let treatments = "null_value_treatment must be \"delete_key\", \"return_target\", \
                      \"use_json_null\", or \"raise_exception\"";
    let Some(on_null) = on_null else { return Err(invalid(treatments)) };
    match (new, on_null) {
        (Some(new), _) => jsonb_set(json, path, new, create),
        (None, "raise_exception") => {
            Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "JSON value must not be null")
                .with_detail(
                    "Exception was raised because null_value_treatment is \"raise_exception\".",
                )
                .with_hint(
                    "To avoid, either change the null_value_treatment argument or ensure that \
                     an SQL NULL is not passed.",
                ))
        }
        (None, "use_json_null") => jsonb_set(json, path, "null", create),
        (None, "delete_key") => jsonb_delete_path(json, path),
        (None, "return_target") => canonical(json),
        (None, _) => Err(invalid(treatments)),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// `jsonb_strip_nulls`.
pub fn jsonb_strip_nulls(json: &str) -> Result<String> {
    Ok(stripped(&Value::parse(json)?).to_json())
}

fn stripped(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::array(items.iter().map(stripped).collect()),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !matches!(value, Value::Null));
            Value::object(kept.map(|(key, value)| (key.clone(), stripped(value))).collect())
        }
        _ => value.clone(),
    }
}
