//! The tokens of JSON text, with PostgreSQL's errors where there are none.

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// Bytes of the line that an error's context shows at most.
const CONTEXT_BYTES: usize = 50;

/// What a token is; the lexer holds its place and, for a string, its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Before the first one.
    Start,
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Comma,
    Colon,
    String,
    Number,
    True,
    False,
    Null,
    End,
}

/// Reads tokens one by one.
pub(super) struct Lexer<'a> {
    text: &'a str,
    /// Whether strings are decoded, and refused if they cannot be.
    escapes: bool,
    token: Token,
    start: usize,
    end: usize,
    value: String,
    line: usize,
    line_start: usize,
}

/// Why a token was refused, in PostgreSQL's words.
enum Refusal {
    InvalidToken,
    EscapeFormat,
    InvalidEscape,
    Unescaped(u8),
    HighSurrogate,
    LowSurrogate,
    ZeroCode,
}

impl<'a> Lexer<'a> {
    /// Starts before the first token.
    pub(super) fn new(text: &'a str, escapes: bool) -> Lexer<'a> {
        Lexer {
            text,
            escapes,
            token: Token::Start,
            start: 0,
            end: 0,
            value: String::new(),
            line: 1,
            line_start: 0,
        }
    }

    /// The kind of the token.
    pub(super) fn token(&self) -> Token {
        self.token
    }

    /// Where the token starts, in bytes.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Where the token ends, in bytes.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// The token as it is written.
    pub(super) fn written(&self) -> &'a str {
        self.text.get(self.start..self.end).unwrap_or_default()
    }

    /// Takes the value of a string token; empty unless strings are decoded.
    pub(super) fn take_value(&mut self) -> String {
        std::mem::take(&mut self.value)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// Goes to the next token.
    pub(super) fn advance(&mut self) -> Result<()> {
        let mut at = self.end;
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte(at) {
            at += 1;
            if self.byte(at - 1) == Some(b'\n') {
                self.line += 1;
                self.line_start = at;
            }
        }
        self.start = at;
        let punctuation = match self.byte(at) {
            None => {
                self.end = at;
                self.token = Token::End;
                return Ok(());
            }
            Some(b'{') => Token::ObjectStart,
            Some(b'}') => Token::ObjectEnd,
            Some(b'[') => Token::ArrayStart,
            Some(b']') => Token::ArrayEnd,
            Some(b',') => Token::Comma,
            Some(b':') => Token::Colon,
            Some(b'"') => return self.string(),
            Some(b'-') => return self.number(at + 1),
            Some(b'0'..=b'9') => return self.number(at),
            Some(_) => return self.word(),
        };
        self.end = at + 1;
        self.token = punctuation;
        Ok(())
    }

    /// Reads `true`, `false` or `null`; refuses the whole of any other word, so that the message
    /// shows it.
    fn word(&mut self) -> Result<()> {
        let word = self.word_end(self.start);
        // Everything beyond ASCII belongs to a word, so a byte alone is a character alone.
        self.end = if word == self.start { self.start + 1 } else { word };
        self.token = match self.written() {
            "true" => Token::True,
            "false" => Token::False,
            "null" => Token::Null,
            _ => return Err(self.refused(&Refusal::InvalidToken)),
        };
        Ok(())
    }

    fn word_end(&self, from: usize) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        let inside = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || !b.is_ascii();
        from + rest.iter().take_while(|b| inside(b)).count()
    }

