//! Intervals from text: `1 year 2 mons 3 days 04:05:06`, `@ 1 hour ago`, `P1Y2M3DT4H5M6S`, `1-2`,
//! `90`.
//!
//! In the style `sql_standard` a sign before the first field alone is the sign of all fields.

use std::borrow::Cow;

use super::fields::fraction_micros;
use super::number::trim;
use super::{SHOWN_MAX, prefix};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{Interval, IntervalStyle, ScalarType};

enum Fault {
    Syntax,
    Range,
}

/// Reads an interval.
pub(crate) fn parse_interval(text: &str, style: IntervalStyle) -> Result<Interval> {
    let joined = with_joined_signs(trim(text));
    let word = joined.as_ref();
    let found = match word.strip_prefix(['P', 'p']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit() || "-+.Tt".contains(c)) => {
            iso_8601(rest.as_bytes())
        }
        _ => words(word.as_bytes(), style == IntervalStyle::SqlStandard && one_minus(word)),
    };
    found.map_err(|fault| match fault {
        Fault::Syntax => super::invalid(ScalarType::Interval, text),
        Fault::Range => Error::new(
            SqlState::DATETIME_FIELD_OVERFLOW,
            format!("interval field value out of range: \"{}\"", prefix(text, SHOWN_MAX)),
        ),
    })
}

/// Puts a sign that stands alone before its number: `1 month - 1 day`.
fn with_joined_signs(text: &str) -> Cow<'_, str> {
    let alone = |sign: &str| text.contains(&format!(" {sign} ")) || text.starts_with(sign);
    if !alone("-") && !alone("+") {
        return Cow::Borrowed(text);
    }
    let mut joined = String::with_capacity(text.len());
    for word in text.split_ascii_whitespace() {
        if !joined.is_empty() && !joined.ends_with([' ', '-', '+']) {
            joined.push(' ');
        }
        joined.push_str(word);
        if !matches!(word, "-" | "+") {
            joined.push(' ');
        }
    }
    joined.truncate(joined.trim_end().len());
    Cow::Owned(joined)
}

/// A number: its whole part with the sign, and its fraction in millionths, of the same sign.
#[derive(Clone, Copy)]
struct Number {
    whole: i64,
    millionths: i64,
}

/// The sum so far, wider than the result.
#[derive(Default)]
struct Sum {
    months: i64,
    days: i64,
    micros: i64,
}

const DAY: i64 = 86_400_000_000;

fn rounded_div(value: i64, by: i64) -> i64 {
    let half = if value < 0 { -by / 2 } else { by / 2 };
    (value + half) / by
}

impl Sum {
    fn add(&mut self, number: Number, unit: Unit) -> Option<()> {
        match unit {
            Unit::Months(count) => {
                self.months = self.months.checked_add(number.whole.checked_mul(count)?)?;
                if count == 1 {
                    // A fraction of a month counts days of which there are 30.
                    self.add_days(number.millionths * 30)?;
                } else {
                    let part = rounded_div(number.millionths * count, 1_000_000);
                    self.months = self.months.checked_add(part)?;
                }
            }
            Unit::Days(count) => {
                self.days = self.days.checked_add(number.whole.checked_mul(count)?)?;
                self.add_days(number.millionths * count)?;
            }
            Unit::Micros(count) => {
                let part = rounded_div(number.millionths.checked_mul(count)?, 1_000_000);
                let micros = number.whole.checked_mul(count)?.checked_add(part)?;
                self.micros = self.micros.checked_add(micros)?;
            }
        }
        Some(())
    }

    /// Adds a fraction of days, the part below a day as time.
    fn add_days(&mut self, millionths: i64) -> Option<()> {
        self.days = self.days.checked_add(millionths / 1_000_000)?;
        self.micros = self.micros.checked_add(millionths % 1_000_000 * (DAY / 1_000_000))?;
        Some(())
    }

