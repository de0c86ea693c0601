//! The statements of a procedure as one intent, where all of them change rows of DuckDB's tables or
//! read them.

use crate::error::Result;
use crate::intent::{Body, TagKind};
use crate::router::{Router, StatementContext};
use crate::sql::{Effect, Kind, Routine, Statement, Tag, Write};
use crate::types::{PgType, Value};

impl Router {
    /// Builds the changes that a procedure makes; `None` when it does something else, or nothing.
    pub async fn batch(
        &self,
        routine: &Routine,
        statements: &[Statement],
        values: &[Value],
        context: &StatementContext,
    ) -> Result<Option<Vec<Body>>> {
        let changes = |one: &Statement| matches!(one.kind, Kind::Write(_));
        if !statements.iter().any(changes)
            || !statements.iter().all(|one| self.is_of_rows(one, context))
        {
            return Ok(None);
        }
        let context = StatementContext { unstaged: true, ..context.clone() };
        let declared: Vec<Option<PgType>> = routine.identity().into_iter().map(Some).collect();
        let mut bodies = Vec::with_capacity(statements.len());
        for (place, statement) in statements.iter().enumerate() {
            let is_last = place + 1 == statements.len();
            let made = self.body_statement(routine, statement, is_last, &context).await?;
            let (made, used) = made.with_used_params();
            let types: Vec<Option<PgType>> = used.iter().map(|&place| declared[place]).collect();
            let params: Vec<Value> = used.iter().map(|&place| values[place].clone()).collect();
            bodies.push(match &made.kind {
                Kind::Write(write) => self.body(&made, write, &types, params, &context).await?,
                _ => {
                    let names = self.names_of(&made, made.tables(), &types, &context).await?;
                    Body::Statement {
                        sql: made.duckdb_sql(&names, &types)?,
                        params,
                        table: None,
                        tag: TagKind::Select,
                        returning: is_last && routine.outputs().next().is_some(),
                        effect: Effect::default(),
                        draws: Vec::new(),
                    }
                }
            });
        }
        Ok(Some(bodies))
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
