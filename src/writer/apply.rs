//! One intent to its target.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, Schema};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::Writer;
use super::applier::{already_exists, applied};
use super::define::Anew;
use super::dropped::may_drop_views;
use super::followed::tell;
use crate::engine::QueryContext;
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::intent::{Accepted, Applied, Body, DatasetChange, Intent, Storage, TagKind};
use crate::pipeline::Moved;
use crate::procedure::{Progress, Turn};
use crate::sql::Definition;
use crate::sqlstate::SqlState;
use crate::types::{self, Value};
use crate::{clock, telemetry};

/// What was done about rows that DuckDB makes no index over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    No,
    Checkpointed,
    Anew,
}

impl Writer {
    /// Applies intents one by one, each for itself.
    ///
    /// # Errors
    /// Only faults of the machine.
    pub(super) fn apply_each(&mut self, turn: &[Accepted]) -> Result<()> {
        for accepted in turn {
            let intent = &accepted.intent;
            self.shared.running.lock().current = Some((intent.seq, intent.seq));
            let span = tracing::info_span!(
                "apply",
                seq = intent.seq.0,
                kind = intent.body.kind(),
                queued_us = clock::now_us() - accepted.durable_at_us,
            );
            telemetry::set_parent(&span, intent.origin.traceparent.as_deref());
            let started = Instant::now();
            span.in_scope(|| self.apply_one(intent))?;
            telemetry::applied(1, started.elapsed());
        }
        Ok(())
    }

    pub(super) fn apply_one(&mut self, intent: &Intent) -> Result<()> {
        let result = if self.was_canceled(intent.seq) {
            Err(Error::canceled("user request"))
        } else {
            let mut tries = 1;
            let mut settled = Settled::No;
            let result = loop {
                self.applier.upkeep.forget_broken();
                match self.apply_guarded(intent) {
                    // Looked at first: a transaction that ends after this wakes the stream.
                    Err(error) if self.park_conflicted(intent, &error) => return Ok(()),
                    Err(_) if self.applier.suspend_failed() => {}
                    Err(error) if self.retries_conflict(&error, tries) => tries += 1,
                    Err(error) if self.settles_updates(&intent.body, &error, &mut settled) => {}
                    result => break result,
                }
            };
            self.applier.anew = Anew::These(BTreeSet::new());
            result
        };
        match result {
            Ok(Progress::Done(applied)) => {
                self.targets.forget_staged(intent);
                self.record(intent.seq, Ok(applied))
            }
            Ok(Progress::Later(rest)) => self.finish_later(intent, rest),
            Err(error) if error.is_fault() => Err(error),
            Err(error) => {
                let error = self.applier.explain(&intent.body, error);
                tracing::info!(seq = intent.seq.0, code = %error.code(), %error, "an intent failed");
                // Its staged file stays: the log keeps it for a retry.
                self.record(intent.seq, Err(error))
            }
        }
    }

    /// A panic of a library is the failure of its intent, not of all that come after it.
    fn apply_guarded(&mut self, intent: &Intent) -> Result<Progress> {
        let applied = catch_unwind(AssertUnwindSafe(|| self.apply(intent)));
        applied.unwrap_or_else(|_| {
            // Nothing is open when the panic came from outside of a transaction.
            let _ = self.applier.connection.rollback();
            let error = panicked(intent.seq);
            // At a restart it would panic again, so there it fails.
            Err(if self.replaying { error } else { self.statement_error(intent, error) })
        })
    }

    fn apply(&mut self, intent: &Intent) -> Result<Progress> {
        let progress = self.apply_body(intent)?;
        self.note_dataset(intent);
        Ok(progress)
    }

    fn apply_body(&mut self, intent: &Intent) -> Result<Progress> {
        match &intent.body {
            Body::Statement { .. }
            | Body::Values(_)
            | Body::Define { .. }
            | Body::Batch { .. }
            | Body::Rows { storage: Storage::DuckDb, .. } => {
                self.apply_to_duckdb(intent).map(Progress::Done)
            }
            Body::Rows { table, rows, tag, source: Some(_), .. } => {
                self.ingest_into_dataset(intent, table, rows, tag).map(Progress::Done)
            }
            Body::Rows { delivered, .. } if !delivered.is_empty() => {
                self.deliver_to_dataset(intent, delivered).map(Progress::Done)
            }
            Body::Rows { table, rows, tag, storage: Storage::Arrow, replaces, .. } => {
                let mut batches = self.targets.batches(rows)?;
                let datasets = &self.targets.datasets;
                let count = if *replaces {
                    datasets.overwrite(intent.seq, table, &mut batches)?
                } else {
                    datasets.append(intent.seq, table, &mut batches)?
                };
                Ok(Progress::Done(applied(tag, count)))
            }
            Body::Dataset(change) => self.change_dataset(intent, change).map(Progress::Done),
            Body::Transaction { .. }
            | Body::Notify { .. }
            | Body::Export(_)
            | Body::Deliver(_)
            | Body::Compute(_) => Err(Error::internal("it does not apply by itself")),
            Body::Call { procedure, args } => {
                self.applier
                    .connection
                    .adopt(&intent.origin.time_zone, &intent.origin.search_path)?;
                let mut turn = Turn {
                    seq: intent.seq,
                    origin: &intent.origin,
                    connection: &mut self.applier.connection,
                    pipelines: &self.targets.pipelines,
                    moved: Moved::default(),
                };
                // A clone of the file must not meet a commit beside the stream.
                let shared = Arc::clone(&self.shared);
                let _file = shared.crossing.file.lock();
                let progress = self.targets.procedures.run(procedure, &mut turn, args)?;
                tell(&self.targets, &turn.moved, intent.seq);
                Ok(progress)
            }
        }
    }

