//! The catalogue shows definitions to all who may see them, as soon as somebody was told of them.

use crate::harness::{Server, connect, shared, unique};
use crate::messages::Out;
use crate::raw_client::RawClient;

/// The columns of a table of this name, by way of three relations and two functions.
fn shown(client: &mut RawClient, table: &str) -> Vec<String> {
    client.lines(&format!(
        "SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod) \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relname = '{table}' AND n.nspname !~ '^pg_toast' AND pg_table_is_visible(c.oid) \
         AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
    ))
}

#[test]
fn every_session_sees_a_definition_once_it_is_made() {
    let (mut one, mut other) = (connect(), connect());
    let table = unique("shown");
    assert!(shown(&mut other, &table).is_empty());
    one.run(&format!("CREATE TABLE {table} (id int PRIMARY KEY)"));
    assert_eq!(shown(&mut other, &table), ["id integer"]);
    one.run(&format!("ALTER TABLE {table} ADD COLUMN name varchar(20)"));
    assert_eq!(shown(&mut other, &table), ["id integer", "name character varying(20)"]);
    other.run(&format!("COMMENT ON TABLE {table} IS 'seen'"));
    let comment = format!("SELECT obj_description('{table}'::regclass, 'pg_class')");
    assert_eq!(one.lines(&comment), ["seen"]);
    other.run(&format!("DROP TABLE {table}"));
    assert!(shown(&mut one, &table).is_empty());
}

#[test]
fn what_is_not_committed_shows_to_its_own_session_only() {
    let (mut one, mut other) = (connect(), connect());
    let (table, temporary) = (unique("open"), unique("temporary"));
    one.run("BEGIN");
    one.run(&format!("CREATE TABLE {table} (id bigint)"));
    assert_eq!(shown(&mut one, &table), ["id bigint"]);
    assert!(shown(&mut other, &table).is_empty());
    one.run("ROLLBACK");
    assert!(shown(&mut one, &table).is_empty());
    one.run(&format!("CREATE TEMP TABLE {temporary} (id smallint)"));
    assert_eq!(shown(&mut one, &temporary), ["id smallint"]);
    assert!(shown(&mut other, &temporary).is_empty());
    one.run(&format!("DROP TABLE {temporary}"));
}

/// What the catalogue has of a schema's objects, by way of most of what the copy keeps.
fn listed(client: &mut RawClient, schema: &str) -> Vec<String> {
    client.lines(&format!(
        "WITH n AS (SELECT oid FROM pg_namespace WHERE nspname = '{schema}') \
         SELECT 'relation ' || relkind || ' ' || relname || ' ' || relchecks \
         FROM pg_class, n WHERE relnamespace = n.oid \
         UNION ALL SELECT 'constraint ' || conname || ' ' || pg_get_constraintdef(c.oid) \
         FROM pg_constraint c, n WHERE connamespace = n.oid \
         UNION ALL SELECT 'index ' || pg_get_indexdef(indexrelid) \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid, n WHERE c.relnamespace = n.oid \
         UNION ALL SELECT 'type ' || typtype || ' ' || typname FROM pg_type, n \
         WHERE typnamespace = n.oid AND typtype IN ('e', 'd') AND typelem = 0 \
         UNION ALL SELECT 'function ' || proname FROM pg_proc, n WHERE pronamespace = n.oid \
         UNION ALL SELECT 'comment ' || description FROM pg_description d \
         JOIN pg_class c ON c.oid = d.objoid, n WHERE c.relnamespace = n.oid \
         UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger t \
         JOIN pg_class c ON c.oid = t.tgrelid, n WHERE c.relnamespace = n.oid \
         UNION ALL SELECT 'grant ' || grantee || ' ' || privilege_type \
         FROM information_schema.table_privileges \
         WHERE table_schema = '{schema}' AND grantee NOT IN ('postgres', 'PUBLIC', current_user) \
         ORDER BY 1"
    ))
}

