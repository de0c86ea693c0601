//! Which rows a write changes, as a query that can run before it: what depends on the table can
//! then be told what was there.

use serde::{Deserialize, Serialize};
use sqlparser::ast::{self, ConflictTarget, FromTable, OnConflictAction, OnInsert, SetExpr};

use super::params;
use super::quote_ident;
use super::rewrite::{self, NameContext};
use super::statement::Statement;
use super::trigger::Event;
use crate::error::Result;
use crate::types::PgType;

/// What a write does to the rows of its table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Anything.
    #[default]
    Unknown,
    /// It adds rows and changes none.
    Inserts,
    /// It changes or deletes rows, and may add some. `rows` gives the `rowid` of those that it
    /// changes or deletes, with the write's own parameters; `assigns` names the columns that it
    /// sets.
    Changes {
        rows: String,
        #[serde(default)]
        assigns: Vec<String>,
        /// Gives the `rowid` of the same rows as `teatree_rowid`, and what it sets, by the names of
        /// the columns; `None` where that cannot be told before.
        #[serde(default)]
        values: Option<String>,
    },
    /// It does what its clauses say to some of the rows that `rows` gives.
    Merges { rows: String, events: Vec<Event>, assigns: Vec<String> },
}

impl Statement {
    /// Tells what an INSERT, UPDATE or DELETE of a DuckDB table does; `types` are its parameters'.
    ///
    /// # Errors
    /// As for the statement itself.
    pub fn effect(&self, names: &NameContext, types: &[Option<PgType>]) -> Result<Effect> {
        let Some(tree) = self.tree.as_deref() else { return Ok(Effect::Unknown) };
        if let ast::Statement::Insert(insert) = tree
            && !replaces(insert)
        {
            return Ok(Effect::Inserts);
        }
        let mut tree = tree.clone();
        rewrite::for_duckdb(&mut tree, names)?;
        params::cast(&mut tree, types);
        let (rows, assigns) = match &tree {
            ast::Statement::Update(update) => (updated(update), assigned(&update.assignments)),
            ast::Statement::Delete(delete) => (deleted(delete), Vec::new()),
            ast::Statement::Insert(insert) => (replaced(insert), replacing(insert)),
            ast::Statement::Merge(merge) => (merged(merge), merge_assigned(merge)),
            _ => return Ok(Effect::Unknown),
        };
        let Some(rows) = rows else { return Ok(Effect::Unknown) };
        // Every parameter is named, as the run binds them all.
        let params: Vec<String> = (1..=self.param_count)
            .map(|number| format!(" AND (CAST(${number} AS VARCHAR) IS NULL OR TRUE)"))
            .collect();
        let params = params.concat();
        let rows = format!("{rows}{params}");
        let values = match &tree {
            ast::Statement::Update(update) => values(update).map(|sql| format!("{sql}{params}")),
            _ => None,
        };
        Ok(match &tree {
            ast::Statement::Merge(merge) => {
                Effect::Merges { rows, events: merge_events(merge), assigns }
            }
            _ => Effect::Changes { rows, assigns, values },
        })
    }
}

/// Tells whether an INSERT changes rows that are there.
fn replaces(insert: &ast::Insert) -> bool {
    match &insert.on {
        None => insert.or.is_some() || insert.replace_into,
        Some(OnInsert::OnConflict(conflict)) => {
            !matches!(conflict.action, OnConflictAction::DoNothing)
        }
        Some(_) => true,
    }
}

/// The name by which a table's columns are qualified.
fn called(factor: &ast::TableFactor) -> Option<String> {
    match factor {
        ast::TableFactor::Table { alias: Some(alias), .. } => Some(alias.name.to_string()),
        ast::TableFactor::Table { name, .. } => Some(name.0.last()?.to_string()),
        _ => None,
    }
}

fn listed(tables: &[ast::TableWithJoins]) -> String {
    tables.iter().map(|table| format!(", {table}")).collect()
}

fn condition(selection: Option<&ast::Expr>) -> String {
    selection.map_or_else(|| "TRUE".to_owned(), |selection| format!("({selection})"))
}

fn updated(update: &ast::Update) -> Option<String> {
    let target = called(&update.table.relation)?;
    updated_giving(update, &format!("{target}.rowid"))
}

/// The rows and the values that an UPDATE sets.
fn values(update: &ast::Update) -> Option<String> {
    let target = called(&update.table.relation)?;
    let one = |assignment: &ast::Assignment| {
        let ast::AssignmentTarget::ColumnName(name) = &assignment.target else { return None };
        let column = quote_ident(&super::fold(name.0.last()?.as_ident()?));
        let value = &assignment.value;
        let is_default = matches!(value, ast::Expr::Identifier(name)
            if name.value.eq_ignore_ascii_case("default"));
        // What draws from a sequence, or from chance, gives another value each time.
        let text = value.to_string().to_lowercase();
        let varies = ["nextval(", "random", "uuid"].iter().any(|word| text.contains(word));
        (!is_default && !varies).then(|| format!("({value}) AS {column}"))
    };
    let sets: Vec<String> = update.assignments.iter().map(one).collect::<Option<_>>()?;
    updated_giving(update, &format!("{target}.rowid AS teatree_rowid, {}", sets.join(", ")))
}

