//! The session's settings: PostgreSQL's names, defaults and checks, and Teatree's own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono_tz::Tz;

use super::settings_table::{Kind, Spec, all, find};
use super::settings_values::{check, invalid, parse_time, unknown};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{DateStyle, InputStyle, IntervalStyle};

/// The values of one session.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the session started with: where RESET goes.
    start: BTreeMap<String, String>,
    values: BTreeMap<String, String>,
    /// Values that the transaction's end undoes, with what they were; the first SET counts.
    undo: Vec<(String, Option<String>)>,
    /// Another one after every change, in no other state of any session.
    stamp: u64,
    read: Read,
}

/// What every statement asks for, read from the values' texts once after each change.
#[derive(Clone, Debug)]
struct Read {
    time_zone: Tz,
    date_style: DateStyle,
    interval_style: IntervalStyle,
    statement_timeout: Option<Duration>,
    max_staleness: Option<Duration>,
    search_path: Vec<String>,
}

fn next_stamp() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

impl Settings {
    /// Starts with the client's startup parameters and with its command-line options. Parameters
    /// that do not exist are left out, as drivers send their own.
    ///
    /// # Errors
    /// 22023 for a value that a setting cannot have, 42704 and 55P02 for an option that does not
    /// exist or is fixed.
    pub fn start(
        user: &str,
        params: impl IntoIterator<Item = (String, String)>,
        options: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Settings> {
        let mut settings = Settings::new(user, params)?;
        for (name, value) in options {
            settings.set(&name, Some(value.trim_matches('\'')), false)?;
        }
        let options = std::mem::take(&mut settings.values);
        settings.start.extend(options);
        settings.note_change();
        Ok(settings)
    }

    /// Gives a setting that nobody can change the value that the server has.
    #[must_use]
    pub fn with_fixed(mut self, name: &str, value: String) -> Settings {
        self.start.insert(name.to_owned(), value);
        self
    }

    /// Starts with the client's startup parameters.
    ///
    /// # Errors
    /// 22023 for a value that a setting cannot have; names that do not exist are left out, as
    /// drivers send their own.
    pub fn new(user: &str, params: impl IntoIterator<Item = (String, String)>) -> Result<Settings> {
        let mut start = BTreeMap::new();
        start.insert("session_authorization".to_owned(), user.to_owned());
        let mut settings = Settings {
            start,
            values: BTreeMap::new(),
            undo: Vec::new(),
            stamp: next_stamp(),
            read: Read {
                time_zone: Tz::UTC,
                date_style: DateStyle::default(),
                interval_style: IntervalStyle::default(),
                statement_timeout: None,
                max_staleness: None,
                search_path: Vec::new(),
            },
        };
        for (name, value) in params {
            if let Some(spec) = find(&name).filter(|spec| !matches!(spec.kind, Kind::ReadOnly)) {
                let value = value.trim_matches('\'').to_owned();
                let checked = settings.check(spec, &value)?;
                settings.start.insert(spec.name.to_owned(), checked);
            }
        }
        settings.note_change();
        Ok(settings)
    }

    /// Returns a setting's value.
    ///
    /// # Errors
    /// 42704 for a name that does not exist.
    pub fn get(&self, name: &str) -> Result<&str> {
        let spec = find(name);
        let key = spec.map_or(name, |spec| spec.name);
        match self.values.get(key).or_else(|| self.start.get(key)) {
            Some(value) => Ok(value),
            None => spec.map(|spec| spec.default).ok_or_else(|| unknown(name)),
        }
    }

    /// Returns where RESET goes.
    pub(super) fn start_value<'a>(&'a self, spec: &'a Spec) -> &'a str {
        self.start.get(spec.name).map_or(spec.default, String::as_str)
    }

    /// Tells who gave a setting its value, as `pg_settings.source` has it.
    pub(super) fn source(&self, name: &str) -> &'static str {
        match (self.values.contains_key(name), self.start.contains_key(name)) {
            (true, _) => "session",
            (false, true) => "client",
            (false, false) => "default",
        }
    }

