//! What writing costs: single rows from one and from many connections, how soon they are seen, and
//! what a reader notices of it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::Result;
use crate::measure::{AGGREGATE, Size, Subject, grouped, milliseconds};
use crate::report::{Limit, Line, Ratio};
use crate::stats::{median_rate, percentile};
use crate::wire::{Client, Format};

/// Single-row inserts of so many connections into one table.
struct Case {
    connections: usize,
    table: &'static str,
    what: &'static str,
    /// How Teatree acknowledges, and the least ratio to PostgreSQL that is wanted of it.
    acks: &'static [(&'static str, Option<f64>)],
}

const CASES: &[Case] = &[
    Case {
        connections: 1,
        table: "events",
        what: "1 connection inserting single rows",
        acks: &[("applied", Some(0.9)), ("durable", None)],
    },
    Case {
        connections: 64,
        table: "events",
        what: "64 connections inserting single rows",
        acks: &[("applied", Some(1.5)), ("durable", Some(2.0))],
    },
    Case {
        connections: 1,
        table: "keyed_events",
        what: "1 connection, with a primary key",
        acks: &[("applied", None)],
    },
    Case {
        connections: 64,
        table: "keyed_events",
        what: "64 connections, with a primary key",
        acks: &[("applied", Some(1.0))],
    },
];

/// Numbers that no two rows share, over all rounds.
static NEXT_BLOCK: AtomicU64 = AtomicU64::new(0);
/// Rows that one connection may insert in one round.
const BLOCK: u64 = 1_000_000_000;

/// Single-row inserts, each acknowledged before the next of its connection.
pub fn inserts(teatree: &Subject, postgres: Option<&Subject>, size: &Size) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for case in CASES {
        println!("{} ...", case.what);
        let mut own = vec![Vec::new(); case.acks.len()];
        let mut others = Vec::new();
        let mut rows = (0, 0);
        for round in 0..=size.insert_rounds {
            // The round that warms up is short.
            let time = if round == 0 { size.insert_time / 8 } else { size.insert_time };
            for ((ack, _), rates) in case.acks.iter().zip(&mut own) {
                let (count, rate) = insert_for(teatree, case, Some(ack), time)?;
                rows.0 += count;
                if round > 0 {
                    rates.push(rate);
                }
            }
            if let Some(postgres) = postgres {
                let (count, rate) = insert_for(postgres, case, None, time)?;
                rows.1 += count;
                if round > 0 {
                    others.push(rate);
                }
            }
        }
        check_count(teatree, case.table, rows.0)?;
        postgres.map_or(Ok(()), |postgres| check_count(postgres, case.table, rows.1))?;
        let shown = |rates: &Vec<f64>| format!("{} rows/s", grouped(median_rate(rates) as u64));
        for ((ack, least), rates) in case.acks.iter().zip(&own) {
            lines.push(Line {
                what: format!("{}, acknowledged when {ack}", case.what),
                teatree: shown(rates),
                embedded: None,
                postgres: postgres.map(|_| shown(&others)),
                ratio: postgres.map(|_| Ratio {
                    of: "PostgreSQL",
                    value: median_rate(rates) / median_rate(&others),
                    limit: least.map(Limit::AtLeast),
                }),
            });
        }
    }
    Ok(lines)
}

/// Speed counts for nothing where an acknowledged row is missing. The table is emptied for the
/// next case.
fn check_count(subject: &Subject, table: &str, wanted: u64) -> Result<()> {
    let mut client = Client::connect(&subject.address)?;
    let found = client.value(&format!("SELECT count(*) FROM {table}"))?;
    if found != wanted.to_string() {
        return Err(format!("{} acknowledged {wanted} rows and has {found}", subject.name).into());
    }
    client.run(&format!("TRUNCATE {table}")).map(drop)
}

