//! What a procedure with OUT or INOUT arguments gives: the first row of its last statement.

use sqlparser::ast::{self, Ident, SelectItem};

use super::Routine;
use super::macros::argument_cast;
use super::query::put_rows;
use crate::error::{Error, Result};
use crate::sql::dialect::{parsed_expr, parsed_query};
use crate::sql::quote_ident;
use crate::sql::statement::{Memo, Statement};

impl Statement {
    /// Gives the columns of the last statement of a procedure the names and types of its OUT and
    /// INOUT arguments.
    ///
    /// # Errors
    /// 0A000 for `RETURNING *`, and for statements that give no rows.
    pub fn with_outputs(&self, routine: &Routine) -> Result<Statement> {
        let mut changed = self.clone();
        changed.memo = Memo::default();
        let columns = routine.columns();
        let returning = match changed.tree.as_deref_mut() {
            Some(ast::Statement::Query(query)) => {
                let shown: Vec<String> = columns
                    .iter()
                    .enumerate()
                    .map(|(place, (name, pg_type))| {
                        let column = parsed_expr(&format!("\"rows\".\"column {place}\""))?;
                        let cast = argument_cast(column, *pg_type)?;
                        Ok(format!("{cast} AS {}", quote_ident(name)))
                    })
                    .collect::<Result<_>>()?;
                let names: Vec<String> =
                    (0..columns.len()).map(|place| format!("\"column {place}\"")).collect();
                let mut outer = parsed_query(&format!(
                    "SELECT {} FROM (SELECT 1) AS \"rows\"({}) LIMIT 1",
                    shown.join(", "),
                    names.join(", ")
                ))?;
                put_rows(&mut outer, query.as_ref().clone());
                **query = outer;
                return Ok(changed);
            }
            Some(ast::Statement::Insert(insert)) => insert.returning.as_mut(),
            Some(ast::Statement::Update(update)) => update.returning.as_mut(),
            Some(ast::Statement::Delete(delete)) => delete.returning.as_mut(),
            _ => None,
        };
        let Some(items) = returning.filter(|items| items.len() == columns.len()) else {
            return Err(Error::unsupported(
                "a procedure with OUT arguments must end in a SELECT or RETURNING of as many columns",
            ));
        };
        for (item, (name, pg_type)) in items.iter_mut().zip(&columns) {
            let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = &*item
            else {
                return Err(Error::unsupported("RETURNING * at the end of a procedure")
                    .with_hint("Name the columns."));
            };
            let expr = argument_cast(expr.clone(), *pg_type)?;
            let alias = Ident::with_quote('"', name.as_str());
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
        Ok(changed)
    }
}
