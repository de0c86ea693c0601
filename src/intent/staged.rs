//! Staged files: those of queued intents, which the Writer reads, and those of failed intents, kept
//! for a retry within a bound of bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::IntentLog;
use super::log::Shared;
use super::record::StagedFile;
use super::store::Store;
use crate::error::{Error, Result};
use crate::ids::IntentSeq;

/// The files of failed intents.
#[derive(Default)]
pub(super) struct FailedStaged {
    files: BTreeMap<IntentSeq, StagedFile>,
    bytes: u64,
}

impl FailedStaged {
    /// Reads which files belong to failed intents of the history.
    pub(super) fn load(store: &Store) -> Result<FailedStaged> {
        let mut kept = FailedStaged::default();
        for seq in store.failed()? {
            if let Some(staged) = store.head(seq)?.and_then(|head| head.staged) {
                kept.bytes += staged.bytes;
                kept.files.insert(seq, staged);
            }
        }
        Ok(kept)
    }

    /// Keeps one more file, and returns those, the oldest first, that must go for it.
    pub(super) fn keep(
        &mut self,
        seq: IntentSeq,
        staged: StagedFile,
        bytes_max: u64,
    ) -> Vec<StagedFile> {
        self.bytes += staged.bytes;
        self.files.insert(seq, staged);
        let mut evicted = Vec::new();
        while self.bytes > bytes_max {
            let Some((_, oldest)) = self.files.pop_first() else { break };
            self.bytes -= oldest.bytes;
            evicted.push(oldest);
        }
        evicted
    }

    pub(super) fn has(&self, seq: IntentSeq) -> bool {
        self.files.contains_key(&seq)
    }

    /// Gives a file away: the intent that resubmits this one has it now. Tells whether it was
    /// there.
    pub(super) fn hand_on(&mut self, seq: IntentSeq) -> bool {
        let staged = self.files.remove(&seq);
        self.bytes -= staged.as_ref().map_or(0, |staged| staged.bytes);
        staged.is_some()
    }

    /// Forgets the files of intents that leave the history, and returns them.
    pub(super) fn forget_before(&mut self, first: IntentSeq) -> Vec<StagedFile> {
        let kept = self.files.split_off(&first);
        let gone: Vec<StagedFile> =
            std::mem::replace(&mut self.files, kept).into_values().collect();
        self.bytes -= gone.iter().map(|staged| staged.bytes).sum::<u64>();
        gone
    }
}

impl Shared {
    /// Deletes files that nothing refers to any more. One that stays is removed at the next start.
    pub(super) fn delete_staged(&self, files: &[StagedFile]) {
        let Some(data_dir) = self.data_dir.get() else { return };
        for staged in files {
            if let Err(error) = std::fs::remove_file(data_dir.join(&staged.path)) {
                tracing::warn!(path = %staged.path, %error, "a staged file could not be deleted");
            }
        }
    }
}

impl IntentLog {
    /// Returns the staged files, relative to the data folder, that queued intents refer to, and
    /// those that failed ones keep.
    pub fn staged_files_in_use(&self) -> BTreeSet<String> {
        let state = self.shared().state();
        let queued = state.waiting.values().filter_map(|waiting| waiting.staged.as_ref());
        let failed = state.failed_staged.files.values();
        queued.chain(failed).map(|staged| staged.path.clone()).collect()
    }

    /// Takes over the staged files below the data folder: deletes those in `folder` (spelled as in
    /// the intents' paths) that no intent refers to, and returns their number. Only before the
    /// server takes writes: a file that is being staged has no intent yet.
    ///
    /// # Errors
    /// 58030 when the folder cannot be read or a file not deleted.
    pub fn remove_unused_staged(&self, data_dir: &Path, folder: &str) -> Result<u64> {
        // Told once, at start.
        let _ = self.shared().data_dir.set(data_dir.to_owned());
        let in_use = self.staged_files_in_use();
        let failed = |error: std::io::Error| Error::io("could not clean up staged files", &error);
        let entries = match std::fs::read_dir(data_dir.join(folder)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            entries => entries.map_err(failed)?,
        };
        let mut removed = 0;
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(failed)?.is_file() && !in_use.contains(&path) {
                std::fs::remove_file(entry.path()).map_err(failed)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}
