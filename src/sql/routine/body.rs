//! A routine's body to statements whose arguments are parameters: `$1` is the first one that a call
//! gives. A column of the same name comes before an argument.

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::{self, Expr, Ident, SelectItem, Visit, VisitMut, Visitor, VisitorMut};

use super::Routine;
use crate::error::{Error, Result};
use crate::sql::analyze::{self, BodyNames, Relations};
use crate::sql::params::number_of;
use crate::sql::statement::{Kind, Memo, Statement, TableRef};
use crate::sql::{classify, rewrite, split};

/// Parses a body's statements, as they stand.
///
/// # Errors
/// As [`split::parse`].
pub fn parse_body(routine: &Routine) -> Result<Vec<Statement>> {
    split::parse(&routine.body).map_err(Error::without_position)
}

impl Statement {
    /// Puts parameters in the place of the names of the routine's arguments.
    ///
    /// # Errors
    /// 42P02 for a parameter that the routine has not.
    pub fn with_arguments(&self, routine: &Routine, relations: &Relations) -> Result<Statement> {
        let count = routine.inputs().count();
        if self.param_count > count {
            return Err(Error::new(
                crate::sqlstate::SqlState::UNDEFINED_PARAMETER,
                format!("there is no parameter ${}", self.param_count),
            ));
        }
        let mut changed = self.clone();
        changed.memo = Memo::default();
        changed.param_count = count;
        let Some(tree) = changed.tree.as_deref_mut() else { return Ok(changed) };
        let names = analyze::arguments(tree, relations, routine);
        let columns = columns_in(tree, relations);
        let _ = VisitMut::visit(tree, &mut Replacer { routine, names, columns });
        if matches!(changed.kind, Kind::Call(_)) {
            changed.kind = classify::classify(tree)?;
        }
        Ok(changed)
    }
}

impl Statement {
    /// The tables that it names.
    pub fn tables(&self) -> &[TableRef] {
        match &self.kind {
            Kind::Read(read) => &read.tables,
            Kind::Write(write) => write.tables(),
            Kind::CopyOut(copy) => copy.query.tables(),
            _ => &[],
        }
    }

    /// Leaves out the parameters that it does not use; gives the places of those that it does.
    pub fn with_used_params(&self) -> (Statement, Vec<usize>) {
        let mut changed = self.clone();
        let mut used: Vec<usize> = Vec::new();
        let Some(tree) = changed.tree.as_deref_mut() else { return (changed, used) };
        let _: ControlFlow<()> = ast::visit_expressions_mut(tree, |expr| {
            if let Some(number) = number_of(expr) {
                let place = used.iter().position(|known| *known == number - 1);
                let place = place.unwrap_or_else(|| {
                    used.push(number - 1);
                    used.len() - 1
                });
                *expr = Expr::Value(ast::Value::Placeholder(format!("${}", place + 1)).into());
            }
            ControlFlow::Continue(())
        });
        changed.memo = Memo::default();
        changed.param_count = used.len();
        if matches!(changed.kind, Kind::Call(_))
            && let Some(tree) = changed.tree.as_deref()
            && let Ok(kind) = classify::classify(tree)
        {
            changed.kind = kind;
        }
        (changed, used)
    }

    /// Names the functions that it calls.
    pub fn functions(&self) -> Vec<TableRef> {
        self.tree.as_deref().map(functions_in).unwrap_or_default()
    }

    /// Tells whether it may call a function that a user wrote.
    pub fn may_call_routines(&self) -> bool {
        self.functions()
            .iter()
            .any(|name| name.schema.is_some() || !analyze::is_builtin(&name.table))
    }
}

/// Names the functions that a tree calls.
pub(in crate::sql) fn functions_in<V: Visit>(tree: &V) -> Vec<TableRef> {
    struct Finder(Vec<TableRef>);
    impl Finder {
        fn look_at(&mut self, name: &ast::ObjectName) {
            self.0.extend(TableRef::from_object_name(name));
        }
    }
    impl Visitor for Finder {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if let Expr::Function(function) = expr {
                self.look_at(&function.name);
            }
            ControlFlow::Continue(())
        }
        fn pre_visit_table_factor(&mut self, factor: &ast::TableFactor) -> ControlFlow<()> {
            if let ast::TableFactor::Table { name, args: Some(_), .. }
            | ast::TableFactor::Function { name, .. } = factor
            {
                self.look_at(name);
            }
            ControlFlow::Continue(())
        }
    }
    let mut finder = Finder(Vec::new());
    let _ = tree.visit(&mut finder);
    finder.0
}

/// Lists the functions that a view's text, as DuckDB keeps it, calls.
pub fn view_functions(sql: &str) -> Vec<TableRef> {
    let Ok(trees) = rewrite::parse(sql) else { return Vec::new() };
    trees.iter().flat_map(functions_in).collect()
}

/// All names of columns that a statement may mean somewhere.
fn columns_in(tree: &ast::Statement, relations: &Relations) -> HashSet<String> {
    struct Aliases(HashSet<String>);
    impl Visitor for Aliases {
        type Break = ();
        fn pre_visit_select(&mut self, select: &ast::Select) -> ControlFlow<()> {
            for item in &select.projection {
                if let SelectItem::ExprWithAlias { alias, .. } = item {
                    self.0.insert(alias.value.clone());
                }
            }
            ControlFlow::Continue(())
        }
        fn pre_visit_table_factor(&mut self, factor: &ast::TableFactor) -> ControlFlow<()> {
            if let ast::TableFactor::Derived { alias: Some(alias), .. }
            | ast::TableFactor::Table { alias: Some(alias), .. }
            | ast::TableFactor::Function { alias: Some(alias), .. } = factor
            {
                self.0.extend(alias.columns.iter().map(|column| column.name.value.clone()));
            }
            ControlFlow::Continue(())
        }
        fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
            for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
                self.0.extend(cte.alias.columns.iter().map(|column| column.name.value.clone()));
            }
            ControlFlow::Continue(())
        }
    }
    let of_tables = relations.values().flat_map(|columns| columns.iter());
    let mut aliases = Aliases(of_tables.map(|column| column.name.clone()).collect());
    let _ = tree.visit(&mut aliases);
    aliases.0
}

struct Replacer<'a> {
    routine: &'a Routine,
    names: BodyNames,
    /// What a name may be where the analysis has not been.
    columns: HashSet<String>,
}

impl Replacer<'_> {
    fn unseen(&self, expr: &Expr) -> Option<usize> {
        let Expr::Identifier(Ident { value, .. }) = expr else { return None };
        if self.names.columns.contains(&std::ptr::from_ref(expr)) || self.columns.contains(value) {
            return None;
        }
        self.routine.inputs().position(|argument| argument.name.as_ref() == Some(value))
    }
}

impl VisitorMut for Replacer<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let known = self.names.arguments.get(&std::ptr::from_ref(&*expr)).copied();
        if let Some(place) = known.or_else(|| self.unseen(expr)) {
            *expr = Expr::Value(ast::Value::Placeholder(format!("${}", place + 1)).into());
        }
        ControlFlow::Continue(())
    }
}
