//! Reading. Each measurement takes its subjects in turns and returns lines of the table.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::Result;
use crate::embedded::Embedded;
use crate::report::{Limit, Line, Ratio};
use crate::stats::{median, percentile};
use crate::wire::{Client, Format};

/// A server to measure.
pub struct Subject {
    pub name: &'static str,
    pub address: String,
}

/// How much of everything.
pub struct Size {
    pub rows: u64,
    pub points: u64,
    pub aggregates: usize,
    pub streams: usize,
    pub latency_blocks: usize,
    pub latency_block: usize,
    pub insert_rounds: usize,
    pub insert_time: Duration,
    /// TPC-H's scale factor of the lineitem that is copied.
    pub copy_scale: f64,
    pub probes: usize,
    pub dashboards: usize,
}

pub const FULL: Size = Size {
    rows: 5_000_000,
    points: 1_000_000,
    aggregates: 30,
    streams: 5,
    latency_blocks: 10,
    latency_block: 500,
    insert_rounds: 3,
    insert_time: Duration::from_secs(8),
    copy_scale: 0.3,
    probes: 1_000,
    dashboards: 100,
};

/// Enough to see that it works; its figures mean nothing.
pub const QUICK: Size = Size {
    rows: 100_000,
    points: 10_000,
    aggregates: 5,
    streams: 2,
    latency_blocks: 2,
    latency_block: 50,
    insert_rounds: 1,
    insert_time: Duration::from_millis(500),
    copy_scale: 0.01,
    probes: 50,
    dashboards: 10,
};

pub const AGGREGATE: &str = "SELECT device, count(*) AS n, sum(value) AS total, min(taken_at) AS first_taken, \
                         max(id) AS last_id FROM measurements GROUP BY device ORDER BY device";

/// An aggregate over all rows, beside embedded DuckDB on a version of the same file.
pub fn aggregate(
    teatree: &Subject,
    version: &Path,
    postgres: Option<&Subject>,
    size: &Size,
) -> Result<Line> {
    println!("an aggregate over {} rows ...", size.rows);
    let embedded = Embedded::open(version)?;
    let mut client = Client::connect(&teatree.address)?;
    let mut other = postgres.map(|subject| Client::connect(&subject.address)).transpose()?;
    let (mut own, mut inside, mut others) = (Vec::new(), Vec::new(), Vec::new());
    // The first three of each warm up caches.
    for turn in 0..size.aggregates + 3 {
        let (groups, took) = embedded.time(AGGREGATE)?;
        let (rows, over_the_wire) = time(|| Ok(client.run(AGGREGATE)?.rows))?;
        if groups != rows {
            return Err(format!("{rows} groups from Teatree, {groups} from DuckDB").into());
        }
        if turn >= 3 {
            inside.push(took);
            own.push(over_the_wire);
        }
        // PostgreSQL takes half a second each; one turn in five is enough.
        if let Some(client) = other.as_mut().filter(|_| turn % 5 == 0) {
            let (_, took) = time(|| client.run(AGGREGATE))?;
            if turn > 0 {
                others.push(took);
            }
        }
    }
    Ok(Line {
        what: format!("`GROUP BY` over {} rows", grouped(size.rows)),
        teatree: milliseconds(median(&own)),
        embedded: Some(milliseconds(median(&inside))),
        postgres: other.map(|_| milliseconds(median(&others))),
        ratio: Some(Ratio {
            of: "embedded",
            value: median(&own).as_secs_f64() / median(&inside).as_secs_f64(),
            limit: Some(Limit::AtMost(1.15)),
        }),
    })
}

