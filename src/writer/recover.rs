//! At start: what the log holds beyond what the targets have applied.

use super::Writer;
use crate::error::{Error, Result};
use crate::ids::IntentSeq;
use crate::intent::{Applied, Body, DatasetChange, Intent, Storage};
use crate::sqlstate::SqlState;

impl Writer {
    /// Replays what was promised and not applied, in order; what a target already has is recorded
    /// as applied.
    pub(super) fn recover(&mut self) -> Result<()> {
        let applied = self.connection.applied()?;
        self.targets.log.check_covers(applied)?;
        let pending = self.targets.log.pending()?;
        if !pending.is_empty() {
            tracing::info!(intents = pending.len(), %applied, "replaying the intent log");
        }
        for intent in &pending {
            if self.was_applied(intent, applied) {
                self.record(intent.seq, Ok(Applied::default()))?;
            } else if self.is_half_done(intent, applied) {
                self.record(intent.seq, Err(interrupted()))?;
            } else {
                self.apply_one(intent)?;
            }
        }
        self.targets.datasets.sweep()
    }

    fn was_applied(&self, intent: &Intent, applied: IntentSeq) -> bool {
        let has = |name| self.targets.datasets.was_applied(intent.seq, name);
        match &intent.body {
            Body::Statement { .. } | Body::Rows { storage: Storage::DuckDb, .. } => {
                intent.seq <= applied
            }
            Body::Rows { table, storage: Storage::Arrow, .. } => has(table),
            Body::Dataset(change) => match change {
                DatasetChange::Create { name, .. }
                | DatasetChange::CreateWith { name, .. }
                | DatasetChange::Rewrite { name, .. } => has(name),
                DatasetChange::Drop { names, .. } | DatasetChange::Truncate { names } => {
                    names.iter().all(has)
                }
                DatasetChange::Rename { from, to } => has(from) || has(to),
            },
            // An ingest into a DuckDB table is in the file; one into a dataset is applied again,
            // which the dataset notices.
            Body::Call { procedure, .. } => {
                procedure != "teatree.publish_version" && intent.seq <= applied
            }
        }
    }

    /// A publish whose clone was taken and not finished: nobody was told, and its moment is gone.
    fn is_half_done(&self, intent: &Intent, applied: IntentSeq) -> bool {
        matches!(&intent.body, Body::Call { procedure, .. } if procedure == "teatree.publish_version")
            && intent.seq <= applied
    }
}

fn interrupted() -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "the call was interrupted by a restart")
        .with_hint("Call it again.")
}
