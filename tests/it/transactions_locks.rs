//! Locks that clients ask for: LOCK TABLE and advisory locks.

use crate::harness::{Server, connect, is_oracle, unique};
use crate::messages::Out;
use crate::transactions_writes::{replies, send_and_wait};

#[test]
fn a_locked_table_keeps_writers_out_and_readers_not() {
    let (mut client, mut other, mut reader) = (connect(), connect(), connect());
    let (t, u) = (unique("locked"), unique("not_locked"));
    client.run(&format!("CREATE TABLE {t} (id int)"));
    client.run(&format!("CREATE TABLE {u} (id int)"));
    for mode in ["SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE"] {
        client.run("BEGIN");
        assert_eq!(
            client.query(&format!("LOCK TABLE {t} IN {mode} MODE")),
            ["C LOCK TABLE", "Z T"]
        );
        send_and_wait(&mut other, &format!("INSERT INTO {t} VALUES (1)"));
        assert_eq!(reader.value(&format!("SELECT count(*) FROM {t}")), "0");
        assert_eq!(reader.run(&format!("INSERT INTO {u} VALUES (1)")), "INSERT 0 1");
        client.run("COMMIT");
        assert_eq!(replies(&mut other), ["C INSERT 0 1", "Z I"]);
        client.run(&format!("DELETE FROM {t}"));
    }
    for mode in ["ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE"] {
        client.run("BEGIN");
        client.run(&format!("LOCK {t} IN {mode} MODE"));
        assert_eq!(other.run(&format!("INSERT INTO {t} VALUES (1)")), "INSERT 0 1");
        client.run("COMMIT");
    }
    client.run(&format!("DROP TABLE {t}, {u}"));
}

#[test]
fn a_lock_that_is_not_to_be_had_is_told() {
    let (mut client, mut other) = (connect(), connect());
    let t = unique("nowait");
    client.run(&format!("CREATE TABLE {t} (id int)"));
    assert_eq!(client.sqlstate(&format!("LOCK TABLE {t}")), "25P01");
    client.run("BEGIN");
    assert_eq!(client.query("LOCK TABLE no_such_table"), ["E 42P01", "Z E"]);
    client.run("ROLLBACK");
    client.run("BEGIN READ ONLY");
    assert_eq!(client.query(&format!("LOCK TABLE {t}")), ["C LOCK TABLE", "Z T"]);
    client.run("ROLLBACK");
    client.run("BEGIN");
    client.run(&format!("LOCK TABLE {t}"));
    other.run("BEGIN");
    assert_eq!(other.query(&format!("LOCK TABLE {t} NOWAIT")), ["E 55P03", "Z E"]);
    other.run("ROLLBACK");
    other.run("SET lock_timeout = '100ms'");
    other.run("BEGIN");
    assert_eq!(other.query(&format!("LOCK TABLE {t}")), ["E 55P03", "Z E"]);
    other.run("ROLLBACK");
    assert_eq!(other.sqlstate(&format!("INSERT INTO {t} VALUES (1)")), "55P03");
    client.run(&format!("INSERT INTO {t} VALUES (2)"));
    client.run("COMMIT");
    assert_eq!(other.lines(&format!("SELECT id FROM {t}")), ["2"]);
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn what_was_written_before_the_lock_is_seen_after_it() {
    let (mut client, mut other) = (connect(), connect());
    let t = unique("seen");
    client.run(&format!("CREATE TABLE {t} (id int)"));
    client.run("BEGIN");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "0");
    other.run(&format!("INSERT INTO {t} VALUES (1)"));
    client.run(&format!("LOCK TABLE {t} IN EXCLUSIVE MODE"));
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "1");
    client.run("COMMIT");
    client.run(&format!("DROP TABLE {t}"));
}

/// Keys that no other test of this run uses.
fn key() -> String {
    unique("").chars().filter(char::is_ascii_digit).rev().take(15).collect()
}

#[test]
fn advisory_locks_are_the_sessions_until_it_gives_them_back_or_ends() {
    let (mut client, mut other) = (connect(), connect());
    let key = key();
    let lock = format!("SELECT pg_advisory_lock({key})");
    let test = format!("SELECT pg_try_advisory_lock({key})");
    assert_eq!(client.query(&lock)[1..], ["D", "C SELECT 1", "Z I"]);
    assert_eq!(client.value(&test), "t");
    assert_eq!(other.value(&test), "f");
    assert_eq!(other.value(&format!("SELECT pg_try_advisory_lock_shared({key})")), "f");
    let unlock = format!("SELECT pg_advisory_unlock({key}) AS done");
    assert_eq!(client.query(&unlock), ["T done:16", "D t", "C SELECT 1", "Z I"]);
    assert_eq!(other.value(&test), "f");
    send_and_wait(&mut other, &lock);
    assert_eq!(client.value(&unlock), "t");
    assert_eq!(replies(&mut other)[1..], ["D", "C SELECT 1", "Z I"]);
    assert_eq!(client.value(&unlock), "f");
    other.hang_up();
    client.run(&lock);
    client.run("SELECT pg_advisory_unlock_all()");
    let mut other = connect();
    assert_eq!(other.value(&format!("SELECT pg_try_advisory_lock_shared({key})")), "t");
    assert_eq!(client.value(&format!("SELECT pg_try_advisory_lock_shared({key})")), "t");
    assert_eq!(client.value(&test), "f");
}

