//! Names of relations, schemas, columns and functions: PostgreSQL's to DuckDB's.
//!
//! `public` is DuckDB's `main`; the connected database's name may stand before a schema; relations
//! and functions of `pg_catalog`, `information_schema` and `teatree` live in `teatree_system`.

use sqlparser::ast::{
    Array, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr, Statement, TableAlias,
    TableAliasColumnDef, TableFactor, Value,
};

use super::NameContext;
use crate::error::{Error, Result};
use crate::sql::analyze::is_scalar;
use crate::sql::own_tables::is_own_table;
use crate::sqlstate::SqlState;

/// A relation of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemRelation {
    /// The schema inside `teatree_system`.
    pub schema: &'static str,
    pub name: &'static str,
    /// The OID in `pg_class`, 0 where it has none.
    pub oid: u32,
}

/// Tells which names the catalogue has. Implemented by the module above that owns the SQL.
pub trait SystemCatalog {
    /// Finds a relation by PostgreSQL's names. Without a schema only `pg_catalog`'s are found.
    fn relation(&self, schema: Option<&str>, name: &str) -> Option<SystemRelation>;
    /// Tells whether `name` is a function that the catalogue defines.
    fn has_function(&self, name: &str) -> bool;
    /// Finds the kept copy of a relation or function, by its schema and name in DuckDB: the copy's
    /// database, and its number there.
    fn kept(&self, schema: &str, name: &str) -> Option<(&'static str, usize)>;
    /// Tells whether it has none, though definitions show in it.
    fn is_moving(&self, schema: &str, name: &str) -> bool;
}

/// The attached in-memory database that holds the catalogue.
pub(super) const SYSTEM_DATABASE: &str = "teatree_system";
const FUNCTION_SCHEMA: &str = "pg";

/// Makes a name from plain parts.
pub(super) fn object_name(parts: &[&str]) -> ObjectName {
    ObjectName::from(parts.iter().map(|part| Ident::new(*part)).collect::<Vec<_>>())
}

/// Returns a name's parts; `None` if one of them is not an identifier.
pub(super) fn parts(name: &ObjectName) -> Option<Vec<&str>> {
    name.0.iter().map(|part| part.as_ident().map(|ident| ident.value.as_str())).collect()
}

fn is_system_schema(schema: &str) -> bool {
    matches!(schema, "pg_catalog" | "information_schema" | "teatree")
}

fn set_ident(part: &mut ObjectNamePart, value: &str) {
    *part = ObjectNamePart::Identifier(Ident::new(value));
}

/// Drops the database from a three-part name.
pub(super) fn drop_database(name: &mut ObjectName, names: &NameContext) -> Result<()> {
    let written = name.to_string();
    let Some(parts) = parts(name) else { return Ok(()) };
    match parts.as_slice() {
        [database, _, _] if *database == names.database => {
            name.0.remove(0);
            Ok(())
        }
        [_, _, _] => Err(Error::unsupported(format!(
            "cross-database references are not implemented: {written}"
        ))),
        [_, _, _, _, ..] => Err(Error::syntax(format!(
            "improper qualified name (too many dotted names): {written}"
        ))),
        _ => Ok(()),
    }
}

/// Rewrites the name of a table, view, sequence or type.
pub(super) fn relation(name: &mut ObjectName, names: &NameContext) -> Result<()> {
    drop_database(name, names)?;
    let Some(written) = parts(name) else { return Ok(()) };
    match written.as_slice() {
        [only] => {
            if let Some(system) = names.catalog.relation(None, only) {
                *name = object_name(&[SYSTEM_DATABASE, system.schema, system.name]);
            }
        }
        [schema, table] if is_own_table(schema, table) => {
            qualify(name, &schema.to_string(), names);
        }
        [schema, table] if is_system_schema(schema) => {
            let Some(system) = names.catalog.relation(Some(schema), table) else {
                return Err(Error::new(
                    SqlState::UNDEFINED_TABLE,
                    format!("relation \"{schema}.{table}\" does not exist"),
                ));
            };
            *name = object_name(&[SYSTEM_DATABASE, system.schema, system.name]);
        }
        [SYSTEM_DATABASE, _] => {
            return Err(Error::new(
                SqlState::INVALID_SCHEMA_NAME,
                format!("schema \"{SYSTEM_DATABASE}\" does not exist"),
            ));
        }
        [schema, _] => qualify(name, &schema.to_string(), names),
        _ => {}
    }
    Ok(())
}

fn qualify(name: &mut ObjectName, schema: &str, names: &NameContext) {
    if schema == "public" {
        set_ident(&mut name.0[0], "main");
    } else if schema == "pg_temp" || schema == "pg_temp_1" {
        set_ident(&mut name.0[0], "main");
        name.0.insert(0, ObjectNamePart::Identifier(Ident::new("temp")));
    } else if schema == names.database {
        // DuckDB would take the schema for the database of that name.
        let database = Ident::with_quote('"', names.database.as_str());
        name.0.insert(0, ObjectNamePart::Identifier(database));
    }
}

/// Rewrites the name of a schema.
pub(super) fn schema(name: &mut ObjectName, names: &NameContext) {
    if name.0.len() == 2 && parts(name).is_some_and(|parts| parts[0] == names.database) {
        name.0.remove(0);
    }
    if parts(name).is_some_and(|parts| parts.as_slice() == ["public"]) {
        set_ident(&mut name.0[0], "main");
    }
}

/// Rewrites a function that stands in FROM, before its name is taken for a relation's.
///
/// A function that returns plain values names its column after the table's alias in PostgreSQL.
pub(super) fn table_function(factor: &mut TableFactor, names: &NameContext) {
    let (name, alias) = match factor {
        TableFactor::Table { name, args: Some(args), alias, .. } => {
            ancestors(name, &mut args.args);
            (name, alias)
        }
        TableFactor::Function { name, args, alias, .. } => {
            ancestors(name, args);
            (name, alias)
        }
        TableFactor::UNNEST { alias, .. } => {
            name_column(alias);
            return;
        }
        _ => return,
    };
    function_name(name, names);
    let plain = matches!(
        parts(name).as_deref(),
        Some(["generate_series" | "unnest" | "regexp_split_to_table" | "generate_subscripts"])
    );
    if plain {
        name_column(alias);
    }
}

fn name_column(alias: &mut Option<TableAlias>) {
    if let Some(alias) = alias {
        if alias.columns.is_empty() {
            alias.columns.push(TableAliasColumnDef::from_name(alias.name.value.clone()));
        }
    }
}

/// Makes a query of a function in FROM that gives one plain value, which DuckDB knows in
/// expressions only. Its column is called after the alias, or after the function.
pub(super) fn scalar_function(factor: &mut TableFactor) {
    let (name, args, alias) = match factor {
        TableFactor::Table { name, args: Some(args), alias, with_ordinality: false, .. } => {
            (name, &mut args.args, alias)
        }
        TableFactor::Function { name, args, alias, .. } => (name, args, alias),
        _ => return,
    };
    let function = match parts(name).as_deref() {
        Some([only] | ["pg_catalog", only]) if is_scalar(only) => (*only).to_owned(),
        _ => return,
    };
    let list = FunctionArgumentList {
        duplicate_treatment: None,
        args: std::mem::take(args),
        clauses: Vec::new(),
    };
    let called = call(name.clone(), FunctionArguments::List(list));
    let mut alias = alias.take().unwrap_or_else(|| TableAlias {
        explicit: true,
        name: Ident::with_quote('"', function),
        columns: Vec::new(),
        at: None,
    });
    let column = match alias.columns.first() {
        Some(column) => column.name.clone(),
        None => alias.name.clone(),
    };
    alias.columns.clear();
    let Some(subquery) = select_of(called, column) else { return };
    *factor = TableFactor::Derived { lateral: true, subquery, alias: Some(alias), sample: None };
}

/// Makes `SELECT expression AS column`.
fn select_of(expr: Expr, column: Ident) -> Option<Box<Query>> {
    let Statement::Query(mut query) = super::parse("SELECT 1").ok()?.pop()? else { return None };
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    select.projection = vec![SelectItem::ExprWithAlias { expr, alias: column }];
    Some(query)
}

/// No table has partitions, so a table's only ancestor is the table itself.
fn ancestors(name: &mut ObjectName, args: &mut [FunctionArg]) {
    if !matches!(
        parts(name).as_deref(),
        Some(["pg_partition_ancestors"] | [_, "pg_partition_ancestors"])
    ) {
        return;
    }
    if let [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))] = args {
        let elem = vec![std::mem::replace(argument, Expr::Value(Value::Null.into()))];
        *argument = Expr::Array(Array { elem, named: true });
        *name = object_name(&["unnest"]);
    }
}

