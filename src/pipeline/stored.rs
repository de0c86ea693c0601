//! A materialized view as the data file keeps it: a table of the server's own with its rows, whose
//! comment says the rest, and a DuckDB view of the user's name over it.

use serde::{Deserialize, Serialize};

use crate::catalog::duckdb_table;
use crate::engine::duckdb::WriteConnection;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::quote_ident;
use crate::sql::view::{OverDatasets, Refresh, Upkeep};

/// The schema of the storage tables.
pub const STORAGE_SCHEMA: &str = "teatree_internal";

/// The storage of the view of this number.
pub fn view_storage(id: u64) -> TableName {
    TableName::new(STORAGE_SCHEMA, format!("view_{id:016x}"))
}

/// What the comment of a storage says, as JSON. Fields may be added with a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredView {
    pub name: TableName,
    pub columns: Vec<String>,
    /// The query as the client wrote it.
    pub text: String,
    pub refresh: Refresh,
    /// Gives all rows of the storage: in DuckDB, or in DataFusion where it reads datasets.
    pub query: String,
    pub upkeep: Upkeep,
    /// The tables and materialized views that it reads. Those that the query names come first, in
    /// the order of its plan's inputs; then those behind plain views.
    pub inputs: Vec<TableName>,
    pub search_path: Vec<String>,
    pub time_zone: String,
    /// It has been filled; before, it cannot be read.
    pub populated: bool,
    /// Why it does not follow its inputs any more, until it is refreshed.
    #[serde(default)]
    pub failed: Option<String>,
    /// Set where the query reads Arrow datasets, so that DuckDB cannot run it.
    #[serde(default)]
    pub over: Option<OverDatasets>,
}

/// A materialized view and the table of its rows.
#[derive(Clone, Debug)]
pub struct View {
    pub storage: TableName,
    pub stored: StoredView,
}

impl View {
    /// The name that DuckDB knows an index of the view by: the storages of all views are in one
    /// schema, and with them their indexes.
    pub fn index(&self, name: &str) -> TableName {
        TableName::new(STORAGE_SCHEMA, format!("{}.{name}", self.storage.table))
    }

    /// Reads all materialized views.
    ///
    /// # Errors
    /// XX001 when a comment cannot be read.
    pub fn load(connection: &mut WriteConnection) -> Result<Vec<View>> {
        let rows = connection.text_rows(
            "SELECT table_name, comment FROM duckdb_tables()
             WHERE database_name = current_database() AND schema_name = 'teatree_internal'
                 AND comment IS NOT NULL",
            &[],
        )?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let [storage, comment] = row.as_slice() else { continue };
            let stored = serde_json::from_str(comment).map_err(|error| {
                Error::new(
                    crate::sqlstate::SqlState::DATA_CORRUPTED,
                    format!("a materialized view's definition cannot be read: {error}"),
                )
            })?;
            let storage = TableName::new(STORAGE_SCHEMA, storage.clone());
            views.push(View { storage, stored });
        }
        Ok(views)
    }

    /// Writes down what the comment says.
    pub fn save(&self, connection: &mut WriteConnection) -> Result<()> {
        let json = serde_json::to_string(&self.stored)
            .map_err(|error| Error::internal(format!("a view cannot be written: {error}")))?;
        let json = json.replace('\'', "''");
        connection.run(&format!("COMMENT ON TABLE {} IS '{json}'", duckdb_table(&self.storage)))
    }

    /// Makes the view of the user's name, or makes it anew.
    pub fn show(&self, connection: &mut WriteConnection) -> Result<()> {
        let storage = duckdb_table(&self.storage);
        let columns: Vec<String> = self
            .stored
            .columns
            .iter()
            .enumerate()
            .map(|(place, name)| format!("c{place} AS {}", quote_ident(name)))
            .collect();
        let name = &self.stored.name;
        let seen = match (&self.stored.upkeep, self.stored.populated) {
            (_, false) => {
                let message = format!(
                    "[55000] materialized view \"{}\" has not been populated",
                    name.table.replace('\'', "''")
                );
                // Said when it is read, not when it is described.
                format!(
                    " WHERE error('{message}' || left((SELECT count(*)::VARCHAR FROM {storage}), 0))"
                )
            }
            (Upkeep::Groups(groups), true) if groups.having => " WHERE h".to_owned(),
            _ => String::new(),
        };
        connection.run(&format!(
            "CREATE OR REPLACE VIEW {} AS SELECT {} FROM {storage}{seen}",
            duckdb_table(name),
            columns.join(", ")
        ))
    }

    /// Computes all rows again; gives their number.
    ///
    /// # Errors
    /// The query's own; 0A000 where DuckDB cannot run it.
    pub fn recompute(&self, connection: &mut WriteConnection) -> Result<u64> {
        self.refuse_over_datasets()?;
        connection.adopt(&self.stored.time_zone, &self.stored.search_path)?;
        let storage = duckdb_table(&self.storage);
        connection.execute(&format!("DELETE FROM {storage}"), &[], 0)?;
        let fill = format!("INSERT INTO {storage} BY NAME {}", self.stored.query);
        Ok(connection.execute(&fill, &[], 0)?.rows)
    }

    /// Refuses to run a query that DuckDB cannot run.
    ///
    /// # Errors
    /// 0A000 then.
    pub fn refuse_over_datasets(&self) -> Result<()> {
        match self.stored.over {
            None => Ok(()),
            Some(_) => Err(Error::unsupported(format!(
                "materialized view \"{}\", which reads Arrow datasets, cannot be computed here",
                self.stored.name.table
            ))
            .with_hint("Refresh it in a transaction that has not made or renamed it.")),
        }
    }

    /// Says that it does not follow its inputs any more.
    pub fn mark_failed(&self, connection: &mut WriteConnection, error: &str) -> Result<()> {
        let mut marked = self.clone();
        marked.stored.failed = Some(error.to_owned());
        marked.save(connection)
    }

    /// Says how it follows a change of its inputs, and why.
    pub fn upkeep_text(&self) -> String {
        let deltas = match &self.stored.upkeep {
            Upkeep::Recompute { reason } => return format!("recomputed: {reason}"),
            Upkeep::Rows { deltas } => deltas,
            Upkeep::Groups(groups) => &groups.deltas,
        };
        let how = match &self.stored.upkeep {
            Upkeep::Groups(groups) => match &groups.merge {
                Some(merge) if merge.subtracts => "incremental: groups take up what changed",
                Some(_) => {
                    "incremental: groups take up new rows; those that lose rows are computed again"
                }
                None => "incremental: groups that changed are computed again",
            },
            _ => "incremental: row by row",
        };
        let followed: Vec<usize> = deltas.iter().map(|delta| delta.input).collect();
        let others = self.stored.inputs.iter().enumerate();
        let others: Vec<String> = others
            .filter(|(place, _)| !followed.contains(place))
            .map(|(_, name)| name.table.clone())
            .collect();
        if others.is_empty() {
            return how.to_owned();
        }
        format!("{how}; recomputed when {} changes", others.join(" or "))
    }

    /// Tells whether it reads Arrow datasets together with DuckDB tables.
    pub fn reads_both(&self) -> bool {
        let over = self.stored.over.as_ref();
        over.is_some_and(|over| self.stored.inputs.iter().any(|name| !over.datasets.contains(name)))
    }

    /// Tells whether it is changed together with its inputs.
    pub fn follows(&self) -> bool {
        self.stored.refresh == Refresh::OnChange
            && self.stored.over.is_none()
            && self.stored.populated
            && self.stored.failed.is_none()
    }
}
