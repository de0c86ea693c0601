//! What `teatree.intents` and `teatree.intent_stats` show: heads joined with outcomes, newest
//! first, a page at a time; and the numbers that are counted anyway.

use super::IntentLog;
use super::log::Shared;
use super::record::{Head, StoredOutcome, StoredResult};
use super::storage::Storage;
use crate::clock;
use crate::error::Result;
use crate::ids::{IntentSeq, TableName};
use crate::sqlstate::SqlState;
use crate::telemetry;

/// Seconds over which the rate of applying is taken.
const RATE_SECONDS: usize = 10;

/// How far an intent has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentState {
    /// On disk, not applied.
    Queued,
    Applied,
    /// Refused when it was its turn; changed nothing.
    Failed,
}

impl IntentState {
    /// Returns the name that SQL shows.
    pub fn as_str(self) -> &'static str {
        match self {
            IntentState::Queued => "queued",
            IntentState::Applied => "applied",
            IntentState::Failed => "failed",
        }
    }
}

/// One row of `teatree.intents`.
#[derive(Clone, Debug, PartialEq)]
pub struct IntentRow {
    pub seq: IntentSeq,
    pub state: IntentState,
    pub kind: String,
    pub statement: String,
    pub user: String,
    pub application_name: String,
    pub storage: Option<Storage>,
    pub table: Option<TableName>,
    /// Rows changed, or rows brought while it is queued and that is known.
    pub rows: Option<u64>,
    pub tag: Option<String>,
    pub sqlstate: Option<SqlState>,
    pub message: Option<String>,
    pub accepted_at_us: i64,
    pub durable_at_us: Option<i64>,
    /// When its turn at the Writer came.
    pub started_at_us: Option<i64>,
    /// When it was applied, or failed.
    pub applied_at_us: Option<i64>,
    /// When a client was told; absent when nobody waited any more.
    pub acknowledged_at_us: Option<i64>,
    /// 32 hexadecimal digits.
    pub trace_id: Option<String>,
    pub idempotency_key: Option<String>,
    /// The failed intent that this one resubmits.
    pub retry_of: Option<IntentSeq>,
    /// The intent that resubmits this one.
    pub retried_as: Option<IntentSeq>,
}

/// The one row of `teatree.intent_stats`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IntentStats {
    /// Intents without an outcome, and their bytes, rounded up to KiB.
    pub queued: u64,
    pub queued_bytes: u64,
    /// When the oldest of them was accepted.
    pub oldest_queued_at_us: Option<i64>,
    pub last_durable: IntentSeq,
    /// Since the server started.
    pub applied: u64,
    pub failed: u64,
    /// Intents that ended in a second, over the last ten.
    pub ended_per_second: f64,
    pub history_intents: u64,
    pub history_bytes: u64,
    pub idempotency_keys: u64,
}

/// Counts ends, in all and in the last seconds.
#[derive(Default)]
pub(super) struct Counters {
    applied: u64,
    failed: u64,
    /// Second and number, at the second modulo the length.
    seconds: [(i64, u64); RATE_SECONDS + 1],
}

impl Counters {
    pub(super) fn note(&mut self, is_applied: bool, now_us: i64) {
        telemetry::ended(is_applied);
        let counter = if is_applied { &mut self.applied } else { &mut self.failed };
        *counter += 1;
        let second = now_us.div_euclid(1_000_000);
        let slots = self.seconds.len();
        let slot = usize::try_from(second).unwrap_or(0) % slots;
        if self.seconds[slot].0 != second {
            self.seconds[slot] = (second, 0);
        }
        self.seconds[slot].1 += 1;
    }

    /// Returns ends in a second over the whole seconds before this one.
    fn per_second(&self, now_us: i64) -> f64 {
        let now = now_us.div_euclid(1_000_000);
        let recent = self.seconds.iter().filter(|(second, _)| {
            (1..=RATE_SECONDS as u64).contains(&u64::try_from(now - second).unwrap_or(0))
        });
        let count: u64 = recent.map(|(_, count)| count).sum();
        f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / RATE_SECONDS as f64
    }
}

impl IntentLog {
    /// Returns the newest intents, newest first. Blocks on reads.
    ///
    /// # Errors
    /// XX001 or 58030 when they cannot be read.
    pub fn history(&self, limit: usize) -> Result<Vec<IntentRow>> {
        rows(self.shared(), self.last_durable(), limit)
    }

    /// Returns the intents up to a place, newest first. Blocks on reads.
    ///
    /// # Errors
    /// XX001 or 58030 when they cannot be read.
    pub fn history_from(&self, last: IntentSeq, limit: usize) -> Result<Vec<IntentRow>> {
        rows(self.shared(), last.min(self.last_durable()), limit)
    }

