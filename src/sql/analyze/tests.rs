//! Types of expressions, checked against what PostgreSQL 15 answers.

use super::*;
use crate::sql::parse;

fn relations() -> Relations {
    let column = |name: &str, pg_type, typmod| RelationColumn {
        is_key: false,
        name: name.to_owned(),
        pg_type: Some((pg_type, typmod)),
        enum_name: None,
        origin: None,
    };
    let table = TableRef { database: None, schema: None, table: "t".to_owned() };
    let columns = vec![
        column("i", PgType::INT4, -1),
        column("b", PgType::INT8, -1),
        column("n", PgType::NUMERIC, 655_366),
        column("f", PgType::FLOAT8, -1),
        column("s", PgType::VARCHAR, 14),
        column("d", PgType::DATE, -1),
        column("ts", PgType::TIMESTAMP, -1),
        column("a", PgType::Array(crate::types::ScalarType::Int4), -1),
        column("j", PgType::JSONB, -1),
    ];
    let mut relations = Relations::default();
    relations.insert(table, Arc::new(columns));
    relations
}

fn analyzed(sql: &str) -> Analysis {
    let statements = parse(sql).unwrap();
    statements[0].analyze(&relations(), &[])
}

fn types(sql: &str) -> String {
    let columns = analyzed(sql).columns.unwrap();
    let shown = columns.iter().map(|found| match found {
        Some((pg_type, _)) => pg_type.sql_name(),
        None => "?".to_owned(),
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn params(sql: &str) -> String {
    let shown = analyzed(sql).params.into_iter().map(|found| match found {
        Some(pg_type) => pg_type.sql_name(),
        None => "?".to_owned(),
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[test]
fn arithmetic_and_aggregates_have_postgresqls_types() {
    let rows = [
        (
            "SELECT 1, 3000000000, 1.5, 'x', true, NULL",
            "integer, bigint, numeric, text, boolean, text",
        ),
        (
            "SELECT i + 1, i + b, i / 2.0, i * f, -n FROM t",
            "integer, bigint, numeric, double precision, numeric",
        ),
        (
            "SELECT sum(i), sum(b), sum(n), sum(f), avg(i), avg(f) FROM t",
            "bigint, numeric, numeric, double precision, numeric, double precision",
        ),
        ("SELECT count(*), count(i), max(s), min(d) FROM t", "bigint, bigint, text, date"),
        (
            "SELECT length(s), s || 'x', upper(s), s FROM t",
            "integer, text, text, character varying",
        ),
        (
            "SELECT d - d, d + 1, ts - ts, d + interval '1 day', extract(year from d) FROM t",
            "integer, date, interval, timestamp without time zone, numeric",
        ),
        (
            "SELECT round(n, 2), round(f), ceil(i), power(i, 2), sqrt(n) FROM t",
            "numeric, double precision, double precision, double precision, numeric",
        ),
        (
            "SELECT a[1], array_agg(i), a || 1, array_length(a, 1) FROM t",
            "integer, integer[], integer[], integer",
        ),
        ("SELECT j -> 'x', j ->> 'x', j @> '{}' FROM t", "jsonb, text, boolean"),
        (
            "SELECT coalesce(i, 1.5), case when true then i else b end, nullif(i, 2) FROM t",
            "numeric, bigint, integer",
        ),
        (
            "SELECT date_trunc('day', d), date_trunc('day', ts), now() FROM t",
            "timestamp with time zone, timestamp without time zone, timestamp with time zone",
        ),
    ];
    for (sql, expected) in rows {
        assert_eq!(types(sql), expected, "{sql}");
    }
}

#[test]
fn queries_carry_types_through() {
    let rows = [
        ("WITH x AS (SELECT sum(i) AS s, n FROM t GROUP BY n) SELECT * FROM x", "bigint, numeric"),
        ("SELECT x.s FROM (SELECT avg(i) s FROM t) x", "numeric"),
        ("SELECT i FROM t UNION SELECT b FROM t", "bigint"),
        ("SELECT * FROM generate_series(1, 3) g", "integer"),
        ("SELECT g + 1 FROM generate_series(1, 3) g", "integer"),
        ("SELECT column1 FROM (VALUES (1), (2.5)) v", "numeric"),
        ("SELECT (SELECT max(b) FROM t), EXISTS (SELECT 1)", "bigint, boolean"),
        (
            "SELECT rank() OVER (ORDER BY i), lag(s) OVER (ORDER BY i) FROM t",
            "bigint, character varying",
        ),
        ("SELECT key, value FROM jsonb_each('{}')", "text, jsonb"),
        (
            "SELECT t.*, 1 FROM t JOIN t AS u USING (i)",
            "integer, bigint, numeric, double precision, character varying, date, timestamp without time zone, integer[], jsonb, integer",
        ),
    ];
    for (sql, expected) in rows {
        assert_eq!(types(sql), expected, "{sql}");
    }
}

#[test]
fn parameters_take_the_type_of_their_place() {
    let rows = [
        (
            "SELECT 1 FROM t WHERE i = $1 AND b = $2 AND s = $3 AND d > $4",
            "integer, bigint, text, date",
        ),
        (
            "SELECT 1 FROM t WHERE i = ANY($1) AND s IN ($2, $3) LIMIT $4",
            "integer[], character varying, character varying, bigint",
        ),
        (
            "SELECT i + $1, upper($2), $3::date, coalesce($4, n) FROM t",
            "integer, text, date, numeric",
        ),
        ("SELECT $1", "?"),
        ("INSERT INTO t (i, d, j) VALUES ($1, $2, $3)", "integer, date, jsonb"),
        (
            "UPDATE t SET n = $1, s = $2 WHERE i BETWEEN $3 AND $4",
            "numeric, character varying, integer, integer",
        ),
        ("SELECT ts + $1, d - $2 FROM t", "interval, date"),
        ("SELECT CASE WHEN i > $1 THEN $2 ELSE 1.5 END FROM t", "integer, numeric"),
        ("SELECT j -> $1, j @> $2 FROM t", "text, jsonb"),
    ];
    for (sql, expected) in rows {
        assert_eq!(params(sql), expected, "{sql}");
    }
}

#[test]
fn what_nests_is_typed_once() {
    // Typed twice at each level, these would take longer than anybody waits.
    let nested = |open: &str, close: &str| {
        format!("SELECT {}'a'::text{}", open.repeat(40), close.repeat(40))
    };
    for (open, close) in [
        ("upper(", ")"),
        ("nullif(", ", 'x')"),
        ("(CASE ", " WHEN 'x' THEN 'y' ELSE 'z' END)"),
        ("((", " IN ('x', 'y'))::text)"),
        ("((", " BETWEEN 'x' AND 'y')::text)"),
        ("((", " LIKE 'x')::text)"),
    ] {
        let sql = nested(open, close);
        let statements = crate::sql::parse(&sql).unwrap();
        let found = statements[0].analyze(&Relations::default(), &[]);
        assert_eq!(found.columns.unwrap()[0].unwrap().0, PgType::TEXT, "{open}");
    }
}
