//! Foreign keys: made, changed and dropped; what becomes of them when their tables change.
//!
//! They are kept beside DuckDB's definitions (`src/sql/foreign_key.rs`), so most changes of tables
//! do not notice them. A data file of an older Teatree has DuckDB's own: those go on, until their
//! table is made anew.

use super::existing::{Existing, column_key, undefined_constraint};
use super::{Definer, RelationKind, generated_name, undefined};
use crate::catalog::TEMPORARY_SCHEMA;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::pipeline::{check_key, load_foreign_keys, save_foreign_key};
use crate::sql::{ConstraintKind, ConstraintShape, ForeignKey, ReferenceShape};
use crate::sqlstate::SqlState;

impl Definer<'_> {
    /// Makes a foreign key of a table, under its name or PostgreSQL's own for it; checks the rows
    /// that are there.
    ///
    /// # Errors
    /// 42P01, 42703, 42830, 42804 and their like for what it cannot be; 23503 for the rows.
    pub(super) fn add_foreign_key(
        &mut self,
        table: &Existing,
        shape: &ConstraintShape,
    ) -> Result<()> {
        let Some(reference) = &shape.reference else {
            return Err(Error::internal("a foreign key refers to nothing"));
        };
        let keys = load_foreign_keys(self.connection)?;
        let taken = |name: &String| {
            table.names().any(|known| known == name)
                || keys.iter().any(|key| key.name == *name && key.table.schema == table.name.schema)
        };
        let name = match &shape.name {
            Some(name) if table.names().any(|known| known == name) => {
                return Err(Error::new(
                    SqlState::DUPLICATE_OBJECT,
                    format!(
                        "constraint \"{name}\" for relation \"{}\" already exists",
                        table.name.table
                    ),
                ));
            }
            Some(name) => name.clone(),
            None => {
                let usual = generated_name(&table.name.table, &shape.columns.join("_"), "fkey");
                let mut names = (0..).map(|number| match number {
                    0 => usual.clone(),
                    _ => format!("{usual}{number}"),
                });
                names.find(|name| !taken(name)).unwrap_or_default()
            }
        };
        let (referenced, referenced_columns) = self.referenced(table, shape, reference)?;
        let key = ForeignKey {
            id: keys.last().map_or(0, |last| last.id) + 1,
            name,
            table: table.name.clone(),
            columns: shape.columns.clone(),
            referenced: referenced.name.clone(),
            referenced_columns,
            rules: reference.rules.clone(),
        };
        check_types(&key, table, &referenced)?;
        save_foreign_key(self.connection, &key)?;
        if key.rules.not_valid { Ok(()) } else { check_key(self.connection, &key, None) }
    }

    /// Makes those of some constraints that are foreign keys.
    pub(super) fn add_foreign_keys(
        &mut self,
        table: &TableName,
        constraints: &[ConstraintShape],
    ) -> Result<()> {
        for constraint in constraints.iter().filter(|one| one.reference.is_some()) {
            let table = self.existing(table)?;
            self.add_foreign_key(&table, constraint)?;
        }
        Ok(())
    }

    /// Finds what a key refers to: a table and its columns.
    fn referenced(
        &mut self,
        table: &Existing,
        shape: &ConstraintShape,
        reference: &ReferenceShape,
    ) -> Result<(Existing, Vec<String>)> {
        let wanted = reference.table.first().map_or("", |name| name.table.as_str());
        let referenced = match self.find(&reference.table)? {
            None => return Err(undefined("relation", wanted)),
            Some((name, RelationKind::Table)) if name.schema == TEMPORARY_SCHEMA => {
                return Err(Error::new(
                    SqlState::INVALID_TABLE_DEFINITION,
                    "constraints on permanent tables may reference only permanent tables",
                ));
            }
            Some((name, RelationKind::Table)) => self.existing(&name)?,
            Some((name, _)) => {
                return Err(Error::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("referenced relation \"{}\" is not a table", name.table),
                ));
            }
        };
        check_columns(table, &shape.columns)?;
        let columns = if reference.columns.is_empty() {
            let mut keys = referenced.constraints.iter();
            let primary = keys.find(|one| one.kind == ConstraintKind::PrimaryKey);
            let primary = primary.map(|one| one.columns.clone());
            primary.ok_or_else(|| {
                Error::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!("there is no primary key for referenced table \"{wanted}\""),
                )
            })?
        } else {
            check_columns(&referenced, &reference.columns)?;
            reference.columns.clone()
        };
        let twice = (1..columns.len()).any(|place| columns[..place].contains(&columns[place]));
        let error = |message: String| Err(Error::new(SqlState::INVALID_FOREIGN_KEY, message));
        if twice {
            return error(
                "foreign key referenced-columns list must not contain duplicates".to_owned(),
            );
        }
        if referenced.unique_over(&columns).is_none() {
            return error(format!(
                "there is no unique constraint matching given keys for referenced table \"{wanted}\""
            ));
        }
        if columns.len() != shape.columns.len() {
            return error(
                "number of referencing and referenced columns for foreign key disagree".to_owned(),
            );
        }
        Ok((referenced, columns))
    }

    /// Changes one foreign key of a table, if that is what a name means; tells whether it is.
    fn change_key(
        &mut self,
        table: &Existing,
        name: &str,
        change: impl FnOnce(&mut ForeignKey),
    ) -> Result<bool> {
        let Some(mut key) = table.keys.iter().find(|key| key.name == name).cloned() else {
            return Ok(false);
        };
        self.connection.forget_foreign_key(&key.table, &key.name)?;
        change(&mut key);
        save_foreign_key(self.connection, &key)?;
        Ok(true)
    }

    /// Drops a foreign key; tells whether there is one of the name.
    pub(super) fn drop_key(&mut self, table: &Existing, name: &str) -> Result<bool> {
        let found = table.keys.iter().any(|key| key.name == name);
        if found {
            self.connection.forget_foreign_key(&table.name, name)?;
        }
        Ok(found)
    }

    /// Renames a foreign key; tells whether there is one of the name.
    pub(super) fn rename_key(&mut self, table: &Existing, from: &str, to: &str) -> Result<bool> {
        self.change_key(table, from, |key| to.clone_into(&mut key.name))
    }

    /// ALTER CONSTRAINT.
    pub(super) fn alter_key(
        &mut self,
        table: &Existing,
        name: &str,
        (deferrable, deferred): (bool, bool),
    ) -> Result<()> {
        let changed = self.change_key(table, name, |key| {
            (key.rules.deferrable, key.rules.deferred) = (deferrable, deferred);
        })?;
        match changed {
            true => Ok(()),
            false if table.names().any(|known| known == name) => Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!(
                    "constraint \"{name}\" of relation \"{}\" is not a foreign key constraint",
                    table.name.table
                ),
            )),
            false => Err(undefined_constraint(name, table)),
        }
    }

    /// VALIDATE CONSTRAINT: others hold for all rows from the start.
    pub(super) fn validate_key(&mut self, table: &Existing, name: &str) -> Result<()> {
        if let Some(key) = table.keys.iter().find(|key| key.name == name) {
            check_key(self.connection, key, None)?;
            self.change_key(table, name, |key| key.rules.not_valid = false)?;
            return Ok(());
        }
        match table.names().any(|known| known == name) {
            true => Ok(()),
            false => Err(undefined_constraint(name, table)),
        }
    }

    /// The foreign keys that refer to a table.
    pub(super) fn keys_to(&mut self, table: &TableName) -> Result<Vec<ForeignKey>> {
        let mut keys = load_foreign_keys(self.connection)?;
        keys.retain(|key| key.referenced == *table);
        Ok(keys)
    }

    pub(super) fn forget_keys(&mut self, keys: &[ForeignKey]) -> Result<()> {
        keys.iter().try_for_each(|key| self.connection.forget_foreign_key(&key.table, &key.name))
    }

    /// Drops the foreign keys of tables that are dropped; those of others that refer to them go by
    /// CASCADE.
    pub(super) fn drop_keys_of(&mut self, dropped: &[TableName], cascade: bool) -> Result<()> {
        let mut keys = load_foreign_keys(self.connection)?;
        keys.retain(|key| dropped.contains(&key.table) || dropped.contains(&key.referenced));
        for name in dropped.iter().filter(|_| !cascade) {
            let others: Vec<String> = keys
                .iter()
                .filter(|key| key.referenced == *name && !dropped.contains(&key.table))
                .map(|key| {
                    let (table, name) = (&key.table.table, &name.table);
                    format!("constraint {} on table {table} depends on table {name}", key.name)
                })
                .collect();
            if !others.is_empty() {
                return Err(super::drop::depended_on("table", &name.table, &others.join("\n")));
            }
        }
        self.forget_keys(&keys)
    }

    /// Drops the foreign keys that a schema's end takes with it.
    pub(super) fn drop_keys_in(&mut self, schema: &str) -> Result<()> {
        let mut keys = load_foreign_keys(self.connection)?;
        keys.retain(|key| key.table.schema == schema || key.referenced.schema == schema);
        self.forget_keys(&keys)
    }

    /// A table has another name now.
    pub(super) fn move_keys(&mut self, from: &TableName, to: &TableName) -> Result<()> {
        for mut key in load_foreign_keys(self.connection)? {
            if key.table != *from && key.referenced != *from {
                continue;
            }
            self.connection.forget_foreign_key(&key.table, &key.name)?;
            for name in [&mut key.table, &mut key.referenced] {
                if name == from {
                    name.clone_from(to);
                }
            }
            save_foreign_key(self.connection, &key)?;
        }
        Ok(())
    }

    /// A column has another name now.
    pub(super) fn rename_column_in_keys(
        &mut self,
        table: &TableName,
        from: &str,
        to: &str,
    ) -> Result<()> {
        for mut key in load_foreign_keys(self.connection)? {
            let before = key.clone();
            let own = key.columns.iter_mut().filter(|_| before.table == *table);
            let others = key.referenced_columns.iter_mut();
            let others = others.filter(|_| before.referenced == *table);
            for column in own.chain(others).filter(|column| *column == from) {
                to.clone_into(column);
            }
            if key != before {
                save_foreign_key(self.connection, &key)?;
            }
        }
        Ok(())
    }

    /// A column has another type now: the keys that it is in must still be possible, and hold.
    pub(super) fn recheck_keys(&mut self, table: &TableName, column: &str) -> Result<()> {
        for key in load_foreign_keys(self.connection)? {
            let named = |columns: &[String]| columns.iter().any(|one| one == column);
            let is_own = key.table == *table && named(&key.columns);
            if !is_own && !(key.referenced == *table && named(&key.referenced_columns)) {
                continue;
            }
            let (own, referenced) = (self.existing(&key.table)?, self.existing(&key.referenced)?);
            check_types(&key, &own, &referenced)?;
            if !key.rules.not_valid {
                check_key(self.connection, &key, None)?;
            }
        }
        Ok(())
    }

    /// A unique key or index is to go: the foreign keys that need it go by CASCADE.
    ///
    /// # Errors
    /// 2BP01 without; `what` is what is to go, such as `constraint p_pkey on table p`.
    pub(super) fn drop_keys_over(
        &mut self,
        table: &Existing,
        columns: &[String],
        (what, on): (&str, &str),
        cascade: bool,
    ) -> Result<()> {
        let mut keys = self.keys_to(&table.name)?;
        let needs = |key: &ForeignKey| {
            let all = &key.referenced_columns;
            all.len() == columns.len() && all.iter().all(|column| columns.contains(column))
        };
        keys.retain(needs);
        if keys.is_empty() || cascade {
            return self.forget_keys(&keys);
        }
        Err(depended_by(what, &keys, on))
    }

    /// A column is to go: the keys that it is in go with it, those that refer to it by CASCADE.
    ///
    /// # Errors
    /// 2BP01 without.
    pub(super) fn drop_keys_with(
        &mut self,
        table: &Existing,
        column: &str,
        cascade: bool,
    ) -> Result<()> {
        let named = |columns: &[String]| columns.iter().any(|one| one == column);
        let mut referring = self.keys_to(&table.name)?;
        referring.retain(|key| named(&key.referenced_columns));
        if !referring.is_empty() && !cascade {
            let what = format!("column {column} of table {}", table.name.table);
            return Err(depended_by(&what, &referring, &what));
        }
        let mut own = table.keys.clone();
        own.retain(|key| named(&key.columns));
        self.forget_keys(&referring)?;
        self.forget_keys(&own)
    }

    /// Puts our own foreign keys in the place of DuckDB's: those of a table, and those that refer
    /// to it.
    pub(super) fn take_over_keys(&mut self, name: &TableName) -> Result<()> {
        for other in self.referring(name)? {
            self.take_over_keys(&other)?;
        }
        let table = self.existing(name)?;
        if !table.has_foreign_key() {
            return Ok(());
        }
        self.rebuild(&super::rebuild::Rebuild::of(&table))
    }

    /// Keeps DuckDB's foreign keys of a table as our own; it was made anew without them.
    pub(super) fn keep_keys(&mut self, table: &Existing) -> Result<()> {
        let mut id = load_foreign_keys(self.connection)?.last().map_or(0, |last| last.id);
        for constraint in &table.constraints {
            let Some((referenced, columns)) = &constraint.referenced else { continue };
            id += 1;
            let key = ForeignKey {
                id,
                name: constraint.name.clone(),
                table: table.name.clone(),
                columns: constraint.columns.clone(),
                referenced: referenced.clone(),
                referenced_columns: columns.clone(),
                rules: Default::default(),
            };
            save_foreign_key(self.connection, &key)?;
        }
        Ok(())
    }
}

