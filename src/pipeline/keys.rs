//! The foreign keys of a moment: which tables refer to which.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::change::ChangeKind;
use super::graph::Graph;
use crate::engine::duckdb::WriteConnection;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::{Body, TagKind};
use crate::sql::trigger::Event;
use crate::sql::{Definition, Effect, ForeignKey, ReferentialAction};
use crate::sqlstate::SqlState;

/// Foreign keys by the tables that they are about.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// By the table whose rows refer, in the order in which they were made.
    referring: HashMap<TableName, Vec<Arc<ForeignKey>>>,
    /// By the table that they refer to.
    referred: HashMap<TableName, Vec<Arc<ForeignKey>>>,
}

/// What a change does to a table's rows: one that is made at the same time could be in its way
/// without DuckDB's noticing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    pub inserted: bool,
    pub updated: bool,
    pub deleted: bool,
    /// Rows come to refer to others.
    pub refers: bool,
    /// Keys may go that rows of other tables refer to.
    pub unkeys: bool,
}

impl Kinds {
    /// Tells whether there is anything.
    pub fn any(self) -> bool {
        self != Kinds::default()
    }

    /// Adds another change of the same table; tells whether that says more.
    pub fn and(&mut self, more: Kinds) -> bool {
        let before = *self;
        self.inserted |= more.inserted;
        self.updated |= more.updated;
        self.deleted |= more.deleted;
        self.refers |= more.refers;
        self.unkeys |= more.unkeys;
        *self != before
    }
}

/// What a change does to the rows of which tables.
pub type Impact = BTreeMap<TableName, Kinds>;

/// Reads all foreign keys, in the order in which they were made.
///
/// # Errors
/// XX001 when one cannot be read.
pub fn load_foreign_keys(connection: &mut WriteConnection) -> Result<Vec<ForeignKey>> {
    let read = |json: String| {
        serde_json::from_str(&json).map_err(|error| {
            Error::new(
                SqlState::DATA_CORRUPTED,
                format!("a foreign key's definition cannot be read: {error}"),
            )
        })
    };
    let kept = connection.kept_foreign_keys()?;
    let mut keys = kept.into_iter().map(read).collect::<Result<Vec<ForeignKey>>>()?;
    keys.sort_by(|a, b| (a.id, &a.table, &a.name).cmp(&(b.id, &b.table, &b.name)));
    Ok(keys)
}

/// Writes a foreign key down, in the place of one of the same name of the same table.
///
/// # Errors
/// What DuckDB says.
pub fn save_foreign_key(connection: &mut WriteConnection, key: &ForeignKey) -> Result<()> {
    let definition = serde_json::to_string(key)
        .map_err(|error| Error::internal(format!("a foreign key cannot be kept: {error}")))?;
    connection.forget_foreign_key(&key.table, &key.name)?;
    connection.keep_foreign_key(&key.table, &key.name, &definition)
}

impl Keys {
    pub(super) fn of(keys: Vec<ForeignKey>) -> Keys {
        let mut all = Keys::default();
        for key in keys {
            let key = Arc::new(key);
            all.referring.entry(key.table.clone()).or_default().push(Arc::clone(&key));
            all.referred.entry(key.referenced.clone()).or_default().push(key);
        }
        all
    }

    pub(super) fn is_empty(&self) -> bool {
        self.referring.is_empty()
    }

    /// Those that change rows of the tables that refer.
    pub(super) fn acting(&self) -> impl Iterator<Item = &ForeignKey> {
        let all = self.referring.values().flatten().map(Arc::as_ref);
        all.filter(|key| !key.rules.on_delete.checks() || !key.rules.on_update.checks())
    }

    /// The tables that they are about.
    pub(super) fn tables(&self) -> impl Iterator<Item = &TableName> {
        self.referring.keys().chain(self.referred.keys())
    }
}

impl Graph {
    /// The keys by which a table's rows refer to others.
    pub fn keys_of(&self, table: &TableName) -> &[Arc<ForeignKey>] {
        self.keys.referring.get(table).map_or(&[], Vec::as_slice)
    }

    /// The keys by which rows refer to a table's.
    pub fn keys_to(&self, table: &TableName) -> &[Arc<ForeignKey>] {
        self.keys.referred.get(table).map_or(&[], Vec::as_slice)
    }

