//! Teatree: a server that speaks PostgreSQL in front of DuckDB files and directories of Arrow files.
//!
//! **Invariant:** a module imports only modules listed above it here; `tests/it/tidy.rs` enforces it.

// foundation
pub mod clock;
pub mod config;
pub mod error;
pub mod ids;
pub mod sqlstate;
pub mod task;
pub mod telemetry;
// nouns
pub mod catalog;
pub mod dataset;
pub mod sql;
pub mod types;
// stores and engines
pub mod engine;
pub mod intent;
// movers
pub mod procedure;
pub mod version;
pub mod writer;
// decision, conversation, protocol, process
pub mod router;
pub mod server;
pub mod session;
pub mod wire;
