//! INSERT … SELECT and CREATE TABLE AS, whose queries run before their intent has its turn.

use std::fs;

use crate::harness::{Server, connect, eventually, skip_on_oracle, unique};
use crate::messages::Out;

/// A row of every type that DuckDB stores and that travels, by its own names.
const ALL_TYPES: &str = "SELECT 170141183460469231731687303715884105727::HUGEINT AS huge, \
    340282366920938463463374607431768211455::UHUGEINT AS uhuge, \
    (-128)::TINYINT AS tiny, 255::UTINYINT AS utiny, 65535::USMALLINT AS usmall, \
    4294967295::UINTEGER AS uint, 18446744073709551615::UBIGINT AS ubig, \
    1.5::DECIMAL(4,1) AS d4, -12345.67::DECIMAL(9,2) AS d9, 0.1::DECIMAL(18,17) AS d18, \
    12345678901234567890.1234567890::DECIMAL(38,10) AS d38, \
    'b'::ENUM('a', 'b', 'it''s') AS e, {'a': 1, 'b c': [1, NULL, 3]} AS st, \
    [1, 2]::INTEGER[2] AS arr, [[1], NULL, [2, 3]] AS lists, MAP {'k': 1.5, 'l': NULL} AS m, '{\"a\": [1]}'::JSON AS js, \
    '6f1c2b1e-51b5-4c9d-8d5a-0c3e5b9a7f10'::UUID AS u, '12:30:00.5+02'::TIMETZ AS ttz, \
    '10101'::BIT AS bits, INTERVAL '1 month -2 days 3.5 seconds' AS iv, '\\xAA\\x00'::BLOB AS bl, \
    '2024-02-29 12:00:00.123456789'::TIMESTAMP_NS AS tns, \
    '2024-02-29 12:00:00'::TIMESTAMP_S AS ts, '2024-02-29 12:00:00.123'::TIMESTAMP_MS AS tms, \
    '2024-02-29 12:00:00.123456'::TIMESTAMP AS tus, \
    '2024-02-29 12:00:00+02'::TIMESTAMPTZ AS tstz, 'infinity'::TIMESTAMP AS inf, \
    '-infinity'::DATE AS dinf, TIME '23:59:59.999999' AS tm, 0.1::FLOAT AS f4, 0.1::DOUBLE AS f8, \
    'nan'::DOUBLE AS nan, true AS b, 'ä\u{0}b' IS NULL AS no, 'äöü' AS v, NULL::INTEGER AS nothing";

#[test]
fn values_arrive_exactly_as_they_were() {
    if skip_on_oracle("the types are DuckDB's") {
        return;
    }
    let mut client = connect();
    let (source, inserted, made) = (unique("st_src"), unique("st_ins"), unique("st_made"));
    let all_types = ALL_TYPES.replace("'ä\u{0}b' IS NULL", "false");
    client.run(&format!("CREATE TABLE {source} AS {all_types}"));
    client.run(&format!("INSERT INTO {source} SELECT * REPLACE (NULL AS huge) FROM {source}"));
    client.run(&format!("CREATE TABLE {made} AS SELECT * FROM {source}"));
    client.run(&format!("CREATE TABLE {inserted} AS SELECT * FROM {source} WHERE false"));
    let tag = client.run(&format!("INSERT INTO {inserted} SELECT * FROM {source}"));
    assert_eq!(tag, "INSERT 0 2");
    for copy in [&inserted, &made] {
        let types = |table: &str| {
            format!(
                "SELECT column_name || ' ' || data_type FROM duckdb_columns() \
                 WHERE table_name = '{table}' ORDER BY column_index"
            )
        };
        let (was, is) = (client.lines(&types(&source)), client.lines(&types(copy)));
        assert_eq!(was, is);
        assert!(is.len() > 35, "{is:?}");
        let different = format!("SELECT count(*) FROM (FROM {source} EXCEPT ALL FROM {copy}) AS d");
        assert_eq!(client.value(&different), "0", "{copy}");
        assert_eq!(client.value(&format!("SELECT count(*) FROM {copy}")), "2");
    }
    for table in [source, inserted, made] {
        client.run(&format!("DROP TABLE {table}"));
    }
}

