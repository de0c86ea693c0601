//! A function as a macro of DuckDB.
//!
//! A macro's arguments stand in its body as they were written, so that a column's name in one could
//! come to mean a column of the body's tables. So a scalar function with a query in its body takes
//! them into a row of their own first: `(SELECT … FROM (SELECT CAST(a AS INTEGER) AS "f 1"))`. One
//! without is an expression, and a function in FROM has them where they stand in its body: there
//! the caller guards them (`sql/rewrite/routines.rs`), and constants stay constants to the engine.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use sqlparser::ast::{
    self, Expr, Ident, Query, SelectItem, SetExpr, Value, VisitMut, visit_expressions,
    visit_expressions_mut,
};

use super::Routine;
use super::query::{direct, limits_by_argument, one_row, put_expr, put_rows};
use crate::error::{Error, Result};
use crate::sql::analyze::is_assignable;
use crate::sql::dialect::{parsed_expr, parsed_query};
use crate::sql::params::{number, number_of};
use crate::sql::rewrite::{self, NameContext, is_random};
use crate::sql::statement::Statement;
use crate::sql::{Kind, quote_ident};
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType};

/// A function's macro.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MacroForm {
    /// The names of its parameters: the arguments', changed where the body has such a name.
    pub params: Vec<String>,
    /// What stands behind AS.
    pub sql: String,
    pub is_table: bool,
    /// The arguments stand in an expression without a query.
    pub is_direct: bool,
    /// For each argument, whether it is evaluated just once for a row.
    pub once: Vec<bool>,
    /// An argument says how many rows there are.
    pub limits: bool,
    /// It draws random values.
    #[serde(default)]
    pub is_random: bool,
}

impl MacroForm {
    /// Writes parameters and body, as they stand in CREATE MACRO behind the name.
    pub fn definition(&self) -> String {
        let params: Vec<String> = self.params.iter().map(|name| quote_ident(name)).collect();
        let table = if self.is_table { "TABLE " } else { "" };
        format!("({}) AS {table}{}", params.join(", "), self.sql)
    }
}

/// Writes a cast to a declared type; numbers stay as they are, since DuckDB's need their places.
pub(in crate::sql) fn argument_cast(expr: Expr, pg_type: PgType) -> Result<Expr> {
    if pg_type == PgType::NUMERIC {
        return Ok(expr);
    }
    let mut cast = parsed_expr(&format!("CAST(NULL AS {})", pg_type.sql_name()))?;
    if let Expr::Cast { expr: inner, .. } = &mut cast {
        **inner = expr;
    }
    Ok(cast)
}

/// Checks that a body's last statement gives what the function is declared to.
///
/// # Errors
/// 42P13.
pub fn check_result(routine: &Routine, statement: &Statement, columns: &[Column]) -> Result<()> {
    let declared = routine.result.sql_name();
    let mismatch = |detail: String| {
        Error::new(
            SqlState::INVALID_FUNCTION_DEFINITION,
            format!("return type mismatch in function declared to return {declared}"),
        )
        .with_detail(detail)
    };
    if routine.result == PgType::VOID {
        return Ok(());
    }
    let wanted = routine.columns();
    if wanted.len() == 1 && columns.len() != 1 {
        return Err(mismatch("Final statement must return exactly one column.".to_owned()));
    }
    if columns.len() != wanted.len() {
        let few = if columns.len() < wanted.len() { "few" } else { "many" };
        return Err(mismatch(format!("Final statement returns too {few} columns.")));
    }
    let unknown = statement.unknown_columns();
    for (place, (column, (_, pg_type))) in columns.iter().zip(&wanted).enumerate() {
        if unknown.contains(&place) || is_assignable(column.pg_type, *pg_type) {
            continue;
        }
        let found = column.pg_type.sql_name();
        return Err(mismatch(if wanted.len() == 1 {
            format!("Actual return type is {found}.")
        } else {
            format!(
                "Final statement returns {found} instead of {} at column {}.",
                pg_type.sql_name(),
                place + 1
            )
        }));
    }
    Ok(())
}

impl Statement {
    /// The places of result columns that are strings or NULL, whose type the context decides.
    fn unknown_columns(&self) -> Vec<usize> {
        let Some(ast::Statement::Query(query)) = self.tree.as_deref() else { return Vec::new() };
        let SetExpr::Select(select) = query.body.as_ref() else { return Vec::new() };
        let is_unknown = |item: &SelectItem| {
            let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item
            else {
                return false;
            };
            matches!(expr, Expr::Value(value)
                if matches!(value.value, Value::Null | Value::SingleQuotedString(_)))
        };
        let places = select.projection.iter().enumerate();
        places.filter(|(_, item)| is_unknown(item)).map(|(place, _)| place).collect()
    }
}

