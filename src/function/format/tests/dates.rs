//! `to_date` and `to_timestamp`.

use super::shown;
use crate::function::format::{ParsedTimestamp, to_date, to_timestamp};

#[test]
fn dates_are_read() {
    for (text, template, expected) in DATES {
        let result = to_date(text, template).map(Some);
        assert_eq!(&shown(result), expected, "{text:?} {template:?}");
    }
}

#[test]
fn timestamps_are_read() {
    for (text, template, expected) in TIMES {
        let result = to_timestamp(text, template).map(|parsed| {
            let offset = i64::from(parsed.offset.unwrap_or_default());
            Some(parsed.local_micros - offset * 1_000_000)
        });
        assert_eq!(&shown(result), expected, "{text:?} {template:?}");
    }
}

#[test]
fn an_offset_is_told_from_none() {
    let with = to_timestamp("2021 -02:30", "YYYY TZH:TZM").expect("it has an offset");
    let without = to_timestamp("2021", "YYYY").expect("it has none");
    let local_micros = 1_609_459_200_000_000;
    assert_eq!(with, ParsedTimestamp { local_micros, offset: Some(-9000) });
    assert_eq!(without, ParsedTimestamp { local_micros, offset: None });
}

#[test]
fn values_out_of_range_are_refused() {
    let out_of_range = "22008 date/time field value out of range";
    let displaced = "22009 time zone displacement out of range";
    for (text, template, expected) in [
        ("2021-03-04 24:00", "YYYY-MM-DD HH24:MI", out_of_range),
        ("2021-03-04 05:60", "YYYY-MM-DD HH24:MI", out_of_range),
        ("2021-03-04 05:06:60", "YYYY-MM-DD HH24:MI:SS", out_of_range),
        ("20210304 86400", "YYYYMMDD SSSSS", out_of_range),
        ("2021-03-04 +16", "YYYY-MM-DD TZH", displaced),
        ("2021-03-04 60", "YYYY-MM-DD TZM", displaced),
    ] {
        let expected = format!("ERR {expected}: \"{text}\"");
        assert_eq!(shown(to_timestamp(text, template).map(|_| Some(""))), expected);
    }
    let clock = to_timestamp("13:06 PM", "HH:MI PM").expect_err("it has twelve hours");
    assert_eq!(clock.message(), "hour \"13\" is invalid for the 12-hour clock");
    let hint = "Use the 24-hour clock, or give an hour between 1 and 12.";
    assert_eq!(clock.hint(), Some(hint));
}

#[test]
fn details_and_hints_are_told() {
    let fixed = "If your source string is not fixed-width, try using the \"FM\" modifier.";
    let mixed = "Do not mix Gregorian and ISO week date conventions in a formatting template.";
    for (text, template, detail, hint) in [
        ("20", "YYYYMM", Some("Field requires 4 characters, but only 2 remain."), Some(fixed)),
        (
            "12x4",
            "YYYYMM",
            Some("Field requires 4 characters, but only 2 could be parsed."),
            Some(fixed),
        ),
        ("x", "DD", Some("Value must be an integer."), None),
        (
            "99999999999",
            "FMYYYY",
            Some("Value must be in the range -2147483648 to 2147483647."),
            None,
        ),
        (
            "x",
            "Mon",
            Some("The given value did not match any of the allowed values for this field."),
            None,
        ),
        (
            "1 2",
            "DD DD",
            Some("This value contradicts a previous setting for the same field type."),
            None,
        ),
        ("2021 5", "YYYY IW", None, Some(mixed)),
    ] {
        let error = to_date(text, template).expect_err(text);
        assert_eq!((error.detail(), error.hint()), (detail, hint), "{text:?} {template:?}");
    }
}

