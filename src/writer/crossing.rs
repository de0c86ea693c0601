//! What the lane and the stream know of each other: which tables the lane holds, what waits for it,
//! and who has changed which rows since when.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

use super::dropped::DroppedViews;
use super::parking::{Holder, Names, Parking};
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::intent::{Accepted, Body};
use crate::pipeline::{Graph, Impact, Kinds};
use crate::sql::Definition;
use crate::sqlstate::SqlState;

/// Tables whose last changes are remembered; past it all count as just changed.
const CHANGED_MAX: usize = 10_000;
/// Changes out of the log's order that are remembered once they are over.
const APART_MAX: usize = 1_000;

/// What a snapshot contains at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Everything up to this place that was applied in the log's order.
    pub place: IntentSeq,
    /// So many changes that were applied out of it.
    apart: u64,
}

/// What the lane and the stream know of each other.
pub(super) struct Crossing {
    /// One session at a time has the lane.
    pub(super) turn: Arc<Semaphore>,
    pub(super) state: Mutex<CrossingState>,
    /// The stream has come further, or has stopped.
    pub(super) further: Notify,
    /// There may be something to do for the stream: the lane has ended, or a parked intent is
    /// canceled.
    pub(super) wake: Notify,
    /// Held while DuckDB commits in the lane, and while a version's file is cloned.
    pub(super) file: Mutex<()>,
    pub(super) dropped: Mutex<DroppedViews>,
}

/// The part under the lock.
pub(super) struct CrossingState {
    /// A session has the lane.
    pub(super) open: bool,
    /// The tables that the lane holds, each with the last place given out before: what is behind it
    /// waits, what is not is applied first.
    pub(super) held: Vec<(IntentSeq, Names)>,
    /// What the stream has passed over because its tables are held.
    pub(super) parking: Parking<Accepted>,
    /// What the stream has passed over because DuckDB saw a conflict with the lane.
    pub(super) conflicted: Vec<Accepted>,
    /// Since when each of both waits.
    pub(super) parked: BTreeMap<IntentSeq, Instant>,
    /// What the lane's transaction has changed.
    pub(super) touched: HashMap<TableName, Kinds>,
    /// Tables of which it may have changed or removed rows, in whatever way.
    rewritten: BTreeSet<TableName>,
    /// The last changes of each table, whoever made them.
    changed: HashMap<TableName, Changes>,
    /// Changes up to here are not remembered.
    changed_floor: IntentSeq,
    /// Changes that are applied out of the log's order.
    apart: VecDeque<Apart>,
    /// How many of them are over.
    apart_over: u64,
    /// Those up to this one are not remembered.
    apart_floor: u64,
    /// The stream is through with everything up to this place.
    pub(super) handled: IntentSeq,
    pub(super) stopped: bool,
}

/// The places of a table's last changes, by what they did.
#[derive(Clone, Copy, Debug, Default)]
struct Changes {
    inserted: IntentSeq,
    updated: IntentSeq,
    deleted: IntentSeq,
    refers: IntentSeq,
    unkeys: IntentSeq,
}

/// A change that is applied out of the log's order: by the bulk lane, or after it has waited.
struct Apart {
    seq: IntentSeq,
    impact: Impact,
    /// Which one it was to be over; `None` while it is under way.
    over: Option<u64>,
}

impl Changes {
    fn all(place: IntentSeq) -> Changes {
        Changes { inserted: place, updated: place, deleted: place, refers: place, unkeys: place }
    }

    fn note(&mut self, place: IntentSeq, kinds: Kinds) {
        let of = |last: &mut IntentSeq, is: bool| {
            if is {
                *last = (*last).max(place);
            }
        };
        of(&mut self.inserted, kinds.inserted);
        of(&mut self.updated, kinds.updated);
        of(&mut self.deleted, kinds.deleted);
        of(&mut self.refers, kinds.refers);
        of(&mut self.unkeys, kinds.unkeys);
    }

    fn after(self, place: IntentSeq) -> Kinds {
        Kinds {
            inserted: self.inserted > place,
            updated: self.updated > place,
            deleted: self.deleted > place,
            refers: self.refers > place,
            unkeys: self.unkeys > place,
        }
    }
}

