//! Advisory locks: names that clients agree on, held by sessions or transactions.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::run::{Outcome, Rows, RowsTag};
use super::{Session, StatementGuard};
use crate::error::{Error, Result};
use crate::sql::{AdvisoryAction, AdvisoryCall};
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType, Value};

/// Locks of one server at most, and of each kind by one session.
const LOCKS_MAX: usize = 100_000;

/// What a lock is about: one bigint, or two integers, which are other locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    One(i64),
    Two(i32, i32),
}

/// All advisory locks of the server.
#[derive(Default)]
pub struct AdvisoryLocks {
    state: Mutex<State>,
    released: Notify,
}

#[derive(Default)]
struct State {
    /// How often each session has each lock: exclusively, shared.
    held: HashMap<Key, HashMap<i32, Counts>>,
    /// What each waiting session wants.
    waiting: HashMap<i32, (Key, bool)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    exclusive: usize,
    shared: usize,
}

impl State {
    /// The sessions that keep another one from a lock.
    fn blockers(&self, pid: i32, key: Key, shared: bool) -> Vec<i32> {
        let holders = self.held.get(&key).into_iter().flatten();
        holders
            .filter(|(holder, counts)| **holder != pid && (!shared || counts.exclusive > 0))
            .map(|(holder, _)| *holder)
            .collect()
    }

    fn take(&mut self, pid: i32, key: Key, shared: bool) {
        let counts = self.held.entry(key).or_default().entry(pid).or_default();
        if shared {
            counts.shared += 1;
        } else {
            counts.exclusive += 1;
        }
    }

    /// Gives a lock back once; `false` when the session does not have it.
    fn give_back(&mut self, pid: i32, key: Key, shared: bool) -> bool {
        let Some(holders) = self.held.get_mut(&key) else { return false };
        let Some(counts) = holders.get_mut(&pid) else { return false };
        let count = if shared { &mut counts.shared } else { &mut counts.exclusive };
        if *count == 0 {
            return false;
        }
        *count -= 1;
        if counts.shared + counts.exclusive == 0 {
            holders.remove(&pid);
        }
        if holders.is_empty() {
            self.held.remove(&key);
        }
        true
    }

    /// Tells whether a session that begins to wait would wait for itself.
    fn would_deadlock(&self, pid: i32, key: Key, shared: bool) -> bool {
        let mut to_visit = self.blockers(pid, key, shared);
        let mut visited = Vec::new();
        while let Some(next) = to_visit.pop() {
            if next == pid {
                return true;
            }
            if visited.contains(&next) {
                continue;
            }
            visited.push(next);
            if let Some((key, shared)) = self.waiting.get(&next) {
                to_visit.extend(self.blockers(next, *key, *shared));
            }
        }
        false
    }
}

/// One advisory lock of one session, as `pg_locks` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdvisoryRow {
    pub pid: i32,
    /// The upper half of a bigint, or the first of two integers.
    pub class: u32,
    pub object: u32,
    /// 1 for a bigint, 2 for two integers.
    pub parts: i32,
    pub shared: bool,
    /// It has the lock, and does not wait for it.
    pub granted: bool,
}

impl AdvisoryRow {
    fn new(pid: i32, key: Key, shared: bool, granted: bool) -> AdvisoryRow {
        let (class, object, parts) = match key {
            Key::One(key) => (upper_half(key), lower_half(key), 1),
            Key::Two(first, second) => (first.cast_unsigned(), second.cast_unsigned(), 2),
        };
        AdvisoryRow { pid, class, object, parts, shared, granted }
    }
}

fn upper_half(key: i64) -> u32 {
    lower_half(key >> 32)
}

#[expect(clippy::cast_possible_truncation, reason = "the upper half is left out on purpose")]
fn lower_half(key: i64) -> u32 {
    key.cast_unsigned() as u32
}

impl AdvisoryLocks {
    /// Lists who has which lock, and who waits for one.
    pub fn rows(&self) -> Vec<AdvisoryRow> {
        let state = self.state.lock();
        let mut rows = Vec::new();
        for (key, holders) in &state.held {
            for (pid, counts) in holders {
                let held = [(counts.exclusive, false), (counts.shared, true)];
                let held = held.into_iter().filter(|(count, _)| *count > 0);
                rows.extend(held.map(|(_, shared)| AdvisoryRow::new(*pid, *key, shared, true)));
            }
        }
        let waiting = state.waiting.iter();
        rows.extend(
            waiting.map(|(pid, (key, shared))| AdvisoryRow::new(*pid, *key, *shared, false)),
        );
        rows
    }

