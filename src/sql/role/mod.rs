//! Roles, what they may do, and whose objects are.
//!
//! - `acl.rs`: privileges on an object, as `pg_class.relacl` shows them.
//! - `wanted.rs`: what a statement wants to do with tables.
//! - `parse.rs`: CREATE, ALTER and DROP ROLE, OWNER TO and its like; `grant.rs`: GRANT and REVOKE.
//!
//! These types lie in the intent log, by field name.

mod acl;
mod grant;
mod parse;
mod wanted;

use serde::{Deserialize, Serialize};

pub use acl::{Acl, PRIVILEGES};
pub(super) use parse::{parse, without_password};

use acl::privilege_letter;

/// A change of roles, privileges or owners.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoleChange {
    pub action: RoleAction,
    /// Where names without a schema are looked for.
    pub search_path: Vec<String>,
    /// Who does it.
    pub user: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RoleAction {
    Create {
        name: String,
        options: RoleOptions,
        /// Roles that the new one becomes a member of.
        in_roles: Vec<String>,
        members: Vec<String>,
        /// Members that may grant it.
        admins: Vec<String>,
    },
    Alter {
        name: String,
        options: RoleOptions,
    },
    Rename {
        name: String,
        to: String,
    },
    Drop {
        names: Vec<String>,
        if_exists: bool,
    },
    GrantRoles {
        roles: Vec<String>,
        to: Vec<String>,
        admin: bool,
    },
    RevokeRoles {
        roles: Vec<String>,
        from: Vec<String>,
        /// Takes only the right to grant them.
        admin_only: bool,
    },
    Privileges(PrivilegeChange),
    SetOwner {
        of: Objects,
        to: String,
    },
    ReassignOwned {
        from: Vec<String>,
        to: String,
    },
    DropOwned {
        by: Vec<String>,
    },
}

/// What a statement says of a role; `None` for what it does not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RoleOptions {
    pub superuser: Option<bool>,
    pub inherit: Option<bool>,
    pub create_role: Option<bool>,
    pub create_db: Option<bool>,
    pub login: Option<bool>,
    pub replication: Option<bool>,
    pub bypass_rls: Option<bool>,
    pub connection_limit: Option<i32>,
    pub valid_until: Option<String>,
}

/// GRANT or REVOKE of privileges on objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrivilegeChange {
    pub revoke: bool,
    /// WITH GRANT OPTION, or GRANT OPTION FOR.
    pub grant_option: bool,
    /// Privileges, each with its columns; none at all for ALL.
    pub privileges: Vec<(char, Vec<String>)>,
    /// The columns of ALL (a, b).
    pub all_columns: Vec<String>,
    pub of: Objects,
    /// Empty for PUBLIC.
    pub grantees: Vec<String>,
}

/// A name as a statement has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WrittenName {
    pub schema: Option<String>,
    pub name: String,
    /// How many arguments a routine's name says that it takes.
    pub arguments: Option<usize>,
}

/// The kinds of objects that have owners and privileges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObjectClass {
    Table,
    Sequence,
    Routine,
    Schema,
    Database,
    Type,
    /// Known by name only: languages, tablespaces and their like.
    Other,
}

impl ObjectClass {
    /// The privileges that there are on such an object, in PostgreSQL's letters.
    pub fn privileges(self) -> &'static str {
        match self {
            ObjectClass::Table => "arwdDxt",
            ObjectClass::Sequence => "rwU",
            ObjectClass::Routine => "X",
            ObjectClass::Schema => "UC",
            ObjectClass::Database => "CTc",
            ObjectClass::Type | ObjectClass::Other => "U",
        }
    }

    /// What everybody has of them before anything is granted.
    pub fn of_public(self) -> &'static str {
        match self {
            ObjectClass::Table | ObjectClass::Sequence | ObjectClass::Schema => "",
            ObjectClass::Routine => "X",
            ObjectClass::Database => "Tc",
            ObjectClass::Type | ObjectClass::Other => "U",
        }
    }
}

/// Objects that a statement names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objects {
    pub class: ObjectClass,
    pub names: Vec<WrittenName>,
    /// ALL … IN SCHEMA: the names are schemas.
    pub all_in_schema: bool,
}
