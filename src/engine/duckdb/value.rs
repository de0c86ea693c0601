//! Values for DuckDB's bound parameters.
#![expect(unsafe_code, reason = "makes value handles of DuckDB's C API")]

use ::duckdb::ffi;

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{Numeric, ScalarType, Value};

/// Makes a DuckDB value, for a parameter that is planned as a type where that is known; the caller
/// destroys it.
pub(super) fn bind_value(value: &Value, planned: ffi::duckdb_type) -> Result<ffi::duckdb_value> {
    if let Some(whole) = whole_number(value, planned) {
        return Ok(whole);
    }
    // SAFETY: the constructors copy what they are given.
    let made = unsafe {
        match value {
            Value::Null => ffi::duckdb_create_null_value(),
            Value::Bool(value) => ffi::duckdb_create_bool(*value),
            Value::Int2(value) => ffi::duckdb_create_int16(*value),
            Value::Int4(value) => ffi::duckdb_create_int32(*value),
            Value::Int8(value) => ffi::duckdb_create_int64(*value),
            Value::Float4(value) => ffi::duckdb_create_float(*value),
            Value::Float8(value) => ffi::duckdb_create_double(*value),
            Value::Numeric(numeric) => decimal(*numeric)?,
            Value::Text(text) => {
                ffi::duckdb_create_varchar_length(text.as_ptr().cast(), text.len() as u64)
            }
            Value::Bytea(bytes) => ffi::duckdb_create_blob(bytes.as_ptr(), bytes.len() as u64),
            Value::Date(days) => ffi::duckdb_create_date(ffi::duckdb_date { days: *days }),
            Value::Time(micros) => ffi::duckdb_create_time(ffi::duckdb_time { micros: *micros }),
            Value::Timestamp(micros) => {
                ffi::duckdb_create_timestamp(ffi::duckdb_timestamp { micros: *micros })
            }
            Value::Timestamptz(micros) => {
                ffi::duckdb_create_timestamp_tz(ffi::duckdb_timestamp { micros: *micros })
            }
            Value::Interval(interval) => ffi::duckdb_create_interval(ffi::duckdb_interval {
                months: interval.months,
                days: interval.days,
                micros: interval.micros,
            }),
            Value::Uuid(bytes) => {
                let number = u128::from_be_bytes(*bytes);
                ffi::duckdb_create_uuid(ffi::duckdb_uhugeint {
                    lower: number as u64,
                    upper: (number >> 64) as u64,
                })
            }
            Value::Array(element, items) => list(*element, items)?,
        }
    };
    if made.is_null() {
        return Err(Error::new(
            SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            "a parameter's value is not valid in encoding \"UTF8\"",
        ));
    }
    Ok(made)
}

/// Makes a whole number of the planned type, where the value is one that fits.
fn whole_number(value: &Value, planned: ffi::duckdb_type) -> Option<ffi::duckdb_value> {
    let value = match value {
        Value::Int2(value) => i64::from(*value),
        Value::Int4(value) => i64::from(*value),
        Value::Int8(value) => *value,
        _ => return None,
    };
    // SAFETY: the constructors take plain numbers.
    unsafe {
        Some(match planned {
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_UTINYINT => {
                ffi::duckdb_create_uint8(value.try_into().ok()?)
            }
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_SMALLINT => {
                ffi::duckdb_create_int16(value.try_into().ok()?)
            }
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTEGER => {
                ffi::duckdb_create_int32(value.try_into().ok()?)
            }
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGINT => ffi::duckdb_create_int64(value),
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_UBIGINT => {
                ffi::duckdb_create_uint64(value.try_into().ok()?)
            }
            _ => return None,
        })
    }
}

fn decimal(numeric: Numeric) -> Result<ffi::duckdb_value> {
    let digits = numeric.unscaled.unsigned_abs().to_string().len();
    let width = digits.max(usize::from(numeric.scale)).max(1);
    if width > 38 {
        return Err(Error::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            "a numeric parameter has more than 38 digits",
        ));
    }
    let value = ffi::duckdb_hugeint {
        lower: numeric.unscaled as u64,
        upper: (numeric.unscaled >> 64) as i64,
    };
    let decimal = ffi::duckdb_decimal {
        width: u8::try_from(width).unwrap_or(38),
        scale: numeric.scale,
        value,
    };
    // SAFETY: the struct is passed by value.
    Ok(unsafe { ffi::duckdb_create_decimal(decimal) })
}

fn list(element: ScalarType, items: &[Value]) -> Result<ffi::duckdb_value> {
    let mut values = Vec::with_capacity(items.len());
    let mut failed = None;
    for item in items {
        match bind_value(item, ffi::DUCKDB_TYPE_DUCKDB_TYPE_INVALID) {
            Ok(value) => values.push(value),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    // SAFETY: the type and all values are valid; all are destroyed here, the list is the caller's.
    unsafe {
        let mut child = ffi::duckdb_create_logical_type(element_type(element));
        if items.iter().any(|item| matches!(item, Value::Array(..))) {
            let mut outer = ffi::duckdb_create_list_type(child);
            std::mem::swap(&mut child, &mut outer);
            ffi::duckdb_destroy_logical_type(&raw mut outer);
        }
        let made = ffi::duckdb_create_list_value(child, values.as_mut_ptr(), values.len() as u64);
        ffi::duckdb_destroy_logical_type(&raw mut child);
        for value in &mut values {
            ffi::duckdb_destroy_value(value);
        }
        match failed {
            None => Ok(made),
            Some(error) => {
                let mut made = made;
                ffi::duckdb_destroy_value(&raw mut made);
                Err(error)
            }
        }
    }
}

fn element_type(scalar: ScalarType) -> ffi::duckdb_type {
    match scalar {
        ScalarType::Bool => ffi::DUCKDB_TYPE_DUCKDB_TYPE_BOOLEAN,
        ScalarType::Int2 => ffi::DUCKDB_TYPE_DUCKDB_TYPE_SMALLINT,
        ScalarType::Int4 => ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTEGER,
        ScalarType::Int8 | ScalarType::Oid => ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGINT,
        ScalarType::Float4 => ffi::DUCKDB_TYPE_DUCKDB_TYPE_FLOAT,
        // A list's decimals would need one common scale, so they go as doubles' superset, text.
        ScalarType::Float8 => ffi::DUCKDB_TYPE_DUCKDB_TYPE_DOUBLE,
        ScalarType::Date => ffi::DUCKDB_TYPE_DUCKDB_TYPE_DATE,
        ScalarType::Time => ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIME,
        ScalarType::Timestamp => ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP,
        ScalarType::Timestamptz => ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ,
        ScalarType::Interval => ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTERVAL,
        ScalarType::Uuid => ffi::DUCKDB_TYPE_DUCKDB_TYPE_UUID,
        ScalarType::Bytea => ffi::DUCKDB_TYPE_DUCKDB_TYPE_BLOB,
        _ => ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR,
    }
}
