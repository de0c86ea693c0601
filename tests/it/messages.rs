//! Messages of PostgreSQL's protocol 3.0, byte by byte: what a client sends and how replies read.
//!
//! It is the second implementation on purpose: a fault in the server's codec must not cancel out.

use std::collections::BTreeMap;

/// Messages to send, in order.
#[derive(Default)]
pub struct Out(pub Vec<u8>);

/// A parameter's value; `None` is NULL.
pub type Param<'a> = Option<&'a [u8]>;

impl Out {
    pub fn new() -> Out {
        Out::default()
    }

    /// Appends any message, length included.
    pub fn message(mut self, tag: u8, body: &[u8]) -> Out {
        self.0.push(tag);
        self.0.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        self.0.extend(body);
        self
    }

    pub fn query(self, sql: &str) -> Out {
        self.query_bytes(sql.as_bytes())
    }

    /// A Query whose text need not be UTF-8.
    pub fn query_bytes(self, sql: &[u8]) -> Out {
        self.message(b'Q', &[sql, b"\0"].concat())
    }

    pub fn parse(self, name: &str, sql: &str, types: &[u32]) -> Out {
        let mut body = [name.as_bytes(), b"\0", sql.as_bytes(), b"\0"].concat();
        body.extend(count(types.len()));
        types.iter().for_each(|oid| body.extend(oid.to_be_bytes()));
        self.message(b'P', &body)
    }

    /// A Bind in which everything is text.
    pub fn bind(self, portal: &str, statement: &str, params: &[Param]) -> Out {
        self.bind_formats(portal, statement, &[], params, &[])
    }

    pub fn bind_formats(
        self,
        portal: &str,
        statement: &str,
        formats: &[i16],
        params: &[Param],
        result_formats: &[i16],
    ) -> Out {
        let mut body = [portal.as_bytes(), b"\0", statement.as_bytes(), b"\0"].concat();
        body.extend(count(formats.len()));
        formats.iter().for_each(|format| body.extend(format.to_be_bytes()));
        body.extend(count(params.len()));
        for param in params {
            match param {
                None => body.extend((-1i32).to_be_bytes()),
                Some(value) => {
                    body.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
                    body.extend(*value);
                }
            }
        }
        body.extend(count(result_formats.len()));
        result_formats.iter().for_each(|format| body.extend(format.to_be_bytes()));
        self.message(b'B', &body)
    }

    pub fn describe_statement(self, name: &str) -> Out {
        self.message(b'D', &[b"S", name.as_bytes(), b"\0"].concat())
    }

    pub fn describe_portal(self, name: &str) -> Out {
        self.message(b'D', &[b"P", name.as_bytes(), b"\0"].concat())
    }

    pub fn execute(self, portal: &str, max_rows: i32) -> Out {
        let body = [portal.as_bytes(), b"\0", &max_rows.to_be_bytes()].concat();
        self.message(b'E', &body)
    }

    pub fn close_statement(self, name: &str) -> Out {
        self.message(b'C', &[b"S", name.as_bytes(), b"\0"].concat())
    }

    pub fn close_portal(self, name: &str) -> Out {
        self.message(b'C', &[b"P", name.as_bytes(), b"\0"].concat())
    }

    pub fn sync(self) -> Out {
        self.message(b'S', b"")
    }

    pub fn flush(self) -> Out {
        self.message(b'H', b"")
    }

    pub fn copy_data(self, data: &[u8]) -> Out {
        self.message(b'd', data)
    }

    pub fn copy_done(self) -> Out {
        self.message(b'c', b"")
    }

    pub fn copy_fail(self, reason: &str) -> Out {
        self.message(b'f', &[reason.as_bytes(), b"\0"].concat())
    }

    pub fn terminate(self) -> Out {
        self.message(b'X', b"")
    }
}

/// A startup message.
pub fn startup(version: u32, params: &[(&str, &str)]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    for (name, value) in params {
        body.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
    }
    body.push(0);
    untagged(&body)
}

/// A message of the kind that opens a connection: length and body, no tag.
pub fn untagged(body: &[u8]) -> Vec<u8> {
    let mut message = u32::try_from(body.len() + 4).unwrap().to_be_bytes().to_vec();
    message.extend(body);
    message
}

fn count(len: usize) -> [u8; 2] {
    u16::try_from(len).unwrap().to_be_bytes()
}

