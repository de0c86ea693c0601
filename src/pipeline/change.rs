//! A statement's change of a table while it is made: the rows that it took away and those that it
//! brought, as queries.
//!
//! DuckDB gives the rows that a transaction has added numbers of their own, above all others, until
//! it commits. So the new rows of a table are found in it; only those that are changed or deleted
//! are copied aside before.

use super::bounds::Bounds;
use super::given::Given;
use crate::catalog::duckdb_table;
use crate::engine::duckdb::WriteConnection;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::TagKind;
use crate::sql::trigger::Event;
use crate::sql::{Effect, quote_ident};
use crate::types::Value;

/// Where DuckDB begins to number the rows that a transaction has added.
pub(super) const FIRST_LOCAL_ROW: i64 = 36_028_797_018_960_000;

/// The kind of statement that changes rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Insert,
    Update,
    Delete,
    Merge,
}

impl ChangeKind {
    /// Returns what a command tag says; `None` for what changes no rows of a table.
    pub fn of(tag: &TagKind) -> Option<ChangeKind> {
        match tag {
            TagKind::Insert | TagKind::Copy => Some(ChangeKind::Insert),
            TagKind::Update => Some(ChangeKind::Update),
            TagKind::Delete => Some(ChangeKind::Delete),
            TagKind::Merge => Some(ChangeKind::Merge),
            TagKind::Select | TagKind::Fixed(_) => None,
        }
    }

    /// The events of a statement, in the order in which PostgreSQL's triggers hear of them.
    pub(super) fn events(self, effect: &Effect) -> Vec<Event> {
        match (self, effect) {
            (_, Effect::Merges { events, .. }) => events.clone(),
            (ChangeKind::Insert, Effect::Inserts) => vec![Event::Insert],
            (ChangeKind::Insert, _) => vec![Event::Update, Event::Insert],
            (ChangeKind::Update, _) => vec![Event::Update],
            (ChangeKind::Delete, _) => vec![Event::Delete],
            (ChangeKind::Merge, _) => vec![Event::Delete, Event::Update, Event::Insert],
        }
    }
}

/// A change that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Changing<'a> {
    pub table: &'a TableName,
    pub kind: ChangeKind,
    pub effect: &'a Effect,
    /// The statement's own.
    pub params: &'a [Value],
    /// How its names and times are to be understood.
    pub time_zone: &'a str,
    pub search_path: &'a [String],
    /// The rows that are inserted, where they are at hand.
    pub given: Option<Given<'a>>,
    /// Between which values they lie, as far as that is known.
    pub bounds: Option<&'a Bounds>,
}

/// A change of a table that views follow or triggers wait for, while it is made.
#[derive(Debug)]
pub enum Change {
    /// Neither.
    Unwatched,
    /// Rows are added, which views may follow later.
    Inserts,
    Rows(Box<RowChange>),
}

/// A change whose rows somebody must see as soon as it is made.
#[derive(Debug)]
pub struct RowChange {
    pub(super) table: TableName,
    pub(super) kind: ChangeKind,
    pub(super) events: Vec<Event>,
    /// The columns that an UPDATE sets; `None` where that is not known.
    pub(super) assigns: Option<Vec<String>>,
    /// Foreign keys must be seen to.
    pub(super) keyed: bool,
    /// The keys of the rows that are inserted, for each foreign key of the table, where nobody
    /// needs more of them.
    pub(super) given: Option<Vec<String>>,
    /// The number of the first row that the change adds.
    pub(super) seen: i64,
    /// Between which values those rows lie.
    pub(super) bounds: Bounds,
    /// The rows that it may change or delete, as they were.
    pub(super) captured: Option<Captured>,
}

/// Rows that were copied aside, each with its number as `teatree_rowid`.
#[derive(Debug)]
pub(super) struct Captured {
    name: String,
    /// The change concerns just these rows; else some of them.
    exact: bool,
    /// They are all that it can change; else nothing is known of it.
    pub(super) complete: bool,
    /// The values that were to be set are copied, too, beside.
    assigned: bool,
}

/// What an UPDATE has made of keys: pairs of rows, as SQL.
pub(super) struct Renewed<'a> {
    name: &'a str,
    /// The columns of the key, each with whether it was set.
    columns: Vec<(&'a String, bool)>,
}

/// A query of the rows that a transaction has added to a table, from a number on.
pub(super) fn added(table: &TableName, seen: i64, bounds: &Bounds) -> String {
    format!("SELECT * FROM {} WHERE rowid >= {seen}{}", duckdb_table(table), bounds.condition())
}

/// A query of no rows.
pub(super) fn none(table: &TableName) -> String {
    format!("SELECT * FROM {} WHERE false", duckdb_table(table))
}

