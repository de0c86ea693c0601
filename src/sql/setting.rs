//! SET, SHOW, RESET and transaction control.

use sqlparser::ast::{
    self, ContextModifier, Expr, ResetStatement, Set, Statement as Tree, TransactionAccessMode,
    TransactionIsolationLevel, TransactionMode as TreeMode,
};

use super::fold;
use super::statement::{Kind, TableRef};
use crate::error::{Error, Result};

/// A statement about the session's settings.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// `None` sets the default.
    Set {
        name: String,
        value: Option<String>,
        /// Ends with the transaction.
        local: bool,
    },
    /// `SET SESSION CHARACTERISTICS AS TRANSACTION …`
    SessionCharacteristics(Vec<TransactionMode>),
    /// `SET TRANSACTION …`
    Transaction(Vec<TransactionMode>),
    /// SET ROLE; `None` for NONE.
    Role {
        name: Option<String>,
        local: bool,
    },
    /// SET SESSION AUTHORIZATION; `None` for DEFAULT.
    SessionAuthorization {
        name: Option<String>,
        local: bool,
    },
    Show(String),
    ShowAll,
    Reset(String),
    ResetAll,
}

impl Setting {
    /// Tells whether it is about who the session is.
    pub fn is_role(&self) -> bool {
        matches!(self, Setting::Role { .. } | Setting::SessionAuthorization { .. })
    }
}

/// BEGIN and its like.
#[derive(Clone, Debug, PartialEq)]
pub enum TransactionStatement {
    Begin {
        modes: Vec<TransactionMode>,
        /// `START TRANSACTION` has a tag of its own.
        start: bool,
    },
    Commit {
        /// AND CHAIN: another transaction follows at once.
        chain: bool,
    },
    Rollback {
        chain: bool,
    },
    Savepoint(String),
    RollbackTo(String),
    Release(String),
    /// SET CONSTRAINTS; no names for ALL.
    SetConstraints {
        names: Vec<TableRef>,
        deferred: bool,
    },
}

/// One mode of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionMode {
    ReadOnly,
    ReadWrite,
    /// Means the same as READ COMMITTED, as in PostgreSQL.
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

pub(super) fn classify(tree: &Tree) -> Result<Kind> {
    let setting = match tree {
        Tree::Set(set) => classify_set(set)?,
        Tree::Reset(ResetStatement { reset }) => match reset {
            ast::Reset::ALL => Setting::ResetAll,
            ast::Reset::ConfigurationParameter(name) => match object_name(name).as_str() {
                "role" => Setting::Role { name: None, local: false },
                "session_authorization" => {
                    Setting::SessionAuthorization { name: None, local: false }
                }
                name => Setting::Reset(name.to_owned()),
            },
        },
        Tree::ShowVariable { variable } => {
            let words: Vec<String> = variable.iter().map(fold).collect();
            match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["all"] => Setting::ShowAll,
                ["time", "zone"] => Setting::Show("timezone".to_owned()),
                ["transaction", "isolation", "level"] => {
                    Setting::Show("transaction_isolation".to_owned())
                }
                ["session", "authorization"] => Setting::Show("session_authorization".to_owned()),
                _ => Setting::Show(words.join(".")),
            }
        }
        _ => return Err(Error::internal("no setting")),
    };
    Ok(Kind::Setting(setting))
}

fn classify_set(set: &Set) -> Result<Setting> {
    Ok(match set {
        Set::SingleAssignment { scope, variable, values, .. }
            if object_name(variable) == "role" =>
        {
            let name = value_of(values)?.filter(|name| name != "none");
            Setting::Role { name, local: matches!(scope, Some(ContextModifier::Local)) }
        }
        Set::SingleAssignment { scope, variable, values, .. } => Setting::Set {
            name: object_name(variable),
            value: value_of(values)?,
            local: matches!(scope, Some(ContextModifier::Local)),
        },
        Set::SetTimeZone { local, value } => {
            Setting::Set { name: "timezone".to_owned(), value: time_zone(value)?, local: *local }
        }
        Set::SetNames { charset_name, .. } => Setting::Set {
            name: "client_encoding".to_owned(),
            value: Some(charset_name.value.clone()),
            local: false,
        },
        Set::SetNamesDefault {} => {
            Setting::Set { name: "client_encoding".to_owned(), value: None, local: false }
        }
        Set::SetTransaction { modes, session, snapshot } => {
            if snapshot.is_some() {
                return Err(Error::unsupported("SET TRANSACTION SNAPSHOT is not supported"));
            }
            let modes = modes.iter().map(mode).collect();
            if *session {
                Setting::SessionCharacteristics(modes)
            } else {
                Setting::Transaction(modes)
            }
        }
        Set::SetRole { context_modifier, role_name } => Setting::Role {
            name: role_name.as_ref().map(fold),
            local: matches!(context_modifier, Some(ContextModifier::Local)),
        },
        Set::SetSessionAuthorization(param) => Setting::SessionAuthorization {
            name: match &param.kind {
                ast::SetSessionAuthorizationParamKind::Default => None,
                ast::SetSessionAuthorizationParamKind::User(name) => Some(fold(name)),
            },
            local: matches!(param.scope, ContextModifier::Local),
        },
        other => return Err(Error::unsupported(format!("{other} is not supported"))),
    })
}

