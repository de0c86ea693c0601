//! Files that appear in the inbox: into the table that a rule names, once by their content.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::ipc::writer::{FileWriter, StreamWriter};

use crate::harness::{Server, eventually};
use crate::raw_client::RawClient;

pub fn inbox(server: &Server) -> PathBuf {
    server.dir().join("inbox")
}

/// Moves a file into the inbox, whole.
pub fn bring(server: &Server, name: &str, content: impl AsRef<[u8]>) {
    let aside = server.dir().join("aside");
    fs::write(&aside, content).unwrap();
    let target = inbox(server).join(name);
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    fs::rename(aside, target).unwrap();
}

pub fn rule(client: &mut RawClient, name: &str, pattern: &str, table: &str) {
    client.run(&format!(
        "INSERT INTO teatree.ingest_rules (name, pattern, table_name) \
         VALUES ('{name}', '{pattern}', '{table}')"
    ));
}

/// Waits until so many files have come to an end.
pub fn ended(client: &mut RawClient, files: usize) {
    let sql = "SELECT count(*) FROM teatree.ingests";
    eventually("files are ingested", || client.value(sql) == files.to_string());
}

/// Waits until the inbox has this file no more.
pub fn gone(server: &Server, name: &str) {
    let path = inbox(server).join(name);
    eventually("the file has left the inbox", || !path.exists());
}

const SEEN: &str = "SELECT source, table_name, state, rows, rejected, sqlstate \
                    FROM teatree.ingests ORDER BY source";

#[test]
fn a_file_goes_into_the_table_of_its_rule_once() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (id int4 NOT NULL, v text, made timestamptz DEFAULT now())");
    client.run("CREATE TABLE d (id int4 NOT NULL, v text) USING arrow");
    rule(&mut client, "t", "t/*.csv", "t");
    rule(&mut client, "d", "d/**", "public.d");
    for table in ["t", "d"] {
        bring(&server, &format!("{table}/one.csv"), "v,id\nfirst,1\n\"se\ncond\",2\n");
    }
    bring(&server, "unknown.csv", "v,id\nfirst,1\n");
    ended(&mut client, 2);
    for table in ["t", "d"] {
        let rows = client.lines(&format!("SELECT id, v FROM {table} ORDER BY 1"));
        assert_eq!(rows, ["1|first", "2|se\ncond"], "{table}");
        gone(&server, &format!("{table}/one.csv"));
        assert!(inbox(&server).join(format!(".done/{table}/one.csv")).exists());
    }
    assert_eq!(client.value("SELECT count(made) FROM t"), "2", "a column left out has its default");
    // The same content again, under another name; and another one.
    bring(&server, "t/two.csv", "v,id\nfirst,1\n\"se\ncond\",2\n");
    bring(&server, "d/two.csv", "v,id\nfirst,1\n\"se\ncond\",2\n");
    bring(&server, "t/three.csv", "id\n3\n");
    ended(&mut client, 5);
    assert_eq!(client.value("SELECT count(*) FROM t"), "3");
    assert_eq!(client.value("SELECT count(*) FROM d"), "2");
    assert_eq!(
        client.lines(SEEN),
        [
            "d/one.csv|public.d|done|2|0|NULL",
            "d/two.csv|public.d|duplicate|0|0|NULL",
            "t/one.csv|public.t|done|2|0|NULL",
            "t/three.csv|public.t|done|1|0|NULL",
            "t/two.csv|public.t|duplicate|0|0|NULL",
        ]
    );
    assert!(inbox(&server).join("unknown.csv").exists(), "no rule takes it");
    // What was forgotten may come again.
    client.run("DELETE FROM teatree.ingests WHERE source = 't/three.csv'");
    bring(&server, "t/three.csv", "id\n3\n");
    ended(&mut client, 5);
    assert_eq!(client.value("SELECT count(*) FROM t"), "4");
    // A rule that comes later takes what waits.
    rule(&mut client, "any", "*.csv", "t");
    gone(&server, "unknown.csv");
    assert_eq!(client.value("SELECT count(*) FROM t"), "5");
    let tag = "SELECT tag FROM teatree.intents WHERE application_name = 'inbox' ORDER BY seq";
    assert_eq!(client.lines(tag)[0], "INGEST 2 0");
}