    /// All foreign keys.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<ForeignKey>> {
        self.keys.referring.values().flatten()
    }

    /// Tells whether a table has foreign keys, or others have some that refer to it.
    pub fn has_keys(&self, table: &TableName) -> bool {
        !self.keys_of(table).is_empty() || !self.keys_to(table).is_empty()
    }

    /// Tells whether triggers or foreign keys look at rows after these events, and may refuse them.
    pub fn looks_at(&self, table: &TableName, events: &[Event]) -> bool {
        self.fires(table, events) || self.is_keyed(table, events, None)
    }

    /// Tells whether foreign keys must be seen to after these events.
    pub(super) fn is_keyed(
        &self,
        table: &TableName,
        events: &[Event],
        assigns: Option<&[String]>,
    ) -> bool {
        let refers = |event: &Event| match event {
            Event::Insert => !self.keys_of(table).is_empty(),
            Event::Update => self.keys_of(table).iter().any(|key| key.refers_by(assigns)),
            Event::Delete => false,
        };
        let unkeys = |event: &Event| match event {
            Event::Insert => false,
            Event::Update => self.keys_to(table).iter().any(|key| key.is_of_key(assigns)),
            Event::Delete => !self.keys_to(table).is_empty(),
        };
        self.has_keys(table) && events.iter().any(|event| refers(event) || unkeys(event))
    }

    /// Tells whether keys that refer to a table must know what an UPDATE makes of theirs.
    pub(super) fn renews(&self, table: &TableName, assigns: Option<&[String]>) -> bool {
        self.keys_to(table).iter().any(|key| {
            let action = key.rules.on_update;
            let asks = matches!(action, ReferentialAction::Cascade | ReferentialAction::Restrict);
            asks && key.is_of_key(assigns)
        })
    }

    /// Lists what a change does, with all that triggers and foreign keys do behind it.
    pub fn impact(&self, body: &Body) -> Impact {
        let mut impact = Impact::new();
        let mut waiting: Vec<(TableName, Kinds)> = Vec::new();
        for body in self.with_consequences(body) {
            waiting.extend(self.own_impact(body));
        }
        while let Some((table, kinds)) = waiting.pop() {
            if !impact.entry(table.clone()).or_default().and(kinds) || !kinds.unkeys {
                continue;
            }
            let reached: BTreeSet<&TableName> =
                self.keys_to(&table).iter().map(|k| &k.table).collect();
            for key in self.keys_to(&table) {
                waiting.extend(self.reaction(key, kinds));
            }
            let triggers = reached.into_iter().flat_map(|table| self.triggers_of(table));
            for body in triggers.flat_map(|stored| stored.bodies()) {
                let more = self.with_consequences(body);
                waiting.extend(more.into_iter().flat_map(|body| self.own_impact(body)));
            }
        }
        impact
    }

    /// What a foreign key does to the table that refers.
    fn reaction(&self, key: &ForeignKey, kinds: Kinds) -> Option<(TableName, Kinds)> {
        let (deletes, updates) = (key.rules.on_delete, key.rules.on_update);
        let deleted = kinds.deleted && deletes == ReferentialAction::Cascade;
        let updated =
            kinds.deleted && !deletes.checks() && !deleted || kinds.updated && !updates.checks();
        let unkeys = deleted && !self.keys_to(&key.table).is_empty()
            || updated
                && self.keys_to(&key.table).iter().any(|on| on.is_of_key(Some(&key.columns)));
        let kinds = Kinds { inserted: false, updated, deleted, refers: updated, unkeys };
        kinds.any().then(|| (key.table.clone(), kinds))
    }

    fn own_impact(&self, body: &Body) -> Vec<(TableName, Kinds)> {
        match body {
            Body::Batch { bodies, .. } => {
                bodies.iter().flat_map(|body| self.own_impact(body)).collect()
            }
            Body::Define { changes, .. } => {
                let emptied = |change: &Definition| match change {
                    Definition::Truncate { tables, .. } => tables.concat(),
                    _ => Vec::new(),
                };
                let unkeys = Kinds { unkeys: true, ..Kinds::default() };
                let tables = changes.iter().flat_map(emptied);
                let tables = tables.filter(|table| !self.keys_to(table).is_empty());
                tables.map(|table| (table, unkeys)).collect()
            }
            // It does not say which rows it brings.
            Body::Call { procedure, .. } if procedure != "teatree.publish_version" => {
                let refers = Kinds { refers: true, ..Kinds::default() };
                self.keys.referring.keys().map(|table| (table.clone(), refers)).collect()
            }
            body => body
                .table()
                .into_iter()
                .flat_map(|table| self.may_mean(table))
                .map(|table| (table.clone(), self.kinds(table, body)))
                .filter(|(_, kinds)| kinds.any())
                .collect(),
        }
    }

    /// A name that was written without a schema may be another table's of the search path.
    fn may_mean<'a>(&'a self, table: &'a TableName) -> impl Iterator<Item = &'a TableName> {
        let keyed = self
            .keys
            .tables()
            .filter(move |other| other.table == table.table && other.schema != table.schema);
        std::iter::once(table).chain(keyed)
    }

    fn kinds(&self, table: &TableName, body: &Body) -> Kinds {
        let (of, to) = (!self.keys_of(table).is_empty(), !self.keys_to(table).is_empty());
        let (tag, effect) = match body {
            Body::Rows { replaces, .. } => {
                let unkeys = *replaces && to;
                return Kinds { inserted: true, refers: of, unkeys, ..Kinds::default() };
            }
            Body::Values(_) => return Kinds { inserted: true, refers: of, ..Kinds::default() },
            Body::Compute(_) => {
                return Kinds { inserted: true, refers: of, unkeys: to, ..Kinds::default() };
            }
            Body::Statement { tag, effect, .. } => (tag, effect),
            _ => return Kinds::default(),
        };
        let Some(kind) = ChangeKind::of(tag) else { return Kinds::default() };
        let assigns = match effect {
            Effect::Changes { assigns, .. } | Effect::Merges { assigns, .. } => {
                Some(assigns.as_slice())
            }
            Effect::Inserts | Effect::Unknown => None,
        };
        let updates = *tag == TagKind::Update;
        let refers = match kind {
            ChangeKind::Delete => false,
            ChangeKind::Update => self.keys_of(table).iter().any(|key| key.refers_by(assigns)),
            ChangeKind::Insert | ChangeKind::Merge => of,
        };
        let unkeys = match kind {
            ChangeKind::Insert if *effect == Effect::Inserts => false,
            ChangeKind::Insert | ChangeKind::Update => {
                self.keys_to(table).iter().any(|key| key.is_of_key(assigns))
            }
            ChangeKind::Delete | ChangeKind::Merge => to,
        };
        let merges = *tag == TagKind::Merge;
        let deletes = *tag == TagKind::Delete;
        let inserted = matches!(kind, ChangeKind::Insert | ChangeKind::Merge);
        Kinds { inserted, updated: updates || merges, deleted: deletes || merges, refers, unkeys }
    }
}
