//! A table made anew: another definition, the same rows, in the transaction that is open.
//!
//! Its rows wait in a copy while it is made under its own name. DuckDB's own foreign keys, of the
//! table and of those that refer to it, become ours.

use super::Definer;
use super::existing::{Existing, Index};
use crate::catalog::duckdb_table;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::quote_ident;
use crate::sqlstate::SqlState;

/// Where the rows of a table wait.
const COPY_NAME: &str = "teatree_copy_of_";

/// How a table is made anew.
pub(super) struct Rebuild {
    pub(super) before: Existing,
    /// With the name that the table has afterwards.
    pub(super) after: Existing,
    /// For each column that takes its values from the old table: its name and the expression.
    pub(super) sources: Vec<(String, String)>,
}

impl Rebuild {
    /// Starts with a table as it is.
    pub(super) fn of(existing: &Existing) -> Rebuild {
        let columns = existing.columns.iter();
        Rebuild {
            before: existing.clone(),
            after: existing.clone(),
            sources: columns.map(|c| (c.name.clone(), quote_ident(&c.name))).collect(),
        }
    }
}

impl Definer<'_> {
    /// Makes a table anew.
    ///
    /// # Errors
    /// 0A000 for what cannot be carried over; what the rows break of the new definition.
    pub(super) fn rebuild(&mut self, rebuild: &Rebuild) -> Result<()> {
        let Rebuild { before, after, sources } = rebuild;
        Definer::check_can_rebuild(before)?;
        self.copied.retain(|table| *table != before.name && *table != after.name);
        for name in self.referring(&before.name)? {
            self.take_over_keys(&name)?;
        }
        let targets: Vec<String> = sources.iter().map(|(name, _)| quote_ident(name)).collect();
        let targets = targets.join(", ");
        let (old, new) = (duckdb_table(&before.name), duckdb_table(&after.name));
        if before.name == after.name {
            let copy = self.copy_name(&before.name)?;
            let selected: Vec<String> = sources
                .iter()
                .map(|(name, from)| format!("{from} AS {}", quote_ident(name)))
                .collect();
            let copied = duckdb_table(&copy);
            self.connection.run(&format!(
                "CREATE TABLE {copied} AS SELECT {} FROM {old}",
                selected.join(", ")
            ))?;
            self.connection.run(&format!("DROP TABLE {old}"))?;
            self.connection.run(&after.create_sql(&after.name))?;
            self.connection
                .run(&format!("INSERT INTO {new} ({targets}) SELECT {targets} FROM {copied}"))?;
            self.connection.run(&format!("DROP TABLE {copied}"))?;
        } else {
            let from: Vec<&str> = sources.iter().map(|(_, from)| from.as_str()).collect();
            self.connection.run(&after.create_sql(&after.name))?;
            self.connection.run(&format!(
                "INSERT INTO {new} ({targets}) SELECT {} FROM {old}",
                from.join(", ")
            ))?;
            self.connection.run(&format!("DROP TABLE {old}"))?;
        }
        self.comments(after)?;
        self.indexes(&after.indexes, &after.name)?;
        self.keep_keys(after)
    }

    /// Builds a table's indexes.
    pub(super) fn indexes(&mut self, indexes: &[Index], table: &TableName) -> Result<()> {
        if !indexes.is_empty() && self.copied.remove(table) {
            let existing = self.existing(table)?;
            // Generated columns cannot be copied.
            if Definer::check_can_rebuild(&existing).is_ok() {
                self.rebuild(&Rebuild::of(&existing))?;
            }
        }
        for index in indexes {
            let built = self.connection.run(&index.create_sql(table));
            built.map_err(|error| match error.code() {
                SqlState::INTEGRITY_CONSTRAINT_VIOLATION => Error::new(
                    SqlState::UNIQUE_VIOLATION,
                    format!("could not create unique index \"{}\"", index.name),
                ),
                _ => error,
            })?;
            if let Some(comment) = &index.comment {
                let name = TableName::new(table.schema.clone(), index.name.clone());
                self.comment("INDEX", &duckdb_table(&name), comment)?;
            }
        }
        Ok(())
    }

    /// Drops a table's indexes, which would refuse the change to come. The table is made anew
    /// without them: to DuckDB the name of a unique index is taken until its drop is committed.
    pub(super) fn drop_indexes(&mut self, table: &Existing) -> Result<()> {
        if !table.indexes.is_empty() && !table.generated {
            let mut bare = Rebuild::of(table);
            bare.after.indexes.clear();
            return self.rebuild(&bare);
        }
        for index in &table.indexes {
            let name = TableName::new(table.name.schema.clone(), index.name.clone());
            self.connection.run(&format!("DROP INDEX {}", duckdb_table(&name)))?;
        }
        Ok(())
    }

    /// Gives a table and its columns their comments.
    pub(super) fn comments(&mut self, table: &Existing) -> Result<()> {
        let name = duckdb_table(&table.name);
        if let Some(comment) = &table.comment {
            self.comment("TABLE", &name, comment)?;
        }
        for column in &table.columns {
            if let Some(comment) = &column.comment {
                let column = format!("{name}.{}", quote_ident(&column.name));
                self.comment("COLUMN", &column, comment)?;
            }
        }
        Ok(())
    }

    pub(super) fn comment(&mut self, kind: &str, name: &str, comment: &str) -> Result<()> {
        let comment = comment.replace('\'', "''");
        self.connection.run(&format!("COMMENT ON {kind} {name} IS '{comment}'"))
    }

    pub(super) fn check_can_rebuild(table: &Existing) -> Result<()> {
        let name = &table.name.table;
        if table.generated {
            return Err(Error::unsupported(format!(
                "table \"{name}\" has generated columns, so this change of it is not supported"
            )));
        }
        Ok(())
    }

    fn copy_name(&mut self, table: &TableName) -> Result<TableName> {
        self.free_name(&table.schema, &format!("{COPY_NAME}{}", table.table))
    }
}
