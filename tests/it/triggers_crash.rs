//! Triggers under random changes, and under `kill -9`: what they have done equals what happened.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::harness::{Server, connect, eventually, skip_on_oracle, unique};
use crate::raw_client::RawClient;

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A table `t` whose trigger keeps in `log` what came and went, and in `sums` what is there.
fn define(client: &mut RawClient, t: &str, key: &str) {
    client.run(&format!("CREATE TABLE {t} (k int {key}, x int)"));
    client.run(&format!("CREATE TABLE {t}_log (sign int, k int, x int)"));
    client.run(&format!("CREATE TABLE {t}_sums (k int PRIMARY KEY, n bigint, x bigint)"));
    client.run(&format!(
        "CREATE PROCEDURE {t}_p() LANGUAGE sql AS $$
             INSERT INTO {t}_log
                 SELECT -1, k, x FROM old_table UNION ALL SELECT 1, k, x FROM new_table;
             INSERT INTO {t}_sums
                 SELECT k, sum(sign), sum(sign * x) FROM (
                     SELECT -1 AS sign, k, x FROM old_table UNION ALL SELECT 1, k, x FROM new_table
                 ) AS moved GROUP BY k
                 ON CONFLICT (k) DO UPDATE SET n = {t}_sums.n + excluded.n, x = {t}_sums.x + excluded.x $$"
    ));
    client.run(&format!(
        "CREATE TRIGGER x AFTER INSERT OR UPDATE OR DELETE ON {t} EXECUTE PROCEDURE {t}_p()"
    ));
}

/// What the trigger has kept must be what the table holds.
fn check(client: &mut RawClient, t: &str) {
    let now = client.lines(&format!("SELECT k, x, count(*) FROM {t} GROUP BY k, x ORDER BY k, x"));
    let logged = client.lines(&format!(
        "SELECT k, x, sum(sign) FROM {t}_log GROUP BY k, x HAVING sum(sign) <> 0 ORDER BY k, x"
    ));
    assert_eq!(logged, now);
    let sums = client.lines(&format!("SELECT k, n, x FROM {t}_sums WHERE n <> 0 ORDER BY k"));
    let wanted =
        client.lines(&format!("SELECT k, count(*), sum(x) FROM {t} GROUP BY k ORDER BY k"));
    assert_eq!(sums, wanted);
}

/// A random change of a table.
fn change(dice: &mut Dice, t: &str, has_key: bool) -> String {
    let (k, x) = (dice.roll(40), dice.roll(10));
    match dice.roll(if has_key { 9 } else { 8 }) {
        0 => format!("INSERT INTO {t} VALUES ({}, {x})", 1000 + dice.roll(100_000)),
        1 => format!(
            "INSERT INTO {t} SELECT {} + i, {x} FROM generate_series(1, {}) AS s(i)",
            200_000 + dice.roll(1_000_000),
            dice.roll(5)
        ),
        2 => format!("UPDATE {t} SET x = x + {x} WHERE k % 7 = {}", k % 7),
        3 => format!("UPDATE {t} SET k = k + 2000000 WHERE k % 40 = {k}"),
        4 => format!("DELETE FROM {t} WHERE k % 40 = {k}"),
        5 => format!("UPDATE {t} SET x = {x} FROM (VALUES ({k})) AS v(k) WHERE {t}.k % 40 = v.k"),
        6 => format!(
            "DELETE FROM {t} USING (VALUES ({k})) AS v(k) WHERE {t}.k % 40 = v.k AND x = {x}"
        ),
        7 => format!(
            "MERGE INTO {t} USING (VALUES ({k}, {x}), ({}, {x})) AS s(k, x) ON {t}.k = s.k
             WHEN MATCHED AND s.x > 7 THEN DELETE
             WHEN MATCHED THEN UPDATE SET x = s.x
             WHEN NOT MATCHED THEN INSERT (k, x) VALUES (s.k, s.x)",
            k + 100
        ),
        _ => format!(
            "INSERT INTO {t} VALUES ({k}, {x}), ({}, {x}) ON CONFLICT (k) DO UPDATE SET x = excluded.x + 1",
            k + 100
        ),
    }
}

