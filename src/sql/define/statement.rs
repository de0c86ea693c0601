//! A statement to its changes of definitions.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectNamePart, SelectItem,
    SetExpr, Visit, visit_expressions,
};

use super::domain::create_domain;
use super::sequence::{OwnerChange, SequenceOwner};
use super::{
    Candidates, Definition, Dropped, EnumPlace, LikeOptions, TEMPORARY_SCHEMA, alter_table,
    as_sequence_name, create_index, create_sequence, create_table, written_name,
};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::define_write::DefineWrite;
use crate::sql::rewrite::{self, NameContext};
use crate::sql::role::RoleChange;
use crate::sql::statement::{Statement, TableRef};
use crate::sql::write::Write;
use crate::sql::{Kind, params, quote_ident};
use crate::types::{PgType, Value};

impl Statement {
    /// Takes the statement apart as changes of definitions, if that is what the Writer has to see;
    /// `None` for what DuckDB does as it stands.
    pub fn definitions(
        &self,
        names: &NameContext,
        types: &[Option<PgType>],
        values: &[Value],
    ) -> Result<Option<Vec<Definition>>> {
        if let Kind::Write(Write::Define { define, .. }) = &self.kind {
            return Ok(Some(vec![beyond(define, names)?]));
        }
        let Some(tree) = self.tree.as_deref() else { return Ok(None) };
        let path = names.search_path.as_slice();
        let definition = match tree {
            ast::Statement::CreateTable(create) if create.query.is_none() => {
                let (like, from) = self.like();
                create_table(create, like, from, names)?
            }
            ast::Statement::AlterTable(alter) => alter_table(alter, names)?,
            ast::Statement::CreateIndex(_) => create_index(tree, names)?,
            ast::Statement::CreateSequence { .. } => create_sequence(tree, names)?,
            ast::Statement::AlterType(alter) => alter_type(alter, path)?,
            ast::Statement::Comment { .. } => match comment_on_type(tree, path)? {
                Some(definition) => definition,
                None => return Ok(None),
            },
            ast::Statement::Drop { object_type, if_exists, names: dropped, cascade, .. } => {
                let Some(kind) = dropped_kind(*object_type) else { return Ok(None) };
                let each = |name| match kind {
                    // A schema's name is not found on the search path.
                    Dropped::Schema => {
                        Ok(vec![TableName::new("", TableRef::from_object_name(name)?.table)])
                    }
                    _ => candidates(name, path),
                };
                Definition::Drop {
                    kind,
                    names: dropped.iter().map(each).collect::<Result<_>>()?,
                    if_exists: *if_exists,
                    cascade: *cascade,
                }
            }
            ast::Statement::Truncate(truncate) => Definition::Truncate {
                tables: truncate
                    .table_names
                    .iter()
                    .map(|target| candidates(&target.name, path))
                    .collect::<Result<_>>()?,
                restart: matches!(truncate.identity, Some(ast::TruncateIdentityOption::Restart)),
                cascade: matches!(truncate.cascade, Some(ast::CascadeOption::Cascade)),
            },
            ast::Statement::Query(query) if calls(tree, "setval") => {
                set_values(query, names, types, values)?
            }
            ast::Statement::Query(_) if calls(tree, "nextval") => {
                self.draw(names, types, values)?
            }
            _ => return Ok(None),
        };
        Ok(Some(vec![definition]))
    }

    /// Tells whether it is a CREATE TEMPORARY SEQUENCE.
    pub fn makes_temporary_sequence(&self) -> bool {
        matches!(self.tree.as_deref(), Some(ast::Statement::CreateSequence { temporary: true, .. }))
    }

    /// Lists the sequences that a SELECT draws from or sets, as far as it names them.
    pub fn drawn_sequences(&self) -> Vec<TableRef> {
        let Some(tree @ ast::Statement::Query(_)) = self.tree.as_deref() else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let _: ControlFlow<()> = visit_expressions(tree, |expr| {
            let called = call(expr, "nextval").or_else(|| call(expr, "setval"));
            if let Some((_, [first, ..])) = called
                && let Some(text) = as_sequence_name(first)
            {
                let (schema, table) = written_name(&text);
                found.push(TableRef { database: None, schema, table });
            }
            ControlFlow::Continue(())
        });
        found
    }

