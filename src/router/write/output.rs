//! The rows that an algorithm gives, as the body of an intent.

use crate::algorithm::{Computed, Matching, Mode, OutputRequest};
use crate::catalog::duckdb_table;
use crate::dataset::DatasetColumn;
use crate::error::{Error, Result};
use crate::intent::{Body, DatasetChange, RowsAt, Storage, TagKind};
use crate::router::{Router, RowsSink, StatementContext};
use crate::sql::{TableRef, duckdb_column};
use crate::sqlstate::SqlState;
use crate::types::{self, Column};

use super::target::Target;

impl Router {
    /// Builds the body that puts computed rows into a table, which is made if it is missing; tells
    /// whether it is.
    ///
    /// # Errors
    /// 42703 and 42804 for a table whose columns are others, 42809 for a materialized view.
    pub async fn output_body(
        &self,
        output: &OutputRequest,
        computed: Computed,
        context: &StatementContext,
    ) -> Result<(Body, bool)> {
        let table = &output.table;
        self.check_database(std::slice::from_ref(table))?;
        match self.output_target(output, &computed.columns, context).await? {
            Some(target) if output.mode == Mode::Create => Err(Error::new(
                SqlState::DUPLICATE_TABLE,
                format!("relation \"{}\" already exists", target.table.table),
            )),
            Some(target) => Ok((self.fill(output, &target, computed).await?, false)),
            None if matches!(output.matching, Matching::Places(_)) => {
                let message = format!("relation \"{}\" does not exist", table.table);
                Err(Error::new(SqlState::UNDEFINED_TABLE, message))
            }
            None => Ok((self.make(output, table, computed, context).await?, true)),
        }
    }

    /// Finds the table, and its columns for those that were computed; `None` when there is none.
    pub(super) async fn output_target(
        &self,
        output: &OutputRequest,
        computed: &[Column],
        context: &StatementContext,
    ) -> Result<Option<Target>> {
        let table = &output.table;
        let names: Vec<String> = match &output.matching {
            _ if output.mode == Mode::Create => Vec::new(),
            Matching::Names => computed.iter().map(|column| column.name.clone()).collect(),
            Matching::Places(names) => names.clone(),
        };
        let path = &context.query.search_path;
        let mut target = match self.dataset_of(table, path) {
            Some(name) => self.dataset_target(&name, &names)?,
            None => match self.existing(table, context).await {
                Err(error) if error.code() == SqlState::UNDEFINED_TABLE => return Ok(None),
                Err(error) => return Err(error),
                Ok(name) => {
                    if self.pipelines.graph().find(&name).is_some() {
                        let message = format!("cannot change materialized view \"{}\"", name.table);
                        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
                    }
                    self.duckdb_target(table, &names, context).await?
                }
            },
        };
        if let Matching::Places(names) = &output.matching {
            if names.is_empty() {
                target.narrow_to(computed.len());
            }
            if target.columns.len() != computed.len() {
                return Err(Error::syntax(
                    "INSERT has another number of target columns than expressions",
                ));
            }
        }
        target.check_types(computed)?;
        Ok(Some(target))
    }

    /// Puts rows into a table that is there.
    async fn fill(
        &self,
        output: &OutputRequest,
        target: &Target,
        computed: Computed,
    ) -> Result<Body> {
        let rows = self.gather(target, computed).await?;
        let mut body = self.rows_body(target, rows, call_tag());
        if let Body::Rows { replaces, .. } = &mut body {
            *replaces = output.mode == Mode::Replace;
        }
        Ok(body)
    }

    /// Makes a table of the rows.
    async fn make(
        &self,
        output: &OutputRequest,
        table: &TableRef,
        computed: Computed,
        context: &StatementContext,
    ) -> Result<Body> {
        let name = table.to_create(&context.query.search_path)?;
        let method = output.storage.as_deref().unwrap_or(&context.default_access_method);
        let storage = match method {
            "arrow" => Storage::Arrow,
            "duckdb" | "heap" => Storage::DuckDb,
            other => {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("storage \"{other}\" is neither duckdb nor arrow"),
                ));
            }
        };
        let columns = computed.columns.clone();
        let target = Target { table: name.clone(), storage, all: columns.clone(), columns };
        let rows = self.gather(&target, computed).await?;
        if storage == Storage::Arrow {
            let columns = target.columns.into_iter().map(DatasetColumn::nullable).collect();
            return Ok(Body::Dataset(DatasetChange::CreateWith { name, columns, rows }));
        }
        let list = target.columns.iter().map(duckdb_column).collect::<Result<Vec<_>>>()?;
        let mut body = self.rows_body(&target, rows, call_tag());
        if let Body::Rows { create, .. } = &mut body {
            *create = Some(format!("CREATE TABLE {} ({})", duckdb_table(&name), list.join(", ")));
        }
        Ok(body)
    }

    async fn gather(&self, target: &Target, computed: Computed) -> Result<RowsAt> {
        let given = types::storage_schema(&target.columns)?;
        let full = target.schema()?;
        let widened = computed
            .batches
            .iter()
            .map(|batch| target.widen(&types::cast_batch(batch, given.clone())?, &full))
            .collect::<Result<Vec<_>>>()?;
        let data_dir = self.data_dir.clone();
        crate::task::blocking(move || {
            let mut sink = RowsSink::new(&data_dir, full)?;
            widened.iter().try_for_each(|batch| sink.write(batch))?;
            sink.finish()
        })
        .await
    }
}

fn call_tag() -> TagKind {
    TagKind::Fixed("CALL".to_owned())
}
