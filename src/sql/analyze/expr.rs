//! The types of expressions.

use std::collections::HashSet;

use sqlparser::ast::{
    AccessExpr, BinaryOperator, CeilFloorKind, DataType, Expr, Ident, Subscript, Value,
};

use super::enums::Enums;
use super::refuse::names_columns;
use super::resolve::{self, common};
use super::scope::{Ctes, Scope, Source};
use super::{Decisions, Relations, Ty, UNKNOWN, UNTYPED, builtin, declared_type};
use crate::sql::routine::Routine;
use crate::types::PgType;

pub(super) const BOOL: u32 = 16;
pub(super) const INT4: u32 = 23;
pub(super) const INT8: u32 = 20;
pub(super) const TEXT: u32 = 25;
pub(super) const FLOAT8: u32 = 701;
pub(super) const FLOAT4: u32 = 700;
pub(super) const NUMERIC: u32 = 1700;
const BYTEA: u32 = 17;
pub(super) const INTERVAL: u32 = 1186;
const JSONB: u32 = 3802;
pub(super) const TIMESTAMP: u32 = 1114;
pub(super) const TIMESTAMPTZ: u32 = 1184;
pub(super) const DATE: u32 = 1082;
pub(super) const RECORD: u32 = 2249;
const TEXT_ARRAY: u32 = 1009;

/// The walk over one statement.
pub(super) struct Analyzer<'a> {
    pub(super) relations: &'a Relations,
    /// The parameters' types as far as they are known.
    pub(super) params: Vec<u32>,
    /// Which functions the catalogue has; only where decisions are wanted.
    pub(super) has_function: Option<&'a dyn Fn(&str) -> bool>,
    /// The routine whose body the statement is of, where its arguments are looked for.
    pub(super) body_of: Option<&'a Routine>,
    /// The next select list is the statement's own.
    pub(super) is_top: bool,
    /// Expressions that are sent to the client, or rounded.
    pub(super) shown: HashSet<*const Expr>,
    pub(super) enums: Enums,
    pub(super) decisions: Decisions,
}

/// What an expression is typed with: the names around it.
#[derive(Clone, Copy)]
pub(super) struct Env<'a> {
    pub(super) scope: &'a Scope<'a>,
    pub(super) ctes: &'a Ctes,
}

