//! Copies of the catalogue as single sessions see it: with what their transactions have defined, or
//! with temporary tables.
//!
//! A copy is lent for one question at a time, best to the session that had it last, for whom most
//! of it is good. The lists are read on the session's own connection; all else is made of them
//! beside it, and the question runs there, too. There are few copies; who finds none asks the
//! views of `teatree_system` on its connection.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::held::HeldConnection;
use super::instance::DuckDb;
use super::kept::{DataState, KeptCopy};
use super::reader::joined;
use crate::catalog::{KeptId, KeptPlace, OWN_DATABASES};
use crate::error::Result;
use crate::task;

/// The copies of an instance.
#[derive(Default)]
pub(super) struct OwnCopies(Mutex<Shelf>);

struct Shelf {
    /// Those that nobody has, the last one used at the end.
    free: Vec<OwnCopy>,
    /// The databases in which none was made yet.
    unused: Vec<&'static str>,
}

impl Default for Shelf {
    fn default() -> Shelf {
        Shelf { free: Vec::new(), unused: OWN_DATABASES.to_vec() }
    }
}

struct OwnCopy {
    copy: Arc<KeptCopy>,
    database: &'static str,
    /// For which connection, and which state of what it sees, it was made last.
    made_for: Option<(u64, Seen)>,
    /// How often that was another.
    epoch: u64,
}

/// The state of what a connection sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    /// Changes on the connection.
    changes: u64,
    /// Changes of definitions by all, which a connection without a transaction sees.
    definitions: u64,
}

/// A copy that is lent to a session; it goes back when this is dropped.
pub struct OwnCatalog {
    /// `None` only while it goes back.
    lent: Mutex<Option<OwnCopy>>,
    database: &'static str,
    of: Arc<DuckDb>,
}

impl std::fmt::Debug for OwnCatalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnCatalog").field("database", &self.database).finish_non_exhaustive()
    }
}

impl Shelf {
    /// Takes the copy that a connection had, or another one.
    fn take(&mut self, owner: u64) -> Option<OwnCopy> {
        let had = |copy: &OwnCopy| copy.made_for.is_some_and(|(by, _)| by == owner);
        match self.free.iter().position(had) {
            Some(place) => Some(self.free.remove(place)),
            None if self.free.is_empty() => None,
            None => Some(self.free.remove(0)),
        }
    }
}

impl DuckDb {
    /// Lends a copy for what a session's connection sees; `None` while all are lent.
    ///
    /// # Errors
    /// What DuckDB says when it makes a new one.
    pub async fn own_catalog(
        self: &Arc<Self>,
        held: &HeldConnection,
    ) -> Result<Option<OwnCatalog>> {
        let owner = held.id();
        let (found, unused) = {
            let mut shelf = self.own.0.lock();
            let found = shelf.take(owner);
            let unused = if found.is_none() { shelf.unused.pop() } else { None };
            (found, unused)
        };
        let copy = match (found, unused) {
            (Some(copy), _) => copy,
            (None, Some(database)) => {
                let instance = Arc::clone(self);
                let made = task::blocking(move || instance.new_copy(database)).await;
                made.inspect_err(|_| self.own.0.lock().unused.push(database))?
            }
            (None, None) => return Ok(None),
        };
        let database = copy.database;
        let lent = Mutex::new(Some(copy));
        Ok(Some(OwnCatalog { lent, database, of: Arc::clone(self) }))
    }

    fn new_copy(&self, database: &'static str) -> Result<OwnCopy> {
        let place = KeptPlace { copy: database, ..self.place.clone() };
        let copy = Arc::new(KeptCopy::new(self.database.connect()?, place)?);
        Ok(OwnCopy { copy, database, made_for: None, epoch: 0 })
    }
}

impl OwnCatalog {
    /// The copy's database.
    pub fn database(&self) -> &'static str {
        self.database
    }

    /// Brings objects of the copy up to what the connection sees now. `definitions` counts those
    /// that all have changed.
    ///
    /// # Errors
    /// 57014 when `cancel` says so; what DuckDB says.
    pub async fn keep(
        &self,
        wanted: &[KeptId],
        held: &HeldConnection,
        definitions: u64,
        cancel: &CancellationToken,
    ) -> Result<()> {
        let Some((copy, epoch)) = self.for_state(held, definitions) else { return Ok(()) };
        let state = DataState { definitions: epoch, written: 0 };
        if wanted.is_empty() || copy.is_good(wanted, state) {
            return Ok(());
        }
        let mut taken = held.take(cancel).await?;
        let interrupter = taken.idle.connection.interrupter();
        let wanted = wanted.to_vec();
        let work = tokio::task::spawn_blocking(move || {
            copy.make(&wanted, state, Some(&mut taken.idle.connection))
        });
        joined(work, &interrupter, cancel).await
    }

    /// The copy, and which of the states that it has seen this is.
    fn for_state(&self, held: &HeldConnection, definitions: u64) -> Option<(Arc<KeptCopy>, u64)> {
        let now = (held.id(), Seen { changes: held.changes(), definitions });
        let mut lent = self.lent.lock();
        let lent = lent.as_mut()?;
        if lent.made_for != Some(now) {
            lent.made_for = Some(now);
            lent.epoch += 1;
        }
        Some((Arc::clone(&lent.copy), lent.epoch))
    }
}

impl Drop for OwnCatalog {
    fn drop(&mut self) {
        if let Some(copy) = self.lent.get_mut().take() {
            self.of.own.0.lock().free.push(copy);
        }
    }
}
