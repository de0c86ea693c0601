//! Outcomes of intents with an idempotency key, in the data file: committed together with the
//! change, so that a repeat after a crash still gets the first one's row count and rows.
//!
//! They are needed only until the intent log has them, too.

use super::WriteConnection;
use super::capi::Connection;
use super::instance::text_rows_with;
use super::statement_cache::KeptStatement;
use crate::error::{Error, Result};
use crate::ids::IntentSeq;
use crate::sqlstate::SqlState;
use crate::types::Value;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS teatree_internal.outcome
    (seq UBIGINT NOT NULL, outcome BLOB NOT NULL)";

/// Outcomes written between two clean-ups.
const CLEAN_EVERY: u32 = 1000;

/// What a connection needs to keep outcomes.
pub(super) struct KeptOutcomes {
    insert: KeptStatement,
    clean: KeptStatement,
    written: u32,
}

impl KeptOutcomes {
    pub(super) fn new(connection: &mut Connection) -> Result<KeptOutcomes> {
        connection.execute(TABLE)?;
        let insert = KeptStatement::new("INSERT INTO teatree_internal.outcome VALUES ($1, $2)");
        let clean = KeptStatement::new("DELETE FROM teatree_internal.outcome WHERE seq < $1");
        Ok(KeptOutcomes { insert, clean, written: 0 })
    }
}

impl WriteConnection {
    /// Writes an intent's outcome inside the transaction that is open. Those before `known` are in
    /// the log: now and then they are deleted.
    pub fn keep_outcome(
        &mut self,
        seq: IntentSeq,
        outcome: Vec<u8>,
        known: IntentSeq,
    ) -> Result<()> {
        let number = |seq: IntentSeq| i64::try_from(seq.0).map(Value::Int8).map_err(|_| too_long());
        let outcomes = match &mut self.outcomes {
            Some(outcomes) => outcomes,
            none => none.insert(KeptOutcomes::new(&mut self.connection)?),
        };
        outcomes.written += 1;
        if outcomes.written % CLEAN_EVERY == 0 {
            outcomes.clean.prepared(&mut self.connection)?.run_again(&[number(known)?])?;
        }
        let params = [number(seq)?, Value::Bytea(outcome)];
        outcomes.insert.prepared(&mut self.connection)?.run_again(&params)
    }

    /// Reads an outcome that was kept.
    pub fn kept_outcome(&mut self, seq: IntentSeq) -> Result<Option<Vec<u8>>> {
        let place = i64::try_from(seq.0).map_err(|_| too_long())?;
        let rows = text_rows_with(
            &mut self.connection,
            "SELECT hex(outcome) FROM teatree_internal.outcome WHERE seq = $1",
            &[Value::Int8(place)],
        )?;
        let Some(hex) = rows.first().and_then(|row| row.first()) else { return Ok(None) };
        let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(byte).collect();
        bytes.map(Some).ok_or_else(|| {
            Error::new(SqlState::DATA_CORRUPTED, format!("the outcome of intent {seq} is damaged"))
        })
    }
}

fn too_long() -> Error {
    Error::internal("the log is too long")
}
