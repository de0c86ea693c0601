//! Materialized views that read Arrow datasets, alone and together with DuckDB tables.

use std::thread;
use std::time::Duration;

use crate::harness::{Server, connect, eventually, skip_on_oracle, unique};
use crate::raw_client::RawClient;

/// A dataset `t` of readings, and a DuckDB table `t_places` of where their sensors are.
fn define(client: &mut RawClient, t: &str) {
    client.run(&format!(
        "CREATE TABLE {t} (sensor int, at timestamptz, celsius numeric(6,2), note text) USING arrow"
    ));
    client.run(&format!("CREATE TABLE {t}_places (sensor int PRIMARY KEY, place text)"));
    client.run(&format!("INSERT INTO {t}_places VALUES (1, 'roof'), (2, 'cellar'), (3, 'roof')"));
    client.run(&format!(
        "INSERT INTO {t} VALUES (1, '2026-01-01 00:30+00', 1.25, 'a'), (2, NULL, 12.5, NULL)"
    ));
}

fn by_sensor(t: &str) -> String {
    format!(
        "SELECT sensor, count(*) AS n, sum(celsius) AS total, avg(celsius) AS mean, max(at) AS last
         FROM {t} GROUP BY sensor"
    )
}

fn by_place(t: &str) -> String {
    format!(
        "SELECT place, count(*) AS n, min(celsius) AS least FROM {t} JOIN {t}_places USING (sensor)
         GROUP BY place"
    )
}

/// All rows of a view or a query, in an order of their own.
fn all(client: &mut RawClient, relation: &str) -> Vec<String> {
    client.lines(&format!("SELECT * FROM {relation} AS q ORDER BY q::text"))
}

fn sorted(client: &mut RawClient, query: &str) -> Vec<String> {
    let mut lines = client.lines(query);
    lines.sort();
    lines
}

/// Waits until a view has what its query gives.
fn follows(client: &mut RawClient, view: &str, query: &str) {
    eventually(&format!("{view} is up to date"), || {
        sorted(client, &format!("SELECT * FROM {view}")) == sorted(client, query)
    });
}

#[test]
fn a_view_over_datasets_keeps_its_rows_until_it_is_refreshed() {
    if skip_on_oracle("datasets") {
        return;
    }
    let (t, v) = (unique("t"), unique("v"));
    let mut client = connect();
    define(&mut client, &t);
    for (kind, query) in [("one", by_sensor(&t)), ("both", by_place(&t))] {
        let v = format!("{v}_{kind}");
        assert_eq!(client.run(&format!("CREATE MATERIALIZED VIEW {v} AS {query}")), "SELECT 2");
        let before = sorted(&mut client, &query);
        assert_eq!(sorted(&mut client, &format!("SELECT * FROM {v}")), before);
        client.run(&format!("INSERT INTO {t} VALUES (3, now(), -3, 'x'), (1, now(), 7, 'y')"));
        assert_eq!(sorted(&mut client, &format!("SELECT * FROM {v}")), before);
        let stale = format!("SELECT stale FROM teatree.pipelines WHERE name = '{v}'");
        assert_eq!(client.value(&stale), "t");
        let done = client.run(&format!("REFRESH MATERIALIZED VIEW {v}"));
        assert_eq!(done, "REFRESH MATERIALIZED VIEW");
        let after = sorted(&mut client, &query);
        assert_ne!(after, before);
        assert_eq!(sorted(&mut client, &format!("SELECT * FROM {v}")), after);
        assert_eq!(client.value(&stale), "f");
        let types = |relation: &str| {
            format!(
                "SELECT attname || ' ' || format_type(atttypid, -1) FROM pg_attribute
                 WHERE attrelid = '{relation}'::regclass AND attnum > 0 ORDER BY attnum"
            )
        };
        client.run(&format!("CREATE TABLE {v}_rows AS {query}"));
        assert_eq!(client.lines(&types(&v)), client.lines(&types(&format!("{v}_rows"))));
        for changed in [
            format!("INSERT INTO {v} VALUES (1)"),
            format!("DELETE FROM {v}"),
            format!("TRUNCATE {v}"),
            format!("DROP TABLE {v}"),
        ] {
            assert_eq!(client.sqlstate(&changed), "42809", "{changed}");
        }
        client.run(&format!("DROP MATERIALIZED VIEW {v}"));
        assert_eq!(client.sqlstate(&format!("SELECT * FROM {v}")), "42P01");
    }
}

