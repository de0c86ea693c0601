//! A broken key in PostgreSQL's words: DuckDB tells the columns and values, not the constraint.

use std::sync::Arc;

use super::Targets;
use super::applier::Applier;
use super::define::{Definer, Existing};
use crate::error::{Error, ErrorObject, Result};
use crate::ids::TableName;
use crate::intent::Body;
use crate::pipeline::Broken;
use crate::sql::ConstraintKind;
use crate::sqlstate::SqlState;

/// Names the constraint that a statement of a transaction has broken, by a connection of its own:
/// the transaction's is of no more use.
pub(super) fn explain_apart(
    targets: &Arc<Targets>,
    body: &Body,
    broken: Option<&Broken>,
    error: Error,
) -> Error {
    if error.code().class() != "23" {
        return error;
    }
    match targets.duckdb.lookup_connection() {
        Ok(connection) => {
            let mut applier = Applier::new(Arc::clone(targets), connection);
            match broken {
                Some(broken) => applier.explain_of(broken.changing.as_ref(), error),
                None => applier.explain(body, error),
            }
        }
        Err(_) => error,
    }
}

impl Applier {
    /// Names the constraint that an intent has broken. No transaction is open.
    pub(super) fn explain(&mut self, body: &Body, error: Error) -> Error {
        if let Some(broken) = self.upkeep.broken().cloned() {
            return self.explain_of(broken.changing.as_ref(), error);
        }
        if let Body::Batch { bodies, .. } = body {
            return match bodies.get(self.failed_in) {
                Some(failed) => self.explain(failed, error),
                None => error,
            };
        }
        self.explain_of(body.table().filter(|_| !matches!(body, Body::Define { .. })), error)
    }

    fn explain_of(&mut self, table: Option<&TableName>, error: Error) -> Error {
        let Some(table) = table else { return error };
        // Our own foreign keys say it themselves.
        if error.object().constraint.is_some() {
            return error;
        }
        let explained = match error.code() {
            SqlState::UNIQUE_VIOLATION => self.broken_key(table, &error),
            SqlState::FOREIGN_KEY_VIOLATION => self.broken_reference(table, &error),
            _ => Ok(None),
        };
        // What cannot be looked up stays as DuckDB says it.
        with_names(explained.ok().flatten().unwrap_or(error), table)
    }

    fn broken_key(&mut self, table: &TableName, error: &Error) -> Result<Option<Error>> {
        let table = Definer::new(&mut self.connection, 0).existing(table)?;
        let (columns, values) = match error.detail().and_then(key) {
            Some(told) => told,
            // Twice in the same statement: DuckDB tells the values only.
            None => {
                let told = error.detail().and_then(|detail| detail.split('"').nth(1));
                let (Some(values), Some(columns)) = (told, only_key(&table)) else {
                    return Ok(None);
                };
                (columns, values.to_owned())
            }
        };
        Ok(key_name(&table, &columns).map(|name| {
            let message = format!("duplicate key value violates unique constraint \"{name}\"");
            Error::new(SqlState::UNIQUE_VIOLATION, message)
                .with_detail(format!("Key ({})=({values}) already exists.", columns.join(", ")))
        }))
    }

