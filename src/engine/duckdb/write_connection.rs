//! The Writer's connection: every change of the DuckDB file goes through here.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::capi::{Connection, Interrupter, Prepared, SendBatches, StreamView};
use super::instance::{text_rows, text_rows_with};
use super::kept_outcomes::KeptOutcomes;
use super::reader::Idle;
use super::statement_cache::{KeptStatement, StatementCache};
use crate::catalog;
use crate::error::{Error, Result};
use crate::fail_point::{self, Point};
use crate::ids::{IntentSeq, TableName};
use crate::sql::quote_ident;
use crate::sqlstate::SqlState;
use crate::types::{Column, Value};

/// What a row of the table of applied places says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Everything up to this place is applied, but for what was set aside.
    Through = 0,
    /// Set aside: not applied when the places behind it were.
    Aside = 1,
    /// Applied apart, in a transaction of its own.
    Apart = 2,
}

/// The table of applied places, in the database that it describes; see [`AppliedPlaces`]. Rows are
/// only added, since DuckDB refuses a CHECKPOINT while a reader is older than an UPDATE, and adding
/// one is cheaper; now and then those that say nothing any more are deleted.
const APPLIED_TABLE: &str = "CREATE SCHEMA IF NOT EXISTS teatree_internal;
CREATE TABLE IF NOT EXISTS teatree_internal.applied (seq UBIGINT NOT NULL);
ALTER TABLE teatree_internal.applied ADD COLUMN IF NOT EXISTS state UTINYINT DEFAULT 0;
INSERT INTO teatree_internal.applied
    SELECT 0, 0 WHERE NOT EXISTS (FROM teatree_internal.applied);
DELETE FROM teatree_internal.applied
    WHERE state = 0 AND seq < (SELECT max(seq) FROM teatree_internal.applied WHERE state = 0);";

const PUT: &str = "INSERT INTO teatree_internal.applied VALUES ($1, $2)";

/// Deletes what says nothing once everything up to `$1` is applied: smaller places, and those that
/// were applied apart.
const CLEAN: &str = "DELETE FROM teatree_internal.applied WHERE state = 0 AND seq < $1
    OR state <> 0 AND seq <= $1
        AND seq IN (SELECT seq FROM teatree_internal.applied WHERE state = 2)";

/// Statements that a connection keeps prepared.
const STATEMENTS_MAX: usize = 64;

/// Commits between two clean-ups of the table of applied places.
const CLEAN_EVERY: u32 = 10_000;

/// Which intents the data file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppliedPlaces {
    /// Every intent up to this one is applied, but for those in `aside`.
    pub through: IntentSeq,
    /// What was passed over.
    pub aside: BTreeSet<IntentSeq>,
    /// What was applied in a transaction of its own, before or after the stream came by.
    pub apart: BTreeSet<IntentSeq>,
}

impl AppliedPlaces {
    /// Tells whether an intent's change is in the file.
    pub fn has(&self, seq: IntentSeq) -> bool {
        self.apart.contains(&seq) || seq <= self.through && !self.aside.contains(&seq)
    }

    /// Returns the largest place that the file knows of.
    pub fn last(&self) -> IntentSeq {
        self.apart.last().copied().map_or(self.through, |apart| apart.max(self.through))
    }
}

/// What one statement did.
pub struct Changed {
    /// Rows inserted, updated or deleted; rows returned for RETURNING.
    pub rows: u64,
    /// The rows of RETURNING.
    pub returned: Option<(Vec<Column>, SchemaRef, Vec<RecordBatch>)>,
}

/// What the server itself runs with every transaction.
struct OwnStatements {
    begin: KeptStatement,
    place: KeptStatement,
    clean: KeptStatement,
    commit: KeptStatement,
}

impl OwnStatements {
    fn new() -> OwnStatements {
        OwnStatements {
            begin: KeptStatement::new("BEGIN TRANSACTION"),
            place: KeptStatement::new(PUT),
            clean: KeptStatement::new(CLEAN),
            commit: KeptStatement::new("COMMIT"),
        }
    }
}

/// A connection that writes. All its methods block.
pub struct WriteConnection {
    own: OwnStatements,
    commits: u32,
    /// Set aside since the last commit.
    aside: BTreeSet<IntentSeq>,
    /// The one intent that is applied now although the stream has passed it.
    apart: Option<IntentSeq>,
    /// Made when it is first needed.
    pub(super) outcomes: Option<KeptOutcomes>,
    pub(super) statements: StatementCache,
    pub(super) connection: Connection,
    session: (String, Vec<String>),
}

