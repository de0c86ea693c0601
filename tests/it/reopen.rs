//! A DuckDB instance that has invalidated itself is opened again, and nothing promised is lost.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crate::harness::{Server, eventually};
use crate::raw_client::RawClient;

#[test]
fn an_invalidated_instance_is_opened_again_with_what_was_promised() {
    let args = ["--debug", "true", "--fail-points", "duckdb_fatal=eio:30"];
    let Some(mut server) = Server::start(&args) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (id int8 PRIMARY KEY)");
    client.run("CREATE TABLE d (id int8) USING arrow");
    client.run("CREATE TABLE plain (id int8)");
    drop(client);
    let acknowledged = Mutex::new(BTreeSet::new());
    let addr = server.addr;
    thread::scope(|scope| {
        for writer in 0..4i64 {
            let acknowledged = &acknowledged;
            scope.spawn(move || {
                let mut client = RawClient::connect(addr);
                for n in 0..200 {
                    let id = writer * 1000 + n;
                    let table = ["t", "d", "plain"][usize::try_from(n % 3).unwrap()];
                    let sql = format!("INSERT INTO {table} VALUES ({id})");
                    match client.attempt(&sql, None) {
                        Some(replies) if replies.iter().any(|line| line.starts_with('C')) => {
                            acknowledged.lock().unwrap().insert((table, id));
                        }
                        // Refused while it closes, or the connection has ended.
                        Some(_) => {}
                        None => {
                            // Not into the middle of the closing.
                            thread::sleep(Duration::from_secs(1));
                            client = RawClient::connect(addr);
                        }
                    }
                }
            });
        }
    });
    eventually("the instance is opened again", || {
        server.log().contains("everything is opened again")
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() > 100, "hardly anything was written: {}", acknowledged.len());
    let check = |client: &mut RawClient| {
        for table in ["t", "d", "plain"] {
            let lines = client.lines(&format!("SELECT id FROM {table}"));
            let ids: Vec<i64> = lines.iter().map(|id| id.parse().unwrap()).collect();
            let found: BTreeSet<i64> = ids.iter().copied().collect();
            assert_eq!(ids.len(), found.len(), "{table} has a row twice");
            for (_, id) in acknowledged.iter().filter(|(of, _)| *of == table) {
                assert!(found.contains(id), "{table} lost {id}");
            }
        }
    };
    check(&mut server.connect());
    server.kill_9();
    server.set_args(&[]);
    server.restart();
    check(&mut server.connect());
}
