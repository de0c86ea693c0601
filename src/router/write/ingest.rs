//! What rows must be like to go into a table, known before they are decoded: for files and uploads,
//! whose bad rows are put aside one by one.

use std::sync::Arc;

use super::plan::null_value;
use super::target::Target;
use crate::catalog::duckdb_schema;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::Storage;
use crate::router::{Router, StatementContext};
use crate::sql::{DOMAIN_CHECK, TableRef, quote_ident};
use crate::sqlstate::SqlState;
use crate::task;
use crate::types::{Column, Value};

/// A table that rows are ingested into.
#[derive(Clone, Debug)]
pub struct IngestTarget {
    pub table: TableName,
    pub storage: Storage,
    pub columns: Vec<IngestColumn>,
    /// What DuckDB would refuse a row for that has the right types.
    pub conditions: Vec<Condition>,
}

/// A column of it.
#[derive(Clone, Debug)]
pub struct IngestColumn {
    pub column: Column,
    pub not_null: bool,
    pub has_default: bool,
}

/// SQL over a row's columns that is true for a row which the table does not take.
#[derive(Clone, Debug)]
pub struct Condition {
    pub refuses: String,
    /// The columns that it reads; it means nothing to rows without them.
    pub columns: Vec<String>,
    pub error: Error,
}

const COLUMNS: &str = "
SELECT column_name, is_nullable::varchar, (column_default IS NOT NULL)::varchar, data_type
FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
    AND table_oid IN (SELECT table_oid FROM duckdb_tables()
        WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2)
ORDER BY column_index";

const CHECKS: &str = "
SELECT expression, array_to_string(constraint_column_names, chr(31)), coalesce(constraint_name, '')
FROM duckdb_constraints()
WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
    AND constraint_type = 'CHECK'";

/// DuckDB's types whose values are all values of the type that rows travel in.
const SAME: [&str; 16] = [
    "BOOLEAN",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "VARCHAR",
    "JSON",
    "BLOB",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP WITH TIME ZONE",
    "INTERVAL",
    "UUID",
    "DECIMAL",
];

impl Router {
    /// Finds a table that rows are to be ingested into.
    ///
    /// # Errors
    /// 42P01 when there is none, 42809 for a view, 42501 for a table of the server's own.
    pub async fn ingest_target(
        &self,
        table: &TableRef,
        context: &StatementContext,
    ) -> Result<IngestTarget> {
        crate::sql::check_table(table)?;
        if let Some(name) = self.dataset_of(table, &context.query.search_path) {
            return self.dataset_ingest_target(name);
        }
        let target = self.duckdb_target(table, &[], context).await?;
        let (duckdb, name) = (Arc::clone(&self.duckdb), target.table.clone());
        let (rows, checks) = task::blocking(move || {
            let params = [
                Value::Text(duckdb_schema(&name.schema).to_owned()),
                Value::Text(name.table.clone()),
            ];
            let mut connection = duckdb.lookup_connection()?;
            Ok((connection.text_rows(COLUMNS, &params)?, connection.text_rows(CHECKS, &params)?))
        })
        .await?;
        let mut conditions = Vec::new();
        let mut columns = Vec::with_capacity(target.columns.len());
        for column in target.columns {
            let found = rows.iter().find(|row| row.first() == Some(&column.name));
            let Some([_, nullable, has_default, data_type]) = found.map(Vec::as_slice) else {
                return Err(Error::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("cannot ingest into view \"{}\"", target.table.table),
                )
                .with_hint("Name the table that it reads."));
            };
            conditions.extend(of_type(&column, data_type));
            columns.push(IngestColumn {
                not_null: nullable == "false",
                has_default: has_default == "true",
                column,
            });
        }
        conditions.extend(checks.iter().filter_map(|row| of_check(&target.table, row)));
        Ok(IngestTarget { table: target.table, storage: Storage::DuckDb, columns, conditions })
    }

    fn dataset_ingest_target(&self, table: TableName) -> Result<IngestTarget> {
        let pinned = self.datasets.pin(&table).ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_TABLE,
                format!("relation \"{}\" does not exist", table.table),
            )
        })?;
        let column = |column: &crate::dataset::DatasetColumn| IngestColumn {
            column: column.column.clone(),
            not_null: column.not_null,
            has_default: false,
        };
        let columns = pinned.columns.iter().map(column).collect();
        Ok(IngestTarget { table, storage: Storage::Arrow, columns, conditions: Vec::new() })
    }
}

impl IngestTarget {
    /// Finds a column by the name that a file has for it, or else by that name without its case.
    pub fn place_of(&self, name: &str) -> Option<usize> {
        let exact = self.columns.iter().position(|column| column.column.name == name);
        exact.or_else(|| {
            self.columns.iter().position(|column| column.column.name.eq_ignore_ascii_case(name))
        })
    }

