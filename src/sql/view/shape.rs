//! Which queries can be maintained from the rows that changed.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, Distinct, Expr, GroupByExpr, Ident, JoinOperator, ObjectName, Query, Select, SelectItem,
    SetExpr, TableAlias, TableFactor, Visit, Visitor,
};

use super::{DELTA, Upkeep, groups, rows};
use crate::ids::TableName;
use crate::sql::define::Candidates;
use crate::sql::rewrite::NameContext;

/// A query that can be maintained.
pub(super) struct Shape {
    /// Without ORDER BY, which a table does not keep.
    pub(super) select: Select,
    pub(super) sources: Vec<Source>,
    /// What it groups by; `None` where each row of the inputs is a row of the view.
    pub(super) keys: Option<Vec<Expr>>,
}

/// A table in FROM.
pub(super) struct Source {
    /// Its place among the view's inputs.
    pub(super) input: usize,
    /// Its place in FROM: the item, and the join in it (0 for the first table).
    place: (usize, usize),
    /// A change of its rows changes only the rows that come of them: it is not on the side of an
    /// outer join that may be missing.
    pub(super) gives_deltas: bool,
}

/// Looks whether a query can be maintained from the rows that changed; the error is why not.
pub(super) fn of(
    query: &Query,
    inputs: &[Candidates],
    names: &NameContext,
) -> Result<Shape, String> {
    let reason = |text: &str| Err(text.to_owned());
    if query.with.is_some() {
        return reason("it has a WITH clause");
    }
    if query.limit_clause.is_some() || query.fetch.is_some() {
        return reason("it has a LIMIT");
    }
    let SetExpr::Select(select) = query.body.as_ref() else {
        return reason("it is not a single SELECT");
    };
    if let Some(text) = beyond(select) {
        return reason(text);
    }
    let mut select = select.as_ref().clone();
    let sources = sources(&select, inputs)?;
    let aggregates = select.projection.iter().any(has_aggregate) || select.having.is_some();
    let keys = match (&select.group_by, &select.distinct) {
        (GroupByExpr::All(_), _) => return reason("it groups by ALL"),
        (GroupByExpr::Expressions(_, modifiers), _) if !modifiers.is_empty() => {
            return reason("it has GROUPING SETS");
        }
        (GroupByExpr::Expressions(given, _), None) if !given.is_empty() || aggregates => {
            Some(resolve_keys(given, &select, names)?)
        }
        (GroupByExpr::Expressions(given, _), Some(Distinct::Distinct))
            if given.is_empty() && !aggregates =>
        {
            let items = select.projection.iter().map(expression);
            Some(items.collect::<Option<Vec<_>>>().ok_or("its columns are not listed")?)
        }
        (_, Some(Distinct::All) | None) => None,
        (_, Some(_)) => return reason("it has DISTINCT beside aggregates, or DISTINCT ON"),
    };
    if let Some(keys) = &keys {
        select.distinct = None;
        select.group_by = GroupByExpr::Expressions(keys.clone(), Vec::new());
    }
    Ok(Shape { select, sources, keys })
}

impl Shape {
    /// What the query comes to.
    pub(super) fn plan(&self, casts: &[Option<String>]) -> (String, Upkeep) {
        match &self.keys {
            None => rows::plan(self, casts),
            Some(keys) => groups::plan(self, keys, casts),
        }
    }

    /// The query with the changed rows in the place of one of its tables.
    pub(super) fn with_delta(&self, source: &Source) -> Select {
        let mut select = self.select.clone();
        let (item, join) = source.place;
        if let Some(tables) = select.from.get_mut(item) {
            let factor = match join {
                0 => Some(&mut tables.relation),
                join => tables.joins.get_mut(join - 1).map(|join| &mut join.relation),
            };
            if let Some(TableFactor::Table { name, alias, .. }) = factor {
                let called = name.0.last().and_then(|part| part.as_ident()).cloned();
                if let (None, Some(called)) = (&alias, called) {
                    *alias = Some(TableAlias {
                        explicit: true,
                        name: Ident::with_quote('"', called.value),
                        columns: Vec::new(),
                        at: None,
                    });
                }
                *name = ObjectName::from(vec![Ident::new(DELTA)]);
            }
        }
        select
    }
}

