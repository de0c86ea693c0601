//! `FETCH FIRST n ROWS WITH TIES`, which DuckDB lacks: the rows whose rank is at most n.

use sqlparser::ast::{
    BinaryOperator, Distinct, Expr, Function, OrderByExpr, OrderByKind, Query, Select, SelectItem,
    SetExpr, Statement, Value, VisitMut, VisitorMut, WindowSpec, WindowType,
};

use std::ops::ControlFlow;

use super::names;
use crate::error::{Error, Result};

/// Rewrites the queries of a statement that fetch with ties.
///
/// # Errors
/// 42601 without ORDER BY, 0A000 where ties cannot be told.
pub(super) fn rewrite(statement: &mut Statement) -> Result<()> {
    struct Rewriter;
    impl VisitorMut for Rewriter {
        type Break = Error;

        fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
            super::flow(with_ties(query))
        }
    }
    match statement.visit(&mut Rewriter) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

fn with_ties(query: &mut Query) -> Result<()> {
    let Some(fetch) = query.fetch.take_if(|fetch| fetch.with_ties) else { return Ok(()) };
    let Some(order) = &query.order_by else {
        return Err(Error::syntax("WITH TIES cannot be specified without ORDER BY clause"));
    };
    let unsupported = || Error::unsupported("WITH TIES is not supported here");
    let (SetExpr::Select(select), OrderByKind::Expressions(order), None) =
        (query.body.as_mut(), &order.kind, &query.limit_clause)
    else {
        return Err(unsupported());
    };
    if fetch.percent || matches!(select.distinct, Some(Distinct::Distinct | Distinct::On(_))) {
        return Err(unsupported());
    }
    let order_by = order
        .iter()
        .map(|by| Some(OrderByExpr { expr: shown(&by.expr, select)?, ..by.clone() }))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(unsupported)?;
    let most = fetch.quantity.unwrap_or_else(|| number("1"));
    let condition = Expr::BinaryOp {
        left: Box::new(rank(order_by)),
        op: BinaryOperator::LtEq,
        right: Box::new(most),
    };
    select.qualify = Some(match select.qualify.take() {
        None => condition,
        Some(other) => Expr::BinaryOp {
            left: Box::new(Expr::Nested(Box::new(other))),
            op: BinaryOperator::And,
            right: Box::new(condition),
        },
    });
    Ok(())
}

/// What rows are ordered by, where it is the number or the name of a column that is shown.
fn shown(expr: &Expr, select: &Select) -> Option<Expr> {
    let item = match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(place, _) => {
                let place = place.parse::<usize>().ok()?.checked_sub(1)?;
                select.projection.get(place)
            }
            _ => None,
        },
        Expr::Identifier(ident) => select.projection.iter().find(|item| {
            matches!(item, SelectItem::ExprWithAlias { alias, .. } if alias.value == ident.value)
        }),
        _ => return Some(expr.clone()),
    };
    match (item, expr) {
        (Some(SelectItem::UnnamedExpr(own) | SelectItem::ExprWithAlias { expr: own, .. }), _) => {
            Some(own.clone())
        }
        (None, Expr::Identifier(_)) => Some(expr.clone()),
        _ => None,
    }
}

fn rank(order_by: Vec<OrderByExpr>) -> Expr {
    let call = names::call(names::object_name(&["rank"]), names::arguments(Vec::new()));
    let Expr::Function(function) = call else { return call };
    let over = WindowType::WindowSpec(WindowSpec {
        window_name: None,
        partition_by: Vec::new(),
        order_by,
        window_frame: None,
    });
    Expr::Function(Function { over: Some(over), ..function })
}

fn number(text: &str) -> Expr {
    Expr::Value(Value::Number(text.to_owned(), false).into())
}
