//! What the server computes for the system catalog: the rows of `teatree_sessions()` and its like,
//! over which `sql/` defines `pg_stat_activity`, `teatree.intents` and others.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::own_tables;
use crate::algorithm::Algorithms;
use crate::config::Config;
use crate::dataset::{DatasetStore, Manifest};
use crate::engine::duckdb::{Pages, SystemFunction, SystemTable};
use crate::error::{Error, Result};
use crate::ids::IntentSeq;
use crate::intent::{IntentLog, IntentRow, IntentStats};
use crate::pipeline::{PipelineRow, Registry};
use crate::session::{Activity, CopyProgress, Entry, Shown};
use crate::types::PgType;
use crate::version::{VersionManifest, VersionStore};

/// Intents that are read at once for `teatree.intents`.
const INTENTS_PAGE: usize = 2048;

pub(super) fn all(
    config: &Config,
    activity: &Arc<Activity>,
    log: &Arc<IntentLog>,
    datasets: &Arc<DatasetStore>,
    versions: &Arc<VersionStore>,
    pipelines: &Arc<Registry>,
    algorithms: &Algorithms,
) -> Vec<SystemTable> {
    vec![
        sessions(config, Arc::clone(activity)),
        copies(Arc::clone(activity)),
        own_tables::advisory_locks(activity.advisory_locks()),
        own_tables::settings(Arc::clone(activity)),
        own_tables::prepared(Arc::clone(activity)),
        own_tables::cursors(Arc::clone(activity)),
        intents(Arc::clone(log)),
        intent_stats(Arc::clone(log)),
        dataset_rows(Arc::clone(datasets)),
        dataset_columns(Arc::clone(datasets)),
        version_rows(Arc::clone(versions)),
        pipeline_rows(Arc::clone(pipelines)),
        own_tables::algorithms(algorithms),
        own_tables::steps(Arc::clone(algorithms.runs())),
    ]
}

/// The functions that act on a session.
pub(super) fn functions(activity: &Arc<Activity>) -> Vec<SystemFunction> {
    let function = |name, act: fn(&Activity, i32) -> bool| {
        let activity = Arc::clone(activity);
        SystemFunction { name, run: Arc::new(move |pid| act(&activity, pid)) }
    };
    vec![
        function("teatree_cancel_backend", Activity::cancel_backend),
        function("teatree_terminate_backend", Activity::terminate_backend),
    ]
}

/// A table of `T`s: each column has a name, a type and a way to be made of all rows.
pub(super) struct Columns<T> {
    fields: Vec<Field>,
    make: Vec<Box<dyn Fn(&[T]) -> ArrayRef + Send + Sync>>,
}

