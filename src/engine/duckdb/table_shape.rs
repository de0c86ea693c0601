//! What rows of a table must look like, read from DuckDB's catalog.

use super::instance::{DuckDb, text_rows_with};
use crate::catalog::duckdb_schema;
use crate::error::Result;
use crate::ids::TableName;
use crate::types::{Column, PgType, ScalarType, Value, numeric_typmod};

/// A table as far as an INSERT of plain values depends on it.
#[derive(Clone, Debug, PartialEq)]
pub struct TableShape {
    pub name: TableName,
    pub columns: Vec<ShapeColumn>,
    /// Something beside types and NOT NULL may refuse a row: a key, a CHECK, an index.
    pub constrained: bool,
    /// Some column is computed of others.
    pub generated: bool,
}

/// One column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct ShapeColumn {
    pub name: String,
    /// `None` for a type whose values are not all values of one of PostgreSQL's types.
    pub column: Option<Column>,
    pub not_null: bool,
    /// The default's expression.
    pub default: Option<String>,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Relation {
    Table(TableShape),
    /// A view.
    Other,
    Missing,
}

/// The last is what a CHECK tells of a type, see [`crate::sql::DeclaredType`].
const COLUMNS: &str = "
SELECT column_name, data_type, is_nullable::varchar, (column_default IS NOT NULL)::varchar,
       coalesce(column_default, ''), coalesce(declared, '')
FROM duckdb_columns()
LEFT JOIN (
    SELECT constraint_column_names[1] AS of_column,
           CASE WHEN contains(expression, '(''[type] ')
                THEN regexp_extract(expression, '\\(''\\[type\\] ([0-9]+ -?[0-9]+)''\\)', 1)
                WHEN contains(expression, '(''[22001] value too long for type character varying(')
                THEN '1043 '
                     || (regexp_extract(expression, ' varying\\(([0-9]+)\\)', 1)::integer + 4)
                ELSE '1042 '
                     || (regexp_extract(expression, ' character\\(([0-9]+)\\)', 1)::integer + 4)
           END AS declared
    FROM duckdb_constraints()
    WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
          AND (contains(expression, '(''[type] ')
               OR contains(expression, '(''[22001] value too long for type ')))
  ON of_column = column_name
WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
ORDER BY column_index";

const TABLE: &str = "
SELECT 'table', sql,
       ((SELECT count(*) FROM duckdb_constraints() AS c
         WHERE c.table_oid = t.table_oid AND c.database_oid = t.database_oid
               AND c.constraint_type <> 'NOT NULL'
               AND NOT contains(coalesce(c.expression, ''), '(''[type] '))
        + index_count > 0)::varchar
FROM duckdb_tables() AS t
WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
UNION ALL
SELECT 'view', '', 'true' FROM duckdb_views()
WHERE database_name = current_database() AND schema_name = $1 AND view_name = $2";

/// Tables and views of the data file whose names say which they are, and whether there are macros:
/// what decides which reads can be told apart by the names in them.
const NAMES: &str = "
SELECT 'table', table_name FROM duckdb_tables() WHERE database_name = current_database()
UNION ALL
SELECT 'view', view_name FROM duckdb_views() WHERE database_name = current_database()
UNION ALL
SELECT 'macro', function_name FROM duckdb_functions()
WHERE database_name = current_database() AND NOT internal";

/// One kind of object and its name.
pub type NamedObject = (String, String);

impl DuckDb {
    /// Reads what a name stands for, as committed now. Blocks.
    ///
    /// # Errors
    /// What DuckDB says when its catalog cannot be read.
    pub fn relation(&self, name: &TableName) -> Result<Relation> {
        let mut connection = self.database.connect()?;
        let params =
            [Value::Text(duckdb_schema(&name.schema).to_owned()), Value::Text(name.table.clone())];
        // One snapshot for both queries.
        connection.execute("BEGIN TRANSACTION READ ONLY")?;
        let tables = text_rows_with(&mut connection, TABLE, &params)?;
        let Some([kind, sql, constrained]) = tables.first().map(Vec::as_slice) else {
            return Ok(Relation::Missing);
        };
        if kind != "table" {
            return Ok(Relation::Other);
        }
        let columns = text_rows_with(&mut connection, COLUMNS, &params)?;
        Ok(Relation::Table(TableShape {
            name: name.clone(),
            columns: columns.iter().filter_map(|row| shape_column(row)).collect(),
            constrained: constrained == "true",
            generated: sql.contains("GENERATED ALWAYS AS"),
        }))
    }

