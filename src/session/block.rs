//! Writes inside a transaction.
//!
//! The first one takes the transaction lane; from then on every statement of the session runs on
//! the lane's connection, and COMMIT makes one intent of them all. A transaction that changes a
//! dataset waits with it until COMMIT: it may change one dataset, once, and nothing else.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::idempotency::Sent;
use super::transaction::Open;
use super::written::Deferred;
pub(super) use super::written::{Scope, Writes};
use super::{Session, StatementGuard, Transaction};
use crate::engine::duckdb::HeldConnection;
use crate::error::{Error, Result};
use crate::fail_point::{self, Point};
use crate::ids::TableName;
use crate::intent::{AppendOptions, Applied, Body, Origin, Storage};
use crate::pipeline::ConstraintModes;
use crate::router::StatementContext;
use crate::sqlstate::SqlState;
use crate::writer::{Committed, Lane};

/// How often the first write of a READ COMMITTED transaction is tried on a fresh snapshot.
const FIRST_WRITE_TRIES: u32 = 8;

impl Session {
    /// Applies a write inside the open transaction.
    ///
    /// # Errors
    /// 0A000 for what a transaction cannot do; 55P03 when the lane is not free in time; 40001 for
    /// a conflict; the statement's own.
    pub(super) async fn write_in_transaction(
        &mut self,
        text: &str,
        body: Body,
        holds: BTreeSet<TableName>,
        scope: Scope,
        context: &StatementContext,
        guard: &StatementGuard,
    ) -> Result<Applied> {
        let defines = scope == Scope::Definitions;
        if body.storage() == Some(Storage::Arrow) {
            return self.defer(text, body, context, guard).await;
        }
        let origin = self.origin(text, context);
        let bytes_max = self.services.config.savepoint_bytes_max;
        if let Transaction::Open(open) = &self.transaction {
            if open.writes.deferred.is_some() {
                return Err(mixed());
            }
            let over = open.writes.bytes + body.size() + text.len() > bytes_max;
            if over && !open.savepoints.is_empty() {
                return Err(too_large_for_savepoints());
            }
        }
        self.enter_lane(guard).await?;
        self.hold_tables(holds, guard).await?;
        let body = Arc::new(body);
        let data_dir = &self.services.router.data_dir;
        let staged = body.staged_path().map(|path| data_dir.join(path));
        let Transaction::Open(open) = &mut self.transaction else { return Err(not_open()) };
        if let (true, Some(lane)) = (defines, &open.writes.lane) {
            lane.defines();
            open.snapshot.iter_mut().for_each(|snapshot| snapshot.defines = true);
        }
        open.writes.staged.0.extend(staged);
        open.writes.half_done = true;
        let modes = open.modes.clone();
        let applied = open.apply(&origin, &body, &modes, guard).await?;
        open.writes.half_done = false;
        open.writes.defines |= defines;
        if scope == Scope::Session {
            // The session will need the connection after the transaction, too.
            open.keeps_connection = true;
        }
        open.writes.keep(origin, body, &applied, scope, bytes_max);
        Ok(applied)
    }

    /// Takes the transaction lane, behind those who wait for it already.
    pub(super) async fn enter_lane(&mut self, guard: &StatementGuard) -> Result<()> {
        let Transaction::Open(open) = &self.transaction else { return Err(not_open()) };
        if open.writes.lane.is_some() {
            return Ok(());
        }
        let writer = self.services.writer.clone();
        let lane = self.within_lock_timeout(writer.enter_lane(), guard).await??;
        self.use_lane(lane, guard).await
    }

    /// Runs the transaction's statements in a lane from now on.
    pub(super) async fn use_lane(&mut self, lane: Arc<Lane>, guard: &StatementGuard) -> Result<()> {
        let context = self.context(guard).await?;
        let own = self.temp.connection().cloned();
        let Transaction::Open(open) = &mut self.transaction else { return Err(not_open()) };
        open.begun = true;
        if open.snapshot.is_none() {
            open.snapshot = Some(self.services.router.hold_to_write(own, &context).await?);
            open.since = lane.since;
        }
        if let Some(snapshot) = &mut open.snapshot {
            snapshot.writes = true;
            let attached: Arc<Lane> = Arc::clone(&lane);
            snapshot.held.attach(attached);
        }
        open.writes.lane = Some(lane);
        Ok(())
    }

