//! `CALL teatree.publish_version('note')`: the data of this moment as a numbered DuckDB file.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};

use super::{Procedure, Progress, Stores, Turn, applied, text};
use crate::engine::duckdb::{inspect_file, settle_file};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType, Value};
use crate::version::{TableRows, VersionManifest};

pub(super) struct PublishVersion;

impl Procedure for PublishVersion {
    fn name(&self) -> &'static str {
        "publish_version"
    }

    fn params(&self) -> &'static [&'static str] {
        &["note"]
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::new("version", PgType::INT8),
            Column::new("file", PgType::TEXT),
            Column::new("bytes", PgType::INT8),
            Column::new("tables", PgType::INT8),
            Column::new("rows", PgType::INT8),
        ]
    }

    fn check(&self, _: &Stores, args: &[Value]) -> Result<()> {
        text(args, 0, "note").map(|_| ())
    }

    /// The clone needs the Writer's turn, as nothing may write to the file meanwhile; opening,
    /// counting and hashing it do not.
    fn run(&self, stores: &Stores, turn: &mut Turn<'_>, args: &[Value]) -> Result<Progress> {
        let note = text(args, 0, "note")?;
        let seq = turn.seq;
        turn.pass()?;
        let (prepared, settled) = match turn.connection.checkpoint() {
            Ok(()) => (stores.versions.prepare(stores.duckdb.file())?, true),
            Err(error) if error.code() == SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE => {
                (stores.versions.prepare_with_wal(stores.duckdb.file())?, false)
            }
            Err(error) => return Err(error),
        };
        let versions = Arc::clone(&stores.versions);
        let columns = self.columns();
        Ok(Progress::Later(Box::new(move || {
            if !settled {
                settle_file(prepared.path())?;
            }
            let manifest = versions.publish(prepared, &note, seq, |path| {
                let counts = inspect_file(path)?;
                let own = ["teatree", "teatree_internal"];
                let tables =
                    counts.into_iter().filter(|(name, _)| !own.contains(&name.schema.as_str()));
                Ok(tables
                    .map(|(name, rows)| TableRows { schema: name.schema, name: name.table, rows })
                    .collect())
            })?;
            applied(columns, &row(&manifest)?)
        })))
    }
}

fn row(manifest: &VersionManifest) -> Result<RecordBatch> {
    let int = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let field = |name: &str, kind| Field::new(name, kind, false);
    let schema = Schema::new(vec![
        field("version", DataType::Int64),
        field("file", DataType::Utf8),
        field("bytes", DataType::Int64),
        field("tables", DataType::Int64),
        field("rows", DataType::Int64),
    ]);
    let rows = manifest.tables.iter().map(|table| table.rows).sum();
    RecordBatch::try_new(
        Arc::new(schema),
        vec![
            Arc::new(Int64Array::from(vec![int(manifest.number.0)])),
            Arc::new(StringArray::from(vec![manifest.file.clone()])),
            Arc::new(Int64Array::from(vec![int(manifest.bytes)])),
            Arc::new(Int64Array::from(vec![int(manifest.tables.len() as u64)])),
            Arc::new(Int64Array::from(vec![int(rows)])),
        ],
    )
    .map_err(|error| Error::internal(error.to_string()))
}
