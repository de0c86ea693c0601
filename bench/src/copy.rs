//! COPY FROM STDIN of TPC-H's lineitem, and what single-row inserts of others notice of it.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tpchgen::generators::LineItemGenerator;

use crate::Result;
use crate::measure::{Size, Subject, grouped, milliseconds};
use crate::report::{Limit, Line, Ratio};
use crate::stats::{median_rate, percentile};
use crate::wire::{Client, Format};

const LINEITEM: &str = "CREATE TABLE lineitem (l_orderkey bigint NOT NULL, \
    l_partkey bigint NOT NULL, l_suppkey bigint NOT NULL, l_linenumber int NOT NULL, \
    l_quantity numeric(15,2) NOT NULL, l_extendedprice numeric(15,2) NOT NULL, \
    l_discount numeric(15,2) NOT NULL, l_tax numeric(15,2) NOT NULL, \
    l_returnflag text NOT NULL, l_linestatus text NOT NULL, l_shipdate date NOT NULL, \
    l_commitdate date NOT NULL, l_receiptdate date NOT NULL, l_shipinstruct text NOT NULL, \
    l_shipmode text NOT NULL, l_comment text NOT NULL)";
const COPY: &str = "COPY lineitem FROM STDIN WITH (DELIMITER '|')";

/// Bytes of one CopyData message, about as drivers send them.
const PIECE_BYTES: usize = 64 << 10;

/// The table's rows as COPY's text, in pieces of whole lines.
struct Data {
    pieces: Vec<Vec<u8>>,
    rows: u64,
    bytes: usize,
}

impl Data {
    fn new(scale_factor: f64) -> Result<Data> {
        let mut data = Data { pieces: Vec::new(), rows: 0, bytes: 0 };
        let mut text = String::new();
        for line in LineItemGenerator::new(scale_factor, 1, 1).iter() {
            write!(text, "{line}")?;
            // Each line of TPC-H's files ends with a delimiter.
            text.pop();
            text.push('\n');
            data.rows += 1;
            if text.len() >= PIECE_BYTES {
                data.push(&mut text);
            }
        }
        data.push(&mut text);
        Ok(data)
    }

    fn push(&mut self, text: &mut String) {
        self.bytes += text.len();
        self.pieces.push(std::mem::take(text).into_bytes());
    }
}

/// Both measurements.
pub fn copy(teatree: &Subject, postgres: Option<&Subject>, size: &Size) -> Result<Vec<Line>> {
    let data = Data::new(size.copy_scale)?;
    let mib = data.bytes >> 20;
    println!("COPY of {} rows of lineitem, {mib} MiB ...", grouped(data.rows));
    let subjects: Vec<&Subject> = std::iter::once(teatree).chain(postgres).collect();
    for subject in &subjects {
        Client::connect(&subject.address)?.run(LINEITEM)?;
    }
    let mut rates = vec![Vec::new(); subjects.len()];
    for round in 0..=size.insert_rounds {
        for (place, subject) in subjects.iter().enumerate() {
            let mut client = Client::connect(&subject.address)?;
            client.run("TRUNCATE lineitem")?;
            let started = Instant::now();
            client.copy_in(COPY, &data.pieces)?;
            let took = started.elapsed();
            let found = client.value("SELECT count(*) FROM lineitem")?;
            if found != data.rows.to_string() {
                return Err(format!("{}: {found} rows came", subject.name).into());
            }
            if round > 0 {
                rates[place].push(data.rows as f64 / took.as_secs_f64());
            }
        }
    }
    let shown = |rates: &Vec<f64>| format!("{} rows/s", grouped(median_rate(rates) as u64));
    let mut lines = vec![Line {
        what: format!("COPY of {} rows of lineitem, {mib} MiB of text", grouped(data.rows)),
        teatree: shown(&rates[0]),
        embedded: None,
        postgres: rates.get(1).map(shown),
        ratio: rates.get(1).map(|others| Ratio {
            of: "PostgreSQL",
            value: median_rate(&rates[0]) / median_rate(others),
            limit: Some(Limit::AtLeast(2.0)),
        }),
    }];
    lines.extend(beside(&subjects, &data, size)?);
    Ok(lines)
}

/// Single-row inserts of one session while another copies, again and again.
fn beside(subjects: &[&Subject], data: &Data, size: &Size) -> Result<Vec<Line>> {
    println!("single-row inserts while a COPY runs ...");
    let mut waits = Vec::new();
    for subject in subjects {
        waits.push(inserts_beside(subject, data, size.insert_time)?);
    }
    let shares = [("p50", 0.5), ("p99", 0.99), ("longest", 1.0)];
    let line = |(name, share): (&str, f64)| Line {
        what: format!("single-row inserts while another session copies, {name}"),
        teatree: milliseconds(percentile(&waits[0], share)),
        embedded: None,
        postgres: waits.get(1).map(|waits| milliseconds(percentile(waits, share))),
        ratio: None,
    };
    Ok(shares.into_iter().map(line).collect())
}

fn inserts_beside(subject: &Subject, data: &Data, time: Duration) -> Result<Vec<Duration>> {
    let over = AtomicBool::new(false);
    let mut small = Client::connect(&subject.address)?;
    small.run("CREATE TABLE IF NOT EXISTS beside (id bigint, note text)")?;
    small.prepare("insert", "INSERT INTO beside (id, note) VALUES ($1, $2)")?;
    std::thread::scope(|scope| {
        let copying = scope.spawn(|| -> Result<()> {
            let mut client = Client::connect(&subject.address)?;
            while !over.load(Ordering::Relaxed) {
                client.copy_in(COPY, &data.pieces)?;
            }
            Ok(())
        });
        let started = Instant::now();
        let mut inserting = || -> Result<Vec<Duration>> {
            let mut waits = Vec::new();
            while started.elapsed() < time && !copying.is_finished() {
                let id = waits.len().to_string();
                let sent = Instant::now();
                small.execute("insert", &[&id, "a row beside a COPY"], Format::Text)?;
                waits.push(sent.elapsed());
                std::thread::park_timeout(Duration::from_millis(2));
            }
            Ok(waits)
        };
        let waits = inserting();
        // Whatever became of the inserts: the scope ends when the copying does.
        over.store(true, Ordering::Relaxed);
        copying.join().map_err(|_| "the copying thread died")??;
        waits
    })
}
