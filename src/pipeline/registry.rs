//! What the server knows of its materialized views between transactions.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::Graph;
use crate::ids::{IntentSeq, TableName};

/// The views that are committed, and when they changed last.
#[derive(Debug, Default)]
pub struct Registry {
    graph: RwLock<Arc<Graph>>,
    moved: Mutex<HashMap<TableName, IntentSeq>>,
}

impl Registry {
    /// The views that follow their inputs, as they are committed.
    pub fn graph(&self) -> Arc<Graph> {
        Arc::clone(&self.graph.read())
    }

    /// Puts other definitions in their place, once those are committed.
    pub fn set(&self, graph: Arc<Graph>) {
        *self.graph.write() = graph;
    }

    /// Notes that views have changed with an intent.
    pub fn note_moved(&self, views: &BTreeSet<TableName>, seq: IntentSeq) {
        if views.is_empty() {
            return;
        }
        let mut moved = self.moved.lock();
        for view in views {
            moved.insert(view.clone(), seq);
        }
    }

    /// Tells whether a view that a change of this table can reach has changed after a place.
    pub fn has_moved_since(&self, graph: &Graph, table: &TableName, since: IntentSeq) -> bool {
        let moved = self.moved.lock();
        graph.together(table).iter().any(|name| moved.get(name).is_some_and(|seq| *seq > since))
    }
}
