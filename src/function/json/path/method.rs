//! Methods and arithmetic of jsonpath.

use super::super::decimal;
use super::super::number::Number;
use super::super::value::Value;
use super::ast::{Binary, Chain, Item, Method};
use super::exec::{Exec, Found, Outcome};
use crate::error::Result;
use crate::sqlstate::SqlState;

impl Exec {
    /// Calls the method that a chain starts with.
    pub(super) fn method(
        &mut self,
        chain: &[Item],
        method: Method,
        value: &Value,
        found: &mut Found,
        unwrap: bool,
    ) -> Result<Outcome> {
        match method {
            Method::Type => self.next(chain, &Value::string(value.type_name()), found),
            Method::Size => self.size(chain, value, found),
            _ if unwrap && matches!(value, Value::Array(_)) => {
                self.items(chain, value, found, false)
            }
            Method::Double => self.double(chain, value, found),
            Method::KeyValue => self.keyvalue(chain, value, found),
            Method::Abs | Method::Floor | Method::Ceiling => {
                self.numeric(chain, method, value, found)
            }
        }
    }

    fn size(&mut self, chain: &[Item], value: &Value, found: &mut Found) -> Result<Outcome> {
        let len = match value {
            Value::Array(items) => i64::try_from(items.len()).unwrap_or(i64::MAX),
            _ if self.lax => 1,
            _ if self.lenient => return Ok(Outcome::NotFound),
            _ => {
                return self.fail(
                    SqlState::SQL_JSON_ARRAY_NOT_FOUND,
                    "jsonpath item method .size() can only be applied to an array",
                );
            }
        };
        self.next(chain, &Value::Number(Number::of_integer(len)), found)
    }

    fn numeric(
        &mut self,
        chain: &[Item],
        method: Method,
        value: &Value,
        found: &mut Found,
    ) -> Result<Outcome> {
        let Value::Number(number) = value else {
            return self.fail(
                SqlState::NON_NUMERIC_SQL_JSON_ITEM,
                format!(
                    "jsonpath item method .{}() can only be applied to a numeric value",
                    method.name()
                ),
            );
        };
        let result = match method {
            Method::Floor => decimal::floor(number)?,
            Method::Ceiling => decimal::ceiling(number)?,
            _ => number.abs(),
        };
        self.next(chain, &Value::Number(result), found)
    }

    fn double(&mut self, chain: &[Item], value: &Value, found: &mut Found) -> Result<Outcome> {
        let (number, message) = match value {
            Value::Number(number) => (
                double_of(number.text()).map(|_| number.clone()),
                "numeric argument of jsonpath item method .double() is out of range for type \
                 double precision",
            ),
            Value::String(text) => (
                double_of(text).and_then(rounded),
                "string argument of jsonpath item method .double() is not a valid \
                 representation of a double precision number",
            ),
            _ => (
                None,
                "jsonpath item method .double() can only be applied to a string or numeric value",
            ),
        };
        match number {
            Some(number) => self.next(chain, &Value::Number(number), found),
            None => self.fail(SqlState::NON_NUMERIC_SQL_JSON_ITEM, message),
        }
    }

    /// Calculates with two single numbers.
    pub(super) fn binary(
        &mut self,
        chain: &[Item],
        operator: Binary,
        (left, right): (&Chain, &Chain),
        value: &Value,
        found: &mut Found,
    ) -> Result<Outcome> {
        let Some(left) = self.unwrapped(left, value, true)? else { return Ok(Outcome::Error) };
        let Some(right) = self.unwrapped(right, value, true)? else { return Ok(Outcome::Error) };
        let (a, b) = match (left.as_slice(), right.as_slice()) {
            ([Value::Number(a)], [Value::Number(b)]) => (a, b),
            (left, _) => {
                let side = if matches!(left, [Value::Number(_)]) { "right" } else { "left" };
                return self.fail(
                    SqlState::SINGLETON_SQL_JSON_ITEM_REQUIRED,
                    format!(
                        "{side} operand of jsonpath operator {} is not a single numeric value",
                        operator.sign()
                    ),
                );
            }
        };
        let result = match operator {
            Binary::Add => decimal::add(a, b),
            Binary::Subtract => decimal::subtract(a, b),
            Binary::Multiply => decimal::multiply(a, b),
            Binary::Divide => decimal::divide(a, b),
            Binary::Remainder => decimal::remainder(a, b),
        };
        match result {
            Ok(number) => self.next(chain, &Value::Number(number), found),
            Err(error) if self.throws => Err(error),
            Err(_) => Ok(Outcome::Error),
        }
    }

    /// Puts a sign before each number.
    pub(super) fn unary(
        &mut self,
        chain: &[Item],
        inner: &[Item],
        minus: bool,
        value: &Value,
        found: &mut Found,
    ) -> Result<Outcome> {
        let Some(items) = self.unwrapped(inner, value, true)? else { return Ok(Outcome::Error) };
        // If only one number is looked for, the others do not matter.
        let first_only = found.is_any() && chain.len() == 1;
        let mut outcome = Outcome::NotFound;
        for item in &items {
            let Value::Number(number) = item else {
                if first_only {
                    continue;
                }
                let sign = if minus { "-" } else { "+" };
                return self.fail(
                    SqlState::SQL_JSON_NUMBER_NOT_FOUND,
                    format!("operand of unary jsonpath operator {sign} is not a numeric value"),
                );
            };
            let number = if minus { number.negated() } else { number.clone() };
            match self.next(chain, &Value::Number(number), found)? {
                Outcome::NotFound => {}
                reached => {
                    outcome = reached;
                    if found.is_done(reached) {
                        break;
                    }
                }
            }
        }
        Ok(outcome)
    }
}

/// Reads a double precision number; `None` also for what is out of its range or not finite.
fn double_of(text: &str) -> Option<f64> {
    let blank = |c: char| c.is_ascii_whitespace() || c == '\u{b}';
    let text = text.trim_matches(blank);
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let vanished = value == 0.0 && mantissa.bytes().any(|b| (b'1'..=b'9').contains(&b));
    (!vanished).then_some(value)
}

/// The number of a double, to the 15 digits that PostgreSQL takes.
fn rounded(value: f64) -> Option<Number> {
    let scientific = format!("{value:.14e}");
    let (mantissa, exponent) = scientific.split_once('e')?;
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    Number::parse(&format!("{mantissa}e{exponent}")).ok()
}
