//! Triggers: what runs behind a change, in its transaction.
//!
//! Those of a table run in the order of their names, once the change is made and the views that
//! follow the table have it. What they change has its views and triggers in turn, before their next
//! step. There are no circles, which is checked when a trigger is made.

use std::sync::Arc;
use std::time::Instant;

use tracing::field;

use super::change::{Change, ChangeKind, Changing, RowChange};
use super::{StoredTrigger, Upkeep};
use crate::engine::duckdb::WriteConnection;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::Body;
use crate::notification::{NoticeText, WAITING_MAX};
use crate::sql::Effect;
use crate::sqlstate::SqlState;
use crate::telemetry;

/// How deep triggers may run each other.
const DEPTH_MAX: usize = 32;

/// A trigger's failure.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The table that it is on, and its name.
    pub trigger: (TableName, String),
    /// The table that it was changing.
    pub changing: Option<TableName>,
    pub error: Error,
}

impl Upkeep {
    /// Runs the triggers of a change that is made.
    pub(super) fn fire(
        &mut self,
        connection: &mut WriteConnection,
        change: &RowChange,
    ) -> Result<()> {
        let graph = self.shared_graph();
        let all = graph.triggers_of(&change.table);
        if all.is_empty() {
            return Ok(());
        }
        if self.depth >= DEPTH_MAX {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
                .with_hint(format!("Triggers may run each other {DEPTH_MAX} deep.")));
        }
        // What they read may be views of other tables, too.
        self.finish(connection)?;
        let mut is_checked = false;
        for event in &change.events {
            for stored in all.iter().filter(|stored| is_for(stored, change, *event)) {
                if !is_checked {
                    change.check_told_apart(connection)?;
                    is_checked = true;
                }
                let (new, old) = change.transition(*event);
                let name = &stored.trigger.name;
                let span = tracing::info_span!(
                    "pipeline",
                    trigger = %name,
                    table = %change.table,
                    rows = field::Empty
                );
                let started = Instant::now();
                self.depth += 1;
                let done = span.in_scope(|| self.run(connection, stored, (&new, &old)));
                self.depth -= 1;
                telemetry::followed(name, started.elapsed());
                let rows = done?;
                span.record("rows", rows);
                let key = (change.table.clone(), stored.trigger.name.clone());
                let told = self.moved.triggers.entry(key).or_default();
                told.runs += 1;
                told.rows += rows;
            }
        }
        Ok(())
    }

    /// Runs a trigger's steps over the new and the old rows; gives how many rows it has changed.
    ///
    /// Their statements are never kept prepared: DuckDB (1.5.6) plans with what it knows of the
    /// tables' values, and runs a kept plan when they are others, with wrong results.
    fn run(
        &mut self,
        connection: &mut WriteConnection,
        stored: &Arc<StoredTrigger>,
        (new, old): (&str, &str),
    ) -> Result<u64> {
        let mut rows = 0;
        for body in stored.bodies() {
            let done = self
                .finish(connection)
                .and_then(|()| self.step(connection, stored, body, (new, old)));
            rows += done.inspect_err(|error| {
                // The innermost is the one to be told of.
                self.broken.get_or_insert_with(|| Broken {
                    trigger: (stored.trigger.table.clone(), stored.trigger.name.clone()),
                    changing: body.table().cloned(),
                    error: error.clone(),
                });
            })?;
        }
        Ok(rows)
    }

    fn step(
        &mut self,
        connection: &mut WriteConnection,
        stored: &StoredTrigger,
        body: &Body,
        (new, old): (&str, &str),
    ) -> Result<u64> {
        let (time_zone, search_path) = (&stored.trigger.time_zone, &stored.trigger.search_path);
        match body {
            Body::Statement { sql, params, table, tag, effect, .. } => {
                let sql = stored.over(sql, new, old);
                let effect = with_rows(effect, |rows| stored.over(rows, new, old));
                let change = match (table, ChangeKind::of(tag)) {
                    (Some(table), Some(kind)) => {
                        let effect = &effect;
                        let given = None;
                        let changing = Changing {
                            table,
                            kind,
                            effect,
                            params,
                            time_zone,
                            search_path,
                            given,
                            bounds: None,
                        };
                        self.before(connection, &changing)?
                    }
                    _ => Change::Unwatched,
                };
                connection.adopt(time_zone, search_path)?;
                let rows = connection.change(&sql, params)?;
                self.after(connection, change)?;
                Ok(if table.is_some() { rows } else { 0 })
            }
            Body::Notify { sql, params } => {
                connection.adopt(time_zone, search_path)?;
                self.notify(connection, &stored.over(sql, new, old), params)?;
                Ok(0)
            }
            Body::Export(export) => {
                connection.adopt(time_zone, search_path)?;
                let sql = stored.over(&export.sql, new, old);
                self.export(connection, export, &sql, time_zone)?;
                Ok(0)
            }
            Body::Deliver(deliver) => {
                connection.adopt(time_zone, search_path)?;
                let sql = stored.over(&deliver.sql, new, old);
                self.deliver(connection, deliver, &sql)
            }
            Body::Compute(compute) => {
                let over = |sql: &str| stored.over(sql, new, old);
                self.compute(connection, compute, &over, time_zone, search_path)
            }
            _ => Err(Error::internal("not a step of a trigger")),
        }
    }

    /// Asks for the notifications that the transaction sends when it commits: once for equal ones.
    ///
    /// # Errors
    /// 22023 for a channel or a payload that is too long; 53400 for too many.
    pub fn notify(
        &mut self,
        connection: &mut WriteConnection,
        sql: &str,
        params: &[crate::types::Value],
    ) -> Result<()> {
        for row in connection.text_rows(sql, params)? {
            let [channel, payload] = row.as_slice() else {
                return Err(Error::internal("a notification has a channel and a payload"));
            };
            let notice = NoticeText { channel: channel.clone(), payload: payload.clone() };
            notice.check()?;
            self.moved.add_notice(notice);
            if self.moved.notices.len() > WAITING_MAX {
                return Err(Error::new(
                    SqlState::CONFIGURATION_LIMIT_EXCEEDED,
                    "too many notifications in the NOTIFY queue",
                ));
            }
        }
        Ok(())
    }
}

fn is_for(stored: &StoredTrigger, change: &RowChange, event: crate::sql::trigger::Event) -> bool {
    let spec = &stored.trigger.spec;
    stored.trigger.enabled
        && match &change.assigns {
            Some(assigns) => spec.is_for(event, assigns),
            None => spec.events.contains(&event),
        }
}

fn with_rows(effect: &Effect, over: impl Fn(&str) -> String) -> Effect {
    match effect {
        Effect::Changes { rows, assigns, values } => Effect::Changes {
            rows: over(rows),
            assigns: assigns.clone(),
            values: values.as_deref().map(over),
        },
        Effect::Merges { rows, events, assigns } => {
            Effect::Merges { rows: over(rows), events: events.clone(), assigns: assigns.clone() }
        }
        Effect::Inserts => Effect::Inserts,
        Effect::Unknown => Effect::Unknown,
    }
}
