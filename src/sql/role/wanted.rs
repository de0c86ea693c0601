//! What a statement wants to do with tables, as far as privileges are about it.

use sqlparser::ast;

use crate::sql::cursor::CursorStatement;
use crate::sql::statement::{Kind, Statement};

impl Kind {
    /// Tells whether it may read, change or define objects: then it matters who runs it.
    pub fn touches_objects(&self) -> bool {
        matches!(
            self,
            Kind::Read(_)
                | Kind::Explain { .. }
                | Kind::Write(_)
                | Kind::Call(_)
                | Kind::CopyIn(_)
                | Kind::CopyOut(_)
                | Kind::Cursor(CursorStatement::Declare { .. })
        )
    }
}

impl Statement {
    /// Tells whether a write looks at the rows of the table that it changes: by a condition, or to
    /// give them back.
    pub fn reads_target(&self) -> bool {
        match self.tree.as_deref() {
            Some(ast::Statement::Insert(insert)) => insert.returning.is_some(),
            Some(ast::Statement::Update(update)) => {
                update.selection.is_some() || update.returning.is_some()
            }
            Some(ast::Statement::Delete(delete)) => {
                delete.selection.is_some() || delete.returning.is_some()
            }
            _ => true,
        }
    }

    /// The command tag of a SET or RESET.
    pub fn set_tag(&self) -> &'static str {
        if matches!(self.tree.as_deref(), Some(ast::Statement::Reset(_))) { "RESET" } else { "SET" }
    }
}
