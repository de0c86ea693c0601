//! CALL, and the literal arguments of CALL and EXECUTE.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator, Visit, Visitor,
};

use super::fold;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{Numeric, Value};

/// `CALL schema.name(args)`.
#[derive(Clone, Debug)]
pub struct Call {
    pub schema: Option<String>,
    pub name: String,
    /// Those given by place come before those given by name.
    pub args: Vec<CallArgument>,
}

/// An argument of CALL: an expression.
#[derive(Clone, Debug)]
pub struct CallArgument {
    pub name: Option<String>,
    /// The expression, as it was parsed.
    pub sql: String,
    /// What it is, if it is a literal or a parameter.
    pub plain: Option<Argument>,
    /// There is nothing around the literal or parameter.
    pub is_bare: bool,
    /// There is a query in it.
    pub has_query: bool,
}

impl Call {
    /// The names of the arguments that are given by name.
    pub fn names(&self) -> Vec<String> {
        self.args.iter().filter_map(|arg| arg.name.clone()).collect()
    }

    /// The arguments of a call of a built-in procedure.
    ///
    /// # Errors
    /// 0A000 for what is no literal or parameter, and for names.
    pub fn plain_args(&self) -> Result<Vec<Argument>> {
        let one = |arg: &CallArgument| match (&arg.name, &arg.plain) {
            (Some(_), _) => Err(Error::unsupported(
                "a built-in procedure takes positional arguments, not named ones",
            )),
            (None, Some(plain)) => Ok(plain.clone()),
            (None, None) => Err(no_literal(&arg.sql)),
        };
        self.args.iter().map(one).collect()
    }
}

/// An argument: a literal, or a parameter of the statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    Literal(Value),
    /// `$n`, from 1.
    Param(usize),
}

impl Argument {
    /// Returns the value, taking parameters from what was bound.
    pub fn value(&self, params: &[Value]) -> Result<Value> {
        match self {
            Argument::Literal(value) => Ok(value.clone()),
            Argument::Param(number) => params.get(number - 1).cloned().ok_or_else(|| {
                Error::new(
                    SqlState::UNDEFINED_PARAMETER,
                    format!("there is no parameter ${number}"),
                )
            }),
        }
    }
}

pub(super) fn classify(function: &ast::Function) -> Result<Call> {
    let parts: Vec<String> =
        function.name.0.iter().filter_map(|part| part.as_ident().map(fold)).collect();
    let (schema, name) = match parts.as_slice() {
        [name] => (None, name.clone()),
        [.., schema, name] => (Some(schema.clone()), name.clone()),
        [] => return Err(Error::syntax("CALL names no procedure")),
    };
    let mut args = Vec::new();
    if let FunctionArguments::List(list) = &function.args {
        for arg in &list.args {
            let (name, expr) = match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => (None, expr),
                FunctionArg::Named { name, arg: FunctionArgExpr::Expr(expr), .. } => {
                    (Some(fold(name)), expr)
                }
                _ => return Err(Error::syntax("an argument of CALL is no expression")),
            };
            if name.is_none() && args.iter().any(|arg: &CallArgument| arg.name.is_some()) {
                return Err(Error::syntax("positional argument cannot follow named argument"));
            }
            args.push(CallArgument {
                name,
                sql: expr.to_string(),
                plain: argument(expr).ok(),
                is_bare: matches!(expr, Expr::Value(_) | Expr::UnaryOp { .. }),
                has_query: super::routine::has_query(expr),
            });
        }
    }
    Ok(Call { schema, name, args })
}

impl super::Statement {
    /// Returns the arguments of `teatree.wait_for_intent(…)`, where the statement calls it.
    ///
    /// # Errors
    /// 0A000 for arguments that are no literals or parameters, and for two calls.
    pub fn waits_for_intent(&self) -> Result<Option<Vec<Argument>>> {
        struct Finder(Vec<Vec<FunctionArg>>);
        impl Visitor for Finder {
            type Break = ();
            fn pre_visit_table_factor(&mut self, factor: &ast::TableFactor) -> ControlFlow<()> {
                self.0.extend(super::rewrite::wait_args(factor).map(<[FunctionArg]>::to_vec));
                ControlFlow::Continue(())
            }
        }
        // The text is looked at first, since nearly no statement calls it.
        let Some(tree) = self.tree.as_deref().filter(|_| self.text.contains("wait_for_intent"))
        else {
            return Ok(None);
        };
        let mut finder = Finder(Vec::new());
        let _ = tree.visit(&mut finder);
        match finder.0.as_slice() {
            [] => Ok(None),
            [args] => args.iter().map(unnamed).collect::<Result<_>>().map(Some),
            _ => Err(Error::unsupported("a statement can wait for one intent only")),
        }
    }
}

fn unnamed(arg: &FunctionArg) -> Result<Argument> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => argument(expr),
        _ => Err(Error::unsupported("teatree.wait_for_intent takes positional arguments")),
    }
}

pub(super) fn arguments(exprs: &[Expr]) -> Result<Vec<Argument>> {
    exprs.iter().map(argument).collect()
}

pub(super) fn argument(expr: &Expr) -> Result<Argument> {
    match expr {
        Expr::Value(value) => literal(&value.value),
        Expr::Nested(inner) => argument(inner),
        Expr::Cast { expr, .. } => argument(expr),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match argument(expr)? {
            Argument::Literal(Value::Int8(number)) => Ok(Argument::Literal(Value::Int8(-number))),
            Argument::Literal(Value::Numeric(number)) => {
                Ok(Argument::Literal(Value::Numeric(Numeric {
                    unscaled: -number.unscaled,
                    ..number
                })))
            }
            _ => Err(no_literal(&expr.to_string())),
        },
        other => Err(no_literal(&other.to_string())),
    }
}

fn literal(value: &ast::Value) -> Result<Argument> {
    Ok(Argument::Literal(match value {
        ast::Value::Null => Value::Null,
        ast::Value::Boolean(value) => Value::Bool(*value),
        ast::Value::Number(text, _) => match text.parse::<i64>() {
            Ok(number) => Value::Int8(number),
            Err(_) => Value::Text(text.clone()),
        },
        ast::Value::Placeholder(name) => {
            let number = name.strip_prefix('$').and_then(|n| n.parse().ok()).filter(|n| *n > 0);
            return number.map(Argument::Param).ok_or_else(|| Error::syntax("bad parameter"));
        }
        other => match other.clone().into_string() {
            Some(text) => Value::Text(text),
            None => return Err(Error::syntax(format!("{other} cannot be an argument here"))),
        },
    }))
}

fn no_literal(expr: &str) -> Error {
    Error::unsupported(format!("{expr} cannot be an argument here"))
        .with_hint("Give literals or parameters.")
}
