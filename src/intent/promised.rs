//! Intents that are acknowledged and not applied: what reads wait for.
//!
//! Tables are told apart by their bare names: a name in two schemas makes a read wait needlessly
//! for a moment, but never lets it miss what its client was promised.

use std::collections::{BTreeMap, HashMap};

use super::body::{Body, DatasetChange};
use super::tag::TagKind;
use crate::ids::{IntentSeq, TableName};

/// What an intent changes, as far as reads must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    Table(String),
    /// More than one table, or definitions.
    Everything,
}

/// What a read looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadScope {
    /// Base tables of these bare names, and nothing else.
    Tables(Vec<String>),
    /// Views, functions, names that nobody knows.
    Everything,
}

/// Places in their order, each with the time of its acknowledgement.
type Places = BTreeMap<IntentSeq, i64>;

/// The intents that are promised.
#[derive(Default)]
pub(super) struct Promised {
    tables: HashMap<String, Places>,
    everything: Places,
    count: usize,
}

impl Touched {
    pub(super) fn by(body: &Body) -> Touched {
        let one = |name: &TableName| Touched::Table(name.table.clone());
        match body {
            Body::Values(values) => one(&values.target.table),
            Body::Statement {
                tag: TagKind::Insert | TagKind::Update | TagKind::Delete,
                table: Some(table),
                ..
            }
            | Body::Rows { table, create: None, .. }
            | Body::Dataset(DatasetChange::Rewrite { name: table, .. }) => one(table),
            _ => Touched::Everything,
        }
    }
}

impl Promised {
    pub(super) fn add(&mut self, seq: IntentSeq, touched: &Touched, acknowledged_at_us: i64) {
        self.count += 1;
        let places = match touched {
            Touched::Everything => &mut self.everything,
            Touched::Table(name) => match self.tables.get_mut(name) {
                Some(places) => places,
                None => self.tables.entry(name.clone()).or_default(),
            },
        };
        places.insert(seq, acknowledged_at_us);
    }

    pub(super) fn remove(&mut self, seq: IntentSeq, touched: &Touched) {
        let removed = match touched {
            Touched::Everything => self.everything.remove(&seq),
            Touched::Table(name) => {
                let Some(places) = self.tables.get_mut(name) else { return };
                let removed = places.remove(&seq);
                if places.is_empty() {
                    self.tables.remove(name);
                }
                removed
            }
        };
        self.count -= usize::from(removed.is_some());
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Returns the last place in the scope that was acknowledged up to a time.
    pub(super) fn last(&self, scope: &ReadScope, until_us: i64) -> Option<IntentSeq> {
        let last = |places: &Places| {
            let mut back = places.iter().rev();
            back.find(|(_, at_us)| **at_us <= until_us).map(|(seq, _)| *seq)
        };
        self.places(scope).filter_map(last).max()
    }

    /// Tells whether nothing in the scope up to a place is left.
    pub(super) fn is_past(&self, scope: &ReadScope, place: IntentSeq) -> bool {
        self.places(scope).all(|places| places.keys().next().is_none_or(|first| *first > place))
    }

    fn places<'a>(&'a self, scope: &'a ReadScope) -> impl Iterator<Item = &'a Places> {
        let (all, named) = match scope {
            ReadScope::Everything => (Some(self.tables.values()), None),
            ReadScope::Tables(names) => {
                (None, Some(names.iter().filter_map(|name| self.tables.get(name))))
            }
        };
        let named = named.into_iter().flatten();
        std::iter::once(&self.everything).chain(all.into_iter().flatten()).chain(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> Touched {
        Touched::Table(name.to_owned())
    }

    fn reads(names: &[&str]) -> ReadScope {
        ReadScope::Tables(names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_read_waits_for_its_own_tables_and_for_what_touches_everything() {
        let mut promised = Promised::default();
        promised.add(IntentSeq(1), &table("a"), 10);
        promised.add(IntentSeq(2), &table("b"), 20);
        promised.add(IntentSeq(3), &table("a"), 30);
        let now = i64::MAX;
        assert_eq!(promised.last(&reads(&["a"]), now), Some(IntentSeq(3)));
        assert_eq!(promised.last(&reads(&["a"]), 20), Some(IntentSeq(1)));
        assert_eq!(promised.last(&reads(&["c"]), now), None);
        assert_eq!(promised.last(&ReadScope::Everything, 25), Some(IntentSeq(2)));
        promised.remove(IntentSeq(1), &table("a"));
        assert!(!promised.is_past(&reads(&["a"]), IntentSeq(3)));
        promised.remove(IntentSeq(3), &table("a"));
        assert!(promised.is_past(&reads(&["a"]), IntentSeq(3)));
        promised.add(IntentSeq(4), &Touched::Everything, 40);
        assert_eq!(promised.last(&reads(&["c"]), now), Some(IntentSeq(4)));
        promised.remove(IntentSeq(2), &table("b"));
        promised.remove(IntentSeq(4), &Touched::Everything);
        assert_eq!(promised.len(), 0);
    }

    #[test]
    fn an_intent_that_was_set_aside_is_waited_for_though_later_ones_are_applied() {
        let mut promised = Promised::default();
        promised.add(IntentSeq(1), &table("a"), 0);
        promised.add(IntentSeq(2), &table("a"), 0);
        promised.remove(IntentSeq(2), &table("a"));
        assert!(!promised.is_past(&reads(&["a"]), IntentSeq(2)));
    }
}