impl Analyzer<'_> {
    /// Types an expression, and parameters in it whose place tells their type.
    pub(super) fn expr(&mut self, expr: &Expr, env: Env<'_>) -> Ty {
        match expr {
            Expr::Value(value) => self.value(&value.value),
            Expr::Nested(inner) => self.expr(inner, env),
            Expr::Identifier(_) | Expr::CompoundIdentifier(_)
                if let Some(found) = self.argument(expr, env) =>
            {
                found
            }
            Expr::Identifier(ident) => {
                self.check_column(ident, env);
                identifier(ident, env)
            }
            Expr::CompoundIdentifier(idents) => compound(idents, env),
            Expr::BinaryOp { left, op, right } => self.binary(expr, left, op, right, env),
            Expr::UnaryOp { op, expr: inner } => self.unary(expr, *op, inner, env),
            Expr::Cast { expr, data_type, .. } => self.cast(expr, data_type, env),
            Expr::TypedString(typed) => declared_type(&typed.data_type),
            Expr::Interval(_) => Ty::of(INTERVAL),
            Expr::Function(function) => self.call(expr, function, env),
            Expr::Case { .. } => self.case(expr, env),
            Expr::Array(array) => {
                let elements: Vec<&Expr> = array.elem.iter().collect();
                self.check_array(&elements);
                let element = self.common_in("ARRAY", &elements, env);
                match builtin::element_of(element.oid) {
                    Some(_) => element, // an array of arrays is of more dimensions
                    None => Ty::with_typmod(
                        builtin::array_of(element.oid).unwrap_or(UNTYPED),
                        element.typmod,
                    ),
                }
            }
            Expr::Subquery(query) => {
                let columns = self.query(query, env.ctes, Some(env.scope));
                columns
                    .and_then(|columns| columns.into_iter().next())
                    .map_or(Ty::UNTYPED, |(_, ty)| ty)
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                self.access(root, access_chain, env)
            }
            Expr::Collate { expr, .. } => {
                let inner = self.expr(expr, env);
                if inner.oid == UNKNOWN { Ty::of(TEXT) } else { inner }
            }
            Expr::AtTimeZone { timestamp, time_zone } => {
                self.at_time_zone(expr, timestamp, time_zone, env)
            }
            other => self.construct(other, env),
        }
    }

    fn cast(&mut self, expr: &Expr, data_type: &DataType, env: Env<'_>) -> Ty {
        let to = declared_type(data_type);
        // An empty array has the type of the cast around it.
        let is_empty = matches!(expr, Expr::Array(array) if array.elem.is_empty());
        let from = if is_empty { Ty::UNKNOWN } else { self.expr(expr, env) };
        if from.oid == UNKNOWN {
            self.settle(expr, to.oid);
            // A string has the cast that it stands in.
            self.decisions.literals.remove(&std::ptr::from_ref(expr));
        }
        if resolve::category(to.oid) == b'S' {
            self.shows_name(expr, from);
            if from.oid != BOOL {
                self.shows_text(expr, from.oid);
            }
        }
        self.check_cast(from.oid, to.oid);
        self.lengthens(expr, from.oid, to.oid);
        self.takes_apart(expr, from.oid, to.oid);
        to
    }

    fn case(&mut self, expr: &Expr, env: Env<'_>) -> Ty {
        let Expr::Case { operand, conditions, else_result, .. } = expr else { return Ty::UNTYPED };
        if let Some(operand) = operand {
            let found = self.expr(operand, env);
            for when in conditions {
                let other = self.expr(&when.condition, env);
                self.typed_pair(None, (operand, found), "=", (&when.condition, other));
            }
        } else {
            for when in conditions {
                self.boolean(&when.condition, "CASE/WHEN", env);
            }
        }
        let results = conditions.iter().map(|when| &when.result);
        let results: Vec<&Expr> = results.chain(else_result.as_deref()).collect();
        self.common_in("CASE", &results, env)
    }

    /// Types the constructs of SQL's grammar that look like functions.
    fn construct(&mut self, whole: &Expr, env: Env<'_>) -> Ty {
        match whole {
            Expr::Extract { field, expr, .. } => {
                let from = self.expr(expr, env);
                if from.oid == DATE {
                    let field = field.to_string().to_lowercase();
                    self.extract_of_date(whole, field.trim_matches('\''));
                }
                Ty::of(NUMERIC)
            }
            Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(_) } => {
                self.named(whole, "ceil", &[expr], env)
            }
            Expr::Floor { expr, field: CeilFloorKind::DateTimeField(_) } => {
                self.named(whole, "floor", &[expr], env)
            }
            Expr::Position { expr, r#in } => self.named(whole, "position", &[r#in, expr], env),
            Expr::Substring { expr, substring_from: None, substring_for: Some(length), .. } => {
                self.wanted(length, INT4, env);
                self.wanted(expr, TEXT, env)
            }
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                let from = substring_from.as_deref();
                let args: Vec<&Expr> = [Some(expr.as_ref()), from, substring_for.as_deref()]
                    .into_iter()
                    .flatten()
                    .collect();
                self.named(whole, "substring", &args, env)
            }
            Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let args: Vec<&Expr> = [Some(expr), Some(overlay_what), Some(overlay_from)]
                    .into_iter()
                    .chain([overlay_for.as_ref()])
                    .flatten()
                    .map(AsRef::as_ref)
                    .collect();
                self.named(whole, "overlay", &args, env)
            }
            Expr::Trim { expr, trim_what, .. } => {
                if let Some(what) = trim_what {
                    self.wanted(what, TEXT, env);
                }
                let inner = self.wanted(expr, TEXT, env);
                Ty::of(if inner.oid == BYTEA { BYTEA } else { TEXT })
            }
            other => self.predicate(other, env),
        }
    }

    /// Types what is true or false.
    fn predicate(&mut self, expr: &Expr, env: Env<'_>) -> Ty {
        match expr {
            Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner) => self.boolean(inner, "IS", env),
            Expr::IsNull(inner) | Expr::IsNotNull(inner) => {
                self.wanted(inner, TEXT, env);
            }
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.pair(None, left, "=", right, env);
            }
            Expr::InList { expr, list, .. } => {
                let all: Vec<&Expr> = std::iter::once(expr.as_ref()).chain(list).collect();
                let types: Vec<Ty> = all.iter().map(|one| self.expr(one, env)).collect();
                self.common_with(&all, &types);
                for other in &types[1..] {
                    self.check_pair(types[0].oid, "=", other.oid);
                }
            }
            Expr::InSubquery { expr, subquery, .. } => {
                let columns = self.query(subquery, env.ctes, Some(env.scope));
                let first = columns.and_then(|columns| columns.into_iter().next());
                self.wanted(expr, first.map_or(UNTYPED, |(_, ty)| ty.oid), env);
            }
            Expr::Between { expr, low, high, .. } => {
                let all: [&Expr; 3] = [expr, low, high];
                let types = all.map(|one| self.expr(one, env));
                self.common_with(&all, &types);
                self.check_pair(types[0].oid, ">=", types[1].oid);
                self.check_pair(types[0].oid, "<=", types[2].oid);
            }
            Expr::Like { any: true, expr, pattern, .. }
            | Expr::ILike { any: true, expr, pattern, .. } => {
                self.wanted(expr, TEXT, env);
                self.wanted(pattern, TEXT_ARRAY, env);
            }
            Expr::Like { expr, pattern, .. }
            | Expr::ILike { expr, pattern, .. }
            | Expr::SimilarTo { expr, pattern, .. } => {
                let text = self.wanted(expr, TEXT, env);
                let pattern = self.wanted(pattern, TEXT, env);
                self.check_pair(text.oid, "~~", pattern.oid);
            }
            Expr::AnyOp { left, compare_op, right, .. } => {
                self.quantified(left, compare_op, right, env);
                if *compare_op == BinaryOperator::Eq && (names_columns(right) || is_null(right)) {
                    self.decisions.members.insert(std::ptr::from_ref(expr));
                }
            }
            Expr::AllOp { left, compare_op, right } => {
                self.quantified(left, compare_op, right, env);
                if *compare_op == BinaryOperator::NotEq && (names_columns(right) || is_null(right))
                {
                    self.decisions.members.insert(std::ptr::from_ref(expr));
                }
            }
            Expr::Exists { subquery, .. } => {
                self.query(subquery, env.ctes, Some(env.scope));
            }
            _ => return Ty::UNTYPED,
        }
        Ty::of(BOOL)
    }

    fn value(&self, value: &Value) -> Ty {
        match value {
            Value::Number(text, _) => Ty::of(if text.contains(['.', 'e', 'E']) {
                NUMERIC
            } else if text.parse::<i32>().is_ok() {
                INT4
            } else if text.parse::<i64>().is_ok() {
                INT8
            } else {
                NUMERIC
            }),
            Value::Boolean(_) => Ty::of(BOOL),
            Value::Placeholder(name) => match super::super::params::number(name) {
                Some(number) => Ty::of(self.params.get(number - 1).copied().unwrap_or(UNKNOWN)),
                None => Ty::UNTYPED,
            },
            Value::Null
            | Value::SingleQuotedString(_)
            | Value::EscapedStringLiteral(_)
            | Value::UnicodeStringLiteral(_)
            | Value::DollarQuotedString(_)
            | Value::NationalStringLiteral(_) => Ty::UNKNOWN,
            _ => Ty::UNTYPED,
        }
    }

    /// Types an expression where one of a type is wanted.
    pub(super) fn wanted(&mut self, expr: &Expr, oid: u32, env: Env<'_>) -> Ty {
        let found = self.expr(expr, env);
        if found.oid == UNKNOWN {
            self.settle(expr, oid);
        }
        found
    }

    /// Types what must be true or false at a place of the grammar.
    pub(super) fn boolean(&mut self, expr: &Expr, place: &str, env: Env<'_>) {
        let found = self.wanted(expr, BOOL, env);
        self.check_boolean(found.oid, place);
    }

    /// Gives a parameter the type that its place wants.
    pub(super) fn settle(&mut self, expr: &Expr, oid: u32) {
        match expr {
            Expr::Nested(inner) => self.settle(inner, oid),
            Expr::Value(_) => {
                if let Some(number) = super::super::params::number_of(expr)
                    && let Some(slot) = self.params.get_mut(number - 1)
                    && *slot == UNKNOWN
                    && oid != UNTYPED
                    && !resolve::is_polymorphic(oid)
                {
                    *slot = if oid == super::ANY { TEXT } else { oid };
                }
                if let Some(name) = self.enums.name(oid) {
                    self.decisions.labels.insert(std::ptr::from_ref(expr), name);
                }
                if let Some(pg_type) = PgType::from_oid(oid) {
                    self.decisions.literals.insert(std::ptr::from_ref(expr), pg_type);
                }
            }
            _ => {}
        }
    }

    /// Types the parts of a construct of the grammar, which must have one type.
    pub(super) fn common_in(&mut self, construct: &str, all: &[&Expr], env: Env<'_>) -> Ty {
        let found: Vec<Ty> = all.iter().map(|expr| self.expr(expr, env)).collect();
        self.check_common(construct, &found);
        self.common_with(all, &found)
    }

    /// The one type of expressions that have these.
    pub(super) fn common_with(&mut self, all: &[&Expr], found: &[Ty]) -> Ty {
        let oids: Vec<u32> = found.iter().map(|ty| ty.oid).collect();
        let Some(oid) = common(&oids) else { return Ty::UNTYPED };
        for expr in all {
            self.settle(expr, oid);
        }
        let typmod = found.first().map_or(-1, |ty| ty.typmod);
        let same = found.iter().all(|ty| ty.oid == oid && ty.typmod == typmod);
        Ty::with_typmod(oid, if same { typmod } else { -1 })
    }

    fn access(&mut self, root: &Expr, chain: &[AccessExpr], env: Env<'_>) -> Ty {
        // `t.column[1]` is read as the table `t` with a field and a subscript behind it.
        let (mut found, rest) = match (root, chain.first()) {
            (Expr::Identifier(table), Some(AccessExpr::Dot(Expr::Identifier(column)))) => {
                (env.scope.qualified(&table.value, &column.value), &chain[1..])
            }
            _ => (self.expr(root, env), chain),
        };
        for (place, step) in rest.iter().enumerate() {
            found = match step {
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    if found.oid == JSONB {
                        found
                    } else {
                        self.wanted(index, INT4, env);
                        // Behind the first there may be more dimensions.
                        if place == 0 {
                            self.check_subscript(found.oid);
                        }
                        let element = match found.oid {
                            22 => Some(21),
                            30 => Some(26),
                            oid => builtin::element_of(oid),
                        };
                        element.map_or(Ty::UNTYPED, Ty::of)
                    }
                }
                AccessExpr::Subscript(Subscript::Slice { .. }) => found,
                AccessExpr::Dot(_) => Ty::UNTYPED,
            };
        }
        // Subscripts of an array of more dimensions give an element each only when all are there.
        found
    }
}

