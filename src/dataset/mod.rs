//! Datasets: tables kept as directories of immutable Arrow IPC files, written by Polars.
//!
//! A dataset is `<root>/<schema>.<table>.<create seq>/` with part files and one `MANIFEST.json`,
//! which names the parts that are the table's rows, in order, and the last intent applied to it.
//!
//! - `manifest.rs`, `invariants.rs`: the manifest, and what must hold of it before it is published.
//! - `schema.rs`: a column's Arrow type in a part file.
//! - `part.rs`, `stats.rs`: Arrow batches to part files, with bounds of each column.
//! - `store.rs`, `apply.rs`, `compact.rs`, `recover.rs`: the datasets of one server.
//! - `read_file.rs`, `text_chunks.rs`: CSV, Parquet, Arrow and JSON lines of others to batches.
//! - `files.rs`: names and durable file operations; `bridge.rs`: arrow-rs to Polars and back.
//!
//! **Invariant:** a published file is never changed. What a manifest names exists until no pin
//! of that manifest is left. Data and its applied `IntentSeq` change by one rename.

mod apply;
mod bridge;
mod compact;
mod files;
mod invariants;
mod manifest;
mod part;
mod read_file;
mod recover;
mod schema;
mod stats;
mod store;
#[cfg(test)]
mod tests;
mod text_chunks;

pub use bridge::{to_batches, to_frame};
pub use manifest::{Bound, ColumnStats, Manifest, Part};
pub use read_file::{FileFormat, FileRows, read_file};
pub use schema::{DatasetColumn, read_schema};
pub use store::{DatasetStore, PinnedDataset};
