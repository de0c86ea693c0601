//! Operators that DuckDB writes or means otherwise: regular expressions, `OPERATOR(…)`, COLLATE.

use sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, BinaryOperator, DataType, Expr, Subscript, UnaryOperator, Value,
    ValueWithSpan,
};

use super::names::{self, take};
use super::rows;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// Rewrites one expression's operator. What a view or a table keeps goes without the server's own
/// functions.
pub(super) fn rewrite(expr: &mut Expr, is_kept: bool) -> Result<()> {
    match expr {
        Expr::BinaryOp { left, op, right } => {
            if let BinaryOperator::PGCustomBinaryOperator(parts) = op {
                *op = named(parts)?;
            }
            let (insensitive, negated) = match op {
                BinaryOperator::PGRegexMatch => (false, false),
                BinaryOperator::PGRegexNotMatch => (false, true),
                BinaryOperator::PGRegexIMatch => (true, false),
                BinaryOperator::PGRegexNotIMatch => (true, true),
                _ => return Ok(()),
            };
            let matches = regexp_matches(take(left), take(right), insensitive, is_kept);
            *expr = if negated {
                Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(matches) }
            } else {
                matches
            };
        }
        // PostgreSQL's backslash escapes in patterns; DuckDB's only where it is told.
        Expr::Like { pattern, escape_char: escape @ None, .. }
        | Expr::ILike { pattern, escape_char: escape @ None, .. }
            if may_have_backslash(pattern) =>
        {
            *escape = Some(Value::SingleQuotedString("\\".to_owned()).into());
        }
        Expr::SimilarTo { negated, expr: text, pattern, escape_char } => {
            let pattern = similar_to(pattern, escape_char.as_ref())?;
            let args =
                names::arguments(vec![take(text), names::string(&pattern), names::string("s")]);
            let matches = names::call(names::object_name(&["regexp_full_match"]), args);
            *expr = if *negated {
                Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(matches) }
            } else {
                matches
            };
        }
        // DuckDB compares bytes, as PostgreSQL does under "C".
        Expr::Collate { expr: inner, collation } => {
            let last = names::parts(collation).and_then(|parts| parts.last().copied());
            if matches!(last, Some("default" | "C" | "POSIX" | "ucs_basic" | "C.utf8")) {
                let inner = take(inner);
                *expr = inner;
                return rewrite(expr, is_kept);
            }
        }
        _ => {}
    }
    Ok(())
}

/// The regular expression of a SIMILAR TO's pattern: `%` and `_` as in LIKE, the rest as in POSIX.
fn similar_to(pattern: &Expr, escape: Option<&ValueWithSpan>) -> Result<String> {
    let unsupported = || {
        Error::unsupported("SIMILAR TO needs a pattern that is written in the statement")
            .with_hint("Use a regular expression: text ~ pattern.")
    };
    let Expr::Value(value) = pattern else { return Err(unsupported()) };
    let Value::SingleQuotedString(pattern) = &value.value else { return Err(unsupported()) };
    let escape = match escape.map(|escape| &escape.value) {
        None => Some('\\'),
        Some(Value::SingleQuotedString(text)) => {
            let mut chars = text.chars();
            let first = chars.next();
            if chars.next().is_some() {
                return Err(Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
                    .with_hint("Escape string must be empty or one character."));
            }
            first
        }
        Some(_) => return Err(unsupported()),
    };
    let mut regex = String::from("(?:");
    let mut is_escaped = false;
    let mut in_class = false;
    for c in pattern.chars() {
        if is_escaped {
            regex.push('\\');
            regex.push(c);
            is_escaped = false;
            continue;
        }
        match c {
            _ if Some(c) == escape => is_escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        match c {
            _ if is_escaped => {}
            _ if in_class || c == ']' => {
                if c == '\\' {
                    regex.push('\\');
                }
                regex.push(c);
            }
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            '.' | '^' | '$' | '\\' => {
                regex.push('\\');
                regex.push(c);
            }
            _ => regex.push(c),
        }
    }
    regex.push(')');
    Ok(regex)
}

/// `EXTRACT(second FROM x)` and its like are numeric with the fraction's places; DuckDB's are whole
/// or floats.
pub(super) fn extract(expr: &mut Expr) {
    let Expr::Extract { field, expr: inner, .. } = expr else { return };
    // The field may stand in quotes.
    let field = field.to_string().to_lowercase();
    let function = match field.trim_matches('\'') {
        "second" | "seconds" => "extract_second",
        "millisecond" | "milliseconds" => "extract_millisecond",
        "epoch" => "extract_epoch",
        _ => return,
    };
    let inner = take(inner);
    *expr = names::system_call(function, inner);
}

/// Finds the operator in `OPERATOR(pg_catalog.~)`.
fn named(parts: &[String]) -> Result<BinaryOperator> {
    let operator = match parts {
        [operator] => operator,
        [schema, operator] if schema == "pg_catalog" => operator,
        _ => return Err(Error::unsupported(format!("operator {} is unknown", parts.join(".")))),
    };
    Ok(match operator.as_str() {
        "~" => BinaryOperator::PGRegexMatch,
        "!~" => BinaryOperator::PGRegexNotMatch,
        "~*" => BinaryOperator::PGRegexIMatch,
        "!~*" => BinaryOperator::PGRegexNotIMatch,
        "~~" => BinaryOperator::PGLikeMatch,
        "!~~" => BinaryOperator::PGNotLikeMatch,
        "~~*" => BinaryOperator::PGILikeMatch,
        "!~~*" => BinaryOperator::PGNotILikeMatch,
        "=" => BinaryOperator::Eq,
        "<>" | "!=" => BinaryOperator::NotEq,
        "<" => BinaryOperator::Lt,
        "<=" => BinaryOperator::LtEq,
        ">" => BinaryOperator::Gt,
        ">=" => BinaryOperator::GtEq,
        "+" => BinaryOperator::Plus,
        "-" => BinaryOperator::Minus,
        "*" => BinaryOperator::Multiply,
        "/" => BinaryOperator::Divide,
        "%" => BinaryOperator::Modulo,
        "||" => BinaryOperator::StringConcat,
        other => return Err(Error::unsupported(format!("operator {other} is not supported"))),
    })
}

/// DuckDB's `~` wants the whole text to match; PostgreSQL's looks for the pattern anywhere. DuckDB
/// compiles a plain pattern once and for all rows; the others mean something else to it.
fn regexp_matches(text: Expr, pattern: Expr, insensitive: bool, is_kept: bool) -> Expr {
    if is_kept || is_plain_pattern(&pattern) {
        let options = names::string(if insensitive { "is" } else { "s" });
        let args = names::arguments(vec![text, pattern, options]);
        return names::call(names::object_name(&["regexp_matches"]), args);
    }
    let source = if insensitive { "texticregexeq" } else { "textregexeq" };
    names::system_function(source, names::arguments(vec![text, pattern]))
}

/// Tells whether a pattern is written in the statement and means the same to every engine: no
/// classes by name, no escaped letters, no options, nothing that looks around.
fn is_plain_pattern(pattern: &Expr) -> bool {
    let value = match pattern {
        Expr::Value(value) => value,
        Expr::Collate { expr, .. } | Expr::Nested(expr) => return is_plain_pattern(expr),
        _ => return false,
    };
    let Value::SingleQuotedString(text) = &value.value else { return false };
    let escapes_letter =
        text.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && pair[1].is_ascii_alphanumeric());
    !escapes_letter && !["(?", "[[", "[:", "***"].iter().any(|part| text.contains(part))
}

