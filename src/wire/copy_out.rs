//! COPY TO STDOUT: rows as the lines or tuples of a COPY's stream.

use std::sync::Arc;

use bytes::{Buf, BufMut, BytesMut};
use pgwire::messages::PgWireBackendMessage as Message;
use pgwire::messages::copy::{CopyDone, CopyOutResponse};

use super::connection::Socket;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::session::{Entry, Rows, ShownCopy, StatementGuard};
use crate::sql::{CopyOut, ForceQuote};
use crate::sqlstate::SqlState;
use crate::types::{
    COPY_SIGNATURE, Column, CopyEncoding, CopyFormat, CopyOptions, Format, OutputStyle, RowEncoder,
};

/// Sends rows as CopyData, a message each; gives the command tag.
pub(super) async fn send(
    socket: &mut Socket,
    entry: &Arc<Entry>,
    rows: &mut Rows,
    copy: &CopyOut,
    style: OutputStyle,
    guard: &StatementGuard,
) -> Result<String> {
    let count = i16::try_from(rows.columns.len())
        .map_err(|_| Error::unsupported("COPY of so many columns"))?;
    let binary = copy.options.format == CopyFormat::Binary;
    let table = copy.whole_table.as_ref().map(|table| {
        TableName::new(table.schema.as_deref().unwrap_or("public"), table.table.clone())
    });
    let shown = ShownCopy::new(entry, "COPY TO", table);
    let format = if binary { Format::Binary } else { Format::Text };
    let lines = Lines::new(copy, &rows.columns)?;
    let formats = vec![i16::from(binary); rows.columns.len()];
    let response = CopyOutResponse::new(i8::from(binary), count, formats);
    socket.put(&Message::CopyOutResponse(response))?;
    // As in PostgreSQL, the header has no message of its own; clients rely on it.
    let mut head = if binary { binary_header() } else { Vec::new() };
    if !binary && copy.options.header {
        lines.put_header(&rows.columns, socket.buffer())?;
    }
    let encoder = RowEncoder::new(&rows.columns, vec![format], style);
    let token = guard.token();
    let mut sent = 0;
    let mut encoded = BytesMut::new();
    loop {
        let next = async {
            tokio::select! {
                next = rows.next() => next,
                () = token.cancelled() => Err(Error::canceled("user request")),
            }
        };
        let Some(batch) = socket.watching(entry, next).await? else { break };
        encoder.encode(&batch, 0, batch.num_rows(), &mut encoded)?;
        let before = socket.buffer().len();
        while encoded.has_remaining() {
            if binary {
                put_tuple(&std::mem::take(&mut head), &mut encoded, socket.buffer());
            } else {
                lines.put_row(&mut encoded, socket.buffer())?;
            }
        }
        sent += batch.num_rows() as u64;
        // Five bytes of each message are the protocol's.
        let bytes = (socket.buffer().len() - before).saturating_sub(5 * batch.num_rows());
        shown.progress().add(bytes as u64, batch.num_rows() as u64);
        socket.flush_when_full().await?;
    }
    if binary {
        put_message(socket.buffer(), |out| {
            out.put_slice(&head);
            out.put_i16(-1);
            Ok(())
        })?;
    }
    socket.put(&Message::CopyDone(CopyDone::new()))?;
    Ok(rows.tag.with_rows(sent))
}

/// What a binary stream begins with: no flags and no extension.
fn binary_header() -> Vec<u8> {
    [COPY_SIGNATURE.as_slice(), &[0; 8]].concat()
}

/// Takes one DataRow off the encoded rows: its body is a tuple of the binary format.
fn put_tuple(head: &[u8], encoded: &mut BytesMut, out: &mut BytesMut) {
    encoded.advance(1);
    let body = usize::try_from(encoded.get_u32()).unwrap_or(4).saturating_sub(4);
    out.put_u8(b'd');
    out.put_u32(u32::try_from(4 + head.len() + body).unwrap_or(u32::MAX));
    out.put_slice(head);
    out.put_slice(&encoded.split_to(body));
}

/// How fields become a line.
struct Lines<'a> {
    options: &'a CopyOptions,
    force_quote: Vec<bool>,
}

