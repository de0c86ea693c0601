//! Which waiting intents share one DuckDB transaction, and what becomes of it when one fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::bulk::is_bulk;
use super::{BATCH_BYTES_MAX, BATCH_INTENTS_MAX, Writer};
use crate::error::{Error, Result};
use crate::fail_point::{self, Point};
use crate::intent::{Accepted, Applied, Body, Intent, Outcome, Storage, TagKind, Values};
use crate::{clock, telemetry};

/// How long a turn that somebody waits for may wait for more.
const AWAITED_DELAY: Duration = Duration::from_millis(1);

/// Returns how many of the first intents go together: a run of changes of DuckDB rows, else one.
pub(super) fn length(waiting: &[Accepted], bulk_bytes_min: u64) -> usize {
    let mut bytes = 0_usize;
    let fits = |accepted: &&Accepted| {
        let body = &accepted.intent.body;
        let shares = is_row_change(body) && !is_bulk(body, bulk_bytes_min);
        let fits = bytes < BATCH_BYTES_MAX && shares;
        bytes = bytes.saturating_add(body.size());
        fits
    };
    waiting.iter().take(BATCH_INTENTS_MAX).take_while(fits).count().max(1)
}

/// DDL and procedures take a turn of their own.
fn is_row_change(body: &Body) -> bool {
    match body {
        Body::Statement { tag, .. } => {
            matches!(tag, TagKind::Insert | TagKind::Update | TagKind::Delete | TagKind::Merge)
        }
        Body::Rows { storage: Storage::DuckDb, create: None, .. } | Body::Values(_) => true,
        _ => false,
    }
}

/// Why a batch was not applied.
enum Failure {
    /// The machine's fault: the Writer stops.
    Fault(Error),
    /// Some intent's: the transaction is undone.
    Guilty(Error),
}

impl Writer {
    /// Takes what the log has handed over. While nobody waits for what there is, it waits a
    /// little for more: what is promised already costs less when it is committed together.
    /// Who listens to a view that follows waits, too.
    pub(super) fn gather(
        &mut self,
        accepted: &mut mpsc::Receiver<Accepted>,
        waiting: &mut Vec<Accepted>,
    ) {
        self.take_all(accepted, waiting);
        let Some(first) = waiting.first() else { return };
        if waiting.len() >= BATCH_INTENTS_MAX {
            return;
        }
        if waiting.iter().any(|one| one.awaited) {
            return self.gather_more(accepted, waiting);
        }
        if self.is_listened_for(waiting) {
            return;
        }
        let waited_us = u64::try_from(clock::now_us() - first.durable_at_us).unwrap_or(0);
        let delay = self.targets.apply_delay.saturating_sub(Duration::from_micros(waited_us));
        if delay.is_zero() {
            return;
        }
        let demanded = self.targets.log.demanded();
        let _ = self.runtime.block_on(async { tokio::time::timeout(delay, demanded).await });
        self.take_all(accepted, waiting);
    }

    /// Tells whether the rows of an intent may move a view that somebody listens to.
    fn is_listened_for(&self, waiting: &[Accepted]) -> bool {
        let graph = self.targets.pipelines.graph();
        let follows = |one: &Accepted| {
            one.intent.body.table().is_some_and(|table| graph.may_watch(&table.table))
        };
        let notifications = &self.targets.notifications;
        let mut following = graph.views().iter().filter(|view| view.follows());
        waiting.iter().any(follows)
            && following.any(|view| notifications.is_heard(&view.stored.name.table))
    }

    /// Waits for those that are likely to come: as many sessions as the last turn served write
    /// their next rows now, and a transaction of a few of them costs as much as one of all.
    fn gather_more(
        &mut self,
        accepted: &mut mpsc::Receiver<Accepted>,
        waiting: &mut Vec<Accepted>,
    ) {
        let until = Instant::now() + AWAITED_DELAY;
        while waiting.len() < self.last_turn / 2 && Instant::now() < until {
            let next = async { tokio::time::timeout(AWAITED_DELAY, accepted.recv()).await };
            let Ok(Some(next)) = self.runtime.block_on(next) else { break };
            self.take(next, waiting);
            self.take_all(accepted, waiting);
        }
        self.last_turn = waiting.len();
    }

    fn take_all(&mut self, accepted: &mut mpsc::Receiver<Accepted>, waiting: &mut Vec<Accepted>) {
        while waiting.len() < BATCH_INTENTS_MAX {
            match accepted.try_recv() {
                Ok(next) => self.take(next, waiting),
                Err(_) => break,
            }
        }
    }

