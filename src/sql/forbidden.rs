//! Functions that no client may call, whatever the engine's own settings say.
//!
//! DuckDB runs without external access, which closes the file system. This list is the first of
//! the two locks, with an error that says what is meant, and closes functions that act on the
//! instance from inside a SELECT.

use std::ops::ControlFlow;

use sqlparser::ast::{self, Expr, Statement as Tree, TableFactor, Visit, Visitor};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::fold;
use super::own_tables::{RowsChange, may_change};
use super::statement::TableRef;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

const PREFIXES: &[&str] = &[
    "read_",
    "parquet_",
    "iceberg_",
    "delta_",
    "sqlite_",
    "postgres_",
    "mysql_",
    "pragma_",
    "load_",
    "from_substrait",
    "get_substrait",
    "st_read",
    "arrow_scan",
    "pandas_scan",
    "python_map",
    "teatree_",
];

const NAMES: &[&str] = &[
    "checkpoint",
    "force_checkpoint",
    "glob",
    "sniff_csv",
    "duckdb_secrets",
    "which_secret",
    "getenv",
    "enable_logging",
    "disable_logging",
    "set_logging_level",
    "truncate_duckdb_logs",
    "duckdb_logs",
    "duckdb_logs_parsed",
    "enable_profiling",
    "disable_profiling",
    "enable_profile",
    "disable_profile",
    "json_execute_serialized_sql",
    "query",
    "query_table",
    "export_database",
    "import_database",
    "scan_arrow_ipc",
    "seq_scan",
    "duckdb_external_file_cache",
    "write_log",
    "pg_read_file",
    "pg_read_binary_file",
    "pg_ls_dir",
    "lo_import",
    "lo_export",
    "duckdb_temporary_files",
];

/// Schemas that are the server's own: nobody writes there.
const RESERVED_SCHEMAS: &[&str] = &[
    "teatree",
    "teatree_internal",
    "teatree_system",
    "teatree_kept",
    "pg_catalog",
    "information_schema",
    "system",
];

/// Refuses to write to, make or drop an object in the server's own schemas.
///
/// # Errors
/// 42501 with the schema's name.
pub(super) fn check_target(name: &ast::ObjectName) -> Result<()> {
    let parts: Vec<String> = name.0.iter().filter_map(|part| part.as_ident().map(fold)).collect();
    let above = &parts[..parts.len().saturating_sub(1)];
    match above.iter().find(|part| is_reserved(part)) {
        Some(schema) => Err(reserved(schema)),
        None => Ok(()),
    }
}

/// The same for a change of rows, which some of the server's own tables allow.
///
/// # Errors
/// 42501 with the schema's name.
pub(super) fn check_rows_target(name: &ast::ObjectName, change: RowsChange) -> Result<()> {
    let parts: Vec<String> = name.0.iter().filter_map(|part| part.as_ident().map(fold)).collect();
    match parts.as_slice() {
        [schema, table] | [_, schema, table] if may_change(schema, table, change) => Ok(()),
        _ => check_target(name),
    }
}

/// Refuses a table in the server's own schemas.
///
/// # Errors
/// 42501 with the schema's name.
pub fn check_table(table: &TableRef) -> Result<()> {
    match table.schema.iter().chain(&table.database).find(|part| is_reserved(part)) {
        Some(schema) => Err(reserved(schema)),
        None => Ok(()),
    }
}

/// Refuses to make, change or drop a schema of the server's own.
pub(super) fn check_schema(name: &ast::ObjectName) -> Result<()> {
    let last = name.0.last().and_then(|part| part.as_ident()).map(fold).unwrap_or_default();
    if is_reserved(&last) || last.starts_with("pg_") { Err(reserved(&last)) } else { Ok(()) }
}

/// Refuses tokens of a write that name a schema of the server's own at all.
pub(super) fn check_target_tokens(solid: &[&TokenWithSpan]) -> Result<()> {
    for token in solid {
        if let Token::Word(word) = &token.token
            && is_reserved(&word.value.to_lowercase())
        {
            return Err(reserved(&word.value));
        }
    }
    Ok(())
}

fn is_reserved(name: &str) -> bool {
    // DuckDB compares names without their case, quoted ones too.
    let name = name.to_lowercase();
    RESERVED_SCHEMAS.contains(&name.as_str()) || name.starts_with("teatree_own_")
}

fn reserved(schema: &str) -> Error {
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for schema {schema}"))
}

