//! The extended protocol: Parse, Describe, Bind, Execute, Close, Flush, Sync.

use std::time::Duration;

use crate::harness::{connect, unique};
use crate::messages::Out;

#[test]
fn runs_parse_bind_describe_execute() {
    let mut client = connect();
    let out = Out::new()
        .parse("", "SELECT $1::int4 + 1 AS n", &[])
        .bind("", "", &[Some(b"41")])
        .describe_portal("")
        .execute("", 0)
        .sync();
    assert_eq!(client.talk(out), ["1", "2", "T n:23", "D 42", "C SELECT 1", "Z I"]);
}

#[test]
fn describes_a_statement_without_running_it() {
    let mut client = connect();
    let table = unique("described");
    client.run(&format!("CREATE TABLE {table} (id int8, name text)"));
    let insert = format!("INSERT INTO {table} VALUES ($1, $2)");
    let out = Out::new().parse("ins", &insert, &[]).describe_statement("ins").sync();
    assert_eq!(client.talk(out), ["1", "t [20, 25]", "n", "Z I"]);
    let select = format!("SELECT id, name, $1::date AS d FROM {table} WHERE id = $2");
    let out = Out::new().parse("sel", &select, &[]).describe_statement("sel").sync();
    assert_eq!(client.talk(out), ["1", "t [1082, 20]", "T id:20 name:25 d:1082", "Z I"]);
    let returning = format!("INSERT INTO {table} VALUES (1, 'x') RETURNING name, id");
    let out = Out::new().parse("ret", &returning, &[]).describe_statement("ret").sync();
    assert_eq!(client.talk(out), ["1", "t []", "T name:25 id:20", "Z I"]);
    let out = Out::new().bind("", "ret", &[]).describe_portal("").sync();
    assert_eq!(client.talk(out), ["2", "T name:25 id:20", "Z I"]);
    assert_eq!(client.value(&format!("SELECT count(*) FROM {table}")), "0");
    client.run(&format!("DROP TABLE {table}"));
}

#[test]
fn describes_every_kind_of_statement() {
    let mut client = connect();
    for (sql, described) in [
        ("SELECT 1 AS a", "T a:23"),
        ("SHOW server_version", "T server_version:25"),
        ("SET extra_float_digits = 1", "n"),
        ("BEGIN", "n"),
        ("", "n"),
        ("-- nothing", "n"),
        ("DISCARD ALL", "n"),
        ("EXPLAIN SELECT 1", "T QUERY PLAN:25"),
        ("VALUES (1, 'x'::text)", "T column1:23 column2:25"),
        ("CREATE TABLE described_only (a int)", "n"),
        ("COPY (SELECT 1) TO STDOUT", "n"),
    ] {
        let replies = client.talk(Out::new().parse("", sql, &[]).describe_statement("").sync());
        assert_eq!(replies, ["1", "t []", described, "Z I"], "{sql}");
    }
    assert_eq!(client.sqlstate("SELECT * FROM described_only"), "42P01");
}

#[test]
fn takes_the_types_that_parse_names() {
    let mut client = connect();
    let out = Out::new().parse("", "SELECT $1 AS a, $2 AS b", &[20, 1700]).describe_statement("");
    assert_eq!(client.talk(out.sync()), ["1", "t [20, 1700]", "T a:20 b:1700", "Z I"]);
}

#[test]
fn infers_the_types_that_parse_leaves_open() {
    let mut client = connect();
    let table = unique("inferred");
    client.run(&format!("CREATE TABLE {table} (a int4, b timestamptz, c numeric(10,2), d uuid)"));
    for (sql, types) in [
        (
            format!("SELECT 1 FROM {table} WHERE a = $1 AND b > $2 AND c < $3 AND d = $4"),
            "t [23, 1184, 1700, 2950]",
        ),
        (format!("SELECT a FROM {table} LIMIT $1 OFFSET $2"), "t [20, 20]"),
        (format!("UPDATE {table} SET a = $2, d = $1"), "t [2950, 23]"),
        (format!("DELETE FROM {table} WHERE a = ANY($1)"), "t [1007]"),
        ("SELECT $1".to_owned(), "t [25]"),
        ("SELECT $1::text || 'x'".to_owned(), "t [25]"),
        ("SELECT CAST($2 AS int2), $1::bool".to_owned(), "t [16, 21]"),
    ] {
        let replies = client.talk(Out::new().parse("", &sql, &[]).describe_statement("").sync());
        assert_eq!(replies[..2], ["1", types], "{sql}");
    }
    client.run(&format!("DROP TABLE {table}"));
}

