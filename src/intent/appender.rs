//! The log's one writer at a time: gives out places and writes, many requests with one sync.
//!
//! While one group is being synced the next requests gather in the channel; so groups grow with
//! the load and nobody waits for a timer.

use std::sync::Arc;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::body::{Body, Intent, Origin};
use super::keys::{self, Admission, IdempotencyKey};
use super::log::{Accepted, AppendOptions, Shared, Ticket};
use super::outcomes::{self, Ended};
use super::promised::Touched;
use super::record::{Payload, StagedFile};
use super::retry;
use super::room::Place;
use super::state::Waiting;
use super::store::Batch;
use super::trim::{self, Trimmed};
use crate::clock;
use crate::error::{Error, Result};
use crate::fail_point::{self, Point};
use crate::ids::IntentSeq;
use crate::sqlstate::SqlState;

/// Intents that share one sync at most.
const GROUP_INTENTS_MAX: usize = 1024;
/// Bytes after which a group is closed.
const GROUP_BYTES_MAX: usize = 32 << 20;
/// Outcomes that a group takes along in any case; more, when it is larger. All at once they would
/// hold up those who wait for the sync.
const OUTCOMES_MIN: usize = 64;

/// What the log thread is asked.
pub(super) enum Message {
    Append(Box<Append>),
    /// There are outcomes to write.
    Wake,
    /// Take no more appends, and end the Writer's channel.
    Refuse,
}

/// One request to append.
pub(super) struct Append {
    pub(super) accepted_at_us: i64,
    pub(super) origin: Origin,
    pub(super) body: Body,
    pub(super) options: AppendOptions,
    pub(super) head: Payload,
    pub(super) encoded: Payload,
    pub(super) place: Place,
    pub(super) reply: oneshot::Sender<Result<Ticket>>,
}

/// Requests that are written together.
#[derive(Default)]
struct Group {
    appends: Vec<Append>,
    bytes: usize,
    refuse: bool,
}

/// An intent with its place, not yet known to be on disk.
struct Placed {
    intent: Intent,
    options: AppendOptions,
    /// What it changes, when its client is told as soon as it is on disk.
    promised: Option<Touched>,
    place: Place,
    reply: oneshot::Sender<Result<Ticket>>,
}

/// Runs until all senders are gone, then writes what is left and syncs.
pub(super) fn run(shared: &Shared, mut requests: mpsc::Receiver<Message>) -> Result<()> {
    while let Some(first) = requests.blocking_recv() {
        let mut pen = shared.pen.take();
        let group = gather(first, &mut requests);
        let refuse = group.refuse;
        let outcomes_max = OUTCOMES_MIN.max(2 * group.appends.len());
        shared.pen.note_group(group.appends.len());
        write_group(shared, group.appends, pen.as_ref(), outcomes_max);
        if refuse {
            *pen = None;
        }
        // What is left of the outcomes is written when nobody waits.
        let mut last = usize::MAX;
        while requests.is_empty() && (1..last).contains(&shared.unwritten()) {
            last = shared.unwritten();
            write_group(shared, Vec::new(), pen.as_ref(), OUTCOMES_MIN);
        }
    }
    let mut pen = shared.pen.take();
    *pen = None;
    write_group(shared, Vec::new(), None, usize::MAX);
    shared.store.sync()
}

/// Writes one request outside of the log thread, if the log is free; gives it back otherwise.
pub(super) fn write_alone(shared: &Shared, append: Box<Append>) -> Result<(), Box<Append>> {
    let Some(pen) = shared.pen.take_alone() else { return Err(append) };
    match pen.as_ref() {
        // Whoever has the pen is the only one who sends, so the room stays.
        Some(accepted) if accepted.capacity() > 0 => {
            shared.pen.note_group(1);
            // The log thread writes the outcomes.
            write_group(shared, vec![*append], Some(accepted), 0);
            Ok(())
        }
        _ => Err(append),
    }
}

