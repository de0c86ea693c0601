//! Encoded rows to the lines and tuples of COPY's formats.

use bytes::{Buf, BufMut, BytesMut};

use super::{COPY_SIGNATURE, CopyEncoding, CopyFormat, CopyOptions};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::Column;

/// What a binary stream begins with: no flags and no extension.
pub fn copy_binary_header() -> Vec<u8> {
    [COPY_SIGNATURE.as_slice(), &[0; 8]].concat()
}

/// Takes one DataRow off the encoded rows: its body is a tuple of the binary format.
pub fn put_tuple(encoded: &mut BytesMut, out: &mut BytesMut) {
    encoded.advance(1);
    let body = usize::try_from(encoded.get_u32()).unwrap_or(4).saturating_sub(4);
    out.put_slice(&encoded.split_to(body));
}

/// How fields become a line.
pub struct CopyLines {
    options: CopyOptions,
    force_quote: Vec<bool>,
}

impl CopyLines {
    /// Takes the options, and which columns are always quoted.
    pub fn new(options: CopyOptions, force_quote: Vec<bool>) -> CopyLines {
        CopyLines { options, force_quote }
    }

    /// Writes the line of the columns' names.
    ///
    /// # Errors
    /// 22P05 for what the encoding has no bytes for.
    pub fn put_header(&self, columns: &[Column], out: &mut BytesMut) -> Result<()> {
        for (index, column) in columns.iter().enumerate() {
            self.put_field(index, Some(column.name.as_bytes()), false, out)?;
        }
        out.put_u8(b'\n');
        Ok(())
    }

    /// Takes one DataRow of text off the encoded rows and writes its line.
    ///
    /// # Errors
    /// 22P05 for what the encoding has no bytes for.
    pub fn put_row(&self, encoded: &mut BytesMut, out: &mut BytesMut) -> Result<()> {
        // A type byte and a length, which our own encoder has written.
        encoded.advance(5);
        let count = encoded.get_u16();
        for index in 0..usize::from(count) {
            let field = match usize::try_from(encoded.get_i32()) {
                Ok(length) => Some(encoded.split_to(length)),
                Err(_) => None,
            };
            let forced = self.force_quote.get(index).copied().unwrap_or(false)
                || count == 1 && field.as_deref() == Some(b"\\.");
            self.put_field(index, field.as_deref(), forced, out)?;
        }
        out.put_u8(b'\n');
        Ok(())
    }

    fn put_field(
        &self,
        index: usize,
        field: Option<&[u8]>,
        force: bool,
        out: &mut BytesMut,
    ) -> Result<()> {
        if index > 0 {
            out.put_u8(self.options.delimiter);
        }
        let Some(field) = field else {
            out.put_slice(self.options.null.as_bytes());
            return Ok(());
        };
        let latin1;
        let encoded = match self.options.encoding {
            CopyEncoding::Latin1 => {
                latin1 = to_latin1(field)?;
                latin1.as_slice()
            }
            CopyEncoding::Utf8 => field,
        };
        if self.options.format == CopyFormat::Csv {
            self.put_quoted(encoded, force, out);
        } else {
            self.put_escaped(encoded, out);
        }
        Ok(())
    }

    fn put_escaped(&self, field: &[u8], out: &mut BytesMut) {
        let mut start = 0;
        for (at, &byte) in field.iter().enumerate() {
            let escaped = match byte {
                b'\\' => b'\\',
                0x08 => b'b',
                0x0c => b'f',
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                0x0b => b'v',
                byte if byte == self.options.delimiter => byte,
                _ => continue,
            };
            out.put_slice(&field[start..at]);
            out.put_slice(&[b'\\', escaped]);
            start = at + 1;
        }
        out.put_slice(&field[start..]);
    }

    fn put_quoted(&self, field: &[u8], force: bool, out: &mut BytesMut) {
        let CopyOptions { delimiter, quote, escape, .. } = self.options;
        let special =
            |byte: &u8| *byte == delimiter || *byte == quote || *byte == b'\n' || *byte == b'\r';
        if !force && field != self.options.null.as_bytes() && !field.iter().any(special) {
            out.put_slice(field);
            return;
        }
        out.put_u8(quote);
        for &byte in field {
            if byte == quote || byte == escape {
                out.put_u8(escape);
            }
            out.put_u8(byte);
        }
        out.put_u8(quote);
    }
}

/// Spells text in ISO 8859-1.
fn to_latin1(text: &[u8]) -> Result<Vec<u8>> {
    let text = std::str::from_utf8(text).map_err(|_| Error::internal("a value is no text"))?;
    text.chars()
        .map(|char| {
            u8::try_from(char).map_err(|_| {
                let mut bytes = [0; 4];
                let bytes: Vec<String> =
                    char.encode_utf8(&mut bytes).bytes().map(|byte| format!("0x{byte:02x}")).collect();
                Error::new(
                    SqlState::UNTRANSLATABLE_CHARACTER,
                    format!(
                        "character with byte sequence {} in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\"",
                        bytes.join(" ")
                    ),
                )
            })
        })
        .collect()
}