impl Captured {
    /// Copies aside what a change concerns; all rows where that is not known. `renews` asks for the
    /// values that it sets, too.
    pub(super) fn take(
        connection: &mut WriteConnection,
        changing: &Changing<'_>,
        number: usize,
        renews: bool,
    ) -> Result<Captured> {
        let name = format!("teatree_captured_{number}");
        let (rows, params, exact, complete) = match changing.effect {
            Effect::Changes { rows, .. } => (Some(rows), changing.params, true, true),
            Effect::Merges { rows, .. } => (Some(rows), changing.params, false, true),
            Effect::Inserts | Effect::Unknown => (None, [].as_slice(), false, false),
        };
        let of_rows = rows.map_or(String::new(), |rows| format!(" WHERE rowid IN ({rows})"));
        connection.adopt(changing.time_zone, changing.search_path)?;
        let quoted = duckdb_table(changing.table);
        let sql = format!(
            "CREATE OR REPLACE TEMP TABLE {name} AS
             SELECT rowid AS teatree_rowid, * FROM {quoted}{of_rows}"
        );
        connection.execute(&sql, params, 0)?;
        let values = match changing.effect {
            Effect::Changes { values, .. } if renews => values.as_ref(),
            _ => None,
        };
        if let Some(values) = values {
            let sql = format!("CREATE OR REPLACE TEMP TABLE {name}_new AS {values}");
            connection.execute(&sql, params, 0)?;
        }
        Ok(Captured { name, exact, complete, assigned: values.is_some() })
    }

    /// Forgets the rows.
    pub(super) fn drop(&self, connection: &mut WriteConnection) -> Result<()> {
        if self.assigned {
            connection.execute(&format!("DROP TABLE temp.{}_new", self.name), &[], 0)?;
        }
        connection.execute(&format!("DROP TABLE temp.{}", self.name), &[], 0).map(drop)
    }
}

impl Renewed<'_> {
    fn select(&self, of: impl Fn(usize, &str, bool) -> String) -> String {
        let columns = self.columns.iter().enumerate();
        let columns = columns.map(|(place, (column, set))| of(place, &quote_ident(column), *set));
        let changed = self.columns.iter().filter(|(_, set)| *set).map(|(column, _)| {
            let column = quote_ident(column);
            format!("o.{column} IS DISTINCT FROM n.{column}")
        });
        let there =
            self.columns.iter().map(|(column, _)| format!("o.{} IS NOT NULL", quote_ident(column)));
        format!(
            "SELECT DISTINCT {} FROM {name} AS o JOIN {name}_new AS n USING (teatree_rowid)
             WHERE ({}) AND {}",
            columns.collect::<Vec<_>>().join(", "),
            changed.collect::<Vec<_>>().join(" OR "),
            there.collect::<Vec<_>>().join(" AND "),
            name = self.name
        )
    }

    /// The keys that were changed, as they were.
    pub(super) fn olds(&self) -> String {
        self.select(|_, column, _| format!("o.{column}"))
    }

    /// The same as they are.
    pub(super) fn news(&self) -> String {
        self.select(|_, column, set| format!("{}.{column}", if set { "n" } else { "o" }))
    }

    /// Both, as columns `o0`, `n0` and so on.
    pub(super) fn both(&self) -> String {
        self.select(|place, column, set| {
            let new = if set { "n" } else { "o" };
            format!("o.{column} AS o{place}, {new}.{column} AS n{place}")
        })
    }
}

impl RowChange {
    /// The rows that were added.
    fn fresh(&self) -> String {
        added(&self.table, self.seen, &self.bounds)
    }

    /// The rows that were copied aside.
    pub(super) fn taken(&self) -> Option<String> {
        let captured = self.captured.as_ref()?;
        Some(format!("SELECT * EXCLUDE (teatree_rowid) FROM {}", captured.name))
    }

    /// The numbers of the rows that were copied aside.
    pub(super) fn captured_rows(&self) -> Option<String> {
        let captured = self.captured.as_ref()?;
        Some(format!("SELECT teatree_rowid FROM {}", captured.name))
    }

    /// What is there now of the rows that were copied aside, and what was added.
    pub(super) fn brought(&self) -> String {
        match &self.captured {
            None => self.fresh(),
            Some(Captured { name, .. }) => format!(
                "SELECT * FROM {} WHERE rowid IN (SELECT teatree_rowid FROM {name})
                 UNION ALL {}",
                duckdb_table(&self.table),
                self.fresh()
            ),
        }
    }

    /// What has become of the values of some columns, where the statement tells.
    pub(super) fn renewed<'a>(&'a self, columns: &'a [String]) -> Option<Renewed<'a>> {
        let captured = self.captured.as_ref().filter(|captured| captured.assigned)?;
        let assigns = self.assigns.as_ref()?;
        let columns = columns.iter().map(|column| (column, assigns.contains(column))).collect();
        Some(Renewed { name: &captured.name, columns })
    }

    /// Forgets the rows that were copied aside.
    pub(super) fn drop_captured(&self, connection: &mut WriteConnection) -> Result<()> {
        self.captured.as_ref().map_or(Ok(()), |captured| captured.drop(connection))
    }

