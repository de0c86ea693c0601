//! What every call needs: strings in both directions, and the API's errors as ours.
#![expect(unsafe_code, reason = "part of the border to DuckDB's C API")]

use std::ffi::{CStr, CString, c_char};

use ::duckdb::ffi;

use crate::engine::duckdb::error::from_duckdb_message;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// Gives the error of a result whose call failed. The result stays the caller's to destroy.
///
/// # Safety
/// `result` is the result of the call that gave `state`.
pub(super) unsafe fn check_result(
    state: ffi::duckdb_state,
    result: &mut ffi::duckdb_result,
) -> Result<()> {
    if state == ffi::DuckDBSuccess {
        return Ok(());
    }
    // SAFETY: the caller gives a valid result; the message is copied.
    Err(from_duckdb_message(&unsafe { text_of(ffi::duckdb_result_error(result)) }))
}

/// Takes an error of the C API over: destroys it, and gives it as ours if there is one.
///
/// # Safety
/// `error` is null or a valid error that nobody else destroys.
pub(super) unsafe fn check_error_data(mut error: ffi::duckdb_error_data) -> Result<()> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the caller hands over a valid error; it is destroyed once.
    unsafe {
        let outcome = if ffi::duckdb_error_data_has_error(error) {
            Err(from_duckdb_message(&text_of(ffi::duckdb_error_data_message(error))))
        } else {
            Ok(())
        };
        ffi::duckdb_destroy_error_data(&raw mut error);
        outcome
    }
}

/// Copies a string of the C API; empty when there is none.
///
/// # Safety
/// `text` is null or a string that ends with NUL and lives during the call.
pub(crate) unsafe fn text_of(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the C API gives NUL-terminated strings; the caller keeps this one alive.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Makes a string for the C API.
///
/// # Errors
/// 22021 for a NUL byte, as PostgreSQL refuses it.
pub(super) fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| {
        Error::new(
            SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            "invalid byte sequence for encoding \"UTF8\": 0x00",
        )
    })
}
