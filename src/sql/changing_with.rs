//! WITH queries that change data, as PostgreSQL has them: one statement that is run as several, in
//! one transaction. Each part that writes runs first, in the order in which they stand, and what it
//! returns stands as a list of values in the parts that come after it.
//!
//! All parts see what was there before the statement. So a part that would read a table which an
//! earlier one changes is refused.

use sqlparser::ast::{self, Query, SetExpr, Statement as Tree, With};

use super::classify::{classify, statement_of, tables};
use super::dialect::parsed_query;
use super::quote_ident;
use super::statement::{Kind, Statement, TableRef};
use crate::error::{Error, Result};
use crate::types::{Column, ScalarType};

/// A statement some of whose WITH queries write.
#[derive(Clone, Debug)]
pub struct ChangingWith {
    /// How many of them there are.
    pub writes: usize,
}

/// What a part has returned: its columns, and the texts of their values.
#[derive(Clone, Debug)]
pub struct ReturnedRows {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Option<String>>>,
}

/// Tells whether WITH queries of a statement write; `None` when none does.
///
/// # Errors
/// 0A000 for a part that would see what another has changed.
pub(super) fn of(query: &Query) -> Result<Option<ChangingWith>> {
    let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
    let writes = ctes.filter(|cte| is_write(&cte.query)).count();
    if writes == 0 {
        return Ok(None);
    }
    // With nothing returned each part reads the same tables.
    let mut changed: Vec<TableRef> = Vec::new();
    for place in 0..=writes {
        let tree = part(query, place, &vec![None; place])?;
        for read in reads(&tree)? {
            if changed.iter().any(|table| table.table == read.table) {
                return Err(Error::unsupported(format!(
                    "a part of a statement that reads \"{}\", which another part of it changes, \
                     is not supported",
                    read.table
                ))
                .with_hint("Use several statements in a transaction."));
            }
        }
        if let Kind::Write(write) = classify(&tree)? {
            changed.extend(write.target().cloned());
        }
    }
    Ok(Some(ChangingWith { writes }))
}

fn is_write(query: &Query) -> bool {
    matches!(query.body.as_ref(), SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_))
}

/// The tables whose rows a part reads.
fn reads(tree: &Tree) -> Result<Vec<TableRef>> {
    match tree {
        Tree::Insert(insert) => insert.source.as_ref().map_or(Ok(Vec::new()), tables),
        other => tables(other),
    }
}

impl Statement {
    /// Makes one of the parts of a statement whose WITH queries write: the last is the statement
    /// itself. `returned` is what the parts before have given, `None` where they give nothing.
    ///
    /// # Errors
    /// 0A000 for what cannot be a part.
    pub fn changing_part(
        &self,
        place: usize,
        returned: &[Option<ReturnedRows>],
    ) -> Result<Statement> {
        let Some(Tree::Query(query)) = self.tree.as_deref() else {
            return Err(Error::internal("a statement without WITH has no parts"));
        };
        let tree = part(query, place, returned)?;
        statement_of(Box::new(tree))
    }
}

/// Makes the tree of a part.
fn part(query: &Query, place: usize, returned: &[Option<ReturnedRows>]) -> Result<Tree> {
    let Some(with) = &query.with else { return Err(Error::internal("no WITH")) };
    let mut before = Vec::new();
    let mut count = 0;
    for cte in &with.cte_tables {
        if !is_write(&cte.query) {
            before.push(cte.clone());
            continue;
        }
        if count == place {
            let inner = With { cte_tables: before, ..with.clone() };
            return written(&cte.query, inner);
        }
        if let Some(Some(rows)) = returned.get(count) {
            let query = Box::new(values(rows)?);
            before.push(ast::Cte { query, ..cte.clone() });
        }
        count += 1;
    }
    let mut outer = query.clone();
    let with = With { cte_tables: before, ..with.clone() };
    if !is_write(&outer) {
        outer.with = Some(with).filter(|with| !with.cte_tables.is_empty());
        return Ok(Tree::Query(Box::new(outer)));
    }
    outer.with = None;
    written(&outer, with)
}

/// Makes a write of a query that is one, with the queries that it may read.
fn written(query: &Query, with: With) -> Result<Tree> {
    if query.with.is_some() {
        return Err(Error::unsupported("WITH inside of a WITH query that writes is not supported"));
    }
    let with = Some(with).filter(|with| !with.cte_tables.is_empty());
    let (SetExpr::Insert(inner) | SetExpr::Update(inner) | SetExpr::Delete(inner)) =
        query.body.as_ref()
    else {
        return Err(Error::internal("not a write"));
    };
    let mut inner = inner.clone();
    match (&mut inner, with) {
        (_, None) => Ok(inner),
        // The rows to insert are all that can name the other queries.
        (Tree::Insert(insert), Some(with)) => {
            if let Some(source) = &mut insert.source {
                let own = source.with.take();
                let mut all = with;
                all.cte_tables.extend(own.into_iter().flat_map(|own| own.cte_tables));
                source.with = Some(all);
            }
            Ok(inner)
        }
        (_, with) => Ok(Tree::Query(Box::new(Query { with, ..query.clone() }))),
    }
}

/// Makes a query of rows that are known.
fn values(returned: &ReturnedRows) -> Result<Query> {
    let names: Vec<String> =
        returned.columns.iter().map(|column| quote_ident(&column.name)).collect();
    let types: Vec<String> = returned.columns.iter().map(type_name).collect::<Result<_>>()?;
    let cast = |(value, name): (&Option<String>, &String)| match value {
        Some(text) => format!("CAST('{}' AS {name})", text.replace('\'', "''")),
        None => format!("CAST(NULL AS {name})"),
    };
    let row = |row: &Vec<Option<String>>| {
        let cells: Vec<String> = row.iter().zip(&types).map(cast).collect();
        format!("({})", cells.join(", "))
    };
    if returned.rows.is_empty() {
        let nothing = vec![None; types.len()];
        let cells = nothing.iter().zip(&types).map(cast);
        let items: Vec<String> =
            cells.zip(&names).map(|(cell, name)| format!("{cell} AS {name}")).collect();
        return parsed_query(&format!("SELECT {} WHERE false", items.join(", ")));
    }
    let rows: Vec<String> = returned.rows.iter().map(row).collect();
    parsed_query(&format!(
        "SELECT * FROM (VALUES {}) AS teatree_returned ({})",
        rows.join(", "),
        names.join(", ")
    ))
}

/// The type that a returned value is cast to.
fn type_name(column: &Column) -> Result<String> {
    if let Some((precision, scale)) = column.numeric_precision_scale() {
        return Ok(format!("numeric({precision}, {scale})"));
    }
    match column.pg_type.scalar() {
        ScalarType::Record => {
            let message = format!("column \"{}\" of a WITH query has a row type", column.name);
            Err(Error::unsupported(message))
        }
        ScalarType::Bpchar if !column.pg_type.is_array() => Ok("text".to_owned()),
        _ => Ok(column.pg_type.sql_name()),
    }
}
