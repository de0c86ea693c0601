//! CREATE, DROP and ALTER FUNCTION, PROCEDURE and ROUTINE; COMMENT ON them.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::change::{alter, comment, drop_routines};
use super::header::Cursor;
use super::{
    ArgumentMode, Language, Routine, RoutineArgument, RoutineKind, RoutineStatement, Volatility,
};
use crate::error::{Error, Result};
use crate::sql::define_write::DefineWrite;
use crate::sql::forbidden;
use crate::sql::statement::{Kind, Tag};
use crate::sql::write::Write;
use crate::sqlstate::SqlState;
use crate::types::PgType;

/// Reads such a statement; `None` when it is another.
///
/// # Errors
/// 42601 when it begins like one and goes on otherwise; 42P13 for what contradicts itself.
pub(in crate::sql) fn parse(tokens: &[TokenWithSpan]) -> Result<Option<Kind>> {
    let solid: Vec<TokenWithSpan> = tokens
        .iter()
        .filter(|token| {
            !matches!(token.token, Token::Whitespace(_) | Token::EOF | Token::SemiColon)
        })
        .cloned()
        .collect();
    let mut cursor = Cursor { solid: &solid, place: 0, unknown: Vec::new() };
    let statement = if cursor.take(&["create"]) {
        let or_replace = cursor.take(&["or", "replace"]);
        match kind_word(&mut cursor) {
            Some((Some(kind), _)) if !is_macro(&cursor) => {
                create(&mut cursor, tokens, kind, or_replace)?
            }
            _ => return Ok(None),
        }
    } else if cursor.take(&["drop"]) {
        match kind_word(&mut cursor) {
            Some((kind, tag)) => drop_routines(&mut cursor, kind, tag)?,
            None => return Ok(None),
        }
    } else if cursor.take(&["alter"]) {
        match kind_word(&mut cursor) {
            Some((kind, tag)) => alter(&mut cursor, kind, tag)?,
            None => return Ok(None),
        }
    } else if cursor.take(&["comment", "on"]) {
        match kind_word(&mut cursor) {
            Some((kind, _)) => comment(&mut cursor, kind)?,
            None => return Ok(None),
        }
    } else {
        return Ok(None);
    };
    if !cursor.done() {
        return Err(cursor.error());
    }
    let (tag, statement) = statement;
    check_schemas(&statement)?;
    let define = DefineWrite::Routine(Box::new(statement));
    Ok(Some(Kind::Write(Write::Define { tag: Tag::Fixed(tag), define })))
}

fn check_schemas(statement: &RoutineStatement) -> Result<()> {
    match statement {
        RoutineStatement::Create { name, .. } => forbidden::check_table(name),
        RoutineStatement::Drop { names, .. } => {
            names.iter().try_for_each(|one| forbidden::check_table(&one.name))
        }
        RoutineStatement::Alter { name, .. } => forbidden::check_table(&name.name),
    }
}

fn kind_word(cursor: &mut Cursor<'_>) -> Option<(Option<RoutineKind>, &'static str)> {
    if cursor.take(&["function"]) {
        Some((Some(RoutineKind::Function), "FUNCTION"))
    } else if cursor.take(&["procedure"]) {
        Some((Some(RoutineKind::Procedure), "PROCEDURE"))
    } else if cursor.take(&["routine"]) {
        Some((None, "ROUTINE"))
    } else {
        None
    }
}

/// `CREATE FUNCTION f(a) AS a + 1` is DuckDB's other spelling of CREATE MACRO.
fn is_macro(cursor: &Cursor<'_>) -> bool {
    let mut depth = 0_usize;
    for ahead in 0.. {
        match cursor.at(ahead) {
            Some(Token::LParen) => depth += 1,
            Some(Token::RParen) if depth == 1 => {
                return cursor.is(ahead + 1, "as")
                    && !matches!(
                        cursor.at(ahead + 2),
                        Some(
                            Token::SingleQuotedString(_)
                                | Token::EscapedStringLiteral(_)
                                | Token::DollarQuotedString(_)
                        )
                    );
            }
            Some(Token::RParen) => depth = depth.saturating_sub(1),
            Some(_) => {}
            None => return false,
        }
    }
    false
}

/// What stands between the arguments and the end.
pub(super) struct Options {
    language: Option<String>,
    body: Option<(String, bool)>,
    pub(super) volatility: Volatility,
    pub(super) strict: bool,
    security_definer: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            language: None,
            body: None,
            volatility: Volatility::Volatile,
            strict: false,
            security_definer: false,
        }
    }
}