    fn digits_end(&self, from: usize) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        from + rest.iter().take_while(|b| b.is_ascii_digit()).count()
    }

    fn number(&mut self, digits: usize) -> Result<()> {
        let mut wrong = false;
        let mut at = match self.byte(digits) {
            Some(b'0') => digits + 1,
            _ => self.digits_end(digits),
        };
        wrong |= at == digits;
        if self.byte(at) == Some(b'.') {
            let end = self.digits_end(at + 1);
            wrong |= end == at + 1;
            at = end;
        }
        if let Some(b'e' | b'E') = self.byte(at) {
            at += 1;
            if let Some(b'+' | b'-') = self.byte(at) {
                at += 1;
            }
            let end = self.digits_end(at);
            wrong |= end == at;
            at = end;
        }
        self.end = self.word_end(at);
        if wrong || self.end != at {
            return Err(self.refused(&Refusal::InvalidToken));
        }
        self.token = Token::Number;
        Ok(())
    }

    fn string(&mut self) -> Result<()> {
        let mut value = String::new();
        let mut high = None;
        let mut at = self.start + 1;
        loop {
            let plain = self.plain_end(at);
            if plain > at {
                self.check_paired(high, at + self.char_len(at))?;
                if self.escapes {
                    value.push_str(self.text.get(at..plain).unwrap_or_default());
                }
                at = plain;
            }
            match self.byte(at) {
                None => return self.refuse_at(at, &Refusal::InvalidToken),
                Some(b'"') => break,
                Some(b'\\') => at = self.escape(at + 1, &mut high, &mut value)?,
                Some(byte) => return self.refuse_at(at, &Refusal::Unescaped(byte)),
            }
        }
        self.check_paired(high, at + 1)?;
        self.end = at + 1;
        self.token = Token::String;
        self.value = value;
        Ok(())
    }

    /// Where the run of characters that stand for themselves ends.
    fn plain_end(&self, from: usize) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        let plain = |b: &u8| *b >= b' ' && *b != b'"' && *b != b'\\';
        from + rest.iter().take_while(|b| plain(b)).count()
    }

    fn char_len(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        rest.chars().next().map_or(0, char::len_utf8)
    }

    /// Refuses a high surrogate that nothing followed.
    fn check_paired(&mut self, high: Option<u32>, at: usize) -> Result<()> {
        match high {
            Some(_) => self.refuse_at(at, &Refusal::LowSurrogate),
            None => Ok(()),
        }
    }

    /// Reads what follows a backslash and returns where it ends.
    fn escape(&mut self, at: usize, high: &mut Option<u32>, value: &mut String) -> Result<usize> {
        let plain = match self.byte(at) {
            None => return self.refuse_at(at, &Refusal::InvalidToken),
            Some(b'u') => return self.unicode(at + 1, high, value),
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(_) => {
                self.check_paired(*high, at + self.char_len(at))?;
                self.start = at;
                return self.refuse_at(at + self.char_len(at), &Refusal::InvalidEscape);
            }
        };
        self.check_paired(*high, at + 1)?;
        if self.escapes {
            value.push(plain);
        }
        Ok(at + 1)
    }

    /// Reads the four digits of a `\u` and returns where they end.
    fn unicode(&mut self, at: usize, high: &mut Option<u32>, value: &mut String) -> Result<usize> {
        let mut code = 0;
        for digit in at..at + 4 {
            let Some(byte) = self.byte(digit) else {
                return self.refuse_at(digit, &Refusal::InvalidToken);
            };
            let Some(nibble) = char::from(byte).to_digit(16) else {
                return self.refuse_at(digit + self.char_len(digit), &Refusal::EscapeFormat);
            };
            code = code * 16 + nibble;
        }
        let end = at + 4;
        if !self.escapes {
            return Ok(end);
        }
        match (code, high.take()) {
            (0xD800..=0xDBFF, None) => {
                *high = Some(code);
                return Ok(end);
            }
            (0xD800..=0xDBFF, Some(_)) => return self.refuse_at(end, &Refusal::HighSurrogate),
            (0xDC00..=0xDFFF, Some(first)) => {
                code = 0x10000 + ((first - 0xD800) << 10) + (code - 0xDC00);
            }
            (0xDC00..=0xDFFF, None) | (_, Some(_)) => {
                return self.refuse_at(end, &Refusal::LowSurrogate);
            }
            (0, None) => return self.refuse_at(end, &Refusal::ZeroCode),
            (_, None) => {}
        }
        value.extend(char::from_u32(code));
        Ok(end)
    }

    fn refuse_at<T>(&mut self, end: usize, refusal: &Refusal) -> Result<T> {
        self.end = end;
        Err(self.refused(refusal))
    }

    fn refused(&self, refusal: &Refusal) -> Error {
        let written = self.written();
        let detail = match refusal {
            Refusal::InvalidToken => format!("Token \"{written}\" is invalid."),
            Refusal::EscapeFormat => {
                "\"\\u\" must be followed by four hexadecimal digits.".to_owned()
            }
            Refusal::InvalidEscape => format!("Escape sequence \"\\{written}\" is invalid."),
            Refusal::Unescaped(byte) => {
                format!("Character with value 0x{byte:02x} must be escaped.")
            }
            Refusal::HighSurrogate => {
                "Unicode high surrogate must not follow a high surrogate.".to_owned()
            }
            Refusal::LowSurrogate => {
                "Unicode low surrogate must follow a high surrogate.".to_owned()
            }
            Refusal::ZeroCode => {
                let error = Error::new(
                    SqlState::UNTRANSLATABLE_CHARACTER,
                    "unsupported Unicode escape sequence",
                );
                let detail = "\\u0000 cannot be converted to text.";
                return error.with_detail(detail).with_context(self.context());
            }
        };
        self.error(detail)
    }

    /// The error for a token that is not what was expected.
    pub(super) fn unexpected(&self, expected: &str) -> Error {
        if self.token == Token::End {
            return self.error("The input string ended unexpectedly.".to_owned());
        }
        self.error(format!("Expected {expected}, but found \"{}\".", self.written()))
    }

    fn error(&self, detail: String) -> Error {
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json")
            .with_detail(detail)
            .with_context(self.context())
    }

    /// The line up to the token's end, shortened at its start if it is long.
    fn context(&self) -> String {
        let mut start = self.line_start;
        while self.end.saturating_sub(start) >= CONTEXT_BYTES {
            start += self.char_len(start).max(1);
        }
        if start - self.line_start <= 3 {
            start = self.line_start;
        }
        let shown = self.text.get(start..self.end).unwrap_or_default();
        let prefix = if start > self.line_start { "..." } else { "" };
        let goes_on = !matches!(self.byte(self.end), None | Some(b'\n' | b'\r'));
        let suffix = if self.token != Token::End && goes_on { "..." } else { "" };
        format!("JSON data, line {}: {prefix}{shown}{suffix}", self.line)
    }
}
