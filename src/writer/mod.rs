//! The one task that changes data: intents in, in order; outcomes out.
//!
//! - `batch.rs`: which intents share a DuckDB transaction, and which of them fails it.
//! - `apply.rs`: one intent to its target.
//! - `applier.rs`: a change of DuckDB inside an open transaction.
//! - `drawing.rs`: rows that draw from sequences, and what they drew.
//! - `lane.rs`: one session's transaction beside the stream; `crossing.rs`: what both know of
//!   each other.
//! - `deleted.rs`: tables of which deleted rows may be seen still.
//! - `dropped.rs`: views that the one drops while the other renames what they read.
//! - `park.rs`, `parking.rs`: what the stream passes over meanwhile.
//! - `bulk.rs`: big appends, beside the stream.
//! - `followed.rs`: materialized views in the transactions that change their tables.
//! - `dataset_readers.rs`: materialized views, when the datasets that they read change.
//! - `sources.rs`: what was ingested, written down with its rows.
//! - `explain.rs`: a broken key in PostgreSQL's words.
//! - `define/`: changes of definitions that have to look at the catalog.
//! - `recover.rs`: at start, what the log holds beyond what the targets have; `recovered.rs`: the
//!   outcome of what they have.
//!
//! **Invariants:** intents are applied in the order of the log; each target keeps its IntentSeq
//! together with its data; an intent that fails by its own fault changes nothing and stops
//! nobody; a fault of the machine stops the Writer, and with it all writes, until restart.

mod applier;
mod apply;
mod batch;
mod bulk;
mod crossing;
mod dataset_readers;
mod define;
mod drawing;
mod deleted;
mod dropped;
mod explain;
mod followed;
mod lane;
mod park;
mod parking;
mod recover;
mod recovered;
mod sources;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::clock;
use crate::dataset::DatasetStore;
use crate::engine::datafusion::DataFusionEngine;
use crate::engine::duckdb::DuckDb;
use crate::error::{Error, Result};
use crate::fail_point::{self, Point};
use crate::ids::IntentSeq;
use crate::intent::{Accepted, Applied, Body, IntentLog, Outcome, fault_code};
use crate::notification::Notifications;
use crate::outbox::Outbox;
use crate::pipeline::{Graph, Registry, recover_outbox};
use crate::procedure::Procedures;

use applier::Applier;
use bulk::{BulkLane, BulkStop};
use crossing::Crossing;
pub use deleted::DeletedRows;
use park::Next;

pub use crossing::Seen;
pub use lane::{Committed, Lane};

/// How many intents one DuckDB transaction may hold.
const BATCH_INTENTS_MAX: usize = 4096;
/// Bytes of rows and statements after which a transaction takes no more.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// How many intents may be set aside before the stream says so with a transaction of its own.
const ASIDE_MAX: usize = 1024;

/// Everything that the Writer works on.
pub struct Targets {
    pub data_dir: PathBuf,
    pub duckdb: Arc<DuckDb>,
    pub datasets: Arc<DatasetStore>,
    /// Of its own, so that no read can occupy the threads that an UPDATE of a dataset needs.
    pub datafusion: Arc<DataFusionEngine>,
    pub procedures: Arc<Procedures>,
    pub pipelines: Arc<Registry>,
    pub notifications: Arc<Notifications>,
    pub log: Arc<IntentLog>,
    pub deleted: DeletedRows,
    /// The server has run before in this process: reads must go on, whatever becomes of writes.
    pub reopened: bool,
    /// Rows that RETURNING may give back.
    pub outcome_rows_max: usize,
    /// Intents that may wait for the end of another session's transaction.
    pub parked_intents_max: usize,
    /// Bytes of rows that are kept for repeats of an intent with an idempotency key.
    pub kept_rows_bytes_max: usize,
    /// How long rows that are acknowledged already may wait for more.
    pub apply_delay: Duration,
    /// Appends of at least so many staged bytes are applied beside the stream.
    pub bulk_bytes_min: u64,
}

/// What sessions ask of the Writer: to stop the intent that they wait for, and the lane.
#[derive(Clone)]
pub struct WriterHandle {
    shared: Arc<Shared>,
    targets: Arc<Targets>,
}

struct Shared {
    running: Mutex<Running>,
    crossing: Crossing,
}

#[derive(Default)]
struct Running {
    /// The places under way, first and last.
    current: Option<(IntentSeq, IntentSeq)>,
    canceled: std::collections::BTreeSet<IntentSeq>,
    interrupt: Option<Arc<dyn Fn() + Send + Sync>>,
    /// The append that is applied apart.
    bulk: Option<BulkStop>,
}

impl WriterHandle {
    /// Asks that an intent be stopped: it is not begun, or interrupted. Either way its outcome
    /// says what happened.
    pub fn cancel(&self, seq: IntentSeq) {
        let mut running = self.shared.running.lock();
        running.canceled.insert(seq);
        // An intent that shares its transaction with others is not interrupted: it is short.
        if running.current == Some((seq, seq))
            && let Some(interrupt) = &running.interrupt
        {
            interrupt();
        }
        if let Some(bulk) = &running.bulk {
            bulk.cancel(seq);
        }
        drop(running);
        self.shared.crossing.wake.notify_one();
    }
}

/// The Writer's own state, on its own thread.
struct Writer {
    targets: Arc<Targets>,
    /// The stream: what is applied in the log's order.
    applier: Applier,
    shared: Arc<Shared>,
    runtime: Handle,
    /// The last intent that came.
    received: IntentSeq,
    parked_max: usize,
    /// What is applied was promised before the last start.
    replaying: bool,
    bulk: BulkLane,
    /// How many intents were waiting at the last turn that somebody waited for.
    last_turn: usize,
}

