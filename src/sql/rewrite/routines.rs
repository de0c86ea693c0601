//! Calls of functions that users wrote: each becomes a call of its macro, with a value for every
//! argument in its place.
//!
//! A macro's arguments stand in its body as they were written, so that a column's name in one could
//! mean a column of the body's tables. A scalar function with tables guards itself against that
//! (`sql/routine/macros.rs`); a function in FROM is guarded here, where its arguments are no
//! constants.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, Query, Select,
    SelectItem, SetExpr, Statement, TableAlias, TableAliasColumnDef, TableFactor, Visit, VisitMut,
    Visitor, VisitorMut, visit_expressions,
};

use super::names::{arguments, call};
use super::{NameContext, is_random};
use crate::error::{Error, Result};
use crate::sql::dialect::{parsed_expr, parsed_query};
use crate::sql::quote_ident;
use crate::sql::routine::{Routine, argument_cast, duckdb_name};
use crate::sql::statement::TableRef;

/// Rewrites the calls of a statement.
pub(super) fn rewrite(statement: &mut Statement, names: &NameContext) -> Result<()> {
    if names.relations.routines.is_empty() {
        return Ok(());
    }
    match VisitMut::visit(statement, &mut Caller { names }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Refuses a statement that calls one: only DuckDB knows them.
pub(super) fn refuse(statement: &Statement, names: &NameContext) -> Result<()> {
    if names.relations.routines.is_empty() {
        return Ok(());
    }
    let mut finder = Finder { names, found: None };
    let _ = Visit::visit(statement, &mut finder);
    match finder.found {
        Some(name) => Err(Error::unsupported(format!(
            "function {name} cannot be called in a query over Arrow datasets"
        ))
        .with_hint("Copy the rows it needs into a DuckDB table.")),
        None => Ok(()),
    }
}

struct Finder<'a> {
    names: &'a NameContext,
    found: Option<String>,
}

impl Visitor for Finder<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr {
            self.look_at(&function.name);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } =
            factor
        {
            self.look_at(name);
        }
        ControlFlow::Continue(())
    }
}

impl Finder<'_> {
    fn look_at(&mut self, name: &ObjectName) {
        let written = TableRef::from_object_name(name);
        let is_one = |name: &TableRef| !self.names.relations.routines.named(name).is_empty();
        if written.as_ref().is_ok_and(is_one) {
            self.found = Some(name.to_string());
        }
    }
}

struct Caller<'a> {
    names: &'a NameContext,
}

/// A call: the function, and a value for each of its arguments.
struct Called<'a> {
    routine: &'a Routine,
    values: Vec<Expr>,
}

impl VisitorMut for Caller<'_> {
    type Break = Error;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let Expr::Function(function) = &*expr else { return ControlFlow::Continue(()) };
        let args = match &function.args {
            FunctionArguments::None => &[],
            FunctionArguments::List(list) => list.args.as_slice(),
            FunctionArguments::Subquery(_) => return ControlFlow::Continue(()),
        };
        let plain = function.over.is_none() && function.filter.is_none();
        match self.called(&function.name, args) {
            Ok(Some(called)) => match self.scalar(called, plain) {
                Ok(rewritten) => *expr = rewritten,
                Err(error) => return ControlFlow::Break(error),
            },
            Ok(None) => {}
            Err(error) => return ControlFlow::Break(error),
        }
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        let (name, args, alias, is_ordinal) = match &*factor {
            TableFactor::Table { name, args: Some(args), alias, with_ordinality, .. } => {
                (name, args.args.as_slice(), alias, *with_ordinality)
            }
            TableFactor::Function { name, args, alias, with_ordinality, .. } => {
                (name, args.as_slice(), alias, *with_ordinality)
            }
            _ => return ControlFlow::Continue(()),
        };
        let rewritten = match self.called(name, args) {
            Ok(Some(_)) if is_ordinal => {
                Err(Error::unsupported("WITH ORDINALITY of a user's function is not supported"))
            }
            Ok(Some(called)) => self.in_from(called, alias.clone()),
            Ok(None) => return ControlFlow::Continue(()),
            Err(error) => Err(error),
        };
        match rewritten {
            Ok(rewritten) => *factor = rewritten,
            Err(error) => return ControlFlow::Break(error),
        }
        ControlFlow::Continue(())
    }
}

