//! Values of settings: what each kind may have, and how it is written.

use super::settings_table::{Kind, Spec};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::zone_by_name;

pub(super) fn unknown(name: &str) -> Error {
    Error::new(
        SqlState::UNDEFINED_OBJECT,
        format!("unrecognized configuration parameter \"{name}\""),
    )
}

pub(super) fn invalid(spec: &Spec, value: &str) -> Error {
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("invalid value for parameter \"{}\": \"{value}\"", spec.name),
    )
}

pub(super) fn check(spec: &Spec, value: &str) -> Result<String> {
    let bad = || invalid(spec, value);
    match spec.kind {
        Kind::Text => Ok(value.to_owned()),
        Kind::TextMax(most) if value.len() <= most => Ok(value.to_owned()),
        Kind::TextMax(most) => Err(bad().with_detail(format!("It has more than {most} bytes."))),
        Kind::Bool => {
            parse_bool(value).map(|on| if on { "on" } else { "off" }.to_owned()).ok_or_else(|| {
                Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("parameter \"{}\" requires a Boolean value", spec.name),
                )
            })
        }
        Kind::Time => parse_time(value).map(show_time).ok_or_else(bad),
        Kind::Int(least, most) => match value.trim().parse::<i64>() {
            Ok(number) if (least..=most).contains(&number) => Ok(number.to_string()),
            Ok(number) => Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!(
                    "{number} is outside the valid range for parameter \"{}\" ({least} .. {most})",
                    spec.name
                ),
            )),
            Err(_) => Err(bad()),
        },
        Kind::Enum(choices) => choices
            .iter()
            .find(|choice| choice.eq_ignore_ascii_case(value.trim()))
            .map(|choice| (*choice).to_owned())
            .ok_or_else(|| bad().with_hint(format!("Available values: {}.", choices.join(", ")))),
        Kind::TimeZone => time_zone(value).ok_or_else(bad),
        Kind::Encoding => encoding(value),
        // Date styles are checked where the present one is known.
        Kind::DateStyle | Kind::ReadOnly => Err(bad()),
    }
}

fn parse_bool(value: &str) -> Option<bool> {
    match value.trim().to_lowercase().as_str() {
        "on" | "true" | "yes" | "1" | "t" | "y" => Some(true),
        "off" | "false" | "no" | "0" | "f" | "n" => Some(false),
        _ => None,
    }
}

pub(super) fn parse_time(value: &str) -> Option<u64> {
    let value = value.trim();
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let number: u64 = value[..digits].parse().ok()?;
    let factor = match value[digits..].trim() {
        "" | "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(factor).filter(|&ms| ms <= i32::MAX as u64)
}

/// Shows a time as PostgreSQL does: in the largest unit that divides it.
fn show_time(milliseconds: u64) -> String {
    for (unit, factor) in [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)] {
        if milliseconds > 0 && milliseconds % factor == 0 {
            return format!("{}{unit}", milliseconds / factor);
        }
    }
    if milliseconds == 0 { "0".to_owned() } else { format!("{milliseconds}ms") }
}

/// Accepts IANA names in any letter case, and whole-hour offsets, kept as `Etc/GMT-2` (which is two
/// hours east: the sign is POSIX's).
fn time_zone(value: &str) -> Option<String> {
    let value = value.trim();
    if let Some(zone) = zone_by_name(value) {
        return Some(zone.name().to_owned());
    }
    if matches!(value.to_lowercase().as_str(), "utc" | "gmt" | "zulu" | "z" | "default" | "local") {
        return Some("UTC".to_owned());
    }
    let (sign, rest) = match value.strip_prefix('-') {
        Some(rest) => ('+', rest),
        None => ('-', value.strip_prefix('+').unwrap_or(value)),
    };
    let hours = rest.strip_suffix(":00:00").or_else(|| rest.strip_suffix(":00")).unwrap_or(rest);
    match hours.parse::<u8>().ok()? {
        0 => Some("UTC".to_owned()),
        hours if hours <= 12 => Some(format!("Etc/GMT{sign}{hours}")),
        _ => None,
    }
}

fn encoding(value: &str) -> Result<String> {
    let plain: String =
        value.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    match plain.as_str() {
        "utf8" | "unicode" => Ok("UTF8".to_owned()),
        // ASCII is a part of UTF-8; PostgreSQL's SQL_ASCII means no conversion at all.
        "sqlascii" => Ok("SQL_ASCII".to_owned()),
        _ => {
            Err(Error::unsupported(format!("conversion between {value} and UTF8 is not supported")))
        }
    }
}