#[test]
fn rules_are_checked_when_they_are_written_and_other_tables_are_the_servers() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    let insert = |columns: &str, values: &str| {
        format!("INSERT INTO teatree.ingest_rules (name, {columns}) VALUES ('r', {values})")
    };
    for (columns, values, code) in [
        ("pattern", "'*'", "23502"),
        ("pattern, table_name", "'', 't'", "23514"),
        ("pattern, table_name", "'/etc/*', 't'", "23514"),
        ("pattern, table_name", "'a/../b', 't'", "23514"),
        ("pattern, table_name", "'*', 'a.b.c'", "23514"),
        ("pattern, table_name", "'*', 'teatree.rejects'", "23514"),
        ("pattern, table_name, format", "'*', 't', 'xml'", "23514"),
        ("pattern, table_name, delimiter", "'*', 't', ';;'", "23514"),
        ("pattern, table_name, encoding", "'*', 't', 'utf16'", "23514"),
        ("pattern, table_name, on_error", "'*', 't', 'ignore'", "23514"),
        ("pattern, table_name, separator", "'*', 't', ';'", "42703"),
    ] {
        assert_eq!(client.sqlstate(&insert(columns, values)), code, "{columns}: {values}");
    }
    let told = client.error(&insert("pattern, table_name, format", "'*', 't', 'xml'"));
    assert!(told[&'M'].contains("ingest_rules_format_check"), "{told:?}");
    rule(&mut client, "r", "*", "t");
    assert_eq!(client.sqlstate(&insert("pattern, table_name", "'*', 't'")), "23505");
    client
        .run("UPDATE teatree.ingest_rules SET pattern = '*.csv', delimiter = ';' WHERE name = 'r'");
    let wrong = "UPDATE teatree.ingest_rules SET format = 'xml'";
    assert_eq!(client.sqlstate(wrong), "23514");
    client.run(
        "INSERT INTO teatree.ingest_rules (name, pattern, table_name) VALUES ('r', 'x', 'u') \
         ON CONFLICT (name) DO UPDATE SET table_name = excluded.table_name",
    );
    let rules = "SELECT name, pattern, table_name, delimiter, on_error, enabled \
                 FROM teatree.ingest_rules";
    assert_eq!(client.lines(rules), ["r|*.csv|u|;|reject|t"]);
    client.run("BEGIN; DELETE FROM teatree.ingest_rules; ROLLBACK");
    assert_eq!(client.value("SELECT count(*) FROM teatree.ingest_rules"), "1");
    client.run("DELETE FROM teatree.ingest_rules WHERE teatree.ingest_rules.name = 'r'");
    client.run("DELETE FROM teatree.ingests; DELETE FROM teatree.rejects");
    for refused in [
        "INSERT INTO teatree.ingests (source) VALUES ('x')",
        "UPDATE teatree.rejects SET raw = ''",
        "INSERT INTO teatree.tables (name) VALUES ('x')",
        "TRUNCATE teatree.ingest_rules",
        "DROP TABLE teatree.ingest_rules",
        "ALTER TABLE teatree.ingest_rules ADD COLUMN x int4",
        "CREATE TABLE teatree.mine (x int4)",
        "CREATE INDEX i ON teatree.rejects (intent)",
        "DROP SCHEMA teatree CASCADE",
    ] {
        assert_eq!(client.sqlstate(refused), "42501", "{refused}");
    }
    assert_eq!(client.sqlstate("SET search_path = teatree; CREATE TABLE x (a int4)"), "3F000");
    let listed = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                  WHERE nspname = 'teatree' AND relkind = 'r'";
    assert_eq!(client.value(listed), "3");
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'teatree'";
    assert_eq!(client.value(schemas), "1");
}

