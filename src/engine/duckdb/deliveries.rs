//! The table of rows that wait for their datasets; see [`crate::pipeline`].

use super::WriteConnection;
use super::capi::Connection;
use super::instance::text_rows;
use super::triggers::of_hex;
use crate::error::Result;
use crate::ids::TableName;
use crate::types::Value;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS teatree_internal.deliveries (
    id UBIGINT NOT NULL, schema_name VARCHAR NOT NULL, dataset_name VARCHAR NOT NULL,
    replaces BOOLEAN NOT NULL, content BLOB NOT NULL)";

/// Rows that wait for their dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: u64,
    pub dataset: TableName,
    /// The rows that the dataset has go first.
    pub replaces: bool,
    /// An Arrow IPC stream.
    pub content: Vec<u8>,
}

pub(super) fn prepare(connection: &mut Connection) -> Result<()> {
    connection.execute(TABLE)
}

impl WriteConnection {
    /// Keeps rows for a dataset, as a part of the transaction that is open.
    pub fn keep_delivery(
        &mut self,
        dataset: &TableName,
        replaces: bool,
        content: Vec<u8>,
    ) -> Result<()> {
        let params = [
            Value::Text(rand::random::<u64>().to_string()),
            Value::Text(dataset.schema.clone()),
            Value::Text(dataset.table.clone()),
            Value::Bool(replaces),
            Value::Bytea(content.into()),
        ];
        let sql = "INSERT INTO teatree_internal.deliveries
            VALUES (CAST($1 AS UBIGINT), $2, $3, $4, $5)";
        self.execute(sql, &params, 1).map(drop)
    }

    /// Reads the oldest of what waits.
    ///
    /// # Errors
    /// XX001 when the table is damaged.
    pub fn waiting_deliveries(&mut self, most: usize) -> Result<Vec<Delivery>> {
        let sql = format!(
            "SELECT id::VARCHAR, schema_name, dataset_name, replaces::VARCHAR, hex(content)
             FROM teatree_internal.deliveries ORDER BY rowid LIMIT {most}"
        );
        let delivery = |row: Vec<String>| {
            let [id, schema, table, replaces, content] = <[String; 5]>::try_from(row).ok()?;
            Some(Delivery {
                id: id.parse().ok()?,
                dataset: TableName::new(schema, table),
                replaces: replaces == "true",
                content: of_hex(&content).ok()?,
            })
        };
        let rows = text_rows(&mut self.connection, &sql)?;
        rows.into_iter().map(|row| delivery(row).ok_or_else(super::triggers::damaged)).collect()
    }

    /// Says that rows have come to their dataset, or never will.
    pub fn forget_deliveries(&mut self, ids: &[u64]) -> Result<()> {
        let sql = format!("DELETE FROM teatree_internal.deliveries WHERE {}", are(ids));
        self.connection.execute(&sql)
    }

    /// Tells whether any of these rows waits.
    pub fn has_deliveries(&mut self, ids: &[u64]) -> Result<bool> {
        let sql = format!("SELECT '1' FROM teatree_internal.deliveries WHERE {}", are(ids));
        Ok(!text_rows(&mut self.connection, &sql)?.is_empty())
    }
}

fn are(ids: &[u64]) -> String {
    let ids = ids.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    format!("id IN ({ids})")
}
