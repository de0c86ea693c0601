//! COPY.

use sqlparser::ast::{self, CopyLegacyCsvOption, CopyLegacyOption, CopyOption, Statement as Tree};

use super::fold;
use super::statement::{Kind, TableRef};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::copy::{CopyFormat, CopyOptions};

/// `COPY table (columns) FROM STDIN …`.
#[derive(Clone, Debug)]
pub struct CopyIn {
    pub table: TableRef,
    /// Empty for all of the table's columns.
    pub columns: Vec<String>,
    pub options: CopyOptions,
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
        return Err(Error::unsupported("COPY TO STDOUT is not supported yet")
            .with_hint("Use SELECT; psql's --csv writes the same rows."));
    }
    let ast::CopySource::Table { table_name, columns } = source else {
        return Err(Error::syntax("COPY FROM needs a table"));
    };
    Ok(Kind::CopyIn(CopyIn {
        table: TableRef::from_object_name(table_name)?,
        columns: columns.iter().map(fold).collect(),
        options: copy_options(options, legacy_options)?,
    }))
}

fn copy_options(options: &[CopyOption], legacy: &[CopyLegacyOption]) -> Result<CopyOptions> {
    let csv = options.iter().any(|option| {
        matches!(option, CopyOption::Format(name) if name.value.eq_ignore_ascii_case("csv"))
    }) || legacy.iter().any(|option| matches!(option, CopyLegacyOption::Csv(_)));
    let mut made = CopyOptions::new(if csv { CopyFormat::Csv } else { CopyFormat::Text });
    for option in options {
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
                made.force_not_null = columns.iter().map(fold).collect();
            }
            CopyOption::ForceNull(columns) => made.force_null = columns.iter().map(fold).collect(),
            CopyOption::Encoding(name) => check_encoding(name)?,
            CopyOption::ForceQuote(_) => {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    "COPY force quote only available using COPY TO",
                ));
            }
        }
    }
    for option in legacy {
        legacy_option(option, &mut made)?;
    }
    made.check()?;
    Ok(made)
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
                    CopyLegacyCsvOption::ForceNotNull(columns) => {
                        made.force_not_null = columns.iter().map(fold).collect();
                    }
                    CopyLegacyCsvOption::ForceQuote(_) => {}
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
