//! Triggers with transition tables: what they see, what they do, what keeps them from it.

use std::time::Duration;

use crate::harness::{Server, connect, skip_on_oracle, unique};
use crate::raw_client::RawClient;

/// A table with a log, and a procedure that copies both transition tables into the log.
struct Logged {
    client: RawClient,
    t: String,
    log: String,
    p: String,
}

impl Logged {
    /// `None` on PostgreSQL, whose triggers run functions.
    fn new(mut client: RawClient, columns: &str) -> Option<Logged> {
        if skip_on_oracle("triggers that run procedures") {
            return None;
        }
        let (t, log, p) = (unique("t"), unique("log"), unique("p"));
        client.run(&format!("CREATE TABLE {t} ({columns})"));
        client.run(&format!("CREATE TABLE {log} (n bigint, what text, a int, b text)"));
        client.run(&format!(
            "CREATE PROCEDURE {p}() LANGUAGE sql AS $$
                 INSERT INTO {log} SELECT (SELECT count(*) FROM {log}), 'old', a, b FROM old_table;
                 INSERT INTO {log} SELECT (SELECT count(*) FROM {log}), 'new', a, b FROM new_table
             $$"
        ));
        Some(Logged { client, t, log, p })
    }

    fn trigger(&mut self, name: &str, events: &str) {
        let Logged { t, p, .. } = self;
        let made = self.client.run(&format!(
            "CREATE TRIGGER {name} AFTER {events} ON {t} FOR EACH STATEMENT EXECUTE PROCEDURE {p}()"
        ));
        assert_eq!(made, "CREATE TRIGGER");
    }

    /// What the log has got since it was asked last.
    fn take(&mut self) -> Vec<String> {
        let log = &self.log;
        let lines = self.client.lines(&format!("SELECT what, a, b FROM {log} ORDER BY what, a, b"));
        self.client.run(&format!("TRUNCATE {log}"));
        lines
    }
}

#[test]
fn a_trigger_sees_the_rows_that_a_statement_inserted() {
    let Some(mut logged) = Logged::new(connect(), "a int, b text") else { return };
    logged.trigger("x", "INSERT");
    let t = logged.t.clone();
    assert_eq!(logged.client.run(&format!("INSERT INTO {t} VALUES (1, 'one')")), "INSERT 0 1");
    assert_eq!(logged.take(), ["new|1|one"]);
    logged.client.run(&format!("INSERT INTO {t} VALUES (2, 'two'), (3, NULL)"));
    assert_eq!(logged.take(), ["new|2|two", "new|3|NULL"]);
    logged.client.run(&format!("INSERT INTO {t} SELECT a + 10, b FROM {t} WHERE a < 3"));
    assert_eq!(logged.take(), ["new|11|one", "new|12|two"]);
    let returned = logged.client.lines(&format!("INSERT INTO {t} VALUES (4, 'x') RETURNING a"));
    assert_eq!(returned, ["4"]);
    assert_eq!(logged.take(), ["new|4|x"]);
    logged.client.run(&format!("UPDATE {t} SET b = 'y'"));
    logged.client.run(&format!("DELETE FROM {t}"));
    assert!(logged.take().is_empty());
    let copied =
        logged.client.attempt(&format!("COPY {t} FROM STDIN"), Some(b"7\tseven\n8\t\\N\n"));
    let copied = copied.unwrap();
    assert!(copied.contains(&"C COPY 2".to_owned()), "{copied:?}");
    assert_eq!(logged.take(), ["new|7|seven", "new|8|NULL"]);
}

