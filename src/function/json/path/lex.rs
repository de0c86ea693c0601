//! The tokens of a jsonpath.

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// Characters that are tokens of their own and end a word.
const SPECIAL: &str = "?%$.[]{}()|&!=<>@#,*:-+/";
const BLANK: &[char] = &[' ', '\t', '\n', '\r', '\u{c}'];
/// Tokens of two characters.
const PAIRS: [&str; 8] = ["&&", "||", "**", "<=", "==", "<>", "!=", ">="];

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    End,
    /// A name or a keyword.
    Word(String),
    String(String),
    Variable(String),
    /// A number that is written as an integer.
    Integer(String),
    /// Any other number.
    Numeric(String),
    /// One of [`PAIRS`] or [`SPECIAL`].
    Sign(&'static str),
}

/// Reads tokens one by one.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// What a syntax error at the token shows; empty at the end.
    near: &'a str,
}

/// A syntax error.
fn failure(message: &str, near: &str) -> Error {
    let place = if near.is_empty() {
        "at end of jsonpath input".to_owned()
    } else {
        format!("at or near \"{near}\" of jsonpath input")
    };
    Error::new(SqlState::SYNTAX_ERROR, format!("{message} {place}"))
}

fn is_other(c: char) -> bool {
    !SPECIAL.contains(c) && !BLANK.contains(&c) && c != '\\' && c != '"'
}

fn count(text: &str, inside: impl Fn(char) -> bool) -> usize {
    text.find(|c| !inside(c)).unwrap_or(text.len())
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0, near: "" }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Takes bytes and makes them what an error shows.
    fn take(&mut self, len: usize) -> &'a str {
        let taken = self.text.get(self.at..self.at + len).unwrap_or_default();
        self.at += len;
        self.near = taken;
        taken
    }

    /// The error of a token that does not belong where it is.
    pub(super) fn unexpected(&self) -> Error {
        failure("syntax error", self.near)
    }

    /// Reads the next token.
    pub(super) fn next(&mut self) -> Result<Token> {
        loop {
            let blanks = count(self.rest(), |c| BLANK.contains(&c));
            self.at += blanks;
            if !self.rest().starts_with("/*") {
                break;
            }
            self.comment()?;
        }
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            self.near = "";
            return Ok(Token::End);
        };
        if (first.is_ascii_digit() || first == '.')
            && let Some(token) = self.number()?
        {
            return Ok(token);
        }
        if first == '$' {
            let name = count(rest.get(1..).unwrap_or_default(), is_other);
            if name > 0 {
                let taken = self.take(1 + name);
                return Ok(Token::Variable(taken.get(1..).unwrap_or_default().to_owned()));
            }
            if rest.starts_with("$\"") {
                self.at += 2;
                return Ok(Token::Variable(self.quoted()?));
            }
        }
        if first == '"' {
            self.at += 1;
            return Ok(Token::String(self.quoted()?));
        }
        if is_other(first) || first == '\\' {
            return self.word();
        }
        let pair = PAIRS.into_iter().find(|pair| rest.starts_with(pair));
        let single = || SPECIAL.match_indices(first).next().map(|(_, sign)| sign);
        let sign = pair.or_else(single).unwrap_or_default();
        self.take(sign.len());
        Ok(Token::Sign(sign))
    }

    fn comment(&mut self) -> Result<()> {
        match self.rest().get(2..).unwrap_or_default().find("*/") {
            Some(len) => {
                self.at += len + 4;
                Ok(())
            }
            None => Err(failure("unexpected end of comment", "")),
        }
    }

    /// Reads a number, if one starts here that is not the start of a longer word.
    fn number(&mut self) -> Result<Option<Token>> {
        let rest = self.rest();
        let digits =
            |from: usize| count(rest.get(from..).unwrap_or_default(), |c| c.is_ascii_digit());
        let whole = if rest.starts_with('0') { 1 } else { digits(0) };
        let mut len = whole;
        if rest.get(whole..).is_some_and(|tail| tail.starts_with('.')) {
            let fraction = digits(whole + 1);
            if whole + fraction == 0 {
                return Ok(None);
            }
            len = whole + 1 + fraction;
        }
        let mut numeric = len > whole;
        let tail = rest.get(len..).unwrap_or_default();
        if tail.starts_with(['e', 'E']) {
            let sign = usize::from(tail.get(1..).is_some_and(|t| t.starts_with(['+', '-'])));
            let exponent = digits(len + 1 + sign);
            if exponent > 0 {
                len += 1 + sign + exponent;
                numeric = true;
            } else if sign > 0 {
                return Err(failure("invalid numeric literal", self.take(len + 2)));
            }
        }
        let after = rest.get(len..).unwrap_or_default().chars().next();
        if let Some(junk) = after.filter(|c| is_other(*c)) {
            // The longest match wins: digits and letters may make a word as well. PostgreSQL
            // compares bytes and takes one byte of junk.
            if count(rest, is_other) > len + 1 {
                return Ok(None);
            }
            let near = self.take(len + junk.len_utf8());
            return Err(failure("trailing junk after numeric literal", near));
        }
        let text = self.take(len).to_owned();
        Ok(Some(if numeric { Token::Numeric(text) } else { Token::Integer(text) }))
    }

    /// Reads a name: what is neither blank nor special, with escapes.
    fn word(&mut self) -> Result<Token> {
        let mut word = String::new();
        loop {
            let plain = count(self.rest(), is_other);
            word.push_str(self.take(plain));
            let rest = self.rest();
            if rest.starts_with('\\') {
                self.escape(&mut word)?;
            } else if rest.starts_with("/*") {
                // PostgreSQL's scanner forgets a word that a comment follows directly.
                self.comment()?;
                return self.next();
            } else {
                let blanks = count(rest, |c| BLANK.contains(&c));
                self.take(blanks);
                return Ok(Token::Word(word));
            }
        }
    }

    /// Reads a string behind its opening quote.
    fn quoted(&mut self) -> Result<String> {
        let mut value = String::new();
        loop {
            let plain = count(self.rest(), |c| c != '"' && c != '\\');
            value.push_str(self.take(plain));
            match self.rest().chars().next() {
                None => return Err(failure("unexpected end of quoted string", "")),
                Some('"') => {
                    self.take(1);
                    return Ok(value);
                }
                Some(_) => self.escape(&mut value)?,
            }
        }
    }

    fn escape(&mut self, value: &mut String) -> Result<()> {
        let rest = self.rest();
        let Some(escaped) = rest.chars().nth(1).filter(|c| *c != '\n') else {
            return Err(failure("unexpected end after backslash", self.take(1)));
        };
        match escaped {
            'u' => return self.unicode(value),
            'x' => {
                let hex = rest.get(2..).unwrap_or_default();
                let digits = count(hex, |c| c.is_ascii_hexdigit()).min(2);
                let taken = self.take(2 + digits);
                if digits < 2 {
                    return Err(failure("invalid hex character sequence", taken));
                }
                return push_code(code(taken.get(2..).unwrap_or_default()), value);
            }
            'b' => value.push('\u{8}'),
            'f' => value.push('\u{c}'),
            'n' => value.push('\n'),
            'r' => value.push('\r'),
            't' => value.push('\t'),
            'v' => value.push('\u{b}'),
            other => value.push(other),
        }
        self.take(1 + escaped.len_utf8());
        Ok(())
    }

    /// Reads a run of `\uXXXX` and `\u{X…}`: only inside one do surrogates find each other.
    fn unicode(&mut self, value: &mut String) -> Result<()> {
        let mut codes = Vec::new();
        let mut len = 0;
        while let Some(body) = self.rest().get(len..).and_then(|tail| tail.strip_prefix("\\u")) {
            let (braces, body) = match body.strip_prefix('{') {
                Some(inner) => (true, inner),
                None => (false, body),
            };
            let wanted = if braces { 6 } else { 4 };
            let digits = count(body, |c| c.is_ascii_hexdigit()).min(wanted);
            let closed = body.get(digits..).is_some_and(|tail| tail.starts_with('}'));
            let complete = if braces { digits > 0 && closed } else { digits == wanted };
            len += 2 + usize::from(braces) + digits;
            if !complete {
                return Err(failure("invalid unicode sequence", self.take(len)));
            }
            len += usize::from(braces);
            codes.push(code(body.get(..digits).unwrap_or_default()));
        }
        self.take(len);
        push_codes(&codes, value)
    }
}

