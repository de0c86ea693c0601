//! PostgreSQL's types and values in DataFusion's terms.

use std::sync::Arc;

use ::datafusion::common::ScalarValue;
use ::datafusion::error::DataFusionError;
use ::datafusion::logical_expr::planner::TypePlanner;
use ::datafusion::sql::sqlparser::ast::{
    DataType as SqlType, ExactNumberInfo, ObjectNamePart, TimezoneInfo,
};
use arrow::datatypes::{DataType, Field, FieldRef, IntervalMonthDayNano, IntervalUnit, TimeUnit};

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{PgType, ScalarType, Value};

/// The scale of `numeric` without one: enough for money and rates, with room in 38 digits.
const NUMERIC_SCALE: i8 = 10;

/// Type names in SQL to Arrow, where PostgreSQL means other than DataFusion does, or knows more.
#[derive(Debug)]
pub(super) struct PgTypePlanner {
    /// The session's, in which `timestamptz` reads text without an offset.
    pub time_zone: Arc<str>,
}

impl TypePlanner for PgTypePlanner {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<FieldRef>, DataFusionError> {
        let data_type = match sql_type {
            SqlType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
                DataType::Timestamp(TimeUnit::Microsecond, None)
            }
            SqlType::Timestamp(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => {
                DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::clone(&self.time_zone)))
            }
            SqlType::Time(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
                DataType::Time64(TimeUnit::Nanosecond)
            }
            // `float` and `float(25..53)` are double precision.
            SqlType::Float(ExactNumberInfo::None) | SqlType::Float64 => DataType::Float64,
            SqlType::Float(ExactNumberInfo::Precision(bits)) if *bits > 24 => DataType::Float64,
            SqlType::Numeric(ExactNumberInfo::None)
            | SqlType::Decimal(ExactNumberInfo::None)
            | SqlType::Dec(ExactNumberInfo::None) => DataType::Decimal128(38, NUMERIC_SCALE),
            SqlType::Uuid
            | SqlType::JSON
            | SqlType::JSONB
            | SqlType::Character(_)
            | SqlType::CharacterVarying(_)
            | SqlType::CharVarying(_) => DataType::Utf8View,
            SqlType::Custom(name, arguments) if arguments.is_empty() => {
                let Some(ObjectNamePart::Identifier(last)) = name.0.last() else {
                    return Ok(None);
                };
                match last.value.to_ascii_lowercase().as_str() {
                    "name" | "bpchar" | "unknown" => DataType::Utf8View,
                    "oid" | "regclass" | "regtype" | "regproc" => DataType::Int64,
                    _ => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(Arc::new(Field::new("", data_type, true))))
    }
}

/// Writes a type as this engine's SQL parser and planner take it.
pub(super) fn sql_name(pg_type: PgType) -> String {
    let scalar = match pg_type.scalar() {
        ScalarType::Timestamptz => "timestamptz",
        ScalarType::Char | ScalarType::Void => "text",
        ScalarType::Timetz => "time",
        ScalarType::Int2Vector | ScalarType::OidVector => "text",
        other => other.sql_name(),
    };
    if pg_type.is_array() { format!("{scalar}[]") } else { scalar.to_owned() }
}

/// Writes the type of a bound value; `None` for NULL.
pub(super) fn sql_name_of(value: &Value) -> Option<String> {
    let name = match value {
        Value::Null => return None,
        Value::Bool(_) => PgType::BOOL,
        Value::Int2(_) => PgType::INT2,
        Value::Int4(_) => PgType::INT4,
        Value::Int8(_) => PgType::INT8,
        Value::Float4(_) => PgType::FLOAT4,
        Value::Float8(_) => PgType::FLOAT8,
        // The value's own scale, so that no digit is lost.
        Value::Numeric(numeric) => return Some(format!("numeric(38, {})", numeric.scale.min(38))),
        Value::Text(_) => PgType::TEXT,
        Value::Uuid(_) => PgType::UUID,
        Value::Bytea(_) => PgType::BYTEA,
        Value::Date(_) => PgType::DATE,
        Value::Time(_) => PgType::TIME,
        Value::Timestamp(_) => PgType::TIMESTAMP,
        Value::Timestamptz(_) => PgType::TIMESTAMPTZ,
        Value::Interval(_) => PgType::INTERVAL,
        Value::Array(element, _) => PgType::Array(*element),
    };
    Some(sql_name(name))
}

