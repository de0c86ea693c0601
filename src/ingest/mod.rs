//! Continuous ingest: files that appear in the inbox, and uploads over HTTP, into tables.
//!
//! The path through it: the inbox's watcher (`inbox.rs`) looks through the folder (`folder.rs`),
//! finds the rule that takes a file (`rule.rs`, `pattern.rs`), and when the file is whole takes it
//! (`take.rs`). An upload comes from the HTTP server with its table. Either is an [`Ingest`]
//! (`submit.rs`): its rows are decoded (`format.rs`, `csv.rs`, `json.rs`, `typed.rs`, joined by
//! `pieces.rs`) and staged (`load.rs`, `staged.rs`), the bad ones apart (`rejects.rs`), and then it
//! is one intent.
//!
//! **Guarantees:** rows, rejects and the record in `teatree.ingests` are one transaction. A content
//! of the inbox goes into a table once, by its SHA-256, whatever it is called and whenever the
//! server is killed: the Writer looks for it in the transaction of the rows. An upload is done once
//! for its idempotency key. A file leaves the inbox only when its outcome is durable.
//!
//! **What a bad row is:** one that cannot be read as its columns' types, that has NULL where the
//! table allows none, or that a CHECK refuses. It is put aside in `teatree.rejects`. What only the
//! other rows decide (a key that is there already, a foreign key without its row) fails the whole
//! content, as does a content that is no such format, or has a column that the table has not.
//!
//! Not here: HTTP (`server`), applying (`writer`).

mod csv;
mod folder;
mod format;
mod inbox;
mod json;
mod load;
mod pattern;
mod pieces;
mod rejects;
mod rule;
mod staged;
mod submit;
mod take;
mod typed;

pub use format::{Given, Reading, format_named, invalid};
pub use inbox::watch;
pub use submit::{Done, Ingest, hex, table_named, upload_key};
