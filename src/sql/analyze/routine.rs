//! Calls of functions that users wrote, and the names of arguments inside of a routine's body.

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectName};

use super::expr::{Analyzer, Env, NUMERIC};
use super::query::Columns;
use super::resolve::can_become;
use super::{Ty, UNKNOWN, UNTYPED};
use crate::error::Error;
use crate::sql::routine::{Routine, RoutineKind, undefined_routine};
use crate::sql::statement::TableRef;
use crate::sqlstate::SqlState;
use crate::types::PgType;

impl<'a> Analyzer<'a> {
    /// Types a name that is an argument of the routine around the statement: a column of that name
    /// comes before it.
    pub(super) fn argument(&mut self, expr: &Expr, env: Env<'_>) -> Option<Ty> {
        let routine = self.body_of?;
        self.decisions.body.columns.insert(std::ptr::from_ref(expr));
        let name = match expr {
            Expr::Identifier(ident) if env.scope.lacks(&ident.value) => &ident.value,
            Expr::CompoundIdentifier(idents) => match idents.as_slice() {
                [of, ident] if of.value == routine.name && !env.scope.has_source(&of.value) => {
                    &ident.value
                }
                _ => return None,
            },
            _ => return None,
        };
        let place = routine.inputs().position(|argument| argument.name.as_ref() == Some(name))?;
        self.decisions.body.arguments.insert(std::ptr::from_ref(expr), place);
        let found = routine.inputs().nth(place)?;
        Some(Ty::of(found.pg_type.oid()))
    }

    /// Types a call of a user's function; `None` when there is none of that name.
    pub(super) fn routine_call(
        &mut self,
        name: &ObjectName,
        args: &FunctionArguments,
        env: Env<'_>,
    ) -> Option<Ty> {
        let args = match args {
            FunctionArguments::None => &[],
            FunctionArguments::List(list) => list.args.as_slice(),
            FunctionArguments::Subquery(_) => return None,
        };
        Some(match self.routine(name, args, env)? {
            Some(routine) if routine.outputs().count() < 2 => Ty::of(routine.result.oid()),
            _ => Ty::UNTYPED,
        })
    }

    /// Types a call of a user's function in FROM; `None` when there is none of that name.
    pub(super) fn routine_columns(
        &mut self,
        name: &ObjectName,
        args: &[FunctionArg],
        env: Env<'_>,
    ) -> Option<Columns> {
        let routine = self.routine(name, args, env)?;
        let columns = |routine: &Routine| {
            let all = routine.columns().into_iter();
            all.map(|(name, pg_type)| (name, Ty::of(pg_type.oid()))).collect()
        };
        Some(routine.map(columns))
    }

    /// Finds the function that a call means, `None` inside when none fits.
    fn routine(
        &mut self,
        name: &ObjectName,
        args: &[FunctionArg],
        env: Env<'_>,
    ) -> Option<Option<&'a Routine>> {
        let relations = self.relations;
        if relations.routines.is_empty() {
            return None;
        }
        let written = TableRef::from_object_name(name).ok()?;
        let all = relations.routines.named(&written);
        if all.is_empty() {
            return None;
        }
        let (mut given, mut named) = (Vec::new(), Vec::new());
        for arg in args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => given.push(expr),
                FunctionArg::Named { name, arg: FunctionArgExpr::Expr(expr), .. } => {
                    named.push(name.value.clone());
                    given.push(expr);
                }
                _ => return Some(None),
            }
        }
        let types = self.types_of(&given, env);
        let placed = given.len() - named.len();
        let fits = |routine: &&&Routine| {
            let wanted = wanted_types(routine, placed, &named);
            wanted.is_some_and(|wanted| {
                let pairs = wanted.iter().zip(&types);
                pairs.into_iter().all(|(&to, &from)| from == UNTYPED || can_become(from, to))
            })
        };
        let functions: Vec<&Routine> =
            all.iter().filter(|r| r.kind == RoutineKind::Function).copied().collect();
        // Of several, the one with the fewest defaults.
        let found =
            functions.iter().filter(fits).min_by_key(|routine| routine.inputs().count()).copied();
        let Some(found) = found else {
            let shown = shown(&name.to_string(), &types, placed, &named);
            let procedure = all.iter().any(|one| one.kind == RoutineKind::Procedure);
            self.refuse(|| match functions.is_empty() && procedure {
                true => Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{shown} is a procedure"))
                    .with_hint("To call a procedure, use CALL."),
                false => undefined_routine(RoutineKind::Function, &shown),
            });
            return Some(None);
        };
        let wanted = wanted_types(found, placed, &named).unwrap_or_default();
        for ((expr, &from), &to) in given.iter().zip(&types).zip(&wanted) {
            self.settle(expr, to);
            // Only there does DuckDB's own type have a say: a macro takes numbers as they come.
            if to == NUMERIC && from != NUMERIC && from != UNTYPED && from != UNKNOWN {
                self.decisions.casts.insert(std::ptr::from_ref(*expr), PgType::NUMERIC);
            }
        }
        Some(Some(found))
    }
}

/// The types that a call's arguments become, in the order in which they are given; `None` if the
/// call does not fit.
fn wanted_types(routine: &Routine, placed: usize, named: &[String]) -> Option<Vec<u32>> {
    let arranged = routine.arrange(placed, named)?;
    let mut wanted = vec![UNTYPED; placed + named.len()];
    for (argument, taken) in routine.places().zip(arranged) {
        if let Some(index) = taken {
            wanted[index] = argument.pg_type.oid();
        }
    }
    Some(wanted)
}

/// A call's name and types as messages have them.
fn shown(name: &str, types: &[u32], placed: usize, named: &[String]) -> String {
    let type_name = |oid: u32| match oid {
        UNKNOWN => "unknown".to_owned(),
        oid => PgType::from_oid(oid).map_or_else(|| "unknown".to_owned(), PgType::sql_name),
    };
    let one = |(index, &oid): (usize, &u32)| match index.checked_sub(placed) {
        Some(at) => format!("{} => {}", named[at], type_name(oid)),
        None => type_name(oid),
    };
    let types: Vec<String> = types.iter().enumerate().map(one).collect();
    format!("{name}({})", types.join(", "))
}
