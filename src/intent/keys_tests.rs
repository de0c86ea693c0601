//! The promises of idempotency keys: one intent, one outcome, for as long as the key is remembered.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::tests::{copy_of, failure, insert, limits, open, origin, settle, success};
use super::*;
use crate::error::Result;
use crate::ids::IntentSeq;
use crate::sqlstate::SqlState;

fn key(text: &str, statement: u8) -> IdempotencyKey {
    IdempotencyKey::new("ada", text, [statement; 32]).unwrap()
}

async fn append(log: &IntentLog, key: &IdempotencyKey) -> Result<Ticket> {
    let options = AppendOptions { key: Some(key.clone()), ..AppendOptions::default() };
    log.append_with(origin("insert"), insert(1), options).await
}

fn with_rows(bytes: usize) -> Outcome {
    let result = ResultSet { ipc: Bytes(vec![3; bytes]), ..ResultSet::default() };
    let applied =
        Applied { tag: "INSERT 0 1".into(), rows: 1, result: Some(result), drawn: Vec::new() };
    Outcome { result: Ok(applied), applied_at_us: 7 }
}

/// The outcome that a repeat gets; it must be known already.
fn repeated(log: &IntentLog, key: &IdempotencyKey) -> Outcome {
    let mut ticket = log.repeat_of(key).unwrap().expect("the key is bound");
    assert!(ticket.is_repeat);
    ticket.outcome.try_recv().expect("the outcome is known")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[expect(clippy::await_holding_lock, reason = "the lock holds up another thread, the log's")]
async fn sessions_that_bring_one_key_at_once_get_one_intent() {
    let dir = tempfile::tempdir().unwrap();
    let (log, mut accepted) = open(dir.path());
    let log = Arc::new(log);
    let probe = &log.shared().store.probe;
    let gate = probe.gate.lock().unwrap();
    log.leave_to_log_thread();
    let spawn = |key: IdempotencyKey| {
        let log = Arc::clone(&log);
        tokio::spawn(async move { append(&log, &key).await })
    };
    // The first one holds up the log thread, so that all the others are one group.
    let before = spawn(key("before", 0));
    while probe.came_to_gate.load(Ordering::SeqCst) < 1 {
        tokio::task::yield_now().await;
    }
    let same: Vec<_> = (0..8).map(|_| spawn(key("k", 1))).collect();
    while log.requests_waiting() < 8 {
        tokio::task::yield_now().await;
    }
    let other = spawn(key("k", 2));
    while log.requests_waiting() < 9 {
        tokio::task::yield_now().await;
    }
    drop(gate);
    before.await.unwrap().unwrap();
    let mut tickets = Vec::new();
    for task in same {
        tickets.push(task.await.unwrap().unwrap());
    }
    let error = other.await.unwrap().unwrap_err();
    assert_eq!(error.code(), SqlState::INVALID_PARAMETER_VALUE, "{error}");
    assert!(error.detail().unwrap().contains("intent 2"));
    assert!(tickets.iter().all(|ticket| ticket.seq == IntentSeq(2)));
    assert_eq!(tickets.iter().filter(|ticket| !ticket.is_repeat).count(), 1);
    assert_eq!(log.last_durable(), IntentSeq(2));
    assert_eq!(accepted.recv().await.unwrap().intent.seq, IntentSeq(1));
    let intent = accepted.recv().await.unwrap().intent;
    assert_eq!(intent.origin.idempotency_key.as_deref(), Some("k"));
    assert!(accepted.try_recv().is_err());
    log.record_outcome(IntentSeq(2), success()).unwrap();
    for ticket in tickets {
        assert_eq!(ticket.outcome.await.unwrap(), success());
    }
}

#[tokio::test]
async fn a_repeat_gets_the_first_outcome_at_every_stage() {
    for outcome in [success(), failure(), with_rows(100)] {
        let dir = tempfile::tempdir().unwrap();
        let (log, _accepted) = open(dir.path());
        let first = append(&log, &key("k", 1)).await.unwrap();
        let mut waits = log.repeat_of(&key("k", 1)).unwrap().unwrap();
        let waits_too = append(&log, &key("k", 1)).await.unwrap();
        assert!(waits.outcome.try_recv().is_err(), "the first one is still in flight");
        let in_flight = copy_of(dir.path());
        log.record_outcome(IntentSeq(1), outcome.clone()).unwrap();
        for ticket in [first, waits, waits_too] {
            assert_eq!(ticket.outcome.await.unwrap(), outcome);
        }
        assert_eq!(repeated(&log, &key("k", 1)), outcome);
        settle(&log).await;
        assert_eq!(repeated(&log, &key("k", 1)), outcome);
        let killed = copy_of(dir.path());
        drop(log);
        for path in [dir.path(), killed.path()] {
            let (log, _accepted) = open(path);
            assert_eq!(repeated(&log, &key("k", 1)), outcome);
            let error = log.repeat_of(&key("k", 2)).unwrap_err();
            assert_eq!(error.code(), SqlState::INVALID_PARAMETER_VALUE);
            assert_eq!(log.last_durable(), IntentSeq(1));
        }
        // Killed while it was in flight: the replay's outcome is the repeat's.
        let (log, _accepted) = open(in_flight.path());
        let waits = log.repeat_of(&key("k", 1)).unwrap().unwrap();
        log.record_outcome(IntentSeq(1), outcome.clone()).unwrap();
        assert_eq!(waits.outcome.await.unwrap(), outcome);
    }
}

#[tokio::test]
async fn a_key_is_one_users() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    append(&log, &key("k", 1)).await.unwrap();
    let bob = IdempotencyKey::new("bob", "k", [2; 32]).unwrap();
    assert!(log.repeat_of(&bob).unwrap().is_none());
    assert!(!append(&log, &bob).await.unwrap().is_repeat);
    for text in ["", "a\0b", &"x".repeat(KEY_BYTES_MAX + 1)] {
        let error = IdempotencyKey::new("ada", text, [0; 32]).unwrap_err();
        assert_eq!(error.code(), SqlState::INVALID_PARAMETER_VALUE);
    }
}

