//! Triggers whose rows go to Arrow datasets.

use std::thread;
use std::time::Duration;

use crate::harness::{Server, connect, eventually, skip_on_oracle, unique};
use crate::raw_client::RawClient;

/// A table `t` whose trigger sends what comes to the dataset `t_out`.
fn define(client: &mut RawClient, t: &str) {
    client.run(&format!("CREATE TABLE {t} (id bigint, v text)"));
    client.run(&format!(
        "CREATE TABLE {t}_out (v varchar(9), id numeric(9,1), other int) USING arrow"
    ));
    client.run(&format!(
        "CREATE PROCEDURE {t}_p(add int) LANGUAGE sql AS $$
             INSERT INTO {t}_out (id, v) SELECT id + add, v FROM new_table WHERE v <> 'skip' $$"
    ));
    client.run(&format!(
        "CREATE TRIGGER x AFTER INSERT OR UPDATE ON {t} EXECUTE PROCEDURE {t}_p(10)"
    ));
}

#[test]
fn what_comes_goes_to_a_dataset_once() {
    if skip_on_oracle("datasets") {
        return;
    }
    let t = unique("sent");
    let mut client = connect();
    define(&mut client, &t);
    client.run(&format!("INSERT INTO {t} VALUES (1, 'a'), (2, 'skip')"));
    client.run(&format!("UPDATE {t} SET v = 'b' WHERE id = 1"));
    client.run(&format!("INSERT INTO {t} SELECT g, 'c' FROM generate_series(100, 20099) g"));
    client.run(&format!("BEGIN; INSERT INTO {t} VALUES (5, 'gone'); ROLLBACK"));
    client.run(&format!("BEGIN; INSERT INTO {t} VALUES (6, 'kept')"));
    client.run(&format!("SAVEPOINT s; INSERT INTO {t} VALUES (7, 'gone'); ROLLBACK TO s; COMMIT"));
    let all = format!("SELECT count(*), sum(id), count(other) FROM {t}_out");
    eventually("20,003 rows are there", || client.value(&all).starts_with("20003|"));
    let sum: i64 = 11 + 11 + (100..20_100_i64).map(|id| id + 10).sum::<i64>() + 16;
    assert_eq!(client.value(&all), format!("20003|{sum}.0|0"));
    eventually("nothing waits", || {
        client.value("SELECT count(*) FROM teatree_internal.deliveries") == "0"
    });
    let first = format!("SELECT v, id, other FROM {t}_out WHERE id < 20 ORDER BY id, v");
    assert_eq!(client.lines(&first), ["a|11.0|NULL", "b|11.0|NULL", "kept|16.0|NULL"]);
}

#[test]
fn an_algorithm_in_a_trigger_gives_a_dataset() {
    if skip_on_oracle("datasets") {
        return;
    }
    let t = unique("computed");
    let mut client = connect();
    client.run(&format!("CREATE TABLE {t} (at timestamp, price double precision)"));
    let rows = format!(
        "INSERT INTO {t} SELECT timestamp '2026-01-01' + i * interval '1 minute', i
         FROM generate_series(0, 119) i"
    );
    client.run(&format!(
        "CALL teatree.ohlc('SELECT timestamp ''2026-01-01'' AS at, 1.0::float8 AS value',
             width => '1 hour', output => '{t}_shape', storage => 'arrow')"
    ));
    client.run(&format!(
        "CREATE PROCEDURE {t}_p() LANGUAGE sql AS $$
             CALL teatree.ohlc('SELECT at, price AS value FROM {t}', width => '1 hour',
                               output => '{t}_shape', mode => 'replace') $$"
    ));
    client.run(&format!("CREATE TRIGGER x AFTER INSERT ON {t} EXECUTE PROCEDURE {t}_p()"));
    client.run(&rows);
    client.run(&rows);
    let count = format!("SELECT count(*) FROM {t}_shape");
    eventually("two bars", || client.value(&count) == "2");
    client.run(&format!("TRUNCATE {t}"));
    client.run(&rows.replace("119", "59"));
    eventually("one bar", || client.value(&count) == "1");
}

