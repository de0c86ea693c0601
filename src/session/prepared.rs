//! Prepared statements and portals: one namespace each for the protocol and for SQL.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::advisory::{advisory_columns, advisory_params};
use super::{Rows, Session, StatementGuard};
use crate::clock;
use crate::engine::Description;
use crate::error::{Error, Result};
use crate::sql::{CursorStatement, Kind, Statement, shows_as};
use crate::sqlstate::SqlState;
use crate::types::{self, Column, PgType, Value};

/// A prepared statement.
pub struct Prepared {
    /// `None` for an empty query.
    pub statement: Option<Arc<Statement>>,
    /// The parameters' types as the client declared them.
    pub declared: Vec<Option<PgType>>,
    /// The text of the PREPARE that made it; `None` for one that the protocol made.
    pub(super) sql: Option<String>,
    pub(super) prepared_us: i64,
    /// Found out when it is first needed.
    description: Mutex<Option<Description>>,
}

/// A statement with its parameters bound.
pub struct Portal {
    pub prepared: Arc<Prepared>,
    pub params: Vec<Value>,
    /// Result formats as bound: none, one for all, or one a column.
    pub formats: Vec<i16>,
    pub state: PortalState,
}

/// How far a portal is.
///
/// Ready → Running by the first Execute; Running → Done when its rows end; Ready → Done for a
/// statement without rows.
pub enum PortalState {
    Ready,
    Running(Box<Rows>),
    /// With whether it gave rows: such a portal gives none more, another cannot be run again.
    Done {
        had_rows: bool,
    },
}

impl Prepared {
    /// Prepares a parsed statement.
    pub fn new(statement: Option<Arc<Statement>>, declared: Vec<Option<PgType>>) -> Prepared {
        Prepared {
            statement,
            declared,
            sql: None,
            prepared_us: clock::now_us(),
            description: Mutex::new(None),
        }
    }

    /// Notes the text of the PREPARE that made it.
    pub(super) fn by_sql(mut self, text: &str) -> Prepared {
        self.sql = Some(text.to_owned());
        self
    }

    /// The types that the statement runs with: the described ones where they are known.
    pub fn types(&self) -> Vec<Option<PgType>> {
        match &*self.description.lock() {
            Some(description) => description.params.iter().copied().map(Some).collect(),
            None => self.declared.clone(),
        }
    }

    /// Checks that a result is what was described: what a client was told of a statement's columns
    /// holds until it is prepared again.
    ///
    /// # Errors
    /// 0A000 when definitions have changed since.
    pub fn check_unchanged(&self, columns: &mut [Column]) -> Result<()> {
        let description = self.description.lock();
        let Some(described) = description.as_ref() else { return Ok(()) };
        if described.columns.is_empty() {
            return Ok(());
        }
        let changed = || {
            Error::unsupported("cached plan must not change result type")
                .with_routine("RevalidateCachedQuery")
        };
        if described.columns.len() != columns.len() {
            return Err(changed());
        }
        for (column, described) in columns.iter_mut().zip(&described.columns) {
            if !shows_as(column.pg_type, described.pg_type) {
                return Err(changed());
            }
            (column.pg_type, column.typmod) = (described.pg_type, described.typmod);
        }
        Ok(())
    }

    fn known_params(&self) -> Option<Vec<PgType>> {
        if let Some(description) = &*self.description.lock() {
            return Some(description.params.clone());
        }
        let count = self.statement.as_ref().map_or(0, |statement| statement.param_count);
        let all: Option<Vec<PgType>> =
            (0..count).map(|index| self.declared.get(index).copied().flatten()).collect();
        all.filter(|_| self.declared.len() >= count)
    }
}

impl Session {
    /// Parses a message; one that came before need not be.
    ///
    /// # Errors
    /// As [`sql::parse`].
    pub fn parse(&self, text: &str) -> Result<Arc<[Arc<Statement>]>> {
        self.services.parsed.parse(text)
    }

    /// Prepares a statement under a name; the unnamed one replaces its predecessor.
    ///
    /// # Errors
    /// 42P05 for a name in use, 54000 for too many.
    pub fn prepare(&mut self, name: &str, prepared: Prepared) -> Result<()> {
        if !name.is_empty() && self.statements.contains_key(name) {
            return Err(Error::new(
                SqlState::DUPLICATE_PREPARED_STATEMENT,
                format!("prepared statement \"{name}\" already exists"),
            ));
        }
        if self.statements.len() >= self.services.config.statements_max {
            return Err(too_many("prepared statements", "statements_max"));
        }
        self.statements.insert(name.to_owned(), Arc::new(prepared));
        Ok(())
    }

    /// Finds a prepared statement.
    ///
    /// # Errors
    /// 26000 for an unknown name.
    pub fn prepared(&self, name: &str) -> Result<Arc<Prepared>> {
        self.statements.get(name).cloned().ok_or_else(|| {
            let shown = if name.is_empty() {
                "unnamed prepared statement does not exist".to_owned()
            } else {
                format!("prepared statement \"{name}\" does not exist")
            };
            Error::new(SqlState::INVALID_SQL_STATEMENT_NAME, shown)
        })
    }

