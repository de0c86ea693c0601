//! Makes the tables of the catalogue's kept copy, when somebody wants to read them and what they
//! were made of has changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::capi::{Connection, Database};
use super::instance::DuckDb;
use crate::catalog::{KeptId, kept, kept_schemas_sql};
use crate::error::{Error, Result};
use crate::task;

/// How old rows may be that only data has changed: numbers of rows are estimates, as in
/// PostgreSQL, where ANALYZE makes them.
const ESTIMATES_AGE_MAX: Duration = Duration::from_secs(60);

/// How many small questions are answered past the copy while definitions stay as they are: to make
/// it takes longer than they do, and one after the other.
const ASKED_PAST_IT: u32 = 8;

/// A state of the data, by what has happened until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataState {
    /// Changes of definitions that are over.
    pub definitions: u64,
    /// The last write.
    pub written: u64,
}

/// What an object of the copy was made for.
#[derive(Clone, Copy)]
struct Made {
    state: DataState,
    at: Instant,
}

impl Made {
    fn is_good_for(&self, state: DataState) -> bool {
        self.state.definitions >= state.definitions
            && (self.state.written >= state.written || self.at.elapsed() < ESTIMATES_AGE_MAX)
    }
}

/// The copy of one instance. **Invariant:** who holds the connection makes objects, and notes
/// them only when they are committed.
pub(super) struct KeptCopy {
    connection: Mutex<Connection>,
    made: Mutex<Vec<Option<Made>>>,
    /// Small questions at this state of the definitions.
    asked: Mutex<(u64, u32)>,
}

impl KeptCopy {
    /// Attaches the database for an empty copy.
    pub(super) fn new(database: &Database) -> Result<KeptCopy> {
        let mut connection = database.connect()?;
        connection.execute(&kept_schemas_sql())?;
        Ok(KeptCopy {
            connection: Mutex::new(connection),
            made: Mutex::new(vec![None; kept().objects().len()]),
            asked: Mutex::default(),
        })
    }

    /// Finds what is missing or too old, in the order in which it can be made.
    fn outdated(&self, wanted: &[KeptId], state: DataState) -> Vec<KeptId> {
        let made = self.made.lock();
        let is_good = |id: KeptId| match &made[id] {
            Some(_) if !kept().objects()[id].has_rows => true,
            Some(made) => made.is_good_for(state),
            None => false,
        };
        kept().with_needs(wanted).into_iter().filter(|&id| !is_good(id)).collect()
    }

    /// Makes what is outdated. Blocks, for as long as another does so, too.
    fn make(&self, wanted: &[KeptId], state: DataState) -> Result<()> {
        let mut connection = self.connection.lock();
        let outdated = self.outdated(wanted, state);
        if outdated.is_empty() {
            return Ok(());
        }
        let made = Made { state, at: Instant::now() };
        connection.execute("BEGIN TRANSACTION")?;
        let all = outdated.iter().try_for_each(|&id| connection.execute(&kept().objects()[id].sql));
        if let Err(error) = all.and_then(|()| connection.execute("COMMIT")) {
            // The error ends the transaction by itself when it is the commit's.
            let _ = connection.execute("ROLLBACK");
            tracing::warn!(%error, "the catalogue's kept copy could not be made");
            return Err(error);
        }
        let mut all = self.made.lock();
        outdated.into_iter().for_each(|id| all[id] = Some(made));
        Ok(())
    }
}

impl DuckDb {
    /// Tells whether a small question is better put to the copy: it is there, or will be worth it.
    pub fn prefers_kept(&self, wanted: &[KeptId], state: DataState) -> bool {
        let mut asked = self.kept.asked.lock();
        if asked.0 != state.definitions {
            *asked = (state.definitions, 0);
        }
        asked.1 = asked.1.saturating_add(1);
        asked.1 > ASKED_PAST_IT || self.kept.outdated(wanted, state).is_empty()
    }

    /// Brings objects of the catalogue's kept copy up to this state, which the caller has asked
    /// for before.
    ///
    /// # Errors
    /// 57014 when `cancel` says so first: the work goes on for the next who wants them.
    pub async fn keep(
        self: &Arc<Self>,
        wanted: &[KeptId],
        state: DataState,
        cancel: &CancellationToken,
    ) -> Result<()> {
        if wanted.is_empty() || self.kept.outdated(wanted, state).is_empty() {
            return Ok(());
        }
        let (database, wanted) = (Arc::clone(self), wanted.to_vec());
        tokio::select! {
            made = task::blocking(move || database.kept.make(&wanted, state)) => made,
            () = cancel.cancelled() => Err(Error::canceled("user request")),
        }
    }
}
