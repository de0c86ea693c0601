//! The loop over one connection's messages.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::BytesMut;
use futures::{FutureExt, SinkExt, StreamExt};
use pgwire::api::DefaultClient;
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage as Message};
use pgwire::tokio::server::MaybeTls;
use tokio::net::TcpStream;
use tokio_util::codec::Framed;

use super::codec::{Codec, Incoming};
use super::{copy_in, extended, reply, simple, startup};
use crate::error::{Error, Result};
use crate::session::{Reason, Services, Session, Settings, StatementGuard};
use crate::sqlstate::SqlState;

/// Messages that may be read ahead while a statement runs.
const AHEAD_MAX: usize = 256;
/// The write buffer is sent when it is larger than this.
const FLUSH_BYTES: usize = 64 << 10;

/// The client's side of a connection.
pub(super) struct Socket {
    framed: Framed<MaybeTls, Codec>,
    ahead: VecDeque<Incoming>,
    hung_up: bool,
    reported: BTreeMap<&'static str, String>,
    /// The settings' stamp when they were reported.
    reported_stamp: u64,
}

/// One connection.
pub(super) struct Connection {
    pub(super) socket: Socket,
    pub(super) session: Session,
    /// An error came in the extended protocol: everything up to Sync is skipped.
    pub(super) skipping: bool,
}

/// Serves one client until it leaves.
pub(super) async fn handle(
    socket: TcpStream,
    address: SocketAddr,
    services: Arc<Services>,
) -> Result<()> {
    let Some((socket, session)) = startup::start(socket, address, &services).await? else {
        return Ok(());
    };
    let ended = session.entry().ended.clone();
    let mut connection = Connection { socket, session, skipping: false };
    let outcome = tokio::select! {
        outcome = connection.run() => outcome,
        () = ended.cancelled() => Err(Error::shutting_down()),
    };
    if let Err(error) = outcome {
        if !connection.socket.hung_up {
            connection.socket.put(&reply::error(&error.clone().fatal()))?;
            connection.socket.flush().await?;
        }
        return Err(error);
    }
    Ok(())
}

impl Connection {
    async fn run(&mut self) -> Result<()> {
        loop {
            self.session.rest();
            let Some(incoming) = self.next().await? else { return Ok(()) };
            match incoming {
                Incoming::Message(Message::Terminate(_)) => return Ok(()),
                Incoming::Message(message) => self.dispatch(message).await?,
                Incoming::Unusable { error, extended: true } => self.skip_after(error).await?,
                Incoming::Unusable { error, extended: false } => {
                    self.session.fail();
                    self.socket.put(&reply::error(&error))?;
                    self.ready().await?;
                }
            }
            if self.socket.hung_up {
                return Ok(());
            }
        }
    }

    /// Waits for the client, within what an open transaction allows.
    async fn next(&mut self) -> Result<Option<Incoming>> {
        let Some(limit) = self.session.idle_limit() else {
            loop {
                // Nothing is lost when the other side of the select is first.
                let notification = tokio::select! {
                    biased;
                    next = self.socket.next() => return next,
                    notification = self.session.notified(), if self.session.may_be_notified() => {
                        notification
                    }
                };
                self.socket.put(&reply::notification(&notification))?;
                self.socket.flush().await?;
            }
        };
        match tokio::time::timeout(limit, self.socket.next()).await {
            Ok(next) => next,
            Err(_) => Err(Error::new(
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                "terminating connection due to idle-in-transaction timeout",
            )
            .fatal()),
        }
    }

    async fn dispatch(&mut self, message: Message) -> Result<()> {
        if self.skipping && !matches!(message, Message::Sync(_)) {
            return Ok(());
        }
        let outcome = match message {
            Message::Query(query) => return simple::query(self, query).await,
            Message::Sync(_) => return self.sync().await,
            Message::Flush(_) => return self.socket.flush().await,
            Message::Parse(parse) => extended::parse(self, parse).await,
            Message::Bind(bind) => extended::bind(self, bind).await,
            Message::Describe(describe) => extended::describe(self, describe).await,
            Message::Execute(execute) => extended::execute(self, execute).await,
            Message::Close(close) => extended::close(self, &close),
            // What a client still sends of a COPY that has failed.
            Message::CopyData(_) | Message::CopyDone(_) | Message::CopyFail(_) => Ok(()),
            other => Err(Error::protocol(format!("unexpected message {other:?}")).fatal()),
        };
        match outcome {
            Err(error) if error.is_fatal() => Err(error),
            Err(error) => self.skip_after(error).await,
            Ok(()) => Ok(()),
        }
    }

    /// An error in the extended protocol: told at once, then silence until Sync.
    async fn skip_after(&mut self, error: Error) -> Result<()> {
        tracing::debug!(code = %error.code(), %error, "a statement failed");
        self.session.fail();
        self.skipping = true;
        self.socket.put(&reply::error(&error))?;
        self.socket.flush().await
    }

    async fn sync(&mut self) -> Result<()> {
        self.skipping = false;
        self.end_implicit().await?;
        self.session.end_portals();
        self.ready().await
    }

    /// Ends what several statements did as one transaction that nobody began.
    pub(super) async fn end_implicit(&mut self) -> Result<()> {
        let Connection { socket, session, .. } = self;
        let entry = Arc::clone(session.entry());
        let ending = pin!(session.end_implicit());
        match socket.watching(&entry, ending).await {
            Err(error) if error.is_fatal() => Err(error),
            Err(error) => self.socket.put(&reply::error(&error)),
            Ok(()) => Ok(()),
        }
    }

