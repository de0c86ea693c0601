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

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [&str; 9] = [
        "CREATE TABLE rows (i INTEGER)",
        "INSERT INTO rows VALUES (1)",
        "BEGIN; INSERT INTO rows VALUES (2); CREATE SCHEMA a; CREATE TYPE a.e AS ENUM ('x');
         CREATE TABLE a.t (e a.e); INSERT INTO a.t VALUES ('x'); COMMIT",
        "INSERT INTO rows VALUES (3)",
        "CREATE SCHEMA b",
        "INSERT INTO rows VALUES (4)",
        "CREATE TYPE b.d AS INTEGER",
        "BEGIN; DROP SCHEMA a CASCADE; CREATE SCHEMA a; CREATE TYPE a.e AS ENUM ('y'); COMMIT",
        "INSERT INTO rows VALUES (5)",
    ];

    /// A data file and its log as a crash leaves them, and the log's length after each step.
    fn crashed(dir: &Path) -> (PathBuf, Vec<u64>) {
        let live = dir.join("live.duckdb");
        let database = Database::open(&live, &[]).unwrap();
        let mut connection = database.connect().unwrap();
        let log = beside(&live, ".wal");
        let mut lengths = Vec::new();
        for step in STEPS {
            connection.execute(step).unwrap();
            lengths.push(log.metadata().unwrap().len());
        }
        let file = dir.join("crashed.duckdb");
        fs::copy(&live, &file).unwrap();
        fs::copy(&log, beside(&file, ".wal")).unwrap();
        (file, lengths)
    }

    fn rows(file: &Path) -> Vec<Vec<String>> {
        let mut connection = Database::open(file, &[]).unwrap().connect().unwrap();
        let sql = "SELECT coalesce(list(i ORDER BY i), [])::VARCHAR FROM rows";
        super::super::instance::text_rows(&mut connection, sql).unwrap()
    }

    fn all_there(file: &Path) {
        replay(file, &[]).unwrap();
        assert_eq!(rows(file), [["[1, 2, 3, 4, 5]"]]);
        let mut connection = Database::open(file, &[]).unwrap().connect().unwrap();
        connection.execute("SELECT 'y'::a.e, 1::b.d").unwrap();
        assert!(connection.execute("SELECT * FROM a.t").is_err());
        assert!(!beside(file, ".wal.rest").exists());
    }

    #[test]
    fn a_log_with_types_in_its_own_schemas_is_replayed_whole() {
        let dir = tempfile::tempdir().unwrap();
        let (file, _) = crashed(dir.path());
        assert!(settle(&file, &[]).is_err(), "DuckDB replays it by itself: this module can go");
        all_there(&file);
    }

    #[test]
    fn a_crash_while_it_is_cut_loses_nothing_and_does_nothing_twice() {
        let dir = tempfile::tempdir().unwrap();
        let (original, _) = crashed(dir.path());
        for stage in 0..4 {
            let file = dir.path().join(format!("{stage}.duckdb"));
            let (log, rest) = (beside(&file, ".wal"), beside(&file, ".wal.rest"));
            fs::copy(&original, &file).unwrap();
            fs::copy(beside(&original, ".wal"), &log).unwrap();
            assert!(cut(&log, &rest).unwrap());
            match stage {
                // The rest is written; the log is whole still.
                0 => drop(fs::copy(beside(&original, ".wal"), &log).unwrap()),
                // Both are.
                1 => {}
                // The first part is in the file.
                2 => settle(&file, &[]).unwrap(),
                // The rest is the log.
                _ => {
                    settle(&file, &[]).unwrap();
                    fs::rename(&rest, &log).unwrap();
                }
            }
            all_there(&file);
        }
    }

    #[test]
    fn a_torn_log_gives_what_was_committed() {
        let dir = tempfile::tempdir().unwrap();
        let (original, lengths) = crashed(dir.path());
        let whole = fs::read(beside(&original, ".wal")).unwrap();
        for length in (lengths[0] as usize..whole.len()).step_by(61) {
            let file = dir.path().join(format!("{length}.duckdb"));
            fs::copy(&original, &file).unwrap();
            fs::write(beside(&file, ".wal"), &whole[..length]).unwrap();
            replay(&file, &[]).unwrap();
            let done = lengths.iter().filter(|end| **end <= length as u64).count();
            let inserted = STEPS[..done].iter().filter(|step| step.contains("INTO rows")).count();
            let expected: Vec<String> = (1..=inserted).map(|i| i.to_string()).collect();
            assert_eq!(rows(&file), [[format!("[{}]", expected.join(", "))]], "{length}");
        }
    }
}
