//! DataFusion over Arrow datasets, with DuckDB tables as pushed-down sources. Reads only.
//!
//! A statement is parsed, its parameters typed, planned against a snapshot of all datasets, and
//! run on this engine's own threads, so that a heavy plan never holds up connections.
//!
//! - `engine.rs`: [`DataFusionEngine`], what the rest of the server calls.
//! - `session.rs`, `types.rs`: DataFusion configured to mean what PostgreSQL means.
//! - `statement.rs`: SQL to a logical plan with typed parameters; labels of the result.
//! - `catalog.rs`: names to tables. `dataset_table.rs`: a dataset as a table.
//! - `foreign.rs`, `foreign_table.rs`, `pushdown.rs`: DuckDB's tables as tables.
//! - `run.rs`: a physical plan to a stream that can be cancelled.
//! - `filter.rs`: a condition on rows that are in no table yet.
//! - `checked.rs`: arithmetic that reports overflow.
//! - `error.rs`: DataFusion's errors to SQLSTATEs.

mod catalog;
mod checked;
mod dataset_table;
mod engine;
mod error;
mod filter;
mod foreign;
mod foreign_table;
mod pushdown;
mod run;
mod session;
mod statement;
#[cfg(test)]
mod tests;
mod types;

pub use engine::{DataFusionEngine, Settings, Snapshot};
pub use filter::RowFilter;
pub use foreign::ForeignTables;