fn create(
    cursor: &mut Cursor<'_>,
    tokens: &[TokenWithSpan],
    kind: RoutineKind,
    or_replace: bool,
) -> Result<(String, RoutineStatement)> {
    let name = cursor.name()?;
    let mut arguments = cursor.arguments()?;
    let returns = returns(cursor, kind, &mut arguments)?;
    check_arguments(&arguments, kind)?;
    let mut options = Options::default();
    while !cursor.done() {
        option(cursor, tokens, kind, &mut options)?;
    }
    let is_standard = options.body.as_ref().is_some_and(|(_, standard)| *standard);
    let language = match options.language.as_deref() {
        Some("sql") => Language::Sql,
        None if is_standard => Language::Sql,
        Some("polars") => Language::Polars,
        None if options.body.is_none() => {
            return Err(invalid("no function body specified"));
        }
        None => return Err(invalid("no language specified")),
        Some(known @ ("internal" | "c")) => {
            return Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied for language {known}"),
            ));
        }
        Some(other) => {
            return Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("language \"{other}\" does not exist"),
            ));
        }
    };
    if language == Language::Polars {
        check_polars(kind, &arguments, is_standard)?;
    }
    let Some((body, is_standard)) = options.body else {
        return Err(invalid("no function body specified"));
    };
    let (result, returns_set) = result_of(kind, &arguments, returns)?;
    let routine = Routine {
        schema: name.schema.clone().unwrap_or_default(),
        name: name.table.clone(),
        kind,
        language,
        arguments,
        result,
        returns_set,
        volatility: options.volatility,
        strict: options.strict,
        security_definer: options.security_definer,
        body,
        is_standard,
        form: None,
        comment: None,
    };
    let unknown = std::mem::take(&mut cursor.unknown);
    let tag = format!("CREATE {}", kind.word().to_uppercase());
    Ok((tag, RoutineStatement::Create { name, routine: Box::new(routine), or_replace, unknown }))
}

/// A body for Polars is a text, and its query's rows are what the call gives.
fn check_polars(kind: RoutineKind, arguments: &[RoutineArgument], is_standard: bool) -> Result<()> {
    if is_standard {
        return Err(invalid("inline SQL function body only valid for language SQL"));
    }
    if kind == RoutineKind::Function {
        return Err(Error::unsupported("a function in language polars is not supported")
            .with_hint("Write a procedure: CALL gives its query's rows."));
    }
    if arguments.iter().any(|argument| argument.mode.is_result()) {
        return Err(Error::unsupported("a procedure in language polars has no OUT arguments")
            .with_hint("CALL gives its query's rows."));
    }
    Ok(())
}

/// Reads RETURNS: a type and whether many of it come; the columns of TABLE become arguments.
fn returns(
    cursor: &mut Cursor<'_>,
    kind: RoutineKind,
    arguments: &mut Vec<RoutineArgument>,
) -> Result<Option<(PgType, bool)>> {
    if kind == RoutineKind::Procedure || cursor.is(1, "null") || !cursor.take(&["returns"]) {
        return Ok(None);
    }
    if cursor.take(&["table"]) {
        for mut column in cursor.arguments()? {
            if column.mode != ArgumentMode::In || column.name.is_none() {
                return Err(cursor.error());
            }
            column.mode = ArgumentMode::Table;
            arguments.push(column);
        }
        return Ok(Some((PgType::RECORD, true)));
    }
    let is_set = cursor.take(&["setof"]);
    Ok(Some((cursor.pg_type()?, is_set)))
}

/// What a routine gives, by its RETURNS and its OUT arguments.
fn result_of(
    kind: RoutineKind,
    arguments: &[RoutineArgument],
    returns: Option<(PgType, bool)>,
) -> Result<(PgType, bool)> {
    let outputs: Vec<PgType> = arguments
        .iter()
        .filter(|argument| argument.mode.is_result())
        .map(|argument| argument.pg_type)
        .collect();
    if kind == RoutineKind::Procedure {
        return Ok((if outputs.is_empty() { PgType::VOID } else { PgType::RECORD }, false));
    }
    let by_outputs = match outputs.as_slice() {
        [] => None,
        [only] => Some(*only),
        _ => Some(PgType::RECORD),
    };
    match (by_outputs, returns) {
        (None, None) => Err(invalid("function result type must be specified")),
        (None, Some((PgType::RECORD, _))) => Err(Error::unsupported(
            "a function that returns record must name its columns: RETURNS TABLE, or OUT arguments",
        )),
        (None, Some(given)) => Ok(given),
        (Some(found), None) => Ok((found, false)),
        (Some(found), Some((PgType::RECORD, true)))
            if arguments.iter().any(|argument| argument.mode == ArgumentMode::Table) =>
        {
            Ok((found, true))
        }
        (Some(found), Some((given, is_set))) if found == given => Ok((found, is_set)),
        (Some(found), Some(_)) => Err(invalid(&format!(
            "function result type must be {} because of OUT parameters",
            found.sql_name()
        ))),
    }
}

fn check_arguments(arguments: &[RoutineArgument], kind: RoutineKind) -> Result<()> {
    for (place, argument) in arguments.iter().enumerate() {
        if argument.pg_type == PgType::VOID || argument.pg_type == PgType::RECORD {
            return Err(invalid(&format!(
                "SQL functions cannot accept type {}",
                argument.pg_type.sql_name()
            )));
        }
        if let Some(name) = &argument.name
            && arguments[..place].iter().any(|other| other.name == argument.name)
        {
            return Err(invalid(&format!("parameter name \"{name}\" used more than once")));
        }
        if argument.default.is_some() && !argument.mode.is_given() {
            return Err(invalid("only input parameters can have default values"));
        }
    }
    let in_calls = |argument: &&RoutineArgument| {
        argument.mode.is_given()
            || kind == RoutineKind::Procedure && argument.mode == ArgumentMode::Out
    };
    let mut had_default = false;
    for argument in arguments.iter().filter(in_calls) {
        if had_default && argument.default.is_none() {
            return Err(invalid(if argument.mode.is_given() {
                "input parameters after one with a default value must also have defaults"
            } else {
                "procedure OUT parameters cannot appear after one with a default value"
            }));
        }
        had_default |= argument.default.is_some();
    }
    Ok(())
}

