//! CancelRequest, and clients that go away.

use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{connect, eventually, shared};
use crate::messages::Out;
use crate::raw_client::{RawClient, cancel, show_all};

/// Runs for minutes when nobody stops it, in constant memory and without a row on the wire.
const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 3000000) AS a(x), \
                       generate_series(1, 3000000) AS b(y) WHERE x * 7 % 11 = y % 13";
/// Gives rows for minutes.
const STREAM: &str = "SELECT x, y FROM generate_series(1, 100000) AS a(x), \
                      generate_series(1, 100000) AS b(y)";

fn cancel_after(client: &RawClient, delay: Duration) -> thread::JoinHandle<()> {
    let (addr, key) = (shared(), client.key.unwrap());
    thread::spawn(move || {
        thread::sleep(delay);
        cancel(addr, key);
    })
}

#[test]
fn ends_a_statement_that_computes() {
    let mut client = connect();
    let canceler = cancel_after(&client, Duration::from_millis(300));
    let started = Instant::now();
    let error = client.error(ENDLESS);
    canceler.join().unwrap();
    assert_eq!(error[&'C'], "57014");
    assert_eq!(error[&'M'], "canceling statement due to user request");
    assert!(started.elapsed() < Duration::from_secs(30), "took {:?}", started.elapsed());
    assert_eq!(client.value("SELECT 1"), "1");
}

#[test]
fn ends_a_statement_of_the_extended_protocol() {
    let mut client = connect();
    let canceler = cancel_after(&client, Duration::from_millis(300));
    let out = Out::new().parse("", ENDLESS, &[]).bind("", "", &[]).execute("", 0).sync();
    assert_eq!(client.talk(out), ["1", "2", "E 57014", "Z I"]);
    canceler.join().unwrap();
    assert_eq!(client.value("SELECT 1"), "1");
}

#[test]
fn ends_a_statement_whose_rows_stream() {
    let mut client = connect();
    client.send(Out::new().query(STREAM));
    for _ in 0..1000 {
        assert!(matches!(client.read().tag, b'T' | b'D'));
    }
    client.cancel();
    let last = loop {
        let message = client.read();
        if message.tag != b'D' {
            break message;
        }
    };
    assert_eq!(last.show(), "E 57014");
    assert_eq!(client.read_shown(1), ["Z I"]);
    assert_eq!(client.value("SELECT 1"), "1");
}

#[test]
fn ends_a_stream_that_its_client_does_not_read() {
    let mut client = connect();
    client.send(Out::new().query(STREAM));
    assert_eq!(client.read().tag, b'T');
    // The socket is full by now: the server waits for the client, not for the engine.
    thread::sleep(Duration::from_millis(500));
    client.cancel();
    let replies = client.read_until_ready();
    let end: Vec<String> = replies[replies.len() - 2..].iter().map(|m| m.show()).collect();
    assert_eq!(end, ["E 57014", "Z I"]);
    assert_eq!(client.value("SELECT 1"), "1");
}

#[test]
fn does_not_touch_the_next_statement() {
    let mut client = connect();
    for _ in 0..5 {
        client.cancel();
        thread::sleep(Duration::from_millis(30));
        assert_eq!(client.value("SELECT count(*) FROM generate_series(1, 100000)"), "100000");
    }
}

#[test]
fn works_a_second_time_on_the_same_connection() {
    let mut client = connect();
    for _ in 0..2 {
        let canceler = cancel_after(&client, Duration::from_millis(200));
        assert_eq!(client.sqlstate(ENDLESS), "57014");
        canceler.join().unwrap();
        assert_eq!(client.value("SELECT 2"), "2");
    }
}

#[test]
fn a_wrong_secret_cancels_nothing() {
    let mut client = connect();
    let (pid, secret) = client.key.unwrap();
    client.send(Out::new().query("SELECT count(*) FROM generate_series(1, 3000000)"));
    cancel(shared(), (pid, secret ^ 1));
    cancel(shared(), (pid ^ 0x5555, secret));
    let replies: Vec<String> = client.read_until_ready().iter().map(|m| m.show()).collect();
    assert_eq!(replies[1..], ["D 3000000", "C SELECT 1", "Z I"]);
}

#[test]
fn fails_the_transaction_it_hits() {
    let mut client = connect();
    client.run("BEGIN");
    let canceler = cancel_after(&client, Duration::from_millis(200));
    assert_eq!(client.query(ENDLESS).last().unwrap(), "Z E");
    canceler.join().unwrap();
    assert_eq!(client.query("SELECT 1"), ["E 25P02", "Z E"]);
    assert_eq!(client.query("ROLLBACK"), ["C ROLLBACK", "Z I"]);
}

#[test]
fn statement_timeout_ends_a_statement() {
    let mut client = connect();
    client.run("SET statement_timeout = '200ms'");
    let error = client.error(ENDLESS);
    assert_eq!(error[&'C'], "57014");
    assert_eq!(error[&'M'], "canceling statement due to statement timeout");
    assert_eq!(client.value("SELECT 1"), "1");
}

/// Statements that other sessions run whose text holds a mark.
fn running(observer: &mut RawClient, mark: &str) -> String {
    observer.value(&format!(
        "SELECT count(*) FROM pg_stat_activity \
         WHERE state = 'active' AND query LIKE '%{mark}%' AND query NOT LIKE '%pg_stat_activity%'"
    ))
}

#[test]
fn a_client_that_hangs_up_while_rows_stream_leaves_nothing_running() {
    let mut observer = connect();
    let mut client = connect();
    client.send(Out::new().query(&format!("{STREAM} /* hang up in stream */")));
    for _ in 0..100 {
        client.read();
    }
    assert_eq!(running(&mut observer, "hang up in stream"), "1");
    client.hang_up();
    eventually("the session's end", || running(&mut observer, "hang up in stream") == "0");
}

#[test]
fn a_client_that_hangs_up_while_it_waits_frees_the_engine() {
    // PostgreSQL notices this only with client_connection_check_interval.
    if crate::harness::skip_on_oracle("a hang-up while computing is not noticed by default") {
        return;
    }
    let mut observer = connect();
    let mut client = connect();
    client.send(Out::new().query(&format!("{ENDLESS} /* hang up in wait */")));
    eventually("the statement runs", || running(&mut observer, "hang up in wait") == "1");
    client.hang_up();
    eventually("the statement's end", || running(&mut observer, "hang up in wait") == "0");
}

#[test]
fn one_session_stops_and_ends_another_by_functions() {
    let (mut victim, mut admin) = (connect(), connect());
    let pid = victim.value("SELECT pg_backend_pid()");
    assert_eq!(admin.value("SELECT pg_cancel_backend(2147483000)"), "f");
    victim.send(Out::new().query(ENDLESS));
    let running = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} \
                           AND state = 'active'"
    );
    eventually("the statement runs", || admin.value(&running) == "1");
    assert_eq!(admin.value(&format!("SELECT pg_cancel_backend({pid})")), "t");
    let replies = show_all(&victim.read_until_ready());
    assert_eq!(replies[replies.len() - 2..], ["E 57014", "Z I"]);
    let sql = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = {pid}");
    assert_eq!(admin.value(&sql), "t");
    let error = victim.try_read().expect("nothing was said before the end");
    assert_eq!(error.error()[&'C'], "57P01");
    let gone = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}");
    eventually("the session is gone", || admin.value(&gone) == "0");
}