fn random_changes(key: &str, seed: u64) {
    if skip_on_oracle("triggers that run procedures") {
        return;
    }
    let mut client = connect();
    let t = unique("t");
    define(&mut client, &t, key);
    let mut dice = Dice(seed);
    for round in 0..12 {
        let block = dice.roll(2) == 0;
        if block {
            client.run("BEGIN");
        }
        for _ in 0..8 {
            let sql = change(&mut dice, &t, !key.is_empty());
            if block && dice.roll(4) == 0 {
                client.run("SAVEPOINT s");
                client.query(&sql);
                client.run("ROLLBACK TO s");
            }
            let replies = client.query(&sql);
            // Two rows may come to have one key, in a MERGE that inserts two.
            if let Some(error) = replies.iter().find(|line| line.starts_with('E')) {
                assert_eq!(error, "E 23505", "{sql}");
                assert!(!key.is_empty());
                if block {
                    break;
                }
            }
        }
        if block {
            client.run(if round % 3 == 0 { "ROLLBACK" } else { "COMMIT" });
        }
        check(&mut client, &t);
    }
}

#[test]
fn random_changes_are_seen_as_they_happened() {
    random_changes("", 7);
    random_changes("", 4711);
}

#[test]
fn random_changes_of_a_table_with_a_key_are_seen_as_they_happened() {
    random_changes("PRIMARY KEY", 42);
}

#[test]
fn after_a_kill_triggers_have_run_once_for_what_is_there() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    define(&mut client, "t", "");
    client.run(
        "CREATE PROCEDURE out() LANGUAGE sql AS $$
             COPY (SELECT k, x FROM new_table ORDER BY k) TO 'runs/{run}.csv' $$",
    );
    client.run("CREATE TRIGGER z AFTER INSERT ON t EXECUTE PROCEDURE out()");
    let acknowledged = Arc::new(AtomicU64::new(0));
    for round in 0..4_u64 {
        let addr = server.addr;
        let writers: Vec<_> = (0..4_u64)
            .map(|writer| {
                let acknowledged = Arc::clone(&acknowledged);
                thread::spawn(move || {
                    let mut client = RawClient::connect(addr);
                    for n in 0.. {
                        let k = (round * 4 + writer) * 100_000 + n;
                        let sql = match n % 5 {
                            3 => format!("UPDATE t SET x = x + 1 WHERE k = {}", k - 1),
                            4 => format!("DELETE FROM t WHERE k = {}", k - 3),
                            _ => format!("INSERT INTO t VALUES ({k}, 1)"),
                        };
                        let Some(replies) = client.attempt(&sql, None) else { return };
                        if let Some(error) = replies.iter().find(|line| line.starts_with('E')) {
                            // Two writers' rows in one DuckDB segment may be in each other's way.
                            panic!("{sql} failed with {error}");
                        }
                        acknowledged.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let enough = (round + 1) * 25;
        eventually("writes", || acknowledged.load(Ordering::Relaxed) > enough);
        thread::sleep(Duration::from_millis(37 * round));
        server.kill_9();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        server.restart();
        let mut client = server.connect();
        check(&mut client, "t");
        // The files hold every row that was ever inserted, once.
        let mut lines = Vec::new();
        for entry in std::fs::read_dir(server.dir().join("outbox/runs")).unwrap() {
            let path = entry.unwrap().path();
            assert!(path.extension().is_some_and(|ending| ending == "csv"), "{path:?}");
            lines.extend(std::fs::read_to_string(path).unwrap().lines().map(str::to_owned));
        }
        lines.sort();
        let mut inserted: Vec<String> = client
            .lines("SELECT l.k, l.x FROM t_log l WHERE sign = 1 AND x = 1")
            .into_iter()
            .map(|line| line.replace('|', ","))
            .collect();
        inserted.sort();
        assert_eq!(lines, inserted);
    }
    server.stop();
}