/// Catalogue columns of type int2vector and oidvector: their first element has number 0.
const BASE_ZERO: [&str; 5] = ["indkey", "indclass", "indoption", "indcollation", "proargtypes"];

/// Moves the subscripts of vectors, which are plain lists here, whose first element has number 1;
/// of other lists none counts from the end.
pub(super) fn base_zero(expr: &mut Expr) {
    let Expr::CompoundFieldAccess { root, access_chain } = expr else { return };
    for access in access_chain.iter_mut() {
        if let AccessExpr::Subscript(Subscript::Index { index }) = access {
            rows::no_subscript_from_the_end(index);
        }
    }
    let is_vector = match root.as_ref() {
        Expr::Identifier(ident) => BASE_ZERO.contains(&ident.value.as_str()),
        Expr::CompoundIdentifier(idents) => {
            idents.last().is_some_and(|ident| BASE_ZERO.contains(&ident.value.as_str()))
        }
        other => is_vector_cast(other),
    };
    // `i.indkey[0]` may also be read as the table `i` with the field and the subscript behind it.
    let named = matches!(access_chain.first(), Some(AccessExpr::Dot(Expr::Identifier(ident)))
        if BASE_ZERO.contains(&ident.value.as_str()));
    let place = usize::from(named);
    if !is_vector && !named {
        return;
    }
    if let Some(AccessExpr::Subscript(Subscript::Index { index })) = access_chain.get_mut(place) {
        let old = Box::new(take(index));
        let one = Box::new(Expr::Value(Value::Number("1".to_owned(), false).into()));
        *index = Expr::BinaryOp { left: old, op: BinaryOperator::Plus, right: one };
    }
}

/// An `int2vector` as it is kept; arrays of integers are written otherwise.
fn is_vector_cast(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_vector_cast(inner),
        Expr::Cast {
            data_type: DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)),
            ..
        } => matches!(element.as_ref(), DataType::Custom(name, _)
            if names::parts(name).as_deref() == Some(&["SMALLINT"])),
        _ => false,
    }
}

fn may_have_backslash(pattern: &Expr) -> bool {
    match pattern {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => text.contains('\\'),
            _ => true,
        },
        _ => true,
    }
}

/// Makes a division by zero an error, unless what divides is a number that is not zero.
pub(super) fn guard_division(expr: &mut Expr) {
    let Expr::BinaryOp { op: BinaryOperator::Divide | BinaryOperator::Modulo, right, .. } = expr
    else {
        return;
    };
    let is_nonzero_number = matches!(right.as_ref(), Expr::Value(value)
        if matches!(&value.value, Value::Number(text, _)
            if text.parse::<f64>().is_ok_and(|number| number != 0.0)));
    if !is_nonzero_number {
        let divisor = take(right);
        **right = names::system_call("nonzero", divisor);
    }
}
