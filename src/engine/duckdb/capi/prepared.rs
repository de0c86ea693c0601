//! A prepared statement: what it takes and gives, and running it.
#![expect(unsafe_code, reason = "part of the border to DuckDB's C API")]

use std::sync::Arc;

use ::duckdb::ffi;

use super::QueryResult;
use super::checks::{check_result, text_of};
use super::connection::ConnectionHandle;
use super::result::Source;
use crate::engine::duckdb::error::from_duckdb_message;
use crate::engine::duckdb::logical_type::{column_of, pg_type_of};
use crate::engine::duckdb::value::bind_value;
use crate::error::{Error, Result};
use crate::types::{Column, PgType, Value};

/// What DuckDB says a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatementType {
    Select,
    Explain,
    Other,
}

/// A prepared statement.
pub(crate) struct Prepared {
    raw: ffi::duckdb_prepared_statement,
    connection: Arc<ConnectionHandle>,
}

// SAFETY: a prepared statement may move between threads; its use is exclusive through `&mut`.
unsafe impl Send for Prepared {}

impl Drop for Prepared {
    fn drop(&mut self) {
        // SAFETY: the handle came from duckdb_prepare and is destroyed once.
        unsafe { ffi::duckdb_destroy_prepare(&raw mut self.raw) };
    }
}

impl Prepared {
    /// Takes over what DuckDB has prepared, be it a statement or the reason why there is none.
    ///
    /// # Safety
    /// `state` and `raw` came from one call on this connection, and nobody else destroys `raw`.
    pub(super) unsafe fn adopt(
        state: ffi::duckdb_state,
        raw: ffi::duckdb_prepared_statement,
        connection: Arc<ConnectionHandle>,
    ) -> Result<Prepared> {
        let prepared = Prepared { raw, connection };
        if state == ffi::DuckDBSuccess { Ok(prepared) } else { Err(prepared.error()) }
    }

    fn error(&self) -> Error {
        // SAFETY: the message belongs to the statement and is copied at once.
        from_duckdb_message(&unsafe { text_of(ffi::duckdb_prepare_error(self.raw)) })
    }

    pub(crate) fn statement_type(&self) -> StatementType {
        // SAFETY: the statement is valid.
        match unsafe { ffi::duckdb_prepared_statement_type(self.raw) } {
            ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_SELECT => StatementType::Select,
            ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_EXPLAIN => StatementType::Explain,
            _ => StatementType::Other,
        }
    }

    /// Returns the inferred type of each parameter; `None` where DuckDB has none.
    pub(crate) fn params(&self) -> Vec<Option<PgType>> {
        // SAFETY: the statement is valid; indexes run from 1 to nparams; types are destroyed.
        unsafe {
            (1..=ffi::duckdb_nparams(self.raw))
                .map(|index| {
                    let mut logical = ffi::duckdb_param_logical_type(self.raw, index);
                    let pg_type = pg_type_of(logical).map(|(pg_type, _)| pg_type);
                    ffi::duckdb_destroy_logical_type(&raw mut logical);
                    pg_type
                })
                .collect()
        }
    }

    /// Returns the result's columns; `None` when DuckDB cannot tell before it knows the
    /// parameters' types.
    pub(crate) fn columns(&self) -> Option<Vec<Column>> {
        // SAFETY: the type's handle is valid for the call.
        self.each_column(|name, logical| unsafe { column_of(name, logical) })
    }

    /// Makes something of each result column's name and type; the handle lives for the call only.
    pub(crate) fn each_column<T>(
        &self,
        of: impl Fn(&str, ffi::duckdb_logical_type) -> Option<T>,
    ) -> Option<Vec<T>> {
        // SAFETY: the statement is valid; indexes are below the count; handles are destroyed.
        unsafe {
            (0..ffi::duckdb_prepared_statement_column_count(self.raw))
                .map(|index| {
                    let name = ffi::duckdb_prepared_statement_column_name(self.raw, index);
                    let mut logical =
                        ffi::duckdb_prepared_statement_column_logical_type(self.raw, index);
                    let made = of(&text_of(name), logical);
                    ffi::duckdb_free(name.cast_mut().cast());
                    ffi::duckdb_destroy_logical_type(&raw mut logical);
                    made
                })
                .collect()
        }
    }

