//! Triggers as definitions: what can be made, what depends on what, what the catalogue shows.

use crate::harness::{Server, connect, skip_on_oracle, unique};
use crate::raw_client::RawClient;

/// A table, a table to write to, and a procedure that writes there.
fn made(client: &mut RawClient) -> [String; 3] {
    let names = [unique("t"), unique("w"), unique("p")];
    let [t, w, p] = &names;
    client.run(&format!("CREATE TABLE {t} (a int, b text)"));
    client.run(&format!("CREATE TABLE {w} (a int, b text)"));
    client.run(&format!(
        "CREATE PROCEDURE {p}() LANGUAGE sql AS $$ INSERT INTO {w} SELECT a, b FROM new_table $$"
    ));
    names
}

#[test]
fn what_a_trigger_cannot_be_is_refused() {
    if skip_on_oracle("triggers that run procedures") {
        return;
    }
    let mut client = connect();
    let [t, w, p] = made(&mut client);
    let (v, m, d, f) = (unique("v"), unique("m"), unique("d"), unique("f"));
    client.run(&format!("CREATE VIEW {v} AS SELECT * FROM {t}"));
    client.run(&format!("CREATE MATERIALIZED VIEW {m} AS SELECT * FROM {t}"));
    client.run(&format!("CREATE TABLE {d} (a int, b text) USING arrow"));
    client.run(&format!("CREATE FUNCTION {f}() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$"));
    client.run(&format!("CREATE TRIGGER taken AFTER INSERT ON {t} EXECUTE PROCEDURE {p}()"));
    for (code, rest) in [
        ("42P01", format!("AFTER INSERT ON nothing EXECUTE PROCEDURE {p}()")),
        ("42883", format!("AFTER INSERT ON {t} EXECUTE PROCEDURE nothing()")),
        ("42883", format!("AFTER INSERT ON {t} EXECUTE PROCEDURE {p}('too', 'many')")),
        ("42809", format!("AFTER INSERT ON {t} EXECUTE FUNCTION {f}()")),
        ("42809", format!("AFTER INSERT ON {v} EXECUTE PROCEDURE {p}()")),
        ("42809", format!("AFTER INSERT ON {m} EXECUTE PROCEDURE {p}()")),
        ("0A000", format!("AFTER INSERT ON {d} EXECUTE PROCEDURE {p}()")),
        ("0A000", format!("AFTER INSERT ON {t} FOR EACH ROW EXECUTE PROCEDURE {p}()")),
        ("0A000", format!("AFTER INSERT ON {t} WHEN (true) EXECUTE PROCEDURE {p}()")),
        ("0A000", format!("BEFORE INSERT ON {t} EXECUTE PROCEDURE {p}()")),
        ("0A000", format!("INSTEAD OF INSERT ON {v} EXECUTE PROCEDURE {p}()")),
        ("0A000", format!("AFTER TRUNCATE ON {t} EXECUTE PROCEDURE {p}()")),
        ("42601", format!("AFTER INSERT OR INSERT ON {t} EXECUTE PROCEDURE {p}()")),
        ("42601", format!("AFTER INSERT ON {t} EXECUTE PROCEDURE {p}")),
        ("42703", format!("AFTER UPDATE OF c ON {t} EXECUTE PROCEDURE {p}()")),
        ("42701", format!("AFTER UPDATE OF a, a ON {t} EXECUTE PROCEDURE {p}()")),
        (
            "42P17",
            format!("AFTER INSERT ON {t} REFERENCING OLD TABLE AS o EXECUTE PROCEDURE {p}()"),
        ),
        (
            "42P17",
            format!("AFTER DELETE ON {t} REFERENCING NEW TABLE AS n EXECUTE PROCEDURE {p}()"),
        ),
        (
            "42P17",
            format!(
                "AFTER UPDATE ON {t} REFERENCING NEW TABLE AS n OLD TABLE AS n EXECUTE PROCEDURE {p}()"
            ),
        ),
        // Called by another name, the transition table is not there.
        (
            "42P01",
            format!("AFTER INSERT ON {t} REFERENCING NEW TABLE AS n EXECUTE PROCEDURE {p}()"),
        ),
        ("42P17", format!("AFTER INSERT ON {w} EXECUTE PROCEDURE {p}()")),
    ] {
        let sql = format!("CREATE TRIGGER x {rest}");
        assert_eq!(client.sqlstate(&sql), code, "{sql}");
    }
    let sql = format!("CREATE TRIGGER taken AFTER DELETE ON {t} EXECUTE PROCEDURE {p}()");
    assert_eq!(client.sqlstate(&sql), "42710");
    client.run(&sql.replace("CREATE", "CREATE OR REPLACE"));
    client.run(&format!("INSERT INTO {t} VALUES (1, 'one')"));
    assert_eq!(client.value(&format!("SELECT count(*) FROM {w}")), "0");
    // What its procedure does must be possible.
    for body in [
        format!("CREATE TABLE {w}_2 (a int)"),
        format!("INSERT INTO new_table VALUES (1, 'x')"),
        format!("DELETE FROM {d} WHERE a IN (SELECT a FROM new_table)"),
        format!("TRUNCATE {w}"),
        "SELECT set_config('work_mem', '64MB', false)".to_owned(),
    ] {
        let q = unique("p");
        client.run("SET check_function_bodies = off");
        client.run(&format!("CREATE PROCEDURE {q}() LANGUAGE sql AS $$ {body} $$"));
        client.run("RESET check_function_bodies");
        let sql = format!("CREATE TRIGGER x AFTER INSERT ON {t} EXECUTE PROCEDURE {q}()");
        let code = client.sqlstate(&sql);
        assert!(["0A000", "42809"].contains(&code.as_str()), "{body}: {code}");
    }
    assert_eq!(client.sqlstate(&format!("CALL {p}()")), "42P01");
}

