//! Looking inside: sessions, intents, tables, traces, and the end of the process.

use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::harness::{Server, connect, eventually, shared, skip_on_oracle, unique};
use crate::http_client::Site;
use crate::messages::Out;
use crate::raw_client::RawClient;

#[test]
fn pg_stat_activity_shows_the_sessions() {
    let mut one = RawClient::connect_with(shared(), &[("application_name", "watched")]);
    let mut two = connect();
    assert_eq!(one.value("SELECT pg_backend_pid()"), one.key.unwrap().0.to_string());
    let pid = one.key.unwrap().0;
    let own = format!(
        "SELECT datname, usename, application_name, state, query LIKE 'SELECT datname%' \
         FROM pg_stat_activity WHERE pid = {pid}"
    );
    assert_eq!(one.value(&own), "postgres|postgres|watched|active|t");
    let state = format!("SELECT state FROM pg_stat_activity WHERE pid = {pid}");
    assert_eq!(two.value(&state), "idle");
    one.run("BEGIN");
    assert_eq!(two.value(&state), "idle in transaction");
    one.query("SELECT * FROM no_such_table");
    assert_eq!(two.value(&state), "idle in transaction (aborted)");
    one.run("ROLLBACK");
    one.run("SET application_name = 'renamed'");
    let name = format!("SELECT application_name FROM pg_stat_activity WHERE pid = {pid}");
    assert_eq!(two.value(&name), "renamed");
    drop(one);
    eventually("the session's end", || two.lines(&name).is_empty());
}

#[test]
fn pg_cancel_backend_is_as_good_as_a_cancel_request() {
    let (mut one, mut two) = (connect(), connect());
    let endless = "SELECT count(*) FROM generate_series(1, 3000000) a(x), generate_series(1, 3000000) b(y) \
                   WHERE x * 7 % 11 = y % 13";
    let pid = one.key.unwrap().0;
    one.send(Out::new().query(endless));
    let active =
        format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND state = 'active'");
    eventually("the statement runs", || two.value(&active) == "1");
    let replies = two.query(&format!("SELECT pg_cancel_backend({pid})"));
    if replies[0] == "E 42883" {
        // Not there yet: end the statement by the protocol, which other tests hold to.
        one.cancel();
    } else {
        assert_eq!(replies[1], "D t");
    }
    let shown: Vec<String> = one.read_until_ready().iter().map(|m| m.show()).collect();
    assert_eq!(shown[shown.len() - 2..], ["E 57014", "Z I"]);
}

#[test]
fn intents_tell_what_was_promised() {
    if skip_on_oracle("teatree.intents") {
        return;
    }
    let mut client = RawClient::connect_with(shared(), &[("application_name", "promised")]);
    let t = unique("promised");
    client.run(&format!("CREATE TABLE {t} (id int4)"));
    client.run(&format!("INSERT INTO {t} VALUES (1), (2)"));
    client.run(&format!("DELETE FROM {t}"));
    let rows = client.lines(&format!(
        "SELECT state, rows, sqlstate, application_name, usename FROM teatree.intents \
         WHERE statement LIKE '%{t}%' AND application_name = 'promised' ORDER BY seq"
    ));
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert_eq!(rows[1..], ["applied|2|NULL|promised|postgres", "applied|2|NULL|promised|postgres"]);
    let order = client.value(&format!(
        "SELECT bool_and(accepted_at <= durable_at AND durable_at <= applied_at) \
         FROM teatree.intents WHERE statement LIKE '%{t}%'"
    ));
    assert_eq!(order, "t");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn tables_tell_where_they_live() {
    if skip_on_oracle("teatree.tables") {
        return;
    }
    let mut client = connect();
    let t = unique("lives");
    client.run(&format!("CREATE TABLE {t} AS SELECT 1 AS a"));
    client.run(&format!("CREATE TABLE {t}_arrow USING arrow AS SELECT 1 AS a"));
    let rows = client.lines(&format!(
        "SELECT name, storage, engine, rows FROM teatree.tables WHERE name LIKE '{t}%' ORDER BY 1"
    ));
    assert_eq!(rows, [format!("{t}|duckdb|duckdb|1"), format!("{t}_arrow|arrow|datafusion|1")]);
    let sizes = format!("SELECT bytes > 0, files FROM teatree.tables WHERE name = '{t}_arrow'");
    assert_eq!(client.value(&sizes), "t|1");
    // A dataset is a table like any other for PostgreSQL's own catalogue.
    for catalogue in [
        format!("SELECT relkind FROM pg_class WHERE relname = '{t}_arrow'"),
        format!("SELECT 'r' FROM information_schema.tables WHERE table_name = '{t}_arrow'"),
        format!("SELECT 'r' FROM pg_tables WHERE tablename = '{t}_arrow'"),
    ] {
        assert_eq!(client.lines(&catalogue), ["r"], "{catalogue}");
    }
    client.run(&format!("DROP TABLE {t}"));
    client.run(&format!("DROP TABLE {t}_arrow"));
}

const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 3000000) a(x), \
                       generate_series(1, 3000000) b(y) WHERE x * 7 % 11 = y % 13";

