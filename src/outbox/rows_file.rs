//! Rows in the forms that are written here: lines and tuples of COPY, and Arrow's file format.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::FileWriter;
use bytes::{Buf, BytesMut};

use crate::error::{Error, Result};
use crate::types::{
    Column, CopyFormat, CopyLines, CopyOptions, Format, OutputStyle, RowEncoder,
    copy_binary_header, put_tuple,
};

/// A file that takes rows.
pub struct RowsFile(Kind);

enum Kind {
    Stream(Box<Stream>),
    Arrow(Box<FileWriter<BufWriter<File>>>),
}

struct Stream {
    out: BufWriter<File>,
    encoder: RowEncoder,
    lines: CopyLines,
    binary: bool,
    encoded: BytesMut,
    buffer: BytesMut,
}

impl RowsFile {
    /// Begins a file of COPY's lines or tuples; `force_quote` names the columns that are always
    /// quoted, by their places.
    ///
    /// # Errors
    /// 58030 when it cannot be written.
    pub fn stream(
        path: &Path,
        columns: &[Column],
        options: &CopyOptions,
        force_quote: Vec<bool>,
        style: OutputStyle,
    ) -> Result<RowsFile> {
        let binary = options.format == CopyFormat::Binary;
        let format = if binary { Format::Binary } else { Format::Text };
        let mut stream = Stream {
            out: open(path)?,
            encoder: RowEncoder::new(columns, vec![format], style),
            lines: CopyLines::new(options.clone(), force_quote),
            binary,
            encoded: BytesMut::new(),
            buffer: BytesMut::new(),
        };
        if binary {
            stream.buffer.extend_from_slice(&copy_binary_header());
        } else if options.header {
            stream.lines.put_header(columns, &mut stream.buffer)?;
        }
        Ok(RowsFile(Kind::Stream(Box::new(stream))))
    }

    /// Begins a file of Arrow's own format.
    ///
    /// # Errors
    /// 58030 when it cannot be written.
    pub fn arrow(path: &Path, schema: &SchemaRef) -> Result<RowsFile> {
        let writer = FileWriter::try_new(open(path)?, schema).map_err(|error| failed(&error))?;
        Ok(RowsFile(Kind::Arrow(Box::new(writer))))
    }

    /// Writes rows. Blocks.
    ///
    /// # Errors
    /// 22P05 for what the encoding has no bytes for; 58030 and 53100 when the disk fails or is
    /// full.
    pub fn put(&mut self, batch: &RecordBatch) -> Result<()> {
        match &mut self.0 {
            Kind::Stream(stream) => stream.put(batch),
            Kind::Arrow(writer) => writer.write(batch).map_err(|error| failed(&error)),
        }
    }

    /// Writes the end. Blocks.
    ///
    /// # Errors
    /// 58030 and 53100 when the disk fails or is full.
    pub fn end(self) -> Result<()> {
        match self.0 {
            Kind::Stream(stream) => stream.end(),
            Kind::Arrow(writer) => {
                let mut out = writer.into_inner().map_err(|error| failed(&error))?;
                out.flush().map_err(|error| could_not(&error))
            }
        }
    }
}

impl Stream {
    fn put(&mut self, batch: &RecordBatch) -> Result<()> {
        self.encoder.encode(batch, 0, batch.num_rows(), &mut self.encoded)?;
        while self.encoded.has_remaining() {
            if self.binary {
                put_tuple(&mut self.encoded, &mut self.buffer);
            } else {
                self.lines.put_row(&mut self.encoded, &mut self.buffer)?;
            }
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<()> {
        self.out.write_all(&self.buffer).map_err(|error| could_not(&error))?;
        self.buffer.clear();
        Ok(())
    }

    fn end(mut self) -> Result<()> {
        if self.binary {
            self.buffer.extend_from_slice(&(-1_i16).to_be_bytes());
        }
        self.flush()?;
        self.out.flush().map_err(|error| could_not(&error))
    }
}

fn open(path: &Path) -> Result<BufWriter<File>> {
    let file = File::options().write(true).truncate(true).open(path);
    file.map(|file| BufWriter::with_capacity(1 << 20, file)).map_err(|error| could_not(&error))
}

fn could_not(error: &std::io::Error) -> Error {
    Error::io("could not write a file of the outbox", error)
}

fn failed(error: &arrow::error::ArrowError) -> Error {
    match error {
        arrow::error::ArrowError::IoError(_, error) => could_not(error),
        error => Error::unsupported(format!("these rows cannot be an Arrow file: {error}")),
    }
}
