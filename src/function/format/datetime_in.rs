//! Reads text along a template: the scanner of `to_date` and `to_timestamp`.
//!
//! It works on bytes, as PostgreSQL does. Outside `FX` it is lenient: blanks before and after a
//! field do not count, and a separator of the template matches one of any kind or nothing.

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

use super::picture::{self, Convention, Field, Item, Node};
use super::{DAYS, MONTHS, ROMAN_MONTHS, abbreviation};

/// What was read, each 0 unless it was there.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) convention: Option<Convention>,
    pub(super) hour: i32,
    pub(super) pm: i32,
    pub(super) twelve_hours: bool,
    pub(super) minute: i32,
    pub(super) second: i32,
    pub(super) second_of_day: i32,
    pub(super) milli: i32,
    pub(super) micro: i32,
    /// The digits of the last `FF1` to `FF6`.
    pub(super) fraction_digits: usize,
    /// 1 for Sunday.
    pub(super) day_of_week: i32,
    pub(super) day: i32,
    pub(super) day_of_year: i32,
    pub(super) month: i32,
    pub(super) year: i32,
    /// The digits of the year's pattern.
    pub(super) year_digits: usize,
    pub(super) bc: i32,
    pub(super) week: i32,
    pub(super) week_of_month: i32,
    pub(super) century: i32,
    pub(super) julian: i32,
    /// 1 east, -1 west, 0 without a zone.
    pub(super) zone_sign: i32,
    pub(super) zone_hour: i32,
    pub(super) zone_minute: i32,
}

