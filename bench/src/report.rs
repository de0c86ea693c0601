//! The table as Markdown, and its place in a file between two markers.

use std::fmt::Write as _;
use std::path::Path;

use crate::Result;

const BEGIN: &str = "<!-- table: written by make bench -->";
const END: &str = "<!-- end of table -->";

/// One thing that was measured.
pub struct Line {
    pub what: String,
    pub teatree: String,
    /// None where it means nothing.
    pub embedded: Option<String>,
    /// None where it is not installed.
    pub postgres: Option<String>,
    pub ratio: Option<Ratio>,
}

/// Teatree's figure divided by another's.
pub struct Ratio {
    pub of: &'static str,
    pub value: f64,
    pub limit: Option<Limit>,
}

/// What a ratio should keep.
#[derive(Clone, Copy)]
pub enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

/// The whole text between the markers: the machine, then the table.
pub fn table(lines: &[Line], postgres_version: Option<String>) -> String {
    let postgres = postgres_version.map_or("PostgreSQL".to_owned(), |v| format!("PostgreSQL {v}"));
    let mut out = format!("Measured on {}.\n\n", machine());
    let _ = writeln!(out, "| | Teatree | embedded DuckDB | {postgres} | Teatree ÷ other | limit |");
    let _ = writeln!(out, "| --- | ---: | ---: | ---: | ---: | ---: |");
    for line in lines {
        let (ratio, limit) = match &line.ratio {
            Some(Ratio { of, value, limit }) => (
                format!("{value:.2} ({of})"),
                limit.map_or(String::new(), |limit| {
                    let (sign, bound, met) = match limit {
                        Limit::AtMost(most) => ("≤", most, *value <= most),
                        Limit::AtLeast(least) => ("≥", least, *value >= least),
                    };
                    format!("{sign} {bound:.2}, {}", if met { "met" } else { "missed" })
                }),
            ),
            None => (String::new(), String::new()),
        };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {ratio} | {limit} |",
            line.what,
            line.teatree,
            line.embedded.as_deref().unwrap_or(""),
            line.postgres.as_deref().unwrap_or("not installed"),
        );
    }
    out
}

/// Puts the table between the markers of a file.
pub fn replace(file: &Path, table: &str) -> Result<()> {
    let text = std::fs::read_to_string(file)?;
    let replaced =
        between(&text, table).ok_or_else(|| format!("no markers in {}", file.display()))?;
    std::fs::write(file, replaced)?;
    Ok(())
}

fn between(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    let memory =
        kib.map_or(String::new(), |kib| format!(" and {} GiB of memory", kib.div_ceil(1 << 20)));
    format!("a machine with {cores} cores{memory}, servers and client on it together")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_replaces_what_is_between_the_markers() {
        let text = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let new = between(&text, "| new |\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\n| new |\n{END}\nafter\n"));
        assert!(between("no markers", "x").is_none());
    }

    #[test]
    fn a_missed_limit_says_so() {
        let ratio = |value| Some(Ratio { of: "embedded", value, limit: Some(Limit::AtMost(1.15)) });
        let line = |value| Line {
            what: "w".to_owned(),
            teatree: "1 ms".to_owned(),
            embedded: None,
            postgres: None,
            ratio: ratio(value),
        };
        let text = table(&[line(1.1), line(1.2)], None);
        assert!(text.contains("| 1.10 (embedded) | ≤ 1.15, met |"), "{text}");
        assert!(text.contains("| not installed | 1.20 (embedded) | ≤ 1.15, missed |"), "{text}");
    }
}