fn code(hex: &str) -> u32 {
    u32::from_str_radix(hex, 16).unwrap_or_default()
}

fn push_codes(codes: &[u32], value: &mut String) -> Result<()> {
    let surrogates = |order: &str| {
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type jsonpath")
            .with_detail(format!("Unicode {order} surrogate."))
    };
    let mut high = None;
    for code in codes {
        match (*code, high) {
            (0xD800..=0xDBFF, None) => high = Some(*code - 0xD800),
            (0xD800..=0xDBFF, Some(_)) => {
                return Err(surrogates("high surrogate must not follow a high"));
            }
            (0xDC00..=0xDFFF, Some(first)) => {
                push_code(0x10000 + (first << 10) + (code - 0xDC00), value)?;
                high = None;
            }
            (0xDC00..=0xDFFF, None) | (_, Some(_)) => {
                return Err(surrogates("low surrogate must follow a high"));
            }
            (code, None) => push_code(code, value)?,
        }
    }
    if high.is_some() { Err(surrogates("low surrogate must follow a high")) } else { Ok(()) }
}

fn push_code(code: u32, value: &mut String) -> Result<()> {
    if code == 0 {
        let message = "unsupported Unicode escape sequence";
        return Err(Error::new(SqlState::UNTRANSLATABLE_CHARACTER, message)
            .with_detail("\\u0000 cannot be converted to text."));
    }
    let Some(c) = char::from_u32(code) else {
        return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode code point"));
    };
    value.push(c);
    Ok(())
}
