//! DuckDB's errors as PostgreSQL's.
//!
//! Connections run with `errors_as_json`, so the kind of an error is told by its fields, never by
//! searching a message that may repeat the user's SQL.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;

use super::error_words;
use crate::error::Error;
use crate::sql::DOMAIN_CHECK;
use crate::sqlstate::SqlState;

/// Set by an error that invalidates its instance, of whichever file.
static FATAL: AtomicBool = AtomicBool::new(false);

/// Tells whether an error that invalidates its instance came since the last call.
pub(super) fn take_fatal() -> bool {
    FATAL.swap(false, Ordering::Relaxed)
}

fn note_fatal(message: &str) {
    if !FATAL.swap(true, Ordering::Relaxed) {
        tracing::error!(message, "DuckDB invalidates its instance");
    }
}

#[derive(Deserialize)]
struct JsonError {
    exception_type: String,
    exception_message: String,
    error_subtype: Option<String>,
    position: Option<String>,
    #[serde(rename = "type")]
    entry_type: Option<String>,
    name: Option<String>,
    candidates: Option<String>,
}

/// An error of the C API that comes without DuckDB's own description.
pub(super) fn failure(what: &str) -> Error {
    Error::internal(what)
}

/// Translates what DuckDB reports: `Kind Error: {json}`, or plain `Kind Error: text` before a
/// connection has its settings.
pub(super) fn from_duckdb_message(message: &str) -> Error {
    // Before the JSON stand words of DuckDB's own only, such as "failed to append: ".
    if let Some(start) = message.find('{')
        && let Ok(json) = serde_json::from_str::<JsonError>(&message[start..])
    {
        return from_json(json);
    }
    let (kind, rest) = match message.split_once(" Error: ") {
        Some((kind, rest)) if kind.len() < 40 => (kind, rest),
        _ => ("", message),
    };
    Error::new(code_of_kind(kind, rest), tidy(rest))
}

fn from_json(json: JsonError) -> Error {
    let known = from_macro(&json)
        .or_else(|| from_check(&json))
        .or_else(|| out_of_range(&json))
        .or_else(|| error_words::known(&json.exception_message));
    if let Some(error) = known {
        return error;
    }
    let code = code_of(&json);
    let mut error = Error::new(code, primary(&json, code));
    // PostgreSQL tells no detail of a name that it does not find.
    let is_missing = code == SqlState::UNDEFINED_COLUMN || code == SqlState::UNDEFINED_TABLE;
    if let Some(detail) = detail(&json.exception_message).filter(|_| !is_missing) {
        error = error.with_detail(detail);
    }
    // As PostgreSQL, a hint for columns only: for tables DuckDB offers its own system's.
    let candidates = json.candidates.as_deref().filter(|_| code == SqlState::UNDEFINED_COLUMN);
    if let Some(candidate) = candidates.filter(|candidate| !candidate.is_empty()) {
        error = error.with_hint(format!("Perhaps you meant \"{candidate}\"."));
    }
    // DuckDB counts from 0 in what it was given, which may be a rewritten text: see `sql`.
    match json.position.and_then(|p| p.parse::<usize>().ok()) {
        Some(position) => error.with_position(position + 1),
        None => error,
    }
}

/// An error that a macro of the system catalog raises: its message starts with the SQLSTATE.
fn from_macro(json: &JsonError) -> Option<Error> {
    if json.exception_type != "Invalid Input" {
        return None;
    }
    let (code, message) = json.exception_message.strip_prefix('[')?.split_once("] ")?;
    Some(Error::new(SqlState::parse(code)?, message))
}

/// An error that a CHECK of our own making raises, which DuckDB puts behind its own words: a text's
/// length, or a constraint with its name.
fn from_check(json: &JsonError) -> Option<Error> {
    let rest = json.exception_message.strip_prefix("CHECK constraint failed on table ")?;
    let (table, _) = rest.split_once(" with expression ")?;
    let Some((_, raised)) = rest.rsplit_once(" (Error: [") else {
        return Some(Error::new(
            SqlState::CHECK_VIOLATION,
            format!("new row for relation \"{table}\" violates a check constraint"),
        ));
    };
    let (code, text) = raised.strip_suffix(')')?.split_once("] ")?;
    let code = SqlState::parse(code)?;
    Some(match code {
        SqlState::CHECK_VIOLATION if text.starts_with(DOMAIN_CHECK) => Error::new(code, text),
        SqlState::CHECK_VIOLATION => Error::new(
            code,
            format!("new row for relation \"{table}\" violates check constraint \"{text}\""),
        ),
        _ => Error::new(code, text),
    })
}

