//! A client that sends bytes and reads messages, each read with a time limit so that nothing hangs.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::messages::{Fields, Message, Out, startup, untagged};

/// How long a reply may take. Long: a debug build on two busy cores is slow.
const READ_LIMIT: Duration = Duration::from_secs(60);

pub const PROTOCOL_3_0: u32 = 196_608;
const CANCEL_REQUEST: u32 = 80_877_102;

/// One connection.
pub struct RawClient {
    stream: TcpStream,
    addr: SocketAddr,
    buffer: Vec<u8>,
    start: usize,
    /// ParameterStatus as last reported.
    pub params: BTreeMap<String, String>,
    /// Process id and secret of BackendKeyData.
    pub key: Option<(u32, u32)>,
}

impl RawClient {
    /// Opens the socket and sends nothing.
    pub fn open(addr: SocketAddr) -> RawClient {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(READ_LIMIT)).unwrap();
        stream.set_write_timeout(Some(READ_LIMIT)).unwrap();
        stream.set_nodelay(true).unwrap();
        let (params, key) = (BTreeMap::new(), None);
        RawClient { stream, addr, buffer: Vec::new(), start: 0, params, key }
    }

    /// Connects as user postgres to database postgres and waits until the server is ready.
    pub fn connect(addr: SocketAddr) -> RawClient {
        RawClient::connect_with(addr, &[])
    }

    /// Connects with further startup parameters.
    pub fn connect_with(addr: SocketAddr, extra: &[(&str, &str)]) -> RawClient {
        let params = [&[("user", "postgres"), ("database", "postgres")], extra].concat();
        let deadline = Instant::now() + READ_LIMIT;
        loop {
            let mut client = RawClient::open(addr);
            client.send_bytes(&startup(PROTOCOL_3_0, &params));
            let last = client.read_until_ready().pop().unwrap();
            // A server that recovers may already listen, and ask to be tried again.
            if last.show() != "E 57P03" || Instant::now() > deadline {
                assert_eq!(last.show(), "Z I", "startup failed: {last:?}");
                return client;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn send(&mut self, out: Out) {
        self.send_bytes(&out.0);
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Runs SQL on a server that may be killed meanwhile: the replies, or `None` when it was. A
    /// COPY is given its data.
    pub fn attempt(&mut self, sql: &str, copy_data: Option<&[u8]>) -> Option<Vec<String>> {
        self.stream.write_all(&Out::new().query(sql).0).ok()?;
        let mut replies = Vec::new();
        loop {
            let message = self.try_read()?;
            if message.tag == b'G' {
                let out = Out::new().copy_data(copy_data.unwrap_or_default()).copy_done();
                self.stream.write_all(&out.0).ok()?;
            }
            replies.push(message.clone());
            if message.tag == b'Z' {
                return Some(show_all(&replies));
            }
        }
    }

    /// Sends what the server may refuse to read.
    pub fn try_send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Reads the single byte that answers an SSLRequest or GSSENCRequest.
    pub fn read_byte(&mut self) -> u8 {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).unwrap();
        byte[0]
    }

    /// Reads one message; `None` when the server has closed the connection.
    pub fn try_read(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.buffered() {
                self.note(&message);
                return Some(message);
            }
            self.buffer.drain(..self.start);
            self.start = 0;
            let mut chunk = [0; 65_536];
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(len) => self.buffer.extend(&chunk[..len]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                // A process that is stopped and goes on.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("no reply: {error}"),
            }
        }
    }

    pub fn read(&mut self) -> Message {
        self.try_read().expect("the server closed the connection")
    }

    fn buffered(&mut self) -> Option<Message> {
        let bytes = &self.buffer[self.start..];
        let len = u32::from_be_bytes(bytes.get(1..5)?.try_into().unwrap()) as usize;
        let body = bytes.get(5..=len)?.to_vec();
        let tag = bytes[0];
        self.start += len + 1;
        Some(Message { tag, body })
    }

    fn note(&mut self, message: &Message) {
        if message.tag == b'S' {
            let texts = message.texts();
            self.params.insert(texts[0].clone(), texts[1].clone());
        }
        if message.tag == b'K' {
            let number =
                |at: usize| u32::from_be_bytes(message.body[at..at + 4].try_into().unwrap());
            self.key = Some((number(0), number(4)));
        }
    }

    /// Reads up to and with ReadyForQuery, or a FATAL error.
    pub fn read_until_ready(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        loop {
            let message = self.read();
            let fatal = message.tag == b'E' && message.error()[&'S'] == "FATAL";
            let done = message.tag == b'Z' || fatal;
            messages.push(message);
            if done {
                return messages;
            }
        }
    }

    /// Reads `n` messages, notices and ParameterStatus left out.
    pub fn read_shown(&mut self, n: usize) -> Vec<String> {
        let mut shown = Vec::new();
        while shown.len() < n {
            let message = self.read();
            if !matches!(message.tag, b'N' | b'S') {
                shown.push(message.show());
            }
        }
        shown
    }

    /// Sends and gives the replies up to ReadyForQuery, a line each, notices and ParameterStatus
    /// left out.
    pub fn talk(&mut self, out: Out) -> Vec<String> {
        self.send(out);
        show_all(&self.read_until_ready())
    }

    /// The same for one simple Query.
    pub fn query(&mut self, sql: &str) -> Vec<String> {
        self.talk(Out::new().query(sql))
    }

    /// Runs SQL that must succeed and gives the last command tag.
    pub fn run(&mut self, sql: &str) -> String {
        let replies = self.replies(sql);
        let tag = replies.iter().rev().find(|message| message.tag == b'C');
        tag.map_or_else(String::new, |message| message.texts().join(" "))
    }

    fn replies(&mut self, sql: &str) -> Vec<Message> {
        self.send(Out::new().query(sql));
        let replies = self.read_until_ready();
        if let Some(error) = replies.iter().find(|message| message.tag == b'E') {
            panic!("{sql}\nfailed with {:?}", error.error());
        }
        replies
    }

    /// Runs a query that must succeed and gives its rows as text.
    pub fn rows(&mut self, sql: &str) -> Vec<Vec<Option<String>>> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let replies = self.replies(sql);
        let rows = replies.iter().filter(|message| message.tag == b'D');
        rows.map(|row| row.values().into_iter().map(|value| value.map(text)).collect()).collect()
    }

    /// Rows as lines, `|` between values.
    pub fn lines(&mut self, sql: &str) -> Vec<String> {
        let value = |value: Option<String>| value.unwrap_or_else(|| "NULL".to_owned());
        let rows = self.rows(sql).into_iter();
        rows.map(|row| row.into_iter().map(value).collect::<Vec<_>>().join("|")).collect()
    }

    /// The one value of a query.
    pub fn value(&mut self, sql: &str) -> String {
        let lines = self.lines(sql);
        assert_eq!(lines.len(), 1, "{sql}: not one row: {lines:?}");
        lines[0].clone()
    }

    /// Runs SQL that must fail and gives the error's fields; the connection must be ready after it.
    pub fn error(&mut self, sql: &str) -> Fields {
        self.send(Out::new().query(sql));
        let replies = self.read_until_ready();
        assert_eq!(replies.last().unwrap().tag, b'Z', "the connection ended at: {sql}");
        let error = replies.iter().find(|message| message.tag == b'E');
        error.unwrap_or_else(|| panic!("should fail: {sql}\n{:?}", show_all(&replies))).error()
    }

    /// The SQLSTATE of SQL that must fail.
    pub fn sqlstate(&mut self, sql: &str) -> String {
        self.error(sql)[&'C'].clone()
    }

    /// Sends a CancelRequest for this connection on a new one and waits for its end.
    pub fn cancel(&self) {
        cancel(self.addr, self.key.unwrap());
    }

    /// Hangs up without Terminate.
    pub fn hang_up(self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Shortens or lengthens the limit of one read.
    pub fn set_read_limit(&self, limit: Duration) {
        self.stream.set_read_timeout(Some(limit)).unwrap();
    }

    /// Tells whether nothing arrives within a time.
    pub fn is_silent(&mut self, limit: Duration) -> bool {
        if self.start < self.buffer.len() {
            return false;
        }
        self.set_read_limit(limit);
        let mut byte = [0; 1];
        let peeked = self.stream.peek(&mut byte);
        self.set_read_limit(READ_LIMIT);
        let waited = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
        peeked.is_err_and(|error| waited.contains(&error.kind()))
    }
}

/// Sends a CancelRequest and waits until the server has closed that connection.
pub fn cancel(addr: SocketAddr, key: (u32, u32)) {
    let mut client = RawClient::open(addr);
    let body = [CANCEL_REQUEST, key.0, key.1].map(u32::to_be_bytes).concat();
    client.send_bytes(&untagged(&body));
    assert!(client.try_read().is_none(), "a CancelRequest is not answered");
}

/// Replies as lines, notices and ParameterStatus left out.
pub fn show_all(messages: &[Message]) -> Vec<String> {
    let told = messages.iter().filter(|message| !matches!(message.tag, b'N' | b'S'));
    told.map(Message::show).collect()
}
