//! What PostgreSQL has comments, owners and privileges of, by name: an object, or a part of one.

use serde::{Deserialize, Serialize};

use crate::ids::TableName;

/// The kinds of such objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SubjectKind {
    /// A table, view, sequence or index.
    Relation,
    Column,
    Constraint,
    Trigger,
    Type,
    DomainConstraint,
    /// Its name is its signature.
    Routine,
    Schema,
    Database,
    Role,
}

impl SubjectKind {
    /// Finds a kind by its word.
    pub fn of(word: &str) -> Option<SubjectKind> {
        use SubjectKind as K;
        let all = [
            K::Relation,
            K::Column,
            K::Constraint,
            K::Trigger,
            K::Type,
            K::DomainConstraint,
            K::Routine,
            K::Schema,
            K::Database,
            K::Role,
        ];
        all.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The word for it in the table of facts; `support.subject` in `sql/` has the same.
    pub fn as_str(self) -> &'static str {
        match self {
            SubjectKind::Relation => "relation",
            SubjectKind::Column => "column",
            SubjectKind::Constraint => "constraint",
            SubjectKind::Trigger => "trigger",
            SubjectKind::Type => "type",
            SubjectKind::DomainConstraint => "domain constraint",
            SubjectKind::Routine => "routine",
            SubjectKind::Schema => "schema",
            SubjectKind::Database => "database",
            SubjectKind::Role => "role",
        }
    }
}

/// One object, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subject {
    pub kind: SubjectKind,
    /// Without a schema for schemas, databases and roles.
    pub name: TableName,
    /// The column, constraint or trigger; else empty.
    pub part: String,
}

impl Subject {
    pub fn relation(name: &TableName) -> Subject {
        Subject { kind: SubjectKind::Relation, name: name.clone(), part: String::new() }
    }

    /// Something that has no schema.
    pub fn plain(kind: SubjectKind, name: &str) -> Subject {
        Subject { kind, name: TableName::new("", name), part: String::new() }
    }
}
