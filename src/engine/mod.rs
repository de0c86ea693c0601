//! Engines run reads and stream Arrow batches.
//!
//! - `duckdb/`: pooled connections on the one DuckDB instance.
//! - `datafusion/`: DataFusion over Arrow datasets, with DuckDB tables as pushed-down sources.
//!
//! **Invariant:** a result is never gathered whole; a stream that is dropped interrupts its query.

pub mod datafusion;
pub mod duckdb;

use std::pin::Pin;

use arrow::array::RecordBatch;
use futures::Stream;
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::types::{Column, PgType};

/// Batches of a running query, in order.
pub type BatchStream = Pin<Box<dyn Stream<Item = Result<RecordBatch>> + Send>>;

/// What a statement takes and gives, found out without running it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// The types of `$1`, `$2`, …
    pub params: Vec<PgType>,
    /// The result's columns; empty for a statement that gives no rows.
    pub columns: Vec<Column>,
}

/// A running query.
pub struct Execution {
    /// The engine's name, for metrics.
    pub engine: &'static str,
    pub columns: Vec<Column>,
    pub stream: BatchStream,
}

/// What a query needs to know of the session that asks.
#[derive(Clone, Debug)]
pub struct QueryContext {
    /// Cancelled by a CancelRequest, a time limit, a lost connection or shutdown. An engine stops
    /// soon after and its stream ends with SQLSTATE 57014.
    pub cancel: CancellationToken,
    /// IANA name of the session's time zone.
    pub time_zone: String,
    /// Schemas for unqualified names, in PostgreSQL's words (`public`), existing ones only.
    pub search_path: Vec<String>,
}
