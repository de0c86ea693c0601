//! Intents that the stream has passed over, because tables that they name are held: by DDL of an
//! open transaction, or by a big append that is applied apart.
//!
//! **Invariant:** of two intents that name the same table the earlier one is applied first; what
//! names other tables goes on. How many may be parked is for the stream to bound.

use std::collections::{BTreeSet, VecDeque};

use crate::ids::TableName;

/// The tables that an intent or a hold is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// These, by every name that the statement may mean.
    Tables(BTreeSet<TableName>),
    /// Any: nobody knows which.
    Any,
}

impl Names {
    /// Makes the names of one table.
    pub(super) fn one(table: &TableName) -> Names {
        Names::Tables(BTreeSet::from([table.clone()]))
    }

    /// Tells whether what has these names must wait for an earlier one that has the others.
    pub(super) fn waits_for(&self, earlier: &Names) -> bool {
        match (self, earlier) {
            (Names::Tables(mine), Names::Tables(others)) => !mine.is_disjoint(others),
            (Names::Any, _) | (_, Names::Any) => true,
        }
    }
}

/// Who holds tables here; the transaction that has the lane keeps its own list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// A big append that is applied apart.
    Bulk,
}

/// What becomes of a parked intent that nothing holds any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Going {
    Stays,
    Goes,
    /// It goes, and takes a while: those behind it that name its tables wait on.
    GoesAndHolds,
}

/// One intent that waits.
#[derive(Debug)]
pub(super) struct Parked<T> {
    pub(super) item: T,
    pub(super) names: Names,
}

/// Who holds which tables, and who waits for them, in the order of the log.
#[derive(Debug)]
pub(super) struct Parking<T> {
    holds: Vec<(Holder, Names)>,
    parked: VecDeque<Parked<T>>,
}

impl<T> Parking<T> {
    pub(super) fn new() -> Parking<T> {
        Parking { holds: Vec::new(), parked: VecDeque::new() }
    }

    /// Tells whether nothing is held and nobody waits.
    pub(super) fn is_idle(&self) -> bool {
        self.holds.is_empty() && self.parked.is_empty()
    }

    /// Holds tables for a holder, besides those that it has.
    pub(super) fn hold(&mut self, holder: Holder, names: Names) {
        self.holds.push((holder, names));
    }

    /// Ends everything that the holder has.
    pub(super) fn release(&mut self, holder: Holder) {
        self.holds.retain(|(held_by, _)| *held_by != holder);
    }

    /// Tells whether the holder has anything.
    pub(super) fn holds(&self, holder: Holder) -> bool {
        self.holds.iter().any(|(held_by, _)| *held_by == holder)
    }

    /// Tells whether the holder has any of these.
    pub(super) fn has_any_of(&self, holder: Holder, names: &Names) -> bool {
        let mut held = self.holds.iter().filter(|(held_by, _)| *held_by == holder);
        held.any(|(_, held)| names.waits_for(held))
    }

    /// Returns those that wait, but for some and those that wait behind them.
    pub(super) fn parked_but(
        &self,
        is_left_out: impl Fn(&T, &Names) -> bool,
    ) -> impl Iterator<Item = (&T, &Names)> {
        let mut left_out: Vec<&Names> = Vec::new();
        self.parked.iter().filter_map(move |parked| {
            let behind = left_out.iter().any(|earlier| parked.names.waits_for(earlier));
            if behind || is_left_out(&parked.item, &parked.names) {
                left_out.push(&parked.names);
                return None;
            }
            Some((&parked.item, &parked.names))
        })
    }

    /// Tells whether an intent that comes now must wait: for a hold, or for one that waits itself.
    pub(super) fn must_wait(&self, names: &Names) -> bool {
        let parked = self.parked.iter().map(|parked| &parked.names);
        self.holds.iter().map(|(_, held)| held).chain(parked).any(|held| names.waits_for(held))
    }

    /// Lets an intent wait behind those that wait already.
    pub(super) fn park(&mut self, item: T, names: Names) {
        self.parked.push_back(Parked { item, names });
    }

    /// Takes, in their order, those that wait for nothing any more, each as `going` decides;
    /// whoever names a table of one that stays, or that holds its tables from now on, stays as
    /// well. What is taken is to be applied before anything that comes later.
    pub(super) fn take_ready_as(&mut self, mut going: impl FnMut(&T) -> Going) -> Vec<T> {
        let mut blocking: Vec<Names> = self.holds.iter().map(|(_, held)| held.clone()).collect();
        let mut ready = Vec::new();
        for parked in std::mem::take(&mut self.parked) {
            let waits = blocking.iter().any(|earlier| parked.names.waits_for(earlier));
            let going = if waits { Going::Stays } else { going(&parked.item) };
            if going != Going::Goes && !blocking.contains(&parked.names) {
                blocking.push(parked.names.clone());
            }
            match going {
                Going::Stays => self.parked.push_back(parked),
                Going::Goes | Going::GoesAndHolds => ready.push(parked.item),
            }
        }
        ready
    }

    /// Takes those that `wanted` says yes to, though what they wait for is not over.
    pub(super) fn take_if(&mut self, mut wanted: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut taken = Vec::new();
        for parked in std::mem::take(&mut self.parked) {
            if wanted(&parked.item) {
                taken.push(parked.item);
            } else {
                self.parked.push_back(parked);
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(tables: &[&str]) -> Names {
        Names::Tables(tables.iter().map(|table| TableName::new("public", *table)).collect())
    }

    fn all(_: &i32) -> Going {
        Going::Goes
    }

    #[test]
    fn those_of_a_held_table_wait_in_order_and_others_pass() {
        let mut parking = Parking::new();
        parking.hold(Holder::Bulk, names(&["a"]));
        assert!(parking.must_wait(&names(&["a", "b"])));
        assert!(!parking.must_wait(&names(&["b"])));
        parking.park(1, names(&["a", "b"]));
        // `b` is held by nobody, but an earlier intent that waits names it.
        assert!(parking.must_wait(&names(&["b"])));
        parking.park(2, names(&["b"]));
        parking.park(3, names(&["c"]));
        assert_eq!(parking.take_ready_as(all), [3]);
        let but = |left_out: i32| {
            let others = parking.parked_but(move |item, _| *item == left_out);
            others.map(|(item, _)| *item).collect::<Vec<_>>()
        };
        assert_eq!((but(0), but(1), but(2)), (vec![1, 2], vec![], vec![1]));
        parking.release(Holder::Bulk);
        assert_eq!(parking.take_ready_as(all), [1, 2]);
        assert!(parking.is_idle());
    }

    #[test]
    fn unknown_names_wait_for_all_and_all_for_them() {
        let mut parking = Parking::new();
        parking.hold(Holder::Bulk, names(&["a"]));
        assert!(parking.must_wait(&Names::Any));
        parking.park(1, Names::Any);
        assert!(parking.must_wait(&names(&["z"])));
    }

    #[test]
    fn one_that_may_not_go_yet_or_takes_long_keeps_those_behind_it() {
        let mut parking = Parking::new();
        parking.park(1, names(&["a"]));
        parking.park(2, names(&["a"]));
        parking.park(3, names(&["b"]));
        let but_first = |item: &i32| if *item == 1 { Going::Stays } else { Going::Goes };
        assert_eq!(parking.take_ready_as(but_first), [3]);
        assert_eq!(parking.take_ready_as(|_| Going::GoesAndHolds), [1]);
        assert_eq!(parking.take_if(|item| *item == 2), [2]);
        assert!(parking.is_idle());
    }
}
