//! Calendar and time zones: days to dates and back, offsets of a zone at an instant.
//!
//! The proleptic Gregorian calendar, as PostgreSQL has it; year 0 is 1 BC. Everything counts from
//! 1970-01-01. Instants past the zone tables follow the rules of a like year inside them.

use std::cell::Cell;

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{OffsetName, Tz};

/// Microseconds of one day.
pub(crate) const DAY_US: i64 = 86_400_000_000;
/// Days from 1970-01-01 to PostgreSQL's epoch, 2000-01-01.
pub(crate) const PG_EPOCH_DAYS: i32 = 10_957;
/// Microseconds from 1970-01-01 to PostgreSQL's epoch.
pub(crate) const PG_EPOCH_US: i64 = PG_EPOCH_DAYS as i64 * DAY_US;
/// 4714-11-24 BC, the first day PostgreSQL has.
pub(crate) const FIRST_DAY: i64 = -2_440_588;
/// 294276-12-31, the last day of PostgreSQL's timestamps. Those here end in 294247, for they count
/// from 1970.
pub(crate) const LAST_TIMESTAMP_DAY: i64 = 106_762_939;
/// 5874897-12-31, the last day of a date.
pub(crate) const LAST_DATE_DAY: i64 = 2_145_042_905;

/// The last year that the zone tables are trusted for, and a first year of 28 that stand in for
/// the later ones.
const LAST_TABLE_YEAR: i64 = 2098;
const FIRST_LIKE_YEAR: i64 = 2070;

/// Counts the days from 1970-01-01 to a date; the month is 1 to 12.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = (month + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Gives year, month and day of a day.
#[inline]
pub(crate) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

/// Tells whether a year has a 29 February.
pub(crate) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Counts the days of a month, 1 to 12.
pub(crate) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Gives the zone's offset east of UTC in seconds, at an instant in seconds.
pub(crate) fn offset_at(zone: Tz, seconds: i64) -> i32 {
    let instant = DateTime::from_timestamp(like_instant(seconds), 0).unwrap_or_default();
    zone.offset_from_utc_datetime(&instant.naive_utc()).fix().local_minus_utc()
}

/// Appends the zone's abbreviation at an instant in seconds: `CET`, and `-03` or `+0330` where it
/// has none of letters.
pub(crate) fn write_abbreviation(out: &mut Vec<u8>, zone: Tz, seconds: i64) {
    let instant = DateTime::from_timestamp(like_instant(seconds), 0).unwrap_or_default();
    let offset = zone.offset_from_utc_datetime(&instant.naive_utc());
    if let Some(name) = offset.abbreviation() {
        return out.extend_from_slice(name.as_bytes());
    }
    let east = offset.fix().local_minus_utc();
    out.push(if east < 0 { b'-' } else { b'+' });
    let east = east.unsigned_abs();
    let parts = [east / 3600, east / 60 % 60, east % 60];
    let shown = match east {
        east if east.is_multiple_of(3600) => 1,
        east if east.is_multiple_of(60) => 2,
        _ => 3,
    };
    for part in &parts[..shown] {
        out.extend([part / 10, part % 10].map(|digit| digit.to_le_bytes()[0] + b'0'));
    }
}

/// Moves an instant past the tables into a year that has the same calendar.
fn like_instant(seconds: i64) -> i64 {
    // No table starts before 1800; this also keeps the instant inside chrono's range.
    if seconds < -5_364_662_400 {
        return -5_364_662_400;
    }
    let days = seconds.div_euclid(86_400);
    let (year, ..) = civil_from_days(days);
    if year <= LAST_TABLE_YEAR {
        return seconds;
    }
    let start = days_from_civil(year, 1, 1);
    let like = (FIRST_LIKE_YEAR..FIRST_LIKE_YEAR + 28).rev().find(|&like| {
        is_leap(like) == is_leap(year) && (days_from_civil(like, 1, 1) - start) % 7 == 0
    });
    let like_start = days_from_civil(like.unwrap_or(LAST_TABLE_YEAR), 1, 1);
    (like_start + days - start) * 86_400 + seconds.rem_euclid(86_400)
}

