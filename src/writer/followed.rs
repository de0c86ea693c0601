//! Materialized views and triggers in the transactions that change their tables: what an
//! [`Applier`] does around each change, and before and after a commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Targets;
use super::applier::Applier;
use crate::catalog::TEMPORARY_SCHEMA;
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::intent::{AsOf, Body, Origin, RowsAt};
use crate::notification::{NoticeText, Notification};
use crate::pipeline::{Bounds, Change, ChangeKind, Changing, Given, Graph, Moved, StoredTrigger};
use crate::sql::trigger::TriggerChange;
use crate::sql::{Candidates, Definition, Dropped, Effect, TableAction, ViewAction};
use crate::sqlstate::SqlState;
use crate::types::Value;

/// What an applied change means for views.
pub(super) enum Around {
    Change(Change),
    /// Definitions: views were made or dropped, or these tables are others now.
    /// `refreshed` are the names of views that were computed again.
    Definitions {
        tables: Vec<Candidates>,
        refreshed: Vec<TableName>,
        /// The storage whose rows came with the intent, and what their query has seen.
        computed: Option<(TableName, AsOf)>,
        /// The bare names of what the triggers must be checked for; `None` for all.
        concerned: Option<BTreeSet<String>>,
    },
}

impl Applier {
    /// Starts a transaction.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.connection.begin()?;
        self.upkeep = self.targets.pipelines.upkeep(true);
        self.redefined = false;
        self.dropped.clear();
        Ok(())
    }

    /// Goes on in a transaction that others have begun, which sees these views.
    pub(super) fn resume(&mut self, graph: Arc<Graph>) {
        self.upkeep = self.targets.pipelines.upkeep_of(graph);
    }

    /// The views that the transaction has defined, if it has.
    pub(super) fn redefined(&self) -> Option<Arc<Graph>> {
        self.redefined.then(|| self.upkeep.shared_graph())
    }

    /// Lets the views follow what is left. Before every commit.
    pub(super) fn settle(&mut self) -> Result<()> {
        self.upkeep.finish(&mut self.connection)?;
        if self.upkeep.take_marked() {
            self.reload()?;
        }
        Ok(())
    }

    /// Takes out the view whose failure has undone the transaction; tells whether there is one, so
    /// that it can be tried again without.
    pub(super) fn suspend_failed(&mut self) -> bool {
        if let Some(broken) = self.upkeep.broken() {
            self.targets.pipelines.note_broken(broken);
        }
        match self.upkeep.failed() {
            Some((view, error)) if is_of_view(&error) => {
                self.targets.pipelines.suspend(&view, &error);
                true
            }
            _ => false,
        }
    }

    /// Goes on with the views as the transaction has defined them.
    fn reload(&mut self) -> Result<()> {
        let graph = Arc::new(Graph::load(&mut self.connection)?);
        let (moved, intent) = (self.upkeep.moved().clone(), self.upkeep.intent);
        let modes = std::mem::take(&mut self.upkeep.modes);
        let broken = std::mem::take(&mut self.upkeep.broken_keys);
        self.upkeep = self.targets.pipelines.upkeep_of(graph);
        self.upkeep.intent = intent;
        (self.upkeep.modes, self.upkeep.broken_keys) = (modes, broken);
        self.upkeep.note_moved(moved);
        self.redefined = true;
        Ok(())
    }

    /// Tells the others of the views that were defined or changed. After every commit.
    pub(super) fn settled(&mut self, seq: IntentSeq) {
        if let Some(graph) = self.redefined() {
            reload_pipelines(&self.targets, graph);
            self.redefined = false;
        }
        tell(&self.targets, self.upkeep.moved(), seq);
    }

    /// Prepares views for a change.
    pub(super) fn before(&mut self, origin: &Origin, body: &Body) -> Result<Around> {
        match body {
            Body::Values(values) => {
                let rows: Vec<&Vec<Value>> = values.rows.iter().collect();
                self.before_rows(origin, body, &rows)
            }
            body => self.before_rows(origin, body, &[]),
        }
    }

    /// The same for typed values, of which there may be more than the body's own.
    pub(super) fn before_rows(
        &mut self,
        origin: &Origin,
        body: &Body,
        rows: &[&Vec<Value>],
    ) -> Result<Around> {
        if let Body::Define { changes, computed, .. } = body {
            self.refuse_broken_keys(changes)?;
            self.refuse_unreadable(changes)?;
            let tables = redefined_tables(changes);
            let views = changes.iter().any(|one| is_about_views(one) || is_about_keys(one));
            if !views && (tables.is_empty() || self.upkeep.graph().is_empty()) {
                return Ok(Around::Change(Change::Unwatched));
            }
            self.settle()?;
            let refreshed = changes.iter().filter_map(|change| match change {
                Definition::AlterView { name, action, .. } => match action {
                    ViewAction::Refresh { .. } | ViewAction::SetRefresh { .. } => Some(name),
                    _ => None,
                },
                _ => None,
            });
            let refreshed = refreshed.flatten().cloned().collect();
            let concerned = concerned(changes);
            let computed = computed.as_ref().map(|rows| (rows.storage.clone(), rows.as_of));
            return Ok(Around::Definitions { tables, refreshed, computed, concerned });
        }
        let unwatched = Ok(Around::Change(Change::Unwatched));
        let Some(table) = body.table().filter(|table| table.schema != TEMPORARY_SCHEMA) else {
            return unwatched;
        };
        if !self.upkeep.graph().may_watch(&table.table) {
            return unwatched;
        }
        let replaced;
        let (effect, params, kind) = match body {
            Body::Statement { effect, params, tag, .. } => match ChangeKind::of(tag) {
                Some(kind) => (effect, params.as_slice(), kind),
                None => return unwatched,
            },
            Body::Rows { create: None, replaces: true, table, .. } => {
                let table = self.meant(origin, table)?;
                replaced = self.upkeep.replacing(&table);
                (&replaced, [].as_slice(), ChangeKind::Merge)
            }
            Body::Rows { create: None, .. } | Body::Values(_) => {
                (&Effect::Inserts, [].as_slice(), ChangeKind::Insert)
            }
            _ => return unwatched,
        };
        let table = self.meant(origin, table)?;
        let bounds = self.bounds(body, rows)?;
        let changing = Changing {
            table: &table,
            kind,
            effect,
            params,
            time_zone: &origin.time_zone,
            search_path: &origin.search_path,
            given: match body {
                Body::Values(values) => Some(Given { columns: &values.target.columns, rows }),
                _ => None,
            },
            bounds: Some(&bounds),
        };
        Ok(Around::Change(self.upkeep.before(&mut self.connection, &changing)?))
    }

    /// Finds between which values the rows lie that an intent brings.
    fn bounds(&self, body: &Body, values: &[&Vec<Value>]) -> Result<Bounds> {
        match body {
            Body::Values(of) => Ok(Bounds::of_values(&of.target.columns, values)),
            Body::Rows { rows: rows @ RowsAt::Inline(_), columns, .. } => {
                let mut all: Option<Bounds> = None;
                for batch in self.targets.batches(rows)? {
                    let bounds = Bounds::of_batch(columns, &batch?);
                    all = Some(all.map_or_else(|| bounds.clone(), |all| all.and(&bounds)));
                }
                Ok(all.unwrap_or_default())
            }
            _ => Ok(Bounds::default()),
        }
    }

    /// A table whose rows break a foreign key, which the transaction has to mend, stays as it is.
    fn refuse_broken_keys(&self, changes: &[Definition]) -> Result<()> {
        for (place, _) in &self.upkeep.broken_keys {
            let (table, name) = place;
            let graph = self.upkeep.graph();
            let Some(key) = graph.keys_of(table).iter().find(|key| key.name == *name) else {
                continue;
            };
            let is_of_key = |names: &Candidates| {
                names.iter().find(|name| [&key.table, &key.referenced].contains(name)).cloned()
            };
            let found = changes.iter().find_map(|change| match change {
                Definition::AlterTable { table, .. } => Some(("ALTER TABLE", is_of_key(table)?)),
                Definition::Truncate { tables, .. } => {
                    Some(("TRUNCATE", tables.iter().find_map(is_of_key)?))
                }
                Definition::Drop { kind: Dropped::Table, names, .. } => {
                    Some(("DROP TABLE", names.iter().find_map(is_of_key)?))
                }
                _ => None,
            });
            if let Some((word, table)) = found {
                return Err(Error::new(
                    SqlState::OBJECT_IN_USE,
                    format!(
                        "cannot {word} \"{}\" because it has pending trigger events",
                        table.table
                    ),
                ));
            }
        }
        Ok(())
    }

    /// A view over datasets was computed, if it is the one whose storage the rows were for.
    fn note_computed(&mut self, storage: &TableName, as_of: AsOf) {
        let graph = self.upkeep.shared_graph();
        if let Some(view) = graph.views().iter().find(|view| view.storage == *storage) {
            let computed = [(view.stored.name.clone(), as_of)].into();
            self.upkeep.note_moved(Moved { computed, ..Moved::default() });
        }
    }

    /// A table and the columns that a view over datasets may read stay as they are: it could not be
    /// tried here without them, as others are.
    fn refuse_unreadable(&self, changes: &[Definition]) -> Result<()> {
        let graph = self.upkeep.graph();
        for change in changes {
            let Definition::AlterTable { table, actions, .. } = change else { continue };
            let takes_away = actions.iter().any(|action| {
                matches!(
                    action,
                    TableAction::DropColumn { .. }
                        | TableAction::SetType { .. }
                        | TableAction::RenameColumn { .. }
                        | TableAction::RenameTable { .. }
                )
            });
            let mut readers = table.iter().flat_map(|name| graph.readers_of(name));
            let reader = readers.find(|view| view.stored.over.is_some());
            if let (true, Some(view), Some(name)) = (takes_away, reader, table.first()) {
                return Err(Error::new(
                    SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                    format!("cannot alter table {} because other objects depend on it", name.table),
                )
                .with_detail(format!(
                    "materialized view {} reads table {} together with Arrow datasets",
                    view.stored.name.table, name.table
                )));
            }
        }
        Ok(())
    }

    /// Lets views follow a change that was made.
    pub(super) fn after(&mut self, around: Around) -> Result<()> {
        match around {
            Around::Change(change) => self.upkeep.after(&mut self.connection, change),
            Around::Definitions { tables, refreshed, computed, concerned } => {
                // First: views may read a table by another name now.
                self.reload()?;
                for table in tables.into_iter().flatten() {
                    self.refuse_broken(&table)?;
                }
                self.check_triggers(concerned.as_ref())?;
                if let Some((storage, as_of)) = computed {
                    self.note_computed(&storage, as_of);
                }
                for view in refreshed {
                    if self.upkeep.graph().find(&view).is_some() {
                        self.upkeep.note_moved(Moved {
                            views: [(view.clone(), self.refreshed)].into(),
                            ..Moved::default()
                        });
                        self.upkeep.recompute_readers(&mut self.connection, &view)?;
                    }
                }
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

    /// Definitions have changed: triggers must still be able to do what they do, and none may come
    /// back to its own table.
    fn check_triggers(&mut self, concerned: Option<&BTreeSet<String>>) -> Result<()> {
        let graph = self.upkeep.shared_graph();
        if let Some(circle) = graph.circle() {
            let way: Vec<String> = circle.iter().map(ToString::to_string).collect();
            return Err(Error::new(
                SqlState::INVALID_OBJECT_DEFINITION,
                "triggers may not run each other in a circle",
            )
            .with_detail(format!("A change would go from {}.", way.join(" to "))));
        }
        let is_concerned = |stored: &&Arc<StoredTrigger>| {
            let mut named = stored.trigger.names.iter().chain([&stored.trigger.table]);
            concerned.is_none_or(|all| named.any(|name| all.contains(&name.table)))
        };
        for stored in graph.triggers().filter(is_concerned) {
            if let Err(error) = stored.check(&mut self.connection) {
                let trigger = &stored.trigger;
                return Err(Error::new(
                    SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                    format!(
                        "cannot make this change because trigger {} on table {} depends on what \
                         it changes",
                        trigger.name, trigger.table.table
                    ),
                )
                .with_detail(format!("Its procedure could not run any more: {}", error.message()))
                .with_hint("Drop the trigger first."));
            }
        }
        Ok(())
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

/// Tells whether an error is a view's own: not one of the machine, of another transaction, or of
/// who has given up.
fn is_of_view(error: &Error) -> bool {
    !error.is_fault() && !matches!(error.code().class(), "40" | "53" | "57" | "58" | "XX")
}

/// Lets the others know of definitions that are committed: with those that were committed beside
/// them, which the transaction did not see.
pub(super) fn reload_pipelines(targets: &Targets, own: Arc<Graph>) {
    let load = || Graph::load(&mut targets.duckdb.lookup_connection()?);
    if let Err(error) = targets.pipelines.reload(load) {
        tracing::error!(%error, "definitions of pipelines could not be read");
        targets.pipelines.set(own);
    }
}

/// Tells the others what a committed transaction has done to views and by triggers, and what it
/// asked to be told.
pub(super) fn tell(targets: &Targets, moved: &Moved, seq: IntentSeq) {
    targets.pipelines.note_moved(moved, seq);
    targets.pipelines.name_files(moved);
    targets.pipelines.deliveries().note(moved.deliveries);
    for NoticeText { channel, payload } in moved.notices.iter().cloned() {
        let span = tracing::info_span!("notify", %channel, seq = seq.0);
        let _entered = span.entered();
        targets.notifications.send(&Arc::new(Notification { pid: 0, channel, payload }));
    }
    for (view, rows) in &moved.views {
        if targets.notifications.is_heard(&view.table) {
            let span = tracing::info_span!("notify", channel = %view.table, seq = seq.0, rows);
            let _entered = span.entered();
            let payload = format!("{{\"intent\": {seq}, \"rows\": {rows}}}");
            let channel = view.table.clone();
            targets.notifications.send(&Arc::new(Notification { pid: 0, channel, payload }));
        }
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

/// The bare names of what definitions change that triggers may need; `None` where they are not all
/// named.
fn concerned(changes: &[Definition]) -> Option<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for change in changes {
        match change {
            Definition::AlterTable { table, .. } => {
                names.extend(table.iter().map(|name| name.table.clone()));
            }
            Definition::Drop { kind, cascade, names: dropped, .. } => {
                if *cascade || *kind == Dropped::Schema {
                    return None;
                }
                names.extend(dropped.iter().flatten().map(|name| name.table.clone()));
            }
            Definition::Trigger(
                TriggerChange::Create { trigger, .. } | TriggerChange::Remake { trigger, .. },
            ) => {
                names.insert(trigger.table.table.clone());
            }
            Definition::AlterView { .. } => return None,
            _ => {}
        }
    }
    Some(names)
}

/// Tells whether a change may make, drop or change foreign keys.
fn is_about_keys(change: &Definition) -> bool {
    match change {
        Definition::CreateTable { shape, .. } => {
            shape.constraints.iter().any(|one| one.reference.is_some())
        }
        // A table that has DuckDB's own gets others when it is made anew.
        Definition::AlterTable { .. }
        | Definition::Truncate { .. }
        | Definition::CreateIndex { .. }
        | Definition::Drop { kind: Dropped::Index, .. } => true,
        _ => false,
    }
}

fn is_about_views(change: &Definition) -> bool {
    matches!(
        change,
        Definition::CreateView(_)
            | Definition::AlterView { .. }
            | Definition::Trigger(_)
            | Definition::Routine(_)
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
