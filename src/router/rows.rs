//! Rows that travel with an intent: an Arrow IPC stream, in memory while it is small, else in a
//! staged file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;

use crate::error::{Error, Result};
use crate::fail_point::{self, Point};
use crate::intent::{Bytes, RowsAt};

/// Rows up to this size travel inside the intent.
const INLINE_MAX: usize = 1 << 20;

/// Small batches are joined up to so many rows or bytes: half of what DuckDB stores together.
const BATCH_ROWS: usize = 61_440;
const BATCH_BYTES: usize = 8 << 20;

/// The folder of staged files, below the data folder.
pub const STAGED_FOLDER: &str = "staged";

/// Takes batches of one schema, and becomes the rows of an intent. A staged file is deleted
/// again unless [`RowsSink::finish`] was called.
pub struct RowsSink {
    data_dir: PathBuf,
    schema: SchemaRef,
    state: State,
    rows: u64,
    /// Small batches that go on together.
    small: Vec<RecordBatch>,
    small_rows: usize,
    small_bytes: usize,
}

enum State {
    Memory(StreamWriter<Vec<u8>>),
    File(Staged),
    Empty,
}

struct Staged {
    path: String,
    absolute: PathBuf,
    writer: Option<StreamWriter<BufWriter<File>>>,
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            let _ = std::fs::remove_file(&self.absolute);
        }
    }
}

impl RowsSink {
    /// Starts without rows.
    pub fn new(data_dir: &Path, schema: SchemaRef) -> Result<RowsSink> {
        let writer = StreamWriter::try_new(Vec::new(), &schema).map_err(ipc)?;
        Ok(RowsSink {
            data_dir: data_dir.to_owned(),
            schema,
            state: State::Memory(writer),
            rows: 0,
            small: Vec::new(),
            small_rows: 0,
            small_bytes: 0,
        })
    }

