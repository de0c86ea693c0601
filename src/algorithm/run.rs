//! A run: Arrow in, one step after the other, Arrow out.
//!
//! Each step is planned and computed by Polars as a whole, is a span of the trace, and is measured:
//! the rows and bytes that went in and came out, and its time. Blocks; a step that has begun is not
//! interrupted, so a cancel takes effect between two of them.

use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use polars::prelude::{DataFrame, IntoLazy, LazyFrame, PolarsError, PolarsResult};

use super::runs::{Runs, StepRun};
use super::{Algorithm, Arguments, Shape};
use crate::clock;
use crate::dataset::{to_batches, to_frame};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::telemetry;
use crate::types::{self, Column};

/// What a step computes: from the rows of the one before it, and the inputs.
type Compute = Box<dyn FnOnce(LazyFrame, &Frames) -> PolarsResult<LazyFrame> + Send>;

/// One step of an algorithm.
pub struct Step {
    name: &'static str,
    compute: Compute,
}

impl Step {
    /// Makes a step of what it computes. The first one gets the rows of the first input.
    pub fn new(
        name: &'static str,
        compute: impl FnOnce(LazyFrame, &Frames) -> PolarsResult<LazyFrame> + Send + 'static,
    ) -> Step {
        Step { name, compute: Box::new(compute) }
    }
}

/// The inputs of a run, by the names that the algorithm gives them.
pub struct Frames {
    inputs: Vec<(&'static str, DataFrame)>,
}

impl Frames {
    /// The rows of an input.
    ///
    /// # Errors
    /// When the algorithm has none of this name.
    pub fn input(&self, name: &str) -> PolarsResult<LazyFrame> {
        let found = self.inputs.iter().find(|(known, _)| *known == name);
        found.map(|(_, frame)| frame.clone().lazy()).ok_or_else(|| {
            PolarsError::InvalidOperation(format!("there is no input {name}").into())
        })
    }
}

/// What a run gave.
#[derive(Clone)]
pub struct Computed {
    pub columns: Vec<Column>,
    /// In the storage schema of the columns.
    pub batches: Vec<RecordBatch>,
}

/// Runs an algorithm over its inputs, in their order: the rows of each in the storage schema of
/// their [`Shape`].
///
/// # Errors
/// What the steps refuse; 57014 once `is_canceled`.
pub fn run(
    algorithm: &dyn Algorithm,
    inputs: Vec<(Shape, Vec<RecordBatch>)>,
    args: &Arguments,
    runs: &Runs,
    is_canceled: &dyn Fn() -> bool,
) -> Result<Computed> {
    let shapes: Vec<Shape> = inputs.iter().map(|(shape, _)| shape.clone()).collect();
    let mut frames = Frames { inputs: Vec::with_capacity(inputs.len()) };
    for (input, (shape, batches)) in algorithm.inputs().iter().zip(inputs) {
        frames.inputs.push((input.name, frame_of(&shape.columns, &batches)?));
    }
    let mut frame = frames.inputs.first().map(|(_, frame)| frame.clone()).unwrap_or_default();
    let number = runs.begin();
    for (place, step) in algorithm.steps(args)?.into_iter().enumerate() {
        if is_canceled() {
            return Err(Error::canceled("user request"));
        }
        let (name, compute) = (step.name, step.compute);
        let traced = Traced { run: number, algorithm: algorithm.name(), step: name, place };
        frame = traced.run(frame, runs, |frame| compute(frame.lazy(), &frames)?.collect())?;
    }
    let columns = algorithm.columns(&shapes);
    let batches = batches_of(&columns, frame)?;
    Ok(Computed { columns, batches })
}

/// A step as traces and `teatree.steps` show it.
pub(super) struct Traced<'a> {
    pub(super) run: u64,
    pub(super) algorithm: &'a str,
    pub(super) step: &'a str,
    pub(super) place: usize,
}

impl Traced<'_> {
    /// Runs a step inside its span, and keeps what was measured.
    pub(super) fn run(
        &self,
        frame: DataFrame,
        runs: &Runs,
        work: impl FnOnce(DataFrame) -> PolarsResult<DataFrame>,
    ) -> Result<DataFrame> {
        let (rows_in, bytes_in) = (frame.height() as u64, frame.estimated_size() as u64);
        let span = tracing::info_span!(
            "step",
            algorithm = self.algorithm,
            step = self.step,
            rows_in,
            bytes_in,
            rows_out = tracing::field::Empty,
            bytes_out = tracing::field::Empty,
        );
        let started_at_us = clock::now_us();
        let started = Instant::now();
        let done = span.in_scope(|| work(frame)).map_err(|error| computing(&error))?;
        let (rows_out, bytes_out) = (done.height() as u64, done.estimated_size() as u64);
        let took = started.elapsed();
        telemetry::step_took(self.algorithm, self.step, took);
        span.record("rows_out", rows_out);
        span.record("bytes_out", bytes_out);
        runs.note(StepRun {
            run: self.run,
            algorithm: self.algorithm.to_owned(),
            place: self.place,
            step: self.step.to_owned(),
            rows_in,
            rows_out,
            bytes_in,
            bytes_out,
            took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            started_at_us,
        });
        Ok(done)
    }
}

/// Makes one frame of rows.
pub(super) fn frame_of(columns: &[Column], batches: &[RecordBatch]) -> Result<DataFrame> {
    let schema = types::storage_schema(columns)?;
    let batch = concat_batches(&schema, batches)
        .map_err(|error| Error::internal(format!("the input's batches differ: {error}")))?;
    to_frame(&batch)
}

/// Makes the rows of a frame those of columns, which it must have.
fn batches_of(columns: &[Column], frame: DataFrame) -> Result<Vec<RecordBatch>> {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let mut frame = frame.select(names).map_err(|error| computing(&error))?;
    let schema = types::storage_schema(columns)?;
    let batches = to_batches(&mut frame)?;
    batches.iter().map(|batch| types::cast_batch(batch, Arc::clone(&schema))).collect()
}

/// Translates an error of Polars in what a user computes.
pub(super) fn computing(error: &PolarsError) -> Error {
    let code = match error {
        PolarsError::Context { error, .. } | PolarsError::ExprContext { error, .. } => {
            return computing(error);
        }
        PolarsError::ColumnNotFound(_) | PolarsError::SchemaFieldNotFound(_) => {
            SqlState::UNDEFINED_COLUMN
        }
        PolarsError::SQLSyntax(_) => SqlState::SYNTAX_ERROR,
        PolarsError::SQLInterface(_) => SqlState::FEATURE_NOT_SUPPORTED,
        PolarsError::SchemaMismatch(_) | PolarsError::InvalidOperation(_) => {
            SqlState::DATATYPE_MISMATCH
        }
        _ => SqlState::DATA_EXCEPTION,
    };
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().to_owned();
    Error::new(code, format!("polars: {first}"))
}