    fn try_lock(&self, pid: i32, key: Key, shared: bool) -> Result<bool> {
        let mut state = self.state.lock();
        if !state.blockers(pid, key, shared).is_empty() {
            return Ok(false);
        }
        if state.held.len() >= LOCKS_MAX {
            return Err(Error::new(SqlState::OUT_OF_MEMORY, "there are too many advisory locks"));
        }
        state.take(pid, key, shared);
        Ok(true)
    }

    /// Waits for a lock. A caller that gives up has not got it.
    async fn lock(&self, pid: i32, key: Key, shared: bool) -> Result<()> {
        let _waiting = Waiting { locks: self, pid };
        loop {
            let released = self.released.notified();
            if self.try_lock(pid, key, shared)? {
                return Ok(());
            }
            {
                let mut state = self.state.lock();
                if state.would_deadlock(pid, key, shared) {
                    return Err(Error::new(SqlState::DEADLOCK_DETECTED, "deadlock detected"));
                }
                state.waiting.insert(pid, (key, shared));
            }
            released.await;
        }
    }

    fn unlock(&self, pid: i32, key: Key, shared: bool) -> bool {
        let had = self.state.lock().give_back(pid, key, shared);
        if had {
            self.released.notify_waiters();
        }
        had
    }
}

/// A session that waits; dropped when it does no longer.
struct Waiting<'a> {
    locks: &'a AdvisoryLocks,
    pid: i32,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.locks.state.lock().waiting.remove(&self.pid);
    }
}

/// The advisory locks of one session; given back when it ends.
pub(super) struct OwnLocks {
    locks: Arc<AdvisoryLocks>,
    pid: i32,
    of_session: Vec<(Key, bool)>,
    of_transaction: Vec<(Key, bool)>,
}

impl OwnLocks {
    pub(super) fn new(locks: Arc<AdvisoryLocks>, pid: i32) -> OwnLocks {
        OwnLocks { locks, pid, of_session: Vec::new(), of_transaction: Vec::new() }
    }

    /// Gives back what the transaction has.
    pub(super) fn end_transaction(&mut self) {
        for (key, shared) in self.of_transaction.drain(..) {
            self.locks.unlock(self.pid, key, shared);
        }
    }

    /// Gives back what the session has besides its transaction.
    pub(super) fn unlock_all(&mut self) {
        for (key, shared) in self.of_session.drain(..) {
            self.locks.unlock(self.pid, key, shared);
        }
    }

    fn unlock(&mut self, key: Key, shared: bool) -> bool {
        match self.of_session.iter().rposition(|lock| *lock == (key, shared)) {
            Some(place) => {
                self.of_session.remove(place);
                self.locks.unlock(self.pid, key, shared)
            }
            None => false,
        }
    }

    fn keep(&mut self, key: Key, shared: bool, of_transaction: bool) {
        let list = if of_transaction { &mut self.of_transaction } else { &mut self.of_session };
        list.push((key, shared));
    }
}

impl Drop for OwnLocks {
    fn drop(&mut self) {
        self.end_transaction();
        self.unlock_all();
    }
}

