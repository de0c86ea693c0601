//! A disk that is really full: a small file system of its own, where the tests may mount one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::harness::Server;
use crate::messages::{Message, Out};
use crate::raw_client::RawClient;

/// The size of the file system, in MiB.
const SIZE_MIB: u64 = 64;

/// A small file system, unmounted on drop.
struct SmallDisk {
    place: TempDir,
}

impl SmallDisk {
    /// Mounts one; `None`, with a notice, where that is not allowed.
    fn mount() -> Option<SmallDisk> {
        let place = TempDir::with_prefix("teatree-disk-").unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={SIZE_MIB}m"), "tmpfs"])
            .arg(place.path())
            .output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: no file system can be mounted here; fail points stand in for it");
            return None;
        }
        Some(SmallDisk { place })
    }

    fn balloon(&self) -> PathBuf {
        self.place.path().join("balloon")
    }

    /// Fills the disk but for so many bytes.
    fn fill(&self, leave: u64) {
        let space = rustix::fs::statvfs(self.place.path()).unwrap();
        let free = space.f_bavail * space.f_frsize;
        let file = fs::File::create(self.balloon()).unwrap();
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, free - leave).unwrap();
    }

    fn make_room(&self) {
        fs::remove_file(self.balloon()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.place.path()).status();
    }
}

fn start(disk: &SmallDisk) -> Option<Server> {
    Server::start_in(&disk.place.path().join("data"), &[])
}

/// Runs SQL and gives its last CommandComplete or ErrorResponse.
fn ask(client: &mut RawClient, sql: &str, copy: &str) -> Message {
    client.send(Out::new().query(sql));
    let mut answer = None;
    loop {
        let message = client.read();
        match message.tag {
            b'G' => client.send(Out::new().copy_data(copy.as_bytes()).copy_done()),
            b'C' | b'E' => answer = Some(message),
            b'Z' => return answer.unwrap(),
            _ => {}
        }
    }
}

/// Writes until writes are refused; gives the ids that were acknowledged, and the error.
fn write_until_full(client: &mut RawClient, table: &str) -> (BTreeSet<i64>, i64, Message) {
    let mut acknowledged = BTreeSet::new();
    for id in 0..10_000 {
        let value = "x".repeat(20_000);
        let sql = format!("INSERT INTO {table} VALUES ({id}, '{value}')");
        let answer = ask(client, &sql, "");
        if answer.tag == b'E' {
            return (acknowledged, id, answer);
        }
        acknowledged.insert(id);
    }
    panic!("the disk never filled");
}

fn ids(client: &mut RawClient, table: &str) -> Vec<i64> {
    let sql = format!("SELECT id FROM {table} ORDER BY id");
    client.lines(&sql).iter().map(|line| line.parse().unwrap()).collect()
}

fn fill_and_recover(table: &str, storage: &str) {
    let Some(disk) = SmallDisk::mount() else { return };
    let Some(mut server) = start(&disk) else { return };
    let mut client = server.connect();
    client.run(&format!("CREATE TABLE {table} (id int8, v text){storage}"));
    client.run(&format!("INSERT INTO {table} VALUES (-1, 'before')"));
    disk.fill(5 << 20);
    let (acknowledged, tried, error) = write_until_full(&mut client, table);
    let fields = error.error();
    assert_eq!(fields[&'C'], "53100", "{fields:?}");
    // Reads go on, on this connection and on new ones.
    // What is promised and could not be applied shows after the restart.
    let seen = ids(&mut client, table);
    assert!(seen.iter().all(|id| *id <= tried), "{seen:?}");
    assert_eq!(server.connect().value(&format!("SELECT v FROM {table} WHERE id = -1")), "before");
    // Room alone does not help: nobody knows what the disk holds.
    disk.make_room();
    let after = ask(&mut client, &format!("INSERT INTO {table} VALUES (100000, 'late')"), "");
    if after.tag == b'E' {
        let fields = after.error();
        assert!(["53100", "58030"].contains(&fields[&'C'].as_str()), "{fields:?}");
        assert!(fields[&'H'].contains("restart"), "{fields:?}");
    }
    let late = after.tag == b'C';
    server.kill_9();
    server.restart();
    let mut client = server.connect();
    let mut found = ids(&mut client, table);
    let unknown = found.contains(&tried);
    let mut wanted = vec![-1];
    wanted.extend(&acknowledged);
    wanted.extend(unknown.then_some(tried));
    wanted.extend(late.then_some(100_000));
    found.sort_unstable();
    assert_eq!(found, wanted);
    client.run(&format!("INSERT INTO {table} VALUES (200000, 'again')"));
    assert_eq!(client.value(&format!("SELECT v FROM {table} WHERE id = 200000")), "again");
}

#[test]
fn a_full_disk_stops_writes_and_keeps_reads_and_promises_duckdb() {
    fill_and_recover("full_rows", "");
}

#[test]
fn a_full_disk_stops_writes_and_keeps_reads_and_promises_arrow() {
    fill_and_recover("full_arrow", " USING arrow");
}

#[test]
fn a_copy_that_does_not_fit_fails_alone() {
    let Some(disk) = SmallDisk::mount() else { return };
    let Some(server) = start(&disk) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (id int8, v text)");
    disk.fill(8 << 20);
    let row = format!("1\t{}\n", "x".repeat(1000));
    let answer = ask(&mut client, "COPY t FROM STDIN", &row.repeat(20_000));
    assert_eq!(answer.tag, b'E');
    assert_eq!(answer.error()[&'C'], "53100", "{:?}", answer.error());
    client.run("INSERT INTO t VALUES (2, 'after')");
    assert_eq!(client.lines("SELECT id FROM t"), ["2"]);
    assert!(is_empty(&server.dir().join("staged")));
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}
