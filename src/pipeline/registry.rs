//! What the server knows of its materialized views between transactions.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::{Graph, Upkeep};
use crate::clock;
use crate::error::Error;
use crate::ids::{IntentSeq, TableName};
use crate::sql::view::Refresh;

/// The first wait before a view that failed is computed again; it doubles with each failure.
const RETRY_FIRST_US: i64 = 1_000_000;
const RETRY_MOST_US: i64 = 300_000_000;

/// The views that are committed, and when they changed last.
#[derive(Debug, Default)]
pub struct Registry {
    graph: RwLock<Arc<Graph>>,
    states: Mutex<HashMap<TableName, State>>,
    /// Views that failed in a transaction that is undone: the next one says so in their place.
    suspended: Mutex<HashMap<TableName, String>>,
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
}

/// What a transaction has done to views and to what they read.
#[derive(Clone, Debug, Default)]
pub struct Moved {
    /// The views that have changed, each with how many of its rows were written.
    pub views: BTreeMap<TableName, u64>,
    /// The tables that were changed and are read by views.
    pub inputs: BTreeSet<TableName>,
}

impl Moved {
    /// Adds what another part of the transaction has done.
    pub fn and(&mut self, other: Moved) {
        for (view, rows) in other.views {
            *self.views.entry(view).or_default() += rows;
        }
        self.inputs.extend(other.inputs);
    }
}

/// A row of `teatree.pipelines`.
#[derive(Clone, Debug)]
pub struct PipelineRow {
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
}

impl Registry {
    /// The views as they are committed.
    pub fn graph(&self) -> Arc<Graph> {
        Arc::clone(&self.graph.read())
    }

    /// Puts other definitions in their place, once those are committed.
    pub fn set(&self, graph: Arc<Graph>) {
        let mut states = self.states.lock();
        states.retain(|name, _| graph.find(name).is_some());
        drop(states);
        self.suspended.lock().retain(|name, _| graph.find(name).is_some_and(super::View::follows));
        *self.graph.write() = graph;
    }

    /// Begins with the views of a transaction.
    pub fn upkeep(&self, fresh: bool) -> Upkeep {
        Upkeep::new(self.graph(), self.suspended.lock().clone(), fresh)
    }

    /// The same, where the transaction has its own definitions.
    pub fn upkeep_of(&self, graph: Arc<Graph>) -> Upkeep {
        Upkeep::new(graph, self.suspended.lock().clone(), false)
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
        if moved.views.is_empty() && moved.inputs.is_empty() {
            return;
        }
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
            state.failures = 0;
        }
    }

    /// Tells whether a view that a change of this table can reach has changed after a place.
    pub fn has_moved_since(&self, graph: &Graph, table: &TableName, since: IntentSeq) -> bool {
        let states = self.states.lock();
        let moved = |name: &TableName| states.get(name).is_some_and(|state| state.output > since);
        graph.together(table).iter().any(moved)
    }

    /// Takes the views that the server has to refresh now.
    pub fn due(&self) -> Vec<TableName> {
        let graph = self.graph();
        let now = clock::now_us();
        let mut due = Vec::new();
        let mut states = self.states.lock();
        for view in graph.views() {
            let stored = &view.stored;
            let state = states.entry(stored.name.clone()).or_default();
            let wanted = match (&stored.failed, stored.refresh) {
                (Some(_), _) => true,
                (None, Refresh::Every(ms)) => {
                    let is_old = state.output_at_us == 0 || state.input > state.output;
                    let period = i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1000);
                    stored.populated && is_old && now - state.output_at_us >= period
                }
                (None, _) => false,
            };
            if wanted && !state.is_running && now >= state.next_try_us {
                state.is_running = true;
                due.push(stored.name.clone());
            }
        }
        due
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
            }
            Some(error) => {
                tracing::warn!(%view, %error, "a refresh failed");
                let wait = RETRY_FIRST_US << state.failures.min(20);
                state.next_try_us = clock::now_us() + wait.min(RETRY_MOST_US);
                state.failures += 1;
            }
        }
    }

    /// The rows of `teatree.pipelines`.
    pub fn rows(&self) -> Vec<PipelineRow> {
        let graph = self.graph();
        let now = clock::now_us();
        let states = self.states.lock();
        let row = |view: &super::View| {
            let stored = &view.stored;
            let state = states.get(&stored.name).cloned().unwrap_or_default();
            let behind = state.input > state.output;
            let inputs: Vec<String> = stored.inputs.iter().map(ToString::to_string).collect();
            PipelineRow {
                name: stored.name.clone(),
                refresh: stored.refresh.text(),
                upkeep: view.upkeep_text(),
                inputs: inputs.join(", "),
                populated: stored.populated,
                stale: behind || stored.failed.is_some() || !stored.populated,
                input: state.input,
                output: state.output,
                lag_ms: if behind { (now - state.input_at_us) / 1000 } else { 0 },
                error: stored.failed.clone(),
                failures: state.failures,
                next_try_us: stored.failed.is_some().then_some(state.next_try_us),
            }
        };
        graph.views().iter().map(row).collect()
    }
}
