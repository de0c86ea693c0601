//! The routines that a session sees.

use std::sync::Arc;

use super::{Router, StatementContext};
use crate::error::{Error, Result};
use crate::sql::{Routine, Routines};

const ALL: &str = "SELECT definition FROM teatree_internal.routines ORDER BY schema_name, name";

impl Router {
    /// Lists the routines, as the session's transaction sees them.
    pub async fn routines(&self, context: &StatementContext) -> Result<Routines> {
        let path = context.query.search_path.clone();
        if let Some(held) = context.held().filter(|_| context.has_own_definitions()) {
            let rows = held.text_rows(ALL, Vec::new()).await?;
            return Ok(Routines::new(Arc::new(read(&rows)?), path));
        }
        let moment = self.log.definitions();
        if let Some(known) = self.shapes.routines(moment) {
            return Ok(Routines::new(known, path));
        }
        let rows = self.duckdb.text_rows(ALL, Vec::new()).await?;
        let all = Arc::new(read(&rows)?);
        self.shapes.remember_routines(moment, Arc::clone(&all));
        Ok(Routines::new(all, path))
    }
}

fn read(rows: &[Vec<String>]) -> Result<Vec<Routine>> {
    let one = |text: &String| {
        serde_json::from_str(text)
            .map_err(|error| Error::internal(format!("a routine cannot be read: {error}")))
    };
    rows.iter().flatten().map(one).collect()
}
