//! What an intent is: who asked, what is to be done, and how it ended.
//!
//! These types are what lies on disk, by field name: a field may be added with
//! `#[serde(default)]`, never renamed or given another meaning without a new format byte.

use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use super::compute::Compute;
use super::definitions::Moment;
use super::deliver::Deliver;
use super::draw::{Draw, Drawn};
use super::export::Export;
use super::result_set::ResultSet;
use super::source::Source;
use super::storage::{RowsAt, Storage};
use super::tag::TagKind;
use super::values::Values;
use super::view_rows::ViewRows;
use crate::dataset::DatasetColumn;
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::sql::{Definition, Effect};
use crate::sqlstate::SqlState;
use crate::types::Value;

/// Rows up to this size travel inside the record; more of them go into a staged file first.
pub const INLINE_BYTES_MAX: usize = 16 << 20;

/// How much of the client's statement is kept for `teatree.intents`.
pub const STATEMENT_BYTES_MAX: usize = 4096;

/// One write that a client was promised.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    pub seq: IntentSeq,
    pub accepted_at_us: i64,
    pub origin: Origin,
    pub body: Body,
}

/// Who asked, and in which surroundings the statement was understood.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    pub user: String,
    pub application_name: String,
    /// IANA name of the session's time zone.
    pub time_zone: String,
    pub search_path: Vec<String>,
    /// W3C trace context of the span that appends; filled in by the log when absent.
    pub traceparent: Option<String>,
    /// The client's idempotency key; filled in by the log.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// What the client sent, cut to [`STATEMENT_BYTES_MAX`].
    pub statement: String,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// SQL text for DuckDB, already rewritten, with typed parameters.
    Statement {
        sql: String,
        params: Vec<Value>,
        table: Option<TableName>,
        tag: TagKind,
        returning: bool,
        /// What it does to the table's rows, for the views that follow them.
        #[serde(default)]
        effect: Effect,
        /// Sequences that an INSERT draws from. Their columns stand last in its RETURNING, where
        /// the client does not see them.
        #[serde(default)]
        draws: Vec<Draw>,
    },
    /// Typed rows to append to a table of either storage.
    Rows {
        table: TableName,
        storage: Storage,
        columns: Vec<String>,
        rows: RowsAt,
        tag: TagKind,
        /// SQL that makes the DuckDB table first, in the same transaction.
        #[serde(default)]
        create: Option<String>,
        /// Sequences that the rows draw from.
        #[serde(default)]
        draws: Vec<Draw>,
        /// The rows that the table has go first.
        #[serde(default)]
        replaces: bool,
        /// The file that they came in.
        #[serde(default)]
        source: Option<Box<Source>>,
        /// What waited for the dataset and is brought by this intent.
        #[serde(default)]
        delivered: Vec<u64>,
    },
    /// Typed rows for a DuckDB table, few of them, that are joined with those of other intents.
    Values(Values),
    /// Changes of DuckDB's definitions, made with the catalog at hand.
    Define {
        changes: Vec<Definition>,
        table: Option<TableName>,
        tag: TagKind,
        /// The rows of the view that is made or refreshed, where DuckDB cannot compute them.
        #[serde(default)]
        computed: Option<Box<ViewRows>>,
    },
    /// A change of datasets other than append.
    Dataset(DatasetChange),
    /// A procedure to run.
    Call { procedure: String, args: Vec<Value> },
    /// A procedure that a user wrote: changes of DuckDB, made in their order in one transaction.
    /// What the last gives is the call's.
    Batch { procedure: String, bodies: Vec<Body> },
    /// A query of channels and payloads: notifications that are sent when the rest of the intent is
    /// committed. Only inside of a batch, or of a trigger's action.
    Notify { sql: String, params: Vec<Value> },
    /// A query whose rows go to a file of the outbox, which gets its name when the rest of the
    /// intent is committed. Only there, too.
    Export(Box<Export>),
    /// Rows that a trigger sends to a dataset; a part of a trigger's action only.
    Deliver(Box<Deliver>),
    /// An algorithm that runs over what the transaction sees. Only inside of a trigger's action.
    Compute(Box<Compute>),
    /// The COMMIT of a transaction that ran in a lane of its own. It is never applied from here:
    /// the lane commits it, and what a crash cut off before that is lost, as nobody was told.
    Transaction {
        /// What the transaction did, for `teatree.intents`.
        statements: Vec<String>,
        /// Tables that it has changed.
        tables: Vec<TableName>,
    },
}