#[test]
fn a_trigger_sends_only_what_a_dataset_takes() {
    if skip_on_oracle("datasets") {
        return;
    }
    let t = unique("refused");
    let mut client = connect();
    define(&mut client, &t);
    for (body, code) in [
        ("INSERT INTO {t}_out (v, nope) SELECT v, id FROM new_table", "42703"),
        ("INSERT INTO {t}_out (other) SELECT now() FROM new_table", "42804"),
        ("INSERT INTO {t}_out (v, id) SELECT v FROM new_table", "42601"),
        ("INSERT INTO {t}_out (v) SELECT o.v FROM new_table, {t}_out o", "0A000"),
        ("INSERT INTO {t}_out (v) SELECT v FROM new_table RETURNING v", "0A000"),
        ("UPDATE {t}_out SET v = 'x'", "0A000"),
    ] {
        let body = body.replace("{t}", &t);
        client.run(&format!("CREATE OR REPLACE PROCEDURE {t}_q() LANGUAGE sql AS $$ {body} $$"));
        let made = client
            .sqlstate(&format!("CREATE TRIGGER y AFTER INSERT ON {t} EXECUTE PROCEDURE {t}_q()"));
        assert_eq!(made, code, "{body}");
    }
    // A value that does not fit fails its statement.
    assert_eq!(client.sqlstate(&format!("INSERT INTO {t} VALUES (1, 'much too long')")), "22001");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "0");
    // Without its dataset the rows are in the log.
    client.run(&format!("DROP TABLE {t}_out"));
    client.run(&format!("INSERT INTO {t} VALUES (1, 'late')"));
    let failed = format!(
        "SELECT seq FROM teatree.intents WHERE statement = 'INSERT INTO public.{t}_out'
             AND state = 'failed'"
    );
    eventually("the intent has failed", || client.lines(&failed).len() == 1);
    let seq = client.value(&failed);
    client.run(&format!("CREATE TABLE {t}_out (v text, id numeric(9,1), other int) USING arrow"));
    client.run(&format!("CALL teatree.retry_intent({seq})"));
    assert_eq!(client.value(&format!("SELECT v, id FROM {t}_out")), "late|11.0");
}

#[test]
fn a_crash_on_the_way_loses_and_doubles_no_row() {
    let Some(mut server) = Server::start(&[]) else { return };
    define(&mut server.connect(), "t");
    server.kill_9();
    let mut next = 0_i64;
    for armed in [
        "duckdb_before_commit=crash:3",
        "duckdb_after_commit=crash:2",
        "log_after_write=crash:4",
        "dataset_after_parts=crash:2",
        "manifest_before_rename=crash:2",
        "manifest_after_rename=crash:2",
        "outcome_before_record=crash:3",
        "outcome_after_record=crash:4",
    ] {
        server.set_args(&["--debug", "true", "--fail-points", armed]);
        server.restart();
        let mut client = server.connect();
        for _ in 0..20 {
            next += 1;
            if client.attempt(&format!("INSERT INTO t VALUES ({next}, 'x')"), None).is_none() {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        server.wait(Duration::from_secs(60));
        server.set_args(&[]);
        server.restart();
        let mut client = server.connect();
        let count = client.value("SELECT count(*) FROM t");
        eventually("all rows are in the dataset", || {
            client.value("SELECT count(*) FROM t_out") == count
        });
        assert_eq!(
            client.value("SELECT count(*) FROM teatree_internal.deliveries"),
            "0",
            "{armed}"
        );
        let both = "SELECT count(*), count(DISTINCT o.id) FROM t_out o JOIN t ON t.id + 10 = o.id";
        assert_eq!(client.value(both), format!("{count}|{count}"), "{armed}");
        server.kill_9();
    }
}
