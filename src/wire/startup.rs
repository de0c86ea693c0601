//! From the first byte to a session: negotiation, startup parameters, CancelRequest.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use pgwire::api::{ClientInfo, PgWireConnectionState};
use pgwire::messages::startup::{
    Authentication, BackendKeyData, NegotiateProtocolVersion, SecretKey, Startup,
};
use pgwire::messages::{PgWireBackendMessage as Message, PgWireFrontendMessage, ProtocolVersion};
use pgwire::tokio::server::{MaybeTls, negotiate_tls};
use tokio::net::TcpStream;
use tokio_util::codec::Framed;

use super::codec::{Codec, Incoming};
use super::connection::Socket;
use super::reply;
use crate::error::{Error, Result};
use crate::session::{Services, Session, Settings};
use crate::sqlstate::SqlState;

/// How long a client may take to introduce itself.
const STARTUP_TIME: Duration = Duration::from_secs(60);

/// Lets a client in; `None` when there is nobody to talk to: a CancelRequest, or a client that
/// left.
pub(super) async fn start(
    socket: TcpStream,
    address: SocketAddr,
    services: &Arc<Services>,
) -> Result<Option<(Socket, Session)>> {
    tokio::time::timeout(STARTUP_TIME, introduce(socket, address, services))
        .await
        .unwrap_or(Ok(None))
}

async fn introduce(
    socket: TcpStream,
    address: SocketAddr,
    services: &Arc<Services>,
) -> Result<Option<(Socket, Session)>> {
    let negotiated = negotiate_tls::<()>(socket, None)
        .await
        .map_err(|error| Error::io("could not negotiate with a client", &error))?;
    let Some(framed) = negotiated else { return Ok(None) };
    let mut framed: Framed<MaybeTls, Codec> = framed.map_codec(Codec::new);
    framed.codec_mut().client.set_state(PgWireConnectionState::AwaitingStartup);
    let first = match framed.next().await {
        Some(Ok(Incoming::Message(message))) => message,
        None => return Ok(None),
        Some(Ok(Incoming::Unusable { .. }) | Err(_)) => {
            let refused = Error::protocol("invalid startup packet").fatal();
            let mut socket = Socket::new(framed);
            socket.put(&reply::error(&refused))?;
            socket.flush().await?;
            return Ok(None);
        }
    };
    match first {
        PgWireFrontendMessage::CancelRequest(request) => {
            // The version that the session spoke is not known here, so the key may come as bytes.
            let secret = match request.secret_key {
                SecretKey::I32(secret) => Some(secret),
                SecretKey::Bytes(bytes) => bytes[..].try_into().ok().map(i32::from_be_bytes),
            };
            if let Some(secret) = secret {
                services.activity.cancel(request.pid, secret);
            }
            Ok(None)
        }
        PgWireFrontendMessage::Startup(startup) => {
            let mut socket = Socket::new(framed);
            match welcome(&startup, address, services, &mut socket) {
                Ok(session) => {
                    socket.flush().await?;
                    Ok(Some((socket, session)))
                }
                Err(error) => {
                    socket.put(&reply::error(&error.fatal()))?;
                    socket.flush().await?;
                    Ok(None)
                }
            }
        }
        _ => Ok(None),
    }
}

fn welcome(
    startup: &Startup,
    address: SocketAddr,
    services: &Arc<Services>,
    socket: &mut Socket,
) -> Result<Session> {
    let told = &startup.parameters;
    negotiate_version(startup, socket)?;
    let user = told.get("user").filter(|user| !user.is_empty()).ok_or_else(|| {
        Error::new(
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            "no PostgreSQL user name specified in startup packet",
        )
    })?;
    let database = told.get("database").filter(|name| !name.is_empty()).unwrap_or(user);
    if *database != services.config.database {
        return Err(Error::new(
            SqlState::INVALID_CATALOG_NAME,
            format!("database \"{database}\" does not exist"),
        ));
    }
    // The server's own default first, so that the client's word wins.
    let timeout = services.config.statement_timeout_ms.to_string();
    let defaults = [("statement_timeout".to_owned(), timeout)];
    let params = defaults.into_iter().chain(startup_settings(startup));
    let options = option_settings(startup);
    let connections_max = services.config.connections_max.to_string();
    let settings =
        Settings::start(user, params, options)?.with_fixed("max_connections", connections_max);
    let registered = services.activity.register(user, address)?;
    let (pid, secret) = (registered.entry.pid, registered.entry.secret);
    let session = Session::new(Arc::clone(services), registered, settings);
    let client = socket.client_mut();
    client.set_protocol_version(ProtocolVersion::PROTOCOL3_0);
    client.set_state(PgWireConnectionState::ReadyForQuery);
    socket.put(&Message::Authentication(Authentication::Ok))?;
    socket.report(session.settings())?;
    socket.put(&Message::BackendKeyData(BackendKeyData::new(pid, SecretKey::I32(secret))))?;
    socket.put(&reply::ready(session.status()))?;
    Ok(session)
}

/// Version 3.0 is spoken; a client that asks for a newer minor version or for protocol options is
/// told so, and goes on with 3.0.
fn negotiate_version(startup: &Startup, socket: &mut Socket) -> Result<()> {
    if startup.protocol_number_major != 3 {
        return Err(Error::unsupported(format!(
            "unsupported frontend protocol {}.{}: server supports 3.0 to 3.0",
            startup.protocol_number_major, startup.protocol_number_minor
        )));
    }
    let options: Vec<String> =
        startup.parameters.keys().filter(|name| name.starts_with("_pq_.")).cloned().collect();
    if startup.protocol_number_minor > 0 || !options.is_empty() {
        socket
            .put(&Message::NegotiateProtocolVersion(NegotiateProtocolVersion::new(0, options)))?;
    }
    Ok(())
}

/// The settings inside of the startup parameter `options`.
fn option_settings(startup: &Startup) -> Vec<(String, String)> {
    startup.parameters.get("options").map_or_else(Vec::new, |text| options(text))
}

/// The settings among the startup parameters.
fn startup_settings(startup: &Startup) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    for (name, value) in &startup.parameters {
        match name.as_str() {
            "user" | "database" | "replication" | "options" => {}
            name if name.starts_with("_pq_.") => {}
            _ => settings.push((name.clone(), value.clone())),
        }
    }
    settings
}

/// Reads `-c name=value` and `--name=value`; a backslash keeps a space inside a value.
fn options(text: &str) -> Vec<(String, String)> {
    let mut words = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let Some(word) = words.last_mut() else { break };
        match c {
            '\\' => word.extend(chars.next()),
            c if c.is_whitespace() => words.push(String::new()),
            c => word.push(c),
        }
    }
    let mut words = words.into_iter().filter(|word| !word.is_empty());
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("--") {
            Some(setting) => Some(setting.replace('-', "_")),
            None if word == "-c" => words.next(),
            None => word.strip_prefix("-c").map(str::to_owned),
        };
        if let Some((name, value)) = setting.as_deref().and_then(|s| s.split_once('=')) {
            settings.push((name.to_owned(), value.to_owned()));
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::options;

    #[test]
    fn options_are_read_as_libpq_sends_them() {
        let read = options(r"-c search_path=a\ b -cjit=off --statement-timeout=5s -x junk");
        let expected = [("search_path", "a b"), ("jit", "off"), ("statement_timeout", "5s")];
        assert_eq!(read, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }
}
