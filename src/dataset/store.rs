//! The datasets of one server: what there is, and pins on it.
//!
//! Readers take an `Arc` of a dataset's present state and never wait for a change. Changes are
//! made one at a time, under `writing`.

use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::manifest::Manifest;
use super::part::remove_quietly;
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::sqlstate::SqlState;

/// The datasets under one root directory. Share it behind an `Arc`.
pub struct DatasetStore {
    pub(super) root: PathBuf,
    pub(super) state: RwLock<State>,
    writing: Mutex<()>,
    /// Set by a failed sync: what is on the disk is then not known, so no change is taken
    /// until the store is opened again.
    poisoned: AtomicBool,
}

#[derive(Default)]
pub(super) struct State {
    pub live: BTreeMap<TableName, Arc<Live>>,
    /// Dropped, and still on the disk.
    pub dropped: Vec<Dropped>,
    /// The last drop of each name whose directory is gone.
    pub swept: HashMap<TableName, IntentSeq>,
}

/// A dropped dataset whose directory is not yet swept.
pub(super) struct Dropped {
    pub name: TableName,
    pub seq: IntentSeq,
    pub dir: Arc<Directory>,
    pub manifest: Arc<Manifest>,
}

/// A dataset's directory. Whoever may still read files in it holds it.
pub(super) struct Directory {
    pub path: PathBuf,
    /// The number of the next part file; ahead of the manifest's while files are written.
    pub next_part: AtomicU64,
}

/// One state of a dataset, with its files.
pub(super) struct Live {
    pub dir: Arc<Directory>,
    pub manifest: Arc<Manifest>,
    /// In the order of the manifest's parts.
    pub parts: Vec<Arc<PartFile>>,
}

/// A part file. Once retired, it is removed when the last state that names it is let go.
pub(super) struct PartFile {
    dir: Arc<Directory>,
    file: String,
    retired: AtomicBool,
}

impl PartFile {
    pub(super) fn new(dir: &Arc<Directory>, file: &str) -> Arc<PartFile> {
        Arc::new(PartFile {
            dir: Arc::clone(dir),
            file: file.to_owned(),
            retired: AtomicBool::new(false),
        })
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path.join(&self.file)
    }

    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if *self.retired.get_mut() {
            remove_quietly(&self.path());
        }
    }
}

/// One state of a dataset whose files stay as long as this exists.
#[derive(Clone)]
pub struct PinnedDataset(Arc<Live>);

impl PinnedDataset {
    /// Returns the absolute paths of the part files, in the order of the manifest's parts.
    pub fn part_paths(&self) -> Vec<PathBuf> {
        self.0.parts.iter().map(|part| part.path()).collect()
    }

    /// Returns the manifest.
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.0.manifest
    }

    pub(super) fn live(&self) -> &Arc<Live> {
        &self.0
    }
}

impl Deref for PinnedDataset {
    type Target = Manifest;

    fn deref(&self) -> &Manifest {
        &self.0.manifest
    }
}

impl std::fmt::Debug for PinnedDataset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PinnedDataset({} at {})", self.name, self.applied_seq)
    }
}

impl std::fmt::Debug for DatasetStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DatasetStore({})", self.root.display())
    }
}

impl DatasetStore {
    pub(super) fn with_state(root: PathBuf, state: State) -> DatasetStore {
        DatasetStore {
            root,
            state: RwLock::new(state),
            writing: Mutex::new(()),
            poisoned: AtomicBool::new(false),
        }
    }

    /// Returns the directory of all datasets.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the manifest of every dataset, sorted by name.
    pub fn list(&self) -> Vec<Arc<Manifest>> {
        self.read().live.values().map(|live| Arc::clone(&live.manifest)).collect()
    }

    /// Tells whether there is a dataset of this name.
    pub fn contains(&self, name: &TableName) -> bool {
        self.read().live.contains_key(name)
    }

    /// Pins the present state of one dataset.
    pub fn pin(&self, name: &TableName) -> Option<PinnedDataset> {
        self.read().live.get(name).map(|live| PinnedDataset(Arc::clone(live)))
    }

    /// Pins the present state of all datasets, as one cut between two changes.
    pub fn pin_all(&self) -> BTreeMap<TableName, PinnedDataset> {
        let state = self.read();
        state
            .live
            .iter()
            .map(|(name, live)| (name.clone(), PinnedDataset(Arc::clone(live))))
            .collect()
    }

    /// Tells whether an intent on this name has already been applied: the dataset's own applied
    /// place, or that of a later dataset, drop or rename of the same name, has reached it.
    pub fn was_applied(&self, seq: IntentSeq, name: &TableName) -> bool {
        let state = self.read();
        state.live.get(name).is_some_and(|live| live.manifest.applied_seq >= seq)
            || state.dropped.iter().any(|dropped| &dropped.name == name && dropped.seq >= seq)
            || state.swept.get(name).is_some_and(|swept| *swept >= seq)
            || renames(&state).any(|(from, renamed)| from == name && renamed >= seq)
    }

    /// Takes the turn to make a change.
    ///
    /// # Errors
    /// 58030 after a failed sync.
    pub(super) fn begin(&self) -> Result<MutexGuard<'_, ()>> {
        let turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.poisoned.load(Ordering::Acquire) {
            return Err(Error::new(
                SqlState::IO_ERROR,
                "datasets take no changes since a write to the disk failed",
            )
            .with_hint("Restart the server once the disk is in order."));
        }
        Ok(turn)
    }

    /// Passes a result on; a fault of the disk ends all changes.
    pub(super) fn guard<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result
            && error.code() == SqlState::IO_ERROR
        {
            self.poisoned.store(true, Ordering::Release);
        }
        result
    }

    pub(super) fn read(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> std::sync::RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn renames(state: &State) -> impl Iterator<Item = (&TableName, IntentSeq)> {
    let live = state.live.values().map(|live| &live.manifest);
    live.chain(state.dropped.iter().map(|dropped| &dropped.manifest))
        .flat_map(|manifest| manifest.renamed.iter().map(|renamed| (&renamed.from, renamed.seq)))
}