#[tokio::test]
async fn rows_past_the_bound_are_told_not_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    append(&log, &key("k", 1)).await.unwrap();
    log.record_outcome(IntentSeq(1), with_rows(limits().key_result_bytes_max + 1)).unwrap();
    let error = repeated(&log, &key("k", 1)).result.unwrap_err();
    assert_eq!(error.code(), SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE);
    assert!(error.message().contains("intent 1"), "{error}");
}

#[tokio::test]
async fn what_a_crash_cut_off_is_told_not_made_up() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    append(&log, &key("k", 1)).await.unwrap();
    let unknown = Outcome { result: Ok(Applied::default()), applied_at_us: 1 };
    log.record_outcome(IntentSeq(1), unknown).unwrap();
    let error = repeated(&log, &key("k", 1)).result.unwrap_err();
    assert_eq!(error.code(), SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE);
    let row = &log.history(1).unwrap()[0];
    assert_eq!((row.state, row.rows), (IntentState::Applied, None));
}

#[tokio::test]
async fn a_key_outlives_its_intents_history() {
    let dir = tempfile::tempdir().unwrap();
    let few = LogLimits { history_intents_max: 1, ..limits() };
    let (log, _accepted) = IntentLog::open(dir.path(), few).unwrap();
    append(&log, &key("k", 1)).await.unwrap();
    log.record_outcome(IntentSeq(1), success()).unwrap();
    for number in 2..10 {
        log.append(origin("insert"), insert(number)).await.unwrap();
        log.record_outcome(log.last_durable(), success()).unwrap();
        settle(&log).await;
    }
    assert_eq!(log.outcome(IntentSeq(1)).unwrap(), None);
    assert_eq!(repeated(&log, &key("k", 1)), success());
}

#[tokio::test]
async fn a_key_whose_time_is_over_is_free_again_but_not_in_flight() {
    let dir = tempfile::tempdir().unwrap();
    let short = LogLimits { key_ttl: Duration::ZERO, keys_max: 2, ..limits() };
    let (log, _accepted) = IntentLog::open(dir.path(), short).unwrap();
    append(&log, &key("k", 1)).await.unwrap();
    assert!(append(&log, &key("k", 1)).await.unwrap().is_repeat, "it is in flight");
    log.record_outcome(IntentSeq(1), success()).unwrap();
    settle(&log).await;
    for seq in 2..20 {
        // Another statement, too: nothing is remembered of the first.
        let ticket = append(&log, &key("k", seq)).await.unwrap();
        assert_eq!((ticket.seq, ticket.is_repeat), (IntentSeq(u64::from(seq)), false));
        log.record_outcome(ticket.seq, success()).unwrap();
        settle(&log).await;
    }
    log.append(origin("insert"), insert(1)).await.unwrap();
    assert_eq!(log.stats().unwrap().idempotency_keys, 0);
    assert!(log.shared().store.keys_from(IntentSeq(0), 10).unwrap().is_empty());
}

#[tokio::test]
async fn a_full_store_of_keys_refuses_new_ones_and_forgets_none() {
    let dir = tempfile::tempdir().unwrap();
    let few = LogLimits { keys_max: 2, ..limits() };
    let (log, _accepted) = IntentLog::open(dir.path(), few).unwrap();
    for text in ["a", "b"] {
        append(&log, &key(text, 1)).await.unwrap();
    }
    let error = append(&log, &key("c", 1)).await.unwrap_err();
    assert_eq!(error.code(), SqlState::CONFIGURATION_LIMIT_EXCEEDED);
    assert!(error.hint().unwrap().contains("idempotency_keys_max"));
    assert!(append(&log, &key("a", 1)).await.unwrap().is_repeat);
    log.append(origin("insert"), insert(1)).await.unwrap();
    assert_eq!(log.last_durable(), IntentSeq(3));
    drop(log);
    let (log, _accepted) = IntentLog::open(dir.path(), few).unwrap();
    assert_eq!(log.stats().unwrap().idempotency_keys, 2);
    assert!(append(&log, &key("c", 1)).await.is_err());
}

#[tokio::test]
async fn a_repeat_is_let_go_when_the_writer_stops() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    append(&log, &key("k", 1)).await.unwrap();
    let waits = log.repeat_of(&key("k", 1)).unwrap().unwrap();
    log.stop(crate::error::Error::new(SqlState::IO_ERROR, "the disk is gone"));
    assert!(waits.outcome.await.is_err());
    let late = log.repeat_of(&key("k", 1)).unwrap().unwrap();
    assert!(late.outcome.await.is_err());
}
