//! Functions and procedures that users write in SQL.

use std::sync::{Arc, Barrier};
use std::thread;

use crate::harness::{Server, connect, is_oracle, shared, unique};
use crate::messages::Out;
use crate::raw_client::RawClient;

/// A client with a schema of its own, which is gone when it is dropped by the test.
fn own_schema() -> (RawClient, String) {
    let mut client = connect();
    let schema = unique("routines");
    client.run(&format!("CREATE SCHEMA {schema}; SET search_path = {schema}"));
    (client, schema)
}

fn gone(mut client: RawClient, schema: &str) {
    client.run("SET client_min_messages = 'warning'");
    client.run(&format!("DROP SCHEMA {schema} CASCADE"));
}

const TABLES: &str = "CREATE TABLE t (id int PRIMARY KEY, a text, n numeric(10,2));
INSERT INTO t VALUES (1, 'x', 1.50), (2, 'y', 2.25), (3, NULL, NULL)";

#[test]
fn a_function_is_called_wherever_an_expression_may_stand() {
    let (mut client, schema) = own_schema();
    client.run(TABLES);
    let create = "CREATE FUNCTION next_of(a int) RETURNS int LANGUAGE sql AS $$ SELECT a + 1 $$";
    assert_eq!(client.run(create), "CREATE FUNCTION");
    assert_eq!(client.value(&format!("SELECT next_of(1) + {schema}.next_of(40)")), "43");
    assert_eq!(
        client.lines("SELECT id, next_of(id) FROM t WHERE next_of(id) > 2 ORDER BY 1"),
        ["2|3", "3|4"]
    );
    assert_eq!(client.value("SELECT next_of(NULL)"), "NULL");
    assert_eq!(client.value("SELECT * FROM next_of(5)"), "6");
    assert_eq!(client.value("SELECT q + 1 AS r FROM next_of(5) AS q"), "7");
    assert_eq!(client.value("SELECT sum(next_of(id)) FROM t"), "9");
    assert_eq!(client.value("SELECT next_of(max(id)) FROM t"), "4");
    client.run("CREATE VIEW v AS SELECT id, next_of(id) AS after FROM t");
    assert_eq!(client.lines("SELECT * FROM v ORDER BY id"), ["1|2", "2|3", "3|4"]);
    assert_eq!(client.sqlstate("DROP FUNCTION next_of"), "2BP01");
    client.run("INSERT INTO t SELECT next_of(id) + 10, a FROM t WHERE id = 1");
    client.run("UPDATE t SET a = 'n' || next_of(id) WHERE id = next_of(1)");
    assert_eq!(
        client.lines("SELECT id, a FROM t WHERE id IN (2, 12) ORDER BY 1"),
        ["2|n3", "12|x"]
    );
    gone(client, &schema);
}

#[test]
fn what_a_column_means_in_an_argument_is_not_changed_by_the_body() {
    let (mut client, schema) = own_schema();
    client.run(TABLES);
    client.run(
        "CREATE FUNCTION label(id int) RETURNS text LANGUAGE sql STABLE
         AS $$ SELECT a FROM t WHERE t.id = label.id $$",
    );
    client.run(
        "CREATE FUNCTION up_to(m int) RETURNS bigint LANGUAGE sql
         AS $$ SELECT count(*) FROM t WHERE id <= m $$",
    );
    client.run(
        "CREATE FUNCTION upper_ones(m int) RETURNS TABLE (id int, b text) LANGUAGE sql
         AS $$ SELECT t.id, t.a FROM t WHERE t.id > m ORDER BY t.id $$",
    );
    assert_eq!(
        client.lines("SELECT id, label(id), up_to(id) FROM t ORDER BY id"),
        ["1|x|1", "2|y|2", "3|NULL|3"]
    );
    assert_eq!(
        client.lines("SELECT t.id, u.id FROM t, upper_ones(t.id) AS u ORDER BY 1, 2"),
        ["1|2", "1|3", "2|3"]
    );
    assert_eq!(client.lines("SELECT id, b FROM upper_ones(m => 1)"), ["2|y", "3|NULL"]);
    assert_eq!(client.value("SELECT label(9)"), "NULL");
    gone(client, &schema);
}

