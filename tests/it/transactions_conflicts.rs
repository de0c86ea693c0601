//! A transaction and others that write at the same time.

use crate::harness::{Server, connect, is_oracle, unique};
use crate::transactions_writes::{replies, send_and_wait};

#[test]
fn writers_of_other_rows_and_readers_go_on() {
    let (mut client, mut other) = (connect(), connect());
    let t = unique("other_rows");
    client.run(&format!("CREATE TABLE {t} (id int PRIMARY KEY, v int)"));
    client.run(&format!("INSERT INTO {t} VALUES (1, 0), (2, 0), (3, 0)"));
    client.run("BEGIN");
    client.run(&format!("UPDATE {t} SET v = 1 WHERE id = 1"));
    client.run(&format!("INSERT INTO {t} VALUES (4, 1)"));
    assert_eq!(other.run(&format!("UPDATE {t} SET v = 2 WHERE id = 2")), "UPDATE 1");
    assert_eq!(other.run(&format!("INSERT INTO {t} VALUES (5, 2)")), "INSERT 0 1");
    let rows = format!("SELECT id, v FROM {t} ORDER BY id");
    assert_eq!(other.lines(&rows), ["1|0", "2|2", "3|0", "5|2"]);
    client.run("COMMIT");
    assert_eq!(other.lines(&rows), ["1|1", "2|2", "3|0", "4|1", "5|2"]);
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn an_update_of_the_same_row_waits_for_the_end() {
    for (end, value) in [("COMMIT", "11"), ("ROLLBACK", "10")] {
        let (mut client, mut other, mut third) = (connect(), connect(), connect());
        let t = unique("same_row");
        client.run(&format!("CREATE TABLE {t} (id int, v int)"));
        client.run(&format!("INSERT INTO {t} VALUES (1, 0), (2, 0)"));
        client.run("BEGIN");
        client.run(&format!("UPDATE {t} SET v = v + 1 WHERE id = 1"));
        send_and_wait(&mut other, &format!("UPDATE {t} SET v = v + 10 WHERE id = 1"));
        // One that waits is in nobody's way.
        assert_eq!(third.run(&format!("UPDATE {t} SET v = 5 WHERE id = 2")), "UPDATE 1");
        assert_eq!(third.run(&format!("INSERT INTO {t} VALUES (3, 0)")), "INSERT 0 1");
        client.run(end);
        assert_eq!(replies(&mut other), ["C UPDATE 1", "Z I"]);
        assert_eq!(client.value(&format!("SELECT v FROM {t} WHERE id = 1")), value);
        client.run(&format!("DROP TABLE {t}"));
    }
}

#[test]
fn who_waits_for_a_row_can_give_up_and_is_not_applied_later() {
    let (mut client, mut other) = (connect(), connect());
    let t = unique("give_up");
    client.run(&format!("CREATE TABLE {t} (id int, v int)"));
    client.run(&format!("INSERT INTO {t} VALUES (1, 0)"));
    client.run("BEGIN");
    client.run(&format!("UPDATE {t} SET v = v + 1"));
    let update = format!("UPDATE {t} SET v = v + 10");
    for (setting, code) in [("lock_timeout", "55P03"), ("statement_timeout", "57014")] {
        other.run(&format!("SET {setting} = '200ms'"));
        assert_eq!(other.sqlstate(&update), code);
        other.run(&format!("RESET {setting}"));
    }
    send_and_wait(&mut other, &update);
    other.cancel();
    assert_eq!(replies(&mut other), ["E 57014", "Z I"]);
    send_and_wait(&mut other, &update);
    client.run("COMMIT");
    assert_eq!(replies(&mut other), ["C UPDATE 1", "Z I"]);
    assert_eq!(other.value(&format!("SELECT v FROM {t}")), "11");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_delete_waits_for_an_update_of_its_row_and_the_other_way_round() {
    let cases = [
        ("UPDATE {t} SET v = 9 WHERE id = 1", "DELETE FROM {t} WHERE v = 0", "DELETE 1", "1|9"),
        ("DELETE FROM {t} WHERE id = 1", "UPDATE {t} SET v = 9", "UPDATE 1", "2|9"),
    ];
    for (first, second, tag, left) in cases {
        let (mut client, mut other) = (connect(), connect());
        let t = unique("delete_update");
        client.run(&format!("CREATE TABLE {t} (id int, v int)"));
        client.run(&format!("INSERT INTO {t} VALUES (1, 0), (2, 0)"));
        client.run("BEGIN");
        client.run(&first.replace("{t}", &t));
        send_and_wait(&mut other, &second.replace("{t}", &t));
        client.run("COMMIT");
        assert_eq!(replies(&mut other), [format!("C {tag}"), "Z I".to_owned()]);
        assert_eq!(client.lines(&format!("SELECT id, v FROM {t} ORDER BY id")), [left]);
        client.run(&format!("DROP TABLE {t}"));
    }
}

#[test]
fn a_key_that_a_transaction_frees_is_waited_for() {
    let (mut client, mut other) = (connect(), connect());
    let t = unique("freed_key");
    client.run(&format!("CREATE TABLE {t} (id int PRIMARY KEY)"));
    client.run(&format!("INSERT INTO {t} VALUES (1)"));
    client.run("BEGIN");
    client.run(&format!("DELETE FROM {t} WHERE id = 1"));
    send_and_wait(&mut other, &format!("INSERT INTO {t} VALUES (1)"));
    client.run("COMMIT");
    assert_eq!(replies(&mut other), ["C INSERT 0 1", "Z I"]);
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "1");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_snapshot_that_is_too_old_to_write_gets_40001() {
    for writes in ["UPDATE {t} SET v = 2", "DELETE FROM {t}"] {
        for between in ["UPDATE {t} SET v = 1", "DELETE FROM {t}"] {
            let (mut client, mut other) = (connect(), connect());
            let t = unique("too_old");
            client.run(&format!("CREATE TABLE {t} (id int, v int)"));
            client.run(&format!("INSERT INTO {t} VALUES (1, 0)"));
            client.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
            assert_eq!(client.value(&format!("SELECT v FROM {t}")), "0");
            other.run(&between.replace("{t}", &t));
            let replies = client.query(&writes.replace("{t}", &t));
            assert_eq!(replies, ["E 40001", "Z E"], "{between}, then {writes}");
            assert_eq!(client.query("COMMIT"), ["C ROLLBACK", "Z I"]);
            client.run(&format!("DROP TABLE {t}"));
        }
    }
}

#[test]
fn repeatable_read_writes_on_its_snapshot() {
    let (mut client, mut other) = (connect(), connect());
    let t = unique("rr_write");
    client.run(&format!("CREATE TABLE {t} (id int)"));
    client.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "0");
    other.run(&format!("INSERT INTO {t} VALUES (1)"));
    client.run(&format!("INSERT INTO {t} VALUES (2)"));
    assert_eq!(client.lines(&format!("SELECT id FROM {t}")), ["2"]);
    client.run("COMMIT");
    assert_eq!(client.lines(&format!("SELECT id FROM {t} ORDER BY id")), ["1", "2"]);
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn the_first_write_of_read_committed_sees_the_latest_data() {
    let (mut client, mut other) = (connect(), connect());
    let t = unique("rc_latest");
    client.run(&format!("CREATE TABLE {t} (id int, v int)"));
    client.run(&format!("INSERT INTO {t} VALUES (1, 0)"));
    client.run("BEGIN");
    assert_eq!(client.value(&format!("SELECT v FROM {t}")), "0");
    other.run(&format!("UPDATE {t} SET v = 5"));
    assert_eq!(client.run(&format!("UPDATE {t} SET v = v + 1")), "UPDATE 1");
    client.run("COMMIT");
    assert_eq!(client.value(&format!("SELECT v FROM {t}")), "6");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn an_insert_during_a_rename_swap_lands_in_the_new_table() {
    let (mut client, mut other) = (connect(), connect());
    let (s, old, new) = (unique("s"), unique("s_old"), unique("s_tmp"));
    client.run(&format!("CREATE TABLE {s} (id int)"));
    client.run(&format!("INSERT INTO {s} VALUES (1)"));
    client.run("BEGIN");
    client.run(&format!("CREATE TABLE {new} AS SELECT id + 100 AS id FROM {s}"));
    client.run(&format!("ALTER TABLE {s} RENAME TO {old}"));
    client.run(&format!("ALTER TABLE {new} RENAME TO {s}"));
    send_and_wait(&mut other, &format!("INSERT INTO {s} VALUES (2)"));
    // Other tables are nobody's business.
    let third = unique("third");
    connect().run(&format!("CREATE TABLE {third} (id int)"));
    client.run(&format!("DROP TABLE {old}"));
    client.run("COMMIT");
    assert_eq!(replies(&mut other), ["C INSERT 0 1", "Z I"]);
    assert_eq!(client.lines(&format!("SELECT id FROM {s} ORDER BY id")), ["2", "101"]);
    client.run(&format!("DROP TABLE {s}, {third}"));
}

#[test]
fn what_waits_for_a_table_is_applied_in_order_when_it_is_free() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (id int)");
    client.run("CREATE TABLE u (id int)");
    client.run("BEGIN");
    client.run("ALTER TABLE t ADD COLUMN v int DEFAULT 7");
    let mut waiting: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for (id, other) in waiting.iter_mut().enumerate() {
        send_and_wait(other, &format!("INSERT INTO t (id) VALUES ({id})"));
    }
    let mut other = server.connect();
    other.run("INSERT INTO u VALUES (1)");
    let parked = "SELECT count(*) FROM teatree.intents WHERE state IN ('durable', 'queued')";
    assert_eq!(other.value(parked), "3");
    client.run("COMMIT");
    for other in &mut waiting {
        assert_eq!(replies(other), ["C INSERT 0 1", "Z I"]);
    }
    let rows = client.lines("SELECT id, v FROM t ORDER BY rowid");
    assert_eq!(rows, ["0|7", "1|7", "2|7"]);
}

#[test]
fn what_waits_at_a_crash_is_applied_once() {
    let Some(mut server) = Server::start(&[]) else { return };
    let (mut client, mut other, mut third) = (server.connect(), server.connect(), server.connect());
    client.run("CREATE TABLE t (id int, v int)");
    client.run("INSERT INTO t VALUES (1, 0)");
    client.run("BEGIN");
    client.run("UPDATE t SET v = v + 1");
    send_and_wait(&mut other, "UPDATE t SET v = v + 10 WHERE id = 1");
    // The stream goes on, and says that it has passed over one.
    third.run("INSERT INTO t VALUES (2, 0)");
    server.kill_9();
    server.restart();
    let mut client = server.connect();
    // Durable, so it is applied; the transaction was never committed.
    assert_eq!(client.lines("SELECT id, v FROM t ORDER BY id"), ["1|10", "2|0"]);
    // And once more: what was applied late is not applied again.
    let mut other = server.connect();
    client.run("BEGIN");
    client.run("UPDATE t SET v = v + 1 WHERE id = 1");
    send_and_wait(&mut other, "UPDATE t SET v = v + 10 WHERE id = 1");
    server.connect().run("INSERT INTO t VALUES (3, 0)");
    client.run("COMMIT");
    assert_eq!(replies(&mut other), ["C UPDATE 1", "Z I"]);
    server.kill_9();
    server.restart();
    let rows = server.connect().lines("SELECT id, v FROM t ORDER BY id");
    assert_eq!(rows, ["1|21", "2|0", "3|0"]);
}

#[test]
fn too_many_that_wait_are_told() {
    if is_oracle() {
        return;
    }
    let Some(server) = Server::start(&["--parked-intents-max", "1"]) else { return };
    let (mut client, mut other, mut third) = (server.connect(), server.connect(), server.connect());
    client.run("CREATE TABLE t (id int)");
    client.run("BEGIN");
    client.run("ALTER TABLE t ADD COLUMN v int");
    send_and_wait(&mut other, "INSERT INTO t (id) VALUES (1)");
    assert_eq!(third.sqlstate("INSERT INTO t (id) VALUES (2)"), "53400");
    client.run("ROLLBACK");
    assert_eq!(replies(&mut other), ["C INSERT 0 1", "Z I"]);
    assert_eq!(client.lines("SELECT id FROM t"), ["1"]);
}

#[test]
fn who_waits_for_a_transaction_does_not_stop_it() {
    let (mut client, mut other) = (connect(), connect());
    let (t, u) = (unique("first"), unique("second"));
    client.run(&format!("CREATE TABLE {t} (id int); CREATE TABLE {u} (id int)"));
    client.run("BEGIN");
    client.run(&format!("ALTER TABLE {t} ADD COLUMN v int"));
    // It names what the transaction has, and what it is about to take.
    send_and_wait(&mut other, &format!("DROP TABLE {t}, {u}"));
    client.run(&format!("ALTER TABLE {u} ADD COLUMN v int"));
    client.run(&format!("INSERT INTO {u} SELECT * FROM {t}"));
    client.run("COMMIT");
    assert_eq!(replies(&mut other), ["C DROP TABLE", "Z I"]);
}

#[test]
fn a_rename_meets_a_view_that_somebody_drops() {
    // Of its own: what others define may wait for the transaction.
    let Some(server) = Server::start(&[]) else { return };
    let (mut one, mut other) = (server.connect(), server.connect());
    let rename = "ALTER TABLE kept RENAME TO old; ALTER TABLE made RENAME TO kept; COMMIT";
    for round in 0..12 {
        one.run("CREATE TABLE kept (id int); CREATE TABLE other (id int)");
        one.run("CREATE VIEW seen AS SELECT kept.id FROM kept, other");
        one.run("BEGIN; CREATE TABLE made (id int)");
        let drop = if round % 2 == 0 { "DROP VIEW seen" } else { "DROP TABLE other CASCADE" };
        if round < 2 {
            other.run(drop);
            one.run(rename);
        } else {
            std::thread::scope(|scope| {
                scope.spawn(|| other.run(drop));
                one.run(rename);
            });
        }
        assert_eq!(&one.error("SELECT * FROM seen")[&'C'], "42P01");
        one.run("DROP TABLE kept, old; DROP TABLE IF EXISTS other");
    }
}