/// Gives the offset that a wall-clock time in seconds has in a zone, as PostgreSQL chooses it: a
/// time that
/// a change skips is read with the offset before it, one that happens twice with the one after it.
pub(crate) fn offset_of_local(zone: Tz, local: i64) -> i32 {
    let before = offset_at(zone, local.saturating_sub(86_400));
    let after = offset_at(zone, local.saturating_add(86_400));
    if before == after {
        return before;
    }
    let holds = |offset: i32| offset_at(zone, local - i64::from(offset)) == offset;
    if holds(after) { after } else { before }
}

/// Offsets of one zone, remembering the last day asked for: rows come mostly in order.
pub(crate) struct ZoneCache {
    zone: Tz,
    day: Cell<i64>,
    offset: Cell<i32>,
}

impl ZoneCache {
    pub(crate) fn new(zone: Tz) -> Self {
        ZoneCache { zone, day: Cell::new(i64::MIN), offset: Cell::new(0) }
    }

    /// Gives the zone itself.
    pub(crate) fn zone(&self) -> Tz {
        self.zone
    }

    /// Gives the offset east of UTC in seconds, at an instant in microseconds.
    pub(crate) fn offset(&self, micros: i64) -> i32 {
        if self.zone == Tz::UTC {
            return 0;
        }
        let day = micros.div_euclid(DAY_US);
        if day == self.day.get() {
            return self.offset.get();
        }
        let first = offset_at(self.zone, day * 86_400);
        if first == offset_at(self.zone, (day + 1) * 86_400 - 1) {
            self.day.set(day);
            self.offset.set(first);
            return first;
        }
        offset_at(self.zone, micros.div_euclid(1_000_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_agree_both_ways() {
        for days in (FIRST_DAY..LAST_DATE_DAY).step_by(99_991) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month.into(), day.into()), days);
        }
        assert_eq!(days_from_civil(2000, 1, 1), i64::from(PG_EPOCH_DAYS));
        assert_eq!(days_from_civil(-4713, 11, 24), FIRST_DAY);
        assert_eq!(days_from_civil(294_276, 12, 31), LAST_TIMESTAMP_DAY);
        assert_eq!(days_from_civil(5_874_897, 12, 31), LAST_DATE_DAY);
    }

    #[test]
    fn a_zone_keeps_its_rule_past_the_tables() {
        let zone = Tz::America__New_York;
        let july = days_from_civil(2150, 7, 1) * 86_400;
        assert_eq!(offset_at(zone, july), -4 * 3600);
        assert_eq!(offset_at(zone, days_from_civil(2150, 1, 1) * 86_400), -5 * 3600);
        assert_eq!(offset_at(zone, i64::MIN / 2_000_000), -17_762);
        // 2024-03-10 02:30 does not exist, 2024-11-03 01:30 happens twice.
        assert_eq!(offset_of_local(zone, days_from_civil(2024, 3, 10) * 86_400 + 9000), -5 * 3600);
        assert_eq!(offset_of_local(zone, days_from_civil(2024, 11, 3) * 86_400 + 5400), -5 * 3600);
    }

    #[test]
    fn a_zone_has_an_abbreviation_at_every_instant() {
        let name = |zone, year, month| {
            let mut out = Vec::new();
            let seconds = days_from_civil(year, month, 1) * 86_400;
            write_abbreviation(&mut out, zone, seconds);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(name(Tz::Europe__Berlin, 2024, 1), "CET");
        assert_eq!(name(Tz::Europe__Berlin, 2150, 7), "CEST");
        assert_eq!(name(Tz::Europe__Berlin, -43, 3), "LMT");
        assert_eq!(name(Tz::America__Sao_Paulo, 2024, 1), "-03");
        assert_eq!(name(Tz::Etc__GMTMinus2, 2024, 1), "+02");
        assert_eq!(name(Tz::Asia__Tehran, 2024, 1), "+0330");
        assert_eq!(name(Tz::UTC, 2024, 1), "UTC");
    }
}
