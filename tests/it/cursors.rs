//! Cursors by SQL, notifications, and what the session computes inside of queries.

use crate::harness::{Server, connect, unique};

#[test]
fn a_cursor_streams_and_ends_with_its_transaction() {
    let mut client = connect();
    assert_eq!(client.sqlstate("DECLARE c CURSOR FOR SELECT 1"), "25P01");
    client.run("BEGIN");
    client.run("DECLARE c NO SCROLL CURSOR FOR SELECT g FROM generate_series(1, 10) g");
    assert_eq!(client.lines("FETCH 2 FROM c"), ["1", "2"]);
    assert_eq!(client.run("MOVE 3 IN c"), "MOVE 3");
    assert_eq!(client.lines("FETCH NEXT FROM c"), ["6"]);
    assert_eq!(client.lines("FETCH ALL FROM c"), ["7", "8", "9", "10"]);
    assert!(client.lines("FETCH FORWARD 5 FROM c").is_empty());
    client.run("SAVEPOINT s");
    assert_eq!(client.sqlstate("FETCH BACKWARD 1 FROM c"), "55000");
    client.run("ROLLBACK TO s");
    assert_eq!(client.sqlstate("DECLARE c CURSOR FOR SELECT 1"), "42P03");
    client.run("ROLLBACK");
    assert_eq!(client.sqlstate("FETCH 1 FROM c"), "34000");
}

#[test]
fn a_scrolling_cursor_goes_anywhere() {
    let mut client = connect();
    client.run("BEGIN");
    client.run("DECLARE s SCROLL CURSOR FOR SELECT g FROM generate_series(1, 5) g");
    let rows = [
        ("FETCH LAST FROM s", "5"),
        ("FETCH PRIOR FROM s", "4"),
        ("FETCH ABSOLUTE 2 FROM s", "2"),
        ("FETCH RELATIVE 2 FROM s", "4"),
        ("FETCH ABSOLUTE -5 FROM s", "1"),
        ("FETCH FORWARD 0 FROM s", "1"),
        ("FETCH s", "2"),
    ];
    for (fetch, expected) in rows {
        assert_eq!(client.lines(fetch), [expected], "{fetch}");
    }
    assert_eq!(client.lines("FETCH BACKWARD ALL FROM s"), ["1"]);
    assert!(client.lines("FETCH PRIOR FROM s").is_empty());
    assert_eq!(client.lines("FETCH ALL FROM s"), ["1", "2", "3", "4", "5"]);
    assert_eq!(client.lines("FETCH BACKWARD 2 FROM s"), ["5", "4"]);
    assert_eq!(client.run("CLOSE s"), "CLOSE CURSOR");
    client.run("COMMIT");
}

#[test]
fn a_held_cursor_outlives_the_transaction_that_commits() {
    let mut client = connect();
    client.run("BEGIN");
    client.run("DECLARE h CURSOR WITH HOLD FOR SELECT g FROM generate_series(1, 3) g");
    assert_eq!(client.lines("FETCH 1 FROM h"), ["1"]);
    client.run("COMMIT");
    assert_eq!(client.lines("FETCH ALL FROM h"), ["2", "3"]);
    client.run("BEGIN");
    client.run("DECLARE gone CURSOR WITH HOLD FOR SELECT 1");
    client.run("ROLLBACK");
    assert_eq!(client.sqlstate("FETCH 1 FROM gone"), "34000");
    assert_eq!(client.run("CLOSE ALL"), "CLOSE CURSOR ALL");
    assert_eq!(client.sqlstate("FETCH 1 FROM h"), "34000");
}