/// Recovers, then starts the Writer's thread. It ends when the log closes its channel.
///
/// # Errors
/// What recovery finds; nothing is served then.
pub fn start(
    targets: Targets,
    accepted: mpsc::Receiver<Accepted>,
    runtime: Handle,
) -> Result<(WriterHandle, std::thread::JoinHandle<()>)> {
    let mut connection = targets.duckdb.write_connection()?;
    recover_outbox(&Outbox::new(&targets.data_dir), &mut connection)?;
    targets.pipelines.set(Arc::new(Graph::load(&mut connection)?));
    let parked_max = targets.parked_intents_max;
    let crossing = Crossing::new();
    let shared = Arc::new(Shared { running: Mutex::default(), crossing });
    shared.running.lock().interrupt = Some(Arc::new(connection.interrupter()));
    let targets = Arc::new(targets);
    let handle = WriterHandle { shared: Arc::clone(&shared), targets: Arc::clone(&targets) };
    let applier = Applier::new(Arc::clone(&targets), connection);
    let received = targets.log.last_durable();
    let bulk = BulkLane::start(&targets, &shared)?;
    let mut writer = Writer {
        targets,
        applier,
        shared,
        runtime,
        received,
        parked_max,
        bulk,
        last_turn: 0,
        replaying: true,
    };
    let recovered = writer.recover();
    writer.replaying = false;
    match recovered {
        Err(error) if writer.targets.reopened && error.is_fault() => {
            tracing::error!(%error, "the log cannot be replayed: only reads go on");
            writer.targets.log.stop(stopped(&error));
        }
        recovered => recovered?,
    }
    writer.came_to(&[]);
    let thread = std::thread::Builder::new()
        .name("writer".to_owned())
        .stack_size(64 << 20)
        .spawn(move || writer.run(accepted))
        .map_err(|error| Error::io("could not start the Writer's thread", &error))?;
    Ok((handle, thread))
}

impl Writer {
    fn run(mut self, mut accepted: mpsc::Receiver<Accepted>) {
        if let Err(error) = self.stream(&mut accepted) {
            tracing::error!(%error, "the Writer stops: the machine failed");
            self.targets.log.stop(stopped(&error));
        } else {
            if let Err(error) = self.applier.connection.checkpoint() {
                tracing::warn!(%error, "no checkpoint at the end; the next start replays DuckDB's log");
            }
            tracing::info!("the Writer has applied everything");
        }
        self.shared.crossing.state.lock().stopped = true;
        self.shared.crossing.further.notify_waiters();
    }

    /// Applies what comes until nothing comes any more.
    ///
    /// # Errors
    /// Only faults of the machine.
    fn stream(&mut self, accepted: &mut mpsc::Receiver<Accepted>) -> Result<()> {
        let mut waiting: Vec<Accepted> = Vec::new();
        loop {
            if waiting.is_empty() {
                match self.next(accepted) {
                    Next::Take(first) => self.take(first, &mut waiting),
                    Next::LookAgain => {}
                    Next::Ended => return self.drain(),
                }
            }
            self.gather(accepted, &mut waiting);
            self.apply_released()?;
            if !waiting.is_empty() {
                let count = batch::length(&waiting, self.targets.bulk_bytes_min);
                let turn = waiting.drain(..count).collect();
                let turn = self.admit(turn)?;
                self.take_turn(&turn)?;
            }
            self.came_to(&waiting);
            self.note_aside()?;
        }
    }

    /// Takes an intent that it is to apply; passes over one that is applied apart.
    fn take(&mut self, accepted: Accepted, waiting: &mut Vec<Accepted>) {
        self.received = accepted.intent.seq;
        match accepted.intent.body {
            Body::Transaction { .. } => self.applier.connection.set_aside(accepted.intent.seq),
            _ => waiting.push(accepted),
        }
    }

    /// Writes down what was set aside, when no commit has for long.
    fn note_aside(&mut self) -> Result<()> {
        let connection = &mut self.applier.connection;
        if connection.set_aside_count() < ASIDE_MAX {
            return Ok(());
        }
        connection.begin()?;
        connection.commit(IntentSeq(0))
    }

    /// Applies intents that belong together.
    ///
    /// # Errors
    /// Only faults of the machine.
    fn take_turn(&mut self, turn: &[Accepted]) -> Result<()> {
        let (Some(first), Some(last)) = (turn.first(), turn.last()) else { return Ok(()) };
        self.shared.running.lock().current = Some((first.intent.seq, last.intent.seq));
        self.targets.log.note_started(turn.iter().map(|accepted| accepted.intent.seq));
        let outcome = if turn.len() > 1 { self.apply_batch(turn) } else { self.apply_each(turn) };
        let mut running = self.shared.running.lock();
        running.current = None;
        if !running.canceled.is_empty() {
            self.still_parked(&mut running.canceled, last.intent.seq);
        }
        drop(running);
        outcome
    }

    fn was_canceled(&self, seq: IntentSeq) -> bool {
        self.shared.running.lock().canceled.contains(&seq)
    }

    fn record(&self, seq: IntentSeq, result: Result<Applied>) -> Result<()> {
        let outcome = Outcome { result, applied_at_us: clock::now_us() };
        fail_point::pass_or_crash(Point::OutcomeBeforeRecord);
        self.targets.log.record_outcome(seq, outcome)?;
        fail_point::pass_or_crash(Point::OutcomeAfterRecord);
        Ok(())
    }
}

/// What clients are told once the Writer has stopped.
fn stopped(cause: &Error) -> Error {
    Error::new(
        fault_code(cause),
        "the Writer has stopped after a fault of the machine, so writes are refused until the server restarts",
    )
    .with_detail(format!("The cause was: {cause}."))
    .with_hint("Reads go on. Check the disk and restart the server; nothing acknowledged is lost.")
}