impl Caller<'_> {
    /// Finds the function that a call means, and puts its arguments into their places.
    fn called(&self, name: &ObjectName, args: &[FunctionArg]) -> Result<Option<Called<'_>>> {
        let Ok(written) = TableRef::from_object_name(name) else { return Ok(None) };
        let (mut given, mut named) = (Vec::new(), Vec::new());
        for arg in args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => given.push(expr.clone()),
                FunctionArg::Named { name, arg: FunctionArgExpr::Expr(expr), .. } => {
                    named.push(name.value.clone());
                    given.push(expr.clone());
                }
                _ => return Ok(None),
            }
        }
        let placed = given.len() - named.len();
        let Some(routine) = self.names.relations.routines.function(&written, placed, &named) else {
            return Ok(None);
        };
        let arranged = routine.arrange(placed, &named).unwrap_or_default();
        let mut values = Vec::with_capacity(arranged.len());
        for (argument, taken) in routine.inputs().zip(arranged) {
            values.push(match (taken, &argument.default) {
                (Some(index), _) => given[index].clone(),
                (None, Some(default)) => argument_cast(parsed_expr(default)?, argument.pg_type)?,
                (None, None) => return Ok(None),
            });
        }
        Ok(Some(Called { routine, values }))
    }

    fn macro_name(&self, routine: &Routine) -> Result<ObjectName> {
        let name = duckdb_name(&routine.schema, &routine.name, &self.names.database);
        match parsed_expr(&format!("{name}()"))? {
            Expr::Function(function) => Ok(function.name),
            _ => Err(Error::internal("a macro's name is no name")),
        }
    }

    fn draws(&self, value: &Expr) -> bool {
        is_random(value) || self.names.relations.routines.draw(value)
    }

    /// A call as a value.
    fn scalar(&self, called: Called<'_>, is_plain: bool) -> Result<Expr> {
        let Called { routine, values } = called;
        let name = &routine.name;
        if routine.is_table() {
            return Err(Error::unsupported(format!(
                "function {name} gives rows, which are supported only in FROM"
            ))
            .with_hint(format!("Write SELECT … FROM {name}(…).")));
        }
        if !is_plain {
            return Err(Error::new(
                crate::sqlstate::SqlState::WRONG_OBJECT_TYPE,
                format!(
                    "OVER specified, but {name} is not a window function nor an aggregate function"
                ),
            ));
        }
        let form = form(routine)?;
        for (value, once) in values.iter().zip(&form.once) {
            if self.draws(value) && !once {
                return Err(random(name));
            }
            if !form.is_direct && has_window(value) {
                return Err(Error::unsupported(format!(
                    "a window function as an argument of function {name} is not supported"
                ))
                .with_hint("Compute it in a query inside of FROM."));
            }
        }
        Ok(call(self.macro_name(routine)?, arguments(values)))
    }

    /// A call in FROM.
    fn in_from(&self, called: Called<'_>, alias: Option<TableAlias>) -> Result<TableFactor> {
        let routine = called.routine;
        let mut alias = alias.unwrap_or_else(|| alias_of(&routine.name));
        if routine.outputs().count() == 0 && alias.columns.is_empty() {
            let name = alias.name.clone();
            alias.columns.push(TableAliasColumnDef { name, data_type: None });
        }
        let column = quote_ident(&routine.columns()[0].0);
        if !routine.is_table() {
            let is_constant = called.values.iter().all(is_constant);
            let value = self.scalar(called, true)?;
            let mut query = parsed_query(&format!("SELECT NULL AS {column}"))?;
            if let SetExpr::Select(select) = query.body.as_mut() {
                replace(select, 0, value);
            }
            return Ok(derived(query, alias, !is_constant));
        }
        let Called { routine, values } = called;
        if values.iter().any(|value| self.draws(value)) {
            return Err(random(&routine.name));
        }
        if values.iter().all(is_constant) {
            let name = self.macro_name(routine)?;
            let mut query = parsed_query("SELECT * FROM f(NULL)")?;
            if let Some(TableFactor::Table { name: called, args: Some(args), .. }) =
                first_factor(&mut query)
            {
                *called = name;
                args.args = unnamed(values);
            }
            return Ok(derived(query, alias, false));
        }
        if form(routine)?.limits {
            return Err(Error::unsupported(format!(
                "function {} limits its rows by an argument, which must be a constant",
                routine.name
            )));
        }
        let args: Vec<String> = (1..=values.len())
            .map(|number| quote_ident(&format!("{} {number}", routine.name)))
            .collect();
        let nulls: Vec<String> = args.iter().map(|name| format!("NULL AS {name}")).collect();
        let called = duckdb_name(&routine.schema, &routine.name, &self.names.database);
        let mut query = parsed_query(&format!(
            "SELECT \"its rows\".* FROM (SELECT {}) AS \"its arguments\", {called}({}) AS \"its rows\"",
            nulls.join(", "),
            args.join(", "),
        ))?;
        if let Some(TableFactor::Derived { subquery, .. }) = first_factor(&mut query)
            && let SetExpr::Select(select) = subquery.body.as_mut()
        {
            for (place, value) in values.into_iter().enumerate() {
                replace(select, place, value);
            }
        }
        Ok(derived(query, alias, true))
    }
}

