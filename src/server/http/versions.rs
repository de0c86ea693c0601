//! Versions over HTTP, for edges: the list, the manifests, and the files by ranges.
//!
//! - `GET /versions`: all manifests without their blocks, oldest first;
//! - `GET /versions/latest`, `GET /versions/NNNNNN.json`: one manifest;
//! - `GET /versions/NNNNNN.duckdb`: the file, whole or by `Range`, with its SHA-256 as `ETag`.
//!
//! **Invariant:** a path never becomes a file name. What is asked for is parsed to a number, and
//! only the files of listed versions are opened.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tower_http::services::ServeFile;

use crate::ids::VersionNumber;
use crate::version::{VersionManifest, VersionStore};

/// A version never changes, so neither caches nor edges need to ask again.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// The versions' part of the server.
pub(super) fn routes(versions: Arc<VersionStore>) -> Router {
    Router::new()
        .route("/versions", get(list))
        .route("/versions/{name}", get(one))
        .with_state(versions)
}

async fn list(State(versions): State<Arc<VersionStore>>) -> Response {
    let versions: Vec<Value> = versions.list().iter().map(|manifest| summary(manifest)).collect();
    ([(header::CACHE_CONTROL, ASK_AGAIN)], Json(versions)).into_response()
}

/// Builds a manifest's entry in the list: without the blocks, which are most of it.
fn summary(manifest: &VersionManifest) -> Value {
    json!({
        "number": manifest.number,
        "file": manifest.file,
        "manifest": format!("{}.json", manifest.number),
        "note": manifest.note,
        "intent_seq": manifest.intent_seq,
        "bytes": manifest.bytes,
        "sha256": manifest.sha256,
        "storage_version": manifest.storage_version,
        "created_at": manifest.created_at,
        "tables": manifest.tables,
    })
}

async fn one(
    State(versions): State<Arc<VersionStore>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    if name == "latest" {
        return match versions.latest() {
            Some(manifest) => manifest_response(&manifest, request.headers(), ASK_AGAIN),
            None => not_found(),
        };
    }
    let Some((stem, extension)) = name.split_once('.') else { return not_found() };
    let Some(manifest) = find(&versions, stem) else { return not_found() };
    match extension {
        "json" => manifest_response(&manifest, request.headers(), FOR_EVER),
        "duckdb" => data_response(&versions, &manifest, request).await,
        _ => not_found(),
    }
}

/// Finds a version by the digits of its name, which must be exactly those of its files.
fn find(versions: &VersionStore, digits: &str) -> Option<Arc<VersionManifest>> {
    let number = VersionNumber(digits.parse().ok()?);
    versions.get(number).filter(|_| number.to_string() == digits)
}

fn manifest_response(
    manifest: &VersionManifest,
    request: &HeaderMap,
    cache: &'static str,
) -> Response {
    // The manifest is fixed by the data and the number together.
    let etag = format!("\"{}-{}\"", manifest.number, manifest.sha256);
    let mut response = if is_known(request, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Json(manifest).into_response()
    };
    add_headers(&mut response, &etag, cache);
    response
}

async fn data_response(
    versions: &VersionStore,
    manifest: &VersionManifest,
    mut request: Request,
) -> Response {
    let etag = format!("\"{}\"", manifest.sha256);
    if is_known(request.headers(), &etag) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        add_headers(&mut response, &etag, FOR_EVER);
        return response;
    }
    let headers = request.headers_mut();
    // A range of another file than the client has the start of would be glued to the wrong bytes.
    if headers.remove(header::IF_RANGE).is_some_and(|known| known.as_bytes() != etag.as_bytes()) {
        headers.remove(header::RANGE);
    }
    // The hash decides, never the time of the file.
    headers.remove(header::IF_MODIFIED_SINCE);
    headers.remove(header::IF_UNMODIFIED_SINCE);
    match ServeFile::new(versions.data_path(manifest)).try_call(request).await {
        Ok(response) => {
            let mut response = response.map(Body::new);
            let kind = HeaderValue::from_static("application/vnd.duckdb.file");
            if response.status().is_success() {
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                add_headers(&mut response, &etag, FOR_EVER);
            }
            response
        }
        Err(error) => {
            tracing::error!(%error, version = manifest.number.0, "a version cannot be read");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Tells whether the client has this already, by `If-None-Match`.
fn is_known(request: &HeaderMap, etag: &str) -> bool {
    let values = request.get_all(header::IF_NONE_MATCH);
    values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(
        |known| {
            let known = known.trim();
            known == "*" || known.trim_start_matches("W/") == etag
        },
    )
}

fn add_headers(response: &mut Response, etag: &str, cache: &'static str) {
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "no such version\n").into_response()
}
