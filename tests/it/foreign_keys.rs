//! Foreign keys beside others: two sessions, big appends, random changes, views and triggers.
//!
//! What one session sees of them is in `goldens/definitions/foreign_key*.sql`.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::thread;

use crate::harness::{Server, connect, is_oracle, shared, skip_on_oracle, unique};
use crate::raw_client::RawClient;
use crate::transactions_writes::{replies, send_and_wait};

/// A table of parents 1 to 3 and one of children, the first of which refers to 1.
fn family(client: &mut RawClient, rules: &str) -> (String, String) {
    let (p, c) = (unique("fk_p"), unique("fk_c"));
    client.run(&format!("CREATE TABLE {p} (id int PRIMARY KEY, v int)"));
    client.run(&format!("CREATE TABLE {c} (id int PRIMARY KEY, p int REFERENCES {p} {rules})"));
    client.run(&format!("INSERT INTO {p} VALUES (1, 0), (2, 0), (3, 0)"));
    client.run(&format!("INSERT INTO {c} VALUES (1, 1)"));
    (p, c)
}

/// No row refers to one that is not there.
fn check(client: &mut RawClient, p: &str, c: &str) {
    let sql =
        format!("SELECT id, p FROM {c} WHERE p IS NOT NULL AND p NOT IN (SELECT id FROM {p})");
    assert_eq!(client.lines(&sql), Vec::<String>::new());
}

/// What a session answers to a statement that may wait for another's transaction: it must not be
/// done before that is over.
fn ends_as(other: &mut RawClient, expected: &str) {
    assert_eq!(replies(other), [expected, "Z I"]);
}

#[test]
fn who_deletes_a_row_waits_for_who_refers_to_it() {
    for (end, expected) in [("COMMIT", "E 23503"), ("ROLLBACK", "C DELETE 1")] {
        let (mut client, mut other, mut third) = (connect(), connect(), connect());
        let (p, c) = family(&mut client, "");
        client.run("BEGIN");
        client.run(&format!("INSERT INTO {c} VALUES (2, 2)"));
        // What has nothing to do with it goes on.
        assert_eq!(third.run(&format!("INSERT INTO {c} VALUES (9, 3)")), "INSERT 0 1");
        if !is_oracle() {
            assert_eq!(third.run(&format!("UPDATE {p} SET v = 7 WHERE id = 3")), "UPDATE 1");
        }
        send_and_wait(&mut other, &format!("DELETE FROM {p} WHERE id = 2"));
        client.run(end);
        ends_as(&mut other, expected);
        check(&mut client, &p, &c);
        client.run(&format!("DROP TABLE {c}, {p}"));
    }
}

#[test]
fn who_refers_to_a_row_waits_for_who_deletes_it() {
    for (end, expected) in [("COMMIT", "E 23503"), ("ROLLBACK", "C INSERT 0 1")] {
        for rules in ["", "ON DELETE CASCADE"] {
            let (mut client, mut other) = (connect(), connect());
            let (p, c) = family(&mut client, rules);
            client.run("BEGIN");
            client.run(&format!("DELETE FROM {p} WHERE id = 2"));
            send_and_wait(&mut other, &format!("INSERT INTO {c} VALUES (2, 2)"));
            client.run(end);
            ends_as(&mut other, expected);
            check(&mut client, &p, &c);
            client.run(&format!("DROP TABLE {c}, {p}"));
        }
    }
}

#[test]
fn who_deletes_what_cascades_meets_who_refers_further_down() {
    let (mut client, mut other) = (connect(), connect());
    let (p, c) = family(&mut client, "ON DELETE CASCADE");
    let g = unique("fk_g");
    client.run(&format!("CREATE TABLE {g} (id int, p int REFERENCES {c} ON DELETE CASCADE)"));
    client.run("BEGIN");
    client.run(&format!("DELETE FROM {p} WHERE id = 1"));
    send_and_wait(&mut other, &format!("INSERT INTO {g} VALUES (1, 1)"));
    client.run("COMMIT");
    ends_as(&mut other, "E 23503");
    check(&mut client, &c, &g);
    client.run(&format!("DROP TABLE {g}, {c}, {p}"));
}

