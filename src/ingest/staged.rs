//! Rows that are staged and belong to no intent yet.

use std::path::{Path, PathBuf};

use crate::intent::{Bytes, RowsAt};

/// Rows whose file is deleted unless an intent takes them.
pub(super) struct Staged {
    rows: Option<RowsAt>,
    file: Option<PathBuf>,
}

impl Staged {
    pub(super) fn new(data_dir: &Path, rows: RowsAt) -> Staged {
        let file = match &rows {
            RowsAt::Staged { path, .. } => Some(data_dir.join(path)),
            RowsAt::Inline(_) => None,
        };
        Staged { rows: Some(rows), file }
    }

    /// Takes the rows for an intent's body; the file stays this one's until [`Staged::keep`].
    pub(super) fn take_rows(&mut self) -> RowsAt {
        self.rows.take().unwrap_or(RowsAt::Inline(Bytes(Vec::new())))
    }

    /// The file belongs to an intent now.
    pub(super) fn keep(mut self) {
        self.file = None;
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            let _ = std::fs::remove_file(file);
        }
    }
}
