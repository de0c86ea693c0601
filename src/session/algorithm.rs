//! CALL of an algorithm: its inputs are read as any query's, it is computed beside the Writer, and
//! its rows are the call's result, or one intent.

use std::pin::pin;
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::StreamExt;
use tracing::Instrument;

use super::block::Scope;
use super::run::{Outcome, Rows, RowsTag};
use super::write::outcome;
use super::{Session, StatementGuard};
use crate::algorithm::{Computed, Matching, Mode, OutputRequest, Room, run, run_query};
use crate::error::{Error, Result};
use crate::intent::Body;
use crate::router::{AlgorithmCall, StatementContext};
use crate::sql::{PolarsTarget, Routine, Statement};
use crate::sqlstate::SqlState;
use crate::task;
use crate::types::{self, Column, Value};

impl Session {
    /// Runs an algorithm.
    pub(super) async fn call_algorithm(
        &mut self,
        statement: &Statement,
        call: AlgorithmCall,
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        let arguments = call.request.arguments(call.algorithm.as_ref(), params)?;
        let output = call.request.output.clone();
        if let Some(done) = self.claim_output(output.as_ref(), statement, params, guard).await? {
            return Ok(done);
        }
        let mut room = self.services.router.algorithms.room();
        let mut inputs = Vec::with_capacity(call.inputs.len());
        for (shape, query) in call.inputs {
            let rows = self.gather_rows(&query, &shape.columns, &mut room, guard).await?;
            inputs.push((shape, rows));
        }
        let algorithm = call.algorithm;
        let runs = Arc::clone(self.services.router.algorithms.runs());
        let token = guard.token();
        let span = tracing::info_span!("algorithm", name = algorithm.name());
        let computed = task::blocking(move || {
            let is_canceled = || token.is_cancelled();
            span.in_scope(|| run(algorithm.as_ref(), inputs, &arguments, &runs, &is_canceled))
        })
        .await?;
        self.give(statement, output.as_ref(), computed, guard).await
    }

    /// Runs a procedure in language polars: its tables are read as any query's, and Polars runs
    /// its query over their rows.
    pub(super) async fn call_polars(
        &mut self,
        statement: &Statement,
        routine: &Routine,
        body: &[Statement],
        values: &[Value],
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        let [body] = body else {
            return Err(Error::unsupported("a procedure in language polars is one statement"));
        };
        let (query, target) = body.polars_parts()?;
        let output = output_of(target);
        if let Some(done) = self.claim_output(output.as_ref(), statement, values, guard).await? {
            return Ok(done);
        }
        let context = self.context(guard).await?;
        let query = self.services.router.body_statement(routine, &query, false, &context).await?;
        let query = query.polars_query(&routine.identity(), values)?;
        let mut room = self.services.router.algorithms.room();
        let mut tables = Vec::with_capacity(query.tables.len());
        for (name, table) in &query.tables {
            let (all, columns) = self.services.router.all_of(table, &context).await?;
            let rows = self.gather_rows(&all, &columns, &mut room, guard).await?;
            tables.push((name.clone(), columns, rows));
        }
        let name = format!("{}.{}", routine.schema, routine.name);
        let runs = Arc::clone(self.services.router.algorithms.runs());
        let span = tracing::info_span!("algorithm", name);
        let computed =
            task::blocking(move || span.in_scope(|| run_query(&name, &query.sql, tables, &runs)))
                .await?;
        self.give(statement, output.as_ref(), computed, guard).await
    }

