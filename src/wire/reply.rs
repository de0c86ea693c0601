//! Answers without rows.

use pgwire::messages::PgWireBackendMessage as Message;
use pgwire::messages::data::{FieldDescription, ParameterDescription, RowDescription};
use pgwire::messages::response::{
    CommandComplete, EmptyQueryResponse, ErrorResponse, NoticeResponse, NotificationResponse,
    ReadyForQuery, TransactionStatus,
};
use pgwire::messages::startup::ParameterStatus;

use crate::error::Error;
use crate::notification::Notification;
use crate::session::{Notice, Status};
use crate::types::{Column, PgType};

pub(super) fn error(error: &Error) -> Message {
    let severity = if error.is_fatal() { "FATAL" } else { "ERROR" };
    let mut fields = vec![
        (b'S', severity.to_owned()),
        (b'V', severity.to_owned()),
        (b'C', error.code().as_str().to_owned()),
        (b'M', error.message().to_owned()),
    ];
    let more = [
        (b'D', error.detail().map(str::to_owned)),
        (b'H', error.hint().map(str::to_owned)),
        (b'P', error.position().map(|position| position.to_string())),
        (b'W', error.context().map(str::to_owned)),
        (b's', error.object().schema.clone()),
        (b't', error.object().table.clone()),
        (b'c', error.object().column.clone()),
        (b'n', error.object().constraint.clone()),
        (b'R', error.routine().map(str::to_owned)),
    ];
    fields.extend(more.into_iter().filter_map(|(kind, text)| Some((kind, text?))));
    Message::ErrorResponse(ErrorResponse::new(fields))
}

pub(super) fn notification(notification: &Notification) -> Message {
    Message::NotificationResponse(NotificationResponse::new(
        notification.pid,
        notification.channel.clone(),
        notification.payload.clone(),
    ))
}

pub(super) fn notice(notice: &Notice) -> Message {
    Message::NoticeResponse(NoticeResponse::new(vec![
        (b'S', notice.severity.to_owned()),
        (b'V', notice.severity.to_owned()),
        (b'C', notice.code.as_str().to_owned()),
        (b'M', notice.message.clone()),
    ]))
}

pub(super) fn ready(status: Status) -> Message {
    let status = match status {
        Status::Idle => TransactionStatus::Idle,
        Status::Open => TransactionStatus::Transaction,
        Status::Failed => TransactionStatus::Error,
    };
    Message::ReadyForQuery(ReadyForQuery::new(status))
}

pub(super) fn complete(tag: String) -> Message {
    Message::CommandComplete(CommandComplete::new(tag))
}

pub(super) fn empty() -> Message {
    Message::EmptyQueryResponse(EmptyQueryResponse::new())
}

pub(super) fn parameter(name: &str, value: &str) -> Message {
    Message::ParameterStatus(ParameterStatus::new(name.to_owned(), value.to_owned()))
}

pub(super) fn parameters(types: &[PgType]) -> Message {
    Message::ParameterDescription(ParameterDescription::new(
        types.iter().map(|pg_type| pg_type.oid()).collect(),
    ))
}

/// Describes rows; `formats` as bound, none for a statement that is not bound yet.
pub(super) fn row_description(columns: &[Column], formats: &[i16]) -> Message {
    let fields = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            FieldDescription::new(
                column.name.clone(),
                column.origin.map_or(0, |origin| origin.table.cast_signed()),
                column.origin.map_or(0, |origin| origin.number),
                column.pg_type.oid(),
                column.pg_type.size(),
                column.typmod,
                format_of(formats, index),
            )
        })
        .collect();
    Message::RowDescription(RowDescription::new(fields))
}

/// The format of a column: none given means text, one is for all.
pub(super) fn format_of(formats: &[i16], index: usize) -> i16 {
    match formats {
        [] => 0,
        [all] => *all,
        each => each.get(index).copied().unwrap_or(0),
    }
}
