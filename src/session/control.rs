//! SET, SHOW, BEGIN, DISCARD: what changes the session and nothing else.

use super::run::{Outcome, Rows};
use super::transaction::{Isolation, Open};
use super::{Session, Transaction};
use crate::error::{Error, Result};
use crate::sql::{Setting, TransactionMode, TransactionStatement};
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType};

impl Session {
    /// Runs BEGIN and its like; gives the command tag.
    pub(super) fn control_transaction(
        &mut self,
        statement: &TransactionStatement,
    ) -> Result<String> {
        match statement {
            TransactionStatement::Begin { modes, start } => {
                if matches!(self.transaction, Transaction::Idle) {
                    self.begin();
                }
                // In an open transaction PostgreSQL only warns.
                self.transaction.set_modes(modes)?;
                Ok(if *start { "START TRANSACTION" } else { "BEGIN" }.to_owned())
            }
            TransactionStatement::Commit => {
                let failed = matches!(self.transaction, Transaction::Failed);
                self.end_transaction(!failed);
                Ok(if failed { "ROLLBACK" } else { "COMMIT" }.to_owned())
            }
            TransactionStatement::Rollback => {
                self.end_transaction(false);
                Ok("ROLLBACK".to_owned())
            }
            TransactionStatement::Savepoint(_)
            | TransactionStatement::RollbackTo(_)
            | TransactionStatement::Release(_) => {
                if matches!(self.transaction, Transaction::Idle) {
                    return Err(Error::new(
                        SqlState::NO_ACTIVE_SQL_TRANSACTION,
                        "SAVEPOINT can only be used in transaction blocks",
                    ));
                }
                Err(Error::unsupported("savepoints are not supported yet"))
            }
        }
    }

    fn begin(&mut self) {
        self.settings_before = Some(self.settings.clone());
        let isolation = self.settings.get("default_transaction_isolation").unwrap_or_default();
        self.transaction = Transaction::Open(Box::new(Open {
            isolation: Isolation::parse(isolation),
            read_only: self.settings.is_on("default_transaction_read_only"),
            snapshot: None,
            begun: false,
        }));
    }

    fn end_transaction(&mut self, committed: bool) {
        self.transaction = Transaction::Idle;
        match self.settings_before.take() {
            Some(before) if !committed => self.settings = before,
            _ => self.settings.end_transaction(),
        }
        self.show_application_name();
        self.close_all_portals();
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
                self.transaction.set_modes(modes)?;
                Ok(Outcome::Done("SET".to_owned()))
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

    fn set(&mut self, name: &str, value: Option<&str>, local: bool) -> Result<()> {
        match (name, value) {
            ("transaction_isolation", Some(value)) => {
                let mode = match Isolation::parse(&value.to_lowercase()) {
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

    fn show_application_name(&self) {
        let name = self.settings.get("application_name").unwrap_or_default();
        self.entry().set_application_name(name);
    }

    fn show(&self, name: &str) -> Result<String> {
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
        }
        Ok(tag.to_owned())
    }
}
