//! Writes: a statement to the body of an intent.

use arrow::array::{RecordBatch, new_null_array};
use arrow::datatypes::{Schema, SchemaRef};
use futures::StreamExt;
use std::sync::Arc;

use super::rows::RowsSink;
use super::{Router, StatementContext};
use crate::dataset::DatasetColumn;
use crate::engine::Description;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::{Body, DatasetChange, RowsAt, Storage, TagKind};
use crate::sql::{
    ColumnSpec, CopyIn, Kind, ObjectKind, Statement, TableRef, Tag, Write, quote_ident,
};
use crate::sqlstate::SqlState;
use crate::types::{self, Column, PgType, Value};

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
        storage_schema(&self.all)
    }

    /// Puts given rows among all columns, NULL at the others.
    pub fn widen(&self, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
        widen(batch, &self.columns, &self.all, schema)
    }
}

impl Router {
    /// Builds the body of a write's intent. Queries that read Arrow datasets run here, before the
    /// intent has its place: their snapshot is the statement's start, as in PostgreSQL.
    ///
    /// # Errors
    /// Whatever makes the statement impossible before anything is queued.
    pub async fn body(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Body> {
        self.check_database(write.tables())?;
        let path = &context.query.search_path;
        let arrow = |table: &TableRef| self.dataset_of(table, path);
        match write {
            Write::Insert { table, columns, .. } => match arrow(table) {
                Some(name) => {
                    refuse_on_dataset(write)?;
                    let target = self.dataset_target(&name, columns)?;
                    self.insert_rows(statement, target, types, params, context, None).await
                }
                None if self.reads_dataset(write, context) => {
                    refuse_mixed(write)?;
                    let target = self.duckdb_target(table, columns, context).await?;
                    self.insert_rows(statement, target, types, params, context, None).await
                }
                None => {
                    let fitted = self.fit_insert(statement, table, columns, context).await?;
                    let statement = fitted.as_ref().unwrap_or(statement);
                    self.as_it_stands(statement, write, types, params, context)
                }
            },
            Write::Update { table, .. } | Write::Delete { table, .. } => match arrow(table) {
                Some(name) => self.rewrite(statement, write, &name, types, params, context),
                None => self.on_duckdb_alone(statement, write, types, params, context),
            },
            Write::Truncate { tables } => self.truncate(statement, write, tables, context),
            Write::CreateTable { .. } => {
                self.create_table(statement, write, types, params, context).await
            }
            Write::Drop { kind: ObjectKind::Table, names, if_exists } => {
                self.drop_tables(statement, write, names, *if_exists, context)
            }
            Write::AlterTable { table, rename_to } => match (arrow(table), rename_to) {
                (Some(from), Some(to)) => {
                    let to = TableName::new(from.schema.clone(), to.clone());
                    Ok(Body::Dataset(DatasetChange::Rename { from, to }))
                }
                (Some(_), None) => {
                    Err(Error::unsupported("ALTER TABLE of an Arrow dataset can only rename it"))
                }
                (None, _) => self.on_duckdb_alone(statement, write, types, params, context),
            },
            Write::Drop { .. } | Write::Other { .. } => {
                self.on_duckdb_alone(statement, write, types, params, context)
            }
        }
    }

    /// Fits an INSERT's literal rows to its table where DuckDB takes them otherwise than
    /// PostgreSQL: fewer values than columns, and bytea written in hex.
    async fn fit_insert(
        &self,
        statement: &Statement,
        table: &TableRef,
        columns: &[String],
        context: &StatementContext,
    ) -> Result<Option<Statement>> {
        let Some(width) = statement.values_to_fit(columns) else { return Ok(None) };
        let target = self.duckdb_target(table, columns, context).await?;
        if width >= target.columns.len() && !statement.has_hex_literal() {
            return Ok(None);
        }
        Ok(Some(statement.fit_values(&target.columns)))
    }

    /// Describes a write without running it: its parameters, and the columns of RETURNING.
    pub async fn describe_write(
        &self,
        statement: &Statement,
        write: &Write,
        known: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Description> {
        let path = &context.query.search_path;
        let target = match write {
            Write::Insert { table, columns, .. } => {
                self.dataset_of(table, path).map(|name| (name, columns.as_slice()))
            }
            Write::Update { table, .. } | Write::Delete { table, .. } => {
                self.dataset_of(table, path).map(|name| (name, [].as_slice()))
            }
            _ => None,
        };
        if target.is_none() && self.reads_dataset(write, context)
            || statement.param_count == 0 && !write.returning()
        {
            let params = padded(known, statement.param_count);
            return Ok(Description { params, columns: Vec::new() });
        }
        let Some((name, columns)) = target else {
            let mut description = self.describe_on_duckdb(statement, known, context).await?;
            if !write.returning() {
                description.columns.clear();
            }
            return Ok(description);
        };
        let target = self.dataset_target(&name, columns)?;
        let types: Vec<PgType> = target.columns.iter().map(|column| column.pg_type).collect();
        let mut params = known.to_vec();
        params.resize(statement.param_count, None);
        for (slot, inferred) in params.iter_mut().zip(statement.assigned_param_types(&types)) {
            *slot = slot.or(inferred);
        }
        Ok(Description { params: padded(&params, statement.param_count), columns: Vec::new() })
    }

    /// Finds where a COPY's rows go.
    pub async fn copy_target(&self, copy: &CopyIn, context: &StatementContext) -> Result<Target> {
        self.check_database(std::slice::from_ref(&copy.table))?;
        match self.dataset_of(&copy.table, &context.query.search_path) {
            Some(name) => self.dataset_target(&name, &copy.columns),
            None => self.duckdb_target(&copy.table, &copy.columns, context).await,
        }
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
        }
    }

    fn reads_dataset(&self, write: &Write, context: &StatementContext) -> bool {
        !self.storages(write.tables(), &context.query.search_path).arrow.is_empty()
    }

    /// A statement that DuckDB applies, and that must not name a dataset.
    fn on_duckdb_alone(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Body> {
        let native = statement.is_native();
        if let Some(name) = self
            .storages(write.tables(), &context.query.search_path)
            .arrow
            .first()
            .filter(|_| !native)
        {
            return Err(Error::unsupported(format!(
                "\"{}\" is an Arrow dataset, which this statement cannot use",
                name.table
            ))
            .with_hint("Copy the rows it needs into a table with INSERT … SELECT."));
        }
        self.as_it_stands(statement, write, types, params, context)
    }

    fn as_it_stands(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Body> {
        let table = write.tables().first();
        let table = table.and_then(|table| table.to_create(&context.query.search_path).ok());
        Ok(Body::Statement {
            sql: statement.duckdb_sql(&self.names(context), types)?,
            params,
            table,
            tag: tag_kind(write.tag()),
            returning: write.returning(),
        })
    }

    fn dataset_target(&self, name: &TableName, columns: &[String]) -> Result<Target> {
        let pinned = self.datasets.pin(name).ok_or_else(|| undefined_table(&name.table))?;
        let all: Vec<Column> = pinned.columns.iter().map(|column| column.column.clone()).collect();
        let chosen = if columns.is_empty() {
            all.clone()
        } else {
            let find = |wanted: &String| {
                all.iter().find(|column| column.name == *wanted).cloned().ok_or_else(|| {
                    Error::new(
                        SqlState::UNDEFINED_COLUMN,
                        format!(
                            "column \"{wanted}\" of relation \"{}\" does not exist",
                            name.table
                        ),
                    )
                })
            };
            columns.iter().map(find).collect::<Result<_>>()?
        };
        Ok(Target { table: name.clone(), storage: Storage::Arrow, columns: chosen, all })
    }

    async fn duckdb_target(
        &self,
        table: &TableRef,
        columns: &[String],
        context: &StatementContext,
    ) -> Result<Target> {
        let key = format!("{table:?} {columns:?} {:?}", context.query.search_path);
        let generation = match self.columns.get(&key) {
            Ok((table, columns)) => {
                let all = columns.clone();
                return Ok(Target { table, storage: Storage::DuckDb, columns, all });
            }
            Err(generation) => generation,
        };
        let name = self.existing_table(table, context).await?;
        let list = if columns.is_empty() {
            "*".to_owned()
        } else {
            columns.iter().map(|column| quote_ident(column)).collect::<Vec<_>>().join(", ")
        };
        let schema = crate::catalog::duckdb_schema(&name.schema);
        let sql =
            format!("SELECT {list} FROM {}.{}", quote_ident(schema), quote_ident(&name.table));
        let described = self.duckdb.describe(&sql, &context.query, None).await?;
        let columns = described.columns.unwrap_or_default();
        self.columns.put(key, generation, &name, &columns);
        Ok(Target { table: name, storage: Storage::DuckDb, all: columns.clone(), columns })
    }

    /// Finds the schema that an unqualified name of a DuckDB table means.
    async fn existing_table(
        &self,
        table: &TableRef,
        context: &StatementContext,
    ) -> Result<TableName> {
        let mut last = undefined_table(&table.table);
        for name in table.candidates(&context.query.search_path) {
            let schema = crate::catalog::duckdb_schema(&name.schema);
            let sql = format!("SELECT 1 FROM {}.{}", quote_ident(schema), quote_ident(&name.table));
            match self.duckdb.describe(&sql, &context.query, None).await {
                Ok(_) => return Ok(name),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn insert_rows(
        &self,
        statement: &Statement,
        target: Target,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
        create: Option<String>,
    ) -> Result<Body> {
        let source = statement
            .source_query()
            .ok_or_else(|| Error::unsupported("INSERT … DEFAULT VALUES needs a DuckDB table"))?;
        let wanted: Vec<PgType> = target.columns.iter().map(|column| column.pg_type).collect();
        let mut types = types.to_vec();
        types.resize(statement.param_count, None);
        for (slot, inferred) in types.iter_mut().zip(statement.assigned_param_types(&wanted)) {
            *slot = slot.or(inferred);
        }
        let rows = self.query_rows(&source, &types, params, context, &target).await?;
        Ok(Body::Rows {
            table: target.table,
            storage: target.storage,
            columns: target.all.into_iter().map(|column| column.name).collect(),
            rows,
            tag: if create.is_some() { TagKind::Select } else { TagKind::Insert },
            create,
        })
    }

    /// Runs a query and gathers its rows for an intent.
    async fn query_rows(
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
        let mut execution = self.read(source, read, types, params, context).await?;
        if execution.columns.len() != target.columns.len() {
            let more = execution.columns.len() > target.columns.len();
            let (many, few) = if more {
                ("expressions", "target columns")
            } else {
                ("target columns", "expressions")
            };
            return Err(Error::syntax(format!("INSERT has more {many} than {few}")));
        }
        let given_schema = storage_schema(&target.columns)?;
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

    fn rewrite(
        &self,
        statement: &Statement,
        write: &Write,
        name: &TableName,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Body> {
        refuse_on_dataset(write)?;
        let columns: Vec<String> =
            self.dataset_target(name, &[])?.columns.into_iter().map(|column| column.name).collect();
        let queries = statement.dataset_rewrite(&self.names(context), types, &columns)?;
        Ok(Body::Dataset(DatasetChange::Rewrite {
            name: name.clone(),
            rows: queries.rows,
            affected: queries.affected,
            params,
            tag: tag_kind(write.tag()),
        }))
    }

    fn truncate(
        &self,
        statement: &Statement,
        write: &Write,
        tables: &[TableRef],
        context: &StatementContext,
    ) -> Result<Body> {
        let storages = self.storages(tables, &context.query.search_path);
        match (storages.arrow.is_empty(), storages.duckdb.is_empty()) {
            (true, _) => self.as_it_stands(statement, write, &[], Vec::new(), context),
            (false, true) => Ok(Body::Dataset(DatasetChange::Truncate { names: storages.arrow })),
            (false, false) => Err(both_storages()),
        }
    }

    fn drop_tables(
        &self,
        statement: &Statement,
        write: &Write,
        names: &[TableRef],
        if_exists: bool,
        context: &StatementContext,
    ) -> Result<Body> {
        let storages = self.storages(names, &context.query.search_path);
        match (storages.arrow.is_empty(), storages.duckdb.is_empty()) {
            (true, _) => self.as_it_stands(statement, write, &[], Vec::new(), context),
            (false, true) => {
                Ok(Body::Dataset(DatasetChange::Drop { names: storages.arrow, if_exists }))
            }
            (false, false) => Err(both_storages()),
        }
    }

    async fn create_table(
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
            return self.as_it_stands(statement, write, types, params, context);
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
        let list = columns
            .iter()
            .map(|column| Ok(format!("{} {}", quote_ident(&column.name), duckdb_type(column)?)))
            .collect::<Result<Vec<_>>>()?;
        let create = format!(
            "CREATE TABLE {}.{} ({})",
            quote_ident(crate::catalog::duckdb_schema(&name.schema)),
            quote_ident(&name.table),
            list.join(", ")
        );
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

fn padded(known: &[Option<PgType>], count: usize) -> Vec<PgType> {
    (0..count).map(|index| known.get(index).copied().flatten().unwrap_or(PgType::TEXT)).collect()
}

fn dataset_column(spec: &ColumnSpec) -> Result<DatasetColumn> {
    if spec.pg_type == PgType::UNKNOWN {
        return Err(Error::unsupported(format!(
            "column \"{}\" has a type that an Arrow dataset cannot hold",
            spec.name
        )));
    }
    let column = Column { name: spec.name.clone(), pg_type: spec.pg_type, typmod: spec.typmod };
    Ok(DatasetColumn { column, not_null: spec.not_null })
}

fn duckdb_type(column: &Column) -> Result<String> {
    if let Some((precision, scale)) = column.numeric_precision_scale() {
        return Ok(format!("DECIMAL({precision},{scale})"));
    }
    if column.pg_type == PgType::NUMERIC {
        return Ok("DECIMAL(38,10)".to_owned());
    }
    crate::sql::duckdb_type_name(column.pg_type).ok_or_else(|| {
        Error::unsupported(format!(
            "column \"{}\" has type {}, which a DuckDB table cannot hold",
            column.name,
            column.pg_type.sql_name()
        ))
    })
}

/// The schema in which rows of these columns travel.
pub fn storage_schema(columns: &[Column]) -> Result<SchemaRef> {
    let fields: Vec<_> =
        columns.iter().map(|column| types::storage_field(column, true)).collect::<Result<_>>()?;
    Ok(Arc::new(Schema::new(fields)))
}

/// Puts the given columns at their places among all, and NULLs at the others.
fn widen(
    batch: &RecordBatch,
    given: &[Column],
    all: &[Column],
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    if given.len() == all.len() && given.iter().zip(all).all(|(a, b)| a.name == b.name) {
        return Ok(batch.clone());
    }
    let columns = all
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            let place = given.iter().position(|candidate| candidate.name == column.name);
            match place.and_then(|place| batch.columns().get(place)) {
                Some(array) => Arc::clone(array),
                None => new_null_array(field.data_type(), batch.num_rows()),
            }
        })
        .collect();
    RecordBatch::try_new(Arc::clone(schema), columns)
        .map_err(|error| Error::internal(format!("rows do not fit their columns: {error}")))
}

fn refuse_on_dataset(write: &Write) -> Result<()> {
    if write.returning() {
        return Err(Error::unsupported("RETURNING on an Arrow dataset is not supported"));
    }
    if let Write::Insert { on_conflict: true, .. } = write {
        return Err(Error::unsupported("ON CONFLICT needs keys, which an Arrow dataset has not"));
    }
    Ok(())
}

fn refuse_mixed(write: &Write) -> Result<()> {
    if write.returning() || matches!(write, Write::Insert { on_conflict: true, .. }) {
        return Err(Error::unsupported(
            "RETURNING and ON CONFLICT are not supported when the rows come from an Arrow dataset",
        ));
    }
    Ok(())
}

fn both_storages() -> Error {
    Error::unsupported("one statement cannot change DuckDB tables and Arrow datasets")
        .with_hint("Use two statements.")
}

fn undefined_table(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist"))
}

fn tag_kind(tag: Tag) -> TagKind {
    match tag {
        Tag::Insert => TagKind::Insert,
        Tag::Counted("UPDATE") => TagKind::Update,
        Tag::Counted("DELETE") => TagKind::Delete,
        Tag::Counted("MERGE") => TagKind::Merge,
        Tag::Counted(_) => TagKind::Select,
        Tag::Fixed(text) => TagKind::Fixed(text),
    }
}
