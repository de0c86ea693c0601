//! The rules of `teatree.ingest_rules`.

use std::path::Path;

use super::format::{Given, Reading, format_named};
use super::pattern::fits;
use crate::dataset::FileFormat;
use crate::engine::duckdb::DuckDb;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// Rules that are looked at; a server needs few.
const RULES_MAX: usize = 1000;

/// A rule as it is written; what it demands may be impossible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) table: String,
    pattern: String,
    format: Option<String>,
    given: Given,
}

// An unset text is empty here. Only of `null_string` both mean something, and the same.
const RULES: &str = "
SELECT name, pattern, table_name, coalesce(format, ''), coalesce(delimiter, ''),
       coalesce(header::varchar, ''), coalesce(null_string, ''), coalesce(quote, ''),
       coalesce(escape, ''), coalesce(encoding, ''), on_error
FROM teatree.ingest_rules WHERE enabled ORDER BY name";

/// Reads the rules that are enabled, in the order in which they are asked. Blocks.
pub(super) fn rules(duckdb: &DuckDb) -> Result<Vec<Rule>> {
    let rows = duckdb.lookup_connection()?.text_rows(RULES, &[])?;
    if rows.len() > RULES_MAX {
        tracing::warn!(rules = rows.len(), "more rules than are looked at");
    }
    Ok(rows.into_iter().take(RULES_MAX).filter_map(rule).collect())
}

fn rule(row: Vec<String>) -> Option<Rule> {
    let mut row = row.into_iter();
    let mut next = move || row.next();
    let (name, pattern, table) = (next()?, next()?, next()?);
    let mut optional = || next().filter(|text| !text.is_empty());
    Some(Rule {
        name,
        table,
        pattern,
        format: optional(),
        given: Given {
            delimiter: optional(),
            header: optional().map(|text| text == "true"),
            null_string: optional(),
            quote: optional(),
            escape: optional(),
            encoding: optional(),
            on_error: optional(),
        },
    })
}

impl Rule {
    /// Tells whether it takes a file.
    pub(super) fn takes(&self, path: &str) -> bool {
        fits(&self.pattern, path)
    }

    /// Says how the file is read.
    ///
    /// # Errors
    /// 22023 when neither the rule nor the file's name tells its format, or the options contradict
    /// it.
    pub(super) fn reading(&self, path: &str) -> Result<Reading> {
        let format = match &self.format {
            Some(name) => format_named(name)?,
            None => FileFormat::of(Path::new(path)).ok_or_else(|| {
                Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("the format of file \"{path}\" is not known"),
                )
                .with_hint("Give the rule a format, or the file a name that tells it.")
            })?,
        };
        Reading::new(format, &self.given)
    }
}
