//! A table as DuckDB's catalog has it, and the SQL that makes one like it.

use super::{Definer, generated_name};
use crate::catalog::{TEMPORARY_SCHEMA, duckdb_schema, duckdb_table};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::pipeline::load_foreign_keys;
use crate::sql::{
    CHECK_NAME_CODE, ConstraintKind, ConstraintShape, DOMAIN_CHECK, DeclaredType, Domain,
    ForeignKey, KEY_NAME_CODE, TYPE_CODE, TextLimit, check_name, key_name_note, length_limit,
    quote_ident,
};
use crate::sqlstate::SqlState;
use crate::types::Value;

/// What stands between the elements of a list in a text of our own queries.
const SEPARATOR: char = '\u{1f}';

/// A table's definition.
#[derive(Clone, Debug)]
pub(in crate::writer) struct Existing {
    pub(super) name: TableName,
    pub(super) columns: Vec<Column>,
    pub(in crate::writer) constraints: Vec<Constraint>,
    pub(in crate::writer) indexes: Vec<Index>,
    /// Foreign keys; an old table may have DuckDB's among its constraints.
    pub(super) keys: Vec<ForeignKey>,
    pub(super) comment: Option<String>,
    /// Some columns are generated, which only the whole text of the table tells.
    pub(super) generated: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) data_type: String,
    pub(super) not_null: bool,
    pub(super) default: Option<String>,
    pub(super) comment: Option<String>,
}

#[derive(Clone, Debug)]
pub(in crate::writer) struct Constraint {
    pub(in crate::writer) kind: ConstraintKind,
    pub(in crate::writer) name: String,
    pub(in crate::writer) columns: Vec<String>,
    /// A CHECK's whole expression.
    pub(super) check: String,
    /// The table and columns that a foreign key refers to.
    pub(in crate::writer) referenced: Option<(TableName, Vec<String>)>,
    /// It only holds a length, a declared type, a domain's demand or a key's name.
    pub(super) hidden: bool,
}

#[derive(Clone, Debug)]
pub(in crate::writer) struct Index {
    pub(in crate::writer) name: String,
    pub(in crate::writer) unique: bool,
    /// Quoted names and expressions in parentheses.
    pub(in crate::writer) parts: Vec<String>,
    pub(super) comment: Option<String>,
}

impl Definer<'_> {
    /// Reads a table's definition.
    pub(in crate::writer) fn existing(&mut self, name: &TableName) -> Result<Existing> {
        let params =
            [Value::Text(duckdb_schema(&name.schema).to_owned()), Value::Text(name.table.clone())];
        let table = self.connection.text_rows(
            "SELECT coalesce(comment, ''), contains(sql, 'GENERATED ALWAYS AS')::varchar
             FROM duckdb_tables() WHERE database_name = current_database()
                 AND schema_name = $1 AND table_name = $2",
            &params,
        )?;
        let table = table.first().ok_or_else(|| super::undefined("table", &name.table))?;
        let columns = self.connection.text_rows(
            "SELECT column_name, data_type, is_nullable::varchar, coalesce(column_default, ''),
                    coalesce(comment, '')
             FROM duckdb_columns() WHERE database_name = current_database()
                 AND schema_name = $1 AND table_name = $2 ORDER BY column_index",
            &params,
        )?;
        let constraints = self.connection.text_rows(
            "SELECT constraint_type, array_to_string(constraint_column_names, chr(31)),
                    coalesce(expression, ''), coalesce(referenced_table, ''),
                    coalesce(array_to_string(referenced_column_names, chr(31)), '')
             FROM duckdb_constraints() WHERE database_name = current_database()
                 AND schema_name = $1 AND table_name = $2 ORDER BY constraint_index",
            &params,
        )?;
        let indexes = self.connection.text_rows(
            "SELECT index_name, is_unique::varchar, coalesce(comment, ''),
                    array_to_string(CAST(expressions AS VARCHAR[]), chr(31))
             FROM duckdb_indexes() WHERE database_name = current_database()
                 AND schema_name = $1 AND table_name = $2 ORDER BY index_oid",
            &params,
        )?;
        let mut existing = Existing {
            name: name.clone(),
            columns: columns.iter().map(|row| column(row)).collect(),
            constraints: constraints.iter().filter_map(|row| constraint(row, name)).collect(),
            indexes: indexes.iter().map(|row| index(row)).collect(),
            keys: load_foreign_keys(self.connection)?,
            comment: some(table, 0),
            generated: text(table, 1) == "true",
        };
        existing.keys.retain(|key| key.table == *name);
        existing.name_constraints();
        Ok(existing)
    }

    /// Lists the tables whose foreign keys refer to a table by DuckDB's own, itself left out.
    pub(in crate::writer) fn referring(&mut self, name: &TableName) -> Result<Vec<TableName>> {
        let rows = self.connection.text_rows(
            "SELECT DISTINCT table_name FROM duckdb_constraints()
             WHERE database_name = current_database() AND schema_name = $1
                 AND constraint_type = 'FOREIGN KEY' AND referenced_table = $2
                 AND table_name <> $2 ORDER BY ALL",
            &[Value::Text(duckdb_schema(&name.schema).to_owned()), Value::Text(name.table.clone())],
        )?;
        Ok(rows.iter().map(|row| TableName::new(name.schema.clone(), text(row, 0))).collect())
    }
}

