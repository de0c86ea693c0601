//! Versions: immutable, numbered DuckDB files that laptops fetch and open with plain DuckDB.
//!
//! The path of a publish: the Writer checkpoints the data file and, still in its turn, calls
//! [`VersionStore::prepare`], which clones the file (`clone.rs`). Everything after that needs no
//! turn: [`VersionStore::publish`] lets the caller open and check the clone, hashes its blocks
//! (`blocks.rs`), writes the manifest (`manifest.rs`) and gives both their names (`store.rs`).
//!
//! **Invariant:** a version is listed when, and only when, its manifest has its name; the data
//! file has had its own since before. No file is ever replaced.
//! **Invariant:** one intent makes one version, however often it is replayed.
//!
//! Not here: DuckDB. Checkpoint and check are the caller's. Everything here blocks.

mod blocks;
mod clone;
mod manifest;
mod store;
#[cfg(test)]
mod tests;

pub use blocks::{BLOCK_BYTES, BlockHashes, HEADER_BYTES, hash_blocks, storage_version};
pub use clone::{CloneKind, clone_file};
pub use manifest::{TableRows, VersionManifest};
pub use store::{PreparedVersion, VersionStore};
