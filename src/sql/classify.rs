//! The parser's tree to a [`Kind`].

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::{self, Query, SetExpr, Statement as Tree, Visit, Visitor};

use super::declared_type::pg_type_of;
use super::routine::functions_in;
use super::statement::{Kind, Read, TableRef};
use super::{call, changing_with, fold, forbidden, in_turn, lock, setting, write};
use crate::error::{Error, Result};

/// Decides what a statement is.
///
/// # Errors
/// 0A000 or 42501 for what is understood and refused.
pub(super) fn classify(tree: &Tree) -> Result<Kind> {
    forbidden::check(tree)?;
    match tree {
        Tree::Query(query) => classify_query(query, tree),
        Tree::Explain { .. } => classify_explain(tree),
        Tree::Call(function) => call::classify(function).map(Kind::Call),
        Tree::StartTransaction { .. }
        | Tree::Commit { .. }
        | Tree::Rollback { .. }
        | Tree::Savepoint { .. }
        | Tree::ReleaseSavepoint { .. } => setting::classify_transaction(tree),
        Tree::Set(_) | Tree::Reset(_) | Tree::ShowVariable { .. } => setting::classify(tree),
        Tree::Discard { object_type } => Ok(Kind::Discard(match object_type {
            ast::DiscardObject::ALL => "DISCARD ALL",
            ast::DiscardObject::PLANS => "DISCARD PLANS",
            ast::DiscardObject::SEQUENCES => "DISCARD SEQUENCES",
            ast::DiscardObject::TEMP => "DISCARD TEMP",
        })),
        Tree::Deallocate { name, .. } => Ok(Kind::Deallocate(
            (name.quote_style.is_some() || !name.value.eq_ignore_ascii_case("all"))
                .then(|| fold(name)),
        )),
        Tree::Prepare { name, data_types, statement } => {
            classify_prepare(name, data_types, statement)
        }
        Tree::Execute { name: Some(name), parameters, .. } => Ok(Kind::Execute {
            name: TableRef::from_object_name(name)?.table,
            args: call::arguments(parameters)?,
        }),
        Tree::Lock(lock) => lock::classify(lock).map(Kind::LockTable),
        // All roles may do all.
        Tree::Grant(_) => Ok(Kind::Nothing("GRANT")),
        Tree::Revoke(_) => Ok(Kind::Nothing("REVOKE")),
        Tree::LISTEN { channel } => Ok(Kind::Listen(fold(channel))),
        Tree::UNLISTEN { channel } => {
            Ok(Kind::Unlisten((channel.value != "*").then(|| fold(channel))))
        }
        Tree::NOTIFY { channel, payload } => Ok(Kind::Notify {
            channel: fold(channel),
            payload: payload.clone().unwrap_or_default(),
        }),
        _ => write::classify(tree).map(Kind::Write),
    }
}

fn classify_query(query: &Query, tree: &Tree) -> Result<Kind> {
    if let Some(changing) = changing_with::of(query)? {
        return Ok(Kind::ChangingWith(changing));
    }
    if let SetExpr::Insert(inner)
    | SetExpr::Update(inner)
    | SetExpr::Delete(inner)
    | SetExpr::Merge(inner) = query.body.as_ref()
    {
        // `WITH … INSERT …`: the write inside, with the tables of the whole.
        let mut write = write::classify(inner)?;
        write.set_tables(tables(tree)?);
        return Ok(Kind::Write(write));
    }
    if let Some(calls) = lock::advisory_calls(query)? {
        return Ok(Kind::Advisory(calls));
    }
    if has_write(query) {
        return Err(Error::unsupported(
            "data-modifying statements inside a query are not supported",
        ));
    }
    if let Some(count) = in_turn::columns(query, tree) {
        return Ok(Kind::InTurn(count));
    }
    if let Some(write) = write::changes_sequences(tree)? {
        return Ok(Kind::Write(write));
    }
    let functions = functions_in(tree).into_iter().map(|name| name.table.to_lowercase());
    Ok(Kind::Read(Read { tables: tables(tree)?, functions: functions.collect(), native: false }))
}

