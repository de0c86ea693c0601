//! CREATE INDEX to its parts. DuckDB's indexes have no order, no predicate and no further columns;
//! an index that finds more than it was asked to is as good.

use sqlparser::ast::{self, Expr, IndexType};

use super::{Definition, IndexPart};
use crate::error::{Error, Result};
use crate::sql::quote_ident;
use crate::sql::rewrite::{self, NameContext};
use crate::sql::statement::TableRef;

/// Takes a CREATE INDEX apart, rewritten for DuckDB.
pub(in crate::sql) fn create_index(
    tree: &ast::Statement,
    names: &NameContext,
) -> Result<Definition> {
    let mut tree = tree.clone();
    if let ast::Statement::CreateIndex(index) = &tree {
        refuse(index)?;
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
