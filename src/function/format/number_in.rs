//! `to_number`: reads a number along a template.

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

use super::datetime_in::character_length;
use super::decimal::Decimal;
use super::number_picture::{self, Anchor, Mark, Node, Shape};

/// The scale that a number under `V` has at least: that of PostgreSQL's negative powers of ten.
const SHIFTED_SCALE: usize = 16;

/// Reads a number along a template. An empty template gives `None`, SQL's null.
pub fn to_number(text: &str, template: &str) -> Result<Option<Decimal>> {
    if template.is_empty() {
        return Ok(None);
    }
    let (nodes, shape) = number_picture::parse(template)?;
    if shape.scientific || shape.roman {
        let pattern = if shape.scientific { "EEEE" } else { "RN" };
        return Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("\"{pattern}\" not supported for input"),
        ));
    }
    let mut reader = Reader {
        shape: &shape,
        text: text.as_bytes(),
        at: 0,
        sign: ' ',
        whole: String::new(),
        fraction: String::new(),
        point: false,
    };
    for node in &nodes {
        if reader.peek().is_none() {
            break;
        }
        match *node {
            Node::Text(_) => reader.skip_character(),
            Node::Mark(mark) => reader.mark(mark),
        }
    }
    reader.finish().map(Some)
}

struct Reader<'a> {
    shape: &'a Shape,
    text: &'a [u8],
    at: usize,
    /// A blank until there is one.
    sign: char,
    whole: String,
    fraction: String,
    point: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_character(&mut self) {
        if let Some(byte) = self.peek() {
            self.at += character_length(byte);
        }
    }

    /// Skips up to `count` characters that cannot belong to a number.
    fn skip_others(&mut self, count: usize) {
        for _ in 0..count {
            match self.peek() {
                Some(b'0'..=b'9' | b'.' | b',' | b'+' | b'-') | None => return,
                Some(_) => self.skip_character(),
            }
        }
    }

    /// Reads along one pattern.
    fn mark(&mut self, mark: Mark) {
        let next = self.peek();
        match mark {
            Mark::Nine | Mark::Zero => {
                self.place(true);
                self.at += 1;
            }
            Mark::Point => {
                self.place(false);
                self.at += 1;
            }
            Mark::Comma | Mark::Group if !self.shape.fill && next == Some(b',') => {
                self.at += 1;
            }
            Mark::Currency => self.skip_others(1),
            Mark::Ordinal(_) if !self.shape.has_point => self.skip_others(2),
            Mark::Minus | Mark::Plus | Mark::SignedPlus => match next {
                Some(sign @ b'-') if mark != Mark::Plus => self.take_sign(sign),
                Some(sign @ b'+') if mark != Mark::Minus => self.take_sign(sign),
                _ => self.skip_others(1),
            },
            _ => {}
        }
    }

    fn take_sign(&mut self, sign: u8) {
        self.sign = char::from(sign);
        self.at += 1;
    }

    fn has_digits(&self) -> bool {
        !self.whole.is_empty() || !self.fraction.is_empty()
    }

    /// Reads one place up to its last byte: a digit or the point, and a sign beside it.
    fn place(&mut self, digit_wanted: bool) {
        if self.peek() == Some(b' ') {
            self.at += 1;
        }
        if self.sign == ' ' && digit_wanted && !self.has_digits() {
            self.sign_before();
        }
        let Some(next) = self.peek() else { return };
        let mut taken = false;
        if next.is_ascii_digit() {
            if self.point && self.fraction.len() == self.shape.fraction {
                return;
            }
            let part = if self.point { &mut self.fraction } else { &mut self.whole };
            part.push(char::from(next));
            taken = true;
        } else if self.shape.has_point && !self.point && next == b'.' {
            self.point = true;
            taken = true;
        }
        if self.sign == ' ' && self.has_digits() {
            self.sign_behind(next, taken);
        }
    }

    fn sign_before(&mut self) {
        match self.peek() {
            Some(sign @ (b'-' | b'+')) => self.take_sign(sign),
            Some(b'<') if self.shape.bracket => self.take_sign(b'-'),
            _ => {}
        }
    }

    /// Reads a sign behind the number: where `S` is the template's, next to the last digit; where
    /// `MI`, `PL` or `SG` is, instead of a digit.
    fn sign_behind(&mut self, next: u8, taken: bool) {
        if self.shape.anchor != Anchor::None {
            if let (true, Some(sign @ (b'-' | b'+'))) = (taken, self.text.get(self.at + 1)) {
                self.sign = char::from(*sign);
                self.at += 1;
            }
        } else if !taken && (self.shape.plus || self.shape.minus) && matches!(next, b'-' | b'+') {
            self.sign = char::from(next);
        }
    }

    /// Makes a number of what was read, and checks it against the template's precision.
    fn finish(self) -> Result<Decimal> {
        if !self.has_digits() {
            return Err(Error::new(
                SqlState::INVALID_TEXT_REPRESENTATION,
                format!("invalid input syntax for type numeric: \"{}\"", self.sign),
            ));
        }
        let most = self.shape.whole + self.shape.shift;
        let precision = most + self.fraction.len();
        if self.whole.trim_start_matches('0').len() > most {
            let bound = if most > 0 { format!("10^{most}") } else { "1".to_owned() };
            return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow")
                .with_detail(format!(
                    "A field with precision {precision}, scale {} must round to an absolute value \
                 less than {bound}.",
                    self.fraction.len()
                )));
        }
        let mut scale = self.fraction.len();
        let mut digits = self.whole + &self.fraction;
        if self.shape.shifted {
            scale = SHIFTED_SCALE;
            // The power itself has no more digits than that.
            match scale.checked_sub(self.shape.shift) {
                Some(zeros) => digits.push_str(&"0".repeat(zeros)),
                None => digits.clear(),
            }
        }
        let trimmed = digits.trim_start_matches('0');
        let digits = if trimmed.is_empty() { "0" } else { trimmed };
        Ok(Decimal {
            negative: self.sign == '-' && digits != "0",
            digits: digits.to_owned(),
            scale: i32::try_from(scale).unwrap_or(i32::MAX),
        })
    }
}
