//! DROP and TRUNCATE. DuckDB does not know what a view reads; the view's text tells.

use super::column::owned_sequence;
use super::existing::column_key;
use super::{Definer, RelationKind, undefined};
use crate::catalog::{duckdb_schema, duckdb_table};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::pipeline::View;
use crate::sql::{Dropped, quote_ident, view_tables};
use crate::sqlstate::SqlState;
use crate::types::Value;

impl Definer<'_> {
    /// Drops what some names stand for.
    pub(super) fn drop_all(
        &mut self,
        kind: Dropped,
        names: &[Vec<TableName>],
        if_exists: bool,
        cascade: bool,
    ) -> Result<()> {
        let wanted = match kind {
            Dropped::Table => RelationKind::Table,
            Dropped::View => RelationKind::View,
            Dropped::MaterializedView => RelationKind::MaterializedView,
            Dropped::Index => RelationKind::Index,
            Dropped::Sequence => RelationKind::Sequence,
            Dropped::Schema | Dropped::Type => {
                return self.drop_plainly(kind, names, if_exists, cascade);
            }
        };
        let mut found = Vec::new();
        for candidates in names {
            let name = candidates.first().map_or("", |name| name.table.as_str());
            match self.find(candidates)? {
                Some((name, kind)) if kind == wanted => found.push(name),
                Some((name, kind)) => return Err(not_a(&name, wanted, kind)),
                None if if_exists => {}
                None if wanted == RelationKind::Index => {
                    return Err(Error::new(
                        SqlState::UNDEFINED_OBJECT,
                        format!("index \"{name}\" does not exist"),
                    ));
                }
                None => return Err(undefined(wanted.word(), name)),
            }
        }
        match wanted {
            RelationKind::Index => found.iter().try_for_each(|name| self.drop_index(name, cascade)),
            RelationKind::Sequence => {
                found.iter().try_for_each(|name| self.drop_sequence(name, cascade))
            }
            _ => self.drop_relations(wanted, found, cascade),
        }
    }

    /// Drops an index; one of a materialized view is with the view's rows.
    fn drop_index(&mut self, name: &TableName, cascade: bool) -> Result<()> {
        if let Some((_, index)) = self.index_of_view(name)? {
            return self.drop_one("INDEX", &index);
        }
        let rows = self.connection.text_rows(
            "SELECT table_name FROM duckdb_indexes()
             WHERE database_name = current_database() AND index_name = $1 AND schema_name = $2",
            &[Value::Text(name.table.clone()), Value::Text(duckdb_schema(&name.schema).to_owned())],
        )?;
        if let Some(table) = rows.into_iter().flatten().next() {
            let table = self.existing(&TableName::new(name.schema.clone(), table))?;
            let index = table.indexes.iter().find(|index| index.name == name.table);
            let columns = index.filter(|index| index.unique).and_then(column_key);
            if let Some(columns) = columns {
                let what = format!("index {}", name.table);
                self.drop_keys_over(&table, &columns, (&what, &what), cascade)?;
            }
        }
        self.drop_one("INDEX", name)
    }

    /// Drops a view, and what a materialized one has kept.
    fn drop_view(&mut self, name: &TableName) -> Result<()> {
        self.drop_one("VIEW", name)?;
        self.dropped.push(name.clone());
        self.drop_storage(name)
    }

    fn drop_one(&mut self, word: &str, name: &TableName) -> Result<()> {
        self.connection.run(&format!("DROP {word} {}", duckdb_table(name)))
    }

    fn drop_plainly(
        &mut self,
        kind: Dropped,
        names: &[Vec<TableName>],
        if_exists: bool,
        cascade: bool,
    ) -> Result<()> {
        let cascades = cascade;
        let cascade = if cascade { " CASCADE" } else { "" };
        let exists = if if_exists { "IF EXISTS " } else { "" };
        for candidates in names {
            let Some(name) = candidates.first() else { continue };
            if kind == Dropped::Schema && !cascade.is_empty() {
                self.drop_storages_of(&name.table)?;
                self.drop_triggers_in(&name.table)?;
                self.drop_keys_in(&name.table)?;
            }
            if kind == Dropped::Schema {
                self.drop_routines_of(&name.table, cascades)?;
            }
            let (word, quoted) = match kind {
                Dropped::Schema => ("SCHEMA", quote_ident(duckdb_schema(&name.table))),
                _ => match self.type_named(candidates)? {
                    Some(found) => {
                        self.drop_columns_of_type(&found, cascades)?;
                        ("TYPE", duckdb_table(&found))
                    }
                    None if if_exists => continue,
                    None => {
                        return Err(Error::new(
                            SqlState::UNDEFINED_OBJECT,
                            format!("type \"{}\" does not exist", name.table),
                        ));
                    }
                },
            };
            self.connection.run(&format!("DROP {word} {exists}{quoted}{cascade}"))?;
        }
        Ok(())
    }

    /// Drops tables or views: those first that refer to others of them.
    fn drop_relations(
        &mut self,
        kind: RelationKind,
        mut names: Vec<TableName>,
        cascade: bool,
    ) -> Result<()> {
        self.drop_dependent_views(&names, kind, cascade)?;
        self.drop_triggers_of(&names, kind.word(), cascade)?;
        if kind == RelationKind::Table {
            for name in names.clone() {
                for other in self.referring(&name)? {
                    if !names.contains(&other) {
                        self.take_over_keys(&other)?;
                    }
                }
            }
            self.drop_keys_of(&names, cascade)?;
        }
        while !names.is_empty() {
            let mut place = 0;
            for (index, name) in names.iter().enumerate() {
                if self.referring(name)?.is_empty() {
                    place = index;
                    break;
                }
            }
            let name = names.remove(place);
            if matches!(kind, RelationKind::View | RelationKind::MaterializedView) {
                // A view that a cascade has taken already is gone.
                if self.find(std::slice::from_ref(&name))?.is_some() {
                    self.drop_view(&name)?;
                }
                continue;
            }
            let table = self.existing(&name)?;
            self.drop_one("TABLE", &name)?;
            for column in &table.columns {
                if let Some(sequence) = owned_sequence(column.default.as_deref()) {
                    self.connection.run(&format!("DROP SEQUENCE IF EXISTS {sequence}"))?;
                }
            }
        }
        Ok(())
    }

    /// Drops the views that read what is to be dropped, or refuses.
    fn drop_dependent_views(
        &mut self,
        names: &[TableName],
        kind: RelationKind,
        cascade: bool,
    ) -> Result<()> {
        let views = self.views()?;
        let mut gone: Vec<TableName> = names.to_vec();
        loop {
            let dependent = views.iter().find_map(|(view, reads)| {
                let on = gone.iter().find(|name| reads.contains(name))?;
                (!gone.contains(view)).then(|| (view.clone(), on.clone()))
            });
            let Some((view, on)) = dependent else { return Ok(()) };
            if !cascade {
                let word = if names.contains(&on) { kind.word() } else { "view" };
                let is = match self.materialized(&view)? {
                    Some(_) => "materialized view",
                    None => "view",
                };
                let detail = format!("{is} {} depends on {word} {}", view.table, on.table);
                return Err(depended_on(word, &on.table, &detail));
            }
            self.drop_view(&view)?;
            gone.push(view);
        }
    }

    /// Drops views, and those that read them.
    pub(super) fn drop_views(&mut self, names: Vec<TableName>) -> Result<()> {
        self.drop_relations(RelationKind::View, names, true)
    }

    /// Lists all views with the relations that they read.
    pub(super) fn views(&mut self) -> Result<Vec<(TableName, Vec<TableName>)>> {
        let materialized = View::load(self.connection)?;
        let rows = self.connection.text_rows(
            "SELECT schema_name, view_name, sql FROM duckdb_views()
             WHERE database_name = current_database() AND NOT internal",
            &[],
        )?;
        let public = |schema: &str| if schema == "main" { "public" } else { schema }.to_owned();
        let mut views = Vec::new();
        for row in rows {
            let [schema, view, sql] = row.as_slice() else { continue };
            let own = TableName::new(public(schema), view.clone());
            if let Some(view) = materialized.iter().find(|view| view.stored.name == own) {
                views.push((own, view.stored.inputs.clone()));
                continue;
            }
            let mut reads = Vec::new();
            for table in view_tables(sql) {
                match table.schema {
                    Some(schema) => reads.push(TableName::new(public(&schema), table.table)),
                    // Where it was found when the view was made is not kept.
                    None => {
                        reads.push(TableName::new("public", table.table.clone()));
                        reads.push(TableName::new(own.schema.clone(), table.table));
                    }
                }
            }
            views.push((own, reads));
        }
        Ok(views)
    }

    /// Drops a sequence; its users lose their defaults by CASCADE.
    fn drop_sequence(&mut self, name: &TableName, cascade: bool) -> Result<()> {
        for (table, column, owned) in self.drawing(name)? {
            if !cascade {
                let detail = if owned == Some(0) || owned.is_none() {
                    format!(
                        "default value for column {column} of table {} depends on sequence {}",
                        table.table, name.table
                    )
                } else {
                    return Err(Error::new(
                        SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                        format!(
                            "cannot drop sequence {} because column {column} of table {} \
                             requires it",
                            name.table, table.table
                        ),
                    )
                    .with_hint(format!(
                        "You can drop column {column} of table {} instead.",
                        table.table
                    )));
                };
                return Err(depended_on("sequence", &name.table, &detail));
            }
            let existing = self.existing(&table)?;
            self.set_default(existing, &column, None)?;
        }
        self.drop_one("SEQUENCE", name)
    }

    /// Empties tables.
    pub(super) fn truncate(
        &mut self,
        names: &[Vec<TableName>],
        restart: bool,
        cascade: bool,
    ) -> Result<()> {
        let mut tables: Vec<TableName> = Vec::new();
        for candidates in names {
            match self.find(candidates)? {
                Some((name, RelationKind::Table)) => tables.push(name),
                Some((name, _)) => return Err(super::wrong_kind(&name.table, "a table")),
                None => {
                    let name = candidates.first().map_or("", |name| name.table.as_str());
                    return Err(undefined("relation", name));
                }
            }
        }
        let mut place = 0;
        while let Some(name) = tables.get(place).cloned() {
            place += 1;
            self.take_over_keys(&name)?;
            for other in self.keys_to(&name)?.into_iter().map(|key| key.table) {
                if tables.contains(&other) {
                    continue;
                }
                if !cascade {
                    return Err(referenced(&name, &other));
                }
                tables.push(other);
            }
        }
        let existing = tables.iter().map(|name| self.existing(name)).collect::<Result<Vec<_>>>()?;
        for table in &tables {
            self.connection.run(&format!("TRUNCATE {}", duckdb_table(table)))?;
        }
        for column in existing.iter().flat_map(|table| &table.columns).filter(|_| restart) {
            if let Some(sequence) = owned_sequence(column.default.as_deref()) {
                self.restart_sequence(&sequence)?;
            }
        }
        Ok(())
    }
}

fn referenced(name: &TableName, other: &TableName) -> Error {
    Error::unsupported("cannot truncate a table referenced in a foreign key constraint")
        .with_detail(format!("Table \"{}\" references \"{}\".", other.table, name.table))
        .with_hint(format!(
            "Truncate table \"{}\" at the same time, or use TRUNCATE ... CASCADE.",
            other.table
        ))
}

pub(super) fn depended_on(word: &str, name: &str, detail: &str) -> Error {
    Error::new(
        SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
        format!("cannot drop {word} {name} because other objects depend on it"),
    )
    .with_detail(detail)
    .with_hint("Use DROP ... CASCADE to drop the dependent objects too.")
}

fn not_a(name: &TableName, wanted: RelationKind, is: RelationKind) -> Error {
    let word = wanted.word();
    let article = if wanted == RelationKind::Index { "an" } else { "a" };
    let article_of = if is == RelationKind::Index { "an" } else { "a" };
    super::wrong_kind(&name.table, &format!("{article} {word}")).with_hint(format!(
        "Use DROP {} to remove {article_of} {}.",
        is.word().to_uppercase(),
        is.word()
    ))
}