/// Inserts from many connections for a time; returns the acknowledged rows, and how many a second.
fn insert_for(
    subject: &Subject,
    case: &Case,
    ack: Option<&str>,
    time: Duration,
) -> Result<(u64, f64)> {
    let clients = writers(subject, case.connections, case.table, ack)?;
    let (over, rows) = (AtomicBool::new(false), AtomicU64::new(0));
    let started = Instant::now();
    std::thread::scope(|scope| -> Result<()> {
        let mut threads = Vec::new();
        for mut client in clients {
            let (over, rows) = (&over, &rows);
            threads.push(scope.spawn(move || -> Result<()> {
                let first = NEXT_BLOCK.fetch_add(1, Ordering::Relaxed) * BLOCK;
                for id in first.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    insert(&mut client, id)?;
                    rows.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            }));
        }
        while started.elapsed() < time && !threads.iter().any(|thread| thread.is_finished()) {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        over.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().map_err(|_| "a client's thread died")??;
        }
        Ok(())
    })?;
    let rows = rows.into_inner();
    Ok((rows, rows as f64 / started.elapsed().as_secs_f64()))
}

fn writers(
    subject: &Subject,
    connections: usize,
    table: &str,
    ack: Option<&str>,
) -> Result<Vec<Client>> {
    let connect = |_| {
        let mut client = Client::connect(&subject.address)?;
        if let Some(ack) = ack {
            client.run(&format!("SET teatree.ack = '{ack}'"))?;
        }
        let sql = format!("INSERT INTO {table} (id, taken_at, note) VALUES ($1, $2, $3)");
        client.prepare("insert", &sql)?;
        Ok(client)
    };
    (0..connections).map(connect).collect()
}

fn insert(client: &mut Client, id: u64) -> Result<()> {
    let id = id.to_string();
    let params = [id.as_str(), "2024-01-01 00:00:00", "one row of a stream"];
    client.execute("insert", &params, Format::Text).map(drop)
}

/// Inserts at a steady rate, from several connections, until `over`.
fn insert_steadily(subject: &Subject, rate: u32, over: &AtomicBool) -> Result<()> {
    const CONNECTIONS: u32 = 16;
    let clients = writers(subject, CONNECTIONS as usize, "events", None)?;
    let pause = Duration::from_secs(1) * CONNECTIONS / rate;
    std::thread::scope(|scope| -> Result<()> {
        let mut threads = Vec::new();
        for mut client in clients {
            threads.push(scope.spawn(move || -> Result<()> {
                let first = NEXT_BLOCK.fetch_add(1, Ordering::Relaxed) * BLOCK;
                let mut due = Instant::now();
                for id in first.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    insert(&mut client, id)?;
                    due += pause;
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                }
                Ok(())
            }));
        }
        for thread in threads {
            thread.join().map_err(|_| "a client's thread died")??;
        }
        Ok(())
    })
}

/// Runs something while rows come in at a steady rate.
fn while_written<T>(subject: &Subject, rate: u32, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let over = &over;
        let writing = scope.spawn(move || insert_steadily(subject, rate, over));
        // The rate needs a moment to settle.
        std::thread::sleep(Duration::from_millis(300));
        let outcome = work();
        over.store(true, Ordering::Relaxed);
        writing.join().map_err(|_| "a writer died")??;
        outcome
    })
}

/// The time from the sending of a row to its first sight in another session, while rows come in.
pub fn visibility(teatree: &Subject, postgres: Option<&Subject>, size: &Size) -> Result<Vec<Line>> {
    const RATE: u32 = 10_000;
    println!("rows becoming visible at {RATE} rows/s ...");
    let mut all = Vec::new();
    for subject in std::iter::once(teatree).chain(postgres) {
        all.push(while_written(subject, RATE, || times_to_be_seen(subject, size.probes))?);
    }
    Ok(percentiles("sent to visible elsewhere at 10,000 rows/s", &all))
}

