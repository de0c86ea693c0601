//! Calculating with numbers as numeric does: the operators and methods of jsonpath.

use super::number::{Number, SCALE_MAX};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// Decimal digits in one limb.
const LIMB_DIGITS: usize = 9;
const BASE: u64 = 1_000_000_000;
/// Digits that a quotient has at least.
const QUOTIENT_DIGITS: i64 = 16;
/// Digits after the point that a quotient has at most.
const QUOTIENT_SCALE_MAX: i64 = 1000;

/// An unsigned integer: limbs of nine digits, the lowest first, no zero limb at the top.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Natural(Vec<u32>);

impl Natural {
    /// The number's digits as if its point were `scale` digits from the end of them.
    fn scaled(number: &Number, scale: usize) -> Natural {
        let (whole, fraction) = number.parts();
        let mut digits = String::with_capacity(whole.len() + scale);
        digits.push_str(whole);
        digits.push_str(fraction);
        digits.extend(std::iter::repeat_n('0', scale.saturating_sub(fraction.len())));
        Natural::of_digits(&digits)
    }

    fn of_digits(digits: &str) -> Natural {
        let mut limbs = Vec::with_capacity(digits.len() / LIMB_DIGITS + 1);
        let mut end = digits.len();
        while end > 0 {
            let start = end.saturating_sub(LIMB_DIGITS);
            limbs.push(digits.get(start..end).and_then(|d| d.parse().ok()).unwrap_or_default());
            end = start;
        }
        Natural(limbs).trimmed()
    }

    /// A power of ten.
    fn ten_to(exponent: usize) -> Natural {
        Natural::of_digits(&format!("1{}", "0".repeat(exponent)))
    }

    fn trimmed(mut self) -> Natural {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }

    fn digits(&self) -> String {
        let mut text = String::with_capacity(self.0.len() * LIMB_DIGITS);
        for limb in self.0.iter().rev() {
            let limb = limb.to_string();
            text.extend(std::iter::repeat_n('0', LIMB_DIGITS - limb.len()));
            text.push_str(&limb);
        }
        text
    }

