//! `nextval`, `currval` and `lastval`: a sequence's name as DuckDB takes it, and what the session
//! has drawn.

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectNamePart, TableAlias,
    TableFactor, TableFunctionArgs, Value,
};

use super::{NameContext, names};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::define::{TEMPORARY_SCHEMA, as_sequence_name, duckdb_sequence_name, written_name};
use crate::sql::dialect::parsed_expr;
use crate::sql::statement::TableRef;
use crate::sqlstate::SqlState;

/// What a session has drawn from sequences, the latest last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawn(Vec<(TableName, i64)>);

impl Drawn {
    /// Notes that a sequence gave a value.
    pub fn note(&mut self, name: &TableName, value: i64) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.clone(), value));
    }

    /// Notes that a sequence has given something else since.
    pub fn forget(&mut self, name: &TableName) {
        self.0.retain(|(known, _)| known != name);
    }

    fn find(&self, text: &str, search_path: &[String]) -> Option<i64> {
        let (schema, name) = written_name(text);
        let found = self.0.iter().rev().find(|(known, _)| {
            known.table == name
                && match &schema {
                    Some(schema) => known.schema == *schema,
                    None => known.schema == TEMPORARY_SCHEMA || search_path.contains(&known.schema),
                }
        });
        found.map(|(_, value)| *value)
    }
}

/// Rewrites a call, before its argument is seen.
pub(super) fn rewrite(expr: &mut Expr, context: &NameContext) -> Result<()> {
    let Expr::Function(function) = expr else { return Ok(()) };
    let Some(last) = function.name.0.last().and_then(ObjectNamePart::as_ident) else {
        return Ok(());
    };
    match last.value.as_str() {
        "nextval" => {
            let text = first_argument(&mut function.args).and_then(|arg| as_sequence_name(arg));
            match (text, first_argument(&mut function.args)) {
                (Some(text), Some(argument)) => {
                    *argument = names::string(&duckdb_sequence_name(&text));
                    Ok(())
                }
                _ => Err(Error::unsupported(
                    "nextval() is supported only with the sequence's name as a literal",
                )),
            }
        }
        "lastval" => match context.session.drawn().0.last() {
            Some((_, value)) => {
                *expr = number(*value);
                Ok(())
            }
            None => Err(undefined("lastval is not yet defined in this session".to_owned())),
        },
        "currval" => {
            let Some(argument) = first_argument(&mut function.args) else { return Ok(()) };
            let Some(text) = as_sequence_name(argument) else {
                *expr = by_name(argument.clone(), context);
                return Ok(());
            };
            match context.session.drawn().find(&text, &context.search_path) {
                Some(value) => {
                    *expr = number(value);
                    Ok(())
                }
                None => {
                    let (_, name) = written_name(&text);
                    Err(undefined(format!(
                        "currval of sequence \"{name}\" is not yet defined in this session"
                    )))
                }
            }
        }
        _ => Ok(()),
    }
}

/// Rewrites a sequence that stands in FROM: the macro that gives its state takes its place.
pub(super) fn relation(factor: &mut TableFactor, context: &NameContext) -> Result<()> {
    let TableFactor::Table { name, alias, args: args @ None, .. } = factor else { return Ok(()) };
    if context.relations.sequences.is_empty() {
        return Ok(());
    }
    let written = TableRef::from_object_name(name)?;
    let Some((database, schema)) = context.relations.sequences.get(&written) else {
        return Ok(());
    };
    let texts = [database, schema, &written.table];
    let each = |text: &String| FunctionArg::Unnamed(FunctionArgExpr::Expr(names::string(text)));
    *args = Some(TableFunctionArgs { args: texts.map(each).into(), settings: None });
    *name = names::object_name(&[names::SYSTEM_DATABASE, "support", "sequence_state"]);
    alias.get_or_insert_with(|| TableAlias {
        explicit: true,
        name: Ident::with_quote('"', &written.table),
        columns: Vec::new(),
        at: None,
    });
    Ok(())
}

/// The value of a sequence whose name is computed: a choice among those that were drawn from.
fn by_name(argument: Expr, context: &NameContext) -> Expr {
    let mut sql = String::from("CASE CAST(0 AS VARCHAR)");
    for (name, value) in &context.session.drawn().0 {
        let text = format!("{}.{}", name.schema, name.table).replace('\'', "''");
        sql.push_str(&format!(" WHEN '{text}' THEN {value}"));
    }
    sql.push_str(
        " ELSE error('[55000] currval of the sequence is not yet defined in this session') END",
    );
    let sql = sql.replacen("CAST(0 AS VARCHAR)", &format!("CAST({argument} AS VARCHAR)"), 1);
    // Our own text, so it parses.
    parsed_expr(&sql).unwrap_or(argument)
}

fn first_argument(args: &mut FunctionArguments) -> Option<&mut Expr> {
    let FunctionArguments::List(list) = args else { return None };
    match list.args.first_mut()? {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    }
}

fn number(value: i64) -> Expr {
    let literal = Expr::Value(Value::Number(value.to_string(), false).into());
    Expr::Cast {
        kind: sqlparser::ast::CastKind::Cast,
        expr: Box::new(literal),
        data_type: sqlparser::ast::DataType::BigInt(None),
        array: false,
        format: None,
    }
}

fn undefined(message: String) -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
}
