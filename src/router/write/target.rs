//! The table that rows go to: its storage and its columns.

use std::cmp::Ordering;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::catalog::{TEMPORARY_SCHEMA, duckdb_table};
use crate::engine::datafusion::RowFilter;
use crate::engine::duckdb::Relation;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::{DatasetTarget, Storage};
use crate::router::{Router, StatementContext};
use crate::sql::{
    CopyCondition, CopyIn, RelationColumn, TableRef, can_become, quote_ident, shows_as,
};
use crate::sqlstate::SqlState;
use crate::types::{self, Column, ScalarType};

/// Where a COPY's or INSERT's rows go.
pub struct Target {
    pub table: TableName,
    pub storage: Storage,
    /// The columns that rows are given for, in their order.
    pub columns: Vec<Column>,
    /// The columns that the intent carries: all of a dataset's, the given ones of a DuckDB table,
    /// which fills in its own defaults.
    pub all: Vec<Column>,
}

impl Target {
    /// The schema of the rows that the intent carries.
    pub fn schema(&self) -> Result<SchemaRef> {
        types::storage_schema(&self.all)
    }

    /// Takes the first columns only, when rows have no more.
    pub(super) fn narrow_to(&mut self, count: usize) {
        self.columns.truncate(count);
        if self.storage == Storage::DuckDb {
            self.all.truncate(count);
        }
    }

    /// It as a dataset.
    pub(super) fn as_dataset(&self) -> DatasetTarget {
        let (columns, all) = (self.columns.clone(), self.all.clone());
        DatasetTarget { dataset: self.table.clone(), columns, all }
    }

    /// Checks that rows of so many values can go into the columns.
    ///
    /// # Errors
    /// 42601 when they have more or fewer.
    pub(super) fn check_width(&self, given: usize) -> Result<()> {
        match given.cmp(&self.columns.len()) {
            Ordering::Greater => {
                Err(Error::syntax("INSERT has more expressions than target columns"))
            }
            Ordering::Less => Err(Error::syntax("INSERT has more target columns than expressions")),
            Ordering::Equal => Ok(()),
        }
    }

