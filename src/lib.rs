//! Teatree: a server that speaks PostgreSQL in front of DuckDB files and directories of Arrow files.
//!
//! **Invariant:** a module imports only modules listed above it here; `tests/it/tidy.rs` enforces it.

// foundation
pub mod error;
pub mod sqlstate;
pub mod ids;
pub mod clock;
pub mod task;
pub mod config;
pub mod telemetry;
// nouns
pub mod types;
pub mod sql;
pub mod catalog;
pub mod dataset;
// stores and engines
pub mod intent;
pub mod engine;
// movers
pub mod procedure;
pub mod version;
pub mod writer;
// decision, conversation, protocol, process
pub mod router;
pub mod session;
pub mod wire;
pub mod server;
