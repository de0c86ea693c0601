//! The end of history: by number, bytes and age, whichever bound is hit first.
//!
//! **Invariant:** an intent without an outcome in the store, and all after it, stays; so does the
//! last one, which tells at the next start that the log is whole.

use super::log::Shared;
use super::store::{Batch, Kept};
use crate::clock;
use crate::error::Result;
use crate::ids::IntentSeq;

/// Intents that one batch forgets at most, so that nobody waits long for it.
const TRIMMED_AT_ONCE: usize = 4096;
/// History may exceed each bound by this part of it: a range deletion costs every later read a
/// little, so there are few of them.
const SLACK: u64 = 16;

/// What a batch forgets.
pub(super) struct Trimmed {
    /// The oldest place then.
    first: IntentSeq,
    bytes: u64,
    oldest_ended_at_us: Option<i64>,
}

/// How far the history is past its bounds.
struct Excess {
    intents: u64,
    bytes: u64,
    /// What ended before is too old.
    ended_before_us: i64,
}

impl Excess {
    fn holds(&self, kept: &Kept) -> bool {
        let too_old = kept.ended_at_us.is_some_and(|at| at < self.ended_before_us);
        self.intents > 0 || self.bytes > 0 || too_old
    }

    fn without(&mut self, kept: &Kept) {
        self.intents = self.intents.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(kept.bytes);
    }
}

/// Adds to the batch the end of the oldest history past its bounds; `last` is the last place once
/// the batch is written.
pub(super) fn trim(shared: &Shared, last: IntentSeq, batch: &mut Batch) -> Result<Option<Trimmed>> {
    let limits = &shared.limits;
    let durable = shared.last_durable();
    let (first, end, ended, bytes, mut oldest_ended_at_us) = {
        let state = shared.state();
        let unended = state.waiting.keys().next().copied();
        let unwritten = state.unwritten.keys().next().copied();
        let stays = [unended, unwritten, Some(last)].into_iter().flatten().min();
        let queued = state.waiting.len() as u64;
        let ended = (durable.0 + 1).saturating_sub(state.first.0).saturating_sub(queued);
        let end = stays.unwrap_or(last);
        (state.first, end, ended, state.totals.history_bytes, state.oldest_ended_at_us)
    };
    if first >= end {
        return Ok(None);
    }
    if oldest_ended_at_us.is_none() {
        let oldest = shared.store.oldest(first, 1)?;
        oldest_ended_at_us = oldest.first().and_then(|kept| kept.ended_at_us);
        shared.state().oldest_ended_at_us = oldest_ended_at_us;
    }
    let age_max_us = i64::try_from(limits.history_max_age.as_micros()).unwrap_or(i64::MAX);
    let slack_us = age_max_us / i64::try_from(SLACK).unwrap_or(1);
    let ended_before_us = clock::now_us().saturating_sub(age_max_us);
    let mut excess = Excess {
        intents: ended.saturating_sub(limits.history_intents_max),
        bytes: bytes.saturating_sub(limits.history_bytes_max),
        ended_before_us,
    };
    let is_due = excess.intents > limits.history_intents_max / SLACK
        || excess.bytes > limits.history_bytes_max / SLACK
        || oldest_ended_at_us.is_some_and(|at| at < ended_before_us.saturating_sub(slack_us));
    if !is_due {
        return Ok(None);
    }
    let mut trimmed = Trimmed { first, bytes: 0, oldest_ended_at_us: None };
    for kept in shared.store.oldest(first, TRIMMED_AT_ONCE)? {
        if kept.seq >= end || !excess.holds(&kept) {
            trimmed.oldest_ended_at_us = kept.ended_at_us;
            break;
        }
        excess.without(&kept);
        trimmed.bytes += kept.bytes;
        trimmed.first = kept.seq.next();
    }
    shared.store.forget(batch, first, trimmed.first)?;
    Ok(Some(trimmed))
}

impl Trimmed {
    /// Makes it so once the batch is written: frees the bytes and the staged files.
    pub(super) fn settle(self, shared: &Shared) {
        let files = {
            let mut state = shared.state();
            state.first = self.first;
            state.oldest_ended_at_us = self.oldest_ended_at_us;
            state.totals.history_bytes = state.totals.history_bytes.saturating_sub(self.bytes);
            state.failed_staged.forget_before(self.first)
        };
        shared.delete_staged(&files);
    }
}