    /// Applies a change of DuckDB in a transaction of its own.
    fn apply_to_duckdb(&mut self, intent: &Intent) -> Result<Applied> {
        // Again where it is tried again.
        self.shared.running.lock().current = Some((intent.seq, intent.seq));
        let shared = Arc::clone(&self.shared);
        let mut dropped = may_drop_views(&intent.body).then(|| shared.crossing.dropped.lock());
        self.applier.begin()?;
        let done = self.applier.apply_intent(intent);
        match done.and_then(|applied| self.applier.settle().map(|()| applied)) {
            Ok(applied) => {
                // A COMMIT that is interrupted may have been done: it is not, from here on.
                self.shared.running.lock().current = None;
                // A constraint may fail as late as here; the transaction is gone then.
                self.applier.connection.commit(intent.seq)?;
                if let Some(dropped) = &mut dropped {
                    dropped.note(intent.seq, std::mem::take(&mut self.applier.dropped));
                }
                self.applier.settled(intent.seq);
                Ok(applied)
            }
            Err(error) => {
                self.applier.connection.rollback()?;
                self.applier.upkeep.undone();
                Err(self.statement_error(intent, error))
            }
        }
    }

    /// Tells whether a definition that failed may be tried once more: DuckDB makes no index over
    /// rows that an UPDATE or a DELETE has changed since the last checkpoint, and while a reader is
    /// older than those there is none. Then the table is made anew.
    fn settles_updates(&mut self, body: &Body, error: &Error, settled: &mut Settled) -> bool {
        let is_definition =
            matches!(body, Body::Define { .. } | Body::Statement { tag: TagKind::Fixed(_), .. });
        let makes_index = matches!(body, Body::Define { changes, .. }
            if changes.iter().any(|change| matches!(change, Definition::CreateIndex { .. })));
        // To a unique index a row that an UPDATE has put in another's place is there twice.
        let may_pass = match error.code() {
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE => is_definition,
            SqlState::UNIQUE_VIOLATION => makes_index,
            _ => false,
        };
        if !may_pass {
            return false;
        }
        if *settled == Settled::No {
            *settled = Settled::Checkpointed;
            if self.checkpoint().is_ok() {
                return true;
            }
        }
        if *settled == Settled::Anew || !makes_index {
            return false;
        }
        *settled = Settled::Anew;
        self.applier.anew = Anew::All;
        true
    }

    fn checkpoint(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let _file = shared.crossing.file.lock();
        self.applier.connection.checkpoint()
    }

    fn change_dataset(&mut self, intent: &Intent, change: &DatasetChange) -> Result<Applied> {
        let datasets = Arc::clone(&self.targets.datasets);
        let seq = intent.seq;
        match change {
            DatasetChange::Create { name, columns, if_not_exists } => {
                self.refuse_taken_by_duckdb(name)?;
                datasets.create(seq, name, columns.clone(), *if_not_exists)?;
                Ok(applied(&TagKind::Fixed("CREATE TABLE".to_owned()), 0))
            }
            DatasetChange::CreateWith { name, columns, rows } => {
                self.refuse_taken_by_duckdb(name)?;
                let mut batches = self.targets.batches(rows)?;
                let count = datasets.create_with(seq, name, columns.clone(), &mut batches)?;
                Ok(applied(&TagKind::Select, count))
            }
            DatasetChange::Rewrite { name, rows, affected, params, tag } => {
                self.rewrite_dataset(intent, name, rows, affected, params, tag)
            }
            DatasetChange::Truncate { names } => {
                for name in names {
                    datasets.replace(seq, name, &mut std::iter::empty(), 0)?;
                }
                Ok(applied(&TagKind::Fixed("TRUNCATE TABLE".to_owned()), 0))
            }
            DatasetChange::Drop { names, if_exists, cascade } => {
                if let Some(missing) = names.iter().find(|name| {
                    !if_exists && !datasets.contains(name) && !datasets.was_applied(seq, name)
                }) {
                    return Err(undefined(missing));
                }
                self.drop_readers(intent, names, *cascade)?;
                for name in names {
                    datasets.drop_dataset(seq, name, *if_exists)?;
                }
                Ok(applied(&TagKind::Fixed("DROP TABLE".to_owned()), 0))
            }
            DatasetChange::Rename { from, to } => {
                self.refuse_taken_by_duckdb(to)?;
                self.refuse_rename(from)?;
                datasets.rename(seq, from, to)?;
                Ok(applied(&TagKind::Fixed("ALTER TABLE".to_owned()), 0))
            }
        }
    }

