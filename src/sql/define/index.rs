//! CREATE INDEX to its parts. DuckDB's indexes have no order, no predicate and no further columns;
//! an index that finds more than it was asked to is as good. What was asked is kept beside it, for
//! the catalogue.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use sqlparser::ast::{self, Expr, Ident, IndexType, VisitMut, VisitorMut};

use super::{Definition, IndexPart};
use crate::error::{Error, Result};
use crate::sql::quote_ident;
use crate::sql::rewrite::{self, NameContext};
use crate::sql::statement::TableRef;

/// What a CREATE INDEX says and DuckDB does not keep. Lies in the intent log and, as JSON, in the
/// data file; `sql/` reads it there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IndexDetail {
    /// `btree` or another access method.
    pub method: String,
    /// For each key part the bits of `pg_index.indoption`: 1 descending, 2 NULLs first.
    pub options: Vec<u8>,
    /// For each key part its operator class, or nothing.
    pub operator_classes: Vec<String>,
    pub include: Vec<String>,
    pub predicate: Option<String>,
}

impl IndexDetail {
    fn of(index: &ast::CreateIndex) -> IndexDetail {
        let keys = index.columns.iter();
        let option = |key: &ast::IndexColumn| {
            let descends = key.column.options.asc == Some(false);
            let first = key.column.options.nulls_first.unwrap_or(descends);
            u8::from(descends) | u8::from(first) << 1
        };
        let class = |key: &ast::IndexColumn| {
            let name = key.operator_class.as_ref().and_then(|name| name.0.last()?.as_ident());
            name.map(|name| name.value.clone()).unwrap_or_default()
        };
        IndexDetail {
            method: match &index.using {
                Some(method) => method.to_string().to_lowercase(),
                None => "btree".to_owned(),
            },
            options: keys.clone().map(option).collect(),
            operator_classes: keys.map(class).collect(),
            include: index.include.iter().map(|column| column.value.clone()).collect(),
            predicate: index.predicate.as_ref().map(ToString::to_string),
        }
    }

    /// Tells whether it says more than an index has by itself.
    pub fn is_needed(&self) -> bool {
        self.method != "btree"
            || self.options.iter().any(|bits| *bits != 0)
            || self.operator_classes.iter().any(|name| !name.is_empty())
            || !self.include.is_empty()
            || self.predicate.is_some()
    }

    /// Tells whether the further columns or the predicate name a column.
    pub fn mentions(&self, column: &str) -> bool {
        self.include.iter().any(|name| name == column)
            || self.predicate.as_ref().is_some_and(|text| {
                renamed_in(text, column, column).is_none_or(|(_, is_there)| is_there)
            })
    }

    /// A column has another name now.
    pub fn rename(&mut self, from: &str, to: &str) {
        self.include.iter_mut().filter(|name| *name == from).for_each(|name| *name = to.to_owned());
        if let Some(text) = &mut self.predicate
            && let Some((renamed, _)) = renamed_in(text, from, to)
        {
            *text = renamed;
        }
    }
}

/// Renames a column in an index's key that is an expression; `None` where it cannot be read.
pub fn renamed_key(key: &str, from: &str, to: &str) -> Option<String> {
    renamed_in(key, from, to).map(|(renamed, _)| renamed)
}

/// Renames a column in an expression; tells whether it is there.
fn renamed_in(text: &str, from: &str, to: &str) -> Option<(String, bool)> {
    struct Renamer<'a>(&'a str, &'a str, bool);
    impl VisitorMut for Renamer<'_> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if let Expr::Identifier(ident) = expr
                && ident.value == self.0
            {
                *ident = Ident::with_quote('"', self.1);
                self.2 = true;
            }
            ControlFlow::Continue(())
        }
    }
    let mut trees = rewrite::parse(&format!("SELECT {text}")).ok()?;
    let mut renamer = Renamer(from, to, false);
    let _ = trees.visit(&mut renamer);
    let text = trees.first()?.to_string();
    Some((text.strip_prefix("SELECT ")?.to_owned(), renamer.2))
}

/// Takes a CREATE INDEX apart, rewritten for DuckDB.
pub(in crate::sql) fn create_index(
    tree: &ast::Statement,
    names: &NameContext,
) -> Result<Definition> {
    let mut tree = tree.clone();
    let mut detail = IndexDetail::default();
    if let ast::Statement::CreateIndex(index) = &tree {
        refuse(index)?;
        detail = IndexDetail::of(index);
    }
    rewrite::for_duckdb(&mut tree, names)?;
    let (ast::Statement::CreateIndex(index), ast::Statement::CreateIndex(written)) =
        (&tree, &tree.clone())
    else {
        return Err(Error::internal("not a CREATE INDEX"));
    };
    let parts = index.columns.iter().zip(&written.columns).map(|(column, written)| {
        let word = match &written.column.expr {
            Expr::Identifier(ident) => ident.value.clone(),
            Expr::Function(function) => function
                .name
                .0
                .last()
                .and_then(|part| part.as_ident())
                .map_or_else(|| "expr".to_owned(), |ident| ident.value.clone()),
            _ => "expr".to_owned(),
        };
        let sql = match &column.column.expr {
            Expr::Identifier(ident) => quote_ident(&ident.value),
            other => format!("({other})"),
        };
        IndexPart { sql, word }
    });
    let parts = parts.collect();
    let name = index.name.as_ref().map(TableRef::from_object_name).transpose()?;
    let table = TableRef::from_object_name(&index.table_name)?;
    Ok(Definition::CreateIndex {
        table: public_names(table).candidates(&names.search_path).collect(),
        name: name.map(|name| name.table),
        if_not_exists: index.if_not_exists,
        unique: index.unique,
        parts,
        detail,
    })
}

/// The rewriting has made `main` of `public`.
fn public_names(mut table: TableRef) -> TableRef {
    if table.schema.as_deref() == Some("main") {
        table.schema = Some("public".to_owned());
    }
    table
}

fn refuse(index: &ast::CreateIndex) -> Result<()> {
    match &index.using {
        None | Some(IndexType::BTree | IndexType::Hash | IndexType::BRIN) => {}
        Some(other) => {
            return Err(Error::unsupported(format!(
                "access method \"{}\" is not supported",
                other.to_string().to_lowercase()
            )));
        }
    }
    if index.unique && index.predicate.is_some() {
        return Err(Error::unsupported("a unique index over a part of the rows is not supported"));
    }
    if index.nulls_distinct == Some(false) {
        return Err(Error::unsupported("NULLS NOT DISTINCT is not supported"));
    }
    Ok(())
}
