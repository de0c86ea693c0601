//! Folds unquoted names to lower case, as PostgreSQL does; on tokens, where nothing can be missed.

use sqlparser::ast::Statement;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::error::{Error, Result};
use crate::sql::dialect::PostgreSql;

/// Folds every unquoted word. Keywords keep their meaning: the parser knows them apart from their
/// spelling.
pub fn fold_tokens(tokens: &mut [TokenWithSpan]) {
    quote_at(tokens);
    mark_variadic(tokens);
    for token in tokens {
        if let Token::UnicodeStringLiteral(text) = &mut token.token {
            // The tokenizer has read its escapes.
            token.token = Token::SingleQuotedString(std::mem::take(text));
        }
        if let Token::Word(word) = &mut token.token {
            if word.quote_style.is_none() && word.value.bytes().any(|b| b.is_ascii_uppercase()) {
                word.value.make_ascii_lowercase();
            }
        }
    }
}

/// Quotes `at` where it is a name: DuckDB keeps the word for itself, PostgreSQL does not.
fn quote_at(tokens: &mut [TokenWithSpan]) {
    let is = |token: &Token, text: &str| {
        matches!(token, Token::Word(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text))
    };
    for index in 0..tokens.len() {
        let next = tokens[index + 1..]
            .iter()
            .find(|token| !matches!(token.token, Token::Whitespace(_)))
            .map(|token| &token.token);
        let zone = next.is_some_and(|next| is(next, "time") || is(next, "local"));
        if is(&tokens[index].token, "at") && !zone {
            tokens[index].token = Token::make_word("at", Some('"'));
        }
    }
}

/// Puts `!!`, an operator that PostgreSQL has no more, in the place of VARIADIC before an argument,
/// which the parser does not know.
fn mark_variadic(tokens: &mut [TokenWithSpan]) {
    let word = |token: &Token, text: &str| {
        matches!(token, Token::Word(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text))
    };
    let mut before = None;
    for token in tokens.iter_mut().filter(|token| !matches!(token.token, Token::Whitespace(_))) {
        if before.is_none() && word(&token.token, "create") {
            return;
        }
        let is_argument = matches!(before, Some(Token::LParen | Token::Comma));
        if is_argument && word(&token.token, "variadic") {
            token.token = Token::DoubleExclamationMark;
        }
        before = Some(token.token.clone());
    }
}

/// Parses statements with folded names.
pub fn parse(sql: &str) -> Result<Vec<Statement>> {
    let dialect = PostgreSql;
    let mut tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|error| Error::syntax(error.to_string()))?;
    fold_tokens(&mut tokens);
    Parser::new(&dialect).with_tokens_with_locations(tokens).parse_statements().map_err(|error| {
        match error {
            ParserError::RecursionLimitExceeded => Error::syntax("statement is nested too deeply"),
            other => Error::syntax(other.to_string()),
        }
    })
}
