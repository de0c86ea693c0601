//! The intent log as its users see it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::ack::Ack;
use super::appender::{self, Message};
use super::body::{Body, Intent, Outcome};
use super::covers::{check_tail, fault_code};
use super::definitions::Clock;
use super::history;
use super::keys::{self, IdempotencyKey};
use super::outcomes;
use super::pen::Pen;
use super::record::{Head, StagedFile, StoredOutcome};
use super::retry;
use super::room::Room;
use super::staged::FailedStaged;
use super::state::{State, Waiting};
use super::store::{Recovery, Store};
use crate::clock;
use crate::error::{Error, Result};
use crate::ids::IntentSeq;
use crate::sqlstate::SqlState;

/// Requests that may lie before the log thread; those behind wait in their own tasks.
const REQUESTS_MAX: usize = 4096;

/// The bounds of a log.
#[derive(Clone, Copy, Debug)]
pub struct LogLimits {
    /// Intents accepted and without an outcome.
    pub queue_intents_max: usize,
    /// Bytes of those.
    pub queue_bytes_max: usize,
    /// How long an append waits for room before 53400.
    pub queue_wait: Duration,
    /// Intents with an outcome that are kept.
    pub history_intents_max: u64,
    /// Bytes of those.
    pub history_bytes_max: u64,
    /// How long they are kept.
    pub history_max_age: Duration,
    /// Bytes of staged files that failed intents keep.
    pub failed_staged_bytes_max: u64,
    /// How long an idempotency key is remembered.
    pub key_ttl: Duration,
    /// Keys that are remembered at once.
    pub keys_max: u64,
    /// Bytes of result rows that one key keeps.
    pub key_result_bytes_max: usize,
    /// Open a damaged log with what lies before the damage.
    pub salvage: bool,
}

/// What an append may come with.
#[derive(Clone, Debug, Default)]
pub struct AppendOptions {
    /// Makes a repeat of the append an answer instead of an intent.
    pub key: Option<IdempotencyKey>,
    /// The failed intent that is resubmitted.
    pub retry_of: Option<IntentSeq>,
    /// When the client is told.
    pub ack: Ack,
    /// Ends the wait for room.
    pub cancel: CancellationToken,
}

/// An intent that is on disk, on its way to the Writer.
#[derive(Debug)]
pub struct Accepted {
    pub intent: Intent,
    pub durable_at_us: i64,
    /// Its client waits for the outcome.
    pub awaited: bool,
}

/// The promise that an append gives.
#[derive(Debug)]
pub struct Ticket {
    pub seq: IntentSeq,
    /// The command tag, where the client may be told at once.
    pub promised: Option<String>,
    /// Closes without a value when the Writer stops first; see [`IntentLog::outcome_unknown`].
    pub outcome: oneshot::Receiver<Outcome>,
    /// The intent is an earlier one, whose idempotency key was brought again.
    pub is_repeat: bool,
}

/// The durable queue. Shared as `Arc<IntentLog>`; dropping it drains it as [`IntentLog::close`]
/// does.
pub struct IntentLog {
    shared: Arc<Shared>,
    messages: Mutex<Option<mpsc::Sender<Message>>>,
    thread: Mutex<Option<JoinHandle<Result<()>>>>,
    /// What [`IntentLog::pending`] is about: queued when the log was opened.
    replay: Vec<IntentSeq>,
}

/// What the log's callers and its thread have in common.
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) pen: Pen,
    pub(super) limits: LogLimits,
    pub(super) room: Room,
    pub(super) definitions: Clock,
    /// Intents have ended.
    pub(super) ended: Notify,
    /// Somebody waits for what is queued.
    pub(super) demand: Notify,
    state: Mutex<State>,
    last_durable: AtomicU64,
    /// Told by [`IntentLog::remove_unused_staged`].
    pub(super) data_dir: OnceLock<PathBuf>,
    stopped: OnceLock<Error>,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn last_durable(&self) -> IntentSeq {
        IntentSeq(self.last_durable.load(Ordering::Acquire))
    }

    /// Counts the successes that are not in the store yet.
    pub(super) fn unwritten(&self) -> usize {
        self.state().unwritten.len()
    }

    pub(super) fn set_last_durable(&self, seq: IntentSeq) {
        self.last_durable.store(seq.0, Ordering::Release);
    }

    /// Stops the log because nothing will be applied any more: later appends get the error, and
    /// clients that wait are let go.
    pub(super) fn stop(&self, error: Error) {
        // The first reason stays.
        let _ = self.stopped.set(error);
        let mut state = self.state();
        state.let_go = true;
        state.followers.clear();
        state.waiting.values_mut().for_each(|waiting| waiting.client = None);
        drop(state);
        self.ended.notify_waiters();
    }

    /// Stops the log after a failed write and returns what callers are told. What is on disk can
    /// still be applied, so clients that wait for that go on waiting.
    pub(super) fn poison(&self, cause: &Error) -> Error {
        tracing::error!(error = %cause, "the intent log cannot be written; writes are refused");
        let error = Error::new(
            fault_code(cause),
            "the intent log could not be written, so writes are refused until the server restarts",
        )
        .with_detail(format!("The cause was: {cause}."))
        .with_hint(
            "Check the disk and restart the server. Only then is it known whether the write that \
             failed is in the log.",
        );
        self.state().broken = true;
        let _ = self.stopped.set(error.clone());
        error
    }

    pub(super) fn check_stopped(&self) -> Result<()> {
        self.stopped.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    pub(super) fn check_accepting(&self) -> Result<()> {
        self.check_stopped()?;
        if self.state().refusing { Err(Error::shutting_down()) } else { Ok(()) }
    }
}

