//! What the stream passes over while a transaction has the lane, and comes back to when it ends.
//!
//! Two reasons: the transaction holds a table that the intent names, or DuckDB saw a conflict of
//! the two. In the first case the order of the intents of each table is kept ([`super::parking`]);
//! in the second only those that conflict wait, as in PostgreSQL.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use super::Writer;
use super::bulk::{self, is_bulk};
use super::crossing::CrossingState;
use super::followed::with_followers;
use super::parking::{Going, Holder, Names};
use crate::error::{Error, Result};
use crate::ids::IntentSeq;
use crate::intent::{Accepted, Body, DatasetChange, Intent, TagKind, stands_apart};
use crate::pipeline::Graph;
use crate::sql::Definition;
use crate::sql::trigger::TriggerChange;
use crate::sqlstate::SqlState;

/// How often a conflict is tried again when no transaction is open that could have caused it.
const CONFLICT_TRIES: usize = 3;

/// What the stream has to do next.
pub(super) enum Next {
    Take(Accepted),
    /// Look at what is parked.
    LookAgain,
    /// The log takes no more intents.
    Ended,
}

impl Writer {
    /// Waits for the next intent, or for the end of what parked ones wait for.
    pub(super) fn next(&self, accepted: &mut mpsc::Receiver<Accepted>) -> Next {
        let crossing = &self.shared.crossing;
        if crossing.state.lock().parked.is_empty() {
            return accepted.blocking_recv().map_or(Next::Ended, Next::Take);
        }
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = crossing.wake.notified() => Next::LookAgain,
                taken = accepted.recv() => taken.map_or(Next::Ended, Next::Take),
            }
        })
    }

    /// Says how far the stream is: through with everything before what still waits.
    pub(super) fn came_to(&self, waiting: &[Accepted]) {
        let crossing = &self.shared.crossing;
        let handled = match waiting.first() {
            Some(first) => IntentSeq(first.intent.seq.0.saturating_sub(1)),
            None => self.received,
        };
        crossing.state.lock().handled = handled;
        crossing.further.notify_waiters();
    }

    /// Keeps of a turn what may be applied now; parks the rest.
    ///
    /// # Errors
    /// Only faults of the machine.
    pub(super) fn admit(&mut self, turn: Vec<Accepted>) -> Result<Vec<Accepted>> {
        let mut admitted = Vec::with_capacity(turn.len());
        let mut refused = Vec::new();
        let graph = self.targets.pipelines.graph();
        let shared = Arc::clone(&self.shared);
        let mut state = shared.crossing.state.lock();
        for accepted in turn {
            let Intent { seq, body, .. } = &accepted.intent;
            let seq = *seq;
            let impact = graph.impact(body);
            state.note_impact(seq, &impact);
            let bulk = is_bulk(body, self.targets.bulk_bytes_min);
            let held = state.holds_any() && state.must_wait(seq, &names(body, &graph))
                || bulk && state.parking.holds(Holder::Bulk);
            let crosses = !held && state.crosses(&graph, &impact);
            if bulk && !held && !crosses {
                let names = names(body, &graph);
                state.begin_apart(seq, impact);
                self.start_bulk(accepted, names, &mut state)?;
                continue;
            }
            if !held && !crosses {
                admitted.push(accepted);
                continue;
            }
            if state.parked.len() >= self.parked_max {
                refused.push(seq);
                continue;
            }
            self.applier.connection.set_aside(seq);
            state.parked.entry(seq).or_insert_with(Instant::now);
            if held {
                let names = names(&accepted.intent.body, &graph);
                state.parking.park(accepted, names);
            } else {
                state.conflicted.push(accepted);
            }
        }
        drop(state);
        for seq in refused {
            self.record(seq, Err(too_many_parked()))?;
        }
        Ok(admitted)
    }

    /// Parks an intent that failed because of the transaction that is open; tells whether it did.
    pub(super) fn park_conflicted(&mut self, intent: &Intent, error: &Error) -> bool {
        let mut state = self.shared.crossing.state.lock();
        let waits = match error.code() {
            SqlState::SERIALIZATION_FAILURE => state.open,
            // The transaction may have made the key free, uncommitted yet.
            SqlState::UNIQUE_VIOLATION => {
                intent.body.tables().into_iter().any(|table| state.may_free_keys(Some(table)))
            }
            _ => false,
        };
        if !waits || state.parked.len() >= self.parked_max {
            return false;
        }
        tracing::debug!(seq = intent.seq.0, "an intent waits for a transaction");
        self.applier.connection.set_aside(intent.seq);
        state.parked.entry(intent.seq).or_insert_with(Instant::now);
        state.conflicted.push(Accepted {
            intent: intent.clone(),
            durable_at_us: crate::clock::now_us(),
            awaited: true,
        });
        true
    }

    /// Tells whether a conflict is worth another try at once.
    pub(super) fn retries_conflict(&self, error: &Error, tries: usize) -> bool {
        error.code() == SqlState::SERIALIZATION_FAILURE
            && tries < CONFLICT_TRIES
            && !self.shared.crossing.state.lock().open
    }

    /// Applies, in their order, what waits no longer.
    ///
    /// # Errors
    /// Only faults of the machine.
    pub(super) fn apply_released(&mut self) -> Result<()> {
        let canceled = self.shared.running.lock().canceled.clone();
        let bulk_bytes_min = self.targets.bulk_bytes_min;
        let graph = self.targets.pipelines.graph();
        let shared = Arc::clone(&self.shared);
        let mut released = Vec::new();
        {
            let mut state = shared.crossing.state.lock();
            if state.parked.is_empty() {
                return Ok(());
            }
            let open = state.open;
            released.extend(state.parking.take_if(|one| canceled.contains(&one.intent.seq)));
            released.extend(take_ready(&mut state, bulk_bytes_min, &graph));
            let (go, stay): (Vec<_>, Vec<_>) = std::mem::take(&mut state.conflicted)
                .into_iter()
                .partition(|one| !open || canceled.contains(&one.intent.seq));
            state.conflicted = stay;
            released.extend(go);
            released = state.released(released, &canceled, &graph);
        }
        released.sort_by_key(|accepted| accepted.intent.seq);
        for accepted in released {
            let Intent { seq, body, .. } = &accepted.intent;
            if is_bulk(body, bulk_bytes_min) && !canceled.contains(seq) {
                let names = names(body, &graph);
                let mut state = shared.crossing.state.lock();
                state.parked.remove(seq);
                self.start_bulk(accepted, names, &mut state)?;
            } else {
                self.apply_parked(&accepted)?;
            }
        }
        Ok(())
    }

    /// The log gives no more: waits until nothing is parked or applied apart any more.
    ///
    /// # Errors
    /// Only faults of the machine.
    pub(super) fn drain(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        loop {
            self.apply_released()?;
            let state = shared.crossing.state.lock();
            if state.stopped || state.parked.is_empty() && !state.parking.holds(Holder::Bulk) {
                return Ok(());
            }
            drop(state);
            self.runtime.block_on(shared.crossing.wake.notified());
        }
    }

    fn apply_parked(&mut self, accepted: &Accepted) -> Result<()> {
        let seq = accepted.intent.seq;
        self.applier.connection.apart_from_now(Some(seq));
        let applied = self.apply_each(std::slice::from_ref(accepted));
        self.applier.connection.apart_from_now(None);
        let mut state = self.shared.crossing.state.lock();
        state.end_apart(seq);
        if !state.conflicted.iter().any(|again| again.intent.seq == seq) {
            state.parked.remove(&seq);
            drop(state);
            self.shared.running.lock().canceled.remove(&seq);
        }
        applied
    }

    /// Which of the canceled intents still wait to hear of it.
    pub(super) fn still_parked(&self, canceled: &mut BTreeSet<IntentSeq>, through: IntentSeq) {
        let state = self.shared.crossing.state.lock();
        canceled.retain(|seq| *seq > through || state.parked.contains_key(seq));
    }
}

