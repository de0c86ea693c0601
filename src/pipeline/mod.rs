//! Pipelines: what is computed from tables whenever they change.
//!
//! - `stored.rs`: a materialized view as the data file keeps it; `trigger.rs`: a trigger.
//! - `graph.rs`: the views and triggers of a moment, and which of them follow which tables.
//! - `registry.rs`: what the server knows of them between transactions; `moved.rs`: what one
//!   transaction has done to them.
//! - `change.rs`: a statement's change of a table: the rows that it took away and brought;
//!   `bounds.rs`: where to look for those.
//! - `upkeep.rs`: the changes of a transaction, and the views that follow them in it.
//! - `follow.rs`: one view and one change: the SQL that brings it up to date.
//! - `fire.rs`: the triggers that run behind a change.
//! - `compute.rs`: the algorithms that they run; `export.rs`: the files that they leave in the
//!   outbox; `deliver.rs`: the rows that they send to datasets.
//! - `keys.rs`: the foreign keys of a moment; `enforce.rs`: how they are seen to behind a change;
//!   `check.rs`: the queries for that; `given.rs`: keys that need no query;
//!   `deferral.rs`: those that are looked at later.
//! - `schedule.rs`: refreshes that nobody asks for.
//!
//! A view that is refreshed on change is changed in the same DuckDB transaction as the rows that it
//! reads, so nobody sees the one without the other, and after a crash both are there or neither.
//! What a trigger changes is so, too. A view that reads Arrow datasets cannot: it is computed again
//! right behind the change, by an intent that carries its rows.

mod bounds;
mod change;
mod check;
mod compute;
mod deferral;
pub mod deliver;
mod enforce;
mod export;
mod fire;
mod follow;
mod given;
mod graph;
mod keys;
mod moved;
mod registry;
pub mod schedule;
mod stored;
mod trigger;
mod upkeep;

pub use bounds::Bounds;
pub use change::{Change, ChangeKind, Changing};
pub use check::check_key;
pub use deferral::{BrokenKeys, ConstraintModes};
pub use export::recover_outbox;
pub use fire::Broken;
pub use given::Given;
pub use graph::Graph;
pub use keys::{Impact, Kinds, load_foreign_keys, save_foreign_key};
pub use moved::{Moved, Runs};
pub use registry::{PipelineRow, Registry};
pub use stored::{STORAGE_SCHEMA, StoredView, View, view_storage};
pub use trigger::StoredTrigger;
pub use upkeep::Upkeep;
