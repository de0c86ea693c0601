//! Roles: CREATE, ALTER, DROP, who is a member of which. A role is a fact of its own name.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Definer;
use crate::error::{Error, Result};
use crate::sql::{RoleAction, RoleChange, RoleOptions, Subject, SubjectKind};
use crate::sqlstate::SqlState;

/// The fact that a role is there; its value is a [`Role`] as JSON.
const ROLE: &str = "role";

/// The fact that a role (the part) is a member of another; its value tells whether it may grant it.
const MEMBER: &str = "member";

/// Who is there without being made, and may do all.
pub(super) const FIRST_ROLE: &str = "postgres";

/// What a session's own role is called in a statement.
const CURRENT: &str = "\u{1}current_user";

/// What a role is; `sql/pg_catalog/roles.sql` reads it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "these are PostgreSQL's attributes of a role")]
struct Role {
    superuser: bool,
    inherit: bool,
    create_role: bool,
    create_db: bool,
    login: bool,
    replication: bool,
    bypass_rls: bool,
    connection_limit: i32,
    valid_until: Option<String>,
}

impl Role {
    fn with(self, options: &RoleOptions) -> Role {
        Role {
            superuser: options.superuser.unwrap_or(self.superuser),
            inherit: options.inherit.unwrap_or(self.inherit),
            create_role: options.create_role.unwrap_or(self.create_role),
            create_db: options.create_db.unwrap_or(self.create_db),
            login: options.login.unwrap_or(self.login),
            replication: options.replication.unwrap_or(self.replication),
            bypass_rls: options.bypass_rls.unwrap_or(self.bypass_rls),
            connection_limit: options.connection_limit.unwrap_or(self.connection_limit),
            valid_until: options.valid_until.clone().or(self.valid_until),
        }
    }
}

