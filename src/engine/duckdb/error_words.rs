//! DuckDB's messages that mean one error of PostgreSQL: its SQLSTATE and words.
//!
//! A message is told by its fixed beginning and, where that is not enough, its fixed end; what
//! stands between may be the user's. Not here: errors that DuckDB's own fields tell (`error.rs`).

use crate::error::Error;
use crate::sqlstate::SqlState;

/// How a message begins, how it ends, what it means, and PostgreSQL's words: `{0}` stands for the
/// first quoted name in the message, `{-}` for what is between beginning and end, and no words for
/// DuckDB's own.
type Row = (&'static str, &'static str, SqlState, &'static str);

const MESSAGES: &[Row] = &[
    // Names.
    (
        "Ambiguous reference to table",
        "",
        SqlState::DUPLICATE_ALIAS,
        "table name \"{0}\" specified more than once",
    ),
    (
        "Duplicate CTE name",
        "",
        SqlState::DUPLICATE_ALIAS,
        "WITH query name \"{0}\" specified more than once",
    ),
    (
        "Duplicate column name",
        "in INSERT",
        SqlState::DUPLICATE_COLUMN,
        "column \"{0}\" specified more than once",
    ),
    (
        "Column \"",
        "does not exist on left side of join!",
        SqlState::UNDEFINED_COLUMN,
        "column \"{0}\" specified in USING clause does not exist in left table",
    ),
    (
        "Column \"",
        "does not exist on right side of join!",
        SqlState::UNDEFINED_COLUMN,
        "column \"{0}\" specified in USING clause does not exist in right table",
    ),
    (
        "Circular reference to CTE",
        "",
        SqlState::INVALID_RECURSION,
        "recursive query \"{0}\" does not have the form non-recursive-term UNION [ALL] \
         recursive-term",
    ),
    ("window \"", "", SqlState::UNDEFINED_OBJECT, "window \"{0}\" does not exist"),
    // Where aggregates and windows may stand.
    (
        "WHERE clause cannot contain window functions",
        "",
        SqlState::WINDOWING_ERROR,
        "window functions are not allowed in WHERE",
    ),
    (
        "GROUP BY clause cannot contain aggregates",
        "",
        SqlState::GROUPING_ERROR,
        "aggregate functions are not allowed in GROUP BY",
    ),
    (
        "INSERT statement cannot contain aggregates",
        "",
        SqlState::GROUPING_ERROR,
        "aggregate functions are not allowed in VALUES",
    ),
    ("Aggregate functions are not allowed in UPDATE", "", SqlState::GROUPING_ERROR, ""),
    (
        "GROUPING statement cannot be used without groups",
        "",
        SqlState::GROUPING_ERROR,
        "arguments to GROUPING must be grouping expressions of the associated query level",
    ),
    ("GROUP BY term out of range", "", SqlState::INVALID_COLUMN_REFERENCE, ""),
    ("table \"", "columns specified", SqlState::INVALID_COLUMN_REFERENCE, ""),
    (
        "LIMIT/OFFSET cannot be negative",
        "",
        SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE,
        "LIMIT must not be negative",
    ),
    ("frame start cannot be UNBOUNDED FOLLOWING", "", SqlState::WINDOWING_ERROR, ""),
    ("frame end cannot be UNBOUNDED PRECEDING", "", SqlState::WINDOWING_ERROR, ""),
    (
        "In a DISTINCT aggregate, ORDER BY expressions must appear",
        "",
        SqlState::INVALID_COLUMN_REFERENCE,
        "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list",
    ),
    (
        "Could not ORDER BY column",
        "",
        SqlState::FEATURE_NOT_SUPPORTED,
        "invalid UNION/INTERSECT/EXCEPT ORDER BY clause",
    ),
    (
        "PERCENTILEs can only take parameters in the range [0, 1]",
        "",
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        "percentile value is not between 0 and 1",
    ),
    (
        "Argument for ntile must be greater than zero",
        "",
        SqlState::INVALID_ARGUMENT_FOR_NTILE_FUNCTION,
        "argument of ntile must be greater than zero",
    ),
    // Functions that are of another kind than they are used as.
    (
        "Function \"",
        "are only applicable to aggregate functions.",
        SqlState::WRONG_OBJECT_TYPE,
        "DISTINCT, FILTER or ORDER BY specified, but {0} is not an aggregate function",
    ),
    // Types.
    ("Cannot concatenate types", "", SqlState::UNDEFINED_FUNCTION, ""),
    ("Cannot combine types of", "", SqlState::DATATYPE_MISMATCH, ""),
    ("Could not choose a best candidate function", "", SqlState::AMBIGUOUS_FUNCTION, ""),
    ("Unimplemented type for cast", "", SqlState::CANNOT_COERCE, ""),
    ("Cannot extract field", "", SqlState::WRONG_OBJECT_TYPE, ""),
    ("Failed to cast value to numerical", "", SqlState::INVALID_PARAMETER_VALUE, ""),
    // Arguments.
    (
        "cannot take square root of a negative number",
        "",
        SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
        "",
    ),
    ("cannot take logarithm of", "", SqlState::INVALID_ARGUMENT_FOR_LOGARITHM, ""),
    ("ASIN is undefined", "", SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range"),
    ("ACOS is undefined", "", SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range"),
    (
        "Invalid escape string. Escape string must be empty or one character",
        "",
        SqlState::INVALID_ESCAPE_SEQUENCE,
        "invalid escape string",
    ),
    (
        "missing ): ",
        "",
        SqlState::INVALID_REGULAR_EXPRESSION,
        "invalid regular expression: parentheses () not balanced",
    ),
    (
        "unexpected ): ",
        "",
        SqlState::INVALID_REGULAR_EXPRESSION,
        "invalid regular expression: parentheses () not balanced",
    ),
    (
        "missing ]: ",
        "",
        SqlState::INVALID_REGULAR_EXPRESSION,
        "invalid regular expression: brackets [] not balanced",
    ),
    (
        "no argument for repetition operator: ",
        "",
        SqlState::INVALID_REGULAR_EXPRESSION,
        "invalid regular expression: quantifier operand invalid",
    ),
    (
        "Unknown TimeZone '",
        "",
        SqlState::INVALID_PARAMETER_VALUE,
        "time zone \"{0}\" not recognized",
    ),
    (
        "extract specifier \"",
        "\" not recognized",
        SqlState::INVALID_PARAMETER_VALUE,
        "unit \"{0}\" not recognized",
    ),
    (
        "Failure in decode: could not convert blob to UTF8 string",
        "",
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        "invalid byte sequence for encoding \"UTF8\"",
    ),
    (
        "Date out of range: ",
        "",
        SqlState::DATETIME_FIELD_OVERFLOW,
        "date field value out of range: {-}",
    ),
    (
        "Time out of range: ",
        "",
        SqlState::DATETIME_FIELD_OVERFLOW,
        "time field value out of range: {-}",
    ),
    // Definitions.
    (
        "Failed to create foreign key: there is no primary key or unique constraint for referenced \
         table ",
        "",
        SqlState::INVALID_FOREIGN_KEY,
        "there is no unique constraint matching given keys for referenced table \"{0}\"",
    ),
    (
        "DEFAULT value cannot contain column names",
        "",
        SqlState::FEATURE_NOT_SUPPORTED,
        "cannot use column reference in DEFAULT expression",
    ),
    (
        "Attempted to create ENUM type with duplicate value",
        "",
        SqlState::UNIQUE_VIOLATION,
        "duplicate key value violates unique constraint \"pg_enum_typid_label_index\"",
    ),
    (
        "Cannot insert into a generated column",
        "",
        SqlState::GENERATED_ALWAYS,
        "cannot insert a non-DEFAULT value into a generated column",
    ),
    (
        "Cant update column \"",
        "because it is a generated column!",
        SqlState::GENERATED_ALWAYS,
        "column \"{0}\" can only be updated to DEFAULT",
    ),
];

/// Finds what a message means.
pub(super) fn known(message: &str) -> Option<Error> {
    let line = message.lines().next()?;
    let (begins, ends, code, words) = MESSAGES.iter().find(|(begins, ends, _, _)| {
        let matches_start = line.len() >= begins.len()
            && line.as_bytes()[..begins.len()].eq_ignore_ascii_case(begins.as_bytes());
        matches_start && line.ends_with(ends)
    })?;
    if words.is_empty() {
        return Some(Error::new(*code, super::error::tidy(line)));
    }
    let between = line.get(begins.len()..).unwrap_or_default().trim_end_matches(ends);
    let words = words.replace("{0}", &quoted(line)).replace("{-}", between.trim());
    Some(Error::new(*code, words))
}

/// The first name in quotes, without the database and schema that DuckDB puts before a table's.
fn quoted(line: &str) -> String {
    let name = match (line.split_once('"'), line.split_once('\'')) {
        (Some((before, rest)), other) if other.is_none_or(|(b, _)| before.len() < b.len()) => {
            rest.split('"').next()
        }
        (_, Some((_, rest))) => rest.split('\'').next(),
        _ => None,
    };
    let name = name.unwrap_or_default();
    let is_path = name.split('.').count() == 3 && !name.contains(' ');
    if is_path { name.rsplit('.').next().unwrap_or(name) } else { name }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_by_their_fixed_parts() {
        let cases = [
            ("Duplicate CTE name \"q\"", "42712", "WITH query name \"q\" specified more than once"),
            (
                "Ambiguous reference to table \"db.public.a\" (duplicate alias \"db.public.a\")",
                "42712",
                "table name \"a\" specified more than once",
            ),
            ("Unknown TimeZone 'No/Where'", "22023", "time zone \"No/Where\" not recognized"),
            ("Unimplemented type for cast (DATE -> INTEGER)", "42846", ""),
            ("Date out of range: 2024-13-1", "22008", "date field value out of range: 2024-13-1"),
        ];
        for (message, code, words) in cases {
            let error = known(message).unwrap();
            assert_eq!(error.code().as_str(), code, "{message}");
            if !words.is_empty() {
                assert_eq!(error.message(), words);
            }
        }
        assert!(known("Something else: Unknown TimeZone 'x'").is_none());
    }
}