    /// Forgets a prepared statement; one that does not exist is no error in the protocol.
    pub fn close_statement(&mut self, name: &str) {
        self.statements.remove(name);
    }

    /// `DEALLOCATE`.
    ///
    /// # Errors
    /// 26000 for an unknown name.
    pub(super) fn deallocate(&mut self, name: Option<&str>) -> Result<String> {
        match name {
            None => {
                self.statements.clear();
                Ok("DEALLOCATE ALL".to_owned())
            }
            Some(name) => {
                self.prepared(name)?;
                self.statements.remove(name);
                Ok("DEALLOCATE".to_owned())
            }
        }
    }

    /// Checks a statement at its Parse, as PostgreSQL does: a read's names and types, and that an
    /// aborted transaction hears of nothing but its end. A write's are checked when it runs.
    pub async fn analyze(&self, prepared: &Prepared, guard: &StatementGuard) -> Result<()> {
        let Some(statement) = &prepared.statement else { return Ok(()) };
        self.check_not_failed(&statement.kind)?;
        if matches!(statement.kind, Kind::Read(_)) {
            self.describe(prepared, guard).await?;
        }
        Ok(())
    }

    /// Returns the number of result columns, where it is known.
    fn column_count(prepared: &Prepared) -> Option<usize> {
        prepared.description.lock().as_ref().map(|description| description.columns.len())
    }

    /// Describes a prepared statement without running it; remembered.
    pub async fn describe(
        &self,
        prepared: &Prepared,
        guard: &StatementGuard,
    ) -> Result<Description> {
        if let Some(description) = &*prepared.description.lock() {
            return Ok(description.clone());
        }
        let Some(statement) = &prepared.statement else { return Ok(Description::default()) };
        let described = self
            .describe_kind(statement, &prepared.declared, guard)
            .await
            .map_err(|error| statement.locate(error))?;
        *prepared.description.lock() = Some(described.clone());
        Ok(described)
    }

    pub(super) async fn describe_kind(
        &self,
        statement: &Statement,
        declared: &[Option<PgType>],
        guard: &StatementGuard,
    ) -> Result<Description> {
        let router = &self.services.router;
        let columns = |columns| Description { params: Vec::new(), columns };
        match &statement.kind {
            Kind::Read(read) => {
                let context = self.context(guard).await?;
                router.describe(statement, read, declared, &context).await
            }
            Kind::Write(write) => {
                let context = self.context(guard).await?;
                router.describe_write(statement, write, declared, &context).await
            }
            Kind::ChangingWith(with) => {
                Box::pin(self.describe_changing_with(statement, with, declared, guard)).await
            }
            Kind::InTurn(count) => {
                Box::pin(self.describe_in_turn(statement, *count, declared, guard)).await
            }
            Kind::Explain { statement: inner, json, .. } => {
                let params = match &inner.kind {
                    Kind::Read(read) if inner.param_count > 0 => {
                        let context = self.context(guard).await?;
                        router.describe(inner, read, declared, &context).await?.params
                    }
                    _ => padded(declared, inner.param_count),
                };
                let shown = if *json { PgType::JSON } else { PgType::TEXT };
                Ok(Description { params, columns: vec![Column::new("QUERY PLAN", shown)] })
            }
            Kind::Call(call) => {
                let context = self.context(guard).await?;
                router.describe_call(statement, call, declared, &context).await
            }
            Kind::Advisory(calls) => {
                let mut params = padded(declared, statement.param_count);
                advisory_params(calls, &mut params);
                Ok(Description { params, columns: advisory_columns(calls) })
            }
            Kind::Cursor(CursorStatement::Fetch { name, moves: false, .. }) => {
                Ok(columns(self.cursor_columns(name)?))
            }
            Kind::Cursor(CursorStatement::Declare { query, .. }) => {
                let described = Box::pin(self.describe_kind(query, declared, guard)).await?;
                Ok(Description { params: described.params, columns: Vec::new() })
            }
            Kind::Setting(setting) => Ok(columns(self.setting_columns(setting)?)),
            Kind::Execute { name, .. } => {
                let inner = self.prepared(name)?;
                let described = Box::pin(self.describe(&inner, guard)).await?;
                Ok(columns(described.columns))
            }
            _ => Ok(Description {
                params: padded(declared, statement.param_count),
                columns: Vec::new(),
            }),
        }
    }

