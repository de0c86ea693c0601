//! What no client may do: write a file, attach a database, change the engine's settings, read
//! outside the server's folders, touch the server's own tables. By any protocol, in any disguise.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::harness::{Server, connect, shared_dir, skip_on_oracle, unique};
use crate::messages::Out;
use crate::raw_client::RawClient;

/// Codes that name a refusal; an internal error or a lost connection is none.
fn is_refusal(code: &str) -> bool {
    code.len() == 5 && !code.starts_with("XX") && !code.starts_with("08") && !code.starts_with("58")
}

/// Sends SQL by both protocols and says what was wrong with the answers.
fn must_refuse(client: &mut RawClient, sql: &str, wrong: &mut Vec<String>) {
    let simple = client.query(sql);
    let out = Out::new().parse("", sql, &[]).bind("", "", &[]).execute("", 0).sync();
    let extended = client.talk(out);
    for (protocol, replies) in [("simple", simple), ("extended", extended)] {
        let code = replies.iter().find_map(|line| line.strip_prefix("E "));
        if !code.is_some_and(is_refusal) {
            let short: Vec<_> = replies.iter().take(6).collect();
            wrong.push(format!("{protocol}: {sql}\n    answered {short:?}"));
        }
    }
    if client.query("SELECT 1 AS a") != ["T a:23", "D 1", "C SELECT 1", "Z I"] {
        wrong.push(format!("the session is not usable after: {sql}"));
        *client = connect();
    }
}

fn check(statements: &[String]) {
    let mut client = connect();
    let mut wrong = Vec::new();
    for sql in statements {
        must_refuse(&mut client, sql, &mut wrong);
    }
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Folders in which nothing may appear: one outside, and the server's own.
struct Guarded {
    outside: TempDir,
    before: Vec<PathBuf>,
}

impl Guarded {
    fn new() -> Guarded {
        Guarded { outside: TempDir::new().unwrap(), before: server_files() }
    }

    fn targets(&self) -> Vec<String> {
        let outside = self.outside.path().join("out").display().to_string();
        let inside = shared_dir().map(|dir| {
            ["", "versions/", "inbox/", "../"]
                .map(|folder| format!("{}/{folder}stolen", dir.display()))
                .to_vec()
        });
        let relative = ["./stolen", "../stolen", "file:///tmp/teatree_stolen"].map(str::to_owned);
        [vec![outside], inside.unwrap_or_default(), relative.to_vec()].concat()
    }

    fn check(&self) {
        let files = std::fs::read_dir(self.outside.path()).unwrap().count();
        assert_eq!(files, 0, "a file was written outside");
        let new: Vec<PathBuf> = server_files()
            .into_iter()
            .filter(|file| !self.before.contains(file))
            .filter(|file| file.to_string_lossy().contains("stolen"))
            .collect();
        assert!(new.is_empty(), "files were written: {new:?}");
        assert!(!std::path::Path::new("/tmp/teatree_stolen").exists());
    }
}

fn server_files() -> Vec<PathBuf> {
    let Some(dir) = shared_dir() else { return Vec::new() };
    let mut open = vec![dir.parent().unwrap().to_path_buf()];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            }
            files.push(entry.path());
        }
    }
    files
}

#[test]
fn no_statement_writes_a_file() {
    if skip_on_oracle("DuckDB's own statements") {
        return;
    }
    let guarded = Guarded::new();
    let mut statements = Vec::new();
    for target in guarded.targets() {
        for sql in [
            "COPY (SELECT 1 AS a) TO '@'",
            "COPY (SELECT 1 AS a) TO '@.csv' WITH (FORMAT csv)",
            "COPY (SELECT 1 AS a) TO '@.parquet' (FORMAT parquet)",
            "copy(select 1)to'@'",
            "/* a */ COPY /* b */ (SELECT 1) /* c */ TO '@'",
            "SELECT 1; COPY (SELECT 1) TO '@'",
            "WITH x AS (SELECT 1) COPY (SELECT 1) TO '@'",
            "EXPLAIN ANALYZE COPY (SELECT 1) TO '@'",
            "EXPLAIN COPY (SELECT 1) TO '@'",
            "EXPORT DATABASE '@'",
            "COPY FROM DATABASE postgres TO '@'",
            "ATTACH '@'",
            "ATTACH '@' AS stolen",
            "ATTACH DATABASE IF NOT EXISTS '@' AS stolen (TYPE duckdb)",
        ] {
            statements.push(sql.replace('@', &target));
        }
    }
    check(&statements);
    let mut client = connect();
    for (at, sql) in statements.iter().filter(|sql| !sql.contains(';')).enumerate() {
        // Refused when prepared, or when run.
        let prepared = client.query(&format!("PREPARE attack_{at} AS {sql}"));
        if !prepared[0].starts_with('E') {
            assert!(client.query(&format!("EXECUTE attack_{at}"))[0].starts_with('E'), "{sql}");
        }
    }
    guarded.check();
}

