//! Functions that only the session can compute: `current_setting`, `set_config`, `pg_notify`. Their
//! calls with literals or parameters are computed first, and their values stand in the query.

use std::ops::ControlFlow;

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    CaseWhen, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, SelectItem,
    Value as Literal, VisitMut, VisitorMut,
};

use super::Argument;
use super::statement::{Memo, Statement};
use crate::error::{Error, Result};

const NAMES: [&str; 3] = ["current_setting", "set_config", "pg_notify"];

/// Names whose rows or values are the session's own.
const OWN: [&str; 7] = [
    "pg_settings",
    "pg_show_all_settings",
    "current_setting",
    "pg_prepared_statements",
    "pg_prepared_statement",
    "pg_cursors",
    "pg_cursor",
];

/// Computes a call: its name and arguments to its text, `None` for NULL.
pub type Compute<'a> = dyn FnMut(&'static str, &[Argument]) -> Result<Option<String>> + 'a;

impl Statement {
    /// Tells whether the session must compute something of the statement first.
    pub fn calls_session(&self) -> bool {
        self.words.iter().any(|word| NAMES.contains(&word.folded.as_str()))
    }

    /// Tells whether the session must show its own state for the statement.
    pub fn asks_of_session(&self) -> bool {
        self.words.iter().any(|word| OWN.contains(&word.folded.as_str()))
    }

    /// Computes the calls, and returns the statement with their values; a call whose arguments are
    /// only known row by row stays.
    ///
    /// # Errors
    /// What `compute` says.
    pub fn with_session_values(&self, compute: &mut Compute<'_>) -> Result<Statement> {
        let mut changed = self.clone();
        changed.memo = Memo::default();
        if let Some(tree) = &mut changed.tree
            && let ControlFlow::Break(error) = tree.visit(&mut Computer { compute })
        {
            return Err(error);
        }
        Ok(changed)
    }
}

struct Computer<'a, 'b> {
    compute: &'a mut Compute<'b>,
}

impl VisitorMut for Computer<'_, '_> {
    type Break = Error;

    fn pre_visit_select(&mut self, select: &mut sqlparser::ast::Select) -> ControlFlow<Error> {
        // A literal would lose the name that the call gives its column.
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) = item
                && let Some(name) = called(expr)
            {
                let expr = std::mem::replace(expr, null());
                *item = SelectItem::ExprWithAlias { expr, alias: Ident::new(name) };
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let Some(name) = called(expr) else { return ControlFlow::Continue(()) };
        let Expr::Function(function) = &*expr else { return ControlFlow::Continue(()) };
        let FunctionArguments::List(list) = &function.args else {
            return ControlFlow::Continue(());
        };
        let args = list.args.iter().map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => super::call::argument(expr),
            other => Err(Error::unsupported(format!("{other} cannot be an argument here"))),
        });
        // Arguments that differ from row to row are left to the catalogue's own function.
        let Ok(args) = args.collect::<Result<Vec<_>>>() else { return ControlFlow::Continue(()) };
        let computed = match (self.compute)(name, &args) {
            Ok(Some(text)) => as_text(Expr::Value(Literal::SingleQuotedString(text).into())),
            Ok(None) => as_text(null()),
            Err(error) => return ControlFlow::Break(error),
        };
        *expr = with_params_of(&list.args, computed);
        ControlFlow::Continue(())
    }
}

/// Parameters among a call's arguments stay in the statement, so that the others keep their places.
fn with_params_of(args: &[FunctionArg], computed: Expr) -> Expr {
    let params = args.iter().filter_map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => {
            super::params::count(expr).is_ok_and(|count| count > 0).then(|| expr.clone())
        }
        _ => None,
    });
    params.fold(computed, |computed, param| Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen {
            condition: Expr::IsNull(Box::new(as_text(param))),
            result: computed.clone(),
        }],
        else_result: Some(Box::new(computed)),
    })
}

fn null() -> Expr {
    Expr::Value(Literal::Null.into())
}

fn as_text(expr: Expr) -> Expr {
    Expr::Cast {
        kind: sqlparser::ast::CastKind::DoubleColon,
        expr: Box::new(expr),
        data_type: sqlparser::ast::DataType::Text,
        array: false,
        format: None,
    }
}

fn called(expr: &Expr) -> Option<&'static str> {
    let Expr::Function(function) = expr else { return None };
    let parts: Option<Vec<&str>> = function
        .name
        .0
        .iter()
        .map(|part| part.as_ident().map(|ident| ident.value.as_str()))
        .collect();
    let name = match parts?.as_slice() {
        [name] | ["pg_catalog", name] => *name,
        _ => return None,
    };
    NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name))
}
