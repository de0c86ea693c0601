//! Arrow batches to part files, in bounded memory.
//!
//! Small batches are joined to chunks, chunks to parts; a chunk becomes one record batch of the
//! file, which is the piece that a reader loads at once. Files are not compressed: they are read
//! from the page cache far more often than they are written, and decoding LZ4 would cost more
//! than the memory it saves. A writer that is dropped unfinished removes what it wrote.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options, concat_batches};
use arrow::datatypes::{Schema, SchemaRef};
use polars::prelude::{CompatLevel, DataFrame, IpcWriter, SerWriter};

use super::bridge::{polars_error, to_frame};
use super::files::{part_file, sync_dir};
use super::manifest::{ColumnStats, Part};
use super::schema::{DatasetColumn, read_schema};
use super::stats::StatsBuilder;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sqlstate::SqlState;
use crate::types::zero_nulls;

pub(super) const CHUNK_ROWS: usize = 64 * 1024;
const CHUNK_BYTES: usize = 16 << 20;
pub(super) const PART_ROWS: u64 = 1 << 20;
pub(super) const PART_BYTES: usize = 64 << 20;

/// Writes rows as part files of one dataset.
pub(super) struct PartWriter<'a> {
    table: &'a TableName,
    columns: &'a [DatasetColumn],
    schema: SchemaRef,
    files: PartFiles<'a>,
    /// Batches that are not yet a chunk.
    pending: Vec<RecordBatch>,
    pending_rows: usize,
    pending_bytes: usize,
    /// Chunks that are not yet a part.
    frame: Option<DataFrame>,
    frame_bytes: usize,
    stats: Vec<StatsBuilder>,
}

impl<'a> PartWriter<'a> {
    /// Makes a writer into `dir`, which takes file numbers from `next`.
    pub(super) fn new(
        table: &'a TableName,
        columns: &'a [DatasetColumn],
        dir: &'a Path,
        next: &'a AtomicU64,
    ) -> Result<Self> {
        Ok(PartWriter {
            table,
            columns,
            schema: read_schema(columns)?,
            files: PartFiles { dir, next, written: Vec::new() },
            pending: Vec::new(),
            pending_rows: 0,
            pending_bytes: 0,
            frame: None,
            frame_bytes: 0,
            stats: vec![StatsBuilder::new(); columns.len()],
        })
    }

    /// Takes in rows, in the storage schema.
    ///
    /// # Errors
    /// 23502 for a NULL where none may be; nothing is published by an error.
    pub(super) fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = self.conform(batch)?;
        for (column, array) in self.columns.iter().zip(batch.columns()) {
            if column.not_null && array.null_count() > 0 {
                return Err(self.null_violation(column));
            }
        }
        let mut from = 0;
        while from < batch.num_rows() {
            let room = CHUNK_ROWS.saturating_sub(self.pending_rows).max(1);
            let slice = batch.slice(from, room.min(batch.num_rows() - from));
            from += slice.num_rows();
            self.pending_rows += slice.num_rows();
            self.pending_bytes += slice.columns().iter().map(bytes_of).sum::<usize>();
            self.pending.push(slice);
            if self.pending_rows >= CHUNK_ROWS || self.pending_bytes >= CHUNK_BYTES {
                self.end_chunk()?;
            }
        }
        Ok(())
    }

    /// Ends the last part and makes all of them durable.
    pub(super) fn finish(mut self) -> Result<Vec<Part>> {
        self.end_chunk()?;
        self.end_part()?;
        self.files.finish()
    }

    /// Brings a batch to the schema of the files.
    fn conform(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        if batch.num_columns() != self.schema.fields().len() {
            return Err(Error::internal(format!(
                "rows for {} have {} columns instead of {}",
                self.table,
                batch.num_columns(),
                self.schema.fields().len()
            )));
        }
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let mut arrays = Vec::with_capacity(batch.num_columns());
        for (array, field) in batch.columns().iter().zip(self.schema.fields()) {
            let array = if array.data_type() == field.data_type() {
                ArrayRef::clone(array)
            } else {
                cast_with_options(&zero_nulls(array), field.data_type(), &options).map_err(
                    |error| {
                        Error::new(
                            SqlState::DATATYPE_MISMATCH,
                            format!("column \"{}\" cannot hold these rows: {error}", field.name()),
                        )
                    },
                )?
            };
            arrays.push(array);
        }
        RecordBatch::try_new(self.files_schema(), arrays)
            .map_err(|error| Error::internal(format!("rows for {}: {error}", self.table)))
    }

    /// The schema with every field nullable, so that NOT NULL is told in PostgreSQL's words.
    fn files_schema(&self) -> SchemaRef {
        let fields = self.schema.fields().iter();
        let fields: Vec<_> =
            fields.map(|field| field.as_ref().clone().with_nullable(true)).collect();
        Schema::new(fields).into()
    }

    fn null_violation(&self, column: &DatasetColumn) -> Error {
        Error::new(
            SqlState::NOT_NULL_VIOLATION,
            format!(
                "null value in column \"{}\" of relation \"{}\" violates not-null constraint",
                column.column.name, self.table.table
            ),
        )
    }

    fn end_chunk(&mut self) -> Result<()> {
        let Some(first) = self.pending.first() else { return Ok(()) };
        let chunk = concat_batches(&first.schema(), &self.pending)
            .map_err(|error| Error::internal(format!("rows for {}: {error}", self.table)))?;
        self.pending.clear();
        for (stats, array) in self.stats.iter_mut().zip(chunk.columns()) {
            stats.add(array);
        }
        self.frame_bytes += self.pending_bytes;
        (self.pending_rows, self.pending_bytes) = (0, 0);
        let frame = to_frame(&chunk)?;
        match &mut self.frame {
            None => self.frame = Some(frame),
            Some(part) => {
                part.vstack_mut(&frame)
                    .map_err(|error| polars_error("could not join rows", &error))?;
            }
        }
        let rows = self.frame.as_ref().map_or(0, |part| part.height() as u64);
        if rows >= PART_ROWS || self.frame_bytes >= PART_BYTES { self.end_part() } else { Ok(()) }
    }

    fn end_part(&mut self) -> Result<()> {
        let Some(mut frame) = self.frame.take() else { return Ok(()) };
        self.frame_bytes = 0;
        let fresh = vec![StatsBuilder::new(); self.columns.len()];
        let stats = std::mem::replace(&mut self.stats, fresh);
        let stats = stats.into_iter().map(StatsBuilder::finish).collect();
        self.files.write(&mut frame, stats)
    }
}