/// A number that its type cannot hold.
fn out_of_range(json: &JsonError) -> Option<Error> {
    let message = json.exception_message.as_str();
    if json.exception_type != "Conversion" {
        return None;
    }
    let decimal = message.strip_prefix("Failed to cast decimal value ");
    let target = message
        .rsplit_once("out of range for the destination type ")
        .or_else(|| decimal?.rsplit_once(" to type "));
    if let Some((_, target)) = target {
        let name = match target.trim_end_matches('.') {
            "INT8" | "INT16" => "smallint",
            "INT32" => "integer",
            "INT64" => "bigint",
            _ => return None,
        };
        let code = SqlState::NUMERIC_VALUE_OUT_OF_RANGE;
        return Some(Error::new(code, format!("{name} out of range")));
    }
    let rest = message
        .strip_prefix("Could not cast value ")
        .or_else(|| message.strip_prefix("Could not convert string "))?;
    let (value, target) = rest.rsplit_once(" to DECIMAL(")?;
    // A text that is no number is another error.
    value.trim_matches(|c| matches!(c, '"' | '\'')).trim().parse::<f64>().ok()?;
    let (precision, scale) = target.trim_end_matches([')', '.']).split_once(',')?;
    let (precision, scale): (i32, i32) = (precision.parse().ok()?, scale.trim().parse().ok()?);
    Some(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow").with_detail(
        format!(
            "A field with precision {precision}, scale {scale} must round to an absolute \
                 value less than {}.",
            if precision == scale { "1".to_owned() } else { format!("10^{}", precision - scale) }
        ),
    ))
}

fn code_of(json: &JsonError) -> SqlState {
    let entry = json.entry_type.as_deref().unwrap_or_default();
    match json.error_subtype.as_deref() {
        Some("MISSING_ENTRY") if entry.contains("Function") => SqlState::UNDEFINED_FUNCTION,
        Some("MISSING_ENTRY") if entry == "Schema" => SqlState::INVALID_SCHEMA_NAME,
        Some("MISSING_ENTRY") if matches!(entry, "Table" | "View" | "Sequence") => {
            SqlState::UNDEFINED_TABLE
        }
        Some("MISSING_ENTRY") => SqlState::UNDEFINED_OBJECT,
        Some("ENTRY_ALREADY_EXISTS") if entry == "Schema" => SqlState::DUPLICATE_SCHEMA,
        Some("ENTRY_ALREADY_EXISTS")
            if matches!(entry, "Table" | "View" | "Index" | "Sequence") =>
        {
            SqlState::DUPLICATE_TABLE
        }
        Some("ENTRY_ALREADY_EXISTS") => SqlState::DUPLICATE_OBJECT,
        Some("COLUMN_NOT_FOUND") => SqlState::UNDEFINED_COLUMN,
        Some("NO_MATCHING_FUNCTION") => SqlState::UNDEFINED_FUNCTION,
        Some("SYNTAX_ERROR") => SqlState::SYNTAX_ERROR,
        _ => code_of_kind(&json.exception_type, &json.exception_message),
    }
}

