//! Materialized views: a query taken apart into what makes it, and what keeps it up to date.
//!
//! - `shape.rs`: which queries can be maintained from the rows that changed, and why others cannot.
//! - `rows.rs`: queries that filter, project and join: a row in, a row out.
//! - `groups.rs`: queries that aggregate.
//! - `merge.rs`: aggregates whose groups take changes up without being computed again.
//! - `over_datasets.rs`: queries that read Arrow datasets, which DuckDB does not run.
//!
//! A view's rows are kept in a table of the server's own, its *storage*: `c0, c1, …` are the view's
//! columns; `k0, k1, …` what an aggregating query groups by; `a0, a1, …` what its aggregates need
//! to go on; `n` how many rows a group has; `h` whether HAVING lets it be seen. These types lie in
//! the intent log and in the data file, by field name.

mod groups;
mod merge;
mod over_datasets;
mod rows;
mod shape;

use serde::{Deserialize, Serialize};
use sqlparser::ast;

use crate::error::{Error, Result};
use crate::sql::define::Candidates;
use crate::sql::rewrite::{self, NameContext};
use crate::sql::routine::functions_in;
use crate::sql::statement::Statement;
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType};

pub use over_datasets::OverDatasets;

/// The name that stands for the changed rows of an input in a delta's SQL.
pub const DELTA: &str = "teatree_delta";
/// The table of the keys of the groups that a change touches: `k0, k1, …`.
pub const TOUCHED: &str = "teatree_touched";
/// What a merge calls the storage's row.
pub const OLD: &str = "teatree_old";
/// What a merge calls the row that the change gives.
pub const NEW: &str = "teatree_new";

/// When a view follows its inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refresh {
    /// By REFRESH MATERIALIZED VIEW only, as in PostgreSQL.
    #[default]
    Manual,
    /// In the transaction of each change.
    OnChange,
    /// After so many milliseconds, if something has changed.
    Every(u64),
}

/// A materialized view, as its query says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewPlan {
    /// The names of the view's columns; the storage calls them `c0, c1, …`.
    pub columns: Vec<String>,
    /// Gives all rows of the storage, with its columns' names; for DataFusion where the query reads
    /// Arrow datasets.
    pub query: String,
    /// The relations that the query names, each by what its name may mean.
    pub inputs: Vec<Candidates>,
    /// The functions that it calls, in FROM too.
    pub calls: Vec<String>,
    pub upkeep: Upkeep,
    /// Set where the query reads Arrow datasets.
    #[serde(default)]
    pub over: Option<OverDatasets>,
}

/// How a view follows a change of its inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Upkeep {
    /// By running its query again.
    Recompute { reason: String },
    /// The rows that the changed rows give are added or taken away.
    Rows { deltas: Vec<Delta> },
    /// The groups that the changed rows belong to are changed, or computed again.
    Groups(Groups),
}

impl Upkeep {
    /// Changes each of its queries.
    pub fn each_query(&mut self, mut change: impl FnMut(&mut String)) {
        let deltas = match self {
            Upkeep::Recompute { .. } => return,
            Upkeep::Rows { deltas } => deltas,
            Upkeep::Groups(groups) => {
                change(&mut groups.regroup);
                &mut groups.deltas
            }
        };
        for delta in deltas {
            change(&mut delta.rows);
            change(&mut delta.keys);
        }
    }
}

/// What the changed rows of one input give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// Its place among the view's inputs.
    pub input: usize,
    /// Gives what the rows of [`DELTA`] come to: the storage's rows, or keys, aggregates and `n`.
    pub rows: String,
    /// The keys of their groups, `k0, k1, …`; empty where there are none.
    pub keys: String,
}

/// The upkeep of an aggregating query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Groups {
    /// How many expressions it groups by.
    pub keys: usize,
    /// Gives the storage's rows of the groups in [`TOUCHED`].
    pub regroup: String,
    pub deltas: Vec<Delta>,
    /// How groups take up what a delta gives, where each aggregate can.
    pub merge: Option<Merge>,
    /// HAVING decides which groups are seen: the storage has the column `h`.
    pub having: bool,
}

/// The columns of a group's row when a delta is merged into it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Merge {
    pub columns: Vec<MergeColumn>,
    /// Rows can be taken away, too, unless one of these columns turns out to be of a type whose
    /// sums are not exact.
    pub subtracts: bool,
    pub sums: Vec<String>,
}

/// A column of the storage, computed of [`OLD`] and [`NEW`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MergeColumn {
    pub name: String,
    /// For a group that was not there.
    pub insert: String,
    /// For a group that gets rows; empty where it stays as it is.
    pub plus: String,
    /// For a group that loses rows.
    pub minus: String,
}