impl Session {
    /// Runs a SELECT of advisory-lock functions.
    pub(super) async fn advisory(
        &mut self,
        calls: &[AdvisoryCall],
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(calls.len());
        for call in calls {
            let done = self.advisory_one(call, params, guard).await?;
            arrays.push(if call.action.gives_boolean() {
                Arc::new(BooleanArray::from(vec![done]))
            } else {
                Arc::new(StringArray::from(vec![""]))
            });
        }
        if !self.is_in_block() {
            self.advisory_locks.end_transaction();
        }
        let columns = advisory_columns(calls);
        let fields: Vec<Field> = columns
            .iter()
            .zip(&arrays)
            .map(|(column, array)| Field::new(&column.name, array.data_type().clone(), true))
            .collect::<Vec<_>>();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|error| Error::internal(error.to_string()))?;
        let stream = futures::stream::iter([Ok(batch)]).boxed();
        Ok(Outcome::Rows(Box::new(Rows::new(columns, stream, RowsTag::Counted("SELECT")))))
    }

    async fn advisory_one(
        &mut self,
        call: &AdvisoryCall,
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<bool> {
        let args = call.args.iter().map(|arg| arg.value(params)).collect::<Result<Vec<_>>>()?;
        let pid = self.entry().pid;
        let locks = Arc::clone(&self.services.advisory_locks);
        match call.action {
            AdvisoryAction::UnlockAll => {
                self.advisory_locks.unlock_all();
                Ok(true)
            }
            AdvisoryAction::Unlock { shared } => {
                let Some(key) = key_of(&args)? else { return Ok(false) };
                let had = self.advisory_locks.unlock(key, shared);
                if !had {
                    let kind = if shared { "ShareLock" } else { "ExclusiveLock" };
                    let message = format!("you don't own a lock of type {kind}");
                    self.warn(SqlState::WARNING, message);
                }
                Ok(had)
            }
            AdvisoryAction::Lock { shared, of_transaction, waits } => {
                let Some(key) = key_of(&args)? else { return Ok(false) };
                let got = if waits {
                    self.within_lock_timeout(locks.lock(pid, key, shared), guard).await??;
                    true
                } else {
                    locks.try_lock(pid, key, shared)?
                };
                if got {
                    self.advisory_locks.keep(key, shared, of_transaction);
                }
                Ok(got)
            }
        }
    }
}

/// The result's columns.
pub(super) fn advisory_columns(calls: &[AdvisoryCall]) -> Vec<Column> {
    let column = |call: &AdvisoryCall| {
        let pg_type = if call.action.gives_boolean() { PgType::BOOL } else { PgType::VOID };
        Column::new(call.column.clone(), pg_type)
    };
    calls.iter().map(column).collect()
}

/// The parameters' types.
pub(super) fn advisory_params(calls: &[AdvisoryCall], types: &mut [PgType]) {
    for call in calls {
        let wanted = if call.args.len() == 2 { PgType::INT4 } else { PgType::INT8 };
        for arg in &call.args {
            if let crate::sql::Argument::Param(number) = arg
                && let Some(slot) = types.get_mut(number - 1)
            {
                *slot = wanted;
            }
        }
    }
}

/// Reads a key; `None` when an argument is NULL, which locks nothing.
fn key_of(args: &[Value]) -> Result<Option<Key>> {
    let mut numbers = Vec::with_capacity(args.len());
    for arg in args {
        numbers.push(match arg {
            Value::Null => return Ok(None),
            Value::Int2(number) => i64::from(*number),
            Value::Int4(number) => i64::from(*number),
            Value::Int8(number) => *number,
            Value::Text(text) => text.trim().parse().map_err(|_| {
                Error::new(
                    SqlState::INVALID_TEXT_REPRESENTATION,
                    format!("invalid input syntax for type bigint: \"{text}\""),
                )
            })?,
            _ => {
                return Err(Error::new(
                    SqlState::UNDEFINED_FUNCTION,
                    "advisory locks take one bigint or two integers",
                ));
            }
        });
    }
    let int = |number: i64| {
        i32::try_from(number)
            .map_err(|_| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"))
    };
    match numbers.as_slice() {
        [one] => Ok(Some(Key::One(*one))),
        [first, second] => Ok(Some(Key::Two(int(*first)?, int(*second)?))),
        _ => Err(Error::internal("an advisory lock without a key")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_ones_meet_and_exclusive_ones_do_not() {
        let locks = AdvisoryLocks::default();
        let key = Key::One(7);
        assert!(locks.try_lock(1, key, true).unwrap());
        assert!(locks.try_lock(2, key, true).unwrap());
        assert!(!locks.try_lock(2, key, false).unwrap());
        assert!(locks.unlock(1, key, true));
        assert!(!locks.unlock(1, key, true));
        assert!(locks.try_lock(2, key, false).unwrap());
        assert!(!locks.try_lock(1, key, true).unwrap());
        assert!(locks.try_lock(1, Key::Two(0, 7), false).unwrap());
    }

    #[test]
    fn who_would_wait_for_himself_is_found() {
        let locks = AdvisoryLocks::default();
        assert!(locks.try_lock(1, Key::One(1), false).unwrap());
        assert!(locks.try_lock(2, Key::One(2), false).unwrap());
        let mut state = locks.state.lock();
        assert!(!state.would_deadlock(1, Key::One(2), false));
        state.waiting.insert(1, (Key::One(2), false));
        assert!(state.would_deadlock(2, Key::One(1), false));
    }
}
