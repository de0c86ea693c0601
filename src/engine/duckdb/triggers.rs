//! The table of triggers, in the data file, and how their statements are run.

use super::WriteConnection;
use super::capi::Connection;
use super::instance::text_rows;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::quote_ident;
use crate::sql::trigger::Trigger;
use crate::sqlstate::SqlState;
use crate::types::Value;

/// The columns before the last two are for the catalogue; those have everything.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS teatree_internal.triggers (
    schema_name VARCHAR NOT NULL, table_name VARCHAR NOT NULL, name VARCHAR NOT NULL,
    kind SMALLINT NOT NULL, is_enabled BOOLEAN NOT NULL, columns VARCHAR[],
    old_table VARCHAR, new_table VARCHAR, routine_schema VARCHAR NOT NULL,
    routine_signature VARCHAR NOT NULL, arguments VARCHAR[], statement VARCHAR NOT NULL,
    full_text VARCHAR NOT NULL, short_text VARCHAR NOT NULL,
    definition VARCHAR NOT NULL, action BLOB NOT NULL)";

const INSERT: &str = "INSERT INTO teatree_internal.triggers VALUES ($1, $2, $3, $4, $5,
    string_split($6, chr(31)), $7, $8, $9, $10, string_split($11, chr(31)), $12, $13, $14, $15, $16)";

const DELETE: &str = "DELETE FROM teatree_internal.triggers
    WHERE schema_name = $1 AND table_name = $2 AND name = $3";

/// A trigger as it is kept.
pub struct KeptTrigger {
    /// JSON.
    pub definition: String,
    pub action: Vec<u8>,
}

/// Makes the table, and the view of it that the catalogue is built upon: only here is the name of
/// the data file's database known.
pub(super) fn prepare(connection: &mut Connection, database: &str) -> Result<()> {
    connection.execute(TABLE)?;
    connection.execute(&format!(
        "CREATE VIEW teatree_system.support.user_trigger AS
         SELECT * EXCLUDE (definition, action) FROM {}.teatree_internal.triggers",
        quote_ident(database)
    ))
}

impl WriteConnection {
    /// Reads all triggers, those of a table by their names.
    ///
    /// # Errors
    /// XX001 when an action is none.
    pub fn kept_triggers(&mut self) -> Result<Vec<KeptTrigger>> {
        let rows = text_rows(
            &mut self.connection,
            "SELECT definition, hex(action) FROM teatree_internal.triggers
             ORDER BY schema_name, table_name, name",
        )?;
        rows.into_iter()
            .map(|row| match <[String; 2]>::try_from(row) {
                Ok([definition, action]) => {
                    Ok(KeptTrigger { definition, action: of_hex(&action)? })
                }
                Err(_) => Err(damaged()),
            })
            .collect()
    }

    /// Adds a trigger, whose definition is JSON.
    pub fn keep_trigger(
        &mut self,
        trigger: &Trigger,
        definition: &str,
        action: Vec<u8>,
    ) -> Result<()> {
        let text = |text: &str| Value::Text(text.to_owned());
        let optional = |text: &Option<String>| text.clone().map_or(Value::Null, Value::Text);
        let params = [
            text(&trigger.table.schema),
            text(&trigger.table.table),
            text(&trigger.name),
            Value::Int2(trigger.spec.type_bits()),
            Value::Bool(trigger.enabled),
            list(&trigger.spec.columns),
            optional(&trigger.spec.old_table),
            optional(&trigger.spec.new_table),
            text(&trigger.routine.schema),
            Value::Text(trigger.routine.signature()),
            list(&trigger.arguments),
            Value::Text(trigger.execute_text()),
            Value::Text(trigger.definition(false)),
            Value::Text(trigger.definition(true)),
            text(definition),
            Value::Bytea(action.into()),
        ];
        self.execute(INSERT, &params, 1).map(drop)
    }

    /// Runs one statement and passes over the rows that it gives. Gives how many rows it has
    /// changed, or given.
    ///
    /// # Errors
    /// What DuckDB says.
    pub fn change(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let mut result = self.planned(sql, params)?.run(false)?;
        if !result.has_rows() {
            return Ok(result.rows_changed());
        }
        let mut rows = 0;
        while let Some(batch) = result.fetch()? {
            rows += batch.num_rows() as u64;
        }
        Ok(rows)
    }

    /// Checks that a statement could run.
    ///
    /// # Errors
    /// What DuckDB says of its names and types.
    pub fn check(&mut self, sql: &str) -> Result<()> {
        self.connection.prepare(sql).map(drop)
    }

    /// Deletes a trigger, if it is there.
    pub fn forget_trigger(&mut self, table: &TableName, name: &str) -> Result<()> {
        let params = [
            Value::Text(table.schema.clone()),
            Value::Text(table.table.clone()),
            Value::Text(name.to_owned()),
        ];
        self.execute(DELETE, &params, 1).map(drop)
    }
}

/// Texts as one, to be split by DuckDB; NULL for none.
fn list(texts: &[String]) -> Value {
    if texts.is_empty() { Value::Null } else { Value::Text(texts.join("\u{1f}")) }
}

pub(super) fn of_hex(text: &str) -> Result<Vec<u8>> {
    let byte = |place: usize| {
        let digits = text.get(place..place + 2)?;
        u8::from_str_radix(digits, 16).ok()
    };
    (0..text.len()).step_by(2).map(|place| byte(place).ok_or_else(damaged)).collect()
}

pub(super) fn damaged() -> Error {
    Error::new(SqlState::DATA_CORRUPTED, "what is kept of triggers is damaged")
}