#[test]
fn sigterm_ends_the_server_within_its_grace() {
    let Some(mut server) = Server::start(&["--shutdown-grace-ms", "1000"]) else { return };
    let mut busy = server.connect();
    let mut idle = server.connect();
    idle.run("CREATE TABLE t AS SELECT 1 AS a");
    busy.send(Out::new().query(ENDLESS));
    eventually("the statement runs", || {
        idle.value("SELECT count(*) FROM pg_stat_activity WHERE state = 'active'") == "2"
    });
    server.signal_term();
    let started = Instant::now();
    let status = server.wait(Duration::from_secs(20));
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert!(started.elapsed() < Duration::from_secs(15));
    // Whatever was still running is told, before its connection ends.
    let mut codes = Vec::new();
    while let Some(message) = busy.try_read() {
        if message.tag == b'E' {
            codes.push(message.error()[&'C'].clone());
        }
    }
    assert!(codes.iter().any(|code| code == "57014" || code == "57P01"), "{codes:?}");
    while let Some(message) = idle.try_read() {
        assert_eq!(message.show(), "E 57P01");
    }
    server.restart();
    assert_eq!(server.connect().value("SELECT a FROM t"), "1");
}

#[test]
fn one_server_has_one_data_folder() {
    let Some(server) = Server::start(&[]) else { return };
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_teatree"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(server.dir())
        .output()
        .unwrap();
    assert!(!output.status.success(), "a second server started on the same data");
    assert!(!output.stderr.is_empty() || !output.stdout.is_empty(), "and said nothing");
}

/// A collector of what is pushed to a path, as `decode` reads it.
fn collector<T: Send + 'static>(
    path: &'static str,
    decode: fn(Bytes) -> Vec<T>,
) -> (String, Receiver<Vec<T>>) {
    let (sender, receiver) = channel();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        crate::harness::block_on(async move {
            let take = move |body: Bytes| async move {
                let _ = sender.send(decode(body));
            };
            let app = axum::Router::new().route(path, post(take));
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    (endpoint, receiver)
}

/// Names of the spans of one trace that holds a span for each of `steps`, if there is one.
fn trace_with<'a>(spans: &'a [Span], steps: &[&str]) -> Option<&'a Vec<u8>> {
    let has = |trace: &[u8], step: &str| {
        spans.iter().any(|span| span.trace_id == trace && span.name.to_lowercase().contains(step))
    };
    spans.iter().map(|span| &span.trace_id).find(|trace| steps.iter().all(|step| has(trace, step)))
}

