//! Predicates of jsonpath: true, false, or unknown.

use super::super::value::Value;
use super::ast::{Compare, Item};
use super::exec::{Exec, Found, Outcome};
use crate::error::Result;

/// Three-valued truth; `None` is unknown.
type Truth = Option<bool>;

impl Exec {
    /// Evaluates the predicate that a chain starts with.
    pub(super) fn test(&mut self, chain: &[Item], value: &Value) -> Result<Truth> {
        match chain.first() {
            Some(Item::And(chains)) => {
                let mut all = Some(true);
                for chain in chains {
                    match self.test(chain, value)? {
                        Some(true) => {}
                        truth => all = truth,
                    }
                    if all == Some(false) {
                        break;
                    }
                }
                Ok(all)
            }
            Some(Item::Or(chains)) => {
                let mut any = Some(false);
                for chain in chains {
                    match self.test(chain, value)? {
                        Some(false) => {}
                        truth => any = truth,
                    }
                    if any == Some(true) {
                        break;
                    }
                }
                Ok(any)
            }
            Some(Item::Not(inner)) => Ok(self.test(inner, value)?.map(|truth| !truth)),
            Some(Item::IsUnknown(inner)) => Ok(Some(self.test(inner, value)?.is_none())),
            Some(Item::Exists(inner)) => self.exists(inner, value),
            Some(Item::Compare(operator, left, right)) => {
                self.pairs(left, Some((right, true)), value, |a, b| compare(*operator, a, b))
            }
            Some(Item::StartsWith(left, right)) => {
                self.pairs(left, Some((right, false)), value, starts_with)
            }
            Some(Item::LikeRegex(left, regex)) => {
                self.pairs(left, None, value, |text, _| match text {
                    Value::String(text) => Some(regex.is_match(text)),
                    _ => None,
                })
            }
            _ => Ok(None),
        }
    }

    fn exists(&mut self, chain: &[Item], value: &Value) -> Result<Truth> {
        let mut found = if self.lax { Found::any() } else { Found::all() };
        let outcome = self.quietly(|exec| exec.step(chain, value, &mut found))?;
        Ok(match outcome {
            Outcome::Error => None,
            outcome if self.lax => Some(outcome == Outcome::Ok),
            _ => Some(!found.into_items().is_empty()),
        })
    }

    /// Does something whose errors do not end everything.
    fn quietly<T>(&mut self, act: impl FnOnce(&mut Exec) -> T) -> T {
        let before = std::mem::replace(&mut self.throws, false);
        let result = act(self);
        self.throws = before;
        result
    }

    /// The items that a path leads to, those of arrays in lax mode; `None` for an error that
    /// nobody wants to hear of.
    pub(super) fn unwrapped(
        &mut self,
        chain: &[Item],
        value: &Value,
        unwrap: bool,
    ) -> Result<Option<Vec<Value>>> {
        let mut found = Found::all();
        if self.step(chain, value, &mut found)? == Outcome::Error {
            return Ok(None);
        }
        let items = found.into_items();
        if !unwrap || !self.lax {
            return Ok(Some(items));
        }
        let mut flat = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Value::Array(inner) => flat.extend(inner.iter().cloned()),
                other => flat.push(other),
            }
        }
        Ok(Some(flat))
    }

    fn operands(
        &mut self,
        chain: &[Item],
        value: &Value,
        unwrap: bool,
    ) -> Result<Option<Vec<Value>>> {
        self.quietly(|exec| exec.unwrapped(chain, value, unwrap))
    }

    /// Tests every pair of operands: one is enough in lax mode, and strict mode wants no error.
    /// The right ones come with whether arrays among them are unwrapped.
    fn pairs(
        &mut self,
        left: &[Item],
        right: Option<(&[Item], bool)>,
        value: &Value,
        test: impl Fn(&Value, &Value) -> Truth,
    ) -> Result<Truth> {
        let Some(left) = self.operands(left, value, true)? else { return Ok(None) };
        let right = match right {
            Some((chain, unwrap)) => self.operands(chain, value, unwrap)?,
            None => Some(vec![Value::Null]),
        };
        let Some(right) = right else { return Ok(None) };
        let (mut unknown, mut found) = (false, false);
        for a in &left {
            for b in &right {
                match test(a, b) {
                    Some(false) => {}
                    Some(true) if self.lax => return Ok(Some(true)),
                    Some(true) => found = true,
                    None if self.lax => unknown = true,
                    None => return Ok(None),
                }
            }
        }
        Ok(if found || !unknown { Some(found) } else { None })
    }
}

fn starts_with(whole: &Value, initial: &Value) -> Truth {
    match (whole, initial) {
        (Value::String(whole), Value::String(initial)) => Some(whole.starts_with(initial.as_ref())),
        _ => None,
    }
}

fn compare(operator: Compare, a: &Value, b: &Value) -> Truth {
    let order = match (a, b) {
        (Value::Null, Value::Null)
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::String(_), Value::String(_)) => a.compare(b),
        // null is equal to null only, and comparable with anything.
        (Value::Null, _) | (_, Value::Null) => return Some(operator == Compare::NotEqual),
        _ => return None,
    };
    Some(match operator {
        Compare::Equal => order.is_eq(),
        Compare::NotEqual => order.is_ne(),
        Compare::Less => order.is_lt(),
        Compare::Greater => order.is_gt(),
        Compare::LessOrEqual => order.is_le(),
        Compare::GreaterOrEqual => order.is_ge(),
    })
}
