//! The table of functions and procedures that users wrote, in the data file.

use super::WriteConnection;
use super::capi::Connection;
use crate::error::Result;
use crate::sql::{ArgumentMode, Routine, RoutineArgument, RoutineKind, Volatility, quote_ident};
use crate::types::Value;

/// The columns before the last are for the catalogue; the last has everything.
const TABLE: &str = "CREATE SCHEMA IF NOT EXISTS teatree_internal;
CREATE TABLE IF NOT EXISTS teatree_internal.routines (
    schema_name VARCHAR NOT NULL, name VARCHAR NOT NULL, kind VARCHAR NOT NULL,
    argument_names VARCHAR[], argument_modes VARCHAR[], argument_oids UINTEGER[],
    argument_defaults VARCHAR[], input_oids UINTEGER[], result_oid UINTEGER,
    returns_set BOOLEAN, volatility VARCHAR, strict BOOLEAN, security_definer BOOLEAN,
    body VARCHAR, is_standard BOOLEAN, comment VARCHAR, signature VARCHAR NOT NULL,
    definition VARCHAR NOT NULL)";

const INSERT: &str = "INSERT INTO teatree_internal.routines VALUES ($1, $2, $3,
    string_split($4, chr(31)), string_split($5, chr(31)),
    CAST(string_split($6, chr(31)) AS UINTEGER[]), string_split($7, chr(31)),
    CAST(string_split($8, chr(31)) AS UINTEGER[]), $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

const DELETE: &str = "DELETE FROM teatree_internal.routines
    WHERE schema_name = $1 AND name = $2 AND signature = $3";

/// Makes the table, and the view of it that the catalogue is built upon: only here is the name of
/// the data file's database known.
pub(super) fn prepare(connection: &mut Connection, database: &str) -> Result<()> {
    connection.execute(TABLE)?;
    connection.execute(&format!(
        "CREATE SCHEMA IF NOT EXISTS teatree_system.support;
         CREATE VIEW teatree_system.support.routine AS
         SELECT * EXCLUDE (definition), coalesce(definition->>'$.language', 'sql') AS language
         FROM {}.teatree_internal.routines",
        quote_ident(database)
    ))
}

impl WriteConnection {
    /// Adds a routine, whose definition is json.
    pub fn keep_routine(&mut self, routine: &Routine, definition: &str) -> Result<()> {
        let all = &routine.arguments;
        let joined = |of: &dyn Fn(&RoutineArgument) -> String| {
            let texts: Vec<String> = all.iter().map(of).collect();
            list(&texts)
        };
        let inputs: Vec<String> =
            routine.identity().iter().map(|pg_type| pg_type.oid().to_string()).collect();
        let params = [
            Value::Text(routine.schema.clone()),
            Value::Text(routine.name.clone()),
            text(match routine.kind {
                RoutineKind::Function => "f",
                RoutineKind::Procedure => "p",
            }),
            joined(&|argument| argument.name.clone().unwrap_or_default()),
            joined(&|argument| mode(argument.mode).to_owned()),
            joined(&|argument| argument.pg_type.oid().to_string()),
            joined(&|argument| argument.default.clone().unwrap_or_default()),
            list(&inputs),
            Value::Int8(i64::from(routine.result.oid())),
            Value::Bool(routine.returns_set),
            text(match routine.volatility {
                Volatility::Immutable => "i",
                Volatility::Stable => "s",
                Volatility::Volatile => "v",
            }),
            Value::Bool(routine.strict),
            Value::Bool(routine.security_definer),
            Value::Text(routine.body.clone()),
            Value::Bool(routine.is_standard),
            routine.comment.clone().map_or(Value::Null, Value::Text),
            Value::Text(routine.signature()),
            Value::Text(definition.to_owned()),
        ];
        self.execute(INSERT, &params, 1).map(drop)
    }

    /// Deletes a routine.
    pub fn forget_routine(&mut self, routine: &Routine) -> Result<()> {
        let params = [
            Value::Text(routine.schema.clone()),
            Value::Text(routine.name.clone()),
            Value::Text(routine.signature()),
        ];
        self.execute(DELETE, &params, 1).map(drop)
    }
}

fn mode(mode: ArgumentMode) -> &'static str {
    match mode {
        ArgumentMode::In => "i",
        ArgumentMode::Out => "o",
        ArgumentMode::InOut => "b",
        ArgumentMode::Table => "t",
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Texts as one, to be split by DuckDB; NULL for none.
fn list(texts: &[String]) -> Value {
    if texts.is_empty() { Value::Null } else { Value::Text(texts.join("\u{1f}")) }
}
