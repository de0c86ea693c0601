//! Reads: pooled connections, each statement in a read-only transaction of its own, or a session's
//! connection (`held.rs`); the result is streamed.
//!
//! A connection costs little; the pool exists to bound how many reads run at once
//! (`reads_max`). **Invariant:** a reader whose transaction may be open never returns to the pool.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use futures::StreamExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::capi::{Connection, Interrupter, Prepared, QueryResult, StatementType};
use super::held::{HeldConnection, Taken};
use super::instance::DuckDb;
use crate::catalog;
use crate::engine::{BatchStream, Execution, QueryContext};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::task;
use crate::types::{Column, PgType, Value};

/// One fetch takes at most this long before what it has is sent on.
const FETCH_TIME: Duration = Duration::from_millis(5);
/// One fetch gathers at most this many bytes of Arrow.
const FETCH_BYTES: usize = 4 << 20;
/// How often an interrupt is repeated until the query has ended: DuckDB forgets one that comes
/// while it prepares.
const INTERRUPT_AGAIN: Duration = Duration::from_millis(20);

/// What DuckDB could tell of a statement; `None` stands where a parameter's type is needed first.
#[derive(Clone, Debug)]
pub struct PartialDescription {
    pub params: Vec<Option<PgType>>,
    pub columns: Option<Vec<Column>>,
}

/// A connection that waits for the next read, with the session settings that it has.
pub(super) struct Idle {
    pub(super) connection: Connection,
    pub(super) time_zone: String,
    pub(super) search_path: Vec<String>,
    /// Counted while it may have a transaction open; dropped after the connection.
    pub(super) counted: Option<Arc<()>>,
}

/// A connection in use.
struct Reader {
    on: On,
    /// Bounds the reads that run; a suspended portal gives it back between its pages.
    _permit: OwnedSemaphorePermit,
}

/// Whose connection a reader uses.
enum On {
    /// The pool's: the statement has a transaction of its own.
    Pool(Idle, Arc<DuckDb>),
    /// The session's, with its transaction open.
    Held(Taken),
}

impl DuckDb {
    /// Describes a statement without running it.
    pub async fn describe(
        self: &Arc<Self>,
        sql: &str,
        context: &QueryContext,
        held: Option<&HeldConnection>,
    ) -> Result<PartialDescription> {
        let described = |prepared: &Prepared| PartialDescription {
            params: prepared.params(),
            columns: prepared.columns(),
        };
        self.prepared(sql, context, held, described).await
    }

