//! ALTER TYPE … ADD VALUE, and what becomes of a dropped enum's columns. DuckDB cannot change an
//! enum, and columns keep its labels, not its name: the type is made anew, and every column with
//! just these labels gets the new ones.

use super::Definer;
use super::drop::depended_on;
use crate::catalog::{duckdb_schema, duckdb_table};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::EnumPlace;
use crate::sqlstate::SqlState;
use crate::types::Value;

impl Definer<'_> {
    /// Adds a label to an enum.
    pub(super) fn add_enum_value(
        &mut self,
        candidates: &[TableName],
        value: &str,
        if_not_exists: bool,
        place: &EnumPlace,
    ) -> Result<()> {
        let (name, mut labels) = self.enum_labels(candidates)?;
        if labels.iter().any(|label| label == value) {
            if if_not_exists {
                return Ok(());
            }
            return Err(Error::new(
                SqlState::DUPLICATE_OBJECT,
                format!("enum label \"{value}\" already exists"),
            ));
        }
        let before = enum_type(&labels);
        let find = |neighbour: &String| {
            labels.iter().position(|label| label == neighbour).ok_or_else(|| {
                Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("\"{neighbour}\" is not an existing enum label"),
                )
            })
        };
        let index = match place {
            EnumPlace::Last => labels.len(),
            EnumPlace::Before(neighbour) => find(neighbour)?,
            EnumPlace::After(neighbour) => find(neighbour)? + 1,
        };
        labels.insert(index, value.to_owned());
        let after = enum_type(&labels);
        let quoted = duckdb_table(&name);
        self.connection.run(&format!("DROP TYPE {quoted}"))?;
        self.connection.run(&format!("CREATE TYPE {quoted} AS {after}"))?;
        self.retype_columns(&before, &after)
    }

    fn enum_labels(&mut self, candidates: &[TableName]) -> Result<(TableName, Vec<String>)> {
        for name in candidates {
            let rows = self.connection.text_rows(
                "SELECT unnest(CAST(labels AS VARCHAR[])) FROM duckdb_types()
                 WHERE database_name = current_database() AND schema_name = $1
                     AND type_name = $2 AND logical_type = 'ENUM'",
                &[
                    Value::Text(duckdb_schema(&name.schema).to_owned()),
                    Value::Text(name.table.clone()),
                ],
            )?;
            if !rows.is_empty() {
                return Ok((name.clone(), rows.into_iter().flatten().collect()));
            }
        }
        let name = candidates.first().map_or("", |name| name.table.as_str());
        Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist")))
    }

    fn retype_columns(&mut self, before: &str, after: &str) -> Result<()> {
        for (table, column, data_type) in self.columns_of(before)? {
            let table = self.existing(&table)?;
            let data_type = data_type.replacen(before, after, 1);
            self.set_type(table, &column, &data_type, (None, None), None)?;
        }
        Ok(())
    }

    /// Drops a type's columns by CASCADE, or refuses. Those of a type whose labels another type
    /// has, too, stay: they may be the other's.
    pub(super) fn drop_columns_of_type(&mut self, name: &TableName, cascade: bool) -> Result<()> {
        let Ok((_, labels)) = self.enum_labels(std::slice::from_ref(name)) else { return Ok(()) };
        let of_enum = enum_type(&labels);
        let twins = self.connection.text_rows(
            "SELECT type_name FROM duckdb_types() JOIN (
                 SELECT labels AS own FROM duckdb_types()
                 WHERE database_name = current_database() AND schema_name = $1 AND type_name = $2)
             ON labels = own
             WHERE database_name = current_database() AND logical_type = 'ENUM'",
            &[Value::Text(duckdb_schema(&name.schema).to_owned()), Value::Text(name.table.clone())],
        )?;
        if twins.len() > 1 {
            return Ok(());
        }
        let columns = self.columns_of(&of_enum)?;
        if !cascade && !columns.is_empty() {
            let line = |(table, column, data_type): &(TableName, String, String)| {
                let array = if data_type.ends_with("[]") { "[]" } else { "" };
                format!(
                    "column {column} of table {} depends on type {}{array}",
                    table.table, name.table
                )
            };
            let detail: Vec<String> = columns.iter().map(line).collect();
            return Err(depended_on("type", &name.table, &detail.join("\n")));
        }
        for (table, column, _) in columns {
            let table = self.existing(&table)?;
            self.drop_column(&table, &column, true, true)?;
        }
        Ok(())
    }

    /// Lists the tables' columns of an enum, or of arrays of it, with their types.
    fn columns_of(&mut self, of_enum: &str) -> Result<Vec<(TableName, String, String)>> {
        let rows = self.connection.text_rows(
            "SELECT schema_name, table_name, column_name, data_type
             FROM duckdb_columns()
             JOIN duckdb_tables() USING (database_name, schema_name, table_name)
             WHERE database_name = current_database() AND data_type IN ($1, $1 || '[]')",
            &[Value::Text(of_enum.to_owned())],
        )?;
        let column = |row: Vec<String>| {
            let [schema, table, column, data_type] = row.try_into().ok()?;
            let schema = if schema == "main" { "public".to_owned() } else { schema };
            Some((TableName::new(schema, table), column, data_type))
        };
        Ok(rows.into_iter().filter_map(column).collect())
    }
}

/// Writes an enum as DuckDB shows it.
fn enum_type(labels: &[String]) -> String {
    let labels: Vec<String> =
        labels.iter().map(|label| format!("'{}'", label.replace('\'', "''"))).collect();
    format!("ENUM({})", labels.join(", "))
}
