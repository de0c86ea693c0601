//! Aggregates whose groups take changes up without being computed again: counts, sums and averages,
//! least and greatest values.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, VisitMut, VisitorMut,
};

use super::groups::{is_aggregate, is_open, name};
use super::{Merge, MergeColumn, NEW, OLD, cast};
use crate::sql::dialect::parsed_expr;

/// What a storage keeps of an aggregating query, and how it changes.
pub(super) struct Merging {
    states: Vec<State>,
    pub(super) merge: Merge,
}

/// An aggregate that the storage keeps.
struct State {
    column: String,
    /// The aggregate as the query has it.
    sql: Expr,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Count,
    Sum,
    Min,
    Max,
}

impl State {
    fn insert(&self) -> String {
        format!("{NEW}.{}", self.column)
    }

    fn plus(&self) -> String {
        let (old, new) = (format!("{OLD}.{}", self.column), self.insert());
        match self.kind {
            Kind::Count => format!("({old} + {new})"),
            Kind::Sum => format!("COALESCE({old} + {new}, {old}, {new})"),
            Kind::Min => format!("least({old}, {new})"),
            Kind::Max => format!("greatest({old}, {new})"),
        }
    }

    /// What is left when rows are taken away; the least and the greatest value are not known then.
    fn minus(&self) -> String {
        let (old, new) = (format!("{OLD}.{}", self.column), self.insert());
        match self.kind {
            Kind::Count => format!("({old} - {new})"),
            Kind::Sum => format!("CASE WHEN {new} IS NULL THEN {old} ELSE {old} - {new} END"),
            Kind::Min | Kind::Max => old,
        }
    }
}

/// Which of a group's three fates an expression is for.
#[derive(Clone, Copy)]
enum Fate {
    Insert,
    Plus,
    Minus,
}

impl Merging {
    /// The columns of the aggregates, and the aggregates themselves.
    pub(super) fn states(&self) -> impl Iterator<Item = (String, &Expr)> {
        self.states.iter().map(|state| (state.column.clone(), &state.sql))
    }
}

/// Works out how groups take changes up; `None` when an aggregate or an expression does not allow
/// it.
pub(super) fn plan(
    items: &[Expr],
    having: Option<&Expr>,
    keys: &[Expr],
    casts: &[Option<String>],
) -> Option<Merging> {
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    let mut states =
        vec![State { column: "n".to_owned(), sql: parsed("count(*)"), kind: Kind::Count }];
    for expr in items.iter().chain(having) {
        collect(expr, &mut states)?;
    }
    let mut columns = Vec::new();
    for (place, (item, to)) in items.iter().zip(casts).enumerate() {
        let value = |fate| {
            let computed = computed(item, fate, &keys, &states)?;
            Some(cast(&computed.to_string(), to.as_ref()))
        };
        let name = format!("c{place}");
        columns.push(column(name, has_aggregate(item), value)?);
    }
    for place in 0..keys.len() {
        let insert = format!("{NEW}.k{place}");
        let name = format!("k{place}");
        columns.push(MergeColumn { name, insert, plus: String::new(), minus: String::new() });
    }
    for state in &states {
        columns.push(MergeColumn {
            name: state.column.clone(),
            insert: state.insert(),
            plus: state.plus(),
            minus: state.minus(),
        });
    }
    if let Some(having) = having {
        let value = |fate| Some(computed(having, fate, &keys, &states)?.to_string());
        columns.push(column("h".to_owned(), true, value)?);
    }
    let extremes = states.iter().any(|state| matches!(state.kind, Kind::Min | Kind::Max));
    let sums = states.iter().filter(|state| state.kind == Kind::Sum);
    let sums = sums.map(|state| state.column.clone()).collect();
    Some(Merging { states, merge: Merge { columns, subtracts: !extremes, sums } })
}

fn column(
    name: String,
    changes: bool,
    value: impl Fn(Fate) -> Option<String>,
) -> Option<MergeColumn> {
    let changed = |fate| if changes { value(fate) } else { Some(String::new()) };
    Some(MergeColumn {
        name,
        insert: value(Fate::Insert)?,
        plus: changed(Fate::Plus)?,
        minus: changed(Fate::Minus)?,
    })
}

