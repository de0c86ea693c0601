//! A condition on rows that are not in any table yet: COPY … FROM … WHERE.

use std::sync::Arc;

use ::datafusion::common::DFSchema;
use ::datafusion::logical_expr::ExprSchemable;
use ::datafusion::physical_expr::PhysicalExpr;
use arrow::array::{AsArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, SchemaRef};

use super::DataFusionEngine;
use super::error::translate;
use crate::engine::QueryContext;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// A condition on rows of one schema.
pub struct RowFilter {
    condition: Arc<dyn PhysicalExpr>,
}

impl DataFusionEngine {
    /// Makes a filter of a condition on rows of a schema.
    ///
    /// # Errors
    /// 42703 for a column that is not there, 42804 for what is no condition.
    pub fn row_filter(
        &self,
        condition: &str,
        schema: &SchemaRef,
        context: &QueryContext,
    ) -> Result<RowFilter> {
        let state = self.statement_state(context);
        let columns = DFSchema::try_from(Arc::clone(schema)).map_err(|error| translate(&error))?;
        let expr =
            state.create_logical_expr(condition, &columns).map_err(|error| translate(&error))?;
        let found = expr.get_type(&columns).map_err(|error| translate(&error))?;
        if !matches!(found, DataType::Boolean | DataType::Null) {
            return Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                "argument of COPY FROM WHERE must be type boolean",
            ));
        }
        let condition =
            state.create_physical_expr(expr, &columns).map_err(|error| translate(&error))?;
        Ok(RowFilter { condition })
    }
}

impl RowFilter {
    /// Keeps the rows for which the condition is true.
    pub fn keep(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let found = self
            .condition
            .evaluate(batch)
            .and_then(|value| value.into_array(batch.num_rows()))
            .map_err(|error| translate(&error))?;
        // A NULL of no type is false for all.
        let Some(found) = found.as_boolean_opt() else { return Ok(batch.slice(0, 0)) };
        filter_record_batch(batch, found)
            .map_err(|error| Error::internal(format!("rows could not be filtered: {error}")))
    }
}
