//! Pipelines: what is computed from tables whenever they change.
//!
//! - `stored.rs`: a materialized view as the data file keeps it.
//! - `graph.rs`: the views of a moment, and which of them follow which tables.
//! - `registry.rs`: what the server knows of them between transactions.
//! - `upkeep.rs`: the changes of a transaction, and the views that follow them in it.
//! - `follow.rs`: one view and one change: the SQL that brings it up to date.
//! - `schedule.rs`: refreshes that nobody asks for.
//!
//! A view that is refreshed on change is changed in the same DuckDB transaction as the rows that it
//! reads, so nobody sees the one without the other, and after a crash both are there or neither.

mod follow;
mod graph;
mod registry;
pub mod schedule;
mod stored;
mod upkeep;

pub use graph::Graph;
pub use registry::{Moved, PipelineRow, Registry};
pub use stored::{STORAGE_SCHEMA, StoredView, View};
pub use upkeep::{Change, Upkeep};
