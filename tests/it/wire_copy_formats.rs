//! COPY's formats and options, both ways: bytes, messages and places as PostgreSQL has them.

use crate::harness::{connect, eventually, skip_on_oracle, unique};
use crate::messages::{Message, Out, hex, unhex};
use crate::raw_client::{RawClient, show_all};

/// The bytes that a COPY TO sends, and the other replies.
fn copy_out(client: &mut RawClient, sql: &str) -> (Vec<u8>, Vec<String>) {
    client.send(Out::new().query(sql));
    let replies = client.read_until_ready();
    let (data, others): (Vec<Message>, Vec<Message>) =
        replies.into_iter().partition(|message| message.tag == b'd');
    (data.into_iter().flat_map(|message| message.body).collect(), show_all(&others))
}

fn text_out(client: &mut RawClient, sql: &str) -> String {
    let (data, others) = copy_out(client, sql);
    assert_eq!(others.last().unwrap(), "Z I", "{sql}: {others:?}");
    assert!(others[0].starts_with('H'), "{sql}: {others:?}");
    String::from_utf8(data).unwrap()
}

/// Runs a COPY FROM; gives the replies after CopyInResponse.
fn copy_in(client: &mut RawClient, sql: &str, data: &[u8]) -> Vec<Message> {
    client.send(Out::new().query(sql));
    assert_eq!(client.read().tag, b'G', "{sql}");
    client.send(Out::new().copy_data(data).copy_done());
    client.read_until_ready()
}

#[test]
fn every_option_of_csv_is_written() {
    let mut client = connect();
    let rows = "(SELECT * FROM (VALUES (1, 'x,\"y\"', NULL::text), (2, '', 'a''b\\c'), \
                (3, E'two\\nlines', '\\.')) AS v(a, b, c) ORDER BY a)";
    for (options, expected) in [
        ("FORMAT csv", "1,\"x,\"\"y\"\"\",\n2,\"\",a'b\\c\n3,\"two\nlines\",\\.\n"),
        (
            "FORMAT csv, HEADER, DELIMITER ';', NULL '-', FORCE_QUOTE (a, c)",
            "a;b;c\n\"1\";\"x,\"\"y\"\"\";-\n\"2\";;\"a'b\\c\"\n\"3\";\"two\nlines\";\"\\.\"\n",
        ),
        (
            "FORMAT csv, FORCE_QUOTE *, QUOTE '''', ESCAPE '\\'",
            "'1','x,\"y\"',\n'2','','a\\'b\\\\c'\n'3','two\nlines','\\\\.'\n",
        ),
        ("DELIMITER '|', NULL 'nil'", "1|x,\"y\"|nil\n2||a'b\\\\c\n3|two\\nlines|\\\\.\n"),
        ("HEADER", "a\tb\tc\n1\tx,\"y\"\t\\N\n2\t\ta'b\\\\c\n3\ttwo\\nlines\t\\\\.\n"),
    ] {
        let sql = format!("COPY {rows} TO STDOUT WITH ({options})");
        assert_eq!(text_out(&mut client, &sql), expected, "{options}");
    }
    // Alone in its line it would be taken for the end.
    assert_eq!(text_out(&mut client, "COPY (SELECT '\\.') TO STDOUT CSV"), "\"\\.\"\n");
    assert_eq!(
        text_out(&mut client, "COPY (SELECT 1 AS \"A b\") TO STDOUT CSV HEADER"),
        "A b\n1\n"
    );
}

#[test]
fn a_table_a_query_or_what_a_write_returns_is_written() {
    let mut client = connect();
    let t = unique("cf_out");
    client.run(&format!("CREATE TABLE {t} (a int4, b text)"));
    client.run(&format!("INSERT INTO {t} VALUES (1, 'x'), (2, NULL)"));
    for (what, expected) in [
        (t.clone(), "1\tx\n2\t\\N\n"),
        (format!("{t} (b, a)"), "x\t1\n\\N\t2\n"),
        ("(VALUES (1, 'y'))".to_owned(), "1\ty\n"),
        (format!("(WITH w AS (SELECT a FROM {t}) SELECT a + 1 FROM w ORDER BY 1)"), "2\n3\n"),
        (format!("(INSERT INTO {t} VALUES (3, 'z') RETURNING a, b)"), "3\tz\n"),
        (format!("(DELETE FROM {t} WHERE a = 3 RETURNING b)"), "z\n"),
    ] {
        assert_eq!(text_out(&mut client, &format!("COPY {what} TO STDOUT")), expected, "{what}");
    }
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "2");
    let (_, others) = copy_out(&mut client, &format!("COPY {t} TO STDOUT"));
    assert_eq!(others, ["H 0", "c", "C COPY 2", "Z I"]);
    client.run(&format!("DROP TABLE {t}"));
}