#[test]
fn a_snapshot_that_is_too_old_lets_nothing_dangle() {
    // What the other session does after the transaction's snapshot, and the transaction then.
    let cases = [
        ("DELETE FROM {p} WHERE id = 2", "INSERT INTO {c} VALUES (2, 2)"),
        ("INSERT INTO {c} VALUES (2, 2)", "DELETE FROM {p} WHERE id = 2"),
        ("UPDATE {p} SET id = 20 WHERE id = 2", "UPDATE {c} SET p = 2"),
        ("UPDATE {c} SET p = 3", "UPDATE {p} SET id = 30 WHERE id = 3"),
    ];
    for level in ["READ COMMITTED", "REPEATABLE READ"] {
        for (first, second) in cases {
            let (mut client, mut other) = (connect(), connect());
            let (p, c) = family(&mut client, "");
            let fit = |sql: &str| sql.replace("{p}", &p).replace("{c}", &c);
            let u = unique("fk_u");
            client.run(&format!("CREATE TABLE {u} (a int)"));
            client.run(&format!("BEGIN ISOLATION LEVEL {level}"));
            client.run(&format!("INSERT INTO {u} VALUES (1)"));
            other.run(&fit(first));
            let code = client.sqlstate(&fit(second));
            assert!(["40001", "23503"].contains(&code.as_str()), "{level}, {second}: {code}");
            client.run("ROLLBACK");
            check(&mut client, &p, &c);
            client.run(&format!("DROP TABLE {u}, {c}, {p}"));
        }
    }
}

#[test]
fn a_key_that_is_being_made_holds_for_those_who_wait() {
    let (mut client, mut other, mut third) = (connect(), connect(), connect());
    let (p, c) = (unique("fk_p"), unique("fk_c"));
    client.run(&format!("CREATE TABLE {p} (id int PRIMARY KEY)"));
    client.run(&format!("CREATE TABLE {c} (id int, p int)"));
    client.run(&format!("INSERT INTO {p} VALUES (1), (2)"));
    client.run("BEGIN");
    client.run(&format!("ALTER TABLE {c} ADD FOREIGN KEY (p) REFERENCES {p}"));
    client.run(&format!("INSERT INTO {c} VALUES (1, 1)"));
    send_and_wait(&mut other, &format!("INSERT INTO {c} VALUES (2, 9)"));
    send_and_wait(&mut third, &format!("DELETE FROM {p} WHERE id = 1"));
    client.run("COMMIT");
    ends_as(&mut other, "E 23503");
    ends_as(&mut third, "E 23503");
    check(&mut client, &p, &c);
    // In one transaction with its tables, too, and undone with it.
    let (q, d) = (unique("fk_q"), unique("fk_d"));
    client.run("BEGIN");
    client.run(&format!("CREATE TABLE {q} (id int PRIMARY KEY)"));
    client.run(&format!("CREATE TABLE {d} (p int)"));
    client.run(&format!("ALTER TABLE {d} ADD FOREIGN KEY (p) REFERENCES {q}"));
    assert_eq!(client.sqlstate(&format!("INSERT INTO {d} VALUES (1)")), "23503");
    client.run("ROLLBACK");
    client.run(&format!("CREATE TABLE {d} (p int)"));
    client.run(&format!("INSERT INTO {d} VALUES (1)"));
    client.run(&format!("DROP TABLE {c}, {p}, {d}"));
}

