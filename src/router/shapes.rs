//! What DuckDB's tables look like, remembered for one moment of the definitions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Rights, Router};
use crate::engine::duckdb::Relation;
use crate::error::Result;
use crate::ids::TableName;
use crate::intent::Moment;
use crate::sql::{RelationColumn, Routine, TableRef};
use crate::task;

/// Names remembered at most; past it all are forgotten.
const RELATIONS_MAX: usize = 1000;

/// Remembers relations until a definition changes.
#[derive(Default)]
pub struct Shapes {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    moment: Moment,
    relations: HashMap<TableName, Arc<Relation>>,
    names: Option<Arc<Names>>,
    columns: HashMap<TableRef, Arc<Vec<RelationColumn>>>,
    routines: Option<Arc<Vec<Routine>>>,
    rights: Option<Arc<Rights>>,
}

/// Which names are plain tables.
#[derive(Debug, Default)]
pub(super) struct Names {
    tables: HashSet<String>,
    /// Views.
    others: HashSet<String>,
    /// Macros, which may read any table without naming it, in lower case.
    macros: HashSet<String>,
}

impl Names {
    /// Tells whether reading this name reads a table of this name and nothing else.
    pub(super) fn is_plain_table(&self, name: &str) -> bool {
        self.tables.contains(name) && !self.others.contains(name)
    }

    /// Tells whether a view has this name.
    pub(super) fn is_view(&self, name: &str) -> bool {
        self.others.contains(name)
    }

    /// Tells whether one of these functions is a macro.
    pub(super) fn have_macro(&self, functions: &[String]) -> bool {
        functions.iter().any(|name| self.macros.contains(name))
    }
}

impl Shapes {
    fn remembered<T>(&self, moment: Moment, get: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock();
        if state.moment != moment {
            *state = State { moment, ..State::default() };
        }
        get(&mut state)
    }
}

impl Shapes {
    /// Returns the columns that a name stands for, if they are remembered from this moment.
    pub(super) fn columns(
        &self,
        moment: Moment,
        table: &TableRef,
    ) -> Option<Arc<Vec<RelationColumn>>> {
        self.remembered(moment, |state| state.columns.get(table).cloned())
    }

    /// Returns the routines, if they are remembered from this moment.
    pub(super) fn routines(&self, moment: Moment) -> Option<Arc<Vec<Routine>>> {
        self.remembered(moment, |state| state.routines.clone())
    }

    /// Returns roles and privileges, if they are remembered from this moment.
    pub(super) fn rights(&self, moment: Moment) -> Option<Arc<Rights>> {
        self.remembered(moment, |state| state.rights.clone())
    }

    /// Remembers roles and privileges.
    pub(super) fn remember_rights(&self, moment: Moment, rights: Arc<Rights>) {
        self.remembered(moment, |state| state.rights = Some(rights));
    }

    /// Remembers the routines.
    pub(super) fn remember_routines(&self, moment: Moment, routines: Arc<Vec<Routine>>) {
        self.remembered(moment, |state| state.routines = Some(routines));
    }

    /// Remembers the columns that a name stands for.
    pub(super) fn remember_columns(
        &self,
        moment: Moment,
        table: TableRef,
        columns: Arc<Vec<RelationColumn>>,
    ) {
        self.remembered(moment, |state| {
            if state.columns.len() >= RELATIONS_MAX {
                state.columns.clear();
            }
            state.columns.insert(table, columns);
        });
    }
}

impl Router {
    /// Returns what a name stands for in a moment of the definitions, which the caller has asked
    /// for before.
    pub(super) async fn relation(&self, moment: Moment, name: &TableName) -> Result<Arc<Relation>> {
        let found = self.shapes.remembered(moment, |state| state.relations.get(name).cloned());
        if let Some(found) = found {
            return Ok(found);
        }
        let (duckdb, wanted) = (Arc::clone(&self.duckdb), name.clone());
        let relation = Arc::new(task::blocking(move || duckdb.relation(&wanted)).await?);
        self.shapes.remembered(moment, |state| {
            if state.relations.len() >= RELATIONS_MAX {
                state.relations.clear();
            }
            state.relations.insert(name.clone(), Arc::clone(&relation));
        });
        Ok(relation)
    }

    /// Returns the names of a moment of the definitions.
    pub(super) async fn object_names(&self, moment: Moment) -> Result<Arc<Names>> {
        if let Some(names) = self.shapes.remembered(moment, |state| state.names.clone()) {
            return Ok(names);
        }
        let duckdb = Arc::clone(&self.duckdb);
        let listed = task::blocking(move || duckdb.object_names()).await?;
        let mut names = Names::default();
        for (kind, name) in listed {
            match kind.as_str() {
                "table" => drop(names.tables.insert(name)),
                "macro" => drop(names.macros.insert(name.to_lowercase())),
                _ => drop(names.others.insert(name)),
            }
        }
        let names = Arc::new(names);
        self.shapes.remembered(moment, |state| state.names = Some(Arc::clone(&names)));
        Ok(names)
    }
}
