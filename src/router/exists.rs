//! Whether a name is taken, for what IF EXISTS and IF NOT EXISTS tell the client.

use super::kept::CatalogQuestion;
use super::{Router, StatementContext};
use crate::error::Result;
use crate::sql::TableRef;
use crate::types::Value;

static SCHEMAS_OF: CatalogQuestion = CatalogQuestion::new(
    "
SELECT n.name FROM teatree_system.support.user_relation AS r
JOIN teatree_system.support.schema_entry AS n ON n.oid = r.namespace_oid WHERE r.name = $1",
);
static SCHEMA: CatalogQuestion =
    CatalogQuestion::new("SELECT name FROM teatree_system.support.schema_entry WHERE name = $1");

impl Router {
    /// Tells whether a name means a table, view or sequence as the session sees it.
    pub async fn has_relation(&self, table: &TableRef, context: &StatementContext) -> Result<bool> {
        self.wait_for_definitions(context).await?;
        let rows = self.names_in_catalog(&SCHEMAS_OF, &table.table, context).await?;
        let path = &context.query.search_path;
        Ok(rows.iter().filter_map(|row| row.first()).any(|schema| match &table.schema {
            Some(wanted) => wanted == schema,
            None => path.contains(schema) || schema == super::analyze::TEMPORARY,
        }))
    }

    /// Tells whether there is a schema of this name.
    pub async fn has_schema(&self, name: &str, context: &StatementContext) -> Result<bool> {
        self.wait_for_definitions(context).await?;
        Ok(!self.names_in_catalog(&SCHEMA, name, context).await?.is_empty())
    }

    async fn names_in_catalog(
        &self,
        question: &'static CatalogQuestion,
        name: &str,
        context: &StatementContext,
    ) -> Result<Vec<Vec<String>>> {
        let params = vec![Value::Text(name.to_owned())];
        self.catalog_rows(question, params, context.held(), context).await
    }
}
