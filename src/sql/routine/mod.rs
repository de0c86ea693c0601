//! Functions and procedures that users write in SQL.
//!
//! - `parse.rs`: CREATE FUNCTION and CREATE PROCEDURE, which are read from tokens; `change.rs`:
//!   DROP and ALTER; `parts.rs`: messages with BEGIN ATOMIC in them.
//! - `header.rs`: names, arguments and types in them.
//! - `body.rs`: a body to statements whose arguments are parameters.
//! - `outputs.rs`: what a procedure's last statement gives.
//! - `macros.rs`: a function as a macro of DuckDB; `query.rs`: what its body's query is.
//!
//! A [`Routine`] lies in the intent log and, as json, in the data file: a field may be added with
//! `#[serde(default)]`, never renamed or given another meaning.

mod body;
mod change;
mod header;
mod macros;
mod outputs;
mod parse;
mod parts;
mod query;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sqlparser::ast::Visit;

use super::analyze::is_builtin;
use super::quote_ident;
use super::statement::TableRef;
use crate::error::Error;
use crate::ids::TableName;
use crate::sqlstate::SqlState;
use crate::types::PgType;

pub(in crate::sql) use body::functions_in;
pub use body::{parse_body, view_functions};
pub(in crate::sql) use macros::argument_cast;
pub use macros::{MacroForm, check_result, macro_of};
pub(in crate::sql) use parse::parse;
pub(in crate::sql) use parts::parts;
pub(in crate::sql) use query::has_query;

/// A routine as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routine {
    pub schema: String,
    pub name: String,
    pub kind: RoutineKind,
    #[serde(default)]
    pub language: Language,
    /// All arguments in the order in which they were declared, and the columns of RETURNS TABLE.
    pub arguments: Vec<RoutineArgument>,
    /// What it gives: a procedure's and a function's of several columns is `record`.
    pub result: PgType,
    pub returns_set: bool,
    pub volatility: Volatility,
    pub strict: bool,
    #[serde(default)]
    pub security_definer: bool,
    /// The body as it was written.
    pub body: String,
    /// The body stands outside of a string: RETURN, or BEGIN ATOMIC.
    pub is_standard: bool,
    /// What a function is in DuckDB.
    pub form: Option<MacroForm>,
    #[serde(default)]
    pub comment: Option<String>,
}

/// What a routine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoutineKind {
    Function,
    Procedure,
}

impl RoutineKind {
    /// The word of messages and statements.
    pub fn word(self) -> &'static str {
        match self {
            RoutineKind::Function => "function",
            RoutineKind::Procedure => "procedure",
        }
    }
}

/// What a body is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    #[default]
    Sql,
    /// SQL that Polars runs over the rows of the tables that it names.
    Polars,
}

/// What a function's value depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Volatility {
    Immutable,
    Stable,
    Volatile,
}

/// What an argument is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArgumentMode {
    In,
    Out,
    InOut,
    /// A column of RETURNS TABLE.
    Table,
}

impl ArgumentMode {
    /// Tells whether a call gives a value for it.
    pub fn is_given(self) -> bool {
        matches!(self, ArgumentMode::In | ArgumentMode::InOut)
    }

    /// Tells whether it belongs to the result.
    pub fn is_result(self) -> bool {
        !matches!(self, ArgumentMode::In)
    }
}

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutineArgument {
    pub name: Option<String>,
    pub mode: ArgumentMode,
    pub pg_type: PgType,
    /// An expression, as it was written.
    pub default: Option<String>,
}

impl Routine {
    /// The arguments that a call gives values for: a procedure's OUT arguments have places, too.
    pub fn inputs(&self) -> impl Iterator<Item = &RoutineArgument> {
        self.arguments.iter().filter(|argument| argument.mode.is_given())
    }

    /// The arguments that have a place in a call.
    pub fn places(&self) -> impl Iterator<Item = &RoutineArgument> {
        let all = self.kind == RoutineKind::Procedure;
        self.arguments.iter().filter(move |argument| all || argument.mode.is_given())
    }

