//! Records that cannot be rows are put aside, and the others go on: what COPY never does, and an
//! ingest may.
//!
//! A record that fails half way leaves its row in the builders, filled up with NULLs, and the row
//! is left out when the batch is taken.

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use super::CopyDecoder;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// A record that was put aside.
#[derive(Debug)]
pub struct BadRecord {
    /// Its last line, from 1.
    pub line: u64,
    /// The column whose value is wrong, by place.
    pub column: Option<usize>,
    /// As it stood in the stream.
    pub raw: String,
    pub error: Error,
}

/// Where the rows of one batch stood.
#[derive(Debug, Default)]
pub struct Lines {
    pub numbers: Vec<u64>,
    /// The records themselves, where they were asked for.
    pub raw: Vec<String>,
}

/// What a decoder keeps that puts records aside.
pub(super) struct Lenient {
    not_null: Vec<bool>,
    keeps_raw: bool,
    /// Rows of the batch that is built, by place.
    bad_rows: Vec<usize>,
    lines: Lines,
    pub(super) failed_column: Option<usize>,
    bad: Vec<BadRecord>,
    taken: Vec<Lines>,
}

impl CopyDecoder {
    /// Puts records aside that cannot be rows, those with NULL in a column that allows none among
    /// them; empty lines are passed over. `keeps_raw` keeps the text of every row beside it.
    #[must_use]
    pub fn putting_aside(mut self, not_null: Vec<bool>, keeps_raw: bool) -> CopyDecoder {
        self.lenient = Some(Lenient {
            not_null,
            keeps_raw,
            bad_rows: Vec::new(),
            lines: Lines::default(),
            failed_column: None,
            bad: Vec::new(),
            taken: Vec::new(),
        });
        self
    }

    /// Takes what was put aside since the last time.
    pub fn take_bad(&mut self) -> Vec<BadRecord> {
        self.lenient.as_mut().map(|lenient| std::mem::take(&mut lenient.bad)).unwrap_or_default()
    }

    /// Takes where the rows of the batches stood that were given out since the last time, a batch
    /// after the other.
    pub fn take_lines(&mut self) -> Vec<Lines> {
        self.lenient.as_mut().map(|lenient| std::mem::take(&mut lenient.taken)).unwrap_or_default()
    }

    /// Notes a good row.
    pub(super) fn note_row(&mut self, record: &str) {
        let line = self.line;
        if let Some(lenient) = &mut self.lenient {
            lenient.lines.numbers.push(line);
            if lenient.keeps_raw {
                lenient.lines.raw.push(record.to_owned());
            }
        }
    }

    /// Puts the record aside that has just failed.
    pub(super) fn put_aside(&mut self, record: &[u8], error: Error) -> Result<()> {
        let (line, place) = (self.line, self.rows_in_batch);
        let Some(lenient) = &mut self.lenient else { return Err(error) };
        for builder in &mut self.builders {
            if builder.len() == place {
                builder.append_null();
            }
        }
        let column = lenient.failed_column.take();
        // Text cannot hold NUL or what is not UTF-8; what is shown tells both.
        let raw = String::from_utf8_lossy(record).replace('\0', "\u{fffd}");
        lenient.bad_rows.push(place);
        lenient.bad.push(BadRecord { line, column, raw, error });
        self.rows_in_batch += 1;
        Ok(())
    }

    /// Refuses NULL where a column allows none.
    pub(super) fn check_null(&mut self, index: usize) -> Result<()> {
        let Some(lenient) = &mut self.lenient else { return Ok(()) };
        if lenient.not_null.get(index) != Some(&true) {
            return Ok(());
        }
        lenient.failed_column = Some(index);
        let name = self.columns.get(index).map_or("", |column| column.name.as_str());
        Err(Error::new(
            SqlState::NOT_NULL_VIOLATION,
            format!(
                "null value in column \"{name}\" of relation \"{}\" violates not-null constraint",
                self.table
            ),
        ))
    }

    /// Leaves the bad rows out of a batch.
    pub(super) fn good_rows(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let Some(lenient) = &mut self.lenient else { return Ok(batch) };
        lenient.taken.push(std::mem::take(&mut lenient.lines));
        let bad_rows = std::mem::take(&mut lenient.bad_rows);
        if bad_rows.is_empty() {
            return Ok(batch);
        }
        let mut good = vec![true; batch.num_rows()];
        for place in bad_rows {
            if let Some(row) = good.get_mut(place) {
                *row = false;
            }
        }
        filter_record_batch(&batch, &BooleanArray::from(good))
            .map_err(|error| Error::internal(format!("rows could not be left out: {error}")))
    }
}
