//! The changes of a transaction, and the views that follow them and the triggers that run in it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use tracing::field;

use super::bounds::Bounds;
use super::change::{self, Captured, Change, ChangeKind, Changing, FIRST_LOCAL_ROW, RowChange};
use super::deliver::Deliveries;
use super::enforce::Waiting;
use super::fire::Broken;
use super::follow::Changed;
use super::{BrokenKeys, ConstraintModes, Graph, Moved, View};
use crate::algorithm::Algorithms;
use crate::catalog::duckdb_table;
use crate::engine::duckdb::WriteConnection;
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::outbox::Outbox;
use crate::sql::Effect;
use crate::sql::trigger::Event;
use crate::telemetry;

/// How far the views of a transaction have come.
pub struct Upkeep {
    graph: Arc<Graph>,
    touched: Vec<Touched>,
    /// The transaction has begun with this, so there are no rows of its own yet.
    fresh: bool,
    pub(super) moved: Moved,
    /// Views that have failed before, each with why: they are not changed but marked.
    suspended: HashMap<TableName, String>,
    /// A view was marked, so the graph is another.
    marked: bool,
    failed: Option<(TableName, Error)>,
    /// How many changes have had rows copied aside.
    captures: usize,
    /// Which foreign keys may be broken until the end of the transaction.
    pub modes: ConstraintModes,
    /// Those that are.
    pub broken_keys: BrokenKeys,
    /// How many triggers are running each other.
    pub(super) depth: usize,
    /// The trigger that has failed.
    pub(super) broken: Option<Broken>,
    /// Where files go.
    pub(super) outbox: Option<Outbox>,
    pub(super) algorithms: Arc<Algorithms>,
    pub(super) deliveries: Arc<Deliveries>,
    /// The intent that is applied, where its place is known by now.
    pub intent: Option<IntentSeq>,
}

/// What triggers work with: where files go, algorithms, and what waits for datasets.
pub(super) type Tools = (Option<Outbox>, Arc<Algorithms>, Arc<Deliveries>);

/// A table that the transaction has added rows to.
struct Touched {
    table: TableName,
    /// Rows from this number on are not followed yet; `None` where it has to be looked up.
    seen: Option<i64>,
    pending: bool,
    /// Between which values those rows lie.
    bounds: Bounds,
}

impl Touched {
    fn of(table: &TableName) -> Touched {
        Touched { table: table.clone(), seen: None, pending: false, bounds: Bounds::default() }
    }
}

impl Upkeep {
    /// Begins with a transaction: a new one, or one that is under way.
    pub(super) fn new(
        graph: Arc<Graph>,
        suspended: HashMap<TableName, String>,
        fresh: bool,
        (outbox, algorithms, deliveries): Tools,
    ) -> Upkeep {
        Upkeep {
            graph,
            touched: Vec::new(),
            fresh,
            moved: Moved::default(),
            suspended,
            marked: false,
            failed: None,
            captures: 0,
            modes: ConstraintModes::default(),
            broken_keys: BrokenKeys::new(),
            depth: 0,
            broken: None,
            outbox,
            algorithms,
            deliveries,
            intent: None,
        }
    }

    /// The views that it keeps up.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The same, to be kept.
    pub fn shared_graph(&self) -> Arc<Graph> {
        Arc::clone(&self.graph)
    }

    /// What has happened to views and their inputs.
    pub fn moved(&self) -> &Moved {
        &self.moved
    }

    /// Adds what has happened before.
    pub fn note_moved(&mut self, moved: Moved) {
        self.moved.and(moved);
    }

    /// Tells whether views were marked as failed since this was asked last.
    pub fn take_marked(&mut self) -> bool {
        std::mem::take(&mut self.marked)
    }

    /// The view that failed, and how.
    pub fn failed(&mut self) -> Option<(TableName, Error)> {
        self.failed.take()
    }

    /// The trigger that failed, and how.
    pub fn broken(&self) -> Option<&Broken> {
        self.broken.as_ref()
    }

    /// The transaction is undone, and with it whatever was to be told or named.
    pub fn undone(&mut self) {
        self.moved = Moved::default();
    }

    /// Forgets who failed: what comes has nothing to do with it.
    pub fn forget_broken(&mut self) {
        self.broken = None;
    }

    /// What it does to a table to get other rows in the place of all its own: where triggers see
    /// it, those are copied aside.
    pub fn replacing(&self, table: &TableName) -> Effect {
        let events = vec![Event::Delete, Event::Insert];
        if !self.graph.fires(table, &events) && self.graph.keys_to(table).is_empty() {
            return Effect::Unknown;
        }
        let rows = format!("SELECT rowid FROM {}", duckdb_table(table));
        Effect::Merges { rows, events, assigns: Vec::new() }
    }

