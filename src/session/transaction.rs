//! A session's transaction.

use super::block::Writes;
use super::savepoint::Savepoint;
use super::settings::Settings;
use super::temp::TempNames;
use crate::error::{Error, Result};
use crate::pipeline::ConstraintModes;
use crate::router::Snapshot;
use crate::sql::TransactionMode;
use crate::sql::rewrite::Moment;
use crate::sqlstate::SqlState;
use crate::writer::Seen;

/// Where a session stands.
///
/// Idle → Open by BEGIN, or without a word at the first of several statements; Open → Failed by an
/// error; Open → Idle by COMMIT or ROLLBACK; Failed → Idle by ROLLBACK, or by COMMIT, which then
/// answers ROLLBACK; Failed → Open by ROLLBACK TO SAVEPOINT.
#[derive(Default)]
pub enum Transaction {
    #[default]
    Idle,
    Open(Box<Open>),
    Failed(Box<Open>),
}

/// An open transaction.
pub struct Open {
    pub isolation: Isolation,
    pub read_only: bool,
    /// Nobody said BEGIN: it ends with the Query or with Sync.
    pub implicit: bool,
    /// A query has run: the isolation level is fixed.
    pub begun: bool,
    /// What statements run on: taken by the first statement of a REPEATABLE READ or SERIALIZABLE
    /// transaction, by the first write of a READ COMMITTED one.
    pub snapshot: Option<Snapshot>,
    /// What the snapshot contains at least.
    pub since: Seen,
    /// What SET CONSTRAINTS has said.
    pub(super) modes: ConstraintModes,
    pub(super) writes: Writes,
    pub(super) savepoints: Vec<Savepoint>,
    /// The session's temporary tables are on its connection.
    pub(super) keeps_connection: bool,
    /// Those at BEGIN.
    pub(super) temp_before: TempNames,
    /// The settings at BEGIN: a ROLLBACK undoes every SET since.
    pub(super) settings_before: Settings,
    /// When it began, in microseconds since 1970: what `now()` means inside.
    pub began_us: i64,
}

/// What reads of a transaction see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Called so and nothing else: nobody sees what is not committed.
    ReadUncommitted,
    /// The latest data at each statement, until the transaction writes.
    ReadCommitted,
    /// One snapshot; SERIALIZABLE is the same for transactions that only read.
    RepeatableRead,
    Serializable,
}

impl Isolation {
    /// Reads a checked value of `default_transaction_isolation`.
    pub fn parse(value: &str) -> Isolation {
        match value {
            "repeatable read" => Isolation::RepeatableRead,
            "serializable" => Isolation::Serializable,
            "read uncommitted" => Isolation::ReadUncommitted,
            _ => Isolation::ReadCommitted,
        }
    }

    /// Tells whether one snapshot is all that the transaction's reads see.
    pub fn fixes_snapshot(self) -> bool {
        matches!(self, Isolation::RepeatableRead | Isolation::Serializable)
    }

    /// Names the level as SHOW does.
    pub fn as_str(self) -> &'static str {
        match self {
            Isolation::ReadUncommitted => "read uncommitted",
            Isolation::ReadCommitted => "read committed",
            Isolation::RepeatableRead => "repeatable read",
            Isolation::Serializable => "serializable",
        }
    }
}

/// The transaction's state as ReadyForQuery tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Idle,
    Open,
    Failed,
}

impl Transaction {
    /// Tells the state.
    pub fn status(&self) -> Status {
        match self {
            Transaction::Idle => Status::Idle,
            Transaction::Open(_) => Status::Open,
            Transaction::Failed(_) => Status::Failed,
        }
    }

    /// Tells whether it is one that nobody began.
    pub fn is_implicit(&self) -> bool {
        match self {
            Transaction::Idle => false,
            Transaction::Open(open) | Transaction::Failed(open) => open.implicit,
        }
    }

    /// An error came. Unless there is a savepoint to go back to, what was written is given up at
    /// once, and the lane with it.
    pub fn fail(&mut self) {
        *self = match std::mem::take(self) {
            Transaction::Open(mut open) => {
                if open.savepoints.is_empty() && !open.keeps_connection {
                    open.give_up();
                }
                Transaction::Failed(open)
            }
            as_it_was => as_it_was,
        };
    }

    /// The snapshot that statements share, if there is one.
    pub fn snapshot(&self) -> Option<Snapshot> {
        match self {
            Transaction::Open(open) => open.snapshot.clone(),
            _ => None,
        }
    }

    /// What `now()` and its like mean inside the transaction.
    pub fn moment(&self) -> Option<Moment> {
        match self {
            Transaction::Open(open) => {
                Some(Moment { now_us: open.began_us, seed: uuid::Uuid::new_v4().as_u128() })
            }
            _ => None,
        }
    }

    /// Applies BEGIN's or SET TRANSACTION's modes.
    ///
    /// # Errors
    /// 25001 when the isolation level is changed after a query.
    pub fn set_modes(&mut self, modes: &[TransactionMode]) -> Result<()> {
        let Transaction::Open(open) = self else { return Ok(()) };
        for mode in modes {
            let isolation = match mode {
                TransactionMode::ReadOnly => {
                    open.read_only = true;
                    continue;
                }
                TransactionMode::ReadWrite => {
                    if open.begun && open.read_only {
                        return Err(Error::new(
                            SqlState::ACTIVE_SQL_TRANSACTION,
                            "transaction read-write mode must be set before any query",
                        ));
                    }
                    open.read_only = false;
                    continue;
                }
                TransactionMode::ReadUncommitted => Isolation::ReadUncommitted,
                TransactionMode::ReadCommitted => Isolation::ReadCommitted,
                TransactionMode::RepeatableRead => Isolation::RepeatableRead,
                TransactionMode::Serializable => Isolation::Serializable,
            };
            if open.begun && isolation != open.isolation {
                return Err(Error::new(
                    SqlState::ACTIVE_SQL_TRANSACTION,
                    "SET TRANSACTION ISOLATION LEVEL must be called before any query",
                ));
            }
            open.isolation = isolation;
        }
        Ok(())
    }
}

impl Open {
    /// Undoes what was written, by closing the connection that holds it.
    pub(super) fn give_up(&mut self) {
        self.snapshot = None;
        self.writes = Writes::default();
        self.savepoints.clear();
    }
}
