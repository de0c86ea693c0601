//! `to_date` and `to_timestamp`: from the fields that were read to a day and a time.

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

use super::calendar::{
    MICROS_PER_DAY, MICROS_PER_SECOND, POSTGRES_EPOCH_DAYS, UNIX_EPOCH_JULIAN, date_of_julian,
    days_in_month, has_julian_day, iso_year_start, julian_day,
};
use super::datetime_in::{self, Fields};
use super::picture::{self, Convention};

/// What `to_timestamp` read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParsedTimestamp {
    /// Microseconds since 1970-01-01 in the text's own zone.
    pub local_micros: i64,
    /// Seconds east of UTC if the text says so (`TZH`, `TZM`); else the session's zone holds.
    pub offset: Option<i32>,
}

/// The last day of PostgreSQL's `date`, 5874897-12-31, as a Julian day number's end.
const DATE_END_JULIAN: i32 = 2_147_483_494;

/// Reads a date along a template: days since 1970-01-01.
pub fn to_date(text: &str, template: &str) -> Result<i32> {
    let parts = resolve(text, template)?;
    let julian = parts.julian().filter(|julian| *julian < DATE_END_JULIAN).ok_or_else(|| {
        Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date out of range: \"{text}\""))
    })?;
    Ok(julian.wrapping_sub(UNIX_EPOCH_JULIAN))
}

