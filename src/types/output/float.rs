//! Floating-point numbers, printed as PostgreSQL 15 prints them.
//!
//! Shortest digits that read back as the same number, in the layout of C's `%g`. PostgreSQL's
//! shortest digits differ from everybody else's in one point: it never prints a number that lies
//! exactly half-way between two floats, so `1e23` is `9.999999999999999e+22`.

use std::io::Write as _;

use super::number::{write_i64, write_padded};

/// The decimal digits of a number, without its sign: `0.d1d2d3… * 10^point`.
struct Digits {
    bytes: [u8; 32],
    length: usize,
    point: i32,
}

impl Digits {
    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Reads what Rust prints: `12.5`, `1e-7`, `1.25e20`.
    fn read(text: &[u8]) -> Digits {
        let mut digits = Digits { bytes: [0; 32], length: 0, point: 0 };
        let mut seen_point = false;
        for (at, &byte) in text.iter().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    if digits.length == 0 && byte == b'0' {
                        digits.point -= i32::from(seen_point);
                        continue;
                    }
                    if let Some(slot) = digits.bytes.get_mut(digits.length) {
                        *slot = byte;
                        digits.length += 1;
                        digits.point += i32::from(!seen_point);
                    }
                }
                b'.' => seen_point = true,
                b'e' | b'E' => {
                    let exponent = std::str::from_utf8(&text[at + 1..]).ok();
                    digits.point += exponent.and_then(|text| text.parse().ok()).unwrap_or(0);
                    break;
                }
                _ => {}
            }
        }
        while digits.length > 1 && digits.bytes[digits.length - 1] == b'0' {
            digits.length -= 1;
        }
        if digits.length == 0 {
            digits = Digits { bytes: [b'0'; 32], length: 1, point: 1 };
        }
        digits
    }
}

/// What the two float types differ in.
trait Float: Copy + serde::Serialize + std::fmt::LowerExp {
    /// Digits that always suffice.
    const DIGITS_MAX: usize;
    /// C's `FLT_DIG` or `DBL_DIG`: digits that always survive.
    const DIGITS_SAFE: i32;
    /// The first power of ten printed with an exponent when digits are the shortest.
    const EXPONENT_FROM: i32;
    /// Splits the number into an integer and a power of two; tells also whether the float below it
    /// is nearer
    /// than the one above.
    fn split(self) -> (u64, i32, bool);
    fn reads_back(self, text: &str) -> bool;
}

impl Float for f64 {
    const DIGITS_MAX: usize = 17;
    const DIGITS_SAFE: i32 = 15;
    const EXPONENT_FROM: i32 = 15;

    fn split(self) -> (u64, i32, bool) {
        let bits = self.to_bits();
        let fraction = bits & ((1 << 52) - 1);
        let exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
        match exponent {
            0 => (fraction, -1074, false),
            _ => (fraction | 1 << 52, exponent - 1075, fraction == 0 && exponent > 1),
        }
    }

    fn reads_back(self, text: &str) -> bool {
        text.parse() == Ok(self)
    }
}

impl Float for f32 {
    const DIGITS_MAX: usize = 9;
    const DIGITS_SAFE: i32 = 6;
    const EXPONENT_FROM: i32 = 6;

    fn split(self) -> (u64, i32, bool) {
        let bits = self.to_bits();
        let fraction = u64::from(bits & ((1 << 23) - 1));
        let exponent = i32::try_from((bits >> 23) & 0xff).unwrap_or(0);
        match exponent {
            0 => (fraction, -149, false),
            _ => (fraction | 1 << 23, exponent - 150, fraction == 0 && exponent > 1),
        }
    }

    fn reads_back(self, text: &str) -> bool {
        text.parse() == Ok(self)
    }
}

/// Tells whether the digits lie exactly half-way between the number and a neighbour.
fn is_half_way<F: Float>(value: F, digits: &Digits) -> bool {
    let exponent = digits.point - i32::try_from(digits.length).unwrap_or(0);
    let (mantissa, power, lower_is_near) = value.split();
    // Only so few powers of ten can be odd multiples of a power of two with these many bits.
    if !(-24..=23).contains(&exponent) || digits.length > 18 || mantissa == 0 {
        return false;
    }
    let five = 5u128.pow(exponent.unsigned_abs());
    let number = digits.as_slice().iter().fold(0u128, |n, d| n * 10 + u128::from(d - b'0'));
    let below = if lower_is_near { 4 * mantissa - 1 } else { 4 * mantissa - 2 };
    [4 * mantissa + 2, below].into_iter().any(|edge| {
        // number * 10^exponent * 4 == edge * 2^power, with the powers of two on one side.
        let (left, right) = match exponent {
            0.. => (number * five, u128::from(edge)),
            _ => (number, u128::from(edge) * five),
        };
        shifted_equal(left, exponent + 2 - power, right)
    })
}

/// Tells whether `left * 2^shift == right`.
fn shifted_equal(left: u128, shift: i32, right: u128) -> bool {
    let (small, big, by) = if shift >= 0 { (left, right, shift) } else { (right, left, -shift) };
    let by = by.unsigned_abs();
    small != 0 && by <= small.leading_zeros() && small << by == big
}

