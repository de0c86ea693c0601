//! A physical plan to a stream of batches.
//!
//! The plan is driven by a task on the engine's threads and handed over through a short queue.
//! The stream ends on cancel even while the task is deep in a computation; the task itself is
//! aborted and stops at its next yield, which DataFusion's cooperative operators keep near.

use std::sync::Arc;

use ::datafusion::execution::TaskContext;
use ::datafusion::physical_plan::{ExecutionPlan, execute_stream};
use arrow::array::RecordBatch;
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

/// Starts a plan. The snapshot's files stay until it ends.
pub(super) fn stream(
    handle: &Handle,
    plan: Arc<dyn ExecutionPlan>,
    task: Arc<TaskContext>,
    snapshot: Snapshot,
    cancel: CancellationToken,
) -> BatchStream {
    let (sender, messages) = mpsc::channel(BATCHES_WAITING_MAX);
    let driver = handle.spawn(async move {
        let _pinned = snapshot;
        tokio::select! {
            () = sender.closed() => {}
            () = drive(plan, task, &sender) => {}
        }
    });
    let task = AbortOnDropHandle::new(driver);
    let running = Running { messages, cancel, ended: false, _task: task };
    Box::pin(futures::stream::unfold(running, |mut running| async move {
        if running.ended {
            return None;
        }
        let item = running.next().await?;
        running.ended = item.is_err();
        Some((item, running))
    }))
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
        let failed = batch.is_err();
        // A receiver that is gone has its own reason; there is nobody left to tell.
        if sender.send(Message::Batch(batch)).await.is_err() || failed {
            return;
        }
    }
    let _ = sender.send(Message::End).await;
}

/// Runs a plan to its end and forgets its rows.
pub(super) async fn drain(plan: Arc<dyn ExecutionPlan>, task: Arc<TaskContext>) -> Result<()> {
    let mut batches = execute_stream(plan, task).map_err(|error| translate(&error))?;
    while let Some(batch) = batches.next().await {
        batch.map_err(|error| translate(&error))?;
    }
    Ok(())
}
