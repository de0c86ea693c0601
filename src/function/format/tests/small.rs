//! `date_bin`, intervals, buckets, `format`, `initcap` and quoting.

use super::shown;
use crate::error::Result;
use crate::function::format::{
    Interval, Spans, date_bin, format, initcap, justify_days, justify_hours, justify_interval,
    make_interval, quote_ident, quote_literal, width_bucket,
};

const fn span(months: i32, days: i32, micros: i64) -> Interval {
    Interval { months, days, micros }
}

fn parts(result: Result<Interval>) -> String {
    shown(result.map(|span| Some(format!("{} {} {}", span.months, span.days, span.micros))))
}

#[test]
fn timestamps_are_binned() {
    for (stride, source, origin, expected) in BINS {
        let result = date_bin(*stride, *source, *origin).map(Some);
        assert_eq!(&shown(result), expected, "{stride:?} {source} {origin}");
    }
    assert_eq!(date_bin(span(0, 1, 0), i64::MAX, 0), Ok(i64::MAX));
    assert_eq!(date_bin(span(0, 1, 0), -i64::MAX, i64::MAX), Ok(-i64::MAX));
    for stride in [span(0, 0, 0), span(0, -1, 0)] {
        let result = date_bin(stride, 1, 0).map(Some);
        assert_eq!(shown(result), "ERR 22008 stride must be greater than zero");
    }
    let result = date_bin(span(1, 0, 0), 1, 0).map(Some);
    let expected =
        "ERR 0A000 timestamps cannot be binned into intervals containing months or years";
    assert_eq!(shown(result), expected);
    let result = date_bin(span(0, 1, 0), 0, i64::MAX).map(Some);
    assert_eq!(shown(result), "ERR 22008 origin out of range");
}

#[test]
fn intervals_are_justified() {
    for (interval, expected) in JUSTIFIED_HOURS {
        assert_eq!(&parts(justify_hours(*interval)), expected, "{interval:?}");
    }
    for (interval, expected) in JUSTIFIED_DAYS {
        assert_eq!(&parts(justify_days(*interval)), expected, "{interval:?}");
    }
    for (interval, expected) in JUSTIFIED_INTERVAL {
        assert_eq!(&parts(justify_interval(*interval)), expected, "{interval:?}");
    }
}

#[test]
fn intervals_are_made() {
    for ([years, months, weeks, days, hours, minutes], seconds, expected) in MADE {
        let spans = Spans {
            years: *years,
            months: *months,
            weeks: *weeks,
            days: *days,
            hours: *hours,
            minutes: *minutes,
            seconds: *seconds,
        };
        assert_eq!(&parts(make_interval(spans)), expected, "{spans:?}");
    }
    for seconds in [f64::NAN, f64::INFINITY] {
        let result = make_interval(Spans { seconds, ..Spans::default() });
        assert_eq!(parts(result), "ERR 22008 interval out of range");
    }
}

#[test]
fn buckets_are_found() {
    for ([operand, low, high], count, expected) in BUCKETS {
        let result = width_bucket(*operand, *low, *high, *count).map(Some);
        assert_eq!(&shown(result), expected, "{operand} {low} {high} {count}");
    }
    let result = width_bucket(1.0, 2.0, f64::NAN, 1).map(Some);
    let expected = "ERR 2201G operand, lower bound, and upper bound cannot be NaN";
    assert_eq!(shown(result), expected);
    let result = width_bucket(1.0, 2.0, f64::INFINITY, 1).map(Some);
    assert_eq!(shown(result), "ERR 2201G lower and upper bounds must be finite");
    assert_eq!(width_bucket(f64::INFINITY, 2.0, 3.0, 5), Ok(6));
}

#[test]
fn arguments_are_formatted() {
    for (template, arguments, expected) in FORMATS {
        assert_eq!(&shown(format(template, arguments).map(Some)), expected, "{template:?}");
    }
    for template in ["%0$s", "%*0$s"] {
        let result = format(template, &[Some("a")]).map(Some);
        let expected = "format specifies argument 0, but arguments are numbered from 1";
        assert_eq!(shown(result), format!("ERR 22023 {expected}"));
    }
    let error = format("%", &[]).expect_err("it has no end");
    assert_eq!(error.hint(), Some("For a single \"%\" use \"%%\"."));
    let result = format("%2147483647s", &[Some("a")]).map(Some);
    assert_eq!(shown(result), "ERR 54000 out of memory");
}

