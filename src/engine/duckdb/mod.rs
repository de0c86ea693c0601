//! The DuckDB engine: one instance per server, many connections.
//!
//! - `instance.rs`: opening the file, settings, the system catalog; [`DuckDb`].
//! - `reader.rs`: read-only connections and their streams.
//! - `held.rs`: a session's own connection: REPEATABLE READ snapshots, the transaction lane.
//! - `write_connection.rs`: the Writer's connection: transactions, statements, the Appender.
//! - `kept.rs`: the copy of the catalogue that is kept in tables.
//! - `kept_outcomes.rs`: outcomes that are committed together with their change.
//! - `system_tables.rs`: tables that the server computes (`teatree_sessions()`, …).
//! - `system_functions.rs`: what `pg_cancel_backend` and its like do.
//! - `insert_rows.rs`: a few typed rows, without an appender.
//! - `drawing.rs`: statements that tell what they draw from sequences.
//! - `statement_cache.rs`: statements that the Writer's connection keeps prepared.
//! - `refused_rows.rs`: which rows a table's conditions refuse.
//! - `routines.rs`, `triggers.rs`: the tables of those that users have made; `facts.rs`: of what is
//!   known of objects beside their definitions.
//! - `table_shape.rs`: what rows of a table must look like.
//! - `foreign.rs`: DuckDB tables as sources of DataFusion plans.
//! - `deliveries.rs`: the table of rows that wait for their datasets.
//! - `parquet_file.rs`: rows to a Parquet file; `exports.rs`: those of the Writer's queries.
//! - `exact.rs`: DuckDB's own column types, for rows that must not change on their way.
//! - `capi/`, `logical_type.rs`, `value.rs`, `error.rs`, `error_words.rs`: the border to DuckDB's C
//!   API.
//!
//! **Invariant:** nothing outside this folder names the `duckdb` crate.

mod capi;
mod deliveries;
mod drawing;
mod error;
mod error_words;
mod exact;
mod exports;
mod facts;
mod foreign;
mod foreign_keys;
mod functions;
mod held;
mod insert_rows;
mod instance;
mod kept;
mod kept_outcomes;
mod logical_type;
mod own_catalog;
mod parquet_file;
mod reader;
mod refused_rows;
mod rendered;
mod replay;
mod routines;
mod statement_cache;
mod system_functions;
mod system_tables;
mod table_shape;
mod triggers;
mod value;
mod write_connection;

pub use deliveries::Delivery;
pub use exact::{Carrier, ExactColumn};
pub use foreign::DuckDbTables;
pub use held::{Access, HeldConnection};
pub use instance::{DuckDb, DuckDbOptions, inspect_file, settle_file};
pub use kept::DataState;
pub use own_catalog::OwnCatalog;
pub use reader::PartialDescription;
pub use system_functions::{Action, SystemFunction};
pub use system_tables::{Pages, SystemTable};
pub use table_shape::{NamedObject, Relation, ShapeColumn, TableShape};
pub use triggers::KeptTrigger;
pub use write_connection::{AppliedPlaces, Changed, WriteConnection};
