//! One parsed and classified statement.

use std::any::Any;
use std::sync::Arc;

use parking_lot::Mutex;
use sqlparser::ast;

use super::call::Call;
use super::comment::Comment;
use super::copy::{CopyIn, CopyOut};
use super::cursor::CursorStatement;
use super::lock::{AdvisoryCall, LockTable};
use super::rewrite::{self, NameContext};
use super::setting::{Setting, TransactionStatement};
use super::split::Word;
use super::write::Write;
use super::{analyze, dataset_rewrite, params};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sqlstate::SqlState;
use crate::types::PgType;

/// A statement as a client sent it, classified.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The statement's own part of the message.
    pub text: String,
    pub kind: Kind,
    /// How many parameters it has: the highest `$n`.
    pub param_count: usize,
    /// What the client tells of it in a comment.
    pub comment: Comment,
    /// What was worked out for the statement.
    pub memo: Memo,
    /// The parsed tree; `None` for DuckDB's own SQL.
    pub(super) tree: Option<Box<ast::Statement>>,
    /// Identifiers with their places, for error positions.
    pub(super) words: Vec<Word>,
    /// Where the text starts in the message, in characters.
    pub(super) offset: usize,
}

/// What somebody has worked out for a statement and keeps with it; a copy starts without.
#[derive(Default)]
pub struct Memo(Mutex<Option<Arc<dyn Any + Send + Sync>>>);

impl Memo {
    /// Returns what is kept, if it is of this type.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.0.lock().clone()?.downcast().ok()
    }

    /// Keeps something in the place of what was kept before.
    pub fn put<T: Any + Send + Sync>(&self, value: Arc<T>) {
        *self.0.lock() = Some(value);
    }
}

impl Clone for Memo {
    fn clone(&self) -> Self {
        Memo::default()
    }
}

impl std::fmt::Debug for Memo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memo")
    }
}

/// What a statement is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Nothing but white space or comments.
    Empty,
    Read(Read),
    Explain {
        analyze: bool,
        /// The plan is wanted as json.
        json: bool,
        statement: Box<Statement>,
    },
    Write(Write),
    /// A statement some of whose WITH queries write.
    ChangingWith(super::ChangingWith),
    /// A row of so many columns that run one after the other, because of sequences.
    InTurn(usize),
    Call(Call),
    CopyIn(CopyIn),
    CopyOut(Box<CopyOut>),
    Transaction(TransactionStatement),
    Setting(Setting),
    LockTable(LockTable),
    Cursor(CursorStatement),
    Listen(String),
    /// `None` for all channels.
    Unlisten(Option<String>),
    Notify {
        channel: String,
        payload: String,
    },
    /// A SELECT of nothing but functions of advisory locks.
    Advisory(Vec<AdvisoryCall>),
    /// `PREPARE name AS …`
    Prepare {
        name: String,
        /// As declared, `None` for a type that is not known.
        types: Vec<Option<PgType>>,
        statement: Arc<Statement>,
    },
    /// `EXECUTE name(…)`
    Execute {
        name: String,
        args: Vec<super::Argument>,
    },
    /// `DEALLOCATE name`; `None` for ALL.
    Deallocate(Option<String>),
    /// `DISCARD ALL` and its like, with the command tag.
    Discard(&'static str),
    /// Understood and harmless, with nothing to do: GRANT, where all roles may do all.
    Nothing(&'static str),
}

/// A statement that gives rows and changes nothing.
#[derive(Clone, Debug)]
pub struct Read {
    /// The tables it names, CTEs left out, in no order.
    pub tables: Vec<TableRef>,
    /// The functions it calls, without their schemas and in lower case.
    pub functions: Vec<String>,
    /// Written in DuckDB's own SQL, which only DuckDB understands.
    pub native: bool,
}

/// A table's name as a statement has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TableRef {
    pub database: Option<String>,
    pub schema: Option<String>,
    pub table: String,
}

