//! Where tables live, and where an intent's rows are until they are there.

use serde::{Deserialize, Serialize};

use super::bytes::Bytes;

/// Where an intent's rows are: an Arrow IPC stream, inside the record or in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowsAt {
    Inline(Bytes),
    /// `path` is relative to the data folder. **Invariant:** the file is synced before its intent
    /// is appended.
    Staged {
        path: String,
        bytes: u64,
        rows: u64,
    },
}

/// Where a table lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Storage {
    DuckDb,
    Arrow,
}

impl Storage {
    /// Returns the name that SQL shows.
    pub fn as_str(self) -> &'static str {
        match self {
            Storage::DuckDb => "duckdb",
            Storage::Arrow => "arrow",
        }
    }
}
