//! The materialized views, triggers and foreign keys of a moment, and which tables they are about.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::keys::{Keys, load_foreign_keys};
use super::{StoredTrigger, View};
use crate::engine::duckdb::WriteConnection;
use crate::error::Result;
use crate::ids::TableName;
use crate::intent::Body;
use crate::sql::trigger::Event;

/// The views of a moment, each behind those that it reads, the triggers and the foreign keys.
#[derive(Debug, Default)]
pub struct Graph {
    views: Vec<View>,
    /// Which views read a table.
    readers: HashMap<TableName, Vec<usize>>,
    /// The triggers of each table, in the order in which they run.
    triggers: HashMap<TableName, Vec<Arc<StoredTrigger>>>,
    pub(super) keys: Keys,
    /// The bare names of all tables with readers, triggers or foreign keys.
    names: HashSet<String>,
    /// Tables and views that a change spreads over in its own transaction, by views or triggers: by
    /// a number for each such set.
    parts: HashMap<TableName, usize>,
}

impl Graph {
    /// Reads the views, triggers and foreign keys of the data file.
    ///
    /// # Errors
    /// XX001 when one cannot be read.
    pub fn load(connection: &mut WriteConnection) -> Result<Graph> {
        let keys = load_foreign_keys(connection)?;
        Ok(Graph::of(View::load(connection)?, StoredTrigger::load(connection)?, Keys::of(keys)))
    }

    fn of(views: Vec<View>, triggers: Vec<StoredTrigger>, keys: Keys) -> Graph {
        let mut graph = Graph { views: ordered(views), ..Graph::default() };
        graph.names.extend(keys.tables().map(|table| table.table.clone()));
        graph.keys = keys;
        for (place, view) in graph.views.iter().enumerate() {
            for input in &view.stored.inputs {
                graph.names.insert(input.table.clone());
                graph.readers.entry(input.clone()).or_default().push(place);
            }
        }
        graph.parts = parts(&graph.views, &triggers, &graph.keys);
        for stored in triggers {
            let table = stored.trigger.table.clone();
            graph.names.insert(table.table.clone());
            graph.triggers.entry(table).or_default().push(Arc::new(stored));
        }
        graph
    }

    /// Finds a view.
    pub fn find(&self, name: &TableName) -> Option<&View> {
        self.views.iter().find(|view| view.stored.name == *name)
    }

    /// The views that read a table or a view.
    pub fn readers_of(&self, name: &TableName) -> impl Iterator<Item = &View> {
        let places = self.readers.get(name).into_iter().flatten();
        places.map(|&place| &self.views[place])
    }

    /// Tells whether there are neither views nor triggers.
    pub fn is_empty(&self) -> bool {
        self.views.is_empty() && self.triggers.is_empty() && self.keys.is_empty()
    }

    /// The triggers of a table, in the order in which they run.
    pub fn triggers_of(&self, table: &TableName) -> &[Arc<StoredTrigger>] {
        self.triggers.get(table).map_or(&[], Vec::as_slice)
    }

    /// All triggers, by their tables.
    pub fn triggers(&self) -> impl Iterator<Item = &Arc<StoredTrigger>> {
        self.triggers.values().flatten()
    }

    /// Tells whether a table has triggers that may run for one of these events.
    pub fn fires(&self, table: &TableName, events: &[Event]) -> bool {
        let is_for = |stored: &Arc<StoredTrigger>| {
            let of_spec = &stored.trigger.spec.events;
            stored.trigger.enabled && events.iter().any(|event| of_spec.contains(event))
        };
        self.triggers_of(table).iter().any(is_for)
    }

    /// Lists a change with all that triggers do behind it.
    pub fn with_consequences<'a>(&'a self, body: &'a Body) -> Vec<&'a Body> {
        let mut all = vec![body];
        let mut seen: BTreeSet<&TableName> = BTreeSet::new();
        let mut place = 0;
        while let Some(body) = all.get(place).copied().filter(|_| !self.triggers.is_empty()) {
            place += 1;
            for table in body.tables() {
                if seen.insert(table) {
                    all.extend(self.triggers_of(table).iter().flat_map(|stored| stored.bodies()));
                }
            }
        }
        all
    }

    /// Finds a table whose change would come back to it by triggers.
    pub fn circle(&self) -> Option<Vec<TableName>> {
        self.triggers.keys().find_map(|start| {
            let mut ways: Vec<Vec<&TableName>> = vec![vec![start]];
            let mut seen: BTreeSet<&TableName> = BTreeSet::new();
            while let Some(way) = ways.pop() {
                let last = way.last().copied().unwrap_or(start);
                for next in self.triggers_of(last).iter().flat_map(|one| &one.trigger.writes) {
                    let further: Vec<&TableName> = way.iter().copied().chain([next]).collect();
                    if next == start {
                        return Some(further.into_iter().cloned().collect());
                    }
                    if seen.insert(next) {
                        ways.push(further);
                    }
                }
            }
            None
        })
    }

