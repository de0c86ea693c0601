//! Statements that change data or definitions.

use sqlparser::ast::{self, Statement as Tree};

use super::classify::tables;
use super::declared_type::pg_type_of;
use super::define::ViewAction;
use super::define::{LikeOptions, Overriding, calls};
use super::define_write::DefineWrite;
use super::object_kind::{ObjectKind, object_kind};
use super::statement::{ColumnSpec, TableRef, Tag};
use super::view::Refresh;
use super::{fold, forbidden, returned};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::PgType;

/// A write, as far as its route depends on it.
#[derive(Clone, Debug)]
pub enum Write {
    Insert {
        table: TableRef,
        /// Empty when the statement names none.
        columns: Vec<String>,
        /// Every table that the statement names, the target among them.
        tables: Vec<TableRef>,
        returning: bool,
        on_conflict: bool,
        /// The rows are a literal `VALUES` list (or `DEFAULT VALUES`).
        values: bool,
        /// OVERRIDING SYSTEM VALUE or USER VALUE.
        overriding: Option<Overriding>,
    },
    Update {
        table: TableRef,
        tables: Vec<TableRef>,
        returning: bool,
    },
    Delete {
        table: TableRef,
        tables: Vec<TableRef>,
        returning: bool,
    },
    Truncate {
        tables: Vec<TableRef>,
    },
    CreateTable {
        table: TableRef,
        /// What stands after USING.
        access_method: Option<String>,
        columns: Vec<ColumnSpec>,
        /// Constraints or defaults that a dataset cannot keep.
        beyond_columns: bool,
        if_not_exists: bool,
        as_query: bool,
        temporary: bool,
        /// What COMMIT does to a temporary table.
        on_commit: OnCommit,
        /// What LIKE takes over.
        like: LikeOptions,
        /// The table that LIKE names beside other elements.
        like_from: Option<TableRef>,
        tables: Vec<TableRef>,
    },
    /// CREATE MATERIALIZED VIEW.
    Materialize {
        view: TableRef,
        if_not_exists: bool,
        refresh: Refresh,
        with_data: bool,
        /// What its query reads, and the view itself.
        tables: Vec<TableRef>,
    },
    Drop {
        kind: ObjectKind,
        names: Vec<TableRef>,
        if_exists: bool,
        cascade: bool,
    },
    AlterTable {
        table: TableRef,
        /// The new name, for a plain RENAME TO.
        rename_to: Option<String>,
    },
    /// What the parser has no tree for.
    Define {
        tag: Tag,
        define: DefineWrite,
    },
    /// Everything else that DuckDB applies as it stands.
    Other {
        tag: Tag,
        tables: Vec<TableRef>,
        returning: bool,
    },
}

/// What COMMIT does to a temporary table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCommit {
    PreserveRows,
    DeleteRows,
    Drop,
}

impl Write {
    /// The command tag.
    pub fn tag(&self) -> Tag {
        match self {
            Write::Insert { .. } => Tag::Insert,
            Write::Update { .. } => Tag::Counted("UPDATE"),
            Write::Delete { .. } => Tag::Counted("DELETE"),
            Write::Truncate { .. } => Tag::Fixed("TRUNCATE TABLE".to_owned()),
            Write::CreateTable { as_query: true, .. } => Tag::Counted("SELECT"),
            Write::CreateTable { .. } => Tag::Fixed("CREATE TABLE".to_owned()),
            Write::Materialize { with_data: true, .. } => Tag::Counted("SELECT"),
            Write::Materialize { .. } => Tag::Fixed("CREATE MATERIALIZED VIEW".to_owned()),
            Write::Drop { kind, .. } => Tag::Fixed(format!("DROP {}", kind.word())),
            Write::AlterTable { .. } => Tag::Fixed("ALTER TABLE".to_owned()),
            Write::Other { tag, .. } | Write::Define { tag, .. } => tag.clone(),
        }
    }

    /// The materialized view that it computes anew.
    pub fn refreshed(&self) -> Option<&TableRef> {
        match self {
            Write::Define { define: DefineWrite::AlterView { view, action, .. }, .. } => {
                matches!(action, ViewAction::Refresh { with_data: true, .. }).then_some(view)
            }
            _ => None,
        }
    }

