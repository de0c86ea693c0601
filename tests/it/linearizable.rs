//! Over all sessions: a read that starts after a write was acknowledged sees it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Server, connect, skip_on_oracle, unique};
use crate::messages::Out;
use crate::raw_client::RawClient;

const WRITERS: usize = 6;
const READERS: usize = 4;
const LENGTH: Duration = Duration::from_secs(3);

/// One kind of table, and how its writers write.
struct Kind {
    name: &'static str,
    create: &'static str,
    /// Reads the largest number of each writer.
    read: &'static str,
    write: fn(&str, usize, i64) -> String,
    setting: Option<&'static str>,
}

fn insert(table: &str, writer: usize, n: i64) -> String {
    format!("INSERT INTO {table} VALUES ({writer}, {n})")
}

fn update(table: &str, writer: usize, n: i64) -> String {
    if n == 1 {
        insert(table, writer, n)
    } else {
        format!("UPDATE {table} SET n = {n} WHERE w = {writer}")
    }
}

const MAX: &str = "SELECT w, max(n) FROM {t} GROUP BY w";

const KINDS: &[Kind] = &[
    Kind { name: "plain", create: "(w int4, n int8)", read: MAX, write: insert, setting: None },
    Kind {
        name: "keyed",
        create: "(w int4, n int8, PRIMARY KEY (w, n))",
        read: MAX,
        write: insert,
        setting: None,
    },
    Kind { name: "updated", create: "(w int4, n int8)", read: MAX, write: update, setting: None },
    Kind {
        name: "arrow",
        create: "(w int4, n int8) USING arrow",
        read: MAX,
        write: insert,
        setting: None,
    },
    Kind {
        name: "durable",
        create: "(w int4, n int8)",
        read: MAX,
        write: insert,
        setting: Some("SET teatree.ack = 'durable'"),
    },
    Kind {
        name: "viewed",
        create: "(w int4, n int8)",
        read: "SELECT w, max(n) FROM {t}_view GROUP BY w",
        write: insert,
        setting: None,
    },
];

/// What each writer was promised.
type Board = [AtomicI64; WRITERS];

fn write_on(
    client: &mut RawClient,
    kind: &Kind,
    table: &str,
    writer: usize,
    board: &Board,
    stop: &AtomicBool,
) {
    if let Some(setting) = kind.setting {
        client.query(setting);
    }
    for n in 1.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let sql = (kind.write)(table, writer, n);
        if n % 3 == 0 {
            let out = Out::new().parse("", &sql, &[]).bind("", "", &[]).execute("", 0).sync();
            let replies = client.talk(out);
            assert!(replies.iter().any(|line| line.starts_with('C')), "{sql}: {replies:?}");
        } else {
            client.run(&sql);
        }
        board[writer].store(n, Ordering::SeqCst);
    }
}

/// Reads; gives the number of reads that had something to miss.
fn read_on(
    client: &mut RawClient,
    kind: &Kind,
    table: &str,
    board: &Board,
    stop: &AtomicBool,
) -> u64 {
    let sql = kind.read.replace("{t}", table);
    let mut reads = 0;
    let mut seen_before = [0; WRITERS];
    while !stop.load(Ordering::SeqCst) {
        let promised: Vec<i64> = board.iter().map(|n| n.load(Ordering::SeqCst)).collect();
        let mut seen = [0; WRITERS];
        for line in client.lines(&sql) {
            let (writer, n) = line.split_once('|').unwrap();
            seen[writer.parse::<usize>().unwrap()] = n.parse().unwrap();
        }
        for (writer, promised) in promised.iter().enumerate() {
            let name = kind.name;
            assert!(
                seen[writer] >= *promised,
                "{name}: a read missed writer {writer}'s {promised}, it saw {}",
                seen[writer]
            );
            assert!(seen[writer] >= seen_before[writer], "{name}: time ran backwards");
        }
        reads += u64::from(promised.iter().any(|n| *n > 0));
        seen_before = seen;
    }
    reads
}

#[test]
fn no_read_misses_what_was_acknowledged_before_it() {
    let length = if skip_on_oracle("datasets and Teatree's settings") { return } else { LENGTH };
    let mut client = connect();
    let tables: Vec<String> = KINDS.iter().map(|kind| unique(kind.name)).collect();
    for (kind, table) in KINDS.iter().zip(&tables) {
        client.run(&format!("CREATE TABLE {table} {}", kind.create));
        if kind.name == "viewed" {
            client.run(&format!("CREATE VIEW {table}_view AS SELECT * FROM {table}"));
        }
    }
    for (kind, table) in KINDS.iter().zip(&tables) {
        let board: Board = Default::default();
        let stop = AtomicBool::new(false);
        let reads: u64 = thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (board, stop) = (&board, &stop);
                scope.spawn(move || {
                    write_on(&mut connect(), kind, table, writer, board, stop);
                });
            }
            let readers: Vec<_> = (0..READERS)
                .map(|_| scope.spawn(|| read_on(&mut connect(), kind, table, &board, &stop)))
                .collect();
            let end = Instant::now() + length / 2;
            while Instant::now() < end && !readers.iter().any(|reader| reader.is_finished()) {
                thread::sleep(Duration::from_millis(20));
            }
            stop.store(true, Ordering::SeqCst);
            readers.into_iter().map(|reader| reader.join().unwrap()).sum()
        });
        let written: i64 = board.iter().map(|n| n.load(Ordering::SeqCst)).sum();
        assert!(reads > 0 && written > 0, "{}: {reads} reads, {written} writes", kind.name);
    }
    for (kind, table) in KINDS.iter().zip(&tables) {
        if kind.name == "viewed" {
            client.run(&format!("DROP VIEW {table}_view"));
        }
        client.run(&format!("DROP TABLE {table}"));
    }
}

/// A table that was dropped, renamed away or replaced between a write and a read.
#[test]
fn the_promise_holds_across_definitions() {
    let Some(server) = Server::start(&[]) else { return };
    let (mut writer, mut other) = (server.connect(), server.connect());
    for round in 0..20 {
        writer.run("CREATE TABLE a (n int8)");
        assert_eq!(other.value("SELECT count(*) FROM a"), "0");
        writer.run(&format!("INSERT INTO a VALUES ({round})"));
        assert_eq!(other.value("SELECT n FROM a"), round.to_string());
        other.run("ALTER TABLE a RENAME TO b");
        assert_eq!(writer.sqlstate("INSERT INTO a VALUES (1)"), "42P01");
        other.run(&format!("INSERT INTO b VALUES ({round} + 1000)"));
        assert_eq!(writer.value("SELECT max(n) FROM b"), (round + 1000).to_string());
        writer.run("ALTER TABLE b ADD COLUMN m int4");
        other.run("INSERT INTO b VALUES (0, 7)");
        assert_eq!(writer.value("SELECT count(m) FROM b"), "1");
        writer.run("DROP TABLE b");
        assert_eq!(other.sqlstate("SELECT * FROM b"), "42P01");
    }
}
