//! Cursors by SQL: DECLARE, FETCH, MOVE, CLOSE. One that scrolls or outlives its transaction keeps
//! its rows here, within a bound; another streams.

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use futures::StreamExt;

use super::own::CursorRow;
use super::prepared::PortalState;
use super::run::{Outcome, Rows, RowsTag};
use super::{Session, StatementGuard};
use crate::clock;
use crate::error::{Error, Result};
use crate::sql::{CursorStatement, Direction};
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType, Value};

/// An open cursor.
pub(super) struct Cursor {
    columns: Vec<Column>,
    source: Source,
    /// The text of the DECLARE.
    text: String,
    scroll: bool,
    /// It outlives the transaction that declared it.
    hold: bool,
    created_us: i64,
    /// The transaction that declared it is still open.
    is_new: bool,
}

enum Source {
    /// Forward only; `None` at the end.
    Stream(Option<Box<Rows>>),
    Kept(Kept),
}

/// All rows, and the place: 0 is before the first, one more than there are is behind the last.
struct Kept {
    rows: Option<RecordBatch>,
    place: u64,
}

impl Kept {
    fn count(&self) -> u64 {
        self.rows.as_ref().map_or(0, |rows| rows.num_rows() as u64)
    }

    /// Goes to a place, within what there is.
    fn go(&mut self, place: i128) {
        let last = i128::from(self.count()) + 1;
        self.place = u64::try_from(place.clamp(0, last)).unwrap_or(0);
    }

    /// Numbers of the rows that a FETCH gives, from 1; goes there.
    fn fetch(&mut self, direction: Direction) -> Vec<u64> {
        let (from, count) = (i128::from(self.place), i128::from(self.count()));
        let single = |kept: &mut Kept, place: i128| {
            kept.go(place);
            vec![kept.place]
        };
        let numbers = match direction {
            Direction::Absolute(number) if number < 0 => {
                single(self, count + 1 + i128::from(number))
            }
            Direction::Absolute(number) => single(self, number.into()),
            Direction::Relative(number) => single(self, from + i128::from(number)),
            Direction::Forward(0) => vec![self.place],
            Direction::ForwardAll => {
                self.go(count + 1);
                (self.number(from + 1)..=self.number(count)).collect()
            }
            Direction::BackwardAll => {
                self.go(0);
                (1..self.number(from)).rev().collect()
            }
            Direction::Forward(number) if number > 0 => {
                self.go(from + i128::from(number));
                let last = (from + i128::from(number)).min(count);
                (self.number(from + 1)..=self.number(last)).collect()
            }
            Direction::Forward(number) => {
                self.go(from + i128::from(number));
                let last = (from + i128::from(number)).max(1);
                (self.number(last)..self.number(from)).rev().collect()
            }
        };
        numbers.into_iter().filter(|&number| number >= 1 && number <= self.count()).collect()
    }

    fn number(&self, place: i128) -> u64 {
        u64::try_from(place.clamp(0, i128::from(self.count()) + 1)).unwrap_or(0)
    }
}

impl Session {
    /// Runs a statement about a cursor.
    pub(super) async fn cursor(
        &mut self,
        statement: &CursorStatement,
        text: &str,
        types: &[Option<PgType>],
        params: Vec<Value>,
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        match statement {
            CursorStatement::Declare { name, scroll, hold, query } => {
                self.check_declare(name, *hold)?;
                let outcome = Box::pin(self.run_kind(query, types, params, guard)).await?;
                let Outcome::Rows(rows) = outcome else {
                    return Err(Error::internal("a cursor's query gave no rows"));
                };
                self.declare(name, text, (*scroll == Some(true), *hold), rows).await?;
                Ok(Outcome::Done("DECLARE CURSOR".to_owned()))
            }
            CursorStatement::Fetch { name, direction, moves } => {
                self.fetch(name, *direction, *moves).await
            }
            CursorStatement::Close(None) => {
                self.cursors.clear();
                self.close_all_portals();
                Ok(Outcome::Done("CLOSE CURSOR ALL".to_owned()))
            }
            CursorStatement::Close(Some(name)) => {
                if self.cursors.remove(name).is_none() {
                    self.portal(name).map_err(|_| unknown(name))?;
                    self.close_portal(name);
                }
                Ok(Outcome::Done("CLOSE CURSOR".to_owned()))
            }
        }
    }

