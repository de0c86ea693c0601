//! Tests of whole rows. Expected texts and bytes were taken from PostgreSQL 15.18.

use std::sync::Arc;

use arrow::array::builder::{Int32Builder, ListBuilder, MapBuilder, StringBuilder};
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array,
    DictionaryArray, DurationSecondArray, FixedSizeBinaryArray, Float32Array, Float64Array,
    Int8Array, Int32Array, Int64Array, IntervalMonthDayNanoArray, LargeStringArray, NullArray,
    RecordBatch, StringArray, StringViewArray, StructArray, Time64MicrosecondArray,
    TimestampMicrosecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int32Type, IntervalMonthDayNano, i256};
use bytes::BytesMut;
use chrono_tz::Tz;

use super::*;
use crate::types::{ScalarType, from_text};

const DAY: i64 = 86_400_000_000;

fn encode(array: ArrayRef, pg_type: PgType, format: Format, zone: Tz) -> Result<BytesMut> {
    let batch = RecordBatch::try_from_iter_with_nullable([("c", array, true)]).unwrap();
    let style = OutputStyle { time_zone: zone, ..OutputStyle::default() };
    let encoder = RowEncoder::new(&[Column::new("c", pg_type)], vec![format], style);
    let mut out = BytesMut::new();
    encoder.encode(&batch, 0, batch.num_rows(), &mut out)?;
    Ok(out)
}

/// Splits messages of one column into its values.
fn fields(mut bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        assert_eq!(bytes[0], b'D');
        let length = i32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize;
        assert_eq!(bytes[5..7], [0, 1]);
        let field = i32::from_be_bytes(bytes[7..11].try_into().unwrap());
        let value = usize::try_from(field).ok().map(|field| {
            assert_eq!(field + 10, length);
            bytes[11..=length].to_vec()
        });
        found.push(value);
        bytes = &bytes[length + 1..];
    }
    found
}

fn texts_in(array: impl arrow::array::Array + 'static, pg_type: PgType, zone: Tz) -> Vec<String> {
    let out = encode(Arc::new(array), pg_type, Format::Text, zone).unwrap();
    fields(&out)
        .into_iter()
        .map(|field| field.map_or("<null>".to_owned(), |text| String::from_utf8(text).unwrap()))
        .collect()
}

fn texts(array: impl arrow::array::Array + 'static, pg_type: PgType) -> Vec<String> {
    texts_in(array, pg_type, Tz::UTC)
}

fn hex(array: impl arrow::array::Array + 'static, pg_type: PgType) -> Vec<String> {
    let out = encode(Arc::new(array), pg_type, Format::Binary, Tz::UTC).unwrap();
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    fields(&out).into_iter().map(|field| field.map_or("<null>".to_owned(), hex)).collect()
}

#[test]
fn a_message_has_the_shape_of_the_protocol() {
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("a", Arc::new(Int32Array::from(vec![Some(7), None])) as ArrayRef, true),
        ("b", Arc::new(StringArray::from(vec!["x", "yz"])) as ArrayRef, true),
    ])
    .unwrap();
    let columns = [Column::new("a", PgType::INT4), Column::new("b", PgType::TEXT)];
    let encoder = RowEncoder::new(&columns, Vec::new(), OutputStyle::default());
    let mut out = BytesMut::new();
    encoder.encode(&batch, 0, 2, &mut out).unwrap();
    let expected =
        b"D\0\0\0\x10\0\x02\0\0\0\x017\0\0\0\x01xD\0\0\0\x10\0\x02\xff\xff\xff\xff\0\0\0\x02yz";
    assert_eq!(&out[..], &expected[..]);
    assert!(encoder.encode(&batch, 1, 2, &mut out).is_err());
    assert_eq!(out.len(), expected.len());
}

#[test]
fn rows_survive_every_cut_of_a_batch() {
    let values = (0..100).map(|n| (n % 7 != 0).then_some(n)).collect::<Vec<Option<i32>>>();
    let array: ArrayRef = Arc::new(Int32Array::from(values));
    let whole = encode(Arc::clone(&array), PgType::INT4, Format::Text, Tz::UTC).unwrap();
    for step in 1..=100 {
        for by_slice in [false, true] {
            let mut out = BytesMut::new();
            let columns = [Column::new("c", PgType::INT4)];
            let encoder = RowEncoder::new(&columns, vec![Format::Text], OutputStyle::default());
            let batch = RecordBatch::try_from_iter_with_nullable([("c", Arc::clone(&array), true)])
                .unwrap();
            for start in (0..100).step_by(step) {
                let count = step.min(100 - start);
                if by_slice {
                    encoder.encode(&batch.slice(start, count), 0, count, &mut out).unwrap();
                } else {
                    encoder.encode(&batch, start, count, &mut out).unwrap();
                }
            }
            assert_eq!(out, whole, "step {step}");
        }
    }
}

