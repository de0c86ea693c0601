//! SAVEPOINT, ROLLBACK TO, RELEASE.
//!
//! DuckDB has no savepoints. So ROLLBACK TO rolls DuckDB's transaction back and applies again what
//! was written before the savepoint; when that does not give what it gave the first time, since
//! others have committed meanwhile, the transaction fails with 40001.

use super::block::too_large_for_savepoints;
use super::settings::Settings;
use super::temp::TempNames;
use super::transaction::Open;
use super::{Session, StatementGuard, Transaction};
use crate::error::{Error, Result};
use crate::pipeline::ConstraintModes;
use crate::sqlstate::SqlState;

/// A place in a transaction to go back to.
pub(super) struct Savepoint {
    name: String,
    /// How many writes there were.
    steps: usize,
    /// The transaction had the lane.
    in_lane: bool,
    settings: Settings,
    temp: TempNames,
    modes: ConstraintModes,
}

/// Savepoints of one transaction.
const SAVEPOINTS_MAX: usize = 10_000;

impl Session {
    /// `SAVEPOINT name`: a later one of the same name hides an earlier one.
    pub(super) fn savepoint(&mut self, name: &str) -> Result<()> {
        let (settings, temp) = (self.settings.clone(), self.temp.names());
        let open = self.block("SAVEPOINT")?;
        if open.writes.forgotten {
            return Err(too_large_for_savepoints());
        }
        if open.savepoints.len() >= SAVEPOINTS_MAX {
            return Err(Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("a transaction cannot have more than {SAVEPOINTS_MAX} savepoints"),
            ));
        }
        open.savepoints.push(Savepoint {
            name: name.to_owned(),
            steps: open.writes.steps.len(),
            in_lane: open.writes.lane.is_some(),
            settings,
            temp,
            modes: open.modes.clone(),
        });
        Ok(())
    }

    /// `RELEASE name`: forgets the savepoint and those after it.
    pub(super) fn release_savepoint(&mut self, name: &str) -> Result<()> {
        let open = self.block("RELEASE SAVEPOINT")?;
        let place = open.find_savepoint(name)?;
        open.savepoints.truncate(place);
        Ok(())
    }

    /// `ROLLBACK TO name`: undoes what came after the savepoint, which stays.
    pub(super) async fn rollback_to_savepoint(
        &mut self,
        name: &str,
        guard: &StatementGuard,
    ) -> Result<()> {
        self.block("ROLLBACK TO SAVEPOINT")?;
        // Streams of rows would keep the connection.
        self.close_all_portals();
        let (mut open, failed) = match std::mem::take(&mut self.transaction) {
            Transaction::Open(open) => (open, false),
            Transaction::Failed(open) => (open, true),
            Transaction::Idle => return Err(no_block("ROLLBACK TO SAVEPOINT")),
        };
        let gone_back = match open.find_savepoint(name) {
            Ok(place) => open.go_back(place, failed, guard).await,
            Err(error) => Err((error, false)),
        };
        match gone_back {
            Ok((settings, temp)) => {
                self.settings = settings;
                self.temp.go_back(temp);
                self.show_application_name();
                self.transaction = Transaction::Open(open);
                Ok(())
            }
            Err((error, lost)) => {
                if lost {
                    open.give_up();
                }
                self.transaction = Transaction::Failed(open);
                Err(error)
            }
        }
    }

    /// The transaction block that a statement must be in.
    fn block(&mut self, statement: &str) -> Result<&mut Open> {
        match &mut self.transaction {
            Transaction::Open(open) | Transaction::Failed(open) if !open.implicit => Ok(open),
            _ => Err(no_block(statement)),
        }
    }
}

impl Open {
    fn find_savepoint(&self, name: &str) -> Result<usize> {
        self.savepoints.iter().rposition(|savepoint| savepoint.name == name).ok_or_else(|| {
            Error::new(
                SqlState::INVALID_SAVEPOINT_SPECIFICATION,
                format!("savepoint \"{name}\" does not exist"),
            )
        })
    }

    /// Goes back to a savepoint; gives its settings, or the error and whether everything is lost.
    async fn go_back(
        &mut self,
        place: usize,
        failed: bool,
        guard: &StatementGuard,
    ) -> Result<(Settings, TempNames), (Error, bool)> {
        self.savepoints.truncate(place + 1);
        let Some(savepoint) = self.savepoints.last() else {
            return Err((Error::internal("no savepoint"), true));
        };
        let (steps, in_lane) = (savepoint.steps, savepoint.in_lane);
        self.modes.clone_from(&savepoint.modes);
        let settings = (savepoint.settings.clone(), savepoint.temp.clone());
        if self.writes.lane.is_none() {
            return Ok(settings);
        }
        if !in_lane && !self.isolation.fixes_snapshot() && !self.keeps_connection {
            let savepoints = std::mem::take(&mut self.savepoints);
            self.roll_back().await;
            self.savepoints = savepoints;
            return Ok(settings);
        }
        let goes_on = || async {
            let Some(snapshot) = &self.snapshot else { return Ok(false) };
            snapshot.held.goes_on(&guard.token()).await
        };
        // A read that failed has changed nothing; DuckDB may have aborted all the same.
        let unchanged = self.writes.steps.len() == steps && !self.writes.half_done;
        let untouched =
            unchanged && (!failed || goes_on().await.map_err(|error| (error, false))?);
        if !untouched {
            self.replay(steps, guard).await.map_err(|error| (error, true))?;
        }
        Ok(settings)
    }

    /// Begins again and applies the first writes once more.
    async fn replay(&mut self, steps: usize, guard: &StatementGuard) -> Result<()> {
        let (Some(snapshot), Some(lane)) = (&self.snapshot, &self.writes.lane) else {
            return Err(Error::internal("no transaction to go back in"));
        };
        let since = lane.seen();
        let same = snapshot.held.begin_again(&guard.token()).await?;
        if !same && self.isolation.fixes_snapshot() {
            return Err(cannot_go_back("others have committed since the transaction's snapshot"));
        }
        self.since = since;
        lane.forget_views();
        self.writes.cut_to(steps);
        self.writes.half_done = false;
        // What was not deferred has held; what is broken by now was so before.
        let modes = ConstraintModes::deferred();
        for step in &self.writes.steps {
            let applied = self.apply_once(&step.origin, &step.body, &modes, guard).await.map_err(
                |error| match error.code() {
                    SqlState::QUERY_CANCELED => error,
                    _ => cannot_go_back(error.message()),
                },
            )?;
            if applied.rows != step.rows {
                return Err(cannot_go_back("a statement before it changed other rows than before"));
            }
        }
        Ok(())
    }
}

fn cannot_go_back(why: &str) -> Error {
    Error::new(
        SqlState::SERIALIZATION_FAILURE,
        "could not go back to the savepoint due to concurrent changes",
    )
    .with_detail(format!("The reason: {}.", why.trim_end_matches('.')))
    .with_hint("Run the transaction again.")
}

fn no_block(statement: &str) -> Error {
    Error::new(
        SqlState::NO_ACTIVE_SQL_TRANSACTION,
        format!("{statement} can only be used in transaction blocks"),
    )
}
