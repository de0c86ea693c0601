//! Filters of DataFusion as SQL for DuckDB.
//!
//! **Invariant:** what is written here means the same in both engines, since DataFusion does
//! not check it again. What is in doubt (other functions, casts, ILIKE, intervals) is not
//! written. Literals carry their type, so that DuckDB compares as DataFusion planned it.

use ::datafusion::common::ScalarValue;
use ::datafusion::logical_expr::{Expr, Like, Operator};
use arrow::datatypes::{DataType, Schema};
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta};

use crate::sql::quote_ident;

/// Items of an IN list that are worth sending.
const IN_LIST_MAX: usize = 1000;

/// Writes a filter over a table of this schema, or `None` where it cannot be told exactly.
pub(super) fn predicate_sql(expr: &Expr, schema: &Schema) -> Option<String> {
    Some(match expr {
        Expr::Column(_) => column_of(expr, schema, |t| *t == DataType::Boolean)?,
        Expr::BinaryExpr(binary) => {
            let symbol = match binary.op {
                Operator::And | Operator::Or => {
                    let left = predicate_sql(&binary.left, schema)?;
                    let right = predicate_sql(&binary.right, schema)?;
                    return Some(format!("({left} {} {right})", binary.op));
                }
                Operator::Eq => "=",
                Operator::NotEq => "<>",
                Operator::Lt => "<",
                Operator::LtEq => "<=",
                Operator::Gt => ">",
                Operator::GtEq => ">=",
                Operator::IsDistinctFrom => "IS DISTINCT FROM",
                Operator::IsNotDistinctFrom => "IS NOT DISTINCT FROM",
                _ => return None,
            };
            let ordered =
                !matches!(symbol, "=" | "<>" | "IS DISTINCT FROM" | "IS NOT DISTINCT FROM");
            let (left, right) = operands(&binary.left, &binary.right, ordered, schema)?;
            format!("({left} {symbol} {right})")
        }
        Expr::Not(inner) => format!("(NOT {})", predicate_sql(inner, schema)?),
        Expr::IsNull(inner) => format!("({} IS NULL)", column_of(inner, schema, |_| true)?),
        Expr::IsNotNull(inner) => {
            format!("({} IS NOT NULL)", column_of(inner, schema, |_| true)?)
        }
        Expr::Between(between) => {
            let (column, low) = operands(&between.expr, &between.low, true, schema)?;
            let (_, high) = operands(&between.expr, &between.high, true, schema)?;
            let not = if between.negated { "NOT " } else { "" };
            format!("({column} {not}BETWEEN {low} AND {high})")
        }
        Expr::InList(list) => {
            if list.list.is_empty() || list.list.len() > IN_LIST_MAX {
                return None;
            }
            let mut column = None;
            let mut items = Vec::with_capacity(list.list.len());
            for item in &list.list {
                let (left, right) = operands(&list.expr, item, false, schema)?;
                column = Some(left);
                items.push(right);
            }
            let not = if list.negated { "NOT " } else { "" };
            format!("({} {not}IN ({}))", column?, items.join(", "))
        }
        Expr::Like(like) => like_sql(like, schema)?,
        _ => return None,
    })
}

fn like_sql(like: &Like, schema: &Schema) -> Option<String> {
    if like.case_insensitive {
        return None;
    }
    let column = column_of(&like.expr, schema, is_text)?;
    if has_own_order(&like.expr, schema) {
        return None;
    }
    let Expr::Literal(pattern, _) = like.pattern.as_ref() else { return None };
    let pattern = text_literal(pattern.try_as_str()??)?;
    // DuckDB has no escape character unless one is given; PostgreSQL's is the backslash.
    let escape = text_literal(&like.escape_char.unwrap_or('\\').to_string())?;
    let not = if like.negated { "NOT " } else { "" };
    Some(format!("({column} {not}LIKE {pattern} ESCAPE {escape})"))
}

/// Writes a column and a literal (in either order), or two columns, of the same type.
fn operands(left: &Expr, right: &Expr, ordered: bool, schema: &Schema) -> Option<(String, String)> {
    let side = |expr: &Expr| match expr {
        Expr::Column(_) => {
            if ordered && has_own_order(expr, schema) {
                return None;
            }
            column_of(expr, schema, |_| true)
        }
        Expr::Literal(value, _) => literal_sql(value),
        _ => None,
    };
    let (left_type, right_type) = (type_of(left, schema)?, type_of(right, schema)?);
    let same = left_type == right_type || (is_text(&left_type) && is_text(&right_type));
    let any_column = matches!(left, Expr::Column(_)) || matches!(right, Expr::Column(_));
    if !same || !any_column {
        return None;
    }
    Some((side(left)?, side(right)?))
}

