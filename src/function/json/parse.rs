//! The grammar of JSON: reads a text and hands its parts to a builder.

use std::ops::Range;

use super::lex::{Lexer, Token};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// How deep arrays and objects nest at most; PostgreSQL's bound is its stack.
pub(super) const DEPTH_MAX: usize = 1000;

/// A value without parts.
#[derive(Debug)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'a str),
    /// Decoded, if the builder wants it.
    String(String),
}

/// Makes something of the values of a JSON text. Each comes with its place in the text.
pub(super) trait Build<'a> {
    type Value;

    /// Whether strings are decoded, and refused if they cannot be.
    fn escapes(&self) -> bool;
    fn scalar(&mut self, scalar: Scalar<'a>, place: Range<usize>) -> Result<Self::Value>;
    fn array(&mut self, items: Vec<Self::Value>, place: Range<usize>) -> Result<Self::Value>;
    fn object(
        &mut self,
        fields: Vec<(String, Self::Value)>,
        place: Range<usize>,
    ) -> Result<Self::Value>;
}

/// What PostgreSQL says when something nests too deep for its stack.
pub(super) fn too_deep() -> Error {
    Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
}

/// Reads one JSON value.
pub(super) fn parse<'a, B: Build<'a>>(text: &'a str, builder: B) -> Result<B::Value> {
    let lexer = Lexer::new(text, builder.escapes());
    let mut parser = Parser { lexer, builder, open: Vec::new() };
    parser.lexer.advance()?;
    let value = parser.value()?;
    if parser.lexer.token() != Token::End {
        return Err(parser.lexer.unexpected("end of input"));
    }
    Ok(value)
}

/// A container that has been begun, and where.
enum Open<V> {
    Array(usize, Vec<V>),
    /// With the key whose value is read.
    Object(usize, Vec<(String, V)>, String),
}

/// Keeps what is open on the heap: how deep a text nests does not show on the stack.
struct Parser<'a, B: Build<'a>> {
    lexer: Lexer<'a>,
    builder: B,
    open: Vec<Open<B::Value>>,
}

impl<'a, B: Build<'a>> Parser<'a, B> {
    fn value(&mut self) -> Result<B::Value> {
        loop {
            let begun = match self.lexer.token() {
                Token::ObjectStart => self.begin_object()?,
                Token::ArrayStart => self.begin_array()?,
                _ => Some(self.scalar()?),
            };
            // A container that has items goes on with the first of them.
            let Some(mut value) = begun else { continue };
            loop {
                match self.close(value)? {
                    Closed::Goes => break,
                    Closed::Ends(container) => value = container,
                    Closed::Whole(value) => return Ok(value),
                }
            }
        }
    }

    fn open(&mut self, container: Open<B::Value>) -> Result<()> {
        if self.open.len() >= DEPTH_MAX {
            let detail = format!("JSON nests at most {DEPTH_MAX} levels deep.");
            return Err(too_deep().with_detail(detail));
        }
        self.open.push(container);
        Ok(())
    }

    fn begin_array(&mut self) -> Result<Option<B::Value>> {
        let start = self.lexer.start();
        self.open(Open::Array(start, Vec::new()))?;
        self.lexer.advance()?;
        if self.lexer.token() != Token::ArrayEnd {
            return Ok(None);
        }
        self.open.pop();
        let end = self.lexer.end();
        self.lexer.advance()?;
        self.builder.array(Vec::new(), start..end).map(Some)
    }

    fn begin_object(&mut self) -> Result<Option<B::Value>> {
        let start = self.lexer.start();
        self.open(Open::Object(start, Vec::new(), String::new()))?;
        self.lexer.advance()?;
        match self.lexer.token() {
            Token::ObjectEnd => {}
            Token::String => {
                self.key()?;
                return Ok(None);
            }
            _ => return Err(self.lexer.unexpected("string or \"}\"")),
        }
        self.open.pop();
        let end = self.lexer.end();
        self.lexer.advance()?;
        self.builder.object(Vec::new(), start..end).map(Some)
    }

    /// Reads a key and its colon.
    fn key(&mut self) -> Result<()> {
        if self.lexer.token() != Token::String {
            return Err(self.lexer.unexpected("string"));
        }
        let name = self.lexer.take_value();
        if let Some(Open::Object(_, _, key)) = self.open.last_mut() {
            *key = name;
        }
        self.lexer.advance()?;
        if self.lexer.token() != Token::Colon {
            return Err(self.lexer.unexpected("\":\""));
        }
        self.lexer.advance()
    }

    fn scalar(&mut self) -> Result<B::Value> {
        let scalar = match self.lexer.token() {
            Token::String => Scalar::String(self.lexer.take_value()),
            Token::Number => Scalar::Number(self.lexer.written()),
            Token::True => Scalar::Bool(true),
            Token::False => Scalar::Bool(false),
            Token::Null => Scalar::Null,
            _ => return Err(self.lexer.unexpected("JSON value")),
        };
        let place = self.lexer.start()..self.lexer.end();
        self.lexer.advance()?;
        self.builder.scalar(scalar, place)
    }

    /// Puts a value where it belongs and looks how it goes on behind it.
    fn close(&mut self, value: B::Value) -> Result<Closed<B::Value>> {
        let end = match self.open.last_mut() {
            None => return Ok(Closed::Whole(value)),
            Some(Open::Array(_, items)) => {
                items.push(value);
                Token::ArrayEnd
            }
            Some(Open::Object(_, fields, key)) => {
                fields.push((std::mem::take(key), value));
                Token::ObjectEnd
            }
        };
        if self.lexer.token() == Token::Comma {
            self.lexer.advance()?;
            if end == Token::ObjectEnd {
                self.key()?;
            }
            return Ok(Closed::Goes);
        }
        if self.lexer.token() != end {
            let sign = if end == Token::ArrayEnd { "]" } else { "}" };
            return Err(self.lexer.unexpected(&format!("\",\" or \"{sign}\"")));
        }
        let place = self.lexer.end();
        self.lexer.advance()?;
        match self.open.pop() {
            Some(Open::Array(start, items)) => self.builder.array(items, start..place),
            Some(Open::Object(start, fields, _)) => self.builder.object(fields, start..place),
            None => Err(self.lexer.unexpected("end of input")),
        }
        .map(Closed::Ends)
    }
}

/// How a text goes on behind a value.
enum Closed<V> {
    /// With the next value of the same container.
    Goes,
    /// The container ends.
    Ends(V),
    /// Nothing was open: the value is all.
    Whole(V),
}
