//! COPY TO STDOUT: rows as the lines or tuples of a COPY's stream.

use std::sync::Arc;

use bytes::{Buf, BufMut, BytesMut};
use pgwire::messages::PgWireBackendMessage as Message;
use pgwire::messages::copy::{CopyDone, CopyOutResponse};

use super::connection::Socket;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::session::{Entry, Rows, ShownCopy, StatementGuard};
use crate::sql::CopyOut;
use crate::types::{
    CopyFormat, CopyLines, Format, OutputStyle, RowEncoder, copy_binary_header, put_tuple,
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
    let lines = CopyLines::new(copy.options.clone(), copy.quoted(&rows.columns)?);
    let formats = vec![i16::from(binary); rows.columns.len()];
    let response = CopyOutResponse::new(i8::from(binary), count, formats);
    socket.put(&Message::CopyOutResponse(response))?;
    // As in PostgreSQL, the header has no message of its own; clients rely on it.
    let mut head = if binary { copy_binary_header() } else { Vec::new() };
    if !binary && copy.options.header {
        put_message(socket.buffer(), |out| lines.put_header(&rows.columns, out))?;
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
                let head = std::mem::take(&mut head);
                put_message(socket.buffer(), |out| {
                    out.put_slice(&head);
                    put_tuple(&mut encoded, out);
                    Ok(())
                })?;
            } else {
                put_message(socket.buffer(), |out| lines.put_row(&mut encoded, out))?;
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
