//! COPY FROM STDIN: the client's stream to rows of an intent.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::{Bytes, BytesMut};
use tokio::task::JoinHandle;

use super::idempotency::Sent;
use super::progress::ShownCopy;
use super::{CopyProgress, Session, StatementGuard};
use crate::catalog::TEMPORARY_SCHEMA;
use crate::engine::datafusion::RowFilter;
use crate::error::{Error, Result};
use crate::intent::{Body, Storage, TagKind};
use crate::router::{RowsSink, StatementContext, Target};
use crate::sql::{CopyIn, Statement, TableRef};
use crate::task;
use crate::types::{CopyDecoder, CopyFormat};

/// Pieces of the stream are gathered up to this size before they are decoded.
const PIECE_BYTES: usize = 256 << 10;
/// Rows of one Arrow batch.
const BATCH_ROWS: usize = 61_440;

/// A COPY under way. Dropping it leaves nothing behind.
///
/// One piece of the stream is decoded and staged while the next one comes in.
pub struct CopySession {
    text: String,
    target: Arc<Target>,
    context: StatementContext,
    decoding: Decoding,
    gathered: BytesMut,
    binary: bool,
    /// The write's idempotency key and what was sent for it so far.
    key: Option<(String, Sent)>,
    shown: ShownCopy,
}

enum Decoding {
    Idle(Box<Work>),
    /// A piece is under way.
    Busy(JoinHandle<Result<Box<Work>>>),
    /// It failed, and the client has been told.
    Over,
}

struct Work {
    decoder: CopyDecoder,
    sink: RowsSink,
    target: Arc<Target>,
    schema: SchemaRef,
    filter: Option<RowFilter>,
    progress: Arc<CopyProgress>,
}

impl Work {
    fn decode(&mut self, piece: &[u8]) -> Result<()> {
        for batch in self.decoder.feed(piece)? {
            self.write(&batch)?;
        }
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = self.target.widen(batch, &self.schema)?;
        let kept = match &self.filter {
            Some(filter) => filter.keep(&batch)?,
            None => batch.clone(),
        };
        self.progress.add(0, kept.num_rows() as u64);
        self.progress.exclude((batch.num_rows() - kept.num_rows()) as u64);
        self.sink.write(&kept)
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
            session.settings.input_style(),
            BATCH_ROWS,
            &copy.table.table,
        )?;
        let target = Arc::new(target);
        let schema = target.schema()?;
        let router = &session.services.router;
        let filter = match &copy.condition {
            Some(condition) => Some(router.row_filter(condition, &schema, context)?),
            None => None,
        };
        let sink = RowsSink::new(&router.data_dir, Arc::clone(&schema))?;
        let shown = ShownCopy::new(session.entry(), "COPY FROM", Some(target.table.clone()));
        let progress = Arc::clone(shown.progress());
        let work = Work { decoder, sink, target: Arc::clone(&target), schema, filter, progress };
        let key = session.take_key()?.map(|key| (key, Sent::new(&statement.text)));
        Ok(CopySession {
            text: statement.text.clone(),
            context: context.clone(),
            decoding: Decoding::Idle(Box::new(work)),
            shown,
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
        self.shown.progress().add(data.len() as u64, 0);
        if self.gathered.len() < PIECE_BYTES {
            return Ok(());
        }
        self.decode().await
    }

    /// Starts on what was gathered, once the piece before is done.
    async fn decode(&mut self) -> Result<()> {
        let piece = self.gathered.split().freeze();
        let mut work = self.idle().await?;
        self.decoding = Decoding::Busy(task::spawn(
            "copy",
            task::blocking(move || {
                work.decode(&piece)?;
                Ok(work)
            }),
        ));
        Ok(())
    }

    /// Waits for the piece under way.
    async fn idle(&mut self) -> Result<Box<Work>> {
        match std::mem::replace(&mut self.decoding, Decoding::Over) {
            Decoding::Idle(work) => Ok(work),
            Decoding::Busy(task) => {
                task.await.unwrap_or_else(|_| Err(Error::internal("a COPY's piece was lost")))
            }
            Decoding::Over => Err(Error::internal("a COPY went on after its end")),
        }
    }

    /// The client has sent everything: stages the rows, appends the intent, waits for its outcome.
    /// Gives the command tag.
    pub async fn finish(mut self, session: &mut Session, guard: &StatementGuard) -> Result<String> {
        if let Some((key, sent)) = self.key.take()
            && let Some((_, applied)) = session.claim(Some(key), sent, guard).await?
        {
            return Ok(applied.tag);
        }
        let piece = self.gathered.split().freeze();
        let mut work = self.idle().await?;
        let rows = task::blocking(move || {
            work.decode(&piece)?;
            if let Some(last) = work.decoder.finish()? {
                work.write(&last)?;
            }
            work.sink.finish()
        })
        .await?;
        let router = &session.services.router;
        let mut body = router.rows_body(&self.target, rows, TagKind::Copy);
        if let Body::Rows { storage: Storage::DuckDb, table, columns, draws, .. } = &mut body
            && table.schema != TEMPORARY_SCHEMA
        {
            let named = TableRef {
                database: None,
                schema: Some(table.schema.clone()),
                table: table.table.clone(),
            };
            *draws = router.draws(&named, columns, &self.context).await?;
        }
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
