//! DROP, ALTER and COMMENT ON FUNCTION, PROCEDURE and ROUTINE.

use sqlparser::tokenizer::Token;

use super::header::Cursor;
use super::parse::{Options, function_option};
use super::{RoutineAction, RoutineKind, RoutineStatement};
use crate::error::Result;

pub(super) fn drop_routines(
    cursor: &mut Cursor<'_>,
    kind: Option<RoutineKind>,
    tag: &str,
) -> Result<(String, RoutineStatement)> {
    let if_exists = cursor.take(&["if", "exists"]);
    let mut names = vec![cursor.named_routine()?];
    while cursor.token(&Token::Comma) {
        names.push(cursor.named_routine()?);
    }
    let cascade = cursor.take(&["cascade"]);
    if !cascade {
        cursor.take(&["restrict"]);
    }
    Ok((format!("DROP {tag}"), RoutineStatement::Drop { kind, names, if_exists, cascade }))
}

pub(super) fn alter(
    cursor: &mut Cursor<'_>,
    kind: Option<RoutineKind>,
    tag: &str,
) -> Result<(String, RoutineStatement)> {
    let name = cursor.named_routine()?;
    let action = if cursor.take(&["rename", "to"]) {
        RoutineAction::Rename(cursor.word()?)
    } else if cursor.take(&["set", "schema"]) {
        RoutineAction::SetSchema(cursor.word()?)
    } else if cursor.take(&["owner", "to"]) {
        cursor.word()?;
        RoutineAction::Nothing
    } else if kind == Some(RoutineKind::Procedure) {
        return Err(cursor.error());
    } else {
        let mut options = Options::default();
        let is_strictness = ["strict", "called", "returns"].iter().any(|word| cursor.is(0, word));
        let is_volatility =
            ["immutable", "stable", "volatile"].iter().any(|word| cursor.is(0, word));
        function_option(cursor, &mut options)?;
        cursor.take(&["restrict"]);
        match (is_strictness, is_volatility) {
            (true, _) => RoutineAction::Strict(options.strict),
            (_, true) => RoutineAction::Volatility(options.volatility),
            _ => RoutineAction::Nothing,
        }
    };
    Ok((format!("ALTER {tag}"), RoutineStatement::Alter { kind, name, action }))
}

pub(super) fn comment(
    cursor: &mut Cursor<'_>,
    kind: Option<RoutineKind>,
) -> Result<(String, RoutineStatement)> {
    let name = cursor.named_routine()?;
    if !cursor.take(&["is"]) {
        return Err(cursor.error());
    }
    let text = if cursor.take(&["null"]) {
        None
    } else {
        Some(cursor.string().ok_or_else(|| cursor.error())?).filter(|text| !text.is_empty())
    };
    let action = RoutineAction::Comment(text);
    Ok(("COMMENT".to_owned(), RoutineStatement::Alter { kind, name, action }))
}
