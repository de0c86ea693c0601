//! An open DuckDB file. It stays open until its last connection is gone.
#![expect(unsafe_code, reason = "part of the border to DuckDB's C API")]

use std::ffi::c_char;
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use ::duckdb::ffi;

use super::Connection;
use super::checks::{c_string, text_of};
use super::helpers::{Activity, Helpers};
use crate::engine::duckdb::error::from_duckdb_message;
use crate::error::{Error, Result};

/// How many threads DuckDB counts on, at least. With one or two, each hash table of a GROUP BY
/// begins with 2 MiB to be zeroed, with more it grows from an eighth of that: a small GROUP BY
/// takes half a millisecond less.
const COUNTED_MIN: usize = 3;

struct DatabaseHandle {
    raw: ffi::duckdb_database,
    /// Ended before the database is closed.
    helpers: Option<Helpers>,
}

// SAFETY: DuckDB's database handle may be used from any thread.
unsafe impl Send for DatabaseHandle {}
// SAFETY: as above; opening connections is synchronised inside DuckDB.
unsafe impl Sync for DatabaseHandle {}

impl Drop for DatabaseHandle {
    fn drop(&mut self) {
        drop(self.helpers.take());
        // SAFETY: the handle came from duckdb_open_ext and every connection holds this Arc.
        unsafe { ffi::duckdb_close(&raw mut self.raw) };
    }
}

/// An open DuckDB instance.
#[derive(Clone)]
pub(crate) struct Database(Arc<DatabaseHandle>);

impl Database {
    /// Opens or creates the file at `path` with DuckDB settings. `threads` counts the one that
    /// runs a statement and those that help it when it takes long.
    pub(crate) fn open(path: &Path, settings: &[(&str, String)]) -> Result<Database> {
        let path = c_string(&path.to_string_lossy())?;
        let threads = settings.iter().find(|(name, _)| *name == "threads");
        let threads = threads.and_then(|(_, value)| value.parse::<usize>().ok());
        // All of them are ours: DuckDB starts none.
        let counted = threads.map(|threads| threads.max(COUNTED_MIN).to_string());
        let counted = counted.iter().flat_map(|counted| {
            [("threads", counted.clone()), ("external_threads", counted.clone())]
        });
        let settings: Vec<(&str, String)> = settings.iter().cloned().chain(counted).collect();
        let mut config = ptr::null_mut();
        let mut database = ptr::null_mut();
        let mut message: *mut c_char = ptr::null_mut();
        // SAFETY: all pointers are local and valid; config is destroyed below on every way out.
        unsafe {
            if ffi::duckdb_create_config(&raw mut config) != ffi::DuckDBSuccess {
                return Err(Error::internal("DuckDB could not create a configuration"));
            }
            for (name, value) in settings {
                let (c_name, c_value) = (c_string(name)?, c_string(&value)?);
                if ffi::duckdb_set_config(config, c_name.as_ptr(), c_value.as_ptr())
                    != ffi::DuckDBSuccess
                {
                    ffi::duckdb_destroy_config(&raw mut config);
                    return Err(Error::internal(format!("DuckDB refused setting {name}")));
                }
            }
            let state =
                ffi::duckdb_open_ext(path.as_ptr(), &raw mut database, config, &raw mut message);
            ffi::duckdb_destroy_config(&raw mut config);
            if state != ffi::DuckDBSuccess {
                let text = text_of(message);
                ffi::duckdb_free(message.cast());
                return Err(from_duckdb_message(&text));
            }
        }
        let mut handle = DatabaseHandle { raw: database, helpers: None };
        if let Some(threads) = threads.filter(|threads| *threads > 1) {
            // SAFETY: the handle ends the helpers before it closes the database.
            handle.helpers = Some(unsafe { Helpers::start(database, threads) }?);
        }
        Ok(Database(Arc::new(handle)))
    }

    /// Returns what tells whether the file is still open, by this or by a connection.
    pub(crate) fn watch(&self) -> impl Fn() -> bool + Send + Sync + use<> {
        let handle = Arc::downgrade(&self.0);
        move || handle.strong_count() > 0
    }

    /// Opens one more connection.
    pub(crate) fn connect(&self) -> Result<Connection> {
        Connection::open(self)
    }

    /// Opens a connection of the `duckdb` crate on the same instance, for what only it offers.
    pub(crate) fn connect_crate(&self) -> Result<::duckdb::Connection> {
        // SAFETY: the database outlives the connection, since the caller keeps `self`'s Arc.
        unsafe { ::duckdb::Connection::open_from_raw(self.0.raw) }
            .map_err(|error| from_duckdb_message(&error.to_string()))
    }

    /// The handle, open for as long as `self` or a clone of it lives.
    pub(super) fn raw(&self) -> ffi::duckdb_database {
        self.0.raw
    }

    /// What a connection tells of its statements with, where there are threads to help them.
    pub(super) fn activity(&self) -> Option<Arc<Activity>> {
        self.0.helpers.as_ref().map(Helpers::activity)
    }

    /// How often a thread has come to help.
    #[cfg(test)]
    pub(super) fn helped(&self) -> u64 {
        self.0.helpers.as_ref().map_or(0, Helpers::helped)
    }

    /// Tells whether a thread helps now.
    #[cfg(test)]
    pub(super) fn is_helped(&self) -> bool {
        self.0.helpers.as_ref().is_some_and(Helpers::is_helped)
    }
}