fn type_of(expr: &Expr, schema: &Schema) -> Option<DataType> {
    let data_type = match expr {
        Expr::Column(column) => schema.field_with_name(column.name()).ok()?.data_type().clone(),
        Expr::Literal(value, _) => value.data_type(),
        _ => return None,
    };
    Some(match data_type {
        DataType::Dictionary(_, value) => *value,
        other => other,
    })
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

/// Columns that are text in Arrow and something else in DuckDB, with an order of their own:
/// enums (as dictionaries) and uuid.
fn has_own_order(expr: &Expr, schema: &Schema) -> bool {
    let Expr::Column(column) = expr else { return false };
    schema.field_with_name(column.name()).is_ok_and(|field| {
        matches!(field.data_type(), DataType::Dictionary(_, _))
            || field.metadata().get("teatree.type").is_some_and(|name| name == "uuid")
    })
}

fn column_of(expr: &Expr, schema: &Schema, fits: impl Fn(&DataType) -> bool) -> Option<String> {
    let Expr::Column(column) = expr else { return None };
    let field = schema.field_with_name(column.name()).ok()?;
    fits(field.data_type()).then(|| quote_ident(field.name()))
}

/// Writes a literal with its type; NULL and types without an exact form are not written.
fn literal_sql(value: &ScalarValue) -> Option<String> {
    Some(match value {
        ScalarValue::Boolean(Some(value)) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        ScalarValue::Int8(Some(value)) => typed(value, "TINYINT"),
        ScalarValue::Int16(Some(value)) => typed(value, "SMALLINT"),
        ScalarValue::Int32(Some(value)) => typed(value, "INTEGER"),
        ScalarValue::Int64(Some(value)) => typed(value, "BIGINT"),
        ScalarValue::UInt8(Some(value)) => typed(value, "UTINYINT"),
        ScalarValue::UInt16(Some(value)) => typed(value, "USMALLINT"),
        ScalarValue::UInt32(Some(value)) => typed(value, "UINTEGER"),
        ScalarValue::UInt64(Some(value)) => typed(value, "UBIGINT"),
        ScalarValue::Float32(Some(value)) => typed(value, "REAL"),
        ScalarValue::Float64(Some(value)) => typed(value, "DOUBLE"),
        ScalarValue::Decimal128(Some(_), precision, scale) if *scale >= 0 => {
            typed(value, &format!("DECIMAL({precision}, {scale})"))
        }
        ScalarValue::Utf8(Some(text))
        | ScalarValue::LargeUtf8(Some(text))
        | ScalarValue::Utf8View(Some(text)) => text_literal(text)?,
        ScalarValue::Binary(Some(bytes))
        | ScalarValue::LargeBinary(Some(bytes))
        | ScalarValue::BinaryView(Some(bytes)) => {
            let hex: String = bytes.iter().map(|byte| format!("\\x{byte:02X}")).collect();
            typed(&hex, "BLOB")
        }
        ScalarValue::Date32(Some(days)) => {
            let date = NaiveDate::from_ymd_opt(1970, 1, 1)?
                .checked_add_signed(TimeDelta::try_days(i64::from(*days))?)?;
            typed(&plain_year(date)?, "DATE")
        }
        ScalarValue::Time64Microsecond(Some(micros)) => {
            let seconds = u32::try_from(micros.div_euclid(1_000_000)).ok()?;
            let nanos = u32::try_from(micros.rem_euclid(1_000_000) * 1000).ok()?;
            let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos)?;
            typed(&time.format("%H:%M:%S%.6f"), "TIME")
        }
        ScalarValue::TimestampMicrosecond(Some(micros), zone) => {
            let moment = DateTime::from_timestamp_micros(*micros)?;
            plain_year(moment.date_naive())?;
            let text = moment.format("%Y-%m-%d %H:%M:%S%.6f");
            match zone {
                None => typed(&text, "TIMESTAMP"),
                Some(_) => typed(&format!("{text}+00"), "TIMESTAMPTZ"),
            }
        }
        ScalarValue::Dictionary(_, value) => literal_sql(value)?,
        _ => return None,
    })
}

fn typed(value: &impl std::fmt::Display, data_type: &str) -> String {
    format!("'{value}'::{data_type}")
}

fn text_literal(text: &str) -> Option<String> {
    (!text.contains('\0')).then(|| format!("'{}'", text.replace('\'', "''")))
}

/// A date whose year every parser reads alike.
fn plain_year(date: NaiveDate) -> Option<NaiveDate> {
    (1..=9999).contains(&date.year()).then_some(date)
}
