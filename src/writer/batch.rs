//! Which waiting intents share one DuckDB transaction.

use super::Writer;
use crate::error::Result;
use crate::intent::{Accepted, Applied, Body, Outcome, Storage, TagKind};
use crate::{clock, telemetry};

/// Returns how many of the first intents go together: a run of changes of DuckDB rows, else one.
pub(super) fn length(waiting: &[Accepted]) -> usize {
    let run = waiting.iter().take_while(|accepted| is_row_change(&accepted.intent.body)).count();
    run.max(1)
}

/// DDL and procedures take a turn of their own.
fn is_row_change(body: &Body) -> bool {
    match body {
        Body::Statement { tag, .. } => {
            matches!(tag, TagKind::Insert | TagKind::Update | TagKind::Delete | TagKind::Merge)
        }
        Body::Rows { storage: Storage::DuckDb, create: None, .. } => true,
        _ => false,
    }
}

impl Writer {
    /// Applies a run of intents in one transaction. When one fails, all are undone and applied one
    /// by one, so that only the guilty one fails.
    pub(super) fn apply_batch(&mut self, turn: &[Accepted]) -> Result<()> {
        let Some(last) = turn.last() else { return Ok(()) };
        let span = tracing::info_span!("apply_batch", intents = turn.len());
        let applied: Result<Vec<Applied>> = span.in_scope(|| {
            self.applier.connection.begin()?;
            turn.iter()
                .map(|accepted| {
                    let intent = &accepted.intent;
                    let span = tracing::info_span!("apply", seq = intent.seq.0);
                    telemetry::set_parent(&span, intent.origin.traceparent.as_deref());
                    let _entered = span.entered();
                    if self.was_canceled(intent.seq) {
                        return Err(crate::error::Error::canceled("user request"));
                    }
                    self.applier.apply_intent(intent)
                })
                .collect()
        });
        match applied {
            Ok(applied) => {
                if let Err(error) = self.applier.connection.commit(last.intent.seq) {
                    if error.is_fault() {
                        return Err(error);
                    }
                    // A conflict: DuckDB has undone the transaction.
                    return self.apply_each(turn);
                }
                let applied_at_us = clock::now_us();
                let outcomes = turn.iter().zip(applied).map(|(accepted, applied)| {
                    (accepted.intent.seq, Outcome { result: Ok(applied), applied_at_us })
                });
                self.targets.log.record_outcomes(outcomes.collect())
            }
            Err(error) => {
                tracing::debug!(%error, "a batch failed; its intents are applied one by one");
                self.applier.connection.rollback()?;
                self.apply_each(turn)
            }
        }
    }
}
