//! Arithmetic that reports overflow, as PostgreSQL's does.
//!
//! DataFusion's operators wrap around silently; they can be told not to, but no option says so.

use std::sync::Arc;

use ::datafusion::common::config::ConfigOptions;
use ::datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use ::datafusion::error::DataFusionError;
use ::datafusion::logical_expr::Operator;
use ::datafusion::physical_expr::PhysicalExpr;
use ::datafusion::physical_expr::expressions::BinaryExpr;
use ::datafusion::physical_optimizer::PhysicalOptimizerRule;
use ::datafusion::physical_plan::ExecutionPlan;
use ::datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use ::datafusion::physical_plan::projection::ProjectionExec;

/// Rewrites the expressions of projections and filters.
#[derive(Debug)]
pub(super) struct CheckedArithmetic;

impl PhysicalOptimizerRule for CheckedArithmetic {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        plan.transform_up(|node| {
            if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
                let mut exprs = Vec::with_capacity(projection.expr().len());
                let mut changed = false;
                for item in projection.expr() {
                    let checked = check(Arc::clone(&item.expr))?;
                    changed |= checked.transformed;
                    exprs.push((checked.data, item.alias.clone()));
                }
                if changed {
                    let input = Arc::clone(projection.input());
                    return Ok(Transformed::yes(Arc::new(ProjectionExec::try_new(exprs, input)?)));
                }
            } else if let Some(filter) = node.downcast_ref::<FilterExec>() {
                let checked = check(Arc::clone(filter.predicate()))?;
                if checked.transformed {
                    let rebuilt =
                        FilterExecBuilder::from(filter).with_predicate(checked.data).build()?;
                    return Ok(Transformed::yes(Arc::new(rebuilt)));
                }
            }
            Ok(Transformed::no(node))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "checked_arithmetic"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn check(
    expr: Arc<dyn PhysicalExpr>,
) -> Result<Transformed<Arc<dyn PhysicalExpr>>, DataFusionError> {
    expr.transform_up(|expr| {
        let Some(binary) = expr.downcast_ref::<BinaryExpr>() else {
            return Ok(Transformed::no(expr));
        };
        if !matches!(binary.op(), Operator::Plus | Operator::Minus | Operator::Multiply) {
            return Ok(Transformed::no(expr));
        }
        Ok(Transformed::yes(Arc::new(binary.clone().with_fail_on_overflow(true))))
    })
}
