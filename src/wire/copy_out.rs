//! COPY TO STDOUT: rows as the lines of a COPY's stream.

use std::sync::Arc;

use bytes::{Buf, BufMut, BytesMut};
use pgwire::messages::PgWireBackendMessage as Message;
use pgwire::messages::copy::{CopyDone, CopyOutResponse};

use super::connection::Socket;
use crate::error::{Error, Result};
use crate::session::{Entry, Rows, StatementGuard};
use crate::sql::CopyOut;
use crate::types::{Column, CopyFormat, CopyOptions, OutputStyle, RowEncoder};

/// Sends rows as CopyData, a line each; gives the command tag.
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
    let formats = vec![0; rows.columns.len()];
    socket.put(&Message::CopyOutResponse(CopyOutResponse::new(0, count, formats)))?;
    let lines = Lines::new(&copy.options, &copy.force_quote, &rows.columns);
    if copy.options.header {
        lines.put_header(&rows.columns, socket.buffer());
    }
    let encoder = RowEncoder::new(&rows.columns, Vec::new(), style);
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
        while encoded.has_remaining() {
            lines.put_row(&mut encoded, socket.buffer());
        }
        sent += batch.num_rows() as u64;
        socket.flush_when_full().await?;
    }
    socket.put(&Message::CopyDone(CopyDone::new()))?;
    Ok(rows.tag.with_rows(sent))
}

/// How fields become a line.
struct Lines<'a> {
    options: &'a CopyOptions,
    force_quote: Vec<bool>,
}

impl<'a> Lines<'a> {
    fn new(options: &'a CopyOptions, force_quote: &[String], columns: &[Column]) -> Lines<'a> {
        let force_quote = columns.iter().map(|column| force_quote.contains(&column.name));
        Lines { options, force_quote: force_quote.collect() }
    }

    fn put_header(&self, columns: &[Column], out: &mut BytesMut) {
        put_line(out, |out| {
            for (index, column) in columns.iter().enumerate() {
                self.put_field(index, Some(column.name.as_bytes()), false, out);
            }
        });
    }

    /// Takes one DataRow of text off the encoded rows and writes its line.
    fn put_row(&self, encoded: &mut BytesMut, out: &mut BytesMut) {
        // A type byte and a length, which our own encoder has written.
        encoded.advance(5);
        let count = encoded.get_u16();
        put_line(out, |out| {
            for index in 0..usize::from(count) {
                let field = match usize::try_from(encoded.get_i32()) {
                    Ok(length) => Some(encoded.split_to(length)),
                    Err(_) => None,
                };
                self.put_field(index, field.as_deref(), count == 1, out);
            }
        });
    }

    fn put_field(&self, index: usize, field: Option<&[u8]>, alone: bool, out: &mut BytesMut) {
        if index > 0 {
            out.put_u8(self.options.delimiter);
        }
        match (field, self.options.format) {
            (None, _) => out.put_slice(self.options.null.as_bytes()),
            (Some(field), CopyFormat::Text) => self.put_escaped(field, out),
            (Some(field), CopyFormat::Csv) => {
                let force = self.force_quote.get(index).copied().unwrap_or(false);
                self.put_quoted(field, force || (alone && field == b"\\."), out);
            }
        }
    }

    fn put_escaped(&self, field: &[u8], out: &mut BytesMut) {
        for &byte in field {
            let escaped = match byte {
                b'\\' => Some(b'\\'),
                0x08 => Some(b'b'),
                0x0c => Some(b'f'),
                b'\n' => Some(b'n'),
                b'\r' => Some(b'r'),
                b'\t' => Some(b't'),
                0x0b => Some(b'v'),
                byte if byte == self.options.delimiter => Some(byte),
                _ => None,
            };
            match escaped {
                Some(escaped) => out.put_slice(&[b'\\', escaped]),
                None => out.put_u8(byte),
            }
        }
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
fn put_line(out: &mut BytesMut, fill: impl FnOnce(&mut BytesMut)) {
    out.put_u8(b'd');
    let start = out.len();
    out.put_u32(0);
    fill(out);
    out.put_u8(b'\n');
    // A DataRow that fitted the protocol's limit makes a line of at most twice its size.
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}
