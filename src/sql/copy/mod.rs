//! COPY: its two forms, read from tokens, since PostgreSQL's options are wider than the parser's.
//!
//! - `tokens.rs`: a walk over tokens.
//! - `options.rs`: the options, in their new and their old spelling.

mod options;
#[cfg(test)]
mod tests;
mod tokens;

use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use sqlparser::ast;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::own_tables::RowsChange;
use super::rewrite::NameContext;
use super::split::Places;
use super::statement::{Kind, Statement, TableRef};
use super::{forbidden, quote_ident, rewrite, split};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{Column, CopyOptions};
use options::Options;
use tokens::Tokens;

/// `COPY table (columns) FROM STDIN …`.
#[derive(Clone, Debug)]
pub struct CopyIn {
    pub table: TableRef,
    /// Empty for all of the table's columns.
    pub columns: Vec<String>,
    pub options: CopyOptions,
    /// Columns of FORCE_NULL and FORCE_NOT_NULL.
    pub force_null: Vec<String>,
    pub force_not_null: Vec<String>,
    /// The condition that rows must meet.
    pub condition: Option<CopyCondition>,
}

/// What stands behind WHERE, as the query `SELECT condition`.
#[derive(Clone, Debug)]
pub struct CopyCondition(pub Box<Statement>);

impl CopyCondition {
    /// Renders the condition for DataFusion.
    pub fn datafusion_sql(&self, names: &NameContext) -> Result<String> {
        let mut tree = self
            .0
            .tree
            .as_deref()
            .cloned()
            .ok_or_else(|| Error::syntax("syntax error in WHERE"))?;
        rewrite::for_datafusion(&mut tree, names)?;
        let ast::Statement::Query(query) = &tree else { return Err(not_one()) };
        let ast::SetExpr::Select(select) = query.body.as_ref() else { return Err(not_one()) };
        match select.projection.as_slice() {
            [ast::SelectItem::UnnamedExpr(expr) | ast::SelectItem::ExprWithAlias { expr, .. }] => {
                Ok(expr.to_string())
            }
            _ => Err(not_one()),
        }
    }
}

fn not_one() -> Error {
    Error::syntax("COPY FROM WHERE takes one condition")
}

/// `COPY table or query TO STDOUT …`, or to a file in the outbox.
#[derive(Clone, Debug)]
pub struct CopyOut {
    /// What gives the rows that are copied.
    pub query: Statement,
    /// The table, when it is all of one and no query.
    pub whole_table: Option<TableRef>,
    pub options: CopyOptions,
    pub force_quote: ForceQuote,
    /// The file in the outbox that gets them; `None` for the client.
    pub file: Option<CopyFile>,
}

/// A file that rows go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyFile {
    /// Its name as it was written, below the outbox folder: never outside of it.
    pub name: String,
    pub form: FileForm,
}

/// What a file's rows look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileForm {
    /// As COPY's options say.
    Stream,
    Parquet,
    Arrow,
}

impl CopyIn {
    /// Makes the error of an option's column that is not among those that are copied.
    pub fn missing_column(&self, option: &str, column: &str) -> Error {
        missing_column(self.columns.is_empty().then_some(&self.table), option, column)
    }
}

impl CopyOut {
    /// Tells for each column whether it is always quoted.
    ///
    /// # Errors
    /// 42703 or 42P10 for a column that is not among those that are copied.
    pub fn quoted(&self, columns: &[Column]) -> Result<Vec<bool>> {
        match &self.force_quote {
            ForceQuote::All => Ok(vec![true; columns.len()]),
            ForceQuote::These(names) => {
                let is_there = |name: &&String| columns.iter().any(|column| column.name == **name);
                if let Some(missing) = names.iter().find(|name| !is_there(name)) {
                    return Err(self.missing_column("FORCE_QUOTE", missing));
                }
                Ok(columns.iter().map(|column| names.contains(&column.name)).collect())
            }
        }
    }

    /// Makes the error of an option's column that is not among those that are copied.
    pub fn missing_column(&self, option: &str, column: &str) -> Error {
        missing_column(self.whole_table.as_ref(), option, column)
    }
}

