//! A json value in memory: the places of its parts in the text, duplicate keys and order kept.

use std::ops::Range;

use super::parse::{self, Build, Scalar};
use crate::error::Result;

/// A json value and its text as it is written.
#[derive(Debug)]
pub(super) struct Node<'a> {
    /// As it is written, no blanks around it.
    pub(super) text: &'a str,
    pub(super) kind: Kind<'a>,
}

/// What a node holds.
#[derive(Debug)]
pub(super) enum Kind<'a> {
    Null,
    Bool,
    Number,
    /// Decoded, unless the reader did not want it.
    String(String),
    Array(Vec<Node<'a>>),
    Object(Vec<(String, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// Reads JSON text and decodes its strings.
    pub(super) fn parse(text: &'a str) -> Result<Node<'a>> {
        parse::parse(text, Builder { text, escapes: true })
    }

    /// Reads JSON text as the json type itself does: escapes for what is no character are not
    /// refused, and strings are empty.
    pub(super) fn parse_loosely(text: &'a str) -> Result<Node<'a>> {
        parse::parse(text, Builder { text, escapes: false })
    }

    /// What the `->>` operators give: NULL for null, a string without its quotes.
    pub(super) fn to_text(&self) -> Option<String> {
        match &self.kind {
            Kind::Null => None,
            Kind::String(value) => Some(value.clone()),
            _ => Some(self.text.to_owned()),
        }
    }
}

struct Builder<'a> {
    text: &'a str,
    escapes: bool,
}

impl<'a> Builder<'a> {
    fn node(&self, place: Range<usize>, kind: Kind<'a>) -> Node<'a> {
        Node { text: self.text.get(place).unwrap_or_default(), kind }
    }
}

impl<'a> Build<'a> for Builder<'a> {
    type Value = Node<'a>;

    fn escapes(&self) -> bool {
        self.escapes
    }

    fn scalar(&mut self, scalar: Scalar<'a>, place: Range<usize>) -> Result<Node<'a>> {
        let kind = match scalar {
            Scalar::Null => Kind::Null,
            Scalar::Bool(_) => Kind::Bool,
            Scalar::Number(_) => Kind::Number,
            Scalar::String(value) => Kind::String(value),
        };
        Ok(self.node(place, kind))
    }

    fn array(&mut self, items: Vec<Node<'a>>, place: Range<usize>) -> Result<Node<'a>> {
        Ok(self.node(place, Kind::Array(items)))
    }

    fn object(&mut self, fields: Vec<(String, Node<'a>)>, place: Range<usize>) -> Result<Node<'a>> {
        Ok(self.node(place, Kind::Object(fields)))
    }
}
