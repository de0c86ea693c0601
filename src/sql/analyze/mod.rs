//! The types of a statement's result columns and parameters, as PostgreSQL infers them.
//!
//! Works on the parsed tree with the columns of the tables that it names; functions, operators and
//! casts are PostgreSQL's own, from its catalogue. What only DuckDB knows has no type here
//! ([`Ty::UNTYPED`]), and everything that depends on it neither: then the engine's own types hold.
//!
//! - `builtin.rs`: PostgreSQL's functions, operators, casts, types.
//! - `resolve.rs`: which of several functions or operators is meant.
//! - `scope.rs`: what column names mean; `query.rs`: queries and FROM; `grouping.rs`: GROUP BY and
//!   ORDER BY; `dml.rs`: INSERT, UPDATE, DELETE; `expr.rs`: expressions; `call.rs`: calls of
//!   functions; `operator.rs`: operators.
//! - `routine.rs`: calls of users' functions, and the names of arguments in a body.
//! - `native.rs`: calls that need nothing of the catalogue.
//! - `enums.rs`: the enums that columns have.
//! - `texts.rs`: values whose text an engine writes otherwise; `times.rs`: what dates and times
//!   have of their own.
//! - `refuse.rs`, `checks.rs`: what PostgreSQL refuses by its types, and an engine would take.

mod builtin;
mod call;
mod checks;
mod dml;
mod enums;
mod expr;
mod grouping;
mod native;
mod operator;
mod query;
mod refuse;
mod resolve;
mod routine;
mod scope;
#[cfg(test)]
mod tests;
mod texts;
mod times;

use std::collections::{HashMap, HashSet};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlparser::ast::{self, Statement as Tree};

use super::routine::{Routine, Routines};
use super::statement::TableRef;
use crate::error::Error;
use crate::types::{Column, Origin, PgType};
pub(super) use builtin::is_scalar;
use enums::Enums;
use expr::Analyzer;
use query::Columns;

/// The type of a literal whose meaning its place decides.
const UNKNOWN: u32 = 705;
/// Not a type: DuckDB knows.
const UNTYPED: u32 = 0;
/// The pseudo-type `"any"`.
const ANY: u32 = 2276;

/// A type by its OID in `pg_type`, and its modifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ty {
    oid: u32,
    typmod: i32,
    /// The table's column that an expression is, and nothing else.
    origin: Option<Origin>,
}

impl Ty {
    const UNTYPED: Ty = Ty::of(UNTYPED);
    const UNKNOWN: Ty = Ty::of(UNKNOWN);

    const fn of(oid: u32) -> Ty {
        Ty::with_typmod(oid, -1)
    }

    const fn with_typmod(oid: u32, typmod: i32) -> Ty {
        Ty { oid, typmod, origin: None }
    }
}

/// The columns of the tables that a statement names; a table that is not here is not known. And the
/// routines that it may call.
#[derive(Clone, Debug, Default)]
pub struct Relations {
    tables: HashMap<TableRef, Arc<Vec<RelationColumn>>>,
    pub routines: Routines,
    /// Names that mean sequences: DuckDB's database and schema of each.
    pub sequences: HashMap<TableRef, (String, String)>,
}

impl Deref for Relations {
    type Target = HashMap<TableRef, Arc<Vec<RelationColumn>>>;

    fn deref(&self) -> &Self::Target {
        &self.tables
    }
}

impl DerefMut for Relations {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.tables
    }
}

/// A column of a table; without a type where PostgreSQL has none for it.
#[derive(Clone, Debug)]
pub struct RelationColumn {
    pub name: String,
    /// It belongs to the primary key.
    pub is_key: bool,
    pub pg_type: Option<(PgType, i32)>,
    /// DuckDB's name, quoted, of the enum that its type is or has as elements.
    pub enum_name: Option<String>,
    /// What clients are told that it is.
    pub origin: Option<Origin>,
}

