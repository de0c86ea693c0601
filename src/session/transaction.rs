//! A session's transaction.

use crate::error::{Error, Result};
use crate::router::Snapshot;
use crate::sql::TransactionMode;
use crate::sqlstate::SqlState;

/// Where a session stands.
///
/// Idle → Open by BEGIN; Open → Failed by an error; Open → Idle by COMMIT or ROLLBACK; Failed →
/// Idle by ROLLBACK, or by COMMIT, which then answers ROLLBACK.
#[derive(Default)]
pub enum Transaction {
    #[default]
    Idle,
    Open(Box<Open>),
    Failed,
}

/// An open transaction.
pub struct Open {
    pub isolation: Isolation,
    pub read_only: bool,
    /// Taken by the first statement of a REPEATABLE READ or SERIALIZABLE transaction.
    pub snapshot: Option<Snapshot>,
    /// A query has run: the isolation level is fixed.
    pub begun: bool,
}

/// What reads of a transaction see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// The latest data at each statement.
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
            _ => Isolation::ReadCommitted,
        }
    }

    /// Names the level as SHOW does.
    pub fn as_str(self) -> &'static str {
        match self {
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
            Transaction::Failed => Status::Failed,
        }
    }

    /// An error came.
    pub fn fail(&mut self) {
        if matches!(self, Transaction::Open(_)) {
            *self = Transaction::Failed;
        }
    }

    /// The snapshot that reads share, if there is one.
    pub fn snapshot(&self) -> Option<Snapshot> {
        match self {
            Transaction::Open(open) => open.snapshot.clone(),
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
