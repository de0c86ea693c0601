//! Names of types: those that DuckDB lacks, or takes for something else.

use sqlparser::ast::{
    ArrayElemTypeDef, DataType, ExactNumberInfo, Expr, Ident, ObjectName, ObjectNamePart,
    SelectItem, SetExpr, Statement,
};

use super::names;
use crate::error::{Error, Result};
use crate::types::ScalarType;

/// DuckDB's widest decimal.
const PRECISION_MAX: u64 = 38;
/// The scale given to `numeric` without one: PostgreSQL's has any, DuckDB's is fixed.
const SCALE_DEFAULT: i64 = 10;

/// Rewrites a type's name.
pub(in crate::sql) fn rewrite(data_type: &mut DataType) -> Result<()> {
    spell_out_array(data_type);
    let replacement = match data_type {
        DataType::Char(_)
        | DataType::Character(_)
        | DataType::CharacterVarying(_)
        | DataType::CharVarying(_)
        | DataType::Varchar(_)
        | DataType::Nvarchar(_) => DataType::Varchar(None),
        DataType::JSONB => DataType::JSON,
        DataType::Regclass => custom("UINTEGER"),
        // PostgreSQL's float is double precision, DuckDB's is real.
        DataType::Float(ExactNumberInfo::Precision(bits)) if *bits <= 24 => DataType::Real,
        DataType::Float(_) => DataType::DoublePrecision,
        DataType::Numeric(info) | DataType::Decimal(info) | DataType::Dec(info) => {
            DataType::Decimal(decimal(info))
        }
        DataType::Timestamp(_, zone) => DataType::Timestamp(None, *zone),
        DataType::Time(_, zone) => DataType::Time(None, *zone),
        DataType::Interval { .. } => DataType::Interval { fields: None, precision: None },
        DataType::Array(
            ArrayElemTypeDef::SquareBracket(element, _)
            | ArrayElemTypeDef::AngleBracket(element)
            | ArrayElemTypeDef::Parenthesis(element),
        ) => return rewrite(element),
        DataType::Custom(name, modifiers) => match named(name, modifiers)? {
            Some(replacement) => replacement,
            None => return Ok(()),
        },
        _ => return Ok(()),
    };
    *data_type = replacement;
    Ok(())
}

fn decimal(info: &ExactNumberInfo) -> ExactNumberInfo {
    match info {
        ExactNumberInfo::None => ExactNumberInfo::PrecisionAndScale(PRECISION_MAX, SCALE_DEFAULT),
        ExactNumberInfo::Precision(precision) => {
            ExactNumberInfo::PrecisionAndScale((*precision).min(PRECISION_MAX), 0)
        }
        ExactNumberInfo::PrecisionAndScale(precision, scale) => {
            ExactNumberInfo::PrecisionAndScale((*precision).min(PRECISION_MAX), *scale)
        }
    }
}

fn custom(name: &str) -> DataType {
    DataType::Custom(ObjectName::from(Ident::new(name)), Vec::new())
}

fn array(name: &str) -> DataType {
    DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(custom(name)), None))
}

/// Returns the last part of a type's name if it is PostgreSQL's own: alone or in `pg_catalog`.
pub(super) fn builtin_name(name: &ObjectName) -> Option<&str> {
    match names::parts(name)?.as_slice() {
        [only] | ["pg_catalog", only] => Some(only),
        _ => None,
    }
}

fn named(name: &mut ObjectName, modifiers: &[String]) -> Result<Option<DataType>> {
    let Some(known) = builtin_name(name) else {
        if names::parts(name).is_some_and(|parts| parts.len() == 2 && parts[0] == "public") {
            name.0[0] = ObjectNamePart::Identifier(Ident::new("main"));
        }
        return Ok(None);
    };
    Ok(Some(match known {
        "text" | "name" | "char" | "bpchar" | "varchar" | "regproc" | "pg_node_tree" | "citext"
        | "unknown" | "cstring" | "inet" | "cidr" | "macaddr" | "xml" | "aclitem" | "pg_lsn" => {
            DataType::Varchar(None)
        }
        "oid" | "xid" | "cid" | "regtype" | "regclass" | "regnamespace" | "regrole"
        | "regprocedure" | "regoperator" => custom("UINTEGER"),
        "int2" => DataType::SmallInt(None),
        "int4" => DataType::Integer(None),
        "int8" => DataType::BigInt(None),
        "float4" => DataType::Real,
        "float8" => DataType::DoublePrecision,
        "bool" => DataType::Boolean,
        "bytea" => custom("BLOB"),
        "jsonb" | "json" => DataType::JSON,
        "timestamptz" => custom("TIMESTAMPTZ"),
        "timetz" => custom("TIMETZ"),
        "int2vector" => array("SMALLINT"),
        "oidvector" => array("UINTEGER"),
        "numeric" => DataType::Decimal(match modifiers {
            [precision] => decimal(&ExactNumberInfo::Precision(number(precision)?)),
            [precision, scale] => decimal(&ExactNumberInfo::PrecisionAndScale(
                number(precision)?,
                i64::try_from(number(scale)?).unwrap_or(0),
            )),
            _ => decimal(&ExactNumberInfo::None),
        }),
        "serial" | "bigserial" | "smallserial" | "serial2" | "serial4" | "serial8" => {
            return Err(Error::unsupported(format!("type \"{known}\" is not supported"))
                .with_hint("Create a sequence and use nextval() as the column's default."));
        }
        other if name.0.len() == 2 => custom(other),
        _ => return Ok(None),
    }))
}

/// Spells an array type that is called by its inner name, `_int4`, as `int4[]`.
pub(super) fn spell_out_array(data_type: &mut DataType) {
    let DataType::Custom(name, modifiers) = &*data_type else { return };
    let element = builtin_name(name).and_then(|name| name.strip_prefix('_'));
    let Some(element) = element.filter(|_| modifiers.is_empty()) else { return };
    if !ScalarType::ALL.iter().any(|scalar| scalar.typname() == element) {
        return;
    }
    // As the parser reads it.
    let Ok(Some(Statement::Query(query))) =
        super::parse(&format!("SELECT NULL::{element}[]")).map(|mut trees| trees.pop())
    else {
        return;
    };
    if let SetExpr::Select(select) = *query.body
        && let Some(SelectItem::UnnamedExpr(Expr::Cast { data_type: spelled, .. })) =
            select.projection.into_iter().next()
    {
        *data_type = spelled;
    }
}

fn number(text: &str) -> Result<u64> {
    text.parse().map_err(|_| Error::syntax(format!("invalid type modifier \"{text}\"")))
}