#[test]
fn arguments_have_names_defaults_and_types() {
    let (mut client, schema) = own_schema();
    client.run(
        "CREATE FUNCTION plus(a int, b int DEFAULT 10) RETURNS int LANGUAGE sql IMMUTABLE
         AS 'SELECT a + b'",
    );
    assert_eq!(
        client.lines("SELECT plus(1), plus(1, 2), plus(b => 5, a => 1), plus(1, b := 3)"),
        ["11|3|6|4"]
    );
    client
        .run("CREATE FUNCTION half(x numeric) RETURNS numeric LANGUAGE sql AS $$ SELECT x / 2 $$");
    assert_eq!(
        client.value("SELECT half(5)::numeric(10,2), half(1.50)::numeric(10,2)"),
        "2.50|0.75"
    );
    client.run(
        "CREATE FUNCTION strictly(a int) RETURNS text LANGUAGE sql STRICT
         AS $$ SELECT coalesce(a::text, 'none') $$",
    );
    client.run(
        "CREATE FUNCTION laxly(a int) RETURNS text LANGUAGE sql
         AS $$ SELECT coalesce($1::text, 'none') $$",
    );
    assert_eq!(client.value("SELECT strictly(NULL), laxly(NULL), strictly(4)"), "NULL|none|4");
    assert_eq!(client.sqlstate("SELECT plus('a'::text)"), "42883");
    assert_eq!(client.sqlstate("SELECT plus(1, 2, 3)"), "42883");
    assert_eq!(client.sqlstate("SELECT plus()"), "42883");
    assert_eq!(client.sqlstate("SELECT plus(c => 1)"), "42883");
    assert_eq!(client.sqlstate("SELECT plus('x')"), "22P02");
    let out = Out::new()
        .parse("p", "SELECT plus($1, $2) AS s, half($3)", &[])
        .describe_statement("p")
        .bind("", "p", &[Some(b"3"), Some(b"4"), Some(b"8")])
        .execute("", 0)
        .sync();
    let replies = client.talk(out);
    assert_eq!(replies[..3], ["1", "t [23, 23, 1700]", "T s:23 half:1700"]);
    assert!(replies[4].starts_with("D 7|4."), "{replies:?}");
    gone(client, &schema);
}

#[test]
fn a_function_gives_rows_or_several_values() {
    let (mut client, schema) = own_schema();
    client.run(TABLES);
    client.run(
        "CREATE FUNCTION ids(m int) RETURNS SETOF int LANGUAGE sql
         AS $$ SELECT id FROM t WHERE id > m ORDER BY 1 $$",
    );
    assert_eq!(client.lines("SELECT * FROM ids(1)"), ["2", "3"]);
    assert_eq!(client.lines("SELECT i.i + 1 AS j FROM ids(1) AS i"), ["3", "4"]);
    client.run(
        "CREATE FUNCTION two(x int, OUT y int, OUT z text) LANGUAGE sql
         AS $$ SELECT x + 1, 'z' || x $$",
    );
    assert_eq!(client.lines("SELECT * FROM two(4)"), ["5|z4"]);
    assert_eq!(client.value("SELECT z FROM two(4)"), "z4");
    client.run("CREATE FUNCTION nothing() RETURNS void LANGUAGE sql AS $$ SELECT 1 $$");
    assert_eq!(client.value("SELECT nothing()"), "NULL");
    client.run("CREATE FUNCTION twice(a int) RETURNS int RETURN a * 2");
    client
        .run("CREATE FUNCTION thrice(a int) RETURNS int BEGIN ATOMIC SELECT a * 3; END; SELECT 1");
    assert_eq!(client.value("SELECT twice(4), thrice(4)"), "8|12");
    gone(client, &schema);
}

