//! Temporary tables.

use crate::harness::{Server, connect, is_oracle, unique};
use crate::raw_client::RawClient;

#[test]
fn a_temporary_table_is_its_sessions() {
    let (mut client, mut other) = (connect(), connect());
    let (tmp, t) = (unique("tmp"), unique("perm"));
    client.run(&format!("CREATE TABLE {t} (id int, v text)"));
    assert_eq!(client.run(&format!("CREATE TEMP TABLE {tmp} (id int, v text)")), "CREATE TABLE");
    assert_eq!(client.run(&format!("INSERT INTO {tmp} VALUES (1, 'a'), (2, 'b')")), "INSERT 0 2");
    client.run(&format!("INSERT INTO {tmp} VALUES (3, 'c')"));
    assert_eq!(client.run(&format!("UPDATE {tmp} SET v = 'z' WHERE id = 2")), "UPDATE 1");
    assert_eq!(client.lines(&format!("SELECT * FROM {tmp} ORDER BY id")), ["1|a", "2|z", "3|c"]);
    assert_eq!(other.sqlstate(&format!("SELECT * FROM {tmp}")), "42P01");
    assert_eq!(client.run(&format!("INSERT INTO {t} SELECT * FROM {tmp}")), "INSERT 0 3");
    assert_eq!(other.value(&format!("SELECT count(*) FROM {t}")), "3");
    let both = format!("SELECT count(*) FROM {t} JOIN {tmp} USING (id)");
    assert_eq!(client.value(&both), "3");
    other.run(&format!("INSERT INTO {t} VALUES (9, 'other')"));
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "4");
    client.run(&format!("DROP TABLE {tmp}"));
    assert_eq!(client.sqlstate(&format!("SELECT * FROM {tmp}")), "42P01");
    client.run(&format!("CREATE TEMP TABLE {tmp} AS SELECT 7 AS x"));
    client.run("DISCARD TEMP");
    assert_eq!(client.sqlstate(&format!("SELECT * FROM {tmp}")), "42P01");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn dbts_incremental_model_works() {
    for in_transaction in [true, false] {
        let mut client = connect();
        let (tmp, t) = (unique("model__dbt_tmp"), unique("model"));
        client.run(&format!("CREATE TABLE {t} (id int, v text)"));
        client.run(&format!("INSERT INTO {t} VALUES (1, 'old'), (2, 'old')"));
        if in_transaction {
            client.run("BEGIN");
        }
        client.run(&format!(
            "create temporary table \"{tmp}\" as (select id + 1 as id, 'new' as v from {t})"
        ));
        let columns = "SELECT column_name FROM information_schema.columns WHERE table_name = ";
        let columns = client.lines(&format!("{columns}'{tmp}' ORDER BY ordinal_position"));
        assert_eq!(columns, ["id", "v"]);
        client.run(&format!("DELETE FROM {t} WHERE id IN (SELECT id FROM \"{tmp}\")"));
        client.run(&format!("insert into {t} (id, v) (select id, v from \"{tmp}\")"));
        if in_transaction {
            client.run("COMMIT");
        }
        let rows = connect().lines(&format!("SELECT id, v FROM {t} ORDER BY id"));
        assert_eq!(rows, ["1|old", "2|new", "3|new"]);
        assert_eq!(client.value(&format!("SELECT count(*) FROM {tmp}")), "2");
        client.run(&format!("DROP TABLE {t}"));
    }
}

#[test]
fn on_commit_and_rollback_do_what_they_say() {
    let mut client = connect();
    let (kept, emptied, dropped) = (unique("kept"), unique("emptied"), unique("dropped"));
    client.run(&format!("CREATE TEMP TABLE {kept} (a int) ON COMMIT PRESERVE ROWS"));
    client.run(&format!("CREATE TEMP TABLE {emptied} (a int) ON COMMIT DELETE ROWS"));
    client.run("BEGIN");
    client.run(&format!("CREATE TEMP TABLE {dropped} (a int) ON COMMIT DROP"));
    for table in [&kept, &emptied, &dropped] {
        client.run(&format!("INSERT INTO {table} VALUES (1)"));
    }
    assert_eq!(client.value(&format!("SELECT count(*) FROM {dropped}")), "1");
    client.run("COMMIT");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {kept}")), "1");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {emptied}")), "0");
    assert_eq!(client.sqlstate(&format!("SELECT * FROM {dropped}")), "42P01");
    client.run("BEGIN");
    client.run(&format!("INSERT INTO {kept} VALUES (2)"));
    client.run(&format!("CREATE TEMP TABLE {dropped} (a int)"));
    client.run("SAVEPOINT a");
    client.run(&format!("INSERT INTO {kept} VALUES (3)"));
    assert_eq!(client.sqlstate("SELECT 1 / 0"), "22012");
    client.run("ROLLBACK TO a");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {kept}")), "2");
    client.run("ROLLBACK");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {kept}")), "1");
    assert_eq!(client.sqlstate(&format!("SELECT * FROM {dropped}")), "42P01");
    client.run("BEGIN");
    assert_eq!(client.sqlstate("SELECT 1 / 0"), "22012");
    client.run("ROLLBACK");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {kept}")), "1");
}

