//! Idempotency keys: a repeat of a write gets the first one's outcome and changes nothing.
//!
//! A key is one user's. It is bound to its intent by the log thread, in the same synced write, so
//! of two sessions that send one key at the same moment one gets the place and the other follows
//! it. The key's record keeps the outcome, with result rows up to a bound, longer than the history
//! may keep the intent. A key that was never bound (the statement was refused before it became an
//! intent) means nothing: it may be sent again.
//!
//! **Invariant:** a key is forgotten only when its time is over and its intent has ended; a full
//! store of keys refuses new ones instead.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::appender::Append;
use super::body::{Applied, Outcome};
use super::bytes::Bytes;
use super::log::{Shared, Ticket};
use super::record::{StoredOutcome, StoredResult};
use super::result_set::ResultSet;
use super::store::Batch;
use crate::clock;
use crate::error::{Error, Result};
use crate::ids::IntentSeq;
use crate::sqlstate::SqlState;

/// How long a key may be.
pub const KEY_BYTES_MAX: usize = 255;

/// Keys that one group forgets at most, so that nobody waits long for it.
const EXPIRED_AT_ONCE: usize = 1024;

/// A client's key for one write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    user: String,
    text: String,
    digest: [u8; 32],
}

impl IdempotencyKey {
    /// Makes the key of a user's write; the digest is of all that the client sent for it.
    ///
    /// # Errors
    /// 22023 for a key that is empty, too long or has a NUL.
    pub fn new(user: &str, text: &str, digest: [u8; 32]) -> Result<IdempotencyKey> {
        if text.is_empty() || text.len() > KEY_BYTES_MAX || text.contains('\0') {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("an idempotency key must have 1 to {KEY_BYTES_MAX} bytes"),
            ));
        }
        Ok(IdempotencyKey { user: user.to_owned(), text: text.to_owned(), digest })
    }

    /// Returns what the client calls it.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn name(&self) -> KeyName {
        KeyName::new(&self.user, &self.text)
    }
}

/// A key's name in the store: the user, a NUL, the client's text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct KeyName(pub(super) Vec<u8>);

impl KeyName {
    pub(super) fn new(user: &str, text: &str) -> KeyName {
        KeyName([user.as_bytes(), b"\0", text.as_bytes()].concat())
    }
}

/// What is remembered of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct KeyRecord {
    pub(super) seq: IntentSeq,
    pub(super) digest: Bytes,
    pub(super) bound_at_us: i64,
    /// `None` while the intent is queued.
    pub(super) outcome: Option<KeptOutcome>,
}

/// A first write's outcome, for its repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptOutcome {
    pub(super) applied_at_us: i64,
    pub(super) result: StoredResult,
    pub(super) rows: KeptRows,
}

/// The rows of RETURNING or CALL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum KeptRows {
    None,
    Some(ResultSet),
    /// There were more bytes of them than are kept.
    TooLarge(u64),
}

impl KeptOutcome {
    pub(super) fn new(outcome: &Outcome, stored: &StoredOutcome, bytes_max: usize) -> KeptOutcome {
        let result = outcome.result.as_ref().ok().and_then(|applied| applied.result.as_ref());
        let rows = match result {
            None => KeptRows::None,
            Some(ResultSet { lost_bytes: Some(bytes), .. }) => KeptRows::TooLarge(*bytes),
            Some(rows) if rows.bytes() <= bytes_max => KeptRows::Some(rows.clone()),
            Some(rows) => KeptRows::TooLarge(rows.bytes() as u64),
        };
        let result = stored.result.clone();
        KeptOutcome { applied_at_us: stored.applied_at_us, result, rows }
    }

    fn into_outcome(self, seq: IntentSeq) -> Outcome {
        let result = match (self.result, self.rows) {
            (StoredResult::Failed(error), _) => Err(error),
            (StoredResult::Applied { tag, .. }, _) if tag.is_empty() => Err(tag_not_known(seq)),
            (StoredResult::Applied { tag, .. }, KeptRows::TooLarge(bytes)) => {
                Err(rows_not_kept(seq, &tag, bytes))
            }
            (StoredResult::Applied { tag, rows }, KeptRows::Some(result)) => {
                Ok(Applied { tag, rows, result: Some(result), drawn: Vec::new() })
            }
            (StoredResult::Applied { tag, rows }, KeptRows::None) => {
                Ok(Applied { tag, rows, result: None, drawn: Vec::new() })
            }
        };
        Outcome { result, applied_at_us: self.applied_at_us }
    }
}

