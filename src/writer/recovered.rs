//! What the outcome of an intent was that a crash cut off between its change and its record.

use super::Writer;
use super::applier::applied;
use crate::error::Result;
use crate::ids::TableName;
use crate::intent::{Applied, Body, DatasetChange, Intent, ResultSet, RowsAt, TagKind};

impl Writer {
    /// Finds the tag and the number of rows of an intent that a target has. Exact for one with an
    /// idempotency key, where somebody may still ask; for others an empty tag may say that the
    /// number is not known any more.
    pub(super) fn recovered(&mut self, intent: &Intent) -> Result<Applied> {
        if must_be_kept(intent)
            && let Some(kept) = self.applier.connection.kept_outcome(intent.seq)?
        {
            return Applied::from_bytes(&kept);
        }
        let fixed =
            |tag: &str| Applied { tag: tag.to_owned(), rows: 0, result: None, drawn: Vec::new() };
        Ok(match &intent.body {
            Body::Statement { tag: TagKind::Fixed(tag), .. }
            | Body::Define { tag: TagKind::Fixed(tag), .. } => fixed(tag),
            Body::Transaction { .. } => fixed("COMMIT"),
            // The file may be gone: it is deleted before the outcome is written.
            Body::Rows { tag, rows: RowsAt::Staged { rows, .. }, .. } => applied(tag, *rows),
            Body::Rows { tag, rows, .. } => {
                let mut count = 0;
                for batch in self.targets.batches(rows)? {
                    count += batch?.num_rows() as u64;
                }
                applied(tag, count)
            }
            Body::Values(values) => applied(&TagKind::Insert, values.rows.len() as u64),
            Body::Dataset(change) => self.recovered_change(intent, change),
            // It gave a row, which is gone.
            Body::Call { .. } => Applied {
                tag: "CALL".to_owned(),
                rows: 0,
                result: Some(ResultSet::lost(0)),
                drawn: Vec::new(),
            },
            Body::Batch { .. } => Applied {
                tag: "CALL".to_owned(),
                rows: 0,
                result: intent.body.gives_rows().then(|| ResultSet::lost(0)),
                drawn: Vec::new(),
            },
            Body::Statement { .. }
            | Body::Define { .. }
            | Body::Notify { .. }
            | Body::Export(_)
            | Body::Deliver(_)
            | Body::Compute(_) => Applied::default(),
        })
    }

    fn recovered_change(&self, intent: &Intent, change: &DatasetChange) -> Applied {
        let fixed = |tag: &str| applied(&TagKind::Fixed(tag.to_owned()), 0);
        let counted = |name: &TableName, tag: &TagKind| {
            let manifest = self.targets.datasets.pin(name);
            let manifest = manifest.filter(|manifest| manifest.applied_seq == intent.seq);
            manifest.map_or_else(Applied::default, |manifest| applied(tag, manifest.applied_rows))
        };
        match change {
            DatasetChange::Create { .. } => fixed("CREATE TABLE"),
            DatasetChange::CreateWith { name, .. } => counted(name, &TagKind::Select),
            DatasetChange::Rewrite { name, tag, .. } => counted(name, tag),
            DatasetChange::Truncate { .. } => fixed("TRUNCATE TABLE"),
            DatasetChange::Drop { .. } => fixed("DROP TABLE"),
            DatasetChange::Rename { .. } => fixed("ALTER TABLE"),
        }
    }
}

/// Tells whether an intent's outcome must be kept with its change: a repeat may ask for it, and its
/// body does not tell.
pub(super) fn must_be_kept(intent: &Intent) -> bool {
    let is_counted = matches!(&intent.body, Body::Statement { tag, returning, .. }
        if *returning || !matches!(tag, TagKind::Fixed(_)));
    (is_counted || intent.body.gives_rows()) && intent.origin.idempotency_key.is_some()
}
