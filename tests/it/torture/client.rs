//! One connection of a worker: it asks, and tells an answer from the silence of a killed server.

use crate::messages::{Message, Out};
use crate::raw_client::RawClient;

/// What came back for one statement.
#[derive(Debug)]
pub enum Answer {
    /// The command tag, and the rows where there are some.
    Done(String, Vec<Vec<String>>),
    /// SQLSTATE and message.
    Refused(String, String),
    /// The server is gone, or says that it does not know how the statement ended.
    Gone,
}

/// Asks by one simple Query; a COPY is given its data.
pub fn ask(client: &mut RawClient, sql: &str, copy: Option<&[u8]>) -> Answer {
    client.try_send_bytes(&Out::new().query(sql).0);
    receive(client, copy)
}

/// Asks by the extended protocol with parameters in text.
pub fn ask_bound(client: &mut RawClient, sql: &str, params: &[String]) -> Answer {
    client.try_send_bytes(&bound(sql, params).0);
    receive(client, None)
}

/// One statement with parameters, up to its Sync.
pub fn bound(sql: &str, params: &[String]) -> Out {
    let params: Vec<Option<&[u8]>> = params.iter().map(|param| Some(param.as_bytes())).collect();
    Out::new().parse("", sql, &[]).bind("", "", &params).execute("", 0).sync()
}

/// Reads one answer. The command tag alone is the promise: what comes after it, up to
/// ReadyForQuery, may be cut off.
pub fn receive(client: &mut RawClient, copy: Option<&[u8]>) -> Answer {
    let mut answer = Answer::Gone;
    let mut rows = Vec::new();
    while let Some(message) = client.try_read() {
        match message.tag {
            b'G' => {
                let out = Out::new().copy_data(copy.unwrap_or_default()).copy_done();
                client.try_send_bytes(&out.0);
            }
            b'D' => rows.push(texts(&message)),
            b'C' => answer = Answer::Done(message.texts().join(" "), std::mem::take(&mut rows)),
            b'E' => answer = refused(&message),
            b'Z' => return answer,
            _ => {}
        }
    }
    answer
}

fn texts(message: &Message) -> Vec<String> {
    let text = |value: Option<Vec<u8>>| {
        value.map_or_else(|| "NULL".to_owned(), |value| String::from_utf8(value).unwrap())
    };
    message.values().into_iter().map(text).collect()
}

fn refused(message: &Message) -> Answer {
    let fields = message.error();
    let (code, text) = (fields[&'C'].clone(), fields[&'M'].clone());
    // A server that goes down lets its clients go: what is in the log is applied later.
    if code == "57P01" { Answer::Gone } else { Answer::Refused(code, text) }
}