#[test]
fn what_had_no_rows_when_the_copy_was_made_is_seen_when_it_has() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE SCHEMA s; CREATE ROLE reader");
    // By then, the statements that fill the copy are planned, with most of its tables empty.
    for place in 0..4 {
        client.run(&format!("CREATE TABLE s.t{place} (a int)"));
        assert_eq!(listed(&mut client, "s").len(), place + 1);
    }
    client.run("DROP TABLE s.t1, s.t2, s.t3");
    assert_eq!(listed(&mut client, "s"), ["relation r t0 0"]);
    let mut seen = 1;
    for (definition, more) in [
        ("CREATE VIEW s.v AS SELECT a FROM s.t0", 1),
        ("CREATE SEQUENCE s.q", 1),
        ("CREATE TYPE s.mood AS ENUM ('sad', 'ok')", 1),
        ("CREATE DOMAIN s.whole AS int CHECK (value >= 0)", 2),
        ("CREATE TABLE s.keyed (id int PRIMARY KEY, b varchar(5), CHECK (id > 0))", 5),
        ("CREATE TABLE s.refers (id int REFERENCES s.keyed (id))", 2),
        ("CREATE INDEX i ON s.keyed (b) WHERE id > 3", 2),
        ("CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", 1),
        ("CREATE PROCEDURE s.p() LANGUAGE sql AS 'INSERT INTO s.t0 VALUES (1)'", 1),
        ("CREATE TRIGGER g AFTER INSERT ON s.keyed EXECUTE PROCEDURE s.p()", 1),
        ("COMMENT ON TABLE s.t0 IS 'seen'", 1),
        ("CREATE OR REPLACE VIEW s.v AS SELECT a, a AS b FROM s.t0", 0),
        ("GRANT SELECT ON s.t0 TO reader", 1),
        ("CREATE MATERIALIZED VIEW s.m AS SELECT count(*) AS n FROM s.t0", 1),
        ("CREATE TABLE s.d (a int) USING arrow", 1),
        ("DROP TABLE s.refers", -2),
        ("DROP DOMAIN s.whole", -2),
    ] {
        client.run(definition);
        let listed = listed(&mut client, "s");
        seen += more;
        assert_eq!(listed.len(), usize::try_from(seen).unwrap(), "{definition}: {listed:#?}");
    }
    assert_eq!(
        client.lines("SELECT count(*) FROM pg_attribute WHERE attrelid = 's.v'::regclass"),
        ["2"]
    );
}

