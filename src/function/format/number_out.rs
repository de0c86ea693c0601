//! Lays a number's digits out along a template: the common half of every `to_char` of numbers.

use crate::error::Result;

use super::number_picture::{Anchor, Mark, Node, Shape};
use super::picture::Case;
use super::{in_case, ordinal_suffix};

/// A number ready to be laid out.
pub(super) struct Ready {
    /// Digits and perhaps a point, or what stands for a number that does not fit.
    pub(super) text: String,
    /// `+`, `-`, or NUL for Roman numbers, which have none.
    pub(super) sign: char,
    /// Places of the template before the first digit.
    pub(super) lead: usize,
}

impl Ready {
    /// Fits a number's text (with a sign if it is negative) into the template's places, or fills
    /// them with `#`.
    pub(super) fn fit(text: &str, shape: &Shape) -> Ready {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ('-', digits),
            None => ('+', text),
        };
        let whole = digits.find('.').unwrap_or(digits.len());
        let text = if whole > shape.whole {
            format!("{}.{}", "#".repeat(shape.whole), "#".repeat(shape.fraction))
        } else {
            digits.to_owned()
        };
        Ready { text, sign, lead: shape.whole.saturating_sub(whole) }
    }
}

/// The output as it grows.
struct Layout<'a> {
    shape: &'a Shape,
    /// The number's text.
    text: &'a [u8],
    /// The next of its characters.
    at: usize,
    /// Under `FM`, the last character worth writing.
    last: Option<usize>,
    sign: char,
    anchor: Anchor,
    bracket: bool,
    sign_written: bool,
    /// The place behind which a trailing sign goes.
    end: usize,
    /// The current place.
    place: usize,
    lead: usize,
    /// Whether the last place written was a digit, so that a group separator follows.
    inside: bool,
    out: String,
}

/// Writes a number along a template.
pub(super) fn lay_out(nodes: &[Node], shape: &Shape, ready: &Ready) -> Result<String> {
    let bare = Shape { fill: shape.fill, roman: true, ..Shape::default() };
    let shape = if shape.roman { &bare } else { shape };
    let mut layout = Layout::new(shape, ready);
    for node in nodes {
        match *node {
            Node::Text(c) => layout.out.push(c),
            Node::Mark(mark @ (Mark::Nine | Mark::Zero | Mark::Point)) => layout.digit(mark),
            Node::Mark(mark) => layout.mark(mark, &ready.text)?,
        }
    }
    // A number with fewer digits than its template ends in NULs, and PostgreSQL's text at them.
    let mut out = layout.out;
    if let Some(end) = out.find('\0') {
        out.truncate(end);
    }
    Ok(out)
}

impl<'a> Layout<'a> {
    fn new(shape: &'a Shape, ready: &'a Ready) -> Self {
        let separate_sign = shape.plus || shape.minus;
        let sign_written = if separate_sign {
            shape.minus
        } else {
            ready.sign == '+' && shape.fill && shape.anchor == Anchor::None
        };
        let mut anchor = shape.anchor;
        if !separate_sign && anchor == Anchor::Before && shape.whole == shape.before_sign {
            anchor = Anchor::Behind;
        }
        let kept = separate_sign || ready.sign == '-' || !shape.fill;
        let places = (shape.whole + shape.fraction + usize::from(ready.lead > 0))
            + usize::from(shape.has_point)
            + usize::from(!sign_written && ready.lead == 0);
        Layout {
            shape,
            text: ready.text.as_bytes(),
            at: 0,
            last: last_relevant(shape, ready),
            sign: ready.sign,
            anchor,
            bracket: shape.bracket && kept,
            sign_written,
            // The last place but one of those counted.
            end: places.saturating_sub(1),
            place: 0,
            lead: ready.lead,
            inside: false,
            out: String::new(),
        }
    }

    /// Tells whether the next character is the lone zero before a point, which `9.9` leaves out.
    fn at_lone_zero(&self) -> bool {
        self.shape.zero_from.is_none()
            && self.at == 0
            && self.text.first() == Some(&b'0')
            && self.shape.fraction != 0
    }

    /// Tells whether nothing behind the point is worth writing.
    fn ends_at_point(&self) -> bool {
        self.last.is_some_and(|last| self.text.get(last) == Some(&b'.'))
    }

