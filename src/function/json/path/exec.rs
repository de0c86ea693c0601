//! Following a path: every step from a value to the values that it leads to.
//!
//! In lax mode arrays are unwrapped where a step wants their items, single values are taken for
//! arrays where it wants one, and what is missing is no error.

use super::super::parse::too_deep;
use super::super::value::Value;
use super::ast::Item;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// How many steps are under way at once at most.
const DEPTH_MAX: usize = 500;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It led to something.
    Ok,
    NotFound,
    /// An error that nobody wants to hear of.
    Error,
}

/// What a path led to; or nothing is kept, and the first item ends the search.
pub(super) struct Found(Option<Vec<Value>>);

impl Found {
    /// Keeps all items.
    pub(super) fn all() -> Found {
        Found(Some(Vec::new()))
    }

    /// Wants to know only whether there is one.
    pub(super) fn any() -> Found {
        Found(None)
    }

    /// Whether one item is enough.
    pub(super) fn is_any(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn push(&mut self, value: Value) {
        if let Some(items) = &mut self.0 {
            items.push(value);
        }
    }

    /// The items that were kept.
    pub(super) fn into_items(self) -> Vec<Value> {
        self.0.unwrap_or_default()
    }

    /// Whether a search ends with this outcome.
    pub(super) fn is_done(&self, outcome: Outcome) -> bool {
        outcome == Outcome::Error || (outcome == Outcome::Ok && self.is_any())
    }
}

/// The levels that `.**` and the like visit.
#[derive(Clone, Copy)]
struct Levels {
    first: u32,
    last: u32,
    /// Whether what is missing is no error even in strict mode.
    lenient: bool,
    /// Whether arrays on the way are unwrapped.
    unwrap: bool,
}

/// The state of following one path.
pub(super) struct Exec {
    root: Value,
    pub(super) current: Value,
    vars: Option<Value>,
    pub(super) lax: bool,
    /// Whether what is missing is no error.
    pub(super) lenient: bool,
    /// Whether an error ends everything.
    pub(super) throws: bool,
    /// The object that `.keyvalue()` numbers are told from, and its number.
    pub(super) base: (Value, i64),
    pub(super) next_base: i64,
    /// The length of the array that a subscript is in.
    pub(super) innermost: Option<usize>,
    depth: usize,
}

impl Exec {
    pub(super) fn new(root: &Value, vars: Option<Value>, lax: bool, throws: bool) -> Exec {
        Exec {
            root: root.clone(),
            current: root.clone(),
            next_base: if vars.is_some() { 2 } else { 1 },
            vars,
            lax,
            lenient: lax,
            throws,
            base: (Value::Null, 0),
            innermost: None,
            depth: 0,
        }
    }

    /// Follows a whole path from the root.
    pub(super) fn run(&mut self, chain: &[Item], found: &mut Found) -> Result<Outcome> {
        let root = self.root.clone();
        if self.lax || !found.is_any() {
            return self.step(chain, &root, found);
        }
        // Strict mode looks at everything: there may be an error behind the first item.
        let mut all = Found::all();
        let outcome = self.step(chain, &root, &mut all)?;
        Ok(match (outcome, all.into_items().is_empty()) {
            (Outcome::Error, _) => Outcome::Error,
            (_, true) => Outcome::NotFound,
            (_, false) => Outcome::Ok,
        })
    }

    /// An error of the data: an outcome, if errors do not end everything.
    pub(super) fn fail(&self, code: SqlState, message: impl Into<String>) -> Result<Outcome> {
        if self.throws { Err(Error::new(code, message)) } else { Ok(Outcome::Error) }
    }

    /// An error of the data that does not fit the path; none in lax mode.
    pub(super) fn missing(&self, code: SqlState, message: impl Into<String>) -> Result<Outcome> {
        if self.lenient { Ok(Outcome::NotFound) } else { self.fail(code, message) }
    }

    /// Takes the first step of a chain, unwrapping arrays in lax mode.
    pub(super) fn step(
        &mut self,
        chain: &[Item],
        value: &Value,
        found: &mut Found,
    ) -> Result<Outcome> {
        self.step_unwrapping(chain, value, found, self.lax)
    }