/// Rows with ids, and texts, as Arrow.
fn batch(ids: &[Option<i32>], texts: &[&str]) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int32Array::from(ids.to_vec()));
    let texts: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    RecordBatch::try_from_iter_with_nullable([("id", ids, true), ("n", texts, true)]).unwrap()
}

#[test]
fn bad_rows_of_every_format_are_put_aside_with_their_reason() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    for (table, storage) in [("t", "duckdb"), ("d", "arrow")] {
        client.run(&format!("CREATE TABLE {table} (id int4 NOT NULL, n int4) USING {storage}"));
        rule(&mut client, table, &format!("{table}/*"), table);
        let rows = batch(&[Some(1), None, Some(3), Some(4)], &["1", "2", "x", "4"]);
        let (mut file, mut stream) = (Vec::new(), Vec::new());
        let mut writer = FileWriter::try_new(&mut file, &rows.schema()).unwrap();
        writer.write(&rows).unwrap();
        writer.finish().unwrap();
        let mut writer = StreamWriter::try_new(&mut stream, &rows.schema()).unwrap();
        writer.write(&rows).unwrap();
        writer.write(&batch(&[None], &["5"])).unwrap();
        writer.finish().unwrap();
        bring(&server, &format!("{table}/a.arrow"), file);
        bring(&server, &format!("{table}/b.arrows"), stream);
        bring(&server, &format!("{table}/c.csv"), "id,n\n1,1\n,2\n\n3,x\n4,4,4\n5\n6,6\n");
        let lines = "{\"id\": 1, \"n\": 1}\n{\"id\": null}\n{\"id\": 3, \"n\": \"x\"}\n\
                     {\"id\": 4, \"m\": 4}\nnothing\n[5]\n{\"n\": \"7\", \"id\": 7}\n";
        bring(&server, &format!("{table}/d.jsonl"), lines);
    }
    ended(&mut client, 8);
    let folder = "SELECT source, rows, rejected, error FROM teatree.ingests ORDER BY source";
    let expected = |table: &str| {
        [("a.arrow", 2, 2), ("b.arrows", 2, 3), ("c.csv", 2, 4), ("d.jsonl", 2, 5)]
            .map(|(file, rows, rejected)| format!("{table}/{file}|{rows}|{rejected}|NULL"))
    };
    assert_eq!(client.lines(folder), [expected("d"), expected("t")].concat());
    let rejects = "SELECT row_number, column_name, sqlstate, raw FROM teatree.rejects \
                   WHERE source = 't/c.csv' ORDER BY 1";
    let of_csv = ["3|id|23502|,2", "5|n|22P02|3,x", "6|NULL|22P04|4,4,4", "7|NULL|22P04|5"];
    assert_eq!(client.lines(rejects), of_csv);
    let of_json = client.lines(&rejects.replace("t/c.csv", "d/d.jsonl"));
    let of_json: Vec<_> = of_json.iter().map(|line| line.rsplit_once('|').unwrap().0).collect();
    assert_eq!(of_json, ["2|id|23502", "3|n|22P02", "4|m|42703", "5|NULL|22P02", "6|NULL|22P02"]);
    let of_arrow = client.lines(&rejects.replace("t/c.csv", "t/b.arrows"));
    assert_eq!(
        of_arrow,
        [
            "2|id|23502|{\"id\":null,\"n\":\"2\"}",
            "3|n|22P02|{\"id\":\"3\",\"n\":\"x\"}",
            "5|id|23502|{\"id\":null,\"n\":\"5\"}",
        ]
    );
    for table in ["t", "d"] {
        assert_eq!(client.value(&format!("SELECT sum(id) FROM {table}")), "25", "{table}");
    }
    let told = client
        .value("SELECT reason FROM teatree.rejects WHERE source = 't/c.csv' AND row_number = 5");
    assert_eq!(told, "invalid input syntax for type integer: \"x\"");
    // Rejects and rows are one intent.
    let intents = "SELECT count(*) FROM teatree.rejects r JOIN teatree.ingests i USING (intent)";
    assert_eq!(client.value(intents), "28");
}

