//! Big appends, which are applied beside the stream of other writes.

use crate::harness::{Server, connect, eventually, unique};
use crate::messages::Out;
use crate::raw_client::RawClient;

const ROWS: usize = 300_000;

/// A COPY's data: large enough to be staged and applied apart.
fn rows(from: usize) -> String {
    (from..from + ROWS).map(|n| format!("{n}\tsome text for row {n}\n")).collect()
}

/// Sends a COPY up to its end, and does not wait for the reply.
fn send_copy(client: &mut RawClient, table: &str, data: &str) {
    client.send(Out::new().query(&format!("COPY {table} FROM STDIN")));
    assert_eq!(client.read().tag, b'G');
    for piece in data.as_bytes().chunks(1 << 16) {
        client.send(Out::new().copy_data(piece));
    }
    client.send(Out::new().copy_done());
}

fn is_in_the_log(client: &mut RawClient, table: &str) -> bool {
    let sql = format!("SELECT count(*) FROM teatree.intents WHERE statement LIKE 'COPY {table} %'");
    client.value(&sql) == "1"
}

#[test]
fn what_names_the_table_later_comes_after_and_others_do_not_wait() {
    if crate::harness::skip_on_oracle("the intent log is Teatree's") {
        return;
    }
    let (mut client, mut bulk, mut other) = (connect(), connect(), connect());
    let (t, u) = (unique("bulk_order"), unique("bulk_other"));
    client.run(&format!("CREATE TABLE {t} (a int8, b text)"));
    client.run(&format!("CREATE TABLE {u} (a int8 PRIMARY KEY)"));
    send_copy(&mut bulk, &t, &rows(0));
    eventually("the COPY to be queued", || is_in_the_log(&mut client, &t));
    // Its place is behind the COPY's, whatever of it is applied by now.
    other.send(Out::new().query(&format!("UPDATE {t} SET b = 'x' WHERE a % 2 = 0")));
    for n in 0..50 {
        client.run(&format!("INSERT INTO {u} VALUES ({n})"));
    }
    assert_eq!(other.read_shown(2), [format!("C UPDATE {}", ROWS / 2), "Z I".to_owned()]);
    assert_eq!(bulk.read_shown(2), [format!("C COPY {ROWS}"), "Z I".to_owned()]);
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t} WHERE b = 'x'")), "150000");
    client.run(&format!("DROP TABLE {t}"));
    client.run(&format!("DROP TABLE {u}"));
}

#[test]
fn several_at_once_wait_for_one_another() {
    let mut client = connect();
    let t = unique("bulk_many");
    client.run(&format!("CREATE TABLE {t} (a int8, b text)"));
    let mut sessions: Vec<RawClient> = (0..3).map(|_| connect()).collect();
    for (n, session) in sessions.iter_mut().enumerate() {
        send_copy(session, &t, &rows(n * ROWS));
    }
    client.run(&format!("INSERT INTO {t} VALUES (-1, 'small')"));
    for session in &mut sessions {
        assert_eq!(session.read_shown(2), [format!("C COPY {ROWS}"), "Z I".to_owned()]);
    }
    let sums = format!("SELECT count(*), count(DISTINCT a), min(a) FROM {t}");
    assert_eq!(client.value(&sums), "900001|900001|-1");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn one_that_fails_leaves_nothing_and_lets_the_others_go() {
    let (mut client, mut bulk, mut other) = (connect(), connect(), connect());
    let t = unique("bulk_fails");
    client.run(&format!("CREATE TABLE {t} (a int8 PRIMARY KEY, b text)"));
    client.run(&format!("INSERT INTO {t} VALUES (299999, 'first')"));
    send_copy(&mut bulk, &t, &rows(0));
    other.send(Out::new().query(&format!("INSERT INTO {t} VALUES (299998, 'small')")));
    assert_eq!(bulk.read_shown(2), ["E 23505", "Z I"]);
    assert_eq!(other.read_shown(2), ["C INSERT 0 1", "Z I"]);
    assert_eq!(client.lines(&format!("SELECT b FROM {t} ORDER BY a")), ["small", "first"]);
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_canceled_one_is_all_there_or_not_at_all() {
    let (mut client, mut first, mut second) = (connect(), connect(), connect());
    let t = unique("bulk_cancel");
    client.run(&format!("CREATE TABLE {t} (a int8, b text)"));
    send_copy(&mut first, &t, &rows(0));
    send_copy(&mut second, &t, &rows(ROWS));
    second.cancel();
    first.cancel();
    let mut expected = 0;
    for session in [&mut first, &mut second] {
        match session.read_shown(2).first().map(String::as_str) {
            Some("E 57014") => {}
            Some("C COPY 300000") => expected += ROWS,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), expected.to_string());
    assert_eq!(client.run(&format!("INSERT INTO {t} VALUES (1, 'after')")), "INSERT 0 1");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_crash_loses_none_that_was_told_and_doubles_none() {
    let Some(mut server) = Server::start(&[]) else { return };
    server.connect().run("CREATE TABLE t (a int8, b text)");
    server.connect().run("CREATE TABLE u (a int8)");
    let mut told = 0;
    for round in 0..6 {
        let (mut client, mut bulk) = (server.connect(), server.connect());
        send_copy(&mut bulk, "t", &rows(round * ROWS));
        let small = client.run(&format!("INSERT INTO u VALUES ({round})"));
        assert_eq!(small, "INSERT 0 1");
        if round % 3 == 0 {
            assert_eq!(bulk.read_shown(1), [format!("C COPY {ROWS}")]);
            told += 1;
        } else {
            // Somewhere between the first byte and the commit.
            std::thread::sleep(std::time::Duration::from_millis(60 * round as u64));
        }
        server.kill_9();
        server.restart();
        let mut client = server.connect();
        let rows = client.value("SELECT count(*) FROM t").parse::<usize>().unwrap();
        let distinct = client.value("SELECT count(DISTINCT a) FROM t").parse::<usize>().unwrap();
        assert_eq!(rows, distinct, "round {round}");
        assert_eq!(rows % ROWS, 0, "round {round}");
        assert!(rows / ROWS >= told, "round {round}: {rows} rows, {told} were told");
        told = rows / ROWS;
        assert_eq!(client.value("SELECT count(*) FROM u"), (round + 1).to_string());
    }
    let left = std::fs::read_dir(server.dir().join("staged")).unwrap().count();
    assert_eq!(left, 0);
}
