//! Writes: a statement to the body of an intent.
//!
//! - `target.rs`: the table that rows go to, and its columns.
//! - `insert.rs`: the rows of INSERT and COPY.
//! - `draws.rs`: what INSERTs take from sequences.
//! - `values.rs`: INSERT … VALUES as typed rows; `plan.rs`: what they mean for their table.
//! - `create.rs`: CREATE TABLE.
//! - `staged.rs`: the reading part of INSERT … SELECT and CREATE TABLE AS between DuckDB tables.
//! - `dataset.rs`: the other changes of datasets.
//! - `materialize.rs`: materialized views, and what writes tell those that follow their tables.
//! - `output.rs`: the rows that an algorithm gives; `compute.rs`: an algorithm in a trigger.
//! - `define.rs`: changes of definitions; defaults, identities and constraints that writes ask for.
//! - `batch.rs`: the statements of a procedure as one intent.
//! - `trigger.rs`: CREATE TRIGGER: a procedure's statements as what a trigger does;
//!   `deliver.rs`: the rows that it sends to datasets.
//! - `routine.rs`: CREATE FUNCTION and CREATE PROCEDURE.
//! - `holds.rs`: what a write inside a transaction means for others.
//! - `ingest.rs`: what rows of files must be like.
//! - `describe.rs`: parameters and columns of a write that is not run yet.
//!
//! What DuckDB does alone is queued as SQL; what touches a dataset, as rows or as a change of it.

mod batch;
mod compute;
mod create;
mod dataset;
mod define;
mod deliver;
mod describe;
mod draws;
mod holds;
mod ingest;
mod insert;
mod materialize;
mod output;
mod plan;
mod routine;
mod staged;
mod target;
mod trigger;
mod values;

use super::{Router, StatementContext};
use crate::catalog::TEMPORARY_SCHEMA;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::{Body, TagKind};
use crate::sql::{DefineWrite, Definition, ObjectKind, Statement, TableRef, Tag, Write};
use crate::types::{PgType, Value};

use dataset::{alter, refuse_on_dataset};

