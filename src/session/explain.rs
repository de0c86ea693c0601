//! EXPLAIN: the router's answer as a client's rows.

use serde_json::{Map, Value as Json, json};

use super::run::{Outcome, Rows};
use super::{Session, StatementGuard};
use crate::error::Result;
use crate::router::{ExplainOptions, Explained};
use crate::sql::{Kind, Statement};
use crate::types::{Column, PgType, Value};

const COLUMN: &str = "QUERY PLAN";

impl Session {
    /// Explains a statement; one that was prepared by its EXECUTE.
    pub(super) async fn explain(
        &mut self,
        statement: &Statement,
        options: ExplainOptions,
        types: &[Option<PgType>],
        params: Vec<Value>,
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        if let Kind::Execute { name, args } = &statement.kind {
            let prepared = self.prepared(name)?;
            let values = args.iter().map(|arg| arg.value(&params)).collect::<Result<Vec<_>>>()?;
            let values = self.coerce_arguments(&prepared, values, guard).await?;
            let Some(inner) = &prepared.statement else { return Ok(Outcome::Empty) };
            let types = prepared.types();
            return Box::pin(self.explain(inner, options, &types, values, guard)).await;
        }
        self.take_snapshot(guard).await?;
        let context = self.context(guard).await?;
        let router = &self.services.router;
        let explained = router.explain(statement, options, types, params, &context).await?;
        if !options.json {
            let rows: Vec<Vec<String>> =
                explained.lines.into_iter().map(|line| vec![line]).collect();
            return Ok(Outcome::Rows(Box::new(Rows::texts(&[COLUMN], &rows, "EXPLAIN")?)));
        }
        let mut output = None;
        if let Kind::Read(read) = &statement.kind {
            let described = router.describe(statement, read, types, &context).await?;
            let names = described.columns.into_iter().map(|column| Json::from(column.name));
            output = Some(names.collect());
        }
        let text = serde_json::to_string_pretty(&json!([in_json(explained, output)]))
            .map_err(|error| crate::error::Error::internal(error.to_string()))?;
        let mut rows = Rows::texts(&[COLUMN], &[vec![text]], "EXPLAIN")?;
        rows.columns = vec![Column::new(COLUMN, PgType::JSON)];
        Ok(Outcome::Rows(Box::new(rows)))
    }
}

/// PostgreSQL's keys, and `Engine` beside them; an engine's plan that is no JSON as its lines.
fn in_json(explained: Explained, output: Option<Vec<Json>>) -> Map<String, Json> {
    let Explained { lines, json } = explained;
    let mut lines = lines.into_iter();
    let first = lines.next().unwrap_or_default();
    let rest: Vec<Json> = lines.map(Json::from).collect();
    let mut all = json.unwrap_or_else(|| {
        let mut plan = Map::new();
        plan.insert("Node Type".to_owned(), first.clone().into());
        plan.insert("Plan Text".to_owned(), rest.clone().into());
        Map::from_iter([("Plan".to_owned(), Json::Object(plan))])
    });
    if let (Some(Json::Object(plan)), Some(output)) = (all.get_mut("Plan"), output) {
        plan.insert("Output".to_owned(), output.into());
    }
    if let Some(engine) = first.strip_prefix("Engine: ") {
        all.insert("Engine".to_owned(), engine.into());
    }
    all
}