/// Chooses a code by DuckDB's exception type. Where one type covers several codes, the fixed
/// beginning of DuckDB's own message decides, which no user text precedes.
fn code_of_kind(kind: &str, message: &str) -> SqlState {
    match kind {
        "Parser" | "Syntax" => SqlState::SYNTAX_ERROR,
        "Catalog" if message.starts_with("Column with name") => SqlState::DUPLICATE_COLUMN,
        "Catalog" if message.starts_with("Schema with name") => SqlState::INVALID_SCHEMA_NAME,
        "Catalog" if message.starts_with("Table with name") => SqlState::UNDEFINED_TABLE,
        "Catalog" if message.starts_with("Could not drop") => {
            SqlState::DEPENDENT_OBJECTS_STILL_EXIST
        }
        "Catalog" if message.starts_with("Existing object") => SqlState::WRONG_OBJECT_TYPE,
        "Catalog" => SqlState::UNDEFINED_OBJECT,
        "Dependency" => SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
        "Binder" => code_of_binder(message),
        "Conversion" if message.starts_with("date field value out of range") => {
            SqlState::DATETIME_FIELD_OVERFLOW
        }
        "Conversion"
            if message.starts_with("invalid date field format")
                || message.starts_with("invalid timestamp field format")
                || message.ends_with("to INTERVAL") =>
        {
            SqlState::INVALID_DATETIME_FORMAT
        }
        "Conversion" if message.starts_with("Could not convert") => {
            SqlState::INVALID_TEXT_REPRESENTATION
        }
        "Conversion" if message.contains("out of range") => SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        "Conversion" => SqlState::INVALID_TEXT_REPRESENTATION,
        "Out of Range" => SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        "Divide by Zero" => SqlState::DIVISION_BY_ZERO,
        "Constraint" => code_of_constraint(message),
        "Invalid Input" if message.starts_with("More than one row returned by a subquery") => {
            SqlState::CARDINALITY_VIOLATION
        }
        "Invalid Input" | "Invalid type" | "Mismatch Type" | "Expression" => {
            SqlState::INVALID_PARAMETER_VALUE
        }
        "Parameter Not Resolved" | "Parameter Not Allowed" => SqlState::INDETERMINATE_DATATYPE,
        "TransactionContext" if message.contains("read-only") => {
            SqlState::READ_ONLY_SQL_TRANSACTION
        }
        // DuckDB puts what failed behind its own words; a constraint's message starts otherwise.
        "TransactionContext" if message.starts_with("Failed to commit: Could not ") => {
            code_of_io(message)
        }
        "TransactionContext" if message.contains("onflict") => SqlState::SERIALIZATION_FAILURE,
        // An index over rows that were copied in the same transaction is checked as late as that.
        "TransactionContext"
            if message.starts_with("Failed to commit: PRIMARY KEY or UNIQUE constraint") =>
        {
            SqlState::UNIQUE_VIOLATION
        }
        "TransactionContext" => SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        "INTERRUPT" | "Interrupt" => SqlState::QUERY_CANCELED,
        "Out of Memory" if message.contains("max_temp_directory_size") => SqlState::DISK_FULL,
        "Out of Memory" => SqlState::OUT_OF_MEMORY,
        "Permission" => SqlState::INSUFFICIENT_PRIVILEGE,
        "Not implemented" | "Missing Extension" | "Autoloading" => SqlState::FEATURE_NOT_SUPPORTED,
        "IO" => code_of_io(message),
        "Sequence" if message.starts_with("nextval: reached") => SqlState::SEQUENCE_LIMIT_EXCEEDED,
        "Sequence" => SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        // What invalidates the instance.
        "FATAL" | "Fatal" => {
            note_fatal(message);
            SqlState::INTERNAL_ERROR
        }
        "INTERNAL" | "Internal" => SqlState::INTERNAL_ERROR,
        _ => SqlState::INVALID_PARAMETER_VALUE,
    }
}

fn code_of_io(message: &str) -> SqlState {
    if message.contains("No space left") { SqlState::DISK_FULL } else { SqlState::IO_ERROR }
}

fn code_of_binder(message: &str) -> SqlState {
    const BEGINNINGS: &[(&str, SqlState)] = &[
        ("Ambiguous reference", SqlState::AMBIGUOUS_COLUMN),
        ("No function matches", SqlState::UNDEFINED_FUNCTION),
        ("Cannot compare values", SqlState::UNDEFINED_FUNCTION),
        ("Cannot mix values", SqlState::DATATYPE_MISMATCH),
        ("Referenced table", SqlState::UNDEFINED_TABLE),
        ("Referenced column", SqlState::UNDEFINED_COLUMN),
        ("Values list", SqlState::SYNTAX_ERROR),
        ("column ", SqlState::GROUPING_ERROR),
        ("aggregate function calls", SqlState::GROUPING_ERROR),
        ("WHERE clause cannot contain aggregates", SqlState::GROUPING_ERROR),
        ("Referenced update column", SqlState::UNDEFINED_COLUMN),
        ("Duplicate alias", SqlState::DUPLICATE_COLUMN),
        ("Cannot execute statement of type", SqlState::READ_ONLY_SQL_TRANSACTION),
        ("ORDER term out of range", SqlState::INVALID_COLUMN_REFERENCE),
        ("The specified columns as conflict target", SqlState::INVALID_COLUMN_REFERENCE),
    ];
    if message.contains("does not have a column") || message.contains("does not contain column") {
        return SqlState::UNDEFINED_COLUMN;
    }
    BEGINNINGS
        .iter()
        .find(|(beginning, _)| message.starts_with(beginning))
        .map_or(SqlState::SYNTAX_ERROR, |(_, code)| *code)
}