impl IntentLog {
    /// Opens the log or makes one, and checks that what is queued in it can be read. Returns the
    /// log and, in order, what will be appended to it from now on; what was queued before is in
    /// [`IntentLog::pending`] and must be applied first.
    ///
    /// # Errors
    /// 55000 when another process has it open, XX001 when it is damaged, 58030 otherwise.
    pub fn open(path: &Path, limits: LogLimits) -> Result<(IntentLog, mpsc::Receiver<Accepted>)> {
        let recovery = if limits.salvage { Recovery::Salvage } else { Recovery::Strict };
        let store = Store::open(path, recovery)?;
        let last = store.last_seq()?;
        let room = Room::new(limits.queue_intents_max, limits.queue_bytes_max, limits.queue_wait);
        let mut state = State { first: last.next(), last_placed: last, ..State::default() };
        state.totals = store.totals()?;
        state.failed_staged = FailedStaged::load(&store)?;
        if let Some(first) = store.first_seq()? {
            check_tail(&store, last)?;
            state.first = first;
        }
        for (seq, bytes) in store.queued()? {
            let (head, body) = check_queued(&store, seq, last)?;
            let waiting = Waiting {
                client: None,
                durable_at_us: None,
                started_at_us: None,
                staged: StagedFile::of(&body),
                key: head.key_name(),
                promised: None,
                defines: false,
                _place: room.take_what_is_left(bytes),
            };
            state.waiting.insert(seq, waiting);
        }
        let replay: Vec<IntentSeq> = state.waiting.keys().copied().collect();
        tracing::info!(last = last.0, pending = replay.len(), "the intent log is open");
        let (messages, requests) = mpsc::channel(REQUESTS_MAX);
        // As long as the queue, so that the log thread never waits for the Writer.
        let (accepted, receiver) = mpsc::channel(limits.queue_intents_max.clamp(1, 1 << 24));
        let shared = Arc::new(Shared {
            store,
            pen: Pen::new(accepted),
            limits,
            room,
            definitions: Clock::default(),
            ended: Notify::new(),
            demand: Notify::new(),
            state: Mutex::new(state),
            last_durable: AtomicU64::new(last.0),
            data_dir: OnceLock::new(),
            stopped: OnceLock::new(),
        });
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("intent-log".to_owned())
            .spawn(move || appender::run(&for_thread, requests))
            .map_err(|error| Error::io("could not start the log thread", &error))?;
        let log = IntentLog {
            shared,
            messages: Mutex::new(Some(messages)),
            thread: Mutex::new(Some(thread)),
            replay,
        };
        Ok((log, receiver))
    }

    /// Finds the intent that an idempotency key is bound to: what a session does first with a
    /// key, before it looks at the statement. Blocks on reads.
    ///
    /// # Errors
    /// 22023 when the key was used with another statement.
    pub fn repeat_of(&self, key: &IdempotencyKey) -> Result<Option<Ticket>> {
        keys::find(&self.shared, key)
    }

    /// Reads a failed intent as it was accepted, to be appended again. Blocks on reads.
    ///
    /// # Errors
    /// 42704 for a place without an intent, 55000 for an intent that cannot be resubmitted.
    pub fn failed_intent(&self, seq: IntentSeq) -> Result<Intent> {
        retry::failed_intent(&self.shared, seq)
    }

    /// Reads what was queued when the log was opened and still has no outcome, in order.
    ///
    /// # Errors
    /// XX001 or 58030 when it cannot be read.
    pub fn pending(&self) -> Result<Vec<Intent>> {
        let waiting: Vec<IntentSeq> = {
            let state = self.shared.state();
            self.replay.iter().copied().filter(|seq| state.waiting.contains_key(seq)).collect()
        };
        let store = &self.shared.store;
        waiting
            .into_iter()
            .map(|seq| match (store.head(seq)?, store.body(seq)?) {
                (Some(Head { accepted_at_us, origin, .. }), Some(body)) => {
                    Ok(Intent { seq, accepted_at_us, origin, body })
                }
                _ => Err(incomplete(seq)),
            })
            .collect()
    }

    /// Records one outcome; see [`IntentLog::record_outcomes`].
    pub fn record_outcome(&self, seq: IntentSeq, outcome: Outcome) -> Result<()> {
        self.record_outcomes(vec![(seq, outcome)])
    }

