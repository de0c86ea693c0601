//! Arrow arrays from texts and values, with PostgreSQL's assignment casts.
//!
//! A builder makes the storage type of the field's PostgreSQL type; where the field's own Arrow
//! type is another,
//! the finished array is cast to it.

use std::sync::Arc;

use arrow::array::builder::{
    ArrayBuilder, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder,
    Float64Builder, Int16Builder, Int32Builder, Int64Builder, IntervalMonthDayNanoBuilder,
    NullBufferBuilder, StringBuilder, Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
    UInt32Builder,
};
use arrow::array::{ArrayRef, ListArray, RecordBatch, RecordBatchOptions};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, SchemaRef};
use chrono_tz::Tz;

use super::convert::{date, double, fit, instant, mismatch, narrow, numeric, stored, time, whole};
use super::held::{cut, rounded};
use super::{NUMERIC_DEFAULT, cast, column_for_field, storage_field};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::input::{
    check_json, from_text, parse_bool, parse_bytea, parse_date, parse_f32, parse_f64, parse_int,
    parse_interval, parse_numeric, parse_time, parse_timestamp, parse_timestamptz, plain_decimal,
};
use crate::types::output::{OutputStyle, write_value_text};
use crate::types::{Column, InputStyle, Interval, PgType, ScalarType, Value};

/// Builds one column.
pub struct ColumnBuilder {
    column: Column,
    target: DataType,
    style: InputStyle,
    items: Items,
}

