//! The transaction lane: one session's transaction beside the stream.
//!
//! A session enters with [`WriterHandle::enter_lane`], one at a time, in the order they came. It
//! applies its statements on a connection of its own ([`HeldConnection`]), in one DuckDB
//! transaction, and ends with [`Lane::commit`], or by dropping both.
//!
//! Where DuckDB itself does not see that the two lanes are in each other's way, it is noticed here:
//! - Definitions. DuckDB lets one transaction insert into a table that the other renames or drops.
//!   So the lane holds tables by name ([`Lane::hold`]), and the stream parks what names them.
//! - An UPDATE and a DELETE of the same row: DuckDB sees only a conflict of two of the same kind.
//!   So the stream parks one kind on a table where the lane has done the other, and the lane gets
//!   40001 where the stream has since the transaction's snapshot.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::applier::Applier;
use super::crossing::{Seen, serialization_failure};
use super::define::Anew;
use super::dropped::Beside;
use super::explain::explain_apart;
use super::followed::{reload_pipelines, tell};
use super::parking::Names;
use super::{Shared, Targets, WriterHandle, stopped};
use crate::clock;
use crate::engine::duckdb::HeldConnection;
use crate::error::{Error, Result};
use crate::fail_point::{self, Point};
use crate::ids::{IntentSeq, TableName};
use crate::intent::{AppendOptions, Applied, Body, Origin, Outcome};
use crate::pipeline::{BrokenKeys, ConstraintModes, Graph, Impact, Moved};
use crate::sql::ForeignKey;
use crate::sqlstate::SqlState;
use crate::task;

impl WriterHandle {
    /// Waits for the lane, behind the sessions that wait already.
    ///
    /// # Errors
    /// 57P01 while the server goes down.
    pub async fn enter_lane(&self) -> Result<Arc<Lane>> {
        let turn = Arc::clone(&self.shared.crossing.turn);
        let permit = turn.acquire_owned().await.map_err(|_| Error::shutting_down())?;
        Ok(self.open_lane(permit))
    }

    /// Enters the lane if nobody has it.
    pub fn try_enter_lane(&self) -> Option<Arc<Lane>> {
        let turn = Arc::clone(&self.shared.crossing.turn);
        turn.try_acquire_owned().ok().map(|permit| self.open_lane(permit))
    }

    fn open_lane(&self, permit: OwnedSemaphorePermit) -> Arc<Lane> {
        let mut state = self.shared.crossing.state.lock();
        state.open = true;
        state.forget_touched();
        let since = state.seen();
        drop(state);
        Arc::new(Lane {
            shared: Arc::clone(&self.shared),
            targets: Arc::clone(&self.targets),
            since,
            permit: Mutex::new(Some(permit)),
            definitions: AtomicUsize::new(0),
            graph: Mutex::new(None),
            moved: Mutex::default(),
            broken_keys: Mutex::default(),
            graph_before: self.targets.pipelines.graph(),
        })
    }

    /// Applies a change that is nobody else's: of a temporary table, outside of a transaction.
    ///
    /// # Errors
    /// The statement's own.
    pub async fn apply_alone(
        &self,
        on: &HeldConnection,
        origin: &Origin,
        body: Body,
        cancel: &CancellationToken,
    ) -> Result<Applied> {
        let (targets, origin) = (Arc::clone(&self.targets), origin.clone());
        on.write(cancel, move |connection| {
            let mut applier = Applier::new(targets, connection);
            let applied = applier.apply(&origin, &body);
            (applier.connection, applied)
        })
        .await
    }

    /// What a snapshot taken from now on contains at least.
    pub fn seen(&self) -> Seen {
        self.shared.crossing.state.lock().seen()
    }

    /// Tells how long an intent has been waiting for the lane's transaction; `None` when it does
    /// not.
    pub fn parked_for(&self, seq: IntentSeq) -> Option<Duration> {
        let state = self.shared.crossing.state.lock();
        state.parked.get(&seq).map(Instant::elapsed)
    }
}

/// The right to be the one transaction beside the stream; dropping it gives it up.
pub struct Lane {
    shared: Arc<Shared>,
    targets: Arc<Targets>,
    /// What the transaction's snapshot contains at least.
    pub since: Seen,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    /// How many changes of definitions the log knows to be under way.
    definitions: AtomicUsize,
    /// The views as the transaction has defined them, if it has.
    graph: Mutex<Option<Arc<Graph>>>,
    /// The views that it has changed.
    moved: Mutex<Moved>,
    /// The foreign keys that it has to mend before its end.
    broken_keys: Mutex<BrokenKeys>,
    /// The views that were committed when it began.
    graph_before: Arc<Graph>,
}

/// What a transaction leaves in the log.
pub struct Committed {
    pub statements: Vec<String>,
    pub tables: BTreeSet<TableName>,
    pub rows: u64,
    pub options: AppendOptions,
    /// The connection is kept, for the session's temporary tables.
    pub keep: bool,
}

