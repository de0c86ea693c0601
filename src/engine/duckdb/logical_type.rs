//! DuckDB's logical types as PostgreSQL's.
#![expect(unsafe_code, reason = "reads type handles of DuckDB's C API")]

use ::duckdb::ffi;

use super::capi::text_of;
use crate::types::{Column, PgType, ScalarType, numeric_typmod};

/// Describes a result column; `None` for a type that DuckDB has not resolved.
///
/// # Safety
/// `logical` must be a valid handle; it stays the caller's.
pub(super) unsafe fn column_of(name: &str, logical: ffi::duckdb_logical_type) -> Option<Column> {
    // SAFETY: handed on.
    let (pg_type, typmod) = unsafe { pg_type_of(logical) }?;
    Some(Column::with_typmod(name, pg_type, typmod))
}

/// Maps a type to PostgreSQL's, with its type modifier; `None` for unresolved ones.
///
/// # Safety
/// `logical` must be a valid handle or null; it stays the caller's.
pub(super) unsafe fn pg_type_of(logical: ffi::duckdb_logical_type) -> Option<(PgType, i32)> {
    if logical.is_null() {
        return None;
    }
    // SAFETY: the handle is valid; children are destroyed after use.
    unsafe {
        match ffi::duckdb_get_type_id(logical) {
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_LIST => {
                Some(array_over(ffi::duckdb_list_type_child_type(logical)))
            }
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_ARRAY => {
                Some(array_over(ffi::duckdb_array_type_child_type(logical)))
            }
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_DECIMAL => {
                let (width, scale) =
                    (ffi::duckdb_decimal_width(logical), ffi::duckdb_decimal_scale(logical));
                // As what is declared without a scale is kept.
                let is_free = (width, scale) == (38, 10);
                Some((PgType::NUMERIC, if is_free { -1 } else { numeric_typmod(width, scale) }))
            }
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR => {
                let alias = ffi::duckdb_logical_type_get_alias(logical);
                let is_json = text_of(alias) == "JSON";
                ffi::duckdb_free(alias.cast());
                Some((if is_json { PgType::JSONB } else { PgType::TEXT }, -1))
            }
            id => scalar_of(id).map(|scalar| (PgType::Scalar(scalar), -1)),
        }
    }
}

unsafe fn array_over(mut child: ffi::duckdb_logical_type) -> (PgType, i32) {
    // SAFETY: the child handle is valid, ours, and destroyed here.
    unsafe {
        let element = pg_type_of(child);
        ffi::duckdb_destroy_logical_type(&raw mut child);
        match element {
            // Nested lists are PostgreSQL's arrays of more dimensions, the same type.
            Some((PgType::Scalar(scalar) | PgType::Array(scalar), typmod)) => {
                (PgType::Array(scalar), typmod)
            }
            None => (PgType::Array(ScalarType::Text), -1),
        }
    }
}

fn scalar_of(id: ffi::duckdb_type) -> Option<ScalarType> {
    Some(match id {
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_INVALID | ffi::DUCKDB_TYPE_DUCKDB_TYPE_ANY => return None,
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BOOLEAN => ScalarType::Bool,
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TINYINT
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_UTINYINT
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_SMALLINT => ScalarType::Int2,
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_USMALLINT | ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTEGER => {
            ScalarType::Int4
        }
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_UINTEGER
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGINT
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTEGER_LITERAL => ScalarType::Int8,
        // What sum() of integers gives, which is bigint in PostgreSQL. A value beyond is an error.
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_HUGEINT => ScalarType::Int8,
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_UBIGINT
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_UHUGEINT
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGNUM => ScalarType::Numeric,
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_FLOAT => ScalarType::Float4,
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_DOUBLE => ScalarType::Float8,
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_S
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_MS
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_NS => ScalarType::Timestamp,
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ => ScalarType::Timestamptz,
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_DATE => ScalarType::Date,
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIME | ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIME_NS => {
            ScalarType::Time
        }
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIME_TZ => ScalarType::Timetz,
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTERVAL => ScalarType::Interval,
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BLOB => ScalarType::Bytea,
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_UUID => ScalarType::Uuid,
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_STRUCT
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_MAP
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_UNION => ScalarType::Json,
        _ => ScalarType::Text,
    })
}