fn form(routine: &Routine) -> Result<&crate::sql::routine::MacroForm> {
    routine.form.as_ref().ok_or_else(|| Error::internal("a function without a macro"))
}

fn random(name: &str) -> Error {
    Error::unsupported(format!("a random value as an argument of function {name} is not supported"))
        .with_hint("Compute it in a query inside of FROM.")
}

fn unnamed(values: Vec<Expr>) -> Vec<FunctionArg> {
    values.into_iter().map(|value| FunctionArg::Unnamed(FunctionArgExpr::Expr(value))).collect()
}

fn alias_of(name: &str) -> TableAlias {
    TableAlias { explicit: true, name: Ident::with_quote('"', name), columns: Vec::new(), at: None }
}

fn derived(query: Query, alias: TableAlias, lateral: bool) -> TableFactor {
    TableFactor::Derived { lateral, subquery: Box::new(query), alias: Some(alias), sample: None }
}

fn first_factor(query: &mut Query) -> Option<&mut TableFactor> {
    match query.body.as_mut() {
        SetExpr::Select(select) => select.from.first_mut().map(|table| &mut table.relation),
        _ => None,
    }
}

fn replace(select: &mut Select, place: usize, value: Expr) {
    if let Some(SelectItem::ExprWithAlias { expr, .. }) = select.projection.get_mut(place) {
        *expr = value;
    }
}

/// Tells whether an expression is the same in every row, and names nothing.
fn is_constant(expr: &Expr) -> bool {
    let found: ControlFlow<()> = visit_expressions(expr, |inner| match inner {
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::CompoundFieldAccess { .. }
        | Expr::Subquery(_)
        | Expr::Exists { .. }
        | Expr::InSubquery { .. } => ControlFlow::Break(()),
        Expr::Function(function) if matches!(function.args, FunctionArguments::Subquery(_)) => {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    !found.is_break()
}

fn has_window<V: Visit>(tree: &V) -> bool {
    let found: ControlFlow<()> = visit_expressions(tree, |inner| match inner {
        Expr::Function(function) if function.over.is_some() => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}
