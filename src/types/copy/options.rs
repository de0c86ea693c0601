//! The options of COPY, with PostgreSQL's defaults, checks and messages.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// A format of COPY's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CopyFormat {
    Text,
    Csv,
    Binary,
}

/// The encoding of a stream's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CopyEncoding {
    Utf8,
    /// ISO 8859-1: each byte is the character of its number.
    Latin1,
}

/// The first line of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyHeader {
    Off,
    On,
    /// The names must be the columns'.
    Match,
}

/// Options as a statement gives them; `None` for what it does not mention.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenCopyOptions {
    pub format: Option<CopyFormat>,
    pub delimiter: Option<String>,
    pub null: Option<String>,
    pub header: Option<CopyHeader>,
    pub quote: Option<String>,
    pub escape: Option<String>,
    pub encoding: Option<CopyEncoding>,
    pub force_quote: bool,
    pub force_not_null: bool,
    pub force_null: bool,
}

/// How a stream is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyOptions {
    pub format: CopyFormat,
    pub delimiter: u8,
    /// What stands for NULL.
    pub null: String,
    /// Whether the first line holds the names.
    pub header: bool,
    /// Whether the names must be the columns'.
    pub header_match: bool,
    /// Csv only.
    pub quote: u8,
    /// Csv only.
    pub escape: u8,
    pub encoding: CopyEncoding,
    /// Columns, by place, whose null string counts also when it is quoted. Csv only.
    pub force_null: Vec<usize>,
    /// Columns, by place, in which nothing is NULL. Csv only.
    pub force_not_null: Vec<usize>,
}

impl CopyOptions {
    /// Gives the defaults of a format.
    pub fn new(format: CopyFormat) -> CopyOptions {
        let (delimiter, null) = match format {
            CopyFormat::Text | CopyFormat::Binary => (b'\t', "\\N"),
            CopyFormat::Csv => (b',', ""),
        };
        CopyOptions {
            format,
            delimiter,
            null: null.to_owned(),
            header: false,
            header_match: false,
            quote: b'"',
            escape: b'"',
            encoding: CopyEncoding::Utf8,
            force_null: Vec::new(),
            force_not_null: Vec::new(),
        }
    }

    /// Completes what a statement gives, and checks it as PostgreSQL does, in its order.
    ///
    /// # Errors
    /// 42601, 22023 and 0A000 for options that contradict each other or the direction.
    pub fn complete(given: &GivenCopyOptions, from: bool) -> Result<CopyOptions> {
        let format = given.format.unwrap_or(CopyFormat::Text);
        let mut options = CopyOptions::new(format);
        if given.header == Some(CopyHeader::Match) && !from {
            return unsupported("cannot use \"match\" with HEADER in COPY TO");
        }
        if format == CopyFormat::Binary {
            check_binary(given)?;
        }
        if let Some(null) = &given.null {
            options.null.clone_from(null);
        }
        options.header = !matches!(given.header, None | Some(CopyHeader::Off));
        options.header_match = given.header == Some(CopyHeader::Match);
        options.encoding = given.encoding.unwrap_or(CopyEncoding::Utf8);
        if let Some(delimiter) = &given.delimiter {
            options.delimiter = one_byte("delimiter", delimiter)?;
        }
        options.check_delimiter()?;
        if format != CopyFormat::Csv && given.quote.is_some() {
            return unsupported("COPY quote available only in CSV mode");
        }
        if let Some(quote) = &given.quote {
            options.quote = one_byte("quote", quote)?;
        }
        if format == CopyFormat::Csv && options.quote == options.delimiter {
            return wrong("COPY delimiter and quote must be different");
        }
        if format != CopyFormat::Csv && given.escape.is_some() {
            return unsupported("COPY escape available only in CSV mode");
        }
        options.escape = match &given.escape {
            Some(escape) => one_byte("escape", escape)?,
            None => options.quote,
        };
        check_force(given, format, from)?;
        if options.null.bytes().any(|byte| byte == options.delimiter) {
            return unsupported("COPY delimiter must not appear in the NULL specification");
        }
        if format == CopyFormat::Csv && options.null.bytes().any(|byte| byte == options.quote) {
            return unsupported("CSV quote character must not appear in the NULL specification");
        }
        Ok(options)
    }

    fn check_delimiter(&self) -> Result<()> {
        let breaks_line = |byte: u8| matches!(byte, b'\n' | b'\r');
        if breaks_line(self.delimiter) {
            return wrong("COPY delimiter cannot be newline or carriage return");
        }
        if self.null.bytes().any(breaks_line) {
            return wrong("COPY null representation cannot use newline or carriage return");
        }
        let refused = b"\\.abcdefghijklmnopqrstuvwxyz0123456789";
        if self.format != CopyFormat::Csv && refused.contains(&self.delimiter) {
            return wrong(&format!("COPY delimiter cannot be \"{}\"", char::from(self.delimiter)));
        }
        Ok(())
    }

    /// Gives the message of a line end that is not like the first one.
    pub(super) fn literal(&self, what: &str) -> String {
        match self.format {
            CopyFormat::Text | CopyFormat::Binary => format!("literal {what} found in data"),
            CopyFormat::Csv => format!("unquoted {what} found in data"),
        }
    }
}

fn check_binary(given: &GivenCopyOptions) -> Result<()> {
    let syntax = |message: &str| Err(Error::syntax(message));
    if given.delimiter.is_some() {
        return syntax("cannot specify DELIMITER in BINARY mode");
    }
    if given.null.is_some() {
        return syntax("cannot specify NULL in BINARY mode");
    }
    if !matches!(given.header, None | Some(CopyHeader::Off)) {
        return unsupported("cannot specify HEADER in BINARY mode");
    }
    Ok(())
}

fn check_force(given: &GivenCopyOptions, format: CopyFormat, from: bool) -> Result<()> {
    for (what, is_given, only_from) in [
        ("quote", given.force_quote, false),
        ("not null", given.force_not_null, true),
        ("null", given.force_null, true),
    ] {
        if is_given && format != CopyFormat::Csv {
            return unsupported(&format!("COPY force {what} available only in CSV mode"));
        }
        if is_given && from != only_from {
            let way = if only_from { "FROM" } else { "TO" };
            return unsupported(&format!("COPY force {what} only available using COPY {way}"));
        }
    }
    Ok(())
}

fn one_byte(what: &str, text: &str) -> Result<u8> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        _ => unsupported(&format!("COPY {what} must be a single one-byte character")),
    }
}

fn wrong<T>(message: &str) -> Result<T> {
    Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
}

fn unsupported<T>(message: &str) -> Result<T> {
    Err(Error::unsupported(message))
}