    /// The tables it names.
    pub fn tables(&self) -> &[TableRef] {
        match self {
            Write::Insert { tables, .. }
            | Write::Update { tables, .. }
            | Write::Delete { tables, .. }
            | Write::Truncate { tables }
            | Write::CreateTable { tables, .. }
            | Write::Materialize { tables, .. }
            | Write::Other { tables, .. } => tables,
            Write::Drop { names, .. } => names,
            Write::Define { define, .. } => define.targets(),
            Write::AlterTable { table, .. } => std::slice::from_ref(table),
        }
    }

    /// The table that it changes, or the first that it names where there are several.
    pub fn target(&self) -> Option<&TableRef> {
        match self {
            Write::Insert { table, .. }
            | Write::Update { table, .. }
            | Write::Delete { table, .. }
            | Write::CreateTable { table, .. }
            | Write::AlterTable { table, .. }
            | Write::Materialize { view: table, .. } => Some(table),
            Write::Truncate { .. }
            | Write::Drop { .. }
            | Write::Define { .. }
            | Write::Other { .. } => self.tables().first(),
        }
    }

    /// Refuses a target in the server's own schemas.
    pub(super) fn check_target(&self) -> Result<()> {
        self.tables().iter().try_for_each(forbidden::check_table)
    }

    pub(super) fn set_like(&mut self, options: LikeOptions, from: Option<TableRef>) {
        if let Write::CreateTable { like, like_from, beyond_columns, .. } = self {
            *like = options;
            *beyond_columns |= from.is_some();
            *like_from = from;
        }
    }

    pub(super) fn set_overriding(&mut self, given: Option<Overriding>) {
        if let Write::Insert { overriding, .. } = self {
            *overriding = given;
        }
    }

    pub(super) fn set_with_data(&mut self, given: bool) {
        if let Write::Materialize { with_data, .. } = self {
            *with_data = given;
        }
    }

    pub(super) fn set_tables(&mut self, all: Vec<TableRef>) {
        if let Write::Insert { tables, .. }
        | Write::Update { tables, .. }
        | Write::Delete { tables, .. }
        | Write::Other { tables, .. } = self
        {
            *tables = all;
        }
    }

    /// The columns that an INSERT names.
    pub fn insert_columns(&self) -> &[String] {
        match self {
            Write::Insert { columns, .. } => columns,
            _ => &[],
        }
    }

    pub(super) fn set_insert_columns(&mut self, names: Vec<String>) {
        if let Write::Insert { columns, .. } = self {
            *columns = names;
        }
    }

    /// Tells whether rows come back.
    pub fn returning(&self) -> bool {
        match self {
            Write::Insert { returning, .. }
            | Write::Update { returning, .. }
            | Write::Delete { returning, .. }
            | Write::Other { returning, .. } => *returning,
            _ => false,
        }
    }

    pub(super) fn set_access_method(&mut self, method: String) -> Result<()> {
        match self {
            Write::CreateTable { access_method, .. }
                if matches!(method.as_str(), "arrow" | "duckdb" | "heap") =>
            {
                *access_method = Some(method);
                Ok(())
            }
            _ => Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("access method \"{method}\" does not exist"),
            )
            .with_hint("Use arrow for a dataset, duckdb for a DuckDB table.")),
        }
    }
}

impl ObjectKind {
    pub fn word(self) -> &'static str {
        match self {
            ObjectKind::Table => "TABLE",
            ObjectKind::View => "VIEW",
            ObjectKind::MaterializedView => "MATERIALIZED VIEW",
            ObjectKind::Index => "INDEX",
            ObjectKind::Schema => "SCHEMA",
            ObjectKind::Sequence => "SEQUENCE",
            ObjectKind::Type => "TYPE",
        }
    }
}