impl WriteConnection {
    pub(super) fn new(mut connection: Connection) -> Result<WriteConnection> {
        connection.execute(APPLIED_TABLE)?;
        let outcomes = Some(KeptOutcomes::new(&mut connection)?);
        Ok(WriteConnection {
            own: OwnStatements::new(),
            commits: 0,
            aside: BTreeSet::new(),
            apart: None,
            outcomes,
            statements: StatementCache::new(STATEMENTS_MAX),
            connection,
            session: (String::new(), vec![String::new()]),
        })
    }

    /// Writes on a session's connection, which must not be used otherwise meanwhile.
    pub(super) fn on(idle: &mut Idle) -> WriteConnection {
        let Idle { connection, time_zone, search_path, counted } = idle.hand_over();
        idle.counted = counted;
        WriteConnection {
            own: OwnStatements::new(),
            commits: 0,
            aside: BTreeSet::new(),
            apart: None,
            outcomes: None,
            statements: StatementCache::new(1),
            connection,
            session: (time_zone, search_path),
        }
    }

    /// Gives a session's connection back.
    pub(super) fn give_back(self, idle: &mut Idle) {
        (idle.time_zone, idle.search_path) = self.session;
    }

    /// Returns what stops the running statement from another thread.
    pub fn interrupter(&self) -> impl Fn() + Send + Sync + use<> {
        let interrupter: Interrupter = self.connection.interrupter();
        move || interrupter.interrupt()
    }

    /// Reads which intents' changes are in the file.
    pub fn applied(&mut self) -> Result<AppliedPlaces> {
        let rows = text_rows(
            &mut self.connection,
            "SELECT seq::varchar, state::varchar FROM teatree_internal.applied
             WHERE state <> 0 OR seq = (SELECT max(seq) FROM teatree_internal.applied
                                        WHERE state = 0)",
        )?;
        let mut places = AppliedPlaces::default();
        for row in rows {
            let [seq, state] = row.as_slice() else { continue };
            let seq = IntentSeq(seq.parse().map_err(|_| damaged())?);
            match state.as_str() {
                "0" => places.through = seq,
                "1" => drop(places.aside.insert(seq)),
                "2" => drop(places.apart.insert(seq)),
                _ => return Err(damaged()),
            }
        }
        Ok(places)
    }

    /// Gives the connection the time zone and search path that an intent was accepted with.
    pub fn adopt(&mut self, time_zone: &str, search_path: &[String]) -> Result<()> {
        if self.session.0 != time_zone {
            let zone = time_zone.replace('\'', "''");
            self.connection.execute(&format!("SET SESSION TimeZone = '{zone}'"))?;
            time_zone.clone_into(&mut self.session.0);
        }
        if self.session.1 != search_path {
            let path = catalog::duckdb_search_path(search_path).replace('\'', "''");
            self.connection.execute(&format!("SET SESSION search_path = '{path}'"))?;
            self.session.1 = search_path.to_vec();
            self.statements.clear();
        }
        Ok(())
    }

    /// Commits a transaction that no intent stands for.
    pub fn commit_unnoticed(&mut self) -> Result<()> {
        self.end()
    }

    /// Starts a transaction.
    pub fn begin(&mut self) -> Result<()> {
        self.own.begin.prepared(&mut self.connection)?.run_again(&[])
    }

    /// Passes over an intent: the next commit says that it is not applied.
    pub fn set_aside(&mut self, seq: IntentSeq) {
        self.aside.insert(seq);
    }

    /// Says that an intent is applied late, behind others: its commit is [`Self::commit_apart`].
    pub fn apart_from_now(&mut self, seq: Option<IntentSeq>) {
        self.apart = seq;
    }

    /// Takes back that an intent was set aside, when no commit has said so yet: it has ended.
    pub fn forget_aside(&mut self, seq: IntentSeq) {
        self.aside.remove(&seq);
    }

    /// Returns how many intents were set aside since the last commit.
    pub fn set_aside_count(&self) -> usize {
        self.aside.len()
    }

    /// Commits the stream's transaction together with its place in the log: everything up to it is
    /// applied, but for what was set aside. When it fails, the transaction is undone.
    pub fn commit(&mut self, seq: IntentSeq) -> Result<()> {
        if self.apart == Some(seq) {
            self.commit_apart(seq)?;
            self.forget_aside(seq);
            return Ok(());
        }
        self.commits += 1;
        let cleaned = if self.commits % CLEAN_EVERY == 0 {
            self.clean_places(seq).or_else(|error| self.rollback().and(Err(error)))
        } else {
            Ok(())
        };
        let aside: Vec<IntentSeq> = self.aside.iter().copied().collect();
        let places = aside.into_iter().map(|seq| (seq, State::Aside));
        let committed = cleaned
            .and_then(|()| self.put_places(places.chain([(seq, State::Through)])))
            .and_then(|()| self.end());
        if committed.is_ok() {
            self.aside.clear();
        }
        committed
    }