fn function_name(name: &mut ObjectName, names: &NameContext) {
    let Some(written) = parts(name) else { return };
    let function = match written.as_slice() {
        [only] => *only,
        ["pg_catalog" | "information_schema", function] => *function,
        [database, "pg_catalog" | "information_schema", function]
            if *database == names.database =>
        {
            *function
        }
        _ => return,
    };
    let function = function.to_owned();
    if names.catalog.has_function(&function) {
        *name = object_name(&[SYSTEM_DATABASE, FUNCTION_SCHEMA, &function]);
    } else if name.0.len() > 1 {
        name.0 = vec![ObjectNamePart::Identifier(Ident::new(function))];
    }
}

/// The name of one of the catalogue's functions.
pub(super) fn system_name(function: &str) -> ObjectName {
    object_name(&[SYSTEM_DATABASE, FUNCTION_SCHEMA, function])
}

/// Makes a call of one of the catalogue's functions.
pub(super) fn system_function(function: &str, args: FunctionArguments) -> Expr {
    call(system_name(function), args)
}

/// Makes a call of one of the catalogue's functions with one argument.
pub(super) fn system_call(function: &str, argument: Expr) -> Expr {
    system_function(function, arguments(vec![argument]))
}

/// Makes the plain arguments of a call.
pub(super) fn arguments(args: Vec<Expr>) -> FunctionArguments {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)));
    FunctionArguments::List(FunctionArgumentList {
        duplicate_treatment: None,
        args: args.collect(),
        clauses: Vec::new(),
    })
}

