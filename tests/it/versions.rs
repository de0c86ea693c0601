//! `CALL teatree.publish_version`: a numbered file that plain DuckDB opens.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::harness::Server;
use crate::raw_client::RawClient;

fn file_of(server: &Server, number: u32) -> PathBuf {
    server.dir().join("versions").join(format!("{number:06}.duckdb"))
}

/// One number from a version's file, read by DuckDB itself.
fn read(file: &Path, sql: &str) -> i64 {
    let config = duckdb::Config::default().access_mode(duckdb::AccessMode::ReadOnly).unwrap();
    let connection = duckdb::Connection::open_with_flags(file, config).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn publish(client: &mut RawClient, note: &str) {
    let replies = client.query(&format!("CALL teatree.publish_version('{note}')"));
    assert!(replies[0].starts_with("T "), "{replies:?}");
    assert_eq!(replies[replies.len() - 2..], ["C CALL", "Z I"], "{replies:?}");
}

#[test]
fn a_version_holds_the_rows_of_its_moment() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run(
        "CREATE TABLE t AS SELECT g AS id, 'row ' || g AS name FROM generate_series(1, 1000) s(g)",
    );
    client.run("CREATE SCHEMA aside; CREATE TABLE aside.u AS SELECT 7 AS seven");
    publish(&mut client, "first; it''s a note");
    client.run("DELETE FROM t WHERE id > 500");
    publish(&mut client, "second");
    for (number, rows, sum) in [(1, 1000, 500_500), (2, 500, 125_250)] {
        let file = file_of(&server, number);
        assert_eq!(read(&file, "SELECT count(*) FROM t"), rows);
        assert_eq!(read(&file, "SELECT sum(id)::BIGINT FROM t"), sum);
        assert_eq!(read(&file, "SELECT seven FROM aside.u"), 7);
        assert!(!file.with_extension("duckdb.wal").exists(), "a version stands alone");
    }
    let listed = client.lines("SELECT number, note FROM teatree.versions ORDER BY number");
    assert_eq!(listed, ["1|first; it's a note", "2|second"]);
    let told = client.lines("SELECT file, bytes FROM teatree.versions ORDER BY number");
    for (number, line) in (1..).zip(told) {
        let (file, bytes) = line.split_once('|').unwrap();
        assert!(file.ends_with(&format!("{number:06}.duckdb")), "{file}");
        let size = fs::metadata(file_of(&server, number)).unwrap().len();
        assert_eq!(bytes, size.to_string());
    }
}

#[test]
fn a_version_has_a_manifest_that_describes_it() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t AS SELECT g AS id FROM generate_series(1, 10) s(g)");
    publish(&mut client, "with manifest");
    let file = file_of(&server, 1);
    let manifest = fs::read_dir(file.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "json"))
        .expect("no manifest beside the file");
    let text = fs::read_to_string(&manifest).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(json.is_object(), "{text}");
    assert!(text.contains("with manifest"), "{text}");
    let sum = Command::new("sha256sum").arg(&file).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    let digest = sum.split_whitespace().next().unwrap();
    assert!(text.contains(digest), "the manifest lacks the file's SHA-256 {digest}: {text}");
    assert_eq!(client.value("SELECT sha256 FROM teatree.versions"), digest);
}

