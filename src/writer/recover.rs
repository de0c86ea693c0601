//! At start: what the log holds beyond what the targets have applied.

use super::Writer;
use crate::engine::duckdb::AppliedPlaces;
use crate::error::{Error, Result};
use crate::intent::{Body, DatasetChange, Intent, Storage};
use crate::sqlstate::SqlState;

impl Writer {
    /// Replays what was promised and not applied, in order; what a target already has is recorded
    /// as applied.
    pub(super) fn recover(&mut self) -> Result<()> {
        let applied = self.applier.connection.applied()?;
        self.targets.log.check_covers(applied.last())?;
        self.targets.log.check_covered(applied.last())?;
        let pending = self.targets.log.pending()?;
        if !pending.is_empty() {
            let through = applied.through.0;
            tracing::info!(intents = pending.len(), through, "replaying the intent log");
        }
        for intent in &pending {
            if self.was_applied(intent, &applied)? {
                let applied = self.recovered(intent)?;
                self.record(intent.seq, Ok(applied))?;
            } else if is_half_done(intent, &applied) {
                self.record(intent.seq, Err(interrupted()))?;
            } else if matches!(intent.body, Body::Transaction { .. }) {
                self.record(intent.seq, Err(aborted()))?;
            } else {
                // What was passed over keeps its own place, should this be cut off as well.
                let passed = intent.seq <= applied.through;
                self.applier.connection.apart_from_now(passed.then_some(intent.seq));
                self.apply_one(intent)?;
                self.applier.connection.apart_from_now(None);
            }
        }
        self.applier.connection.settle(self.targets.log.last_durable())?;
        self.targets.datasets.sweep()
    }

    fn was_applied(&mut self, intent: &Intent, applied: &AppliedPlaces) -> Result<bool> {
        let has = |name| self.targets.datasets.was_applied(intent.seq, name);
        Ok(match &intent.body {
            // The rows come before their record.
            Body::Rows { storage: Storage::Arrow, source: Some(_), .. } => {
                self.applier.is_written_down(intent.seq)?
            }
            Body::Rows { delivered, .. } if !delivered.is_empty() => {
                !self.applier.connection.has_deliveries(delivered)?
            }
            Body::Statement { .. }
            | Body::Values(_)
            | Body::Define { .. }
            | Body::Batch { .. }
            | Body::Notify { .. }
            | Body::Export(_)
            | Body::Deliver(_)
            | Body::Compute(_)
            | Body::Rows { storage: Storage::DuckDb, .. }
            | Body::Transaction { .. } => applied.has(intent.seq),
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
                procedure != "teatree.publish_version" && applied.has(intent.seq)
            }
        })
    }
}

/// A publish whose clone was taken and not finished: nobody was told, and its moment is gone.
fn is_half_done(intent: &Intent, applied: &AppliedPlaces) -> bool {
    matches!(&intent.body, Body::Call { procedure, .. } if procedure == "teatree.publish_version")
        && applied.has(intent.seq)
}

fn aborted() -> Error {
    Error::new(
        SqlState::SERIALIZATION_FAILURE,
        "the transaction was interrupted by a restart before it was committed",
    )
    .with_hint("Run it again.")
}

fn interrupted() -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "the call was interrupted by a restart")
        .with_hint("Call it again.")
}
