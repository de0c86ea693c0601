//! Versions on made-up files with a DuckDB header; the real DuckDB opens them in the end-to-end
//! tests.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, VersionNumber};
use crate::sqlstate::SqlState;

/// Makes a file with a header as DuckDB 1.5 writes it and some blocks, the last one short.
fn data_file(dir: &Path) -> PathBuf {
    let path = dir.join("teatree.duckdb");
    let mut bytes = vec![0; usize::try_from(HEADER_BYTES + 3 * BLOCK_BYTES + 100).unwrap()];
    bytes[8..12].copy_from_slice(b"DUCK");
    bytes[12..20].copy_from_slice(&64u64.to_le_bytes());
    for (index, byte) in bytes.iter_mut().enumerate().skip(20) {
        *byte = u8::try_from(index % 251).unwrap();
    }
    fs::write(&path, bytes).unwrap();
    path
}

fn change_byte(path: &Path, at: u64) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[255]).unwrap();
}

#[expect(clippy::unnecessary_wraps, reason = "it stands for a check that can fail")]
fn one_table(_: &Path) -> Result<Vec<TableRows>> {
    Ok(vec![TableRows { schema: "public".into(), name: "t".into(), rows: 3 }])
}

fn publish(store: &VersionStore, source: &Path, seq: u64) -> Result<Arc<VersionManifest>> {
    store.publish(store.prepare(source)?, "a note", IntentSeq(seq), one_table)
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_version_is_the_same_bytes_under_a_number_with_a_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let source = data_file(dir.path());
    let versions = dir.path().join("versions");
    let store = VersionStore::open(&versions).unwrap();
    let first = publish(&store, &source, 7).unwrap();
    assert_eq!(first.number, VersionNumber(1));
    assert_eq!((first.intent_seq, first.storage_version), (IntentSeq(7), 64));
    assert_eq!(first.blocks.len(), 5);
    assert_eq!(fs::read(store.data_path(&first)).unwrap(), fs::read(&source).unwrap());
    assert_eq!(first.tables, one_table(&source).unwrap());
    assert!(first.created_at.ends_with('Z'));
    let second = publish(&store, &source, 9).unwrap();
    assert_eq!(second.number, VersionNumber(2));
    assert_eq!(names(&versions), ["000001.duckdb", "000001.json", "000002.duckdb", "000002.json"]);
    let again = VersionStore::open(&versions).unwrap();
    assert_eq!(again.list(), [first, Arc::clone(&second)]);
    assert_eq!(again.latest(), Some(second));
    assert_eq!(again.next_number(), VersionNumber(3));
}

#[test]
fn a_changed_block_changes_one_hash() {
    let dir = tempfile::tempdir().unwrap();
    let source = data_file(dir.path());
    let before = hash_blocks(&source).unwrap();
    change_byte(&source, HEADER_BYTES + BLOCK_BYTES);
    let after = hash_blocks(&source).unwrap();
    let changed: Vec<_> =
        (0..before.blocks.len()).filter(|&at| before.blocks[at] != after.blocks[at]).collect();
    assert_eq!(changed, [2]);
    assert_ne!(before.sha256, after.sha256);
}

#[test]
fn one_intent_makes_one_version() {
    let dir = tempfile::tempdir().unwrap();
    let source = data_file(dir.path());
    let versions = dir.path().join("versions");
    let store = VersionStore::open(&versions).unwrap();
    let first = publish(&store, &source, 7).unwrap();
    change_byte(&source, HEADER_BYTES + 5);
    assert_eq!(publish(&store, &source, 7).unwrap(), first);
    let store = VersionStore::open(&versions).unwrap();
    assert_eq!(publish(&store, &source, 7).unwrap(), first);
    assert_eq!(names(&versions).len(), 2);
}

#[test]
fn changes_outside_of_the_file_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let source = data_file(dir.path());
    let store = VersionStore::open(&dir.path().join("versions")).unwrap();
    let wal = dir.path().join("teatree.duckdb.wal");
    fs::write(&wal, "x").unwrap();
    let error = store.prepare(&source).unwrap_err();
    assert_eq!(error.code(), SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE);
    fs::write(&wal, "").unwrap();
    store.prepare(&source).unwrap();
}