    fn check_declare(&self, name: &str, hold: bool) -> Result<()> {
        if !hold && (!self.is_in_block() || self.transaction.is_implicit()) {
            return Err(Error::new(
                SqlState::NO_ACTIVE_SQL_TRANSACTION,
                "DECLARE CURSOR can only be used in transaction blocks",
            ));
        }
        if self.cursors.contains_key(name) || self.portals.contains_key(name) {
            return Err(Error::new(
                SqlState::DUPLICATE_CURSOR,
                format!("cursor \"{name}\" already exists"),
            ));
        }
        if self.cursors.len() >= self.services.config.portals_max {
            return Err(Error::new(
                SqlState::CONFIGURATION_LIMIT_EXCEEDED,
                "too many open cursors in this session",
            )
            .with_hint("Close some, or raise portals_max."));
        }
        Ok(())
    }

    async fn declare(
        &mut self,
        name: &str,
        text: &str,
        (scroll, hold): (bool, bool),
        rows: Box<Rows>,
    ) -> Result<()> {
        let columns = rows.columns.clone();
        let keeps = scroll || hold;
        let mut cursor = Cursor {
            columns,
            source: Source::Stream(Some(rows)),
            text: text.to_owned(),
            scroll,
            hold,
            created_us: clock::now_us(),
            is_new: self.is_in_block(),
        };
        if keeps {
            cursor.keep(self.services.config.portal_bytes_max).await?;
        }
        self.cursors.insert(name.to_owned(), cursor);
        Ok(())
    }

    async fn fetch(&mut self, name: &str, direction: Direction, moves: bool) -> Result<Outcome> {
        let fetched = match self.cursors.get_mut(name) {
            Some(cursor) => {
                let batches = cursor.fetch(direction).await?;
                (cursor.columns.clone(), batches)
            }
            // A portal of the protocol is a cursor, too.
            None => {
                let portal = self.portal(name).map_err(|_| unknown(name))?;
                let PortalState::Running(rows) = &mut portal.state else {
                    return Ok(Outcome::Done(format!("{} 0", word(moves))));
                };
                let columns = rows.columns.clone();
                (columns, forward(rows, direction).await?)
            }
        };
        let (columns, batches) = fetched;
        if moves {
            let count: usize = batches.iter().map(RecordBatch::num_rows).sum();
            return Ok(Outcome::Done(format!("MOVE {count}")));
        }
        let stream = futures::stream::iter(batches.into_iter().map(Ok)).boxed();
        Ok(Outcome::Rows(Box::new(Rows::new(columns, stream, RowsTag::Counted("FETCH")))))
    }

    /// Returns the columns of a cursor that SQL declared; `None` when there is none.
    pub fn declared_columns(&self, name: &str) -> Option<Vec<Column>> {
        self.cursors.get(name).map(|cursor| cursor.columns.clone())
    }

    /// Returns the rows of `pg_cursors`.
    pub(super) fn cursor_rows(&self) -> Vec<CursorRow> {
        let rows = self.cursors.iter().map(|(name, cursor)| CursorRow {
            name: name.clone(),
            statement: cursor.text.clone(),
            is_holdable: cursor.hold,
            is_scrollable: cursor.scroll,
            created_us: cursor.created_us,
        });
        let mut rows: Vec<CursorRow> = rows.collect();
        rows.sort_by(|one, other| one.name.cmp(&other.name));
        rows
    }