    fn compare(&self, other: &Natural) -> std::cmp::Ordering {
        let by_length = self.0.len().cmp(&other.0.len());
        by_length.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    fn add(&self, other: &Natural) -> Natural {
        let mut sum = Vec::with_capacity(self.0.len().max(other.0.len()) + 1);
        let mut carry = 0;
        for at in 0..self.0.len().max(other.0.len()) {
            let limb = self.limb(at) + other.limb(at) + carry;
            sum.push(low(limb));
            carry = limb / BASE;
        }
        sum.push(low(carry));
        Natural(sum).trimmed()
    }

    /// Takes a natural that is not greater away.
    fn subtract(&self, other: &Natural) -> Natural {
        let mut left = Vec::with_capacity(self.0.len());
        let mut borrow = 0;
        for at in 0..self.0.len() {
            let taken = other.limb(at) + borrow;
            let limb = self.limb(at);
            borrow = u64::from(limb < taken);
            left.push(low(limb + borrow * BASE - taken));
        }
        Natural(left).trimmed()
    }

    fn multiply(&self, other: &Natural) -> Natural {
        let mut product = vec![0_u32; self.0.len() + other.0.len()];
        for (at, limb) in self.0.iter().enumerate() {
            let mut carry = 0;
            let tail = product.iter_mut().skip(at);
            for (place, factor) in tail.zip(other.0.iter().chain(std::iter::once(&0))) {
                let value = u64::from(*place) + u64::from(*limb) * u64::from(*factor) + carry;
                *place = low(value);
                carry = value / BASE;
            }
        }
        Natural(product).trimmed()
    }

    fn limb(&self, at: usize) -> u64 {
        self.0.get(at).copied().map_or(0, u64::from)
    }

    fn times(&self, factor: u64) -> Natural {
        self.multiply(&Natural(vec![low(factor)]).trimmed())
    }

    /// Divides by a single limb that is not 0.
    fn divide_short(&self, divisor: u64) -> (Natural, Natural) {
        let mut quotient = vec![0; self.0.len()];
        let mut rest = 0;
        for (at, limb) in self.0.iter().enumerate().rev() {
            let value = rest * BASE + u64::from(*limb);
            if let Some(place) = quotient.get_mut(at) {
                *place = low(value / divisor);
            }
            rest = value % divisor;
        }
        (Natural(quotient).trimmed(), Natural(vec![low(rest)]).trimmed())
    }

    /// The quotient and the rest of a division by what is not zero (Knuth's algorithm D).
    fn divide(&self, divisor: &Natural) -> (Natural, Natural) {
        let size = divisor.0.len();
        if self.compare(divisor).is_lt() {
            return (Natural(Vec::new()), self.clone());
        }
        if size < 2 {
            return self.divide_short(divisor.limb(0).max(1));
        }
        let factor = BASE / (divisor.limb(size - 1) + 1);
        let divisor = divisor.times(factor);
        let mut rest = self.times(factor).0;
        rest.resize(self.0.len() + 2, 0);
        let steps = self.0.len() + 1 - size;
        let mut quotient = vec![0; steps];
        for at in (0..steps).rev() {
            let digit = quotient_digit(&mut rest, &divisor, at);
            if let Some(place) = quotient.get_mut(at) {
                *place = low(digit);
            }
        }
        let (rest, _) = Natural(rest).trimmed().divide_short(factor);
        (Natural(quotient).trimmed(), rest)
    }

    /// The quotient rounded to the nearest, halves up.
    fn divide_rounded(&self, divisor: &Natural) -> Natural {
        let (quotient, rest) = self.divide(divisor);
        if rest.times(2).compare(divisor).is_lt() {
            return quotient;
        }
        quotient.add(&Natural(vec![1]))
    }
}

fn low(value: u64) -> u32 {
    u32::try_from(value % BASE).unwrap_or_default()
}

/// Estimates one digit of a quotient, takes its product from the rest and corrects it.
fn quotient_digit(rest: &mut [u32], divisor: &Natural, at: usize) -> u64 {
    let size = divisor.0.len();
    let place = |rest: &[u32], at: usize| rest.get(at).copied().map_or(0, u64::from);
    let head = place(rest, at + size) * BASE + place(rest, at + size - 1);
    let top = divisor.limb(size - 1).max(1);
    let mut digit = (head / top).min(BASE - 1);
    while u128::from(digit) * u128::from(divisor.limb(size - 2))
        > u128::from(head - digit * top) * u128::from(BASE) + u128::from(place(rest, at + size - 2))
    {
        digit -= 1;
    }
    let product = divisor.times(digit);
    let window =
        |rest: &[u32]| Natural((at..=at + size).map(|at| low(place(rest, at))).collect()).trimmed();
    let mut head = window(rest);
    if head.compare(&product).is_lt() {
        digit -= 1;
        head = head.add(divisor);
    }
    let left = head.subtract(&product);
    for offset in 0..=size {
        if let Some(place) = rest.get_mut(at + offset) {
            *place = low(left.limb(offset));
        }
    }
    digit
}

/// `a + b`.
pub(super) fn add(a: &Number, b: &Number) -> Result<Number> {
    let scale = a.scale().max(b.scale());
    let (left, right) = (Natural::scaled(a, scale), Natural::scaled(b, scale));
    let (negative, magnitude) = match (a.is_negative() == b.is_negative(), left.compare(&right)) {
        (true, _) => (a.is_negative(), left.add(&right)),
        (false, std::cmp::Ordering::Less) => (b.is_negative(), right.subtract(&left)),
        (false, _) => (a.is_negative(), left.subtract(&right)),
    };
    Number::of_unscaled(negative, &magnitude.digits(), scale)
}

/// `a - b`.
pub(super) fn subtract(a: &Number, b: &Number) -> Result<Number> {
    add(a, &b.negated())
}

/// `a * b`.
pub(super) fn multiply(a: &Number, b: &Number) -> Result<Number> {
    let mut scale = a.scale() + b.scale();
    let mut product = Natural::scaled(a, a.scale()).multiply(&Natural::scaled(b, b.scale()));
    if scale > SCALE_MAX {
        product = product.divide_rounded(&Natural::ten_to(scale - SCALE_MAX));
        scale = SCALE_MAX;
    }
    Number::of_unscaled(a.is_negative() != b.is_negative(), &product.digits(), scale)
}

/// `a / b`, with as many digits after the point as numeric gives.
pub(super) fn divide(a: &Number, b: &Number) -> Result<Number> {
    check_divisor(b)?;
    let scale = quotient_scale(a, b);
    let shift = scale + b.scale();
    let (dividend, divisor) = if shift >= a.scale() {
        let up = shift - a.scale();
        (Natural::scaled(a, a.scale() + up), Natural::scaled(b, b.scale()))
    } else {
        (Natural::scaled(a, a.scale()), Natural::scaled(b, b.scale() + a.scale() - shift))
    };
    let quotient = dividend.divide_rounded(&divisor);
    Number::of_unscaled(a.is_negative() != b.is_negative(), &quotient.digits(), scale)
}

fn quotient_scale(a: &Number, b: &Number) -> usize {
    let mut weight = a.groups().0 - b.groups().0;
    if a.first_group() <= b.first_group() {
        weight -= 1;
    }
    let shown = a.scale().max(b.scale());
    let wanted = (QUOTIENT_DIGITS - weight * 4).max(i64::try_from(shown).unwrap_or_default());
    usize::try_from(wanted.clamp(0, QUOTIENT_SCALE_MAX)).unwrap_or_default()
}

/// `a % b`: the rest has the dividend's sign.
pub(super) fn remainder(a: &Number, b: &Number) -> Result<Number> {
    check_divisor(b)?;
    let scale = a.scale().max(b.scale());
    let (_, rest) = Natural::scaled(a, scale).divide(&Natural::scaled(b, scale));
    Number::of_unscaled(a.is_negative(), &rest.digits(), scale)
}

fn check_divisor(divisor: &Number) -> Result<()> {
    if divisor.is_zero() {
        return Err(Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
    }
    Ok(())
}

/// The smallest integer that is not less.
pub(super) fn ceiling(number: &Number) -> Result<Number> {
    whole(number, !number.is_negative())
}

/// The greatest integer that is not greater.
pub(super) fn floor(number: &Number) -> Result<Number> {
    whole(number, number.is_negative())
}

/// Cuts the digits after the point off, going away from zero if there were any and it is wanted.
fn whole(number: &Number, away: bool) -> Result<Number> {
    let (whole, fraction) = number.parts();
    let mut magnitude = Natural::of_digits(whole);
    if away && fraction.bytes().any(|digit| digit != b'0') {
        magnitude = magnitude.add(&Natural(vec![1]));
    }
    Number::of_unscaled(number.is_negative(), &magnitude.digits(), 0)
}
