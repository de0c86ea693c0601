//! What CALL runs.
//!
//! A procedure is found and its arguments are checked before anything is queued; then the call is
//! an intent like any other, and the Writer runs the procedure at its turn.
//!
//! - `ingest.rs`: `teatree.ingest(table, file)`.
//! - `publish_version.rs`: `teatree.publish_version(note)`.
//! - `retry_intent.rs`: `teatree.retry_intent(seq)`, which the session runs: it appends an intent
//!   and waits for it, as the Writer could not.

mod ingest;
mod publish_version;
mod retry_intent;

use std::path::PathBuf;
use std::slice;
use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::dataset::DatasetStore;
use crate::engine::duckdb::{DuckDb, WriteConnection};
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::intent::{Applied, Origin, ResultSet};
use crate::pipeline::{ChangeKind, Changing, Moved, Registry};
use crate::sql::Effect;
use crate::sqlstate::SqlState;
use crate::types::{Column, Value};
use crate::version::VersionStore;

pub use ingest::INBOX_FOLDER;
pub use retry_intent::{check_retry, retried};

use ingest::Ingest;
use publish_version::PublishVersion;
use retry_intent::RetryIntent;

/// What procedures work on.
pub struct Stores {
    pub data_dir: PathBuf,
    pub duckdb: Arc<DuckDb>,
    pub datasets: Arc<DatasetStore>,
    pub versions: Arc<VersionStore>,
    pub pipelines: Arc<Registry>,
}

/// A procedure's turn at the Writer.
pub struct Turn<'a> {
    pub seq: IntentSeq,
    pub origin: &'a Origin,
    pub connection: &'a mut WriteConnection,
    pub pipelines: &'a Registry,
    /// What it has done to views and by triggers, once it is committed.
    pub moved: Moved,
}

impl Turn<'_> {
    /// Commits nothing but the intent's place.
    ///
    /// # Errors
    /// [`Error::is_fault`] tells a commit that failed by the machine.
    pub fn pass(&mut self) -> Result<()> {
        self.connection.begin()?;
        self.connection.commit(self.seq)
    }

    /// Adds rows to a table in one DuckDB transaction, in which its views follow and its triggers
    /// run, committed together with the intent's place.
    ///
    /// # Errors
    /// The work's own, after a rollback; [`Error::is_fault`] tells a commit that failed by the
    /// machine.
    pub fn insertion<T>(
        &mut self,
        table: &TableName,
        work: impl FnOnce(&mut WriteConnection) -> Result<T>,
    ) -> Result<T> {
        self.connection.begin()?;
        let mut upkeep = self.pipelines.upkeep(true);
        upkeep.intent = Some(self.seq);
        let changing = Changing {
            table,
            kind: ChangeKind::Insert,
            effect: &Effect::Inserts,
            params: &[],
            time_zone: &self.origin.time_zone,
            search_path: &self.origin.search_path,
            given: None,
            bounds: None,
        };
        let done = upkeep.before(self.connection, &changing).and_then(|change| {
            let value = work(self.connection)?;
            upkeep.after(self.connection, change)?;
            upkeep.check_broken_keys(self.connection, |_| true)?;
            upkeep.finish(self.connection)?;
            Ok(value)
        });
        match done {
            Ok(value) => {
                self.connection.commit(self.seq)?;
                self.moved.and(upkeep.moved().clone());
                Ok(value)
            }
            Err(error) => {
                if let Some(broken) = upkeep.broken() {
                    self.pipelines.note_broken(broken);
                }
                self.connection.rollback()?;
                Err(error)
            }
        }
    }
}

/// How far a procedure came in its turn.
pub enum Progress {
    Done(Applied),
    /// The rest needs the Writer no longer: it runs beside the intents that follow, and its result
    /// is the call's outcome.
    Later(Box<dyn FnOnce() -> Result<Applied> + Send>),
}

