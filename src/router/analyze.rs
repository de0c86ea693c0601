//! The types of a statement's columns and parameters as PostgreSQL infers them, over the columns
//! that its tables have now.

use std::sync::Arc;

use super::kept::CatalogQuestion;
use super::{Router, StatementContext};
use crate::catalog::{TEMPORARY_SCHEMA, duckdb_place, is_system_relation, system_columns};
use crate::error::Result;
use crate::ids::TableName;
use crate::sql::rewrite::NameContext;
use crate::sql::{RelationColumn, Relations, Statement, TableRef};
use crate::types::{Origin, PgType, ScalarType, Value};

/// Columns of a user's tables and views of one name: schema, column, type's OID, modifier, whether
/// it is in the primary key, the table's OID, the column's number, its enum's OID and name.
static COLUMNS: CatalogQuestion = CatalogQuestion::new(
    "
SELECT c.schema_name, c.name, c.type_oid::varchar, c.type_modifier::varchar,
  EXISTS (
    FROM teatree_system.support.raw_constraint AS k
    WHERE k.constraint_type = 'PRIMARY KEY' AND k.database_name = current_database()
      AND k.table_oid = c.duckdb_table_oid AND k.table_name = $1
      AND list_contains(k.constraint_column_names, c.name))::varchar,
  c.table_oid::varchar, c.number::varchar, coalesce(c.enum_oid::varchar, ''),
  coalesce(c.enum_name, '')
FROM teatree_system.support.column_type AS c
WHERE c.table_name = $1 ORDER BY c.number",
);

/// Where sequences of a name lie.
static SEQUENCES: CatalogQuestion = CatalogQuestion::new(
    "SELECT database_name, schema_name FROM teatree_system.support.sequence_entry
     WHERE sequence_name = $1",
);

/// The columns that a sequence has as a table.
fn sequence_columns() -> Vec<RelationColumn> {
    let columns =
        [("last_value", PgType::INT8), ("log_cnt", PgType::INT8), ("is_called", PgType::BOOL)];
    let column = |(name, pg_type): (&str, PgType)| RelationColumn {
        name: name.to_owned(),
        is_key: false,
        pg_type: Some((pg_type, -1)),
        enum_name: None,
        origin: None,
    };
    columns.into_iter().map(column).collect()
}

/// Temporary tables' schema in the catalogue.
pub(super) const TEMPORARY: &str = "pg_temp_1";