fn object_name(name: &ast::ObjectName) -> String {
    let parts = name.0.iter().filter_map(|part| part.as_ident());
    parts.map(|ident| ident.value.to_lowercase()).collect::<Vec<_>>().join(".")
}

/// A SET's values as one text: a list is joined as PostgreSQL shows it.
fn value_of(values: &[Expr]) -> Result<Option<String>> {
    let texts: Vec<String> = values.iter().map(one_value).collect::<Result<_>>()?;
    if let [only] = texts.as_slice()
        && only.eq_ignore_ascii_case("default")
        && matches!(values, [Expr::Identifier(ident)] if ident.quote_style.is_none())
    {
        return Ok(None);
    }
    Ok(Some(texts.join(", ")))
}

fn one_value(expr: &Expr) -> Result<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            ast::Value::Number(text, _) => Ok(text.clone()),
            ast::Value::Boolean(value) => Ok(if *value { "on" } else { "off" }.to_owned()),
            ast::Value::Null => Err(Error::syntax("NULL is no value for a setting")),
            other => other
                .clone()
                .into_string()
                .ok_or_else(|| Error::syntax(format!("{other} is no value for a setting"))),
        },
        Expr::Identifier(ident) => Ok(match ident.quote_style {
            Some(_) => ident.value.clone(),
            None => ident.value.to_lowercase(),
        }),
        Expr::UnaryOp { op: ast::UnaryOperator::Minus, expr } => {
            Ok(format!("-{}", one_value(expr)?))
        }
        Expr::UnaryOp { op: ast::UnaryOperator::Plus, expr } => one_value(expr),
        other => Err(Error::syntax(format!("{other} is no value for a setting"))),
    }
}

fn time_zone(expr: &Expr) -> Result<Option<String>> {
    match expr {
        Expr::Interval(interval) => one_value(&interval.value).map(Some),
        Expr::Identifier(ident)
            if ident.quote_style.is_none()
                && matches!(ident.value.to_lowercase().as_str(), "local" | "default") =>
        {
            Ok(None)
        }
        other => one_value(other).map(Some),
    }
}

fn mode(mode: &TreeMode) -> TransactionMode {
    match mode {
        TreeMode::AccessMode(TransactionAccessMode::ReadOnly) => TransactionMode::ReadOnly,
        TreeMode::AccessMode(TransactionAccessMode::ReadWrite) => TransactionMode::ReadWrite,
        TreeMode::IsolationLevel(level) => match level {
            TransactionIsolationLevel::ReadUncommitted => TransactionMode::ReadUncommitted,
            TransactionIsolationLevel::ReadCommitted => TransactionMode::ReadCommitted,
            TransactionIsolationLevel::RepeatableRead | TransactionIsolationLevel::Snapshot => {
                TransactionMode::RepeatableRead
            }
            TransactionIsolationLevel::Serializable => TransactionMode::Serializable,
        },
    }
}

pub(super) fn classify_transaction(tree: &Tree) -> Result<Kind> {
    let statement = match tree {
        Tree::StartTransaction { modes, begin, statements, .. } => {
            if !statements.is_empty() {
                return Err(Error::unsupported("BEGIN … END blocks are not supported"));
            }
            TransactionStatement::Begin { modes: modes.iter().map(mode).collect(), start: !begin }
        }
        Tree::Commit { chain, .. } => TransactionStatement::Commit { chain: *chain },
        Tree::Rollback { savepoint: None, chain } => {
            TransactionStatement::Rollback { chain: *chain }
        }
        Tree::Rollback { savepoint: Some(name), .. } => {
            TransactionStatement::RollbackTo(fold(name))
        }
        Tree::Savepoint { name } => TransactionStatement::Savepoint(fold(name)),
        Tree::ReleaseSavepoint { name } => TransactionStatement::Release(fold(name)),
        _ => return Err(Error::internal("no transaction statement")),
    };
    Ok(Kind::Transaction(statement))
}
