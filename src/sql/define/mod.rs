//! Changes of definitions, as far as the catalog must be seen to make them: what the Writer does
//! at their turn, where names are found and DuckDB's own limits are worked around.
//!
//! - `shape.rs`: tables, columns and constraints in parts; how they are written for DuckDB.
//! - `create.rs`, `alter.rs`, `index.rs`, `sequence.rs`: the parser's tree to a [`Definition`].
//! - `domain.rs`: CREATE DOMAIN.
//! - `beyond.rs`: statements that the parser does not know, those of `comment_on.rs`,
//!   `materialized.rs` and `trigger.rs` among them; `tokens.rs`: such clauses.
//! - `subject.rs`: what comments, owners and privileges are of.
//! - `row_defaults.rs`: INSERT and UPDATE of columns with defaults that are no plain values.
//! - `statement.rs`: a [`Statement`](super::Statement) to its definitions.
//!
//! These types lie in the intent log, by field name.

mod alter;
mod beyond;
mod comment_on;
mod create;
mod domain;
mod index;
mod materialized;
mod row_defaults;
mod sequence;
mod shape;
mod statement;
mod subject;
mod tokens;
mod trigger;
mod view_text;

use serde::{Deserialize, Serialize};

use crate::ids::TableName;
use crate::sql::foreign_key::ReferenceShape;
use crate::sql::role::RoleChange;
use crate::sql::routine::RoutineChange;
use crate::sql::trigger::TriggerChange;
use crate::sql::view::{Refresh, ViewPlan};
use crate::types::Value;

use alter::alter_table;
pub(super) use beyond::{Cursor, parse as parse_beyond};
pub use comment_on::CommentOn;
pub(super) use create::as_sequence_name;
use create::create_table;
pub use domain::{DOMAIN_CHECK, DOMAIN_CODE, Domain, DomainCheck};
use index::create_index;
pub use index::{IndexDetail, renamed_key};
pub(super) use materialized::take_with_data;
pub use row_defaults::ColumnDefault;
pub(super) use row_defaults::split_assignments;
use sequence::create_sequence;
pub use sequence::{OwnerChange, Restart, Sequence, SequenceChange, SequenceOwner, SequenceSpec};
pub use shape::{
    CHECK_NAME_CODE, ColumnSequence, ColumnShape, ConstraintKind, ConstraintShape, DeclaredType,
    KEY_NAME_CODE, LikeTable, SequenceUse, TYPE_CODE, TableShape, TextLimit, check_name,
    key_name_note, length_limit, sequence_default,
};
pub(super) use statement::{calls, duckdb_sequence_name};
pub use subject::{Subject, SubjectKind};
pub use tokens::{LikeOptions, Overriding};
pub(super) use tokens::{
    order_sequence_options, take_like, take_like_options, take_overriding, take_storage,
};
pub use view_text::{may_read_tables, renamed_in_view, view_tables};

/// The schema of a session's temporary objects.
pub(in crate::sql) const TEMPORARY_SCHEMA: &str = "pg_temp";

/// What a name may mean, in the order of the search path.
pub type Candidates = Vec<TableName>;

/// A name as `schema.name` text or in quotes, as `nextval` takes it: folded unless quoted.
pub fn written_name(text: &str) -> (Option<String>, String) {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.trim().chars().peekable();
    while let Some(c) = chars.next() {
        let last = parts.len() - 1;
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                parts[last].push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            c if quoted => parts[last].push(c),
            c => parts[last].extend(c.to_lowercase()),
        }
    }
    let name = parts.pop().unwrap_or_default();
    (parts.pop(), name)
}

/// One change of definitions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Definition {
    /// SQL for DuckDB, as it stands.
    Run {
        sql: String,
    },
    CreateTable {
        table: TableName,
        if_not_exists: bool,
        shape: TableShape,
        /// Tables whose columns come first.
        like: Vec<LikeTable>,
    },
    AlterTable {
        table: Candidates,
        if_exists: bool,
        actions: Vec<TableAction>,
    },
    CreateIndex {
        table: Candidates,
        name: Option<String>,
        if_not_exists: bool,
        unique: bool,
        /// SQL of each key part; plain columns are quoted names.
        parts: Vec<IndexPart>,
        #[serde(default)]
        detail: IndexDetail,
    },
    CreateSequence {
        name: TableName,
        if_not_exists: bool,
        spec: SequenceSpec,
        owner: Option<SequenceOwner>,
    },
    CreateDomain {
        name: TableName,
        /// Its type, default and constraints, as those of one column.
        shape: TableShape,
    },
    CommentOnType {
        name: Candidates,
        comment: Option<String>,
    },
    Comment {
        on: CommentOn,
        name: Candidates,
        part: String,
        text: Option<String>,
    },
    AlterSequence {
        name: Candidates,
        if_exists: bool,
        change: SequenceChange,
    },
    /// `SELECT setval(…)`: a query whose columns are, for each call, the sequence's name, the
    /// value and whether it counts as given out.
    SetValues {
        query: String,
        params: Vec<Value>,
        names: Vec<String>,
        search_path: Vec<String>,
    },
    /// A SELECT that draws from sequences.
    Draw {
        sql: String,
        params: Vec<Value>,
        /// What the session wants to know the last values of.
        sequences: Vec<Candidates>,
    },
    /// A materialized view: a query whose rows are kept.
    CreateView(Box<MaterializedView>),
    AlterView {
        name: Candidates,
        if_exists: bool,
        action: ViewAction,
    },
    Drop {
        kind: Dropped,
        names: Vec<Candidates>,
        if_exists: bool,
        cascade: bool,
    },
    AddEnumValue {
        name: Candidates,
        value: String,
        if_not_exists: bool,
        place: EnumPlace,
    },
    /// Functions and procedures.
    Routine(RoutineChange),
    Trigger(TriggerChange),
    Role(RoleChange),
    Truncate {
        tables: Vec<Candidates>,
        restart: bool,
        cascade: bool,
    },
}

