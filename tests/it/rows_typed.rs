//! `INSERT … VALUES` as typed rows: the same content and the same errors as a statement of its own,
//! and only the guilty one of a batch fails.

use crate::harness::{Server, connect, eventually, is_oracle, skip_on_oracle, unique};
use crate::messages::Out;
use crate::raw_client::RawClient;

/// Column types and literals that go through both ways.
const LITERALS: &[(&str, &[&str])] = &[
    ("bool", &["true", "'f'", "NULL"]),
    ("int2", &["1", "-32768", "'7'", "1.5", "2.5", "'12'::int2", "1e2"]),
    ("int4", &["0", "-2147483648", "+5", "(3)", "' 42 '", "99.49"]),
    ("int8", &["9223372036854775807", "-9223372036854775808", "4.5", "'1'::int8"]),
    ("float4", &["1.25", "-0", "'NaN'", "'-infinity'", "1e-3"]),
    ("float8", &["0.1", "1e300", "'Infinity'", "-7", "1234567890123456789"]),
    ("numeric(10,2)", &["1", "1.005", "-1.005", "'12345678.9'", "1e3"]),
    ("text", &["'plain'", "'it''s'", "E'a\\nb'", "''", "$$dollar$$", "'é𝄞'", "NULL"]),
    ("date", &["'2024-02-29'", "DATE '0044-03-15 BC'", "'infinity'"]),
    ("time", &["'23:59:59.999999'", "TIME '04:05'"]),
    ("timestamp", &["'2024-01-01 10:00:00.5'", "'epoch'", "TIMESTAMP '1999-12-31 23:59:59'"]),
    ("timestamptz", &["'2024-01-01 10:00:00+05:30'", "'2024-07-01 12:00'"]),
    ("interval", &["'1 year 2 days 03:04:05'", "'-1 mon'"]),
    ("uuid", &["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"]),
    ("bytea", &["'\\xdeadbeef'", "'\\x'", "'abc'"]),
];

#[test]
fn typed_rows_store_what_statements_store() {
    let mut client = connect();
    client.run("SET timezone = 'Europe/Berlin'");
    for (place, (pg_type, literals)) in LITERALS.iter().enumerate() {
        let (typed, plain) = (unique(&format!("typed_{place}")), unique(&format!("plain_{place}")));
        for table in [&typed, &plain] {
            client.run(&format!("CREATE TABLE {table} (n int4, a {pg_type})"));
        }
        for (n, literal) in literals.iter().enumerate() {
            client.run(&format!("INSERT INTO {typed} VALUES ({n}, {literal})"));
            // RETURNING makes it a statement.
            client.run(&format!("INSERT INTO {plain} VALUES ({n}, {literal}) RETURNING n"));
        }
        let shown = |client: &mut RawClient, table: &str| {
            client.lines(&format!("SELECT n, a FROM {table} ORDER BY n"))
        };
        assert_eq!(shown(&mut client, &typed), shown(&mut client, &plain), "{pg_type}");
        if !is_oracle() {
            let kinds = "SELECT DISTINCT kind FROM teatree.intents WHERE statement LIKE 'INSERT%' AND table_name";
            assert_eq!(client.lines(&format!("{kinds} = 'public.{typed}'")), ["rows"], "{pg_type}");
            assert_eq!(client.lines(&format!("{kinds} = 'public.{plain}'")), ["statement"]);
        }
    }
}

#[test]
fn literals_are_read_as_postgresql_reads_them() {
    let mut client = connect();
    let t = unique("read_literals");
    client
        .run(&format!("CREATE TABLE {t} (n int4, b bool, d date, i int4[], x text[], v interval)"));
    client.run(&format!(
        "INSERT INTO {t} VALUES (1, 'yes', '19990108', '{{1,NULL,3}}', '{{a,\"b c\"}}', '1-2'), \
         (2, 'off', 'Jan 8, 1999', '{{}}', '{{NULL}}', 'P1DT2H'), \
         (' 3 ', 'T', 'epoch', NULL, '{{\"\"}}', '@ 1 minute ago')"
    ));
    assert_eq!(
        client.lines(&format!("SELECT * FROM {t} ORDER BY n")),
        [
            "1|t|1999-01-08|{1,NULL,3}|{a,\"b c\"}|1 year 2 mons",
            "2|f|1999-01-08|{}|{NULL}|1 day 02:00:00",
            "3|t|1970-01-01|NULL|{\"\"}|-00:01:00",
        ]
    );
}