#[test]
fn a_definition_is_checked_replaced_and_dropped() {
    let (mut client, schema) = own_schema();
    client.run(TABLES);
    let sql = |rest: &str| format!("CREATE FUNCTION bad{rest}");
    for (rest, code) in [
        ("(a int) RETURNS int LANGUAGE sql AS $$ SELECT nope FROM t $$", "42703"),
        ("(a int) RETURNS int LANGUAGE sql AS $$ SELECT 1 FROM nope $$", "42P01"),
        ("(a int) RETURNS int LANGUAGE sql AS $$ SELECT 'x'::text $$", "42P13"),
        ("(a int) RETURNS int LANGUAGE sql AS $$ SELECT 1, 2 $$", "42P13"),
        ("(a int) RETURNS int LANGUAGE sql AS $$ $$", "42P13"),
        ("(a int) LANGUAGE sql AS $$ SELECT 1 $$", "42P13"),
        ("(a int, a int) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$", "42P13"),
        ("(a int) RETURNS int LANGUAGE nosuch AS $$ x $$", "42704"),
        ("(a nosuch) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$", "42704"),
        ("(a int) RETURNS int LANGUAGE sql AS $$ SELEC 1 $$", "42601"),
    ] {
        assert_eq!(client.sqlstate(&sql(rest)), code, "{rest}");
    }
    let create = |or: &str, name: &str, result: &str, body: &str| {
        format!("CREATE {or}FUNCTION f({name} int) RETURNS {result} LANGUAGE sql AS '{body}'")
    };
    client.run(&create("", "a", "int", "SELECT a + 1"));
    assert_eq!(client.sqlstate(&create("", "a", "int", "SELECT a")), "42723");
    client.run(&create("OR REPLACE ", "a", "int", "SELECT a + 100"));
    assert_eq!(client.value("SELECT f(1)"), "101");
    assert_eq!(client.sqlstate(&create("OR REPLACE ", "a", "text", "SELECT 1::text")), "42P13");
    assert_eq!(client.sqlstate(&create("OR REPLACE ", "b", "int", "SELECT b")), "42P13");
    let error = client.error("DROP FUNCTION f(text)");
    assert_eq!(
        (error[&'C'].as_str(), error[&'M'].as_str()),
        ("42883", "function f(text) does not exist")
    );
    assert_eq!(client.error("DROP PROCEDURE f")[&'M'], "could not find a procedure named \"f\"");
    assert_eq!(client.sqlstate("DROP PROCEDURE f(int)"), "42809");
    client.run("ALTER FUNCTION f(int) RENAME TO g");
    assert_eq!(client.sqlstate("SELECT f(1)"), "42883");
    assert_eq!(client.value("SELECT g(1)"), "101");
    assert_eq!(client.run("DROP FUNCTION g(int)"), "DROP FUNCTION");
    client.run("DROP FUNCTION IF EXISTS g(int), f");
    client.run("BEGIN");
    client.run("CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 7'");
    assert_eq!(client.value("SELECT mine()"), "7");
    client.run("ROLLBACK");
    assert_eq!(client.sqlstate("SELECT mine()"), "42883");
    client.run("CREATE FUNCTION kept() RETURNS int LANGUAGE sql AS 'SELECT 7'");
    assert_eq!(client.sqlstate(&format!("DROP SCHEMA {schema}")), "2BP01");
    gone(client, &schema);
}

#[test]
fn what_a_macro_cannot_do_is_refused() {
    if is_oracle() {
        return;
    }
    let (mut client, schema) = own_schema();
    client.run(TABLES);
    for sql in [
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS $$ SELECT 1; SELECT 2 $$",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ INSERT INTO t VALUES (9) $$",
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS $$ SELECT f(a - 1) $$",
        "CREATE FUNCTION lower(a int) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$",
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT current_user $$",
    ] {
        assert_eq!(client.sqlstate(sql), "0A000", "{sql}");
    }
    client.run("CREATE FUNCTION dbl(a float8) RETURNS float8 LANGUAGE sql AS 'SELECT a + a'");
    assert_eq!(client.sqlstate("SELECT dbl(random())"), "0A000");
    client.run("CREATE FUNCTION dice() RETURNS float8 LANGUAGE sql AS 'SELECT random()'");
    assert_eq!(client.sqlstate("SELECT dbl(dice())"), "0A000");
    client.run(
        "CREATE FUNCTION n(m int) RETURNS bigint LANGUAGE sql
         AS $$ SELECT count(*) FROM t WHERE id <= m $$",
    );
    assert_eq!(client.sqlstate("SELECT n(row_number() OVER ()::int) FROM t"), "0A000");
    assert_eq!(
        client.sqlstate("CREATE FUNCTION n(m text) RETURNS int LANGUAGE sql AS 'SELECT 1'"),
        "0A000"
    );
    gone(client, &schema);
}

