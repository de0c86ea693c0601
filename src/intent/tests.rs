//! The promises of the log: order, durability, bounds, damage found, poison.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;

use super::record::{NewHead, Payload};
use super::store::Batch;
use super::witness::Witness;
use super::*;
use crate::error::Error;
use crate::ids::{IntentSeq, TableName};
use crate::sqlstate::SqlState;
use crate::types::Value;

pub(super) fn limits() -> LogLimits {
    LogLimits {
        queue_intents_max: 1000,
        queue_bytes_max: 64 << 20,
        queue_wait: Duration::from_secs(60),
        history_intents_max: 1000,
        history_bytes_max: 1 << 30,
        // Outcomes of these tests are of 1970.
        history_max_age: Duration::MAX,
        failed_staged_bytes_max: 1 << 30,
        key_ttl: Duration::from_secs(3600),
        keys_max: 1000,
        key_result_bytes_max: 1000,
        salvage: false,
    }
}

pub(super) fn open(path: &Path) -> (IntentLog, Receiver<Accepted>) {
    IntentLog::open(path, limits()).unwrap()
}

pub(super) fn origin(statement: &str) -> Origin {
    Origin { user: "ada".into(), statement: statement.into(), ..Origin::default() }
}

pub(super) fn insert(number: i64) -> Body {
    Body::Statement {
        sql: "INSERT INTO t VALUES ($1)".into(),
        params: vec![Value::Int8(number)],
        table: Some(TableName::new("public", "t")),
        tag: TagKind::Insert,
        returning: false,
        effect: crate::sql::Effect::default(),
        draws: Vec::new(),
    }
}

pub(super) fn rows(bytes: usize) -> Body {
    Body::Rows {
        table: TableName::new("public", "t"),
        storage: Storage::DuckDb,
        columns: vec!["a".into()],
        rows: RowsAt::Inline(Bytes(vec![7; bytes])),
        tag: TagKind::Copy,
        create: None,
        draws: Vec::new(),
        replaces: false,
        source: None,
        delivered: Vec::new(),
    }
}

pub(super) fn success() -> Outcome {
    let applied = Applied { tag: "INSERT 0 1".into(), rows: 1, result: None, drawn: Vec::new() };
    Outcome { result: Ok(applied), applied_at_us: 42 }
}

pub(super) fn failure() -> Outcome {
    let error = Error::new(SqlState::UNIQUE_VIOLATION, "duplicate key").with_detail("Key (a).");
    Outcome { result: Err(error), applied_at_us: 43 }
}

/// Copies the files of an open log, as a crash would leave them.
pub(super) fn copy_of(path: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

/// Waits until the log thread has written all outcomes.
pub(super) async fn settle(log: &IntentLog) {
    while !log.shared().state().unwritten.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[expect(clippy::await_holding_lock, reason = "the lock holds up another thread, the log's")]
async fn sixty_four_appenders_share_one_order_and_few_syncs() {
    let dir = tempfile::tempdir().unwrap();
    let (log, mut accepted) = open(dir.path());
    let log = Arc::new(log);
    let probe = &log.shared().store.probe;
    let gate = probe.gate.lock().unwrap();
    log.leave_to_log_thread();
    let append = |number| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let ticket = log.append(origin("insert"), insert(number)).await.unwrap();
            (ticket.seq, number)
        })
    };
    let mut tasks = vec![append(0)];
    while probe.came_to_gate.load(Ordering::SeqCst) < 1 {
        tokio::task::yield_now().await;
    }
    tasks.extend((1..=64).map(append));
    while log.requests_waiting() < 64 {
        tokio::task::yield_now().await;
    }
    drop(gate);
    let mut promised = Vec::new();
    for task in tasks {
        promised.push(task.await.unwrap());
    }
    promised.sort_unstable();
    let mut handed = Vec::new();
    for _ in 0..65 {
        let intent = accepted.recv().await.unwrap().intent;
        let Body::Statement { params, .. } = intent.body else { panic!("not a statement") };
        let [Value::Int8(number)] = params[..] else { panic!("not one number") };
        handed.push((intent.seq, number));
    }
    assert_eq!(handed, promised);
    assert!(handed.iter().map(|(seq, _)| seq.0).eq(1..=65));
    assert_eq!(log.last_durable(), IntentSeq(65));
    assert_eq!(probe.synced_writes.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_crash_keeps_what_was_promised_and_only_that_is_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let (log, mut accepted) = open(dir.path());
    for number in 0..5 {
        log.append(origin("insert"), insert(number)).await.unwrap();
    }
    log.record_outcome(IntentSeq(1), success()).unwrap();
    log.record_outcome(IntentSeq(2), failure()).unwrap();
    settle(&log).await;
    let copy = copy_of(dir.path());
    let (again, _) = open(copy.path());
    let pending = again.pending().unwrap();
    let handed: Vec<_> = std::iter::from_fn(|| accepted.try_recv().ok()).collect();
    let expected: Vec<_> = handed.into_iter().skip(2).map(|one| one.intent).collect();
    assert_eq!(expected.len(), 3);
    assert_eq!(pending, expected);
    assert_eq!(again.last_durable(), IntentSeq(5));
    assert_eq!(again.outcome(IntentSeq(1)).unwrap(), log.outcome(IntentSeq(1)).unwrap());
    let StoredResult::Failed(error) = again.outcome(IntentSeq(2)).unwrap().unwrap().result else {
        panic!("not a failure");
    };
    assert_eq!(Err(error), failure().result);
    assert_eq!(again.outcome(IntentSeq(3)).unwrap(), None);
    let ticket = again.append(origin("insert"), insert(9)).await.unwrap();
    assert_eq!(ticket.seq, IntentSeq(6));
    again.record_outcome(IntentSeq(3), success()).unwrap();
    assert_eq!(again.pending().unwrap().len(), 2);
}

