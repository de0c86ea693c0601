//! `count(t.*)`: how many rows of a table there are, without those that an outer join made up.
//! DuckDB counts these, too.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, JoinOperator, Query, Select,
    SetExpr, Statement, TableFactor, VisitMut, VisitorMut, visit_expressions_mut,
};

use super::names;
use crate::error::{Error, Result};

/// What can tell whether a row was made up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RowNumbers {
    /// DuckDB's tables number their rows.
    OfTables,
    Nowhere,
}

/// Rewrites the counts of a statement.
///
/// # Errors
/// 0A000 where nothing can tell.
pub(super) fn rewrite(statement: &mut Statement, numbers: RowNumbers) -> Result<()> {
    match statement.visit(&mut Counter { numbers }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Counter {
    numbers: RowNumbers,
}

/// A table in FROM, by the name that it has there.
struct Source {
    name: String,
    has_numbers: bool,
}

impl VisitorMut for Counter {
    type Break = Error;

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        let SetExpr::Select(select) = query.body.as_ref() else {
            return ControlFlow::Continue(());
        };
        let (sources, is_outer) = (self.sources(select), has_outer_join(select));
        visit_expressions_mut(query, |expr| match count_rows(expr, &sources, is_outer) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        })
    }
}

impl Counter {
    fn sources(&self, select: &Select) -> Vec<Source> {
        let factors = select.from.iter().flat_map(|from| {
            std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation))
        });
        let source = |factor: &TableFactor| {
            let (alias, written, is_table) = match factor {
                TableFactor::Table { alias, name, args, .. } => {
                    (alias, name.0.last().and_then(|part| part.as_ident()), args.is_none())
                }
                TableFactor::Derived { alias, .. } => (alias, None, false),
                _ => return None,
            };
            let name = alias.as_ref().map(|alias| &alias.name).or(written)?;
            let has_numbers = is_table && self.numbers == RowNumbers::OfTables;
            Some(Source { name: name.value.clone(), has_numbers })
        };
        factors.filter_map(source).collect()
    }
}

fn has_outer_join(select: &Select) -> bool {
    let operators = select.from.iter().flat_map(|from| &from.joins).map(|join| &join.join_operator);
    operators.into_iter().any(|operator| {
        !matches!(
            operator,
            JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_)
        )
    })
}

fn count_rows(expr: &mut Expr, sources: &[Source], is_outer: bool) -> Result<()> {
    let Expr::Function(function) = expr else { return Ok(()) };
    if !matches!(names::parts(&function.name).as_deref(), Some(["count"] | ["pg_catalog", "count"]))
    {
        return Ok(());
    }
    let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
    let [FunctionArg::Unnamed(counted)] = list.args.as_mut_slice() else { return Ok(()) };
    let FunctionArgExpr::QualifiedWildcard(name) = &*counted else { return Ok(()) };
    let Some(table) = name.0.last().and_then(|part| part.as_ident()).cloned() else {
        return Ok(());
    };
    let is_meant = |source: &&Source| source.name.eq_ignore_ascii_case(&table.value);
    let Some(source) = sources.iter().find(is_meant) else { return Ok(()) };
    *counted = if !is_outer {
        FunctionArgExpr::Wildcard
    } else if source.has_numbers {
        FunctionArgExpr::Expr(Expr::CompoundIdentifier(vec![table, Ident::new("rowid")]))
    } else {
        return Err(Error::unsupported(format!(
            "count({}.*) beside an outer join is supported of DuckDB's tables only",
            source.name
        ))
        .with_hint("Count a column that is never NULL."));
    };
    Ok(())
}
