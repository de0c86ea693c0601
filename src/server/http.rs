//! Versions over HTTP, for edges: the list, the manifests, and the files by ranges.
//!
//! - `GET /versions`: all manifests without their blocks, oldest first;
//! - `GET /versions/latest`, `GET /versions/NNNNNN.json`: one manifest;
//! - `GET /versions/NNNNNN.duckdb`: the file, whole or by `Range`, with its SHA-256 as `ETag`;
//! - `GET /healthz`; `GET /metrics`: the metrics as Prometheus text.
//!
//! **Invariant:** a path never becomes a file name. What is asked for is parsed to a number, and
//! only the files of listed versions are opened.
//!
//! Not here: authentication; the configuration lets this listen on loopback only.

use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::Listener;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower_http::services::ServeFile;

use crate::error::{Error, Result};
use crate::ids::VersionNumber;
use crate::telemetry;
use crate::version::{VersionManifest, VersionStore};

/// A version never changes, so neither caches nor edges need to ask again.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// Connections at once; those beyond it wait to be accepted.
const CONNECTIONS_MAX: usize = 256;

/// Serves versions until `shutdown`; downloads that run then are finished first, so the caller
/// bounds the time.
///
/// # Errors
/// 58030 when the listener fails.
pub(super) async fn serve(
    listener: TcpListener,
    versions: Arc<VersionStore>,
    shutdown: CancellationToken,
) -> Result<()> {
    let app = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(metrics))
        .route("/versions", get(list))
        .route("/versions/{name}", get(one))
        .with_state(versions);
    let listener = Bounded { listener, room: Arc::new(Semaphore::new(CONNECTIONS_MAX)) };
    axum::serve(listener, app)
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .into_future()
        .await
        .map_err(|error| Error::io("could not serve versions", &error))
}