impl Lane {
    /// Holds tables until the end of the transaction: what the stream has taken already is applied
    /// before this returns, what comes later and names them waits for the end.
    ///
    /// # Errors
    /// 58030 when the Writer has stopped.
    pub async fn hold(&self, tables: BTreeSet<TableName>) -> Result<()> {
        if tables.is_empty() {
            return Ok(());
        }
        let crossing = &self.shared.crossing;
        // What has its place by now may be acknowledged already: it is applied first.
        let placed = self.targets.log.begin_definitions();
        self.definitions.fetch_add(1, Ordering::SeqCst);
        let names = Names::Tables(tables);
        crossing.state.lock().held.push((placed, names.clone()));
        loop {
            let further = crossing.further.notified();
            {
                let state = crossing.state.lock();
                if state.handled >= placed && !state.is_late(placed, &names) {
                    return Ok(());
                }
                if state.stopped {
                    return Err(Error::new(SqlState::IO_ERROR, "the Writer has stopped"));
                }
            }
            further.await;
        }
    }

    /// The transaction has begun again: what it has said of views is undone.
    pub fn forget_views(&self) {
        *self.graph.lock() = None;
        *self.moved.lock() = Moved::default();
        self.broken_keys.lock().clear();
    }

    /// Says that definitions are changed without tables being held.
    pub fn defines(&self) {
        if self.definitions.load(Ordering::SeqCst) == 0 {
            self.targets.log.begin_definitions();
            self.definitions.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Applies one change inside the transaction that is open on the connection, whose snapshot
    /// contains everything up to `since`.
    ///
    /// # Errors
    /// 40001 for a conflict with another transaction; what the statement itself gives otherwise.
    pub async fn apply(
        &self,
        on: &HeldConnection,
        since: Seen,
        origin: &Origin,
        body: &Arc<Body>,
        modes: &ConstraintModes,
        cancel: &CancellationToken,
    ) -> Result<Applied> {
        let graph = self.graph();
        let impact = graph.impact(body);
        self.shared.crossing.state.lock().touch(since, &graph, body, &impact)?;
        if let Some(table) = body.table().filter(|_| !graph.is_empty())
            && self.targets.pipelines.has_moved_since(&graph, table, since.place)
        {
            return Err(serialization_failure("refresh of a materialized view"));
        }
        let rewritten = match **body {
            Body::Define { .. } => self.shared.crossing.state.lock().rewritten(),
            _ => BTreeSet::new(),
        };
        let beside = Beside { shared: Arc::clone(&self.shared), since };
        let (targets, origin) = (Arc::clone(&self.targets), origin.clone());
        let body = Arc::clone(body);
        let (modes, broken_keys) = (modes.clone(), self.broken_keys.lock().clone());
        let (applied, redefined, moved, broken_keys) = on
            .write(cancel, move |connection| {
                let mut applier = Applier::new(Arc::clone(&targets), connection);
                applier.resume(graph);
                (applier.upkeep.modes, applier.upkeep.broken_keys) = (modes, broken_keys);
                applier.anew = Anew::These(rewritten);
                applier.beside = Some(beside);
                let applied = applier.apply(&origin, &body);
                let applied = applied.and_then(|applied| applier.settle().map(|()| applied));
                let broken = applier.upkeep.broken();
                let applied =
                    applied.map_err(|error| explain_apart(&targets, &body, broken, error));
                // Tried again, the transaction does without that view.
                let applied = match applier.suspend_failed() {
                    true => Err(serialization_failure("failure of a materialized view")),
                    false => applied,
                };
                let broken = std::mem::take(&mut applier.upkeep.broken_keys);
                let told = (applier.redefined(), applier.upkeep.moved().clone());
                (applier.connection, applied.map(|applied| (applied, told.0, told.1, broken)))
            })
            .await?;
        self.moved.lock().and(moved);
        *self.broken_keys.lock() = broken_keys;
        if let Some(graph) = redefined {
            *self.graph.lock() = Some(graph);
        }
        Ok(applied)
    }

    /// The definitions that the transaction sees.
    pub fn graph(&self) -> Arc<Graph> {
        let own = self.graph.lock().clone();
        own.unwrap_or_else(|| self.targets.pipelines.graph())
    }

    /// Looks at the foreign keys that the transaction has broken, but for those that the modes
    /// leave until its end.
    ///
    /// # Errors
    /// 23503 for one that is broken still.
    pub async fn check_keys(
        &self,
        on: &HeldConnection,
        modes: Option<ConstraintModes>,
        cancel: &CancellationToken,
    ) -> Result<()> {
        let broken_keys = self.broken_keys.lock().clone();
        if broken_keys.is_empty() {
            return Ok(());
        }
        let (targets, graph) = (Arc::clone(&self.targets), self.graph());
        let left = on
            .write(cancel, move |connection| {
                let mut applier = Applier::new(targets, connection);
                applier.resume(graph);
                applier.upkeep.broken_keys = broken_keys;
                let concerns = |key: &ForeignKey| modes.as_ref().is_none_or(|m| !m.defers(key));
                let Applier { connection, upkeep, .. } = &mut applier;
                let checked = upkeep.check_broken_keys(connection, concerns);
                let left = std::mem::take(&mut applier.upkeep.broken_keys);
                (applier.connection, checked.map(|()| left))
            })
            .await?;
        *self.broken_keys.lock() = left;
        Ok(())
    }

    /// Appends the transaction to the log, commits it in DuckDB together with its place, and
    /// records the outcome. Runs to its end even when nobody waits for it any more.
    ///
    /// # Errors
    /// Whatever keeps it from being committed; then nothing of it is left.
    pub async fn commit(
        self: &Arc<Self>,
        on: HeldConnection,
        origin: Origin,
        committed: Committed,
    ) -> Result<IntentSeq> {
        let lane = Arc::clone(self);
        let work = task::spawn("commit", async move {
            let result = lane.commit_now(&on, origin, committed).await;
            drop(on);
            lane.end();
            result
        });
        work.await.map_err(|error| Error::internal(format!("a commit failed: {error}")))?
    }

    async fn commit_now(
        &self,
        on: &HeldConnection,
        origin: Origin,
        committed: Committed,
    ) -> Result<IntentSeq> {
        let Committed { statements, tables, rows, options, keep } = committed;
        self.refuse_new_views(&tables)?;
        let tables = tables.into_iter().collect();
        let body = Body::Transaction { statements, tables };
        let ticket = self.targets.log.append_with(origin, body, options).await?;
        let seq = ticket.seq;
        if ticket.is_repeat {
            // Another session was faster with the same key.
            on.end(keep, |connection| connection.rollback()).await?;
            return match ticket.outcome.await {
                Ok(outcome) => outcome.result.map(|_| seq),
                Err(_) => Err(self.targets.log.outcome_unknown(seq)),
            };
        }
        let shared = Arc::clone(&self.shared);
        let ended = on
            .end(keep, move |connection| {
                let _file = shared.crossing.file.lock();
                connection.commit_apart(seq)
            })
            .await;
        if let Err(error) = &ended
            && error.is_fault()
        {
            // Nobody knows whether it is in the file: the next start finds out.
            self.targets.log.stop(stopped(error));
            return Err(self.targets.log.commit_unknown(seq));
        }
        self.note_touched(seq);
        if ended.is_ok() {
            self.tell_all(seq).await;
        }
        let log = Arc::clone(&self.targets.log);
        let result = match &ended {
            Ok(()) => {
                Ok(Applied { tag: "COMMIT".to_owned(), rows, result: None, drawn: Vec::new() })
            }
            Err(error) => Err(error.clone()),
        };
        let outcome = Outcome { result, applied_at_us: clock::now_us() };
        fail_point::pass_or_crash(Point::OutcomeBeforeRecord);
        task::blocking(move || log.record_outcome(seq, outcome)).await?;
        fail_point::pass_or_crash(Point::OutcomeAfterRecord);
        ended.map(|()| seq)
    }

    /// Tells the others what the transaction has done, now that it is committed.
    async fn tell_all(&self, seq: IntentSeq) {
        let (graph, moved) = (self.graph.lock().take(), self.moved.lock().clone());
        if graph.is_none() && moved.files.is_empty() {
            return tell(&self.targets, &moved, seq);
        }
        let targets = Arc::clone(&self.targets);
        let told = task::blocking(move || {
            if let Some(graph) = graph {
                reload_pipelines(&targets, graph);
            }
            tell(&targets, &moved, seq);
            Ok(())
        });
        if let Err(error) = told.await {
            tracing::error!(%error, "what a transaction has done could not be told");
        }
    }

    /// What a snapshot taken from now on contains at least.
    pub fn seen(&self) -> Seen {
        self.shared.crossing.state.lock().seen()
    }

    /// A view that was made since does not have what the transaction has written.
    fn refuse_new_views(&self, tables: &BTreeSet<TableName>) -> Result<()> {
        let graph = self.targets.pipelines.graph();
        let same = Arc::ptr_eq(&graph, &self.graph_before);
        let touched: Vec<TableName> =
            self.shared.crossing.state.lock().touched.keys().cloned().collect();
        let mut all = tables.iter().chain(&touched);
        if !same && all.any(|table| graph.reads_otherwise(&self.graph_before, table)) {
            return Err(serialization_failure(
                "definition of a materialized view, a trigger or a foreign key",
            ));
        }
        Ok(())
    }

    /// From now on these are changes that a snapshot may be older than.
    fn note_touched(&self, seq: IntentSeq) {
        let mut state = self.shared.crossing.state.lock();
        let impact: Impact = std::mem::take(&mut state.touched).into_iter().collect();
        state.note_impact(seq, &impact);
    }

    /// Gives the lane up; its transaction is over.
    pub fn end(&self) {
        let Some(permit) = self.permit.lock().take() else { return };
        let crossing = &self.shared.crossing;
        let mut state = crossing.state.lock();
        state.open = false;
        state.forget_touched();
        state.held.clear();
        let waiting = !state.parked.is_empty();
        drop(state);
        for _ in 0..self.definitions.swap(0, Ordering::SeqCst) {
            self.targets.log.end_definitions();
        }
        if waiting {
            crossing.wake.notify_one();
        }
        drop(permit);
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.end();
    }
}