#[test]
fn changes_of_temporary_tables_are_no_intents() {
    if is_oracle() {
        return;
    }
    let mut client = connect();
    let name = unique("quiet");
    client.run(&format!("SET application_name = '{name}'"));
    client.run(&format!("CREATE TEMP TABLE {name} (a int)"));
    client.run("BEGIN");
    client.run(&format!("INSERT INTO {name} VALUES (1)"));
    client.run("COMMIT");
    let intents = format!("SELECT count(*) FROM teatree.intents WHERE application_name = '{name}'");
    assert_eq!(client.value(&intents), "0");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {name}")), "1");
}

#[test]
fn a_temporary_table_is_made_of_what_was_acknowledged() {
    // Rows without a key are acknowledged long before they are applied.
    let Some(server) = Server::start(&["--apply-delay-ms", "5000"]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (a int)");
    client.run("INSERT INTO t VALUES (1)");
    client.run("CREATE TEMP TABLE made AS SELECT a FROM t");
    assert_eq!(client.value("SELECT count(*) FROM made"), "1");
    client.run("INSERT INTO t VALUES (2)");
    client.run("INSERT INTO made SELECT a FROM t");
    assert_eq!(client.value("SELECT count(*) FROM made"), "3");
    client.run("INSERT INTO t VALUES (3)");
    client.run("UPDATE made SET a = (SELECT max(a) FROM t)");
    assert_eq!(client.value("SELECT min(a) FROM made"), "3");
}

#[test]
fn a_temporary_table_takes_copy_inside_and_outside_of_a_transaction() {
    let mut client = connect();
    let (tmp, t) = (unique("loaded"), unique("perm"));
    client.run(&format!("CREATE TABLE {t} (id int PRIMARY KEY, v text)"));
    client.run(&format!("CREATE TEMP TABLE {tmp} (id int, v text DEFAULT 'none')"));
    let copy = |client: &mut RawClient, into: &str, data: &str| -> String {
        let replies = client.attempt(&format!("COPY {into} FROM STDIN"), Some(data.as_bytes()));
        replies.expect("the server answers").join(" ")
    };
    assert!(copy(&mut client, &tmp, "1\ta\n2\t\\N\n").contains("COPY 2"));
    assert!(copy(&mut client, &format!("{tmp} (id)"), "3\n").contains("COPY 1"));
    assert!(copy(&mut client, &tmp, "x\ty\n").contains("22P02"));
    assert_eq!(
        client.lines(&format!("SELECT id, v FROM {tmp} ORDER BY id")),
        ["1|a", "2|NULL", "3|none"]
    );
    client.run("BEGIN");
    assert!(copy(&mut client, &format!("pg_temp.{tmp}"), "4\td\n").contains("COPY 1"));
    client.run("SAVEPOINT s");
    assert!(copy(&mut client, &tmp, "5\te\n").contains("COPY 1"));
    client.run("ROLLBACK TO s");
    let upsert = format!(
        "INSERT INTO {t} SELECT id, v FROM {tmp} ON CONFLICT (id) DO UPDATE SET v = excluded.v"
    );
    assert_eq!(client.run(&upsert), "INSERT 0 4");
    client.run("COMMIT");
    let big: String = (10..200_010).map(|id| format!("{id}\trow {id} of many\n")).collect();
    assert!(copy(&mut client, &tmp, &big).contains("COPY 200000"));
    client.run("BEGIN");
    assert!(copy(&mut client, &tmp, &big).contains("COPY 200000"));
    client.run("ROLLBACK");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {tmp}")), "200004");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "4");
    let mut other = connect();
    assert!(copy(&mut other, &tmp, "1\ta\n").contains("42P01"));
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_temporary_table_has_what_columns_have() {
    let mut client = connect();
    client.run(
        "CREATE TEMP TABLE ttc (id serial PRIMARY KEY, v varchar(3) NOT NULL, w int DEFAULT 7)",
    );
    client.run("INSERT INTO ttc (v) VALUES ('a'), ('b')");
    client.run("INSERT INTO ttc VALUES (5, 'c'), (6, 'd')");
    assert_eq!(client.value("SELECT string_agg(id || v || w, ',' ORDER BY id) FROM ttc"), {
        "1a7,2b7,5c7,6d7"
    });
    assert_eq!(client.sqlstate("INSERT INTO ttc (v) VALUES ('long')"), "22001");
    assert_eq!(client.sqlstate("INSERT INTO ttc VALUES (9)"), "23502");
    client.run("BEGIN");
    client.run("CREATE TEMP TABLE ttb (n int GENERATED ALWAYS AS IDENTITY, v text)");
    client.run("INSERT INTO ttb (v) VALUES ('x')");
    client.run("COMMIT");
    assert_eq!(client.value("SELECT n FROM ttb"), "1");
    client.run("CREATE TEMP VIEW ttv AS SELECT v FROM ttc WHERE id > 5");
    assert_eq!(client.value("SELECT v FROM ttv"), "d");
    assert_eq!(connect().sqlstate("SELECT v FROM ttv"), "42P01");
    client.run("DROP VIEW ttv");
    assert_eq!(client.sqlstate("SELECT v FROM ttv"), "42P01");
    client.run("CREATE TEMP VIEW ttw AS SELECT 1 AS one");
    assert_eq!(client.value("SELECT one FROM ttw"), "1");
    client.run("DROP TABLE ttc, ttb");
}
