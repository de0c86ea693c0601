//! The life of an intent after its end: history within bounds, failures kept and resubmitted; and
//! the bounds of the queue before it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::tests::{copy_of, failure, insert, limits, open, origin, rows, settle, success};
use super::*;
use crate::clock;
use crate::ids::{IntentSeq, TableName};
use crate::sqlstate::SqlState;

fn ended_at(mut outcome: Outcome, applied_at_us: i64) -> Outcome {
    outcome.applied_at_us = applied_at_us;
    outcome
}

fn kept(log: &IntentLog) -> Vec<u64> {
    log.history(100).unwrap().iter().map(|row| row.seq.0).collect()
}

/// Gives the log thread turns until it has trimmed down to a state.
async fn woken_until(log: &IntentLog, wanted: &[u64]) {
    for _ in 0..10_000 {
        log.wake();
        tokio::task::yield_now().await;
        if kept(log) == wanted {
            return;
        }
    }
    assert_eq!(kept(log), wanted);
}

fn retry(of: IntentSeq) -> AppendOptions {
    AppendOptions { retry_of: Some(of), ..AppendOptions::default() }
}

fn staged(name: &str, bytes: u64) -> Body {
    Body::Rows {
        table: TableName::new("public", "t"),
        storage: Storage::DuckDb,
        columns: vec!["a".into()],
        rows: RowsAt::Staged { path: format!("staged/{name}"), bytes, rows: 1 },
        tag: TagKind::Copy,
        create: None,
        draws: Vec::new(),
        replaces: false,
        source: None,
        delivered: Vec::new(),
    }
}

#[tokio::test]
async fn an_idle_log_ends_history_by_its_age() {
    let dir = tempfile::tempdir().unwrap();
    let hour = LogLimits { history_max_age: Duration::from_secs(3600), ..limits() };
    let (log, _accepted) = IntentLog::open(dir.path(), hour).unwrap();
    let now_us = clock::now_us();
    for (number, minutes) in [(1, 180), (2, 120), (3, 30), (4, 600), (5, 0)] {
        log.append(origin("insert"), insert(number)).await.unwrap();
        let outcome = ended_at(success(), now_us - minutes * 60_000_000);
        log.record_outcome(log.last_durable(), outcome).unwrap();
    }
    // What is too old goes up to the first that is not, whatever the order of ends.
    woken_until(&log, &[5, 4, 3]).await;
    drop(log);
    let (log, _accepted) = IntentLog::open(dir.path(), hour).unwrap();
    woken_until(&log, &[5, 4, 3]).await;
}

#[tokio::test]
async fn history_is_bounded_in_bytes_and_failed_bodies_count() {
    let dir = tempfile::tempdir().unwrap();
    let small = LogLimits { history_bytes_max: 100 << 10, ..limits() };
    let (log, _accepted) = IntentLog::open(dir.path(), small).unwrap();
    for _ in 0..8 {
        log.append(origin("copy"), rows(30 << 10)).await.unwrap();
        log.record_outcome(log.last_durable(), failure()).unwrap();
    }
    woken_until(&log, &[8, 7, 6]).await;
    let bytes = log.stats().unwrap().history_bytes;
    assert!(bytes > 90 << 10 && bytes <= 100 << 10, "{bytes}");
    assert!(log.shared().store.failed_body(IntentSeq(6)).unwrap().is_some());
    assert!(log.shared().store.failed_body(IntentSeq(5)).unwrap().is_none());
    // The bodies of applied intents are gone at once.
    for _ in 0..8 {
        log.append(origin("copy"), rows(30 << 10)).await.unwrap();
        log.record_outcome(log.last_durable(), success()).unwrap();
        settle(&log).await;
    }
    assert_eq!(kept(&log).len(), 11);
    drop(log);
    let (log, _accepted) = IntentLog::open(dir.path(), small).unwrap();
    let after = log.stats().unwrap().history_bytes;
    assert!(after > bytes && after < bytes + (8 << 10), "{after} after {bytes}");
}

