//! Transactions that write: what they and others see, and how they end.

use std::time::Duration;

use crate::harness::{Server, connect, eventually, is_oracle, unique};
use crate::messages::Out;
use crate::raw_client::{RawClient, show_all};

/// Long enough to tell waiting from slowness most of the time; a test never fails by being slow.
const A_MOMENT: Duration = Duration::from_millis(300);

/// Sends SQL that must wait.
pub fn send_and_wait(client: &mut RawClient, sql: &str) {
    client.send(Out::new().query(sql));
    assert!(client.is_silent(A_MOMENT), "did not wait: {sql}");
}

/// The replies to what was sent before.
pub fn replies(client: &mut RawClient) -> Vec<String> {
    show_all(&client.read_until_ready())
}

#[test]
fn what_a_transaction_writes_is_its_own_until_commit() {
    let (mut client, mut other) = (connect(), connect());
    let (t, u) = (unique("own_t"), unique("own_u"));
    client.run(&format!("CREATE TABLE {t} (id int PRIMARY KEY, v text)"));
    client.run("BEGIN");
    assert_eq!(client.run(&format!("INSERT INTO {t} VALUES (1, 'a'), (2, 'b')")), "INSERT 0 2");
    assert_eq!(client.run(&format!("UPDATE {t} SET v = 'c' WHERE id = 2")), "UPDATE 1");
    assert_eq!(client.run(&format!("CREATE TABLE {u} AS SELECT * FROM {t}")), "SELECT 2");
    assert_eq!(client.run(&format!("DELETE FROM {u} WHERE id = 1")), "DELETE 1");
    let returned = client.query(&format!("INSERT INTO {u} VALUES (9, 'z') RETURNING id, v"));
    assert_eq!(returned, ["T id:23 v:25", "D 9|z", "C INSERT 0 1", "Z T"]);
    assert_eq!(client.lines(&format!("SELECT * FROM {t} ORDER BY id")), ["1|a", "2|c"]);
    assert_eq!(client.lines(&format!("SELECT * FROM {u} ORDER BY id")), ["2|c", "9|z"]);
    let in_catalog = format!("SELECT count(*) FROM pg_class WHERE relname = '{u}'");
    assert_eq!(client.value(&in_catalog), "1");
    assert_eq!(other.value(&in_catalog), "0");
    assert_eq!(other.value(&format!("SELECT count(*) FROM {t}")), "0");
    assert_eq!(other.sqlstate(&format!("SELECT * FROM {u}")), "42P01");
    assert_eq!(client.query("COMMIT"), ["C COMMIT", "Z I"]);
    assert_eq!(other.value(&in_catalog), "1");
    assert_eq!(other.lines(&format!("SELECT * FROM {u} ORDER BY id")), ["2|c", "9|z"]);
    client.run(&format!("DROP TABLE {t}, {u}"));
}

