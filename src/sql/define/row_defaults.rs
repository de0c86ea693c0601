//! What an INSERT or UPDATE means for columns with a default that is no plain value: identity
//! columns keep their own rules, and a default that would differ at each turn is filled in.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, AssignmentTarget, Expr, Ident, ObjectName, Query, SetExpr, Statement as Tree,
    TableFactor, Visit, Visitor,
};

use super::Overriding;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::literal_rows::{DefaultValue, default_value};
use crate::sql::rewrite::{self, Moment};
use crate::sql::statement::{Kind, Statement};
use crate::sql::write::Write;
use crate::sqlstate::SqlState;
use crate::types::PgType;

/// A column and its default, as far as a statement depends on them.
#[derive(Clone, Debug)]
pub struct ColumnDefault {
    pub name: String,
    /// An identity that is GENERATED ALWAYS.
    pub always: bool,
    /// The default, when its value depends on the moment or on chance.
    volatile: Option<Expr>,
    /// The sequences that the default draws from.
    pub sequences: Vec<TableName>,
    /// The default is what the sequence gives, and nothing else.
    pub is_drawn: bool,
    pub pg_type: Option<PgType>,
}

impl ColumnDefault {
    /// Reads a column's default as DuckDB writes it; of the type only integers matter.
    pub fn new(name: &str, default: &str, pg_type: Option<PgType>) -> ColumnDefault {
        let owned = default.starts_with("COALESCE(nextval(");
        let volatile = if owned || default.is_empty() { None } else { parse(default) };
        let draws = default.contains("nextval(");
        ColumnDefault {
            name: name.to_owned(),
            always: owned && default.ends_with(", 2)"),
            volatile: volatile.filter(rewrite::is_volatile),
            sequences: if draws { sequences_in(default) } else { Vec::new() },
            is_drawn: draws && default_value(default) == DefaultValue::NextValue,
            pg_type,
        }
    }

    /// The same with the times in its default fixed.
    fn at(&self, moment: Option<Moment>) -> ColumnDefault {
        let fixed = |expr: &Expr| match moment {
            Some(moment) => rewrite::with_fixed_times(expr, moment),
            None => expr.clone(),
        };
        ColumnDefault { volatile: self.volatile.as_ref().map(fixed), ..self.clone() }
    }

    /// Tells whether statements have to be looked at because of it.
    pub fn matters(&self) -> bool {
        self.always || self.volatile.is_some()
    }
}

/// Lists the sequences that an expression of DuckDB's draws from.
fn sequences_in(default: &str) -> Vec<TableName> {
    struct Finder(Vec<TableName>);
    impl Visitor for Finder {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if let Expr::Function(function) = expr
                && function.name.to_string().eq_ignore_ascii_case("nextval")
                && let ast::FunctionArguments::List(list) = &function.args
                && let Some(ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(Expr::Value(
                    name,
                )))) = list.args.first()
                && let Some(text) = name.value.clone().into_string()
            {
                let (schema, table) = super::written_name(&text);
                let schema = schema.filter(|schema| schema != "main");
                self.0.push(TableName::new(schema.unwrap_or_else(|| "public".to_owned()), table));
            }
            ControlFlow::Continue(())
        }
    }
    let mut found = Finder(Vec::new());
    if let Some(expr) = parse(default) {
        let _ = expr.visit(&mut found);
    }
    found.0
}

fn parse(default: &str) -> Option<Expr> {
    let mut trees = rewrite::parse(&format!("SELECT {default}")).ok()?;
    let Tree::Query(query) = trees.pop()? else { return None };
    let SetExpr::Select(mut select) = *query.body else { return None };
    match select.projection.pop()? {
        ast::SelectItem::UnnamedExpr(expr) => Some(expr),
        _ => None,
    }
}

impl Statement {
    /// The same INSERT with more columns behind those of its RETURNING.
    pub fn returning_too(&self, columns: &[&str]) -> Statement {
        let mut told = self.clone();
        if let Some(Tree::Insert(insert)) = told.tree.as_deref_mut() {
            let column = |name: &&str| {
                ast::SelectItem::UnnamedExpr(Expr::Identifier(Ident::with_quote('"', *name)))
            };
            let list = insert.returning.get_or_insert_default();
            list.extend(columns.iter().map(column));
        }
        told
    }

