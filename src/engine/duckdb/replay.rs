//! What is in a data file's write-ahead log is written into the file before the file is opened.
//!
//! DuckDB 1.5.6 reads a log twice, and makes its types in the first reading already, which makes
//! nothing else: a log that makes a schema and a type in it fails to replay, and the file could
//! never be opened again. Such a log is cut behind the schema. Both parts are whole logs: the first
//! is replayed and checkpointed, then the rest, which waits in a file of its own meanwhile. A crash
//! in between loses nothing and does nothing twice.
//!
//! A log that ends in the middle of a checkpoint is not cut: it may be in the file already.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::capi::Database;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// What a log begins with that holds entries with checksums and no identity of its file, as
/// DuckDB writes it for its default storage version.
const HEADER: [u8; 8] = [0x64, 0, 98, 0x65, 0, 2, 0xff, 0xff];
/// The size and the checksum before each entry.
const FRAME: u64 = 16;
/// What an entry begins with, before its kind.
const KIND: [u8; 2] = [0x64, 0];
const CREATE_SCHEMA: u8 = 3;
const CREATE_TYPE: u8 = 13;
const CHECKPOINT: u8 = 99;
const COMMIT: u8 = 100;

/// Writes what is in a file's write-ahead log into the file, through an instance that has the file
/// attached: opening it as the instance's own database fails in DuckDB 1.5.6 when the log holds an
/// ALTER TABLE of a table with a function in a default or a CHECK ("GetDefaultDatabase with no
/// default database set"), and the file could never be opened again.
///
/// # Errors
/// What DuckDB says when the file cannot be opened or written; 58030 when its log cannot be cut.
pub(super) fn replay(file: &Path, settings: &[(&str, String)]) -> Result<()> {
    let log = beside(file, ".wal");
    let rest = beside(file, ".wal.rest");
    loop {
        // It was being cut when the server ended.
        if rest.exists() {
            cut(&log, &rest).map_err(failed)?;
        }
        if log.exists()
            && let Err(error) = settle(file, settings)
        {
            let cut =
                !beside(file, ".wal.checkpoint").exists() && cut(&log, &rest).map_err(failed)?;
            if !cut {
                return Err(error);
            }
            tracing::info!("the data file's log is replayed in parts");
            continue;
        }
        if !rest.exists() {
            return Ok(());
        }
        if log.metadata().is_ok_and(|log| log.len() > 0) {
            let message = "there is no room to write a part of the data file's log into the file";
            return Err(Error::new(SqlState::DISK_FULL, message));
        }
        fs::rename(&rest, &log).and_then(|()| sync_folder(&log)).map_err(failed)?;
    }
}

fn failed(error: io::Error) -> Error {
    Error::new(SqlState::IO_ERROR, format!("the data file's log cannot be cut: {error}"))
}

fn settle(file: &Path, settings: &[(&str, String)]) -> Result<()> {
    let mut connection = Database::open(Path::new(":memory:"), settings)?.connect()?;
    let file = file.to_string_lossy().replace('\'', "''");
    connection.execute(&format!("ATTACH '{file}' AS replayed"))?;
    match connection.execute("CHECKPOINT replayed") {
        // Without room for it the log stays as it is, and reads need no more.
        Err(error) if error.message().contains("No space left") => Ok(()),
        done => done.and_then(|()| connection.execute("DETACH replayed")),
    }
}

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Leaves in a log what comes before a type that it cannot make, and puts what follows into
/// another; tells whether there was such a type.
fn cut(log: &Path, rest: &Path) -> io::Result<bool> {
    let Some(place) = find(log)? else { return Ok(false) };
    let Place { at, end, commit, in_transaction } = place;
    if at < end {
        copy(log, rest, &[0..HEADER.len() as u64, at..end])?;
    }
    let mut kept = vec![0..at.min(end)];
    // The first half of a transaction is one of its own: the other always follows.
    if in_transaction && at < end {
        kept.push(commit);
    }
    copy(log, log, &kept)?;
    Ok(true)
}

/// Where a log is cut: positions in bytes.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// Behind the schema, and behind its commit where that comes next.
    at: u64,
    /// Behind the last commit; what follows never happened.
    end: u64,
    /// Any commit.
    commit: Range<u64>,
    /// A transaction is cut in two.
    in_transaction: bool,
}

fn find(log: &Path) -> io::Result<Option<Place>> {
    let file = match File::open(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let length = file.metadata()?.len();
    let mut file = BufReader::new(file);
    let mut header = [0; HEADER.len()];
    if length < HEADER.len() as u64 {
        return Ok(None);
    }
    file.read_exact(&mut header)?;
    if header != HEADER {
        return Ok(None);
    }
    let mut start = HEADER.len() as u64;
    let mut commit = None;
    // Behind the last schema, and whether that was committed there.
    let mut schema = None;
    let mut cut = None;
    while start + FRAME + 3 <= length {
        let mut frame = [0; FRAME as usize + 3];
        file.read_exact(&mut frame)?;
        let size = frame[..8].try_into().map(u64::from_le_bytes).unwrap_or(u64::MAX);
        let next = match (start + FRAME).checked_add(size) {
            Some(next) if size >= 3 && next <= length && frame[16..18] == KIND => next,
            // Torn: DuckDB, too, reads no further.
            _ => break,
        };
        match frame[18] {
            CREATE_SCHEMA => schema = Some((next, true)),
            CREATE_TYPE => cut = cut.or(schema),
            CHECKPOINT => return Ok(None),
            COMMIT => {
                if schema == Some((start, true)) {
                    schema = Some((next, false));
                }
                commit = Some(start..next);
            }
            _ => {}
        }
        start = next;
        file.seek(SeekFrom::Start(start))?;
    }
    let Some((at, in_transaction)) = cut else { return Ok(None) };
    // Nothing of it was committed.
    let Some(commit) = commit else {
        return Ok(Some(Place { at, end: 0, commit: 0..0, in_transaction }));
    };
    Ok(Some(Place { at, end: commit.end, commit, in_transaction }))
}

/// Puts parts of a file in the place of a file, which may be the same, at once.
fn copy(from: &Path, to: &Path, parts: &[Range<u64>]) -> io::Result<()> {
    let made = beside(to, ".tmp");
    let mut source = File::open(from)?;
    let mut target = File::create(&made)?;
    for part in parts {
        source.seek(SeekFrom::Start(part.start))?;
        io::copy(&mut (&source).take(part.end - part.start), &mut target)?;
    }
    target.flush()?;
    target.sync_all()?;
    fs::rename(&made, to)?;
    sync_folder(to)
}

fn sync_folder(of: &Path) -> io::Result<()> {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all())
}