impl<'a> Lines<'a> {
    fn new(copy: &'a CopyOut, columns: &[Column]) -> Result<Lines<'a>> {
        let forced = match &copy.force_quote {
            ForceQuote::All => vec![true; columns.len()],
            ForceQuote::These(names) => {
                let is_there = |name: &&String| columns.iter().any(|column| column.name == **name);
                if let Some(missing) = names.iter().find(|name| !is_there(name)) {
                    return Err(copy.missing_column("FORCE_QUOTE", missing));
                }
                columns.iter().map(|column| names.contains(&column.name)).collect()
            }
        };
        Ok(Lines { options: &copy.options, force_quote: forced })
    }

    fn put_header(&self, columns: &[Column], out: &mut BytesMut) -> Result<()> {
        put_line(out, |out| {
            for (index, column) in columns.iter().enumerate() {
                self.put_field(index, Some(column.name.as_bytes()), false, out)?;
            }
            Ok(())
        })
    }

    /// Takes one DataRow of text off the encoded rows and writes its line.
    fn put_row(&self, encoded: &mut BytesMut, out: &mut BytesMut) -> Result<()> {
        // A type byte and a length, which our own encoder has written.
        encoded.advance(5);
        let count = encoded.get_u16();
        put_line(out, |out| {
            for index in 0..usize::from(count) {
                let field = match usize::try_from(encoded.get_i32()) {
                    Ok(length) => Some(encoded.split_to(length)),
                    Err(_) => None,
                };
                let forced = self.force_quote.get(index).copied().unwrap_or(false)
                    || count == 1 && field.as_deref() == Some(b"\\.");
                self.put_field(index, field.as_deref(), forced, out)?;
            }
            Ok(())
        })
    }

    fn put_field(
        &self,
        index: usize,
        field: Option<&[u8]>,
        force: bool,
        out: &mut BytesMut,
    ) -> Result<()> {
        if index > 0 {
            out.put_u8(self.options.delimiter);
        }
        let Some(field) = field else {
            out.put_slice(self.options.null.as_bytes());
            return Ok(());
        };
        let latin1;
        let encoded = match self.options.encoding {
            CopyEncoding::Latin1 => {
                latin1 = to_latin1(field)?;
                latin1.as_slice()
            }
            CopyEncoding::Utf8 => field,
        };
        if self.options.format == CopyFormat::Csv {
            self.put_quoted(encoded, force, out);
        } else {
            self.put_escaped(encoded, out);
        }
        Ok(())
    }

    fn put_escaped(&self, field: &[u8], out: &mut BytesMut) {
        let mut start = 0;
        for (at, &byte) in field.iter().enumerate() {
            let escaped = match byte {
                b'\\' => b'\\',
                0x08 => b'b',
                0x0c => b'f',
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                0x0b => b'v',
                byte if byte == self.options.delimiter => byte,
                _ => continue,
            };
            out.put_slice(&field[start..at]);
            out.put_slice(&[b'\\', escaped]);
            start = at + 1;
        }
        out.put_slice(&field[start..]);
    }

    fn put_quoted(&self, field: &[u8], force: bool, out: &mut BytesMut) {
        let CopyOptions { delimiter, quote, escape, .. } = *self.options;
        let special =
            |byte: &u8| *byte == delimiter || *byte == quote || *byte == b'\n' || *byte == b'\r';
        if !force && field != self.options.null.as_bytes() && !field.iter().any(special) {
            out.put_slice(field);
            return;
        }
        out.put_u8(quote);
        for &byte in field {
            if byte == quote || byte == escape {
                out.put_u8(escape);
            }
            out.put_u8(byte);
        }
        out.put_u8(quote);
    }
}

/// Writes one CopyData message: what `fill` writes, and a line's end.
fn put_line(out: &mut BytesMut, fill: impl FnOnce(&mut BytesMut) -> Result<()>) -> Result<()> {
    put_message(out, |out| {
        fill(out)?;
        out.put_u8(b'\n');
        Ok(())
    })
}

/// Writes one CopyData message; nothing when it cannot be filled.
fn put_message(out: &mut BytesMut, fill: impl FnOnce(&mut BytesMut) -> Result<()>) -> Result<()> {
    let message = out.len();
    out.put_u8(b'd');
    let start = out.len();
    out.put_u32(0);
    if let Err(error) = fill(out) {
        out.truncate(message);
        return Err(error);
    }
    // A DataRow that fitted the protocol's limit makes a line of at most twice its size.
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Spells text in ISO 8859-1.
fn to_latin1(text: &[u8]) -> Result<Vec<u8>> {
    let text = std::str::from_utf8(text).map_err(|_| Error::internal("a value is no text"))?;
    text.chars()
        .map(|char| {
            u8::try_from(char).map_err(|_| {
                let mut bytes = [0; 4];
                let bytes: Vec<String> =
                    char.encode_utf8(&mut bytes).bytes().map(|byte| format!("0x{byte:02x}")).collect();
                Error::new(
                    SqlState::UNTRANSLATABLE_CHARACTER,
                    format!(
                        "character with byte sequence {} in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\"",
                        bytes.join(" ")
                    ),
                )
            })
        })
        .collect()
}
