//! CREATE TABLE, in either storage.

use super::target::Target;
use crate::catalog::duckdb_table;
use crate::dataset::DatasetColumn;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::{Body, DatasetChange, Storage};
use crate::router::{Router, StatementContext};
use crate::sql::{ColumnSpec, Kind, Statement, TableRef, Write, duckdb_column};
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType, Value};

impl Router {
    pub(super) async fn create_table(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Body> {
        let Write::CreateTable {
            table,
            access_method,
            columns,
            beyond_columns,
            if_not_exists,
            as_query,
            tables,
            ..
        } = write
        else {
            return Err(Error::internal("not a CREATE TABLE"));
        };
        let name = table.to_create(&context.query.search_path)?;
        let method = access_method.as_deref().unwrap_or(&context.default_access_method);
        let sources: Vec<TableRef> = tables.iter().filter(|t| *t != table).cloned().collect();
        if method != "arrow" {
            let from_arrow = !self.storages(&sources, &context.query.search_path).arrow.is_empty();
            if *as_query && from_arrow {
                return self.create_from_dataset(statement, name, types, params, context).await;
            }
            let staged = self.staged_create(statement, write, &name, types, &params, context);
            if let Some(body) = staged.await? {
                return Ok(body);
            }
            return self.as_it_stands(statement, write, types, params, context).await;
        }
        if *beyond_columns {
            return Err(Error::unsupported(
                "an Arrow dataset has columns and NOT NULL, but no keys, defaults or other constraints",
            ));
        }
        if !as_query {
            let columns = columns.iter().map(dataset_column).collect::<Result<_>>()?;
            return Ok(Body::Dataset(DatasetChange::Create {
                name,
                columns,
                if_not_exists: *if_not_exists,
            }));
        }
        if self.datasets.contains(&name) && !if_not_exists {
            return Err(Error::new(
                SqlState::DUPLICATE_TABLE,
                format!("relation \"{}\" already exists", name.table),
            ));
        }
        let (source, columns) = self.source_columns(statement, types, context).await?;
        let target =
            Target { table: name.clone(), storage: Storage::Arrow, all: columns.clone(), columns };
        let rows = self.query_rows(&source, types, params, context, &target).await?;
        let columns = target
            .columns
            .into_iter()
            .map(|column| DatasetColumn { column, not_null: false })
            .collect();
        Ok(Body::Dataset(DatasetChange::CreateWith { name, columns, rows }))
    }

    /// CREATE TABLE … AS a query over datasets, as a DuckDB table.
    async fn create_from_dataset(
        &self,
        statement: &Statement,
        name: TableName,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Body> {
        let (_, columns) = self.source_columns(statement, types, context).await?;
        let list = columns.iter().map(duckdb_column).collect::<Result<Vec<_>>>()?;
        let create = format!("CREATE TABLE {} ({})", duckdb_table(&name), list.join(", "));
        let all = columns.clone();
        let target = Target { table: name, storage: Storage::DuckDb, columns, all };
        self.insert_rows(statement, target, types, params, context, Some(create)).await
    }

    async fn source_columns(
        &self,
        statement: &Statement,
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<(Statement, Vec<Column>)> {
        let source = statement
            .source_query()
            .ok_or_else(|| Error::syntax("CREATE TABLE AS needs a query"))?;
        let Kind::Read(read) = &source.kind else {
            return Err(Error::syntax("CREATE TABLE AS needs a query"));
        };
        let columns = self.describe(&source, read, types, context).await?.columns;
        Ok((source, columns))
    }
}

fn dataset_column(spec: &ColumnSpec) -> Result<DatasetColumn> {
    if spec.pg_type == PgType::UNKNOWN {
        return Err(Error::unsupported(format!(
            "column \"{}\" has a type that an Arrow dataset cannot hold",
            spec.name
        )));
    }
    let column = Column::with_typmod(&spec.name, spec.pg_type, spec.typmod);
    Ok(DatasetColumn { column, not_null: spec.not_null })
}