impl TableRef {
    pub(super) fn from_object_name(name: &ast::ObjectName) -> Result<TableRef> {
        let parts: Vec<String> =
            name.0.iter().filter_map(|part| part.as_ident().map(super::fold)).collect();
        let [rest @ .., table] = parts.as_slice() else {
            return Err(Error::syntax("a table name is empty"));
        };
        let (database, schema) = match rest {
            [] => (None, None),
            [schema] => (None, Some(schema.clone())),
            [database, schema] => (Some(database.clone()), Some(schema.clone())),
            _ => {
                return Err(Error::syntax(format!(
                    "improper qualified name (too many dotted names): {name}"
                )));
            }
        };
        Ok(TableRef { database, schema, table: table.clone() })
    }

    /// The names that this may mean, in the order of the search path.
    pub fn candidates<'a>(
        &'a self,
        search_path: &'a [String],
    ) -> impl Iterator<Item = TableName> + 'a {
        let schemas: Vec<&String> = match &self.schema {
            Some(schema) => vec![schema],
            None => search_path.iter().collect(),
        };
        schemas.into_iter().map(|schema| TableName::new(schema.clone(), self.table.clone()))
    }

    /// The name that a new table gets.
    pub fn to_create(&self, search_path: &[String]) -> Result<TableName> {
        match self.candidates(search_path).next() {
            Some(name) => Ok(name),
            None => Err(Error::new(
                SqlState::INVALID_SCHEMA_NAME,
                "no schema has been selected to create in",
            )),
        }
    }
}

/// A column that a CREATE TABLE … USING arrow defines.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSpec {
    pub name: String,
    pub pg_type: PgType,
    pub typmod: i32,
    pub not_null: bool,
}

/// PostgreSQL's command tag, once the row count is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    Insert,
    Counted(&'static str),
    Fixed(String),
}

impl Tag {
    /// Builds the tag: `INSERT 0 3`, `UPDATE 3`, `CREATE TABLE`.
    pub fn with_rows(&self, rows: u64) -> String {
        match self {
            Tag::Insert => format!("INSERT 0 {rows}"),
            Tag::Counted(word) => format!("{word} {rows}"),
            Tag::Fixed(text) => text.clone(),
        }
    }
}

impl Statement {
    /// Renders the statement for DuckDB, with casts at the parameters whose types are given.
    pub fn duckdb_sql(
        &self,
        names: &NameContext,
        param_types: &[Option<PgType>],
    ) -> Result<String> {
        self.render(names, |_| {}, |tree| params::cast(tree, param_types))
    }

