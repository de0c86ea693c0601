//! Statements that notify, in a procedure's body: as a query of channels and payloads.

use sqlparser::ast::{self, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, SelectItem};

use crate::error::{Error, Result};
use crate::sql::define::calls;
use crate::sql::split;
use crate::sql::statement::{Kind, Memo, Statement};

const NOTIFY: &str = "pg_notify";

impl Statement {
    /// Makes the query of a `NOTIFY` or a `SELECT pg_notify(channel, payload) …`: a row for each
    /// notification, with its channel and its payload; `None` for other statements.
    ///
    /// # Errors
    /// 0A000 where `pg_notify` is called anywhere but as the one column of a SELECT.
    pub fn as_notifications(&self) -> Result<Option<Statement>> {
        if let Kind::Notify { channel, payload } = &self.kind {
            let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
            let sql = format!("SELECT {}, {}", quoted(channel), quoted(payload));
            return Ok(split::parse(&sql)?.into_iter().next());
        }
        let Some(tree) = self.tree.as_deref() else { return Ok(None) };
        if !calls(tree, NOTIFY) {
            return Ok(None);
        }
        let refused = || {
            Error::unsupported("pg_notify() here is supported only as the one column of a SELECT")
                .with_hint("Write SELECT pg_notify(channel, payload) FROM ….")
        };
        let mut changed = self.clone();
        changed.memo = Memo::default();
        changed.words.retain(|word| word.folded != NOTIFY);
        let Some(ast::Statement::Query(query)) = changed.tree.as_deref_mut() else {
            return Err(refused());
        };
        let ast::SetExpr::Select(select) = query.body.as_mut() else { return Err(refused()) };
        let [item] = select.projection.as_slice() else { return Err(refused()) };
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else {
            return Err(refused());
        };
        let Some((channel, payload)) = arguments(expr) else { return Err(refused()) };
        select.projection = vec![
            SelectItem::UnnamedExpr(as_text(channel)),
            SelectItem::UnnamedExpr(as_text(payload)),
        ];
        match changed.tree.as_deref() {
            Some(tree) if !calls(tree, NOTIFY) => Ok(Some(changed)),
            _ => Err(refused()),
        }
    }
}

fn arguments(expr: &Expr) -> Option<(Expr, Expr)> {
    let Expr::Function(function) = expr else { return None };
    let FunctionArguments::List(list) = &function.args else { return None };
    match list.args.as_slice() {
        [
            FunctionArg::Unnamed(FunctionArgExpr::Expr(channel)),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(payload)),
        ] => Some((channel.clone(), payload.clone())),
        _ => None,
    }
}

fn as_text(expr: Expr) -> Expr {
    Expr::Cast {
        kind: ast::CastKind::Cast,
        expr: Box::new(expr),
        data_type: ast::DataType::Text,
        array: false,
        format: None,
    }
}