    /// Commits a transaction beside the stream, together with the one intent that it holds. When it
    /// fails, the transaction is undone.
    pub fn commit_apart(&mut self, seq: IntentSeq) -> Result<()> {
        self.put_places([(seq, State::Apart)].into_iter()).and_then(|()| self.end())
    }

    /// Deletes every place but one that everything is applied through. Only at start, when nothing
    /// is under way and every outcome is on disk.
    pub fn settle(&mut self, through: IntentSeq) -> Result<()> {
        self.begin()?;
        let deleted = self.connection.execute("DELETE FROM teatree_internal.applied");
        deleted.or_else(|error| self.rollback().and(Err(error)))?;
        self.put_places([(through, State::Through)].into_iter()).and_then(|()| self.end())
    }

    fn clean_places(&mut self, seq: IntentSeq) -> Result<()> {
        self.own.clean.prepared(&mut self.connection)?.run_again(&[Value::Int8(number(seq)?)])
    }

    fn put_place(&mut self, seq: IntentSeq, state: State) -> Result<()> {
        let params = [Value::Int8(number(seq)?), Value::Int2(state as i16)];
        self.own.place.prepared(&mut self.connection)?.run_again(&params)
    }

    fn put_places(&mut self, places: impl Iterator<Item = (IntentSeq, State)>) -> Result<()> {
        for (seq, state) in places {
            if let Err(error) = self.put_place(seq, state) {
                let _ = self.rollback();
                return Err(error);
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let committed = fail_point::pass(Point::DuckDbBeforeCommit)
            .and_then(|()| self.own.commit.prepared(&mut self.connection)?.run_again(&[]));
        if committed.is_err() {
            // A COMMIT that failed has ended its transaction already; an interrupt before it has
            // not.
            let _ = self.rollback();
        }
        committed?;
        if fail_point::pass(Point::DuckDbFatal).is_err() {
            // DuckDB's own way to fail for good.
            self.connection.execute("SET GLOBAL debug_checkpoint_abort = 'before_header'")?;
            self.connection.execute("CHECKPOINT")?;
        }
        fail_point::pass(Point::DuckDbAfterCommit)
    }

    /// Undoes the transaction.
    pub fn rollback(&mut self) -> Result<()> {
        self.connection.execute("ROLLBACK")
    }

    /// Plans a statement anew: DuckDB's plan trusts the values that its tables had when it was
    /// made, so one that is kept gives wrong rows once they have others.
    pub(super) fn planned(&mut self, sql: &str, params: &[Value]) -> Result<Prepared> {
        let mut prepared = self.connection.prepare(sql)?;
        prepared.bind(params)?;
        Ok(prepared)
    }

    /// Runs one statement, gathering at most `rows_max` rows of RETURNING.
    ///
    /// # Errors
    /// 54000 when RETURNING gives more rows; what DuckDB says otherwise.
    pub fn execute(&mut self, sql: &str, params: &[Value], rows_max: usize) -> Result<Changed> {
        let mut result = self.planned(sql, params)?.run(false)?;
        if !result.has_rows() {
            return Ok(Changed { rows: result.rows_changed(), returned: None });
        }
        let (columns, schema) = (result.columns().to_vec(), result.schema().clone());
        let mut batches = Vec::new();
        let mut rows = 0;
        while let Some(batch) = result.fetch()? {
            rows += batch.num_rows();
            if rows > rows_max {
                return Err(Error::new(
                    SqlState::PROGRAM_LIMIT_EXCEEDED,
                    format!("a write gives back more than {rows_max} rows"),
                )
                .with_hint("Raise outcome_rows_max, or leave RETURNING out."));
            }
            batches.push(batch);
        }
        Ok(Changed { rows: rows as u64, returned: Some((columns, schema, batches)) })
    }

    /// Counts a table's rows; the name is quoted SQL.
    pub fn count(&mut self, table: &str) -> Result<u64> {
        let sql = format!("SELECT count(*)::varchar FROM {table}");
        let rows = text_rows(&mut self.connection, &sql)?;
        Ok(rows.first().and_then(|row| row.first()?.parse().ok()).unwrap_or(0))
    }

    /// Counts a table's rows.
    pub fn count_table(&mut self, table: &TableName) -> Result<u64> {
        self.count(&catalog::duckdb_table(table))
    }

    /// Runs a small query of the server's own whose columns are all text; NULL is empty text.
    pub fn text_rows(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Vec<String>>> {
        text_rows_with(&mut self.connection, sql, params)
    }

    /// Runs SQL of the server's own.
    pub fn run(&mut self, sql: &str) -> Result<()> {
        self.statements.clear();
        self.connection.execute(sql)
    }

    /// Appends batches to a table; `columns` names those that the batches have.
    pub fn append(
        &mut self,
        table: &TableName,
        columns: &[String],
        batches: &mut dyn Iterator<Item = Result<RecordBatch>>,
    ) -> Result<u64> {
        match append_all(&mut self.connection, table, columns, batches) {
            // Looked up only then: DuckDB's catalog functions are slow.
            Err(error)
                if !matches!(error.code().class(), "22" | "23")
                    && matches!(self.has_table(table), Ok(false)) =>
            {
                Err(Error::new(
                    SqlState::UNDEFINED_TABLE,
                    format!("relation \"{}\" does not exist", table.table),
                ))
            }
            outcome => outcome,
        }
    }

    /// Inserts many batches of one schema, with all of DuckDB's threads, in their order.
    ///
    /// # Errors
    /// As [`WriteConnection::append`]; the batches' own.
    pub fn append_stream(
        &mut self,
        table: &TableName,
        columns: &[String],
        schema: SchemaRef,
        batches: SendBatches,
    ) -> Result<u64> {
        let view = StreamView::new(&self.connection, schema, batches)?;
        let into = catalog::duckdb_table(table);
        let list: Vec<String> = columns.iter().map(|column| quote_ident(column)).collect();
        let sql =
            format!("INSERT INTO {into} ({}) SELECT * FROM {}", list.join(", "), view.sql_name());
        match self.connection.execute(&sql) {
            Ok(()) => Ok(view.rows()),
            Err(error) if view.is_unseen(&error) => {
                // The transaction has read such a view before, so it sees no new ones.
                let mut batches = view.into_batches()?;
                append_all(&mut self.connection, table, columns, &mut batches)
            }
            Err(error) => Err(view.failed().unwrap_or(error)),
        }
    }

    /// Tells whether DuckDB has a table or view of this name.
    pub fn has_table(&mut self, table: &TableName) -> Result<bool> {
        let params = [
            Value::Text(catalog::duckdb_schema(&table.schema).to_owned()),
            Value::Text(table.table.clone()),
        ];
        let rows = text_rows_with(
            &mut self.connection,
            "SELECT '1' FROM duckdb_tables() WHERE database_name IN (current_database(), 'temp')
                 AND schema_name = $1 AND table_name = $2
             UNION ALL
             SELECT '1' FROM duckdb_views() WHERE database_name = current_database()
                 AND schema_name = $1 AND view_name = $2",
            &params,
        )?;
        Ok(!rows.is_empty())
    }

    /// Writes everything committed into the data file and empties its write-ahead log.
    ///
    /// # Errors
    /// 55000 when DuckDB refuses it: a reader is open that is older than an UPDATE, whose rows the
    /// file would have to keep twice.
    pub fn checkpoint(&mut self) -> Result<()> {
        self.connection.execute("CHECKPOINT")
    }
}

fn append_all(
    connection: &mut Connection,
    table: &TableName,
    columns: &[String],
    batches: &mut dyn Iterator<Item = Result<RecordBatch>>,
) -> Result<u64> {
    let place = catalog::duckdb_place(table);
    let mut appender = connection.appender(place, &table.table, columns)?;
    let mut rows = 0;
    for batch in batches {
        let batch = batch?;
        appender.append(&batch)?;
        rows += batch.num_rows() as u64;
    }
    appender.finish()?;
    Ok(rows)
}

fn number(seq: IntentSeq) -> Result<i64> {
    i64::try_from(seq.0).map_err(|_| Error::internal("the log is too long"))
}

fn damaged() -> Error {
    Error::new(SqlState::DATA_CORRUPTED, "the table of applied intents is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_aside_is_applied_only_apart() {
        let seqs = |seqs: &[u64]| seqs.iter().copied().map(IntentSeq).collect();
        let places =
            AppliedPlaces { through: IntentSeq(5), aside: seqs(&[2, 4]), apart: seqs(&[4, 9]) };
        let has: Vec<u64> = (1..=10).filter(|&seq| places.has(IntentSeq(seq))).collect();
        assert_eq!(has, [1, 3, 4, 5, 9]);
        assert_eq!(places.last(), IntentSeq(9));
    }
}