    /// Tells of each column of its table whether the rows of an INSERT leave it to its default;
    /// `None` where some rows do, or where that is not known.
    pub fn left_to_defaults(&self, columns: &[ColumnDefault]) -> Vec<Option<bool>> {
        let Some(Tree::Insert(insert)) = self.tree.as_deref() else {
            return vec![None; columns.len()];
        };
        let values = insert.source.as_deref().map(|query| match query.body.as_ref() {
            SetExpr::Values(values) => Some(&values.rows),
            _ => None,
        });
        let named: Vec<&String> = insert
            .columns
            .iter()
            .filter_map(|name| Some(&name.0.last()?.as_ident()?.value))
            .collect();
        let left = |(index, column): (usize, &ColumnDefault)| {
            let Some(values) = values else { return Some(true) };
            let place = if named.is_empty() {
                let rows = values?;
                rows.first().is_some_and(|row| index < row.len()).then_some(index)
            } else {
                named.iter().position(|name| **name == column.name)
            };
            let (Some(place), Some(rows)) = (place, values) else { return Some(place.is_none()) };
            let defaults = rows.iter().filter(|row| row.get(place).is_some_and(is_default)).count();
            match defaults {
                0 => Some(false),
                all if all == rows.len() => Some(true),
                _ => None,
            }
        };
        columns.iter().enumerate().map(left).collect()
    }

    /// Tells whether an INSERT changes rows that are there.
    pub fn updates_on_conflict(&self) -> bool {
        matches!(self.tree.as_deref(), Some(Tree::Insert(insert))
            if matches!(&insert.on, Some(ast::OnInsert::OnConflict(conflict))
                if !matches!(conflict.action, ast::OnConflictAction::DoNothing)))
    }

    /// The write that it is.
    pub fn write(&self) -> Option<&Write> {
        match &self.kind {
            Kind::Write(write) => Some(write),
            _ => None,
        }
    }

    /// Fits an INSERT or UPDATE to the defaults of its table's columns, all of them in order.
    ///
    /// # Errors
    /// 428C9 for a value given to an identity that is always generated.
    pub fn with_defaults(
        &self,
        columns: &[ColumnDefault],
        overriding: Option<Overriding>,
        moment: Option<Moment>,
    ) -> Result<Option<Statement>> {
        let columns: Vec<ColumnDefault> = columns.iter().map(|column| column.at(moment)).collect();
        let columns = columns.as_slice();
        let mut fitted = self.clone();
        let changed = match fitted.tree.as_deref_mut() {
            Some(Tree::Insert(insert)) => {
                let changed = fit_insert(insert, columns, overriding)?;
                let named = insert.columns.iter().filter_map(|name| name.0.last()?.as_ident());
                let named = named.map(|ident| ident.value.clone()).collect();
                if let Kind::Write(write) = &mut fitted.kind {
                    write.set_insert_columns(named);
                }
                changed
            }
            Some(Tree::Update(update)) => fit_update(update, columns)?,
            _ => false,
        };
        Ok(changed.then_some(fitted))
    }
}

fn fit_update(update: &mut ast::Update, columns: &[ColumnDefault]) -> Result<bool> {
    let mut changed = false;
    for assignment in &mut update.assignments {
        let AssignmentTarget::ColumnName(name) = &assignment.target else { continue };
        let name = name.0.last().and_then(|part| part.as_ident()).map(|ident| &ident.value);
        let Some(column) = columns.iter().find(|column| Some(&column.name) == name) else {
            continue;
        };
        let to_default = is_default(&assignment.value);
        if column.always && !to_default {
            return Err(Error::new(
                SqlState::GENERATED_ALWAYS,
                format!("column \"{}\" can only be updated to DEFAULT", column.name),
            )
            .with_detail(always(&column.name)));
        }
        if let (Some(value), true) = (&column.volatile, to_default) {
            assignment.value = value.clone();
            changed = true;
        }
    }
    Ok(changed)
}

fn fit_insert(
    insert: &mut ast::Insert,
    columns: &[ColumnDefault],
    overriding: Option<Overriding>,
) -> Result<bool> {
    let width = insert.source.as_deref().map_or(0, |query| match query.body.as_ref() {
        SetExpr::Values(values) => values.rows.first().map_or(0, |row| row.len()),
        // A query's rows may have fewer values than the table has columns; not known here.
        _ => columns.len(),
    });
    let given: Vec<String> = if insert.source.is_none() {
        Vec::new()
    } else if insert.columns.is_empty() {
        columns.iter().take(width).map(|column| column.name.clone()).collect()
    } else {
        insert
            .columns
            .iter()
            .filter_map(|name| name.0.last()?.as_ident().map(|ident| ident.value.clone()))
            .collect()
    };
    let mut changed = false;
    for column in columns.iter().filter(|column| column.matters()) {
        let place = given.iter().position(|name| *name == column.name);
        if let (true, Some(place)) = (column.always, place) {
            changed |= check_always(insert, place, column, overriding)?;
        }
        let Some(value) = &column.volatile else { continue };
        match place {
            Some(place) => changed |= fill_cells(insert, place, value),
            None => {
                add_column(insert, &given, column, value)?;
                changed = true;
            }
        }
    }
    Ok(changed)
}