fn missing_column(whole_table: Option<&TableRef>, option: &str, column: &str) -> Error {
    match whole_table {
        Some(table) => Error::new(
            SqlState::UNDEFINED_COLUMN,
            format!("column \"{column}\" of relation \"{}\" does not exist", table.table),
        ),
        None => Error::new(
            SqlState::INVALID_COLUMN_REFERENCE,
            format!("{option} column \"{column}\" not referenced by COPY"),
        ),
    }
}

/// Which columns are always quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForceQuote {
    These(Vec<String>),
    All,
}

/// What is copied: a table or what a query gives.
enum Source {
    Table { name: ast::ObjectName, columns: Vec<String> },
    Query(Box<Statement>),
}

/// Where it goes to or comes from.
enum Way {
    Client,
    File(String),
    Program,
}

/// Tells whether a statement is a COPY.
pub(super) fn is_copy(tokens: &[TokenWithSpan]) -> bool {
    Tokens::new(tokens).peeks("copy")
}

/// Reads a COPY. `tokens` went through `fold_tokens`.
///
/// # Errors
/// 42601 with a position; 42501 for programs and for files but those of the outbox; what the
/// options' checks say.
pub(super) fn parse(tokens: &[TokenWithSpan], text: &str, places: &Places) -> Result<Kind> {
    let mut tokens = Tokens::new(tokens);
    tokens.expect("copy", places)?;
    let mut options = Options::default();
    if tokens.peeks("binary") {
        options.old_binary(&mut tokens, places)?;
    }
    let source = parse_source(&mut tokens, text, places)?;
    let from = match tokens.one_of(&["from", "to"]) {
        Some("from") if matches!(source, Source::Table { .. }) => true,
        Some("to") => false,
        Some(_) => return Err(tokens.unexpected_last(places)),
        None => return Err(tokens.unexpected(places)),
    };
    let way = parse_way(&mut tokens, places)?;
    if tokens.take("using") {
        tokens.expect("delimiters", places)?;
        options.old_delimiter(&mut tokens, places)?;
    }
    options.to_file = matches!(way, Way::File(_)) && !from;
    options.parse(&mut tokens, places)?;
    let condition = if tokens.peeks("where") {
        if !from {
            return Err(
                tokens.at_next(Error::syntax("WHERE clause not allowed with COPY TO"), places)
            );
        }
        tokens.take("where");
        Some(parse_condition(&mut tokens, text, places)?)
    } else {
        None
    };
    if !tokens.at_end() {
        return Err(tokens.unexpected(places));
    }
    refuse_files(&way, from)?;
    let file = match way {
        Way::File(name) => Some(options.file(name)?),
        Way::Client | Way::Program => None,
    };
    let made = CopyOptions::complete(&options.given, from)?;
    let Source::Table { name, columns } = source else {
        let Source::Query(query) = source else { return Err(Error::internal("no COPY source")) };
        let force_quote = options.force_quote;
        let query = *query;
        let copy = CopyOut { query, whole_table: None, options: made, force_quote, file };
        return Ok(Kind::CopyOut(Box::new(copy)));
    };
    let table = TableRef::from_object_name(&name)?;
    if let Some(twice) = (1..columns.len()).find(|&at| columns[..at].contains(&columns[at])) {
        return Err(Error::new(
            SqlState::DUPLICATE_COLUMN,
            format!("column \"{}\" specified more than once", columns[twice]),
        ));
    }
    if from {
        forbidden::check_rows_target(&name, RowsChange::Insert)?;
        return Ok(Kind::CopyIn(CopyIn {
            table,
            columns,
            options: made,
            force_null: options.force_null,
            force_not_null: options.force_not_null,
            condition,
        }));
    }
    let query = whole_table(&name, &columns)?;
    let whole_table = columns.is_empty().then_some(table);
    let force_quote = options.force_quote;
    let copy = CopyOut { query, whole_table, options: made, force_quote, file };
    Ok(Kind::CopyOut(Box::new(copy)))
}

