//! `INSERT … VALUES` as typed rows.
//!
//! What an INSERT of literals and parameters means for its table is worked out once (`plan.rs`),
//! and kept with the statement as long as no definition changes: then a run of it only puts its
//! parameters into place. Whatever is not exactly known here goes on as a statement.

use std::sync::Arc;

use super::plan::{InsertPlan, plan};
use crate::engine::duckdb::Relation;
use crate::error::Result;
use crate::intent::{Body, Moment};
use crate::router::{Router, StatementContext};
use crate::sql::trigger::Event;
use crate::sql::{Statement, TableRef, Write};
use crate::types::{PgType, Value};

impl Router {
    /// Builds the body of an INSERT's intent from typed rows; `None` when it must go on as a
    /// statement, with the parameters as they were.
    ///
    /// # Errors
    /// 22P02, 22003, 23502 and their like for values that cannot be stored.
    pub(super) async fn values_body(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        params: &mut Vec<Value>,
        context: &StatementContext,
    ) -> Result<Option<Body>> {
        match self.insert_plan(statement, write, types, context).await? {
            Some(plan) => plan.body(std::mem::take(params)).map(Some),
            None => Ok(None),
        }
    }

    /// The same where the statement has run before and nothing has changed since.
    pub(super) fn known_values(
        &self,
        statement: &Statement,
        types: &[Option<PgType>],
        params: &mut Vec<Value>,
        context: &StatementContext,
    ) -> Result<Option<Body>> {
        if context.has_own_definitions() {
            return Ok(None);
        }
        match self.known_plan(statement, types, context) {
            Some(plan) => plan.body(std::mem::take(params)).map(Some),
            None => Ok(None),
        }
    }

    fn known_plan(
        &self,
        statement: &Statement,
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Option<Arc<InsertPlan>> {
        let plan = statement.memo.get::<InsertPlan>()?;
        plan.is_for(self.log.definitions(), types, context).then_some(plan)
    }

    /// Returns the types of an INSERT's parameters, where its rows can be planned.
    pub(super) async fn planned_params(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Option<Vec<PgType>>> {
        let plan = self.insert_plan(statement, write, types, context).await?;
        Ok(plan.map(|plan| plan.params.clone()))
    }

    async fn insert_plan(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Option<Arc<InsertPlan>>> {
        let Write::Insert {
            table,
            columns,
            values: true,
            returning: false,
            on_conflict: false,
            ..
        } = write
        else {
            return Ok(None);
        };
        if context.has_own_definitions() {
            return Ok(None);
        }
        if let Some(plan) = self.known_plan(statement, types, context) {
            return Ok(Some(plan));
        }
        let Some(cells) = statement.literal_rows() else { return Ok(None) };
        // The table may be one that is acknowledged and not made yet.
        self.wait_for_definitions(context).await?;
        let moment = self.log.definitions();
        let Some(shape) = self.shape(moment, table, context).await? else { return Ok(None) };
        let Relation::Table(shape) = &*shape else { return Ok(None) };
        let surroundings = (moment, context.query.search_path.clone(), context.input_style);
        let mut plan = plan(shape, columns, cells, types, statement.param_count, surroundings)?;
        // What triggers do may fail, and foreign keys may refuse a row.
        if let Some(plan) = &mut plan
            && self.pipelines.graph().looks_at(&shape.name, &[Event::Insert])
        {
            plan.certain = false;
        }
        let plan = plan.map(Arc::new);
        if let Some(plan) = &plan
            && statement.param_count > 0
        {
            statement.memo.put(Arc::clone(plan));
        }
        Ok(plan)
    }

    /// Finds what a name means on the search path.
    async fn shape(
        &self,
        moment: Moment,
        table: &TableRef,
        context: &StatementContext,
    ) -> Result<Option<Arc<Relation>>> {
        for name in table.candidates(&context.query.search_path) {
            let relation = self.relation(moment, &name).await?;
            if *relation != Relation::Missing {
                return Ok(Some(relation));
            }
        }
        Ok(None)
    }
}
