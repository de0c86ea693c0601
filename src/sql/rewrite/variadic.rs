//! `f(…, VARIADIC array)`, which is `f(…, !!array)` here (see `fold.rs`): DuckDB would take the
//! array for one more argument.

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator, Value};

use super::names;
use crate::error::{Error, Result};

/// Spells out the elements of an array that stands for arguments.
///
/// # Errors
/// 0A000 where the elements are not written there.
pub(super) fn spell_out(expr: &mut Expr) -> Result<()> {
    let Expr::Function(function) = expr else { return Ok(()) };
    let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
    let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::UnaryOp {
        op: UnaryOperator::PGPrefixFactorial,
        expr: value,
    }))) = list.args.last()
    else {
        return Ok(());
    };
    if let Some(elements) = elements(value) {
        list.args.pop();
        let element = |one| FunctionArg::Unnamed(FunctionArgExpr::Expr(one));
        list.args.extend(elements.into_iter().map(element));
        return Ok(());
    }
    let array = value.as_ref().clone();
    let parts = names::parts(&function.name).unwrap_or_default();
    let rest = list.args.len() - 1;
    let separator = match (parts.last().copied(), list.args.first()) {
        (Some("concat_ws"), Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(separator))))
            if rest == 1 =>
        {
            separator.clone()
        }
        (Some("concat"), _) if rest == 0 => names::string(""),
        _ => {
            return Err(Error::unsupported("VARIADIC is not supported for this array")
                .with_hint("Write the arguments themselves."));
        }
    };
    let args = names::arguments(vec![array, separator]);
    *expr = names::call(names::object_name(&["array_to_string"]), args);
    Ok(())
}

fn elements(value: &Expr) -> Option<Vec<Expr>> {
    match value {
        Expr::Nested(inner) => elements(inner),
        Expr::Array(array) => Some(array.elem.clone()),
        Expr::Value(literal) if matches!(literal.value, Value::Null) => Some(Vec::new()),
        _ => None,
    }
}
