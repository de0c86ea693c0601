//! The log against itself and against the data: nothing that was promised may be missing from both.
//!
//! What the log no longer has is in the data, what the data does not have is in the log. Damage, or
//! a folder put together from two backups, breaks that; then the server does not start.

use super::history::{IntentRow, IntentState};
use super::log::IntentLog;
use super::storage::Storage;
use super::store::Store;
use crate::error::{Error, Result};
use crate::ids::IntentSeq;
use crate::sqlstate::SqlState;

impl IntentLog {
    /// Checks that the log is not older than the data, as when a folder was put together from
    /// two backups: new intents would get places that the target takes for applied.
    ///
    /// # Errors
    /// XX001 when the target has applied more than the log has given out.
    pub fn check_covers(&self, applied: IntentSeq) -> Result<()> {
        let last = self.last_durable();
        if applied <= last {
            return Ok(());
        }
        if self.shared().limits.salvage {
            tracing::warn!(from = last.0 + 1, to = applied.0, "the log goes on after the data");
            self.shared().store.skip_to(applied)?;
            self.shared().set_last_durable(applied);
            return Ok(());
        }
        Err(Error::new(SqlState::DATA_CORRUPTED, "the intent log is older than the data")
            .with_detail(format!("The data holds intent {applied}, the log ends at {last}."))
            .with_hint(
                "Restore the log and the data from the same backup, or start once with \
                 --salvage-log true, which lets the log go on after what the data holds.",
            ))
    }

    /// Checks that the data file is not older than the log, as when its own write-ahead file is
    /// damaged or was left behind: what the log says is applied must be in it, for the log does
    /// not have it any more. Looks at the newest intents only, which say it first.
    ///
    /// # Errors
    /// XX001 when the log knows of an applied intent that the data file does not.
    pub fn check_covered(&self, applied: IntentSeq) -> Result<()> {
        const NEWEST: usize = 1000;
        let rows = self.history(NEWEST)?;
        let in_file = |row: &&IntentRow| {
            row.state == IntentState::Applied && row.storage == Some(Storage::DuckDb)
        };
        let Some(newest) = rows.iter().filter(in_file).map(|row| row.seq).max() else {
            return Ok(());
        };
        if newest <= applied {
            return Ok(());
        }
        if self.shared().limits.salvage {
            tracing::warn!(from = applied.0 + 1, to = newest.0, "applied intents are lost");
            return Ok(());
        }
        Err(Error::new(SqlState::DATA_CORRUPTED, "the data file is older than the intent log")
            .with_detail(format!(
                "The log says that intent {newest} is applied, the data ends at {applied}."
            ))
            .with_hint(
                "Restore the log and the data from the same backup, or start once with \
                 --salvage-log true to go on with the data as it is.",
            ))
    }
}

/// Checks that the newest head is the last place given out.
pub(super) fn check_tail(store: &Store, last: IntentSeq) -> Result<()> {
    let newest = store.heads_back_from(IntentSeq(u64::MAX), 1)?;
    match newest.first() {
        Some((seq, _)) if *seq == last || last == store.salvaged()? => Ok(()),
        _ => Err(Error::new(
            SqlState::DATA_CORRUPTED,
            "the intent log does not end at its last intent",
        )
        .with_detail(format!("The last intent is {last}."))),
    }
}

/// What a client is told of a fault that stopped all writes: a full disk, or any other.
pub fn fault_code(cause: &Error) -> SqlState {
    if cause.code() == SqlState::DISK_FULL { SqlState::DISK_FULL } else { SqlState::IO_ERROR }
}
