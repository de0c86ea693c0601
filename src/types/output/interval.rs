//! Intervals as text, in the four interval styles.
//!
//! An interval's parts have signs of their own; years and months have one, and so have hours,
//! minutes and seconds.

use super::datetime::write_fraction;
use super::number::{write_i64, write_padded};
use crate::types::{Interval, IntervalStyle};

/// Appends an interval.
#[inline]
pub(crate) fn write_interval(out: &mut Vec<u8>, interval: Interval, style: IntervalStyle) {
    match style {
        IntervalStyle::Postgres => write_postgres(out, interval),
        IntervalStyle::PostgresVerbose => write_verbose(out, interval),
        IntervalStyle::SqlStandard => write_sql_standard(out, interval),
        IntervalStyle::Iso8601 => write_iso_8601(out, interval),
    }
}

/// A time without its sign.
struct Clock {
    hours: u64,
    minutes: u64,
    seconds: u64,
    micros: u64,
}

fn clock(micros: i64) -> Clock {
    let micros = micros.unsigned_abs();
    let seconds = micros / 1_000_000;
    Clock {
        hours: seconds / 3600,
        minutes: seconds / 60 % 60,
        seconds: seconds % 60,
        micros: micros % 1_000_000,
    }
}

/// Appends `:05:06.7`.
fn write_minutes(out: &mut Vec<u8>, clock: &Clock) {
    for part in [clock.minutes, clock.seconds] {
        out.push(b':');
        write_padded(out, part, 2);
    }
    write_fraction(out, clock.micros);
}

/// Appends `1 year 2 mons -3 days +04:05:06`.
fn write_postgres(out: &mut Vec<u8>, interval: Interval) {
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

/// Appends `@ 1 year 2 mons -3 days 4 hours 5 mins 6.7 secs ago`: where the first part is negative,
/// all signs turn round and `ago` follows.
#[cold]
fn write_verbose(out: &mut Vec<u8>, interval: Interval) {
    let time = clock(interval.micros);
    let negative = interval.micros < 0;
    let part = |value: i32| (value < 0, u64::from(value.unsigned_abs()));
    let parts = [
        (part(interval.months / 12), &b" year"[..]),
        (part(interval.months % 12), b" mon"),
        (part(interval.days), b" day"),
        ((negative, time.hours), b" hour"),
        ((negative, time.minutes), b" min"),
    ];
    let mut ago = None;
    let mut write_sign = |out: &mut Vec<u8>, negative: bool| {
        let ago = *ago.get_or_insert(negative);
        out.extend_from_slice(if negative == ago { b" " } else { b" -" });
        negative != ago
    };
    out.push(b'@');
    for ((negative, value), unit) in parts {
        if value == 0 {
            continue;
        }
        let minus = write_sign(out, negative);
        write_padded(out, value, 1);
        out.extend_from_slice(unit);
        if value != 1 || minus {
            out.push(b's');
        }
    }
    if time.seconds != 0 || time.micros != 0 {
        write_sign(out, negative);
        write_padded(out, time.seconds, 1);
        write_fraction(out, time.micros);
        // Of the parts only this one is `-1` without an `s`.
        let one = time.seconds == 1 && time.micros == 0;
        out.extend_from_slice(if one { b" sec" } else { b" secs" });
    }
    match ago {
        None => out.extend_from_slice(b" 0"),
        Some(true) => out.extend_from_slice(b" ago"),
        Some(false) => {}
    }
}

/// Appends `1-2` or `3 4:05:06`, with one sign before it all; what the standard has no form for
/// becomes `+1-2 -3 +4:05:06`.
#[cold]
fn write_sql_standard(out: &mut Vec<u8>, interval: Interval) {
    let Interval { months, days, micros } = interval;
    let negative = months < 0 || days < 0 || micros < 0;
    let positive = months > 0 || days > 0 || micros > 0;
    let time = clock(micros);
    let (years, rest) = (months.unsigned_abs() / 12, months.unsigned_abs() % 12);
    let write_time = |out: &mut Vec<u8>| {
        write_padded(out, time.hours, 1);
        write_minutes(out, &time);
    };
    let write_months = |out: &mut Vec<u8>| {
        write_padded(out, years.into(), 1);
        out.push(b'-');
        write_padded(out, rest.into(), 1);
    };
    let write_days = |out: &mut Vec<u8>| {
        write_padded(out, days.unsigned_abs().into(), 1);
        out.push(b' ');
    };
    if (negative && positive) || (months != 0 && (days != 0 || micros != 0)) {
        let sign = |negative: bool| if negative { b'-' } else { b'+' };
        out.push(sign(months < 0));
        write_months(out);
        out.extend_from_slice(&[b' ', sign(days < 0)]);
        write_days(out);
        out.push(sign(micros < 0));
        return write_time(out);
    }
    if negative {
        out.push(b'-');
    }
    if months != 0 {
        write_months(out);
    } else if days != 0 {
        write_days(out);
        write_time(out);
    } else if micros != 0 {
        write_time(out);
    } else {
        out.push(b'0');
    }
}

/// Appends `P1Y2M-3DT4H5M6.7S`.
#[cold]
fn write_iso_8601(out: &mut Vec<u8>, interval: Interval) {
    if interval == (Interval { months: 0, days: 0, micros: 0 }) {
        return out.extend_from_slice(b"PT0S");
    }
    let part = |out: &mut Vec<u8>, value: i32, unit: u8| {
        if value != 0 {
            write_i64(out, value.into());
            out.push(unit);
        }
    };
    out.push(b'P');
    part(out, interval.months / 12, b'Y');
    part(out, interval.months % 12, b'M');
    part(out, interval.days, b'D');
    if interval.micros == 0 {
        return;
    }
    out.push(b'T');
    let time = clock(interval.micros);
    let sign: &[u8] = if interval.micros < 0 { b"-" } else { b"" };
    for (value, unit) in [(time.hours, b'H'), (time.minutes, b'M')] {
        if value != 0 {
            out.extend_from_slice(sign);
            write_padded(out, value, 1);
            out.push(unit);
        }
    }
    if time.seconds != 0 || time.micros != 0 {
        out.extend_from_slice(sign);
        write_padded(out, time.seconds, 1);
        write_fraction(out, time.micros);
        out.push(b'S');
    }
}