    fn refuse_taken_by_duckdb(&mut self, name: &TableName) -> Result<()> {
        if self.applier.connection.has_table(name)? { Err(already_exists(name)) } else { Ok(()) }
    }

    /// Runs an UPDATE's or DELETE's queries over what the dataset holds at this turn.
    fn rewrite_dataset(
        &mut self,
        intent: &Intent,
        name: &TableName,
        rows: &str,
        affected: &str,
        params: &[Value],
        tag: &TagKind,
    ) -> Result<Applied> {
        let datasets = Arc::clone(&self.targets.datasets);
        if datasets.was_applied(intent.seq, name) {
            return Ok(applied(tag, datasets.rows_of(intent.seq, name)));
        }
        let pinned = datasets.pin(name).ok_or_else(|| undefined(name))?;
        let fields = pinned
            .columns
            .iter()
            .map(|column| types::storage_field(&column.column, !column.not_null))
            .collect::<Result<Vec<_>>>()?;
        drop(pinned);
        let schema = Arc::new(Schema::new(fields));
        let context = QueryContext {
            cancel: CancellationToken::new(),
            time_zone: intent.origin.time_zone.clone(),
            search_path: intent.origin.search_path.clone(),
        };
        let datafusion = Arc::clone(&self.targets.datafusion);
        let runtime = self.runtime.clone();
        let count = runtime.block_on(async {
            let mut counted = datafusion.execute(affected, params, &context, None).await?;
            let mut total = 0;
            while let Some(batch) = counted.stream.next().await {
                let batch = batch?;
                let column =
                    batch.columns().first().and_then(|c| c.as_primitive_opt::<Int64Type>());
                total += column.map_or(0, |column| column.iter().flatten().sum::<i64>());
            }
            Ok::<_, Error>(u64::try_from(total).unwrap_or(0))
        })?;
        if count == 0 {
            return Ok(applied(tag, 0));
        }
        let mut execution = runtime.block_on(datafusion.execute(rows, params, &context, None))?;
        let mut batches = std::iter::from_fn(|| {
            let next = runtime.block_on(execution.stream.next())?;
            Some(next.and_then(|batch| types::cast_batch(&batch, Arc::clone(&schema))))
        });
        datasets.replace(intent.seq, name, &mut batches, count)?;
        Ok(applied(tag, count))
    }

    /// Runs the rest of a call beside the intents that follow.
    fn finish_later(
        &self,
        intent: &Intent,
        rest: Box<dyn FnOnce() -> Result<Applied> + Send>,
    ) -> Result<()> {
        let log = Arc::clone(&self.targets.log);
        let seq = intent.seq;
        let span = tracing::info_span!("finish", seq = seq.0);
        telemetry::set_parent(&span, intent.origin.traceparent.as_deref());
        self.runtime.spawn_blocking(move || {
            let result = span.in_scope(rest);
            if let Err(error) = &result {
                tracing::warn!(seq = seq.0, %error, "a call failed after its turn");
            }
            let outcome = crate::intent::Outcome { result, applied_at_us: clock::now_us() };
            if let Err(error) = log.record_outcome(seq, outcome) {
                tracing::error!(seq = seq.0, %error, "an outcome could not be recorded");
            }
        });
        Ok(())
    }
}

impl Writer {
    /// While a statement runs, a full disk, a failed device or too little memory is the
    /// statement's own affair: its transaction is undone. Only a commit that fails leaves open
    /// what the file holds. But an intent whose client may have been told already must not fail
    /// for such a reason: then it is a fault, and the intent is applied after the next start.
    fn statement_error(&self, intent: &Intent, error: Error) -> Error {
        let of_machine = matches!(error.code().class(), "53" | "58");
        match (of_machine, self.replaying || intent.body.is_certain()) {
            (false, _) => error,
            (true, false) => statement_error(error),
            (true, true) if error.is_fault() => error,
            (true, true) => Error::new(SqlState::SYSTEM_ERROR, error.message()),
        }
    }
}

/// Makes the error of an intent that made its thread panic.
pub(super) fn panicked(seq: IntentSeq) -> Error {
    tracing::error!(seq = seq.0, "an intent made the Writer panic");
    Error::new(
        SqlState::INSUFFICIENT_RESOURCES,
        format!("intent {seq} failed by a fault of the server"),
    )
}

/// Makes a fault of the machine, met while a statement ran, the statement's own error.
pub(super) fn statement_error(error: Error) -> Error {
    if matches!(error.code().class(), "53" | "58") { error.own() } else { error }
}

fn undefined(name: &TableName) -> Error {
    Error::new(SqlState::UNDEFINED_TABLE, format!("table \"{}\" does not exist", name.table))
}
