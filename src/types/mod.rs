//! PostgreSQL's types, one table for all: OIDs, names, Arrow storage, values in and out.
//!
//! - `pg_type.rs`: [`PgType`] and [`Column`], the table itself.
//! - `value.rs`: [`Value`], one SQL value outside of Arrow (parameters, literals).
//! - `input.rs`: text and binary representations to [`Value`], as liberal as PostgreSQL.
//! - `arrow_map.rs`: Arrow data types and fields to and from [`PgType`]; values to Arrow arrays.
//! - `output/`: Arrow arrays to `DataRow` messages, in text or binary.
//! - `copy/`: COPY's text and csv formats to Arrow batches.

mod pg_type;
mod value;

pub use pg_type::{Column, PgType, ScalarType, numeric_typmod};
pub use value::{Interval, Numeric, Value};