#[test]
fn advisory_locks_of_a_transaction_end_with_it() {
    let (mut client, mut other) = (connect(), connect());
    let key = key();
    let own = format!("SELECT pg_advisory_xact_lock({}, 7)", &key[..5]);
    let test = format!("SELECT pg_try_advisory_xact_lock({}, 7)", &key[..5]);
    for end in ["COMMIT", "ROLLBACK"] {
        client.run("BEGIN");
        client.run(&own);
        assert_eq!(other.value(&test), "f");
        client.run(end);
        assert_eq!(other.value(&test), "t");
    }
    client.run(&own);
    assert_eq!(other.value(&test), "t");
    let bound = client.talk(
        Out::new()
            .parse("", "SELECT pg_try_advisory_lock($1) AS got", &[])
            .describe_statement("")
            .bind("", "", &[Some(key.as_bytes())])
            .execute("", 0)
            .sync(),
    );
    assert_eq!(bound[1..], ["t [20]", "T got:16", "2", "D t", "C SELECT 1", "Z I"]);
}

#[test]
fn waiting_for_an_advisory_lock_ends_by_timeout_and_deadlock() {
    let (mut client, mut other) = (connect(), connect());
    let (one, two) = (key(), key());
    client.run(&format!("SELECT pg_advisory_lock({one})"));
    other.run("SET lock_timeout = '100ms'");
    assert_eq!(other.sqlstate(&format!("SELECT pg_advisory_lock({one})")), "55P03");
    other.run("RESET lock_timeout");
    if is_oracle() {
        // Which of the two PostgreSQL chooses is a matter of time.
        return;
    }
    other.run(&format!("SELECT pg_advisory_lock({two})"));
    send_and_wait(&mut client, &format!("SELECT pg_advisory_lock({two})"));
    assert_eq!(other.sqlstate(&format!("SELECT pg_advisory_lock({one})")), "40P01");
    other.run(&format!("SELECT pg_advisory_unlock({two})"));
    assert_eq!(replies(&mut client)[1..], ["D", "C SELECT 1", "Z I"]);
    let mixed = format!("SELECT pg_advisory_lock({one}), count(*) FROM pg_class");
    assert_eq!(other.sqlstate(&mixed), "0A000");
}

#[test]
fn definitions_that_are_in_no_tables_way_wait_for_no_transaction() {
    // Of its own: an open transaction must be in nobody's way.
    let Some(server) = Server::start(&[]) else { return };
    let (mut one, mut other) = (server.connect(), server.connect());
    one.run("CREATE TABLE t (id int); CREATE TABLE u (id int); CREATE SEQUENCE numbers");
    one.run("CREATE VIEW seen AS SELECT 1 AS a");
    one.run("BEGIN; CREATE TABLE made AS SELECT 1 AS id; ALTER TABLE t ADD COLUMN b int");
    other.run("SET lock_timeout = '20s'");
    for sql in [
        "CREATE VIEW plain AS SELECT 1 AS a",
        "CREATE OR REPLACE VIEW seen AS SELECT 2 AS a",
        "CREATE SCHEMA other",
        "CREATE TYPE mood AS ENUM ('glad')",
        "CREATE DOMAIN small AS int",
        "CREATE SEQUENCE further",
        "ALTER SEQUENCE further RESTART",
        "SELECT setval('numbers', 5)",
        "SELECT nextval('numbers')",
        "CREATE FUNCTION more(i int) RETURNS int LANGUAGE sql AS 'SELECT i + 1'",
        "CREATE PROCEDURE p() LANGUAGE sql AS 'INSERT INTO u VALUES (1)'",
        "CALL p()",
        "COMMENT ON TABLE u IS 'other'",
        "COMMENT ON SCHEMA other IS 'other'",
        "CREATE ROLE reader_of_u",
        "GRANT SELECT ON u TO reader_of_u",
        "REVOKE SELECT ON u FROM reader_of_u",
        "DROP ROLE reader_of_u",
        "ANALYZE",
        "DROP TABLE IF EXISTS never, u",
    ] {
        other.run(sql);
    }
    // What it holds is waited for still.
    other.run("SET lock_timeout = '200ms'");
    for sql in
        ["COMMENT ON TABLE t IS 'held'", "DROP TABLE IF EXISTS never, t", "DROP SCHEMA other"]
    {
        assert_eq!(&other.error(sql)[&'C'], "55P03", "{sql}");
    }
    one.run("COMMIT");
    assert_eq!(other.value("SELECT count(*) FROM made"), "1");
}
