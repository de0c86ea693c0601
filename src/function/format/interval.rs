//! `date_bin`, `make_interval` and the `justify` functions.

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

use super::calendar::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND};

const DAYS_PER_MONTH: i32 = 30;

/// An `interval`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Interval {
    /// Months, years included.
    pub months: i32,
    /// Days, weeks included.
    pub days: i32,
    /// The time in microseconds.
    pub micros: i64,
}

/// Returns the start of the bin that `source` lies in: bins are as long as `stride` and one of
/// them starts at `origin`. Infinite timestamps are `i64::MAX` and `-i64::MAX`.
pub fn date_bin(stride: Interval, source: i64, origin: i64) -> Result<i64> {
    if is_infinite(source) {
        return Ok(source);
    }
    if is_infinite(origin) {
        return Err(overflow("origin out of range"));
    }
    if stride.months != 0 {
        return Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "timestamps cannot be binned into intervals containing months or years",
        ));
    }
    let width = i64::from(stride.days)
        .checked_mul(MICROS_PER_DAY)
        .and_then(|days| days.checked_add(stride.micros))
        .ok_or_else(interval_out_of_range)?;
    if width <= 0 {
        return Err(overflow("stride must be greater than zero"));
    }
    let distance = source.checked_sub(origin).ok_or_else(interval_out_of_range)?;
    source.checked_sub(distance.rem_euclid(width)).ok_or_else(|| overflow("timestamp out of range"))
}

/// The arguments of [`make_interval`].
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Spans {
    /// Years.
    pub years: i32,
    /// Months.
    pub months: i32,
    /// Weeks.
    pub weeks: i32,
    /// Days.
    pub days: i32,
    /// Hours.
    pub hours: i32,
    /// Minutes.
    pub minutes: i32,
    /// Seconds with their fraction.
    pub seconds: f64,
}

/// Makes an interval of its parts. Sums wrap around, as they do in PostgreSQL 15.
pub fn make_interval(spans: Spans) -> Result<Interval> {
    if !spans.seconds.is_finite() {
        return Err(interval_out_of_range());
    }
    let seconds = (spans.seconds * 1e6).round_ties_even();
    // What does not fit becomes the least number, as C's conversion does it on x86.
    let bound = 2.0_f64.powi(63);
    let fits = (-bound..bound).contains(&seconds);
    #[expect(clippy::cast_possible_truncation, reason = "checked above")]
    let seconds = if fits { seconds as i64 } else { i64::MIN };
    let time = i64::from(spans.hours)
        .wrapping_mul(MICROS_PER_HOUR)
        .wrapping_add(i64::from(spans.minutes).wrapping_mul(60 * MICROS_PER_SECOND));
    Ok(Interval {
        months: spans.years.wrapping_mul(12).wrapping_add(spans.months),
        days: spans.weeks.wrapping_mul(7).wrapping_add(spans.days),
        micros: time.wrapping_add(seconds),
    })
}

/// Turns every 24 hours into a day; days and time get the same sign.
pub fn justify_hours(interval: Interval) -> Result<Interval> {
    let mut justified = carry_hours(interval)?;
    align_hours(&mut justified);
    Ok(justified)
}

/// Turns every 30 days into a month; months and days get the same sign.
pub fn justify_days(interval: Interval) -> Result<Interval> {
    let mut justified = carry_days(interval)?;
    if justified.months > 0 && justified.days < 0 {
        justified.days += DAYS_PER_MONTH;
        justified.months -= 1;
    } else if justified.months < 0 && justified.days > 0 {
        justified.days -= DAYS_PER_MONTH;
        justified.months += 1;
    }
    Ok(justified)
}

/// Does both, and gives all three parts the same sign.
pub fn justify_interval(interval: Interval) -> Result<Interval> {
    let mut justified = interval;
    let same_sign = justified.days.signum() != 0
        && i64::from(justified.days.signum()) == justified.micros.signum();
    if same_sign {
        // Days first, so that adding the time's days does not overflow.
        justified = carry_days(justified)?;
    }
    justified = carry_days(carry_hours(justified)?)?;
    let rest = (justified.days, justified.micros);
    if justified.months > 0 && rest < (0, 0) {
        justified.days += DAYS_PER_MONTH;
        justified.months -= 1;
    } else if justified.months < 0 && rest > (0, 0) {
        justified.days -= DAYS_PER_MONTH;
        justified.months += 1;
    }
    align_hours(&mut justified);
    Ok(justified)
}

/// Moves whole days from the time to the days.
fn carry_hours(interval: Interval) -> Result<Interval> {
    let days = i32::try_from(interval.micros / MICROS_PER_DAY)
        .ok()
        .and_then(|days| interval.days.checked_add(days))
        .ok_or_else(interval_out_of_range)?;
    Ok(Interval { days, micros: interval.micros % MICROS_PER_DAY, ..interval })
}

/// Moves whole months from the days to the months.
fn carry_days(interval: Interval) -> Result<Interval> {
    let months = interval
        .months
        .checked_add(interval.days / DAYS_PER_MONTH)
        .ok_or_else(interval_out_of_range)?;
    Ok(Interval { months, days: interval.days % DAYS_PER_MONTH, ..interval })
}

/// Gives the time the sign of the days. The time is less than a day.
fn align_hours(interval: &mut Interval) {
    if interval.days > 0 && interval.micros < 0 {
        interval.micros += MICROS_PER_DAY;
        interval.days -= 1;
    } else if interval.days < 0 && interval.micros > 0 {
        interval.micros -= MICROS_PER_DAY;
        interval.days += 1;
    }
}

fn is_infinite(micros: i64) -> bool {
    micros == i64::MAX || micros <= -i64::MAX
}

fn overflow(message: &str) -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, message)
}

fn interval_out_of_range() -> Error {
    overflow("interval out of range")
}