impl CrossingState {
    /// Keeps of what waits no longer that which the transaction that is open now does not hold up
    /// either; it is applied out of the log's order.
    fn released(
        &mut self,
        released: Vec<Accepted>,
        canceled: &BTreeSet<IntentSeq>,
        graph: &Graph,
    ) -> Vec<Accepted> {
        let mut going = Vec::with_capacity(released.len());
        for accepted in released {
            let seq = accepted.intent.seq;
            let impact = graph.impact(&accepted.intent.body);
            if !canceled.contains(&seq) && self.crosses(graph, &impact) {
                self.conflicted.push(accepted);
                continue;
            }
            self.begin_apart(seq, impact);
            going.push(accepted);
        }
        going
    }
}

/// Takes those of the parked that neither the transaction nor a big append holds up any more.
fn take_ready(state: &mut CrossingState, bulk_bytes_min: u64, graph: &Graph) -> Vec<Accepted> {
    let mut going = bulk::going(!state.parking.holds(Holder::Bulk), bulk_bytes_min);
    let CrossingState { held, parking, .. } = state;
    parking.take_ready_as(|one| {
        let names = names(&one.intent.body, graph);
        let waits =
            |(after, held): &(IntentSeq, Names)| one.intent.seq > *after && names.waits_for(held);
        if held.iter().any(waits) { Going::Stays } else { going(one) }
    })
}