impl Crossing {
    pub(super) fn new() -> Crossing {
        Crossing {
            turn: Arc::new(Semaphore::new(1)),
            state: Mutex::new(CrossingState {
                open: false,
                held: Vec::new(),
                parking: Parking::new(),
                conflicted: Vec::new(),
                parked: BTreeMap::new(),
                touched: HashMap::new(),
                rewritten: BTreeSet::new(),
                changed: HashMap::new(),
                changed_floor: IntentSeq(0),
                apart: VecDeque::new(),
                apart_over: 0,
                apart_floor: 0,
                handled: IntentSeq(0),
                stopped: false,
            }),
            further: Notify::new(),
            wake: Notify::new(),
            file: Mutex::new(()),
            dropped: Mutex::default(),
        }
    }
}

impl CrossingState {
    /// What a snapshot contains that is taken from now on.
    pub(super) fn seen(&self) -> Seen {
        Seen { place: self.handled, apart: self.apart_over }
    }

    /// Remembers what is done to tables at a place.
    pub(super) fn note_impact(&mut self, seq: IntentSeq, impact: &Impact) {
        for (table, kinds) in impact {
            if !self.changed.contains_key(table) {
                if self.changed.len() >= CHANGED_MAX {
                    self.changed.clear();
                    self.changed_floor = seq;
                }
                let floor = Changes::all(self.changed_floor);
                self.changed.insert(table.clone(), floor);
            }
            if let Some(changes) = self.changed.get_mut(table) {
                changes.note(seq, *kinds);
            }
        }
    }

    /// A change begins to be applied out of the log's order.
    pub(super) fn begin_apart(&mut self, seq: IntentSeq, impact: Impact) {
        self.apart.push_back(Apart { seq, impact, over: None });
    }

    /// It is over, one way or the other.
    pub(super) fn end_apart(&mut self, seq: IntentSeq) {
        self.apart_over += 1;
        let over = self.apart_over;
        let mut all = self.apart.iter_mut();
        if let Some(one) = all.find(|one| one.seq == seq && one.over.is_none()) {
            one.over = Some(over);
        }
        while self.apart.len() > APART_MAX
            && let Some(Apart { over: Some(over), .. }) = self.apart.front()
        {
            self.apart_floor = *over;
            self.apart.pop_front();
        }
    }

    /// What others have done to a table since a snapshot, or are doing.
    fn changed_since(&self, seen: Seen, table: &TableName) -> Kinds {
        let floor = Changes::all(self.changed_floor);
        let mut kinds = self.changed.get(table).copied().unwrap_or(floor).after(seen.place);
        for apart in &self.apart {
            if apart.over.is_none_or(|over| over > seen.apart)
                && let Some(more) = apart.impact.get(table)
            {
                kinds.and(*more);
            }
        }
        if seen.apart < self.apart_floor {
            kinds.and(Changes::all(IntentSeq(1)).after(IntentSeq(0)));
        }
        kinds
    }

    /// Tells whether an intent must wait for tables that are held, or behind one that does.
    pub(super) fn must_wait(&self, seq: IntentSeq, names: &Names) -> bool {
        let waits = |(after, held): &(IntentSeq, Names)| seq > *after && names.waits_for(held);
        self.held.iter().any(waits) || self.parking.must_wait(names)
    }

    /// Tells whether something up to a place that names these tables is still to be applied,
    /// although the stream has passed it: a big append, or what waits for one. What waits for the
    /// lane itself comes after its end, whatever it names: nobody was told of it yet.
    pub(super) fn is_late(&self, placed: IntentSeq, names: &Names) -> bool {
        let for_lane = |one: &Accepted, of: &Names| {
            let waits =
                |(after, held): &(IntentSeq, Names)| one.intent.seq > *after && of.waits_for(held);
            self.held.iter().any(waits)
        };
        let mut others = self.parking.parked_but(for_lane);
        self.parking.has_any_of(Holder::Bulk, names)
            || others.any(|(one, of)| one.intent.seq <= placed && names.waits_for(of))
    }

    /// Tells whether an intent could have to.
    pub(super) fn holds_any(&self) -> bool {
        !self.held.is_empty() || !self.parking.is_idle()
    }

