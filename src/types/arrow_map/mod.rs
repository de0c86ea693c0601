//! Arrow data types and fields to and from PostgreSQL's types; values to Arrow arrays.
//!
//! A field may carry the type it stands for in its metadata, under [`TYPE_KEY`] (a `typname`, with
//! `_` before an array's element) and [`TYPMOD_KEY`]; otherwise the Arrow type decides.
//!
//! - `assign.rs`: single values to what a column stores.
//! - `builder.rs`: [`ColumnBuilder`], arrays from texts and values.
//! - `convert.rs`: single values, as an assignment casts them.
//! - `held.rs`: what a type's modifier does to them.
//! - `cast.rs`: whole batches into another schema.

mod assign;
mod builder;
mod cast;
mod convert;
mod held;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, IntervalUnit, Schema, SchemaRef, TimeUnit};

use super::{Column, PgType, ScalarType, numeric_typmod};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

pub use assign::{assign, assign_number, assign_text, is_assignable};
pub(crate) use builder::batch;
pub use builder::{ColumnBuilder, batch_from_values};
pub use cast::{cast_batch, widen, zero_nulls};

/// The metadata key that holds a field's `typname`.
pub const TYPE_KEY: &str = "teatree.type";
/// The metadata key that holds a field's type modifier.
pub const TYPMOD_KEY: &str = "teatree.typmod";
/// Arrow's own key for extension types.
const EXTENSION_KEY: &str = "ARROW:extension:name";

/// Digits of a stored numeric without a type modifier: precision and scale.
const NUMERIC_DEFAULT: (u8, i8) = (38, 10);

/// Finds a type by its `typname`.
fn type_by_name(name: &str) -> Option<PgType> {
    let find = |name: &str| ScalarType::ALL.iter().copied().find(|t| t.typname() == name);
    match name.strip_prefix('_') {
        Some(element) => find(element).map(PgType::Array),
        None => find(name).map(PgType::Scalar),
    }
}

/// Gives the column that a field is shown as.
pub fn column_for_field(field: &Field) -> Column {
    let metadata = field.metadata();
    if let Some(pg_type) = metadata.get(TYPE_KEY).and_then(|name| type_by_name(name)) {
        let typmod = metadata.get(TYPMOD_KEY).and_then(|typmod| typmod.parse().ok());
        return Column::with_typmod(field.name(), pg_type, typmod.unwrap_or(-1));
    }
    let extension = match metadata.get(EXTENSION_KEY).map(String::as_str) {
        Some("arrow.json") => Some(PgType::JSON),
        Some("arrow.uuid") => Some(PgType::UUID),
        _ => None,
    };
    let (pg_type, typmod) = match extension {
        Some(pg_type) => (pg_type, -1),
        None => type_for(field.data_type()),
    };
    Column::with_typmod(field.name(), pg_type, typmod)
}

fn type_for(data_type: &DataType) -> (PgType, i32) {
    let plain = match data_type {
        DataType::Boolean => PgType::BOOL,
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => PgType::INT2,
        DataType::Int32 | DataType::UInt16 => PgType::INT4,
        DataType::Int64 | DataType::UInt32 => PgType::INT8,
        DataType::UInt64 => return (PgType::NUMERIC, numeric_typmod(20, 0)),
        DataType::Float16 | DataType::Float32 => PgType::FLOAT4,
        DataType::Float64 => PgType::FLOAT8,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => {
            let typmod = u8::try_from(*scale).map_or(-1, |scale| numeric_typmod(*precision, scale));
            return (PgType::NUMERIC, typmod);
        }
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => PgType::BYTEA,
        DataType::Date32 | DataType::Date64 => PgType::DATE,
        DataType::Time32(_) | DataType::Time64(_) => PgType::TIME,
        DataType::Timestamp(_, None) => PgType::TIMESTAMP,
        DataType::Timestamp(_, Some(_)) => PgType::TIMESTAMPTZ,
        DataType::Interval(_) | DataType::Duration(_) => PgType::INTERVAL,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => {
            let element = column_for_field(item);
            return (PgType::Array(element.pg_type.scalar()), element.typmod);
        }
        DataType::Struct(_) | DataType::Map(..) | DataType::Union(..) => PgType::JSON,
        DataType::Dictionary(_, value) => return type_for(value),
        DataType::RunEndEncoded(_, values) => return type_for(values.data_type()),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => PgType::TEXT,
    };
    (plain, -1)
}

/// Gives the field that a column is stored as, with its type in the metadata.
///
/// # Errors
/// 22023 for a numeric with more than 38 digits.
pub fn storage_field(column: &Column, nullable: bool) -> Result<Field> {
    let element = storage_type(column)?;
    let named = |field: Field, name: String| {
        let mut metadata = HashMap::from([(TYPE_KEY.to_owned(), name)]);
        if column.typmod >= 0 {
            metadata.insert(TYPMOD_KEY.to_owned(), column.typmod.to_string());
        }
        field.with_metadata(metadata)
    };
    let typname = column.pg_type.scalar().typname();
    if column.pg_type.is_array() {
        let item = named(Field::new("item", element, true), typname.to_owned());
        let list = Field::new(&column.name, DataType::List(Arc::new(item)), nullable);
        return Ok(named(list, format!("_{typname}")));
    }
    Ok(named(Field::new(&column.name, element, nullable), typname.to_owned()))
}

/// Gives the schema in which rows of these columns are stored and travel; any of them may be NULL.
///
/// # Errors
/// As [`storage_field`].
pub fn storage_schema<'a>(columns: impl IntoIterator<Item = &'a Column>) -> Result<SchemaRef> {
    let fields = columns.into_iter().map(|column| storage_field(column, true));
    Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?)))
}

/// Gives the Arrow type of a column's values, or of its elements.
fn storage_type(column: &Column) -> Result<DataType> {
    use ScalarType as T;
    Ok(match column.pg_type.scalar() {
        T::Bool => DataType::Boolean,
        T::Int2 => DataType::Int16,
        T::Int4 => DataType::Int32,
        T::Int8 => DataType::Int64,
        oid if oid.is_oid() => DataType::UInt32,
        T::Float4 => DataType::Float32,
        T::Float8 => DataType::Float64,
        T::Numeric => {
            let (precision, scale) = column.numeric_precision_scale().unwrap_or(NUMERIC_DEFAULT);
            if !(1..=38).contains(&precision) || !(0..=38).contains(&scale) {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("NUMERIC precision {precision} must be between 1 and 38"),
                ));
            }
            // Arrow wants the scale inside the precision; PostgreSQL allows numeric(2,5).
            DataType::Decimal128(precision.max(scale.unsigned_abs()), scale)
        }
        T::Bytea => DataType::Binary,
        T::Date => DataType::Date32,
        T::Time => DataType::Time64(TimeUnit::Microsecond),
        T::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        T::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        T::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
        _ => DataType::Utf8,
    })
}
