//! Changes of datasets other than new rows: UPDATE, DELETE, TRUNCATE, DROP, ALTER TABLE.

use super::tag_kind;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::{Body, DatasetChange};
use crate::router::{Router, StatementContext};
use crate::sql::{Statement, TableRef, Write};
use crate::sqlstate::SqlState;
use crate::types::{PgType, Value};

impl Router {
    /// DuckDB does not know of the datasets in a schema that it drops.
    pub(super) fn refuse_drop_of_datasets(&self, schemas: &[TableRef]) -> Result<()> {
        let held = self.datasets.list();
        let inside = held
            .iter()
            .find(|manifest| schemas.iter().any(|schema| schema.table == manifest.name.schema));
        match inside {
            Some(manifest) => Err(Error::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!("cannot drop schema {} because a dataset is in it", manifest.name.schema),
            )
            .with_detail(format!("The first is \"{}\".", manifest.name))
            .with_hint("Drop its datasets first.")),
            None => Ok(()),
        }
    }

    pub(super) fn rewrite(
        &self,
        statement: &Statement,
        write: &Write,
        name: &TableName,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Body> {
        refuse_on_dataset(write)?;
        let columns: Vec<String> =
            self.dataset_target(name, &[])?.columns.into_iter().map(|column| column.name).collect();
        let queries = statement.dataset_rewrite(&self.names(context), types, &columns)?;
        Ok(Body::Dataset(DatasetChange::Rewrite {
            name: name.clone(),
            rows: queries.rows,
            affected: queries.affected,
            params,
            tag: tag_kind(write.tag()),
        }))
    }

    pub(super) async fn truncate(
        &self,
        statement: &Statement,
        write: &Write,
        tables: &[TableRef],
        context: &StatementContext,
    ) -> Result<Body> {
        let storages = self.storages(tables, &context.query.search_path);
        match (storages.arrow.is_empty(), storages.duckdb.is_empty()) {
            (true, _) => self.as_it_stands(statement, write, &[], Vec::new(), context).await,
            (false, true) => Ok(Body::Dataset(DatasetChange::Truncate { names: storages.arrow })),
            (false, false) => Err(both_storages()),
        }
    }

    pub(super) async fn drop_tables(
        &self,
        statement: &Statement,
        write: &Write,
        context: &StatementContext,
    ) -> Result<Body> {
        let Write::Drop { names, if_exists, cascade, .. } = write else {
            return Err(Error::internal("not a DROP TABLE"));
        };
        let storages = self.storages(names, &context.query.search_path);
        match (storages.arrow.is_empty(), storages.duckdb.is_empty()) {
            (true, _) => self.as_it_stands(statement, write, &[], Vec::new(), context).await,
            (false, true) => Ok(Body::Dataset(DatasetChange::Drop {
                names: storages.arrow,
                if_exists: *if_exists,
                cascade: *cascade,
            })),
            (false, false) => Err(both_storages()),
        }
    }
}

/// Refuses what a dataset cannot do.
pub(super) fn refuse_on_dataset(write: &Write) -> Result<()> {
    if write.returning() {
        return Err(Error::unsupported("RETURNING on an Arrow dataset is not supported"));
    }
    if let Write::Insert { on_conflict: true, .. } = write {
        return Err(Error::unsupported("ON CONFLICT needs keys, which an Arrow dataset has not"));
    }
    Ok(())
}

/// Renames a dataset, all that ALTER TABLE can do to one.
pub(super) fn alter(from: TableName, rename_to: Option<&str>) -> Result<Body> {
    let Some(to) = rename_to else {
        return Err(Error::unsupported("ALTER TABLE of an Arrow dataset can only rename it"));
    };
    let to = TableName::new(from.schema.clone(), to);
    Ok(Body::Dataset(DatasetChange::Rename { from, to }))
}

fn both_storages() -> Error {
    Error::unsupported("one statement cannot change DuckDB tables and Arrow datasets")
        .with_hint("Use two statements.")
}
