//! Violated constraints by PostgreSQL's names and in its words: DuckDB tells the key, not the name.

use super::WriteConnection;
use super::instance::text_rows_with;
use crate::catalog::duckdb_schema;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sqlstate::SqlState;
use crate::types::Value;

/// What a table's rows must keep, unique indexes among it.
const CONSTRAINTS: &str = "
SELECT constraint_type, constraint_name, array_to_string(constraint_column_names, chr(31)),
       constraint_text, coalesce(referenced_table, ''),
       coalesce(array_to_string(referenced_column_names, chr(31)), '')
FROM duckdb_constraints()
WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
UNION ALL
SELECT 'INDEX', index_name, replace(trim(expressions, '[]'), ', ', chr(31)), '', '', ''
FROM duckdb_indexes()
WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2 AND is_unique";

/// Between two columns in what `CONSTRAINTS` gives: no name has it.
const BETWEEN: char = '\u{1f}';

struct Constraint {
    kind: String,
    name: String,
    columns: Vec<String>,
    text: String,
    referenced: String,
    referenced_columns: Vec<String>,
}

impl WriteConnection {
    /// Puts the name of the constraint into an error that a change of a table met, where it can
    /// be found. Only outside of a transaction: a failed one answers nothing.
    pub fn name_violation(&mut self, table: &TableName, error: Error) -> Error {
        if error.code().class() != "23" || error.code() == SqlState::NOT_NULL_VIOLATION {
            return error;
        }
        let Ok(constraints) = self.constraints(table) else { return error };
        explained(&table.table, &constraints, &error).unwrap_or(error)
    }

    fn constraints(&mut self, table: &TableName) -> Result<Vec<Constraint>> {
        let params = [
            Value::Text(duckdb_schema(&table.schema).to_owned()),
            Value::Text(table.table.clone()),
        ];
        let rows = text_rows_with(&mut self.connection, CONSTRAINTS, &params)?;
        let list = |text: &str| text.split(BETWEEN).map(unquoted).collect();
        let constraint = |row: &Vec<String>| {
            let [kind, name, columns, text, referenced, referenced_columns] = row.as_slice() else {
                return None;
            };
            Some(Constraint {
                kind: kind.clone(),
                name: name.clone(),
                columns: list(columns),
                text: text.clone(),
                referenced: referenced.clone(),
                referenced_columns: list(referenced_columns),
            })
        };
        Ok(rows.iter().filter_map(constraint).collect())
    }
}

fn unquoted(name: &str) -> String {
    let bare = name.trim_matches('\'').trim_matches('"');
    bare.replace("\"\"", "\"")
}

fn explained(table: &str, constraints: &[Constraint], error: &Error) -> Option<Error> {
    match error.code() {
        SqlState::UNIQUE_VIOLATION => unique(table, constraints, error),
        SqlState::CHECK_VIOLATION => {
            let (_, text) = error.message().split_once(" with expression ")?;
            let found = constraints.iter().find(|c| c.kind == "CHECK" && c.text == text)?;
            let message = format!(
                "new row for relation \"{table}\" violates check constraint \"{}\"",
                found.name
            );
            Some(Error::new(SqlState::CHECK_VIOLATION, message))
        }
        SqlState::FOREIGN_KEY_VIOLATION => {
            let key = error.message().split_once("because key \"")?.1;
            let key = key.rsplit_once("\" does not exist")?.0;
            let (found, values) = constraints.iter().find_map(|constraint| {
                let values = values_of(key, &constraint.referenced_columns)?;
                (constraint.kind == "FOREIGN KEY").then_some((constraint, values))
            })?;
            let columns = found.columns.join("_");
            let message = format!(
                "insert or update on table \"{table}\" violates foreign key constraint \
                 \"{table}_{columns}_fkey\""
            );
            Some(Error::new(SqlState::FOREIGN_KEY_VIOLATION, message).with_detail(format!(
                "Key ({})=({values}) is not present in table \"{}\".",
                found.columns.join(", "),
                found.referenced
            )))
        }
        _ => None,
    }
}

