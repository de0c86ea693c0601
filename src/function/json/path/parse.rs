//! The grammar of jsonpath.

use std::sync::Arc;

use super::super::parse::too_deep;
use super::accessor::check;
use super::ast::{Binary, Chain, Compare, Item};
use super::lex::{Lexer, Token};
use super::nfa::Regex;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// How deep expressions nest at most.
const NESTING_MAX: usize = 100;

/// An expression, or a predicate, which only some places take.
pub(super) struct Parsed {
    pub(super) chain: Chain,
    pub(super) predicate: bool,
    /// How deep it nests.
    pub(super) depth: usize,
}

/// Reads a path: whether it is lax, and its steps.
pub(super) fn parse(text: &str) -> Result<(bool, Chain)> {
    let mut lexer = Lexer::new(text);
    let token = lexer.next()?;
    if token == Token::End {
        return Err(Error::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("invalid input syntax for type jsonpath: \"{text}\""),
        ));
    }
    let mut parser = Parser { lexer, token, nesting: 0 };
    let strict = parser.takes_word("strict")?;
    if !strict {
        parser.takes_word("lax")?;
    }
    let parsed = parser.disjunction()?;
    if parser.token != Token::End {
        return Err(parser.lexer.unexpected());
    }
    check(&parsed.chain, false, false)?;
    Ok((!strict, parsed.chain))
}

/// Reads with one token in hand.
pub(super) struct Parser<'a> {
    pub(super) lexer: Lexer<'a>,
    pub(super) token: Token,
    pub(super) nesting: usize,
}

