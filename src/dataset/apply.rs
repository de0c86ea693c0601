//! Changes of datasets, each the effect of one intent.
//!
//! Each writes its files, then publishes a manifest that holds the new rows and the intent's
//! place together. One that was already applied does nothing and answers as it did before.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;

use super::files::{directory_name, dropped_file, replace_file, sync_dir};
use super::invariants::{self, Change};
use super::manifest::{FORMAT, MANIFEST, Manifest, Part, Renamed};
use super::part::{PartWriter, remove_parts};
use super::schema::{DatasetColumn, check_columns};
use super::store::{DatasetStore, Directory, Dropped, Live, PartFile};
use crate::error::{Error, Result};
use crate::fail_point::{self, Point};
use crate::ids::{IntentSeq, TableName};
use crate::sqlstate::SqlState;

/// Rows to write: batches in the storage schema, made as they are taken.
pub(super) type Batches<'a> = &'a mut dyn Iterator<Item = Result<RecordBatch>>;

/// Former names that a manifest keeps; a replay never reaches further back.
const RENAMES_MAX: usize = 16;

impl DatasetStore {
    /// Creates an empty dataset. Returns whether it did; `false` where `if_not_exists` found one.
    ///
    /// # Errors
    /// 42P07 when the name is taken, 0A000 for a column type that cannot be held.
    pub fn create(
        &self,
        seq: IntentSeq,
        name: &TableName,
        columns: Vec<DatasetColumn>,
        if_not_exists: bool,
    ) -> Result<bool> {
        if if_not_exists && !self.was_applied(seq, name) && self.pin(name).is_some() {
            return Ok(false);
        }
        self.create_with(seq, name, columns, &mut std::iter::empty())?;
        Ok(true)
    }

    /// Creates a dataset together with its first rows, and returns their number.
    ///
    /// # Errors
    /// As `create` and `append`; the dataset exists with all its rows or not at all.
    pub fn create_with(
        &self,
        seq: IntentSeq,
        name: &TableName,
        columns: Vec<DatasetColumn>,
        batches: Batches,
    ) -> Result<u64> {
        let _turn = self.begin()?;
        if self.was_applied(seq, name) {
            return Ok(self.rows_of(seq, name));
        }
        if self.pin(name).is_some() {
            return Err(taken(name));
        }
        check_columns(&columns)?;
        let path = self.root.join(directory_name(name, seq));
        let made = fs::create_dir_all(&path);
        made.map_err(|error| Error::io("could not create a dataset directory", &error))?;
        let dir = Arc::new(Directory { path, next_part: AtomicU64::new(1) });
        let result = self.guard(self.fill(&dir, seq, name, columns, batches));
        if result.is_err() && !dir.path.join(MANIFEST).exists() {
            // Without a manifest it is no dataset; what stays is removed at the next start.
            let _ = fs::remove_dir_all(&dir.path);
        }
        result
    }

    fn fill(
        &self,
        dir: &Arc<Directory>,
        seq: IntentSeq,
        name: &TableName,
        columns: Vec<DatasetColumn>,
        batches: Batches,
    ) -> Result<u64> {
        let parts = write_parts(dir, name, &columns, batches)?;
        let mut manifest = Manifest {
            format: FORMAT,
            name: name.clone(),
            create_seq: seq,
            applied_seq: seq,
            applied_rows: 0,
            columns,
            parts,
            next_part: dir.next_part.load(Ordering::Relaxed),
            renamed: Vec::new(),
        };
        manifest.applied_rows = manifest.rows();
        let rows = manifest.applied_rows;
        sync_dir(&self.root)?;
        self.publish(dir, None, manifest, false)?;
        Ok(rows)
    }

    /// Appends rows and returns their number.
    ///
    /// # Errors
    /// 42P01 without such a dataset, 23502 for a NULL where none may be, or that of a batch.
    pub fn append(&self, seq: IntentSeq, name: &TableName, batches: Batches) -> Result<u64> {
        self.change(seq, name, batches, None, |old, new| old.iter().cloned().chain(new).collect())
    }

    /// Replaces all rows: UPDATE, DELETE, TRUNCATE, which report that `affected` of the old ones
    /// were changed. Returns that number.
    ///
    /// # Errors
    /// As `append`.
    pub fn replace(
        &self,
        seq: IntentSeq,
        name: &TableName,
        batches: Batches,
        affected: u64,
    ) -> Result<u64> {
        self.change(seq, name, batches, Some(affected), |_, new| new)
    }

    /// Puts these rows in the place of all that it has. Returns the number of the new ones.
    ///
    /// # Errors
    /// As `append`.
    pub fn overwrite(&self, seq: IntentSeq, name: &TableName, batches: Batches) -> Result<u64> {
        self.change(seq, name, batches, None, |_, new| new)
    }

    fn change(
        &self,
        seq: IntentSeq,
        name: &TableName,
        batches: Batches,
        reported: Option<u64>,
        parts: fn(&[Part], Vec<Part>) -> Vec<Part>,
    ) -> Result<u64> {
        let _turn = self.begin()?;
        if self.was_applied(seq, name) {
            return Ok(self.rows_of(seq, name));
        }
        let live = self.require(name)?;
        let dir = &live.dir;
        let written = self.guard(write_parts(dir, name, &live.manifest.columns, batches))?;
        let rows = reported.unwrap_or_else(|| written.iter().map(|part| part.rows).sum());
        let mut manifest = Manifest::clone(&live.manifest);
        manifest.parts = parts(&manifest.parts, written.clone());
        (manifest.applied_seq, manifest.applied_rows) = (seq, rows);
        manifest.next_part = dir.next_part.load(Ordering::Relaxed);
        let result = self.guard(self.publish(dir, Some(&live), manifest, false));
        self.unwritten(&live, &written, &result);
        result.map(|()| rows)
    }

