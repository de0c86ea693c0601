//! What PostgreSQL refuses by its types: operators and casts that it does not have, conditions that
//! are no booleans, quoted names in another spelling. An engine might take it, and mean something.
//!
//! Only where all types are known for certain; of several faults the first counts.

use sqlparser::ast::{Expr, Ident};

use super::expr::{Analyzer, BOOL, Env};
use super::resolve::{self, category, is_plain};
use super::{UNKNOWN, builtin};
use crate::error::Error;
use crate::sqlstate::SqlState;
use crate::types::PgType;

/// A type's name as PostgreSQL's messages have it.
pub(super) fn type_name(oid: u32) -> String {
    match oid {
        UNKNOWN => "unknown".to_owned(),
        oid => PgType::from_oid(oid).map(PgType::sql_name).unwrap_or_default(),
    }
}

impl Analyzer<'_> {
    pub(super) fn refuse(&mut self, error: impl FnOnce() -> Error) {
        if self.has_function.is_some() && self.decisions.refused.is_none() {
            self.decisions.refused = Some(error());
        }
    }

    /// # Errors
    /// Notes 42883 for an operator that there is not, 42725 for two unknown literals.
    pub(super) fn check_operator(&mut self, name: &str, left: u32, right: u32) {
        let shown = || format!("{} {name} {}", type_name(left), type_name(right));
        if left == UNKNOWN && right == UNKNOWN && !builtin::operators(name).is_empty() {
            self.refuse(|| {
                let message = format!("operator is not unique: {}", shown());
                Error::new(SqlState::AMBIGUOUS_FUNCTION, message).with_hint(
                    "Could not choose a best candidate operator. You might need to add explicit \
                     type casts.",
                )
            });
        } else if resolve::lacks_operator(name, [left, right]) {
            self.refuse(|| {
                let message = format!("operator does not exist: {}", shown());
                Error::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(
                    "No operator matches the given name and argument types. You might need to \
                     add explicit type casts.",
                )
            });
        }
    }

    /// Checks the operator that a construct of the grammar means between two types.
    pub(super) fn check_pair(&mut self, left: u32, name: &str, right: u32) {
        if left != UNKNOWN && right != UNKNOWN {
            self.check_operator(name, left, right);
        }
    }

    /// # Errors
    /// Notes 42846 for a cast that there is not.
    pub(super) fn check_cast(&mut self, from: u32, to: u32) {
        let by_text = |oid| category(oid) == b'S' || oid == UNKNOWN;
        let goes =
            |from, to| from == to || by_text(from) || by_text(to) || builtin::has_cast(from, to);
        let elements = builtin::element_of(from).zip(builtin::element_of(to));
        let fits = goes(from, to) || elements.is_some_and(|(from, to)| goes(from, to));
        if is_plain(from) && is_plain(to) && !fits {
            self.refuse(|| {
                let (from, to) = (type_name(from), type_name(to));
                Error::new(SqlState::CANNOT_COERCE, format!("cannot cast type {from} to {to}"))
            });
        }
    }

    /// # Errors
    /// Notes 42804 for a condition of another type.
    pub(super) fn check_boolean(&mut self, found: u32, place: &str) {
        if found != BOOL && is_plain(found) {
            self.refuse(|| {
                let found = type_name(found);
                let message = format!("argument of {place} must be type boolean, not type {found}");
                Error::new(SqlState::DATATYPE_MISMATCH, message)
            });
        }
    }

    /// # Errors
    /// Notes 42703 for a quoted name that differs from all columns, if only in its letters' case:
    /// engines do not tell these apart.
    pub(super) fn check_column(&mut self, ident: &Ident, env: Env<'_>) {
        let is_folded = ident.value.chars().all(|c| !c.is_uppercase());
        if ident.quote_style.is_none() || is_folded || !env.scope.lacks(&ident.value) {
            return;
        }
        self.refuse(|| {
            let message = format!("column \"{}\" does not exist", ident.value);
            Error::new(SqlState::UNDEFINED_COLUMN, message)
        });
    }
}

/// Tells whether an expression depends on a row.
pub(super) fn names_columns(expr: &Expr) -> bool {
    let found = sqlparser::ast::visit_expressions(expr, |inner| match inner {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::CompoundFieldAccess { .. } => {
            std::ops::ControlFlow::Break(())
        }
        _ => std::ops::ControlFlow::Continue(()),
    });
    found.is_break() && !matches!(expr, Expr::Subquery(_))
}
