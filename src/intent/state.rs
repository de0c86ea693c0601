//! What changes while the log is open, under its one lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::body::Outcome;
use super::history::Counters;
use super::keys::KeyName;
use super::outcomes::Ended;
use super::promised::{Promised, Touched};
use super::record::StagedFile;
use super::room::Place;
use super::staged::FailedStaged;
use super::store::Totals;
use crate::ids::IntentSeq;

#[derive(Default)]
pub(super) struct State {
    /// Durable and without an outcome.
    pub(super) waiting: BTreeMap<IntentSeq, Waiting>,
    /// Successes whose outcome is not in the store yet. **Invariant:** no larger than the queue,
    /// since an intent must pass the log thread before its outcome can come here, and with each
    /// group at least as many leave as come in.
    pub(super) unwritten: BTreeMap<IntentSeq, Arc<Ended>>,
    /// Of the waiting ones, those whose clients were told already.
    pub(super) promised: Promised,
    /// The last place given out, which may not be on disk yet.
    pub(super) last_placed: IntentSeq,
    /// Sessions that have brought the idempotency key of a queued intent again. **Invariant:** one
    /// a session at most, so no more than connections.
    pub(super) followers: BTreeMap<IntentSeq, Vec<oneshot::Sender<Outcome>>>,
    /// The oldest head in the store, or the next place where there is none.
    pub(super) first: IntentSeq,
    /// When that one ended; `None` until somebody looked.
    pub(super) oldest_ended_at_us: Option<i64>,
    /// Place and time of the oldest idempotency key; `None` until somebody looked.
    pub(super) oldest_key: Option<(IntentSeq, i64)>,
    /// All outcomes of places before it are on disk.
    pub(super) outcomes_synced_before: IntentSeq,
    pub(super) totals: Totals,
    pub(super) failed_staged: FailedStaged,
    pub(super) counters: Counters,
    /// Set by [`IntentLog::refuse`].
    pub(super) refusing: bool,
    /// Nothing will be applied any more, so nobody waits for an outcome.
    pub(super) let_go: bool,
    /// A write failed; nothing is written any more.
    pub(super) broken: bool,
}

/// One intent that waits for its outcome.
pub(super) struct Waiting {
    pub(super) client: Option<oneshot::Sender<Outcome>>,
    pub(super) durable_at_us: Option<i64>,
    pub(super) started_at_us: Option<i64>,
    pub(super) staged: Option<StagedFile>,
    pub(super) key: Option<KeyName>,
    /// What it changes, when its client was told already.
    pub(super) promised: Option<Touched>,
    /// It may change definitions.
    pub(super) defines: bool,
    /// Held for its `Drop`.
    pub(super) _place: Place,
}
