//! Bytes to messages.
//!
//! pgwire's decoders trust a message's own counts within the whole buffer. So a message is cut out
//! of the buffer by its length first, its texts are checked to be UTF-8, and a decoder that would
//! run past the end of its message gives an error instead of a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::{Buf, BytesMut};
use pgwire::api::{ClientInfo, DefaultClient, PgWireConnectionState};
use pgwire::error::PgWireError;
use pgwire::messages::{DecodeContext, PgWireBackendMessage, PgWireFrontendMessage};
use pgwire::tokio::server::PgWireMessageServerCodec;
use tokio_util::codec::{Decoder, Encoder};

use crate::error::Error;
use crate::sqlstate::SqlState;

/// The largest message: one byte less than a gibibyte, as in PostgreSQL.
const MESSAGE_BYTES_MAX: usize = (1 << 30) - 1;

/// What came in.
#[derive(Debug)]
pub(super) enum Incoming {
    Message(PgWireFrontendMessage),
    /// A message that is whole and cannot be used; the connection goes on.
    Unusable {
        error: Error,
        extended: bool,
    },
}

/// Messages after startup.
pub(super) struct Codec {
    pub(super) client: DefaultClient<()>,
}

impl Codec {
    pub(super) fn new(codec: PgWireMessageServerCodec<()>) -> Codec {
        Codec { client: codec.client_info }
    }

    fn context(&self) -> DecodeContext {
        let mut context = DecodeContext::default();
        context.protocol_version = self.client.protocol_version();
        context.awaiting_frontend_ssl = false;
        context.awaiting_frontend_startup =
            matches!(self.client.state(), PgWireConnectionState::AwaitingStartup);
        context
    }
}

impl Decoder for Codec {
    type Item = Incoming;
    type Error = PgWireError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Incoming>, PgWireError> {
        let context = self.context();
        // The startup message has no type byte.
        let head = usize::from(!context.awaiting_frontend_startup);
        let Some(length) = buffer.get(head..head + 4) else { return Ok(None) };
        let length =
            usize::try_from(i32::from_be_bytes([length[0], length[1], length[2], length[3]]))
                .unwrap_or(0);
        let most = if head == 0 { 10_000 } else { MESSAGE_BYTES_MAX };
        if length < 4 || length > most {
            return Err(PgWireError::MessageTooLarge(most, length));
        }
        if buffer.len() < head + length {
            // At most what the client really sends is kept, whatever length it claims.
            return Ok(None);
        }
        let mut message = buffer.split_to(head + length);
        if head == 1
            && let Some(unusable) = check_text(&message)
        {
            return Ok(Some(unusable));
        }
        let extended = head == 1 && is_extended(message[0]);
        let decoded = catch_unwind(AssertUnwindSafe(|| {
            PgWireFrontendMessage::decode(&mut message, &context)
        }));
        match decoded {
            Ok(Ok(Some(decoded))) if message.has_remaining() && head == 1 => {
                drop(decoded);
                Ok(Some(Incoming::Unusable { error: invalid_format(), extended }))
            }
            Ok(Ok(Some(decoded))) => Ok(Some(Incoming::Message(decoded))),
            Ok(Err(error @ PgWireError::InvalidMessageType(_))) => Err(error),
            _ if head == 0 => Err(PgWireError::InvalidStartupMessage),
            _ => Ok(Some(Incoming::Unusable { error: invalid_format(), extended })),
        }
    }
}

impl Encoder<PgWireBackendMessage> for Codec {
    type Error = std::io::Error;

    fn encode(
        &mut self,
        message: PgWireBackendMessage,
        buffer: &mut BytesMut,
    ) -> Result<(), std::io::Error> {
        message.encode(buffer).map_err(std::io::Error::other)
    }
}

fn is_extended(kind: u8) -> bool {
    matches!(kind, b'P' | b'B' | b'D' | b'E' | b'C' | b'H' | b'S')
}

fn invalid_format() -> Error {
    Error::protocol("invalid message format")
}

/// Checks that the texts of a message are UTF-8 and end where they must.
fn check_text(message: &BytesMut) -> Option<Incoming> {
    let body = &message[5..];
    let (texts, kind) = match message[0] {
        b'Q' => (1, b'Q'),
        b'P' | b'B' => (2, b'P'),
        _ => return None,
    };
    let mut rest = body;
    for _ in 0..texts {
        let Some(end) = rest.iter().position(|byte| *byte == 0) else {
            return Some(Incoming::Unusable { error: invalid_format(), extended: kind != b'Q' });
        };
        if let Err(error) = std::str::from_utf8(&rest[..end]) {
            return Some(Incoming::Unusable {
                error: not_utf8(&rest[error.valid_up_to()..end]),
                extended: kind != b'Q',
            });
        }
        rest = &rest[end + 1..];
    }
    if kind == b'Q' && !rest.is_empty() {
        return Some(Incoming::Unusable { error: invalid_format(), extended: false });
    }
    None
}

fn not_utf8(bytes: &[u8]) -> Error {
    let shown: Vec<String> = bytes.iter().take(1).map(|byte| format!("0x{byte:02x}")).collect();
    Error::new(
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
    )
}