fn parse_source(tokens: &mut Tokens, text: &str, places: &Places) -> Result<Source> {
    if let Some(inner) = tokens.parenthesized() {
        if inner.is_empty() {
            return Err(tokens.unexpected_last(places));
        }
        let first = Tokens::new(inner);
        if first.selects_into() {
            return Err(Error::unsupported("COPY (SELECT INTO) is not supported"));
        }
        let query = split::parse_one(inner, text, places)?;
        return match &query.kind {
            Kind::Read(_) => Ok(Source::Query(Box::new(query))),
            Kind::Write(write) if write.returning() => Ok(Source::Query(Box::new(query))),
            Kind::Write(
                super::Write::Insert { .. }
                | super::Write::Update { .. }
                | super::Write::Delete { .. },
            ) => Err(Error::unsupported("COPY query must have a RETURNING clause")),
            _ => Err(first.unexpected(places)),
        };
    }
    let name = tokens.object_name(places)?;
    let columns =
        if tokens.peeks_symbol(&Token::LParen) { tokens.name_list(places)? } else { Vec::new() };
    Ok(Source::Table { name, columns })
}

fn parse_way(tokens: &mut Tokens, places: &Places) -> Result<Way> {
    // PostgreSQL, too, takes either word in either direction.
    if tokens.one_of(&["stdin", "stdout"]).is_some() {
        return Ok(Way::Client);
    }
    let is_program = tokens.take("program");
    let text = tokens.string(places)?;
    Ok(if is_program { Way::Program } else { Way::File(text) })
}

fn refuse_files(way: &Way, from: bool) -> Result<()> {
    let (role, what) = match (way, from) {
        (Way::Client, _) => return Ok(()),
        (Way::File(name), false) if is_inside(name) => return Ok(()),
        (Way::Program, _) => ("pg_execute_server_program", "COPY to or from an external program"),
        (Way::File(_), true) => ("pg_read_server_files", "COPY from a file"),
        (Way::File(_), false) => ("pg_write_server_files", "COPY to a file"),
    };
    Err(Error::new(
        SqlState::INSUFFICIENT_PRIVILEGE,
        format!("must be superuser or have privileges of the {role} role to {what}"),
    )
    .with_hint(
        "Anyone can COPY to stdout or from stdin, and to a file in the outbox by its name there. \
         psql's \\copy command also works for anyone.",
    ))
}

/// Tells whether a file's name stays below the outbox folder; names that begin with a dot are the
/// server's own.
fn is_inside(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let is_plain = |part: Component<'_>| match part {
        Component::Normal(part) => !part.to_string_lossy().starts_with('.'),
        _ => false,
    };
    !name.is_empty()
        && !name.ends_with('/')
        && !name.contains('\0')
        && !name.contains("://")
        && parts.all(is_plain)
}

/// Reads the rest as a condition.
fn parse_condition(tokens: &mut Tokens, text: &str, places: &Places) -> Result<CopyCondition> {
    let rest = tokens.rest();
    if Tokens::new(rest).at_end() {
        return Err(tokens.unexpected(places));
    }
    if rest.iter().any(|token| {
        matches!(&token.token, Token::Word(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("select"))
    }) {
        let error = Error::unsupported("cannot use subquery in COPY FROM WHERE condition");
        return Err(tokens.at_next(error, places));
    }
    let mut query = vec![TokenWithSpan {
        token: Token::make_keyword("SELECT"),
        span: rest.first().map_or_else(sqlparser::tokenizer::Span::empty, |token| token.span),
    }];
    query.extend(rest.iter().cloned());
    let statement = split::parse_one(&query, text, places)?;
    match &statement.kind {
        Kind::Read(_) => Ok(CopyCondition(Box::new(statement))),
        _ => Err(tokens.unexpected(places)),
    }
}

/// `SELECT columns FROM table`, for a COPY of a table.
fn whole_table(table: &ast::ObjectName, columns: &[String]) -> Result<Statement> {
    let list = if columns.is_empty() {
        "*".to_owned()
    } else {
        columns.iter().map(|column| quote_ident(column)).collect::<Vec<_>>().join(", ")
    };
    let parsed = split::parse(&format!("SELECT {list} FROM {table}"))?;
    parsed.into_iter().next().ok_or_else(|| Error::internal("a COPY's query could not be built"))
}
