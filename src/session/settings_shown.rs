//! Settings as `pg_settings` shows them: values in the unit that PostgreSQL keeps them in, and what
//! PostgreSQL tells of each.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::settings::Settings;
use super::settings_table::{Kind, Spec, all};

/// Name, unit, category, context, type, least and greatest value, and choices of PostgreSQL's
/// settings, as PostgreSQL 15 has them.
const LIST: &str = include_str!("../../sql/pg_catalog/settings.tsv");

/// One row of `pg_settings`.
#[derive(Clone, Debug)]
pub struct SettingRow {
    pub name: String,
    /// As SHOW shows it.
    pub shown: String,
    /// In the unit.
    pub setting: String,
    pub unit: Option<&'static str>,
    pub category: &'static str,
    pub about: &'static str,
    pub context: &'static str,
    pub vartype: &'static str,
    pub source: &'static str,
    pub min_val: Option<&'static str>,
    pub max_val: Option<&'static str>,
    /// Joined by commas.
    pub choices: Option<String>,
    pub boot_val: Option<String>,
    pub reset_val: Option<String>,
}

/// All settings with their defaults.
pub fn catalog() -> impl Iterator<Item = SettingRow> {
    all().map(|spec| row(spec, spec.default, spec.default, "default"))
}

impl Settings {
    /// Returns the settings as this session has them; `show` tells a value as SHOW does.
    pub(super) fn rows(&self, show: impl Fn(&str) -> String) -> Vec<SettingRow> {
        let known = all().map(|spec| {
            row(spec, &show(spec.name), self.start_value(spec), self.source(spec.name))
        });
        let own = self.customized().map(|(name, value)| SettingRow {
            name: name.to_owned(),
            shown: value.to_owned(),
            setting: value.to_owned(),
            unit: None,
            category: "Customized Options",
            about: "",
            context: "user",
            vartype: "string",
            source: "session",
            min_val: None,
            max_val: None,
            choices: None,
            boot_val: None,
            reset_val: None,
        });
        known.chain(own).collect()
    }
}

fn row(spec: &'static Spec, shown: &str, start: &str, source: &'static str) -> SettingRow {
    let told = told(spec);
    let in_unit = |text: &str| in_unit(text, told.unit);
    SettingRow {
        name: spec.name.to_owned(),
        shown: shown.to_owned(),
        setting: in_unit(shown),
        unit: told.unit,
        category: told.category,
        about: spec.about,
        context: told.context,
        vartype: told.vartype,
        source,
        min_val: told.min_val,
        max_val: told.max_val,
        choices: match spec.kind {
            Kind::Enum(choices) => Some(choices.join(",")),
            _ => None,
        },
        boot_val: Some(in_unit(spec.default)),
        reset_val: Some(in_unit(start)),
    }
}

/// What is told of a setting besides its value.
#[derive(Clone, Copy)]
struct Told {
    unit: Option<&'static str>,
    category: &'static str,
    context: &'static str,
    vartype: &'static str,
    min_val: Option<&'static str>,
    max_val: Option<&'static str>,
}

fn told(spec: &Spec) -> Told {
    static OF_POSTGRESQL: LazyLock<HashMap<&str, Told>> = LazyLock::new(|| {
        let read = |line: &'static str| {
            let mut fields = line.split('\t').map(|field| (!field.is_empty()).then_some(field));
            let name = fields.next()??;
            let unit = fields.next()?;
            let category = fields.next()??;
            let (context, vartype) = (fields.next()??, fields.next()??);
            let (min_val, max_val) = (fields.next()?, fields.next()?);
            Some((name, Told { unit, category, context, vartype, min_val, max_val }))
        };
        LIST.lines().filter_map(read).collect()
    });
    let known = OF_POSTGRESQL.get(spec.name).copied();
    known.unwrap_or_else(|| {
        let is_time = matches!(spec.kind, Kind::Time);
        Told {
            unit: is_time.then_some("ms"),
            category: if spec.name.starts_with("teatree.") { "Teatree" } else { "Preset Options" },
            context: if matches!(spec.kind, Kind::ReadOnly) { "internal" } else { "user" },
            vartype: match spec.kind {
                Kind::Bool => "bool",
                Kind::Time | Kind::Int(..) => "integer",
                Kind::Enum(_) => "enum",
                _ => "string",
            },
            min_val: is_time.then_some("0"),
            max_val: is_time.then_some("2147483647"),
        }
    })
}

/// Writes a value such as `7s` or `4MB` as a plain number of the unit that its setting counts in.
fn in_unit(shown: &str, unit: Option<&str>) -> String {
    let in_bytes_or_us = |unit: &str| -> Option<u128> {
        Some(match unit {
            "us" | "B" => 1,
            "ms" => 1_000,
            "s" => 1_000_000,
            "min" => 60_000_000,
            "h" => 3_600_000_000,
            "d" => 86_400_000_000,
            "kB" => 1 << 10,
            "8kB" => 8 << 10,
            "MB" => 1 << 20,
            "GB" => 1 << 30,
            "TB" => 1 << 40,
            _ => return None,
        })
    };
    let digits = shown.find(|c: char| !c.is_ascii_digit()).unwrap_or(shown.len());
    let number = shown[..digits].parse::<u128>();
    match (number, in_bytes_or_us(shown[digits..].trim()), unit.and_then(in_bytes_or_us)) {
        (Ok(number), Some(written), Some(kept)) => (number * written / kept).to_string(),
        _ => shown.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_in_their_unit() {
        assert_eq!(in_unit("7s", Some("ms")), "7000");
        assert_eq!(in_unit("4MB", Some("kB")), "4096");
        assert_eq!(in_unit("4GB", Some("8kB")), "524288");
        assert_eq!(in_unit("250", Some("ms")), "250");
        assert_eq!(in_unit("on", None), "on");
        assert_eq!(in_unit("-1", Some("ms")), "-1");
    }

    #[test]
    fn a_row_tells_where_its_value_comes_from() {
        let params = [("work_mem".to_owned(), "8MB".to_owned())];
        let mut settings = Settings::new("ada", params).unwrap();
        settings.set("statement_timeout", Some("7s"), false).unwrap();
        settings.set("app.user", Some("7"), false).unwrap();
        let rows = settings.rows(|name| settings.get(name).unwrap().to_owned());
        let row = |name: &str| rows.iter().find(|row| row.name == name).unwrap().clone();
        let timeout = row("statement_timeout");
        assert_eq!((timeout.setting.as_str(), timeout.unit), ("7000", Some("ms")));
        assert_eq!((timeout.source, timeout.reset_val.as_deref()), ("session", Some("0")));
        let memory = row("work_mem");
        assert_eq!((memory.setting.as_str(), memory.source), ("8192", "client"));
        assert_eq!(row("app.user").category, "Customized Options");
        assert_eq!(row("jit").source, "default");
    }
}
