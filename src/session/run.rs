//! One statement to its outcome.

use std::pin::pin;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use futures::StreamExt;
use parking_lot::Mutex;
use tracing::Instrument;

use super::transaction::Open;
use super::{CopySession, Session, StatementGuard, Transaction};
use crate::engine::BatchStream;
use crate::engine::duckdb::Access;
use crate::error::{Error, Result};
use crate::router::{ExplainOptions, StatementContext};
use crate::sql::{CopyIn, CopyOut, Kind, Read, Statement, TransactionStatement};
use crate::sqlstate::SqlState;
use crate::telemetry::{self, StatementTimer};
use crate::types::{self, Column, PgType, Value};

/// What a statement gives its client.
pub enum Outcome {
    Rows(Box<Rows>),
    /// The command tag of a statement without rows.
    Done(String),
    CopyIn(Box<CopySession>),
    /// Rows that go out as a COPY's stream.
    CopyOut(Box<Rows>, Box<CopyOut>),
    Empty,
}

/// Rows on their way to the client.
pub struct Rows {
    pub columns: Vec<Column>,
    /// In a mutex only because a session is shared between threads by reference; never contended.
    stream: Mutex<BatchStream>,
    pub tag: RowsTag,
    /// What was fetched and not sent: a batch and how many of its rows were.
    pub rest: Option<(RecordBatch, usize)>,
    /// The engine that gives them, for metrics.
    engine: &'static str,
    /// Runs until the last row is sent.
    timer: Option<StatementTimer>,
}

/// The command tag after the rows.
pub enum RowsTag {
    /// A word, then the number of rows that this Execute sent.
    Counted(&'static str),
    Fixed(String),
}

impl RowsTag {
    /// Builds the tag.
    pub fn with_rows(&self, rows: u64) -> String {
        match self {
            RowsTag::Counted(word) => format!("{word} {rows}"),
            RowsTag::Fixed(tag) => tag.clone(),
        }
    }
}

impl Rows {
    /// Makes rows of a stream.
    pub fn new(columns: Vec<Column>, stream: BatchStream, tag: RowsTag) -> Rows {
        Rows { columns, stream: Mutex::new(stream), tag, rest: None, engine: "none", timer: None }
    }

    /// Takes the rest of the rows into memory, so that their connection is free.
    ///
    /// # Errors
    /// 53400 when they are more than `bytes_max`.
    pub(super) async fn gather(&mut self, bytes_max: usize) -> Result<()> {
        let mut batches = Vec::new();
        let mut bytes = 0;
        while let Some(batch) = self.next().await? {
            bytes += batch.get_array_memory_size();
            if bytes > bytes_max {
                return Err(Error::new(
                    SqlState::CONFIGURATION_LIMIT_EXCEEDED,
                    "an open portal has too many rows left to run another statement beside it",
                )
                .with_hint("Fetch them first, or raise portal_bytes_max."));
            }
            batches.push(Ok(batch));
        }
        *self.stream.get_mut() = futures::stream::iter(batches).boxed();
        Ok(())
    }

    /// Waits for the next batch; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        self.stream.get_mut().next().await.transpose()
    }

    /// Makes rows of texts: what SHOW and EXPLAIN give.
    pub(super) fn texts(columns: &[&str], rows: &[Vec<String>], tag: &str) -> Result<Rows> {
        let described = columns.iter().map(|name| Column::new(*name, PgType::TEXT)).collect();
        let fields: Vec<Field> =
            columns.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
        let arrays = (0..columns.len())
            .map(|index| {
                let texts = rows.iter().map(|row| row.get(index).map(String::as_str));
                Arc::new(texts.collect::<StringArray>()) as ArrayRef
            })
            .collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|error| Error::internal(error.to_string()))?;
        let stream = futures::stream::iter([Ok(batch)]).boxed();
        Ok(Rows::new(described, stream, RowsTag::Fixed(tag.to_owned())))
    }
}