fn updated_giving(update: &ast::Update, selected: &str) -> Option<String> {
    let from = match &update.from {
        None => String::new(),
        Some(
            ast::UpdateTableFromKind::BeforeSet(tables)
            | ast::UpdateTableFromKind::AfterSet(tables),
        ) => listed(tables),
    };
    if update.limit.is_some() || update.or.is_some() {
        return None;
    }
    let chosen = condition(update.selection.as_ref());
    Some(format!("SELECT {selected} FROM {}{from} WHERE {chosen}", update.table))
}

fn deleted(delete: &ast::Delete) -> Option<String> {
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
    let [table] = from.as_slice() else { return None };
    let target = called(&table.relation)?;
    if delete.limit.is_some() || !delete.tables.is_empty() {
        return None;
    }
    let using = delete.using.as_deref().map(listed).unwrap_or_default();
    let chosen = condition(delete.selection.as_ref());
    Some(format!("SELECT {target}.rowid FROM {table}{using} WHERE {chosen}"))
}

/// The rows that ON CONFLICT DO UPDATE meets.
fn replaced(insert: &ast::Insert) -> Option<String> {
    let Some(OnInsert::OnConflict(conflict)) = &insert.on else { return None };
    let Some(ConflictTarget::Columns(keys)) = &conflict.conflict_target else { return None };
    let ast::TableObject::TableName(name) = &insert.table else { return None };
    let source = insert.source.as_deref()?;
    if insert.columns.is_empty() || has_default(source) || rewrite::is_random(source) {
        return None;
    }
    let columns: Vec<String> = insert.columns.iter().map(ToString::to_string).collect();
    let alias = insert.table_alias.as_ref().map(|alias| alias.alias.to_string());
    let target =
        alias.unwrap_or_else(|| name.0.last().map(ToString::to_string).unwrap_or_default());
    let same: Vec<String> =
        keys.iter().map(|key| format!("{target}.{key} = teatree_given.{key}")).collect();
    Some(format!(
        "SELECT {target}.rowid FROM {name} AS {target}, ({source}) AS teatree_given({}) WHERE {}",
        columns.join(", "),
        same.join(" AND ")
    ))
}

/// The columns that assignments set.
fn assigned(assignments: &[ast::Assignment]) -> Vec<String> {
    let names = assignments.iter().flat_map(|one| match &one.target {
        ast::AssignmentTarget::ColumnName(name) => std::slice::from_ref(name),
        ast::AssignmentTarget::Tuple(names) => names.as_slice(),
    });
    names.filter_map(|name| Some(super::fold(name.0.last()?.as_ident()?))).collect()
}

/// The columns that ON CONFLICT DO UPDATE sets.
fn replacing(insert: &ast::Insert) -> Vec<String> {
    match &insert.on {
        Some(OnInsert::OnConflict(conflict)) => match &conflict.action {
            OnConflictAction::DoUpdate(update) => assigned(&update.assignments),
            OnConflictAction::DoNothing => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The rows that the source of a MERGE meets.
fn merged(merge: &ast::Merge) -> Option<String> {
    let target = called(&merge.table)?;
    if rewrite::is_random(&merge.source) {
        return None;
    }
    Some(format!(
        "SELECT {target}.rowid FROM {}, {} WHERE ({})",
        merge.table, merge.source, merge.on
    ))
}

fn merge_assigned(merge: &ast::Merge) -> Vec<String> {
    let of = |clause: &ast::MergeClause| match &clause.action {
        ast::MergeAction::Update(update) => assigned(&update.assignments),
        _ => Vec::new(),
    };
    merge.clauses.iter().flat_map(of).collect()
}

/// What the clauses of a MERGE may do, in the order in which PostgreSQL's triggers hear of it.
fn merge_events(merge: &ast::Merge) -> Vec<Event> {
    let of = |clause: &ast::MergeClause| match &clause.action {
        ast::MergeAction::Insert(_) => Event::Insert,
        ast::MergeAction::Update(_) => Event::Update,
        ast::MergeAction::Delete { .. } => Event::Delete,
    };
    let found: Vec<Event> = merge.clauses.iter().map(of).collect();
    let order = [Event::Delete, Event::Update, Event::Insert];
    order.into_iter().filter(|event| found.contains(event)).collect()
}

/// Tells whether a row of VALUES has DEFAULT, which no query may have.
fn has_default(source: &ast::Query) -> bool {
    let SetExpr::Values(values) = source.body.as_ref() else { return false };
    let mut cells = values.rows.iter().flat_map(|row| row.iter());
    cells.any(|cell| match cell {
        ast::Expr::Identifier(name) => name.value.eq_ignore_ascii_case("default"),
        _ => false,
    })
}