fn code_of_constraint(message: &str) -> SqlState {
    if message.starts_with("NOT NULL") {
        SqlState::NOT_NULL_VIOLATION
    } else if message.starts_with("CHECK") {
        SqlState::CHECK_VIOLATION
    } else if message.starts_with("Violates foreign key") {
        SqlState::FOREIGN_KEY_VIOLATION
    } else if message.starts_with("Duplicate key") || message.starts_with("PRIMARY KEY or UNIQUE") {
        SqlState::UNIQUE_VIOLATION
    } else {
        SqlState::INTEGRITY_CONSTRAINT_VIOLATION
    }
}

/// The primary message: PostgreSQL's own words where the fields allow them.
fn primary(json: &JsonError, code: SqlState) -> String {
    let name = json.name.as_deref().unwrap_or_default();
    let known = !name.is_empty();
    match code {
        SqlState::UNDEFINED_TABLE if known => format!("relation \"{name}\" does not exist"),
        SqlState::INVALID_SCHEMA_NAME if known => format!("schema \"{name}\" does not exist"),
        SqlState::UNDEFINED_FUNCTION if known => format!("function {name} does not exist"),
        SqlState::UNDEFINED_COLUMN if known => format!("column \"{name}\" does not exist"),
        SqlState::UNDEFINED_OBJECT if json.exception_message.starts_with("Type with name ") => {
            let name = json.exception_message.split(' ').nth(3).unwrap_or_default();
            format!("type \"{name}\" does not exist")
        }
        SqlState::DUPLICATE_TABLE if known => format!("relation \"{name}\" already exists"),
        SqlState::DUPLICATE_SCHEMA if known => format!("schema \"{name}\" already exists"),
        SqlState::UNDEFINED_COLUMN => missing_column_message(&json.exception_message),
        SqlState::DUPLICATE_COLUMN => {
            let column = json.exception_message.split(' ').nth(3).unwrap_or_default();
            format!("column \"{column}\" specified more than once")
        }
        SqlState::UNDEFINED_FUNCTION => {
            let call = json.exception_message.split('\'').nth(1).unwrap_or_default();
            format!("function {call} does not exist")
        }
        SqlState::DATETIME_FIELD_OVERFLOW => {
            let value = json.exception_message.split('"').nth(1).unwrap_or_default();
            format!("date/time field value out of range: \"{value}\"")
        }
        SqlState::QUERY_CANCELED => "canceling statement due to user request".to_owned(),
        SqlState::DIVISION_BY_ZERO => "division by zero".to_owned(),
        SqlState::NOT_NULL_VIOLATION => not_null_message(&json.exception_message),
        SqlState::INVALID_TEXT_REPRESENTATION => input_syntax_message(&json.exception_message)
            .unwrap_or_else(|| tidy(&json.exception_message)),
        SqlState::FOREIGN_KEY_VIOLATION => "violates foreign key constraint".to_owned(),
        SqlState::UNIQUE_VIOLATION => "duplicate key value violates unique constraint".to_owned(),
        SqlState::INVALID_COLUMN_REFERENCE
            if json.exception_message.starts_with("The specified columns as conflict target") =>
        {
            "there is no unique or exclusion constraint matching the ON CONFLICT specification"
                .to_owned()
        }
        _ => tidy(&json.exception_message),
    }
}

/// `Could not convert string 'x' to INT32` in PostgreSQL's words.
fn input_syntax_message(message: &str) -> Option<String> {
    let rest = message.strip_prefix("Could not convert string ")?;
    let rest = rest.split(" when casting from source column ").next()?;
    let (value, target) = rest.rsplit_once(" to ")?;
    let value = value.trim_matches(|c| c == '\'' || c == '"');
    let pg_type = match target.trim_end_matches(['.', '\'', '"']).trim_start_matches('\'') {
        "INT8" | "INT16" => "smallint",
        "INT32" => "integer",
        "INT64" => "bigint",
        "INT128" => "numeric",
        "FLOAT" => "real",
        "DOUBLE" => "double precision",
        "BOOL" | "BOOLEAN" => "boolean",
        "UUID" => "uuid",
        target if target.starts_with("DECIMAL") => "numeric",
        _ => return None,
    };
    Some(format!("invalid input syntax for type {pg_type}: \"{value}\""))
}

/// A column that is not there, in PostgreSQL's words: DuckDB quotes the table, then the column.
fn missing_column_message(message: &str) -> String {
    let quoted: Vec<&str> = message.split('"').skip(1).step_by(2).take(2).collect();
    match (quoted.as_slice(), message.strip_prefix("Referenced update column ")) {
        (_, Some(rest)) => {
            let column = rest.split(' ').next().unwrap_or_default();
            format!("column \"{column}\" does not exist")
        }
        ([table, column], None) if message.starts_with("Table") => {
            format!("column \"{column}\" of relation \"{table}\" does not exist")
        }
        ([column, ..], None) => format!("column \"{column}\" does not exist"),
        _ => tidy(message),
    }
}

