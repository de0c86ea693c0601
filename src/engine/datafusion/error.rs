//! DataFusion's and Arrow's errors as PostgreSQL's.
//!
//! An error of our own that passed through DataFusion comes out unchanged. Others are told by
//! their variant, and by their text only where DataFusion has no variant for what matters.

use std::error::Error as StdError;

use ::datafusion::common::SchemaError;
use ::datafusion::error::DataFusionError;
use arrow::error::ArrowError;

use super::catalog::SEARCH_PATH;
use crate::error::Error;
use crate::sqlstate::SqlState;

/// Translates an error of DataFusion.
pub(super) fn translate(error: &DataFusionError) -> Error {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            translate(inner)
        }
        DataFusionError::Shared(inner) => translate(inner),
        DataFusionError::Collection(all) => match all.first() {
            Some(first) => translate(first),
            None => Error::internal("a query failed without an error"),
        },
        DataFusionError::External(inner) => external(inner.as_ref()),
        DataFusionError::ArrowError(inner, _) => arrow(inner),
        DataFusionError::SchemaError(inner, _) => schema(inner),
        DataFusionError::SQL(inner, _) => Error::syntax(first_line(&inner.to_string())),
        DataFusionError::Plan(text) => plan(text),
        DataFusionError::NotImplemented(text) => Error::unsupported(first_line(text)),
        DataFusionError::ResourcesExhausted(text) => exhausted(text),
        DataFusionError::Execution(text) => execution(text),
        DataFusionError::IoError(inner) => Error::io("could not read or spill", inner),
        DataFusionError::ObjectStore(inner) => {
            Error::new(SqlState::IO_ERROR, format!("could not read a dataset's file: {inner}"))
        }
        DataFusionError::Configuration(text) => {
            Error::new(SqlState::INVALID_PARAMETER_VALUE, first_line(text))
        }
        DataFusionError::Internal(_)
        | DataFusionError::ExecutionJoin(_)
        | DataFusionError::Substrait(_)
        | DataFusionError::Ffi(_) => {
            Error::internal(format!("DataFusion failed: {}", first_line(&error.to_string())))
        }
    }
}

fn external(error: &(dyn StdError + Send + Sync + 'static)) -> Error {
    if let Some(own) = error.downcast_ref::<Error>() {
        return own.clone();
    }
    if let Some(inner) = error.downcast_ref::<DataFusionError>() {
        return translate(inner);
    }
    if let Some(inner) = error.downcast_ref::<ArrowError>() {
        return arrow(inner);
    }
    Error::internal(format!("a query failed: {error}"))
}

/// Translates an error of Arrow's computations.
fn arrow(error: &ArrowError) -> Error {
    match error {
        ArrowError::DivideByZero => Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"),
        ArrowError::ArithmeticOverflow(text) => out_of_range(text),
        ArrowError::CastError(text) | ArrowError::ParseError(text) => cast(text),
        ArrowError::ExternalError(inner) => external(inner.as_ref()),
        ArrowError::IoError(_, inner) => Error::io("could not read a dataset's file", inner),
        ArrowError::IpcError(text) => {
            Error::new(SqlState::DATA_CORRUPTED, format!("a dataset's file is damaged: {text}"))
        }
        ArrowError::NotYetImplemented(text) => Error::unsupported(first_line(text)),
        ArrowError::ComputeError(text) | ArrowError::InvalidArgumentError(text) => execution(text),
        ArrowError::OffsetOverflowError(_) | ArrowError::MemoryError(_) => {
            Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "an intermediate result is too large")
        }
        ArrowError::SchemaError(_)
        | ArrowError::CsvError(_)
        | ArrowError::JsonError(_)
        | ArrowError::AvroError(_)
        | ArrowError::ParquetError(_)
        | ArrowError::CDataInterface(_)
        | ArrowError::DictionaryKeyOverflowError
        | ArrowError::RunEndIndexOverflowError => {
            Error::internal(format!("a query failed: {}", first_line(&error.to_string())))
        }
    }
}

fn schema(error: &SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound { field, .. } => {
            let name = match &field.relation {
                Some(relation) => format!("{}.{}", relation.table(), field.name),
                None => format!("\"{}\"", field.name),
            };
            let message = format!("column {name} does not exist");
            Error::new(SqlState::UNDEFINED_COLUMN, message)
        }
        SchemaError::AmbiguousReference { field } => {
            let message = format!("column reference \"{}\" is ambiguous", field.name);
            Error::new(SqlState::AMBIGUOUS_COLUMN, message)
        }
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => {
            let message = format!("column name \"{name}\" is used twice");
            Error::new(SqlState::DUPLICATE_COLUMN, message)
                .with_hint("Give one of the columns another name.")
        }
    }
}

