//! `kill -9` while clients write: what was acknowledged is there, once; nothing is there twice.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::harness::Server;
use crate::raw_client::RawClient;

/// How long clients write before each kill.
const ROUNDS_MS: [u64; 5] = [300, 900, 150, 1700, 600];
/// Rows of one COPY.
const COPY_ROWS: u64 = 40;

/// What clients sent and what was acknowledged, over all rounds.
#[derive(Default)]
struct Promises {
    attempted: BTreeSet<u64>,
    acknowledged: BTreeSet<u64>,
}

type Shared = Arc<Mutex<Promises>>;

/// One kind of write, repeated by one or more clients.
struct Kind {
    name: &'static str,
    clients: u64,
    promises: Shared,
}

const KINDS: [(&str, u64); 6] = [
    ("rows", 4),
    ("rows_arrow", 2),
    ("copied", 1),
    ("copied_arrow", 1),
    ("created", 1),
    ("counter", 1),
];

/// The statement of a kind for one id, and COPY's data.
fn statement(kind: &str, id: u64) -> (String, Option<String>) {
    match kind {
        "rows" | "rows_arrow" => (format!("INSERT INTO {kind} VALUES ({id}, 'row {id}')"), None),
        "copied" | "copied_arrow" => {
            let row = |n| format!("{id}\trow {n}\n");
            (format!("COPY {kind} FROM STDIN"), Some((0..COPY_ROWS).map(row).collect()))
        }
        "created" => (format!("CREATE TABLE created_{id} (a int4)"), None),
        _ => ("UPDATE counter SET n = n + 1".to_owned(), None),
    }
}

/// Writes until the server is gone. Ids never repeat: round, kind's client and count are in them.
fn write_until_killed(
    mut client: RawClient,
    kind: &'static str,
    base: u64,
    shared: Shared,
) -> JoinHandle<()> {
    thread::spawn(move || {
        for id in base.. {
            let (sql, data) = statement(kind, id);
            shared.lock().unwrap().attempted.insert(id);
            let Some(replies) = client.attempt(&sql, data.as_deref().map(str::as_bytes)) else {
                return;
            };
            // A killed server may still say why; anything else than success is a fault.
            if let Some(error) = replies.iter().find(|line| line.starts_with('E')) {
                panic!("{sql} failed with {error}");
            }
            shared.lock().unwrap().acknowledged.insert(id);
        }
    })
}

fn start_writers(addr: SocketAddr, kinds: &[Kind], round: u64) -> Vec<JoinHandle<()>> {
    let mut writers = Vec::new();
    for kind in kinds {
        for client in 0..kind.clients {
            let base = round * 10_000_000 + client * 1_000_000;
            let shared = Arc::clone(&kind.promises);
            writers.push(write_until_killed(RawClient::connect(addr), kind.name, base, shared));
        }
    }
    writers
}

/// The ids that are there, and how often each.
fn found(client: &mut RawClient, kind: &str) -> Vec<(u64, u64)> {
    let sql = match kind {
        "created" => "SELECT substr(table_name, 9), 1 FROM information_schema.tables \
                      WHERE table_name LIKE 'created\\_%'"
            .to_owned(),
        _ => format!("SELECT id, count(*) FROM {kind} GROUP BY id"),
    };
    let pair = |line: &String| {
        let (id, count) = line.split_once('|').unwrap();
        (id.parse().unwrap(), count.parse().unwrap())
    };
    client.lines(&sql).iter().map(pair).collect()
}

