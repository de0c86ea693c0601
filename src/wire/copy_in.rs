//! COPY FROM STDIN: the messages of its stream.

use std::sync::Arc;

use pgwire::messages::copy::CopyInResponse;
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage as Message};

use super::codec::Incoming;
use super::connection::Connection;
use crate::error::{Error, Result};
use crate::session::{CopySession, StatementGuard};
use crate::sqlstate::SqlState;

/// Receives the stream until the client ends it; gives the command tag. A client that leaves, or
/// says that it failed, leaves nothing behind.
pub(super) async fn receive(
    connection: &mut Connection,
    mut copy: CopySession,
    guard: &StatementGuard,
) -> Result<String> {
    let count = i16::try_from(copy.column_count())
        .map_err(|_| Error::unsupported("COPY of so many columns"))?;
    let format = i16::from(copy.is_binary());
    let formats = vec![format; copy.column_count()];
    let response = CopyInResponse::new(i8::from(copy.is_binary()), count, formats);
    connection.socket.put(&PgWireBackendMessage::CopyInResponse(response))?;
    connection.socket.flush().await?;
    let token = guard.token();
    loop {
        let incoming = tokio::select! {
            incoming = connection.socket.next() => incoming?,
            () = token.cancelled() => return Err(Error::canceled("user request")),
        };
        match incoming {
            Some(Incoming::Message(Message::CopyData(data))) => copy.feed(&data.data).await?,
            Some(Incoming::Message(Message::CopyDone(_))) => break,
            Some(Incoming::Message(Message::CopyFail(failed))) => {
                return Err(Error::new(
                    SqlState::QUERY_CANCELED,
                    format!("COPY from stdin failed: {}", failed.message),
                ));
            }
            // As PostgreSQL does: drivers pipeline a Sync right after the Execute.
            Some(Incoming::Message(Message::Flush(_) | Message::Sync(_))) => {}
            Some(Incoming::Unusable { error, .. }) => return Err(error),
            Some(Incoming::Message(other)) => {
                return Err(Error::protocol(format!(
                    "unexpected message type during COPY from stdin: {other:?}"
                ))
                .fatal());
            }
            None => {
                return Err(Error::new(
                    SqlState::CONNECTION_FAILURE,
                    "unexpected EOF on client connection with an open COPY",
                )
                .fatal());
            }
        }
    }
    let Connection { socket, session, .. } = connection;
    let entry = Arc::clone(session.entry());
    socket.watching(&entry, copy.finish(session, guard)).await
}