impl Parser<'_> {
    pub(super) fn advance(&mut self) -> Result<Token> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    pub(super) fn unexpected<T>(&self) -> Result<T> {
        Err(self.lexer.unexpected())
    }

    /// Whether the token is a keyword: in any case, but three in lower case only.
    pub(super) fn is_word(&self, keyword: &str) -> bool {
        let Token::Word(word) = &self.token else { return false };
        match keyword {
            "null" | "true" | "false" => word == keyword,
            _ => word.eq_ignore_ascii_case(keyword),
        }
    }

    pub(super) fn takes_word(&mut self, keyword: &str) -> Result<bool> {
        let is = self.is_word(keyword);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(&self.token, Token::Sign(own) if *own == sign)
    }

    pub(super) fn takes_sign(&mut self, sign: &str) -> Result<bool> {
        let is = self.is_sign(sign);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    pub(super) fn expect_sign(&mut self, sign: &str) -> Result<()> {
        if self.takes_sign(sign)? { Ok(()) } else { self.unexpected() }
    }

    fn expect_word(&mut self, keyword: &str) -> Result<()> {
        if self.takes_word(keyword)? { Ok(()) } else { self.unexpected() }
    }

    pub(super) fn checked(&self, parsed: Parsed, predicate: bool) -> Result<Parsed> {
        if parsed.predicate == predicate { Ok(parsed) } else { self.unexpected() }
    }

    pub(super) fn disjunction(&mut self) -> Result<Parsed> {
        let first = self.conjunction()?;
        if !first.predicate || !self.is_sign("||") {
            return Ok(first);
        }
        let mut all = Operands::new(first);
        while self.takes_sign("||")? {
            let next = self.conjunction()?;
            all.push(self.checked(next, true)?);
        }
        all.into_predicate(Item::Or)
    }

    fn conjunction(&mut self) -> Result<Parsed> {
        let first = self.predicate()?;
        if !first.predicate || !self.is_sign("&&") {
            return Ok(first);
        }
        let mut all = Operands::new(first);
        while self.takes_sign("&&")? {
            let next = self.predicate()?;
            all.push(self.checked(next, true)?);
        }
        all.into_predicate(Item::And)
    }

    /// Reads a comparison and the like, or just an expression.
    fn predicate(&mut self) -> Result<Parsed> {
        if self.takes_sign("!")? {
            let parsed = if self.is_word("exists") { self.exists()? } else { self.filter()? };
            return wrapped(parsed, true, Item::Not);
        }
        if self.is_word("exists") {
            return self.exists();
        }
        let left = self.sum()?;
        if left.predicate {
            if self.takes_word("is")? {
                self.expect_word("unknown")?;
                return wrapped(left, true, Item::IsUnknown);
            }
            return Ok(left);
        }
        if self.takes_word("starts")? {
            self.expect_word("with")?;
            let initial = match self.advance_if_initial()? {
                Some(item) => Parsed { chain: vec![item], predicate: false, depth: 1 },
                None => return self.unexpected(),
            };
            return joined(left, initial, true, Item::StartsWith);
        }
        if self.takes_word("like_regex")? {
            return self.like_regex(left);
        }
        let Some(operator) = self.comparison() else { return Ok(left) };
        self.advance()?;
        let right = self.sum()?;
        let right = self.checked(right, false)?;
        joined(left, right, true, |left, right| Item::Compare(operator, left, right))
    }

    fn advance_if_initial(&mut self) -> Result<Option<Item>> {
        let item = match &self.token {
            Token::String(text) => Item::String(Arc::from(text.as_str())),
            Token::Variable(name) => Item::Variable(Arc::from(name.as_str())),
            _ => return Ok(None),
        };
        self.advance()?;
        Ok(Some(item))
    }

    fn comparison(&self) -> Option<Compare> {
        let Token::Sign(sign) = &self.token else { return None };
        Some(match *sign {
            "==" => Compare::Equal,
            "!=" | "<>" => Compare::NotEqual,
            "<" => Compare::Less,
            ">" => Compare::Greater,
            "<=" => Compare::LessOrEqual,
            ">=" => Compare::GreaterOrEqual,
            _ => return None,
        })
    }

    fn like_regex(&mut self, left: Parsed) -> Result<Parsed> {
        let pattern = self.string()?;
        let flags = if self.takes_word("flag")? { self.string()? } else { String::new() };
        let regex = Regex::parse(&pattern, &flags)?;
        wrapped(left, true, |left| Item::LikeRegex(left, regex))
    }

    fn string(&mut self) -> Result<String> {
        match &self.token {
            Token::String(_) => match self.advance()? {
                Token::String(text) => Ok(text),
                _ => self.unexpected(),
            },
            _ => self.unexpected(),
        }
    }

    fn exists(&mut self) -> Result<Parsed> {
        self.advance()?;
        self.expect_sign("(")?;
        self.nest()?;
        let parsed = self.sum()?;
        let parsed = self.checked(parsed, false)?;
        self.expect_sign(")")?;
        self.nesting -= 1;
        wrapped(parsed, true, Item::Exists)
    }

    /// Goes one level deeper.
    pub(super) fn nest(&mut self) -> Result<()> {
        self.nesting += 1;
        if self.nesting > NESTING_MAX { Err(too_deep()) } else { Ok(()) }
    }

    /// Reads what stands in parentheses.
    pub(super) fn parenthesised(&mut self) -> Result<Parsed> {
        self.expect_sign("(")?;
        self.nest()?;
        let parsed = self.disjunction()?;
        self.expect_sign(")")?;
        self.nesting -= 1;
        Ok(parsed)
    }

    pub(super) fn sum(&mut self) -> Result<Parsed> {
        let mut left = self.product()?;
        while !left.predicate {
            let operator = match &self.token {
                Token::Sign("+") => Binary::Add,
                Token::Sign("-") => Binary::Subtract,
                _ => break,
            };
            self.advance()?;
            let right = self.product()?;
            let right = self.checked(right, false)?;
            left = joined(left, right, false, |a, b| Item::Binary(operator, a, b))?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Parsed> {
        let mut left = self.signed()?;
        while !left.predicate {
            let operator = match &self.token {
                Token::Sign("*") => Binary::Multiply,
                Token::Sign("/") => Binary::Divide,
                Token::Sign("%") => Binary::Remainder,
                _ => break,
            };
            self.advance()?;
            let right = self.signed()?;
            let right = self.checked(right, false)?;
            left = joined(left, right, false, |a, b| Item::Binary(operator, a, b))?;
        }
        Ok(left)
    }

    fn signed(&mut self) -> Result<Parsed> {
        let minus = self.is_sign("-");
        if !minus && !self.is_sign("+") {
            return self.accessed();
        }
        self.advance()?;
        self.nest()?;
        let parsed = self.signed()?;
        let parsed = self.checked(parsed, false)?;
        self.nesting -= 1;
        match parsed.chain.as_slice() {
            [Item::Number(number)] if minus => {
                let chain = vec![Item::Number(number.negated())];
                Ok(Parsed { chain, ..parsed })
            }
            [Item::Number(_)] => Ok(parsed),
            _ => wrapped(parsed, false, if minus { Item::Minus } else { Item::Plus }),
        }
    }
}

/// Predicates between the same signs.
struct Operands {
    chains: Vec<Chain>,
    depth: usize,
}

impl Operands {
    fn new(first: Parsed) -> Operands {
        Operands { chains: vec![first.chain], depth: first.depth }
    }

    fn push(&mut self, next: Parsed) {
        self.chains.push(next.chain);
        self.depth = self.depth.max(next.depth);
    }

    fn into_predicate(self, make: impl FnOnce(Vec<Chain>) -> Item) -> Result<Parsed> {
        let depth = deeper(self.depth)?;
        Ok(Parsed { chain: vec![make(self.chains)], predicate: true, depth })
    }
}

fn deeper(depth: usize) -> Result<usize> {
    if depth >= NESTING_MAX { Err(too_deep()) } else { Ok(depth + 1) }
}

fn wrapped(inner: Parsed, predicate: bool, make: impl FnOnce(Chain) -> Item) -> Result<Parsed> {
    let depth = deeper(inner.depth)?;
    Ok(Parsed { chain: vec![make(inner.chain)], predicate, depth })
}

fn joined(
    left: Parsed,
    right: Parsed,
    predicate: bool,
    make: impl FnOnce(Chain, Chain) -> Item,
) -> Result<Parsed> {
    let depth = deeper(left.depth.max(right.depth))?;
    Ok(Parsed { chain: vec![make(left.chain, right.chain)], predicate, depth })
}
