//! COPY … TO a file of the outbox: what it holds, under which name, and who may see it when.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::harness::{Server, connect, shared_dir, skip_on_oracle, unique};
use crate::messages::Out;
use crate::raw_client::RawClient;

/// The outbox of the shared server, and a client; `None` where the folder is not known.
fn outbox() -> Option<(PathBuf, RawClient)> {
    if skip_on_oracle("COPY TO a file of the outbox") {
        return None;
    }
    let client = connect();
    let Some(dir) = shared_dir() else {
        eprintln!("skipped: the server's folder is not known");
        return None;
    };
    Some((dir.join("outbox"), client))
}

/// What COPY TO STDOUT sends, in one piece.
fn to_stdout(client: &mut RawClient, sql: &str) -> Vec<u8> {
    client.send(Out::new().query(sql));
    let replies = client.read_until_ready();
    let data = replies.iter().filter(|message| message.tag == b'd');
    data.flat_map(|message| message.body.clone()).collect()
}

const ROWS: &str = "
    SELECT 1 AS id, 'plain' AS name, 1.50::numeric AS n, true AS b, NULL::text AS nothing,
        '2024-02-29 12:30:00+00'::timestamptz AS at, ARRAY[1, NULL, 3] AS list,
        '\\x00ff'::bytea AS raw
    UNION ALL SELECT 2, E'with \"quotes\", commas,\\ttabs\\nand lines', -3, false, '', NULL, '{}', ''
    UNION ALL SELECT 3, 'ünï', NULL, NULL, '\\.', 'infinity', NULL, NULL ORDER BY id";

