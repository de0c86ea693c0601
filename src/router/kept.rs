//! What the catalogue's kept copy answers, and for whom: not for sessions that may see other
//! definitions than all do.

use std::sync::OnceLock;

use super::{Router, StatementContext};
use crate::catalog::{KeptId, KeptQuery};
use crate::engine::duckdb::{DataState, HeldConnection};
use crate::error::Result;
use crate::sql::rewrite::{KeptNames, NameContext};
use crate::sql::{Read, Statement};
use crate::types::{PgType, Value};

/// A question of the server's own to the catalogue, all of whose columns are text.
pub(in crate::router) struct CatalogQuestion {
    live: &'static str,
    kept: OnceLock<KeptQuery>,
}

impl CatalogQuestion {
    /// Takes the question as it is put to the views of `teatree_system`.
    pub(super) const fn new(live: &'static str) -> CatalogQuestion {
        CatalogQuestion { live, kept: OnceLock::new() }
    }

    /// The same question, put to the copy.
    fn kept(&self) -> &KeptQuery {
        self.kept.get_or_init(|| KeptQuery::of(self.live))
    }
}

/// What a rewritten statement names of the copy.
pub(super) fn named_of_kept(names: &NameContext) -> Vec<KeptId> {
    names.kept.as_ref().map(KeptNames::named).unwrap_or_default()
}

impl Router {
    /// Finds the meaning of the names of a read, which may read the copy.
    pub(super) async fn read_names_of(
        &self,
        statement: &Statement,
        read: &Read,
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<NameContext> {
        let names = self.names_of(statement, &read.tables, types, context).await?;
        let kept = (!context.has_own_view()).then(KeptNames::default);
        Ok(NameContext { kept, ..names })
    }

    /// Brings objects of the copy up to date.
    pub(super) async fn keep(&self, wanted: &[KeptId], context: &StatementContext) -> Result<()> {
        self.duckdb.keep(wanted, self.data_state(), &context.query.cancel).await
    }

    fn data_state(&self) -> DataState {
        DataState {
            definitions: self.log.definitions().ended(),
            written: self.log.last_durable().0,
        }
    }

    /// Asks the catalogue: as a connection sees it, or as all do.
    pub(super) async fn catalog_rows(
        &self,
        question: &'static CatalogQuestion,
        params: Vec<Value>,
        held: Option<&HeldConnection>,
        context: &StatementContext,
    ) -> Result<Vec<Vec<String>>> {
        if let Some(held) = held {
            return held.text_rows(question.live, params).await;
        }
        let kept = question.kept();
        if !self.duckdb.prefers_kept(&kept.needs, self.data_state()) {
            return self.duckdb.text_rows(question.live, params).await;
        }
        self.keep(&kept.needs, context).await?;
        self.duckdb.text_rows(&kept.sql, params).await
    }
}
