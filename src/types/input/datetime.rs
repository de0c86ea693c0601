//! Dates, times and timestamps from text.

use chrono_tz::Tz;

use super::fields::{Fault, Fields, Special, Zone, fraction_micros, read_fields};
use super::{SHOWN_MAX, invalid, prefix};
use crate::clock::now_us;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::civil::{
    DAY_US, FIRST_DAY, LAST_DATE_DAY, LAST_TIMESTAMP_DAY, days_from_civil, days_in_month,
    offset_at, offset_of_local,
};
use crate::types::output::{write_offset, write_time};
use crate::types::{DateOrder, InputStyle, ScalarType};

fn out_of_range(what: &str, text: &str) -> Error {
    let shown = prefix(text, SHOWN_MAX);
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("{what} out of range: \"{shown}\""))
}

fn read(text: &str, scalar: ScalarType, order: DateOrder) -> Result<Fields> {
    let time_only = matches!(scalar, ScalarType::Time | ScalarType::Timetz);
    read_fields(text, time_only, order).map_err(|fault| match fault {
        Fault::Syntax => invalid(scalar, text),
        Fault::Range => out_of_range("date/time field value", text),
        Fault::MonthOrDay => out_of_range("date/time field value", text)
            .with_hint("Perhaps you need a different \"datestyle\" setting."),
    })
}

fn two(bytes: &[u8]) -> Option<i64> {
    match bytes {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(i64::from((a - b'0') * 10 + (b - b'0'))),
        _ => None,
    }
}

