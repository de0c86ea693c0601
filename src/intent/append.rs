//! A session's way into the log.
//!
//! While one session writes alone, it writes by itself: to wake the log thread, and to be woken by
//! it, takes longer than the write. As soon as there are more, they leave it to the log thread, so
//! that one sync serves them all.

use std::pin::pin;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;

use super::appender::{Append, Message, write_alone};
use super::body::{Body, Origin};
use super::log::{AppendOptions, IntentLog, Shared, Ticket};
use super::record::{NewHead, Payload};
use crate::error::{Error, Result};
use crate::{clock, telemetry};

impl IntentLog {
    /// Waits for room, appends, and resolves once the intent is on disk.
    ///
    /// A caller that gives up before the intent got its place has written nothing; one that gives
    /// up later has, though it does not learn the place.
    ///
    /// # Errors
    /// 53400 when the queue stays full, 54000 for an intent that is too large, 58030 once a write
    /// to the log has failed, 57P01 while the server goes down.
    pub async fn append(&self, origin: Origin, body: Body) -> Result<Ticket> {
        self.append_with(origin, body, AppendOptions::default()).await
    }

    /// Appends as [`IntentLog::append`] does, with more to say. The ticket of a repeat is the first
    /// one's.
    ///
    /// # Errors
    /// 22023 for a key that was used with another statement, 53400 when no more keys are
    /// remembered, 55000 for an intent that cannot be resubmitted, 57014 when canceled before the
    /// intent got its place.
    pub async fn append_with(
        &self,
        origin: Origin,
        body: Body,
        options: AppendOptions,
    ) -> Result<Ticket> {
        let span = tracing::info_span!("append", kind = body.kind(), seq = tracing::field::Empty);
        let work = pin!(self.append_in_span(origin, body, options));
        work.instrument(span).await
    }

    async fn append_in_span(
        &self,
        mut origin: Origin,
        body: Body,
        options: AppendOptions,
    ) -> Result<Ticket> {
        body.check()?;
        self.shared().check_accepting()?;
        origin.cut_statement();
        if origin.traceparent.is_none() {
            origin.traceparent = telemetry::current_traceparent();
        }
        origin.idempotency_key = options.key.as_ref().map(|key| key.text().to_owned());
        let accepted_at_us = clock::now_us();
        let head = NewHead::new(accepted_at_us, &origin, &body, options.retry_of);
        let head = Payload::encode(&head)?;
        let encoded = Payload::encode(&body)?;
        let place = tokio::select! {
            place = self.shared().room.take(head.len() + encoded.len()) => place?,
            () = options.cancel.cancelled() => return Err(Error::canceled("user request")),
        };
        self.shared().check_accepting()?;
        let (reply, ticket) = oneshot::channel();
        let append = Append { accepted_at_us, origin, body, options, head, encoded, place, reply };
        let messages = self.messages().ok_or_else(Error::shutting_down)?;
        if let Err(append) = append_at_once(self.shared(), &messages, Box::new(append)) {
            let sent = messages.send(Message::Append(append)).await;
            sent.map_err(|_| self.gone())?;
        }
        drop(messages);
        let ticket = ticket.await.map_err(|_| self.gone())??;
        tracing::Span::current().record("seq", ticket.seq.0);
        Ok(ticket)
    }
}

/// Writes a request in the session's own task, where nobody else has one; gives it back otherwise.
///
/// That blocks a thread of the runtime for one sync, so there must be another, and as it takes the
/// pen it is one thread at most.
fn append_at_once(
    shared: &Shared,
    messages: &mpsc::Sender<Message>,
    append: Box<Append>,
) -> Result<(), Box<Append>> {
    let is_alone = messages.capacity() == messages.max_capacity();
    if !is_alone || Handle::current().metrics().num_workers() < 2 {
        return Err(append);
    }
    write_alone(shared, append)
}
