//! The queries of `LANGUAGE polars`: SQL that Polars runs over frames.

use std::sync::Arc;

use arrow::array::RecordBatch;
use polars::prelude::{DataFrame, IntoLazy, LazyFrame};
use polars::sql::SQLContext;

use super::run::{Computed, Traced, computing, frame_of};
use super::runs::Runs;
use crate::dataset::to_batches;
use crate::error::{Error, Result};
use crate::types::{Column, cast_batch, column_for_field, storage_schema};

/// A table: the name that the query has for it, and its rows in the storage schema of its columns.
pub type Table = (String, Vec<Column>, Vec<RecordBatch>);

/// Runs one query over tables. `name` is for the trace. Blocks.
///
/// # Errors
/// What Polars refuses, with the SQLSTATE of its kind.
pub fn run_query(name: &str, sql: &str, tables: Vec<Table>, runs: &Runs) -> Result<Computed> {
    let (mut context, largest) = context(tables)?;
    let traced = Traced { run: runs.begin(), algorithm: name, step: "query", place: 0 };
    let frame = traced.run(largest, runs, |_| context.execute(sql)?.collect());
    rows_of(frame?)
}

/// Tells the columns that a query over tables gives. Blocks.
///
/// # Errors
/// As [`run_query`].
pub fn describe_query(sql: &str, tables: Vec<Table>) -> Result<Vec<Column>> {
    let (mut context, _) = context(tables)?;
    let frame = context.execute(sql).and_then(LazyFrame::collect);
    rows_of(frame.map_err(|error| computing(&error))?).map(|computed| computed.columns)
}

/// Registers tables; gives the one with the most rows, too.
fn context(tables: Vec<Table>) -> Result<(SQLContext, DataFrame)> {
    let context = SQLContext::new();
    let mut largest = DataFrame::default();
    for (table, columns, batches) in tables {
        let frame = frame_of(&columns, &batches)?;
        context.register(&table, frame.clone().lazy());
        if frame.height() > largest.height() {
            largest = frame;
        }
    }
    Ok((context, largest))
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
