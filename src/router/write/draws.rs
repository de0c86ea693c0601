//! Sequences that an INSERT's rows draw from, so that its session can ask `currval` afterwards.

use crate::error::Result;
use crate::intent::{Body, Draw};
use crate::router::{Router, StatementContext};
use crate::sql::{ColumnDefault, Statement, TableRef, Write};
use crate::types::{Column, PgType};

impl Router {
    /// Applies an INSERT as it stands, and lets it tell what it draws.
    pub(super) async fn insert_as_it_stands(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        params: Vec<crate::types::Value>,
        context: &StatementContext,
    ) -> Result<Body> {
        let Some(table) = write.target() else {
            return self.as_it_stands(statement, write, types, params, context).await;
        };
        let columns = self.column_defaults(table, context).await?;
        let left = statement.left_to_defaults(&columns);
        let tells = !statement.updates_on_conflict();
        let mut drawn: Vec<Draw> = Vec::new();
        for (column, left) in columns.iter().zip(left) {
            match left {
                Some(false) => {}
                Some(true) if tells => drawn.extend(draws_of(column)),
                _ => drawn.extend(unknown_draws(column)),
            }
        }
        let told: Vec<&str> =
            drawn.iter().filter_map(|draw| Some(draw.column.as_ref()?.name.as_str())).collect();
        let telling = (!told.is_empty()).then(|| statement.returning_too(&told));
        let statement = telling.as_ref().unwrap_or(statement);
        let mut body = self.as_it_stands(statement, write, types, params, context).await?;
        if let Body::Statement { draws, .. } = &mut body {
            *draws = drawn;
        }
        Ok(body)
    }

    /// Lists what rows draw that give these columns of a DuckDB table.
    pub async fn draws(
        &self,
        table: &TableRef,
        given: &[String],
        context: &StatementContext,
    ) -> Result<Vec<Draw>> {
        let columns = self.column_defaults(table, context).await?;
        let omitted = columns.iter().filter(|column| !given.contains(&column.name));
        Ok(omitted.flat_map(draws_of).collect())
    }
}

/// What a column draws that is left to its default.
pub(super) fn draws_of(column: &ColumnDefault) -> Vec<Draw> {
    match (column.sequences.as_slice(), column.is_drawn, column.pg_type) {
        ([sequence], true, Some(pg_type @ (PgType::INT2 | PgType::INT4 | PgType::INT8))) => {
            let column = Some(Column::new(column.name.clone(), pg_type));
            vec![Draw { sequence: sequence.clone(), column }]
        }
        _ => unknown_draws(column),
    }
}

fn unknown_draws(column: &ColumnDefault) -> Vec<Draw> {
    let draw = |sequence: &_| Draw { sequence: Clone::clone(sequence), column: None };
    column.sequences.iter().map(draw).collect()
}
