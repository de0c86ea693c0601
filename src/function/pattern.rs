//! PostgreSQL's regular expressions, compiled: by the `regex` crate, whose time grows with the text
//! alone, or by `fancy-regex` where a pattern looks around or refers back to its groups.
//!
//! A match is the leftmost one by the order of alternatives, where PostgreSQL's is the longest.

use std::cell::RefCell;
use std::rc::Rc;

use regex::{Regex, RegexBuilder};

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// Memory that one compiled pattern may take.
const SIZE_MAX: usize = 1 << 20;
/// Steps that a pattern which looks around or back may take at one place of a text.
const STEPS_MAX: usize = 1_000_000;
/// Compiled patterns that a thread keeps.
const KEPT_MAX: usize = 16;

thread_local! {
    // A query's patterns are the same in each row. The last one used stands first.
    static KEPT: RefCell<Vec<(String, String, Rc<Pattern>)>> = const { RefCell::new(Vec::new()) };
}

/// A compiled pattern.
pub(super) enum Pattern {
    Plain(Regex),
    Backtracking(fancy_regex::Regex),
}

/// Where a match, and behind it each of its groups, begins and ends in bytes.
pub(super) type Places = Vec<Option<(usize, usize)>>;

impl Pattern {
    /// How many places a match has: itself and its groups.
    pub(super) fn places_len(&self) -> usize {
        match self {
            Pattern::Plain(regex) => regex.captures_len(),
            Pattern::Backtracking(regex) => regex.captures_len(),
        }
    }

    pub(super) fn is_match(&self, text: &str) -> Result<bool> {
        match self {
            Pattern::Plain(regex) => Ok(regex.is_match(text)),
            Pattern::Backtracking(regex) => regex.is_match(text).map_err(too_complex),
        }
    }

    /// The first match at or behind a place.
    pub(super) fn at(&self, text: &str, place: usize) -> Result<Option<Places>> {
        match self {
            Pattern::Plain(regex) => Ok(regex.captures_at(text, place).map(|found| plain(&found))),
            Pattern::Backtracking(regex) => {
                let found = regex.captures_from_pos(text, place).map_err(too_complex)?;
                Ok(found.map(|found| backtracked(&found)))
            }
        }
    }

    /// The first matches, one behind the other.
    pub(super) fn all(&self, text: &str, most: usize) -> Result<Vec<Places>> {
        match self {
            Pattern::Plain(regex) => {
                Ok(regex.captures_iter(text).take(most).map(|found| plain(&found)).collect())
            }
            Pattern::Backtracking(regex) => regex
                .captures_iter(text)
                .take(most)
                .map(|found| found.map(|found| backtracked(&found)).map_err(too_complex))
                .collect(),
        }
    }
}

fn plain(found: &regex::Captures<'_>) -> Places {
    found.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect()
}

fn backtracked(found: &fancy_regex::Captures<'_, str>) -> Places {
    found.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect()
}

fn too_complex(error: fancy_regex::Error) -> Error {
    Error::new(
        SqlState::STATEMENT_TOO_COMPLEX,
        format!("regular expression takes too many steps: {error}"),
    )
}

/// Compiles a pattern with PostgreSQL's flags, or finds it among those that were used last; `g`
/// says nothing here.
pub(super) fn compile(pattern: &str, flags: &str) -> Result<Rc<Pattern>> {
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

fn compiled(pattern: &str, flags: &str) -> Result<Pattern> {
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
    let plain = RegexBuilder::new(&spelled)
        .case_insensitive(insensitive)
        .dot_matches_new_line(dot)
        .multi_line(lines)
        .ignore_whitespace(expanded)
        .size_limit(SIZE_MAX)
        .build();
    let error = match plain {
        Ok(regex) => return Ok(Pattern::Plain(regex)),
        Err(error) => error.to_string(),
    };
    let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
    if !reason.starts_with("look-around") && !reason.starts_with("backreferences") {
        return Err(invalid(reason));
    }
    fancy_regex::RegexBuilder::new(&spelled)
        .case_insensitive(insensitive)
        .dot_matches_new_line(dot)
        .multi_line(lines)
        .ignore_whitespace(expanded)
        .delegate_size_limit(SIZE_MAX)
        .backtrack_limit(STEPS_MAX)
        .build()
        .map(Pattern::Backtracking)
        .map_err(|error| invalid(&error.to_string()))
}

fn invalid(reason: &str) -> Error {
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
