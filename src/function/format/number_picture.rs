//! Templates of numbers, as `to_char` and `to_number` read them.

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

use super::picture::Case;

/// A pattern of a number's template.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    Comma,
    Point,
    Zero,
    Nine,
    Blank,
    Scientific,
    Fill,
    Group,
    Currency,
    Minus,
    Plus,
    Bracket,
    Roman(Case),
    SignedPlus,
    Sign,
    Ordinal(Case),
    Shift,
    /// `C` and `SP`: accepted, without effect.
    Silent,
}

/// One element of a template.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Node {
    Mark(Mark),
    Text(char),
}

/// Where `S` puts the sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Anchor {
    #[default]
    None,
    Before,
    Behind,
}

/// What a template's patterns say together.
#[expect(clippy::struct_excessive_bools, reason = "each is there or not, by itself")]
#[derive(Clone, Default, Debug)]
pub(super) struct Shape {
    /// Digits before the point.
    pub(super) whole: usize,
    /// Digits behind the point.
    pub(super) fraction: usize,
    /// `V`: by how many digits the point moves right.
    pub(super) shift: usize,
    pub(super) shifted: bool,
    /// The place of the first `0` before the point.
    pub(super) zero_from: Option<usize>,
    /// The place behind the last `0`.
    pub(super) zero_to: usize,
    pub(super) anchor: Anchor,
    /// Digits before `S`.
    pub(super) before_sign: usize,
    pub(super) has_point: bool,
    pub(super) blank: bool,
    pub(super) fill: bool,
    pub(super) bracket: bool,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) roman: bool,
    pub(super) scientific: bool,
}

/// The patterns in capitals, a longer one before its prefixes.
const PATTERNS: &[(&str, Mark)] = &[
    (",", Mark::Comma),
    (".", Mark::Point),
    ("0", Mark::Zero),
    ("9", Mark::Nine),
    ("B", Mark::Blank),
    ("C", Mark::Silent),
    ("D", Mark::Point),
    ("EEEE", Mark::Scientific),
    ("FM", Mark::Fill),
    ("G", Mark::Group),
    ("L", Mark::Currency),
    ("MI", Mark::Minus),
    ("PL", Mark::Plus),
    ("PR", Mark::Bracket),
    ("RN", Mark::Roman(Case::Upper)),
    ("SG", Mark::SignedPlus),
    ("SP", Mark::Silent),
    ("S", Mark::Sign),
    ("TH", Mark::Ordinal(Case::Upper)),
    ("V", Mark::Shift),
];

/// Finds the pattern that `rest` begins with, and returns what is behind it.
fn pattern(rest: &str) -> Option<(Mark, &str)> {
    PATTERNS.iter().find_map(|&(name, mark)| {
        let (written, behind) = rest.split_at_checked(name.len())?;
        let small = written.chars().zip(name.chars()).all(|(w, n)| w == n.to_ascii_lowercase());
        let mark = match mark {
            _ if !small && written != name => return None,
            Mark::Roman(_) if small => Mark::Roman(Case::Lower),
            Mark::Ordinal(_) if small => Mark::Ordinal(Case::Lower),
            _ => mark,
        };
        Some((mark, behind))
    })
}

/// Takes a template apart.
pub(super) fn parse(template: &str) -> Result<(Vec<Node>, Shape)> {
    let mut nodes = Vec::new();
    let mut shape = Shape::default();
    let mut rest = template;
    while !rest.is_empty() {
        if let Some((mark, behind)) = pattern(rest) {
            shape.add(mark)?;
            nodes.push(Node::Mark(mark));
            rest = behind;
        } else if let Some(quoted) = rest.strip_prefix('"') {
            rest = super::quoted(quoted, |c| nodes.push(Node::Text(c)));
        } else {
            rest = match rest.strip_prefix('\\') {
                Some(after) if after.starts_with('"') => after,
                _ => rest,
            };
            let mut chars = rest.chars();
            nodes.extend(chars.next().map(Node::Text));
            rest = chars.as_str();
        }
    }
    Ok((nodes, shape))
}

