//! Queries that aggregate: the groups that changed rows belong to are changed, or computed again.

use sqlparser::ast::{
    Distinct, Expr, Function, FunctionArguments, GroupByExpr, Ident, ObjectNamePart, Select,
    SelectItem, Visit, Visitor,
};
use std::ops::ControlFlow;

use super::merge::{self, Merging};
use super::shape::{Shape, expression};
use super::{Delta, Groups, TOUCHED, Upkeep, cast, rows};
use crate::sql::analyze;

/// Aggregates that DuckDB has and PostgreSQL has not.
const AGGREGATES: &[&str] = &[
    "any_value",
    "approx_count_distinct",
    "approx_quantile",
    "approx_top_k",
    "arbitrary",
    "arg_max",
    "arg_max_null",
    "arg_max_nulls_last",
    "arg_min",
    "arg_min_null",
    "arg_min_nulls_last",
    "argmax",
    "argmin",
    "bitstring_agg",
    "count_if",
    "count_star",
    "countif",
    "entropy",
    "favg",
    "first",
    "fsum",
    "group_concat",
    "histogram",
    "histogram_exact",
    "json_group_array",
    "json_group_object",
    "json_group_structure",
    "kahan_sum",
    "kurtosis",
    "kurtosis_pop",
    "last",
    "list",
    "listagg",
    "mad",
    "max_by",
    "mean",
    "median",
    "min_by",
    "product",
    "quantile",
    "quantile_cont",
    "quantile_disc",
    "reservoir_quantile",
    "sem",
    "skewness",
    "sum_no_overflow",
    "sumkahan",
];

/// Functions that give several rows.
const SETS: &[&str] =
    &["unnest", "generate_series", "generate_subscripts", "regexp_split_to_table", "range"];

/// A function's own name, without its schema.
pub(super) fn name(function: &Function) -> &str {
    let last = function.name.0.last().and_then(ObjectNamePart::as_ident);
    last.map_or("", |ident| ident.value.as_str())
}

/// Tells whether a call is an aggregate's.
pub(super) fn is_aggregate(function: &Function) -> bool {
    function.over.is_none()
        && (analyze::is_aggregate(name(function))
            || AGGREGATES.binary_search(&name(function)).is_ok()
            || !function.within_group.is_empty()
            || function.filter.is_some())
}

/// Tells whether an expression has an aggregate, a column, or a function that gives several rows.
pub(super) fn is_open(expr: &Expr) -> bool {
    struct Finder;
    impl Visitor for Finder {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let open = match expr {
                Expr::Identifier(_) | Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => true,
                Expr::CompoundIdentifier(parts) => {
                    let first = parts.first().map_or("", |part| part.value.as_str());
                    !matches!(first, super::OLD | super::NEW)
                }
                Expr::Function(function) => {
                    is_aggregate(function)
                        || SETS.contains(&name(function))
                        || matches!(function.args, FunctionArguments::Subquery(_))
                }
                _ => false,
            };
            if open { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }
    expr.visit(&mut Finder).is_break()
}

/// The plan of such a query.
pub(super) fn plan(shape: &Shape, keys: &[Expr], casts: &[Option<String>]) -> (String, Upkeep) {
    let recompute = |reason: &str| {
        let query = rows::full(&shape.select.to_string(), casts);
        (query, Upkeep::Recompute { reason: reason.to_owned() })
    };
    let items: Option<Vec<Expr>> = shape.select.projection.iter().map(expression).collect();
    let Some(items) = items else { return recompute("its columns are not listed") };
    if keys.iter().any(|key| matches!(key, Expr::Value(_))) {
        return recompute("it groups by a constant");
    }
    let having = shape.select.having.clone();
    let merging = merge::plan(&items, having.as_ref(), keys, casts);
    if keys.is_empty() && merging.is_none() {
        return recompute("an aggregate over all rows cannot take changes up");
    }
    let full = Full { items, keys, having, merging: merging.as_ref() };
    let query = full.storage_query(&shape.select, casts);
    let regroup = if keys.is_empty() {
        query.clone()
    } else {
        let mut touched = shape.select.clone();
        let wanted = touched_condition(keys);
        touched.selection = Some(match touched.selection.take() {
            Some(kept) => and(kept, wanted),
            None => wanted,
        });
        full.storage_query(&touched, casts)
    };
    let deltas = shape.sources.iter().filter(|source| source.gives_deltas).map(|source| {
        let select = shape.with_delta(source);
        Delta {
            input: source.input,
            rows: full.merging.map_or(String::new(), |merging| {
                with_items(&select, full.state_items(merging)).to_string()
            }),
            keys: if keys.is_empty() { String::new() } else { full.keys_query(&select) },
        }
    });
    let groups = Groups {
        keys: keys.len(),
        regroup,
        deltas: deltas.collect(),
        having: full.having.is_some(),
        merge: merging.as_ref().map(|merging| merging.merge.clone()),
    };
    (query, Upkeep::Groups(groups))
}

/// An aggregating query in parts.
struct Full<'a> {
    items: Vec<Expr>,
    keys: &'a [Expr],
    having: Option<Expr>,
    merging: Option<&'a Merging>,
}

