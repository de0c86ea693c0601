//! The settings `DateStyle` and `IntervalStyle`: their values, how they are spelled, and what they
//! mean for reading.
//!
//! Writing is in `output/`, reading in `input/`.

use std::fmt;

use chrono_tz::Tz;

/// How dates and timestamps are written: the first half of the setting `DateStyle`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateFormat {
    #[default]
    Iso,
    Sql,
    Postgres,
    German,
}

/// What comes first in a date of numbers: the second half of the setting `DateStyle`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateOrder {
    #[default]
    Mdy,
    Dmy,
    Ymd,
}

/// PostgreSQL's setting `DateStyle`. It prints as SHOW gives it: `SQL, DMY`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DateStyle {
    pub format: DateFormat,
    pub order: DateOrder,
}

/// PostgreSQL's setting `IntervalStyle`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntervalStyle {
    #[default]
    Postgres,
    PostgresVerbose,
    SqlStandard,
    Iso8601,
}

/// The session's settings that change what a text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputStyle {
    /// The zone of what names none.
    pub time_zone: Tz,
    pub date_order: DateOrder,
    pub interval_style: IntervalStyle,
}

/// The default styles, in a zone.
impl From<Tz> for InputStyle {
    fn from(time_zone: Tz) -> Self {
        InputStyle {
            time_zone,
            date_order: DateOrder::default(),
            interval_style: IntervalStyle::default(),
        }
    }
}

impl IntervalStyle {
    /// The values' names, as SHOW gives them.
    pub const NAMES: [&'static str; 4] =
        ["postgres", "postgres_verbose", "sql_standard", "iso_8601"];

    /// Finds a style by the name that SHOW gives.
    pub fn by_name(name: &str) -> Option<IntervalStyle> {
        Some(match name {
            "postgres" => IntervalStyle::Postgres,
            "postgres_verbose" => IntervalStyle::PostgresVerbose,
            "sql_standard" => IntervalStyle::SqlStandard,
            "iso_8601" => IntervalStyle::Iso8601,
            _ => return None,
        })
    }
}

impl fmt::Display for DateStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match self.format {
            DateFormat::Iso => "ISO",
            DateFormat::Sql => "SQL",
            DateFormat::Postgres => "Postgres",
            DateFormat::German => "German",
        };
        let order = match self.order {
            DateOrder::Mdy => "MDY",
            DateOrder::Dmy => "DMY",
            DateOrder::Ymd => "YMD",
        };
        write!(f, "{format}, {order}")
    }
}

/// What one word of the setting's value asks for.
enum Wish {
    Format(DateFormat),
    Order(DateOrder),
    Default,
}

fn wish(word: &str) -> Option<Wish> {
    let begins = |start: &str| word.get(..start.len()) == Some(start);
    Some(match word {
        "iso" => Wish::Format(DateFormat::Iso),
        "sql" => Wish::Format(DateFormat::Sql),
        "german" => Wish::Format(DateFormat::German),
        "mdy" | "us" => Wish::Order(DateOrder::Mdy),
        "dmy" => Wish::Order(DateOrder::Dmy),
        "ymd" => Wish::Order(DateOrder::Ymd),
        "default" => Wish::Default,
        _ if begins("postgres") => Wish::Format(DateFormat::Postgres),
        _ if begins("euro") => Wish::Order(DateOrder::Dmy),
        _ if begins("noneuro") => Wish::Order(DateOrder::Mdy),
        _ => return None,
    })
}

impl DateStyle {
    /// Gives the style that `SET DateStyle` makes of this one; `start` is what the word `default`
    /// stands for.
    ///
    /// # Errors
    /// The detail of PostgreSQL's error 22023.
    pub fn changed(self, value: &str, start: DateStyle) -> Result<DateStyle, String> {
        let (mut format, mut order) = (None, None);
        let (mut style, mut conflict) = (self, false);
        for word in words(value).ok_or("List syntax is invalid.")? {
            match wish(&word.to_ascii_lowercase()) {
                Some(Wish::Format(wanted)) => {
                    conflict |= *format.get_or_insert(wanted) != wanted;
                    style.format = wanted;
                    if wanted == DateFormat::German && order.is_none() {
                        style.order = DateOrder::Dmy;
                    }
                }
                Some(Wish::Order(wanted)) => {
                    conflict |= *order.get_or_insert(wanted) != wanted;
                    style.order = wanted;
                }
                Some(Wish::Default) => {
                    style.format = format.unwrap_or(start.format);
                    style.order = order.unwrap_or(start.order);
                }
                None => return Err(format!("Unrecognized key word: \"{word}\".")),
            }
        }
        if conflict {
            Err("Conflicting \"datestyle\" specifications.".to_owned())
        } else {
            Ok(style)
        }
    }
}