#[test]
fn versions_are_whole_while_writers_go_on() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE pairs (id int8)");
    let stop = Arc::new(AtomicBool::new(false));
    let written = Arc::new(AtomicU64::new(0));
    let writers: Vec<_> = (0..4u64)
        .map(|writer| {
            let (stop, written, addr) = (Arc::clone(&stop), Arc::clone(&written), server.addr);
            thread::spawn(move || {
                let mut client = RawClient::connect(addr);
                for n in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let id = writer * 1_000_000 + n;
                    client.run(&format!("INSERT INTO pairs VALUES ({id}), ({id})"));
                    written.fetch_add(2, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let mut bounds = Vec::new();
    for n in 0..4 {
        let low = written.load(Ordering::SeqCst);
        publish(&mut client, &format!("busy {n}"));
        bounds.push((low, written.load(Ordering::SeqCst) + 2 * 4));
        // Reads and writes went on, and go on.
        assert!(client.value("SELECT count(*) FROM pairs").parse::<u64>().unwrap() >= low);
    }
    stop.store(true, Ordering::SeqCst);
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    for (number, (low, high)) in (1..).zip(bounds) {
        let file = file_of(&server, number);
        let count = read(&file, "SELECT count(*) FROM pairs");
        let halves = read(
            &file,
            "SELECT count(*) FROM (SELECT id FROM pairs GROUP BY id HAVING count(*) <> 2)",
        );
        assert_eq!(halves, 0, "version {number} holds half a statement");
        let count = u64::try_from(count).unwrap();
        assert!((low..=high).contains(&count), "version {number}: {count} not in {low}..={high}");
    }
}

#[test]
fn numbers_go_on_after_a_restart_and_no_file_is_replaced() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (id int8)");
    publish(&mut client, "one");
    drop(client);
    let first = fs::read(file_of(&server, 1)).unwrap();
    server.kill_9();
    server.restart();
    let mut client = server.connect();
    client.run("INSERT INTO t VALUES (1)");
    publish(&mut client, "two");
    assert_eq!(
        client.lines("SELECT number, note FROM teatree.versions ORDER BY 1"),
        ["1|one", "2|two"]
    );
    assert!(fs::read(file_of(&server, 1)).unwrap() == first, "version 1 changed");
    assert_eq!(read(&file_of(&server, 2), "SELECT count(*) FROM t"), 1);
}

#[test]
fn the_python_package_opens_a_version() {
    let Some(server) = Server::start(&[]) else { return };
    let has_duckdb = Command::new("python3").args(["-c", "import duckdb"]).output();
    if !has_duckdb.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: python3 has no package duckdb");
        return;
    }
    let mut client = server.connect();
    client
        .run("CREATE TABLE t (id int4, name text, n numeric(10,2), seen timestamptz, tags text[])");
    client.run(
        "INSERT INTO t VALUES (1, 'tea', 1.50, '2024-01-01 00:00:00+00', ARRAY['a', 'b']), \
         (2, NULL, NULL, NULL, NULL)",
    );
    publish(&mut client, "for python");
    let script = "import duckdb, sys\n\
                  c = duckdb.connect(sys.argv[1], read_only=True)\n\
                  sql = 'SELECT id, name, n, epoch(seen)::BIGINT, tags FROM t ORDER BY id'\n\
                  print(c.execute(sql).fetchall())\n";
    let output = Command::new("python3")
        .args(["-c", script, &file_of(&server, 1).display().to_string()])
        .output()
        .unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{err}");
    let expected =
        "[(1, 'tea', Decimal('1.50'), 1704067200, ['a', 'b']), (2, None, None, None, None)]";
    assert_eq!(out.trim(), expected);
}

#[test]
fn a_version_is_published_while_a_reader_is_older_than_an_update() {
    // DuckDB refuses a CHECKPOINT then: it found out that publishing could be held up for ever.
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t AS SELECT g AS id, 0 AS n FROM generate_series(1, 1000) s(g)");
    let mut reader = server.connect();
    reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    assert_eq!(reader.value("SELECT sum(n) FROM t"), "0");
    client.run("UPDATE t SET n = 1 WHERE id <= 400");
    publish(&mut client, "beside a reader");
    let file = file_of(&server, 1);
    assert_eq!(read(&file, "SELECT sum(n)::BIGINT FROM t"), 400);
    assert!(!file.with_extension("duckdb.wal").exists(), "a version stands alone");
    assert_eq!(reader.value("SELECT sum(n) FROM t"), "0");
    client.run("INSERT INTO t VALUES (1001, 1)");
    assert_eq!(client.value("SELECT sum(n) FROM t"), "401");
}