#[tokio::test]
async fn failures_are_synced_together_before_anybody_hears() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    let mut tickets = Vec::new();
    for number in 0..4 {
        tickets.push(log.append(origin("insert"), insert(number)).await.unwrap());
    }
    let probe = &log.shared().store.probe;
    let before = probe.synced_writes.load(Ordering::SeqCst);
    let outcomes = [(1, failure()), (2, success()), (3, failure()), (4, failure())];
    let outcomes = outcomes.map(|(seq, outcome)| (IntentSeq(seq), outcome));
    log.record_outcomes(outcomes.to_vec()).unwrap();
    assert_eq!(probe.synced_writes.load(Ordering::SeqCst), before + 1);
    for (ticket, (_, outcome)) in tickets.into_iter().zip(outcomes) {
        assert_eq!(ticket.outcome.await.unwrap(), outcome);
    }
}

#[tokio::test]
async fn a_failed_intent_is_resubmitted_once_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (log, mut accepted) = open(dir.path());
    let berlin = Origin { time_zone: "Europe/Berlin".into(), ..origin("insert") };
    log.append(berlin, insert(7)).await.unwrap();
    let sent = accepted.recv().await.unwrap().intent;
    let code = |result: crate::error::Result<Intent>| result.unwrap_err().code();
    let not_now = SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE;
    assert_eq!(code(log.failed_intent(IntentSeq(1))), not_now);
    log.record_outcome(IntentSeq(1), failure()).unwrap();
    let failed = log.failed_intent(IntentSeq(1)).unwrap();
    assert_eq!((&failed.origin, &failed.body), (&sent.origin, &sent.body));
    for seq in [0, 2, u64::MAX] {
        assert_eq!(code(log.failed_intent(IntentSeq(seq))), SqlState::UNDEFINED_OBJECT);
    }
    let ticket = log.append_with(failed.origin, failed.body, retry(IntentSeq(1))).await.unwrap();
    assert_eq!(ticket.seq, IntentSeq(2));
    assert_eq!(accepted.recv().await.unwrap().intent.body, sent.body);
    // Its first outcome stays, and it says where it went.
    assert_eq!(code(log.failed_intent(IntentSeq(1))), not_now);
    let again = log.append_with(sent.origin, sent.body, retry(IntentSeq(1))).await;
    assert!(again.unwrap_err().message().contains("retried as intent 2"));
    let history = log.history(2).unwrap();
    assert_eq!(history[0].retry_of, Some(IntentSeq(1)));
    assert_eq!(history[1].retried_as, Some(IntentSeq(2)));
    assert_eq!(
        (history[1].state, history[1].sqlstate),
        (IntentState::Failed, Some(SqlState::UNIQUE_VIOLATION))
    );
    log.record_outcome(IntentSeq(2), success()).unwrap();
    assert_eq!(code(log.failed_intent(IntentSeq(2))), not_now);
    let copy = copy_of(dir.path());
    let (again, _accepted) = open(copy.path());
    assert_eq!(code(again.failed_intent(IntentSeq(1))), not_now);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[expect(clippy::await_holding_lock, reason = "the lock holds up another thread, the log's")]
async fn of_two_retries_at_once_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    let log = Arc::new(log);
    log.append(origin("insert"), insert(1)).await.unwrap();
    log.record_outcome(IntentSeq(1), failure()).unwrap();
    let probe = &log.shared().store.probe;
    let gate = probe.gate.lock().unwrap();
    let came = probe.came_to_gate.load(Ordering::SeqCst);
    log.leave_to_log_thread();
    let spawn = |options: AppendOptions| {
        let log = Arc::clone(&log);
        tokio::spawn(async move { log.append_with(origin("x"), insert(1), options).await })
    };
    let before = spawn(AppendOptions::default());
    while probe.came_to_gate.load(Ordering::SeqCst) == came {
        tokio::task::yield_now().await;
    }
    let retries = [spawn(retry(IntentSeq(1))), spawn(retry(IntentSeq(1)))];
    while log.requests_waiting() < 2 {
        tokio::task::yield_now().await;
    }
    drop(gate);
    before.await.unwrap().unwrap();
    let mut done = 0;
    for task in retries {
        match task.await.unwrap() {
            Ok(_) => done += 1,
            Err(error) => {
                assert_eq!(error.code(), SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "{error}");
            }
        }
    }
    assert_eq!((done, log.last_durable()), (1, IntentSeq(3)));
}

fn put_files(data_dir: &Path, names: &[&str]) {
    fs::create_dir_all(data_dir.join("staged")).unwrap();
    names.iter().for_each(|name| fs::write(data_dir.join("staged").join(name), "x").unwrap());
}

