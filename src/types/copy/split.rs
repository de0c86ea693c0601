//! A record's fields: unescaped, unquoted, handed to the builders.

use super::{CopyDecoder, CopyFormat, CopyOptions, bad_format, not_utf8};
use crate::error::Result;

impl CopyDecoder {
    /// Takes a row of the text format.
    pub(super) fn text_row(&mut self, record: &str) -> Result<()> {
        if !self.options.header && record.is_empty() && self.columns.is_empty() {
            return Ok(());
        }
        let bytes = record.as_bytes();
        if memchr::memchr(b'\r', bytes).is_some() {
            let error = bad_format(self.options.literal("carriage return"))
                .with_hint("Use \"\\r\" to represent carriage return.");
            return Err(self.at_line(error, bytes));
        }
        let (mut start, mut index) = (0, 0);
        let (mut escaped, mut after_escape) = (false, 0);
        for at in memchr::memchr2_iter(self.options.delimiter, b'\\', bytes) {
            if at < after_escape {
                continue;
            }
            if bytes[at] == b'\\' {
                (escaped, after_escape) = (true, at + 2);
                continue;
            }
            if index == self.columns.len() {
                return Err(self.extra(record));
            }
            self.text_value(index, &record[start..at], escaped)?;
            (start, index, escaped) = (at + 1, index + 1, false);
        }
        if index == self.columns.len() {
            return Err(self.extra(record));
        }
        // A backslash may be the last byte; the field ends there all the same.
        self.text_value(index, &record[start..], escaped)?;
        index += 1;
        if index < self.columns.len() { Err(self.missing(index, record)) } else { Ok(()) }
    }

    /// Takes one field of the text format, raw.
    fn text_value(&mut self, index: usize, field: &str, escaped: bool) -> Result<()> {
        if field == self.options.null {
            return self.append(index, None);
        }
        if !escaped {
            return self.append(index, Some(field));
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        unescape(field.as_bytes(), &mut scratch);
        match std::str::from_utf8(&scratch) {
            Ok(text) if memchr::memchr(0, &scratch).is_none() => self.append(index, Some(text))?,
            _ => return Err(not_utf8(&scratch).with_context(self.place())),
        }
        self.scratch = scratch;
        Ok(())
    }

    /// Takes a row of the csv format.
    pub(super) fn csv_row(&mut self, record: &str) -> Result<()> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut rest = Some(record);
        let mut index = 0;
        while let Some(text) = rest {
            if index == self.columns.len() {
                return Err(self.extra(record));
            }
            let simple =
                memchr::memchr2(self.options.delimiter, self.options.quote, text.as_bytes());
            let quoted = simple.is_some_and(|at| text.as_bytes()[at] == self.options.quote);
            if quoted {
                let Some(length) = unquote(&self.options, text, &mut scratch) else {
                    let error = bad_format("unterminated CSV quoted field");
                    return Err(self.at_line(error, record.as_bytes()));
                };
                rest = text.get(length + 1..);
                let Ok(value) = std::str::from_utf8(&scratch) else {
                    return Err(not_utf8(&scratch).with_context(self.place()));
                };
                let null = value == self.options.null && self.options.force_null.contains(&index);
                self.append(index, (!null).then_some(value))?;
            } else {
                let field = &text[..simple.unwrap_or(text.len())];
                rest = text.get(field.len() + 1..);
                if memchr::memchr(b'\r', field.as_bytes()).is_some() {
                    let error = bad_format(self.options.literal("carriage return"));
                    return Err(self.at_line(error, record.as_bytes()));
                }
                let null =
                    field == self.options.null && !self.options.force_not_null.contains(&index);
                self.append(index, (!null).then_some(field))?;
            }
            index += 1;
        }
        self.scratch = scratch;
        if index < self.columns.len() { Err(self.missing(index, record)) } else { Ok(()) }
    }

