//! How intents ended: to the store, to the sessions that wait, to the history.

use std::sync::Arc;

use super::body::Outcome;
use super::keys::{self, KeptOutcome, KeyName};
use super::log::Shared;
use super::record::{StoredOutcome, StoredResult};
use super::store::Batch;
use crate::clock;
use crate::error::{Error, Result};
use crate::fail_point::{self, Point};
use crate::ids::IntentSeq;

/// An outcome on its way to the store.
pub(super) struct Ended {
    pub(super) outcome: StoredOutcome,
    /// The idempotency key that keeps it for its repeats.
    key: Option<KeyName>,
    pub(super) kept: Option<KeptOutcome>,
}

/// Records outcomes; see [`IntentLog::record_outcomes`](super::IntentLog::record_outcomes).
pub(super) fn record(shared: &Shared, outcomes: Vec<(IntentSeq, Outcome)>) -> Result<()> {
    let mut result = Ok(());
    let mut ends = Vec::with_capacity(outcomes.len());
    for (seq, outcome) in outcomes {
        match end(shared, seq, &outcome) {
            Some(ended) => ends.push((seq, outcome, Arc::new(ended))),
            None => result = Err(Error::internal(format!("intent {seq} is not in the queue"))),
        }
    }
    // A place that is passed over when the data is committed must be known as failed by then, also
    // after a power cut; and no client may hear of a failure that a replay could turn around.
    let mut failures = Batch::default();
    let mut bytes = None;
    for (seq, outcome, ended) in &ends {
        if outcome.result.is_err() {
            match put(shared, &mut failures, *seq, ended) {
                Ok(more) => bytes = Some(bytes.unwrap_or(0) + more),
                Err(error) => result = Err(error),
            }
        }
    }
    if bytes.is_some()
        && !fail_point::holds(Point::OutcomesWrite)
        && let Err(error) = shared.store.write(failures, true)
    {
        result = Err(shared.poison(&error));
    }
    tell(shared, ends, bytes.unwrap_or(0));
    result
}

/// Makes the record of an intent's end; `None` when it is not in the queue.
fn end(shared: &Shared, seq: IntentSeq, outcome: &Outcome) -> Option<Ended> {
    let state = shared.state();
    let waiting = state.waiting.get(&seq)?;
    let is_heard = waiting.client.as_ref().is_some_and(|client| !client.is_closed());
    let stored = StoredOutcome {
        durable_at_us: waiting.durable_at_us,
        started_at_us: waiting.started_at_us,
        applied_at_us: outcome.applied_at_us,
        acknowledged_at_us: match waiting.promised {
            Some(_) => waiting.durable_at_us,
            None => is_heard.then(clock::now_us),
        },
        result: StoredResult::from(&outcome.result),
        retried_as: None,
    };
    let key = waiting.key.clone();
    let bytes_max = shared.limits.key_result_bytes_max;
    let kept = key.is_some().then(|| KeptOutcome::new(outcome, &stored, bytes_max));
    Some(Ended { outcome: stored, key, kept })
}

/// Adds an outcome, and what its key keeps of it, to a batch; returns the bytes that the history
/// grows by.
pub(super) fn put(
    shared: &Shared,
    batch: &mut Batch,
    seq: IntentSeq,
    ended: &Ended,
) -> Result<u64> {
    if let (Some(key), Some(kept)) = (&ended.key, &ended.kept) {
        keys::put_outcome(shared, batch, seq, key, kept)?;
    }
    shared.store.put_outcome(batch, seq, &ended.outcome)
}

/// Frees the room and wakes who waits.
fn tell(shared: &Shared, ends: Vec<(IntentSeq, Outcome, Arc<Ended>)>, bytes: u64) {
    let mut listeners = Vec::with_capacity(ends.len());
    let mut evicted = Vec::new();
    let mut state = shared.state();
    state.totals.history_bytes += bytes;
    let now_us = clock::now_us();
    for (seq, outcome, ended) in ends {
        let is_applied = outcome.result.is_ok();
        state.counters.note(is_applied, now_us);
        if is_applied {
            state.unwritten.insert(seq, ended);
        }
        let Some(waiting) = state.waiting.remove(&seq) else { continue };
        if let Some(touched) = &waiting.promised {
            state.promised.remove(seq, touched);
        }
        if waiting.defines {
            shared.definitions.end();
        }
        if let (false, Some(staged)) = (is_applied, waiting.staged) {
            let bytes_max = shared.limits.failed_staged_bytes_max;
            evicted.extend(state.failed_staged.keep(seq, staged, bytes_max));
        }
        let followers = state.followers.remove(&seq).unwrap_or_default();
        listeners.push((waiting.client, followers, outcome));
    }
    drop(state);
    shared.ended.notify_waiters();
    shared.delete_staged(&evicted);
    for (client, followers, outcome) in listeners {
        keys::wake(followers, &outcome);
        // A client that went away does not hear of it; the outcome is in the history.
        let _ = client.map(|client| client.send(outcome));
    }
}