/// What was found out about a statement.
#[derive(Clone, Debug, Default)]
pub struct Analysis {
    /// The result's columns in order, each with its type where it is known; `None` when not even
    /// their number is.
    pub columns: Option<Vec<Option<(PgType, i32)>>>,
    /// The tables' columns that they are, for as many as there are columns.
    pub origins: Vec<Option<Origin>>,
    /// The parameters' types, where their places tell them.
    pub params: Vec<Option<PgType>>,
}

impl Analysis {
    /// Gives an engine's columns PostgreSQL's types, where what the engine sends can be shown so.
    pub fn retype(&self, columns: &mut [Column]) {
        let Some(found) = self.columns.as_ref().filter(|found| found.len() == columns.len()) else {
            return;
        };
        for (column, origin) in columns.iter_mut().zip(&self.origins) {
            column.origin = *origin;
        }
        for (column, found) in columns.iter_mut().zip(found) {
            if let Some((pg_type, typmod)) = *found
                && shows_as(column.pg_type, pg_type)
            {
                (column.pg_type, column.typmod) = (pg_type, typmod);
            }
        }
    }
}

/// Tells whether values that an engine sends as one type can be encoded as another.
pub fn shows_as(sent: PgType, wanted: PgType) -> bool {
    use crate::types::ScalarType as S;
    if sent == wanted {
        return true;
    }
    if sent.is_array() != wanted.is_array()
        && !matches!(wanted.scalar(), S::Int2Vector | S::OidVector)
    {
        return false;
    }
    let is_integer = |scalar: S| matches!(scalar, S::Int2 | S::Int4 | S::Int8) || scalar.is_oid();
    match (sent.scalar(), wanted.scalar()) {
        (S::Int2, S::Int2Vector) | (S::Int8 | S::Oid, S::OidVector) => true,
        (from, to) if is_integer(from) => {
            // A NULL alone is an INTEGER to DuckDB.
            is_integer(to) || matches!(to, S::Numeric | S::Float4 | S::Float8 | S::Text)
        }
        (S::Numeric, to) => is_integer(to) || matches!(to, S::Float4 | S::Float8),
        (S::Float4 | S::Float8, to) => matches!(to, S::Float4 | S::Float8 | S::Numeric),
        (from, to) if from.is_text() => {
            to.is_text() || to.is_oid() || matches!(to, S::Json | S::Jsonb)
        }
        (S::Json, S::Jsonb) | (S::Jsonb, S::Json) => true,
        // A struct goes as json where nothing better is known of it.
        (S::Json, S::Record) => true,
        _ => false,
    }
}

/// What a statement's tree must become so that an engine means what PostgreSQL means: by the place
/// of each expression in memory, so that it holds only until the tree is changed or moved.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    /// Calls and operators that a function of the catalogue stands for: its name.
    pub(super) calls: HashMap<*const ast::Expr, &'static str>,
    /// Strings whose place gives them a type.
    pub(super) literals: HashMap<*const ast::Expr, PgType>,
    /// Strings and parameters that are values of an enum, or arrays of them: the type for DuckDB.
    pub(super) labels: HashMap<*const ast::Expr, String>,
    /// Calls in a select list that give many rows.
    pub(super) sets: HashMap<*const ast::Expr, &'static str>,
    /// Expressions whose text is made by a function of the catalogue.
    pub(super) texts: HashMap<*const ast::Expr, &'static str>,
    /// `x = ANY (list)` where the list differs from row to row.
    pub(super) members: HashSet<*const ast::Expr>,
    /// Columns to group by besides, by the SELECT: each a table's name and its own.
    pub(super) grouped: HashMap<*const ast::Select, Vec<Vec<String>>>,
    /// The columns of a `*` whose order DuckDB has otherwise, by the SELECT.
    pub(super) starred: HashMap<*const ast::Select, Vec<String>>,
    /// Ends of OVERLAPS that are lengths.
    pub(super) lengths: HashSet<*const ast::Expr>,
    /// What PostgreSQL refuses.
    pub(super) refused: Option<Error>,
    /// Calls of `avg` over exact numbers.
    pub(super) averages: HashSet<*const ast::Expr>,
    /// Calls of `pg_typeof`: the type's name.
    pub(super) type_names: HashMap<*const ast::Expr, String>,
    /// Expressions that become another type, where DuckDB would compute with their own.
    pub(super) casts: HashMap<*const ast::Expr, PgType>,
    /// Integers that are BIGINT in DuckDB, where that matters.
    pub(super) narrow: HashSet<*const ast::Expr>,
    /// Values that are assigned to a column whose type cuts or rounds them: its OID and modifier.
    pub(super) assigned: HashMap<*const ast::Expr, (u32, i32)>,
    /// What names in a routine's body mean.
    pub(super) body: BodyNames,
}