/// The part files that one change has written and not yet published.
pub(super) struct PartFiles<'a> {
    dir: &'a Path,
    next: &'a AtomicU64,
    written: Vec<Part>,
}

impl<'a> PartFiles<'a> {
    pub(super) fn new(dir: &'a Path, next: &'a AtomicU64) -> Self {
        PartFiles { dir, next, written: Vec::new() }
    }

    /// Writes one part and syncs it.
    pub(super) fn write(&mut self, frame: &mut DataFrame, stats: Vec<ColumnStats>) -> Result<()> {
        let file = part_file(self.next.fetch_add(1, Ordering::Relaxed));
        let path = self.dir.join(&file);
        let rows = frame.height() as u64;
        self.written.push(Part { file, rows, bytes: 0, stats });
        let bytes = write_frame(&path, frame)?;
        if let Some(part) = self.written.last_mut() {
            part.bytes = bytes;
        }
        Ok(())
    }

    /// Makes the files' names durable and hands them over.
    pub(super) fn finish(mut self) -> Result<Vec<Part>> {
        if !self.written.is_empty() {
            sync_dir(self.dir)?;
        }
        Ok(std::mem::take(&mut self.written))
    }
}

impl Drop for PartFiles<'_> {
    fn drop(&mut self) {
        for part in &self.written {
            remove_quietly(&self.dir.join(&part.file));
        }
    }
}

/// Removes files that were written and could not be published.
pub(super) fn remove_parts(dir: &Path, parts: &[Part]) {
    for part in parts {
        remove_quietly(&dir.join(&part.file));
    }
}

/// Removes a file that nobody needs. What stays is removed when the store is opened again.
pub(super) fn remove_quietly(path: &PathBuf) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "could not remove a part file");
    }
}

fn write_frame(path: &Path, frame: &mut DataFrame) -> Result<u64> {
    let failed = |error: std::io::Error| Error::io("could not write a part file", &error);
    let mut buffered = BufWriter::with_capacity(1 << 20, File::create(path).map_err(failed)?);
    IpcWriter::new(&mut buffered)
        .with_compat_level(CompatLevel::oldest())
        .with_parallel(false)
        .finish(frame)
        .map_err(|error| polars_error("could not write a part file", &error))?;
    buffered.flush().map_err(failed)?;
    let file = buffered.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(file.metadata().map_err(failed)?.len())
}

/// The bytes of an array's own slice, not of the buffers that it shares.
fn bytes_of(array: &ArrayRef) -> usize {
    array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size())
}