#[test]
fn notifications_come_with_the_commit_once_and_in_order() {
    let (mut listener, mut sender) = (connect(), connect());
    let channel = unique("news");
    listener.run(&format!("LISTEN {channel}"));
    sender.run("BEGIN");
    sender.run(&format!("NOTIFY {channel}, 'one'"));
    sender.run(&format!("NOTIFY {channel}, 'one'"));
    sender.run(&format!("SELECT pg_notify('{channel}', 'two')"));
    sender.run("COMMIT");
    sender.run("BEGIN");
    sender.run(&format!("NOTIFY {channel}, 'never'"));
    sender.run("ROLLBACK");
    sender.run(&format!("NOTIFY {channel}"));
    let payloads: Vec<String> = (0..3)
        .map(|_| {
            let message = listener.read();
            assert_eq!(message.tag, b'A');
            // After the sender's pid: the channel, then the payload, each with a zero behind it.
            let mut texts = message.body[4..].split(|&byte| byte == 0);
            let mut text = || String::from_utf8(texts.next().unwrap().to_vec()).unwrap();
            assert_eq!(text(), channel);
            text()
        })
        .collect();
    assert_eq!(payloads, ["one", "two", ""]);
    listener.run(&format!("UNLISTEN {channel}"));
    sender.run(&format!("NOTIFY {channel}, 'late'"));
    assert_eq!(listener.value("SELECT 1"), "1");
}

#[test]
fn the_session_computes_its_settings_inside_of_queries() {
    let mut client = connect();
    client.run("SET search_path = public");
    assert_eq!(client.value("SELECT set_config('application_name', 'tea', false)"), "tea");
    assert_eq!(client.value("SELECT current_setting('application_name') || '!'"), "tea!");
    assert_eq!(client.value("SELECT current_setting('TimeZone')"), client.value("SHOW timezone"));
    assert_eq!(client.sqlstate("SELECT current_setting('no.such')"), "42704");
    assert_eq!(client.value("SELECT current_setting('no.such', true) IS NULL"), "t");
}

/// DuckDB 1.5.6 cannot replay a log that makes a type in a schema that it makes, too.
#[test]
fn a_type_in_a_new_schema_survives_a_kill() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE SCHEMA moods");
    client.run("CREATE TYPE moods.mood AS ENUM ('sad', 'ok')");
    client.run("CREATE TABLE moods.person (name text, mood moods.mood)");
    client.run("INSERT INTO moods.person VALUES ('Ana', 'ok')");
    server.kill_9();
    server.restart();
    assert_eq!(server.connect().lines("SELECT * FROM moods.person"), ["Ana|ok"]);
}

#[test]
fn exact_numbers_stay_exact() {
    let mut client = connect();
    let rows = [
        ("SELECT 10 / 4.0", "2.5000000000000000"),
        ("SELECT 2 / 3.0", "0.66666666666666666667"),
        ("SELECT avg(x) FROM (VALUES (1), (2)) v(x)", "1.5000000000000000"),
        ("SELECT round(avg(x), 2) FROM (VALUES (1.10), (2.20)) v(x)", "1.65"),
        ("SELECT '1.10'::numeric", "1.10"),
        ("SELECT sum(x) FROM (VALUES (9223372036854775807), (1)) v(x)", "9223372036854775808"),
        ("SELECT extract(second FROM timestamp '2024-01-01 00:00:01.5')", "1.500000"),
        ("SELECT 1 / 3 * 3", "0"),
    ];
    for (sql, expected) in rows {
        assert_eq!(client.value(sql), expected, "{sql}");
    }
    assert_eq!(client.sqlstate("SELECT 1.0 / 0"), "22012");
}

#[test]
fn a_declared_cursor_takes_parameters_and_is_a_portal_of_the_protocol() {
    use crate::messages::Out;
    let mut client = connect();
    client.run("BEGIN");
    let declare = "DECLARE tea CURSOR FOR SELECT g FROM generate_series(1, 9) g WHERE g > $1";
    let replies = client.talk(
        Out::new()
            .parse("", declare, &[])
            .bind_formats("", "", &[], &[Some(b"7")], &[])
            .execute("", 0)
            .describe_portal("tea")
            .sync(),
    );
    assert_eq!(replies, ["1", "2", "C DECLARE CURSOR", "T g:23", "Z T"]);
    assert_eq!(client.lines("FETCH ALL FROM tea"), ["8", "9"]);
    client.run("COMMIT");
}
