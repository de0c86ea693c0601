//! What names of columns mean at one place of a query.

use std::collections::HashMap;

use super::Ty;

/// One item of FROM.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    pub(super) name: Option<String>,
    pub(super) columns: Vec<(String, Ty)>,
    /// The columns of its primary key, in no order.
    pub(super) key: Vec<String>,
    /// It is a function of one column, and its name means the value.
    pub(super) is_value: bool,
    /// Whether these are all of its columns.
    pub(super) complete: bool,
}

/// The names that an expression may use.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope<'a> {
    pub(super) sources: Vec<Source>,
    /// Columns in the order of `*`, with joined ones once; `None` where that is not known.
    pub(super) all: Option<Vec<(String, Ty)>>,
    pub(super) outer: Option<&'a Scope<'a>>,
}

/// Columns of common table expressions by name; `None` where they are not known.
pub(super) type Ctes = HashMap<String, Option<Vec<(String, Ty)>>>;

impl Scope<'_> {
    /// Finds a column by its own name.
    pub(super) fn column(&self, name: &str) -> Ty {
        let own = self.sources.iter().flat_map(|source| &source.columns);
        if let Some((_, ty)) = own.into_iter().find(|(known, _)| known == name) {
            return *ty;
        }
        if self.sources.iter().any(|source| !source.complete) {
            return Ty::UNTYPED;
        }
        self.outer.map_or(Ty::UNTYPED, |outer| outer.column(name))
    }

    /// Tells whether an item of FROM here has a column of this name, or may have.
    pub(super) fn has_column(&self, name: &str) -> bool {
        let has = |source: &Source| source.columns.iter().any(|(known, _)| known == name);
        self.sources.iter().any(|source| !source.complete || has(source))
    }

    /// Finds a column of a named table.
    pub(super) fn qualified(&self, table: &str, name: &str) -> Ty {
        match self.source(table) {
            Some(source) => {
                let found = source.columns.iter().find(|(known, _)| known == name);
                found.map_or(Ty::UNTYPED, |(_, ty)| *ty)
            }
            None => self.outer.map_or(Ty::UNTYPED, |outer| outer.qualified(table, name)),
        }
    }

    /// Finds the only item of FROM here that has a column of this name.
    pub(super) fn owner(&self, column: &str) -> Option<&Source> {
        let has = |source: &&Source| source.columns.iter().any(|(name, _)| name == column);
        let mut owners = self.sources.iter().filter(has);
        owners.next().filter(|_| owners.next().is_none())
    }

    /// Tells whether a name is surely no column and no table here or further out.
    pub(super) fn lacks(&self, name: &str) -> bool {
        let is_here = |source: &Source| {
            !source.complete
                || source.name.as_deref() == Some(name)
                || source.columns.iter().any(|(column, _)| column == name)
        };
        !self.sources.iter().any(is_here) && self.outer.is_none_or(|outer| outer.lacks(name))
    }

    /// Tells whether an item of FROM here or further out has this name.
    pub(super) fn has_source(&self, table: &str) -> bool {
        self.source(table).is_some() || self.outer.is_some_and(|outer| outer.has_source(table))
    }

    /// Finds an item of FROM here.
    pub(super) fn source(&self, table: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name.as_deref() == Some(table))
    }
}