impl<T: 'static> Columns<T> {
    pub(super) fn new() -> Columns<T> {
        Columns { fields: Vec::new(), make: Vec::new() }
    }

    fn add<A: Array + 'static>(
        mut self,
        name: &str,
        kind: DataType,
        make: impl Fn(&[T]) -> A + Send + Sync + 'static,
    ) -> Self {
        self.fields.push(Field::new(name, kind, true));
        self.make.push(Box::new(move |rows| Arc::new(make(rows))));
        self
    }

    pub(super) fn text(
        self,
        name: &str,
        of: impl Fn(&T) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.add(name, DataType::Utf8, move |rows| rows.iter().map(&of).collect::<StringArray>())
    }

    pub(super) fn int(
        self,
        name: &str,
        of: impl Fn(&T) -> Option<i32> + Send + Sync + 'static,
    ) -> Self {
        self.add(name, DataType::Int32, move |rows| rows.iter().map(&of).collect::<Int32Array>())
    }

    fn oid(self, name: &str, of: impl Fn(&T) -> u32 + Send + Sync + 'static) -> Self {
        self.add(name, DataType::UInt32, move |rows| {
            UInt32Array::from_iter_values(rows.iter().map(&of))
        })
    }

    pub(super) fn bigint(
        self,
        name: &str,
        of: impl Fn(&T) -> Option<u64> + Send + Sync + 'static,
    ) -> Self {
        let signed = move |row: &T| of(row).map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        self.add(name, DataType::Int64, move |rows| {
            rows.iter().map(&signed).collect::<Int64Array>()
        })
    }

    fn ubigint(self, name: &str, of: impl Fn(&T) -> u64 + Send + Sync + 'static) -> Self {
        self.add(name, DataType::UInt64, move |rows| {
            UInt64Array::from_iter_values(rows.iter().map(&of))
        })
    }

    pub(super) fn boolean(
        self,
        name: &str,
        of: impl Fn(&T) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.add(name, DataType::Boolean, move |rows| {
            rows.iter().map(|row| Some(of(row))).collect::<BooleanArray>()
        })
    }

    pub(super) fn time(
        self,
        name: &str,
        of: impl Fn(&T) -> Option<i64> + Send + Sync + 'static,
    ) -> Self {
        let kind = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        self.add(name, kind, move |rows| {
            rows.iter().map(&of).collect::<TimestampMicrosecondArray>().with_timezone("UTC")
        })
    }

    pub(super) fn table(
        self,
        name: &'static str,
        gather: impl Fn() -> Result<Vec<T>> + Send + Sync + 'static,
    ) -> SystemTable {
        let gather = Arc::new(gather);
        self.paged(name, move || {
            let gather = Arc::clone(&gather);
            std::iter::once_with(move || gather())
        })
    }

    /// Makes a table of more rows than should be computed at once.
    fn paged<I>(
        self,
        name: &'static str,
        begin: impl Fn() -> I + Send + Sync + 'static,
    ) -> SystemTable
    where
        I: Iterator<Item = Result<Vec<T>>> + Send + 'static,
    {
        let schema: SchemaRef = Arc::new(Schema::new(self.fields));
        let (made, make) = (Arc::clone(&schema), Arc::new(self.make));
        let pages = move || -> Pages {
            let (schema, make) = (Arc::clone(&made), Arc::clone(&make));
            Box::new(begin().map(move |rows| {
                let rows = rows?;
                let arrays = make.iter().map(|make| make(&rows)).collect();
                RecordBatch::try_new(Arc::clone(&schema), arrays)
                    .map_err(|error| Error::internal(format!("{name}: {error}")))
            }))
        };
        SystemTable { name, schema, pages: Arc::new(pages) }
    }
}

fn sessions(config: &Config, activity: Arc<Activity>) -> SystemTable {
    let database = config.database.clone();
    Columns::<(Arc<Entry>, Shown)>::new()
        .text("datname", move |_| Some(database.clone()))
        .int("pid", |(entry, _)| Some(entry.pid))
        .text("usename", |(entry, _)| Some(entry.user.clone()))
        .text("application_name", |(_, shown)| Some(shown.application_name.clone()))
        .text("client_addr", |(entry, _)| Some(entry.address.ip().to_string()))
        .int("client_port", |(entry, _)| Some(i32::from(entry.address.port())))
        .time("backend_start", |(entry, _)| Some(entry.started_us))
        .time("xact_start", |(_, shown)| shown.transaction_us)
        .time("query_start", |(_, shown)| shown.query_us)
        .time("state_change", |(_, shown)| shown.changed_us)
        .text("wait_event_type", |(_, shown)| waits(shown).map(|_| "Client".to_owned()))
        .text("wait_event", |(_, shown)| waits(shown).map(|_| "ClientRead".to_owned()))
        .text("state", |(_, shown)| Some(shown.state.to_owned()))
        .text("query", |(_, shown)| Some(shown.query.clone()))
        .table("teatree_sessions", move || Ok(activity.list()))
}

fn copies(activity: Arc<Activity>) -> SystemTable {
    let table = |copy: &CopyProgress| copy.table.clone();
    Columns::<(i32, Arc<CopyProgress>)>::new()
        .int("pid", |(pid, _)| Some(*pid))
        .text("schema_name", move |(_, copy)| Some(table(copy)?.schema))
        .text("table_name", move |(_, copy)| Some(table(copy)?.table))
        .text("command", |(_, copy)| Some(copy.command.to_owned()))
        .bigint("bytes_processed", |(_, copy)| Some(copy.bytes()))
        .bigint("tuples_processed", |(_, copy)| Some(copy.rows()))
        .bigint("tuples_excluded", |(_, copy)| Some(copy.excluded()))
        .table("teatree_copies", move || {
            let sessions = activity.list().into_iter();
            Ok(sessions.filter_map(|(entry, _)| Some((entry.pid, entry.copy()?))).collect())
        })
}

