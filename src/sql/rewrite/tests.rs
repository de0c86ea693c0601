//! Each case: what the client wrote, what DuckDB is given.

use super::*;

struct Known;

impl SystemCatalog for Known {
    fn relation(&self, schema: Option<&str>, name: &str) -> Option<SystemRelation> {
        let known = |schema, name, oid| Some(SystemRelation { schema, name, oid });
        match (schema, name) {
            (None | Some("pg_catalog"), "pg_class") => known("pg", "pg_class", 1259),
            (None | Some("pg_catalog"), "pg_am") => known("pg", "pg_am", 2601),
            (Some("information_schema"), "tables") => known("information", "tables", 13000),
            _ => None,
        }
    }

    fn has_function(&self, name: &str) -> bool {
        matches!(name, "format_type" | "pg_get_expr" | "pg_table_is_visible")
    }

    fn kept(&self, schema: &str, name: &str) -> Option<(&'static str, usize)> {
        match (schema, name) {
            ("pg", "pg_class") => Some(("kept", 0)),
            ("pg", "format_type") => Some(("kept", 1)),
            _ => None,
        }
    }

    fn is_moving(&self, _: &str, name: &str) -> bool {
        name == "pg_proc"
    }
}

fn context() -> NameContext {
    NameContext {
        relations: std::sync::Arc::default(),
        param_types: Vec::new(),
        input_style: chrono_tz::Tz::UTC.into(),
        database: "shop".into(),
        search_path: vec!["public".into()],
        session: SessionFacts::new(
            SessionRoles { current: "ann".into(), own: "ann".into(), is_restricted: false },
            42,
            super::SessionIntents::default(),
            None,
            Drawn::default(),
        ),
        catalog: &Known,
        kept: None,
    }
}

fn rewritten(sql: &str) -> Result<String> {
    let mut statements = parse(sql)?;
    assert_eq!(statements.len(), 1, "{sql}");
    for_duckdb(&mut statements[0], &context())?;
    Ok(statements[0].to_string())
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (sql, expected) in cases {
        assert_eq!(rewritten(sql).unwrap(), *expected, "{sql}");
    }
}

#[test]
fn names_of_relations() {
    check(&[
        ("SELECT a FROM public.t", "SELECT a FROM main.t"),
        ("SELECT a FROM shop.public.t", "SELECT a FROM main.t"),
        ("SELECT a FROM Shop.Sales.T", "SELECT a FROM sales.t"),
        ("SELECT a FROM shop.t", "SELECT a FROM \"shop\".shop.t"),
        ("SELECT \"A\" FROM \"T\"", "SELECT \"A\" FROM \"T\""),
        ("SELECT oid FROM pg_class", "SELECT oid FROM teatree_system.pg.pg_class"),
        (
            "SELECT pg_catalog.pg_class.oid FROM pg_catalog.pg_class",
            "SELECT pg_class.oid FROM teatree_system.pg.pg_class",
        ),
        (
            "WITH pg_class AS (SELECT b FROM u) SELECT b FROM pg_class",
            "WITH pg_class AS (SELECT b FROM u) SELECT b FROM pg_class",
        ),
        ("SELECT public.t.a FROM public.t", "SELECT main.t.a FROM main.t"),
        (
            "SELECT table_name FROM shop.information_schema.tables",
            "SELECT table_name FROM teatree_system.information.tables",
        ),
        ("SELECT a FROM t FOR UPDATE", "SELECT a FROM t"),
    ]);
}

#[test]
fn names_that_do_not_exist() {
    let error = rewritten("SELECT a FROM other.public.t").unwrap_err();
    assert_eq!(error.code().as_str(), "0A000");
    let error = rewritten("SELECT a FROM pg_catalog.nothing").unwrap_err();
    assert_eq!(error.code().as_str(), "42P01");
    assert!(rewritten("SELECT a FROM teatree_system.t").is_err());
}

