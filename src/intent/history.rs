//! What `teatree.intents` shows: heads joined with outcomes, newest first.

use super::body::Storage;
use super::log::Shared;
use super::record::{Head, StoredOutcome, StoredResult};
use crate::error::Result;
use crate::ids::{IntentSeq, TableName};
use crate::sqlstate::SqlState;
use crate::telemetry;

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
    /// When it was applied, or failed.
    pub applied_at_us: Option<i64>,
    /// 32 hexadecimal digits.
    pub trace_id: Option<String>,
}

/// Finds an outcome, first among those that are not in the store yet.
pub(super) fn outcome(shared: &Shared, seq: IntentSeq) -> Result<Option<StoredOutcome>> {
    let unwritten = shared.state().unwritten.get(&seq).cloned();
    match unwritten {
        Some(outcome) => Ok(Some(outcome)),
        None => shared.store.outcome(seq),
    }
}

/// Reads the newest rows.
pub(super) fn rows(shared: &Shared, limit: usize) -> Result<Vec<IntentRow>> {
    let heads = shared.store.heads_back_from(shared.last_durable(), limit)?;
    heads
        .into_iter()
        .map(|(seq, head)| {
            // Looked at before the outcome, which may come in between.
            let durable_at_us = {
                let state = shared.state();
                state.waiting.get(&seq).and_then(|waiting| waiting.durable_at_us)
            };
            Ok(row(seq, head, durable_at_us, outcome(shared, seq)?))
        })
        .collect()
}

fn row(
    seq: IntentSeq,
    head: Head,
    durable_at_us: Option<i64>,
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
        applied_at_us: None,
        trace_id,
    };
    let Some(outcome) = outcome else { return row };
    row.durable_at_us = outcome.durable_at_us;
    row.applied_at_us = Some(outcome.applied_at_us);
    match outcome.result {
        StoredResult::Applied { tag, rows } => {
            row.state = IntentState::Applied;
            row.tag = Some(tag);
            row.rows = Some(rows);
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