    /// Writes one place: a digit, the point, or what stands there instead.
    fn digit(&mut self, mark: Mark) {
        if self.shape.roman {
            return;
        }
        self.inside = false;
        let before = self.place < self.lead;
        let zero_starts = self.shape.zero_from == Some(self.place);
        let skip_sign = self.at_lone_zero() && !self.ends_at_point();
        if !self.sign_written && (!before || zero_starts) && !skip_sign {
            self.leading_sign();
        }
        if !before {
            self.character(mark);
        } else if self.shape.zero_from.is_some_and(|from| from <= self.place) {
            self.out.push('0');
            self.inside = true;
        } else if !self.shape.fill {
            self.out.push(' ');
        }
        let end = if self.last == Some(self.at) { self.place } else { self.end };
        if self.place + 1 == end {
            self.trailing_sign();
        }
        self.place += 1;
    }

    /// Writes the number's next character.
    fn character(&mut self, mark: Mark) {
        let next = self.text.get(self.at).copied().unwrap_or_default();
        let irrelevant = self.last.is_some_and(|last| self.at > last);
        if next == b'.' {
            if !self.ends_at_point() || self.shape.fill {
                self.out.push('.');
            }
        } else if irrelevant && mark != Mark::Zero {
            // Left out.
        } else if self.at_lone_zero() {
            if !self.shape.fill {
                self.out.push(' ');
            } else if self.ends_at_point() {
                self.out.push('0');
            }
        } else {
            self.out.push(char::from(next));
            self.inside = true;
        }
        if next != 0 {
            self.at += 1;
        }
    }

    fn leading_sign(&mut self) {
        match (self.anchor, self.sign) {
            (Anchor::Before, sign) => self.out.push(if sign == '-' { '-' } else { '+' }),
            (Anchor::Behind, _) => return,
            (Anchor::None, sign) if self.bracket => {
                self.out.push(if sign == '+' { ' ' } else { '<' });
            }
            (Anchor::None, '+') if self.shape.fill => {}
            (Anchor::None, '+') => self.out.push(' '),
            (Anchor::None, sign) => self.out.push(sign),
        }
        self.sign_written = true;
    }

    fn trailing_sign(&mut self) {
        if self.sign_written && self.bracket {
            self.out.push(if self.sign == '+' { ' ' } else { '>' });
        } else if self.anchor == Anchor::Behind {
            self.out.push(if self.sign == '-' { '-' } else { '+' });
        }
    }

    /// Writes a pattern that is no digit.
    fn mark(&mut self, mark: Mark, number: &str) -> Result<()> {
        let fill = self.shape.fill;
        match mark {
            Mark::Comma | Mark::Group if self.inside => self.out.push(','),
            Mark::Currency => self.out.push(' '),
            Mark::Minus if self.sign == '-' => self.out.push('-'),
            Mark::Plus if self.sign == '+' => self.out.push('+'),
            Mark::Comma | Mark::Group | Mark::Minus | Mark::Plus if !fill => self.out.push(' '),
            Mark::SignedPlus => self.out.push(self.sign),
            Mark::Roman(case) => self.roman(number, case),
            Mark::Ordinal(case) => {
                let none = self.shape.roman || self.shape.has_point || self.sign == '-';
                if !none && !number.starts_with('#') {
                    self.out.push_str(ordinal_suffix(number, case)?);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn roman(&mut self, number: &str, case: Case) {
        let number = in_case(number, case);
        let blanks = if self.shape.fill { 0 } else { 15_usize.saturating_sub(number.len()) };
        self.out.extend(std::iter::repeat_n(' ', blanks));
        self.out.push_str(&number);
    }
}

/// Under `FM`, returns the last character behind the point that is not a zero, or the point; a
/// `0` of the template keeps its digit.
fn last_relevant(shape: &Shape, ready: &Ready) -> Option<usize> {
    if !shape.fill || !shape.has_point {
        return None;
    }
    let point = ready.text.find('.')?;
    let behind = ready.text.bytes().enumerate().skip(point + 1);
    let last =
        behind.filter(|(_, byte)| *byte != b'0').map(|(at, _)| at).next_back().unwrap_or(point);
    let kept = shape.zero_to.saturating_sub(ready.lead).min(ready.text.len() - 1);
    let kept = if shape.zero_to > ready.lead { kept } else { 0 };
    Some(last.max(kept))
}
