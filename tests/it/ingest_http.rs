//! `POST /ingest/{table}`: rows over HTTP, with the guarantees of a write.

use std::fs;
use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::ipc::writer::StreamWriter;

use crate::harness::eventually;
use crate::http_client::{Site, read_reply};

fn staged(site: &Site) -> usize {
    fs::read_dir(site.server.dir().join("staged")).unwrap().count()
}

fn stream(rows: i64) -> Vec<u8> {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn rows_of_every_format_go_into_their_table() {
    let Some(site) = Site::start(&[]) else { return };
    let mut client = site.server.connect();
    client.run("CREATE TABLE t (id int4 NOT NULL, v text, made text DEFAULT 'here')");
    client.run("CREATE SCHEMA s");
    client.run("CREATE TABLE s.d (id int4 NOT NULL, v text) USING arrow");
    for (table, first) in [("t", 1), ("s.d", 4)] {
        let reply = site.csv(table, "", "id,v\n1,a\nx,b\n,c\n");
        assert_eq!(reply.status, 200, "{reply:?}");
        let told = reply.json();
        assert_eq!((&told["rows"], &told["rejected"]), (&1.into(), &2.into()), "{told}");
        let lines = b"{\"id\": 2, \"v\": \"caf\\u00e9 \\ud83c\\udf75\"}\n{\"id\": 3}";
        let path = format!("/ingest/{table}");
        assert_eq!(site.post(&path, "application/x-ndjson", "", lines).json()["rows"], 2);
        let arrow = "application/vnd.apache.arrow.stream";
        let told = site.post(&path, arrow, "", &stream(50_000)).json();
        assert_eq!((&told["rows"], &told["rejected"]), (&50_000.into(), &0.into()), "{told}");
        let rows =
            client.lines(&format!("SELECT id, v FROM {table} WHERE v IS NOT NULL ORDER BY 1"));
        assert_eq!(rows, ["1|a", "2|café 🍵"], "{table}");
        assert_eq!(client.value(&format!("SELECT count(*) FROM {table}")), "50003", "{first}");
    }
    assert_eq!(client.value("SELECT count(*) FROM t WHERE made = 'here'"), "50003");
    let seen = "SELECT source, table_name, rejected, state, rule FROM teatree.ingests \
                WHERE rejected > 0 ORDER BY ended_at";
    assert_eq!(
        client.lines(seen),
        ["POST /ingest/public.t|public.t|2|done|NULL", "POST /ingest/s.d|s.d|2|done|NULL"]
    );
    // Options, and a body in chunks.
    let reply = site.post(
        "/ingest/t?delimiter=%3B&header=false&null=no&on_error=fail",
        "text/csv; charset=iso-8859-1",
        "",
        b"70007;caf\xe9;no\n",
    );
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(client.lines("SELECT v, made FROM t WHERE id = 70007"), ["café|NULL"]);
    let mut stream = site.open();
    let head = "POST /ingest/t HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    for piece in ["id,v\n70008", ",in ", "chunks\n"] {
        stream.write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(read_reply(stream).json()["rows"], 1);
    assert_eq!(client.value("SELECT v FROM t WHERE id = 70008"), "in chunks");
    eventually("nothing is left staged", || staged(&site) == 0);
}

#[test]
fn what_cannot_be_taken_is_refused_by_name() {
    let args = ["--ingest-upload-bytes-max", "1000", "--ingest-rejects-max", "1"];
    let Some(site) = Site::start(&args) else { return };
    let mut client = site.server.connect();
    client.run("CREATE TABLE t (id int4 PRIMARY KEY); CREATE VIEW v AS SELECT * FROM t");
    client.run("INSERT INTO t VALUES (1)");
    let csv = |path: &str, body: &str| {
        let reply = site.post(path, "text/csv", "", body.as_bytes());
        (reply.status, reply.json()["sqlstate"].as_str().unwrap_or_default().to_owned())
    };
    let refused = |status, code: &str| (status, code.to_owned());
    assert_eq!(csv("/ingest/nobody", "id\n1\n"), refused(404, "42P01"));
    assert_eq!(csv("/ingest/s.t", "id\n1\n"), refused(404, "42P01"));
    assert_eq!(csv("/ingest/a.b.c", "id\n1\n"), refused(400, "22023"));
    assert_eq!(csv("/ingest/v", "id\n1\n"), refused(422, "42809"));
    assert_eq!(csv("/ingest/teatree.rejects", "id\n1\n"), refused(403, "42501"));
    assert_eq!(csv("/ingest/pg_catalog.pg_class", "id\n1\n"), refused(403, "42501"));
    assert_eq!(csv("/ingest/t?delimiter=ab", "id\n1\n"), refused(400, "0A000"));
    assert_eq!(csv("/ingest/t?separator=a", "id\n1\n"), refused(400, "22023"));
    assert_eq!(csv("/ingest/t?ack=never", "id\n1\n"), refused(400, "22023"));
    assert_eq!(csv("/ingest/t?on_error=fail", "id\nx\n"), refused(422, "22P02"));
    assert_eq!(csv("/ingest/t", "id\nx\ny\n"), refused(422, "54000"));
    assert_eq!(csv("/ingest/t", "more\n1\n"), refused(422, "42703"));
    assert_eq!(csv("/ingest/t", "id\n1\n"), refused(422, "23505"));
    assert_eq!(csv("/ingest/t", ""), refused(422, "22P04"));
    assert_eq!(csv("/ingest/t", &format!("id\n{}", "1".repeat(1000))), refused(413, "54000"));
    let typed =
        |kind: &str, headers: &str| site.post("/ingest/t", kind, headers, b"id\n1\n").status;
    assert_eq!(typed("text/plain", ""), 415);
    assert_eq!(typed("text/csv; charset=utf-16", ""), 415);
    assert_eq!(typed("text/csv", "Content-Encoding: gzip\r\n"), 415);
    assert_eq!(typed("application/vnd.apache.arrow.stream", ""), 422);
    assert_eq!(typed("text/csv", &format!("Idempotency-Key: {}\r\n", "k".repeat(300))), 400);
    let mut stream = site.open();
    // More than was announced is no more than may come.
    let head = "POST /ingest/t HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let _ = stream.write_all(format!("7d0\r\n{}\r\n0\r\n\r\n", "1".repeat(2000)).as_bytes());
    assert_eq!(read_reply(stream).status, 413);
    assert_eq!(client.value("SELECT count(*) FROM t"), "1");
    assert_eq!(client.value("SELECT count(*) FROM teatree.rejects"), "0");
    // The intent of the duplicate key keeps no file either: it is small.
    eventually("nothing is left staged", || staged(&site) == 0);
}

#[test]
fn a_key_makes_a_repeat_an_answer_also_after_a_crash() {
    let Some(mut site) = Site::start(&[]) else { return };
    let mut client = site.server.connect();
    client.run("CREATE TABLE t (id int4)");
    client.run("CREATE TABLE d (id int4) USING arrow");
    drop(client);
    let key = "Idempotency-Key: one\r\n";
    let of_d = "Idempotency-Key: two\r\n";
    let first = site.csv("t", key, "id\n1\nx\n").json();
    let first_of_d = site.csv("d", of_d, "id\n1\nx\n").json();
    assert_eq!((&first["rows"], &first["rejected"]), (&1.into(), &1.into()));
    for round in 0..2 {
        assert_eq!(site.csv("t", key, "id\n1\nx\n").json(), first, "round {round}");
        assert_eq!(site.csv("d", of_d, "id\n1\nx\n").json(), first_of_d, "round {round}");
        for (table, body) in [("t", "id\n2\n"), ("d", "id\n1\nx\n")] {
            let reply = site.csv(table, key, body);
            assert_eq!((reply.status, &reply.json()["sqlstate"]), (409, &"22023".into()));
        }
        site.server.kill_9();
        site.server.restart();
    }
    // Without a key every request is its own, unless it says that the content is.
    for expected in ["2", "3"] {
        site.csv("t", "", "id\n1\n");
        assert_eq!(site.server.connect().value("SELECT count(*) FROM t"), expected);
    }
    let once = |table: &str| site.csv(&format!("{table}?once=true"), "", "id\n7\n");
    for table in ["t", "d"] {
        assert_eq!(once(table).status, 200);
        let again = once(table);
        assert_eq!((again.status, &again.json()["sqlstate"]), (409, &"42710".into()));
        let sevens = format!("SELECT count(*) FROM {table} WHERE id = 7");
        assert_eq!(site.server.connect().value(&sevens), "1");
    }
    // Two at once with one key.
    let replies: Vec<_> = std::thread::scope(|scope| {
        let send = || site.csv("t", "Idempotency-Key: both\r\n", "id\n8\n").json();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(send)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
    assert_eq!(site.server.connect().value("SELECT count(*) FROM t WHERE id = 8"), "1");
}

#[test]
fn a_crash_before_the_answer_leaves_the_key_with_its_outcome() {
    let Some(mut site) = Site::start(&[]) else { return };
    let mut client = site.server.connect();
    client.run("CREATE TABLE t (id int4)");
    client.run("CREATE TABLE d (id int4) USING arrow");
    drop(client);
    for (number, point) in
        ["log_after_write", "duckdb_before_commit", "duckdb_after_commit", "outcome_before_record"]
            .into_iter()
            .enumerate()
    {
        // Each half of them, for the time that a start takes.
        for table in [["t", "d"][number % 2]] {
            site.server.kill_9();
            let armed = format!("{point}=crash:1");
            site.set_args(&["--debug", "true", "--fail-points", &armed]);
            site.server.restart();
            let key = format!("Idempotency-Key: {point} {table}\r\n");
            let body = format!("id\n{number}\nx\n");
            let mut stream = site.open();
            let head = format!(
                "POST /ingest/{table} HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n\
                 Content-Length: {}\r\n{key}\r\n{body}",
                body.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            site.server.wait(std::time::Duration::from_secs(60));
            site.set_args(&[]);
            site.server.restart();
            let told = site.csv(table, &key, &body).json();
            assert_eq!((&told["rows"], &told["rejected"]), (&1.into(), &1.into()), "{point}");
            let count = format!("SELECT count(*) FROM {table} WHERE id = {number}");
            assert_eq!(site.server.connect().value(&count), "1", "{table}: {point}");
        }
    }
}

#[test]
fn a_busy_server_says_so_and_loses_nothing() {
    let args = ["--ingest-uploads-max", "1", "--queue-intents-max", "2", "--queue-wait-ms", "200"];
    let Some(site) = Site::start(&args) else { return };
    let mut client = site.server.connect();
    client.run("CREATE TABLE t (id int4)");
    let mut open = site.open();
    let head = "POST /ingest/t HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                Content-Type: text/csv\r\nContent-Length: 5\r\n\r\nid\n";
    open.write_all(head.as_bytes()).unwrap();
    eventually("the upload has begun", || staged(&site) == 1);
    let reply = site.csv("t", "", "id\n1\n");
    assert_eq!(reply.status, 429, "{reply:?}");
    assert!(reply.head.contains("retry-after: 1"), "{reply:?}");
    open.write_all(b"2\n").unwrap();
    assert_eq!(read_reply(open).status, 200);
    // A transaction that changes the table holds up what names it, and so fills the queue.
    let mut holder = site.server.connect();
    holder.run("BEGIN");
    holder.run("ALTER TABLE t ADD COLUMN v text");
    for _ in 0..2 {
        let reply = site.csv("t?ack=durable", "", "id\n3\n");
        assert_eq!((reply.status, &reply.json()["rows"]), (202, &1.into()), "{reply:?}");
    }
    let reply = site.csv("t?ack=durable", "", "id\n4\n");
    assert_eq!((reply.status, &reply.json()["sqlstate"]), (429, &"53400".into()), "{reply:?}");
    holder.run("ROLLBACK");
    let sum = "SELECT sum(id) FROM t";
    eventually("what was promised is there", || client.value(sum) == "8");
    assert_eq!(staged(&site), 0);
}

#[test]
fn a_client_that_hangs_up_half_way_leaves_nothing() {
    let Some(site) = Site::start(&["--ingest-upload-max-ms", "2000"]) else { return };
    let mut client = site.server.connect();
    client.run("CREATE TABLE t (id int4)");
    let head = "POST /ingest/t HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n\
                Content-Length: 100\r\n\r\nid\n1\n";
    let mut stream = site.open();
    stream.write_all(head.as_bytes()).unwrap();
    eventually("the upload has begun", || staged(&site) == 1);
    drop(stream);
    eventually("the upload is forgotten", || staged(&site) == 0);
    // One that stays, and sends no more.
    let mut stream = site.open();
    stream.write_all(head.as_bytes()).unwrap();
    assert_eq!(read_reply(stream).status, 408);
    assert_eq!(staged(&site), 0);
    assert_eq!(client.value("SELECT count(*) FROM t"), "0");
    assert_eq!(client.value("SELECT count(*) FROM teatree.ingests"), "0");
}

#[test]
fn an_upload_belongs_to_its_trace_and_outlives_no_shutdown() {
    let Some(mut site) = Site::start(&[]) else { return };
    let mut client = site.server.connect();
    client.run("CREATE TABLE t (id int4)");
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let header = format!("traceparent: 00-{trace}-00f067aa0ba902b7-01\r\n");
    let intent = site.csv("t", &header, "id\n1\n").json()["intent"].as_u64().unwrap();
    let seen = format!(
        "SELECT trace_id, application_name, kind, statement, tag FROM teatree.intents \
         WHERE seq = {intent}"
    );
    let statement = "INGEST POST /ingest/public.t";
    assert_eq!(client.lines(&seen), [format!("{trace}|http|rows|{statement}|INGEST 1 0")]);
    // A kept-alive connection and a half-sent body do not keep the server up.
    let mut idle = site.open();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut half = site.open();
    let head = "POST /ingest/t HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n\
                Content-Length: 100\r\n\r\nid\n1\n";
    half.write_all(head.as_bytes()).unwrap();
    eventually("the upload has begun", || staged(&site) == 1);
    drop(client);
    site.server.stop();
    assert_eq!(read_reply(half).status, 503);
    site.server.restart();
    assert_eq!(site.server.connect().value("SELECT count(*) FROM t"), "1");
}
