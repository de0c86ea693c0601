//! Rows that a transaction's triggers send to datasets.
//!
//! A dataset is not in the data file, so its rows cannot be committed with the transaction. They
//! are kept in a table of the data file, committed with the rest, and [`run`] takes them from there
//! into intents of their own. The Writer deletes them from the table in the transaction that notes
//! such an intent as applied. So what is in the table when the intents of a start are applied was
//! never sent, and each row reaches its dataset once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Upkeep;
use crate::engine::duckdb::{Delivery, DuckDb, WriteConnection};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::{
    Body, Bytes, DatasetTarget, Deliver, IntentLog, Origin, RowsAt, Storage, TagKind,
};
use crate::sqlstate::SqlState;
use crate::{task, types};

/// Rows of about this size are sent together.
const SENT_BYTES: usize = 1 << 20;

/// Deliveries that may wait; a trigger that makes more fails.
const WAITING_MAX: usize = 10_000;

/// Deliveries that are read together.
const READ_MAX: usize = 64;

/// How long it waits for room in the queue of intents, and for a disk.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// Says that deliveries wait, and counts them.
#[derive(Debug, Default)]
pub struct Deliveries {
    waiting: AtomicUsize,
    come: Notify,
}

impl Deliveries {
    /// So many are committed.
    pub fn note(&self, count: usize) {
        if count > 0 {
            self.waiting.fetch_add(count, Ordering::SeqCst);
            self.come.notify_one();
        }
    }

    fn sent(&self, count: usize) {
        let less = |waiting: usize| Some(waiting.saturating_sub(count));
        let _ = self.waiting.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
    }
}

impl Upkeep {
    /// Computes rows for a dataset, which get there when the transaction is committed; `sql` is the
    /// query.
    ///
    /// # Errors
    /// The query's own; 53200 for more rows than an algorithm may read; 53400 when too many
    /// deliveries wait.
    pub fn deliver(
        &mut self,
        connection: &mut WriteConnection,
        deliver: &Deliver,
        sql: &str,
    ) -> Result<u64> {
        let mut batches = Vec::new();
        let mut room = self.algorithms.room();
        connection.each_batch(sql, &deliver.params, &mut |batch| {
            room.take(&batch)?;
            batches.push(batch);
            Ok(())
        })?;
        self.deliver_batches(connection, &deliver.target, batches, false)
    }

    /// The same with rows that are there.
    pub(super) fn deliver_batches(
        &mut self,
        connection: &mut WriteConnection,
        target: &DatasetTarget,
        batches: Vec<RecordBatch>,
        replaces: bool,
    ) -> Result<u64> {
        let given = types::storage_schema(&target.columns)?;
        let full = types::storage_schema(&target.all)?;
        let mut rows = 0;
        let mut parts = Parts { replaces, sent: 0, batches: Vec::new(), bytes: 0 };
        for batch in batches {
            rows += batch.num_rows() as u64;
            let batch = types::cast_batch(&batch, Arc::clone(&given))?;
            let batch = types::widen(&batch, &target.columns, &target.all, &full)?;
            parts.bytes += batch.get_array_memory_size();
            parts.batches.push(batch);
            if parts.bytes >= SENT_BYTES {
                parts.keep(connection, target)?;
            }
        }
        if !parts.batches.is_empty() || replaces && parts.sent == 0 {
            parts.keep(connection, target)?;
        }
        self.moved.deliveries += parts.sent;
        if self.deliveries.waiting.load(Ordering::SeqCst) + self.moved.deliveries > WAITING_MAX {
            return Err(Error::new(
                SqlState::CONFIGURATION_LIMIT_EXCEEDED,
                "too many rows wait for their datasets",
            ));
        }
        Ok(rows)
    }
}

/// Rows on their way into the table of deliveries.
struct Parts {
    replaces: bool,
    sent: usize,
    batches: Vec<RecordBatch>,
    bytes: usize,
}

impl Parts {
    fn keep(&mut self, connection: &mut WriteConnection, target: &DatasetTarget) -> Result<()> {
        let rows = encode(&types::storage_schema(&target.all)?, &self.batches)?;
        let replaces = self.replaces && self.sent == 0;
        connection.keep_delivery(&target.dataset, replaces, rows)?;
        (self.batches, self.bytes) = (Vec::new(), 0);
        self.sent += 1;
        Ok(())
    }
}

