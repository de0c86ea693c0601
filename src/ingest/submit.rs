//! A content to its intent, and the intent's outcome.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono_tz::Tz;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::format::{Reading, invalid};
use super::load::{Load, Loaded};
use crate::engine::QueryContext;
use crate::error::{Error, Result};
use crate::ids::IntentSeq;
use crate::intent::{
    Ack, AppendOptions, Body, IdempotencyKey, IngestTag, Origin, Source, Storage, Ticket,
};
use crate::router::{EngineSetting, IngestTarget, StatementContext};
use crate::session::Services;
use crate::sql::TableRef;
use crate::sql::rewrite::{Drawn, SessionIntents};
use crate::task;
use crate::types::InputStyle;

/// The user that its intents show.
const USER: &str = "teatree";
const TIME_ZONE: &str = "UTC";

/// A content that is to go into a table.
#[derive(Clone, Debug)]
pub struct Ingest {
    pub table: TableRef,
    /// The file that holds it; nobody changes it meanwhile.
    pub path: PathBuf,
    pub reading: Reading,
    /// What `teatree.ingests` calls it.
    pub name: String,
    pub rule: Option<String>,
    /// SHA-256, in hex.
    pub hash: String,
    /// The content goes into the table once.
    pub once: bool,
    pub key: Option<IdempotencyKey>,
    pub ack: Ack,
    /// Where it came in: `inbox` or `http`.
    pub application_name: &'static str,
    pub traceparent: Option<String>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    pub intent: IntentSeq,
    pub rows: u64,
    pub rejected: u64,
    /// It is applied, not only durable.
    pub is_applied: bool,
}

impl Ingest {
    /// Checks that a table can be ingested into.
    ///
    /// # Errors
    /// 42P01 when there is none, 42809 for a view, 42501 for a table of the server's own.
    pub async fn check(
        services: &Arc<Services>,
        table: &TableRef,
        stop: CancellationToken,
    ) -> Result<()> {
        services.router.ingest_target(table, &context(stop)).await.map(drop)
    }

    /// Reads the content, appends its intent and waits for what was asked for.
    ///
    /// # Errors
    /// What keeps it from being read or taken; the intent's own; 53400 when the queue stays full.
    pub async fn run(self, services: &Arc<Services>, stop: CancellationToken) -> Result<Done> {
        let done = self.run_while(services, || true, stop).await?;
        done.ok_or_else(|| Error::internal("a content was given up"))
    }

    /// The same, but gives the content up when it is not what it was: looked at after the last of
    /// it is read.
    pub(super) async fn run_while(
        self,
        services: &Arc<Services>,
        is_the_same: impl FnOnce() -> bool,
        stop: CancellationToken,
    ) -> Result<Option<Done>> {
        let context = context(stop.clone());
        let target = services.router.ingest_target(&self.table, &context).await?;
        let (ingest, loaded) = self.load(services, target, &stop).await?;
        if !is_the_same() {
            return Ok(None);
        }
        let ticket = ingest.append(services, loaded, &context, stop).await?;
        outcome(services, ticket).await.map(Some)
    }

    async fn load(
        self,
        services: &Arc<Services>,
        target: IngestTarget,
        stop: &CancellationToken,
    ) -> Result<(Ingest, Loaded)> {
        let asked = Arc::new(AtomicBool::new(false));
        let (stopped, services) = (Arc::clone(&asked), Arc::clone(services));
        let loading = task::blocking(move || {
            let load = Load {
                path: &self.path,
                reading: &self.reading,
                target: &target,
                config: &services.config,
                duckdb: &services.router.duckdb,
                data_dir: &services.router.data_dir,
                stop: &stopped,
            };
            let loaded = load.run()?;
            Ok((self, loaded))
        });
        tokio::pin!(loading);
        tokio::select! {
            loaded = &mut loading => loaded,
            () = stop.cancelled() => {
                asked.store(true, Ordering::Relaxed);
                loading.await
            }
        }
    }

    async fn append(
        self,
        services: &Arc<Services>,
        loaded: Loaded,
        context: &StatementContext,
        stop: CancellationToken,
    ) -> Result<Ticket> {
        let Loaded { target, mut staged, rows, rejects } = loaded;
        let source = Source {
            name: self.name.clone(),
            rule: self.rule,
            hash: self.hash,
            once: self.once,
            rows,
            rejects,
        };
        let router = &services.router;
        let mut body = router.rows_body(&target, staged.take_rows(), source.tag());
        if let Body::Rows { storage, columns, draws, source: of, .. } = &mut body {
            *of = Some(Box::new(source));
            if *storage == Storage::DuckDb {
                *draws = router.draws(&self.table, columns, context).await?;
            }
        }
        let options = AppendOptions {
            key: self.key,
            ack: self.ack,
            cancel: stop,
            ..AppendOptions::default()
        };
        let origin = origin(self.application_name, &self.name, self.traceparent);
        let ticket = services.log.append_with(origin, body, options).await?;
        if !ticket.is_repeat {
            staged.keep();
        }
        Ok(ticket)
    }
}