    /// Holds tables for the transaction; nobody else changes them until its end.
    pub(super) async fn hold_tables(
        &mut self,
        tables: BTreeSet<TableName>,
        guard: &StatementGuard,
    ) -> Result<()> {
        let Transaction::Open(open) = &self.transaction else { return Err(not_open()) };
        let Some(lane) = open.writes.lane.clone() else { return Err(not_open()) };
        if tables.is_empty() {
            return Ok(());
        }
        self.within_lock_timeout(lane.hold(tables), guard).await??;
        // What was committed while this waited belongs to what the statement sees.
        let Transaction::Open(open) = &mut self.transaction else { return Err(not_open()) };
        if open.may_begin_again()
            && let Some(snapshot) = &open.snapshot
        {
            let since = self.services.writer.seen();
            snapshot.held.begin_again(&guard.token()).await?;
            open.since = since;
        }
        Ok(())
    }

    /// Waits for a lock.
    ///
    /// # Errors
    /// 55P03 after `lock_timeout`, 57014 when the statement is stopped.
    pub(super) async fn within_lock_timeout<T>(
        &self,
        work: impl Future<Output = T>,
        guard: &StatementGuard,
    ) -> Result<T> {
        let limit = self.settings.timeout("lock_timeout");
        let token = guard.token();
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = token.cancelled() => Err(Error::canceled("user request")),
            () = sleep(limit) => Err(lock_timeout()),
        }
    }

    /// Keeps a dataset's change for COMMIT.
    async fn defer(
        &mut self,
        text: &str,
        body: Body,
        context: &StatementContext,
        _guard: &StatementGuard,
    ) -> Result<Applied> {
        let applied = self.services.router.foresee(&body, context).await?;
        let Transaction::Open(open) = &mut self.transaction else { return Err(not_open()) };
        if open.writes.lane.is_some() {
            return Err(mixed());
        }
        if open.writes.deferred.is_some() {
            return Err(Error::unsupported(
                "a transaction can change one Arrow dataset, with one statement",
            )
            .with_hint("COMMIT after each statement that changes a dataset."));
        }
        let text = text.to_owned();
        open.writes.deferred = Some(Deferred { text, body, context: context.clone() });
        Ok(applied)
    }

    /// Makes the transaction's writes durable and visible.
    ///
    /// # Errors
    /// Whatever keeps it from being committed; nothing of it is left then.
    pub(super) async fn commit_writes(
        &mut self,
        open: &mut Open,
        guard: &StatementGuard,
    ) -> Result<()> {
        let mut writes = std::mem::take(&mut open.writes);
        if let Some(Deferred { text, body, context }) = writes.deferred.take() {
            let key = self.take_transaction_key()?;
            let mut sent = Sent::new("");
            sent.and(&text, &body);
            if self.claim(key, sent, guard).await?.is_some() {
                return Ok(());
            }
            return self.append(&text, body, &context, guard).await.map(drop);
        }
        let Some(snapshot) = open.snapshot.take() else { return Ok(()) };
        let Some(lane) = writes.lane.take() else {
            if open.keeps_connection {
                snapshot.held.end(true, |connection| connection.rollback()).await?;
            }
            return Ok(());
        };
        let keep = open.keeps_connection;
        let at_commit = self.temp.at_commit();
        if !at_commit.is_empty() {
            let token = guard.token();
            let done = snapshot.held.write(&token, move |mut connection| {
                let done = at_commit.iter().try_for_each(|sql| connection.run(sql));
                (connection, done)
            });
            done.await?;
        }
        if writes.is_empty() {
            let ended = snapshot.held.end(keep, |connection| connection.commit_unnoticed()).await;
            lane.end();
            return ended;
        }
        let checked = lane.check_keys(&snapshot.held, None, &guard.token()).await;
        if checked.is_err() {
            end(&snapshot.held, &lane, keep).await?;
            return checked;
        }
        let key = self.take_transaction_key()?;
        let sent = writes.sent.take().unwrap_or_else(|| Sent::new(""));
        if self.claim(key, sent, guard).await?.is_some() {
            // It has been committed before.
            return end(&snapshot.held, &lane, keep).await;
        }
        let context = self.context(guard).await?;
        let origin = self.origin("COMMIT", &context);
        let committed = Committed {
            statements: std::mem::take(&mut writes.history),
            tables: std::mem::take(&mut writes.tables),
            rows: writes.rows,
            keep,
            options: AppendOptions {
                cancel: CancellationToken::new(),
                ..self.append_options(guard)
            },
        };
        let done = lane.commit(snapshot.held, origin, committed).await;
        fail_point::pass_or_crash(Point::BeforeReply);
        if let Ok(seq) = &done {
            self.note_intent(*seq);
        }
        if writes.defines {
            self.services.router.columns.forget();
        }
        done.map(drop).map_err(conflict)
    }
}