    /// Tells the client that it is its turn.
    pub(super) async fn ready(&mut self) -> Result<()> {
        self.session.rest();
        for notification in self.session.take_notifications() {
            self.socket.put(&reply::notification(&notification))?;
        }
        self.socket.put_notices(&mut self.session)?;
        self.socket.report(self.session.settings())?;
        self.socket.put(&reply::ready(self.session.status()))?;
        self.socket.flush().await
    }

    /// Takes a COPY's stream; gives the command tag.
    pub(super) async fn copy_in(
        &mut self,
        copy: crate::session::CopySession,
        guard: &StatementGuard,
    ) -> Result<String> {
        copy_in::receive(self, copy, guard).await
    }
}

impl Socket {
    pub(super) fn new(framed: Framed<MaybeTls, Codec>) -> Socket {
        Socket {
            framed,
            ahead: VecDeque::new(),
            hung_up: false,
            reported: BTreeMap::new(),
            reported_stamp: 0,
        }
    }

    pub(super) fn client_mut(&mut self) -> &mut DefaultClient<()> {
        &mut self.framed.codec_mut().client
    }

    pub(super) fn hung_up(&self) -> bool {
        self.hung_up
    }

    /// Returns the next message; `None` when the client is gone.
    ///
    /// # Errors
    /// 08P01, fatal, for bytes that are no message.
    pub(super) async fn next(&mut self) -> Result<Option<Incoming>> {
        if let Some(incoming) = self.ahead.pop_front() {
            return Ok(Some(incoming));
        }
        if self.hung_up {
            return Ok(None);
        }
        match self.framed.next().await {
            Some(Ok(incoming)) => Ok(Some(incoming)),
            Some(Err(error)) => self.broken(&error),
            None => Ok(None),
        }
    }

    fn broken<T>(&mut self, error: &pgwire::error::PgWireError) -> Result<T> {
        use pgwire::error::PgWireError;
        match error {
            PgWireError::IoError(error) => {
                self.hung_up = true;
                Err(Error::io("the connection broke", error))
            }
            PgWireError::MessageTooLarge(..) => {
                Err(Error::protocol("invalid message length").fatal())
            }
            other => Err(Error::protocol(other.to_string()).fatal()),
        }
    }

    /// Tells whether Sync is what the client has sent next; looks only at what is here already.
    pub(super) fn sync_follows(&mut self) -> bool {
        if self.ahead.is_empty() && !self.hung_up {
            match self.framed.next().now_or_never() {
                Some(Some(Ok(incoming))) => self.ahead.push_back(incoming),
                Some(_) => self.hung_up = true,
                None => {}
            }
        }
        matches!(self.ahead.front(), Some(Incoming::Message(Message::Sync(_))))
    }

    /// Puts the session's notices into the write buffer.
    pub(super) fn put_notices(&mut self, session: &mut Session) -> Result<()> {
        session.take_notices().iter().try_for_each(|notice| self.put(&reply::notice(notice)))
    }

    /// Puts an answer into the write buffer.
    pub(super) fn put(&mut self, message: &PgWireBackendMessage) -> Result<()> {
        message
            .encode(self.framed.write_buffer_mut())
            .map_err(|error| Error::internal(format!("an answer could not be written: {error}")))
    }

    /// The write buffer, for rows.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        self.framed.write_buffer_mut()
    }

    /// Sends the write buffer when it is large.
    pub(super) async fn flush_when_full(&mut self) -> Result<()> {
        if self.framed.write_buffer().len() < FLUSH_BYTES {
            return Ok(());
        }
        self.flush().await
    }

    /// Sends the write buffer.
    pub(super) async fn flush(&mut self) -> Result<()> {
        let sent = SinkExt::<PgWireBackendMessage>::flush(&mut self.framed).await;
        sent.map_err(|error| {
            self.hung_up = true;
            Error::io("the connection broke", &error)
        })
    }

    /// Tells the client the settings that changed since it was last told.
    pub(super) fn report(&mut self, settings: &Settings) -> Result<()> {
        if self.reported_stamp == settings.stamp() {
            return Ok(());
        }
        self.reported_stamp = settings.stamp();
        for (name, value) in settings.reported() {
            if self.reported.get(name) != Some(&value) {
                self.put(&reply::parameter(name, &value))?;
                self.reported.insert(name, value);
            }
        }
        Ok(())
    }

    /// Waits for work of a statement, and looks at the socket meanwhile: messages are read ahead
    /// within a bound, and a client that hangs up stops the statement.
    pub(super) async fn watching<F: Future>(
        &mut self,
        session_entry: &Arc<crate::session::Entry>,
        work: F,
    ) -> F::Output {
        tokio::pin!(work);
        loop {
            let may_read = !self.hung_up && self.ahead.len() < AHEAD_MAX;
            tokio::select! {
                biased;
                output = &mut work => return output,
                read = self.framed.next(), if may_read => match read {
                    Some(Ok(incoming)) => self.ahead.push_back(incoming),
                    Some(Err(_)) | None => {
                        self.hung_up = true;
                        session_entry.stop(Reason::HungUp);
                    }
                },
            }
        }
    }
}