/// `NOT NULL constraint failed: t.a` in PostgreSQL's words.
fn not_null_message(message: &str) -> String {
    let place = message.rsplit_once(": ").map_or("", |(_, place)| place);
    match place.rsplit_once('.') {
        Some((table, column)) => format!(
            "null value in column \"{column}\" of relation \"{table}\" violates not-null constraint"
        ),
        None => tidy(message),
    }
}

/// Takes the first line, and lowers its first letter as PostgreSQL's style wants it.
pub(super) fn tidy(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default().trim_end_matches(['!', '.']);
    let mut chars = line.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => line.to_owned(),
    }
}

/// The key of a broken constraint: `"a: 1, b: 2"` as `(a, b)=(1, 2)`.
fn broken_key(message: &str) -> Option<String> {
    const FORMS: [(&str, &str, &str); 3] = [
        ("Duplicate key \"", "\" violates ", "already exists."),
        (
            "Violates foreign key constraint because key \"",
            "\" does not exist in the referenced table",
            "is not present in the referenced table.",
        ),
        (
            "Violates foreign key constraint because key \"",
            "\" is still referenced by a foreign key",
            "is still referenced from another table.",
        ),
    ];
    FORMS.iter().find_map(|(before, after, verdict)| {
        let (key, _) = message.strip_prefix(before)?.rsplit_once(after)?;
        let mut columns: Vec<String> = Vec::new();
        let mut values: Vec<String> = Vec::new();
        for part in key.split(", ") {
            match (part.split_once(": "), values.last_mut()) {
                (Some((column, value)), _) => {
                    columns.push(column.to_owned());
                    values.push(value.to_owned());
                }
                // A comma inside of a value.
                (None, Some(last)) => {
                    last.push_str(", ");
                    last.push_str(part);
                }
                (None, None) => return None,
            }
        }
        Some(format!("Key ({})=({}) {verdict}", columns.join(", "), values.join(", ")))
    })
}

/// The lines after the first, and the key of a duplicate.
fn detail(message: &str) -> Option<String> {
    if let Some(detail) = broken_key(message) {
        return Some(detail);
    }
    if let Some((_, key)) = message.split_once("duplicate key ") {
        return Some(format!("Key {} already exists.", key.trim_end_matches('.')));
    }
    let rest: Vec<&str> = message
        .lines()
        .skip(1)
        .filter(|line| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with("Did you mean") && !line.starts_with("LINE ")
        })
        .collect();
    (!rest.is_empty()).then(|| rest.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_told_by_fields_and_never_by_the_users_text() {
        let missing = r#"Catalog Error: {"exception_type":"Catalog","exception_message":"Table with name nope does not exist!\nDid you mean \"pg_enum\"?","candidates":"pg_enum","position":"14","error_subtype":"MISSING_ENTRY","type":"Table","name":"nope"}"#;
        let error = from_duckdb_message(missing);
        assert_eq!(error.code(), SqlState::UNDEFINED_TABLE);
        assert_eq!(error.message(), "relation \"nope\" does not exist");
        assert_eq!(error.position(), Some(15));
        let echo = r#"Conversion Error: {"exception_type":"Conversion","exception_message":"Could not convert string 'INTERNAL Error: x' to INT32"}"#;
        assert_eq!(from_duckdb_message(echo).code(), SqlState::INVALID_TEXT_REPRESENTATION);
    }

    #[test]
    fn constraints_have_their_own_codes() {
        let of = |message: &str| {
            let json = serde_json::json!(
                {"exception_type": "Constraint", "exception_message": message});
            from_duckdb_message(&format!("Constraint Error: {json}"))
        };
        let null = of("NOT NULL constraint failed: t.a");
        assert_eq!(null.code(), SqlState::NOT_NULL_VIOLATION);
        assert!(null.message().starts_with("null value in column \"a\" of relation \"t\""));
        let twice = of("PRIMARY KEY or UNIQUE constraint violation: duplicate key \"1\"");
        assert_eq!(twice.code(), SqlState::UNIQUE_VIOLATION);
        assert_eq!(twice.detail(), Some("Key \"1\" already exists."));
        assert_eq!(of("CHECK constraint failed on table u").code(), SqlState::CHECK_VIOLATION);
    }
}
