//! The queries that tell whether a foreign key holds, and what is told when it does not.
//!
//! DuckDB finds a few constants in an index or by the ranges that it keeps of each part of a table,
//! where a join reads the whole column. So where a change concerns few keys of a plain type, they
//! are fetched and written into the query.

use std::collections::HashSet;

use crate::catalog::duckdb_table;
use crate::engine::duckdb::WriteConnection;
use crate::error::{Error, ErrorObject, Result};
use crate::ids::TableName;
use crate::sql::{ForeignKey, quote_ident};
use crate::sqlstate::SqlState;

/// Up to so many keys are written into a query.
const FEW_MAX: usize = 1000;
/// So many rows that break a key are looked at to find the one that was told of first.
const SHOWN_MAX: usize = 1000;

/// Keys that rows may refer to, as SQL.
pub(super) enum KeySet {
    /// A list of constants.
    Few(String),
    /// A query of them.
    Query(String),
}

/// Tells whether a key holds for all rows.
///
/// # Errors
/// 23503 when it does not: `first`, if what that is about is still so.
pub fn check_key(
    connection: &mut WriteConnection,
    key: &ForeignKey,
    first: Option<&Error>,
) -> Result<()> {
    check_full(connection, key, &duckdb_table(&key.table))?;
    let broken = missing(connection, key, &duckdb_table(&key.table))?;
    let Some(shown) = broken.first() else { return Ok(()) };
    let is_it = |first: &&Error| {
        let told = first.detail().unwrap_or_default();
        broken.iter().any(|shown| told.contains(&format!("=({shown})")))
    };
    Err(first.filter(is_it).cloned().unwrap_or_else(|| not_present(key, shown)))
}

/// Checks that rows refer to some that are there; `rows` is a table or a query in parentheses.
///
/// # Errors
/// 23503 when they do not.
pub(super) fn check_rows(
    connection: &mut WriteConnection,
    key: &ForeignKey,
    rows: &str,
) -> Result<()> {
    check_full(connection, key, rows)?;
    if let Some(few) = few(connection, &key.columns, rows)? {
        let ([column], referenced) = (key.referenced_columns.as_slice(), &key.referenced) else {
            return Err(Error::internal("a key of one column refers to several"));
        };
        if few.texts.is_empty() || all_there(connection, referenced, column, &few)? {
            return Ok(());
        }
    }
    match missing(connection, key, rows)?.first() {
        Some(shown) => Err(not_present(key, shown)),
        None => Ok(()),
    }
}

/// MATCH FULL: all of a row's columns are NULL, or none.
fn check_full(connection: &mut WriteConnection, key: &ForeignKey, rows: &str) -> Result<()> {
    if !key.rules.match_full || key.columns.len() < 2 {
        return Ok(());
    }
    let nulls: Vec<String> =
        key.columns.iter().map(|column| format!("{} IS NULL", quote_ident(column))).collect();
    let sql = format!(
        "SELECT '1' FROM {rows} WHERE ({}) AND NOT ({}) LIMIT 1",
        nulls.join(" OR "),
        nulls.join(" AND ")
    );
    if connection.text_rows(&sql, &[])?.is_empty() {
        return Ok(());
    }
    let error = Error::new(SqlState::FOREIGN_KEY_VIOLATION, refused(key))
        .with_detail("MATCH FULL does not allow mixing of null and nonnull key values.");
    Err(error.with_object(object(key)))
}

/// The keys of rows that refer to nothing, as they are shown.
fn missing(connection: &mut WriteConnection, key: &ForeignKey, rows: &str) -> Result<Vec<String>> {
    let columns = list("", &key.columns);
    let on = equal(("b", &key.columns), ("p", &key.referenced_columns));
    let sql = format!(
        "SELECT {} FROM (SELECT DISTINCT {columns} FROM {rows} WHERE {}) AS b
             ANTI JOIN {} AS p ON {on} LIMIT {SHOWN_MAX}",
        shown("b", &key.columns),
        not_null("", &key.columns),
        duckdb_table(&key.referenced),
    );
    Ok(connection.text_rows(&sql, &[])?.into_iter().flatten().collect())
}

/// The keys of some rows of the table that is referred to which it does not have any more; `None`
/// for none. `rows` is a table or a query in parentheses.
pub(super) fn lost_keys(
    connection: &mut WriteConnection,
    key: &ForeignKey,
    rows: &str,
) -> Result<Option<KeySet>> {
    let columns = &key.referenced_columns;
    let on = equal(("b", columns), ("p", columns));
    let query = format!(
        "SELECT {} FROM (SELECT DISTINCT {} FROM {rows} WHERE {}) AS b
             ANTI JOIN {} AS p ON {on}",
        list("b.", columns),
        list("", columns),
        not_null("", columns),
        duckdb_table(&key.referenced),
    );
    key_set(connection, columns, query)
}

/// Makes a set of what a query gives; `None` when that is nothing.
pub(super) fn key_set(
    connection: &mut WriteConnection,
    columns: &[String],
    query: String,
) -> Result<Option<KeySet>> {
    if let Some(few) = few(connection, columns, &format!("({query})"))? {
        let set = (!few.texts.is_empty()).then(|| KeySet::Few(few.constants()));
        return Ok(set);
    }
    let some = connection.text_rows(&format!("SELECT '1' FROM ({query}) LIMIT 1"), &[])?;
    Ok((!some.is_empty()).then_some(KeySet::Query(query)))
}

