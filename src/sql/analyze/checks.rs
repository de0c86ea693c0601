//! What PostgreSQL refuses in queries and assignments: types that do not go together, windows and
//! aggregates out of their place, rows that cannot be told apart or ordered.
//!
//! As in `refuse.rs` only where all is known for certain.

use std::collections::HashSet;

use sqlparser::ast::{
    ConflictTarget, Distinct, Expr, Function, Ident, Insert, OnConflict, OnConflictAction,
    OnInsert, OrderBy, OrderByKind, Select, SelectItem, TableAlias, UnaryOperator, Value, Values,
};

use super::expr::Analyzer;
use super::refuse::type_name;
use super::resolve::{category, is_plain};
use super::{Ty, UNKNOWN, builtin};
use crate::error::Error;
use crate::sqlstate::SqlState;
use crate::types::PgType;

impl Analyzer<'_> {
    /// # Errors
    /// Notes 42804 for parts of a construct that share no type.
    pub(super) fn check_common(&mut self, construct: &str, found: &[Ty]) {
        let mut known = found.iter().map(|ty| ty.oid).filter(|&oid| oid != UNKNOWN);
        let Some(first) = known.next() else { return };
        let other = known.find(|&oid| category(oid) != category(first));
        if let Some(other) = other
            && found.iter().all(|ty| ty.oid == UNKNOWN || is_plain(ty.oid))
        {
            self.refuse(|| {
                let (a, b) = (type_name(first), type_name(other));
                let message = format!("{construct} types {a} and {b} cannot be matched");
                Error::new(SqlState::DATATYPE_MISMATCH, message)
            });
        }
    }

    /// # Errors
    /// Notes 42P18 for an array of nothing, 2202E for rows of different lengths.
    pub(super) fn check_array(&mut self, elements: &[&Expr]) {
        let length = |element: &&Expr| match element {
            Expr::Array(array) => Some(array.elem.len()),
            _ => None,
        };
        let lengths: Option<Vec<usize>> = elements.iter().map(length).collect();
        if let Some(lengths) = lengths
            && lengths.windows(2).any(|pair| pair[0] != pair[1])
        {
            self.refuse(|| {
                Error::new(
                    SqlState::ARRAY_SUBSCRIPT_ERROR,
                    "multidimensional arrays must have array expressions with matching dimensions",
                )
            });
        }
    }

    /// # Errors
    /// Notes 42804 for a subscript of what has none.
    pub(super) fn check_subscript(&mut self, found: u32) {
        if matches!(category(found), b'N' | b'B' | b'D') && is_plain(found) {
            self.refuse(|| {
                let message = format!(
                    "cannot subscript type {} because it does not support subscripting",
                    type_name(found)
                );
                Error::new(SqlState::DATATYPE_MISMATCH, message)
            });
        }
    }

    /// # Errors
    /// Notes 42809 for ANY or ALL of what is no array.
    pub(super) fn check_quantified(&mut self, found: u32) {
        if is_plain(found) && builtin::element_of(found).is_none() {
            self.refuse(|| {
                let message = "op ANY/ALL (array) requires array on right side";
                Error::new(SqlState::WRONG_OBJECT_TYPE, message)
            });
        }
    }

    /// # Errors
    /// Notes 42804 for a value whose type is not that of its column and does not become it.
    pub(super) fn check_assigned(&mut self, column: &str, to: u32, from: u32) {
        let (Some(value), Some(target)) = (PgType::from_oid(from), PgType::from_oid(to)) else {
            return;
        };
        let is_known = is_plain(from) && is_plain(to) && !value.is_array() && !target.is_array();
        if is_known && !super::is_assignable(value, target) {
            self.refuse(|| {
                let message = format!(
                    "column \"{column}\" is of type {} but expression is of type {}",
                    type_name(to),
                    type_name(from)
                );
                Error::new(SqlState::DATATYPE_MISMATCH, message)
                    .with_hint("You will need to rewrite or cast the expression.")
            });
        }
    }

    /// # Errors
    /// Notes 42601 for DO UPDATE of nobody knows which rows, and 21000 for one that would meet a
    /// row of its own statement again: the engine would take the last one.
    pub(super) fn check_conflict(
        &mut self,
        insert: &Insert,
        values: &Values,
        targets: &[(String, Ty)],
    ) {
        let Some(OnInsert::OnConflict(OnConflict { conflict_target, action })) = &insert.on else {
            return;
        };
        if !matches!(action, OnConflictAction::DoUpdate(_)) {
            return;
        }
        let Some(target) = conflict_target else {
            let message = "ON CONFLICT DO UPDATE requires inference specification or constraint \
                           name";
            return self.refuse(|| Error::syntax(message));
        };
        let ConflictTarget::Columns(keys) = target else { return };
        let place = |key: &Ident| targets.iter().position(|(name, _)| *name == key.value);
        let Some(places) = keys.iter().map(place).collect::<Option<Vec<_>>>() else { return };
        let mut seen = HashSet::new();
        for row in &values.rows {
            let key = places.iter().map(|&place| row.get(place).and_then(constant));
            let Some(key) = key.collect::<Option<Vec<String>>>() else { continue };
            if !seen.insert(key) {
                return self.refuse(|| {
                    let message = "ON CONFLICT DO UPDATE command cannot affect row a second time";
                    Error::new(SqlState::CARDINALITY_VIOLATION, message).with_hint(
                        "Ensure that no rows proposed for insertion within the same command have \
                         duplicate constrained values.",
                    )
                });
            }
        }
    }

    /// # Errors
    /// Notes 2201W and 2201X for numbers below zero.
    pub(super) fn check_limit(&mut self, limit: Option<&Expr>, offset: Option<&Expr>) {
        let is_negative = |expr: &&Expr| {
            matches!(expr, Expr::UnaryOp { op: UnaryOperator::Minus, expr }
                if matches!(expr.as_ref(), Expr::Value(value)
                    if matches!(&value.value, Value::Number(text, _)
                        if text.bytes().any(|b| matches!(b, b'1'..=b'9')))))
        };
        if limit.is_some_and(|limit| is_negative(&limit)) {
            self.refuse(|| {
                let state = SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE;
                Error::new(state, "LIMIT must not be negative")
            });
        }
        if offset.is_some_and(|offset| is_negative(&offset)) {
            self.refuse(|| {
                let state = SqlState::INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE;
                Error::new(state, "OFFSET must not be negative")
            });
        }
    }

    /// # Errors
    /// Notes 42809 for a window function without a window, or another function with one.
    pub(super) fn check_window(&mut self, name: &str, function: &Function) {
        let is_window = builtin::is_window(name);
        let has_window = function.over.is_some();
        let message = if is_window && !has_window && function.within_group.is_empty() {
            format!("window function {name} requires an OVER clause")
        } else if has_window
            && builtin::is_scalar(name)
            && !is_window
            && !builtin::is_aggregate(name)
        {
            format!("OVER specified, but {name} is not a window function nor an aggregate function")
        } else {
            return;
        };
        self.refuse(|| Error::new(SqlState::WRONG_OBJECT_TYPE, message));
    }

    /// # Errors
    /// Notes 42P10 for an alias that names more columns than there are.
    pub(super) fn check_alias(
        &mut self,
        what: &str,
        columns: Option<&[(String, Ty)]>,
        alias: &TableAlias,
    ) {
        if let Some(columns) = columns
            && columns.len() < alias.columns.len()
        {
            self.refuse(|| {
                let message = format!(
                    "{what} \"{}\" has {} columns available but {} columns specified",
                    alias.name.value,
                    columns.len(),
                    alias.columns.len()
                );
                Error::new(SqlState::INVALID_COLUMN_REFERENCE, message)
            });
        }
    }

    /// # Errors
    /// Notes 42P10 for distinct rows that are ordered by what they do not have.
    pub(super) fn check_distinct(&mut self, select: &Select, order: Option<&OrderBy>) {
        let Some(OrderByKind::Expressions(order)) = order.map(|order| &order.kind) else { return };
        match &select.distinct {
            Some(Distinct::Distinct) => {
                let shown: Option<Vec<Vec<&str>>> = select.projection.iter().map(names).collect();
                let Some(shown) = shown.map(|shown| shown.concat()) else { return };
                let is_shown = |name: &str| shown.contains(&name);
                let lacks = |expr: &Expr| column(expr).is_some_and(|name| !is_shown(name));
                if order.iter().any(|by| lacks(&by.expr)) {
                    self.refuse(|| {
                        let message = "for SELECT DISTINCT, ORDER BY expressions must appear in \
                                       select list";
                        Error::new(SqlState::INVALID_COLUMN_REFERENCE, message)
                    });
                }
            }
            Some(Distinct::On(exprs)) => {
                let Some(on) = exprs.iter().map(column).collect::<Option<Vec<_>>>() else { return };
                let aliases: Vec<&str> = select.projection.iter().filter_map(alias).collect();
                let first = order.first().and_then(|by| column(&by.expr));
                if first.is_some_and(|name| !on.contains(&name) && !aliases.contains(&name)) {
                    self.refuse(|| {
                        let message = "SELECT DISTINCT ON expressions must match initial ORDER BY \
                                       expressions";
                        Error::new(SqlState::INVALID_COLUMN_REFERENCE, message)
                    });
                }
            }
            _ => {}
        }
    }
}

/// The text of a constant that is not NULL.
fn constant(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) | Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// A column's own name.
fn column(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Nested(inner) => column(inner),
        Expr::Identifier(ident) => Some(&ident.value),
        Expr::CompoundIdentifier(idents) => idents.last().map(|ident| ident.value.as_str()),
        _ => None,
    }
}

fn alias(item: &SelectItem) -> Option<&str> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(&alias.value),
        _ => None,
    }
}

/// The names that an item of a select list may be ordered by; `None` where they are not known.
fn names(item: &SelectItem) -> Option<Vec<&str>> {
    match item {
        SelectItem::ExprWithAlias { expr, alias } => {
            Some([Some(alias.value.as_str()), column(expr)].into_iter().flatten().collect())
        }
        SelectItem::UnnamedExpr(expr) => column(expr).map(|name| vec![name]),
        _ => None,
    }
}