#[tokio::test]
async fn closing_and_opening_again_gives_the_same_queue() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    for number in 0..3 {
        log.append(origin("insert"), insert(number)).await.unwrap();
    }
    log.record_outcome(IntentSeq(1), success()).unwrap();
    drop(log);
    let (log, _accepted) = open(dir.path());
    let places: Vec<_> = log.pending().unwrap().iter().map(|intent| intent.seq.0).collect();
    assert_eq!(places, [2, 3]);
    assert!(log.outcome(IntentSeq(1)).unwrap().is_some());
}

#[tokio::test]
async fn a_failure_is_in_the_files_before_its_client_hears_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    let ticket = log.append(origin("insert"), insert(1)).await.unwrap();
    log.record_outcome(ticket.seq, failure()).unwrap();
    assert_eq!(ticket.outcome.await.unwrap(), failure());
    let copy = copy_of(dir.path());
    assert!(open(copy.path()).0.pending().unwrap().is_empty());
}

#[tokio::test]
async fn the_waiting_client_gets_the_outcome_with_its_rows() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    let ticket = log.append(origin("insert"), insert(1)).await.unwrap();
    let result = ResultSet { ipc: Bytes(vec![1, 2]), ..ResultSet::default() };
    let applied =
        Applied { tag: "INSERT 0 1".into(), rows: 1, result: Some(result), drawn: Vec::new() };
    let outcome = Outcome { result: Ok(applied), applied_at_us: 1 };
    log.record_outcome(ticket.seq, outcome.clone()).unwrap();
    assert_eq!(ticket.outcome.await.unwrap(), outcome);
    let error = log.record_outcome(ticket.seq, success()).unwrap_err();
    assert_eq!(error.code(), SqlState::INTERNAL_ERROR);
}

#[tokio::test]
async fn a_full_queue_is_53400_and_an_outcome_makes_room() {
    let dir = tempfile::tempdir().unwrap();
    let full = LogLimits { queue_intents_max: 2, queue_wait: Duration::ZERO, ..limits() };
    let (log, _accepted) = IntentLog::open(dir.path(), full).unwrap();
    for number in 0..2 {
        log.append(origin("insert"), insert(number)).await.unwrap();
    }
    let error = log.append(origin("insert"), insert(2)).await.unwrap_err();
    assert_eq!(error.code(), SqlState::CONFIGURATION_LIMIT_EXCEEDED);
    assert!(error.hint().unwrap().contains("queue_intents_max"));
    drop(log);
    let (log, _accepted) =
        IntentLog::open(dir.path(), LogLimits { queue_intents_max: 2, ..limits() }).unwrap();
    let log = Arc::new(log);
    let waits = tokio::spawn({
        let log = Arc::clone(&log);
        async move { log.append(origin("insert"), insert(3)).await }
    });
    tokio::task::yield_now().await;
    assert!(!waits.is_finished());
    log.record_outcome(IntentSeq(1), success()).unwrap();
    assert_eq!(waits.await.unwrap().unwrap().seq, IntentSeq(3));
}

