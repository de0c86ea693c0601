//! Operators that the parser binds in another order than PostgreSQL.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, Statement, UnaryOperator, Value, VisitMut, VisitorMut};

/// Puts a tree's operators into PostgreSQL's order: a minus before a number belongs to it, so that
/// `-2 ^ 2` is 4.
pub(super) fn correct(tree: &mut Statement) {
    let _ = tree.visit(&mut Corrector);
}

struct Corrector;

impl VisitorMut for Corrector {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } = expr
            && let Expr::BinaryOp { left, op: BinaryOperator::PGExp, .. } = inner.as_mut()
        {
            let base = std::mem::replace(left.as_mut(), Expr::Value(Value::Null.into()));
            **left = Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(base) };
            let power = std::mem::replace(inner.as_mut(), Expr::Value(Value::Null.into()));
            *expr = power;
        }
        ControlFlow::Continue(())
    }
}
