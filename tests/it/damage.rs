//! Damaged files of a server that was killed: it starts with everything that was acknowledged, or
//! refuses to start and says how to go on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::harness::{Server, copy_folder};

/// Rows in each table, one statement each.
const ROWS: usize = 30;

/// A data folder as a kill left it: with DuckDB's write-ahead log not yet in the data file.
fn killed() -> Option<tempfile::TempDir> {
    let mut server = Server::start(&[])?;
    let mut client = server.connect();
    client.run("CREATE TABLE plain (id int8, v text)");
    client.run("CREATE TABLE arrow_rows (id int8) USING arrow");
    for id in 0..ROWS {
        client.run(&format!("INSERT INTO plain VALUES ({id}, '{}')", "x".repeat(200)));
        client.run(&format!("INSERT INTO arrow_rows VALUES ({id})"));
    }
    // Its outcome is behind all others: once it is in the log, theirs are too.
    client.run("UPDATE plain SET v = 'last' WHERE id = 0");
    std::thread::sleep(Duration::from_millis(300));
    server.kill_9();
    let kept = tempfile::tempdir().unwrap();
    copy_folder(&server.dir(), kept.path());
    Some(kept)
}

fn wal(dir: &Path) -> PathBuf {
    dir.join("postgres.duckdb.wal")
}

/// Starts a server on a damaged copy. Returns whether it refused; if not, everything is there.
fn refuses(kept: &Path, what: &str, damage: impl Fn(&Path)) -> bool {
    let copy = tempfile::tempdir().unwrap();
    copy_folder(kept, copy.path());
    damage(copy.path());
    let mut server = Server::prepare_in(copy.path(), &[]);
    if !server.try_start() {
        let log = server.log();
        assert!(!log.contains("panicked"), "{what}: {log}");
        assert!(log.contains("hint: "), "{what}: no hint: {log}");
        return true;
    }
    let mut client = server.connect();
    let plain = client.value("SELECT count(*) || '/' || count(DISTINCT id) FROM plain");
    assert_eq!(plain, format!("{ROWS}/{ROWS}"), "{what}");
    assert_eq!(client.value("SELECT v FROM plain WHERE id = 0"), "last", "{what}");
    assert_eq!(client.value("SELECT count(*) FROM arrow_rows"), ROWS.to_string(), "{what}");
    false
}

#[test]
fn a_damaged_write_ahead_log_of_duckdb_loses_nothing_silently() {
    let Some(kept) = killed() else { return };
    let bytes = fs::read(wal(kept.path())).unwrap();
    assert!(bytes.len() > ROWS * 200, "the log of DuckDB is empty: the test proves nothing");
    assert!(!refuses(kept.path(), "no damage", |_| {}));
    for part in [1, 5, 9] {
        let at = bytes.len() * part / 10;
        refuses(kept.path(), &format!("byte {at}"), |dir| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0xff;
            fs::write(wal(dir), bytes).unwrap();
        });
    }
    assert!(refuses(kept.path(), "cut", |dir| {
        fs::write(wal(dir), &bytes[..bytes.len() / 2]).unwrap();
    }));
    assert!(refuses(kept.path(), "missing", |dir| fs::remove_file(wal(dir)).unwrap()));
}

#[test]
fn a_damaged_dataset_is_refused() {
    let Some(kept) = killed() else { return };
    let dataset = |dir: &Path| {
        let datasets = fs::read_dir(dir.join("datasets")).unwrap();
        datasets.map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap()
    };
    assert!(refuses(kept.path(), "manifest", |dir| {
        let manifests = fs::read_dir(dataset(dir)).unwrap().map(|entry| entry.unwrap().path());
        let manifest = manifests.into_iter().find(|path| path.extension().unwrap() == "json");
        let path = manifest.unwrap();
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 20]).unwrap();
    }));
    assert!(refuses(kept.path(), "part", |dir| {
        let parts = fs::read_dir(dataset(dir)).unwrap().map(|entry| entry.unwrap().path());
        let mut parts = parts.into_iter().filter(|path| path.extension().unwrap() == "arrow");
        fs::remove_file(parts.next().unwrap()).unwrap();
    }));
}

#[test]
fn a_damaged_intent_log_is_refused_and_can_be_salvaged() {
    let Some(kept) = killed() else { return };
    let newest = |dir: &Path| {
        let files = fs::read_dir(dir.join("log")).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|end| end == "log")).max().unwrap()
    };
    let damage = |dir: &Path| {
        let mut bytes = fs::read(newest(dir)).unwrap();
        bytes[100] ^= 0xff;
        fs::write(newest(dir), bytes).unwrap();
    };
    assert!(refuses(kept.path(), "the intent log", damage));
    damage(kept.path());
    let salvaged = Server::start_in(kept.path(), &["--salvage-log", "true"]);
    let mut server = salvaged.unwrap();
    let mut client = server.connect();
    assert_eq!(client.value("SELECT count(*) FROM plain"), ROWS.to_string());
    client.run("INSERT INTO plain VALUES (1000, 'after')");
    client.run("INSERT INTO arrow_rows VALUES (1000)");
    drop(client);
    server.kill_9();
    server.set_args(&[]);
    server.restart();
    let mut client = server.connect();
    assert_eq!(client.value("SELECT count(*) FROM plain"), (ROWS + 1).to_string());
    assert_eq!(client.value("SELECT count(*) FROM arrow_rows"), (ROWS + 1).to_string());
}
