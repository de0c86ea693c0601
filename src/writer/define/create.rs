//! CREATE TABLE and CREATE INDEX.

use super::column::owned_sequence;
use super::existing::{Column, Existing, Index};
use super::rebuild::Rebuild;
use super::{Definer, RelationKind, generated_name, undefined};
use crate::catalog::{TEMPORARY_SCHEMA, duckdb_table};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::{
    ColumnShape, ConstraintKind, ConstraintShape, IndexPart, LikeTable, ReferenceShape,
    SequenceUse, TableShape, quote_ident, sequence_default,
};
use crate::sqlstate::SqlState;

impl Definer<'_> {
    /// Makes a table, with the sequences of its columns.
    pub(super) fn create_table(
        &mut self,
        table: &TableName,
        if_not_exists: bool,
        shape: &TableShape,
        like: &[LikeTable],
    ) -> Result<()> {
        if self.find(std::slice::from_ref(table))?.is_some() {
            return if if_not_exists { Ok(()) } else { Err(already_exists(&table.table)) };
        }
        let mut new = Existing {
            name: table.clone(),
            columns: Vec::new(),
            constraints: Vec::new(),
            indexes: Vec::new(),
            keys: Vec::new(),
            comment: None,
            generated: false,
        };
        for like in like {
            self.add_like(&mut new, like)?;
        }
        for column in &shape.columns {
            if new.has_column(&column.name) {
                return Err(Error::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{}\" specified more than once", column.name),
                ));
            }
            let domain = self.domain_of(column)?;
            let of_domain = domain.as_ref().map(|domain| domain.shape(column));
            let column = of_domain.as_ref().unwrap_or(column);
            let column_sql = self.new_column(table, column)?;
            new.columns.push(column_sql);
            new.limit(&column.name, column.limit.as_ref(), column.declared.as_ref());
            new.demand(&column.name, domain.as_ref())?;
        }
        let is_temporary = table.schema == TEMPORARY_SCHEMA;
        for constraint in &shape.constraints {
            match &constraint.reference {
                Some(reference) if is_temporary => {
                    new.add(&temporary_key(constraint, reference)?)?;
                }
                Some(_) => {}
                None => drop(new.add(constraint)?),
            }
        }
        self.connection.run(&new.create_sql(table))?;
        self.comments(&new)?;
        let indexes = std::mem::take(&mut new.indexes);
        self.indexes(&indexes, table)?;
        if is_temporary { Ok(()) } else { self.add_foreign_keys(table, &shape.constraints) }
    }

    /// Makes a column's sequence, if it has one, and its definition.
    pub(super) fn new_column(&mut self, table: &TableName, shape: &ColumnShape) -> Result<Column> {
        let mut default = shape.default.clone();
        if let Some(sequence) = &shape.sequence {
            let wanted = generated_name(&table.table, &shape.name, "seq");
            let name = self.free_name(&table.schema, &wanted)?;
            let made = sequence.spec.resolve(None)?;
            self.make_sequence(&name, &made)?;
            default = Some(sequence_default(&duckdb_table(&name), Some(sequence.kind)));
        } else if let Some(uses) = &shape.uses {
            default = Some(self.used_sequence(uses)?);
        }
        // What a generated column is, stands in the place of its default.
        let data_type = match &shape.generated {
            Some(expression) => format!("{} GENERATED ALWAYS AS ({expression})", shape.data_type),
            None => shape.data_type.clone(),
        };
        Ok(Column {
            name: shape.name.clone(),
            data_type,
            not_null: shape.not_null && shape.generated.is_none(),
            default,
            comment: None,
        })
    }

    /// Writes the default that draws from a sequence which is there.
    pub(super) fn used_sequence(&mut self, uses: &SequenceUse) -> Result<String> {
        match self.find(&uses.candidates)? {
            Some((name, RelationKind::Sequence)) => {
                Ok(sequence_default(&duckdb_table(&name), None))
            }
            Some((name, _)) => Err(super::wrong_kind(&name.table, "a sequence")),
            None => {
                let name = uses.candidates.first().map_or("", |name| name.table.as_str());
                Err(undefined("relation", name))
            }
        }
    }

    fn add_like(&mut self, new: &mut Existing, like: &LikeTable) -> Result<()> {
        let (name, kind) = self.find(&like.table)?.ok_or_else(|| {
            let name = like.table.first().map_or("", |name| name.table.as_str());
            undefined("relation", name)
        })?;
        if !matches!(kind, RelationKind::Table | RelationKind::View) {
            return Err(super::wrong_kind(&name.table, "a table or view"));
        }
        let source = if kind == RelationKind::Table {
            self.existing(&name)?
        } else {
            return Err(Error::unsupported("LIKE of a view is not supported"));
        };
        if source.generated {
            return Err(Error::unsupported(
                "LIKE of a table with generated columns is not supported",
            ));
        }
        for column in source.columns {
            let default = self.like_default(&new.name, &column, like)?;
            let comment = column.comment.filter(|_| like.comments);
            new.columns.push(Column { default, comment, ..column });
        }
        for constraint in source.constraints {
            let is_check = constraint.kind == ConstraintKind::Check;
            let wanted =
                if is_check { constraint.hidden || like.constraints } else { like.indexes };
            if !wanted || constraint.kind == ConstraintKind::ForeignKey {
                continue;
            }
            if is_check {
                new.constraints.push(constraint);
            } else {
                new.add(&ConstraintShape {
                    kind: constraint.kind,
                    name: None,
                    columns: constraint.columns,
                    text: String::new(),
                    reference: None,
                })?;
            }
        }
        if like.indexes {
            for index in source.indexes {
                let words: Vec<&str> = index.parts.iter().map(|p| p.trim_matches('"')).collect();
                let wanted = generated_name(&new.name.table, &words.join("_"), "idx");
                let name = self.free_name(&new.name.schema, &wanted)?.table;
                let made = TableName::new(new.name.schema.clone(), name.clone());
                let of = TableName::new(source.name.schema.clone(), index.name.clone());
                self.copy_index_detail(&of, &made)?;
                new.indexes.push(Index { name, comment: None, ..index });
            }
        }
        Ok(())
    }

    /// The default of a column like another: a serial draws from the same sequence, an identity
    /// gets one of its own.
    fn like_default(
        &mut self,
        table: &TableName,
        column: &Column,
        like: &LikeTable,
    ) -> Result<Option<String>> {
        let Some(default) = &column.default else { return Ok(None) };
        let Some(sequence) = owned_sequence(Some(default)) else {
            return Ok(Some(default.clone()).filter(|_| like.defaults));
        };
        let kind = default.trim_end_matches(')').chars().last().and_then(|c| c.to_digit(10));
        match kind.and_then(|kind| u8::try_from(kind).ok()) {
            Some(kind @ 1..) if like.identity => {
                let name = self
                    .free_name(&table.schema, &generated_name(&table.table, &column.name, "seq"))?;
                let mut made = self.sequence_of(&sequence)?;
                (made.last_value, made.is_called) = (made.start, false);
                self.make_sequence(&name, &made)?;
                Ok(Some(sequence_default(&duckdb_table(&name), Some(kind))))
            }
            Some(0) if like.defaults => Ok(Some(sequence_default(&sequence, None))),
            _ => Ok(None),
        }
    }

    /// Builds an index, under PostgreSQL's own name for it when none is given. Gives its name,
    /// unless it was there.
    pub(super) fn create_index(
        &mut self,
        table: &[TableName],
        name: Option<&str>,
        if_not_exists: bool,
        unique: bool,
        parts: &[IndexPart],
        include: &[String],
    ) -> Result<Option<TableName>> {
        let (table, kind) = self.find(table)?.ok_or_else(|| {
            undefined("relation", table.first().map_or("", |name| name.table.as_str()))
        })?;
        let view = self.materialized_at(&table, kind)?;
        if kind != RelationKind::Table && view.is_none() {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("cannot create index on relation \"{}\"", table.table),
            )
            .with_detail(format!("This operation is not supported for {}s.", kind.word())));
        }
        let name = match name {
            Some(name) => {
                let name = TableName::new(table.schema.clone(), name);
                if self.find(std::slice::from_ref(&name))?.is_some() {
                    return if if_not_exists { Ok(None) } else { Err(already_exists(&name.table)) };
                }
                name
            }
            None => {
                let words = parts.iter().map(|part| part.word.as_str());
                let words: Vec<&str> = words.chain(include.iter().map(String::as_str)).collect();
                let wanted = generated_name(&table.table, &words.join("_"), "idx");
                self.free_name(&table.schema, &wanted)?
            }
        };
        let index = Index {
            name: name.table.clone(),
            unique,
            parts: parts.iter().map(|part| part.sql.clone()).collect(),
            comment: None,
        };
        let storage = view.as_ref().map_or(&table, |view| &view.storage);
        if self.makes_anew(storage) || self.copied.contains(&table) {
            let existing = self.existing(storage)?;
            // Generated columns cannot be copied.
            if !self.copied.contains(&table) || Definer::check_can_rebuild(&existing).is_ok() {
                self.rebuild(&Rebuild::of(&existing))?;
            }
            self.copied.remove(&table);
        }
        match view {
            Some(view) => {
                let parts = Definer::index_parts(&view, parts)?;
                let parts = parts.into_iter().map(|part| part.sql).collect();
                let name = view.index(&index.name).table;
                self.indexes(&[Index { name, parts, ..index }], &view.storage)?;
            }
            None => self.indexes(&[index], &table)?,
        }
        Ok(Some(name))
    }
}

/// A foreign key of a temporary table is DuckDB's own.
fn temporary_key(shape: &ConstraintShape, reference: &ReferenceShape) -> Result<ConstraintShape> {
    let rules = &reference.rules;
    if !rules.on_delete.checks() || !rules.on_update.checks() || rules.deferrable {
        return Err(Error::unsupported(
            "foreign keys of temporary tables have no actions and are not deferrable",
        ));
    }
    let table = reference.table.first().map_or("", |name| name.table.as_str());
    let columns: Vec<String> = reference.columns.iter().map(|name| quote_ident(name)).collect();
    let mut text = quote_ident(table);
    if !columns.is_empty() {
        text.push_str(&format!(" ({})", columns.join(", ")));
    }
    Ok(ConstraintShape { text, ..shape.clone() })
}

pub(super) fn already_exists(name: &str) -> Error {
    Error::new(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists"))
}