/// Sends what waits, until it is stopped. Begins when the intents of the start are applied.
pub async fn run(
    deliveries: Arc<Deliveries>,
    duckdb: Arc<DuckDb>,
    log: Arc<IntentLog>,
    stop: CancellationToken,
) {
    loop {
        let sent = tokio::select! {
            () = stop.cancelled() => return,
            sent = send(&deliveries, &duckdb, &log) => sent,
        };
        match sent {
            Ok(true) => {}
            Ok(false) => tokio::select! {
                () = stop.cancelled() => return,
                () = deliveries.come.notified() => {}
            },
            Err(error) => {
                tracing::warn!(%error, "rows wait for their datasets");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(TRY_AGAIN) => {}
                }
            }
        }
    }
}

/// Sends the oldest of what waits, and waits until it is applied; tells whether there was any.
async fn send(deliveries: &Deliveries, duckdb: &Arc<DuckDb>, log: &IntentLog) -> Result<bool> {
    let reading = Arc::clone(duckdb);
    let read = move || Together::of(reading.lookup_connection()?.waiting_deliveries(READ_MAX)?);
    let Some(together) = task::blocking(read).await? else { return Ok(false) };
    let count = together.ids.len();
    let dataset = together.dataset.clone();
    let ticket = log.append(origin(&dataset), together.into_body()?).await?;
    let seq = ticket.seq;
    match ticket.outcome.await {
        Ok(outcome) => {
            // It stays in the log, with its rows.
            if let Err(error) = outcome.result {
                tracing::warn!(%error, seq = seq.0, %dataset, "a dataset does not take its rows");
            }
        }
        Err(_) => return Err(log.outcome_unknown(seq)),
    }
    deliveries.sent(count);
    Ok(true)
}

fn origin(dataset: &TableName) -> Origin {
    Origin {
        user: "teatree".to_owned(),
        application_name: "teatree".to_owned(),
        time_zone: "UTC".to_owned(),
        search_path: vec![dataset.schema.clone()],
        statement: format!("INSERT INTO {dataset}"),
        ..Origin::default()
    }
}

/// Deliveries to one dataset that become one intent.
struct Together {
    dataset: TableName,
    replaces: bool,
    ids: Vec<u64>,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl Together {
    /// Takes the first ones that go together.
    fn of(waiting: Vec<Delivery>) -> Result<Option<Together>> {
        let mut together: Option<Together> = None;
        let mut bytes = 0;
        for one in waiting {
            let (schema, batches) = decode(&one.content)?;
            bytes += one.content.len();
            match &mut together {
                None => {
                    together = Some(Together {
                        dataset: one.dataset,
                        replaces: one.replaces,
                        ids: vec![one.id],
                        schema,
                        batches,
                    });
                }
                Some(all) => {
                    let fits = one.dataset == all.dataset && schema == all.schema;
                    if !fits || one.replaces || bytes > SENT_BYTES {
                        break;
                    }
                    all.ids.push(one.id);
                    all.batches.extend(batches);
                }
            }
        }
        Ok(together)
    }

    fn into_body(self) -> Result<Body> {
        let rows = concat_batches(&self.schema, &self.batches).map_err(ipc)?;
        Ok(Body::Rows {
            table: self.dataset,
            storage: Storage::Arrow,
            columns: self.schema.fields().iter().map(|field| field.name().clone()).collect(),
            rows: RowsAt::Inline(Bytes(encode(&self.schema, &[rows])?)),
            tag: TagKind::Insert,
            create: None,
            draws: Vec::new(),
            replaces: self.replaces,
            source: None,
            delivered: self.ids,
        })
    }
}

fn encode(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema).map_err(ipc)?;
    batches.iter().try_for_each(|batch| writer.write(batch)).map_err(ipc)?;
    writer.into_inner().map_err(ipc)
}

fn decode(content: &[u8]) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let reader = StreamReader::try_new(content, None).map_err(ipc)?;
    let schema = reader.schema();
    Ok((schema, reader.collect::<std::result::Result<_, _>>().map_err(ipc)?))
}

fn ipc(error: ArrowError) -> Error {
    Error::internal(format!("rows for a dataset could not be encoded: {error}"))
}
