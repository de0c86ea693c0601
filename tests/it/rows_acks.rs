//! When writes are acknowledged, what reads wait for, and a session's own intents.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::harness::{Server, connect, shared, skip_on_oracle, unique};
use crate::messages::Out;
use crate::raw_client::RawClient;

/// Readers of different kinds; `@` stands for the table.
const READS: &[&str] = &[
    "SELECT count(*) FROM @",
    "SELECT count(*) FROM public.@ AS x",
    "SELECT n FROM @_view",
    "WITH c AS (SELECT a FROM @) SELECT count(*) FROM c",
    "SELECT (SELECT count(*) FROM @)",
];

#[test]
fn no_read_misses_what_was_acknowledged_before_it() {
    let t = unique("barrier");
    let mut client = connect();
    client.run(&format!("CREATE TABLE {t} (a int8)"));
    client.run(&format!("CREATE VIEW {t}_view AS SELECT count(*) AS n FROM {t}"));
    let (acknowledged, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (t, acknowledged, over) = (&t, &acknowledged, &over);
        let writers: Vec<_> = (0..6)
            .map(|number| {
                scope.spawn(move || {
                    let mut client = RawClient::connect(shared());
                    for n in 0..200 {
                        let sql = format!("INSERT INTO {t} VALUES ({})", number * 1000 + n);
                        client.run(&sql);
                        acknowledged.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        let readers: Vec<_> = (0..6)
            .map(|number| {
                scope.spawn(move || {
                    let mut client = RawClient::connect(shared());
                    if number == 5 {
                        client.run("BEGIN");
                    }
                    while !over.load(Ordering::SeqCst) {
                        let read = READS[number % READS.len()].replace('@', t);
                        let before = acknowledged.load(Ordering::SeqCst);
                        let seen: usize = client.value(&read).parse().unwrap();
                        assert!(seen >= before, "{read}: {seen} rows, {before} acknowledged");
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        over.store(true, Ordering::SeqCst);
        for reader in readers {
            reader.join().unwrap();
        }
    });
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t}")), "1200");
}

#[test]
fn sources_of_writes_and_copies_see_what_was_acknowledged() {
    let mut client = connect();
    let (t, u) = (unique("source"), unique("sink"));
    client.run(&format!("CREATE TABLE {t} (a int4)"));
    client.run(&format!("CREATE TABLE {u} (a int4)"));
    for n in 1..=20 {
        client.run(&format!("INSERT INTO {t} VALUES ({n})"));
        let copied = client.run(&format!("INSERT INTO {u} SELECT a FROM {t} WHERE a = {n}"));
        assert_eq!(copied, "INSERT 0 1");
        client.run(&format!("INSERT INTO {u} VALUES (-{n})"));
        let out = client.query(&format!("COPY (SELECT a FROM {u} WHERE a = -{n}) TO STDOUT"));
        assert!(out.contains(&"C COPY 1".to_owned()), "{out:?}");
        client.run(&format!("INSERT INTO {t} VALUES ({n})"));
        assert_eq!(client.run(&format!("DELETE FROM {t} WHERE a = {n}")), "DELETE 2");
        client.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
        assert_eq!(client.value(&format!("SELECT count(*) FROM {u}")), (2 * n).to_string());
        client.run("COMMIT");
    }
}

#[test]
fn durable_acknowledges_before_the_outcome_and_failures_are_in_the_log() {
    if skip_on_oracle("acknowledgement levels are Teatree's") {
        return;
    }
    let mut client = connect();
    let t = unique("durable");
    client.run("SET teatree.ack = 'durable'");
    assert_eq!(client.run(&format!("CREATE TABLE {t} (a int4 PRIMARY KEY)")), "CREATE TABLE");
    assert_eq!(client.run(&format!("INSERT INTO {t} VALUES (1), (2)")), "INSERT 0 2");
    assert_eq!(client.run(&format!("INSERT INTO {t} VALUES (2)")), "INSERT 0 1");
    let failed = client.value("SELECT teatree.last_intent()");
    assert_eq!(client.run(&format!("UPDATE {t} SET a = a + 10 WHERE a = 1")), "UPDATE 0");
    let returned = client.query(&format!("INSERT INTO {t} VALUES (5) RETURNING a * 2 AS twice"));
    assert_eq!(returned, ["T twice:23", "D 10", "C INSERT 0 1", "Z I"]);
    client.run(&format!("DELETE FROM {t} WHERE a = 5"));
    assert_eq!(client.lines(&format!("SELECT a FROM {t} ORDER BY a")), ["2", "11"]);
    let shown =
        client.value(&format!("SELECT state, sqlstate FROM teatree.intents WHERE seq = {failed}"));
    assert_eq!(shown, "failed|23505");
    assert_eq!(
        client.value(&format!(
            "SELECT seq, state, tag, rows, sqlstate FROM teatree.wait_for_intent({failed})"
        )),
        format!("{failed}|failed|NULL|NULL|23505")
    );
    client.run("SET teatree.ack = 'applied'");
    assert_eq!(client.sqlstate(&format!("INSERT INTO {t} VALUES (2)")), "23505");
    assert_eq!(client.sqlstate("SET teatree.ack = 'never'"), "22023");
}

#[test]
fn a_session_knows_and_waits_for_its_intents() {
    if skip_on_oracle("intents are Teatree's") {
        return;
    }
    let mut client = connect();
    let t = unique("own_intents");
    assert_eq!(
        client.query("SELECT teatree.last_intent()"),
        ["T last_intent:20", "D NULL", "C SELECT 1", "Z I"]
    );
    client.run(&format!("CREATE TABLE {t} (a int4)"));
    let first: u64 = client.value("SELECT teatree.last_intent()").parse().unwrap();
    client.run(&format!("INSERT INTO {t} VALUES (1), (2), (3)"));
    let second: u64 = client.value("SELECT teatree.last_intent() AS n").parse().unwrap();
    assert!(second > first);
    assert_eq!(
        client.query(&format!("SELECT * FROM teatree.wait_for_intent({second})")),
        [
            "T seq:20 state:25 tag:25 rows:20 sqlstate:25 message:25".to_owned(),
            format!("D {second}|applied|INSERT 0 3|3|NULL|NULL"),
            "C SELECT 1".to_owned(),
            "Z I".to_owned()
        ]
    );
    client.run("SET teatree.notice_intents = on");
    client.send(Out::new().query(&format!("DELETE FROM {t} WHERE a = 1")));
    let messages = client.read_until_ready();
    let third = client.value("SELECT teatree.last_intent()");
    let notices = messages.iter().filter(|message| message.tag == b'N');
    let told: Vec<String> = notices.map(|notice| notice.error()[&'M'].clone()).collect();
    assert_eq!(told, [format!("intent {third}")]);
    let mut other = connect();
    assert_eq!(other.value("SELECT teatree.last_intent()"), "NULL");
    assert_eq!(
        other.value(&format!("SELECT w.state FROM teatree.wait_for_intent('{second}', 5000) w")),
        "applied"
    );
    assert_eq!(other.lines("SELECT * FROM teatree.wait_for_intent(987654321)"), [""; 0]);
    assert_eq!(other.sqlstate("SELECT * FROM teatree.wait_for_intent('x')"), "22023");
    let out = Out::new()
        .parse("", "SELECT state FROM teatree.wait_for_intent($1)", &[])
        .bind("", "", &[Some(second.to_string().as_bytes())])
        .execute("", 0)
        .sync();
    assert_eq!(other.talk(out), ["1", "2", "D applied", "C SELECT 1", "Z I"]);
}

#[test]
fn a_read_that_may_be_stale_does_not_wait() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (a int8)");
    client.run("CREATE TABLE busy (a int8)");
    client.run("INSERT INTO busy VALUES (0)");
    client.run("SET teatree.ack = 'durable'");
    client
        .run("UPDATE busy SET a = (SELECT sum(x % 7) FROM generate_series(1, 100000000) AS g(x))");
    client.run("INSERT INTO t VALUES (1)");
    let intent = client.value("SELECT teatree.last_intent()");
    client.run("SET teatree.max_staleness = '1h'");
    assert_eq!(client.value("SELECT count(*) FROM t"), "0");
    let waited = format!("SELECT state FROM teatree.wait_for_intent({intent}, 1)");
    assert_eq!(client.value(&waited), "queued");
    client.run("SET teatree.max_staleness = 0");
    client.run("SET statement_timeout = 50");
    assert_eq!(client.sqlstate("SELECT count(*) FROM t"), "57014");
    client.run("SET statement_timeout = 0");
    assert_eq!(client.value("SELECT count(*) FROM t"), "1");
    assert_eq!(client.value(&waited), "applied");
}
