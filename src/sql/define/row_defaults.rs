//! What an INSERT or UPDATE means for columns with a default that is no plain value: identity
//! columns keep their own rules, and a default that would differ at each turn is filled in.

use sqlparser::ast::{
    self, AssignmentTarget, Expr, Ident, ObjectName, Query, SetExpr, Statement as Tree, TableFactor,
};

use super::Overriding;
use crate::error::{Error, Result};
use crate::sql::rewrite::{self, Moment};
use crate::sql::statement::{Kind, Statement};
use crate::sql::write::Write;
use crate::sqlstate::SqlState;

/// A column and its default, as far as a statement depends on them.
#[derive(Clone, Debug)]
pub struct ColumnDefault {
    pub name: String,
    /// An identity that is GENERATED ALWAYS.
    pub always: bool,
    /// The default, when its value depends on the moment or on chance.
    volatile: Option<Expr>,
}

impl ColumnDefault {
    /// Reads a column's default as DuckDB writes it.
    pub fn new(name: &str, default: &str) -> ColumnDefault {
        let owned = default.starts_with("COALESCE(nextval(");
        let volatile = if owned || default.is_empty() { None } else { parse(default) };
        ColumnDefault {
            name: name.to_owned(),
            always: owned && default.ends_with(", 2)"),
            volatile: volatile.filter(rewrite::is_volatile),
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
