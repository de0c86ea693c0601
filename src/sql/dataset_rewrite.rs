//! UPDATE and DELETE of a dataset as a query that gives the dataset's new rows.
//!
//! A dataset is immutable files, so a change is a new set of rows: for UPDATE each column is
//! `CASE WHEN condition THEN new ELSE old END`, for DELETE the rows whose condition is not true.

use sqlparser::ast::{self, AssignmentTarget, Statement as Tree};

use super::rewrite::{self, NameContext};
use super::{fold, params, quote_ident};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::PgType;

/// Two queries over the dataset, in DataFusion's SQL.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetRewrite {
    /// Gives the new rows, all columns in the table's order.
    pub rows: String,
    /// Counts the rows that the statement affects.
    pub affected: String,
}

pub(super) fn build(
    tree: &Tree,
    names: &NameContext,
    param_types: &[Option<PgType>],
    columns: &[String],
) -> Result<DatasetRewrite> {
    let mut tree = tree.clone();
    rewrite::for_datafusion(&mut tree, names)?;
    params::cast(&mut tree, param_types);
    match &tree {
        Tree::Update(update) => build_update(update, columns),
        Tree::Delete(delete) => build_delete(delete, columns),
        _ => Err(Error::internal("only UPDATE and DELETE rewrite a dataset")),
    }
}

fn build_update(update: &ast::Update, columns: &[String]) -> Result<DatasetRewrite> {
    refuse(update.from.is_some(), "UPDATE … FROM")?;
    refuse(update.returning.is_some(), "RETURNING")?;
    refuse(!update.table.joins.is_empty(), "UPDATE of a join")?;
    let table = &update.table.relation;
    let condition = condition(update.selection.as_ref());
    let mut assigned: Vec<(String, String)> = Vec::new();
    for assignment in &update.assignments {
        let AssignmentTarget::ColumnName(name) = &assignment.target else {
            return Err(Error::unsupported("UPDATE of a dataset assigns one column at a time"));
        };
        let column = name.0.last().and_then(|part| part.as_ident()).map(fold).unwrap_or_default();
        if !columns.contains(&column) {
            return Err(Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{column}\" does not exist"),
            ));
        }
        if assigned.iter().any(|(earlier, _)| *earlier == column) {
            return Err(Error::syntax(format!("multiple assignments to same column \"{column}\"")));
        }
        assigned.push((column, assignment.value.to_string()));
    }
    let list: Vec<String> = columns
        .iter()
        .map(|column| {
            let quoted = quote_ident(column);
            match assigned.iter().find(|(name, _)| name == column) {
                Some((_, value)) => {
                    format!("CASE WHEN {condition} THEN ({value}) ELSE {quoted} END AS {quoted}")
                }
                None => quoted,
            }
        })
        .collect();
    Ok(DatasetRewrite {
        rows: format!("SELECT {} FROM {table}", list.join(", ")),
        affected: format!("SELECT count(*) FROM {table} WHERE {condition}"),
    })
}

fn build_delete(delete: &ast::Delete, columns: &[String]) -> Result<DatasetRewrite> {
    refuse(delete.using.is_some(), "DELETE … USING")?;
    refuse(delete.returning.is_some(), "RETURNING")?;
    let (ast::FromTable::WithFromKeyword(from) | ast::FromTable::WithoutKeyword(from)) =
        &delete.from;
    let [table] = from.as_slice() else {
        return Err(Error::unsupported("DELETE from several tables is not supported"));
    };
    let condition = condition(delete.selection.as_ref());
    let list: Vec<String> = columns.iter().map(|column| quote_ident(column)).collect();
    Ok(DatasetRewrite {
        rows: format!("SELECT {} FROM {table} WHERE ({condition}) IS NOT TRUE", list.join(", ")),
        affected: format!("SELECT count(*) FROM {table} WHERE {condition}"),
    })
}

fn condition(selection: Option<&ast::Expr>) -> String {
    selection.map_or_else(|| "TRUE".to_owned(), |expr| format!("({expr})"))
}

fn refuse(found: bool, what: &str) -> Result<()> {
    if found {
        return Err(Error::unsupported(format!("{what} on an Arrow dataset is not supported yet")));
    }
    Ok(())
}
