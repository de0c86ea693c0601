//! A trigger as the data file keeps it, and what it does.

use crate::catalog::duckdb_table;
use crate::engine::duckdb::{KeptTrigger, WriteConnection};
use crate::error::{Error, Result};
use crate::intent::{Action, Body};
use crate::sql::quote_ident;
use crate::sql::trigger::Trigger;
use crate::sqlstate::SqlState;

/// A trigger and its action.
#[derive(Clone, Debug)]
pub struct StoredTrigger {
    pub trigger: Trigger,
    pub action: Action,
}

impl StoredTrigger {
    /// Reads all triggers: those of a table in the order of their names, in which they run.
    ///
    /// # Errors
    /// XX001 when one cannot be read.
    pub fn load(connection: &mut WriteConnection) -> Result<Vec<StoredTrigger>> {
        let mut triggers = Vec::new();
        for KeptTrigger { definition, action } in connection.kept_triggers()? {
            let trigger = serde_json::from_str(&definition).map_err(|error| {
                Error::new(
                    SqlState::DATA_CORRUPTED,
                    format!("a trigger's definition cannot be read: {error}"),
                )
            })?;
            triggers.push(StoredTrigger { trigger, action: Action::decode(&action)? });
        }
        Ok(triggers)
    }

    /// Writes it down, in the place of one of the same name on the same table.
    ///
    /// # Errors
    /// What DuckDB says.
    pub fn save(&self, connection: &mut WriteConnection) -> Result<()> {
        let definition = serde_json::to_string(&self.trigger)
            .map_err(|error| Error::internal(format!("a trigger cannot be kept: {error}")))?;
        connection.forget_trigger(&self.trigger.table, &self.trigger.name)?;
        connection.keep_trigger(&self.trigger, &definition, self.action.encode()?)
    }

    /// What it does, step by step.
    pub fn bodies(&self) -> &[Body] {
        match &self.action {
            Action::Bodies(bodies) => bodies,
        }
    }

    /// Tells whether what it does can still be done with the definitions as they are.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, connection: &mut WriteConnection) -> Result<()> {
        let Trigger { time_zone, search_path, .. } = &self.trigger;
        connection.adopt(time_zone, search_path)?;
        for body in self.bodies() {
            match body {
                Body::Statement { sql, .. } | Body::Notify { sql, .. } => {
                    connection.check(&self.without_rows(sql))?;
                }
                Body::Export(export) => connection.check(&self.without_rows(&export.sql))?,
                Body::Deliver(deliver) => connection.check(&self.without_rows(&deliver.sql))?,
                Body::Compute(compute) => {
                    for input in &compute.inputs {
                        connection.check(&self.without_rows(&input.sql))?;
                    }
                    if compute.dataset.is_some() {
                        continue;
                    }
                    let names = compute.columns.iter().map(|column| quote_ident(&column.name));
                    let names = names.collect::<Vec<_>>().join(", ");
                    let table = duckdb_table(&compute.table);
                    connection.check(&format!("SELECT {names} FROM {table}"))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The SQL of a step over no rows at all.
    fn without_rows(&self, sql: &str) -> String {
        let none = super::change::none(&self.trigger.table);
        self.over(sql, &none, &none)
    }

    /// The SQL of a step over the rows of two queries.
    pub(super) fn over(&self, sql: &str, new: &str, old: &str) -> String {
        sql.replace(&self.trigger.new_rows(), &format!("({new})"))
            .replace(&self.trigger.old_rows(), &format!("({old})"))
    }
}
