//! What a write needs and gives, without running it.

use super::insert::assigned_types;
use crate::engine::Description;
use crate::error::Result;
use crate::router::read::inferred;
use crate::router::{Router, StatementContext};
use crate::sql::{Analysis, Statement, Write};
use crate::types::{Column, PgType};

impl Router {
    /// Describes a write without running it: its parameters, and the columns of RETURNING.
    pub async fn describe_write(
        &self,
        statement: &Statement,
        write: &Write,
        known: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Description> {
        let path = &context.query.search_path;
        if let Some(names) = statement.set_value_columns() {
            let columns = names.into_iter().map(|name| Column::new(name, PgType::INT8)).collect();
            return Ok(Description { params: padded(known, statement.param_count), columns });
        }
        let target = match write {
            Write::Insert { table, columns, .. } => {
                self.dataset_of(table, path).map(|name| (name, columns.as_slice()))
            }
            Write::Update { table, .. } | Write::Delete { table, .. } => {
                self.dataset_of(table, path).map(|name| (name, [].as_slice()))
            }
            _ => None,
        };
        if target.is_none() && self.reads_dataset(write, context)
            || statement.param_count == 0 && !write.returning()
        {
            let params = padded(known, statement.param_count);
            return Ok(Description { params, columns: Vec::new() });
        }
        let Some((name, columns)) = target else {
            let planned = self.planned_params(statement, write, known, context).await?;
            if let Some(params) = planned {
                return Ok(Description { params, columns: Vec::new() });
            }
            let mut names = self.names_of(statement, write.tables(), known, context).await?;
            let analysis = statement.analyze(&names.relations, known);
            let known = &inferred(known, &analysis, statement.param_count);
            names.param_types.clone_from(known);
            let mut description =
                self.describe_on_duckdb(statement, known, &names, context).await?;
            analysis.retype(&mut description.columns);
            if !write.returning() {
                description.columns.clear();
            }
            return Ok(description);
        };
        let target = self.dataset_target(&name, columns)?;
        let params = assigned_types(statement, known, &target.columns);
        Ok(Description { params: padded(&params, statement.param_count), columns: Vec::new() })
    }
}

impl Router {
    /// Finds the types of the columns that a write returns, and what they are of.
    pub async fn returned(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Analysis> {
        let names = self.names_of(statement, write.tables(), types, context).await?;
        Ok(statement.analyze(&names.relations, types))
    }
}

fn padded(known: &[Option<PgType>], count: usize) -> Vec<PgType> {
    (0..count).map(|index| known.get(index).copied().flatten().unwrap_or(PgType::TEXT)).collect()
}