fn times_to_be_seen(subject: &Subject, probes: usize) -> Result<Vec<Duration>> {
    let sent: Mutex<Vec<Instant>> = Mutex::new(Vec::new());
    let mut writer = Client::connect(&subject.address)?;
    let mut reader = Client::connect(&subject.address)?;
    let earlier: usize = reader.value("SELECT count(*) FROM probes")?.parse()?;
    std::thread::scope(|scope| {
        let sent = &sent;
        let writing = scope.spawn(move || -> Result<()> {
            for number in 0..probes {
                sent.lock().map_err(|_| "the reader died")?.push(Instant::now());
                writer.run(&format!("INSERT INTO probes VALUES ({number})"))?;
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(())
        });
        let mut times = Vec::new();
        while times.len() < probes {
            let seen: usize = reader.value("SELECT count(*) FROM probes")?.parse()?;
            let now = Instant::now();
            let sent = sent.lock().map_err(|_| "the writer died")?;
            times.extend(sent[times.len()..seen - earlier].iter().map(|at| now - *at));
            if writing.is_finished() && times.len() < sent.len() && seen - earlier < times.len() {
                return Err("a row that was sent never came".into());
            }
        }
        writing.join().map_err(|_| "the writer died")??;
        Ok(times)
    })
}

/// A dashboard's aggregate, alone and while rows come in.
pub fn dashboard(teatree: &Subject, postgres: Option<&Subject>, size: &Size) -> Result<Vec<Line>> {
    const RATE: u32 = 5_000;
    println!("an aggregate while {RATE} rows/s are written ...");
    let measured = |subject: &Subject, times: usize| -> Result<(Duration, Duration)> {
        let idle = aggregate_times(subject, times)?;
        let busy = while_written(subject, RATE, || aggregate_times(subject, times))?;
        Ok((percentile(&idle, 0.99), percentile(&busy, 0.99)))
    };
    let (idle, busy) = measured(teatree, size.dashboards)?;
    // PostgreSQL takes half a second each.
    let other = postgres.map(|postgres| measured(postgres, size.dashboards / 5)).transpose()?;
    let line = |what: &str, own: Duration, other: Option<Duration>, ratio| Line {
        what: what.to_owned(),
        teatree: milliseconds(own),
        embedded: None,
        postgres: other.map(milliseconds),
        ratio,
    };
    let ratio = Ratio {
        of: "its own, idle",
        value: busy.as_secs_f64() / idle.as_secs_f64(),
        limit: Some(Limit::AtMost(2.0)),
    };
    Ok(vec![
        line("the same `GROUP BY`, p99, nothing written", idle, other.map(|o| o.0), None),
        line(
            "the same `GROUP BY`, p99, while 5,000 rows/s are written",
            busy,
            other.map(|o| o.1),
            Some(ratio),
        ),
    ])
}

fn aggregate_times(subject: &Subject, times: usize) -> Result<Vec<Duration>> {
    let mut client = Client::connect(&subject.address)?;
    client.run(AGGREGATE)?;
    (0..times)
        .map(|_| {
            let started = Instant::now();
            client.run(AGGREGATE)?;
            Ok(started.elapsed())
        })
        .collect()
}

fn percentiles(what: &str, all: &[Vec<Duration>]) -> Vec<Line> {
    [("p50", 0.5), ("p99", 0.99)]
        .into_iter()
        .map(|(name, share)| {
            let of = |times: &Vec<Duration>| percentile(times, share);
            Line {
                what: format!("{what}, {name}"),
                teatree: milliseconds(of(&all[0])),
                embedded: None,
                postgres: all.get(1).map(|times| milliseconds(of(times))),
                ratio: all.get(1).map(|others| Ratio {
                    of: "PostgreSQL",
                    value: of(&all[0]).as_secs_f64() / of(others).as_secs_f64(),
                    limit: None,
                }),
            }
        })
        .collect()
}

/// Where the time of a row goes on its way, at full load: medians of the stages that the log knows.
pub fn stages(teatree: &Subject, time: Duration) -> Result<String> {
    let Some(case) = CASES.get(1) else { return Ok(String::new()) };
    insert_for(teatree, case, Some("applied"), time)?;
    let mut client = Client::connect(&teatree.address)?;
    let median = |from: &str, to: &str| {
        format!(
            "CAST(percentile_cont(0.5) WITHIN GROUP (ORDER BY \
             extract(epoch FROM {to} - {from}) * 1000000) AS bigint)"
        )
    };
    let stages = [
        ("append (to the synced log)", "accepted_at", "durable_at"),
        ("wait (for the Writer)", "durable_at", "started_at"),
        ("apply and commit (with its batch)", "started_at", "applied_at"),
    ];
    let mut out = String::new();
    for (what, from, to) in stages {
        let sql = format!(
            "SELECT {} FROM teatree.intents WHERE kind = 'rows' AND state = 'applied'",
            median(from, to)
        );
        out.push_str(&format!("- {what}: {} µs\n", client.value(&sql)?));
    }
    Ok(out)
}