#[tokio::test]
async fn bytes_are_bounded_too_and_a_restart_counts_what_is_queued() {
    let dir = tempfile::tempdir().unwrap();
    let limits = LogLimits { queue_bytes_max: 100 << 10, queue_wait: Duration::ZERO, ..limits() };
    let (log, _accepted) = IntentLog::open(dir.path(), limits).unwrap();
    log.append(origin("copy"), rows(60 << 10)).await.unwrap();
    let error = log.append(origin("copy"), rows(60 << 10)).await.unwrap_err();
    assert_eq!(error.code(), SqlState::CONFIGURATION_LIMIT_EXCEEDED);
    log.append(origin("copy"), rows(1 << 10)).await.unwrap();
    drop(log);
    let (log, _accepted) = IntentLog::open(dir.path(), limits).unwrap();
    assert!(log.append(origin("copy"), rows(60 << 10)).await.is_err());
    log.record_outcome(IntentSeq(1), success()).unwrap();
    log.append(origin("copy"), rows(60 << 10)).await.unwrap();
    log.record_outcome(IntentSeq(2), success()).unwrap();
    log.record_outcome(IntentSeq(3), success()).unwrap();
    // Larger than the whole queue, but alone in it.
    log.append(origin("copy"), rows(200 << 10)).await.unwrap();
}

#[tokio::test]
async fn a_record_that_is_too_large_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    let error = log.append(origin("copy"), rows(INLINE_BYTES_MAX + 1)).await.unwrap_err();
    assert_eq!(error.code(), SqlState::PROGRAM_LIMIT_EXCEEDED);
    assert!(error.hint().unwrap().contains("staged"));
    log.append(origin("copy"), rows(INLINE_BYTES_MAX)).await.unwrap();
    assert_eq!(log.last_durable(), IntentSeq(1));
}

#[tokio::test]
async fn a_damaged_body_is_found_at_open() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    log.append(origin("insert"), insert(1)).await.unwrap();
    let mut body = log.shared().store.get_raw("bodies", IntentSeq(1)).unwrap();
    let last = body.len() - 1;
    body[last] ^= 1;
    log.shared().store.put_raw("bodies", IntentSeq(1), &body);
    drop(log);
    let error = IntentLog::open(dir.path(), limits()).err().unwrap();
    assert_eq!(error.code(), SqlState::DATA_CORRUPTED);
    assert!(error.message().contains("intent 1"), "{error}");
}

/// Finds the write-ahead file that holds records, and its length without the space put by.
fn write_ahead_file(path: &Path) -> (std::path::PathBuf, Vec<u8>) {
    let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let logs = files.filter(|path| path.extension().is_some_and(|end| end == "log"));
    logs.map(|path| (path.clone(), fs::read(path).unwrap()))
        .max_by_key(|(_, bytes)| bytes.iter().filter(|&&b| b != 0).count())
        .unwrap()
}

#[tokio::test]
async fn a_torn_tail_is_dropped_and_damage_before_it_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    for number in 0..20 {
        log.append(origin("insert"), insert(number)).await.unwrap();
    }
    let torn = copy_of(dir.path());
    let (file, bytes) = write_ahead_file(torn.path());
    let end = bytes.iter().rposition(|&b| b != 0).unwrap();
    fs::write(&file, &bytes[..end - 10]).unwrap();
    // A crash in the middle of the write: nobody was told.
    Witness::open(torn.path()).unwrap().note(IntentSeq(19)).unwrap();
    let (again, _) = open(torn.path());
    assert_eq!(again.last_durable(), IntentSeq(19));
    assert_eq!(again.pending().unwrap().len(), 19);

    let damaged = copy_of(dir.path());
    let (file, mut bytes) = write_ahead_file(damaged.path());
    bytes[end / 2] ^= 0xff;
    fs::write(&file, &bytes).unwrap();
    let error = IntentLog::open(damaged.path(), limits()).err().unwrap();
    assert_eq!(error.code(), SqlState::DATA_CORRUPTED, "{error}");
}

