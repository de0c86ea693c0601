//! Regular expressions as PostgreSQL's functions have them, on the `regex` crate.
//!
//! Not here: back references and lookaround, which the crate has not.

use std::borrow::Cow;

use regex::{Captures, Regex, RegexBuilder};

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// Memory that one compiled pattern may take.
const SIZE_MAX: usize = 1 << 20;

/// Compiles a pattern with PostgreSQL's flags; `g` says nothing here.
fn compile(pattern: &str, flags: &str) -> Result<Regex> {
    let mut builder = RegexBuilder::new(&respelled(pattern));
    // A dot is any character, and ^ and $ are the text's ends, unless the flags say otherwise.
    builder.dot_matches_new_line(true).size_limit(SIZE_MAX);
    for flag in flags.chars() {
        match flag {
            'i' => builder.case_insensitive(true),
            'c' | 'g' | 's' | 't' | 'e' => &mut builder,
            'n' | 'm' => builder.dot_matches_new_line(false).multi_line(true),
            'p' => builder.dot_matches_new_line(false),
            'w' => builder.multi_line(true),
            'x' => builder.ignore_whitespace(true),
            other => {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("invalid regular expression option: \"{other}\""),
                ));
            }
        };
    }
    builder.build().map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
        Error::new(
            SqlState::INVALID_REGULAR_EXPRESSION,
            format!("invalid regular expression: {reason}"),
        )
    })
}

/// PostgreSQL's own escapes in the crate's spelling.
fn respelled(pattern: &str) -> Cow<'_, str> {
    if !["\\m", "\\M", "\\y", "\\Y"].iter().any(|escape| pattern.contains(escape)) {
        return Cow::Borrowed(pattern);
    }
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('m') => out.push_str("\\b{start}"),
            Some('M') => out.push_str("\\b{end}"),
            Some('y') => out.push_str("\\b"),
            Some('Y') => out.push_str("\\B"),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    Cow::Owned(out)
}

/// The groups of a match, or the whole of it where the pattern has none.
fn groups(captures: &Captures<'_>) -> Vec<Option<String>> {
    let skip = usize::from(captures.len() > 1);
    let text = |group: Option<regex::Match<'_>>| group.map(|group| group.as_str().to_owned());
    captures.iter().skip(skip).map(text).collect()
}

/// How many texts a match gives.
pub(super) fn width(pattern: &str) -> Result<usize> {
    Ok((compile(pattern, "")?.captures_len() - 1).max(1))
}

/// The groups of the first match.
pub(super) fn first(text: &str, pattern: &str, flags: &str) -> Result<Option<Vec<Option<String>>>> {
    Ok(compile(pattern, flags)?.captures(text).map(|captures| groups(&captures)))
}

/// The groups of the first match, or of all with the flag `g`, one after the other.
pub(super) fn all(text: &str, pattern: &str, flags: &str) -> Result<Vec<Option<String>>> {
    let most = if flags.contains('g') { usize::MAX } else { 1 };
    let regex = compile(pattern, flags)?;
    Ok(regex.captures_iter(text).take(most).flat_map(|captures| groups(&captures)).collect())
}

/// What stands between the matches; empty ones at the text's ends do not split.
pub(super) fn split(text: &str, pattern: &str, flags: &str) -> Result<Vec<String>> {
    let regex = compile(pattern, flags)?;
    let mut parts = Vec::new();
    let mut start = 0;
    for found in regex.find_iter(text) {
        if found.is_empty() && (found.start() == 0 || found.end() == text.len()) {
            continue;
        }
        parts.push(text[start..found.start()].to_owned());
        start = found.end();
    }
    parts.push(text[start..].to_owned());
    Ok(parts)
}

/// How many matches there are.
pub(super) fn count(text: &str, pattern: &str, flags: &str) -> Result<usize> {
    Ok(compile(pattern, flags)?.find_iter(text).count())
}

/// The place of the first match in characters from 1, or 0.
pub(super) fn place(text: &str, pattern: &str, flags: &str) -> Result<usize> {
    let found = compile(pattern, flags)?.find(text).map(|found| found.start());
    Ok(found.map_or(0, |start| text[..start].chars().count() + 1))
}

/// The first match.
pub(super) fn part(text: &str, pattern: &str, flags: &str) -> Result<Option<String>> {
    Ok(compile(pattern, flags)?.find(text).map(|found| found.as_str().to_owned()))
}

/// Tells whether there is a match.
pub(super) fn is_match(text: &str, pattern: &str, flags: &str) -> Result<bool> {
    Ok(compile(pattern, flags)?.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(found: &[Option<String>]) -> Vec<&str> {
        found.iter().map(|text| text.as_deref().unwrap_or("NULL")).collect()
    }

    // Each as PostgreSQL 15 answers.
    #[test]
    fn matches_are_postgresqls() {
        let found = first("foobarbequebaz", "(bar)(beque)", "").unwrap().unwrap();
        assert_eq!(texts(&found), ["bar", "beque"]);
        assert_eq!(texts(&first("abc", "b.", "").unwrap().unwrap()), ["bc"]);
        assert_eq!(texts(&all("a1b22", "[0-9]+", "g").unwrap()), ["1", "22"]);
        assert_eq!(texts(&all("a1b22", "[0-9]+", "").unwrap()), ["1"]);
        assert!(is_match("a tab b", "\\mtab\\M", "").unwrap());
        assert!(!is_match("retab", "\\mtab", "").unwrap());
        assert!(is_match("ABC", "b", "i").unwrap());
    }

    #[test]
    fn splits_are_postgresqls() {
        assert_eq!(split("a, b,c", ",\\s*", "").unwrap(), ["a", "b", "c"]);
        assert_eq!(split("abc", "", "").unwrap(), ["a", "b", "c"]);
        assert_eq!(count("ABCABC", "bc", "i").unwrap(), 2);
        assert_eq!(place("äbc", "c", "").unwrap(), 3);
    }

    #[test]
    fn bad_patterns_are_errors() {
        let error = is_match("a", "(", "").unwrap_err();
        assert_eq!(error.code(), SqlState::INVALID_REGULAR_EXPRESSION);
        let error = is_match("a", "a", "q").unwrap_err();
        assert_eq!(error.code(), SqlState::INVALID_PARAMETER_VALUE);
    }
}
