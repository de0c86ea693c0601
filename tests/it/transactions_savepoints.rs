//! SAVEPOINT, ROLLBACK TO, RELEASE; transactions that nobody began.

use crate::harness::{Server, connect, unique};
use crate::messages::Out;
use crate::raw_client::RawClient;

/// Runs statements against the replies they must get; `{t}` is a table `(id int PRIMARY KEY)`.
fn script(client: &mut RawClient, t: &str, steps: &[(&str, &[&str])]) {
    for (sql, expected) in steps {
        assert_eq!(client.query(&sql.replace("{t}", t)), *expected, "{sql}");
    }
}

fn ids(client: &mut RawClient, t: &str) -> Vec<String> {
    client.lines(&format!("SELECT id FROM {t} ORDER BY id"))
}

fn with_table(name: &str, work: impl FnOnce(&mut RawClient, &str)) {
    let mut client = connect();
    let t = unique(name);
    client.run(&format!("CREATE TABLE {t} (id int PRIMARY KEY)"));
    work(&mut client, &t);
    client.run(&format!("DROP TABLE {t}"));
}

const ONE: &[&str] = &["C INSERT 0 1", "Z T"];
const SAVED: &[&str] = &["C SAVEPOINT", "Z T"];
const BACK: &[&str] = &["C ROLLBACK", "Z T"];
const RELEASED: &[&str] = &["C RELEASE", "Z T"];

#[test]
fn an_error_after_a_savepoint_undoes_only_what_came_after_it() {
    with_table("sp_error", |client, t| {
        script(
            client,
            t,
            &[
                ("BEGIN", &["C BEGIN", "Z T"]),
                ("INSERT INTO {t} VALUES (1)", ONE),
                ("SAVEPOINT a", SAVED),
                ("INSERT INTO {t} VALUES (2)", ONE),
                ("INSERT INTO {t} VALUES (1)", &["E 23505", "Z E"]),
                ("INSERT INTO {t} VALUES (3)", &["E 25P02", "Z E"]),
                ("SAVEPOINT b", &["E 25P02", "Z E"]),
                ("RELEASE a", &["E 25P02", "Z E"]),
                ("ROLLBACK TO a", BACK),
                ("INSERT INTO {t} VALUES (4)", ONE),
                ("SELECT 1 / (id - id) AS x FROM {t}", &["T x:23", "E 22012", "Z E"]),
                ("ROLLBACK TO SAVEPOINT a", BACK),
                ("INSERT INTO {t} VALUES (5)", ONE),
                ("COMMIT", &["C COMMIT", "Z I"]),
            ],
        );
        assert_eq!(ids(client, t), ["1", "5"]);
    });
}

#[test]
fn names_repeat_and_nest() {
    with_table("sp_nested", |client, t| {
        script(
            client,
            t,
            &[
                ("BEGIN", &["C BEGIN", "Z T"]),
                ("SAVEPOINT a", SAVED),
                ("INSERT INTO {t} VALUES (1)", ONE),
                ("SAVEPOINT b", SAVED),
                ("INSERT INTO {t} VALUES (2)", ONE),
                ("SAVEPOINT a", SAVED),
                ("INSERT INTO {t} VALUES (3)", ONE),
                ("ROLLBACK TO a", BACK),
                ("ROLLBACK TO a", BACK),
                ("SELECT count(*) AS n FROM {t}", &["T n:20", "D 2", "C SELECT 1", "Z T"]),
                ("RELEASE a", RELEASED),
                ("INSERT INTO {t} VALUES (4)", ONE),
                ("ROLLBACK TO a", BACK),
                ("SELECT count(*) AS n FROM {t}", &["T n:20", "D 0", "C SELECT 1", "Z T"]),
                ("ROLLBACK TO b", &["E 3B001", "Z E"]),
                ("ROLLBACK TO a", BACK),
                ("INSERT INTO {t} VALUES (5)", ONE),
                ("SAVEPOINT c", SAVED),
                ("RELEASE SAVEPOINT a", RELEASED),
                ("RELEASE c", &["E 3B001", "Z E"]),
                ("COMMIT", &["C ROLLBACK", "Z I"]),
            ],
        );
        assert!(ids(client, t).is_empty());
    });
}

#[test]
fn a_released_savepoint_keeps_its_work() {
    with_table("sp_release", |client, t| {
        script(
            client,
            t,
            &[
                ("BEGIN", &["C BEGIN", "Z T"]),
                ("INSERT INTO {t} VALUES (1)", ONE),
                ("SAVEPOINT \"A b\"", SAVED),
                ("INSERT INTO {t} VALUES (2)", ONE),
                ("RELEASE \"A b\"", RELEASED),
                ("SAVEPOINT x", SAVED),
                ("INSERT INTO {t} VALUES (3)", ONE),
                ("ROLLBACK TO X", BACK),
                ("COMMIT", &["C COMMIT", "Z I"]),
            ],
        );
        assert_eq!(ids(client, t), ["1", "2"]);
    });
}