/// An array that is NULL by its text.
fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_null(inner),
        Expr::Value(value) => matches!(value.value, Value::Null),
        _ => false,
    }
}

fn identifier(ident: &Ident, env: Env<'_>) -> Ty {
    if ident.quote_style.is_none() {
        match ident.value.as_str() {
            "current_user" | "session_user" | "user" | "current_role" | "current_catalog"
            | "current_schema" => return Ty::of(19),
            "current_date" => return Ty::of(1082),
            "current_timestamp" => return Ty::of(TIMESTAMPTZ),
            "localtimestamp" => return Ty::of(TIMESTAMP),
            _ => {}
        }
    }
    if ident.value == "tableoid" {
        return Ty::of(26);
    }
    // The name of a table is its whole row.
    match env.scope.source(&ident.value) {
        Some(Source { is_value: true, columns, .. })
            if !env.scope.has_column(&ident.value) && columns.len() == 1 =>
        {
            columns[0].1
        }
        Some(source) if source.complete && !env.scope.has_column(&ident.value) => Ty::of(RECORD),
        _ => env.scope.column(&ident.value),
    }
}

fn compound(idents: &[Ident], env: Env<'_>) -> Ty {
    match idents {
        [table, column] if column.value == "tableoid" => {
            env.scope.source(&table.value).map_or(Ty::UNTYPED, |_| Ty::of(26))
        }
        [.., table, column] => env.scope.qualified(&table.value, &column.value),
        _ => Ty::UNTYPED,
    }
}
