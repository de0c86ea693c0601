//! A failed intent, to be looked at and resubmitted.

use std::collections::HashSet;

use super::body::Intent;
use super::history;
use super::log::Shared;
use super::record::{StoredOutcome, StoredResult};
use super::store::Batch;
use crate::error::{Error, Result};
use crate::ids::IntentSeq;
use crate::sqlstate::SqlState;

/// Reads a failed intent as it was accepted.
///
/// # Errors
/// 42704 for a place without an intent, 55000 for an intent that cannot be resubmitted.
pub(super) fn failed_intent(shared: &Shared, seq: IntentSeq) -> Result<Intent> {
    let Some(head) = shared.store.head(seq)? else { return Err(unknown(shared, seq)) };
    check(shared, seq)?;
    if head.staged.is_some() && !shared.state().failed_staged.has(seq) {
        return Err(rows_gone(seq));
    }
    let Some(body) = shared.store.failed_body(seq)? else {
        return Err(refused(seq, "what it was to do is not kept any more"));
    };
    Ok(Intent { seq, accepted_at_us: head.accepted_at_us, origin: head.origin, body })
}

/// Checks that an intent has failed and was not resubmitted yet; returns its outcome.
fn check(shared: &Shared, seq: IntentSeq) -> Result<StoredOutcome> {
    let Some(outcome) = history::outcome(shared, seq)? else {
        return Err(refused(seq, "it is queued"));
    };
    match (&outcome.result, outcome.retried_as) {
        (StoredResult::Applied { .. }, _) => Err(refused(seq, "it is applied")),
        (StoredResult::Failed(_), Some(retry)) => {
            Err(refused(seq, &format!("it was retried as intent {retry}"))
                .with_hint(format!("If that failed, too, retry intent {retry}.")))
        }
        (StoredResult::Failed(_), None) => Ok(outcome),
    }
}

/// The retries of one group of appends, on the log thread: a failed intent is resubmitted once.
#[derive(Default)]
pub(super) struct Group {
    retried: HashSet<IntentSeq>,
}

impl Group {
    /// Adds to the batch that `failed` is resubmitted as `seq`.
    ///
    /// # Errors
    /// 55000 when another session was faster.
    pub(super) fn admit(
        &mut self,
        shared: &Shared,
        batch: &mut Batch,
        failed: IntentSeq,
        seq: IntentSeq,
    ) -> Result<()> {
        let outcome = check(shared, failed)?;
        if !self.retried.insert(failed) {
            return Err(refused(failed, "it is being retried"));
        }
        let staged = shared.store.head(failed)?.and_then(|head| head.staged);
        // From here on the file is the new intent's, and no bound takes it away.
        if staged.is_some() && !shared.state().failed_staged.hand_on(failed) {
            return Err(rows_gone(failed));
        }
        let outcome = StoredOutcome { retried_as: Some(seq), ..outcome };
        shared.store.put_retried(batch, failed, &outcome)
    }
}

fn rows_gone(seq: IntentSeq) -> Error {
    refused(seq, "its rows are not kept any more")
        .with_hint("Send the write again, or raise failed_staged_bytes_max for the next one.")
}

fn refused(seq: IntentSeq, why: &str) -> Error {
    Error::new(
        SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("intent {seq} cannot be retried: {why}"),
    )
}

fn unknown(shared: &Shared, seq: IntentSeq) -> Error {
    let error = Error::new(SqlState::UNDEFINED_OBJECT, format!("intent {seq} does not exist"));
    let first = shared.state().first;
    if seq.0 > 0 && seq < first {
        return error
            .with_detail(format!("The history begins with intent {first}."))
            .with_hint("See history_intents_max, history_bytes_max and history_max_age_ms.");
    }
    error
}
