//! PostgreSQL's wire protocol, version 3.
//!
//! - `codec.rs`: bytes to messages, checked before pgwire decodes them.
//! - `startup.rs`: negotiation, startup parameters, CancelRequest.
//! - `connection.rs`: the loop over a connection's messages; hang-ups are noticed while a
//!   statement runs.
//! - `simple.rs`, `extended.rs`, `copy_in.rs`, `copy_out.rs`: what the messages do.
//! - `rows.rs`: rows to the socket as they come; `reply.rs`: the other answers.
//!
//! pgwire's messages and codec are used, its handlers are not: they gather results, and look at
//! the socket only between messages.
//!
//! **Invariants:** after an error in the extended protocol nothing is answered until Sync; an
//! ErrorResponse is flushed at once; nothing outside this folder names the `pgwire` crate.

mod codec;
mod connection;
mod copy_in;
mod copy_out;
mod extended;
mod reply;
mod rows;
mod simple;
mod startup;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::{Error, Result};
use crate::session::Services;

/// Accepts connections until `shutdown`, then waits for those that are open to end; the caller
/// ends them and bounds the time.
///
/// # Errors
/// 58030 when the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    services: Arc<Services>,
    shutdown: CancellationToken,
) -> Result<()> {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((socket, address)) => {
                let services = Arc::clone(&services);
                connections.spawn(async move {
                    if let Err(error) = connection::handle(socket, address, services).await {
                        tracing::debug!(%address, %error, "a connection broke");
                    }
                });
            }
            // Out of file descriptors, most often: wait for some to be closed.
            Err(error) if is_passing(&error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            Err(error) => return Err(Error::io("could not accept connections", &error)),
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
    Ok(())
}

fn is_passing(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::Interrupted
            | ErrorKind::WouldBlock
    ) || error.raw_os_error().is_some_and(|code| matches!(code, 23 | 24 | 105 | 12))
}
