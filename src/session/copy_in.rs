//! COPY FROM STDIN: the client's stream to rows of an intent.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::{Bytes, BytesMut};

use super::idempotency::Sent;
use super::{Session, StatementGuard};
use crate::error::{Error, Result};
use crate::intent::TagKind;
use crate::router::{RowsSink, StatementContext, Target};
use crate::sql::{CopyIn, Statement};
use crate::task;
use crate::types::{CopyDecoder, CopyFormat};

/// Pieces of the stream are gathered up to this size before they are decoded.
const PIECE_BYTES: usize = 256 << 10;
/// Rows of one Arrow batch.
const BATCH_ROWS: usize = 16_384;

/// A COPY under way. Dropping it leaves nothing behind.
pub struct CopySession {
    text: String,
    target: Arc<Target>,
    context: StatementContext,
    /// `None` while a piece is being decoded.
    work: Option<Work>,
    gathered: BytesMut,
    binary: bool,
    /// The write's idempotency key and what was sent for it so far.
    key: Option<(String, Sent)>,
}

struct Work {
    decoder: CopyDecoder,
    sink: RowsSink,
    target: Arc<Target>,
    schema: SchemaRef,
}

impl Work {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.sink.write(&self.target.widen(batch, &self.schema)?)
    }
}

impl CopySession {
    pub(super) fn new(
        session: &mut Session,
        statement: &Statement,
        copy: &CopyIn,
        target: Target,
        context: &StatementContext,
    ) -> Result<CopySession> {
        let mut options = copy.options.clone();
        options.force_null = places(copy, "FORCE_NULL", &copy.force_null, &target)?;
        options.force_not_null = places(copy, "FORCE_NOT_NULL", &copy.force_not_null, &target)?;
        let decoder = CopyDecoder::new(
            options,
            target.columns.clone(),
            session.settings.time_zone(),
            BATCH_ROWS,
            &copy.table.table,
        )?;
        let target = Arc::new(target);
        let schema = target.schema()?;
        let sink = RowsSink::new(&session.services.router.data_dir, Arc::clone(&schema))?;
        let key = session.take_key()?.map(|key| (key, Sent::new(&statement.text)));
        Ok(CopySession {
            text: statement.text.clone(),
            context: context.clone(),
            work: Some(Work { decoder, sink, target: Arc::clone(&target), schema }),
            target,
            gathered: BytesMut::new(),
            binary: copy.options.format == CopyFormat::Binary,
            key,
        })
    }

    /// How many columns CopyInResponse announces.
    pub fn column_count(&self) -> usize {
        self.target.columns.len()
    }

    /// Tells whether the data is in the binary format.
    pub fn is_binary(&self) -> bool {
        self.binary
    }

    /// Takes the next piece of data.
    ///
    /// # Errors
    /// 22P04, 22P02 and their like, with the line.
    pub async fn feed(&mut self, data: &Bytes) -> Result<()> {
        self.gathered.extend_from_slice(data);
        if let Some((_, sent)) = &mut self.key {
            sent.data(data);
        }
        if self.gathered.len() < PIECE_BYTES {
            return Ok(());
        }
        self.decode().await
    }

    async fn decode(&mut self) -> Result<()> {
        let piece = self.gathered.split().freeze();
        let mut work = self.work.take().ok_or_else(ended)?;
        self.work = Some(
            task::blocking(move || {
                for batch in work.decoder.feed(&piece)? {
                    work.write(&batch)?;
                }
                Ok(work)
            })
            .await?,
        );
        Ok(())
    }

    /// The client has sent everything: stages the rows, appends the intent, waits for its outcome.
    /// Gives the command tag.
    pub async fn finish(mut self, session: &mut Session, guard: &StatementGuard) -> Result<String> {
        if let Some((key, sent)) = self.key.take()
            && let Some((_, applied)) = session.claim(Some(key), sent, guard).await?
        {
            return Ok(applied.tag);
        }
        self.decode().await?;
        let mut work = self.work.take().ok_or_else(ended)?;
        let rows = task::blocking(move || {
            if let Some(last) = work.decoder.finish()? {
                work.write(&last)?;
            }
            work.sink.finish()
        })
        .await?;
        let router = &session.services.router;
        let body = router.rows_body(&self.target, rows, TagKind::Copy);
        let applied = session.write_rows(&self.text, body, &self.context, guard).await?;
        Ok(applied.tag)
    }
}

/// The places of an option's columns among those that are copied.
fn places(copy: &CopyIn, option: &str, names: &[String], target: &Target) -> Result<Vec<usize>> {
    names
        .iter()
        .map(|name| {
            let place = target.columns.iter().position(|column| column.name == *name);
            place.ok_or_else(|| copy.missing_column(option, name))
        })
        .collect()
}

fn ended() -> Error {
    Error::internal("a COPY went on after its end")
}
