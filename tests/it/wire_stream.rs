//! Results and values of any size, in flat memory.

use std::thread;
use std::time::Duration;

use crate::harness::{Server, connect, is_oracle, peak_memory_mib};
use crate::messages::Out;

/// What streaming may add to the server's peak memory.
const GROWTH_LIMIT_MIB: u64 = 200;

#[test]
fn a_value_of_20_megabytes_passes_both_ways() {
    let mut client = connect();
    let value = "tea ".repeat(5 << 20).into_bytes();
    let out = Out::new()
        .parse("", "SELECT length($1::text) AS n, $1::text AS t", &[25])
        .bind("", "", &[Some(&value)])
        .execute("", 0)
        .sync();
    client.send(out);
    let replies = client.read_until_ready();
    let row = replies.iter().find(|message| message.tag == b'D').expect("no row").values();
    assert_eq!(row[0].as_deref(), Some(value.len().to_string().as_bytes()));
    assert!(row[1].as_deref() == Some(&value[..]), "the value came back changed");
    assert_eq!(client.value("SELECT length(repeat('x', 20000000))"), "20000000");
    assert_eq!(client.value("SELECT repeat('x', 20000000)").len(), 20_000_000);
}

#[test]
fn every_row_arrives_once_and_in_order() {
    let mut client = connect();
    for n in [0u32, 1, 2047, 2048, 2049, 4096, 100_000] {
        let sql = format!("SELECT g::int4 AS g FROM generate_series(1, {n}) AS t(g) ORDER BY 1");
        let lines = client.lines(&sql);
        assert_eq!(lines.len(), n as usize);
        assert!(lines.iter().enumerate().all(|(at, line)| *line == (at + 1).to_string()), "{n}");
    }
}

#[test]
fn memory_stays_flat_whatever_the_protocol() {
    let server = Server::start(&[]);
    let mut client = match &server {
        Some(server) => server.connect(),
        None => connect(),
    };
    // PostgreSQL's own process of this connection stands in for it when it is the oracle.
    let pid = match &server {
        Some(server) => server.pid(),
        None if is_oracle() => client.key.unwrap().0,
        None => return,
    };
    // 700 MB in all: far more than may be added, in few enough rows for a build without
    // optimisation.
    const ROWS: u32 = 3_000_000;
    let rows = |n: u32| {
        format!(
            "SELECT g AS a, g * 2 AS b, repeat('x', 200) AS c FROM generate_series(1, {n}) AS t(g)"
        )
    };
    let simple = |sql: &str| Out::new().query(sql);
    let extended =
        |sql: &str| Out::new().parse("", sql, &[]).bind("", "", &[]).execute("", 0).sync();
    // Both ways once with few rows, so that pools and caches are there before the measurement.
    client.talk(simple(&rows(100_000)));
    client.talk(extended(&rows(100_000)));
    let before = peak_memory_mib(pid);
    for out in [simple(&rows(ROWS)), extended(&rows(ROWS))] {
        client.send(out);
        let mut count = 0u32;
        loop {
            match client.read().tag {
                b'D' => count += 1,
                b'Z' => break,
                _ => continue,
            }
            // A slow reader: the server must wait for it, not hold the rows ready.
            if count % 500_000 == 0 {
                thread::sleep(Duration::from_millis(200));
            }
        }
        assert_eq!(count, ROWS);
    }
    let growth = peak_memory_mib(pid).saturating_sub(before);
    assert!(growth < GROWTH_LIMIT_MIB, "the peak grew by {growth} MiB");
}

#[test]
fn a_reader_that_stops_does_not_stop_others() {
    let mut stopped = connect();
    let rows = "SELECT g, repeat('x', 1000) FROM generate_series(1, 1000000) AS t(g)";
    stopped.send(Out::new().query(rows));
    assert_eq!(stopped.read().tag, b'T');
    for _ in 0..50 {
        assert_eq!(connect().value("SELECT count(*) FROM generate_series(1, 1000)"), "1000");
    }
    stopped.cancel();
    let last = stopped.read_until_ready().pop().unwrap();
    assert_eq!(last.show(), "Z I");
}
