//! The table of foreign keys, in the data file.

use super::WriteConnection;
use super::capi::Connection;
use super::instance::text_rows;
use crate::error::Result;
use crate::ids::TableName;
use crate::sql::quote_ident;
use crate::types::Value;

/// The definition is JSON and has everything; the catalogue reads it, too.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS teatree_internal.foreign_keys (
    schema_name VARCHAR NOT NULL, table_name VARCHAR NOT NULL, name VARCHAR NOT NULL,
    definition VARCHAR NOT NULL)";

const INSERT: &str = "INSERT INTO teatree_internal.foreign_keys VALUES ($1, $2, $3, $4)";

const DELETE: &str = "DELETE FROM teatree_internal.foreign_keys
    WHERE schema_name = $1 AND table_name = $2 AND name = $3";

/// Makes the table, and the view of it that the catalogue is built upon: only here is the name of
/// the data file's database known.
pub(super) fn prepare(connection: &mut Connection, database: &str) -> Result<()> {
    connection.execute(TABLE)?;
    connection.execute(&format!(
        "CREATE VIEW teatree_system.support.user_foreign_key AS
         SELECT * FROM {}.teatree_internal.foreign_keys",
        quote_ident(database)
    ))
}

impl WriteConnection {
    /// Reads the definitions of all foreign keys, as JSON.
    pub fn kept_foreign_keys(&mut self) -> Result<Vec<String>> {
        let sql = "SELECT definition FROM teatree_internal.foreign_keys";
        Ok(text_rows(&mut self.connection, sql)?.into_iter().flatten().collect())
    }

    /// Adds a foreign key, whose definition is JSON.
    pub fn keep_foreign_key(
        &mut self,
        table: &TableName,
        name: &str,
        definition: &str,
    ) -> Result<()> {
        let text = |text: &str| Value::Text(text.to_owned());
        let params = [text(&table.schema), text(&table.table), text(name), text(definition)];
        self.execute(INSERT, &params, 1).map(drop)
    }

    /// Deletes a foreign key, if it is there.
    pub fn forget_foreign_key(&mut self, table: &TableName, name: &str) -> Result<()> {
        let text = |text: &str| Value::Text(text.to_owned());
        let params = [text(&table.schema), text(&table.table), text(name)];
        self.execute(DELETE, &params, 1).map(drop)
    }
}