    /// Returns the numbers of this moment. Blocks on a read.
    ///
    /// # Errors
    /// XX001 or 58030 when the oldest intent cannot be read.
    pub fn stats(&self) -> Result<IntentStats> {
        let shared = self.shared();
        let last_durable = self.last_durable();
        let oldest = shared.state().waiting.keys().next().copied();
        let oldest = oldest.map(|seq| shared.store.head(seq)).transpose()?.flatten();
        let state = shared.state();
        let queued = state.waiting.len() as u64;
        Ok(IntentStats {
            queued,
            queued_bytes: shared.room.bytes_taken(),
            oldest_queued_at_us: oldest.map(|head| head.accepted_at_us),
            last_durable,
            applied: state.counters.applied,
            failed: state.counters.failed,
            ended_per_second: state.counters.per_second(clock::now_us()),
            history_intents: (last_durable.0 + 1)
                .saturating_sub(state.first.0)
                .saturating_sub(queued),
            history_bytes: state.totals.history_bytes,
            idempotency_keys: state.totals.keys,
        })
    }
}

/// Finds an outcome, first among those that are not in the store yet.
pub(super) fn outcome(shared: &Shared, seq: IntentSeq) -> Result<Option<StoredOutcome>> {
    let unwritten = shared.state().unwritten.get(&seq).map(|ended| ended.outcome.clone());
    match unwritten {
        Some(outcome) => Ok(Some(outcome)),
        None => shared.store.outcome(seq),
    }
}

/// Reads the rows from a place backwards.
fn rows(shared: &Shared, last: IntentSeq, limit: usize) -> Result<Vec<IntentRow>> {
    let heads = shared.store.heads_back_from(last, limit)?;
    let (Some((newest, _)), Some((oldest, _))) = (heads.first(), heads.last()) else {
        return Ok(Vec::new());
    };
    let (oldest, newest) = (*oldest, *newest);
    // Looked at before the outcomes, which may come in between.
    let (stages, unwritten) = {
        let state = shared.state();
        let stages: Vec<(IntentSeq, Option<i64>, Option<i64>)> = state
            .waiting
            .range(oldest..=newest)
            .map(|(seq, waiting)| (*seq, waiting.durable_at_us, waiting.started_at_us))
            .collect();
        let unwritten: Vec<(IntentSeq, StoredOutcome)> = state
            .unwritten
            .range(oldest..=newest)
            .map(|(seq, ended)| (*seq, ended.outcome.clone()))
            .collect();
        (stages, unwritten)
    };
    let mut outcomes = shared.store.outcomes(oldest, newest)?;
    outcomes.extend(unwritten);
    Ok(heads
        .into_iter()
        .map(|(seq, head)| {
            let found = stages.binary_search_by_key(&seq, |(seq, ..)| *seq);
            let (durable, started) =
                found.map_or((None, None), |place| (stages[place].1, stages[place].2));
            row(seq, head, (durable, started), outcomes.remove(&seq))
        })
        .collect())
}

fn row(
    seq: IntentSeq,
    head: Head,
    (durable_at_us, started_at_us): (Option<i64>, Option<i64>),
    outcome: Option<StoredOutcome>,
) -> IntentRow {
    let trace_id = head.origin.traceparent.as_deref().and_then(telemetry::trace_id);
    let mut row = IntentRow {
        seq,
        state: IntentState::Queued,
        kind: head.kind,
        statement: head.origin.statement,
        user: head.origin.user,
        application_name: head.origin.application_name,
        storage: head.storage,
        table: head.table,
        rows: head.rows,
        tag: None,
        sqlstate: None,
        message: None,
        accepted_at_us: head.accepted_at_us,
        durable_at_us,
        started_at_us,
        applied_at_us: None,
        acknowledged_at_us: None,
        trace_id,
        idempotency_key: head.origin.idempotency_key,
        retry_of: head.retry_of,
        retried_as: None,
    };
    let Some(outcome) = outcome else { return row };
    row.durable_at_us = outcome.durable_at_us;
    row.started_at_us = outcome.started_at_us;
    row.acknowledged_at_us = outcome.acknowledged_at_us;
    row.retried_as = outcome.retried_as;
    row.applied_at_us = Some(outcome.applied_at_us);
    match outcome.result {
        StoredResult::Applied { tag, rows } => {
            row.state = IntentState::Applied;
            // No tag: a crash has cut it off.
            row.rows = (!tag.is_empty()).then_some(rows);
            row.tag = Some(tag).filter(|tag| !tag.is_empty());
        }
        StoredResult::Failed(error) => {
            row.state = IntentState::Failed;
            row.rows = Some(0);
            row.sqlstate = Some(error.code());
            row.message = Some(error.message().to_owned());
        }
    }
    row
}