impl Open {
    /// Tells whether something was written, or is to be at COMMIT.
    pub(super) fn has_written(&self) -> bool {
        !self.writes.is_empty()
    }

    /// Tells whether nothing would be lost by another snapshot.
    fn may_begin_again(&self) -> bool {
        !self.isolation.fixes_snapshot() && self.writes.is_empty() && self.writes.steps.is_empty()
    }

    /// Applies one body. The first write of a READ COMMITTED transaction that meets a conflict is
    /// tried again on the data of that moment.
    async fn apply(
        &mut self,
        origin: &Origin,
        body: &Arc<Body>,
        modes: &ConstraintModes,
        guard: &StatementGuard,
    ) -> Result<Applied> {
        let mut tries = 1;
        loop {
            let result = self.apply_once(origin, body, modes, guard).await;
            let conflicts = matches!(&result, Err(error)
                if error.code() == SqlState::SERIALIZATION_FAILURE);
            if !conflicts || !self.may_begin_again() || tries == FIRST_WRITE_TRIES {
                return result.map_err(conflict);
            }
            tokio::time::sleep(Duration::from_millis(1 << tries)).await;
            tries += 1;
            if let (Some(snapshot), Some(lane)) = (&self.snapshot, &self.writes.lane) {
                self.since = lane.seen();
                snapshot.held.begin_again(&guard.token()).await?;
            }
        }
    }

    pub(super) async fn apply_once(
        &self,
        origin: &Origin,
        body: &Arc<Body>,
        modes: &ConstraintModes,
        guard: &StatementGuard,
    ) -> Result<Applied> {
        let (Some(snapshot), Some(lane)) = (&self.snapshot, &self.writes.lane) else {
            return Err(not_open());
        };
        lane.apply(&snapshot.held, self.since, origin, body, modes, &guard.token()).await
    }

    /// Undoes what was written and waits until that is done.
    pub(super) async fn roll_back(&mut self) {
        let keep = self.keeps_connection;
        if let (Some(snapshot), Some(lane)) = (&self.snapshot, &self.writes.lane)
            && let Err(error) = end(&snapshot.held, lane, keep).await
        {
            tracing::debug!(%error, "a transaction was closed instead of rolled back");
        }
        if let (Some(snapshot), None, true) = (&self.snapshot, &self.writes.lane, keep) {
            let _ = snapshot.held.end(true, |connection| connection.rollback()).await;
        }
        self.give_up();
    }
}

/// Undoes the transaction of a connection and gives the lane up.
async fn end(held: &HeldConnection, lane: &Arc<Lane>, keep: bool) -> Result<()> {
    let ended = held.end(keep, |connection| connection.rollback()).await;
    lane.end();
    ended
}

async fn sleep(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// DuckDB's conflict in PostgreSQL's words.
fn conflict(error: Error) -> Error {
    if error.code() != SqlState::SERIALIZATION_FAILURE
        || error.message().starts_with("could not serialize")
    {
        return error;
    }
    Error::new(
        SqlState::SERIALIZATION_FAILURE,
        "could not serialize access due to concurrent update",
    )
    .with_detail(format!("DuckDB says: {}.", error.message().trim_end_matches('.')))
    .with_hint("Run the transaction again.")
}

pub(super) fn lock_timeout() -> Error {
    Error::new(SqlState::LOCK_NOT_AVAILABLE, "canceling statement due to lock timeout")
}

pub(super) fn too_large_for_savepoints() -> Error {
    Error::new(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        "the transaction has written too much to have savepoints",
    )
    .with_hint("Raise savepoint_bytes_max, or leave SAVEPOINT out.")
}

fn mixed() -> Error {
    Error::unsupported("a transaction cannot change both DuckDB tables and Arrow datasets")
        .with_hint("Use two transactions.")
}

fn not_open() -> Error {
    Error::internal("no transaction is open")
}
