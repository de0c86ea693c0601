//! Changes of definitions, sequences and writes beyond plain rows, as PostgreSQL answers them.
//!
//! Each script in `goldens/definitions/` is a list of statements, each ended by `;` and a line's
//! end; the file of the same name ending in `.out` has PostgreSQL 15's answers, recorded by
//! `TEATREE_TEST_ADDR=… TEATREE_TEST_ORACLE=1 TEATREE_TEST_REFRESH=1` and checked against it
//! without the last. Of an error its code, message and detail count.

use std::fs;
use std::path::PathBuf;

use crate::harness::{Server, connect, is_oracle};
use crate::messages::Out;
use crate::raw_client::RawClient;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/goldens/definitions")
}

/// Statements of a script.
fn statements(script: &str) -> Vec<String> {
    let script = fs::read_to_string(folder().join(format!("{script}.sql"))).unwrap();
    let lines = script.lines().filter(|line| !line.starts_with("--"));
    let text = lines.collect::<Vec<_>>().join("\n");
    text.split(";\n")
        .map(|s| s.trim().trim_end_matches(';').to_owned())
        .filter(|statement| !statement.is_empty())
        .collect()
}

/// The answers to a statement: column names, rows, tag or error.
fn answers_to(client: &mut RawClient, statement: &str) -> Vec<String> {
    client.send(Out::new().query(statement));
    let replies = client.read_until_ready();
    let shown = replies.iter().filter_map(|message| match message.tag {
        b'T' => Some(format!(
            "T {}",
            message.fields().iter().map(|field| field.name.clone()).collect::<Vec<_>>().join("|")
        )),
        b'E' => {
            let error = message.error();
            // DuckDB does not tell the row.
            let detail = error.get(&'D').filter(|detail| !detail.starts_with("Failing row"));
            let detail = detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
            Some(format!("E {} {}{detail}", error[&'C'], error[&'M']))
        }
        b'D' | b'C' => Some(message.show()),
        _ => None,
    });
    shown.collect()
}

