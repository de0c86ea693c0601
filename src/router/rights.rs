//! What roles may do with the rows of tables. A role that was made without SUPERUSER needs to be
//! granted it, or to own the table; who is only known by name may do all.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Router, StatementContext};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::Acl;
use crate::sqlstate::SqlState;

const FACTS: &str = "SELECT kind, schema_name, object_name, part, fact, value
    FROM teatree_internal.facts WHERE kind IN ('role', 'relation')
    AND fact IN ('role', 'member', 'owner', 'acl')";

/// What a name can mean, once there are roles that may not do all.
const RELATIONS: &str = "SELECT n.name, r.name FROM teatree_system.support.user_relation r
    JOIN teatree_system.support.schema_entry n ON n.oid = r.namespace_oid";

/// Users' functions, which may read tables that the statement does not name.
const ROUTINES: &str = "SELECT lower(name) FROM teatree_internal.routines";

/// Roles and privileges of one moment.
#[derive(Debug, Default)]
pub struct Rights {
    /// Roles that were made, and whether they may do all.
    roles: HashMap<String, bool>,
    /// The roles that one is a member of.
    memberships: HashMap<String, Vec<String>>,
    owners: HashMap<TableName, String>,
    acls: HashMap<TableName, Acl>,
    relations: HashSet<TableName>,
    routines: HashSet<String>,
}

impl Rights {
    fn read(rows: &[Vec<String>]) -> Rights {
        let mut rights = Rights::default();
        for row in rows {
            let [kind, schema, name, part, fact, value] = row.as_slice() else { continue };
            let table = || TableName::new(schema.clone(), name.clone());
            match (kind.as_str(), fact.as_str()) {
                (_, "role") => {
                    let is_super = value.contains("\"superuser\":true");
                    rights.roles.insert(name.clone(), is_super);
                }
                (_, "member") => {
                    rights.memberships.entry(part.clone()).or_default().push(name.clone());
                }
                ("relation", "owner") => drop(rights.owners.insert(table(), value.clone())),
                ("relation", "acl") => drop(rights.acls.insert(table(), Acl::parse(value))),
                _ => {}
            }
        }
        rights
    }

    /// Tells whether a role was made.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.contains_key(role)
    }

    /// Tells whether a role may do only what it was granted.
    pub fn is_restricted(&self, role: &str) -> bool {
        self.roles.get(role) == Some(&false)
    }

    /// Lists a role and all that it is a member of.
    pub fn closure(&self, role: &str) -> Vec<String> {
        let mut found = vec![role.to_owned()];
        let mut place = 0;
        while let Some(member) = found.get(place) {
            let of: Vec<String> = self.memberships.get(member).cloned().unwrap_or_default();
            for role in of {
                if !found.contains(&role) {
                    found.push(role);
                }
            }
            place += 1;
        }
        found
    }

    /// Checks that a role may do something with what one of some names means: the first that there
    /// is. What is nowhere, or PostgreSQL's own, is not decided here.
    ///
    /// # Errors
    /// 42501.
    pub fn check(&self, role: &str, candidates: &[TableName], letter: char) -> Result<()> {
        let is_known =
            |name: &&TableName| self.relations.contains(name) || name.schema.starts_with("teatree");
        let Some(name) = candidates.iter().find(is_known) else { return Ok(()) };
        let roles = self.closure(role);
        let owns = self.owners.get(name).is_some_and(|owner| roles.contains(owner));
        let granted = self.acls.get(name).is_some_and(|acl| acl.allows(&roles, letter));
        let is_super = roles.iter().any(|role| role == "postgres");
        if is_super || owns || granted {
            return Ok(());
        }
        Err(denied("table", &name.table))
    }

    /// Tells whether a function of this name, in lower case, is a user's.
    pub fn is_routine(&self, name: &str) -> bool {
        self.routines.contains(name)
    }
}

/// The error for what a role may not do.
pub fn denied(kind: &str, name: &str) -> Error {
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for {kind} {name}"))
}

impl Router {
    /// Returns roles and privileges, if they are remembered as they are for all.
    pub fn known_rights(&self) -> Option<Arc<Rights>> {
        self.shapes.rights(self.log.definitions())
    }

    /// Reads roles and privileges, as the session's transaction sees them.
    pub async fn rights(&self, context: &StatementContext) -> Result<Arc<Rights>> {
        let held = context.held().filter(|_| context.has_own_definitions());
        let moment = self.log.definitions();
        if held.is_none()
            && let Some(known) = self.shapes.rights(moment)
        {
            return Ok(known);
        }
        let ask = |sql: &'static str| async move {
            match held {
                Some(held) => held.text_rows(sql, Vec::new()).await,
                None => self.duckdb.text_rows(sql, Vec::new()).await,
            }
        };
        let mut rights = Rights::read(&ask(FACTS).await?);
        if rights.roles.values().any(|is_super| !is_super) {
            rights.relations = ask(RELATIONS)
                .await?
                .into_iter()
                .filter_map(|row| <[String; 2]>::try_from(row).ok())
                .map(|[schema, table]| TableName::new(schema, table))
                .collect();
            rights.routines = ask(ROUTINES).await?.into_iter().flatten().collect();
        }
        let rights = Arc::new(rights);
        if held.is_none() {
            self.shapes.remember_rights(moment, Arc::clone(&rights));
        }
        Ok(rights)
    }
}
