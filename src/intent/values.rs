//! Typed rows of an `INSERT … VALUES`, carried as values: many such intents become one batch.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::definitions::Moment;
use super::draw::Draw;
use crate::error::Error;
use crate::ids::TableName;
use crate::types::{Column, Value};

/// Rows for one DuckDB table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Values {
    pub target: ValuesTarget,
    /// **Invariant:** each row has one value a column, of exactly the column's type or NULL.
    pub rows: Vec<Vec<Value>>,
    /// Nothing can refuse these rows while this moment of the definitions lasts.
    #[serde(skip)]
    pub certain_at: Option<Moment>,
}

/// The table and the columns that rows are given for; cheap to share between intents.
#[derive(Clone, Debug)]
pub struct ValuesTarget(Arc<Encoded>);

/// The parts of a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetColumns {
    pub table: TableName,
    pub columns: Vec<Column>,
    /// Sequences that the rows draw from.
    #[serde(default)]
    pub draws: Vec<Draw>,
}

/// A target with what lies on disk of it, which is the same for every intent.
#[derive(Debug)]
struct Encoded {
    parts: TargetColumns,
    bytes: Vec<u8>,
}

impl ValuesTarget {
    /// Makes a target.
    ///
    /// # Errors
    /// XX000 when it cannot be encoded.
    pub fn new(
        table: TableName,
        columns: Vec<Column>,
        draws: Vec<Draw>,
    ) -> Result<ValuesTarget, Error> {
        let parts = TargetColumns { table, columns, draws };
        let bytes = rmp_serde::to_vec_named(&parts)
            .map_err(|error| Error::internal(format!("a target cannot be encoded: {error}")))?;
        Ok(ValuesTarget(Arc::new(Encoded { parts, bytes })))
    }
}

impl std::ops::Deref for ValuesTarget {
    type Target = TargetColumns;

    fn deref(&self) -> &TargetColumns {
        &self.0.parts
    }
}

impl PartialEq for ValuesTarget {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.parts == other.0.parts
    }
}

impl Serialize for ValuesTarget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0.bytes)
    }
}

impl<'de> Deserialize<'de> for ValuesTarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = super::bytes::Bytes::deserialize(deserializer)?;
        let parts = rmp_serde::from_slice(&bytes).map_err(serde::de::Error::custom)?;
        Ok(ValuesTarget(Arc::new(Encoded { parts, bytes: bytes.0 })))
    }
}