    /// Compares the header's names with the columns'.
    pub(super) fn check_header(&self, record: &str) -> Result<()> {
        let names = fields_of(&self.options, record);
        if names.len() != self.columns.len() {
            let error = bad_format(format!(
                "wrong number of fields in header line: got {}, expected {}",
                names.len(),
                self.columns.len()
            ));
            return Err(self.at_line(error, record.as_bytes()));
        }
        for (place, (name, column)) in names.iter().zip(&self.columns).enumerate() {
            if *name != column.name {
                let error = bad_format(format!(
                    "column name mismatch in header line field {}: got \"{name}\", expected \"{}\"",
                    place + 1,
                    column.name
                ));
                return Err(self.at_line(error, record.as_bytes()));
            }
        }
        Ok(())
    }
}

/// Gives the fields of a line, as plain texts.
pub(super) fn fields_of(options: &CopyOptions, line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut rest = Some(line);
    while let Some(text) = rest {
        let mut field = Vec::new();
        let length = match options.format {
            CopyFormat::Csv => unquote(options, text, &mut field).unwrap_or(text.len()),
            CopyFormat::Text | CopyFormat::Binary => {
                let (raw, _) = text_field(options, text);
                unescape(raw.as_bytes(), &mut field);
                raw.len()
            }
        };
        fields.push(String::from_utf8_lossy(&field).into_owned());
        rest = text.get(length + 1..);
    }
    fields
}

/// Gives the first field, raw, and whether it has a backslash.
fn text_field<'a>(options: &CopyOptions, text: &'a str) -> (&'a str, bool) {
    let bytes = text.as_bytes();
    let (mut at, mut escaped) = (0, false);
    while let Some(&byte) = bytes.get(at) {
        if byte == options.delimiter {
            break;
        }
        if byte == b'\\' {
            escaped = true;
            at += 1;
        }
        at += 1;
    }
    // A backslash may be the last byte. Only ASCII bytes end a field, so no character is cut.
    let end = at.min(bytes.len());
    (&text[..end], escaped)
}

/// Puts the value of the first field, quotes in it, into `value`; gives its length in the
/// record, or `None` when the quotes do not end.
fn unquote(options: &CopyOptions, text: &str, value: &mut Vec<u8>) -> Option<usize> {
    let (quote, escape) = (options.quote, options.escape);
    let bytes = text.as_bytes();
    value.clear();
    let (mut at, mut in_quotes) = (0, false);
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied();
        if in_quotes {
            if byte == escape && next.is_some_and(|next| next == quote || next == escape) {
                value.extend(next);
                at += 1;
            } else if byte == quote {
                in_quotes = false;
            } else {
                value.push(byte);
            }
        } else if byte == options.delimiter {
            break;
        } else if byte == quote {
            in_quotes = true;
        } else {
            value.push(byte);
        }
        at += 1;
    }
    (!in_quotes).then_some(at)
}

/// Puts the value that a text field's escapes stand for into `value`.
fn unescape(field: &[u8], value: &mut Vec<u8>) {
    value.clear();
    let mut rest = field;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            value.push(byte);
            continue;
        }
        let Some((&escape, tail)) = rest.split_first() else {
            value.push(b'\\');
            break;
        };
        rest = tail;
        match escape {
            b'b' => value.push(0x08),
            b'f' => value.push(0x0c),
            b'n' => value.push(b'\n'),
            b'r' => value.push(b'\r'),
            b't' => value.push(b'\t'),
            b'v' => value.push(0x0b),
            b'0'..=b'7' => {
                let mut code = u32::from(escape - b'0');
                for _ in 0..2 {
                    let [digit @ b'0'..=b'7', tail @ ..] = rest else { break };
                    code = code * 8 + u32::from(digit - b'0');
                    rest = tail;
                }
                value.push(u8::try_from(code & 0xff).unwrap_or(0));
            }
            b'x' => {
                let digit =
                    |rest: &[u8]| rest.first().and_then(|&byte| char::from(byte).to_digit(16));
                let Some(mut code) = digit(rest) else {
                    value.push(b'x');
                    continue;
                };
                rest = &rest[1..];
                if let Some(second) = digit(rest) {
                    code = code * 16 + second;
                    rest = &rest[1..];
                }
                value.push(u8::try_from(code).unwrap_or(0));
            }
            other => value.push(other),
        }
    }
}
