//! The simple protocol: one Query message, any number of statements.

use crate::harness::{connect, unique};
use crate::messages::Out;

#[test]
fn answers_a_select() {
    let mut client = connect();
    assert_eq!(
        client.query("SELECT 1 AS a, 'x'::text AS b, NULL::int4 AS c"),
        ["T a:23 b:25 c:23", "D 1|x|NULL", "C SELECT 1", "Z I"]
    );
}

#[test]
fn answers_nothing_with_the_empty_response() {
    let mut client = connect();
    for nothing in ["", ";", " ;; ", "-- ping", "/* ping */", "-- a\n/* b /* nested */ */ ;"] {
        assert_eq!(client.query(nothing), ["I", "Z I"], "{nothing:?}");
    }
}

#[test]
fn runs_several_statements_in_order() {
    let mut client = connect();
    assert_eq!(
        client.query("SELECT 1 AS a; ; SELECT 'a;b'::text AS b -- ; \n; /* ; */ SELECT 3 AS c;"),
        [
            "T a:23",
            "D 1",
            "C SELECT 1",
            "T b:25",
            "D a;b",
            "C SELECT 1",
            "T c:23",
            "D 3",
            "C SELECT 1",
            "Z I",
        ]
    );
}

#[test]
fn stops_at_the_first_error_of_several_statements() {
    let mut client = connect();
    assert_eq!(
        client.query("SELECT 1 AS a; SELECT * FROM no_such_table; SELECT 2 AS b"),
        ["T a:23", "D 1", "C SELECT 1", "E 42P01", "Z I"]
    );
    assert_eq!(client.value("SELECT 5"), "5");
}

#[test]
fn runs_nothing_when_any_statement_does_not_parse() {
    let mut client = connect();
    let table = unique("unparsed");
    client.run(&format!("CREATE TABLE {table} (a int)"));
    let sql = format!("INSERT INTO {table} VALUES (1); SELEKT 2");
    assert_eq!(client.query(&sql), ["E 42601", "Z I"]);
    assert_eq!(client.value(&format!("SELECT count(*) FROM {table}")), "0");
    client.run(&format!("DROP TABLE {table}"));
}

#[test]
fn errors_carry_postgresqls_fields() {
    let mut client = connect();
    let error = client.error("SELECT 1 FROM  no_such_table");
    assert_eq!(error[&'S'], "ERROR");
    assert_eq!(error[&'V'], "ERROR");
    assert_eq!(error[&'C'], "42P01");
    assert_eq!(error[&'M'], "relation \"no_such_table\" does not exist");
    assert_eq!(error[&'P'], "16");
    let error = client.error("SELECT no_such_column FROM (SELECT 1 AS a) t");
    assert_eq!((error[&'C'].as_str(), error[&'P'].as_str()), ("42703", "8"));
    let error = client.error("SELECT no_such_function(1)");
    assert_eq!((error[&'C'].as_str(), error[&'P'].as_str()), ("42883", "8"));
    let error = client.error("SELECT 1 +");
    assert_eq!(error[&'C'], "42601");
    let error = client.error("SELECT 'é', x FROM");
    assert_eq!(error[&'C'], "42601");
    let error = client.error("SELECT 'x'::int4");
    assert_eq!(error[&'C'], "22P02");
    assert_eq!(error[&'M'], "invalid input syntax for type integer: \"x\"");
}

#[test]
fn positions_count_characters_not_bytes() {
    let mut client = connect();
    let error = client.error("SELECT 'éüß' FROM no_such_table");
    assert_eq!(error[&'P'], "19");
}

#[test]
fn folds_names_as_postgresql_does() {
    let mut client = connect();
    let replies = client.query("SELECT 1 AS Mixed, 2 AS \"Mixed\", current_database()");
    assert_eq!(replies[0], "T mixed:23 Mixed:23 current_database:19");
}

#[test]
fn keeps_the_case_of_column_names_from_tables() {
    let mut client = connect();
    let table = unique("cases");
    client.run(&format!("CREATE TABLE {table} (Lower int, \"Upper\" int)"));
    client.run(&format!("INSERT INTO {table} VALUES (1, 2)"));
    let replies = client.query(&format!("SELECT LOWER, \"Upper\" FROM {}", table.to_uppercase()));
    assert_eq!(replies, ["T lower:23 Upper:23", "D 1|2", "C SELECT 1", "Z I"]);
    client.run(&format!("DROP TABLE {table}"));
}

