//! `CALL teatree.ingest` and what every CALL refuses.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};

use crate::harness::{Server, shared_dir, skip_on_oracle, unique};
use crate::messages::Out;
use crate::raw_client::RawClient;

/// The inbox of the shared server, and a client; `None` where the folder is not known.
fn inbox() -> Option<(PathBuf, RawClient)> {
    if skip_on_oracle("CALL teatree.ingest") {
        return None;
    }
    let client = crate::harness::connect();
    let Some(dir) = shared_dir() else {
        eprintln!("skipped: the server's folder is not known");
        return None;
    };
    let inbox = dir.join("inbox");
    fs::create_dir_all(&inbox).unwrap();
    Some((inbox, client))
}

/// The same three rows in each format that `ingest` reads.
fn write_files(inbox: &Path, stem: &str) -> Vec<String> {
    let names = ["csv", "parquet", "arrow", "jsonl"].map(|end| format!("{stem}.{end}"));
    fs::write(inbox.join(&names[0]), "id,name\n1,one\n2,\"two, too\"\n3,\n").unwrap();
    let duckdb = duckdb::Connection::open_in_memory().unwrap();
    let parquet = inbox.join(&names[1]).display().to_string();
    duckdb
        .execute_batch(&format!(
            "COPY (SELECT * FROM (VALUES (1::BIGINT, 'one'), (2, 'two, too'), (3, NULL)) \
             AS v(id, name)) TO '{parquet}' (FORMAT parquet)"
        ))
        .unwrap();
    let columns: [(&str, ArrayRef); 2] = [
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("name", Arc::new(StringArray::from(vec![Some("one"), Some("two, too"), None]))),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    let file = fs::File::create(inbox.join(&names[2])).unwrap();
    let mut writer = arrow::ipc::writer::FileWriter::try_new(file, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let lines = "{\"id\": 1, \"name\": \"one\"}\n{\"id\": 2, \"name\": \"two, too\"}\n\
                 {\"id\": 3, \"name\": null}\n";
    fs::write(inbox.join(&names[3]), lines).unwrap();
    names.to_vec()
}

/// CALL must give rows and PostgreSQL's tag.
fn call(client: &mut RawClient, sql: &str) {
    let replies = client.query(sql);
    assert!(replies[0].starts_with("T "), "{sql}: {replies:?}");
    assert_eq!(replies[replies.len() - 2..], ["C CALL", "Z I"], "{sql}");
}

const ROWS: [&str; 3] = ["1|one", "2|two, too", "3|NULL"];

#[test]
fn ingest_makes_a_table_from_every_format() {
    let Some((inbox, mut client)) = inbox() else { return };
    let stem = unique("made");
    for file in write_files(&inbox, &stem) {
        let table = file.replace('.', "_");
        call(&mut client, &format!("CALL teatree.ingest('{table}', '{file}')"));
        let lines = client.lines(&format!("SELECT id, name FROM {table} ORDER BY id"));
        assert_eq!(lines, ROWS, "{file}");
        client.run(&format!("DROP TABLE {table}"));
    }
}

#[test]
fn ingest_appends_to_tables_of_both_storages() {
    let Some((inbox, mut client)) = inbox() else { return };
    let stem = unique("appended");
    let files = write_files(&inbox, &stem);
    for storage in ["", " USING arrow"] {
        let table = unique("append");
        client.run(&format!("CREATE TABLE {table} (id int8, name text){storage}"));
        for (n, file) in (1..).zip(&files) {
            call(&mut client, &format!("CALL teatree.ingest('{table}', '{file}')"));
            let counts = client.value(&format!("SELECT count(*), sum(id)::int8 FROM {table}"));
            assert_eq!(counts, format!("{}|{}", 3 * n, 6 * n), "{file}{storage}");
        }
        let kinds = client.value(&format!("SELECT count(DISTINCT name) FROM {table}"));
        assert_eq!(kinds, "2");
        client.run(&format!("DROP TABLE {table}"));
    }
}

#[test]
fn ingest_works_by_the_extended_protocol() {
    let Some((inbox, mut client)) = inbox() else { return };
    let stem = unique("extended");
    let file = write_files(&inbox, &stem).remove(0);
    let sql = format!("CALL teatree.ingest('{stem}', '{file}')");
    let out = Out::new().parse("", &sql, &[]).bind("", "", &[]).describe_portal("").execute("", 0);
    let replies = client.talk(out.sync());
    assert!(replies[2].starts_with("T "), "{replies:?}");
    assert_eq!(replies[replies.len() - 2..], ["C CALL", "Z I"]);
    assert_eq!(client.value(&format!("SELECT count(*) FROM {stem}")), "3");
    let parse = Out::new().parse("", "CALL teatree.ingest($1, $2)", &[]);
    let params = [Some(stem.as_bytes()), Some(file.as_bytes())];
    let replies = client.talk(parse.bind("", "", &params).execute("", 0).sync());
    assert_eq!(replies[replies.len() - 2..], ["C CALL", "Z I"], "{replies:?}");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {stem}")), "6");
    client.run(&format!("DROP TABLE {stem}"));
}

fn newest_intent(client: &mut RawClient) -> String {
    client.value("SELECT coalesce(max(seq), 0) FROM teatree.intents")
}

#[test]
fn what_cannot_be_called_is_refused_before_anything_is_queued() {
    // On a server of its own: nobody else may queue meanwhile.
    if skip_on_oracle("teatree.intents") {
        return;
    }
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE here (id int8)");
    let inbox = server.dir().join("inbox");
    fs::create_dir_all(&inbox).unwrap();
    fs::write(inbox.join("good.csv"), "id\n1\n").unwrap();
    fs::write(server.dir().join("outside.csv"), "id\n1\n").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", inbox.join("link.csv")).unwrap();
    let before = newest_intent(&mut client);
    for (sql, codes) in [
        ("CALL teatree.no_such_procedure()", &["42883"][..]),
        ("CALL no_such_procedure('a', 1)", &["42883"]),
        ("CALL pg_catalog.version()", &["42809", "42883"]),
        ("CALL teatree.ingest()", &["42883"]),
        ("CALL teatree.ingest('t')", &["42883"]),
        ("CALL teatree.ingest('t', 'good.csv', 'more', 'and more', 'and more')", &["42883"]),
        ("CALL teatree.ingest(1, 2)", &["42883", "22023", "42804"]),
        ("CALL teatree.ingest(NULL, 'good.csv')", &["22004", "22023", "42883"]),
        ("CALL teatree.ingest('', 'good.csv')", &["42601", "42602", "22023"]),
        ("CALL teatree.ingest('t', '')", &["58P01", "22023", "42501"]),
        ("CALL teatree.ingest('t', 'missing.csv')", &["58P01"]),
        ("CALL teatree.ingest('t', '../outside.csv')", &["42501", "22023", "58P01"]),
        ("CALL teatree.ingest('t', 'x/../../outside.csv')", &["42501", "22023", "58P01"]),
        ("CALL teatree.ingest('t', '/etc/passwd')", &["42501", "22023", "58P01"]),
        ("CALL teatree.ingest('t', 'link.csv')", &["42501", "22023", "58P01"]),
        ("CALL teatree.ingest('t', 'good.xlsx')", &["58P01", "22023", "0A000"]),
        ("CALL teatree.ingest('none.t', 'good.csv')", &["3F000"]),
        ("CALL teatree.publish_version()", &["42883"]),
        ("CALL teatree.publish_version('a', 'b')", &["42883"]),
    ] {
        let error = client.error(sql);
        assert!(codes.contains(&error[&'C'].as_str()), "{sql}: {error:?}, want {codes:?}");
    }
    assert_eq!(newest_intent(&mut client), before, "something was queued");
    assert_eq!(client.sqlstate("SELECT * FROM t"), "42P01");
    assert_eq!(client.query("CALL teatree.ingest('here', 'good.csv')").last().unwrap(), "Z I");
    assert_eq!(client.value("SELECT count(*) FROM here"), "1");
}

#[test]
fn a_file_that_does_not_fit_changes_nothing() {
    let Some((inbox, mut client)) = inbox() else { return };
    for storage in ["", " USING arrow"] {
        let table = unique("misfit");
        client.run(&format!("CREATE TABLE {table} (id int8 NOT NULL, name text){storage}"));
        for (end, text) in [
            ("csv", "id,name\n1,one\nsix,bad\n"),
            ("csv", "id,other\n1,one\n"),
            ("csv", "id,name\n1,one\n,null\n"),
            ("jsonl", "{\"id\": 1}\n{\"id\": \n"),
            ("parquet", "PAR1 not really"),
            ("arrow", "ARROW1 not really"),
        ] {
            let file = format!("{}.{end}", unique("misfit"));
            fs::write(inbox.join(&file), text).unwrap();
            let code = client.sqlstate(&format!("CALL teatree.ingest('{table}', '{file}')"));
            assert!(!code.starts_with("XX"), "{text:?}: {code}");
            assert_eq!(client.value(&format!("SELECT count(*) FROM {table}")), "0", "{text:?}");
        }
        client.run(&format!("DROP TABLE {table}"));
    }
}