    /// Checks that values of these types can go into the columns.
    ///
    /// # Errors
    /// 42804 when one cannot.
    pub(super) fn check_types(&self, given: &[Column]) -> Result<()> {
        for (given, wanted) in given.iter().zip(&self.columns) {
            let fits = given.pg_type == wanted.pg_type
                || can_become(given.pg_type, wanted.pg_type)
                || types::is_assignable(wanted, given.pg_type);
            if !fits {
                return Err(Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "column \"{}\" is of type {} but expression is of type {}",
                        wanted.name,
                        wanted.pg_type.sql_name(),
                        given.pg_type.sql_name()
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Puts given rows among all columns, NULL at the others.
    pub fn widen(&self, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
        types::widen(batch, &self.columns, &self.all, schema)
    }
}

impl Router {
    /// Finds where a COPY's rows go.
    pub async fn copy_target(&self, copy: &CopyIn, context: &StatementContext) -> Result<Target> {
        self.check_database(std::slice::from_ref(&copy.table))?;
        match self.dataset_of(&copy.table, &context.query.search_path) {
            Some(name) => self.dataset_target(&name, &copy.columns),
            None => self.duckdb_target(&copy.table, &copy.columns, context).await,
        }
    }

    /// Finds the columns of a temporary table of the session's.
    pub async fn temporary_target(
        &self,
        copy: &CopyIn,
        context: &StatementContext,
    ) -> Result<Target> {
        let table = TableName::new(TEMPORARY_SCHEMA, &copy.table.table);
        let columns = self.described_columns(&table, &copy.columns, context).await?;
        Ok(Target { table, storage: Storage::DuckDb, all: columns.clone(), columns })
    }

    /// Makes a filter of a COPY's condition, on rows of the schema in which they travel.
    pub fn row_filter(
        &self,
        condition: &CopyCondition,
        schema: &SchemaRef,
        context: &StatementContext,
    ) -> Result<RowFilter> {
        let sql = condition.datafusion_sql(&self.names(context))?;
        self.datafusion.row_filter(&sql, schema, &context.query)
    }

    pub(super) fn dataset_target(&self, name: &TableName, columns: &[String]) -> Result<Target> {
        let pinned = self.datasets.pin(name).ok_or_else(|| undefined_table(&name.table))?;
        let all: Vec<Column> = pinned.columns.iter().map(|column| column.column.clone()).collect();
        let chosen = if columns.is_empty() {
            all.clone()
        } else {
            let find = |wanted: &String| {
                let found = all.iter().find(|column| column.name == *wanted);
                found.cloned().ok_or_else(|| undefined_column(wanted, name))
            };
            columns.iter().map(find).collect::<Result<_>>()?
        };
        Ok(Target { table: name.clone(), storage: Storage::Arrow, columns: chosen, all })
    }

    pub(super) async fn duckdb_target(
        &self,
        table: &TableRef,
        columns: &[String],
        context: &StatementContext,
    ) -> Result<Target> {
        // What a transaction defines is for its own eyes until it is committed.
        let may_remember = context.held().is_none();
        let key = format!("{table:?} {columns:?} {:?}", context.query.search_path);
        let generation = match self.columns.get(&key) {
            Ok((table, columns)) if may_remember => {
                let all = columns.clone();
                return Ok(Target { table, storage: Storage::DuckDb, columns, all });
            }
            Ok(_) => 0,
            Err(generation) => generation,
        };
        self.wait_for_definitions(context).await?;
        let name = self.existing_table(table, context).await?;
        let columns = self.described_columns(&name, columns, context).await?;
        if may_remember {
            self.columns.put(key, generation, &name, &columns);
        }
        Ok(Target { table: name, storage: Storage::DuckDb, all: columns.clone(), columns })
    }

    /// Looks up a DuckDB table's columns: the named ones, or all.
    pub(super) async fn described_columns(
        &self,
        table: &TableName,
        named: &[String],
        context: &StatementContext,
    ) -> Result<Vec<Column>> {
        let list = if named.is_empty() {
            "*".to_owned()
        } else {
            named.iter().map(|column| quote_ident(column)).collect::<Vec<_>>().join(", ")
        };
        let sql = format!("SELECT {list} FROM {}", duckdb_table(table));
        let described = self.duckdb.describe(&sql, &context.query, context.held()).await?;
        let mut columns = described.columns.unwrap_or_default();
        let declared = self.declared_columns(table, context).await?;
        for column in &mut columns {
            let known = declared.iter().find(|known| known.name == column.name);
            if let Some(known) = known
                && !matches!(known.pg_type.scalar(), ScalarType::Enum(_))
                && shows_as(column.pg_type, known.pg_type)
            {
                (column.pg_type, column.typmod) = (known.pg_type, known.typmod);
            }
        }
        Ok(columns)
    }

    /// Looks up the types that a table's columns were declared with, which DuckDB's own do not
    /// tell.
    async fn declared_columns(
        &self,
        table: &TableName,
        context: &StatementContext,
    ) -> Result<Vec<Column>> {
        if !context.has_own_view() {
            // What a table looks like costs less to find out than what a name stands for.
            let relation = self.relation(self.log.definitions(), table).await?;
            let Relation::Table(shape) = relation.as_ref() else { return Ok(Vec::new()) };
            return Ok(shape.columns.iter().filter_map(|column| column.column.clone()).collect());
        }
        let name = TableRef {
            database: None,
            schema: Some(table.schema.clone()),
            table: table.table.clone(),
        };
        let columns = self.columns_of(&name, context).await?;
        let typed = |column: &RelationColumn| {
            let (pg_type, typmod) = column.pg_type?;
            Some(Column::with_typmod(&column.name, pg_type, typmod))
        };
        Ok(columns.iter().flat_map(|all| all.iter()).filter_map(typed).collect())
    }

    /// Finds the table that a name means, in either storage.
    ///
    /// # Errors
    /// 42P01 when there is none.
    pub async fn existing(
        &self,
        table: &TableRef,
        context: &StatementContext,
    ) -> Result<TableName> {
        self.check_database(std::slice::from_ref(table))?;
        match self.dataset_of(table, &context.query.search_path) {
            Some(name) => Ok(name),
            None => self.existing_table(table, context).await,
        }
    }

    /// Finds the schema that an unqualified name of a DuckDB table means.
    async fn existing_table(
        &self,
        table: &TableRef,
        context: &StatementContext,
    ) -> Result<TableName> {
        let mut last = undefined_table(&table.table);
        for name in table.candidates(&context.query.search_path) {
            let sql = format!("SELECT 1 FROM {}", duckdb_table(&name));
            match self.duckdb.describe(&sql, &context.query, context.held()).await {
                Ok(_) => return Ok(name),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

fn undefined_column(name: &str, table: &TableName) -> Error {
    Error::new(
        SqlState::UNDEFINED_COLUMN,
        format!("column \"{name}\" of relation \"{}\" does not exist", table.table),
    )
}

fn undefined_table(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist"))
}
