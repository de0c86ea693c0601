//! Regular expressions as PostgreSQL's functions have them, on the `regex` crate.
//!
//! A match is the leftmost one by the order of alternatives, where PostgreSQL's is the longest. Not
//! here: back references and looking ahead and behind, which the crate has not.

use std::cell::RefCell;
use std::rc::Rc;

use regex::{Captures, Match, Regex, RegexBuilder};

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// Memory that one compiled pattern may take.
const SIZE_MAX: usize = 1 << 20;
/// Compiled patterns that a thread keeps.
const KEPT_MAX: usize = 16;

thread_local! {
    // A query's patterns are the same in each row. The last one used stands first.
    static KEPT: RefCell<Vec<(String, String, Rc<Regex>)>> = const { RefCell::new(Vec::new()) };
}

/// Compiles a pattern with PostgreSQL's flags, or finds it among those that were used last; `g`
/// says nothing here.
fn compile(pattern: &str, flags: &str) -> Result<Rc<Regex>> {
    KEPT.with_borrow_mut(|kept| {
        let found = kept.iter().position(|(text, with, _)| text == pattern && with == flags);
        if let Some(at) = found {
            kept[..=at].rotate_right(1);
            return Ok(Rc::clone(&kept[0].2));
        }
        let regex = Rc::new(compiled(pattern, flags)?);
        kept.truncate(KEPT_MAX - 1);
        kept.insert(0, (pattern.to_owned(), flags.to_owned(), Rc::clone(&regex)));
        Ok(regex)
    })
}

fn compiled(pattern: &str, flags: &str) -> Result<Regex> {
    let (inner, pattern) = embedded(pattern);
    let mut is_literal = pattern.starts_with("***=");
    let pattern = pattern.strip_prefix("***=").or(pattern.strip_prefix("***:")).unwrap_or(pattern);
    // A dot is any character, and ^ and $ are the text's ends, unless the flags say otherwise.
    let (mut dot, mut lines, mut insensitive, mut expanded) = (true, false, false, false);
    for flag in flags.chars().chain(inner.chars()) {
        match flag {
            'i' => insensitive = true,
            'c' => insensitive = false,
            'g' | 't' | 'e' => {}
            's' => (dot, lines) = (true, false),
            'n' | 'm' => (dot, lines) = (false, true),
            'p' => (dot, lines) = (false, false),
            'w' => (dot, lines) = (true, true),
            'x' => expanded = true,
            'q' => is_literal = true,
            other => {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("invalid regular expression option: \"{other}\""),
                ));
            }
        }
    }
    let spelled = if is_literal { regex::escape(pattern) } else { respelled(pattern, dot) };
    RegexBuilder::new(&spelled)
        .case_insensitive(insensitive)
        .dot_matches_new_line(dot)
        .multi_line(lines)
        .ignore_whitespace(expanded)
        .size_limit(SIZE_MAX)
        .build()
        .map_err(|error| invalid(&error.to_string()))
}

fn invalid(text: &str) -> Error {
    let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
    if reason.starts_with("look-around") || reason.starts_with("backreferences") {
        let reason = reason.split(", including").next().unwrap_or(reason);
        let reason = reason.trim_end_matches(" are not supported");
        return Error::unsupported(format!("regular expressions with {reason} are not supported"));
    }
    Error::new(
        SqlState::INVALID_REGULAR_EXPRESSION,
        format!("invalid regular expression: {reason}"),
    )
}

/// Splits `(?i)` and its like off the start of a pattern.
fn embedded(pattern: &str) -> (&str, &str) {
    let options = pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')'));
    match options {
        Some((letters, rest))
            if !letters.is_empty() && letters.bytes().all(|b| b.is_ascii_lowercase()) =>
        {
            (letters, rest)
        }
        _ => ("", pattern),
    }
}

