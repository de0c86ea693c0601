//! The outbox: files that `COPY … TO 'name'` leaves below one folder.
//!
//! - `name.rs`: what stands for the run in a file's name.
//! - `draft.rs`: a file that is being written, which nobody sees before it is whole.
//! - `rows_file.rs`: rows in the forms that are written here; Parquet is DuckDB's.

//!
//! **Invariant:** under a name that a reader may open there is a whole file or none: it is written
//! under a hidden name in the same folder, synced, and renamed.

mod draft;
mod name;
mod rows_file;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::{Error, Result};

pub use draft::Draft;
pub use name::Run;
pub use rows_file::RowsFile;

/// The folder, below the data folder.
pub const OUTBOX_FOLDER: &str = "outbox";

/// How the name of a file begins that is being written.
pub(crate) const DRAFT_PREFIX: &str = ".teatree-";

/// The folder of files that are left for others.
#[derive(Clone, Debug)]
pub struct Outbox {
    folder: PathBuf,
    /// Files that have got the names that the data file says are due.
    named: Arc<Mutex<Vec<String>>>,
}

impl Outbox {
    /// Takes the data folder.
    pub fn new(data_dir: &Path) -> Outbox {
        Outbox { folder: data_dir.join(OUTBOX_FOLDER), named: Arc::default() }
    }

    /// Begins to write a file, whose folders are made where they are missing. Blocks.
    ///
    /// # Errors
    /// 42501 when a symbolic link leads out of the outbox; 58030 when the file cannot be made.
    pub fn begin(&self, name: &str) -> Result<Draft> {
        Draft::begin(&self.folder, name)
    }

    pub(in crate::outbox) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Gives a file that is whole its name, both below the outbox, if it does not have it yet.
    ///
    /// # Errors
    /// 58030 when the disk fails.
    pub fn give_name(&self, hidden: &str, path: &str) -> Result<()> {
        let from = self.folder.join(hidden);
        if from.is_file() { draft::rename(&from, &self.folder.join(path)) } else { Ok(()) }
    }

    /// Notes that a file has the name that was due.
    pub fn note_named(&self, hidden: String) {
        self.named.lock().push(hidden);
    }

    /// Takes what [`Outbox::note_named`] has noted, for who deletes it from the data file.
    pub fn take_named(&self) -> Vec<String> {
        std::mem::take(&mut *self.named.lock())
    }

    /// Deletes the files that were being written when the server ended.
    ///
    /// # Errors
    /// 58030 when the disk fails.
    pub fn sweep(&self) -> Result<()> {
        sweep(&self.folder).map_err(|error| Error::io("could not clean the outbox", &error))
    }
}

fn sweep(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // Of a symbolic link it is known only that it is one.
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sweep(&entry.path())?;
        } else if kind.is_file() && entry.file_name().to_string_lossy().starts_with(DRAFT_PREFIX) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
