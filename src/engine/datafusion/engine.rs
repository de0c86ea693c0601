//! The engine: describe, execute, explain.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use ::datafusion::execution::SessionState;
use ::datafusion::logical_expr::LogicalPlan;
use ::datafusion::physical_plan::display::DisplayableExecutionPlan;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::error::translate;
use super::foreign::ForeignTables;
use super::session::Sessions;
use super::{run, statement};
use crate::dataset::{DatasetStore, PinnedDataset};
use crate::engine::{Description, Execution, QueryContext};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::types::{PgType, Value};

/// Plans recurse over nested expressions, so threads get more stack than usual.
const STACK_BYTES: usize = 64 << 20;

/// The engine's bounds.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The database's name, which is the catalog's.
    pub database: String,
    /// Memory of all operators together.
    pub memory_mib: usize,
    /// Where operators spill to.
    pub spill_dir: PathBuf,
    pub spill_max_mib: usize,
    /// Threads, and partitions of a plan; 0 for one a core.
    pub threads: usize,
}

/// The state of all datasets at one moment. Cheap to clone; its files stay while it exists.
#[derive(Clone, Debug)]
pub struct Snapshot(Arc<BTreeMap<TableName, PinnedDataset>>);

impl Snapshot {
    pub(super) fn get(&self, name: &TableName) -> Option<&PinnedDataset> {
        self.0.get(name)
    }
}

/// DataFusion over the datasets of one server.
pub struct DataFusionEngine {
    datasets: Arc<DatasetStore>,
    sessions: Sessions,
    /// `None` only while being dropped.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl std::fmt::Debug for DataFusionEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataFusionEngine({:?})", self.datasets)
    }
}

impl Drop for DataFusionEngine {
    fn drop(&mut self) {
        // A runtime must not be waited for inside another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl DataFusionEngine {
    /// Starts the engine's threads.
    ///
    /// # Errors
    /// When threads or the spill directory cannot be made.
    pub fn new(
        datasets: Arc<DatasetStore>,
        duckdb: Arc<dyn ForeignTables>,
        settings: Settings,
    ) -> Result<Self> {
        let threads = match settings.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("datafusion")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()
            .map_err(|error| Error::io("could not start DataFusion's threads", &error))?;
        let handle = runtime.handle().clone();
        let sessions = Sessions::new(duckdb, &settings, threads)?;
        Ok(DataFusionEngine { datasets, sessions, runtime: Some(runtime), handle })
    }

    /// Pins the present state of all datasets, as REPEATABLE READ needs it.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(Arc::new(self.datasets.pin_all()))
    }

    /// Finds out a SELECT's parameters and columns without running it. `known_params` are the
    /// types that the client has declared.
    ///
    /// # Errors
    /// The statement's own, or 57014 when cancelled.
    pub async fn describe(
        &self,
        sql: &str,
        known_params: &[Option<PgType>],
        context: &QueryContext,
        pinned: Option<&Snapshot>,
    ) -> Result<Description> {
        let snapshot = self.snapshot_or(pinned);
        let state = self.sessions.state(context, &snapshot);
        let (sql, known) = (sql.to_owned(), known_params.to_vec());
        self.spawn(context, async move {
            let planned = statement::plan(&state, &sql, &known).await?;
            let columns = planned.columns();
            Ok(Description { params: planned.params, columns })
        })
        .await
    }

    /// Runs a SELECT. The stream's work stops when it is dropped or the context is cancelled.
    ///
    /// # Errors
    /// The statement's own, or 57014 when cancelled; errors while running come in the stream.
    pub async fn execute(
        &self,
        sql: &str,
        params: &[Value],
        context: &QueryContext,
        snapshot: Option<&Snapshot>,
    ) -> Result<Execution> {
        let snapshot = self.snapshot_or(snapshot);
        let state = self.sessions.state(context, &snapshot);
        let (sql, params) = (sql.to_owned(), params.to_vec());
        let run_state = state.clone();
        let (fields, plan) = self
            .spawn(context, async move {
                let planned = statement::plan_with(&state, &sql, &params).await?;
                let plan = physical(&state, &planned.plan).await?;
                Ok((planned.fields(), plan))
            })
            .await?;
        let columns = fields.iter().map(statement::result_column).collect();
        let query = run::Query { plan, task: run_state.task_ctx(), fields, snapshot };
        let stream = run::stream(&self.handle, query, context.cancel.clone());
        Ok(Execution { engine: "datafusion", columns, stream })
    }

    /// Returns the plan of a SELECT, one line each; with `analyze` it runs and says what it took.
    ///
    /// # Errors
    /// As `execute`.
    pub async fn explain(
        &self,
        sql: &str,
        params: &[Value],
        context: &QueryContext,
        analyze: bool,
    ) -> Result<Vec<String>> {
        let snapshot = self.snapshot();
        let state = self.sessions.state(context, &snapshot);
        let (sql, params) = (sql.to_owned(), params.to_vec());
        self.spawn(context, async move {
            // The files stay until the plan has run.
            let _pinned = snapshot;
            let planned = statement::plan_with(&state, &sql, &params).await?;
            let plan = physical(&state, &planned.plan).await?;
            let text = if analyze {
                run::drain(Arc::clone(&plan), state.task_ctx()).await?;
                let shown = DisplayableExecutionPlan::with_metrics(plan.as_ref());
                shown.indent(false).to_string()
            } else {
                DisplayableExecutionPlan::new(plan.as_ref()).indent(false).to_string()
            };
            Ok(text.lines().map(ToOwned::to_owned).collect())
        })
        .await
    }

    /// The state of a statement that reads no table.
    pub(super) fn statement_state(&self, context: &QueryContext) -> SessionState {
        self.sessions.state(context, &Snapshot(Arc::new(BTreeMap::new())))
    }

    fn snapshot_or(&self, snapshot: Option<&Snapshot>) -> Snapshot {
        snapshot.cloned().unwrap_or_else(|| self.snapshot())
    }

    /// Runs work on the engine's own threads, until it is done, cancelled, or no longer awaited.
    async fn spawn<T: Send + 'static>(
        &self,
        context: &QueryContext,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let span = tracing::debug_span!("datafusion");
        let task = AbortOnDropHandle::new(self.handle.spawn(work.instrument(span)));
        tokio::select! {
            biased;
            () = context.cancel.cancelled() => Err(Error::canceled("user request")),
            done = task => done.unwrap_or_else(|error| {
                Err(Error::internal(format!("planning failed: {error}")))
            }),
        }
    }
}

async fn physical(
    state: &SessionState,
    plan: &LogicalPlan,
) -> Result<Arc<dyn ::datafusion::physical_plan::ExecutionPlan>> {
    state.create_physical_plan(plan).await.map_err(|error| translate(&error))
}
