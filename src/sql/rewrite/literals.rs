//! Literals whose text means something else to DuckDB: they are read as PostgreSQL reads them, and
//! written as DuckDB does.

use chrono_tz::Tz;
use sqlparser::ast::{Array, CastKind, DataType, ExactNumberInfo, Expr, Value};

use super::casts::cast_to;
use crate::error::{Error, Result};
use crate::sql::declared_type::pg_type_of;
use crate::types::{self, InputStyle, PgType, Value as Read};

/// Writes a string that is cast to a type as DuckDB reads it; `None` where it stays as it is.
///
/// # Errors
/// 22P02, 22007, 22003 and their like for a text that is no value of the type.
pub(super) fn read(text: &str, data_type: &DataType, style: InputStyle) -> Result<Option<Expr>> {
    // A zone that a text does not name is DuckDB's to add.
    let at_zone = |time_zone| InputStyle { time_zone, ..style };
    let utc = at_zone(Tz::UTC);
    let Some((pg_type, typmod)) = pg_type_of(data_type) else { return Ok(None) };
    let text_of = |text: String| Ok(Some(string(text)));
    match pg_type {
        PgType::Array(_) => match types::from_text(pg_type, text, utc)? {
            Read::Array(_, values) => Ok(array(&values)),
            _ => Ok(None),
        },
        PgType::NUMERIC if typmod < 0 => match types::from_text(pg_type, text, utc) {
            Ok(Read::Numeric(number)) if number.scale <= 38 => text_of(decimal(number)),
            // DuckDB's numbers end before PostgreSQL's do.
            Ok(_) => Ok(None),
            Err(error) => Err(error),
        },
        PgType::TIMESTAMPTZ => {
            // Without a zone in it the text means the session's, which DuckDB knows.
            let at = types::from_text(pg_type, text, utc)?;
            let elsewhere = types::from_text(pg_type, text, at_zone(Tz::Asia__Tokyo))?;
            if at == elsewhere {
                return Ok(Some(string(shown(&at))));
            }
            let local = types::from_text(PgType::TIMESTAMP, text, utc)?;
            Ok(Some(string(shown(&local))))
        }
        PgType::INTERVAL => match types::from_text(pg_type, text, utc)? {
            Read::Interval(span) => text_of(format!(
                "{} months {} days {} microseconds",
                span.months, span.days, span.micros
            )),
            _ => Ok(None),
        },
        PgType::BYTEA => match types::from_text(pg_type, text, utc)? {
            Read::Bytea(bytes) => {
                text_of(bytes.iter().map(|byte| format!("\\x{byte:02X}")).collect())
            }
            _ => Ok(None),
        },
        PgType::BOOL
        | PgType::INT2
        | PgType::INT4
        | PgType::INT8
        | PgType::DATE
        | PgType::TIME
        | PgType::TIMETZ
        | PgType::TIMESTAMP
        | PgType::UUID => {
            let value = types::from_text(pg_type, text, utc)?;
            Ok(Some(string(shown(&value))))
        }
        PgType::BPCHAR => text_of(text.trim_end_matches(' ').to_owned()),
        PgType::FLOAT4 | PgType::FLOAT8 => {
            types::from_text(pg_type, text, utc)?;
            Ok(None)
        }
        _ => Ok(None),
    }
}

fn string(text: String) -> Expr {
    Expr::Value(Value::SingleQuotedString(text).into())
}

/// The text of a value, with the era where DuckDB wants it.
fn shown(value: &Read) -> String {
    let mut out = Vec::new();
    types::write_value_text(&mut out, value, types::OutputStyle::default());
    let text = String::from_utf8_lossy(&out).into_owned();
    before_christ(&text).unwrap_or(text)
}

fn decimal(number: types::Numeric) -> String {
    let scale = usize::from(number.scale);
    let digits = format!("{:0>width$}", number.unscaled.unsigned_abs(), width = scale + 1);
    let (whole, rest) = digits.split_at(digits.len() - scale);
    let sign = if number.unscaled < 0 { "-" } else { "" };
    if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}

/// An array's elements; `None` for what has no plain text.
fn array(values: &[Read]) -> Option<Expr> {
    let elem = values.iter().map(|value| match value {
        Read::Null => Some(Expr::Value(Value::Null.into())),
        Read::Array(_, inner) => array(inner),
        Read::Interval(_) | Read::Bytea(_) => None,
        Read::Numeric(number) => Some(string(decimal(*number))),
        other => Some(string(shown(other))),
    });
    Some(Expr::Array(Array { elem: elem.collect::<Option<_>>()?, named: true }))
}

/// Says of a string that is assigned to a bytea column that it is bytea.
pub(in crate::sql) fn respell_bytes(expr: &mut Expr) {
    let is_string = matches!(&*expr, Expr::Value(value)
        if matches!(value.value, Value::SingleQuotedString(_)));
    if is_string {
        let inner = std::mem::replace(expr, Expr::Value(Value::Null.into()));
        *expr = Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(inner),
            data_type: DataType::Bytea,
            array: false,
            format: None,
        };
    }
}

