//! Errors in the extended protocol: what is skipped, what is refused, what is left behind.

use crate::harness::{connect, unique};
use crate::messages::Out;

#[test]
fn everything_is_skipped_until_sync() {
    let mut client = connect();
    let table = unique("skipped");
    client.run(&format!("CREATE TABLE {table} (a int)"));
    let insert = format!("INSERT INTO {table} VALUES (1)");
    let out = Out::new()
        .parse("", "SELECT no_such_column", &[])
        .parse("s", &insert, &[])
        .bind("", "s", &[])
        .describe_portal("")
        .execute("", 0)
        .close_statement("s")
        .flush()
        .query("SELECT 1")
        .sync()
        .parse("", "SELECT 2 AS b", &[])
        .bind("", "", &[])
        .execute("", 0)
        .sync();
    client.send(out);
    assert_eq!(client.read_shown(6), ["E 42703", "Z I", "1", "2", "D 2", "C SELECT 1"]);
    assert_eq!(client.read_shown(1), ["Z I"]);
    assert_eq!(client.value(&format!("SELECT count(*) FROM {table}")), "0");
    client.run(&format!("DROP TABLE {table}"));
}

#[test]
fn an_error_at_execute_skips_what_is_pipelined_behind_it() {
    let mut client = connect();
    let table = unique("pipelined");
    client.run(&format!("CREATE TABLE {table} (a int PRIMARY KEY)"));
    client.run(&format!("INSERT INTO {table} VALUES (1)"));
    let insert = format!("INSERT INTO {table} VALUES ($1)");
    let out = Out::new()
        .parse("s", &insert, &[23])
        .bind("", "s", &[Some(b"1")])
        .execute("", 0)
        .bind("", "s", &[Some(b"2")])
        .execute("", 0)
        .sync();
    assert_eq!(client.talk(out), ["1", "2", "E 23505", "Z I"]);
    assert_eq!(client.lines(&format!("SELECT a FROM {table}")), ["1"]);
    client.run(&format!("DROP TABLE {table}"));
}

#[test]
fn an_error_while_rows_stream_ends_the_statement() {
    let mut client = connect();
    let sql = "SELECT (CASE WHEN g = 90000 THEN 'x' ELSE g::text END)::int4 AS g \
               FROM generate_series(1, 100000) AS t(g)";
    let replies = client.query(sql);
    assert_eq!(replies[0], "T g:23");
    assert_eq!(replies[replies.len() - 2..], ["E 22P02", "Z I"]);
    assert!(replies[1..replies.len() - 2].iter().all(|line| line.starts_with("D ")));
    assert_eq!(client.value("SELECT 1"), "1");
}

#[test]
fn wrong_numbers_of_formats_are_refused() {
    let mut client = connect();
    let parse = || Out::new().parse("", "SELECT 1 AS a, 2 AS b, 3 AS c", &[]);
    for formats in [&[1, 1][..], &[0, 0, 0, 0]] {
        let out = parse().bind_formats("", "", &[], &[], formats).execute("", 0).sync();
        assert_eq!(client.talk(out), ["1", "E 08P01", "Z I"], "{formats:?}");
    }
    let parse = Out::new().parse("", "SELECT $1::int4, $2::int4, $3::int4", &[]);
    let values: [Option<&[u8]>; 3] = [Some(b"1"), Some(b"2"), Some(b"3")];
    let out = parse.bind_formats("", "", &[0, 0], &values, &[]).execute("", 0).sync();
    assert_eq!(client.talk(out), ["1", "E 08P01", "Z I"]);
    assert_eq!(client.value("SELECT 1"), "1");
}

#[test]
fn an_unknown_format_code_is_refused() {
    let mut client = connect();
    let out = Out::new().parse("", "SELECT 1", &[]).bind_formats("", "", &[], &[], &[7]);
    let replies = client.talk(out.execute("", 0).sync());
    assert_eq!(replies.last().unwrap(), "Z I");
    assert!(replies.contains(&"E 22023".to_owned()), "{replies:?}");
}