async fn metrics() -> Response {
    let text = crate::task::blocking(|| Ok(telemetry::scrape())).await.unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
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

/// A listener that accepts only as many connections as it has room for.
struct Bounded {
    listener: TcpListener,
    room: Arc<Semaphore>,
}

/// A connection and its room.
struct Connection {
    stream: TcpStream,
    _room: Option<OwnedSemaphorePermit>,
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // The semaphore is never closed.
        let room = Arc::clone(&self.room).acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (Connection { stream, _room: room }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::ids::IntentSeq;

    struct Edge {
        address: std::net::SocketAddr,
        data: Vec<u8>,
        sha256: String,
        shutdown: CancellationToken,
        server: tokio::task::JoinHandle<Result<()>>,
        _dir: tempfile::TempDir,
    }

    async fn start(versions: usize) -> Edge {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("teatree.duckdb");
        let mut data = vec![7; 600_000];
        data[8..20].copy_from_slice(b"DUCK\x40\0\0\0\0\0\0\0");
        fs::write(&source, &data).unwrap();
        let store = Arc::new(VersionStore::open(&dir.path().join("versions")).unwrap());
        fs::write(dir.path().join("versions/secret.json"), "secret").unwrap();
        let mut sha256 = String::new();
        for seq in 1..=versions as u64 {
            let prepared = store.prepare(&source).unwrap();
            let published = store.publish(prepared, "n", IntentSeq(seq), |_| Ok(Vec::new()));
            sha256.clone_from(&published.unwrap().sha256);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let server = crate::task::spawn("http", serve(listener, store, shutdown.clone()));
        Edge { address, data, sha256, shutdown, server, _dir: dir }
    }

    struct Reply {
        status: u16,
        head: String,
        body: Vec<u8>,
    }

    impl Edge {
        async fn send(&self, method: &str, path: &str, headers: &str) -> Reply {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            let text = format!(
                "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"
            );
            stream.write_all(text.as_bytes()).await.unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.unwrap();
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            Reply { status, head, body: bytes[end + 4..].to_vec() }
        }

        async fn get(&self, path: &str) -> Reply {
            self.send("GET", path, "").await
        }
    }

    #[tokio::test]
    async fn an_edge_lists_reads_and_fetches() {
        let edge = start(2).await;
        assert_eq!(edge.get("/healthz").await.status, 200);
        let list: Value = serde_json::from_slice(&edge.get("/versions").await.body).unwrap();
        assert_eq!(list.as_array().unwrap().len(), 2);
        assert_eq!(list[1]["number"], 2);
        assert!(list[0].get("blocks").is_none());
        let latest = edge.get("/versions/latest").await;
        let manifest: VersionManifest = serde_json::from_slice(&latest.body).unwrap();
        assert_eq!(manifest.number, VersionNumber(2));
        assert_eq!(latest.body, edge.get("/versions/000002.json").await.body);
        let file = edge.get("/versions/000001.duckdb").await;
        assert_eq!((file.status, file.body == edge.data), (200, true));
        assert!(file.head.contains(&format!("etag: \"{}\"", edge.sha256)), "{}", file.head);
        assert!(file.head.contains("accept-ranges: bytes"));
        let head = edge.send("HEAD", "/versions/000001.duckdb", "").await;
        assert!(head.head.contains("content-length: 600000") && head.body.is_empty());
    }

    #[tokio::test]
    async fn ranges_and_etags_are_those_of_http() {
        let edge = start(1).await;
        let path = "/versions/000001.duckdb";
        let part = edge.send("GET", path, "Range: bytes=8-11\r\n").await;
        assert_eq!((part.status, &part.body[..]), (206, &b"DUCK"[..]));
        assert!(part.head.contains("content-range: bytes 8-11/600000"));
        let etag = format!("\"{}\"", edge.sha256);
        let same = format!("Range: bytes=8-11\r\nIf-Range: {etag}\r\n");
        assert_eq!(edge.send("GET", path, &same).await.status, 206);
        let other = "Range: bytes=8-11\r\nIf-Range: \"other\"\r\n";
        assert_eq!(edge.send("GET", path, other).await.body.len(), 600_000);
        let beyond = edge.send("GET", path, "Range: bytes=600000-\r\n").await;
        assert_eq!(beyond.status, 416);
        let known = edge.send("GET", path, &format!("If-None-Match: \"x\", {etag}\r\n")).await;
        assert_eq!((known.status, known.body.len()), (304, 0));
        let unknown = edge.send("GET", path, "If-None-Match: \"x\"\r\n").await;
        assert_eq!(unknown.status, 200);
    }

    #[tokio::test]
    async fn nothing_else_can_be_reached() {
        let edge = start(1).await;
        for path in [
            "/",
            "/versions/",
            "/versions/secret.json",
            "/versions/1.duckdb",
            "/versions/0000001.duckdb",
            "/versions/+00001.duckdb",
            "/versions/000002.duckdb",
            "/versions/000001.duckdb.wal",
            "/versions/000001",
            "/versions/../teatree.duckdb",
            "/versions/..%2fteatree.duckdb",
            "/versions/%2e%2e/teatree.duckdb",
            "/versions/000001.duckdb/../../teatree.duckdb",
            "//etc/passwd",
        ] {
            assert_eq!(edge.get(path).await.status, 404, "{path}");
        }
        assert_eq!(edge.send("DELETE", "/versions/000001.duckdb", "").await.status, 405);
        assert_eq!(start(0).await.get("/versions/latest").await.status, 404);
    }

    #[tokio::test]
    async fn connections_are_bounded_and_a_closed_one_makes_room() {
        let edge = start(1).await;
        let mut open = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            let mut stream = TcpStream::connect(edge.address).await.unwrap();
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
            let mut first = [0; 12];
            stream.read_exact(&mut first).await.unwrap();
            assert_eq!(&first, b"HTTP/1.1 200");
            open.push(stream);
        }
        let one_more = edge.get("/healthz");
        tokio::pin!(one_more);
        // Everything that could answer runs on this thread, so these turns are enough for it.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
            assert!(futures::poll!(&mut one_more).is_pending());
        }
        open.pop();
        assert_eq!(one_more.await.status, 200);
    }

    #[tokio::test]
    async fn it_ends_when_it_is_told_to() {
        let edge = start(0).await;
        assert_eq!(edge.get("/versions").await.body, b"[]");
        edge.shutdown.cancel();
        edge.server.await.unwrap().unwrap();
    }
}
