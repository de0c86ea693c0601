//! The names in a header line, read before the columns are known.

use super::scan::Scanner;
use super::split::fields_of;
use super::{CopyOptions, bad_format, not_utf8};
use crate::error::Result;

/// Reads the names in the header line that a text begins with; `None` when its end is not there
/// yet. Takes what there is for the whole line when it is the text's `last` piece.
///
/// # Errors
/// 22021 for what is not UTF-8; 22P04 for quotes that do not end.
pub fn header_names(
    options: &CopyOptions,
    bytes: &[u8],
    last: bool,
) -> Result<Option<Vec<String>>> {
    let mut scanner = Scanner::new(options);
    let end = match scanner.next(bytes) {
        Some(end) => end,
        None if last && scanner.in_quotes() => {
            return Err(bad_format("unterminated CSV quoted field in the header line"));
        }
        None if last => bytes.len(),
        None => return Ok(None),
    };
    let line = &bytes[..end];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = match options.encoding {
        super::CopyEncoding::Latin1 => line.iter().map(|&byte| char::from(byte)).collect(),
        super::CopyEncoding::Utf8 => {
            std::str::from_utf8(line).map_err(|_| not_utf8(line))?.to_owned()
        }
    };
    Ok(Some(fields_of(options, &text)))
}
