//! What a trace costs: the same statements on a server that exports its traces and metrics, and on
//! one that does not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::Result;
use crate::measure::{Size, Subject, grouped};
use crate::report::{Limit, Line, Ratio};
use crate::stats::median_rate;
use crate::wire::Client;

const CONNECTIONS: usize = 8;

/// Statements a second of eight connections, each an INSERT and a read of its row, in turns.
/// `sink` is where the traced server pushes.
pub fn cost(teatree: &Subject, traced: &Subject, sink: &str, size: &Size) -> Result<Vec<Line>> {
    println!("what a trace costs ...");
    let taken = swallow(TcpListener::bind(sink)?);
    for subject in [teatree, traced] {
        let mut client = Client::connect(&subject.address)?;
        client.run("DROP TABLE IF EXISTS traced")?;
        client.run("CREATE TABLE traced (id bigint, value int)")?;
    }
    let (mut plain, mut with) = (Vec::new(), Vec::new());
    for round in 0..=size.insert_rounds {
        let time = if round == 0 { size.insert_time / 8 } else { size.insert_time };
        for (subject, rates) in [(teatree, &mut plain), (traced, &mut with)] {
            let rate = statements(subject, time)?;
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    let (plain, with) = (median_rate(&plain), median_rate(&with));
    let bytes = taken.load(Ordering::Relaxed);
    if bytes == 0 {
        return Err("the traced server has exported nothing".into());
    }
    Ok(vec![Line {
        what: format!(
            "{CONNECTIONS} connections, INSERT and read, with traces and metrics exported \
             (without: {} statements/s)",
            grouped(plain as u64)
        ),
        teatree: format!("{} statements/s", grouped(with as u64)),
        embedded: None,
        postgres: None,
        ratio: Some(Ratio {
            of: "without export",
            value: with / plain,
            limit: Some(Limit::AtLeast(0.9)),
        }),
    }])
}

fn statements(subject: &Subject, time: Duration) -> Result<f64> {
    let started = Instant::now();
    let counts = std::thread::scope(|scope| -> Result<u64> {
        let run = |connection: usize| -> Result<u64> {
            let mut client = Client::connect(&subject.address)?;
            let mut count = 0;
            while started.elapsed() < time {
                let id = connection * 1_000_000_000 + count as usize;
                client.run(&format!("INSERT INTO traced VALUES ({id}, {connection})"))?;
                client.run(&format!("SELECT value FROM traced WHERE id = {id}"))?;
                count += 2;
            }
            Ok(count)
        };
        let threads: Vec<_> =
            (0..CONNECTIONS).map(|connection| scope.spawn(move || run(connection))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a client panicked")?).sum()
    })?;
    Ok(counts as f64 / started.elapsed().as_secs_f64())
}

/// Answers every request and throws it away; counts its bytes.
fn swallow(listener: TcpListener) -> Arc<AtomicU64> {
    let taken = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&taken);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counted = Arc::clone(&counted);
            std::thread::spawn(move || while answer(&stream, &counted).is_ok() {});
        }
    });
    taken
}

fn answer(mut stream: &TcpStream, counted: &AtomicU64) -> Result<()> {
    let mut reader = BufReader::with_capacity(1, stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err("closed".into());
        }
        let line = line.trim().to_ascii_lowercase();
        if let Some(number) = line.strip_prefix("content-length:") {
            length = number.trim().parse()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    counted.fetch_add(length as u64, Ordering::Relaxed);
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
    Ok(())
}
