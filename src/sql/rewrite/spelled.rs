//! Constructs of PostgreSQL's grammar that DuckDB's lacks: LIKE ANY, the fields of intervals, the
//! precision of CURRENT_TIMESTAMP, a share of a table's rows in percent, a table's row as a ROW.

use sqlparser::ast::{
    ArrayElemTypeDef, DataType, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, Query, SelectItem, SetExpr, TableFactor, TableSampleKind,
    TableSampleUnit, TimezoneInfo, Value,
};

use super::casts::cast_to;
use super::names::{self, arguments, take};

/// Spells one expression out; called before what is inside of it is rewritten.
pub(super) fn rewrite(expr: &mut Expr) {
    like_any(expr);
    interval_fields(expr);
    with_precision(expr);
    whole_row(expr);
    if let Expr::Exists { subquery, .. } = expr {
        select_something(subquery);
    }
}

/// `EXISTS (SELECT FROM t)` selects nothing, which DuckDB does not take.
fn select_something(query: &mut Query) {
    if let SetExpr::Select(select) = query.body.as_mut()
        && select.projection.is_empty()
    {
        let one = Value::Number("1".to_owned(), false);
        select.projection.push(SelectItem::UnnamedExpr(Expr::Value(one.into())));
    }
}

/// `x LIKE ANY (array)` and `x LIKE ALL (array)`.
fn like_any(expr: &mut Expr) {
    let (negated, any, text, pattern, case) = match expr {
        Expr::Like { negated, any, expr, pattern, escape_char: None } => {
            (*negated, *any, expr, pattern, "like")
        }
        Expr::ILike { negated, any, expr, pattern, escape_char: None } => {
            (*negated, *any, expr, pattern, "ilike")
        }
        _ => return,
    };
    let (array, is_any) = match (any, all_of(pattern)) {
        (true, _) => (take(pattern), true),
        (false, Some(array)) => (array, false),
        (false, None) => return,
    };
    let patterns = match array {
        Expr::Subquery(query) => {
            let list = names::object_name(&["array"]);
            names::call(list, FunctionArguments::Subquery(query))
        }
        Expr::Nested(inner) => as_texts(*inner),
        other => as_texts(other),
    };
    // NOT LIKE ANY: not all of them are like it.
    let quantifier = if is_any == negated { "all" } else { "any" };
    let args = arguments(vec![take(text), patterns]);
    let found = names::system_function(&format!("{case}_{quantifier}"), args);
    *expr = if negated {
        Expr::UnaryOp { op: sqlparser::ast::UnaryOperator::Not, expr: Box::new(found) }
    } else {
        found
    };
}

/// A string or a parameter as an array of texts.
fn as_texts(array: Expr) -> Expr {
    if !matches!(array, Expr::Value(_)) {
        return array;
    }
    let texts = ArrayElemTypeDef::SquareBracket(Box::new(DataType::Text), None);
    cast_to(array, DataType::Array(texts))
}

/// The array of `ALL (array)`, which the parser takes for a call.
fn all_of(pattern: &mut Expr) -> Option<Expr> {
    let Expr::Function(function) = pattern else { return None };
    let is_all = matches!(function.name.0.as_slice(), [part]
        if part.as_ident().is_some_and(|name| name.quote_style.is_none()
            && name.value.eq_ignore_ascii_case("all")));
    match &mut function.args {
        FunctionArguments::List(list) if is_all => match list.args.as_mut_slice() {
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(array))] => Some(take(array)),
            _ => None,
        },
        FunctionArguments::Subquery(query) if is_all => Some(Expr::Subquery(query.clone())),
        _ => None,
    }
}

/// `INTERVAL '1-6' YEAR TO MONTH`: the fields say how the text is read.
fn interval_fields(expr: &mut Expr) {
    let Expr::Interval(interval) = &mut *expr else { return };
    let Expr::Value(value) = interval.value.as_ref() else { return };
    let (Value::SingleQuotedString(text), Some(last)) = (&value.value, &interval.last_field) else {
        return;
    };
    let text = match (&interval.leading_field, last) {
        (Some(DateTimeField::Day), DateTimeField::Hour) => format!("{text}:00:00"),
        (Some(DateTimeField::Minute), DateTimeField::Second) if text.matches(':').count() == 1 => {
            format!("00:{text}")
        }
        _ => text.clone(),
    };
    let data_type = DataType::Interval { fields: None, precision: None };
    *expr = cast_to(names::string(&text), data_type);
}

/// `CURRENT_TIMESTAMP(2)` is a cast to as many places.
fn with_precision(expr: &mut Expr) {
    let Expr::Function(function) = &mut *expr else { return };
    let Some(parts) = names::parts(&function.name) else { return };
    let [name] = parts.as_slice() else { return };
    let FunctionArguments::List(list) = &function.args else { return };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(places)))] = list.args.as_slice()
    else {
        return;
    };
    let Value::Number(places, _) = &places.value else { return };
    let Ok(places) = places.parse::<u64>() else { return };
    let data_type = match *name {
        "current_timestamp" => DataType::Timestamp(Some(places), TimezoneInfo::WithTimeZone),
        "localtimestamp" => DataType::Timestamp(Some(places), TimezoneInfo::None),
        "localtime" => DataType::Time(Some(places), TimezoneInfo::None),
        _ => return,
    };
    let now = Function { args: FunctionArguments::None, ..function.clone() };
    *expr = cast_to(Expr::Function(now), data_type);
}

/// `row(t.*)` is the table's row.
fn whole_row(expr: &mut Expr) {
    let Expr::Function(function) = &mut *expr else { return };
    if names::parts(&function.name).as_deref() != Some(&["row"]) {
        return;
    }
    let FunctionArguments::List(list) = &function.args else { return };
    if let [FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(table))] = list.args.as_slice()
        && let Some(name) = table.0.last().and_then(|part| part.as_ident())
    {
        *expr = Expr::Identifier(Ident::with_quote('"', name.value.as_str()));
    }
}

/// `TABLESAMPLE BERNOULLI (10)` is a share in percent, which DuckDB takes for a number of rows.
pub(super) fn sample(factor: &mut TableFactor) {
    let TableFactor::Table { sample: Some(sample), .. } = factor else { return };
    let (TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample)) =
        sample;
    if let Some(quantity) = &mut sample.quantity
        && sample.name.is_some()
    {
        quantity.unit.get_or_insert(TableSampleUnit::Percent);
    }
}
