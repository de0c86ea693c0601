//! Subscripts of jsonpath: `[1]`, `[0 to last]`, `[1, 3]`.

use super::super::number::Number;
use super::super::value::Value;
use super::ast::{Chain, Item};
use super::exec::{Exec, Found, Outcome};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

impl Exec {
    /// The index of the last item of the innermost array.
    pub(super) fn last(&mut self, chain: &[Item], found: &mut Found) -> Result<Outcome> {
        let Some(len) = self.innermost else {
            return Err(Error::internal("evaluating jsonpath LAST outside of array subscript"));
        };
        let last = i64::try_from(len).unwrap_or(i64::MAX) - 1;
        self.next(chain, &Value::Number(Number::of_integer(last)), found)
    }

    /// Takes the items that ranges of indexes name.
    pub(super) fn index(
        &mut self,
        chain: &[Item],
        ranges: &[(Chain, Option<Chain>)],
        value: &Value,
        found: &mut Found,
    ) -> Result<Outcome> {
        let single = [value.clone()];
        let items = match value {
            Value::Array(items) => items.as_slice(),
            _ if self.lax => &single,
            _ => {
                return self.missing(
                    SqlState::SQL_JSON_ARRAY_NOT_FOUND,
                    "jsonpath array accessor can only be applied to an array",
                );
            }
        };
        let before = self.innermost.replace(items.len());
        let mut outcome = Ok(Outcome::NotFound);
        for (from, to) in ranges {
            outcome = self.range(chain, (from, to.as_deref()), items, value, found);
            if outcome.as_ref().map_or(true, |outcome| found.is_done(*outcome)) {
                break;
            }
        }
        self.innermost = before;
        outcome
    }

    fn range(
        &mut self,
        chain: &[Item],
        (from, to): (&[Item], Option<&[Item]>),
        items: &[Value],
        value: &Value,
        found: &mut Found,
    ) -> Result<Outcome> {
        let Some(first) = self.subscript(from, value)? else { return Ok(Outcome::Error) };
        let last = match to {
            Some(to) => match self.subscript(to, value)? {
                Some(last) => last,
                None => return Ok(Outcome::Error),
            },
            None => first,
        };
        let len = i32::try_from(items.len()).unwrap_or(i32::MAX);
        if !self.lenient && (first < 0 || first > last || last >= len) {
            return self.fail(
                SqlState::INVALID_SQL_JSON_SUBSCRIPT,
                "jsonpath array subscript is out of bounds",
            );
        }
        let mut outcome = Outcome::NotFound;
        let skipped = usize::try_from(first.max(0)).unwrap_or(usize::MAX);
        let taken = usize::try_from((i64::from(last) + 1).max(0)).unwrap_or_default();
        for item in items.iter().take(taken).skip(skipped) {
            outcome = self.next(chain, item, found)?;
            if found.is_done(outcome) {
                break;
            }
        }
        Ok(outcome)
    }

    /// The number that a subscript is; `None` for an error that nobody wants to hear of.
    fn subscript(&mut self, chain: &[Item], value: &Value) -> Result<Option<i32>> {
        let mut found = Found::all();
        if self.step(chain, value, &mut found)? == Outcome::Error {
            return Ok(None);
        }
        let items = found.into_items();
        let message = match items.as_slice() {
            [Value::Number(number)] => match number.truncated() {
                Some(index) => return Ok(Some(index)),
                None => "jsonpath array subscript is out of integer range",
            },
            _ => "jsonpath array subscript is not a single numeric value",
        };
        self.fail(SqlState::INVALID_SQL_JSON_SUBSCRIPT, message).map(|_| None)
    }
}