    /// Makes a portal of a prepared statement and what the client bound.
    ///
    /// # Errors
    /// 08P01 for counts that do not fit, 22P02 and its like for values.
    pub async fn bind(
        &mut self,
        name: &str,
        statement: &str,
        param_formats: &[i16],
        values: &[Option<Bytes>],
        result_formats: Vec<i16>,
        guard: &StatementGuard,
    ) -> Result<()> {
        let prepared = self.prepared(statement)?;
        if let Some(statement) = &prepared.statement {
            self.check_not_failed(&statement.kind)?;
        }
        let count = prepared.statement.as_ref().map_or(0, |statement| statement.param_count);
        let count = count.max(prepared.declared.len());
        if values.len() != count {
            return Err(Error::protocol(format!(
                "bind message supplies {} parameters, but prepared statement \"{statement}\" requires {count}",
                values.len()
            )));
        }
        if param_formats.len() > 1 && param_formats.len() != values.len() {
            return Err(Error::protocol(format!(
                "bind message has {} parameter formats but {} parameters",
                param_formats.len(),
                values.len()
            )));
        }
        let params = if count == 0 {
            Vec::new()
        } else {
            let types = match prepared.known_params() {
                Some(types) => types,
                None => Box::pin(self.describe(&prepared, guard)).await?.params,
            };
            self.decode_params(&types, param_formats, values)?
        };
        if let Some(columns) = Self::column_count(&prepared)
            && result_formats.len() > 1
            && result_formats.len() != columns
        {
            return Err(Error::protocol(format!(
                "bind message has {} result formats but query has {columns} columns",
                result_formats.len()
            )));
        }
        if !name.is_empty() && self.portals.contains_key(name) {
            return Err(Error::new(
                SqlState::DUPLICATE_CURSOR,
                format!("cursor \"{name}\" already exists"),
            ));
        }
        if self.portals.len() >= self.services.config.portals_max {
            return Err(too_many("open portals", "portals_max"));
        }
        let portal =
            Portal { prepared, params, formats: result_formats, state: PortalState::Ready };
        self.portals.insert(name.to_owned(), portal);
        Ok(())
    }

    fn decode_params(
        &self,
        types: &[PgType],
        formats: &[i16],
        values: &[Option<Bytes>],
    ) -> Result<Vec<Value>> {
        let style = self.settings.input_style();
        values
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let Some(bytes) = value else { return Ok(Value::Null) };
                let pg_type = types.get(index).copied().unwrap_or(PgType::TEXT);
                let format = match formats {
                    [] => 0,
                    [all] => *all,
                    each => each.get(index).copied().unwrap_or(0),
                };
                match format {
                    0 => {
                        let text = std::str::from_utf8(bytes).map_err(|_| not_utf8())?;
                        if text.contains('\0') {
                            return Err(not_utf8());
                        }
                        types::from_text(pg_type, text, style)
                    }
                    1 => types::from_binary(pg_type, bytes),
                    other => Err(Error::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        format!("unsupported format code: {other}"),
                    )),
                }
            })
            .collect()
    }

    /// Finds a portal.
    ///
    /// # Errors
    /// 34000 for an unknown name.
    pub fn portal(&mut self, name: &str) -> Result<&mut Portal> {
        self.portals.get_mut(name).ok_or_else(|| {
            Error::new(SqlState::INVALID_CURSOR_NAME, format!("portal \"{name}\" does not exist"))
        })
    }

    /// Takes a portal out, to run it beside the rest of the session.
    pub fn take_portal(&mut self, name: &str) -> Result<Portal> {
        self.portal(name)?;
        self.portals.remove(name).ok_or_else(|| Error::internal("a portal vanished"))
    }

    /// Puts a portal back after its Execute.
    pub fn put_portal(&mut self, name: &str, portal: Portal) {
        self.portals.insert(name.to_owned(), portal);
    }

    /// Closes a portal; one that does not exist is no error.
    pub fn close_portal(&mut self, name: &str) {
        self.portals.remove(name);
    }

    /// Makes a transaction's connection free of open portals: the rest of their rows is kept here.
    ///
    /// # Errors
    /// 53400 when that is too much.
    pub async fn free_connection(&mut self) -> Result<()> {
        if self.transaction.snapshot().is_none() && self.loose_snapshot().is_none() {
            return Ok(());
        }
        let bytes_max = self.services.config.portal_bytes_max;
        for portal in self.portals.values_mut() {
            if let PortalState::Running(rows) = &mut portal.state {
                rows.gather(bytes_max).await?;
            }
        }
        self.gather_cursors().await
    }

    /// A Sync, or the end of a transaction: portals live no longer than it.
    pub fn end_portals(&mut self) {
        if !matches!(self.transaction, super::Transaction::Open(_)) {
            self.portals.clear();
        }
    }

    /// Ends the streams of open portals: nothing can be fetched in a failed transaction.
    pub(super) fn stop_portals(&mut self) {
        for portal in self.portals.values_mut() {
            if matches!(portal.state, PortalState::Running(_)) {
                portal.state = PortalState::Done { had_rows: true };
            }
        }
    }

    pub(super) fn close_all_portals(&mut self) {
        self.portals.clear();
    }
}

fn padded(declared: &[Option<PgType>], count: usize) -> Vec<PgType> {
    (0..count.max(declared.len()))
        .map(|index| declared.get(index).copied().flatten().unwrap_or(PgType::TEXT))
        .collect()
}

fn too_many(what: &str, setting: &str) -> Error {
    Error::new(SqlState::CONFIGURATION_LIMIT_EXCEEDED, format!("too many {what} in this session"))
        .with_hint(format!("Close some, or raise {setting}."))
}

fn not_utf8() -> Error {
    Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\"")
}