#[test]
fn columns_are_named_left_out_and_defaulted() {
    let mut client = connect();
    let t = unique("columns_named");
    client.run(&format!("CREATE SEQUENCE {t}_s"));
    client.run(&format!(
        "CREATE TABLE {t} (a int4, b text DEFAULT 'x', c int8 DEFAULT nextval('{t}_s'), \
         d int4 NOT NULL DEFAULT 7, e numeric(6,2))"
    ));
    for (sql, tag) in [
        ("INSERT INTO @ VALUES (1)", "INSERT 0 1"),
        ("INSERT INTO @ (e, a) VALUES (1.5, 2), (-2, 3)", "INSERT 0 2"),
        ("INSERT INTO @ (a, b) VALUES (4, DEFAULT), (5, DEFAULT)", "INSERT 0 2"),
        ("INSERT INTO @ (a, b) VALUES (6, DEFAULT), (7, 'y')", "INSERT 0 2"),
        ("INSERT INTO @ (a, d) VALUES (8, 9)", "INSERT 0 1"),
    ] {
        assert_eq!(client.run(&sql.replace('@', &t)), tag, "{sql}");
    }
    assert_eq!(
        client.lines(&format!("SELECT * FROM {t} ORDER BY a")),
        [
            "1|x|1|7|NULL",
            "2|x|2|7|1.50",
            "3|x|3|7|-2.00",
            "4|x|4|7|NULL",
            "5|x|5|7|NULL",
            "6|x|6|7|NULL",
            "7|y|7|7|NULL",
            "8|x|8|9|NULL",
        ]
    );
}

#[test]
fn values_that_cannot_be_stored_are_refused_at_once() {
    let mut client = connect();
    let t = unique("refused_values");
    client.run(&format!(
        "CREATE TABLE {t} (a int4, b int2, c numeric(4,2), d date, e uuid, f text NOT NULL)"
    ));
    for (values, code, message) in [
        ("('x', 1, 1, NULL, NULL, '')", "22P02", "invalid input syntax for type integer: \"x\""),
        ("(99999999999, 1, 1, NULL, NULL, '')", "22003", "integer out of range"),
        ("(1, 40000, 1, NULL, NULL, '')", "22003", "smallint out of range"),
        (
            "(1, '40000', 1, NULL, NULL, '')",
            "22003",
            "value \"40000\" is out of range for type smallint",
        ),
        ("(1, 1, 100, NULL, NULL, '')", "22003", "numeric field overflow"),
        (
            "(1, 1, 1, '2024-02-30', NULL, '')",
            "22008",
            "date/time field value out of range: \"2024-02-30\"",
        ),
        ("(1, 1, 1, NULL, 'nope', '')", "22P02", "invalid input syntax for type uuid: \"nope\""),
        (
            "(1)",
            "23502",
            "null value in column \"f\" of relation \"@\" violates not-null constraint",
        ),
        (
            "(1, 1, 1, NULL, NULL, NULL)",
            "23502",
            "null value in column \"f\" of relation \"@\" violates not-null constraint",
        ),
    ] {
        let error = client.error(&format!("INSERT INTO {t} VALUES {values}"));
        assert_eq!(error[&'C'], code, "{values}");
        assert_eq!(error[&'M'], message.replace('@', &t), "{values}");
    }
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "0");
    if !is_oracle() {
        let sql = format!("SELECT count(*) FROM teatree.intents WHERE table_name = 'public.{t}'");
        assert_eq!(client.value(&format!("{sql} AND kind = 'rows'")), "0");
    }
}

#[test]
fn a_prepared_insert_takes_its_types_from_the_columns() {
    let mut client = connect();
    let t = unique("prepared_insert");
    client.run(&format!("CREATE TABLE {t} (a int4, b text, c numeric(8,3), d timestamp)"));
    let sql = format!("INSERT INTO {t} (d, a, b, c) VALUES ($4, $1, $2, $3)");
    assert_eq!(
        client.talk(Out::new().parse("ins", &sql, &[]).describe_statement("ins").sync()),
        ["1", "t [23, 25, 1700, 1114]", "n", "Z I"]
    );
    for n in 0..3 {
        let number = n.to_string();
        let params: [crate::messages::Param; 4] =
            [Some(number.as_bytes()), None, Some(b"1.5"), Some(b"2024-01-01 00:00:00")];
        let out = Out::new().bind("", "ins", &params).execute("", 0).sync();
        assert_eq!(client.talk(out), ["2", "C INSERT 0 1", "Z I"]);
    }
    // Another definition: the statement is worked out again.
    client.run(&format!("ALTER TABLE {t} ALTER COLUMN c TYPE float8"));
    let params: [crate::messages::Param; 4] = [Some(b"9"), Some(b"x"), Some(b"2.25"), None];
    let out = Out::new().bind("", "ins", &params).execute("", 0).sync();
    assert_eq!(client.talk(out), ["2", "C INSERT 0 1", "Z I"]);
    assert_eq!(
        client.lines(&format!("SELECT a, b, c::text FROM {t} ORDER BY a")),
        ["0|NULL|1.5", "1|NULL|1.5", "2|NULL|1.5", "9|x|2.25"]
    );
}