#[test]
fn what_the_table_demands_is_asked_of_each_row() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TYPE mood AS ENUM ('sad', 'happy')");
    client.run(
        "CREATE TABLE t (id int4 PRIMARY KEY, n int4 CHECK (n > 0), m mood, s varchar(3), \
         a int4[], serial serial)",
    );
    rule(&mut client, "t", "*", "t");
    bring(
        &server,
        "a.csv",
        "id,n,m,s,a\n1,1,sad,abc,{1}\n2,0,sad,a,\n3,3,angry,a,\n4,4,happy,abcd,\n5,5,,,\"{1,x}\"\n\
         6,,,,\"{6,NULL}\"\n",
    );
    ended(&mut client, 1);
    let rejects = "SELECT row_number, column_name, sqlstate, raw FROM teatree.rejects ORDER BY 1";
    assert_eq!(
        client.lines(rejects),
        [
            "3|n|23514|2,0,sad,a,",
            "4|m|22P02|3,3,angry,a,",
            "5|s|22001|4,4,happy,abcd,",
            "6|a|22P02|5,5,,,\"{1,x}\"",
        ]
    );
    assert_eq!(client.lines("SELECT id, a, serial FROM t ORDER BY 1"), ["1|{1}|1", "6|{6,NULL}|2"]);
    // A key that is there already is no row's own fault: nothing goes in.
    bring(&server, "b.csv", "id\n7\n1\n");
    gone(&server, "b.csv");
    assert!(inbox(&server).join(".failed/b.csv").exists());
    let why = "SELECT state, sqlstate, error FROM teatree.ingests WHERE source = 'b.csv'";
    let why = client.value(&why.replace("state, sqlstate, error", "sqlstate || ' ' || error"));
    assert!(why.starts_with("23505 duplicate key value"), "{why}");
    assert_eq!(client.value("SELECT count(*) FROM t"), "2");
    // NULL in a column that no row gives.
    client.run("CREATE TABLE u (id int4, must text NOT NULL)");
    client.run("UPDATE teatree.ingest_rules SET table_name = 'u'");
    bring(&server, "c.csv", "id\n7\n");
    gone(&server, "c.csv");
    let state = "SELECT sqlstate FROM teatree.ingests WHERE source = 'c.csv'";
    assert_eq!(client.value(state), "23502");
}

