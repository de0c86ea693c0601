//! Materialized views in the transactions that change their tables: what an [`Applier`] does
//! around each change, and before and after a commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::applier::Applier;
use crate::catalog::TEMPORARY_SCHEMA;
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::intent::{Body, Origin, TagKind};
use crate::pipeline::{Change, Graph, Upkeep};
use crate::sql::{Candidates, Definition, Dropped, Effect, TableAction};
use crate::sqlstate::SqlState;

/// What an applied change means for views.
pub(super) enum Around {
    Change(Change),
    /// Definitions: views were made or dropped, or these tables are others now.
    Definitions {
        tables: Vec<Candidates>,
    },
}

impl Applier {
    /// Starts a transaction.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.connection.begin()?;
        self.upkeep = Upkeep::new(self.targets.pipelines.graph(), true);
        self.redefined = false;
        Ok(())
    }

    /// Goes on in a transaction that others have begun, which sees these views.
    pub(super) fn resume(&mut self, graph: Arc<Graph>) {
        self.upkeep = Upkeep::new(graph, false);
    }

    /// The views that the transaction has defined, if it has.
    pub(super) fn redefined(&self) -> Option<Arc<Graph>> {
        self.redefined.then(|| self.upkeep.shared_graph())
    }

    /// Lets the views follow what is left. Before every commit.
    pub(super) fn settle(&mut self) -> Result<()> {
        self.upkeep.finish(&mut self.connection)
    }

    /// Tells the others of the views that were defined or changed. After every commit.
    pub(super) fn settled(&mut self, seq: IntentSeq) {
        if let Some(graph) = self.redefined() {
            self.targets.pipelines.set(graph);
            self.redefined = false;
        }
        self.targets.pipelines.note_moved(self.upkeep.changed(), seq);
    }

    /// Prepares views for a change.
    pub(super) fn before(&mut self, origin: &Origin, body: &Body) -> Result<Around> {
        if let Body::Define { changes, .. } = body {
            let tables = redefined_tables(changes);
            let views = changes.iter().any(is_about_views);
            if !views && (tables.is_empty() || self.upkeep.graph().is_empty()) {
                return Ok(Around::Change(Change::Unwatched));
            }
            self.settle()?;
            return Ok(Around::Definitions { tables });
        }
        let unwatched = Ok(Around::Change(Change::Unwatched));
        let Some(table) = body.table().filter(|table| table.schema != TEMPORARY_SCHEMA) else {
            return unwatched;
        };
        if !self.upkeep.graph().may_watch(&table.table) {
            return unwatched;
        }
        let (effect, params, deletes) = match body {
            Body::Statement { effect, params, tag, .. } => match tag {
                TagKind::Fixed(_) | TagKind::Select => return unwatched,
                tag => (effect.clone(), params.as_slice(), *tag == TagKind::Delete),
            },
            Body::Rows { create: None, .. } | Body::Values(_) => {
                (Effect::Inserts, [].as_slice(), false)
            }
            _ => return unwatched,
        };
        let table = self.meant(origin, table)?;
        let change = self.upkeep.before(&mut self.connection, &table, &effect, params, deletes)?;
        Ok(Around::Change(change))
    }

    /// Lets views follow a change that was made.
    pub(super) fn after(&mut self, around: Around) -> Result<()> {
        match around {
            Around::Change(change) => self.upkeep.after(&mut self.connection, change),
            Around::Definitions { tables } => {
                for candidates in tables {
                    for table in candidates {
                        self.refuse_broken(&table)?;
                    }
                }
                let graph = Graph::load(&mut self.connection)?;
                let changed =
                    std::mem::replace(&mut self.upkeep, Upkeep::new(Arc::new(graph), false));
                self.upkeep.note_changed(changed.changed());
                self.redefined = true;
                Ok(())
            }
        }
    }

    /// A table was altered: the views that read it must still be able to.
    fn refuse_broken(&mut self, table: &TableName) -> Result<()> {
        let done = self.upkeep.recompute_readers(&mut self.connection, table);
        match (done, self.upkeep.failed()) {
            (Err(error), Some((view, _))) => Err(Error::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!("cannot alter table {} because other objects depend on it", table.table),
            )
            .with_detail(format!(
                "materialized view {} depends on table {}: {}",
                view.table,
                table.table,
                error.message()
            ))),
            (done, _) => done,
        }
    }

    /// Finds the table that an unqualified name of a statement means.
    fn meant(&mut self, origin: &Origin, table: &TableName) -> Result<TableName> {
        let path = &origin.search_path;
        if path.len() < 2 || path.first() != Some(&table.schema) {
            return Ok(table.clone());
        }
        for schema in path {
            let candidate = TableName::new(schema.clone(), table.table.clone());
            if self.connection.has_table(&candidate)? {
                return Ok(candidate);
            }
        }
        Ok(table.clone())
    }
}

/// Lists the tables whose rows or columns definitions change.
fn redefined_tables(changes: &[Definition]) -> Vec<Candidates> {
    let of = |change: &Definition| match change {
        Definition::AlterTable { table, actions, .. } => {
            let harmless = |action: &TableAction| {
                matches!(
                    action,
                    TableAction::SetDefault { .. }
                        | TableAction::AddConstraint { .. }
                        | TableAction::DropConstraint { .. }
                        | TableAction::RenameConstraint { .. }
                        | TableAction::SetNotNull { .. }
                )
            };
            if actions.iter().all(harmless) { Vec::new() } else { vec![table.clone()] }
        }
        Definition::Truncate { tables, .. } => tables.clone(),
        _ => Vec::new(),
    };
    changes.iter().flat_map(of).collect()
}

fn is_about_views(change: &Definition) -> bool {
    matches!(
        change,
        Definition::CreateView(_)
            | Definition::AlterView { .. }
            | Definition::Drop {
                kind: Dropped::MaterializedView | Dropped::Table | Dropped::View | Dropped::Schema,
                ..
            }
    )
}

/// The tables that an intent must have for itself, with those that views bring together with them.
pub(super) fn with_followers(graph: &Graph, names: BTreeSet<TableName>) -> BTreeSet<TableName> {
    if graph.is_empty() {
        return names;
    }
    let more: Vec<TableName> = names.iter().flat_map(|name| graph.together(name)).collect();
    names.into_iter().chain(more).collect()
}
