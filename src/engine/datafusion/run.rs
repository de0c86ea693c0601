//! A physical plan to a stream of batches.
//!
//! The plan is driven by a task on the engine's threads and handed over through a short queue.
//! The stream ends on cancel even while the task is deep in a computation; the task itself is
//! aborted and stops at its next yield, which DataFusion's cooperative operators keep near.

use std::sync::Arc;

use ::datafusion::execution::TaskContext;
use ::datafusion::physical_plan::{ExecutionPlan, execute_stream};
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema};
use futures::StreamExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::engine::Snapshot;
use super::error::translate;
use crate::engine::BatchStream;
use crate::error::{Error, Result};

/// Batches that wait for the client at most.
const BATCHES_WAITING_MAX: usize = 2;

/// What the driving task sends. A queue that closes without `End` means that it panicked.
enum Message {
    Batch(Result<RecordBatch>),
    End,
}

/// The receiving side; dropping it stops the work.
struct Running {
    messages: mpsc::Receiver<Message>,
    cancel: CancellationToken,
    ended: bool,
    _task: AbortOnDropHandle<()>,
}

/// A query that is ready to run.
pub(super) struct Query {
    pub plan: Arc<dyn ExecutionPlan>,
    pub task: Arc<TaskContext>,
    /// The result's fields as the client is to see them.
    pub fields: Vec<Field>,
    /// Its files stay until the query ends.
    pub snapshot: Snapshot,
}

/// Starts a query.
pub(super) fn stream(handle: &Handle, query: Query, cancel: CancellationToken) -> BatchStream {
    let (sender, messages) = mpsc::channel(BATCHES_WAITING_MAX);
    let driver = handle.spawn(async move {
        let _pinned = query.snapshot;
        tokio::select! {
            () = sender.closed() => {}
            () = drive(query.plan, query.task, &query.fields, &sender) => {}
        }
    });
    let task = AbortOnDropHandle::new(driver);
    let running = Running { messages, cancel, ended: false, _task: task };
    let stream = futures::stream::unfold(running, |mut running| async move {
        if running.ended {
            return None;
        }
        let item = running.next().await?;
        running.ended = item.is_err();
        Some((item, running))
    });
    // Who asks again after the end is told again.
    Box::pin(stream.fuse())
}

impl Running {
    async fn next(&mut self) -> Option<Result<RecordBatch>> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Some(Err(Error::canceled("user request"))),
            message = self.messages.recv() => match message {
                Some(Message::Batch(batch)) => Some(batch),
                Some(Message::End) => None,
                None => Some(Err(Error::internal("a query's task ended before its result"))),
            },
        }
    }
}

async fn drive(
    plan: Arc<dyn ExecutionPlan>,
    task: Arc<TaskContext>,
    fields: &[Field],
    sender: &mpsc::Sender<Message>,
) {
    let mut batches = match execute_stream(plan, task) {
        Ok(batches) => batches,
        Err(error) => {
            let _ = sender.send(Message::Batch(Err(translate(&error)))).await;
            return;
        }
    };
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(|error| translate(&error));
        let batch = batch.and_then(|batch| with_fields(&batch, fields));
        let failed = batch.is_err();
        // A receiver that is gone has its own reason; there is nobody left to tell.
        if sender.send(Message::Batch(batch)).await.is_err() || failed {
            return;
        }
    }
    let _ = sender.send(Message::End).await;
}

/// Puts the result's own names and metadata on a batch; the types are those of its arrays.
fn with_fields(batch: &RecordBatch, fields: &[Field]) -> Result<RecordBatch> {
    let fields: Vec<Field> = fields
        .iter()
        .zip(batch.columns())
        .map(|(field, array)| field.clone().with_data_type(array.data_type().clone()))
        .collect();
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let schema = Arc::new(Schema::new(fields));
    RecordBatch::try_new_with_options(schema, batch.columns().to_vec(), &rows)
        .map_err(|error| Error::internal(format!("a result does not match its plan: {error}")))
}

/// Runs a plan to its end and forgets its rows.
pub(super) async fn drain(plan: Arc<dyn ExecutionPlan>, task: Arc<TaskContext>) -> Result<()> {
    let mut batches = execute_stream(plan, task).map_err(|error| translate(&error))?;
    while let Some(batch) = batches.next().await {
        batch.map_err(|error| translate(&error))?;
    }
    Ok(())
}