impl Existing {
    /// Names the key or unique index over just these columns.
    pub(super) fn unique_over(&self, columns: &[String]) -> Option<&str> {
        let same = |key: &[String]| {
            key.len() == columns.len() && columns.iter().all(|column| key.contains(column))
        };
        let is_key = |kind| matches!(kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique);
        let mut keys = self.constraints.iter();
        let key = keys.find(|one| is_key(one.kind) && same(&one.columns));
        let index = || {
            let mut indexes = self.indexes.iter();
            indexes.find(|one| one.unique && column_key(one).is_some_and(|columns| same(&columns)))
        };
        key.map(|one| one.name.as_str()).or_else(|| index().map(|one| one.name.as_str()))
    }
}

fn depended_by(what: &str, keys: &[ForeignKey], on: &str) -> Error {
    let lines: Vec<String> = keys
        .iter()
        .map(|key| format!("constraint {} on table {} depends on {on}", key.name, key.table.table))
        .collect();
    Error::new(
        SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
        format!("cannot drop {what} because other objects depend on it"),
    )
    .with_detail(lines.join("\n"))
    .with_hint("Use DROP ... CASCADE to drop the dependent objects too.")
}

fn check_columns(table: &Existing, columns: &[String]) -> Result<()> {
    match columns.iter().find(|column| !table.has_column(column)) {
        None => Ok(()),
        Some(column) => Err(Error::new(
            SqlState::UNDEFINED_COLUMN,
            format!("column \"{column}\" referenced in foreign key constraint does not exist"),
        )),
    }
}