#[test]
fn a_trigger_sees_what_was_updated_and_deleted_before_and_after() {
    let Some(mut logged) = Logged::new(connect(), "a int, b text") else { return };
    logged.trigger("x", "UPDATE OR DELETE");
    let t = logged.t.clone();
    logged.client.run(&format!("INSERT INTO {t} VALUES (1, 'one'), (2, 'two'), (3, 'three')"));
    assert!(logged.take().is_empty());
    logged.client.run(&format!("UPDATE {t} SET b = b || '!' WHERE a >= 2"));
    assert_eq!(logged.take(), ["new|2|two!", "new|3|three!", "old|2|two", "old|3|three"]);
    // As in PostgreSQL, a row that is set to what it was is updated, too.
    logged.client.run(&format!("UPDATE {t} SET a = a WHERE a = 1"));
    assert_eq!(logged.take(), ["new|1|one", "old|1|one"]);
    logged.client.run(&format!("DELETE FROM {t} WHERE a = 3"));
    assert_eq!(logged.take(), ["old|3|three!"]);
    logged.client.run(&format!("UPDATE {t} SET a = 5 WHERE false"));
    assert!(logged.take().is_empty());
    logged.client.run("BEGIN");
    logged.client.run(&format!("UPDATE {t} SET a = 5 WHERE a = 1"));
    logged.client.run(&format!("INSERT INTO {t} VALUES (6, 'six')"));
    logged.client.run(&format!("UPDATE {t} SET b = 'new six' WHERE a = 6"));
    logged.client.run("COMMIT");
    assert_eq!(logged.take(), ["new|5|one", "new|6|new six", "old|1|one", "old|6|six"]);
}

#[test]
fn a_trigger_of_a_table_with_a_key_sees_the_rows_whose_key_changes() {
    let Some(mut logged) = Logged::new(connect(), "a int PRIMARY KEY, b text") else { return };
    logged.trigger("x", "INSERT OR UPDATE OR DELETE");
    let t = logged.t.clone();
    logged.client.run(&format!("INSERT INTO {t} VALUES (1, 'one'), (2, 'two')"));
    assert_eq!(logged.take(), ["new|1|one", "new|2|two"]);
    logged.client.run(&format!("UPDATE {t} SET a = a + 10"));
    assert_eq!(logged.take(), ["new|11|one", "new|12|two", "old|1|one", "old|2|two"]);
    logged.client.run(&format!(
        "INSERT INTO {t} VALUES (11, 'eleven'), (13, 'thirteen')
         ON CONFLICT (a) DO UPDATE SET b = excluded.b"
    ));
    assert_eq!(logged.take(), ["new|11|eleven", "new|13|thirteen", "old|11|one"]);
    logged.client.run(&format!(
        "INSERT INTO {t} VALUES (11, 'no'), (14, 'fourteen') ON CONFLICT DO NOTHING"
    ));
    assert_eq!(logged.take(), ["new|14|fourteen"]);
    let error = logged.client.sqlstate(&format!("INSERT INTO {t} VALUES (20, 'x'), (11, 'y')"));
    assert_eq!(error, "23505");
    assert!(logged.take().is_empty());
}

#[test]
fn a_merge_runs_the_triggers_of_each_of_its_events() {
    let Some(mut logged) = Logged::new(connect(), "a int, b text") else { return };
    let Logged { t, log, .. } = &logged;
    let (t, log) = (t.clone(), log.clone());
    for (event, table) in
        [("INSERT", "new_table"), ("UPDATE", "new_table"), ("DELETE", "old_table")]
    {
        let p = unique("p");
        logged.client.run(&format!(
            "CREATE PROCEDURE {p}() LANGUAGE sql AS $$
                 INSERT INTO {log} SELECT 0, '{event}', a, b FROM {table} $$"
        ));
        logged
            .client
            .run(&format!("CREATE TRIGGER of_{event} AFTER {event} ON {t} EXECUTE FUNCTION {p}()"));
    }
    logged.client.run(&format!("INSERT INTO {t} VALUES (1, 'one'), (2, 'two'), (3, 'three')"));
    logged.take();
    logged.client.run(&format!(
        "MERGE INTO {t} USING (VALUES (1, 'x'), (2, 'gone'), (9, 'nine')) AS s(a, b) ON {t}.a = s.a
         WHEN MATCHED AND s.b = 'gone' THEN DELETE
         WHEN MATCHED THEN UPDATE SET b = s.b
         WHEN NOT MATCHED THEN INSERT (a, b) VALUES (s.a, s.b)"
    ));
    assert_eq!(logged.take(), ["DELETE|2|two", "INSERT|9|nine", "UPDATE|1|x"]);
    let rows = logged.client.lines(&format!("SELECT a, b FROM {t} ORDER BY a"));
    assert_eq!(rows, ["1|x", "3|three", "9|nine"]);
}