/// Splits a list of identifiers at its commas: plain ones become lower case, quoted ones stay.
/// `None` for what is no list.
fn words(list: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = list.trim();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (word, behind) = quoted.split_once('"')?;
            words.push(word.to_owned());
            rest = behind.trim_start();
        } else {
            let ends = |c: char| c == ',' || c.is_ascii_whitespace();
            let (word, behind) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
            if word.is_empty() {
                return None;
            }
            words.push(word.to_ascii_lowercase());
            rest = behind.trim_start();
        }
        match rest.strip_prefix(',') {
            Some(behind) if behind.trim().is_empty() => return None,
            Some(behind) => rest = behind.trim_start(),
            None if rest.is_empty() => {}
            None => return None,
        }
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One after the other, as PostgreSQL 15.18 answered SHOW.
    #[test]
    fn a_style_is_changed_in_the_parts_that_are_named() {
        let mut style = DateStyle::default();
        for (value, shown) in [
            ("sql, dmy", "SQL, DMY"),
            ("iso", "ISO, DMY"),
            ("mdy", "ISO, MDY"),
            ("german", "German, DMY"),
            ("german, mdy", "German, MDY"),
            ("german", "German, DMY"),
            ("mdy, german", "German, MDY"),
            ("ymd", "German, YMD"),
            ("Postgres", "Postgres, YMD"),
            ("postgresql", "Postgres, YMD"),
            ("europe", "Postgres, DMY"),
            ("NonEuropean", "Postgres, MDY"),
            ("euro", "Postgres, DMY"),
            ("us", "Postgres, MDY"),
            ("default", "ISO, MDY"),
            ("german", "German, DMY"),
            ("sql,default", "SQL, MDY"),
            ("ymd,default", "ISO, YMD"),
            ("default,sql,ymd", "SQL, YMD"),
            ("default,sql", "SQL, MDY"),
            ("default,german", "German, DMY"),
            ("german,default", "German, MDY"),
            ("", "German, MDY"),
            ("dmy, european", "German, DMY"),
            ("\"SQL\", DMY", "SQL, DMY"),
            ("  ISO  ,  YMD  ", "ISO, YMD"),
            ("iso, iso", "ISO, YMD"),
        ] {
            style = style.changed(value, DateStyle::default()).unwrap();
            assert_eq!(style.to_string(), shown, "{value}");
        }
    }

    #[test]
    fn faults_are_postgresqls() {
        for (value, detail) in [
            ("usa", "Unrecognized key word: \"usa\"."),
            ("FOO", "Unrecognized key word: \"foo\"."),
            ("\"FOO\"", "Unrecognized key word: \"FOO\"."),
            ("iso, sql, foo", "Unrecognized key word: \"foo\"."),
            ("iso;mdy", "Unrecognized key word: \"iso;mdy\"."),
            ("iso\"x", "Unrecognized key word: \"iso\"x\"."),
            ("é", "Unrecognized key word: \"é\"."),
            ("iso, sql", "Conflicting \"datestyle\" specifications."),
            ("german, mdy, dmy", "Conflicting \"datestyle\" specifications."),
            ("sql,", "List syntax is invalid."),
            (",sql", "List syntax is invalid."),
            ("iso,,mdy", "List syntax is invalid."),
            ("sql dmy", "List syntax is invalid."),
            ("\"iso, mdy", "List syntax is invalid."),
            ("\"SQL\"x", "List syntax is invalid."),
        ] {
            let fault = DateStyle::default().changed(value, DateStyle::default()).unwrap_err();
            assert_eq!(fault, detail, "{value}");
        }
    }
}
