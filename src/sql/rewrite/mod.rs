//! Turns a PostgreSQL statement's tree into one that DuckDB runs with the same meaning.
//!
//! **Contract:** the statement was parsed from tokens that went through [`fold_tokens`], so that
//! unquoted names are in lower case. The result's `Display` is DuckDB SQL. Text is never searched.
//! Not here: which statements may run at all, SET and SHOW, parameters' types.

mod aggregates;
mod casts;
mod counted;
mod decisions;
mod fold;
mod for_datafusion;
mod intents;
mod json_rows;
mod kept;
mod labels;
mod literals;
mod moment;
mod names;
mod of_session;
mod operators;
mod routines;
mod rows;
mod sequences;
mod session_facts;
mod spelled;
mod statements;
#[cfg(test)]
mod tests;
mod ties;
mod types;
mod unnested;
mod variadic;

use std::ops::ControlFlow;
use std::sync::Arc;

use sqlparser::ast::{
    Expr, ObjectName, Query, Select, SetExpr, Statement, TableFactor, VisitMut, VisitorMut,
    visit_expressions_mut,
};

use super::analyze::Relations;
use crate::error::{Error, Result};
use crate::types::{InputStyle, PgType};

use counted::RowNumbers;

pub use fold::{fold_tokens, parse};
pub use for_datafusion::for_datafusion;
pub(in crate::sql) use intents::wait_args;
pub use intents::{SessionIntents, WaitedIntent};
pub use kept::KeptNames;
pub(in crate::sql) use labels::column_name;
pub(in crate::sql) use literals::respell_bytes;
pub use moment::{Moment, fixed, is_random, is_volatile, with_fixed_times};
pub(in crate::sql) use names::string;
pub use names::{SystemCatalog, SystemRelation};
pub use sequences::Drawn;
pub use session_facts::{SessionFacts, SessionRoles};
pub(in crate::sql) use types::rewrite as rewrite_type;

/// What a session's names mean.
#[derive(Clone)]
pub struct NameContext {
    /// The database that the client is connected to; DuckDB's database has the same name.
    pub database: String,
    /// Schemas for unqualified names, in PostgreSQL's words.
    pub search_path: Vec<String>,
    /// What the session's functions give.
    pub session: SessionFacts,
    /// How the session reads texts.
    pub input_style: InputStyle,
    /// The columns of the tables that the statement names, as far as they are known.
    pub relations: Arc<Relations>,
    /// The parameters' types, as far as they are known.
    pub param_types: Vec<Option<PgType>>,
    /// Which relations and functions the catalogue has.
    pub catalog: &'static (dyn SystemCatalog + Send + Sync),
    /// Takes note of what the statement names of the catalogue's kept copy; `None` where the
    /// session may see other definitions than the copy has.
    pub kept: Option<KeptNames>,
}

/// Rewrites a statement for DuckDB, in place.
pub fn for_duckdb(statement: &mut Statement, names: &NameContext) -> Result<()> {
    ties::rewrite(statement)?;
    json_rows::rewrite(statement)?;
    counted::rewrite(statement, RowNumbers::OfTables)?;
    labels::add(statement);
    casts::show_top_level(statement);
    each_expression(statement, |expr| {
        spelled::rewrite(expr);
        variadic::spell_out(expr)?;
        rows::spell_out(expr)
    })?;
    // What a view or a table keeps must not name the server's own functions: the data file is
    // opened without them, too.
    let kept = matches!(
        statement,
        Statement::CreateView(_) | Statement::CreateMacro { .. } | Statement::AlterTable(_)
    ) || matches!(&*statement, Statement::CreateTable(table) if table.query.is_none());
    if !kept {
        moment::fix(statement, &names.session);
    }
    decisions::apply(statement, names, kept)?;
    routines::rewrite(statement, names)?;
    let mut rewriter = Rewriter {
        names,
        scopes: Vec::new(),
        tables: Vec::new(),
        is_kept: kept,
        is_function: false,
    };
    if let ControlFlow::Break(error) = statement.visit(&mut rewriter) {
        return Err(error);
    }
    if let Some(kept) = &names.kept {
        kept.point(statement, names.catalog);
    }
    Ok(())
}