#[test]
fn referencing_names_the_tables_and_arguments_reach_the_procedure() {
    if skip_on_oracle("triggers that run procedures") {
        return;
    }
    let mut client = connect();
    let (t, log, p) = (unique("t"), unique("log"), unique("p"));
    client.run(&format!("CREATE TABLE {t} (a int, b int)"));
    client.run(&format!("CREATE TABLE {log} (line text, n int, f float8, d date)"));
    client.run("SET check_function_bodies = off");
    client.run(&format!(
        "CREATE PROCEDURE {p}(word text, n int, f float8 DEFAULT 1 + 0.5, d date DEFAULT NULL)
         LANGUAGE sql AS $$
             INSERT INTO {log} SELECT word || ': ' || i.a || ' ' || b, n, f, d FROM inserted AS i
         $$"
    ));
    client.run("RESET check_function_bodies");
    client.run(&format!(
        "CREATE TRIGGER one AFTER INSERT ON {t} REFERENCING NEW TABLE AS inserted
         EXECUTE PROCEDURE {p}('it''s', 42)"
    ));
    client.run(
        &format!(
            "CREATE TRIGGER two AFTER INSERT ON {t} REFERENCING NEW TABLE inserted
         EXECUTE PROCEDURE {p}(word, -7, nan, '2024-02-29')"
        )
        .replace("-7", "'-7'"),
    );
    client.run(&format!("INSERT INTO {t} VALUES (1, 2)"));
    let lines = client.lines(&format!("SELECT * FROM {log} ORDER BY n"));
    assert_eq!(lines, ["word: 1 2|-7|NaN|2024-02-29", "it's: 1 2|42|1.5|NULL"]);
    let wrong = client.sqlstate(&format!(
        "CREATE TRIGGER three AFTER INSERT ON {t} REFERENCING NEW TABLE inserted
         EXECUTE PROCEDURE {p}('x', 'no number')"
    ));
    assert_eq!(wrong, "22P02");
}

#[test]
fn update_of_runs_only_when_one_of_the_columns_is_set() {
    let Some(mut logged) = Logged::new(connect(), "a int, b text, c int") else { return };
    logged.trigger("x", "UPDATE OF b, c OR DELETE");
    let t = logged.t.clone();
    logged.client.run(&format!("INSERT INTO {t} VALUES (1, 'one', 1)"));
    logged.client.run(&format!("UPDATE {t} SET a = 2"));
    assert!(logged.take().is_empty());
    logged.client.run(&format!("UPDATE {t} SET (a, c) = (3, 3)"));
    assert_eq!(logged.take(), ["new|3|one", "old|2|one"]);
    logged.client.run(&format!("UPDATE {t} SET b = b"));
    assert_eq!(logged.take(), ["new|3|one", "old|3|one"]);
    logged.client.run(&format!("ALTER TABLE {t} RENAME COLUMN c TO d"));
    logged.client.run(&format!("UPDATE {t} SET d = 4"));
    assert_eq!(logged.take(), ["new|3|one", "old|3|one"]);
}