#[test]
fn numbers() {
    assert_eq!(texts(BooleanArray::from(vec![true, false]), PgType::BOOL), ["t", "f"]);
    assert_eq!(texts(Int8Array::from(vec![-5]), PgType::INT2), ["-5"]);
    assert_eq!(texts(UInt64Array::from(vec![u64::MAX]), PgType::NUMERIC), ["18446744073709551615"]);
    assert_eq!(hex(Int32Array::from(vec![-2]), PgType::INT8), ["fffffffffffffffe"]);
    assert_eq!(hex(Float64Array::from(vec![1.5]), PgType::FLOAT8), ["3ff8000000000000"]);
    assert_eq!(texts(Float32Array::from(vec![0.1]), PgType::FLOAT4), ["0.1"]);
    assert_eq!(texts(Float32Array::from(vec![0.1]), PgType::FLOAT8), ["0.10000000149011612"]);
    let huge = Decimal128Array::from(vec![Some(i128::from(i64::MAX)), None])
        .with_precision_and_scale(38, 0)
        .unwrap();
    assert_eq!(texts(huge, PgType::INT8), ["9223372036854775807", "<null>"]);
    let past = Decimal128Array::from(vec![i128::from(i64::MAX) + 1])
        .with_precision_and_scale(38, 0)
        .unwrap();
    let error = encode(Arc::new(past), PgType::INT8, Format::Text, Tz::UTC).unwrap_err();
    assert_eq!(error.code(), SqlState::NUMERIC_VALUE_OUT_OF_RANGE);
    let decimals =
        |value| Decimal128Array::from(vec![value]).with_precision_and_scale(18, 4).unwrap();
    assert_eq!(texts(decimals(123_456_700), PgType::NUMERIC), ["12345.6700"]);
    assert_eq!(
        hex(decimals(123_456_700), PgType::NUMERIC),
        ["0002000100000004000109291a2c".replacen("0002", "0003", 1)]
    );
    assert_eq!(texts(decimals(-25_000), PgType::INT4), ["-3"]);
    let wide = Decimal256Array::from(vec![i256::from_string(&"9".repeat(60)).unwrap()])
        .with_precision_and_scale(70, 2)
        .unwrap();
    assert_eq!(texts(wide, PgType::NUMERIC), [format!("{}.99", "9".repeat(58))]);
}

#[test]
fn strings_and_bytes() {
    assert_eq!(texts(StringViewArray::from(vec!["a", ""]), PgType::TEXT), ["a", ""]);
    let dictionary: DictionaryArray<Int32Type> =
        vec![Some("x"), None, Some("x")].into_iter().collect();
    assert_eq!(texts(dictionary, PgType::VARCHAR), ["x", "<null>", "x"]);
    assert_eq!(
        hex(LargeStringArray::from(vec!["{\"a\": 1}"]), PgType::JSONB),
        ["017b2261223a20317d"]
    );
    let uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
    assert_eq!(hex(StringArray::from(vec![uuid]), PgType::UUID), [uuid.replace('-', "")]);
    let bytes: Vec<u8> = (0..16).collect();
    let fixed = FixedSizeBinaryArray::try_from_iter([bytes].into_iter()).unwrap();
    assert_eq!(texts(fixed, PgType::UUID), ["00010203-0405-0607-0809-0a0b0c0d0e0f"]);
    assert_eq!(texts(BinaryArray::from(vec![&b"\x01\\a"[..]]), PgType::BYTEA), ["\\x015c61"]);
    assert_eq!(texts(NullArray::new(2), PgType::INT4), ["<null>", "<null>"]);
    assert_eq!(
        hex(StringArray::from(vec!["04:05:06+02"]), PgType::TIMETZ),
        ["000000036c8bc080ffffe3e0"]
    );
}

