//! Merging small parts, so that a stream of small appends stays fast to read.
//!
//! The merge itself runs beside the Writer; only its publication takes a turn. It merges
//! neighbours and keeps the order of the rows and the applied intent.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use polars::prelude::{DataFrame, IpcReader, SerReader};

use super::bridge::polars_error;
use super::manifest::{Manifest, Part};
use super::part::{CHUNK_ROWS, PART_BYTES, PART_ROWS, PartFiles};
use super::stats::StatsBuilder;
use super::store::{DatasetStore, Live};
use crate::error::{Error, Result};
use crate::ids::TableName;

/// A part below both is small.
const SMALL_ROWS: u64 = 128 * 1024;
const SMALL_BYTES: u64 = 8 << 20;
/// Neighbouring small parts that are left alone: so merges stay rare beside appends.
pub(super) const SMALL_PARTS_KEPT: usize = 8;

impl DatasetStore {
    /// Merges small parts of a dataset when there are many. Returns whether it changed anything.
    ///
    /// # Errors
    /// A file operation's. A dataset that is gone, or was changed in between, is no error.
    pub fn compact(&self, name: &TableName) -> Result<bool> {
        let Some(pin) = self.pin(name) else { return Ok(false) };
        let live = Arc::clone(pin.live());
        let Some(run) = first_run(&live.manifest.parts) else { return Ok(false) };
        let mut files = PartFiles::new(&live.dir.path, &live.dir.next_part);
        merge(&live, run.clone(), &mut files)?;
        self.replace_run(&live, &live.manifest.parts[run], files)
    }

    /// Puts merged files in the place of a run of parts, if that still stands in the manifest.
    fn replace_run(&self, merged: &Live, run: &[Part], files: PartFiles) -> Result<bool> {
        let _turn = self.begin()?;
        let Some(pin) = self.pin(&merged.manifest.name) else { return Ok(false) };
        let now = Arc::clone(pin.live());
        if !Arc::ptr_eq(&now.dir, &merged.dir) {
            return Ok(false);
        }
        let parts = &now.manifest.parts;
        let Some(at) = parts.windows(run.len()).position(|window| window == run) else {
            return Ok(false);
        };
        let written = self.guard(files.finish())?;
        let mut manifest = Manifest::clone(&now.manifest);
        manifest.parts.splice(at..at + run.len(), written.iter().cloned());
        manifest.next_part = now.dir.next_part.load(Ordering::Relaxed);
        let result = self.guard(self.publish(&now.dir, Some(&now), manifest, true));
        self.unwritten(&now, &written, &result);
        result.map(|()| true)
    }
}

/// Finds the first long run of small neighbours.
fn first_run(parts: &[Part]) -> Option<Range<usize>> {
    let small = |part: &Part| part.rows < SMALL_ROWS && part.bytes < SMALL_BYTES;
    let mut from = 0;
    for run in parts.chunk_by(|a, b| small(a) == small(b)) {
        if run.len() > SMALL_PARTS_KEPT && run.first().is_some_and(small) {
            return Some(from..from + run.len());
        }
        from += run.len();
    }
    None
}

fn merge(live: &Live, run: Range<usize>, files: &mut PartFiles) -> Result<()> {
    let columns = live.manifest.columns.len();
    let mut frame: Option<DataFrame> = None;
    let mut stats = vec![StatsBuilder::new(); columns];
    let mut bytes = 0;
    for at in run {
        let (Some(part), Some(file)) = (live.manifest.parts.get(at), live.parts.get(at)) else {
            return Err(Error::internal("a manifest and its files do not match"));
        };
        let rows = frame.as_ref().map_or(0, DataFrame::height) as u64;
        if rows + part.rows > PART_ROWS || bytes + part.bytes > PART_BYTES as u64 {
            flush(&mut frame, &mut stats, files)?;
            bytes = 0;
        }
        bytes += part.bytes;
        for (builder, column) in stats.iter_mut().zip(&part.stats) {
            builder.add_stats(column, part.rows);
        }
        let opened = File::open(file.path())
            .map_err(|error| Error::io("could not open a part file", &error))?;
        let more = IpcReader::new(opened)
            .finish()
            .map_err(|error| polars_error("could not read a part file", &error))?;
        match &mut frame {
            None => frame = Some(more),
            Some(frame) => {
                let joined = frame.vstack_mut(&more);
                joined.map_err(|error| polars_error("could not join rows", &error))?;
            }
        }
    }
    flush(&mut frame, &mut stats, files)
}

fn flush(
    frame: &mut Option<DataFrame>,
    stats: &mut Vec<StatsBuilder>,
    files: &mut PartFiles,
) -> Result<()> {
    let Some(mut frame) = frame.take() else { return Ok(()) };
    frame.rechunk_mut();
    let mut chunks = frame.slice(0, CHUNK_ROWS);
    for from in (CHUNK_ROWS..frame.height()).step_by(CHUNK_ROWS) {
        let chunk = frame.slice(i64::try_from(from).unwrap_or(i64::MAX), CHUNK_ROWS);
        let joined = chunks.vstack_mut(&chunk);
        joined.map_err(|error| polars_error("could not join rows", &error))?;
    }
    let fresh = vec![StatsBuilder::new(); stats.len()];
    let done = std::mem::replace(stats, fresh);
    files.write(&mut chunks, done.into_iter().map(StatsBuilder::finish).collect())
}
