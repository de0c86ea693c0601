//! What the lane and the stream know of each other: which tables the lane holds, what waits for it,
//! and who has changed which rows since when.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

use super::parking::{Holder, Names, Parking};
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::intent::{Accepted, Body, TagKind};
use crate::sql::Definition;
use crate::sqlstate::SqlState;

/// Tables whose last changes are remembered; past it all count as just changed.
const CHANGED_MAX: usize = 10_000;

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
    /// The last changes of each table by UPDATE and DELETE, whoever made them.
    changed: HashMap<TableName, Changes>,
    /// Changes up to here are not remembered.
    changed_floor: IntentSeq,
    /// The stream is through with everything up to this place.
    pub(super) handled: IntentSeq,
    pub(super) stopped: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    updated: bool,
    deleted: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Changes {
    updated: IntentSeq,
    deleted: IntentSeq,
}

impl Kinds {
    /// What a body does to rows that are there.
    fn of(body: &Body) -> Kinds {
        let Body::Statement { tag, .. } = body else { return Kinds::default() };
        match tag {
            TagKind::Update => Kinds { updated: true, deleted: false },
            TagKind::Delete => Kinds { updated: false, deleted: true },
            TagKind::Merge => Kinds { updated: true, deleted: true },
            _ => Kinds::default(),
        }
    }

    fn any(self) -> bool {
        self.updated || self.deleted
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
                handled: IntentSeq(0),
                stopped: false,
            }),
            further: Notify::new(),
            wake: Notify::new(),
            file: Mutex::new(()),
        }
    }
}

impl CrossingState {
    /// Remembers that a table's rows are changed at a place.
    pub(super) fn note_change(&mut self, seq: IntentSeq, body: &Body) {
        if let Body::Batch { bodies, .. } = body {
            bodies.iter().for_each(|body| self.note_change(seq, body));
        } else if let Some(table) = body.table() {
            self.note_kinds(seq, table, Kinds::of(body));
        }
    }

    pub(super) fn note_kinds(&mut self, seq: IntentSeq, table: &TableName, kinds: Kinds) {
        if !kinds.any() {
            return;
        }
        if self.changed.len() >= CHANGED_MAX {
            self.changed.clear();
            self.changed_floor = seq;
        }
        let changes = self.changed.entry(table.clone()).or_default();
        if kinds.updated {
            changes.updated = changes.updated.max(seq);
        }
        if kinds.deleted {
            changes.deleted = changes.deleted.max(seq);
        }
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
    /// way, which DuckDB does not notice.
    pub(super) fn crosses(&self, body: &Body) -> bool {
        if let Body::Batch { bodies, .. } = body {
            return bodies.iter().any(|body| self.crosses(body));
        }
        let kinds = Kinds::of(body);
        let Some(touched) = body.table().and_then(|table| self.touched.get(table)) else {
            return false;
        };
        self.open && (kinds.updated && touched.deleted || kinds.deleted && touched.updated)
    }

    /// Tells whether the lane has removed or changed rows of a table: a key may be free again when
    /// it ends.
    pub(super) fn may_free_keys(&self, table: Option<&TableName>) -> bool {
        self.open
            && table.and_then(|table| self.touched.get(table)).is_some_and(|kinds| kinds.any())
    }

    /// Notes a change of the lane's.
    ///
    /// # Errors
    /// 40001 when the stream has changed rows of the table in the other way since the snapshot.
    pub(super) fn touch(&mut self, since: IntentSeq, body: &Body) -> Result<()> {
        self.rewritten.extend(rewritten(body));
        let kinds = Kinds::of(body);
        let Some(table) = body.table().filter(|_| kinds.any()) else { return Ok(()) };
        let floor = Changes { updated: self.changed_floor, deleted: self.changed_floor };
        let changes = self.changed.get(table).copied().unwrap_or(floor);
        if kinds.updated && changes.deleted > since {
            return Err(serialization_failure("delete"));
        }
        if kinds.deleted && changes.updated > since {
            return Err(serialization_failure("update"));
        }
        let touched = self.touched.entry(table.clone()).or_default();
        touched.updated |= kinds.updated;
        touched.deleted |= kinds.deleted;
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