    /// The result's columns, for one that has named ones.
    pub fn outputs(&self) -> impl Iterator<Item = &RoutineArgument> {
        self.arguments.iter().filter(|argument| argument.mode.is_result())
    }

    /// Tells whether it gives rows of more than one column, or many rows: it belongs into FROM.
    pub fn is_table(&self) -> bool {
        self.returns_set || self.outputs().count() > 1
    }

    /// Names the result's columns, with their types.
    pub fn columns(&self) -> Vec<(String, PgType)> {
        let mut columns: Vec<(String, PgType)> = self
            .outputs()
            .enumerate()
            .map(|(place, argument)| {
                let name = argument.name.clone();
                (name.unwrap_or_else(|| format!("column{}", place + 1)), argument.pg_type)
            })
            .collect();
        if columns.is_empty() {
            columns.push((self.name.clone(), self.result));
        }
        columns
    }

    /// How many arguments a call must give at least.
    pub fn count_min(&self) -> usize {
        self.places().filter(|argument| argument.default.is_none()).count()
    }

    /// The types that tell it from others of its name.
    pub fn identity(&self) -> Vec<PgType> {
        self.inputs().map(|argument| argument.pg_type).collect()
    }

    /// The name with the types of its arguments, as messages have it.
    pub fn signature(&self) -> String {
        signature(&self.name, &self.identity())
    }

    /// The name and the schema.
    pub fn table_name(&self) -> TableName {
        TableName::new(self.schema.clone(), self.name.clone())
    }

    /// Tells whether a call with so many arguments by place and these by name fits.
    pub fn accepts(&self, placed: usize, named: &[String]) -> bool {
        self.arrange(placed, named).is_some()
    }

    /// For each argument that has a place in a call: which of the given ones it takes, those by
    /// place first; `None` inside for its default, `None` if the call does not fit.
    pub fn arrange(&self, placed: usize, named: &[String]) -> Option<Vec<Option<usize>>> {
        let places: Vec<&RoutineArgument> = self.places().collect();
        if placed + named.len() > places.len() {
            return None;
        }
        let mut taken: Vec<Option<usize>> = vec![None; places.len()];
        for (place, slot) in taken.iter_mut().enumerate().take(placed) {
            *slot = Some(place);
        }
        for (index, name) in named.iter().enumerate() {
            let place = places.iter().position(|one| one.name.as_ref() == Some(name))?;
            if taken[place].is_some() {
                return None;
            }
            taken[place] = Some(placed + index);
        }
        let open = |(place, slot): (usize, &Option<usize>)| {
            slot.is_none() && places[place].default.is_none()
        };
        (!taken.iter().enumerate().any(open)).then_some(taken)
    }
}

/// A name with types behind it, as messages have it.
pub fn signature(name: &str, types: &[PgType]) -> String {
    let types: Vec<String> = types.iter().map(|pg_type| pg_type.sql_name()).collect();
    format!("{name}({})", types.join(", "))
}

/// The routines that there are, as a session sees them.
#[derive(Clone, Debug, Default)]
pub struct Routines {
    all: Arc<Vec<Routine>>,
    search_path: Vec<String>,
}

