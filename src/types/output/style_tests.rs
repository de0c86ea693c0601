//! Tests of the date styles and interval styles. Expected texts were taken from PostgreSQL 15.18.

use std::sync::Arc;

use arrow::array::builder::{Date32Builder, ListBuilder, TimestampMicrosecondBuilder};
use arrow::array::{
    Array, ArrayRef, Date32Array, IntervalMonthDayNanoArray, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field as ArrowField, IntervalMonthDayNano};
use chrono_tz::Tz;

use super::*;
use crate::types::{ScalarType, Value, from_text};

fn dated(name: &str) -> OutputStyle {
    let date_style = DateStyle::default().changed(name, DateStyle::default()).unwrap();
    OutputStyle { date_style, ..OutputStyle::default() }
}

fn texts(array: &dyn Array, pg_type: PgType, style: OutputStyle) -> Vec<String> {
    let mut found = Vec::new();
    each_text(array, pg_type, style, |text| {
        found.push(String::from_utf8(text.unwrap().to_vec()).unwrap());
    })
    .unwrap();
    found
}

const DATE_STYLES: [&str; 12] = [
    "ISO, MDY",
    "ISO, DMY",
    "ISO, YMD",
    "SQL, MDY",
    "SQL, DMY",
    "SQL, YMD",
    "Postgres, MDY",
    "Postgres, DMY",
    "Postgres, YMD",
    "German, MDY",
    "German, DMY",
    "German, YMD",
];

#[test]
fn dates() {
    let days = |text: &str| match from_text(PgType::DATE, text, Tz::UTC).unwrap() {
        Value::Date(days) => days,
        other => panic!("{other:?}"),
    };
    let given = ["2024-01-31", "0044-03-15 BC", "12024-01-31", "0001-01-01", "-infinity"];
    let array = Date32Array::from(given.map(days).to_vec());
    for style in DATE_STYLES {
        let expected = match style.split_once(", ").unwrap() {
            ("ISO", _) => given,
            ("SQL", "DMY") => {
                ["31/01/2024", "15/03/0044 BC", "31/01/12024", "01/01/0001", "-infinity"]
            }
            ("SQL", _) => ["01/31/2024", "03/15/0044 BC", "01/31/12024", "01/01/0001", "-infinity"],
            ("Postgres", "DMY") => {
                ["31-01-2024", "15-03-0044 BC", "31-01-12024", "01-01-0001", "-infinity"]
            }
            ("Postgres", _) => {
                ["01-31-2024", "03-15-0044 BC", "01-31-12024", "01-01-0001", "-infinity"]
            }
            _ => ["31.01.2024", "15.03.0044 BC", "31.01.12024", "01.01.0001", "-infinity"],
        };
        assert_eq!(texts(&array, PgType::DATE, dated(style)), expected, "{style}");
    }
}

fn instants(given: &[&str]) -> TimestampMicrosecondArray {
    let micros = given.iter().map(|text| match from_text(PgType::TIMESTAMP, text, Tz::UTC) {
        Ok(Value::Timestamp(micros)) => micros,
        other => panic!("{other:?}"),
    });
    TimestampMicrosecondArray::from(micros.collect::<Vec<_>>())
}

#[test]
fn timestamps() {
    let given = ["2024-01-31 04:05:06.7", "0044-03-15 12:00:00.5 BC", "infinity"];
    let array = instants(&given);
    for style in DATE_STYLES {
        let expected = match style.split_once(", ").unwrap() {
            ("ISO", _) => given,
            ("SQL", "DMY") => ["31/01/2024 04:05:06.7", "15/03/0044 12:00:00.5 BC", "infinity"],
            ("SQL", _) => ["01/31/2024 04:05:06.7", "03/15/0044 12:00:00.5 BC", "infinity"],
            ("Postgres", "DMY") => {
                ["Wed 31 Jan 04:05:06.7 2024", "Fri 15 Mar 12:00:00.5 0044 BC", "infinity"]
            }
            ("Postgres", _) => {
                ["Wed Jan 31 04:05:06.7 2024", "Fri Mar 15 12:00:00.5 0044 BC", "infinity"]
            }
            _ => ["31.01.2024 04:05:06.7", "15.03.0044 12:00:00.5 BC", "infinity"],
        };
        assert_eq!(texts(&array, PgType::TIMESTAMP, dated(style)), expected, "{style}");
    }
}

