//! `POST /ingest/{table}`: rows over HTTP, with the guarantees of a write.
//!
//! The body is staged, decoded and appended like a file of the inbox ([`crate::ingest`]). An
//! `Idempotency-Key` makes a repeat of the request an answer: once the body is there whole, it is
//! done once, whoever hangs up. A server that is busy says 429, and takes nothing.

use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::reply::{Refusal, accepted};
use super::request::Wanted;
use super::upload::{Upload, check_length};
use crate::error::{Error, Result};
use crate::ingest::{Done, Ingest, table_named, upload_key};
use crate::session::Services;
use crate::sql::TableRef;
use crate::sqlstate::SqlState;
use crate::task;

/// What all uploads share.
#[derive(Clone)]
pub(super) struct Uploads {
    services: Weak<Services>,
    room: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Uploads {
    pub(super) fn new(
        services: Weak<Services>,
        uploads_max: usize,
        stop: CancellationToken,
    ) -> Uploads {
        let room = Arc::new(Semaphore::new(uploads_max.min(Semaphore::MAX_PERMITS)));
        Uploads { services, room, stop }
    }
}

/// The uploads' part of the server.
pub(super) fn routes(uploads: Uploads) -> Router {
    Router::new().route("/ingest/{table}", post(upload)).with_state(uploads)
}

async fn upload(
    State(uploads): State<Uploads>,
    Path(table): Path<String>,
    request: Request,
) -> Response {
    match take(&uploads, &table, request).await {
        Ok(done) => accepted(done),
        Err(refusal) => refusal.into_response(),
    }
}

async fn take(uploads: &Uploads, table: &str, request: Request) -> Result<Done, Refusal> {
    let services = uploads.services.upgrade().ok_or_else(Error::shutting_down)?;
    let (parts, body) = request.into_parts();
    let wanted = Wanted::new(&parts.headers, parts.uri.query())?;
    let table = table_named(table).map_err(Refusal::bad_request)?;
    // Before the body is sent, where the client waits for that.
    Ingest::check(&services, &table, uploads.stop.clone()).await?;
    let bytes_max = services.config.ingest_upload_bytes_max;
    let length = parts.headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
    check_length(length, bytes_max)?;
    let room = Arc::clone(&uploads.room).try_acquire_owned().map_err(|_| busy(&services))?;
    let upload = receive(uploads, &services, body).await?;
    // From here on the client may hang up: what it has sent is done.
    let (stop, uploaded) = (uploads.stop.clone(), ingest(wanted, table, &upload)?);
    let finished = task::spawn("upload", async move {
        let _room = room;
        let done = finish(&services, uploaded, stop).await;
        drop(upload);
        done
    });
    let lost = |_| Err(Error::internal("an upload was lost").into());
    finished.await.unwrap_or_else(lost)
}

async fn receive(uploads: &Uploads, services: &Services, body: Body) -> Result<Upload, Refusal> {
    let config = &services.config;
    let most = Duration::from_millis(config.ingest_upload_max_ms);
    let receiving =
        Upload::receive(&services.router.data_dir, body, config.ingest_upload_bytes_max);
    tokio::select! {
        received = tokio::time::timeout(most, receiving) => received.unwrap_or_else(|_| {
            let error = Error::new(SqlState::QUERY_CANCELED, "the upload took too long")
                .with_hint("Send it in parts, or raise ingest_upload_max_ms.");
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, error))
        }),
        () = uploads.stop.cancelled() => Err(Error::shutting_down().into()),
    }
}

fn ingest(wanted: Wanted, table: TableRef, upload: &Upload) -> Result<Ingest, Refusal> {
    let Wanted { reading, ack, once, key, traceparent } = wanted;
    let key = match key {
        Some(text) => {
            let key = upload_key(&text, &table, &reading, &upload.hash);
            Some(key.map_err(Refusal::bad_request)?)
        }
        None => None,
    };
    let schema = table.schema.as_deref().unwrap_or("public");
    Ok(Ingest {
        name: format!("POST /ingest/{schema}.{}", table.table),
        path: upload.path.clone(),
        hash: upload.hash.clone(),
        rule: None,
        application_name: "http",
        table,
        reading,
        once,
        key,
        ack,
        traceparent,
    })
}

async fn finish(
    services: &Arc<Services>,
    ingest: Ingest,
    stop: CancellationToken,
) -> Result<Done, Refusal> {
    let reused = |error| Refusal::new(StatusCode::CONFLICT, error);
    let key = ingest.key.clone();
    if let Some(key) = &key
        && let Some(known) = Done::of_key(services, key).await.map_err(reused)?
    {
        return Ok(known?);
    }
    let failed = match ingest.run(services, stop).await {
        Ok(done) => return Ok(done),
        Err(error) => error,
    };
    if let Some(key) = &key {
        // Another upload may have been quicker to use the key.
        Done::of_key(services, key).await.map_err(reused)?;
    }
    Err(failed.into())
}

fn busy(services: &Services) -> Refusal {
    let most = services.config.ingest_uploads_max;
    Error::new(
        SqlState::CONFIGURATION_LIMIT_EXCEEDED,
        format!("{most} uploads are under way, and no more may be"),
    )
    .with_hint("Try again later, or raise ingest_uploads_max.")
    .into()
}
