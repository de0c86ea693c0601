//! Versions as edges fetch them, and the bound of connections.

use std::fs;
use std::sync::{Arc, Weak};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::listener::CONNECTIONS_MAX;
use super::serve;
use crate::error::Result;
use crate::ids::{IntentSeq, VersionNumber};
use crate::version::{VersionManifest, VersionStore};

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
    let server =
        crate::task::spawn("http", serve(listener, store, Weak::new(), 1, shutdown.clone()));
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
        let text =
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
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
