//! A file that is being written, which nobody sees before it is whole.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{DRAFT_PREFIX, Outbox};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// A file under a hidden name; it is deleted unless it gets its own.
#[derive(Debug)]
pub struct Draft {
    hidden: PathBuf,
    path: PathBuf,
    /// Nobody deletes it any more.
    kept: AtomicBool,
}

impl Draft {
    pub(super) fn begin(outbox: &Path, name: &str) -> Result<Draft> {
        let path = outbox.join(name);
        let folder = path.parent().unwrap_or(outbox);
        let could_not = |error: &std::io::Error| Error::io("could not write to the outbox", error);
        fs::create_dir_all(outbox).map_err(|error| could_not(&error))?;
        // Of what is there nothing may lead elsewhere, before anything is made below it.
        let root = outbox.canonicalize().map_err(|error| could_not(&error))?;
        let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(outbox);
        let there = there.canonicalize().map_err(|error| could_not(&error))?;
        if !there.starts_with(&root) {
            return Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("file \"{name}\" is not in the outbox folder"),
            ));
        }
        fs::create_dir_all(folder).map_err(|error| wrong_name(name, &error))?;
        if path.is_dir() {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("\"{name}\" in the outbox is a directory"),
            ));
        }
        let hidden = folder.join(format!("{DRAFT_PREFIX}{:016x}", rand::random::<u64>()));
        File::create_new(&hidden).map_err(|error| could_not(&error))?;
        Ok(Draft { hidden, path, kept: AtomicBool::new(false) })
    }

    /// Where the rows are to be written.
    pub fn hidden(&self) -> &Path {
        &self.hidden
    }

    /// Its hidden name and the one that it gets, below the outbox.
    ///
    /// # Errors
    /// XX000 when they are no text.
    pub fn relative(&self, outbox: &Outbox) -> Result<(String, String)> {
        let below = |path: &Path| {
            let path = path.strip_prefix(outbox.folder()).ok()?;
            path.to_str().map(str::to_owned)
        };
        below(&self.hidden)
            .zip(below(&self.path))
            .ok_or_else(|| Error::internal("a file of the outbox has no name"))
    }

    /// Syncs what was written.
    ///
    /// # Errors
    /// 58030 and 53100 when the disk fails or is full.
    pub fn sync(&self) -> Result<()> {
        let synced = File::open(&self.hidden).and_then(|file| file.sync_all());
        synced.map_err(|error| Error::io("could not sync a file of the outbox", &error))
    }

    /// Syncs what was written and gives it its name, in the place of a file that had it. Blocks.
    ///
    /// # Errors
    /// 58030 and 53100 when the disk fails or is full.
    pub fn publish(&self) -> Result<()> {
        self.sync()?;
        // Whatever comes of it: it may be whole under either name.
        self.kept.store(true, Ordering::SeqCst);
        rename(&self.hidden, &self.path)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept.load(Ordering::SeqCst)
            && let Err(error) = fs::remove_file(&self.hidden)
        {
            tracing::warn!(path = %self.hidden.display(), %error, "a draft could not be deleted");
        }
    }
}

/// Gives a file its name, durably.
pub(super) fn rename(from: &Path, to: &Path) -> Result<()> {
    let folder = to.parent().unwrap_or(to);
    fs::rename(from, to)
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(|error| Error::io("could not name a file of the outbox", &error))
}

/// A part of the name is a file, or too long: the name's fault, not the disk's.
fn wrong_name(name: &str, error: &std::io::Error) -> Error {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists | ErrorKind::InvalidFilename => {
            Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("could not make the folder of \"{name}\" in the outbox: {error}"),
            )
        }
        _ => Error::io("could not write to the outbox", error),
    }
}
