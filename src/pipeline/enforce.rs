//! How foreign keys are seen to behind a change.
//!
//! In PostgreSQL's order: the keys that refer to the changed table, then its own, each in the order
//! in which they were made, before the table's triggers; what they change in other tables is looked
//! at after that, in turn. So at the end of a statement every key holds, but for those that the
//! transaction may mend before its end.
//!
//! **Invariant:** a key that held before a statement holds after it, or is among
//! [`Upkeep::broken_keys`]. So it is enough to look at the rows that the statement has changed.

use std::collections::VecDeque;
use std::sync::Arc;

use super::change::{Change, ChangeKind, Changing, RowChange};
use super::check::{
    KeySet, check_key, check_rows, equal, key_set, list, lost_keys, referred_key, still_referenced,
};
use super::{BrokenKeys, Upkeep};
use crate::catalog::duckdb_table;
use crate::engine::duckdb::WriteConnection;
use crate::error::{Error, Result};
use crate::sql::trigger::Event;
use crate::sql::{Effect, ForeignKey, ReferentialAction, quote_ident};
use crate::sqlstate::SqlState;

/// The changes that wait to be looked at.
pub(super) type Waiting = VecDeque<Box<RowChange>>;

impl Upkeep {
    /// Sees to the foreign keys that a change is about; adds the changes that they make.
    pub(super) fn enforce(
        &mut self,
        connection: &mut WriteConnection,
        change: &RowChange,
        waiting: &mut Waiting,
    ) -> Result<()> {
        let graph = self.shared_graph();
        if !change.keyed {
            return Ok(());
        }
        for key in graph.keys_to(&change.table) {
            if let Some(action) = self.action(key, change)? {
                self.react(connection, key, action, change, waiting)?;
            }
        }
        let brings = change.events.iter().any(|event| *event != Event::Delete);
        for (place, key) in graph.keys_of(&change.table).iter().enumerate().filter(|_| brings) {
            let inserts = change.events.contains(&Event::Insert);
            if !inserts && !key.refers_by(change.assigns.as_deref()) {
                continue;
            }
            let given = change.given.as_ref().and_then(|given| given.get(place).cloned());
            let rows = given.unwrap_or_else(|| change.brought());
            if let Err(error) = check_rows(connection, key, &format!("({rows})")) {
                self.note_broken_key(key, error)?;
            }
        }
        Ok(())
    }

    /// What a key demands behind a change of the table that it refers to, if anything.
    fn action(&self, key: &ForeignKey, change: &RowChange) -> Result<Option<ReferentialAction>> {
        let deletes = change.events.contains(&Event::Delete);
        let updates =
            change.events.contains(&Event::Update) && key.is_of_key(change.assigns.as_deref());
        let (on_delete, on_update) = (key.rules.on_delete, key.rules.on_update);
        match (deletes, updates) {
            (false, false) => Ok(None),
            (true, false) => Ok(Some(on_delete)),
            (false, true) => Ok(Some(on_update)),
            (true, true) if on_delete == on_update && on_delete != ReferentialAction::Cascade => {
                Ok(Some(on_delete))
            }
            (true, true) if on_delete.checks() && on_update.checks() => {
                Ok(Some(ReferentialAction::NoAction))
            }
            (true, true) => Err(Error::unsupported(format!(
                "a statement that deletes rows of \"{}\" and changes the keys of others cannot run \
                 the actions of foreign key constraint \"{}\"",
                change.table.table, key.name
            ))
            .with_hint("Use UPDATE and DELETE for themselves.")),
        }
    }

