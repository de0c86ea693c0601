//! The proleptic Gregorian calendar as PostgreSQL counts it: Julian day numbers, ISO weeks.
//!
//! Years are astronomical: 0 is 1 BC. The arithmetic wraps, since `to_char` of an interval asks
//! for the day number of spans that are no dates.

/// Microseconds in a second.
pub(super) const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds in an hour.
pub(super) const MICROS_PER_HOUR: i64 = 3600 * MICROS_PER_SECOND;
/// Microseconds in a day.
pub(super) const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;
/// The Julian day number of 1970-01-01.
pub(super) const UNIX_EPOCH_JULIAN: i32 = 2_440_588;
/// Days from 1970-01-01 to 2000-01-01, PostgreSQL's own epoch.
pub(super) const POSTGRES_EPOCH_DAYS: i32 = 10_957;

/// Returns the Julian day number of a date.
pub(super) fn julian_day(year: i32, month: i32, day: i32) -> i32 {
    // Counted from March, so that the leap day ends a year.
    let (year, month) = if month > 2 {
        (year.wrapping_add(4800), month.wrapping_add(1))
    } else {
        (year.wrapping_add(4799), month.wrapping_add(13))
    };
    let leaps = year / 4 - year / 100 + year / 400;
    let months = month.wrapping_mul(7834) / 256;
    year.wrapping_mul(365)
        .wrapping_add(leaps)
        .wrapping_add(months)
        .wrapping_add(day)
        .wrapping_sub(32_167)
}

/// Returns year, month and day of a Julian day number.
pub(super) fn date_of_julian(julian: i32) -> (i32, i32, i32) {
    // Days since 0000-03-01, then eras of 400 years.
    let days = i64::from(julian) - 1_721_120;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    #[expect(clippy::cast_possible_truncation, reason = "a day number of 32 bits has such years")]
    (year as i32, month as i32, day as i32)
}

/// Returns the weekday of a Julian day number, 0 for Sunday.
pub(super) fn weekday(julian: i32) -> i32 {
    julian.wrapping_add(1).rem_euclid(7)
}

/// Tells whether a year has a leap day.
pub(super) fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Returns the number of days of a month (1 to 12) of a year.
pub(super) fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the Julian day of the Monday that begins an ISO year.
pub(super) fn iso_year_start(year: i32) -> i32 {
    let fourth = julian_day(year, 1, 4);
    fourth.wrapping_sub(weekday(fourth.wrapping_sub(1)))
}

/// A date in ISO's week calendar.
pub(super) struct IsoDate {
    pub(super) year: i32,
    pub(super) week: i32,
    pub(super) day_of_year: i32,
}

/// Converts a date to ISO's week calendar.
pub(super) fn iso_date(year: i32, month: i32, day: i32) -> IsoDate {
    let julian = julian_day(year, month, day);
    let (mut year, mut start) = (year, iso_year_start(year));
    if julian < start {
        year = year.wrapping_sub(1);
        start = iso_year_start(year);
    }
    let mut week = julian.wrapping_sub(start) / 7 + 1;
    if week >= 52 {
        let next = iso_year_start(year.wrapping_add(1));
        if julian >= next {
            year = year.wrapping_add(1);
            start = next;
            week = julian.wrapping_sub(next) / 7 + 1;
        }
    }
    IsoDate { year, week, day_of_year: julian.wrapping_sub(start).wrapping_add(1) }
}

/// Tells whether a date has a Julian day number that fits PostgreSQL's `int`.
pub(super) fn has_julian_day(year: i32, month: i32, day: i32) -> bool {
    (-4713, 11, 24) <= (year, month, day) && (year, month) < (5_874_898, 6)
}
