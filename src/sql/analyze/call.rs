//! The types of function calls.

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
    WindowSpec, WindowType,
};

use super::expr::{Analyzer, Env, FLOAT8, INT4, INT8, INTERVAL, NUMERIC, RECORD, TEXT};
use super::native;
use super::resolve::{self, Resolved};
use super::{Ty, UNKNOWN, UNTYPED};
use crate::types::PgType;

/// Returns a function's name when it is one of PostgreSQL's own.
pub(super) fn builtin_name(name: &sqlparser::ast::ObjectName) -> Option<String> {
    let parts: Vec<&str> = name
        .0
        .iter()
        .map(|part| part.as_ident().map(|ident| ident.value.as_str()))
        .collect::<Option<_>>()?;
    match parts.as_slice() {
        [only] | ["pg_catalog", only] | [_, "pg_catalog", only] => Some((*only).to_lowercase()),
        _ => None,
    }
}

/// The plain arguments of a call; `None` if one of them is named or a wildcard of a table.
fn arguments(args: &FunctionArguments) -> Option<Vec<&Expr>> {
    match args {
        FunctionArguments::None => Some(Vec::new()),
        FunctionArguments::Subquery(_) => None,
        FunctionArguments::List(list) => plain(&list.args),
    }
}

/// What stands for a function of arrays over a vector of the catalogue, which begins with 0.
fn of_vector(name: &str) -> Option<&'static str> {
    Some(match name {
        "array_lower" => "vector_lower",
        "array_upper" => "vector_upper",
        "generate_subscripts" => "vector_subscripts",
        _ => return None,
    })
}

/// The expressions of plain arguments; `*` is none.
pub(super) fn plain(args: &[FunctionArg]) -> Option<Vec<&Expr>> {
    let mut found = Vec::with_capacity(args.len());
    for arg in args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => found.push(expr),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => {}
            _ => return None,
        }
    }
    Some(found)
}

