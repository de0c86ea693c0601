//! Rows to the socket as they come.

use std::sync::Arc;

use super::connection::Socket;
use super::reply::format_of;
use crate::error::{Error, Result};
use crate::session::{Entry, Rows, StatementGuard};
use crate::types::{Format, OutputStyle, RowEncoder};

/// Rows are encoded in pieces of this many, so that the buffer stays small.
const PIECE_ROWS: usize = 2048;

/// How a page of rows ended.
pub(super) enum Page {
    /// The rows are at their end; so many were sent.
    Ended(u64),
    /// `max_rows` were sent and there may be more.
    Suspended,
}

/// Checks result formats against the columns.
///
/// # Errors
/// 08P01 when their numbers differ, 22023 for an unknown code.
pub(super) fn formats(codes: &[i16], columns: usize) -> Result<Vec<Format>> {
    if codes.len() > 1 && codes.len() != columns {
        return Err(Error::protocol(format!(
            "bind message has {} result formats but query has {columns} columns",
            codes.len()
        )));
    }
    (0..columns)
        .map(|index| match format_of(codes, index) {
            0 => Ok(Format::Text),
            1 => Ok(Format::Binary),
            other => Err(Error::new(
                crate::sqlstate::SqlState::INVALID_PARAMETER_VALUE,
                format!("unsupported format code: {other}"),
            )),
        })
        .collect()
}

/// Sends rows, at most `max_rows` of them (0 for all).
pub(super) async fn send(
    socket: &mut Socket,
    entry: &Arc<Entry>,
    rows: &mut Rows,
    codes: &[i16],
    style: OutputStyle,
    max_rows: usize,
    guard: &StatementGuard,
) -> Result<Page> {
    let encoder = RowEncoder::new(&rows.columns, formats(codes, rows.columns.len())?, style);
    let token = guard.token();
    let mut sent = 0;
    loop {
        let (batch, start) = match rows.rest.take() {
            Some(rest) => rest,
            None => {
                let next = async {
                    tokio::select! {
                        next = rows.next() => next,
                        () = token.cancelled() => Err(Error::canceled("user request")),
                    }
                };
                match socket.watching(entry, next).await? {
                    Some(batch) => (batch, 0),
                    None => return Ok(Page::Ended(sent as u64)),
                }
            }
        };
        let left = batch.num_rows() - start;
        let wanted = if max_rows == 0 { left } else { left.min(max_rows - sent) };
        let count = wanted.min(PIECE_ROWS);
        encoder.encode(&batch, start, count, socket.buffer())?;
        sent += count;
        if count < left {
            rows.rest = Some((batch, start + count));
        }
        if max_rows != 0 && sent >= max_rows {
            return Ok(Page::Suspended);
        }
        tokio::select! {
            flushed = socket.flush_when_full() => flushed?,
            () = token.cancelled() => {
                // What is half sent must be whole before the error may follow.
                return Err(Error::canceled("user request"));
            }
        }
    }
}
