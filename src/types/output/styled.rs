//! Dates and timestamps as text in the date styles SQL, Postgres and German.
//!
//! The ISO style is in `datetime.rs`, times of day have no other.

use chrono_tz::Tz;

use super::datetime::write_time;
use super::number::{write_padded, write_two};
use crate::types::civil::{DAY_US, civil_from_days, offset_at, write_abbreviation};
use crate::types::{DateFormat, DateOrder, DateStyle};

/// From Thursday on, which 1970-01-01 was.
const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Gives the year as it is shown, and whether it is one before the year 1.
fn shown_year(year: i64) -> (u64, bool) {
    let bc = year <= 0;
    (if bc { 1 - year } else { year }.unsigned_abs(), bc)
}

/// Appends day, month and year as numbers; tells whether the date lies before the year 1, so that
/// the caller ends with ` BC`.
fn write_civil(out: &mut Vec<u8>, days: i64, style: DateStyle) -> bool {
    let (year, month, day) = civil_from_days(days);
    let (year, bc) = shown_year(year);
    let separator = match style.format {
        DateFormat::German => b'.',
        DateFormat::Sql => b'/',
        DateFormat::Postgres | DateFormat::Iso => b'-',
    };
    let day_first = style.format == DateFormat::German || style.order == DateOrder::Dmy;
    let (first, second) = if day_first { (day, month) } else { (month, day) };
    write_two(out, first);
    out.push(separator);
    write_two(out, second);
    out.push(separator);
    write_padded(out, year, 4);
    bc
}

fn write_era(out: &mut Vec<u8>, bc: bool) {
    if bc {
        out.extend_from_slice(b" BC");
    }
}

/// Appends a wall clock, in microseconds since 1970-01-01: `Wed Jan 31 04:05:06 2024` or a date and
/// a time. Tells what [`write_civil`] tells.
fn write_clock(out: &mut Vec<u8>, micros: i64, style: DateStyle) -> bool {
    let (days, time) = (micros.div_euclid(DAY_US), micros.rem_euclid(DAY_US));
    if style.format != DateFormat::Postgres {
        let bc = write_civil(out, days, style);
        out.push(b' ');
        write_time(out, time);
        return bc;
    }
    let (year, month, day) = civil_from_days(days);
    let (year, bc) = shown_year(year);
    let place = |n: i64| usize::try_from(n).unwrap_or(0);
    out.extend_from_slice(DAYS[place(days.rem_euclid(7))]);
    out.push(b' ');
    let name = MONTHS[place(i64::from(month) - 1)];
    if style.order == DateOrder::Dmy {
        write_two(out, day);
        out.push(b' ');
        out.extend_from_slice(name);
    } else {
        out.extend_from_slice(name);
        out.push(b' ');
        write_two(out, day);
    }
    out.push(b' ');
    write_time(out, time);
    out.push(b' ');
    write_padded(out, year, 4);
    bc
}

/// Appends a date, in days since 1970-01-01.
#[cold]
pub(super) fn write_date(out: &mut Vec<u8>, days: i64, style: DateStyle) {
    let bc = write_civil(out, days, style);
    write_era(out, bc);
}

/// Appends a timestamp without time zone, in microseconds since 1970-01-01.
#[cold]
pub(super) fn write_timestamp(out: &mut Vec<u8>, micros: i64, style: DateStyle) {
    let bc = write_clock(out, micros, style);
    write_era(out, bc);
}

/// Appends an instant as the zone's clocks show it, with the zone's abbreviation.
#[cold]
pub(super) fn write_timestamptz(out: &mut Vec<u8>, micros: i64, zone: Tz, style: DateStyle) {
    let seconds = micros.div_euclid(1_000_000);
    let offset = offset_at(zone, seconds);
    let bc = write_clock(out, micros.saturating_add(i64::from(offset) * 1_000_000), style);
    out.push(b' ');
    write_abbreviation(out, zone, seconds);
    write_era(out, bc);
}
