//! Whole batches into another schema, with PostgreSQL's rounding, text forms and errors.

use std::sync::Arc;

use arrow::array::builder::FixedSizeBinaryBuilder;
use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, RecordBatch, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::compute::{CastOptions, can_cast_types, cast_with_options};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, Float16Type, Float32Type, Float64Type, SchemaRef,
};
use chrono_tz::Tz;

use super::builder::batch;
use super::{ColumnBuilder, column_for_field};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::Column;
use crate::types::input::parse_uuid;
use crate::types::output::{OutputStyle, each_text};

/// Puts the given columns of a batch at their places among all, whose schema it gets, and NULLs at
/// the others.
///
/// # Errors
/// XX000 when the columns are of other types.
pub fn widen(
    batch: &RecordBatch,
    given: &[Column],
    all: &[Column],
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    if given.len() == all.len() && given.iter().zip(all).all(|(a, b)| a.name == b.name) {
        return Ok(batch.clone());
    }
    let columns = all
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            let place = given.iter().position(|candidate| candidate.name == column.name);
            match place.and_then(|place| batch.columns().get(place)) {
                Some(array) => Arc::clone(array),
                None => new_null_array(field.data_type(), batch.num_rows()),
            }
        })
        .collect();
    RecordBatch::try_new(Arc::clone(schema), columns)
        .map_err(|error| Error::internal(format!("rows do not fit their columns: {error}")))
}

/// Casts a batch, column by column in order, to a schema; names may differ.
///
/// # Errors
/// 22003 and 22P02 for a value that the target cannot hold, 42846 for types without a cast, 23502
/// for a NULL in a
/// field that allows none, 42804 for another number of columns.
pub fn cast_batch(source: &RecordBatch, target: SchemaRef) -> Result<RecordBatch> {
    if source.num_columns() != target.fields().len() {
        return Err(Error::new(
            SqlState::DATATYPE_MISMATCH,
            format!(
                "{} columns were given where {} are expected",
                source.num_columns(),
                target.fields().len()
            ),
        ));
    }
    let arrays = source
        .columns()
        .iter()
        .zip(source.schema_ref().fields())
        .zip(target.fields())
        .map(|((array, from), to)| cast_column(array, from, to))
        .collect::<Result<Vec<_>>>()?;
    batch(target, arrays, source.num_rows())
}

fn is_string(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_string(value),
        _ => false,
    }
}

fn cast_column(array: &ArrayRef, from: &Field, to: &Field) -> Result<ArrayRef> {
    if array.null_count() == array.len() {
        // A NULL without a type of its own fits every column.
        return Ok(new_null_array(to.data_type(), array.len()));
    }
    let (source, target) = (column_for_field(from), column_for_field(to));
    let same_type = from.data_type() == to.data_type();
    if same_type && (source.pg_type, source.typmod) == (target.pg_type, target.typmod) {
        return Ok(Arc::clone(array));
    }
    let unchecked = target.pg_type == crate::types::PgType::TEXT;
    if same_type && (unchecked || !is_string(to.data_type())) {
        return Ok(Arc::clone(array));
    }
    if is_string(from.data_type()) || is_string(to.data_type()) {
        return through_text(array, &source, to);
    }
    cast_array(array, &target, to.data_type())
}

/// Casts by printing each value and reading it again: what a cast to or from text means.
fn through_text(array: &ArrayRef, source: &Column, to: &Field) -> Result<ArrayRef> {
    let mut builder = ColumnBuilder::new(to, Tz::UTC)?;
    let mut outcome = Ok(());
    each_text(array.as_ref(), source.pg_type, OutputStyle::default(), |text| {
        if outcome.is_err() {
            return;
        }
        match text.map(std::str::from_utf8) {
            None => builder.append_null(),
            Some(Ok(text)) => outcome = builder.append_text(text),
            Some(Err(_)) => outcome = Err(Error::internal("a value printed as no text")),
        }
    })?;
    outcome?;
    builder.finish()
}

/// Casts an array with Arrow's kernel, but rounds where that truncates.
pub(super) fn cast_array(array: &ArrayRef, target: &Column, to: &DataType) -> Result<ArrayRef> {
    let rounded: ArrayRef = match array.data_type() {
        DataType::Float16 if to.is_integer() => {
            let wide = run(array, target, &DataType::Float32)?;
            debug_assert!(array.as_primitive_opt::<Float16Type>().is_some());
            return cast_array(&wide, target, to);
        }
        DataType::Float32 if to.is_integer() => {
            let values = array.as_primitive::<Float32Type>();
            Arc::new(values.unary::<_, Float32Type>(f32::round_ties_even))
        }
        DataType::Float64 if to.is_integer() => {
            let values = array.as_primitive::<Float64Type>();
            Arc::new(values.unary::<_, Float64Type>(f64::round_ties_even))
        }
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
            if to.is_integer() && *scale != 0 =>
        {
            run(array, target, &DataType::Decimal128(38, 0))?
        }
        DataType::Decimal256(_, scale) if to.is_integer() && *scale != 0 => {
            run(array, target, &DataType::Decimal256(76, 0))?
        }
        _ => Arc::clone(array),
    };
    run(&rounded, target, to)
}

/// Puts zeros where NULLs are. Engines leave anything there, and Arrow's kernels compute on it,
/// which may overflow.
pub fn zero_nulls(array: &ArrayRef) -> ArrayRef {
    if array.null_count() == 0 {
        return Arc::clone(array);
    }
    arrow::downcast_primitive_array!(
        array => {
            let nulls = array.nulls().cloned();
            let values = array.iter().map(Option::unwrap_or_default).collect::<Vec<_>>();
            let cleaned = with_values(array, values, nulls);
            Arc::new(cleaned)
        }
        _ => Arc::clone(array),
    )
}

/// The array's type and NULLs over other values.
fn with_values<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    values: Vec<T::Native>,
    nulls: Option<NullBuffer>,
) -> PrimitiveArray<T> {
    PrimitiveArray::new(values.into(), nulls).with_data_type(array.data_type().clone())
}

fn run(array: &ArrayRef, target: &Column, to: &DataType) -> Result<ArrayRef> {
    if !can_cast_types(array.data_type(), to) {
        let source = column_for_field(&Field::new("", array.data_type().clone(), true));
        return Err(Error::new(
            SqlState::CANNOT_COERCE,
            format!(
                "cannot cast type {} to {}",
                source.pg_type.sql_name(),
                target.pg_type.sql_name()
            ),
        ));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let array = zero_nulls(array);
    cast_with_options(&array, to, &options).map_err(|_| {
        let message = match target.numeric_precision_scale() {
            Some(_) => "numeric field overflow".to_owned(),
            None => format!("{} out of range", target.pg_type.sql_name()),
        };
        Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
    })
}

/// Turns uuids as text into their bytes.
pub(super) fn uuid_bytes(texts: &ArrayRef) -> Result<ArrayRef> {
    let mut builder = FixedSizeBinaryBuilder::with_capacity(texts.len(), 16);
    for text in texts.as_string::<i32>() {
        match text {
            None => builder.append_null(),
            Some(text) => builder
                .append_value(parse_uuid(text)?)
                .map_err(|error| Error::internal(format!("a uuid could not be built: {error}")))?,
        }
    }
    Ok(Arc::new(builder.finish()))
}