#[tokio::test]
async fn staged_files_of_failed_intents_are_kept_within_their_bound() {
    let dir = tempfile::tempdir().unwrap();
    let there = |name: &str| dir.path().join("staged").join(name).exists();
    put_files(dir.path(), &["1", "2", "3", "stray"]);
    let bound = LogLimits { failed_staged_bytes_max: 100, ..limits() };
    let log_path = dir.path().join("log");
    let (log, _accepted) = IntentLog::open(&log_path, bound).unwrap();
    for (name, bytes) in [("1", 60), ("2", 40), ("3", 50)] {
        log.append(origin("copy"), staged(name, bytes)).await.unwrap();
    }
    log.remove_unused_staged(dir.path(), "staged").unwrap();
    assert!(there("1") && there("2") && there("3") && !there("stray"));
    log.record_outcome(IntentSeq(1), failure()).unwrap();
    log.record_outcome(IntentSeq(2), failure()).unwrap();
    assert!(there("1") && there("2"));
    log.record_outcome(IntentSeq(3), failure()).unwrap();
    assert!(!there("1") && there("2") && there("3"), "the oldest makes room");
    let error = log.failed_intent(IntentSeq(1)).unwrap_err();
    assert_eq!(error.code(), SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE);
    assert!(error.hint().unwrap().contains("failed_staged_bytes_max"));
    drop(log);
    // A restart keeps them, too, and a retry takes its file over.
    let (log, _accepted) = IntentLog::open(&log_path, bound).unwrap();
    log.remove_unused_staged(dir.path(), "staged").unwrap();
    assert!(there("2") && there("3"));
    let failed = log.failed_intent(IntentSeq(2)).unwrap();
    log.append_with(failed.origin, failed.body, retry(IntentSeq(2))).await.unwrap();
    put_files(dir.path(), &["5"]);
    log.append(origin("copy"), staged("5", 100)).await.unwrap();
    log.record_outcome(IntentSeq(5), failure()).unwrap();
    assert!(there("2") && !there("3") && there("5"), "the retry's file is not for the bound");
}

#[tokio::test]
async fn staged_files_go_with_the_history() {
    let dir = tempfile::tempdir().unwrap();
    put_files(dir.path(), &["1"]);
    let hour = LogLimits { history_max_age: Duration::from_secs(3600), ..limits() };
    let (log, _accepted) = IntentLog::open(&dir.path().join("log"), hour).unwrap();
    log.remove_unused_staged(dir.path(), "nowhere").unwrap();
    log.append(origin("copy"), staged("1", 1)).await.unwrap();
    log.record_outcome(IntentSeq(1), failure()).unwrap();
    log.append(origin("insert"), insert(2)).await.unwrap();
    woken_until(&log, &[2]).await;
    assert!(!dir.path().join("staged/1").exists());
}

#[tokio::test]
async fn stages_have_their_times() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    let _heard = log.append(origin("insert"), insert(1)).await.unwrap();
    drop(log.append(origin("insert"), insert(2)).await.unwrap());
    log.note_started([IntentSeq(1), IntentSeq(2)]);
    let started = log.history(2).unwrap()[0].started_at_us;
    assert!(started.is_some() && log.history(1).unwrap()[0].applied_at_us.is_none());
    let outcomes = [1, 2].map(|seq| (IntentSeq(seq), ended_at(success(), clock::now_us())));
    log.record_outcomes(outcomes.to_vec()).unwrap();
    let history = log.history(2).unwrap();
    let [gone, heard] = &history[..] else { panic!("{history:?}") };
    let stages = [
        Some(heard.accepted_at_us),
        heard.durable_at_us,
        heard.started_at_us,
        heard.applied_at_us,
        heard.acknowledged_at_us,
    ];
    assert!(stages.iter().all(Option::is_some), "{heard:?}");
    assert!(stages.is_sorted(), "{heard:?}");
    assert_eq!(gone.acknowledged_at_us, None, "nobody was told");
}

