//! Intents before and after their turn: waiting for room, history, failures resubmitted.

use crate::harness::{Server, connect, eventually, skip_on_oracle, unique};
use crate::messages::Out;
use crate::raw_client::RawClient;

/// The place of a statement's intent.
fn place(client: &mut RawClient, statement: &str) -> String {
    let statement = statement.replace('\'', "''");
    client.value(&format!("SELECT max(seq) FROM teatree.intents WHERE statement = '{statement}'"))
}

fn state(client: &mut RawClient, seq: &str) -> String {
    client.value(&format!(
        "SELECT state || ' ' || coalesce(retried_as::text, '-') || ' ' || coalesce(retry_of::text, '-') \
         FROM teatree.intents WHERE seq = {seq}"
    ))
}

#[test]
fn a_failed_intent_is_retried_with_its_own_meaning() {
    if skip_on_oracle("teatree.retry_intent") {
        return;
    }
    let mut client = connect();
    let t = unique("retried");
    client.run(&format!("CREATE TABLE {t} (id int4 PRIMARY KEY, at timestamptz)"));
    client.run(&format!("INSERT INTO {t} VALUES (1, NULL)"));
    client.run("SET TimeZone = 'Asia/Tokyo'");
    let insert = format!("INSERT INTO {t} SELECT 1, CAST('2024-05-01 09:00:00' AS timestamptz)");
    assert_eq!(client.sqlstate(&insert), "23505");
    client.run("RESET TimeZone");
    let failed = place(&mut client, &insert);
    let retry = format!("CALL teatree.retry_intent({failed})");
    // Still a duplicate: the error is the call's, and the new intent has failed for itself.
    let error = client.error(&retry);
    assert_eq!(error[&'C'], "23505");
    let second = place(&mut client, &insert);
    assert!(error[&'W'].contains(&format!("intent {second}")), "{}", error[&'W']);
    assert_eq!(state(&mut client, &failed), format!("failed {second} -"));
    assert_eq!(state(&mut client, &second), format!("failed - {failed}"));
    let refused = client.error(&retry);
    assert_eq!(refused[&'C'], "55000");
    assert!(refused[&'H'].contains(&second));
    client.run(&format!("DELETE FROM {t}"));
    let rows = client.lines(&format!("CALL teatree.retry_intent({second})"));
    let third = place(&mut client, &insert);
    assert_eq!(rows, [format!("{third}|{second}|INSERT 0 1|1")]);
    assert_eq!(client.value(&format!("SELECT at FROM {t}")), "2024-05-01 00:00:00+00");
    for (seq, code) in [(second.as_str(), "55000"), (&third, "55000"), ("999999999", "42704")] {
        assert_eq!(client.sqlstate(&format!("CALL teatree.retry_intent({seq})")), code, "{seq}");
    }
    for argument in ["'x'", "NULL", "-1"] {
        assert_eq!(client.sqlstate(&format!("CALL teatree.retry_intent({argument})")), "22023");
    }
    assert_eq!(client.sqlstate("CALL teatree.retry_intent(1, 2)"), "42883");
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "1");
}

#[test]
fn a_retry_with_a_key_is_done_once() {
    if skip_on_oracle("teatree.retry_intent") {
        return;
    }
    let mut client = connect();
    let t = unique("retried_once");
    client.run(&format!("CREATE TABLE {t} (id int4 PRIMARY KEY)"));
    client.run(&format!("INSERT INTO {t} VALUES (1)"));
    let insert = format!("INSERT INTO {t} SELECT 1");
    assert_eq!(client.sqlstate(&insert), "23505");
    client.run(&format!("DELETE FROM {t}"));
    let k = unique("retry");
    let seq = place(&mut client, &insert);
    let retry = format!("CALL teatree.retry_intent({seq}) /*idempotency_key='{k}'*/");
    let first = client.query(&retry);
    assert_eq!(first.last().unwrap(), "Z I");
    assert!(first.iter().any(|line| line == "C CALL"), "{first:?}");
    assert_eq!(client.query(&retry), first);
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "1");
}

#[test]
fn a_failure_can_be_retried_after_a_kill() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (id int4 PRIMARY KEY, b text)");
    client.run("INSERT INTO t VALUES (1, 'a')");
    let rows: String = (1..100).map(|id| format!("{id}\trow {id}\n")).collect();
    let failed = client.attempt("COPY t FROM STDIN", Some(rows.as_bytes())).unwrap();
    assert!(failed.contains(&"E 23505".to_owned()), "{failed:?}");
    server.kill_9();
    server.restart();
    let mut client = server.connect();
    client.run("DELETE FROM t");
    let seq = place(&mut client, "COPY t FROM STDIN");
    let retried = client.lines(&format!("CALL teatree.retry_intent({seq})"));
    assert!(retried[0].ends_with("|COPY 99|99"), "{retried:?}");
    assert_eq!(client.value("SELECT count(*) FROM t"), "99");
}

