//! What the catalogue's kept copy answers, and for whom: not for sessions that may see other
//! definitions than all do.

use std::sync::{Arc, OnceLock};

use super::{Router, StatementContext};
use crate::catalog::{self, KeptId, KeptQuery};
use crate::engine::duckdb::{DataState, HeldConnection};
use crate::error::{Error, Result};
use crate::sql::rewrite::{KeptNames, NameContext};
use crate::sql::{Read, Statement, TableRef};
use crate::sqlstate::SqlState;
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

/// Refuses to ask a session's own copy for what is not in it.
pub(super) fn check_own(names: &NameContext, context: &StatementContext) -> Result<()> {
    let has_all = names.kept.as_ref().is_none_or(KeptNames::has_all);
    match &context.own_catalog {
        Some(_) if !has_all => Err(Error::internal("not all of it is in the catalogue's copy")),
        _ => Ok(()),
    }
}

/// Tells whether a question that a copy could not answer is to be put to the views themselves.
pub(super) fn is_to_be_asked_again(error: &Error) -> bool {
    error.code() != SqlState::QUERY_CANCELED
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
        let kept = match &context.own_catalog {
            Some(own) => Some(KeptNames::of_copy(own.database())),
            None => (!context.has_own_view()).then(KeptNames::default),
        };
        Ok(NameContext { kept, ..names })
    }

    /// Brings objects of the copy up to date.
    pub(super) async fn keep(&self, wanted: &[KeptId], context: &StatementContext) -> Result<()> {
        let (state, cancel) = (self.data_state(), &context.query.cancel);
        match (&context.own_catalog, &context.snapshot) {
            (Some(own), Some(seen)) => {
                own.keep(wanted, &seen.held, state.definitions, cancel).await
            }
            _ => self.duckdb.keep(wanted, state, cancel).await,
        }
    }

    /// Lends a session that may see definitions of its own a copy of the catalogue as it sees it,
    /// for a statement that reads nothing else.
    pub(super) async fn in_own_catalog(
        &self,
        read: &Read,
        context: &StatementContext,
    ) -> Result<Option<StatementContext>> {
        let of_catalog = |table: &TableRef| {
            catalog::is_system_relation(table.schema.as_deref(), &table.table).is_some()
        };
        let Some(held) = context.held().filter(|_| context.has_own_view()) else { return Ok(None) };
        if read.native
            || read.tables.is_empty()
            || !read.tables.iter().all(of_catalog)
            || !read.functions.iter().all(|name| catalog::is_used_function(name))
        {
            return Ok(None);
        }
        self.wait_for_promised(read, context).await?;
        let own = self.duckdb.own_catalog(held).await?.map(Arc::new);
        Ok(own.map(|own| StatementContext { own_catalog: Some(own), ..context.clone() }))
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
