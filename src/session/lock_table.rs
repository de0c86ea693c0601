//! LOCK TABLE.

use std::collections::BTreeSet;

use super::{Session, StatementGuard, Transaction};
use crate::error::{Error, Result};
use crate::sql::{LockStrength, LockTable};
use crate::sqlstate::SqlState;

impl Session {
    /// Locks tables until the end of the transaction. Readers are never kept out: they see what is
    /// committed.
    pub(super) async fn lock_tables(
        &mut self,
        lock: &LockTable,
        guard: &StatementGuard,
    ) -> Result<String> {
        let tag = "LOCK TABLE".to_owned();
        let Transaction::Open(open) = &self.transaction else {
            return Err(Error::new(
                SqlState::NO_ACTIVE_SQL_TRANSACTION,
                "LOCK TABLE can only be used in transaction blocks",
            ));
        };
        let has_lane = open.writes.lane.is_some();
        let context = self.context(guard).await?;
        let mut tables = BTreeSet::new();
        for table in &lock.tables {
            tables.insert(self.services.router.existing(table, &context).await?);
        }
        if lock.strength == LockStrength::Rows {
            return Ok(tag);
        }
        if lock.nowait && !has_lane {
            let lane = self.services.writer.try_enter_lane().ok_or_else(|| {
                let name = lock.tables.first().map(|t| t.table.as_str()).unwrap_or_default();
                Error::new(
                    SqlState::LOCK_NOT_AVAILABLE,
                    format!("could not obtain lock on relation \"{name}\""),
                )
            })?;
            self.use_lane(lane, guard).await?;
        }
        self.enter_lane(guard).await?;
        if lock.strength == LockStrength::Writers {
            self.hold_tables(tables, guard).await?;
        }
        Ok(tag)
    }
}
