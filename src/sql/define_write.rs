//! Changes of definitions that the parser has no tree for.

use sqlparser::ast;

use super::define::{CommentOn, SequenceChange, TableAction, ViewAction};
use super::role::RoleAction;
use super::routine::RoutineStatement;
use super::statement::TableRef;
use super::trigger::TriggerStatement;

/// A change of definitions that the parser has no tree for.
#[derive(Clone, Debug)]
pub enum DefineWrite {
    AlterSequence {
        name: TableRef,
        if_exists: bool,
        change: SequenceChange,
        /// The column that OWNED BY names.
        owner: Option<(TableRef, String)>,
    },
    AlterTable {
        table: TableRef,
        if_exists: bool,
        action: TableAction,
    },
    /// A materialized view.
    AlterView {
        view: TableRef,
        if_exists: bool,
        action: ViewAction,
    },
    /// A domain, written as a table of one column.
    CreateDomain {
        name: TableRef,
        create: Box<ast::CreateTable>,
    },
    /// A temporary view's name, and behind it what it reads.
    TemporaryView {
        names: Vec<TableRef>,
    },
    DropDomain {
        names: Vec<TableRef>,
        if_exists: bool,
        cascade: bool,
    },
    /// COMMENT ON what DuckDB keeps no comment of.
    Comment {
        on: CommentOn,
        /// The table or domain of a part, too.
        name: TableRef,
        part: String,
        text: Option<String>,
    },
    /// Functions and procedures.
    Routine(Box<RoutineStatement>),
    Trigger(Box<TriggerStatement>),
    /// Roles, privileges, owners.
    Role(Box<RoleAction>),
}

impl DefineWrite {
    pub(super) fn targets(&self) -> &[TableRef] {
        match self {
            DefineWrite::AlterSequence { name, .. } | DefineWrite::CreateDomain { name, .. } => {
                std::slice::from_ref(name)
            }
            DefineWrite::AlterTable { table, .. } | DefineWrite::AlterView { view: table, .. } => {
                std::slice::from_ref(table)
            }
            DefineWrite::Comment { on, .. } if !on.is_in_schema() => &[],
            DefineWrite::Comment { name, .. } => std::slice::from_ref(name),
            DefineWrite::Routine(_) | DefineWrite::Role(_) => &[],
            DefineWrite::Trigger(statement) => std::slice::from_ref(statement.table()),
            DefineWrite::DropDomain { names, .. } | DefineWrite::TemporaryView { names } => names,
        }
    }
}
