//! Changes of definitions at their turn, inside an open transaction: the catalog is looked at, and
//! what DuckDB cannot do at once is done in steps.
//!
//! - `existing.rs`: what the catalog says of a table, and its CREATE TABLE.
//! - `rebuild.rs`: a table made anew with another definition, its rows copied.
//! - `roles.rs`, `privileges.rs`: roles, and what they may do and own.
//! - `facts.rs`: comments that DuckDB has no place for.
//! - `create.rs`, `alter.rs`, `drop.rs`, `enums.rs`, `domain.rs`, `sequence.rs`, `routine.rs`,
//!   `trigger.rs`, `foreign_key.rs`, `views.rs`: one statement's kind each.
//! - `view_rows.rs`: the rows of materialized views.
//! - `renamed.rs`: views that read what gets another name.
//!
//! DuckDB 1.5.6 refuses most of ALTER TABLE while an index depends on the table, and all of it once
//! the transaction has updated or deleted rows of the table. Such a table is made anew.

mod alter;
mod column;
mod create;
mod domain;
mod drop;
mod enums;
mod existing;
mod foreign_key;
mod facts;
mod privileges;
mod rebuild;
mod renamed;
mod roles;
mod routine;
mod sequence;
mod trigger;
mod view_rows;
mod views;

pub(super) use existing::Existing;
pub(super) use view_rows::GivenRows;

use std::collections::BTreeSet;

use crate::catalog::{TEMPORARY_SCHEMA, duckdb_schema};
use crate::engine::duckdb::WriteConnection;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::ResultSet;
use crate::pipeline::View;
use crate::sql::Definition;
use crate::sqlstate::SqlState;
use crate::types::Value;
use crate::writer::dropped::Beside;

/// What a relation's name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RelationKind {
    Table,
    View,
    MaterializedView,
    Sequence,
    Index,
}

impl RelationKind {
    fn word(self) -> &'static str {
        match self {
            RelationKind::Table => "table",
            RelationKind::View => "view",
            RelationKind::MaterializedView => "materialized view",
            RelationKind::Sequence => "sequence",
            RelationKind::Index => "index",
        }
    }
}

/// Makes the changes of definitions on a connection.
pub(in crate::writer) struct Definer<'a> {
    connection: &'a mut WriteConnection,
    /// Rows that a SELECT which draws from sequences may give.
    rows_max: usize,
    /// Rows that the last change has made.
    pub(in crate::writer) rows: u64,
    /// Which tables are made anew before they change.
    pub(in crate::writer) anew: Anew,
    /// Tables that get an index only as a copy, see `deleted.rs`.
    pub(in crate::writer) copied: BTreeSet<TableName>,
    /// The rows of the view that is made or refreshed.
    pub(in crate::writer) given: Option<GivenRows>,
    /// What the stream drops, where the transaction is beside it.
    pub(in crate::writer) beside: Option<Beside>,
    /// Views that the last change has dropped.
    pub(in crate::writer) dropped: Vec<TableName>,
}

/// Which tables are made anew before they are altered or get an index. DuckDB neither alters a
/// table whose rows the same transaction has updated or deleted, nor indexes it.
#[derive(Clone, Debug)]
pub(in crate::writer) enum Anew {
    These(BTreeSet<TableName>),
    All,
}

