//! A blocking PostgreSQL client that does as little as possible: it counts rows and skips their
//! bytes.
//!
//! It speaks protocol 3.0 without TLS, to servers that trust the connection. Values are not
//! decoded.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::Result;

/// Bytes read from the socket at once: large, because a stream of rows is read as fast as it comes.
const BUFFER_BYTES: usize = 256 * 1024;

/// How the values of a result travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Binary,
}

/// What came back for one statement.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub rows: u64,
    /// Bytes of the rows' messages, headers included.
    pub row_bytes: u64,
    /// The first column of the last row, where it is text.
    pub last: Option<String>,
}

/// One connection.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Client {
    /// Connects as user `bench` to the database `postgres`.
    pub fn connect(address: &str) -> Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut client = Client { stream, buffer: vec![0; BUFFER_BYTES], start: 0, end: 0 };
        let mut body = Vec::new();
        body.extend_from_slice(&196_608_i32.to_be_bytes());
        body.extend_from_slice(b"user\0bench\0database\0postgres\0\0");
        let length = i32::try_from(body.len() + 4)?;
        client.stream.write_all(&length.to_be_bytes())?;
        client.stream.write_all(&body)?;
        client.until_ready(false)?;
        Ok(client)
    }

    /// Runs one statement by the simple protocol.
    pub fn run(&mut self, sql: &str) -> Result<Answer> {
        let mut out = Vec::new();
        message(&mut out, b'Q', &[sql.as_bytes(), b"\0"])?;
        self.stream.write_all(&out)?;
        self.until_ready(false)
    }

    /// Runs a statement for the one value that it returns.
    pub fn value(&mut self, sql: &str) -> Result<String> {
        let mut out = Vec::new();
        message(&mut out, b'Q', &[sql.as_bytes(), b"\0"])?;
        self.stream.write_all(&out)?;
        let answer = self.until_ready(true)?;
        answer.last.ok_or_else(|| format!("no value came back for: {sql}").into())
    }

    /// Prepares a statement under a name.
    pub fn prepare(&mut self, name: &str, sql: &str) -> Result<()> {
        let mut out = Vec::new();
        message(&mut out, b'P', &[name.as_bytes(), b"\0", sql.as_bytes(), b"\0\0\0"])?;
        message(&mut out, b'S', &[])?;
        self.stream.write_all(&out)?;
        self.until_ready(false).map(drop)
    }

    /// Binds and executes a prepared statement, in one round trip. Parameters are text.
    pub fn execute(&mut self, name: &str, params: &[&str], format: Format) -> Result<Answer> {
        let mut bind = Vec::new();
        bind.push(0);
        bind.extend_from_slice(name.as_bytes());
        bind.push(0);
        bind.extend_from_slice(&0_i16.to_be_bytes());
        bind.extend_from_slice(&i16::try_from(params.len())?.to_be_bytes());
        for param in params {
            bind.extend_from_slice(&i32::try_from(param.len())?.to_be_bytes());
            bind.extend_from_slice(param.as_bytes());
        }
        bind.extend_from_slice(&1_i16.to_be_bytes());
        bind.extend_from_slice(&i16::from(format == Format::Binary).to_be_bytes());
        let mut out = Vec::new();
        message(&mut out, b'B', &[&bind])?;
        message(&mut out, b'E', &[b"\0", &0_i32.to_be_bytes()])?;
        message(&mut out, b'S', &[])?;
        self.stream.write_all(&out)?;
        self.until_ready(false)
    }

    /// Runs a COPY FROM STDIN with this data.
    pub fn copy_in(&mut self, sql: &str, pieces: &[Vec<u8>]) -> Result<()> {
        let mut out = Vec::new();
        message(&mut out, b'Q', &[sql.as_bytes(), b"\0"])?;
        self.stream.write_all(&out)?;
        loop {
            let (tag, length) = self.header()?;
            if tag == b'E' {
                return Err(error_text(&self.body(length)?).into());
            }
            self.skip(length)?;
            if tag == b'G' {
                break;
            }
        }
        for piece in pieces {
            out.clear();
            message(&mut out, b'd', &[piece])?;
            self.stream.write_all(&out)?;
        }
        out.clear();
        message(&mut out, b'c', &[])?;
        self.stream.write_all(&out)?;
        self.until_ready(false).map(drop)
    }

    /// Waits for a notification; gives its payload.
    pub fn notification(&mut self) -> Result<String> {
        loop {
            let (tag, length) = self.header()?;
            let body = self.body(length)?;
            if tag == b'A' {
                let texts = body.get(4..).unwrap_or_default();
                let payload = texts.split(|byte| *byte == 0).nth(1).unwrap_or_default();
                return Ok(String::from_utf8_lossy(payload).into_owned());
            }
        }
    }

    /// Reads up to ReadyForQuery. An error of the server is returned once the server is ready
    /// again.
    fn until_ready(&mut self, keep_last: bool) -> Result<Answer> {
        let mut answer = Answer::default();
        let mut failed: Option<String> = None;
        loop {
            let (tag, length) = self.header()?;
            match tag {
                b'D' => {
                    answer.rows += 1;
                    answer.row_bytes += 5 + length as u64;
                    if keep_last {
                        let body = self.body(length)?;
                        answer.last = first_column(&body);
                    } else {
                        self.skip(length)?;
                    }
                }
                b'Z' => {
                    self.skip(length)?;
                    return match failed {
                        Some(error) => Err(error.into()),
                        None => Ok(answer),
                    };
                }
                b'E' => {
                    let error = error_text(&self.body(length)?);
                    // At start-up an error is the last thing that a server says.
                    failed = Some(error);
                }
                b'R' => {
                    let body = self.body(length)?;
                    if body.get(..4) != Some(&[0, 0, 0, 0]) {
                        return Err("the server wants a password".into());
                    }
                }
                _ => self.skip(length)?,
            }
        }
    }

    /// The next message's type and the length of its body.
    fn header(&mut self) -> Result<(u8, usize)> {
        while self.end - self.start < 5 {
            self.fill()?;
        }
        let h = &self.buffer[self.start..self.start + 5];
        let length = u32::from_be_bytes([h[1], h[2], h[3], h[4]]) as usize;
        let tag = h[0];
        self.start += 5;
        let body = length.checked_sub(4).ok_or("a message shorter than its own length")?;
        Ok((tag, body))
    }

    fn skip(&mut self, mut length: usize) -> Result<()> {
        loop {
            let here = length.min(self.end - self.start);
            self.start += here;
            length -= here;
            if length == 0 {
                return Ok(());
            }
            self.fill()?;
        }
    }

    fn body(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while body.len() < length {
            if self.start == self.end {
                self.fill()?;
            }
            let here = (length - body.len()).min(self.end - self.start);
            body.extend_from_slice(&self.buffer[self.start..self.start + here]);
            self.start += here;
        }
        Ok(body)
    }

    fn fill(&mut self) -> Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let read = self.stream.read(&mut self.buffer[self.end..])?;
        if read == 0 {
            return Err("the server closed the connection".into());
        }
        self.end += read;
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Terminate; a server that is gone already does not mind.
        let _ = self.stream.write_all(&[b'X', 0, 0, 0, 4]);
    }
}

fn message(out: &mut Vec<u8>, tag: u8, parts: &[&[u8]]) -> Result<()> {
    let length = 4 + parts.iter().map(|part| part.len()).sum::<usize>();
    out.push(tag);
    out.extend_from_slice(&i32::try_from(length)?.to_be_bytes());
    for part in parts {
        out.extend_from_slice(part);
    }
    Ok(())
}

fn first_column(row: &[u8]) -> Option<String> {
    let length = i32::from_be_bytes(row.get(2..6)?.try_into().ok()?);
    let length = usize::try_from(length).ok()?;
    String::from_utf8(row.get(6..6 + length)?.to_vec()).ok()
}

/// SQLSTATE and message of an ErrorResponse.
fn error_text(body: &[u8]) -> String {
    let field = |wanted: u8| {
        body.split(|&byte| byte == 0)
            .find(|field| field.first() == Some(&wanted))
            .map(|field| String::from_utf8_lossy(&field[1..]).into_owned())
            .unwrap_or_default()
    };
    format!("{}: {}", field(b'C'), field(b'M'))
}
