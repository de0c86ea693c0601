//! A dataset's columns, and the Arrow types that they have inside part files.
//!
//! The manifest's [`Column`] is the truth. Polars holds fewer types than Arrow, so a part file
//! may carry a column in a wider type than `types::storage_field` gives: text and lists with
//! 64-bit offsets, times in nanoseconds. [`read_schema`] says what a reader of the files meets.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{Column, storage_field};

/// One column of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetColumn {
    #[serde(flatten)]
    pub column: Column,
    #[serde(default)]
    pub not_null: bool,
}

impl DatasetColumn {
    /// Makes a column that may hold NULL.
    pub fn nullable(column: Column) -> Self {
        DatasetColumn { column, not_null: false }
    }
}

/// Returns the schema that readers of the part files see. Its fields carry the metadata of
/// `types::storage_field`.
///
/// # Errors
/// 0A000 naming a column whose type a dataset cannot hold.
pub fn read_schema(columns: &[DatasetColumn]) -> Result<SchemaRef> {
    let mut fields = Vec::with_capacity(columns.len());
    for DatasetColumn { column, not_null } in columns {
        let storage = storage_field(column, !not_null)?;
        let held = file_type(storage.data_type()).ok_or_else(|| {
            Error::unsupported(format!(
                "column \"{}\" has type {}, which a table of access method arrow cannot hold",
                column.name,
                column.pg_type.sql_name()
            ))
        })?;
        fields.push(storage.with_data_type(held));
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// Checks the columns of a new dataset.
///
/// # Errors
/// 42701 for a name used twice, 0A000 for no columns or a type that cannot be held.
pub(super) fn check_columns(columns: &[DatasetColumn]) -> Result<()> {
    if columns.is_empty() {
        return Err(Error::unsupported("a table of access method arrow needs at least one column"));
    }
    let mut seen = std::collections::HashSet::new();
    for DatasetColumn { column, .. } in columns {
        if !seen.insert(column.name.as_str()) {
            return Err(Error::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{}\" specified more than once", column.name),
            ));
        }
    }
    read_schema(columns).map(drop)
}

/// Returns the type in which Polars writes a storage type at its oldest compatibility level, or
/// `None` where it has no such type.
fn file_type(storage: &DataType) -> Option<DataType> {
    Some(match storage {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Date32
        | DataType::Decimal128(_, _)
        | DataType::Timestamp(TimeUnit::Microsecond, _) => storage.clone(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::LargeUtf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => DataType::LargeBinary,
        DataType::Time64(_) => DataType::Time64(TimeUnit::Nanosecond),
        DataType::List(element) | DataType::LargeList(element) => {
            let held = file_type(element.data_type())?;
            // Polars names every list's element `item` and lets it be NULL.
            DataType::LargeList(Arc::new(Field::new("item", held, true)))
        }
        _ => return None,
    })
}
