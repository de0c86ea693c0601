//! Every kind of write, its command tag, and what the intent log says of it.

use std::fs;

use crate::harness::{Server, connect, skip_on_oracle, unique};
use crate::raw_client::RawClient;

/// Both storages; PostgreSQL has only the first.
fn storages() -> &'static [&'static str] {
    if crate::harness::is_oracle() { &[""] } else { &["", " USING arrow"] }
}

/// Runs a list of statements, each with the tag it must answer; `@` stands for the table.
fn tags(client: &mut RawClient, table: &str, script: &[(&str, &str)]) {
    for (sql, tag) in script {
        let sql = sql.replace('@', table);
        assert_eq!(client.query(&sql), [format!("C {tag}"), "Z I".to_owned()], "{sql}");
    }
}

#[test]
fn rows_change_with_postgresqls_tags_on_both_storages() {
    for storage in storages() {
        let mut client = connect();
        let t = unique("rows_change");
        client.run(&format!("CREATE TABLE {t} (id int8, name text, n numeric(10,2)){storage}"));
        tags(
            &mut client,
            &t,
            &[
                ("INSERT INTO @ VALUES (1, 'one', 1.5)", "INSERT 0 1"),
                ("INSERT INTO @ (n, id) VALUES (2, 2), (3, 3)", "INSERT 0 2"),
                (
                    "INSERT INTO @ SELECT g, 'g' || g, g / 2.0 FROM generate_series(4, 10) AS x(g)",
                    "INSERT 0 7",
                ),
                ("UPDATE @ SET name = upper(name) WHERE id > 8", "UPDATE 2"),
                ("UPDATE @ SET n = n + 1 WHERE id = 99", "UPDATE 0"),
                (
                    "UPDATE @ SET name = CASE id WHEN 2 THEN 'two' ELSE 'three' END \
                     WHERE id IN (2, 3)",
                    "UPDATE 2",
                ),
                ("DELETE FROM @ WHERE id BETWEEN 4 AND 8", "DELETE 5"),
                ("DELETE FROM @ WHERE false", "DELETE 0"),
            ],
        );
        assert_eq!(
            client.lines(&format!("SELECT * FROM {t} ORDER BY id")),
            ["1|one|1.50", "2|two|2.00", "3|three|3.00", "9|G9|4.50", "10|G10|5.00",],
            "{storage}"
        );
        tags(
            &mut client,
            &t,
            &[
                ("DELETE FROM @", "DELETE 5"),
                ("INSERT INTO @ VALUES (7)", "INSERT 0 1"),
                ("TRUNCATE @", "TRUNCATE TABLE"),
            ],
        );
        assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "0");
        tags(&mut client, &t, &[("DROP TABLE @", "DROP TABLE")]);
        assert_eq!(client.sqlstate(&format!("SELECT * FROM {t}")), "42P01");
    }
}

