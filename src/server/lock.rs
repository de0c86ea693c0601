//! One server per data folder.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// A lock on a data folder, given back when the process ends, however it ends.
pub(super) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the lock, and writes the process id into the file for people.
    ///
    /// # Errors
    /// 55000 when another server has it.
    pub(super) fn take(dir: &Path) -> Result<DirectoryLock> {
        let failed = |error: std::io::Error| Error::io("could not lock the data folder", &error);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join("teatree.pid"))
            .map_err(failed)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            Error::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("another server runs on {}", dir.display()),
            )
        })?;
        file.set_len(0).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(DirectoryLock { _file: file })
    }
}