impl Analyzer<'_> {
    /// Types a call.
    pub(super) fn call(&mut self, whole: &Expr, function: &Function, env: Env<'_>) -> Ty {
        if let Some(filter) = &function.filter {
            self.boolean(filter, "FILTER", env);
        }
        if let Some(WindowType::WindowSpec(spec)) = &function.over {
            self.window(spec, env);
        }
        if let FunctionArguments::Subquery(query) = &function.args {
            // ARRAY (SELECT …)
            let columns = self.query(query, env.ctes, Some(env.scope));
            let first = columns.and_then(|columns| columns.into_iter().next());
            let is_array = function.name.to_string().eq_ignore_ascii_case("array");
            return match first {
                Some((_, ty)) if is_array => {
                    Ty::of(super::builtin::array_of(ty.oid).unwrap_or(UNTYPED))
                }
                _ => Ty::UNTYPED,
            };
        }
        if let Some(found) = self.routine_call(&function.name, &function.args, env) {
            return found;
        }
        let Some(name) = builtin_name(&function.name) else { return Ty::UNTYPED };
        self.check_window(&name, function);
        let Some(mut args) = arguments(&function.args) else {
            return self.unnamed_result(&name);
        };
        args.extend(function.within_group.iter().map(|order| &order.expr));
        if let FunctionArguments::List(list) = &function.args {
            for clause in &list.clauses {
                if let FunctionArgumentClause::OrderBy(exprs) = clause {
                    for order in exprs {
                        self.expr(&order.expr, env);
                    }
                }
            }
        }
        if let ("pg_typeof", [arg]) = (name.as_str(), args.as_slice()) {
            let found = self.expr(arg, env);
            let named = if found.oid == UNKNOWN {
                Some("unknown".to_owned())
            } else {
                PgType::from_oid(found.oid).map(PgType::sql_name)
            };
            if let Some(named) = named {
                self.decisions.type_names.insert(std::ptr::from_ref(whole), named);
            }
            return Ty::of(PgType::REGTYPE.oid());
        }
        if let Some(found) = self.special(&name, &args, env) {
            return found;
        }
        let found = self.named(whole, &name, &args, env);
        let is_plain = function.filter.is_none() && function.over.is_none();
        if let ("sum" | "avg", INTERVAL, true) = (name.as_str(), found.oid, is_plain) {
            let stands = if name == "sum" { "sum_interval" } else { "avg_interval" };
            self.stands_for(whole, stands);
        }
        if name == "percentile_cont" && found.oid == FLOAT8 {
            // Between two exact numbers DuckDB stays with their scale.
            for order in &function.within_group {
                self.decisions.casts.insert(std::ptr::from_ref(&order.expr), PgType::FLOAT8);
            }
        }
        if name == "avg" && found.oid == NUMERIC {
            self.decisions.averages.insert(std::ptr::from_ref(whole));
        }
        found
    }

    /// Types what a window is made of.
    pub(super) fn window(&mut self, spec: &WindowSpec, env: Env<'_>) {
        for expr in spec.partition_by.iter().chain(spec.order_by.iter().map(|order| &order.expr)) {
            self.expr(expr, env);
        }
    }

    /// The result of a function whose arguments cannot be told apart here.
    fn unnamed_result(&self, name: &str) -> Ty {
        resolve::function(name, &[UNTYPED]).map_or(Ty::UNTYPED, |found| Ty::of(found.result))
    }

    /// Types a call of a function by its name.
    pub(super) fn named(&mut self, whole: &Expr, name: &str, args: &[&Expr], env: Env<'_>) -> Ty {
        if let ("round" | "trunc" | "ceil" | "ceiling" | "floor", [rounded, ..]) = (name, args) {
            self.shows(rounded);
        }
        let given = self.types_of(args, env);
        if name == "string_agg" && given.first() == Some(&UNKNOWN) {
            // PostgreSQL's parser makes text of an unknown first argument.
            return Ty::of(TEXT);
        }
        let found = self.resolved(name, args, &given);
        if let Some(found) = &found {
            if !native::is_as_good(found.source, args, &given) {
                self.stands_for(whole, found.source);
            }
            if let (Some(&(22 | 30)), Some(place)) = (given.first(), of_vector(name)) {
                self.stands_for(whole, place);
            }
            // Its code is in SQL, and has no name.
            if matches!(name, "log" | "log10") && found.source.is_empty() {
                self.stands_for(whole, "numeric_log10");
            }
            if found.is_set && found.columns.len() < 2 {
                self.decisions.sets.insert(std::ptr::from_ref(whole), found.source);
            }
        }
        match found {
            Some(found) if found.columns.len() > 1 => Ty::UNTYPED,
            Some(found) => Ty::of(found.result),
            None => Ty::UNTYPED,
        }
    }

    /// Types arguments, each once: what nests would be typed again at every level.
    pub(super) fn types_of(&mut self, args: &[&Expr], env: Env<'_>) -> Vec<u32> {
        args.iter().map(|arg| self.expr(arg, env).oid).collect()
    }

    /// Finds the function that a call with arguments of these types means; parameters among the
    /// arguments get theirs.
    pub(super) fn resolved(
        &mut self,
        name: &str,
        args: &[&Expr],
        given: &[u32],
    ) -> Option<Resolved> {
        let found = resolve::function(name, given)?;
        for ((arg, &oid), &from) in args.iter().zip(&found.args).zip(given) {
            self.settle(arg, oid);
            self.lengthens(arg, from, oid);
        }
        Some(found)
    }

    /// Types the functions that PostgreSQL's grammar knows by name.
    fn special(&mut self, name: &str, args: &[&Expr], env: Env<'_>) -> Option<Ty> {
        Some(match name {
            "coalesce" | "greatest" | "least" => self.common_in(&name.to_uppercase(), args, env),
            "nullif" => {
                let types: Vec<Ty> = args.iter().map(|arg| self.expr(arg, env)).collect();
                let all = self.common_with(args, &types);
                match types.first() {
                    Some(first) if first.oid != UNKNOWN => *first,
                    _ => all,
                }
            }
            "grouping" => Ty::of(INT4),
            "row" => {
                self.types_of(args, env);
                Ty::of(RECORD)
            }
            "current_date" => Ty::of(1082),
            "current_timestamp" | "transaction_timestamp" => Ty::of(1184),
            "localtimestamp" => Ty::of(1114),
            "localtime" => Ty::of(1083),
            "current_time" => Ty::of(1266),
            "current_user" | "session_user" | "user" | "current_role" | "current_catalog"
            | "current_schema" | "current_database" => Ty::of(19),
            "count" => {
                for arg in args {
                    self.expr(arg, env);
                }
                Ty::of(INT8)
            }
            _ => return None,
        })
    }
}