    /// What a CREATE TABLE takes over, and from which table.
    fn like(&self) -> (LikeOptions, Option<&TableRef>) {
        match &self.kind {
            Kind::Write(Write::CreateTable { like, like_from, .. }) => (*like, like_from.as_ref()),
            _ => (LikeOptions::default(), None),
        }
    }

    /// A SELECT that draws from sequences.
    fn draw(
        &self,
        names: &NameContext,
        types: &[Option<PgType>],
        values: &[Value],
    ) -> Result<Definition> {
        let drawn = self.drawn_sequences();
        let path = &names.search_path;
        let sequences = drawn.iter().map(|name| name.candidates(path).collect()).collect();
        Ok(Definition::Draw {
            sql: self.duckdb_sql(names, types)?,
            params: values.to_vec(),
            sequences,
        })
    }

    /// Tells whether it puts a table in the place of another: DuckDB's CREATE OR REPLACE TABLE.
    pub fn replaces_table(&self) -> bool {
        matches!(self.tree.as_deref(), Some(ast::Statement::CreateTable(create))
            if create.or_replace)
    }

    /// Names the columns that `SELECT setval(…)` gives.
    pub fn set_value_columns(&self) -> Option<Vec<String>> {
        let tree = self.tree.as_deref()?;
        let ast::Statement::Query(query) = tree else { return None };
        if !calls(tree, "setval") {
            return None;
        }
        match query.body.as_ref() {
            SetExpr::Select(select) => Some(select.projection.iter().map(label).collect()),
            _ => None,
        }
    }

    /// Tells whether an INSERT's query gives random values, which each copy of the data would draw
    /// anew.
    pub fn is_random_query(&self) -> bool {
        let Some(ast::Statement::Insert(insert)) = self.tree.as_deref() else { return false };
        insert.source.as_deref().is_some_and(|query| {
            !matches!(query.body.as_ref(), SetExpr::Values(_)) && rewrite::is_random(query)
        })
    }

    /// Names the constraint of `ON CONFLICT ON CONSTRAINT`.
    pub fn conflict_constraint(&self) -> Option<String> {
        let ast::Statement::Insert(insert) = self.tree.as_deref()? else { return None };
        match insert.on.as_ref()? {
            ast::OnInsert::OnConflict(ast::OnConflict {
                conflict_target: Some(ast::ConflictTarget::OnConstraint(name)),
                ..
            }) => name.0.last().and_then(ObjectNamePart::as_ident).map(|i| i.value.clone()),
            _ => None,
        }
    }

    /// Puts the constraint's columns in its place.
    pub fn with_conflict_columns(&self, columns: &[String]) -> Statement {
        let mut statement = self.clone();
        if let Some(ast::Statement::Insert(insert)) = statement.tree.as_deref_mut()
            && let Some(ast::OnInsert::OnConflict(conflict)) = &mut insert.on
        {
            let columns =
                columns.iter().map(|column| ast::Ident::with_quote('"', column)).collect();
            conflict.conflict_target = Some(ast::ConflictTarget::Columns(columns));
        }
        statement
    }
}

/// Tells whether a function of this name is called anywhere in a tree.
pub(in crate::sql) fn calls<V: Visit>(tree: &V, name: &str) -> bool {
    let found: ControlFlow<()> = visit_expressions(tree, |expr| match call(expr, name) {
        Some(_) => ControlFlow::Break(()),
        None => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// A call of this function: its name's last part and its plain arguments.
fn call<'a>(expr: &'a Expr, name: &str) -> Option<(&'a ast::Ident, &'a [Expr])> {
    let Expr::Function(function) = expr else { return None };
    let last = function.name.0.last().and_then(ObjectNamePart::as_ident)?;
    if last.value != name {
        return None;
    }
    let FunctionArguments::List(list) = &function.args else { return None };
    // One argument is all that callers look at by reference.
    let first = list.args.first().and_then(plain);
    Some((last, first.map(std::slice::from_ref).unwrap_or_default()))
}

fn plain(arg: &FunctionArg) -> Option<&Expr> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    }
}