#[test]
fn definitions_change_with_postgresqls_tags() {
    let mut client = connect();
    let t = unique("definitions");
    tags(
        &mut client,
        &t,
        &[
            ("CREATE SCHEMA @_s", "CREATE SCHEMA"),
            (
                "CREATE TABLE @_s.t (id int4 PRIMARY KEY, a text NOT NULL, b int4 DEFAULT 7, \
          CHECK (b > 0))",
                "CREATE TABLE",
            ),
            ("CREATE TABLE IF NOT EXISTS @_s.t (id int4)", "CREATE TABLE"),
            ("INSERT INTO @_s.t (id, a) VALUES (1, 'x')", "INSERT 0 1"),
            ("ALTER TABLE @_s.t ADD COLUMN c date", "ALTER TABLE"),
            ("ALTER TABLE @_s.t RENAME COLUMN c TO d", "ALTER TABLE"),
            ("CREATE TABLE @_s.copy AS SELECT id, a, b FROM @_s.t", "SELECT 1"),
            ("ALTER TABLE @_s.copy ALTER COLUMN b TYPE int8", "ALTER TABLE"),
            ("ALTER TABLE @_s.copy DROP COLUMN a", "ALTER TABLE"),
            ("ALTER TABLE @_s.copy RENAME TO copied", "ALTER TABLE"),
            ("CREATE INDEX @_i ON @_s.copied (id)", "CREATE INDEX"),
            ("DROP INDEX @_s.@_i", "DROP INDEX"),
            ("CREATE VIEW @_s.v AS SELECT id, b FROM @_s.t", "CREATE VIEW"),
            ("CREATE OR REPLACE VIEW @_s.v AS SELECT id, b, d FROM @_s.t", "CREATE VIEW"),
        ],
    );
    assert_eq!(
        client.query(&format!("SELECT * FROM {t}_s.v")),
        ["T id:23 b:23 d:1082", "D 1|7|NULL", "C SELECT 1", "Z I"]
    );
    assert_eq!(
        client.query(&format!("SELECT * FROM {t}_s.copied")),
        ["T id:23 b:20", "D 1|7", "C SELECT 1", "Z I"]
    );
    for (sql, code) in [
        ("CREATE TABLE @_s.t (id int4)", "42P07"),
        ("CREATE SCHEMA @_s", "42P06"),
        ("CREATE TABLE @_none.t (id int4)", "3F000"),
        ("ALTER TABLE @_s.t ADD COLUMN a text", "42701"),
        ("ALTER TABLE @_s.none ADD COLUMN a text", "42P01"),
        ("ALTER TABLE @_s.t DROP COLUMN none", "42703"),
        ("DROP TABLE @_s.none", "42P01"),
        ("DROP SCHEMA @_s", "2BP01"),
        ("DROP SCHEMA @_none", "3F000"),
        ("INSERT INTO @_s.t VALUES (2, 'y', -1)", "23514"),
        ("INSERT INTO @_s.t VALUES (2, NULL)", "23502"),
        ("INSERT INTO @_s.t VALUES (1, 'y')", "23505"),
        ("INSERT INTO @_s.t (none) VALUES (1)", "42703"),
        ("INSERT INTO @_s.t (id, a) VALUES ('z', 'a')", "22P02"),
        ("INSERT INTO @_s.t (id, a) VALUES (99999999999, 'a')", "22003"),
        ("INSERT INTO @_s.t (id) VALUES (1, 2)", "42601"),
        ("UPDATE @_s.t SET a = NULL", "23502"),
    ] {
        assert_eq!(client.sqlstate(&sql.replace('@', &t)), code, "{sql}");
    }
    tags(
        &mut client,
        &t,
        &[
            ("DROP VIEW @_s.v", "DROP VIEW"),
            ("DROP TABLE @_s.t, @_s.copied", "DROP TABLE"),
            ("DROP TABLE IF EXISTS @_s.t", "DROP TABLE"),
            ("DROP SCHEMA @_s", "DROP SCHEMA"),
            ("DROP SCHEMA IF EXISTS @_s CASCADE", "DROP SCHEMA"),
        ],
    );
}