/// Finds the intent that a key is bound to, for a session that brings the key again.
///
/// # Errors
/// 22023 when the key was bound to another statement.
pub(super) fn find(shared: &Shared, key: &IdempotencyKey) -> Result<Option<Ticket>> {
    let Some(record) = bound(shared, &key.name(), clock::now_us())? else { return Ok(None) };
    if record.digest.0 != key.digest {
        return Err(other_statement(key, record.seq));
    }
    follow(shared, &key.name(), record).map(Some)
}

/// Returns a key's record unless its time is over.
fn bound(shared: &Shared, name: &KeyName, now_us: i64) -> Result<Option<KeyRecord>> {
    let Some(record) = shared.store.key(name)? else { return Ok(None) };
    let over = is_over(shared, record.bound_at_us, now_us);
    let ended = || !shared.state().waiting.contains_key(&record.seq);
    Ok(if over && ended() { None } else { Some(record) })
}

fn is_over(shared: &Shared, bound_at_us: i64, now_us: i64) -> bool {
    let ttl_us = i64::try_from(shared.limits.key_ttl.as_micros()).unwrap_or(i64::MAX);
    now_us.saturating_sub(bound_at_us) >= ttl_us
}

/// Gives the outcome of a bound key's intent, now or when it is known.
fn follow(shared: &Shared, name: &KeyName, record: KeyRecord) -> Result<Ticket> {
    let seq = record.seq;
    let (sender, outcome) = oneshot::channel();
    let ticket = Ticket { seq, promised: None, outcome, is_repeat: true };
    let kept = match record.outcome {
        Some(kept) => Some(kept),
        None => {
            let mut state = shared.state();
            // The log thread writes an intent with its key before it hands it over.
            let is_on_its_way = seq > shared.last_durable();
            if is_on_its_way || state.waiting.contains_key(&seq) {
                if !state.let_go {
                    state.followers.entry(seq).or_default().push(sender);
                    shared.demand.notify_one();
                }
                return Ok(ticket);
            }
            state.unwritten.get(&seq).and_then(|ended| ended.kept.clone())
        }
    };
    let kept = match kept {
        Some(kept) => kept,
        // It was written between the two looks.
        None => shared.store.key(name)?.and_then(|record| record.outcome).ok_or_else(|| {
            Error::internal(format!("intent {seq} has ended and its key does not know how"))
        })?,
    };
    let _ = sender.send(kept.into_outcome(seq));
    Ok(ticket)
}

/// Wakes the sessions that wait for a repeat's first one.
pub(super) fn wake(followers: Vec<oneshot::Sender<Outcome>>, outcome: &Outcome) {
    for follower in followers {
        let _ = follower.send(outcome.clone());
    }
}

/// The keys of one group of appends, on the log thread.
#[derive(Default)]
pub(super) struct Group {
    bound: HashSet<KeyName>,
}

/// What becomes of an append.
pub(super) enum Admission {
    First,
    /// Its key is bound to another.
    Repeat,
}

impl Group {
    /// Tells whether a key is bound already.
    ///
    /// # Errors
    /// 53400 when it is not and no more keys are remembered.
    pub(super) fn knows(&self, shared: &Shared, key: &IdempotencyKey) -> Result<bool> {
        let name = key.name();
        if self.bound.contains(&name) || bound(shared, &name, clock::now_us())?.is_some() {
            return Ok(true);
        }
        let is_full = shared.state().totals.keys >= shared.limits.keys_max;
        if is_full && shared.store.key(&name)?.is_none() { Err(full(shared)) } else { Ok(false) }
    }