    fn react(
        &mut self,
        connection: &mut WriteConnection,
        key: &ForeignKey,
        action: ReferentialAction,
        change: &RowChange,
        waiting: &mut Waiting,
    ) -> Result<()> {
        let renews =
            action == ReferentialAction::Cascade && !change.events.contains(&Event::Delete);
        if renews {
            return self.renew(connection, key, change, waiting);
        }
        let Some(lost) = self.lost(connection, key, action, change)? else { return Ok(()) };
        let rows = || {
            let child = duckdb_table(&key.table);
            format!("SELECT c.rowid FROM {child} AS c WHERE {}", lost.is_referred_by(key, "c"))
        };
        match action {
            ReferentialAction::NoAction | ReferentialAction::Restrict => {
                let Some(shown) = referred_key(connection, key, &lost)? else { return Ok(()) };
                let error = still_referenced(key, &shown);
                match action {
                    ReferentialAction::Restrict => Err(error),
                    _ => self.note_broken_key(key, error),
                }
            }
            ReferentialAction::Cascade => {
                let effect = Effect::Changes { rows: rows(), assigns: Vec::new(), values: None };
                let sql = |rows: &str| {
                    format!("DELETE FROM {} WHERE rowid IN ({rows})", duckdb_table(&key.table))
                };
                self.change_referring(connection, key, ChangeKind::Delete, &effect, sql, waiting)
            }
            ReferentialAction::SetNull | ReferentialAction::SetDefault => {
                let assigns = key.columns.clone();
                let effect = Effect::Changes { rows: rows(), assigns, values: None };
                let value = if action == ReferentialAction::SetNull { "NULL" } else { "DEFAULT" };
                let sets: Vec<String> = key
                    .columns
                    .iter()
                    .map(|column| format!("{} = {value}", quote_ident(column)))
                    .collect();
                let sql = |rows: &str| {
                    format!(
                        "UPDATE {} SET {} WHERE rowid IN ({rows})",
                        duckdb_table(&key.table),
                        sets.join(", ")
                    )
                };
                self.change_referring(connection, key, ChangeKind::Update, &effect, sql, waiting)
            }
        }
    }

    /// The keys that a change has taken away.
    fn lost(
        &self,
        connection: &mut WriteConnection,
        key: &ForeignKey,
        action: ReferentialAction,
        change: &RowChange,
    ) -> Result<Option<KeySet>> {
        // To RESTRICT a key is gone though another row has it by now.
        if action == ReferentialAction::Restrict
            && !change.events.contains(&Event::Delete)
            && let Some(pairs) = change.renewed(&key.referenced_columns)
        {
            let query = pairs.olds();
            return key_set(connection, &key.referenced_columns, query);
        }
        match change.taken() {
            Some(taken) => lost_keys(connection, key, &format!("({taken})")),
            None => Ok(None),
        }
    }

    /// ON UPDATE CASCADE: the rows that refer to a changed key get the new one.
    fn renew(
        &mut self,
        connection: &mut WriteConnection,
        key: &ForeignKey,
        change: &RowChange,
        waiting: &mut Waiting,
    ) -> Result<()> {
        let columns = &key.referenced_columns;
        let Some(pairs) = change.renewed(columns) else {
            return self.renew_one(connection, key, change, waiting);
        };
        // The statement's own expressions say what became of each key, unless they are random.
        let strangers = format!(
            "SELECT '1' FROM ({}) AS m ANTI JOIN {} AS p ON {} LIMIT 1",
            pairs.news(),
            duckdb_table(&key.referenced),
            equal(("m", columns), ("p", columns)),
        );
        if !connection.text_rows(&strangers, &[])?.is_empty() {
            return Err(untold(key));
        }
        self.put_new_keys(connection, key, &pairs.both(), waiting)
    }

    /// The same where only the rows themselves tell what has become of the key, so that one may
    /// have changed.
    fn renew_one(
        &mut self,
        connection: &mut WriteConnection,
        key: &ForeignKey,
        change: &RowChange,
        waiting: &mut Waiting,
    ) -> Result<()> {
        let Some(taken) = change.taken() else { return Ok(()) };
        let columns = &key.referenced_columns;
        let names = list("", columns);
        let olds = format!(
            "SELECT {names} FROM ({taken}) EXCEPT SELECT {names} FROM ({})",
            change.brought()
        );
        let news = format!(
            "SELECT {names} FROM ({}) EXCEPT SELECT {names} FROM ({taken})",
            change.brought()
        );
        if key_set(connection, columns, olds.clone())?.is_none() {
            return Ok(());
        }
        let counts = connection.text_rows(
            &format!(
                "SELECT CAST((SELECT count(*) FROM ({olds})) AS VARCHAR),
                        CAST((SELECT count(*) FROM ({news})) AS VARCHAR)"
            ),
            &[],
        )?;
        if counts.first().is_none_or(|row| row.iter().any(|count| count != "1")) {
            return Err(untold(key));
        }
        let renamed = |prefix: &str| {
            let one = |(place, column): (usize, &String)| {
                format!("{} AS {prefix}{place}", quote_ident(column))
            };
            columns.iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
        };
        let both = format!(
            "SELECT * FROM (SELECT {} FROM ({olds})), (SELECT {} FROM ({news}))",
            renamed("o"),
            renamed("n")
        );
        self.put_new_keys(connection, key, &both, waiting)
    }

