//! Casts: to types that DuckDB lacks, to and from `regclass` and its like, and array literals.
//!
//! DuckDB has no type that is a number and prints as a name. So a cast to `regclass` gives the
//! number, except where its text is wanted: cast to text, joined with `||`, or in the statement's
//! own select list.

use sqlparser::ast::{
    Array, ArrayElemTypeDef, BinaryOperator, CastKind, CharacterLength, DataType, ExactNumberInfo,
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, SelectItem, Statement, Value,
};

use super::names::take;
use super::{NameContext, first_select, literals, names, result_query, types};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::InputStyle;

/// Types whose values are OIDs that read and print as names.
fn reg_type(data_type: &DataType) -> Option<&'static str> {
    let name = match data_type {
        DataType::Regclass => "regclass",
        DataType::Custom(name, _) => types::builtin_name(name)?,
        _ => return None,
    };
    Some(match name {
        "regclass" => "regclass",
        "regtype" => "regtype",
        "regproc" => "regproc",
        "regprocedure" => "regprocedure",
        "regoperator" => "regoperator",
        "regnamespace" => "regnamespace",
        "regrole" => "regrole",
        _ => return None,
    })
}

/// Reads a string as PostgreSQL does.
fn read_literal(inner: &Expr, data_type: &DataType, style: InputStyle) -> Result<Option<Expr>> {
    let Expr::Value(value) = inner else { return Ok(None) };
    match &value.value {
        Value::SingleQuotedString(text) => literals::read(text, data_type, style),
        Value::EscapedStringLiteral(text) => literals::read(text, data_type, style),
        _ => Ok(None),
    }
}

fn dimensions(expr: &Expr) -> usize {
    match expr {
        Expr::Array(array) => 1 + array.elem.first().map_or(0, dimensions),
        _ => 0,
    }
}

fn is_free_numeric(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Numeric(ExactNumberInfo::None) | DataType::Decimal(ExactNumberInfo::None)
    )
}

/// A number with a point, which DuckDB gives just its places.
fn is_decimal(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value)
        if matches!(&value.value, Value::Number(text, _)
            if text.contains('.') && !text.contains(['e', 'E'])))
}

/// The type that holds just a numeric's digits.
fn exact_type(read: &Expr, data_type: &DataType) -> Option<DataType> {
    let Expr::Value(value) = read else { return None };
    let Value::SingleQuotedString(text) = &value.value else { return None };
    if !is_free_numeric(data_type) {
        return None;
    }
    let digits = text.trim_start_matches('-');
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    let precision = u64::try_from(whole.len() + rest.len()).ok().filter(|all| *all <= 38)?;
    let scale = i64::try_from(rest.len()).ok()?;
    Some(DataType::Decimal(ExactNumberInfo::PrecisionAndScale(precision, scale)))
}

fn varchar_length(data_type: &DataType) -> Option<u64> {
    match data_type {
        DataType::Varchar(Some(CharacterLength::IntegerLength { length, .. }))
        | DataType::CharacterVarying(Some(CharacterLength::IntegerLength { length, .. })) => {
            Some(*length)
        }
        _ => None,
    }
}

fn char_length(data_type: &DataType) -> Option<u64> {
    match data_type {
        DataType::Char(length) | DataType::Character(length) => match length {
            Some(CharacterLength::IntegerLength { length, .. }) => Some(*length),
            Some(_) => None,
            None => Some(1),
        },
        _ => None,
    }
}

fn is_jsonb(data_type: &DataType) -> bool {
    match data_type {
        DataType::JSONB => true,
        DataType::Custom(name, _) => types::builtin_name(name) == Some("jsonb"),
        _ => false,
    }
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Text
        | DataType::Varchar(_)
        | DataType::CharacterVarying(_)
        | DataType::CharVarying(_) => true,
        DataType::Custom(name, _) => {
            matches!(types::builtin_name(name), Some("text" | "name" | "varchar"))
        }
        _ => false,
    }
}

