//! A content to staged rows, and rows that are put aside. Blocks; nothing is queued yet.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use chrono_tz::Tz;

use super::csv::{CsvPieces, bad_content};
use super::format::Reading;
use super::json::JsonPieces;
use super::pieces::{Piece, Pieces};
use super::rejects::{Bounds, Rejects};
use super::staged::Staged;
use super::typed::TypedPieces;
use crate::config::Config;
use crate::dataset::FileFormat;
use crate::engine::duckdb::{DuckDb, WriteConnection};
use crate::error::{Error, Result};
use crate::intent::Reject;
use crate::router::{Condition, IngestTarget, RowsSink, Target};
use crate::types::InputStyle;

/// What is to be read, and for which table.
pub(super) struct Load<'a> {
    pub(super) path: &'a Path,
    pub(super) reading: &'a Reading,
    pub(super) target: &'a IngestTarget,
    pub(super) config: &'a Config,
    pub(super) duckdb: &'a DuckDb,
    pub(super) data_dir: &'a Path,
    /// Asks that it end early.
    pub(super) stop: &'a AtomicBool,
}

/// What a content holds.
pub(super) struct Loaded {
    pub(super) target: Target,
    pub(super) staged: Staged,
    pub(super) rows: u64,
    pub(super) rejects: Vec<Reject>,
}

impl Load<'_> {
    /// Reads the content.
    ///
    /// # Errors
    /// What keeps it from being read, or from being taken by its table: 22P04, 42703, 23502, 54000
    /// and their like; 58030 for a file that cannot be read; 57014 when it was stopped.
    pub(super) fn run(&self) -> Result<Loaded> {
        // Libraries that read formats of others may panic over what is no such format.
        catch_unwind(AssertUnwindSafe(|| self.read())).unwrap_or_else(|_| {
            tracing::error!(path = %self.path.display(), "a content made its reader panic");
            Err(bad_content("the content could not be read"))
        })
    }

    fn read(&self) -> Result<Loaded> {
        let keeps_raw = !self.target.conditions.is_empty();
        let mut pieces = self.open(keeps_raw)?;
        let target = self.target.given(pieces.given())?;
        let conditions = self.conditions_on(&target);
        let mut connection = match conditions.is_empty() {
            true => None,
            false => Some(self.duckdb.lookup_connection()?),
        };
        let bounds = self.reading.puts_aside.then_some(Bounds {
            rows_max: self.config.ingest_rejects_max,
            bytes_max: self.config.ingest_rejects_bytes_max,
        });
        let mut rejects = Rejects::new(bounds);
        let schema = target.schema()?;
        let mut sink = RowsSink::new(self.data_dir, Arc::clone(&schema))?;
        while let Some(piece) = pieces.next(&mut rejects)? {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::canceled("shutdown"));
            }
            let batch = match &mut connection {
                Some(connection) => refuse(connection, &conditions, &piece, &mut rejects)?,
                None => piece.batch,
            };
            if batch.num_rows() > 0 {
                sink.write(&target.widen(&batch, &schema)?)?;
            }
        }
        let rows = sink.rows();
        let staged = Staged::new(self.data_dir, sink.finish()?);
        Ok(Loaded { target, staged, rows, rejects: rejects.into_rows() })
    }

    fn open(&self, keeps_raw: bool) -> Result<Box<dyn Pieces + '_>> {
        let style = InputStyle::from(Tz::UTC);
        let file = || {
            File::open(self.path).map_err(|error| Error::io("could not open the content", &error))
        };
        Ok(match self.reading.format {
            FileFormat::Csv => Box::new(CsvPieces::open(
                file()?,
                &self.reading.csv,
                self.target,
                style,
                keeps_raw,
            )?),
            FileFormat::JsonLines => {
                Box::new(JsonPieces::open(file()?, self.target, style, keeps_raw)?)
            }
            format @ (FileFormat::Parquet | FileFormat::Arrow) => {
                Box::new(TypedPieces::open(self.path, format, self.target)?)
            }
        })
    }

    /// Those of the table's conditions that the given columns decide.
    fn conditions_on(&self, target: &Target) -> Vec<&Condition> {
        let is_given = |name: &String| target.columns.iter().any(|column| column.name == *name);
        let conditions = self.target.conditions.iter();
        conditions.filter(|condition| condition.columns.iter().all(is_given)).collect()
    }
}

/// Puts the rows aside that the table's conditions refuse; gives the others.
fn refuse(
    connection: &mut WriteConnection,
    conditions: &[&Condition],
    piece: &Piece,
    rejects: &mut Rejects,
) -> Result<RecordBatch> {
    let batch = &piece.batch;
    if batch.num_rows() == 0 {
        return Ok(batch.clone());
    }
    let texts: Vec<&str> = conditions.iter().map(|condition| condition.refuses.as_str()).collect();
    let refused = connection.refused_rows(batch, &texts)?;
    let mut bad = Vec::with_capacity(refused.len());
    for (row, place) in refused {
        let Some(condition) = conditions.get(place) else { continue };
        let number = piece.numbers.get(row).copied().unwrap_or_default();
        let column = match condition.columns.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        rejects.put(number, column, piece.raw_of(row)?, condition.error.clone())?;
        bad.push(row);
    }
    without(batch, &bad)
}

/// Makes a batch, and leaves rows out of it.
pub(super) fn batch_without(
    schema: &SchemaRef,
    arrays: Vec<ArrayRef>,
    rows: usize,
    bad: &[usize],
) -> Result<RecordBatch> {
    let batch = RecordBatch::try_new(Arc::clone(schema), arrays)
        .map_err(|error| Error::internal(format!("{rows} rows could not be built: {error}")))?;
    without(&batch, bad)
}

fn without(batch: &RecordBatch, bad: &[usize]) -> Result<RecordBatch> {
    if bad.is_empty() {
        return Ok(batch.clone());
    }
    let mut good = vec![true; batch.num_rows()];
    for &place in bad {
        if let Some(row) = good.get_mut(place) {
            *row = false;
        }
    }
    filter_record_batch(batch, &BooleanArray::from(good))
        .map_err(|error| Error::internal(format!("rows could not be left out: {error}")))
}
