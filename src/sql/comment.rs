//! What a sqlcommenter comment says about its statement:
//! `/*idempotency_key='a%20b',traceparent='…'*/`.
//!
//! The format is <https://google.github.io/sqlcommenter/spec/>: pairs between commas, names and
//! values URL-encoded, values in single quotes with `\'` for a quote inside. A comment of another
//! form is only a comment.

use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Whitespace};

use crate::sql::dialect::PostgreSql;

/// The pairs that Teatree reads; others are a client's own business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comment {
    pub idempotency_key: Option<String>,
    /// The W3C trace context of the client's span.
    pub traceparent: Option<String>,
}

impl Comment {
    /// Reads the comments among a statement's tokens; of two with the same name the later counts.
    pub(super) fn of_tokens(tokens: &[TokenWithSpan]) -> Comment {
        let mut comment = Comment::default();
        for token in tokens {
            if let Token::Whitespace(Whitespace::MultiLineComment(text)) = &token.token {
                comment.read(text);
            }
        }
        comment
    }

    fn read(&mut self, text: &str) {
        for (name, value) in pairs(text).unwrap_or_default() {
            match name.as_str() {
                "idempotency_key" => self.idempotency_key = Some(value),
                "traceparent" => self.traceparent = Some(value),
                _ => {}
            }
        }
    }

    /// Adds what a later comment says.
    pub(super) fn and(&mut self, later: Comment) {
        self.idempotency_key = later.idempotency_key.or(self.idempotency_key.take());
        self.traceparent = later.traceparent.or(self.traceparent.take());
    }
}

/// Returns a statement's text without comments and with one space for any white space: the same for
/// two sendings that differ only in what they tell of themselves.
pub fn without_comments(text: &str) -> String {
    let Ok(tokens) = Tokenizer::new(&PostgreSql, text).tokenize_with_location() else {
        return text.to_owned();
    };
    let mut place = Place::new(text);
    let mut plain = String::with_capacity(text.len());
    for token in tokens.iter().filter(|token| !is_blank(&token.token)) {
        let (start, end) = (place.byte(token.span.start), place.byte(token.span.end));
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.push_str(text.get(start..end).unwrap_or_default());
    }
    plain
}

/// Turns the tokenizer's lines and columns into bytes, going only forward: linear in the text.
struct Place<'a> {
    chars: std::str::CharIndices<'a>,
    line: u64,
    column: u64,
}

impl<'a> Place<'a> {
    fn new(text: &'a str) -> Place<'a> {
        Place { chars: text.char_indices(), line: 1, column: 1 }
    }

    fn byte(&mut self, location: Location) -> usize {
        while (self.line, self.column) < (location.line, location.column) {
            match self.chars.next() {
                None => break,
                Some((_, '\n')) => (self.line, self.column) = (self.line + 1, 1),
                Some(_) => self.column += 1,
            }
        }
        self.chars.offset()
    }
}

fn is_blank(token: &Token) -> bool {
    matches!(token, Token::Whitespace(_) | Token::EOF)
}

/// Reads all pairs; `None` unless the whole text is of them.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = quoted(after.trim_start())?;
        pairs.push((decoded(name.trim())?, decoded(&value)?));
        rest = after.trim_start();
        if rest.is_empty() {
            return Some(pairs);
        }
        rest = rest.strip_prefix(',')?;
    }
}

/// Reads a value in quotes; gives it unescaped, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('\'')?;
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return Some((value, &text[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

/// Decodes `%41`; `None` for a broken escape or what is no UTF-8 then.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = rest else { return None };
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::parse;

    fn comment(sql: &str) -> Comment {
        parse(sql).unwrap().remove(0).comment
    }

    fn key(sql: &str) -> Option<String> {
        comment(sql).idempotency_key
    }

    #[test]
    fn pairs_are_read_as_sqlcommenter_writes_them() {
        let all = comment(
            "INSERT INTO t VALUES (1) /*action='%2Fparam*d',idempotency_key='order%207%2c\\'a\\'',\
             traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01'*/",
        );
        assert_eq!(all.idempotency_key.as_deref(), Some("order 7,'a'"));
        let trace = "00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01";
        assert_eq!(all.traceparent.as_deref(), Some(trace));
    }

    #[test]
    fn a_comment_may_stand_anywhere_in_its_statement() {
        let k = Some("k".to_owned());
        assert_eq!(key("/*idempotency_key='k'*/ DELETE FROM t"), k);
        assert_eq!(key("DELETE /* idempotency_key = 'k' , a = 'b' */ FROM t"), k);
        assert_eq!(key("DELETE FROM t /*idempotency_key='k'*/;"), k);
        assert_eq!(key("DELETE FROM t; /*idempotency_key='k'*/"), k);
        assert_eq!(key("DELETE FROM t; /*idempotency_key='k'*/ SELECT 1"), None);
        assert_eq!(key("PIVOT t ON a USING sum(b) /*idempotency_key='k'*/"), k);
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for sql in [
            "DELETE FROM t",
            "DELETE FROM t WHERE a = '/*idempotency_key=''k''*/'",
            "DELETE FROM t /*idempotency_key=k*/",
            "DELETE FROM t /*idempotency_key='k*/",
            "DELETE FROM t /*idempotency_key='k' and more*/",
            "DELETE FROM t /*idempotency_key='%4'*/",
            "DELETE FROM t /*idempotency_key='%ff'*/",
            "DELETE FROM t -- idempotency_key='k'",
            "SELECT 1 AS \"/*idempotency_key='k'*/\"",
        ] {
            assert_eq!(key(sql), None, "{sql}");
        }
    }

    #[test]
    fn comments_and_white_space_are_left_out_and_nothing_else() {
        let plain = without_comments;
        assert_eq!(
            plain("INSERT  INTO\n t /*traceparent='1'*/ VALUES ('a  b', 'é')"),
            plain("INSERT INTO t VALUES/*x*/('a  b', 'é') -- y")
        );
        assert_ne!(plain("SELECT 'a b'"), plain("SELECT 'a  b'"));
        assert_ne!(plain("SELECT \"A\""), plain("SELECT a"));
        assert_ne!(plain("SELECT '/*a*/'"), plain("SELECT ''"));
        assert_eq!(plain("SELECT 'é', $1::text"), "SELECT 'é' , $1 :: text");
    }
}