    /// Rewrites the tree for DuckDB between two changes of it, and writes it as text; DuckDB's own
    /// SQL stays as it is.
    fn render(
        &self,
        names: &NameContext,
        before: impl FnOnce(&mut ast::Statement),
        after: impl FnOnce(&mut ast::Statement),
    ) -> Result<String> {
        let Some(tree) = &self.tree else { return Ok(self.text.clone()) };
        let mut tree = tree.clone();
        before(tree.as_mut());
        rewrite::for_duckdb(&mut tree, names)?;
        after(tree.as_mut());
        Ok(one_drop_each(*tree).iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }

    /// Renders the statement for DuckDB to describe: parameters of type numeric are cast too, for
    /// which running knows the value's own scale.
    pub fn duckdb_sql_described(
        &self,
        names: &NameContext,
        param_types: &[Option<PgType>],
    ) -> Result<String> {
        self.render(names, |_| {}, |tree| params::cast_for_description(tree, param_types))
    }

    /// Finds out the types of the result's columns and of the parameters, as PostgreSQL infers them
    /// from the tables' columns.
    pub fn analyze(
        &self,
        relations: &super::Relations,
        declared: &[Option<PgType>],
    ) -> super::Analysis {
        match self.tree.as_deref() {
            Some(tree) => analyze::analyze(tree, relations, declared, self.param_count),
            None => super::Analysis::default(),
        }
    }

    /// Returns the places, from 0, of parameters that are compared as `= ANY($n)`.
    pub fn array_params(&self) -> Vec<usize> {
        self.tree.as_deref().map(params::array_params).unwrap_or_default()
    }

    /// Renders the statement for DuckDB with typed NULLs for its parameters: only to be described.
    pub fn duckdb_sql_with_nulls(
        &self,
        names: &NameContext,
        param_types: &[Option<PgType>],
    ) -> Result<String> {
        let nulls = |tree: &mut ast::Statement| {
            params::cast_for_description(tree, param_types);
            params::null_params(tree);
        };
        self.render(names, |_| {}, nulls)
    }

    /// Renders the statement for DuckDB with comparisons where it cannot infer a parameter's type
    /// otherwise: `= $n` for `= ANY($n)`, and for `+ $n` and its like. Only to be described.
    pub fn duckdb_sql_comparing(
        &self,
        names: &NameContext,
        param_types: &[Option<PgType>],
    ) -> Result<String> {
        self.render(names, params::compare, |tree| params::cast(tree, param_types))
    }

    /// Renders the statement for DataFusion.
    ///
    /// # Errors
    /// 0A000 for DuckDB's own SQL.
    pub fn datafusion_sql(
        &self,
        names: &NameContext,
        param_types: &[Option<PgType>],
    ) -> Result<String> {
        let Some(tree) = &self.tree else {
            return Err(Error::unsupported("DuckDB's own SQL cannot run on engine datafusion")
                .with_hint("Write it in PostgreSQL's SQL, or copy the dataset into a table."));
        };
        let mut tree = tree.clone();
        rewrite::for_datafusion(&mut tree, names)?;
        params::cast(tree.as_mut(), param_types);
        Ok(tree.to_string())
    }

    /// Returns the query that an INSERT, CREATE TABLE AS or EXPLAIN contains, as a read.
    pub fn source_query(&self) -> Option<Statement> {
        let query = match self.tree.as_deref()? {
            ast::Statement::Insert(insert) => insert.source.clone()?,
            ast::Statement::CreateTable(create) => create.query.clone()?,
            ast::Statement::CreateView(view) => view.query.clone(),
            _ => return None,
        };
        let tree = ast::Statement::Query(query);
        Some(Statement {
            text: tree.to_string(),
            kind: super::classify::classify(&tree).ok()?,
            param_count: self.param_count,
            memo: Memo::default(),
            words: self.words.clone(),
            offset: self.offset,
            comment: self.comment.clone(),
            tree: Some(Box::new(tree)),
        })
    }

    /// Tells whether a CREATE TABLE AS makes just what its query gives: with its rows, and no
    /// options of its own.
    pub fn keeps_query_columns(&self) -> bool {
        matches!(self.tree.as_deref(), Some(ast::Statement::CreateTable(create))
            if create.columns.is_empty() && create.constraints.is_empty() && !create.or_replace)
    }

    /// Tells whether it is written in DuckDB's own SQL.
    pub fn is_native(&self) -> bool {
        self.tree.is_none()
    }

    /// Returns how many values an INSERT's rows have, when they may have to be fitted to the
    /// table: no columns are named, or a literal may be bytea in hex.
    pub fn values_to_fit(&self, columns: &[String]) -> Option<usize> {
        let values = self.insert_values()?;
        let width = values.rows.first()?.len();
        (columns.is_empty() || self.has_hex_literal()).then_some(width)
    }

    /// Tells whether an INSERT leaves it open for which columns its rows are.
    pub fn names_no_columns(&self) -> bool {
        matches!(self.tree.as_deref(), Some(ast::Statement::Insert(insert))
            if insert.columns.is_empty())
    }

    /// Tells whether an INSERT's rows have a literal that would be bytea in hex.
    pub fn has_hex_literal(&self) -> bool {
        let cells = self.insert_values().into_iter().flat_map(|values| &values.rows);
        cells.flat_map(|row| row.iter()).any(|cell| {
            matches!(cell, ast::Expr::Value(value)
            if matches!(&value.value, ast::Value::SingleQuotedString(t) if t.starts_with("\\x")))
        })
    }

    fn insert_values(&self) -> Option<&ast::Values> {
        let ast::Statement::Insert(insert) = self.tree.as_deref()? else { return None };
        match insert.source.as_ref()?.body.as_ref() {
            ast::SetExpr::Values(values) => Some(values),
            _ => None,
        }
    }

    /// Names the columns that an INSERT's rows are for, and respells hex for those of type bytea.
    pub fn fit_values(&self, columns: &[crate::types::Column]) -> Statement {
        let mut fitted = self.clone();
        let Some(ast::Statement::Insert(insert)) = fitted.tree.as_deref_mut() else {
            return fitted;
        };
        let Some(source) = &mut insert.source else { return fitted };
        let ast::SetExpr::Values(values) = source.body.as_mut() else { return fitted };
        let width = values.rows.first().map_or(0, |row| row.len());
        if insert.columns.is_empty() && width < columns.len() {
            insert.columns = columns.iter().take(width).map(insert_column).collect();
        }
        for row in &mut values.rows {
            for (cell, column) in row.iter_mut().zip(columns) {
                if column.pg_type == PgType::BYTEA {
                    rewrite::respell_bytes(cell);
                }
            }
        }
        fitted
    }

    /// Names the columns that an INSERT's rows are for.
    pub fn with_insert_columns(&self, columns: &[crate::types::Column]) -> Statement {
        let mut named = self.clone();
        if let Some(ast::Statement::Insert(insert)) = named.tree.as_deref_mut() {
            insert.columns = columns.iter().map(insert_column).collect();
        }
        named
    }

    /// Infers the types of parameters that an INSERT's VALUES assign to columns of these types, or
    /// an UPDATE's SET to its own.
    pub fn assigned_param_types(&self, columns: &[PgType]) -> Vec<Option<PgType>> {
        let mut types = vec![None; self.param_count];
        if let Some(ast::Statement::Insert(insert)) = self.tree.as_deref()
            && let Some(query) = &insert.source
            && let ast::SetExpr::Values(values) = query.body.as_ref()
        {
            for row in &values.rows {
                for (expr, column) in row.iter().zip(columns) {
                    if let Some(number) = params::number_of(expr)
                        && let Some(slot) = types.get_mut(number - 1)
                    {
                        *slot = Some(*column);
                    }
                }
            }
        }
        types
    }

    /// Builds the query that does an UPDATE or DELETE of a dataset.
    pub fn dataset_rewrite(
        &self,
        names: &NameContext,
        param_types: &[Option<PgType>],
        columns: &[String],
    ) -> Result<super::DatasetRewrite> {
        let tree = self.tree.as_deref().ok_or_else(|| Error::internal("no tree to rewrite"))?;
        dataset_rewrite::build(tree, names, param_types, columns)
    }

    /// Puts an error's position where the client can use it: at the word that the message quotes.
    pub fn locate(&self, error: Error) -> Error {
        if error.code().class() == "23" {
            // What a row breaks is nowhere in the statement.
            return error.without_position();
        }
        let quoted = error.message().split('"').nth(1).map(str::to_owned);
        let bare = error
            .message()
            .strip_prefix("function ")
            .and_then(|rest| rest.split([' ', '(']).next())
            .map(str::to_owned);
        let found = quoted.or(bare).and_then(|name| {
            let last = name.rsplit('.').next().unwrap_or(&name).to_owned();
            self.words.iter().find(|word| word.folded == last).map(|word| word.position)
        });
        match (found, self.tree.is_some(), error.position()) {
            (Some(position), _, _) => error.with_position(position),
            // DuckDB saw the client's own text: its position only has to be moved.
            (None, false, Some(position)) => error.with_position(position + self.offset),
            // The text was rewritten: a position in it means nothing to the client.
            (None, true, Some(_)) => error.without_position(),
            (None, _, None) => error,
        }
    }
}

fn insert_column(column: &crate::types::Column) -> ast::ObjectName {
    ast::ObjectName::from(vec![ast::Ident::with_quote('"', &column.name)])
}

/// DuckDB drops one object a statement.
fn one_drop_each(tree: ast::Statement) -> Vec<ast::Statement> {
    let ast::Statement::Drop { names, .. } = &tree else { return vec![tree] };
    let each = |name: &ast::ObjectName| {
        let mut one = tree.clone();
        if let ast::Statement::Drop { names, .. } = &mut one {
            *names = vec![name.clone()];
        }
        one
    };
    names.iter().map(each).collect()
}
