//! Numbers of twice a float's precision, some 31 digits: enough for the 16 to 20 digits that
//! PostgreSQL's `numeric` functions give, and fast.

/// The unevaluated sum of two floats, the second below half a unit of the first's last place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quad {
    hi: f64,
    lo: f64,
}

const LN_2: Quad = Quad { hi: std::f64::consts::LN_2, lo: 2.319_046_813_846_299_6e-17 };
const ONE: Quad = Quad { hi: 1.0, lo: 0.0 };
/// The greatest power of ten that a float holds exactly.
const TEN_MAX: u32 = 22;
/// Halvings before the series of the exponential function, which are undone by squaring.
const HALVINGS: i32 = 8;

/// The sum of two floats, and what it lacks.
fn two_sum(a: f64, b: f64) -> Quad {
    let hi = a + b;
    let part = hi - a;
    Quad { hi, lo: (a - (hi - part)) + (b - part) }
}

impl Quad {
    pub(super) fn of_int(value: i128) -> Quad {
        #[expect(clippy::cast_precision_loss, reason = "the rest is the second float")]
        let hi = value as f64;
        #[expect(clippy::cast_possible_truncation, reason = "a float of an i128's size")]
        let whole = hi as i128;
        #[expect(clippy::cast_precision_loss, reason = "31 digits are enough")]
        let lo = value.wrapping_sub(whole) as f64;
        two_sum(hi, lo)
    }

    pub(super) fn of_float(value: f64) -> Quad {
        Quad { hi: value, lo: 0.0 }
    }

    pub(super) fn ten_to(mut exponent: u32) -> Quad {
        let mut power = ONE;
        while exponent > TEN_MAX {
            power = power.times(Quad::of_float(1e22));
            exponent -= TEN_MAX;
        }
        power.times(Quad::of_int(10i128.pow(exponent)))
    }

    pub(super) fn float(self) -> f64 {
        self.hi
    }

    pub(super) fn negated(self) -> Quad {
        Quad { hi: -self.hi, lo: -self.lo }
    }

    pub(super) fn plus(self, other: Quad) -> Quad {
        let (high, low) = (two_sum(self.hi, other.hi), two_sum(self.lo, other.lo));
        let high = two_sum(high.hi, high.lo + low.hi);
        two_sum(high.hi, high.lo + low.lo)
    }

    pub(super) fn minus(self, other: Quad) -> Quad {
        self.plus(other.negated())
    }

    pub(super) fn times(self, other: Quad) -> Quad {
        let hi = self.hi * other.hi;
        let lo = self.hi.mul_add(other.hi, -hi);
        two_sum(hi, lo + (self.hi * other.lo + self.lo * other.hi))
    }

    pub(super) fn over(self, other: Quad) -> Quad {
        let first = self.hi / other.hi;
        let rest = self.minus(other.times(Quad::of_float(first)));
        let second = rest.hi / other.hi;
        let rest = rest.minus(other.times(Quad::of_float(second)));
        two_sum(first, second).plus(Quad::of_float(rest.hi / other.hi))
    }

    /// The square root of what is not negative.
    pub(super) fn sqrt(self) -> Quad {
        if self.hi == 0.0 {
            return self;
        }
        // One step of Newton's doubles the digits.
        let root = Quad::of_float(self.hi.sqrt());
        let rest = self.minus(root.times(root));
        root.plus(Quad::of_float(rest.hi / (2.0 * root.hi)))
    }

    pub(super) fn exp(self) -> Quad {
        let twos = (self.hi / LN_2.hi).round();
        let rest = self.minus(LN_2.times(Quad::of_float(twos)));
        let scale = 2f64.powi(-HALVINGS);
        let small = Quad { hi: rest.hi * scale, lo: rest.lo * scale };
        let (mut term, mut sum) = (ONE, ONE);
        for step in 1..=12 {
            term = term.times(small).over(Quad::of_float(f64::from(step)));
            sum = sum.plus(term);
        }
        for _ in 0..HALVINGS {
            sum = sum.times(sum);
        }
        #[expect(clippy::cast_possible_truncation, reason = "an exponent's size")]
        let twos = 2f64.powi(twos as i32);
        Quad { hi: sum.hi * twos, lo: sum.lo * twos }
    }

    /// The natural logarithm of what is above zero.
    pub(super) fn ln(self) -> Quad {
        // One step of Newton's doubles the digits.
        let first = Quad::of_float(self.hi.ln());
        first.plus(self.times(first.negated().exp()).minus(ONE))
    }

    pub(super) fn powi(self, exponent: i32) -> Quad {
        let (mut power, mut base) = (ONE, self);
        let mut left = exponent.unsigned_abs();
        while left > 0 {
            if left & 1 == 1 {
                power = power.times(base);
            }
            base = base.times(base);
            left >>= 1;
        }
        if exponent < 0 { ONE.over(power) } else { power }
    }

    /// The nearest integer, half away from zero; `None` beyond 38 digits.
    pub(super) fn rounded(self) -> Option<i128> {
        if !self.hi.is_finite() || self.hi.abs() >= 1e38 {
            return None;
        }
        let whole = self.hi.trunc();
        let rest = (self.hi - whole) + self.lo;
        #[expect(clippy::cast_possible_truncation, reason = "checked above")]
        let (whole, rest) = (whole as i128, rest.round() as i128);
        Some(whole + rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(value: Quad, scale: u32) -> i128 {
        value.times(Quad::ten_to(scale)).rounded().unwrap()
    }

    #[test]
    fn results_have_thirty_digits() {
        let two = Quad::of_int(2);
        assert_eq!(digits(two.sqrt(), 28), 14_142_135_623_730_950_488_016_887_242);
        assert_eq!(digits(two.ln(), 28), 6_931_471_805_599_453_094_172_321_215);
        assert_eq!(digits(ONE.exp(), 28), 27_182_818_284_590_452_353_602_874_714);
        assert_eq!(digits(ONE.over(Quad::of_int(3)), 28), 3_333_333_333_333_333_333_333_333_333);
        assert_eq!(digits(Quad::of_int(3).powi(-2), 28), 1_111_111_111_111_111_111_111_111_111);
        let ten = Quad::of_int(10);
        assert_eq!(digits(ten.ln().negated().exp(), 28), 1_000_000_000_000_000_000_000_000_000);
    }
}