/// Makes the macro of a function from its body's only statement, whose arguments are parameters.
///
/// # Errors
/// 0A000 for a body that is no query.
pub fn macro_of(
    routine: &Routine,
    statement: Option<&Statement>,
    names: &NameContext,
) -> Result<MacroForm> {
    let maker = Maker { routine, names };
    let Some(statement) = statement else { return maker.of_nothing() };
    let Kind::Read(_) = &statement.kind else {
        return Err(Error::unsupported("a function that changes something is not supported")
            .with_hint("Write a procedure, and CALL it."));
    };
    let Some(ast::Statement::Query(query)) = statement.tree.as_deref() else {
        return Err(Error::unsupported("a function in DuckDB's own SQL is not supported")
            .with_hint("Use CREATE MACRO."));
    };
    if routine.result == PgType::VOID {
        return maker.of_nothing();
    }
    if routine.is_table() {
        return maker.table(query);
    }
    match direct(query) {
        Some(expr) => maker.expression(expr.clone()),
        None => maker.subquery(query),
    }
}

struct Maker<'a> {
    routine: &'a Routine,
    names: &'a NameContext,
}

impl Maker<'_> {
    fn types(&self) -> Vec<PgType> {
        self.routine.identity()
    }

    /// All arguments are there, for a function that is NULL otherwise.
    fn given(&self) -> String {
        let all: Vec<String> =
            (1..=self.types().len()).map(|number| format!("${number} IS NOT NULL")).collect();
        all.join(" AND ")
    }

    fn is_strict(&self) -> bool {
        self.routine.strict && !self.types().is_empty()
    }

    fn result_type(&self) -> String {
        self.routine.result.sql_name()
    }

    /// RETURNS void: NULL.
    fn of_nothing(&self) -> Result<MacroForm> {
        if self.routine.result != PgType::VOID {
            return Err(Error::new(
                SqlState::INVALID_FUNCTION_DEFINITION,
                format!(
                    "return type mismatch in function declared to return {}",
                    self.result_type()
                ),
            )
            .with_detail(
                "Function's final statement must be SELECT or INSERT/UPDATE/DELETE RETURNING.",
            ));
        }
        self.form(parsed_query("SELECT CAST(NULL AS text)")?, false, true)
    }

    fn expression(&self, mut expr: Expr) -> Result<MacroForm> {
        self.cast_params(&mut expr)?;
        let text = if self.is_strict() {
            format!("SELECT CASE WHEN {} THEN 'body' END", self.given())
        } else {
            "SELECT 'body'".to_owned()
        };
        let mut query = parsed_query(&text)?;
        let body = argument_cast(expr, self.routine.result)?;
        put_expr(&mut query, &body);
        self.form(query, false, true)
    }

    fn subquery(&self, query: &Query) -> Result<MacroForm> {
        if is_random(query) || self.names.relations.routines.draw(query) {
            return Err(Error::unsupported("a function that draws random values in a query"));
        }
        let mut body = query.clone();
        one_row(&mut body)?;
        let types = self.types();
        let (name, arguments) = (&self.routine.name, self.arguments_row()?);
        let _: ControlFlow<()> = visit_expressions_mut(&mut body, |expr| {
            if let Some(number) = number_of(expr) {
                *expr = Expr::CompoundIdentifier(vec![
                    Ident::with_quote('"', format!("arguments of {name}")),
                    Ident::with_quote('"', format!("{name} {number}")),
                ]);
            }
            ControlFlow::Continue(())
        });
        let mut value = "'body'".to_owned();
        if self.is_strict() {
            let all: Vec<String> = (1..=types.len())
                .map(|number| format!("{} IS NOT NULL", quote_ident(&format!("{name} {number}"))))
                .collect();
            value = format!("CASE WHEN {} THEN 'body' END", all.join(" AND "));
        }
        let from = if types.is_empty() { String::new() } else { format!(" FROM {arguments}") };
        let mut outer = parsed_query(&format!("SELECT ({value}){from}"))?;
        let value = argument_cast(Expr::Subquery(Box::new(body)), self.routine.result)?;
        put_expr(&mut outer, &value);
        let mut whole = parsed_query("SELECT 'body'")?;
        put_expr(&mut whole, &Expr::Subquery(Box::new(outer)));
        self.form(whole, false, false)
    }

    /// `(SELECT CAST($1 AS integer) AS "f 1", …) AS "arguments of f"`.
    fn arguments_row(&self) -> Result<String> {
        let name = &self.routine.name;
        let column = |(index, pg_type): (usize, PgType)| {
            let number = index + 1;
            let value = argument_cast(parsed_expr(&format!("${number}"))?, pg_type)?;
            Ok(format!("{value} AS {}", quote_ident(&format!("{name} {number}"))))
        };
        let columns: Vec<String> =
            self.types().into_iter().enumerate().map(column).collect::<Result<_>>()?;
        let alias = quote_ident(&format!("arguments of {name}"));
        Ok(format!("(SELECT {}) AS {alias}", columns.join(", ")))
    }

    fn table(&self, query: &Query) -> Result<MacroForm> {
        let mut body = query.clone();
        self.cast_params(&mut body)?;
        let columns = self.routine.columns();
        let casts: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(place, (name, pg_type))| {
                let column = parsed_expr(&format!("\"rows\".\"column {place}\""))?;
                Ok(format!("{} AS {}", argument_cast(column, *pg_type)?, quote_ident(name)))
            })
            .collect::<Result<_>>()?;
        let names: Vec<String> =
            (0..columns.len()).map(|place| format!("\"column {place}\"")).collect();
        let rows = format!("(SELECT 1) AS \"rows\"({})", names.join(", "));
        let mut text = if self.routine.returns_set {
            format!("SELECT {} FROM {rows}", casts.join(", "))
        } else {
            // A function of one row gives one of NULLs for none.
            one_row(&mut body)?;
            format!("SELECT {} FROM (SELECT 1) AS one LEFT JOIN {rows} ON true", casts.join(", "))
        };
        if self.is_strict() {
            text.push_str(&format!(" WHERE {}", self.given()));
        }
        let mut outer = parsed_query(&text)?;
        put_rows(&mut outer, body);
        self.form(outer, true, false)
    }

    fn cast_params<V: VisitMut>(&self, tree: &mut V) -> Result<()> {
        let types = self.types();
        let mut failed = None;
        let _: ControlFlow<()> = visit_expressions_mut(tree, |expr| {
            let given = number_of(expr).and_then(|number| types.get(number - 1).copied());
            if let Some(pg_type) = given {
                let inner = std::mem::replace(expr, Expr::Value(Value::Null.into()));
                match argument_cast(inner, pg_type) {
                    Ok(cast) => *expr = cast,
                    Err(error) => failed = Some(error),
                }
            }
            ControlFlow::Continue(())
        });
        failed.map_or(Ok(()), Err)
    }

    /// Rewrites the query for DuckDB, with the macro's parameters in the place of `$1`.
    fn form(&self, query: Query, is_table: bool, is_direct: bool) -> Result<MacroForm> {
        let count = self.types().len();
        let limits = limits_by_argument(&query);
        let is_random = is_random(&query) || self.names.relations.routines.draw(&query);
        let mut tree = ast::Statement::Query(Box::new(query));
        rewrite::for_duckdb(&mut tree, self.names)?;
        let mut uses = vec![0_usize; count];
        let params = self.param_names(&tree);
        let _: ControlFlow<()> = visit_expressions_mut(&mut tree, |expr| {
            let place = match &*expr {
                Expr::Value(value) => match &value.value {
                    Value::Placeholder(name) => number(name).map(|number| number - 1),
                    _ => None,
                },
                _ => None,
            };
            if let Some(place) = place.filter(|place| *place < count) {
                uses[place] += 1;
                *expr = Expr::Identifier(Ident::with_quote('"', params[place].as_str()));
            }
            ControlFlow::Continue(())
        });
        let sql = match (&tree, is_table) {
            (ast::Statement::Query(query), false) => match query.body.as_ref() {
                SetExpr::Select(select) => match select.projection.as_slice() {
                    [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }] => {
                        expr.to_string()
                    }
                    _ => return Err(Error::internal("a macro of more than one expression")),
                },
                _ => return Err(Error::internal("a macro of no expression")),
            },
            _ => tree.to_string(),
        };
        let once = uses.iter().map(|uses| is_direct && *uses == 1).collect();
        Ok(MacroForm { params, sql, is_table, is_direct, once, limits, is_random })
    }

    /// Names for the macro's parameters: DuckDB would take a column of such a name for one.
    fn param_names(&self, tree: &ast::Statement) -> Vec<String> {
        let mut taken: Vec<String> = Vec::new();
        let _: ControlFlow<()> = visit_expressions(tree, |expr| {
            match expr {
                Expr::Identifier(ident) => taken.push(ident.value.to_lowercase()),
                Expr::CompoundIdentifier(idents) => {
                    taken.extend(idents.iter().map(|ident| ident.value.to_lowercase()));
                }
                _ => {}
            }
            ControlFlow::Continue(())
        });
        let mut names: Vec<String> = Vec::new();
        for (index, argument) in self.routine.inputs().enumerate() {
            let mut name =
                argument.name.clone().unwrap_or_else(|| format!("argument{}", index + 1));
            while taken.contains(&name.to_lowercase()) || names.contains(&name) {
                name.insert(0, '_');
            }
            names.push(name);
        }
        names
    }
}
