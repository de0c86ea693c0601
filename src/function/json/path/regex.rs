//! The grammar of `like_regex` patterns: PostgreSQL's advanced regular expressions, except for
//! back references and looking ahead or behind.

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// The highest number of repetitions that can be written.
const REPEAT_MAX: u32 = 255;
/// How deep groups nest at most.
const DEPTH_MAX: usize = 200;

/// A part of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Empty,
    Set(Set),
    Concat(Vec<Node>),
    Either(Vec<Node>),
    /// From so often to so often; `None` for any number of times.
    Repeat(Box<Node>, u32, Option<u32>),
    Assert(Assertion),
}

/// A condition on a place between characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assertion {
    /// `^`
    LineStart,
    /// `$`
    LineEnd,
    /// `\A`
    TextStart,
    /// `\Z`
    TextEnd,
    /// `\m`
    WordStart,
    /// `\M`
    WordEnd,
    /// `\y`
    WordEdge,
    /// `\Y`
    NoWordEdge,
}

/// A set of characters.
#[derive(Clone, Debug, Default)]
pub(super) struct Set {
    pub(super) negated: bool,
    pub(super) members: Vec<Member>,
}

/// Characters of a set.
#[derive(Clone, Copy, Debug)]
pub(super) enum Member {
    Range(char, char),
    Class(Class, bool),
}

/// A named class of characters; the flag beside it says whether it is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Alnum,
    Alpha,
    Blank,
    Control,
    Digit,
    Graph,
    Lower,
    Print,
    Punct,
    Space,
    Upper,
    HexDigit,
    Word,
}

impl Class {
    fn named(name: &str) -> Option<Class> {
        Some(match name {
            "alnum" => Class::Alnum,
            "alpha" => Class::Alpha,
            "blank" => Class::Blank,
            "cntrl" => Class::Control,
            "digit" => Class::Digit,
            "graph" => Class::Graph,
            "lower" => Class::Lower,
            "print" => Class::Print,
            "punct" => Class::Punct,
            "space" => Class::Space,
            "upper" => Class::Upper,
            "xdigit" => Class::HexDigit,
            "word" => Class::Word,
            _ => return None,
        })
    }
}

/// An error in a pattern.
pub(super) fn invalid(what: &str) -> Error {
    Error::new(SqlState::INVALID_REGULAR_EXPRESSION, format!("invalid regular expression: {what}"))
}

fn unsupported(what: &str) -> Error {
    Error::unsupported(format!("{what} in like_regex patterns are not supported"))
}

/// Reads a pattern.
pub(super) fn parse(pattern: &str) -> Result<Node> {
    let mut parser = Parser { chars: pattern.chars().collect(), at: 0, depth: 0 };
    let node = parser.alternatives()?;
    if parser.peek().is_some() {
        return Err(invalid("parentheses () not balanced"));
    }
    Ok(node)
}

/// A pattern that stands for itself.
pub(super) fn literal(text: &str) -> Node {
    Node::Concat(text.chars().map(single).collect())
}