#[test]
fn triggers_are_renamed_switched_off_and_dropped() {
    if skip_on_oracle("triggers that run procedures") {
        return;
    }
    let mut client = connect();
    let [t, w, p] = made(&mut client);
    for name in ["one", "two"] {
        client.run(&format!("CREATE TRIGGER {name} AFTER INSERT ON {t} EXECUTE PROCEDURE {p}()"));
    }
    let count = |client: &mut RawClient, changes: &[&str]| {
        for change in changes {
            client.run(&change.replace("{t}", &t));
        }
        client.run(&format!("INSERT INTO {t} VALUES (1, 'one')"));
        let rows = client.value(&format!("SELECT count(*) FROM {w}"));
        client.run(&format!("TRUNCATE {w}"));
        rows
    };
    assert_eq!(count(&mut client, &[]), "2");
    assert_eq!(count(&mut client, &["ALTER TABLE {t} DISABLE TRIGGER one"]), "1");
    assert_eq!(count(&mut client, &["ALTER TABLE {t} DISABLE TRIGGER ALL"]), "0");
    assert_eq!(count(&mut client, &["ALTER TABLE {t} ENABLE TRIGGER USER"]), "2");
    assert_eq!(count(&mut client, &["ALTER TRIGGER one ON {t} RENAME TO three"]), "2");
    for (code, wrong) in [
        ("42704", "ALTER TRIGGER one ON {t} RENAME TO four"),
        ("42710", "ALTER TRIGGER two ON {t} RENAME TO three"),
        ("42704", "ALTER TABLE {t} DISABLE TRIGGER one"),
        ("42704", "DROP TRIGGER one ON {t}"),
        ("42P01", "DROP TRIGGER one ON nothing"),
        ("42P01", "ALTER TABLE nothing ENABLE TRIGGER ALL"),
    ] {
        assert_eq!(client.sqlstate(&wrong.replace("{t}", &t)), code, "{wrong}");
    }
    assert_eq!(count(&mut client, &["DROP TRIGGER three ON {t}"]), "1");
    let gone = ["DROP TRIGGER IF EXISTS three ON {t}", "DROP TRIGGER IF EXISTS x ON nothing"];
    assert_eq!(count(&mut client, &gone), "1");
    assert_eq!(count(&mut client, &["BEGIN", "DROP TRIGGER two ON {t}", "ROLLBACK"]), "1");
}

