//! Schemas in PostgreSQL's words and in DuckDB's: `public` is DuckDB's `main`.

use crate::ids::TableName;
use crate::sql::quote_ident;

/// DuckDB's word for a schema of PostgreSQL's.
pub fn duckdb_schema(schema: &str) -> &str {
    if schema == "public" { "main" } else { schema }
}

/// The schema of a session's temporary tables.
pub const TEMPORARY_SCHEMA: &str = "pg_temp";

/// Writes a DuckDB table's name for DuckDB, quoted.
pub fn duckdb_table(table: &TableName) -> String {
    let (database, schema) = duckdb_place(table);
    let parts = database.into_iter().chain([schema, table.table.as_str()]);
    parts.map(quote_ident).collect::<Vec<_>>().join(".")
}

/// DuckDB's words for the database of a table, where it is not the data file, and its schema.
pub fn duckdb_place(table: &TableName) -> (Option<&'static str>, &str) {
    match table.schema.as_str() {
        TEMPORARY_SCHEMA => (Some("temp"), "main"),
        schema => (None, duckdb_schema(schema)),
    }
}

/// The `search_path` that a DuckDB connection gets for a session's. It is never empty: DuckDB
/// takes the database from its first entry.
pub fn duckdb_search_path(path: &[String]) -> String {
    if path.is_empty() {
        return "main".to_owned();
    }
    let quoted = path.iter().map(|schema| {
        let schema = duckdb_schema(schema);
        let plain =
            schema.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if plain { schema.to_owned() } else { quote_ident(schema) }
    });
    quoted.collect::<Vec<_>>().join(",")
}