#[test]
fn a_view_over_datasets_is_listed_as_any_other() {
    if skip_on_oracle("datasets") {
        return;
    }
    let (t, v) = (unique("t"), unique("v"));
    let mut client = connect();
    define(&mut client, &t);
    let made = client.run(&format!(
        "CREATE MATERIALIZED VIEW {v}(a, b) AS SELECT sensor, note FROM {t} WITH NO DATA"
    ));
    assert_eq!(made, "CREATE MATERIALIZED VIEW");
    assert_eq!(client.sqlstate(&format!("SELECT * FROM {v}")), "55000");
    client.run(&format!("CREATE MATERIALIZED VIEW IF NOT EXISTS {v} AS SELECT 1"));
    client.run(&format!("CREATE MATERIALIZED VIEW IF NOT EXISTS {v} AS SELECT * FROM {t}"));
    let again = format!("CREATE MATERIALIZED VIEW {v} AS SELECT * FROM {t}");
    assert_eq!(client.sqlstate(&again), "42P07");
    client.run(&format!("REFRESH MATERIALIZED VIEW {v}"));
    assert_eq!(client.lines(&format!("SELECT a, b FROM {v} ORDER BY a")), ["1|a", "2|NULL"]);
    let listed = format!(
        "SELECT ispopulated, hasindexes, definition LIKE '%FROM {t}%' FROM pg_matviews
         WHERE matviewname = '{v}'"
    );
    assert_eq!(client.value(&listed), "t|f|t");
    let pipeline = format!("SELECT upkeep, inputs FROM teatree.pipelines WHERE name = '{v}'");
    assert_eq!(
        client.value(&pipeline),
        format!("recomputed: it reads the Arrow dataset {t}|public.{t}")
    );
    let plan = client.lines(&format!("EXPLAIN SELECT * FROM {v}")).join("\n");
    assert!(plan.contains(&format!("it reads the Arrow dataset {t}")), "{plan}");
    // A refresh under a unique index, and one that breaks it.
    let refresh = format!("REFRESH MATERIALIZED VIEW CONCURRENTLY {v}");
    assert_eq!(client.sqlstate(&refresh), "55000");
    client.run(&format!("CREATE UNIQUE INDEX ON {v} (a)"));
    client.run(&format!("INSERT INTO {t} VALUES (3, NULL, 0, 'c')"));
    client.run(&refresh);
    client.run(&refresh);
    assert_eq!(client.value(&format!("SELECT count(*), max(a) FROM {v}")), "3|3");
    client.run(&format!("INSERT INTO {t} VALUES (3, NULL, 0, 'c')"));
    assert_eq!(client.sqlstate(&refresh), "23505");
    assert_eq!(client.value(&format!("SELECT count(*), max(a) FROM {v}")), "3|3");
    client.run(&format!("ALTER MATERIALIZED VIEW {v} RENAME TO {v}_new"));
    client.run(&format!("ALTER MATERIALIZED VIEW {v}_new RENAME COLUMN b TO c"));
    client.run(&format!("DROP INDEX {v}_a_idx"));
    client.run(&format!("REFRESH MATERIALIZED VIEW {v}_new"));
    assert_eq!(client.value(&format!("SELECT count(c) FROM {v}_new")), "3");
    client.run(&format!("REFRESH MATERIALIZED VIEW {v}_new WITH NO DATA"));
    assert_eq!(client.sqlstate(&format!("SELECT * FROM {v}_new")), "55000");
}

#[test]
fn a_view_with_many_rows_takes_them_from_a_file() {
    if skip_on_oracle("datasets") {
        return;
    }
    let (t, v) = (unique("t"), unique("v"));
    let mut client = connect();
    client.run(&format!(
        "CREATE TABLE {t} USING arrow AS SELECT i, 'row ' || i AS v FROM generate_series(1, 300000) i"
    ));
    let made =
        client.run(&format!("CREATE MATERIALIZED VIEW {v} AS SELECT v, i * 2 AS j FROM {t}"));
    assert_eq!(made, "SELECT 300000");
    client.run(&format!("DELETE FROM {t} WHERE i % 3 = 0"));
    client.run(&format!("REFRESH MATERIALIZED VIEW {v}"));
    let sums = client.value(&format!("SELECT count(*), sum(j), max(v) FROM {v}"));
    assert_eq!(sums, client.value(&format!("SELECT count(*), sum(i * 2), max(v) FROM {t}")));
}