#[test]
fn instants_have_the_zones_abbreviation() {
    let array =
        instants(&["2024-01-01 11:00", "2024-07-01 10:00:00.123456", "0044-03-15 11:00 BC"])
            .with_timezone("UTC");
    for (style, time_zone, expected) in [
        (
            "ISO, DMY",
            Tz::Europe__Berlin,
            [
                "2024-01-01 12:00:00+01",
                "2024-07-01 12:00:00.123456+02",
                "0044-03-15 11:53:28+00:53:28 BC",
            ],
        ),
        (
            "SQL, DMY",
            Tz::Europe__Berlin,
            [
                "01/01/2024 12:00:00 CET",
                "01/07/2024 12:00:00.123456 CEST",
                "15/03/0044 11:53:28 LMT BC",
            ],
        ),
        (
            "Postgres, MDY",
            Tz::Europe__Berlin,
            [
                "Mon Jan 01 12:00:00 2024 CET",
                "Mon Jul 01 12:00:00.123456 2024 CEST",
                "Fri Mar 15 11:53:28 0044 LMT BC",
            ],
        ),
        (
            "German, YMD",
            Tz::Asia__Tehran,
            [
                "01.01.2024 14:30:00 +0330",
                "01.07.2024 13:30:00.123456 +0330",
                "15.03.0044 14:25:44 LMT BC",
            ],
        ),
        (
            "Postgres, DMY",
            Tz::America__Sao_Paulo,
            [
                "Mon 01 Jan 08:00:00 2024 -03",
                "Mon 01 Jul 07:00:00.123456 2024 -03",
                "Fri 15 Mar 07:53:32 0044 LMT BC",
            ],
        ),
        (
            "SQL, MDY",
            Tz::UTC,
            [
                "01/01/2024 11:00:00 UTC",
                "07/01/2024 10:00:00.123456 UTC",
                "03/15/0044 11:00:00 UTC BC",
            ],
        ),
    ] {
        let style = OutputStyle { time_zone, ..dated(style) };
        assert_eq!(texts(&array, PgType::TIMESTAMPTZ, style), expected, "{:?}", style.date_style);
    }
}

