//! One file of the inbox into its table, and out of the inbox.
//!
//! **Invariant:** a file is moved only when a durable intent tells what became of it.

use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::folder::{DONE, FAILED, FileState, Found, hash, move_to};
use super::rule::Rule;
use super::submit::{Ingest, origin, table_named};
use crate::clock;
use crate::error::{Error, Result};
use crate::intent::{Ack, Body, TagKind};
use crate::session::Services;
use crate::sql::{Effect, TableRef};
use crate::sqlstate::SqlState;
use crate::task;
use crate::types::Value;

/// How taking a file ended.
#[derive(Debug)]
pub(super) enum Taken {
    /// It has left the inbox.
    Gone,
    /// It has changed meanwhile, or is gone by somebody else.
    Changed,
    /// It may be tried again.
    Later(Error),
}

/// A file on its way.
pub(super) struct Take {
    pub(super) services: Arc<Services>,
    pub(super) inbox: Arc<Path>,
    pub(super) found: Found,
    pub(super) rule: Rule,
    /// It has failed so often that now is the last time.
    pub(super) is_last: bool,
    pub(super) stop: CancellationToken,
}

const RECORD: &str = "INSERT INTO teatree.ingests
    (ended_at, source, rule, hash, table_name, state, rows, rejected, sqlstate, error)
    VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, $8)";

const KNOWN: &str = "SELECT source FROM teatree.ingests
    WHERE hash = $1 AND table_name = $2 AND state = 'done' ORDER BY ended_at DESC";

impl Take {
    pub(super) async fn run(self) -> Taken {
        let result = self.try_take().await;
        match result {
            Ok(taken) => taken,
            // What was read was half of it.
            Err(_) if self.has_changed() => Taken::Changed,
            Err(error) if is_passing(&error) => Taken::Later(error),
            Err(error) if is_of_disk(&error) && !self.is_last => Taken::Later(error),
            Err(error) => match self.put_aside(&error).await {
                Ok(()) => Taken::Gone,
                Err(again) => Taken::Later(again),
            },
        }
    }

    fn has_changed(&self) -> bool {
        FileState::now(&self.inbox.join(&self.found.path)) != Some(self.found.state)
    }

    async fn try_take(&self) -> Result<Taken> {
        let path = self.inbox.join(&self.found.path);
        let hashed = path.clone();
        let hash = task::blocking(move || hash(&hashed)).await?;
        let table = table_named(&self.rule.table)?;
        if self.has_changed() {
            return Ok(Taken::Changed);
        }
        if let Some(first) = self.known(&hash, &table).await? {
            return self.leave_known(&hash, &first).await;
        }
        let ingest = Ingest {
            table,
            path,
            reading: self.rule.reading(&self.found.path)?,
            name: self.found.path.clone(),
            rule: Some(self.rule.name.clone()),
            hash: hash.clone(),
            once: true,
            key: None,
            ack: Ack::Applied,
            application_name: "inbox",
            traceparent: None,
        };
        let is_the_same = || !self.has_changed();
        match ingest.run_while(&self.services, is_the_same, self.stop.clone()).await {
            Ok(Some(done)) => {
                tracing::info!(
                    file = %self.found.path, intent = done.intent.0, rows = done.rows,
                    rejected = done.rejected, "a file was ingested"
                );
                self.move_to(DONE, Some(hash)).await
            }
            Ok(None) => Ok(Taken::Changed),
            // Another file with this content was quicker.
            Err(error) if error.code() == SqlState::DUPLICATE_OBJECT => {
                self.leave_known(&hash, "").await
            }
            Err(error) => Err(error),
        }
    }
}

impl Take {
    /// Finds the name of the file that brought a content before.
    async fn known(&self, hash: &str, table: &TableRef) -> Result<Option<String>> {
        let duckdb = Arc::clone(&self.services.router.duckdb);
        let params = [Value::Text(hash.to_owned()), Value::Text(full_name(table))];
        task::blocking(move || {
            let rows = duckdb.lookup_connection()?.text_rows(KNOWN, &params)?;
            Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()))
        })
        .await
    }

    /// Moves a file away whose content is in its table. It is written down unless it is the very
    /// file that brought it, which a restart found before it was moved.
    async fn leave_known(&self, hash: &str, first: &str) -> Result<Taken> {
        if first != self.found.path {
            tracing::info!(file = %self.found.path, "a file was there before");
            self.record("duplicate", Some(hash), None).await?;
        }
        self.move_to(DONE, Some(hash.to_owned())).await
    }

    async fn put_aside(&self, error: &Error) -> Result<()> {
        tracing::warn!(file = %self.found.path, %error, "a file could not be ingested");
        self.record("failed", None, Some(error)).await?;
        self.move_to(FAILED, None).await.map(drop)
    }

    /// Writes down what became of a file that is no part of a table.
    async fn record(&self, state: &str, hash: Option<&str>, error: Option<&Error>) -> Result<()> {
        let text = |text: &str| Value::Text(text.to_owned());
        let table = table_named(&self.rule.table);
        let params = vec![
            Value::Timestamptz(clock::now_us()),
            text(&self.found.path),
            text(&self.rule.name),
            hash.map_or(Value::Null, text),
            text(&table.as_ref().map_or_else(|_| self.rule.table.clone(), full_name)),
            text(state),
            error.map_or(Value::Null, |error| text(error.code().as_str())),
            error.map_or(Value::Null, |error| text(&told(error))),
        ];
        let body = Body::Statement {
            sql: RECORD.to_owned(),
            params,
            table: Some(crate::ids::TableName::new("teatree", "ingests")),
            tag: TagKind::Insert,
            returning: false,
            effect: Effect::Inserts,
            draws: Vec::new(),
        };
        let log = &self.services.log;
        let ticket = log.append(origin("inbox", &self.found.path, None), body).await?;
        let seq = ticket.seq;
        match ticket.outcome.await {
            Ok(outcome) => outcome.result.map(drop),
            Err(_) => Err(log.outcome_unknown(seq)),
        }
    }

    async fn move_to(&self, folder: &'static str, hash: Option<String>) -> Result<Taken> {
        let (inbox, path) = (Arc::clone(&self.inbox), self.found.path.clone());
        task::blocking(move || move_to(&inbox, folder, &path, hash.as_deref())).await?;
        Ok(Taken::Gone)
    }
}

/// Tells whether an error says nothing about the file: it waits, however long.
fn is_passing(error: &Error) -> bool {
    matches!(error.code(), SqlState::UNDEFINED_FILE | SqlState::LOCK_NOT_AVAILABLE)
        || matches!(error.code().class(), "40" | "53" | "57")
}

/// Tells whether an error may be one of the disk, which may go away.
fn is_of_disk(error: &Error) -> bool {
    matches!(error.code().class(), "58" | "XX")
}

fn full_name(table: &TableRef) -> String {
    format!("{}.{}", table.schema.as_deref().unwrap_or("public"), table.table)
}

/// An error with all that helps to find the place.
fn told(error: &Error) -> String {
    let parts = [Some(error.message()), error.detail(), error.context()];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}
