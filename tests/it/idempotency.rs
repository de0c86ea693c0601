//! Writes that are sent again: one key, one write, one answer.

use std::thread;
use std::time::Duration;

use crate::harness::{Server, connect, eventually, shared, skip_on_oracle, unique};
use crate::messages::Out;
use crate::raw_client::RawClient;

fn key(name: &str) -> String {
    unique(name)
}

fn set(client: &mut RawClient, key: &str) {
    assert_eq!(client.run(&format!("SET teatree.idempotency_key = '{key}'")), "SET");
}

/// Runs a write under a key.
fn keyed(client: &mut RawClient, key: &str, sql: &str) -> Vec<String> {
    set(client, key);
    client.query(sql)
}

fn table(client: &mut RawClient, name: &str, columns: &str) -> String {
    let table = unique(name);
    client.run(&format!("CREATE TABLE {table} ({columns})"));
    table
}

fn count(client: &mut RawClient, table: &str) -> String {
    client.value(&format!("SELECT count(*) FROM {table}"))
}

#[test]
fn a_repeat_gets_the_tag_and_changes_nothing() {
    if skip_on_oracle("idempotency keys") {
        return;
    }
    let (mut client, mut other) = (connect(), connect());
    for storage in ["", " USING arrow"] {
        let t = unique("once");
        client.run(&format!("CREATE TABLE {t} (a int4){storage}"));
        let k = key("once");
        let insert = format!("INSERT INTO {t} VALUES (1), (2)");
        assert_eq!(keyed(&mut client, &k, &insert), ["C INSERT 0 2", "Z I"]);
        assert_eq!(client.value("SHOW teatree.idempotency_key"), "", "one write uses it up");
        assert_eq!(keyed(&mut client, &k, &insert), ["C INSERT 0 2", "Z I"]);
        assert_eq!(keyed(&mut other, &k, &insert), ["C INSERT 0 2", "Z I"]);
        assert_eq!(count(&mut client, &t), "2");
        assert_eq!(client.query(&insert), ["C INSERT 0 2", "Z I"], "without a key it is new");
        assert_eq!(count(&mut client, &t), "4");
        set(&mut client, &k);
        let error = client.error(&format!("DELETE FROM {t}"));
        assert_eq!(error[&'C'], "22023");
        assert!(error[&'M'].contains(&k));
        assert_eq!(count(&mut client, &t), "4");
    }
}

#[test]
fn a_repeat_gets_the_error_too() {
    if skip_on_oracle("idempotency keys") {
        return;
    }
    let mut client = connect();
    let t = table(&mut client, "guilty", "a int4 PRIMARY KEY");
    client.run(&format!("INSERT INTO {t} VALUES (1)"));
    let k = key("guilty");
    let insert = format!("INSERT INTO {t} VALUES (1)");
    set(&mut client, &k);
    let first = client.error(&insert);
    assert_eq!(first[&'C'], "23505");
    client.run(&format!("DELETE FROM {t}"));
    set(&mut client, &k);
    let again = client.error(&insert);
    for field in ['C', 'M', 'D'] {
        assert_eq!(again.get(&field), first.get(&field));
    }
    assert_eq!(count(&mut client, &t), "0");
}

#[test]
fn every_kind_of_write_can_be_repeated() {
    if skip_on_oracle("idempotency keys") {
        return;
    }
    let mut client = connect();
    let t = unique("kinds");
    for (sql, tag) in [
        (format!("CREATE TABLE {t} (a int4, b text)"), "CREATE TABLE"),
        (format!("INSERT INTO {t} SELECT g, 'x' FROM generate_series(1, 3) g"), "INSERT 0 3"),
        (format!("UPDATE {t} SET b = b || 'y' WHERE a < 3"), "UPDATE 2"),
        (format!("CREATE TABLE {t}_copy AS SELECT * FROM {t}"), "SELECT 3"),
        (format!("DELETE FROM {t} WHERE a = 1"), "DELETE 1"),
        (format!("DROP TABLE {t}_copy"), "DROP TABLE"),
    ] {
        let k = key("kind");
        for _ in 0..2 {
            assert_eq!(keyed(&mut client, &k, &sql), [format!("C {tag}"), "Z I".into()], "{sql}");
        }
    }
    assert_eq!(client.lines(&format!("SELECT * FROM {t} ORDER BY a")), ["2|xy", "3|x"]);
    let k = key("publish");
    let publish = "CALL teatree.publish_version('repeated')";
    let first = keyed(&mut client, &k, publish);
    assert_eq!(first.last().unwrap(), "Z I");
    assert_eq!(keyed(&mut client, &k, publish), first, "the same version, not one more");
}

