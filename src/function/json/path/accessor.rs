//! The grammar of what a path starts with and of the accessors behind it.

use std::sync::Arc;

use super::super::number::Number;
use super::ast::{Item, Method};
use super::lex::Token;
use super::parse::{Parsed, Parser};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

impl Parser<'_> {
    /// Reads what a path starts with and the accessors behind it.
    pub(super) fn accessed(&mut self) -> Result<Parsed> {
        let mut parsed = if self.is_sign("(") {
            self.parenthesised()?
        } else {
            Parsed { chain: vec![self.primary()?], predicate: false, depth: 1 }
        };
        loop {
            let (item, depth) = match &self.token {
                Token::Sign(".") => (self.member()?, 1),
                Token::Sign("[") => self.subscript()?,
                Token::Sign("?") => {
                    self.advance()?;
                    let filter = self.filter()?;
                    (Item::Filter(filter.chain), filter.depth + 1)
                }
                _ => return Ok(parsed),
            };
            parsed.chain.push(item);
            parsed.predicate = false;
            parsed.depth = parsed.depth.max(depth);
        }
    }

    /// Reads a predicate in parentheses.
    pub(super) fn filter(&mut self) -> Result<Parsed> {
        self.expect_sign("(")?;
        self.nest()?;
        let parsed = self.disjunction()?;
        let parsed = self.checked(parsed, true)?;
        self.expect_sign(")")?;
        self.nesting -= 1;
        Ok(parsed)
    }

    fn primary(&mut self) -> Result<Item> {
        let item = match &self.token {
            Token::String(text) => Item::String(Arc::from(text.as_str())),
            Token::Variable(name) => Item::Variable(Arc::from(name.as_str())),
            Token::Integer(text) | Token::Numeric(text) => Item::Number(Number::parse(text)?),
            Token::Sign("$") => Item::Root,
            Token::Sign("@") => Item::Current,
            Token::Word(_) if self.is_word("null") => Item::Null,
            Token::Word(_) if self.is_word("true") => Item::Bool(true),
            Token::Word(_) if self.is_word("false") => Item::Bool(false),
            Token::Word(_) if self.is_word("last") => Item::Last,
            _ => return self.unexpected(),
        };
        self.advance()?;
        Ok(item)
    }

    /// Reads what follows a point.
    fn member(&mut self) -> Result<Item> {
        self.advance()?;
        let key = match self.token.clone() {
            Token::Sign("*") => {
                self.advance()?;
                return Ok(Item::AnyKey);
            }
            Token::Sign("**") => {
                self.advance()?;
                return self.levels();
            }
            Token::String(text) => {
                self.advance()?;
                return Ok(Item::Key(Arc::from(text)));
            }
            Token::Word(word) => word,
            _ => return self.unexpected(),
        };
        self.advance()?;
        if !self.is_sign("(") {
            return Ok(Item::Key(Arc::from(key)));
        }
        let called = |name: &str| key.eq_ignore_ascii_case(name);
        if called("datetime") {
            return Err(Error::unsupported("jsonpath method .datetime() is not supported"));
        }
        match Method::ALL.into_iter().find(|method| called(method.name())) {
            Some(method) => {
                self.advance()?;
                self.expect_sign(")")?;
                Ok(Item::Method(method))
            }
            None => self.unexpected(),
        }
    }

    fn levels(&mut self) -> Result<Item> {
        if !self.takes_sign("{")? {
            return Ok(Item::Any(0, u32::MAX));
        }
        let first = self.level()?;
        let last = if self.takes_word("to")? { self.level()? } else { first };
        self.expect_sign("}")?;
        Ok(Item::Any(first, last))
    }

    fn level(&mut self) -> Result<u32> {
        if self.takes_word("last")? {
            return Ok(u32::MAX);
        }
        let Token::Integer(text) = &self.token else { return self.unexpected() };
        let level = text.parse::<i32>().ok().and_then(|level| u32::try_from(level).ok());
        let level = level.ok_or_else(|| {
            Error::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                format!("value \"{text}\" is out of range for type integer"),
            )
        })?;
        self.advance()?;
        Ok(level)
    }

    /// Reads what stands in brackets, and tells how deep it nests.
    fn subscript(&mut self) -> Result<(Item, usize)> {
        self.advance()?;
        if self.takes_sign("*")? {
            self.expect_sign("]")?;
            return Ok((Item::AnyArray, 1));
        }
        self.nest()?;
        let mut ranges = Vec::new();
        let mut depth = 0;
        loop {
            let from = self.sum()?;
            let from = self.checked(from, false)?;
            depth = depth.max(from.depth);
            let mut to = None;
            if self.takes_word("to")? {
                let parsed = self.sum()?;
                let parsed = self.checked(parsed, false)?;
                depth = depth.max(parsed.depth);
                to = Some(parsed.chain);
            }
            ranges.push((from.chain, to));
            if !self.takes_sign(",")? {
                break;
            }
        }
        self.expect_sign("]")?;
        self.nesting -= 1;
        Ok((Item::Index(ranges), depth + 1))
    }
}

/// Refuses `@` outside of filters and `last` outside of subscripts.
pub(super) fn check(chain: &[Item], filter: bool, subscript: bool) -> Result<()> {
    let refused = |message: &str| Err(Error::new(SqlState::SYNTAX_ERROR, message));
    for item in chain {
        match item {
            Item::Current if !filter => return refused("@ is not allowed in root expressions"),
            Item::Last if !subscript => {
                return refused("LAST is allowed only in array subscripts");
            }
            Item::Filter(inner) => check(inner, true, subscript)?,
            Item::Index(ranges) => {
                for (from, to) in ranges {
                    check(from, filter, true)?;
                    check(to.as_deref().unwrap_or_default(), filter, true)?;
                }
            }
            Item::Binary(_, left, right)
            | Item::Compare(_, left, right)
            | Item::StartsWith(left, right) => {
                check(left, filter, subscript)?;
                check(right, filter, subscript)?;
            }
            Item::And(chains) | Item::Or(chains) => {
                chains.iter().try_for_each(|chain| check(chain, filter, subscript))?;
            }
            Item::Plus(inner)
            | Item::Minus(inner)
            | Item::Not(inner)
            | Item::IsUnknown(inner)
            | Item::Exists(inner)
            | Item::LikeRegex(inner, _) => check(inner, filter, subscript)?,
            _ => {}
        }
    }
    Ok(())
}
