//! LOCK TABLE, and the functions of advisory locks.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, LockTableMode, Query, SelectItem,
    SetExpr, Visit, Visitor,
};

use super::call::{self, Argument};
use super::fold;
use super::statement::TableRef;
use crate::error::{Error, Result};

/// `LOCK TABLE a, b IN mode MODE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockTable {
    pub tables: Vec<TableRef>,
    pub strength: LockStrength,
    /// Fails instead of waiting.
    pub nowait: bool,
}

/// What a table lock keeps out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockStrength {
    /// ACCESS SHARE, ROW SHARE, ROW EXCLUSIVE: nobody that writes rows.
    Rows,
    /// SHARE UPDATE EXCLUSIVE: its like.
    OneAtATime,
    /// SHARE and stronger: whoever writes rows.
    Writers,
}

pub(super) fn classify(lock: &ast::Lock) -> Result<LockTable> {
    let strength = match lock.lock_mode {
        Some(
            LockTableMode::AccessShare | LockTableMode::RowShare | LockTableMode::RowExclusive,
        ) => LockStrength::Rows,
        Some(LockTableMode::ShareUpdateExclusive) => LockStrength::OneAtATime,
        _ => LockStrength::Writers,
    };
    let tables = lock.tables.iter().map(|target| TableRef::from_object_name(&target.name));
    Ok(LockTable { tables: tables.collect::<Result<_>>()?, strength, nowait: lock.nowait })
}

/// One call of a function of advisory locks.
#[derive(Clone, Debug)]
pub struct AdvisoryCall {
    /// The result's column.
    pub column: String,
    pub action: AdvisoryAction,
    /// One bigint, or two integers.
    pub args: Vec<Argument>,
}

/// What such a function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvisoryAction {
    Lock { shared: bool, of_transaction: bool, waits: bool },
    Unlock { shared: bool },
    UnlockAll,
}

impl AdvisoryAction {
    fn of(name: &str) -> Option<AdvisoryAction> {
        let (name, shared) = match name.strip_suffix("_shared") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let lock = |of_transaction, waits| AdvisoryAction::Lock { shared, of_transaction, waits };
        match name {
            "pg_advisory_lock" => Some(lock(false, true)),
            "pg_advisory_xact_lock" => Some(lock(true, true)),
            "pg_try_advisory_lock" => Some(lock(false, false)),
            "pg_try_advisory_xact_lock" => Some(lock(true, false)),
            "pg_advisory_unlock" => Some(AdvisoryAction::Unlock { shared }),
            "pg_advisory_unlock_all" if !shared => Some(AdvisoryAction::UnlockAll),
            _ => None,
        }
    }

    fn takes(self, args: usize) -> bool {
        match self {
            AdvisoryAction::UnlockAll => args == 0,
            _ => args == 1 || args == 2,
        }
    }

    /// Tells whether the result is a boolean; else it is void.
    pub fn gives_boolean(self) -> bool {
        matches!(self, AdvisoryAction::Lock { waits: false, .. } | AdvisoryAction::Unlock { .. })
    }
}

/// Finds a SELECT of nothing but calls of advisory-lock functions; `None` for other queries.
///
/// # Errors
/// 0A000 when such a call stands anywhere else.
pub(super) fn advisory_calls(query: &Query) -> Result<Option<Vec<AdvisoryCall>>> {
    if !mentions_advisory_lock(query) {
        return Ok(None);
    }
    let plain = || {
        let SetExpr::Select(select) = query.body.as_ref() else { return None };
        let bare = query.with.is_none()
            && query.order_by.is_none()
            && query.limit_clause.is_none()
            && select.from.is_empty()
            && select.selection.is_none();
        bare.then(|| select.projection.iter().map(advisory_call).collect::<Option<Vec<_>>>())?
    };
    plain().map(Some).ok_or_else(|| {
        Error::unsupported(
            "advisory locks are supported in a SELECT of nothing but their functions, with literals or parameters",
        )
    })
}

fn advisory_call(item: &SelectItem) -> Option<AdvisoryCall> {
    let (expr, alias) = match item {
        SelectItem::UnnamedExpr(expr) => (expr, None),
        SelectItem::ExprWithAlias { expr, alias } => (expr, Some(fold(alias))),
        _ => return None,
    };
    let Expr::Function(function) = expr else { return None };
    let name = fold(function.name.0.last()?.as_ident()?);
    let action = AdvisoryAction::of(&name)?;
    let FunctionArguments::List(list) = &function.args else { return None };
    let exprs = list.args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    });
    let args = call::arguments(&exprs.collect::<Option<Vec<_>>>()?).ok()?;
    let column = alias.unwrap_or(name);
    action.takes(args.len()).then_some(AdvisoryCall { column, action, args })
}

fn mentions_advisory_lock(query: &Query) -> bool {
    struct Finder;
    impl Visitor for Finder {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let name = match expr {
                Expr::Function(function) => function.name.0.last().and_then(|n| n.as_ident()),
                _ => None,
            };
            match name {
                Some(name) if AdvisoryAction::of(&fold(name)).is_some() => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    query.visit(&mut Finder).is_break()
}
