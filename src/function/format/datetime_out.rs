//! `to_char` of timestamps and intervals.

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

use super::calendar::{
    IsoDate, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND, UNIX_EPOCH_JULIAN, date_of_julian,
    iso_date, julian_day, weekday,
};
use super::picture::{self, Case, Field, Item, Node};
use super::{DAYS, MONTHS, ROMAN_MONTHS, in_case, ordinal_suffix};

/// The zone of a `timestamptz` at its instant.
#[derive(Clone, Copy, Debug)]
pub struct Zone<'a> {
    /// Seconds east of UTC.
    pub offset: i32,
    /// The abbreviation, such as `CET`.
    pub abbreviation: &'a str,
}

/// A timestamp or an interval, taken apart.
#[derive(Default)]
struct Moment<'a> {
    interval: bool,
    year: i32,
    month: i32,
    day: i32,
    day_of_year: i32,
    weekday: i32,
    hour: i64,
    minute: i64,
    second: i64,
    micro: i64,
    offset: i32,
    zone: &'a str,
}

impl Moment<'_> {
    /// Sets the time of day, or the time of an interval, which may be negative throughout.
    fn set_time(&mut self, micros: i64) {
        self.hour = micros / MICROS_PER_HOUR;
        self.minute = micros / (60 * MICROS_PER_SECOND) % 60;
        self.second = micros / MICROS_PER_SECOND % 60;
        self.micro = micros % MICROS_PER_SECOND;
    }

    /// Returns a year as it is written: 1 BC is 1. An interval's may be anything.
    fn written_year(&self, year: i32) -> i64 {
        let year = i64::from(year);
        if self.interval || year > 0 { year } else { 1 - year }
    }

    fn iso(&self) -> IsoDate {
        iso_date(self.year, self.month, self.day)
    }

    fn century(&self) -> i64 {
        let year = i64::from(self.year);
        match (self.interval, year > 0) {
            (true, _) => year / 100,
            (false, true) => (year - 1) / 100 + 1,
            (false, false) => year / 100 - 1,
        }
    }
}