#[test]
fn arrays_follow_the_style_and_json_does_not() {
    let mut dates = ListBuilder::new(Date32Builder::new());
    dates.append_value([Some(19_753)]);
    let dates = dates.finish();
    let date = PgType::Array(ScalarType::Date);
    assert_eq!(texts(&dates, date, dated("German")), ["{31.01.2024}"]);
    let mut stamps = ListBuilder::new(TimestampMicrosecondBuilder::new());
    stamps.append_value([Some(1_704_106_800_000_000)]);
    let stamp = PgType::Array(ScalarType::Timestamp);
    let expected = ["{\"Mon Jan 01 11:00:00 2024\"}"];
    assert_eq!(texts(&stamps.finish(), stamp, dated("Postgres")), expected);
    let member = (
        Arc::new(ArrowField::new("d", DataType::Date32, true)),
        Arc::new(Date32Array::from(vec![19_753])) as ArrayRef,
    );
    let row = StructArray::from(vec![member]);
    assert_eq!(texts(&row, PgType::JSON, dated("German")), [r#"{"d":"2024-01-31"}"#]);
}

/// Of each interval the texts in the styles postgres, `postgres_verbose`, `sql_standard` and
/// `iso_8601`.
type Shown = ((i32, i32, i64), [&'static str; 4]);

const SECOND: i64 = 1_000_000;
const TIME: i64 = 14_706_700_000;

const INTERVALS: [Shown; 22] = [
    ((0, 0, 0), ["00:00:00", "@ 0", "0", "PT0S"]),
    ((0, 1, 0), ["1 day", "@ 1 day", "1 0:00:00", "P1D"]),
    ((0, -1, 0), ["-1 days", "@ 1 day ago", "-1 0:00:00", "P-1D"]),
    ((12, 0, 0), ["1 year", "@ 1 year", "1-0", "P1Y"]),
    ((-14, 0, 0), ["-1 years -2 mons", "@ 1 year 2 mons ago", "-1-2", "P-1Y-2M"]),
    ((1, -1, 0), ["1 mon -1 days", "@ 1 mon -1 days", "+0-1 -1 +0:00:00", "P1M-1D"]),
    ((-1, 1, 0), ["-1 mons +1 day", "@ 1 mon -1 days ago", "-0-1 +1 +0:00:00", "P-1M1D"]),
    ((0, 1, -SECOND), ["1 day -00:00:01", "@ 1 day -1 sec", "+0-0 +1 -0:00:01", "P1DT-1S"]),
    ((0, -1, SECOND), ["-1 days +00:00:01", "@ 1 day -1 sec ago", "+0-0 -1 +0:00:01", "P-1DT1S"]),
    ((0, 0, SECOND / 2), ["00:00:00.5", "@ 0.5 secs", "0:00:00.5", "PT0.5S"]),
    ((0, 0, -SECOND / 2), ["-00:00:00.5", "@ 0.5 secs ago", "-0:00:00.5", "PT-0.5S"]),
    ((0, 0, 60 * SECOND), ["00:01:00", "@ 1 min", "0:01:00", "PT1M"]),
    ((0, 0, -3600 * SECOND), ["-01:00:00", "@ 1 hour ago", "-1:00:00", "PT-1H"]),
    ((0, 0, 360_000 * SECOND), ["100:00:00", "@ 100 hours", "100:00:00", "PT100H"]),
    ((12, 0, 7200 * SECOND), ["1 year 02:00:00", "@ 1 year 2 hours", "+1-0 +0 +2:00:00", "P1YT2H"]),
    (
        (0, -1, -SECOND / 10),
        ["-1 days -00:00:00.1", "@ 1 day 0.1 secs ago", "-1 0:00:00.1", "P-1DT-0.1S"],
    ),
    (
        (0, 1, -3661 * SECOND),
        ["1 day -01:01:01", "@ 1 day -1 hours -1 mins -1 sec", "+0-0 +1 -1:01:01", "P1DT-1H-1M-1S"],
    ),
    (
        (14, 3, TIME),
        [
            "1 year 2 mons 3 days 04:05:06.7",
            "@ 1 year 2 mons 3 days 4 hours 5 mins 6.7 secs",
            "+1-2 +3 +4:05:06.7",
            "P1Y2M3DT4H5M6.7S",
        ],
    ),
    (
        (-14, 3, -TIME),
        [
            "-1 years -2 mons +3 days -04:05:06.7",
            "@ 1 year 2 mons -3 days 4 hours 5 mins 6.7 secs ago",
            "-1-2 +3 -4:05:06.7",
            "P-1Y-2M3DT-4H-5M-6.7S",
        ],
    ),
    (
        (i32::MIN, 0, 0),
        [
            "-178956970 years -8 mons",
            "@ 178956970 years 8 mons ago",
            "-178956970-8",
            "P-178956970Y-8M",
        ],
    ),
    (
        (1, i32::MIN, 0),
        [
            "1 mon -2147483648 days",
            "@ 1 mon -2147483648 days",
            "+0-1 -2147483648 +0:00:00",
            "P1M-2147483648D",
        ],
    ),
    (
        (0, 0, 3_600_000_001),
        ["01:00:00.000001", "@ 1 hour 0.000001 secs", "1:00:00.000001", "PT1H0.000001S"],
    ),
];

#[test]
fn intervals() {
    let array = IntervalMonthDayNanoArray::from(
        INTERVALS
            .iter()
            .map(|&((months, days, micros), _)| IntervalMonthDayNano {
                months,
                days,
                nanoseconds: micros * 1000,
            })
            .collect::<Vec<_>>(),
    );
    for (place, name) in IntervalStyle::NAMES.into_iter().enumerate() {
        let interval_style = IntervalStyle::by_name(name).unwrap();
        let style = OutputStyle { interval_style, ..OutputStyle::default() };
        let shown = texts(&array, PgType::INTERVAL, style);
        for (text, (parts, expected)) in shown.iter().zip(INTERVALS) {
            assert_eq!(text, expected[place], "{parts:?} in {name}");
        }
    }
}