#[test]
fn casts() {
    check(&[
        ("SELECT 'pg_class'::regclass::oid AS o", "SELECT 1259::UINTEGER AS o"),
        (
            "SELECT 't'::regclass::oid AS o",
            "SELECT teatree_system.pg.regclass_in('t')::UINTEGER AS o",
        ),
        ("SELECT '42'::regclass::oid AS o", "SELECT 42::UINTEGER AS o"),
        (
            "SELECT (a || 't')::regclass::oid AS o FROM t",
            "SELECT teatree_system.pg.regclass_of((a || 't'))::UINTEGER AS o FROM t",
        ),
        (
            "SELECT a FROM t WHERE a = b::regclass::text::regclass",
            "SELECT a FROM t WHERE a = teatree_system.pg.regclass_in(b)",
        ),
        (
            "SELECT pg_catalog.pg_get_serial_sequence(c.oid::regclass::text, a) AS s FROM t AS c",
            "SELECT teatree_system.pg.serial_sequence_of(c.oid, a) AS s FROM t AS c",
        ),
        (
            "SELECT pg_get_serial_sequence(c.oid::regclass::text, a)::regclass::oid AS s \
             FROM t AS c",
            "SELECT teatree_system.pg.serial_sequence_oid(c.oid, a)::UINTEGER AS s FROM t AS c",
        ),
        (
            "SELECT c.oid::regclass::text AS n FROM t AS c",
            "SELECT teatree_system.pg.regclass_out(c.oid)::TEXT AS n FROM t AS c",
        ),
        (
            "SELECT conrelid::pg_catalog.regclass AS n FROM t",
            "SELECT teatree_system.pg.regclass_out(conrelid) AS n FROM t",
        ),
        (
            "SELECT a FROM t WHERE classoid = 'pg_catalog.pg_class'::pg_catalog.regclass",
            "SELECT a FROM t WHERE classoid = 1259",
        ),
        (
            "SELECT a FROM t WHERE x = ANY('{r,\"a b\",NULL}'::\"char\"[])",
            "SELECT a FROM t WHERE x = ANY(ARRAY['r', 'a b', NULL]::VARCHAR[])",
        ),
        ("SELECT a::pg_catalog.text FROM t", "SELECT a::VARCHAR AS \"a\" FROM t"),
        ("SELECT CAST(a AS jsonb) FROM t", "SELECT teatree_system.pg.jsonb_in(a) AS \"a\" FROM t"),
        ("SELECT i.indkey[0] AS k FROM t AS i", "SELECT i.indkey[0 + 1] AS k FROM t AS i"),
    ]);
    assert!(rewritten("SELECT '{a'::text[]").is_err());
}

#[test]
fn operators() {
    check(&[
        ("SELECT a FROM t WHERE a ~ 'x'", "SELECT a FROM t WHERE regexp_matches(a, 'x', 's')"),
        (
            "SELECT a FROM t WHERE a !~* 'x'",
            "SELECT a FROM t WHERE NOT regexp_matches(a, 'x', 'is')",
        ),
        (
            "SELECT a FROM t WHERE a OPERATOR(pg_catalog.~) '^(t)$' COLLATE pg_catalog.default",
            "SELECT a FROM t WHERE regexp_matches(a, '^(t)$', 's')",
        ),
        ("SELECT a FROM t WHERE a OPERATOR(pg_catalog.=) 1", "SELECT a FROM t WHERE a = 1"),
    ]);
}

#[test]
fn functions_and_session() {
    check(&[
        (
            "SELECT pg_catalog.format_type(a, b) AS f",
            "SELECT teatree_system.pg.format_type(a, b) AS f",
        ),
        ("SELECT pg_catalog.upper(a) AS f", "SELECT upper(a) AS f"),
        (
            "SELECT current_user, current_schema(), current_database()",
            "SELECT 'ann' AS \"current_user\", 'public' AS \"current_schema\", \
          'shop' AS \"current_database\"",
        ),
    ]);
}

#[test]
fn hidden_columns() {
    check(&[(
        "SELECT c.tableoid FROM pg_catalog.pg_class c",
        "SELECT 1259 AS \"tableoid\" FROM teatree_system.pg.pg_class c",
    )]);
}

