//! What RocksDB reports, in PostgreSQL's words.

use std::path::Path;

use rocksdb::ErrorKind;

use crate::error::Error;
use crate::ids::IntentSeq;
use crate::sqlstate::SqlState;

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
pub(super) fn on_read(error: rocksdb::Error) -> Error {
    translated("read the intent log", &error)
}

/// Acknowledged intents are missing: says so, and how to go on.
pub(super) fn lost(first: IntentSeq, last: IntentSeq, path: &Path) -> Error {
    let error = Error::new(
        SqlState::DATA_CORRUPTED,
        "the intent log is damaged: acknowledged intents are missing",
    );
    recoverable(error, &format!("Intents {first} to {last} are not in it."), path)
}

/// Adds what an operator needs to go on from a damaged log.
fn recoverable(error: Error, detail: &str, path: &Path) -> Error {
    error.with_detail(format!("{detail} The log's files are in {}.", path.display())).with_hint(
        "Restore the data folder from a backup, or start once with --salvage-log true, which keeps \
         what lies before the damage and gives up the rest.",
    )
}

pub(super) fn on_open(error: &rocksdb::Error, path: &Path) -> Error {
    // RocksDB has no kind of its own for this; the text is its own, no part of it a client's.
    if error.as_ref().contains("lock") && error.kind() == ErrorKind::IOError {
        return Error::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            "the data folder is in use by another server",
        )
        .with_detail(format!("{}.", error.as_ref().trim_end_matches('.')));
    }
    let translated = translated("open the intent log", error);
    match error.kind() {
        ErrorKind::Corruption => recoverable(translated, "A checksum is wrong.", path),
        _ => translated,
    }
}

pub(super) fn translated(what: &str, error: &rocksdb::Error) -> Error {
    let code = match error.kind() {
        ErrorKind::Corruption => SqlState::DATA_CORRUPTED,
        // The text is RocksDB's and the system's, no part of it a client's.
        ErrorKind::IOError if error.as_ref().contains("No space left on device") => {
            SqlState::DISK_FULL
        }
        ErrorKind::IOError => SqlState::IO_ERROR,
        _ => SqlState::SYSTEM_ERROR,
    };
    Error::new(code, format!("could not {what}: {error}"))
}
