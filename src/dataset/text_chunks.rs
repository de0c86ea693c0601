//! Cutting a large text file into pieces of whole records.
//!
//! A record ends at a line feed that is not inside double quotes, if quotes are the format's.
//! Memory is bounded by the piece size, except by a single record that is longer.

use std::io::{ErrorKind, Read};

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// A record longer than this is taken for an unclosed quote.
const RECORD_BYTES_MAX: usize = 256 << 20;

/// Pieces of a text file, each of whole records.
pub(super) struct TextChunks<R> {
    source: R,
    /// Whether double quotes protect line feeds.
    quotes: bool,
    chunk_bytes: usize,
    /// Read and not yet given out.
    rest: Vec<u8>,
    ended: bool,
}

impl<R: Read> TextChunks<R> {
    pub(super) fn new(source: R, quotes: bool, chunk_bytes: usize) -> Self {
        TextChunks { source, quotes, chunk_bytes, rest: Vec::new(), ended: false }
    }

    /// Returns the next piece, or `None` after the last.
    pub(super) fn next_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let mut scanned = 0;
        let mut quoted = false;
        let mut end = None;
        loop {
            for (at, byte) in self.rest.iter().enumerate().skip(scanned) {
                match byte {
                    b'"' if self.quotes => quoted = !quoted,
                    b'\n' if !quoted => end = Some(at + 1),
                    _ => {}
                }
            }
            scanned = self.rest.len();
            if self.ended {
                let chunk = std::mem::take(&mut self.rest);
                return Ok((!chunk.is_empty()).then_some(chunk));
            }
            if let Some(end) = end
                && scanned >= self.chunk_bytes
            {
                let tail = self.rest.split_off(end);
                return Ok(Some(std::mem::replace(&mut self.rest, tail)));
            }
            if scanned > RECORD_BYTES_MAX {
                return Err(Error::new(
                    SqlState::BAD_COPY_FILE_FORMAT,
                    "a record is too long: is a quote left open?",
                ));
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<()> {
        let have = self.rest.len();
        self.rest.resize(have + self.chunk_bytes, 0);
        let mut filled = have;
        while let Some(room) = self.rest.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.source.read(room) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("could not read the file", &error)),
            }
        }
        self.rest.truncate(filled);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(text: &str, quotes: bool, size: usize) -> Vec<String> {
        let mut chunks = TextChunks::new(text.as_bytes(), quotes, size);
        let mut all = Vec::new();
        while let Some(chunk) = chunks.next_chunk().unwrap() {
            all.push(String::from_utf8(chunk).unwrap());
        }
        all
    }

    #[test]
    fn pieces_end_where_records_end() {
        let text = "a,1\nb,\"x\ny\"\nc,3";
        for size in 1..20 {
            let pieces = chunks(text, true, size);
            assert_eq!(pieces.concat(), text);
            assert!(pieces.iter().all(|p| p.matches('"').count() % 2 == 0), "{size}: {pieces:?}");
        }
        assert_eq!(chunks("a\"\nb\n", false, 1), ["a\"\n", "b\n"]);
        assert!(chunks("", true, 4).is_empty());
    }
}
