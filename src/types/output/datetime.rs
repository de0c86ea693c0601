//! Dates, times and timestamps as text: the ISO date style, and the way to the other ones.
//!
//! The other date styles are in `styled.rs`, intervals in `interval.rs`.

use super::number::{write_padded, write_two};
use super::styled;
use crate::types::civil::{DAY_US, ZoneCache, civil_from_days};
use crate::types::{DateFormat, DateStyle};

/// Appends a date; tells whether it lies before the year 1, so that the caller ends with ` BC`.
#[inline]
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
#[inline]
pub(crate) fn write_date(out: &mut Vec<u8>, days: i64, style: DateStyle) {
    match style.format {
        DateFormat::Iso => write_date_iso(out, days),
        _ => styled::write_date(out, days, style),
    }
}

fn write_date_iso(out: &mut Vec<u8>, days: i64) {
    if write_civil(out, days) {
        out.extend_from_slice(b" BC");
    }
}

/// Appends the fraction of a second: a point and no more digits than it needs, nothing for 0.
#[inline]
pub(super) fn write_fraction(out: &mut Vec<u8>, micros: u64) {
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
#[inline]
pub(crate) fn write_timestamp(out: &mut Vec<u8>, micros: i64, style: DateStyle) {
    match style.format {
        DateFormat::Iso => write_timestamp_iso(out, micros),
        _ => styled::write_timestamp(out, micros, style),
    }
}

fn write_timestamp_iso(out: &mut Vec<u8>, micros: i64) {
    let bc = write_civil(out, micros.div_euclid(DAY_US));
    out.push(b' ');
    write_time(out, micros.rem_euclid(DAY_US));
    if bc {
        out.extend_from_slice(b" BC");
    }
}

/// Writes a timestamp without time zone in the ISO style, in microseconds since 1970-01-01.
pub fn timestamp_text(micros: i64) -> String {
    let mut out = Vec::new();
    write_timestamp(&mut out, micros, DateStyle::default());
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends an instant as the zone's clocks show it.
#[inline]
pub(crate) fn write_timestamptz(
    out: &mut Vec<u8>,
    micros: i64,
    zone: &ZoneCache,
    style: DateStyle,
) {
    match style.format {
        DateFormat::Iso => write_timestamptz_iso(out, micros, zone),
        _ => styled::write_timestamptz(out, micros, zone.zone(), style),
    }
}

fn write_timestamptz_iso(out: &mut Vec<u8>, micros: i64, zone: &ZoneCache) {
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
