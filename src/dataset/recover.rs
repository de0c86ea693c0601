//! Opening the store after any end of the process, and sweeping what was dropped.
//!
//! Whatever no manifest names was never promised: temporary files, parts of an unfinished
//! change and directories without a manifest are removed. A dropped dataset's directory stays
//! until `sweep`, because its `DROPPED-<seq>.json` answers whether that drop was applied.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::files::{dropped_seq, replace_file};
use super::manifest::{MANIFEST, Manifest};
use super::store::{DatasetStore, Directory, Dropped, Live, PartFile, State};
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::sqlstate::SqlState;

/// The file that remembers the drops of swept directories.
const SWEPT: &str = "SWEPT.json";
/// Names whose last drop is remembered after the sweep, the latest first. A replay after a crash
/// asks about far fewer.
const SWEPT_NAMES_MAX: usize = 10_000;

impl DatasetStore {
    /// Opens the datasets under `root`, creating it where it is missing, and removes what an
    /// unfinished change left.
    ///
    /// # Errors
    /// XX001 for a damaged manifest or a missing part file.
    pub fn open(root: &Path) -> Result<DatasetStore> {
        let failed = |error| Error::io("could not open the dataset directory", &error);
        fs::create_dir_all(root).map_err(failed)?;
        let root = root.canonicalize().map_err(failed)?;
        let mut state = State { swept: load_swept(&root)?, ..State::default() };
        for entry in fs::read_dir(&root).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                open_directory(path, &mut state)?;
            } else if path.extension().is_some_and(|extension| extension == "tmp") {
                fs::remove_file(&path).map_err(failed)?;
            }
        }
        Ok(DatasetStore::with_state(root, state))
    }

    /// Removes the directories of dropped datasets that no pin needs. Call it when replay after
    /// a start is over, and from time to time.
    ///
    /// # Errors
    /// A file operation's; calling again is safe.
    pub fn sweep(&self) -> Result<()> {
        let _turn = self.begin()?;
        let (mut doomed, swept) = {
            let mut state = self.write();
            // Held by the list alone: neither a pin nor a part file of one is left.
            let (doomed, kept) = std::mem::take(&mut state.dropped)
                .into_iter()
                .partition::<Vec<_>, _>(|dropped| Arc::strong_count(&dropped.dir) == 1);
            state.dropped = kept;
            for dropped in &doomed {
                let last = state.swept.entry(dropped.name.clone()).or_insert(dropped.seq);
                *last = dropped.seq.max(*last);
                for renamed in &dropped.manifest.renamed {
                    let last = state.swept.entry(renamed.from.clone()).or_insert(renamed.seq);
                    *last = renamed.seq.max(*last);
                }
            }
            forget_oldest(&mut state.swept);
            (doomed, state.swept.clone())
        };
        if doomed.is_empty() {
            return Ok(());
        }
        let result = self.guard(save_swept(&self.root, &swept)).and_then(|()| {
            while let Some(dropped) = doomed.last() {
                fs::remove_dir_all(&dropped.dir.path)
                    .map_err(|error| Error::io("could not remove a dropped dataset", &error))?;
                doomed.pop();
            }
            Ok(())
        });
        self.write().dropped.append(&mut doomed);
        result
    }
}

fn open_directory(path: PathBuf, state: &mut State) -> Result<()> {
    let failed = |error| Error::io("could not open a dataset directory", &error);
    let mut files = Vec::new();
    for entry in fs::read_dir(&path).map_err(failed)? {
        files.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    let directory = |manifest: &Manifest| {
        let next_part = AtomicU64::new(manifest.next_part);
        Arc::new(Directory { path: path.clone(), next_part })
    };
    if let Some((file, seq)) = files.iter().find_map(|f| Some((f, dropped_seq(f)?))) {
        let manifest = Manifest::load(&path.join(file))?;
        let dir = directory(&manifest);
        let name = manifest.name.clone();
        state.dropped.push(Dropped { name, seq, dir, manifest: Arc::new(manifest) });
        return Ok(());
    }
    if !files.iter().any(|file| file == MANIFEST) {
        return fs::remove_dir_all(&path).map_err(failed);
    }
    let manifest = Manifest::load(&path.join(MANIFEST))?;
    let named: HashSet<&str> = manifest.parts.iter().map(|part| part.file.as_str()).collect();
    for file in files.iter().filter(|file| *file != MANIFEST && !named.contains(file.as_str())) {
        tracing::info!(dataset = %manifest.name, file, "removing what an unfinished change left");
        fs::remove_file(path.join(file)).map_err(failed)?;
    }
    for part in &manifest.parts {
        let length = fs::metadata(path.join(&part.file)).map(|metadata| metadata.len());
        if length.as_ref().ok() != Some(&part.bytes) {
            return Err(Error::new(
                SqlState::DATA_CORRUPTED,
                format!("dataset {}: file \"{}\" is missing or cut", manifest.name, part.file),
            ));
        }
    }
    let dir = directory(&manifest);
    let parts = manifest.parts.iter().map(|part| PartFile::new(&dir, &part.file)).collect();
    let name = manifest.name.clone();
    let live = Arc::new(Live { dir, manifest: Arc::new(manifest), parts });
    if let Some(other) = state.live.insert(name.clone(), live) {
        return Err(Error::new(
            SqlState::DATA_CORRUPTED,
            format!("two directories hold dataset {name}: one is {}", other.dir.path.display()),
        ));
    }
    Ok(())
}

fn load_swept(root: &Path) -> Result<HashMap<TableName, IntentSeq>> {
    let text = match fs::read(root.join(SWEPT)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HashMap::new()),
        Err(error) => return Err(Error::io("could not read SWEPT.json", &error)),
    };
    let list: Vec<(TableName, IntentSeq)> = serde_json::from_slice(&text).map_err(|error| {
        Error::new(SqlState::DATA_CORRUPTED, format!("SWEPT.json is damaged: {error}"))
    })?;
    Ok(list.into_iter().collect())
}

fn save_swept(root: &Path, swept: &HashMap<TableName, IntentSeq>) -> Result<()> {
    let list: Vec<_> = swept.iter().collect();
    let text = serde_json::to_vec(&list)
        .map_err(|error| Error::internal(format!("could not encode SWEPT.json: {error}")))?;
    replace_file(root, SWEPT, &text)
}

fn forget_oldest(swept: &mut HashMap<TableName, IntentSeq>) {
    if swept.len() > SWEPT_NAMES_MAX {
        let mut places: Vec<IntentSeq> = swept.values().copied().collect();
        places.sort_unstable_by(|a, b| b.cmp(a));
        if let Some(&last) = places.get(SWEPT_NAMES_MAX) {
            swept.retain(|_, seq| *seq > last);
        }
    }
}
