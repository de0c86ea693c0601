//! `CALL teatree.retry_intent(n)`: the one procedure that the session runs itself. The Writer
//! cannot append to its own queue and wait for its own turn.

use std::sync::Arc;

use super::{Session, StatementGuard};
use crate::error::Result;
use crate::ids::IntentSeq;
use crate::intent::{AppendOptions, Applied, Body, Origin};
use crate::procedure::{check_retry, retried};
use crate::task;

impl Session {
    /// Appends a failed intent once more, as it was accepted: with its origin's user, time zone
    /// and search path. A failure is the call's.
    pub(super) async fn retry_intent(
        &mut self,
        failed: IntentSeq,
        guard: &StatementGuard,
    ) -> Result<Applied> {
        let log = Arc::clone(&self.services.log);
        let intent = task::blocking(move || log.failed_intent(failed)).await?;
        check_retry(&intent)?;
        let origin = Origin { traceparent: self.commented_traceparent(), ..intent.origin };
        let options = AppendOptions { retry_of: Some(failed), ..self.append_options(guard) };
        let defines = !matches!(intent.body, Body::Rows { create: None, .. });
        let ticket = self.services.log.append_with(origin, intent.body, options).await?;
        let seq = ticket.seq;
        self.note_intent(seq);
        let applied = self.outcome_of(ticket, guard).await;
        if defines {
            self.services.router.columns.forget();
        }
        match applied {
            Ok((seq, applied)) => retried(failed, seq, &applied),
            Err(error) => {
                Err(error.with_context(format!("intent {seq}, the retry of intent {failed}")))
            }
        }
    }
}
