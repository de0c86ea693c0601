//! The same log over two copies of the data gives the same data: what a statement means is fixed
//! when it is accepted.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::harness::{Server, copy_folder};
use crate::raw_client::RawClient;

const SETUP: &[&str] = &[
    "CREATE TABLE plain (id int8, v text, at timestamptz)",
    "CREATE TABLE keyed (id int8 PRIMARY KEY, v text, at timestamp DEFAULT now())",
    "CREATE TABLE arrow_rows (id int8, v text) USING arrow",
    "CREATE TABLE sums (n int8)",
    "INSERT INTO sums VALUES (0)",
];

/// Writes of every kind; those that read the data above all.
const WRITES: &[&str] = &[
    "INSERT INTO plain VALUES (1, 'a', '2024-02-29 12:00'), (2, 'b', NULL)",
    "INSERT INTO plain SELECT g, 'row ' || g, NULL FROM generate_series(3, 50) AS s(g)",
    "INSERT INTO keyed VALUES (1, 'a', NULL), (2, 'b', '2024-02-29')",
    "INSERT INTO keyed (id, v) VALUES (2, 'again')",
    "UPDATE plain SET v = v || '!' WHERE id % 3 = 0",
    "UPDATE sums SET n = n + (SELECT count(*) FROM plain)",
    "DELETE FROM plain WHERE id > 40",
    "INSERT INTO arrow_rows SELECT id, v FROM plain",
    "UPDATE arrow_rows SET v = upper(v) WHERE id < 10",
    "DELETE FROM arrow_rows WHERE id = 11",
    "CREATE TABLE made AS SELECT id, v FROM plain WHERE id < 20",
    "ALTER TABLE made ADD COLUMN extra int4 DEFAULT 7",
    "INSERT INTO made VALUES (100, 'x', 1)",
    "UPDATE made SET extra = extra + 1",
    "CREATE TABLE gone (a int4)",
    "DROP TABLE gone",
    "CREATE TABLE renamed_from (a int4)",
    "INSERT INTO renamed_from VALUES (1)",
    "ALTER TABLE renamed_from RENAME TO renamed",
    "INSERT INTO renamed_from VALUES (2)",
    "UPDATE sums SET n = n * 2",
];

/// What a statement means by these is known only when it runs, unless it is fixed before.
const CLOCK_AND_CHANCE: &[&str] = &[
    "INSERT INTO plain VALUES (1001, 'a', now()), (1002, 'b', current_timestamp)",
    "INSERT INTO plain SELECT g, 'row ' || g, now() FROM generate_series(1003, 1010) AS s(g)",
    "INSERT INTO keyed (id, v) VALUES (1001, 'a')",
    "INSERT INTO keyed VALUES (1003, 'c', localtimestamp), (1004, 'd', current_date)",
    "UPDATE plain SET at = now() + interval '1 day' WHERE id = 7",
    "INSERT INTO plain VALUES (2000, gen_random_uuid()::text, now())",
    "INSERT INTO plain SELECT 2001, random()::text, now()",
    "UPDATE plain SET v = random()::text WHERE id = 1",
];

/// Every row of every table, sorted.
fn content(client: &mut RawClient) -> Vec<String> {
    client.run("SET timezone = 'UTC'");
    let mut content = Vec::new();
    let tables = client.lines(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' \
         ORDER BY table_name",
    );
    for table in tables {
        for row in client.lines(&format!("SELECT * FROM {table}")) {
            content.push(format!("{table}: {row}"));
        }
    }
    content.sort_unstable();
    content
}

fn files(dir: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path())
}

/// Puts the data of one folder beside the log of another.
fn with_data_of(before: &Path, now: &Path, to: &Path) {
    copy_folder(now, to);
    for path in files(to).filter(|path| path.to_string_lossy().contains(".duckdb")) {
        fs::remove_file(path).unwrap();
    }
    fs::remove_dir_all(to.join("datasets")).unwrap();
    copy_folder(&before.join("datasets"), &to.join("datasets"));
    for path in files(before).filter(|path| path.to_string_lossy().contains(".duckdb")) {
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// Writes with a server that is never asked to apply anything twice, and one whose log is replayed
/// on the data as it was; a crash point keeps every outcome out of the log.
fn replay_equals(writes: &[&str]) {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("SET timezone = 'Asia/Colombo'");
    SETUP.iter().for_each(|sql| drop(client.run(sql)));
    drop(client);
    server.stop();
    let before = tempfile::tempdir().unwrap();
    copy_folder(&server.dir(), before.path());
    // Outcomes are recorded only in memory, so that the log still holds every intent.
    server.set_args(&["--debug", "true", "--fail-points", "outcomes_write=hold"]);
    server.restart();
    let mut client = server.connect();
    client.run("SET timezone = 'Asia/Colombo'");
    for sql in writes {
        client.query(sql);
    }
    let first = content(&mut client);
    server.kill_9();
    let replayed = tempfile::tempdir().unwrap();
    let dir = replayed.path().join("data");
    with_data_of(before.path(), &server.dir(), &dir);
    // A clock that had stood still would hide what depends on it.
    thread::sleep(Duration::from_millis(1100));
    let again = Server::start_in(&dir, &[]).unwrap();
    let second = content(&mut again.connect());
    assert!(again.log().contains("replaying the intent log"));
    assert!(first.len() > 90 && first.iter().any(|row| row.starts_with("renamed: ")));
    for (one, other) in first.iter().zip(&second) {
        assert_eq!(one, other);
    }
    assert_eq!(first.len(), second.len());
}

#[test]
fn the_same_log_on_two_copies_of_the_data_gives_the_same_data() {
    replay_equals(WRITES);
}

#[test]
fn the_clock_and_chance_are_fixed_when_a_statement_is_accepted() {
    replay_equals(&[WRITES, CLOCK_AND_CHANCE].concat());
}