    /// Adds a batch. Blocks when it writes to the staged file.
    ///
    /// # Errors
    /// 53100 or 58030 when the file cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.small_rows += batch.num_rows();
        self.small_bytes += batch.get_array_memory_size();
        self.small.push(batch.clone());
        if self.small_rows < BATCH_ROWS && self.small_bytes < BATCH_BYTES {
            return Ok(());
        }
        self.put_small()
    }

    /// Writes the batches that were gathered as one.
    fn put_small(&mut self) -> Result<()> {
        let small = std::mem::take(&mut self.small);
        (self.small_rows, self.small_bytes) = (0, 0);
        match small.as_slice() {
            [] => Ok(()),
            [one] => self.put(one),
            many => {
                let joined = concat_batches(&self.schema, many).map_err(ipc)?;
                self.put(&joined)
            }
        }
    }

    fn put(&mut self, batch: &RecordBatch) -> Result<()> {
        match &mut self.state {
            State::Memory(writer) => {
                writer.write(batch).map_err(ipc)?;
                if writer.get_ref().len() > INLINE_MAX {
                    self.spill()?;
                }
                Ok(())
            }
            State::File(staged) => match &mut staged.writer {
                Some(writer) => {
                    fail_point::pass(Point::StagedWrite)?;
                    writer.write(batch).map_err(ipc)
                }
                None => Err(Error::internal("a staged file is closed")),
            },
            State::Empty => Err(Error::internal("rows came after an error")),
        }
    }

    /// Moves what is in memory into a file: the stream so far is the file's beginning.
    fn spill(&mut self) -> Result<()> {
        let State::Memory(memory) = std::mem::replace(&mut self.state, State::Empty) else {
            return Ok(());
        };
        let folder = self.data_dir.join(STAGED_FOLDER);
        std::fs::create_dir_all(&folder).map_err(io)?;
        let name = format!("{}.arrow", uuid::Uuid::new_v4().simple());
        let absolute = folder.join(&name);
        let file = File::create_new(&absolute).map_err(io)?;
        let writer = StreamWriter::try_new(BufWriter::with_capacity(1 << 20, file), &self.schema)
            .map_err(ipc)?;
        let mut staged =
            Staged { path: format!("{STAGED_FOLDER}/{name}"), absolute, writer: Some(writer) };
        let bytes = memory.into_inner().map_err(ipc)?;
        let reader =
            arrow::ipc::reader::StreamReader::try_new(bytes.as_slice(), None).map_err(ipc)?;
        if let Some(writer) = &mut staged.writer {
            for batch in reader {
                fail_point::pass(Point::StagedWrite)?;
                writer.write(&batch.map_err(ipc)?).map_err(ipc)?;
            }
        }
        self.state = State::File(staged);
        Ok(())
    }

    /// Tells whether all is in memory still, so that writing does not block.
    pub fn is_inline(&self) -> bool {
        matches!(self.state, State::Memory(_))
    }

    /// Returns how many rows came.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the stream; a staged file is synced, with its folder. Blocks.
    ///
    /// # Errors
    /// 53100 or 58030 when the file cannot be written.
    pub fn finish(mut self) -> Result<RowsAt> {
        self.put_small()?;
        match self.state {
            State::Memory(mut writer) => {
                writer.finish().map_err(ipc)?;
                Ok(RowsAt::Inline(Bytes(writer.into_inner().map_err(ipc)?)))
            }
            State::File(mut staged) => {
                if let Some(writer) = &mut staged.writer {
                    writer.finish().map_err(ipc)?;
                    writer.get_mut().flush().map_err(io)?;
                    fail_point::pass(Point::StagedBeforeSync)?;
                    writer.get_ref().get_ref().sync_all().map_err(io)?;
                }
                let folder = staged.absolute.parent().unwrap_or(&self.data_dir);
                File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
                fail_point::pass(Point::StagedAfterSync)?;
                let bytes = staged.absolute.metadata().map_err(io)?.len();
                // Taken, so that Drop leaves the file.
                staged.writer = None;
                Ok(RowsAt::Staged { path: staged.path.clone(), bytes, rows: self.rows })
            }
            State::Empty => Err(Error::internal("rows could not be staged")),
        }
    }
}

fn ipc(error: arrow::error::ArrowError) -> Error {
    match error {
        arrow::error::ArrowError::IoError(_, error) => io(error),
        other => Error::internal(format!("rows could not be written as Arrow: {other}")),
    }
}

fn io(error: std::io::Error) -> Error {
    Error::io("could not write a staged file", &error)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int64Array;
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    fn batch(rows: i64) -> RecordBatch {
        let schema = Schema::new(vec![Field::new("n", DataType::Int64, false)]);
        let column = Int64Array::from_iter_values(0..rows);
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(column)]).unwrap()
    }

    #[test]
    fn few_rows_stay_inline_and_many_go_to_a_file_that_an_abandoned_sink_deletes() {
        let dir = tempfile::tempdir().unwrap();
        let mut few = RowsSink::new(dir.path(), batch(0).schema()).unwrap();
        few.write(&batch(10)).unwrap();
        assert!(matches!(few.finish().unwrap(), RowsAt::Inline(_)));
        let mut many = RowsSink::new(dir.path(), batch(0).schema()).unwrap();
        for _ in 0..5 {
            many.write(&batch(100_000)).unwrap();
        }
        let RowsAt::Staged { path, rows, .. } = many.finish().unwrap() else { panic!("inline") };
        let file = File::open(dir.path().join(path)).unwrap();
        let reader = arrow::ipc::reader::StreamReader::try_new(file, None).unwrap();
        let read: usize = reader.map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!((rows, read), (500_000, 500_000));
        let mut abandoned = RowsSink::new(dir.path(), batch(0).schema()).unwrap();
        abandoned.write(&batch(1_000_000)).unwrap();
        drop(abandoned);
        assert_eq!(std::fs::read_dir(dir.path().join(STAGED_FOLDER)).unwrap().count(), 1);
    }
}