#[test]
fn of_rows_that_come_together_only_the_guilty_fail() {
    let mut client = connect();
    let (p, c) = family(&mut client, "");
    let addr = shared();
    let sessions: Vec<_> = (0..8)
        .map(|session| {
            let c = c.clone();
            thread::spawn(move || {
                let mut client = RawClient::connect(addr);
                for n in 0..20 {
                    let id = 100 + session * 100 + n;
                    let is_bad = n % 5 == 4;
                    let p = if is_bad { 77 } else { 1 + n % 3 };
                    let sql = format!("INSERT INTO {c} VALUES ({id}, {p})");
                    if is_bad {
                        assert_eq!(client.sqlstate(&sql), "23503");
                    } else {
                        assert_eq!(client.run(&sql), "INSERT 0 1");
                    }
                }
            })
        })
        .collect();
    sessions.into_iter().for_each(|session| session.join().unwrap());
    assert_eq!(client.value(&format!("SELECT count(*) FROM {c}")), "129");
    check(&mut client, &p, &c);
    client.run(&format!("DROP TABLE {c}, {p}"));
}

#[test]
fn random_sessions_leave_nothing_dangling() {
    let mut client = connect();
    for rules in ["", "ON DELETE CASCADE ON UPDATE CASCADE", "DEFERRABLE INITIALLY DEFERRED"] {
        let (p, c) = family(&mut client, rules);
        let addr = shared();
        let sessions: Vec<_> = (0..6_u64)
            .map(|session| {
                let (p, c) = (p.clone(), c.clone());
                thread::spawn(move || {
                    let mut dice = Dice(session * 7919 + 1);
                    let mut client = RawClient::connect(addr);
                    for n in 0..60 {
                        let block = session < 2 && dice.roll(2) == 0;
                        let mut all = String::new();
                        for _ in 0..if block { 3 } else { 1 } {
                            let (a, b) = (dice.roll(8), dice.roll(8));
                            let id = 1000 + session * 1000 + n * 10 + dice.roll(10);
                            let _ = match dice.roll(6) {
                                0 => write!(all, "INSERT INTO {p} VALUES ({a}, 0);"),
                                1 | 2 => write!(all, "INSERT INTO {c} VALUES ({id}, {a});"),
                                3 => write!(all, "DELETE FROM {p} WHERE id = {a};"),
                                4 => write!(all, "UPDATE {c} SET p = {a} WHERE p = {b};"),
                                _ => write!(all, "UPDATE {p} SET id = {a} WHERE id = {b};"),
                            };
                        }
                        if block {
                            all = format!("BEGIN; {all} COMMIT");
                        }
                        client.query(&all);
                        client.query("ROLLBACK");
                    }
                })
            })
            .collect();
        sessions.into_iter().for_each(|session| session.join().unwrap());
        check(&mut client, &p, &c);
        client.run(&format!("DROP TABLE {c}, {p}"));
    }
}

