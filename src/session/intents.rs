//! What a session can ask of its intents: the last one's place, and how one ended.

use std::time::Duration;

use super::{Session, StatementGuard};
use crate::error::{Error, Result};
use crate::ids::IntentSeq;
use crate::intent::StoredResult;
use crate::sql::Statement;
use crate::sql::rewrite::{SessionIntents, WaitedIntent};
use crate::sqlstate::SqlState;
use crate::types::Value;

impl Session {
    /// Returns the place of the session's last write.
    pub(super) fn last_intent(&self) -> Option<u64> {
        self.last_intent.map(|seq| seq.0)
    }

    /// Notes that a write has got its place, and tells the client when it has asked for that.
    pub(super) fn note_intent(&mut self, seq: IntentSeq) {
        self.last_intent = Some(seq);
        if self.settings.is_on("teatree.notice_intents") {
            self.tell("NOTICE", SqlState::SUCCESSFUL_COMPLETION, format!("intent {seq}"));
        }
    }

    /// Waits for the intent that a query names in `teatree.wait_for_intent(n, ms)`, until it has
    /// ended or the time is up, and gathers what the query may show.
    ///
    /// # Errors
    /// 22023 for arguments that are no numbers, 57014 when the statement is cancelled.
    pub(super) async fn intents_for(
        &self,
        statement: &Statement,
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<SessionIntents> {
        let last = self.last_intent();
        let Some(args) = statement.waits_for_intent()? else {
            return Ok(SessionIntents { last, waited: None });
        };
        let numbers = args
            .iter()
            .map(|arg| arg.value(params).and_then(|value| whole_number(&value)))
            .collect::<Result<Vec<_>>>()?;
        let (seq, most_ms) = match numbers.as_slice() {
            [seq] => (*seq, None),
            [seq, most_ms] => (*seq, *most_ms),
            _ => {
                return Err(Error::new(
                    SqlState::UNDEFINED_FUNCTION,
                    "function teatree.wait_for_intent takes a number and milliseconds",
                ));
            }
        };
        let Some(seq) = seq.map(IntentSeq) else {
            return Ok(SessionIntents { last, waited: None });
        };
        let bound = self.services.config.intent_wait_max_ms;
        let most = Duration::from_millis(most_ms.unwrap_or(bound).min(bound));
        let token = guard.token();
        tokio::select! {
            // A wait that takes too long shows the intent as it is then.
            _ = tokio::time::timeout(most, self.services.log.wait_for_outcome(seq)) => {}
            () = token.cancelled() => return Err(Error::canceled("user request")),
        }
        Ok(SessionIntents { last, waited: self.waited_intent(seq)? })
    }

    /// Reads how far an intent is; `None` for one that is not known (any more).
    fn waited_intent(&self, seq: IntentSeq) -> Result<Option<WaitedIntent>> {
        let log = &self.services.log;
        let mut row = WaitedIntent { seq: seq.0, state: "queued", ..WaitedIntent::default() };
        match log.outcome(seq)?.map(|outcome| outcome.result) {
            None if log.is_queued(seq) => {}
            None => return Ok(None),
            Some(StoredResult::Applied { tag, rows }) => {
                row.state = "applied";
                row.tag = Some(tag);
                row.rows = Some(rows);
            }
            Some(StoredResult::Failed(error)) => {
                row.state = "failed";
                row.sqlstate = Some(error.code().to_string());
                row.message = Some(error.message().to_owned());
            }
        }
        Ok(Some(row))
    }
}

fn whole_number(value: &Value) -> Result<Option<u64>> {
    let number = match value {
        Value::Null => return Ok(None),
        Value::Int2(number) => u64::try_from(*number).ok(),
        Value::Int4(number) => u64::try_from(*number).ok(),
        Value::Int8(number) => u64::try_from(*number).ok(),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.map(Some).ok_or_else(|| {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "an intent's number and a time in milliseconds must be whole numbers",
        )
    })
}