#[test]
fn portal_description_has_the_formats_of_bind_and_statement_description_has_none() {
    let mut client = connect();
    let out = Out::new()
        .parse("", "SELECT 1 AS a, 'x'::text AS b", &[])
        .describe_statement("")
        .bind_formats("", "", &[], &[], &[1, 0])
        .describe_portal("")
        .bind_formats("", "", &[], &[], &[1])
        .describe_portal("")
        .execute("", 0)
        .sync();
    assert_eq!(
        client.talk(out),
        [
            "1",
            "t []",
            "T a:23 b:25",
            "2",
            "T a:23/1 b:25",
            "2",
            "T a:23/1 b:25/1",
            "D \\x00000001|x",
            "C SELECT 1",
            "Z I",
        ]
    );
}

#[test]
fn flush_without_sync_delivers() {
    let mut client = connect();
    client.send(Out::new().parse("s", "SELECT $1::int4 AS a", &[]).describe_statement("s").flush());
    assert_eq!(client.read_shown(3), ["1", "t [23]", "T a:23"]);
    client.send(Out::new().bind("", "s", &[Some(b"7")]).flush());
    assert_eq!(client.read_shown(1), ["2"]);
    client.send(Out::new().execute("", 0).flush());
    assert_eq!(client.read_shown(2), ["D 7", "C SELECT 1"]);
    assert!(client.is_silent(Duration::from_millis(200)), "ReadyForQuery belongs to Sync");
    assert_eq!(client.talk(Out::new().sync()), ["Z I"]);
}

#[test]
fn an_error_arrives_at_once_and_not_at_sync() {
    let mut client = connect();
    client.send(Out::new().parse("", "SELECT * FROM no_such_table", &[]).describe_statement(""));
    assert_eq!(client.read_shown(1), ["E 42P01"]);
    assert!(client.is_silent(Duration::from_millis(200)));
    assert_eq!(client.talk(Out::new().sync()), ["Z I"]);
}

#[test]
fn statements_keep_their_names() {
    let mut client = connect();
    assert_eq!(client.talk(Out::new().parse("s", "SELECT 1 AS a", &[]).sync()), ["1", "Z I"]);
    assert_eq!(client.talk(Out::new().parse("s", "SELECT 2", &[]).sync()), ["E 42P05", "Z I"]);
    let run = || Out::new().bind("", "s", &[]).execute("", 0).sync();
    assert_eq!(client.talk(run()), ["2", "D 1", "C SELECT 1", "Z I"]);
    let again = Out::new().close_statement("s").parse("s", "SELECT 3 AS c", &[]);
    assert_eq!(client.talk(again.sync()), ["3", "1", "Z I"]);
    assert_eq!(client.talk(run()), ["2", "D 3", "C SELECT 1", "Z I"]);
    // The unnamed one may be replaced without Close.
    let out = Out::new().parse("", "SELECT 4", &[]).parse("", "SELECT 5 AS e", &[]);
    assert_eq!(client.talk(out.sync()), ["1", "1", "Z I"]);
    let out = Out::new().bind("", "", &[]).execute("", 0).sync();
    assert_eq!(client.talk(out), ["2", "D 5", "C SELECT 1", "Z I"]);
}

#[test]
fn what_does_not_exist_is_named_by_its_code() {
    let mut client = connect();
    for (out, code) in [
        (Out::new().bind("", "none", &[]), "E 26000"),
        (Out::new().describe_statement("none"), "E 26000"),
        (Out::new().describe_portal("none"), "E 34000"),
        (Out::new().execute("none", 0), "E 34000"),
    ] {
        assert_eq!(client.talk(out.sync()), [code, "Z I"]);
    }
    // Close of what is not there is no error.
    let out = Out::new().close_statement("none").close_portal("none").sync();
    assert_eq!(client.talk(out), ["3", "3", "Z I"]);
}

#[test]
fn a_statement_stays_in_its_session() {
    let (mut one, mut two) = (connect(), connect());
    assert_eq!(one.talk(Out::new().parse("mine", "SELECT 1", &[]).sync()), ["1", "Z I"]);
    assert_eq!(two.talk(Out::new().bind("", "mine", &[]).sync()), ["E 26000", "Z I"]);
}