    /// The views, each behind those that it reads.
    pub fn views(&self) -> &[View] {
        &self.views
    }

    /// Tells whether a table of this bare name has readers, triggers or foreign keys.
    pub fn may_watch(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Tells whether a table has readers.
    pub fn reads(&self, table: &TableName) -> bool {
        self.readers.contains_key(table)
    }

    /// Tells whether a table has readers that follow it.
    pub fn watches(&self, table: &TableName) -> bool {
        self.readers_of(table).any(View::follows)
    }

    /// Tells whether other views follow a table here than in another moment, other triggers run or
    /// other foreign keys hold.
    pub fn reads_otherwise(&self, other: &Graph, table: &TableName) -> bool {
        let storages = |graph: &Graph| -> BTreeSet<String> {
            let following = graph.readers_of(table).filter(|view| view.follows());
            let storages = following.map(|view| view.storage.table.clone());
            let triggers = graph.triggers_of(table).iter().filter(|one| one.trigger.enabled);
            let keys = graph.keys_of(table).iter().chain(graph.keys_to(table));
            let keys = keys.map(|key| format!("{} {}", key.table, key.name));
            storages.chain(triggers.map(|one| one.trigger.new_rows())).chain(keys).collect()
        };
        storages(self) != storages(other)
    }

    /// Tells whether changes of two tables can come together in a view or by a trigger.
    pub fn meet(&self, one: &TableName, other: &TableName) -> bool {
        let (one, other) = (self.parts.get(one), self.parts.get(other));
        one.is_some() && one == other
    }

    /// Lists the tables whose changes can come together with this one's in a view or by triggers;
    /// none when nothing follows it.
    pub fn together(&self, table: &TableName) -> BTreeSet<TableName> {
        let Some(part) = self.parts.get(table) else { return BTreeSet::new() };
        let mates = self.parts.iter().filter(|(_, other)| *other == part);
        mates.map(|(name, _)| name.clone()).collect()
    }
}

/// Puts each view behind those that it reads. There are no circles: a view reads what was there
/// before it.
fn ordered(mut views: Vec<View>) -> Vec<View> {
    views.sort_by(|a, b| a.stored.name.cmp(&b.stored.name));
    let mut ordered: Vec<View> = Vec::with_capacity(views.len());
    while !views.is_empty() {
        let free = views.iter().position(|view| {
            let mut inputs = view.stored.inputs.iter();
            !inputs.any(|input| views.iter().any(|other| other.stored.name == *input))
        });
        ordered.push(views.remove(free.unwrap_or(0)));
    }
    ordered
}

/// Numbers the sets of tables and views that are joined by views and triggers.
fn parts(views: &[View], triggers: &[StoredTrigger], keys: &Keys) -> HashMap<TableName, usize> {
    let of_views = views
        .iter()
        .filter(|view| view.follows())
        .map(|view| (&view.stored.inputs, &view.stored.name));
    let of_triggers = triggers.iter().map(|stored| (&stored.trigger.writes, &stored.trigger.table));
    let mut parts: HashMap<TableName, usize> = HashMap::new();
    for (number, (many, one)) in of_views.chain(of_triggers).enumerate() {
        join(&mut parts, number, many.iter().chain([one]));
    }
    // What a foreign key changes has its views and triggers, too.
    let mut number = usize::MAX;
    let apart = |parts: &HashMap<TableName, usize>| {
        let mut acting = keys.acting();
        acting.find(|key| {
            let part = parts.get(&key.table);
            part.is_some() && parts.get(&key.referenced) != part
        })
    };
    while let Some(key) = apart(&parts) {
        join(&mut parts, number, [&key.table, &key.referenced].into_iter());
        number -= 1;
    }
    parts
}

/// Makes one set of all that these tables are in.
fn join<'a>(
    parts: &mut HashMap<TableName, usize>,
    number: usize,
    members: impl Iterator<Item = &'a TableName>,
) {
    let members: Vec<&TableName> = members.collect();
    let met: HashSet<usize> = members.iter().filter_map(|name| parts.get(*name).copied()).collect();
    for part in parts.values_mut() {
        if met.contains(part) {
            *part = number;
        }
    }
    for name in members {
        parts.insert(name.clone(), number);
    }
}
