//! Idempotency keys of a session: where the next write's comes from, and what a repeat is answered.
//!
//! A key comes from the statement's sqlcommenter comment, or else from `teatree.idempotency_key`,
//! which one write uses up. In a transaction block the setting waits for the COMMIT.

use sha2::{Digest, Sha256};

use super::block::lock_timeout;
use super::{Session, StatementGuard, Transaction};
use crate::error::{Error, Result};
use crate::fail_point::{self, Point};
use crate::ids::IntentSeq;
use crate::intent::{
    Ack, AppendOptions, Applied, Body, DatasetChange, IdempotencyKey, RowsAt, Ticket,
};
use crate::sql::{Statement, without_comments};
use crate::sqlstate::SqlState;
use crate::types::Value;
use crate::{task, telemetry};

/// The setting that names the next write's key.
const SETTING: &str = "teatree.idempotency_key";

/// The write under way, as far as it can be repeated.
#[derive(Default)]
pub(super) struct Claim {
    /// The client's trace context, when it came in a comment.
    traceparent: Option<String>,
    key: Option<IdempotencyKey>,
}

/// A digest of all that a client sends for one write.
pub(super) struct Sent(Sha256);

impl Sent {
    /// Begins with the statement, without its comments: a repeat's trace context is another one.
    pub(super) fn new(text: &str) -> Sent {
        let mut sent = Sent(Sha256::new());
        sent.add(without_comments(text).as_bytes());
        sent
    }

    /// Adds the parameters.
    pub(super) fn params(mut self, params: &[Value]) -> Sent {
        for param in params {
            self.add(format!("{param:?}").as_bytes());
        }
        self
    }

    /// Adds another statement of the same transaction.
    pub(super) fn and(&mut self, text: &str, body: &Body) {
        self.add(without_comments(text).as_bytes());
        match body {
            Body::Statement { params, .. }
            | Body::Dataset(DatasetChange::Rewrite { params, .. }) => {
                params.iter().for_each(|param| self.add(format!("{param:?}").as_bytes()));
            }
            Body::Rows { rows: RowsAt::Inline(bytes), .. } => self.add(bytes),
            Body::Rows { rows: RowsAt::Staged { bytes, rows, .. }, .. } => {
                self.add(format!("{bytes} {rows}").as_bytes());
            }
            Body::Values(values) => self.add(format!("{:?}", values.rows).as_bytes()),
            _ => {}
        }
    }

    /// Adds a piece of a COPY's data; where it was cut does not matter.
    pub(super) fn data(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// Adds a part with its length, so that no two lists of parts are the same bytes.
    fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
    }
}

impl Session {
    /// Begins a statement: what its comment tells counts until the next one.
    pub(super) fn note_comment(&mut self, statement: &Statement) {
        let traceparent = statement.comment.traceparent.clone();
        let known = traceparent.filter(|text| telemetry::trace_id(text).is_some());
        self.claim = Claim { traceparent: known, key: None };
        self.commented_key.clone_from(&statement.comment.idempotency_key);
    }

    /// Takes the key of the write that begins, if it has one.
    ///
    /// # Errors
    /// 0A000 for a key in a comment inside of a transaction block.
    pub(super) fn take_key(&mut self) -> Result<Option<String>> {
        let commented = self.commented_key.take();
        if matches!(self.transaction, Transaction::Open(_)) {
            return match commented {
                None => Ok(None),
                Some(_) => Err(Error::unsupported(
                    "one statement of a transaction cannot have an idempotency key",
                )
                .with_hint(format!(
                    "The transaction's COMMIT can: SET LOCAL {SETTING} inside of it."
                ))),
            };
        }
        self.take_transaction_key().map(|set| commented.or(set))
    }

    /// Takes the key that the session has set: the next autocommit write's, or the COMMIT's.
    pub(super) fn take_transaction_key(&mut self) -> Result<Option<String>> {
        let set = self.settings.get(SETTING).unwrap_or_default().to_owned();
        if set.is_empty() {
            return Ok(None);
        }
        self.settings.set(SETTING, Some(""), false)?;
        Ok(Some(set))
    }

