//! Background tasks and blocking work, each under a name.

use std::future::Future;

use tokio::task::JoinHandle;
use tracing::Instrument;

use crate::error::{Error, Result};

/// Starts a background task inside a span of its name.
pub fn spawn<F>(name: &'static str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.instrument(tracing::debug_span!("task", name)))
}

/// Runs blocking work on the blocking pool, within the caller's span.
///
/// # Errors
/// The work's own, or an internal error when it panicked.
pub async fn blocking<T, F>(work: F) -> Result<T>
where
    F: FnOnce() -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
        .await
        .unwrap_or_else(|error| Err(Error::internal(format!("a blocking task failed: {error}"))))
}
