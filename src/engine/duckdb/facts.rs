//! The table of facts about objects, in the data file: what PostgreSQL keeps of them and DuckDB has
//! no place for, such as comments on constraints, owners, privileges.
//!
//! An object is told by its name, so who renames it moves its facts. **Invariant:** after each
//! change of definitions that may take objects away, [`WriteConnection::sweep_facts`] has deleted
//! the facts of those that are gone.

use super::WriteConnection;
use super::capi::Connection;
use crate::error::Result;
use crate::ids::TableName;
use crate::sql::{Subject, SubjectKind, quote_ident};
use crate::types::Value;

/// There is no key: DuckDB would take a row for its own duplicate that is deleted and added again
/// in one transaction.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS teatree_internal.facts (
    kind VARCHAR NOT NULL, schema_name VARCHAR NOT NULL, object_name VARCHAR NOT NULL,
    part VARCHAR NOT NULL, fact VARCHAR NOT NULL, value VARCHAR NOT NULL)";

const OF_ONE: &str = "kind = $1 AND schema_name = $2 AND object_name = $3 AND part = $4";

/// What there is only by its fact, and the one database, are never swept.
const SWEEP: &str = "DELETE FROM teatree_internal.facts f
    WHERE kind NOT IN ('role', 'database') AND NOT EXISTS (
        FROM teatree_system.support.subject s WHERE s.kind = f.kind
            AND s.schema_name = f.schema_name AND s.object_name = f.object_name
            AND s.part = f.part)";

/// Makes the table, and the view of it that the catalogue is built upon: only here is the name of
/// the data file's database known.
pub(super) fn prepare(connection: &mut Connection, database: &str) -> Result<()> {
    connection.execute(TABLE)?;
    connection.execute(&format!(
        "CREATE VIEW teatree_system.support.object_fact AS
         FROM {}.teatree_internal.facts",
        quote_ident(database)
    ))
}

impl WriteConnection {
    /// Says a fact of an object, in the place of what was said before; `None` takes it back.
    pub fn set_fact(&mut self, of: &Subject, fact: &str, value: Option<&str>) -> Result<()> {
        let mut params = key(of);
        params.push(text(fact));
        let delete = format!("DELETE FROM teatree_internal.facts WHERE {OF_ONE} AND fact = $5");
        self.execute(&delete, &params, 1)?;
        let Some(value) = value else { return Ok(()) };
        params.push(text(value));
        let insert = "INSERT INTO teatree_internal.facts VALUES ($1, $2, $3, $4, $5, $6)";
        self.execute(insert, &params, 1).map(drop)
    }

    /// Reads a fact of an object.
    pub fn fact(&mut self, of: &Subject, fact: &str) -> Result<Option<String>> {
        let mut params = key(of);
        params.push(text(fact));
        let sql = format!("SELECT value FROM teatree_internal.facts WHERE {OF_ONE} AND fact = $5");
        Ok(self.text_rows(&sql, &params)?.into_iter().flatten().next())
    }

    /// Moves the facts of an object of these kinds to its new name, and those of its parts.
    pub fn move_facts(
        &mut self,
        kinds: &[SubjectKind],
        from: &TableName,
        to: &TableName,
    ) -> Result<()> {
        for kind in kinds {
            let mut params = vec![text(kind.as_str()), text(&from.schema), text(&from.table)];
            params.extend([text(&to.schema), text(&to.table)]);
            self.execute(
                "INSERT INTO teatree_internal.facts SELECT kind, $4, $5, part, fact, value
                 FROM teatree_internal.facts
                 WHERE kind = $1 AND schema_name = $2 AND object_name = $3",
                &params,
                1,
            )?;
            let delete = "DELETE FROM teatree_internal.facts
                WHERE kind = $1 AND schema_name = $2 AND object_name = $3";
            self.execute(delete, &params[..3], 1)?;
        }
        Ok(())
    }

    /// Moves the facts of a part of an object to the part's new name.
    pub fn move_part_facts(&mut self, from: &Subject, to: &str) -> Result<()> {
        let mut params = key(from);
        params.push(text(to));
        let insert = format!(
            "INSERT INTO teatree_internal.facts
             SELECT kind, schema_name, object_name, $5, fact, value
             FROM teatree_internal.facts WHERE {OF_ONE}"
        );
        self.execute(&insert, &params, 1)?;
        let delete = format!("DELETE FROM teatree_internal.facts WHERE {OF_ONE}");
        self.execute(&delete, &params[..4], 1).map(drop)
    }

    /// Tells whether any fact is known.
    pub fn has_facts(&mut self) -> Result<bool> {
        Ok(!self.text_rows("SELECT '1' FROM teatree_internal.facts LIMIT 1", &[])?.is_empty())
    }

    /// Deletes the facts of objects that are gone.
    pub fn sweep_facts(&mut self) -> Result<()> {
        if self.has_facts()? { self.execute(SWEEP, &[], 1).map(drop) } else { Ok(()) }
    }
}

fn key(of: &Subject) -> Vec<Value> {
    vec![text(of.kind.as_str()), text(&of.name.schema), text(&of.name.table), text(&of.part)]
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