#[test]
fn a_stream_in_a_file_is_what_a_client_gets() {
    let Some((outbox, mut client)) = outbox() else { return };
    let stem = unique("same");
    client.run("SET timezone = 'Europe/Berlin'");
    for (place, (ending, options)) in [
        ("csv", ""),
        ("txt", ""),
        ("csv", "WITH (FORMAT csv, HEADER, FORCE_QUOTE (name), DELIMITER ';', NULL 'none')"),
        ("bin", "WITH (FORMAT binary)"),
        ("out", "CSV HEADER"),
        ("txt", "WITH (ENCODING 'latin1', HEADER)"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("{stem}/{place}.{ending}");
        assert_eq!(client.run(&format!("COPY ({ROWS}) TO '{name}' {options}")), "COPY 3");
        let options = if ending == "csv" && options.is_empty() { "CSV" } else { options };
        let sent = to_stdout(&mut client, &format!("COPY ({ROWS}) TO STDOUT {options}"));
        assert_eq!(fs::read(outbox.join(&name)).unwrap(), sent, "{ending} {options}");
    }
    assert!(drafts(&outbox.join(&stem)).is_empty());
}

#[test]
fn parquet_and_arrow_files_hold_the_rows_of_both_storages() {
    let Some((outbox, mut client)) = outbox() else { return };
    let (t, d) = (unique("t"), unique("d"));
    let columns = "id int, name text, moment timestamp, amount numeric(10,2)";
    client.run(&format!("CREATE TABLE {t} ({columns}, u uuid, j jsonb)"));
    client.run(&format!("CREATE TABLE {d} ({columns}) USING arrow"));
    let rows = "SELECT i, 'row ' || i, TIMESTAMP '2024-01-01' + i * INTERVAL '1 hour', i / 4.0
                FROM generate_series(1, 5000) AS s(i)";
    client.run(&format!(
        "INSERT INTO {t} SELECT *, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, '{{\"a\": 1}}'::jsonb
         FROM ({rows})"
    ));
    client.run(&format!("INSERT INTO {d} {rows}"));
    let duckdb = duckdb::Connection::open_in_memory().unwrap();
    for table in [&t, &d] {
        let name = format!("{table}/rows.parquet");
        assert_eq!(client.run(&format!("COPY {table} TO '{name}'")), "COPY 5000");
        let path = outbox.join(&name).display().to_string();
        let sql = format!(
            "SELECT count(*)::int, sum(id)::int, max(name), max(moment)::varchar, sum(amount)::varchar
             FROM '{path}'"
        );
        let found: (i32, i32, String, String, String) = duckdb
            .query_row(&sql, [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })
            .unwrap();
        let wanted = (5000, 12_502_500, "row 999".to_owned(), "2024-07-27 08:00:00".to_owned());
        assert_eq!((found.0, found.1, found.2, found.3), wanted);
        assert_eq!(found.4, "3125625.00");
        let name = format!("{table}/rows.arrow");
        assert_eq!(
            client.run(&format!("COPY (SELECT id, name FROM {table}) TO '{name}'")),
            "COPY 5000"
        );
        let file = fs::File::open(outbox.join(&name)).unwrap();
        let reader = arrow::ipc::reader::FileReader::try_new(file, None).unwrap();
        let count: usize = reader.map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(count, 5000);
    }
    let path = outbox.join(&t).join("rows.parquet").display().to_string();
    let types: String = duckdb
        .query_row(&format!("SELECT typeof(u) || ' ' || j FROM '{path}' LIMIT 1"), [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(types, "UUID {\"a\": 1}");
    // No rows are a file, too.
    for ending in ["parquet", "arrow", "csv"] {
        let name = format!("{t}/none.{ending}");
        assert_eq!(
            client.run(&format!("COPY (SELECT id FROM {t} WHERE false) TO '{name}'")),
            "COPY 0"
        );
        assert!(outbox.join(&name).is_file());
    }
    let twice = format!("COPY (SELECT 1 AS a, 2 AS a) TO '{t}/twice.parquet'");
    assert_eq!(client.sqlstate(&twice), "42701");
    assert!(!outbox.join(&t).join("twice.parquet").exists());
    assert!(drafts(&outbox.join(&t)).is_empty());
}

#[test]
fn names_stay_in_the_outbox() {
    let Some((outbox, mut client)) = outbox() else { return };
    for name in [
        "file:///tmp/x.csv",
        "/tmp/x.csv",
        "../x.csv",
        "a/../../x.csv",
        "",
        ".",
        "..",
        ".hidden",
        "a/.x",
        "./x",
        "a/",
    ] {
        let sql = format!("COPY (SELECT 1) TO '{name}'");
        assert_eq!(client.sqlstate(&sql), "42501", "{name}");
    }
    assert_eq!(client.sqlstate("COPY (SELECT 1) TO PROGRAM 'cat'"), "42501");
    let t = unique("t");
    client.run(&format!("CREATE TABLE {t} (a int)"));
    assert_eq!(client.sqlstate(&format!("COPY {t} FROM '{t}.csv'")), "42501");
    let link = outbox.join(unique("link"));
    std::os::unix::fs::symlink("/tmp", &link).unwrap();
    let inside = link.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(client.sqlstate(&format!("COPY (SELECT 1) TO '{inside}/x.csv'")), "42501");
    assert_eq!(client.sqlstate(&format!("COPY (SELECT 1) TO '{inside}/new/x.csv'")), "42501");
    fs::remove_file(&link).unwrap();
    let dir = unique("dir");
    client.run(&format!("COPY (SELECT 1) TO '{dir}/a.csv'"));
    assert_eq!(client.sqlstate(&format!("COPY (SELECT 1) TO '{dir}'")), "42809");
    assert_eq!(client.sqlstate(&format!("COPY (SELECT 1) TO '{dir}/a.csv/b.csv'")), "42809");
    let wrong = format!("COPY (SELECT 1) TO '{dir}/a.parquet' WITH (HEADER)");
    assert_eq!(client.sqlstate(&wrong), "42601");
    assert_eq!(client.sqlstate("COPY (SELECT 1) TO STDOUT (FORMAT parquet)"), "22023");
    assert_eq!(client.sqlstate(&format!("COPY (SELECT 1) TO '{dir}/x' (FORMAT xlsx)")), "22023");
}

#[test]
fn each_run_can_have_its_own_file() {
    let Some((outbox, mut client)) = outbox() else { return };
    let dir = unique("runs");
    for n in 0..3 {
        client.run(&format!("COPY (SELECT {n}) TO '{dir}/{{time}}-{{run}}.csv'"));
        client.run(&format!("COPY (SELECT {n}) TO '{dir}/last.csv'"));
    }
    let mut files: Vec<PathBuf> =
        fs::read_dir(outbox.join(&dir)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    assert_eq!(texts, ["0\n", "1\n", "2\n", "2\n"]);
    assert_eq!(client.sqlstate(&format!("COPY (SELECT 1) TO '{dir}/{{intent}}.csv'")), "0A000");
}

#[test]
fn a_failed_or_canceled_copy_leaves_the_file_that_was_there() {
    let Some((outbox, mut client)) = outbox() else { return };
    let dir = unique("kept");
    for ending in ["csv", "parquet", "arrow"] {
        let name = format!("{dir}/a.{ending}");
        client.run(&format!("COPY (SELECT 1 AS a) TO '{name}'"));
        let before = fs::read(outbox.join(&name)).unwrap();
        let fails = format!(
            "COPY (SELECT 1 / (i - 90000) AS a FROM generate_series(1, 100000) AS s(i)) TO '{name}'"
        );
        assert_eq!(client.sqlstate(&fails), "22012", "{ending}");
        assert_eq!(fs::read(outbox.join(&name)).unwrap(), before);
        client.run("SET statement_timeout = '300ms'");
        let long = format!(
            "COPY (SELECT a.i FROM generate_series(1, 1000000) AS a(i), generate_series(1, 1000000) AS b(i)) TO '{name}'"
        );
        assert_eq!(client.sqlstate(&long), "57014", "{ending}");
        client.run("RESET statement_timeout");
        assert_eq!(fs::read(outbox.join(&name)).unwrap(), before);
    }
    assert_eq!(drafts(&outbox.join(&dir)), Vec::<PathBuf>::new());
}

#[test]
fn a_transaction_copies_what_it_sees() {
    let Some((outbox, mut client)) = outbox() else { return };
    let t = unique("t");
    client.run(&format!("CREATE TABLE {t} (a int)"));
    client.run("BEGIN");
    client.run(&format!("INSERT INTO {t} VALUES (1), (2)"));
    assert_eq!(client.run(&format!("COPY {t} TO '{t}.csv' (HEADER, FORMAT csv)")), "COPY 2");
    client.run("ROLLBACK");
    assert_eq!(fs::read_to_string(outbox.join(format!("{t}.csv"))).unwrap(), "a\n1\n2\n");
    let copied = format!("COPY (INSERT INTO {t} VALUES (7) RETURNING a, a * 2) TO '{t}.csv'");
    assert_eq!(client.run(&copied), "COPY 1");
    assert_eq!(fs::read_to_string(outbox.join(format!("{t}.csv"))).unwrap(), "7,14\n");
    // By the extended protocol, too.
    let sql = format!("COPY {t} TO '{t}.txt'");
    let replies =
        client.talk(Out::new().parse("", &sql, &[]).bind("", "", &[]).execute("", 0).sync());
    assert!(replies.contains(&"C COPY 1".to_owned()), "{replies:?}");
    assert_eq!(fs::read_to_string(outbox.join(format!("{t}.txt"))).unwrap(), "7\n");
}

#[test]
fn procedures_and_triggers_leave_files_when_they_are_committed() {
    let Some((outbox, mut client)) = outbox() else { return };
    let (t, p, q) = (unique("t"), unique("p"), unique("q"));
    client.run("SET timezone = 'Europe/Berlin'");
    client.run(&format!("CREATE TABLE {t} (a int, b text, at timestamptz)"));
    client.run(&format!(
        "CREATE PROCEDURE {p}(least int) LANGUAGE sql AS $$
             COPY (SELECT a, b, at FROM new_table WHERE a >= least ORDER BY a)
                 TO '{t}/new.csv' WITH (FORMAT csv, HEADER, FORCE_QUOTE (b));
             COPY (SELECT * FROM new_table WHERE a >= least ORDER BY a) TO '{t}/{{intent}}.parquet';
             COPY (SELECT count(*) AS n FROM {t}) TO '{t}/count.arrow';
             COPY (SELECT a FROM new_table) TO '{t}/{{time}}-{{run}}.txt' $$"
    ));
    client.run(&format!("CREATE TRIGGER x AFTER INSERT ON {t} EXECUTE PROCEDURE {p}(2)"));
    client.run(&format!(
        "INSERT INTO {t} VALUES (1, 'one', '2024-01-01 12:00+00'), (2, 'two, too', NULL), (3, NULL, 'epoch')"
    ));
    let folder = outbox.join(&t);
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(read("new.csv"), "a,b,at\n2,\"two, too\",\n3,,1970-01-01 01:00:00+01\n");
    let parquet: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "parquet"))
        .collect();
    assert_eq!(parquet.len(), 1);
    let seq: u64 = parquet[0].file_stem().unwrap().to_str().unwrap().parse().unwrap();
    assert!(seq > 0);
    let duckdb = duckdb::Connection::open_in_memory().unwrap();
    let sql =
        format!("SELECT string_agg(a || coalesce(b, '-'), ';') FROM '{}'", parquet[0].display());
    let found: String = duckdb.query_row(&sql, [], |row| row.get(0)).unwrap();
    assert_eq!(found, "2two, too;3-");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 4);
    // Nothing of it is to be seen of what was undone.
    client.run("BEGIN");
    client.run(&format!("DROP TRIGGER x ON {t}"));
    client.run(&format!(
        "CREATE OR REPLACE PROCEDURE {p}(least int) LANGUAGE sql AS $$
             COPY new_table TO '{t}/new.csv'; INSERT INTO {t} SELECT 1 / a, b FROM old_table $$"
    ));
    client.run("ROLLBACK");
    client.run("BEGIN");
    client.run(&format!("CREATE TABLE {t}_2 (a int)"));
    client.run(&format!(
        "CREATE PROCEDURE {q}() LANGUAGE sql AS $$ COPY (SELECT a FROM new_table) TO '{t}/new.csv' $$"
    ));
    client.run(&format!("CREATE TRIGGER x AFTER INSERT ON {t}_2 EXECUTE PROCEDURE {q}()"));
    client.run(&format!("INSERT INTO {t}_2 VALUES (7)"));
    assert!(read("new.csv").starts_with("a,b"));
    assert!(!drafts(&folder).is_empty());
    client.run("SAVEPOINT s");
    client.run(&format!("INSERT INTO {t}_2 VALUES (8)"));
    client.run("ROLLBACK TO s");
    client.run("COMMIT");
    assert_eq!(read("new.csv"), "7\n");
    client.run("BEGIN");
    client.run(&format!("INSERT INTO {t}_2 VALUES (9)"));
    client.run("ROLLBACK");
    assert_eq!(read("new.csv"), "7\n");
    crate::harness::eventually("no drafts", || drafts(&folder).is_empty());
    // A CALL, too: with the rest of it or not at all.
    client.run(&format!(
        "CREATE PROCEDURE {q}_2(n int) LANGUAGE sql AS $$
             COPY (SELECT sum(a) * n FROM {t}_2) TO '{t}/call.csv';
             INSERT INTO {t}_2 SELECT 100 / n $$"
    ));
    client.run(&format!("CALL {q}_2(3)"));
    assert_eq!(read("new.csv"), "33\n");
    assert_eq!(read("call.csv"), "21\n");
    assert_eq!(client.sqlstate(&format!("CALL {q}_2(0)")), "22012");
    assert_eq!(read("call.csv"), "21\n");
    assert!(drafts(&folder).is_empty());
}

#[test]
fn drafts_of_a_killed_server_are_gone_after_the_next_start() {
    let Some(mut server) = Server::start(&[]) else { return };
    let outbox = server.dir().join("outbox");
    let mut client = server.connect();
    client.run("COPY (SELECT 1) TO 'sub/whole.csv'");
    client.send(Out::new().query(
        "COPY (SELECT a.i FROM generate_series(1, 1000000) AS a(i), generate_series(1, 1000) AS b(i))
         TO 'sub/half.csv'",
    ));
    crate::harness::eventually("a draft", || !drafts(&outbox).is_empty());
    std::thread::sleep(Duration::from_millis(50));
    server.kill_9();
    assert!(!drafts(&outbox).is_empty());
    server.restart();
    assert!(drafts(&outbox).is_empty());
    assert!(!outbox.join("sub/half.csv").exists());
    assert_eq!(fs::read_to_string(outbox.join("sub/whole.csv")).unwrap(), "1\n");
}

/// The hidden files below a folder.
fn drafts(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(drafts(&path));
        } else if path.file_name().unwrap().to_string_lossy().starts_with('.') {
            found.push(path);
        }
    }
    found
}
