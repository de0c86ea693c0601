//! Queries that read Arrow datasets: DuckDB cannot run them, so their rows come of the read path.

use serde::{Deserialize, Serialize};
use sqlparser::ast;

use super::{Upkeep, ViewPlan, labels};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::routine::functions_in;
use crate::sql::statement::Statement;
use crate::types::{Column, PgType, numeric_typmod};

/// What such a view has besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverDatasets {
    /// The datasets among its inputs.
    pub datasets: Vec<TableName>,
    /// The columns of its storage.
    pub columns: Vec<Column>,
}

impl OverDatasets {
    /// Names what the query reads out of these names.
    pub fn dataset<'a>(&self, candidates: &'a [TableName]) -> Option<&'a TableName> {
        candidates.iter().find(|name| self.datasets.contains(name))
    }
}

impl Statement {
    /// Plans a CREATE MATERIALIZED VIEW over datasets. `query` is its query for DataFusion,
    /// `columns` are the query's, and `given` the same as DataFusion gives them.
    ///
    /// # Errors
    /// 42601 when the statement names more columns than there are; 42701 for a name twice.
    pub fn view_plan_over(
        &self,
        query: String,
        search_path: &[String],
        columns: &[Column],
        given: &[Column],
        mut datasets: Vec<TableName>,
    ) -> Result<ViewPlan> {
        let Some(ast::Statement::CreateView(view)) = self.tree.as_deref() else {
            return Err(Error::internal("not a CREATE MATERIALIZED VIEW"));
        };
        let tree = ast::Statement::Query(view.query.clone());
        let inputs = crate::sql::classify::tables(&tree)?;
        datasets.dedup();
        let names: Vec<String> = datasets.iter().map(|name| name.table.clone()).collect();
        let reason = match names.as_slice() {
            [one] => format!("it reads the Arrow dataset {one}"),
            many => format!("it reads the Arrow datasets {}", many.join(", ")),
        };
        let stored = |(place, column): (usize, &Column)| {
            let typmod =
                given.get(place).map_or(column.typmod, |given| stored_typmod(column, given));
            Column::with_typmod(format!("c{place}"), column.pg_type, typmod)
        };
        let columns_of_storage = columns.iter().enumerate().map(stored).collect();
        Ok(ViewPlan {
            columns: labels(view, columns)?,
            query,
            inputs: inputs.iter().map(|table| table.candidates(search_path).collect()).collect(),
            calls: functions_in(&tree).into_iter().map(|function| function.table).collect(),
            upkeep: Upkeep::Recompute { reason },
            over: Some(OverDatasets { datasets, columns: columns_of_storage }),
        })
    }
}

/// The type modifier of a column of the storage: a number of no declared scale keeps the digits
/// that DataFusion gives it.
fn stored_typmod(column: &Column, given: &Column) -> i32 {
    if column.pg_type != PgType::NUMERIC || column.typmod >= 0 {
        return column.typmod;
    }
    match given.pg_type {
        PgType::INT2 | PgType::INT4 | PgType::INT8 => numeric_typmod(38, 0),
        PgType::FLOAT4 | PgType::FLOAT8 => numeric_typmod(38, 16),
        _ => given.typmod,
    }
}
