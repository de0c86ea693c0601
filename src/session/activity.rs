//! Who is connected and what runs: `pg_stat_activity`, and the way a CancelRequest finds its
//! statement.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::advisory::AdvisoryLocks;
use super::own::Own;
use super::progress::CopyProgress;
use crate::clock;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::task;

/// What is shown of a statement's text.
const QUERY_BYTES_MAX: usize = 1024;

/// All sessions of the server.
pub struct Activity {
    sessions: Mutex<HashMap<i32, Arc<Entry>>>,
    next_pid: AtomicI32,
    sessions_max: usize,
    advisory_locks: Arc<AdvisoryLocks>,
}

/// One session as others see it.
pub struct Entry {
    pub pid: i32,
    pub secret: i32,
    pub user: String,
    pub address: SocketAddr,
    pub started_us: i64,
    shown: Mutex<Shown>,
    running: Mutex<Option<Arc<Running>>>,
    pub(super) copy: Mutex<Option<Arc<CopyProgress>>>,
    /// Ends the session: shutdown, or a client that hung up.
    pub ended: CancellationToken,
}

/// What changes while a session lives.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    pub application_name: String,
    pub state: &'static str,
    pub query: String,
    pub transaction_us: Option<i64>,
    pub query_us: Option<i64>,
    pub changed_us: Option<i64>,
    /// What the running statement asked of its own session.
    pub own: Option<Arc<Own>>,
}

/// Why a statement was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    User = 1,
    StatementTimeout = 2,
    Shutdown = 3,
    HungUp = 4,
}

struct Running {
    token: CancellationToken,
    reason: AtomicU8,
}

impl Running {
    fn stop(&self, reason: Reason) {
        let _ = self.reason.compare_exchange(0, reason as u8, Ordering::Relaxed, Ordering::Relaxed);
        self.token.cancel();
    }
}

/// A statement under way; when it is dropped, cancelling no longer reaches the session.
pub struct StatementGuard {
    entry: Arc<Entry>,
    running: Arc<Running>,
    timer: Option<AbortHandle>,
}

impl Activity {
    /// Makes an empty registry for at most `sessions_max` sessions.
    pub fn new(sessions_max: usize) -> Activity {
        Activity {
            sessions: Mutex::new(HashMap::new()),
            next_pid: AtomicI32::new(1),
            sessions_max,
            advisory_locks: Arc::default(),
        }
    }

    /// Returns the advisory locks of all sessions.
    pub fn advisory_locks(&self) -> Arc<AdvisoryLocks> {
        Arc::clone(&self.advisory_locks)
    }

    /// Adds a session.
    ///
    /// # Errors
    /// 53300 when there are too many.
    pub fn register(self: &Arc<Self>, user: &str, address: SocketAddr) -> Result<Registered> {
        let mut sessions = self.sessions.lock();
        if sessions.len() >= self.sessions_max {
            return Err(Error::new(
                SqlState::TOO_MANY_CONNECTIONS,
                "sorry, too many clients already",
            )
            .fatal());
        }
        let pid = loop {
            let pid = self.next_pid.fetch_add(1, Ordering::Relaxed) & i32::MAX;
            if pid > 0 && !sessions.contains_key(&pid) {
                break pid;
            }
        };
        let now = clock::now_us();
        let entry = Arc::new(Entry {
            pid,
            secret: rand::random(),
            user: user.to_owned(),
            address,
            started_us: now,
            shown: Mutex::new(Shown { state: "idle", changed_us: Some(now), ..Shown::default() }),
            running: Mutex::new(None),
            copy: Mutex::new(None),
            ended: CancellationToken::new(),
        });
        sessions.insert(pid, Arc::clone(&entry));
        Ok(Registered { activity: Arc::clone(self), entry })
    }

    /// Stops what a session runs, if the secret is right; silent otherwise, as in PostgreSQL.
    pub fn cancel(&self, pid: i32, secret: i32) {
        let entry = self.sessions.lock().get(&pid).cloned();
        if let Some(entry) = entry.filter(|entry| entry.secret == secret) {
            entry.stop(Reason::User);
        }
    }

    /// Stops what a session runs; tells whether there is such a session.
    pub fn cancel_backend(&self, pid: i32) -> bool {
        self.stop_one(pid, Reason::User).is_some()
    }

    /// Ends a session; tells whether there was one.
    pub fn terminate_backend(&self, pid: i32) -> bool {
        let entry = self.stop_one(pid, Reason::Shutdown);
        entry.inspect(|entry| entry.ended.cancel()).is_some()
    }