fn alter_type(alter: &ast::AlterType, path: &[String]) -> Result<Definition> {
    use ast::{AlterTypeAddValuePosition as Position, AlterTypeOperation as Operation};
    let Operation::AddValue(add) = &alter.operation else {
        return Err(Error::unsupported("ALTER TYPE can only add a value to an enum"));
    };
    Ok(Definition::AddEnumValue {
        name: candidates(&alter.name, path)?,
        value: add.value.value.clone(),
        if_not_exists: add.if_not_exists,
        place: match &add.position {
            None => EnumPlace::Last,
            Some(Position::Before(label)) => EnumPlace::Before(label.value.clone()),
            Some(Position::After(label)) => EnumPlace::After(label.value.clone()),
        },
    })
}

fn candidates(name: &ast::ObjectName, path: &[String]) -> Result<Candidates> {
    Ok(TableRef::from_object_name(name)?.candidates(path).collect())
}

fn beyond(define: &DefineWrite, names: &NameContext) -> Result<Definition> {
    let path = names.search_path.as_slice();
    Ok(match define {
        DefineWrite::CreateDomain { create, .. } => create_domain(create, names)?,
        DefineWrite::TemporaryView { .. } => {
            return Err(Error::internal("a temporary view is no definition for all"));
        }
        DefineWrite::DropDomain { names, if_exists, cascade } => Definition::Drop {
            kind: Dropped::Type,
            names: names.iter().map(|name| name.candidates(path).collect()).collect(),
            if_exists: *if_exists,
            cascade: *cascade,
        },
        DefineWrite::Routine(_) | DefineWrite::Trigger(_) => {
            return Err(Error::internal("its definition goes another way"));
        }
        DefineWrite::Role(action) => Definition::Role(RoleChange {
            action: (**action).clone(),
            search_path: path.to_vec(),
            user: names.session.user().to_owned(),
        }),
        DefineWrite::AlterSequence { name, if_exists, change, owner } => {
            let mut change = change.clone();
            if let Some((table, column)) = owner {
                change.owner = OwnerChange::Column(SequenceOwner::new(table, column.clone(), path));
            }
            Definition::AlterSequence {
                name: name.candidates(path).collect(),
                if_exists: *if_exists,
                change,
            }
        }
        DefineWrite::Comment { on, name, part, text } => Definition::Comment {
            on: *on,
            name: match on.is_in_schema() {
                true => name.candidates(path).collect(),
                false => vec![TableName::new("", name.table.clone())],
            },
            part: part.clone(),
            text: text.clone(),
        },
        DefineWrite::AlterView { view, if_exists, action } => Definition::AlterView {
            name: view.candidates(path).collect(),
            if_exists: *if_exists,
            action: action.clone(),
        },
        DefineWrite::AlterTable { table, if_exists, action } => Definition::AlterTable {
            table: table.candidates(path).collect(),
            if_exists: *if_exists,
            actions: vec![action.clone()],
        },
    })
}

/// A comment on a type, which may be a domain's.
fn comment_on_type(tree: &ast::Statement, path: &[String]) -> Result<Option<Definition>> {
    let ast::Statement::Comment {
        object_type: ast::CommentObject::Type | ast::CommentObject::Domain,
        object_name,
        comment,
        ..
    } = tree
    else {
        return Ok(None);
    };
    let name = candidates(object_name, path)?;
    Ok(Some(Definition::CommentOnType { name, comment: comment.clone() }))
}