#[test]
fn a_table_made_in_a_transaction_takes_rows_by_every_way() {
    let mut client = connect();
    let t = unique("made");
    client.run("BEGIN");
    client.run(&format!("CREATE TABLE {t} (id int, v text)"));
    client.run(&format!("INSERT INTO {t} VALUES (1, 'literal')"));
    let bound = client.talk(
        Out::new()
            .parse("", &format!("INSERT INTO {t} VALUES ($1, $2)"), &[23, 25])
            .bind("", "", &[Some(b"2"), Some(b"bound")])
            .execute("", 0)
            .sync(),
    );
    assert_eq!(bound, ["1", "2", "C INSERT 0 1", "Z T"]);
    let copied = client.attempt(&format!("COPY {t} FROM STDIN"), Some(b"3\tcopied\n")).unwrap();
    assert_eq!(copied.last().unwrap(), "Z T");
    client.run(&format!("INSERT INTO {t} SELECT id + 10, v FROM {t}"));
    client.run(&format!("ALTER TABLE {t} ADD COLUMN w int"));
    client.run(&format!("INSERT INTO {t} VALUES (99, 'late', 7)"));
    client.run("COMMIT");
    let rows = connect().lines(&format!("SELECT id, v, w FROM {t} ORDER BY id"));
    let expected = [
        "1|literal|NULL",
        "2|bound|NULL",
        "3|copied|NULL",
        "11|literal|NULL",
        "12|bound|NULL",
        "13|copied|NULL",
        "99|late|7",
    ];
    assert_eq!(rows, expected);
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn rollback_and_a_lost_connection_leave_nothing() {
    let mut client = connect();
    let (t, u) = (unique("lost_t"), unique("lost_u"));
    client.run(&format!("CREATE TABLE {t} (id int)"));
    client.run(&format!("INSERT INTO {t} VALUES (1)"));
    let count = format!("SELECT count(*) FROM {t}");
    client.run("BEGIN");
    client.run(&format!("DELETE FROM {t}"));
    client.run(&format!("CREATE TABLE {u} (a int)"));
    assert_eq!(client.value(&count), "0");
    assert_eq!(client.query("ROLLBACK"), ["C ROLLBACK", "Z I"]);
    assert_eq!(client.value(&count), "1");
    assert_eq!(client.sqlstate(&format!("SELECT * FROM {u}")), "42P01");
    let mut lost = connect();
    lost.run("BEGIN");
    lost.run(&format!("INSERT INTO {t} VALUES (2)"));
    lost.run(&format!("DROP TABLE {t}"));
    lost.hang_up();
    // It waits for the tables that the lost one held.
    assert_eq!(client.run(&format!("INSERT INTO {t} VALUES (3)")), "INSERT 0 1");
    assert_eq!(client.lines(&format!("SELECT id FROM {t} ORDER BY id")), ["1", "3"]);
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn an_error_undoes_the_transaction_and_commit_says_so() {
    let mut client = connect();
    let t = unique("error");
    client.run(&format!("CREATE TABLE {t} (id int PRIMARY KEY)"));
    let wrong = [
        (format!("INSERT INTO {t} VALUES (1)"), "23505"),
        (format!("INSERT INTO {t} VALUES (NULL)"), "23502"),
        ("SELECT 1 / 0".to_owned(), "22012"),
        ("SELECT * FROM no_such_table".to_owned(), "42P01"),
    ];
    for (sql, code) in wrong {
        client.run("BEGIN");
        client.run(&format!("INSERT INTO {t} VALUES (1)"));
        assert_eq!(client.sqlstate(&sql), code, "{sql}");
        assert_eq!(client.query("SELECT 1"), ["E 25P02", "Z E"]);
        assert_eq!(client.query(&format!("INSERT INTO {t} VALUES (5)")), ["E 25P02", "Z E"]);
        assert_eq!(client.query("COMMIT"), ["C ROLLBACK", "Z I"]);
        assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "0", "{sql}");
    }
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_transaction_reads_its_own_rows_page_by_page_between_writes() {
    let mut client = connect();
    let t = unique("pages");
    client.run(&format!("CREATE TABLE {t} (id int)"));
    client.run("BEGIN");
    client.run(&format!("INSERT INTO {t} SELECT * FROM generate_series(1, 10000)"));
    let page = client.talk(
        Out::new()
            .parse("s", &format!("SELECT id FROM {t} ORDER BY id"), &[])
            .bind("p", "s", &[])
            .execute("p", 2)
            .sync(),
    );
    assert_eq!(page, ["1", "2", "D 1", "D 2", "s", "Z T"]);
    client.run(&format!("DELETE FROM {t} WHERE id <= 5000"));
    let page = client.talk(Out::new().execute("p", 2).sync());
    assert_eq!(page, ["D 3", "D 4", "s", "Z T"]);
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "5000");
    let rest = client.talk(Out::new().execute("p", 0).sync());
    assert_eq!(rest.len(), 9996 + 2);
    client.run("ROLLBACK");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn an_idle_transaction_is_ended_in_time() {
    let (mut client, mut other) = (connect(), connect());
    let t = unique("idle");
    client.run(&format!("CREATE TABLE {t} (id int)"));
    client.run("SET idle_in_transaction_session_timeout = '200ms'");
    client.run("BEGIN");
    client.run(&format!("INSERT INTO {t} VALUES (1)"));
    let last = client.read();
    assert_eq!((last.error()[&'C'].as_str(), last.error()[&'S'].as_str()), ("25P03", "FATAL"));
    assert!(client.try_read().is_none());
    assert_eq!(other.value(&format!("SELECT count(*) FROM {t}")), "0");
    other.run("BEGIN");
    other.run(&format!("INSERT INTO {t} VALUES (2)"));
    other.run("COMMIT");
    other.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_holder_of_the_lane_may_not_idle_for_ever() {
    let Some(server) = Server::start(&["--writer-idle-ms", "300"]) else { return };
    let (mut reader, mut writer) = (server.connect(), server.connect());
    writer.run("CREATE TABLE t (id int)");
    reader.run("BEGIN");
    reader.value("SELECT count(*) FROM t");
    writer.run("BEGIN");
    writer.run("INSERT INTO t VALUES (1)");
    assert_eq!(writer.read().error()[&'C'], "25P03");
    assert_eq!(reader.value("SELECT count(*) FROM t"), "0");
    reader.run("COMMIT");
}

#[test]
fn one_session_has_the_lane_and_others_wait_for_it_in_turn() {
    if is_oracle() {
        return;
    }
    let Some(server) = Server::start(&[]) else { return };
    let mut clients: Vec<RawClient> = (0..3).map(|_| server.connect()).collect();
    clients[0].run("CREATE TABLE t (id int)");
    for client in &mut clients {
        client.run("BEGIN");
    }
    clients[0].run("INSERT INTO t VALUES (0)");
    send_and_wait(&mut clients[1], "INSERT INTO t VALUES (1)");
    send_and_wait(&mut clients[2], "INSERT INTO t VALUES (2)");
    clients[0].run("COMMIT");
    assert_eq!(replies(&mut clients[1]), ["C INSERT 0 1", "Z T"]);
    assert_eq!(clients[1].lines("SELECT id FROM t ORDER BY id"), ["0", "1"]);
    assert!(clients[2].is_silent(A_MOMENT));
    clients[1].run("ROLLBACK");
    assert_eq!(replies(&mut clients[2]), ["C INSERT 0 1", "Z T"]);
    clients[2].run("COMMIT");
    assert_eq!(clients[0].lines("SELECT id FROM t ORDER BY id"), ["0", "2"]);
}

#[test]
fn waiting_for_the_lane_obeys_timeouts_and_cancel() {
    if is_oracle() {
        return;
    }
    let Some(server) = Server::start(&[]) else { return };
    let (mut holder, mut waiter) = (server.connect(), server.connect());
    holder.run("CREATE TABLE t (id int)");
    holder.run("BEGIN");
    holder.run("INSERT INTO t VALUES (1)");
    for (setting, code) in [("lock_timeout", "55P03"), ("statement_timeout", "57014")] {
        waiter.run(&format!("SET {setting} = '100ms'"));
        waiter.run("BEGIN");
        assert_eq!(waiter.sqlstate("INSERT INTO t VALUES (2)"), code);
        assert_eq!(waiter.query("COMMIT"), ["C ROLLBACK", "Z I"]);
        waiter.run(&format!("RESET {setting}"));
    }
    waiter.run("BEGIN");
    send_and_wait(&mut waiter, "INSERT INTO t VALUES (2)");
    waiter.cancel();
    assert_eq!(replies(&mut waiter), ["E 57014", "Z E"]);
    waiter.run("ROLLBACK");
    holder.run("COMMIT");
    waiter.run("BEGIN");
    waiter.run("INSERT INTO t VALUES (3)");
    waiter.run("COMMIT");
    assert_eq!(holder.lines("SELECT id FROM t ORDER BY id"), ["1", "3"]);
}

#[test]
fn a_commit_is_one_intent_with_its_statements() {
    if is_oracle() {
        return;
    }
    let mut client = connect();
    let t = unique("history");
    client.run("BEGIN");
    client.run(&format!("CREATE TABLE {t} (id int)"));
    client.run(&format!("INSERT INTO {t} VALUES (1), (2)"));
    client.run("COMMIT");
    let row = format!(
        "SELECT kind, state, rows FROM teatree.intents WHERE table_name LIKE '%{t}' ORDER BY seq"
    );
    assert_eq!(client.lines(&row), ["transaction|applied|2"]);
    // One that writes nothing leaves nothing.
    let all = "SELECT count(*) FROM teatree.intents WHERE kind = 'transaction'";
    let mut other = connect();
    other.run("SET application_name = 'quiet'");
    other.run("BEGIN");
    other.value("SELECT 1");
    other.run("COMMIT");
    let quiet = format!("{all} AND application_name = 'quiet'");
    assert_eq!(other.value(&quiet), "0");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn one_change_of_a_dataset_goes_with_commit_and_mixing_is_refused() {
    if is_oracle() {
        return;
    }
    let mut client = connect();
    let (a, d) = (unique("tx_arrow"), unique("tx_duck"));
    client.run(&format!("CREATE TABLE {a} (id int) USING arrow"));
    client.run(&format!("CREATE TABLE {d} (id int)"));
    client.run("BEGIN");
    assert_eq!(client.run(&format!("INSERT INTO {a} VALUES (1), (2), (3)")), "INSERT 0 3");
    assert_eq!(connect().value(&format!("SELECT count(*) FROM {a}")), "0");
    client.run("COMMIT");
    client.run("BEGIN");
    assert_eq!(client.run(&format!("DELETE FROM {a} WHERE id > 1")), "DELETE 2");
    client.run("ROLLBACK");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {a}")), "3");
    let refused = [
        (format!("INSERT INTO {a} VALUES (4)"), format!("INSERT INTO {d} VALUES (4)")),
        (format!("INSERT INTO {d} VALUES (4)"), format!("INSERT INTO {a} VALUES (4)")),
        (format!("INSERT INTO {a} VALUES (4)"), format!("INSERT INTO {a} VALUES (5)")),
        (format!("INSERT INTO {a} VALUES (4)"), format!("SELECT count(*) FROM {a}")),
    ];
    for (first, second) in refused {
        client.run("BEGIN");
        client.run(&first);
        assert_eq!(client.query(&second), ["E 0A000", "Z E"], "{second}");
        client.run("ROLLBACK");
    }
    assert_eq!(client.value(&format!("SELECT count(*) FROM {a}")), "3");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {d}")), "0");
    client.run(&format!("DROP TABLE {a}"));
    client.run(&format!("DROP TABLE {d}"));
}

#[test]
fn a_crash_leaves_nothing_of_an_open_transaction_and_all_of_a_committed_one() {
    let Some(mut server) = Server::start(&[]) else { return };
    let (mut client, mut stream) = (server.connect(), server.connect());
    client.run("CREATE TABLE t (id int)");
    client.run("BEGIN");
    client.run("INSERT INTO t VALUES (1)");
    stream.run("INSERT INTO t VALUES (2)");
    client.run("COMMIT");
    stream.run("INSERT INTO t VALUES (3)");
    client.run("BEGIN");
    client.run("INSERT INTO t VALUES (4)");
    client.run("CREATE TABLE u (a int)");
    stream.run("INSERT INTO t VALUES (5)");
    server.kill_9();
    server.restart();
    let mut client = server.connect();
    assert_eq!(client.lines("SELECT id FROM t ORDER BY id"), ["1", "2", "3", "5"]);
    assert_eq!(client.sqlstate("SELECT * FROM u"), "42P01");
    client.run("BEGIN");
    client.run("INSERT INTO t VALUES (6)");
    client.run("COMMIT");
    assert_eq!(client.value("SELECT count(*) FROM t"), "5");
}

#[test]
fn a_server_that_goes_down_leaves_nothing_of_an_open_transaction() {
    let Some(mut server) = Server::start(&["--shutdown-grace-ms", "200"]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (id int)");
    client.run("BEGIN");
    client.run("INSERT INTO t VALUES (1)");
    server.stop();
    server.restart();
    assert_eq!(server.connect().value("SELECT count(*) FROM t"), "0");
}

#[test]
fn a_publish_beside_an_open_transaction_has_what_is_committed() {
    let Some(server) = Server::start(&[]) else { return };
    let (mut client, mut other) = (server.connect(), server.connect());
    client.run("CREATE TABLE t (id int)");
    client.run("INSERT INTO t VALUES (1)");
    client.run("BEGIN");
    client.run("UPDATE t SET id = 7");
    client.run("INSERT INTO t VALUES (2)");
    let published = other.lines("CALL teatree.publish_version('beside')");
    assert!(published[0].ends_with("|1|1"), "{published:?}");
    client.run("COMMIT");
    let published = other.lines("CALL teatree.publish_version('after')");
    assert!(published[0].ends_with("|1|2"), "{published:?}");
}

#[test]
fn duckdbs_own_log_stays_small_after_a_long_transaction() {
    let Some(server) = Server::start(&[]) else { return };
    let (mut client, mut other) = (server.connect(), server.connect());
    client.run("CREATE TABLE t (id int)");
    client.run("INSERT INTO t VALUES (1)");
    client.run("BEGIN");
    client.run("UPDATE t SET id = 7");
    for _ in 0..40 {
        other.run("INSERT INTO t SELECT * FROM generate_series(1, 100000)");
    }
    client.run("COMMIT");
    other.run("INSERT INTO t SELECT * FROM generate_series(1, 100000)");
    let wal = server.dir().join("postgres.duckdb.wal");
    eventually("the write-ahead log is short again", || {
        other.run("INSERT INTO t VALUES (1)");
        wal.metadata().map_or(0, |file| file.len()) < 20 << 20
    });
}

#[test]
fn a_transaction_takes_several_big_copies() {
    let mut client = connect();
    let t = unique("twice");
    client.run(&format!("CREATE TABLE {t} (id int PRIMARY KEY, v text)"));
    client.run("BEGIN");
    for part in 0..3 {
        let first = part * 200_000;
        let data: String =
            (first..first + 200_000).map(|id| format!("{id}\trow {id} of many\n")).collect();
        let replies = client.attempt(&format!("COPY {t} FROM STDIN"), Some(data.as_bytes()));
        assert!(replies.expect("the server answers").join(" ").contains("COPY 200000"));
    }
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "600000");
    client.run("COMMIT");
    assert_eq!(connect().value(&format!("SELECT max(id) FROM {t}")), "599999");
    client.run(&format!("DROP TABLE {t}"));
}