    /// Puts new keys in the place of old ones; `pairs` gives both, as columns `o0`, `n0` and so on.
    fn put_new_keys(
        &mut self,
        connection: &mut WriteConnection,
        key: &ForeignKey,
        pairs: &str,
        waiting: &mut Waiting,
    ) -> Result<()> {
        let child = duckdb_table(&key.table);
        let places = || key.columns.iter().map(|column| quote_ident(column)).enumerate();
        let on: Vec<String> =
            places().map(|(place, column)| format!("c.{column} = m.o{place}")).collect();
        let on = on.join(" AND ");
        let from = format!("FROM {child} AS c, ({pairs}) AS m WHERE {on}");
        let values: Vec<String> = key
            .columns
            .iter()
            .enumerate()
            .map(|(place, column)| format!("m.n{place} AS {}", quote_ident(column)))
            .collect();
        let effect = Effect::Changes {
            rows: format!("SELECT c.rowid {from}"),
            assigns: key.columns.clone(),
            values: Some(format!("SELECT c.rowid AS teatree_rowid, {} {from}", values.join(", "))),
        };
        let sets: Vec<String> =
            places().map(|(place, column)| format!("{column} = m.n{place}")).collect();
        let sql = |_: &str| {
            format!("UPDATE {child} AS c SET {} FROM ({pairs}) AS m WHERE {on}", sets.join(", "))
        };
        self.change_referring(connection, key, ChangeKind::Update, &effect, sql, waiting)
    }

    /// Makes a change of the table that refers, as if a client had.
    fn change_referring(
        &mut self,
        connection: &mut WriteConnection,
        key: &ForeignKey,
        kind: ChangeKind,
        effect: &Effect,
        sql: impl Fn(&str) -> String,
        waiting: &mut Waiting,
    ) -> Result<()> {
        let Effect::Changes { rows, .. } = effect else {
            return Err(Error::internal("not a change of rows"));
        };
        let (time_zone, search_path) = ("UTC", [key.table.schema.clone()]);
        let changing = Changing {
            table: &key.table,
            kind,
            effect,
            params: &[],
            time_zone,
            search_path: &search_path,
            given: None,
            bounds: None,
        };
        let change = self.before(connection, &changing)?;
        let rows = match &change {
            Change::Rows(change) => change.captured_rows().unwrap_or_else(|| rows.clone()),
            Change::Unwatched | Change::Inserts => rows.clone(),
        };
        let changed = connection.change(&sql(&rows), &[])?;
        if let Change::Rows(change) = change {
            self.spread_change(connection, &change)?;
            if changed > 0 {
                waiting.push_back(change);
            } else {
                change.drop_captured(connection)?;
            }
        }
        Ok(())
    }

    /// A key is broken: that is the statement's failure, unless the transaction may mend it.
    fn note_broken_key(&mut self, key: &ForeignKey, error: Error) -> Result<()> {
        if error.code() != SqlState::FOREIGN_KEY_VIOLATION || !self.modes.defers(key) {
            return Err(error);
        }
        self.broken_keys.entry((key.table.clone(), key.name.clone())).or_insert(error);
        Ok(())
    }

    /// Looks at the keys that were broken, and that `concerns` picks: the transaction has mended
    /// them, or cannot go on.
    ///
    /// # Errors
    /// 23503.
    pub fn check_broken_keys(
        &mut self,
        connection: &mut WriteConnection,
        concerns: impl Fn(&ForeignKey) -> bool,
    ) -> Result<()> {
        if self.broken_keys.is_empty() {
            return Ok(());
        }
        let graph = self.shared_graph();
        let mut waiting = BrokenKeys::new();
        for ((table, name), error) in std::mem::take(&mut self.broken_keys) {
            let key = graph.keys_of(&table).iter().find(|key| key.name == name);
            match key.map(Arc::as_ref) {
                // Dropped in the meantime.
                None => {}
                Some(key) if !concerns(key) => drop(waiting.insert((table, name), error)),
                Some(key) => check_key(connection, key, Some(&error))?,
            }
        }
        self.broken_keys = waiting;
        Ok(())
    }
}

fn untold(key: &ForeignKey) -> Error {
    Error::unsupported(format!(
        "foreign key constraint \"{}\" on table \"{}\" cannot follow this change of keys of table \
         \"{}\"",
        key.name, key.table.table, key.referenced.table
    ))
    .with_hint("Change one key at a time, by a plain UPDATE.")
}
