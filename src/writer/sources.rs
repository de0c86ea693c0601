//! What was ingested: its record, and the rows that were put aside, in the transaction of the rows.
//!
//! **Invariant:** a content that goes into its table once is looked for here, at the intent's turn
//! and in its transaction, so two of them cannot both go in.

use std::iter;

use super::Writer;
use super::applier::{Applier, applied};
use crate::clock;
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::intent::{Applied, Body, Intent, RowsAt, Source, TagKind};
use crate::sqlstate::SqlState;
use crate::types::{self, Column, PgType, Value};

const KNOWN: &str = "SELECT coalesce(intent, 0)::varchar FROM teatree.ingests
    WHERE hash = $1 AND table_name = $2 AND state = 'done' LIMIT 1";

const WRITTEN: &str = "SELECT '1' FROM teatree.ingests WHERE intent = $1 AND state = 'done'";

const INGESTS: [(&str, PgType); 9] = [
    ("ended_at", PgType::TIMESTAMPTZ),
    ("source", PgType::TEXT),
    ("rule", PgType::TEXT),
    ("hash", PgType::TEXT),
    ("table_name", PgType::TEXT),
    ("state", PgType::TEXT),
    ("rows", PgType::INT8),
    ("rejected", PgType::INT8),
    ("intent", PgType::INT8),
];

const REJECTS: [(&str, PgType); 9] = [
    ("ended_at", PgType::TIMESTAMPTZ),
    ("intent", PgType::INT8),
    ("source", PgType::TEXT),
    ("table_name", PgType::TEXT),
    ("row_number", PgType::INT8),
    ("column_name", PgType::TEXT),
    ("raw", PgType::TEXT),
    ("sqlstate", PgType::TEXT),
    ("reason", PgType::TEXT),
];

impl Applier {
    /// Refuses a content that its table has already, inside the transaction that is open.
    ///
    /// # Errors
    /// 42710 then.
    pub(super) fn refuse_known(&mut self, body: &Body) -> Result<()> {
        let Body::Rows { table, source: Some(source), .. } = body else { return Ok(()) };
        if !source.once {
            return Ok(());
        }
        let params = [Value::Text(source.hash.clone()), Value::Text(table.to_string())];
        let known = self.connection.text_rows(KNOWN, &params)?;
        match known.first().and_then(|row| row.first()) {
            None => Ok(()),
            Some(first) => Err(Error::new(
                SqlState::DUPLICATE_OBJECT,
                format!("the content of \"{}\" is in table \"{table}\" already", source.name),
            )
            .with_detail(format!("It came in with intent {first}."))),
        }
    }

    /// Writes down where rows came from, and what was put aside, inside the transaction that is
    /// open.
    pub(super) fn write_down(&mut self, seq: IntentSeq, body: &Body) -> Result<()> {
        let Body::Rows { table, source: Some(source), .. } = body else { return Ok(()) };
        let at = Value::Timestamptz(clock::now_us());
        let record = vec![
            at.clone(),
            text(&source.name),
            source.rule.as_deref().map_or(Value::Null, text),
            text(&source.hash),
            text(&table.to_string()),
            text("done"),
            number(source.rows),
            number(source.rejects.len() as u64),
            number(seq.0),
        ];
        self.append_own("ingests", &INGESTS, &[record])?;
        if source.rejects.is_empty() {
            return Ok(());
        }
        let rejects = rejected_rows(seq, table, source, &at);
        self.append_own("rejects", &REJECTS, &rejects)
    }

    fn append_own(
        &mut self,
        table: &str,
        columns: &[(&str, PgType)],
        rows: &[Vec<Value>],
    ) -> Result<()> {
        let columns: Vec<Column> =
            columns.iter().map(|(name, pg_type)| Column::new(*name, *pg_type)).collect();
        let schema = types::storage_schema(&columns)?;
        let batch = types::batch_from_values(schema, rows.iter())?;
        let names: Vec<String> = columns.into_iter().map(|column| column.name).collect();
        let table = TableName::new("teatree", table);
        self.connection.append(&table, &names, &mut iter::once(Ok(batch)))?;
        Ok(())
    }

    /// Tells whether an ingest is in the data file: its record, and with it all of it.
    pub(super) fn is_written_down(&mut self, seq: IntentSeq) -> Result<bool> {
        let rows = self.connection.text_rows(WRITTEN, &[number(seq.0)])?;
        Ok(!rows.is_empty())
    }
}

impl Writer {
    /// Ingests rows into a dataset. What is written down of them is in the data file, which is
    /// committed last; so a crash between the two leaves rows without a record, and the intent is
    /// applied again, which the dataset notices.
    pub(super) fn ingest_into_dataset(
        &mut self,
        intent: &Intent,
        table: &TableName,
        rows: &RowsAt,
        tag: &TagKind,
    ) -> Result<Applied> {
        let datasets = std::sync::Arc::clone(&self.targets.datasets);
        self.applier.connection.begin()?;
        let known = match datasets.was_applied(intent.seq, table) {
            true => Ok(()),
            false => self.applier.refuse_known(&intent.body),
        };
        let written = known.and_then(|()| {
            self.applier.write_down(intent.seq, &intent.body)?;
            let mut batches = self.targets.batches(rows)?;
            datasets.append(intent.seq, table, &mut batches)
        });
        match written {
            Ok(count) => match self.applier.connection.commit(intent.seq) {
                Ok(()) => Ok(applied(tag, count)),
                Err(error) if error.is_fault() => Err(error),
                // The rows are there: only what follows at the next start can tell of them.
                Err(error) => Err(Error::new(SqlState::SYSTEM_ERROR, error.message())),
            },
            Err(error) => {
                self.applier.connection.rollback()?;
                Err(error)
            }
        }
    }

    /// Brings a dataset the rows that waited for it. That they wait no longer is noted in the
    /// transaction that notes the intent as applied.
    pub(super) fn deliver_to_dataset(
        &mut self,
        intent: &Intent,
        delivered: &[u64],
    ) -> Result<Applied> {
        let Body::Rows { table, rows, tag, replaces, .. } = &intent.body else {
            return Err(Error::internal("no rows to deliver"));
        };
        let datasets = std::sync::Arc::clone(&self.targets.datasets);
        let mut batches = self.targets.batches(rows)?;
        let done = if *replaces {
            datasets.overwrite(intent.seq, table, &mut batches)
        } else {
            datasets.append(intent.seq, table, &mut batches)
        };
        if done.as_ref().is_err_and(Error::is_fault) {
            return done.map(|count| applied(tag, count));
        }
        // A dataset that refuses them does so for good: the intent keeps them.
        self.applier.connection.begin()?;
        self.applier.connection.forget_deliveries(delivered)?;
        self.applier.connection.commit(intent.seq)?;
        done.map(|count| applied(tag, count))
    }
}

fn rejected_rows(
    seq: IntentSeq,
    table: &TableName,
    source: &Source,
    at: &Value,
) -> Vec<Vec<Value>> {
    let row = |reject: &crate::intent::Reject| {
        vec![
            at.clone(),
            number(seq.0),
            text(&source.name),
            text(&table.to_string()),
            number(reject.row),
            reject.column.as_deref().map_or(Value::Null, text),
            text(&reject.raw),
            text(reject.sqlstate.as_str()),
            text(&reject.reason),
        ]
    };
    source.rejects.iter().map(row).collect()
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn number(value: u64) -> Value {
    Value::Int8(i64::try_from(value).unwrap_or(i64::MAX))
}