#[test]
fn a_bad_file_is_put_aside_with_its_reason_and_holds_up_nobody() {
    let Some(server) = Server::start(&["--ingest-rejects-max", "3"]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (id int4)");
    client.run(
        "INSERT INTO teatree.ingest_rules (name, pattern, table_name, on_error, format) VALUES \
         ('all', 'all/*', 't', 'fail', NULL), ('missing', 'missing/*', 'nobody', 'reject', 'csv'), \
         ('some', '**', 't', 'reject', NULL)",
    );
    for (name, content) in [
        ("all/bad.csv", "id\n1\nx\n"),
        ("empty.csv", ""),
        ("garbage.parquet", "no parquet at all"),
        ("garbage.arrow", "ARROW1\0\0and then nothing"),
        ("garbage.arrows", "\u{ff}\u{fe}abc"),
        ("missing/a.csv", "id\n1\n"),
        ("column.csv", "id,more\n1,2\n"),
        ("twice.csv", "id,id\n1,2\n"),
        ("many.csv", "id\na\nb\nc\nd\n"),
        ("nameless", "id\n1\n"),
        ("quote.csv", "id\n\"1\n2\n"),
        ("empty.jsonl", "\n\n"),
        ("good.csv", "id\n5\n"),
    ] {
        bring(&server, name, content);
    }
    ended(&mut client, 13);
    let seen = "SELECT source, state, sqlstate FROM teatree.ingests ORDER BY source";
    assert_eq!(
        client.lines(seen),
        [
            "all/bad.csv|failed|22P02",
            "column.csv|failed|42703",
            "empty.csv|failed|22P04",
            "empty.jsonl|failed|22P04",
            "garbage.arrow|failed|22P04",
            "garbage.arrows|failed|22P04",
            "garbage.parquet|failed|22P04",
            "good.csv|done|NULL",
            "many.csv|failed|54000",
            "missing/a.csv|failed|42P01",
            "nameless|failed|22023",
            "quote.csv|failed|22P04",
            "twice.csv|failed|42701",
        ]
    );
    gone(&server, "quote.csv");
    assert!(inbox(&server).join(".failed/missing/a.csv").exists());
    assert_eq!(client.value("SELECT count(*) FROM t"), "1");
    assert_eq!(client.value("SELECT count(*) FROM teatree.rejects"), "0");
    let why = "SELECT error FROM teatree.ingests WHERE source = 'all/bad.csv'";
    let why = client.value(why);
    assert!(why.ends_with("row 3, column id"), "{why}");
    assert_eq!(fs::read_dir(server.dir().join("staged")).unwrap().count(), 0, "staged files stay");
    // Brought again, it is tried again.
    client.run("CREATE TABLE nobody (id int4)");
    bring(&server, "missing/a.csv", "id\n1\n");
    ended(&mut client, 14);
    assert_eq!(client.value("SELECT count(*) FROM nobody"), "1");
}

#[test]
fn a_file_that_may_grow_waits_and_unfinished_names_are_left() {
    let Some(server) = Server::start(&["--ingest-settle-ms", "3600000"]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (id int4)");
    rule(&mut client, "t", "**", "t");
    // Written in place: nobody knows whether more comes.
    fs::write(inbox(&server).join("a.csv"), "id\n1\n").unwrap();
    for name in ["b.csv.part", ".hidden.csv", "b.tmp"] {
        bring(&server, name, "id\n2\n");
    }
    bring(&server, "z.csv", "id\n3\n");
    gone(&server, "z.csv");
    assert_eq!(client.lines("SELECT id FROM t"), ["3"]);
    assert!(inbox(&server).join("a.csv").exists());
    // Given its name at last.
    fs::rename(inbox(&server).join("b.csv.part"), inbox(&server).join("b.csv")).unwrap();
    gone(&server, "b.csv");
    assert_eq!(client.lines("SELECT id FROM t ORDER BY 1"), ["2", "3"]);
}

#[test]
fn a_file_that_stays_as_it_is_is_taken() {
    let args = ["--ingest-settle-ms", "300", "--ingest-done-bytes-max", "0"];
    let Some(server) = Server::start(&args) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (id int4, a text)");
    client.run(
        "INSERT INTO teatree.ingest_rules (name, pattern, table_name, format, delimiter, header, \
         null_string, quote) VALUES ('t', '*.txt', 't', 'csv', ';', false, 'none', '''')",
    );
    fs::write(inbox(&server).join("a.txt"), "1;'a;b'\n2;none\n").unwrap();
    gone(&server, "a.txt");
    assert_eq!(client.lines("SELECT id, a FROM t ORDER BY 1"), ["1|a;b", "2|NULL"]);
    let done = inbox(&server).join(".done");
    eventually("nothing is kept", || fs::read_dir(&done).is_ok_and(|mut all| all.next().is_none()));
}

#[test]
fn views_follow_what_comes_in_and_sequences_of_files_keep_their_order() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (day text, n int4, nr serial)");
    client.run(
        "CREATE MATERIALIZED VIEW by_day WITH (refresh = 'on_change') AS \
         SELECT day, sum(n) AS n FROM t GROUP BY day",
    );
    client.run("UPDATE teatree.ingest_rules SET enabled = false");
    for number in 10..30 {
        bring(&server, &format!("{number}.csv"), format!("day,n\nmon,{number}\ntue,1\n"));
    }
    rule(&mut client, "t", "*.csv", "t");
    ended(&mut client, 20);
    assert_eq!(client.lines("SELECT day, n FROM by_day ORDER BY 1"), ["mon|390", "tue|20"]);
    let order = "SELECT count(*) FROM (SELECT n, lag(n) OVER (ORDER BY nr) AS before FROM t \
                 WHERE day = 'mon') x WHERE before > n";
    assert_eq!(client.value(order), "0");
}

#[test]
fn a_big_file_is_staged_and_two_servers_worth_of_files_come_in_together() {
    let args = ["--ingest-files-max", "4", "--bulk-bytes-min", "100000"];
    let Some(server) = Server::start(&args) else { return };
    let mut client = server.connect();
    let big: String = (0..200_000).map(|n| format!("{n},row {n}\n")).collect();
    for table in ["a", "b", "c"] {
        let storage = if table == "c" { "arrow" } else { "duckdb" };
        client.run(&format!("CREATE TABLE {table} (id int4, v text) USING {storage}"));
        rule(&mut client, table, &format!("{table}/**"), table);
        bring(&server, &format!("{table}/big.csv"), format!("id,v\n{big}"));
        for n in 0..10 {
            bring(&server, &format!("{table}/{n}.jsonl"), format!("{{\"id\": {n}}}\n"));
        }
    }
    ended(&mut client, 33);
    for table in ["a", "b", "c"] {
        let sums = client.lines(&format!("SELECT count(*), sum(id::int8) FROM {table}"));
        assert_eq!(sums, ["200010|19999900045"], "{table}");
    }
    let states = "SELECT DISTINCT state FROM teatree.ingests";
    assert_eq!(client.lines(states), ["done"]);
}

#[test]
fn a_crash_at_any_step_brings_a_file_in_once() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    for (table, storage) in [("t", "duckdb"), ("d", "arrow")] {
        client.run(&format!("CREATE TABLE {table} (id int4, v text) USING {storage}"));
        rule(&mut client, table, &format!("{table}/*"), table);
    }
    drop(client);
    server.stop();
    // More than travels inside an intent.
    let filling = "x".repeat(1000);
    let mut files = 0;
    for (table, points) in [
        ("t", ["staged_before_sync", "duckdb_before_commit"].as_slice()),
        ("d", &["staged_after_sync", "manifest_before_rename"]),
        ("t", &["log_after_write", "duckdb_after_commit", "outcome_after_record"]),
        ("d", &["manifest_after_rename", "duckdb_before_commit", "outcome_before_record"]),
    ] {
        for point in points {
            let armed = format!("{point}=crash:1");
            server.set_args(&["--debug", "true", "--fail-points", &armed]);
            server.restart();
            let rows: String = (0..2000).map(|n| format!("{n},{filling}{files}\n")).collect();
            bring(&server, &format!("{table}/{files}.csv"), format!("id,v\n{rows}x,bad\n"));
            server.wait(std::time::Duration::from_secs(60));
            server.set_args(&[]);
            server.restart();
            files += 1;
            let mut client = server.connect();
            ended(&mut client, files);
            gone(&server, &format!("{table}/{}.csv", files - 1));
            let seen = "SELECT count(*), sum(rows), sum(rejected) FROM teatree.ingests \
                        WHERE state = 'done'";
            let expected = format!("{files}|{}|{files}", files * 2000);
            assert_eq!(client.lines(seen), [expected], "{table}: {point}");
            let rows = "SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM d)";
            assert_eq!(client.value(rows), (files * 2000).to_string(), "{table}: {point}");
            let rejects = client.value("SELECT count(*) FROM teatree.rejects");
            assert_eq!(rejects, files.to_string(), "{table}: {point}");
            drop(client);
            server.stop();
        }
    }
    // What a crash left behind goes at the start after the next.
    server.restart();
    assert_eq!(fs::read_dir(server.dir().join("staged")).unwrap().count(), 0);
}