/// Finds out what to change in a tree.
pub(super) fn decide(
    tree: &Tree,
    relations: &Relations,
    declared: &[Option<PgType>],
    param_count: usize,
    has_function: &dyn Fn(&str) -> bool,
) -> Decisions {
    let mut analyzer = Analyzer::new(relations, declared, param_count);
    analyzer.has_function = Some(has_function);
    analyzer.statement(tree);
    analyzer.decisions
}

/// What names in a routine's body mean, by the place of each in memory.
#[derive(Debug, Default)]
pub(super) struct BodyNames {
    /// Arguments: their place among the inputs.
    pub(super) arguments: HashMap<*const ast::Expr, usize>,
    /// What may be a column.
    pub(super) columns: HashSet<*const ast::Expr>,
}

/// Finds the names in a statement of a routine's body that are its arguments.
pub(super) fn arguments(tree: &Tree, relations: &Relations, routine: &Routine) -> BodyNames {
    let declared: Vec<Option<PgType>> = routine.identity().into_iter().map(Some).collect();
    let mut analyzer = Analyzer::new(relations, &declared, declared.len());
    analyzer.body_of = Some(routine);
    analyzer.statement(tree);
    analyzer.decisions.body
}

/// The type that a statement names, if it can be sent and received.
pub(super) fn declared_pg_type(data_type: &ast::DataType) -> Option<PgType> {
    PgType::from_oid(declared_type(data_type).oid)
}

/// Tells whether a value of one type can be assigned to a column of another.
pub(super) fn is_assignable(from: PgType, to: PgType) -> bool {
    from == to
        || resolve::category(to.oid()) == b'S'
        || resolve::can_become(from.oid(), to.oid())
        || builtin::casts_on_assignment(from.oid(), to.oid())
}

/// Tells whether a value of one type may stand where another is wanted, without a cast.
pub fn can_become(from: PgType, to: PgType) -> bool {
    resolve::can_become(from.oid(), to.oid())
}

/// Tells whether a function of PostgreSQL's has this name.
pub fn is_builtin(name: &str) -> bool {
    !builtin::procs(name).is_empty()
}

/// Tells whether a function of this name gives one value for many rows.
pub(super) fn is_aggregate(name: &str) -> bool {
    builtin::is_aggregate(name)
}

/// Finds out the types of a statement's columns and parameters. `declared` are those that the
/// client gave.
pub(super) fn analyze(
    tree: &Tree,
    relations: &Relations,
    declared: &[Option<PgType>],
    param_count: usize,
) -> Analysis {
    let mut analyzer = Analyzer::new(relations, declared, param_count);
    let columns = analyzer.statement(tree);
    let origins = columns.iter().flatten().map(|(_, ty)| ty.origin).collect();
    let as_shown = |columns: Vec<(String, Ty)>| {
        columns
            .into_iter()
            .map(|(_, ty)| analyzer.enums.pg_type(ty.oid).map(|pg_type| (pg_type, ty.typmod)))
            .collect()
    };
    Analysis {
        columns: columns.map(as_shown),
        origins,
        params: analyzer
            .params
            .iter()
            .map(|&oid| if oid == UNKNOWN { None } else { analyzer.enums.pg_type(oid) })
            .collect(),
    }
}