impl Existing {
    /// Gives each constraint its name: the kept one, or PostgreSQL's own for it.
    fn name_constraints(&mut self) {
        let notes: Vec<(ConstraintKind, Vec<String>, String)> = self
            .constraints
            .iter()
            .filter_map(|c| {
                let (kind, name) = key_note(&c.check)?;
                Some((kind, c.columns.clone(), name))
            })
            .collect();
        let table = self.name.table.clone();
        let mut taken: Vec<String> = Vec::new();
        for constraint in &mut self.constraints {
            let kept = match constraint.kind {
                ConstraintKind::Check => kept_check_name(&constraint.check),
                kind => notes
                    .iter()
                    .find(|(of, columns, _)| *of == kind && same(columns, &constraint.columns))
                    .map(|(_, _, name)| name.clone()),
            };
            let usual = usual_name(constraint.kind, &table, &constraint.columns);
            let name = kept.unwrap_or_else(|| free(&usual, &taken));
            if !constraint.hidden {
                taken.push(name.clone());
            }
            constraint.name = name;
        }
    }

    /// Adds a constraint that a client wrote, under its name or PostgreSQL's own for it.
    pub(super) fn add(&mut self, shape: &ConstraintShape) -> Result<String> {
        let taken: Vec<String> = self.names().cloned().collect();
        let usual = usual_name(shape.kind, &self.name.table, &shape.columns);
        let name = match &shape.name {
            Some(name) if taken.contains(name) => {
                return Err(Error::new(
                    SqlState::DUPLICATE_OBJECT,
                    format!(
                        "constraint \"{name}\" for relation \"{}\" already exists",
                        self.name.table
                    ),
                ));
            }
            Some(name) => name.clone(),
            None => free(&usual, &taken),
        };
        let known = |column: &&String| !self.columns.iter().any(|c| c.name == **column);
        if let Some(column) = shape.columns.iter().find(known) {
            return Err(Error::new(
                SqlState::UNDEFINED_COLUMN,
                if shape.kind == ConstraintKind::Check {
                    format!("column \"{column}\" does not exist")
                } else {
                    format!("column \"{column}\" named in key does not exist")
                },
            ));
        }
        self.constraints.push(Constraint {
            kind: shape.kind,
            name: name.clone(),
            columns: shape.columns.clone(),
            check: if shape.kind == ConstraintKind::Check {
                shape.check_expression(&name)
            } else {
                shape.text.clone()
            },
            referenced: None,
            hidden: false,
        });
        if shape.kind == ConstraintKind::PrimaryKey {
            for column in self.columns.iter_mut().filter(|c| shape.columns.contains(&c.name)) {
                column.not_null = true;
            }
        }
        Ok(name)
    }

    /// Adds the CHECKs of a length and of a declared type, in the place of earlier ones.
    pub(super) fn limit(
        &mut self,
        column: &str,
        limit: Option<&TextLimit>,
        declared: Option<&DeclaredType>,
    ) {
        self.constraints.retain(|constraint| {
            !(constraint.hidden
                && (is_length_limit(&constraint.check) || is_type_note(&constraint.check))
                && constraint.columns == [column.to_owned()])
        });
        let length = limit.map(|limit| length_limit(column, limit));
        let note = declared.map(|declared| declared.note(column));
        self.constraints.extend(length.into_iter().chain(note).map(|check| Constraint {
            kind: ConstraintKind::Check,
            name: String::new(),
            columns: vec![column.to_owned()],
            check,
            referenced: None,
            hidden: true,
        }));
    }

    /// Adds what a column's domain demands.
    pub(super) fn demand(&mut self, column: &str, domain: Option<&Domain>) -> Result<()> {
        for check in domain.map(|domain| domain.column_checks(column)).transpose()?.iter().flatten()
        {
            self.constraints.push(Constraint {
                kind: ConstraintKind::Check,
                name: String::new(),
                columns: vec![column.to_owned()],
                check: check.clone(),
                referenced: None,
                hidden: true,
            });
        }
        Ok(())
    }

