//! COPY FROM STDIN and TO STDOUT.

use crate::harness::{connect, eventually, unique};
use crate::messages::Out;
use crate::raw_client::{RawClient, show_all};

fn table(client: &mut RawClient, name: &str) -> String {
    let table = unique(name);
    client.run(&format!("CREATE TABLE {table} (a int4, b text)"));
    table
}

/// Starts a COPY and sends data in the given chunks; gives the replies, CopyInResponse first.
fn copy(client: &mut RawClient, sql: &str, chunks: &[&[u8]]) -> Vec<String> {
    client.send(Out::new().query(sql));
    let first = client.read();
    if first.tag != b'G' {
        let rest = client.read_until_ready();
        return [vec![first.show()], show_all(&rest)].concat();
    }
    let mut out = Out::new();
    for chunk in chunks {
        out = out.copy_data(chunk);
    }
    [vec![first.show()], client.talk(out.copy_done())].concat()
}

fn contents(client: &mut RawClient, table: &str) -> Vec<String> {
    client.lines(&format!("SELECT a, b FROM {table} ORDER BY a, b"))
}

#[test]
fn loads_text_in_any_chunks() {
    let mut client = connect();
    let t = table(&mut client, "copy_text");
    let sql = format!("COPY {t} FROM STDIN");
    let replies = copy(&mut client, &sql, &[b"1\tone\n2\t", b"tw", b"o\n3\t\\N\n4\ta\\tb\\\\c\n"]);
    assert_eq!(replies, ["G 0", "C COPY 4", "Z I"]);
    assert_eq!(contents(&mut client, &t)[..3], ["1|one", "2|two", "3|NULL"]);
    assert_eq!(client.value(&format!("SELECT b FROM {t} WHERE a = 4")), "a\tb\\c");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn loads_text_to_its_end_mark_and_without_a_last_newline() {
    let mut client = connect();
    let t = table(&mut client, "copy_end");
    let sql = format!("COPY {t} FROM STDIN");
    assert_eq!(copy(&mut client, &sql, &[b"1\tx\n\\.\n"]), ["G 0", "C COPY 1", "Z I"]);
    assert_eq!(copy(&mut client, &sql, &[b"2\ty"]), ["G 0", "C COPY 1", "Z I"]);
    assert_eq!(copy(&mut client, &sql, &[]), ["G 0", "C COPY 0", "Z I"]);
    assert_eq!(contents(&mut client, &t), ["1|x", "2|y"]);
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn loads_csv_with_its_options() {
    let mut client = connect();
    let t = table(&mut client, "copy_csv");
    let sql = format!("COPY {t} FROM STDIN WITH (FORMAT csv, HEADER true)");
    let data = b"a,b\n1,\"x, \"\"y\"\"\"\n2,\n3,\"\"\n4,\"two\nlines\"\n";
    assert_eq!(copy(&mut client, &sql, &[data]), ["G 0", "C COPY 4", "Z I"]);
    assert_eq!(contents(&mut client, &t)[..3], ["1|x, \"y\"", "2|NULL", "3|"]);
    assert_eq!(client.value(&format!("SELECT b FROM {t} WHERE a = 4")), "two\nlines");
    let sql = format!("COPY {t} (b, a) FROM STDIN WITH (FORMAT csv, DELIMITER ';', NULL 'nil')");
    assert_eq!(copy(&mut client, &sql, &[b"z;7\nnil;8\n"]), ["G 0", "C COPY 2", "Z I"]);
    assert_eq!(contents(&mut client, &t)[4..], ["7|z", "8|NULL"]);
    let old = format!("COPY {t} FROM STDIN CSV HEADER");
    assert_eq!(copy(&mut client, &old, &[b"a,b\n9,q\n"]), ["G 0", "C COPY 1", "Z I"]);
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn loads_by_parse_bind_execute() {
    let mut client = connect();
    let t = table(&mut client, "copy_extended");
    let sql = format!("COPY {t} FROM STDIN");
    client.send(Out::new().parse("", &sql, &[]).bind("", "", &[]).execute("", 0).sync());
    assert_eq!(client.read_shown(3), ["1", "2", "G 0"]);
    let out = Out::new().copy_data(b"5\tfive\n").copy_done().sync();
    assert_eq!(client.talk(out), ["C COPY 1", "Z I"]);
    assert_eq!(contents(&mut client, &t), ["5|five"]);
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_bad_value_names_its_line_and_loads_nothing() {
    let mut client = connect();
    let t = table(&mut client, "copy_bad");
    for (sql, data, code, context) in [
        (
            format!("COPY {t} FROM STDIN"),
            &b"1\tx\nsix\ty\n"[..],
            "22P02",
            format!("COPY {t}, line 2, column a: \"six\""),
        ),
        (
            format!("COPY {t} FROM STDIN CSV"),
            b"1,x\n2,y\nsix,z\n",
            "22P02",
            format!("COPY {t}, line 3, column a: \"six\""),
        ),
        (format!("COPY {t} FROM STDIN"), b"1\tx\n2\n", "22P04", format!("COPY {t}, line 2: \"2\"")),
        (
            format!("COPY {t} FROM STDIN"),
            b"1\tx\ty\n",
            "22P04",
            format!("COPY {t}, line 1: \"1\tx\ty\""),
        ),
        (format!("COPY {t} FROM STDIN"), b"1\t\xff\n", "22021", format!("COPY {t}, line 1")),
    ] {
        client.send(Out::new().query(&sql));
        assert_eq!(client.read().tag, b'G');
        client.send(Out::new().copy_data(data).copy_done());
        let replies = client.read_until_ready();
        let error = replies[0].error();
        assert_eq!(error[&'C'], code, "{error:?}");
        assert_eq!(error[&'W'], context, "{error:?}");
        assert_eq!(replies[1].show(), "Z I");
    }
    assert_eq!(contents(&mut client, &t), [""; 0]);
    assert_eq!(copy(&mut client, &format!("COPY {t} FROM STDIN"), &[b"1\tok\n"])[1], "C COPY 1");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_constraint_fails_the_whole_copy() {
    let mut client = connect();
    let t = unique("copy_key");
    client.run(&format!("CREATE TABLE {t} (a int4 PRIMARY KEY, b text NOT NULL)"));
    let sql = format!("COPY {t} FROM STDIN");
    assert_eq!(copy(&mut client, &sql, &[b"1\tx\n2\ty\n1\tz\n"]), ["G 0", "E 23505", "Z I"]);
    assert_eq!(copy(&mut client, &sql, &[b"1\tx\n2\t\\N\n"]), ["G 0", "E 23502", "Z I"]);
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "0");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn the_client_can_give_up() {
    let mut client = connect();
    let t = table(&mut client, "copy_fail");
    client.send(Out::new().query(&format!("COPY {t} FROM STDIN")));
    assert_eq!(client.read().tag, b'G');
    client.send(Out::new().copy_data(b"1\tx\n").copy_fail("had enough"));
    let replies = client.read_until_ready();
    let error = replies[0].error();
    assert_eq!(error[&'C'], "57014");
    assert!(error[&'M'].contains("had enough"), "{error:?}");
    assert_eq!(client.query(&format!("SELECT a FROM {t}")), ["T a:23", "C SELECT 0", "Z I"]);
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_client_that_vanishes_leaves_nothing() {
    let mut observer = connect();
    let t = table(&mut observer, "copy_vanish");
    let mut client = connect();
    client.send(Out::new().query(&format!("COPY {t} FROM STDIN")));
    assert_eq!(client.read().tag, b'G');
    client.send(Out::new().copy_data(b"1\tx\n2\ty\n"));
    client.hang_up();
    eventually("the session's end", || {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity \
             WHERE query LIKE 'COPY {t}%' AND state = 'active'"
        );
        observer.value(&sql) == "0"
    });
    assert_eq!(observer.value(&format!("SELECT count(*) FROM {t}")), "0");
    observer.run(&format!("DROP TABLE {t}"));
}

#[test]
fn other_messages_than_copys_end_it_with_an_error() {
    let mut client = connect();
    let t = table(&mut client, "copy_other");
    client.send(Out::new().query(&format!("COPY {t} FROM STDIN")));
    assert_eq!(client.read().tag, b'G');
    // Flush and Sync are allowed and ignored; a Query is not.
    client.send(Out::new().copy_data(b"1\tx\n").flush().sync().query("SELECT 1"));
    assert_eq!(client.read_shown(1), ["E 08P01"]);
    // PostgreSQL then hangs up, since it cannot tell where the next message starts.
    while let Some(message) = client.try_read() {
        if message.tag == b'Z' {
            break;
        }
    }
    assert_eq!(contents(&mut connect(), &t), [""; 0]);
}

#[test]
fn refuses_a_table_or_column_that_is_not_there() {
    let mut client = connect();
    assert_eq!(client.query("COPY no_such_table FROM STDIN"), ["E 42P01", "Z I"]);
    let t = table(&mut client, "copy_missing");
    assert_eq!(client.query(&format!("COPY {t} (c) FROM STDIN")), ["E 42703", "Z I"]);
    // The next CopyData of a client that did not wait is ignored.
    client.send(Out::new().query("COPY no_such_table FROM STDIN").copy_data(b"1\n").copy_done());
    assert_eq!(client.read_shown(2), ["E 42P01", "Z I"]);
    assert_eq!(client.value("SELECT 1"), "1");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn loads_many_rows() {
    let mut client = connect();
    let t = table(&mut client, "copy_many");
    let data: String = (0..200_000).map(|n| format!("{n}\trow {n}\n")).collect();
    let chunks: Vec<&[u8]> = data.as_bytes().chunks(8191).collect();
    let replies = copy(&mut client, &format!("COPY {t} FROM STDIN"), &chunks);
    assert_eq!(replies, ["G 0", "C COPY 200000", "Z I"]);
    let sums = format!("SELECT count(*), sum(a)::int8, count(DISTINCT b) FROM {t}");
    assert_eq!(client.value(&sums), "200000|19999900000|200000");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn copies_out_text_and_csv() {
    let mut client = connect();
    let sql =
        "COPY (SELECT 1 AS a, 'x\ty'::text AS b UNION ALL SELECT 2, NULL ORDER BY 1) TO STDOUT";
    client.send(Out::new().query(sql));
    let data = |client: &mut RawClient| {
        let replies = client.read_until_ready();
        let lines = replies.iter().filter(|message| message.tag == b'd');
        let text: Vec<u8> = lines.flat_map(|message| message.body.clone()).collect();
        let others = replies.iter().filter(|message| message.tag != b'd');
        (String::from_utf8(text).unwrap(), show_all(&others.cloned().collect::<Vec<_>>()))
    };
    let (text, replies) = data(&mut client);
    assert_eq!(text, "1\tx\\ty\n2\t\\N\n");
    assert_eq!(replies, ["H 0", "c", "C COPY 2", "Z I"]);
    client.send(Out::new().query(&sql.replace("STDOUT", "STDOUT WITH (FORMAT csv, HEADER)")));
    let (text, replies) = data(&mut client);
    assert_eq!(text, "a,b\n1,x\ty\n2,\n");
    assert_eq!(replies, ["H 0", "c", "C COPY 2", "Z I"]);
}
