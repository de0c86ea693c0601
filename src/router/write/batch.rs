//! The statements of a procedure as one intent, where all of them change rows of DuckDB's tables or
//! read them, for a file or to notify.

use crate::error::{Error, Result};
use crate::intent::{Body, Export, TagKind};
use crate::router::{Router, StatementContext};
use crate::sql::{CopyFile, CopyOut, Effect, Kind, Routine, Statement, Tag, Write};
use crate::types::{PgType, Value};

/// What one of a procedure's statements is.
pub(super) enum Step {
    Rows(Statement),
    /// A query of channels and payloads.
    Notifications(Statement),
    /// A query whose rows go to a file.
    File(Box<CopyOut>, CopyFile),
}

impl Step {
    pub(super) fn of(statement: &Statement) -> Result<Step> {
        if let Kind::CopyOut(copy) = &statement.kind
            && let Some(file) = &copy.file
        {
            return Ok(Step::File(copy.clone(), file.clone()));
        }
        Ok(match statement.as_notifications()? {
            Some(query) => Step::Notifications(query),
            None => Step::Rows(statement.clone()),
        })
    }

    pub(super) fn statement(&self) -> &Statement {
        match self {
            Step::Rows(statement) | Step::Notifications(statement) => statement,
            Step::File(copy, _) => &copy.query,
        }
    }
}

impl Router {
    /// Builds the changes that a procedure makes; `None` when it does something else, or nothing.
    pub async fn batch(
        &self,
        routine: &Routine,
        statements: &[Statement],
        values: &[Value],
        context: &StatementContext,
    ) -> Result<Option<Vec<Body>>> {
        let mut steps = Vec::with_capacity(statements.len());
        let mut changes = false;
        for statement in statements {
            let step = Step::of(statement)?;
            changes |= !matches!(step, Step::Rows(_)) || matches!(statement.kind, Kind::Write(_));
            if !self.is_step(&step, context) {
                return Ok(None);
            }
            steps.push(step);
        }
        if !changes {
            return Ok(None);
        }
        let context = StatementContext { unstaged: true, ..context.clone() };
        let mut bodies = Vec::with_capacity(steps.len());
        for (place, step) in steps.iter().enumerate() {
            let is_last = place + 1 == statements.len();
            bodies.push(self.step(routine, step, is_last, values, &context).await?);
        }
        Ok(Some(bodies))
    }

    /// Builds what one of a procedure's statements does.
    pub(super) async fn step(
        &self,
        routine: &Routine,
        step: &Step,
        is_last: bool,
        values: &[Value],
        context: &StatementContext,
    ) -> Result<Body> {
        let statement = step.statement();
        let is_last = is_last && matches!(step, Step::Rows(_));
        let made = self.body_statement(routine, statement, is_last, context).await?;
        let (made, types, params) = with_arguments(made, routine, values);
        let read = match &made.kind {
            Kind::Write(write) => {
                return self.body(&made, write, &types, params, context).await;
            }
            Kind::Read(read) => read,
            _ => return Err(Error::internal("not a step of a procedure")),
        };
        let names = self.names_of(&made, made.tables(), &types, context).await?;
        let sql = made.duckdb_sql(&names, &types)?;
        if let Step::File(copy, file) = step {
            let columns = self.describe(&made, read, &types, context).await?.columns;
            let quoted = copy.quoted(&columns)?;
            let (options, CopyFile { name, form }) = (copy.options.clone(), file.clone());
            let export = Export { sql, params, columns, name, form, options, quoted };
            return Ok(Body::Export(Box::new(export)));
        }
        if matches!(step, Step::Notifications(_)) {
            return Ok(Body::Notify { sql, params });
        }
        Ok(Body::Statement {
            sql,
            params,
            table: None,
            tag: TagKind::Select,
            returning: is_last && routine.outputs().next().is_some(),
            effect: Effect::default(),
            draws: Vec::new(),
        })
    }

    /// Tells whether a step is one that the Writer can make.
    pub(super) fn is_step(&self, step: &Step, context: &StatementContext) -> bool {
        let reads = matches!(step.statement().kind, Kind::Read(_));
        (reads || matches!(step, Step::Rows(_))) && self.is_of_rows(step.statement(), context)
    }

    /// Tells whether a statement changes or reads rows of DuckDB's tables, and means the same at
    /// the Writer's turn as in the session.
    fn is_of_rows(&self, statement: &Statement, context: &StatementContext) -> bool {
        let is_dml = match &statement.kind {
            Kind::Read(read) => !read.native,
            Kind::Write(Write::Insert { .. } | Write::Update { .. } | Write::Delete { .. }) => true,
            Kind::Write(Write::Other { tag: Tag::Counted("MERGE"), .. }) => true,
            _ => false,
        };
        let is_own = |schema: &Option<String>| schema.as_deref() == Some("teatree");
        is_dml
            && !statement.is_native()
            && !statement.calls_session()
            && !statement.is_random_query()
            && !statement.tables().iter().any(|table| is_own(&table.schema))
            && self.storages(statement.tables(), &context.query.search_path).arrow.is_empty()
    }
}

/// Gives a procedure's statement the arguments that it uses, and their types.
pub(super) fn with_arguments(
    statement: Statement,
    routine: &Routine,
    values: &[Value],
) -> (Statement, Vec<Option<PgType>>, Vec<Value>) {
    let declared: Vec<PgType> = routine.identity().into_iter().collect();
    let (statement, used) = statement.with_used_params();
    let types = used.iter().map(|&place| Some(declared[place])).collect();
    let params = used.iter().map(|&place| values[place].clone()).collect();
    (statement, types, params)
}