#[test]
fn what_a_trigger_changes_runs_triggers_and_views_in_turn() {
    if skip_on_oracle("triggers that run procedures") {
        return;
    }
    let mut client = connect();
    let names = [unique("raw"), unique("hour"), unique("alarm"), unique("total"), unique("sums")];
    let [raw, hour, alarm, total, sums] = &names;
    let (one, two) = (unique("p"), unique("p"));
    client.run(&format!("CREATE TABLE {raw} (h int, x int)"));
    client.run(&format!("CREATE TABLE {hour} (h int PRIMARY KEY, x int)"));
    client.run(&format!("CREATE TABLE {alarm} (h int, x int, seen bigint)"));
    client.run(&format!(
        "CREATE MATERIALIZED VIEW {total} WITH (refresh = 'on_change')
         AS SELECT sum(x) AS x FROM {raw}"
    ));
    client.run(&format!(
        "CREATE MATERIALIZED VIEW {sums} WITH (refresh = 'on_change')
         AS SELECT count(*) AS n FROM {alarm}"
    ));
    client.run(&format!(
        "CREATE PROCEDURE {one}() LANGUAGE sql AS $$
             INSERT INTO {hour} SELECT h, sum(x) FROM new_table GROUP BY h
                 ON CONFLICT (h) DO UPDATE SET x = {hour}.x + excluded.x $$"
    ));
    client.run(&format!(
        "CREATE PROCEDURE {two}(most int) LANGUAGE sql AS $$
             INSERT INTO {alarm} SELECT h, n.x, (SELECT x FROM {total}) FROM new_table n
                 WHERE n.x > most $$"
    ));
    client.run(&format!("CREATE TRIGGER a AFTER INSERT ON {raw} EXECUTE PROCEDURE {one}()"));
    client.run(&format!(
        "CREATE TRIGGER b AFTER INSERT OR UPDATE ON {hour} EXECUTE PROCEDURE {two}(10)"
    ));
    client.run(&format!("INSERT INTO {raw} VALUES (1, 5), (2, 11), (1, 1)"));
    client.run(&format!("INSERT INTO {raw} VALUES (1, 7)"));
    let alarms = client.lines(&format!("SELECT * FROM {alarm} ORDER BY h DESC, x"));
    assert_eq!(alarms, ["2|11|17", "1|13|24"]);
    assert_eq!(client.value(&format!("SELECT n FROM {sums}")), "2");
    // A circle is refused, however long.
    let (three, circle) = (unique("p"), "42P17");
    client.run(&format!(
        "CREATE PROCEDURE {three}() LANGUAGE sql AS $$ INSERT INTO {raw} SELECT h, x FROM new_table $$"
    ));
    for table in [raw, hour, alarm] {
        let sql = format!("CREATE TRIGGER c AFTER DELETE ON {table} EXECUTE PROCEDURE {three}()");
        assert_eq!(client.sqlstate(&sql), circle, "{table}");
    }
    // Nor does another procedure in the place of one make one.
    let sql = format!(
        "CREATE OR REPLACE PROCEDURE {two}(most int) LANGUAGE sql AS $$
             INSERT INTO {raw} SELECT h, x FROM new_table $$"
    );
    assert_eq!(client.sqlstate(&sql), circle);
    client.run(&format!("INSERT INTO {raw} VALUES (9, 100)"));
    assert_eq!(client.value(&format!("SELECT n FROM {sums}")), "3");
}

#[test]
fn a_trigger_that_fails_fails_its_statement_and_nobody_elses() {
    if skip_on_oracle("triggers that run procedures") {
        return;
    }
    let mut client = connect();
    let (t, once, p) = (unique("t"), unique("once"), unique("p"));
    client.run(&format!("CREATE TABLE {t} (a int)"));
    client.run(&format!("CREATE TABLE {once} (a int PRIMARY KEY)"));
    client.run(&format!(
        "CREATE PROCEDURE {p}() LANGUAGE sql AS $$ INSERT INTO {once} SELECT a FROM new_table $$"
    ));
    client.run(&format!("CREATE TRIGGER x AFTER INSERT ON {t} EXECUTE PROCEDURE {p}()"));
    let threads: Vec<_> = (0..8)
        .map(|writer| {
            let t = t.clone();
            std::thread::spawn(move || {
                let mut client = connect();
                let mut refused = 0;
                for n in 0..25 {
                    // Each number comes from two writers.
                    let sql = format!("INSERT INTO {t} VALUES ({})", (writer / 2) * 100 + n);
                    let replies = client.query(&sql);
                    match replies.iter().find(|line| line.starts_with('E')) {
                        Some(error) => {
                            assert_eq!(error, "E 23505");
                            refused += 1;
                        }
                        None => assert!(replies.contains(&"C INSERT 0 1".to_owned())),
                    }
                }
                refused
            })
        })
        .collect();
    let refused: usize = threads.into_iter().map(|one| one.join().unwrap()).sum();
    assert_eq!(refused, 100);
    let counts = format!("SELECT (SELECT count(*) FROM {t}), (SELECT count(*) FROM {once})");
    assert_eq!(client.lines(&counts), ["100|100"]);
    let error = client.error(&format!("INSERT INTO {t} VALUES (0)"));
    assert_eq!(error[&'t'], once);
    assert!(error[&'M'].contains(&format!("\"{once}_pkey\"")), "{error:?}");
    let shown = format!(
        "SELECT kind, runs, rows, failures, error IS NULL FROM teatree.pipelines
         WHERE inputs = 'public.{t}'"
    );
    let shown = client.lines(&shown);
    assert!(shown[0].starts_with("trigger|") && shown[0].contains("|100|"), "{shown:?}");
}

