//! What a write inside a transaction means for others, and what it will have done.

use std::collections::BTreeSet;
use std::io::Cursor;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow::ipc::reader::StreamReader;
use futures::StreamExt;

use crate::catalog::duckdb_schema;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::{Applied, Body, DatasetChange, RowsAt, TagKind, stands_apart};
use crate::router::{Router, StatementContext};
use crate::sql::{ObjectKind, TableRef, Tag, Write};
use crate::types::Value;

impl Router {
    /// Lists the tables that a change of definitions must have for itself until its transaction
    /// ends, by every name that the statement may mean.
    pub async fn holds(
        &self,
        write: &Write,
        context: &StatementContext,
    ) -> Result<BTreeSet<TableName>> {
        let path = &context.query.search_path;
        let all = |tables: &[TableRef]| -> BTreeSet<TableName> {
            tables.iter().flat_map(|table| table.candidates(path)).collect()
        };
        Ok(match write {
            Write::Insert { table, .. }
            | Write::Update { table, .. }
            | Write::Delete { table, .. } => self.followed(table.candidates(path)),
            Write::Materialize { .. } => all(write.tables()),
            Write::CreateTable { table, .. } => BTreeSet::from([table.to_create(path)?]),
            Write::Truncate { tables } => all(tables),
            Write::AlterTable { table, rename_to } => {
                let from = all(std::slice::from_ref(table));
                let to = rename_to.iter().flat_map(|to| {
                    from.iter().map(|from| TableName::new(from.schema.clone(), to.clone()))
                });
                let to: Vec<TableName> = to.collect();
                from.into_iter().chain(to).collect()
            }
            Write::Drop { kind: ObjectKind::Table | ObjectKind::View, names, .. } => all(names),
            Write::Drop { kind: ObjectKind::Index, names, .. } => {
                self.tables_of_indexes(&all(names), context).await?
            }
            Write::Drop { kind: ObjectKind::Schema, names, .. } => {
                self.tables_of_schemas(names, context).await?
            }
            Write::Drop { .. } => BTreeSet::new(),
            Write::Other { tag: Tag::Fixed(tag), .. } if stands_apart(tag) => BTreeSet::new(),
            Write::Other { tag: Tag::Fixed(_), tables, .. } => all(tables),
            Write::Define { .. } => {
                let mut held = all(write.tables());
                held.extend(self.followed(held.clone().into_iter()));
                held
            }
            Write::Other { tables, .. } => {
                self.followed(tables.iter().flat_map(|table| table.candidates(path)))
            }
        })
    }

    /// Lists what views bring together with these tables: two transactions cannot change them at
    /// once.
    pub fn followed(&self, tables: impl Iterator<Item = TableName>) -> BTreeSet<TableName> {
        let graph = self.pipelines.graph();
        if graph.is_empty() {
            return BTreeSet::new();
        }
        tables.flat_map(|table| graph.together(&table)).collect()
    }

    async fn tables_of_indexes(
        &self,
        indexes: &BTreeSet<TableName>,
        context: &StatementContext,
    ) -> Result<BTreeSet<TableName>> {
        let mut found = BTreeSet::new();
        for index in indexes {
            let tables = self.own_texts(
                "SELECT table_name FROM duckdb_indexes()
                 WHERE database_name = current_database() AND schema_name = $1 AND index_name = $2",
                vec![
                    Value::Text(duckdb_schema(&index.schema).to_owned()),
                    Value::Text(index.table.clone()),
                ],
                context,
            );
            let tables = tables.await?;
            found.extend(tables.into_iter().map(|table| TableName::new(&index.schema, table)));
        }
        Ok(found)
    }

    async fn tables_of_schemas(
        &self,
        schemas: &[TableRef],
        context: &StatementContext,
    ) -> Result<BTreeSet<TableName>> {
        let mut found = BTreeSet::new();
        for schema in schemas {
            let tables = self.own_texts(
                "SELECT table_name FROM duckdb_tables()
                 WHERE database_name = current_database() AND schema_name = $1",
                vec![Value::Text(duckdb_schema(&schema.table).to_owned())],
                context,
            );
            let tables = tables.await?;
            found.extend(tables.into_iter().map(|table| TableName::new(&schema.table, table)));
        }
        Ok(found)
    }

    /// Runs a query of our own for one column of text, on the transaction's connection if it has
    /// one.
    async fn own_texts(
        &self,
        sql: &'static str,
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Vec<String>> {
        let held = context.held();
        let mut execution = self.duckdb.execute(sql, params, &context.query, held).await?;
        let mut texts = Vec::new();
        while let Some(batch) = execution.stream.next().await {
            let batch = batch?;
            let column = batch.columns().first().and_then(|c| c.as_string_opt::<i32>());
            texts.extend(column.into_iter().flatten().flatten().map(str::to_owned));
        }
        Ok(texts)
    }

    /// Tells what a change of a dataset that waits for COMMIT will have done, as the data is now.
    pub async fn foresee(&self, body: &Body, context: &StatementContext) -> Result<Applied> {
        let fixed = |tag: &str| (TagKind::Fixed(tag.to_owned()), 0);
        let (tag, rows) = match body {
            Body::Rows { tag, rows, .. } => (tag.clone(), count_rows(rows)?),
            Body::Dataset(change) => match change {
                DatasetChange::Create { .. } => fixed("CREATE TABLE"),
                DatasetChange::CreateWith { rows, .. } => (TagKind::Select, count_rows(rows)?),
                DatasetChange::Rewrite { affected, params, tag, .. } => {
                    (tag.clone(), self.count_affected(affected, params, context).await?)
                }
                DatasetChange::Truncate { .. } => fixed("TRUNCATE TABLE"),
                DatasetChange::Drop { .. } => fixed("DROP TABLE"),
                DatasetChange::Rename { .. } => fixed("ALTER TABLE"),
            },
            _ => return Err(Error::internal("not a change of a dataset")),
        };
        Ok(Applied { tag: tag.tag(rows), rows, result: None, drawn: Vec::new() })
    }

    async fn count_affected(
        &self,
        sql: &str,
        params: &[Value],
        context: &StatementContext,
    ) -> Result<u64> {
        let pinned = context.pinned();
        let mut counted = self.datafusion.execute(sql, params, &context.query, pinned).await?;
        let mut total = 0;
        while let Some(batch) = counted.stream.next().await {
            let batch = batch?;
            let column = batch.columns().first().and_then(|c| c.as_primitive_opt::<Int64Type>());
            total += column.map_or(0, |column| column.iter().flatten().sum::<i64>());
        }
        Ok(u64::try_from(total).unwrap_or(0))
    }
}

fn count_rows(rows: &RowsAt) -> Result<u64> {
    match rows {
        RowsAt::Staged { rows, .. } => Ok(*rows),
        RowsAt::Inline(bytes) => {
            let damaged = |error| Error::internal(format!("rows cannot be read: {error}"));
            let reader = StreamReader::try_new(Cursor::new(&**bytes), None).map_err(damaged)?;
            reader.map(|batch| batch.map(|b| b.num_rows() as u64).map_err(damaged)).sum()
        }
    }
}
