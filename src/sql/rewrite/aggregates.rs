//! Aggregates that DuckDB has under another name, or not as aggregates: those that make JSON are
//! functions of a list.

use sqlparser::ast::{
    DictionaryField, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArgumentList, FunctionArguments, Ident, OrderByExpr,
    OrderByOptions,
};

use super::names::{self, arguments, take};

/// Rewrites one call. What a view or a table keeps goes without the server's own functions.
pub(super) fn rewrite(expr: &mut Expr, is_kept: bool) {
    let Expr::Function(function) = &mut *expr else { return };
    let Some(parts) = names::parts(&function.name) else { return };
    let name = match parts.as_slice() {
        [only] | ["pg_catalog", only] => (*only).to_owned(),
        _ => return,
    };
    order_distinct(&name, function);
    match name.as_str() {
        "every" => function.name = names::object_name(&["bool_and"]),
        "json_agg" | "jsonb_agg" => {
            function.name = names::object_name(&["list"]);
            let list = take(expr);
            *expr = match (name.as_str(), is_kept) {
                ("json_agg", false) => names::system_call("json_list", list),
                (_, false) => names::system_call("jsonb_list", list),
                (_, true) => {
                    let json = names::object_name(&["to_json"]);
                    let json = names::call(json, arguments(vec![list]));
                    if name == "jsonb_agg" { names::system_call("jsonb_in", json) } else { json }
                }
            };
        }
        "json_object_agg" | "jsonb_object_agg" => {
            let FunctionArguments::List(list) = &mut function.args else { return };
            if !pair(list) {
                return;
            }
            function.name = names::object_name(&["list"]);
            let made =
                if name == "json_object_agg" { "json_object_list" } else { "jsonb_object_list" };
            *expr = names::system_call(made, take(expr));
        }
        _ => {}
    }
}

/// Makes one argument of a key and a value; tells whether there were two.
fn pair(list: &mut FunctionArgumentList) -> bool {
    let [
        FunctionArg::Unnamed(FunctionArgExpr::Expr(key)),
        FunctionArg::Unnamed(FunctionArgExpr::Expr(value)),
    ] = list.args.as_mut_slice()
    else {
        return false;
    };
    let field = |name: &str, value: &mut Expr| DictionaryField {
        key: Ident::with_quote('\'', name),
        value: Box::new(take(value)),
    };
    let both = Expr::Dictionary(vec![field("key", key), field("value", value)]);
    list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(both))];
    true
}

/// PostgreSQL finds duplicates by sorting, so that what is collected of distinct values is sorted.
fn order_distinct(name: &str, function: &mut Function) {
    let FunctionArguments::List(list) = &mut function.args else { return };
    let collects = matches!(name, "array_agg" | "json_agg" | "jsonb_agg" | "string_agg");
    if !collects
        || list.duplicate_treatment != Some(DuplicateTreatment::Distinct)
        || list.clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)))
    {
        return;
    }
    if let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) = list.args.first() {
        let order = OrderByExpr {
            expr: first.clone(),
            options: OrderByOptions { asc: None, nulls_first: None },
            with_fill: None,
        };
        list.clauses.push(FunctionArgumentClause::OrderBy(vec![order]));
    }
}