    /// Adds to the batch that a key, which is not bound, is bound to a place.
    pub(super) fn bind(
        &mut self,
        shared: &Shared,
        batch: &mut Batch,
        key: &IdempotencyKey,
        seq: IntentSeq,
    ) -> Result<()> {
        let name = key.name();
        let bound_at_us = clock::now_us();
        // A record whose time is over may still be there.
        if let Some(old) = shared.store.key(&name)? {
            shared.store.forget_key(batch, old.seq, &name)?;
        } else {
            let mut state = shared.state();
            if state.totals.keys == 0 {
                state.oldest_key = Some((seq, bound_at_us));
            }
            state.totals.keys += 1;
        }
        let digest = Bytes(key.digest.to_vec());
        let record = KeyRecord { seq, digest, bound_at_us, outcome: None };
        shared.store.put_new_key(batch, &name, &record)?;
        self.bound.insert(name);
        Ok(())
    }
}

/// Adds to the batch the end of keys whose time is over, oldest first; those that the group has
/// bound anew stay.
pub(super) fn expire(shared: &Shared, group: &Group, batch: &mut Batch) -> Result<()> {
    let now_us = clock::now_us();
    let (oldest, keys) = {
        let state = shared.state();
        (state.oldest_key, state.totals.keys)
    };
    if keys == 0 || oldest.is_some_and(|(_, bound_at_us)| !is_over(shared, bound_at_us, now_us)) {
        return Ok(());
    }
    let from = oldest.map_or(IntentSeq(0), |(seq, _)| seq);
    let mut forgotten = 0;
    let mut next = None;
    for (seq, bound_at_us, name) in shared.store.keys_from(from, EXPIRED_AT_ONCE + 1)? {
        let queued = shared.state().waiting.contains_key(&seq);
        if queued || forgotten == EXPIRED_AT_ONCE || !is_over(shared, bound_at_us, now_us) {
            next = Some((seq, bound_at_us));
            break;
        }
        if !group.bound.contains(&name) {
            shared.store.forget_key(batch, seq, &name)?;
            forgotten += 1;
        }
    }
    let mut state = shared.state();
    state.totals.keys = state.totals.keys.saturating_sub(forgotten as u64);
    state.oldest_key = next;
    Ok(())
}

/// Adds a key's outcome to a batch; nothing when the key is forgotten or bound anew.
pub(super) fn put_outcome(
    shared: &Shared,
    batch: &mut Batch,
    seq: IntentSeq,
    name: &KeyName,
    kept: &KeptOutcome,
) -> Result<()> {
    match shared.store.key(name)? {
        Some(record) if record.seq == seq => {
            let record = KeyRecord { outcome: Some(kept.clone()), ..record };
            shared.store.put_key(batch, name, &record)
        }
        _ => Ok(()),
    }
}

/// Answers appends that turned out to be repeats, once their first ones are in the store.
pub(super) fn answer(shared: &Shared, repeats: Vec<Append>) {
    for append in repeats {
        let found = match &append.options.key {
            Some(key) => find(shared, key),
            None => Ok(None),
        };
        let gone = || Err(Error::internal("an idempotency key vanished"));
        let _ = append.reply.send(found.and_then(|ticket| ticket.map_or_else(gone, Ok)));
    }
}

fn other_statement(key: &IdempotencyKey, seq: IntentSeq) -> Error {
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("idempotency key \"{}\" was used with another statement", key.text),
    )
    .with_detail(format!("The first one is intent {seq}."))
    .with_hint("Use a new key for each write, and the same key only to repeat it unchanged.")
}

fn rows_not_kept(seq: IntentSeq, tag: &str, bytes: u64) -> Error {
    Error::new(
        SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("the write was applied before as intent {seq}, and its rows were not kept"),
    )
    .with_detail(match bytes {
        0 => format!("Its command tag was {tag}; a crash cut off its rows."),
        bytes => format!("Its command tag was {tag}, its rows had {bytes} bytes."),
    })
    .with_hint("Read the rows from the table, or raise idempotency_result_bytes_max.")
}

fn tag_not_known(seq: IntentSeq) -> Error {
    Error::new(
        SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("the write was applied before as intent {seq}, and a crash cut off its row count"),
    )
}

fn full(shared: &Shared) -> Error {
    Error::new(
        SqlState::CONFIGURATION_LIMIT_EXCEEDED,
        format!("{} idempotency keys are remembered, and no more may be", shared.limits.keys_max),
    )
    .with_hint("Raise idempotency_keys_max, or lower idempotency_ttl_ms.")
}