#[test]
fn functions_in_from() {
    check(&[
        (
            "SELECT a[s] AS x FROM t, pg_catalog.generate_series(0, 3) s",
            "SELECT a[s] AS x FROM t, generate_series(0, 3) s (s)",
        ),
        (
            "SELECT relid FROM pg_partition_ancestors(t.oid) WITH ORDINALITY AS a(relid, depth)",
            "SELECT relid FROM unnest(ARRAY[t.oid]) WITH ORDINALITY AS a (relid, depth)",
        ),
    ]);
}

#[test]
fn labels() {
    check(&[
        (
            "SELECT count(*), 1, a.b FROM a",
            "SELECT count(*) AS \"count\", 1 AS \"?column?\", a.b FROM a",
        ),
        ("SELECT 1 + 1 UNION SELECT 2", "SELECT 1 + 1 AS \"?column?\" UNION SELECT 2"),
        (
            "SELECT CASE WHEN a THEN 1 END FROM t",
            "SELECT CASE WHEN a THEN 1 END AS \"case\" FROM t",
        ),
        ("SELECT '1'::int", "SELECT '1'::INT AS \"int4\""),
        ("SELECT (SELECT max(a) FROM t)", "SELECT (SELECT max(a) FROM t) AS \"max\""),
        (
            "INSERT INTO t VALUES (1) RETURNING a + 1",
            "INSERT INTO t VALUES (1) RETURNING a + 1 AS \"?column?\"",
        ),
        ("SELECT a AS Total FROM t", "SELECT a AS total FROM t"),
    ]);
}

#[test]
fn definitions() {
    check(&[
        (
            "CREATE TABLE Public.T (a numeric, b char(3), c jsonb, d float, e timestamptz(3), f name)",
            "CREATE TABLE main.t (a DECIMAL(38,10), b VARCHAR, c JSON, d DOUBLE PRECISION, \
          e TIMESTAMPTZ, f VARCHAR)",
        ),
        (
            "CREATE TABLE t (a int REFERENCES public.u (a))",
            "CREATE TABLE t (a INT REFERENCES main.u (a))",
        ),
        ("CREATE VIEW public.v AS SELECT 1", "CREATE VIEW main.v AS SELECT 1 AS \"?column?\""),
        ("CREATE SCHEMA IF NOT EXISTS public", "CREATE SCHEMA IF NOT EXISTS main"),
        ("DROP TABLE IF EXISTS public.t", "DROP TABLE IF EXISTS main.t"),
        ("DROP SCHEMA public", "DROP SCHEMA main"),
        ("ALTER TABLE public.t RENAME TO public_t", "ALTER TABLE main.t RENAME TO public_t"),
        ("CREATE INDEX i ON public.t USING hash (a)", "CREATE INDEX i ON main.t(a)"),
        ("CREATE SEQUENCE public.s AS int", "CREATE SEQUENCE main.s"),
        ("INSERT INTO public.t SELECT a FROM public.u", "INSERT INTO main.t SELECT a FROM main.u"),
        ("UPDATE public.t SET a = 1", "UPDATE main.t SET a = 1"),
        ("DELETE FROM public.t WHERE a = 1", "DELETE FROM main.t WHERE a = 1"),
    ]);
    assert_eq!(rewritten("CREATE TABLE t (a serial)").unwrap_err().code().as_str(), "0A000");
    let identity = "CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY)";
    assert_eq!(rewritten(identity).unwrap_err().code().as_str(), "0A000");
}

#[test]
fn names_of_the_kept_copy() {
    let mut statements = parse(
        "SELECT format_type(23, -1), (SELECT count(*) FROM pg_class) FROM pg_am \
         JOIN pg_class c ON true",
    )
    .unwrap();
    let names = NameContext { kept: Some(KeptNames::default()), ..context() };
    for_duckdb(&mut statements[0], &names).unwrap();
    assert_eq!(
        statements[0].to_string(),
        "SELECT kept.pg.format_type(23, -1) AS \"format_type\", \
         (SELECT count(*) FROM kept.pg.pg_class) AS \"count\" \
         FROM teatree_system.pg.pg_am JOIN kept.pg.pg_class c ON true"
    );
    let mut named = names.kept.unwrap().named();
    named.sort_unstable();
    assert_eq!(named, [0, 1]);
}