    /// Chooses the columns that rows are given for, in their order.
    ///
    /// # Errors
    /// 23502 when another column must not be NULL and has no default.
    pub fn given(&self, places: &[usize]) -> Result<Target> {
        let omitted = self.columns.iter().enumerate().find(|(place, column)| {
            column.not_null && !column.has_default && !places.contains(place)
        });
        if let Some((_, column)) = omitted {
            return Err(null_value(&column.column.name, &self.table)
                .with_detail(format!("The rows have no column \"{}\".", column.column.name)));
        }
        let column = |column: &IngestColumn| column.column.clone();
        let chosen: Vec<Column> = places.iter().map(|&at| column(&self.columns[at])).collect();
        let all = match self.storage {
            Storage::DuckDb => chosen.clone(),
            Storage::Arrow => self.columns.iter().map(column).collect(),
        };
        Ok(Target { table: self.table.clone(), storage: self.storage, columns: chosen, all })
    }
}

fn of_type(column: &Column, data_type: &str) -> Option<Condition> {
    let plain = data_type.strip_suffix("[]").unwrap_or(data_type);
    let plain = if plain.starts_with("DECIMAL(") { "DECIMAL" } else { plain };
    if SAME.contains(&plain) {
        return None;
    }
    let name = quote_ident(&column.name);
    let is_enum = data_type.starts_with("ENUM(");
    let (code, message) = if is_enum {
        let message = format!("invalid input value for enum column \"{}\"", column.name);
        (SqlState::INVALID_TEXT_REPRESENTATION, message)
    } else {
        let message = format!("value out of range for column \"{}\"", column.name);
        (SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
    };
    Some(Condition {
        refuses: format!("{name} IS NOT NULL AND TRY_CAST({name} AS {data_type}) IS NULL"),
        columns: vec![column.name.clone()],
        error: Error::new(code, message),
    })
}

fn of_check(table: &TableName, row: &[String]) -> Option<Condition> {
    let [expression, columns, name] = row else { return None };
    let (decides, raised) = without_error(expression);
    let (code, text) = match &raised {
        Some((code, text)) => (*code, text.as_str()),
        None => (SqlState::CHECK_VIOLATION, name.as_str()),
    };
    let is_own_words = raised.is_some() && code != SqlState::CHECK_VIOLATION;
    let message = if is_own_words || text.starts_with(DOMAIN_CHECK) {
        text.to_owned()
    } else {
        format!("new row for relation \"{}\" violates check constraint \"{text}\"", table.table)
    };
    let mut columns: Vec<String> = columns.split('\u{1f}').map(str::to_owned).collect();
    columns.dedup();
    Some(Condition {
        refuses: format!("NOT ({decides})"),
        columns,
        error: Error::new(code, message),
    })
}

/// Takes the error out of a CHECK that raises one, so that it is false instead; gives the error's
/// code and text. Inside of a literal quotes are doubled, so the call cannot stand there.
fn without_error(expression: &str) -> (String, Option<(SqlState, String)>) {
    const CALL: &str = "\"error\"('[";
    let plain = || (expression.to_owned(), None);
    let Some((before, rest)) = expression.split_once(CALL) else { return plain() };
    let mut end = None;
    let mut bytes = rest.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'\'', Some((_, b'\''))) => drop(bytes.next()),
            (b'\'', _) => {
                end = Some(at);
                break;
            }
            _ => {}
        }
    }
    let Some((literal, after)) = end.and_then(|at| Some((rest.get(..at)?, rest.get(at + 1..)?)))
    else {
        return plain();
    };
    let raised = literal
        .split_once("] ")
        .and_then(|(code, text)| Some((SqlState::parse(code)?, text.replace("''", "'"))));
    match (after.strip_prefix(')'), raised) {
        (Some(after), Some(raised)) => {
            (format!("{before}CAST('f' AS BOOLEAN){after}"), Some(raised))
        }
        _ => plain(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_raises_an_error_says_false_instead() {
        let (decides, raised) =
            without_error("CASE WHEN (n > 0) THEN true ELSE \"error\"('[23514] it''s') END");
        assert_eq!(decides, "CASE WHEN (n > 0) THEN true ELSE CAST('f' AS BOOLEAN) END");
        assert_eq!(raised, Some((SqlState::CHECK_VIOLATION, "it's".to_owned())));
        assert_eq!(without_error("(n > 0)"), ("(n > 0)".to_owned(), None));
        assert_eq!(without_error("\"error\"('[").1, None);
    }

    #[test]
    fn the_same_column_is_named_once() {
        let row = ["(a > 0)".to_owned(), "a\u{1f}a".to_owned(), "t_a_check".to_owned()];
        let condition = of_check(&TableName::new("public", "t"), &row).unwrap();
        assert_eq!(condition.columns, ["a"]);
        assert!(condition.error.message().contains("\"t_a_check\""));
    }
}