/// Names a clause that cannot be maintained.
fn beyond(select: &Select) -> Option<&'static str> {
    struct Finder(Option<&'static str>);
    impl Visitor for Finder {
        type Break = ();
        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.0 = Some("it has a subquery");
            ControlFlow::Break(())
        }
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(function) if function.over.is_some() => {
                    self.0 = Some("it has a window function");
                    ControlFlow::Break(())
                }
                Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_) => {
                    self.0 = Some("it has GROUPING SETS");
                    ControlFlow::Break(())
                }
                Expr::CompoundIdentifier(parts) if parts.len() > 2 => {
                    self.0 = Some("it names a column with its schema");
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    if select.qualify.is_some() || !select.named_window.is_empty() {
        return Some("it has a window function");
    }
    let others = select.top.is_some()
        || select.into.is_some()
        || select.prewhere.is_some()
        || !select.lateral_views.is_empty()
        || !select.connect_by.is_empty();
    if others {
        return Some("it has a clause that is not maintained");
    }
    let mut finder = Finder(None);
    let _ = select.visit(&mut finder);
    finder.0
}

/// Finds the tables in FROM, each named once.
fn sources(select: &Select, inputs: &[Candidates]) -> Result<Vec<Source>, String> {
    let mut sources: Vec<Source> = Vec::new();
    for (item, tables) in select.from.iter().enumerate() {
        let first = std::iter::once((&tables.relation, None));
        let joined = tables.joins.iter().map(|join| (&join.relation, Some(&join.join_operator)));
        for (join, (factor, operator)) in first.chain(joined).enumerate() {
            let gives_deltas = match operator {
                None
                | Some(
                    JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_),
                ) => true,
                Some(JoinOperator::Left(_) | JoinOperator::LeftOuter(_)) => false,
                Some(_) => return Err("it has a join that is not maintained".to_owned()),
            };
            let TableFactor::Table { name, args: None, sample: None, .. } = factor else {
                return Err("it reads something else than tables".to_owned());
            };
            let input = input_of(name, inputs).ok_or("it reads the catalogue")?;
            if sources.iter().any(|known| known.input == input) {
                return Err("it joins a table to itself".to_owned());
            }
            sources.push(Source { input, place: (item, join), gives_deltas });
        }
    }
    if sources.is_empty() {
        return Err("it reads no table".to_owned());
    }
    Ok(sources)
}

/// Finds a table of the rewritten query among the inputs.
fn input_of(name: &ObjectName, inputs: &[Candidates]) -> Option<usize> {
    let parts: Vec<&str> =
        name.0.iter().filter_map(|part| part.as_ident().map(|i| i.value.as_str())).collect();
    let public = |schema: &str| if schema == "main" { "public" } else { schema }.to_owned();
    inputs.iter().position(|candidates| match parts.as_slice() {
        [table] => candidates.first().is_some_and(|name| name.table == *table),
        [schema, table] => candidates.as_slice() == [TableName::new(public(schema), *table)],
        _ => false,
    })
}

/// What a select item computes; `None` for a wildcard.
pub(super) fn expression(item: &SelectItem) -> Option<Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
            Some(expr.clone())
        }
        _ => None,
    }
}

/// Puts expressions in the places of numbers and labels in GROUP BY.
fn resolve_keys(given: &[Expr], select: &Select, names: &NameContext) -> Result<Vec<Expr>, String> {
    let item = |place: usize| select.projection.get(place).and_then(expression);
    given
        .iter()
        .map(|key| match key {
            Expr::Value(value) => {
                let place = match &value.value {
                    ast::Value::Number(text, _) => text.parse::<usize>().ok(),
                    _ => None,
                };
                let found = place.and_then(|place| place.checked_sub(1)).and_then(item);
                found.ok_or_else(|| "it groups by a constant".to_owned())
            }
            Expr::Identifier(name) if !is_column(name, names) => {
                let labelled = select.projection.iter().find_map(|item| match item {
                    SelectItem::ExprWithAlias { expr, alias } if alias.value == name.value => {
                        Some(expr.clone())
                    }
                    _ => None,
                });
                Ok(labelled.unwrap_or_else(|| key.clone()))
            }
            Expr::Tuple(_) => Err("it groups by a row".to_owned()),
            other => Ok(other.clone()),
        })
        .collect()
}

/// Tells whether one of the tables has a column of this name.
fn is_column(name: &Ident, names: &NameContext) -> bool {
    names.relations.values().any(|columns| columns.iter().any(|column| column.name == name.value))
}

fn has_aggregate(item: &SelectItem) -> bool {
    struct Finder;
    impl Visitor for Finder {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(function) if groups::is_aggregate(function) => {
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    item.visit(&mut Finder).is_break()
}