#[test]
fn what_a_trigger_needs_cannot_go_without_it() {
    if skip_on_oracle("triggers that run procedures") {
        return;
    }
    let mut client = connect();
    let [t, w, p] = made(&mut client);
    client.run(&format!("CREATE TRIGGER x AFTER INSERT ON {t} EXECUTE PROCEDURE {p}()"));
    for wrong in [
        format!("DROP PROCEDURE {p}"),
        format!("DROP TABLE {w}"),
        format!("ALTER TABLE {w} RENAME TO {w}_2"),
        format!("ALTER TABLE {w} DROP COLUMN b"),
        format!("ALTER TABLE {t} DROP COLUMN b"),
        format!("ALTER TABLE {t} RENAME COLUMN b TO c"),
    ] {
        assert_eq!(client.sqlstate(&wrong), "2BP01", "{wrong}");
    }
    // What it does not need changes as ever; the table takes it along under another name.
    client.run(&format!("ALTER TABLE {t} ADD COLUMN c int"));
    client.run(&format!("ALTER TABLE {w} ADD COLUMN c int DEFAULT 7"));
    client.run(&format!("CREATE INDEX ON {w} (a)"));
    client.run(&format!("ALTER TABLE {t} RENAME TO {t}_2"));
    client.run(&format!("ALTER PROCEDURE {p}() RENAME TO {p}_2"));
    client.run(&format!("INSERT INTO {t}_2 VALUES (1, 'one', 1)"));
    assert_eq!(client.lines(&format!("SELECT * FROM {w}")), ["1|one|7"]);
    // Another procedure in the place of the one is what the trigger runs from then on.
    client.run(&format!(
        "CREATE OR REPLACE PROCEDURE {p}_2() LANGUAGE sql AS $$
             INSERT INTO {w} (a, b) SELECT -a, 'new ' || b FROM new_table $$"
    ));
    client.run(&format!("INSERT INTO {t}_2 VALUES (2, 'two', 1)"));
    assert_eq!(client.lines(&format!("SELECT * FROM {w} ORDER BY a")), ["-2|new two|7", "1|one|7"]);
    let wrong = format!(
        "CREATE OR REPLACE PROCEDURE {p}_2() LANGUAGE sql AS $$
             INSERT INTO {w} (a) SELECT no_column FROM new_table $$"
    );
    assert_eq!(client.sqlstate(&wrong), "42703");
    client.run(&format!("DROP TABLE {w} CASCADE"));
    client.run(&format!("INSERT INTO {t}_2 VALUES (3, 'three', 1)"));
    // Gone with what it needs, and with its table.
    let left =
        "SELECT count(*) FROM pg_trigger WHERE tgname = 'x' AND tgrelid = to_regclass('{t}')";
    assert_eq!(client.value(&left.replace("{t}", &format!("{t}_2"))), "0");
    client.run(&format!("DROP PROCEDURE {p}_2"));
    let [t, _, p] = made(&mut client);
    client.run(&format!("CREATE TRIGGER x AFTER INSERT ON {t} EXECUTE PROCEDURE {p}()"));
    client.run(&format!("DROP TABLE {t}"));
    client.run(&format!("CREATE TABLE {t} (a int, b text)"));
    client.run(&format!("CREATE TRIGGER x AFTER INSERT ON {t} EXECUTE PROCEDURE {p}()"));
    client.run(&format!("DROP PROCEDURE {p} CASCADE"));
    let another = made(&mut client)[2].clone();
    client.run(&format!("CREATE TRIGGER x AFTER INSERT ON {t} EXECUTE PROCEDURE {another}()"));
    let schema = unique("s");
    client.run(&format!("CREATE SCHEMA {schema}"));
    client.run(&format!("CREATE TABLE {schema}.t (a int, b text)"));
    let p = made(&mut client)[2].clone();
    client.run(&format!("CREATE TRIGGER x AFTER INSERT ON {schema}.t EXECUTE PROCEDURE {p}()"));
    client.run(&format!("DROP SCHEMA {schema} CASCADE"));
    client.run(&format!("DROP PROCEDURE {p}"));
}