/// A session that runs nothing waits for its client.
fn waits(shown: &Shown) -> Option<()> {
    shown.state.starts_with("idle").then_some(())
}

fn intents(log: Arc<IntentLog>) -> SystemTable {
    Columns::<IntentRow>::new()
        .ubigint("seq", |row| row.seq.0)
        .text("state", |row| Some(row.state.as_str().to_owned()))
        .text("kind", |row| Some(row.kind.clone()))
        .text("statement", |row| Some(row.statement.clone()))
        .text("storage", |row| row.storage.map(|storage| storage.as_str().to_owned()))
        .text("table_name", |row| row.table.as_ref().map(ToString::to_string))
        .text("tag", |row| row.tag.clone())
        .bigint("rows", |row| row.rows)
        .text("sqlstate", |row| row.sqlstate.map(|code| code.to_string()))
        .text("message", |row| row.message.clone())
        .time("accepted_at", |row| Some(row.accepted_at_us))
        .time("durable_at", |row| row.durable_at_us)
        .time("started_at", |row| row.started_at_us)
        .time("applied_at", |row| row.applied_at_us)
        .time("acknowledged_at", |row| row.acknowledged_at_us)
        .text("trace_id", |row| row.trace_id.clone())
        .text("application_name", |row| Some(row.application_name.clone()))
        .text("usename", |row| Some(row.user.clone()))
        .text("idempotency_key", |row| row.idempotency_key.clone())
        .bigint("retry_of", |row| row.retry_of.map(|seq| seq.0))
        .bigint("retried_as", |row| row.retried_as.map(|seq| seq.0))
        .paged("teatree_intents", move || intent_pages(Arc::clone(&log)))
}

/// Reads the intents of this moment, newest first.
fn intent_pages(log: Arc<IntentLog>) -> impl Iterator<Item = Result<Vec<IntentRow>>> + Send {
    let mut from = Some(log.last_durable());
    std::iter::from_fn(move || {
        let page = log.history_from(from.take()?, INTENTS_PAGE);
        if let Ok(rows) = &page {
            let oldest = rows.last()?.seq;
            from = oldest.0.checked_sub(1).map(IntentSeq);
        }
        Some(page)
    })
}

fn pipeline_rows(pipelines: Arc<Registry>) -> SystemTable {
    Columns::<PipelineRow>::new()
        .text("schema_name", |row| Some(row.name.schema.clone()))
        .text("name", |row| Some(row.name.table.clone()))
        .text("refresh", |row| Some(row.refresh.clone()))
        .text("upkeep", |row| Some(row.upkeep.clone()))
        .text("inputs", |row| Some(row.inputs.clone()))
        .boolean("populated", |row| row.populated)
        .boolean("stale", |row| row.stale)
        .bigint("last_input_intent", |row| Some(row.input.0).filter(|seq| *seq > 0))
        .bigint("last_output_intent", |row| Some(row.output.0).filter(|seq| *seq > 0))
        .bigint("lag_intents", |row| Some(row.input.0.saturating_sub(row.output.0)))
        .bigint("lag_ms", |row| u64::try_from(row.lag_ms).ok())
        .text("error", |row| row.error.clone())
        .bigint("failures", |row| Some(u64::from(row.failures)))
        .time("next_retry_at", |row| row.next_try_us)
        .text("kind", |row| Some(row.kind.to_owned()))
        .bigint("runs", |row| row.done.map(|done| done.runs))
        .bigint("rows", |row| row.done.map(|done| done.rows))
        .table("teatree_pipelines", move || Ok(pipelines.rows()))
}