/// Text, template, result.
#[rustfmt::skip]
const DATES: &[(&str, &str, &str)] = &[
    ("2021-03-04", "YYYY-MM-DD", "18690"),
    ("04 Mar 2021", "DD Mon YYYY", "18690"),
    ("4 march 2021", "DD month YYYY", "18690"),
    ("20210304", "YYYYMMDD", "18690"),
    ("210304", "YYMMDD", "18690"),
    ("03/04/99", "MM/DD/YY", "10654"),
    ("69-1-1", "YY-MM-DD", "36160"),
    ("70-1-1", "YY-MM-DD", "0"),
    ("5-1-1", "Y-MM-DD", "12784"),
    ("519-1-1", "YYY-MM-DD", "200518"),
    ("520-1-1", "YYY-MM-DD", "-164360"),
    ("2021 63", "YYYY DDD", "18690"),
    ("2021-063", "YYYY-DDD", "18690"),
    ("2020 366", "YYYY DDD", "18627"),
    ("2021 366", "YYYY DDD", "ERR 22008 date/time field value out of range: \"2021 366\""),
    ("2021-09", "YYYY-WW", "18684"),
    ("2021 09 4", "IYYY IW ID", "18690"),
    ("2021-W53-7", "IYYY-\"W\"IW-ID", "19001"),
    ("2021-063", "IYYY-IDDD", "18693"),
    ("2459278", "J", "18690"),
    ("0", "J", "-719528"),
    ("1", "J", "-2440587"),
    ("-1", "J", "ERR 22008 date out of range: \"-1\""),
    ("21 21", "CC YY", "18628"),
    ("21", "CC", "11323"),
    ("20", "CC", "-25202"),
    ("6 BC", "CC BC", "-938308"),
    ("6 99 BC", "CC YY BC", "-937943"),
    ("20 00", "CC YY", "10957"),
    ("0044-03-15 BC", "YYYY-MM-DD BC", "-735160"),
    ("-44-03-15", "YYYY-MM-DD", "-735160"),
    ("-44-03-15 BC", "YYYY-MM-DD BC", "-703383"),
    ("0000-01-01", "YYYY-MM-DD", "-719528"),
    ("2,021", "Y,YYY", "18628"),
    ("12,345-06-07", "Y,YYY-MM-DD", "3789548"),
    ("2021 III", "YYYY RM", "18687"),
    ("2021 viii", "YYYY rm", "18840"),
    ("2021 XII 25", "YYYY RM DD", "18986"),
    ("Thursday 4th March 2021", "Day DDth Month YYYY", "18690"),
    ("Thu, 04 Mar 2021", "Dy, DD Mon YYYY", "18690"),
    ("4th of March 2021", "FMDDth \"of\" FMMonth YYYY", "18690"),
    ("2021 Q1", "YYYY \"Q\"Q", "18628"),
    ("2021 1 3", "YYYY Q MM", "18687"),
    ("  2021-3-4  ", "YYYY-MM-DD", "18690"),
    ("2021/3/4", "YYYY-MM-DD", "18690"),
    ("2021 3 4", "YYYY-MM-DD", "18690"),
    ("2021--3--4", "YYYY-MM-DD", "ERR 22008 date/time field value out of range: \"2021--3--4\""),
    ("20213 4", "YYYYMM DD", "18690"),
    ("2021-03-04 junk", "YYYY-MM-DD", "18690"),
    ("2021", "YYYY-MM-DD", "18628"),
    ("2021-03", "YYYY-MM", "18687"),
    ("", "YYYY", "-719528"),
    ("2021", "", "-719528"),
    ("12345-06-07", "YYYY-MM-DD", "3789548"),
    ("12345-06-07", "FMYYYY-MM-DD", "3789548"),
    ("20000-1-1", "FXYYYY-MM-DD", "6585322"),
    ("2021-03-04", "FXYYYY-MM-DD", "18690"),
    ("2021/03/04", "FXYYYY-MM-DD", "18690"),
    ("2021  03", "FXYYYY MM", "18687"),
    ("2021 3 5", "YYYY MM W", "18715"),
    ("2021-3 2", "YYYY-MM W", "18694"),
    ("2021 MAR", "FXYYYY MON", "18687"),
    ("2021é03", "YYYY-MM", "ERR 22007 invalid value \"é\" for \"MM\""),
    ("2021é03", "YYYYxMM", "18687"),
    ("2021-02-30", "YYYY-MM-DD", "ERR 22008 date/time field value out of range: \"2021-02-30\""),
    ("2021-02-29", "YYYY-MM-DD", "ERR 22008 date/time field value out of range: \"2021-02-29\""),
    ("2020-02-29", "YYYY-MM-DD", "18321"),
    ("1900-02-29", "YYYY-MM-DD", "ERR 22008 date/time field value out of range: \"1900-02-29\""),
    ("2021-13-01", "YYYY-MM-DD", "ERR 22008 date/time field value out of range: \"2021-13-01\""),
    ("2021-00-01", "YYYY-MM-DD", "18628"),
    ("2021-1-32", "YYYY-MM-DD", "ERR 22008 date/time field value out of range: \"2021-1-32\""),
    ("02-30", "MM-DD", "-719468"),
    ("13", "MM", "ERR 22008 date/time field value out of range: \"13\""),
    ("foo", "Month", "ERR 22007 invalid value \"foo\" for \"Month\""),
    ("foo bar", "Mon", "ERR 22007 invalid value \"foo\" for \"Mon\""),
    ("x", "DD", "ERR 22007 invalid value \"x\" for \"DD\""),
    ("2021 x", "YYYY MM", "ERR 22007 invalid value \"x\" for \"MM\""),
    ("2021Mar", "YYYYMon", "18687"),
    ("2", "YYYYMM", "ERR 22007 source string too short for \"YYYY\" formatting field"),
    ("20", "YYYYMM", "ERR 22007 source string too short for \"YYYY\" formatting field"),
    ("2021a", "YYYYMM", "ERR 22007 invalid value \"a\" for \"MM\""),
    ("99999999999", "FMYYYY", "ERR 22008 value for \"YYYY\" in source string is out of range"),
    ("6000000", "FMYYYY", "ERR 22008 date out of range: \"6000000\""),
    ("5874897-12-31", "FMYYYY-MM-DD", "2145042905"),
    ("4713-01-01 BC", "YYYY-MM-DD BC", "-2440550"),
    ("4714-11-24 BC", "YYYY-MM-DD BC", "-2440588"),
    ("4714-11-23 BC", "YYYY-MM-DD BC", "ERR 22008 date out of range: \"4714-11-23 BC\""),
    ("2021 5", "YYYY IW", "ERR 22007 invalid combination of date conventions"),
    ("2021 5", "IYYY MM", "ERR 22007 invalid combination of date conventions"),
    ("63", "DDD", "ERR 22007 cannot calculate day of year without year information"),
    ("2021 400", "YYYY DDD", "ERR 22008 date/time field value out of range: \"2021 400\""),
    ("2021-03-04", "YYYY-MM-DD TZ", "18690"),
    ("2021 UTC", "YYYY TZ", "ERR 0A000 formatting field \"TZ\" is only supported in to_char"),
    ("2021 +01", "YYYY OF", "ERR 0A000 formatting field \"OF\" is only supported in to_char"),
    ("2021 AD", "YYYY AD", "18628"),
    ("2021 a.d.", "YYYY A.D.", "18628"),
    ("2021 XX", "YYYY BC", "ERR 22007 invalid value \"XX\" for \"BC\""),
    ("x,y", "Y,YYY", "ERR 22007 invalid input string for \"Y,YYY\""),
    ("2021 8", "IYYY ID", "18628"),
    ("53 2021", "WW YYYY", "18992"),
    ("12 3 2021", "DD/MM/YYYY", "18698"),
    ("1 2 3", "DD MM YY", "12084"),
    ("2021-Jan-01", "YYYY-MON-DD", "18628"),
    ("2021JAN01", "YYYYMONDD", "18628"),
    ("may 2021", "Mon YYYY", "18748"),
    ("may 2021", "Month YYYY", "18748"),
    ("January 5", "Month DD", "-719524"),
    ("J2459278", "\"J\"J", "18690"),
    ("2021T03", "YYYYTMM", "18628"),
    ("2021 03", "YYYY\"T\"MM", "18687"),
    ("2021T03", "YYYY\"T\"MM", "18687"),
    ("10-5-2021", "MM-DD-YYYY", "18905"),
    ("2021 5th", "YYYY MMth", "18748"),
    ("1 2 2021 x", "D MM YYYY", "18659"),
];