    /// The constraints' names.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        let shown = self.constraints.iter().filter(|c| !c.hidden).map(|c| &c.name);
        shown.chain(self.keys.iter().map(|key| &key.name))
    }

    pub(super) fn column(&mut self, name: &str) -> Result<&mut Column> {
        let table = self.name.table.clone();
        self.columns
            .iter_mut()
            .find(|column| column.name == name)
            .ok_or_else(|| undefined_column(name, &table))
    }

    pub(super) fn has_column(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    /// Tells whether it has one of DuckDB's own.
    pub(super) fn has_foreign_key(&self) -> bool {
        self.constraints.iter().any(|c| c.kind == ConstraintKind::ForeignKey)
    }

    /// Tells whether a constraint depends on a column.
    pub(super) fn is_constrained(&self, column: &str) -> bool {
        self.constraints.iter().any(|c| c.columns.iter().any(|name| name == column))
    }

    /// Writes the CREATE TABLE, under another name if one is given.
    pub(super) fn create_sql(&self, name: &TableName) -> String {
        let mut parts: Vec<String> = self.columns.iter().map(Column::sql).collect();
        // Keys with a name of their own get a CHECK that holds it; the old ones are left out.
        let is_temporary = name.schema == TEMPORARY_SCHEMA;
        for constraint in self.constraints.iter().filter(|c| key_note(&c.check).is_none()) {
            // DuckDB's own keys become ours.
            if constraint.referenced.is_some() && !is_temporary {
                continue;
            }
            parts.push(constraint.sql());
            let usual = usual_name(constraint.kind, &name.table, &constraint.columns);
            if constraint.kind != ConstraintKind::Check && constraint.name != usual {
                parts.push(format!(
                    "CHECK ({})",
                    key_name_note(constraint.kind, &constraint.name, &constraint.columns)
                ));
            }
        }
        let parts = parts.join(", ");
        if is_temporary {
            return format!("CREATE TEMP TABLE {} ({parts})", quote_ident(&name.table));
        }
        format!("CREATE TABLE {} ({parts})", duckdb_table(name))
    }
}

impl Column {
    fn sql(&self) -> String {
        let mut sql = format!("{} {}", quote_ident(&self.name), self.data_type);
        if self.not_null {
            sql.push_str(" NOT NULL");
        }
        if let Some(default) = &self.default {
            sql.push_str(&format!(" DEFAULT ({default})"));
        }
        sql
    }
}

impl Constraint {
    fn sql(&self) -> String {
        let list = |names: &[String]| {
            names.iter().map(|name| quote_ident(name)).collect::<Vec<_>>().join(", ")
        };
        match self.kind {
            ConstraintKind::Check => format!("CHECK ({})", self.check),
            ConstraintKind::PrimaryKey => format!("PRIMARY KEY ({})", list(&self.columns)),
            ConstraintKind::Unique => format!("UNIQUE ({})", list(&self.columns)),
            ConstraintKind::ForeignKey => {
                format!("FOREIGN KEY ({}) REFERENCES {}", list(&self.columns), self.check)
            }
        }
    }
}

impl Index {
    /// Writes the CREATE INDEX for a table.
    pub(super) fn create_sql(&self, table: &TableName) -> String {
        format!(
            "CREATE {}INDEX {} ON {} ({})",
            if self.unique { "UNIQUE " } else { "" },
            quote_ident(&self.name),
            duckdb_table(table),
            self.parts.join(", ")
        )
    }
}

/// PostgreSQL's name for a constraint that was given none.
pub(super) fn usual_name(kind: ConstraintKind, table: &str, columns: &[String]) -> String {
    match kind {
        ConstraintKind::PrimaryKey => generated_name(table, "", "pkey"),
        ConstraintKind::Unique => generated_name(table, &columns.join("_"), "key"),
        ConstraintKind::ForeignKey => generated_name(table, &columns.join("_"), "fkey"),
        ConstraintKind::Check => check_name(table, columns),
    }
}

fn free(usual: &str, taken: &[String]) -> String {
    let mut name = usual.to_owned();
    let mut number = 0;
    while taken.contains(&name) {
        number += 1;
        name = format!("{usual}{number}");
    }
    name
}

fn same(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|column| b.contains(column))
}

/// Reads the text of an `error('…')` inside a CHECK that begins with `code`.
fn error_text<'a>(check: &'a str, code: &str) -> Option<&'a str> {
    let (_, rest) = check.split_once(&format!("('{code}"))?;
    rest.split_once("')").map(|(text, _)| text)
}