fn option(
    cursor: &mut Cursor<'_>,
    tokens: &[TokenWithSpan],
    kind: RoutineKind,
    options: &mut Options,
) -> Result<()> {
    if cursor.take(&["language"]) {
        let language = match cursor.string() {
            Some(text) => text.to_lowercase(),
            None => cursor.word()?,
        };
        options.language = Some(language);
        return Ok(());
    }
    if cursor.is(0, "as") || cursor.is(0, "return") || cursor.is(0, "begin") {
        if options.body.is_some() {
            return Err(Error::syntax("conflicting or redundant options"));
        }
        options.body = Some(body(cursor, tokens)?);
        return Ok(());
    }
    if security(cursor, options) {
        return Ok(());
    }
    if kind == RoutineKind::Procedure {
        return Err(match cursor.at(0) {
            Some(Token::Word(_)) if is_attribute(cursor) => {
                invalid("invalid attribute in procedure definition")
            }
            _ => cursor.error(),
        });
    }
    function_option(cursor, options)
}

fn security(cursor: &mut Cursor<'_>, options: &mut Options) -> bool {
    cursor.take(&["external"]);
    if cursor.take(&["security", "definer"]) {
        options.security_definer = true;
        return true;
    }
    cursor.take(&["security", "invoker"])
}

fn is_attribute(cursor: &Cursor<'_>) -> bool {
    const WORDS: [&str; 13] = [
        "immutable",
        "stable",
        "volatile",
        "strict",
        "called",
        "returns",
        "leakproof",
        "not",
        "parallel",
        "cost",
        "rows",
        "window",
        "support",
    ];
    WORDS.iter().any(|word| cursor.is(0, word))
}

pub(super) fn function_option(cursor: &mut Cursor<'_>, options: &mut Options) -> Result<()> {
    for (word, volatility) in [
        ("immutable", Volatility::Immutable),
        ("stable", Volatility::Stable),
        ("volatile", Volatility::Volatile),
    ] {
        if cursor.take(&[word]) {
            options.volatility = volatility;
            return Ok(());
        }
    }
    if cursor.take(&["strict"]) || cursor.take(&["returns", "null", "on", "null", "input"]) {
        options.strict = true;
        return Ok(());
    }
    if cursor.take(&["called", "on", "null", "input"]) {
        options.strict = false;
        return Ok(());
    }
    if cursor.take(&["not", "leakproof"]) || cursor.take(&["leakproof"]) {
        return Ok(());
    }
    if cursor.take(&["parallel"]) {
        return cursor.word().map(drop);
    }
    if cursor.take(&["cost"]) || cursor.take(&["rows"]) {
        return match cursor.at(0) {
            Some(Token::Number(..)) => {
                cursor.place += 1;
                Ok(())
            }
            _ => Err(cursor.error()),
        };
    }
    for word in ["window", "support", "transform", "set"] {
        if cursor.is(0, word) {
            let shown = word.to_uppercase();
            return Err(Error::unsupported(format!("CREATE FUNCTION … {shown} is not supported")));
        }
    }
    Err(cursor.error())
}

/// Reads a body: a string, `RETURN expression`, or `BEGIN ATOMIC … END`.
fn body(cursor: &mut Cursor<'_>, tokens: &[TokenWithSpan]) -> Result<(String, bool)> {
    if cursor.take(&["as"]) {
        let text = cursor.string().ok_or_else(|| cursor.error())?;
        if cursor.token(&Token::Comma) {
            return Err(invalid("only one AS item needed for language \"sql\""));
        }
        return Ok((text, false));
    }
    if cursor.take(&["return"]) {
        return Ok((format!("SELECT {}", cursor.expression()?), true));
    }
    if !cursor.take(&["begin", "atomic"]) {
        return Err(cursor.error());
    }
    // All up to the last END, with its semicolons, which the cursor has not.
    let is_word = |token: &TokenWithSpan, text: &str| {
        matches!(&token.token, Token::Word(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text))
    };
    let start = tokens.iter().position(|token| is_word(token, "atomic"));
    let end = tokens.iter().rposition(|token| is_word(token, "end"));
    let (Some(start), Some(end)) = (start, end) else { return Err(cursor.error()) };
    let text: String = tokens
        .get(start + 1..end)
        .unwrap_or_default()
        .iter()
        .map(|t| t.token.to_string())
        .collect();
    cursor.place = cursor.solid.len();
    Ok((text.trim().to_owned(), true))
}

fn invalid(message: &str) -> Error {
    Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message)
}
