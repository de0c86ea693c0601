//! The manifest of a version: what an edge needs to choose, fetch and check it.

use serde::{Deserialize, Serialize};

use super::blocks::{BLOCK_BYTES, BlockHashes, HEADER_BYTES};
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, VersionNumber};
use crate::sqlstate::SqlState;

/// The manifest, as it lies beside the data file in `NNNNNN.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionManifest {
    pub number: VersionNumber,
    /// Name of the data file, in the same folder.
    pub file: String,
    pub note: String,
    /// The intent that published it: the file holds everything up to there.
    pub intent_seq: IntentSeq,
    pub bytes: u64,
    /// Of the whole file, in hexadecimal digits, as are the blocks.
    pub sha256: String,
    /// Bytes of the first piece of `blocks`, DuckDB's headers.
    pub header_bytes: u64,
    /// Bytes of the other pieces; the last may be shorter.
    pub block_bytes: u64,
    pub blocks: Vec<String>,
    /// DuckDB's storage version: which releases can open the file.
    pub storage_version: u64,
    /// RFC 3339, in UTC.
    pub created_at: String,
    pub tables: Vec<TableRows>,
}

/// How many rows a table of a version has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRows {
    pub schema: String,
    pub name: String,
    pub rows: u64,
}

impl VersionManifest {
    pub(super) fn new(
        number: VersionNumber,
        note: &str,
        intent_seq: IntentSeq,
        hashes: &BlockHashes,
        storage_version: u64,
        tables: Vec<TableRows>,
        created_at_us: i64,
    ) -> VersionManifest {
        let created_at = chrono::DateTime::from_timestamp_micros(created_at_us).unwrap_or_default();
        VersionManifest {
            number,
            file: format!("{number}.duckdb"),
            note: note.to_owned(),
            intent_seq,
            bytes: hashes.bytes,
            sha256: hex(&hashes.sha256),
            header_bytes: HEADER_BYTES,
            block_bytes: BLOCK_BYTES,
            blocks: hashes.blocks.iter().map(|block| hex(block)).collect(),
            storage_version,
            created_at: created_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            tables,
        }
    }

    /// Checks what must hold before a manifest is published, and after it was read.
    pub(super) fn check(&self) -> Result<()> {
        let number = self.number;
        let pieces = u64::from(self.bytes > 0)
            + self.bytes.saturating_sub(self.header_bytes).div_ceil(self.block_bytes.max(1));
        let broken = if self.file != format!("{number}.duckdb") {
            "its file has another number"
        } else if self.block_bytes == 0 || self.blocks.len() as u64 != pieces {
            "its blocks do not make up its bytes"
        } else if self.sha256.len() != 64 || self.blocks.iter().any(|block| block.len() != 64) {
            "a hash is not one"
        } else {
            return Ok(());
        };
        Err(Error::new(
            SqlState::DATA_CORRUPTED,
            format!("the manifest of version {number} is damaged: {broken}"),
        ))
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;

    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
