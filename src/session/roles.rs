//! The session's role: SET ROLE, SET SESSION AUTHORIZATION, and what the role may do. A role that
//! was made without SUPERUSER reads and changes rows of the tables that it was granted, and defines
//! nothing but temporary tables.

use super::{Session, StatementGuard};
use crate::error::{Error, Result};
use crate::router::{Rights, denied};
use crate::sql::{CursorStatement, DefineWrite, Kind, Setting, Statement, TableRef, Tag, Write};
use crate::sqlstate::SqlState;

/// What a statement wants of a table: a letter of `pg_class.relacl`.
type Wish<'a> = (&'a TableRef, char);

impl Session {
    /// The role that statements run as.
    pub(super) fn current_role(&self) -> &str {
        match self.settings.get("role") {
            Ok(role) if role != "none" => role,
            _ => self.session_role(),
        }
    }

    /// The role that the session was opened with, or has authorized itself as.
    pub(super) fn session_role(&self) -> &str {
        self.settings.get("session_authorization").unwrap_or(&self.registered.entry.user)
    }

    /// Runs SET ROLE, SET SESSION AUTHORIZATION and their RESET; gives the command tag.
    ///
    /// # Errors
    /// 22023 for a role that is not there, 42501 for one that the session may not become.
    pub(super) async fn control_role(
        &mut self,
        setting: &Setting,
        statement: &Statement,
        guard: &StatementGuard,
    ) -> Result<String> {
        match setting {
            Setting::Role { name, local } => {
                self.become_role("role", name.as_deref(), *local, guard).await
            }
            Setting::SessionAuthorization { name, local } => {
                let setting = "session_authorization";
                self.become_role(setting, name.as_deref(), *local, guard).await
            }
            _ => Err(Error::internal("no setting of a role")),
        }?;
        Ok(statement.set_tag().to_owned())
    }

    /// Becomes another role, or itself again. `None` for NONE and DEFAULT.
    async fn become_role(
        &mut self,
        setting: &'static str,
        name: Option<&str>,
        local: bool,
        guard: &StatementGuard,
    ) -> Result<()> {
        if let Some(name) = name {
            let context = self.context(guard).await?;
            let rights = self.services.router.rights(&context).await?;
            let own = self.registered.entry.user.as_str();
            let is_there = rights.has_role(name) || name == "postgres" || name == own;
            if !is_there {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("role \"{name}\" does not exist"),
                ));
            }
            let by = if setting == "role" { self.session_role() } else { own };
            let may = match setting {
                "role" => rights.closure(by).iter().any(|role| role == name),
                _ => name == own,
            };
            if rights.is_restricted(by) && !may {
                return Err(Error::new(
                    SqlState::INSUFFICIENT_PRIVILEGE,
                    match setting {
                        "role" => format!("permission denied to set role \"{name}\""),
                        _ => "permission denied to set session authorization".to_owned(),
                    },
                ));
            }
        }
        if setting == "session_authorization" {
            self.settings.assume("role", None, local);
        }
        self.settings.assume(setting, name, local);
        Ok(())
    }

    /// Checks what the session's role may do.
    ///
    /// # Errors
    /// 42501.
    pub(super) async fn check_rights(
        &self,
        statement: &Statement,
        guard: &StatementGuard,
    ) -> Result<()> {
        if !statement.kind.touches_objects() {
            return Ok(());
        }
        let role = self.current_role();
        let defines = self.transaction.snapshot().is_some_and(|snapshot| snapshot.defines);
        if !defines
            && let Some(rights) = self.services.router.known_rights()
            && !rights.is_restricted(role)
        {
            return Ok(());
        }
        let context = self.context(guard).await?;
        let rights = self.services.router.rights(&context).await?;
        if !rights.is_restricted(role) {
            return Ok(());
        }
        let mut wishes = Vec::new();
        self.wishes(statement, &rights, &mut wishes)?;
        for (table, letter) in wishes {
            if !self.temp.has(table) {
                let candidates: Vec<_> = table.candidates(&context.query.search_path).collect();
                rights.check(role, &candidates, letter)?;
            }
        }
        Ok(())
    }

    /// Gathers what a statement wants of tables.
    fn wishes<'a>(
        &self,
        statement: &'a Statement,
        rights: &Rights,
        wishes: &mut Vec<Wish<'a>>,
    ) -> Result<()> {
        match &statement.kind {
            Kind::Read(read) => {
                if read.native {
                    return Err(Error::new(
                        SqlState::INSUFFICIENT_PRIVILEGE,
                        "permission denied for statements in DuckDB's own SQL",
                    ));
                }
                if let Some(name) = read.functions.iter().find(|name| rights.is_routine(name)) {
                    return Err(denied("function", name));
                }
                wishes.extend(read.tables.iter().map(|table| (table, 'r')));
            }
            Kind::Explain { statement, .. } => self.wishes(statement, rights, wishes)?,
            Kind::Write(write) => self.wishes_of(statement, write, wishes)?,
            Kind::CopyIn(copy) => wishes.push((&copy.table, 'a')),
            Kind::CopyOut(copy) if copy.file.is_some() => {
                return Err(Error::new(
                    SqlState::INSUFFICIENT_PRIVILEGE,
                    "permission denied to COPY to or from a file",
                ));
            }
            Kind::Cursor(CursorStatement::Declare { query, .. }) => {
                self.wishes(query, rights, wishes)?;
            }
            Kind::Call(call) => return Err(denied("procedure", &call.name)),
            _ => {}
        }
        Ok(())
    }

    fn wishes_of<'a>(
        &self,
        statement: &Statement,
        write: &'a Write,
        wishes: &mut Vec<Wish<'a>>,
    ) -> Result<()> {
        let reads_target = statement.reads_target();
        let mut own = |table: &'a TableRef, letter: char, tables: &'a [TableRef]| {
            wishes.push((table, letter));
            if reads_target {
                wishes.push((table, 'r'));
            }
            wishes.extend(tables.iter().filter(|other| *other != table).map(|other| (other, 'r')));
        };
        match write {
            Write::Insert { table, tables, .. } => {
                own(table, 'a', tables);
                if statement.updates_on_conflict() {
                    wishes.push((table, 'w'));
                }
            }
            Write::Update { table, tables, .. } => own(table, 'w', tables),
            Write::Delete { table, tables, .. } => own(table, 'd', tables),
            Write::Truncate { tables } => wishes.extend(tables.iter().map(|table| (table, 'D'))),
            Write::CreateTable { table, tables, temporary: true, .. } => {
                wishes.extend(tables.iter().filter(|o| *o != table).map(|other| (other, 'r')));
            }
            Write::Define { define: DefineWrite::TemporaryView { names }, .. } => {
                wishes.extend(names.iter().skip(1).map(|other| (other, 'r')));
            }
            Write::Other { tag: Tag::Counted("SELECT"), tables, .. } => {
                wishes.extend(tables.iter().map(|table| (table, 'r')));
            }
            Write::Other { tag: Tag::Counted("MERGE"), tables, .. } => {
                let all = tables.iter().flat_map(|table| "rawd".chars().map(move |l| (table, l)));
                wishes.extend(all);
            }
            Write::Other { tag: Tag::Fixed(tag), .. } if tag == "ANALYZE" || tag == "VACUUM" => {}
            other if self.temp.is_target_of(other) || self.temp.has_sequence_of(statement) => {}
            other => {
                let tag = other.tag().with_rows(0);
                return Err(Error::new(
                    SqlState::INSUFFICIENT_PRIVILEGE,
                    format!("permission denied: {tag} needs a role with SUPERUSER"),
                ));
            }
        }
        Ok(())
    }
}
