//! A SELECT of one row whose columns draw from sequences, set them and ask for what was drawn: each
//! sees what those before it have done, so that they run one after the other.

use sqlparser::ast::{self, Query, SelectItem, SetExpr, Statement as Tree};

use super::classify::statement_of;
use super::define::calls;
use super::rewrite;
use super::statement::Statement;
use crate::error::{Error, Result};

/// Functions of sequences that change what others give.
const CHANGING: [&str; 2] = ["nextval", "setval"];
const ASKING: [&str; 2] = ["currval", "lastval"];

/// Counts the columns that run one after the other; `None` for another query.
pub(super) fn columns(query: &Query, tree: &Tree) -> Option<usize> {
    let items = items(query)?;
    let changes = CHANGING.iter().filter(|name| calls(tree, name)).count();
    let asks = ASKING.iter().any(|name| calls(tree, name));
    let depends = changes == CHANGING.len() || (changes > 0 && asks);
    (items.len() > 1 && depends).then_some(items.len())
}

/// The select list of a query that is nothing else.
fn items(query: &Query) -> Option<&[SelectItem]> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let is_plain = query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && select.from.is_empty()
        && select.selection.is_none()
        && select.having.is_none()
        && select.distinct.is_none();
    let is_value = |item: &SelectItem| {
        matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. })
    };
    (is_plain && select.projection.iter().all(is_value)).then_some(&select.projection)
}

impl Statement {
    /// Makes the statement that gives one of the columns alone, under the name that it has here.
    ///
    /// # Errors
    /// As for the statement itself.
    pub fn column_alone(&self, place: usize) -> Result<Statement> {
        let Some(Tree::Query(query)) = self.tree.as_deref() else {
            return Err(Error::internal("not a query of columns"));
        };
        let mut query = query.clone();
        let SetExpr::Select(select) = query.body.as_mut() else {
            return Err(Error::internal("not a SELECT of columns"));
        };
        if place >= select.projection.len() {
            return Err(Error::internal("a column is missing"));
        }
        let item = match select.projection.swap_remove(place) {
            SelectItem::UnnamedExpr(expr) => {
                let alias = ast::Ident::with_quote('"', rewrite::column_name(&expr));
                SelectItem::ExprWithAlias { expr, alias }
            }
            other => other,
        };
        select.projection = vec![item];
        statement_of(Box::new(Tree::Query(query)))
    }
}