#[test]
fn a_check_that_fails_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let source = data_file(dir.path());
    let versions = dir.path().join("versions");
    let store = VersionStore::open(&versions).unwrap();
    let refused = Error::new(SqlState::DATA_CORRUPTED, "rows are missing");
    let result = store.publish(store.prepare(&source).unwrap(), "", IntentSeq(1), |clone| {
        assert!(clone.exists());
        Err(refused.clone())
    });
    assert_eq!(result.unwrap_err(), refused);
    fs::write(&source, "not a database").unwrap();
    assert_eq!(publish(&store, &source, 1).unwrap_err().code(), SqlState::DATA_CORRUPTED);
    assert_eq!(names(&versions), Vec::<String>::new());
    assert_eq!(store.next_number(), VersionNumber(1));
}

#[test]
fn what_a_crash_left_is_removed_and_what_is_not_ours_stays() {
    let dir = tempfile::tempdir().unwrap();
    let source = data_file(dir.path());
    let versions = dir.path().join("versions");
    publish(&VersionStore::open(&versions).unwrap(), &source, 1).unwrap();
    for left in ["000002.duckdb", "clone-0.partial", "000002.json.partial", "clone-0.partial.wal"] {
        fs::copy(&source, versions.join(left)).unwrap();
    }
    fs::write(versions.join("README"), "mine").unwrap();
    fs::write(versions.join("2.duckdb"), "mine").unwrap();
    let store = VersionStore::open(&versions).unwrap();
    assert_eq!(names(&versions), ["000001.duckdb", "000001.json", "2.duckdb", "README"]);
    assert_eq!(publish(&store, &source, 2).unwrap().number, VersionNumber(2));
}

#[test]
fn a_file_is_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let source = data_file(dir.path());
    let versions = dir.path().join("versions");
    let store = VersionStore::open(&versions).unwrap();
    fs::write(versions.join("000001.duckdb"), "somebody else's").unwrap();
    assert_eq!(publish(&store, &source, 1).unwrap_err().code(), SqlState::DUPLICATE_OBJECT);
    assert_eq!(fs::read(versions.join("000001.duckdb")).unwrap(), b"somebody else's");
}

#[test]
fn damage_is_found_at_open() {
    let dir = tempfile::tempdir().unwrap();
    let source = data_file(dir.path());
    let versions = dir.path().join("versions");
    publish(&VersionStore::open(&versions).unwrap(), &source, 1).unwrap();
    let data = versions.join("000001.duckdb");
    OpenOptions::new().write(true).open(&data).unwrap().set_len(100).unwrap();
    let error = VersionStore::open(&versions).err().unwrap();
    assert_eq!(error.code(), SqlState::DATA_CORRUPTED);
    fs::remove_file(&data).unwrap();
    assert!(VersionStore::open(&versions).is_err());
    fs::write(versions.join("000001.json"), "{").unwrap();
    assert!(VersionStore::open(&versions).is_err());
}

/// DuckDB's own lock is a POSIX lock, which any close of the file in this process would release.
#[cfg(target_os = "linux")]
#[test]
fn cloning_keeps_the_lock_on_the_data_file() {
    use rustix::fs::{FlockOperation, fcntl_lock};
    use std::os::unix::fs::MetadataExt;

    let dir = tempfile::tempdir().unwrap();
    let source = data_file(dir.path());
    let held = OpenOptions::new().read(true).write(true).open(&source).unwrap();
    fcntl_lock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
    let inode = format!(":{} ", held.metadata().unwrap().ino());
    let is_locked = || {
        let locks = fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains("POSIX") && line.contains(&inode))
    };
    if !is_locked() {
        // Some sandboxes hide the list of locks.
        return;
    }
    let store = VersionStore::open(&dir.path().join("versions")).unwrap();
    for seq in 1..3 {
        publish(&store, &source, seq).unwrap();
        assert!(is_locked());
    }
}
