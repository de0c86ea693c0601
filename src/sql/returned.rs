//! What RETURNING may name where a statement joins its target with other tables: DuckDB knows
//! nothing but the target there.

use std::ops::ControlFlow;

use sqlparser::ast::{self, Expr, Ident, SelectItem, SelectItemQualifiedWildcardKind};

use super::fold;
use crate::error::{Error, Result};

/// Refuses columns of joined tables.
///
/// # Errors
/// 0A000.
pub(super) fn check_update(update: &ast::Update) -> Result<()> {
    check(&update.table, update.from.is_some(), update.returning.as_deref())
}

/// The same of a DELETE from a table.
pub(super) fn check_delete(delete: &ast::Delete, target: &ast::TableWithJoins) -> Result<()> {
    check(target, delete.using.is_some(), delete.returning.as_deref())
}

fn check(
    target: &ast::TableWithJoins,
    is_joined: bool,
    returning: Option<&[SelectItem]>,
) -> Result<()> {
    let (true, Some(items)) = (is_joined, returning) else { return Ok(()) };
    let ast::TableFactor::Table { name, alias, .. } = &target.relation else { return Ok(()) };
    let called = match alias {
        Some(alias) => Some(&alias.name),
        None => name.0.last().and_then(|part| part.as_ident()),
    };
    let Some(called) = called.map(fold) else { return Ok(()) };
    if items.iter().all(|item| is_of(item, &called)) {
        return Ok(());
    }
    Err(Error::unsupported("RETURNING of columns of a joined table is not supported")
        .with_hint(format!("Name the columns of \"{called}\", or \"{called}\".*.")))
}

fn is_of(item: &SelectItem, target: &str) -> bool {
    let names_target = |idents: &[Ident]| {
        let table = idents.len().checked_sub(2).and_then(|place| idents.get(place));
        table.is_none_or(|table| fold(table) == target)
    };
    match item {
        SelectItem::Wildcard(_) => false,
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
            name.0.last().and_then(|part| part.as_ident()).is_some_and(|last| fold(last) == target)
        }
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(_), _) => false,
        item => {
            let found = ast::visit_expressions(item, |expr| match expr {
                Expr::CompoundIdentifier(idents) if !names_target(idents) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            });
            found.is_continue()
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::sql::parse;

    fn is_refused(text: &str) -> bool {
        match parse(text) {
            Ok(_) => false,
            Err(error) => {
                assert_eq!(error.code().as_str(), "0A000", "{text}");
                true
            }
        }
    }

    #[test]
    fn columns_of_the_target_alone_are_returned() {
        for text in [
            "UPDATE t SET a = 1 FROM u WHERE u.i = t.i RETURNING *",
            "UPDATE t SET a = 1 FROM u WHERE u.i = t.i RETURNING t.a, u.i",
            "UPDATE s.t SET a = 1 FROM u WHERE u.i = t.i RETURNING u.*",
            "DELETE FROM t AS x USING u WHERE u.i = x.i RETURNING upper(u.name)",
        ] {
            assert!(is_refused(text), "{text}");
        }
        for text in [
            "UPDATE t SET a = 1 RETURNING *",
            "UPDATE T SET a = 1 FROM u WHERE u.i = t.i RETURNING t.*, a, t.a + 1 AS b",
            "DELETE FROM s.t AS x USING u WHERE u.i = x.i RETURNING x.a, x.*",
        ] {
            assert!(!is_refused(text), "{text}");
        }
    }
}
