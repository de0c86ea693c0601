//! Clones a data file: shared blocks where the file system can, a copy where it cannot.
//!
//! **Trap:** DuckDB holds a POSIX lock on its file, and *closing any descriptor of that file*, in
//! any part of the process, lets go of the lock; a second server could then open the file. So the
//! descriptor that a clone reads from is never closed: it is kept for the life of the process,
//! one for each data file.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// How a clone was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloneKind {
    /// The two files share their blocks on disk; it took no time.
    Reflink,
    Copy,
}

/// Descriptors of data files by device and inode, never closed.
static SOURCES: LazyLock<Mutex<HashMap<(u64, u64), &'static File>>> = LazyLock::new(Mutex::default);

/// Clones `source` to `target`, which must not exist, and syncs it. Nobody may write to the source
/// meanwhile, and it must be checkpointed.
///
/// # Errors
/// 55000 when changes are in the source's WAL; 53100, 58030 when the files cannot be read or
/// written.
pub fn clone_file(source: &Path, target: &Path) -> Result<CloneKind> {
    check_wal_is_empty(source)?;
    let from = source_descriptor(source)
        .map_err(|error| Error::io("could not open the data file to clone it", &error))?;
    let failed = |error: std::io::Error| Error::io("could not clone the data file", &error);
    let to = OpenOptions::new().write(true).create_new(true).open(target).map_err(failed)?;
    let kind = fill(from, &to, source)
        .and_then(|kind| to.sync_all().map(|()| kind))
        .map_err(failed)
        .and_then(|kind| check_wal_is_empty(source).map(|()| kind));
    if kind.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(target);
    }
    kind
}

/// Clones `source` with its write-ahead log, for a file that could not be checkpointed: whoever
/// opens the clone for writing replays the log. Nobody may write to the source meanwhile.
///
/// # Errors
/// 53100, 58030 when the files cannot be read or written.
pub(super) fn clone_with_wal(source: &Path, target: &Path) -> Result<CloneKind> {
    let failed = |error: std::io::Error| Error::io("could not clone the data file", &error);
    let from = source_descriptor(source).map_err(failed)?;
    let to = OpenOptions::new().write(true).create_new(true).open(target).map_err(failed)?;
    let kind = fill(from, &to, source).and_then(|kind| to.sync_all().map(|()| kind));
    let with_wal = kind.and_then(|kind| {
        let wal = wal_of(source);
        if wal.exists() {
            let copy = wal_of(target);
            fs::copy(&wal, &copy)?;
            File::open(&copy)?.sync_all()?;
        }
        Ok(kind)
    });
    if with_wal.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(target);
        let _ = fs::remove_file(wal_of(target));
    }
    with_wal.map_err(failed)
}

/// The name of a data file's write-ahead log.
pub(super) fn wal_of(file: &Path) -> PathBuf {
    let mut wal = file.as_os_str().to_owned();
    wal.push(".wal");
    PathBuf::from(wal)
}

fn fill(from: &File, to: &File, source: &Path) -> std::io::Result<CloneKind> {
    if rustix::fs::ioctl_ficlone(to, from).is_ok() {
        return Ok(CloneKind::Reflink);
    }
    let bytes = from.metadata()?.len();
    copy_range(from, to, bytes)?;
    if to.metadata()?.len() != bytes || fs::metadata(source)?.len() != bytes {
        return Err(std::io::Error::other("the data file changed while it was copied"));
    }
    Ok(CloneKind::Copy)
}

/// Copies by places, never by the descriptor's own position, which clones would share.
fn copy_range(from: &File, to: &File, bytes: u64) -> std::io::Result<()> {
    use std::os::unix::fs::FileExt;

    let (mut read_at, mut write_at) = (0, 0);
    while read_at < bytes {
        let left = usize::try_from(bytes - read_at).unwrap_or(usize::MAX).min(1 << 30);
        match rustix::fs::copy_file_range(from, Some(&mut read_at), to, Some(&mut write_at), left) {
            Ok(0) => break,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            // Not between these file systems, or not in this kernel.
            Err(_) => break,
        }
    }
    let mut buffer = vec![0; 1 << 20];
    while read_at < bytes {
        let read = from.read_at(&mut buffer, read_at)?;
        if read == 0 {
            break;
        }
        to.write_all_at(&buffer[..read], read_at)?;
        read_at += read as u64;
    }
    Ok(())
}

fn source_descriptor(source: &Path) -> std::io::Result<&'static File> {
    let metadata = fs::metadata(source)?;
    let key = (metadata.dev(), metadata.ino());
    let mut sources = SOURCES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = sources.get(&key) {
        return Ok(file);
    }
    // Leaked on purpose: see the head of this file. A descriptor that is held keeps its inode from
    // being given to another file, so the key stays right.
    let file: &'static File = Box::leak(Box::new(File::open(source)?));
    sources.insert(key, file);
    Ok(file)
}

fn check_wal_is_empty(source: &Path) -> Result<()> {
    match fs::metadata(wal_of(source)) {
        Ok(metadata) if metadata.len() > 0 => Err(Error::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            "the data file cannot be cloned: some changes are not in it yet",
        )
        .with_hint("Publish again when the writes before it are in the file.")),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("could not look at the write-ahead file", &error)),
    }
}
