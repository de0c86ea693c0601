//! Which foreign keys a transaction looks at only when it ends, and which of them it has broken.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::ids::TableName;
use crate::sql::ForeignKey;

/// What SET CONSTRAINTS has said in a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConstraintModes {
    all: Option<bool>,
    named: BTreeMap<(TableName, String), bool>,
}

impl ConstraintModes {
    /// Everything that may wait does.
    pub fn deferred() -> ConstraintModes {
        ConstraintModes { all: Some(true), named: BTreeMap::new() }
    }

    /// Says it of all keys, whatever was said before.
    pub fn set_all(&mut self, deferred: bool) {
        *self = ConstraintModes { all: Some(deferred), named: BTreeMap::new() };
    }

    /// Says it of one key.
    pub fn set(&mut self, key: &ForeignKey, deferred: bool) {
        self.named.insert((key.table.clone(), key.name.clone()), deferred);
    }

    /// Tells whether a key is looked at when the transaction ends.
    pub fn defers(&self, key: &ForeignKey) -> bool {
        let named = self.named.get(&(key.table.clone(), key.name.clone())).copied();
        key.rules.deferrable && named.or(self.all).unwrap_or(key.rules.deferred)
    }
}

/// The keys that a transaction has broken and may still mend, by their tables and names, each with
/// what was wrong first.
pub type BrokenKeys = BTreeMap<(TableName, String), Error>;