    /// Prepares a statement and looks at it.
    pub(super) async fn prepared<T: Send + 'static>(
        self: &Arc<Self>,
        sql: &str,
        context: &QueryContext,
        held: Option<&HeldConnection>,
        look: impl FnOnce(&Prepared) -> T + Send + 'static,
    ) -> Result<T> {
        let mut reader = self.reader(context, held).await?;
        let sql = sql.to_owned();
        let interrupter = reader.idle().connection.interrupter();
        let work = tokio::task::spawn_blocking(move || {
            reader.begin()?;
            let prepared = reader.idle().connection.prepare_expanded(&sql)?;
            let seen = look(&prepared);
            drop(prepared);
            reader.finish();
            Ok(seen)
        });
        joined(work, &interrupter, &context.cancel).await
    }

    /// Runs a read and streams its rows.
    ///
    /// # Errors
    /// 25006 when DuckDB finds that the statement is not a read; what DuckDB says otherwise.
    pub async fn execute(
        self: &Arc<Self>,
        sql: &str,
        params: Vec<Value>,
        context: &QueryContext,
        held: Option<&HeldConnection>,
    ) -> Result<Execution> {
        let (columns, _, stream) = self.execute_with_schema(sql, params, context, held).await?;
        Ok(Execution { engine: "duckdb", columns, stream })
    }

    pub(super) async fn execute_with_schema(
        self: &Arc<Self>,
        sql: &str,
        params: Vec<Value>,
        context: &QueryContext,
        held: Option<&HeldConnection>,
    ) -> Result<(Vec<Column>, SchemaRef, BatchStream)> {
        let mut reader = self.reader(context, held).await?;
        let sql = sql.to_owned();
        let interrupter = reader.idle().connection.interrupter();
        let cancel = context.cancel.clone();
        let stopped = cancel.clone();
        let work = tokio::task::spawn_blocking(move || {
            let mut result = match reader.start(&sql, &params)? {
                Started::Running(result) => result,
                Started::Failed(columns, error) => return Ok(Begun::Failed(columns, error)),
            };
            let columns = result.columns().to_vec();
            let schema = Arc::clone(result.schema());
            // An error in the first rows belongs behind their description, as in PostgreSQL.
            // Two, since the second tells that a small result has ended: it is complete in one go.
            let first = fetch_many(&mut result, &stopped, 2);
            let running = Running { result, reader };
            match first {
                Ok(Fetched { batches, ended: true }) => {
                    running.finish();
                    Ok(Begun::Complete(columns, schema, batches))
                }
                first => Ok(Begun::Running(columns, schema, running, first)),
            }
        });
        let (columns, schema, running, first) = match joined(work, &interrupter, &cancel).await? {
            Begun::Running(columns, schema, running, first) => (columns, schema, running, first),
            Begun::Complete(columns, schema, batches) => {
                let stream = futures::stream::iter(batches.into_iter().map(Ok)).boxed();
                return Ok((columns, schema, stream));
            }
            Begun::Failed(columns, error) => {
                let stream = futures::stream::iter([Err(error)]).boxed();
                return Ok((columns, Arc::new(Schema::empty()), stream));
            }
        };
        let mut rows =
            Rows { state: State::Idle(running), ready: VecDeque::new(), interrupter, cancel };
        match first {
            Ok(first) => {
                rows.ready.extend(first.batches.into_iter().map(Ok));
                rows.fetch_ahead();
            }
            Err(error) => rows.fail(error),
        }
        let stream = futures::stream::unfold(rows, |mut rows| async move {
            let next = rows.next().await;
            next.map(|batch| (batch, rows))
        });
        Ok((columns, schema, stream.fuse().boxed()))
    }

    /// Lists the schemas of the data file, in PostgreSQL's words.
    pub async fn schemas(self: &Arc<Self>) -> Result<Vec<String>> {
        let database = Arc::clone(self);
        task::blocking(move || database.schemas_blocking()).await
    }

    /// Runs a small query of the server's own over the catalog, all of whose columns are text; NULL
    /// is empty text.
    pub async fn text_rows(
        self: &Arc<Self>,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Vec<Vec<String>>> {
        let database = Arc::clone(self);
        task::blocking(move || {
            let mut connection = database.database.connect()?;
            super::instance::text_rows_with(&mut connection, sql, &params)
        })
        .await
    }

    /// Lists the schemas of the data file, in PostgreSQL's words. Blocks.
    pub fn schemas_blocking(&self) -> Result<Vec<String>> {
        super::instance::schemas(&mut self.database.connect()?)
    }

    async fn reader(
        self: &Arc<Self>,
        context: &QueryContext,
        held: Option<&HeldConnection>,
    ) -> Result<Reader> {
        let slots = Arc::clone(&self.slots);
        let permit = tokio::select! {
            permit = slots.acquire_owned() => permit.map_err(|_| Error::shutting_down())?,
            () = context.cancel.cancelled() => return Err(Error::canceled("user request")),
        };
        let on = match held {
            Some(held) => On::Held(held.take(&context.cancel).await?),
            None => On::Pool(self.idle_connection(context)?, Arc::clone(self)),
        };
        let mut reader = Reader { on, _permit: permit };
        reader.idle().adopt(context)?;
        Ok(reader)
    }

    /// Takes the idle connection whose settings fit best, or opens one.
    pub(super) fn idle_connection(&self, context: &QueryContext) -> Result<Idle> {
        let found = {
            let mut idle = self.idle.lock();
            let fits = idle.iter().rposition(|idle| {
                idle.time_zone == context.time_zone && idle.search_path == context.search_path
            });
            match fits {
                Some(index) => Some(idle.swap_remove(index)),
                None => idle.pop(),
            }
        };
        let mut idle = match found {
            Some(idle) => idle,
            None => Idle::new(self.database.connect()?),
        };
        idle.counted = Some(Arc::clone(&self.counted));
        Ok(idle)
    }
}