#[tokio::test]
async fn pages_of_history_meet() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    for number in 0..10 {
        log.append(origin("insert"), insert(number)).await.unwrap();
    }
    log.record_outcomes((1..8).map(|seq| (IntentSeq(seq), success())).collect()).unwrap();
    let whole = log.history(100).unwrap();
    let mut paged = Vec::new();
    while paged.len() < 10 {
        let last = IntentSeq(10 - paged.len() as u64);
        paged.extend(log.history_from(last, 3).unwrap());
    }
    assert_eq!(paged, whole);
    let stats = log.stats().unwrap();
    assert_eq!((stats.queued, stats.applied, stats.history_intents), (3, 7, 7));
    assert!(stats.oldest_queued_at_us.is_some() && stats.queued_bytes >= 3 << 10);
}

/// Writers that wait for room, in the order in which they came.
struct Queue {
    log: Arc<IntentLog>,
    cancel: CancellationToken,
}

impl Queue {
    fn append(&self, bytes: usize) -> tokio::task::JoinHandle<crate::error::Result<Ticket>> {
        let (log, cancel) = (Arc::clone(&self.log), self.cancel.clone());
        tokio::spawn(async move {
            let options = AppendOptions { cancel, ..AppendOptions::default() };
            log.append_with(origin("copy"), rows(bytes), options).await
        })
    }
}

/// Lets every task that can run come to its next wait.
async fn quiet() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_huge_write_is_not_starved_by_small_ones_that_come_later() {
    let dir = tempfile::tempdir().unwrap();
    let bound = LogLimits { queue_bytes_max: 100 << 10, ..limits() };
    let (log, _accepted) = IntentLog::open(dir.path(), bound).unwrap();
    let queue = Queue { log: Arc::new(log), cancel: CancellationToken::new() };
    for _ in 0..4 {
        queue.append(20 << 10).await.unwrap().unwrap();
    }
    let huge = queue.append(90 << 10);
    quiet().await;
    let small: Vec<_> = (0..20).map(|_| queue.append(1 << 10)).collect();
    quiet().await;
    assert!(!huge.is_finished() && small.iter().all(|task| !task.is_finished()));
    for seq in 1..=4 {
        queue.log.record_outcome(IntentSeq(seq), success()).unwrap();
        quiet().await;
    }
    assert_eq!(huge.await.unwrap().unwrap().seq, IntentSeq(5));
    for (at, task) in small.into_iter().enumerate() {
        if at == 4 {
            // The huge one leaves room for a few; the others come when it has ended.
            queue.log.record_outcome(IntentSeq(5), success()).unwrap();
        }
        task.await.unwrap().unwrap();
    }
    assert_eq!(queue.log.last_durable(), IntentSeq(25));
}

#[tokio::test]
async fn who_stops_waiting_for_room_takes_none_and_harms_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let bound = LogLimits { queue_bytes_max: 100 << 10, queue_intents_max: 3, ..limits() };
    let (log, mut accepted) = IntentLog::open(dir.path(), bound).unwrap();
    let log = Arc::new(log);
    let fresh = || Queue { log: Arc::clone(&log), cancel: CancellationToken::new() };
    let queued = fresh();
    for _ in 0..2 {
        queued.append(30 << 10).await.unwrap().unwrap();
    }
    let mut handed = Vec::new();
    for round in 0..20 {
        let canceled = fresh();
        let waits: Vec<_> = (0..5).map(|_| canceled.append(80 << 10)).collect();
        let hung_up: Vec<_> = (0..5).map(|_| fresh().append(80 << 10)).collect();
        let behind = fresh().append(1 << 10);
        quiet().await;
        assert!(!behind.is_finished(), "round {round}");
        canceled.cancel.cancel();
        for task in waits {
            let error = task.await.unwrap().unwrap_err();
            assert_eq!(error.code(), SqlState::QUERY_CANCELED);
        }
        for task in hung_up {
            task.abort();
            assert!(task.await.is_err());
        }
        let ticket = behind.await.unwrap().unwrap();
        log.record_outcome(ticket.seq, success()).unwrap();
        handed.extend(std::iter::from_fn(|| accepted.try_recv().ok()));
    }
    // Nothing of all that was written, and what was queued before is whole and in order.
    while handed.len() < 22 {
        handed.push(accepted.recv().await.unwrap());
    }
    assert!(handed.iter().map(|one| one.intent.seq.0).eq(1..=22));
    assert_eq!(log.queued(), 2);
    log.record_outcomes(vec![(IntentSeq(1), success()), (IntentSeq(2), success())]).unwrap();
    assert_eq!(log.stats().unwrap().queued_bytes, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_on_a_tiny_queue_all_get_through_in_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let bound = LogLimits { queue_bytes_max: 40 << 10, queue_intents_max: 5, ..limits() };
    let (log, mut accepted) = IntentLog::open(dir.path(), bound).unwrap();
    let log = Arc::new(log);
    let writer = {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            for _ in 0..200 {
                let seq = accepted.recv().await.unwrap().intent.seq;
                let stats = log.stats().unwrap();
                assert!(stats.queued <= 5 && stats.queued_bytes <= 40 << 10, "{stats:?}");
                log.record_outcome(seq, success()).unwrap();
            }
        })
    };
    let append = |number: usize| {
        let log = Arc::clone(&log);
        let bytes = if number % 10 == 0 { 60 << 10 } else { number * 50 };
        tokio::spawn(async move {
            let ticket = log.append(origin("copy"), rows(bytes)).await.unwrap();
            ticket.outcome.await.unwrap()
        })
    };
    for task in (0..200).map(append).collect::<Vec<_>>() {
        assert_eq!(task.await.unwrap(), success());
    }
    writer.await.unwrap();
    assert_eq!(log.stats().unwrap().queued_bytes, 0);
}