const LOG: &str = "CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE TABLE log (id int, what text)";

const ADD: &str = "CREATE PROCEDURE add_one(id int, a text DEFAULT 'none') LANGUAGE sql AS $$
    INSERT INTO t (id, a) VALUES (id, a);
    INSERT INTO log SELECT t.id, 'added ' || t.a FROM t WHERE t.id = add_one.id;
$$";

#[test]
fn a_call_does_all_of_its_statements_or_none() {
    let (mut client, schema) = own_schema();
    client.run(LOG);
    assert_eq!(client.run(ADD), "CREATE PROCEDURE");
    assert_eq!(client.run("CALL add_one(1, 'one')"), "CALL");
    client.run("CALL add_one(a => 'two', id => 1 + 1)");
    client.run("CALL add_one(3)");
    assert_eq!(
        client.lines("SELECT * FROM log ORDER BY id"),
        ["1|added one", "2|added two", "3|added none"]
    );
    client.run(
        "CREATE PROCEDURE log_first(k int) LANGUAGE sql
         AS $$ INSERT INTO log VALUES (k, 'first'); INSERT INTO t VALUES (k, 'x') $$",
    );
    let error = client.error("CALL log_first(1)");
    assert_eq!(error[&'C'], "23505");
    assert!(error[&'M'].contains("t_pkey"), "{error:?}");
    assert_eq!(client.value("SELECT count(*) FROM log WHERE what = 'first'"), "0");
    client.run("CALL log_first(4)");
    assert_eq!(client.value("SELECT a FROM t WHERE id = 4"), "x");
    client.run(
        "CREATE PROCEDURE make(k int) LANGUAGE sql
         AS $$ CREATE TABLE made (x int); INSERT INTO log VALUES (k, 'made') $$",
    );
    client.run("CALL make(5)");
    assert_eq!(client.sqlstate("CALL make(6)"), "42P07");
    assert_eq!(client.lines("SELECT id FROM log WHERE what = 'made'"), ["5"]);
    gone(client, &schema);
}

#[test]
fn a_call_inside_of_a_transaction_is_a_part_of_it() {
    let (mut client, schema) = own_schema();
    client.run(LOG);
    client.run(ADD);
    client.run("BEGIN");
    client.run("CALL add_one(1, 'one')");
    assert_eq!(client.value("SELECT what FROM log"), "added one");
    client.run("ROLLBACK");
    assert_eq!(client.value("SELECT count(*) FROM t"), "0");
    client.run("BEGIN");
    client.run("CALL add_one(1, 'one')");
    client.run("SAVEPOINT s");
    client.run("CALL add_one(2, 'two')");
    client.run("ROLLBACK TO s");
    client.run("CALL add_one(3, 'three')");
    client.run("COMMIT");
    assert_eq!(client.lines("SELECT id FROM log ORDER BY id"), ["1", "3"]);
    client.run("BEGIN");
    assert_eq!(client.sqlstate("CALL add_one(1, 'again')"), "23505");
    assert_eq!(client.sqlstate("SELECT 1"), "25P02");
    client.run("ROLLBACK");
    gone(client, &schema);
}

