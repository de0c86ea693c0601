//! Statements that run as several: each part with those parameters that it uses.

use super::run::Outcome;
use super::{Session, StatementGuard};
use crate::error::Result;
use crate::sql::Statement;
use crate::types::{Column, PgType, Value};

impl Session {
    /// Runs a part with what the whole statement was given.
    pub(super) async fn run_part(
        &mut self,
        part: &Statement,
        types: &[Option<PgType>],
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        let (made, used) = part.with_used_params();
        let known: Vec<Option<PgType>> =
            used.iter().map(|&place| types.get(place).copied().flatten()).collect();
        let given = used.iter().map(|&place| params.get(place).cloned());
        let given = given.map(|value| value.unwrap_or(Value::Null)).collect();
        Box::pin(self.run_kind(&made, &known, given, guard)).await
    }

    /// Describes the columns of a part, and notes the types of the parameters that it tells.
    pub(super) async fn describe_part(
        &self,
        part: &Statement,
        params: &mut [Option<PgType>],
        guard: &StatementGuard,
    ) -> Result<Vec<Column>> {
        let (made, used) = part.with_used_params();
        let known: Vec<Option<PgType>> = used.iter().map(|&place| params[place]).collect();
        let described = Box::pin(self.describe_kind(&made, &known, guard)).await?;
        for (&place, found) in used.iter().zip(&described.params) {
            params[place].get_or_insert(*found);
        }
        Ok(described.columns)
    }
}

/// The types of a statement's parameters before its parts were looked at.
pub(super) fn declared_params(
    statement: &Statement,
    declared: &[Option<PgType>],
) -> Vec<Option<PgType>> {
    let mut params = declared.to_vec();
    params.resize(statement.param_count.max(declared.len()), None);
    params
}

/// The types of parameters, text where no part has told another.
pub(super) fn params_or_text(params: Vec<Option<PgType>>) -> Vec<PgType> {
    params.into_iter().map(|known| known.unwrap_or(PgType::TEXT)).collect()
}
