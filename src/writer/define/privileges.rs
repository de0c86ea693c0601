//! Privileges and owners: facts of the objects that they are of. An object without has what
//! PostgreSQL gives it by itself, and belongs to the first role.

use super::roles::FIRST_ROLE;
use super::{Definer, RelationKind, undefined};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::{
    Acl, ObjectClass, Objects, PrivilegeChange, RoleChange, Subject, SubjectKind, TableRef,
    WrittenName,
};
use crate::sqlstate::SqlState;
use crate::types::Value;

/// The fact that holds an [`Acl`].
const ACL: &str = "acl";

/// The fact that names the owner.
const OWNER: &str = "owner";

/// An object with its class: a sequence may be called a table.
type Found = (Subject, ObjectClass);

impl Definer<'_> {
    /// Grants privileges, or takes them back.
    pub(super) fn change_privileges(
        &mut self,
        change: &PrivilegeChange,
        grantees: &[String],
        by: &RoleChange,
    ) -> Result<()> {
        for grantee in grantees.iter().filter(|name| !name.is_empty()) {
            self.check_role(grantee)?;
        }
        for (subject, class) in self.objects(&change.of, &by.search_path)? {
            let everything: String = class.privileges().to_owned();
            let all = change.privileges.is_empty();
            let plain = change.privileges.iter().filter(|(_, columns)| columns.is_empty());
            let letters: String = match all {
                true if change.all_columns.is_empty() => everything.clone(),
                true => String::new(),
                false => plain.map(|(letter, _)| *letter).collect(),
            };
            if let Some(wrong) = letters.chars().find(|letter| !everything.contains(*letter)) {
                return Err(Error::new(
                    SqlState::INVALID_GRANT_OPERATION,
                    format!("invalid privilege type {} for relation", word(wrong)),
                ));
            }
            if !letters.is_empty() {
                self.change_acl(&subject, class, &letters, change, grantees)?;
            }
            let of_all = change.all_columns.iter().map(|column| ("arwx".to_owned(), column));
            let of_each = change.privileges.iter().flat_map(|(letter, columns)| {
                columns.iter().map(|column| (letter.to_string(), column))
            });
            for (letters, column) in of_all.chain(of_each) {
                self.check_column(&subject.name, column)?;
                let part = Subject {
                    kind: SubjectKind::Column,
                    name: subject.name.clone(),
                    part: column.clone(),
                };
                self.change_acl(&part, class, &letters, change, grantees)?;
            }
        }
        Ok(())
    }

    fn change_acl(
        &mut self,
        subject: &Subject,
        class: ObjectClass,
        letters: &str,
        change: &PrivilegeChange,
        grantees: &[String],
    ) -> Result<()> {
        let owner = self.owner(subject)?;
        let mut acl = self.acl(subject, class, &owner)?;
        for grantee in grantees {
            if change.revoke {
                acl.revoke(grantee, letters, change.grant_option);
            } else {
                acl.grant(grantee, &owner, letters, change.grant_option);
            }
        }
        // An empty text says that nobody has anything, no fact that nothing was said.
        let text = acl.to_string();
        let nothing = text.is_empty() && subject.kind == SubjectKind::Column;
        self.connection.set_fact(subject, ACL, (!nothing).then_some(&text))
    }

    fn acl(&mut self, subject: &Subject, class: ObjectClass, owner: &str) -> Result<Acl> {
        Ok(match self.connection.fact(subject, ACL)? {
            Some(text) => Acl::parse(&text),
            None if subject.kind == SubjectKind::Column => Acl::default(),
            // As a new database has it.
            None if subject.kind == SubjectKind::Schema && subject.name.table == "public" => {
                Acl::initial(owner, class.privileges(), "U")
            }
            None => Acl::initial(owner, class.privileges(), class.of_public()),
        })
    }

    fn owner(&mut self, subject: &Subject) -> Result<String> {
        let of = match subject.kind {
            SubjectKind::Column => Subject::relation(&subject.name),
            _ => subject.clone(),
        };
        Ok(self.connection.fact(&of, OWNER)?.unwrap_or_else(|| FIRST_ROLE.to_owned()))
    }

    /// Gives objects another owner, who has the old one's privileges.
    pub(super) fn set_owner(&mut self, of: &Objects, to: &str, path: &[String]) -> Result<()> {
        self.check_role(to)?;
        for (subject, class) in self.objects(of, path)? {
            self.give(&subject, class, to)?;
        }
        Ok(())
    }

    fn give(&mut self, subject: &Subject, class: ObjectClass, to: &str) -> Result<()> {
        let from = self.owner(subject)?;
        if self.connection.fact(subject, ACL)?.is_some() {
            let mut acl = self.acl(subject, class, &from)?;
            acl.replace(&from, to);
            self.connection.set_fact(subject, ACL, Some(&acl.to_string()))?;
        }
        let owner = (to != FIRST_ROLE).then_some(to);
        self.connection.set_fact(subject, OWNER, owner)
    }

    /// Gives all that some roles own to another.
    pub(super) fn reassign_owned(&mut self, from: &[String], to: &str) -> Result<()> {
        self.check_role(to)?;
        for role in from {
            self.check_role(role)?;
            for (subject, fact, value) in self.facts_with(role)? {
                if fact == OWNER && value == *role {
                    self.give(&subject, ObjectClass::Table, to)?;
                }
            }
        }
        Ok(())
    }

    /// Takes all privileges of some roles; what they own has to be given away or dropped before.
    pub(super) fn drop_owned(&mut self, by: &[String]) -> Result<()> {
        for role in by {
            self.check_role(role)?;
            for (subject, fact, value) in self.facts_with(role)? {
                if fact == OWNER {
                    return Err(Error::unsupported(format!(
                        "role \"{role}\" owns \"{}\", which DROP OWNED does not drop",
                        subject.name.table
                    ))
                    .with_hint("Drop what it owns, or REASSIGN OWNED first."));
                }
                let mut acl = Acl::parse(&value);
                acl.0.retain(|item| item.grantee != *role);
                let text = acl.to_string();
                let nothing = text.is_empty() && subject.kind == SubjectKind::Column;
                self.connection.set_fact(&subject, ACL, (!nothing).then_some(&text))?;
            }
        }
        Ok(())
    }

    /// A role has another name now.
    pub(super) fn replace_role(&mut self, from: &str, to: &str) -> Result<()> {
        for (subject, fact, value) in self.facts_with(from)? {
            if fact == OWNER {
                self.connection.set_fact(&subject, OWNER, Some(to))?;
            } else {
                let mut acl = Acl::parse(&value);
                acl.replace(from, to);
                self.connection.set_fact(&subject, ACL, Some(&acl.to_string()))?;
            }
        }
        Ok(())
    }

    /// Says what keeps a role from being dropped.
    pub(super) fn depends_on_role(&mut self, role: &str) -> Result<Option<String>> {
        let mut lines = Vec::new();
        for (subject, fact, _) in self.facts_with(role)? {
            if fact == ACL && self.owner(&subject)? == role {
                continue;
            }
            let what = match subject.kind {
                SubjectKind::Relation => match self.find(std::slice::from_ref(&subject.name))? {
                    Some((_, kind)) => kind.word(),
                    None => "table",
                },
                SubjectKind::Column => "column",
                SubjectKind::Routine => "function",
                kind => kind.as_str(),
            };
            let name = match subject.kind {
                SubjectKind::Column => format!("{} of table {}", subject.part, subject.name.table),
                _ => subject.name.table.clone(),
            };
            lines.push(match fact.as_str() {
                OWNER => format!("owner of {what} {name}"),
                _ => format!("privileges for {what} {name}"),
            });
        }
        Ok((!lines.is_empty()).then(|| lines.join("\n")))
    }

    /// Lists the owners and privileges that name a role.
    fn facts_with(&mut self, role: &str) -> Result<Vec<(Subject, String, String)>> {
        let rows = self.connection.text_rows(
            "SELECT kind, schema_name, object_name, part, fact, value FROM teatree_internal.facts
             WHERE fact = 'owner' AND value = $1 OR fact = 'acl' AND contains(value, $1)
             ORDER BY ALL",
            &[Value::Text(role.to_owned())],
        )?;
        let mut found = Vec::new();
        for row in rows {
            let [kind, schema, name, part, fact, value] = row.as_slice() else { continue };
            if fact == ACL && !Acl::parse(value).names(role) {
                continue;
            }
            let Some(kind) = SubjectKind::of(kind) else { continue };
            let subject = Subject {
                kind,
                name: TableName::new(schema.clone(), name.clone()),
                part: part.clone(),
            };
            found.push((subject, fact.clone(), value.clone()));
        }
        Ok(found)
    }

    /// Finds what a statement names.
    fn objects(&mut self, of: &Objects, path: &[String]) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        for name in &of.names {
            match of.class {
                _ if of.all_in_schema => found.extend(self.all_in(of.class, &name.name)?),
                ObjectClass::Table | ObjectClass::Sequence => {
                    found.push(self.relation_named(name, of.class, path)?);
                }
                ObjectClass::Routine => found.push(self.routine_named(name, path)?),
                ObjectClass::Schema if self.has_schema(&name.name)? => {
                    found.push((Subject::plain(SubjectKind::Schema, &name.name), of.class));
                }
                ObjectClass::Schema => {
                    return Err(Error::new(
                        SqlState::INVALID_SCHEMA_NAME,
                        format!("schema \"{}\" does not exist", name.name),
                    ));
                }
                ObjectClass::Database => {
                    let own = self.connection.text_rows("SELECT current_database()", &[])?;
                    if !own.iter().flatten().any(|own| *own == name.name) {
                        return Err(Error::new(
                            SqlState::INVALID_CATALOG_NAME,
                            format!("database \"{}\" does not exist", name.name),
                        ));
                    }
                    found.push((Subject::plain(SubjectKind::Database, &name.name), of.class));
                }
                ObjectClass::Type => {
                    let candidates = candidates(name, path);
                    if let Some(named) = self.type_named(&candidates)? {
                        let part = String::new();
                        found.push((
                            Subject { kind: SubjectKind::Type, name: named, part },
                            of.class,
                        ));
                    }
                }
                ObjectClass::Other => {}
            }
        }
        Ok(found)
    }

    fn relation_named(
        &mut self,
        name: &WrittenName,
        class: ObjectClass,
        path: &[String],
    ) -> Result<Found> {
        let candidates = candidates(name, path);
        let (found, kind) = match self.find(&candidates)? {
            Some(found) => found,
            // A dataset is none of DuckDB's.
            None => match self.dataset_named(&candidates)? {
                Some(name) => (name, RelationKind::Table),
                None => return Err(undefined("relation", &name.name)),
            },
        };
        match (kind, class) {
            (RelationKind::Sequence, _) => Ok((Subject::relation(&found), ObjectClass::Sequence)),
            (_, ObjectClass::Sequence) => Err(super::wrong_kind(&found.table, "a sequence")),
            (RelationKind::Index, _) => Err(super::wrong_kind(&found.table, "a table")),
            _ => Ok((Subject::relation(&found), ObjectClass::Table)),
        }
    }

    fn dataset_named(&mut self, candidates: &[TableName]) -> Result<Option<TableName>> {
        let rows = self
            .connection
            .text_rows("SELECT schema_name, table_name FROM teatree_datasets()", &[])?;
        let is = |name: &&TableName| {
            rows.iter()
                .any(|row| row.first() == Some(&name.schema) && row.get(1) == Some(&name.table))
        };
        Ok(candidates.iter().find(is).cloned())
    }

    fn all_in(&mut self, class: ObjectClass, schema: &str) -> Result<Vec<Found>> {
        if !self.has_schema(schema)? {
            return Err(Error::new(
                SqlState::INVALID_SCHEMA_NAME,
                format!("schema \"{schema}\" does not exist"),
            ));
        }
        let sql = match class {
            ObjectClass::Routine => {
                "SELECT signature FROM teatree_internal.routines WHERE schema_name = $1"
            }
            ObjectClass::Sequence => {
                "SELECT r.name FROM teatree_system.support.user_relation r
                 JOIN teatree_system.support.schema_entry n ON n.oid = r.namespace_oid
                 WHERE n.name = $1 AND r.kind = 'S' ORDER BY ALL"
            }
            _ => {
                "SELECT r.name FROM teatree_system.support.user_relation r
                 JOIN teatree_system.support.schema_entry n ON n.oid = r.namespace_oid
                 WHERE n.name = $1 AND r.kind <> 'S' ORDER BY ALL"
            }
        };
        let rows = self.connection.text_rows(sql, &[Value::Text(schema.to_owned())])?;
        let kind = match class {
            ObjectClass::Routine => SubjectKind::Routine,
            _ => SubjectKind::Relation,
        };
        let each = |name: &String| {
            let name = TableName::new(schema, name.clone());
            (Subject { kind, name, part: String::new() }, class)
        };
        Ok(rows.iter().flatten().map(each).collect())
    }

    fn routine_named(&mut self, name: &WrittenName, path: &[String]) -> Result<Found> {
        for candidate in candidates(name, path) {
            let fits = |count: usize| name.arguments.is_none_or(|wanted| wanted == count);
            let all = self.routines_named(&candidate)?;
            if let Some(found) = all.iter().find(|one| fits(one.identity().len())) {
                let name = TableName::new(candidate.schema.clone(), found.signature());
                let subject = Subject { kind: SubjectKind::Routine, name, part: String::new() };
                return Ok((subject, ObjectClass::Routine));
            }
        }
        Err(Error::new(
            SqlState::UNDEFINED_FUNCTION,
            match name.arguments {
                None => format!("could not find a function named \"{}\"", name.name),
                Some(_) => format!("function {} does not exist", name.name),
            },
        ))
    }

    fn check_column(&mut self, table: &TableName, column: &str) -> Result<()> {
        let rows = self.connection.text_rows(
            "SELECT '1' FROM teatree_system.support.column_type
             WHERE schema_name = $1 AND table_name = $2 AND name = $3",
            &[
                Value::Text(table.schema.clone()),
                Value::Text(table.table.clone()),
                Value::Text(column.to_owned()),
            ],
        )?;
        if rows.is_empty() {
            return Err(Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{column}\" of relation \"{}\" does not exist", table.table),
            ));
        }
        Ok(())
    }
}

fn candidates(name: &WrittenName, path: &[String]) -> Vec<TableName> {
    let written =
        TableRef { database: None, schema: name.schema.clone(), table: name.name.clone() };
    written.candidates(path).collect()
}

fn word(letter: char) -> &'static str {
    crate::sql::PRIVILEGES.iter().find(|(known, _)| *known == letter).map_or("", |(_, word)| word)
}