#[test]
fn a_view_on_change_follows_every_change_of_its_datasets() {
    if skip_on_oracle("datasets") {
        return;
    }
    let (t, v) = (unique("t"), unique("v"));
    let mut client = connect();
    define(&mut client, &t);
    let (one, both) = (by_sensor(&t), by_place(&t));
    let on_change = "WITH (refresh = 'on_change')";
    client.run(&format!("CREATE MATERIALIZED VIEW {v}_one {on_change} AS {one}"));
    client.run(&format!("CREATE MATERIALIZED VIEW {v}_both {on_change} AS {both}"));
    // One that follows a view as it follows a table, and one over datasets that reads a view.
    client.run(&format!(
        "CREATE MATERIALIZED VIEW {v}_next {on_change} AS SELECT sum(n) AS n FROM {v}_one"
    ));
    let last = format!("SELECT t.note, v.n FROM {t} AS t, {v}_next AS v");
    client.run(&format!("CREATE MATERIALIZED VIEW {v}_last {on_change} AS {last}"));
    client.run(&format!("CREATE TABLE {t}_source (sensor int, celsius numeric(6,2))"));
    client.run(&format!(
        "CREATE PROCEDURE {t}_p() LANGUAGE sql AS $$
             INSERT INTO {t} (sensor, celsius) SELECT sensor, celsius FROM new_table $$"
    ));
    client.run(&format!("CREATE TRIGGER x AFTER INSERT ON {t}_source EXECUTE PROCEDURE {t}_p()"));
    let changes = [
        format!("INSERT INTO {t} VALUES (1, now(), 2, 'b'), (3, NULL, NULL, 'c')"),
        format!("UPDATE {t} SET celsius = celsius + 1, note = 'd' WHERE sensor = 1"),
        format!("DELETE FROM {t} WHERE note = 'c'"),
        format!("INSERT INTO {t}_places VALUES (4, 'well')"),
        format!("UPDATE {t}_places SET place = 'garden' WHERE sensor = 1"),
        format!("INSERT INTO {t}_source VALUES (4, 4), (3, 3)"),
        format!("BEGIN; INSERT INTO {t} (sensor, note) VALUES (2, 'in a block'); COMMIT"),
        format!("TRUNCATE {t}"),
        format!("INSERT INTO {t} SELECT 2, NULL, i % 100, 'many' FROM generate_series(1, 9999) i"),
        format!("TRUNCATE {t}_places"),
    ];
    for change in changes {
        client.run(&change);
        follows(&mut client, &format!("{v}_one"), &one);
        follows(&mut client, &format!("{v}_both"), &both);
        follows(&mut client, &format!("{v}_next"), &format!("SELECT sum(n) FROM {v}_one"));
    }
    client.attempt(&format!("COPY {t} (sensor) FROM STDIN"), Some(b"7\n8\n")).unwrap();
    follows(&mut client, &format!("{v}_one"), &one);
    follows(&mut client, &format!("{v}_last"), &last);
    let state = format!(
        "SELECT bool_or(stale), count(error), max(lag_ms) FROM teatree.pipelines
         WHERE name LIKE '{v}%'"
    );
    eventually("nothing is left to do", || client.value(&state) == "f|0|0");
}

#[test]
fn who_listens_to_a_view_over_datasets_is_told_of_its_refreshes() {
    if skip_on_oracle("datasets") {
        return;
    }
    let (t, v) = (unique("t"), unique("v"));
    let (mut client, mut listener) = (connect(), connect());
    define(&mut client, &t);
    client.run(&format!(
        "CREATE MATERIALIZED VIEW {v} WITH (refresh = 'on_change') AS {}",
        by_sensor(&t)
    ));
    listener.run(&format!("LISTEN {v}"));
    assert!(listener.is_silent(Duration::from_millis(300)));
    client.run(&format!("INSERT INTO {t} (sensor) VALUES (5)"));
    let message = listener.read();
    assert_eq!(message.tag, b'A');
    let told = String::from_utf8_lossy(&message.body[4..]).into_owned();
    assert!(told.contains(&v) && told.contains("\"rows\": 3"), "{told}");
    // What changes no row is no change, and neither is another dataset's.
    client.run(&format!("DELETE FROM {t} WHERE sensor = 77"));
    client.run(&format!("CREATE TABLE {t}_other (a int) USING arrow"));
    client.run(&format!("INSERT INTO {t}_other VALUES (1)"));
    assert!(listener.is_silent(Duration::from_millis(300)));
    client.run(&format!("ALTER MATERIALIZED VIEW {v} SET (refresh = 'manual')"));
    listener.run(&format!("UNLISTEN {v}"));
    client.run(&format!("INSERT INTO {t} (sensor) VALUES (6)"));
    thread::sleep(Duration::from_millis(200));
    assert_eq!(client.value(&format!("SELECT count(*) FROM {v}")), "3");
    client.run(&format!("ALTER MATERIALIZED VIEW {v} SET (refresh = 'every 100 ms')"));
    follows(&mut client, &v, &by_sensor(&t));
    client.run(&format!("INSERT INTO {t} (sensor) VALUES (7)"));
    follows(&mut client, &v, &by_sensor(&t));
}

