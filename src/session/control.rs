//! SET, SHOW, BEGIN, DISCARD: what changes the session and nothing else.

use super::block::Writes;
use super::run::{Outcome, Rows};
use super::transaction::{Isolation, Open};
use super::{Session, StatementGuard, Transaction};
use crate::error::{Error, Result};
use crate::pipeline::ConstraintModes;
use crate::sql::rewrite::Drawn;
use crate::sql::{Setting, TransactionMode, TransactionStatement};
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType};
use crate::writer::Seen;

impl Session {
    /// Runs BEGIN and its like; gives the command tag.
    pub(super) async fn control_transaction(
        &mut self,
        statement: &TransactionStatement,
        guard: &StatementGuard,
    ) -> Result<String> {
        match statement {
            TransactionStatement::Begin { modes, start } => {
                match &mut self.transaction {
                    // What came before in the same Query or pipeline belongs to it.
                    Transaction::Open(open) if open.implicit => open.implicit = false,
                    Transaction::Idle => self.begin(false),
                    _ => self.warn(
                        SqlState::ACTIVE_SQL_TRANSACTION,
                        "there is already a transaction in progress",
                    ),
                }
                self.transaction.set_modes(modes)?;
                Ok(if *start { "START TRANSACTION" } else { "BEGIN" }.to_owned())
            }
            TransactionStatement::Commit { chain } => {
                let next = self.modes_to_chain(*chain, "COMMIT AND CHAIN")?;
                self.warn_outside_of_block();
                let committed = self.commit_transaction(guard).await?;
                self.begin_chained(next);
                Ok(if committed { "COMMIT" } else { "ROLLBACK" }.to_owned())
            }
            TransactionStatement::Rollback { chain } => {
                let next = self.modes_to_chain(*chain, "ROLLBACK AND CHAIN")?;
                self.warn_outside_of_block();
                self.roll_back_transaction().await;
                self.begin_chained(next);
                Ok("ROLLBACK".to_owned())
            }
            TransactionStatement::Savepoint(name) => {
                self.savepoint(name)?;
                Ok("SAVEPOINT".to_owned())
            }
            TransactionStatement::Release(name) => {
                self.release_savepoint(name)?;
                Ok("RELEASE".to_owned())
            }
            TransactionStatement::RollbackTo(name) => {
                self.rollback_to_savepoint(name, guard).await?;
                Ok("ROLLBACK".to_owned())
            }
            TransactionStatement::SetConstraints { names, deferred } => {
                self.set_constraints(names, *deferred, guard).await?;
                Ok("SET CONSTRAINTS".to_owned())
            }
        }
    }

    fn warn_outside_of_block(&mut self) {
        let outside = matches!(self.transaction, Transaction::Idle);
        if outside || self.transaction.is_implicit() {
            self.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress");
        }
    }

    /// The isolation and access of the transaction that follows by AND CHAIN.
    fn modes_to_chain(&self, chain: bool, what: &str) -> Result<Option<(Isolation, bool)>> {
        if !chain {
            return Ok(None);
        }
        match &self.transaction {
            Transaction::Open(open) | Transaction::Failed(open) if !open.implicit => {
                Ok(Some((open.isolation, open.read_only)))
            }
            _ => Err(Error::new(
                SqlState::NO_ACTIVE_SQL_TRANSACTION,
                format!("{what} can only be used in transaction blocks"),
            )),
        }
    }

    fn begin_chained(&mut self, modes: Option<(Isolation, bool)>) {
        let Some((isolation, read_only)) = modes else { return };
        self.begin(false);
        if let Transaction::Open(open) = &mut self.transaction {
            (open.isolation, open.read_only) = (isolation, read_only);
        }
    }

    /// Begins a transaction that ends by itself, unless one is open: for several statements that
    /// came together.
    pub fn begin_implicit(&mut self) {
        if matches!(self.transaction, Transaction::Idle) {
            self.begin(true);
        }
    }

    /// Ends a transaction that nobody began: committed, unless a statement of it has failed.
    ///
    /// # Errors
    /// Whatever keeps it from being committed.
    pub async fn end_implicit(&mut self) -> Result<()> {
        if !self.transaction.is_implicit() {
            return Ok(());
        }
        if matches!(self.transaction, Transaction::Failed(_)) {
            self.roll_back_transaction().await;
            return Ok(());
        }
        let entry = std::sync::Arc::clone(self.entry());
        let guard = entry.start_again(self.settings.statement_timeout());
        self.commit_transaction(&guard).await.map(drop).map_err(|error| guard.explain(error))
    }

