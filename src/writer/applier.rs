//! A change of DuckDB inside an open transaction: what the stream and the lanes have in common.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;

use super::Targets;
use super::define::{Anew, Definer, GivenRows};
use super::drawing::{Drawing, DrawnRows};
use super::dropped::Beside;
use super::recovered::must_be_kept;
use crate::catalog;
use crate::engine::duckdb::WriteConnection;
use crate::error::{Error, Result};
use crate::fail_point::{self, Point};
use crate::ids::TableName;
use crate::intent::{
    Applied, Body, Intent, Origin, ResultSet, RowsAt, TagKind, ValuesTarget, ViewRows,
};
use crate::pipeline::Upkeep;
use crate::sqlstate::SqlState;
use crate::types::{self, Column, Value};

/// Batches read from an intent's rows.
pub(super) type Batches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// A connection that changes the DuckDB file. The caller begins and ends its transactions.
pub(super) struct Applier {
    pub(super) connection: WriteConnection,
    pub(super) targets: Arc<Targets>,
    /// What views have followed of the transaction that is open.
    pub(super) upkeep: Upkeep,
    /// The transaction has changed definitions that views depend on.
    pub(super) redefined: bool,
    /// How many rows the last refresh has given.
    pub(super) refreshed: u64,
    /// Asks that an append be stopped at its next batch.
    pub(super) stop: Arc<AtomicBool>,
    /// Which tables are made anew before they are altered.
    pub(super) anew: Anew,
    /// What the stream drops, where the transaction is beside it.
    pub(super) beside: Option<Beside>,
    /// Views that were dropped since somebody asked.
    pub(super) dropped: Vec<TableName>,
    /// The place of the change that a procedure was about to make.
    pub(super) failed_in: usize,
}

impl Applier {
    pub(super) fn new(targets: Arc<Targets>, connection: WriteConnection) -> Applier {
        let upkeep = targets.pipelines.upkeep(false);
        Applier {
            connection,
            targets,
            upkeep,
            redefined: false,
            refreshed: 0,
            stop: Arc::default(),
            anew: Anew::These(BTreeSet::new()),
            beside: None,
            dropped: Vec::new(),
            failed_in: 0,
        }
    }

    /// Applies an intent's change of DuckDB inside the transaction that is open. The outcome of one
    /// with an idempotency key becomes a part of the transaction, unless its body tells it.
    pub(super) fn apply_intent(&mut self, intent: &Intent) -> Result<Applied> {
        self.refuse_known(&intent.body)?;
        self.upkeep.intent = Some(intent.seq);
        let applied = self.apply(&intent.origin, &intent.body)?;
        self.upkeep.check_broken_keys(&mut self.connection, |_| true)?;
        self.write_down(intent.seq, &intent.body)?;
        if must_be_kept(intent) {
            let kept = applied.to_bytes(self.targets.kept_rows_bytes_max)?;
            let known = self.targets.log.outcomes_synced_before();
            self.connection.keep_outcome(intent.seq, kept, known)?;
        }
        Ok(applied)
    }

    /// Applies a change of DuckDB inside the transaction that is open, and prepares the views that
    /// follow it, or lets them.
    pub(super) fn apply(&mut self, origin: &Origin, body: &Body) -> Result<Applied> {
        fail_point::pass(Point::DuckDbBeforeApply)?;
        let around = self.before(origin, body)?;
        self.note_deleted(body);
        let applied = self.change(origin, body)?;
        self.after(around)?;
        Ok(applied)
    }

    fn change(&mut self, origin: &Origin, body: &Body) -> Result<Applied> {
        match body {
            Body::Statement { sql, params, table, tag, returning, draws, .. } => {
                if let TagKind::Fixed(tag) = tag {
                    self.refuse_taken_name(tag, table.as_ref())?;
                }
                self.connection.adopt(&origin.time_zone, &origin.search_path)?;
                let rows_max = self.targets.outcome_rows_max;
                if let (TagKind::Fixed(_), true) = (tag, params.is_empty()) {
                    // DDL, which may be several statements for DuckDB.
                    self.connection.run(sql)?;
                    return Ok(applied(tag, 0));
                }
                let told = draws.iter().any(|draw| draw.column.is_some());
                if told {
                    let drawing = Drawing { draws, shows: *returning, rows_max };
                    return self.apply_drawing(sql, params, tag, &drawing);
                }
                let changed = self.connection.execute(sql, params, rows_max)?;
                let rows = match (tag, table) {
                    // DuckDB does not tell how many rows CREATE TABLE AS has made.
                    (TagKind::Select, Some(table)) => self.connection.count_table(table)?,
                    _ => changed.rows,
                };
                let mut done = applied(tag, rows);
                if let (Some((columns, schema, batches)), true) = (changed.returned, *returning) {
                    done.result = Some(ResultSet::new(columns, &schema, &batches)?);
                }
                Ok(done)
            }
            Body::Rows { .. } => self.append_rows(body),
            Body::Values(values) => {
                let drawn = self.append_values(&values.target, values.rows.iter())?;
                let mut done = applied(&TagKind::Insert, values.rows.len() as u64);
                done.drawn = drawn.last_of(values.rows.len());
                Ok(done)
            }
            Body::Define { .. } => self.define(origin, body),
            Body::Batch { bodies, .. } => self.apply_all(origin, bodies),
            Body::Export(export) => {
                let Origin { time_zone, search_path, .. } = origin;
                self.connection.adopt(time_zone, search_path)?;
                let sql = &export.sql;
                let rows = self.upkeep.export(&mut self.connection, export, sql, time_zone)?;
                Ok(applied(&TagKind::Copy, rows))
            }
            Body::Notify { sql, params } => {
                self.connection.adopt(&origin.time_zone, &origin.search_path)?;
                self.upkeep.notify(&mut self.connection, sql, params)?;
                Ok(applied(&TagKind::Fixed("NOTIFY".to_owned()), 0))
            }
            Body::Dataset(_)
            | Body::Call { .. }
            | Body::Compute(_)
            | Body::Deliver(_)
            | Body::Transaction { .. } => Err(Error::internal("not a change of DuckDB")),
        }
    }

