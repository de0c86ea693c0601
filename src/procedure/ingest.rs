//! `CALL teatree.ingest('table', 'file')`: a file from the inbox folder into a table of either
//! storage, made if it is missing.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};

use super::{Procedure, Progress, Stores, Turn, applied, text};
use crate::catalog::duckdb_table;
use crate::dataset::{FileFormat, read_file};
use crate::engine::duckdb::WriteConnection;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::duckdb_column;
use crate::sqlstate::SqlState;
use crate::types::{self, Column, PgType, Value};

/// The folder, below the data folder, that files are taken from.
pub const INBOX_FOLDER: &str = "inbox";

pub(super) struct Ingest;

impl Procedure for Ingest {
    fn name(&self) -> &'static str {
        "ingest"
    }

    fn params(&self) -> &'static [&'static str] {
        &["table", "file"]
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::new("table_name", PgType::TEXT), Column::new("rows", PgType::INT8)]
    }

    fn check(&self, stores: &Stores, args: &[Value]) -> Result<()> {
        let table = table_name(&text(args, 0, "table")?)?;
        if table.schema.starts_with("teatree") {
            return Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied for schema {}", table.schema),
            ));
        }
        let file = inbox_file(stores, &text(args, 1, "file")?)?;
        format_of(&file)?;
        let exists = stores.datasets.contains(&table)
            || stores.duckdb.schemas_blocking()?.contains(&table.schema);
        if !exists {
            return Err(Error::new(
                SqlState::INVALID_SCHEMA_NAME,
                format!("schema \"{}\" does not exist", table.schema),
            ));
        }
        Ok(())
    }

    fn run(&self, stores: &Stores, turn: &mut Turn<'_>, args: &[Value]) -> Result<Progress> {
        let table = table_name(&text(args, 0, "table")?)?;
        let file = inbox_file(stores, &text(args, 1, "file")?)?;
        let rows = if stores.datasets.contains(&table) {
            into_dataset(stores, turn, &table, &file)?
        } else {
            turn.insertion(&table, |connection| into_duckdb(connection, &table, &file))?
        };
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let schema = Schema::new(vec![
            Field::new("table_name", DataType::Utf8, false),
            Field::new("rows", DataType::Int64, false),
        ]);
        let batch = RecordBatch::try_new(
            Arc::new(schema),
            vec![
                Arc::new(StringArray::from(vec![table.to_string()])),
                Arc::new(Int64Array::from(vec![rows])),
            ],
        )
        .map_err(|error| Error::internal(error.to_string()))?;
        applied(self.columns(), &batch).map(Progress::Done)
    }
}

fn table_name(text: &str) -> Result<TableName> {
    let parts: Vec<&str> = text.split('.').collect();
    match parts.as_slice() {
        [table] if !table.is_empty() => Ok(TableName::new("public", *table)),
        [schema, table] if !schema.is_empty() && !table.is_empty() => {
            Ok(TableName::new(*schema, *table))
        }
        _ => Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("\"{text}\" is no table name"),
        )),
    }
}

/// Resolves a file's name inside the inbox. Symbolic links must not lead out of it.
fn inbox_file(stores: &Stores, name: &str) -> Result<PathBuf> {
    let outside = || {
        Error::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("file \"{name}\" is not in the inbox folder"),
        )
        .with_hint("Give a path relative to the inbox, without \"..\".")
    };
    let relative = Path::new(name);
    if name.is_empty() || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(outside());
    }
    let inbox = stores
        .data_dir
        .join(INBOX_FOLDER)
        .canonicalize()
        .map_err(|error| Error::io("could not open the inbox folder", &error))?;
    let file = inbox.join(relative).canonicalize().map_err(|_| {
        Error::new(
            SqlState::UNDEFINED_FILE,
            format!("could not open file \"{name}\" in the inbox: no such file"),
        )
    })?;
    if !file.starts_with(&inbox) {
        return Err(outside());
    }
    if !file.is_file() {
        return Err(Error::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("\"{name}\" in the inbox is not a file"),
        ));
    }
    Ok(file)
}