#[test]
fn computes_as_postgresql_does() {
    let mut client = connect();
    for (sql, value) in [
        ("SELECT 7/2", "3"),
        ("SELECT 7/2.0 > 3.4", "t"),
        ("SELECT sum(x)::text FROM (VALUES (1), (2)) v(x)", "3"),
        (
            "SELECT string_agg(coalesce(x::text, '-'), ',' ORDER BY x) FROM (VALUES (2), (NULL), (1)) v(x)",
            "1,2,-",
        ),
        ("SELECT 'a' || 'b'", "ab"),
        ("SELECT count(*) FROM (SELECT 1 WHERE false) t", "0"),
        ("SELECT 1.5::float8::text", "1.5"),
        ("SELECT 'abc' ~ '^a'", "t"),
        ("SELECT true::text", "true"),
    ] {
        assert_eq!(client.value(sql), value, "{sql}");
    }
    let columns =
        client.query("SELECT count(*) AS a, sum(x) AS b, 1 + 1 AS c FROM (VALUES (1)) v(x)");
    assert_eq!(columns[0], "T a:20 b:20 c:23");
}

#[test]
fn a_query_of_zero_columns_or_rows_is_answered() {
    let mut client = connect();
    assert_eq!(client.query("SELECT 1 AS a WHERE false"), ["T a:23", "C SELECT 0", "Z I"]);
}

#[test]
fn transactions_show_their_state() {
    let mut client = connect();
    assert_eq!(client.query("BEGIN"), ["C BEGIN", "Z T"]);
    assert_eq!(client.query("SELECT 1 AS a"), ["T a:23", "D 1", "C SELECT 1", "Z T"]);
    assert_eq!(client.query(""), ["I", "Z T"]);
    assert_eq!(client.query("SELECT * FROM no_such_table"), ["E 42P01", "Z E"]);
    assert_eq!(client.query("SELECT 1"), ["E 25P02", "Z E"]);
    assert_eq!(client.query("-- ping"), ["I", "Z E"]);
    assert_eq!(client.query("COMMIT"), ["C ROLLBACK", "Z I"]);
    assert_eq!(client.query("START TRANSACTION READ ONLY"), ["C START TRANSACTION", "Z T"]);
    assert_eq!(client.query("SELECT FROM_("), ["E 42601", "Z E"]);
    assert_eq!(client.query("ROLLBACK"), ["C ROLLBACK", "Z I"]);
}

#[test]
fn shows_and_sets() {
    let mut client = connect();
    assert_eq!(client.query("SET extra_float_digits = 2"), ["C SET", "Z I"]);
    let shown = client.query("SHOW extra_float_digits");
    assert_eq!(shown, ["T extra_float_digits:25", "D 2", "C SHOW", "Z I"]);
    assert_eq!(client.query("RESET extra_float_digits"), ["C RESET", "Z I"]);
    assert_eq!(client.value("SHOW extra_float_digits"), "1");
    assert_eq!(client.value("SHOW TRANSACTION ISOLATION LEVEL"), "read committed");
    assert_eq!(client.value("SHOW standard_conforming_strings"), "on");
    assert_eq!(client.sqlstate("SHOW no_such_setting"), "42704");
    assert_eq!(client.sqlstate("SET no_such_setting = 1"), "42704");
    assert_eq!(client.sqlstate("SET extra_float_digits = 'tea'"), "22023");
    assert_eq!(client.query("DISCARD ALL"), ["C DISCARD ALL", "Z I"]);
}

#[test]
fn a_long_query_text_is_taken() {
    let mut client = connect();
    let list = (0..20_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    assert_eq!(client.value(&format!("SELECT 5 IN ({list})")), "t");
}

#[test]
fn pipelined_queries_are_answered_in_order() {
    let mut client = connect();
    client.send(Out::new().query("SELECT 1 AS a").query("SELECT x").query("SELECT 3 AS c"));
    assert_eq!(
        client.read_shown(10),
        [
            "T a:23",
            "D 1",
            "C SELECT 1",
            "Z I",
            "E 42703",
            "Z I",
            "T c:23",
            "D 3",
            "C SELECT 1",
            "Z I",
        ]
    );
}

#[test]
fn a_division_by_zero_is_an_error() {
    let mut client = connect();
    for sql in ["SELECT 1/0", "SELECT 1.0/0", "SELECT 7::float8/0", "SELECT 5 % 0"] {
        assert_eq!(client.sqlstate(sql), "22012", "{sql}");
    }
    assert_eq!(client.value("SELECT 7/2"), "3");
}