/// A change of datasets other than append.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DatasetChange {
    Create {
        name: TableName,
        columns: Vec<DatasetColumn>,
        if_not_exists: bool,
    },
    CreateWith {
        name: TableName,
        columns: Vec<DatasetColumn>,
        rows: RowsAt,
    },
    /// Puts other rows in the place of all of a dataset's: UPDATE, DELETE. The queries run at the
    /// intent's turn, over what the dataset holds then.
    Rewrite {
        name: TableName,
        /// Gives the new rows, all columns in the table's order.
        rows: String,
        /// Counts the rows that the statement affects.
        affected: String,
        params: Vec<Value>,
        tag: TagKind,
    },
    Truncate {
        names: Vec<TableName>,
    },
    Drop {
        names: Vec<TableName>,
        if_exists: bool,
        /// What reads them goes, too.
        #[serde(default)]
        cascade: bool,
    },
    Rename {
        from: TableName,
        to: TableName,
    },
}

/// How an intent ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub result: Result<Applied, Error>,
    pub applied_at_us: i64,
}

/// What a success gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    pub tag: String,
    pub rows: u64,
    /// For the client that waits, and for repeats; not in the history.
    pub result: Option<ResultSet>,
    /// What sequences gave last; like the result.
    #[serde(default)]
    pub drawn: Vec<Drawn>,
}

impl Origin {
    /// Cuts the statement to its bound, at the end of a character.
    pub(super) fn cut_statement(&mut self) {
        if self.statement.len() > STATEMENT_BYTES_MAX {
            let mut end = STATEMENT_BYTES_MAX;
            while !self.statement.is_char_boundary(end) {
                end -= 1;
            }
            self.statement.truncate(end);
        }
    }
}

impl DatasetChange {
    fn tag(&self) -> TagKind {
        let fixed = |tag: &str| TagKind::Fixed(tag.to_owned());
        match self {
            DatasetChange::Create { .. } => fixed("CREATE TABLE"),
            DatasetChange::CreateWith { .. } => TagKind::Select,
            DatasetChange::Rewrite { tag, .. } => tag.clone(),
            DatasetChange::Truncate { .. } => fixed("TRUNCATE TABLE"),
            DatasetChange::Drop { .. } => fixed("DROP TABLE"),
            DatasetChange::Rename { .. } => fixed("ALTER TABLE"),
        }
    }
}