/// All rows of five columns to a client that only counts them, as text and as binary.
pub fn stream(teatree: &Subject, postgres: Option<&Subject>, size: &Size) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (format, word) in [(Format::Text, "text"), (Format::Binary, "binary")] {
        println!("streaming {} rows as {word} ...", size.rows);
        let mut clients = connect_all(teatree, postgres)?;
        for client in &mut clients {
            client.prepare("all", "SELECT id, device, value, label, taken_at FROM measurements")?;
        }
        let mut times = vec![Vec::new(); clients.len()];
        for turn in 0..=size.streams {
            for (client, times) in clients.iter_mut().zip(&mut times) {
                let (answer, took) = time(|| client.execute("all", &[], format))?;
                if answer.rows != size.rows {
                    return Err(format!("{} rows came, not {}", answer.rows, size.rows).into());
                }
                if turn > 0 {
                    times.push(took);
                }
            }
        }
        let shown = |times: &Vec<Duration>| {
            let seconds = median(times).as_secs_f64();
            format!("{seconds:.2} s ({:.2} million rows/s)", size.rows as f64 / seconds / 1e6)
        };
        lines.push(Line {
            what: format!("streaming {} rows of five columns, {word}", grouped(size.rows)),
            teatree: shown(&times[0]),
            embedded: None,
            postgres: times.get(1).map(shown),
            ratio: times.get(1).map(|others| Ratio {
                of: "PostgreSQL",
                value: median(&times[0]).as_secs_f64() / median(others).as_secs_f64(),
                limit: Some(Limit::AtMost(1.0 / 1.5)),
            }),
        });
    }
    Ok(lines)
}

/// The smallest statements over one connection, prepared, in blocks that take turns.
pub fn latency(teatree: &Subject, postgres: Option<&Subject>, size: &Size) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    let cases = [
        ("`SELECT 1`", "SELECT 1", false),
        ("look-up by primary key", "SELECT value, label FROM points WHERE id = $1", true),
    ];
    for (what, sql, by_key) in cases {
        println!("{what} over one connection ...");
        let mut clients = connect_all(teatree, postgres)?;
        for client in &mut clients {
            client.prepare("small", sql)?;
        }
        let mut times = vec![Vec::new(); clients.len()];
        for block in 0..=size.latency_blocks {
            for (client, times) in clients.iter_mut().zip(&mut times) {
                for turn in 0..size.latency_block {
                    // Spread over the table, and the same for every subject.
                    let place = (block * size.latency_block + turn) as u64;
                    let key = (place * 7_919 % size.points + 1).to_string();
                    let params = [key.as_str()];
                    let params = if by_key { params.as_slice() } else { &[] };
                    let (answer, took) = time(|| client.execute("small", params, Format::Text))?;
                    if answer.rows != 1 {
                        return Err(format!("{what}: {} rows came, not 1", answer.rows).into());
                    }
                    if block > 0 {
                        times.push(took);
                    }
                }
            }
        }
        for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
            let shown = |times: &Vec<Duration>| milliseconds(percentile(times, share));
            lines.push(Line {
                what: format!("{what}, one connection, {name}"),
                teatree: shown(&times[0]),
                embedded: None,
                postgres: times.get(1).map(shown),
                ratio: times.get(1).map(|others| Ratio {
                    of: "PostgreSQL",
                    value: percentile(&times[0], share).as_secs_f64()
                        / percentile(others, share).as_secs_f64(),
                    limit: None,
                }),
            });
        }
    }
    Ok(lines)
}

fn connect_all(teatree: &Subject, postgres: Option<&Subject>) -> Result<Vec<Client>> {
    std::iter::once(teatree)
        .chain(postgres)
        .map(|subject| Client::connect(&subject.address))
        .collect()
}

fn time<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let started = Instant::now();
    let value = work()?;
    Ok((value, started.elapsed()))
}

pub fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1e3;
    let digits = if milliseconds < 10.0 { 3 } else { 1 };
    format!("{milliseconds:.digits$} ms")
}

/// A number with commas, as people read it.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(super::grouped(5), "5");
        assert_eq!(super::grouped(1234), "1,234");
        assert_eq!(super::grouped(5_000_000), "5,000,000");
    }
}
