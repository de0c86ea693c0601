//! The materialized views of a moment, and which of them follow which tables.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::View;
use crate::engine::duckdb::WriteConnection;
use crate::error::Result;
use crate::ids::TableName;

/// The views of a moment, each behind those that it reads.
#[derive(Debug, Default)]
pub struct Graph {
    views: Vec<View>,
    /// Which views read a table.
    readers: HashMap<TableName, Vec<usize>>,
    /// The bare names of all tables with readers.
    names: HashSet<String>,
    /// Tables and views that a change spreads over in its own transaction, by a number for each
    /// such set.
    parts: HashMap<TableName, usize>,
}

impl Graph {
    /// Reads the views of the data file.
    ///
    /// # Errors
    /// XX001 when one cannot be read.
    pub fn load(connection: &mut WriteConnection) -> Result<Graph> {
        Ok(Graph::of(View::load(connection)?))
    }

    fn of(views: Vec<View>) -> Graph {
        let mut graph = Graph { views: ordered(views), ..Graph::default() };
        for (place, view) in graph.views.iter().enumerate() {
            for input in &view.stored.inputs {
                graph.names.insert(input.table.clone());
                graph.readers.entry(input.clone()).or_default().push(place);
            }
        }
        graph.parts = parts(&graph.views);
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

    /// Tells whether there are no views.
    pub fn is_empty(&self) -> bool {
        self.views.is_empty()
    }

    /// The views, each behind those that it reads.
    pub fn views(&self) -> &[View] {
        &self.views
    }

    /// Tells whether a table of this bare name has readers.
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

    /// Tells whether other views read a table here than in another moment.
    pub fn reads_otherwise(&self, other: &Graph, table: &TableName) -> bool {
        let storages = |graph: &Graph| -> BTreeSet<String> {
            let following = graph.readers_of(table).filter(|view| view.follows());
            following.map(|view| view.storage.table.clone()).collect()
        };
        storages(self) != storages(other)
    }

    /// Tells whether changes of two tables can come together in a view.
    pub fn meet(&self, one: &TableName, other: &TableName) -> bool {
        let (one, other) = (self.parts.get(one), self.parts.get(other));
        one.is_some() && one == other
    }

    /// Lists the tables whose changes can come together with this one's in a view; none when
    /// nothing follows it.
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

/// Numbers the sets of tables and views that are joined by views.
fn parts(views: &[View]) -> HashMap<TableName, usize> {
    let mut parts: HashMap<TableName, usize> = HashMap::new();
    for (number, view) in views.iter().enumerate().filter(|(_, view)| view.follows()) {
        let members: Vec<&TableName> =
            view.stored.inputs.iter().chain([&view.stored.name]).collect();
        let met: HashSet<usize> =
            members.iter().filter_map(|name| parts.get(*name).copied()).collect();
        for part in parts.values_mut() {
            if met.contains(part) {
                *part = number;
            }
        }
        for name in members {
            parts.insert(name.clone(), number);
        }
    }
    parts
}