impl KeySet {
    /// The condition that a row of the table called `alias` refers to one of them.
    pub(super) fn is_referred_by(&self, key: &ForeignKey, alias: &str) -> String {
        let columns = list(&format!("{alias}."), &key.columns);
        match self {
            KeySet::Few(constants) => format!("{columns} IN ({constants})"),
            KeySet::Query(query) => format!("({columns}) IN ({query})"),
        }
    }
}

/// Finds a key of the set that rows refer to, as it is shown.
pub(super) fn referred_key(
    connection: &mut WriteConnection,
    key: &ForeignKey,
    set: &KeySet,
) -> Result<Option<String>> {
    let sql = format!(
        "SELECT {} FROM {} AS c WHERE {} LIMIT 1",
        shown("c", &key.columns),
        duckdb_table(&key.table),
        set.is_referred_by(key, "c")
    );
    Ok(connection.text_rows(&sql, &[])?.into_iter().flatten().next())
}

/// A few keys of one column.
struct Few {
    texts: Vec<String>,
    data_type: String,
}

impl Few {
    fn constants(&self) -> String {
        let one =
            |text: &String| format!("CAST('{}' AS {})", text.replace('\'', "''"), self.data_type);
        self.texts.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

/// Fetches the keys of rows; `None` where there are many, of several columns or of a type whose
/// text is not all of it.
fn few(connection: &mut WriteConnection, columns: &[String], rows: &str) -> Result<Option<Few>> {
    let [column] = columns else { return Ok(None) };
    let column = quote_ident(column);
    let sql = format!(
        "SELECT DISTINCT CAST({column} AS VARCHAR), typeof({column}) FROM {rows}
         WHERE {column} IS NOT NULL LIMIT {}",
        FEW_MAX + 1
    );
    let found = connection.text_rows(&sql, &[])?;
    let data_type = found.first().and_then(|row| row.get(1).cloned()).unwrap_or_default();
    if found.len() > FEW_MAX || !found.is_empty() && !is_plain(&data_type) {
        return Ok(None);
    }
    let texts = found.into_iter().filter_map(|row| row.into_iter().next()).collect();
    Ok(Some(Few { texts, data_type }))
}

fn is_plain(data_type: &str) -> bool {
    data_type.starts_with("DECIMAL(")
        || matches!(
            data_type,
            "SMALLINT" | "INTEGER" | "BIGINT" | "HUGEINT" | "VARCHAR" | "UUID" | "DATE"
        )
}

/// Tells whether a table has all of these keys, as far as their texts tell.
fn all_there(
    connection: &mut WriteConnection,
    table: &TableName,
    column: &str,
    few: &Few,
) -> Result<bool> {
    let column = quote_ident(column);
    let sql = format!(
        "SELECT DISTINCT CAST({column} AS VARCHAR) FROM {} WHERE {column} IN ({})",
        duckdb_table(table),
        few.constants()
    );
    let found: HashSet<String> = connection.text_rows(&sql, &[])?.into_iter().flatten().collect();
    Ok(few.texts.iter().all(|text| found.contains(text)))
}

/// `"a", "b"`, each with something before it.
pub(super) fn list(before: &str, columns: &[String]) -> String {
    let one = |column: &String| format!("{before}{}", quote_ident(column));
    columns.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The condition that columns of two tables are equal.
pub(super) fn equal(
    (one, columns): (&str, &[String]),
    (other, referenced): (&str, &[String]),
) -> String {
    let pair = |(a, b): (&String, &String)| {
        format!("{one}.{} = {other}.{}", quote_ident(a), quote_ident(b))
    };
    columns.iter().zip(referenced).map(pair).collect::<Vec<_>>().join(" AND ")
}

fn not_null(before: &str, columns: &[String]) -> String {
    let one = |column: &String| format!("{before}{} IS NOT NULL", quote_ident(column));
    columns.iter().map(one).collect::<Vec<_>>().join(" AND ")
}

/// The columns' values as one text.
fn shown(alias: &str, columns: &[String]) -> String {
    let one = |column: &String| format!("CAST({alias}.{} AS VARCHAR)", quote_ident(column));
    format!("concat_ws(', ', {})", columns.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn refused(key: &ForeignKey) -> String {
    format!(
        "insert or update on table \"{}\" violates foreign key constraint \"{}\"",
        key.table.table, key.name
    )
}

fn object(key: &ForeignKey) -> ErrorObject {
    ErrorObject {
        schema: Some(key.table.schema.clone()),
        table: Some(key.table.table.clone()),
        constraint: Some(key.name.clone()),
        ..ErrorObject::default()
    }
}

/// A row refers to nothing.
fn not_present(key: &ForeignKey, shown: &str) -> Error {
    Error::new(SqlState::FOREIGN_KEY_VIOLATION, refused(key))
        .with_detail(format!(
            "Key ({})=({shown}) is not present in table \"{}\".",
            key.columns.join(", "),
            key.referenced.table
        ))
        .with_object(object(key))
}

/// A row that is gone is referred to.
pub(super) fn still_referenced(key: &ForeignKey, shown: &str) -> Error {
    Error::new(
        SqlState::FOREIGN_KEY_VIOLATION,
        format!(
            "update or delete on table \"{}\" violates foreign key constraint \"{}\" on table \
             \"{}\"",
            key.referenced.table, key.name, key.table.table
        ),
    )
    .with_detail(format!(
        "Key ({})=({shown}) is still referenced from table \"{}\".",
        key.referenced_columns.join(", "),
        key.table.table
    ))
    .with_object(object(key))
}