fn dropped_kind(kind: ast::ObjectType) -> Option<Dropped> {
    Some(match kind {
        ast::ObjectType::Table => Dropped::Table,
        ast::ObjectType::View => Dropped::View,
        ast::ObjectType::MaterializedView => Dropped::MaterializedView,
        ast::ObjectType::Index => Dropped::Index,
        ast::ObjectType::Sequence => Dropped::Sequence,
        ast::ObjectType::Schema => Dropped::Schema,
        ast::ObjectType::Type => Dropped::Type,
        _ => return None,
    })
}

fn label(item: &SelectItem) -> String {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => alias.value.clone(),
        _ => "setval".to_owned(),
    }
}

/// Makes the query that gives the arguments of a SELECT's `setval` calls.
fn set_values(
    query: &ast::Query,
    names: &NameContext,
    types: &[Option<PgType>],
    values: &[Value],
) -> Result<Definition> {
    let refused = || {
        Error::unsupported("setval() is supported only as a whole column of a SELECT")
            .with_hint("Write SELECT setval('sequence', value).")
    };
    let mut query = query.clone();
    let SetExpr::Select(select) = query.body.as_mut() else { return Err(refused()) };
    let labels = select.projection.iter().map(label).collect();
    let mut arguments = Vec::new();
    for item in std::mem::take(&mut select.projection) {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else {
            return Err(refused());
        };
        let Expr::Function(function) = expr else { return Err(refused()) };
        let FunctionArguments::List(list) = &function.args else { return Err(refused()) };
        let args: Option<Vec<&Expr>> = list.args.iter().map(plain).collect();
        let (name, value, called) = match args.as_deref() {
            Some([name, value]) => (*name, *value, None),
            Some([name, value, called]) => (*name, *value, Some(*called)),
            _ => return Err(refused()),
        };
        arguments.push(cast(sequence_argument(name), "VARCHAR"));
        arguments.push(cast(cast(value.clone(), "BIGINT"), "VARCHAR"));
        arguments.push(match called {
            Some(called) => cast(cast(called.clone(), "BOOLEAN"), "VARCHAR"),
            None => rewrite::string("true"),
        });
    }
    for (place, expr) in arguments.into_iter().enumerate() {
        let alias = ast::Ident::with_quote('"', format!("argument{place}"));
        select.projection.push(SelectItem::ExprWithAlias { expr, alias });
    }
    let mut tree = ast::Statement::Query(Box::new(query));
    if calls(&tree, "setval") {
        return Err(refused());
    }
    rewrite::for_duckdb(&mut tree, names)?;
    params::cast(&mut tree, types);
    Ok(Definition::SetValues {
        query: tree.to_string(),
        params: values.to_vec(),
        names: labels,
        search_path: names.search_path.clone(),
    })
}

/// A sequence's name as text, whether it is written as a literal or computed.
fn sequence_argument(expr: &Expr) -> Expr {
    match as_sequence_name(expr) {
        Some(text) => rewrite::string(&text),
        None => match expr {
            Expr::Cast { expr, data_type: ast::DataType::Regclass, .. } => expr.as_ref().clone(),
            other => other.clone(),
        },
    }
}

fn cast(expr: Expr, type_name: &str) -> Expr {
    Expr::Cast {
        kind: ast::CastKind::Cast,
        expr: Box::new(expr),
        data_type: match type_name {
            "BIGINT" => ast::DataType::BigInt(None),
            "BOOLEAN" => ast::DataType::Boolean,
            _ => ast::DataType::Text,
        },
        array: false,
        format: None,
    }
}

/// Writes a sequence's name as DuckDB's `nextval` takes it.
pub(in crate::sql) fn duckdb_sequence_name(text: &str) -> String {
    let (schema, name) = written_name(text);
    match schema.as_deref() {
        Some("public") => format!("\"main\".{}", quote_ident(&name)),
        Some(TEMPORARY_SCHEMA) => format!("\"temp\".\"main\".{}", quote_ident(&name)),
        Some(schema) => format!("{}.{}", quote_ident(schema), quote_ident(&name)),
        None => quote_ident(&name),
    }
}
