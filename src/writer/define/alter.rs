//! ALTER TABLE: the actions on the table itself; `column.rs` has those on its columns.

use super::existing::{Existing, undefined_constraint};
use super::rebuild::Rebuild;
use super::{Definer, RelationKind, undefined, wrong_kind};
use crate::catalog::{duckdb_schema, duckdb_table};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::{
    ConstraintKind, ConstraintShape, SubjectKind, TableAction, ViewAction, quote_ident,
};
use crate::sqlstate::SqlState;
use crate::types::Value;

impl Definer<'_> {
    /// Does the actions one after the other.
    pub(super) fn alter_table(
        &mut self,
        candidates: &[TableName],
        if_exists: bool,
        actions: &[TableAction],
    ) -> Result<()> {
        let Some((mut name, kind)) = self.find(candidates)? else {
            let name = candidates.first().map_or("", |name| name.table.as_str());
            return if if_exists { Ok(()) } else { Err(undefined("relation", name)) };
        };
        if kind != RelationKind::Table {
            return self.alter_other(&name, kind, actions);
        }
        if self.makes_anew(&name) {
            let table = self.existing(&name)?;
            if Definer::check_can_rebuild(&table).is_ok() {
                self.rebuild(&Rebuild::of(&table))?;
            }
        }
        self.take_over_keys(&name)?;
        for action in actions {
            let table = self.existing(&name)?;
            let named: Vec<String> = table.names().cloned().collect();
            if let Some(renamed) = self.alter(table, action)? {
                self.move_relation_facts(&name, &renamed)?;
                name = renamed;
            }
            if action.renames() && self.connection.has_facts()? {
                let now: Vec<String> = self.existing(&name)?.names().cloned().collect();
                self.move_constraint_facts(&name, &named, &now)?;
            }
        }
        Ok(())
    }

    /// A view, a sequence or an index can be renamed by ALTER TABLE, too.
    fn alter_other(
        &mut self,
        name: &TableName,
        kind: RelationKind,
        actions: &[TableAction],
    ) -> Result<()> {
        for action in actions {
            match (action, kind) {
                (TableAction::RenameTable { to }, RelationKind::View) => {
                    self.check_free(&name.schema, to)?;
                    let sql =
                        format!("ALTER VIEW {} RENAME TO {}", duckdb_table(name), quote_ident(to));
                    self.connection.run(&sql)?;
                    let to = TableName::new(name.schema.clone(), to.clone());
                    self.move_relation_facts(name, &to)?;
                    self.follow_rename(name, &to)?;
                }
                (TableAction::RenameTable { to }, RelationKind::MaterializedView) => {
                    let action = ViewAction::Rename { to: to.clone() };
                    self.alter_view(std::slice::from_ref(name), false, &action)?;
                }
                (TableAction::RenameTable { to }, RelationKind::Sequence) => {
                    self.rename_sequence(name, &TableName::new(name.schema.clone(), to.clone()))?;
                }
                (TableAction::RenameTable { to }, RelationKind::Index) => {
                    self.rename_index(name, to)?;
                }
                (TableAction::RenameTable { .. }, RelationKind::Table) => {}
                _ => {
                    let word = kind.word();
                    return Err(Error::unsupported(format!(
                        "this change of {word} \"{}\" is not supported",
                        name.table
                    )));
                }
            }
        }
        Ok(())
    }

    /// Does one action; returns the table's new name, where it has one.
    fn alter(&mut self, table: Existing, action: &TableAction) -> Result<Option<TableName>> {
        match action {
            TableAction::AddColumn { column, constraints, if_not_exists, fill } => {
                self.add_column(&table, column, constraints, *if_not_exists, fill.as_deref())?;
            }
            TableAction::DropColumn { name, if_exists, cascade } => {
                self.drop_column(&table, name, *if_exists, *cascade)?;
            }
            TableAction::SetType { column, data_type, limit, declared, using } => {
                self.refuse_domain(data_type)?;
                let told = (limit.as_ref(), declared.as_ref());
                self.set_type(table, column, data_type, told, using.as_deref())?;
            }
            TableAction::SetDefault { column, default, sequence } => {
                let default = match sequence {
                    Some(uses) => Some(self.used_sequence(uses)?),
                    None => default.clone(),
                };
                self.set_default(table, column, default)?;
            }
            TableAction::SetNotNull { column, not_null } => {
                self.set_not_null(table, column, *not_null)?;
            }
            TableAction::AddIdentity { column, sequence } => {
                self.add_identity(table, column, sequence)?;
            }
            TableAction::DropIdentity { column, if_exists } => {
                self.drop_identity(table, column, *if_exists)?;
            }
            TableAction::RenameColumn { from, to } => {
                self.rename_column(&table, from, to)?;
                self.follow_column(&table, from, to)?;
                self.rename_column_in_triggers(&table.name, from, to)?;
                self.rename_column_in_keys(&table.name, from, to)?;
                self.move_part(SubjectKind::Column, &table.name, from, to)?;
                self.rename_in_index_details(&table, from, to)?;
            }
            TableAction::AddConstraint { constraint } => self.add_constraint(&table, constraint)?,
            TableAction::DropConstraint { name, if_exists, cascade } => {
                self.drop_constraint(&table, name, *if_exists, *cascade)?;
            }
            TableAction::RenameConstraint { from, to } => {
                self.rename_constraint(&table, from, to)?;
            }
            TableAction::RenameTable { to } => {
                let to = TableName::new(table.name.schema.clone(), to.clone());
                self.rename_table(&table, &to)?;
                self.follow_rename(&table.name, &to)?;
                return Ok(Some(to));
            }
            TableAction::AlterConstraint { name, deferrable, deferred } => {
                self.alter_key(&table, name, (*deferrable, *deferred))?;
            }
            TableAction::ValidateConstraint { name } => self.validate_key(&table, name)?,
            TableAction::SetSchema { schema } => {
                let to = self.set_schema(&table, schema)?;
                self.follow_rename(&table.name, &to)?;
                return Ok(Some(to));
            }
        }
        Ok(None)
    }

    pub(super) fn check_free(&mut self, schema: &str, name: &str) -> Result<()> {
        match self.find(&[TableName::new(schema, name)])? {
            Some(_) => Err(super::create::already_exists(name)),
            None => Ok(()),
        }
    }

    fn rename_table(&mut self, table: &Existing, to: &TableName) -> Result<()> {
        self.check_free(&to.schema, &to.table)?;
        self.move_triggers(&table.name, to)?;
        self.move_keys(&table.name, to)?;
        // With an index, DuckDB's RENAME shows the new name to other transactions at once:
        // duckdb_indexes() fails there until the commit.
        let is_indexed = !table.indexes.is_empty() && !table.generated;
        if is_indexed {
            let mut rebuild = Rebuild::of(table);
            rebuild.after.name = to.clone();
            return self.rebuild(&rebuild);
        }
        self.drop_indexes(table)?;
        let (from, to_name) = (duckdb_table(&table.name), quote_ident(&to.table));
        self.connection.run(&format!("ALTER TABLE {from} RENAME TO {to_name}"))?;
        self.indexes(&table.indexes, to)
    }

    fn set_schema(&mut self, table: &Existing, schema: &str) -> Result<TableName> {
        if !self.has_schema(schema)? {
            return Err(Error::new(
                SqlState::INVALID_SCHEMA_NAME,
                format!("schema \"{schema}\" does not exist"),
            ));
        }
        let to = TableName::new(schema, table.name.table.clone());
        if to == table.name {
            return Ok(to);
        }
        if self.find(std::slice::from_ref(&to))?.is_some() {
            return Err(Error::new(
                SqlState::DUPLICATE_TABLE,
                format!("relation \"{}\" already exists in schema \"{schema}\"", to.table),
            ));
        }
        self.move_triggers(&table.name, &to)?;
        self.move_keys(&table.name, &to)?;
        let mut rebuild = Rebuild::of(table);
        rebuild.after.name = to.clone();
        self.rebuild(&rebuild)?;
        let indexes = table.indexes.iter().map(|index| &index.name).chain(table.names());
        for index in indexes {
            let of = |schema: &str| TableName::new(schema, index.clone());
            self.move_relation_facts(&of(&table.name.schema), &of(schema))?;
        }
        Ok(to)
    }

    pub(super) fn has_schema(&mut self, schema: &str) -> Result<bool> {
        let rows = self.connection.text_rows(
            "SELECT '1' FROM duckdb_schemas()
             WHERE database_name = current_database() AND schema_name = $1",
            &[Value::Text(duckdb_schema(schema).to_owned())],
        )?;
        Ok(!rows.is_empty())
    }

    pub(super) fn add_constraint(
        &mut self,
        table: &Existing,
        constraint: &ConstraintShape,
    ) -> Result<()> {
        if constraint.reference.is_some() {
            return self.add_foreign_key(table, constraint);
        }
        let has_key = table.constraints.iter().any(|c| c.kind == ConstraintKind::PrimaryKey);
        if constraint.kind == ConstraintKind::PrimaryKey && has_key {
            return Err(Error::new(
                SqlState::INVALID_TABLE_DEFINITION,
                format!("multiple primary keys for table \"{}\" are not allowed", table.name.table),
            ));
        }
        let mut rebuild = Rebuild::of(table);
        let name = rebuild.after.add(constraint)?;
        self.rebuild(&rebuild).map_err(|error| broken(error, constraint.kind, &name, table))
    }

    fn drop_constraint(
        &mut self,
        table: &Existing,
        name: &str,
        if_exists: bool,
        cascade: bool,
    ) -> Result<()> {
        if self.drop_key(table, name)? {
            return Ok(());
        }
        let Some(place) = table.constraints.iter().position(|c| !c.hidden && c.name == name) else {
            return if if_exists { Ok(()) } else { Err(undefined_constraint(name, table)) };
        };
        let dropped = &table.constraints[place];
        let is_key = matches!(dropped.kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique);
        if is_key {
            let what = format!("constraint {name} on table {}", table.name.table);
            let on = format!("index {name}");
            self.drop_keys_over(table, &dropped.columns, (&what, &on), cascade)?;
        }
        let mut rebuild = Rebuild::of(table);
        rebuild.after.constraints.remove(place);
        self.rebuild(&rebuild)
    }

    fn rename_constraint(&mut self, table: &Existing, from: &str, to: &str) -> Result<()> {
        let mut rebuild = Rebuild::of(table);
        if table.names().any(|name| name == to) {
            return Err(Error::new(
                SqlState::DUPLICATE_OBJECT,
                format!("constraint \"{to}\" for relation \"{}\" already exists", table.name.table),
            ));
        }
        if self.rename_key(table, from, to)? {
            return Ok(());
        }
        let found = rebuild.after.constraints.iter_mut().find(|c| !c.hidden && c.name == from);
        let Some(constraint) = found else { return Err(undefined_constraint(from, table)) };
        constraint.rename(to);
        self.rebuild(&rebuild)
    }

    fn rename_index(&mut self, name: &TableName, to: &str) -> Result<()> {
        self.check_free(&name.schema, to)?;
        if let Some((view, index)) = self.index_of_view(name)? {
            return self.rename_index_of_view(name, &view, &index, to);
        }
        let rows = self.connection.text_rows(
            "SELECT table_name FROM duckdb_indexes() WHERE database_name = current_database()
                 AND schema_name = $1 AND index_name = $2",
            &[Value::Text(duckdb_schema(&name.schema).to_owned()), Value::Text(name.table.clone())],
        )?;
        let table = rows.first().and_then(|row| row.first().cloned()).unwrap_or_default();
        let table = self.existing(&TableName::new(name.schema.clone(), table))?;
        let found = table.indexes.iter().find(|index| index.name == name.table).cloned();
        let Some(mut index) = found else { return Err(wrong_kind(&name.table, "an index")) };
        self.connection.run(&format!("DROP INDEX {}", duckdb_table(name)))?;
        to.clone_into(&mut index.name);
        self.move_relation_facts(name, &TableName::new(name.schema.clone(), to))?;
        self.indexes(&[index], &table.name)
    }
}

/// What rows break of a new constraint, in PostgreSQL's words.
pub(super) fn broken(error: Error, kind: ConstraintKind, name: &str, table: &Existing) -> Error {
    let table = &table.name.table;
    let detail = error.detail().map(|detail| detail.replace("already exists", "is duplicated"));
    let (code, message) = match (kind, error.code()) {
        (ConstraintKind::Check, SqlState::CHECK_VIOLATION) => (
            SqlState::CHECK_VIOLATION,
            format!("check constraint \"{name}\" of relation \"{table}\" is violated by some row"),
        ),
        (_, SqlState::UNIQUE_VIOLATION) => {
            let message = format!("could not create unique index \"{name}\"");
            let error = Error::new(SqlState::UNIQUE_VIOLATION, message);
            return match detail {
                Some(detail) => error.with_detail(detail),
                None => error,
            };
        }
        (_, SqlState::NOT_NULL_VIOLATION) => {
            let column = error.message().split('"').nth(1).unwrap_or_default().to_owned();
            (
                SqlState::NOT_NULL_VIOLATION,
                format!("column \"{column}\" of relation \"{table}\" contains null values"),
            )
        }
        _ => return error,
    };
    Error::new(code, message)
}