#[test]
fn rows_are_not_promised_before_their_triggers_have_run() {
    let Some(mut server) = Server::start(&["--apply-delay-ms", "200"]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (a int)");
    client.run("CREATE TABLE w (a int)");
    client.run(
        "CREATE PROCEDURE p() LANGUAGE sql AS $$ INSERT INTO w SELECT 1 / a FROM new_table $$",
    );
    // Prepared, and planned, before there is a trigger.
    client.run("PREPARE one AS INSERT INTO t VALUES ($1)");
    client.run("EXECUTE one(0)");
    client.run("CREATE TRIGGER x AFTER INSERT ON t EXECUTE PROCEDURE p()");
    assert_eq!(client.sqlstate("EXECUTE one(0)"), "22012");
    client.run("EXECUTE one(1)");
    assert_eq!(client.lines("SELECT a FROM w"), ["1"]);
    client.run("DROP TRIGGER x ON t");
    client.run("EXECUTE one(0)");
    assert_eq!(client.lines("SELECT count(*) FROM t"), ["3"]);
    // What is acknowledged in the log alone is seen by who reads what triggers write.
    client.run("CREATE TRIGGER x AFTER INSERT ON t EXECUTE PROCEDURE p()");
    client.run("SET teatree.ack = 'durable'");
    client.run("EXECUTE one(1)");
    assert_eq!(client.lines("SELECT count(*) FROM w"), ["2"]);
    server.stop();
}

#[test]
fn transactions_and_savepoints_take_triggers_with_them() {
    let Some(mut logged) = Logged::new(connect(), "a int, b text") else { return };
    logged.trigger("x", "INSERT OR DELETE");
    let t = logged.t.clone();
    let log = logged.log.clone();
    let client = &mut logged.client;
    client.run("BEGIN");
    client.run(&format!("INSERT INTO {t} VALUES (1, 'one')"));
    assert_eq!(client.value(&format!("SELECT count(*) FROM {log}")), "1");
    assert_eq!(connect().value(&format!("SELECT count(*) FROM {log}")), "0");
    client.run("SAVEPOINT s");
    client.run(&format!("INSERT INTO {t} VALUES (2, 'two')"));
    client.run(&format!("DELETE FROM {t} WHERE a = 1"));
    client.run("ROLLBACK TO s");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {log}")), "1");
    client.run(&format!("INSERT INTO {t} VALUES (3, 'three')"));
    client.run("COMMIT");
    assert_eq!(logged.take(), ["new|1|one", "new|3|three"]);
    logged.client.run("BEGIN");
    logged.client.run(&format!("INSERT INTO {t} VALUES (4, 'four')"));
    logged.client.run("ROLLBACK");
    assert!(logged.take().is_empty());
    // A trigger that a transaction makes is its own until it commits.
    let p = logged.p.clone();
    logged.client.run("BEGIN");
    let u = unique("u");
    logged.client.run(&format!("CREATE TABLE {u} (a int, b text)"));
    logged.client.run(&format!("CREATE TRIGGER y AFTER INSERT ON {u} EXECUTE PROCEDURE {p}()"));
    logged.client.run(&format!("INSERT INTO {u} VALUES (5, 'five')"));
    logged.client.run("COMMIT");
    assert_eq!(logged.take(), ["new|5|five"]);
}

#[test]
fn a_procedures_statements_and_ingest_run_triggers() {
    let Some(mut logged) = Logged::new(connect(), "a int, b text") else { return };
    logged.trigger("x", "INSERT OR UPDATE");
    let (t, p) = (logged.t.clone(), unique("p"));
    logged.client.run(&format!(
        "CREATE PROCEDURE {p}(n int) LANGUAGE sql AS $$
             INSERT INTO {t} VALUES (n, 'a'), (n + 1, 'b');
             UPDATE {t} SET b = b || 'c' WHERE a = n $$"
    ));
    logged.client.run(&format!("CALL {p}(1)"));
    assert_eq!(logged.take(), ["new|1|a", "new|1|ac", "new|2|b", "old|1|a"]);
    if let Some(dir) = crate::harness::shared_dir() {
        let file = format!("{}.csv", unique("rows"));
        std::fs::create_dir_all(dir.join("inbox")).unwrap();
        std::fs::write(dir.join("inbox").join(&file), "a,b\n7,seven\n").unwrap();
        logged.client.run(&format!("CALL teatree.ingest('{t}', '{file}')"));
        assert_eq!(logged.take(), ["new|7|seven"]);
    }
}

#[test]
fn notifications_of_triggers_and_calls_are_sent_at_the_commit() {
    if skip_on_oracle("triggers that run procedures") {
        return;
    }
    let (mut client, mut listener) = (connect(), connect());
    let (t, p, channel) = (unique("t"), unique("p"), unique("c"));
    listener.run(&format!("LISTEN {channel}"));
    client.run(&format!("CREATE TABLE {t} (a int)"));
    client.run(&format!(
        "CREATE PROCEDURE {p}() LANGUAGE sql AS $$
             SELECT pg_notify('{channel}',
                 json_build_object('rows', count(*), 'most', max(a))::text)
                 FROM new_table HAVING count(*) > 1;
             NOTIFY {channel}, 'done' $$"
    ));
    client.run(&format!("CREATE TRIGGER x AFTER INSERT ON {t} EXECUTE PROCEDURE {p}()"));
    client.run("BEGIN");
    client.run(&format!("INSERT INTO {t} VALUES (1), (5)"));
    assert!(listener.is_silent(Duration::from_millis(100)));
    client.run("COMMIT");
    let told = "{\"rows\" : 2, \"most\" : 5}";
    assert_eq!(heard_all(&mut listener, 2), [told, "done"]);
    client.run(&format!("INSERT INTO {t} VALUES (3)"));
    assert_eq!(heard_all(&mut listener, 1), ["done"]);
    client.run("BEGIN");
    client.run(&format!("INSERT INTO {t} VALUES (1), (5)"));
    client.run("ROLLBACK");
    let q = unique("p");
    client.run(&format!(
        "CREATE PROCEDURE {q}(n int) LANGUAGE sql AS $$
             INSERT INTO {t} SELECT n WHERE false;
             SELECT pg_notify('{channel}', 'row ' || a || ' of ' || n) FROM {t} WHERE a = n $$"
    ));
    client.run(&format!("CALL {q}(3)"));
    assert_eq!(heard_all(&mut listener, 2), ["done", "row 3 of 3"]);
    let long = "x".repeat(8000);
    let r = unique("p");
    client.run(&format!(
        "CREATE PROCEDURE {r}() LANGUAGE sql AS $$
             DELETE FROM {t}; SELECT pg_notify('{channel}', '{long}') $$"
    ));
    assert_eq!(client.sqlstate(&format!("CALL {r}()")), "22023");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "3");
    assert!(listener.is_silent(Duration::from_millis(100)));
}

/// The payloads of the next notifications.
fn heard_all(listener: &mut RawClient, count: usize) -> Vec<String> {
    let one = |_| {
        let message = listener.read();
        assert_eq!(message.tag, b'A');
        // After the sender's pid: the channel, then the payload, each with a zero behind it.
        let text = message.body[4..].split(|&byte| byte == 0).nth(1).unwrap();
        String::from_utf8(text.to_vec()).unwrap()
    };
    (0..count).map(one).collect()
}