#[test]
fn words_get_capitals() {
    for (text, expected) in CAPITALS {
        assert_eq!(&initcap(text), expected);
    }
}

#[test]
fn names_and_texts_are_quoted() {
    for (name, expected) in IDENTIFIERS {
        assert_eq!(&quote_ident(name), expected);
    }
    for (text, expected) in LITERALS {
        assert_eq!(&quote_literal(text), expected);
    }
}

/// Stride, source, origin, result.
#[rustfmt::skip]
const BINS: &[(Interval, i64, i64, &str)] = &[
    (span(0, 0, 900_000_000), 1_581_435_857_713_930, 978_307_200_000_000, "1581435000000000"),
    (span(0, 0, 900_000_000), 1_580_518_861_000_000, 1_580_515_200_000_000, "1580518800000000"),
    (span(0, 0, 900_000_000), 1_577_836_860_000_000, 1_577_840_400_000_000, "1577836800000000"),
    (span(0, 0, 900_000_000), 1_577_836_800_000_000, 1_577_840_400_000_000, "1577836800000000"),
    (span(0, 0, 900_000_000), 946_684_799_000_000, 946_684_800_000_000, "946683900000000"),
    (span(0, 0, 7_200_000_000), 1_581_435_857_713_930, 978_307_200_000_000, "1581429600000000"),
    (span(0, 0, 7_200_000_000), 1_580_518_861_000_000, 1_580_515_200_000_000, "1580515200000000"),
    (span(0, 0, 7_200_000_000), 1_577_836_860_000_000, 1_577_840_400_000_000, "1577833200000000"),
    (span(0, 0, 7_200_000_000), 1_577_836_800_000_000, 1_577_840_400_000_000, "1577833200000000"),
    (span(0, 0, 7_200_000_000), 946_684_799_000_000, 946_684_800_000_000, "946677600000000"),
    (span(0, 1, 0), 1_581_435_857_713_930, 978_307_200_000_000, "1581379200000000"),
    (span(0, 1, 0), 1_580_518_861_000_000, 1_580_515_200_000_000, "1580515200000000"),
    (span(0, 15, 0), 1_581_435_857_713_930, 978_307_200_000_000, "1580947200000000"),
    (span(0, 15, 0), 1_580_518_861_000_000, 1_580_515_200_000_000, "1580515200000000"),
    (span(0, 0, 1), 1_581_435_857_713_930, 978_307_200_000_000, "1581435857713930"),
    (span(0, 0, 1), 1_580_518_861_000_000, 1_580_515_200_000_000, "1580518861000000"),
    (span(0, 100_000_000, 0), 1_581_435_857_713_930, 978_307_200_000_000, "978307200000000"),
    (span(0, 100_000_000, 0), 1_580_518_861_000_000, 1_580_515_200_000_000, "1580515200000000"),
];

/// Interval, what `justify_hours` makes of it.
#[rustfmt::skip]
const JUSTIFIED_HOURS: &[(Interval, &str)] = &[
    (span(0, 0, 97_200_000_000), "0 1 10800000000"),
    (span(0, 35, 0), "0 35 0"),
    (span(1, -1, 0), "1 -1 0"),
    (span(-1, 1, 0), "-1 1 0"),
    (span(1, -1, -60_000_000), "1 -1 -60000000"),
    (span(0, -40, 180_000_000_000), "0 -37 -79200000000"),
    (span(0, 40, -180_000_000_000), "0 37 79200000000"),
    (span(2_147_483_647, 30, 0), "2147483647 30 0"),
    (span(0, 2_147_483_647, 86_400_000_000), "ERR 22008 interval out of range"),
    (span(0, 2_147_483_647, 5), "0 2147483647 5"),
    (span(-13, 65, -259_200_000_000), "-13 62 0"),
    (span(0, 0, -1), "0 0 -1"),
    (span(1, 0, -1), "1 0 -1"),
    (span(0, 1, -1), "0 0 86399999999"),
];