/// Refuses values for an identity that is always generated, or takes the sequence's instead.
fn check_always(
    insert: &mut ast::Insert,
    place: usize,
    column: &ColumnDefault,
    overriding: Option<Overriding>,
) -> Result<bool> {
    if overriding == Some(Overriding::System) {
        return Ok(false);
    }
    let refused = || {
        Error::new(
            SqlState::GENERATED_ALWAYS,
            format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name),
        )
        .with_detail(always(&column.name))
        .with_hint("Use OVERRIDING SYSTEM VALUE to override.")
    };
    let Some(SetExpr::Values(values)) = insert.source.as_mut().map(|query| query.body.as_mut())
    else {
        return Err(match overriding {
            Some(_) => Error::unsupported("OVERRIDING USER VALUE of a query is not supported"),
            None => refused(),
        });
    };
    let mut changed = false;
    for row in &mut values.rows {
        let Some(cell) = row.get_mut(place) else { continue };
        if is_default(cell) {
            continue;
        }
        if overriding.is_none() {
            return Err(refused());
        }
        *cell = Expr::Identifier(Ident::new("DEFAULT"));
        changed = true;
    }
    Ok(changed)
}

fn always(column: &str) -> String {
    format!("Column \"{column}\" is an identity column defined as GENERATED ALWAYS.")
}

fn is_default(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(ident)
        if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default"))
}

/// Puts the value where a VALUES list has DEFAULT.
fn fill_cells(insert: &mut ast::Insert, place: usize, value: &Expr) -> bool {
    let Some(SetExpr::Values(values)) = insert.source.as_mut().map(|query| query.body.as_mut())
    else {
        return false;
    };
    let mut changed = false;
    for row in &mut values.rows {
        if let Some(cell) = row.get_mut(place).filter(|cell| is_default(cell)) {
            *cell = value.clone();
            changed = true;
        }
    }
    changed
}

/// Adds a column with its value to every row.
fn add_column(
    insert: &mut ast::Insert,
    given: &[String],
    column: &ColumnDefault,
    value: &Expr,
) -> Result<()> {
    let name = |name: &str| ObjectName::from(vec![Ident::with_quote('"', name)]);
    if insert.columns.is_empty() {
        insert.columns = given.iter().map(|given| name(given)).collect();
    }
    insert.columns.push(name(&column.name));
    match insert.source.as_deref_mut() {
        None => {
            // DEFAULT VALUES: the other columns still have their defaults.
            insert.source = Some(parsed("VALUES (1)")?);
            if let Some(SetExpr::Values(values)) =
                insert.source.as_mut().map(|query| query.body.as_mut())
                && let Some(cell) = values.rows.first_mut().and_then(|row| row.first_mut())
            {
                *cell = value.clone();
            }
        }
        Some(query) => match query.body.as_mut() {
            SetExpr::Values(values) => {
                for row in &mut values.rows {
                    row.content.push(value.clone());
                }
            }
            _ => wrap(query, value)?,
        },
    }
    Ok(())
}

/// Gives each row of a query one more value.
fn wrap(query: &mut Query, value: &Expr) -> Result<()> {
    let mut outer = parsed("SELECT teatree_rows.*, 1 FROM (SELECT 1) AS teatree_rows")?;
    let broken = || Error::internal("our own query does not look as it was written");
    let SetExpr::Select(select) = outer.body.as_mut() else { return Err(broken()) };
    let Some(ast::SelectItem::UnnamedExpr(last)) = select.projection.last_mut() else {
        return Err(broken());
    };
    *last = value.clone();
    let Some(TableFactor::Derived { subquery, .. }) =
        select.from.first_mut().map(|from| &mut from.relation)
    else {
        return Err(broken());
    };
    std::mem::swap(subquery.as_mut(), query);
    *query = *outer;
    Ok(())
}

fn parsed(sql: &str) -> Result<Box<Query>> {
    match rewrite::parse(sql)?.pop() {
        Some(Tree::Query(query)) => Ok(query),
        _ => Err(Error::internal("our own query does not parse")),
    }
}

/// Splits `SET (a, b) = (SELECT x, y …)`, which DuckDB does not know, into one sub-select a column.
pub(in crate::sql) fn split_assignments(update: &mut ast::Update) -> Result<()> {
    let mut assignments = Vec::new();
    for assignment in std::mem::take(&mut update.assignments) {
        let (AssignmentTarget::Tuple(names), Expr::Subquery(query)) =
            (&assignment.target, &assignment.value)
        else {
            assignments.push(assignment);
            continue;
        };
        for (place, name) in names.iter().enumerate() {
            let mut query = query.clone();
            let SetExpr::Select(select) = query.body.as_mut() else {
                return Err(Error::unsupported("UPDATE … SET (…) = (…) needs a plain SELECT"));
            };
            if select.projection.len() != names.len() {
                return Err(Error::syntax("number of columns does not match number of values"));
            }
            select.projection = vec![select.projection.remove(place)];
            assignments.push(ast::Assignment {
                target: AssignmentTarget::ColumnName(name.clone()),
                value: Expr::Subquery(query),
            });
        }
    }
    update.assignments = assignments;
    Ok(())
}
