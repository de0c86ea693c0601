//! What a body's query is, and queries made of texts of our own.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, Expr, GroupByExpr, LimitClause, ObjectNamePart, Query, SelectItem, SetExpr, TableFactor,
    Value, Visit, VisitMut, VisitorMut, visit_expressions, visit_expressions_mut,
};

use crate::error::Result;
use crate::sql::analyze::is_aggregate;
use crate::sql::dialect::parsed_query;

/// The expression of a query that is nothing else: without tables, rows or aggregates.
pub(super) fn direct(query: &Query) -> Option<&Expr> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let no_groups = matches!(&select.group_by, GroupByExpr::Expressions(exprs, _)
        if exprs.is_empty());
    let is_plain = query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && select.from.is_empty()
        && select.selection.is_none()
        && select.having.is_none()
        && select.qualify.is_none()
        && select.distinct.is_none()
        && no_groups;
    let [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }] =
        select.projection.as_slice()
    else {
        return None;
    };
    (is_plain && !needs_query(expr)).then_some(expr)
}

/// Tells whether an expression is more than its arguments: a query, an aggregate, many rows.
fn needs_query(expr: &Expr) -> bool {
    let found: ControlFlow<()> = visit_expressions(expr, |inner| {
        let needs = match inner {
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => true,
            Expr::Function(function) => {
                let name = function.name.0.last().and_then(ObjectNamePart::as_ident);
                let name = name.map(|ident| ident.value.as_str()).unwrap_or_default();
                function.over.is_some()
                    || matches!(function.args, ast::FunctionArguments::Subquery(_))
                    || is_aggregate(name)
                    || crate::sql::analyze::set_function(name).is_some()
            }
            _ => false,
        };
        if needs { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    found.is_break()
}

/// Tells whether there is a query inside of an expression.
pub(in crate::sql) fn has_query(expr: &Expr) -> bool {
    let found: ControlFlow<()> = visit_expressions(expr, |inner| match inner {
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => ControlFlow::Break(()),
        Expr::Function(function)
            if matches!(function.args, ast::FunctionArguments::Subquery(_)) =>
        {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// Makes a query give one row at most.
pub(super) fn one_row(query: &mut Query) -> Result<()> {
    let SetExpr::Select(select) = query.body.as_ref() else { return limited(query) };
    let no_groups = matches!(&select.group_by, GroupByExpr::Expressions(exprs, _)
        if exprs.is_empty());
    let is_total = no_groups
        && select.projection.iter().all(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                has_aggregate(expr)
            }
            _ => false,
        });
    if is_total { Ok(()) } else { limited(query) }
}

fn has_aggregate(expr: &Expr) -> bool {
    struct Finder(bool);
    impl ast::Visitor for Finder {
        type Break = ();
        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if let Expr::Function(function) = expr
                && let Some(name) = function.name.0.last().and_then(ObjectNamePart::as_ident)
            {
                self.0 |= function.over.is_none() && is_aggregate(&name.value);
            }
            ControlFlow::Continue(())
        }
    }
    let mut finder = Finder(false);
    let _ = expr.visit(&mut finder);
    finder.0
}

fn limited(query: &mut Query) -> Result<()> {
    let one = parsed_query("SELECT 1 LIMIT 1")?;
    if query.limit_clause.is_none() && query.fetch.is_none() {
        query.limit_clause = one.limit_clause;
        return Ok(());
    }
    let mut outer = parsed_query("SELECT * FROM (SELECT 1) AS \"rows\" LIMIT 1")?;
    put_rows(&mut outer, query.clone());
    *query = outer;
    Ok(())
}

pub(super) fn limits_by_argument(query: &Query) -> bool {
    struct Finder(bool);
    impl ast::Visitor for Finder {
        type Break = ();
        fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
            if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &query.limit_clause {
                let all = limit.iter().chain(offset.as_ref().map(|offset| &offset.value));
                self.0 |= all.into_iter().any(|expr| crate::sql::params::count(expr) != Ok(0));
            }
            ControlFlow::Continue(())
        }
    }
    let mut finder = Finder(false);
    let _ = query.visit(&mut finder);
    finder.0
}

/// Puts an expression in the place of the literal `'body'`.
pub(super) fn put_expr(query: &mut Query, body: &Expr) {
    let _: ControlFlow<()> = visit_expressions_mut(query, |expr| {
        let is_mark = matches!(&*expr, Expr::Value(value)
            if matches!(&value.value, Value::SingleQuotedString(text) if text == "body"));
        if is_mark {
            *expr = body.clone();
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
}

/// Puts a query in the place of the one that is known as `rows`.
pub(super) fn put_rows(query: &mut Query, body: Query) {
    struct Putter(Option<Query>);
    impl VisitorMut for Putter {
        type Break = ();
        fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
            if let TableFactor::Derived { subquery, alias: Some(alias), .. } = factor
                && alias.name.value == "rows"
                && let Some(body) = self.0.take()
            {
                **subquery = body;
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        }
    }
    let _ = query.visit(&mut Putter(Some(body)));
}