fn single(c: char) -> Node {
    Node::Set(Set { negated: false, members: vec![Member::Range(c, c)] })
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn peek_at(&self, offset: usize) -> Option<char> {
        self.chars.get(self.at + offset).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn takes(&mut self, c: char) -> bool {
        let is = self.peek() == Some(c);
        self.at += usize::from(is);
        is
    }

    fn alternatives(&mut self) -> Result<Node> {
        let mut all = vec![self.sequence()?];
        while self.takes('|') {
            all.push(self.sequence()?);
        }
        Ok(Node::Either(all))
    }

    fn sequence(&mut self) -> Result<Node> {
        let mut parts = Vec::new();
        while let Some(c) = self.peek() {
            if c == '|' || c == ')' {
                break;
            }
            parts.push(self.quantified()?);
        }
        Ok(Node::Concat(parts))
    }

    fn quantified(&mut self) -> Result<Node> {
        let node = self.atom()?;
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') if self.peek_at(1).is_some_and(|c| c.is_ascii_digit()) => self.bounds()?,
            _ => return Ok(node),
        };
        self.at += 1;
        // Matching as little as possible matches the same texts.
        self.takes('?');
        if matches!(node, Node::Assert(_)) || self.is_quantifier() {
            return Err(invalid("quantifier operand invalid"));
        }
        Ok(Node::Repeat(Box::new(node), least, most))
    }

    fn is_quantifier(&self) -> bool {
        match self.peek() {
            Some('*' | '+' | '?') => true,
            Some('{') => self.peek_at(1).is_some_and(|c| c.is_ascii_digit()),
            _ => false,
        }
    }

    /// Reads `{m,n}` up to its closing brace.
    fn bounds(&mut self) -> Result<(u32, Option<u32>)> {
        self.at += 1;
        let least = self.count()?;
        let mut most = Some(least);
        if self.takes(',') {
            most = match self.peek() {
                Some(c) if c.is_ascii_digit() => Some(self.count()?),
                _ => None,
            };
        }
        match self.peek() {
            Some('}') if most.is_none_or(|most| most >= least) => Ok((least, most)),
            Some(_) => Err(invalid("invalid repetition count(s)")),
            None => Err(invalid("braces {} not balanced")),
        }
    }

    fn count(&mut self) -> Result<u32> {
        let mut count = 0_u32;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            self.at += 1;
            count = count.saturating_mul(10).saturating_add(digit);
        }
        if count > REPEAT_MAX { Err(invalid("invalid repetition count(s)")) } else { Ok(count) }
    }

    fn atom(&mut self) -> Result<Node> {
        if self.is_quantifier() {
            return Err(invalid("quantifier operand invalid"));
        }
        match self.take() {
            Some('(') => self.group(),
            Some('[') => self.bracket(),
            Some('.') => Ok(Node::Set(Set { negated: true, members: Vec::new() })),
            Some('^') => Ok(Node::Assert(Assertion::LineStart)),
            Some('$') => Ok(Node::Assert(Assertion::LineEnd)),
            Some('\\') => self.escape(),
            Some(c) => Ok(single(c)),
            None => Ok(Node::Empty),
        }
    }

    fn group(&mut self) -> Result<Node> {
        if self.takes('?') {
            match self.take() {
                Some(':') => {}
                Some('=' | '!' | '<') => return Err(unsupported("lookaround constraints")),
                _ => return Err(invalid("quantifier operand invalid")),
            }
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(invalid("regular expression is too complex"));
        }
        let node = self.alternatives()?;
        self.depth -= 1;
        if self.takes(')') { Ok(node) } else { Err(invalid("parentheses () not balanced")) }
    }

    fn escape(&mut self) -> Result<Node> {
        let Some(c) = self.peek() else { return Err(invalid("invalid escape \\ sequence")) };
        let assertion = match c {
            'A' => Assertion::TextStart,
            'Z' => Assertion::TextEnd,
            'm' => Assertion::WordStart,
            'M' => Assertion::WordEnd,
            'y' => Assertion::WordEdge,
            'Y' => Assertion::NoWordEdge,
            '1'..='9' => return Err(unsupported("back references")),
            _ => {
                let member = self.escaped()?;
                return Ok(Node::Set(Set { negated: false, members: vec![member] }));
            }
        };
        self.at += 1;
        Ok(Node::Assert(assertion))
    }

    /// Reads what a backslash makes of the characters behind it: a class or one character.
    fn escaped(&mut self) -> Result<Member> {
        let wrong = || invalid("invalid escape \\ sequence");
        let c = self.take().ok_or_else(wrong)?;
        let code = match c {
            'd' | 'D' => return Ok(Member::Class(Class::Digit, c == 'd')),
            's' | 'S' => return Ok(Member::Class(Class::Space, c == 's')),
            'w' | 'W' => return Ok(Member::Class(Class::Word, c == 'w')),
            'a' => 7,
            'b' => 8,
            'B' => u32::from('\\'),
            'c' => u32::from(self.take().ok_or_else(wrong)?) & 31,
            'e' => 27,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'u' => self.number(16, 4, 4)?,
            'U' => self.number(16, 8, 8)?,
            'v' => 11,
            'x' => self.number(16, 1, usize::MAX)?,
            '0' => self.number(8, 0, 2)?,
            c if c.is_ascii_alphanumeric() => return Err(wrong()),
            c => u32::from(c),
        };
        let c = char::from_u32(code).ok_or_else(wrong)?;
        Ok(Member::Range(c, c))
    }

    fn number(&mut self, radix: u32, least: usize, most: usize) -> Result<u32> {
        let (mut value, mut digits) = (0_u32, 0);
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(radix)) {
            if digits == most {
                break;
            }
            self.at += 1;
            digits += 1;
            value = value.saturating_mul(radix).saturating_add(digit);
        }
        if digits < least { Err(invalid("invalid escape \\ sequence")) } else { Ok(value) }
    }

    /// Reads a bracket expression behind its opening bracket.
    fn bracket(&mut self) -> Result<Node> {
        if let Some(node) = self.word_bracket() {
            return Ok(node);
        }
        let negated = self.takes('^');
        let mut members = Vec::new();
        let mut first = true;
        loop {
            match self.peek() {
                None => return Err(invalid("brackets [] not balanced")),
                Some(']') if !first => break,
                _ => {}
            }
            first = false;
            let member = self.member()?;
            let is_range = self.peek() == Some('-') && self.peek_at(1) != Some(']');
            match member {
                Member::Range(from, _) if is_range => {
                    self.at += 1;
                    if self.peek().is_none() {
                        return Err(invalid("brackets [] not balanced"));
                    }
                    match self.member()? {
                        Member::Range(to, _) if from <= to => {
                            members.push(Member::Range(from, to));
                        }
                        _ => return Err(invalid("invalid character range")),
                    }
                }
                member => members.push(member),
            }
        }
        self.at += 1;
        Ok(Node::Set(Set { negated, members }))
    }

    /// Reads `[[:<:]]` and `[[:>:]]`.
    fn word_bracket(&mut self) -> Option<Node> {
        let rest = self.chars.get(self.at..)?;
        let assertion = if rest.starts_with(&['[', ':', '<', ':', ']', ']']) {
            Assertion::WordStart
        } else if rest.starts_with(&['[', ':', '>', ':', ']', ']']) {
            Assertion::WordEnd
        } else {
            return None;
        };
        self.at += 6;
        Some(Node::Assert(assertion))
    }

    fn member(&mut self) -> Result<Member> {
        match self.take() {
            Some('\\') => match self.escaped()? {
                Member::Class(_, false) => Err(invalid("invalid escape \\ sequence")),
                member => Ok(member),
            },
            Some('[') if matches!(self.peek(), Some(':' | '.' | '=')) => self.named(),
            Some(c) => Ok(Member::Range(c, c)),
            None => Err(invalid("brackets [] not balanced")),
        }
    }

    /// Reads `:name:]`, `.c.]` or `=c=]`.
    fn named(&mut self) -> Result<Member> {
        let Some(mark) = self.take() else { return Err(invalid("brackets [] not balanced")) };
        let mut name = String::new();
        while let Some(c) = self.take() {
            if c == mark && self.takes(']') {
                let mut chars = name.chars();
                return match (mark, chars.next(), chars.next()) {
                    (':', ..) => Class::named(&name)
                        .map(|class| Member::Class(class, true))
                        .ok_or_else(|| invalid("invalid character class")),
                    (_, Some(c), None) => Ok(Member::Range(c, c)),
                    _ => Err(invalid("invalid collating element")),
                };
            }
            name.push(c);
        }
        Err(invalid("brackets [] not balanced"))
    }
}
