//! `bytea` and `uuid` from text.

use super::{invalid, number::trim};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::ScalarType;

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Reads a `bytea`: `\x` and hex digits, or text with `\\` and octal `\ooo`.
pub(crate) fn parse_bytea(text: &str) -> Result<Vec<u8>> {
    match text.strip_prefix("\\x") {
        Some(hex) => parse_hex(hex),
        None => parse_escapes(text.as_bytes()).ok_or_else(|| {
            Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type bytea")
        }),
    }
}

fn parse_hex(hex: &str) -> Result<Vec<u8>> {
    let wrong = |message: String| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
    let mut bytes = Vec::with_capacity(hex.len() / 2);
    let mut high = None;
    for character in hex.chars() {
        if high.is_none() && character.is_ascii_whitespace() {
            continue;
        }
        let digit = u8::try_from(character)
            .ok()
            .and_then(hex_digit)
            .ok_or_else(|| wrong(format!("invalid hexadecimal digit: \"{character}\"")))?;
        match high.take() {
            None => high = Some(digit),
            Some(first) => bytes.push(first << 4 | digit),
        }
    }
    if high.is_some() {
        return Err(wrong("invalid hexadecimal data: odd number of digits".to_owned()));
    }
    Ok(bytes)
}

fn parse_escapes(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest {
            [b'\\', tail @ ..] => {
                bytes.push(b'\\');
                rest = tail;
            }
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = tail;
            }
            _ => return None,
        }
    }
    Some(bytes)
}

/// Reads a `uuid`: 32 hex digits, with a dash allowed after each group of four, braces around.
pub(crate) fn parse_uuid(text: &str) -> Result<[u8; 16]> {
    let wrong = || invalid(ScalarType::Uuid, text);
    let word = trim(text);
    let word = match word.strip_prefix('{') {
        Some(inner) => inner.strip_suffix('}').ok_or_else(wrong)?,
        None => word,
    };
    let mut bytes = [0u8; 16];
    let mut count = 0;
    let mut after_dash = true;
    for byte in word.bytes() {
        if byte == b'-' {
            if after_dash || count % 4 != 0 || count == 32 {
                return Err(wrong());
            }
            after_dash = true;
            continue;
        }
        let digit = hex_digit(byte).ok_or_else(wrong)?;
        let slot = bytes.get_mut(count / 2).ok_or_else(wrong)?;
        *slot = *slot << 4 | digit;
        count += 1;
        after_dash = false;
    }
    if count == 32 { Ok(bytes) } else { Err(wrong()) }
}
