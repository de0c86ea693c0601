//! The folder of versions: `NNNNNN.duckdb` and `NNNNNN.json`, and nothing else for long.
//!
//! **Invariant:** the data file is renamed and synced first, the manifest last. A crash between
//! leaves a data file that nothing lists; the next [`VersionStore::open`] removes it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::blocks::{hash_blocks, storage_version};
use super::clone::{CloneKind, clone_file, clone_with_wal, wal_of};
use super::manifest::{TableRows, VersionManifest};
use crate::clock;
use crate::error::{Error, Result};
use crate::fail_point::{self, Point};
use crate::ids::{IntentSeq, VersionNumber};
use crate::sqlstate::SqlState;

const PARTIAL: &str = "partial";

/// The versions of one server.
pub struct VersionStore {
    dir: PathBuf,
    versions: RwLock<BTreeMap<VersionNumber, Arc<VersionManifest>>>,
    /// Held while a version gets its number and its names.
    publishing: Mutex<()>,
    partials: AtomicU64,
}

/// A clone that is not published; deleted when dropped.
#[derive(Debug)]
pub struct PreparedVersion {
    path: PathBuf,
    pub kind: CloneKind,
}

impl PreparedVersion {
    /// Returns where the clone lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PreparedVersion {
    fn drop(&mut self) {
        // It is gone already when it was published; what else stays is removed at the next start.
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(wal_of(&self.path));
    }
}

impl VersionStore {
    /// Opens the folder or makes it, and removes what an interrupted publish left.
    ///
    /// # Errors
    /// XX001 when a manifest or its data file is damaged or missing, 58030 otherwise.
    pub fn open(dir: &Path) -> Result<VersionStore> {
        fs::create_dir_all(dir).map_err(failed("make the folder of versions"))?;
        let mut manifests = BTreeMap::new();
        let mut others = Vec::new();
        for entry in fs::read_dir(dir).map_err(failed("read the folder of versions"))? {
            let path = entry.map_err(failed("read the folder of versions"))?.path();
            match numbered(&path) {
                Some((number, "json")) => {
                    manifests.insert(number, Arc::new(read_manifest(dir, &path, number)?));
                }
                Some((number, "duckdb")) => others.push((Some(number), path)),
                _ if is_partial(&path) => others.push((None, path)),
                _ => {}
            }
        }
        for (number, path) in others {
            if number.is_none_or(|number| !manifests.contains_key(&number)) {
                tracing::info!(file = %path.display(), "removing an unfinished version");
                fs::remove_file(&path).map_err(failed("remove an unfinished version"))?;
            }
        }
        Ok(VersionStore {
            dir: dir.to_owned(),
            versions: RwLock::new(manifests),
            publishing: Mutex::new(()),
            partials: AtomicU64::new(0),
        })
    }

    /// Clones the data file into the folder, under a name that nobody sees. For the Writer's turn:
    /// nothing may write to the file meanwhile, and it must be checkpointed.
    ///
    /// # Errors
    /// 55000 when it is not; 53100 or 58030 when it cannot be cloned.
    pub fn prepare(&self, source: &Path) -> Result<PreparedVersion> {
        let path = self.partial_path();
        let kind = clone_file(source, &path)?;
        Ok(PreparedVersion { path, kind })
    }

    /// Clones the data file and its write-ahead log, when it could not be checkpointed. Whoever
    /// publishes it must open it once for writing before, so that the log goes into the file.
    ///
    /// # Errors
    /// 53100 or 58030 when it cannot be cloned.
    pub fn prepare_with_wal(&self, source: &Path) -> Result<PreparedVersion> {
        let path = self.partial_path();
        let kind = clone_with_wal(source, &path)?;
        Ok(PreparedVersion { path, kind })
    }

    fn partial_path(&self) -> PathBuf {
        let id = self.partials.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(format!("clone-{id}.{PARTIAL}"));
        // A leftover of this process cannot be in use.
        let _ = fs::remove_file(&path);
        let _ = fs::remove_file(wal_of(&path));
        path
    }

    /// Publishes a clone under the next number. `check` opens it, read-only, and counts the rows
    /// of its tables. A version that the same intent has published before is returned as it is,
    /// and the clone is dropped.
    ///
    /// # Errors
    /// The check's own; XX001 when the clone is no whole DuckDB file; 53100 or 58030.
    pub fn publish(
        &self,
        prepared: PreparedVersion,
        note: &str,
        intent_seq: IntentSeq,
        check: impl FnOnce(&Path) -> Result<Vec<TableRows>>,
    ) -> Result<Arc<VersionManifest>> {
        let _one_at_a_time = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(published) = self.by_intent(intent_seq) {
            return Ok(published);
        }
        fail_point::pass(Point::VersionAfterClone)?;
        let storage_version = storage_version(&prepared.path)?;
        let tables = check(&prepared.path)?;
        if fs::metadata(wal_of(&prepared.path)).is_ok_and(|wal| wal.len() > 0) {
            return Err(Error::internal("the check of a version has written to it"));
        }
        let hashes = hash_blocks(&prepared.path)?;
        let number = self.next_number();
        let manifest = VersionManifest::new(
            number,
            note,
            intent_seq,
            &hashes,
            storage_version,
            tables,
            clock::now_us(),
        );
        manifest.check()?;
        self.name_files(prepared, &manifest)?;
        let manifest = Arc::new(manifest);
        let mut versions = self.versions.write().unwrap_or_else(PoisonError::into_inner);
        versions.insert(number, Arc::clone(&manifest));
        tracing::info!(version = number.0, bytes = manifest.bytes, "published a version");
        Ok(manifest)
    }