#[test]
fn savepoints_need_a_transaction_block() {
    let mut client = connect();
    for sql in ["SAVEPOINT a", "ROLLBACK TO a", "RELEASE a", "SELECT 1; SAVEPOINT a"] {
        let replies = client.query(sql);
        assert_eq!(replies[replies.len() - 2..], ["E 25P01", "Z I"], "{sql}");
    }
}

#[test]
fn definitions_and_copied_rows_come_back_too() {
    let mut client = connect();
    let (t, u) = (unique("sp_ddl"), unique("sp_ddl_u"));
    client.run("BEGIN");
    client.run(&format!("CREATE TABLE {t} (id int)"));
    client.attempt(&format!("COPY {t} FROM STDIN"), Some(b"1\n2\n")).unwrap();
    client.run("SAVEPOINT a");
    client.run(&format!("CREATE TABLE {u} AS SELECT * FROM {t}"));
    client.run(&format!("ALTER TABLE {t} ADD COLUMN v int"));
    client.run(&format!("DELETE FROM {t} WHERE id = 1"));
    client.run("ROLLBACK TO a");
    assert_eq!(client.lines(&format!("SELECT * FROM {t} ORDER BY id")), ["1", "2"]);
    client.run(&format!("ALTER TABLE {t} ADD COLUMN w int"));
    client.run("COMMIT");
    assert_eq!(client.lines(&format!("SELECT * FROM {t} ORDER BY id")), ["1|NULL", "2|NULL"]);
    assert_eq!(client.sqlstate(&format!("SELECT * FROM {u}")), "42P01");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn settings_go_back_with_a_savepoint() {
    let mut client = connect();
    client.run("BEGIN");
    client.run("SET LOCAL lock_timeout = '1s'");
    client.run("SAVEPOINT a");
    client.run("SET LOCAL lock_timeout = '2s'");
    client.run("SET statement_timeout = '3min'");
    client.run("ROLLBACK TO a");
    assert_eq!(client.value("SHOW lock_timeout"), "1s");
    assert_eq!(client.value("SHOW statement_timeout"), "0");
    client.run("SET statement_timeout = '4min'");
    client.run("COMMIT");
    assert_eq!(client.value("SHOW lock_timeout"), "0");
    assert_eq!(client.value("SHOW statement_timeout"), "4min");
}

#[test]
fn what_is_too_much_to_keep_has_no_savepoints() {
    let Some(server) = Server::start(&["--savepoint-bytes-max", "2000"]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (v text)");
    let long = "x".repeat(3000);
    client.run("BEGIN");
    client.run("SAVEPOINT a");
    assert_eq!(client.sqlstate(&format!("INSERT INTO t VALUES ('{long}')")), "54000");
    client.run("ROLLBACK TO a");
    client.run("INSERT INTO t VALUES ('short')");
    client.run("COMMIT");
    client.run("BEGIN");
    client.run(&format!("INSERT INTO t VALUES ('{long}')"));
    assert_eq!(client.sqlstate("SAVEPOINT a"), "54000");
    client.run("ROLLBACK");
    client.run("BEGIN");
    client.run(&format!("INSERT INTO t VALUES ('{long}')"));
    client.run("COMMIT");
    assert_eq!(client.value("SELECT count(*) FROM t"), "2");
}

#[test]
fn several_statements_of_one_query_are_one_transaction() {
    with_table("several", |client, t| {
        script(
            client,
            t,
            &[
                (
                    "INSERT INTO {t} VALUES (1); INSERT INTO {t} VALUES (1); SELECT 1",
                    &["C INSERT 0 1", "E 23505", "Z I"],
                ),
                (
                    "INSERT INTO {t} VALUES (2); INSERT INTO {t} VALUES (3)",
                    &["C INSERT 0 1", "C INSERT 0 1", "Z I"],
                ),
                (
                    "INSERT INTO {t} VALUES (4); BEGIN; INSERT INTO {t} VALUES (5)",
                    &["C INSERT 0 1", "C BEGIN", "C INSERT 0 1", "Z T"],
                ),
                ("ROLLBACK", &["C ROLLBACK", "Z I"]),
                (
                    "INSERT INTO {t} VALUES (6); COMMIT; INSERT INTO {t} VALUES (7); SELECT 1/(id-id) AS x FROM {t}",
                    &["C INSERT 0 1", "C COMMIT", "C INSERT 0 1", "T x:23", "E 22012", "Z I"],
                ),
                (
                    "BEGIN; INSERT INTO {t} VALUES (8); COMMIT; INSERT INTO {t} VALUES (8)",
                    &["C BEGIN", "C INSERT 0 1", "C COMMIT", "E 23505", "Z I"],
                ),
                (
                    "INSERT INTO {t} VALUES (9); ROLLBACK; INSERT INTO {t} VALUES (10)",
                    &["C INSERT 0 1", "C ROLLBACK", "C INSERT 0 1", "Z I"],
                ),
                (
                    "SET statement_timeout = '7s'; SELECT 1 / (id - id) AS x FROM {t}",
                    &["C SET", "T x:23", "E 22012", "Z I"],
                ),
                ("SHOW statement_timeout", &["T statement_timeout:25", "D 0", "C SHOW", "Z I"]),
            ],
        );
        assert_eq!(ids(client, t), ["2", "3", "6", "8", "10"]);
    });
}

#[test]
fn a_pipeline_up_to_sync_is_one_transaction() {
    with_table("pipeline", |client, t| {
        let insert = |out: Out, id: &str| {
            out.parse("", &format!("INSERT INTO {t} VALUES ($1)"), &[23])
                .bind("", "", &[Some(id.as_bytes())])
                .execute("", 0)
        };
        let out = insert(insert(Out::new(), "1"), "2").sync();
        let both = ["1", "2", "C INSERT 0 1", "1", "2", "C INSERT 0 1", "Z I"];
        assert_eq!(client.talk(out), both);
        let out = insert(insert(insert(Out::new(), "3"), "1"), "4").sync();
        assert_eq!(client.talk(out), ["1", "2", "C INSERT 0 1", "1", "2", "E 23505", "Z I"]);
        assert_eq!(ids(client, t), ["1", "2"]);
        // A BEGIN in it makes a block of it all.
        let out = insert(Out::new(), "5").parse("", "BEGIN", &[]).bind("", "", &[]).execute("", 0);
        assert_eq!(client.talk(out.sync()), ["1", "2", "C INSERT 0 1", "1", "2", "C BEGIN", "Z T"]);
        client.run("ROLLBACK");
        assert_eq!(ids(client, t), ["1", "2"]);
        // One alone, and one whose Sync comes late.
        assert_eq!(client.talk(insert(Out::new(), "6").sync()), ["1", "2", "C INSERT 0 1", "Z I"]);
        client.send(insert(Out::new(), "7").flush());
        assert_eq!(client.read_shown(3), ["1", "2", "C INSERT 0 1"]);
        assert_eq!(ids(&mut connect(), t), ["1", "2", "6"]);
        assert_eq!(client.talk(Out::new().sync()), ["Z I"]);
        assert_eq!(ids(client, t), ["1", "2", "6", "7"]);
    });
}

#[test]
fn and_chain_begins_the_next_with_the_same_modes() {
    let mut client = connect();
    client.run("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY, DEFERRABLE");
    assert_eq!(client.query("COMMIT AND CHAIN"), ["C COMMIT", "Z T"]);
    assert_eq!(client.value("SHOW transaction_isolation"), "serializable");
    assert_eq!(client.value("SHOW transaction_read_only"), "on");
    assert_eq!(client.query("ROLLBACK AND CHAIN"), ["C ROLLBACK", "Z T"]);
    assert_eq!(client.query("COMMIT AND NO CHAIN"), ["C COMMIT", "Z I"]);
    assert_eq!(client.sqlstate("COMMIT AND CHAIN"), "25P01");
    client.run("BEGIN NOT DEFERRABLE");
    client.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE, NOT DEFERRABLE");
    assert_eq!(client.value("SHOW transaction_isolation"), "repeatable read");
    client.run("COMMIT");
}

#[test]
fn warnings_come_where_postgresql_gives_them() {
    let mut client = connect();
    let mut warnings = |sql: &str| -> Vec<String> {
        client.send(Out::new().query(sql));
        let messages = client.read_until_ready();
        let notices = messages.iter().filter(|message| message.tag == b'N');
        notices.map(|notice| format!("{} {}", notice.error()[&'S'], notice.error()[&'C'])).collect()
    };
    assert_eq!(warnings("COMMIT"), ["WARNING 25P01"]);
    assert_eq!(warnings("ROLLBACK"), ["WARNING 25P01"]);
    assert_eq!(warnings("SET LOCAL lock_timeout = '1s'"), ["WARNING 25P01"]);
    assert_eq!(warnings("SET TRANSACTION READ ONLY"), ["WARNING 25P01"]);
    assert!(warnings("BEGIN").is_empty());
    assert_eq!(warnings("BEGIN"), ["WARNING 25001"]);
    assert!(warnings("COMMIT").is_empty());
    assert!(warnings("SET client_min_messages = error").is_empty());
    assert!(warnings("COMMIT").is_empty());
}

#[test]
fn a_broken_key_is_named_and_the_savepoint_before_it_kept() {
    let mut client = connect();
    let t = unique("kept_savepoint");
    client.run(&format!("CREATE TABLE {t} (id int PRIMARY KEY)"));
    client.run("BEGIN");
    client.run(&format!("INSERT INTO {t} VALUES (1)"));
    client.run("SAVEPOINT s");
    let error = client.error(&format!("INSERT INTO {t} VALUES (1)"));
    assert_eq!(error[&'n'], format!("{t}_pkey"));
    client.run("ROLLBACK TO s");
    client.run(&format!("INSERT INTO {t} VALUES (2)"));
    client.run("COMMIT");
    assert_eq!(client.lines(&format!("SELECT id FROM {t} ORDER BY id")), ["1", "2"]);
    client.run(&format!("DROP TABLE {t}"));
}