#[test]
fn no_statement_runs_a_program_or_loads_code() {
    if skip_on_oracle("a superuser of PostgreSQL may") {
        return;
    }
    let guarded = Guarded::new();
    let target = guarded.outside.path().join("out").display().to_string();
    let statements = [
        "COPY (SELECT 1) TO PROGRAM 'touch @'",
        "COPY pg_class FROM PROGRAM 'touch @'",
        "INSTALL httpfs",
        "FORCE INSTALL httpfs",
        "LOAD httpfs",
        "LOAD '@'",
        "INSTALL '@'",
        "UPDATE EXTENSIONS",
        "SELECT 1; LOAD httpfs",
        "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
        "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
        "DO $$ BEGIN PERFORM 1; END $$",
        "CREATE FUNCTION f() RETURNS int AS 'lib', 'f' LANGUAGE c",
    ];
    check(&statements.map(|sql| sql.replace('@', &target)));
    guarded.check();
}

#[test]
fn no_statement_changes_the_engine() {
    if skip_on_oracle("DuckDB's own settings") {
        return;
    }
    let mut statements = Vec::new();
    for (name, value) in [
        ("enable_external_access", "true"),
        ("memory_limit", "'1MB'"),
        ("max_memory", "'1MB'"),
        ("threads", "1"),
        ("worker_threads", "1"),
        ("allowed_directories", "['/']"),
        ("allowed_paths", "['/etc/passwd']"),
        ("temp_directory", "'/tmp'"),
        ("max_temp_directory_size", "'1TB'"),
        ("lock_configuration", "true"),
        ("allow_unsigned_extensions", "true"),
        ("autoload_known_extensions", "true"),
        ("home_directory", "'/'"),
        ("secret_directory", "'/tmp'"),
        ("log_query_path", "'/tmp/teatree_stolen'"),
        ("profiling_output", "'/tmp/teatree_stolen'"),
        ("enable_profiling", "'json'"),
        ("integer_division", "false"),
        ("default_null_order", "'nulls_first'"),
        ("access_mode", "'read_write'"),
        ("immediate_transaction_mode", "true"),
    ] {
        for form in [
            "SET @ = #",
            "SET @ TO #",
            "SET SESSION @ = #",
            "SET GLOBAL @ = #",
            "set\n@=#",
            "PRAGMA @ = #",
            "PRAGMA @",
            "RESET GLOBAL @",
            "SELECT 1; SET GLOBAL @ = #",
        ] {
            statements.push(form.replace('@', name).replace('#', value));
        }
        let text = value.replace('\'', "''");
        statements.push(format!("SELECT set_config('{name}', '{text}', false)"));
    }
    for sql in [
        "PRAGMA database_list",
        "PRAGMA show_tables",
        "PRAGMA version",
        "PRAGMA force_checkpoint",
        "PRAGMA disable_checkpoint_on_shutdown",
        "PRAGMA enable_verification",
        "PRAGMA disable_optimizer",
        "CALL pragma_version()",
        "CALL pragma_database_list()",
        "CALL dbgen(sf = 0.01)",
        "CALL force_checkpoint()",
        "DETACH postgres",
        "USE memory",
        "USE system",
        "USE temp",
        "DETACH memory",
        "ATTACH ':memory:' AS aside",
        "SELECT * FROM pragma_user_agent(); PRAGMA user_agent",
    ] {
        statements.push(sql.to_owned());
    }
    check(&statements);
    // What the engine was set to still holds.
    assert_eq!(connect().value("SELECT 7/2"), "3");
}

/// Ways to read a file, as a table in a FROM clause.
const READERS: &[&str] = &[
    "read_csv('/etc/passwd')",
    "read_csv_auto('/etc/passwd', header = false)",
    "read_csv(['/etc/passwd', '/etc/group'])",
    "read_text('/etc/passwd')",
    "read_text('file:///etc/passwd')",
    "read_blob('/etc/pass*')",
    "read_json('/etc/passwd')",
    "read_json_auto('/etc/passwd')",
    "read_ndjson_objects('/etc/passwd')",
    "read_parquet('/etc/passwd')",
    "parquet_scan('/etc/passwd')",
    "parquet_metadata('/etc/passwd')",
    "sniff_csv('/etc/passwd')",
    "glob('/etc/*')",
    "'/etc/passwd'",
    "\"/etc/passwd\"",
    "'/etc/passwd.csv'",
    "query('SELECT * FROM read_text(''/etc/passwd'')')",
    "query_table('/etc/passwd')",
    "read_text('http://127.0.0.1:1/x')",
    "read_duckdb('/etc/passwd')",
    "system.main.read_text('/etc/passwd')",
    "pg_catalog.read_text('/etc/passwd')",
    "\"read_text\"('/etc/passwd')",
    "READ_TEXT('/etc/' || 'passwd')",
    "(SELECT * FROM read_text('/etc/passwd')) AS inner_one",
];