/// Reads `text` along a template. What is behind the template is ignored, and so is what the
/// template has behind the text's end.
pub(super) fn read(text: &str, nodes: &[Node<'_>]) -> Result<Fields> {
    let mut scanner = Scanner { text: text.as_bytes(), at: 0, extra: 0, fixed: false };
    let mut fields = Fields::default();
    for (index, node) in nodes.iter().enumerate() {
        if scanner.peek().is_none() {
            break;
        }
        let starts_fixed = matches!(node, Node::Item(Item { field: Field::FixedWidth, .. }));
        let is_item = matches!(node, Node::Item(_));
        if !scanner.fixed && !starts_fixed && (is_item || index == 0) {
            scanner.extra += scanner.skip_spaces();
        }
        match node {
            Node::Separator(_) | Node::Space(_) => scanner.separator(),
            Node::Text(_) => scanner.text_character(),
            Node::Item(item) => {
                set_convention(&mut fields, item)?;
                let open = picture::ends_number(nodes, index);
                scanner.item(&mut fields, Target { item, open })?;
                if !scanner.fixed {
                    scanner.extra = scanner.skip_spaces();
                }
            }
        }
    }
    Ok(fields)
}

fn set_convention(fields: &mut Fields, item: &Item<'_>) -> Result<()> {
    if item.convention == Convention::Any {
        return Ok(());
    }
    match fields.convention.replace(item.convention) {
        Some(before) if before != item.convention => Err(invalid(
            "invalid combination of date conventions",
        )
        .with_hint("Do not mix Gregorian and ISO week date conventions in a formatting template.")),
        _ => Ok(()),
    }
}

/// The pattern being read, and whether a number ends at the first character that is no digit.
#[derive(Clone, Copy)]
struct Target<'a> {
    item: &'a Item<'a>,
    open: bool,
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    /// How many more blanks were skipped than the template has.
    extra: i64,
    fixed: bool,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Skips blanks and returns how many.
    fn skip_spaces(&mut self) -> i64 {
        let blanks = self.rest().iter().take_while(|b| is_space(**b)).count();
        self.at += blanks;
        i64::try_from(blanks).unwrap_or(i64::MAX)
    }

    /// Skips one character of any length.
    fn skip_character(&mut self) {
        if let Some(byte) = self.peek() {
            self.at = (self.at + character_length(byte)).min(self.text.len());
        }
    }

    fn separator(&mut self) {
        if self.fixed {
            self.skip_character();
            return;
        }
        if self.peek().is_some_and(|b| is_space(b) || picture::is_separator(char::from(b))) {
            self.at += 1;
        } else {
            self.extra -= 1;
        }
    }

    fn text_character(&mut self) {
        if !self.fixed && self.extra > 0 {
            self.extra -= 1;
        } else {
            self.skip_character();
        }
    }

    /// Reads one field.
    fn item(&mut self, fields: &mut Fields, target: Target<'_>) -> Result<()> {
        let item = target.item;
        match item.field {
            Field::FixedWidth => self.fixed = true,
            Field::Meridiem { dotted } => {
                let words = if dotted { ["a.m.", "p.m."] } else { ["am", "pm"] };
                let found = self.word(words, item)?;
                set(&mut fields.pm, found, item)?;
                fields.twelve_hours = true;
            }
            Field::Era { dotted } => {
                let words = if dotted { ["a.d.", "b.c."] } else { ["ad", "bc"] };
                let found = self.word(words, item)?;
                set(&mut fields.bc, found, item)?;
            }
            Field::MonthName
            | Field::MonthAbbreviation
            | Field::RomanMonth
            | Field::DayName
            | Field::DayAbbreviation => self.name(fields, item)?,
            Field::Zone | Field::Offset => {
                return Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!("formatting field \"{}\" is only supported in to_char", item.name),
                ));
            }
            Field::ZoneHour => {
                self.zone_sign(fields);
                self.number(&mut fields.zone_hour, 2, target)?;
            }
            Field::ZoneMinute => {
                if fields.zone_sign == 0 {
                    fields.zone_sign = 1;
                }
                self.number(&mut fields.zone_minute, 2, target)?;
            }
            _ => {
                self.numeric_item(fields, target)?;
                if item.ordinal.is_some() {
                    self.skip_character();
                    self.skip_character();
                }
            }
        }
        Ok(())
    }

    /// Reads the name of a month or a day.
    fn name(&mut self, fields: &mut Fields, item: &Item<'_>) -> Result<()> {
        match item.field {
            Field::MonthName => {
                let found = self.word(MONTHS, item)?;
                set(&mut fields.month, found + 1, item)?;
            }
            Field::MonthAbbreviation => {
                let found = self.word(MONTHS.map(abbreviation), item)?;
                set(&mut fields.month, found + 1, item)?;
            }
            Field::RomanMonth => {
                // The longer numbers first, or V would be found in VIII.
                let mut words = ROMAN_MONTHS;
                words.reverse();
                let found = self.word(words, item)?;
                set(&mut fields.month, 12 - found, item)?;
            }
            Field::DayName => {
                let found = self.word(DAYS, item)?;
                set(&mut fields.day_of_week, found, item)?;
                fields.day_of_week += 1;
            }
            _ => {
                let found = self.word(DAYS.map(abbreviation), item)?;
                set(&mut fields.day_of_week, found, item)?;
                fields.day_of_week += 1;
            }
        }
        Ok(())
    }

    /// Reads a field that is a number and can have an ordinal's ending.
    fn numeric_item(&mut self, fields: &mut Fields, target: Target<'_>) -> Result<()> {
        let width = target.item.name.len();
        match target.item.field {
            Field::Hour12 => {
                self.number(&mut fields.hour, 2, target)?;
                fields.twelve_hours = true;
            }
            Field::Hour24 => drop(self.number(&mut fields.hour, 2, target)?),
            Field::Minute => drop(self.number(&mut fields.minute, width, target)?),
            Field::Second => drop(self.number(&mut fields.second, width, target)?),
            Field::SecondOfDay => drop(self.number(&mut fields.second_of_day, width, target)?),
            Field::Milli => {
                let used = self.number(&mut fields.milli, 3, target)?;
                fields.milli = scaled(fields.milli, used, 3);
            }
            Field::Micro | Field::Fraction(_) => {
                let mut digits = 6;
                if let Field::Fraction(asked) = target.item.field {
                    digits = asked;
                    fields.fraction_digits = asked;
                }
                let used = self.number(&mut fields.micro, digits, target)?;
                fields.micro = scaled(fields.micro, used, 6);
            }
            Field::Month => drop(self.number(&mut fields.month, width, target)?),
            Field::DayOfYear => drop(self.number(&mut fields.day_of_year, width, target)?),
            Field::IsoDayOfYear => drop(self.number(&mut fields.day_of_year, 3, target)?),
            Field::DayOfMonth => drop(self.number(&mut fields.day, width, target)?),
            Field::DayOfWeek => drop(self.number(&mut fields.day_of_week, width, target)?),
            Field::IsoDayOfWeek => {
                self.number(&mut fields.day_of_week, 1, target)?;
                // From Monday = 1 to Sunday = 1.
                fields.day_of_week = fields.day_of_week.wrapping_add(1);
                if fields.day_of_week > 7 {
                    fields.day_of_week = 1;
                }
            }
            Field::WeekOfYear | Field::IsoWeek => {
                self.number(&mut fields.week, width, target)?;
            }
            Field::WeekOfMonth => drop(self.number(&mut fields.week_of_month, width, target)?),
            // The quarter is read and not used: it does not say which day of it is meant.
            Field::Quarter => drop(self.integer(width, target)?),
            Field::Century => drop(self.number(&mut fields.century, width, target)?),
            Field::Julian => drop(self.number(&mut fields.julian, width, target)?),
            Field::YearWithComma => self.year_with_comma(fields, target)?,
            Field::Year(digits) | Field::IsoYear(digits) => {
                let used = self.number(&mut fields.year, width, target)?;
                if digits < 4 && used < 4 {
                    fields.year = near_2020(fields.year);
                }
                fields.year_digits = digits;
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads the sign of a zone, which may already have been taken for a separator.
    fn zone_sign(&mut self, fields: &mut Fields) {
        let before = self.at.checked_sub(1).and_then(|before| self.text.get(before));
        fields.zone_sign = match self.peek() {
            Some(b'-') => -1,
            Some(b'+' | b' ') => 1,
            _ if self.extra > 0 && before == Some(&b'-') => {
                fields.zone_sign = -1;
                return;
            }
            _ => {
                fields.zone_sign = 1;
                return;
            }
        };
        self.at += 1;
    }

    /// Reads a number into `slot` and returns how many bytes it took, blanks included.
    fn number(&mut self, slot: &mut i32, width: usize, target: Target<'_>) -> Result<usize> {
        let (value, used) = self.integer(width, target)?;
        set(slot, value, target.item)?;
        Ok(used)
    }

    /// Reads a number: as many digits as there are if the field is open, else `width` bytes.
    fn integer(&mut self, width: usize, target: Target<'_>) -> Result<(i32, usize)> {
        let name = target.item.name;
        let start = self.at;
        self.skip_spaces();
        let left = self.rest().len();
        let field = self.rest().get(..width).unwrap_or(self.rest()).to_vec();
        let parsed = if target.open {
            let (value, used) = leading_integer(self.rest());
            self.at = if used == 0 { start } else { self.at + used };
            value
        } else {
            if left < width {
                return Err(invalid(format!(
                    "source string too short for \"{name}\" formatting field"
                ))
                .with_detail(format!("Field requires {width} characters, but only {left} remain."))
                .with_hint(FIXED_WIDTH_HINT));
            }
            let (value, used) = leading_integer(&field);
            if used > 0 && used < width {
                return Err(invalid_value(&field, name)
                    .with_detail(format!(
                        "Field requires {width} characters, but only {used} could be parsed."
                    ))
                    .with_hint(FIXED_WIDTH_HINT));
            }
            self.at += used;
            value
        };
        if self.at == start {
            return Err(invalid_value(&field, name).with_detail("Value must be an integer."));
        }
        let value = parsed.and_then(|value| i32::try_from(value).ok()).ok_or_else(|| {
            Error::new(
                SqlState::DATETIME_FIELD_OVERFLOW,
                format!("value for \"{name}\" in source string is out of range"),
            )
            .with_detail("Value must be in the range -2147483648 to 2147483647.")
        })?;
        Ok((value, self.at - start))
    }

    /// Reads `Y,YYY`: thousands, a comma, at most three digits.
    fn year_with_comma(&mut self, fields: &mut Fields, target: Target<'_>) -> Result<()> {
        let malformed = || invalid("invalid input string for \"Y,YYY\"");
        self.skip_spaces();
        let (thousands, used) = leading_integer(self.rest());
        if used == 0 || self.rest().get(used) != Some(&b',') {
            return Err(malformed());
        }
        self.at += used + 1;
        self.skip_spaces();
        let tail = self.rest().get(..3).unwrap_or(self.rest());
        let (years, used) = leading_integer(tail);
        if used == 0 {
            return Err(malformed());
        }
        self.at += used;
        let year = match (thousands.map(low_half), years.map(low_half)) {
            (Some(thousands), Some(years)) => thousands.wrapping_mul(1000).wrapping_add(years),
            _ => return Err(malformed()),
        };
        set(&mut fields.year, year, target.item)?;
        fields.year_digits = 4;
        Ok(())
    }

    /// Finds which of `words` comes next, capitals or not, and returns its index.
    fn word<const N: usize>(&mut self, words: [&str; N], item: &Item<'_>) -> Result<i32> {
        let rest = self.rest();
        let found = words.iter().position(|word| {
            rest.get(..word.len()).is_some_and(|next| next.eq_ignore_ascii_case(word.as_bytes()))
        });
        let found = found.and_then(|index| Some((i32::try_from(index).ok()?, words.get(index)?)));
        if let Some((index, word)) = found {
            self.at += word.len();
            return Ok(index);
        }
        let end = rest.iter().position(|b| is_space(*b)).unwrap_or(rest.len());
        Err(invalid_value(rest.get(..end).unwrap_or(rest), item.name)
            .with_detail("The given value did not match any of the allowed values for this field."))
    }
}

const FIXED_WIDTH_HINT: &str =
    "If your source string is not fixed-width, try using the \"FM\" modifier.";

/// Stores a field that may have been given before, but not differently.
fn set(slot: &mut i32, value: i32, item: &Item<'_>) -> Result<()> {
    if *slot != 0 && *slot != value {
        return Err(invalid(format!(
            "conflicting values for \"{}\" field in formatting string",
            item.name
        ))
        .with_detail("This value contradicts a previous setting for the same field type."));
    }
    *slot = value;
    Ok(())
}

/// Reads a sign and digits as C's `strtol`: the value, `None` if it is too large, and the length.
fn leading_integer(bytes: &[u8]) -> (Option<i64>, usize) {
    let sign = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let digits = bytes.iter().skip(sign).take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return (Some(0), 0);
    }
    let negative = bytes.first() == Some(&b'-');
    let value = bytes.iter().skip(sign).take(digits).try_fold(0_i64, |value, byte| {
        let digit = i64::from(byte - b'0');
        let value = value.checked_mul(10)?;
        if negative { value.checked_sub(digit) } else { value.checked_add(digit) }
    });
    (value, sign + digits)
}

/// Cuts a number to 32 bits, as C's `sscanf` does.
#[expect(clippy::cast_possible_truncation, reason = "that is what it is for")]
fn low_half(value: i64) -> i32 {
    value as i32
}

/// Makes a fraction that was written with `used` digits one of `digits` digits.
fn scaled(value: i32, used: usize, digits: usize) -> i32 {
    let missing = if used == 0 { 0 } else { digits.saturating_sub(used) };
    (0..missing).fold(value, |value, _| value.wrapping_mul(10))
}

/// Completes a year of fewer than four digits towards 2020.
fn near_2020(year: i32) -> i32 {
    match year {
        ..70 | 100..520 => year.wrapping_add(2000),
        70..100 => year + 1900,
        520..1000 => year + 1000,
        _ => year,
    }
}

/// Tells whether C's `isspace` holds for a byte.
fn is_space(byte: u8) -> bool {
    picture::is_space(char::from(byte))
}

/// Returns the length of the UTF-8 character that a byte begins.
pub(super) fn character_length(first: u8) -> usize {
    match first {
        0xF0..=0xF7 => 4,
        0xE0..=0xEF => 3,
        0xC0..=0xDF => 2,
        _ => 1,
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_DATETIME_FORMAT, message)
}

fn invalid_value(shown: &[u8], name: &str) -> Error {
    let shown = String::from_utf8_lossy(shown);
    invalid(format!("invalid value \"{shown}\" for \"{name}\""))
}