    /// Drops a dataset. Returns whether it did; `false` where `if_exists` found none.
    ///
    /// # Errors
    /// 42P01 without such a dataset.
    pub fn drop_dataset(&self, seq: IntentSeq, name: &TableName, if_exists: bool) -> Result<bool> {
        let _turn = self.begin()?;
        if self.was_applied(seq, name) {
            return Ok(true);
        }
        let live = match self.require(name) {
            Ok(live) => live,
            Err(_) if if_exists => return Ok(false),
            Err(error) => return Err(error),
        };
        let path = &live.dir.path;
        let renamed = fail_point::pass(Point::DropBeforeRename)
            .and_then(|()| {
                fs::rename(path.join(MANIFEST), path.join(dropped_file(seq)))
                    .map_err(|error| Error::io("could not drop a dataset", &error))
            })
            .and_then(|()| fail_point::pass(Point::DropAfterRename))
            .and_then(|()| sync_dir(path));
        self.guard(renamed)?;
        let mut state = self.write();
        state.live.remove(name);
        state.dropped.push(Dropped {
            name: name.clone(),
            seq,
            dir: Arc::clone(&live.dir),
            manifest: Arc::clone(&live.manifest),
        });
        live.parts.iter().for_each(|part| part.retire());
        Ok(true)
    }

    /// Gives a dataset another name. Its directory keeps the first one.
    ///
    /// # Errors
    /// 42P01 without such a dataset, 42P07 when the new name is taken.
    pub fn rename(&self, seq: IntentSeq, name: &TableName, to: &TableName) -> Result<()> {
        let _turn = self.begin()?;
        if self.was_applied(seq, name) {
            return Ok(());
        }
        let live = self.require(name)?;
        if self.pin(to).is_some() {
            return Err(taken(to));
        }
        let mut manifest = Manifest::clone(&live.manifest);
        manifest.renamed.push(Renamed { from: name.clone(), seq });
        let old = manifest.renamed.len().saturating_sub(RENAMES_MAX);
        manifest.renamed.drain(..old);
        manifest.name = to.clone();
        (manifest.applied_seq, manifest.applied_rows) = (seq, 0);
        self.guard(self.publish(&live.dir, Some(&live), manifest, false))
    }

    /// Makes a manifest the dataset's state, on the disk and for those who pin from now on.
    ///
    /// **Invariant:** the caller holds the turn, and the parts are durable.
    pub(super) fn publish(
        &self,
        dir: &Arc<Directory>,
        old: Option<&Arc<Live>>,
        manifest: Manifest,
        same_rows: bool,
    ) -> Result<()> {
        let old_manifest = old.map(|old| old.manifest.as_ref());
        let change = Change { old: old_manifest, new: &manifest, dir: &dir.path, same_rows };
        invariants::check(&change)?;
        let text = serde_json::to_vec(&manifest)
            .map_err(|error| Error::internal(format!("could not encode a manifest: {error}")))?;
        replace_file(&dir.path, MANIFEST, &text)?;
        let parts = manifest.parts.iter().map(|part| {
            let kept = old.and_then(|old| {
                let at = old.manifest.parts.iter().position(|p| p.file == part.file)?;
                old.parts.get(at).cloned()
            });
            kept.unwrap_or_else(|| PartFile::new(dir, &part.file))
        });
        let parts: Vec<_> = parts.collect();
        if let Some(old) = old {
            for part in old.parts.iter().filter(|o| !parts.iter().any(|p| Arc::ptr_eq(o, p))) {
                part.retire();
            }
        }
        let name = manifest.name.clone();
        let live = Live { dir: Arc::clone(dir), manifest: Arc::new(manifest), parts };
        let mut state = self.write();
        if let Some(old) = old {
            state.live.remove(&old.manifest.name);
        }
        state.live.insert(name, Arc::new(live));
        Ok(())
    }

    /// Removes parts that were written for a manifest that surely was not published. After a
    /// fault of the disk that is not known, and they stay for the next start to judge.
    pub(super) fn unwritten(&self, live: &Live, written: &[Part], result: &Result<()>) {
        if let Err(error) = result
            && error.code() == SqlState::INTERNAL_ERROR
        {
            remove_parts(&live.dir.path, written);
        }
    }

    pub(super) fn require(&self, name: &TableName) -> Result<Arc<Live>> {
        self.pin(name).map(|pin| Arc::clone(pin.live())).ok_or_else(|| {
            let message = format!("relation \"{}\" does not exist", shown(name));
            Error::new(SqlState::UNDEFINED_TABLE, message)
        })
    }

    /// The rows that an applied intent reported, where that is still known.
    pub fn rows_of(&self, seq: IntentSeq, name: &TableName) -> u64 {
        let pin = self.pin(name).filter(|pin| pin.applied_seq == seq);
        pin.map_or(0, |pin| pin.applied_rows)
    }
}

fn write_parts(
    dir: &Directory,
    name: &TableName,
    columns: &[DatasetColumn],
    batches: Batches,
) -> Result<Vec<Part>> {
    let mut writer = PartWriter::new(name, columns, &dir.path, &dir.next_part)?;
    for batch in batches {
        writer.push(&batch?)?;
    }
    let parts = writer.finish()?;
    fail_point::pass(Point::DatasetAfterParts)?;
    Ok(parts)
}

fn taken(name: &TableName) -> Error {
    let message = format!("relation \"{}\" already exists", name.table);
    Error::new(SqlState::DUPLICATE_TABLE, message)
}

/// A name as PostgreSQL's messages have it: without the schema where that is `public`.
fn shown(name: &TableName) -> String {
    if name.schema == "public" { name.table.clone() } else { name.to_string() }
}
