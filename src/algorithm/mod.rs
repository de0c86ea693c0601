//! Algorithms in Rust over known data models, computed by Polars step by step.
//!
//! - `model.rs`: what an algorithm asks of the rows that it reads.
//! - `arguments.rs`: the typed arguments of a run.
//! - `request.rs`: the arguments of a CALL to what is to be read, computed and written.
//! - `run.rs`: Arrow in, steps, Arrow out; each step is traced. `runs.rs`: the last steps that ran.
//! - `zscore.rs`, `sessions.rs`, `ohlc.rs`, `flight_delays.rs`: those that come with the server,
//!   each an example to copy.
//! - `polars_sql.rs`: the queries of `LANGUAGE polars`.
//!
//! **To add one**: implement [`Algorithm`] in a file like `sessions.rs`, and add it in
//! [`Algorithms::built_in`], or give [`crate::server::run_with`] a registry with it. Then
//! `CALL teatree.<name>('table', …)` runs it over a DuckDB table, a dataset, a view or a query.
//!
//! An algorithm is a pure function of its inputs and arguments: it reads nothing else, and what it
//! gives is written, if at all, as one intent. Memory: its inputs and the frames between two steps
//! are held whole; `algorithm_memory_mib` bounds the inputs.

mod arguments;
mod flight_delays;
mod model;
mod ohlc;
mod polars_sql;
mod request;
mod run;
mod runs;
mod sessions;
mod zscore;

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::Column;

pub use arguments::{Arguments, Param, ParamKind};
pub use model::{BoundInput, Input, Role, RoleKind, Shape};
pub use polars;
pub use polars_sql::{Table, describe_query, run_query};
pub use request::{Matching, Mode, OutputRequest, Request};
pub use run::{Computed, Frames, Step, run};
pub use runs::{Runs, StepRun};

/// An algorithm over a known data model.
///
/// Its steps compute with [`polars::prelude::LazyFrame`]: Polars plans each step as a whole, and
/// the server measures what goes into it and what comes out.
pub trait Algorithm: Send + Sync {
    /// The name by which CALL knows it, in lower case.
    fn name(&self) -> &'static str;

    /// What it computes, in one sentence.
    fn about(&self) -> &'static str;

    /// The tables that it reads, and what it asks of their columns. The first one's rows go into
    /// the first step.
    fn inputs(&self) -> &'static [Input];

    /// Its arguments beside the names of tables and columns.
    fn params(&self) -> &'static [Param];

    /// The columns that it gives, for inputs that have these columns.
    fn columns(&self, inputs: &[Shape]) -> Vec<Column>;

    /// Builds the steps for these arguments. Nothing is computed yet.
    ///
    /// # Errors
    /// 22023 for arguments that make no sense together.
    fn steps(&self, args: &Arguments) -> Result<Vec<Step>>;
}

/// The registry of algorithms, by name.
#[derive(Clone, Default)]
pub struct Algorithms {
    all: Vec<Arc<dyn Algorithm>>,
    runs: Arc<Runs>,
    memory_bytes: usize,
}

impl fmt::Debug for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|algorithm| algorithm.name())).finish()
    }
}

impl Algorithms {
    /// Makes the registry of those that come with the server.
    pub fn built_in() -> Algorithms {
        Algorithms { memory_bytes: 1 << 30, ..Algorithms::default() }
            .with(zscore::ZScore)
            .with(sessions::Sessions)
            .with(ohlc::Ohlc)
            .with(flight_delays::FlightDelays)
    }

    /// Adds one; of two with the same name the later counts.
    #[must_use]
    pub fn with(mut self, algorithm: impl Algorithm + 'static) -> Algorithms {
        self.all.retain(|known| known.name() != algorithm.name());
        self.all.push(Arc::new(algorithm));
        self
    }

    /// Finds the algorithm that a call names.
    pub fn find(&self, schema: Option<&str>, name: &str) -> Option<&Arc<dyn Algorithm>> {
        let found = || self.all.iter().find(|algorithm| algorithm.name() == name);
        schema.filter(|schema| *schema == "teatree").and_then(|_| found())
    }

    /// Bounds the rows that one run reads.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Algorithms {
        self.memory_bytes = bytes;
        self
    }

    /// The room for the rows that one run reads.
    pub fn room(&self) -> Room {
        Room { left: self.memory_bytes }
    }

    /// What the last runs did.
    pub fn runs(&self) -> &Arc<Runs> {
        &self.runs
    }

    /// Lists all of them, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Algorithm>> {
        self.all.iter()
    }
}

/// The room that is left for rows that are to be computed on.
#[derive(Debug)]
pub struct Room {
    left: usize,
}

impl Room {
    /// Takes the room that a batch needs.
    ///
    /// # Errors
    /// 53400 when there is not so much left.
    pub fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        let left = self.left.checked_sub(batch.get_array_memory_size());
        self.left = left.ok_or_else(|| {
            Error::new(
                SqlState::CONFIGURATION_LIMIT_EXCEEDED,
                "the rows that are to be computed on take more memory than they may",
            )
            .with_hint("Give a query of fewer rows, or raise algorithm_memory_mib.")
        })?;
        Ok(())
    }
}

/// Builds a call's signature, as hints and lists show it.
pub fn signature(algorithm: &dyn Algorithm) -> String {
    let inputs = algorithm.inputs().iter().map(|input| input.name.to_owned());
    let roles = algorithm.inputs().iter().flat_map(|input| input.roles).map(|role| {
        let name = role.name;
        if role.optional { format!("[{name} => '…']") } else { format!("{name} => '{name}'") }
    });
    let params = algorithm.params().iter().map(|param| match (param.default, param.kind) {
        (Some(default), ParamKind::Duration { .. }) => format!("{} => '{default}'", param.name),
        (Some(default), _) => format!("{} => {default}", param.name),
        (None, _) => param.name.to_owned(),
    });
    let output = "[output], [mode => 'replace' | 'append'], [storage => 'duckdb' | 'arrow']";
    let all: Vec<String> = inputs.chain([output.to_owned()]).chain(roles).chain(params).collect();
    format!("teatree.{}({})", algorithm.name(), all.join(", "))
}

/// Makes the error of an argument.
fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}
