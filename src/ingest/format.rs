//! How the rows of a file or an upload are written, as rules and query parameters name it.

use crate::dataset::FileFormat;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{CopyEncoding, CopyFormat, CopyHeader, CopyOptions, GivenCopyOptions};

/// What is said of a content beside its format; an absent part has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    pub delimiter: Option<String>,
    pub header: Option<bool>,
    pub null_string: Option<String>,
    pub quote: Option<String>,
    pub escape: Option<String>,
    pub encoding: Option<String>,
    pub on_error: Option<String>,
}

/// A format and all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub format: FileFormat,
    /// CSV only.
    pub csv: CopyOptions,
    /// Rows that the table does not take are put aside; else the first of them fails all.
    pub puts_aside: bool,
}

impl Reading {
    /// Completes and checks what is given.
    ///
    /// # Errors
    /// 22023, 0A000 and 42601 for what contradicts itself or the format.
    pub fn new(format: FileFormat, given: &Given) -> Result<Reading> {
        let of_csv = given.delimiter.is_some()
            || given.header.is_some()
            || given.null_string.is_some()
            || given.quote.is_some()
            || given.escape.is_some()
            || given.encoding.is_some();
        if of_csv && format != FileFormat::Csv {
            return Err(invalid("delimiter, header, null, quote, escape and encoding are for CSV"));
        }
        let encoding = match given.encoding.as_deref() {
            None | Some("utf8") => CopyEncoding::Utf8,
            Some("latin1") => CopyEncoding::Latin1,
            Some(other) => {
                return Err(invalid(format!("encoding \"{other}\" is not known"))
                    .with_hint("There are utf8 and latin1."));
            }
        };
        let header = if given.header == Some(false) { CopyHeader::Off } else { CopyHeader::On };
        let copy = GivenCopyOptions {
            format: Some(CopyFormat::Csv),
            delimiter: given.delimiter.clone(),
            null: given.null_string.clone(),
            header: Some(header),
            quote: given.quote.clone(),
            escape: given.escape.clone(),
            encoding: Some(encoding),
            ..GivenCopyOptions::default()
        };
        let puts_aside = match given.on_error.as_deref() {
            None | Some("reject") => true,
            Some("fail") => false,
            Some(other) => {
                return Err(invalid(format!("on_error \"{other}\" is not known"))
                    .with_hint("There are reject and fail."));
            }
        };
        Ok(Reading { format, csv: CopyOptions::complete(&copy, true)?, puts_aside })
    }
}

/// Finds a format by the name that rules give it.
///
/// # Errors
/// 22023 for another name.
pub fn format_named(name: &str) -> Result<FileFormat> {
    Ok(match name {
        "csv" => FileFormat::Csv,
        "jsonl" => FileFormat::JsonLines,
        "parquet" => FileFormat::Parquet,
        "arrow" => FileFormat::Arrow,
        other => return Err(invalid(format!("format \"{other}\" is not known"))),
    })
}

/// Makes the error of an option that cannot be used.
pub fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_checked_against_the_format_and_each_other() {
        let delimiter = |text: &str| Given { delimiter: Some(text.into()), ..Given::default() };
        let csv = Reading::new(FileFormat::Csv, &delimiter(";")).unwrap();
        assert_eq!((csv.csv.delimiter, csv.csv.header, csv.puts_aside), (b';', true, true));
        assert!(Reading::new(FileFormat::Csv, &delimiter(";;")).is_err());
        assert!(Reading::new(FileFormat::Csv, &delimiter("\n")).is_err());
        assert!(Reading::new(FileFormat::Parquet, &delimiter(";")).is_err());
        let encoding = Given { encoding: Some("utf16".into()), ..Given::default() };
        assert!(Reading::new(FileFormat::Csv, &encoding).is_err());
        let on_error = Given { on_error: Some("ignore".into()), ..Given::default() };
        assert!(Reading::new(FileFormat::JsonLines, &on_error).is_err());
        assert!(format_named("xml").is_err());
    }
}