fn format_of(file: &Path) -> Result<FileFormat> {
    FileFormat::of(file).ok_or_else(|| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("the format of file \"{name}\" is not known"),
        )
        .with_hint(
            "Names end in .csv, .parquet, .arrow, .arrows, .ipc, .feather, .jsonl or .ndjson.",
        )
    })
}

fn into_dataset(
    stores: &Stores,
    turn: &mut Turn<'_>,
    table: &TableName,
    file: &Path,
) -> Result<u64> {
    let pinned = stores
        .datasets
        .pin(table)
        .ok_or_else(|| Error::internal("the dataset is gone in its own turn"))?;
    let content = read_file(file, format_of(file)?)?;
    let schema = types::storage_schema(pinned.columns.iter().map(|column| &column.column))?;
    let order = order_of(&content.columns, pinned.columns.iter().map(|c| c.column.name.as_str()))?;
    drop(pinned);
    let mut batches = content.batches.map(move |batch| {
        let batch = batch?;
        let chosen = batch
            .project(&order)
            .map_err(|error| Error::internal(format!("columns of a file: {error}")))?;
        types::cast_batch(&chosen, Arc::clone(&schema))
    });
    let count = stores.datasets.append(turn.seq, table, &mut batches)?;
    turn.moved.inputs.insert(table.clone());
    Ok(count)
}

/// Finds for each of the table's columns the file's column of the same name.
fn order_of<'a>(columns: &[Column], wanted: impl Iterator<Item = &'a str>) -> Result<Vec<usize>> {
    let order: Vec<usize> = wanted
        .map(|name| {
            columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)).ok_or_else(
                || {
                    Error::new(
                        SqlState::UNDEFINED_COLUMN,
                        format!("the file has no column \"{name}\""),
                    )
                },
            )
        })
        .collect::<Result<_>>()?;
    match columns.iter().enumerate().find(|(index, _)| !order.contains(index)) {
        Some((_, extra)) => Err(Error::new(
            SqlState::UNDEFINED_COLUMN,
            format!("the table has no column \"{}\", which the file has", extra.name),
        )),
        None => Ok(order),
    }
}

fn into_duckdb(connection: &mut WriteConnection, table: &TableName, file: &Path) -> Result<u64> {
    let name = duckdb_table(table);
    let exists = connection.has_table(table)?;
    let path = file.to_string_lossy().replace('\'', "''");
    let source = match format_of(file)? {
        FileFormat::Csv => format!("read_csv('{path}')"),
        FileFormat::Parquet => format!("read_parquet('{path}')"),
        FileFormat::JsonLines => format!("read_json('{path}', format = 'newline_delimited')"),
        FileFormat::Arrow => return arrow_into_duckdb(connection, table, &name, exists, file),
    };
    let sql = if exists {
        format!("INSERT INTO {name} BY NAME SELECT * FROM {source}")
    } else {
        format!("CREATE TABLE {name} AS SELECT * FROM {source}")
    };
    // The file is the caller's: that it cannot be read is no fault of the server's disk.
    let changed = connection.execute(&sql, &[], 1).map_err(|error| match error.code() {
        SqlState::IO_ERROR => Error::new(SqlState::BAD_COPY_FILE_FORMAT, error.message()),
        _ => error,
    })?;
    if exists { Ok(changed.rows) } else { connection.count(&name) }
}

/// DuckDB reads no Arrow files by itself: their rows go through the Appender.
fn arrow_into_duckdb(
    connection: &mut WriteConnection,
    table: &TableName,
    name: &str,
    exists: bool,
    file: &Path,
) -> Result<u64> {
    let mut content = read_file(file, FileFormat::Arrow)?;
    if !exists {
        let columns = content.columns.iter().map(duckdb_column).collect::<Result<Vec<_>>>()?;
        connection.run(&format!("CREATE TABLE {name} ({})", columns.join(", ")))?;
    }
    let columns: Vec<String> = content.columns.iter().map(|column| column.name.clone()).collect();
    connection.append(table, &columns, &mut content.batches)
}
