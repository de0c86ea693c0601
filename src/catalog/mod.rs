//! The catalogue that clients see: PostgreSQL's relations and functions over DuckDB's own.
//!
//! The SQL is under `sql/`; it is run once at start in an attached in-memory database named
//! `teatree_system`. `sql/pg_catalog/relations.tsv` is the one list of relations, columns and their
//! PostgreSQL types; a relation in it that no SQL file defines exists and is empty.
//!
//! `kept.rs` reads from the same files what a copy in tables is made of.
//!
//! Not here: the table functions `teatree_datasets()`, `teatree_sessions()` and their like, which
//! the server registers before it runs this.

mod builtin;
mod kept;
mod lists;
mod relations;
mod schemas;

use std::sync::LazyLock;

pub use kept::{
    KEPT_DATABASE, KeptId, KeptKind, KeptObject, KeptPlace, KeptQuery, OWN_DATABASES, kept,
    kept_schemas_sql,
};
pub use relations::{
    Catalog, QualifiedSystemName, is_system_relation, is_used_function, system_columns,
};
pub use schemas::{
    TEMPORARY_SCHEMA, duckdb_place, duckdb_schema, duckdb_search_path, duckdb_table,
};

/// The SQL files, in the order in which they are run.
const FILES: [(&str, &str); 36] = [
    ("pg_catalog/builtin_types.sql", include_str!("../../sql/pg_catalog/builtin_types.sql")),
    ("pg_catalog/builtin_misc.sql", include_str!("../../sql/pg_catalog/builtin_misc.sql")),
    ("teatree/support.sql", include_str!("../../sql/teatree/support.sql")),
    ("pg_catalog/routines.sql", include_str!("../../sql/pg_catalog/routines.sql")),
    ("pg_catalog/triggers.sql", include_str!("../../sql/pg_catalog/triggers.sql")),
    ("pg_catalog/facts.sql", include_str!("../../sql/pg_catalog/facts.sql")),
    ("pg_catalog/roles.sql", include_str!("../../sql/pg_catalog/roles.sql")),
    ("pg_catalog/relations.sql", include_str!("../../sql/pg_catalog/relations.sql")),
    ("pg_catalog/types.sql", include_str!("../../sql/pg_catalog/types.sql")),
    ("pg_catalog/server.sql", include_str!("../../sql/pg_catalog/server.sql")),
    ("functions/lookups.sql", include_str!("../../sql/functions/lookups.sql")),
    ("functions/names.sql", include_str!("../../sql/functions/names.sql")),
    ("functions/catalog.sql", include_str!("../../sql/functions/catalog.sql")),
    ("functions/server.sql", include_str!("../../sql/functions/server.sql")),
    ("functions/privileges.sql", include_str!("../../sql/functions/privileges.sql")),
    ("functions/text.sql", include_str!("../../sql/functions/text.sql")),
    ("functions/numeric.sql", include_str!("../../sql/functions/numeric.sql")),
    ("functions/format.sql", include_str!("../../sql/functions/format.sql")),
    ("functions/strings.sql", include_str!("../../sql/functions/strings.sql")),
    ("functions/concat.sql", include_str!("../../sql/functions/concat.sql")),
    ("functions/bytes.sql", include_str!("../../sql/functions/bytes.sql")),
    ("functions/arrays.sql", include_str!("../../sql/functions/arrays.sql")),
    ("functions/intervals.sql", include_str!("../../sql/functions/intervals.sql")),
    ("functions/datetime.sql", include_str!("../../sql/functions/datetime.sql")),
    ("functions/maths.sql", include_str!("../../sql/functions/maths.sql")),
    ("functions/values.sql", include_str!("../../sql/functions/values.sql")),
    ("functions/jsonb.sql", include_str!("../../sql/functions/jsonb.sql")),
    ("functions/json_text.sql", include_str!("../../sql/functions/json_text.sql")),
    ("functions/json.sql", include_str!("../../sql/functions/json.sql")),
    ("functions/regexp.sql", include_str!("../../sql/functions/regexp.sql")),
    ("functions/shown.sql", include_str!("../../sql/functions/shown.sql")),
    ("information_schema/views.sql", include_str!("../../sql/information_schema/views.sql")),
    (
        "information_schema/privileges.sql",
        include_str!("../../sql/information_schema/privileges.sql"),
    ),
    ("information_schema/routines.sql", include_str!("../../sql/information_schema/routines.sql")),
    ("information_schema/triggers.sql", include_str!("../../sql/information_schema/triggers.sql")),
    ("teatree/views.sql", include_str!("../../sql/teatree/views.sql")),
];

/// Returns the SQL that makes the tables of the data file that users share with the server, where
/// they are missing.
pub fn own_tables_sql() -> &'static str {
    include_str!("../../sql/teatree/ingest.sql")
}

/// Returns the SQL that builds the catalogue: file name and text, in order. Each text holds several
/// statements. The database `teatree_system` must be attached.
pub fn system_sql() -> Vec<(&'static str, &'static str)> {
    static RELATIONS: LazyLock<String> = LazyLock::new(relations::list_sql);
    static COLUMNS: LazyLock<String> = LazyLock::new(relations::columns_sql);
    static BUILT_IN: LazyLock<String> = LazyLock::new(builtin::tables_sql);
    static EMPTY: LazyLock<String> = LazyLock::new(relations::empty_sql);
    let mut all = vec![("relations", RELATIONS.as_str()), ("built in", BUILT_IN.as_str())];
    for (name, text) in FILES {
        all.push((name, text));
        if name == "pg_catalog/builtin_types.sql" {
            all.push(("columns", COLUMNS.as_str()));
        }
    }
    all.push(("empty relations", EMPTY.as_str()));
    all
}
