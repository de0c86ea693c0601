//! The bulk lane: a big append is applied apart, on a connection and a thread of its own, while the
//! stream goes on.
//!
//! The stream passes over it when its turn comes, and whatever names the same table later waits
//! until it is over ([`super::parking`]); everything else does not notice. One at a time: more of
//! them wait for the lane. The rows are in a staged file, so a crash loses nothing: at the next
//! start the append is in the data file together with its place, or it is done again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::applier::Applier;
use super::apply::{panicked, statement_error};
use super::crossing::CrossingState;
use super::parking::{Going, Holder, Names};
use super::{Shared, Targets, Writer, stopped};
use crate::error::{Error, Result};
use crate::ids::IntentSeq;
use crate::intent::{Accepted, Applied, Body, Intent, Outcome, RowsAt, Storage};
use crate::sqlstate::SqlState;
use crate::{clock, telemetry};

/// How often an append is tried again that met a conflict.
const CONFLICT_TRIES: usize = 3;

/// Stops the append that is under way from another thread.
pub(super) struct BulkStop {
    pub(super) seq: Option<IntentSeq>,
    pub(super) asked: Arc<AtomicBool>,
    pub(super) interrupt: Arc<dyn Fn() + Send + Sync>,
}

impl BulkStop {
    /// Stops it if it is this one.
    pub(super) fn cancel(&self, seq: IntentSeq) {
        if self.seq == Some(seq) {
            self.asked.store(true, Ordering::Relaxed);
            (self.interrupt)();
        }
    }
}

/// Tells whether an intent is applied apart: its rows are a staged file of some size.
pub(super) fn is_bulk(body: &Body, bulk_bytes_min: u64) -> bool {
    matches!(body, Body::Rows { storage: Storage::DuckDb, rows: RowsAt::Staged { bytes, .. }, .. }
        if *bytes >= bulk_bytes_min)
}

/// Decides which parked intents may go: one bulk append at most, and none while one is under way.
pub(super) fn going(lane_is_free: bool, bulk_bytes_min: u64) -> impl FnMut(&Accepted) -> Going {
    let mut free = lane_is_free;
    move |accepted| {
        if !is_bulk(&accepted.intent.body, bulk_bytes_min) {
            Going::Goes
        } else if std::mem::take(&mut free) {
            Going::GoesAndHolds
        } else {
            Going::Stays
        }
    }
}

/// The stream's side of the lane. The thread ends when this is dropped.
pub(super) struct BulkLane {
    jobs: SyncSender<Accepted>,
}

impl BulkLane {
    /// Starts the lane's thread.
    ///
    /// # Errors
    /// When the connection or the thread cannot be made.
    pub(super) fn start(targets: &Arc<Targets>, shared: &Arc<Shared>) -> Result<BulkLane> {
        let connection = targets.duckdb.write_connection()?;
        let mut applier = Applier::new(Arc::clone(targets), connection);
        shared.running.lock().bulk = Some(BulkStop {
            seq: None,
            asked: Arc::clone(&applier.stop),
            interrupt: Arc::new(applier.connection.interrupter()),
        });
        let (jobs, queue) = sync_channel(1);
        let (targets, shared) = (Arc::clone(targets), Arc::clone(shared));
        std::thread::Builder::new()
            .name("bulk".to_owned())
            .stack_size(64 << 20)
            .spawn(move || run(&queue, &mut applier, &targets, &shared))
            .map_err(|error| Error::io("could not start the bulk lane's thread", &error))?;
        Ok(BulkLane { jobs })
    }
}

impl Writer {
    /// Hands an append over to the lane, which is free.
    pub(super) fn start_bulk(
        &mut self,
        accepted: Accepted,
        names: Names,
        state: &mut CrossingState,
    ) -> Result<()> {
        let seq = accepted.intent.seq;
        self.targets.log.note_started(std::iter::once(seq));
        self.applier.connection.set_aside(seq);
        state.parking.hold(Holder::Bulk, names);
        if let Some(stop) = &mut self.shared.running.lock().bulk {
            stop.asked.store(false, Ordering::Relaxed);
            stop.seq = Some(seq);
        }
        self.bulk
            .jobs
            .try_send(accepted)
            .map_err(|_| Error::new(SqlState::INTERNAL_ERROR, "the bulk lane has ended"))
    }
}

