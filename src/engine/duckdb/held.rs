//! A connection that one session holds over several statements, with a transaction open on it:
//! a REPEATABLE READ snapshot, or the transaction lane's.
//!
//! One statement uses it at a time. It lies in a slot between statements; a stream of rows that is
//! not at its end keeps it, and the next statement waits until it is back.
//!
//! **Invariant:** what is attached to a connection is dropped only when the connection is closed
//! and its transaction with it.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::instance::{DuckDb, schemas, text_rows, text_rows_with};
use super::reader::{Idle, joined};
use super::write_connection::WriteConnection;
use crate::engine::QueryContext;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::task;
use crate::types::Value;

/// How long a statement waits for the connection: a stream that was dropped gives it back at once.
const BACK_MAX: Duration = Duration::from_secs(30);

/// Whether a transaction may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    ReadOnly,
    ReadWrite,
    /// No transaction: each statement has its own.
    Loose,
}

/// A connection with an open transaction, shared by the statements of one session.
#[derive(Clone)]
pub struct HeldConnection {
    slot: Arc<Slot>,
}

/// Where the connection lies between statements.
pub(super) struct Slot {
    state: Mutex<Place>,
    back: Notify,
    /// What the open transaction sees.
    moment: Mutex<String>,
    /// The connection's number.
    id: u64,
    /// How often what it sees may have become something else.
    changes: AtomicU64,
    /// Dropped after the connection.
    attached: Mutex<Option<Arc<dyn Any + Send + Sync>>>,
}

enum Place {
    Here(Idle),
    InUse,
    Closed,
}

/// The connection in use; goes back to its slot when dropped.
pub(super) struct Taken {
    pub(super) idle: Idle,
    pub(super) slot: Arc<Slot>,
    /// It is closed instead.
    closing: bool,
}

impl DuckDb {
    /// Begins a transaction on a connection of its own: every statement run on it sees the data of
    /// this moment, and what the transaction itself has changed.
    pub async fn hold(
        self: &Arc<Self>,
        access: Access,
        context: &QueryContext,
    ) -> Result<HeldConnection> {
        let database = Arc::clone(self);
        let context = context.clone();
        task::blocking(move || {
            let mut idle = database.idle_connection(&context)?;
            let moment = begin(&mut idle, access)?;
            static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
            let slot = Slot {
                moment: Mutex::new(moment),
                id: CONNECTIONS.fetch_add(1, Ordering::Relaxed),
                changes: AtomicU64::new(0),
                state: Mutex::new(Place::Here(idle)),
                back: Notify::new(),
                attached: Mutex::new(None),
            };
            Ok(HeldConnection { slot: Arc::new(slot) })
        })
        .await
    }
}

/// Begins, and tells which moment the transaction sees: equal ones hold the same data.
fn begin(idle: &mut Idle, access: Access) -> Result<String> {
    idle.connection.execute(match access {
        Access::ReadOnly => "BEGIN TRANSACTION READ ONLY",
        Access::ReadWrite => "BEGIN TRANSACTION",
        Access::Loose => return Ok(String::new()),
    })?;
    // DuckDB takes its snapshot when the transaction first looks at the database.
    let rows = text_rows(
        &mut idle.connection,
        "SELECT concat_ws(' ', count(*), max(seq)) FROM teatree_internal.applied",
    )?;
    Ok(rows.into_iter().flatten().collect())
}

impl HeldConnection {
    /// Keeps something alive until the connection is closed.
    pub fn attach(&self, thing: Arc<dyn Any + Send + Sync>) {
        *self.slot.attached.lock() = Some(thing);
    }

    pub(super) fn id(&self) -> u64 {
        self.slot.id
    }

    /// How often its statements, or a transaction's beginning, may have changed what it sees.
    pub(super) fn changes(&self) -> u64 {
        self.slot.changes.load(Ordering::Acquire)
    }

    /// Takes the connection for what may change what it sees.
    async fn take_to_change(&self, cancel: &CancellationToken) -> Result<Taken> {
        let taken = self.take(cancel).await?;
        self.slot.changes.fetch_add(1, Ordering::Release);
        Ok(taken)
    }

    /// Takes the connection, waiting until the last statement has given it back.
    pub(super) async fn take(&self, cancel: &CancellationToken) -> Result<Taken> {
        let taken = async {
            loop {
                let back = self.slot.back.notified();
                if let Some(taken) = self.slot.try_take()? {
                    return Ok(taken);
                }
                back.await;
            }
        };
        tokio::select! {
            taken = tokio::time::timeout(BACK_MAX, taken) => taken.unwrap_or_else(|_| Err(busy())),
            () = cancel.cancelled() => Err(Error::canceled("user request")),
        }
    }

