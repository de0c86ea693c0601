//! The extended protocol: Parse, Bind, Describe, Execute, Close.

use std::pin::pin;
use std::sync::Arc;

use pgwire::messages::PgWireBackendMessage as Message;
use pgwire::messages::data::NoData;
use pgwire::messages::extendedquery::{
    Bind, BindComplete, Close, CloseComplete, Describe, Execute, Parse, ParseComplete,
    PortalSuspended,
};
use tracing::Instrument;

use super::connection::Connection;
use super::rows::{self, Page};
use super::{copy_out, reply};
use crate::error::{Error, Result};
use crate::session::{Outcome, Portal, PortalState, Prepared, RowsTag, StatementGuard};
use crate::sql;
use crate::sqlstate::SqlState;
use crate::types::PgType;

pub(super) async fn parse(connection: &mut Connection, parse: Parse) -> Result<()> {
    let name = parse.name.unwrap_or_default();
    let parsed = tracing::info_span!("parse");
    let statements = parsed.in_scope(|| connection.session.parse(&parse.query))?;
    if statements.len() > 1 {
        return Err(Error::syntax("cannot insert multiple commands into a prepared statement"));
    }
    let declared = parse
        .type_oids
        .iter()
        .map(|&oid| match oid {
            0 => Ok(None),
            oid => match PgType::from_oid(oid) {
                Some(PgType::UNKNOWN) => Ok(None),
                Some(known) => Ok(Some(known)),
                None => Err(Error::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!("type with OID {oid} does not exist"),
                )),
            },
        })
        .collect::<Result<Vec<_>>>()?;
    let guard = connection.session.start(&parse.query);
    let Connection { socket, session, .. } = connection;
    let entry = Arc::clone(session.entry());
    let prepared = Prepared::new(statements.first().cloned(), declared);
    socket.watching(&entry, session.free_connection()).await?;
    let analyzed = socket.watching(&entry, session.analyze(&prepared, &guard)).await;
    analyzed.map_err(|error| guard.explain(error))?;
    session.prepare(&name, prepared)?;
    socket.put(&Message::ParseComplete(ParseComplete::new()))
}

pub(super) async fn bind(connection: &mut Connection, bind: Bind) -> Result<()> {
    let portal = bind.portal_name.unwrap_or_default();
    let statement = bind.statement_name.unwrap_or_default();
    if portal.is_empty() {
        connection.session.close_portal("");
    }
    let guard = connection.session.start(text_of(connection, &statement).as_str());
    let Connection { socket, session, .. } = connection;
    let entry = Arc::clone(session.entry());
    socket.watching(&entry, session.free_connection()).await?;
    let bound = session.bind(
        &portal,
        &statement,
        &bind.parameter_format_codes,
        &bind.parameters,
        bind.result_column_format_codes,
        &guard,
    );
    let bound = pin!(bound);
    socket.watching(&entry, bound).await.map_err(|error| guard.explain(error))?;
    socket.put(&Message::BindComplete(BindComplete::new()))
}

fn text_of(connection: &Connection, statement: &str) -> String {
    let prepared = connection.session.prepared(statement).ok();
    prepared.and_then(|p| p.statement.as_ref().map(|s| s.text.clone())).unwrap_or_default()
}

pub(super) async fn describe(connection: &mut Connection, describe: Describe) -> Result<()> {
    let name = describe.name.unwrap_or_default();
    let (prepared, formats) = match describe.target_type {
        b'S' => (connection.session.prepared(&name)?, None),
        b'P' => {
            if let Some(columns) = connection.session.declared_columns(&name) {
                // A cursor that SQL declared is a portal, too.
                return connection.socket.put(&reply::row_description(&columns, &[]));
            }
            let portal = connection.session.portal(&name)?;
            (Arc::clone(&portal.prepared), Some(portal.formats.clone()))
        }
        other => {
            return Err(Error::protocol(format!("invalid DESCRIBE message subtype {other}")));
        }
    };
    let text = prepared.statement.as_ref().map(|s| s.text.clone()).unwrap_or_default();
    let guard = connection.session.start(&text);
    let Connection { socket, session, .. } = connection;
    let entry = Arc::clone(session.entry());
    socket.watching(&entry, session.free_connection()).await?;
    let described = socket.watching(&entry, session.describe(&prepared, &guard)).await;
    let description = described.map_err(|error| guard.explain(error))?;
    if formats.is_none() {
        socket.put(&reply::parameters(&description.params))?;
    }
    if description.columns.is_empty() && !gives_rows(&prepared) {
        return socket.put(&Message::NoData(NoData::new()));
    }
    let formats = formats.unwrap_or_default();
    rows::formats(&formats, description.columns.len())?;
    socket.put(&reply::row_description(&description.columns, &formats))
}

