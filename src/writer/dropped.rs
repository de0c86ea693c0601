//! Views that the stream drops while a transaction is open beside it. A transaction that renames a
//! table changes the views that read it; DuckDB refuses that for one that others have dropped, or
//! are dropping, and undoes the whole transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::MutexGuard;

use super::Shared;
use super::crossing::Seen;
use crate::ids::{IntentSeq, TableName};
use crate::intent::Body;
use crate::sql::{Definition, Dropped};

/// Views that are remembered; without one's place a transaction gets 40001.
const VIEWS_MAX: usize = 10_000;

/// Where the stream has dropped views. Whoever drops some, or changes those that read what is
/// renamed, keeps it locked meanwhile.
#[derive(Debug, Default)]
pub(super) struct DroppedViews {
    views: BTreeMap<TableName, IntentSeq>,
}

impl DroppedViews {
    /// Notes what the stream has dropped at a place.
    pub(super) fn note(&mut self, seq: IntentSeq, views: Vec<TableName>) {
        if self.views.len() + views.len() > VIEWS_MAX {
            self.views.clear();
        }
        self.views.extend(views.into_iter().map(|view| (view, seq)));
    }

    /// Tells whether a view that a snapshot has was dropped since.
    pub(super) fn has_since(&self, seen: Seen, view: &TableName) -> bool {
        self.views.get(view).is_some_and(|seq| *seq > seen.place)
    }
}

/// A transaction beside the stream.
#[derive(Clone)]
pub(super) struct Beside {
    pub(super) shared: Arc<Shared>,
    /// What its snapshot contains at least.
    pub(super) since: Seen,
}

impl Beside {
    /// Waits until the stream drops nothing; it does not until this is given back.
    pub(super) fn wait(&self) -> MutexGuard<'_, DroppedViews> {
        self.shared.crossing.dropped.lock()
    }
}

/// Tells whether a change may drop views: by name, or those that read what it drops.
pub(super) fn may_drop_views(body: &Body) -> bool {
    let drops = |change: &Definition| {
        matches!(
            change,
            Definition::Drop {
                kind: Dropped::Table | Dropped::View | Dropped::MaterializedView,
                ..
            }
        )
    };
    match body {
        Body::Define { changes, .. } => changes.iter().any(drops),
        Body::Batch { bodies, .. } => bodies.iter().any(may_drop_views),
        _ => false,
    }
}