#[test]
fn a_copy_is_repeated_when_its_data_is_the_same() {
    if skip_on_oracle("idempotency keys") {
        return;
    }
    let mut client = connect();
    let t = table(&mut client, "copied", "a int4");
    let k = key("copied");
    let sql = format!("COPY {t} FROM STDIN");
    let mut copy = |data: &str| {
        set(&mut client, &k);
        client.attempt(&sql, Some(data.as_bytes())).unwrap()
    };
    let first = copy("1\n2\n");
    assert!(first.contains(&"C COPY 2".to_owned()), "{first:?}");
    assert_eq!(copy("1\n2\n"), first);
    let other = copy("1\n3\n");
    assert!(other.contains(&"E 22023".to_owned()), "{other:?}");
    assert_eq!(count(&mut client, &t), "2");
}

#[test]
fn a_repeat_gets_the_rows_of_returning() {
    if skip_on_oracle("idempotency keys") {
        return;
    }
    let mut client = connect();
    let t = table(&mut client, "returned", "a int4, b text");
    let k = key("returned");
    let insert = format!("INSERT INTO {t} VALUES (1, 'x'), (2, NULL) RETURNING b, a");
    let first = keyed(&mut client, &k, &insert);
    assert!(first.contains(&"D x|1".to_owned()), "{first:?}");
    assert_eq!(keyed(&mut client, &k, &insert), first);
    assert_eq!(count(&mut client, &t), "2");
    let many =
        format!("INSERT INTO {t} SELECT g, repeat('x', 100) FROM range(2000) r(g) RETURNING b");
    let k = key("many");
    assert!(keyed(&mut client, &k, &many).contains(&"C INSERT 0 2000".to_owned()));
    set(&mut client, &k);
    let error = client.error(&many);
    assert_eq!(error[&'C'], "55000");
    assert!(error[&'D'].contains("INSERT 0 2000"));
    assert_eq!(count(&mut client, &t), "2002");
}

#[test]
fn parameters_are_a_part_of_the_statement() {
    if skip_on_oracle("idempotency keys") {
        return;
    }
    let mut client = connect();
    let t = table(&mut client, "bound", "a int4");
    let k = key("bound");
    let sql = format!("INSERT INTO {t} VALUES ($1)");
    let mut run = |value: &str| {
        set(&mut client, &k);
        let out = Out::new().parse("", &sql, &[23]).bind("", "", &[Some(value.as_bytes())]);
        client.talk(out.execute("", 0).sync())
    };
    let first = run("7");
    assert!(first.contains(&"C INSERT 0 1".to_owned()), "{first:?}");
    assert_eq!(run("7"), first);
    assert!(run("8").contains(&"E 22023".to_owned()));
    assert_eq!(count(&mut client, &t), "1");
}

#[test]
fn a_comment_brings_the_key_and_the_trace() {
    if skip_on_oracle("idempotency keys") {
        return;
    }
    let mut client = connect();
    let t = table(&mut client, "commented", "a int4");
    let k = key("commented");
    let insert = |trace: u32| {
        format!(
            "INSERT INTO {t} VALUES (1) /*action='%2Fbuy',idempotency_key='{k}%20x',\
             traceparent='00-{trace:032x}-c532cb4098ac3dd2-01'*/"
        )
    };
    for trace in [7, 8] {
        assert_eq!(client.query(&insert(trace)), ["C INSERT 0 1", "Z I"]);
    }
    assert_eq!(count(&mut client, &t), "1");
    let shown = client.lines(&format!(
        "SELECT idempotency_key, trace_id, state FROM teatree.intents WHERE idempotency_key LIKE '{k}%'"
    ));
    assert_eq!(shown, [format!("{k} x|{:032x}|applied", 7)]);
    // A string is no comment.
    let t = table(&mut client, "quoted", "a text");
    let quoted = format!("INSERT INTO {t} VALUES ('/*idempotency_key=''{k}''*/')");
    for _ in 0..2 {
        assert_eq!(client.query(&quoted), ["C INSERT 0 1", "Z I"]);
    }
    assert_eq!(count(&mut client, &t), "2");
}