/// Interval, what `justify_days` makes of it.
#[rustfmt::skip]
const JUSTIFIED_DAYS: &[(Interval, &str)] = &[
    (span(0, 0, 97_200_000_000), "0 0 97200000000"),
    (span(0, 35, 0), "1 5 0"),
    (span(1, -1, 0), "0 29 0"),
    (span(-1, 1, 0), "0 -29 0"),
    (span(1, -1, -60_000_000), "0 29 -60000000"),
    (span(0, -40, 180_000_000_000), "-1 -10 180000000000"),
    (span(0, 40, -180_000_000_000), "1 10 -180000000000"),
    (span(2_147_483_647, 30, 0), "ERR 22008 interval out of range"),
    (span(0, 2_147_483_647, 86_400_000_000), "71582788 7 86400000000"),
    (span(0, 2_147_483_647, 5), "71582788 7 5"),
    (span(-13, 65, -259_200_000_000), "-10 -25 -259200000000"),
    (span(0, 0, -1), "0 0 -1"),
    (span(1, 0, -1), "1 0 -1"),
    (span(0, 1, -1), "0 1 -1"),
];

/// Interval, what `justify_interval` makes of it.
#[rustfmt::skip]
const JUSTIFIED_INTERVAL: &[(Interval, &str)] = &[
    (span(0, 0, 97_200_000_000), "0 1 10800000000"),
    (span(0, 35, 0), "1 5 0"),
    (span(1, -1, 0), "0 29 0"),
    (span(-1, 1, 0), "0 -29 0"),
    (span(1, -1, -60_000_000), "0 28 86340000000"),
    (span(0, -40, 180_000_000_000), "-1 -7 -79200000000"),
    (span(0, 40, -180_000_000_000), "1 7 79200000000"),
    (span(2_147_483_647, 30, 0), "ERR 22008 interval out of range"),
    (span(0, 2_147_483_647, 86_400_000_000), "71582788 8 0"),
    (span(0, 2_147_483_647, 5), "71582788 7 5"),
    (span(-13, 65, -259_200_000_000), "-10 -28 0"),
    (span(0, 0, -1), "0 0 -1"),
    (span(1, 0, -1), "0 29 86399999999"),
    (span(0, 1, -1), "0 0 86399999999"),
];

/// Years, months, weeks, days, hours, minutes; seconds; interval.
#[rustfmt::skip]
const MADE: &[([i32; 6], f64, &str)] = &[
    ([1, 2, 3, 4, 5, 6], 7.5, "14 25 18367500000"),
    ([0, 0, 0, 10, 0, 0], 0.0, "0 10 0"),
    ([-1, 1, -1, 1, -1, 1], -1.25, "-11 -6 -3541250000"),
    ([0, 0, 0, 0, 0, 0], 0.123_456_7, "0 0 123457"),
    ([200_000_000, 0, 0, 0, 0, 0], 0.0, "-1894967296 0 0"),
    ([0, 0, 2_000_000_000, 0, 0, 0], 0.0, "0 1115098112 0"),
    ([0, 0, 0, 0, i32::MAX, i32::MAX], 1_000_000_000_000_000.0, "0 0 -1363581888834775808"),
    ([0, 0, 0, 0, 0, 0], 1e+300, "0 0 -9223372036854775808"),
];

/// Operand, low, high; buckets; result.
#[rustfmt::skip]
const BUCKETS: &[([f64; 3], i32, &str)] = &[
    ([5.35, 0.024, 10.06], 5, "3"),
    ([0.024, 0.024, 10.06], 5, "1"),
    ([10.06, 0.024, 10.06], 5, "6"),
    ([-1.0, 0.0, 10.0], 4, "0"),
    ([10.0, 0.0, 10.0], 4, "5"),
    ([9.99999, 0.0, 10.0], 4, "4"),
    ([5.0, 10.0, 0.0], 4, "3"),
    ([10.0, 10.0, 0.0], 4, "1"),
    ([0.0, 10.0, 0.0], 4, "5"),
    ([11.0, 10.0, 0.0], 4, "0"),
    ([2.5, 0.0, 10.0], 4, "2"),
    ([1.0, -1e+308, 8.0], 5, "-2147483648"),
    ([1.0, 2.0, 3.0], 0, "ERR 2201G count must be greater than zero"),
    ([1.0, 2.0, 2.0], 1, "ERR 2201G lower bound cannot equal upper bound"),
    ([5.0, 2.0, 3.0], 2_147_483_647, "ERR 22003 integer out of range"),
];

