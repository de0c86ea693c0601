//! PostgreSQL's types, one table for all: OIDs, names, Arrow storage, values in and out.
//!
//! - `pg_type.rs`: [`PgType`] and [`Column`], the table itself.
//! - `value.rs`: [`Value`], one SQL value outside of Arrow (parameters, literals).
//! - `style.rs`: the settings `DateStyle` and `IntervalStyle`.
//! - `civil.rs`: the calendar and the offsets of time zones; `inet.rs`: addresses in binary.
//! - `input/`: text and binary representations to [`Value`], as liberal as PostgreSQL.
//! - `output/`: Arrow arrays to `DataRow` messages, in text or binary.
//! - `arrow_map/`: Arrow data types and fields to and from [`PgType`]; values to Arrow arrays.
//! - `copy/`: COPY's text and csv formats to Arrow batches.

mod arrow_map;
mod civil;
mod copy;
mod inet;
mod input;
mod output;
mod pg_type;
mod style;
mod value;

pub use arrow_map::{
    ColumnBuilder, TYPE_KEY, TYPMOD_KEY, assign, assign_number, assign_text, batch_from_values,
    cast_batch, column_for_field, is_assignable, storage_field, storage_schema, widen, zero_nulls,
};
pub use copy::{
    BadRecord, COPY_SIGNATURE, CopyDecoder, CopyEncoding, CopyFormat, CopyHeader, CopyLines,
    CopyOptions, GivenCopyOptions, Lines, copy_binary_header, header_names, put_tuple,
};
pub use input::{from_binary, from_text, zone_by_name};
pub use output::{Format, OutputStyle, RowEncoder, timestamp_text};
pub(crate) use output::{JsonForm, each_text, json_texts, value_texts, write_value_text};
pub use pg_type::{Column, Origin, PgType, ScalarType, numeric_typmod};
pub use style::{DateFormat, DateOrder, DateStyle, InputStyle, IntervalStyle};
pub use value::{Interval, Numeric, Value};