pub(super) fn classify(tree: &Tree) -> Result<Write> {
    forbidden::check_targets(tree)?;
    Ok(match tree {
        Tree::Insert(insert) => classify_insert(insert, tree)?,
        Tree::Update(update) => {
            returned::check_update(update)?;
            Write::Update {
                table: target(&update.table)?,
                tables: tables(tree)?,
                returning: update.returning.is_some(),
            }
        }
        Tree::Delete(delete) => {
            let (ast::FromTable::WithFromKeyword(from) | ast::FromTable::WithoutKeyword(from)) =
                &delete.from;
            let first = from.first().ok_or_else(|| Error::syntax("DELETE names no table"))?;
            returned::check_delete(delete, first)?;
            Write::Delete {
                table: target(first)?,
                tables: tables(tree)?,
                returning: delete.returning.is_some(),
            }
        }
        Tree::Truncate(truncate) => {
            let names = truncate.table_names.iter();
            Write::Truncate {
                tables: names
                    .map(|target| TableRef::from_object_name(&target.name))
                    .collect::<Result<_>>()?,
            }
        }
        Tree::CreateTable(create) => classify_create_table(create, tree)?,
        Tree::Drop { object_type, if_exists, names, cascade, .. } => Write::Drop {
            kind: object_kind(*object_type)?,
            names: names.iter().map(TableRef::from_object_name).collect::<Result<_>>()?,
            if_exists: *if_exists,
            cascade: *cascade,
        },
        Tree::AlterTable(alter) => Write::AlterTable {
            table: TableRef::from_object_name(&alter.name)?,
            rename_to: match alter.operations.as_slice() {
                [
                    ast::AlterTableOperation::RenameTable {
                        table_name:
                            ast::RenameTableNameKind::To(name) | ast::RenameTableNameKind::As(name),
                    },
                ] => Some(TableRef::from_object_name(name)?.table),
                _ => None,
            },
        },
        Tree::CreateView(view) if view.materialized => Write::Materialize {
            view: TableRef::from_object_name(&view.name)?,
            if_not_exists: view.if_not_exists,
            refresh: Refresh::of(&view.options)?,
            with_data: true,
            tables: tables(tree)?,
        },
        other => classify_other(other)?,
    })
}

fn classify_other(tree: &Tree) -> Result<Write> {
    let tag = match tree {
        Tree::CreateView(view) if view.temporary => {
            let mut names = vec![TableRef::from_object_name(&view.name)?];
            names.extend(tables(tree)?);
            let define = DefineWrite::TemporaryView { names };
            return Ok(Write::Define { tag: Tag::Fixed("CREATE VIEW".to_owned()), define });
        }
        Tree::CreateView(_) => "CREATE VIEW",
        Tree::CreateIndex(_) => "CREATE INDEX",
        Tree::CreateSchema { .. } => "CREATE SCHEMA",
        Tree::CreateSequence { .. } => "CREATE SEQUENCE",
        Tree::CreateType { .. } => "CREATE TYPE",
        Tree::CreateMacro { .. } => "CREATE FUNCTION",
        Tree::AlterView { .. } => "ALTER VIEW",
        Tree::AlterSchema(_) => "ALTER SCHEMA",
        Tree::AlterIndex { .. } => "ALTER INDEX",
        Tree::AlterType(_) => "ALTER TYPE",
        Tree::Comment { .. } => "COMMENT",
        Tree::Analyze(_) => "ANALYZE",
        Tree::Vacuum(_) => "VACUUM",
        Tree::Merge(_) => {
            let tables = tables(tree)?;
            return Ok(Write::Other { tag: Tag::Counted("MERGE"), tables, returning: false });
        }
        Tree::AttachDatabase { .. }
        | Tree::AttachDuckDBDatabase { .. }
        | Tree::DetachDuckDBDatabase { .. } => return Err(refused("ATTACH and DETACH")),
        Tree::Install { .. } | Tree::Load { .. } | Tree::LoadData { .. } => {
            return Err(refused("INSTALL and LOAD"));
        }
        Tree::Pragma { .. } => return Err(refused("PRAGMA")),
        Tree::CreateSecret { .. } | Tree::DropSecret { .. } => return Err(refused("secrets")),
        Tree::Use(_) => return Err(refused("USE").with_hint("SET search_path instead.")),
        other => {
            let words = other.to_string();
            let name: Vec<&str> = words.split_whitespace().take(2).collect();
            return Err(Error::unsupported(format!("{} is not supported", name.join(" "))));
        }
    };
    Ok(Write::Other { tag: Tag::Fixed(tag.to_owned()), tables: tables(tree)?, returning: false })
}