#[test]
fn big_appends_and_deletes_beside_them_leave_nothing_dangling() {
    let Some(mut server) = Server::start(&["--bulk-bytes-min", "1000"]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE p (id int PRIMARY KEY, v int)");
    client.run("CREATE TABLE c (id int, p int REFERENCES p)");
    client.run("INSERT INTO p SELECT i, 0 FROM generate_series(1, 1000) AS i");
    let addr = server.addr;
    let deleter = thread::spawn(move || {
        let mut client = RawClient::connect(addr);
        let mut deleted = 0;
        for id in (1..=1000).step_by(13) {
            let sql = format!("DELETE FROM p WHERE id = {id}");
            let block = id % 2 == 0;
            let sql = if block { format!("BEGIN; {sql}; COMMIT") } else { sql };
            let done = client.query(&sql);
            client.query("ROLLBACK");
            deleted += usize::from(done.contains(&"C DELETE 1".to_owned()));
        }
        deleted
    });
    let mut appended = 0;
    for round in 0..30 {
        let first = 1 + round * 30;
        let sql =
            format!("INSERT INTO c SELECT i, {first} + i % 30 FROM generate_series(1, 2000) AS i");
        let done = client.query(&sql);
        assert!(done == ["C INSERT 0 2000", "Z I"] || done[0].starts_with("E 23503"), "{done:?}");
        appended += usize::from(done.len() == 2 && done[0].starts_with('C'));
    }
    let deleted = deleter.join().unwrap();
    check(&mut client, "p", "c");
    let counts = client.lines("SELECT (SELECT count(*) FROM p), (SELECT count(*) FROM c)");
    assert_eq!(counts, [format!("{}|{}", 1000 - deleted, 2000 * appended)]);
    server.stop();
}

#[test]
fn views_and_triggers_see_what_foreign_keys_do() {
    if skip_on_oracle("views that follow their tables") {
        return;
    }
    let mut client = connect();
    let (p, c) = family(&mut client, "ON DELETE CASCADE ON UPDATE CASCADE");
    let (v, log) = (unique("fk_v"), unique("fk_log"));
    client.run(&format!(
        "CREATE MATERIALIZED VIEW {v} WITH (refresh = 'on_change') AS
         SELECT p, count(*) AS n FROM {c} GROUP BY p"
    ));
    client.run(&format!("CREATE TABLE {log} (sign int, id int, p int)"));
    client.run(&format!(
        "CREATE PROCEDURE {log}_p() LANGUAGE sql AS $$
             INSERT INTO {log} SELECT -1, id, p FROM old_table
                 UNION ALL SELECT 1, id, p FROM new_table $$"
    ));
    client.run(&format!(
        "CREATE TRIGGER x AFTER INSERT OR UPDATE OR DELETE ON {c} EXECUTE PROCEDURE {log}_p()"
    ));
    client.run(&format!("INSERT INTO {c} VALUES (2, 2), (3, 2), (4, 3)"));
    client.run(&format!("UPDATE {p} SET id = 20 WHERE id = 2"));
    client.run("BEGIN");
    client.run(&format!("DELETE FROM {p} WHERE id = 3"));
    client.run("COMMIT");
    let sql = format!("SELECT p, n FROM {v} ORDER BY p");
    assert_eq!(client.lines(&sql), ["1|1", "20|2"]);
    let logged = format!(
        "SELECT id, p, sum(sign) FROM {log} GROUP BY id, p HAVING sum(sign) <> 0 ORDER BY id"
    );
    assert_eq!(client.lines(&logged), ["2|20|1", "3|20|1"]);
    // A row that a key refuses leaves no trace there.
    let before = client.lines(&format!("SELECT * FROM {log} ORDER BY ALL"));
    assert_eq!(client.sqlstate(&format!("INSERT INTO {c} VALUES (9, 9)")), "23503");
    assert_eq!(client.lines(&format!("SELECT * FROM {log} ORDER BY ALL")), before);
    // What a trigger does is refused by a key as a client's own is.
    let d = unique("fk_d");
    client.run(&format!("CREATE TABLE {d} (p int REFERENCES {p})"));
    client.run(&format!(
        "CREATE PROCEDURE {d}_p() LANGUAGE sql AS $$
             INSERT INTO {d} SELECT v FROM new_table $$"
    ));
    client.run(&format!("CREATE TRIGGER y AFTER INSERT ON {p} EXECUTE PROCEDURE {d}_p()"));
    client.run(&format!("INSERT INTO {p} VALUES (50, 50)"));
    let error = client.error(&format!("INSERT INTO {p} VALUES (51, 99)"));
    assert_eq!(
        (error[&'C'].as_str(), error[&'n'].as_str()),
        ("23503", format!("{d}_p_fkey").as_str())
    );
    client.run(&format!("DROP TABLE {d} CASCADE"));
    client.run(&format!("DROP TABLE {c}, {p} CASCADE"));
}

#[test]
fn copy_and_call_and_prepared_rows_are_checked() {
    let mut client = connect();
    let (p, c) = family(&mut client, "");
    let copy = |client: &mut RawClient, rows: &str| {
        client.attempt(&format!("COPY {c} FROM STDIN"), Some(rows.as_bytes())).unwrap()
    };
    assert!(copy(&mut client, "2\t2\n3\t9\n").iter().any(|line| line.starts_with("E 23503")));
    assert!(copy(&mut client, "2\t2\n3\t3\n").iter().any(|line| line == "C COPY 2"));
    client.run(&format!("PREPARE {c}_i (int, int) AS INSERT INTO {c} VALUES ($1, $2)"));
    assert_eq!(client.sqlstate(&format!("EXECUTE {c}_i (4, 44)")), "23503");
    client.run(&format!("EXECUTE {c}_i (4, 1)"));
    client.run(&format!(
        "CREATE PROCEDURE {c}_p(k int) LANGUAGE sql AS $$
             DELETE FROM {c} WHERE p = k; DELETE FROM {p} WHERE id = k $$"
    ));
    client.run(&format!("CALL {c}_p(2)"));
    client.run(&format!(
        "CREATE PROCEDURE {c}_q(k int) LANGUAGE sql AS $$
             DELETE FROM {p} WHERE id = k; DELETE FROM {c} WHERE p = k $$"
    ));
    assert_eq!(client.sqlstate(&format!("CALL {c}_q(3)")), "23503");
    check(&mut client, &p, &c);
    // Keys of other types, and of several columns, as typed rows.
    for (types, good, bad) in [
        (
            "k uuid",
            "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
            "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'",
        ),
        ("k text", "'it''s'", "'its'"),
        ("k numeric(10,2)", "1.5", "1.51"),
        ("k timestamptz", "'2026-01-01 00:00+00'", "'2026-01-01 00:00+01'"),
        ("k boolean", "true", "false"),
        ("k int, l text", "1, 'a'", "1, 'b'"),
    ] {
        let (q, d) = (unique("fk_q"), unique("fk_d"));
        let names = if types.contains(", ") { "k, l" } else { "k" };
        client.run(&format!("CREATE TABLE {q} ({types}, PRIMARY KEY ({names}))"));
        client.run(&format!(
            "CREATE TABLE {d} ({types}, FOREIGN KEY ({names}) REFERENCES {q} ({names}))"
        ));
        client.run(&format!("INSERT INTO {q} VALUES ({good})"));
        client.run(&format!("INSERT INTO {d} VALUES ({good})"));
        client.run(&format!("INSERT INTO {d} SELECT * FROM {q}"));
        assert_eq!(client.sqlstate(&format!("INSERT INTO {d} VALUES ({good}), ({bad})")), "23503");
        assert_eq!(client.sqlstate(&format!("DELETE FROM {q}")), "23503");
        client.run(&format!("INSERT INTO {d} (k) VALUES (NULL)"));
        assert_eq!(client.value(&format!("SELECT count(*) FROM {d}")), "3");
        client.run(&format!("DROP TABLE {d}, {q}"));
    }
    let error = client.error(&format!("INSERT INTO {c} VALUES (5, 5)"));
    assert_eq!(error[&'t'], c);
    assert_eq!(error[&'n'], format!("{c}_p_fkey"));
    assert_eq!(error[&'s'], "public");
    client.run(&format!("DROP PROCEDURE {c}_p(int); DROP PROCEDURE {c}_q(int)"));
    client.run(&format!("DROP TABLE {c}, {p}"));
}

#[test]
fn duckdbs_own_statements_do_not_go_past_the_keys() {
    if skip_on_oracle("CREATE OR REPLACE TABLE") {
        return;
    }
    let mut client = connect();
    let (p, c) = family(&mut client, "");
    for sql in [
        format!("CREATE OR REPLACE TABLE {p} AS SELECT 5 AS id"),
        format!("CREATE OR REPLACE TABLE {c} AS SELECT 5 AS id"),
        format!("INSERT OR REPLACE INTO {c} BY NAME SELECT 9 AS id, 9 AS p"),
    ] {
        assert_eq!(client.sqlstate(&sql), "0A000", "{sql}");
    }
    // Another schema's table of the name has nothing to do with them.
    let s = unique("fk_s");
    client.run(&format!("CREATE SCHEMA {s}"));
    client.run(&format!("CREATE TABLE {s}.{c} (id int, p int)"));
    client.run(&format!("INSERT INTO {s}.{c} VALUES (1, 9)"));
    client.run(&format!("SET search_path = {s}, public"));
    client.run(&format!("INSERT INTO {c} VALUES (2, 9)"));
    assert_eq!(client.sqlstate(&format!("DELETE FROM {p} WHERE id = 1")), "23503");
    assert_eq!(client.run(&format!("DELETE FROM {p} WHERE id = 2")), "DELETE 1");
    client.run(&format!("DROP SCHEMA {s} CASCADE"));
    assert_eq!(client.sqlstate(&format!("INSERT INTO {c} VALUES (2, 9)")), "23503");
    client.run("RESET search_path");
    client.run(&format!("DROP TABLE {c}, {p}"));
}

#[test]
fn a_table_found_further_on_the_search_path_waits_as_well() {
    let (mut client, mut other) = (connect(), connect());
    let s = unique("fk_s");
    client.run(&format!("CREATE SCHEMA {s}"));
    let (p, c) = family(&mut client, "");
    other.run(&format!("SET search_path = {s}, public"));
    client.run("BEGIN");
    client.run(&format!("INSERT INTO {c} VALUES (2, 2)"));
    send_and_wait(&mut other, &format!("DELETE FROM {p} WHERE id = 2"));
    client.run("COMMIT");
    ends_as(&mut other, "E 23503");
    check(&mut client, &p, &c);
    client.run(&format!("DROP TABLE {c}, {p}; DROP SCHEMA {s}"));
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// The tables of the random changes, those first that others refer to.
const TABLES: &[&str] = &[
    "fkr_a (id int PRIMARY KEY, x int)",
    "fkr_b (id int PRIMARY KEY, a int REFERENCES fkr_a ON DELETE CASCADE ON UPDATE CASCADE)",
    "fkr_c (id int PRIMARY KEY, b int REFERENCES fkr_b ON DELETE SET NULL ON UPDATE CASCADE,
            a int REFERENCES fkr_a ON UPDATE CASCADE)",
    "fkr_t (id int PRIMARY KEY, up int REFERENCES fkr_t ON DELETE CASCADE ON UPDATE CASCADE,
            c int DEFAULT 1 REFERENCES fkr_c ON DELETE SET DEFAULT ON UPDATE RESTRICT)",
    "fkr_d (id int PRIMARY KEY, a int REFERENCES fkr_a DEFERRABLE INITIALLY DEFERRED)",
];

