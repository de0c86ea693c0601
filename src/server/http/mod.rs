//! HTTP: versions for edges, and uploads.
//!
//! - `versions.rs`: `GET /versions`, `GET /versions/…`.
//! - `ingest.rs`: `POST /ingest/{table}`; `upload.rs`: its body, staged; `request.rs`: what its
//!   headers and its query say; `reply.rs`: its answers.
//! - `listener.rs`: the bound of connections.
//! - `GET /healthz` says that the server serves; `GET /metrics`: the metrics as Prometheus text.
//!
//! Not here: authentication; the configuration lets this listen on loopback only.

mod ingest;
mod listener;
mod reply;
mod request;
#[cfg(test)]
mod tests;
mod upload;
mod versions;

use std::future::IntoFuture;
use std::sync::{Arc, Weak};

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::session::Services;
use crate::version::VersionStore;
use crate::{task, telemetry};

use ingest::Uploads;
use listener::Bounded;

/// Serves until `shutdown`; downloads that run then are finished first, so the caller bounds the
/// time. Uploads are cut off, as nothing of them is promised.
///
/// # Errors
/// 58030 when the listener fails.
pub(super) async fn serve(
    listener: TcpListener,
    versions: Arc<VersionStore>,
    services: Weak<Services>,
    uploads_max: usize,
    shutdown: CancellationToken,
) -> Result<()> {
    let uploads = Uploads::new(services, uploads_max, shutdown.clone());
    let app = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(metrics))
        .merge(versions::routes(versions))
        .merge(ingest::routes(uploads));
    axum::serve(Bounded::new(listener), app)
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .into_future()
        .await
        .map_err(|error| Error::io("could not serve HTTP", &error))
}

async fn metrics() -> Response {
    let text = task::blocking(|| Ok(telemetry::scrape())).await.unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