fn check(client: &mut RawClient, kind: &Kind, round: u64) {
    let promises = kind.promises.lock().unwrap();
    if kind.name == "counter" {
        let n: usize = client.value("SELECT n FROM counter").parse().unwrap();
        let (low, high) = (promises.acknowledged.len(), promises.attempted.len());
        assert!((low..=high).contains(&n), "round {round}: counter is {n}, want {low} to {high}");
        return;
    }
    let each = if kind.name.starts_with("copied") { COPY_ROWS } else { 1 };
    let found = found(client, kind.name);
    for (id, count) in &found {
        assert_eq!(*count, each, "round {round}: {} {id} is there {count} times", kind.name);
    }
    let there: BTreeSet<u64> = found.into_iter().map(|(id, _)| id).collect();
    let lost: Vec<_> = promises.acknowledged.difference(&there).collect();
    assert!(lost.is_empty(), "round {round}: {} lost {lost:?}", kind.name);
    let invented: Vec<_> = there.difference(&promises.attempted).collect();
    assert!(invented.is_empty(), "round {round}: {} invented {invented:?}", kind.name);
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_applied_twice() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    for (table, storage) in [
        ("rows", ""),
        ("copied", ""),
        ("rows_arrow", " USING arrow"),
        ("copied_arrow", " USING arrow"),
    ] {
        client.run(&format!("CREATE TABLE {table} (id int8, a text){storage}"));
    }
    client.run("CREATE TABLE counter (n int8)");
    client.run("INSERT INTO counter VALUES (0)");
    drop(client);
    let kinds = KINDS.map(|(name, clients)| Kind { name, clients, promises: Shared::default() });
    for (round, writing_ms) in (1..).zip(ROUNDS_MS) {
        let writers = start_writers(server.addr, &kinds, round);
        thread::sleep(Duration::from_millis(writing_ms));
        server.kill_9();
        for writer in writers {
            writer.join().unwrap();
        }
        server.restart();
        if round % 2 == 0 {
            // Killed again in or right after its recovery.
            server.kill_9();
            server.restart();
        }
        let mut client = server.connect();
        for kind in &kinds {
            check(&mut client, kind, round);
        }
    }
    for kind in &kinds {
        let count = kind.promises.lock().unwrap().acknowledged.len();
        assert!(count > 0, "{} never succeeded: the test proved nothing", kind.name);
    }
    // What holds after the crashes also holds after an orderly stop.
    server.stop();
    server.restart();
    let mut client = server.connect();
    for kind in &kinds {
        check(&mut client, kind, 0);
    }
}

#[test]
fn a_torn_file_of_an_unfinished_write_does_no_harm() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (id int8) USING arrow");
    client.run("INSERT INTO t VALUES (1)");
    drop(client);
    server.kill_9();
    // A part file and a manifest that a crash left half written, under temporary names.
    let mut open = vec![server.dir()];
    let mut datasets = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "arrow") {
                datasets.push(folder.clone());
            }
        }
    }
    for folder in &datasets {
        std::fs::write(folder.join("unfinished.arrow.tmp"), b"ARROW1 torn").unwrap();
    }
    server.restart();
    let mut client = server.connect();
    assert_eq!(client.lines("SELECT id FROM t"), ["1"]);
    client.run("INSERT INTO t VALUES (2)");
    assert_eq!(client.lines("SELECT id FROM t ORDER BY id"), ["1", "2"]);
}

#[test]
fn types_that_are_made_beside_their_schemas_outlive_a_crash() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE rows (i int)");
    client.run("BEGIN");
    client.run("INSERT INTO rows VALUES (1)");
    client.run("CREATE SCHEMA a");
    client.run("CREATE TYPE a.mood AS ENUM ('low', 'high')");
    client.run("CREATE TABLE a.moods (m a.mood, t text)");
    client.run("INSERT INTO a.moods VALUES ('low', 'high')");
    client.run("COMMIT");
    client.run("BEGIN; CREATE SCHEMA b; INSERT INTO rows VALUES (2)");
    client.run("CREATE DOMAIN b.small AS int CHECK (value < 10); COMMIT");
    client.run("BEGIN; CREATE SCHEMA c; CREATE TYPE c.gone AS ENUM ('x'); DROP SCHEMA c CASCADE");
    client.run("CREATE SCHEMA c; CREATE TYPE c.mood AS ENUM ('y'); COMMIT");
    client.run("BEGIN; ALTER TABLE a.moods ALTER t TYPE a.mood USING t::a.mood");
    client.run("CREATE TABLE b.smalls (s b.small); COMMIT");
    client.run("INSERT INTO b.smalls VALUES (9)");
    drop(client);
    for _ in 0..2 {
        server.kill_9();
        server.restart();
    }
    let mut client = server.connect();
    assert_eq!(client.lines("SELECT i FROM rows ORDER BY i"), ["1", "2"]);
    assert_eq!(client.lines("SELECT m, t FROM a.moods WHERE t > m"), ["low|high"]);
    assert_eq!(client.lines("SELECT 'y'::c.mood, s FROM b.smalls"), ["y|9"]);
    assert_eq!(client.sqlstate("INSERT INTO b.smalls VALUES (10)"), "23514");
}
