//! `.keyvalue()`: the fields of an object as objects, numbered by where PostgreSQL stores them.

use std::sync::Arc;

use super::super::number::Number;
use super::super::value::Value;
use super::ast::Item;
use super::exec::{Exec, Found, Outcome};
use crate::error::Result;
use crate::sqlstate::SqlState;

/// What the numbers of two bases differ by at least.
const BASE_STEP: i64 = 10_000_000_000;
/// Bytes of a container's head, and of each entry of its table.
const WORD: usize = 4;

impl Exec {
    /// Calls `.keyvalue()` on an object.
    pub(super) fn keyvalue(
        &mut self,
        chain: &[Item],
        value: &Value,
        found: &mut Found,
    ) -> Result<Outcome> {
        let Value::Object(fields) = value else {
            return self.fail(
                SqlState::SQL_JSON_OBJECT_NOT_FOUND,
                "jsonpath item method .keyvalue() can only be applied to an object",
            );
        };
        let offset = Layout::offset(&self.base.0, value).unwrap_or_default();
        let offset = i64::try_from(offset).unwrap_or_default();
        let id = Number::of_integer(offset.saturating_add(self.base.1.saturating_mul(BASE_STEP)));
        let mut outcome = Outcome::NotFound;
        for (key, value) in fields.iter() {
            outcome = Outcome::Ok;
            if chain.len() == 1 && found.is_any() {
                break;
            }
            let pair = Value::object(vec![
                (Arc::from("key"), Value::String(key.clone())),
                (Arc::from("value"), value.clone()),
                (Arc::from("id"), Value::Number(id.clone())),
            ]);
            let base = (pair.clone(), self.next_base);
            self.next_base += 1;
            outcome = self.with_base(base, |exec| exec.next(chain, &pair, found))?;
            if found.is_done(outcome) {
                break;
            }
        }
        Ok(outcome)
    }
}

/// Walks over a value in the order of PostgreSQL's binary jsonb.
struct Layout<'a> {
    wanted: &'a Value,
    /// Where the next part begins.
    at: usize,
}

impl Layout<'_> {
    /// The offset of a container inside another one.
    fn offset(base: &Value, wanted: &Value) -> Option<usize> {
        Layout { wanted, at: 0 }.find(base)
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(WORD);
    }

    /// Passes a value; ends where the wanted one begins.
    fn find(&mut self, value: &Value) -> Option<usize> {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::String(text) => self.at += text.len(),
            Value::Number(number) => {
                self.align();
                self.at += number.binary_size();
            }
            Value::Array(items) => {
                self.align();
                self.at += WORD + WORD * items.len();
                return items.iter().find_map(|item| self.find(item));
            }
            Value::Object(fields) => {
                self.align();
                if matches!(self.wanted, Value::Object(wanted) if Arc::ptr_eq(wanted, fields)) {
                    return Some(self.at);
                }
                self.at += WORD + 2 * WORD * fields.len();
                self.at += fields.iter().map(|(key, _)| key.len()).sum::<usize>();
                return fields.iter().find_map(|(_, value)| self.find(value));
            }
        }
        None
    }
}
