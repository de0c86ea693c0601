//! What the headers and the query of an upload say.

use axum::http::{HeaderMap, StatusCode, header};

use super::reply::Refusal;
use crate::dataset::FileFormat;
use crate::ingest::{Given, Reading, invalid};
use crate::intent::Ack;
use crate::telemetry;

/// An upload as it is asked for.
pub(super) struct Wanted {
    pub(super) reading: Reading,
    pub(super) ack: Ack,
    /// The same content goes into the table once.
    pub(super) once: bool,
    pub(super) key: Option<String>,
    pub(super) traceparent: Option<String>,
}

impl Wanted {
    pub(super) fn new(headers: &HeaderMap, query: Option<&str>) -> Result<Wanted, Refusal> {
        let (format, charset) = content_type(headers)?;
        let mut given = Given { encoding: charset, ..Given::default() };
        let (mut ack, mut once) = (Ack::Applied, false);
        for (name, value) in parameters(query.unwrap_or_default())? {
            match name.as_str() {
                "delimiter" => given.delimiter = Some(value),
                "header" => given.header = Some(switch(&name, &value)?),
                "null" => given.null_string = Some(value),
                "quote" => given.quote = Some(value),
                "escape" => given.escape = Some(value),
                "encoding" => given.encoding = Some(value),
                "on_error" => given.on_error = Some(value),
                "once" => once = switch(&name, &value)?,
                "ack" => ack = acknowledged(&value)?,
                _ => return Err(bad(format!("parameter \"{name}\" is not known"))),
            }
        }
        Ok(Wanted {
            reading: Reading::new(format, &given).map_err(Refusal::bad_request)?,
            ack,
            once,
            key: text_header(headers, "idempotency-key")?,
            traceparent: text_header(headers, "traceparent")?
                .filter(|text| telemetry::trace_id(text).is_some()),
        })
    }
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::bad_request(invalid(message))
}

fn switch(name: &str, value: &str) -> Result<bool, Refusal> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(bad(format!("parameter \"{name}\" is neither true nor false"))),
    }
}

fn acknowledged(value: &str) -> Result<Ack, Refusal> {
    match value {
        "durable" => Ok(Ack::Durable),
        "applied" => Ok(Ack::Applied),
        _ => Err(bad("parameter \"ack\" is neither durable nor applied")),
    }
}

fn text_header(headers: &HeaderMap, name: &str) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(_) => Err(bad(format!("header \"{name}\" is not UTF-8"))),
    }
}

/// Finds the format, and the encoding where the header names one.
fn content_type(headers: &HeaderMap) -> Result<(FileFormat, Option<String>), Refusal> {
    let unknown = |what: &str| {
        let error = invalid(format!("{what} cannot be ingested")).with_hint(
            "Send text/csv, application/x-ndjson, application/vnd.apache.arrow.stream or \
             application/vnd.apache.parquet, not compressed.",
        );
        Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error)
    };
    let coding = headers.get(header::CONTENT_ENCODING).map(|value| value.as_bytes());
    if !matches!(coding, None | Some(b"identity")) {
        return Err(unknown("a compressed content"));
    }
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let text = value.ok_or_else(|| unknown("a content without a type"))?.to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let format = match parts.next().unwrap_or_default() {
        "text/csv" => FileFormat::Csv,
        "application/x-ndjson" | "application/jsonl" | "application/x-jsonlines" => {
            FileFormat::JsonLines
        }
        "application/vnd.apache.arrow.stream" | "application/vnd.apache.arrow.file" => {
            FileFormat::Arrow
        }
        "application/vnd.apache.parquet" => FileFormat::Parquet,
        other => return Err(unknown(&format!("content of type \"{other}\""))),
    };
    let charset = parts.find_map(|part| part.strip_prefix("charset="));
    let encoding = match charset.map(|name| name.trim_matches('"')) {
        None | Some("utf-8" | "utf8" | "us-ascii") => None,
        Some("iso-8859-1" | "latin1") if format == FileFormat::Csv => Some("latin1".to_owned()),
        Some(other) => return Err(unknown(&format!("content of charset \"{other}\""))),
    };
    Ok((format, encoding))
}

/// Splits a query into names and values.
fn parameters(query: &str) -> Result<Vec<(String, String)>, Refusal> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decoded(name), decoded(value)) {
                (Some(name), Some(value)) => Ok((name, value)),
                _ => Err(bad(format!("the query's \"{pair}\" cannot be read"))),
            }
        })
        .collect()
}

/// Undoes percent-encoding, and `+` for a space.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_as_forms_are() {
        let read = |query| parameters(query).ok().unwrap();
        assert_eq!(
            read("delimiter=%3B&null=a+b"),
            [("delimiter".to_owned(), ";".to_owned()), ("null".to_owned(), "a b".to_owned())]
        );
        assert!(read("").is_empty());
        assert!(parameters("a=%2").is_err());
        assert!(parameters("a=%ff").is_err());
    }
}