    /// Prepares for a statement's change of a table: views that could mix it up with earlier
    /// changes follow those first, and the rows that it will change are copied aside.
    ///
    /// # Errors
    /// What DuckDB says.
    pub fn before(
        &mut self,
        connection: &mut WriteConnection,
        changing: &Changing<'_>,
    ) -> Result<Change> {
        let Changing { table, kind, effect, .. } = *changing;
        if self.graph.reads(table) {
            self.moved.inputs.insert(table.clone());
        }
        let events = kind.events(effect);
        let watched = self.graph.watches(table);
        let assigns = match effect {
            Effect::Changes { assigns, .. } | Effect::Merges { assigns, .. } => {
                Some(assigns.clone())
            }
            Effect::Inserts | Effect::Unknown => None,
        };
        let keyed = self.graph.is_keyed(table, &events, assigns.as_deref());
        // Somebody looks at the rows as soon as they are changed.
        let fires = self.graph.fires(table, &events) || keyed;
        if !watched && !fires {
            if !self.graph.triggers_of(table).is_empty() || self.graph.has_keys(table) {
                // Its rows are there when one runs for another event.
                self.forget(table);
            }
            return Ok(Change::Unwatched);
        }
        let inserts = *effect == Effect::Inserts;
        self.flush_disturbed(connection, table, !inserts || fires)?;
        if inserts && keyed && !watched && self.graph.triggers_of(table).is_empty() {
            let given = changing.given.and_then(|given| given.keys(self.graph.keys_of(table)));
            if given.is_some() {
                let (table, captured, bounds) = (table.clone(), None, Bounds::default());
                let change = RowChange {
                    table,
                    kind,
                    events,
                    assigns,
                    keyed,
                    given,
                    seen: 0,
                    bounds,
                    captured,
                };
                return Ok(Change::Rows(Box::new(change)));
            }
        }
        let seen = self.seen(connection, table)?;
        let bounds = changing.bounds.filter(|_| inserts).cloned().unwrap_or_default();
        if inserts && !fires {
            let touched = self.touch(table, seen);
            touched.bounds = if touched.pending { touched.bounds.and(&bounds) } else { bounds };
            touched.pending = true;
            return Ok(Change::Inserts);
        }
        let captured = match effect {
            Effect::Inserts => None,
            Effect::Unknown if !fires => None,
            _ => {
                self.captures += 1;
                let renews = self.graph.renews(table, assigns.as_deref());
                Some(Captured::take(connection, changing, self.captures, renews)?)
            }
        };
        let table = table.clone();
        let given = None;
        let change =
            RowChange { table, kind, events, assigns, keyed, given, seen, bounds, captured };
        Ok(Change::Rows(Box::new(change)))
    }

    /// Lets the views follow what a change of a table could be mixed up with: earlier changes of
    /// tables that they join it with, and its own where it does not only add to those.
    fn flush_disturbed(
        &mut self,
        connection: &mut WriteConnection,
        table: &TableName,
        its_own: bool,
    ) -> Result<()> {
        let is_disturbed = |touched: &&Touched| match touched.table == *table {
            true => its_own,
            false => self.graph.meet(&touched.table, table),
        };
        let pending = self.touched.iter().filter(|touched| touched.pending);
        let disturbed: Vec<TableName> =
            pending.filter(is_disturbed).map(|touched| touched.table.clone()).collect();
        disturbed.iter().try_for_each(|other| self.flush(connection, other))
    }

    /// Lets the views follow a change that cannot wait for the end of the transaction, sees to the
    /// foreign keys and runs the triggers of it and of what those change.
    ///
    /// # Errors
    /// What DuckDB says; [`Upkeep::failed`] and [`Upkeep::broken`] know whose failure it is.
    pub fn after(&mut self, connection: &mut WriteConnection, change: Change) -> Result<()> {
        let Change::Rows(change) = change else { return Ok(()) };
        self.spread_change(connection, &change)?;
        let mut waiting = Waiting::from([change]);
        while let Some(change) = waiting.pop_front() {
            self.enforce(connection, &change, &mut waiting)?;
            self.fire(connection, &change)?;
            change.drop_captured(connection)?;
        }
        Ok(())
    }

    /// Lets the views follow a change that is made.
    pub(super) fn spread_change(
        &mut self,
        connection: &mut WriteConnection,
        change: &RowChange,
    ) -> Result<()> {
        let table = &change.table;
        if change.given.is_some() {
            self.forget(table);
            return Ok(());
        }
        let inserts = change.kind == ChangeKind::Insert && change.events.len() == 1;
        if inserts {
            let (rows, _) = change.transition(crate::sql::trigger::Event::Insert);
            self.spread(connection, table, Some(&Changed { minus: None, plus: Some(rows) }))?;
        } else {
            let changed = change.taken_and_brought();
            let changed = changed.map(|(minus, plus)| Changed { minus: Some(minus), plus });
            self.spread(connection, table, changed.as_ref())?;
        }
        self.forget(table);
        Ok(())
    }