#[test]
fn a_view_over_datasets_that_fails_says_so_and_recovers() {
    if skip_on_oracle("datasets") {
        return;
    }
    let (t, v) = (unique("t"), unique("v"));
    let mut client = connect();
    client.run(&format!("CREATE TABLE {t} (k int, x int) USING arrow"));
    client.run(&format!("INSERT INTO {t} VALUES (1, 1)"));
    let query = format!("SELECT k, 100 / x AS share FROM {t}");
    client.run(&format!("CREATE MATERIALIZED VIEW {v} WITH (refresh = 'on_change') AS {query}"));
    client.run(&format!("INSERT INTO {t} VALUES (2, 0)"));
    let state = format!("SELECT stale, error FROM teatree.pipelines WHERE name = '{v}'");
    eventually("the failure is seen", || client.value(&state) == "t|division by zero");
    assert_eq!(client.lines(&format!("SELECT * FROM {v}")), ["1|100"]);
    assert_eq!(client.sqlstate(&format!("REFRESH MATERIALIZED VIEW {v}")), "22012");
    let made = format!("CREATE MATERIALIZED VIEW {v}_new AS {query}");
    assert_eq!(client.sqlstate(&made), "22012");
    client.run(&format!("UPDATE {t} SET x = 2 WHERE x = 0"));
    follows(&mut client, &v, &query);
    eventually("all is well", || client.value(&state) == "f|NULL");
}

