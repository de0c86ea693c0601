//! The options of COPY, with PostgreSQL's defaults and checks.

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// A format that COPY reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyFormat {
    Text,
    Csv,
}

/// How a stream is written.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Columns, by place, whose null string counts also when it is quoted. Csv only.
    pub force_null: Vec<usize>,
    /// Columns, by place, in which nothing is NULL. Csv only.
    pub force_not_null: Vec<usize>,
}

impl CopyOptions {
    /// Gives the defaults of a format.
    pub fn new(format: CopyFormat) -> CopyOptions {
        let (delimiter, null) = match format {
            CopyFormat::Text => (b'\t', "\\N"),
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
            force_null: Vec::new(),
            force_not_null: Vec::new(),
        }
    }

    /// Checks that the options can be told apart in a stream.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |message: &str| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        let unsupported = |message: &str| Err(Error::unsupported(message));
        let breaks_line = |byte: u8| matches!(byte, b'\n' | b'\r');
        let is_csv = self.format == CopyFormat::Csv;
        let single = |byte: u8| (1..0x80).contains(&byte);
        if !single(self.delimiter) {
            return unsupported("COPY delimiter must be a single one-byte character");
        }
        if breaks_line(self.delimiter) {
            return wrong("COPY delimiter cannot be newline or carriage return");
        }
        if self.null.bytes().any(breaks_line) {
            return wrong("COPY null representation cannot use newline or carriage return");
        }
        let refused = b"\\.abcdefghijklmnopqrstuvwxyz0123456789";
        if !is_csv && refused.contains(&self.delimiter) {
            let delimiter = char::from(self.delimiter);
            return wrong(&format!("COPY delimiter cannot be \"{delimiter}\""));
        }
        if self.null.bytes().any(|byte| byte == self.delimiter) {
            return wrong("COPY delimiter must not appear in the NULL specification");
        }
        if !is_csv {
            if !self.force_null.is_empty() {
                return unsupported("COPY force null available only in CSV mode");
            }
            if !self.force_not_null.is_empty() {
                return unsupported("COPY force not null available only in CSV mode");
            }
            return Ok(());
        }
        if !single(self.quote) || breaks_line(self.quote) {
            return unsupported("COPY quote must be a single one-byte character");
        }
        if !single(self.escape) || breaks_line(self.escape) {
            return unsupported("COPY escape must be a single one-byte character");
        }
        if self.quote == self.delimiter {
            return wrong("COPY delimiter and quote must be different");
        }
        if self.null.bytes().any(|byte| byte == self.quote) {
            return wrong("CSV quote character must not appear in the NULL specification");
        }
        Ok(())
    }

    /// Gives the message of a line end that is not like the first one.
    pub(super) fn literal(&self, what: &str) -> String {
        match self.format {
            CopyFormat::Text => format!("literal {what} found in data"),
            CopyFormat::Csv => format!("unquoted {what} found in data"),
        }
    }
}