/// The columns on both sides must be comparable.
fn check_types(key: &ForeignKey, table: &Existing, referenced: &Existing) -> Result<()> {
    let of = |table: &Existing, name: &String| {
        let found = table.columns.iter().find(|column| column.name == *name);
        found.map(|column| column.data_type.clone()).unwrap_or_default()
    };
    for (column, to) in key.columns.iter().zip(&key.referenced_columns) {
        let (from_type, to_type) = (of(table, column), of(referenced, to));
        if !are_comparable(&from_type, &to_type) {
            return Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!("foreign key constraint \"{}\" cannot be implemented", key.name),
            )
            .with_detail(format!(
                "Key columns \"{column}\" and \"{to}\" are of incompatible types: {} and {}.",
                shown_type(&from_type),
                shown_type(&to_type)
            )));
        }
    }
    Ok(())
}

/// Tells whether PostgreSQL has an operator for a foreign key of one type to a key of another.
fn are_comparable(from: &str, to: &str) -> bool {
    let rank = |data_type: &str| match data_type {
        "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" => Some(0),
        _ if data_type.starts_with("DECIMAL(") || data_type == "HUGEINT" => Some(1),
        "FLOAT" | "DOUBLE" => Some(2),
        _ => None,
    };
    let is_time =
        |data_type: &str| matches!(data_type, "DATE" | "TIMESTAMP" | "TIMESTAMP WITH TIME ZONE");
    match (rank(from), rank(to)) {
        (Some(from), Some(to)) => from <= to,
        _ => from == to || is_time(from) && is_time(to),
    }
}

fn shown_type(data_type: &str) -> String {
    match data_type {
        "VARCHAR" => "text".to_owned(),
        "DOUBLE" => "double precision".to_owned(),
        "FLOAT" => "real".to_owned(),
        "BLOB" => "bytea".to_owned(),
        "TIMESTAMP" => "timestamp without time zone".to_owned(),
        "TIME" => "time without time zone".to_owned(),
        _ if data_type.starts_with("DECIMAL(") => "numeric".to_owned(),
        other => other.to_lowercase(),
    }
}
