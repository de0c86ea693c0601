//! What the catalogue tells of the session itself. The views of `pg_settings` and its like are the
//! same for all sessions; a session's own rows come by its process number.

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, TableAlias,
    TableFactor, TableFunctionArgs, Value,
};

use super::NameContext;
use super::names::{SYSTEM_DATABASE, call, object_name, parts};

/// The relations whose rows are the session's, each with the macro that gives them.
const RELATIONS: [(&str, &str); 3] = [
    ("pg_settings", "settings_of"),
    ("pg_prepared_statements", "prepared_statements_of"),
    ("pg_cursors", "cursors_of"),
];

/// Their functions.
const FUNCTIONS: [(&str, &str); 3] = [
    ("pg_show_all_settings", "settings_of"),
    ("pg_prepared_statement", "prepared_statements_of"),
    ("pg_cursor", "cursors_of"),
];

fn support(name: &str) -> ObjectName {
    object_name(&[SYSTEM_DATABASE, "support", name])
}

fn own_pid(names: &NameContext) -> Expr {
    Expr::Value(Value::Number(names.session.pid().to_string(), false).into())
}

/// Rewrites a relation in FROM, whose name is not a common table expression's.
pub(super) fn relation(factor: &mut TableFactor, names: &NameContext) {
    let TableFactor::Table { name, alias, args, .. } = factor else { return };
    let of_catalog = match parts(name).as_deref() {
        Some([only]) => Some((*only).to_owned()),
        Some([.., "pg_catalog", name]) => Some((*name).to_owned()),
        _ => None,
    };
    let Some(written) = of_catalog else { return };
    let known: &[(&str, &str)] = match args {
        None => &RELATIONS,
        Some(args) if args.args.is_empty() => &FUNCTIONS,
        Some(_) => return,
    };
    let Some((_, rows)) = known.iter().find(|(known, _)| *known == written) else { return };
    *name = support(rows);
    let pid = FunctionArg::Unnamed(FunctionArgExpr::Expr(own_pid(names)));
    *args = Some(TableFunctionArgs { args: vec![pid], settings: None });
    alias.get_or_insert_with(|| TableAlias {
        explicit: true,
        name: Ident::new(written),
        columns: Vec::new(),
        at: None,
    });
}

/// The functions about privileges, with the number of their arguments where one is the role.
const OF_ROLES: [(&str, usize); 8] = [
    ("pg_has_role", 3),
    ("has_table_privilege", 3),
    ("has_any_column_privilege", 3),
    ("has_column_privilege", 4),
    ("has_schema_privilege", 3),
    ("has_database_privilege", 3),
    ("has_sequence_privilege", 3),
    ("has_function_privilege", 3),
];

/// The functions about privileges whose object may be written as a name, with what reads it.
const OBJECTS: [(&str, &str); 5] = [
    ("has_table_privilege", "regclass_in"),
    ("has_any_column_privilege", "regclass_in"),
    ("has_column_privilege", "regclass_in"),
    ("has_sequence_privilege", "regclass_in"),
    ("has_schema_privilege", "regnamespace_in"),
];

/// Gives a function about privileges that names no role the session's own, unless that may do all:
/// then the form without a role says so, and looks up no more than whether a named object is there.
pub(super) fn own_role(expr: &mut Expr, names: &NameContext) {
    let Expr::Function(function) = &mut *expr else { return };
    let known = match parts(&function.name).as_deref() {
        Some([name] | ["pg_catalog", name]) => OF_ROLES.iter().find(|(known, _)| known == name),
        _ => None,
    };
    let (Some((known, count)), FunctionArguments::List(list)) = (known, &mut function.args) else {
        return;
    };
    if list.args.len() + 1 != *count {
        return;
    }
    if names.session.is_restricted() {
        let own = super::names::string(names.session.user());
        list.args.insert(0, FunctionArg::Unnamed(FunctionArgExpr::Expr(own)));
        return;
    }
    let reads = OBJECTS.iter().find(|(function, _)| function == known);
    if let (Some((_, reads)), Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(object)))) =
        (reads, list.args.first_mut())
        && let Expr::Value(value) = &*object
        && let Value::SingleQuotedString(_) = value.value
    {
        let name = std::mem::replace(object, Expr::Value(Value::Null.into()));
        *object = super::names::system_function(reads, super::names::arguments(vec![name]));
    }
}

/// Rewrites `current_setting` of a name that is only known row by row; the session has computed the
/// others.
pub(super) fn current_setting(expr: &mut Expr, names: &NameContext) {
    let Expr::Function(function) = &mut *expr else { return };
    if !matches!(
        parts(&function.name).as_deref(),
        Some(["current_setting"] | ["pg_catalog", "current_setting"])
    ) {
        return;
    }
    let FunctionArguments::List(list) = &mut function.args else { return };
    let pid = FunctionArg::Unnamed(FunctionArgExpr::Expr(own_pid(names)));
    list.args.insert(0, pid);
    *expr = call(support("setting_of"), function.args.clone());
}