/// Tells whether an interval says all in its text.
fn is_whole(interval: &sqlparser::ast::Interval) -> bool {
    interval.leading_field.is_none()
        && interval.last_field.is_none()
        && matches!(interval.value.as_ref(), Expr::Value(value)
            if matches!(value.value, Value::SingleQuotedString(_)))
}

pub(super) fn cast_to(inner: Expr, data_type: DataType) -> Expr {
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(inner),
        data_type,
        array: false,
        format: None,
    }
}

/// Rewrites one cast; called before its inner expression is seen.
pub(super) fn rewrite(expr: &mut Expr, names: &NameContext) -> Result<()> {
    match expr {
        Expr::Cast { expr: inner, data_type, .. } => {
            types::spell_out_array(data_type);
            if is_text(data_type) && show(inner) {
                return types::rewrite(data_type);
            }
            if let Some(kind) = reg_type(data_type) {
                let inner = std::mem::replace(inner.as_mut(), null());
                *expr = number_of(kind, inner, names);
                return Ok(());
            }
            if let Some(read) = read_literal(inner, data_type, names.input_style)? {
                if let Some(exact) = exact_type(&read, data_type) {
                    *data_type = exact;
                    **inner = read;
                    return Ok(());
                }
                // DuckDB's type says how many dimensions there are.
                for _ in 1..dimensions(&read) {
                    let element = Box::new(data_type.clone());
                    *data_type = DataType::Array(ArrayElemTypeDef::SquareBracket(element, None));
                }
                **inner = read;
            } else if let Some(elements) = array_literal(inner, data_type)? {
                **inner = elements;
            } else if is_free_numeric(data_type) && is_decimal(inner) {
                // A number keeps the places that it is written with.
                *expr = std::mem::replace(inner, null());
                return Ok(());
            }
            if is_jsonb(data_type) {
                let inner = std::mem::replace(inner.as_mut(), null());
                *expr = names::system_call("jsonb_in", inner);
                return Ok(());
            }
            cut_to_length(expr)
        }
        Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => {
            show(left);
            show(right);
            Ok(())
        }
        Expr::Function(function) => {
            spare_name(function, names);
            Ok(())
        }
        Expr::Interval(interval) if is_whole(interval) => {
            // `INTERVAL '…'` is one, too.
            let inner = take(&mut interval.value);
            let data_type = DataType::Interval { fields: None, precision: None };
            *expr = cast_to(inner, data_type);
            rewrite(expr, names)
        }
        Expr::TypedString(typed) => {
            // `DATE '…'` is a cast.
            let inner = Expr::Value(typed.value.clone());
            *expr = cast_to(inner, typed.data_type.clone());
            rewrite(expr, names)
        }
        _ => Ok(()),
    }
}

/// An explicit cast to a length cuts without a word. The blanks at the end of a `char(n)` mean
/// nothing; what is sent is filled up with them.
fn cut_to_length(expr: &mut Expr) -> Result<()> {
    let Expr::Cast { data_type, .. } = &mut *expr else { return Ok(()) };
    let (varying, fixed) = (varchar_length(data_type), char_length(data_type));
    types::rewrite(data_type)?;
    let whole = |expr: &mut Expr| std::mem::replace(expr, null());
    if let Some(length) = fixed {
        let cut = names::cut(whole(expr), length);
        *expr = names::system_call("char_trim", cut);
    } else if let Some(length) = varying {
        *expr = names::cut(whole(expr), length);
    }
    Ok(())
}

/// Turns casts to `regclass` and its like that are sent to the client into names.
pub(super) fn show_top_level(statement: &mut Statement) {
    let Statement::Query(_) = statement else { return };
    let Some(select) = result_query(statement).and_then(|query| first_select(&mut query.body))
    else {
        return;
    };
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            show(expr);
        }
    }
}

