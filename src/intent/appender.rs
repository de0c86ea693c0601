//! The log thread: gives out places and writes, many requests with one sync.
//!
//! While one group is being synced the next requests gather in the channel; so groups grow with
//! the load and nobody waits for a timer.

use tokio::sync::{mpsc, oneshot};

use super::body::{Body, Intent, Origin};
use super::log::{Accepted, Shared, Ticket, Waiting};
use super::record::Payload;
use super::room::Place;
use super::store::Batch;
use crate::clock;
use crate::error::{Error, Result};
use crate::ids::IntentSeq;
use crate::sqlstate::SqlState;

/// Intents that share one sync at most.
const GROUP_INTENTS_MAX: usize = 1024;
/// Bytes after which a group is closed.
const GROUP_BYTES_MAX: usize = 32 << 20;

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
    place: Place,
    reply: oneshot::Sender<Result<Ticket>>,
}

/// Runs until all senders are gone, then writes what is left and syncs.
pub(super) fn run(
    shared: &Shared,
    mut requests: mpsc::Receiver<Message>,
    accepted: mpsc::Sender<Accepted>,
) -> Result<()> {
    let mut accepted = Some(accepted);
    while let Some(first) = requests.blocking_recv() {
        let group = gather(first, &mut requests);
        let refuse = group.refuse;
        write_group(shared, group.appends, accepted.as_ref());
        if refuse {
            accepted = None;
        }
    }
    write_group(shared, Vec::new(), None);
    shared.store.sync()
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

/// Writes a group and all outcomes that came since the last one, then tells everybody.
fn write_group(shared: &Shared, appends: Vec<Append>, accepted: Option<&mpsc::Sender<Accepted>>) {
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
    let (placed, written) = match write(shared, appends) {
        Ok(done) => done,
        Err((placed, cause)) => {
            let error = shared.poison(&cause);
            for one in placed {
                let _ = one.reply.send(Err(error.clone()));
            }
            return;
        }
    };
    let mut state = shared.state();
    for seq in written {
        state.unwritten.remove(&seq);
    }
    drop(state);
    if let Some(accepted) = accepted {
        hand_over(shared, placed, accepted);
    }
}

type Written = (Vec<Placed>, Vec<IntentSeq>);

/// Builds one batch and writes it; returns the new intents and the outcomes that it holds.
fn write(shared: &Shared, appends: Vec<Append>) -> Result<Written, (Vec<Placed>, Error)> {
    let mut batch = Batch::default();
    let mut placed = Vec::with_capacity(appends.len());
    let mut seq = shared.last_durable();
    for Append { accepted_at_us, origin, body, head, encoded, place, reply } in appends {
        seq = seq.next();
        let put = shared.store.put_intent(&mut batch, seq, head, encoded);
        placed.push(Placed { intent: Intent { seq, accepted_at_us, origin, body }, place, reply });
        if let Err(error) = put {
            return Err((placed, error));
        }
    }
    let sync = !placed.is_empty();
    let finish = || -> Result<Vec<IntentSeq>> {
        if sync {
            shared.store.put_last_seq(&mut batch, seq)?;
        }
        let outcomes = shared.state().unwritten.clone();
        for (seq, outcome) in &outcomes {
            shared.store.put_outcome(&mut batch, *seq, outcome)?;
        }
        let trimmed_to = trim(shared, seq, &mut batch)?;
        if sync || !outcomes.is_empty() || trimmed_to.is_some() {
            shared.store.write(batch, sync)?;
        }
        if let Some(first) = trimmed_to {
            shared.state().first = first;
        }
        Ok(outcomes.into_keys().collect())
    };
    match finish() {
        Ok(written) => Ok((placed, written)),
        Err(error) => Err((placed, error)),
    }
}

/// Adds to the batch the end of the oldest history past its bound; returns what is oldest then.
/// An intent without an outcome, and all after it, stays.
fn trim(shared: &Shared, last: IntentSeq, batch: &mut Batch) -> Result<Option<IntentSeq>> {
    let (first, queued, oldest_queued) = {
        let state = shared.state();
        let oldest = state.waiting.keys().next().copied();
        (state.first, state.waiting.len() as u64, oldest)
    };
    let durable = shared.last_durable();
    let ended = (durable.0 + 1).saturating_sub(first.0).saturating_sub(queued);
    let excess = ended.saturating_sub(shared.history_intents_max);
    // A range deletion costs every later read a little, so there are few of them.
    if excess <= shared.history_intents_max / 16 {
        return Ok(None);
    }
    let limit = oldest_queued.unwrap_or(durable.next()).min(last);
    let end = IntentSeq(first.0 + excess).min(limit);
    if end <= first {
        return Ok(None);
    }
    shared.store.forget(batch, first, end)?;
    Ok(Some(end))
}

/// Tells the sessions their places and passes the intents on, in order.
fn hand_over(shared: &Shared, placed: Vec<Placed>, accepted: &mpsc::Sender<Accepted>) {
    let Some(last) = placed.last().map(|one| one.intent.seq) else { return };
    let durable_at_us = clock::now_us();
    let mut intents = Vec::with_capacity(placed.len());
    let mut replies = Vec::with_capacity(placed.len());
    let mut state = shared.state();
    for Placed { intent, place, reply } in placed {
        let (client, outcome) = oneshot::channel();
        let waiting = Waiting {
            client: Some(client),
            durable_at_us: Some(durable_at_us),
            staged_path: intent.body.staged_path().map(str::to_owned),
            _place: place,
        };
        state.waiting.insert(intent.seq, waiting);
        replies.push((reply, Ticket { seq: intent.seq, outcome }));
        intents.push(intent);
    }
    shared.set_last_durable(last);
    drop(state);
    for (reply, ticket) in replies {
        // The session may have gone; the intent is durable all the same.
        let _ = reply.send(Ok(ticket));
    }
    for intent in intents {
        if accepted.blocking_send(Accepted { intent, durable_at_us }).is_err() {
            shared.stop(
                Error::new(SqlState::SYSTEM_ERROR, "the writer has stopped")
                    .with_hint("Writes are refused until the server restarts."),
            );
            return;
        }
    }
}
