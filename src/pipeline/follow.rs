//! One view and one change: the SQL that brings the view up to date.

use super::View;
use crate::catalog::duckdb_table;
use crate::engine::duckdb::WriteConnection;
use crate::error::Result;
use crate::sql::view::{DELTA, Delta, Groups, Merge, NEW, OLD, TOUCHED, Upkeep};

/// The rows of a table that a change took away and brought.
pub(super) struct Changed {
    /// A query of the rows that are gone.
    pub(super) minus: Option<String>,
    /// A query of the rows that are new. Mostly the same text again: a number in it that DuckDB
    /// knows when it plans keeps it from looking at all other rows.
    pub(super) plus: Option<String>,
}

impl View {
    /// Follows a change of the input at a place; gives how many of its rows were written.
    pub(super) fn follow(
        &self,
        connection: &mut WriteConnection,
        input: usize,
        changed: &Changed,
    ) -> Result<u64> {
        let delta_of = |deltas: &[Delta]| deltas.iter().find(|delta| delta.input == input).cloned();
        let delta = match &self.stored.upkeep {
            Upkeep::Recompute { .. } => None,
            Upkeep::Rows { deltas } => delta_of(deltas),
            Upkeep::Groups(groups) => delta_of(&groups.deltas),
        };
        let Some(delta) = delta else { return self.recompute(connection) };
        connection.adopt(&self.stored.time_zone, &self.stored.search_path)?;
        let storage = duckdb_table(&self.storage);
        let mut run = Run { connection, storage, changed, written: 0 };
        match &self.stored.upkeep {
            Upkeep::Groups(groups) => match &groups.merge {
                Some(merge) if changed.minus.is_none() || merge.subtracts => {
                    run.merge(merge, groups, &delta)
                }
                _ => run.regroup(groups, &delta),
            },
            _ => run.rows(&delta, self.stored.columns.len()),
        }?;
        Ok(run.written)
    }
}

struct Run<'a> {
    connection: &'a mut WriteConnection,
    storage: String,
    changed: &'a Changed,
    written: u64,
}

/// A query of a delta over the rows of another query.
fn over(rows: &str, delta: &str) -> String {
    format!("WITH {DELTA} AS ({rows}) {delta}")
}

fn same(left: &str, right: &str, prefix: char, count: usize) -> String {
    let each = (0..count).map(|place| {
        format!("{left}.{prefix}{place} IS NOT DISTINCT FROM {right}.{prefix}{place}")
    });
    let all: Vec<String> = each.collect();
    if all.is_empty() { "TRUE".to_owned() } else { all.join(" AND ") }
}

impl Run<'_> {
    /// Runs what changes the storage.
    fn execute(&mut self, sql: &str) -> Result<()> {
        self.written += self.connection.execute(sql, &[], 0)?.rows;
        Ok(())
    }

    /// Runs what prepares for it.
    fn prepare(&mut self, sql: &str) -> Result<()> {
        self.connection.execute(sql, &[], 0).map(drop)
    }

    /// Takes away the rows that the lost rows gave, one for each, and adds those of the new ones.
    fn rows(&mut self, delta: &Delta, columns: usize) -> Result<()> {
        let storage = self.storage.clone();
        if let Some(minus) = &self.changed.minus {
            let list: Vec<String> = (0..columns).map(|place| format!("c{place}")).collect();
            let of_old: Vec<String> = list.iter().map(|name| format!("{OLD}.{name}")).collect();
            let sql = format!(
                "DELETE FROM {storage} WHERE rowid IN (SELECT teatree_row FROM (
                     SELECT {OLD}.rowid AS teatree_row, {NEW}.teatree_count,
                         row_number() OVER (PARTITION BY {}) AS teatree_number
                     FROM {storage} AS {OLD} JOIN (
                         SELECT {}, count(*) AS teatree_count FROM ({}) GROUP BY ALL
                     ) AS {NEW} ON {}
                 ) WHERE teatree_number <= teatree_count)",
                of_old.join(", "),
                list.join(", "),
                over(minus, &delta.rows),
                same(OLD, NEW, 'c', columns),
            );
            self.execute(&sql)?;
        }
        if let Some(plus) = &self.changed.plus {
            let sql = format!(
                "INSERT INTO {storage} BY NAME SELECT * FROM ({})",
                over(plus, &delta.rows)
            );
            self.execute(&sql)?;
        }
        Ok(())
    }

    /// Lets the groups take the change up.
    fn merge(&mut self, merge: &Merge, groups: &Groups, delta: &Delta) -> Result<()> {
        let storage = self.storage.clone();
        let into = |rows: &str, value: fn(&crate::sql::view::MergeColumn) -> &str, tail: &str| {
            let set: Vec<String> = merge
                .columns
                .iter()
                .filter(|column| !value(column).is_empty())
                .map(|column| format!("{} = {}", column.name, value(column)))
                .collect();
            format!(
                "MERGE INTO {storage} AS {OLD} USING ({}) AS {NEW} ON ({})
                 WHEN MATCHED THEN UPDATE SET {}{tail}",
                over(rows, &delta.rows),
                same(OLD, NEW, 'k', groups.keys),
                set.join(", "),
            )
        };
        if let Some(minus) = &self.changed.minus {
            let sql = into(minus, |column| &column.minus, "");
            self.execute(&sql)?;
        }
        if let Some(plus) = &self.changed.plus {
            let names: Vec<&str> = merge.columns.iter().map(|c| c.name.as_str()).collect();
            let values: Vec<&str> = merge.columns.iter().map(|c| c.insert.as_str()).collect();
            let tail = format!(
                " WHEN NOT MATCHED THEN INSERT ({}) VALUES ({})",
                names.join(", "),
                values.join(", ")
            );
            let sql = into(plus, |column| &column.plus, &tail);
            self.execute(&sql)?;
        }
        if self.changed.minus.is_some() && groups.keys > 0 {
            self.execute(&format!("DELETE FROM {storage} WHERE n <= 0"))?;
        }
        Ok(())
    }

    /// Computes the groups that are touched again.
    fn regroup(&mut self, groups: &Groups, delta: &Delta) -> Result<()> {
        let storage = self.storage.clone();
        let fill = format!("INSERT INTO {storage} BY NAME {}", groups.regroup);
        if groups.keys == 0 {
            self.execute(&format!("DELETE FROM {storage}"))?;
            return self.execute(&fill);
        }
        let mut keys = Vec::new();
        if let Some(minus) = &self.changed.minus {
            keys.push(format!("SELECT * FROM ({})", over(minus, &delta.keys)));
        }
        if let Some(plus) = &self.changed.plus {
            keys.push(format!("SELECT * FROM ({})", over(plus, &delta.keys)));
        }
        let touched = keys.join(" UNION ");
        self.prepare(&format!("CREATE OR REPLACE TEMP TABLE {TOUCHED} AS {touched}"))?;
        let sql = format!(
            "DELETE FROM {storage} AS {OLD} WHERE EXISTS (SELECT 1 FROM {TOUCHED} WHERE {})",
            same(OLD, TOUCHED, 'k', groups.keys)
        );
        self.execute(&sql)?;
        self.execute(&fill)?;
        self.prepare(&format!("DROP TABLE temp.{TOUCHED}"))
    }
}
