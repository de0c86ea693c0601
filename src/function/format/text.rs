//! `format` and `initcap`.

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

use super::quote::{quote_ident, quote_literal};

/// PostgreSQL's longest text.
const MAX_LENGTH: usize = 0x3fff_ffff;

/// Formats arguments, `None` being SQL's null, along a template of `%s`, `%I`, `%L` and `%%`.
pub fn format(template: &str, arguments: &[Option<&str>]) -> Result<String> {
    let mut out = String::new();
    let mut rest = template;
    let mut arguments = Arguments { all: arguments, next: 0 };
    while let Some((text, spec)) = rest.split_once('%') {
        out.push_str(text);
        if let Some(behind) = spec.strip_prefix('%') {
            out.push('%');
            rest = behind;
            continue;
        }
        let mut parser = Parser { rest: spec };
        let spec = parser.spec()?;
        let mut chars = parser.rest.chars();
        let conversion = chars.next().ok_or_else(unterminated)?;
        if !matches!(conversion, 's' | 'I' | 'L') {
            return Err(invalid(format!("unrecognized format() type specifier \"{conversion}\""))
                .with_hint(PERCENT_HINT));
        }
        let (mut width, mut left) = (spec.width, spec.left);
        if let Some(position) = spec.width_from {
            width = width_of(arguments.take(position)?)?;
            left |= width < 0;
        }
        let value = converted(arguments.take(spec.position)?, conversion)?;
        append(&mut out, &value, width.unsigned_abs() as usize, left)?;
        rest = chars.as_str();
    }
    out.push_str(rest);
    Ok(out)
}

const PERCENT_HINT: &str = "For a single \"%\" use \"%%\".";

/// The arguments, and which comes next.
struct Arguments<'a> {
    all: &'a [Option<&'a str>],
    next: usize,
}

impl<'a> Arguments<'a> {
    /// Takes the argument of a position, 0 for the next one.
    fn take(&mut self, position: i32) -> Result<Option<&'a str>> {
        if let Some(index) = usize::try_from(position).ok().and_then(|p| p.checked_sub(1)) {
            self.next = index;
        }
        let argument =
            self.all.get(self.next).ok_or_else(|| invalid("too few arguments for format()"))?;
        self.next += 1;
        Ok(*argument)
    }
}

/// What stands between the percent sign and the conversion.
#[derive(Default)]
struct Spec {
    /// The argument's position, 0 for the next one.
    position: i32,
    left: bool,
    width: i32,
    /// The position of the argument that is the width, 0 for the next one.
    width_from: Option<i32>,
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn spec(&mut self) -> Result<Spec> {
        let mut spec = Spec::default();
        if let Some(number) = self.number()? {
            if !self.take('$') {
                spec.width = number;
                return Ok(spec);
            }
            spec.position = position(number)?;
            self.more()?;
        }
        while self.take('-') {
            spec.left = true;
            self.more()?;
        }
        if self.take('*') {
            self.more()?;
            let mut from = 0;
            if let Some(number) = self.number()? {
                if !self.take('$') {
                    return Err(invalid("width argument position must be ended by \"$\""));
                }
                from = position(number)?;
                self.more()?;
            }
            spec.width_from = Some(from);
        } else {
            spec.width = self.number()?.unwrap_or_default();
        }
        Ok(spec)
    }

    fn take(&mut self, c: char) -> bool {
        let behind = self.rest.strip_prefix(c);
        self.rest = behind.unwrap_or(self.rest);
        behind.is_some()
    }

    /// Fails at the template's end.
    fn more(&self) -> Result<()> {
        if self.rest.is_empty() { Err(unterminated()) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Option<i32>> {
        self.more()?;
        let behind = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = self.rest.strip_suffix(behind).unwrap_or_default();
        self.rest = behind;
        if digits.is_empty() {
            return Ok(None);
        }
        let number = digits.parse().map_err(|_| number_out_of_range())?;
        self.more()?;
        Ok(Some(number))
    }
}

fn position(number: i32) -> Result<i32> {
    if number == 0 {
        return Err(invalid("format specifies argument 0, but arguments are numbered from 1"));
    }
    Ok(number)
}

/// Reads an argument that is a width; null is none.
fn width_of(argument: Option<&str>) -> Result<i32> {
    let Some(text) = argument else { return Ok(0) };
    let trimmed = text.trim_matches(super::picture::is_space);
    let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Error::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("invalid input syntax for type integer: \"{text}\""),
        ));
    }
    let width = trimmed.parse::<i32>().map_err(|_| {
        Error::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            format!("value \"{text}\" is out of range for type integer"),
        )
    })?;
    if width == i32::MIN { Err(number_out_of_range()) } else { Ok(width) }
}

