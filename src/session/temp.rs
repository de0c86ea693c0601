//! Temporary tables: they live on one connection of DuckDB, which the session keeps for all its
//! statements as long as it has any. Nobody else sees them, so a change of them is no intent.

use std::collections::{BTreeMap, BTreeSet};

use super::block::Scope;
use super::written::StagedFiles;
use super::{Session, StatementGuard, Transaction};
use crate::catalog::{TEMPORARY_SCHEMA, duckdb_table};
use crate::engine::duckdb::{Access, HeldConnection};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::{Applied, Body};
use crate::router::{Snapshot, StatementContext};
use crate::sql::{DefineWrite, OnCommit, Statement, TableRef, Write};
use crate::types::{PgType, Value};

/// What a connection has of temporary objects.
const OBJECTS: &str = "SELECT table_name, 'table' FROM duckdb_tables() WHERE database_name = 'temp'
    UNION ALL SELECT view_name, 'view' FROM duckdb_views() WHERE database_name = 'temp'
    UNION ALL SELECT sequence_name, 'sequence' FROM duckdb_sequences()
        WHERE database_name = 'temp'";

/// A session's temporary tables, views and sequences.
#[derive(Default)]
pub(super) struct TempTables {
    connection: Option<HeldConnection>,
    tables: BTreeMap<String, OnCommit>,
}

/// Which tables there are, to go back to.
pub(super) type TempNames = BTreeMap<String, OnCommit>;

impl TempTables {
    /// The connection that has them.
    pub(super) fn connection(&self) -> Option<&HeldConnection> {
        self.connection.as_ref()
    }

    pub(super) fn names(&self) -> TempNames {
        self.tables.clone()
    }

    /// Goes back to the tables that there were.
    pub(super) fn go_back(&mut self, names: TempNames) {
        self.tables = names;
        self.settle();
    }

    /// Without any table, the connection is not needed.
    pub(super) fn settle(&mut self) {
        if self.tables.is_empty() {
            self.connection = None;
        }
    }

    /// Drops them all, by closing their connection.
    pub(super) fn clear(&mut self) {
        *self = TempTables::default();
    }

    /// Tells whether a name means one of them.
    pub(super) fn has(&self, table: &TableRef) -> bool {
        let own = matches!(table.schema.as_deref(), None | Some(TEMPORARY_SCHEMA));
        own && self.tables.contains_key(&table.table)
    }

    /// Tells whether a write changes a temporary table, or makes one.
    pub(super) fn is_target_of(&self, write: &Write) -> bool {
        match write {
            Write::CreateTable { temporary, .. } => *temporary,
            Write::Define { define: DefineWrite::TemporaryView { .. }, .. } => true,
            Write::Insert { table, .. }
            | Write::Update { table, .. }
            | Write::Delete { table, .. }
            | Write::AlterTable { table, .. } => self.has(table),
            Write::Truncate { tables } => tables.iter().any(|table| self.has(table)),
            Write::Drop { names, .. } => names.iter().any(|table| self.has(table)),
            Write::Materialize { .. } => false,
            Write::Define { .. } | Write::Other { .. } => {
                write.tables().first().is_some_and(|table| self.has(table))
            }
        }
    }

    /// Tells whether a write draws from a temporary sequence, or makes one.
    pub(super) fn has_sequence_of(&self, statement: &Statement) -> bool {
        statement.makes_temporary_sequence()
            || statement.drawn_sequences().iter().any(|name| self.has(name))
    }

    /// Tells whether a write reads one.
    pub(super) fn is_read_by(&self, write: &Write) -> bool {
        write.tables().iter().any(|table| self.has(table))
    }

    fn note(&mut self, write: &Write) {
        match write {
            Write::CreateTable { table, on_commit, .. } => {
                self.tables.insert(table.table.clone(), *on_commit);
            }
            Write::Define { define: DefineWrite::TemporaryView { names }, .. } => {
                let name = names.first().map(|name| name.table.clone());
                self.tables.extend(name.map(|name| (name, OnCommit::PreserveRows)));
            }
            Write::Drop { names, .. } => {
                self.tables.retain(|name, _| names.iter().all(|dropped| dropped.table != *name));
            }
            Write::AlterTable { table, rename_to: Some(to) } => {
                if let Some(on_commit) = self.tables.remove(&table.table) {
                    self.tables.insert(to.clone(), on_commit);
                }
            }
            _ => {}
        }
    }