/// Waits for what a ticket promises.
///
/// # Errors
/// The intent's own.
pub(super) async fn outcome(services: &Services, ticket: Ticket) -> Result<Done> {
    let Ticket { seq, promised, outcome, .. } = ticket;
    let (tag, is_applied) = match promised {
        Some(tag) => (tag, false),
        None => match outcome.await {
            Ok(outcome) => (outcome.result?.tag, true),
            Err(_) => return Err(services.log.outcome_unknown(seq)),
        },
    };
    let IngestTag { rows, rejected } = IngestTag::parse(&tag)
        .ok_or_else(|| Error::internal("an ingest was applied as something else"))?;
    Ok(Done { intent: seq, rows, rejected, is_applied })
}

impl Done {
    /// Gives the outcome of an earlier upload with the same idempotency key, if there is one, or
    /// its error.
    ///
    /// # Errors
    /// 22023 when the key was used for something else.
    pub async fn of_key(
        services: &Arc<Services>,
        key: &IdempotencyKey,
    ) -> Result<Option<Result<Done>>> {
        let (log, key) = (Arc::clone(&services.log), key.clone());
        match task::blocking(move || log.repeat_of(&key)).await? {
            None => Ok(None),
            Some(ticket) => Ok(Some(outcome(services, ticket).await)),
        }
    }
}

/// Reads a table's name, `table` or `schema.table`, as it is stored.
///
/// # Errors
/// 22023 for what is no such name.
pub fn table_named(text: &str) -> Result<TableRef> {
    let (schema, table) = text.split_once('.').unwrap_or(("public", text));
    if schema.is_empty() || table.is_empty() || table.contains('.') {
        return Err(invalid(format!("\"{text}\" is no table name"))
            .with_hint("Give table or schema.table."));
    }
    Ok(TableRef { database: None, schema: Some(schema.to_owned()), table: table.to_owned() })
}

/// Makes the idempotency key of an upload: it is bound to the table, the content and how that is
/// read.
///
/// # Errors
/// 22023 for a key that is empty or too long.
pub fn upload_key(
    text: &str,
    table: &TableRef,
    reading: &Reading,
    hash: &str,
) -> Result<IdempotencyKey> {
    let digest = Sha256::digest(format!("{table:?} {reading:?} {hash}"));
    IdempotencyKey::new(USER, text, digest.into())
}

/// Writes a hash in hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Who asks, for the intents of this module.
pub(super) fn origin(application_name: &str, name: &str, traceparent: Option<String>) -> Origin {
    Origin {
        user: USER.to_owned(),
        application_name: application_name.to_owned(),
        time_zone: TIME_ZONE.to_owned(),
        search_path: vec!["public".to_owned()],
        traceparent,
        idempotency_key: None,
        statement: format!("INGEST {name}"),
    }
}

fn context(cancel: CancellationToken) -> StatementContext {
    StatementContext {
        query: QueryContext {
            cancel,
            time_zone: TIME_ZONE.to_owned(),
            search_path: vec!["public".to_owned()],
        },
        user: USER.to_owned(),
        session_user: USER.to_owned(),
        is_restricted: false,
        pid: 0,
        intents: SessionIntents::default(),
        engine: EngineSetting::Auto,
        default_access_method: String::new(),
        snapshot: None,
        max_staleness: None,
        moment: None,
        drawn: Drawn::default(),
        input_style: InputStyle::from(Tz::UTC),
        has_temporary: false,
        own_catalog: None,
        unstaged: false,
        for_later: false,
        checks_bodies: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_one_or_two_parts() {
        let named = |text: &str| table_named(text).map(|name| (name.schema.unwrap(), name.table));
        assert_eq!(named("t").unwrap(), ("public".into(), "t".into()));
        assert_eq!(named("s.T").unwrap(), ("s".into(), "T".into()));
        for wrong in ["", ".t", "s.", "a.b.c"] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
        assert_eq!(hex(&[0, 171, 255]), "00abff");
    }
}