impl Body {
    /// Returns the kind that `teatree.intents` shows.
    pub fn kind(&self) -> &'static str {
        match self {
            Body::Statement { .. } => "statement",
            Body::Rows { .. } | Body::Values(_) => "rows",
            Body::Define { .. } => "define",
            Body::Dataset(_) => "dataset",
            Body::Call { .. } | Body::Batch { .. } => "call",
            Body::Notify { .. } => "notify",
            Body::Export(_) => "export",
            Body::Deliver(_) => "deliver",
            Body::Compute(_) => "compute",
            Body::Transaction { .. } => "transaction",
        }
    }

    /// Returns the storage that the intent changes; a procedure's is its own business.
    pub fn storage(&self) -> Option<Storage> {
        match self {
            Body::Statement { .. }
            | Body::Define { .. }
            | Body::Values(_)
            | Body::Batch { .. }
            | Body::Notify { .. }
            | Body::Export(_)
            | Body::Deliver(_)
            | Body::Compute(_)
            | Body::Transaction { .. } => Some(Storage::DuckDb),
            Body::Rows { storage, .. } => Some(*storage),
            Body::Dataset(_) => Some(Storage::Arrow),
            Body::Call { .. } => None,
        }
    }

    /// Returns the table that the intent changes, the first one where there are several.
    pub fn table(&self) -> Option<&TableName> {
        match self {
            Body::Statement { table, .. } | Body::Define { table, .. } => table.as_ref(),
            Body::Rows { table, .. } => Some(table),
            Body::Values(values) => Some(&values.target.table),
            Body::Dataset(change) => match change {
                DatasetChange::Create { name, .. }
                | DatasetChange::CreateWith { name, .. }
                | DatasetChange::Rewrite { name, .. }
                | DatasetChange::Rename { from: name, .. } => Some(name),
                DatasetChange::Drop { names, .. } | DatasetChange::Truncate { names } => {
                    names.first()
                }
            },
            Body::Transaction { tables, .. } => tables.first(),
            Body::Call { .. } | Body::Batch { .. } | Body::Notify { .. } | Body::Export(_) => None,
            Body::Compute(compute) => Some(&compute.table),
            Body::Deliver(deliver) => Some(&deliver.target.dataset),
        }
    }

    /// Returns the tables that the intent changes.
    pub fn tables(&self) -> Vec<&TableName> {
        match self {
            Body::Batch { bodies, .. } => bodies.iter().flat_map(Body::tables).collect(),
            body => body.table().into_iter().collect(),
        }
    }

    /// Returns the tables that get foreign keys, and those that these refer to, by every name that
    /// they may have.
    pub fn references(&self) -> (Vec<TableName>, Vec<TableName>) {
        let Body::Define { changes, .. } = self else { return (Vec::new(), Vec::new()) };
        let (mut referring, mut referenced) = (Vec::new(), Vec::new());
        for change in changes {
            for (table, shape) in change.references() {
                referring.extend(table.iter().cloned());
                referenced.extend(shape.table.iter().cloned());
            }
        }
        (referring, referenced)
    }

    /// Returns the rows that travel with the intent.
    pub fn rows(&self) -> Option<&RowsAt> {
        match self {
            Body::Rows { rows, .. } | Body::Dataset(DatasetChange::CreateWith { rows, .. }) => {
                Some(rows)
            }
            Body::Define { computed, .. } => computed.as_ref().map(|computed| &computed.rows),
            Body::Statement { .. }
            | Body::Values(_)
            | Body::Dataset(_)
            | Body::Call { .. }
            | Body::Batch { .. }
            | Body::Notify { .. }
            | Body::Export(_)
            | Body::Deliver(_)
            | Body::Compute(_)
            | Body::Transaction { .. } => None,
        }
    }

    /// Returns how many rows the intent brings, where that is known before it is applied.
    pub fn row_count(&self) -> Option<u64> {
        match (self, self.rows()) {
            (Body::Values(values), _) => Some(values.rows.len() as u64),
            (_, Some(RowsAt::Staged { rows, .. })) => Some(*rows),
            _ => None,
        }
    }

    /// Returns the command tag that can be given before the intent is applied: without a number
    /// of rows where that is not known yet.
    pub fn tag_when_durable(&self) -> String {
        let rows = self.row_count().unwrap_or(0);
        match self {
            Body::Statement { tag, .. } | Body::Define { tag, .. } | Body::Rows { tag, .. } => {
                tag.tag(rows)
            }
            Body::Values(_) => TagKind::Insert.tag(rows),
            Body::Dataset(change) => change.tag().tag(rows),
            Body::Call { .. } | Body::Batch { .. } => "CALL".to_owned(),
            Body::Notify { .. } => "NOTIFY".to_owned(),
            Body::Export(_) => TagKind::Copy.tag(rows),
            Body::Deliver(_) => TagKind::Insert.tag(rows),
            Body::Compute(_) => "CALL".to_owned(),
            Body::Transaction { .. } => "COMMIT".to_owned(),
        }
    }

    /// Tells whether the intent may change definitions: names, columns, constraints.
    pub(super) fn may_define(&self) -> bool {
        match self {
            Body::Statement { tag, .. } => {
                !matches!(tag, TagKind::Insert | TagKind::Update | TagKind::Delete | TagKind::Merge)
            }
            // To draw from a sequence, or to set one, changes no definition that rows depend on.
            Body::Define { changes, .. } => changes.iter().any(|change| {
                !matches!(change, Definition::Draw { .. } | Definition::SetValues { .. })
            }),
            Body::Rows { create, .. } => create.is_some(),
            // The lane says itself when it changes definitions.
            // A batch changes rows alone.
            Body::Values(_)
            | Body::Transaction { .. }
            | Body::Batch { .. }
            | Body::Notify { .. }
            | Body::Export(_)
            | Body::Deliver(_)
            | Body::Compute(_) => false,
            Body::Dataset(change) => !matches!(change, DatasetChange::Rewrite { .. }),
            // A publish only copies.
            Body::Call { procedure, .. } => procedure != "teatree.publish_version",
        }
    }

    /// Tells whether rows come back that the client waits for.
    pub fn gives_rows(&self) -> bool {
        match self {
            Body::Statement { returning, .. } => *returning,
            Body::Define { tag, .. } => *tag == TagKind::Select,
            Body::Batch { bodies, .. } => bodies.last().is_some_and(Body::gives_rows),
            _ => false,
        }
    }

    /// Tells whether the client may have been told of success before the intent is applied.
    pub fn is_certain(&self) -> bool {
        self.certain_at().is_some()
    }

    /// Returns the moment of the definitions in which nothing can refuse the intent.
    pub(super) fn certain_at(&self) -> Option<Moment> {
        match self {
            Body::Values(values) => values.certain_at,
            _ => None,
        }
    }

    /// Returns the staged file that the intent refers to, relative to the data folder.
    pub fn staged_path(&self) -> Option<&str> {
        match self.rows() {
            Some(RowsAt::Staged { path, .. }) => Some(path),
            Some(RowsAt::Inline(_)) | None => None,
        }
    }

    /// Tells about how many bytes it takes, staged rows included.
    pub fn size(&self) -> usize {
        let rows = match self.rows() {
            Some(RowsAt::Inline(bytes)) => bytes.len(),
            Some(RowsAt::Staged { bytes, .. }) => usize::try_from(*bytes).unwrap_or(usize::MAX),
            None => 0,
        };
        let rest = match self {
            Body::Statement { sql, params, .. } | Body::Notify { sql, params } => {
                sql.len() + 32 * params.len()
            }
            Body::Export(export) => export.sql.len() + 32 * export.params.len(),
            Body::Values(values) => {
                let text = |value: &Value| match value {
                    Value::Text(text) => text.len(),
                    Value::Bytea(bytes) => bytes.len(),
                    _ => 0,
                };
                values.rows.iter().flatten().map(|value| size_of_val(value) + text(value)).sum()
            }
            Body::Batch { bodies, .. } => bodies.iter().map(Body::size).sum(),
            _ => 0,
        };
        rows.saturating_add(rest).saturating_add(self.source().map_or(0, Source::bytes))
    }

    /// Checks the bounds that a record must keep.
    ///
    /// # Errors
    /// 54000 for too many bytes inline; an internal error for a staged path that leaves the folder.
    pub(super) fn check(&self) -> Result<()> {
        if let Body::Batch { bodies, .. } = self {
            return bodies.iter().try_for_each(Body::check);
        }
        match self.rows() {
            Some(RowsAt::Inline(bytes)) if bytes.len() > INLINE_BYTES_MAX => {
                Err(too_large(bytes.len(), INLINE_BYTES_MAX)
                    .with_hint("Put the rows into a staged file and append that."))
            }
            Some(RowsAt::Staged { path, .. }) if !is_inside(path) => {
                Err(Error::internal("a staged file lies outside of the data folder"))
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn too_large(bytes: usize, bytes_max: usize) -> Error {
    Error::new(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        format!("write of {bytes} bytes is larger than one intent may be"),
    )
    .with_detail(format!("The limit is {bytes_max} bytes."))
}

fn is_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    !path.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_postgresqls() {
        assert_eq!(TagKind::Insert.tag(3), "INSERT 0 3");
        assert_eq!(TagKind::Copy.tag(3), "COPY 3");
        assert_eq!(TagKind::Select.tag(3), "SELECT 3");
        assert_eq!(TagKind::Fixed("CREATE TABLE".into()).tag(3), "CREATE TABLE");
    }

    #[test]
    fn a_staged_path_cannot_leave_the_data_folder() {
        assert!(is_inside("staged/7.arrow"));
        for path in ["", "/etc/passwd", "../x", "staged/../../x", "./x"] {
            assert!(!is_inside(path), "{path}");
        }
    }

    #[test]
    fn a_statement_is_cut_at_a_character() {
        let mut origin =
            Origin { statement: "é".repeat(STATEMENT_BYTES_MAX), ..Origin::default() };
        origin.statement.insert(0, 'x');
        origin.cut_statement();
        assert_eq!(origin.statement.len(), STATEMENT_BYTES_MAX - 1);
    }
}
