//! Foreign keys: what a client writes of one, and what is kept of it.
//!
//! DuckDB's own foreign keys are not PostgreSQL's, so no table is made with one: the data file
//! keeps them beside the tables, and the Writer sees to them (`src/pipeline/enforce.rs`). These
//! types lie in the intent log and in the data file, by field name: a field may be added with
//! `#[serde(default)]`.

use serde::{Deserialize, Serialize};
use sqlparser::ast;

use super::define::Candidates;
use super::rewrite::NameContext;
use super::statement::TableRef;
use crate::error::{Error, Result};
use crate::ids::TableName;

/// What becomes of rows that refer to a row which is deleted, or whose key is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReferentialAction {
    /// There may be none once the statement, or the transaction, is over.
    #[default]
    NoAction,
    /// There may be none.
    Restrict,
    /// They are deleted, or get the new key.
    Cascade,
    SetNull,
    SetDefault,
}

impl ReferentialAction {
    /// Tells whether it only looks.
    pub fn checks(self) -> bool {
        matches!(self, ReferentialAction::NoAction | ReferentialAction::Restrict)
    }

    fn of(action: Option<&ast::ReferentialAction>) -> ReferentialAction {
        match action {
            None | Some(ast::ReferentialAction::NoAction) => ReferentialAction::NoAction,
            Some(ast::ReferentialAction::Restrict) => ReferentialAction::Restrict,
            Some(ast::ReferentialAction::Cascade) => ReferentialAction::Cascade,
            Some(ast::ReferentialAction::SetNull) => ReferentialAction::SetNull,
            Some(ast::ReferentialAction::SetDefault) => ReferentialAction::SetDefault,
        }
    }
}

/// How a foreign key is to be seen to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceRules {
    /// MATCH FULL: all columns are NULL, or none.
    pub match_full: bool,
    pub on_delete: ReferentialAction,
    pub on_update: ReferentialAction,
    pub deferrable: bool,
    /// INITIALLY DEFERRED.
    pub deferred: bool,
    /// NOT VALID: rows that were there before it may break it.
    pub not_valid: bool,
}

/// What a client writes behind REFERENCES.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReferenceShape {
    pub table: Candidates,
    /// Empty for the primary key.
    pub columns: Vec<String>,
    pub rules: ReferenceRules,
}

/// A foreign key as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// Grows with each key that is made: they are seen to in this order.
    pub id: u64,
    pub name: String,
    /// The table whose rows refer.
    pub table: TableName,
    pub columns: Vec<String>,
    /// The table that they refer to.
    pub referenced: TableName,
    /// In the order of `columns`.
    pub referenced_columns: Vec<String>,
    pub rules: ReferenceRules,
}

impl ForeignKey {
    /// Tells whether it is this table's key of this name.
    pub fn is(&self, table: &TableName, name: &str) -> bool {
        self.table == *table && self.name == name
    }

    /// Tells whether rows that get values for these columns must be looked at; `None` for any.
    pub fn refers_by(&self, assigned: Option<&[String]>) -> bool {
        assigned.is_none_or(|names| self.columns.iter().any(|column| names.contains(column)))
    }

    /// Tells whether an UPDATE of these columns may take away what rows refer to.
    pub fn is_of_key(&self, assigned: Option<&[String]>) -> bool {
        let named = |names: &[String]| self.referenced_columns.iter().any(|c| names.contains(c));
        assigned.is_none_or(named)
    }
}

/// Takes the parts of a key as a client wrote it.
///
/// # Errors
/// 42601 for a combination that makes no sense; 0A000 for MATCH PARTIAL and NOT ENFORCED.
pub(super) fn reference(
    key: &ast::ForeignKeyConstraint,
    not_valid: bool,
    names: &NameContext,
) -> Result<ReferenceShape> {
    use ast::ConstraintReferenceMatchKind as Match;
    let said = key.characteristics.as_ref();
    if said.and_then(|said| said.enforced) == Some(false) {
        return Err(Error::unsupported("NOT ENFORCED is not supported"));
    }
    let deferred = said.and_then(|said| said.initially.as_ref());
    let deferred = matches!(deferred, Some(ast::DeferrableInitial::Deferred));
    let deferrable = said.and_then(|said| said.deferrable);
    if deferred && deferrable == Some(false) {
        return Err(Error::syntax("constraint declared INITIALLY DEFERRED must be DEFERRABLE"));
    }
    let match_full = match &key.match_kind {
        Some(Match::Partial) => {
            return Err(Error::unsupported("MATCH PARTIAL not yet implemented"));
        }
        kind => matches!(kind, Some(Match::Full)),
    };
    let table = TableRef::from_object_name(&key.foreign_table)?;
    Ok(ReferenceShape {
        table: table.candidates(&names.search_path).collect(),
        columns: key.referred_columns.iter().map(|column| column.value.clone()).collect(),
        rules: ReferenceRules {
            match_full,
            on_delete: ReferentialAction::of(key.on_delete.as_ref()),
            on_update: ReferentialAction::of(key.on_update.as_ref()),
            deferrable: deferrable.unwrap_or(deferred),
            deferred,
            not_valid,
        },
    })
}