fn refused(what: &str) -> Error {
    Error::new(
        SqlState::INSUFFICIENT_PRIVILEGE,
        format!("permission denied: {what} reach outside of the database"),
    )
}

fn classify_insert(insert: &ast::Insert, tree: &Tree) -> Result<Write> {
    let ast::TableObject::TableName(name) = &insert.table else {
        return Err(Error::unsupported("INSERT into a function or query is not supported"));
    };
    let columns = insert.columns.iter();
    let literal = insert.source.as_ref().is_none_or(|query| {
        matches!(query.body.as_ref(), ast::SetExpr::Values(_)) && query.with.is_none()
    });
    Ok(Write::Insert {
        table: TableRef::from_object_name(name)?,
        columns: columns
            .map(|column| TableRef::from_object_name(column).map(|name| name.table))
            .collect::<Result<_>>()?,
        tables: tables(tree)?,
        returning: insert.returning.is_some(),
        on_conflict: insert.on.is_some() || insert.or.is_some(),
        values: literal,
        overriding: None,
    })
}

fn classify_create_table(create: &ast::CreateTable, tree: &Tree) -> Result<Write> {
    if create.external {
        return Err(refused("external tables"));
    }
    let on_commit = match create.on_commit {
        Some(_) if !create.temporary => {
            return Err(Error::new(
                SqlState::INVALID_TABLE_DEFINITION,
                "ON COMMIT can only be used on temporary tables",
            ));
        }
        Some(ast::OnCommit::Drop) => OnCommit::Drop,
        Some(ast::OnCommit::DeleteRows) => OnCommit::DeleteRows,
        _ => OnCommit::PreserveRows,
    };
    let mut beyond_columns = !create.constraints.is_empty() || create.like.is_some();
    let mut columns = Vec::new();
    for column in &create.columns {
        let mut not_null = false;
        for option in &column.options {
            match &option.option {
                ast::ColumnOption::NotNull => not_null = true,
                ast::ColumnOption::Null => {}
                _ => beyond_columns = true,
            }
        }
        // Only datasets need the types here, so what cannot be mapped is told at their creation.
        let (pg_type, typmod) = pg_type_of(&column.data_type).unwrap_or((PgType::UNKNOWN, -1));
        columns.push(ColumnSpec { name: fold(&column.name), pg_type, typmod, not_null });
    }
    Ok(Write::CreateTable {
        table: TableRef::from_object_name(&create.name)?,
        access_method: None,
        columns,
        beyond_columns,
        if_not_exists: create.if_not_exists,
        as_query: create.query.is_some(),
        temporary: create.temporary,
        on_commit,
        like: LikeOptions::default(),
        like_from: None,
        tables: tables(tree)?,
    })
}

/// Turns `SELECT … INTO t` into `CREATE TABLE t AS SELECT …`.
pub(super) fn created_by_select(tree: Tree) -> Tree {
    let Tree::Query(mut query) = tree else { return tree };
    if let ast::SetExpr::Select(select) = query.body.as_mut()
        && let Some(into) = select.into.take()
    {
        let create = ast::helpers::stmt_create_table::CreateTableBuilder::new(into.name)
            .temporary(into.temporary)
            .query(Some(query))
            .build();
        return Tree::CreateTable(create);
    }
    Tree::Query(query)
}

/// A SELECT that draws from a sequence or sets one is a write that gives rows.
pub(super) fn changes_sequences(tree: &Tree) -> Result<Option<Write>> {
    if !calls(tree, "nextval") && !calls(tree, "setval") {
        return Ok(None);
    }
    let tables = tables(tree)?;
    Ok(Some(Write::Other { tag: Tag::Counted("SELECT"), tables, returning: true }))
}

fn target(table: &ast::TableWithJoins) -> Result<TableRef> {
    match &table.relation {
        ast::TableFactor::Table { name, .. } => TableRef::from_object_name(name),
        _ => Err(Error::syntax("a write needs a table as its target")),
    }
}