fn run(
    jobs: &Receiver<Accepted>,
    applier: &mut Applier,
    targets: &Arc<Targets>,
    shared: &Arc<Shared>,
) {
    while let Ok(accepted) = jobs.recv() {
        let intent = &accepted.intent;
        let seq = intent.seq;
        let span = tracing::info_span!(
            "apply_apart",
            seq = intent.seq.0,
            queued_us = clock::now_us() - accepted.durable_at_us,
        );
        telemetry::set_parent(&span, intent.origin.traceparent.as_deref());
        let result = span.in_scope(|| apply(applier, shared, intent));
        if let Some(stop) = &mut shared.running.lock().bulk {
            stop.seq = None;
        }
        let fault = match result {
            Err(error) if error.is_fault() => Some(error),
            result => record(targets, intent, result).err(),
        };
        if let Some(error) = &fault {
            tracing::error!(%error, "the bulk lane stops: the machine failed");
            targets.log.stop(stopped(error));
        }
        let mut state = shared.crossing.state.lock();
        state.stopped |= fault.is_some();
        state.parking.release(Holder::Bulk);
        state.end_apart(seq);
        drop(state);
        shared.crossing.wake.notify_one();
        shared.crossing.further.notify_waiters();
        if fault.is_some() {
            return;
        }
    }
}

fn apply(applier: &mut Applier, shared: &Shared, intent: &Intent) -> Result<Applied> {
    let mut tries = 1;
    loop {
        let applied = catch_unwind(AssertUnwindSafe(|| apply_once(applier, shared, intent)));
        let result = applied.unwrap_or_else(|_| {
            // Nothing is open when the panic came from outside of a transaction.
            let _ = applier.connection.rollback();
            Err(panicked(intent.seq))
        });
        match result {
            Err(_) if applier.suspend_failed() => {}
            Err(error)
                if error.code() == SqlState::SERIALIZATION_FAILURE && tries < CONFLICT_TRIES =>
            {
                tries += 1;
            }
            result => return result,
        }
    }
}

fn apply_once(applier: &mut Applier, shared: &Shared, intent: &Intent) -> Result<Applied> {
    applier.begin()?;
    let done = applier.apply_intent(intent);
    match done.and_then(|applied| applier.settle().map(|()| applied)) {
        Ok(applied) => {
            let _file = shared.crossing.file.lock();
            past_canceling(applier, shared)?;
            applier.connection.commit_apart(intent.seq)?;
            applier.settled(intent.seq);
            Ok(applied)
        }
        Err(error) => {
            applier.connection.rollback()?;
            applier.upkeep.undone();
            Err(statement_error(error))
        }
    }
}

/// From here on the append cannot be stopped: a COMMIT that is interrupted may have been done.
///
/// # Errors
/// 57014 when it was to be stopped before; it is undone then.
fn past_canceling(applier: &mut Applier, shared: &Shared) -> Result<()> {
    if let Some(stop) = &mut shared.running.lock().bulk {
        stop.seq = None;
    }
    if applier.stop.load(Ordering::Relaxed) {
        applier.connection.rollback()?;
        return Err(Error::canceled("user request"));
    }
    Ok(())
}

fn record(targets: &Targets, intent: &Intent, result: Result<Applied>) -> Result<()> {
    match &result {
        Ok(_) => targets.forget_staged(intent),
        Err(error) => {
            tracing::info!(seq = intent.seq.0, code = %error.code(), %error, "an intent failed");
        }
    }
    let outcome = Outcome { result, applied_at_us: clock::now_us() };
    targets.log.record_outcome(intent.seq, outcome)
}