/// One procedure.
trait Procedure: Send + Sync {
    fn name(&self) -> &'static str;
    /// The arguments' names, in order.
    fn params(&self) -> &'static [&'static str];
    /// The columns of the result row.
    fn columns(&self) -> Vec<Column>;
    /// Checks arguments before anything is queued. Blocks.
    fn check(&self, stores: &Stores, args: &[Value]) -> Result<()>;
    /// Returns the failed intent that the call appends again, for the one procedure that does.
    fn resubmits(&self, _: &[Value]) -> Option<IntentSeq> {
        None
    }
    /// Runs at the Writer's turn. Blocks.
    fn run(&self, stores: &Stores, turn: &mut Turn<'_>, args: &[Value]) -> Result<Progress>;
}

/// The registry of procedures.
pub struct Procedures {
    stores: Stores,
    procedures: Vec<Box<dyn Procedure>>,
}

impl Procedures {
    /// Makes the registry with the built-in procedures.
    pub fn new(stores: Stores) -> Procedures {
        Procedures {
            stores,
            procedures: vec![Box::new(Ingest), Box::new(PublishVersion), Box::new(RetryIntent)],
        }
    }

    /// Finds a procedure and checks its arguments; gives the name that the intent carries. Blocks.
    ///
    /// # Errors
    /// 42883 for an unknown procedure or another number of arguments; the procedure's own check.
    pub fn check(&self, schema: Option<&str>, name: &str, args: &[Value]) -> Result<String> {
        let shown = schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"));
        let procedure = self.find(schema, name).ok_or_else(|| {
            Error::new(SqlState::UNDEFINED_FUNCTION, format!("procedure {shown} does not exist"))
                .with_hint(format!("There are: {}.", self.signatures().join(", ")))
        })?;
        if args.len() != procedure.params().len() {
            return Err(Error::new(
                SqlState::UNDEFINED_FUNCTION,
                format!("procedure {shown} with {} arguments does not exist", args.len()),
            )
            .with_hint(format!("Call it as {}.", signature(procedure))));
        }
        procedure.check(&self.stores, args)?;
        Ok(format!("teatree.{}", procedure.name()))
    }

    /// Returns the failed intent that a call appends again instead of running at the Writer's turn.
    pub fn resubmits(&self, schema: Option<&str>, name: &str, args: &[Value]) -> Option<IntentSeq> {
        self.find(schema, name).and_then(|procedure| procedure.resubmits(args))
    }

    /// Returns the columns of a procedure's result row.
    pub fn columns(&self, schema: Option<&str>, name: &str) -> Vec<Column> {
        self.find(schema, name).map(Procedure::columns).unwrap_or_default()
    }

    /// Runs a procedure at the Writer's turn.
    pub fn run(&self, procedure: &str, turn: &mut Turn<'_>, args: &[Value]) -> Result<Progress> {
        let name = procedure.strip_prefix("teatree.").unwrap_or(procedure);
        let found = self
            .find(Some("teatree"), name)
            .ok_or_else(|| Error::internal("a queued call names no procedure"))?;
        found.run(&self.stores, turn, args)
    }

    fn find(&self, schema: Option<&str>, name: &str) -> Option<&dyn Procedure> {
        if schema.is_none_or(|schema| schema != "teatree") {
            return None;
        }
        self.procedures.iter().map(AsRef::as_ref).find(|procedure| procedure.name() == name)
    }

    fn signatures(&self) -> Vec<String> {
        self.procedures.iter().map(|procedure| signature(procedure.as_ref())).collect()
    }
}

fn signature(procedure: &dyn Procedure) -> String {
    format!("teatree.{}({})", procedure.name(), procedure.params().join(", "))
}

/// Reads a text argument.
fn text(args: &[Value], index: usize, name: &str) -> Result<String> {
    match args.get(index) {
        Some(Value::Text(text)) => Ok(text.clone()),
        _ => Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("argument {name} must be a text and not null"),
        )),
    }
}

/// Makes the outcome of a call that gives one batch of rows.
fn applied(columns: Vec<Column>, batch: &RecordBatch) -> Result<Applied> {
    Ok(Applied {
        tag: "CALL".to_owned(),
        rows: batch.num_rows() as u64,
        result: Some(ResultSet::new(columns, &batch.schema(), slice::from_ref(batch))?),
        drawn: Vec::new(),
    })
}