/// Reads `YYYY-MM-DD`, the form that is nearly always met.
fn plain_date(bytes: &[u8]) -> Option<i64> {
    let [a, b, c, d, b'-', e, f, b'-', g, h] = bytes else { return None };
    let year = two(&[*a, *b])? * 100 + two(&[*c, *d])?;
    let (month, day) = (two(&[*e, *f])?, two(&[*g, *h])?);
    let holds =
        year > 0 && (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
    holds.then(|| days_from_civil(year, month, day))
}

/// Reads `HH:MM:SS` with or without a fraction.
fn plain_time(bytes: &[u8]) -> Option<i64> {
    let (clock, fraction) = bytes.split_at_checked(8)?;
    let [a, b, b':', c, d, b':', e, f] = clock else { return None };
    let (hour, minute, second) = (two(&[*a, *b])?, two(&[*c, *d])?, two(&[*e, *f])?);
    let micros = match fraction {
        [] => 0,
        [b'.', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => fraction_micros(digits),
        _ => return None,
    };
    let holds = hour < 24 && minute < 60 && second < 60;
    holds.then_some(((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

/// Reads date and time with a space or `T` between.
fn plain_timestamp(bytes: &[u8]) -> Option<i64> {
    let (date, time) = bytes.split_at_checked(10)?;
    match time {
        [] => Some(plain_date(date)? * DAY_US),
        [b' ' | b'T', clock @ ..] => Some(plain_date(date)? * DAY_US + plain_time(clock)?),
        _ => None,
    }
}

/// The present moment on a zone's clocks, in microseconds.
fn local_now(zone: Tz) -> i64 {
    let now = now_us();
    now + i64::from(offset_at(zone, now.div_euclid(1_000_000))) * 1_000_000
}

/// Reads a date: days since 1970-01-01, `i32::MAX` and `-i32::MAX` for the infinities.
pub(crate) fn parse_date(text: &str, style: InputStyle) -> Result<i32> {
    let days = match plain_date(text.as_bytes()) {
        Some(days) => days,
        None => {
            let (zone, order) = (style.time_zone, style.date_order);
            let fields = read(text, ScalarType::Date, order)?;
            match (fields.special, fields.date) {
                (Some(Special::Infinity), _) => return Ok(i32::MAX),
                (Some(Special::MinusInfinity), _) => return Ok(-i32::MAX),
                (Some(Special::Epoch), _) => 0,
                (Some(Special::Now), _) => local_now(zone).div_euclid(DAY_US),
                (Some(Special::Today(days)), _) => local_now(zone).div_euclid(DAY_US) + days,
                (None, Some((year, month, day))) => bounded_days(year, month, day)
                    .filter(|days| (FIRST_DAY..=LAST_DATE_DAY).contains(days))
                    .ok_or_else(|| out_of_range("date", text))?,
                (None, None) => return Err(invalid(ScalarType::Date, text)),
            }
        }
    };
    i32::try_from(days).map_err(|_| out_of_range("date", text))
}

fn bounded_days(year: i64, month: i64, day: i64) -> Option<i64> {
    (-5000..=6_000_000).contains(&year).then(|| days_from_civil(year, month, day))
}

/// Reads a time of day: microseconds since midnight.
pub(crate) fn parse_time(text: &str, style: InputStyle) -> Result<i64> {
    if let Some(micros) = plain_time(text.as_bytes()) {
        return Ok(micros);
    }
    let fields = read(text, ScalarType::Time, style.date_order)?;
    fields.time.ok_or_else(|| invalid(ScalarType::Time, text))
}

/// Reads a timestamp's wall clock; an infinity gives itself as the error.
fn wall_clock(
    fields: &Fields,
    text: &str,
    scalar: ScalarType,
    zone: Tz,
) -> Result<Result<i64, i64>> {
    let time = fields.time.unwrap_or(0);
    let micros = match (fields.special, fields.date) {
        (Some(Special::Infinity), _) => return Ok(Err(i64::MAX)),
        (Some(Special::MinusInfinity), _) => return Ok(Err(-i64::MAX)),
        (Some(Special::Epoch), _) => 0,
        (Some(Special::Now), _) => local_now(zone),
        (Some(Special::Today(days)), _) => {
            (local_now(zone).div_euclid(DAY_US) + days) * DAY_US + time
        }
        (None, Some((year, month, day))) => bounded_days(year, month, day)
            .filter(|days| (FIRST_DAY..=LAST_TIMESTAMP_DAY).contains(days))
            .and_then(|days| days.checked_mul(DAY_US)?.checked_add(time))
            .ok_or_else(|| out_of_range("timestamp", text))?,
        (None, None) => return Err(invalid(scalar, text)),
    };
    Ok(Ok(micros))
}

/// Reads a timestamp without time zone: microseconds since 1970-01-01. A zone in the text is
/// ignored,
/// as PostgreSQL does.
pub(crate) fn parse_timestamp(text: &str, style: InputStyle) -> Result<i64> {
    if let Some(micros) = plain_timestamp(text.as_bytes()) {
        return Ok(micros);
    }
    let fields = read(text, ScalarType::Timestamp, style.date_order)?;
    let clock = wall_clock(&fields, text, ScalarType::Timestamp, style.time_zone);
    Ok(clock?.unwrap_or_else(|infinity| infinity))
}

fn to_utc(local: i64, zone: Zone) -> Option<i64> {
    let offset = match zone {
        Zone::Offset(offset) => offset,
        Zone::Named(Tz::UTC) => 0,
        Zone::Named(zone) => offset_of_local(zone, local.div_euclid(1_000_000)),
    };
    local.checked_sub(i64::from(offset) * 1_000_000)
}

/// Reads a timestamp with time zone: microseconds since 1970-01-01 UTC.
pub(crate) fn parse_timestamptz(text: &str, style: InputStyle) -> Result<i64> {
    let overflow = || out_of_range("timestamp", text);
    let zone = style.time_zone;
    if let Some(micros) = plain_timestamp(text.as_bytes()) {
        return to_utc(micros, Zone::Named(zone)).ok_or_else(overflow);
    }
    let fields = read(text, ScalarType::Timestamptz, style.date_order)?;
    let local = match wall_clock(&fields, text, ScalarType::Timestamptz, zone)? {
        Ok(local) => local,
        Err(infinity) => return Ok(infinity),
    };
    let zone = match (fields.zone, fields.special) {
        (None, Some(Special::Epoch)) => Zone::Offset(0),
        (None, _) => Zone::Named(zone),
        (Some(zone), _) => zone,
    };
    to_utc(local, zone).ok_or_else(overflow)
}

/// Reads a `timetz` that names its offset: microseconds since midnight, seconds east of UTC.
pub(crate) fn parse_timetz(text: &str) -> Result<(i64, i32)> {
    zoned_time(text, Tz::UTC.into())
}

fn zoned_time(text: &str, style: InputStyle) -> Result<(i64, i32)> {
    let fields = read(text, ScalarType::Timetz, style.date_order)?;
    let time = fields.time.ok_or_else(|| invalid(ScalarType::Timetz, text))?;
    let seconds = match fields.date {
        Some((year, month, day)) => bounded_days(year, month, day).unwrap_or(0) * 86_400,
        None => now_us().div_euclid(1_000_000),
    };
    let offset = match fields.zone {
        Some(Zone::Offset(offset)) => offset,
        Some(Zone::Named(zone)) => offset_at(zone, seconds),
        None => offset_at(style.time_zone, seconds),
    };
    Ok((time, offset))
}

/// Reads a `timetz` and writes it in its one form, `04:05:06+02`.
pub(super) fn normal_timetz(text: &str, style: InputStyle) -> Result<String> {
    let (micros, offset) = zoned_time(text, style)?;
    Ok(timetz_text(micros, offset))
}

/// Prints a `timetz`.
pub(super) fn timetz_text(micros: i64, offset: i32) -> String {
    let mut out = Vec::new();
    write_time(&mut out, micros);
    write_offset(&mut out, offset);
    String::from_utf8(out).unwrap_or_default()
}
