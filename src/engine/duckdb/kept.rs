//! Makes the tables of the catalogue's kept copy, when somebody wants to read them and what they
//! were made of has changed.
//!
//! Each time is a round: the lists of definitions are read that a question needs, and what follows
//! from those that are others now is made anew, by statements that stay prepared.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::capi::{Connection, Prepared};
use super::instance::{DuckDb, text_rows, text_rows_of};
use crate::catalog::{
    KEPT_DATABASE, KeptId, KeptKind, KeptObject, KeptPlace, kept, kept_schemas_sql,
};
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
#[derive(Clone)]
struct Made {
    /// Of a list: the state that it was read at, and when.
    state: DataState,
    at: Instant,
    /// What a list says of its own rows.
    told: String,
    /// The round in which its rows became what they are.
    round: u64,
}

impl Made {
    fn is_good_for(&self, state: DataState) -> bool {
        self.state.definitions >= state.definitions
            && (self.state.written >= state.written || self.at.elapsed() < ESTIMATES_AGE_MAX)
    }
}

/// The copy of one instance. **Invariant:** who holds the workshop makes objects, and notes them
/// only when they are committed.
pub(super) struct KeptCopy {
    workshop: Mutex<Workshop>,
    made: Mutex<Vec<Option<Made>>>,
    /// Small questions at this state of the definitions.
    asked: Mutex<(u64, u32)>,
}

/// Where objects are made.
struct Workshop {
    connection: Connection,
    place: KeptPlace,
    /// What fills the tables and asks for the lists' states, prepared: to plan these statements
    /// takes longer than to run them.
    fills: Vec<Option<Prepared>>,
    states: Vec<Option<Prepared>>,
    /// The lists are read from where somebody else sees them.
    is_own: bool,
    /// How often objects were made.
    round: u64,
    /// Whether a new object stands in the copy: DuckDB then plans prepared statements at each run.
    has_new: bool,
}

impl KeptCopy {
    /// Begins an empty copy in its attached database.
    pub(super) fn new(mut connection: Connection, place: KeptPlace) -> Result<KeptCopy> {
        connection.execute(&kept_schemas_sql(place.copy))?;
        let count = kept().objects().len();
        Ok(KeptCopy {
            workshop: Mutex::new(Workshop {
                connection,
                is_own: place.copy != KEPT_DATABASE,
                place,
                fills: std::iter::repeat_with(|| None).take(count).collect(),
                states: std::iter::repeat_with(|| None).take(count).collect(),
                round: 0,
                has_new: false,
            }),
            made: Mutex::new(vec![None; count]),
            asked: Mutex::default(),
        })
    }

    /// Tells whether these objects, and all that they are made of, are there and good.
    pub(super) fn is_good(&self, wanted: &[KeptId], state: DataState) -> bool {
        let made = self.made.lock();
        kept().with_needs(wanted).into_iter().all(|id| match (&made[id], &kept().objects()[id]) {
            (None, _) => false,
            (Some(made), KeptObject { kind: KeptKind::List { .. }, .. }) => made.is_good_for(state),
            (Some(of), object) => newest(&made, object) <= of.round,
        })
    }

    /// Makes what is missing or too old, of the lists as `seen` shows them, or as all do. Blocks,
    /// for as long as another does so, too.
    pub(super) fn make(
        &self,
        wanted: &[KeptId],
        state: DataState,
        mut seen: Option<&mut Connection>,
    ) -> Result<()> {
        let mut workshop = self.workshop.lock();
        if self.is_good(wanted, state) {
            return Ok(());
        }
        let mut made = self.made.lock().clone();
        let wanted = kept().with_needs(wanted);
        workshop.prepare(&wanted, &made)?;
        workshop.round += 1;
        workshop.connection.execute("BEGIN TRANSACTION")?;
        let all = wanted.iter().try_for_each(|&id| {
            let begun = Instant::now();
            let is_made = workshop.make(id, state, &mut made, seen.as_deref_mut());
            tracing::trace!(object = kept().objects()[id].name, took = ?begun.elapsed(), "kept");
            is_made
        });
        if let Err(error) = all.and_then(|()| workshop.connection.execute("COMMIT")) {
            // The error ends the transaction by itself when it is the commit's.
            let _ = workshop.connection.execute("ROLLBACK");
            tracing::warn!(%error, "the catalogue's kept copy could not be made");
            return Err(error);
        }
        if std::mem::take(&mut workshop.has_new) {
            workshop.fills.fill_with(|| None);
            workshop.states.fill_with(|| None);
        }
        *self.made.lock() = made;
        Ok(())
    }
}

/// The round in which the newest of what an object is made of became what it is.
fn newest(made: &[Option<Made>], object: &KeptObject) -> u64 {
    let rounds = object.needs.iter().map(|&id| made[id].as_ref().map_or(0, |made| made.round));
    rounds.max().unwrap_or(0)
}

impl Workshop {
    /// Prepares the statements that these objects may need once they are there.
    ///
    /// DuckDB plans by what is in the tables, and leaves a filter's branch out that no row would
    /// pass; the plan is kept, though the rows are not. It knows nothing of a table with rows of
    /// the transaction's own, so each gets one for as long as plans are made.
    fn prepare(&mut self, wanted: &[KeptId], made: &[Option<Made>]) -> Result<()> {
        let missing = |id: &KeptId| made[*id].is_some() && self.fills[*id].is_none();
        let missing: Vec<KeptId> = wanted.iter().copied().filter(missing).collect();
        let objects = kept().objects();
        let missing: Vec<KeptId> =
            missing.into_iter().filter(|&id| objects[id].kind != KeptKind::Named).collect();
        if missing.is_empty() {
            return Ok(());
        }
        self.connection.execute("BEGIN TRANSACTION")?;
        let prepared = self.prepare_in_transaction(wanted, &missing, made);
        self.connection.execute("ROLLBACK")?;
        prepared
    }

