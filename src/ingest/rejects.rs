//! Rows that are put aside while a content is read, within their bounds.

use crate::error::{Error, Result};
use crate::intent::Reject;
use crate::sqlstate::SqlState;

/// The rows of one content that its table does not take.
pub(super) struct Rejects {
    rows: Vec<Reject>,
    bytes: usize,
    /// `None` where the first one fails all.
    bounds: Option<Bounds>,
}

/// How many may be put aside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) rows_max: usize,
    pub(super) bytes_max: usize,
}

impl Rejects {
    pub(super) fn new(bounds: Option<Bounds>) -> Rejects {
        Rejects { rows: Vec::new(), bytes: 0, bounds }
    }

    /// Puts one row aside.
    ///
    /// # Errors
    /// The row's own where none may be; else 54000 when there are too many, with the first one's
    /// reason.
    pub(super) fn put(
        &mut self,
        row: u64,
        column: Option<String>,
        raw: String,
        error: Error,
    ) -> Result<()> {
        let Some(bounds) = self.bounds else {
            let place = column.map_or_else(String::new, |column| format!(", column {column}"));
            return Err(error.with_context(format!("row {row}{place}")));
        };
        let reject =
            Reject { row, column, raw, sqlstate: error.code(), reason: error.message().to_owned() };
        self.bytes += reject.bytes();
        self.rows.push(reject);
        if self.rows.len() <= bounds.rows_max && self.bytes <= bounds.bytes_max {
            return Ok(());
        }
        let error = Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("more rows were refused than may be put aside: {} so far", self.rows.len()),
        )
        .with_hint("Raise ingest_rejects_max or ingest_rejects_bytes_max.");
        Err(match self.rows.first() {
            Some(first) => error.with_detail(format!(
                "The first one was row {}: {} ({}).",
                first.row, first.reason, first.sqlstate
            )),
            None => error,
        })
    }

    pub(super) fn into_rows(mut self) -> Vec<Reject> {
        // Those that the table refuses are found after those that cannot be read.
        self.rows.sort_by_key(|reject| reject.row);
        self.rows
    }
}
