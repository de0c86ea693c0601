//! A DuckDB table as a table of DataFusion: a SELECT with what could be pushed down.

use std::fmt;
use std::sync::Arc;

use ::datafusion::catalog::{Session, TableProvider};
use ::datafusion::datasource::TableType;
use ::datafusion::error::DataFusionError;
use ::datafusion::execution::{SendableRecordBatchStream, TaskContext};
use ::datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use ::datafusion::physical_expr::EquivalenceProperties;
use ::datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use ::datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use ::datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};

use super::foreign::ForeignTables;
use super::pushdown::predicate_sql;
use crate::catalog::duckdb_table;
use crate::engine::QueryContext;
use crate::ids::TableName;
use crate::sql::quote_ident;

/// A table that DuckDB holds.
#[derive(Debug)]
pub(super) struct ForeignTable {
    name: TableName,
    schema: SchemaRef,
    duckdb: Arc<dyn ForeignTables>,
    context: QueryContext,
}

impl ForeignTable {
    pub(super) fn new(
        name: TableName,
        schema: &Schema,
        duckdb: Arc<dyn ForeignTables>,
        context: QueryContext,
    ) -> Self {
        // Every column may be NULL: DuckDB's stream does not say, and a wrong NOT NULL would
        // let the optimizer drop filters.
        let nullable = |field: &Arc<Field>| field.as_ref().clone().with_nullable(true);
        let schema = Schema::new(schema.fields().iter().map(nullable).collect::<Vec<_>>());
        ForeignTable { name, schema: Arc::new(schema), duckdb, context }
    }

    fn select(&self, schema: &Schema, filters: &[Expr], limit: Option<usize>) -> String {
        let columns: Vec<String> = schema.fields().iter().map(|f| quote_ident(f.name())).collect();
        // A count needs rows but no column.
        let columns = if columns.is_empty() { "1".to_owned() } else { columns.join(", ") };
        let mut sql = format!("SELECT {columns} FROM {}", duckdb_table(&self.name));
        let predicates: Vec<String> =
            filters.iter().filter_map(|filter| predicate_sql(filter, &self.schema)).collect();
        if !predicates.is_empty() {
            sql.push_str(" WHERE ");
            sql.push_str(&predicates.join(" AND "));
        }
        // A limit counts rows after the filters, so it goes along only if they all do.
        if let Some(limit) = limit.filter(|_| predicates.len() == filters.len()) {
            sql.push_str(&format!(" LIMIT {limit}"));
        }
        sql
    }
}

#[async_trait]
impl TableProvider for ForeignTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let schema = match projection {
            Some(projection) => Arc::new(self.schema.project(projection)?),
            None => Arc::clone(&self.schema),
        };
        let sql = self.select(&schema, filters, limit);
        let duckdb = Arc::clone(&self.duckdb);
        Ok(Arc::new(ForeignScan::new(sql, schema, duckdb, self.context.clone())))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        let support = |filter: &&Expr| match predicate_sql(filter, &self.schema) {
            Some(_) => TableProviderFilterPushDown::Exact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }
}

/// Runs one SELECT in DuckDB.
#[derive(Debug)]
struct ForeignScan {
    sql: String,
    duckdb: Arc<dyn ForeignTables>,
    context: QueryContext,
    properties: Arc<PlanProperties>,
}

impl ForeignScan {
    fn new(
        sql: String,
        schema: SchemaRef,
        duckdb: Arc<dyn ForeignTables>,
        context: QueryContext,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        ForeignScan { sql, duckdb, context, properties: Arc::new(properties) }
    }
}

impl DisplayAs for ForeignScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "DuckDbScan: {}", self.sql)
    }
}

impl ExecutionPlan for ForeignScan {
    fn name(&self) -> &'static str {
        "DuckDbScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        Ok(self)
    }

    fn execute(
        &self,
        _partition: usize,
        _context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        let schema = self.schema();
        let (duckdb, sql) = (Arc::clone(&self.duckdb), self.sql.clone());
        let (context, wanted) = (self.context.clone(), Arc::clone(&schema));
        let external = |error| DataFusionError::External(Box::new(error));
        let batches = futures::stream::once(async move {
            let stream = duckdb.scan(&sql, &context).await.map_err(external)?;
            Ok::<_, DataFusionError>(stream.map(move |batch| {
                batch.map_err(external).and_then(|batch| conform(&batch, &wanted))
            }))
        })
        .try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}

/// Brings a batch to the schema that was planned with.
fn conform(batch: &RecordBatch, wanted: &SchemaRef) -> Result<RecordBatch, DataFusionError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    // Without columns there is the one that stands for the rows.
    let columns: Vec<ArrayRef> = batch
        .columns()
        .iter()
        .zip(wanted.fields())
        .map(|(array, field)| {
            if array.data_type() == field.data_type() {
                Ok(Arc::clone(array))
            } else {
                cast_with_options(array, field.data_type(), &options)
            }
        })
        .collect::<Result<_, _>>()?;
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(wanted), columns, &rows)?)
}