    fn name_files(&self, prepared: PreparedVersion, manifest: &VersionManifest) -> Result<()> {
        let data = self.data_path(manifest);
        let json = self.manifest_path(manifest.number);
        let partial = json.with_extension(format!("json.{PARTIAL}"));
        let text = serde_json::to_vec_pretty(manifest)
            .map_err(|error| Error::internal(format!("a manifest cannot be written: {error}")))?;
        let mut file = File::create(&partial).map_err(failed("write a manifest"))?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed("write a manifest"))?;
        File::open(&prepared.path)
            .and_then(|clone| clone.sync_all())
            .map_err(failed("sync a version"))?;
        fail_point::pass(Point::VersionBeforeRename)?;
        rename_new(&prepared.path, &data)?;
        drop(prepared);
        let named = self
            .sync_dir()
            .and_then(|()| fail_point::pass(Point::VersionBetweenRenames))
            .and_then(|()| rename_new(&partial, &json));
        if let Err(error) = named {
            // Not listed, so the number is free again once the file is away.
            let _ = fs::remove_file(&data);
            let _ = fs::remove_file(&partial);
            return Err(error);
        }
        fail_point::pass(Point::VersionAfterRename)?;
        self.sync_dir()
    }

    fn sync_dir(&self) -> Result<()> {
        File::open(&self.dir)
            .and_then(|dir| dir.sync_all())
            .map_err(failed("sync the folder of versions"))
    }

    /// Returns the number that the next version gets.
    pub fn next_number(&self) -> VersionNumber {
        VersionNumber(self.latest().map_or(1, |latest| latest.number.0 + 1))
    }

    /// Returns all versions, oldest first.
    pub fn list(&self) -> Vec<Arc<VersionManifest>> {
        self.versions.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Returns the newest version.
    pub fn latest(&self) -> Option<Arc<VersionManifest>> {
        let versions = self.versions.read().unwrap_or_else(PoisonError::into_inner);
        versions.last_key_value().map(|(_, manifest)| Arc::clone(manifest))
    }

    /// Finds a version by its number.
    pub fn get(&self, number: VersionNumber) -> Option<Arc<VersionManifest>> {
        self.versions.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    /// Finds the version that an intent has published.
    pub fn by_intent(&self, intent_seq: IntentSeq) -> Option<Arc<VersionManifest>> {
        let versions = self.versions.read().unwrap_or_else(PoisonError::into_inner);
        versions.values().rev().find(|version| version.intent_seq == intent_seq).cloned()
    }

    /// Returns where a version's data file lies.
    pub fn data_path(&self, manifest: &VersionManifest) -> PathBuf {
        self.dir.join(format!("{}.duckdb", manifest.number))
    }

    /// Returns where a version's manifest lies.
    pub fn manifest_path(&self, number: VersionNumber) -> PathBuf {
        self.dir.join(format!("{number}.json"))
    }
}

/// Renames without ever replacing.
fn rename_new(from: &Path, to: &Path) -> Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    let taken =
        || Error::new(SqlState::DUPLICATE_OBJECT, format!("{} exists already", to.display()));
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::EXIST) => Err(taken()),
        // A file system without that flag: a link is made only where there is nothing.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            fs::hard_link(from, to).map_err(|error| match error.kind() {
                std::io::ErrorKind::AlreadyExists => taken(),
                _ => failed("name a version")(error),
            })?;
            fs::remove_file(from).map_err(failed("name a version"))
        }
        Err(error) => Err(failed("name a version")(error.into())),
    }
}

fn read_manifest(dir: &Path, path: &Path, number: VersionNumber) -> Result<VersionManifest> {
    let damaged = |what: String| {
        Error::new(
            SqlState::DATA_CORRUPTED,
            format!("the manifest of version {number} is damaged: {what}"),
        )
    };
    let text = fs::read(path).map_err(failed("read a manifest"))?;
    let manifest: VersionManifest =
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    manifest.check()?;
    if manifest.number != number {
        return Err(damaged(format!("it says that it is {}", manifest.number)));
    }
    match fs::metadata(dir.join(&manifest.file)) {
        Ok(data) if data.len() == manifest.bytes => Ok(manifest),
        Ok(data) => Err(damaged(format!("its data file has {} bytes", data.len()))),
        Err(error) => Err(damaged(format!("its data file: {error}"))),
    }
}

/// Reads `NNNNNN.extension` strictly: only the name that the number itself would give.
fn numbered(path: &Path) -> Option<(VersionNumber, &str)> {
    let name = path.file_name()?.to_str()?;
    let (stem, extension) = name.split_once('.')?;
    let number = VersionNumber(stem.parse().ok()?);
    (number.0 > 0 && number.to_string() == stem).then_some((number, extension))
}

fn is_partial(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(PARTIAL) || name.ends_with(&format!("{PARTIAL}.wal"))
}

fn failed(what: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::io(&format!("could not {what}"), &error)
}
