//! What materialized views that follow their tables cost: one rollup beside computing it again, and
//! the way from an event to the notification of the views that it changes.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::Result;
use crate::measure::{Size, Subject, grouped, milliseconds};
use crate::report::{Limit, Line, Ratio};
use crate::stats::{median, percentile};
use crate::wire::Client;

/// Rows that arrive at once.
const ARRIVING: u64 = 1_000;
const CONNECTIONS: u64 = 8;
/// Events of one statement, and its period on each connection: 10,000 events a second in all.
const BATCH: u64 = 50;
const PERIOD: Duration = Duration::from_millis(40);

const ROLLUP: &str = "SELECT date_trunc('hour', taken_at) AS hour, device % 10 AS kind, count(*) AS n, \
     sum(value) AS total, avg(value) AS mean, max(value) AS top FROM readings GROUP BY 1, 2";

/// An hourly rollup when rows arrive, beside the same rows without it and beside its recomputation.
pub fn rollup(teatree: &Subject, size: &Size) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (rows, limit) in [(size.rows / 5, None), (size.rows * 2, Some(Limit::AtLeast(30.0)))] {
        println!("hourly rollup over {} rows ...", grouped(rows));
        let mut client = Client::connect(&teatree.address)?;
        client.run("DROP TABLE IF EXISTS readings CASCADE")?;
        client.run("DROP TABLE IF EXISTS bare CASCADE")?;
        let columns = "(taken_at timestamp, device int, value int)";
        client.run(&format!("CREATE TABLE readings {columns}"))?;
        client.run(&format!("CREATE TABLE bare {columns}"))?;
        for table in ["readings", "bare"] {
            client.run(&format!(
                "INSERT INTO {table} SELECT timestamp '2026-01-01' + (i / 100) * interval '1 second', \
                 (i * 7) % 1000, (i * 31) % 5000 FROM generate_series(1, {rows}) i"
            ))?;
        }
        client.run(&format!(
            "CREATE MATERIALIZED VIEW hourly WITH (refresh = 'on_change') AS {ROLLUP}"
        ))?;
        let (mut with, mut without, mut again) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..size.aggregates {
            let arrive = |table: &str| {
                format!(
                    "INSERT INTO {table} SELECT timestamp '2026-03-01' + i * interval '1 second', \
                     i, i FROM generate_series({0}, {0} + {ARRIVING} - 1) i",
                    round as u64 * ARRIVING
                )
            };
            with.push(timed(&mut client, &arrive("readings"))?);
            without.push(timed(&mut client, &arrive("bare"))?);
            again.push(timed(&mut client, "REFRESH MATERIALIZED VIEW hourly")?);
        }
        let (with, without, again) = (median(&with), median(&without), median(&again));
        let follows = with.saturating_sub(without).max(Duration::from_micros(100));
        lines.push(Line {
            what: format!(
                "hourly rollup over {} rows when {} arrive: to follow them (the rows alone: {})",
                grouped(rows),
                grouped(ARRIVING),
                milliseconds(without)
            ),
            teatree: format!(
                "{}, again from nothing {}",
                milliseconds(follows),
                milliseconds(again)
            ),
            embedded: None,
            postgres: None,
            ratio: Some(Ratio {
                of: "times faster than again from nothing",
                value: again.as_secs_f64() / follows.as_secs_f64(),
                limit,
            }),
        });
    }
    Ok(lines)
}

fn timed(client: &mut Client, sql: &str) -> Result<Duration> {
    let start = Instant::now();
    client.run(sql)?;
    Ok(start.elapsed())
}

/// 10,000 events a second into a table with three views and a trigger that looks for anomalies:
/// from a statement's start to the notification that the last of the views has taken it up, which
/// comes when the trigger is through, too.
pub fn notified(teatree: &Subject, time: Duration, pid: Option<u32>) -> Result<Vec<Line>> {
    println!("events to notifications ...");
    define(&mut Client::connect(&teatree.address)?)?;
    let mut listener = Client::connect(&teatree.address)?;
    listener.run("LISTEN of_places")?;
    let start = Instant::now();
    let until = start + time;
    // Once the first events are through, memory should stay.
    let mut memory = None;
    let (sent, all_sent) = channel();
    let heard = std::thread::scope(|scope| -> Result<Vec<(u64, Instant)>> {
        for connection in 0..CONNECTIONS {
            let sent = sent.clone();
            scope.spawn(move || {
                for one in events(&teatree.address, connection, until).unwrap_or_default() {
                    let _ = sent.send(one);
                }
            });
        }
        let mut heard = Vec::new();
        while Instant::now() < until {
            let payload = listener.notification()?;
            heard.push((intent(&payload).ok_or("a payload without an intent")?, Instant::now()));
            if memory.is_none() && start.elapsed() > time / 4 {
                memory = pid.and_then(resident_mib);
            }
        }
        Ok(heard)
    })?;
    drop(sent);
    let mut times = Vec::new();
    for (seq, start) in all_sent {
        let first = heard.partition_point(|(of, _)| *of < seq);
        if let Some((_, at)) = heard.get(first) {
            times.push(at.saturating_duration_since(start));
        }
    }
    let rate = (times.len() as u64 * BATCH) as f64 / time.as_secs_f64();
    let line = |what: &str, share: f64, most: f64| {
        let value = percentile(&times, share);
        Line {
            what: format!(
                "{what}, {} events/s in batches of {BATCH}, three views, zscore in a trigger",
                grouped(rate as u64)
            ),
            teatree: milliseconds(value),
            embedded: None,
            postgres: None,
            ratio: Some(Ratio {
                of: "milliseconds",
                value: value.as_secs_f64() * 1000.0,
                limit: Some(Limit::AtMost(most)),
            }),
        }
    };
    let mut lines = vec![
        line("sent to the last output's notification, p50", 0.5, 20.0),
        line("sent to the last output's notification, p99", 0.99, 100.0),
    ];
    lines.extend(memory.zip(pid.and_then(resident_mib)).map(|used| memory_line(used, time)));
    Ok(lines)
}

