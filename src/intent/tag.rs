//! An intent's command tag.

use serde::{Deserialize, Serialize};

/// Enough to build PostgreSQL's command tag once the number of rows is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TagKind {
    Insert,
    Update,
    Delete,
    Merge,
    Copy,
    /// `CREATE TABLE AS`, which PostgreSQL tags as a SELECT.
    Select,
    /// A tag without a number, such as `CREATE TABLE`.
    Fixed(String),
}

impl TagKind {
    /// Builds the command tag.
    pub fn tag(&self, rows: u64) -> String {
        match self {
            TagKind::Insert => format!("INSERT 0 {rows}"),
            TagKind::Update => format!("UPDATE {rows}"),
            TagKind::Delete => format!("DELETE {rows}"),
            TagKind::Merge => format!("MERGE {rows}"),
            TagKind::Copy => format!("COPY {rows}"),
            TagKind::Select => format!("SELECT {rows}"),
            TagKind::Fixed(tag) => tag.clone(),
        }
    }
}

/// Statements that make or drop objects which are in no table's way.
const APART: [&str; 17] = [
    "ANALYZE",
    "COMMENT",
    "CREATE DOMAIN",
    "CREATE FUNCTION",
    "CREATE PROCEDURE",
    "CREATE ROLE",
    "CREATE SCHEMA",
    "CREATE SEQUENCE",
    "CREATE TYPE",
    "CREATE VIEW",
    "DROP DOMAIN",
    "DROP FUNCTION",
    "DROP PROCEDURE",
    "DROP ROLE",
    "GRANT",
    "REVOKE",
    "VACUUM",
];

/// Tells of a command tag whether the statement is in no table's way, but that which it names.
pub fn stands_apart(tag: &str) -> bool {
    APART.contains(&tag)
}