/// One message from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub tag: u8,
    pub body: Vec<u8>,
}

/// One column of a RowDescription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// The table's OID and the column's number there.
    pub origin: (u32, i16),
    pub type_oid: u32,
    pub type_len: i16,
    pub typmod: i32,
    pub format: i16,
}

/// The fields of an ErrorResponse or NoticeResponse by their letter.
pub type Fields = BTreeMap<char, String>;

impl Message {
    fn reader(&self) -> Reader<'_> {
        Reader(&self.body)
    }

    /// Reads a DataRow.
    pub fn values(&self) -> Vec<Option<Vec<u8>>> {
        assert_eq!(self.tag, b'D', "not a DataRow: {self:?}");
        let mut reader = self.reader();
        let values = (0..reader.i16())
            .map(|_| match reader.i32() {
                -1 => None,
                len => Some(reader.take(usize::try_from(len).unwrap()).to_vec()),
            })
            .collect();
        assert!(reader.0.is_empty(), "bytes after the last value");
        values
    }

    /// Reads a RowDescription.
    pub fn fields(&self) -> Vec<Field> {
        assert_eq!(self.tag, b'T', "not a RowDescription: {}", self.show());
        let mut reader = self.reader();
        (0..reader.i16())
            .map(|_| Field {
                name: reader.text(),
                origin: (reader.u32(), reader.i16()),
                type_oid: reader.u32(),
                type_len: reader.i16(),
                typmod: reader.i32(),
                format: reader.i16(),
            })
            .collect()
    }

    /// Reads an ErrorResponse or NoticeResponse.
    pub fn error(&self) -> Fields {
        assert!(matches!(self.tag, b'E' | b'N'), "not an error: {}", self.show());
        let mut reader = self.reader();
        let mut fields = Fields::new();
        loop {
            match reader.take(1)[0] {
                0 => return fields,
                letter => {
                    fields.insert(letter.into(), reader.text());
                }
            }
        }
    }

    /// Reads a ParameterDescription.
    pub fn param_types(&self) -> Vec<u32> {
        assert_eq!(self.tag, b't', "not a ParameterDescription: {}", self.show());
        let mut reader = self.reader();
        (0..reader.i16()).map(|_| reader.u32()).collect()
    }

    /// Reads a message that is strings only: ParameterStatus, CommandComplete.
    pub fn texts(&self) -> Vec<String> {
        let mut reader = self.reader();
        let mut texts = Vec::new();
        while !reader.0.is_empty() {
            texts.push(reader.text());
        }
        texts
    }

    /// One line that tests compare: the tag, then what matters. Errors show their SQLSTATE, columns
    /// `name:oid` (`/1` when binary), rows their values (`\x` when not text).
    pub fn show(&self) -> String {
        let rest = match self.tag {
            b'T' => {
                let columns = self.fields().into_iter().map(|field| {
                    let binary = if field.format == 1 { "/1" } else { "" };
                    format!("{}:{}{binary}", field.name, field.type_oid)
                });
                columns.collect::<Vec<_>>().join(" ")
            }
            b't' => format!("{:?}", self.param_types()),
            b'D' => self.values().iter().map(show_value).collect::<Vec<_>>().join("|"),
            b'C' => self.texts().join(" "),
            b'E' => self.error().get(&'C').cloned().unwrap_or_default(),
            b'Z' => char::from(self.body[0]).to_string(),
            b'S' | b'N' | b'K' | b'R' | b'v' => String::new(),
            b'G' | b'H' => format!("{}", self.body[0]),
            _ => String::new(),
        };
        format!("{} {rest}", char::from(self.tag)).trim_end().to_owned()
    }
}

fn show_value(value: &Option<Vec<u8>>) -> String {
    match value {
        None => "NULL".to_owned(),
        Some(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
            _ => format!("\\x{}", hex(bytes)),
        },
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes from hexadecimal digits.
pub fn unhex(text: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(pair).collect()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> &'a [u8] {
        assert!(len <= self.0.len(), "a message ends early");
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }

    fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.take(2).try_into().unwrap())
    }

    fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.take(4).try_into().unwrap())
    }

    fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.take(4).try_into().unwrap())
    }

    fn text(&mut self) -> String {
        let end = self.0.iter().position(|&byte| byte == 0).expect("a string without its end");
        let text = String::from_utf8(self.take(end).to_vec()).unwrap();
        self.take(1);
        text
    }
}
