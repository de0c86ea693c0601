//! Rows that a query gives, gathered before their intent is queued.

use std::sync::Arc;

use futures::StreamExt;

use super::target::Target;
use crate::engine::Execution;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::{Body, RowsAt, TagKind};
use crate::router::{Router, RowsSink, StatementContext};
use crate::sql::{Kind, Statement, TableRef};
use crate::types::{self, Column, PgType, Value};

impl Router {
    /// Fits an INSERT's literal rows to its table where DuckDB takes them otherwise than
    /// PostgreSQL: fewer values than columns, and bytea written in hex.
    pub(super) async fn fit_insert(
        &self,
        statement: &Statement,
        table: &TableRef,
        columns: &[String],
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Option<Statement>> {
        let Some(width) = statement.values_to_fit(columns) else {
            return self.fit_query(statement, table, types, context).await;
        };
        let target = self.duckdb_target(table, columns, context).await?;
        if width >= target.columns.len() && !statement.has_hex_literal() {
            return Ok(None);
        }
        Ok(Some(statement.fit_values(&target.columns)))
    }

    /// Counts the columns that the query of an INSERT gives which names none itself.
    pub(super) async fn columns_given(
        &self,
        statement: &Statement,
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Option<usize>> {
        if !statement.names_no_columns() {
            return Ok(None);
        }
        let Some(source) = statement.source_query() else { return Ok(None) };
        let Kind::Read(read) = &source.kind else { return Ok(None) };
        Ok(Some(self.describe(&source, read, types, context).await?.columns.len()))
    }

    /// Names the columns that an INSERT's query is for, when it gives fewer than the table has.
    async fn fit_query(
        &self,
        statement: &Statement,
        table: &TableRef,
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Option<Statement>> {
        let Some(given) = self.columns_given(statement, types, context).await? else {
            return Ok(None);
        };
        let target = self.duckdb_target(table, &[], context).await?;
        if given >= target.columns.len() {
            return Ok(None);
        }
        Ok(Some(statement.with_insert_columns(&target.columns[..given])))
    }

    /// The same for a temporary table.
    pub(super) async fn fit_temporary(
        &self,
        statement: &Statement,
        table: &TableName,
        columns: &[String],
        context: &StatementContext,
    ) -> Result<Option<Statement>> {
        let Some(width) = statement.values_to_fit(columns) else { return Ok(None) };
        let target = self.described_columns(table, columns, context).await?;
        if width >= target.len() && !statement.has_hex_literal() {
            return Ok(None);
        }
        Ok(Some(statement.fit_values(&target)))
    }

    pub(super) async fn insert_rows(
        &self,
        statement: &Statement,
        mut target: Target,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
        create: Option<String>,
    ) -> Result<Body> {
        let source = statement
            .source_query()
            .ok_or_else(|| Error::unsupported("INSERT … DEFAULT VALUES needs a DuckDB table"))?;
        let types = assigned_types(statement, types, &target.columns);
        if statement.names_no_columns()
            && let Kind::Read(read) = &source.kind
        {
            // As in PostgreSQL, rows may have fewer values than the table has columns.
            let given = self.describe(&source, read, &types, context).await?.columns.len();
            target.narrow_to(given);
        }
        let rows = self.query_rows(&source, &types, params, context, &target).await?;
        Ok(Body::Rows {
            table: target.table,
            storage: target.storage,
            columns: target.all.into_iter().map(|column| column.name).collect(),
            rows,
            tag: if create.is_some() { TagKind::Select } else { TagKind::Insert },
            create,
            draws: Vec::new(),
            replaces: false,
            source: None,
            delivered: Vec::new(),
        })
    }

    /// Runs a query and gathers its rows for an intent.
    pub(super) async fn query_rows(
        &self,
        source: &Statement,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
        target: &Target,
    ) -> Result<RowsAt> {
        let Kind::Read(read) = &source.kind else {
            return Err(Error::unsupported("a write's rows must come from a query"));
        };
        let execution = self.read(source, read, types, params, context).await?;
        self.gather_rows(execution, target).await
    }

    /// Gathers the rows of a query for an intent.
    pub(in crate::router) async fn gather_rows(
        &self,
        mut execution: Execution,
        target: &Target,
    ) -> Result<RowsAt> {
        target.check_width(execution.columns.len())?;
        let given_schema = types::storage_schema(&target.columns)?;
        let full_schema = target.schema()?;
        let mut sink = RowsSink::new(&self.data_dir, Arc::clone(&full_schema))?;
        while let Some(batch) = execution.stream.next().await {
            let batch = types::cast_batch(&batch?, Arc::clone(&given_schema))?;
            let batch = target.widen(&batch, &full_schema)?;
            sink = crate::task::blocking(move || {
                sink.write(&batch)?;
                Ok(sink)
            })
            .await?;
        }
        crate::task::blocking(move || sink.finish()).await
    }

    /// Builds the body of a COPY's intent from rows in the order of the target's columns.
    pub fn rows_body(&self, target: &Target, rows: RowsAt, tag: TagKind) -> Body {
        Body::Rows {
            table: target.table.clone(),
            storage: target.storage,
            columns: target.all.iter().map(|column| column.name.clone()).collect(),
            rows,
            tag,
            create: None,
            draws: Vec::new(),
            replaces: false,
            source: None,
            delivered: Vec::new(),
        }
    }
}

/// Fills in the types of parameters that are given straight to a column: `VALUES ($1, $2)`.
pub(super) fn assigned_types(
    statement: &Statement,
    known: &[Option<PgType>],
    columns: &[Column],
) -> Vec<Option<PgType>> {
    let wanted: Vec<PgType> = columns.iter().map(|column| column.pg_type).collect();
    let mut types = known.to_vec();
    types.resize(statement.param_count, None);
    for (slot, inferred) in types.iter_mut().zip(statement.assigned_param_types(&wanted)) {
        *slot = slot.or(inferred);
    }
    types
}
