//! Integers and decimals, as text and as PostgreSQL's binary numeric.
//!
//! Everything appends to a byte vector and allocates nothing but the vector's growth.

/// "00" to "99", so that two digits cost one division.
const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

/// Room for the digits of any `u128`.
pub(crate) const DIGITS_MAX: usize = 40;

/// Writes the decimal digits of a number to the end of a buffer; gives the place of the first.
fn digits_u64(mut value: u64, buffer: &mut [u8], mut at: usize) -> usize {
    while value >= 100 {
        let pair = usize::try_from(value % 100).unwrap_or(0) * 2;
        value /= 100;
        at -= 2;
        buffer[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    let pair = usize::try_from(value).unwrap_or(0) * 2;
    if value >= 10 {
        at -= 2;
        buffer[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    } else {
        at -= 1;
        buffer[at] = PAIRS[pair + 1];
    }
    at
}

/// Writes the decimal digits of a number to the end of a buffer; gives the place of the first.
pub(crate) fn digits_u128(mut value: u128, buffer: &mut [u8; DIGITS_MAX]) -> usize {
    const CHUNK: u128 = 10_000_000_000_000_000_000;
    let mut end = DIGITS_MAX;
    loop {
        if let Ok(small) = u64::try_from(value) {
            return digits_u64(small, buffer, end);
        }
        let chunk = u64::try_from(value % CHUNK).unwrap_or(0);
        value /= CHUNK;
        let at = digits_u64(chunk, buffer, end);
        // All 19 digits of a lower chunk count, leading zeros too.
        buffer[end - 19..at].fill(b'0');
        end -= 19;
    }
}

/// Appends an unsigned integer.
pub(crate) fn write_u64(out: &mut Vec<u8>, value: u64) {
    let mut buffer = [0; 20];
    let at = digits_u64(value, &mut buffer, 20);
    out.extend_from_slice(&buffer[at..]);
}

/// Appends an integer.
pub(crate) fn write_i64(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    write_u64(out, value.unsigned_abs());
}

/// Appends an integer of up to 128 bits.
pub(crate) fn write_i128(out: &mut Vec<u8>, value: i128) {
    if let Ok(small) = i64::try_from(value) {
        return write_i64(out, small);
    }
    if value < 0 {
        out.push(b'-');
    }
    let mut buffer = [0; DIGITS_MAX];
    let at = digits_u128(value.unsigned_abs(), &mut buffer);
    out.extend_from_slice(&buffer[at..]);
}

/// Appends two digits of a number below 100.
pub(crate) fn write_two(out: &mut Vec<u8>, value: u32) {
    let pair = (value % 100) as usize * 2;
    out.extend_from_slice(&PAIRS[pair..pair + 2]);
}

/// Appends a number with at least `width` digits.
#[inline]
pub(crate) fn write_padded(out: &mut Vec<u8>, value: u64, width: usize) {
    let mut buffer = [b'0'; 20];
    let at = digits_u64(value, &mut buffer, 20).min(20 - width.min(20));
    out.extend_from_slice(&buffer[at..]);
}

/// Appends `digits / 10^scale` as PostgreSQL prints a numeric: all digits of the scale, no
/// exponent.
pub(crate) fn write_decimal(out: &mut Vec<u8>, negative: bool, digits: &[u8], scale: i32) {
    let zero = digits.iter().all(|&digit| digit == b'0');
    if negative && !zero {
        out.push(b'-');
    }
    let fraction = usize::try_from(scale).unwrap_or(0);
    if fraction == 0 {
        out.extend_from_slice(digits);
        if !zero {
            let zeros = usize::try_from(scale.unsigned_abs()).unwrap_or(0);
            out.resize(out.len() + zeros, b'0');
        }
        return;
    }
    if digits.len() > fraction {
        let (whole, rest) = digits.split_at(digits.len() - fraction);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(rest);
    } else {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + fraction - digits.len(), b'0');
        out.extend_from_slice(digits);
    }
}

/// Appends a numeric in PostgreSQL's binary form: digit count, weight, sign, scale, then digits to
/// the base of 10000.
pub(crate) fn write_numeric_binary(out: &mut Vec<u8>, negative: bool, digits: &[u8], scale: i32) {
    let skip = digits.iter().take_while(|&&digit| digit == b'0').count();
    let digits = &digits[skip..];
    let header = out.len();
    out.extend_from_slice(&[0; 8]);
    let places = i32::try_from(digits.len()).unwrap_or(i32::MAX) - scale;
    let weight = (places - 1).div_euclid(4);
    let mut last = out.len();
    let mut count = 0i16;
    let mut kept = 0i16;
    if !digits.is_empty() {
        for group in ((-scale).div_euclid(4)..=weight).rev() {
            let value = (0..4).rev().fold(0i16, |value, power| {
                let place = places - 1 - (group * 4 + power);
                let digit = usize::try_from(place).ok().and_then(|place| digits.get(place));
                value * 10 + digit.map_or(0, |&digit| i16::from(digit - b'0'))
            });
            out.extend_from_slice(&value.to_be_bytes());
            count += 1;
            if value != 0 {
                kept = count;
                last = out.len();
            }
        }
    }
    out.truncate(last);
    let weight = if kept == 0 { 0 } else { i16::try_from(weight).unwrap_or(i16::MAX) };
    let sign: i16 = if negative && kept != 0 { 0x4000 } else { 0 };
    let dscale = i16::try_from(scale.max(0)).unwrap_or(0);
    for (slot, part) in [kept, weight, sign, dscale].into_iter().enumerate() {
        let at = header + slot * 2;
        out[at..at + 2].copy_from_slice(&part.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: i128, scale: i32) -> String {
        let mut buffer = [0; DIGITS_MAX];
        let at = digits_u128(value.unsigned_abs(), &mut buffer);
        let mut out = Vec::new();
        write_decimal(&mut out, value < 0, &buffer[at..], scale);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn integers_print_as_the_standard_library_prints_them() {
        let mut values = vec![0, 1, -1, 9, 10, 99, 100, 101, i128::MAX, i128::MIN];
        let mut next = 1i128;
        for step in 0..38 {
            values.extend([next, next - 1, -next, next * 7 + step]);
            next = next.wrapping_mul(10);
        }
        for value in values {
            let mut out = Vec::new();
            write_i128(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }
    }

    #[test]
    fn decimals_keep_their_scale() {
        assert_eq!(text(-12345, 2), "-123.45");
        assert_eq!(text(5, 3), "0.005");
        assert_eq!(text(0, 2), "0.00");
        assert_eq!(text(12, -3), "12000");
    }

    #[test]
    fn binary_numeric_has_base_10000_digits() {
        let binary = |negative, digits: &[u8], scale| {
            let mut out = Vec::new();
            write_numeric_binary(&mut out, negative, digits, scale);
            out.chunks(2).map(|b| i16::from_be_bytes([b[0], b[1]])).collect::<Vec<_>>()
        };
        // Each line as PostgreSQL 15's numeric_send gives it.
        assert_eq!(binary(false, b"1234567", 2), [3, 1, 0, 2, 1, 2345, 6700]);
        assert_eq!(binary(true, b"1", 5), [1, -2, 0x4000, 5, 1000]);
        assert_eq!(binary(false, b"0", 2), [0, 0, 0, 2]);
        assert_eq!(binary(false, b"100000000", 0), [1, 2, 0, 0, 1]);
        assert_eq!(binary(false, b"1000000010", 1), [3, 2, 0, 1, 1, 0, 1]);
        assert_eq!(binary(false, b"5", -4), [1, 1, 0, 0, 5]);
    }
}
