//! Every kind of damage to the newest write-ahead file: the log opens whole or not at all.
//!
//! With `TEATREE_TORTURE_MINUTES` set each byte of each record's head is tried, else some.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::tests::{copy_of, insert, limits, open, origin, rows, success};
use super::witness::Witness;
use super::*;
use crate::error::Result;
use crate::ids::IntentSeq;
use crate::sqlstate::SqlState;

/// Acknowledged intents of the log that is damaged; the first ones have outcomes.
const INTENTS: i64 = 24;
const APPLIED: u64 = 6;
/// RocksDB's write-ahead files consist of blocks of this size, and records of this head.
const BLOCK: usize = 32 << 10;
const HEADER: usize = 7;

fn is_long() -> bool {
    std::env::var("TEATREE_TORTURE_MINUTES").is_ok_and(|minutes| !minutes.is_empty())
}

/// A log whose process was killed, and what must be in it.
struct Killed {
    dir: tempfile::TempDir,
    bytes: Vec<u8>,
    pending: Vec<Intent>,
}

/// Builds a log whose newest file has records of less and of more than a block.
async fn killed() -> Killed {
    let dir = tempfile::tempdir().unwrap();
    let (log, mut accepted) = open(dir.path());
    for number in 0..INTENTS {
        let body = if number % 8 == 5 { rows(BLOCK + 100) } else { insert(number) };
        log.append(origin("insert"), body).await.unwrap();
        if number < APPLIED.cast_signed() {
            log.record_outcome(IntentSeq(number.cast_unsigned() + 1), success()).unwrap();
        }
    }
    let copy = copy_of(dir.path());
    let mut pending = Vec::new();
    for _ in 0..INTENTS {
        pending.push(accepted.recv().await.unwrap().intent);
    }
    pending.drain(..usize::try_from(APPLIED).unwrap());
    let mut bytes = fs::read(newest(copy.path())).unwrap();
    let (_, end) = records(&bytes);
    bytes.truncate(end);
    Killed { dir: copy, bytes, pending }
}

/// Where records begin, and where the last one ends; what comes then is space put by.
fn records(bytes: &[u8]) -> (Vec<usize>, usize) {
    let (mut at, mut found, mut end) = (0, Vec::new(), 0);
    while at + HEADER <= bytes.len() {
        let left = BLOCK - at % BLOCK;
        if left < HEADER {
            at += left;
            continue;
        }
        if bytes[at + 6] == 0 {
            break;
        }
        found.push(at);
        at += HEADER + usize::from(u16::from_le_bytes([bytes[at + 4], bytes[at + 5]]));
        end = at;
    }
    (found, end)
}

fn newest(dir: &Path) -> PathBuf {
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "log")).max().unwrap()
}

impl Killed {
    /// Opens a copy whose newest file has these bytes instead.
    fn open_with(&self, bytes: &[u8], salvage: bool) -> (tempfile::TempDir, Result<Vec<Intent>>) {
        let copy = copy_of(self.dir.path());
        fs::write(newest(copy.path()), bytes).unwrap();
        let opened = IntentLog::open(copy.path(), LogLimits { salvage, ..limits() });
        let pending = opened.and_then(|(log, _accepted)| log.pending());
        (copy, pending)
    }

    /// Damage must be refused, with words that help, or be without effect.
    fn check(&self, what: &str, bytes: &[u8]) -> bool {
        match self.open_with(bytes, false).1 {
            Ok(pending) => {
                // An outcome that was not synced may be lost with the last record: its target
                // knows that it was applied.
                let kept = pending.iter().filter(|one| one.seq.0 > APPLIED);
                assert!(kept.eq(&self.pending), "{what}: opened with other intents");
                false
            }
            Err(error) => {
                assert_eq!(error.code(), SqlState::DATA_CORRUPTED, "{what}: {error}");
                let hint = error.hint().unwrap_or_default();
                assert!(hint.contains("--salvage-log"), "{what}: {error:?} {hint}");
                true
            }
        }
    }

    fn records(&self) -> Vec<usize> {
        records(&self.bytes).0
    }
}

#[tokio::test]
async fn what_is_not_damaged_opens_whole() {
    let killed = killed().await;
    assert!(killed.records().len() > INTENTS as usize, "the file was not understood");
    assert!(!killed.check("nothing", &killed.bytes.clone()));
    let longer = [killed.bytes.clone(), vec![0; 5000]].concat();
    assert!(!killed.check("space put by", &longer));
}

/// Each byte of each record's head, and bytes of each body.
#[tokio::test]
async fn a_flipped_byte_never_loses_an_acknowledged_intent() {
    let killed = killed().await;
    let records = killed.records();
    let some = [0, records.len() / 2, records.len() - 2, records.len() - 1];
    let is_tried = |number: usize| is_long() || some.contains(&number);
    let tried = records.iter().enumerate().filter(|(number, _)| is_tried(*number));
    let heads = tried.flat_map(|(_, at)| *at..*at + HEADER);
    let bodies = (0..killed.bytes.len()).step_by(if is_long() { 997 } else { 30_011 });
    let places: BTreeSet<usize> = heads.chain(bodies).collect();
    let mut refused = 0;
    for at in places.into_iter().filter(|at| *at < killed.bytes.len()) {
        for flip in [0x01, 0xff] {
            let mut bytes = killed.bytes.clone();
            bytes[at] ^= flip;
            refused += usize::from(killed.check(&format!("byte {at} ^ {flip}"), &bytes));
        }
    }
    assert!(refused > 20, "only {refused} were refused: the damage missed");
}