fn unique(table: &str, constraints: &[Constraint], error: &Error) -> Option<Error> {
    let unique: Vec<&Constraint> = constraints
        .iter()
        .filter(|c| matches!(c.kind.as_str(), "PRIMARY KEY" | "UNIQUE" | "INDEX"))
        .collect();
    let key = error.detail()?.strip_prefix("Key \"")?.strip_suffix("\" already exists.")?;
    let named = unique.iter().find_map(|found| Some((*found, values_of(key, &found.columns)?)));
    let (found, values) = match named {
        Some(found) => found,
        // Twice in the same statement: DuckDB tells the values only.
        None => (*unique.first().filter(|_| unique.len() == 1)?, key.to_owned()),
    };
    let name = match found.kind.as_str() {
        "PRIMARY KEY" => format!("{table}_pkey"),
        _ => found.name.clone(),
    };
    let message = format!("duplicate key value violates unique constraint \"{name}\"");
    let detail = format!("Key ({})=({values}) already exists.", found.columns.join(", "));
    Some(Error::new(SqlState::UNIQUE_VIOLATION, message).with_detail(detail))
}

/// Reads `a: 1, b: x` as the values of these columns, `1, x`; `None` when it has others.
fn values_of(key: &str, columns: &[String]) -> Option<String> {
    let (first, more) = columns.split_first()?;
    let mut rest = key.strip_prefix(first.as_str())?.strip_prefix(": ")?;
    let mut values = String::new();
    for column in more {
        let (value, behind) = rest.split_once(&format!(", {column}: "))?;
        values.push_str(value);
        values.push_str(", ");
        rest = behind;
    }
    values.push_str(rest);
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constraint(kind: &str, name: &str, columns: &[&str], text: &str) -> Constraint {
        Constraint {
            kind: kind.into(),
            name: name.into(),
            columns: columns.iter().map(ToString::to_string).collect(),
            text: text.into(),
            referenced: "p".into(),
            referenced_columns: vec!["id".into()],
        }
    }

    #[test]
    fn constraints_are_found_by_their_columns() {
        let all = [
            constraint("PRIMARY KEY", "t_a_b_pkey", &["a", "b"], ""),
            constraint("UNIQUE", "t_c_key", &["c"], ""),
            constraint("CHECK", "t_c_check", &["c"], "CHECK((c > 0))"),
            constraint("FOREIGN KEY", "t_c_id_fkey", &["c"], ""),
        ];
        let of = |code, message: &str, detail: &str| {
            let error = explained("t", &all, &Error::new(code, message).with_detail(detail));
            error.map(|e| (e.message().to_owned(), e.detail().unwrap_or_default().to_owned()))
        };
        let (message, detail) =
            of(SqlState::UNIQUE_VIOLATION, "", "Key \"a: 1, b: x, y: z\" already exists.").unwrap();
        assert!(message.ends_with("\"t_pkey\""), "{message}");
        assert_eq!(detail, "Key (a, b)=(1, x, y: z) already exists.");
        let (message, _) =
            of(SqlState::UNIQUE_VIOLATION, "", "Key \"c: 5\" already exists.").unwrap();
        assert!(message.ends_with("\"t_c_key\""), "{message}");
        assert_eq!(of(SqlState::UNIQUE_VIOLATION, "", "Key \"5\" already exists."), None);
        let failed = "CHECK constraint failed on table t with expression CHECK((c > 0))";
        let (message, _) = of(SqlState::CHECK_VIOLATION, failed, "").unwrap();
        assert!(message.ends_with("violates check constraint \"t_c_check\""), "{message}");
        let failed = "violates foreign key constraint because key \"id: 9\" does not exist in the referenced table";
        let (message, detail) = of(SqlState::FOREIGN_KEY_VIOLATION, failed, "").unwrap();
        assert!(message.ends_with("\"t_c_fkey\""), "{message}");
        assert_eq!(detail, "Key (c)=(9) is not present in table \"p\".");
    }
}