/// A power cut may keep the end of an unacknowledged record and lose its middle. That cannot be
/// told from damage to an acknowledged one, so it is refused, too.
#[tokio::test]
async fn a_last_record_with_a_hole_is_refused_not_guessed_at() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    for bytes in [10, 20_000] {
        log.append(origin("copy"), rows(bytes)).await.unwrap();
    }
    let copy = copy_of(dir.path());
    let (file, mut bytes) = write_ahead_file(copy.path());
    let end = bytes.iter().rposition(|&b| b != 0).unwrap();
    bytes[end - 12_000..end - 8_000].fill(0);
    fs::write(&file, &bytes).unwrap();
    let error = IntentLog::open(copy.path(), limits()).err().unwrap();
    assert_eq!(error.code(), SqlState::DATA_CORRUPTED, "{error}");
}

#[tokio::test]
async fn a_second_opener_is_told_who_is_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, _accepted) = open(dir.path());
    let error = IntentLog::open(dir.path(), limits()).err().unwrap();
    assert_eq!(error.code(), SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "{error}");
}

#[tokio::test]
async fn a_head_without_its_end_is_found_at_open() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    log.append(origin("insert"), insert(1)).await.unwrap();
    let store = &log.shared().store;
    let (body, mut batch) = (insert(2), Batch::default());
    let head = Payload::encode(&NewHead::new(0, &origin("x"), &body, None)).unwrap();
    store.put_intent(&mut batch, IntentSeq(2), head, Payload::encode(&body).unwrap()).unwrap();
    store.write(batch, true).unwrap();
    drop(log);
    let error = IntentLog::open(dir.path(), limits()).err().unwrap();
    assert_eq!(error.code(), SqlState::DATA_CORRUPTED);
}

#[tokio::test]
async fn history_is_trimmed_to_its_bound_and_never_past_a_queued_intent() {
    let dir = tempfile::tempdir().unwrap();
    let limits = LogLimits { history_intents_max: 5, ..limits() };
    let (log, _accepted) = IntentLog::open(dir.path(), limits).unwrap();
    for number in 0..20 {
        log.append(origin("insert"), insert(number)).await.unwrap();
        if number != 11 {
            log.record_outcome(log.last_durable(), success()).unwrap();
            settle(&log).await;
        }
    }
    let kept: Vec<_> = log.history(100).unwrap().iter().map(|row| row.seq.0).collect();
    assert_eq!(kept, (12..=20).rev().collect::<Vec<_>>());
    log.record_outcome(IntentSeq(12), success()).unwrap();
    settle(&log).await;
    log.append(origin("insert"), insert(20)).await.unwrap();
    let kept: Vec<_> = log.history(100).unwrap().iter().map(|row| row.seq.0).collect();
    assert_eq!(kept, [21, 20, 19, 18, 17, 16]);
    assert_eq!(log.outcome(IntentSeq(15)).unwrap(), None);
    drop(log);
    let (log, _accepted) = IntentLog::open(dir.path(), limits).unwrap();
    assert_eq!(log.history(100).unwrap().len(), 6);
    assert_eq!(log.last_durable(), IntentSeq(21));
}

#[tokio::test]
async fn a_failed_write_poisons_until_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (log, mut accepted) = open(dir.path());
    let ticket = log.append(origin("insert"), insert(1)).await.unwrap();
    log.shared().store.probe.fail_writes.store(true, Ordering::SeqCst);
    let error = log.append(origin("insert"), insert(2)).await.unwrap_err();
    assert_eq!(error.code(), SqlState::IO_ERROR);
    log.shared().store.probe.fail_writes.store(false, Ordering::SeqCst);
    let error = log.append(origin("insert"), insert(3)).await.unwrap_err();
    assert_eq!(error.code(), SqlState::IO_ERROR);
    assert!(error.hint().unwrap().contains("restart"));
    assert_eq!(log.last_durable(), IntentSeq(1));
    // What was durable before is applied, and its client hears of it.
    assert_eq!(accepted.recv().await.unwrap().intent.seq, IntentSeq(1));
    log.record_outcome(IntentSeq(1), success()).unwrap();
    assert_eq!(ticket.outcome.await.unwrap(), success());
    drop(log);
    let (log, _accepted) = open(dir.path());
    assert_eq!(log.append(origin("insert"), insert(2)).await.unwrap().seq, IntentSeq(2));
}