    /// Applies a run of intents in one transaction. When it fails, each half is tried for itself,
    /// in order, down to the one that is guilty; so the others go on together.
    ///
    /// # Errors
    /// Only faults of the machine.
    pub(super) fn apply_batch(&mut self, turn: &[Accepted]) -> Result<()> {
        if turn.len() < 2 {
            return self.apply_each(turn);
        }
        let started = Instant::now();
        let span = tracing::info_span!("apply_batch", intents = turn.len());
        // What follows for all of them together belongs to the first one's trace, and is linked to
        // the others'.
        let mut traces = turn.iter().map(|one| one.intent.origin.traceparent.as_deref());
        telemetry::set_parent(&span, traces.next().flatten());
        traces.for_each(|trace| telemetry::add_link(&span, trace));
        let tried = span.in_scope(|| catch_unwind(AssertUnwindSafe(|| self.try_batch(turn))));
        match tried {
            Ok(Ok(applied)) => {
                telemetry::applied(turn.len(), started.elapsed());
                self.record_batch(turn, applied)
            }
            Ok(Err(Failure::Fault(error))) => Err(error),
            Ok(Err(Failure::Guilty(error))) => {
                tracing::debug!(%error, intents = turn.len(), "a batch failed and is divided");
                self.apply_halves(turn)
            }
            Err(_) => {
                tracing::error!(intents = turn.len(), "a batch made the Writer panic");
                // Nothing is open when the panic came from outside of the transaction.
                let _ = self.applier.connection.rollback();
                self.apply_halves(turn)
            }
        }
    }

    fn apply_halves(&mut self, turn: &[Accepted]) -> Result<()> {
        let (first, second) = turn.split_at(turn.len() / 2);
        self.apply_batch(first)?;
        self.apply_batch(second)
    }

    fn try_batch(&mut self, turn: &[Accepted]) -> Result<Vec<Applied>, Failure> {
        let Some(last) = turn.last() else { return Ok(Vec::new()) };
        if turn.iter().any(|accepted| self.was_canceled(accepted.intent.seq)) {
            return Err(Failure::Guilty(Error::canceled("user request")));
        }
        self.applier.begin().map_err(Failure::Fault)?;
        let run = self.apply_run(turn).and_then(|applied| self.applier.settle().map(|()| applied));
        let applied = match run {
            Ok(applied) => applied,
            Err(error) => {
                self.applier.connection.rollback().map_err(Failure::Fault)?;
                self.applier.upkeep.undone();
                return Err(Failure::Guilty(error));
            }
        };
        match self.applier.connection.commit(last.intent.seq) {
            Ok(()) => {
                self.applier.settled(last.intent.seq);
                Ok(applied)
            }
            Err(error) if error.is_fault() => Err(Failure::Fault(error)),
            // A conflict: DuckDB has undone the transaction.
            Err(error) => Err(Failure::Guilty(error)),
        }
    }

    /// Applies a run inside the open transaction: neighbours with rows for one target in one go.
    fn apply_run(&mut self, turn: &[Accepted]) -> Result<Vec<Applied>> {
        let mut done = Vec::with_capacity(turn.len());
        while let Some(accepted) = turn.get(done.len()) {
            let intent = &accepted.intent;
            let span = tracing::info_span!("apply", seq = intent.seq.0);
            telemetry::set_parent(&span, intent.origin.traceparent.as_deref());
            let _entered = span.entered();
            let Some(values) = joinable(intent) else {
                done.push(self.applier.apply_intent(intent)?);
                continue;
            };
            let alike: Vec<&Values> =
                turn[done.len()..].iter().map_while(|next| same_target(values, next)).collect();
            let rows = alike.iter().flat_map(|values| &values.rows);
            let drawn = self.applier.append_joined(intent, rows)?;
            let mut through = 0;
            done.extend(alike.iter().map(|values| {
                through += values.rows.len();
                let count = values.rows.len() as u64;
                let drawn = drawn.last_of(through);
                Applied { drawn, ..super::applier::applied(&TagKind::Insert, count) }
            }));
        }
        Ok(done)
    }

    fn record_batch(&self, turn: &[Accepted], applied: Vec<Applied>) -> Result<()> {
        turn.iter().for_each(|accepted| self.targets.forget_staged(&accepted.intent));
        let applied_at_us = clock::now_us();
        let outcome = |applied| Outcome { result: Ok(applied), applied_at_us };
        let seqs = turn.iter().map(|accepted| accepted.intent.seq);
        fail_point::pass_or_crash(Point::OutcomeBeforeRecord);
        let outcomes = seqs.zip(applied.into_iter().map(outcome)).collect();
        self.targets.log.record_outcomes(outcomes)?;
        fail_point::pass_or_crash(Point::OutcomeAfterRecord);
        Ok(())
    }
}

/// Returns an intent's rows when they are for the same columns of the same table.
fn same_target<'a>(values: &Values, next: &'a Accepted) -> Option<&'a Values> {
    joinable(&next.intent).filter(|more| more.target == values.target)
}

/// Returns the rows of an intent that has nothing else.
fn joinable(intent: &Intent) -> Option<&Values> {
    match &intent.body {
        Body::Values(values) => Some(values),
        _ => None,
    }
}