    /// Tells whether a change of the stream's may hit rows that the lane has changed in the other
    /// way, or refer to such rows, or take away what the lane's refer to: DuckDB notices none of
    /// these.
    pub(super) fn crosses(&self, graph: &Graph, impact: &Impact) -> bool {
        if !self.open {
            return false;
        }
        let touched = |table: &TableName| self.touched.get(table).copied().unwrap_or_default();
        impact.iter().any(|(table, kinds)| {
            let others = touched(table);
            kinds.updated && others.deleted
                || kinds.deleted && others.updated
                || kinds.refers
                    && graph.keys_of(table).iter().any(|key| touched(&key.referenced).unkeys)
                || kinds.unkeys && graph.keys_to(table).iter().any(|key| touched(&key.table).refers)
        })
    }

    /// Tells whether the lane has removed or changed rows of a table: a key may be free again when
    /// it ends.
    pub(super) fn may_free_keys(&self, table: Option<&TableName>) -> bool {
        let frees = |kinds: &Kinds| kinds.updated || kinds.deleted || kinds.unkeys;
        self.open && table.and_then(|table| self.touched.get(table)).is_some_and(frees)
    }

    /// Notes a change of the lane's.
    ///
    /// # Errors
    /// 40001 when the stream has changed rows of the table in the other way since the snapshot, or
    /// rows that foreign keys bring together with these.
    pub(super) fn touch(
        &mut self,
        seen: Seen,
        graph: &Graph,
        body: &Body,
        impact: &Impact,
    ) -> Result<()> {
        self.rewritten.extend(rewritten(body));
        for (table, kinds) in impact {
            let others = self.changed_since(seen, table);
            if kinds.updated && others.deleted {
                return Err(serialization_failure("delete"));
            }
            if kinds.deleted && others.updated {
                return Err(serialization_failure("update"));
            }
            let unkeyed = |table| self.changed_since(seen, table).unkeys;
            if kinds.refers && graph.keys_of(table).iter().any(|key| unkeyed(&key.referenced)) {
                return Err(serialization_failure("change of a referenced row"));
            }
            let referring = |table| self.changed_since(seen, table).refers;
            if kinds.unkeys && graph.keys_to(table).iter().any(|key| referring(&key.table)) {
                return Err(serialization_failure("change of a referring row"));
            }
        }
        // A key that is made is checked with the rows of the snapshot.
        let (referring, referenced) = body.references();
        let gone = |kinds: Kinds| kinds.updated || kinds.deleted;
        if referring.iter().any(|table| self.changed_since(seen, table).any())
            || referenced.iter().any(|table| gone(self.changed_since(seen, table)))
        {
            return Err(serialization_failure("change of a table of a foreign key"));
        }
        for (table, kinds) in impact {
            self.touched.entry(table.clone()).or_default().and(*kinds);
            if kinds.updated || kinds.deleted {
                self.rewritten.insert(table.clone());
            }
        }
        Ok(())
    }

    /// Tables of which the lane's transaction may have changed or removed rows.
    pub(super) fn rewritten(&self) -> BTreeSet<TableName> {
        self.rewritten.clone()
    }

    /// A transaction begins or ends.
    pub(super) fn forget_touched(&mut self) {
        self.touched.clear();
        self.rewritten.clear();
    }
}

/// The tables of which a body may change or remove rows; an INSERT may have ON CONFLICT.
fn rewritten(body: &Body) -> Vec<TableName> {
    match body {
        Body::Statement { table, .. } => table.iter().cloned().collect(),
        Body::Rows { table, replaces: true, .. } => vec![table.clone()],
        Body::Batch { bodies, .. } => bodies.iter().flat_map(rewritten).collect(),
        Body::Define { changes, .. } => {
            let emptied = |change: &Definition| match change {
                Definition::Truncate { tables, .. } => tables.concat(),
                _ => Vec::new(),
            };
            changes.iter().flat_map(emptied).collect()
        }
        _ => Vec::new(),
    }
}

pub(super) fn serialization_failure(what: &str) -> Error {
    Error::new(
        SqlState::SERIALIZATION_FAILURE,
        format!("could not serialize access due to concurrent {what}"),
    )
    .with_hint("Run the transaction again.")
}
