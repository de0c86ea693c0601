//! What the analysis of types decides: calls and operators that a function of the catalogue stands
//! for, strings that have a type by their place, functions that give many rows.
//!
//! A macro of the catalogue that is named after PostgreSQL's own code for a function or an operator
//! (`numeric_div`, `timestamp_to_char`: the column `prosrc` of `pg_proc`) stands for it.

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    Array, ArrayElemTypeDef, BinaryOperator, CaseWhen, DataType, ExactNumberInfo, Expr, Function,
    FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, Query, Select, SelectItem,
    Statement, TableFactor, TimezoneInfo, Value, VisitMut, VisitorMut, visit_expressions,
};

use super::casts::cast_to;
use super::names::{arguments, take};
use super::{NameContext, aggregates, names, unnested};
use crate::error::{Error, Result};
use crate::sql::analyze::{self, Decisions};
use crate::types::{PgType, ScalarType};

/// Decides, and changes the tree. `kept` is what a view or a table keeps: it must mean the same
/// without the server's own functions.
pub(super) fn apply(statement: &mut Statement, names: &NameContext, kept: bool) -> Result<()> {
    let count = crate::sql::params::count(statement)?;
    let has_function = |name: &str| names.catalog.has_function(name);
    let mut decisions =
        analyze::decide(statement, &names.relations, &names.param_types, count, &has_function);
    if let Some(error) = decisions.refused.take() {
        return Err(error);
    }
    if kept {
        decisions.texts.clear();
        decisions.members.clear();
        decisions.averages.clear();
        decisions.calls.retain(|_, source| !SERVERS_OWN.contains(source));
    }
    match statement.visit(&mut Applier { decisions, values: Vec::new(), is_kept: kept }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// What DuckDB's own functions and operators stand for where something is kept, so that plain
/// DuckDB can read it, too: they differ in the last digits, in errors and in rare values only.
const SERVERS_OWN: [&str; 30] = [
    "numeric_div",
    "numeric_sqrt",
    "numeric_exp",
    "numeric_ln",
    "numeric_log",
    "numeric_log10",
    "numeric_power",
    "dsqrt",
    "dexp",
    "dlog1",
    "dlog10",
    "dpow",
    "dround",
    "int2abs",
    "int4abs",
    "int8abs",
    "float4abs",
    "float8abs",
    "numeric_abs",
    "text_concat",
    "text_concat_ws",
    "textregexeq",
    "textregexne",
    "texticregexeq",
    "texticregexne",
    "timestamp_trunc",
    "timestamptz_trunc",
    "extract_epoch",
    "extract_second",
    "extract_millisecond",
];

struct Applier {
    decisions: Decisions,
    /// The functions in the FROM of the query around that are named after the value they give.
    values: Vec<unnested::NamedValue>,
    /// What is made of aggregates must mean the same without the server's own functions.
    is_kept: bool,
}

impl VisitorMut for Applier {
    type Break = Error;

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        let place = std::ptr::from_ref(&*select);
        if let (Some(more), GroupByExpr::Expressions(exprs, _)) =
            (self.decisions.grouped.get(&place), &mut select.group_by)
        {
            let ident = |name: &String| Ident::with_quote('"', name);
            let column =
                |name: &Vec<String>| Expr::CompoundIdentifier(name.iter().map(ident).collect());
            exprs.extend(more.iter().map(column));
        }
        if let Some(columns) = self.decisions.starred.get(&place) {
            spell_out_star(&mut select.projection, columns);
        }
        select.projection.iter_mut().for_each(keep_name);
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        self.values.extend(unnested::rewrite(factor));
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        unnested::name_values(query, &std::mem::take(&mut self.values));
        ControlFlow::Continue(())
    }

    // After what is inside: nothing around an expression has moved yet when its turn comes.
    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let place = std::ptr::from_ref(&*expr);
        if let Some(pg_type) = self.decisions.literals.get(&place) {
            type_literal(expr, *pg_type);
        }
        if let Some(name) = self.decisions.labels.get(&place) {
            label(expr, name);
        }
        if let Some(name) = self.decisions.type_names.get(&place) {
            *expr = type_name(expr, name);
            return ControlFlow::Continue(());
        }
        aggregates::rewrite(expr, self.is_kept);
        if self.decisions.averages.contains(&place) {
            average(expr);
        }
        let is_set = self.decisions.sets.get(&place).copied();
        let call = self.decisions.calls.get(&place).copied();
        if let Some(source) = call {
            stand_in(expr, source);
        }
        if is_set.is_some_and(is_list) {
            let list = take(expr);
            *expr = names::call(names::object_name(&["unnest"]), arguments(vec![list]));
        }
        if self.decisions.narrow.contains(&place) {
            cast(expr, PgType::INT4);
        }
        if let Some(pg_type) = self.decisions.casts.get(&place) {
            cast(expr, *pg_type);
        }
        if let Expr::Tuple(ends) = expr {
            end_after(ends, &self.decisions.lengths);
        }
        if self.decisions.members.contains(&place) {
            member(expr);
        }
        if let Some(source) = self.decisions.texts.get(&place) {
            let args = vec![take(expr)];
            *expr = names::system_function(source, arguments(args));
        }
        round_to_precision(expr);
        if let Some((oid, modifier)) = self.decisions.assigned.get(&place) {
            assign(expr, *oid, *modifier);
        }
        ControlFlow::Continue(())
    }
}

