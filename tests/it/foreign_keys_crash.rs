//! Foreign keys after `kill -9`, and those of data files that are older than our own.

use std::thread;
use std::time::Duration;

use crate::harness::{Server, eventually};
use crate::raw_client::RawClient;

#[test]
fn after_a_kill_nothing_dangles_and_the_keys_hold() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE p (id bigint PRIMARY KEY)");
    client.run("CREATE TABLE c (id bigint PRIMARY KEY, p bigint REFERENCES p ON DELETE CASCADE)");
    client.run("CREATE TABLE d (c bigint REFERENCES c DEFERRABLE INITIALLY DEFERRED)");
    for round in 0..4_u64 {
        let addr = server.addr;
        let writers: Vec<_> = (0..4_u64)
            .map(|writer| {
                thread::spawn(move || {
                    let mut client = RawClient::connect(addr);
                    for n in 0.. {
                        let id = (round * 4 + writer) * 100_000 + n;
                        let sql = match n % 4 {
                            0 => format!("INSERT INTO p VALUES ({id})"),
                            1 => format!("INSERT INTO c VALUES ({id}, {})", id - 1),
                            2 if writer == 0 => format!(
                                "BEGIN; INSERT INTO d VALUES ({id}); INSERT INTO c VALUES ({id}, {}); \
                                 COMMIT",
                                id - 2
                            ),
                            2 => format!("INSERT INTO d VALUES ({id})"),
                            _ if writer == 1 => format!("DELETE FROM p WHERE id = {}", id - 3),
                            _ => format!("DELETE FROM d WHERE c = {}", id - 2),
                        };
                        let Some(_) = client.attempt(&sql, None) else { return };
                        let Some(_) = client.attempt("ROLLBACK", None) else { return };
                    }
                })
            })
            .collect();
        let mut client = server.connect();
        let before = (round * 30).to_string();
        eventually("writes", || client.value(&format!("SELECT count(*) > {before} FROM p")) == "t");
        thread::sleep(Duration::from_millis(37 * round));
        server.kill_9();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        server.restart();
        let mut client = server.connect();
        let dangling = "SELECT count(*) FROM c LEFT JOIN p ON c.p = p.id WHERE p.id IS NULL
             UNION ALL SELECT count(*) FROM d LEFT JOIN c ON d.c = c.id WHERE c.id IS NULL";
        assert_eq!(client.lines(dangling), ["0", "0"]);
        assert_eq!(client.sqlstate("INSERT INTO c VALUES (-1, -1)"), "23503");
        assert_eq!(client.sqlstate("INSERT INTO d VALUES (-1)"), "23503");
    }
    server.stop();
}

/// A data file with DuckDB's own foreign keys, as they were made before.
fn with_old_keys() -> Option<Server> {
    let mut server = Server::start(&[])?;
    server.stop();
    let mut files = std::fs::read_dir(server.dir()).unwrap().map(|entry| entry.unwrap().path());
    let file = files.find(|path| path.extension().is_some_and(|end| end == "duckdb")).unwrap();
    let connection = duckdb::Connection::open(file).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE p (id INTEGER PRIMARY KEY, v INTEGER);
             CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER,
                 up INTEGER, FOREIGN KEY (p) REFERENCES p (id), FOREIGN KEY (up) REFERENCES c (id));
             CREATE TABLE g (c INTEGER, FOREIGN KEY (c) REFERENCES c (id));
             INSERT INTO p VALUES (1, 1), (2, 2);
             INSERT INTO c VALUES (1, 1, NULL);
             INSERT INTO c VALUES (2, 2, 1);
             INSERT INTO g VALUES (1);
             CHECKPOINT;",
        )
        .unwrap();
    drop(connection);
    server.restart();
    Some(server)
}

const KEYS: &str =
    "SELECT conname, conrelid::regclass, confrelid::regclass, pg_get_constraintdef(oid)
     FROM pg_constraint WHERE contype = 'f' ORDER BY 1";

#[test]
fn old_keys_go_on_and_become_ours_when_a_table_is_made_anew() {
    let Some(mut server) = with_old_keys() else { return };
    let mut client = server.connect();
    let keys = [
        "c_p_fkey|c|p|FOREIGN KEY (p) REFERENCES p(id)",
        "c_up_fkey|c|c|FOREIGN KEY (up) REFERENCES c(id)",
        "g_c_fkey|g|c|FOREIGN KEY (c) REFERENCES c(id)",
    ];
    assert_eq!(client.lines(KEYS), keys);
    let refused = |client: &mut RawClient| {
        assert_eq!(client.sqlstate("INSERT INTO c VALUES (3, 9, NULL)"), "23503");
        assert_eq!(client.sqlstate("INSERT INTO g VALUES (9)"), "23503");
        assert_eq!(client.sqlstate("DELETE FROM c WHERE id = 1"), "23503");
        assert_eq!(client.sqlstate("DELETE FROM p WHERE id = 2"), "23503");
    };
    refused(&mut client);
    // DuckDB's own has no row changed that others refer to; ours has.
    assert_eq!(client.sqlstate("ALTER TABLE p DROP COLUMN id"), "2BP01");
    client.run("ALTER TABLE p RENAME COLUMN v TO w");
    client.run("ALTER TABLE c ADD COLUMN note text");
    assert_eq!(client.lines(KEYS), keys);
    server.kill_9();
    server.restart();
    let mut client = server.connect();
    assert_eq!(client.lines(KEYS), keys);
    client.run(
        "BEGIN; DELETE FROM g; DELETE FROM c WHERE id = 2; DELETE FROM p WHERE id = 2; ROLLBACK",
    );
    assert_eq!(client.sqlstate("INSERT INTO c VALUES (3, 9, NULL)"), "23503");
    assert_eq!(client.sqlstate("DELETE FROM p WHERE id = 1"), "23503");
    client.run("UPDATE c SET note = 'n'");
    client.run("TRUNCATE p CASCADE");
    assert_eq!(client.value("SELECT count(*) FROM g"), "0");
    server.stop();
}

#[test]
fn old_tables_are_dropped_and_emptied() {
    let Some(mut server) = with_old_keys() else { return };
    let mut client = server.connect();
    assert_eq!(client.sqlstate("DROP TABLE p"), "2BP01");
    assert_eq!(client.sqlstate("TRUNCATE c"), "0A000");
    client.run("DROP TABLE p CASCADE");
    client.run("INSERT INTO c VALUES (3, 9, NULL)");
    assert_eq!(client.sqlstate("INSERT INTO g VALUES (9)"), "23503");
    client.run("DROP TABLE c, g");
    server.stop();
}