fn random_change(dice: &mut Dice) -> String {
    let (i, j, k) = (dice.roll(12), dice.roll(12), dice.roll(12));
    match dice.roll(20) {
        0..3 => format!("INSERT INTO fkr_a VALUES ({i}, {j})"),
        3..5 => format!("INSERT INTO fkr_b VALUES ({i}, {j})"),
        5..7 => format!("INSERT INTO fkr_c VALUES ({i}, {j}, {k})"),
        7..9 => format!("INSERT INTO fkr_t VALUES ({i}, nullif({j}, 0), nullif({k}, 3))"),
        9 => format!("INSERT INTO fkr_d VALUES ({i}, {j})"),
        10 => format!("DELETE FROM fkr_a WHERE id = {i}"),
        11 => format!("DELETE FROM fkr_b WHERE id IN ({i}, {j})"),
        12 => format!("DELETE FROM fkr_c WHERE id = {i}"),
        13 => format!("DELETE FROM fkr_t WHERE id = {i}"),
        14 => format!("UPDATE fkr_a SET id = {i} WHERE id = {j}"),
        15 => format!("UPDATE fkr_b SET id = id + 100 WHERE id < {i} AND id < 6"),
        16 => format!("UPDATE fkr_c SET a = {i}, b = {j} WHERE id = {k}"),
        17 => format!("UPDATE fkr_t SET id = {i} WHERE id = {j}"),
        18 => format!(
            "INSERT INTO fkr_c VALUES ({i}, {j}, {k})
             ON CONFLICT (id) DO UPDATE SET b = excluded.b"
        ),
        _ => format!("DELETE FROM fkr_d WHERE id > {i}"),
    }
}

