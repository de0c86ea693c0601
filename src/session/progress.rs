//! How far a COPY is, for `pg_stat_progress_copy`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::activity::Entry;
use crate::ids::TableName;

/// One COPY under way.
#[derive(Debug, Default)]
pub struct CopyProgress {
    /// `COPY FROM` or `COPY TO`.
    pub command: &'static str,
    /// `None` for a query.
    pub table: Option<TableName>,
    bytes: AtomicU64,
    rows: AtomicU64,
    excluded: AtomicU64,
}

impl CopyProgress {
    /// Adds what has come or gone.
    pub fn add(&self, bytes: u64, rows: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Adds rows that did not meet the condition.
    pub fn exclude(&self, rows: u64) {
        self.excluded.fetch_add(rows, Ordering::Relaxed);
    }

    /// Bytes of the stream.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Rows copied.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Rows left out.
    pub fn excluded(&self) -> u64 {
        self.excluded.load(Ordering::Relaxed)
    }
}

/// A COPY that is shown until this is dropped.
pub struct ShownCopy {
    entry: Arc<Entry>,
    progress: Arc<CopyProgress>,
}

impl ShownCopy {
    /// Shows a session's COPY.
    pub fn new(entry: &Arc<Entry>, command: &'static str, table: Option<TableName>) -> ShownCopy {
        let progress = Arc::new(CopyProgress { command, table, ..CopyProgress::default() });
        *entry.copy.lock() = Some(Arc::clone(&progress));
        ShownCopy { entry: Arc::clone(entry), progress }
    }

    /// What is shown.
    pub fn progress(&self) -> &Arc<CopyProgress> {
        &self.progress
    }
}

impl Drop for ShownCopy {
    fn drop(&mut self) {
        *self.entry.copy.lock() = None;
    }
}