/// The tables that an intent changes.
fn names(body: &Body, graph: &Graph) -> Names {
    match own_names(body) {
        Names::Tables(mut tables) => {
            tables.extend(graph.impact(body).into_keys());
            if let Body::Dataset(DatasetChange::Drop { names, cascade: true, .. }) = body {
                let readers = names.iter().flat_map(|name| graph.readers_of(name));
                tables.extend(readers.map(|view| view.stored.name.clone()));
            }
            if let Body::Rows { table, .. } = body {
                // A big append looks for what it refers to in a snapshot of its own.
                tables.extend(graph.keys_of(table).iter().map(|key| key.referenced.clone()));
            }
            Names::Tables(with_followers(graph, tables))
        }
        Names::Any => Names::Any,
    }
}

fn own_names(body: &Body) -> Names {
    match body {
        // Whatever is in it.
        Body::Statement { tag: TagKind::Fixed(tag), .. }
        | Body::Define { tag: TagKind::Fixed(tag), .. }
            if tag == "DROP SCHEMA" =>
        {
            Names::Any
        }
        Body::Statement { tag: TagKind::Fixed(tag), table, .. }
        | Body::Define { tag: TagKind::Fixed(tag), table, .. }
            if stands_apart(tag) =>
        {
            Names::Tables(table.iter().cloned().collect())
        }
        Body::Define { changes, table: None, .. } => {
            let mut all = BTreeSet::new();
            for change in changes {
                match change {
                    Definition::Comment { name, .. } | Definition::AlterSequence { name, .. } => {
                        all.extend(name.iter().cloned());
                    }
                    Definition::SetValues { .. }
                    | Definition::Draw { .. }
                    | Definition::Routine(_)
                    | Definition::Role(_) => {}
                    _ => return Names::Any,
                }
            }
            Names::Tables(all)
        }
        Body::Define { changes, table: Some(table), .. } => {
            let (_, referenced) = body.references();
            let inputs = changes.iter().flat_map(|change| match change {
                Definition::CreateView(view) => view.plan.inputs.concat(),
                Definition::Drop { names, .. } => names.concat(),
                Definition::Trigger(TriggerChange::Create { trigger, .. }) => {
                    trigger.writes.clone()
                }
                _ => Vec::new(),
            });
            Names::Tables(inputs.chain(referenced).chain([table.clone()]).collect())
        }
        Body::Dataset(DatasetChange::Drop { names, .. } | DatasetChange::Truncate { names }) => {
            Names::Tables(names.iter().cloned().collect())
        }
        Body::Dataset(DatasetChange::Rename { from, to }) => {
            Names::Tables(BTreeSet::from([from.clone(), to.clone()]))
        }
        // A publish takes what is committed; what is not is in nobody's version.
        Body::Call { procedure, .. } if procedure == "teatree.publish_version" => {
            Names::Tables(BTreeSet::new())
        }
        // What it reads waits for nobody, as a query does not.
        Body::Batch { bodies, .. } => {
            Names::Tables(bodies.iter().flat_map(Body::tables).cloned().collect())
        }
        body => body.table().map_or(Names::Any, Names::one),
    }
}

fn too_many_parked() -> Error {
    Error::new(
        SqlState::CONFIGURATION_LIMIT_EXCEEDED,
        "too many writes wait for another session's transaction",
    )
    .with_hint("End that transaction, or raise parked_intents_max.")
}
