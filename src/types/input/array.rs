//! Arrays from text: `{1,"b c",NULL}`, nested braces for more dimensions.

use super::{SHOWN_MAX, from_text, prefix};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{InputStyle, PgType, ScalarType, Value};

/// PostgreSQL's `MAXDIM`.
pub(super) const DIMENSIONS_MAX: usize = 6;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    element: ScalarType,
    style: InputStyle,
    /// The length of the first list at each depth, which all others must have.
    lengths: Vec<Option<usize>>,
    /// How deep the values lie, once one was met.
    value_depth: Option<usize>,
}

/// Reads an array.
pub(super) fn parse_array(element: ScalarType, text: &str, style: InputStyle) -> Result<Value> {
    let start = match text.trim_start() {
        // Bounds before the braces change only what subscripts mean.
        bounded if bounded.starts_with('[') => match text.find("={") {
            Some(equals) => equals + 1,
            None => return Err(malformed(text, "Missing \"=\" after array dimensions.")),
        },
        _ => 0,
    };
    let mut reader =
        Reader { text, at: start, element, style, lengths: Vec::new(), value_depth: None };
    reader.skip_space();
    if reader.peek() != Some(b'{') {
        let detail = "Array value must start with \"{\" or dimension information.";
        return Err(malformed(text, detail));
    }
    let value = reader.list(0)?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(malformed(text, "Junk after closing right brace."));
    }
    Ok(value)
}

fn malformed(text: &str, detail: &str) -> Error {
    let shown = prefix(text, SHOWN_MAX);
    let message = format!("malformed array literal: \"{shown}\"");
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message).with_detail(detail)
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t'..=b'\r')) {
            self.at += 1;
        }
    }

    fn fail(&self, detail: &str) -> Error {
        malformed(self.text, detail)
    }

    /// Reads a list from its opening brace on.
    fn list(&mut self, depth: usize) -> Result<Value> {
        if depth >= DIMENSIONS_MAX {
            let message = format!(
                "number of array dimensions exceeds the maximum allowed ({DIMENSIONS_MAX})"
            );
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        if self.lengths.len() == depth {
            self.lengths.push(None);
        }
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                self.skip_space();
                items.push(self.item(depth)?);
                self.skip_space();
                let next = self.peek();
                self.at += 1;
                match next {
                    Some(b',') => {}
                    Some(b'}') => break,
                    Some(_) => return Err(self.fail("Unexpected array element.")),
                    None => return Err(self.fail("Unexpected end of input.")),
                }
            }
        }
        let ragged = "Multidimensional arrays must have sub-arrays with matching dimensions.";
        let length = self.lengths.get_mut(depth).map(|length| *length.get_or_insert(items.len()));
        if length != Some(items.len()) {
            return Err(self.fail(ragged));
        }
        Ok(Value::Array(self.element, items))
    }

    fn item(&mut self, depth: usize) -> Result<Value> {
        if self.peek() == Some(b'{') {
            if self.value_depth.is_some_and(|values| values <= depth) {
                return Err(self.fail("Unexpected \"{\" character."));
            }
            return self.list(depth + 1);
        }
        if *self.value_depth.get_or_insert(depth) != depth || self.lengths.len() > depth + 1 {
            return Err(
                self.fail("Multidimensional arrays must have sub-arrays with matching dimensions.")
            );
        }
        if self.peek() == Some(b'"') { self.quoted() } else { self.plain() }
    }

    fn quoted(&mut self) -> Result<Value> {
        self.at += 1;
        let mut word = Vec::new();
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    word.extend(self.peek());
                }
                Some(byte) => word.push(byte),
                None => return Err(self.fail("Unexpected end of input.")),
            }
            self.at += 1;
        }
        self.at += 1;
        self.value(word)
    }

    fn plain(&mut self) -> Result<Value> {
        let mut word = Vec::new();
        let mut escaped = false;
        loop {
            match self.peek() {
                Some(b',' | b'}') => break,
                Some(b'"') => return Err(self.fail("Incorrectly quoted array element.")),
                Some(b'{') => return Err(self.fail("Unexpected \"{\" character.")),
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                    word.extend(self.peek());
                }
                Some(byte) => word.push(byte),
                None => return Err(self.fail("Unexpected end of input.")),
            }
            self.at += 1;
        }
        if !escaped {
            while word.last().is_some_and(|byte| matches!(byte, b' ' | b'\t'..=b'\r')) {
                word.pop();
            }
        }
        if word.is_empty() {
            let found = self.peek().map_or(',', char::from);
            return Err(self.fail(&format!("Unexpected \"{found}\" character.")));
        }
        if !escaped && word.eq_ignore_ascii_case(b"null") {
            return Ok(Value::Null);
        }
        self.value(word)
    }

    fn value(&self, word: Vec<u8>) -> Result<Value> {
        let word = String::from_utf8(word).map_err(|_| self.fail("Invalid character."))?;
        from_text(PgType::Scalar(self.element), &word, self.style)
    }
}
