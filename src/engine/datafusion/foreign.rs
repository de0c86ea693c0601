//! What this engine needs of DuckDB, as a trait, so that neither engine knows the other.

use std::fmt::Debug;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;

use crate::engine::{BatchStream, QueryContext};
use crate::error::Result;

/// DuckDB's side of a statement that also reads datasets.
#[async_trait]
pub trait ForeignTables: Send + Sync + Debug {
    /// Returns the Arrow schema in which DuckDB delivers a table, or `None` without such a table.
    /// The schema's name is PostgreSQL's (`public`).
    async fn schema(&self, schema: &str, table: &str) -> Result<Option<SchemaRef>>;

    /// Runs a SELECT in DuckDB's words (`main`, not `public`) and streams its batches. Dropping
    /// the stream stops it.
    async fn scan(&self, sql: &str, context: &QueryContext) -> Result<BatchStream>;
}