    /// Checks that an output may be written; gives what the same call with the same key gave.
    async fn claim_output(
        &mut self,
        output: Option<&OutputRequest>,
        statement: &Statement,
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<Option<Outcome>> {
        if output.is_none() {
            return Ok(None);
        }
        self.check_may_write("CALL")?;
        let claimed = self.claim_statement(statement, params, guard).await?;
        claimed.map(|(_, applied)| outcome(applied)).transpose()
    }

    /// Gives computed rows to the client, or to the table that is to have them.
    async fn give(
        &mut self,
        statement: &Statement,
        output: Option<&OutputRequest>,
        computed: Computed,
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        match output {
            None => Ok(rows_of(computed)),
            Some(output) => self.write_computed(statement, output, computed, guard).await,
        }
    }

    /// Runs a query for all of its rows, in the storage schema of these columns, which are its own.
    ///
    /// # Errors
    /// 53400 when they take more bytes than there is room for.
    pub(super) async fn gather_rows(
        &mut self,
        query: &Statement,
        columns: &[Column],
        room: &mut Room,
        guard: &StatementGuard,
    ) -> Result<Vec<RecordBatch>> {
        let schema = types::storage_schema(columns)?;
        let Outcome::Rows(mut rows) =
            Box::pin(self.run_kind(query, &[], Vec::new(), guard)).await?
        else {
            return Err(Error::internal("a query gave no rows"));
        };
        let mut batches = Vec::new();
        while let Some(batch) = rows.next().await? {
            let batch = types::cast_batch(&batch, schema.clone())?;
            room.take(&batch)?;
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Makes computed rows an intent, and waits until it is applied.
    pub(super) async fn write_computed(
        &mut self,
        statement: &Statement,
        output: &OutputRequest,
        computed: Computed,
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        let context = self.context(guard).await?;
        let (body, creates) = self.computed_body(output, computed.clone(), &context).await?;
        let text = &statement.text;
        let applied = if self.is_in_block() {
            let table = body.table().cloned();
            let (holds, scope) = if creates {
                (table.into_iter().collect(), Scope::Definitions)
            } else {
                (self.services.router.followed(table.into_iter()), Scope::Rows)
            };
            self.write_in_transaction(text, body, holds, scope, &context, guard).await?
        } else {
            match self.append(text, body, &context, guard).await {
                // Another call has made it meanwhile.
                Err(error) if creates && may_be_filled(&error, output) => {
                    self.services.router.columns.forget();
                    let (body, _) = self.computed_body(output, computed, &context).await?;
                    self.append(text, body, &context, guard).await?
                }
                applied => applied?,
            }
        };
        if creates {
            self.services.router.columns.forget();
        }
        Ok(Outcome::Done(if applied.tag.starts_with("SELECT") {
            "CALL".to_owned()
        } else {
            applied.tag
        }))
    }
}

impl Session {
    /// Builds the body of computed rows; tells whether it makes their table.
    async fn computed_body(
        &self,
        output: &OutputRequest,
        computed: Computed,
        context: &StatementContext,
    ) -> Result<(Body, bool)> {
        let body = pin!(self.services.router.output_body(output, computed, context));
        body.instrument(tracing::info_span!("stage")).await
    }
}

/// Tells whether a table that could not be made may be filled as it is.
fn may_be_filled(error: &Error, output: &OutputRequest) -> bool {
    error.code() == SqlState::DUPLICATE_TABLE && output.mode != Mode::Create
}

/// Where the rows of a procedure in language polars go.
fn output_of(target: PolarsTarget) -> Option<OutputRequest> {
    let (table, mode, storage, matching) = match target {
        PolarsTarget::Result => return None,
        PolarsTarget::Insert { table, columns } => {
            (table, Mode::Append, None, Matching::Places(columns))
        }
        PolarsTarget::Create { table, storage } => (table, Mode::Create, storage, Matching::Names),
    };
    Some(OutputRequest { table, mode, storage, matching })
}

/// Makes computed rows the call's result.
pub(super) fn rows_of(computed: Computed) -> Outcome {
    let Computed { columns, batches } = computed;
    let stream = futures::stream::iter(batches.into_iter().map(Ok)).boxed();
    Outcome::Rows(Box::new(Rows::new(columns, stream, RowsTag::Fixed("CALL".to_owned()))))
}
