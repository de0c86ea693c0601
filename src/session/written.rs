//! What a transaction has written so far: kept until its end, for its one intent and for
//! savepoints.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::idempotency::Sent;
use crate::ids::TableName;
use crate::intent::{Applied, Body, Origin, STATEMENT_BYTES_MAX};
use crate::router::StatementContext;
use crate::writer::Lane;

/// Bytes of statements that a transaction leaves in the history.
const HISTORY_BYTES_MAX: usize = 1 << 20;

/// What a transaction has written so far.
#[derive(Default)]
pub(super) struct Writes {
    pub(super) lane: Option<Arc<Lane>>,
    /// What was applied, to be applied again after ROLLBACK TO SAVEPOINT.
    pub(super) steps: Vec<Step>,
    /// Bytes of the steps.
    pub(super) bytes: usize,
    /// There was too much to keep: `steps` is not complete.
    pub(super) forgotten: bool,
    pub(super) history: Vec<String>,
    pub(super) history_bytes: usize,
    pub(super) tables: BTreeSet<TableName>,
    pub(super) rows: u64,
    /// A write failed, and may have left something.
    pub(super) half_done: bool,
    /// Definitions were changed.
    pub(super) defines: bool,
    pub(super) deferred: Option<Deferred>,
    /// All that was sent, for an idempotency key of the COMMIT.
    pub(super) sent: Option<Sent>,
    pub(super) staged: StagedFiles,
}

/// One write that was applied.
pub(super) struct Step {
    pub(super) origin: Origin,
    pub(super) body: Arc<Body>,
    pub(super) rows: u64,
    /// How long the history was then.
    pub(super) history: usize,
}

/// Whom a write concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Rows,
    Definitions,
    /// Nobody but the session: temporary tables.
    Session,
}

/// A change of a dataset, to be made at COMMIT.
pub(super) struct Deferred {
    pub(super) text: String,
    pub(super) body: Body,
    pub(super) context: StatementContext,
}

/// Staged rows, deleted at the end of the transaction.
#[derive(Default)]
pub(super) struct StagedFiles(pub(super) Vec<PathBuf>);

impl Drop for StagedFiles {
    fn drop(&mut self) {
        for path in &self.0 {
            if let Err(error) = std::fs::remove_file(path) {
                tracing::warn!(path = %path.display(), %error, "a staged file could not be deleted");
            }
        }
    }
}

impl Writes {
    /// Tells whether COMMIT has something to do.
    pub(super) fn is_empty(&self) -> bool {
        self.history.is_empty() && self.deferred.is_none()
    }

    /// The dataset that COMMIT will change.
    pub(super) fn deferred_table(&self) -> Option<&TableName> {
        self.deferred.as_ref().and_then(|deferred| deferred.body.table())
    }

    pub(super) fn keep(
        &mut self,
        origin: Origin,
        body: Arc<Body>,
        applied: &Applied,
        scope: Scope,
        bytes_max: usize,
    ) {
        if scope != Scope::Session {
            self.note(&origin, &body, applied);
        }
        self.bytes += body.size() + origin.statement.len();
        self.forgotten |= self.bytes > bytes_max;
        if self.forgotten {
            self.steps.clear();
        } else {
            let history = self.history.len();
            self.steps.push(Step { origin, body, rows: applied.rows, history });
        }
    }

    /// Notes what others will learn of the transaction.
    pub(super) fn note(&mut self, origin: &Origin, body: &Body, applied: &Applied) {
        self.sent.get_or_insert_with(|| Sent::new("")).and(&origin.statement, body);
        self.history_bytes += origin.statement.len();
        if self.history_bytes <= HISTORY_BYTES_MAX {
            let end = origin.statement.floor_char_boundary(STATEMENT_BYTES_MAX);
            self.history.push(origin.statement[..end].to_owned());
        } else if self.history.is_empty() {
            self.history.push(String::new());
        }
        self.tables.extend(body.table().cloned());
        self.rows += applied.rows;
    }

    /// Forgets the steps after the first `count`.
    pub(super) fn cut_to(&mut self, count: usize) {
        for step in self.steps.drain(count..) {
            self.bytes -= (step.body.size() + step.origin.statement.len()).min(self.bytes);
            self.rows -= step.rows.min(self.rows);
        }
        self.history.truncate(self.steps.last().map_or(0, |step| step.history));
    }
}
