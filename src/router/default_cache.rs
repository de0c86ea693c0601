//! Defaults of tables that writes name often, remembered between definitions' changes.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::sql::ColumnDefault;

/// Tables remembered at most; past it all are forgotten.
const TABLES_MAX: usize = 1000;

/// Remembers defaults for one generation of definitions.
#[derive(Default)]
pub struct DefaultCache {
    state: Mutex<(u64, HashMap<String, Vec<ColumnDefault>>)>,
}

impl DefaultCache {
    pub(super) fn get(&self, generation: u64, key: &str) -> Option<Vec<ColumnDefault>> {
        let state = self.state.lock();
        if state.0 == generation { state.1.get(key).cloned() } else { None }
    }

    pub(super) fn put(&self, generation: u64, key: String, columns: Vec<ColumnDefault>) {
        let mut state = self.state.lock();
        if state.0 < generation || state.1.len() >= TABLES_MAX {
            *state = (generation, HashMap::new());
        }
        if state.0 == generation {
            state.1.insert(key, columns);
        }
    }
}