    fn note_deleted(&self, body: &Body) {
        let Targets { deleted, duckdb, pipelines, .. } = &*self.targets;
        deleted.note(duckdb, &pipelines.graph(), body);
    }

    fn seen_deleted(&self) -> BTreeSet<TableName> {
        // A session's transaction is counted itself.
        let own = usize::from(self.beside.is_some());
        self.targets.deleted.tables(&self.targets.duckdb, own)
    }

    /// Changes definitions.
    fn define(&mut self, origin: &Origin, body: &Body) -> Result<Applied> {
        let Body::Define { changes, table, tag, computed } = body else {
            return Err(Error::internal("no definitions to change"));
        };
        if let TagKind::Fixed(tag) = tag {
            self.refuse_taken_name(tag, table.as_ref())?;
        }
        self.connection.adopt(&origin.time_zone, &origin.search_path)?;
        let rows_max = self.targets.outcome_rows_max;
        let mut done = applied(tag, 0);
        for change in changes {
            let copied = self.seen_deleted();
            let mut definer = Definer::new(&mut self.connection, rows_max);
            definer.anew = self.anew.clone();
            definer.copied = copied;
            definer.beside = self.beside.clone();
            if let Some(ViewRows { storage, rows, .. }) = computed.as_deref() {
                let (schema, batches) = self.targets.batches_of(rows)?;
                definer.given = Some(GivenRows { storage: storage.clone(), schema, batches });
            }
            done.result = definer.apply(change)?;
            done.rows = definer.rows;
            self.refreshed = definer.rows;
            self.dropped.append(&mut definer.dropped);
            done.tag = tag.tag(done.rows);
        }
        Definer::new(&mut self.connection, rows_max).check_replaced(changes)?;
        if let Some(result) = &done.result {
            done.rows = result.rows()?;
            done.tag = tag.tag(done.rows);
        }
        Ok(done)
    }

    /// Applies the changes that a procedure makes; the last one's rows are what it gives.
    fn apply_all(&mut self, origin: &Origin, bodies: &[Body]) -> Result<Applied> {
        let mut done = Applied::default();
        let mut drawn = Vec::new();
        for (place, body) in bodies.iter().enumerate() {
            self.failed_in = place;
            // What it reads may be a view of what an earlier one has changed.
            self.upkeep.finish(&mut self.connection)?;
            done = self.apply(origin, body)?;
            drawn.append(&mut done.drawn);
        }
        let rows = if done.result.is_some() { done.rows } else { 0 };
        Ok(Applied { tag: "CALL".to_owned(), rows, drawn, ..done })
    }

    /// Appends an intent's rows to a DuckDB table, which may be made first.
    fn append_rows(&mut self, body: &Body) -> Result<Applied> {
        let Body::Rows { table, columns, rows, tag, create, draws, replaces, .. } = body else {
            return Err(Error::internal("no rows to append"));
        };
        if let Some(create) = create {
            self.refuse_taken_name("CREATE TABLE", Some(table))?;
            self.connection.run(create)?;
        }
        if *replaces {
            self.connection.run(&format!("DELETE FROM {}", catalog::duckdb_table(table)))?;
        }
        let (schema, mut batches) = self.targets.batches_of(rows)?;
        let is_temporary = table.schema == catalog::TEMPORARY_SCHEMA;
        let count = if is_temporary || matches!(rows, RowsAt::Staged { .. }) {
            let stop = Arc::clone(&self.stop);
            let batches = Box::new(batches.map(move |batch| {
                let stopped = stop.load(Ordering::Relaxed);
                if stopped { Err(Error::canceled("user request")) } else { batch }
            }));
            self.connection.append_stream(table, columns, schema, batches)?
        } else if draws.iter().any(|draw| draw.column.is_some()) {
            let batches = batches.collect::<Result<Vec<_>>>()?;
            return self.append_drawing(table, columns, batches, tag, draws);
        } else {
            self.connection.append(table, columns, &mut batches)?
        };
        Ok(applied(tag, count))
    }

