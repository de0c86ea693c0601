//! What a jsonpath consists of.

use std::sync::Arc;

use super::super::number::Number;
use super::nfa::Regex;

/// What comes first and what is then done with it, one after the other; not empty.
pub(super) type Chain = Vec<Item>;

/// One step of a path.
#[derive(Debug)]
pub(super) enum Item {
    Null,
    Bool(bool),
    Number(Number),
    String(Arc<str>),
    Variable(Arc<str>),
    /// `$`
    Root,
    /// `@`
    Current,
    Last,
    /// `.key`
    Key(Arc<str>),
    /// `.*`
    AnyKey,
    /// `[*]`
    AnyArray,
    /// `.**{first to last}`; `u32::MAX` for `last`.
    Any(u32, u32),
    /// `[a, b to c]`
    Index(Vec<(Chain, Option<Chain>)>),
    /// `? (…)`
    Filter(Chain),
    Method(Method),
    Binary(Binary, Chain, Chain),
    Plus(Chain),
    Minus(Chain),
    And(Vec<Chain>),
    Or(Vec<Chain>),
    Not(Chain),
    IsUnknown(Chain),
    Exists(Chain),
    Compare(Compare, Chain, Chain),
    StartsWith(Chain, Chain),
    LikeRegex(Chain, Regex),
}

/// A method without arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Abs,
    Size,
    Type,
    Floor,
    Double,
    Ceiling,
    KeyValue,
}

impl Method {
    /// Its name in a path and in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Method::Abs => "abs",
            Method::Size => "size",
            Method::Type => "type",
            Method::Floor => "floor",
            Method::Double => "double",
            Method::Ceiling => "ceiling",
            Method::KeyValue => "keyvalue",
        }
    }

    /// All of them.
    pub(super) const ALL: [Method; 7] = [
        Method::Abs,
        Method::Size,
        Method::Type,
        Method::Floor,
        Method::Double,
        Method::Ceiling,
        Method::KeyValue,
    ];
}

/// An operator between two numbers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Binary {
    /// Its sign in a path and in messages.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Binary::Add => "+",
            Binary::Subtract => "-",
            Binary::Multiply => "*",
            Binary::Divide => "/",
            Binary::Remainder => "%",
        }
    }
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
}
