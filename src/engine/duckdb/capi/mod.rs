//! DuckDB's C API, made safe: the one folder that calls it, apart from types and values.
//!
//! The `duckdb` crate does not wrap what a server needs: describing a statement without running
//! it, fetching a streamed result piece by piece from any thread, errors as JSON.
//!
//! - `database.rs`: [`Database`], an open file.
//! - `connection.rs`: [`Connection`], and the [`Interrupter`] of what it runs.
//! - `prepared.rs`: [`Prepared`], a statement.
//! - `result.rs`: [`QueryResult`], its rows.
//! - `appender.rs`: [`Appender`], rows into a table.
//! - `stream_view.rs`: [`StreamView`], many rows into a table.
//! - `chunk_reader.rs`: [`ChunkReader`], a function's arguments.
//! - `helpers.rs`: threads that help statements which take long.
//! - `checks.rs`: strings and errors across the border.
//!
//! **Invariants:** a connection runs one statement at a time (its methods take `&mut`); only
//! [`Interrupter::interrupt`] may touch it meanwhile. Every handle is destroyed exactly once, and
//! a child handle keeps its parents alive.

mod appender;
mod checks;
mod chunk_reader;
mod connection;
mod database;
mod helpers;
mod prepared;
mod result;
mod stream_view;

pub(super) use appender::Appender;
pub(super) use checks::text_of;
pub(super) use chunk_reader::ChunkReader;
pub(super) use connection::{Connection, Interrupter};
pub(super) use database::Database;
pub(super) use prepared::{Prepared, StatementType};
pub(super) use result::QueryResult;
pub(super) use stream_view::{SendBatches, StreamView};