fn classify_explain(tree: &Tree) -> Result<Kind> {
    let Tree::Explain { analyze, statement, options, format, .. } = tree else {
        return Err(Error::internal("not an EXPLAIN"));
    };
    let mut analyze = *analyze;
    let mut json = false;
    let mut form = format.as_ref().map(ToString::to_string);
    for option in options.iter().flatten() {
        let value = option.arg.as_ref().map(ToString::to_string).unwrap_or_default();
        let off = matches!(value.to_lowercase().as_str(), "false" | "off" | "0");
        match fold(&option.name).as_str() {
            "analyze" => analyze = !off,
            "format" => form = Some(value),
            _ => {}
        }
    }
    match form.map(|form| form.to_lowercase()).as_deref() {
        None | Some("text") => {}
        Some("json") => json = true,
        Some(_) => {
            return Err(Error::unsupported("EXPLAIN in xml or yaml is not supported")
                .with_hint("Use FORMAT TEXT or FORMAT JSON."));
        }
    }
    let inner = statement_of(statement.clone())?;
    Ok(Kind::Explain { analyze, json, statement: Box::new(inner) })
}

/// Makes the statement of a tree that is part of another one, or made of one.
pub(super) fn statement_of(tree: Box<Tree>) -> Result<super::Statement> {
    Ok(super::Statement {
        text: tree.to_string(),
        kind: classify(&tree)?,
        param_count: super::params::count(&tree)?,
        memo: super::statement::Memo::default(),
        tree: Some(tree),
        words: Vec::new(),
        offset: 0,
        comment: super::Comment::default(),
    })
}

fn classify_prepare(name: &ast::Ident, types: &[ast::DataType], statement: &Tree) -> Result<Kind> {
    let inner = statement_of(Box::new(statement.clone()))?;
    let types = types.iter().map(|data_type| Some(pg_type_of(data_type)?.0)).collect();
    Ok(Kind::Prepare { name: fold(name), types, statement: std::sync::Arc::new(inner) })
}

/// Tells whether a query writes: INSERT, UPDATE, DELETE or MERGE as its body or in a CTE.
fn has_write(query: &Query) -> bool {
    struct Finder;
    impl Visitor for Finder {
        type Break = ();
        fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
            match query.body.as_ref() {
                SetExpr::Insert(_)
                | SetExpr::Update(_)
                | SetExpr::Delete(_)
                | SetExpr::Merge(_) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
        fn pre_visit_statement(&mut self, statement: &Tree) -> ControlFlow<()> {
            match statement {
                Tree::Query(_) => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        }
    }
    query.visit(&mut Finder).is_break()
}

/// Collects the tables that a statement reads or writes. A name that a CTE of the same statement
/// has is left out, unless it is qualified.
pub(super) fn tables<V: Visit>(tree: &V) -> Result<Vec<TableRef>> {
    #[derive(Default)]
    struct Collector {
        relations: Vec<ast::ObjectName>,
        ctes: HashSet<String>,
    }
    impl Visitor for Collector {
        type Break = ();
        fn pre_visit_relation(&mut self, relation: &ast::ObjectName) -> ControlFlow<()> {
            self.relations.push(relation.clone());
            ControlFlow::Continue(())
        }
        fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
            for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
                self.ctes.insert(fold(&cte.alias.name));
            }
            ControlFlow::Continue(())
        }
        fn pre_visit_table_factor(&mut self, factor: &ast::TableFactor) -> ControlFlow<()> {
            // A function in FROM is no relation, although the visitor reports its name as one.
            if let ast::TableFactor::Table { name, args: Some(_), .. } = factor {
                self.ctes.insert(format!("\0{name}"));
            }
            ControlFlow::Continue(())
        }
    }
    let mut collector = Collector::default();
    let _ = tree.visit(&mut collector);
    let mut found: Vec<TableRef> = Vec::new();
    for name in &collector.relations {
        if collector.ctes.contains(&format!("\0{name}")) {
            continue;
        }
        let table = TableRef::from_object_name(name)?;
        let is_cte = table.schema.is_none() && collector.ctes.contains(&table.table);
        if !is_cte && !found.contains(&table) {
            found.push(table);
        }
    }
    Ok(found)
}