/// PostgreSQL's own escapes in the crate's spelling; outside of brackets only a backslash makes
/// them, inside of them `[:<:]` and `[:>:]` do.
fn respelled(pattern: &str, dot_is_any: bool) -> String {
    let pattern = pattern.replace("[[:<:]]", "\\m").replace("[[:>:]]", "\\M");
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        if c == '[' {
            let is_open = in_class;
            in_class = true;
            out.push(c);
            if is_open && chars.peek().is_some_and(|next| matches!(next, ':' | '.' | '=')) {
                out.pop();
                let name: String = chars.by_ref().take_while(|c| *c != ']').collect();
                out.push_str(&class_by_name(&name));
            } else if is_open {
                // A bracket inside of brackets is itself.
                out.insert(out.len() - 1, '\\');
            } else {
                if chars.peek() == Some(&'^') {
                    out.extend(chars.next());
                    // Where lines count, what is excluded excludes their ends, too.
                    if !dot_is_any {
                        out.push_str("\\n");
                    }
                }
                if chars.peek() == Some(&']') {
                    chars.next();
                    out.push_str("\\]");
                }
            }
            continue;
        }
        if c == ']' {
            in_class = false;
        }
        if in_class && matches!(c, '&' | '~') {
            // Two of them would mean something to the crate.
            out.push('\\');
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('m') if !in_class => out.push_str("\\b{start}"),
            Some('M') if !in_class => out.push_str("\\b{end}"),
            Some('y') if !in_class => out.push_str("\\b"),
            Some('Y') if !in_class => out.push_str("\\B"),
            Some('Z') if !in_class => out.push_str("\\z"),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

/// What stands in brackets for `[:alpha:]` and its like; PostgreSQL's know all letters.
fn class_by_name(name: &str) -> String {
    match name {
        ":alpha:" => "\\p{Alphabetic}".to_owned(),
        ":alnum:" => "\\p{Alphabetic}\\p{Nd}".to_owned(),
        ":upper:" => "\\p{Lu}".to_owned(),
        ":lower:" => "\\p{Ll}".to_owned(),
        ":space:" => "\\s".to_owned(),
        // A character by itself, `[.-.]`.
        name if name.starts_with(['.', '=']) => regex::escape(name.trim_matches(['.', '='])),
        name => format!("[{name}]"),
    }
}

/// The groups of a match, or the whole of it where the pattern has none.
fn groups(captures: &Captures<'_>) -> Vec<Option<String>> {
    let skip = usize::from(captures.len() > 1);
    let text = |group: Option<Match<'_>>| group.map(|group| group.as_str().to_owned());
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

/// Where a search begins: a place in characters from 1.
///
/// # Errors
/// 22023 for a place before the first.
fn from_place(text: &str, start: i32) -> Result<usize> {
    let start = positive(start, "start")?;
    Ok(text.char_indices().nth(start - 1).map_or(text.len() + 1, |(at, _)| at))
}

fn positive(value: i32, name: &str) -> Result<usize> {
    usize::try_from(value).ok().filter(|value| *value > 0).ok_or_else(|| out_of_range(value, name))
}

fn out_of_range(value: i32, name: &str) -> Error {
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("invalid value for parameter \"{name}\": {value}"),
    )
}

/// The flags of functions for which `g` has no meaning.
///
/// # Errors
/// 22023 with the function's name where it is given.
fn without_global<'a>(flags: &'a str, function: &str) -> Result<&'a str> {
    if flags.contains('g') {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("{function}() does not support the \"global\" option"),
        ));
    }
    Ok(flags)
}