    /// Appends rows of one target, of many intents, inside the transaction that is open.
    pub(super) fn append_joined<'a>(
        &mut self,
        first: &Intent,
        rows: impl Iterator<Item = &'a Vec<Value>>,
    ) -> Result<DrawnRows> {
        let Body::Values(values) = &first.body else {
            return Err(Error::internal("no rows to join"));
        };
        self.upkeep.intent = Some(first.seq);
        let rows: Vec<&Vec<Value>> = rows.collect();
        let around = self.before_rows(&first.origin, &first.body, &rows)?;
        let drawn = self.append_values(&values.target, rows.into_iter())?;
        self.after(around)?;
        self.upkeep.check_broken_keys(&mut self.connection, |_| true)?;
        Ok(drawn)
    }

    fn append_values<'a>(
        &mut self,
        target: &ValuesTarget,
        rows: impl Iterator<Item = &'a Vec<Value>>,
    ) -> Result<DrawnRows> {
        let rows: Vec<&Vec<Value>> = rows.collect();
        if target.draws.iter().all(|draw| draw.column.is_none()) {
            self.append_plain(&target.table, &target.columns, &rows)?;
            return Ok(DrawnRows::default());
        }
        let drawn = self.draw(&target.draws, rows.len())?;
        let mut columns = target.columns.clone();
        columns.extend(drawn.columns());
        let widened: Vec<Vec<Value>> = rows
            .into_iter()
            .enumerate()
            .map(|(place, row)| Ok([row.as_slice(), &drawn.row(place)?].concat()))
            .collect::<Result<_>>()?;
        self.append_plain(&target.table, &columns, &widened.iter().collect::<Vec<_>>())?;
        Ok(drawn)
    }

    fn append_plain(
        &mut self,
        table: &TableName,
        columns: &[Column],
        rows: &[&Vec<Value>],
    ) -> Result<()> {
        if self.connection.insert_few(table, columns, rows)? {
            return Ok(());
        }
        let schema = types::storage_schema(columns)?;
        let batch = types::batch_from_values(schema, rows.iter().copied())?;
        let columns: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        self.connection.append(table, &columns, &mut std::iter::once(Ok(batch)))?;
        Ok(())
    }

    /// One name is one table: a DuckDB object cannot take a dataset's.
    fn refuse_taken_name(&self, tag: &str, table: Option<&TableName>) -> Result<()> {
        match table {
            Some(name) if tag.starts_with("CREATE") && self.targets.datasets.contains(name) => {
                Err(already_exists(name))
            }
            _ => Ok(()),
        }
    }
}

impl Targets {
    /// Deletes the staged file of an intent that is applied. What stays is removed at the next
    /// start.
    pub(super) fn forget_staged(&self, intent: &Intent) {
        if let Some(path) = intent.body.staged_path()
            && let Err(error) = std::fs::remove_file(self.data_dir.join(path))
        {
            tracing::warn!(%path, %error, "a staged file could not be deleted");
        }
    }

    /// Reads the rows that travel with an intent.
    pub(super) fn batches(&self, rows: &RowsAt) -> Result<Batches> {
        self.batches_of(rows).map(|(_, batches)| batches)
    }

    /// Reads the rows that travel with an intent, and their schema.
    pub(super) fn batches_of(&self, rows: &RowsAt) -> Result<(SchemaRef, Batches)> {
        match rows {
            RowsAt::Inline(bytes) => read_ipc(Cursor::new(bytes.to_vec())),
            RowsAt::Staged { path, .. } => {
                let path = self.data_dir.join(path);
                let file = File::open(&path)
                    .map_err(|error| Error::io("could not open a staged file", &error))?;
                read_ipc(BufReader::with_capacity(1 << 20, file))
            }
        }
    }
}

fn read_ipc(source: impl Read + Send + 'static) -> Result<(SchemaRef, Batches)> {
    let reader = StreamReader::try_new(source, None).map_err(|error| corrupt(&error))?;
    let schema = reader.schema();
    Ok((schema, Box::new(reader.map(|batch| batch.map_err(|error| corrupt(&error))))))
}

fn corrupt(error: &arrow::error::ArrowError) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("an intent's rows cannot be read: {error}"))
}

/// Makes the success of a change of `rows` rows.
pub(super) fn applied(tag: &TagKind, rows: u64) -> Applied {
    Applied { tag: tag.tag(rows), rows, result: None, drawn: Vec::new() }
}

pub(super) fn already_exists(name: &TableName) -> Error {
    Error::new(SqlState::DUPLICATE_TABLE, format!("relation \"{}\" already exists", name.table))
}