#[test]
fn an_empty_statement_is_answered_as_empty() {
    let mut client = connect();
    for nothing in ["", ";", "-- ping", "/* DBD::Pg ping test v3.16.0 */"] {
        let out = Out::new().parse("", nothing, &[]).bind("", "", &[]).describe_portal("");
        let replies = client.talk(out.execute("", 0).sync());
        assert_eq!(replies, ["1", "2", "n", "I", "Z I"], "{nothing:?}");
    }
}

#[test]
fn several_statements_cannot_be_prepared_as_one() {
    let mut client = connect();
    let out = Out::new().parse("", "SELECT 1; SELECT 2", &[]).sync();
    assert_eq!(client.talk(out), ["E 42601", "Z I"]);
}

#[test]
fn sql_level_and_protocol_level_statements_share_their_names() {
    let mut client = connect();
    assert_eq!(client.query("PREPARE p AS SELECT $1::int4 + 1 AS n"), ["C PREPARE", "Z I"]);
    let out = Out::new().bind("", "p", &[Some(b"1")]).execute("", 0).sync();
    assert_eq!(client.talk(out), ["2", "D 2", "C SELECT 1", "Z I"]);
    assert_eq!(client.query("EXECUTE p(4)"), ["T n:23", "D 5", "C SELECT 1", "Z I"]);
    assert_eq!(client.talk(Out::new().parse("w", "SELECT 9 AS x", &[]).sync()), ["1", "Z I"]);
    assert_eq!(client.query("EXECUTE w"), ["T x:23", "D 9", "C SELECT 1", "Z I"]);
    assert_eq!(client.query("DEALLOCATE w"), ["C DEALLOCATE", "Z I"]);
    assert_eq!(client.query("EXECUTE w"), ["E 26000", "Z I"]);
    assert_eq!(client.query("DEALLOCATE ALL"), ["C DEALLOCATE ALL", "Z I"]);
    assert_eq!(client.query("EXECUTE p(1)"), ["E 26000", "Z I"]);
}

#[test]
fn a_prepared_write_runs_once_an_execute() {
    let mut client = connect();
    let table = unique("prepared_write");
    client.run(&format!("CREATE TABLE {table} (id int4 PRIMARY KEY, name text)"));
    let insert = format!("INSERT INTO {table} VALUES ($1, $2)");
    let out = Out::new().parse("ins", &insert, &[]);
    assert_eq!(client.talk(out.sync()), ["1", "Z I"]);
    for id in [b"1", b"2"] {
        let out = Out::new().bind("", "ins", &[Some(id), None]).execute("", 0).sync();
        assert_eq!(client.talk(out), ["2", "C INSERT 0 1", "Z I"]);
    }
    let out = Out::new().bind("", "ins", &[Some(b"2"), Some(b"x")]).execute("", 0).sync();
    assert_eq!(client.talk(out), ["2", "E 23505", "Z I"]);
    let returning = format!("UPDATE {table} SET name = $1 WHERE id = $2 RETURNING id, name");
    let out = Out::new()
        .parse("", &returning, &[])
        .bind("", "", &[Some(b"tea"), Some(b"2")])
        .describe_portal("")
        .execute("", 0)
        .sync();
    let replies = client.talk(out);
    assert_eq!(replies, ["1", "2", "T id:23 name:25", "D 2|tea", "C UPDATE 1", "Z I"]);
    assert_eq!(client.lines(&format!("SELECT * FROM {table} ORDER BY id")), ["1|NULL", "2|tea"]);
    client.run(&format!("DROP TABLE {table}"));
}

#[test]
fn a_statement_whose_columns_have_changed_says_so_as_drivers_know_it() {
    let mut client = connect();
    let table = unique("changed_columns");
    client.run(&format!("CREATE TABLE {table} (id int4)"));
    let select = format!("SELECT * FROM {table}");
    let out = Out::new().parse("sel", &select, &[]).describe_statement("sel");
    assert_eq!(client.talk(out.sync()), ["1", "t []", "T id:23", "Z I"]);
    client.run(&format!("ALTER TABLE {table} ADD COLUMN name text"));
    client.send(Out::new().bind("", "sel", &[]).execute("", 0).sync());
    let replies = client.read_until_ready();
    let error = replies.iter().find(|reply| reply.tag == b'E').unwrap().error();
    assert_eq!(error[&'C'], "0A000");
    assert_eq!(error[&'M'], "cached plan must not change result type");
    assert_eq!(error[&'R'], "RevalidateCachedQuery");
    client.run(&format!("DROP TABLE {table}"));
}