impl Session {
    /// Runs a statement. An error fails an open transaction; positions in errors are the client's.
    pub async fn run(
        &mut self,
        statement: &Statement,
        types: &[Option<PgType>],
        params: Vec<Value>,
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        self.note_comment(statement);
        let mut timer = StatementTimer::start(kind_name(&statement.kind));
        let span = tracing::info_span!("statement", kind = kind_name(&statement.kind));
        telemetry::set_parent(&span, statement.comment.traceparent.as_deref());
        let mut outcome = {
            let work = pin!(self.run_kind(statement, types, params, guard));
            work.instrument(span).await
        };
        if let Ok(Outcome::Rows(rows) | Outcome::CopyOut(rows, _)) = &mut outcome {
            timer.on(rows.engine);
            rows.timer = Some(timer);
        }
        outcome.map_err(|error| {
            let error = guard.explain(statement.locate(error));
            self.fail();
            error
        })
    }

    pub(super) async fn run_kind(
        &mut self,
        statement: &Statement,
        types: &[Option<PgType>],
        params: Vec<Value>,
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        self.check_not_failed(&statement.kind)?;
        Box::pin(self.check_rights(statement, guard)).await?;
        match &statement.kind {
            Kind::Empty => Ok(Outcome::Empty),
            // Boxed, but for writes: what moves with every statement is the largest of the states.
            Kind::Read(read) => Box::pin(self.read(statement, read, types, params, guard)).await,
            Kind::Explain { analyze, json, statement: inner } => {
                let options = ExplainOptions { analyze: *analyze, json: *json };
                Box::pin(self.explain(inner, options, types, params, guard)).await
            }
            Kind::Write(write) => {
                self.check_may_write(&write.tag().with_rows(0))?;
                self.write(statement, write, types, params, guard).await
            }
            Kind::Call(_) | Kind::ChangingWith(_) | Kind::InTurn(_) => {
                Box::pin(self.run_parts(statement, types, &params, guard)).await
            }
            Kind::CopyIn(copy) => Box::pin(self.copy_in(statement, copy, guard)).await,
            Kind::CopyOut(copy) => match &copy.file {
                Some(file) => {
                    Box::pin(self.copy_to_file(copy, file, guard)).await.map(Outcome::Done)
                }
                None => {
                    let query = self.run_kind(&copy.query, &[], Vec::new(), guard);
                    copy_out(Box::pin(query).await?, copy)
                }
            },
            Kind::Transaction(control) => {
                self.control_transaction(control, guard).await.map(Outcome::Done)
            }
            Kind::Setting(setting) if setting.is_role() => {
                Box::pin(self.control_role(setting, statement, guard)).await.map(Outcome::Done)
            }
            Kind::Setting(setting) => self.control_setting(setting),
            Kind::LockTable(lock) => self.lock_tables(lock, guard).await.map(Outcome::Done),
            Kind::Listen(_) | Kind::Unlisten(_) | Kind::Notify { .. } => {
                self.run_notification(&statement.kind)
            }
            Kind::Cursor(cursor) => {
                Box::pin(self.cursor(cursor, &statement.text, types, params, guard)).await
            }
            Kind::Advisory(calls) => self.advisory(calls, &params, guard).await,
            Kind::Prepare { name, types, statement: inner } => {
                let mut declared = types.clone();
                declared.resize(declared.len().max(inner.param_count), None);
                let prepared = super::Prepared::new(Some(Arc::clone(inner)), declared);
                self.prepare(name, prepared.by_sql(&statement.text))?;
                Ok(Outcome::Done("PREPARE".to_owned()))
            }
            Kind::Execute { name, args } => {
                let prepared = self.prepared(name)?;
                let values =
                    args.iter().map(|arg| arg.value(&params)).collect::<Result<Vec<_>>>()?;
                let values = self.coerce_arguments(&prepared, values, guard).await?;
                let Some(inner) = &prepared.statement else { return Ok(Outcome::Empty) };
                Box::pin(self.run_kind(inner, &prepared.types(), values, guard)).await
            }
            Kind::Deallocate(name) => self.deallocate(name.as_deref()).map(Outcome::Done),
            Kind::Discard(tag) => self.discard(tag).map(Outcome::Done),
            Kind::Nothing(tag) => Ok(Outcome::Done((*tag).to_owned())),
        }
    }

