//! The decision: where a statement goes, and what is done there.
//!
//! - `storage.rs`: which storage a statement's tables have.
//! - `read.rs`: a read's engine, its description, its running; `plan.rs`: what is kept of that.
//! - `analyze.rs`: the types that PostgreSQL would infer, over the tables' columns.
//! - `exists.rs`: whether a name is taken.
//! - `call.rs`: which procedure a CALL means; `algorithm.rs`: what it computes, of an algorithm.
//! - `routines.rs`: the functions and procedures that users wrote.
//! - `kept.rs`: the catalogue's copy in tables, where it may answer.
//! - `explain.rs`: EXPLAIN, which names the engine and the reason; `explained_plan.rs`: DuckDB's
//!   plan in PostgreSQL's words.
//! - `write/`: a write to the body of an intent; `view.rs`: rows of views over datasets.
//! - `barrier.rs`: reads wait for what was acknowledged before them.
//! - `shapes.rs`: what tables look like, for INSERTs of plain values.
//! - `column_cache.rs`: columns of DuckDB tables that INSERTs name often.
//! - `default_cache.rs`: their defaults.
//! - `rows.rs`: result rows of a query to rows that travel with an intent.
//!
//! Not here: sessions and transactions (`session`), applying (`writer`).

mod algorithm;
mod analyze;
mod barrier;
mod call;
mod column_cache;
mod default_cache;
mod exists;
mod explain;
mod explained_plan;
mod kept;
mod plan;
mod read;
mod rights;
mod routines;
mod rows;
mod shapes;
mod storage;
mod view;
mod write;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::algorithm::Algorithms;
use crate::dataset::DatasetStore;
use crate::engine::QueryContext;
use crate::engine::datafusion::{DataFusionEngine, Snapshot as DatasetSnapshot};
use crate::engine::duckdb::{Access, DuckDb, HeldConnection, OwnCatalog};
use crate::error::{Error, Result};
use crate::intent::IntentLog;
use crate::pipeline::Registry;
use crate::procedure::Procedures;
use crate::sql::rewrite::{Drawn, Moment, NameContext, SessionFacts, SessionIntents, SessionRoles};
use crate::types::InputStyle;

pub use algorithm::AlgorithmCall;
pub use call::{Called, output_columns};
pub use column_cache::ColumnCache;
pub use default_cache::DefaultCache;
pub use explain::{ExplainOptions, Explained};
pub use read::{Engine, EngineChoice};
pub use rights::{Rights, denied};
pub use rows::{RowsSink, STAGED_FOLDER};
pub use shapes::Shapes;
pub use write::{Condition, IngestTarget, Target, null_value};

/// What a statement needs to know of its session.
#[derive(Clone)]
pub struct StatementContext {
    pub query: QueryContext,
    /// The role that statements run as.
    pub user: String,
    /// The role that the session was opened with.
    pub session_user: String,
    /// The current role may do only what it was granted.
    pub is_restricted: bool,
    pub pid: i32,
    /// What the session knows of its intents.
    pub intents: SessionIntents,
    /// `teatree.engine`.
    pub engine: EngineSetting,
    /// Where a table lives that does not say it.
    pub default_access_method: String,
    /// Of a REPEATABLE READ transaction, or of one that has written.
    pub snapshot: Option<Snapshot>,
    /// How old what a read sees may be, where less than all that was acknowledged is enough.
    pub max_staleness: Option<Duration>,
    /// What `now()` and its like mean: fixed for a write, and inside a transaction.
    pub moment: Option<Moment>,
    /// What the session has drawn from sequences.
    pub drawn: Drawn,
    /// How the session reads texts.
    pub input_style: InputStyle,
    /// The session has temporary tables.
    pub has_temporary: bool,
    /// A copy of the catalogue as the session sees it, for a statement that asks nothing else.
    pub own_catalog: Option<Arc<OwnCatalog>>,
    /// The write is kept and made again and again, with other definitions than now's around it: it
    /// must say all that views and triggers of its table need to know.
    pub for_later: bool,
    /// `check_function_bodies`.
    pub checks_bodies: bool,
    /// A query's rows must be read when the write has its turn: what comes before it in the same
    /// intent is part of what it sees.
    pub unstaged: bool,
}

impl StatementContext {
    /// The connection that the session's statements run on, while it has one of its own.
    pub(crate) fn held(&self) -> Option<&HeldConnection> {
        match self.own_catalog {
            Some(_) => None,
            None => self.snapshot.as_ref().map(|snapshot| &snapshot.held),
        }
    }

    /// Tells whether the statement belongs to a transaction with definitions of its own.
    pub(crate) fn has_own_definitions(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|snapshot| snapshot.defines)
    }

    /// Tells whether the session may see other definitions than others do, or older ones.
    pub(crate) fn has_own_view(&self) -> bool {
        self.has_temporary || self.snapshot.is_some()
    }

    /// The datasets as the transaction sees them.
    pub(crate) fn pinned(&self) -> Option<&DatasetSnapshot> {
        self.snapshot.as_ref().and_then(|snapshot| snapshot.datasets.as_deref())
    }
}