/// The name of an expression's type. An aggregate goes on to make one row of all.
fn type_name(typed: &Expr, name: &str) -> Expr {
    let argument = match typed {
        Expr::Function(function) => match &function.args {
            FunctionArguments::List(list) => match list.args.as_slice() {
                [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))] => Some(argument),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    match argument.filter(|argument| has_aggregate(argument)) {
        None => names::string(name),
        Some(argument) => Expr::Case {
            case_token: AttachedToken::empty(),
            end_token: AttachedToken::empty(),
            operand: None,
            conditions: vec![CaseWhen {
                condition: Expr::IsNull(Box::new(Expr::Nested(Box::new(argument.clone())))),
                result: names::string(name),
            }],
            else_result: Some(Box::new(names::string(name))),
        },
    }
}

fn has_aggregate(expr: &Expr) -> bool {
    let found = visit_expressions(expr, |inner| match inner {
        Expr::Function(function)
            if function.over.is_none()
                && names::parts(&function.name)
                    .and_then(|parts| parts.last().copied())
                    .is_some_and(analyze::is_aggregate) =>
        {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// A column that is shown by a function of the catalogue keeps its name.
fn keep_name(item: &mut SelectItem) {
    let SelectItem::UnnamedExpr(Expr::Function(function)) = &*item else { return };
    let is_shown = names::parts(&function.name)
        .is_some_and(|parts| parts.len() == 3 && parts[2].ends_with("_out"));
    let FunctionArguments::List(list) = &function.args else { return };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))] = list.args.as_slice() else {
        return;
    };
    let column = match argument {
        Expr::Identifier(ident) => Some(ident),
        Expr::CompoundIdentifier(idents) => idents.last(),
        _ => None,
    };
    let Some(alias) = column.filter(|_| is_shown) else { return };
    let alias = Ident::with_quote('"', alias.value.as_str());
    let expr = Expr::Function(function.clone());
    *item = SelectItem::ExprWithAlias { expr, alias };
}

/// The end of a span that is given by its start and its length.
fn end_after(ends: &mut [Expr], lengths: &HashSet<*const Expr>) {
    if let [start, end] = ends
        && lengths.contains(&std::ptr::from_ref(&*end))
    {
        let length = Box::new(take(end));
        let left = Box::new(start.clone());
        *end = Expr::BinaryOp { left, op: BinaryOperator::Plus, right: length };
    }
}

/// Puts columns in the place of `*`.
fn spell_out_star(items: &mut Vec<SelectItem>, columns: &[String]) {
    let column = |name: &String| {
        SelectItem::UnnamedExpr(Expr::Identifier(Ident::with_quote('"', name.as_str())))
    };
    let spelled = std::mem::take(items).into_iter().flat_map(|item| match item {
        SelectItem::Wildcard(_) => columns.iter().map(column).collect(),
        other => vec![other],
    });
    *items = spelled.collect();
}

/// `x = ANY (list)` and `x <> ALL (list)`: DuckDB's own form is a subquery, which cannot stand
/// everywhere.
fn member(expr: &mut Expr) {
    match expr {
        Expr::AnyOp { left, right, .. } => {
            let args = vec![take(right), take(left)];
            *expr = names::system_function("is_member", arguments(args));
        }
        Expr::AllOp { left, right, .. } => {
            let args = vec![take(right), take(left)];
            let is_member = names::system_function("is_member", arguments(args));
            *expr =
                Expr::UnaryOp { op: sqlparser::ast::UnaryOperator::Not, expr: Box::new(is_member) };
        }
        _ => {}
    }
}

/// `CAST (x AS timestamp(p))` rounds to so many places of seconds.
fn round_to_precision(expr: &mut Expr) {
    let Expr::Cast { data_type, .. } = expr else { return };
    let (places, function) = match data_type {
        DataType::Timestamp(places, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
            (places, "timestamp_scale")
        }
        DataType::Timestamp(places, _) => (places, "timestamptz_scale"),
        DataType::Time(places, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
            (places, "time_scale")
        }
        DataType::Interval { precision, .. } => (precision, "interval_scale"),
        _ => return,
    };
    let Some(places) = places.take().filter(|places| *places < 6) else { return };
    let places = Expr::Value(Value::Number(places.to_string(), false).into());
    let args = vec![take(expr), places];
    *expr = names::system_function(function, arguments(args));
}

/// Cuts the blanks that are too many for a `varchar(n)`, or rounds a time.
fn assign(expr: &mut Expr, oid: u32, modifier: i32) {
    let (function, size) = match PgType::from_oid(oid) {
        Some(PgType::VARCHAR) => ("varchar_assign", modifier - 4),
        Some(PgType::TIMESTAMP) => ("timestamp_scale", modifier),
        Some(PgType::TIMESTAMPTZ) => ("timestamptz_scale", modifier),
        Some(PgType::TIME) => ("time_scale", modifier),
        Some(PgType::INTERVAL) => ("interval_scale", modifier & 0xffff),
        _ => return,
    };
    if function != "varchar_assign" {
        cast(expr, PgType::from_oid(oid).unwrap_or(PgType::TIMESTAMP));
    }
    let size = Expr::Value(Value::Number(size.to_string(), false).into());
    *expr = names::system_function(function, arguments(vec![take(expr), size]));
}

/// Tells by the name of PostgreSQL's code whether a function of many rows gives a list here; others
/// make rows themselves.
fn is_list(source: &str) -> bool {
    source.starts_with("generate_series")
        || source.starts_with("json")
        || source.starts_with("regexp_")
        || matches!(source, "text_to_table" | "text_to_table_null")
}

fn cast(expr: &mut Expr, pg_type: PgType) {
    let name = pg_type.sql_name();
    let name = if pg_type.scalar() == ScalarType::Char { "text".to_owned() } else { name };
    *expr = cast_to(take(expr), plain_type(&name));
}

/// Makes a string or a parameter a value of an enum, or an array of them, by the type for DuckDB.
fn label(expr: &mut Expr, name: &str) {
    let Expr::Value(value) = &*expr else { return };
    let is_text = matches!(
        value.value,
        Value::SingleQuotedString(_) | Value::EscapedStringLiteral(_) | Value::Placeholder(_)
    );
    let is_parameter = matches!(value.value, Value::Placeholder(_));
    if is_text {
        if name.ends_with("[]") && !is_parameter {
            cast(expr, PgType::Array(ScalarType::Text));
        }
        *expr = cast_to(take(expr), custom(name));
    }
}

/// Casts a string to the type that its place gives it, unless it is text anyway.
fn type_literal(expr: &mut Expr, pg_type: PgType) {
    let Expr::Value(value) = &*expr else { return };
    let is_string =
        matches!(value.value, Value::SingleQuotedString(_) | Value::EscapedStringLiteral(_));
    let scalar = pg_type.scalar();
    // Nothing is joined to an array as an array.
    if pg_type.is_array() && matches!(value.value, Value::Null) {
        return cast(expr, pg_type);
    }
    // The blanks at the end of a `char(n)` mean nothing.
    if pg_type == PgType::BPCHAR
        && let Value::SingleQuotedString(text) = &value.value
    {
        *expr = names::string(text.trim_end_matches(' '));
        return;
    }
    if scalar == ScalarType::Record {
        // Only an array without rows says nothing of their types.
        let is_empty =
            matches!(&value.value, Value::SingleQuotedString(text) if text.trim() == "{}");
        if pg_type.is_array() && is_empty {
            *expr = Expr::Array(Array { elem: Vec::new(), named: false });
        }
        return;
    }
    if is_string && (pg_type.is_array() || !(scalar.is_text() || scalar.is_oid())) {
        cast(expr, pg_type);
    }
}

/// `avg(x)` over exact numbers is exact: the sum by the count.
fn average(expr: &mut Expr) {
    let Expr::Function(function) = &*expr else { return };
    let named = |name: &str| {
        let name = names::object_name(&[name]);
        Expr::Function(Function { name, ..function.clone() })
    };
    let (sum, count) = (named("sum"), named("count"));
    *expr = names::system_function("numeric_div", arguments(vec![sum, count]));
}

/// Puts the catalogue's function in the place of a call or an operator.
fn stand_in(expr: &mut Expr, source: &str) {
    match expr {
        Expr::AtTimeZone { timestamp, time_zone } => {
            let args = vec![take(time_zone), take(timestamp)];
            *expr = names::system_function(source, arguments(args));
        }
        Expr::Extract { expr: inner, .. } => *expr = names::system_call(source, take(inner)),
        Expr::Overlay { expr: text, overlay_what, overlay_from, overlay_for } => {
            let mut args = vec![take(text), take(overlay_what), take(overlay_from)];
            args.extend(overlay_for.iter_mut().map(|length| take(length)));
            *expr = names::system_function(source, arguments(args));
        }
        Expr::BinaryOp { left, op: BinaryOperator::Overlaps, right } => {
            if let (Expr::Tuple(a), Expr::Tuple(b)) = (take(left), take(right)) {
                let args = a.into_iter().chain(b).collect();
                *expr = names::system_function(source, arguments(args));
            }
        }
        Expr::Function(function) => {
            if let FunctionArguments::List(list) = &mut function.args {
                list.clauses.clear();
            }
            function.name = names::system_name(source);
        }
        Expr::BinaryOp { left, right, .. } => {
            let args = vec![take(left), take(right)];
            *expr = names::system_function(source, arguments(args));
        }
        Expr::UnaryOp { expr: inner, .. } => {
            let args = vec![take(inner)];
            *expr = names::system_function(source, arguments(args));
        }
        Expr::Substring { expr: text, substring_from, substring_for, .. } => {
            let mut args = vec![take(text)];
            args.extend([substring_from, substring_for].into_iter().flatten().map(|arg| take(arg)));
            *expr = names::system_function(source, arguments(args));
        }
        Expr::Position { expr: inner, r#in } => {
            let args = vec![take(r#in), take(inner)];
            *expr = names::system_function(source, arguments(args));
        }
        _ => {
            let args = vec![take(expr)];
            *expr = names::system_function(source, arguments(args));
        }
    }
}

/// Makes a type of PostgreSQL's name for it.
fn plain_type(name: &str) -> DataType {
    let scalar = name.strip_suffix("[]");
    let plain = match scalar.unwrap_or(name) {
        "double precision" => DataType::DoublePrecision,
        "timestamp with time zone" => custom("timestamptz"),
        "timestamp without time zone" => DataType::Timestamp(None, TimezoneInfo::None),
        "time with time zone" => custom("timetz"),
        "time without time zone" => DataType::Time(None, TimezoneInfo::None),
        "numeric" => DataType::Numeric(ExactNumberInfo::None),
        "integer" => DataType::Integer(None),
        "bigint" => DataType::BigInt(None),
        "smallint" => DataType::SmallInt(None),
        "date" => DataType::Date,
        "bytea" => DataType::Bytea,
        "boolean" => DataType::Boolean,
        other => custom(other),
    };
    match scalar {
        Some(_) => DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(plain), None)),
        None => plain,
    }
}

fn custom(name: &str) -> DataType {
    DataType::Custom(names::object_name(&[name]), Vec::new())
}