/// Formats a timestamp, given as local microseconds since 1970-01-01; `zone` is there for
/// `timestamptz` only. An infinite timestamp or an empty template gives `None`, SQL's null.
pub fn to_char_timestamp(
    micros: i64,
    zone: Option<Zone<'_>>,
    template: &str,
) -> Result<Option<String>> {
    if template.is_empty() || micros == i64::MAX || micros <= -i64::MAX {
        return Ok(None);
    }
    let julian = micros.div_euclid(MICROS_PER_DAY) + i64::from(UNIX_EPOCH_JULIAN);
    let julian = i32::try_from(julian)
        .ok()
        .filter(|julian| *julian >= 0)
        .ok_or_else(|| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp out of range"))?;
    let (year, month, day) = date_of_julian(julian);
    let mut moment = Moment {
        year,
        month,
        day,
        day_of_year: julian - julian_day(year, 1, 1) + 1,
        weekday: weekday(julian),
        offset: zone.map_or(0, |zone| zone.offset),
        zone: zone.map_or("", |zone| zone.abbreviation),
        ..Moment::default()
    };
    moment.set_time(micros.rem_euclid(MICROS_PER_DAY));
    render(&moment, template).map(Some)
}

/// Formats an interval. An empty template gives `None`, SQL's null.
pub fn to_char_interval(
    months: i32,
    days: i32,
    micros: i64,
    template: &str,
) -> Result<Option<String>> {
    if template.is_empty() {
        return Ok(None);
    }
    let mut moment = Moment {
        interval: true,
        year: months / 12,
        month: months % 12,
        day: days,
        day_of_year: months.wrapping_mul(30).wrapping_add(days),
        ..Moment::default()
    };
    moment.set_time(micros);
    render(&moment, template).map(Some)
}

fn render(moment: &Moment<'_>, template: &str) -> Result<String> {
    let mut out = String::new();
    for node in picture::parse(template) {
        match node {
            Node::Separator(c) | Node::Space(c) | Node::Text(c) => out.push(c),
            Node::Item(item) => {
                let Some(number) = number_of(moment, &item) else {
                    out.push_str(&word_of(moment, &item)?);
                    continue;
                };
                out.push_str(&number);
                if let (Some(case), false) = (item.ordinal, number.is_empty()) {
                    out.push_str(ordinal_suffix(&number, case)?);
                }
            }
        }
    }
    Ok(out)
}

/// Pads with zeros unless `FM` is there; a minus sign gets a place of its own.
fn padded(item: &Item<'_>, value: i64, width: usize) -> String {
    signed(item, value, width, value < 0)
}

fn signed(item: &Item<'_>, value: i64, width: usize, negative: bool) -> String {
    let width = if item.fill { 0 } else { width + usize::from(negative) };
    format!("{value:0width$}")
}

/// Writes the patterns that are numbers; they alone can have an ordinal's ending.
fn number_of(moment: &Moment<'_>, item: &Item<'_>) -> Option<String> {
    let years = |year, width| year_digits(moment, item, year, width);
    Some(match item.field {
        Field::Hour12 => {
            let hour = if moment.hour % 12 == 0 { 12 } else { moment.hour % 12 };
            signed(item, hour, 2, moment.hour < 0)
        }
        Field::Hour24 => padded(item, moment.hour, 2),
        Field::Minute => padded(item, moment.minute, 2),
        Field::Second => padded(item, moment.second, 2),
        Field::Fraction(digits) => fraction(moment.micro, digits),
        Field::Milli => fraction(moment.micro, 3),
        Field::Micro => fraction(moment.micro, 6),
        Field::SecondOfDay => (moment.hour * 3600 + moment.minute * 60 + moment.second).to_string(),
        Field::Month => padded(item, moment.month.into(), 2),
        Field::DayOfYear => plain(item, moment.day_of_year, 3),
        Field::IsoDayOfYear => plain(item, moment.iso().day_of_year, 3),
        Field::DayOfMonth => plain(item, moment.day, 2),
        Field::DayOfWeek if !moment.interval => (moment.weekday + 1).to_string(),
        Field::IsoDayOfWeek if !moment.interval => ((moment.weekday + 6) % 7 + 1).to_string(),
        Field::WeekOfMonth => (moment.day.wrapping_sub(1) / 7 + 1).to_string(),
        Field::WeekOfYear => plain(item, moment.day_of_year.wrapping_sub(1) / 7 + 1, 2),
        Field::IsoWeek => plain(item, moment.iso().week, 2),
        Field::Quarter if moment.month == 0 => String::new(),
        Field::Quarter => ((moment.month - 1) / 3 + 1).to_string(),
        Field::Century => padded(item, moment.century(), 2),
        Field::YearWithComma => {
            let year = moment.written_year(moment.year);
            format!("{},{:03}", year / 1000, year % 1000)
        }
        Field::Year(width) => years(moment.year, width),
        Field::IsoYear(width) => years(moment.iso().year, width),
        Field::Julian => julian_day(moment.year, moment.month, moment.day).to_string(),
        _ => return None,
    })
}

/// Pads to a width that a minus sign counts in.
fn plain(item: &Item<'_>, value: i32, width: usize) -> String {
    signed(item, value.into(), width, false)
}

fn fraction(micro: i64, digits: usize) -> String {
    let unit = (digits..6).fold(1, |unit, _| unit * 10);
    format!("{:0digits$}", micro / unit)
}

/// Writes the last `width` digits of a year, all of them if there are four.
fn year_digits(moment: &Moment<'_>, item: &Item<'_>, year: i32, width: usize) -> String {
    let year = moment.written_year(year);
    let digits = match width {
        4 => year,
        3 => year % 1000,
        2 => year % 100,
        _ => return (year % 10).to_string(),
    };
    signed(item, digits, width, moment.written_year(moment.year) < 0)
}

/// Writes the patterns that are words or zones.
fn word_of(moment: &Moment<'_>, item: &Item<'_>) -> Result<String> {
    let name = |names: &[&str], index: i32, width: usize| {
        let index = usize::try_from(index).unwrap_or_default();
        let name = in_case(names.get(index).unwrap_or(&""), item.case);
        let width = if item.fill || item.translated { 0 } else { width };
        format!("{name:<width$}")
    };
    let either =
        |first: bool, yes: &str, no: &str| in_case(if first { yes } else { no }, item.case);
    let hours = moment.offset.unsigned_abs() / 3600;
    let minutes = moment.offset.unsigned_abs() % 3600 / 60;
    let sign = if moment.offset < 0 { '-' } else { '+' };
    match item.field {
        Field::Meridiem { dotted: true } => {
            return Ok(either(moment.hour % 24 >= 12, "P.M.", "A.M."));
        }
        Field::Meridiem { dotted: false } => {
            return Ok(either(moment.hour % 24 >= 12, "PM", "AM"));
        }
        Field::RomanMonth => return Ok(roman_month(moment, item)),
        Field::FixedWidth => return Ok(String::new()),
        _ if moment.interval => return Err(not_for_interval()),
        _ => {}
    }
    Ok(match item.field {
        Field::Era { dotted: true } => either(moment.year <= 0, "B.C.", "A.D."),
        Field::Era { dotted: false } => either(moment.year <= 0, "BC", "AD"),
        Field::MonthName => name(&MONTHS, moment.month - 1, 9),
        Field::MonthAbbreviation => name(&MONTHS.map(super::abbreviation), moment.month - 1, 0),
        Field::DayName => name(&DAYS, moment.weekday, 9),
        Field::DayAbbreviation => name(&DAYS.map(super::abbreviation), moment.weekday, 0),
        Field::Zone if item.case == Case::Lower => moment.zone.to_ascii_lowercase(),
        Field::Zone => moment.zone.to_owned(),
        Field::ZoneHour => format!("{sign}{hours:02}"),
        Field::ZoneMinute => format!("{minutes:02}"),
        Field::Offset => {
            let width = if item.fill { 0 } else { 2 };
            let hours = format!("{sign}{hours:0width$}");
            if moment.offset % 3600 == 0 { hours } else { format!("{hours}:{minutes:02}") }
        }
        _ => String::new(),
    })
}

/// Writes the month in Roman digits. An interval's months count from the end of the year if they
/// are negative, and whole years count as their last month.
fn roman_month(moment: &Moment<'_>, item: &Item<'_>) -> String {
    let month = match (moment.month, moment.year) {
        (0, 0) => return String::new(),
        (0, years) if years > 0 => 12,
        (0, _) => 1,
        (month, _) if month < 0 => 13 + month,
        (month, _) => month,
    };
    let index = usize::try_from(month - 1).unwrap_or_default();
    let name = in_case(ROMAN_MONTHS.get(index).unwrap_or(&""), item.case);
    let width = if item.fill { 0 } else { 4 };
    format!("{name:<width$}")
}

fn not_for_interval() -> Error {
    Error::new(
        SqlState::INVALID_DATETIME_FORMAT,
        "invalid format specification for an interval value",
    )
    .with_hint("Intervals are not tied to specific calendar dates.")
}