#[test]
fn the_catalogue_lists_triggers_as_postgresql_does() {
    if skip_on_oracle("triggers that run procedures") {
        return;
    }
    let mut client = connect();
    let (t, w, p) = (unique("t"), unique("w"), unique("p"));
    client.run(&format!("CREATE TABLE {t} (a int, b text)"));
    client.run(&format!("CREATE TABLE {w} (a int, b text)"));
    client.run("SET check_function_bodies = off");
    client.run(&format!(
        "CREATE PROCEDURE {p}(x text, n int) LANGUAGE sql AS $$
             INSERT INTO {w} SELECT a + n, x FROM \"N\" $$"
    ));
    client.run(&format!(
        "CREATE TRIGGER y AFTER UPDATE OF b, a OR INSERT ON {t} REFERENCING NEW TABLE AS \"N\"
         EXECUTE FUNCTION {p}('it''s', 3)"
    ));
    let text = format!(
        "AFTER INSERT OR UPDATE OF b, a ON public.{t} REFERENCING NEW TABLE AS \"N\" \
         FOR EACH STATEMENT EXECUTE PROCEDURE {p}('it''s', '3')"
    );
    let row = client.lines(&format!(
        "SELECT tgname, tgtype, tgenabled, tgisinternal, tgnargs, tgattr, tgargs, tgoldtable, tgnewtable,
             pg_get_triggerdef(oid), tgfoid = '{p}'::regproc::oid
         FROM pg_catalog.pg_trigger WHERE tgrelid = '{t}'::regclass"
    ));
    let args = "\\x6974277300330";
    assert_eq!(row, [format!("y|20|O|f|2|2 1|{args}0|NULL|N|CREATE TRIGGER y {text}|t")]);
    let short = client.value(&format!(
        "SELECT pg_get_triggerdef(oid, true) FROM pg_trigger WHERE tgrelid = '{t}'::regclass"
    ));
    assert_eq!(short, format!("CREATE TRIGGER y {}", text.replace("public.", "")));
    let has = client.lines(&format!(
        "SELECT relhastriggers FROM pg_class WHERE relname IN ('{t}', '{w}') ORDER BY relname"
    ));
    assert_eq!(has, ["t", "f"]);
    let rows = client.lines(&format!(
        "SELECT trigger_name, event_manipulation, action_order, action_timing, action_orientation,
             action_statement, action_reference_new_table
         FROM information_schema.triggers WHERE event_object_table = '{t}' ORDER BY 2"
    ));
    let rest = format!("1|AFTER|STATEMENT|EXECUTE PROCEDURE {p}('it''s', '3')|N");
    assert_eq!(rows, [format!("y|INSERT|{rest}"), format!("y|UPDATE|{rest}")]);
    client.run(&format!("ALTER TABLE {t} DISABLE TRIGGER y"));
    let enabled = format!("SELECT tgenabled FROM pg_trigger WHERE tgrelid = '{t}'::regclass");
    assert_eq!(client.value(&enabled), "D");
    let depends = client.lines(&format!(
        "SELECT refclassid::regclass, deptype FROM pg_depend
         WHERE classid = 'pg_trigger'::regclass
             AND objid = (SELECT oid FROM pg_trigger WHERE tgrelid = '{t}'::regclass) ORDER BY 2 DESC"
    ));
    assert_eq!(depends, ["pg_proc|n", "pg_class|a"]);
}

#[test]
fn definitions_that_are_committed_beside_each_other_all_hold() {
    if skip_on_oracle("triggers that run procedures") {
        return;
    }
    // Of its own: a CALL of another test may wait for the transaction, and what comes behind it.
    let Some(server) = Server::start(&[]) else { return };
    let (mut one, mut other) = (server.connect(), server.connect());
    let [t, w, p] = made(&mut one);
    let [u, v, q] = made(&mut one);
    one.run("BEGIN");
    one.run(&format!("CREATE TRIGGER x AFTER INSERT ON {t} EXECUTE PROCEDURE {p}()"));
    // Beside the open transaction, which does not see it.
    other.run(&format!("CREATE TRIGGER x AFTER INSERT ON {u} EXECUTE PROCEDURE {q}()"));
    one.run("COMMIT");
    for (table, written) in [(&t, &w), (&u, &v)] {
        other.run(&format!("INSERT INTO {table} VALUES (1, 'one')"));
        assert_eq!(other.lines(&format!("SELECT * FROM {written}")), ["1|one"]);
    }
}

#[test]
fn a_trigger_reads_tables_as_they_are_and_not_as_they_were() {
    if skip_on_oracle("triggers that run procedures") {
        return;
    }
    let mut client = connect();
    let names = [unique("t"), unique("seen"), unique("known"), unique("p")];
    let [t, seen, known, p] = &names;
    client.run(&format!("CREATE TABLE {t} (k int)"));
    client.run(&format!("CREATE TABLE {seen} (k int, v int)"));
    client.run(&format!("CREATE TABLE {known} (k int PRIMARY KEY, v int)"));
    client.run(&format!("INSERT INTO {known} SELECT i, i FROM generate_series(1, 3000) AS s(i)"));
    client.run(&format!(
        "CREATE PROCEDURE {p}() LANGUAGE sql AS $$
             INSERT INTO {seen} SELECT d.k, d.v FROM new_table AS n JOIN {known} AS d ON d.k = n.k
                 GROUP BY 1, 2 ORDER BY 1, 2 $$"
    ));
    client.run(&format!("CREATE TRIGGER x AFTER INSERT ON {t} EXECUTE PROCEDURE {p}()"));
    client.run(&format!("INSERT INTO {t} VALUES (5)"));
    client.run(&format!("INSERT INTO {t} VALUES (6)"));
    // Far beyond the values that were there when the statement was planned first.
    client.run(&format!("INSERT INTO {known} VALUES (81290, 81290), (2081290, 2081290)"));
    client.run(&format!("INSERT INTO {t} VALUES (81290), (2081290), (7)"));
    let rows = client.lines(&format!("SELECT * FROM {seen} ORDER BY k"));
    assert_eq!(rows, ["5|5", "6|6", "7|7", "81290|81290", "2081290|2081290"]);
}
