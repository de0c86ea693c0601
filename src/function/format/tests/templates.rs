//! `to_char` of timestamps and intervals.

use super::shown;
use crate::function::format::{Zone, to_char_interval, to_char_timestamp};

#[test]
fn timestamps_are_formatted() {
    for (micros, template, expected) in TIMESTAMPS {
        assert_eq!(&shown(to_char_timestamp(*micros, None, template)), expected, "{template}");
    }
}

#[test]
fn infinite_timestamps_and_empty_templates_give_null() {
    for micros in [i64::MAX, i64::MIN, -i64::MAX] {
        assert_eq!(to_char_timestamp(micros, None, "YYYY"), Ok(None));
    }
    assert_eq!(to_char_timestamp(0, None, ""), Ok(None));
    assert_eq!(to_char_interval(0, 0, 0, ""), Ok(None));
}

#[test]
fn timestamps_out_of_range_are_refused() {
    let result = to_char_timestamp(i64::MIN + 2, None, "YYYY");
    assert_eq!(shown(result), "ERR 22008 timestamp out of range");
    assert!(to_char_timestamp(i64::MAX - 1, None, "YYYY J IYYY").is_ok());
}

#[test]
fn zones_are_formatted() {
    for (offset, abbreviation, template, expected) in ZONES {
        let zone = Some(Zone { offset: *offset, abbreviation });
        let result = to_char_timestamp(1_609_772_767_000_000, zone, template);
        assert_eq!(&shown(result), expected, "{abbreviation} {template}");
    }
}

#[test]
fn intervals_are_formatted() {
    for (months, days, micros, template, expected) in INTERVALS {
        let result = to_char_interval(*months, *days, *micros, template);
        assert_eq!(&shown(result), expected, "{months} {days} {micros} {template}");
    }
    let error = to_char_interval(1, 0, 0, "Month").expect_err("an interval has no month's name");
    assert_eq!(error.hint(), Some("Intervals are not tied to specific calendar dates."));
}

