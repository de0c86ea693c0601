//! DuckDB's own column types, for rows that go from one DuckDB table to another through Arrow and
//! must not change on the way.
#![expect(unsafe_code, reason = "reads type handles of DuckDB's C API")]

use std::sync::Arc;

use ::duckdb::ffi;
use arrow::datatypes::SchemaRef;

use super::capi::{Prepared, text_of};
use super::held::HeldConnection;
use super::instance::DuckDb;
use crate::engine::{BatchStream, QueryContext};
use crate::error::Result;
use crate::sql::quote_ident;
use crate::types::Value;

/// How a column's values travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// As Arrow's own type.
    Itself,
    /// As text, since Arrow has no type that holds them all; DuckDB reads it back exactly.
    Text,
    /// Not at all.
    Nothing,
}

/// A column as DuckDB itself describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExactColumn {
    pub name: String,
    /// The type in DuckDB's SQL.
    pub sql_type: String,
    pub carrier: Carrier,
    /// The type has a name of its own, which depends on the search path.
    pub named: bool,
}

impl DuckDb {
    /// Describes a query's columns in DuckDB's own types; `None` when it cannot tell them yet.
    pub async fn exact_columns(
        self: &Arc<Self>,
        sql: &str,
        context: &QueryContext,
        held: Option<&HeldConnection>,
    ) -> Result<Option<Vec<ExactColumn>>> {
        self.prepared(sql, context, held, columns_of).await
    }

    /// Runs a query whose rows are to be staged: gives their Arrow schema and batches.
    pub async fn rows(
        self: &Arc<Self>,
        sql: &str,
        params: Vec<Value>,
        context: &QueryContext,
        held: Option<&HeldConnection>,
    ) -> Result<(SchemaRef, BatchStream)> {
        let (_, schema, stream) = self.execute_with_schema(sql, params, context, held).await?;
        Ok((schema, stream))
    }
}

/// Describes a prepared query's columns; `None` when DuckDB cannot tell a type yet.
fn columns_of(prepared: &Prepared) -> Option<Vec<ExactColumn>> {
    prepared.each_column(|name, logical| {
        // SAFETY: the handle is valid for this call.
        let exact = unsafe { exact_type(logical) }?;
        Some(ExactColumn {
            name: name.to_owned(),
            sql_type: exact.sql,
            carrier: exact.carrier,
            named: exact.named,
        })
    })
}

struct ExactType {
    sql: String,
    carrier: Carrier,
    named: bool,
}

impl ExactType {
    fn plain(sql: &str) -> ExactType {
        ExactType { sql: sql.to_owned(), carrier: Carrier::Itself, named: false }
    }

    fn as_text(sql: &str) -> ExactType {
        ExactType { carrier: Carrier::Text, ..ExactType::plain(sql) }
    }

    fn unknown() -> ExactType {
        ExactType { carrier: Carrier::Nothing, ..ExactType::plain("") }
    }

    /// What holds these inside: text inside of it would not be read back as the type.
    fn holding(sql: String, inner: &[ExactType]) -> ExactType {
        let itself = inner.iter().all(|inner| inner.carrier == Carrier::Itself);
        let carrier = if itself { Carrier::Itself } else { Carrier::Nothing };
        ExactType { sql, carrier, named: inner.iter().any(|inner| inner.named) }
    }
}

unsafe fn exact_type(logical: ffi::duckdb_logical_type) -> Option<ExactType> {
    if logical.is_null() {
        return None;
    }
    // SAFETY: the caller gives a valid handle; the alias is ours and freed.
    let alias = unsafe {
        let alias = ffi::duckdb_logical_type_get_alias(logical);
        let text = text_of(alias);
        ffi::duckdb_free(alias.cast());
        text
    };
    // SAFETY: the caller gives a valid handle.
    let id = unsafe { ffi::duckdb_get_type_id(logical) };
    match (alias.as_str(), id) {
        ("JSON", ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR) => return Some(ExactType::plain("JSON")),
        ("", _) => {}
        (name, id) => {
            let carrier = match id {
                ffi::DUCKDB_TYPE_DUCKDB_TYPE_ENUM => Carrier::Text,
                _ => Carrier::Nothing,
            };
            return Some(ExactType { sql: quote_ident(name), carrier, named: true });
        }
    }
    // SAFETY: the handle is valid and of the type that its id says.
    unsafe {
        match id {
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_DECIMAL => {
                let (width, scale) =
                    (ffi::duckdb_decimal_width(logical), ffi::duckdb_decimal_scale(logical));
                Some(ExactType::plain(&format!("DECIMAL({width},{scale})")))
            }
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_ENUM => Some(enumeration(logical)),
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_LIST => {
                let inner = owned(ffi::duckdb_list_type_child_type(logical))?;
                Some(ExactType::holding(format!("{}[]", inner.sql), &[inner]))
            }
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_ARRAY => {
                let size = ffi::duckdb_array_type_array_size(logical);
                let inner = owned(ffi::duckdb_array_type_child_type(logical))?;
                Some(ExactType::holding(format!("{}[{size}]", inner.sql), &[inner]))
            }
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_MAP => {
                let key = owned(ffi::duckdb_map_type_key_type(logical))?;
                let value = owned(ffi::duckdb_map_type_value_type(logical))?;
                let sql = format!("MAP({}, {})", key.sql, value.sql);
                Some(ExactType::holding(sql, &[key, value]))
            }
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_STRUCT => structure(logical),
            id => simple(id),
        }
    }
}

