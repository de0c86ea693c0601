//! Changes of definitions, and what writes need to know of the definitions that are there.

use crate::catalog::duckdb_schema;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::Body;
use crate::router::kept::CatalogQuestion;
use crate::router::{Router, StatementContext};
use crate::sql::{ColumnDefault, Overriding, Statement, TableRef, Write};
use crate::sqlstate::SqlState;
use crate::types::{PgType, Value};

use super::{changed_table, tag_kind};

/// The defaults of the columns of tables of one name, in DuckDB's words.
static DEFAULTS: CatalogQuestion = CatalogQuestion::new(
    "SELECT schema_name, column_name, coalesce(column_default, ''), data_type
         FROM duckdb_columns() WHERE database_name = current_database()
             AND table_name = $1 ORDER BY column_index",
);

/// The columns of a key of a table, by the names of both.
static CONSTRAINT: CatalogQuestion = CatalogQuestion::new(
    "SELECT n.name, array_to_string(k.column_names, chr(31))
         FROM teatree_system.support.constraint_entry k
         JOIN teatree_system.support.schema_entry n ON n.oid = k.namespace_oid
         WHERE k.table_name = $1 AND k.name = $2 AND k.kind IN ('p', 'u')",
);

impl Router {
    /// Builds the body of a statement that the Writer makes with the catalog at hand.
    pub(super) fn define(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        params: &[Value],
        context: &StatementContext,
    ) -> Result<Option<Body>> {
        let Some(changes) = statement.definitions(&self.names(context), types, params)? else {
            return Ok(None);
        };
        let table = changed_table(write, context);
        Ok(Some(Body::Define { changes, table, tag: tag_kind(write.tag()), computed: None }))
    }

    /// Fits an INSERT or UPDATE of a DuckDB table to its columns' defaults.
    pub(super) async fn fit_defaults(
        &self,
        statement: &Statement,
        table: &TableRef,
        overriding: Option<Overriding>,
        context: &StatementContext,
    ) -> Result<Option<Statement>> {
        let columns = self.column_defaults(table, context).await?;
        if !columns.iter().any(ColumnDefault::matters) {
            return Ok(None);
        }
        statement.with_defaults(&columns, overriding, context.moment)
    }

    /// Reads a table's columns with their defaults; none for a table that is not there.
    pub(super) async fn column_defaults(
        &self,
        table: &TableRef,
        context: &StatementContext,
    ) -> Result<Vec<ColumnDefault>> {
        let generation = self.columns.generation();
        let key = format!("{table:?} {:?}", context.query.search_path);
        // A transaction sees its own definitions, which nobody else may be told.
        let is_shared = context.held().is_none();
        if let Some(known) = self.defaults.get(generation, &key).filter(|_| is_shared) {
            return Ok(known);
        }
        let rows = self
            .catalog_rows(
                &DEFAULTS,
                vec![Value::Text(table.table.clone())],
                context.held(),
                context,
            )
            .await?;
        let found = table.candidates(&context.query.search_path).find_map(|name| {
            let schema = duckdb_schema(&name.schema);
            let columns: Vec<ColumnDefault> = rows
                .iter()
                .filter_map(|row| match row.as_slice() {
                    [of, column, default, data_type] if of == schema => {
                        Some(ColumnDefault::new(column, default, integer_type(data_type)))
                    }
                    _ => None,
                })
                .collect();
            (!columns.is_empty()).then_some(columns)
        });
        let columns = found.unwrap_or_default();
        if is_shared {
            self.defaults.put(generation, key, columns.clone());
        }
        Ok(columns)
    }

    /// Puts the columns of the constraint that ON CONFLICT ON CONSTRAINT names in its place.
    pub(super) async fn fit_conflict(
        &self,
        statement: &Statement,
        table: &TableRef,
        context: &StatementContext,
    ) -> Result<Option<Statement>> {
        let Some(constraint) = statement.conflict_constraint() else { return Ok(None) };
        let candidates: Vec<TableName> = table.candidates(&context.query.search_path).collect();
        let rows = self
            .catalog_rows(
                &CONSTRAINT,
                vec![Value::Text(table.table.clone()), Value::Text(constraint.clone())],
                context.held(),
                context,
            )
            .await?;
        let columns = candidates.iter().find_map(|name| {
            rows.iter().find_map(|row| match row.as_slice() {
                [schema, columns] if *schema == name.schema => Some(columns.clone()),
                _ => None,
            })
        });
        let Some(columns) = columns else {
            return Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("constraint \"{constraint}\" for table \"{}\" does not exist", table.table),
            ));
        };
        let columns: Vec<String> = columns.split('\u{1f}').map(str::to_owned).collect();
        Ok(Some(statement.with_conflict_columns(&columns)))
    }
}

/// The types that a sequence's values fit.
fn integer_type(data_type: &str) -> Option<PgType> {
    match data_type {
        "SMALLINT" => Some(PgType::INT2),
        "INTEGER" => Some(PgType::INT4),
        "BIGINT" => Some(PgType::INT8),
        _ => None,
    }
}