/// Local microseconds, template, result.
#[rustfmt::skip]
const TIMESTAMPS: &[(i64, &str, &str)] = &[
    (1_614_870_367_089_012, "YYYY-MM-DD HH24:MI:SS", "2021-03-04 15:06:07"),
    (1_614_870_367_089_012, "YYYY-MM-DD HH24:MI:SS.US", "2021-03-04 15:06:07.089012"),
    (1_614_870_367_089_012, "YYYY-MM-DD HH24:MI:SS.MS", "2021-03-04 15:06:07.089"),
    (1_614_870_367_089_012, "FF1 FF2 FF3 FF4 FF5 FF6", "0 08 089 0890 08901 089012"),
    (1_614_870_367_089_012, "HH HH12 HH24 FMHH FMHH24", "03 03 15 3 15"),
    (1_614_870_367_089_012, "hh hh12 hh24 mi ss", "03 03 15 06 07"),
    (1_614_870_367_089_012, "MI SS FMMI FMSS", "06 07 6 7"),
    (1_614_870_367_089_012, "AM PM am pm A.M. P.M. a.m. p.m.", "PM PM pm pm P.M. P.M. p.m. p.m."),
    (1_614_870_367_089_012, "SSSS SSSSS ssss", "54367 54367 54367"),
    (1_614_870_367_089_012, "Y,YYY YYYY YYY YY Y", "2,021 2021 021 21 1"),
    (1_614_870_367_089_012, "IYYY IYY IY I", "2021 021 21 1"),
    (1_614_870_367_089_012, "FMY,YYY FMYYYY FMYYY FMYY FMY", "2,021 2021 21 21 1"),
    (1_614_870_367_089_012, "BC AD bc ad B.C. A.D. b.c. a.d.", "AD AD ad ad A.D. A.D. a.d. a.d."),
    (1_614_870_367_089_012, "MONTH|Month|month|", "MARCH    |March    |march    |"),
    (1_614_870_367_089_012, "FMMONTH|FMMonth|FMmonth|", "MARCH|March|march|"),
    (1_614_870_367_089_012, "TMMONTH|TMMonth|tmmonth|", "MARCH|March|march|"),
    (1_614_870_367_089_012, "MON|Mon|mon|", "MAR|Mar|mar|"),
    (1_614_870_367_089_012, "DAY|Day|day|", "THURSDAY |Thursday |thursday |"),
    (1_614_870_367_089_012, "FMDAY|FMDay|FMday|TMDay|", "THURSDAY|Thursday|thursday|Thursday|"),
    (1_614_870_367_089_012, "DY|Dy|dy|", "THU|Thu|thu|"),
    (1_614_870_367_089_012, "MM FMMM MMth MMTH", "03 3 03rd 03RD"),
    (1_614_870_367_089_012, "DD FMDD DDth DDTH FMDDth", "04 4 04th 04TH 4th"),
    (1_614_870_367_089_012, "DDD FMDDD DDDth", "063 63 063rd"),
    (1_614_870_367_089_012, "IDDD ID D Dth", "060 4 5 5th"),
    (1_614_870_367_089_012, "W WW IW FMWW FMIW", "1 09 09 9 9"),
    (1_614_870_367_089_012, "Q Qth CC CCth", "1 1st 21 21st"),
    (1_614_870_367_089_012, "J Jth", "2459278 2459278th"),
    (1_614_870_367_089_012, "RM|rm|FMRM|", "III |iii |III|"),
    (1_614_870_367_089_012, "TZ tz TZH TZM OF|", "  +00 00 +00|"),
    (1_614_870_367_089_012, "HH24:MI:SSth", "15:06:07th"),
    (1_614_870_367_089_012, "DDsp MMSP DDSP", "04sp 03 04"),
    (1_614_870_367_089_012, "\"Year: \"YYYY, \"month\"\" \"MM", "Year: 2021, month 03"),
    (1_614_870_367_089_012, "\\\"YYYY\\\"", "\"2021\""),
    (1_614_870_367_089_012, "\\YYYY", "\\2021"),
    (1_614_870_367_089_012, "YYYY\\\"", "2021\""),
    (1_614_870_367_089_012, "\"a\\\"b\\\\c\"YYYY", "a\"b\\c2021"),
    (1_614_870_367_089_012, "\"open YYYY", "open YYYY"),
    (1_614_870_367_089_012, "FMDay, FMDDth \"of\" FMMonth, YYYY", "Thursday, 4th of March, 2021"),
    (1_614_870_367_089_012, "DD.MM.YYYY", "04.03.2021"),
    (1_614_870_367_089_012, "é YYYY ü", "é 2021 ü"),
    (1_614_870_367_089_012, "Xyz", "X1z"),
    (1_614_870_367_089_012, "FXYYYY-MM-DD", "2021-03-04"),
    (1_614_870_367_089_012, "Mm Dd YyYy", "Mm 55 1111"),
    (1_614_870_367_089_012, "FMFMDD", "FM04"),
    (1_614_870_367_089_012, "FM", ""),
    (1_614_870_367_089_012, "TH th SP", "TH th SP"),
    (1_614_870_367_089_012, "DDTHth", "04THth"),
    (1_614_870_367_089_012, "YYYYMMDDHH24MISSMSUS", "20210304150607089089012"),
    (1_614_870_367_089_012, "day month", "thursday  march    "),
    (1_614_870_367_089_012, "HH:MI P.M.", "03:06 P.M."),
    (1_614_870_367_089_012, "YYYY\"T\"HH24", "2021T15"),
    (1_614_870_367_089_012, "YYYYTHH24", "2021STH24"),
    (1_614_870_367_089_012, "Dday", "5thursday "),
    (1_614_870_367_089_012, "IYYYth IYth", "2021st 21st"),
    (1_614_870_367_089_012, "YYYYth YYYTH YYth Yth Y,YYYth", "2021st 021ST 21st 1st 2,021st"),
    (1_614_870_367_089_012, "HH24th MIth SSTH", "15th 06th 07TH"),
    (1_614_870_367_089_012, "MSth USTH FF3th", "089th 089012TH 089th"),
    (-63_517_824_000_000_000, "YYYY-MM-DD BC", "0044-03-15 BC"),
    (978_264_000_000_000, "YYYY-MM-DD BC", "2000-12-31 AD"),
    (915_407_999_999_999, "YYYY-MM-DD BC", "1999-01-03 AD"),
    (327_416_976_550_000_000, "YYYY-MM-DD BC", "12345-06-07 AD"),
    (-63_517_824_000_000_000, "Y,YYY YYY YY Y CC", "0,044 044 44 4 -01"),
    (978_264_000_000_000, "Y,YYY YYY YY Y CC", "2,000 000 00 0 20"),
    (915_407_999_999_999, "Y,YYY YYY YY Y CC", "1,999 999 99 9 20"),
    (327_416_976_550_000_000, "Y,YYY YYY YY Y CC", "12,345 345 45 5 124"),
    (-63_517_824_000_000_000, "IYYY IYY IY I IW IDDD", "0044 044 44 4 11 075"),
    (978_264_000_000_000, "IYYY IYY IY I IW IDDD", "2000 000 00 0 52 364"),
    (915_407_999_999_999, "IYYY IYY IY I IW IDDD", "1998 998 98 8 53 371"),
    (327_416_976_550_000_000, "IYYY IYY IY I IW IDDD", "12345 345 45 5 23 158"),
    (-63_517_824_000_000_000, "J D ID DDD Q WW W", "1705428 6 5 074 1 11 3"),
    (978_264_000_000_000, "J D ID DDD Q WW W", "2451910 1 7 366 4 53 5"),
    (915_407_999_999_999, "J D ID DDD Q WW W", "2451182 1 7 003 1 01 1"),
    (327_416_976_550_000_000, "J D ID DDD Q WW W", "6230136 5 4 158 2 23 1"),
    (-63_517_824_000_000_000, "FMMonth FMDay RM FMYYYY", "March Friday III  44"),
    (978_264_000_000_000, "FMMonth FMDay RM FMYYYY", "December Sunday XII  2000"),
    (915_407_999_999_999, "FMMonth FMDay RM FMYYYY", "January Sunday I    1999"),
    (327_416_976_550_000_000, "FMMonth FMDay RM FMYYYY", "June Thursday VI   12345"),
    (-63_517_824_000_000_000, "HH:MI:SS.US PM", "12:00:00.000000 AM"),
    (978_264_000_000_000, "HH:MI:SS.US PM", "12:00:00.000000 PM"),
    (915_407_999_999_999, "HH:MI:SS.US PM", "11:59:59.999999 PM"),
    (327_416_976_550_000_000, "HH:MI:SS.US PM", "08:09:10.000000 AM"),
    (-63_517_824_000_000_000, "HH12 FMHH12 a.m.", "12 12 a.m."),
    (978_264_000_000_000, "HH12 FMHH12 a.m.", "12 12 p.m."),
    (915_407_999_999_999, "HH12 FMHH12 a.m.", "11 11 p.m."),
    (327_416_976_550_000_000, "HH12 FMHH12 a.m.", "08 8 a.m."),
    (-63_517_824_000_000_000, "DDth DDD IDDD", "15th 074 075"),
    (978_264_000_000_000, "DDth DDD IDDD", "31st 366 364"),
    (915_407_999_999_999, "DDth DDD IDDD", "03rd 003 371"),
    (327_416_976_550_000_000, "DDth DDD IDDD", "07th 158 158"),
    (-63_517_824_000_000_000, "MMth Dth", "03rd 6th"),
    (978_264_000_000_000, "MMth Dth", "12th 1st"),
    (915_407_999_999_999, "MMth Dth", "01st 1st"),
    (327_416_976_550_000_000, "MMth Dth", "06th 5th"),
    (-63_517_824_000_000_000, "CCth SSSS", "-01st 0"),
    (978_264_000_000_000, "CCth SSSS", "20th 43200"),
    (915_407_999_999_999, "CCth SSSS", "20th 86399"),
    (327_416_976_550_000_000, "CCth SSSS", "124th 29350"),
];