    /// Does blocking work that writes, and that `cancel` interrupts.
    ///
    /// # Errors
    /// The work's own.
    pub async fn write<T: Send + 'static>(
        &self,
        cancel: &CancellationToken,
        work: impl FnOnce(WriteConnection) -> (WriteConnection, Result<T>) + Send + 'static,
    ) -> Result<T> {
        let mut taken = self.take_to_change(cancel).await?;
        let interrupter = taken.idle.connection.interrupter();
        let span = tracing::Span::current();
        let work = tokio::task::spawn_blocking(move || {
            let connection = WriteConnection::on(&mut taken.idle);
            let (connection, result) = span.in_scope(|| work(connection));
            connection.give_back(&mut taken.idle);
            result
        });
        joined(work, &interrupter, cancel).await
    }

    /// Lists the schemas of the data file that the transaction sees, in PostgreSQL's words.
    pub async fn schemas(&self) -> Result<Vec<String>> {
        let mut taken = self.take(&CancellationToken::new()).await?;
        task::blocking(move || schemas(&mut taken.idle.connection)).await
    }

    /// Runs a small query of the server's own, all of whose columns are text, as the transaction
    /// sees the catalog.
    pub async fn text_rows(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Vec<Vec<String>>> {
        let mut taken = self.take(&CancellationToken::new()).await?;
        task::blocking(move || text_rows_with(&mut taken.idle.connection, sql, &params)).await
    }

    /// Tells whether the transaction can go on: an error of a running statement has aborted it in
    /// DuckDB.
    pub async fn goes_on(&self, cancel: &CancellationToken) -> Result<bool> {
        let mut taken = self.take(cancel).await?;
        task::blocking(move || Ok(text_rows(&mut taken.idle.connection, "SELECT '1'").is_ok()))
            .await
    }

    /// Begins a transaction on a connection that has none.
    pub async fn begin(&self, access: Access, cancel: &CancellationToken) -> Result<()> {
        let mut taken = self.take_to_change(cancel).await?;
        task::blocking(move || {
            let moment = begin(&mut taken.idle, access)?;
            *taken.slot.moment.lock() = moment;
            Ok(())
        })
        .await
    }

    /// Undoes the transaction and begins another one; tells whether it sees the same data as the
    /// first did.
    pub async fn begin_again(&self, cancel: &CancellationToken) -> Result<bool> {
        let mut taken = self.take_to_change(cancel).await?;
        task::blocking(move || {
            taken.idle.connection.execute("ROLLBACK")?;
            let moment = begin(&mut taken.idle, Access::ReadWrite)?;
            let before = std::mem::replace(&mut *taken.slot.moment.lock(), moment.clone());
            Ok(before == moment)
        })
        .await
    }

    /// Ends the transaction by `work`, which says how, and closes the connection unless it is kept.
    pub async fn end<T: Send + 'static>(
        &self,
        keep: bool,
        work: impl FnOnce(&mut WriteConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut taken = self.take_to_change(&CancellationToken::new()).await?;
        taken.closing = !keep;
        task::blocking(move || {
            let mut connection = WriteConnection::on(&mut taken.idle);
            let result = work(&mut connection);
            connection.give_back(&mut taken.idle);
            if keep {
                *taken.slot.attached.lock() = None;
            }
            drop(taken);
            result
        })
        .await
    }
}

impl Slot {
    fn try_take(self: &Arc<Self>) -> Result<Option<Taken>> {
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, Place::InUse) {
            Place::Here(idle) => Ok(Some(Taken { idle, slot: Arc::clone(self), closing: false })),
            Place::InUse => Ok(None),
            Place::Closed => {
                *state = Place::Closed;
                Err(Error::internal("the transaction's connection is closed"))
            }
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let place = if self.closing { Place::Closed } else { Place::Here(self.idle.hand_over()) };
        *self.slot.state.lock() = place;
        self.slot.back.notify_waiters();
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let place = std::mem::replace(self.state.get_mut(), Place::Closed);
        let attached = self.attached.get_mut().take();
        let close = move || {
            // In this order: what is attached must not outlive less than the transaction.
            drop(place);
            drop(attached);
        };
        // Undoing a large transaction takes its time.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(close)),
            Err(_) => close(),
        }
    }
}

fn busy() -> Error {
    Error::new(
        SqlState::OBJECT_IN_USE,
        "the transaction's connection is still in use by an open portal",
    )
    .with_hint("Fetch its rows to their end, or close it.")
}
