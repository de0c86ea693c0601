//! The queries of `LANGUAGE polars`: SQL that Polars runs over frames.

use std::sync::Arc;

use arrow::array::RecordBatch;
use polars::prelude::DataFrame;
use polars::sql::SQLContext;

use super::run::{Computed, Traced, frame_of};
use super::runs::Runs;
use crate::dataset::to_batches;
use crate::error::{Error, Result};
use crate::types::{Column, cast_batch, column_for_field, storage_schema};

/// Runs one query over tables: the name that the query has for each, and its rows in the storage
/// schema of its columns. `name` is for the trace. Blocks.
///
/// # Errors
/// What Polars refuses, with the SQLSTATE of its kind.
pub fn run_query(
    name: &str,
    sql: &str,
    tables: Vec<(String, Vec<Column>, Vec<RecordBatch>)>,
    runs: &Runs,
) -> Result<Computed> {
    let mut context = SQLContext::new();
    let mut first = DataFrame::default();
    for (table, columns, batches) in tables {
        let frame = frame_of(&columns, &batches)?;
        context.register(&table, polars::prelude::IntoLazy::lazy(frame.clone()));
        if frame.height() > first.height() {
            first = frame;
        }
    }
    let traced = Traced { run: runs.begin(), algorithm: name, step: "query", place: 0 };
    let frame = traced.run(first, runs, |_| context.execute(sql)?.collect());
    rows_of(frame?)
}

/// Makes the rows of a frame, in the types that it has.
fn rows_of(mut frame: DataFrame) -> Result<Computed> {
    let batches = to_batches(&mut frame)?;
    let schema = match batches.first() {
        Some(batch) => batch.schema(),
        None => return Err(Error::unsupported("a query without columns")),
    };
    let columns: Vec<Column> =
        schema.fields().iter().map(|field| column_for_field(field)).collect();
    let storage = storage_schema(&columns)?;
    let cast = |batch: &RecordBatch| cast_batch(batch, Arc::clone(&storage));
    let batches = batches.iter().map(cast).collect::<Result<_>>()?;
    Ok(Computed { columns, batches })
}
