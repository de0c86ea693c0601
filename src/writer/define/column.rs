//! ALTER TABLE: the actions on columns.

use super::Definer;
use super::alter::broken;
use super::existing::{Existing, undefined_column};
use super::rebuild::Rebuild;
use crate::catalog::duckdb_table;
use crate::error::{Error, Result};
use crate::sql::{
    ColumnSequence, ColumnShape, ConstraintKind, ConstraintShape, DeclaredType, TextLimit,
    quote_ident, renamed_key, sequence_default,
};
use crate::sqlstate::SqlState;

impl Definer<'_> {
    /// Adds a column; one with more than a type and a default needs the table made anew.
    pub(super) fn add_column(
        &mut self,
        table: &Existing,
        shape: &ColumnShape,
        constraints: &[ConstraintShape],
        if_not_exists: bool,
        fill: Option<&str>,
    ) -> Result<()> {
        if table.has_column(&shape.name) {
            if if_not_exists {
                return Ok(());
            }
            return Err(Error::new(
                SqlState::DUPLICATE_COLUMN,
                format!(
                    "column \"{}\" of relation \"{}\" already exists",
                    shape.name, table.name.table
                ),
            ));
        }
        if shape.generated.is_some() {
            return Err(Error::unsupported("a generated column cannot be added to a table"));
        }
        let domain = self.domain_of(shape)?;
        let of_domain = domain.as_ref().map(|domain| domain.shape(shape));
        let shape = of_domain.as_ref().unwrap_or(shape);
        let column = self.new_column(&table.name, shape)?;
        let plain = constraints.is_empty()
            && domain.is_none()
            && shape.limit.is_none()
            && !shape.declared.is_some_and(|declared| declared.changes_values())
            && shape.sequence.is_none()
            && shape.uses.is_none()
            && !shape.not_null;
        if plain {
            let name = duckdb_table(&table.name);
            let quoted = quote_ident(&column.name);
            let first = fill.map(str::to_owned).or_else(|| column.default.clone());
            let default = first.map(|value| format!(" DEFAULT ({value})")).unwrap_or_default();
            self.connection.run(&format!(
                "ALTER TABLE {name} ADD COLUMN {quoted} {}{default}",
                column.data_type
            ))?;
            if let (Some(_), Some(default)) = (fill, &column.default) {
                let sql =
                    format!("ALTER TABLE {name} ALTER COLUMN {quoted} SET DEFAULT ({default})");
                self.connection.run(&sql)?;
            }
            return Ok(());
        }
        let mut rebuild = Rebuild::of(table);
        // What draws from a sequence does so as each row comes.
        if let (Some(value), true) = (
            fill.map(str::to_owned).or_else(|| column.default.clone()),
            shape.sequence.is_none() && shape.uses.is_none(),
        ) {
            rebuild.sources.push((column.name.clone(), format!("({value})")));
        }
        rebuild.after.columns.push(column);
        rebuild.after.limit(&shape.name, shape.limit.as_ref(), shape.declared.as_ref());
        rebuild.after.demand(&shape.name, domain.as_ref())?;
        let mut last = (ConstraintKind::Check, String::new());
        for constraint in constraints.iter().filter(|one| one.reference.is_none()) {
            last = (constraint.kind, rebuild.after.add(constraint)?);
        }
        self.rebuild(&rebuild).map_err(|error| broken(error, last.0, &last.1, table))?;
        self.add_foreign_keys(&table.name, constraints)
    }

    /// Drops a column, with the constraints and indexes that name it.
    pub(super) fn drop_column(
        &mut self,
        table: &Existing,
        name: &str,
        if_exists: bool,
        cascade: bool,
    ) -> Result<()> {
        let Some(column) = table.columns.iter().find(|column| column.name == name) else {
            if if_exists {
                return Ok(());
            }
            return Err(undefined_column(name, &table.name.table));
        };
        let keys = table.constraints.iter().filter(|c| {
            matches!(c.kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique)
                && c.columns.iter().any(|column| column == name)
        });
        let keys: Vec<Vec<String>> = keys.map(|key| key.columns.clone()).collect();
        self.drop_keys_with(table, name, cascade)?;
        for columns in keys {
            let what = format!("column {name} of table {}", table.name.table);
            self.drop_keys_over(table, &columns, (&what, &what), cascade)?;
        }
        let owned = owned_sequence(column.default.as_deref());
        let unhindered = table.indexes.is_empty() && !table.is_constrained(name);
        if unhindered {
            let (table, column) = (duckdb_table(&table.name), quote_ident(name));
            self.connection.run(&format!("ALTER TABLE {table} DROP COLUMN {column}"))?;
        } else {
            let mut rebuild = Rebuild::of(table);
            let after = &mut rebuild.after;
            after.columns.retain(|column| column.name != name);
            after.constraints.retain(|c| !c.columns.iter().any(|column| column == name));
            let quoted = quote_ident(name);
            after
                .indexes
                .retain(|index| !index.parts.iter().any(|part| mentions(part, name, &quoted)));
            let detailed = self.indexes_mentioning(table, name)?;
            after.indexes.retain(|index| !detailed.contains(&index.name));
            rebuild.sources.retain(|(column, _)| column != name);
            if after.columns.is_empty() {
                return Err(Error::unsupported("a table without columns is not supported"));
            }
            self.rebuild(&rebuild)?;
        }
        if let Some(sequence) = owned {
            self.connection.run(&format!("DROP SEQUENCE {sequence}"))?;
        }
        Ok(())
    }

    /// Gives a column another type.
    pub(super) fn set_type(
        &mut self,
        table: Existing,
        name: &str,
        data_type: &str,
        (limit, declared): (Option<&TextLimit>, Option<&DeclaredType>),
        using: Option<&str>,
    ) -> Result<()> {
        let mut rebuild = Rebuild::of(&table);
        let column = rebuild.after.column(name)?;
        data_type.clone_into(&mut column.data_type);
        rebuild.after.limit(name, limit, declared);
        let quoted = quote_ident(name);
        let from = using.map_or_else(|| quoted.clone(), |using| format!("({using})"));
        let unhindered = limit.is_none()
            && !self.names_a_type(using.unwrap_or_default())?
            && !declared.is_some_and(DeclaredType::changes_values)
            && table.indexes.is_empty()
            && !table.is_constrained(name);
        if unhindered {
            let data_type = self.spelled(data_type)?;
            let using = using.map(|using| format!(" USING ({using})")).unwrap_or_default();
            let renamed = duckdb_table(&table.name);
            self.connection.run(&format!(
                "ALTER TABLE {renamed} ALTER COLUMN {quoted} TYPE {data_type}{using}"
            ))?;
            return self.recheck_keys(&table.name, name);
        }
        for (column, source) in &mut rebuild.sources {
            if column == name {
                *source = format!("CAST({from} AS {data_type})");
            }
        }
        self.rebuild(&rebuild)?;
        self.recheck_keys(&table.name, name)
    }

    /// Sets or drops a column's default.
    pub(super) fn set_default(
        &mut self,
        mut table: Existing,
        name: &str,
        default: Option<String>,
    ) -> Result<()> {
        table.column(name)?;
        self.take_over_keys(&table.name)?;
        let what = match &default {
            Some(default) => format!("SET DEFAULT ({default})"),
            None => "DROP DEFAULT".to_owned(),
        };
        let (table, column) = (duckdb_table(&table.name), quote_ident(name));
        self.connection.run(&format!("ALTER TABLE {table} ALTER COLUMN {column} {what}"))
    }

    /// Sets or drops NOT NULL.
    pub(super) fn set_not_null(
        &mut self,
        table: Existing,
        name: &str,
        not_null: bool,
    ) -> Result<()> {
        let mut rebuild = Rebuild::of(&table);
        let in_key = table.constraints.iter().any(|c| {
            c.kind == ConstraintKind::PrimaryKey && c.columns.iter().any(|column| column == name)
        });
        if in_key && !not_null {
            return Err(Error::new(
                SqlState::INVALID_TABLE_DEFINITION,
                format!("column \"{name}\" is in a primary key"),
            ));
        }
        let column = rebuild.after.column(name)?;
        if column.not_null == not_null {
            return Ok(());
        }
        column.not_null = not_null;
        let words = |error| broken(error, ConstraintKind::Check, "", &table);
        self.drop_indexes(&table)?;
        let what = if not_null { "SET NOT NULL" } else { "DROP NOT NULL" };
        let (quoted, column) = (duckdb_table(&table.name), quote_ident(name));
        self.connection
            .run(&format!("ALTER TABLE {quoted} ALTER COLUMN {column} {what}"))
            .map_err(words)?;
        self.indexes(&table.indexes, &table.name)
    }

    /// Renames a column.
    pub(super) fn rename_column(&mut self, table: &Existing, from: &str, to: &str) -> Result<()> {
        if !table.has_column(from) {
            return Err(Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{from}\" does not exist"),
            ));
        }
        if table.has_column(to) {
            return Err(Error::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{to}\" of relation \"{}\" already exists", table.name.table),
            ));
        }
        let mut indexes = table.indexes.clone();
        let (old, new) = (quote_ident(from), quote_ident(to));
        for part in indexes.iter_mut().flat_map(|index| &mut index.parts) {
            if *part == old {
                new.clone_into(part);
            } else if mentions(part, from, &old) {
                if let Some(renamed) = renamed_key(part, from, to) {
                    *part = renamed;
                    continue;
                }
                return Err(Error::unsupported(format!(
                    "column \"{from}\" is part of an index over an expression"
                ))
                .with_hint("Drop the index first."));
            }
        }
        self.drop_indexes(table)?;
        let name = duckdb_table(&table.name);
        self.connection.run(&format!("ALTER TABLE {name} RENAME COLUMN {old} TO {new}"))?;
        self.indexes(&indexes, &table.name)
    }

    /// Makes an identity of a column.
    pub(super) fn add_identity(
        &mut self,
        mut table: Existing,
        name: &str,
        sequence: &ColumnSequence,
    ) -> Result<()> {
        let relation = table.name.table.clone();
        let column = table.column(name)?;
        let refused = |what: &str| {
            Error::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("column \"{name}\" of relation \"{relation}\" {what}"),
            )
        };
        if !column.not_null {
            return Err(refused("must be declared NOT NULL before identity can be added"));
        }
        if column.default.is_some() {
            return Err(refused("already has a default value"));
        }
        let mut spec = sequence.spec.clone();
        spec.type_name = Some(
            match column.data_type.as_str() {
                "INTEGER" => "integer",
                "SMALLINT" => "smallint",
                _ => "bigint",
            }
            .to_owned(),
        );
        let wanted = super::generated_name(&table.name.table, name, "seq");
        let made = self.free_name(&table.name.schema, &wanted)?;
        self.connection.run(&spec.resolve(None)?.create_sql(&duckdb_table(&made)))?;
        let default = sequence_default(&duckdb_table(&made), Some(sequence.kind));
        self.set_default(table, name, Some(default))
    }

    /// Makes a plain column of an identity; its sequence goes.
    pub(super) fn drop_identity(
        &mut self,
        mut table: Existing,
        name: &str,
        if_exists: bool,
    ) -> Result<()> {
        let relation = table.name.table.clone();
        let default = table.column(name)?.default.clone();
        let Some(sequence) = owned_sequence(default.as_deref())
            .filter(|_| default.as_deref().is_some_and(|d| !d.ends_with(", 0)")))
        else {
            if if_exists {
                return Ok(());
            }
            return Err(Error::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("column \"{name}\" of relation \"{relation}\" is not an identity column"),
            ));
        };
        self.set_default(table, name, None)?;
        self.connection.run(&format!("DROP SEQUENCE {sequence}"))
    }
}

/// Finds the sequence, in quoted SQL, of a default that owns it.
pub(super) fn owned_sequence(default: Option<&str>) -> Option<String> {
    let rest = default?.strip_prefix("COALESCE(nextval('")?;
    let (name, _) = rest.split_once("'),")?;
    Some(name.replace("''", "'"))
}

/// Tells whether a part of an index may name a column.
fn mentions(part: &str, name: &str, quoted: &str) -> bool {
    part.contains(quoted)
        || part
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .any(|word| word.eq_ignore_ascii_case(name))
}