#[test]
fn an_idle_server_ends_its_history() {
    let Some(server) = Server::start(&["--history-max-age-ms", "1000"]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (id int4)");
    for id in 0..20 {
        client.run(&format!("INSERT INTO t VALUES ({id})"));
    }
    // The last one stays: by it the next start knows that the log is whole.
    let count = "SELECT count(*) FROM teatree.intents";
    eventually("the history's end", || client.value(count) == "1");
    assert_eq!(client.value("SELECT applied FROM teatree.intent_stats"), "21");
    assert_eq!(client.value("SELECT count(*) FROM t"), "20");
}

#[test]
fn intents_show_their_stages() {
    if skip_on_oracle("teatree.intents") {
        return;
    }
    let mut client = connect();
    let t = unique("stages");
    client.run(&format!("CREATE TABLE {t} (id int4)"));
    client.run(&format!("INSERT INTO {t} VALUES (1)"));
    // Its client may be told before it is applied; a read of the table waits for that.
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "1");
    let shown = client.value(&format!(
        "SELECT bool_and(accepted_at <= durable_at AND durable_at <= started_at \
                         AND started_at <= applied_at AND durable_at <= acknowledged_at) \
                || ' ' || count(*) FROM teatree.intents \
         WHERE statement LIKE '%{t}%' AND statement NOT LIKE 'SELECT%'"
    ));
    assert_eq!(shown, "true 2");
    let tags =
        format!("SELECT tag, rows FROM teatree.intents WHERE statement LIKE 'INSERT INTO {t}%'");
    assert_eq!(client.lines(&tags), ["INSERT 0 1|1"]);
}

#[test]
fn more_history_than_a_page_is_whole_and_a_limit_stops_early() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (id int4)");
    for batch in 0..50 {
        let statements: String =
            (0..100).map(|id| format!("INSERT INTO t VALUES ({});", batch * 100 + id)).collect();
        let replies = client.query(&statements);
        assert_eq!(replies.last().unwrap(), "Z I", "{replies:?}");
    }
    let numbers = "SELECT count(*) || ' ' || count(DISTINCT seq) || ' ' || max(seq) - min(seq) + 1 \
                   FROM teatree.intents";
    let shown = client.value(numbers);
    let [count, distinct, span] = shown.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{shown}")
    };
    assert!(count == distinct && distinct == span, "{shown}");
    let newest = client.value("SELECT max(seq) FROM teatree.intents");
    assert_eq!(client.lines("SELECT seq FROM teatree.intents LIMIT 1"), [newest]);
}

#[test]
fn who_waits_for_room_can_be_canceled_and_times_out_by_the_bound() {
    let args = ["--queue-intents-max", "1", "--queue-wait-ms", "600"];
    let Some(server) = Server::start(&args) else { return };
    let (mut slow, mut client) = (server.connect(), server.connect());
    client.run("CREATE TABLE t (id int8)");
    client.run("INSERT INTO t VALUES (1)");
    slow.send(Out::new().query(
        "UPDATE t SET id = 2 + (SELECT count(*) FROM generate_series(1, 200000) x(i), \
         generate_series(1, 3000) y(j) WHERE (i * 7 + j) % 11 = 3) * 0",
    ));
    let queued = "SELECT queued FROM teatree.intent_stats";
    eventually("the queue is full", || client.value(queued) == "1");
    let mut hasty = server.connect();
    hasty.run("SET statement_timeout = '100ms'");
    assert_eq!(hasty.query("INSERT INTO t VALUES (3)"), ["E 57014", "Z I"]);
    let mut canceled = server.connect();
    canceled.send(Out::new().query("INSERT INTO t VALUES (4)"));
    canceled.cancel();
    let shown: Vec<String> = canceled.read_until_ready().iter().map(|m| m.show()).collect();
    assert!(shown == ["E 57014", "Z I"] || shown == ["E 53400", "Z I"], "{shown:?}");
    let mut gone = server.connect();
    gone.send(Out::new().query("INSERT INTO t VALUES (5)"));
    gone.hang_up();
    let error = client.error("INSERT INTO t VALUES (6)");
    assert_eq!(error[&'C'], "53400");
    assert!(error[&'H'].contains("queue_wait_ms"));
    slow.cancel();
    let ended: Vec<String> = slow.read_until_ready().iter().map(|m| m.show()).collect();
    assert_eq!(ended, ["E 57014", "Z I"]);
    assert_eq!(client.query("INSERT INTO t VALUES (7)"), ["C INSERT 0 1", "Z I"]);
    // The one that hung up may have written, as with PostgreSQL; the refused ones have not.
    let rows = client.lines("SELECT id FROM t WHERE id <> 5 ORDER BY id");
    assert_eq!(rows, ["1", "7"]);
}