/// Runs a script and compares its answers, statement by statement.
fn check(script: &str) {
    // Of its own: DuckDB's catalog functions fail beside a rename that is under way.
    let server = if is_oracle() { None } else { Server::start(&[]) };
    let mut client = server.as_ref().map_or_else(connect, Server::connect);
    let golden = folder().join(format!("{script}.out"));
    let mut answers = Vec::new();
    for statement in statements(script) {
        let mut answer = vec![format!("> {}", statement.replace('\n', " "))];
        answer.extend(answers_to(&mut client, &statement));
        answers.push(answer.join("\n"));
    }
    if is_oracle() && std::env::var("TEATREE_TEST_REFRESH").is_ok() {
        fs::write(&golden, answers.join("\n\n") + "\n").unwrap();
        return;
    }
    let expected = fs::read_to_string(&golden).unwrap();
    let expected: Vec<&str> = expected.trim_end().split("\n\n").collect();
    let mut differences = Vec::new();
    for (expected, answer) in expected.iter().zip(&answers) {
        if expected != answer {
            differences.push(format!("expected:\n{expected}\nbut got:\n{answer}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    assert_eq!(expected.len(), answers.len());
}

#[test]
fn sequences_serial_and_identity() {
    check("sequences");
}

#[test]
fn rows_change_in_all_of_postgresqls_ways() {
    check("rows");
}

#[test]
fn tables_are_altered_as_tools_do_it() {
    check("alter");
}

#[test]
fn a_migration_changes_rows_and_their_table_in_one_transaction() {
    check("migrations");
}

#[test]
fn a_transaction_can_go_on_beside_the_rename_of_a_table_with_an_index() {
    let (mut inside, mut beside) = (connect(), connect());
    beside.run("CREATE TABLE beside_a (a int)");
    beside.run("CREATE INDEX beside_i ON beside_a (a)");
    inside.run("BEGIN");
    inside.run("CREATE TABLE beside_b (b int)");
    beside.run("ALTER TABLE beside_a RENAME TO beside_c");
    let count = "SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'beside%'";
    assert_eq!(inside.value(count), "1");
    inside.run("CREATE INDEX beside_j ON beside_b (b)");
    inside.run("ALTER TABLE beside_b RENAME TO beside_d");
    inside.run("COMMIT");
    assert_eq!(inside.value(count), "2");
    inside.run("DROP TABLE beside_c, beside_d");
}

#[test]
fn views_go_on_to_read_columns_that_have_another_name() {
    let mut client = connect();
    client.run("CREATE TABLE vc (id int, a int, t text); INSERT INTO vc VALUES (1, 2, 'x')");
    client.run("CREATE VIEW vc_v AS SELECT a, vc.id AS i, t || '!' AS t FROM vc WHERE t = 'x'");
    client.run("CREATE VIEW vc_w AS SELECT v.a + o.a AS s, o.* FROM vc_v v JOIN vc o USING (t)");
    client.run("CREATE VIEW vc_x AS WITH vc AS (SELECT 7 AS a) SELECT a FROM vc");
    client.run("COMMENT ON COLUMN vc_v.a IS 'kept'");
    let before = client.lines("SELECT * FROM vc_v, vc_x");
    assert_eq!(before, ["2|1|x!|7"]);
    for sql in
        ["vc RENAME COLUMN a TO b", "vc RENAME t TO u", "vc RENAME TO vd", "vd RENAME b TO c"]
    {
        client.run(&format!("ALTER TABLE {sql}"));
        assert_eq!(client.lines("SELECT * FROM vc_v, vc_x"), before, "{sql}");
        assert_eq!(client.lines("SELECT * FROM vc_w"), [""; 0], "{sql}");
    }
    client.run("INSERT INTO vd VALUES (3, 4, 'x!')");
    assert_eq!(client.lines("SELECT s, id, a, pg_typeof(t) FROM vc_w"), ["6|3|4|text"]);
    assert_eq!(client.value("SELECT col_description('vc_v'::regclass, 1)"), "kept");
    assert_eq!(client.sqlstate("DROP TABLE vd"), "2BP01");
    client.run("DROP TABLE vd CASCADE; DROP VIEW vc_x");
    assert_eq!(client.sqlstate("SELECT * FROM vc_w"), "42P01");
}

#[test]
fn materialized_views_go_on_to_read_what_has_another_name() {
    let mut client = connect();
    for (sql, follows) in [("", false), ("WITH (refresh = 'on_change')", true)] {
        client.run("CREATE TABLE mr (a int, b int); INSERT INTO mr VALUES (1, 2)");
        client.run("CREATE VIEW mr_v AS SELECT a, b FROM mr");
        client.run(&format!(
            "CREATE MATERIALIZED VIEW mr_g {sql} AS SELECT a, sum(b) AS s FROM mr GROUP BY a;
             CREATE MATERIALIZED VIEW mr_m {sql} AS
                 SELECT mr.a, o.b FROM mr JOIN public.mr o ON o.a = mr.a WHERE mr.b > 0;
             CREATE MATERIALIZED VIEW mr_p {sql} AS SELECT b FROM mr_v WHERE a = 1"
        ));
        // As dbt puts a table in another's place.
        client.run("BEGIN; CREATE TABLE mr_new (a int, b int)");
        client.run("ALTER TABLE mr RENAME TO mr_old; ALTER TABLE mr_new RENAME TO mr; COMMIT");
        let change = |client: &mut RawClient, sql: &str| {
            client.run(sql);
            if !follows {
                client.run("REFRESH MATERIALIZED VIEW mr_g; REFRESH MATERIALIZED VIEW mr_m");
                client.run("REFRESH MATERIALIZED VIEW mr_p");
            }
            let all = "SELECT (SELECT s FROM mr_g WHERE a = 1), (SELECT count(*) FROM mr_m),
                              (SELECT sum(b) FROM mr_p)";
            client.lines(all)
        };
        assert_eq!(change(&mut client, "INSERT INTO mr VALUES (1, 100)"), ["2|1|2"]);
        assert_eq!(change(&mut client, "INSERT INTO mr_old VALUES (1, 5)"), ["7|4|7"]);
        assert_eq!(change(&mut client, "DELETE FROM mr_old WHERE b = 2"), ["5|1|5"]);
        let rename = "ALTER TABLE mr_old RENAME COLUMN a TO c";
        if follows {
            assert_eq!(client.sqlstate(rename), "2BP01");
        } else {
            client.run(rename);
        }
        assert_eq!(change(&mut client, "UPDATE mr_old SET b = b + 1"), ["6|1|6"]);
        assert_eq!(client.sqlstate("DROP TABLE mr_old"), "2BP01");
        client.run("DROP TABLE mr_old CASCADE; DROP TABLE mr");
        assert_eq!(client.sqlstate("SELECT * FROM mr_g"), "42P01");
        assert_eq!(client.sqlstate("SELECT * FROM mr_p"), "42P01");
    }
}

#[test]
fn foreign_keys_are_made_and_kept() {
    check("foreign_keys");
}

#[test]
fn foreign_keys_act_on_the_rows_that_refer() {
    check("foreign_key_actions");
}

#[test]
fn foreign_keys_wait_for_the_end_of_a_transaction() {
    check("foreign_keys_deferred");
}

#[test]
fn domains() {
    check("domains");
}

#[test]
fn views_indexes_types_and_comments() {
    check("objects");
}

#[test]
fn an_altered_table_survives_a_crash() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    for sql in [
        "CREATE TABLE t (id serial PRIMARY KEY, at timestamptz DEFAULT now(), v varchar(5))",
        "INSERT INTO t (v) VALUES ('a'), ('b')",
        "ALTER TABLE t ALTER COLUMN v SET DEFAULT upper('x')",
        "ALTER TABLE t ADD COLUMN n int NOT NULL DEFAULT 7",
        "ALTER TABLE t RENAME COLUMN v TO w",
        "ALTER TABLE t ALTER COLUMN id TYPE bigint",
        "SELECT setval('t_id_seq', 40)",
    ] {
        client.run(sql);
    }
    server.kill_9();
    server.restart();
    let mut client = server.connect();
    assert_eq!(client.value("INSERT INTO t DEFAULT VALUES RETURNING id, w, n"), "41|X|7");
    assert_eq!(client.value("SELECT count(*), count(at) FROM t"), "3|3");
}

#[test]
fn an_index_is_made_behind_changes_that_a_reader_does_not_see() {
    let server = if is_oracle() { None } else { Server::start(&[]) };
    let client = || server.as_ref().map_or_else(connect, Server::connect);
    let (mut reader, mut writer) = (client(), client());
    writer.run("CREATE TABLE idx_behind (id serial PRIMARY KEY, v text DEFAULT 'x', n int)");
    writer.run("INSERT INTO idx_behind (n) SELECT g FROM generate_series(1, 100) g");
    writer.run("CREATE INDEX idx_behind_v ON idx_behind (v)");
    reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    assert_eq!(reader.value("SELECT count(*) FROM idx_behind"), "100");
    writer.run("UPDATE idx_behind SET v = 'y' WHERE n < 50");
    writer.run("DELETE FROM idx_behind WHERE n = 70");
    writer.run("CREATE INDEX idx_behind_n ON idx_behind (n)");
    writer.run("INSERT INTO idx_behind (n) VALUES (101)");
    writer.run("UPDATE idx_behind SET n = n + 1000 WHERE n = 7");
    writer.run("CREATE UNIQUE INDEX idx_behind_u ON idx_behind (id, n)");
    writer.run("UPDATE idx_behind SET n = 7 WHERE n = 1007");
    writer.run("CREATE UNIQUE INDEX idx_behind_w ON idx_behind (id)");
    assert_eq!(writer.sqlstate("CREATE UNIQUE INDEX idx_behind_x ON idx_behind (v)"), "23505");
    assert_eq!(reader.value("SELECT count(*) FROM idx_behind WHERE v = 'x'"), "100");
    reader.run("COMMIT");
    let state = "SELECT count(*), sum((v = 'y')::int), max(id) FROM idx_behind";
    assert_eq!(reader.value(state), "100|49|101");
    assert_eq!(
        reader.lines("SELECT indexname FROM pg_indexes WHERE tablename = 'idx_behind' ORDER BY 1"),
        ["idx_behind_n", "idx_behind_pkey", "idx_behind_u", "idx_behind_v", "idx_behind_w"]
    );
    writer.run("DROP TABLE idx_behind");
}

#[test]
fn comments_follow_their_objects() {
    check("comments");
}

#[test]
fn indexes_and_conditions_are_shown_as_they_were_written() {
    check("shown");
}

#[test]
fn temporary_sequences_and_views() {
    check("temporary");
}

#[test]
fn roles_and_privileges() {
    check("roles");
}

#[test]
fn a_type_is_not_dropped_under_its_columns() {
    check("types");
}