impl Idle {
    /// A new connection, which has no session's settings yet.
    pub(super) fn new(connection: Connection) -> Idle {
        Idle {
            connection,
            time_zone: String::new(),
            search_path: vec![String::new()],
            counted: None,
        }
    }

    /// Moves the connection out of what is about to be dropped.
    pub(super) fn hand_over(&mut self) -> Idle {
        Idle {
            connection: self.connection.hand_over(),
            time_zone: std::mem::take(&mut self.time_zone),
            search_path: std::mem::take(&mut self.search_path),
            counted: self.counted.take(),
        }
    }

    /// Gives the connection the session's settings.
    fn adopt(&mut self, context: &QueryContext) -> Result<()> {
        if self.time_zone != context.time_zone {
            let zone = context.time_zone.replace('\'', "''");
            self.connection.execute(&format!("SET SESSION TimeZone = '{zone}'"))?;
            self.time_zone.clone_from(&context.time_zone);
        }
        if self.search_path != context.search_path {
            let path = catalog::duckdb_search_path(&context.search_path).replace('\'', "''");
            self.connection.execute(&format!("SET SESSION search_path = '{path}'"))?;
            self.search_path.clone_from(&context.search_path);
        }
        Ok(())
    }
}

impl Reader {
    fn start(&mut self, sql: &str, params: &[Value]) -> Result<Started> {
        self.begin()?;
        let mut prepared: Prepared = self.idle().connection.prepare_expanded(sql)?;
        if prepared.statement_type() == StatementType::Other {
            return Err(Error::new(
                SqlState::READ_ONLY_SQL_TRANSACTION,
                "this statement came in as a read, but DuckDB says that it is none",
            ));
        }
        prepared.bind(params)?;
        let described = prepared.columns();
        match (prepared.run(true), described) {
            (Ok(result), _) => Ok(Started::Running(result)),
            (Err(error), Some(columns)) => Ok(Started::Failed(columns, error)),
            (Err(error), None) => Err(error),
        }
    }

    fn idle(&mut self) -> &mut Idle {
        match &mut self.on {
            On::Pool(idle, _) => idle,
            On::Held(taken) => &mut taken.idle,
        }
    }

    /// Begins the statement's own transaction; in a session's there is one.
    fn begin(&mut self) -> Result<()> {
        match &mut self.on {
            On::Pool(idle, _) => idle.connection.execute("BEGIN TRANSACTION READ ONLY"),
            On::Held(_) => Ok(()),
        }
    }

    /// Ends the transaction and gives the connection back. A connection that cannot end it is
    /// closed instead.
    fn finish(self) {
        // A session's goes back by itself.
        let On::Pool(mut idle, database) = self.on else { return };
        if idle.connection.execute("COMMIT").is_ok() {
            idle.counted = None;
            let mut pool = database.idle.lock();
            if pool.len() < database.reads_max {
                pool.push(idle);
            }
        }
    }
}

/// A statement that was prepared and started. One that fails while it computes fails behind the
/// description of its rows, as in PostgreSQL.
enum Started {
    Running(QueryResult),
    Failed(Vec<Column>, Error),
}

enum Begun {
    Running(Vec<Column>, SchemaRef, Running, Result<Fetched>),
    /// The rows are all there, and the connection is given back.
    Complete(Vec<Column>, SchemaRef, Vec<RecordBatch>),
    Failed(Vec<Column>, Error),
}

