//! DuckDB inside this process: the measure that has no wire and no server.

use std::path::Path;
use std::time::{Duration, Instant};

use duckdb::{AccessMode, Config, Connection};

use crate::Result;

/// A DuckDB file opened read-only, with DuckDB's own defaults.
pub struct Embedded {
    connection: Connection,
}

impl Embedded {
    pub fn open(file: &Path) -> Result<Embedded> {
        let config = Config::default().access_mode(AccessMode::ReadOnly)?;
        Ok(Embedded { connection: Connection::open_with_flags(file, config)? })
    }

    /// Runs a query from its text, reads every row, and returns how many and how long it took.
    pub fn time(&self, sql: &str) -> Result<(u64, Duration)> {
        let started = Instant::now();
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while rows.next()?.is_some() {
            count += 1;
        }
        Ok((count, started.elapsed()))
    }
}