    /// Returns a cursor's columns.
    ///
    /// # Errors
    /// 34000 for an unknown name.
    pub(super) fn cursor_columns(&self, name: &str) -> Result<Vec<Column>> {
        if let Some(cursor) = self.cursors.get(name) {
            return Ok(cursor.columns.clone());
        }
        match self.portals.get(name).map(|portal| &portal.state) {
            Some(PortalState::Running(rows)) => Ok(rows.columns.clone()),
            Some(_) => Ok(Vec::new()),
            None => Err(unknown(name)),
        }
    }

    /// Ends the cursors of a transaction; those WITH HOLD outlive one that commits.
    pub(super) fn end_cursors(&mut self, commits: bool) {
        self.cursors.retain(|_, cursor| !cursor.is_new || commits && cursor.hold);
        self.cursors.values_mut().for_each(|cursor| cursor.is_new = false);
    }

    /// Takes the rest of the cursors' rows into memory, so that their connection is free.
    ///
    /// # Errors
    /// 53400 when that is too much.
    pub(super) async fn gather_cursors(&mut self) -> Result<()> {
        let bytes_max = self.services.config.portal_bytes_max;
        for cursor in self.cursors.values_mut() {
            if let Source::Stream(Some(rows)) = &mut cursor.source {
                rows.gather(bytes_max).await?;
            }
        }
        Ok(())
    }
}

fn word(moves: bool) -> &'static str {
    if moves { "MOVE" } else { "FETCH" }
}

fn unknown(name: &str) -> Error {
    Error::new(SqlState::INVALID_CURSOR_NAME, format!("cursor \"{name}\" does not exist"))
}

impl Cursor {
    /// Takes all rows into memory.
    async fn keep(&mut self, bytes_max: usize) -> Result<()> {
        let Source::Stream(Some(rows)) = &mut self.source else { return Ok(()) };
        rows.gather(bytes_max).await?;
        let mut batches = Vec::new();
        while let Some(batch) = rows.next().await? {
            batches.push(batch);
        }
        let joined = match batches.first() {
            Some(first) => Some(
                concat_batches(&first.schema(), &batches)
                    .map_err(|error| Error::internal(error.to_string()))?,
            ),
            None => None,
        };
        self.source = Source::Kept(Kept { rows: joined, place: 0 });
        Ok(())
    }

    async fn fetch(&mut self, direction: Direction) -> Result<Vec<RecordBatch>> {
        match &mut self.source {
            Source::Stream(None) => match direction {
                Direction::Forward(1..) | Direction::ForwardAll => Ok(Vec::new()),
                _ => Err(forward_only()),
            },
            Source::Stream(Some(rows)) => forward(rows, direction).await,
            Source::Kept(kept) => {
                let numbers = kept.fetch(direction);
                let Some(rows) = &kept.rows else { return Ok(Vec::new()) };
                let places = numbers.iter().map(|number| number - 1).collect::<Vec<_>>();
                let taken = take_record_batch(rows, &UInt64Array::from(places))
                    .map_err(|error| Error::internal(error.to_string()))?;
                Ok(vec![taken])
            }
        }
    }
}

fn forward_only() -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward")
        .with_hint("Declare it with SCROLL option to enable backward scan.")
}

/// Takes the next rows of a stream.
async fn forward(rows: &mut Rows, direction: Direction) -> Result<Vec<RecordBatch>> {
    let wanted = match direction {
        Direction::ForwardAll => usize::MAX,
        Direction::Forward(number) if number > 0 => usize::try_from(number).unwrap_or(usize::MAX),
        Direction::Relative(1) => 1,
        _ => return Err(forward_only()),
    };
    let mut batches = Vec::new();
    let mut missing = wanted;
    while missing > 0 {
        let (batch, start) = match rows.rest.take() {
            Some(rest) => rest,
            None => match rows.next().await? {
                Some(batch) => (batch, 0),
                None => break,
            },
        };
        let left = batch.num_rows() - start;
        let count = left.min(missing);
        batches.push(batch.slice(start, count));
        missing -= count;
        if count < left {
            rows.rest = Some((batch, start + count));
        }
    }
    Ok(batches)
}