enum Items {
    Bool(BooleanBuilder),
    Int2(Int16Builder),
    Int4(Int32Builder),
    Int8(Int64Builder),
    Oid(UInt32Builder),
    Float4(Float32Builder),
    Float8(Float64Builder),
    Numeric(Decimal128Builder, u8, i8),
    Text(StringBuilder),
    Bytea(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    /// With the zone that makes it a `timestamptz`.
    Timestamp(TimestampMicrosecondBuilder, bool),
    Interval(IntervalMonthDayNanoBuilder),
    List(Box<Lists>),
}

struct Lists {
    item: FieldRef,
    values: ColumnBuilder,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl ColumnBuilder {
    /// Makes a builder for a field, whose texts are read in a style or a time zone alone.
    ///
    /// # Errors
    /// 0A000 for a field whose values cannot be built one by one.
    pub fn new(field: &Field, style: impl Into<InputStyle>) -> Result<ColumnBuilder> {
        let style = style.into();
        let column = column_for_field(field);
        let target = field.data_type().clone();
        let items = match &target {
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::FixedSizeList(item, _)
            | DataType::ListView(item)
            | DataType::LargeListView(item)
                if column.pg_type.is_array() =>
            {
                Items::List(Box::new(Lists {
                    item: Arc::clone(item),
                    values: ColumnBuilder::new(item, style)?,
                    offsets: vec![0],
                    nulls: NullBufferBuilder::new(0),
                }))
            }
            DataType::Struct(_) | DataType::Map(..) | DataType::Union(..) => {
                return Err(Error::unsupported(format!(
                    "column \"{}\" has a type that cannot be written value by value",
                    column.name
                )));
            }
            _ => Items::new(&column)?,
        };
        Ok(ColumnBuilder { column, target, style, items })
    }

    /// Returns the column that is being built.
    pub fn column(&self) -> &Column {
        &self.column
    }

    /// Returns how many values were appended.
    pub(crate) fn len(&self) -> usize {
        match &self.items {
            Items::Bool(builder) => builder.len(),
            Items::Int2(builder) => builder.len(),
            Items::Int4(builder) => builder.len(),
            Items::Int8(builder) => builder.len(),
            Items::Oid(builder) => builder.len(),
            Items::Float4(builder) => builder.len(),
            Items::Float8(builder) => builder.len(),
            Items::Numeric(builder, ..) => builder.len(),
            Items::Text(builder) => builder.len(),
            Items::Bytea(builder) => builder.len(),
            Items::Date(builder) => builder.len(),
            Items::Time(builder) => builder.len(),
            Items::Timestamp(builder, _) => builder.len(),
            Items::Interval(builder) => builder.len(),
            Items::List(lists) => lists.offsets.len() - 1,
        }
    }

    /// Appends NULL.
    pub fn append_null(&mut self) {
        match &mut self.items {
            Items::Bool(builder) => builder.append_null(),
            Items::Int2(builder) => builder.append_null(),
            Items::Int4(builder) => builder.append_null(),
            Items::Int8(builder) => builder.append_null(),
            Items::Oid(builder) => builder.append_null(),
            Items::Float4(builder) => builder.append_null(),
            Items::Float8(builder) => builder.append_null(),
            Items::Numeric(builder, ..) => builder.append_null(),
            Items::Text(builder) => builder.append_null(),
            Items::Bytea(builder) => builder.append_null(),
            Items::Date(builder) => builder.append_null(),
            Items::Time(builder) => builder.append_null(),
            Items::Timestamp(builder, _) => builder.append_null(),
            Items::Interval(builder) => builder.append_null(),
            Items::List(lists) => {
                lists.nulls.append_null();
                lists.offsets.push(lists.offsets.last().copied().unwrap_or(0));
            }
        }
    }

    /// Appends a value given as text, read as the column's type.
    ///
    /// # Errors
    /// As [`from_text`]; 22003 and 22001 for what the column's modifier cuts off. Nothing is
    /// appended then, but for an array, which has a place that is NULL.
    pub fn append_text(&mut self, text: &str) -> Result<()> {
        match &mut self.items {
            Items::Bool(builder) => builder.append_value(parse_bool(text)?),
            Items::Int2(builder) => builder.append_value(parse_int(text, ScalarType::Int2)?),
            Items::Int4(builder) => builder.append_value(parse_int(text, ScalarType::Int4)?),
            Items::Int8(builder) => builder.append_value(parse_int(text, ScalarType::Int8)?),
            Items::Oid(builder) => builder.append_value(parse_int(text, ScalarType::Oid)?),
            Items::Float4(builder) => builder.append_value(parse_f32(text)?),
            Items::Float8(builder) => builder.append_value(parse_f64(text)?),
            Items::Numeric(builder, precision, scale) => {
                builder.append_value(match plain_decimal(text, *precision, *scale) {
                    Some(number) => number,
                    None => fit(parse_numeric(text)?, *precision, *scale)?,
                });
            }
            Items::Text(builder) => append_string(builder, &self.column, text, self.style)?,
            Items::Bytea(builder) => builder.append_value(parse_bytea(text)?),
            Items::Date(builder) => builder.append_value(parse_date(text, self.style)?),
            Items::Time(builder) => {
                builder.append_value(rounded(parse_time(text, self.style)?, &self.column));
            }
            Items::Timestamp(builder, false) => {
                builder.append_value(rounded(parse_timestamp(text, self.style)?, &self.column));
            }
            Items::Timestamp(builder, true) => {
                let at = parse_timestamptz(text, self.style)?;
                builder.append_value(rounded(at, &self.column));
            }
            Items::Interval(builder) => {
                let mut interval = parse_interval(text, self.style.interval_style)?;
                interval.micros = rounded(interval.micros, &self.column);
                builder.append_value(stored(interval)?);
            }
            Items::List(_) => {
                let value = from_text(self.column.pg_type, text, self.style)?;
                self.append_value(&value)?;
            }
        }
        Ok(())
    }

    /// Appends a value, cast as PostgreSQL casts in an assignment.
    ///
    /// # Errors
    /// 42804 for a value of a type that has no such cast, otherwise as
    /// [`ColumnBuilder::append_text`].
    pub fn append_value(&mut self, value: &Value) -> Result<()> {
        match value {
            Value::Null => {
                self.append_null();
                return Ok(());
            }
            Value::Text(text) => return self.append_text(text),
            _ => {}
        }
        let mismatch = mismatch(&self.column, value);
        match (&mut self.items, value) {
            (Items::Bool(builder), Value::Bool(value)) => builder.append_value(*value),
            (Items::Int2(builder), value) => {
                builder.append_value(whole(value, ScalarType::Int2, mismatch)?);
            }
            (Items::Int4(builder), value) => {
                builder.append_value(whole(value, ScalarType::Int4, mismatch)?);
            }
            (Items::Int8(builder), value) => {
                builder.append_value(whole(value, ScalarType::Int8, mismatch)?);
            }
            (Items::Oid(builder), value) => {
                builder.append_value(whole(value, ScalarType::Oid, mismatch)?);
            }
            (Items::Float4(builder), Value::Float4(value)) => builder.append_value(*value),
            (Items::Float4(builder), value) => {
                builder.append_value(narrow(double(value).ok_or_else(mismatch)?)?);
            }
            (Items::Float8(builder), value) => {
                builder.append_value(double(value).ok_or_else(mismatch)?);
            }
            (Items::Numeric(builder, precision, scale), value) => {
                let number = numeric(value, mismatch)?;
                builder.append_value(fit(number, *precision, *scale)?);
            }
            (Items::Text(builder), value) => {
                let mut text = Vec::new();
                let time_zone = self.style.time_zone;
                let style = OutputStyle { time_zone, ..OutputStyle::default() };
                write_value_text(&mut text, value, style);
                let text = String::from_utf8(text).map_err(|_| mismatch())?;
                append_string(builder, &self.column, &text, self.style)?;
            }
            (Items::Bytea(builder), Value::Bytea(bytes)) => builder.append_value(bytes),
            (Items::Date(builder), value) => {
                builder.append_value(date(value, self.style.time_zone).ok_or_else(mismatch)?);
            }
            (Items::Time(builder), value) => {
                let time = time(value, self.style.time_zone).ok_or_else(mismatch)?;
                builder.append_value(rounded(time, &self.column));
            }
            (Items::Timestamp(builder, zoned), value) => {
                let at = instant(value, *zoned, self.style.time_zone).ok_or_else(mismatch)?;
                builder.append_value(rounded(at, &self.column));
            }
            (Items::Interval(builder), Value::Interval(interval)) => {
                let micros = rounded(interval.micros, &self.column);
                builder.append_value(stored(Interval { micros, ..*interval })?);
            }
            (Items::Interval(builder), Value::Time(micros)) => {
                builder.append_value(stored(Interval { months: 0, days: 0, micros: *micros })?);
            }
            (Items::List(lists), Value::Array(_, items)) => lists.append(items)?,
            _ => return Err(mismatch()),
        }
        Ok(())
    }

    /// Gives what was appended, and begins anew.
    ///
    /// # Errors
    /// 22003 for a value that the field's own Arrow type cannot hold.
    pub fn finish(&mut self) -> Result<ArrayRef> {
        let built: ArrayRef = match &mut self.items {
            Items::Bool(builder) => Arc::new(builder.finish()),
            Items::Int2(builder) => Arc::new(builder.finish()),
            Items::Int4(builder) => Arc::new(builder.finish()),
            Items::Int8(builder) => Arc::new(builder.finish()),
            Items::Oid(builder) => Arc::new(builder.finish()),
            Items::Float4(builder) => Arc::new(builder.finish()),
            Items::Float8(builder) => Arc::new(builder.finish()),
            Items::Numeric(builder, ..) => Arc::new(builder.finish()),
            Items::Text(builder) => Arc::new(builder.finish()),
            Items::Bytea(builder) => Arc::new(builder.finish()),
            Items::Date(builder) => Arc::new(builder.finish()),
            Items::Time(builder) => Arc::new(builder.finish()),
            Items::Timestamp(builder, _) => Arc::new(builder.finish()),
            Items::Interval(builder) => Arc::new(builder.finish()),
            Items::List(lists) => Arc::new(lists.finish()?),
        };
        if built.data_type() == &self.target {
            return Ok(built);
        }
        if self.column.pg_type == PgType::UUID && self.target == DataType::FixedSizeBinary(16) {
            return cast::uuid_bytes(&built);
        }
        cast::cast_array(&built, &self.column, &self.target)
    }
}

impl Items {
    fn new(column: &Column) -> Result<Items> {
        // A decimal of 256 bits is built of as many digits as a value here has.
        let bounded = match column.numeric_precision_scale() {
            Some((precision, _)) if precision > 38 => Column { typmod: -1, ..column.clone() },
            _ => column.clone(),
        };
        let storage = storage_field(&bounded, true)?.data_type().clone();
        Ok(match storage {
            DataType::Boolean => Items::Bool(BooleanBuilder::new()),
            DataType::Int16 => Items::Int2(Int16Builder::new()),
            DataType::Int32 => Items::Int4(Int32Builder::new()),
            DataType::Int64 => Items::Int8(Int64Builder::new()),
            DataType::UInt32 => Items::Oid(UInt32Builder::new()),
            DataType::Float32 => Items::Float4(Float32Builder::new()),
            DataType::Float64 => Items::Float8(Float64Builder::new()),
            DataType::Decimal128(..) => {
                let (precision, scale) =
                    bounded.numeric_precision_scale().unwrap_or(NUMERIC_DEFAULT);
                let builder = Decimal128Builder::new().with_data_type(storage);
                Items::Numeric(builder, precision, scale)
            }
            DataType::Binary => Items::Bytea(BinaryBuilder::new()),
            DataType::Date32 => Items::Date(Date32Builder::new()),
            DataType::Time64(_) => Items::Time(Time64MicrosecondBuilder::new()),
            DataType::Timestamp(_, ref zone) => {
                let zoned = zone.is_some();
                let builder = TimestampMicrosecondBuilder::new().with_data_type(storage);
                Items::Timestamp(builder, zoned)
            }
            DataType::Interval(_) => Items::Interval(IntervalMonthDayNanoBuilder::new()),
            _ => Items::Text(StringBuilder::new()),
        })
    }
}

impl Lists {
    fn append(&mut self, items: &[Value]) -> Result<()> {
        let appended = self.append_items(items);
        if appended.is_err() {
            // What came before the wrong item is this place's, and hidden.
            self.offsets.push(i32::try_from(self.values.len()).unwrap_or(i32::MAX));
            self.nulls.append_null();
        }
        appended
    }

