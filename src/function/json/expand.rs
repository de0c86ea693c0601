//! What json and jsonb values consist of: types, lengths, keys, fields, items.

use super::lex::{Lexer, Token};
use super::node::{Kind, Node};
use super::value::{Fields, Value};
use super::write::push_quoted;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// PostgreSQL complains about the kind of container before it reads what is in it.
fn first_token(json: &str) -> Result<Token> {
    let mut lexer = Lexer::new(json, false);
    lexer.advance()?;
    Ok(lexer.token())
}

/// `jsonb_typeof`; looks at the first token only.
pub fn jsonb_typeof(json: &str) -> Result<&'static str> {
    json_typeof(json)
}

/// `json_typeof`: looks at the first token only, as PostgreSQL does.
pub fn json_typeof(json: &str) -> Result<&'static str> {
    let mut lexer = Lexer::new(json, false);
    lexer.advance()?;
    match lexer.token() {
        Token::ObjectStart => Ok("object"),
        Token::ArrayStart => Ok("array"),
        Token::String => Ok("string"),
        Token::Number => Ok("number"),
        Token::True | Token::False => Ok("boolean"),
        Token::Null => Ok("null"),
        _ => Err(lexer.unexpected("JSON value")),
    }
}

/// `jsonb_array_length`.
pub fn jsonb_array_length(json: &str) -> Result<i32> {
    length(match Value::parse(json)? {
        Value::Array(items) => Some(items.len()),
        Value::Object(_) => None,
        _ => return Err(invalid("cannot get array length of a scalar")),
    })
}

/// `json_array_length`.
pub fn json_array_length(json: &str) -> Result<i32> {
    length(match Node::parse_loosely(json)?.kind {
        Kind::Array(items) => Some(items.len()),
        Kind::Object(_) => None,
        _ => return Err(invalid("cannot get array length of a scalar")),
    })
}

fn length(items: Option<usize>) -> Result<i32> {
    let items = items.ok_or_else(|| invalid("cannot get array length of a non-array"))?;
    i32::try_from(items).map_err(|_| invalid("cannot get array length of a non-array"))
}

/// `jsonb_object_keys`.
pub fn jsonb_object_keys(json: &str) -> Result<Vec<String>> {
    let fields = match Value::parse(json)? {
        Value::Object(fields) => fields,
        Value::Array(_) => return Err(invalid("cannot call jsonb_object_keys on an array")),
        _ => return Err(invalid("cannot call jsonb_object_keys on a scalar")),
    };
    Ok(fields.iter().map(|(key, _)| key.as_ref().to_owned()).collect())
}

/// `json_object_keys`.
pub fn json_object_keys(json: &str) -> Result<Vec<String>> {
    if first_token(json)? == Token::ArrayStart {
        return Err(invalid("cannot call json_object_keys on an array"));
    }
    match Node::parse(json)?.kind {
        Kind::Object(fields) => Ok(fields.into_iter().map(|(key, _)| key).collect()),
        _ => Err(invalid("cannot call json_object_keys on a scalar")),
    }
}

/// `jsonb_each`.
pub fn jsonb_each(json: &str) -> Result<Vec<(String, String)>> {
    let fields = fields(json, "jsonb_each")?;
    Ok(fields.iter().map(|(key, value)| (key.as_ref().to_owned(), value.to_json())).collect())
}

/// `jsonb_each_text`.
pub fn jsonb_each_text(json: &str) -> Result<Vec<(String, Option<String>)>> {
    let fields = fields(json, "jsonb_each_text")?;
    Ok(fields.iter().map(|(key, value)| (key.as_ref().to_owned(), value.to_text())).collect())
}

fn fields(json: &str, function: &str) -> Result<std::sync::Arc<Fields>> {
    match Value::parse(json)? {
        Value::Object(fields) => Ok(fields),
        _ => Err(invalid(format!("cannot call {function} on a non-object"))),
    }
}

/// `json_each`: texts as they are written, duplicate keys kept.
pub fn json_each(json: &str) -> Result<Vec<(String, String)>> {
    let fields = node_fields(json)?;
    Ok(fields.into_iter().map(|(key, node)| (key, node.text.to_owned())).collect())
}

/// `json_each_text`.
pub fn json_each_text(json: &str) -> Result<Vec<(String, Option<String>)>> {
    Ok(node_fields(json)?
        .into_iter()
        .map(|(key, node)| {
            let text = node.to_text();
            (key, text)
        })
        .collect())
}

fn node_fields(json: &str) -> Result<Vec<(String, Node<'_>)>> {
    if first_token(json)? == Token::ArrayStart {
        return Err(invalid("cannot deconstruct an array as an object"));
    }
    match Node::parse(json)?.kind {
        Kind::Object(fields) => Ok(fields),
        _ => Err(invalid("cannot deconstruct a scalar")),
    }
}

/// `jsonb_array_elements`.
pub fn jsonb_array_elements(json: &str) -> Result<Vec<String>> {
    Ok(items(json)?.iter().map(Value::to_json).collect())
}

/// `jsonb_array_elements_text`.
pub fn jsonb_array_elements_text(json: &str) -> Result<Vec<Option<String>>> {
    Ok(items(json)?.iter().map(Value::to_text).collect())
}

fn items(json: &str) -> Result<std::sync::Arc<Vec<Value>>> {
    match Value::parse(json)? {
        Value::Array(items) => Ok(items),
        Value::Object(_) => Err(invalid("cannot extract elements from an object")),
        _ => Err(invalid("cannot extract elements from a scalar")),
    }
}

/// `json_array_elements`: texts as they are written.
pub fn json_array_elements(json: &str) -> Result<Vec<String>> {
    let nodes = node_items(json, false, "json_array_elements")?;
    Ok(nodes.into_iter().map(|node| node.text.to_owned()).collect())
}

/// `json_array_elements_text`.
pub fn json_array_elements_text(json: &str) -> Result<Vec<Option<String>>> {
    let nodes = node_items(json, true, "json_array_elements_text")?;
    Ok(nodes.iter().map(Node::to_text).collect())
}

fn node_items<'a>(json: &'a str, escapes: bool, function: &str) -> Result<Vec<Node<'a>>> {
    if first_token(json)? == Token::ObjectStart {
        return Err(invalid(format!("cannot call {function} on a non-array")));
    }
    let node = if escapes { Node::parse(json)? } else { Node::parse_loosely(json)? };
    match node.kind {
        Kind::Array(items) => Ok(items),
        _ => Err(invalid(format!("cannot call {function} on a scalar"))),
    }
}

/// `json_strip_nulls`: without blanks, strings escaped anew.
pub fn json_strip_nulls(json: &str) -> Result<String> {
    let mut out = String::new();
    push_stripped(&Node::parse(json)?, &mut out);
    Ok(out)
}

fn push_stripped(node: &Node<'_>, out: &mut String) {
    match &node.kind {
        Kind::String(value) => push_quoted(value, out),
        Kind::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                push_stripped(item, out);
            }
            out.push(']');
        }
        Kind::Object(fields) => {
            out.push('{');
            let kept = fields.iter().filter(|(_, value)| !matches!(value.kind, Kind::Null));
            for (at, (key, value)) in kept.enumerate() {
                if at > 0 {
                    out.push(',');
                }
                push_quoted(key, out);
                out.push(':');
                push_stripped(value, out);
            }
            out.push('}');
        }
        _ => out.push_str(node.text),
    }
}

/// Checks JSON text as the json type's input does.
pub fn check_json(text: &str) -> Result<()> {
    Node::parse_loosely(text).map(|_| ())
}