#[test]
fn one_trace_follows_a_write_from_parse_to_apply() {
    if skip_on_oracle("OTLP") {
        return;
    }
    let (endpoint, receiver) = collector("/v1/traces", |body| {
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        let scopes = request.resource_spans.into_iter().flat_map(|r| r.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    });
    let Some(mut server) = Server::start(&["--otlp-endpoint", &endpoint]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (id int4)");
    client.run(
        "CREATE MATERIALIZED VIEW v WITH (refresh = 'on_change') AS SELECT count(*) AS n FROM t",
    );
    let mut listener = server.connect();
    listener.run("LISTEN v");
    let trace = "0af7651916cd43dd8448eb211c80319c";
    client
        .run(&format!("INSERT INTO t VALUES (0) /*traceparent='00-{trace}-b7ad6b7169203331-01'*/"));
    client.run("INSERT INTO t VALUES (1)");
    assert_eq!(client.value("SELECT count(*) FROM t"), "2");
    let told = client.value("SELECT trace_id FROM teatree.intents ORDER BY seq DESC LIMIT 1");
    drop(client);
    server.stop();
    let mut spans: Vec<Span> = Vec::new();
    while let Ok(more) = receiver.recv_timeout(Duration::from_secs(2)) {
        spans.extend(more);
    }
    let names: Vec<String> = spans
        .iter()
        .map(|span| format!("{} {}", crate::messages::hex(&span.trace_id), span.name))
        .collect();
    assert!(trace_with(&spans, &["parse", "append", "apply"]).is_some(), "{names:#?}");
    assert!(trace_with(&spans, &["parse", "route", "execute", "encode"]).is_some(), "{names:#?}");
    for step in ["statement", "append", "apply", "pipeline", "notify"] {
        assert!(names.contains(&format!("{trace} {step}")), "{step}: {names:#?}");
    }
    let traces = names.iter().filter(|name| name.starts_with(&told)).count();
    assert!(traces >= 3, "teatree.intents names trace {told}: {names:#?}");
}

#[test]
fn metrics_are_scraped_and_pushed() {
    if skip_on_oracle("metrics") {
        return;
    }
    let (endpoint, receiver) = collector("/v1/metrics", |body| {
        let request = ExportMetricsServiceRequest::decode(body).unwrap();
        let scopes = request.resource_metrics.into_iter().flat_map(|r| r.scope_metrics);
        scopes.flat_map(|scope| scope.metrics).map(|metric| metric.name).collect()
    });
    let Some(mut site) = Site::start(&["--otlp-endpoint", &endpoint]) else { return };
    let mut client = site.server.connect();
    client.run("CREATE TABLE t (id int4)");
    client.run(
        "CREATE MATERIALIZED VIEW v WITH (refresh = 'on_change') AS SELECT count(*) AS n FROM t",
    );
    client.run("INSERT INTO t VALUES (1)");
    client.query("INSERT INTO no_such_table VALUES (1)");
    assert_eq!(client.value("SELECT n FROM v"), "1");
    client.run("CALL teatree.sessions('SELECT 1 AS user_id, now() AS at')");
    let reply = site.get("/metrics");
    assert_eq!(reply.status, 200);
    let text = reply.body;
    for part in [
        "teatree_statement_duration_seconds_bucket{engine=\"duckdb\",kind=\"read\"",
        "teatree_apply_duration_seconds_count",
        "teatree_intents_applied_total{outcome=\"applied\"",
        "teatree_pipeline_duration_seconds_count{pipeline=\"v\"",
        "teatree_pipeline_lag_seconds{pipeline=\"public.v\"",
        "teatree_step_duration_seconds_count{algorithm=\"sessions\"",
        "teatree_queue_intents{",
        "teatree_queue_age_seconds{",
        "teatree_process_memory_bytes{",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    drop(client);
    site.server.stop();
    let mut names = Vec::new();
    while let Ok(more) = receiver.recv_timeout(Duration::from_secs(2)) {
        names.extend(more);
    }
    assert!(names.iter().any(|name| name == "teatree.statement.duration"), "{names:?}");
}
