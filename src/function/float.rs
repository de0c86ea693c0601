//! The texts of floating-point numbers: the fewest digits that read back as the same number, as
//! PostgreSQL writes them.

/// Writes a double precision number.
pub(super) fn float8_text(number: f64) -> String {
    special(number).unwrap_or_else(|| shortest(&format!("{number:e}"), 15))
}

/// Writes a real number.
pub(super) fn float4_text(number: f32) -> String {
    special(number.into()).unwrap_or_else(|| shortest(&format!("{number:e}"), 6))
}

fn special(number: f64) -> Option<String> {
    let text = match number {
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ if number.is_nan() => "NaN",
        _ => return None,
    };
    Some(text.to_owned())
}

/// Writes `-1.25e3` with an exponent of two digits from some size on, without one below.
fn shortest(scientific: &str, exponent_from: i32) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    if exponent < -4 || exponent >= exponent_from {
        let mark = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{mark}{:02}", exponent.unsigned_abs());
    }
    let digits = mantissa.replace('.', "");
    let places = usize::try_from(exponent.unsigned_abs()).unwrap_or(0);
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(places - 1));
    }
    match digits.split_at_checked(places + 1) {
        Some((whole, "")) => format!("{sign}{whole}"),
        Some((whole, fraction)) => format!("{sign}{whole}.{fraction}"),
        None => format!("{sign}{digits}{}", "0".repeat(places + 1 - digits.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_as_postgresql_writes_them() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (100_000.0, "100000"),
            (1e14, "100000000000000"),
            (1e15, "1e+15"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e-300, "1e-300"),
            (0.1 + 0.2, "0.30000000000000004"),
            (f64::INFINITY, "Infinity"),
            (f64::NAN, "NaN"),
        ];
        for (number, text) in cases {
            assert_eq!(float8_text(number), text);
        }
        assert_eq!(float4_text(123_456.0), "123456");
        assert_eq!(float4_text(1_234_567.0), "1.234567e+06");
        assert_eq!(float4_text(0.1), "0.1");
    }
}
