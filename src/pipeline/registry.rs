//! What the server knows of its materialized views and triggers between transactions.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tokio::sync::{Mutex as Turn, Notify, OwnedMutexGuard};

use super::deliver::Deliveries;
use super::upkeep::Tools;
use super::{Broken, Graph, Moved, Runs, Upkeep};
use crate::algorithm::Algorithms;
use crate::clock;
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::intent::AsOf;
use crate::outbox::Outbox;
use crate::sql::trigger::Trigger;
use crate::sql::view::Refresh;

/// The first wait before a view that failed is computed again; it doubles with each failure.
const RETRY_FIRST_US: i64 = 1_000_000;
const RETRY_MOST_US: i64 = 300_000_000;

/// The views that are committed, and when they changed last.
#[derive(Debug, Default)]
pub struct Registry {
    graph: RwLock<Arc<Graph>>,
    /// Held while definitions are read anew.
    reloading: Mutex<()>,
    outbox: Option<Outbox>,
    /// What triggers may compute with.
    algorithms: Arc<Algorithms>,
    deliveries: Arc<Deliveries>,
    states: Mutex<HashMap<TableName, State>>,
    /// Triggers by their tables and names.
    triggers: Mutex<HashMap<(TableName, String), TriggerState>>,
    /// Views that failed in a transaction that is undone: the next one says so in their place.
    suspended: Mutex<HashMap<TableName, String>>,
    /// Tells the runs of the server apart.
    run: u64,
    /// Which tables changed last, for views over datasets.
    changes: Mutex<Changes>,
    /// Something has changed that a view over datasets reads.
    stirred: Notify,
    /// Held by who computes a view over datasets.
    turns: Mutex<HashMap<TableName, Arc<Turn<()>>>>,
}

/// The changes of this run of the server, counted.
#[derive(Debug, Default)]
struct Changes {
    last: u64,
    of_tables: HashMap<TableName, u64>,
}

/// What has happened to a view since the server started.
#[derive(Clone, Debug, Default)]
struct State {
    /// The last intent that has changed it or, where it does not follow by itself, refreshed it.
    output: IntentSeq,
    output_at_us: i64,
    /// The last intent that has changed what it reads.
    input: IntentSeq,
    input_at_us: i64,
    failures: u32,
    next_try_us: i64,
    is_running: bool,
    /// How the server's last refresh failed, where the view does not say so itself.
    error: Option<String>,
    /// The last change that a view over datasets has taken up, if it was computed in this run.
    taken_up: Option<u64>,
    /// It may have missed a change.
    is_unsure: bool,
}

/// What has happened to a trigger since the server started.
#[derive(Clone, Debug, Default)]
struct TriggerState {
    done: Runs,
    /// The last intent in which it has run.
    last: IntentSeq,
    failures: u32,
    /// How it failed the last time, if it has not run since.
    error: Option<String>,
}

/// A row of `teatree.pipelines`.
#[derive(Clone, Debug)]
pub struct PipelineRow {
    pub kind: &'static str,
    pub name: TableName,
    pub refresh: String,
    pub upkeep: String,
    pub inputs: String,
    pub populated: bool,
    pub stale: bool,
    pub input: IntentSeq,
    pub output: IntentSeq,
    pub lag_ms: i64,
    pub error: Option<String>,
    pub failures: u32,
    pub next_try_us: Option<i64>,
    /// What a trigger has done since the server started.
    pub done: Option<Runs>,
}

impl Registry {
    /// Begins without any; files of transactions go to this outbox.
    pub fn new(outbox: Outbox, algorithms: Algorithms) -> Registry {
        let algorithms = Arc::new(algorithms);
        Registry { outbox: Some(outbox), algorithms, run: rand::random(), ..Registry::default() }
    }

    fn tools(&self) -> Tools {
        (self.outbox.clone(), Arc::clone(&self.algorithms), Arc::clone(&self.deliveries))
    }

    /// What waits for datasets.
    pub fn deliveries(&self) -> &Arc<Deliveries> {
        &self.deliveries
    }

    /// Gives the files of a committed transaction their names.
    pub fn name_files(&self, moved: &Moved) {
        let Some(outbox) = &self.outbox else { return };
        for file in &moved.files {
            match file.publish().and_then(|()| file.relative(outbox)) {
                Ok((hidden, _)) => outbox.note_named(hidden),
                // The next start gives the name.
                Err(error) => tracing::error!(%error, "a committed file did not get its name"),
            }
        }
    }

    /// The views as they are committed.
    pub fn graph(&self) -> Arc<Graph> {
        Arc::clone(&self.graph.read())
    }

    /// Reads the definitions anew, once some are committed. One after the other: who comes last has
    /// read what all before have committed, whatever their own transactions saw.
    ///
    /// # Errors
    /// What `load` says; then the definitions are as they were.
    pub fn reload(&self, load: impl FnOnce() -> Result<Graph>) -> Result<()> {
        let _one = self.reloading.lock();
        self.set(Arc::new(load()?));
        Ok(())
    }