/// Takes what lies in the channel, up to the bounds of a group.
fn gather(first: Message, requests: &mut mpsc::Receiver<Message>) -> Group {
    let mut group = Group::default();
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            // Whoever went away before the intent has a place has written nothing.
            Message::Append(append) if append.reply.is_closed() => {}
            Message::Append(append) => {
                group.bytes += append.head.len() + append.encoded.len();
                group.appends.push(*append);
            }
            Message::Wake => {}
            Message::Refuse => group.refuse = true,
        }
        let full = group.appends.len() >= GROUP_INTENTS_MAX || group.bytes >= GROUP_BYTES_MAX;
        next = if full || group.refuse { None } else { requests.try_recv().ok() };
    }
    group
}

/// Writes a group and the oldest outcomes that are not written yet, then tells everybody.
fn write_group(
    shared: &Shared,
    appends: Vec<Append>,
    accepted: Option<&mpsc::Sender<Accepted>>,
    outcomes_max: usize,
) {
    let refused = match (shared.check_stopped(), accepted) {
        (Err(error), _) => Some(error),
        (Ok(()), None) => Some(Error::shutting_down()),
        (Ok(()), Some(_)) => None,
    };
    let appends = match refused {
        None => appends,
        Some(error) => {
            for append in appends {
                let _ = append.reply.send(Err(error.clone()));
            }
            Vec::new()
        }
    };
    if shared.state().broken {
        return;
    }
    let mut written = Written::default();
    if let Err(cause) = write(shared, appends, outcomes_max, &mut written) {
        let error = shared.poison(&cause);
        for reply in written.placed.into_iter().map(|one| one.reply) {
            let _ = reply.send(Err(error.clone()));
        }
        return;
    }
    let mut state = shared.state();
    for seq in written.outcomes {
        state.unwritten.remove(&seq);
    }
    if !written.placed.is_empty() {
        // The write was synced, and with it all that was written before.
        let open = [state.waiting.keys().next(), state.unwritten.keys().next()];
        let open = open.into_iter().flatten().min().copied();
        state.outcomes_synced_before = open.unwrap_or_else(|| shared.last_durable().next());
    }
    drop(state);
    if let Some(trimmed) = written.trimmed {
        trimmed.settle(shared);
    }
    if let Some(accepted) = accepted {
        hand_over(shared, written.placed, accepted);
    }
    keys::answer(shared, written.repeats);
}

/// What one batch holds.
#[derive(Default)]
struct Written {
    placed: Vec<Placed>,
    /// Appends that need no place: their idempotency key has one.
    repeats: Vec<Append>,
    outcomes: Vec<IntentSeq>,
    trimmed: Option<Trimmed>,
}

/// Builds one batch and writes it. What was placed is in `written` also when that fails.
fn write(
    shared: &Shared,
    appends: Vec<Append>,
    outcomes_max: usize,
    written: &mut Written,
) -> Result<()> {
    let mut batch = Batch::default();
    let mut seq = shared.last_durable();
    let mut keys = keys::Group::default();
    let mut retries = retry::Group::default();
    let mut bytes = 0;
    for append in appends {
        let next = seq.next();
        match admit(shared, &mut batch, &mut keys, &mut retries, &append, next) {
            Ok(Admission::First) => seq = next,
            Ok(Admission::Repeat) => {
                written.repeats.push(append);
                continue;
            }
            Err(error) => {
                let _ = append.reply.send(Err(error));
                continue;
            }
        }
        let Append { accepted_at_us, origin, body, options, head, encoded, place, reply } = append;
        bytes += head.len() as u64;
        let promised = shared.place(seq, &body, options.ack);
        let put = shared.store.put_intent(&mut batch, seq, head, encoded);
        let intent = Intent { seq, accepted_at_us, origin, body };
        written.placed.push(Placed { intent, options, promised, place, reply });
        put?;
    }
    let sync = !written.placed.is_empty();
    if sync {
        shared.store.put_last_seq(&mut batch, seq)?;
    }
    let mut ends: Vec<(IntentSeq, Arc<Ended>)> = {
        let state = shared.state();
        let oldest = state.unwritten.iter().take(outcomes_max);
        oldest.map(|(seq, ended)| (*seq, Arc::clone(ended))).collect()
    };
    if !ends.is_empty() {
        fail_point::pass_or_crash(Point::OutcomesWrite);
        if fail_point::holds(Point::OutcomesWrite) {
            ends.clear();
        }
    }
    for (seq, ended) in &ends {
        bytes += outcomes::put(shared, &mut batch, *seq, ended)?;
    }
    shared.state().totals.history_bytes += bytes;
    keys::expire(shared, &keys, &mut batch)?;
    written.trimmed = trim::trim(shared, seq, &mut batch)?;
    if !batch.is_empty() {
        let totals = shared.state().totals;
        shared.store.put_totals(&mut batch, totals)?;
        shared.store.write(batch, sync)?;
    }
    if sync {
        shared.store.acknowledge(seq)?;
    }
    written.outcomes = ends.into_iter().map(|(seq, _)| seq).collect();
    Ok(())
}

