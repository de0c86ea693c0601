//! DuckDB tables as sources of DataFusion plans.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::instance::DuckDb;
use crate::catalog::duckdb_table;
use crate::engine::datafusion::ForeignTables;
use crate::engine::{BatchStream, QueryContext};
use crate::error::Result;
use crate::ids::TableName;
use crate::sqlstate::SqlState;
use crate::types;

/// Gives DuckDB's tables to DataFusion, in the types that datasets store: so both sides of a join
/// have the same.
#[derive(Debug)]
pub struct DuckDbTables(pub Arc<DuckDb>);

#[async_trait]
impl ForeignTables for DuckDbTables {
    async fn schema(&self, schema: &str, table: &str) -> Result<Option<SchemaRef>> {
        let context = QueryContext {
            cancel: CancellationToken::new(),
            time_zone: "UTC".to_owned(),
            search_path: vec!["public".to_owned()],
        };
        let sql = format!("SELECT * FROM {}", duckdb_table(&TableName::new(schema, table)));
        match self.0.describe(&sql, &context, None).await {
            Ok(described) => {
                let columns = described.columns.unwrap_or_default();
                Ok(Some(types::storage_schema(&columns)?))
            }
            Err(error)
                if matches!(
                    error.code(),
                    SqlState::UNDEFINED_TABLE | SqlState::INVALID_SCHEMA_NAME
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn scan(&self, sql: &str, context: &QueryContext) -> Result<BatchStream> {
        let execution = self.0.execute(sql, Vec::new(), context, None).await?;
        let schema = types::storage_schema(&execution.columns)?;
        let stream =
            execution.stream.map(move |batch| types::cast_batch(&batch?, Arc::clone(&schema)));
        Ok(Box::pin(stream))
    }
}