impl Shape {
    /// Takes one more pattern in.
    fn add(&mut self, mark: Mark) -> Result<()> {
        if self.scientific && mark != Mark::Scientific {
            return Err(clash("\"EEEE\" must be the last pattern used"));
        }
        match mark {
            Mark::Nine if self.bracket => {
                return Err(clash("\"9\" must be ahead of \"PR\""));
            }
            Mark::Nine if self.shifted => self.shift += 1,
            Mark::Nine if self.has_point => self.fraction += 1,
            Mark::Nine => self.whole += 1,
            Mark::Zero => self.add_zero()?,
            Mark::Blank => {
                self.blank |= self.whole == 0 && self.fraction == 0 && self.zero_from.is_none();
            }
            Mark::Point | Mark::Shift => self.add_point(mark)?,
            Mark::Fill => self.fill = true,
            Mark::Sign | Mark::Minus | Mark::Plus | Mark::SignedPlus | Mark::Bracket => {
                self.add_sign(mark)?;
            }
            Mark::Roman(_) => self.roman = true,
            Mark::Scientific => self.add_scientific()?,
            Mark::Comma | Mark::Group | Mark::Currency | Mark::Ordinal(_) | Mark::Silent => {}
        }
        Ok(())
    }

    fn add_zero(&mut self) -> Result<()> {
        if self.bracket {
            return Err(clash("\"0\" must be ahead of \"PR\""));
        }
        if self.has_point {
            self.fraction += 1;
        } else {
            self.zero_from.get_or_insert(self.whole);
            self.whole += 1;
        }
        self.zero_to = self.whole + self.fraction;
        Ok(())
    }

    fn add_point(&mut self, mark: Mark) -> Result<()> {
        if mark == Mark::Point && self.has_point {
            return Err(clash("multiple decimal points"));
        }
        if self.has_point || (mark == Mark::Point && self.shifted) {
            return Err(clash("cannot use \"V\" and decimal point together"));
        }
        match mark {
            Mark::Shift => self.shifted = true,
            _ => self.has_point = true,
        }
        Ok(())
    }

    fn add_sign(&mut self, mark: Mark) -> Result<()> {
        let anchored = self.anchor != Anchor::None;
        let problem = match mark {
            Mark::Sign if anchored => Some("cannot use \"S\" twice"),
            Mark::Sign if self.plus || self.minus || self.bracket => {
                Some("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together")
            }
            Mark::Minus if anchored => Some("cannot use \"S\" and \"MI\" together"),
            Mark::Plus if anchored => Some("cannot use \"S\" and \"PL\" together"),
            Mark::SignedPlus if anchored => Some("cannot use \"S\" and \"SG\" together"),
            Mark::Bracket if anchored || self.plus || self.minus => {
                Some("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together")
            }
            _ => None,
        };
        if let Some(message) = problem {
            return Err(clash(message));
        }
        self.plus |= matches!(mark, Mark::Plus | Mark::SignedPlus);
        self.minus |= matches!(mark, Mark::Minus | Mark::SignedPlus);
        match mark {
            Mark::Bracket => self.bracket = true,
            Mark::Sign if self.has_point => self.anchor = Anchor::Behind,
            Mark::Sign => {
                self.anchor = Anchor::Before;
                self.before_sign = self.whole;
            }
            _ => {}
        }
        Ok(())
    }

    fn add_scientific(&mut self) -> Result<()> {
        if self.scientific {
            return Err(clash("cannot use \"EEEE\" twice"));
        }
        let sign = self.anchor != Anchor::None || self.bracket || self.minus || self.plus;
        if self.blank || self.fill || sign || self.roman || self.shifted {
            return Err(clash("\"EEEE\" is incompatible with other formats").with_detail(
                "\"EEEE\" may only be used together with digit and decimal point patterns.",
            ));
        }
        self.scientific = true;
        Ok(())
    }
}

/// Makes the error of a template that contradicts itself.
fn clash(message: &str) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, message)
}
