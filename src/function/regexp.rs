//! Regular expressions as PostgreSQL's functions have them. How patterns are read is in
//! `pattern.rs`.

use super::pattern::{Places, compile};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// The groups of a match, or the whole of it where the pattern has none.
fn groups(text: &str, places: &Places) -> Vec<Option<String>> {
    let skip = usize::from(places.len() > 1);
    places
        .iter()
        .skip(skip)
        .map(|place| place.map(|(from, to)| text[from..to].to_owned()))
        .collect()
}

/// How many texts a match gives.
pub(super) fn width(pattern: &str) -> Result<usize> {
    Ok((compile(pattern, "")?.places_len() - 1).max(1))
}

/// The groups of the first match.
pub(super) fn first(text: &str, pattern: &str, flags: &str) -> Result<Option<Vec<Option<String>>>> {
    Ok(compile(pattern, flags)?.at(text, 0)?.map(|places| groups(text, &places)))
}

/// The groups of the first match, or of all with the flag `g`, one after the other.
pub(super) fn all(text: &str, pattern: &str, flags: &str) -> Result<Vec<Option<String>>> {
    let most = if flags.contains('g') { usize::MAX } else { 1 };
    let found = compile(pattern, flags)?.all(text, most)?;
    Ok(found.iter().flat_map(|places| groups(text, places)).collect())
}

/// What stands between the matches; empty ones at the text's ends do not split.
pub(super) fn split(text: &str, pattern: &str, flags: &str) -> Result<Vec<String>> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (from, to) in compile(pattern, flags)?.all(text, usize::MAX)?.iter().filter_map(|p| p[0]) {
        if from == to && (from == 0 || to == text.len()) {
            continue;
        }
        parts.push(text[start..from].to_owned());
        start = to;
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
    mut each: impl FnMut(&Places) -> bool,
) -> Result<()> {
    let regex = compile(pattern, flags)?;
    let mut at = from_place(text, start)?;
    while at <= text.len() {
        let Some(places) = regex.at(text, at)? else { break };
        let Some((from, to)) = places[0] else { break };
        if !each(&places) {
            break;
        }
        // An empty match is not found again.
        at = if to > from { to } else { to + text[to..].chars().next().map_or(1, char::len_utf8) };
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
    matches_from(text, pattern, start, flags, |places| {
        seen += 1;
        if seen == n {
            found = places.get(group).copied().flatten();
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
    matches_from(text, pattern, start, flags, |places| {
        seen += 1;
        if let Some((from, to)) = places[0].filter(|_| n == 0 || seen == n) {
            out.push_str(&text[copied..from]);
            expand(text, places, instead, &mut out);
            copied = to;
        }
        n == 0 || seen < n
    })?;
    out.push_str(&text[copied..]);
    Ok(out)
}

fn expand(text: &str, places: &Places, instead: &str, out: &mut String) {
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
        if let Some((from, to)) = places.get(group).copied().flatten() {
            out.push_str(&text[from..to]);
        }
    }
}

/// Tells whether there is a match.
pub(super) fn is_match(text: &str, pattern: &str, flags: &str) -> Result<bool> {
    compile(pattern, flags)?.is_match(text)
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
        // It would take 2^40 steps.
        let error = is_match(&"a".repeat(40), "(?=(a|a)+$)(a|a)+b\\1", "").unwrap_err();
        assert_eq!(error.code(), SqlState::STATEMENT_TOO_COMPLEX);
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

    // Each as PostgreSQL 15 answers.
    #[test]
    fn patterns_look_around_and_back() {
        for (text, pattern, expected) in [
            ("abab", "(ab)\\1", true),
            ("abba", "(ab)\\1", false),
            ("foobar", "foo(?=bar)", true),
            ("foobar", "foo(?!bar)", false),
            ("foobaz", "FOO(?!bar)", false),
            ("xbar", "(?<!foo)bar", true),
            ("foobar", "(?<=foo)bar", true),
            ("a tab b", "\\mtab(?= b)\\M", true),
            ("a\nb", "a.(?=b)", true),
        ] {
            assert_eq!(is_match(text, pattern, "").unwrap(), expected, "{text} ~ {pattern}");
        }
        assert!(is_match("foobaz", "FOO(?!bar)", "i").unwrap());
        assert_eq!(split("a1b2", "(?<=[0-9])", "").unwrap(), ["a1", "b2"]);
        let found = all("1000000", "[0-9](?=([0-9]{3})+$)", "g").unwrap();
        assert_eq!(found.len(), 2);
        let grouped = replace("1234567", "(?<=[0-9])(?=([0-9]{3})+$)", ",", (1, 0), "").unwrap();
        assert_eq!(grouped, "1,234,567");
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