/// Offset, abbreviation, template, result, all at 2021-01-04 15:06:07 local time.
#[rustfmt::skip]
const ZONES: &[(i32, &str, &str, &str)] = &[
    (19800, "IST", "TZ tz TZH:TZM OF", "IST ist +05:30 +05:30"),
    (19800, "IST", "FMOF|TZHTH", "+5:30|+05"),
    (19800, "IST", "HH24:MIOF", "15:06+05:30"),
    (-18000, "EST", "TZ tz TZH:TZM OF", "EST est -05:00 -05"),
    (-18000, "EST", "FMOF|TZHTH", "-5|-05"),
    (-18000, "EST", "HH24:MIOF", "15:06-05"),
    (-12600, "NST", "TZ tz TZH:TZM OF", "NST nst -03:30 -03:30"),
    (-12600, "NST", "FMOF|TZHTH", "-3:30|-03"),
    (-12600, "NST", "HH24:MIOF", "15:06-03:30"),
    (0, "UTC", "TZ tz TZH:TZM OF", "UTC utc +00:00 +00"),
    (0, "UTC", "FMOF|TZHTH", "+0|+00"),
    (0, "UTC", "HH24:MIOF", "15:06+00"),
    (20700, "+0545", "TZ tz TZH:TZM OF", "+0545 +0545 +05:45 +05:45"),
    (20700, "+0545", "FMOF|TZHTH", "+5:45|+05"),
    (20700, "+0545", "HH24:MIOF", "15:06+05:45"),
];