#[test]
fn what_never_became_an_intent_binds_no_key() {
    if skip_on_oracle("idempotency keys") {
        return;
    }
    let mut client = connect();
    let t = unique("late");
    let k = key("late");
    let insert = format!("INSERT INTO {t} VALUES (1)");
    set(&mut client, &k);
    assert_eq!(client.sqlstate(&insert), "42P01");
    client.run(&format!("CREATE TABLE {t} (a int4)"));
    assert_eq!(keyed(&mut client, &k, &insert), ["C INSERT 0 1", "Z I"]);
    let long = "x".repeat(256);
    assert_eq!(client.sqlstate(&format!("SET teatree.idempotency_key = '{long}'")), "22023");
}

/// Takes some seconds at the Writer.
fn slow_update(t: &str) -> String {
    format!(
        "UPDATE {t} SET a = a + (SELECT count(*) FROM generate_series(1, 20000) x(i), \
         generate_series(1, 3000) y(j) WHERE (i * 7 + j) % 11 = 3) * 0 + 1"
    )
}

#[test]
fn a_repeat_waits_while_the_first_is_in_flight() {
    if skip_on_oracle("idempotency keys") {
        return;
    }
    let (mut first, mut watch) = (connect(), connect());
    let t = table(&mut first, "in_flight", "a int8");
    first.run(&format!("INSERT INTO {t} VALUES (1), (2)"));
    let k = key("in_flight");
    let update = slow_update(&t);
    set(&mut first, &k);
    first.send(Out::new().query(&update));
    let state = format!("SELECT count(*) FROM teatree.intents WHERE idempotency_key = '{k}'");
    eventually("the first is in the log", || watch.value(&state) == "1");
    let repeats: Vec<_> = (0..3)
        .map(|_| {
            let (k, update) = (k.clone(), update.clone());
            thread::spawn(move || keyed(&mut RawClient::connect(shared()), &k, &update))
        })
        .collect();
    // One that gives up does not take the first one with it.
    let mut impatient = connect();
    impatient.run("SET statement_timeout = '50ms'");
    set(&mut impatient, &k);
    let gave_up = impatient.query(&update);
    assert!(gave_up == ["E 57014", "Z I"] || gave_up == ["C UPDATE 2", "Z I"], "{gave_up:?}");
    let shown: Vec<String> = first.read_until_ready().iter().map(|m| m.show()).collect();
    assert_eq!(shown, ["C UPDATE 2", "Z I"]);
    for repeat in repeats {
        assert_eq!(repeat.join().unwrap(), ["C UPDATE 2", "Z I"]);
    }
    assert_eq!(watch.value(&state), "1");
    assert_eq!(watch.lines(&format!("SELECT a FROM {t} ORDER BY a")), ["2", "3"]);
}

#[test]
fn two_sessions_with_one_key_at_the_same_moment_write_once() {
    if skip_on_oracle("idempotency keys") {
        return;
    }
    let mut client = connect();
    let t = table(&mut client, "both", "a int4");
    for round in 0..20 {
        let k = key("both");
        let insert = format!("INSERT INTO {t} VALUES ({round}) /*idempotency_key='{k}'*/");
        let mut clients: Vec<RawClient> = (0..4).map(|_| connect()).collect();
        clients.iter_mut().for_each(|client| client.send(Out::new().query(&insert)));
        for client in &mut clients {
            let shown: Vec<String> = client.read_until_ready().iter().map(|m| m.show()).collect();
            assert_eq!(shown, ["C INSERT 0 1", "Z I"]);
        }
    }
    assert_eq!(
        client.value(&format!("SELECT count(DISTINCT a) || ' ' || count(*) FROM {t}")),
        "20 20"
    );
}

/// Statements whose row counts a replay could not know, on both storages.
fn repeatable(round: u64) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for t in ["duck", "arrow"] {
        all.push((format!("u{round}{t}"), format!("UPDATE {t} SET n = n + 1 WHERE id <= {round}")));
        all.push((format!("i{round}{t}"), format!("INSERT INTO {t} VALUES ({}, 0)", round + 100)));
    }
    let returning = format!("UPDATE duck SET n = n + 1 WHERE id = {round} RETURNING id");
    all.push((format!("r{round}"), returning));
    all
}

