//! Tests of COPY's decoding. Results and messages follow PostgreSQL's documentation and source.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int32Type;

use chrono_tz::Tz;

use super::*;
use crate::types::PgType;

fn columns() -> Vec<Column> {
    vec![Column::new("a", PgType::INT4), Column::new("b", PgType::TEXT)]
}

fn decoder(options: CopyOptions, batch_rows: usize) -> CopyDecoder {
    CopyDecoder::new(options, columns(), Tz::UTC, batch_rows, "t").unwrap()
}

type Rows = Vec<(Option<i32>, Option<String>)>;

fn rows_of(batches: &[RecordBatch]) -> Rows {
    let mut rows = Vec::new();
    for batch in batches {
        let (a, b) =
            (batch.column(0).as_primitive::<Int32Type>(), batch.column(1).as_string::<i32>());
        for row in 0..batch.num_rows() {
            let number = a.is_valid(row).then(|| a.value(row));
            rows.push((number, b.is_valid(row).then(|| b.value(row).to_owned())));
        }
    }
    rows
}

/// Decodes a stream given in pieces of a size.
fn decode(options: &CopyOptions, data: &[u8], piece: usize, batch_rows: usize) -> Result<Rows> {
    let mut decoder = decoder(options.clone(), batch_rows);
    let mut batches = Vec::new();
    for piece in data.chunks(piece) {
        batches.extend(decoder.feed(piece)?);
    }
    assert!(batches.iter().all(|batch| batch.num_rows() == batch_rows));
    batches.extend(decoder.finish()?);
    let rows = rows_of(&batches);
    assert_eq!(decoder.rows(), rows.len() as u64);
    Ok(rows)
}

fn text() -> CopyOptions {
    CopyOptions::new(CopyFormat::Text)
}

fn csv() -> CopyOptions {
    CopyOptions::new(CopyFormat::Csv)
}

fn row(a: i32, b: &str) -> (Option<i32>, Option<String>) {
    (Some(a), Some(b.to_owned()))
}

fn fault(options: &CopyOptions, data: &[u8]) -> (String, String) {
    let error = decode(options, data, usize::MAX, 10).unwrap_err();
    let message = format!("{}: {}", error.code(), error.message());
    (message, error.context().unwrap_or_default().to_owned())
}

#[test]
fn text_escapes_and_nulls() {
    let data = b"1\ta\\tb\\\\\\n\\x41\\101\\q\n\\N\t\\N\n3\t\n4\tx\\\ny\n5\t\xc3\xa4\\\xc3\xa4\n\\.\nignored";
    let expected =
        vec![row(1, "a\tb\\\nAAq"), (None, None), row(3, ""), row(4, "x\ny"), row(5, "ää")];
    for piece in 1..data.len() {
        for batch_rows in [1, 2, 3, 100] {
            assert_eq!(decode(&text(), data, piece, batch_rows).unwrap(), expected);
        }
    }
}

#[test]
fn csv_quotes_and_nulls() {
    let data = b"1,\"a,\"\"b\"\"\nc\"\r\n,\r\n3,\"\"\r\n4,x\"y,z\"w\r\n5,last";
    let expected =
        vec![row(1, "a,\"b\"\nc"), (None, None), row(3, ""), row(4, "xy,zw"), row(5, "last")];
    for piece in 1..data.len() {
        assert_eq!(decode(&csv(), data, piece, 2).unwrap(), expected);
    }
    let escaped = CopyOptions { escape: b'\\', ..csv() };
    let data = b"1,\"a\\\"b\\\\\nc\\d\"\n2,e";
    let expected = vec![row(1, "a\"b\\\nc\\d"), row(2, "e")];
    for piece in 1..data.len() {
        assert_eq!(decode(&escaped, data, piece, 2).unwrap(), expected);
    }
}

#[test]
fn row_counts_survive_all_sizes() {
    let data: String = (0..500).map(|n| format!("{n},\"v\n{n}\"\n")).collect();
    for batch_rows in [1, 2, 3, 7, 64, 499, 500, 501] {
        for piece in [1, 2, 5, 13, 4096] {
            let rows = decode(&csv(), data.as_bytes(), piece, batch_rows).unwrap();
            assert_eq!(rows.len(), 500);
            assert_eq!(rows[499], row(499, "v\n499"));
        }
    }
}

#[test]
fn headers_and_forced_nulls() {
    let options = CopyOptions { header: true, ..csv() };
    assert_eq!(decode(&options, b"x,y\n1,z\n", 3, 5).unwrap(), [row(1, "z")]);
    let options = CopyOptions { header_match: true, ..options };
    assert_eq!(decode(&options, b"a,\"b\"\n1,z\n", 3, 5).unwrap(), [row(1, "z")]);
    assert_eq!(
        fault(&options, b"a,c\n").0,
        "22P04: column name mismatch in header line field 2: got \"c\", expected \"b\""
    );
    let options = CopyOptions { force_not_null: vec![1], ..csv() };
    assert_eq!(decode(&options, b"1,\n", 9, 5).unwrap(), [row(1, "")]);
    let options = CopyOptions { force_null: vec![1], ..csv() };
    assert_eq!(decode(&options, b"1,\"\"\n", 9, 5).unwrap(), [(Some(1), None)]);
}