/// Months, days, microseconds, template, result.
#[rustfmt::skip]
const INTERVALS: &[(i32, i32, i64, &str, &str)] = &[
    (0, 0, 11_045_678_901, "HH24:MI:SS", "03:04:05"),
    (14, 3, 0, "HH24:MI:SS", "00:00:00"),
    (-14, -3, -93_845_678_901, "HH24:MI:SS", "-26:-04:-05"),
    (24, 0, 0, "HH24:MI:SS", "00:00:00"),
    (-24, 0, 0, "HH24:MI:SS", "00:00:00"),
    (0, 400, 108_000_000_000, "HH24:MI:SS", "30:00:00"),
    (6007, 0, 0, "HH24:MI:SS", "00:00:00"),
    (0, 0, 11_045_678_901, "HH:MI:SS.US AM", "03:04:05.678901 AM"),
    (14, 3, 0, "HH:MI:SS.US AM", "12:00:00.000000 AM"),
    (-14, -3, -93_845_678_901, "HH:MI:SS.US AM", "-02:-04:-05.-678901 AM"),
    (24, 0, 0, "HH:MI:SS.US AM", "12:00:00.000000 AM"),
    (-24, 0, 0, "HH:MI:SS.US AM", "12:00:00.000000 AM"),
    (0, 400, 108_000_000_000, "HH:MI:SS.US AM", "06:00:00.000000 AM"),
    (6007, 0, 0, "HH:MI:SS.US AM", "12:00:00.000000 AM"),
    (0, 0, 11_045_678_901, "YYYY-MM-DD", "0000-00-00"),
    (14, 3, 0, "YYYY-MM-DD", "0001-02-03"),
    (-14, -3, -93_845_678_901, "YYYY-MM-DD", "-0001--02--3"),
    (24, 0, 0, "YYYY-MM-DD", "0002-00-00"),
    (-24, 0, 0, "YYYY-MM-DD", "-0002-00-00"),
    (0, 400, 108_000_000_000, "YYYY-MM-DD", "0000-00-400"),
    (6007, 0, 0, "YYYY-MM-DD", "0500-07-00"),
    (0, 0, 11_045_678_901, "Y,YYY YYY YY Y CC", "0,000 000 00 0 00"),
    (14, 3, 0, "Y,YYY YYY YY Y CC", "0,001 001 01 1 00"),
    (-14, -3, -93_845_678_901, "Y,YYY YYY YY Y CC", "0,-01 -001 -01 -1 00"),
    (24, 0, 0, "Y,YYY YYY YY Y CC", "0,002 002 02 2 00"),
    (-24, 0, 0, "Y,YYY YYY YY Y CC", "0,-02 -002 -02 -2 00"),
    (0, 400, 108_000_000_000, "Y,YYY YYY YY Y CC", "0,000 000 00 0 00"),
    (6007, 0, 0, "Y,YYY YYY YY Y CC", "0,500 500 00 0 05"),
    (0, 0, 11_045_678_901, "RM rm FMRM|", "  |"),
    (14, 3, 0, "RM rm FMRM|", "II   ii   II|"),
    (-14, -3, -93_845_678_901, "RM rm FMRM|", "XI   xi   XI|"),
    (24, 0, 0, "RM rm FMRM|", "XII  xii  XII|"),
    (-24, 0, 0, "RM rm FMRM|", "I    i    I|"),
    (0, 400, 108_000_000_000, "RM rm FMRM|", "  |"),
    (6007, 0, 0, "RM rm FMRM|", "VII  vii  VII|"),
    (0, 0, 11_045_678_901, "Q W WW DDD", " 1 01 000"),
    (14, 3, 0, "Q W WW DDD", "1 1 61 423"),
    (-14, -3, -93_845_678_901, "Q W WW DDD", "0 1 -59 -423"),
    (24, 0, 0, "Q W WW DDD", " 1 103 720"),
    (-24, 0, 0, "Q W WW DDD", " 1 -102 -720"),
    (0, 400, 108_000_000_000, "Q W WW DDD", " 58 58 400"),
    (6007, 0, 0, "Q W WW DDD", "3 1 25745 180210"),
    (0, 0, 11_045_678_901, "SSSS MS FF2", "11045 678 67"),
    (14, 3, 0, "SSSS MS FF2", "0 000 00"),
    (-14, -3, -93_845_678_901, "SSSS MS FF2", "-93845 -678 -67"),
    (24, 0, 0, "SSSS MS FF2", "0 000 00"),
    (-24, 0, 0, "SSSS MS FF2", "0 000 00"),
    (0, 400, 108_000_000_000, "SSSS MS FF2", "108000 000 00"),
    (6007, 0, 0, "SSSS MS FF2", "0 000 00"),
    (0, 0, 11_045_678_901, "FMYYYY FMMM FMDD FMHH24", "0 0 0 3"),
    (14, 3, 0, "FMYYYY FMMM FMDD FMHH24", "1 2 3 0"),
    (-14, -3, -93_845_678_901, "FMYYYY FMMM FMDD FMHH24", "-1 -2 -3 -26"),
    (24, 0, 0, "FMYYYY FMMM FMDD FMHH24", "2 0 0 0"),
    (-24, 0, 0, "FMYYYY FMMM FMDD FMHH24", "-2 0 0 0"),
    (0, 400, 108_000_000_000, "FMYYYY FMMM FMDD FMHH24", "0 0 400 30"),
    (6007, 0, 0, "FMYYYY FMMM FMDD FMHH24", "500 7 0 0"),
    (0, 0, 11_045_678_901, "MMth DDth HH24th", "00th 00th 03rd"),
    (14, 3, 0, "MMth DDth HH24th", "02nd 03rd 00th"),
    (-14, -3, -93_845_678_901, "MMth DDth HH24th", "-02nd -3rd -26th"),
    (24, 0, 0, "MMth DDth HH24th", "00th 00th 00th"),
    (-24, 0, 0, "MMth DDth HH24th", "00th 00th 00th"),
    (0, 400, 108_000_000_000, "MMth DDth HH24th", "00th 400th 30th"),
    (6007, 0, 0, "MMth DDth HH24th", "07th 00th 00th"),
    (0, 0, 11_045_678_901, "IYYY IW IDDD J", "-001 48 331 1721028"),
    (14, 3, 0, "IYYY IW IDDD J", "0001 05 034 1721459"),
    (-14, -3, -93_845_678_901, "IYYY IW IDDD J", "-0002 39 273 1720599"),
    (24, 0, 0, "IYYY IW IDDD J", "0001 48 334 1721759"),
    (-24, 0, 0, "IYYY IW IDDD J", "-0003 48 336 1720298"),
    (0, 400, 108_000_000_000, "IYYY IW IDDD J", "0001 01 003 1721428"),
    (6007, 0, 0, "IYYY IW IDDD J", "0500 26 178 1903862"),
    (14, 3, 0, "Month", "ERR 22007 invalid format specification for an interval value"),
    (14, 3, 0, "TZ", "ERR 22007 invalid format specification for an interval value"),
    (14, 3, 0, "D", "ERR 22007 invalid format specification for an interval value"),
    (14, 3, 0, "BC", "ERR 22007 invalid format specification for an interval value"),
];