/// Describes a child type and destroys its handle.
unsafe fn owned(mut logical: ffi::duckdb_logical_type) -> Option<ExactType> {
    // SAFETY: the handle is the caller's to give away.
    unsafe {
        let exact = exact_type(logical);
        ffi::duckdb_destroy_logical_type(&raw mut logical);
        exact
    }
}

unsafe fn enumeration(logical: ffi::duckdb_logical_type) -> ExactType {
    // SAFETY: the handle is an enum's; each value is freed.
    let values: Vec<String> = unsafe {
        (0..u64::from(ffi::duckdb_enum_dictionary_size(logical)))
            .map(|index| {
                let value = ffi::duckdb_enum_dictionary_value(logical, index);
                let text = text_of(value).replace('\'', "''");
                ffi::duckdb_free(value.cast());
                format!("'{text}'")
            })
            .collect()
    };
    ExactType::as_text(&format!("ENUM({})", values.join(", ")))
}

unsafe fn structure(logical: ffi::duckdb_logical_type) -> Option<ExactType> {
    let mut fields = Vec::new();
    let mut inner = Vec::new();
    // SAFETY: the handle is a struct's; each name is freed.
    unsafe {
        for index in 0..ffi::duckdb_struct_type_child_count(logical) {
            let name = ffi::duckdb_struct_type_child_name(logical, index);
            let text = text_of(name);
            ffi::duckdb_free(name.cast());
            let child = owned(ffi::duckdb_struct_type_child_type(logical, index))?;
            if text.is_empty() {
                return Some(ExactType::unknown());
            }
            fields.push(format!("{} {}", quote_ident(&text), child.sql));
            inner.push(child);
        }
    }
    Some(ExactType::holding(format!("STRUCT({})", fields.join(", ")), &inner))
}

fn simple(id: ffi::duckdb_type) -> Option<ExactType> {
    let plain = ExactType::plain;
    Some(match id {
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_INVALID | ffi::DUCKDB_TYPE_DUCKDB_TYPE_ANY => return None,
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BOOLEAN => plain("BOOLEAN"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TINYINT => plain("TINYINT"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_SMALLINT => plain("SMALLINT"),
        // A NULL without a type makes an integer column.
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTEGER
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTEGER_LITERAL
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_SQLNULL => plain("INTEGER"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGINT => plain("BIGINT"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_UTINYINT => plain("UTINYINT"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_USMALLINT => plain("USMALLINT"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_UINTEGER => plain("UINTEGER"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_UBIGINT => plain("UBIGINT"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_FLOAT => plain("FLOAT"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_DOUBLE => plain("DOUBLE"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR | ffi::DUCKDB_TYPE_DUCKDB_TYPE_STRING_LITERAL => {
            plain("VARCHAR")
        }
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BLOB => plain("BLOB"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_DATE => plain("DATE"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIME => plain("TIME"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP => plain("TIMESTAMP"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_S => plain("TIMESTAMP_S"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_MS => plain("TIMESTAMP_MS"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_NS => plain("TIMESTAMP_NS"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ => plain("TIMESTAMP WITH TIME ZONE"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTERVAL => plain("INTERVAL"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_HUGEINT => ExactType::as_text("HUGEINT"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_UHUGEINT => ExactType::as_text("UHUGEINT"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGNUM => ExactType::as_text("BIGNUM"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_UUID => ExactType::as_text("UUID"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIT => ExactType::as_text("BIT"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIME_TZ => ExactType::as_text("TIME WITH TIME ZONE"),
        _ => ExactType::unknown(),
    })
}