/// Each change with what came of it, and what the tables hold then.
fn random_story(client: &mut RawClient, seed: u64) -> String {
    let mut dice = Dice(seed);
    let mut story = String::new();
    client.query("DROP TABLE IF EXISTS fkr_d, fkr_t, fkr_c, fkr_b, fkr_a");
    for table in TABLES {
        client.run(&format!("CREATE TABLE {table}"));
    }
    for rows in [
        "fkr_a SELECT i, i FROM generate_series(0, 11) AS i",
        "fkr_b SELECT i, i FROM generate_series(0, 9) AS i",
        "fkr_c SELECT i, i, 11 - i FROM generate_series(0, 8) AS i",
        "fkr_t SELECT i, nullif(i / 2, 0), i FROM generate_series(0, 8) AS i",
        "fkr_d SELECT i, i FROM generate_series(0, 3) AS i",
    ] {
        client.run(&format!("INSERT INTO {rows}"));
    }
    for _ in 0..25 {
        let block = dice.roll(2) == 0;
        if block {
            client.run("BEGIN");
        }
        for _ in 0..5 {
            let saves = block && dice.roll(3) == 0;
            if saves {
                client.query("SAVEPOINT s");
            }
            let sql = random_change(&mut dice);
            let done = client.query(&sql).join(" ");
            let _ = writeln!(story, "{sql}: {done}");
            if block && !saves && done.starts_with('E') {
                break;
            }
            if saves && (done.starts_with('E') || dice.roll(4) == 0) {
                client.query("ROLLBACK TO s");
            }
        }
        if block {
            let end = if dice.roll(5) == 0 { "ROLLBACK" } else { "COMMIT" };
            let done = client.query(end).join(" ");
            let _ = writeln!(story, "{end}: {done}");
        }
        for table in ["fkr_a", "fkr_b", "fkr_c", "fkr_t", "fkr_d"] {
            let rows = client.lines(&format!("SELECT * FROM {table} ORDER BY id"));
            let _ = writeln!(story, "{table} {}", rows.join(" "));
        }
    }
    client.run("DROP TABLE fkr_d, fkr_t, fkr_c, fkr_b, fkr_a");
    story
}

#[test]
fn random_changes_end_as_in_postgresql() {
    let golden =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/goldens/foreign_keys.out");
    let mut client = connect();
    let stories: Vec<String> = [1, 2, 3, 4].map(|seed| random_story(&mut client, seed)).to_vec();
    let story = stories.concat();
    if is_oracle() && std::env::var("TEATREE_TEST_REFRESH").is_ok() {
        fs::write(&golden, story).unwrap();
        return;
    }
    let expected = fs::read_to_string(&golden).unwrap();
    let (mut seen, mut place) = (String::new(), 0);
    for (line, wanted) in story.lines().zip(expected.lines()) {
        place += 1;
        let _ = writeln!(seen, "{line}");
        let from = seen.lines().count().saturating_sub(30);
        let before: Vec<&str> = seen.lines().skip(from).collect();
        assert_eq!(line, wanted, "line {place}, after:\n{}", before.join("\n"));
    }
    assert_eq!(story.lines().count(), expected.lines().count());
}