    fn prepare_in_transaction(
        &mut self,
        wanted: &[KeptId],
        missing: &[KeptId],
        made: &[Option<Made>],
    ) -> Result<()> {
        let objects = kept().objects();
        for object in wanted.iter().filter(|&&id| made[id].is_some()).map(|&id| &objects[id]) {
            if object.kind != KeptKind::Named {
                let row = format!("INSERT INTO {} DEFAULT VALUES", object.name);
                self.connection.execute(&self.place.text(&row))?;
            }
        }
        for &id in missing {
            let fill = objects[id].fill_sql(&self.place);
            self.fills[id] = Some(self.connection.prepare(&fill)?);
            if let Some(state) = self.state_of(&objects[id]) {
                self.states[id] = Some(self.connection.prepare(&state)?);
            }
        }
        Ok(())
    }

    /// The query whose one text says whether a list is another now.
    fn state_of(&self, object: &KeptObject) -> Option<String> {
        match &object.kind {
            KeptKind::List { state: Some(state) } if !self.is_own => Some(self.place.text(state)),
            KeptKind::List { .. } => Some(object.state_sql(&self.place)),
            KeptKind::Rows | KeptKind::Named => None,
        }
    }

    /// Makes one object in the transaction, if it is missing or too old. All that it needs was.
    fn make(
        &mut self,
        id: KeptId,
        state: DataState,
        made: &mut [Option<Made>],
        seen: Option<&mut Connection>,
    ) -> Result<()> {
        let object = &kept().objects()[id];
        let before = made[id].take();
        let (told, round) = match (&object.kind, &before) {
            (KeptKind::List { .. }, Some(before)) if before.is_good_for(state) => {
                made[id] = Some(before.clone());
                return Ok(());
            }
            (KeptKind::List { state }, before) => match seen {
                Some(seen) => {
                    self.copy_list(id, before.is_some(), seen)?;
                    self.told_of_list(id, true, before.as_ref())?
                }
                None => {
                    let is_read = state.is_none();
                    if is_read {
                        self.fill(id, before.is_some())?;
                    }
                    self.told_of_list(id, is_read, before.as_ref())?
                }
            },
            (KeptKind::Rows, Some(before)) if newest(made, object) <= before.round => {
                (String::new(), before.round)
            }
            (KeptKind::Rows, before) => {
                self.fill(id, before.is_some())?;
                (String::new(), self.round)
            }
            (KeptKind::Named, before) => {
                if before.is_none() {
                    self.create(id)?;
                }
                (String::new(), newest(made, object))
            }
        };
        made[id] = Some(Made { state, at: Instant::now(), told, round });
        Ok(())
    }

    /// Copies a list from where somebody sees it.
    fn copy_list(&mut self, id: KeptId, is_there: bool, seen: &mut Connection) -> Result<()> {
        let object = &kept().objects()[id];
        if !is_there {
            self.create(id)?;
        }
        let name = self.place.text(&object.name);
        self.connection.execute(&format!("DELETE FROM {name}"))?;
        let mut rows = seen.prepare(&object.rows_sql(&self.place))?.run(false)?;
        let table = object.name.rsplit('.').next().unwrap_or_default();
        let schema = (Some(self.place.copy), "lists");
        let mut appender = self.connection.appender(schema, table, &[])?;
        while let Some(batch) = rows.fetch()? {
            appender.append(&batch)?;
        }
        appender.finish()
    }

    /// Reads a list, unless that was done or it says that it is as it was. Returns what it says,
    /// and the round in which it became so.
    fn told_of_list(
        &mut self,
        id: KeptId,
        is_read: bool,
        before: Option<&Made>,
    ) -> Result<(String, u64)> {
        let told = match &mut self.states[id] {
            Some(prepared) => text_rows_of(&mut prepared.run_kept()?)?,
            None => {
                let state = self.state_of(&kept().objects()[id]).unwrap_or_default();
                text_rows(&mut self.connection, &state)?
            }
        };
        let told = told.into_iter().flatten().next().unwrap_or_default();
        match before {
            Some(before) if before.told == told => return Ok((told, before.round)),
            _ if is_read => {}
            before => self.fill(id, before.is_some())?,
        }
        Ok((told, self.round))
    }

    fn fill(&mut self, id: KeptId, is_there: bool) -> Result<()> {
        if !is_there {
            return self.create(id);
        }
        let object = &kept().objects()[id];
        self.connection.execute(&format!("DELETE FROM {}", self.place.text(&object.name)))?;
        match &mut self.fills[id] {
            Some(prepared) => prepared.run_again(&[]),
            None => self.connection.execute(&object.fill_sql(&self.place)),
        }
    }

    fn create(&mut self, id: KeptId) -> Result<()> {
        self.has_new = true;
        self.connection.execute(&kept().objects()[id].create_sql(&self.place))
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
        asked.1 > ASKED_PAST_IT || self.kept.is_good(wanted, state)
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
        if wanted.is_empty() || self.kept.is_good(wanted, state) {
            return Ok(());
        }
        let (database, wanted) = (Arc::clone(self), wanted.to_vec());
        tokio::select! {
            made = task::blocking(move || database.kept.make(&wanted, state, None)) => made,
            () = cancel.cancelled() => Err(Error::canceled("user request")),
        }
    }
}
