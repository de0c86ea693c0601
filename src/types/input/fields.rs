//! The fields of a date and time, read from text in the forms that PostgreSQL takes.
//!
//! Dates: `2024-01-31`, `20240131`, `1/31/2024` (in the order of `DateStyle`), `31-Jan-2024`,
//! `Jan 31, 2024`. Times: `04:05`, `04:05:06.789`, `040506`, `04:05 PM`. Zones: `+05:30`, `-0800`,
//! `Z`, `EST`, `Europe/Berlin`. Besides `BC`, `infinity`, `epoch`, `now`, `today`, `tomorrow`,
//! `yesterday`. It does not decide what a type needs.

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::types::DateOrder;
use crate::types::civil::days_in_month;

/// Why a text is no date or time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Syntax,
    Range,
    /// No year has such a month, or no month such a day.
    MonthOrDay,
}

/// A word that stands for a whole date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    Infinity,
    MinusInfinity,
    Epoch,
    Now,
    /// So many days from today.
    Today(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zone {
    /// Seconds east of UTC.
    Offset(i32),
    Named(Tz),
}

/// What a text says.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) special: Option<Special>,
    /// Year (0 is 1 BC), month, day.
    pub(super) date: Option<(i64, i64, i64)>,
    /// Microseconds since midnight, up to 24:00.
    pub(super) time: Option<i64>,
    pub(super) zone: Option<Zone>,
}

/// A number without sign, with its count of digits.
type Number = (i64, usize);

#[derive(Default)]
struct Reader<'a> {
    rest: &'a [u8],
    order: DateOrder,
    fields: Fields,
    /// The year of the date has two digits or one.
    short_year: bool,
    month: Option<i64>,
    /// Numbers that stand alone.
    numbers: Vec<Number>,
    afternoon: Option<bool>,
    bc: bool,
    time_only: bool,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
/// Abbreviations of PostgreSQL's default set that have one meaning, in hours east of UTC.
const ZONES: [(&str, i32); 18] = [
    ("utc", 0),
    ("gmt", 0),
    ("z", 0),
    ("zulu", 0),
    ("ut", 0),
    ("wet", 0),
    ("est", -5),
    ("edt", -4),
    ("cst", -6),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
    ("cet", 1),
    ("cest", 2),
    ("bst", 1),
    ("jst", 9),
];

/// Finds a zone of the IANA database, whatever the case of its letters.
pub fn zone_by_name(name: &str) -> Option<Tz> {
    name.parse()
        .ok()
        .or_else(|| TZ_VARIANTS.iter().copied().find(|zone| zone.name().eq_ignore_ascii_case(name)))
}

fn month_by_name(word: &str) -> Option<i64> {
    let at = MONTHS.iter().position(|month| {
        *month == word || &month[..3] == word || (word == "sept" && month.starts_with("sept"))
    })?;
    i64::try_from(at + 1).ok()
}

fn is_day_name(word: &str) -> bool {
    word.len() >= 3 && DAYS.iter().any(|day| day.starts_with(word))
}

/// Reads a text's fields and checks that they are a date and a time. Where only a time is wanted,
/// digits
/// without separators are one.
pub(super) fn read_fields(text: &str, time_only: bool, order: DateOrder) -> Result<Fields, Fault> {
    let mut reader = Reader { rest: text.as_bytes(), time_only, order, ..Reader::default() };
    while let Some(&byte) = reader.rest.first() {
        match byte {
            b' ' | b'\t'..=b'\r' | b',' => reader.rest = &reader.rest[1..],
            b'0'..=b'9' => reader.number()?,
            b'+' | b'-' => reader.signed()?,
            b'A'..=b'Z' | b'a'..=b'z' => reader.word()?,
            _ => return Err(Fault::Syntax),
        }
    }
    reader.finish()
}

impl<'a> Reader<'a> {
    fn take(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let count = self.rest.iter().take_while(|&&byte| wanted(byte)).count();
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        taken
    }

