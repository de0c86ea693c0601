//! SET CONSTRAINTS: which foreign keys the transaction has to keep only at its end.

use std::sync::Arc;

use super::{Session, StatementGuard, Transaction};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::pipeline::Graph;
use crate::sql::{ForeignKey, TableRef};
use crate::sqlstate::SqlState;

impl Session {
    /// Defers foreign keys until the end of the transaction, or looks at them now and from now on;
    /// no names for all.
    ///
    /// # Errors
    /// 42704 and 42809 for names that are of no such key; 23503 when one is broken now.
    pub(super) async fn set_constraints(
        &mut self,
        names: &[TableRef],
        deferred: bool,
        guard: &StatementGuard,
    ) -> Result<()> {
        self.warn_unless_in_block("SET CONSTRAINTS");
        let context = self.context(guard).await?;
        let Transaction::Open(open) = &mut self.transaction else { return Ok(()) };
        let lane = open.writes.lane.clone();
        let graph = match &lane {
            Some(lane) => lane.graph(),
            None => self.services.router.pipelines.graph(),
        };
        let found = found(&graph, names, &context.query.search_path)?;
        if names.is_empty() {
            open.modes.set_all(deferred);
        }
        for key in &found {
            open.modes.set(key, deferred);
        }
        match (&lane, &open.snapshot) {
            (Some(lane), Some(snapshot)) if !deferred => {
                lane.check_keys(&snapshot.held, Some(open.modes.clone()), &guard.token()).await
            }
            _ => Ok(()),
        }
    }
}

/// Finds the keys of some names: those of the first schema of the search path that has any.
fn found(graph: &Graph, names: &[TableRef], path: &[String]) -> Result<Vec<Arc<ForeignKey>>> {
    let mut found = Vec::new();
    for name in names {
        let in_schema = |schema: &TableName| {
            let of = |key: &&Arc<ForeignKey>| {
                key.name == name.table && key.table.schema == schema.schema
            };
            graph.keys().filter(of).cloned().collect::<Vec<_>>()
        };
        let keys = name.candidates(path).map(|schema| in_schema(&schema));
        let keys = keys.into_iter().find(|keys| !keys.is_empty()).ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("constraint \"{}\" does not exist", name.table),
            )
        })?;
        if keys.iter().any(|key| !key.rules.deferrable) {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("constraint \"{}\" is not deferrable", name.table),
            ));
        }
        found.extend(keys);
    }
    Ok(found)
}