impl Routines {
    /// Takes the routines, and where names without a schema are looked up.
    pub fn new(all: Arc<Vec<Routine>>, search_path: Vec<String>) -> Routines {
        Routines { all, search_path }
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Returns the routines of a name: of all schemas on the path, those of the first before
    /// others. PostgreSQL's own functions come before a name without a schema.
    pub fn named(&self, name: &TableRef) -> Vec<&Routine> {
        if name.schema.is_none() && is_builtin(&name.table) {
            return Vec::new();
        }
        self.called(name)
    }

    /// Returns the routines of a name, whatever functions PostgreSQL has.
    pub fn called(&self, name: &TableRef) -> Vec<&Routine> {
        name.candidates(&self.search_path)
            .flat_map(|one| {
                self.all.iter().filter(move |r| r.schema == one.schema && r.name == one.table)
            })
            .collect()
    }

    /// Tells whether something in a tree calls a function that draws random values.
    pub(in crate::sql) fn draw<V: Visit>(&self, tree: &V) -> bool {
        let is_one = |name: &TableRef| {
            // What is rewritten for DuckDB already has its word for the schema.
            let public = name.schema.as_deref() == Some("main");
            let schema = if public { Some("public".to_owned()) } else { name.schema.clone() };
            let routines = self.called(&TableRef { schema, ..name.clone() });
            routines.iter().any(|one| one.form.as_ref().is_some_and(|form| form.is_random))
        };
        !self.is_empty() && functions_in(tree).iter().any(is_one)
    }

    /// Finds the function that a call with so many arguments by place and these by name means.
    pub fn function(&self, name: &TableRef, placed: usize, named: &[String]) -> Option<&Routine> {
        let all = self.named(name).into_iter();
        let fits = |r: &&Routine| r.kind == RoutineKind::Function && r.accepts(placed, named);
        all.filter(fits).min_by_key(|routine| routine.inputs().count())
    }
}

/// A routine as DROP, ALTER and COMMENT name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutineName {
    /// In the order of the search path; before the path is known, the name alone.
    pub candidates: Vec<TableName>,
    /// The types of its arguments, where they are given.
    pub types: Option<Vec<PgType>>,
}

impl RoutineName {
    /// The name with the types, as messages have it.
    pub fn shown(&self) -> String {
        let name = self.candidates.first().map_or("", |name| name.table.as_str());
        match &self.types {
            Some(types) => signature(name, types),
            None => format!("{name}()"),
        }
    }
}

/// A change of routines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoutineChange {
    Create {
        routine: Box<Routine>,
        or_replace: bool,
    },
    /// `kind` is `None` for DROP ROUTINE.
    Drop {
        kind: Option<RoutineKind>,
        names: Vec<RoutineName>,
        if_exists: bool,
        cascade: bool,
    },
    Alter {
        kind: Option<RoutineKind>,
        name: RoutineName,
        action: RoutineAction,
    },
}

/// What ALTER FUNCTION does, or COMMENT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoutineAction {
    Rename(String),
    SetSchema(String),
    Volatility(Volatility),
    Strict(bool),
    Comment(Option<String>),
    /// OWNER TO and what else means nothing here.
    Nothing,
}

/// A statement about routines, as it was parsed: names are looked up later.
#[derive(Clone, Debug)]
pub enum RoutineStatement {
    Create { name: TableRef, routine: Box<Routine>, or_replace: bool, unknown: Vec<String> },
    Drop { kind: Option<RoutineKind>, names: Vec<NamedRoutine>, if_exists: bool, cascade: bool },
    Alter { kind: Option<RoutineKind>, name: NamedRoutine, action: RoutineAction },
}

/// A routine's name as it was written.
#[derive(Clone, Debug)]
pub struct NamedRoutine {
    pub name: TableRef,
    pub types: Option<Vec<PgType>>,
}

impl NamedRoutine {
    /// Looks the name up on a search path.
    pub fn found_on(&self, path: &[String]) -> RoutineName {
        RoutineName { candidates: self.name.candidates(path).collect(), types: self.types.clone() }
    }
}

/// The names that a statement gives arguments by: `schema.name` for DuckDB, quoted.
pub(in crate::sql) fn duckdb_name(schema: &str, name: &str, database: &str) -> String {
    let duckdb_schema = if schema == "public" { "main" } else { schema };
    let own = format!("{}.{}", quote_ident(duckdb_schema), quote_ident(name));
    if schema == database { format!("{}.{own}", quote_ident(database)) } else { own }
}

/// PostgreSQL's error for a name and types that no routine has.
pub fn undefined_routine(kind: RoutineKind, shown: &str) -> Error {
    let word = kind.word();
    Error::new(SqlState::UNDEFINED_FUNCTION, format!("{word} {shown} does not exist")).with_hint(
        format!(
            "No {word} matches the given name and argument types. \
             You might need to add explicit type casts."
        ),
    )
}