/// Wraps a cast to `regclass` or its like so that it gives a name; tells whether it was one.
fn show(expr: &mut Expr) -> bool {
    if let Expr::Nested(inner) = expr {
        return show(inner);
    }
    if let Some(kind) = looked_up(expr) {
        *expr = names::system_call(&format!("{kind}_out"), expr.clone());
        return true;
    }
    let Expr::Cast { data_type, expr: inner, .. } = expr else { return false };
    let Some(kind) = reg_type(data_type) else { return false };
    let number =
        if is_oid(inner) { std::mem::replace(inner.as_mut(), null()) } else { expr.clone() };
    *expr = names::system_call(&format!("{kind}_out"), number);
    true
}

/// The type that a call of `to_regclass` and its like gives.
fn looked_up(expr: &Expr) -> Option<&'static str> {
    let Expr::Function(function) = expr else { return None };
    match names::parts(&function.name)?.as_slice() {
        [name] | ["pg_catalog", name] | [_, "pg", name] => match *name {
            "to_regclass" => Some("regclass"),
            "to_regtype" => Some("regtype"),
            "to_regnamespace" => Some("regnamespace"),
            "to_regproc" => Some("regproc"),
            "to_regprocedure" => Some("regprocedure"),
            "to_regoperator" => Some("regoperator"),
            "to_regrole" => Some("regrole"),
            _ => None,
        },
        _ => None,
    }
}

fn null() -> Expr {
    Expr::Value(Value::Null.into())
}

/// Tells whether an expression is surely an OID already, from the naming habit of the catalogue.
fn is_oid(expr: &Expr) -> bool {
    let name = match expr {
        Expr::Identifier(ident) => ident,
        Expr::CompoundIdentifier(idents) => match idents.last() {
            Some(ident) => ident,
            None => return false,
        },
        Expr::Value(value) => return matches!(value.value, Value::Number(..)),
        _ => return false,
    };
    let name = name.value.as_str();
    name.ends_with("oid")
        || name.ends_with("relid")
        || name.ends_with("typid")
        || name.ends_with("namespace")
        || matches!(
            name,
            "inhparent"
                | "refobjid"
                | "objid"
                | "classid"
                | "refclassid"
                | "typelem"
                | "reloftype"
                | "typbasetype"
                | "prorettype"
                | "ev_class"
        )
}

/// Finds what is cast to a type of OIDs and, maybe, to text again: that is the number.
fn named_by<'a>(kind: &str, expr: &'a Expr) -> Option<&'a Expr> {
    match expr {
        Expr::Nested(inner) => named_by(kind, inner),
        Expr::Cast { data_type, expr: inner, .. } if reg_type(data_type) == Some(kind) => {
            Some(inner)
        }
        Expr::Cast { data_type, expr: inner, .. } if is_text(data_type) => named_by(kind, inner),
        _ => None,
    }
}

/// A table that a function is given by its name, which was made of its number.
fn spare_name(function: &mut Function, names: &NameContext) {
    let Some((table, _)) = serial_sequence(function) else { return };
    if let Some(number) = named_by("regclass", table) {
        *table = number_of("regclass", number.clone(), names);
        function.name = names::object_name(&[names::SYSTEM_DATABASE, "pg", "serial_sequence_of"]);
    }
}

/// The number of the sequence that a function would name.
fn number_of_serial_sequence(expr: &mut Expr, names: &NameContext) -> Option<Expr> {
    let Expr::Function(function) = expr else { return None };
    let (table, column) = serial_sequence(function)?;
    let (table, column) = (take(table), take(column));
    let table = number_of("regclass", table, names);
    Some(names::system_function("serial_sequence_oid", names::arguments(vec![table, column])))
}

/// The arguments of a call of `pg_get_serial_sequence`.
fn serial_sequence(function: &mut Function) -> Option<(&mut Expr, &mut Expr)> {
    let of_catalog = names::parts(&function.name).is_some_and(|parts| {
        matches!(
            parts.as_slice(),
            ["pg_get_serial_sequence"]
                | ["pg_catalog", "pg_get_serial_sequence"]
                | [_, "pg", "pg_get_serial_sequence"]
        )
    });
    let FunctionArguments::List(list) = &mut function.args else { return None };
    match list.args.as_mut_slice() {
        [
            FunctionArg::Unnamed(FunctionArgExpr::Expr(table)),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(column)),
        ] if of_catalog => Some((table, column)),
        _ => None,
    }
}

