//! What a role may do that was made without SUPERUSER, and what is left of roles and facts after a
//! crash.

use crate::harness::{Server, skip_on_oracle};
use crate::raw_client::RawClient;

/// A server with tables, two of which the role `reader` may use.
fn start() -> Option<(Server, RawClient, RawClient)> {
    let server = Server::start(&[])?;
    let mut admin = server.connect();
    for sql in [
        "CREATE TABLE open (id int PRIMARY KEY, n int)",
        "CREATE TABLE closed (id int)",
        "CREATE TABLE kept (id int) USING arrow",
        "INSERT INTO open VALUES (1, 10)",
        "INSERT INTO kept VALUES (1)",
        "CREATE VIEW seen AS SELECT * FROM closed",
        "CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM closed'",
        "CREATE ROLE readers",
        "CREATE USER reader PASSWORD 'secret' IN ROLE readers",
        "GRANT SELECT ON open, seen TO readers",
    ] {
        admin.run(sql);
    }
    let mut reader = server.connect();
    reader.run("SET SESSION AUTHORIZATION reader");
    Some((server, admin, reader))
}

#[test]
fn a_role_without_superuser_does_what_it_was_granted() {
    if skip_on_oracle("it is written for Teatree's own rules") {
        return;
    }
    let Some((_server, mut admin, mut reader)) = start() else { return };
    assert_eq!(reader.value("SELECT current_user"), "reader");
    assert_eq!(reader.value("SELECT n FROM open"), "10");
    assert_eq!(reader.value("SELECT count(*) FROM seen"), "0");
    assert_eq!(reader.value("SELECT count(*) FROM pg_class WHERE relname = 'closed'"), "1");
    let refused = [
        "SELECT * FROM closed",
        "SELECT * FROM kept",
        "SELECT 1 FROM open WHERE id IN (SELECT id FROM closed)",
        "WITH o AS (SELECT * FROM closed) SELECT * FROM o",
        "EXPLAIN ANALYZE SELECT * FROM closed",
        "DECLARE c CURSOR WITH HOLD FOR SELECT * FROM closed",
        "COPY closed TO STDOUT",
        "COPY open FROM STDIN",
        "FROM closed",
        "SELECT peek()",
        "SELECT * FROM teatree.intents",
        "INSERT INTO open VALUES (2, 20)",
        "UPDATE open SET n = 1",
        "DELETE FROM open",
        "TRUNCATE open",
        "CREATE TABLE own (a int)",
        "CREATE TABLE own AS SELECT 1 AS a",
        "CREATE VIEW v AS SELECT 1 AS a",
        "ALTER TABLE open ADD COLUMN x int",
        "DROP TABLE open",
        "CREATE ROLE other SUPERUSER",
        "ALTER ROLE reader SUPERUSER",
        "GRANT ALL ON closed TO reader",
        "ALTER TABLE closed OWNER TO reader",
        "SET ROLE postgres",
        "CALL retry_intent(1)",
    ];
    for sql in refused {
        assert_eq!(reader.sqlstate(sql), "42501", "{sql}");
    }
    reader.run("CREATE TEMP TABLE own AS SELECT * FROM open");
    assert_eq!(reader.value("SELECT count(*) FROM own"), "1");
    reader.run("DROP TABLE own");
    reader.run("PREPARE p AS SELECT * FROM closed");
    assert_eq!(reader.sqlstate("EXECUTE p"), "42501");

    admin.run("GRANT INSERT, UPDATE ON open TO reader");
    reader.run("INSERT INTO open VALUES (2, 20)");
    reader.run("UPDATE open SET n = n + 1 WHERE id = 2");
    assert_eq!(reader.sqlstate("DELETE FROM open"), "42501");
    admin.run("GRANT SELECT ON kept TO PUBLIC");
    assert_eq!(reader.value("SELECT count(*) FROM kept"), "1");
    admin.run("REVOKE SELECT ON open FROM readers");
    assert_eq!(reader.sqlstate("SELECT * FROM open"), "42501");
    assert_eq!(reader.sqlstate("UPDATE open SET n = 1 WHERE id = 2"), "42501");
    admin.run("ALTER TABLE open OWNER TO readers");
    assert_eq!(reader.value("SELECT count(*) FROM open"), "2");
    admin.run("ALTER ROLE reader SUPERUSER");
    assert_eq!(reader.value("SELECT count(*) FROM closed"), "0");
}

#[test]
fn a_session_becomes_another_role_and_itself_again() {
    if skip_on_oracle("it is written for Teatree's own rules") {
        return;
    }
    let Some((_server, mut admin, mut reader)) = start() else { return };
    admin.run("SET ROLE reader");
    assert_eq!(admin.value("SELECT current_user || ' ' || session_user"), "reader postgres");
    assert_eq!(admin.sqlstate("SELECT * FROM closed"), "42501");
    assert_eq!(admin.value("SHOW role"), "reader");
    admin.run("RESET ROLE");
    assert_eq!(admin.value("SELECT count(*) FROM closed"), "0");
    admin.run("BEGIN");
    admin.run("SET LOCAL ROLE reader");
    assert_eq!(admin.value("SELECT current_user"), "reader");
    admin.run("COMMIT");
    assert_eq!(admin.value("SELECT current_user"), "postgres");
    // Who is rolled back is who it was.
    admin.run("BEGIN");
    admin.run("SET ROLE reader");
    admin.run("ROLLBACK");
    assert_eq!(admin.value("SELECT current_user"), "postgres");
    // A role of this transaction is one already.
    admin.run("BEGIN");
    admin.run("CREATE ROLE fresh");
    admin.run("SET ROLE fresh");
    assert_eq!(admin.sqlstate("SELECT * FROM closed"), "42501");
    admin.run("ROLLBACK");
    assert_eq!(admin.sqlstate("SET ROLE fresh"), "22023");
    reader.run("SET ROLE readers");
    assert_eq!(reader.value("SELECT current_user || ' ' || session_user"), "readers reader");
    reader.run("SET ROLE NONE");
    assert_eq!(reader.value("SELECT current_user"), "reader");
}

#[test]
fn facts_survive_a_crash_and_passwords_are_not_kept() {
    if skip_on_oracle("it kills its server") {
        return;
    }
    let Some((mut server, mut admin, _)) = start() else { return };
    admin.run("COMMENT ON CONSTRAINT open_pkey ON open IS 'the key'");
    admin.run("CREATE INDEX open_n ON open (n DESC) WHERE n > 5");
    admin.run("BEGIN");
    admin.run("COMMENT ON CONSTRAINT open_pkey ON open IS 'never'");
    admin.run("GRANT ALL ON closed TO reader");
    admin.run("ROLLBACK");
    let text =
        admin.value("SELECT statement FROM teatree.intents WHERE statement LIKE '%reader %'");
    assert!(text.contains("password '********'"), "{text}");
    let facts =
        "SELECT (SELECT obj_description(oid) FROM pg_constraint WHERE conname = 'open_pkey')
        || (SELECT indexdef FROM pg_indexes WHERE indexname = 'open_n')
        || (SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles
            WHERE rolname LIKE 'read%')
        || (SELECT array_to_string(relacl, ',') FROM pg_class WHERE relname = 'open')
        || has_table_privilege('reader', 'closed', 'SELECT')::text";
    let before = admin.value(facts);
    assert_eq!(
        before,
        "the keyCREATE INDEX open_n ON public.open USING btree (n DESC) WHERE (n > 5)\
         reader,readerspostgres=arwdDxt/postgres,readers=r/postgresfalse"
    );
    server.kill_9();
    server.restart();
    assert_eq!(server.connect().value(facts), before);
}