fn converted(argument: Option<&str>, conversion: char) -> Result<String> {
    match (argument, conversion) {
        (Some(text), 'I') => Ok(quote_ident(text)),
        (Some(text), 'L') => Ok(quote_literal(text)),
        (Some(text), _) => Ok(text.to_owned()),
        (None, 'I') => Err(Error::new(
            SqlState::NULL_VALUE_NOT_ALLOWED,
            "null values cannot be formatted as an SQL identifier",
        )),
        (None, 'L') => Ok("NULL".to_owned()),
        (None, _) => Ok(String::new()),
    }
}

/// Appends a text, padded with blanks to a width in characters.
fn append(out: &mut String, text: &str, width: usize, left: bool) -> Result<()> {
    let blanks = width.saturating_sub(text.chars().count());
    if blanks >= MAX_LENGTH - out.len().min(MAX_LENGTH) {
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "out of memory").with_detail(
            format!(
                "Cannot enlarge string buffer containing {} bytes by {blanks} more bytes.",
                out.len()
            ),
        ));
    }
    if left {
        out.push_str(text);
    }
    out.extend(std::iter::repeat_n(' ', blanks));
    if !left {
        out.push_str(text);
    }
    Ok(())
}

fn unterminated() -> Error {
    invalid("unterminated format() type specifier").with_hint(PERCENT_HINT)
}

fn number_out_of_range() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "number is out of range")
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// Writes each word with one capital, its first letter. A word is letters and digits.
pub fn initcap(text: &str) -> String {
    let mut in_word = false;
    text.chars()
        .map(|c| {
            let written = if in_word { lower(c) } else { upper(c) };
            in_word = is_word(written);
            written
        })
        .collect()
}

/// Tells whether a character belongs to a word: a letter or a decimal digit, but not another number
/// such as a fraction or a superscript.
fn is_word(c: char) -> bool {
    let number = matches!(
        c,
        '\u{b2}'..='\u{b3}'
            | '\u{b9}'
            | '\u{bc}'..='\u{be}'
            | '\u{9f4}'..='\u{9f9}'
            | '\u{b72}'..='\u{b77}'
            | '\u{bf0}'..='\u{bf2}'
            | '\u{c78}'..='\u{c7e}'
            | '\u{d58}'..='\u{d5e}'
            | '\u{d70}'..='\u{d78}'
            | '\u{f2a}'..='\u{f33}'
            | '\u{1369}'..='\u{137c}'
            | '\u{17f0}'..='\u{17f9}'
            | '\u{19da}'
            | '\u{2070}'
            | '\u{2074}'..='\u{2079}'
            | '\u{2080}'..='\u{2089}'
            | '\u{2150}'..='\u{215f}'
            | '\u{2189}'
            | '\u{2460}'..='\u{249b}'
            | '\u{24ea}'..='\u{24ff}'
            | '\u{2776}'..='\u{2793}'
            | '\u{2cfd}'
            | '\u{3192}'..='\u{3195}'
            | '\u{3220}'..='\u{3229}'
            | '\u{3248}'..='\u{324f}'
            | '\u{3251}'..='\u{325f}'
            | '\u{3280}'..='\u{3289}'
            | '\u{32b1}'..='\u{32bf}'
            | '\u{a830}'..='\u{a835}'
    );
    c.is_alphanumeric() && !number
}

/// Returns the one capital letter of a letter, if there is one.
fn upper(c: char) -> char {
    match c {
        // Their capitals are younger than PostgreSQL 15's Unicode.
        '\u{19b}' | '\u{264}' => c,
        // Their full capitals are two letters, but they have a single one, too.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => {
            char::from_u32(c as u32 + 8).unwrap_or(c)
        }
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => char::from_u32(c as u32 + 9).unwrap_or(c),
        _ => {
            let mut capitals = c.to_uppercase();
            match (capitals.next(), capitals.next()) {
                (Some(capital), None) => capital,
                _ => c,
            }
        }
    }
}

/// Returns the one small letter of a letter.
fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}