const BINARY_HEAD: &str = "5047434f50590aff0d0a000000000000000000";

#[test]
fn binary_goes_out_in_postgresqls_bytes() {
    let mut client = connect();
    let sql = "COPY (SELECT 1::int4, 'ab'::text, NULL::int8, true, 1.5::numeric(4,2), \
               '2024-02-29'::date, '2024-02-29 12:00:00'::timestamp, 0.5::float8, \
               '\\xff00'::bytea, ARRAY[1, NULL]::int4[]) TO STDOUT (FORMAT binary)";
    let (data, others) = copy_out(&mut client, sql);
    assert_eq!(others, ["H 1", "c", "C COPY 1", "Z I"]);
    // As PostgreSQL 15 sends it.
    let expected = [
        BINARY_HEAD,
        "000a0000000400000001000000026162ffffffff00000001010000000c0002000000000002000113",
        "880000000400002279000000080002b582c4781000000000083fe000000000000000000002ff0000",
        "00002000000001000000010000001700000002000000010000000400000001ffffffff",
        "ffff",
    ];
    assert_eq!(hex(&data), expected.concat());
    // The header travels with the first row, the trailer alone: clients rely on it.
    client.send(Out::new().query("COPY (VALUES (1), (2)) TO STDOUT BINARY"));
    let lengths: Vec<usize> = client
        .read_until_ready()
        .iter()
        .filter(|message| message.tag == b'd')
        .map(|message| message.body.len())
        .collect();
    assert_eq!(lengths, [19 + 10, 10, 2]);
    let (empty, _) = copy_out(&mut client, "COPY (SELECT 1 WHERE false) TO STDOUT BINARY");
    assert_eq!(hex(&empty), format!("{BINARY_HEAD}ffff"));
}

#[test]
fn binary_comes_back_as_it_went() {
    let mut client = connect();
    let (from, to) = (unique("cf_bin"), unique("cf_back"));
    let columns = "a int4, b int8, c int2, d text, e varchar(5), f numeric(20,5), \
                   g float4, h float8, i bool, j date, k time, l timestamp, \
                   m timestamptz, n interval, \
                   o uuid, p bytea, q json, r int4[], s text[], t char(3)";
    client.run(&format!("CREATE TABLE {from} ({columns})"));
    client.run(&format!("CREATE TABLE {to} ({columns})"));
    client.run(&format!(
        "INSERT INTO {from} VALUES (-1, 9223372036854775807, -32768, 'äöü', 'five5', -12345.67891, \
         1.5, 1e300, true, '0044-03-15 BC', '23:59:59.999999', '1999-12-31 23:59:59.5', \
         '2024-07-01 12:00:00+02', '1 year -2 days 03:00:00', \
         '6f1c2b1e-51b5-4c9d-8d5a-0c3e5b9a7f10', '\\x00ff', '{{\"a\": 1}}', ARRAY[1, NULL, 3], \
         ARRAY['a', 'b c', NULL], 'xyz')"
    ));
    client.run(&format!("INSERT INTO {from} (a) VALUES (2)"));
    let (data, _) = copy_out(&mut client, &format!("COPY {from} TO STDOUT BINARY"));
    let replies = copy_in(&mut client, &format!("COPY BINARY {to} FROM STDIN"), &data);
    assert_eq!(show_all(&replies), ["C COPY 2", "Z I"]);
    let all = |table: &str| format!("SELECT * FROM {table} ORDER BY a");
    assert_eq!(client.rows(&all(&from)), client.rows(&all(&to)));
    for table in [from, to] {
        client.run(&format!("DROP TABLE {table}"));
    }
}