    /// All rows that were copied aside, and what is there of them now with all that was added; the
    /// second is `None` for a DELETE.
    pub(super) fn taken_and_brought(&self) -> Option<(String, Option<String>)> {
        let captured = self.captured.as_ref().filter(|captured| captured.complete)?;
        let Captured { name, .. } = captured;
        let taken = format!("SELECT * EXCLUDE (teatree_rowid) FROM {name}");
        let brought = format!(
            "SELECT * FROM {} WHERE rowid IN (SELECT teatree_rowid FROM {name})
             UNION ALL {}",
            duckdb_table(&self.table),
            self.fresh()
        );
        Some((taken, (self.kind != ChangeKind::Delete).then_some(brought)))
    }

    /// The queries of the new and the old rows that an event's triggers see.
    pub(super) fn transition(&self, event: Event) -> (String, String) {
        let nothing = || none(&self.table);
        let Some(Captured { name, exact, .. }) = &self.captured else {
            return (self.fresh(), nothing());
        };
        let quoted = duckdb_table(&self.table);
        let numbered = format!("SELECT rowid AS teatree_rowid, * FROM {quoted}");
        let still = format!("rowid IN (SELECT teatree_rowid FROM {name})");
        let gone = format!(
            "SELECT * EXCLUDE (teatree_rowid) FROM {name}
             WHERE teatree_rowid NOT IN (SELECT rowid FROM {quoted})"
        );
        let taken = format!("SELECT * EXCLUDE (teatree_rowid) FROM {name}");
        let (new, old) = match (event, exact) {
            (Event::Insert, _) => (self.fresh(), nothing()),
            (Event::Delete, true) => (nothing(), taken),
            (Event::Delete, false) => (nothing(), gone.clone()),
            (Event::Update, true) => (format!("SELECT * FROM {quoted} WHERE {still}"), taken),
            (Event::Update, false) => {
                let new = format!(
                    "SELECT * EXCLUDE (teatree_rowid) FROM
                     ({numbered} WHERE {still} EXCEPT SELECT * FROM {name})"
                );
                let old = format!(
                    "SELECT * EXCLUDE (teatree_rowid) FROM (SELECT * FROM {name}
                     WHERE teatree_rowid IN (SELECT rowid FROM {quoted})
                     EXCEPT {numbered} WHERE {still})"
                );
                (new, old)
            }
        };
        // A row whose key or list is updated is another row to DuckDB.
        match (self.kind, event, exact) {
            (ChangeKind::Update, _, true) => (format!("{new} UNION ALL {}", self.fresh()), old),
            (ChangeKind::Update, _, false) => {
                (format!("{new} UNION ALL {}", self.fresh()), format!("{old} UNION ALL {gone}"))
            }
            _ => (new, old),
        }
    }

    /// Refuses a change of several events whose rows cannot be told apart: DuckDB has put updated
    /// rows among the inserted ones.
    ///
    /// # Errors
    /// 0A000.
    pub(super) fn check_told_apart(&self, connection: &mut WriteConnection) -> Result<()> {
        let Some(Captured { name, .. }) = &self.captured else { return Ok(()) };
        if self.events.len() < 2 || !self.events.contains(&Event::Update) {
            return Ok(());
        }
        let quoted = duckdb_table(&self.table);
        let count = connection.count(&format!(
            "{name} WHERE teatree_rowid NOT IN (SELECT rowid FROM {quoted}
                 WHERE rowid IN (SELECT teatree_rowid FROM {name}))"
        ))?;
        if count == 0 || self.events.contains(&Event::Delete) && !self.moves_rows(connection)? {
            return Ok(());
        }
        Err(Error::unsupported(format!(
            "a statement that inserts and updates rows of \"{}\", which has a key or a list among \
             its columns, cannot run triggers",
            self.table.table
        ))
        .with_hint("Use INSERT and UPDATE for themselves."))
    }

    /// Tells whether an UPDATE may make a row another one.
    fn moves_rows(&self, connection: &mut WriteConnection) -> Result<bool> {
        let params = [
            Value::Text(crate::catalog::duckdb_schema(&self.table.schema).to_owned()),
            Value::Text(self.table.table.clone()),
        ];
        let rows = connection.text_rows(
            "SELECT '1' FROM duckdb_constraints() WHERE database_name = current_database()
                 AND schema_name = $1 AND table_name = $2
                 AND constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')
             UNION ALL SELECT '1' FROM duckdb_indexes() WHERE database_name = current_database()
                 AND schema_name = $1 AND table_name = $2
             UNION ALL SELECT '1' FROM duckdb_columns() WHERE database_name = current_database()
                 AND schema_name = $1 AND table_name = $2
                 AND (data_type LIKE '%]' OR data_type LIKE 'MAP%' OR data_type LIKE 'STRUCT%'
                      OR data_type LIKE 'UNION%' OR data_type = 'VARIANT')",
            &params,
        )?;
        Ok(!rows.is_empty())
    }
}
