//! When a client is told, and what reads wait for so that nobody can tell how early that was.
//!
//! An intent is *promised* once its client was told and it is not applied yet. A read that starts
//! then waits for it ([`IntentLog::wait_for_promised`]); so what was acknowledged is visible to
//! every later read, though DuckDB has not committed it.

use super::body::Body;
use super::definitions::Moment;
use super::log::{IntentLog, Shared};
use super::promised::{ReadScope, Touched};
use super::state::State;
use crate::ids::IntentSeq;

/// When a client hears of its write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ack {
    /// As soon as the write is durable, whatever comes of it; but for one that gives rows.
    Durable,
    /// When it has succeeded: once it is applied, or earlier where nothing can make it fail.
    #[default]
    Applied,
}

impl Ack {
    /// Tells whether an intent may be acknowledged before it is applied, in this moment.
    pub(super) fn is_due_when_durable(self, body: &Body, now: Moment) -> bool {
        match (self, body) {
            // A COMMIT is never replayed, so it is told when it has happened; rows that are the
            // answer are there when they are made.
            (_, Body::Transaction { .. } | Body::Call { .. }) => false,
            (_, body) if body.gives_rows() => false,
            (Ack::Durable, _) => true,
            (Ack::Applied, _) => now.is_quiet() && body.certain_at() == Some(now),
        }
    }
}

impl Shared {
    /// Gives out a place, and tells what the intent touches if its client may be told as soon as
    /// it is durable. In one go with what is known of the definitions: a change that begins later
    /// has a later place than all that were promised under the old ones.
    pub(super) fn place(&self, seq: IntentSeq, body: &Body, ack: Ack) -> Option<Touched> {
        let mut state = self.state();
        state.last_placed = seq;
        let due = ack.is_due_when_durable(body, self.definitions.now());
        if body.may_define() {
            self.definitions.begin();
        }
        due.then(|| Touched::by(body))
    }
}

impl IntentLog {
    /// Returns this moment of the definitions. What a session looks up *after* it is true for an
    /// intent that is placed while the moment lasts, if it is quiet.
    pub fn definitions(&self) -> Moment {
        self.shared().definitions.now()
    }

    /// Says that definitions are being changed past the log, and returns the last place that was
    /// given out before: intents up to it may be acknowledged already, so they must be applied
    /// before the change, where they touch the same tables.
    pub fn begin_definitions(&self) -> IntentSeq {
        let state = self.shared().state();
        self.shared().definitions.begin();
        state.last_placed
    }

    /// Says that a change that [`IntentLog::begin_definitions`] began is over, one way or the
    /// other.
    pub fn end_definitions(&self) {
        let _state = self.shared().state();
        self.shared().definitions.end();
    }

    /// Waits until what was promised up to a time, as far as the scope touches it, is applied (or
    /// has failed, or will not be applied before a restart).
    pub async fn wait_for_promised(&self, scope: &ReadScope, until_us: i64) {
        let Some(place) = self.with_state(|state| state.promised.last(scope, until_us)) else {
            return;
        };
        self.until(|state| state.promised.is_past(scope, place)).await;
    }

    /// Waits until an intent has an outcome; at once for one that is not in the queue.
    pub async fn wait_for_outcome(&self, seq: IntentSeq) {
        self.until(|state| !state.waiting.contains_key(&seq)).await;
    }

    /// Tells whether an intent has no outcome yet.
    pub fn is_queued(&self, seq: IntentSeq) -> bool {
        self.with_state(|state| state.waiting.contains_key(&seq))
    }

    /// Waits until somebody waits for what is queued; for the Writer, which otherwise gathers more
    /// before it commits.
    pub async fn demanded(&self) {
        self.shared().demand.notified().await;
    }

    /// Returns how many intents are promised and not applied.
    pub fn promised(&self) -> usize {
        self.with_state(|state| state.promised.len())
    }

    fn with_state<T>(&self, of: impl FnOnce(&State) -> T) -> T {
        of(&self.shared().state())
    }

