//! The system catalog (stand-in until the catalog branch lands).

/// The SQL files that build the system catalog, in order.
pub fn system_sql() -> Vec<(&'static str, &'static str)> {
    Vec::new()
}

/// DuckDB's word for a schema of PostgreSQL's.
pub fn duckdb_schema(schema: &str) -> &str {
    if schema == "public" { "main" } else { schema }
}

/// The `search_path` that a DuckDB connection gets for a session's.
pub fn duckdb_search_path(path: &[String]) -> String {
    path.iter().map(|schema| duckdb_schema(schema)).collect::<Vec<_>>().join(",")
}