    /// What COMMIT does to them, as SQL of DuckDB's.
    pub(super) fn at_commit(&mut self) -> Vec<String> {
        let name = |table: &String| duckdb_table(&TableName::new(TEMPORARY_SCHEMA, table));
        let sql = self.tables.iter().filter_map(|(table, on_commit)| match on_commit {
            OnCommit::PreserveRows => None,
            OnCommit::DeleteRows => Some(format!("DELETE FROM {}", name(table))),
            OnCommit::Drop => Some(format!("DROP TABLE {}", name(table))),
        });
        let sql = sql.collect();
        self.tables.retain(|_, on_commit| *on_commit != OnCommit::Drop);
        sql
    }
}

impl Session {
    /// What statements outside of a transaction run on, where there are temporary tables.
    pub(super) fn loose_snapshot(&self) -> Option<Snapshot> {
        self.temp.connection().cloned().map(Snapshot::loose)
    }

    /// Opens the connection that temporary tables are to live on.
    async fn temp_connection(&mut self, guard: &StatementGuard) -> Result<HeldConnection> {
        if let Some(connection) = self.temp.connection() {
            return Ok(connection.clone());
        }
        let in_lane = match &self.transaction {
            Transaction::Open(open) => open.snapshot.as_ref().map(|s| s.held.clone()),
            _ => None,
        };
        let connection = match in_lane {
            Some(held) => held,
            None => {
                let context = self.context(guard).await?;
                self.services.router.duckdb.hold(Access::Loose, &context.query).await?
            }
        };
        self.temp.connection = Some(connection.clone());
        Ok(connection)
    }

    /// Changes a temporary table.
    pub(super) async fn write_temp(
        &mut self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        params: Vec<Value>,
        guard: &StatementGuard,
    ) -> Result<Applied> {
        if let Write::Drop { names, .. } = write
            && !names.iter().all(|table| self.temp.has(table))
        {
            return Err(Error::unsupported(
                "one statement cannot drop temporary tables and others",
            ));
        }
        if self.is_in_block() {
            self.enter_lane(guard).await?;
        }
        self.temp_connection(guard).await?;
        let context: StatementContext = self.context(guard).await?;
        let router = &self.services.router;
        let body = router.temporary_body(statement, write, types, params, &context).await?;
        let applied = self.change_temp(&statement.text, body, &context, guard).await?;
        self.temp.note(write);
        if !matches!(
            write,
            Write::Insert { .. }
                | Write::Update { .. }
                | Write::Delete { .. }
                | Write::Truncate { .. }
        ) {
            self.note_temporary_sequences().await?;
        }
        Ok(applied)
    }

    /// Takes note of the sequences that came or went with a change.
    async fn note_temporary_sequences(&mut self) -> Result<()> {
        let Some(connection) = self.temp.connection() else { return Ok(()) };
        let rows = connection.text_rows(OBJECTS, Vec::new()).await?;
        let is_there = |name: &String| rows.iter().any(|row| row.first() == Some(name));
        self.temp.tables.retain(|name, _| is_there(name));
        for row in &rows {
            if let [name, kind] = row.as_slice()
                && kind == "sequence"
            {
                self.temp.tables.entry(name.clone()).or_insert(OnCommit::PreserveRows);
            }
        }
        Ok(())
    }

    /// Changes a temporary table that is there, or makes one.
    pub(super) async fn change_temp(
        &mut self,
        text: &str,
        body: Body,
        context: &StatementContext,
        guard: &StatementGuard,
    ) -> Result<Applied> {
        let connection = self.temp_connection(guard).await?;
        if self.is_in_block() {
            let nothing = BTreeSet::new();
            let scope = Scope::Session;
            return self.write_in_transaction(text, body, nothing, scope, context, guard).await;
        }
        let router = &self.services.router;
        // It may read tables of everybody's.
        router.wait_for_all_promised(context).await?;
        let staged = body.staged_path().map(|path| router.data_dir.join(path));
        let _staged = StagedFiles(staged.into_iter().collect());
        let origin = self.origin(text, context);
        let writer = self.services.writer.clone();
        writer.apply_alone(&connection, &origin, body, &guard.token()).await
    }
}