    /// Runs a statement that is run as several.
    async fn run_parts(
        &mut self,
        statement: &Statement,
        types: &[Option<PgType>],
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        match &statement.kind {
            Kind::Call(call) => self.call(statement, call, types, params, guard).await,
            Kind::ChangingWith(with) => {
                self.check_may_write("SELECT")?;
                self.changing_with(statement, with, types, params, guard).await
            }
            Kind::InTurn(count) => {
                self.check_may_write("SELECT")?;
                self.in_turn(statement, *count, types, params, guard).await
            }
            _ => Err(Error::internal("a statement without parts")),
        }
    }

    async fn read(
        &mut self,
        statement: &Statement,
        read: &Read,
        types: &[Option<PgType>],
        params: Vec<Value>,
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        self.take_snapshot(guard).await?;
        let computed;
        let statement = if statement.calls_session() {
            computed = self.with_session_values(statement, &params)?;
            &computed
        } else {
            statement
        };
        let intents = self.intents_for(statement, &params, guard).await?;
        Box::pin(self.show_own(statement, guard)).await?;
        let context = StatementContext { intents, ..self.context(guard).await? };
        self.check_not_deferred(read, &context)?;
        let execution = self
            .services
            .router
            .read(statement, read, types, params, &context)
            .instrument(tracing::info_span!("execute"))
            .await?;
        let tag = RowsTag::Counted("SELECT");
        let mut rows = Rows::new(execution.columns, execution.stream, tag);
        rows.engine = execution.engine;
        Ok(Outcome::Rows(Box::new(rows)))
    }

    async fn copy_in(
        &mut self,
        statement: &Statement,
        copy: &CopyIn,
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        self.check_may_write("COPY FROM")?;
        let context = self.context(guard).await?;
        let router = &self.services.router;
        let target = if self.temp.has(&copy.table) {
            router.temporary_target(copy, &context).await?
        } else {
            router.copy_target(copy, &context).await?
        };
        let copy = CopySession::new(self, statement, copy, target, &context)?;
        Ok(Outcome::CopyIn(Box::new(copy)))
    }

    /// Gives EXECUTE's literals the types of the statement's parameters.
    pub(super) async fn coerce_arguments(
        &self,
        prepared: &super::Prepared,
        values: Vec<Value>,
        guard: &StatementGuard,
    ) -> Result<Vec<Value>> {
        let types = self.describe(prepared, guard).await?.params;
        if types.len() != values.len() {
            return Err(Error::syntax("wrong number of parameters for prepared statement")
                .with_detail(format!(
                    "Expected {} parameters but got {}.",
                    types.len(),
                    values.len()
                )));
        }
        let style = self.settings.input_style();
        values
            .into_iter()
            .zip(types)
            .map(|(value, pg_type)| match value {
                Value::Text(text) => types::from_text(pg_type, &text, style),
                other => Ok(other),
            })
            .collect()
    }

    /// Refuses everything but its end in a failed transaction.
    ///
    /// # Errors
    /// 25P02.
    pub fn check_not_failed(&self, kind: &Kind) -> Result<()> {
        let ends = matches!(
            kind,
            Kind::Empty
                | Kind::Transaction(
                    TransactionStatement::Commit { .. }
                        | TransactionStatement::Rollback { .. }
                        | TransactionStatement::RollbackTo(_)
                )
        );
        if matches!(self.transaction, Transaction::Failed(_)) && !ends {
            return Err(Error::new(
                SqlState::IN_FAILED_SQL_TRANSACTION,
                "current transaction is aborted, commands ignored until end of transaction block",
            ));
        }
        Ok(())
    }

