//! A server that also serves HTTP, and requests to it as bytes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::harness::Server;

/// A server and where it takes requests.
pub struct Site {
    pub server: Server,
    pub http: SocketAddr,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

impl Site {
    /// Starts a server with further flags; `None` when an external one is tested.
    pub fn start(args: &[&str]) -> Option<Site> {
        let http = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let text = http.to_string();
        let server = Server::start(&[&["--http", text.as_str()], args].concat())?;
        Some(Site { server, http })
    }

    /// Chooses the flags of the next start.
    pub fn set_args(&mut self, args: &[&str]) {
        let text = self.http.to_string();
        self.server.set_args(&[&["--http", text.as_str()], args].concat());
    }

    /// Opens a connection that sends nothing yet.
    pub fn open(&self) -> TcpStream {
        let stream = TcpStream::connect(self.http).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    pub fn get(&self, path: &str) -> Reply {
        let mut stream = self.open();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        read_reply(stream)
    }

    /// Sends a body of some type, with further header lines that end in CR LF.
    pub fn post(&self, path: &str, kind: &str, headers: &str, body: &[u8]) -> Reply {
        let mut stream = self.open();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        // A server that refuses may answer before it has read all.
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(body);
        read_reply(stream)
    }

    pub fn csv(&self, table: &str, headers: &str, body: &str) -> Reply {
        self.post(&format!("/ingest/{table}"), "text/csv", headers, body.as_bytes())
    }
}

/// Reads an answer to its end.
pub fn read_reply(mut stream: TcpStream) -> Reply {
    let mut bytes = Vec::new();
    // What was cut off by a reset came before it.
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(&bytes)));
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = String::from_utf8(bytes[end + 4..].to_vec()).unwrap();
    Reply { status, head: head.to_lowercase(), body }
}