/// The most digits that DuckDB's exact numbers have.
const DIGITS_MAX: usize = 38;
/// The digits that a float keeps of any number.
const FLOAT_DIGITS: usize = 15;

/// Writes a number with an exponent as DuckDB has it: it is exact in PostgreSQL.
///
/// # Errors
/// 0A000 for bits, which DuckDB reads as a text, and for a number that it would round.
pub(super) fn plain(expr: &mut Expr) -> Result<()> {
    let Expr::Value(value) = &*expr else { return Ok(()) };
    match &value.value {
        Value::Number(text, _) => {
            check_digits(text)?;
            if let Some(made) = exact(text) {
                *expr = made;
            }
            Ok(())
        }
        Value::SingleQuotedByteStringLiteral(_) | Value::HexStringLiteral(_) => {
            Err(Error::unsupported("bit strings are not supported"))
        }
        _ => Ok(()),
    }
}

/// Refuses a number with more digits than DuckDB's exact numbers have, where those before the point
/// are too many for a float: DuckDB would round them without a word.
fn check_digits(text: &str) -> Result<()> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.trim_start_matches('0');
    let is_plain = [whole, fraction].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if is_plain && whole.len() > FLOAT_DIGITS && whole.len() + fraction.len() > DIGITS_MAX {
        return Err(Error::unsupported(format!(
            "numbers of more than {DIGITS_MAX} digits are not supported"
        )));
    }
    Ok(())
}

/// A number with an exponent as one without, of the same value; `None` for others, and for those
/// with too many digits.
fn exact(text: &str) -> Option<Expr> {
    let (digits, exponent) = text.split_once(['e', 'E'])?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let scale = usize::try_from(i32::try_from(all.len()).ok()? - point).unwrap_or(0);
    let whole = match usize::try_from(point) {
        Ok(point) if point >= all.len() => format!("{all:0<point$}"),
        Ok(point) => all.get(..point)?.to_owned(),
        Err(_) => String::new(),
    };
    let fraction = match usize::try_from(-point) {
        Ok(zeros) => format!("{}{all}", "0".repeat(zeros.min(DIGITS_MAX))),
        Err(_) => all.get(usize::try_from(point).ok()?..).unwrap_or_default().to_owned(),
    };
    let whole = whole.trim_start_matches('0');
    if whole.len() + scale > DIGITS_MAX {
        return None;
    }
    let number = match scale {
        0 => format!("{}", if whole.is_empty() { "0" } else { whole }),
        _ => format!("{}.{fraction}", if whole.is_empty() { "0" } else { whole }),
    };
    let precision = u64::try_from((whole.len() + scale).max(1)).ok()?;
    let info = ExactNumberInfo::PrecisionAndScale(precision, i64::try_from(scale).ok()?);
    Some(cast_to(string(number), DataType::Decimal(info)))
}

/// DuckDB writes the era in parentheses, and takes no notice of it without them.
fn before_christ(text: &str) -> Option<String> {
    let rest = text.strip_suffix(" BC")?;
    Some(match rest.split_once(' ') {
        Some((date, time)) => format!("{date} (BC) {time}"),
        None => format!("{rest} (BC)"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_an_exponent_are_exact() {
        let exact = |text: &str| exact(text).map(|expr| expr.to_string());
        assert_eq!(exact("1e3").unwrap(), "CAST('1000' AS DECIMAL(4,0))");
        assert_eq!(exact("1.25e1").unwrap(), "CAST('12.5' AS DECIMAL(3,1))");
        assert_eq!(exact("12.5e-3").unwrap(), "CAST('0.0125' AS DECIMAL(4,4))");
        assert_eq!(exact("1e-10").unwrap(), "CAST('0.0000000001' AS DECIMAL(10,10))");
        assert_eq!(exact("0e0").unwrap(), "CAST('0' AS DECIMAL(1,0))");
        assert_eq!(exact(".5e0").unwrap(), "CAST('0.5' AS DECIMAL(1,1))");
        for other in ["15", "1.5", "1e38", "1e-39", "1e99999999999", "1e"] {
            assert_eq!(exact(other), None, "{other}");
        }
    }

    #[test]
    fn eras_are_spelled_as_duckdb_reads_them() {
        let noon = before_christ("0044-03-15 12:00 BC");
        assert_eq!(noon.as_deref(), Some("0044-03-15 (BC) 12:00"));
        assert_eq!(before_christ("0044-03-15 BC").as_deref(), Some("0044-03-15 (BC)"));
        // One uuid in 256 ends like this.
        assert_eq!(before_christ("0f609b10-ec31-42cf-b7ec-f1abd84d14bc"), None);
    }
}