/// Takes an expression out of its place, where NULL stays.
pub(super) fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, Expr::Value(Value::Null.into()))
}

/// Makes `"left"(text, length)`.
pub(super) fn cut(text: Expr, length: u64) -> Expr {
    let length = Expr::Value(Value::Number(length.to_string(), false).into());
    let name = ObjectName::from(vec![Ident::with_quote('"', "left")]);
    call(name, arguments(vec![text, length]))
}

/// Makes a function call.
pub(super) fn call(name: ObjectName, args: FunctionArguments) -> Expr {
    Expr::Function(Function {
        name,
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args,
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// Makes a string literal.
pub(in crate::sql) fn string(value: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(value.to_owned()).into())
}

/// Rewrites column references, function names and the words that stand for the session.
pub(super) fn expression(expr: &mut Expr, names: &NameContext) {
    match expr {
        Expr::Identifier(ident) if ident.quote_style.is_none() => {
            if let Some(value) = session_value(&ident.value, names) {
                *expr = value;
            }
        }
        Expr::CompoundIdentifier(idents) => column_reference(idents, names),
        Expr::Function(function) => {
            if let Some(value) = super::intents::last_intent(&function.name, names) {
                *expr = value;
                return;
            }
            let no_arguments = match &function.args {
                FunctionArguments::None => true,
                FunctionArguments::List(list) => list.args.is_empty(),
                FunctionArguments::Subquery(_) => false,
            };
            let last = function.name.0.last().and_then(ObjectNamePart::as_ident);
            if let (true, Some(last)) = (no_arguments, last) {
                let value = session_value(&last.value, names).or_else(|| {
                    (last.value == "current_database").then(|| string(&names.database))
                });
                if let Some(value) = value {
                    *expr = value;
                    return;
                }
                if let Some(called) = moment_word(&last.value) {
                    *expr = call(object_name(&[called]), arguments(Vec::new()));
                    return;
                }
            }
            function_name(&mut function.name, names);
        }
        _ => {}
    }
}

/// The function that gives what a word without parentheses does: DuckDB would look for a column of
/// that name first, and find the one that is shown.
fn moment_word(word: &str) -> Option<&'static str> {
    Some(match word {
        "current_date" => "current_date",
        "current_timestamp" => "now",
        "current_time" => "get_current_time",
        "localtimestamp" => "current_localtimestamp",
        "localtime" => "current_localtime",
        _ => return None,
    })
}

fn session_value(word: &str, names: &NameContext) -> Option<Expr> {
    match word {
        "current_user" | "user" | "current_role" => Some(string(names.session.user())),
        "session_user" => Some(string(names.session.session_user())),
        "current_catalog" => Some(string(&names.database)),
        "pg_backend_pid" => {
            Some(Expr::Value(Value::Number(names.session.pid().to_string(), false).into()))
        }
        "current_schema" => Some(match names.search_path.first() {
            Some(schema) => string(schema),
            None => Expr::Value(Value::Null.into()),
        }),
        _ => None,
    }
}

fn column_reference(idents: &mut Vec<Ident>, names: &NameContext) {
    if idents.len() == 4 && idents[0].value == names.database {
        idents.remove(0);
    }
    if idents.len() < 3 {
        return;
    }
    if is_system_schema(&idents[0].value) {
        idents.remove(0);
    } else if idents[0].value == "public" {
        idents[0] = Ident::new("main");
    }
}

/// A relation of the catalogue as a SELECT names it: its alias or name, and its OID.
pub(super) type NamedRelation = (String, u32);

/// Lists the catalogue's relations that stand in a FROM list.
pub(super) fn system_relations(select: &Select, names: &NameContext) -> Vec<NamedRelation> {
    let factors = select.from.iter().flat_map(|table| {
        std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation))
    });
    factors
        .filter_map(|factor| {
            let TableFactor::Table { name, alias, args: None, .. } = factor else { return None };
            let written = parts(name)?;
            let found = match written.as_slice() {
                [only] => names.catalog.relation(None, only),
                [.., schema, table] => names.catalog.relation(Some(schema), table),
                [] => None,
            }?;
            let known_as = alias.as_ref().map_or(found.name, |alias| alias.name.value.as_str());
            Some((known_as.to_owned(), found.oid))
        })
        .collect()
}

/// What the hidden column `xmin` of the catalogue's relations gives: rows that were always there.
const FROZEN: &str = "2";

/// Gives the hidden columns `tableoid` and `xmin` of the catalogue's relations their values.
pub(super) fn hidden_column(expr: &mut Expr, tables: &[Vec<NamedRelation>]) {
    let is_hidden = |column: &Ident| matches!(column.value.as_str(), "tableoid" | "xmin");
    let found = match &*expr {
        Expr::CompoundIdentifier(idents) => match idents.as_slice() {
            [table, column] if is_hidden(column) => tables
                .iter()
                .rev()
                .flatten()
                .find(|(name, _)| *name == table.value)
                .map(|found| (found, column)),
            _ => None,
        },
        Expr::Identifier(ident) if is_hidden(ident) => match tables.last() {
            Some(own) if own.len() == 1 => own.first().map(|found| (found, ident)),
            _ => None,
        },
        _ => None,
    };
    if let Some(((_, oid), column)) = found {
        let number = if column.value == "xmin" { FROZEN.to_owned() } else { oid.to_string() };
        *expr = Expr::Value(Value::Number(number, false).into());
    }
}