#[test]
fn a_broken_binary_stream_is_told_as_postgresql_does() {
    let mut client = connect();
    let t = unique("cf_broken");
    client.run(&format!("CREATE TABLE {t} (a int4, b text)"));
    let sql = format!("COPY {t} FROM STDIN (FORMAT binary)");
    let head = BINARY_HEAD;
    let good = format!("{head}00020000000400000001000000016");
    let good = format!("{good}1");
    for (data, code, message, context) in [
        (hex(b"a\tb\n"), "22P04", "COPY file signature not recognized", None),
        (head[..22].to_owned(), "22P04", "invalid COPY file header (missing flags)", None),
        (
            format!("{}00010000{}", &head[..22], "00000000"),
            "22P04",
            "invalid COPY file header (WITH OIDS)",
            None,
        ),
        (
            format!("{}00020000{}", &head[..22], "00000000"),
            "22P04",
            "unrecognized critical flags in COPY file header",
            None,
        ),
        (
            format!("{head}0003"),
            "22P04",
            "row field count is 3, expected 2",
            Some(format!("COPY {t}, line 1")),
        ),
        (
            format!("{good}0002fffffffe"),
            "22P04",
            "invalid field size",
            Some(format!("COPY {t}, line 2, column a")),
        ),
        (
            format!("{good}00020000000400000001"),
            "22P04",
            "unexpected EOF in COPY data",
            Some(format!("COPY {t}, line 2, column b")),
        ),
        (
            format!("{good}ffff00"),
            "22P04",
            "received copy data after EOF marker",
            Some(format!("COPY {t}, line 2")),
        ),
        (
            format!("{head}0002000000050000000101ffffffff"),
            "22P03",
            "incorrect binary data format",
            Some(format!("COPY {t}, line 1, column a")),
        ),
        (
            format!("{head}0002ffffffff00000001ff"),
            "22021",
            "invalid byte sequence for encoding \"UTF8\": 0xff",
            Some(format!("COPY {t}, line 1, column b")),
        ),
    ] {
        let replies = copy_in(&mut client, &sql, &unhex(&data));
        let error = replies[0].error();
        assert_eq!((error[&'C'].as_str(), error[&'M'].as_str()), (code, message), "{data}");
        assert_eq!(error.get(&'W'), context.as_ref(), "{message}");
    }
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "0");
    // A trailer may be missing.
    let replies = copy_in(&mut client, &sql, &unhex(&good));
    assert_eq!(show_all(&replies), ["C COPY 1", "Z I"]);
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn errors_of_csv_and_text_name_their_place() {
    let mut client = connect();
    let t = unique("cf_place");
    client.run(&format!("CREATE TABLE {t} (a int4, b text, c numeric(4,2))"));
    let long = "x".repeat(200);
    for (options, data, code, message, context) in [
        (
            "FORMAT csv, HEADER match",
            "a,b,d\n".to_owned(),
            "22P04",
            "column name mismatch in header line field 3: got \"d\", expected \"c\"",
            "line 1: \"a,b,d\"".to_owned(),
        ),
        (
            "FORMAT csv, HEADER match",
            "a,b\n".to_owned(),
            "22P04",
            "wrong number of fields in header line: got 2, expected 3",
            "line 1: \"a,b\"".to_owned(),
        ),
        (
            "FORMAT csv",
            "1,\"a\nb\",2\n2,b,12345\n".to_owned(),
            "22003",
            "numeric field overflow",
            "line 3, column c: \"12345\"".to_owned(),
        ),
        (
            "FORMAT csv",
            format!("1,{long},3,4\n"),
            "22P04",
            "extra data after last expected column",
            format!("line 1: \"1,{}...\"", &long[..98]),
        ),
        (
            "FORMAT csv",
            "1,\"open\n".to_owned(),
            "22P04",
            "unterminated CSV quoted field",
            "line 2: \"1,\"open\n\"".to_owned(),
        ),
        (
            "FORMAT text",
            "1\tx\t1\n2\tx\n".to_owned(),
            "22P04",
            "missing data for column \"c\"",
            "line 2: \"2\tx\"".to_owned(),
        ),
        (
            "FORMAT text",
            "1\tx\t1\n\n".to_owned(),
            "22P02",
            "invalid input syntax for type integer: \"\"",
            "line 2, column a: \"\"".to_owned(),
        ),
        (
            "FORMAT text",
            "1\tx\t1\r\n2\ty\t2\n".to_owned(),
            "22P04",
            "literal newline found in data",
            "line 2: \"2\ty\t2\"".to_owned(),
        ),
        (
            "FORMAT text, ENCODING 'latin1'",
            "1\té\tü\n".to_owned(),
            "22P02",
            "invalid input syntax for type numeric: \"Ã¼\"",
            "line 1, column c: \"Ã¼\"".to_owned(),
        ),
    ] {
        let replies =
            copy_in(&mut client, &format!("COPY {t} FROM STDIN ({options})"), data.as_bytes());
        let error = replies[0].error();
        assert_eq!((error[&'C'].as_str(), error[&'M'].as_str()), (code, message), "{data:?}");
        assert_eq!(error[&'W'], format!("COPY {t}, {context}"), "{data:?}");
    }
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn options_of_reading_do_what_they_say() {
    let mut client = connect();
    let t = unique("cf_read");
    client.run(&format!("CREATE TABLE {t} (a int4, b text, c text)"));
    for (options, data, expected) in [
        ("FORMAT csv, FORCE_NOT_NULL (b)", "1,,\n", "1||NULL"),
        ("FORMAT csv, FORCE_NULL (b, c)", "1,\"\",x\n", "1|NULL|x"),
        ("FORMAT csv, FORCE_NULL (b), FORCE_NOT_NULL (b)", "1,\"\",\n", "1|NULL|NULL"),
        ("FORMAT csv, NULL 'n', QUOTE '''', ESCAPE '\\'", "n,'it\\'s','n'\n", "NULL|it's|n"),
        ("FORMAT text, NULL ''", "1\t\t\\N\n", "1|NULL|N"),
        ("FORMAT text, HEADER, DELIMITER ','", "x,y,z\n1,a\\,b,c\n", "1|a,b|c"),
        ("FORMAT csv, HEADER match, FREEZE false", "a,b,c\n1,x,y\n", "1|x|y"),
        ("FORMAT csv, DELIMITER E'\\t'", "1\t\"x\ty\"\tz\n", "1|x\ty|z"),
    ] {
        let sql = format!("COPY {t} FROM STDIN WITH ({options})");
        let replies = copy_in(&mut client, &sql, data.as_bytes());
        assert_eq!(show_all(&replies), ["C COPY 1", "Z I"], "{options}");
        assert_eq!(client.lines(&format!("SELECT * FROM {t}")), [expected], "{options}");
        client.run(&format!("DELETE FROM {t}"));
    }
    let replies = copy_in(
        &mut client,
        &format!("COPY {t} FROM STDIN (ENCODING 'latin1')"),
        b"1\t\xe9\t\xff\n",
    );
    assert_eq!(show_all(&replies), ["C COPY 1", "Z I"]);
    assert_eq!(client.lines(&format!("SELECT b, c FROM {t}")), ["é|ÿ"]);
    let (data, _) = copy_out(&mut client, &format!("COPY {t} TO STDOUT (ENCODING 'latin1')"));
    assert_eq!(data, b"1\t\xe9\t\xff\n");
    client.send(Out::new().query("COPY (SELECT '€'::text) TO STDOUT (ENCODING 'latin1')"));
    let replies = client.read_until_ready();
    let error = replies.iter().find(|message| message.tag == b'E').unwrap().error();
    assert_eq!(error[&'C'], "22P05");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_condition_leaves_rows_out() {
    let mut client = connect();
    let t = unique("cf_where");
    client.run(&format!("CREATE TABLE {t} (a int4, b text)"));
    let sql = format!("COPY {t} FROM STDIN WHERE a % 2 = 0 AND b IS NOT NULL OR upper(b) = 'KEEP'");
    let replies = copy_in(&mut client, &sql, b"1\tx\n2\ty\n3\tkeep\n4\t\\N\n\\N\tz\n6\tv\n");
    assert_eq!(show_all(&replies), ["C COPY 3", "Z I"]);
    assert_eq!(client.lines(&format!("SELECT * FROM {t} ORDER BY a")), ["2|y", "3|keep", "6|v"]);
    assert_eq!(client.sqlstate(&format!("COPY {t} FROM STDIN WHERE zz > 1")), "42703");
    assert_eq!(client.sqlstate(&format!("COPY {t} FROM STDIN WHERE a + 1")), "42804");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn columns_of_options_must_be_among_those_copied() {
    let mut client = connect();
    let t = unique("cf_columns");
    client.run(&format!("CREATE TABLE {t} (a int4, b text)"));
    for (sql, code, message) in [
        (
            "@ FROM STDIN (FORMAT csv, FORCE_NULL (c))",
            "42703",
            "column \"c\" of relation \"@\" does not exist",
        ),
        (
            "@ (a) FROM STDIN (FORMAT csv, FORCE_NOT_NULL (b))",
            "42P10",
            "FORCE_NOT_NULL column \"b\" not referenced by COPY",
        ),
        (
            "@ TO STDOUT (FORMAT csv, FORCE_QUOTE (c))",
            "42703",
            "column \"c\" of relation \"@\" does not exist",
        ),
        (
            "@ (a) TO STDOUT (FORMAT csv, FORCE_QUOTE (b))",
            "42P10",
            "FORCE_QUOTE column \"b\" not referenced by COPY",
        ),
    ] {
        let error = client.error(&format!("COPY {}", sql.replace('@', &t)));
        assert_eq!(
            (error[&'C'].as_str(), &error[&'M']),
            (code, &message.replace('@', &t)),
            "{sql}"
        );
    }
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn progress_is_shown_while_a_copy_runs() {
    let mut client = connect();
    let mut observer = connect();
    let t = unique("cf_progress");
    client.run(&format!("CREATE TABLE {t} (a int4, b text)"));
    let pid = client.value("SELECT pg_backend_pid()");
    let columns = "SELECT datname = current_database(), relid::regclass::text, command, type, \
                   bytes_processed, bytes_total, tuples_processed, tuples_excluded \
                   FROM pg_stat_progress_copy WHERE pid";
    assert_eq!(observer.lines(&format!("{columns} = {pid}")), [""; 0]);
    client.send(Out::new().query(&format!("COPY {t} FROM STDIN WHERE a < 100000")));
    assert_eq!(client.read().tag, b'G');
    let data: String = (0..200_000).map(|n| format!("{n}\tx\n")).collect();
    for piece in data.as_bytes().chunks(8000) {
        client.send(Out::new().copy_data(piece));
    }
    let mut last = Vec::new();
    eventually("the progress to show", || {
        last = observer.lines(&format!("{columns} = {pid}"));
        let Some(line) = last.first() else { return false };
        let fields: Vec<&str> = line.split('|').collect();
        let number = |at: usize| fields[at].parse::<u64>().unwrap();
        // What is still on its way into a batch is not counted yet.
        fields[..4] == ["t", t.as_str(), "COPY FROM", "PIPE"]
            && number(4) > 1_000_000
            && number(5) == 0
            && number(6) > 0
            && number(7) > 10_000
    });
    client.send(Out::new().copy_done());
    assert_eq!(client.read_shown(2), ["C COPY 100000", "Z I"], "{last:?}");
    assert_eq!(observer.lines(&format!("{columns} = {pid}")), [""; 0]);
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_dataset_takes_and_gives_every_format() {
    if skip_on_oracle("datasets are Teatree's") {
        return;
    }
    let mut client = connect();
    let t = unique("cf_dataset");
    client.run(&format!("CREATE TABLE {t} (a int4, b text, c numeric(6,2)) USING arrow"));
    let sql = format!("COPY {t} (c, a) FROM STDIN (FORMAT csv) WHERE a > 1");
    let replies = copy_in(&mut client, &sql, b"1.5,1\n2.5,2\n");
    assert_eq!(show_all(&replies), ["C COPY 1", "Z I"]);
    let (data, others) = copy_out(&mut client, &format!("COPY {t} TO STDOUT BINARY"));
    assert_eq!(others, ["H 1", "c", "C COPY 1", "Z I"]);
    let replies = copy_in(&mut client, &format!("COPY {t} FROM STDIN BINARY"), &data);
    assert_eq!(show_all(&replies), ["C COPY 1", "Z I"]);
    assert_eq!(client.lines(&format!("SELECT * FROM {t}")), ["2|NULL|2.50", "2|NULL|2.50"]);
    client.run(&format!("DROP TABLE {t}"));
}
