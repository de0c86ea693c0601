//! Matching `like_regex` patterns: all ways through the pattern at once, in time that grows with
//! the lengths of pattern and text only.

use super::regex::{self, Assertion, Class, Member, Node, Set};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// States that a pattern has at most.
const STATES_MAX: usize = 20_000;

/// A pattern that has been read.
#[derive(Debug)]
pub(super) struct Regex {
    states: Vec<State>,
    modes: Modes,
}

/// What the flags say.
#[derive(Clone, Copy, Debug, Default)]
struct Modes {
    /// `i`: upper and lower case are the same.
    any_case: bool,
    /// `s`: `.` matches newlines too.
    dot_all: bool,
    /// `m`: `^` and `$` match at newlines too.
    lines: bool,
}

#[derive(Debug)]
enum State {
    /// Takes a character.
    Set(Set),
    /// Goes on behind itself if the condition holds.
    Assert(Assertion),
    /// Goes on here and there.
    Split(usize, usize),
    Jump(usize),
    Match,
}

impl Regex {
    /// Reads a pattern with its flags.
    pub(super) fn parse(pattern: &str, flags: &str) -> Result<Regex> {
        let (modes, quoted) = modes(flags)?;
        let node = if quoted {
            regex::literal(pattern)
        } else if let Some(text) = pattern.strip_prefix("***=") {
            regex::literal(text)
        } else {
            regex::parse(pattern.strip_prefix("***:").unwrap_or(pattern))?
        };
        let mut regex = Regex { states: Vec::new(), modes };
        regex.compile(&node)?;
        regex.add(State::Match)?;
        Ok(regex)
    }

    fn add(&mut self, state: State) -> Result<usize> {
        if self.states.len() >= STATES_MAX {
            return Err(regex::invalid("regular expression is too complex"));
        }
        self.states.push(state);
        Ok(self.states.len() - 1)
    }

    fn set(&mut self, at: usize, state: State) {
        if let Some(place) = self.states.get_mut(at) {
            *place = state;
        }
    }

    /// Appends states that end where the next one will be.
    fn compile(&mut self, node: &Node) -> Result<()> {
        match node {
            Node::Empty => {}
            Node::Set(set) => {
                self.add(State::Set(set.clone()))?;
            }
            Node::Assert(assertion) => {
                self.add(State::Assert(*assertion))?;
            }
            Node::Concat(parts) => parts.iter().try_for_each(|part| self.compile(part))?,
            Node::Either(all) => self.either(all)?,
            Node::Repeat(inner, least, most) => self.repeat(inner, *least, *most)?,
        }
        Ok(())
    }

    fn either(&mut self, all: &[Node]) -> Result<()> {
        let mut ends = Vec::new();
        for (at, node) in all.iter().enumerate() {
            if at + 1 == all.len() {
                self.compile(node)?;
                break;
            }
            let split = self.add(State::Match)?;
            self.compile(node)?;
            ends.push(self.add(State::Match)?);
            self.set(split, State::Split(split + 1, self.states.len()));
        }
        let end = self.states.len();
        for at in ends {
            self.set(at, State::Jump(end));
        }
        Ok(())
    }

    fn repeat(&mut self, inner: &Node, least: u32, most: Option<u32>) -> Result<()> {
        for _ in 0..least {
            self.compile(inner)?;
        }
        let Some(most) = most else {
            let split = self.add(State::Match)?;
            self.compile(inner)?;
            self.add(State::Jump(split))?;
            self.set(split, State::Split(split + 1, self.states.len()));
            return Ok(());
        };
        let mut splits = Vec::new();
        for _ in least..most {
            splits.push(self.add(State::Match)?);
            self.compile(inner)?;
        }
        let end = self.states.len();
        for at in splits {
            self.set(at, State::Split(at + 1, end));
        }
        Ok(())
    }

