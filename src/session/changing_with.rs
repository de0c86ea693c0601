//! Statements some of whose WITH queries write: each part for itself, in one transaction.

use super::parts::{declared_params, params_or_text};
use super::run::Outcome;
use super::write::outcome;
use super::{Session, StatementGuard};
use crate::engine::Description;
use crate::error::{Error, Result};
use crate::sql::{ChangingWith, ReturnedRows, Statement};
use crate::types::{self, OutputStyle, PgType, Value};

impl Session {
    /// Runs the parts that write, and then the statement over what they returned.
    pub(super) async fn changing_with(
        &mut self,
        statement: &Statement,
        with: &ChangingWith,
        types: &[Option<PgType>],
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        if self.is_in_block() {
            return self.changing_parts(statement, with, types, params, guard).await;
        }
        if let Some((_, applied)) = self.claim_statement(statement, params, guard).await? {
            return outcome(applied);
        }
        self.begin_implicit();
        let mut done = self.changing_parts(statement, with, types, params, guard).await;
        // The transaction's connection is free before it ends.
        if let Ok(Outcome::Rows(rows)) = &mut done
            && let Err(error) = rows.gather(self.services.config.portal_bytes_max).await
        {
            done = Err(error);
        }
        if done.is_err() {
            self.fail();
        }
        self.end_implicit().await?;
        done
    }

    async fn changing_parts(
        &mut self,
        statement: &Statement,
        with: &ChangingWith,
        types: &[Option<PgType>],
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        let mut returned = Vec::with_capacity(with.writes);
        loop {
            let part = statement.changing_part(returned.len(), &returned)?;
            if !returned.is_empty() && self.services.router.may_read_unnamed(&part).await? {
                return Err(Error::unsupported(
                    "views and functions beside a WITH query that writes are not supported",
                ));
            }
            let done = self.run_part(&part, types, params, guard).await?;
            if returned.len() == with.writes {
                return Ok(done);
            }
            returned.push(returned_rows(done).await?);
        }
    }

    /// Describes such a statement: each part with what those before it return.
    pub(super) async fn describe_changing_with(
        &self,
        statement: &Statement,
        with: &ChangingWith,
        declared: &[Option<PgType>],
        guard: &StatementGuard,
    ) -> Result<Description> {
        let mut params = declared_params(statement, declared);
        let mut returned = Vec::with_capacity(with.writes);
        loop {
            let part = statement.changing_part(returned.len(), &returned)?;
            let columns = self.describe_part(&part, &mut params, guard).await?;
            if returned.len() == with.writes {
                return Ok(Description { params: params_or_text(params), columns });
            }
            let is_any = !columns.is_empty();
            returned.push(is_any.then(|| ReturnedRows { columns, rows: Vec::new() }));
        }
    }
}

/// Takes what a write returned; `None` for one that returns nothing.
async fn returned_rows(done: Outcome) -> Result<Option<ReturnedRows>> {
    let Outcome::Rows(mut given) = done else { return Ok(None) };
    let mut rows = Vec::new();
    while let Some(batch) = given.next().await? {
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns());
        let mut texts = columns
            .map(|(field, column)| {
                let texts = types::value_texts(field, column, OutputStyle::default())?;
                Ok(texts.into_iter())
            })
            .collect::<Result<Vec<_>>>()?;
        for _ in 0..batch.num_rows() {
            rows.push(texts.iter_mut().map(|column| column.next().flatten()).collect());
        }
    }
    Ok(Some(ReturnedRows { columns: std::mem::take(&mut given.columns), rows }))
}