#[test]
fn arguments_that_come_out_are_the_row_of_a_call() {
    let (mut client, schema) = own_schema();
    client.run(LOG);
    client.run(
        "CREATE PROCEDURE sum_of(x int, INOUT y int) LANGUAGE sql
         AS $$ INSERT INTO log VALUES (x, 'sum'); SELECT x + y $$",
    );
    assert_eq!(client.lines("CALL sum_of(1, 2)"), ["3"]);
    assert_eq!(client.query("CALL sum_of(x => 1, y => 5)"), ["T y:23", "D 6", "C CALL", "Z I"]);
    assert_eq!(client.value("SELECT count(*) FROM log"), "2");
    client.run(
        "CREATE PROCEDURE insert_it(INOUT c int) LANGUAGE sql
         AS $$ INSERT INTO t (id) VALUES (c) RETURNING id + 1 $$",
    );
    assert_eq!(client.lines("CALL insert_it(30)"), ["31"]);
    client.run("CREATE PROCEDURE five(OUT z int) LANGUAGE sql AS 'SELECT 5'");
    assert_eq!(client.lines("CALL five(NULL)"), ["5"]);
    assert_eq!(client.sqlstate("CALL five()"), "42883");
    let out = Out::new()
        .parse("c", "CALL sum_of($1, $2)", &[])
        .describe_statement("c")
        .bind("", "c", &[Some(b"10"), Some(b"20")])
        .execute("", 0)
        .sync();
    let replies = client.talk(out);
    assert_eq!(replies, ["1", "t [23, 23]", "T y:23", "2", "D 30", "C CALL", "Z I"]);
    gone(client, &schema);
}

#[test]
fn values_of_all_types_are_given() {
    let (mut client, schema) = own_schema();
    client.run(
        "CREATE TABLE all_types (d date, ts timestamp, n numeric(12,3), b bool, arr int[], j jsonb,
         u uuid, f float8, v varchar(5), big int8);
         CREATE PROCEDURE put(d date, ts timestamp, n numeric, b bool, arr int[], j jsonb, u uuid,
                              f float8, v varchar, big int8) LANGUAGE sql
         AS $$ INSERT INTO all_types SELECT d, ts, n, b, arr, j, u, f, v, big $$",
    );
    client.run(
        "CALL put('2024-02-29', '2024-01-01 10:00', 12.5, true, '{1,2}', '{\"a\": 1}',
                  '00000000-0000-0000-0000-000000000001', 1.5e3, 'text', 12345678901)",
    );
    client.run(
        "CALL put(date '2024-03-01', NULL, 1 + 1, 1 = 2, ARRAY[4, 5], NULL, NULL, 2, 'x' || 'y', -1)",
    );
    assert_eq!(
        client.lines("SELECT * FROM all_types ORDER BY d"),
        [
            "2024-02-29|2024-01-01 10:00:00|12.500|t|{1,2}|{\"a\": 1}|\
         00000000-0000-0000-0000-000000000001|1500|text|12345678901",
            "2024-03-01|NULL|2.000|f|{4,5}|NULL|NULL|2|xy|-1",
        ]
    );
    gone(client, &schema);
}

#[test]
fn procedures_call_procedures() {
    let (mut client, schema) = own_schema();
    client.run(LOG);
    client.run(ADD);
    client.run(
        "CREATE PROCEDURE outer_one(k int) LANGUAGE sql
         AS $$ INSERT INTO log VALUES (k, 'outer'); CALL add_one(k, 'inner') $$",
    );
    client.run("CALL outer_one(1)");
    assert_eq!(client.lines("SELECT what FROM log ORDER BY what"), ["added inner", "outer"]);
    assert_eq!(client.sqlstate("CALL outer_one(1)"), "23505");
    assert_eq!(client.value("SELECT count(*) FROM log"), "2");
    client.run("CREATE PROCEDURE round(k int) LANGUAGE sql AS 'SELECT k'");
    client.run("CREATE OR REPLACE PROCEDURE round(k int) LANGUAGE sql AS 'CALL round(k)'");
    assert_eq!(client.sqlstate("CALL round(1)"), "54001");
    gone(client, &schema);
}

