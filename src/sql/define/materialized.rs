//! REFRESH and ALTER MATERIALIZED VIEW, which the parser does not know, and WITH [NO] DATA.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::ViewAction;
use super::beyond::{Cursor, define};
use crate::error::{Error, Result};
use crate::sql::define_write::DefineWrite;
use crate::sql::statement::Kind;
use crate::sql::view::Refresh;
use crate::sqlstate::SqlState;

/// Reads what stands behind `REFRESH MATERIALIZED VIEW`.
pub(super) fn refresh(cursor: &mut Cursor<'_>) -> Result<Kind> {
    let concurrently = cursor.take(&["concurrently"]);
    let view = cursor.name()?;
    let with_data = if cursor.take(&["with", "no", "data"]) {
        false
    } else {
        cursor.take(&["with", "data"]);
        true
    };
    if concurrently && !with_data {
        return Err(Error::new(
            SqlState::SYNTAX_ERROR,
            "CONCURRENTLY and WITH NO DATA options cannot be used together",
        ));
    }
    let action = ViewAction::Refresh { concurrently, with_data };
    let write = DefineWrite::AlterView { view, if_exists: false, action };
    let kind = define("REFRESH MATERIALIZED VIEW", write)?;
    cursor.end(kind)
}

/// Reads what stands behind `ALTER MATERIALIZED VIEW`; `None` for what changes nothing here.
pub(super) fn alter(cursor: &mut Cursor<'_>) -> Result<Option<Kind>> {
    let if_exists = cursor.take(&["if", "exists"]);
    let view = cursor.name()?;
    let action = if cursor.take(&["rename", "to"]) {
        ViewAction::Rename { to: cursor.word()? }
    } else if cursor.take(&["rename"]) {
        cursor.take(&["column"]);
        let from = cursor.word()?;
        if !cursor.take(&["to"]) {
            return Err(cursor.error());
        }
        ViewAction::RenameColumn { from, to: cursor.word()? }
    } else if cursor.take(&["set", "schema"]) {
        ViewAction::SetSchema { schema: cursor.word()? }
    } else if cursor.take(&["reset"]) {
        cursor.skip_all();
        ViewAction::SetRefresh { refresh: Refresh::Manual }
    } else if cursor.take(&["set"]) {
        ViewAction::SetRefresh { refresh: options(cursor)? }
    } else {
        return Err(cursor.error());
    };
    let write = DefineWrite::AlterView { view, if_exists, action };
    let kind = define("ALTER MATERIALIZED VIEW", write)?;
    cursor.end(kind).map(Some)
}

/// Reads `(refresh = '…')`.
fn options(cursor: &mut Cursor<'_>) -> Result<Refresh> {
    if !cursor.takes(&Token::LParen) {
        return Err(cursor.error());
    }
    let key = cursor.word()?;
    if key != "refresh" {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("unrecognized parameter \"{key}\""),
        ));
    }
    cursor.takes(&Token::Eq);
    let text = match cursor.at(0) {
        Some(Token::SingleQuotedString(text)) => text.clone(),
        Some(Token::Word(word)) => word.value.clone(),
        _ => return Err(cursor.error()),
    };
    cursor.skip(1);
    if !cursor.takes(&Token::RParen) {
        return Err(cursor.error());
    }
    Refresh::parse(&text)
}

/// Takes `WITH [NO] DATA` from the end of a CREATE MATERIALIZED VIEW; tells whether the view gets
/// its rows at once.
pub(in crate::sql) fn take_with_data(mut tokens: Vec<TokenWithSpan>) -> (Vec<TokenWithSpan>, bool) {
    let solid: Vec<usize> = (0..tokens.len())
        .filter(|&index| !matches!(tokens[index].token, Token::Whitespace(_) | Token::EOF))
        .collect();
    let is = |place: usize, text: &str| {
        solid.get(place).is_some_and(|&index| {
            matches!(&tokens[index].token, Token::Word(word)
                if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text))
        })
    };
    let count = solid.len();
    if !(is(0, "create") && is(1, "materialized") && count > 4 && is(count - 1, "data")) {
        return (tokens, true);
    }
    let first = if is(count - 2, "with") {
        count - 2
    } else if is(count - 2, "no") && is(count - 3, "with") {
        count - 3
    } else {
        return (tokens, true);
    };
    let with_data = first == count - 2;
    let mut index = 0;
    let cut = solid[first];
    tokens.retain(|token| {
        index += 1;
        index - 1 < cut || matches!(token.token, Token::EOF)
    });
    (tokens, with_data)
}