impl<'a> Definer<'a> {
    pub(super) fn new(connection: &'a mut WriteConnection, rows_max: usize) -> Definer<'a> {
        Definer {
            connection,
            rows_max,
            rows: 0,
            anew: Anew::These(BTreeSet::new()),
            copied: BTreeSet::new(),
            given: None,
            beside: None,
            dropped: Vec::new(),
        }
    }

    fn makes_anew(&self, table: &TableName) -> bool {
        match &self.anew {
            Anew::These(tables) => tables.contains(table),
            Anew::All => true,
        }
    }

    /// Makes one change; `setval` gives rows.
    pub(super) fn apply(&mut self, definition: &Definition) -> Result<Option<ResultSet>> {
        let rows = self.change(definition)?;
        self.sweep(definition)?;
        Ok(rows)
    }

    fn change(&mut self, definition: &Definition) -> Result<Option<ResultSet>> {
        match definition {
            Definition::Run { sql } => self.connection.run(sql)?,
            Definition::CreateTable { table, if_not_exists, shape, like } => {
                self.create_table(table, *if_not_exists, shape, like)?;
            }
            Definition::AlterTable { table, if_exists, actions } => {
                self.alter_table(table, *if_exists, actions)?;
            }
            Definition::CreateIndex { table, name, if_not_exists, unique, parts, detail } => {
                let name = name.as_deref();
                let include = &detail.include;
                let made =
                    self.create_index(table, name, *if_not_exists, *unique, parts, include)?;
                self.keep_index_detail(made.as_ref(), detail)?;
            }
            Definition::CreateSequence { name, if_not_exists, spec, owner } => {
                self.create_sequence(name, *if_not_exists, spec, owner.as_ref())?;
            }
            Definition::CreateDomain { name, shape } => self.create_domain(name, shape)?,
            Definition::CommentOnType { name, comment } => {
                self.comment_on_type(name, comment.as_deref())?;
            }
            Definition::Comment { on, name, part, text } => {
                self.comment_on(*on, name, part, text.as_deref())?;
            }
            Definition::AlterSequence { name, if_exists, change } => {
                self.alter_sequence(name, *if_exists, change)?;
            }
            Definition::SetValues { query, params, names, search_path } => {
                return self.set_values(query, params, names, search_path).map(Some);
            }
            Definition::Draw { sql, params, sequences } => {
                return self.draw(sql, params, sequences).map(Some);
            }
            Definition::Drop { kind, names, if_exists, cascade } => {
                self.drop_all(*kind, names, *if_exists, *cascade)?;
            }
            Definition::CreateView(view) => self.create_view(view)?,
            Definition::AlterView { name, if_exists, action } => {
                self.alter_view(name, *if_exists, action)?;
            }
            Definition::AddEnumValue { name, value, if_not_exists, place } => {
                self.add_enum_value(name, value, *if_not_exists, place)?;
            }
            Definition::Routine(change) => self.change_routine(change)?,
            Definition::Trigger(change) => self.change_trigger(change)?,
            Definition::Role(change) => self.change_role(change)?,
            Definition::Truncate { tables, restart, cascade } => {
                self.truncate(tables, *restart, *cascade)?;
            }
        }
        Ok(None)
    }

    /// Finds what the first of some names stands for.
    fn find(&mut self, candidates: &[TableName]) -> Result<Option<(TableName, RelationKind)>> {
        let Some(first) = candidates.first() else { return Ok(None) };
        let rows = self.connection.text_rows(
            "SELECT CASE WHEN database_name = 'temp' THEN $2 ELSE schema_name END, kind, of FROM (
                 SELECT database_name, schema_name, table_name AS name, 'table' AS kind, '' AS of
                     FROM duckdb_tables()
                 UNION ALL SELECT database_name, schema_name, view_name, 'view', ''
                     FROM duckdb_views()
                 UNION ALL SELECT database_name, schema_name, sequence_name, 'sequence', ''
                     FROM duckdb_sequences()
                 UNION ALL SELECT database_name, schema_name, index_name, 'index', table_name
                     FROM duckdb_indexes())
             WHERE database_name IN (current_database(), 'temp')
                 AND (name = $1 OR schema_name = 'teatree_internal' AND name = of || '.' || $1)",
            &[Value::Text(first.table.clone()), Value::Text(TEMPORARY_SCHEMA.to_owned())],
        )?;
        let rows = self.with_schemas_of_views(rows)?;
        for candidate in candidates {
            let schema = duckdb_schema(&candidate.schema);
            let found = rows.iter().find(|row| row.first().is_some_and(|name| name == schema));
            if let Some(row) = found {
                let kind = match row.get(1).map(String::as_str) {
                    Some("view") if self.materialized(candidate)?.is_some() => {
                        RelationKind::MaterializedView
                    }
                    Some("view") => RelationKind::View,
                    Some("sequence") => RelationKind::Sequence,
                    Some("index") => RelationKind::Index,
                    _ => RelationKind::Table,
                };
                return Ok(Some((candidate.clone(), kind)));
            }
        }
        Ok(None)
    }

    /// An index of a materialized view is in the view's schema, and not where the view's rows are.
    fn with_schemas_of_views(&mut self, mut rows: Vec<Vec<String>>) -> Result<Vec<Vec<String>>> {
        for row in &mut rows {
            let [schema, kind, table] = row.as_mut_slice() else { continue };
            if kind == "index" && schema == "teatree_internal" {
                let views = View::load(self.connection)?;
                let view = views.iter().find(|view| view.storage.table == *table);
                let of_view = view.map_or("public", |view| view.stored.name.schema.as_str());
                *schema = duckdb_schema(of_view).to_owned();
            }
        }
        Ok(rows)
    }

    /// Finds a name of a schema that no relation has, in PostgreSQL's way: with a number behind it.
    fn free_name(&mut self, schema: &str, wanted: &str) -> Result<TableName> {
        for number in 0_u32.. {
            let suffix = if number == 0 { String::new() } else { number.to_string() };
            let name = TableName::new(schema, format!("{wanted}{suffix}"));
            if self.find(std::slice::from_ref(&name))?.is_none() {
                return Ok(name);
            }
        }
        Err(Error::internal("no name is free"))
    }
}

fn undefined(kind: &str, name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_TABLE, format!("{kind} \"{name}\" does not exist"))
}

fn wrong_kind(name: &str, wanted: &str) -> Error {
    Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not {wanted}"))
}

/// Shortens the parts of a generated name so that it fits, and joins them.
fn generated_name(table: &str, middle: &str, ending: &str) -> String {
    const LENGTH_MAX: usize = 63;
    let mut table = table.to_owned();
    let mut middle = middle.to_owned();
    let joined = |table: &str, middle: &str| {
        if middle.is_empty() {
            format!("{table}_{ending}")
        } else {
            format!("{table}_{middle}_{ending}")
        }
    };
    while joined(&table, &middle).len() > LENGTH_MAX {
        if table.len() > middle.len() {
            table.pop()
        } else {
            middle.pop()
        };
    }
    joined(&table, &middle)
}

#[cfg(test)]
mod tests {
    use super::generated_name;

    #[test]
    fn generated_names_are_cut_as_postgresql_does() {
        assert_eq!(generated_name("t", "id", "seq"), "t_id_seq");
        assert_eq!(generated_name("t", "", "pkey"), "t_pkey");
        let long = "a".repeat(60);
        assert_eq!(generated_name(&long, "id", "seq"), format!("{}_id_seq", "a".repeat(56)));
    }
}