fn has_aggregate(expr: &Expr) -> bool {
    let found: ControlFlow<()> = sqlparser::ast::visit_expressions(expr, |expr| match expr {
        Expr::Function(function) if is_aggregate(function) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// Adds what the storage must keep for the aggregates of an expression; `None` when there is one
/// that cannot take changes up.
fn collect(expr: &Expr, states: &mut Vec<State>) -> Option<()> {
    let mut wanted = Vec::new();
    let flow: ControlFlow<()> = sqlparser::ast::visit_expressions(expr, |expr| match expr {
        Expr::Function(function) if is_aggregate(function) => match parts(function) {
            Some(parts) => {
                wanted.extend(parts);
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        },
        _ => ControlFlow::Continue(()),
    });
    if flow.is_break() {
        return None;
    }
    for (kind, sql) in wanted {
        if find(states, &sql).is_none() {
            // The first state is `n`.
            let column = format!("a{}", states.len() - 1);
            states.push(State { column, sql, kind });
        }
    }
    Some(())
}

fn find<'a>(states: &'a [State], sql: &Expr) -> Option<&'a State> {
    let text = sql.to_string();
    states.iter().find(|state| state.sql.to_string() == text)
}

/// What must be kept for an aggregate.
fn parts(function: &Function) -> Option<Vec<(Kind, Expr)>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    if list.duplicate_treatment.is_some()
        || !list.clauses.is_empty()
        || !function.within_group.is_empty()
        || function.null_treatment.is_some()
        || function.name.0.len() != 1
        || list.args.len() != 1
    {
        return None;
    }
    let as_it_is = || Expr::Function(function.clone());
    let called = |other: &str| {
        let mut function = function.clone();
        function.name = sqlparser::ast::ObjectName::from(vec![sqlparser::ast::Ident::new(other)]);
        Expr::Function(function)
    };
    let starred = matches!(list.args[0], FunctionArg::Unnamed(FunctionArgExpr::Wildcard));
    Some(match name(function) {
        "count" => vec![(Kind::Count, as_it_is())],
        _ if starred => return None,
        "sum" => vec![(Kind::Sum, as_it_is()), (Kind::Count, called("count"))],
        "avg" => vec![(Kind::Sum, called("sum")), (Kind::Count, called("count"))],
        "min" => vec![(Kind::Min, as_it_is())],
        "max" => vec![(Kind::Max, as_it_is())],
        _ => return None,
    })
}

/// Puts the storage's columns in the places of keys and aggregates; `None` when something else of
/// the inputs is left.
fn computed(expr: &Expr, fate: Fate, keys: &[String], states: &[State]) -> Option<Expr> {
    let mut changed = expr.clone();
    let mut placer = Placer { fate, keys, states, failed: false };
    let _ = changed.visit(&mut placer);
    (!placer.failed && !is_open(&changed)).then_some(changed)
}

struct Placer<'a> {
    fate: Fate,
    keys: &'a [String],
    states: &'a [State],
    failed: bool,
}

impl Placer<'_> {
    fn value(&self, sql: &Expr) -> Option<String> {
        let state = find(self.states, sql)?;
        Some(match self.fate {
            Fate::Insert => state.insert(),
            Fate::Plus => state.plus(),
            Fate::Minus => state.minus(),
        })
    }

    fn aggregate(&self, function: &Function) -> Option<String> {
        match (name(function), parts(function)?.as_slice()) {
            ("sum", [(_, sum), (_, count)]) => {
                Some(format!("CASE WHEN {} > 0 THEN {} END", self.value(count)?, self.value(sum)?))
            }
            ("avg", [(_, sum), (_, count)]) => Some(format!(
                "CASE WHEN {0} > 0 THEN CAST({1} AS DOUBLE) / {0} END",
                self.value(count)?,
                self.value(sum)?
            )),
            (_, [(_, only)]) => self.value(only),
            _ => None,
        }
    }
}

impl VisitorMut for Placer<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expr
            && parts.first().is_some_and(|part| matches!(part.value.as_str(), OLD | NEW))
        {
            return ControlFlow::Continue(());
        }
        let text = expr.to_string();
        if let Some(place) = self.keys.iter().position(|key| *key == text) {
            let side = match self.fate {
                Fate::Insert => NEW,
                Fate::Plus | Fate::Minus => OLD,
            };
            *expr = parsed(&format!("{side}.k{place}"));
        } else if let Expr::Function(function) = &*expr
            && is_aggregate(function)
        {
            match self.aggregate(function) {
                Some(sql) => *expr = Expr::Nested(Box::new(parsed(&sql))),
                None => self.failed = true,
            }
        }
        ControlFlow::Continue(())
    }
}

/// Parses an expression of our own.
pub(super) fn parsed(sql: &str) -> Expr {
    parsed_expr(sql).unwrap_or_else(|_| Expr::Identifier(sqlparser::ast::Ident::new(sql)))
}