/// A result and the connection it lives on; dropped in this order.
struct Running {
    result: QueryResult,
    reader: Reader,
}

impl Running {
    fn finish(self) {
        drop(self.result);
        self.reader.finish();
    }
}

struct Fetched {
    batches: Vec<RecordBatch>,
    ended: bool,
}

fn fetch_many(
    result: &mut QueryResult,
    cancel: &CancellationToken,
    most: usize,
) -> Result<Fetched> {
    let started = Instant::now();
    let mut batches = Vec::new();
    let mut bytes = 0;
    while batches.len() < most && bytes < FETCH_BYTES && started.elapsed() < FETCH_TIME {
        if cancel.is_cancelled() {
            return Err(Error::canceled("user request"));
        }
        match result.fetch()? {
            Some(batch) => {
                bytes += batch.get_array_memory_size();
                batches.push(batch);
            }
            None => return Ok(Fetched { batches, ended: true }),
        }
    }
    Ok(Fetched { batches, ended: false })
}

/// The stream's state: the next rows are fetched while the last ones are sent.
struct Rows {
    state: State,
    ready: VecDeque<Result<RecordBatch>>,
    interrupter: Interrupter,
    cancel: CancellationToken,
}

enum State {
    Idle(Running),
    Fetching(JoinHandle<Result<(Running, Fetched)>>),
    Done,
}

impl Rows {
    async fn next(&mut self) -> Option<Result<RecordBatch>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Some(batch);
            }
            self.fetch_ahead();
            match self.wait().await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Waits for the fetch under way; `false` at the end.
    async fn wait(&mut self) -> Result<bool> {
        let State::Fetching(fetch) = std::mem::replace(&mut self.state, State::Done) else {
            return Ok(false);
        };
        let (running, fetched) = joined(fetch, &self.interrupter, &self.cancel).await?;
        self.ready.extend(fetched.batches.into_iter().map(Ok));
        self.state = State::Idle(running);
        if fetched.ended {
            self.end();
        } else {
            self.fetch_ahead();
        }
        Ok(true)
    }

    fn fetch_ahead(&mut self) {
        if !matches!(self.state, State::Idle(_)) {
            return;
        }
        if let State::Idle(mut running) = std::mem::replace(&mut self.state, State::Done) {
            let cancel = self.cancel.clone();
            self.state = State::Fetching(tokio::task::spawn_blocking(move || {
                let fetched = fetch_many(&mut running.result, &cancel, usize::MAX)?;
                Ok((running, fetched))
            }));
        }
    }

    /// The rows end with an error; the connection is closed with its transaction.
    fn fail(&mut self, error: Error) {
        self.state = State::Done;
        self.ready.push_back(Err(error));
    }

    fn end(&mut self) {
        if let State::Idle(running) = std::mem::replace(&mut self.state, State::Done) {
            running.finish();
        }
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Done => {}
            // The task ends by the interrupt and drops the connection on its own thread.
            State::Fetching(_) => self.interrupter.interrupt(),
            State::Idle(running) => {
                drop(tokio::task::spawn_blocking(move || drop(running)));
            }
        }
    }
}

/// Waits for blocking work on a connection; interrupts it, until it has ended, when `cancel` says.
pub(super) async fn joined<T: Send + 'static>(
    mut work: JoinHandle<Result<T>>,
    interrupter: &Interrupter,
    cancel: &CancellationToken,
) -> Result<T> {
    let outcome = tokio::select! {
        outcome = &mut work => outcome,
        () = cancel.cancelled() => loop {
            interrupter.interrupt();
            match tokio::time::timeout(INTERRUPT_AGAIN, &mut work).await {
                Ok(outcome) => break outcome,
                Err(_) => continue,
            }
        },
    };
    outcome.unwrap_or_else(|error| Err(Error::internal(format!("a read failed: {error}"))))
}