pub use ingest::{Condition, IngestTarget};
pub use plan::null_value;
pub use target::Target;

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
        mut params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Body> {
        match self.known_values(statement, types, &mut params, context)? {
            Some(body) => Ok(body),
            // Boxed, so that a statement that is known does not carry the state of all others.
            None => Box::pin(self.new_body(statement, write, types, params, context)).await,
        }
    }

    async fn new_body(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Body> {
        self.check_database(write.tables())?;
        self.refuse_followed(statement, write, context).await?;
        let path = &context.query.search_path;
        let arrow = |table: &TableRef| self.dataset_of(table, path);
        match write {
            Write::Insert { table, columns, .. } => match arrow(table) {
                Some(name) => {
                    refuse_on_dataset(write)?;
                    let target = self.dataset_target(&name, columns)?;
                    self.insert_rows(statement, target, types, params, context, None).await
                }
                None if self.reads_dataset(write, context) || statement.is_random_query() => {
                    refuse_mixed(write)?;
                    let target = self.duckdb_target(table, columns, context).await?;
                    let rows = self.insert_rows(statement, target, types, params, context, None);
                    let mut body = rows.await?;
                    if let Body::Rows { columns, draws, .. } = &mut body {
                        *draws = self.draws(table, columns, context).await?;
                    }
                    Ok(body)
                }
                None => self.insert_on_duckdb(statement, write, types, params, context).await,
            },
            Write::Update { table, .. } | Write::Delete { table, .. } => match arrow(table) {
                Some(name) => self.rewrite(statement, write, &name, types, params, context),
                None => {
                    let fitted = self.fit_defaults(statement, table, None, context).await?;
                    let statement = fitted.as_ref().unwrap_or(statement);
                    self.on_duckdb_alone(statement, write, types, params, context).await
                }
            },
            Write::Truncate { tables } => self.truncate(statement, write, tables, context).await,
            Write::CreateTable { .. } => {
                self.create_table(statement, write, types, params, context).await
            }
            Write::Drop { kind: ObjectKind::Table, .. } => {
                self.drop_tables(statement, write, context).await
            }
            Write::AlterTable { table, rename_to } => match arrow(table) {
                Some(from) => alter(from, rename_to.as_deref()),
                None => self.on_duckdb_alone(statement, write, types, params, context).await,
            },
            Write::Drop { kind: ObjectKind::Schema, names, .. } => {
                self.refuse_drop_of_datasets(names)?;
                self.on_duckdb_alone(statement, write, types, params, context).await
            }
            Write::Materialize { .. } => {
                self.materialize(statement, write, types, &params, context).await
            }
            Write::Define { define: DefineWrite::Routine(routine), tag } => {
                self.define_routine(routine, tag_kind(tag.clone()), context).await
            }
            Write::Define { define: DefineWrite::Trigger(trigger), tag } => {
                Box::pin(self.define_trigger(trigger, tag_kind(tag.clone()), context)).await
            }
            Write::Drop { .. } | Write::Define { .. } | Write::Other { .. } => {
                self.on_duckdb_alone(statement, write, types, params, context).await
            }
        }
    }

    /// An INSERT into a DuckDB table that reads DuckDB alone: as typed rows, as staged ones, or as
    /// it stands.
    async fn insert_on_duckdb(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        mut params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Body> {
        let Write::Insert { table, overriding, .. } = write else {
            return Err(Error::internal("not an INSERT"));
        };
        let fitted = self.fit_later_columns(statement, table, types, context).await?;
        let statement = fitted.as_ref().unwrap_or(statement);
        let fitted = self.fit_conflict(statement, table, context).await?;
        let statement = fitted.as_ref().unwrap_or(statement);
        let fitted = self.fit_defaults(statement, table, *overriding, context).await?;
        let statement = fitted.as_ref().unwrap_or(statement);
        let write = statement.write().unwrap_or(write);
        if !context.for_later {
            let typed = self.values_body(statement, write, types, &mut params, context);
            if let Some(body) = typed.await? {
                return Ok(body);
            }
        }
        if !context.unstaged {
            let staged = self.staged_insert(statement, write, types, &params, context);
            if let Some(mut body) = staged.await? {
                if let Body::Rows { columns, draws, .. } = &mut body {
                    *draws = self.draws(table, columns, context).await?;
                }
                return Ok(body);
            }
        }
        let columns = write.insert_columns();
        let fitted = self.fit_insert(statement, table, columns, types, context).await?;
        let statement = fitted.as_ref().unwrap_or(statement);
        self.insert_as_it_stands(statement, write, types, params, context).await
    }

    fn reads_dataset(&self, write: &Write, context: &StatementContext) -> bool {
        !self.storages(write.tables(), &context.query.search_path).arrow.is_empty()
    }

    /// A statement that DuckDB applies, and that must not name a dataset.
    async fn on_duckdb_alone(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Body> {
        if let Some(body) = self.refresh(statement, write, context).await? {
            return Ok(body);
        }
        let native = statement.is_native();
        let storages = self.storages(write.tables(), &context.query.search_path);
        if let Some(name) = storages.arrow.first().filter(|_| !native) {
            return Err(Error::unsupported(format!(
                "\"{}\" is an Arrow dataset, which this statement cannot use",
                name.table
            ))
            .with_hint("Copy the rows it needs into a table with INSERT … SELECT."));
        }
        self.as_it_stands(statement, write, types, params, context).await
    }

    /// Builds the body of a change of a temporary table, which nobody but DuckDB knows.
    pub async fn temporary_body(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Body> {
        match write {
            Write::CreateTable { table, as_query: false, .. } => {
                let name = TableName::new(TEMPORARY_SCHEMA, table.table.clone());
                let changes = statement.definitions(&self.names(context), types, &params)?;
                let mut changes = changes.unwrap_or_default();
                for change in &mut changes {
                    if let Definition::CreateTable { table, .. } = change {
                        table.clone_from(&name);
                    }
                }
                Ok(Body::Define {
                    changes,
                    table: Some(name),
                    tag: tag_kind(write.tag()),
                    computed: None,
                })
            }
            Write::Define { define: DefineWrite::Trigger(_), .. } => {
                Err(Error::unsupported("triggers on temporary tables are not supported"))
            }
            Write::Insert { table, columns, values: true, .. } => {
                let name = TableName::new(TEMPORARY_SCHEMA, table.table.clone());
                let fitted = self.fit_temporary(statement, &name, columns, context).await?;
                let statement = fitted.as_ref().unwrap_or(statement);
                self.as_sql(statement, write, types, params, context).await
            }
            Write::Other { .. }
                if statement.makes_temporary_sequence()
                    || !statement.drawn_sequences().is_empty() =>
            {
                let mut names = self.names(context);
                names.search_path.insert(0, TEMPORARY_SCHEMA.to_owned());
                let changes = statement.definitions(&names, types, &params)?.unwrap_or_default();
                Ok(Body::Define {
                    changes,
                    table: None,
                    tag: tag_kind(write.tag()),
                    computed: None,
                })
            }
            _ => self.as_sql(statement, write, types, params, context).await,
        }
    }

    async fn as_sql(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Body> {
        let table = changed_table(write, context);
        let names = self.names_of(statement, write.tables(), types, context).await?;
        let effect = self.effect(statement, write, &names, types, context)?;
        Ok(Body::Statement {
            effect,
            sql: statement.duckdb_sql(&names, types)?,
            params,
            table,
            tag: tag_kind(write.tag()),
            returning: write.returning(),
            draws: Vec::new(),
        })
    }

    async fn as_it_stands(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Body> {
        if let Some(body) = self.define(statement, write, types, &params, context)? {
            return Ok(body);
        }
        self.as_sql(statement, write, types, params, context).await
    }
}

/// The table that a write is about, as far as its name tells.
fn changed_table(write: &Write, context: &StatementContext) -> Option<TableName> {
    if let Write::CreateTable { table, temporary: true, .. } = write {
        return Some(TableName::new(TEMPORARY_SCHEMA, table.table.clone()));
    }
    write.target()?.to_create(&context.query.search_path).ok()
}

fn refuse_mixed(write: &Write) -> Result<()> {
    if write.returning() || matches!(write, Write::Insert { on_conflict: true, .. }) {
        return Err(Error::unsupported(
            "RETURNING and ON CONFLICT are not supported when the rows come from an Arrow dataset",
        ));
    }
    Ok(())
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