#[test]
fn rows_are_cast_to_the_tables_columns() {
    let mut client = connect();
    let t = unique("st_cast");
    client.run("SET TIME ZONE 'Europe/Berlin'");
    client.run(&format!(
        "CREATE TABLE {t} (a int2, b numeric(6,2), c timestamptz, d text, e int4 DEFAULT 7)"
    ));
    let tag = client.run(&format!(
        "INSERT INTO {t} (c, a, b, d) SELECT timestamp '2024-07-01 12:00:00', 5::int8, 1.235, 'x' \
         UNION ALL SELECT NULL, NULL, 2, NULL"
    ));
    assert_eq!(tag, "INSERT 0 2");
    client.run(&format!("INSERT INTO {t} SELECT 6"));
    assert_eq!(
        client.lines(&format!("SELECT a, b, c, d, e FROM {t} ORDER BY a")),
        ["5|1.24|2024-07-01 12:00:00+02|x|7", "6|NULL|NULL|NULL|7", "NULL|2.00|NULL|NULL|7"]
    );
    assert_eq!(client.sqlstate(&format!("INSERT INTO {t} (a) SELECT 70000")), "22003");
    assert_eq!(client.sqlstate(&format!("INSERT INTO {t} (a, a) SELECT 1, 2")), "42701");
    assert_eq!(client.sqlstate(&format!("INSERT INTO {t} (zz) SELECT 1")), "42703");
    assert_eq!(client.sqlstate(&format!("INSERT INTO {t} (a) SELECT 1, 2")), "42601");
    assert_eq!(client.sqlstate(&format!("INSERT INTO {t} SELECT a FROM no_such_table")), "42P01");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_query_with_parameters_or_a_sequence_works_all_the_same() {
    let mut client = connect();
    let (t, s) = (unique("st_params"), unique("st_seq"));
    client.run(&format!("CREATE TABLE {t} (a int8, b text)"));
    client.run(&format!("CREATE SEQUENCE {s}"));
    let sql =
        format!("INSERT INTO {t} SELECT g, $1::text FROM generate_series(1, $2::int4) AS x(g)");
    let replies = client.talk(
        Out::new()
            .parse("", &sql, &[])
            .bind("", "", &[Some(b"p"), Some(b"3")])
            .execute("", 0)
            .sync(),
    );
    assert_eq!(replies, ["1", "2", "C INSERT 0 3", "Z I"]);
    client.run(&format!("INSERT INTO {t} SELECT nextval('{s}') + 10, 's'"));
    client.run(&format!("INSERT INTO {t} SELECT nextval('{s}') + 10, 's'"));
    assert_eq!(
        client.lines(&format!("SELECT * FROM {t} ORDER BY a")),
        ["1|p", "2|p", "3|p", "11|s", "12|s"]
    );
    client.run(&format!("DROP TABLE {t}"));
    client.run(&format!("DROP SEQUENCE {s}"));
}

#[test]
fn a_table_made_of_a_query_has_its_rows_and_tag() {
    let mut client = connect();
    let t = unique("st_made_of");
    let tag = client.run(&format!(
        "CREATE TABLE {t} AS SELECT g AS id, 'n' || g AS name FROM generate_series(1, 5) AS x(g)"
    ));
    assert_eq!(tag, "SELECT 5");
    assert_eq!(client.sqlstate(&format!("CREATE TABLE {t} AS SELECT 1 AS a")), "42P07");
    assert_eq!(client.run(&format!("DROP TABLE {t}")), "DROP TABLE");
    assert_eq!(client.sqlstate(&format!("CREATE TABLE {t} AS SELECT 1/0 AS a")), "22012");
    assert_eq!(client.sqlstate(&format!("SELECT * FROM {t}")), "42P01");
}

#[test]
fn a_query_that_runs_long_stops_nobody_and_can_be_canceled() {
    let mut client = connect();
    let t = unique("st_long");
    client.run(&format!("CREATE TABLE {t} (a int8)"));
    let mut slow = connect();
    slow.send(Out::new().query(&format!(
        "INSERT INTO {t} SELECT sum(a.g * b.g)::int8 FROM generate_series(1, 3000000) AS a(g), \
         generate_series(1, 3000000) AS b(g)"
    )));
    eventually("the query to run", || {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity \
             WHERE query LIKE 'INSERT INTO {t} SELECT sum%' AND state = 'active'"
        );
        client.value(&sql) == "1"
    });
    for n in 0..20 {
        client.run(&format!("INSERT INTO {t} VALUES ({n})"));
    }
    slow.cancel();
    assert_eq!(slow.read_shown(2), ["E 57014", "Z I"]);
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "20");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_staged_file_is_gone_when_its_rows_are_in() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run(
        "CREATE TABLE big AS SELECT g AS a, g || 'x' AS b FROM generate_series(1, 400000) AS x(g)",
    );
    client.run("CREATE TABLE other (a int8, b text PRIMARY KEY)");
    client.run("INSERT INTO other SELECT * FROM big");
    assert_eq!(client.value("SELECT count(*) FROM other"), "400000");
    let left = fs::read_dir(server.dir().join("staged")).unwrap().count();
    assert_eq!(left, 0);
    assert_eq!(client.sqlstate("INSERT INTO other SELECT * FROM big"), "23505");
    assert_eq!(client.value("SELECT count(*) FROM other"), "400000");
    // The order of rows is kept, also by the append of several threads.
    let ordered = "SELECT count(*) FROM (SELECT a - lag(a) OVER (ORDER BY rowid) AS step \
                   FROM other) AS s WHERE step <> 1";
    assert_eq!(client.value(ordered), "0");
}