#[test]
fn no_read_leaves_the_servers_folders() {
    if skip_on_oracle("DuckDB's own functions") {
        return;
    }
    let t = unique("reader");
    connect().run(&format!("CREATE TABLE {t} (a text)"));
    let mut statements = Vec::new();
    for reader in READERS {
        for form in [
            "SELECT * FROM @",
            "SELECT count(*) FROM @",
            "FROM @",
            "WITH x AS (SELECT * FROM @) SELECT * FROM x",
            "WITH x AS MATERIALIZED (SELECT * FROM @) SELECT 1 FROM x",
            "SELECT (SELECT count(*) FROM @)",
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM @)",
            "SELECT * FROM (VALUES (1)) AS v(x), LATERAL (SELECT * FROM @) AS l",
            "SELECT 1 UNION ALL SELECT count(*) FROM @",
            "EXPLAIN ANALYZE SELECT * FROM @",
            "SELECT 1; SELECT * FROM @",
            "COPY (SELECT * FROM @) TO STDOUT",
            "SUMMARIZE SELECT * FROM @",
            "DESCRIBE SELECT * FROM @",
        ] {
            statements.push(form.replace('@', reader));
        }
        statements
            .push(format!("INSERT INTO {t} SELECT x::text FROM (SELECT 1 AS x FROM {reader})"));
        statements.push(format!("CREATE TABLE {t}_as AS SELECT * FROM {reader}"));
        statements.push(format!("CREATE TABLE {t}_as USING arrow AS SELECT * FROM {reader}"));
        statements.push(format!("DELETE FROM {t} WHERE EXISTS (SELECT 1 FROM {reader})"));
    }
    statements.push(format!("COPY {t} FROM '/etc/passwd'"));
    statements.push(format!("COPY {t} FROM '/etc/passwd' WITH (FORMAT csv)"));
    statements.push("IMPORT DATABASE '/etc'".to_owned());
    statements.push("SELECT pg_read_file('/etc/passwd')".to_owned());
    statements.push("SELECT pg_ls_dir('/etc')".to_owned());
    check(&statements);
    assert_eq!(connect().value(&format!("SELECT count(*) FROM {t}")), "0");
}

#[test]
fn views_and_functions_of_a_client_gain_nothing() {
    if skip_on_oracle("DuckDB's own functions") {
        return;
    }
    let mut client = connect();
    for reader in READERS {
        let name = unique("hidden");
        for (create, use_it) in [
            (
                format!("CREATE VIEW {name} AS SELECT * FROM {reader}"),
                format!("SELECT * FROM {name}"),
            ),
            (
                format!("CREATE MACRO {name}_m() AS TABLE SELECT * FROM {reader}"),
                format!("SELECT * FROM {name}_m()"),
            ),
            (
                format!("CREATE FUNCTION {name}_f() AS (SELECT count(*) FROM {reader})"),
                format!("SELECT {name}_f()"),
            ),
            (format!("PREPARE {name}_p AS SELECT * FROM {reader}"), format!("EXECUTE {name}_p")),
            (
                format!("DECLARE {name}_c CURSOR WITH HOLD FOR SELECT * FROM {reader}"),
                format!("FETCH ALL FROM {name}_c"),
            ),
        ] {
            let created = client.query(&create);
            assert!(created.last().unwrap() == "Z I", "{create}: {created:?}");
            let code = client.sqlstate(&use_it);
            assert!(is_refusal(&code), "{create}; {use_it}: {code}");
        }
    }
    // A macro that hides a write, and a setting.
    for body in ["set_config('memory_limit', '1MB', false)", "nextval('none')"] {
        let name = unique("hidden_write");
        client.query(&format!("CREATE MACRO {name}() AS {body}"));
        assert!(is_refusal(&client.sqlstate(&format!("SELECT {name}()"))), "{body}");
    }
}