#[tokio::test]
async fn a_writer_that_stopped_lets_clients_go() {
    let dir = tempfile::tempdir().unwrap();
    let (log, accepted) = open(dir.path());
    let ticket = log.append(origin("insert"), insert(1)).await.unwrap();
    log.stop(Error::new(SqlState::IO_ERROR, "the data file cannot be written"));
    assert!(ticket.outcome.await.is_err());
    let unknown = log.outcome_unknown(IntentSeq(1));
    assert_eq!(unknown.code(), SqlState::IO_ERROR);
    assert!(unknown.detail().unwrap().contains("Intent 1 is durable"));
    assert!(log.append(origin("insert"), insert(2)).await.is_err());
    drop((log, accepted));
    let (log, accepted) = open(dir.path());
    drop(accepted);
    let ticket = log.append(origin("insert"), insert(2)).await.unwrap();
    assert!(ticket.outcome.await.is_err());
    assert!(log.append(origin("insert"), insert(3)).await.is_err());
}

#[tokio::test]
async fn refusing_hands_over_what_was_appended_and_then_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (log, mut accepted) = open(dir.path());
    let ticket = log.append(origin("insert"), insert(1)).await.unwrap();
    log.refuse().await;
    let error = log.append(origin("insert"), insert(2)).await.unwrap_err();
    assert_eq!(error.code(), SqlState::ADMIN_SHUTDOWN);
    assert_eq!(accepted.recv().await.unwrap().intent.seq, IntentSeq(1));
    assert!(accepted.recv().await.is_none());
    log.record_outcome(IntentSeq(1), success()).unwrap();
    assert_eq!(ticket.outcome.await.unwrap(), success());
    log.close().unwrap();
    drop(log);
    assert!(open(dir.path()).0.outcome(IntentSeq(1)).unwrap().is_some());
}

#[tokio::test]
async fn a_log_older_than_the_data_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    log.append(origin("insert"), insert(1)).await.unwrap();
    log.check_covers(IntentSeq(1)).unwrap();
    let error = log.check_covers(IntentSeq(2)).unwrap_err();
    assert_eq!(error.code(), SqlState::DATA_CORRUPTED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apply_continues_the_trace_of_append() {
    use tracing::Instrument;
    use tracing::instrument::WithSubscriber;

    let dir = tempfile::tempdir().unwrap();
    let (log, mut accepted) = open(dir.path());
    // The span of append is shared with tests that run beside this one without a subscriber. A
    // subscriber made while they use it for the first time may miss it for good (tracing-core
    // registers in two steps), so the first use comes before.
    log.append(origin("insert"), insert(0)).await.unwrap();
    accepted.recv().await.unwrap();
    let collector = crate::telemetry::testing::Collector::start().await;
    let config = collector.config();
    let (dispatch, telemetry) =
        crate::task::blocking(move || crate::telemetry::layers(&config)).await.unwrap();
    tracing::callsite::rebuild_interest_cache();
    let client = async {
        let parse = tracing::info_span!("parse");
        log.append(origin("insert"), insert(1)).instrument(parse).await.unwrap();
    };
    client.with_subscriber(dispatch.clone()).await;
    let intent = accepted.recv().await.unwrap().intent;
    crate::task::blocking(move || {
        tracing::dispatcher::with_default(&dispatch, || {
            let apply = tracing::info_span!("apply");
            crate::telemetry::set_parent(&apply, intent.origin.traceparent.as_deref());
            apply.in_scope(|| {});
        });
        telemetry.shutdown();
        Ok(())
    })
    .await
    .unwrap();
    let (parse, append, apply) =
        (collector.span("parse"), collector.span("append"), collector.span("apply"));
    assert_eq!(append.parent_span_id, parse.span_id);
    assert_eq!(apply.parent_span_id, append.span_id);
    assert_eq!(apply.trace_id, parse.trace_id);
    assert!(append.attributes.iter().any(|one| one.key == "seq"));
}
