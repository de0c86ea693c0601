//! An INSERT into a dataset in a trigger's procedure: its query as DuckDB's SQL over the transition
//! tables. The rows get to the dataset behind the transaction.

use super::batch::{Step, with_arguments};
use super::dataset::refuse_on_dataset;
use super::insert::assigned_types;
use super::trigger::note;
use crate::error::{Error, Result};
use crate::intent::{Body, Deliver};
use crate::router::{Router, StatementContext};
use crate::sql::trigger::Trigger;
use crate::sql::{Kind, Statement, Write};
use crate::types::Value;

impl Router {
    /// Makes a step of a statement that inserts into a dataset; `None` when it does not. `own` are
    /// the names that stand for the transition tables.
    ///
    /// # Errors
    /// What is wrong with the statement; 0A000 for a query of datasets.
    pub(super) async fn deliver_step(
        &self,
        trigger: &mut Trigger,
        statement: &Statement,
        own: &[String],
        values: &[Value],
        context: &StatementContext,
    ) -> Result<Option<Body>> {
        let Kind::Write(write @ Write::Insert { table, columns, .. }) = &statement.kind else {
            return Ok(None);
        };
        let Some(dataset) = self.dataset_of(table, &context.query.search_path) else {
            return Ok(None);
        };
        refuse_on_dataset(write)?;
        let mut target = self.dataset_target(&dataset, columns)?;
        let made = self.body_statement(&trigger.routine, statement, false, context).await?;
        let (made, types, params) = with_arguments(made, &trigger.routine, values);
        let types = assigned_types(&made, &types, &target.columns);
        let source = made
            .source_query()
            .ok_or_else(|| Error::unsupported("INSERT … DEFAULT VALUES needs a DuckDB table"))?;
        let Kind::Read(read) = &source.kind else {
            return Err(Error::unsupported("a trigger's rows must come from a query"));
        };
        if !self.is_step(&Step::Rows(source.clone()), context) {
            return Err(Error::unsupported(
                "a trigger's INSERT into an Arrow dataset can only read DuckDB tables",
            ));
        }
        for table in source.tables().iter().filter(|table| !own.contains(&table.table)) {
            note(&mut trigger.names, self.existing(table, context).await?);
        }
        let given = self.describe(&source, read, &types, context).await?.columns;
        if made.names_no_columns() {
            target.narrow_to(given.len());
        }
        target.check_width(given.len())?;
        target.check_types(&given)?;
        let names = self.names_of(&source, source.tables(), &types, context).await?;
        let sql = source.duckdb_sql(&names, &types)?;
        Ok(Some(Body::Deliver(Box::new(Deliver { sql, params, target: target.as_dataset() }))))
    }
}