    /// Lets the views follow a table whose rows may all be others now.
    pub fn recompute_readers(
        &mut self,
        connection: &mut WriteConnection,
        table: &TableName,
    ) -> Result<()> {
        if self.graph.reads(table) {
            self.moved.inputs.insert(table.clone());
        }
        if !self.graph.watches(table) {
            return Ok(());
        }
        self.spread(connection, table, None)?;
        self.forget(table);
        Ok(())
    }

    /// Lets the views follow everything that they have not yet. Before the commit.
    pub fn finish(&mut self, connection: &mut WriteConnection) -> Result<()> {
        let pending = self.touched.iter().filter(|touched| touched.pending);
        let pending: Vec<TableName> = pending.map(|touched| touched.table.clone()).collect();
        for table in pending {
            self.flush(connection, &table)?;
        }
        Ok(())
    }

    /// Lets the views follow the rows that were added to a table.
    fn flush(&mut self, connection: &mut WriteConnection, table: &TableName) -> Result<()> {
        let seen = self.seen(connection, table)?;
        let touched =
            self.touched.iter().find(|touched| touched.table == *table && touched.pending);
        let bounds = touched.map(|touched| touched.bounds.clone()).unwrap_or_default();
        let rows = change::added(table, seen, &bounds);
        let changed = Changed { minus: None, plus: Some(rows) };
        self.spread(connection, table, Some(&changed))?;
        self.forget(table);
        Ok(())
    }

    /// Changes the views that read a table, and those that read these.
    fn spread(
        &mut self,
        connection: &mut WriteConnection,
        table: &TableName,
        changed: Option<&Changed>,
    ) -> Result<()> {
        let graph = Arc::clone(&self.graph);
        let mut moved: BTreeSet<&TableName> = BTreeSet::new();
        for view in graph.views().iter().filter(|view| view.follows()) {
            let inputs = &view.stored.inputs;
            let behind = inputs.iter().any(|input| moved.contains(input));
            let place = inputs.iter().position(|input| input == table);
            if place.is_none() && !behind {
                continue;
            }
            if self.mark_suspended(connection, view)? {
                continue;
            }
            let name = &view.stored.name;
            let span = tracing::info_span!("pipeline", view = %name, rows = field::Empty);
            let started = Instant::now();
            let followed = span.in_scope(|| match (place, changed) {
                (Some(place), Some(changed)) if !behind => view.follow(connection, place, changed),
                _ => view.recompute(connection),
            });
            telemetry::followed(&name.table, started.elapsed());
            if let Ok(rows) = &followed {
                span.record("rows", rows);
            }
            match followed {
                Ok(rows) => *self.moved.views.entry(name.clone()).or_default() += rows,
                Err(error) => {
                    self.failed = Some((name.clone(), error.clone()));
                    return Err(error);
                }
            }
            moved.insert(name);
        }
        Ok(())
    }

    /// Marks a view that has failed before; tells whether it did, or has already.
    fn mark_suspended(&mut self, connection: &mut WriteConnection, view: &View) -> Result<bool> {
        let Some(error) = self.suspended.get(&view.stored.name).cloned() else { return Ok(false) };
        if !error.is_empty() {
            view.mark_failed(connection, &error)?;
            self.marked = true;
            // Once is enough.
            self.suspended.insert(view.stored.name.clone(), String::new());
        }
        Ok(true)
    }

    /// The number from which on a table's rows are not followed yet.
    fn seen(&mut self, connection: &mut WriteConnection, table: &TableName) -> Result<i64> {
        let known = self.touched.iter().find(|touched| touched.table == *table);
        match known {
            None if self.fresh => return Ok(FIRST_LOCAL_ROW),
            Some(Touched { seen: Some(seen), .. }) => return Ok(*seen),
            _ => {}
        }
        let sql = format!(
            "SELECT CAST(max(rowid) AS VARCHAR) FROM {} WHERE rowid >= {FIRST_LOCAL_ROW}",
            duckdb_table(table)
        );
        let rows = connection.text_rows(&sql, &[])?;
        let last = rows.first().and_then(|row| row.first()?.parse::<i64>().ok());
        let seen = last.map_or(FIRST_LOCAL_ROW, |last| last + 1);
        self.touch(table, seen);
        Ok(seen)
    }

    fn touch(&mut self, table: &TableName, seen: i64) -> &mut Touched {
        let place = self.touched.iter().position(|touched| touched.table == *table);
        let place = place.unwrap_or_else(|| {
            self.touched.push(Touched { seen: Some(seen), ..Touched::of(table) });
            self.touched.len() - 1
        });
        let touched = &mut self.touched[place];
        touched.seen = Some(seen);
        touched
    }

    /// Everything of a table is followed: the next row's number has to be looked up.
    fn forget(&mut self, table: &TableName) {
        match self.touched.iter_mut().find(|touched| touched.table == *table) {
            Some(touched) => {
                touched.seen = None;
                touched.pending = false;
            }
            None => self.touched.push(Touched::of(table)),
        }
    }
}
