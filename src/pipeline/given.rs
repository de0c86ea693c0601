//! Rows that are inserted as typed values: their keys need not be looked for in the table.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::sql::{ForeignKey, quote_ident};
use crate::types::{Column, Value};

/// Up to so many different keys are written into a query.
const KEYS_MAX: usize = 1000;

/// Rows as they are given.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    pub columns: &'a [Column],
    pub rows: &'a [&'a Vec<Value>],
}

impl Given<'_> {
    /// The keys of the rows, as a query for each foreign key; `None` where a column gets its value
    /// elsewhere, or there are too many.
    pub(super) fn keys(&self, keys: &[Arc<ForeignKey>]) -> Option<Vec<String>> {
        keys.iter().map(|key| self.key(key)).collect()
    }

    fn key(&self, key: &ForeignKey) -> Option<String> {
        let place = |name: &String| self.columns.iter().position(|column| column.name == *name);
        let places: Vec<usize> = key.columns.iter().map(place).collect::<Option<_>>()?;
        let names: Vec<String> = key.columns.iter().map(|column| quote_ident(column)).collect();
        let names = names.join(", ");
        let mut tuples = BTreeSet::new();
        for row in self.rows {
            let values: Vec<&Value> =
                places.iter().map(|&place| row.get(place)).collect::<Option<_>>()?;
            let nulls = values.iter().filter(|value| ***value == Value::Null).count();
            if nulls > 0 {
                if key.rules.match_full && nulls < values.len() {
                    return None;
                }
                continue;
            }
            let constants = values.into_iter().map(constant).collect::<Option<Vec<_>>>()?;
            tuples.insert(format!("({})", constants.join(", ")));
            if tuples.len() > KEYS_MAX {
                return None;
            }
        }
        if tuples.is_empty() {
            let nothing: Vec<String> =
                key.columns.iter().map(|name| format!("NULL AS {}", quote_ident(name))).collect();
            return Some(format!("SELECT {} WHERE false", nothing.join(", ")));
        }
        let tuples: Vec<String> = tuples.into_iter().collect();
        Some(format!("SELECT * FROM (VALUES {}) AS given({names})", tuples.join(", ")))
    }
}

/// A value of a plain type, as SQL.
fn constant(value: &Value) -> Option<String> {
    match value {
        Value::Int2(value) => Some(format!("CAST({value} AS SMALLINT)")),
        Value::Int4(value) => Some(format!("CAST({value} AS INTEGER)")),
        Value::Int8(value) => Some(format!("CAST({value} AS BIGINT)")),
        Value::Uuid(bytes) => Some(format!("CAST('{}' AS UUID)", uuid::Uuid::from_bytes(*bytes))),
        Value::Text(text) => Some(format!("'{}'", text.replace('\'', "''"))),
        _ => None,
    }
}