impl Definition {
    /// Lists the foreign keys that it makes, each with what its table may be.
    pub fn references(&self) -> Vec<(&[TableName], &ReferenceShape)> {
        fn of<'a>(
            table: &'a [TableName],
            constraints: &'a [ConstraintShape],
        ) -> impl Iterator<Item = (&'a [TableName], &'a ReferenceShape)> {
            let shapes = constraints.iter().filter_map(|one| one.reference.as_deref());
            shapes.map(move |shape| (table, shape))
        }
        match self {
            Definition::CreateTable { table, shape, .. } => {
                of(std::slice::from_ref(table), &shape.constraints).collect()
            }
            Definition::AlterTable { table, actions, .. } => {
                let constraints = actions.iter().map(|action| match action {
                    TableAction::AddConstraint { constraint } => std::slice::from_ref(constraint),
                    TableAction::AddColumn { constraints, .. } => constraints,
                    _ => &[],
                });
                constraints.flat_map(|constraints| of(table, constraints)).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// A materialized view that is to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaterializedView {
    pub name: TableName,
    pub if_not_exists: bool,
    pub plan: ViewPlan,
    /// The query as the client wrote it.
    pub text: String,
    pub refresh: Refresh,
    pub with_data: bool,
    /// What its storage is called by, different for each view that is ever made.
    pub id: u64,
    /// How the query's names and times are to be understood.
    pub search_path: Vec<String>,
    pub time_zone: String,
}

/// A change of a materialized view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ViewAction {
    Refresh { concurrently: bool, with_data: bool },
    Rename { to: String },
    RenameColumn { from: String, to: String },
    SetSchema { schema: String },
    SetRefresh { refresh: Refresh },
}

/// Where ALTER TYPE … ADD VALUE puts the label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EnumPlace {
    Last,
    Before(String),
    After(String),
}

/// What DROP drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dropped {
    Table,
    View,
    MaterializedView,
    Index,
    Sequence,
    Schema,
    Type,
}

/// One part of an index's key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexPart {
    pub sql: String,
    /// What the part gives to a generated name: the column, the function, or `expr`.
    pub word: String,
}

/// One action of ALTER TABLE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TableAction {
    AddColumn {
        column: ColumnShape,
        constraints: Vec<ConstraintShape>,
        if_not_exists: bool,
        /// The default's value for the rows that are there.
        fill: Option<String>,
    },
    DropColumn {
        name: String,
        if_exists: bool,
        cascade: bool,
    },
    SetType {
        column: String,
        data_type: String,
        limit: Option<TextLimit>,
        #[serde(default)]
        declared: Option<DeclaredType>,
        using: Option<String>,
    },
    SetDefault {
        column: String,
        default: Option<String>,
        sequence: Option<SequenceUse>,
    },
    SetNotNull {
        column: String,
        not_null: bool,
    },
    AddIdentity {
        column: String,
        sequence: ColumnSequence,
    },
    DropIdentity {
        column: String,
        if_exists: bool,
    },
    AddConstraint {
        constraint: ConstraintShape,
    },
    DropConstraint {
        name: String,
        if_exists: bool,
        cascade: bool,
    },
    RenameColumn {
        from: String,
        to: String,
    },
    RenameTable {
        to: String,
    },
    RenameConstraint {
        from: String,
        to: String,
    },
    SetSchema {
        schema: String,
    },
    /// ALTER CONSTRAINT of a foreign key.
    AlterConstraint {
        name: String,
        deferrable: bool,
        deferred: bool,
    },
    ValidateConstraint {
        name: String,
    },
}

impl TableAction {
    /// Tells whether a constraint may have another name behind it.
    pub fn renames(&self) -> bool {
        matches!(
            self,
            TableAction::RenameColumn { .. }
                | TableAction::RenameTable { .. }
                | TableAction::RenameConstraint { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_name_folds_and_keeps_what_is_quoted() {
        let name = |text| written_name(text);
        assert_eq!(name("T_Id_seq"), (None, "t_id_seq".to_owned()));
        assert_eq!(name("public.s"), (Some("public".to_owned()), "s".to_owned()));
        assert_eq!(
            name("\"public\".\"My.\"\"Seq\""),
            (Some("public".to_owned()), "My.\"Seq".to_owned())
        );
    }
}
