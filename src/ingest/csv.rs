//! The rows of a CSV text: COPY's decoder, over columns that the header line names.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;

use super::pieces::{Piece, Pieces};
use super::rejects::Rejects;
use crate::error::{Error, Result};
use crate::router::IngestTarget;
use crate::sqlstate::SqlState;
use crate::types::{CopyDecoder, CopyOptions, InputStyle, header_names};

/// What is read at once.
const READ_BYTES: usize = 256 << 10;
/// A header line that is longer is none.
const HEADER_BYTES_MAX: usize = 1 << 20;
const BATCH_ROWS: usize = 61_440;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub(super) struct CsvPieces {
    file: File,
    decoder: CopyDecoder,
    given: Vec<usize>,
    names: Vec<String>,
    /// Read, and not decoded yet.
    ahead: Vec<u8>,
    ready: VecDeque<Piece>,
    ended: bool,
}

impl CsvPieces {
    pub(super) fn open(
        mut file: File,
        options: &CopyOptions,
        target: &IngestTarget,
        style: InputStyle,
        keeps_raw: bool,
    ) -> Result<CsvPieces> {
        let mut ahead = Vec::new();
        read_more(&mut file, &mut ahead)?;
        if ahead.starts_with(BYTE_ORDER_MARK) {
            ahead.drain(..BYTE_ORDER_MARK.len());
        }
        let given = if options.header {
            columns_of(&read_header(&mut file, &mut ahead, options)?, target)?
        } else {
            (0..target.columns.len()).collect()
        };
        let chosen = given.iter().map(|&place| &target.columns[place]);
        let columns: Vec<_> = chosen.clone().map(|column| column.column.clone()).collect();
        let not_null = chosen.map(|column| column.not_null).collect();
        let names = columns.iter().map(|column| column.name.clone()).collect();
        let decoder =
            CopyDecoder::new(options.clone(), columns, style, BATCH_ROWS, &target.table.table)?
                .putting_aside(not_null, keeps_raw);
        Ok(CsvPieces { file, decoder, given, names, ahead, ready: VecDeque::new(), ended: false })
    }

    fn decode_more(&mut self, rejects: &mut Rejects) -> Result<()> {
        if self.ahead.is_empty() {
            read_more(&mut self.file, &mut self.ahead)?;
        }
        let read = std::mem::take(&mut self.ahead);
        let batches = if read.is_empty() {
            self.ended = true;
            self.decoder.finish()?.into_iter().collect()
        } else {
            self.decoder.feed(&read)?
        };
        for bad in self.decoder.take_bad() {
            let column = bad.column.and_then(|place| self.names.get(place)).cloned();
            rejects.put(bad.line, column, bad.raw, bad.error)?;
        }
        let pieces = batches.into_iter().zip(self.decoder.take_lines());
        self.ready.extend(pieces.map(|(batch, lines)| Piece {
            batch,
            numbers: lines.numbers,
            raw: Some(lines.raw),
        }));
        Ok(())
    }
}

impl Pieces for CsvPieces {
    fn given(&self) -> &[usize] {
        &self.given
    }

    fn next(&mut self, rejects: &mut Rejects) -> Result<Option<Piece>> {
        while self.ready.is_empty() && !self.ended {
            self.decode_more(rejects)?;
        }
        Ok(self.ready.pop_front())
    }
}

fn read_header(file: &mut File, ahead: &mut Vec<u8>, options: &CopyOptions) -> Result<Vec<String>> {
    loop {
        if let Some(names) = header_names(options, ahead, false)? {
            return Ok(names);
        }
        if ahead.len() > HEADER_BYTES_MAX {
            return Err(bad_content("the header line is too long"));
        }
        if read_more(file, ahead)? == 0 {
            if ahead.is_empty() {
                return Err(bad_content("the content is empty: it has no header line"));
            }
            return Ok(header_names(options, ahead, true)?.unwrap_or_default());
        }
    }
}

/// Finds the table's columns by the names that a content has for them.
pub(super) fn columns_of(names: &[String], target: &IngestTarget) -> Result<Vec<usize>> {
    let mut places = Vec::with_capacity(names.len());
    for name in names {
        let place = target.place_of(name).ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{name}\" of relation \"{}\" does not exist", target.table.table),
            )
        })?;
        if places.contains(&place) {
            return Err(Error::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{name}\" specified more than once"),
            ));
        }
        places.push(place);
    }
    Ok(places)
}

fn read_more(file: &mut File, ahead: &mut Vec<u8>) -> Result<usize> {
    let have = ahead.len();
    file.take(READ_BYTES as u64)
        .read_to_end(ahead)
        .map_err(|error| Error::io("could not read the content", &error))?;
    Ok(ahead.len() - have)
}

pub(super) fn bad_content(message: impl Into<String>) -> Error {
    Error::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}