    /// Puts other definitions in their place.
    pub fn set(&self, graph: Arc<Graph>) {
        let mut states = self.states.lock();
        states.retain(|name, _| graph.find(name).is_some());
        drop(states);
        self.turns.lock().retain(|name, _| graph.find(name).is_some());
        let is_there = |(table, name): &(TableName, String)| {
            graph.triggers_of(table).iter().any(|stored| stored.trigger.name == *name)
        };
        self.triggers.lock().retain(|key, _| is_there(key));
        self.suspended.lock().retain(|name, _| graph.find(name).is_some_and(super::View::follows));
        *self.graph.write() = graph;
    }

    /// Begins with the views of a transaction.
    pub fn upkeep(&self, fresh: bool) -> Upkeep {
        let suspended = self.suspended.lock().clone();
        Upkeep::new(self.graph(), suspended, fresh, self.tools())
    }

    /// The same, where the transaction has its own definitions.
    pub fn upkeep_of(&self, graph: Arc<Graph>) -> Upkeep {
        let suspended = self.suspended.lock().clone();
        Upkeep::new(graph, suspended, false, self.tools())
    }

    /// Takes a view out of the transactions to come, which its failure would undo.
    pub fn suspend(&self, view: &TableName, error: &Error) {
        tracing::warn!(%view, %error, "a materialized view failed and follows no more");
        self.suspended.lock().insert(view.clone(), error.message().to_owned());
        let mut states = self.states.lock();
        let state = states.entry(view.clone()).or_default();
        state.next_try_us = clock::now_us() + RETRY_FIRST_US;
        state.failures += 1;
    }

    /// Notes what a committed intent has done.
    pub fn note_moved(&self, moved: &Moved, seq: IntentSeq) {
        if !moved.triggers.is_empty() {
            let mut triggers = self.triggers.lock();
            for (key, more) in &moved.triggers {
                let state = triggers.entry(key.clone()).or_default();
                state.done.runs += more.runs;
                state.done.rows += more.rows;
                state.last = seq;
                state.error = None;
            }
        }
        if moved.views.is_empty() && moved.inputs.is_empty() && moved.computed.is_empty() {
            return;
        }
        self.count_changes(moved);
        let graph = self.graph();
        let now = clock::now_us();
        let mut states = self.states.lock();
        for input in moved.inputs.iter().chain(moved.views.keys()) {
            for view in graph.readers_of(input) {
                let state = states.entry(view.stored.name.clone()).or_default();
                (state.input, state.input_at_us) = (seq, now);
            }
        }
        for view in moved.views.keys() {
            let state = states.entry(view.clone()).or_default();
            (state.output, state.output_at_us) = (seq, now);
            (state.failures, state.next_try_us) = (0, 0);
            state.error = None;
        }
        for (view, as_of) in moved.computed.iter().filter(|(_, as_of)| as_of.run == self.run) {
            let is_new = !states.contains_key(view);
            let state = states.entry(view.clone()).or_default();
            (state.output, state.output_at_us) = (seq, now);
            state.taken_up = Some(as_of.change);
            // Changes of a DuckDB table that no view reads are not counted, so that it may have
            // changed before the view was there.
            state.is_unsure = is_new && graph.find(view).is_some_and(super::View::reads_both);
        }
        drop(states);
        self.stirred.notify_one();
    }

    fn count_changes(&self, moved: &Moved) {
        let mut changes = self.changes.lock();
        changes.last += 1;
        let last = changes.last;
        for table in moved.inputs.iter().chain(moved.views.keys()) {
            changes.of_tables.insert(table.clone(), last);
        }
    }

    /// What a query that begins now will have seen at least.
    pub fn as_of(&self) -> AsOf {
        AsOf { run: self.run, change: self.changes.lock().last }
    }

    /// Waits until nobody else computes a view over datasets: who begins later sees more, and has
    /// to come later.
    pub async fn turn_to_compute(&self, view: &TableName) -> OwnedMutexGuard<()> {
        let turn = Arc::clone(self.turns.lock().entry(view.clone()).or_default());
        turn.lock_owned().await
    }

    /// Waits until something has changed that a view may have to take up.
    pub async fn stirred(&self) {
        self.stirred.notified().await;
    }

    /// Notes that a trigger has failed its statement.
    pub fn note_broken(&self, broken: &Broken) {
        // A conflict is tried again.
        if broken.error.code().class() == "40" {
            return;
        }
        let mut triggers = self.triggers.lock();
        let state = triggers.entry(broken.trigger.clone()).or_default();
        state.failures += 1;
        state.error = Some(broken.error.message().to_owned());
    }

