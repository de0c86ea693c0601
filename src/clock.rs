//! The one place that reads the time of day.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns microseconds since 1970-01-01 00:00 UTC.
#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else asks")]
pub fn now_us() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
