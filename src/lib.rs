//! Teatree: a server that speaks PostgreSQL in front of DuckDB files and directories of Arrow
//! files.
//!
//! **The life of a SELECT.** `wire` takes a Query or an Execute off the socket and hands its text
//! to [`sql::parse`], which splits it and gives each [`sql::Statement`] a [`sql::Kind`].
//! [`session::Session::run`] asks the [`router::Router`], which looks up where the statement's
//! tables live and chooses an engine: [`engine::duckdb::DuckDb`] on a pooled read-only connection,
//! or [`engine::datafusion::DataFusionEngine`] over Arrow datasets, with DuckDB tables as sources.
//! The engine streams Arrow batches; `wire` encodes each with [`types::RowEncoder`] and sends it.
//!
//! **The life of an INSERT.** Up to the router it is the same. [`router::Router::body`] makes it an
//! [`intent::Body`]; [`intent::IntentLog`] appends it, with one synced write for all sessions that
//! write at that moment; the Writer ([`writer`]) takes it in the log's order and applies it in one
//! DuckDB transaction, or one renamed manifest of a [`dataset`], that also holds its
//! [`ids::IntentSeq`]. Then the session is told, and the client gets its command tag. Plain rows
//! that nothing can refuse any more ([`intent::Values`]) are promised earlier, once they are in the
//! log: every read that starts afterwards waits for them, so nobody can tell ([`intent::Ack`]).
//!
//! **The life of a COPY.** Its stream is decoded as it comes and staged in a file; an INSERT …
//! SELECT and a CREATE TABLE AS run their query on a read connection and stage its rows likewise.
//! The intent refers to the file. A big one is appended beside the stream of other intents, which
//! goes on; only those that name its table wait. The rows of a materialized view over datasets come
//! the same way.
//!
//! A COPY to a file runs its query and leaves the rows in the [`outbox`].
//!
//! **The life of a CALL.** Of a built-in procedure: [`procedure::Procedures`] checks the name and
//! the arguments before anything is queued; then it is an intent like any other, and the Writer
//! runs the procedure at its turn. Of a procedure that a user wrote ([`sql::Routine`]): its
//! statements become one intent where they only change rows, and a transaction of the session
//! otherwise. `publish_version` clones the data file there and leaves the rest to a thread beside
//! it ([`version`]).
//!
//! **The life of a file.** [`ingest`] finds it in the inbox, or an upload brings it; its rows are
//! decoded and staged beside the stream, those that the table would refuse apart; then it is an
//! intent like a COPY's, which is applied together with a record of the file.
//!
//! **Invariant:** a module imports only modules listed above it here; `tests/it/tidy.rs` enforces
//! it.

// foundation
pub mod sqlstate;
pub mod error;
pub mod ids;
pub mod clock;
pub mod fail_point;
pub mod task;
pub mod config;
pub mod telemetry;
pub mod notification;
// nouns
pub mod function;
pub mod types;
pub mod sql;
pub mod catalog;
pub mod dataset;
// stores and engines
pub mod intent;
pub mod engine;
pub mod outbox;
// movers
pub mod version;
pub mod algorithm;
pub mod pipeline;
pub mod procedure;
pub mod writer;
// decision, conversation, protocol, process
pub mod router;
pub mod session;
pub mod ingest;
pub mod wire;
pub mod server;
