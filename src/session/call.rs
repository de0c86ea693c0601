//! CALL of a procedure that a user wrote: one intent where it changes rows alone, else a
//! transaction of the session; inside of a transaction block, statements of that.

use arrow::array::AsArray;
use futures::StreamExt;

use super::run::{Outcome, Rows, RowsTag};
use super::write::{now, outcome};
use super::{Session, StatementGuard};
use crate::error::{Error, Result};
use crate::intent::Body;
use crate::router::{Called, output_columns};
use crate::sql::{
    Argument, Call, CallArgument, Kind, Language, Routine, RoutineArgument, Statement,
    TransactionStatement, parse, parse_body, shows_as,
};
use crate::sqlstate::SqlState;
use crate::types::{self, PgType, Value};

/// How deep procedures may call each other.
const DEPTH_MAX: usize = 32;

impl Session {
    /// Runs a CALL.
    pub(super) async fn call(
        &mut self,
        statement: &Statement,
        call: &Call,
        types: &[Option<PgType>],
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        let context = self.context(guard).await?;
        if let Some(computed) = self.services.router.algorithm(call, &context).await? {
            return Box::pin(self.call_algorithm(statement, computed, params, guard)).await;
        }
        let Some(called) = self.services.router.procedure(call, types, &context).await? else {
            self.check_may_write("CALL")?;
            self.check_alone("CALL")?;
            return self.call_built_in(statement, call, params, guard).await;
        };
        if self.call_depth >= DEPTH_MAX {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
                .with_hint(format!("Procedures may call each other {DEPTH_MAX} deep.")));
        }
        let values = self.call_values(call, &called, types, params, guard).await?;
        self.call_depth += 1;
        let done = Box::pin(self.call_routine(statement, &called.routine, &values, params, guard));
        let done = done.await;
        self.call_depth -= 1;
        done
    }

    async fn call_routine(
        &mut self,
        statement: &Statement,
        routine: &Routine,
        values: &[Value],
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        let statements = parse_body(routine)?;
        if routine.language == Language::Polars {
            return self.call_polars(statement, routine, &statements, values, guard).await;
        }
        statements.iter().try_for_each(|one| check_allowed(&one.kind))?;
        if self.is_in_block() {
            return self.run_body(routine, &statements, values, guard).await;
        }
        if let Some((_, applied)) = self.claim_statement(statement, params, guard).await? {
            return call_outcome(outcome(applied)?, routine).await;
        }
        let mut context = self.context(guard).await?;
        context.moment = Some(now());
        let router = &self.services.router;
        let bodies = if context.has_temporary {
            None
        } else {
            router.batch(routine, &statements, values, &context).await?
        };
        if let Some(bodies) = bodies {
            self.check_may_write("CALL")?;
            let procedure = format!("{}.{}", routine.schema, routine.name);
            let body = Body::Batch { procedure, bodies };
            let applied = self.append(&statement.text, body, &context, guard).await?;
            return call_outcome(outcome(applied)?, routine).await;
        }
        self.begin_implicit();
        let done = self.run_body(routine, &statements, values, guard).await;
        if done.is_err() {
            self.fail();
        }
        self.end_implicit().await?;
        done
    }

    /// Runs a procedure's statements one after the other, in the transaction that is open.
    async fn run_body(
        &mut self,
        routine: &Routine,
        statements: &[Statement],
        values: &[Value],
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        let declared: Vec<Option<PgType>> = routine.identity().into_iter().map(Some).collect();
        let mut last = Outcome::Empty;
        for (place, statement) in statements.iter().enumerate() {
            drain(last).await?;
            let is_last = place + 1 == statements.len();
            let context = self.context(guard).await?;
            let router = &self.services.router;
            let made = router.body_statement(routine, statement, is_last, &context).await?;
            let (made, used) = made.with_used_params();
            let types: Vec<Option<PgType>> = used.iter().map(|&place| declared[place]).collect();
            let params = used.iter().map(|&place| values[place].clone()).collect();
            last = Box::pin(self.run_kind(&made, &types, params, guard)).await?;
        }
        call_outcome(last, routine).await
    }

    /// Evaluates a call's arguments: the values of the procedure's inputs, of their types.
    async fn call_values(
        &mut self,
        call: &Call,
        called: &Called,
        types: &[Option<PgType>],
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<Vec<Value>> {
        let style = self.settings.input_style();
        let mut values: Vec<Option<Value>> = Vec::new();
        let (mut casts, mut open) = (Vec::new(), Vec::new());
        for (argument, taken) in called.routine.places().zip(&called.arranged) {
            if !argument.mode.is_given() {
                continue;
            }
            let given = taken.map(|index| &call.args[index]);
            let plain = match given {
                Some(given) => simple(given, argument, types, params),
                None => None,
            };
            match plain {
                Some(Value::Text(text)) => {
                    values.push(Some(types::from_text(argument.pg_type, &text, style)?));
                }
                Some(value) => values.push(Some(value)),
                None => {
                    let sql = given.map(|given| given.sql.as_str()).or(argument.default.as_deref());
                    casts.push(format!(
                        "CAST(CAST({} AS {}) AS text)",
                        sql.unwrap_or("NULL"),
                        argument.pg_type.sql_name()
                    ));
                    open.push((values.len(), argument.pg_type));
                    values.push(None);
                }
            }
        }
        if !casts.is_empty() {
            let sql = format!("SELECT {}", casts.join(", "));
            let texts = self.one_row(&sql, types, params, guard).await?;
            for ((place, pg_type), text) in open.into_iter().zip(texts) {
                values[place] = Some(match text {
                    Some(text) => types::from_text(pg_type, &text, style)?,
                    None => Value::Null,
                });
            }
        }
        Ok(values.into_iter().map(|value| value.unwrap_or(Value::Null)).collect())
    }

    /// Runs a query of texts for its one row.
    async fn one_row(
        &mut self,
        sql: &str,
        types: &[Option<PgType>],
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<Vec<Option<String>>> {
        let parsed = parse(sql)?;
        let statement = parsed.first().ok_or_else(|| Error::internal("no query"))?;
        let (statement, used) = statement.with_used_params();
        let types: Vec<Option<PgType>> =
            used.iter().map(|&place| types.get(place).copied().flatten()).collect();
        let given = used.iter().map(|&place| params.get(place).cloned().unwrap_or(Value::Null));
        let given = given.collect();
        let Outcome::Rows(mut rows) =
            Box::pin(self.run_kind(&statement, &types, given, guard)).await?
        else {
            return Err(Error::internal("a query gave no rows"));
        };
        let mut found = Vec::new();
        while let Some(batch) = rows.next().await? {
            if batch.num_rows() > 0 && found.is_empty() {
                let text = |column: &arrow::array::ArrayRef| {
                    let texts = column.as_string_opt::<i32>();
                    texts.and_then(|texts| texts.iter().next().flatten().map(str::to_owned))
                };
                found = batch.columns().iter().map(text).collect();
            }
        }
        Ok(found)
    }
}

/// The value of a literal or a parameter that needs no engine; a text is still to be read.
fn simple(
    given: &CallArgument,
    argument: &RoutineArgument,
    types: &[Option<PgType>],
    params: &[Value],
) -> Option<Value> {
    use crate::types::ScalarType as T;
    let plain = given.plain.as_ref().filter(|_| given.is_bare)?;
    match plain {
        Argument::Param(number) => {
            let known = types.get(number - 1).copied().flatten();
            let value = params.get(number - 1)?;
            let fits = known == Some(argument.pg_type) || *value == Value::Null;
            // A text is given as it is: to read it again would be wrong only for other types.
            let is_text = argument.pg_type.scalar().is_text() && !argument.pg_type.is_array();
            match value {
                Value::Text(_) if !is_text => None,
                value => fits.then(|| value.clone()),
            }
        }
        Argument::Literal(Value::Int8(number)) => match argument.pg_type {
            PgType::Scalar(T::Int2 | T::Int4 | T::Int8 | T::Numeric | T::Float4 | T::Float8) => {
                Some(Value::Text(number.to_string()))
            }
            _ => None,
        },
        Argument::Literal(Value::Bool(value)) if argument.pg_type == PgType::BOOL => {
            Some(Value::Bool(*value))
        }
        Argument::Literal(value @ (Value::Null | Value::Text(_))) => Some(value.clone()),
        Argument::Literal(_) => None,
    }
}

/// Refuses what a procedure's body cannot do.
fn check_allowed(kind: &Kind) -> Result<()> {
    let word = match kind {
        Kind::Transaction(control) => match control {
            TransactionStatement::Begin { start: true, .. } => "START TRANSACTION",
            TransactionStatement::Begin { .. } => "BEGIN",
            TransactionStatement::Commit { .. } => "COMMIT",
            TransactionStatement::Rollback { .. } | TransactionStatement::RollbackTo(_) => {
                "ROLLBACK"
            }
            TransactionStatement::Savepoint(_) => "SAVEPOINT",
            TransactionStatement::Release(_) => "RELEASE",
            TransactionStatement::SetConstraints { .. } => "SET CONSTRAINTS",
        },
        Kind::CopyOut(copy) if copy.file.is_some() => return Ok(()),
        Kind::CopyIn(_) | Kind::CopyOut(_) => {
            return Err(Error::unsupported("cannot COPY to/from client in an SQL function"));
        }
        _ => return Ok(()),
    };
    Err(Error::unsupported(format!("{word} is not allowed in an SQL function")))
}

/// Runs a query that nobody waits for to its end.
async fn drain(outcome: Outcome) -> Result<()> {
    if let Outcome::Rows(mut rows) = outcome {
        while rows.next().await?.is_some() {}
    }
    Ok(())
}

/// Makes the outcome of a procedure of that of its last statement.
async fn call_outcome(last: Outcome, routine: &Routine) -> Result<Outcome> {
    let columns = output_columns(routine);
    if columns.is_empty() {
        drain(last).await?;
        return Ok(Outcome::Done("CALL".to_owned()));
    }
    let Outcome::Rows(mut rows) = last else {
        return Err(Error::internal("a procedure gave no rows"));
    };
    let mut first = None;
    while let Some(batch) = rows.next().await? {
        if first.is_none() && batch.num_rows() > 0 {
            first = Some(batch.slice(0, 1));
        }
    }
    let Some(first) = first else {
        return Err(Error::new(SqlState::INTERNAL_ERROR, "procedure returned null record"));
    };
    let mut shown = std::mem::take(&mut rows.columns);
    for (column, wanted) in shown.iter_mut().zip(columns) {
        column.name = wanted.name;
        column.origin = None;
        if shows_as(column.pg_type, wanted.pg_type) {
            (column.pg_type, column.typmod) = (wanted.pg_type, -1);
        }
    }
    let stream = futures::stream::iter([Ok(first)]).boxed();
    Ok(Outcome::Rows(Box::new(Rows::new(shown, stream, RowsTag::Fixed("CALL".to_owned())))))
}
