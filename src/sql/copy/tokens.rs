//! A walk over a statement's tokens, white space left out.

use sqlparser::ast::{Ident, ObjectName};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::{Error, Result};
use crate::sql::split::Places;

/// Where the walk is.
pub(super) struct Tokens<'a> {
    all: &'a [TokenWithSpan],
    /// Of the next token that is no white space, or the length.
    at: usize,
    /// Of the one before.
    last: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(all: &'a [TokenWithSpan]) -> Tokens<'a> {
        let mut tokens = Tokens { all, at: 0, last: 0 };
        tokens.skip_space();
        tokens
    }

    fn skip_space(&mut self) {
        let is_space =
            |token: &TokenWithSpan| matches!(token.token, Token::Whitespace(_) | Token::EOF);
        while self.all.get(self.at).is_some_and(is_space) {
            self.at += 1;
        }
    }

    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.all.get(self.at).map(|token| &token.token)
    }

    pub(super) fn next(&mut self) -> Option<&'a Token> {
        let token = self.peek()?;
        self.last = self.at;
        self.at += 1;
        self.skip_space();
        Some(token)
    }

    pub(super) fn at_end(&self) -> bool {
        self.at >= self.all.len()
    }

    /// Everything that is left.
    pub(super) fn rest(&mut self) -> &'a [TokenWithSpan] {
        let rest = &self.all[self.at..];
        self.at = self.all.len();
        rest
    }

    /// The next word, if it is one without quotes, in lower case.
    pub(super) fn peek_word(&self) -> Option<String> {
        match self.peek() {
            Some(Token::Word(word)) if word.quote_style.is_none() => {
                Some(word.value.to_lowercase())
            }
            _ => None,
        }
    }

    pub(super) fn peeks(&self, word: &str) -> bool {
        self.peek_word().is_some_and(|found| found == word)
    }

    pub(super) fn peeks_symbol(&self, symbol: &Token) -> bool {
        self.peek() == Some(symbol)
    }

    /// Tells whether it is a query with an INTO of its own.
    pub(super) fn selects_into(&self) -> bool {
        let mut depth = 0_usize;
        let mut selects = false;
        self.all.iter().any(|token| {
            match &token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.saturating_sub(1),
                Token::Word(word) if depth == 0 && word.quote_style.is_none() => {
                    let into = word.value.eq_ignore_ascii_case("into");
                    if into && selects {
                        return true;
                    }
                    selects |= word.value.eq_ignore_ascii_case("select");
                }
                _ => {}
            }
            false
        }) && !self.peeks("insert")
    }

    /// Takes the word if it is next.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let found = self.peeks(word);
        if found {
            self.next();
        }
        found
    }

    pub(super) fn take_symbol(&mut self, symbol: &Token) -> bool {
        let found = self.peeks_symbol(symbol);
        if found {
            self.next();
        }
        found
    }

    pub(super) fn one_of<'w>(&mut self, words: &[&'w str]) -> Option<&'w str> {
        let next = self.peek_word()?;
        let found = words.iter().find(|word| **word == next)?;
        self.next();
        Some(found)
    }

    pub(super) fn expect(&mut self, word: &str, places: &Places) -> Result<()> {
        if self.take(word) { Ok(()) } else { Err(self.unexpected(places)) }
    }

    pub(super) fn expect_symbol(&mut self, symbol: &Token, places: &Places) -> Result<()> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected(places)) }
    }

    /// Takes a string literal of any spelling.
    pub(super) fn string(&mut self, places: &Places) -> Result<String> {
        let text = match self.peek() {
            Some(
                Token::SingleQuotedString(text)
                | Token::EscapedStringLiteral(text)
                | Token::UnicodeStringLiteral(text),
            ) => text.clone(),
            Some(Token::DollarQuotedString(text)) => text.value.clone(),
            _ => return Err(self.unexpected(places)),
        };
        self.next();
        Ok(text)
    }

    fn ident(&mut self, places: &Places) -> Result<Ident> {
        let Some(Token::Word(word)) = self.peek() else { return Err(self.unexpected(places)) };
        self.next();
        Ok(Ident { quote_style: word.quote_style, ..Ident::new(word.value.clone()) })
    }

    /// Takes a name, folded.
    pub(super) fn name(&mut self, places: &Places) -> Result<String> {
        self.ident(places).map(|ident| crate::sql::fold(&ident))
    }

    pub(super) fn object_name(&mut self, places: &Places) -> Result<ObjectName> {
        let mut parts = vec![self.ident(places)?];
        while self.take_symbol(&Token::Period) {
            parts.push(self.ident(places)?);
        }
        Ok(ObjectName::from(parts))
    }

    /// Takes `(a, b)`.
    pub(super) fn name_list(&mut self, places: &Places) -> Result<Vec<String>> {
        self.expect_symbol(&Token::LParen, places)?;
        let names = self.names(places)?;
        self.expect_symbol(&Token::RParen, places)?;
        Ok(names)
    }

    /// Takes `a, b`.
    pub(super) fn names(&mut self, places: &Places) -> Result<Vec<String>> {
        let mut names = vec![self.name(places)?];
        while self.take_symbol(&Token::Comma) {
            names.push(self.name(places)?);
        }
        Ok(names)
    }

    /// Takes what stands in the parentheses that come next, if any do.
    pub(super) fn parenthesized(&mut self) -> Option<&'a [TokenWithSpan]> {
        if !self.peeks_symbol(&Token::LParen) {
            return None;
        }
        let start = self.at + 1;
        let mut depth = 0_usize;
        while let Some(token) = self.next() {
            match token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(&self.all[start..self.last]);
            }
        }
        Some(&self.all[start.min(self.all.len())..])
    }

    /// Makes the error of what stands next.
    pub(super) fn unexpected(&self, places: &Places) -> Error {
        self.syntax_error(self.at, places)
    }

    /// Makes the error of what was taken last.
    pub(super) fn unexpected_last(&self, places: &Places) -> Error {
        self.syntax_error(self.last, places)
    }

    fn syntax_error(&self, at: usize, places: &Places) -> Error {
        match self.all.get(at) {
            Some(token) => {
                let error = Error::syntax(format!("syntax error at or near \"{}\"", token.token));
                error.with_position(places.characters(token.span.start))
            }
            None => Error::syntax("syntax error at end of input"),
        }
    }

    /// Puts an error at what stands next.
    pub(super) fn at_next(&self, error: Error, places: &Places) -> Error {
        match self.all.get(self.at.min(self.all.len().saturating_sub(1))) {
            Some(token) => error.with_position(places.characters(token.span.start)),
            None => error,
        }
    }

    /// Where the next token starts, in characters.
    pub(super) fn position(&self, places: &Places) -> usize {
        self.all.get(self.at).map_or(1, |token| places.characters(token.span.start))
    }
}