    fn begin(&mut self, implicit: bool) {
        let isolation = self.settings.get("default_transaction_isolation").unwrap_or_default();
        self.transaction = Transaction::Open(Box::new(Open {
            isolation: Isolation::parse(isolation),
            read_only: self.settings.is_on("default_transaction_read_only"),
            implicit,
            begun: false,
            snapshot: None,
            since: Seen::default(),
            modes: ConstraintModes::default(),
            writes: Writes::default(),
            savepoints: Vec::new(),
            keeps_connection: self.temp.connection().is_some(),
            temp_before: self.temp.names(),
            settings_before: self.settings.clone(),
            began_us: crate::clock::now_us(),
        }));
    }

    /// Commits the open transaction; `false` when it had failed and was rolled back instead.
    async fn commit_transaction(&mut self, guard: &StatementGuard) -> Result<bool> {
        self.close_all_portals();
        let mut open = match std::mem::take(&mut self.transaction) {
            Transaction::Open(open) => open,
            failed @ Transaction::Failed(_) => {
                self.transaction = failed;
                self.roll_back_transaction().await;
                return Ok(false);
            }
            Transaction::Idle => return Ok(true),
        };
        let done = self.commit_writes(&mut open, guard).await;
        self.advisory_locks.end_transaction();
        match &done {
            Ok(()) => {
                self.settings.end_transaction();
                self.temp.settle();
            }
            Err(_) => {
                self.settings = open.settings_before;
                self.temp.go_back(open.temp_before);
            }
        }
        self.end_cursors(done.is_ok());
        match &done {
            Ok(()) => self.notifications.commit(),
            Err(_) => self.notifications.roll_back(),
        }
        self.show_application_name();
        done.map(|()| true)
    }

    async fn roll_back_transaction(&mut self) {
        self.close_all_portals();
        let mut open = match std::mem::take(&mut self.transaction) {
            Transaction::Open(open) | Transaction::Failed(open) => open,
            Transaction::Idle => return,
        };
        self.end_cursors(false);
        self.notifications.roll_back();
        open.roll_back().await;
        self.advisory_locks.end_transaction();
        self.settings = open.settings_before;
        self.temp.go_back(open.temp_before);
        self.show_application_name();
    }

    /// Runs SET, SHOW or RESET.
    pub(super) fn control_setting(&mut self, setting: &Setting) -> Result<Outcome> {
        match setting {
            Setting::Set { name, value, local } => {
                self.set(name, value.as_deref(), *local)?;
                Ok(Outcome::Done("SET".to_owned()))
            }
            Setting::SessionCharacteristics(modes) => {
                for mode in modes {
                    let (name, value) = match mode {
                        TransactionMode::ReadOnly => ("default_transaction_read_only", "on"),
                        TransactionMode::ReadWrite => ("default_transaction_read_only", "off"),
                        TransactionMode::ReadUncommitted => {
                            ("default_transaction_isolation", "read uncommitted")
                        }
                        TransactionMode::ReadCommitted => {
                            ("default_transaction_isolation", "read committed")
                        }
                        TransactionMode::RepeatableRead => {
                            ("default_transaction_isolation", "repeatable read")
                        }
                        TransactionMode::Serializable => {
                            ("default_transaction_isolation", "serializable")
                        }
                    };
                    self.settings.set(name, Some(value), false)?;
                }
                Ok(Outcome::Done("SET".to_owned()))
            }
            Setting::Transaction(modes) => {
                self.warn_unless_in_block("SET TRANSACTION");
                self.transaction.set_modes(modes)?;
                Ok(Outcome::Done("SET".to_owned()))
            }
            Setting::Role { .. } | Setting::SessionAuthorization { .. } => {
                Err(Error::internal("a role is taken elsewhere"))
            }
            Setting::Reset(name) => {
                self.set(name, None, false)?;
                Ok(Outcome::Done("RESET".to_owned()))
            }
            Setting::ResetAll => {
                self.settings.reset_all();
                self.show_application_name();
                Ok(Outcome::Done("RESET".to_owned()))
            }
            Setting::Show(name) => {
                let value = self.show(name)?;
                let column = self.shown_name(name);
                let rows = Rows::texts(&[&column], &[vec![value]], "SHOW")?;
                Ok(Outcome::Rows(Box::new(rows)))
            }
            Setting::ShowAll => {
                let rows: Vec<Vec<String>> = self
                    .settings
                    .all()
                    .into_iter()
                    .map(|(name, value, about)| vec![name.to_owned(), value, about.to_owned()])
                    .collect();
                let rows = Rows::texts(&["name", "setting", "description"], &rows, "SHOW")?;
                Ok(Outcome::Rows(Box::new(rows)))
            }
        }
    }

