//! Turns a PostgreSQL statement's tree into one that DataFusion plans with the same meaning.

use std::ops::ControlFlow;

use sqlparser::ast::{Ident, ObjectName, Query, Statement, VisitMut, VisitorMut};

use super::{NameContext, labels};
use crate::error::Result;

/// Rewrites a statement for DataFusion, in place: labels as PostgreSQL gives them, names without
/// the database, locks left out.
pub fn for_datafusion(statement: &mut Statement, names: &NameContext) -> Result<()> {
    struct Rewriter<'a>(&'a NameContext);
    impl VisitorMut for Rewriter<'_> {
        type Break = ();

        fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<()> {
            let idents: Vec<Ident> =
                relation.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
            if let [database, schema, table] = idents.as_slice()
                && database.value == self.0.database
            {
                *relation = ObjectName::from(vec![schema.clone(), table.clone()]);
            }
            ControlFlow::Continue(())
        }

        fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
            query.locks.clear();
            ControlFlow::Continue(())
        }
    }
    labels::add(statement);
    let _ = statement.visit(&mut Rewriter(names));
    Ok(())
}