/// The matches at or behind a place.
fn matches_from(
    text: &str,
    pattern: &str,
    start: i32,
    flags: &str,
    mut each: impl FnMut(&Captures<'_>) -> bool,
) -> Result<()> {
    let regex = compile(pattern, flags)?;
    let mut at = from_place(text, start)?;
    while at <= text.len() {
        let Some(captures) = regex.captures_at(text, at) else { break };
        let Some(whole) = captures.get(0) else { break };
        if !each(&captures) {
            break;
        }
        // An empty match is not found again.
        at = if whole.end() > whole.start() {
            whole.end()
        } else {
            whole.end() + text[whole.end()..].chars().next().map_or(1, char::len_utf8)
        };
    }
    Ok(())
}

/// How many matches there are from a place on.
pub(super) fn count(text: &str, pattern: &str, start: i32, flags: &str) -> Result<i64> {
    let flags = without_global(flags, "regexp_count")?;
    let mut count = 0;
    matches_from(text, pattern, start, flags, |_| {
        count += 1;
        true
    })?;
    Ok(count)
}

/// The n-th match from a place on: where a group of it begins and ends in bytes; group 0 is all.
fn nth(
    text: &str,
    pattern: &str,
    (start, n): (i32, i32),
    flags: &str,
    group: i32,
) -> Result<Option<(usize, usize)>> {
    let n = positive(n, "n")?;
    let group = usize::try_from(group).map_err(|_| out_of_range(group, "subexpr"))?;
    let mut found = None;
    let mut seen = 0;
    matches_from(text, pattern, start, flags, |captures| {
        seen += 1;
        if seen == n {
            found = captures.get(group).map(|part| (part.start(), part.end()));
        }
        seen < n
    })?;
    Ok(found)
}

/// Where the n-th match, or a group of it, begins, or what stands behind it: in characters from 1,
/// or 0.
pub(super) fn place(
    text: &str,
    pattern: &str,
    from: (i32, i32),
    end_option: i32,
    flags: &str,
    group: i32,
) -> Result<i64> {
    if !matches!(end_option, 0 | 1) {
        return Err(out_of_range(end_option, "endoption"));
    }
    let flags = without_global(flags, "regexp_instr")?;
    let found = nth(text, pattern, from, flags, group)?;
    let place = found.map(|(start, end)| if end_option == 1 { end } else { start });
    let characters = place.map_or(0, |place| text[..place].chars().count() + 1);
    Ok(i64::try_from(characters).unwrap_or(i64::MAX))
}

/// The n-th match, or a group of it.
pub(super) fn part(
    text: &str,
    pattern: &str,
    from: (i32, i32),
    flags: &str,
    group: i32,
) -> Result<Option<String>> {
    let flags = without_global(flags, "regexp_substr")?;
    let found = nth(text, pattern, from, flags, group)?;
    Ok(found.map(|(start, end)| text[start..end].to_owned()))
}

/// Puts a text in the place of the n-th match from a place on, or of all if `n` is 0.
///
/// In the text `\1` to `\9` are groups, `\&` is the match and `\\` a backslash.
pub(super) fn replace(
    text: &str,
    pattern: &str,
    instead: &str,
    (start, n): (i32, i32),
    flags: &str,
) -> Result<String> {
    let n = usize::try_from(n).map_err(|_| out_of_range(n, "n"))?;
    let mut out = String::with_capacity(text.len());
    let (mut seen, mut copied) = (0, 0);
    matches_from(text, pattern, start, flags, |captures| {
        seen += 1;
        if let Some(whole) = captures.get(0).filter(|_| n == 0 || seen == n) {
            out.push_str(&text[copied..whole.start()]);
            expand(captures, instead, &mut out);
            copied = whole.end();
        }
        n == 0 || seen < n
    })?;
    out.push_str(&text[copied..]);
    Ok(out)
}

fn expand(captures: &Captures<'_>, instead: &str, out: &mut String) {
    let mut chars = instead.chars();
    while let Some(c) = chars.next() {
        let group = match (c, chars.clone().next()) {
            ('\\', Some('&')) => 0,
            ('\\', Some(digit @ '1'..='9')) => digit as usize - '0' as usize,
            ('\\', Some('\\')) => {
                chars.next();
                out.push('\\');
                continue;
            }
            _ => {
                out.push(c);
                continue;
            }
        };
        chars.next();
        out.push_str(captures.get(group).map_or("", |part| part.as_str()));
    }
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
        assert_eq!(count("ABCABC", "bc", 1, "i").unwrap(), 2);
        assert_eq!(place("äbc", "c", (1, 1), 0, "", 0).unwrap(), 3);
    }

    #[test]
    fn bad_patterns_are_errors() {
        let error = is_match("a", "(", "").unwrap_err();
        assert_eq!(error.code(), SqlState::INVALID_REGULAR_EXPRESSION);
        for beyond in ["(ab)\\1", "foo(?=bar)", "foo(?!bar)"] {
            let error = is_match("abab", beyond, "").unwrap_err();
            assert_eq!(error.code(), SqlState::FEATURE_NOT_SUPPORTED);
        }
        let error = is_match("a", "a", "z").unwrap_err();
        assert_eq!(error.code(), SqlState::INVALID_PARAMETER_VALUE);
    }

    // Each as PostgreSQL 15 answers.
    #[test]
    fn replacements_are_postgresqls() {
        let replaced = |text, pattern, instead, n| replace(text, pattern, instead, (1, n), "");
        assert_eq!(replaced("abc", "b", "[\\&]", 1).unwrap(), "a[b]c");
        assert_eq!(replaced("john smith", "(\\w+) (\\w+)", "\\2, \\1", 1).unwrap(), "smith, john");
        assert_eq!(replaced("abcabc", "b", "X", 2).unwrap(), "abcaXc");
        assert_eq!(replaced("abc", "", "-", 0).unwrap(), "-a-b-c-");
        assert_eq!(replace("abcabcabc", "b", "X", (4, 1), "").unwrap(), "abcaXcabc");
        assert_eq!(replaced("a\\b", "a", "\\\\", 1).unwrap(), "\\\\b");
    }

    #[test]
    fn patterns_are_read_as_postgresqls() {
        assert!(is_match("a\nb", "(?n)^b", "").unwrap());
        assert!(!is_match("a\nb", "^b", "").unwrap());
        assert!(is_match("x[y", "[[]y", "").unwrap());
        assert!(is_match("A1", "^[[:upper:]][[:digit:]]$", "").unwrap());
        assert!(is_match("a.b", "a.b", "q").unwrap());
        assert!(!is_match("axb", "a.b", "q").unwrap());
    }
}