#[test]
fn what_is_no_such_procedure_is_told_as_by_postgresql() {
    let (mut client, schema) = own_schema();
    client.run(LOG);
    client.run(ADD);
    client.run("CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a'");
    for (sql, code, message) in [
        ("CALL nope(1)", "42883", "procedure nope(integer) does not exist"),
        ("CALL add_one()", "42883", "procedure add_one() does not exist"),
        ("CALL add_one('1'::text)", "42883", "procedure add_one(text) does not exist"),
        ("CALL f(1)", "42809", "f(integer) is not a procedure"),
        ("SELECT add_one(1)", "42809", "add_one(integer) is a procedure"),
        ("DROP FUNCTION add_one", "42883", "could not find a function named \"add_one\""),
        ("CALL add_one((SELECT 1))", "0A000", "cannot use subquery in CALL argument"),
        (
            "CREATE PROCEDURE bad() LANGUAGE sql AS 'INSERT INTO nope VALUES (1)'",
            "42P01",
            "relation \"nope\" does not exist",
        ),
        (
            "CREATE PROCEDURE bad(OUT x int) LANGUAGE sql AS 'INSERT INTO log VALUES (1)'",
            "42P13",
            "return type mismatch in function declared to return record",
        ),
        (
            "CREATE OR REPLACE PROCEDURE f(a int) LANGUAGE sql AS 'SELECT a'",
            "42809",
            "cannot change routine kind",
        ),
    ] {
        let error = client.error(sql);
        assert_eq!((error[&'C'].as_str(), error[&'M'].as_str()), (code, message), "{sql}");
    }
    client.run("CREATE PROCEDURE ends() LANGUAGE sql AS 'COMMIT'");
    assert_eq!(client.error("CALL ends()")[&'M'], "COMMIT is not allowed in an SQL function");
    assert_eq!(client.run("DROP ROUTINE ends, f"), "DROP ROUTINE");
    assert_eq!(client.run("DROP PROCEDURE add_one(int, text)"), "DROP PROCEDURE");
    assert_eq!(client.sqlstate("CALL add_one(1)"), "42883");
    gone(client, &schema);
}

