//! The tables of schema `teatree` that lie in the data file, and which of their rows users may
//! change. All else in that schema is computed, and nobody changes it.

/// How a statement changes rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowsChange {
    Insert,
    Update,
    Delete,
}

/// The schema of these tables.
const SCHEMA: &str = "teatree";

/// Tells whether a name is one of them.
pub(super) fn is_own_table(schema: &str, table: &str) -> bool {
    schema == SCHEMA && matches!(table, "ingest_rules" | "ingests" | "rejects")
}

/// Tells whether users may change rows so: rules as they like; what came in and what was put aside
/// can be forgotten, and not made up.
pub(super) fn may_change(schema: &str, table: &str, change: RowsChange) -> bool {
    is_own_table(schema, table) && (table == "ingest_rules" || change == RowsChange::Delete)
}