impl Statement {
    /// Takes the query of a CREATE MATERIALIZED VIEW apart. `columns` are the query's; `names`
    /// must know the columns of its tables.
    ///
    /// # Errors
    /// 42601 when the statement names more columns than there are; 42701 for a name twice.
    pub fn view_plan(&self, names: &NameContext, columns: &[Column]) -> Result<ViewPlan> {
        let Some(ast::Statement::CreateView(view)) = self.tree.as_deref() else {
            return Err(Error::internal("not a CREATE MATERIALIZED VIEW"));
        };
        let labels = labels(view, columns)?;
        let mut tree = ast::Statement::Query(view.query.clone());
        let inputs = super::classify::tables(&tree)?;
        let volatile = rewrite::is_volatile(&tree);
        let calls = functions_in(&tree).into_iter().map(|function| function.table).collect();
        rewrite::for_duckdb(&mut tree, names)?;
        let ast::Statement::Query(query) = tree else {
            return Err(Error::internal("not a query"));
        };
        let path = names.search_path.as_slice();
        let inputs: Vec<Candidates> =
            inputs.iter().map(|table| table.candidates(path).collect()).collect();
        let casts: Vec<Option<String>> = columns.iter().map(stored_type).collect();
        let shape = if volatile {
            Err("it calls a function that does not depend on its rows alone".to_owned())
        } else {
            shape::of(&query, &inputs, names)
        };
        let (text, upkeep) = match shape {
            Ok(shape) => shape.plan(&casts),
            Err(reason) => (rows::full(&query.to_string(), &casts), Upkeep::Recompute { reason }),
        };
        Ok(ViewPlan { columns: labels, query: text, inputs, calls, upkeep, over: None })
    }

    /// Tells whether it is a CREATE MATERIALIZED VIEW.
    pub fn is_materialized_view(&self) -> bool {
        matches!(self.tree.as_deref(), Some(ast::Statement::CreateView(view)) if view.materialized)
    }
}

/// The names that the view's columns get.
fn labels(view: &ast::CreateView, columns: &[Column]) -> Result<Vec<String>> {
    if view.columns.len() > columns.len() {
        return Err(Error::syntax("too many column names were specified"));
    }
    let mut labels: Vec<String> =
        view.columns.iter().map(|column| super::fold(&column.name)).collect();
    labels.extend(columns.iter().skip(labels.len()).map(|column| column.name.clone()));
    if let Some(twice) = (1..labels.len()).find(|&at| labels[..at].contains(&labels[at])) {
        return Err(Error::new(
            SqlState::DUPLICATE_COLUMN,
            format!("column \"{}\" specified more than once", labels[twice]),
        ));
    }
    Ok(labels)
}

/// The type that a column of the storage is cast to; `None` for what DuckDB gives by itself.
fn stored_type(column: &Column) -> Option<String> {
    let open = column.pg_type == PgType::NUMERIC && column.numeric_precision_scale().is_none();
    if open { None } else { super::params::duckdb_type(column).ok() }
}

/// Casts an expression to a column's type.
fn cast(sql: &str, to: Option<&String>) -> String {
    match to {
        Some(to) => format!("CAST({sql} AS {to})"),
        None => sql.to_owned(),
    }
}

/// The names of a table that a view's options are about, and the options themselves.
impl Refresh {
    /// Reads the options of WITH (…).
    ///
    /// # Errors
    /// 22023 for an option or a value that is not known.
    pub(super) fn of(options: &ast::CreateTableOptions) -> Result<Refresh> {
        let ast::CreateTableOptions::With(options) = options else { return Ok(Refresh::Manual) };
        let mut refresh = Refresh::Manual;
        for option in options {
            let ast::SqlOption::KeyValue { key, value } = option else {
                return Err(Error::syntax(format!("syntax error at or near \"{option}\"")));
            };
            let text = match value {
                ast::Expr::Value(value) => match &value.value {
                    ast::Value::SingleQuotedString(text) => text.clone(),
                    other => other.to_string(),
                },
                other => other.to_string(),
            };
            match super::fold(key).as_str() {
                "refresh" => refresh = Refresh::parse(&text)?,
                // PostgreSQL's own, which say how pages are filled.
                "fillfactor" | "autovacuum_enabled" | "toast_tuple_target" => {}
                other => {
                    return Err(Error::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        format!("unrecognized parameter \"{other}\""),
                    ));
                }
            }
        }
        Ok(refresh)
    }

    /// Reads `manual`, `on_change` or `every 5 s`.
    ///
    /// # Errors
    /// 22023 for anything else.
    pub fn parse(text: &str) -> Result<Refresh> {
        let words: Vec<String> = text.split_whitespace().map(str::to_ascii_lowercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let every = |number: &str, unit: &str| {
            let number: u64 = number.parse().ok()?;
            let factor = match unit {
                "ms" => 1,
                "s" | "second" | "seconds" => 1_000,
                "min" | "minute" | "minutes" => 60_000,
                "h" | "hour" | "hours" => 3_600_000,
                _ => return None,
            };
            number.checked_mul(factor).filter(|ms| (100..=86_400_000).contains(ms))
        };
        let found = match words.as_slice() {
            ["manual"] => Some(Refresh::Manual),
            ["on_change"] => Some(Refresh::OnChange),
            ["every", number, unit] => every(number, unit).map(Refresh::Every),
            ["every", joined] => {
                let digits = joined.chars().take_while(char::is_ascii_digit).count();
                every(&joined[..digits], &joined[digits..]).map(Refresh::Every)
            }
            _ => None,
        };
        found.ok_or_else(|| {
            Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("invalid value for parameter \"refresh\": \"{text}\""),
            )
            .with_hint("Use 'manual', 'on_change' or 'every 5 s' (100 ms to 24 h).")
        })
    }

    /// Writes it as it is declared.
    pub fn text(self) -> String {
        match self {
            Refresh::Manual => "manual".to_owned(),
            Refresh::OnChange => "on_change".to_owned(),
            Refresh::Every(ms) => format!("every {ms} ms"),
        }
    }
}