#[test]
fn sessions_call_at_once() {
    let (mut client, schema) = own_schema();
    client.run("CREATE TABLE n (v int); INSERT INTO n VALUES (0); CREATE TABLE seen (v int)");
    client.run(
        "CREATE PROCEDURE step() LANGUAGE sql
         AS $$ UPDATE n SET v = v + 1; INSERT INTO seen SELECT v FROM n $$",
    );
    let barrier = Arc::new(Barrier::new(4));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (barrier, schema) = (Arc::clone(&barrier), schema.clone());
            thread::spawn(move || {
                let mut client = RawClient::connect(shared());
                client.run(&format!("SET search_path = {schema}"));
                barrier.wait();
                (0..10).for_each(|_| drop(client.run("CALL step()")));
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(client.value("SELECT v FROM n"), "40");
    assert_eq!(client.value("SELECT count(DISTINCT v), max(v) FROM seen"), "40|40");
    gone(client, &schema);
}

#[test]
fn the_catalogue_lists_routines() {
    let (mut client, schema) = own_schema();
    client.run(
        "CREATE FUNCTION f(a int, b text DEFAULT 'u') RETURNS text LANGUAGE sql STABLE STRICT
         AS $$ SELECT a || b $$;
         CREATE FUNCTION rows_of(m int) RETURNS TABLE (id int, lbl text) LANGUAGE sql
         AS $$ SELECT m, 'x'::text $$;
         CREATE PROCEDURE p(x int, INOUT y int) LANGUAGE sql AS $$ SELECT x + y $$;
         COMMENT ON FUNCTION f(int, text) IS 'joins'",
    );
    let own = format!("pronamespace = '{schema}'::regnamespace");
    assert_eq!(
        client.lines(&format!(
            "SELECT proname, prokind, pronargs, pronargdefaults, prorettype::regtype, proretset,
                 provolatile, proisstrict, proargtypes, proargmodes, proargnames, prosrc
             FROM pg_proc WHERE {own} ORDER BY proname"
        )),
        [
            "f|f|2|1|text|f|s|t|23 25|NULL|{a,b}| SELECT a || b ",
            "p|p|2|0|record|f|v|f|23 23|{i,b}|{x,y}| SELECT x + y ",
            "rows_of|f|1|0|record|t|v|f|23|{i,t,t}|{m,id,lbl}| SELECT m, 'x'::text ",
        ]
    );
    assert_eq!(
        client.lines(&format!(
            "SELECT proname, pg_get_function_arguments(oid), pg_get_function_identity_arguments(oid),
                 pg_get_function_result(oid), obj_description(oid, 'pg_proc')
             FROM pg_proc WHERE {own} ORDER BY proname"
        )),
        [
            "f|a integer, b text DEFAULT 'u'::text|a integer, b text|text|joins",
            "p|IN x integer, INOUT y integer|IN x integer, INOUT y integer|NULL|NULL",
            "rows_of|m integer|m integer|TABLE(id integer, lbl text)|NULL",
        ]
    );
    assert_eq!(
        client.value(&format!("SELECT pg_get_functiondef('{schema}.f'::regproc)")),
        format!(
            "CREATE OR REPLACE FUNCTION {schema}.f(a integer, b text DEFAULT 'u'::text)\n RETURNS \
             text\n LANGUAGE sql\n STABLE STRICT\nAS $function$ SELECT a || b $function$\n"
        )
    );
    assert_eq!(
        client.lines(&format!(
            "SELECT routine_name, routine_type, data_type FROM information_schema.routines
             WHERE routine_schema = '{schema}' ORDER BY 1"
        )),
        ["f|FUNCTION|text", "p|PROCEDURE|NULL", "rows_of|FUNCTION|record"]
    );
    assert_eq!(
        client.lines(&format!(
            "SELECT ordinal_position, parameter_mode, parameter_name, data_type
             FROM information_schema.parameters
             WHERE specific_schema = '{schema}' AND specific_name LIKE 'p\\_%' ORDER BY 1"
        )),
        ["1|IN|x|integer", "2|INOUT|y|integer"]
    );
    gone(client, &schema);
}

#[test]
fn routines_and_calls_outlive_a_kill() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run(LOG);
    client.run(ADD);
    client.run("CREATE FUNCTION next_of(a int) RETURNS int LANGUAGE sql AS 'SELECT a + 1'");
    client.run(
        "CREATE FUNCTION day_of(a timestamp) RETURNS text LANGUAGE sql
         AS $$ SELECT to_char(a, 'YYYY-MM-DD') || (SELECT count(*) FROM t)::text $$",
    );
    client.run("CREATE VIEW v AS SELECT next_of(id) AS n FROM t");
    for id in 1..=20 {
        client.run(&format!("CALL add_one({id}, 'x')"));
    }
    server.kill_9();
    server.restart();
    let mut client = server.connect();
    assert_eq!(client.value("SELECT count(*), count(DISTINCT id) FROM log"), "20|20");
    assert_eq!(client.value("SELECT count(*) FROM t"), "20");
    assert_eq!(client.value("SELECT next_of(1), max(n) FROM v"), "2|21");
    assert_eq!(client.value("SELECT day_of('2024-02-03')"), "2024-02-0320");
    client.run("CALL add_one(21, 'y')");
    assert_eq!(client.value("SELECT what FROM log WHERE id = 21"), "added y");
}

#[test]
fn a_call_that_was_acknowledged_as_durable_is_replayed() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run(LOG);
    client.run(ADD);
    client.run("SET teatree.ack = 'durable'");
    for id in 1..=200 {
        client.run(&format!("CALL add_one({id}, 'x')"));
    }
    server.kill_9();
    server.restart();
    let mut client = server.connect();
    assert_eq!(client.value("SELECT count(*), count(DISTINCT id) FROM log"), "200|200");
    assert_eq!(client.value("SELECT count(*) FROM t"), "200");
}