#[test]
fn dates_and_times() {
    let dates = || Date32Array::from(vec![-1, 10_957, i32::MAX, -i32::MAX, -735_600]);
    let expected = ["1969-12-31", "2000-01-01", "infinity", "-infinity", "0045-12-29 BC"];
    assert_eq!(texts(dates(), PgType::DATE)[..4], expected[..4]);
    assert!(texts(dates(), PgType::DATE)[4].ends_with(" BC"));
    assert_eq!(hex(dates(), PgType::DATE)[1..4], ["00000000", "7fffffff", "80000000"]);
    let time = || Time64MicrosecondArray::from(vec![DAY, 14_706_789_000]);
    assert_eq!(texts(time(), PgType::TIME), ["24:00:00", "04:05:06.789"]);
    assert_eq!(texts(time(), PgType::TIMETZ), ["24:00:00+00", "04:05:06.789+00"]);
    assert_eq!(hex(time(), PgType::TIME)[0], "000000141dd76000");
    let stamp = TimestampSecondArray::from(vec![1_704_067_200, i64::MAX, -i64::MAX]);
    assert_eq!(
        hex(stamp, PgType::TIMESTAMP),
        ["0002b0d5d4e94000", "7fffffffffffffff", "8000000000000000"]
    );
    let nanos = TimestampNanosecondArray::from(vec![-1]);
    assert_eq!(texts(nanos, PgType::TIMESTAMP), ["1969-12-31 23:59:59.999999"]);
    let seconds = TimestampSecondArray::from(vec![i64::MAX / 2]);
    assert!(encode(Arc::new(seconds), PgType::TIMESTAMP, Format::Text, Tz::UTC).is_err());
}

#[test]
fn instants_are_shown_in_the_sessions_zone() {
    let micros = |text: &str| match from_text(PgType::TIMESTAMPTZ, text, Tz::UTC).unwrap() {
        crate::types::Value::Timestamptz(micros) => micros,
        other => panic!("{other:?}"),
    };
    let shown = |text: &str, zone: Tz| {
        let array = TimestampMicrosecondArray::from(vec![micros(text)]).with_timezone("UTC");
        texts_in(array, PgType::TIMESTAMPTZ, zone).remove(0)
    };
    for (text, zone, expected) in [
        ("1900-01-01 00:00+00", Tz::Europe__Berlin, "1900-01-01 01:00:00+01"),
        ("0044-03-15 12:00:00.5+00 BC", Tz::Europe__Berlin, "0044-03-15 12:53:28.5+00:53:28 BC"),
        ("2024-07-01 00:00:00.000001+00", Tz::Europe__Berlin, "2024-07-01 02:00:00.000001+02"),
        ("294246-12-31 23:00+00", Tz::Europe__Berlin, "294247-01-01 00:00:00+01"),
        ("infinity", Tz::Europe__Berlin, "infinity"),
        ("2024-01-01 00:00+00", Tz::Asia__Kolkata, "2024-01-01 05:30:00+05:30"),
        ("1900-01-01 00:00+00", Tz::Asia__Kolkata, "1900-01-01 05:21:10+05:21:10"),
        ("2150-07-01 04:00+00", Tz::America__New_York, "2150-07-01 00:00:00-04"),
        ("2024-01-01 00:00+00", Tz::UTC, "2024-01-01 00:00:00+00"),
    ] {
        assert_eq!(shown(text, zone), expected);
    }
    // A day with a change of the offset, in order, so that the remembered offset must give way.
    let start = micros("2024-03-31 00:00+00");
    let hours = (0..4).map(|hour| start + hour * 3_600_000_000).collect::<Vec<_>>();
    let array = TimestampMicrosecondArray::from(hours).with_timezone("UTC");
    assert_eq!(
        texts_in(array, PgType::TIMESTAMPTZ, Tz::Europe__Berlin),
        [
            "2024-03-31 01:00:00+01",
            "2024-03-31 03:00:00+02",
            "2024-03-31 04:00:00+02",
            "2024-03-31 05:00:00+02",
        ]
    );
}

#[test]
fn intervals() {
    let interval = |months, days, micros: i64| IntervalMonthDayNano {
        months,
        days,
        nanoseconds: micros * 1000,
    };
    let array = || {
        IntervalMonthDayNanoArray::from(vec![
            interval(14, -3, 14_706_700_000),
            interval(-14, 3, 0),
            interval(0, 0, 0),
            interval(0, 0, -500_000),
            interval(1, -1, 0),
            interval(0, 0, 360_000_000_000),
            interval(0, -1, 0),
            interval(1, 2, 3_000_000),
        ])
    };
    assert_eq!(
        texts(array(), PgType::INTERVAL)[..7],
        [
            "1 year 2 mons -3 days +04:05:06.7",
            "-1 years -2 mons +3 days",
            "00:00:00",
            "-00:00:00.5",
            "1 mon -1 days",
            "100:00:00",
            "-1 days",
        ]
    );
    assert_eq!(hex(array(), PgType::INTERVAL)[7], "00000000002dc6c00000000200000001");
    assert_eq!(texts(DurationSecondArray::from(vec![90]), PgType::INTERVAL), ["00:01:30"]);
}

