//! The fields of a date and time, read from text in the forms that PostgreSQL takes.
//!
//! Dates: `2024-01-31`, `20240131`, `1/31/2024` (month first), `31-Jan-2024`, `Jan 31, 2024`.
//! Times: `04:05`,
//! `04:05:06.789`, `040506`, `04:05 PM`. Zones: `+05:30`, `-0800`, `Z`, `EST`, `Europe/Berlin`.
//! Besides `BC`,
//! `infinity`, `epoch`, `now`, `today`, `tomorrow`, `yesterday`. It does not decide what a type
//! needs.

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::types::civil::days_in_month;

/// Why a text is no date or time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Syntax,
    Range,
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

#[derive(Default)]
struct Reader<'a> {
    rest: &'a [u8],
    fields: Fields,
    month: Option<i64>,
    /// Plain numbers, with their count of digits.
    numbers: Vec<(i64, usize)>,
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
pub(super) fn read_fields(text: &str, time_only: bool) -> Result<Fields, Fault> {
    let mut reader = Reader { rest: text.as_bytes(), time_only, ..Reader::default() };
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

    fn digits(&mut self) -> Result<(i64, usize), Fault> {
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
                (8, None) => self.set_date(value / 10_000, value / 100 % 100, value % 100),
                (6, Some(_)) => {
                    let seconds = self.fraction(value % 100)?;
                    self.set_time(value / 10_000, value / 100 % 100, seconds)
                }
                (6, None) => {
                    let year = full_year(value / 10_000, 2);
                    self.set_date(year, value / 100 % 100, value % 100)
                }
                (4, Some(_)) if self.month.is_none() && self.fields.time.is_none() => {
                    self.set_time(value / 100, value % 100, 0)
                }
                _ => {
                    self.numbers.push((value, length));
                    if self.numbers.len() > 2 { Err(Fault::Syntax) } else { Ok(()) }
                }
            },
        }
    }

    fn date(&mut self, first: i64, length: usize, separator: u8) -> Result<(), Fault> {
        self.accept(separator);
        let middle = if self.rest.first().is_some_and(u8::is_ascii_alphabetic) {
            let word = self.take(|byte| byte.is_ascii_alphabetic()).to_ascii_lowercase();
            let month = std::str::from_utf8(&word).ok().and_then(month_by_name);
            (month.ok_or(Fault::Syntax)?, 0)
        } else {
            self.digits()?
        };
        if !self.accept(separator) {
            return Err(Fault::Syntax);
        }
        let (last, last_length) = self.digits()?;
        if length >= 3 {
            return self.set_date(first, middle.0, last);
        }
        let year = full_year(last, last_length);
        match middle {
            (month, 0) => self.set_date(year, month, first),
            (day, _) => self.set_date(year, first, day),
        }
    }

    fn set_date(&mut self, year: i64, month: i64, day: i64) -> Result<(), Fault> {
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
            return match self.month.replace(month) {
                None => Ok(()),
                Some(_) => Err(Fault::Syntax),
            };
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
        match (self.month, self.numbers.as_slice(), self.fields.date) {
            (None, [], _) => {}
            (Some(month), &[(first, length), (second, second_length)], None) => {
                if length >= 3 {
                    self.fields.date = Some((first, month, second));
                } else {
                    self.fields.date = Some((full_year(second, second_length), month, first));
                }
            }
            _ => return Err(Fault::Syntax),
        }
        if let Some((year, month, day)) = &mut self.fields.date {
            if *year == 0 {
                return Err(Fault::Range);
            }
            if self.bc {
                *year = 1 - *year;
            }
            if !(1..=12).contains(month) || *day < 1 || *day > days_in_month(*year, *month) {
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

/// Completes a year of two digits: 70 to 99 lie before 2000.
fn full_year(year: i64, length: usize) -> i64 {
    match (length, year) {
        (0..=2, 0..70) => year + 2000,
        (0..=2, _) => year + 1900,
        _ => year,
    }
}