/// Finds the OID that a literal says, or is known to name.
fn known_number(kind: &str, literal: &Expr, names: &NameContext) -> Option<u32> {
    let Expr::Value(value) = literal else { return None };
    let Value::SingleQuotedString(text) = &value.value else { return None };
    match text.as_str() {
        "-" => return Some(0),
        text if kind == "regclass" => {
            if let Ok(number) = text.parse() {
                return Some(number);
            }
        }
        _ => return None,
    }
    let (schema, name) = match text.split_once('.') {
        Some((schema, name)) => (Some(schema), name),
        None => (None, text.as_str()),
    };
    names.catalog.relation(schema, name).map(|found| found.oid).filter(|oid| *oid != 0)
}

/// Makes the expression that gives the OID that `inner` names.
fn number_of(kind: &str, mut inner: Expr, names: &NameContext) -> Expr {
    if is_oid(&inner) {
        return inner;
    }
    if kind == "regclass"
        && let Some(number) = number_of_serial_sequence(&mut inner, names)
    {
        return number;
    }
    if let Some(number) = named_by(kind, &inner) {
        return number_of(kind, number.clone(), names);
    }
    if let Some(number) = known_number(kind, &inner, names) {
        return Expr::Value(Value::Number(number.to_string(), false).into());
    }
    // What reads a name is pasted with what it reads, in several places.
    let is_simple =
        matches!(inner, Expr::Value(_) | Expr::Identifier(_) | Expr::CompoundIdentifier(_));
    let reads = if kind == "regclass" && !is_simple { "of" } else { "in" };
    names::system_call(&format!("{kind}_{reads}"), inner)
}

/// A vector of the catalogue, whose text has no braces.
fn is_vector(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Custom(name, _)
        if matches!(types::builtin_name(name), Some("int2vector" | "oidvector")))
}

/// Turns `'{a,b}'::text[]` into `ARRAY['a', 'b']::text[]`; DuckDB's text form of a list is another.
fn array_literal(inner: &Expr, data_type: &DataType) -> Result<Option<Expr>> {
    let is_array = match data_type {
        DataType::Array(ArrayElemTypeDef::None) => false,
        DataType::Array(_) => true,
        other => is_vector(other),
    };
    let Expr::Value(value) = inner else { return Ok(None) };
    let Value::SingleQuotedString(text) = &value.value else { return Ok(None) };
    let trimmed = text.trim();
    if is_vector(data_type) && !trimmed.starts_with('{') {
        let elem = trimmed.split_whitespace().map(names::string).collect();
        return Ok(Some(Expr::Array(Array { elem, named: true })));
    }
    if !is_array || !trimmed.starts_with('{') {
        return Ok(None);
    }
    let malformed = || {
        Error::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("malformed array literal: \"{text}\""),
        )
    };
    let body = trimmed
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .filter(|body| !body.contains('{'))
        .ok_or_else(malformed)?;
    let elem = elements(body).ok_or_else(malformed)?;
    Ok(Some(Expr::Array(Array { elem, named: true })))
}

/// Splits the inside of a one-dimensional array literal.
fn elements(body: &str) -> Option<Vec<Expr>> {
    if body.trim().is_empty() {
        return Some(Vec::new());
    }
    let mut result = Vec::new();
    let mut current = String::new();
    let (mut quoted, mut was_quoted) = (false, false);
    let mut chars = body.chars();
    loop {
        match chars.next() {
            Some('\\') => current.push(chars.next()?),
            Some('"') => {
                quoted = !quoted;
                was_quoted = true;
            }
            Some(c) if quoted || c != ',' => current.push(c),
            end => {
                if quoted {
                    return None;
                }
                let text = if was_quoted { current.as_str() } else { current.trim() };
                let is_null = !was_quoted && text.eq_ignore_ascii_case("null");
                result.push(if is_null { null() } else { names::string(text) });
                current.clear();
                was_quoted = false;
                if end.is_none() {
                    return Some(result);
                }
            }
        }
    }
}