    fn append_items(&mut self, items: &[Value]) -> Result<()> {
        for item in items {
            if matches!(item, Value::Array(..)) && !self.values.column.pg_type.is_array() {
                return Err(Error::unsupported("multidimensional arrays cannot be stored"));
            }
            self.values.append_value(item)?;
        }
        let last = self.offsets.last().copied().unwrap_or(0);
        let end = i32::try_from(items.len()).ok().and_then(|count| last.checked_add(count));
        self.offsets.push(end.ok_or_else(|| {
            Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "too many array elements at once")
        })?);
        self.nulls.append_non_null();
        Ok(())
    }

    fn finish(&mut self) -> Result<ListArray> {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        let values = self.values.finish()?;
        ListArray::try_new(
            Arc::clone(&self.item),
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            values,
            self.nulls.finish(),
        )
        .map_err(|error| Error::internal(format!("a list could not be built: {error}")))
    }
}

/// Appends text to a column of the text family, checked as its type wants.
fn append_string(
    builder: &mut StringBuilder,
    column: &Column,
    text: &str,
    style: InputStyle,
) -> Result<()> {
    let scalar = column.pg_type.scalar();
    match scalar {
        ScalarType::Text | ScalarType::Unknown | ScalarType::Void => builder.append_value(text),
        ScalarType::Varchar => builder.append_value(cut(column, text)?),
        // The blanks at the end mean nothing; what is sent is filled up with them.
        ScalarType::Bpchar => builder.append_value(cut(column, text)?.trim_end_matches(' ')),
        ScalarType::Json | ScalarType::Jsonb => {
            check_json(text, scalar)?;
            builder.append_value(text);
        }
        _ => {
            let value = from_text(PgType::Scalar(scalar), text, style)?;
            let mut normal = Vec::new();
            write_value_text(&mut normal, &value, OutputStyle::default());
            builder.append_value(String::from_utf8_lossy(&normal));
        }
    }
    Ok(())
}

/// Makes a batch of rows of values, cast as an INSERT casts them.
///
/// # Errors
/// 22003, 22P02, 42804 and their like for a value that its column cannot take; 23502 for a NULL in
/// a field that
/// allows none; XX000 for a row with another number of values than there are fields.
pub fn batch_from_values<'a>(
    fields: SchemaRef,
    rows: impl IntoIterator<Item = &'a Vec<Value>>,
) -> Result<RecordBatch> {
    let mut builders = fields
        .fields()
        .iter()
        .map(|field| ColumnBuilder::new(field, Tz::UTC))
        .collect::<Result<Vec<_>>>()?;
    let mut count = 0;
    for row in rows {
        count += 1;
        if row.len() != builders.len() {
            return Err(Error::internal("a row has another number of values than its table"));
        }
        for (builder, value) in builders.iter_mut().zip(row) {
            builder.append_value(value)?;
        }
    }
    let arrays = builders.iter_mut().map(ColumnBuilder::finish).collect::<Result<Vec<_>>>()?;
    batch(fields, arrays, count)
}

/// Joins arrays into a batch, which must have no NULL where the schema allows none.
pub(crate) fn batch(schema: SchemaRef, arrays: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    for (field, array) in schema.fields().iter().zip(&arrays) {
        if !field.is_nullable() && array.logical_null_count() > 0 {
            let message =
                format!("null value in column \"{}\" violates not-null constraint", field.name());
            return Err(Error::new(SqlState::NOT_NULL_VIOLATION, message));
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema, arrays, &options)
        .map_err(|error| Error::internal(format!("a batch could not be built: {error}")))
}
