//! EXPLAIN: the engine, the reason, and the engine's own plan.

use arrow::array::{Array, AsArray};
use futures::StreamExt;
use serde_json::{Map, Value as Json};

use super::kept::named_of_kept;
use super::read::Engine;
use super::{Router, StatementContext, explained_plan};
use crate::error::{Error, Result};
use crate::sql::{Kind, Statement, TableRef};
use crate::types::{PgType, Value};

/// What EXPLAIN is to do.
#[derive(Clone, Copy, Debug)]
pub struct ExplainOptions {
    /// To run the query, and measure.
    pub analyze: bool,
    /// FORMAT JSON.
    pub json: bool,
}

/// What EXPLAIN says.
#[derive(Debug)]
pub struct Explained {
    /// The engine and the reason, what is said of views, and the plan where it is no JSON.
    pub lines: Vec<String>,
    /// PostgreSQL's keys: `Plan`, `Execution Time`.
    pub json: Option<Map<String, Json>>,
}

impl Router {
    /// Explains a statement.
    ///
    /// # Errors
    /// 0A000 for EXPLAIN ANALYZE of a write, which would have to run it.
    pub async fn explain(
        &self,
        statement: &Statement,
        options: ExplainOptions,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Explained> {
        let analyze = options.analyze;
        let read = match &statement.kind {
            Kind::Read(read) => read,
            Kind::Write(write) if !analyze => {
                let storages = self.storages(write.tables(), &context.query.search_path);
                let target = if storages.arrow.is_empty() { "DuckDB" } else { "Arrow dataset" };
                let lines = vec![
                    format!("Route: intent log, then the Writer ({target})"),
                    format!("Statement: {}", write.tag().with_rows(0)),
                ];
                return Ok(Explained { lines, json: None });
            }
            _ => {
                return Err(Error::unsupported("EXPLAIN of this statement is not supported")
                    .with_hint("EXPLAIN takes queries, and writes without ANALYZE."));
            }
        };
        if analyze {
            self.wait_for_promised(read, context).await?;
        }
        let choice = self.choose(read, context)?;
        let mut lines = vec![format!("Engine: {} ({})", choice.name(), choice.reason)];
        lines.extend(self.views_read(&read.tables, context));
        let names = self.read_names_of(statement, read, types, context).await?;
        match choice.engine {
            Engine::DuckDb => {
                let sql = statement.duckdb_sql(&names, types)?;
                self.keep(&named_of_kept(&names), context).await?;
                let text = self.duckdb_plan(&sql, options, params, context).await?;
                let json = options.json.then(|| explained_plan::from_duckdb(&text)).flatten();
                if json.is_some() {
                    return Ok(Explained { lines, json });
                }
                lines.extend(text.lines().map(str::to_owned));
            }
            Engine::DataFusion => {
                let sql = statement.datafusion_sql(&names, types)?;
                let plan = self.datafusion.explain(&sql, &params, &context.query, analyze).await?;
                lines.extend(plan);
            }
        }
        Ok(Explained { lines, json: None })
    }

    /// DuckDB's own plan.
    async fn duckdb_plan(
        &self,
        sql: &str,
        options: ExplainOptions,
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<String> {
        let word = match (options.analyze, options.json) {
            (false, false) => "EXPLAIN",
            (true, false) => "EXPLAIN ANALYZE",
            (false, true) => "EXPLAIN (FORMAT JSON)",
            (true, true) => "EXPLAIN (ANALYZE, FORMAT JSON)",
        };
        let explained = format!("{word} {sql}");
        let mut execution =
            self.duckdb.execute(&explained, params, &context.query, context.held()).await?;
        let mut plan = String::new();
        while let Some(batch) = execution.stream.next().await {
            let batch = batch?;
            let last = batch.num_columns().saturating_sub(1);
            let Some(texts) = batch.columns().get(last) else { continue };
            if let Some(texts) = texts.as_string_opt::<i32>() {
                for row in (0..texts.len()).filter(|row| texts.is_valid(*row)) {
                    plan.push_str(texts.value(row));
                    plan.push('\n');
                }
            }
        }
        Ok(plan)
    }

    /// Says of each materialized view that a query names how it is kept up to date.
    fn views_read(&self, tables: &[TableRef], context: &StatementContext) -> Vec<String> {
        let graph = self.pipelines.graph();
        let found = tables.iter().filter_map(|table| {
            let mut candidates = table.candidates(&context.query.search_path);
            let view = candidates.find_map(|name| graph.find(&name))?;
            let (name, refresh) = (&view.stored.name, view.stored.refresh.text());
            Some(format!("Materialized view {name}: refresh = {refresh}; {}", view.upkeep_text()))
        });
        found.collect()
    }
}
