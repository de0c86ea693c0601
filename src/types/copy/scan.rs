//! Where a record of COPY's stream ends.
//!
//! **Invariant:** bytes that were scanned are not scanned again, however small the pieces of the
//! stream.

use super::options::{CopyFormat, CopyOptions};

/// Finds line ends that are not escaped or quoted.
pub(super) struct Scanner {
    csv: bool,
    quote: u8,
    escape: u8,
    /// Bytes of the current record that are done with.
    done: usize,
    in_quotes: bool,
}

impl Scanner {
    pub(super) fn new(options: &CopyOptions) -> Scanner {
        Scanner {
            csv: options.format == CopyFormat::Csv,
            quote: options.quote,
            escape: options.escape,
            done: 0,
            in_quotes: false,
        }
    }

    /// Tells whether the scanned part ends inside quotes.
    pub(super) fn in_quotes(&self) -> bool {
        self.in_quotes
    }

    /// Gives the place of the LF that ends the record which the bytes begin with.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Option<usize> {
        let found = if self.csv { self.next_csv(bytes) } else { self.next_text(bytes) };
        if found.is_some() {
            self.done = 0;
        }
        found
    }

    fn next_text(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some(rest) = bytes.get(self.done..) {
            let Some(step) = memchr::memchr2(b'\n', b'\\', rest) else {
                self.done = bytes.len();
                return None;
            };
            if rest[step] == b'\n' {
                return Some(self.done + step);
            }
            if rest.len() < step + 2 {
                self.done += step;
                return None;
            }
            // Whatever follows a backslash is data, but for `\.` at the end of a line.
            self.done += step + 2;
        }
        None
    }

    fn next_csv(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some(rest) = bytes.get(self.done..) {
            let Some(step) = memchr::memchr3(self.quote, self.escape, b'\n', rest) else {
                self.done = bytes.len();
                return None;
            };
            let byte = rest[step];
            self.done += step;
            if self.in_quotes && byte == self.escape && self.escape != self.quote {
                match bytes.get(self.done + 1) {
                    None => return None,
                    Some(next) if [self.quote, self.escape].contains(next) => self.done += 1,
                    Some(_) => {}
                }
            } else if byte == self.quote {
                // A doubled quote leaves and enters again.
                self.in_quotes = !self.in_quotes;
            } else if byte == b'\n' && !self.in_quotes {
                return Some(self.done);
            }
            self.done += 1;
        }
        None
    }
}
