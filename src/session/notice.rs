//! What a client is told besides results and errors.

use std::sync::Arc;

use super::Session;
use crate::error::Result;
use crate::router::StatementContext;
use crate::sql::trigger::TriggerStatement;
use crate::sql::{
    DefineWrite, NamedRoutine, ObjectKind, Routine, RoutineKind, RoutineStatement, Write,
};
use crate::sqlstate::SqlState;
use crate::types::PgType;

/// A notice or a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub severity: &'static str,
    pub code: SqlState,
    pub message: String,
}

/// Notices that wait to be sent; more of one statement are lost.
const NOTICES_MAX: usize = 100;

impl Session {
    /// Warns the client, unless `client_min_messages` is against it.
    pub(super) fn warn(&mut self, code: SqlState, message: impl Into<String>) {
        self.tell("WARNING", code, message.into());
    }

    /// Tells the client something, unless `client_min_messages` is against it.
    pub(super) fn tell(&mut self, severity: &'static str, code: SqlState, message: String) {
        let least = self.settings.get("client_min_messages").unwrap_or_default();
        let wanted = match least {
            "error" | "fatal" | "panic" => false,
            "warning" => severity == "WARNING",
            _ => true,
        };
        if wanted && self.notices.len() < NOTICES_MAX {
            self.notices.push(Notice { severity, code, message });
        }
    }

    /// Tells the client what IF EXISTS or IF NOT EXISTS leaves undone.
    pub(super) async fn tell_skipped(
        &mut self,
        write: &Write,
        context: &StatementContext,
    ) -> Result<()> {
        let services = Arc::clone(&self.services);
        match write {
            Write::Drop { kind, names, if_exists: true, .. } => {
                for name in names {
                    let is_there = match kind {
                        ObjectKind::Schema => {
                            services.router.has_schema(&name.table, context).await?
                        }
                        ObjectKind::Table | ObjectKind::View | ObjectKind::Sequence => {
                            services.router.has_relation(name, context).await?
                        }
                        _ => true,
                    };
                    if !is_there {
                        let what = kind.word().to_lowercase();
                        let message = format!("{what} \"{}\" does not exist, skipping", name.table);
                        self.tell("NOTICE", SqlState::SUCCESSFUL_COMPLETION, message);
                    }
                }
            }
            Write::CreateTable { table, if_not_exists: true, .. }
                if services.router.has_relation(table, context).await? =>
            {
                let message = format!("relation \"{}\" already exists, skipping", table.table);
                self.tell("NOTICE", SqlState::DUPLICATE_TABLE, message);
            }
            Write::Define { define: DefineWrite::Routine(routine), .. } => {
                let RoutineStatement::Drop { kind, names, if_exists: true, .. } = routine.as_ref()
                else {
                    return Ok(());
                };
                let routines = services.router.routines(context).await?;
                for name in names {
                    let fits = |routine: &&Routine| {
                        kind.is_none_or(|kind| kind == routine.kind)
                            && name.types.as_ref().is_none_or(|types| *types == routine.identity())
                    };
                    if !routines.called(&name.name).iter().any(fits) {
                        let word = kind.map_or("routine", RoutineKind::word);
                        let message = format!("{word} {} does not exist, skipping", shown(name));
                        self.tell("NOTICE", SqlState::SUCCESSFUL_COMPLETION, message);
                    }
                }
            }
            Write::Define { define: DefineWrite::Trigger(trigger), .. } => {
                let TriggerStatement::Drop { name, table, if_exists: true } = trigger.as_ref()
                else {
                    return Ok(());
                };
                let message = if !services.router.has_relation(table, context).await? {
                    format!("relation \"{}\" does not exist, skipping", table.table)
                } else if !services.router.has_trigger(table, name, context).await? {
                    let table = &table.table;
                    format!("trigger \"{name}\" for relation \"{table}\" does not exist, skipping")
                } else {
                    return Ok(());
                };
                self.tell("NOTICE", SqlState::SUCCESSFUL_COMPLETION, message);
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes what is to be sent before the next answer.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }
}

/// A routine's name with its types, as PostgreSQL's notices have it.
fn shown(name: &NamedRoutine) -> String {
    let type_name = |pg_type: &PgType| {
        let brackets = if pg_type.is_array() { "[]" } else { "" };
        format!("pg_catalog.{}{brackets}", pg_type.scalar().typname())
    };
    let types: Vec<String> = name.types.iter().flatten().map(type_name).collect();
    format!("{}({})", name.name.table, types.join(","))
}