/// Refuses a tree that calls a forbidden function anywhere.
///
/// # Errors
/// 42501 with the function's name.
pub(super) fn check(tree: &Tree) -> Result<()> {
    struct Finder(Option<String>);
    impl Finder {
        fn look_at(&mut self, name: &ast::ObjectName) -> ControlFlow<()> {
            match name.0.last().and_then(|part| part.as_ident()) {
                Some(ident) if is_forbidden(&fold(ident)) => {
                    self.0 = Some(fold(ident));
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    impl Visitor for Finder {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(function) => self.look_at(&function.name),
                _ => ControlFlow::Continue(()),
            }
        }
        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
            match factor {
                TableFactor::Table { name, args: Some(_), .. }
                | TableFactor::Function { name, .. } => self.look_at(name),
                TableFactor::Table { name, .. } => match file_name(name) {
                    Some(file) => {
                        self.0 = Some(file);
                        ControlFlow::Break(())
                    }
                    None => ControlFlow::Continue(()),
                },
                _ => ControlFlow::Continue(()),
            }
        }
    }
    let mut finder = Finder(None);
    let _ = tree.visit(&mut finder);
    match finder.0 {
        Some(name) => Err(denied(&name)),
        None => Ok(()),
    }
}

/// Refuses tokens that call a forbidden function: for SQL that only DuckDB's parser understands.
pub(super) fn check_tokens(solid: &[&TokenWithSpan]) -> Result<()> {
    for pair in solid.windows(2) {
        let name = match &pair[0].token {
            Token::Word(word) => word.value.to_lowercase(),
            _ => continue,
        };
        if pair[1].token == Token::LParen && is_forbidden(&name) {
            return Err(denied(&name));
        }
    }
    for token in solid {
        if let Token::Word(word) = &token.token
            && word.quote_style.is_some()
            && names_a_file(&word.value)
        {
            return Err(denied("a file name as a table"));
        }
    }
    // FROM 'file' reads a file by its name.
    for pair in solid.windows(2) {
        if let (Token::Word(word), Token::SingleQuotedString(_)) = (&pair[0].token, &pair[1].token)
        {
            if matches!(word.value.to_lowercase().as_str(), "from" | "join" | "summarize") {
                return Err(denied("a file name as a table"));
            }
        }
    }
    Ok(())
}

/// DuckDB takes a quoted file name for a table.
fn file_name(name: &ast::ObjectName) -> Option<String> {
    let [part] = name.0.as_slice() else { return None };
    let ident = part.as_ident()?;
    let is_file = match ident.quote_style {
        Some('\'') => true,
        Some(_) => names_a_file(&ident.value),
        None => false,
    };
    is_file.then(|| "a file name as a table".to_owned())
}

fn names_a_file(name: &str) -> bool {
    const ENDINGS: &[&str] =
        &["csv", "tsv", "parquet", "json", "jsonl", "ndjson", "gz", "zst", "xlsx", "db", "duckdb"];
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    name.contains(['/', '\\', ':', '*', '?'])
        || ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

fn is_forbidden(name: &str) -> bool {
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn denied(name: &str) -> Error {
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for function {name}"))
        .with_hint("Files come in by COPY FROM STDIN, or from the inbox by CALL teatree.ingest.")
}

/// Refuses writes to the server's own schemas.
pub(super) fn check_targets(tree: &ast::Statement) -> Result<()> {
    let each = |names: &[ast::ObjectName]| names.iter().try_for_each(check_target);
    match tree {
        ast::Statement::Insert(insert) => match &insert.table {
            ast::TableObject::TableName(name) => check_rows_target(name, RowsChange::Insert),
            _ => Ok(()),
        },
        ast::Statement::Update(update) => {
            check_factor(&update.table.relation, Some(RowsChange::Update))
        }
        ast::Statement::Delete(delete) => {
            let (ast::FromTable::WithFromKeyword(from) | ast::FromTable::WithoutKeyword(from)) =
                &delete.from;
            from.iter()
                .try_for_each(|table| check_factor(&table.relation, Some(RowsChange::Delete)))
        }
        ast::Statement::Merge(merge) => check_factor(&merge.table, None),
        ast::Statement::Truncate(truncate) => {
            truncate.table_names.iter().try_for_each(|target| check_target(&target.name))
        }
        ast::Statement::CreateTable(create) => check_target(&create.name),
        ast::Statement::CreateView(view) => check_target(&view.name),
        ast::Statement::CreateIndex(index) => check_target(&index.table_name),
        ast::Statement::CreateSequence { name, .. }
        | ast::Statement::CreateType { name, .. }
        | ast::Statement::CreateMacro { name, .. }
        | ast::Statement::AlterView { name, .. }
        | ast::Statement::AlterIndex { name, .. } => check_target(name),
        ast::Statement::AlterTable(alter) => check_target(&alter.name),
        ast::Statement::AlterType(alter) => check_target(&alter.name),
        ast::Statement::AlterSchema(alter) => check_schema(&alter.name),
        ast::Statement::CreateSchema { schema_name, .. } => match schema_name {
            ast::SchemaName::Simple(name) | ast::SchemaName::NamedAuthorization(name, _) => {
                check_schema(name)
            }
            ast::SchemaName::UnnamedAuthorization(_) => Ok(()),
        },
        ast::Statement::Drop { object_type: ast::ObjectType::Schema, names, .. } => {
            names.iter().try_for_each(check_schema)
        }
        ast::Statement::Drop { names, .. } => each(names),
        ast::Statement::Comment { object_name, .. } => check_target(object_name),
        _ => Ok(()),
    }
}

fn check_factor(factor: &ast::TableFactor, change: Option<RowsChange>) -> Result<()> {
    match (factor, change) {
        (ast::TableFactor::Table { name, .. }, Some(change)) => check_rows_target(name, change),
        (ast::TableFactor::Table { name, .. }, None) => check_target(name),
        _ => Ok(()),
    }
}