/// Tells whether a function of this name gives many rows, and which columns they have: none for a
/// function that gives single values without a name.
pub(super) fn set_function(name: &str) -> Option<Vec<String>> {
    let proc_ = builtin::procs(name).iter().find(|proc_| proc_.is_set)?;
    Some(proc_.columns.iter().map(|(name, _)| name.clone()).collect())
}

/// The OID and modifier of a type that a statement names.
fn declared_type(data_type: &ast::DataType) -> Ty {
    if let Some((pg_type, typmod)) = super::declared_type::pg_type_of(data_type) {
        return Ty::with_typmod(pg_type.oid(), typmod);
    }
    let (name, is_array) = match data_type {
        ast::DataType::Regclass => return Ty::of(PgType::REGCLASS.oid()),
        ast::DataType::Array(ast::ArrayElemTypeDef::SquareBracket(inner, _)) => {
            (inner.to_string(), true)
        }
        other => (other.to_string(), false),
    };
    let lower = name.to_lowercase();
    let bare = lower.strip_prefix("pg_catalog.").unwrap_or(&lower).trim_matches('"');
    let Some(oid) = builtin::type_named(bare) else { return Ty::UNTYPED };
    Ty::of(if is_array { builtin::array_of(oid).unwrap_or(UNTYPED) } else { oid })
}

impl<'a> Analyzer<'a> {
    fn new(
        relations: &'a Relations,
        declared: &[Option<PgType>],
        param_count: usize,
    ) -> Analyzer<'a> {
        let mut params = vec![UNKNOWN; param_count];
        for (slot, given) in params.iter_mut().zip(declared) {
            *slot = given.map_or(UNKNOWN, PgType::oid);
        }
        Analyzer {
            relations,
            params,
            has_function: None,
            body_of: None,
            is_top: false,
            shown: HashSet::new(),
            enums: Enums::of(relations),
            decisions: Decisions::default(),
        }
    }
}

/// Functions of numerics whose results have so many places that DuckDB could not calculate with
/// them: they are exact where they are shown or rounded, and floats elsewhere.
const EXACT: [&str; 6] =
    ["numeric_sqrt", "numeric_exp", "numeric_ln", "numeric_log", "numeric_log10", "numeric_power"];

impl Analyzer<'_> {
    /// Notes that an expression is sent to the client, or rounded.
    fn shows(&mut self, expr: &ast::Expr) {
        let mut inner = expr;
        while let ast::Expr::Nested(next) = inner {
            inner = next;
        }
        self.shown.insert(std::ptr::from_ref(inner));
    }

    /// Notes that a function of the catalogue stands for an expression, if there is one.
    fn stands_for(&mut self, expr: &ast::Expr, source: &'static str) {
        let place = std::ptr::from_ref(expr);
        if EXACT.contains(&source) && !self.shown.contains(&place) {
            return;
        }
        if !source.is_empty() && self.has_function.is_some_and(|has| has(source)) {
            self.decisions.calls.insert(std::ptr::from_ref(expr), source);
        }
    }

    /// Types a statement's result; parameters on the way.
    fn statement(&mut self, tree: &Tree) -> Columns {
        self.is_top = true;
        match tree {
            Tree::Query(query) => self.query(query, &scope::Ctes::new(), None),
            Tree::Insert(insert) => self.insert(insert),
            Tree::Update(update) => self.update(update),
            Tree::Delete(delete) => self.delete(delete),
            Tree::CreateView(view) => {
                // Its columns go to other queries, not to a client.
                self.is_top = false;
                self.query(&view.query, &scope::Ctes::new(), None)
            }
            _ => None,
        }
    }
}
