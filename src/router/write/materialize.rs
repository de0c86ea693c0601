//! CREATE MATERIALIZED VIEW, and what other writes tell the views that follow their tables.

use crate::error::{Error, Result};
use crate::intent::{Body, ViewRows};
use crate::pipeline::view_storage;
use crate::router::view::ViewQuery;
use crate::router::{EngineSetting, Router, StatementContext};
use crate::sql::rewrite::NameContext;
use crate::sql::view::ViewPlan;
use crate::sql::{
    Definition, Effect, Kind, MaterializedView, Read, Statement, TableRef, Tag, Write,
};
use crate::sqlstate::SqlState;
use crate::types::{PgType, Value};

use super::tag_kind;

impl Router {
    /// Builds the body of a CREATE MATERIALIZED VIEW.
    pub(super) async fn materialize(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        params: &[Value],
        context: &StatementContext,
    ) -> Result<Body> {
        let Write::Materialize { view, if_not_exists, refresh, with_data, .. } = write else {
            return Err(Error::internal("not a CREATE MATERIALIZED VIEW"));
        };
        if !params.is_empty() {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "materialized views may not be defined using bound parameters",
            ));
        }
        let name = view.to_create(&context.query.search_path)?;
        let source = statement
            .source_query()
            .ok_or_else(|| Error::syntax("CREATE MATERIALIZED VIEW needs a query"))?;
        let Kind::Read(read) = &source.kind else {
            return Err(Error::syntax("CREATE MATERIALIZED VIEW needs a query"));
        };
        self.check_database(&read.tables)?;
        let plan = self.view_plan(statement, &source, read, types, context).await?;
        let view = MaterializedView {
            name: name.clone(),
            if_not_exists: *if_not_exists,
            plan,
            text: source.text.clone(),
            refresh: *refresh,
            with_data: *with_data,
            id: rand::random(),
            search_path: context.query.search_path.clone(),
            time_zone: context.query.time_zone.clone(),
        };
        let computed = Box::pin(self.first_rows(&view, context)).await?;
        let changes = vec![Definition::CreateView(Box::new(view))];
        Ok(Body::Define { changes, table: Some(name), tag: tag_kind(write.tag()), computed })
    }

    async fn view_plan(
        &self,
        statement: &Statement,
        source: &Statement,
        read: &Read,
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<ViewPlan> {
        let path = &context.query.search_path;
        let datasets = self.storages(&read.tables, path).arrow;
        // Which engine runs it is not the session's choice.
        let context = &StatementContext { engine: EngineSetting::Auto, ..context.clone() };
        let columns = self.describe(source, read, types, context).await?.columns;
        let mut names = self.names_of(source, &read.tables, types, context).await?;
        // What the query means is not fixed now: it is asked again and again.
        names.session = self.names(&StatementContext { moment: None, ..context.clone() }).session;
        if datasets.is_empty() {
            return statement.view_plan(&names, &columns);
        }
        let sql = source.datafusion_sql(&names, types)?;
        let pinned = context.pinned();
        let given = self.datafusion.describe(&sql, types, &context.query, pinned).await?.columns;
        statement.view_plan_over(sql, path, &columns, &given, datasets)
    }

    /// Computes the first rows of a view over datasets.
    async fn first_rows(
        &self,
        view: &MaterializedView,
        context: &StatementContext,
    ) -> Result<Option<Box<ViewRows>>> {
        let (Some(over), true) = (&view.plan.over, view.with_data) else { return Ok(None) };
        if self.pipelines.graph().find(&view.name).is_some() {
            // The Writer says so.
            return Ok(None);
        }
        let is_mixed = view.plan.inputs.iter().any(|names| over.dataset(names).is_none());
        let query = ViewQuery {
            storage: view_storage(view.id),
            sql: &view.plan.query,
            over,
            time_zone: &view.time_zone,
            search_path: &view.search_path,
            is_mixed,
        };
        let cancel = &context.query.cancel;
        let rows = self.run_view_query(&query, context.snapshot.as_ref(), cancel).await?;
        Ok(Some(Box::new(rows)))
    }

    /// Builds the body of a REFRESH MATERIALIZED VIEW; `None` for a view that DuckDB computes.
    pub(super) async fn refresh(
        &self,
        statement: &Statement,
        write: &Write,
        context: &StatementContext,
    ) -> Result<Option<Body>> {
        let Some(table) = write.refreshed() else { return Ok(None) };
        self.wait_for_definitions(context).await?;
        let Some(view) = self.view_over_datasets(table, context) else { return Ok(None) };
        let cancel = &context.query.cancel;
        let rows = Box::pin(self.compute_view(&view, context.snapshot.as_ref(), cancel)).await?;
        let body = self.define(statement, write, &[], &[], context)?;
        let Some(Body::Define { changes, tag, .. }) = body else { return Ok(body) };
        let (table, computed) = (Some(view.stored.name), Some(Box::new(rows)));
        Ok(Some(Body::Define { changes, table, tag, computed }))
    }

    /// Refuses to change the rows of a materialized view, and to change a table that views read in
    /// a way that they could not notice.
    ///
    /// # Errors
    /// 42809, as PostgreSQL; 0A000 for what is written in DuckDB's own SQL; 42P07 for a table that
    /// would take the place of another.
    pub(super) async fn refuse_followed(
        &self,
        statement: &Statement,
        write: &Write,
        context: &StatementContext,
    ) -> Result<()> {
        let Err(error) = self.refuse_view(statement, write, context) else { return Ok(()) };
        // What is no statement at all is said to be so.
        if statement.is_native() {
            self.duckdb.describe(&statement.text, &context.query, context.held()).await?;
        }
        Err(error)
    }

    fn refuse_view(
        &self,
        statement: &Statement,
        write: &Write,
        context: &StatementContext,
    ) -> Result<()> {
        let graph = self.pipelines.graph();
        if graph.is_empty() {
            return Ok(());
        }
        let path = &context.query.search_path;
        let read = |table: &TableRef| table.candidates(path).any(|name| graph.reads(&name));
        let fires = |table: &TableRef| {
            table.candidates(path).any(|name| !graph.triggers_of(&name).is_empty())
        };
        let keyed = |table: &TableRef| table.candidates(path).any(|name| graph.has_keys(&name));
        match write {
            Write::Insert { table, .. }
            | Write::Update { table, .. }
            | Write::Delete { table, .. } => {
                let view = table.candidates(path).find_map(|name| graph.find(&name));
                view.map_or(Ok(()), |view| {
                    let name = &view.stored.name.table;
                    let message = format!("cannot change materialized view \"{name}\"");
                    Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
                })
            }
            Write::CreateTable { table, if_not_exists: false, .. } if read(table) => {
                let message = format!("relation \"{}\" already exists", table.table);
                Err(Error::new(SqlState::DUPLICATE_TABLE, message)
                    .with_detail("Materialized views read it."))
            }
            Write::CreateTable { table, .. } if statement.replaces_table() && keyed(table) => {
                let message = format!(
                    "table \"{}\", which foreign keys are about, cannot be replaced",
                    table.table
                );
                Err(Error::unsupported(message).with_hint("Drop it first."))
            }
            Write::Other { tables, .. } if statement.is_native() && tables.iter().any(read) => {
                Err(Error::unsupported(
                    "a table that materialized views read cannot be changed in DuckDB's own SQL",
                )
                .with_hint("Write it in PostgreSQL's SQL."))
            }
            Write::Other { tables, .. } if statement.is_native() && tables.iter().any(fires) => {
                Err(Error::unsupported(
                    "a table that has triggers cannot be changed in DuckDB's own SQL",
                )
                .with_hint("Write it in PostgreSQL's SQL."))
            }
            Write::Other { tables, .. } if statement.is_native() && tables.iter().any(keyed) => {
                Err(Error::unsupported(
                    "a table that foreign keys are about cannot be changed in DuckDB's own SQL",
                )
                .with_hint("Write it in PostgreSQL's SQL."))
            }
            _ => Ok(()),
        }
    }

    /// Tells what a write does to its table's rows, as far as views follow them or triggers see
    /// them.
    pub(super) fn effect(
        &self,
        statement: &Statement,
        write: &Write,
        names: &NameContext,
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Effect> {
        let table = match write {
            Write::Insert { on_conflict: false, .. } => return Ok(Effect::Inserts),
            Write::Insert { table, .. }
            | Write::Update { table, .. }
            | Write::Delete { table, .. } => Some(table),
            Write::Other { tag: Tag::Counted("MERGE"), .. } => write.target(),
            _ => None,
        };
        let watched =
            |table: &TableRef| context.for_later || self.pipelines.graph().may_watch(&table.table);
        if !table.is_some_and(watched) {
            return Ok(Effect::Unknown);
        }
        statement.effect(names, types)
    }
}