/// Template, arguments, result.
#[rustfmt::skip]
const FORMATS: &[(&str, &[Option<&str>], &str)] = &[
    ("Hello %s", &[Some("World")], "Hello World"),
    ("%s %s", &[Some("a"), None], "a "),
    ("%1$s %3$s %2$s", &[Some("a"), Some("b"), Some("c")], "a c b"),
    ("%3$s %s", &[Some("a"), Some("b"), Some("c"), Some("d")], "c d"),
    ("|%10s|%-10s|", &[Some("ab"), Some("cd")], "|        ab|cd        |"),
    ("|%*s|%-*s|", &[Some("5"), Some("ab"), Some("5"), Some("cd")], "|   ab|cd   |"),
    ("|%*2$s|", &[Some("ab"), Some("7")], "ERR 22023 too few arguments for format()"),
    ("|%1$-*3$s|", &[Some("ab"), Some("x"), Some("6")], "|ab    |"),
    ("|%*s|", &[Some("-5"), Some("ab")], "|ab   |"),
    ("|%*s|", &[None, Some("ab")], "|ab|"),
    ("%I %I %I", &[Some("foo"), Some("select"), Some("int")], "foo \"select\" \"int\""),
    ("%L %L", &[Some("C:\\x"), None], "E'C:\\\\x' NULL"),
    ("|%5I|%-8L|%6L|", &[Some("a"), Some("b"), None], "|    a|'b'     |  NULL|"),
    ("100%%", &[], "100%"),
    ("%s é %s", &[Some("ü"), Some("ß")], "ü é ß"),
    ("|%3s|", &[Some("éé")], "| éé|"),
    ("%", &[], "ERR 22023 unterminated format() type specifier"),
    ("%1", &[Some("a")], "ERR 22023 unterminated format() type specifier"),
    ("%1$", &[Some("a")], "ERR 22023 unterminated format() type specifier"),
    ("%-", &[Some("a")], "ERR 22023 unterminated format() type specifier"),
    ("%*", &[Some("1")], "ERR 22023 unterminated format() type specifier"),
    ("%y", &[Some("a")], "ERR 22023 unrecognized format() type specifier \"y\""),
    ("%1$é", &[Some("a")], "ERR 22023 unrecognized format() type specifier \"é\""),
    ("%s", &[], "ERR 22023 too few arguments for format()"),
    ("%2$s", &[Some("a")], "ERR 22023 too few arguments for format()"),
    ("%*1s", &[Some("1"), Some("a")], "ERR 22023 width argument position must be ended by \"$\""),
    ("%*s", &[Some("x"), Some("a")], "ERR 22P02 invalid input syntax for type integer: \"x\""),
    ("%99999999999s", &[Some("a")], "ERR 22003 number is out of range"),
    ("%*s", &[Some("-2147483648"), Some("a")], "ERR 22003 number is out of range"),
    ("%I", &[None], "ERR 22004 null values cannot be formatted as an SQL identifier"),
    ("%s%s%1$s%s", &[Some("a"), Some("b"), Some("c")], "abab"),
    ("%5%", &[Some("a")], "ERR 22023 unrecognized format() type specifier \"%\""),
];

/// Text, `initcap` of it.
#[rustfmt::skip]
const CAPITALS: &[(&str, &str)] = &[
    ("hello world", "Hello World"),
    ("HELLO-wORLD", "Hello-World"),
    ("a1b 2c", "A1b 2c"),
    ("o'neil", "O'Neil"),
    ("éA ÀÉ", "Éa Àé"),
    ("ǆab ßx ﬁx", "Ǆab ßx ﬁx"),
    ("½a b²c", "½A B²C"),
    ("ΑΣ ΟΔΟΣ", "Ασ Οδοσ"),
    ("x_y z", "X_Y Z"),
    ("", ""),
    ("  a", "  A"),
    ("İI ıI", "İi Ii"),
    ("中a b", "中a B"),
];

/// Name, `quote_ident` of it.
#[rustfmt::skip]
const IDENTIFIERS: &[(&str, &str)] = &[
    ("a", "a"),
    ("A", "\"A\""),
    ("a b", "\"a b\""),
    ("_x1", "_x1"),
    ("1a", "\"1a\""),
    ("select", "\"select\""),
    ("order", "\"order\""),
    ("name", "name"),
    ("é", "\"é\""),
    ("", "\"\""),
    ("a\"b", "\"a\"\"b\""),
    ("value", "value"),
    ("int", "\"int\""),
    ("my$x", "\"my$x\""),
];

/// Text, `quote_literal` of it.
#[rustfmt::skip]
const LITERALS: &[(&str, &str)] = &[
    ("a", "'a'"),
    ("it's", "'it''s'"),
    ("a\\b", "E'a\\\\b'"),
    ("", "''"),
    ("'", "''''"),
    ("\\'", "E'\\\\'''"),
];
