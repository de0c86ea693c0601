//! A CALL of an algorithm in a trigger's procedure: its inputs as DuckDB's SQL over the transition
//! tables, and the table that gets its rows, which must be there.

use crate::error::{Error, Result};
use crate::intent::{Body, Compute, ComputeInput, Storage};
use crate::router::{Router, StatementContext};
use crate::sql::trigger::Trigger;
use crate::sql::{Kind, Statement};
use crate::sqlstate::SqlState;
use crate::types::Value;

use super::trigger::note;

impl Router {
    /// Makes a step of a statement that calls an algorithm; `None` when it does not. `names` are
    /// the transition tables, and what stands for them.
    ///
    /// # Errors
    /// What is wrong with the call; 42P01 for an output that is not there; 0A000 for datasets.
    pub(super) async fn compute_step(
        &self,
        trigger: &mut Trigger,
        statement: &Statement,
        names: &[(&str, String)],
        values: &[Value],
        context: &StatementContext,
    ) -> Result<Option<Body>> {
        if !matches!(statement.kind, Kind::Call(_)) {
            return Ok(None);
        }
        let made = self.body_statement(&trigger.routine, statement, false, context).await?;
        let (made, used) = made.with_used_params();
        let Kind::Call(call) = &made.kind else { return Ok(None) };
        let params: Vec<Value> = used.iter().map(|&place| values[place].clone()).collect();
        let Some(found) = self.algorithm_over(call, names, context).await? else {
            return Ok(None);
        };
        found.request.arguments(found.algorithm.as_ref(), &params)?;
        let Some(output) = &found.request.output else {
            return Err(Error::unsupported(
                "an algorithm in a trigger's procedure needs an output",
            )
            .with_hint("Give the table that gets its rows: output => 'table'."));
        };
        let mut inputs = Vec::with_capacity(found.inputs.len());
        for (shape, query) in &found.inputs {
            let sql = self.input_sql(trigger, query, names, context).await?;
            inputs.push(ComputeInput { columns: shape.columns.clone(), sql });
        }
        let computed = found.columns();
        let Some(target) = self.output_target(output, &computed, context).await? else {
            let message = format!("relation \"{}\" does not exist", output.table.table);
            return Err(Error::new(SqlState::UNDEFINED_TABLE, message)
                .with_hint("Create the table that gets the algorithm's rows first."));
        };
        let dataset = (target.storage == Storage::Arrow).then(|| target.as_dataset());
        if dataset.is_none() {
            note(&mut trigger.writes, target.table.clone());
        }
        Ok(Some(Body::Compute(Box::new(Compute {
            algorithm: found.algorithm.name().to_owned(),
            inputs,
            arguments: found.request.values(&params)?,
            table: target.table,
            columns: target.columns,
            computed: computed.into_iter().map(|column| column.name).collect(),
            replaces: output.replaces(),
            dataset,
        }))))
    }

    async fn input_sql(
        &self,
        trigger: &mut Trigger,
        query: &Statement,
        names: &[(&str, String)],
        context: &StatementContext,
    ) -> Result<String> {
        let tables = query.tables();
        if !self.storages(tables, &context.query.search_path).arrow.is_empty() {
            return Err(Error::unsupported("an algorithm in a trigger cannot read Arrow datasets"));
        }
        for table in tables {
            if !names.iter().any(|(_, to)| *to == table.table) {
                note(&mut trigger.names, self.existing(table, context).await?);
            }
        }
        let known = self.names_of(query, tables, &[], context).await?;
        query.duckdb_sql(&known, &[])
    }
}
