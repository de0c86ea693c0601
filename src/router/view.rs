//! The rows of materialized views that read Arrow datasets: DataFusion runs their queries, at their
//! creation and at each refresh.

use tokio_util::sync::CancellationToken;

use super::read::check_visible;
use super::write::Target;
use super::{Router, Snapshot, StatementContext};
use crate::engine::QueryContext;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::{AsOf, Storage, ViewRows};
use crate::pipeline::View;
use crate::sql::TableRef;
use crate::sql::view::OverDatasets;

/// A view's query, and what it runs with.
pub(super) struct ViewQuery<'a> {
    pub(super) storage: TableName,
    pub(super) sql: &'a str,
    pub(super) over: &'a OverDatasets,
    pub(super) time_zone: &'a str,
    pub(super) search_path: &'a [String],
    /// It reads DuckDB tables, too.
    pub(super) is_mixed: bool,
}

impl<'a> ViewQuery<'a> {
    fn of(view: &'a View) -> Result<ViewQuery<'a>> {
        let stored = &view.stored;
        let over = stored.over.as_ref().ok_or_else(|| Error::internal("a view of DuckDB's"))?;
        Ok(ViewQuery {
            storage: view.storage.clone(),
            sql: &stored.query,
            over,
            time_zone: &stored.time_zone,
            search_path: &stored.search_path,
            is_mixed: view.reads_both(),
        })
    }
}

impl Router {
    /// Finds a view over datasets by its name.
    pub fn view_over_datasets(&self, table: &TableRef, context: &StatementContext) -> Option<View> {
        let graph = self.pipelines.graph();
        let mut candidates = table.candidates(&context.query.search_path);
        let view = candidates.find_map(|name| graph.find(&name))?;
        view.stored.over.is_some().then(|| view.clone())
    }

    /// Computes a view over datasets anew.
    ///
    /// # Errors
    /// The query's own; 0A000 where the transaction has written and the query reads DuckDB tables.
    pub async fn compute_view(
        &self,
        view: &View,
        snapshot: Option<&Snapshot>,
        cancel: &CancellationToken,
    ) -> Result<ViewRows> {
        self.run_view_query(&ViewQuery::of(view)?, snapshot, cancel).await
    }

    /// Runs a view's query and gathers its rows.
    pub(super) async fn run_view_query(
        &self,
        query: &ViewQuery<'_>,
        snapshot: Option<&Snapshot>,
        cancel: &CancellationToken,
    ) -> Result<ViewRows> {
        check_visible(query.is_mixed, snapshot)?;
        // Before the query: what changes while it runs may be missing in it.
        let mut as_of = self.pipelines.as_of();
        if snapshot.is_none_or(|snapshot| !snapshot.writes) {
            self.wait_for_all(cancel).await?;
        }
        let surroundings = QueryContext {
            cancel: cancel.clone(),
            time_zone: query.time_zone.to_owned(),
            search_path: query.search_path.to_vec(),
        };
        let pinned = snapshot.and_then(|snapshot| snapshot.datasets.as_deref());
        if pinned.is_some() {
            // They may be older than that.
            as_of = AsOf::default();
        }
        let execution = self.datafusion.execute(query.sql, &[], &surroundings, pinned).await?;
        let columns = query.over.columns.clone();
        let table = query.storage.clone();
        let all = columns.clone();
        let target = Target { table, storage: Storage::DuckDb, columns, all };
        let rows = self.gather_rows(execution, &target).await?;
        Ok(ViewRows { storage: query.storage.clone(), rows, as_of })
    }
}