fn memory_line((early, late): (u64, u64), time: Duration) -> Line {
    Line {
        what: format!(
            "memory of the server, after a quarter and at the end of {} s",
            time.as_secs()
        ),
        teatree: format!("{early} MiB, {late} MiB"),
        embedded: None,
        postgres: None,
        ratio: Some(Ratio {
            of: "end ÷ quarter",
            value: late as f64 / early as f64,
            limit: Some(Limit::AtMost(1.25)),
        }),
    }
}

/// The resident memory of a process, as Linux tells it.
fn resident_mib(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}

/// The intent that a payload names.
fn intent(payload: &str) -> Option<u64> {
    let digits = payload.split("\"intent\": ").nth(1)?;
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Looks for values far from the rows before them.
const SPOT: &str = "CREATE OR REPLACE PROCEDURE spot() LANGUAGE sql AS $$ \
     CALL teatree.zscore('SELECT id, at, value FROM new_table', 'odd', mode => 'append', \
                         lookback => 100, at_least => 30, threshold => 5); \
     SELECT pg_notify('odd', count(*)::text) FROM odd \
     WHERE at >= (SELECT min(at) FROM new_table) HAVING count(*) > 0 $$";

/// Makes the table, its three views and its trigger.
fn define(client: &mut Client) -> Result<()> {
    client.run("DROP TABLE IF EXISTS measured CASCADE")?;
    client.run("DROP TABLE IF EXISTS odd CASCADE")?;
    client.run("DROP TABLE IF EXISTS places CASCADE")?;
    client.run("CREATE TABLE measured (id bigint, at timestamp, device int, value int)")?;
    client.run("CREATE TABLE places (device int, place text)")?;
    client
        .run("INSERT INTO places SELECT i, 'place ' || (i % 50) FROM generate_series(0, 999) i")?;
    for (name, query) in [
        (
            "by_device",
            "SELECT device, count(*), sum(value), avg(value) FROM measured GROUP BY device",
        ),
        (
            "by_minute",
            "SELECT date_trunc('minute', at), count(*), max(value) FROM measured GROUP BY 1",
        ),
        (
            "of_places",
            "SELECT place, count(*), sum(value) FROM measured JOIN places USING (device) GROUP BY place",
        ),
    ] {
        client.run(&format!(
            "CREATE MATERIALIZED VIEW {name} WITH (refresh = 'on_change') AS {query}"
        ))?;
    }
    client.run(
        "CREATE TABLE odd (series text, at timestamp, value float8, mean float8, \
         deviation float8, score float8)",
    )?;
    client.run(SPOT)?;
    client.run("CREATE TRIGGER spot AFTER INSERT ON measured EXECUTE PROCEDURE spot()")?;
    Ok(())
}

/// Sends batches in their period; gives the intent and the start of each.
fn events(address: &str, connection: u64, until: Instant) -> Result<Vec<(u64, Instant)>> {
    let mut client = Client::connect(address)?;
    let mut sent = Vec::new();
    let mut next = Instant::now() + PERIOD * u32::try_from(connection)? / 8;
    let mut id = connection * 1_000_000_000;
    while next < until {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        next += PERIOD;
        let rows: Vec<String> = (0..BATCH)
            .map(|_| {
                id += 1;
                format!("({id}, '2026-01-01 00:00:{:02}', {}, {})", id % 60, id % 1000, id % 777)
            })
            .collect();
        let sql = format!("INSERT INTO measured VALUES {}", rows.join(", "));
        let start = Instant::now();
        client.run(&sql)?;
        let seq = client.value("SELECT teatree.last_intent()")?.parse()?;
        sent.push((seq, start));
    }
    Ok(sent)
}