#[test]
fn what_a_view_reads_stays_unless_the_view_goes_too() {
    if skip_on_oracle("datasets") {
        return;
    }
    let (t, v) = (unique("t"), unique("v"));
    let mut client = connect();
    define(&mut client, &t);
    client.run(&format!("CREATE MATERIALIZED VIEW {v} AS {}", by_place(&t)));
    client.run(&format!("CREATE VIEW {v}_plain AS SELECT place FROM {v}"));
    for (refused, code) in [
        (format!("DROP TABLE {t}"), "2BP01"),
        (format!("DROP TABLE {t}_places"), "2BP01"),
        (format!("ALTER TABLE {t} RENAME TO {t}_new"), "2BP01"),
        (format!("ALTER TABLE {t}_places RENAME TO {t}_new"), "2BP01"),
        (format!("ALTER TABLE {t}_places DROP COLUMN place"), "2BP01"),
        (format!("ALTER TABLE {t}_places ALTER place TYPE varchar(3)"), "2BP01"),
        (format!("CREATE TABLE {t} (a int)"), "42P07"),
    ] {
        assert_eq!(client.sqlstate(&refused), code, "{refused}");
    }
    client.run(&format!("ALTER TABLE {t}_places ADD COLUMN floor int"));
    client.run(&format!("REFRESH MATERIALIZED VIEW {v}"));
    client.run(&format!("DROP TABLE {t} CASCADE"));
    for gone in [t.clone(), v.clone(), format!("{v}_plain")] {
        assert_eq!(client.sqlstate(&format!("SELECT * FROM {gone}")), "42P01", "{gone}");
    }
    // The name is free again.
    define(&mut client, &format!("{t}_x"));
    client.run(&format!("CREATE TABLE {t} (a int) USING arrow"));
    client.run(&format!("CREATE MATERIALIZED VIEW {v} AS SELECT a FROM {t}"));
    client.run(&format!("DROP MATERIALIZED VIEW {v}"));
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_transaction_makes_and_refreshes_views_over_datasets() {
    if skip_on_oracle("datasets") {
        return;
    }
    let (t, v) = (unique("t"), unique("v"));
    let (mut client, mut other) = (connect(), connect());
    define(&mut client, &t);
    let (one, both) = (by_sensor(&t), by_place(&t));
    client.run("BEGIN");
    client.run(&format!("CREATE MATERIALIZED VIEW {v} AS {one}"));
    let count = format!("SELECT count(*) FROM {v}");
    assert_eq!(client.value(&count), "2");
    assert_eq!(other.sqlstate(&count), "42P01");
    client.run("SAVEPOINT s");
    // Nobody else knows this view yet.
    assert_eq!(client.sqlstate(&format!("REFRESH MATERIALIZED VIEW {v}")), "0A000");
    client.run("ROLLBACK TO s");
    client.run("COMMIT");
    assert_eq!(other.value(&count), "2");
    other.run(&format!("CREATE MATERIALIZED VIEW {v}_both AS {both}"));
    other.run(&format!("INSERT INTO {t} VALUES (3, now(), 3, 'x')"));
    client.run("BEGIN");
    client.run(&format!("INSERT INTO {t}_places VALUES (9, 'sky')"));
    client.run(&format!("REFRESH MATERIALIZED VIEW {v}"));
    assert_eq!(client.value(&count), "3");
    assert_eq!(other.value(&count), "2");
    client.run("ROLLBACK");
    assert_eq!(client.value(&count), "2");
    client.run("BEGIN");
    client.run(&format!("REFRESH MATERIALIZED VIEW {v}_both"));
    client.run(&format!("REFRESH MATERIALIZED VIEW {v}"));
    client.run("COMMIT");
    assert_eq!(all(&mut other, &v).len(), 3);
    assert_eq!(sorted(&mut other, &format!("SELECT * FROM {v}")), sorted(&mut client, &one));
    let stale = format!("SELECT count(*) FROM teatree.pipelines WHERE name LIKE '{v}%' AND stale");
    assert_eq!(other.value(&stale), "0");
    // DataFusion does not see what the transaction has written.
    client.run("BEGIN");
    client.run(&format!("INSERT INTO {t}_places VALUES (9, 'sky')"));
    assert_eq!(client.sqlstate(&format!("REFRESH MATERIALIZED VIEW {v}_both")), "0A000");
    client.run("ROLLBACK");
    // Nor what COMMIT is to do to a dataset.
    client.run("BEGIN");
    client.run(&format!("INSERT INTO {t} (sensor) VALUES (9)"));
    assert_eq!(client.sqlstate(&format!("REFRESH MATERIALIZED VIEW {v}")), "0A000");
    client.run("ROLLBACK");
}

#[test]
fn after_a_crash_views_over_datasets_are_whole_and_catch_up() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    define(&mut client, "t");
    for (name, query) in [("one", by_sensor("t")), ("two", by_place("t"))] {
        client.run(&format!(
            "CREATE MATERIALIZED VIEW {name} WITH (refresh = 'on_change') AS {query}"
        ));
    }
    client.run(&format!("CREATE MATERIALIZED VIEW kept AS {}", by_sensor("t")));
    client.run("INSERT INTO t VALUES (2, NULL, 5, 'q')");
    server.kill_9();
    for armed in [
        "manifest_before_rename=crash:2",
        "manifest_after_rename=crash:2",
        "duckdb_before_apply=crash:4",
        "duckdb_before_commit=crash:4",
        "duckdb_after_commit=crash:4",
        "log_after_write=crash:5",
        "outcome_before_record=crash:5",
        "outcome_after_record=crash:6",
    ] {
        server.set_args(&["--debug", "true", "--fail-points", armed]);
        server.restart();
        let mut client = server.connect();
        for round in 0..20 {
            let change = match round % 3 {
                0 => format!("INSERT INTO t VALUES ({}, now(), {round}, 'x')", round % 5),
                1 => "REFRESH MATERIALIZED VIEW kept".to_owned(),
                _ => "UPDATE t SET celsius = celsius + 1 WHERE sensor = 2".to_owned(),
            };
            if client.attempt(&change, None).is_none() {
                break;
            }
            thread::sleep(Duration::from_millis(30));
        }
        server.wait(Duration::from_secs(60));
        server.set_args(&[]);
        server.restart();
        let mut client = server.connect();
        follows(&mut client, "one", &by_sensor("t"));
        follows(&mut client, "two", &by_place("t"));
        client.run("REFRESH MATERIALIZED VIEW kept");
        follows(&mut client, "kept", &by_sensor("t"));
        server.kill_9();
    }
    // Between the drop of the views and that of their dataset.
    for armed in ["drop_before_rename=crash", "drop_after_rename=crash"] {
        server.set_args(&["--debug", "true", "--fail-points", armed]);
        server.restart();
        let mut client = server.connect();
        client.run("CREATE TABLE d (a int) USING arrow");
        client.run("CREATE MATERIALIZED VIEW over_d AS SELECT a FROM d");
        assert!(client.attempt("DROP TABLE d CASCADE", None).is_none());
        server.wait(Duration::from_secs(60));
        server.set_args(&[]);
        server.restart();
        let mut client = server.connect();
        assert_eq!(client.sqlstate("SELECT * FROM over_d"), "42P01");
        assert_eq!(client.sqlstate("SELECT * FROM d"), "42P01");
        server.kill_9();
    }
}