    pub(super) fn set(&mut self, name: &str, value: Option<&str>, local: bool) -> Result<()> {
        match (name, value) {
            ("transaction_isolation", Some(value)) => {
                let mode = match Isolation::parse(&value.to_lowercase()) {
                    Isolation::ReadUncommitted => TransactionMode::ReadUncommitted,
                    Isolation::ReadCommitted => TransactionMode::ReadCommitted,
                    Isolation::RepeatableRead => TransactionMode::RepeatableRead,
                    Isolation::Serializable => TransactionMode::Serializable,
                };
                self.transaction.set_modes(&[mode])
            }
            ("transaction_read_only", Some(value)) => {
                let on = matches!(value.to_lowercase().as_str(), "on" | "true" | "1" | "yes");
                let mode = if on { TransactionMode::ReadOnly } else { TransactionMode::ReadWrite };
                self.transaction.set_modes(&[mode])
            }
            _ => {
                // Outside of a transaction a local value ends at once, as in PostgreSQL.
                if local {
                    self.warn_unless_in_block("SET LOCAL");
                }
                let local_now = local && matches!(self.transaction, Transaction::Open(_));
                if local && !local_now {
                    return self.settings.clone().set(name, value, true);
                }
                self.settings.set(name, value, local)?;
                self.show_application_name();
                Ok(())
            }
        }
    }

    pub(super) fn warn_unless_in_block(&mut self, what: &str) {
        if matches!(self.transaction, Transaction::Idle) {
            self.warn(
                SqlState::NO_ACTIVE_SQL_TRANSACTION,
                format!("{what} can only be used in transaction blocks"),
            );
        }
    }

    pub(super) fn show_application_name(&self) {
        let name = self.settings.get("application_name").unwrap_or_default();
        self.entry().set_application_name(name);
    }

    pub(super) fn show(&self, name: &str) -> Result<String> {
        let setting = |name| self.settings.get(name).map(str::to_owned);
        match (name.to_lowercase().as_str(), &self.transaction) {
            ("transaction_isolation", Transaction::Open(open)) => {
                Ok(open.isolation.as_str().to_owned())
            }
            ("transaction_isolation", _) => setting("default_transaction_isolation"),
            ("transaction_read_only", Transaction::Open(open)) => {
                Ok(if open.read_only { "on" } else { "off" }.to_owned())
            }
            ("transaction_read_only", _) => setting("default_transaction_read_only"),
            _ => setting(name),
        }
    }

    /// The column's name of a SHOW: the setting's own spelling.
    fn shown_name(&self, name: &str) -> String {
        let all = self.settings.all();
        let found = all.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
        found.map_or_else(|| name.to_owned(), |(known, ..)| (*known).to_owned())
    }

    pub(super) fn setting_columns(&self, setting: &Setting) -> Result<Vec<Column>> {
        let text = |name: &str| Column::new(name, PgType::TEXT);
        match setting {
            Setting::Show(name) => {
                self.show(name)?;
                Ok(vec![text(&self.shown_name(name))])
            }
            Setting::ShowAll => Ok(vec![text("name"), text("setting"), text("description")]),
            _ => Ok(Vec::new()),
        }
    }

    /// Runs DISCARD; gives the command tag.
    pub(super) fn discard(&mut self, tag: &'static str) -> Result<String> {
        if tag == "DISCARD ALL" {
            if matches!(self.transaction, Transaction::Open(_)) {
                return Err(Error::new(
                    SqlState::ACTIVE_SQL_TRANSACTION,
                    "DISCARD ALL cannot run inside a transaction block",
                ));
            }
            self.settings.reset_all();
            self.show_application_name();
            self.deallocate(None)?;
            self.close_all_portals();
            self.cursors.clear();
            self.notifications.unlisten_all();
            self.advisory_locks.unlock_all();
            self.temp.clear();
        }
        if tag == "DISCARD TEMP" {
            if self.is_in_block() {
                return Err(Error::unsupported(
                    "DISCARD TEMP inside a transaction is not supported",
                ));
            }
            self.temp.clear();
        }
        if matches!(tag, "DISCARD ALL" | "DISCARD SEQUENCES") {
            self.drawn = Drawn::default();
        }
        Ok(tag.to_owned())
    }
}
