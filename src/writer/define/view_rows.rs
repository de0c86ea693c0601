//! The storage of a materialized view, and its rows: DuckDB computes them, or they come with the
//! intent.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::Definer;
use crate::catalog::duckdb_table;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::pipeline::{STORAGE_SCHEMA, View};
use crate::sql::view::ViewPlan;
use crate::sql::{duckdb_column, quote_ident};
use crate::sqlstate::SqlState;
use crate::types::Value;
use crate::writer::applier::Batches;

/// Rows that came with the intent, for one view's storage.
pub(in crate::writer) struct GivenRows {
    pub(in crate::writer) storage: TableName,
    pub(in crate::writer) schema: SchemaRef,
    pub(in crate::writer) batches: Batches,
}

impl Definer<'_> {
    /// Makes the table of a view's rows.
    pub(super) fn make_storage(&mut self, storage: &TableName, plan: &ViewPlan) -> Result<()> {
        let quoted = duckdb_table(storage);
        let Some(over) = &plan.over else {
            return self.create_storage(storage, &plan.query);
        };
        let columns = over.columns.iter().map(duckdb_column).collect::<Result<Vec<_>>>()?;
        self.connection.run(&format!("CREATE TABLE {quoted} ({})", columns.join(", ")))
    }

    /// Makes a table without rows that takes those of a query.
    ///
    /// What takes 128 bits is not compressed: sums are changed in place again and again, and DuckDB
    /// (1.5.6) needs twenty times as long to read them packed.
    fn create_storage(&mut self, storage: &TableName, query: &str) -> Result<()> {
        let quoted = duckdb_table(storage);
        self.connection.run(&format!("CREATE TABLE {quoted} AS {query} LIMIT 0"))?;
        let columns = self.connection.text_rows(
            "SELECT column_name, data_type,
                    (data_type IN ('HUGEINT', 'UHUGEINT')
                     OR data_type LIKE 'DECIMAL(%' AND numeric_precision > 18)::varchar
             FROM duckdb_columns() WHERE database_name = current_database()
                 AND schema_name = 'teatree_internal' AND table_name = $1 ORDER BY column_index",
            &[Value::Text(storage.table.clone())],
        )?;
        let is_wide = |row: &Vec<String>| row.get(2).is_some_and(|wide| wide == "true");
        if !columns.iter().any(is_wide) {
            return Ok(());
        }
        let columns: Vec<String> = columns
            .iter()
            .filter_map(|row| {
                let kept = if is_wide(row) { " USING COMPRESSION uncompressed" } else { "" };
                Some(format!("{} {}{kept}", quote_ident(row.first()?), row.get(1)?))
            })
            .collect();
        let columns = columns.join(", ");
        self.connection.run(&format!("CREATE OR REPLACE TABLE {quoted} ({columns})"))
    }

    /// Puts a view's rows into its storage, in the place of those that are there; gives their
    /// number.
    pub(super) fn fill(&mut self, view: &View) -> Result<u64> {
        if view.stored.over.is_none() {
            return view.recompute(self.connection);
        }
        self.connection.run(&format!("DELETE FROM {}", duckdb_table(&view.storage)))?;
        self.append_given(view, &view.storage)
    }

    /// Appends the rows that came with the intent to a table.
    fn append_given(&mut self, view: &View, to: &TableName) -> Result<u64> {
        let Some(given) = self.given.take() else {
            view.refuse_over_datasets()?;
            return Err(Error::internal("a view's rows are missing"));
        };
        if given.storage != view.storage {
            return Err(Error::new(
                SqlState::OBJECT_IN_USE,
                format!(
                    "materialized view \"{}\" was made anew while it was computed",
                    view.stored.name.table
                ),
            )
            .with_hint("Refresh it again."));
        }
        let GivenRows { schema, batches, .. } = given;
        let names: Vec<String> =
            schema.fields().iter().map(|field| field.name().to_owned()).collect();
        self.connection.append_stream(to, &names, Arc::clone(&schema), batches)
    }

    /// Computes all rows again. Under a unique index the old rows are taken out of the way with
    /// their table: DuckDB would take them for duplicates until the commit.
    pub(super) fn replace_rows(&mut self, view: &View) -> Result<()> {
        if !self.has_unique_index(&view.storage)? {
            self.rows = self.fill(view)?;
            return Ok(());
        }
        self.connection.adopt(&view.stored.time_zone, &view.stored.search_path)?;
        let quoted = duckdb_table(&view.storage);
        let indexes = self.connection.text_rows(
            "SELECT sql FROM duckdb_indexes() WHERE database_name = current_database()
                 AND schema_name = 'teatree_internal' AND table_name = $1",
            &[Value::Text(view.storage.table.clone())],
        )?;
        let new = TableName::new(STORAGE_SCHEMA, format!("{}_new", view.storage.table));
        let quoted_new = duckdb_table(&new);
        self.create_storage(&new, &format!("FROM {quoted}"))?;
        if view.stored.over.is_some() {
            self.append_given(view, &new)?;
        } else {
            let query = &view.stored.query;
            self.connection.run(&format!("INSERT INTO {quoted_new} BY NAME {query}"))?;
        }
        self.connection.run(&format!("DROP TABLE {quoted}"))?;
        let name = quote_ident(&view.storage.table);
        self.connection.run(&format!("ALTER TABLE {quoted_new} RENAME TO {name}"))?;
        for row in indexes {
            for sql in row {
                self.connection.run(&sql)?;
            }
        }
        self.rows = self.connection.count(&quoted)?;
        view.save(self.connection)
    }
}