#[test]
fn faults_say_where() {
    let is = |found: (String, String), message: &str, context: &str| {
        assert_eq!((found.0.as_str(), found.1.as_str()), (message, context));
    };
    is(
        fault(&text(), b"1\tx\n2\n"),
        "22P04: missing data for column \"b\"",
        "COPY t, line 2: \"2\"",
    );
    is(
        fault(&text(), b"1\tx\ty\n"),
        "22P04: extra data after last expected column",
        "COPY t, line 1: \"1\tx\ty\"",
    );
    is(
        fault(&text(), b"1\tx\n2\tx\nabc\tx\n"),
        "22P02: invalid input syntax for type integer: \"abc\"",
        "COPY t, line 3, column a: \"abc\"",
    );
    is(
        fault(&text(), b"1\t\xff\n"),
        "22021: invalid byte sequence for encoding \"UTF8\": 0xff",
        "COPY t, line 1",
    );
    assert!(fault(&text(), b"1\t\\xff\n").0.starts_with("22021"));
    assert!(fault(&text(), b"1\tx\n2\ty\r\n").0.contains("literal carriage return"));
    assert!(fault(&csv(), b"1,\"x\n").0.contains("unterminated CSV quoted field"));
}

#[test]
fn latin1_is_read_by_its_numbers() {
    let options = CopyOptions { encoding: CopyEncoding::Latin1, ..text() };
    assert_eq!(decode(&options, b"1\t\xe4\n", 2, 5).unwrap(), [row(1, "ä")]);
}

fn tuples(rows: &[(i32, &str)]) -> Vec<u8> {
    let mut bytes = [COPY_SIGNATURE.as_slice(), &[0; 8]].concat();
    for (a, b) in rows {
        bytes.extend(2i16.to_be_bytes());
        bytes.extend([4i32.to_be_bytes(), a.to_be_bytes()].concat());
        bytes.extend(i32::try_from(b.len()).unwrap().to_be_bytes());
        bytes.extend(b.as_bytes());
    }
    bytes.extend((-1i16).to_be_bytes());
    bytes
}

#[test]
fn binary_tuples_in_any_pieces() {
    let options = CopyOptions::new(CopyFormat::Binary);
    let data = tuples(&[(1, "one"), (-2, ""), (3, "three")]);
    let expected = [row(1, "one"), row(-2, ""), row(3, "three")];
    for piece in 1..data.len() {
        assert_eq!(decode(&options, &data, piece, 2).unwrap(), expected);
    }
    // The trailer may be missing.
    assert_eq!(decode(&options, &data[..data.len() - 2], 7, 9).unwrap(), expected);
}

#[test]
fn binary_faults_are_postgresqls() {
    let options = CopyOptions::new(CopyFormat::Binary);
    let good = tuples(&[(1, "one")]);
    let mut flags = good.clone();
    flags[12] = 1;
    let mut count = good.clone();
    count[20] = 3;
    let mut size = good.clone();
    size[21..25].copy_from_slice(&(-2i32).to_be_bytes());
    let behind = [good.as_slice(), b"x"].concat();
    for (data, message, context) in [
        (b"PGCOPX".to_vec(), "COPY file signature not recognized", ""),
        (b"PGCOPY\n\xff\r\n\0".to_vec(), "invalid COPY file header (missing flags)", ""),
        (flags, "invalid COPY file header (WITH OIDS)", ""),
        (count, "row field count is 3, expected 2", "COPY t, line 1"),
        (size, "invalid field size", "COPY t, line 1, column a"),
        (good[..30].to_vec(), "unexpected EOF in COPY data", "COPY t, line 1, column b"),
        (behind, "received copy data after EOF marker", "COPY t, line 2"),
    ] {
        let (found, place) = fault(&options, &data);
        assert_eq!((found, place), (format!("22P04: {message}"), context.to_owned()));
    }
}

#[test]
fn bad_records_are_put_aside_and_leave_nothing_in_the_rows_that_follow() {
    let varchar = Column::with_typmod("b", PgType::Array(crate::types::ScalarType::Varchar), 7);
    let columns = vec![Column::new("a", PgType::INT4), varchar];
    let options = CopyOptions { header: true, ..CopyOptions::new(CopyFormat::Csv) };
    let data = b"a,b\n1,{x}\n2,\"{ab,toolong}\"\n\nx,{y}\n,{z}\n5\n6,\"{p,q}\"\n";
    for piece in [1, 7, 1000] {
        let decoder = CopyDecoder::new(options.clone(), columns.clone(), Tz::UTC, 100, "t");
        let mut decoder = decoder.unwrap().putting_aside(vec![true, false], true);
        let mut batches = Vec::new();
        for piece in data.chunks(piece) {
            batches.extend(decoder.feed(piece).unwrap());
        }
        batches.extend(decoder.finish().unwrap());
        let [batch] = batches.as_slice() else { panic!("one batch") };
        assert_eq!(batch.column(0).as_primitive::<Int32Type>().values(), &[1, 6]);
        let lists = batch.column(1).as_list::<i32>();
        let texts = |row| {
            let list = lists.value(row);
            list.as_string::<i32>().iter().flatten().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!((texts(0), texts(1)), (vec!["x".to_owned()], vec!["p".into(), "q".into()]));
        let bad = decoder.take_bad();
        let bad: Vec<_> =
            bad.iter().map(|bad| (bad.line, bad.column, bad.error.code().to_string())).collect();
        let expected = [(3, Some(1), "22001"), (5, Some(0), "22P02"), (6, Some(0), "23502")];
        let expected = expected.into_iter().chain([(7, None, "22P04")]);
        let expected: Vec<_> = expected.map(|(l, c, code)| (l, c, code.to_owned())).collect();
        assert_eq!(bad, expected, "pieces of {piece}");
        let lines = decoder.take_lines();
        assert_eq!(lines[0].numbers, [2, 8]);
        assert_eq!(lines[0].raw, ["1,{x}", "6,\"{p,q}\""]);
    }
}
