//! Names to tables: the datasets of one snapshot first, then DuckDB's tables.
//!
//! Unqualified names are looked up in the default schema, which here stands for the whole
//! search path.

use std::sync::Arc;

use ::datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProviderList, SchemaProvider, TableProvider,
};
use ::datafusion::error::DataFusionError;
use async_trait::async_trait;

use super::dataset_table::DatasetTable;
use super::engine::Snapshot;
use super::foreign::ForeignTables;
use super::foreign_table::ForeignTable;
use crate::engine::QueryContext;
use crate::ids::TableName;

/// The name of the schema that stands for the search path. No SQL can name it by accident.
pub(super) const SEARCH_PATH: &str = "$search_path";

/// Makes the catalogs of one statement: the one database.
pub(super) fn catalog_list(
    database: &str,
    snapshot: Snapshot,
    duckdb: Arc<dyn ForeignTables>,
    context: &QueryContext,
) -> Arc<dyn CatalogProviderList> {
    let tables = Arc::new(Tables { snapshot, duckdb, context: context.clone() });
    let list = MemoryCatalogProviderList::new();
    list.register_catalog(database.to_owned(), Arc::new(Database(tables)));
    Arc::new(list)
}

#[derive(Debug)]
struct Tables {
    snapshot: Snapshot,
    duckdb: Arc<dyn ForeignTables>,
    context: QueryContext,
}

impl Tables {
    async fn find(
        &self,
        schema: &str,
        table: &str,
    ) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let failed = |error| DataFusionError::External(Box::new(error));
        if let Some(pin) = self.snapshot.get(&TableName::new(schema, table)) {
            let table = DatasetTable::new(pin.clone(), &self.context.time_zone).map_err(failed)?;
            return Ok(Some(Arc::new(table)));
        }
        let Some(found) = self.duckdb.schema(schema, table).await.map_err(failed)? else {
            return Ok(None);
        };
        let name = TableName::new(schema, table);
        let duckdb = Arc::clone(&self.duckdb);
        Ok(Some(Arc::new(ForeignTable::new(name, &found, duckdb, self.context.clone()))))
    }
}

#[derive(Debug)]
struct Database(Arc<Tables>);

impl CatalogProvider for Database {
    fn schema_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let schemas = if name == SEARCH_PATH {
            self.0.context.search_path.clone()
        } else {
            vec![name.to_owned()]
        };
        Some(Arc::new(Schemas { schemas, tables: Arc::clone(&self.0) }))
    }
}

/// One schema, or several in the order of the search path.
#[derive(Debug)]
struct Schemas {
    schemas: Vec<String>,
    tables: Arc<Tables>,
}

#[async_trait]
impl SchemaProvider for Schemas {
    fn table_names(&self) -> Vec<String> {
        Vec::new()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        for schema in &self.schemas {
            if let Some(table) = self.tables.find(schema, name).await? {
                return Ok(Some(table));
            }
        }
        Ok(None)
    }

    /// Only datasets can be told without waiting; planning itself asks by `table`.
    fn table_exist(&self, name: &str) -> bool {
        self.schemas.iter().any(|schema| {
            self.tables.snapshot.get(&TableName::new(schema.as_str(), name)).is_some()
        })
    }
}