    /// The connection that it runs on.
    pub(super) fn connection(&self) -> &ConnectionHandle {
        &self.connection
    }

    /// Binds every parameter, in order; whole numbers as the type that the statement was planned
    /// with, for DuckDB plans it anew for any other.
    pub(crate) fn bind(&mut self, params: &[Value]) -> Result<()> {
        // SAFETY: the statement is valid.
        let wanted = unsafe { ffi::duckdb_nparams(self.raw) };
        for (index, value) in params.iter().enumerate() {
            let Some(place) = self.place_of(index, wanted as usize == params.len()) else {
                continue;
            };
            // SAFETY: the statement and the value are valid; the value is destroyed.
            let state = unsafe {
                let planned = ffi::duckdb_param_type(self.raw, place);
                let mut bound = bind_value(value, planned)?;
                let state = ffi::duckdb_bind_value(self.raw, place, bound);
                ffi::duckdb_destroy_value(&raw mut bound);
                state
            };
            if state != ffi::DuckDBSuccess {
                return Err(self.error());
            }
        }
        Ok(())
    }

    /// The place of a parameter among those that the statement still has: what was computed before
    /// it came here has taken its parameters with it. `None` for such a one.
    fn place_of(&self, index: usize, are_all_there: bool) -> Option<u64> {
        if are_all_there {
            return Some(index as u64 + 1);
        }
        let name = std::ffi::CString::new((index + 1).to_string()).ok()?;
        let mut place = 0;
        // SAFETY: the statement and the name are valid for the call.
        let state =
            unsafe { ffi::duckdb_bind_parameter_index(self.raw, &raw mut place, name.as_ptr()) };
        (state == ffi::DuckDBSuccess).then_some(place)
    }

    /// Runs a statement of our own that is kept prepared, and forgets its result.
    pub(crate) fn run_again(&mut self, params: &[Value]) -> Result<()> {
        self.bind(params)?;
        let _entered = self.connection.enter();
        // SAFETY: zeroed is the C API's empty result; it is destroyed here.
        unsafe {
            let mut result: ffi::duckdb_result = std::mem::zeroed();
            let state = ffi::duckdb_execute_prepared(self.raw, &raw mut result);
            let outcome = check_result(state, &mut result);
            ffi::duckdb_destroy_result(&raw mut result);
            outcome
        }
    }

    /// Runs the statement. A streamed result is computed as it is fetched; one that is not
    /// streamed is complete when this returns.
    pub(crate) fn run(self, streaming: bool) -> Result<QueryResult> {
        let connection = Arc::clone(&self.connection);
        let entered = connection.enter();
        // SAFETY: zeroed is the C API's empty result; it is destroyed here or taken over.
        unsafe {
            let mut result: ffi::duckdb_result = std::mem::zeroed();
            let state = if streaming {
                ffi::duckdb_execute_prepared_streaming(self.raw, &raw mut result)
            } else {
                ffi::duckdb_execute_prepared(self.raw, &raw mut result)
            };
            if let Err(error) = check_result(state, &mut result) {
                ffi::duckdb_destroy_result(&raw mut result);
                return Err(error);
            }
            if streaming {
                if let Some(entered) = entered {
                    entered.goes_on();
                }
                return QueryResult::adopt(result, Source::Stream(self));
            }
            drop(entered);
            QueryResult::adopt(result, Source::Connection(connection))
        }
    }

    /// Runs the statement, which stays; the result is complete when this returns.
    pub(crate) fn run_kept(&mut self) -> Result<QueryResult> {
        let _entered = self.connection.enter();
        // SAFETY: zeroed is the C API's empty result; it is destroyed here or taken over.
        unsafe {
            let mut result: ffi::duckdb_result = std::mem::zeroed();
            let state = ffi::duckdb_execute_prepared(self.raw, &raw mut result);
            if let Err(error) = check_result(state, &mut result) {
                ffi::duckdb_destroy_result(&raw mut result);
                return Err(error);
            }
            QueryResult::adopt(result, Source::Connection(Arc::clone(&self.connection)))
        }
    }
}