/// Decides whether an append gets the next place.
fn admit(
    shared: &Shared,
    batch: &mut Batch,
    keys: &mut keys::Group,
    retries: &mut retry::Group,
    append: &Append,
    next: IntentSeq,
) -> Result<Admission> {
    if let Some(key) = &append.options.key
        && keys.knows(shared, key)?
    {
        return Ok(Admission::Repeat);
    }
    // Once something is in the batch, nothing may refuse the append any more.
    if let Some(failed) = append.options.retry_of {
        retries.admit(shared, batch, failed, next)?;
    }
    if let Some(key) = &append.options.key {
        keys.bind(shared, batch, key, next)?;
    }
    Ok(Admission::First)
}

/// Waits only in the log thread, and hardly there: the channel is as long as the queue.
fn send(accepted: &mpsc::Sender<Accepted>, intent: Accepted) -> Result<(), ()> {
    match accepted.try_send(intent) {
        Ok(()) => Ok(()),
        Err(TrySendError::Full(intent)) => accepted.blocking_send(intent).map_err(drop),
        Err(TrySendError::Closed(_)) => Err(()),
    }
}

/// Tells the sessions their places and passes the intents on, in order.
fn hand_over(shared: &Shared, placed: Vec<Placed>, accepted: &mpsc::Sender<Accepted>) {
    let Some(last) = placed.last().map(|one| one.intent.seq) else { return };
    let durable_at_us = clock::now_us();
    let mut intents = Vec::with_capacity(placed.len());
    let mut replies = Vec::with_capacity(placed.len());
    let mut any_awaited = false;
    let mut state = shared.state();
    for Placed { intent, options, promised, place, reply } in placed {
        let (client, outcome) = oneshot::channel();
        let awaited = promised.is_none();
        any_awaited |= awaited;
        let tag = promised.as_ref().map(|_| intent.body.tag_when_durable());
        if let Some(touched) = &promised {
            state.promised.add(intent.seq, touched, durable_at_us);
        }
        let waiting = Waiting {
            client: awaited.then_some(client),
            durable_at_us: Some(durable_at_us),
            started_at_us: None,
            staged: StagedFile::of(&intent.body),
            key: options.key.as_ref().map(IdempotencyKey::name),
            promised,
            defines: intent.body.may_define(),
            _place: place,
        };
        state.waiting.insert(intent.seq, waiting);
        let seq = intent.seq;
        replies.push((reply, Ticket { seq, promised: tag, outcome, is_repeat: false }));
        intents.push(Accepted { intent, durable_at_us, awaited });
    }
    shared.set_last_durable(last);
    drop(state);
    for (reply, ticket) in replies {
        // The session may have gone; the intent is durable all the same.
        let _ = reply.send(Ok(ticket));
    }
    for next in intents {
        if send(accepted, next).is_err() {
            shared.stop(
                Error::new(SqlState::SYSTEM_ERROR, "the writer has stopped")
                    .with_hint("Writes are refused until the server restarts."),
            );
            return;
        }
    }
    if any_awaited {
        shared.demand.notify_one();
    }
    fail_point::pass_or_crash(Point::LogAfterHandOver);
}