    /// Tells whether a view that a change of this table can reach has changed after a place.
    pub fn has_moved_since(&self, graph: &Graph, table: &TableName, since: IntentSeq) -> bool {
        let states = self.states.lock();
        let moved = |name: &TableName| states.get(name).is_some_and(|state| state.output > since);
        graph.together(table).iter().any(moved)
    }

    /// Takes the views that the server has to refresh now, those first that have waited longest.
    pub fn due(&self, most: usize) -> Vec<TableName> {
        let graph = self.graph();
        let now = clock::now_us();
        let mut due = Vec::new();
        let mut states = self.states.lock();
        let changes = self.changes.lock();
        for view in graph.views() {
            let stored = &view.stored;
            let state = states.entry(stored.name.clone()).or_default();
            let is_old = || match stored.over {
                Some(_) => {
                    state.taken_up.is_none() || state.is_unsure || changes.are_behind(view, state)
                }
                None => state.output_at_us == 0 || state.input > state.output,
            };
            let wanted = match (&stored.failed, stored.refresh) {
                (Some(_), _) => true,
                (None, Refresh::Every(ms)) => {
                    let period = i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1000);
                    stored.populated && is_old() && now - state.output_at_us >= period
                }
                (None, Refresh::OnChange) => stored.over.is_some() && stored.populated && is_old(),
                (None, Refresh::Manual) => false,
            };
            if wanted && !state.is_running && now >= state.next_try_us {
                due.push((state.output_at_us, stored.name.clone()));
            }
        }
        drop(changes);
        due.sort();
        due.truncate(most);
        let taken = due.into_iter().map(|(_, name)| {
            states.entry(name.clone()).or_default().is_running = true;
            name
        });
        taken.collect()
    }

    /// Notes how a refresh that was due has ended.
    pub fn note_refreshed(&self, view: &TableName, error: Option<&Error>) {
        let mut states = self.states.lock();
        let Some(state) = states.get_mut(view) else { return };
        state.is_running = false;
        match error {
            None => {
                state.failures = 0;
                state.next_try_us = 0;
                state.output_at_us = clock::now_us();
                state.error = None;
            }
            Some(error) => {
                tracing::warn!(%view, %error, "a refresh failed");
                let wait = RETRY_FIRST_US << state.failures.min(20);
                state.next_try_us = clock::now_us() + wait.min(RETRY_MOST_US);
                state.failures += 1;
                state.error = Some(error.message().to_owned());
            }
        }
    }

    /// The rows of `teatree.pipelines`.
    pub fn rows(&self) -> Vec<PipelineRow> {
        let graph = self.graph();
        let now = clock::now_us();
        let states = self.states.lock();
        let changes = self.changes.lock();
        let row = |view: &super::View| {
            let stored = &view.stored;
            let state = states.get(&stored.name).cloned().unwrap_or_default();
            let behind = match stored.over {
                Some(_) => changes.are_behind(view, &state),
                None => state.input > state.output,
            };
            let error = stored.failed.clone().or_else(|| state.error.clone());
            let inputs: Vec<String> = stored.inputs.iter().map(ToString::to_string).collect();
            PipelineRow {
                kind: "materialized view",
                done: None,
                name: stored.name.clone(),
                refresh: stored.refresh.text(),
                upkeep: view.upkeep_text(),
                inputs: inputs.join(", "),
                populated: stored.populated,
                stale: behind || error.is_some() || !stored.populated,
                input: state.input,
                output: state.output,
                lag_ms: if behind { (now - state.input_at_us) / 1000 } else { 0 },
                failures: state.failures,
                next_try_us: error.is_some().then_some(state.next_try_us),
                error,
            }
        };
        let mut rows: Vec<PipelineRow> = graph.views().iter().map(row).collect();
        drop(changes);
        let triggers = self.triggers.lock();
        rows.extend(graph.triggers().map(|stored| {
            let trigger = &stored.trigger;
            let key = (trigger.table.clone(), trigger.name.clone());
            trigger_row(trigger, triggers.get(&key).cloned().unwrap_or_default())
        }));
        rows
    }
}

impl Changes {
    /// Tells whether what a view over datasets reads has changed since it was computed.
    fn are_behind(&self, view: &super::View, state: &State) -> bool {
        let taken_up = state.taken_up.unwrap_or(0);
        let of = |table| self.of_tables.get(table).copied().unwrap_or(0);
        view.stored.inputs.iter().any(|input| of(input) > taken_up)
    }
}

fn trigger_row(trigger: &Trigger, state: TriggerState) -> PipelineRow {
    PipelineRow {
        kind: "trigger",
        name: TableName::new(trigger.table.schema.clone(), trigger.name.clone()),
        refresh: if trigger.enabled { "on_change" } else { "disabled" }.to_owned(),
        upkeep: trigger.execute_text(),
        inputs: trigger.table.to_string(),
        populated: true,
        stale: false,
        input: state.last,
        output: state.last,
        lag_ms: 0,
        error: state.error,
        failures: state.failures,
        next_try_us: None,
        done: Some(state.done),
    }
}
