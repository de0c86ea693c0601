//! Functions in FROM that give a list here, which is made rows of, and `unnest` of several arrays.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Ident, Query, SelectItem, SetExpr, Statement, TableAlias,
    TableFactor, Value, VisitMut, VisitorMut,
};
use sqlparser::parser::Parser;

use super::names;
use crate::sql::analyze;
use crate::sql::dialect::PostgreSql;

/// A function in FROM whose one column has a name of its own: its alias means the value, too.
pub(super) struct NamedValue {
    alias: String,
    column: String,
}

/// Makes a query of a function in FROM that gives a list.
pub(super) fn rewrite(factor: &mut TableFactor) -> Option<NamedValue> {
    let mut given = None;
    if let Some(replaced) = unnested(factor, &mut given) {
        *factor = replaced;
    }
    given
}

/// Puts the columns in the place of the aliases that stand for values.
pub(super) fn name_values(query: &mut Query, values: &[NamedValue]) {
    struct Namer<'a>(&'a [NamedValue]);
    impl VisitorMut for Namer<'_> {
        type Break = ();

        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if let Some(value) = value_of(expr, self.0) {
                let part = |name: &str| Ident::with_quote('"', name);
                *expr = Expr::CompoundIdentifier(vec![part(&value.alias), part(&value.column)]);
            }
            ControlFlow::Continue(())
        }
    }
    if values.is_empty() {
        return;
    }
    if let SetExpr::Select(select) = query.body.as_mut() {
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) = item
                && let Some(value) = value_of(expr, values)
            {
                let alias = Ident::with_quote('"', value.alias.as_str());
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
            }
        }
    }
    let _ = query.visit(&mut Namer(values));
}

fn value_of<'a>(expr: &Expr, values: &'a [NamedValue]) -> Option<&'a NamedValue> {
    let Expr::Identifier(ident) = expr else { return None };
    values.iter().find(|value| value.alias == ident.value)
}

/// Functions that give many rows, for which the catalogue has one that gives a list.
fn gives_list(function: &str) -> bool {
    function.starts_with("json")
        || matches!(
            function,
            "regexp_split_to_table" | "regexp_matches" | "string_to_table" | "aclexplode"
        )
}

/// A number with a point, for which DuckDB has no series.
fn is_decimal(arg: &FunctionArg) -> bool {
    matches!(arg, FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))
        if matches!(&value.value, Value::Number(text, _) if text.contains('.')))
}

/// A function of json in FROM gives a list here, which is made rows of.
fn unnested(factor: &TableFactor, given: &mut Option<NamedValue>) -> Option<TableFactor> {
    if let Some(side_by_side) = unnested_together(factor) {
        return Some(side_by_side);
    }
    let (name, args, alias, is_ordinal) = match factor {
        TableFactor::Table { name, args: Some(args), alias, with_ordinality, .. } => {
            (name, &args.args, alias, *with_ordinality)
        }
        TableFactor::Function { name, args, alias, with_ordinality, .. } => {
            (name, args, alias, *with_ordinality)
        }
        _ => return None,
    };
    let function = match names::parts(name)?.as_slice() {
        [only] | ["pg_catalog", only] => (*only).to_owned(),
        _ => return None,
    };
    let is_numeric = function == "generate_series" && args.iter().any(is_decimal);
    let columns =
        analyze::set_function(&function).filter(|_| is_numeric || gives_list(&function))?;
    let list = match (function.as_str(), args.len()) {
        ("aclexplode", _) => "aclexplode_list",
        ("regexp_matches", 2) => "regexp_matches_no_flags",
        ("regexp_matches", _) => "regexp_matches_flags",
        ("generate_series", 2) => "generate_series_numeric",
        ("generate_series", _) => "generate_series_step_numeric",
        (same, _) => same,
    };
    let args = args.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let list = format!("{}({args})", names::system_name(list));
    let own = alias.as_ref().map_or(function.as_str(), |alias| alias.name.value.as_str());
    let mut sql = match columns.as_slice() {
        [] => format!("SELECT unnest({list}) AS {}", crate::sql::quote_ident(own)),
        [column] => {
            if let Some(alias) = alias.as_ref().filter(|alias| alias.columns.is_empty()) {
                let (alias, column) = (alias.name.value.clone(), (*column).to_owned());
                *given = Some(NamedValue { alias, column });
            }
            format!("SELECT unnest({list}) AS {}", crate::sql::quote_ident(column))
        }
        _ => format!("SELECT unnest({list}, recursive := true)"),
    };
    if is_ordinal {
        sql.push_str(&format!(", unnest(range(1, len({list}) + 1)) AS ordinality"));
    }
    let Ok(mut parsed) = Parser::parse_sql(&PostgreSql, &sql) else { return None };
    let Some(Statement::Query(subquery)) = parsed.pop() else { return None };
    let alias = alias.clone().or_else(|| {
        Some(TableAlias {
            explicit: true,
            name: Ident::with_quote('"', function),
            columns: Vec::new(),
            at: None,
        })
    });
    Some(TableFactor::Derived { lateral: true, subquery, alias, sample: None })
}

/// `unnest(a, b)` gives rows of both, the shorter filled up with NULL.
fn unnested_together(factor: &TableFactor) -> Option<TableFactor> {
    let (arrays, alias, is_ordinal) = match factor {
        TableFactor::UNNEST { array_exprs, alias, with_ordinality, .. } => {
            (array_exprs.iter().map(ToString::to_string).collect(), alias, *with_ordinality)
        }
        TableFactor::Table { name, args: Some(args), alias, with_ordinality, .. } => {
            let is_unnest =
                matches!(names::parts(name)?.as_slice(), ["unnest"] | ["pg_catalog", "unnest"]);
            let texts: Vec<String> = args.args.iter().map(ToString::to_string).collect();
            (Some(texts).filter(|_| is_unnest)?, alias, *with_ordinality)
        }
        _ => return None,
    };
    if arrays.len() < 2 {
        return None;
    }
    let mut items: Vec<String> =
        arrays.iter().map(|array| format!("unnest({array}) AS unnest")).collect();
    if is_ordinal {
        let lengths: Vec<String> = arrays.iter().map(|array| format!("len({array})")).collect();
        let longest = lengths.join(", ");
        items.push(format!("unnest(range(1, greatest({longest}) + 1)) AS ordinality"));
    }
    let sql = format!("SELECT {}", items.join(", "));
    let Ok(mut parsed) = Parser::parse_sql(&PostgreSql, &sql) else { return None };
    let Some(Statement::Query(subquery)) = parsed.pop() else { return None };
    let alias = alias.clone().or_else(|| {
        Some(TableAlias {
            explicit: true,
            name: Ident::new("unnest"),
            columns: Vec::new(),
            at: None,
        })
    });
    Some(TableFactor::Derived { lateral: true, subquery, alias, sample: None })
}
