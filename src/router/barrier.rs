//! The read barrier: a read waits until what was acknowledged before it is applied.
//!
//! **Invariant:** every path that reads data for a client comes through here first: queries,
//! snapshots, EXPLAIN ANALYZE, the sources of writes, changes of temporary tables.

use tokio_util::sync::CancellationToken;

use super::{Router, StatementContext};
use crate::catalog::is_system_relation;
use crate::clock;
use crate::error::{Error, Result};
use crate::intent::ReadScope;
use crate::sql::{Kind, Read, Statement};

impl Router {
    /// Waits until a read sees all that was acknowledged before it started.
    ///
    /// # Errors
    /// 57014 when the statement is cancelled or its time is up.
    pub(super) async fn wait_for_promised(
        &self,
        read: &Read,
        context: &StatementContext,
    ) -> Result<()> {
        // A snapshot has waited when it was taken, for everything.
        let has_waited = context.snapshot.as_ref().is_some_and(|snapshot| !snapshot.is_loose);
        if has_waited || self.log.promised() == 0 {
            return Ok(());
        }
        match self.scope(read, context).await? {
            Some(scope) => self.wait_for_scope(&scope, context).await,
            None => Ok(()),
        }
    }

    /// Waits for all that was acknowledged, whatever it touches.
    ///
    /// # Errors
    /// 57014 when the statement is cancelled or its time is up.
    pub async fn wait_for_all_promised(&self, context: &StatementContext) -> Result<()> {
        self.wait_for_scope(&ReadScope::Everything, context).await
    }

    /// The same for what no session asks.
    pub(super) async fn wait_for_all(&self, cancel: &CancellationToken) -> Result<()> {
        tokio::select! {
            () = self.log.wait_for_promised(&ReadScope::Everything, clock::now_us()) => Ok(()),
            () = cancel.cancelled() => Err(Error::canceled("user request")),
        }
    }

    /// Waits for acknowledged changes of definitions, before names are looked up.
    ///
    /// # Errors
    /// 57014 when the statement is cancelled or its time is up.
    pub(super) async fn wait_for_definitions(&self, context: &StatementContext) -> Result<()> {
        self.wait_for_scope(&ReadScope::Tables(Vec::new()), context).await
    }

    async fn wait_for_scope(&self, scope: &ReadScope, context: &StatementContext) -> Result<()> {
        if context.snapshot.as_ref().is_some_and(|snapshot| snapshot.writes) {
            // What it saw at its start is all that it sees; others may wait for it.
            return Ok(());
        }
        let staleness = context.max_staleness.map_or(0, |most| most.as_micros());
        let staleness = i64::try_from(staleness).unwrap_or(i64::MAX);
        let until_us = clock::now_us().saturating_sub(staleness);
        tokio::select! {
            () = self.log.wait_for_promised(scope, until_us) => Ok(()),
            () = context.query.cancel.cancelled() => Err(Error::canceled("user request")),
        }
    }

    /// Tells whether a statement may read tables that it does not name: by a view or a macro.
    pub async fn may_read_unnamed(&self, statement: &Statement) -> Result<bool> {
        let names = self.object_names(self.log.definitions()).await?;
        let (tables, functions) = match &statement.kind {
            Kind::Read(read) => (read.tables.as_slice(), read.functions.as_slice()),
            Kind::Write(write) => (write.tables(), [].as_slice()),
            _ => return Ok(true),
        };
        Ok(names.have_macro(functions) || tables.iter().any(|table| names.is_view(&table.table)))
    }

    /// Finds what a read looks at; `None` for what no intent can change.
    async fn scope(&self, read: &Read, context: &StatementContext) -> Result<Option<ReadScope>> {
        let own = |schema: &Option<String>| schema.as_deref() == Some("teatree");
        if !read.native && !read.tables.is_empty() && read.tables.iter().all(|t| own(&t.schema)) {
            // What shows the queue must not wait for it.
            return Ok(None);
        }
        let moment = self.log.definitions();
        if read.native || !moment.is_quiet() {
            return Ok(Some(ReadScope::Everything));
        }
        let names = self.object_names(moment).await?;
        if names.have_macro(&read.functions) {
            return Ok(Some(ReadScope::Everything));
        }
        let path = &context.query.search_path;
        let graph = self.pipelines.graph();
        let mut tables = Vec::with_capacity(read.tables.len());
        for table in &read.tables {
            // The system's relations show definitions, which everybody waits for.
            if is_system_relation(table.schema.as_deref(), &table.table).is_some() {
                continue;
            }
            if !names.is_plain_table(&table.table) && self.dataset_of(table, path).is_none() {
                return Ok(Some(ReadScope::Everything));
            }
            tables.push(table.table.clone());
            // A change of another table may change it by a trigger.
            let together = table.candidates(path).flat_map(|name| graph.together(&name));
            tables.extend(together.map(|name| name.table));
        }
        Ok(Some(ReadScope::Tables(tables)))
    }
}