impl Definer<'_> {
    /// Makes a change of roles, privileges or owners.
    pub(super) fn change_role(&mut self, change: &RoleChange) -> Result<()> {
        let own = |name: &String| match name.as_str() {
            CURRENT => change.user.clone(),
            _ => name.clone(),
        };
        let all = |names: &[String]| names.iter().map(own).collect::<Vec<_>>();
        match &change.action {
            RoleAction::Create { name, options, in_roles, members, admins } => {
                if self.role(name)?.is_some() || name == FIRST_ROLE {
                    return Err(Error::new(
                        SqlState::DUPLICATE_OBJECT,
                        format!("role \"{name}\" already exists"),
                    ));
                }
                let new = Role {
                    superuser: false,
                    inherit: true,
                    create_role: false,
                    create_db: false,
                    login: false,
                    replication: false,
                    bypass_rls: false,
                    connection_limit: -1,
                    valid_until: None,
                };
                self.keep_role(name, &new.with(options))?;
                let one = std::slice::from_ref(name);
                self.grant_roles(&all(in_roles), one, false)?;
                self.grant_roles(one, &all(members), false)?;
                self.grant_roles(one, &all(admins), true)
            }
            RoleAction::Alter { name, options } => {
                let name = own(name);
                self.check_role(&name)?;
                match self.role(&name)? {
                    Some(role) => self.keep_role(&name, &role.with(options)),
                    None => Ok(()),
                }
            }
            RoleAction::Rename { name, to } => self.rename_role(&own(name), to),
            RoleAction::Drop { names, if_exists } => {
                all(names).iter().try_for_each(|name| self.drop_role(name, *if_exists))
            }
            RoleAction::GrantRoles { roles, to, admin } => {
                self.grant_roles(&all(roles), &all(to), *admin)
            }
            RoleAction::RevokeRoles { roles, from, admin_only } => {
                for (role, member) in pairs(&all(roles), &all(from)) {
                    self.check_role(&role)?;
                    self.check_role(&member)?;
                    let subject = membership(&role, &member);
                    let is_member = self.connection.fact(&subject, MEMBER)?.is_some();
                    let left = (*admin_only && is_member).then_some("false");
                    self.connection.set_fact(&subject, MEMBER, left)?;
                }
                Ok(())
            }
            RoleAction::Privileges(privileges) => {
                let grantees = all(&privileges.grantees);
                self.change_privileges(privileges, &grantees, change)
            }
            RoleAction::SetOwner { of, to } => self.set_owner(of, &own(to), &change.search_path),
            RoleAction::ReassignOwned { from, to } => self.reassign_owned(&all(from), &own(to)),
            RoleAction::DropOwned { by } => self.drop_owned(&all(by)),
        }
    }

    fn role(&mut self, name: &str) -> Result<Option<Role>> {
        let subject = Subject::plain(SubjectKind::Role, name);
        let text = self.connection.fact(&subject, ROLE)?;
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| Error::internal(format!("a role cannot be read: {error}")))
    }

    fn keep_role(&mut self, name: &str, role: &Role) -> Result<()> {
        let text = serde_json::to_string(role)
            .map_err(|error| Error::internal(format!("a role cannot be kept: {error}")))?;
        self.connection.set_fact(&Subject::plain(SubjectKind::Role, name), ROLE, Some(&text))
    }

    /// Refuses a role that is not there. Who is connected without having been made is there.
    pub(super) fn check_role(&mut self, name: &str) -> Result<()> {
        if name == FIRST_ROLE || self.role(name)?.is_some() {
            return Ok(());
        }
        Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist")))
    }

    fn grant_roles(&mut self, roles: &[String], to: &[String], admin: bool) -> Result<()> {
        for (role, member) in pairs(roles, to) {
            self.check_role(&role)?;
            self.check_role(&member)?;
            if role == member || self.members_of(&member)?.contains(&role) {
                return Err(Error::new(
                    SqlState::INVALID_GRANT_OPERATION,
                    format!("role \"{role}\" is a member of role \"{member}\""),
                ));
            }
            let subject = membership(&role, &member);
            let had = self.connection.fact(&subject, MEMBER)?.is_some_and(|may| may == "true");
            let admin = if admin || had { "true" } else { "false" };
            self.connection.set_fact(&subject, MEMBER, Some(admin))?;
        }
        Ok(())
    }

    /// Lists the members of a role, those of its members too.
    fn members_of(&mut self, role: &str) -> Result<BTreeSet<String>> {
        let rows = self.connection.text_rows(
            "SELECT object_name, part FROM teatree_internal.facts
             WHERE kind = 'role' AND fact = 'member'",
            &[],
        )?;
        let mut found = BTreeSet::new();
        let mut open = vec![role.to_owned()];
        while let Some(role) = open.pop() {
            for row in &rows {
                if let [of, member] = row.as_slice()
                    && *of == role
                    && found.insert(member.clone())
                {
                    open.push(member.clone());
                }
            }
        }
        Ok(found)
    }

    fn rename_role(&mut self, name: &str, to: &str) -> Result<()> {
        self.check_role(name)?;
        if self.role(to)?.is_some() || to == FIRST_ROLE {
            return Err(Error::new(
                SqlState::DUPLICATE_OBJECT,
                format!("role \"{to}\" already exists"),
            ));
        }
        if name == FIRST_ROLE {
            return Err(Error::unsupported(format!("role \"{name}\" cannot be renamed")));
        }
        let plain = |name: &str| Subject::plain(SubjectKind::Role, name).name;
        self.connection.move_facts(&[SubjectKind::Role], &plain(name), &plain(to))?;
        for row in self.connection.text_rows(
            "SELECT object_name FROM teatree_internal.facts
             WHERE kind = 'role' AND fact = 'member' AND part = $1",
            &[crate::types::Value::Text(name.to_owned())],
        )? {
            for of in row {
                self.connection.move_part_facts(&membership(&of, name), to)?;
            }
        }
        self.replace_role(name, to)
    }

    fn drop_role(&mut self, name: &str, if_exists: bool) -> Result<()> {
        if name == FIRST_ROLE {
            return Err(Error::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!("cannot drop role {name} because it is required by the database system"),
            ));
        }
        if if_exists && self.role(name)?.is_none() {
            return Ok(());
        }
        self.check_role(name)?;
        if let Some(detail) = self.depends_on_role(name)? {
            return Err(Error::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!("role \"{name}\" cannot be dropped because some objects depend on it"),
            )
            .with_detail(detail));
        }
        self.connection.execute(
            "DELETE FROM teatree_internal.facts WHERE kind = 'role'
             AND (object_name = $1 OR fact = 'member' AND part = $1)",
            &[crate::types::Value::Text(name.to_owned())],
            1,
        )?;
        Ok(())
    }
}

/// A membership is a fact of the role, about its member.
fn membership(role: &str, member: &str) -> Subject {
    Subject { part: member.to_owned(), ..Subject::plain(SubjectKind::Role, role) }
}

fn pairs(one: &[String], other: &[String]) -> Vec<(String, String)> {
    one.iter().flat_map(|a| other.iter().map(move |b| (a.clone(), b.clone()))).collect()
}