    /// Lists the tables, views and macros of the data file, as committed now. Blocks.
    ///
    /// # Errors
    /// What DuckDB says when its catalog cannot be read.
    pub fn object_names(&self) -> Result<Vec<NamedObject>> {
        let mut connection = self.database.connect()?;
        let rows = text_rows_with(&mut connection, NAMES, &[])?;
        let pair = |row: Vec<String>| {
            let mut row = row.into_iter();
            Some((row.next()?, row.next()?))
        };
        Ok(rows.into_iter().filter_map(pair).collect())
    }
}

fn shape_column(row: &[String]) -> Option<ShapeColumn> {
    let [name, data_type, nullable, has_default, default, declared] = row else { return None };
    let column = declared_as(declared)
        .or_else(|| type_of(data_type))
        .map(|(pg_type, typmod)| Column::with_typmod(name, pg_type, typmod));
    Some(ShapeColumn {
        name: name.clone(),
        column,
        not_null: nullable == "false",
        default: (has_default == "true").then(|| default.clone()),
    })
}

/// Reads what a CHECK tells of a type: its OID and modifier.
fn declared_as(note: &str) -> Option<(PgType, i32)> {
    let (oid, modifier) = note.split_once(' ')?;
    Some((PgType::from_oid(oid.parse().ok()?)?, modifier.parse().ok()?))
}

/// Reads a type as DuckDB's catalog spells it, where its values are exactly PostgreSQL's.
fn type_of(data_type: &str) -> Option<(PgType, i32)> {
    use ScalarType as T;
    if let Some(element) = data_type.strip_suffix("[]") {
        return match type_of(element)? {
            (PgType::Scalar(scalar), typmod) => Some((PgType::Array(scalar), typmod)),
            (PgType::Array(_), _) => None,
        };
    }
    let scalar = match data_type {
        "BOOLEAN" => T::Bool,
        "SMALLINT" => T::Int2,
        "INTEGER" => T::Int4,
        "BIGINT" => T::Int8,
        "FLOAT" => T::Float4,
        "DOUBLE" => T::Float8,
        "VARCHAR" => T::Text,
        "JSON" => T::Jsonb,
        "BLOB" => T::Bytea,
        "DATE" => T::Date,
        "TIME" => T::Time,
        "TIMESTAMP" => T::Timestamp,
        "TIMESTAMP WITH TIME ZONE" => T::Timestamptz,
        "INTERVAL" => T::Interval,
        "UUID" => T::Uuid,
        // As what is declared without a scale is kept.
        "DECIMAL(38,10)" => T::Numeric,
        _ => {
            let (width, scale) =
                data_type.strip_prefix("DECIMAL(")?.strip_suffix(')')?.split_once(',')?;
            let typmod = numeric_typmod(width.parse().ok()?, scale.trim().parse().ok()?);
            return Some((PgType::NUMERIC, typmod));
        }
    };
    Some((PgType::Scalar(scalar), -1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_that_postgresql_has_too_are_read() {
        assert_eq!(type_of("DECIMAL(10,2)"), Some((PgType::NUMERIC, numeric_typmod(10, 2))));
        assert_eq!(type_of("INTEGER[]"), Some((PgType::Array(ScalarType::Int4), -1)));
        for other in [
            "TINYINT",
            "HUGEINT",
            "ENUM('DATE')",
            "INTEGER[][]",
            "INTEGER[3]",
            "STRUCT(a INTEGER)",
            "TIMESTAMP_NS",
            "TIME WITH TIME ZONE",
            "UBIGINT",
            "BIT",
        ] {
            assert_eq!(type_of(other), None, "{other}");
        }
    }
}
