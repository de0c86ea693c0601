//! `teatree.last_intent()` and `teatree.wait_for_intent(n)`: the session knows the answers before
//! the engine runs, so they stand in the statement as literals.

use sqlparser::ast::{
    Expr, FunctionArg, Ident, ObjectName, Statement, TableAlias, TableFactor, Value,
};

use super::NameContext;
use super::names::{parts, string};

/// What a session knows of its intents.
#[derive(Clone, Debug, Default)]
pub struct SessionIntents {
    /// The place of the last one.
    pub last: Option<u64>,
    /// The one that the statement has waited for.
    pub waited: Option<WaitedIntent>,
}

/// One row of `teatree.wait_for_intent(n)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WaitedIntent {
    pub seq: u64,
    pub state: &'static str,
    pub tag: Option<String>,
    pub rows: Option<u64>,
    pub sqlstate: Option<String>,
    pub message: Option<String>,
}

/// Returns the arguments of the function that waits, where it stands in FROM.
pub(in crate::sql) fn wait_args(factor: &TableFactor) -> Option<&[FunctionArg]> {
    let (name, args) = match factor {
        TableFactor::Table { name, args: Some(args), .. } => (name, args.args.as_slice()),
        TableFactor::Function { name, args, .. } => (name, args.as_slice()),
        _ => return None,
    };
    let wanted = ["teatree", "wait_for_intent"];
    parts(name)?.ends_with(&wanted).then_some(args)
}

/// Puts the session's last intent in the place of `teatree.last_intent()`.
pub(super) fn last_intent(name: &ObjectName, names: &NameContext) -> Option<Expr> {
    parts(name)?
        .ends_with(&["teatree", "last_intent"])
        .then(|| bigint(names.session.intents().last))
}

/// Puts the row that was waited for in the place of `teatree.wait_for_intent(n)`.
pub(super) fn waited(factor: &mut TableFactor, names: &NameContext) {
    let Some(args) = wait_args(factor) else { return };
    // They stay in the statement, since they may be its parameters.
    let kept: String =
        args.iter().map(|arg| format!("(CAST({arg} AS BIGINT) IS NULL OR true) AND ")).collect();
    let (TableFactor::Table { alias, .. } | TableFactor::Function { alias, .. }) = factor else {
        return;
    };
    let alias = alias.take().unwrap_or_else(|| TableAlias {
        explicit: true,
        name: Ident::new("wait_for_intent"),
        columns: Vec::new(),
        at: None,
    });
    let waited = names.session.intents().waited.clone();
    // Without a row it has only columns: to be described, or for an intent that is not known.
    let (row, found) = match waited {
        Some(row) => (row, true),
        None => (WaitedIntent::default(), false),
    };
    let text = |value: Option<&str>| match value {
        Some(value) => format!("CAST({} AS VARCHAR)", string(value)),
        None => "CAST(NULL AS VARCHAR)".to_owned(),
    };
    let sql = format!(
        "SELECT {} AS seq, {} AS state, {} AS tag, {} AS \"rows\", {} AS \"sqlstate\", {} AS message WHERE {kept}{found}",
        bigint(Some(row.seq)),
        text(Some(row.state)),
        text(row.tag.as_deref()),
        bigint(row.rows),
        text(row.sqlstate.as_deref()),
        text(row.message.as_deref()),
    );
    let Ok(mut parsed) = super::parse(&sql) else { return };
    if let Some(Statement::Query(subquery)) = parsed.pop() {
        *factor =
            TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None };
    }
}

fn bigint(value: Option<u64>) -> Expr {
    let value = match value {
        Some(value) => Value::Number(value.to_string(), false),
        None => Value::Null,
    };
    Expr::Cast {
        kind: sqlparser::ast::CastKind::Cast,
        expr: Box::new(Expr::Value(value.into())),
        data_type: sqlparser::ast::DataType::BigInt(None),
        array: false,
        format: None,
    }
}
