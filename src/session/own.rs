//! What the catalogue shows a session of itself: `pg_settings`, `pg_prepared_statements`,
//! `pg_cursors`. The rows are made when a statement asks, and live as long as it does.

use std::sync::Arc;

use super::settings_shown::SettingRow;
use super::{Session, StatementGuard};
use crate::error::Result;
use crate::sql::Statement;

/// A session's own rows.
#[derive(Debug, Default)]
pub struct Own {
    pub settings: Vec<SettingRow>,
    pub prepared: Vec<PreparedRow>,
    pub cursors: Vec<CursorRow>,
}

/// One row of `pg_prepared_statements`.
#[derive(Clone, Debug)]
pub struct PreparedRow {
    pub name: String,
    pub statement: String,
    pub prepared_us: i64,
    /// Joined by commas.
    pub parameter_types: String,
    pub from_sql: bool,
}

/// One row of `pg_cursors`.
#[derive(Clone, Debug)]
pub struct CursorRow {
    pub name: String,
    pub statement: String,
    pub is_holdable: bool,
    pub is_scrollable: bool,
    pub created_us: i64,
}

impl Session {
    /// Makes the session's own rows, when a statement asks for them.
    pub(super) async fn show_own(
        &self,
        statement: &Statement,
        guard: &StatementGuard,
    ) -> Result<()> {
        if !statement.asks_of_session() {
            return Ok(());
        }
        let show = |name: &str| self.show(name).unwrap_or_default();
        let mut own = Own {
            settings: self.settings.rows(show),
            cursors: self.cursor_rows(),
            ..Own::default()
        };
        for (name, prepared) in self.statements.iter().filter(|(name, _)| !name.is_empty()) {
            let Some(inner) = &prepared.statement else { continue };
            // What cannot be described now was prepared all the same.
            let params = match Box::pin(self.describe(prepared, guard)).await {
                Ok(described) => described.params,
                Err(_) => prepared.types().into_iter().flatten().collect(),
            };
            let types: Vec<String> = params.into_iter().map(|known| known.sql_name()).collect();
            own.prepared.push(PreparedRow {
                name: name.clone(),
                statement: prepared.sql.as_ref().unwrap_or(&inner.text).clone(),
                prepared_us: prepared.prepared_us,
                parameter_types: types.join(","),
                from_sql: prepared.sql.is_some(),
            });
        }
        own.prepared.sort_by(|one, other| one.name.cmp(&other.name));
        self.entry().show_own(Arc::new(own));
        Ok(())
    }
}