    fn finish(self, negate: bool) -> Result<Interval, Fault> {
        let sign = if negate { -1 } else { 1 };
        let narrow = |value: i64| i32::try_from(value * sign).map_err(|_| Fault::Range);
        Ok(Interval {
            months: narrow(self.months.clamp(i64::MIN / 2, i64::MAX / 2))?,
            days: narrow(self.days.clamp(i64::MIN / 2, i64::MAX / 2))?,
            micros: self.micros.checked_mul(sign).ok_or(Fault::Range)?,
        })
    }
}

#[derive(Clone, Copy)]
enum Unit {
    Months(i64),
    Days(i64),
    Micros(i64),
}

const SECOND: Unit = Unit::Micros(1_000_000);

fn unit_by_name(word: &str) -> Option<Unit> {
    Some(match word {
        "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecond" | "microseconds" => {
            Unit::Micros(1)
        }
        "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecond" | "milliseconds" => {
            Unit::Micros(1_000)
        }
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
        "m" | "min" | "mins" | "minute" | "minutes" => Unit::Micros(60_000_000),
        "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Micros(3_600_000_000),
        "d" | "day" | "days" => Unit::Days(1),
        "w" | "week" | "weeks" => Unit::Days(7),
        "mon" | "mons" | "month" | "months" => Unit::Months(1),
        "qtr" | "quarter" => Unit::Months(3),
        "y" | "yr" | "yrs" | "year" | "years" => Unit::Months(12),
        "dec" | "decs" | "decade" | "decades" => Unit::Months(120),
        "c" | "cent" | "century" | "centuries" => Unit::Months(1_200),
        "mil" | "mils" | "millennium" | "millennia" => Unit::Months(12_000),
        _ => return None,
    })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let count = self.0.iter().take_while(|&&byte| wanted(byte)).count();
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.0.first() == Some(&byte);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    fn sign(&mut self) -> i64 {
        if self.accept(b'-') {
            return -1;
        }
        self.accept(b'+');
        1
    }

    fn whole(&mut self) -> Result<Option<i64>, Fault> {
        let digits = self.take(|byte| byte.is_ascii_digit());
        if digits.is_empty() {
            return Ok(None);
        }
        let text = std::str::from_utf8(digits).map_err(|_| Fault::Syntax)?;
        text.parse().map(Some).map_err(|_| Fault::Range)
    }

    /// Reads digits with or without a fraction.
    fn number(&mut self, sign: i64) -> Result<Number, Fault> {
        let whole = self.whole()?;
        let mut fraction: &[u8] = &[];
        if self.accept(b'.') {
            fraction = self.take(|byte| byte.is_ascii_digit());
        }
        if whole.is_none() && fraction.is_empty() {
            return Err(Fault::Syntax);
        }
        Ok(Number {
            whole: whole.unwrap_or(0) * sign,
            millionths: fraction_micros(fraction) * sign,
        })
    }

    /// Reads `:minute[:second[.fraction]]` behind an hour; gives microseconds.
    fn clock(&mut self, hour: i64, sign: i64) -> Result<i64, Fault> {
        self.accept(b':');
        let minute = self.whole()?.ok_or(Fault::Syntax)?;
        let mut second = Number { whole: 0, millionths: 0 };
        if self.accept(b':') {
            second = self.number(1)?;
        }
        if minute > 59 || second.whole > 60 {
            return Err(Fault::Range);
        }
        hour.checked_abs()
            .and_then(|hour| hour.checked_mul(3_600_000_000))
            .and_then(|total| {
                let rest = (minute * 60 + second.whole) * 1_000_000 + second.millionths;
                total.checked_add(rest)
            })
            .map(|total| total * sign)
            .ok_or(Fault::Range)
    }

    fn skip_space(&mut self) {
        self.take(|byte| byte.is_ascii_whitespace() || byte == 0x0b || byte == b',');
    }
}