#[test]
fn kills_at_any_moment_leave_every_key_applied_once_with_its_answer() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    for (t, storage) in [("duck", ""), ("arrow", " USING arrow")] {
        client.run(&format!("CREATE TABLE {t} (id int4, n int4){storage}"));
        client.run(&format!("INSERT INTO {t} SELECT g, 0 FROM generate_series(1, 8) g"));
    }
    for round in 1..=8_u64 {
        let mut client = server.connect();
        let writer = thread::spawn(move || {
            for (k, sql) in repeatable(round) {
                let sql = format!("{sql} /*idempotency_key='{k}'*/");
                if client.attempt(&sql, None).is_none() {
                    return;
                }
            }
        });
        thread::sleep(Duration::from_millis(round * 7));
        server.kill_9();
        writer.join().unwrap();
        server.restart();
        let mut client = server.connect();
        for _ in 0..2 {
            for (k, sql) in repeatable(round) {
                let answer = client.query(&format!("{sql} /*idempotency_key='{k}'*/"));
                let wanted = match k.as_bytes()[0] {
                    b'u' => vec![format!("C UPDATE {round}"), "Z I".into()],
                    b'i' => vec!["C INSERT 0 1".into(), "Z I".into()],
                    _ => {
                        let description = answer[0].clone();
                        vec![description, format!("D {round}"), "C UPDATE 1".into(), "Z I".into()]
                    }
                };
                assert_eq!(answer, wanted, "round {round}, {k}");
            }
        }
        let sum = |extra: u64| (round * (round + 1) / 2 + extra).to_string();
        assert_eq!(client.value("SELECT sum(n) FROM duck"), sum(round), "round {round}");
        assert_eq!(client.value("SELECT sum(n) FROM arrow"), sum(0), "round {round}");
        for t in ["duck", "arrow"] {
            assert_eq!(count(&mut client, t), (8 + round).to_string(), "round {round}, {t}");
        }
    }
}

#[test]
fn keys_end_with_their_time_and_their_number_is_bounded() {
    let args = ["--idempotency-ttl-ms", "1500", "--idempotency-keys-max", "2"];
    let Some(server) = Server::start(&args) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE t (a int4)");
    for k in ["a", "b"] {
        assert_eq!(keyed(&mut client, k, "INSERT INTO t VALUES (1)"), ["C INSERT 0 1", "Z I"]);
    }
    set(&mut client, "c");
    let error = client.error("INSERT INTO t VALUES (1)");
    assert_eq!(error[&'C'], "53400");
    assert!(error[&'H'].contains("idempotency_keys_max"));
    let keys = "SELECT idempotency_keys FROM teatree.intent_stats";
    eventually("an idle server forgets the keys", || client.value(keys) == "0");
    assert_eq!(keyed(&mut client, "a", "DELETE FROM t"), ["C DELETE 2", "Z I"]);
}

#[test]
fn a_commit_carries_the_key_and_a_repeat_of_it_changes_nothing() {
    if skip_on_oracle("idempotency keys") {
        return;
    }
    let mut client = connect();
    for storage in ["", " USING arrow"] {
        let t = unique("commit");
        client.run(&format!("CREATE TABLE {t} (a int4){storage}"));
        let k = key("commit");
        let mut transaction = |value: u32| {
            client.run("BEGIN");
            client.run(&format!("SET LOCAL teatree.idempotency_key = '{k}'"));
            client.run(&format!("INSERT INTO {t} VALUES ({value})"));
            client.query("COMMIT")
        };
        assert_eq!(transaction(1), ["C COMMIT", "Z I"]);
        assert_eq!(transaction(1), ["C COMMIT", "Z I"]);
        assert_eq!(transaction(2), ["E 22023", "Z I"]);
        assert_eq!(client.lines(&format!("SELECT a FROM {t}")), ["1"], "{storage}");
        assert_eq!(client.value("SHOW teatree.idempotency_key"), "");
    }
    let t = table(&mut client, "inside", "a int4");
    client.run("BEGIN");
    assert_eq!(
        client.query(&format!("INSERT INTO {t} VALUES (1) /*idempotency_key='inside'*/")),
        ["E 0A000", "Z E"]
    );
    client.run("ROLLBACK");
}