#[test]
fn wrong_numbers_of_parameters_are_refused() {
    let mut client = connect();
    let values: [Option<&[u8]>; 3] = [Some(b"1"), Some(b"2"), Some(b"3")];
    for n in [0, 1, 3] {
        let out = Out::new()
            .parse("", "SELECT $1::int4 + $2::int4", &[])
            .bind("", "", &values[..n])
            .execute("", 0)
            .sync();
        assert_eq!(client.talk(out), ["1", "E 08P01", "Z I"], "{n} parameters");
    }
}

#[test]
fn bad_parameter_values_are_refused_at_bind() {
    let mut client = connect();
    for (sql, format, value, code) in [
        ("SELECT $1::int4", 0, &b"tea"[..], "E 22P02"),
        ("SELECT $1::int4", 0, b"99999999999", "E 22003"),
        ("SELECT $1::date", 0, b"tea", "E 22007"),
        ("SELECT $1::uuid", 0, b"tea", "E 22P02"),
        ("SELECT $1::bool", 0, b"tea", "E 22P02"),
        ("SELECT $1::text", 0, b"\xff\xfe", "E 22021"),
        ("SELECT $1::text", 0, b"a\0b", "E 22021"),
        ("SELECT $1::text", 1, b"\xc3\x28", "E 22021"),
        ("SELECT $1::int4", 1, b"\x00\x01", "E 22P03"),
        ("SELECT $1::int8", 1, b"\x00\x00\x00\x01", "E 22P03"),
        ("SELECT $1::int4", 1, b"\x00\x00\x00\x00\x01", "E 22P03"),
    ] {
        let out =
            Out::new().parse("", sql, &[]).bind_formats("", "", &[format], &[Some(value)], &[]);
        let replies = client.talk(out.execute("", 0).sync());
        // PostgreSQL says 08P01 where a binary value ends early; both codes name the fault.
        let same = |reply: &String| reply == code || (code == "E 22P03" && reply == "E 08P01");
        assert!(
            replies.len() == 3 && same(&replies[1]),
            "{sql} {value:?}: {replies:?}, want {code}"
        );
        assert_eq!(client.value("SELECT 1"), "1");
    }
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let mut client = connect();
    assert_eq!(client.talk(Out::new().query_bytes(b"SELECT '\xff'")), ["E 22021", "Z I"]);
    assert_eq!(client.value("SELECT 1"), "1");
}

#[test]
fn a_failed_transaction_refuses_all_but_its_end() {
    let mut client = connect();
    assert_eq!(client.query("BEGIN"), ["C BEGIN", "Z T"]);
    let out = Out::new().parse("", "SELECT 'x'::int4", &[]).bind("", "", &[]).execute("", 0);
    let replies = client.talk(out.sync());
    assert_eq!(replies[replies.len() - 2..], ["E 22P02", "Z E"]);
    assert_eq!(client.talk(Out::new().parse("", "SELECT 1", &[]).sync()), ["E 25P02", "Z E"]);
    assert_eq!(client.talk(Out::new().sync()), ["Z E"]);
    let out = Out::new().parse("", "ROLLBACK", &[]).bind("", "", &[]).execute("", 0);
    assert_eq!(client.talk(out.sync()), ["1", "2", "C ROLLBACK", "Z I"]);
}

#[test]
fn malformed_bodies_are_refused_and_the_server_lives() {
    for (tag, body) in [
        (b'P', &b"no end"[..]),
        (b'B', b"\0"),
        (b'B', b"\0\0\0\0\xff\xff\0\0"),
        (b'D', b"X\0"),
        (b'E', b"\0"),
        (b'C', b""),
        (b'Q', b"SELECT 1"),
    ] {
        let mut client = connect();
        client.send(Out::new().message(tag, body).sync());
        let first = client.read();
        // A negative count is found out only after the statement, which is not there.
        let codes = ["E 08P01", "E 26000"];
        assert!(codes.contains(&first.show().as_str()), "{} {body:?}: {first:?}", char::from(tag));
    }
    assert_eq!(connect().value("SELECT 1"), "1");
}
