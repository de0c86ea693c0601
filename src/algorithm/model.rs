//! What an algorithm asks of the rows that it reads: a table with columns in known roles.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::sql::quote_ident;
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType, ScalarType};

/// A table that an algorithm reads.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// The argument that names the table.
    pub name: &'static str,
    pub roles: &'static [Role],
}

/// A column that an algorithm reads, by what it means. The argument of the same name says which
/// column of the table it is; without one it is the column of that name.
#[derive(Clone, Copy, Debug)]
pub struct Role {
    pub name: &'static str,
    pub kind: RoleKind,
    /// The table may lack it: then its values are NULL.
    pub optional: bool,
}

/// What values a role has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleKind {
    /// Any number, computed with as double precision.
    Number,
    /// A whole number, computed with as bigint.
    Integer,
    /// A timestamp with or without a time zone, in microseconds; a date is its midnight.
    Instant,
    /// True or false.
    Flag,
    /// What rows are told apart by; numbers, dates and booleans stay what they are, and other
    /// types become text.
    Key,
}

impl RoleKind {
    /// The type in which a role is computed with, of a column of this type; `None` where it cannot
    /// be.
    pub fn computed(self, given: PgType) -> Option<PgType> {
        use ScalarType as T;
        let PgType::Scalar(scalar) = given else { return None };
        let is_whole = matches!(scalar, T::Int2 | T::Int4 | T::Int8);
        match self {
            RoleKind::Number => (is_whole || matches!(scalar, T::Numeric | T::Float4 | T::Float8))
                .then_some(PgType::FLOAT8),
            RoleKind::Integer => is_whole.then_some(PgType::INT8),
            RoleKind::Instant => match scalar {
                T::Timestamp | T::Date => Some(PgType::TIMESTAMP),
                T::Timestamptz => Some(PgType::TIMESTAMPTZ),
                _ => None,
            },
            RoleKind::Flag => (scalar == T::Bool).then_some(PgType::BOOL),
            RoleKind::Key => Some(match scalar {
                T::Int2 | T::Int4 | T::Int8 | T::Bool | T::Date => given,
                T::Timestamp | T::Timestamptz => given,
                _ => PgType::TEXT,
            }),
        }
    }

    fn words(self) -> &'static str {
        match self {
            RoleKind::Number => "a number",
            RoleKind::Integer => "a whole number",
            RoleKind::Instant => "a timestamp or a date",
            RoleKind::Flag => "true or false",
            RoleKind::Key => "a single value",
        }
    }
}

impl Input {
    /// Checks a table's columns against the roles. `chosen` names the column of a role where the
    /// call does.
    ///
    /// # Errors
    /// 42703 for a column that is missing, 42804 for one of another type; both name it.
    pub fn bind(
        &self,
        table: &str,
        columns: &[Column],
        chosen: impl Fn(&str) -> Option<String>,
    ) -> Result<BoundInput> {
        let mut shape = Shape { columns: Vec::with_capacity(self.roles.len()) };
        let mut list = Vec::with_capacity(self.roles.len());
        for role in self.roles {
            let wanted = chosen(role.name);
            let name = wanted.as_deref().unwrap_or(role.name);
            let found = columns.iter().find(|column| column.name == name);
            let (value, pg_type) = match found {
                Some(column) => {
                    let computed = role.kind.computed(column.pg_type);
                    let computed = computed.ok_or_else(|| mismatch(table, column, role))?;
                    (quote_ident(name), computed)
                }
                None if role.optional && wanted.is_none() => ("NULL".to_owned(), absent(role)),
                None => return Err(missing(table, name, role)),
            };
            let (written, alias) = (pg_type.sql_name(), quote_ident(role.name));
            list.push(format!("CAST({value} AS {written}) AS {alias}"));
            shape.columns.push(Column::new(role.name, pg_type));
        }
        Ok(BoundInput { shape, select_list: list.join(", ") })
    }
}

/// A table's columns in their roles.
#[derive(Clone, Debug)]
pub struct BoundInput {
    pub shape: Shape,
    /// The list of a SELECT that gives the roles of the table's rows.
    pub select_list: String,
}

/// The columns that an algorithm meets: the roles, by their names, in the types in which they are
/// computed with. Those that the table lacks are NULL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    pub columns: Vec<Column>,
}

impl Shape {
    /// The type of a role.
    pub fn pg_type(&self, role: &str) -> PgType {
        let found = self.columns.iter().find(|column| column.name == role);
        found.map_or(PgType::TEXT, |column| column.pg_type)
    }
}

/// The type of a role that the table lacks.
fn absent(role: &Role) -> PgType {
    match role.kind {
        RoleKind::Number => PgType::FLOAT8,
        RoleKind::Integer => PgType::INT8,
        RoleKind::Instant => PgType::TIMESTAMP,
        RoleKind::Flag => PgType::BOOL,
        RoleKind::Key => PgType::TEXT,
    }
}

fn missing(table: &str, name: &str, role: &Role) -> Error {
    Error::new(
        SqlState::UNDEFINED_COLUMN,
        format!("column \"{name}\" of input \"{table}\" does not exist"),
    )
    .with_hint(format!("Name {} for it: {} => 'column'.", role.kind.words(), role.name))
}

fn mismatch(table: &str, column: &Column, role: &Role) -> Error {
    Error::new(
        SqlState::DATATYPE_MISMATCH,
        format!(
            "column \"{}\" of input \"{table}\" is of type {}, but \"{}\" must be {}",
            column.name,
            column.pg_type.sql_name(),
            role.name,
            role.kind.words()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: Input = Input {
        name: "readings",
        roles: &[
            Role { name: "at", kind: RoleKind::Instant, optional: false },
            Role { name: "value", kind: RoleKind::Number, optional: false },
            Role { name: "series", kind: RoleKind::Key, optional: true },
        ],
    };

    fn columns() -> Vec<Column> {
        vec![Column::new("at", PgType::DATE), Column::new("temp \"C\"", PgType::NUMERIC)]
    }

    #[test]
    fn roles_are_the_columns_that_the_call_names() {
        let chosen = |role: &str| (role == "value").then(|| "temp \"C\"".to_owned());
        let bound = INPUT.bind("r", &columns(), chosen).unwrap();
        assert_eq!(
            bound.select_list,
            "CAST(\"at\" AS timestamp without time zone) AS \"at\", \
             CAST(\"temp \"\"C\"\"\" AS double precision) AS \"value\", \
             CAST(NULL AS text) AS \"series\""
        );
        assert_eq!(bound.shape.pg_type("value"), PgType::FLOAT8);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = INPUT.bind("r", &columns(), |_| None).unwrap_err();
        assert_eq!(error.code(), SqlState::UNDEFINED_COLUMN);
        assert_eq!(error.message(), "column \"value\" of input \"r\" does not exist");
        let error = INPUT.bind("r", &columns(), |_| Some("at".to_owned())).unwrap_err();
        assert_eq!(
            error.message(),
            "column \"at\" of input \"r\" is of type date, but \"value\" must be a number"
        );
        let chosen = |role: &str| (role != "at").then(|| "nothing".to_owned());
        assert!(INPUT.bind("r", &columns(), chosen).is_err(), "named, so it must be there");
    }
}
