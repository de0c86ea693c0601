//! Dates, times and intervals as text, in the ISO date style.

use super::number::{write_i64, write_padded, write_two};
use crate::types::Interval;
use crate::types::civil::{DAY_US, ZoneCache, civil_from_days};

/// Appends a date; tells whether it lies before the year 1, so that the caller ends with ` BC`.
fn write_civil(out: &mut Vec<u8>, days: i64) -> bool {
    let (year, month, day) = civil_from_days(days);
    let bc = year <= 0;
    let shown = if bc { 1 - year } else { year };
    write_padded(out, shown.unsigned_abs(), 4);
    out.push(b'-');
    write_two(out, month);
    out.push(b'-');
    write_two(out, day);
    bc
}

/// Appends a date, in days since 1970-01-01.
pub(crate) fn write_date(out: &mut Vec<u8>, days: i64) {
    if write_civil(out, days) {
        out.extend_from_slice(b" BC");
    }
}

fn write_fraction(out: &mut Vec<u8>, micros: u64) {
    if micros == 0 {
        return;
    }
    out.push(b'.');
    write_padded(out, micros, 6);
    while out.last() == Some(&b'0') {
        out.pop();
    }
}

/// Appends a time of day, in microseconds since midnight; 24:00:00 is one.
pub(crate) fn write_time(out: &mut Vec<u8>, micros: i64) {
    let micros = micros.unsigned_abs();
    let seconds = micros / 1_000_000;
    let two = |value: u64| u32::try_from(value).unwrap_or(0);
    write_two(out, two(seconds / 3600));
    out.push(b':');
    write_two(out, two(seconds / 60 % 60));
    out.push(b':');
    write_two(out, two(seconds % 60));
    write_fraction(out, micros % 1_000_000);
}

/// Appends an offset east of UTC, in seconds: `+00`, `-04:56:02`.
pub(crate) fn write_offset(out: &mut Vec<u8>, seconds: i32) {
    out.push(if seconds < 0 { b'-' } else { b'+' });
    let seconds = seconds.unsigned_abs();
    write_two(out, seconds / 3600);
    if !seconds.is_multiple_of(3600) {
        out.push(b':');
        write_two(out, seconds / 60 % 60);
    }
    if !seconds.is_multiple_of(60) {
        out.push(b':');
        write_two(out, seconds % 60);
    }
}

/// Appends a timestamp without time zone, in microseconds since 1970-01-01.
pub(crate) fn write_timestamp(out: &mut Vec<u8>, micros: i64) {
    let bc = write_civil(out, micros.div_euclid(DAY_US));
    out.push(b' ');
    write_time(out, micros.rem_euclid(DAY_US));
    if bc {
        out.extend_from_slice(b" BC");
    }
}

/// Writes a timestamp without time zone, in microseconds since 1970-01-01.
pub fn timestamp_text(micros: i64) -> String {
    let mut out = Vec::new();
    write_timestamp(&mut out, micros);
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends an instant as the zone's clocks show it.
pub(crate) fn write_timestamptz(out: &mut Vec<u8>, micros: i64, zone: &ZoneCache) {
    let offset = zone.offset(micros);
    let local = micros.saturating_add(i64::from(offset) * 1_000_000);
    let bc = write_civil(out, local.div_euclid(DAY_US));
    out.push(b' ');
    write_time(out, local.rem_euclid(DAY_US));
    write_offset(out, offset);
    if bc {
        out.extend_from_slice(b" BC");
    }
}

/// Appends an interval in the style `postgres`: `1 year 2 mons -3 days +04:05:06`.
pub(crate) fn write_interval(out: &mut Vec<u8>, interval: Interval) {
    let start = out.len();
    let mut before_negative = false;
    let parts = [
        (interval.months / 12, &b"year"[..]),
        (interval.months % 12, b"mon"),
        (interval.days, b"day"),
    ];
    for (value, unit) in parts {
        if value == 0 {
            continue;
        }
        if out.len() > start {
            out.push(b' ');
        }
        if before_negative && value > 0 {
            out.push(b'+');
        }
        write_i64(out, value.into());
        out.push(b' ');
        out.extend_from_slice(unit);
        if value != 1 {
            out.push(b's');
        }
        before_negative = value < 0;
    }
    if out.len() > start && interval.micros == 0 {
        return;
    }
    if out.len() > start {
        out.push(b' ');
    }
    if interval.micros < 0 {
        out.push(b'-');
    } else if before_negative {
        out.push(b'+');
    }
    let micros = interval.micros.unsigned_abs();
    let seconds = micros / 1_000_000;
    write_padded(out, seconds / 3600, 2);
    for part in [seconds / 60 % 60, seconds % 60] {
        out.push(b':');
        write_padded(out, part, 2);
    }
    write_fraction(out, micros % 1_000_000);
}