#[test]
fn the_servers_own_schemas_cannot_be_changed() {
    if skip_on_oracle("schema teatree") {
        return;
    }
    let statements = [
        "CREATE TABLE teatree.x (a int)",
        "CREATE TABLE pg_catalog.x (a int)",
        "CREATE TABLE information_schema.x (a int)",
        "CREATE TABLE teatree_system.main.x (a int)",
        "CREATE TABLE teatree_kept.pg.x (a int)",
        "CREATE VIEW teatree.x AS SELECT 1",
        "DROP VIEW teatree.intents",
        "DROP VIEW pg_catalog.pg_class",
        "DROP SCHEMA teatree CASCADE",
        "DROP SCHEMA pg_catalog CASCADE",
        "DROP SCHEMA information_schema CASCADE",
        "DROP DATABASE postgres",
        "DELETE FROM teatree.intents",
        "UPDATE teatree.intents SET state = 'applied'",
        "INSERT INTO teatree.versions VALUES (1)",
        "DELETE FROM pg_catalog.pg_class",
        "TRUNCATE teatree.tables",
        "ALTER TABLE teatree.intents RENAME TO x",
        "ALTER SCHEMA teatree RENAME TO x",
    ];
    check(&statements.map(str::to_owned));
    assert_eq!(connect().value("SELECT count(*) >= 0 FROM teatree.intents"), "t");
}

#[test]
fn temporary_tables_stay_in_their_session_or_are_refused() {
    if skip_on_oracle("trivially so") {
        return;
    }
    let (mut one, mut two) = (connect(), connect());
    let t = unique("temporary");
    let created = one.query(&format!("CREATE TEMP TABLE {t} (a int)"));
    if created == ["E 0A000", "Z I"] {
        return;
    }
    assert_eq!(created, ["C CREATE TABLE", "Z I"]);
    assert_eq!(two.sqlstate(&format!("SELECT * FROM {t}")), "42P01");
}

#[test]
fn a_runaway_statement_is_bounded() {
    if skip_on_oracle("bounded by disk only") {
        return;
    }
    let mut client = connect();
    client.run("SET statement_timeout = '2s'");
    let endless = "WITH RECURSIVE r(n, t) AS (SELECT 1, repeat('x', 1000) UNION ALL \
                   SELECT n + 1, t || 'x' FROM r) SELECT max(n) FROM r";
    let code = client.sqlstate(endless);
    assert!(["57014", "53100", "53200", "54000"].contains(&code.as_str()), "{code}");
    assert_eq!(client.value("SELECT 1"), "1");
}

#[test]
fn nobody_writes_what_the_server_keeps_for_itself() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    for sql in [
        "UPDATE teatree_internal.applied SET seq = 1",
        "UPDATE \"Teatree_Internal\".applied SET seq = 1",
        "DELETE FROM postgres.teatree_internal.applied",
        "TRUNCATE teatree_internal.applied",
        "INSERT INTO teatree_internal.applied VALUES (9)",
        "INSERT OR REPLACE INTO teatree_internal.applied VALUES (9)",
        "CREATE OR REPLACE TABLE teatree_internal.applied AS SELECT 1 AS seq",
        "CREATE VIEW teatree_internal.v AS SELECT 1",
        "CREATE INDEX i ON teatree_internal.applied (seq)",
        "ALTER TABLE teatree_internal.applied ADD COLUMN x int",
        "DROP TABLE teatree_internal.applied",
        "DROP SCHEMA teatree_internal CASCADE",
        "DROP VIEW pg_catalog.pg_class",
        "CREATE TABLE teatree_system.teatree.t (a int)",
        "COPY teatree_internal.applied FROM STDIN",
    ] {
        assert_eq!(client.sqlstate(sql), "42501", "{sql}");
    }
    client.run("SET search_path = teatree_internal");
    assert_eq!(client.sqlstate("UPDATE applied SET seq = 1"), "42P01");
    // A file of the inbox is no table, whatever quotes are around its name.
    std::fs::write(server.dir().join("inbox/secret.csv"), "a\n1\n").unwrap();
    let file = server.dir().join("inbox/secret.csv");
    let named = file.display();
    for sql in [format!("SELECT * FROM \"{named}\""), format!("SUMMARIZE \"{named}\"")] {
        assert_eq!(client.sqlstate(&sql), "42501", "{sql}");
    }
}

#[test]
fn long_chains_are_refused_and_the_server_lives() {
    let mut client = connect();
    for sql in [
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(5000)),
        format!("SELECT 1{}", "+1".repeat(20_000)),
        format!("SELECT 1 WHERE {}1=1", "1=2 OR ".repeat(20_000)),
        format!("{}SELECT 1", "EXPLAIN ".repeat(500)),
        format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000)),
    ] {
        let state = client.sqlstate(&sql);
        assert!(state == "54001" || state == "42601", "{state}: {}", &sql[..40]);
    }
    assert_eq!(client.value(&format!("SELECT 1{}", " UNION SELECT 1".repeat(150))), "1");
    assert_eq!(client.value(&format!("SELECT 1{}", "+1".repeat(800))), "801");
}
