//! The simple protocol: one Query, any number of statements.

use pgwire::messages::simplequery::Query;
use tracing::Instrument;

use super::connection::Connection;
use super::rows::{self, Page};
use super::{copy_out, reply};
use crate::error::Result;
use crate::session::{Outcome, StatementGuard};
use crate::sql::Statement;

pub(super) async fn query(connection: &mut Connection, query: Query) -> Result<()> {
    // The unnamed statement and portal do not survive a simple query.
    connection.session.close_statement("");
    connection.session.close_portal("");
    let span = tracing::info_span!("query");
    let text = query.query;
    let outcome = run_all(connection, &text).instrument(span).await;
    if let Err(error) = outcome {
        if error.is_fatal() || connection.socket.hung_up() {
            return Err(error);
        }
        tracing::debug!(code = %error.code(), %error, "a statement failed");
        connection.session.fail();
        connection.socket.put(&reply::error(&error))?;
    }
    connection.end_implicit().await?;
    connection.session.end_portals();
    connection.ready().await
}

async fn run_all(connection: &mut Connection, text: &str) -> Result<()> {
    let statements = tracing::info_span!("parse").in_scope(|| connection.session.parse(text))?;
    if statements.is_empty() {
        return connection.socket.put(&reply::empty());
    }
    for statement in statements.iter() {
        if statements.len() > 1 {
            // As in PostgreSQL, they are one transaction, unless they say otherwise.
            connection.session.begin_implicit();
        }
        // Shown as PostgreSQL does: the whole message.
        let guard = connection.session.start(text);
        run_one(connection, statement, &guard).await.map_err(|error| guard.explain(error))?;
    }
    Ok(())
}

async fn run_one(
    connection: &mut Connection,
    statement: &Statement,
    guard: &StatementGuard,
) -> Result<()> {
    let Connection { socket, session, .. } = connection;
    let entry = std::sync::Arc::clone(session.entry());
    if statement.param_count > 0 {
        return Err(crate::error::Error::new(
            crate::sqlstate::SqlState::UNDEFINED_PARAMETER,
            "there is no parameter $1",
        ));
    }
    socket.watching(&entry, session.free_connection()).await?;
    let outcome = socket.watching(&entry, session.run(statement, &[], Vec::new(), guard)).await;
    socket.put_notices(session)?;
    let outcome = outcome?;
    match outcome {
        Outcome::Empty => socket.put(&reply::empty()),
        Outcome::Done(tag) => socket.put(&reply::complete(tag)),
        Outcome::Rows(mut rows) => {
            socket.put(&reply::row_description(&rows.columns, &[]))?;
            let style = session.output_style();
            let page = rows::send(socket, &entry, &mut rows, &[], style, 0, guard)
                .instrument(tracing::info_span!("encode"))
                .await?;
            let sent = match page {
                Page::Ended(sent) => sent,
                Page::Suspended => 0,
            };
            socket.put(&reply::complete(rows.tag.with_rows(sent)))
        }
        Outcome::CopyOut(mut rows, copy) => {
            let style = session.output_style();
            let tag = copy_out::send(socket, &entry, &mut rows, &copy, style, guard).await?;
            socket.put(&reply::complete(tag))
        }
        Outcome::CopyIn(copy) => {
            let tag = connection.copy_in(*copy, guard).await?;
            connection.socket.put(&reply::complete(tag))
        }
    }
}
