//! COPY.

use sqlparser::ast::{self, CopyLegacyCsvOption, CopyLegacyOption, CopyOption, Statement as Tree};

use super::statement::{Kind, TableRef};
use super::{fold, forbidden};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{CopyFormat, CopyOptions};

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
}

/// `COPY table or query TO STDOUT …`.
#[derive(Clone, Debug)]
pub struct CopyOut {
    /// The query whose rows are copied.
    pub query: super::Statement,
    pub options: CopyOptions,
    /// Columns that are always quoted.
    pub force_quote: Vec<String>,
}

pub(super) fn classify(tree: &Tree) -> Result<Kind> {
    let Tree::Copy { source, to, target, options, legacy_options, .. } = tree else {
        return Err(Error::internal("not a COPY"));
    };
    match target {
        ast::CopyTarget::File { .. } | ast::CopyTarget::Program { .. } => {
            return Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                "permission denied to COPY to or from a file of the server",
            )
            .with_hint(
                "Use COPY FROM STDIN, psql's \\copy, or CALL teatree.ingest for the inbox folder.",
            ));
        }
        ast::CopyTarget::Stdin | ast::CopyTarget::Stdout => {}
    }
    if *to {
        return classify_out(source, options, legacy_options);
    }
    let ast::CopySource::Table { table_name, columns } = source else {
        return Err(Error::syntax("COPY FROM needs a table"));
    };
    forbidden::check_target(table_name)?;
    let mut copy = CopyIn {
        table: TableRef::from_object_name(table_name)?,
        columns: columns.iter().map(fold).collect(),
        options: CopyOptions::new(format_of(options, legacy_options)),
        force_null: Vec::new(),
        force_not_null: Vec::new(),
    };
    for option in options {
        take_option(option, &mut copy)?;
    }
    for option in legacy_options {
        legacy_option(option, &mut copy.options)?;
    }
    Ok(Kind::CopyIn(copy))
}

fn classify_out(
    source: &ast::CopySource,
    options: &[CopyOption],
    legacy: &[CopyLegacyOption],
) -> Result<Kind> {
    let query = match source {
        ast::CopySource::Query(query) => (**query).clone(),
        ast::CopySource::Table { table_name, columns } => whole_table(table_name, columns)?,
    };
    let tree = Tree::Query(Box::new(query));
    let kind = super::classify::classify(&tree)?;
    let statement = super::Statement {
        text: tree.to_string(),
        kind,
        param_count: 0,
        tree: Some(Box::new(tree)),
        words: Vec::new(),
        offset: 0,
        comment: super::Comment::default(),
    };
    let mut made = CopyIn {
        table: TableRef { database: None, schema: None, table: String::new() },
        columns: Vec::new(),
        options: CopyOptions::new(format_of(options, legacy)),
        force_null: Vec::new(),
        force_not_null: Vec::new(),
    };
    let mut force_quote = Vec::new();
    for option in options {
        match option {
            CopyOption::ForceQuote(columns) => force_quote = columns.iter().map(fold).collect(),
            other => take_option(other, &mut made)?,
        }
    }
    for option in legacy {
        legacy_option(option, &mut made.options)?;
    }
    Ok(Kind::CopyOut(Box::new(CopyOut { query: statement, options: made.options, force_quote })))
}

/// `SELECT columns FROM table`, for a COPY of a table.
fn whole_table(table: &ast::ObjectName, columns: &[ast::Ident]) -> Result<ast::Query> {
    let list = if columns.is_empty() {
        "*".to_owned()
    } else {
        columns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let sql = format!("SELECT {list} FROM {table}");
    let dialect = sqlparser::dialect::PostgreSqlDialect {};
    let parsed = sqlparser::parser::Parser::parse_sql(&dialect, &sql);
    match parsed.ok().and_then(|mut trees| trees.pop()) {
        Some(Tree::Query(query)) => Ok(*query),
        _ => Err(Error::internal("a COPY's query could not be built")),
    }
}

fn format_of(options: &[CopyOption], legacy: &[CopyLegacyOption]) -> CopyFormat {
    let csv = options.iter().any(|option| {
        matches!(option, CopyOption::Format(name) if name.value.eq_ignore_ascii_case("csv"))
    }) || legacy.iter().any(|option| matches!(option, CopyLegacyOption::Csv(_)));
    if csv { CopyFormat::Csv } else { CopyFormat::Text }
}

fn take_option(option: &CopyOption, copy: &mut CopyIn) -> Result<()> {
    let made = &mut copy.options;
    match option {
        CopyOption::Format(name) => match name.value.to_lowercase().as_str() {
            "csv" | "text" => {}
            "binary" => return Err(binary()),
            other => {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("COPY format \"{other}\" not recognized"),
                ));
            }
        },
        CopyOption::Freeze(_) => {}
        CopyOption::Delimiter(delimiter) => made.delimiter = one_byte("delimiter", *delimiter)?,
        CopyOption::Null(text) => made.null.clone_from(text),
        CopyOption::Header(on) => made.header = *on,
        CopyOption::Quote(quote) => made.quote = one_byte("quote", *quote)?,
        CopyOption::Escape(escape) => made.escape = one_byte("escape", *escape)?,
        CopyOption::ForceNotNull(columns) => {
            copy.force_not_null = columns.iter().map(fold).collect();
        }
        CopyOption::ForceNull(columns) => copy.force_null = columns.iter().map(fold).collect(),
        CopyOption::Encoding(name) => check_encoding(name)?,
        CopyOption::ForceQuote(_) => {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "COPY force quote only available using COPY TO",
            ));
        }
    }
    Ok(())
}

fn legacy_option(option: &CopyLegacyOption, made: &mut CopyOptions) -> Result<()> {
    match option {
        CopyLegacyOption::Binary => return Err(binary()),
        CopyLegacyOption::Delimiter(delimiter) => {
            made.delimiter = one_byte("delimiter", *delimiter)?;
        }
        CopyLegacyOption::Null(text) => made.null.clone_from(text),
        CopyLegacyOption::Header => made.header = true,
        CopyLegacyOption::Csv(options) => {
            for option in options {
                match option {
                    CopyLegacyCsvOption::Header => made.header = true,
                    CopyLegacyCsvOption::Quote(quote) => made.quote = one_byte("quote", *quote)?,
                    CopyLegacyCsvOption::Escape(escape) => {
                        made.escape = one_byte("escape", *escape)?;
                    }
                    CopyLegacyCsvOption::ForceNotNull(_) | CopyLegacyCsvOption::ForceQuote(_) => {
                        return Err(Error::unsupported(
                            "FORCE in COPY's old syntax is not supported",
                        )
                        .with_hint("Use WITH (FORCE_NOT_NULL (…))."));
                    }
                }
            }
        }
        other => return Err(Error::syntax(format!("COPY option {other} is not PostgreSQL's"))),
    }
    Ok(())
}

fn binary() -> Error {
    Error::unsupported("COPY in binary format is not supported yet")
}

fn one_byte(what: &str, character: char) -> Result<u8> {
    u8::try_from(character).ok().filter(u8::is_ascii).ok_or_else(|| {
        Error::unsupported(format!("COPY {what} must be a single one-byte character"))
    })
}

fn check_encoding(name: &str) -> Result<()> {
    if matches!(name.to_lowercase().as_str(), "utf8" | "utf-8" | "unicode") {
        return Ok(());
    }
    Err(Error::unsupported(format!("COPY in encoding \"{name}\" is not supported")))
}