    /// Notes that intents' turn at the Writer has come.
    pub fn note_started(&self, seqs: impl IntoIterator<Item = IntentSeq>) {
        let now_us = clock::now_us();
        let mut state = self.shared.state();
        for seq in seqs {
            if let Some(waiting) = state.waiting.get_mut(&seq) {
                waiting.started_at_us.get_or_insert(now_us);
            }
        }
    }

    /// Records how intents ended, frees their room and wakes the clients that wait.
    ///
    /// A success is written a moment later: its target has the applied place, so nothing is lost
    /// with it but the tag. A failure left no other trace, so all that come together here are
    /// written with one sync before their clients hear of them, and before the caller can commit
    /// what comes after them. Blocks for that write.
    ///
    /// # Errors
    /// 58030 when a failure cannot be written; XX000 for an intent that is not in the queue. The
    /// clients are woken all the same.
    pub fn record_outcomes(&self, outcomes: Vec<(IntentSeq, Outcome)>) -> Result<()> {
        let result = outcomes::record(&self.shared, outcomes);
        self.wake();
        result
    }

    /// Lets the log thread write what waits to be written, and trim the history.
    pub fn wake(&self) {
        if let Some(messages) = self.messages() {
            // A full channel wakes the log thread as well.
            let _ = messages.try_send(Message::Wake);
        }
    }

    /// Returns how an intent ended; `None` while it is queued, and once it is trimmed.
    ///
    /// # Errors
    /// XX001 or 58030 when it cannot be read.
    pub fn outcome(&self, seq: IntentSeq) -> Result<Option<StoredOutcome>> {
        history::outcome(&self.shared, seq)
    }

    /// Returns the place up to which every outcome is on disk, also after a power cut.
    pub fn outcomes_synced_before(&self) -> IntentSeq {
        self.shared.state().outcomes_synced_before
    }

    /// Returns the last place that is on disk.
    pub fn last_durable(&self) -> IntentSeq {
        self.shared.last_durable()
    }

    /// Returns the number of intents without an outcome.
    pub fn queued(&self) -> usize {
        self.shared.state().waiting.len()
    }

    /// Stops taking intents. What was appended goes on to the Writer, whose channel then ends.
    pub async fn refuse(&self) {
        self.shared.state().refusing = true;
        if let Some(messages) = self.messages() {
            // The log thread has ended already when this fails.
            let _ = messages.send(Message::Refuse).await;
        }
    }

    /// Stops the log because the Writer met a fault: appends get this error until restart, and
    /// clients that wait are let go without an outcome.
    pub fn stop(&self, error: Error) {
        self.shared.stop(error);
    }

    /// Returns the error for a client whose ticket closed without an outcome.
    pub fn outcome_unknown(&self, seq: IntentSeq) -> Error {
        self.unknown(format!(
            "Intent {seq} is durable and will be applied when the server runs again."
        ))
    }

    /// Returns the error for a client whose COMMIT failed half way: unlike other intents a
    /// transaction is never replayed.
    pub fn commit_unknown(&self, seq: IntentSeq) -> Error {
        self.unknown(format!(
            "It is not known yet whether the transaction is committed; teatree.intents tells, of \
             intent {seq}, when the server runs again."
        ))
    }

    fn unknown(&self, detail: String) -> Error {
        let cause = self.shared.stopped.get().cloned().unwrap_or_else(Error::shutting_down);
        let was_fatal = cause.is_fatal();
        let error = Error::new(cause.code(), cause.message().to_owned()).with_detail(detail);
        let error = match cause.hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        };
        if was_fatal { error.fatal() } else { error }
    }

    /// Writes what is left, syncs and ends the log thread. Blocks. Outcomes recorded later are
    /// not stored; at the next start the target's applied place stands for them.
    ///
    /// # Errors
    /// 58030 when the last write fails.
    pub fn close(&self) -> Result<()> {
        self.shared.state().refusing = true;
        drop(self.messages.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        match thread.map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Error::internal("the log thread panicked")),
        }
    }

    pub(super) fn messages(&self) -> Option<mpsc::Sender<Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn gone(&self) -> Error {
        self.shared.stopped.get().cloned().unwrap_or_else(Error::shutting_down)
    }

    #[cfg(test)]
    pub(super) fn requests_waiting(&self) -> usize {
        self.messages().map_or(0, |messages| messages.max_capacity() - messages.capacity())
    }

    /// Makes the next append one of the log thread's, though nobody else writes.
    #[cfg(test)]
    pub(super) fn leave_to_log_thread(&self) {
        self.shared.pen.note_group(2);
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl Drop for IntentLog {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "the intent log did not close cleanly");
        }
    }
}

/// Checks one queued intent and returns what is stored of it.
fn check_queued(store: &Store, seq: IntentSeq, last: IntentSeq) -> Result<(Head, Body)> {
    if seq > last || store.outcome(seq)?.is_some() {
        return Err(incomplete(seq));
    }
    store.head(seq)?.zip(store.body(seq)?).ok_or_else(|| incomplete(seq))
}

fn incomplete(seq: IntentSeq) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("intent {seq} in the log is incomplete"))
}