#[test]
fn arrays() {
    let mut words = ListBuilder::new(StringBuilder::new());
    for word in ["a", "b c", "", "null", "q\"x", "b\\s", "{", "x,y", "Tab\tx"] {
        words.values().append_value(word);
    }
    words.values().append_null();
    words.append(true);
    words.append(true);
    words.append(false);
    let text = PgType::Array(ScalarType::Text);
    assert_eq!(
        texts(words.finish(), text),
        [
            "{a,\"b c\",\"\",\"null\",\"q\\\"x\",\"b\\\\s\",\"{\",\"x,y\",\"Tab\tx\",NULL}",
            "{}",
            "<null>",
        ]
    );
    let mut grid = ListBuilder::new(ListBuilder::new(Int32Builder::new()));
    for row in [[Some(1), Some(2)], [Some(3), None]] {
        for value in row {
            grid.values().values().append_option(value);
        }
        grid.values().append(true);
    }
    grid.append(true);
    grid.append(true);
    let grid = grid.finish();
    let int4 = PgType::Array(ScalarType::Int4);
    assert_eq!(texts(grid.clone(), int4), ["{{1,2},{3,NULL}}", "{}"]);
    assert_eq!(
        hex(grid, int4),
        [
            "00000002000000010000001700000002000000010000000200000001000000040000000100000004\
         000000020000000400000003ffffffff",
            "000000000000000000000017",
        ]
    );
    let mut vector = ListBuilder::new(Int32Builder::new());
    vector.append_value([Some(1), Some(2)]);
    let vector = vector.finish();
    assert_eq!(texts(vector.clone(), PgType::INT2VECTOR), ["1 2"]);
    let expected = "0000000100000000000000150000000200000000000000020001000000020002";
    assert_eq!(hex(vector, PgType::INT2VECTOR), [expected]);
    assert_eq!(hex(StringArray::from(vec!["1 2"]), PgType::INT2VECTOR), [expected]);
    assert_eq!(
        hex(StringArray::from(vec!["{1,NULL}"]), int4),
        ["0000000100000001000000170000000200000001000000040000000 1ffffffff".replace(' ', "")]
    );
}

#[test]
fn what_has_no_type_is_json() {
    let field = |name: &str, data_type| Arc::new(Field::new(name, data_type, true));
    let stamps = TimestampMicrosecondArray::from(vec![1_704_067_200_000_000]);
    let structs = StructArray::from(vec![
        (field("a", DataType::Int32), Arc::new(Int32Array::from(vec![1])) as ArrayRef),
        (field("b\"", DataType::Utf8), Arc::new(StringArray::from(vec!["x\"y"])) as ArrayRef),
        (field("c", DataType::Null), Arc::new(NullArray::new(1)) as ArrayRef),
        (
            field("d", stamps.clone().with_timezone("UTC").data_type().clone()),
            Arc::new(stamps.with_timezone("UTC")) as ArrayRef,
        ),
        (field("f", DataType::Float64), Arc::new(Float64Array::from(vec![f64::NAN])) as ArrayRef),
        (field("g", DataType::Boolean), Arc::new(BooleanArray::from(vec![true])) as ArrayRef),
    ]);
    let expected =
        r#"{"a":1,"b\"":"x\"y","c":null,"d":"2024-01-01T00:00:00+00:00","f":"NaN","g":true}"#;
    assert_eq!(texts(structs, PgType::JSON), [expected]);
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    map.keys().append_value("k");
    map.values().append_value(5);
    map.append(true).unwrap();
    assert_eq!(texts(map.finish(), PgType::TEXT), [r#"{"k":5}"#]);
}

#[test]
fn a_pair_without_conversion_names_itself() {
    let error = encode(Arc::new(Int64Array::from(vec![1])), PgType::DATE, Format::Text, Tz::UTC)
        .unwrap_err();
    assert_eq!(error.code(), SqlState::FEATURE_NOT_SUPPORTED);
    assert!(error.message().contains("Int64") && error.message().contains("date"));
}
