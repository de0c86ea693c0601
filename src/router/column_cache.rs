//! Columns of DuckDB tables, remembered between definitions' changes.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::ids::TableName;
use crate::types::Column;

/// Tables remembered at most; past it all are forgotten.
const TABLES_MAX: usize = 1000;

/// Remembers columns until any definition changes.
#[derive(Default)]
pub struct ColumnCache {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Grows with every change of a definition.
    generation: u64,
    tables: HashMap<String, (TableName, Vec<Column>)>,
}

impl ColumnCache {
    /// Returns what is known under a key, or the generation that a later `put` must name.
    pub(super) fn get(&self, key: &str) -> Result<(TableName, Vec<Column>), u64> {
        let state = self.state.lock();
        state.tables.get(key).cloned().ok_or(state.generation)
    }

    /// Remembers columns, unless a definition has changed since they were looked for.
    pub(super) fn put(&self, key: String, generation: u64, name: &TableName, columns: &[Column]) {
        let mut state = self.state.lock();
        if state.generation != generation {
            return;
        }
        if state.tables.len() >= TABLES_MAX {
            state.tables.clear();
        }
        state.tables.insert(key, (name.clone(), columns.to_vec()));
    }

    /// Returns the number of changes of definitions so far.
    pub(super) fn generation(&self) -> u64 {
        self.state.lock().generation
    }

    /// A definition has changed.
    pub fn forget(&self) {
        let mut state = self.state.lock();
        state.generation += 1;
        state.tables.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_for_before_a_change_is_not_remembered_after_it() {
        let cache = ColumnCache::default();
        let name = TableName::new("public", "t");
        let generation = cache.get("t").unwrap_err();
        cache.forget();
        cache.put("t".into(), generation, &name, &[]);
        let generation = cache.get("t").unwrap_err();
        cache.put("t".into(), generation, &name, &[]);
        assert!(cache.get("t").is_ok());
    }
}