impl Full<'_> {
    /// All columns of the storage, of a query's groups.
    fn storage_query(&self, select: &Select, casts: &[Option<String>]) -> String {
        let mut items: Vec<SelectItem> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let mut outer: Vec<String> = Vec::new();
        for (place, (item, to)) in self.items.iter().zip(casts).enumerate() {
            items.push(named(item.clone(), &format!("x{place}")));
            names.push(format!("x{place}"));
            outer.push(format!("{} AS c{place}", cast(&format!("x{place}"), to.as_ref())));
        }
        let mut add = |item: SelectItem, name: String| {
            items.push(item);
            outer.push(name.clone());
            names.push(name);
        };
        for (place, key) in self.keys.iter().enumerate() {
            add(named(key.clone(), &format!("k{place}")), format!("k{place}"));
        }
        if let Some(merging) = self.merging {
            for (name, state) in merging.states() {
                add(named(state.clone(), &name), name);
            }
        }
        if let Some(having) = &self.having {
            add(named(having.clone(), "h"), "h".to_owned());
        }
        let inner = with_items(select, items);
        format!("SELECT {} FROM ({inner}) AS q({})", outer.join(", "), names.join(", "))
    }

    /// Keys, aggregates and the number of rows.
    fn state_items(&self, merging: &Merging) -> Vec<SelectItem> {
        let keys = self.keys.iter().enumerate();
        let keys = keys.map(|(place, key)| named(key.clone(), &format!("k{place}")));
        let states = merging.states();
        keys.chain(states.map(|(name, state)| named(state.clone(), &name))).collect()
    }

    fn keys_query(&self, select: &Select) -> String {
        let keys = self.keys.iter().enumerate();
        let items = keys.map(|(place, key)| named(key.clone(), &format!("k{place}"))).collect();
        let mut select = with_items(select, items);
        select.group_by = GroupByExpr::Expressions(Vec::new(), Vec::new());
        select.distinct = Some(Distinct::Distinct);
        select.to_string()
    }
}

fn with_items(select: &Select, items: Vec<SelectItem>) -> Select {
    let mut select = select.clone();
    select.projection = items;
    select.having = None;
    select
}

fn named(expr: Expr, name: &str) -> SelectItem {
    SelectItem::ExprWithAlias { expr, alias: Ident::new(name) }
}

fn and(left: Expr, right: Expr) -> Expr {
    Expr::BinaryOp {
        left: Box::new(Expr::Nested(Box::new(left))),
        op: sqlparser::ast::BinaryOperator::And,
        right: Box::new(right),
    }
}

/// True for rows of a group that is touched.
fn touched_condition(keys: &[Expr]) -> Expr {
    let same: Vec<String> = keys
        .iter()
        .enumerate()
        .map(|(place, key)| format!("{TOUCHED}.k{place} IS NOT DISTINCT FROM ({key})"))
        .collect();
    let sql = format!("EXISTS (SELECT 1 FROM {TOUCHED} WHERE {})", same.join(" AND "));
    merge::parsed(&sql)
}