/// Reads a timestamp along a template.
///
/// The last thirty years of PostgreSQL's range, from 294247 on, do not fit and are an error.
pub fn to_timestamp(text: &str, template: &str) -> Result<ParsedTimestamp> {
    let parts = resolve(text, template)?;
    let local_micros = parts
        .julian()
        .and_then(|julian| {
            let days = i64::from(julian) - i64::from(UNIX_EPOCH_JULIAN);
            let seconds = parts.hour * 3600 + parts.minute * 60 + parts.second;
            let time = i64::from(seconds) * MICROS_PER_SECOND + parts.micros;
            rounded(days, time, parts.fraction_digits)
        })
        .ok_or_else(|| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp out of range"))?;
    Ok(ParsedTimestamp { local_micros, offset: parts.offset })
}

/// Puts day and time together and rounds to the digits that `FF1` to `FF6` ask for; half is
/// rounded away from 2000-01-01.
fn rounded(days: i64, time: i64, digits: usize) -> Option<i64> {
    let epoch = i64::from(POSTGRES_EPOCH_DAYS);
    let mut micros = (days - epoch).checked_mul(MICROS_PER_DAY)?.checked_add(time)?;
    if (1..6).contains(&digits) {
        let unit = (digits..6).fold(1, |unit, _| unit * 10);
        let half = if micros < 0 { -(unit / 2) } else { unit / 2 };
        micros = micros.checked_add(half)? / unit * unit;
    }
    micros.checked_add(epoch * MICROS_PER_DAY)
}

/// A day and a time.
struct Parts {
    year: i32,
    month: i32,
    day: i32,
    hour: i32,
    minute: i32,
    second: i32,
    micros: i64,
    fraction_digits: usize,
    offset: Option<i32>,
    /// Which of year, month and day were given.
    given: [bool; 3],
}

impl Parts {
    /// Returns the Julian day number, if there is one.
    fn julian(&self) -> Option<i32> {
        has_julian_day(self.year, self.month, self.day)
            .then(|| julian_day(self.year, self.month, self.day))
    }

    fn set_julian(&mut self, julian: i32) {
        (self.year, self.month, self.day) = date_of_julian(julian);
        self.given = [true; 3];
    }
}

fn resolve(text: &str, template: &str) -> Result<Parts> {
    let nodes = picture::parse(template);
    let mut fields = datetime_in::read(text, &nodes)?;
    let mut parts = Parts {
        year: 0,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        micros: 0,
        fraction_digits: fields.fraction_digits,
        offset: None,
        given: [false; 3],
    };
    set_time(&mut parts, &fields)?;
    if let Some(year) = year_of(&fields) {
        parts.year = year;
        parts.given[0] = true;
    }
    set_day(&mut parts, &mut fields)?;
    parts.micros = i64::from(fields.milli.wrapping_mul(1000).wrapping_add(fields.micro));
    check_date(&parts, text)?;
    let in_range = (0..24).contains(&parts.hour)
        && (0..60).contains(&parts.minute)
        && (0..60).contains(&parts.second)
        && (0..MICROS_PER_SECOND).contains(&parts.micros);
    if !in_range {
        return Err(out_of_range(text));
    }
    parts.offset = offset_of(&fields, text)?;
    Ok(parts)
}

fn set_time(parts: &mut Parts, fields: &Fields) -> Result<()> {
    if fields.second_of_day != 0 {
        parts.hour = fields.second_of_day / 3600;
        parts.minute = fields.second_of_day / 60 % 60;
        parts.second = fields.second_of_day % 60;
    }
    for (part, field) in [
        (&mut parts.hour, fields.hour),
        (&mut parts.minute, fields.minute),
        (&mut parts.second, fields.second),
    ] {
        if field != 0 {
            *part = field;
        }
    }
    if !fields.twelve_hours {
        return Ok(());
    }
    if !(1..=12).contains(&parts.hour) {
        return Err(Error::new(
            SqlState::INVALID_DATETIME_FORMAT,
            format!("hour \"{}\" is invalid for the 12-hour clock", parts.hour),
        )
        .with_hint("Use the 24-hour clock, or give an hour between 1 and 12."));
    }
    parts.hour = parts.hour % 12 + if fields.pm != 0 { 12 } else { 0 };
    Ok(())
}

/// Returns the year, astronomically, from `YYYY`, `CC` and `BC`.
/// What does not fit wraps around, as in PostgreSQL 15, and is out of range then.
fn year_of(fields: &Fields) -> Option<i32> {
    let century = i64::from(fields.century) * if fields.bc != 0 { -1 } else { 1 };
    let year = i64::from(fields.year);
    let year = if year != 0 && century != 0 && fields.year_digits <= 2 {
        // The 21st century is 2001 to 2100, the 6th century BC is 600 BC to 501 BC.
        match (year % 100, century >= 0) {
            (0, true) => century * 100,
            (0, false) => century * 100 + 1,
            (year, true) => (century - 1) * 100 + year,
            (year, false) => (century + 1) * 100 - year + 1,
        }
    } else if year != 0 {
        let year = if fields.bc != 0 { -year } else { year };
        year + i64::from(year < 0)
    } else if century > 0 {
        (century - 1) * 100 + 1
    } else if century < 0 {
        century * 100 + 1
    } else {
        return None;
    };
    #[expect(clippy::cast_possible_truncation, reason = "wraps around, as said")]
    Some(year as i32)
}

/// Sets the day by what was given last in this order: Julian day, week, day of the month, day of
/// the year.
fn set_day(parts: &mut Parts, fields: &mut Fields) -> Result<()> {
    let iso = fields.convention == Some(Convention::IsoWeek);
    let first_of_week = |week: i32| week.wrapping_sub(1).wrapping_mul(7).wrapping_add(1);
    if fields.julian != 0 {
        parts.set_julian(fields.julian);
    }
    if fields.week != 0 && iso {
        let monday =
            iso_year_start(parts.year).wrapping_add(fields.week.wrapping_sub(1).wrapping_mul(7));
        parts.set_julian(monday.wrapping_add(match fields.day_of_week {
            0 => 0,
            day if day > 1 => day - 2,
            _ => 6,
        }));
    } else if fields.week != 0 {
        fields.day_of_year = first_of_week(fields.week);
    }
    if fields.week_of_month != 0 {
        fields.day = first_of_week(fields.week_of_month);
    }
    if fields.day != 0 {
        parts.day = fields.day;
        parts.given[2] = true;
    }
    if fields.month != 0 {
        parts.month = fields.month;
        parts.given[1] = true;
    }
    if fields.day_of_year != 0 && (parts.month <= 1 || parts.day <= 1) {
        if parts.year == 0 && fields.bc == 0 {
            return Err(Error::new(
                SqlState::INVALID_DATETIME_FORMAT,
                "cannot calculate day of year without year information",
            ));
        }
        if iso {
            let eve = iso_year_start(parts.year).wrapping_sub(1);
            parts.set_julian(eve.wrapping_add(fields.day_of_year));
        } else {
            set_day_of_year(parts, fields.day_of_year);
        }
    }
    Ok(())
}

/// Sets month and day, each unless it was given, by the day of the year.
fn set_day_of_year(parts: &mut Parts, day_of_year: i32) {
    let (mut month, mut day) = (1, day_of_year);
    while month <= 12 && day > days_in_month(parts.year, month) {
        day -= days_in_month(parts.year, month);
        month += 1;
    }
    if parts.month <= 1 {
        parts.month = month;
    }
    if parts.day <= 1 {
        parts.day = day;
    }
    parts.given[1] = true;
    parts.given[2] = true;
}

/// Checks the parts of the date that were given.
fn check_date(parts: &Parts, text: &str) -> Result<()> {
    let [_, month_given, day_given] = parts.given;
    let month_fits = !month_given || (1..=12).contains(&parts.month);
    let day_fits = !day_given || (1..=31).contains(&parts.day);
    let all_fit = parts.given.contains(&false)
        || (month_fits && parts.day <= days_in_month(parts.year, parts.month));
    if month_fits && day_fits && all_fit { Ok(()) } else { Err(out_of_range(text)) }
}

/// Returns the zone's offset east of UTC, if one was given.
fn offset_of(fields: &Fields, text: &str) -> Result<Option<i32>> {
    if fields.zone_sign == 0 {
        return Ok(None);
    }
    if !(0..=15).contains(&fields.zone_hour) || !(0..60).contains(&fields.zone_minute) {
        return Err(Error::new(
            SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
            format!("time zone displacement out of range: \"{text}\""),
        ));
    }
    let seconds = (fields.zone_hour * 60 + fields.zone_minute) * 60;
    Ok(Some(seconds * fields.zone_sign))
}

fn out_of_range(text: &str) -> Error {
    Error::new(
        SqlState::DATETIME_FIELD_OVERFLOW,
        format!("date/time field value out of range: \"{text}\""),
    )
}