/// What all statements of a transaction run on.
#[derive(Clone)]
pub struct Snapshot {
    pub held: HeldConnection,
    /// `None` where each statement sees the latest.
    datasets: Option<Arc<DatasetSnapshot>>,
    /// The transaction may have changes that only its own connection sees.
    pub writes: bool,
    /// It has changed definitions: what is remembered of tables is not so for it.
    pub defines: bool,
    /// No transaction is open: each statement has one of its own.
    pub is_loose: bool,
}

impl Snapshot {
    /// Statements run on a session's own connection, each for itself.
    pub fn loose(held: HeldConnection) -> Snapshot {
        Snapshot { held, datasets: None, writes: false, defines: false, is_loose: true }
    }
}

/// The values of `teatree.engine`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineSetting {
    Auto,
    DuckDb,
    DataFusion,
}

impl EngineSetting {
    /// Reads a checked value of the setting.
    pub fn parse(value: &str) -> EngineSetting {
        match value {
            "duckdb" => EngineSetting::DuckDb,
            "datafusion" => EngineSetting::DataFusion,
            _ => EngineSetting::Auto,
        }
    }
}

/// Routes statements to engines and to the log. Shared by all sessions.
pub struct Router {
    pub database: String,
    pub data_dir: PathBuf,
    pub duckdb: Arc<DuckDb>,
    pub datafusion: Arc<DataFusionEngine>,
    pub datasets: Arc<DatasetStore>,
    pub procedures: Arc<Procedures>,
    pub algorithms: Algorithms,
    pub pipelines: Arc<Registry>,
    pub columns: ColumnCache,
    pub shapes: Shapes,
    pub log: Arc<IntentLog>,
    pub defaults: DefaultCache,
}

impl Router {
    /// Pins one moment of both storages; the transaction may go on to write, if it has access.
    pub async fn snapshot(&self, access: Access, context: &StatementContext) -> Result<Snapshot> {
        self.wait_for_all_promised(context).await?;
        let held = self.duckdb.hold(access, &context.query).await?;
        let datasets = Some(Arc::new(self.datafusion.snapshot()));
        Ok(Snapshot { held, datasets, writes: false, defines: false, is_loose: false })
    }

    /// The same on a connection that the session has already.
    pub async fn snapshot_on(
        &self,
        held: HeldConnection,
        access: Access,
        context: &StatementContext,
    ) -> Result<Snapshot> {
        self.wait_for_all_promised(context).await?;
        held.begin(access, &context.query.cancel).await?;
        let datasets = Some(Arc::new(self.datafusion.snapshot()));
        Ok(Snapshot { held, datasets, writes: false, defines: false, is_loose: false })
    }

    /// Begins a transaction of DuckDB that writes.
    pub async fn hold_to_write(
        &self,
        own: Option<HeldConnection>,
        context: &StatementContext,
    ) -> Result<Snapshot> {
        self.wait_for_all_promised(context).await?;
        let held = match own {
            Some(held) => {
                held.begin(Access::ReadWrite, &context.query.cancel).await?;
                held
            }
            None => self.duckdb.hold(Access::ReadWrite, &context.query).await?,
        };
        Ok(Snapshot { held, datasets: None, writes: true, defines: false, is_loose: false })
    }

    /// Keeps the schemas of a search path that exist.
    pub async fn existing_schemas(
        &self,
        wanted: &[String],
        snapshot: Option<&Snapshot>,
    ) -> Result<Vec<String>> {
        let existing = match snapshot {
            Some(snapshot) => snapshot.held.schemas().await?,
            None => self.duckdb.schemas().await?,
        };
        let of_datasets: Vec<String> =
            self.datasets.list().iter().map(|manifest| manifest.name.schema.clone()).collect();
        Ok(wanted
            .iter()
            .filter(|name| existing.contains(name) || of_datasets.contains(name))
            .cloned()
            .collect())
    }

    fn names(&self, context: &StatementContext) -> NameContext {
        NameContext {
            database: self.database.clone(),
            search_path: context.query.search_path.clone(),
            session: SessionFacts::new(
                SessionRoles {
                    current: context.user.clone(),
                    own: context.session_user.clone(),
                    is_restricted: context.is_restricted,
                },
                context.pid,
                context.intents.clone(),
                context.moment,
                context.drawn.clone(),
            ),
            input_style: context.input_style,
            relations: Arc::default(),
            param_types: Vec::new(),
            catalog: &crate::catalog::Catalog,
            kept: None,
        }
    }

    /// Refuses a name of another database.
    fn check_database(&self, tables: &[crate::sql::TableRef]) -> Result<()> {
        for table in tables {
            if let Some(database) = table.database.as_ref().filter(|name| **name != self.database) {
                return Err(Error::unsupported(format!(
                    "cross-database references are not implemented: \"{database}.{}.{}\"",
                    table.schema.as_deref().unwrap_or_default(),
                    table.table
                )));
            }
        }
        Ok(())
    }
}