/// Finds the shortest digits, as PostgreSQL does.
fn shortest<F: Float>(value: F) -> Digits {
    let mut buffer = [0u8; 40];
    let mut rest = &mut buffer[..];
    // serde_json carries the fastest shortest-digits printer of the tree.
    let written = match serde_json::to_writer(&mut rest, &value) {
        Ok(()) => 40 - rest.len(),
        Err(_) => 0,
    };
    let digits = Digits::read(&buffer[..written]);
    if !is_half_way(value, &digits) {
        return digits;
    }
    for count in digits.length..=F::DIGITS_MAX {
        let text = format!("{value:.*e}", count - 1);
        let longer = Digits::read(text.trim_start_matches('-').as_bytes());
        if value.reads_back(&text) && !is_half_way(value, &longer) {
            return longer;
        }
    }
    digits
}

/// Appends digits in the layout of `%g`: plain from 0.0001 up to `10^exponent_from`.
fn write_digits(out: &mut Vec<u8>, digits: &Digits, exponent_from: i32) {
    let exponent = digits.point - 1;
    let bytes = digits.as_slice();
    if !(-4..exponent_from).contains(&exponent) {
        out.push(bytes[0]);
        if bytes.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&bytes[1..]);
        }
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        return write_padded(out, u64::from(exponent.unsigned_abs()), 2);
    }
    let point = usize::try_from(digits.point).unwrap_or(0);
    if point == 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + digits.point.unsigned_abs() as usize, b'0');
        out.extend_from_slice(bytes);
    } else if point >= bytes.len() {
        out.extend_from_slice(bytes);
        out.resize(out.len() + point - bytes.len(), b'0');
    } else {
        out.extend_from_slice(&bytes[..point]);
        out.push(b'.');
        out.extend_from_slice(&bytes[point..]);
    }
}

fn write_float<F: Float>(out: &mut Vec<u8>, value: F, extra_float_digits: i32) {
    if extra_float_digits >= 1 {
        return write_digits(out, &shortest(value), F::EXPONENT_FROM);
    }
    let count = (F::DIGITS_SAFE + extra_float_digits).max(1);
    let mut buffer = [0u8; 40];
    let mut rest = &mut buffer[..];
    let places = usize::try_from(count - 1).unwrap_or(0);
    let written = match write!(rest, "{value:.places$e}") {
        Ok(()) => 40 - rest.len(),
        Err(_) => 0,
    };
    write_digits(out, &Digits::read(&buffer[..written]), count);
}

/// Appends what needs no digits; tells whether there was such.
fn write_special(out: &mut Vec<u8>, value: f64) -> bool {
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
        return true;
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if value.is_infinite() {
        out.extend_from_slice(b"Infinity");
    }
    value.is_infinite()
}

/// Appends a `double precision`.
pub(crate) fn write_f64(out: &mut Vec<u8>, value: f64, extra_float_digits: i32) {
    // Whole numbers are common, and need no search for digits.
    #[expect(clippy::cast_possible_truncation, reason = "checked by converting back")]
    let whole = value as i64;
    #[expect(clippy::cast_precision_loss, reason = "below 10^15 every integer is exact")]
    let is_whole = whole.unsigned_abs() < 1_000_000_000_000_000 && whole as f64 == value;
    if extra_float_digits >= 1 && is_whole && whole != 0 {
        return write_i64(out, whole);
    }
    if !write_special(out, value) {
        write_float(out, value.abs(), extra_float_digits);
    }
}

/// Appends a `real`.
pub(crate) fn write_f32(out: &mut Vec<u8>, value: f32, extra_float_digits: i32) {
    if !write_special(out, f64::from(value)) {
        write_float(out, value.abs(), extra_float_digits);
    }
}

/// Gives the digits and the scale of a finite number, as a numeric has them.
pub(crate) fn decimal_digits(value: f64, digits: &mut Vec<u8>) -> i32 {
    let found = shortest(value.abs());
    digits.clear();
    digits.extend_from_slice(found.as_slice());
    let scale = i32::try_from(found.length).unwrap_or(0) - found.point;
    if scale < 0 {
        digits.resize(digits.len() + scale.unsigned_abs() as usize, b'0');
    }
    scale.max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f64_text(value: f64, extra: i32) -> String {
        let mut out = Vec::new();
        write_f64(&mut out, value, extra);
        String::from_utf8(out).unwrap()
    }

    fn f32_text(value: f32) -> String {
        let mut out = Vec::new();
        write_f32(&mut out, value, 1);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn doubles_print_as_postgresql_15_printed_them() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (1e14, "100000000000000"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e20, "1e+20"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1e23, "9.999999999999999e+22"),
            (9_007_199_254_740_993.0, "9.007199254740992e+15"),
            (1_152_921_504_606_846_976.0, "1.152921504606847e+18"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (-1234.5, "-1234.5"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(f64_text(value, 1), expected);
        }
        assert_eq!(f64_text(0.1 + 0.2, 0), "0.3");
        assert_eq!(f64_text(1.0 / 3.0, -5), "0.3333333333");
        assert_eq!(f64_text(123_456.0, -12), "1.23e+05");
    }

    #[test]
    fn reals_print_as_postgresql_15_printed_them() {
        for (value, expected) in [
            (0.1, "0.1"),
            (100_000.0, "100000"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (1e-5, "1e-05"),
            (f32::MAX, "3.4028235e+38"),
            (16_777_216.0, "1.6777216e+07"),
        ] {
            assert_eq!(f32_text(value), expected);
        }
    }
}