/// The PostgreSQL type of a parameter whose Arrow type was inferred.
pub(super) fn pg_type_of(data_type: &DataType) -> PgType {
    crate::types::column_for_field(&Field::new("", data_type.clone(), true)).pg_type
}

/// Makes DataFusion's value, in exactly the type that its parameter was declared with.
///
/// # Errors
/// 22003 or 22P02 when the value does not fit the type.
pub(super) fn scalar(value: &Value, declared: &DataType) -> Result<ScalarValue> {
    let natural = natural(value)?;
    let null = ScalarValue::try_from(declared).map_err(|error| super::error::translate(&error))?;
    if natural.is_null() {
        return Ok(null);
    }
    if natural.data_type() == *declared {
        return Ok(natural);
    }
    natural.cast_to(declared).map_err(|error| super::error::translate(&error))
}

fn natural(value: &Value) -> Result<ScalarValue> {
    Ok(match value {
        Value::Null => ScalarValue::Null,
        Value::Bool(value) => ScalarValue::Boolean(Some(*value)),
        Value::Int2(value) => ScalarValue::Int16(Some(*value)),
        Value::Int4(value) => ScalarValue::Int32(Some(*value)),
        Value::Int8(value) => ScalarValue::Int64(Some(*value)),
        Value::Float4(value) => ScalarValue::Float32(Some(*value)),
        Value::Float8(value) => ScalarValue::Float64(Some(*value)),
        Value::Numeric(value) => {
            let scale = i8::try_from(value.scale).ok().filter(|scale| *scale <= 38);
            let scale = scale.ok_or_else(|| {
                Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric parameter out of range")
            })?;
            ScalarValue::Decimal128(Some(value.unscaled), 38, scale)
        }
        Value::Text(value) => ScalarValue::Utf8View(Some(value.clone())),
        Value::Uuid(value) => {
            ScalarValue::Utf8View(Some(uuid::Uuid::from_bytes(*value).to_string()))
        }
        Value::Bytea(value) => ScalarValue::Binary(Some(value.clone())),
        Value::Date(days) => ScalarValue::Date32(Some(*days)),
        Value::Time(micros) => ScalarValue::Time64Nanosecond(Some(micros.saturating_mul(1000))),
        Value::Timestamp(micros) => ScalarValue::TimestampMicrosecond(Some(*micros), None),
        Value::Timestamptz(micros) => {
            ScalarValue::TimestampMicrosecond(Some(*micros), Some("UTC".into()))
        }
        Value::Interval(interval) => {
            let nanos = interval.micros.checked_mul(1000).ok_or_else(|| {
                Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "interval out of range")
            })?;
            let value = IntervalMonthDayNano::new(interval.months, interval.days, nanos);
            ScalarValue::IntervalMonthDayNano(Some(value))
        }
        Value::Array(element, values) => {
            let data_type = element_type(*element);
            let items =
                values.iter().map(|value| scalar(value, &data_type)).collect::<Result<Vec<_>>>()?;
            ScalarValue::List(ScalarValue::new_list_nullable(&items, &data_type))
        }
    })
}

/// The Arrow type of an array parameter's elements.
fn element_type(element: ScalarType) -> DataType {
    match element {
        ScalarType::Bool => DataType::Boolean,
        ScalarType::Int2 => DataType::Int16,
        ScalarType::Int4 => DataType::Int32,
        ScalarType::Int8 | ScalarType::Oid => DataType::Int64,
        ScalarType::Float4 => DataType::Float32,
        ScalarType::Float8 => DataType::Float64,
        ScalarType::Numeric => DataType::Decimal128(38, NUMERIC_SCALE),
        ScalarType::Bytea => DataType::Binary,
        ScalarType::Date => DataType::Date32,
        ScalarType::Time => DataType::Time64(TimeUnit::Nanosecond),
        ScalarType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        ScalarType::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ScalarType::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
        _ => DataType::Utf8View,
    }
}