    fn stop_one(&self, pid: i32, reason: Reason) -> Option<Arc<Entry>> {
        let entry = self.sessions.lock().get(&pid).cloned()?;
        entry.stop(reason);
        Some(entry)
    }

    /// Stops every running statement and ends every session.
    pub fn end_all(&self) {
        let entries: Vec<Arc<Entry>> = self.sessions.lock().values().cloned().collect();
        for entry in entries {
            entry.stop(Reason::Shutdown);
            entry.ended.cancel();
        }
    }

    /// Tells whether any session runs a statement.
    pub fn is_busy(&self) -> bool {
        self.sessions.lock().values().any(|entry| entry.running.lock().is_some())
    }

    /// Counts the sessions.
    pub fn len(&self) -> usize {
        self.sessions.lock().len()
    }

    /// Tells whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns every session, in the order of their pids.
    pub fn list(&self) -> Vec<(Arc<Entry>, Shown)> {
        let mut entries: Vec<Arc<Entry>> = self.sessions.lock().values().cloned().collect();
        entries.sort_by_key(|entry| entry.pid);
        entries
            .into_iter()
            .map(|entry| {
                let shown = entry.shown.lock().clone();
                (entry, shown)
            })
            .collect()
    }
}

/// A session's place in the registry, given back when dropped.
pub struct Registered {
    activity: Arc<Activity>,
    pub entry: Arc<Entry>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.activity.sessions.lock().remove(&self.entry.pid);
    }
}

impl Entry {
    /// The COPY that runs, if one does.
    pub fn copy(&self) -> Option<Arc<CopyProgress>> {
        self.copy.lock().clone()
    }

    /// Stops the running statement; does nothing when none runs.
    pub fn stop(&self, reason: Reason) {
        if let Some(running) = self.running.lock().as_ref() {
            running.stop(reason);
        }
    }

    /// Marks a statement as running, with a time limit.
    pub fn start(self: &Arc<Self>, query: &str, timeout: Option<Duration>) -> StatementGuard {
        let guard = self.start_again(timeout);
        cut(query).clone_into(&mut self.shown.lock().query);
        guard
    }

    /// Marks that the last statement goes on: the commit of what ends by itself.
    pub fn start_again(self: &Arc<Self>, timeout: Option<Duration>) -> StatementGuard {
        let running =
            Arc::new(Running { token: CancellationToken::new(), reason: AtomicU8::new(0) });
        let timer = timeout.map(|timeout| {
            let running = Arc::clone(&running);
            task::spawn("statement_timeout", async move {
                tokio::time::sleep(timeout).await;
                running.stop(Reason::StatementTimeout);
            })
            .abort_handle()
        });
        *self.running.lock() = Some(Arc::clone(&running));
        let now = clock::now_us();
        let mut shown = self.shown.lock();
        shown.state = "active";
        shown.own = None;
        shown.query_us = Some(now);
        shown.changed_us = Some(now);
        StatementGuard { entry: Arc::clone(self), running, timer }
    }

    /// Shows what the session is between statements.
    pub fn rest(&self, state: &'static str, in_transaction: bool) {
        let now = clock::now_us();
        let mut shown = self.shown.lock();
        if shown.state != state {
            shown.state = state;
            shown.changed_us = Some(now);
        }
        match (in_transaction, shown.transaction_us) {
            (true, None) => shown.transaction_us = Some(now),
            (false, _) => shown.transaction_us = None,
            _ => {}
        }
    }

    /// Shows the session's own rows to the statement that runs.
    pub(super) fn show_own(&self, own: Arc<Own>) {
        self.shown.lock().own = Some(own);
    }

    /// Shows another application name.
    pub fn set_application_name(&self, name: &str) {
        self.shown.lock().application_name = cut(name).to_owned();
    }
}

impl StatementGuard {
    /// The token that engines watch.
    pub fn token(&self) -> CancellationToken {
        self.running.token.clone()
    }

    /// Puts the true reason into an error that says that the statement was stopped.
    pub fn explain(&self, error: Error) -> Error {
        if error.code() != SqlState::QUERY_CANCELED {
            return error;
        }
        match self.running.reason.load(Ordering::Relaxed) {
            reason if reason == Reason::StatementTimeout as u8 => {
                Error::canceled("statement timeout")
            }
            reason if reason == Reason::Shutdown as u8 => Error::shutting_down(),
            reason if reason == Reason::User as u8 => Error::canceled("user request"),
            _ => error,
        }
    }
}

impl Drop for StatementGuard {
    fn drop(&mut self) {
        if let Some(timer) = &self.timer {
            timer.abort();
        }
        *self.entry.running.lock() = None;
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(QUERY_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