    /// Goes on behind the first step with a value that it led to.
    pub(super) fn next(
        &mut self,
        chain: &[Item],
        value: &Value,
        found: &mut Found,
    ) -> Result<Outcome> {
        match chain.get(1..) {
            Some(rest) if !rest.is_empty() => self.step(rest, value, found),
            _ => {
                found.push(value.clone());
                Ok(Outcome::Ok)
            }
        }
    }

    fn step_unwrapping(
        &mut self,
        chain: &[Item],
        value: &Value,
        found: &mut Found,
        unwrap: bool,
    ) -> Result<Outcome> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(too_deep());
        }
        let outcome = self.dispatch(chain, value, found, unwrap);
        self.depth -= 1;
        outcome
    }

    fn dispatch(
        &mut self,
        chain: &[Item],
        value: &Value,
        found: &mut Found,
        unwrap: bool,
    ) -> Result<Outcome> {
        let Some(item) = chain.first() else { return Ok(Outcome::NotFound) };
        match item {
            Item::Null => self.next(chain, &Value::Null, found),
            Item::Bool(value) => self.next(chain, &Value::Bool(*value), found),
            Item::Number(number) => self.next(chain, &Value::Number(number.clone()), found),
            Item::String(text) => self.next(chain, &Value::String(text.clone()), found),
            Item::Variable(name) => self.variable(chain, name, found),
            Item::Root => self.go_to_root(chain, found),
            Item::Current => {
                let current = self.current.clone();
                self.next(chain, &current, found)
            }
            Item::Last => self.last(chain, found),
            Item::Key(key) => self.key(chain, key, value, found, unwrap),
            Item::AnyKey => self.any_key(chain, value, found, unwrap),
            Item::AnyArray => self.any_array(chain, value, found),
            Item::Any(first, last) => self.any(chain, (*first, *last), value, found),
            Item::Index(ranges) => self.index(chain, ranges, value, found),
            Item::Filter(filter) => self.filter(chain, filter, value, found, unwrap),
            Item::Method(method) => self.method(chain, *method, value, found, unwrap),
            Item::Binary(operator, left, right) => {
                self.binary(chain, *operator, (left, right), value, found)
            }
            Item::Plus(inner) => self.unary(chain, inner, false, value, found),
            Item::Minus(inner) => self.unary(chain, inner, true, value, found),
            _ => {
                let result = match self.test(chain, value)? {
                    Some(truth) => Value::Bool(truth),
                    None => Value::Null,
                };
                self.next(chain, &result, found)
            }
        }
    }

    fn variable(&mut self, chain: &[Item], name: &str, found: &mut Found) -> Result<Outcome> {
        let Some(vars) = self.vars.clone() else {
            return self.next(chain, &Value::Null, found);
        };
        let Some(value) = vars.field(name).cloned() else {
            return Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("could not find jsonpath variable \"{name}\""),
            ));
        };
        self.with_base((vars, 1), |exec| exec.next(chain, &value, found))
    }

    fn go_to_root(&mut self, chain: &[Item], found: &mut Found) -> Result<Outcome> {
        let root = self.root.clone();
        self.with_base((root.clone(), 0), |exec| exec.next(chain, &root, found))
    }

    /// Does something while objects are numbered from another base.
    pub(super) fn with_base<T>(
        &mut self,
        base: (Value, i64),
        act: impl FnOnce(&mut Exec) -> T,
    ) -> T {
        let before = std::mem::replace(&mut self.base, base);
        let result = act(self);
        self.base = before;
        result
    }

    fn key(
        &mut self,
        chain: &[Item],
        key: &str,
        value: &Value,
        found: &mut Found,
        unwrap: bool,
    ) -> Result<Outcome> {
        match value {
            Value::Object(_) => match value.field(key) {
                Some(field) => self.next(chain, field, found),
                None => self.missing(
                    SqlState::SQL_JSON_MEMBER_NOT_FOUND,
                    format!("JSON object does not contain key \"{key}\""),
                ),
            },
            Value::Array(_) if unwrap => self.items(chain, value, found, false),
            _ => self.missing(
                SqlState::SQL_JSON_MEMBER_NOT_FOUND,
                "jsonpath member accessor can only be applied to an object",
            ),
        }
    }

    fn any_key(
        &mut self,
        chain: &[Item],
        value: &Value,
        found: &mut Found,
        unwrap: bool,
    ) -> Result<Outcome> {
        match value {
            Value::Object(_) => {
                self.items(chain.get(1..).unwrap_or_default(), value, found, self.lax)
            }
            Value::Array(_) if unwrap => self.items(chain, value, found, false),
            _ => self.missing(
                SqlState::SQL_JSON_OBJECT_NOT_FOUND,
                "jsonpath wildcard member accessor can only be applied to an object",
            ),
        }
    }

    fn any_array(&mut self, chain: &[Item], value: &Value, found: &mut Found) -> Result<Outcome> {
        match value {
            Value::Array(_) => {
                self.items(chain.get(1..).unwrap_or_default(), value, found, self.lax)
            }
            _ if self.lax => self.next(chain, value, found),
            _ => self.missing(
                SqlState::SQL_JSON_ARRAY_NOT_FOUND,
                "jsonpath wildcard array accessor can only be applied to an array",
            ),
        }
    }

    /// Takes a chain's steps from each part of a container; keeps the parts if there are none.
    pub(super) fn items(
        &mut self,
        chain: &[Item],
        value: &Value,
        found: &mut Found,
        unwrap: bool,
    ) -> Result<Outcome> {
        let levels = Levels { first: 1, last: 1, lenient: false, unwrap };
        self.visit(chain, value, found, 1, levels)
    }

    fn any(
        &mut self,
        chain: &[Item],
        (first, last): (u32, u32),
        value: &Value,
        found: &mut Found,
    ) -> Result<Outcome> {
        let mut outcome = Outcome::NotFound;
        if first == 0 {
            outcome = self.leniently(|exec| exec.next(chain, value, found))?;
            if outcome == Outcome::Ok && found.is_any() {
                return Ok(outcome);
            }
        }
        if value.is_scalar() {
            return Ok(outcome);
        }
        let levels = Levels { first, last, lenient: true, unwrap: self.lax };
        self.visit(chain.get(1..).unwrap_or_default(), value, found, 1, levels)
    }

    fn leniently<T>(&mut self, act: impl FnOnce(&mut Exec) -> T) -> T {
        let before = std::mem::replace(&mut self.lenient, true);
        let result = act(self);
        self.lenient = before;
        result
    }

    fn visit(
        &mut self,
        chain: &[Item],
        value: &Value,
        found: &mut Found,
        level: u32,
        levels: Levels,
    ) -> Result<Outcome> {
        let mut outcome = Outcome::NotFound;
        if level > levels.last {
            return Ok(outcome);
        }
        let parts: Vec<&Value> = match value {
            Value::Array(items) => items.iter().collect(),
            Value::Object(fields) => fields.iter().map(|(_, value)| value).collect(),
            _ => Vec::new(),
        };
        // With both bounds `last`, only what has no parts is wanted.
        let leaves = levels.first == u32::MAX && levels.last == u32::MAX;
        for part in parts {
            if level >= levels.first || (leaves && part.is_scalar()) {
                if chain.is_empty() {
                    if found.is_any() {
                        return Ok(Outcome::Ok);
                    }
                    // PostgreSQL leaves the outcome as it was: the item counts as not found.
                    found.push(part.clone());
                } else {
                    outcome = if levels.lenient {
                        self.leniently(|e| e.step_unwrapping(chain, part, found, levels.unwrap))?
                    } else {
                        self.step_unwrapping(chain, part, found, levels.unwrap)?
                    };
                    if found.is_done(outcome) {
                        break;
                    }
                }
            }
            if level < levels.last && !part.is_scalar() {
                outcome = self.visit(chain, part, found, level + 1, levels)?;
                if found.is_done(outcome) {
                    break;
                }
            }
        }
        Ok(outcome)
    }

    fn filter(
        &mut self,
        chain: &[Item],
        filter: &[Item],
        value: &Value,
        found: &mut Found,
        unwrap: bool,
    ) -> Result<Outcome> {
        if unwrap && matches!(value, Value::Array(_)) {
            return self.items(chain, value, found, false);
        }
        let before = std::mem::replace(&mut self.current, value.clone());
        let truth = self.test(filter, value);
        self.current = before;
        if truth? == Some(true) { self.next(chain, value, found) } else { Ok(Outcome::NotFound) }
    }
}
