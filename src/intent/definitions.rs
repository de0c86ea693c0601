//! The clock of the definitions: whether what a session looked up of a table is still so.
//!
//! **Invariant:** what was looked up in a quiet moment is true for every intent that is placed
//! while the log is in that same moment.

use std::sync::atomic::{AtomicU64, Ordering};

/// Two counters: changes of definitions that have begun, and those of them that are over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Moment {
    begun: u64,
    ended: u64,
}

impl Moment {
    /// How many changes are over: what was looked up at this number or later is as it is now, but
    /// for changes that nobody was told of yet.
    pub fn ended(self) -> u64 {
        self.ended
    }

    /// Tells whether no definition is being changed.
    pub fn is_quiet(self) -> bool {
        self.begun == self.ended
    }
}

/// The clock. It is changed under the log's lock, so that a change and the placing of an intent
/// have an order, and read without.
#[derive(Debug, Default)]
pub(super) struct Clock {
    begun: AtomicU64,
    ended: AtomicU64,
}

impl Clock {
    /// Returns this moment. One that is quiet was so when it was asked for.
    pub(super) fn now(&self) -> Moment {
        // In this order: a change that begins in between is then seen as under way.
        let ended = self.ended.load(Ordering::SeqCst);
        let begun = self.begun.load(Ordering::SeqCst);
        Moment { begun, ended }
    }

    pub(super) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn end(&self) {
        self.ended.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_makes_another_moment_that_is_quiet_again_at_its_end() {
        let clock = Clock::default();
        let before = clock.now();
        assert!(before.is_quiet());
        clock.begin();
        clock.begin();
        clock.end();
        assert!(!clock.now().is_quiet());
        clock.end();
        assert!(clock.now().is_quiet() && clock.now() != before);
    }
}