/// Keeps the Writer busy with a statement for a moment, so that what follows waits together.
fn hold_the_writer(client: &mut RawClient, table: &str) {
    client.run("SET teatree.ack = 'durable'");
    client.run(&format!("CREATE TABLE {table} (a int8)"));
    client.run(&format!("INSERT INTO {table} VALUES (0)"));
    client.run(&format!(
        "UPDATE {table} SET a = (SELECT sum(x % 7) FROM generate_series(1, 30000000) AS g(x))"
    ));
}

#[test]
fn only_the_guilty_ones_of_a_batch_fail() {
    if skip_on_oracle("acknowledgement levels are Teatree's") {
        return;
    }
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE parent (id int4 PRIMARY KEY)");
    client.run("CREATE TABLE keyed (id int4 PRIMARY KEY, v int4 CHECK (v >= 0))");
    client.run("CREATE TABLE child (id int4, r int4 REFERENCES parent (id))");
    client.run("CREATE TABLE free (id int4)");
    client.run("INSERT INTO parent VALUES (1)");
    hold_the_writer(&mut client, "held");
    for n in 0..300 {
        // Every hundredth brings its predecessor's key, a bad value, or a missing parent.
        let key = if n % 100 == 50 { n - 1 } else { n };
        let v = if n % 100 == 70 { -1 } else { n };
        assert_eq!(client.run(&format!("INSERT INTO keyed VALUES ({key}, {v})")), "INSERT 0 1");
        client.run(&format!("INSERT INTO free VALUES ({n})"));
        let parent = if n % 100 == 90 { 2 } else { 1 };
        client.run(&format!("INSERT INTO child VALUES ({n}, {parent})"));
    }
    client.run("UPDATE free SET id = id + 1000 WHERE id >= 290");
    assert_eq!(client.value("SELECT count(*) FROM keyed"), "294");
    assert_eq!(client.value("SELECT count(*) FROM child"), "297");
    assert_eq!(client.value("SELECT count(*), sum(id) FROM free"), "300|54850");
    let failed = "SELECT sqlstate, count(*), min(message) FROM teatree.intents \
                  WHERE state = 'failed' GROUP BY sqlstate ORDER BY sqlstate";
    let lines = client.lines(failed);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("23503|3|"), "{lines:?}");
    assert!(
        lines[1]
            .starts_with("23505|3|duplicate key value violates unique constraint \"keyed_pkey\""),
        "{lines:?}"
    );
    assert!(lines[2].starts_with("23514|3|"), "{lines:?}");
}

#[test]
fn rows_survive_a_kill_between_log_and_data() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (a int4, b text, c numeric(10,2), d timestamptz, e int4[])");
    hold_the_writer(&mut client, "held");
    for n in 0..50 {
        client.run(&format!(
            "INSERT INTO t VALUES ({n}, 'row {n}', {n}.25, '2024-01-01 00:00+00', '{{{n},2}}')"
        ));
    }
    server.kill_9();
    server.restart();
    let mut client = server.connect();
    client.run("SET timezone = 'UTC'");
    assert_eq!(client.value("SELECT count(*), count(DISTINCT a), sum(c) FROM t"), "50|50|1237.50");
    assert_eq!(
        client.value("SELECT * FROM t WHERE a = 7"),
        "7|row 7|7.25|2024-01-01 00:00:00+00|{7,2}"
    );
}

#[test]
fn acknowledged_rows_survive_definitions_that_change_beside_them() {
    let mut client = connect();
    let t = unique("beside_definitions");
    client.run(&format!("CREATE TABLE {t} (a int4)"));
    let addr = crate::harness::shared();
    let acknowledged: usize = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|number| {
                let t = t.clone();
                scope.spawn(move || {
                    let mut client = RawClient::connect(addr);
                    let insert = |client: &mut RawClient, n: usize| {
                        let a = number * 1000 + n;
                        client.attempt(&format!("INSERT INTO {t} (a) VALUES ({a})"), None)
                    };
                    let done = |replies: &Option<Vec<String>>| {
                        replies.as_ref().is_some_and(|r| r[0] == "C INSERT 0 1")
                    };
                    (0..150).filter(|n| done(&insert(&mut client, *n))).count()
                })
            })
            .collect();
        for round in 0..5 {
            client.run(&format!("ALTER TABLE {t} ADD COLUMN b{round} int4 DEFAULT {round}"));
            client.run(&format!("ALTER TABLE {t} DROP COLUMN b{round}"));
        }
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    assert_eq!(acknowledged, 600);
    eventually("every acknowledged row is there", || {
        client.value(&format!("SELECT count(*), count(DISTINCT a) FROM {t}")) == "600|600"
    });
}