/// The walk over the tree: each concern's file changes the nodes that it knows.
struct Rewriter<'a> {
    names: &'a NameContext,
    /// Names of common table expressions, one list for each query around the current node.
    scopes: Vec<Vec<String>>,
    /// The catalogue's relations in FROM, one list for each SELECT around the current node.
    tables: Vec<Vec<names::NamedRelation>>,
    /// The statement's text is kept: it is no one session's, and a division by zero in it is not
    /// made an error.
    is_kept: bool,
    /// The next relation is a function in FROM, whose name is done.
    is_function: bool,
}

impl Rewriter<'_> {
    fn is_cte(&self, name: &str) -> bool {
        self.scopes.iter().flatten().any(|cte| cte == name)
    }
}

/// Changes each expression of a statement, after those inside of it.
fn each_expression(
    statement: &mut Statement,
    mut change: impl FnMut(&mut Expr) -> Result<()>,
) -> Result<()> {
    match visit_expressions_mut(statement, |expr| flow(change(expr))) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

fn flow(result: Result<()>) -> ControlFlow<Error> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

impl VisitorMut for Rewriter<'_> {
    type Break = Error;

    fn pre_visit_statement(&mut self, statement: &mut Statement) -> ControlFlow<Error> {
        flow(statements::rewrite(statement, self.names))
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        self.scopes.push(ctes.map(|cte| cte.alias.name.value.clone()).collect());
        query.locks.clear();
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Error> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        self.tables.push(names::system_relations(select, self.names));
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _select: &mut Select) -> ControlFlow<Error> {
        self.tables.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        intents::waited(factor, self.names);
        spelled::sample(factor);
        let is_cte = matches!(&*factor, TableFactor::Table { name, .. }
            if matches!(names::parts(name).as_deref(), Some([only]) if self.is_cte(only)));
        if !self.is_kept && !is_cte {
            of_session::relation(factor, self.names);
        }
        if !is_cte {
            flow(sequences::relation(factor, self.names))?;
        }
        names::scalar_function(factor);
        names::table_function(factor, self.names);
        self.is_function = matches!(factor, TableFactor::Table { args: Some(_), .. });
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Error> {
        if std::mem::take(&mut self.is_function) && relation.0.len() == 3 {
            return ControlFlow::Continue(());
        }
        if let [part] = relation.0.as_slice() {
            if part.as_ident().is_some_and(|ident| self.is_cte(&ident.value)) {
                return ControlFlow::Continue(());
            }
        }
        flow(names::relation(relation, self.names))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        flow(
            sequences::rewrite(expr, self.names)
                .and_then(|()| casts::rewrite(expr, self.names))
                .and_then(|()| operators::rewrite(expr, self.is_kept)),
        )
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        names::hidden_column(expr, &self.tables);
        if !self.is_kept {
            of_session::own_role(expr, self.names);
            of_session::current_setting(expr, self.names);
        }
        names::expression(expr, self.names);
        operators::base_zero(expr);
        operators::extract(expr);
        if !self.is_kept {
            operators::guard_division(expr);
        }
        flow(literals::plain(expr))
    }
}

/// Finds the select list that names a query's result columns: a set operation's is its first arm's.
fn first_select(body: &mut SetExpr) -> Option<&mut Select> {
    match body {
        SetExpr::Select(select) => Some(select),
        SetExpr::Query(query) => first_select(&mut query.body),
        SetExpr::SetOperation { left, .. } => first_select(left),
        _ => None,
    }
}

/// Finds the query whose rows a statement sends to the client.
fn result_query(statement: &mut Statement) -> Option<&mut Query> {
    match statement {
        Statement::Query(query) => Some(query),
        Statement::CreateView(view) => Some(&mut view.query),
        Statement::CreateTable(table) => table.query.as_deref_mut(),
        _ => None,
    }
}
