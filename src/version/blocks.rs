//! Hashes of a DuckDB file, block by block, and what its header says.
//!
//! A DuckDB file is three headers of 4 KiB and then blocks of 256 KiB, which keep their places
//! from one version to the next. The hashed pieces follow that layout: first the 12 KiB of
//! headers, then one piece a block. Cut from offset 0 instead, each changed block would touch
//! two pieces, and a laptop would fetch twice as much.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// Bytes of DuckDB's headers, the first piece.
pub const HEADER_BYTES: u64 = 3 * 4096;
/// Bytes of every other piece; the last may be shorter.
pub const BLOCK_BYTES: u64 = 256 << 10;

const MAGIC: &[u8; 4] = b"DUCK";
const MAGIC_AT: u64 = 8;

/// The hashes of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockHashes {
    pub bytes: u64,
    /// Of the whole file.
    pub sha256: [u8; 32],
    /// Of each piece: the headers, then the blocks.
    pub blocks: Vec<[u8; 32]>,
}

/// Hashes a file.
///
/// # Errors
/// 58030 when it cannot be read.
pub fn hash_blocks(path: &Path) -> Result<BlockHashes> {
    let failed = |error: std::io::Error| Error::io("could not hash the version", &error);
    let mut file = File::open(path).map_err(failed)?;
    let mut whole = Sha256::new();
    let mut hashes = BlockHashes { bytes: 0, sha256: [0; 32], blocks: Vec::new() };
    let mut piece = Vec::with_capacity(usize::try_from(BLOCK_BYTES).unwrap_or_default());
    let mut piece_bytes = HEADER_BYTES;
    loop {
        piece.clear();
        let read = (&mut file).take(piece_bytes).read_to_end(&mut piece).map_err(failed)?;
        if read == 0 {
            break;
        }
        whole.update(&piece);
        hashes.blocks.push(Sha256::digest(&piece).into());
        hashes.bytes += read as u64;
        piece_bytes = BLOCK_BYTES;
    }
    hashes.sha256 = whole.finalize().into();
    Ok(hashes)
}

/// Reads the storage version from the header of a DuckDB file (64 for files that DuckDB 0.9 and
/// later can read, 67 for those of 1.4).
///
/// # Errors
/// XX001 when the file is not DuckDB's.
pub fn storage_version(path: &Path) -> Result<u64> {
    let mut file =
        File::open(path).map_err(|error| Error::io("could not open the version", &error))?;
    let mut header = [0; 12];
    file.seek(SeekFrom::Start(MAGIC_AT))
        .and_then(|_| file.read_exact(&mut header))
        .ok()
        .and_then(|()| header.split_first_chunk::<4>())
        .filter(|(magic, _)| *magic == MAGIC)
        .and_then(|(_, version)| version.try_into().ok())
        .map(u64::from_le_bytes)
        .ok_or_else(|| Error::new(SqlState::DATA_CORRUPTED, "the data file has no DuckDB header"))
}
