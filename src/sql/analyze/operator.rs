//! The types of operators, between two expressions and before one.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use super::expr::{Analyzer, BOOL, DATE, Env, FLOAT4, FLOAT8, INT4, INT8, TEXT};
use super::{Ty, UNKNOWN, UNTYPED, builtin, native, resolve};
use crate::types::PgType;

impl Analyzer<'_> {
    /// Types two expressions with an operator between them.
    pub(super) fn pair(
        &mut self,
        whole: Option<&Expr>,
        left: &Expr,
        operator: &str,
        right: &Expr,
        env: Env<'_>,
    ) -> Ty {
        let (a, b) = (self.expr(left, env), self.expr(right, env));
        self.typed_pair(whole, (left, a), operator, (right, b))
    }

    /// The same for expressions that have these types.
    pub(super) fn typed_pair(
        &mut self,
        whole: Option<&Expr>,
        (left, a): (&Expr, Ty),
        operator: &str,
        (right, b): (&Expr, Ty),
    ) -> Ty {
        let Some(found) = resolve::operator(operator, &[a.oid, b.oid]) else {
            self.check_operator(operator, a.oid, b.oid);
            return Ty::UNTYPED;
        };
        let joins = operator == "||" && found.result == TEXT;
        let resolved_to = found.result;
        for ((expr, found), &oid) in [(left, a), (right, b)].into_iter().zip(&found.args) {
            self.settle(expr, oid);
            if joins && !matches!(found.oid, BOOL | TEXT | UNKNOWN) {
                self.shows_text(expr, found.oid);
            }
            // DuckDB would compute with a real and an integer as reals.
            let widens = oid == FLOAT8 || resolved_to == FLOAT8;
            if widens && found.oid == FLOAT4 {
                self.decisions.casts.insert(std::ptr::from_ref(expr), PgType::FLOAT8);
            }
            // DuckDB adds INTEGERs to dates, and has BIGINT for some of them.
            if found.oid == INT4 && is_date_pair(a.oid, b.oid) {
                self.decisions.narrow.insert(std::ptr::from_ref(expr));
            }
        }
        if let Some(whole) = whole {
            if !native::is_as_good(found.source, &[left, right], &[a.oid, b.oid]) {
                self.stands_for(whole, found.source);
            }
        }
        Ty::of(found.result)
    }

    pub(super) fn binary(
        &mut self,
        whole: &Expr,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        env: Env<'_>,
    ) -> Ty {
        use BinaryOperator as B;
        match op {
            B::And | B::Or | B::Xor => {
                let word = op.to_string();
                self.boolean(left, &word, env);
                self.boolean(right, &word, env);
                Ty::of(BOOL)
            }
            B::Overlaps => self.overlaps(whole, left, right, env),
            B::PGCustomBinaryOperator(parts) => {
                let name = parts.last().map_or("", String::as_str);
                self.pair(Some(whole), left, name, right, env)
            }
            B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq => {
                self.pair(Some(whole), left, &op.to_string(), right, env);
                Ty::of(BOOL)
            }
            B::Divide if is_double_slash(op) => Ty::UNTYPED,
            _ => self.pair(Some(whole), left, &op.to_string(), right, env),
        }
    }

    pub(super) fn unary(
        &mut self,
        whole: &Expr,
        op: UnaryOperator,
        expr: &Expr,
        env: Env<'_>,
    ) -> Ty {
        match op {
            UnaryOperator::Not => {
                self.boolean(expr, "NOT", env);
                Ty::of(BOOL)
            }
            // A minus before a number is part of it: -2147483648 is an integer.
            UnaryOperator::Minus if native::is_least_negated(expr) => Ty::of(INT8),
            UnaryOperator::Minus if native::is_least_integer(expr) => {
                self.decisions.narrow.insert(std::ptr::from_ref(whole));
                Ty::of(INT4)
            }
            _ => {
                let inner = self.expr(expr, env);
                let found = resolve::operator(&op.to_string(), &[inner.oid]);
                if let Some(found) = &found
                    && let Some(&to) = found.args.first()
                {
                    self.settle(expr, to);
                    self.stands_for(whole, found.source);
                }
                found.map_or(Ty::UNTYPED, |found| Ty::of(found.result))
            }
        }
    }

    /// Types `x = ANY (…)`, where an array or a query stands on the right.
    pub(super) fn quantified(
        &mut self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        env: Env<'_>,
    ) {
        if let Expr::Subquery(query) = right {
            let columns = self.query(query, env.ctes, Some(env.scope));
            let first = columns.and_then(|columns| columns.into_iter().next());
            self.wanted(left, first.map_or(UNTYPED, |(_, ty)| ty.oid), env);
            return;
        }
        let (a, b) = (self.expr(left, env), self.expr(right, env));
        self.check_quantified(b.oid);
        let element = builtin::element_of(b.oid).unwrap_or(b.oid);
        if let Some(found) = resolve::operator(&op.to_string(), &[a.oid, element])
            && let [to_left, to_right] = *found.args.as_slice()
        {
            self.settle(left, to_left);
            if let Some(array) = builtin::array_of(to_right) {
                self.settle(right, array);
            }
        }
    }
}

fn is_date_pair(a: u32, b: u32) -> bool {
    a == DATE || b == DATE
}

fn is_double_slash(op: &BinaryOperator) -> bool {
    op.to_string() == "//"
}