#[test]
fn constraint_errors_say_what_postgresqls_say() {
    let mut client = connect();
    let t = unique("constraints");
    client.run(&format!("CREATE TABLE {t} (id int4 PRIMARY KEY, a text NOT NULL)"));
    client.run(&format!("INSERT INTO {t} VALUES (1, 'x')"));
    let error = client.error(&format!("INSERT INTO {t} VALUES (1, 'y')"));
    assert!(error[&'M'].starts_with("duplicate key value violates unique constraint"), "{error:?}");
    let error = client.error(&format!("INSERT INTO {t} VALUES (2, NULL)"));
    let null =
        format!("null value in column \"a\" of relation \"{t}\" violates not-null constraint");
    assert_eq!(error[&'M'], null);
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn returning_and_conflict_clauses_work() {
    let mut client = connect();
    let t = unique("returning");
    client.run(&format!("CREATE TABLE {t} (id int4 PRIMARY KEY, a text)"));
    for (sql, replies) in [
        (
            "INSERT INTO @ VALUES (1, 'x'), (2, 'y') RETURNING a, id + 10 AS n",
            &["T a:25 n:23", "D x|11", "D y|12", "C INSERT 0 2", "Z I"][..],
        ),
        ("INSERT INTO @ VALUES (1, 'z') ON CONFLICT DO NOTHING", &["C INSERT 0 0", "Z I"]),
        (
            "INSERT INTO @ VALUES (1, 'z') ON CONFLICT (id) DO UPDATE SET a = excluded.a",
            &["C INSERT 0 1", "Z I"],
        ),
        (
            "UPDATE @ SET a = a || '!' WHERE id = 1 RETURNING *",
            &["T id:23 a:25", "D 1|z!", "C UPDATE 1", "Z I"],
        ),
        ("DELETE FROM @ WHERE id = 2 RETURNING a", &["T a:25", "D y", "C DELETE 1", "Z I"]),
        (
            "WITH v AS (SELECT 3 AS id) INSERT INTO @ SELECT id, 'cte' FROM v",
            &["C INSERT 0 1", "Z I"],
        ),
    ] {
        assert_eq!(client.query(&sql.replace('@', &t)), replies, "{sql}");
    }
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn what_was_written_is_seen_at_once_by_everybody() {
    for storage in storages() {
        let (mut writer, mut reader) = (connect(), connect());
        let t = unique("seen");
        writer.run(&format!("CREATE TABLE {t} (id int4){storage}"));
        for id in 1..=20 {
            writer.run(&format!("INSERT INTO {t} VALUES ({id})"));
            assert_eq!(reader.value(&format!("SELECT max(id) FROM {t}")), id.to_string());
        }
        writer.run(&format!("DROP TABLE {t}"));
    }
}

#[test]
fn many_sessions_write_and_nothing_is_lost() {
    for storage in storages() {
        let mut client = connect();
        let t = unique("many");
        client.run(&format!("CREATE TABLE {t} (session int4, n int4){storage}"));
        let sessions: Vec<_> = (0..16)
            .map(|session| {
                let t = t.clone();
                std::thread::spawn(move || {
                    let mut client = connect();
                    for n in 0..20 {
                        client.run(&format!("INSERT INTO {t} VALUES ({session}, {n})"));
                    }
                })
            })
            .collect();
        sessions.into_iter().for_each(|session| session.join().unwrap());
        let counts = format!("SELECT count(*), count(DISTINCT (session, n)) FROM {t}");
        assert_eq!(client.value(&counts), "320|320", "{storage}");
        client.run(&format!("DROP TABLE {t}"));
    }
}

#[test]
fn a_dataset_is_created_from_a_query_and_takes_copy() {
    if skip_on_oracle("USING arrow") {
        return;
    }
    let mut client = connect();
    let t = unique("dataset");
    tags(
        &mut client,
        &t,
        &[
            (
                "CREATE TABLE @ USING arrow AS SELECT g::int4 AS id, 'g' || g AS name \
          FROM generate_series(1, 1000) AS x(g)",
                "SELECT 1000",
            ),
            ("INSERT INTO @ SELECT id + 1000, name FROM @", "INSERT 0 1000"),
        ],
    );
    client.send(crate::messages::Out::new().query(&format!("COPY {t} FROM STDIN")));
    assert_eq!(client.read().tag, b'G');
    let out = crate::messages::Out::new().copy_data(b"5000\tcopied\n").copy_done();
    assert_eq!(client.talk(out), ["C COPY 1", "Z I"]);
    let sums = client.value(&format!("SELECT count(*), sum(id)::int8, max(name) FROM {t}"));
    assert_eq!(sums, "2001|2006000|g999");
    let told =
        client.value(&format!("SELECT storage, rows FROM teatree.tables WHERE name = '{t}'"));
    assert_eq!(told, "arrow|2001");
    tags(&mut client, &t, &[("DROP TABLE @", "DROP TABLE")]);
}

#[test]
fn a_write_to_a_dataset_is_checked_against_its_columns() {
    if skip_on_oracle("USING arrow") {
        return;
    }
    let mut client = connect();
    let t = unique("dataset_checked");
    client.run(&format!("CREATE TABLE {t} (id int4 NOT NULL, a text) USING arrow"));
    for (sql, code) in [
        ("INSERT INTO @ VALUES (NULL, 'x')", "23502"),
        ("INSERT INTO @ VALUES ('tea', 'x')", "22P02"),
        ("INSERT INTO @ VALUES (99999999999, 'x')", "22003"),
        ("INSERT INTO @ (none) VALUES (1)", "42703"),
        ("INSERT INTO @ (id) VALUES (1, 2)", "42601"),
        ("CREATE TABLE @ (id int4) USING arrow", "42P07"),
        ("CREATE TABLE @ (id int4)", "42P07"),
        ("CREATE TABLE @_2 (id int4) USING heapless", "42704"),
    ] {
        assert_eq!(client.sqlstate(&sql.replace('@', &t)), code, "{sql}");
    }
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "0");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_failed_intent_is_recorded_and_the_queue_goes_on() {
    if skip_on_oracle("teatree.intents") {
        return;
    }
    for storage in storages() {
        let mut client = connect();
        let t = unique("recorded");
        client.run(&format!("CREATE TABLE {t} (id int4 NOT NULL){storage}"));
        let null = format!("INSERT INTO {t} SELECT nullif(id, 1) FROM (VALUES (1)) AS v(id)");
        assert_eq!(client.sqlstate(&null), "23502");
        let text = format!("INSERT INTO {t} SELECT v::int4 FROM (VALUES ('tea')) AS x(v)");
        assert_eq!(client.sqlstate(&text), "22P02");
        client.run(&format!("INSERT INTO {t} VALUES (1)"));
        // Reads of the table wait for what was acknowledged; those of the log do not.
        assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "1");
        // Newest first; a statement refused before its turn need not be in the log.
        let last = client.lines(&format!(
            "SELECT state, sqlstate, rows FROM teatree.intents WHERE statement LIKE 'INSERT INTO {t}%' \
             ORDER BY seq DESC LIMIT 1"
        ));
        assert_eq!(last, ["applied|NULL|1"]);
        let failed = client.lines(&format!(
            "SELECT state, sqlstate FROM teatree.intents \
             WHERE statement LIKE 'INSERT INTO {t}%' AND state <> 'applied' ORDER BY seq"
        ));
        let allowed = ["failed|23502", "failed|22P02"];
        assert!(failed.iter().all(|line| allowed.contains(&line.as_str())), "{failed:?}");
        client.run(&format!("DROP TABLE {t}"));
    }
    let mut client = connect();
    let t = unique("recorded_key");
    client.run(&format!("CREATE TABLE {t} (id int4 PRIMARY KEY)"));
    client.run(&format!("INSERT INTO {t} VALUES (1)"));
    assert_eq!(client.sqlstate(&format!("INSERT INTO {t} VALUES (1)")), "23505");
    client.run(&format!("INSERT INTO {t} VALUES (2)"));
    let states = client.lines(&format!(
        "SELECT state, sqlstate FROM teatree.intents WHERE statement LIKE 'INSERT INTO {t}%' ORDER BY seq"
    ));
    assert_eq!(states, ["applied|NULL", "failed|23505", "applied|NULL"]);
    let message = client.value(&format!(
        "SELECT message FROM teatree.intents WHERE statement LIKE 'INSERT INTO {t}%' AND sqlstate = '23505'"
    ));
    assert!(message.contains("unique"), "{message}");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_restart_keeps_what_was_written() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE kept (id int4 PRIMARY KEY, a text)");
    client.run("CREATE TABLE kept_arrow (id int4, a text) USING arrow");
    client.run("CREATE VIEW kept_view AS SELECT count(*) AS n FROM kept");
    client.run("CREATE SCHEMA aside; CREATE TABLE aside.t AS SELECT 5 AS five");
    for table in ["kept", "kept_arrow"] {
        client.run(&format!("INSERT INTO {table} VALUES (1, 'one'), (2, NULL)"));
        client.run(&format!("UPDATE {table} SET a = 'two' WHERE id = 2"));
    }
    drop(client);
    for crash in [false, true, false] {
        if crash {
            server.kill_9()
        } else {
            server.stop()
        }
        server.restart();
        let mut client = server.connect();
        for table in ["kept", "kept_arrow"] {
            let rows = client.lines(&format!("SELECT * FROM {table} ORDER BY id"));
            assert_eq!(rows, ["1|one", "2|two"]);
        }
        assert_eq!(client.value("SELECT n FROM kept_view"), "2");
        assert_eq!(client.value("SELECT five FROM aside.t"), "5");
        assert_eq!(client.sqlstate("INSERT INTO kept VALUES (1, 'again')"), "23505");
    }
    assert!(fs::read_dir(server.dir()).unwrap().count() > 0);
}

#[test]
fn a_schema_with_a_dataset_in_it_is_not_dropped() {
    if crate::harness::skip_on_oracle("datasets") {
        return;
    }
    let mut client = connect();
    let schema = unique("holds_dataset");
    client.run(&format!("CREATE SCHEMA {schema}"));
    client.run(&format!("CREATE TABLE {schema}.t USING arrow AS SELECT 1 AS a"));
    assert_eq!(client.sqlstate(&format!("DROP SCHEMA {schema} CASCADE")), "2BP01");
    assert_eq!(client.value(&format!("SELECT a FROM {schema}.t")), "1");
    client.run(&format!("DROP TABLE {schema}.t"));
    client.run(&format!("DROP SCHEMA {schema}"));
}

#[test]
fn rows_are_the_same_however_many_come_at_once() {
    // One row, a few and many reach DuckDB by three ways, on both sides of a definition, after
    // which what was prepared before is planned anew.
    let mut client = connect();
    let (t, other) = (unique("alike"), unique("other"));
    client.run(&format!(
        "CREATE TABLE {t} (id int PRIMARY KEY, a bool, b smallint, c bigint, d real,
         e double precision, f text, g bytea, h date, i time, j timestamp, k timestamptz, l uuid)"
    ));
    let values = [
        "true, -32768, 9223372036854775807, 1.5, 'NaN', '', '\\x00ff', '0001-01-01', '24:00',
         'infinity', '2024-02-29 12:00+02', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
        "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
        "false, 7, -1, '-infinity', -0.0, 'tea ☕ ''quoted''', '', 'infinity', '00:00:00.000001',
         '1999-12-31 23:59:59.999999', '-infinity', '00000000-0000-0000-0000-000000000000'",
    ];
    let mut next = 0;
    for rows in [1, 1, 2, 70, 300, 1, 2] {
        for values in &values {
            let row = |id| format!("({id}, {values})");
            let list: Vec<String> = (next..next + rows).map(row).collect();
            let tag = client.run(&format!("INSERT INTO {t} VALUES {}", list.join(", ")));
            assert_eq!(tag, format!("INSERT 0 {rows}"));
            next += rows;
        }
        client.run(&format!("CREATE TABLE {other} (a int)"));
        client.run(&format!("DROP TABLE {other}"));
    }
    let columns = "a, b, c, d, e, f, g, h, i, j, k, l";
    let kinds = format!("SELECT {columns}, count(*) FROM {t} GROUP BY {columns} ORDER BY b");
    client.run("SET TIME ZONE 'UTC'");
    assert_eq!(
        client.lines(&kinds),
        [
            "t|-32768|9223372036854775807|1.5|NaN||\\x00ff|0001-01-01|24:00:00|infinity|\
             2024-02-29 10:00:00+00|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|377",
            "f|7|-1|-Infinity|0|tea ☕ 'quoted'|\\x|infinity|00:00:00.000001|\
             1999-12-31 23:59:59.999999|-infinity|00000000-0000-0000-0000-000000000000|377",
            "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|377",
        ]
    );
    for rows in [1, 3, 300] {
        let list: Vec<String> = (next..next + rows - 1).map(|id| format!("({id})")).collect();
        let list = [&list[..], &["(5)".to_owned()]].concat().join(", ");
        assert_eq!(client.sqlstate(&format!("INSERT INTO {t} (id) VALUES {list}")), "23505");
    }
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), next.to_string());
    client.run(&format!("DROP TABLE {t}"));
}