impl Router {
    /// Finds the names' meaning for a statement, and the columns of the tables that it names.
    pub(super) async fn names_of(
        &self,
        statement: &Statement,
        tables: &[TableRef],
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<NameContext> {
        let names = self.names(context);
        if statement.is_native() {
            return Ok(names);
        }
        let mut relations = Relations::default();
        if statement.may_call_routines() {
            relations.routines = self.routines(context).await?;
        }
        for table in tables {
            if let Some(columns) = self.columns_of(table, context).await? {
                relations.insert(table.clone(), columns);
            } else if let Some(place) = self.sequence_named(table, context).await? {
                relations.insert(table.clone(), Arc::new(sequence_columns()));
                relations.sequences.insert(table.clone(), place);
            }
        }
        Ok(NameContext { relations: Arc::new(relations), param_types: types.to_vec(), ..names })
    }

    /// Finds where the sequence lies that a name means, in DuckDB's words.
    async fn sequence_named(
        &self,
        table: &TableRef,
        context: &StatementContext,
    ) -> Result<Option<(String, String)>> {
        let params = vec![Value::Text(table.table.clone())];
        let own = context.has_own_definitions() || context.has_temporary;
        let held = context.held().filter(|_| own);
        let rows = self.catalog_rows(&SEQUENCES, params, held, context).await?;
        let temporary = TableName::new(TEMPORARY_SCHEMA, table.table.clone());
        let mut candidates: Vec<TableName> = table.candidates(&context.query.search_path).collect();
        if table.schema.is_none() {
            candidates.insert(0, temporary);
        }
        Ok(candidates.iter().find_map(|name| {
            let place = match duckdb_place(name) {
                (Some(database), schema) => (database.to_owned(), schema.to_owned()),
                (None, schema) => (self.database.clone(), schema.to_owned()),
            };
            let is =
                |row: &&Vec<String>| row.first() == Some(&place.0) && row.get(1) == Some(&place.1);
            rows.iter().find(is).map(|_| place.clone())
        }))
    }

    /// Finds the columns of the table or view that a name means; `None` when there is none.
    pub(super) async fn columns_of(
        &self,
        table: &TableRef,
        context: &StatementContext,
    ) -> Result<Option<Arc<Vec<RelationColumn>>>> {
        if let Some(columns) = system_columns(table.schema.as_deref(), &table.table) {
            let oid = is_system_relation(table.schema.as_deref(), &table.table).map(|it| it.oid);
            let column = |((name, pg_type), number): ((&str, PgType), i16)| RelationColumn {
                name: name.to_owned(),
                is_key: false,
                pg_type: Some((pg_type, -1)),
                enum_name: None,
                origin: oid.map(|table| Origin { table, number }),
            };
            return Ok(Some(Arc::new(columns.into_iter().zip(1..).map(column).collect())));
        }
        let params = vec![Value::Text(table.table.clone())];
        // What the session alone may see is not remembered for all.
        let own = context.has_own_definitions() || context.has_temporary;
        if let Some(held) = context.held().filter(|_| own) {
            let rows = self.catalog_rows(&COLUMNS, params, Some(held), context).await?;
            return Ok(pick(&rows, table, context).map(Arc::new));
        }
        let moment = self.log.definitions();
        let full = TableRef {
            database: None,
            schema: table.schema.clone().or_else(|| Some(context.query.search_path.join(","))),
            table: table.table.clone(),
        };
        if let Some(columns) = self.shapes.columns(moment, &full) {
            return Ok(Some(columns));
        }
        let rows = self.catalog_rows(&COLUMNS, params, None, context).await?;
        let Some(columns) = pick(&rows, table, context).map(Arc::new) else { return Ok(None) };
        self.shapes.remember_columns(moment, full, Arc::clone(&columns));
        Ok(Some(columns))
    }
}

/// Picks the columns of the first schema on the path that has any.
fn pick(
    rows: &[Vec<String>],
    table: &TableRef,
    context: &StatementContext,
) -> Option<Vec<RelationColumn>> {
    let path: Vec<&str> = match table.schema.as_deref() {
        Some("pg_temp") => vec![TEMPORARY],
        Some(schema) => vec![schema],
        None => {
            let path = context.query.search_path.iter().map(String::as_str);
            std::iter::once(TEMPORARY).chain(path).collect()
        }
    };
    let found = path.into_iter().find(|schema| rows.iter().any(|row| row[0] == **schema))?;
    let column = |row: &Vec<String>| match row.as_slice() {
        [schema, name, oid, typmod, in_key, table, number, enum_oid, enum_name]
            if schema == found =>
        {
            let place = table.parse().ok().zip(number.parse().ok());
            let oid: Option<u32> = oid.parse().ok();
            let of_enum = enum_oid.parse().ok().map(ScalarType::Enum);
            let pg_type = match of_enum {
                Some(scalar) if Some(scalar.oid()) == oid => Some(PgType::Scalar(scalar)),
                Some(scalar) => Some(PgType::Array(scalar)),
                None => oid.and_then(PgType::from_oid),
            };
            Some(RelationColumn {
                name: name.clone(),
                is_key: in_key == "true",
                pg_type: pg_type.zip(typmod.parse().ok()),
                enum_name: of_enum.map(|_| enum_name.clone()),
                origin: place.map(|(table, number)| Origin { table, number }),
            })
        }
        _ => None,
    };
    Some(rows.iter().filter_map(column).collect())
}