    /// Whether the pattern matches anywhere in the text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let mut active = Active::new(self.states.len());
        let mut before = None;
        let mut rest = text.chars();
        loop {
            let after = rest.clone().next();
            // The pattern may start at every place.
            if self.follow(0, (before, after), &mut active) {
                return true;
            }
            let Some(c) = rest.next() else { return false };
            let following = rest.clone().next();
            let mut next = Active::new(self.states.len());
            for at in &active.sets {
                if let Some(State::Set(set)) = self.states.get(*at) {
                    let taken = self.takes(set, c);
                    if taken && self.follow(*at + 1, (Some(c), following), &mut next) {
                        return true;
                    }
                }
            }
            before = Some(c);
            active = next;
        }
    }

    /// Adds the states that are reached from one without taking a character; whether the end of
    /// the pattern is among them.
    fn follow(&self, from: usize, around: Around, active: &mut Active) -> bool {
        let mut pending = vec![from];
        while let Some(at) = pending.pop() {
            if !active.add(at) {
                continue;
            }
            match self.states.get(at) {
                Some(State::Set(_)) => active.sets.push(at),
                Some(State::Assert(assertion)) => {
                    pending.extend(self.holds(*assertion, around).then_some(at + 1));
                }
                Some(State::Split(first, second)) => pending.extend([*second, *first]),
                Some(State::Jump(to)) => pending.push(*to),
                Some(State::Match) => return true,
                None => {}
            }
        }
        false
    }

    fn holds(&self, assertion: Assertion, (before, after): Around) -> bool {
        let is_word = |c: Option<char>| c.is_some_and(|c| in_class(Class::Word, c));
        let newline = |c: Option<char>| self.modes.lines && c == Some('\n');
        match assertion {
            Assertion::LineStart => before.is_none() || newline(before),
            Assertion::LineEnd => after.is_none() || newline(after),
            Assertion::TextStart => before.is_none(),
            Assertion::TextEnd => after.is_none(),
            Assertion::WordStart => !is_word(before) && is_word(after),
            Assertion::WordEnd => is_word(before) && !is_word(after),
            Assertion::WordEdge => is_word(before) != is_word(after),
            Assertion::NoWordEdge => is_word(before) == is_word(after),
        }
    }

    fn takes(&self, set: &Set, c: char) -> bool {
        if set.negated && c == '\n' && !self.modes.dot_all {
            return false;
        }
        let has = |c: char| {
            set.members.iter().any(|member| match member {
                Member::Range(from, to) => (*from..=*to).contains(&c),
                Member::Class(class, meant) => in_class(*class, c) == *meant,
            })
        };
        let found = has(c)
            || (self.modes.any_case && (lower(c).is_some_and(has) || upper(c).is_some_and(has)));
        found != set.negated
    }
}

/// The characters before and after a place.
type Around = (Option<char>, Option<char>);

/// The states that are active at a place.
struct Active {
    seen: Vec<bool>,
    /// Those of them that take a character.
    sets: Vec<usize>,
}

impl Active {
    fn new(states: usize) -> Active {
        Active { seen: vec![false; states], sets: Vec::new() }
    }

    /// Marks a state; whether it was not marked.
    fn add(&mut self, at: usize) -> bool {
        self.seen.get_mut(at).is_some_and(|seen| !std::mem::replace(seen, true))
    }
}

fn lower(c: char) -> Option<char> {
    let mut mapped = c.to_lowercase();
    mapped.next().filter(|_| mapped.next().is_none())
}

fn upper(c: char) -> Option<char> {
    let mut mapped = c.to_uppercase();
    mapped.next().filter(|_| mapped.next().is_none())
}

fn in_class(class: Class, c: char) -> bool {
    match class {
        Class::Alnum => c.is_alphanumeric(),
        Class::Alpha => c.is_alphabetic(),
        Class::Blank => c == ' ' || c == '\t',
        Class::Control => c.is_control(),
        Class::Digit => c.is_ascii_digit(),
        Class::Graph => !c.is_control() && !c.is_whitespace(),
        Class::Lower => c.is_lowercase(),
        Class::Print => !c.is_control(),
        Class::Punct => !c.is_control() && !c.is_whitespace() && !c.is_alphanumeric(),
        Class::Space => c.is_whitespace(),
        Class::Upper => c.is_uppercase(),
        Class::HexDigit => c.is_ascii_hexdigit(),
        Class::Word => c.is_alphanumeric() || c == '_',
    }
}

/// Reads flags: the modes, and whether nothing has a special meaning.
fn modes(flags: &str) -> Result<(Modes, bool)> {
    let mut modes = Modes::default();
    let (mut expanded, mut quoted) = (false, false);
    for flag in flags.chars() {
        match flag {
            'i' => modes.any_case = true,
            's' => modes.dot_all = true,
            'm' => modes.lines = true,
            'x' => expanded = true,
            'q' => quoted = true,
            _ => {
                return Err(Error::new(
                    SqlState::SYNTAX_ERROR,
                    "invalid input syntax for type jsonpath",
                )
                .with_detail(format!(
                    "Unrecognized flag character \"{flag}\" in LIKE_REGEX predicate."
                )));
            }
        }
    }
    if expanded && !quoted {
        return Err(Error::unsupported(
            "XQuery \"x\" flag (expanded regular expressions) is not implemented",
        ));
    }
    Ok((modes, quoted))
}
