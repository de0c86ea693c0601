//! Columns of one row that run one after the other, see [`crate::sql::Kind::InTurn`].

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{FieldRef, Schema};
use futures::StreamExt;

use super::parts::{declared_params, params_or_text};
use super::run::{Outcome, Rows, RowsTag};
use super::{Session, StatementGuard};
use crate::engine::Description;
use crate::error::{Error, Result};
use crate::sql::Statement;
use crate::types::{Column, PgType, Value};

impl Session {
    /// Runs each column for itself, in one transaction, and puts them together.
    pub(super) async fn in_turn(
        &mut self,
        statement: &Statement,
        count: usize,
        types: &[Option<PgType>],
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        let is_own = !self.is_in_block();
        if is_own {
            self.begin_implicit();
        }
        let done = self.columns_in_turn(statement, count, types, params, guard).await;
        if is_own {
            if done.is_err() {
                self.fail();
            }
            self.end_implicit().await?;
        }
        done
    }

    async fn columns_in_turn(
        &mut self,
        statement: &Statement,
        count: usize,
        types: &[Option<PgType>],
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        let mut columns: Vec<Column> = Vec::with_capacity(count);
        let mut fields: Vec<FieldRef> = Vec::with_capacity(count);
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(count);
        for place in 0..count {
            let part = statement.column_alone(place)?;
            let Outcome::Rows(mut rows) = self.run_part(&part, types, params, guard).await? else {
                return Err(Error::internal("a column gave no rows"));
            };
            while let Some(batch) = rows.next().await? {
                if batch.num_rows() == 0 {
                    continue;
                }
                if batch.num_rows() > 1 || arrays.len() > place {
                    return Err(Error::unsupported(
                        "functions of many rows beside those of sequences are not supported",
                    ));
                }
                fields.extend(batch.schema().fields().iter().cloned());
                arrays.extend(batch.columns().iter().cloned());
            }
            columns.append(&mut rows.columns);
        }
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|error| Error::internal(error.to_string()))?;
        let stream = futures::stream::iter([Ok(batch)]).boxed();
        let rows = Rows::new(columns, stream, RowsTag::Counted("SELECT"));
        Ok(Outcome::Rows(Box::new(rows)))
    }

    /// Describes such a row: each column for itself.
    pub(super) async fn describe_in_turn(
        &self,
        statement: &Statement,
        count: usize,
        declared: &[Option<PgType>],
        guard: &StatementGuard,
    ) -> Result<Description> {
        let mut params = declared_params(statement, declared);
        let mut columns = Vec::with_capacity(count);
        for place in 0..count {
            let part = statement.column_alone(place)?;
            columns.extend(self.describe_part(&part, &mut params, guard).await?);
        }
        Ok(Description { params: params_or_text(params), columns })
    }
}