/// Text, template, result in microseconds UTC.
#[rustfmt::skip]
const TIMES: &[(&str, &str, &str)] = &[
    ("2021-03-04 05:06:07", "YYYY-MM-DD HH24:MI:SS", "1614834367000000"),
    ("2021-03-04 05:06:07.089", "YYYY-MM-DD HH24:MI:SS.MS", "1614834367089000"),
    ("2021-03-04 05:06:07.5", "YYYY-MM-DD HH24:MI:SS.MS", "1614834367500000"),
    ("2021-03-04 05:06:07.05", "YYYY-MM-DD HH24:MI:SS.MS", "1614834367050000"),
    ("2021-03-04 05:06:07.089012", "YYYY-MM-DD HH24:MI:SS.US", "1614834367089012"),
    ("2021-03-04 05:06:07.25", "YYYY-MM-DD HH24:MI:SS.US", "1614834367250000"),
    ("2021-03-04 05:06:07.255555", "YYYY-MM-DD HH24:MI:SS.FF1", "1614834367300000"),
    ("2021-03-04 05:06:07.255555", "YYYY-MM-DD HH24:MI:SS.FF3", "1614834367256000"),
    ("1999-03-04 05:06:07.25", "YYYY-MM-DD HH24:MI:SS.FF1", "920523967200000"),
    ("2021-03-04 05:06:07.25", "YYYY-MM-DD HH24:MI:SS.FF1", "1614834367300000"),
    ("2021-03-04 05:06:07 PM", "YYYY-MM-DD HH:MI:SS AM", "1614877567000000"),
    ("2021-03-04 12:06:07 am", "YYYY-MM-DD HH12:MI:SS PM", "1614816367000000"),
    ("2021-03-04 12 p.m.", "YYYY-MM-DD HH12 a.m.", "1614859200000000"),
    ("20210304050607", "YYYYMMDDHH24MISS", "1614834367000000"),
    ("2021030405060789", "YYYYMMDDHH24MISSMS", "1614834367890000"),
    ("20210304 43210", "YYYYMMDD SSSS", "1614859210000000"),
    ("2021-03-04T05:06:07", "YYYY-MM-DD\"T\"HH24:MI:SS", "1614834367000000"),
    ("2021-03-04T05:06:07Z", "YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"", "1614834367000000"),
    ("2021-03-04 05:06 +02", "YYYY-MM-DD HH24:MI TZH", "1614827160000000"),
    ("2021-03-04 05:06 -02:30", "YYYY-MM-DD HH24:MI TZH:TZM", "1614843360000000"),
    ("2021-03-04 05:06-02", "YYYY-MM-DD HH24:MITZH", "1614841560000000"),
    ("2021-03-04 05:06 05", "YYYY-MM-DD HH24:MI TZH", "1614816360000000"),
    ("2021-03-04 05:06 - 05", "YYYY-MM-DD HH24:MI TZH", "1614816360000000"),
    ("2021-03-04 05:06 30", "YYYY-MM-DD HH24:MI TZM", "1614832560000000"),
    ("05:06", "HH24:MI", "-62167200840000000"),
    ("2021-03-04 5", "YYYY-MM-DD HH24", "1614834000000000"),
    ("2021-03-04 5th", "YYYY-MM-DD HH24th", "1614834000000000"),
    ("2021 1500", "YYYY MS", "ERR 22008 date/time field value out of range: \"2021 1500\""),
    ("300000-01-01", "FMYYYY-MM-DD", "ERR 22008 timestamp out of range"),
    ("294246-12-31", "FMYYYY-MM-DD", "9223371158400000000"),
    ("4713-01-01 BC", "YYYY-MM-DD BC", "-210863520000000000"),
    ("4714-11-23 BC", "YYYY-MM-DD BC", "ERR 22008 timestamp out of range"),
    ("1997 AD 11", "YYYY BC MM", "878342400000000"),
    ("05121445482000", "MMDDHH24MISSYYYY", "958142748000000"),
    ("2000January09Sunday", "YYYYFMMonthDDFMDay", "947376000000000"),
    ("97/Feb/16", "YYMonDD", "ERR 22007 invalid value \"/Feb/16\" for \"Mon\""),
    ("97/Feb/16", "YY:Mon:DD", "856051200000000"),
    ("97/Feb/16", "FXYY:Mon:DD", "856051200000000"),
    ("97/Feb/16", "FXYY/Mon/DD", "856051200000000"),
    ("19971116", "YYYYMMDD", "879638400000000"),
    ("20000-1116", "YYYY-MMDD", "568999468800000000"),
    ("9-1116", "Y-MMDD", "1258329600000000"),
    ("95-1116", "YY-MMDD", "816480000000000"),
    ("995-1116", "YYY-MMDD", "816480000000000"),
    ("2005426", "YYYYWWD", "1129334400000000"),
    ("2005300", "YYYYDDD", "1130371200000000"),
    ("2005527", "IYYYIWID", "1136073600000000"),
    ("005527", "IYYIWID", "1136073600000000"),
    ("05527", "IYIWID", "1136073600000000"),
    ("5527", "IIWID", "1136073600000000"),
    ("2005364", "IYYYIDDD", "1136073600000000"),
    ("20050302", "YYYYMMDD", "1109721600000000"),
    ("2005 03 02", "YYYYMMDD", "1109721600000000"),
    (" 2005 03 02", "YYYYMMDD", "1109721600000000"),
    ("  20050302", "YYYYMMDD", "1109721600000000"),
    ("2011-12-18 11:38 AM", "YYYY-MM-DD HH12:MI PM", "1324208280000000"),
    ("2011-12-18 11:38 +05:20", "YYYY-MM-DD HH12:MI TZH:TZM", "1324189080000000"),
    ("2018-11-02 12:34:56.025", "YYYY-MM-DD HH24:MI:SS.MS", "1541162096025000"),
    ("2011$03!18 23_38_15", "YYYY-MM-DD HH24:MI:SS", "1300491495000000"),
    ("2000 + JUN", "YYYY MON", "959817600000000"),
    ("2000 ++ JUN", "YYYY  MON", "959817600000000"),
    ("2000 + + JUN", "YYYY  MON", "ERR 22007 invalid value \"+\" for \"MON\""),
    ("2000 + -10", "YYYY TZH", "946720800000000"),
    ("2000 ++ -10", "YYYY  TZH", "946720800000000"),
    ("2000-10", "YYYY TZH", "946648800000000"),
    ("2000    -10", "YYYY TZH", "946720800000000"),
];