    pub(super) fn check_may_write(&self, what: &str) -> Result<()> {
        let word = what.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let read_only = match &self.transaction {
            Transaction::Open(open) => open.read_only,
            _ => self.settings.is_on("default_transaction_read_only"),
        };
        if read_only {
            return Err(Error::new(
                SqlState::READ_ONLY_SQL_TRANSACTION,
                format!("cannot execute {word} in a read-only transaction"),
            ));
        }
        Ok(())
    }

    /// Refuses what is a transaction of its own inside of another.
    pub(super) fn check_alone(&self, what: &str) -> Result<()> {
        match &self.transaction {
            Transaction::Open(open) if !open.implicit || open.has_written() => Err(
                Error::unsupported(format!("{what} inside a transaction block is not supported"))
                    .with_hint("It is a transaction of its own: use autocommit."),
            ),
            _ => Ok(()),
        }
    }

    /// Tells whether writes belong to a transaction of several statements.
    pub(super) fn is_in_block(&self) -> bool {
        matches!(self.transaction, Transaction::Open(_))
    }

    /// The first query of a REPEATABLE READ transaction fixes what all of its queries see.
    pub(super) async fn take_snapshot(&mut self, guard: &StatementGuard) -> Result<()> {
        let wants = match &self.transaction {
            Transaction::Open(open) => open.isolation.fixes_snapshot() && open.snapshot.is_none(),
            _ => return Ok(()),
        };
        let since = self.services.writer.seen();
        let snapshot = if wants {
            let context = self.context(guard).await?;
            let router = &self.services.router;
            Some(match self.temp.connection() {
                Some(own) => router.snapshot_on(own.clone(), self.access(), &context).await?,
                None => router.snapshot(self.access(), &context).await?,
            })
        } else {
            None
        };
        if let Transaction::Open(open) = &mut self.transaction {
            let open: &mut Open = open;
            open.begun = true;
            if snapshot.is_some() {
                open.snapshot = snapshot;
                open.since = since;
            }
        }
        Ok(())
    }

    fn access(&self) -> Access {
        match &self.transaction {
            Transaction::Open(open) if !open.read_only => Access::ReadWrite,
            _ => Access::ReadOnly,
        }
    }

    /// A dataset's change waits for COMMIT, so that what it will have changed cannot be read yet.
    fn check_not_deferred(&self, read: &Read, context: &StatementContext) -> Result<()> {
        let Transaction::Open(open) = &self.transaction else { return Ok(()) };
        let path = &context.query.search_path;
        match open.writes.deferred_table() {
            Some(name)
                if read.tables.iter().any(|table| table.candidates(path).any(|t| t == *name)) =>
            {
                Err(Error::unsupported(format!(
                    "\"{}\" is an Arrow dataset that this transaction has changed: it can be read after COMMIT",
                    name.table
                )))
            }
            _ => Ok(()),
        }
    }
}

/// Makes a query's rows those of a COPY.
fn copy_out(queried: Outcome, copy: &CopyOut) -> Result<Outcome> {
    let Outcome::Rows(mut rows) = queried else {
        return Err(Error::unsupported("COPY TO STDOUT needs a query"));
    };
    rows.tag = RowsTag::Counted("COPY");
    Ok(Outcome::CopyOut(rows, Box::new(copy.clone())))
}

fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Empty => "empty",
        Kind::Read(_) => "read",
        Kind::Explain { .. } => "explain",
        Kind::Write(_) | Kind::ChangingWith(_) | Kind::InTurn(_) => "write",
        Kind::Call(_) => "call",
        Kind::CopyIn(_) | Kind::CopyOut(_) => "copy",
        Kind::Transaction(_) => "transaction",
        Kind::Setting(_) => "setting",
        Kind::LockTable(_) | Kind::Advisory(_) => "lock",
        Kind::Cursor(_) => "cursor",
        Kind::Listen(_) | Kind::Unlisten(_) | Kind::Notify { .. } => "notify",
        Kind::Prepare { .. } => "prepare",
        Kind::Execute { .. } => "execute",
        Kind::Deallocate(_) | Kind::Discard(_) | Kind::Nothing(_) => "session",
    }
}
