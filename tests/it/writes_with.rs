//! WITH queries that write, and rows of calls of sequences.

use crate::harness::{connect, skip_on_oracle, unique};

#[test]
fn parts_of_a_statement_hand_their_rows_on() {
    let mut client = connect();
    let (from, to) = (unique("wi_from"), unique("wi_to"));
    client.run(&format!(
        "CREATE TABLE {from} (id int PRIMARY KEY, v varchar(5), n numeric, t text[])"
    ));
    client.run(&format!("CREATE TABLE {to} (id int, v text, n numeric, t text[])"));
    client.run(&format!(
        "INSERT INTO {from} VALUES (1, 'it''s', 1.25, ARRAY['a', NULL, 'b,c']), (2, NULL, 2, '{{}}'), \
         (3, 'x', NULL, NULL)"
    ));
    let moved = format!(
        "WITH gone AS (DELETE FROM {from} WHERE id < 3 RETURNING *) \
         INSERT INTO {to} SELECT * FROM gone"
    );
    assert_eq!(client.run(&moved), "INSERT 0 2");
    assert_eq!(
        client.lines(&format!("SELECT v, n, t FROM {to} ORDER BY id")),
        ["it's|1.25|{a,NULL,\"b,c\"}", "NULL|2|{}"]
    );
    let chained = format!(
        "WITH big AS (SELECT 100 AS plus), \
         changed AS (UPDATE {from} SET id = id + plus FROM big RETURNING id), \
         added AS (INSERT INTO {to} (id) SELECT id FROM changed RETURNING id, v) \
         SELECT c.id, a.v IS NULL, plus FROM changed c JOIN added a USING (id), big"
    );
    assert_eq!(client.lines(&chained), ["103|t|100"]);
    let none =
        format!("WITH d AS (DELETE FROM {from} WHERE id = 0 RETURNING id, n) SELECT * FROM d");
    assert!(client.lines(&none).is_empty());
    let silent = format!("WITH d AS (DELETE FROM {from}) SELECT 7 AS n");
    assert_eq!(client.lines(&silent), ["7"]);
    assert_eq!(client.value(&format!("SELECT count(*) FROM {from}")), "0");
    for table in [from, to] {
        client.run(&format!("DROP TABLE {table}"));
    }
}

#[test]
fn all_parts_of_a_statement_fail_together() {
    let mut client = connect();
    let table = unique("wi_fail");
    client.run(&format!("CREATE TABLE {table} (id int)"));
    let failing = format!(
        "WITH i AS (INSERT INTO {table} VALUES (1) RETURNING id) SELECT 1 / (id - 1) FROM i"
    );
    assert_eq!(client.sqlstate(&failing), "22012");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {table}")), "0");
    client.run("BEGIN");
    client
        .run(&format!("WITH i AS (INSERT INTO {table} VALUES (2) RETURNING id) SELECT id FROM i"));
    client.run("ROLLBACK");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {table}")), "0");
    client.run(&format!("DROP TABLE {table}"));
}

#[test]
fn a_part_that_would_see_what_another_changes_is_refused() {
    if skip_on_oracle("PostgreSQL shows it what was there before") {
        return;
    }
    let mut client = connect();
    let table = unique("wi_seen");
    client.run(&format!("CREATE TABLE {table} (id int)"));
    client.run(&format!("CREATE VIEW {table}_v AS SELECT id FROM {table}"));
    for read in [table.clone(), format!("{table}_v")] {
        let sql = format!(
            "WITH i AS (INSERT INTO {table} VALUES (1) RETURNING id) SELECT count(*) FROM {read}, i"
        );
        assert_eq!(client.sqlstate(&sql), "0A000");
    }
    assert_eq!(client.value(&format!("SELECT count(*) FROM {table}")), "0");
    client.run(&format!("DROP VIEW {table}_v"));
    client.run(&format!("DROP TABLE {table}"));
}

#[test]
fn columns_that_use_sequences_run_one_after_the_other() {
    let mut client = connect();
    let name = unique("wi_seq");
    client.run(&format!("CREATE SEQUENCE {name}"));
    let row =
        format!("SELECT nextval('{name}'), nextval('{name}') AS b, currval('{name}'), lastval()");
    assert_eq!(client.lines(&row), ["1|2|2|2"]);
    let row = format!("SELECT setval('{name}', 40), 'x' AS x, nextval('{name}')");
    assert_eq!(client.lines(&row), ["40|x|41"]);
    client.run(&format!("DROP SEQUENCE {name}"));
}