#[tokio::test]
async fn history_tells_state_error_and_trace() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    let traced = Origin {
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        ..origin("INSERT INTO t VALUES (1)")
    };
    log.append(traced, insert(1)).await.unwrap();
    log.append(origin("COPY t FROM STDIN"), rows(10)).await.unwrap();
    let call = Body::Call { procedure: "teatree.ingest".into(), args: Vec::new() };
    log.append(origin("CALL teatree.ingest()"), call).await.unwrap();
    log.record_outcomes(vec![(IntentSeq(1), success()), (IntentSeq(2), failure())]).unwrap();
    for flushed in [false, true] {
        let rows = log.history(10).unwrap();
        let [call, copy, insert] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((call.state, call.kind.as_str()), (IntentState::Queued, "call"));
        assert!(call.durable_at_us.is_some() && call.applied_at_us.is_none());
        assert_eq!(copy.state, IntentState::Failed);
        assert_eq!(copy.sqlstate, Some(SqlState::UNIQUE_VIOLATION));
        assert_eq!(copy.message.as_deref(), Some("duplicate key"));
        assert_eq!((insert.state, insert.rows), (IntentState::Applied, Some(1)));
        assert_eq!(insert.trace_id.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        assert_eq!(insert.table, Some(TableName::new("public", "t")));
        assert!(insert.accepted_at_us <= insert.durable_at_us.unwrap(), "{flushed}");
        settle(&log).await;
    }
    assert_eq!(log.history(1).unwrap().len(), 1);
}

#[tokio::test]
async fn staged_files_of_queued_intents_stay() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("staged")).unwrap();
    for name in ["1.arrow", "2.arrow", "3.arrow"] {
        fs::write(dir.path().join("staged").join(name), "x").unwrap();
    }
    let log_path = dir.path().join("log");
    let (log, _accepted) = open(&log_path);
    for name in ["1", "2"] {
        let at = RowsAt::Staged { path: format!("staged/{name}.arrow"), bytes: 1, rows: 1 };
        let body = Body::Dataset(DatasetChange::CreateWith {
            name: TableName::new("public", name),
            columns: Vec::new(),
            rows: at,
        });
        log.append(origin("CREATE TABLE AS"), body).await.unwrap();
    }
    log.record_outcome(IntentSeq(1), success()).unwrap();
    drop(log);
    let (log, _accepted) = open(&log_path);
    assert_eq!(log.staged_files_in_use().into_iter().collect::<Vec<_>>(), ["staged/2.arrow"]);
    assert_eq!(log.remove_unused_staged(dir.path(), "staged").unwrap(), 2);
    assert!(dir.path().join("staged/2.arrow").exists());
    assert_eq!(log.remove_unused_staged(dir.path(), "nowhere").unwrap(), 0);
    let leaves = RowsAt::Staged { path: "../../etc/passwd".into(), bytes: 1, rows: 1 };
    let body = Body::Dataset(DatasetChange::CreateWith {
        name: TableName::new("public", "d"),
        columns: Vec::new(),
        rows: leaves,
    });
    assert!(log.append(origin("CREATE"), body).await.is_err());
}