fn plan(text: &str) -> Error {
    if let Some(name) = between(text, "table '", "' not found") {
        let parts: Vec<&str> = name.split('.').collect();
        let shown = match parts.as_slice() {
            [_, path, table] if *path == SEARCH_PATH => (*table).to_owned(),
            [_, schema, table] => format!("{schema}.{table}"),
            _ => name.to_owned(),
        };
        let message = format!("relation \"{shown}\" does not exist");
        return Error::new(SqlState::UNDEFINED_TABLE, message);
    }
    if let Some(name) = between(text, "Invalid function '", "'") {
        let message = format!("function {name} does not exist");
        return Error::new(SqlState::UNDEFINED_FUNCTION, message);
    }
    if text.contains("GROUP BY") {
        let column = between(text, "column \"", "\"").or_else(|| between(text, "column '", "'"));
        let message = match column {
            Some(column) => format!(
                "column \"{column}\" must appear in the GROUP BY clause \
                 or be used in an aggregate function"
            ),
            None => lower_first(first_line(text)),
        };
        return Error::new(SqlState::GROUPING_ERROR, message);
    }
    let code = if text.contains("No function matches")
        || text.contains("coercion from")
        || text.contains("Cannot infer common argument type")
        || text.contains("does not support")
        || text.contains("Failed to coerce")
    {
        SqlState::UNDEFINED_FUNCTION
    } else if text.contains("coerce") || text.contains("Cannot automatically convert") {
        SqlState::DATATYPE_MISMATCH
    } else if text.contains("Unsupported CAST") || text.contains("Cannot cast") {
        SqlState::CANNOT_COERCE
    } else {
        SqlState::SYNTAX_ERROR
    };
    Error::new(code, lower_first(first_line(text)))
}

fn execution(text: &str) -> Error {
    let lower = text.to_ascii_lowercase();
    if lower.contains("overflow") || lower.contains("out of range") {
        return out_of_range(text);
    }
    if lower.contains("divide by zero") || lower.contains("division by zero") {
        return Error::new(SqlState::DIVISION_BY_ZERO, "division by zero");
    }
    if lower.contains("parsing") || lower.contains("parse") || lower.contains("cast") {
        return cast(text);
    }
    if lower.contains("more than one row") {
        let message = "more than one row returned by a subquery used as an expression";
        return Error::new(SqlState::CARDINALITY_VIOLATION, message);
    }
    Error::new(SqlState::INVALID_PARAMETER_VALUE, lower_first(first_line(text)))
}

/// Tells a value that is no such type from one that does not fit it.
fn cast(text: &str) -> Error {
    if let Some(value) = between(text, "Cannot cast string '", "' to value of") {
        let name = between(text, "to value of ", " type").map_or("the type", type_name);
        let fits_no_integer =
            value.trim_start_matches(['-', '+']).bytes().all(|b| b.is_ascii_digit())
                && !value.trim_start_matches(['-', '+']).is_empty();
        if fits_no_integer && ["smallint", "integer", "bigint"].contains(&name) {
            let message = format!("value \"{value}\" is out of range for type {name}");
            return Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message);
        }
        let message = format!("invalid input syntax for type {name}: \"{value}\"");
        return Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message);
    }
    if let Some(value) = between(text, "Error parsing timestamp from '", "'") {
        let message = format!("invalid input syntax for type timestamp: \"{value}\"");
        return Error::new(SqlState::INVALID_DATETIME_FORMAT, message);
    }
    if let Some(name) =
        between(text, "Can't cast value ", "\n").or_else(|| after(text, "Can't cast value "))
    {
        let name = after(name, "to type ").map_or("the type", |t| type_name(t.trim()));
        let message = format!("{name} out of range");
        return Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message);
    }
    if text.contains("overflow") || text.contains("too large") || text.contains("out of range") {
        return out_of_range(text);
    }
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, lower_first(first_line(text)))
}

fn out_of_range(text: &str) -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range")
        .with_detail(format!("{}.", first_line(text).trim_end_matches('.')))
}

fn exhausted(text: &str) -> Error {
    if text.contains("disk space") {
        return Error::new(SqlState::DISK_FULL, "the query needs more disk than it may spill to")
            .with_hint("Ask for less at once, or raise spill_max_mib.");
    }
    Error::new(SqlState::OUT_OF_MEMORY, "out of memory")
        .with_detail(format!("{}.", first_line(text).trim_end_matches('.')))
        .with_hint("Ask for less at once, or raise datafusion_memory_mib.")
}

/// PostgreSQL's name of an Arrow type in a message.
fn type_name(arrow: &str) -> &str {
    match arrow {
        "Boolean" => "boolean",
        "Int16" => "smallint",
        "Int32" => "integer",
        "Int64" => "bigint",
        "Float32" => "real",
        "Float64" => "double precision",
        "Date32" => "date",
        name if name.starts_with("Decimal") => "numeric",
        name if name.starts_with("Timestamp") => "timestamp",
        name if name.starts_with("Time") => "time",
        name if name.starts_with("Interval") => "interval",
        name => name,
    }
}

fn between<'a>(text: &'a str, before: &str, behind: &str) -> Option<&'a str> {
    let rest = after(text, before)?;
    rest.find(behind).and_then(|end| rest.get(..end))
}

fn after<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    text.find(before).and_then(|at| text.get(at + before.len()..))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_end_matches('.')
}

fn lower_first(text: &str) -> String {
    let mut rest = text.chars();
    match rest.next() {
        // A word in capitals, such as LIMIT, stays.
        Some(first) if !rest.as_str().starts_with(|c: char| c.is_uppercase()) => {
            first.to_lowercase().chain(rest).collect()
        }
        _ => text.to_owned(),
    }
}
