//! Tests of values from text and binary. Expected values were taken from PostgreSQL 15.18.

use chrono_tz::Tz;

use super::*;
use crate::types::output::{OutputStyle, write_value_text};
use crate::types::{DateOrder, Interval, IntervalStyle};

fn read(pg_type: PgType, text: &str) -> Result<Value> {
    from_text(pg_type, text, Tz::UTC)
}

/// Reads a text and prints it again.
fn again(pg_type: PgType, text: &str) -> String {
    let value = read(pg_type, text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut out = Vec::new();
    write_value_text(&mut out, &value, OutputStyle::default());
    String::from_utf8(out).unwrap()
}

fn fault(pg_type: PgType, text: &str) -> String {
    match read(pg_type, text) {
        Ok(value) => panic!("{text} was read as {value:?}"),
        Err(error) => format!("{}: {}", error.code(), error.message()),
    }
}

#[test]
fn plain_values() {
    for (pg_type, text, expected) in [
        (PgType::INT4, " 12 ", "12"),
        (PgType::INT8, "-9223372036854775808", "-9223372036854775808"),
        (PgType::OID, "-1", "4294967295"),
        (PgType::BOOL, " ye", "true"),
        (PgType::BOOL, "of", "false"),
        (PgType::FLOAT8, "1e23", "9.999999999999999e+22"),
        (PgType::FLOAT8, "2e23", "1.9999999999999998e+23"),
        (PgType::FLOAT8, "5e22", "4.9999999999999996e+22"),
        (PgType::FLOAT8, "36028797018963968", "3.602879701896397e+16"),
        (PgType::FLOAT8, "2.2250738585072011e-308", "2.225073858507201e-308"),
        (PgType::FLOAT4, "3e10", "3.0000001e+10"),
        (PgType::FLOAT4, "33554432", "3.3554432e+07"),
        (PgType::FLOAT4, "8388608.5", "8.388608e+06"),
        (PgType::FLOAT8, "-inf", "-Infinity"),
        (PgType::NUMERIC, "1.5e3", "1500"),
        (PgType::NUMERIC, "1e-3", "0.001"),
        (PgType::NUMERIC, ".5", "0.5"),
        (PgType::NUMERIC, "-0.0", "0.0"),
        (PgType::BYTEA, "\\001\\\\a", "\\x015c61"),
        (
            PgType::UUID,
            "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        ),
        (
            PgType::UUID,
            "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        ),
        (PgType::INT2VECTOR, "1  2", "1 2"),
    ] {
        assert_eq!(again(pg_type, text), expected, "{text}");
    }
}

/// Random numbers, as PostgreSQL printed them.
#[test]
fn floats_print_as_they_were_read() {
    for text in [
        "9.851677175348e+19",
        "6.476186144084e+22",
        "5.145227426983392e+15",
        "45.48120855932645",
        "74243.92403425444",
        "4.5383944270448453e-10",
        "8.424737133419306e-24",
        "2279807.1682890696",
        "9.3425784656777e+25",
        "6.289440011066078e-24",
        "2.3155740397977007e-22",
        "9.519684865071999e-12",
        "2.316303035869021e-06",
        "5.872507945339431e-29",
        "8.959307911394165e-25",
        "643895.2454844537",
        "0.05127646608678482",
        "2.971429329075821e-18",
        "1.6361104495201962e-13",
        "1.3815463721593236e-26",
        "3.780321289947091e-16",
        "3804982.3779199077",
        "9.669681530350947e-22",
        "5.0470741105483065e+22",
    ] {
        assert_eq!(again(PgType::FLOAT8, text), text);
    }
    for text in [
        "1.297461e-11",
        "1.4045668e-11",
        "4.8403392e+13",
        "0.0074955644",
        "9.005839e+10",
        "2.4800416e+12",
        "5.8919194e+14",
        "0.7399353",
        "106.618416",
        "0.9299038",
        "8.2714664e+07",
        "5.5642812e-12",
        "0.053837936",
        "7.3264896e+07",
        "8.482461e-06",
        "4.8035376e+08",
        "5.6932223e-15",
        "0.055351302",
        "5.2774484e+07",
        "2.6469488e-11",
        "9.517135e+12",
        "5.4720077e+13",
        "7.718945e-07",
        "7.399456e-08",
    ] {
        assert_eq!(again(PgType::FLOAT4, text), text);
    }
}

#[test]
fn dates_times_and_instants() {
    for text in [
        "2024-01-31",
        "20240131",
        "1/31/2024",
        "31-Jan-2024",
        "Jan 31, 2024",
        "31 January 24",
        "2024 Jan 31",
        "2024/1/31",
        "Wed Jan 31 2024",
        "1.31.2024",
    ] {
        assert_eq!(again(PgType::DATE, text), "2024-01-31", "{text}");
    }
    for (pg_type, text, expected) in [
        (PgType::DATE, "0044-03-15 BC", "0044-03-15 BC"),
        (PgType::DATE, "31 January 99", "1999-01-31"),
        (PgType::DATE, "5874897-12-31", "5874897-12-31"),
        (PgType::DATE, "epoch", "1970-01-01"),
        (PgType::DATE, "-infinity", "-infinity"),
        (PgType::TIMESTAMPTZ, "2024-01-31T04:05:06Z", "2024-01-31 04:05:06+00"),
        (
            PgType::TIMESTAMPTZ,
            "2024-01-31 04:05:06.1234567 +05:30",
            "2024-01-30 22:35:06.123457+00",
        ),
        (PgType::TIMESTAMPTZ, "2024-01-31 04:05 PM America/New_York", "2024-01-31 21:05:00+00"),
        (PgType::TIMESTAMPTZ, "20240131 040506-0800", "2024-01-31 12:05:06+00"),
        (PgType::TIMESTAMPTZ, "Wed Jan 31 04:05:06 2024 PST", "2024-01-31 12:05:06+00"),
        (PgType::TIMESTAMP, "2024-12-31 23:59:60", "2025-01-01 00:00:00"),
        (PgType::TIMESTAMP, "2024-01-31 24:00", "2024-02-01 00:00:00"),
        (PgType::TIMESTAMP, "20240131T040506", "2024-01-31 04:05:06"),
        (PgType::TIMETZ, "04:05:06.789-8", "04:05:06.789-08"),
        (PgType::TIME, "04:05 am", "04:05:00"),
        (PgType::TIME, "040506", "04:05:06"),
    ] {
        assert_eq!(again(pg_type, text), expected, "{text}");
    }
    let berlin = from_text(PgType::TIMESTAMPTZ, "2024-07-01 12:00", Tz::Europe__Berlin).unwrap();
    assert_eq!(berlin, read(PgType::TIMESTAMPTZ, "2024-07-01 10:00").unwrap());
}

#[test]
fn intervals() {
    for (text, expected) in [
        ("1.5 years", "1 year 6 mons"),
        ("1.5 months", "1 mon 15 days"),
        ("1.5 weeks", "10 days 12:00:00"),
        ("1.5 days 1:02", "1 day 13:02:00"),
        ("P1Y2M3DT4H5M6.5S", "1 year 2 mons 3 days 04:05:06.5"),
        ("@ 1 year 2 hours ago", "-1 years -02:00:00"),
        ("1-2", "1 year 2 mons"),
        ("90", "00:01:30"),
        ("1 12:30", "1 day 12:30:00"),
        ("-1-2", "-1 years -2 mons"),
        ("1.2 millennia", "1200 years"),
        ("3 decades 2 c", "230 years"),
        ("PT-1.5S", "-00:00:01.5"),
        ("-1 year 12 days -00:00:01", "-1 years +12 days -00:00:01"),
        ("0.1 mon", "3 days"),
        ("1:02", "01:02:00"),
        ("1 day 2hours", "1 day 02:00:00"),
    ] {
        assert_eq!(again(PgType::INTERVAL, text), expected, "{text}");
    }
}

#[test]
fn arrays() {
    let int4 = PgType::Array(ScalarType::Int4);
    assert_eq!(again(int4, " { 1 , NULL, 3 } "), "{1,NULL,3}");
    assert_eq!(again(int4, "[0:1]={1,2}"), "{1,2}");
    assert_eq!(again(int4, "{{1,2},{3,4}}"), "{{1,2},{3,4}}");
    let text = PgType::Array(ScalarType::Text);
    assert_eq!(again(text, r#"{a,"b c","NULL",n\"x}"#), r#"{a,"b c","NULL","n\"x"}"#);
    for bad in ["", "1", "{1", "{1,{2}}", "{{1},{2,3}}", "{{1},2}", "{,}", "{1,}", "{1}x", "{\"1}"]
    {
        assert!(fault(int4, bad).starts_with("22P02: malformed array literal"), "{bad}");
    }
    assert!(fault(int4, &"{".repeat(100_000)).starts_with("54000"));
}

#[test]
fn faults_are_postgresqls() {
    for (pg_type, text, expected) in [
        (PgType::INT4, "abc", "22P02: invalid input syntax for type integer: \"abc\""),
        (PgType::INT2, "99999", "22003: value \"99999\" is out of range for type smallint"),
        (PgType::FLOAT8, "1e400", "22003: \"1e400\" is out of range for type double precision"),
        (PgType::DATE, "2024-13-01", "22008: date/time field value out of range: \"2024-13-01\""),
        (PgType::DATE, "2024-02-30", "22008: date/time field value out of range: \"2024-02-30\""),
        (PgType::DATE, "foo", "22007: invalid input syntax for type date: \"foo\""),
        (PgType::TIME, "13:60", "22008: date/time field value out of range: \"13:60\""),
        (PgType::INTERVAL, "xx", "22007: invalid input syntax for type interval: \"xx\""),
        (PgType::BOOL, "o", "22P02: invalid input syntax for type boolean: \"o\""),
        (PgType::JSON, "{", "22P02: invalid input syntax for type json"),
    ] {
        assert_eq!(fault(pg_type, text), expected);
    }
    assert!(fault(PgType::NUMERIC, "1e100000000000000000000").starts_with("22003"));
}

/// Every type, on bytes that are near to values and on bytes that are not.
#[test]
fn no_input_makes_a_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let alphabet: Vec<char> =
        "0123456789-+:./ ,eETPYMDHSZ{}\"\\xnulabcN[]=é\u{0}".chars().collect();
    let types = ScalarType::ALL.iter().flat_map(|&t| [PgType::Scalar(t), PgType::Array(t)]);
    for pg_type in types {
        for _ in 0..300 {
            let length = random() % 24;
            let text: String =
                (0..length).map(|_| alphabet[random() as usize % alphabet.len()]).collect();
            let _ = from_text(pg_type, &text, Tz::America__New_York);
            let bytes: Vec<u8> = (0..length).map(|_| (random() % 4 * 85) as u8).collect();
            let _ = from_binary(pg_type, &bytes);
        }
    }
}

#[test]
fn binary_numbers() {
    let numeric = |groups: &[i16]| {
        let bytes: Vec<u8> = groups.iter().flat_map(|group| group.to_be_bytes()).collect();
        from_binary(PgType::NUMERIC, &bytes)
    };
    let value = |unscaled, scale| Ok(Value::Numeric(crate::types::Numeric { unscaled, scale }));
    assert_eq!(numeric(&[3, 1, 0, 4, 1, 2345, 6700]), value(123_456_700, 4));
    assert_eq!(numeric(&[1, -2, 0x4000, 5, 1000]), value(-1, 5));
    assert_eq!(numeric(&[1, 5, 0, 0, 1]), value(100_000_000_000_000_000_000, 0));
    assert_eq!(numeric(&[0, 0, 0, 2]), value(0, 2));
    assert!(numeric(&[1, 0, 0, 0, 10_000]).is_err());
    assert!(numeric(&[i16::MAX, 0, 0, 0]).is_err());
    assert!(from_binary(PgType::INT4, &[0, 0, 1]).is_err());
    assert!(from_binary(PgType::INT4, &[0, 0, 1, 0, 0]).is_err());
}

#[test]
fn plain_decimals_are_read_as_all_others_are() {
    for text in [
        "0",
        "-0",
        "1",
        "-1.5",
        "123456.78",
        ".5",
        "5.",
        "-",
        ".",
        "1.234",
        "1e3",
        " 1",
        "+1",
        "1234567890123.45",
        "12345678901234.5",
        "99999999999999999",
        "1.2.3",
        "0001.10",
        "",
    ] {
        for (precision, scale) in [(15, 2), (38, 10), (5, 0), (4, 3), (18, 9)] {
            let Some(plain) = plain_decimal(text, precision, scale) else { continue };
            let number = parse_numeric(text).unwrap();
            let power = 10i128.pow(u32::from(scale.unsigned_abs() - number.scale));
            assert_eq!(plain, number.unscaled * power, "{text} as numeric({precision},{scale})");
            assert!(plain.unsigned_abs() < 10u128.pow(precision.into()), "{text}");
        }
    }
    assert_eq!(plain_decimal("-12.5", 15, 2), Some(-1250));
    assert_eq!(plain_decimal("12.345", 15, 2), None);
}

fn in_order(order: DateOrder, text: &str) -> String {
    let style = InputStyle { date_order: order, ..InputStyle::from(Tz::UTC) };
    match from_text(PgType::DATE, text, style) {
        Ok(value) => {
            let mut out = Vec::new();
            write_value_text(&mut out, &value, OutputStyle::default());
            String::from_utf8(out).unwrap()
        }
        Err(error) if error.hint().is_some() => {
            assert_eq!(error.hint(), Some("Perhaps you need a different \"datestyle\" setting."));
            format!("{} with hint", error.code())
        }
        Err(error) => error.code().to_string(),
    }
}

#[test]
fn days_months_and_years_are_read_in_the_settings_order() {
    const NO: &str = "22008 with hint";
    for (text, expected) in [
        ("1/8/1999", ["1999-01-08", "1999-08-01", NO]),
        ("13/02/2024", [NO, "2024-02-13", NO]),
        ("1-18-1999", ["1999-01-18", NO, NO]),
        ("18.1.1999", [NO, "1999-01-18", NO]),
        ("01/02/03", ["2003-01-02", "2003-02-01", "2001-02-03"]),
        ("99-01-08", [NO, NO, "1999-01-08"]),
        ("24-1-8", [NO, "2008-01-24", "2024-01-08"]),
        ("1999/1/8", ["1999-01-08"; 3]),
        ("001/2/3", ["0001-02-03"; 3]),
        ("1 8 1999", ["1999-01-08", "1999-08-01", NO]),
        ("01 02 03 04:05", ["2003-01-02", "2003-02-01", "2001-02-03"]),
        ("8/1/99 BC", ["0099-08-01 BC", "0099-01-08 BC", NO]),
        ("2/30/2024", ["22008", NO, NO]),
        ("1999-Jan-08", ["1999-01-08"; 3]),
        ("08-Jan-1999", ["1999-01-08"; 3]),
        ("Jan-08-1999", ["1999-01-08"; 3]),
        ("99-Jan-08", [NO, NO, "1999-01-08"]),
        ("08-Jan-99", ["1999-01-08", "1999-01-08", NO]),
        ("12/Jan/31", ["2031-01-12", "2031-01-12", "2012-01-31"]),
        ("Mon Jan 08 12:00:00 24 CET", ["2024-01-08", "2024-01-08", "2008-01-24"]),
        ("Mon Jul 01 02:00:00 253230 CEST", ["253230-07-01"; 3]),
        ("15.03.0044 12:00:00.5 UTC BC", [NO, "0044-03-15 BC", NO]),
        ("20240131", ["2024-01-31"; 3]),
        ("240131", ["2024-01-31"; 3]),
        ("2024.13.01", [NO; 3]),
        ("1/8", ["22007"; 3]),
        ("Jan 8", ["22007"; 3]),
        ("1/8/1999 Jan", ["22007"; 3]),
        ("1/8-1999", ["22007"; 3]),
    ] {
        let found = [DateOrder::Mdy, DateOrder::Dmy, DateOrder::Ymd].map(|o| in_order(o, text));
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_leading_minus_is_every_fields_in_the_sql_standard() {
    let style = |interval_style| InputStyle { interval_style, ..InputStyle::from(Tz::UTC) };
    let interval =
        |months, days, seconds: i64| Interval { months, days, micros: seconds * 1_000_000 };
    for (text, plain, standard) in [
        ("-1 2:03:04", interval(0, -1, 7384), interval(0, -1, -7384)),
        ("-1-2 3 4:05:06", interval(-14, 3, 14_706), interval(-14, -3, -14_706)),
        ("-1 year 2 days", interval(-12, 2, 0), interval(-12, -2, 0)),
        ("-1 year +2 days", interval(-12, 2, 0), interval(-12, 2, 0)),
        ("@ -1 day 2 hours", interval(0, -1, 7200), interval(0, -1, -7200)),
        ("-1 day 2:03:04 ago", interval(0, 1, -7384), interval(0, 1, 7384)),
        ("1 -2:03:04", interval(0, 1, -7384), interval(0, 1, -7384)),
        ("+0-0 +1 -0:00:01", interval(0, 1, -1), interval(0, 1, -1)),
    ] {
        let read = |style| from_text(PgType::INTERVAL, text, style).unwrap();
        assert_eq!(read(style(IntervalStyle::Iso8601)), Value::Interval(plain), "{text}");
        assert_eq!(read(style(IntervalStyle::SqlStandard)), Value::Interval(standard), "{text}");
    }
}
