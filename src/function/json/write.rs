//! Text of jsonb values: on one line as the type writes it, or spread out as `jsonb_pretty` does.

use super::value::Value;
use crate::error::Result;

/// Blanks for each level of `jsonb_pretty`.
const INDENT: usize = 4;

/// Writes a string as a JSON string, escaped as PostgreSQL does.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(text, &mut out);
    out
}

/// Checks JSON text and writes it in jsonb's form.
pub fn canonical(text: &str) -> Result<String> {
    Ok(Value::parse(text)?.to_json())
}

/// `jsonb_pretty`.
pub fn jsonb_pretty(json: &str) -> Result<String> {
    let mut out = String::new();
    push_pretty(&Value::parse(json)?, 0, &mut out);
    Ok(out)
}

/// Appends a JSON string.
pub(super) fn push_quoted(text: &str, out: &mut String) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            8 => "\\b",
            9 => "\\t",
            10 => "\\n",
            12 => "\\f",
            13 => "\\r",
            0..=31 => "",
            _ => continue,
        };
        out.push_str(text.get(from..at).unwrap_or_default());
        if short.is_empty() {
            out.push_str("\\u00");
            out.extend([byte >> 4, byte & 15].map(hex_digit));
        } else {
            out.push_str(short);
        }
        from = at + 1;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out.push('"');
}

impl Value {
    /// The text that the jsonb type writes.
    pub(super) fn to_json(&self) -> String {
        let mut out = String::new();
        self.push_json(&mut out);
        out
    }

    /// What the `->>` operators give: NULL for null, a string without its quotes.
    pub(super) fn to_text(&self) -> Option<String> {
        match self {
            Value::Null => None,
            Value::String(text) => Some(text.as_ref().to_owned()),
            _ => Some(self.to_json()),
        }
    }

    fn push_json(&self, out: &mut String) {
        match self {
            Value::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push_str(", ");
                    }
                    item.push_json(out);
                }
                out.push(']');
            }
            Value::Object(fields) => {
                out.push('{');
                for (at, (key, value)) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push_str(", ");
                    }
                    push_quoted(key, out);
                    out.push_str(": ");
                    value.push_json(out);
                }
                out.push('}');
            }
            _ => self.push_scalar(out),
        }
    }

    fn push_scalar(&self, out: &mut String) {
        match self {
            Value::Bool(true) => out.push_str("true"),
            Value::Bool(false) => out.push_str("false"),
            Value::Number(number) => out.push_str(number.text()),
            Value::String(text) => push_quoted(text, out),
            _ => out.push_str("null"),
        }
    }
}

fn push_pretty(value: &Value, level: usize, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                push_line(at > 0, level + 1, out);
                push_pretty(item, level + 1, out);
            }
            push_line(false, level, out);
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (at, (key, value)) in fields.iter().enumerate() {
                push_line(at > 0, level + 1, out);
                push_quoted(key, out);
                out.push_str(": ");
                push_pretty(value, level + 1, out);
            }
            push_line(false, level, out);
            out.push('}');
        }
        _ => value.push_scalar(out),
    }
}

fn push_line(comma: bool, level: usize, out: &mut String) {
    out.push_str(if comma { ",\n" } else { "\n" });
    out.extend(std::iter::repeat_n(' ', level * INDENT));
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}
