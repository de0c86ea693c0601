//! What is known of objects beside their definitions, and DuckDB has no place for: comments, what
//! was asked of indexes. It follows its objects' names, and goes with them.

use super::existing::Existing;
use super::{Definer, RelationKind, undefined, wrong_kind};
use crate::catalog::TEMPORARY_SCHEMA;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::{CommentOn, Definition, IndexDetail, Subject, SubjectKind};
use crate::sqlstate::SqlState;
use crate::types::Value;

/// The fact that is a comment.
const COMMENT: &str = "comment";

/// The fact that is an [`IndexDetail`].
const INDEX: &str = "index";

/// What moves with a relation's name.
const OF_RELATION: [SubjectKind; 4] =
    [SubjectKind::Relation, SubjectKind::Column, SubjectKind::Constraint, SubjectKind::Trigger];

impl Definer<'_> {
    /// Comments on what DuckDB keeps no comment of.
    pub(super) fn comment_on(
        &mut self,
        on: CommentOn,
        candidates: &[TableName],
        part: &str,
        text: Option<&str>,
    ) -> Result<()> {
        let Some(subject) = self.subject(on, candidates, part)? else { return Ok(()) };
        if subject.name.schema == TEMPORARY_SCHEMA {
            return Err(Error::unsupported("a comment on a part of a temporary table"));
        }
        self.connection.set_fact(&subject, COMMENT, text)
    }

    /// Finds what a comment is on; `None` where there is nothing to be kept.
    fn subject(
        &mut self,
        on: CommentOn,
        candidates: &[TableName],
        part: &str,
    ) -> Result<Option<Subject>> {
        let shown = candidates.first().map_or("", |name| name.table.as_str());
        let missing = |what: String| Error::new(SqlState::UNDEFINED_OBJECT, what);
        let subject = |kind, name| Subject { kind, name, part: part.to_owned() };
        match on {
            CommentOn::Index => Ok(Some(Subject::relation(&self.index_named(candidates)?))),
            CommentOn::Sequence => match self.find(candidates)? {
                Some((name, RelationKind::Sequence)) => Ok(Some(Subject::relation(&name))),
                Some((name, _)) => Err(wrong_kind(&name.table, "a sequence")),
                None => Err(undefined("relation", shown)),
            },
            CommentOn::Constraint | CommentOn::Trigger => {
                let Some((table, kind)) = self.find(candidates)? else {
                    return Err(undefined("relation", shown));
                };
                let (found, kind, word) = match (on, kind) {
                    (CommentOn::Trigger, _) => {
                        (self.has_trigger(&table, part)?, SubjectKind::Trigger, "trigger")
                    }
                    (_, RelationKind::Table) => {
                        let found = self.existing(&table)?.names().any(|name| name == part);
                        (found, SubjectKind::Constraint, "constraint")
                    }
                    _ => (false, SubjectKind::Constraint, "constraint"),
                };
                if found {
                    return Ok(Some(subject(kind, table)));
                }
                Err(missing(format!("{word} \"{part}\" for table \"{shown}\" does not exist")))
            }
            CommentOn::DomainConstraint => {
                let Some((name, domain)) = self.domain_named(candidates)? else {
                    return Err(missing(format!("type \"{shown}\" does not exist")));
                };
                if domain.checks.iter().any(|check| check.name == part) {
                    return Ok(Some(subject(SubjectKind::DomainConstraint, name)));
                }
                Err(missing(format!("constraint \"{part}\" for domain {shown} does not exist")))
            }
            CommentOn::Schema if self.has_schema(shown)? => {
                Ok(Some(Subject::plain(SubjectKind::Schema, shown)))
            }
            CommentOn::Schema => Err(Error::new(
                SqlState::INVALID_SCHEMA_NAME,
                format!("schema \"{shown}\" does not exist"),
            )),
            CommentOn::Database => {
                let own = self.connection.text_rows("SELECT current_database()", &[])?;
                // Of another database PostgreSQL only warns.
                let is_own = own.iter().flatten().any(|name| name == shown);
                Ok(is_own.then(|| Subject::plain(SubjectKind::Database, shown)))
            }
            CommentOn::Role => Ok(Some(Subject::plain(SubjectKind::Role, shown))),
        }
    }

    /// Finds an index, one behind a key too.
    fn index_named(&mut self, candidates: &[TableName]) -> Result<TableName> {
        let shown = candidates.first().map_or("", |name| name.table.as_str());
        let rows = self.connection.text_rows(
            "SELECT n.name FROM teatree_system.support.index_entry i
             JOIN teatree_system.support.schema_entry n ON n.oid = i.namespace_oid
             WHERE i.name = $1",
            &[Value::Text(shown.to_owned())],
        )?;
        let is_index = |name: &&TableName| rows.iter().flatten().any(|of| *of == name.schema);
        match (candidates.iter().find(is_index), self.find(candidates)?) {
            (Some(name), _) => Ok(name.clone()),
            (None, Some((name, _))) => Err(wrong_kind(&name.table, "an index")),
            (None, None) => Err(undefined("relation", shown)),
        }
    }

    /// A relation has another name now, or another schema.
    pub(super) fn move_relation_facts(&mut self, from: &TableName, to: &TableName) -> Result<()> {
        if !self.connection.has_facts()? {
            return Ok(());
        }
        self.connection.move_facts(&OF_RELATION, from, to)
    }

    /// A table was made anew or renamed: constraints that have the usual names have others now.
    pub(super) fn move_constraint_facts(
        &mut self,
        table: &TableName,
        before: &[String],
        after: &[String],
    ) -> Result<()> {
        for (from, to) in before.iter().zip(after).filter(|(from, to)| from != to) {
            self.move_part(SubjectKind::Constraint, table, from, to)?;
            let index = |name: &str| TableName::new(table.schema.clone(), name);
            self.connection.move_facts(&[SubjectKind::Relation], &index(from), &index(to))?;
        }
        Ok(())
    }

    /// A part of an object has another name now.
    pub(super) fn move_part(
        &mut self,
        kind: SubjectKind,
        name: &TableName,
        from: &str,
        to: &str,
    ) -> Result<()> {
        if !self.connection.has_facts()? {
            return Ok(());
        }
        let from = Subject { kind, name: name.clone(), part: from.to_owned() };
        self.connection.move_part_facts(&from, to)
    }

    /// Keeps what DuckDB does not of a new index.
    pub(super) fn keep_index_detail(
        &mut self,
        index: Option<&TableName>,
        detail: &IndexDetail,
    ) -> Result<()> {
        match index {
            Some(name) if detail.is_needed() && name.schema != TEMPORARY_SCHEMA => {
                let text = serde_json::to_string(detail).map_err(|error| {
                    Error::internal(format!("an index's details cannot be kept: {error}"))
                })?;
                self.connection.set_fact(&Subject::relation(name), INDEX, Some(&text))
            }
            _ => Ok(()),
        }
    }

    fn index_detail(&mut self, index: &TableName) -> Result<Option<IndexDetail>> {
        let text = self.connection.fact(&Subject::relation(index), INDEX)?;
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| Error::internal(format!("an index's details cannot be read: {error}")))
    }

    /// An index is made like another.
    pub(super) fn copy_index_detail(&mut self, from: &TableName, to: &TableName) -> Result<()> {
        let detail = self.index_detail(from)?.unwrap_or_default();
        self.keep_index_detail(detail.is_needed().then_some(to), &detail)
    }

    /// Lists the indexes of a table whose further columns or predicates name a column.
    pub(super) fn indexes_mentioning(
        &mut self,
        table: &Existing,
        column: &str,
    ) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for index in &table.indexes {
            let name = TableName::new(table.name.schema.clone(), index.name.clone());
            if self.index_detail(&name)?.is_some_and(|detail| detail.mentions(column)) {
                found.push(index.name.clone());
            }
        }
        Ok(found)
    }

    /// A column has another name now.
    pub(super) fn rename_in_index_details(
        &mut self,
        table: &Existing,
        from: &str,
        to: &str,
    ) -> Result<()> {
        for index in self.indexes_mentioning(table, from)? {
            let name = TableName::new(table.name.schema.clone(), index);
            if let Some(mut detail) = self.index_detail(&name)? {
                detail.rename(from, to);
                self.keep_index_detail(Some(&name), &detail)?;
            }
        }
        Ok(())
    }

    /// Forgets what is known of objects that the change has taken away.
    pub(super) fn sweep(&mut self, definition: &Definition) -> Result<()> {
        match definition {
            Definition::AlterTable { .. }
            | Definition::AlterSequence { .. }
            | Definition::AlterView { .. }
            | Definition::Drop { .. }
            | Definition::Routine(_)
            | Definition::Trigger(_) => self.connection.sweep_facts(),
            _ => Ok(()),
        }
    }
}