    async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.shared().ended.notified());
            // Before the look, so that no change between the two is missed.
            changed.as_mut().enable();
            if self.with_state(&holds) || self.shared().check_stopped().is_err() {
                return;
            }
            self.shared().demand.notify_one();
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::tests::{limits, origin, success};
    use super::super::{AppendOptions, TagKind, Values, ValuesTarget};
    use super::*;
    use crate::ids::TableName;
    use crate::types::{Column, PgType, Value};

    fn rows(table: &str, certain_at: Option<Moment>) -> Body {
        let columns = vec![Column::new("a", PgType::INT4)];
        let target =
            ValuesTarget::new(TableName::new("public", table), columns, Vec::new()).unwrap();
        Body::Values(Values { target, rows: vec![vec![Value::Int4(1)]; 2], certain_at })
    }

    fn definition() -> Body {
        Body::Statement {
            sql: "CREATE TABLE u (a int)".into(),
            params: Vec::new(),
            table: Some(TableName::new("public", "u")),
            tag: TagKind::Fixed("CREATE TABLE".into()),
            returning: false,
            effect: crate::sql::Effect::default(),
            draws: Vec::new(),
        }
    }

    fn reads(table: &str) -> ReadScope {
        ReadScope::Tables(vec![table.to_owned()])
    }

    /// Tells whether a read of the scope is still waiting after a moment.
    async fn waits(log: &Arc<IntentLog>, scope: ReadScope) -> bool {
        let wait = log.wait_for_promised(&scope, i64::MAX);
        tokio::time::timeout(Duration::from_millis(20), wait).await.is_err()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn rows_are_promised_while_no_definition_changes() {
        let dir = tempfile::tempdir().unwrap();
        let (log, _accepted) = IntentLog::open(dir.path(), limits()).unwrap();
        let log = Arc::new(log);
        let quiet = log.definitions();
        let ticket = log.append(origin("insert"), rows("t", Some(quiet))).await.unwrap();
        assert_eq!(ticket.promised.as_deref(), Some("INSERT 0 2"));
        assert!(waits(&log, reads("t")).await && waits(&log, ReadScope::Everything).await);
        assert!(!waits(&log, reads("u")).await);
        let uncertain = log.append(origin("insert"), rows("t", None)).await.unwrap();
        assert_eq!(uncertain.promised, None);
        let ddl = log.append(origin("create"), definition()).await.unwrap();
        assert!(!log.definitions().is_quiet());
        for moment in [quiet, log.definitions()] {
            let late = log.append(origin("insert"), rows("t", Some(moment))).await.unwrap();
            assert_eq!(late.promised, None);
        }
        log.record_outcome(ddl.seq, success()).unwrap();
        let after = log.definitions();
        assert!(after.is_quiet() && after != quiet);
        let stale = log.append(origin("insert"), rows("t", Some(quiet))).await.unwrap();
        assert_eq!(stale.promised, None);
        assert_eq!(log.begin_definitions(), stale.seq);
        let beside = log.append(origin("insert"), rows("t", Some(after))).await.unwrap();
        assert_eq!(beside.promised, None);
        log.end_definitions();
        log.record_outcome(ticket.seq, success()).unwrap();
        assert!(!waits(&log, ReadScope::Everything).await);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn durable_promises_everything_and_a_read_goes_on_when_it_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let (log, _accepted) = IntentLog::open(dir.path(), limits()).unwrap();
        let log = Arc::new(log);
        let options = AppendOptions { ack: Ack::Durable, ..AppendOptions::default() };
        let ticket = log.append_with(origin("create"), definition(), options).await.unwrap();
        assert_eq!(ticket.promised.as_deref(), Some("CREATE TABLE"));
        assert!(waits(&log, reads("anything")).await);
        // What was acknowledged later than the read wants to see holds nobody up.
        log.wait_for_promised(&ReadScope::Everything, 0).await;
        let reader = {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                log.wait_for_promised(&ReadScope::Everything, i64::MAX).await;
                log.is_queued(IntentSeq(1))
            })
        };
        log.record_outcome(ticket.seq, success()).unwrap();
        assert!(!reader.await.unwrap());
        assert_eq!(log.promised(), 0);
    }
}