    fn broken_reference(&mut self, table: &TableName, error: &Error) -> Result<Option<Error>> {
        let Some((columns, values)) = error.detail().and_then(key) else { return Ok(None) };
        let mut definer = Definer::new(&mut self.connection, 0);
        let own = definer.existing(table)?;
        if !error.detail().is_some_and(|detail| detail.contains("still referenced")) {
            let broken = own.constraints.iter().find_map(|constraint| {
                let (other, referenced) = constraint.referenced.as_ref()?;
                (*referenced == columns).then_some((constraint, other))
            });
            return Ok(broken.map(|(constraint, other)| {
                Error::new(
                    SqlState::FOREIGN_KEY_VIOLATION,
                    format!(
                        "insert or update on table \"{}\" violates foreign key constraint \"{}\"",
                        table.table, constraint.name
                    ),
                )
                .with_detail(format!(
                    "Key ({})=({values}) is not present in table \"{}\".",
                    constraint.columns.join(", "),
                    other.table
                ))
            }));
        }
        for name in definer.referring(table)? {
            let other = definer.existing(&name)?;
            let broken = other.constraints.iter().find_map(|constraint| {
                let (to, referenced) = constraint.referenced.as_ref()?;
                (to.table == table.table && constraint.columns == columns)
                    .then(|| (constraint.name.clone(), referenced.join(", ")))
            });
            if let Some((constraint, referenced)) = broken {
                return Ok(Some(
                    Error::new(
                        SqlState::FOREIGN_KEY_VIOLATION,
                        format!(
                            "update or delete on table \"{}\" violates foreign key constraint \
                             \"{constraint}\" on table \"{}\"",
                            table.table, name.table
                        ),
                    )
                    .with_detail(format!(
                        "Key ({referenced})=({values}) is still referenced from table \"{}\".",
                        name.table
                    )),
                ));
            }
        }
        Ok(None)
    }
}

/// Adds the names of what is broken, which the message has in quotes: a column first for NOT NULL,
/// else the constraint after the table.
fn with_names(error: Error, table: &TableName) -> Error {
    let quoted: Vec<String> =
        error.message().split('"').skip(1).step_by(2).map(str::to_owned).collect();
    let names = ErrorObject {
        schema: Some(table.schema.clone()),
        table: Some(table.table.clone()),
        ..ErrorObject::default()
    };
    let object = match (error.code(), quoted.as_slice()) {
        (SqlState::NOT_NULL_VIOLATION, [column, ..]) => {
            ErrorObject { column: Some(column.clone()), ..names }
        }
        (SqlState::UNIQUE_VIOLATION, [constraint]) => {
            ErrorObject { constraint: Some(constraint.clone()), ..names }
        }
        (SqlState::CHECK_VIOLATION, [_, constraint])
        | (SqlState::FOREIGN_KEY_VIOLATION, [_, constraint]) => {
            ErrorObject { constraint: Some(constraint.clone()), ..names }
        }
        (SqlState::FOREIGN_KEY_VIOLATION, [_, constraint, other]) => ErrorObject {
            table: Some(other.clone()),
            constraint: Some(constraint.clone()),
            ..names
        },
        _ => return error,
    };
    error.with_object(object)
}

/// The columns and values of a detail `Key (a, b)=(1, 2) …`.
fn key(detail: &str) -> Option<(Vec<String>, String)> {
    let rest = detail.strip_prefix("Key (")?;
    let (columns, rest) = rest.split_once(")=(")?;
    let (values, _) = rest.rsplit_once(") ")?;
    Some((columns.split(", ").map(str::to_owned).collect(), values.to_owned()))
}

/// The columns of a table's only key, if it has one and no unique index.
fn only_key(table: &Existing) -> Option<Vec<String>> {
    let mut keys = table.constraints.iter().filter(|constraint| {
        matches!(constraint.kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique)
    });
    match (keys.next(), keys.next(), table.indexes.iter().any(|index| index.unique)) {
        (Some(key), None, false) => Some(key.columns.clone()),
        _ => None,
    }
}

/// The name of the key or unique index over some columns.
fn key_name(table: &Existing, columns: &[String]) -> Option<String> {
    let constraint = table.constraints.iter().find(|constraint| {
        matches!(constraint.kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique)
            && constraint.columns == columns
    });
    let index = || {
        table.indexes.iter().find(|index| {
            let parts: Vec<&str> = index.parts.iter().map(|p| p.trim_matches('"')).collect();
            index.unique && parts == columns
        })
    };
    constraint
        .map(|constraint| constraint.name.clone())
        .or_else(|| index().map(|index| index.name.clone()))
}
