//! The transition tables in a procedure's statements: the names that the procedure has for them, to
//! those that stand for them in a trigger's action and that no table of a user's has.

use std::ops::ControlFlow;

use sqlparser::ast::{self, Ident, ObjectName, VisitMut, VisitorMut};

use crate::error::{Error, Result};
use crate::sql::classify;
use crate::sql::statement::{Kind, Memo, Statement, TableRef};
use crate::sqlstate::SqlState;

/// What a trigger's procedure calls the new rows, unless REFERENCING says otherwise.
pub const NEW_TABLE: &str = "new_table";
/// What it calls the old rows.
pub const OLD_TABLE: &str = "old_table";

impl Statement {
    /// Tells whether it reads a table of one of these bare names.
    pub fn reads_any(&self, names: &[&str]) -> bool {
        let is_one = |table: &TableRef| {
            table.schema.is_none() && names.iter().any(|name| *name == table.table)
        };
        self.tables().iter().any(is_one)
    }

    /// Puts other names in the place of the transition tables' names, `from` and `to` each.
    ///
    /// # Errors
    /// 42809 when it changes a transition table.
    pub fn with_transition_tables(&self, names: &[(&str, String)]) -> Result<Statement> {
        if let Kind::Write(write) = &self.kind
            && let Some(target) = write.target()
            && target.schema.is_none()
            && names.iter().any(|(from, _)| *from == target.table)
        {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!(
                    "relation \"{}\" cannot be the target of a modifying statement",
                    target.table
                ),
            ));
        }
        let froms: Vec<&str> = names.iter().map(|(from, _)| *from).collect();
        let mut changed = self.clone();
        changed.memo = Memo::default();
        if !self.reads_any(&froms) {
            return Ok(changed);
        }
        if let Kind::CopyOut(copy) = &mut changed.kind {
            copy.query = copy.query.with_transition_tables(names)?;
            return Ok(changed);
        }
        let Some(tree) = changed.tree.as_deref_mut() else { return Ok(changed) };
        let _ = VisitMut::visit(tree, &mut Renamer { names });
        let tables = classify::tables(&*tree)?;
        match &mut changed.kind {
            Kind::Read(read) => read.tables = tables,
            Kind::Write(write) => write.set_tables(tables),
            _ => {}
        }
        Ok(changed)
    }
}

struct Renamer<'a> {
    names: &'a [(&'a str, String)],
}

impl VisitorMut for Renamer<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut ast::TableFactor) -> ControlFlow<()> {
        let ast::TableFactor::Table { name, alias, args: None, .. } = factor else {
            return ControlFlow::Continue(());
        };
        let [part] = name.0.as_slice() else { return ControlFlow::Continue(()) };
        let Some(written) = part.as_ident().cloned() else { return ControlFlow::Continue(()) };
        let Some((_, to)) = self.names.iter().find(|(from, _)| *from == written.value) else {
            return ControlFlow::Continue(());
        };
        *name = ObjectName::from(vec![Ident::new(to.as_str())]);
        alias.get_or_insert_with(|| ast::TableAlias {
            explicit: true,
            name: Ident::with_quote('"', written.value),
            columns: Vec::new(),
            at: None,
        });
        ControlFlow::Continue(())
    }
}
