//! Turns a PostgreSQL statement's tree into one that DataFusion plans with the same meaning.

use std::ops::ControlFlow;

/// Functions that DataFusion has under PostgreSQL's name with another meaning.
const OTHER_MEANING: &[&str] = &["to_char", "to_date", "to_timestamp", "date_format"];

use sqlparser::ast::{Expr, Ident, ObjectName, Query, Statement, VisitMut, VisitorMut};

use super::counted::{self, RowNumbers};
use super::{NameContext, each_expression, labels, moment, routines, rows};
use crate::error::{Error, Result};

/// Rewrites a statement for DataFusion, in place: labels as PostgreSQL gives them, names without
/// the database, locks left out.
pub fn for_datafusion(statement: &mut Statement, names: &NameContext) -> Result<()> {
    struct Rewriter<'a>(&'a NameContext);
    impl VisitorMut for Rewriter<'_> {
        type Break = Error;

        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
            let refused = match expr {
                Expr::AtTimeZone { .. } => "AT TIME ZONE".to_owned(),
                Expr::SimilarTo { .. } => "SIMILAR TO".to_owned(),
                Expr::Function(function) => {
                    let last = function.name.0.last().and_then(|part| part.as_ident());
                    match last {
                        Some(name) if OTHER_MEANING.contains(&name.value.as_str()) => {
                            name.value.clone()
                        }
                        _ => return ControlFlow::Continue(()),
                    }
                }
                _ => return ControlFlow::Continue(()),
            };
            ControlFlow::Break(
                Error::unsupported(format!("{refused} is not supported on Arrow datasets yet"))
                    .with_hint("Copy the rows into a DuckDB table, where it is."),
            )
        }

        fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Error> {
            let idents: Vec<Ident> =
                relation.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
            if let [database, schema, table] = idents.as_slice()
                && database.value == self.0.database
            {
                *relation = ObjectName::from(vec![schema.clone(), table.clone()]);
            }
            ControlFlow::Continue(())
        }

        fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
            query.locks.clear();
            ControlFlow::Continue(())
        }
    }
    routines::refuse(statement, names)?;
    counted::rewrite(statement, RowNumbers::Nowhere)?;
    labels::add(statement);
    each_expression(statement, rows::spell_out)?;
    moment::fix(statement, &names.session);
    match statement.visit(&mut Rewriter(names)) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}