/// Tells whether a text begins with a minus, and no later field has a sign.
fn one_minus(text: &str) -> bool {
    let text = text.trim_start_matches(|c: char| c == '@' || c.is_ascii_whitespace());
    let signs = text.as_bytes().windows(2);
    text.starts_with('-')
        && !signs
            .into_iter()
            .any(|pair| matches!(pair[1], b'-' | b'+') && !pair[0].is_ascii_digit())
}

/// Reads numbers and units; `negative` makes all numbers so.
fn words(text: &[u8], negative: bool) -> Result<Interval, Fault> {
    let mut reader = Reader(text);
    let mut sum = Sum::default();
    let mut waiting: Option<Number> = None;
    let (mut any, mut ago) = (false, false);
    loop {
        reader.skip_space();
        let Some(&byte) = reader.0.first() else { break };
        if ago {
            return Err(Fault::Syntax);
        }
        if byte.is_ascii_alphabetic() {
            let word = reader.take(|byte| byte.is_ascii_alphabetic()).to_ascii_lowercase();
            let word = std::str::from_utf8(&word).map_err(|_| Fault::Syntax)?;
            match (waiting.take(), word) {
                (None, "ago") if any => ago = true,
                (Some(number), word) => {
                    let unit = unit_by_name(word).ok_or(Fault::Syntax)?;
                    sum.add(number, unit).ok_or(Fault::Range)?;
                }
                _ => return Err(Fault::Syntax),
            }
            continue;
        }
        if reader.accept(b'@') {
            if any {
                return Err(Fault::Syntax);
            }
            continue;
        }
        let sign = if negative { -reader.sign().abs() } else { reader.sign() };
        let number = reader.number(sign)?;
        any = true;
        match reader.0 {
            [b':', ..] => {
                // A number before a time counts days.
                if let Some(days) = waiting.take() {
                    sum.add(days, Unit::Days(1)).ok_or(Fault::Range)?;
                }
                let micros = reader.clock(number.whole, sign)?;
                sum.micros = sum.micros.checked_add(micros).ok_or(Fault::Range)?;
            }
            [b'-', next, ..] if next.is_ascii_digit() && waiting.is_none() => {
                reader.accept(b'-');
                let months = reader.whole()?.filter(|&m| m < 12).ok_or(Fault::Range)? * sign;
                let years = number.whole.checked_mul(12).ok_or(Fault::Range)?;
                sum.months = sum.months.saturating_add(years).saturating_add(months);
            }
            _ => {
                if waiting.replace(number).is_some() {
                    return Err(Fault::Syntax);
                }
            }
        }
    }
    if let Some(seconds) = waiting {
        sum.add(seconds, SECOND).ok_or(Fault::Range)?;
    }
    if any { sum.finish(ago) } else { Err(Fault::Syntax) }
}

/// Reads what follows the `P`, with designators.
fn iso_8601(text: &[u8]) -> Result<Interval, Fault> {
    let mut reader = Reader(text);
    let mut sum = Sum::default();
    let (mut in_time, mut any) = (false, false);
    while let Some(&byte) = reader.0.first() {
        if byte.eq_ignore_ascii_case(&b't') {
            if in_time {
                return Err(Fault::Syntax);
            }
            in_time = true;
            reader.0 = &reader.0[1..];
            continue;
        }
        let sign = reader.sign();
        let number = reader.number(sign)?;
        let (&designator, rest) = reader.0.split_first().ok_or(Fault::Syntax)?;
        reader.0 = rest;
        let unit = match (in_time, designator.to_ascii_uppercase()) {
            (false, b'Y') => Unit::Months(12),
            (false, b'M') => Unit::Months(1),
            (false, b'W') => Unit::Days(7),
            (false, b'D') => Unit::Days(1),
            (true, b'H') => Unit::Micros(3_600_000_000),
            (true, b'M') => Unit::Micros(60_000_000),
            (true, b'S') => SECOND,
            _ => return Err(Fault::Syntax),
        };
        sum.add(number, unit).ok_or(Fault::Range)?;
        any = true;
    }
    if any { sum.finish(false) } else { Err(Fault::Syntax) }
}