fn kept_check_name(check: &str) -> Option<String> {
    error_text(check, CHECK_NAME_CODE).map(|name| name.replace("''", "'"))
}

fn key_note(check: &str) -> Option<(ConstraintKind, String)> {
    let (kind, name) = error_text(check, KEY_NAME_CODE)?.split_once(' ')?;
    let kind = match kind {
        "p" => ConstraintKind::PrimaryKey,
        "u" => ConstraintKind::Unique,
        _ => ConstraintKind::ForeignKey,
    };
    Some((kind, name.replace("''", "'")))
}

fn is_length_limit(check: &str) -> bool {
    error_text(check, "[22001] value too long").is_some()
}

fn is_type_note(check: &str) -> bool {
    error_text(check, TYPE_CODE).is_some()
}

fn is_of_domain(check: &str) -> bool {
    kept_check_name(check).is_some_and(|name| name.starts_with(DOMAIN_CHECK))
}

fn text(row: &[String], place: usize) -> String {
    row.get(place).cloned().unwrap_or_default()
}

fn some(row: &[String], place: usize) -> Option<String> {
    Some(text(row, place)).filter(|text| !text.is_empty())
}

fn split(text: &str) -> Vec<String> {
    if text.is_empty() { Vec::new() } else { text.split(SEPARATOR).map(str::to_owned).collect() }
}

fn column(row: &[String]) -> Column {
    Column {
        name: text(row, 0),
        data_type: text(row, 1),
        not_null: text(row, 2) == "false",
        default: some(row, 3).filter(|default| default != "NULL"),
        comment: some(row, 4),
    }
}

fn constraint(row: &[String], table: &TableName) -> Option<Constraint> {
    let kind = match row.first()?.as_str() {
        "PRIMARY KEY" => ConstraintKind::PrimaryKey,
        "UNIQUE" => ConstraintKind::Unique,
        "CHECK" => ConstraintKind::Check,
        "FOREIGN KEY" => ConstraintKind::ForeignKey,
        _ => return None,
    };
    let check = text(row, 2);
    let hidden = is_length_limit(&check)
        || is_type_note(&check)
        || key_note(&check).is_some()
        || is_of_domain(&check);
    let referenced = some(row, 3)
        .map(|other| (TableName::new(table.schema.clone(), other), split(&text(row, 4))));
    let mut columns: Vec<String> = Vec::new();
    // A CHECK's columns stand there as often as it names them.
    for column in split(&text(row, 1)) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    Some(Constraint { kind, name: String::new(), columns, check, referenced, hidden })
}

fn index(row: &[String]) -> Index {
    let part = |part: String| {
        if part.starts_with('(') || part.starts_with('"') { part } else { quote_ident(&part) }
    };
    Index {
        name: text(row, 0),
        unique: text(row, 1) == "true",
        comment: some(row, 2),
        parts: split(&text(row, 3)).into_iter().map(part).collect(),
    }
}

/// The columns of an index that has no expressions.
pub(super) fn column_key(index: &Index) -> Option<Vec<String>> {
    let column = |part: &String| {
        let inner = part.strip_prefix('"')?.strip_suffix('"')?;
        Some(inner.replace("\"\"", "\""))
    };
    index.parts.iter().map(column).collect()
}

pub(super) fn undefined_constraint(name: &str, table: &Existing) -> Error {
    Error::new(
        SqlState::UNDEFINED_OBJECT,
        format!("constraint \"{name}\" of relation \"{}\" does not exist", table.name.table),
    )
}

pub(super) fn undefined_column(column: &str, table: &str) -> Error {
    Error::new(
        SqlState::UNDEFINED_COLUMN,
        format!("column \"{column}\" of relation \"{table}\" does not exist"),
    )
}

impl Constraint {
    /// Gives the constraint another name.
    pub(super) fn rename(&mut self, to: &str) {
        if self.kind == ConstraintKind::Check {
            let to = to.replace('\'', "''");
            self.check = match error_text(&self.check, CHECK_NAME_CODE) {
                Some(from) => self.check.replacen(
                    &format!("('{CHECK_NAME_CODE}{from}')"),
                    &format!("('{CHECK_NAME_CODE}{to}')"),
                    1,
                ),
                None => format!(
                    "CASE WHEN coalesce(({}), true) THEN true \
                     ELSE error('{CHECK_NAME_CODE}{to}') END",
                    self.check
                ),
            };
        }
        to.clone_into(&mut self.name);
    }
}
