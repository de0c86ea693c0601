//! What SQL means: the same answers, texts and refusals as PostgreSQL's. Each was wrong once.

use crate::harness::{connect, unique};
use crate::messages::Out;

/// Each question has one value.
fn check(cases: &[(&str, &str)]) {
    let mut client = connect();
    for (sql, wanted) in cases {
        assert_eq!(client.value(sql), *wanted, "{sql}");
    }
}

#[test]
fn one_expression_means_one_thing_wherever_it_stands() {
    let mut client = connect();
    let t = unique("grouped");
    client.run(&format!("CREATE TABLE {t} (id int PRIMARY KEY, a numeric(10,2), at timestamptz)"));
    client.run(&format!(
        "INSERT INTO {t} VALUES (1, 4.97, '2024-05-01 00:00+00'), (2, 4.97, '2024-05-01 00:10+00')"
    ));
    let grouped = format!("SELECT a / 5, count(*) FROM {t} GROUP BY a / 5 ORDER BY a / 5");
    assert_eq!(client.lines(&grouped), ["0.99400000000000000000|2"]);
    let buckets = format!(
        "SELECT extract(epoch FROM to_timestamp(floor(extract('epoch' FROM at) / 1800) * 1800))::int8, \
         count(*) FROM {t} GROUP BY 1"
    );
    assert_eq!(client.lines(&buckets), ["1714521600|2"]);
    // A primary key stands for its table's columns.
    let by_key = format!("SELECT g.id, a, count(*) FROM {t} AS g GROUP BY g.id ORDER BY a, g.id");
    assert_eq!(client.lines(&by_key), ["1|4.97|1", "2|4.97|1"]);
    let median = format!("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM {t}");
    assert_eq!(client.value(&median), "4.97");
    client.run(&format!("UPDATE {t} SET a = 4.98 WHERE id = 2"));
    assert_eq!(client.value(&median), "4.975");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn values_have_postgresqls_text_inside_of_expressions() {
    check(&[
        ("SELECT 1.0::float8::text || '/' || 1e15::float8 || '/' || 2.5::real", "1/1e+15/2.5"),
        (
            "SELECT ARRAY[1,2]::text || ARRAY['a b', NULL, 'null', '']::text",
            r#"{1,2}{"a b",NULL,"null",""}"#,
        ),
        ("SELECT ARRAY[true, false]::text", "{t,f}"),
        ("SELECT concat('a', 1, true, 1.5::float8, NULL, date '2024-01-02')", "a1t1.52024-01-02"),
        ("SELECT 'ab'::char(4) || '|' || length('ab'::char(4))", "ab|2"),
        ("SELECT 'ab'::char(4)", "ab  "),
        ("SELECT 'abc'::char(2)", "ab"),
        ("SELECT '2024-02-29 12:34:56.789'::timestamp(1)", "2024-02-29 12:34:56.8"),
        ("SELECT json_build_object('a', 1, 'b', ARRAY[1,2])", r#"{"a" : 1, "b" : [1,2]}"#),
        ("SELECT -2 ^ 2", "4"),
        ("SELECT substring('assam black' for 5)", "assam"),
        ("SELECT trim('xy' FROM 'xyteaxy')", "tea"),
        ("SELECT extract(epoch FROM date '1970-01-02')", "86400"),
        ("SELECT interval '1 month - 1 day'", "1 mon -1 days"),
        ("SELECT sum(x) FROM (VALUES (interval '1 day'), ('26 hours')) AS v(x)", "1 day 26:00:00"),
        (
            "SELECT (date '2024-01-01', interval '40 days') OVERLAPS (date '2024-02-01', date '2024-06-01')",
            "t",
        ),
        (
            "SELECT timestamptz '2024-07-04 12:00+00' AT TIME ZONE interval '-3 hours'",
            "2024-07-04 09:00:00",
        ),
        ("SELECT string_to_array('', ',')", "{}"),
    ]);
}

#[test]
fn what_has_no_meaning_is_refused() {
    let mut client = connect();
    let t = unique("refused");
    client.run(&format!("CREATE TABLE {t} (id int, name text, d date, u uuid)"));
    client.run(&format!("INSERT INTO {t} VALUES (1, 'one', '2024-01-01', NULL)"));
    let cases = [
        ("SELECT 1 FROM @ WHERE name = 1", "42883"),
        ("SELECT d = 5 FROM @", "42883"),
        ("SELECT 1 FROM @ WHERE id IN ('1', d)", "42883"),
        ("SELECT true = 1", "42883"),
        ("SELECT '1' + '2'", "42725"),
        ("SELECT 1 FROM @ WHERE id", "42804"),
        ("SELECT CASE WHEN id THEN 1 END FROM @", "42804"),
        ("SELECT true::date", "42846"),
        ("SELECT d::int FROM @", "42846"),
        ("SELECT \"ID\" FROM @", "42703"),
        ("SELECT extract(hour FROM d) FROM @", "0A000"),
        ("SELECT * FROM @, @", "42712"),
        ("SELECT sqrt(-1)", "2201F"),
        ("SELECT ln(0)", "2201E"),
        ("SELECT now() AT TIME ZONE 'No/Where'", "22023"),
        ("SELECT 'a' ~ '('", "2201B"),
        ("SELECT make_date(2024, 2, 30)", "22008"),
    ];
    for (sql, code) in cases {
        assert_eq!(client.sqlstate(&sql.replace('@', &t)), code, "{sql}");
    }
    // What can be meant is taken.
    for sql in [
        "SELECT 1 FROM @ WHERE name = '1' OR id = 1.5 OR d >= timestamp '2024-01-01' OR u IS NULL",
        "SELECT name AS \"Name\", count(*) AS \"N\" FROM @ GROUP BY \"Name\" ORDER BY \"N\", \"Name\"",
        "SELECT name || id || d, id + 1.5, d + 1, d - date '2023-01-01' FROM @",
        "SELECT 1 FROM @ WHERE id = ANY (ARRAY[1, 2]) AND name LIKE 'o%' AND name::varchar = name",
    ] {
        client.rows(&sql.replace('@', &t));
    }
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn joins_give_the_columns_that_they_share_first() {
    let mut client = connect();
    let (l, r) = (unique("left"), unique("right"));
    client.run(&format!("CREATE TABLE {l} (id int, a text, k int[])"));
    client.run(&format!("CREATE TABLE {r} (b text, id int)"));
    client.run(&format!("INSERT INTO {l} VALUES (1, 'x', '{{1,2}}'), (2, 'y', '{{}}')"));
    client.run(&format!("INSERT INTO {r} VALUES ('p', 2)"));
    assert_eq!(client.lines(&format!("SELECT * FROM {r} JOIN {l} USING (id)")), ["2|p|y|{}"]);
    let member = format!("SELECT a, b FROM {l} LEFT JOIN {r} ON {r}.id = ANY (k) ORDER BY a");
    assert_eq!(client.lines(&member), ["x|p", "y|NULL"]);
    let side_by_side = "SELECT * FROM unnest(ARRAY[1,2,3], ARRAY['a','b']) AS t(x, y) WHERE x > 1";
    assert_eq!(client.lines(side_by_side), ["2|b", "3|NULL"]);
    let ties = "SELECT v FROM (VALUES ('a', 3), ('b', 3), ('c', 1)) AS t(v, n) \
                ORDER BY n DESC, v LIKE 'x' FETCH FIRST 1 ROW WITH TIES";
    assert_eq!(client.lines(ties).len(), 2);
    client.run(&format!("DROP TABLE {l}, {r}"));
}

#[test]
fn dates_and_intervals_have_the_sessions_style() {
    let mut client = connect();
    client.run("SET datestyle = 'sql, dmy'");
    assert_eq!(client.value("SHOW datestyle"), "SQL, DMY");
    assert_eq!(client.value("SELECT date '1/8/1999'"), "01/08/1999");
    client.run("SET datestyle = 'german'");
    assert_eq!(client.value("SELECT timestamp '1999-08-01 12:00'"), "01.08.1999 12:00:00");
    client.run("SET datestyle = 'iso, mdy'");
    // The same text as before, read otherwise.
    assert_eq!(client.value("SELECT date '1/8/1999'"), "1999-01-08");
    for (style, wanted) in [
        ("iso_8601", "P1Y2M3DT4H"),
        ("postgres_verbose", "@ 1 year 2 mons 3 days 4 hours"),
        ("sql_standard", "+1-2 +3 +4:00:00"),
    ] {
        client.run(&format!("SET intervalstyle = '{style}'"));
        assert_eq!(client.value("SELECT interval '1 year 2 months 3 days 4 hours'"), wanted);
    }
    assert_eq!(client.sqlstate("SET datestyle = 'iso, sql'"), "22023");
}

#[test]
fn a_broken_constraint_is_named_in_transactions_too() {
    let mut client = connect();
    let t = unique("named");
    client.run(&format!(
        "CREATE TABLE {t} (id int PRIMARY KEY, name text NOT NULL, n int CHECK (n > 0), \
         up int REFERENCES {t} (id))"
    ));
    client.run(&format!("INSERT INTO {t} VALUES (1, 'one', 1, NULL)"));
    let cases = [
        ("(1, 'again', 1, NULL)", "23505", 'n', format!("{t}_pkey")),
        ("(2, NULL, 1, NULL)", "23502", 'c', "name".to_owned()),
        ("(2, 'two', -1, NULL)", "23514", 'n', format!("{t}_n_check")),
        ("(2, 'two', 1, 9)", "23503", 'n', format!("{t}_up_fkey")),
    ];
    for in_block in [false, true] {
        for (values, code, field, name) in &cases {
            if in_block {
                client.run("BEGIN");
            }
            let error = client.error(&format!("INSERT INTO {t} VALUES {values}"));
            if in_block {
                client.run("ROLLBACK");
            }
            assert_eq!(error.get(&'C').map(String::as_str), Some(*code), "{values}");
            assert_eq!(
                error.get(field).map(String::as_str),
                Some(name.as_str()),
                "{values} {in_block}"
            );
            assert_eq!(
                error.get(&'t').map(String::as_str),
                Some(t.as_str()),
                "{values} {in_block}"
            );
        }
    }
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_statement_whose_columns_have_changed_is_to_be_prepared_anew() {
    let mut client = connect();
    let t = unique("changed");
    client.run(&format!("CREATE TABLE {t} (a int)"));
    client.run(&format!("INSERT INTO {t} VALUES (1)"));
    let all = format!("SELECT * FROM {t}");
    let out = Out::new().parse("all", &all, &[]).describe_statement("all").sync();
    assert_eq!(client.talk(out), ["1", "t []", "T a:23", "Z I"]);
    let run = || Out::new().bind("", "all", &[]).execute("", 0).sync();
    assert_eq!(client.talk(run()), ["2", "D 1", "C SELECT 1", "Z I"]);
    client.run(&format!("ALTER TABLE {t} ADD COLUMN b text DEFAULT 'x'"));
    let replies = client.talk(run());
    let refused = replies.iter().any(|reply| reply.starts_with('E') && reply.contains("0A000"));
    assert!(refused && !replies.iter().any(|reply| reply.starts_with('D')), "{replies:?}");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn rows_are_values_too() {
    let mut client = connect();
    assert_eq!(
        client.query(
            "SELECT ROW(1, 'a b', NULL, '') AS r, (1, 'x\"y') AS t, ROW(1, ROW(2, 'b,c')) AS n"
        ),
        [
            "T r:2249 t:2249 n:2249",
            r#"D (1,"a b",,"")|(1,"x""y")|(1,"(2,""b,c"")")"#,
            "C SELECT 1",
            "Z I"
        ]
    );
    let sql = "SELECT array_agg(ROW(1::int2, 'a'::text)) AS l";
    assert_eq!(client.query(sql), ["T l:2287", r#"D {"(1,a)"}"#, "C SELECT 1", "Z I"]);
    let none = "SELECT coalesce(array_agg(ROW(a, 'x')) FILTER (WHERE a > 1), '{}') AS l \
                FROM (VALUES (1)) v(a)";
    assert_eq!(client.query(none), ["T l:2287", "D {}", "C SELECT 1", "Z I"]);
    let row = "SELECT ROW(7::int2, NULL::int4) AS r";
    let out =
        Out::new().parse("", row, &[]).bind_formats("", "", &[], &[], &[1]).execute("", 0).sync();
    client.send(out);
    let replies = client.read_until_ready();
    let data = replies.iter().find(|reply| reply.tag == b'D').unwrap().values();
    let expected = [
        [0, 0, 0, 2].as_slice(),
        &[0, 0, 0, 21, 0, 0, 0, 2, 0, 7],
        &[0, 0, 0, 23, 255, 255, 255, 255],
    ];
    assert_eq!(data, [Some(expected.concat())]);
    assert_eq!(client.value("SELECT ROW(1, 2) = ROW(1, 2) AND (1, 2) < (1, 3)"), "t");
}

#[test]
fn addresses_are_binary_where_they_are_wanted_so() {
    let mut client = connect();
    let sql = "SELECT '10.1.0.7'::inet AS a";
    let out = Out::new().parse("", sql, &[]).bind_formats("", "", &[], &[], &[1]);
    client.send(out.execute("", 0).sync());
    let replies = client.read_until_ready();
    let data = replies.iter().find(|reply| reply.tag == b'D').unwrap().values();
    assert_eq!(data, [Some(vec![2, 32, 0, 4, 10, 1, 0, 7])]);
}

#[test]
fn settings_of_the_planner_and_the_log_can_be_set_and_shown() {
    let mut client = connect();
    for (name, value, bad) in [
        ("enable_hashjoin", "off", Some("22023")),
        ("log_statement", "ddl", Some("22023")),
        ("maintenance_work_mem", "96MB", None),
        ("Random_Page_Cost", "1.5", None),
    ] {
        client.run(&format!("SET {name} = '{value}'"));
        assert_eq!(client.value(&format!("SHOW {name}")), value);
        client.run(&format!("RESET {name}"));
        if let Some(code) = bad {
            assert_eq!(client.sqlstate(&format!("SET {name} = 'no such value'")), code);
        }
    }
    assert_eq!(client.sqlstate("SET no_such_setting = 1"), "42704");
    assert_eq!(client.value("SHOW transaction_deferrable"), "off");
}

#[test]
fn rows_and_arrays_are_compared_and_looked_up_as_in_postgresql() {
    check(&[
        ("SELECT (1, NULL::int) = (1, NULL::int)", "NULL"),
        ("SELECT (1, NULL::int) = (2, NULL::int)", "f"),
        (
            "SELECT count(*) FROM (VALUES (50, NULL::int), (60, 1)) v(a, b) WHERE (a, b) > (50, 2)",
            "1",
        ),
        ("SELECT (1, 2) <= (1, 2)", "t"),
        ("SELECT (1, NULL::int) IN ((1, 2), (1, 3))", "NULL"),
        ("SELECT (1, 5) NOT IN ((1, 2))", "t"),
        ("SELECT (NULL::int, NULL::int) IS NULL", "t"),
        ("SELECT ROW(1, NULL::int) IS NOT NULL", "f"),
        ("SELECT (ARRAY[10, 20, 30])[-1]", "NULL"),
        ("SELECT (ARRAY[10, 20, 30])[i - 1] FROM (VALUES (0)) v(i)", "NULL"),
        ("SELECT concat_ws('-', VARIADIC ARRAY['x', 'y', NULL, 'z'])", "x-y-z"),
        ("SELECT format('%s %s', VARIADIC ARRAY['p', 'q'])", "p q"),
        ("SELECT concat(VARIADIC x) FROM (SELECT ARRAY['1', '2'] AS x) s", "12"),
        ("SELECT 'abc' SIMILAR TO '%(b|d)%'", "t"),
        ("SELECT 'xyz' SIMILAR TO 'x.z'", "f"),
        ("SELECT 'a%' SIMILAR TO 'a#%' ESCAPE '#'", "t"),
        ("SELECT 'ab' NOT SIMILAR TO '[a-b]+'", "f"),
        ("SELECT 1e20::numeric * 10", "1000000000000000000000"),
        ("SELECT 1e3::text", "1000"),
        ("SELECT pg_typeof(sum(x)) FROM (VALUES (1), (2)) v(x)", "bigint"),
        (
            "SELECT string_agg(e ->> 'n', ',') FROM jsonb_array_elements('[{\"n\":1},{\"n\":2}]') e",
            "1,2",
        ),
        ("SELECT count(*) FROM jsonb_array_elements('[{\"n\":1}]') e WHERE e @> '{\"n\":1}'", "1"),
        ("SELECT to_regclass('pg_class')", "pg_class"),
        ("SELECT to_regtype('int4')::text", "integer"),
        ("SELECT format_type(1184, 3)", "timestamp(3) with time zone"),
    ]);
    let mut client = connect();
    assert_eq!(client.sqlstate("SELECT (1, 2) = (1, 2, 3)"), "42601");
    assert_eq!(client.sqlstate("SELECT 1e19::bigint"), "22003");
    if !crate::harness::is_oracle() {
        assert_eq!(client.sqlstate("SELECT B'101'"), "0A000");
        assert_eq!(
            client.sqlstate("SELECT format(x, VARIADIC y) FROM (SELECT '%s' x, ARRAY['a'] y) s"),
            "0A000"
        );
    }
    client.run("SET search_path = nowhere, public");
    assert_eq!(client.value("SELECT current_schemas(true)"), "{pg_catalog,public}");
}

#[test]
fn an_array_beside_null_stays_what_it_is() {
    let mut client = connect();
    let t = unique("tagged");
    client.run(&format!("CREATE TABLE {t} (id int, tags text[])"));
    client.run(&format!("INSERT INTO {t} VALUES (1, NULL), (2, '{{a}}')"));
    client.run(&format!("UPDATE {t} SET tags = tags || ARRAY['x']"));
    client.run(&format!("UPDATE {t} SET tags = ARRAY['w'] || tags || 'y'::text"));
    let rows = format!("SELECT id, tags FROM {t} ORDER BY id");
    assert_eq!(client.lines(&rows), ["1|{w,x,y}", "2|{w,a,x,y}"]);
    let v = unique("tags");
    client.run(&format!("CREATE VIEW {v} AS SELECT id, tags || NULL::text[] AS tags FROM {t}"));
    assert_eq!(client.lines(&format!("SELECT * FROM {v} ORDER BY id"))[0], "1|{w,x,y}");
    client.run(&format!("DROP VIEW {v}"));
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn rows_that_an_outer_join_makes_up_are_not_counted() {
    let mut client = connect();
    let (a, b) = (unique("counted_a"), unique("counted_b"));
    client.run(&format!("CREATE TABLE {a} (id int); CREATE TABLE {b} (id int, v int)"));
    client.run(&format!("INSERT INTO {a} VALUES (1), (2)"));
    client.run(&format!("INSERT INTO {b} VALUES (1, NULL), (1, 5)"));
    let joined = format!("FROM {a} AS a LEFT JOIN {b} AS b ON b.id = a.id");
    let counts = format!("SELECT a.id, count(b.*), count(*) {joined} GROUP BY a.id ORDER BY a.id");
    assert_eq!(client.lines(&counts), ["1|2|2", "2|0|1"]);
    let having = format!("SELECT a.id {joined} GROUP BY a.id HAVING count(b.*) = 0");
    assert_eq!(client.lines(&having), ["2"]);
    let ordered = format!("SELECT a.id {joined} GROUP BY a.id ORDER BY count(b.*), a.id");
    assert_eq!(client.lines(&ordered), ["2", "1"]);
    assert_eq!(client.value(&format!("SELECT count({b}.*) FROM {b}")), "2");
    let made = format!(
        "SELECT count(s.*) FROM {a} AS a LEFT JOIN (SELECT id FROM {b}) AS s ON s.id = a.id"
    );
    assert_eq!(client.error(&made)[&'C'], "0A000");
    client.run(&format!("DROP TABLE {a}; DROP TABLE {b}"));
}

#[test]
fn what_keeps_a_server_in_order_is_taken_and_what_it_has_not_is_said() {
    let mut client = connect();
    for taken in ["CHECKPOINT", "REINDEX TABLE any_table", "VACUUM"] {
        client.run(taken);
    }
    for (refused, code) in [
        ("DO $$ BEGIN NULL; END $$", "0A000"),
        ("PREPARE TRANSACTION 'x'", "55000"),
        ("COMMIT PREPARED 'x'", "42704"),
        ("SELECT 123456789012345678901234567890.123456789", "0A000"),
    ] {
        assert_eq!(client.error(refused)[&'C'], code, "{refused}");
    }
    check(&[
        ("SELECT pg_postmaster_start_time() < now()", "t"),
        ("SELECT 0.1000000000000000055511151231257827021181583404541015625::float8", "0.1"),
    ]);
}

#[test]
fn a_view_means_what_its_query_means() {
    let mut client = connect();
    let (t, v) = (unique("seen"), unique("view_of"));
    client.run(&format!("CREATE TABLE {t} (id int PRIMARY KEY, at timestamp, tags text[])"));
    client.run(&format!("INSERT INTO {t} VALUES (1, '2024-01-02', NULL), (2, NULL, '{{a}}')"));
    for expression in [
        "to_char(at, 'Mon DD')",
        "format('%s-%s', id, 'a')",
        "tags || ARRAY['x']",
        "tags || 'y'::text",
        "tags || '{z}'",
        "width_bucket(id, 0, 10, 5)",
        "generate_series(1, id)",
        "at - interval '1 day'",
        "at::date - date '2024-01-01'",
        "7 / 2",
        "date_trunc('month', at)",
        "substring('abc' from 0 for id + 1)",
        "'a' || id",
        "id % 2 = 1",
        "round(id / 3.0, 2)",
    ] {
        let query = format!("SELECT id, {expression} AS x FROM {t} ORDER BY id, x");
        client.run(&format!("CREATE VIEW {v} AS SELECT id, {expression} AS x FROM {t}"));
        let seen = format!("SELECT id, x FROM {v} ORDER BY id, x");
        assert_eq!(client.lines(&seen), client.lines(&query), "{expression}");
        // Its definition makes the same view again.
        let text = client.value(&format!("SELECT pg_get_viewdef('{v}'::regclass)"));
        assert!(!text.contains("teatree"), "{text}");
        client.run(&format!("DROP VIEW {v}"));
        // DuckDB has rows of a list where PostgreSQL has a function of many rows.
        if !text.contains("unnest") {
            client.run(&format!("CREATE VIEW {v} AS {text}"));
            assert_eq!(client.lines(&seen), client.lines(&query), "{text}");
            client.run(&format!("DROP VIEW {v}"));
        }
    }
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_view_reads_on_what_has_another_name() {
    let mut client = connect();
    let s = unique("renaming");
    client.run(&format!("CREATE SCHEMA {s}"));
    client.run(&format!("SET search_path = {s}"));
    client.run("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)");
    client.run("CREATE VIEW low AS SELECT id FROM kept");
    client.run("CREATE VIEW high AS SELECT low.id AS a, kept.id AS b FROM low, kept");
    client.run("COMMENT ON VIEW high IS 'on top'; COMMENT ON COLUMN high.b IS 'below'");
    // As dbt puts a view in the place of another.
    client.run("BEGIN");
    client.run("CREATE VIEW low_new AS SELECT id + 1 AS id FROM kept");
    client.run("ALTER TABLE low RENAME TO low_old");
    client.run("ALTER VIEW low_new RENAME TO low");
    client.run("COMMIT");
    assert_eq!(client.lines("SELECT * FROM high"), ["1|1"]);
    assert_eq!(client.lines("SELECT * FROM low"), ["2"]);
    client.run("ALTER TABLE kept RENAME TO moved");
    client.run("CREATE TABLE kept (id int)");
    assert_eq!(client.lines("SELECT * FROM high"), ["1|1"]);
    let comments = "SELECT obj_description('high'::regclass), col_description('high'::regclass, 2)";
    assert_eq!(client.lines(comments), ["on top|below"]);
    assert_eq!(&client.error("DROP VIEW low_old")[&'C'], "2BP01");
    client.run("DROP VIEW low_old CASCADE");
    assert_eq!(&client.error("SELECT * FROM high")[&'C'], "42P01");
    assert_eq!(client.lines("SELECT * FROM low"), ["2"]);
    client.run(&format!("DROP SCHEMA {s} CASCADE"));
}