    /// Returns the options that somebody made up.
    pub(super) fn customized(&self) -> impl Iterator<Item = (&str, &str)> {
        let values = self.values.iter().filter(|(name, _)| find(name).is_none());
        values.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns a number that stays as long as no setting changes.
    pub fn stamp(&self) -> u64 {
        self.stamp
    }

    /// Returns the value of a setting that is known to exist.
    fn known(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Sets a value, or the default; a local one ends with the transaction.
    ///
    /// # Errors
    /// 42704 for an unknown name, 22023 for a value it cannot have, 55P02 for one that is fixed.
    pub fn set(&mut self, name: &str, value: Option<&str>, local: bool) -> Result<()> {
        let (key, value) = match find(name) {
            Some(spec) => {
                if matches!(spec.kind, Kind::ReadOnly) {
                    return Err(Error::new(
                        SqlState::CANT_CHANGE_RUNTIME_PARAM,
                        format!("parameter \"{}\" cannot be changed", spec.name),
                    ));
                }
                (spec.name.to_owned(), value.map(|value| self.check(spec, value)).transpose()?)
            }
            // As in PostgreSQL, a name with a dot is a customised option of somebody's.
            None if name.contains('.') && !name.starts_with("teatree.") => {
                (name.to_owned(), value.map(str::to_owned))
            }
            None => return Err(unknown(name)),
        };
        let before = match value {
            Some(value) => self.values.insert(key.clone(), value),
            None => self.values.remove(&key),
        };
        self.note_change();
        if local {
            self.undo.push((key, before));
        }
        Ok(())
    }

    /// Puts a value into a setting that clients do not set themselves; `None` for its start's.
    pub(super) fn assume(&mut self, key: &str, value: Option<&str>, local: bool) {
        let before = match value {
            Some(value) => self.values.insert(key.to_owned(), value.to_owned()),
            None => self.values.remove(key),
        };
        self.note_change();
        if local {
            self.undo.push((key.to_owned(), before));
        }
    }

    /// Forgets every change since the session's start.
    pub fn reset_all(&mut self) {
        self.values.clear();
        self.undo.clear();
        self.note_change();
    }

    /// Ends a transaction: what was set locally is undone.
    pub fn end_transaction(&mut self) {
        if self.undo.is_empty() {
            return;
        }
        while let Some((key, before)) = self.undo.pop() {
            match before {
                Some(value) => self.values.insert(key, value),
                None => self.values.remove(&key),
            };
        }
        self.note_change();
    }

    fn note_change(&mut self) {
        self.stamp = next_stamp();
        self.read = Read {
            time_zone: self.known("TimeZone").parse().unwrap_or(Tz::UTC),
            date_style: date_style(self.known("DateStyle")),
            interval_style: IntervalStyle::by_name(self.known("IntervalStyle")).unwrap_or_default(),
            statement_timeout: self.timeout("statement_timeout"),
            max_staleness: self.timeout("teatree.max_staleness"),
            search_path: self.read_search_path(),
        };
    }

    /// Returns names and values that the client is told at start and at every change.
    pub fn reported(&self) -> Vec<(&'static str, String)> {
        all()
            .filter(|spec| spec.reported)
            .map(|spec| (spec.name, self.known(spec.name).to_owned()))
            .collect()
    }

    /// Returns name, value and description of every setting.
    pub fn all(&self) -> Vec<(&'static str, String, &'static str)> {
        all().map(|spec| (spec.name, self.known(spec.name).to_owned(), spec.about)).collect()
    }

    /// Returns the time zone.
    pub fn time_zone(&self) -> Tz {
        self.read.time_zone
    }

    /// Returns how dates and timestamps are written.
    pub fn date_style(&self) -> DateStyle {
        self.read.date_style
    }

    /// Returns how intervals are written.
    pub fn interval_style(&self) -> IntervalStyle {
        self.read.interval_style
    }

    /// Returns how the client's texts are read.
    pub fn input_style(&self) -> InputStyle {
        InputStyle {
            time_zone: self.read.time_zone,
            date_order: self.read.date_style.order,
            interval_style: self.read.interval_style,
        }
    }

    /// Checks a value, which may name a part of a date style; the other part stays as it is.
    fn check(&self, spec: &Spec, value: &str) -> Result<String> {
        if !matches!(spec.kind, Kind::DateStyle) {
            return check(spec, value);
        }
        let start = date_style(self.start.get(spec.name).map_or(spec.default, String::as_str));
        let changed = self.date_style().changed(value, start);
        changed
            .map(|style| style.to_string())
            .map_err(|detail| invalid(spec, value).with_detail(detail))
    }

    /// Returns `statement_timeout`; `None` for none.
    pub fn statement_timeout(&self) -> Option<Duration> {
        self.read.statement_timeout
    }

    /// Returns `teatree.max_staleness`; `None` for none.
    pub fn max_staleness(&self) -> Option<Duration> {
        self.read.max_staleness
    }

    /// Returns a time limit; `None` for none.
    pub fn timeout(&self, name: &str) -> Option<Duration> {
        let milliseconds = parse_time(self.known(name))?;
        (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
    }

    /// Returns a whole number.
    pub fn int(&self, name: &str) -> i32 {
        self.known(name).parse().unwrap_or(0)
    }

    /// Tells whether a switch is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.known(name) == "on"
    }

    /// Returns the schemas of the search path, `"$user"` left out.
    pub fn search_path(&self) -> &[String] {
        &self.read.search_path
    }

    fn read_search_path(&self) -> Vec<String> {
        self.known("search_path")
            .split(',')
            .map(|part| {
                let part = part.trim();
                match part.strip_prefix('"').and_then(|part| part.strip_suffix('"')) {
                    Some(quoted) => quoted.replace("\"\"", "\""),
                    None => part.to_lowercase(),
                }
            })
            .filter(|part| !part.is_empty() && part != "$user" && part != "pg_catalog")
            .collect()
    }
}

/// Reads a date style that was checked before.
fn date_style(checked: &str) -> DateStyle {
    DateStyle::default().changed(checked, DateStyle::default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{DateFormat, DateOrder};

    fn fresh() -> Settings {
        Settings::new("ada", []).unwrap()
    }

    #[test]
    fn values_are_checked_and_shown_as_postgresql_does() {
        let mut settings = fresh();
        settings.set("statement_timeout", Some("90000"), false).unwrap();
        assert_eq!(settings.get("STATEMENT_TIMEOUT").unwrap(), "90s");
        assert_eq!(settings.timeout("statement_timeout").unwrap().as_millis(), 90_000);
        settings.set("timezone", Some("europe/berlin"), false).unwrap();
        assert_eq!(settings.get("TimeZone").unwrap(), "Europe/Berlin");
        settings.set("timezone", Some("+02:00"), false).unwrap();
        assert_eq!(settings.time_zone(), Tz::Etc__GMTMinus2);
        let code = |result: Result<()>| result.unwrap_err().code();
        assert_eq!(code(settings.set("nope", Some("1"), false)), SqlState::UNDEFINED_OBJECT);
        assert_eq!(
            code(settings.set("jit", Some("maybe"), false)),
            SqlState::INVALID_PARAMETER_VALUE
        );
        assert_eq!(
            code(settings.set("server_version", Some("9"), false)),
            SqlState::CANT_CHANGE_RUNTIME_PARAM
        );
        assert_eq!(
            code(settings.set("teatree.nope", Some("9"), false)),
            SqlState::UNDEFINED_OBJECT
        );
    }

    #[test]
    fn local_values_end_with_the_transaction() {
        let mut settings = fresh();
        settings.set("jit", Some("on"), false).unwrap();
        settings.set("jit", Some("off"), true).unwrap();
        settings.set("jit", Some("on"), true).unwrap();
        settings.set("app.user", Some("7"), true).unwrap();
        settings.end_transaction();
        assert_eq!(settings.get("jit").unwrap(), "on");
        assert!(settings.get("app.user").is_err());
    }

    #[test]
    fn the_search_path_is_a_list_of_identifiers() {
        let mut settings = fresh();
        assert_eq!(settings.search_path(), ["public"]);
        settings.set("search_path", Some("\"My Schema\", Other"), false).unwrap();
        assert_eq!(settings.search_path(), ["My Schema", "other"]);
    }

    #[test]
    fn a_date_style_keeps_what_is_not_named() {
        let params = [("datestyle".to_owned(), "German".to_owned())];
        let mut settings = Settings::new("ada", params).unwrap();
        assert_eq!(settings.get("DateStyle").unwrap(), "German, DMY");
        settings.set("datestyle", Some("sql"), false).unwrap();
        assert_eq!(settings.get("DateStyle").unwrap(), "SQL, DMY");
        settings.set("datestyle", Some("ymd"), true).unwrap();
        assert_eq!(settings.input_style().date_order, DateOrder::Ymd);
        let error = settings.set("datestyle", Some("iso, sql"), false).unwrap_err();
        assert_eq!(error.code(), SqlState::INVALID_PARAMETER_VALUE);
        let message = "invalid value for parameter \"DateStyle\": \"iso, sql\"";
        assert_eq!(error.message(), message);
        settings.end_transaction();
        assert_eq!(settings.get("DateStyle").unwrap(), "SQL, DMY");
        settings.set("datestyle", None, false).unwrap();
        assert_eq!(settings.date_style().format, DateFormat::German);
        settings.set("intervalstyle", Some("ISO_8601"), false).unwrap();
        assert_eq!(settings.get("IntervalStyle").unwrap(), "iso_8601");
        assert_eq!(settings.interval_style(), IntervalStyle::Iso8601);
        assert!(settings.set("intervalstyle", Some("iso"), false).is_err());
    }
}
