//! Literals whose text means something else to DuckDB.

use sqlparser::ast::{DataType, Expr, Value};

/// Respells a string that is cast to a type: bytea in hex, dates before Christ.
pub(super) fn respell(expr: &mut Expr, data_type: &DataType) {
    if let Expr::Value(value) = expr {
        respell_value(&mut value.value, data_type);
    }
}

/// Respells a string that is assigned to a bytea column.
pub(in crate::sql) fn respell_bytes(expr: &mut Expr) {
    respell(expr, &DataType::Bytea);
}

/// Respells a literal of a type.
pub(super) fn respell_value(value: &mut Value, data_type: &DataType) {
    let Value::SingleQuotedString(text) = value else { return };
    let respelled = match data_type {
        DataType::Bytea | DataType::Blob(_) => hex_bytes(text),
        DataType::Date | DataType::Timestamp(..) => before_christ(text),
        DataType::Custom(name, _) if name.to_string() == "timestamptz" => before_christ(text),
        _ => None,
    };
    if let Some(respelled) = respelled {
        *text = respelled;
    }
}

/// `\\x00ff` is two bytes in PostgreSQL; DuckDB wants `\\x00\\xff`.
fn hex_bytes(text: &str) -> Option<String> {
    let digits = text.strip_prefix("\\x")?;
    let valid = digits.len() % 2 == 0 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let pairs = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| format!("\\x{}{}", char::from(pair[0]), char::from(pair[pair.len() - 1])));
    valid.then(|| pairs.collect())
}

/// DuckDB writes the era in parentheses, and takes no notice of it without them.
fn before_christ(text: &str) -> Option<String> {
    let rest = text.trim_end().strip_suffix("BC").or_else(|| text.trim_end().strip_suffix("bc"))?;
    let rest = rest.trim_end();
    Some(match rest.split_once(' ') {
        Some((date, time)) => format!("{date} (BC) {time}"),
        None => format!("{rest} (BC)"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_eras_are_spelled_as_duckdb_reads_them() {
        assert_eq!(hex_bytes("\\x00fF").as_deref(), Some("\\x00\\xfF"));
        assert_eq!(hex_bytes("\\x0"), None);
        assert_eq!(hex_bytes("abc"), None);
        let noon = before_christ("0044-03-15 12:00 BC");
        assert_eq!(noon.as_deref(), Some("0044-03-15 (BC) 12:00"));
        assert_eq!(before_christ("0044-03-15 BC").as_deref(), Some("0044-03-15 (BC)"));
    }
}