#[test]
fn vectors_print_without_braces() {
    let mut client = connect();
    let t = unique("vector");
    client.run(&format!("CREATE TABLE {t} (a int, b int, c int, UNIQUE (c, a))"));
    let keys = format!("pg_index WHERE indrelid = '{t}'::regclass");
    assert_eq!(client.value(&format!("SELECT indkey::varchar FROM {keys}")), "3 1");
    assert_eq!(client.value(&format!("SELECT 'of ' || indkey::text FROM {keys}")), "of 3 1");
    assert_eq!(client.value(&format!("SELECT indkey FROM {keys}")), "3 1");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn the_search_path_decides_what_is_visible() {
    let mut client = connect();
    let (schema, table) = (unique("apart"), unique("hidden"));
    client.run(&format!("CREATE SCHEMA {schema}"));
    client.run(&format!("CREATE TABLE {schema}.{table} (id int)"));
    assert!(shown(&mut client, &table).is_empty());
    client.run(&format!("SET search_path = {schema}"));
    assert_eq!(shown(&mut client, &table), ["id integer"]);
    client.run("RESET search_path");
    assert!(shown(&mut client, &table).is_empty());
    client.run(&format!("DROP TABLE {schema}.{table}; DROP SCHEMA {schema}"));
}

#[test]
fn each_transaction_sees_what_it_has_defined_whatever_others_do() {
    const SESSIONS: usize = 6;
    let mut clients: Vec<RawClient> = (0..SESSIONS).map(|_| connect()).collect();
    let names: Vec<String> = (0..SESSIONS).map(|_| unique("own")).collect();
    let columns = |name: &str| {
        format!(
            "SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute
             WHERE attrelid = (SELECT oid FROM pg_class WHERE relname = '{name}')
               AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
    };
    // More than there are copies for; temporary tables, of which each session may have its own.
    for (client, name) in clients.iter_mut().zip(&names) {
        client.run(&format!("CREATE TEMP TABLE {name} (a int)"));
    }
    for round in 0..3 {
        for (client, name) in clients.iter_mut().zip(&names) {
            client.run(&format!("ALTER TABLE {name} ADD COLUMN b{round} text"));
        }
        for (client, name) in clients.iter_mut().zip(&names) {
            let found = client.lines(&columns(name));
            assert_eq!(found.len(), round + 2, "{found:?}");
            assert_eq!(found.last(), Some(&format!("b{round} text")));
        }
    }
    let (first, others) = clients.split_first_mut().expect("there are some");
    first.run("BEGIN");
    first.run(&format!("CREATE TABLE {}_t (id int PRIMARY KEY, x text DEFAULT 'y')", names[0]));
    let keys = format!(
        "SELECT conname FROM pg_constraint c JOIN pg_class r ON r.oid = conrelid
         WHERE relname = '{}_t'",
        names[0]
    );
    assert_eq!(first.lines(&keys), [format!("{}_t_pkey", names[0])]);
    assert_eq!(others[0].lines(&keys), [""; 0]);
    // What is no part of the copy is asked beside it.
    first.run(&format!(
        "CREATE FUNCTION {}_f(int) RETURNS int LANGUAGE sql AS 'SELECT $1'",
        names[0]
    ));
    let functions = format!(
        "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
         WHERE proname = '{}_f'",
        names[0]
    );
    assert_eq!(first.lines(&functions), [format!("{}_f", names[0])]);
    assert_eq!(others[0].lines(&functions), [""; 0]);
    first.run("SAVEPOINT s");
    first.run(&format!("ALTER TABLE {}_t ADD COLUMN z int", names[0]));
    assert_eq!(first.lines(&columns(&format!("{}_t", names[0]))).len(), 3);
    first.run("ROLLBACK TO s");
    assert_eq!(first.lines(&columns(&format!("{}_t", names[0]))), ["id integer", "x text"]);
    assert_eq!(first.sqlstate("SELECT 1 / 0 FROM pg_class"), "22012");
    first.run("ROLLBACK");
    assert_eq!(first.lines(&keys), [""; 0]);
    assert_eq!(first.lines(&columns(&names[0])).len(), 4);
}

#[test]
fn sessions_that_define_at_once_each_see_their_own() {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(|| {
                let mut client = RawClient::connect(shared());
                for _ in 0..8 {
                    let table = unique("busy");
                    client.run(&format!("CREATE TABLE {table} (id int, t text)"));
                    assert_eq!(shown(&mut client, &table), ["id integer", "t text"]);
                    client.run(&format!("DROP TABLE {table}"));
                    assert!(shown(&mut client, &table).is_empty());
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn oids_are_the_same_after_a_restart_and_after_a_change_of_columns() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE SCHEMA apart");
    client.run("CREATE TYPE mood AS ENUM ('calm', 'glad')");
    client.run("CREATE TABLE first (id serial PRIMARY KEY, m mood, n int DEFAULT 3 CHECK (n > 0))");
    client.run("CREATE TABLE apart.second (id int UNIQUE, f int)");
    client.run("CREATE TABLE kept (id int) USING arrow");
    client.run("CREATE INDEX at ON first (n)");
    client.run("CREATE VIEW seen AS SELECT n FROM first");
    let all = "SELECT relname, oid FROM pg_class WHERE oid >= 16384 \
               UNION ALL SELECT conname, oid FROM pg_constraint \
               UNION ALL SELECT typname, oid FROM pg_type WHERE oid >= 16384 \
               UNION ALL SELECT nspname, oid FROM pg_namespace WHERE oid >= 16384 \
               UNION ALL SELECT adnum::text, oid FROM pg_attrdef \
               UNION ALL SELECT enumlabel, oid FROM pg_enum ORDER BY 1, 2";
    let before = client.lines(all);
    assert!(before.len() > 14, "{before:?}");
    server.stop();
    server.restart();
    let mut client = server.connect();
    assert_eq!(client.lines(all), before);
    let oid = "SELECT 'first'::regclass::oid";
    let of_first = client.lines(oid);
    client.run("ALTER TABLE first ADD COLUMN extra text");
    client.run("ALTER TABLE first ALTER COLUMN n TYPE bigint");
    assert_eq!(client.lines(oid), of_first);
}

#[test]
fn columns_tell_the_table_that_they_are_of() {
    let mut client = connect();
    let (t, v) = (unique("origin"), unique("origin_view"));
    client.run(&format!("CREATE TABLE {t} (a int, b text)"));
    client.run(&format!("CREATE VIEW {v} AS SELECT b, a + 1 AS c FROM {t}"));
    let mut oid = |name: &str| -> u32 {
        client.value(&format!("SELECT '{name}'::regclass::oid")).parse().unwrap()
    };
    let (table, view) = (oid(&t), oid(&v));
    let none = (0, 0);
    let cases = [
        (
            "SELECT b, a, a + 1, (a), 'x' FROM @",
            vec![(table, 2), (table, 1), none, (table, 1), none],
        ),
        ("SELECT x.* FROM (SELECT b AS z, count(*) FROM @ GROUP BY b) x", vec![(table, 2), none]),
        ("WITH w AS (SELECT a AS z FROM @) SELECT z, (SELECT z) FROM w", vec![(table, 1), none]),
        ("SELECT a FROM @ UNION SELECT 1", vec![none]),
        ("SELECT nullif(a, 1), coalesce(b, 'x'), max(a) FROM @ GROUP BY a, b", vec![none; 3]),
        ("SELECT * FROM !", vec![(view, 1), (view, 2)]),
        ("SELECT l.b, r.a FROM @ l JOIN @ r USING (a)", vec![(table, 2), (table, 1)]),
        ("INSERT INTO @ VALUES (1, 'x') RETURNING b, a * 2", vec![(table, 2), none]),
        ("SELECT relname, pg_class.oid FROM pg_class LIMIT 0", vec![(1259, 2), (1259, 1)]),
    ];
    for (sql, expected) in cases {
        let sql = sql.replace('@', &t).replace('!', &v);
        client.send(Out::new().query(&sql));
        let replies = client.read_until_ready();
        let fields = replies.iter().find(|reply| reply.tag == b'T').expect(&sql).fields();
        let origins: Vec<_> = fields.iter().map(|field| field.origin).collect();
        assert_eq!(origins, expected, "{sql}");
        // Described before it runs, it is the same.
        client.send(Out::new().parse("", &sql, &[]).describe_statement("").sync());
        let replies = client.read_until_ready();
        let fields = replies.iter().find(|reply| reply.tag == b'T').expect(&sql).fields();
        assert_eq!(fields.iter().map(|field| field.origin).collect::<Vec<_>>(), expected, "{sql}");
    }
    client.run(&format!("DROP VIEW {v}; DROP TABLE {t}"));
}

#[test]
fn enums_have_types_of_their_own_and_the_order_of_their_labels() {
    let mut client = connect();
    let (mood, t) = (unique("mood"), unique("of_mood"));
    client.run(&format!("CREATE TYPE {mood} AS ENUM ('sad', 'fine', 'Glad')"));
    client.run(&format!("CREATE TABLE {t} (id int, m {mood}, l {mood}[])"));
    client.run(&format!(
        "INSERT INTO {t} VALUES (1, 'Glad', '{{sad}}'), (2, 'sad', NULL), (3, 'fine', '{{}}')"
    ));
    let mut lines = |sql: &str| client.lines(&sql.replace('@', &t).replace('!', &mood));
    let oids = lines("SELECT oid, typarray FROM pg_type WHERE typname = '!'");
    let (oid, array) = oids[0].split_once('|').unwrap();
    let (oid, array) = (oid.to_owned(), array.to_owned());
    let cases = [
        ("SELECT id FROM @ WHERE m > 'sad' ORDER BY m", vec!["3", "1"]),
        ("SELECT id FROM @ WHERE m <= 'fine' ORDER BY m DESC", vec!["3", "2"]),
        ("SELECT id FROM @ WHERE 'fine' < m", vec!["1"]),
        ("SELECT id FROM @ WHERE m BETWEEN 'fine' AND 'Glad' ORDER BY id", vec!["1", "3"]),
        ("SELECT id FROM @ WHERE m IN ('sad', 'Glad') ORDER BY id", vec!["1", "2"]),
        (
            "SELECT data_type, udt_schema, udt_name IN ('!', '_!') FROM information_schema.columns \
             WHERE table_name = '@' AND ordinal_position > 1 ORDER BY ordinal_position",
            vec!["USER-DEFINED|public|t", "ARRAY|public|t"],
        ),
        (
            "SELECT attlen, attbyval, attalign, attstorage FROM pg_attribute \
             WHERE attrelid = '@'::regclass AND attnum > 1 ORDER BY attnum",
            vec!["4|t|i|p", "-1|f|i|x"],
        ),
        ("SELECT max(m), min(m) FROM @", vec!["Glad|sad"]),
        ("SELECT a.id FROM @ a JOIN @ b ON a.m > b.m WHERE b.id = 3", vec!["1"]),
        ("SELECT m::text || '.' FROM @ WHERE id = 1", vec!["Glad."]),
        ("SELECT coalesce(m, 'sad') FROM @ WHERE id = 3", vec!["fine"]),
        (
            "SELECT format_type(atttypid, atttypmod) = '!', typelem <> 0 FROM pg_attribute a \
             JOIN pg_type t ON t.oid = atttypid WHERE attrelid = '@'::regclass AND attnum > 1 \
             ORDER BY attnum",
            vec!["t|f", "f|t"],
        ),
        (
            "SELECT '!'::regtype = (SELECT atttypid FROM pg_attribute WHERE attrelid = '@'::regclass \
          AND attname = 'm')",
            vec!["t"],
        ),
    ];
    for (sql, expected) in cases {
        assert_eq!(lines(sql), expected, "{sql}");
    }
    let out = Out::new()
        .parse("", &format!("SELECT m, l FROM {t} WHERE m >= $1 ORDER BY m"), &[])
        .describe_statement("")
        .bind("", "", &[Some(b"fine")])
        .execute("", 0)
        .sync();
    let replies = client.talk(out);
    let params = format!("t [{oid}]");
    let fields = format!("T m:{oid} l:{array}");
    assert_eq!(
        replies,
        ["1", &params, &fields, "2", "D fine|{}", "D Glad|{sad}", "C SELECT 2", "Z I"]
    );
    for sql in ["SELECT * FROM @ WHERE m = 'none'", "INSERT INTO @ VALUES (4, 'none')"] {
        assert_eq!(client.sqlstate(&sql.replace('@', &t)), "22P02", "{sql}");
    }
    client.run(&format!("DROP TABLE {t}; DROP TYPE {mood}"));
}

#[test]
fn indexes_of_materialized_views_have_one_name_in_each_schema() {
    let mut client = connect();
    let (schema, table) = (unique("s"), unique("t"));
    let (view, index) = (unique("v"), unique("i"));
    client.run(&format!("CREATE SCHEMA {schema}; CREATE TABLE {table} (a int, b text)"));
    for place in ["public", &schema] {
        client.run(&format!("CREATE MATERIALIZED VIEW {place}.{view} AS SELECT * FROM {table}"));
        client.run(&format!("CREATE UNIQUE INDEX {index} ON {place}.{view} (a)"));
        let again = format!("CREATE INDEX {index} ON {place}.{view} (b)");
        assert_eq!(client.sqlstate(&again), "42P07");
    }
    let found = format!(
        "SELECT schemaname || '.' || tablename, indexdef FROM pg_indexes
         WHERE indexname = '{index}' ORDER BY schemaname"
    );
    let line = |place: &str| {
        format!("{place}.{view}|CREATE UNIQUE INDEX {index} ON {place}.{view} USING btree (a)")
    };
    assert_eq!(client.lines(&found), [line("public"), line(&schema)]);
    client.run(&format!("REFRESH MATERIALIZED VIEW CONCURRENTLY {schema}.{view}"));
    client.run(&format!("ALTER INDEX {schema}.{index} RENAME TO {index}_b"));
    assert_eq!(client.lines(&found), [line("public")]);
    client.run(&format!("ALTER INDEX {schema}.{index}_b RENAME TO {index}"));
    client.run(&format!("DROP INDEX {index}"));
    assert_eq!(client.lines(&found), [line(&schema)]);
    client.run(&format!("DROP INDEX {schema}.{index}"));
    assert_eq!(client.lines(&found), [""; 0]);
    client.run(&format!("DROP SCHEMA {schema} CASCADE; DROP TABLE {table} CASCADE"));
}