fn intent_stats(log: Arc<IntentLog>) -> SystemTable {
    Columns::<IntentStats>::new()
        .bigint("queued", |stats| Some(stats.queued))
        .bigint("queued_bytes", |stats| Some(stats.queued_bytes))
        .time("oldest_queued_at", |stats| stats.oldest_queued_at_us)
        .bigint("last_durable", |stats| Some(stats.last_durable.0))
        .bigint("applied", |stats| Some(stats.applied))
        .bigint("failed", |stats| Some(stats.failed))
        .add("ended_per_second", DataType::Float64, |rows: &[IntentStats]| {
            Float64Array::from_iter_values(rows.iter().map(|stats| stats.ended_per_second))
        })
        .bigint("history_intents", |stats| Some(stats.history_intents))
        .bigint("history_bytes", |stats| Some(stats.history_bytes))
        .bigint("idempotency_keys", |stats| Some(stats.idempotency_keys))
        .table("teatree_intent_stats", move || Ok(vec![log.stats()?]))
}

/// A dataset's OID: its first intent's place in a range that no other object has.
fn oid_of(manifest: &Manifest) -> u32 {
    const FIRST: u32 = 0x7000_0000;
    const COUNT: u64 = 0x1000_0000;
    FIRST + u32::try_from(manifest.create_seq.0 % COUNT).unwrap_or(0)
}

fn dataset_rows(datasets: Arc<DatasetStore>) -> SystemTable {
    Columns::<Arc<Manifest>>::new()
        .oid("oid", |manifest| oid_of(manifest))
        .text("schema_name", |manifest| Some(manifest.name.schema.clone()))
        .text("table_name", |manifest| Some(manifest.name.table.clone()))
        .bigint("row_count", |manifest| Some(manifest.rows()))
        .bigint("bytes", |manifest| Some(manifest.bytes()))
        .bigint("file_count", |manifest| Some(manifest.parts.len() as u64))
        .table("teatree_datasets", move || Ok(datasets.list()))
}

/// A dataset and the place of one of its columns.
type ColumnPlace = (Arc<Manifest>, usize);

fn dataset_columns(datasets: Arc<DatasetStore>) -> SystemTable {
    let typname = |(manifest, place): &ColumnPlace| match manifest.columns[*place].column.pg_type {
        PgType::Scalar(scalar) => scalar.typname().to_owned(),
        PgType::Array(element) => format!("_{}", element.typname()),
    };
    Columns::<ColumnPlace>::new()
        .oid("table_oid", |(manifest, _)| oid_of(manifest))
        .text("schema_name", |(manifest, _)| Some(manifest.name.schema.clone()))
        .text("table_name", |(manifest, _)| Some(manifest.name.table.clone()))
        .int("column_index", |(_, place)| i32::try_from(place + 1).ok())
        .text("column_name", |(manifest, place)| Some(manifest.columns[*place].column.name.clone()))
        .text("typname", move |column| Some(typname(column)))
        .int("typmod", |(manifest, place)| Some(manifest.columns[*place].column.typmod))
        .boolean("not_null", |(manifest, place)| manifest.columns[*place].not_null)
        .table("teatree_dataset_columns", move || {
            let columns = |manifest: &Arc<Manifest>| {
                let manifest = Arc::clone(manifest);
                (0..manifest.columns.len()).map(move |place| (Arc::clone(&manifest), place))
            };
            Ok(datasets.list().iter().flat_map(columns).collect())
        })
}

fn version_rows(versions: Arc<VersionStore>) -> SystemTable {
    Columns::<Arc<VersionManifest>>::new()
        .ubigint("number", |version| version.number.0)
        .text("file", |version| Some(version.file.clone()))
        .text("note", |version| Some(version.note.clone()))
        .ubigint("intent_seq", |version| version.intent_seq.0)
        .ubigint("bytes", |version| version.bytes)
        .text("sha256", |version| Some(version.sha256.clone()))
        .text("storage_version", |version| Some(version.storage_version.to_string()))
        .time("created_at", |version| {
            let time = chrono::DateTime::parse_from_rfc3339(&version.created_at);
            time.ok().map(|time| time.timestamp_micros())
        })
        .bigint("tables", |version| Some(version.tables.len() as u64))
        .ubigint("rows", |version| version.tables.iter().map(|table| table.rows).sum())
        .table("teatree_versions", move || Ok(versions.list()))
}