#[tokio::test]
async fn a_cut_never_loses_an_acknowledged_intent() {
    let killed = killed().await;
    let ends = killed.records();
    let step = if is_long() { 1 } else { 7 };
    let some = ends.iter().rev().step_by(step);
    let cuts: BTreeSet<usize> = some.flat_map(|at| [*at, at + 3, at + HEADER + 1]).collect();
    for at in cuts.into_iter().filter(|at| *at < killed.bytes.len()) {
        let refused = killed.check(&format!("cut at {at}"), &killed.bytes[..at]);
        // Only the last record may be missing without harm: an outcome, never an intent.
        assert!(refused || at > *ends.last().unwrap(), "cut at {at} was not noticed");
    }
}

/// What a file system may leave of a page.
#[tokio::test]
async fn a_zeroed_range_never_loses_an_acknowledged_intent() {
    let killed = killed().await;
    let step = if is_long() { 1 } else { 7 };
    let records = killed.records().into_iter().step_by(step);
    for (at, length) in records.flat_map(|at| [(at, 512), (at, 4096)]) {
        let end = (at + length).min(killed.bytes.len());
        let mut bytes = killed.bytes.clone();
        bytes[at..end].fill(0);
        killed.check(&format!("zeros from {at} to {end}"), &bytes);
    }
    for page in (0..killed.bytes.len() / 4096).step_by(step) {
        let mut bytes = killed.bytes.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0);
        killed.check(&format!("page {page} zeroed"), &bytes);
    }
}

#[tokio::test]
async fn a_missing_file_never_loses_an_acknowledged_intent() {
    let killed = killed().await;
    let copy = copy_of(killed.dir.path());
    fs::remove_file(newest(copy.path())).unwrap();
    let error = IntentLog::open(copy.path(), limits()).err().unwrap();
    assert_eq!(error.code(), SqlState::DATA_CORRUPTED, "{error}");
}

/// A record that a crash cut off was never acknowledged: the witness is older.
#[tokio::test]
async fn a_torn_record_that_nobody_was_promised_is_dropped() {
    let killed = killed().await;
    let last = *killed.records().last().unwrap();
    for end in [last + 1, last + HEADER, killed.bytes.len() - 1] {
        let copy = copy_of(killed.dir.path());
        fs::write(newest(copy.path()), &killed.bytes[..end]).unwrap();
        Witness::open(copy.path()).unwrap().note(IntentSeq(INTENTS as u64 - 1)).unwrap();
        let (log, _accepted) = open(copy.path());
        assert_eq!(log.last_durable(), IntentSeq(INTENTS as u64 - 1));
        let pending = log.pending().unwrap();
        assert!(pending.iter().eq(&killed.pending[..killed.pending.len() - 1]));
    }
}

#[tokio::test]
async fn salvage_keeps_what_lies_before_the_damage_and_gives_out_no_place_twice() {
    let killed = killed().await;
    let records = killed.records();
    let mut bytes = killed.bytes.clone();
    bytes[records[records.len() - 4] + HEADER + 9] ^= 0xff;
    assert!(killed.check("a body", &bytes));
    let (copy, pending) = killed.open_with(&bytes, true);
    let pending = pending.unwrap();
    assert!(!pending.is_empty() && pending.len() < killed.pending.len());
    assert!(pending.iter().eq(&killed.pending[..pending.len()]));
    for salvage in [true, false] {
        let (log, _accepted) =
            IntentLog::open(copy.path(), LogLimits { salvage, ..limits() }).unwrap();
        let before = log.last_durable();
        assert!(before >= IntentSeq(INTENTS as u64));
        let ticket = log.append(origin("insert"), insert(0)).await.unwrap();
        assert_eq!(ticket.seq, before.next());
    }
}

/// The data may hold more than what is left of the log.
#[tokio::test]
async fn a_salvaged_log_goes_on_after_the_data() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _accepted) = open(dir.path());
    log.append(origin("insert"), insert(1)).await.unwrap();
    assert!(log.check_covers(IntentSeq(9)).is_err());
    drop(log);
    let (log, _accepted) =
        IntentLog::open(dir.path(), LogLimits { salvage: true, ..limits() }).unwrap();
    log.check_covers(IntentSeq(9)).unwrap();
    assert_eq!(log.append(origin("insert"), insert(2)).await.unwrap().seq, IntentSeq(10));
    drop(log);
    let (log, _accepted) = open(dir.path());
    assert_eq!(log.last_durable(), IntentSeq(10));
    assert_eq!(log.pending().unwrap().len(), 2);
}
