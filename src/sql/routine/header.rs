//! Names, arguments and types of routines, read from tokens.

use sqlparser::ast::{DataType, Expr};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{ArgumentMode, NamedRoutine, RoutineArgument};
use crate::error::{Error, Result};
use crate::sql::analyze::declared_pg_type;
use crate::sql::dialect::PostgreSql;
use crate::sql::statement::TableRef;
use crate::sqlstate::SqlState;
use crate::types::PgType;

/// A place among the tokens of a statement, white space left out.
pub(super) struct Cursor<'a> {
    pub(super) solid: &'a [TokenWithSpan],
    pub(super) place: usize,
    /// Names of types that are none of PostgreSQL's own.
    pub(super) unknown: Vec<String>,
}

impl Cursor<'_> {
    pub(super) fn at(&self, ahead: usize) -> Option<&Token> {
        self.solid.get(self.place + ahead).map(|token| &token.token)
    }

    pub(super) fn is(&self, ahead: usize, text: &str) -> bool {
        matches!(self.at(ahead), Some(Token::Word(word))
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text))
    }

    /// Takes these words, if they come next.
    pub(super) fn take(&mut self, words: &[&str]) -> bool {
        let found = words.iter().enumerate().all(|(ahead, word)| self.is(ahead, word));
        if found {
            self.place += words.len();
        }
        found
    }

    /// Takes a token, if it comes next.
    pub(super) fn token(&mut self, token: &Token) -> bool {
        let found = self.at(0) == Some(token);
        if found {
            self.place += 1;
        }
        found
    }

    pub(super) fn want(&mut self, token: &Token) -> Result<()> {
        if self.token(token) { Ok(()) } else { Err(self.error()) }
    }

    pub(super) fn done(&self) -> bool {
        self.place >= self.solid.len()
    }

    pub(super) fn error(&self) -> Error {
        match self.at(0) {
            Some(token) => Error::syntax(format!("syntax error at or near \"{token}\"")),
            None => Error::syntax("syntax error at end of input"),
        }
    }

    pub(super) fn word(&mut self) -> Result<String> {
        match self.at(0) {
            Some(Token::Word(word)) => {
                let value = word.value.clone();
                self.place += 1;
                Ok(value)
            }
            _ => Err(self.error()),
        }
    }

    /// Takes a string of any spelling.
    pub(super) fn string(&mut self) -> Option<String> {
        let text = match self.at(0)? {
            Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => text.clone(),
            Token::DollarQuotedString(text) => text.value.clone(),
            _ => return None,
        };
        self.place += 1;
        Some(text)
    }

    /// Takes a name of up to three parts.
    pub(super) fn name(&mut self) -> Result<TableRef> {
        let mut parts = vec![self.word()?];
        while self.token(&Token::Period) {
            parts.push(self.word()?);
        }
        let table = parts.pop().unwrap_or_default();
        let schema = parts.pop();
        let database = parts.pop();
        if !parts.is_empty() {
            return Err(Error::syntax("improper qualified name (too many dotted names)"));
        }
        Ok(TableRef { database, schema, table })
    }

    /// Reads something with the parser, and goes on behind it.
    fn parsed<T>(
        &mut self,
        read: impl FnOnce(&mut Parser<'_>) -> std::result::Result<T, ParserError>,
    ) -> Option<T> {
        let rest = self.solid.get(self.place..)?.to_vec();
        let mut parser = Parser::new(&PostgreSql).with_tokens_with_locations(rest);
        let found = read(&mut parser).ok()?;
        self.place += parser.index();
        Some(found)
    }

    pub(super) fn expression(&mut self) -> Result<Expr> {
        self.parsed(|parser| parser.parse_expr()).ok_or_else(|| self.error())
    }

    fn data_type(&mut self) -> Option<DataType> {
        self.parsed(|parser| parser.parse_data_type())
    }

    /// Reads a type. One that is not PostgreSQL's own is noted, and stands as text.
    pub(super) fn pg_type(&mut self) -> Result<PgType> {
        let data_type = self.data_type().ok_or_else(|| self.error())?;
        self.known_type(&data_type)
    }

    fn known_type(&mut self, data_type: &DataType) -> Result<PgType> {
        let written = data_type.to_string();
        if POLYMORPHIC.contains(&written.to_lowercase().as_str()) {
            return Err(Error::unsupported(format!(
                "type {written} in a routine is not supported"
            )));
        }
        Ok(declared_pg_type(data_type).unwrap_or_else(|| {
            self.unknown.push(written);
            PgType::TEXT
        }))
    }

    fn mode(&mut self) -> Result<Option<ArgumentMode>> {
        // A mode's word may be an argument's name, too: then a type follows at once.
        Ok(Some(if self.take(&["in", "out"]) || self.take(&["inout"]) {
            ArgumentMode::InOut
        } else if self.take(&["in"]) {
            ArgumentMode::In
        } else if self.take(&["out"]) {
            ArgumentMode::Out
        } else if self.take(&["variadic"]) {
            return Err(Error::unsupported("VARIADIC arguments are not supported"));
        } else {
            return Ok(None);
        }))
    }

    fn argument(&mut self) -> Result<RoutineArgument> {
        let mode = self.mode()?;
        let (name, mode, pg_type) = self.named_type(mode)?;
        let default = if self.take(&["default"]) || self.token(&Token::Eq) {
            Some(self.expression()?.to_string())
        } else {
            None
        };
        Ok(RoutineArgument { name, mode, pg_type, default })
    }

    /// Reads `type`, `name type` or `name mode type`.
    fn named_type(
        &mut self,
        mode: Option<ArgumentMode>,
    ) -> Result<(Option<String>, ArgumentMode, PgType)> {
        let start = self.place;
        if let Some(data_type) = self.data_type() {
            let ends = matches!(self.at(0), Some(Token::Comma | Token::RParen | Token::Eq))
                || self.is(0, "default");
            if ends {
                let pg_type = self.known_type(&data_type)?;
                return Ok((None, mode.unwrap_or(ArgumentMode::In), pg_type));
            }
        }
        self.place = start;
        let name = self.word()?;
        let mode = match mode {
            Some(mode) => mode,
            None => self.mode()?.unwrap_or(ArgumentMode::In),
        };
        Ok((Some(name), mode, self.pg_type()?))
    }

    /// Reads the arguments between parentheses.
    pub(super) fn arguments(&mut self) -> Result<Vec<RoutineArgument>> {
        self.want(&Token::LParen)?;
        let mut all = Vec::new();
        if self.token(&Token::RParen) {
            return Ok(all);
        }
        loop {
            all.push(self.argument()?);
            if self.token(&Token::RParen) {
                return Ok(all);
            }
            self.want(&Token::Comma)?;
        }
    }

    /// Reads a routine's name, and the types of its arguments if they are there.
    pub(super) fn named_routine(&mut self) -> Result<NamedRoutine> {
        let name = self.name()?;
        if self.at(0) != Some(&Token::LParen) {
            return Ok(NamedRoutine { name, types: None });
        }
        let arguments = self.arguments()?;
        if let Some(unknown) = self.unknown.first() {
            return Err(undefined_type(unknown));
        }
        let given = arguments.into_iter().filter(|argument| argument.mode.is_given());
        Ok(NamedRoutine { name, types: Some(given.map(|argument| argument.pg_type).collect()) })
    }
}

/// Types that stand for others.
const POLYMORPHIC: [&str; 14] = [
    "anyelement",
    "anyarray",
    "anynonarray",
    "anyenum",
    "anyrange",
    "anymultirange",
    "anycompatible",
    "anycompatiblearray",
    "anycompatiblenonarray",
    "trigger",
    "event_trigger",
    "internal",
    "cstring",
    "\"any\"",
];

pub(super) fn undefined_type(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist"))
}
