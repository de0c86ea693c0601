//! A type as a statement declares it, to PostgreSQL's.

use sqlparser::ast;

use crate::types::{PgType, numeric_typmod};

/// What the modifier of an interval that is not held to some fields begins with.
const ALL_FIELDS: i32 = 0x7fff;

/// The modifier of so many places of seconds; there are six at most.
fn seconds(places: Option<u64>) -> i32 {
    places.and_then(|places| i32::try_from(places).ok()).map_or(-1, |places| places.min(6))
}

/// Maps a declared type to PostgreSQL's, with its modifier; `None` for unknown ones.
pub(super) fn pg_type_of(data_type: &ast::DataType) -> Option<(PgType, i32)> {
    use ast::DataType as D;
    let varying = |length: &Option<ast::CharacterLength>, default: i32| match length {
        Some(ast::CharacterLength::IntegerLength { length, .. }) => {
            i32::try_from(*length).map_or(-1, |length| length + 4)
        }
        _ => default,
    };
    Some(match data_type {
        D::Boolean | D::Bool => (PgType::BOOL, -1),
        D::SmallInt(_) | D::Int2(_) => (PgType::INT2, -1),
        D::Int(_) | D::Integer(_) | D::Int4(_) => (PgType::INT4, -1),
        D::BigInt(_) | D::Int8(_) => (PgType::INT8, -1),
        D::Real | D::Float4 => (PgType::FLOAT4, -1),
        D::Double(_) | D::DoublePrecision | D::Float8 | D::Float(_) | D::Float64 => {
            (PgType::FLOAT8, -1)
        }
        D::Numeric(info) | D::Decimal(info) | D::Dec(info) => match info {
            ast::ExactNumberInfo::None => (PgType::NUMERIC, -1),
            ast::ExactNumberInfo::Precision(precision) => {
                (PgType::NUMERIC, numeric_typmod(u8::try_from(*precision).ok()?, 0))
            }
            ast::ExactNumberInfo::PrecisionAndScale(precision, scale) => (
                PgType::NUMERIC,
                numeric_typmod(u8::try_from(*precision).ok()?, u8::try_from(*scale).ok()?),
            ),
        },
        D::Text | D::String(_) => (PgType::TEXT, -1),
        D::Varchar(length) | D::CharacterVarying(length) | D::CharVarying(length) => {
            (PgType::VARCHAR, varying(length, -1))
        }
        D::Char(length) | D::Character(length) => (PgType::BPCHAR, varying(length, 5)),
        D::Bytea | D::Blob(_) => (PgType::BYTEA, -1),
        D::Date => (PgType::DATE, -1),
        D::Time(places, ast::TimezoneInfo::None | ast::TimezoneInfo::WithoutTimeZone) => {
            (PgType::TIME, seconds(*places))
        }
        D::Timestamp(places, ast::TimezoneInfo::None | ast::TimezoneInfo::WithoutTimeZone) => {
            (PgType::TIMESTAMP, seconds(*places))
        }
        D::Timestamp(places, _) => (PgType::TIMESTAMPTZ, seconds(*places)),
        D::Interval { fields: None, precision } => (
            PgType::INTERVAL,
            match seconds(*precision) {
                -1 => -1,
                places => (ALL_FIELDS << 16) | places,
            },
        ),
        D::Interval { .. } => (PgType::INTERVAL, -1),
        D::Uuid => (PgType::UUID, -1),
        D::JSON => (PgType::JSON, -1),
        D::JSONB => (PgType::JSONB, -1),
        D::Array(
            ast::ArrayElemTypeDef::SquareBracket(inner, _)
            | ast::ArrayElemTypeDef::AngleBracket(inner)
            | ast::ArrayElemTypeDef::Parenthesis(inner),
        ) => {
            let (element, typmod) = pg_type_of(inner)?;
            (PgType::Array(element.scalar()), typmod)
        }
        D::Custom(name, _) => match name.to_string().to_lowercase().as_str() {
            "timestamptz" => (PgType::TIMESTAMPTZ, -1),
            "name" => (PgType::NAME, -1),
            "oid" => (PgType::OID, -1),
            "bpchar" => (PgType::BPCHAR, -1),
            _ => return None,
        },
        _ => return None,
    })
}