    /// Binds a key to what was sent. When an earlier write has it, waits for that one's outcome
    /// and gives it; else the key goes with the next append.
    ///
    /// # Errors
    /// The first one's error; 22023 when that was another statement; 57014.
    pub(super) async fn claim(
        &mut self,
        key: Option<String>,
        sent: Sent,
        guard: &StatementGuard,
    ) -> Result<Option<(IntentSeq, Applied)>> {
        let Some(text) = key else { return Ok(None) };
        let key =
            IdempotencyKey::new(&self.registered.entry.user, &text, sent.0.finalize().into())?;
        self.claim.key = Some(key.clone());
        let log = std::sync::Arc::clone(&self.services.log);
        match task::blocking(move || log.repeat_of(&key)).await? {
            None => Ok(None),
            Some(ticket) => self.outcome_of(ticket, guard).await.map(Some),
        }
    }

    /// The same for a statement with its parameters.
    pub(super) async fn claim_statement(
        &mut self,
        statement: &Statement,
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<Option<(IntentSeq, Applied)>> {
        match self.take_key()? {
            None => Ok(None),
            key => {
                let sent = Sent::new(&statement.text).params(params);
                Box::pin(self.claim(key, sent, guard)).await
            }
        }
    }

    /// What the write under way is appended with.
    pub(super) fn append_options(&self, guard: &StatementGuard) -> AppendOptions {
        AppendOptions {
            key: self.claim.key.clone(),
            ack: match self.settings.get("teatree.ack") {
                Ok("durable") => Ack::Durable,
                _ => Ack::Applied,
            },
            cancel: guard.token(),
            ..AppendOptions::default()
        }
    }

    /// The client's trace context, unless the spans here have it already.
    pub(super) fn commented_traceparent(&self) -> Option<String> {
        match telemetry::current_traceparent() {
            Some(_) => None,
            None => self.claim.traceparent.clone(),
        }
    }

    /// Waits for the outcome of an append. A cancel asks the Writer to stop the intent, unless it
    /// is another's, and so does `lock_timeout` while it waits for another session's transaction;
    /// what happened is what the outcome says.
    pub(super) async fn outcome_of(
        &self,
        ticket: Ticket,
        guard: &StatementGuard,
    ) -> Result<(IntentSeq, Applied)> {
        let Ticket { seq, promised, mut outcome, is_repeat } = ticket;
        if let Some(tag) = promised {
            fail_point::pass_or_crash(Point::BeforeReply);
            return Ok((seq, Applied { tag, ..Applied::default() }));
        }
        let token = guard.token();
        let mut timed_out = false;
        let received = tokio::select! {
            received = &mut outcome => received,
            () = self.parked_too_long(seq) => {
                if is_repeat {
                    return Err(lock_timeout());
                }
                timed_out = true;
                self.services.writer.cancel(seq);
                outcome.await
            }
            () = token.cancelled() => {
                if is_repeat {
                    return Err(Error::canceled("user request"));
                }
                self.services.writer.cancel(seq);
                outcome.await
            }
        };
        fail_point::pass_or_crash(Point::BeforeReply);
        match received {
            Ok(outcome) => match outcome.result {
                Err(error) if timed_out && error.code() == SqlState::QUERY_CANCELED => {
                    Err(lock_timeout())
                }
                result => result.map(|applied| (seq, applied)),
            },
            Err(_) => Err(self.services.log.outcome_unknown(seq)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(sent: Sent) -> [u8; 32] {
        sent.0.finalize().into()
    }

    #[test]
    fn the_digest_is_of_text_and_parameters_and_not_of_comments() {
        let text = |value: &str| Value::Text(value.to_owned());
        let plain =
            digest(Sent::new("INSERT INTO t VALUES ($1, $2)").params(&[text("a"), text("b")]));
        let same = [
            Sent::new("INSERT INTO t /*traceparent='x'*/ VALUES ($1,$2)"),
            Sent::new("INSERT  INTO t VALUES ( $1 , $2 )"),
        ];
        for sent in same {
            assert_eq!(digest(sent.params(&[text("a"), text("b")])), plain);
        }
        let insert = || Sent::new("INSERT INTO t VALUES ($1, $2)");
        for other in [
            insert(),
            insert().params(&[text("ab"), text("")]),
            insert().params(&[text("a"), text("c")]),
            insert().params(&[text("a"), Value::Null]),
            Sent::new("INSERT INTO u VALUES ($1, $2)").params(&[text("a"), text("b")]),
        ] {
            assert_ne!(digest(other), plain);
        }
    }

    #[test]
    fn pieces_of_data_may_be_cut_anywhere() {
        let (mut one, mut two) = (Sent::new("COPY t FROM STDIN"), Sent::new("COPY t FROM STDIN"));
        one.data(b"1\n2\n");
        two.data(b"1\n");
        two.data(b"2\n");
        assert_eq!(digest(one), digest(two));
    }
}