fn gives_rows(prepared: &Prepared) -> bool {
    prepared.statement.as_ref().is_some_and(|s| matches!(s.kind, sql::Kind::Read(_)))
}

pub(super) async fn execute(connection: &mut Connection, execute: Execute) -> Result<()> {
    let name = execute.name.unwrap_or_default();
    // Negative means all, as in PostgreSQL.
    let max_rows = usize::try_from(execute.max_rows).unwrap_or(0);
    let mut portal = connection.session.take_portal(&name)?;
    let text = portal.prepared.statement.as_ref().map(|s| s.text.clone()).unwrap_or_default();
    let guard = connection.session.start(&text);
    let span = tracing::info_span!("query");
    let outcome = {
        let work = pin!(run(connection, &mut portal, max_rows, &guard));
        work.instrument(span).await
    };
    // A COMMIT has closed all portals, its own among them; a failed one is of no more use.
    if outcome.is_ok() {
        connection.session.put_portal(&name, portal);
    }
    outcome.map_err(|error| guard.explain(error))
}

async fn run(
    connection: &mut Connection,
    portal: &mut Portal,
    max_rows: usize,
    guard: &StatementGuard,
) -> Result<()> {
    if let Some(statement) = &portal.prepared.statement {
        connection.session.check_not_failed(&statement.kind)?;
    }
    if let PortalState::Done { had_rows } = portal.state {
        if !had_rows {
            return Err(Error::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                "portal cannot be run: it has run already",
            ));
        }
        return connection.socket.put(&reply::complete(RowsTag::Counted("SELECT").with_rows(0)));
    }
    if matches!(portal.state, PortalState::Ready) {
        let Some(statement) = &portal.prepared.statement else {
            portal.state = PortalState::Done { had_rows: true };
            return connection.socket.put(&reply::empty());
        };
        let Connection { socket, session, .. } = connection;
        let entry = Arc::clone(session.entry());
        let params = std::mem::take(&mut portal.params);
        let types = portal.prepared.types();
        // Marked first: whatever happens, a statement is not run twice by one portal.
        portal.state = PortalState::Done { had_rows: false };
        if !socket.sync_follows() {
            // A pipeline: everything up to Sync is one transaction. A statement alone is not held
            // up by that.
            session.begin_implicit();
        }
        socket.watching(&entry, session.free_connection()).await?;
        // Pinned where it is made: it is large, and would be moved with every call.
        let outcome = {
            let work = pin!(session.run(statement, &types, params, guard));
            socket.watching(&entry, work).await
        };
        socket.put_notices(session)?;
        match outcome? {
            Outcome::Empty => return socket.put(&reply::empty()),
            Outcome::Done(tag) => return socket.put(&reply::complete(tag)),
            Outcome::CopyOut(mut rows, copy) => {
                let style = session.output_style();
                let tag = copy_out::send(socket, &entry, &mut rows, &copy, style, guard).await?;
                return socket.put(&reply::complete(tag));
            }
            Outcome::CopyIn(copy) => {
                let tag = connection.copy_in(*copy, guard).await?;
                return connection.socket.put(&reply::complete(tag));
            }
            Outcome::Rows(mut rows) => {
                portal.prepared.check_unchanged(&mut rows.columns)?;
                portal.state = PortalState::Running(rows);
            }
        }
    }
    send_page(connection, portal, max_rows, guard).await
}

async fn send_page(
    connection: &mut Connection,
    portal: &mut Portal,
    max_rows: usize,
    guard: &StatementGuard,
) -> Result<()> {
    let PortalState::Running(rows) = &mut portal.state else {
        return Err(Error::internal("a portal without rows cannot be fetched from"));
    };
    let Connection { socket, session, .. } = connection;
    let entry = Arc::clone(session.entry());
    let style = session.output_style();
    let sent = rows::send(socket, &entry, rows, &portal.formats, style, max_rows, guard)
        .instrument(tracing::info_span!("encode"))
        .await;
    match sent {
        Ok(Page::Suspended) => socket.put(&Message::PortalSuspended(PortalSuspended::new())),
        Ok(Page::Ended(count)) => {
            let tag = rows.tag.with_rows(count);
            portal.state = PortalState::Done { had_rows: true };
            socket.put(&reply::complete(tag))
        }
        Err(error) => {
            portal.state = PortalState::Done { had_rows: true };
            Err(error)
        }
    }
}

pub(super) fn close(connection: &mut Connection, close: &Close) -> Result<()> {
    let name = close.name.as_deref().unwrap_or_default();
    match close.target_type {
        b'S' => connection.session.close_statement(name),
        b'P' => connection.session.close_portal(name),
        other => return Err(Error::protocol(format!("invalid CLOSE message subtype {other}"))),
    }
    connection.socket.put(&Message::CloseComplete(CloseComplete::new()))
}