    fn digits(&mut self) -> Result<Number, Fault> {
        let digits = self.take(|byte| byte.is_ascii_digit());
        if digits.is_empty() || digits.len() > 15 {
            return Err(Fault::Syntax);
        }
        Ok((digits.iter().fold(0, |n, d| n * 10 + i64::from(d - b'0')), digits.len()))
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.rest.first() == Some(&byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn next_is_digit(&self) -> bool {
        self.rest.get(1).is_some_and(u8::is_ascii_digit)
    }

    fn number(&mut self) -> Result<(), Fault> {
        let (value, length) = self.digits()?;
        match self.rest.first() {
            Some(b':') => self.time(value, length),
            Some(&separator @ (b'-' | b'/')) if self.fields.date.is_none() => {
                self.date(value, length, separator)
            }
            // A date with points, unless a time of day without colons has a fraction.
            Some(b'.') if self.fields.date.is_none() && !self.time_only => {
                self.date(value, length, b'.')
            }
            _ => match (length, self.fields.date.or(self.time_only.then_some((0, 0, 0)))) {
                (6.., None) if self.month.is_none() && self.numbers.is_empty() => {
                    let year = (value / 10_000, length - 4);
                    self.set_date(year, value / 100 % 100, value % 100)
                }
                (6, Some(_)) => {
                    let seconds = self.fraction(value % 100)?;
                    self.set_time(value / 10_000, value / 100 % 100, seconds)
                }
                (4, Some(_)) if self.month_is_used() && self.fields.time.is_none() => {
                    self.set_time(value / 100, value % 100, 0)
                }
                _ => {
                    self.numbers.push((value, length));
                    self.use_numbers()
                }
            },
        }
    }

    /// Tells that no month's name waits for its numbers.
    fn month_is_used(&self) -> bool {
        self.month.is_none() || self.fields.date.is_some()
    }

    /// Makes a date of the numbers that stand alone and the month's name, once they are enough.
    fn use_numbers(&mut self) -> Result<(), Fault> {
        match (self.month, self.numbers.as_slice()) {
            (None, &[first, second, third]) => self.set_numbers(first, second, third)?,
            (Some(month), &[first, second]) => self.set_named(month, first, second)?,
            (_, numbers) if numbers.len() > 2 => return Err(Fault::Syntax),
            _ => return Ok(()),
        }
        self.numbers.clear();
        Ok(())
    }

    fn date(&mut self, first: i64, length: usize, separator: u8) -> Result<(), Fault> {
        if self.month.is_some() {
            return Err(Fault::Syntax);
        }
        self.accept(separator);
        let (mut month, mut middle) = (None, (0, 0));
        if self.rest.first().is_some_and(u8::is_ascii_alphabetic) {
            let word = self.take(|byte| byte.is_ascii_alphabetic()).to_ascii_lowercase();
            let found = std::str::from_utf8(&word).ok().and_then(month_by_name);
            month = Some(found.ok_or(Fault::Syntax)?);
        } else {
            middle = self.digits()?;
        }
        if !self.accept(separator) {
            return Err(Fault::Syntax);
        }
        let last = self.digits()?;
        match month {
            Some(month) => self.set_named(month, (first, length), last),
            None => self.set_numbers((first, length), middle, last),
        }
    }

    /// Reads `-31-2024` behind a month's name, if it is there.
    fn behind_month(&mut self) -> Result<(), Fault> {
        let separates = |byte: Option<&u8>| matches!(byte, Some(b'-' | b'/' | b'.'));
        let alone = self.numbers.is_empty() && self.fields.date.is_none();
        if !alone || !separates(self.rest.first()) || !self.next_is_digit() {
            return self.use_numbers();
        }
        for _ in 0..2 {
            if !separates(self.rest.first()) {
                return Err(Fault::Syntax);
            }
            self.rest = &self.rest[1..];
            let number = self.digits()?;
            self.numbers.push(number);
        }
        self.use_numbers()
    }

    /// Sets the date of three numbers. A year of three digits may come first in every order.
    fn set_numbers(&mut self, first: Number, second: Number, third: Number) -> Result<(), Fault> {
        let (year, month, day) = match self.order {
            _ if first.1 >= 3 => (first, second, third),
            DateOrder::Ymd => (first, second, third),
            DateOrder::Mdy => (third, first, second),
            DateOrder::Dmy => (third, second, first),
        };
        self.set_date(year, month.0, day.0)
    }

    /// Sets the date of a month's name and two numbers. What has three digits is the year.
    fn set_named(&mut self, month: i64, first: Number, second: Number) -> Result<(), Fault> {
        let year_first = first.1 >= 3 || (self.order == DateOrder::Ymd && second.1 < 3);
        let (year, day) = if year_first { (first, second) } else { (second, first) };
        self.set_date(year, month, day.0)
    }

    fn set_date(&mut self, (year, length): Number, month: i64, day: i64) -> Result<(), Fault> {
        self.short_year = length <= 2;
        match self.fields.date.replace((year, month, day)) {
            None => Ok(()),
            Some(_) => Err(Fault::Syntax),
        }
    }

    /// Reads `:minute[:second[.fraction]]` behind an hour.
    fn time(&mut self, hour: i64, length: usize) -> Result<(), Fault> {
        self.accept(b':');
        let (minute, minute_length) = self.digits()?;
        if length > 2 || minute_length > 2 {
            return Err(Fault::Syntax);
        }
        let mut micros = 0;
        if self.accept(b':') {
            let (second, second_length) = self.digits()?;
            if second_length > 2 {
                return Err(Fault::Syntax);
            }
            micros = self.fraction(second)?;
        }
        self.set_time(hour, minute, micros)
    }

    /// Reads the fraction behind a second, if there is one; gives microseconds.
    fn fraction(&mut self, second: i64) -> Result<i64, Fault> {
        let mut micros = 0;
        if self.accept(b'.') {
            micros = fraction_micros(self.take(|byte| byte.is_ascii_digit()));
        }
        if second > 60 { Err(Fault::Range) } else { Ok(second * 1_000_000 + micros) }
    }

    fn set_time(&mut self, hour: i64, minute: i64, micros: i64) -> Result<(), Fault> {
        let total = (hour * 60 + minute) * 60_000_000 + micros;
        if hour > 24 || minute > 59 || total > crate::types::civil::DAY_US {
            return Err(Fault::Range);
        }
        match self.fields.time.replace(total) {
            None => Ok(()),
            Some(_) => Err(Fault::Syntax),
        }
    }

    /// Reads what begins with a sign: an offset, or `-infinity`.
    fn signed(&mut self) -> Result<(), Fault> {
        let negative = self.rest.first() == Some(&b'-');
        if self.next_is_digit() {
            self.rest = &self.rest[1..];
            let seconds = self.offset()?;
            return self.set_zone(Zone::Offset(if negative { -seconds } else { seconds }));
        }
        self.rest = &self.rest[1..];
        let word = self.take(|byte| byte.is_ascii_alphabetic());
        if !word.eq_ignore_ascii_case(b"infinity") {
            return Err(Fault::Syntax);
        }
        let special = if negative { Special::MinusInfinity } else { Special::Infinity };
        self.set_special(special)
    }

    /// Reads `hh`, `hhmm`, `hh:mm` or `hh:mm:ss` as seconds.
    fn offset(&mut self) -> Result<i32, Fault> {
        let (value, length) = self.digits()?;
        let (mut hour, mut minute, mut second) = (value, 0, 0);
        match length {
            1 | 2 => {
                if self.accept(b':') {
                    minute = self.digits()?.0;
                    if self.accept(b':') {
                        second = self.digits()?.0;
                    }
                }
            }
            3 | 4 => (hour, minute) = (value / 100, value % 100),
            _ => return Err(Fault::Syntax),
        }
        if hour > 15 || minute > 59 || second > 59 {
            return Err(Fault::Range);
        }
        i32::try_from((hour * 60 + minute) * 60 + second).map_err(|_| Fault::Range)
    }

    fn set_zone(&mut self, zone: Zone) -> Result<(), Fault> {
        match self.fields.zone.replace(zone) {
            None => Ok(()),
            Some(_) => Err(Fault::Syntax),
        }
    }

    fn set_special(&mut self, special: Special) -> Result<(), Fault> {
        match self.fields.special.replace(special) {
            None => Ok(()),
            Some(_) => Err(Fault::Syntax),
        }
    }

    fn word(&mut self) -> Result<(), Fault> {
        let start = self.rest;
        let word = self.take(|byte| byte.is_ascii_alphabetic()).to_ascii_lowercase();
        let word = std::str::from_utf8(&word).map_err(|_| Fault::Syntax)?;
        if let Some(month) = month_by_name(word) {
            if self.fields.date.is_some() || self.month.replace(month).is_some() {
                return Err(Fault::Syntax);
            }
            return self.behind_month();
        }
        match word {
            "t" | "at" | "on" => Ok(()),
            "am" | "pm" => {
                self.afternoon = Some(word == "pm");
                Ok(())
            }
            "bc" | "ad" => {
                self.bc = word == "bc";
                Ok(())
            }
            "infinity" => self.set_special(Special::Infinity),
            "epoch" => self.set_special(Special::Epoch),
            "now" => self.set_special(Special::Now),
            "today" => self.set_special(Special::Today(0)),
            "tomorrow" => self.set_special(Special::Today(1)),
            "yesterday" => self.set_special(Special::Today(-1)),
            "allballs" => self.set_time(0, 0, 0),
            word if is_day_name(word) => Ok(()),
            word => {
                let short = ZONES.iter().find(|(name, _)| *name == word);
                if let (Some((_, hours)), false) = (short, self.rest.first() == Some(&b'/')) {
                    return self.set_zone(Zone::Offset(hours * 3600));
                }
                self.rest = start;
                let name =
                    self.take(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte));
                let zone = std::str::from_utf8(name).ok().and_then(zone_by_name);
                self.set_zone(Zone::Named(zone.ok_or(Fault::Syntax)?))
            }
        }
    }

    fn finish(mut self) -> Result<Fields, Fault> {
        if !self.month_is_used() || !self.numbers.is_empty() {
            return Err(Fault::Syntax);
        }
        if let Some((year, month, day)) = &mut self.fields.date {
            if !(1..=12).contains(month) || !(1..=31).contains(day) {
                return Err(Fault::MonthOrDay);
            }
            if self.short_year && !self.bc {
                *year += if *year < 70 { 2000 } else { 1900 };
            }
            if *year == 0 {
                return Err(Fault::Range);
            }
            if self.bc {
                *year = 1 - *year;
            }
            if *day > days_in_month(*year, *month) {
                return Err(Fault::Range);
            }
        } else if self.bc {
            return Err(Fault::Syntax);
        }
        if let Some(afternoon) = self.afternoon {
            const HOUR: i64 = 3_600_000_000;
            let time = self.fields.time.as_mut().ok_or(Fault::Syntax)?;
            match *time / HOUR {
                13.. => return Err(Fault::Range),
                12 if !afternoon => *time -= 12 * HOUR,
                0..12 if afternoon => *time += 12 * HOUR,
                _ => {}
            }
        }
        let nothing = self.fields.date.is_none() && self.fields.time.is_none();
        if (nothing && self.fields.special.is_none())
            || (self.fields.special.is_some() && self.fields.date.is_some())
        {
            return Err(Fault::Syntax);
        }
        Ok(self.fields)
    }
}

/// Reads the digits behind a decimal point as microseconds, rounded.
pub(super) fn fraction_micros(digits: &[u8]) -> i64 {
    let micros = (0..6).fold(0, |micros, at| {
        micros * 10 + digits.get(at).map_or(0, |digit| i64::from(digit - b'0'))
    });
    micros + i64::from(digits.get(6).is_some_and(|&digit| digit >= b'5'))
}
