//! Reading a database's structure, with the clients that people read it with: psql's `\d`, and
//! what Metabase asks when it syncs.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::Result;
use crate::measure::{Subject, milliseconds};
use crate::report::{Line, Ratio};
use crate::stats::median;
use crate::wire::Client;

/// Tables that psql finds.
const TABLES: usize = 1_000;
/// Tables of the schema that is synced.
const SYNCED: usize = 100;
/// Commands of one start of psql, so that its start costs little of the time.
const COMMANDS: usize = 3;
const JDBC: &str = "/usr/share/java/postgresql.jar";

/// Makes the tables, with keys, indexes, defaults, comments and references.
fn make(subject: &Subject) -> Result<()> {
    let mut client = Client::connect(&subject.address)?;
    client.run("CREATE SCHEMA many")?;
    client.run("CREATE SCHEMA synced")?;
    let counts = [("many", TABLES), ("synced", SYNCED)];
    for (schema, count) in counts {
        for place in 0..count {
            let table = format!("{schema}.t{place:04}");
            let reference = match place {
                0 => String::new(),
                _ => format!(", parent integer REFERENCES {schema}.t{:04} (id)", place - 1),
            };
            client.run(&format!(
                "CREATE TABLE {table} (id integer PRIMARY KEY, name text NOT NULL, \
                 amount numeric(10,2) DEFAULT 0, made timestamptz DEFAULT now(){reference})"
            ))?;
            client.run(&format!("CREATE INDEX t{place:04}_name ON {table} (name)"))?;
        }
        client.run(&format!("INSERT INTO {schema}.t0000 VALUES (1, 'one', 1)"))?;
    }
    Ok(())
}

/// psql's list of tables and its description of one, with 1,000 tables, and the sync of 100.
pub fn structure(
    teatree: &Subject,
    postgres: Option<&Subject>,
    rounds: usize,
) -> Result<Vec<Line>> {
    println!("making {TABLES} tables ...");
    let subjects: Vec<&Subject> = std::iter::once(teatree).chain(postgres).collect();
    for subject in &subjects {
        make(subject)?;
    }
    let mut lines = Vec::new();
    let commands = [
        ("`\\d many.*0500`, one of 1,000 tables", "\\d many.t0500"),
        ("`\\dt many.*`, 1,000 tables", "\\dt many.*"),
        ("`\\d+ many.t0500`", "\\d+ many.t0500"),
    ];
    for (what, command) in commands {
        println!("{command} ...");
        let mut times = vec![Vec::new(); subjects.len()];
        for round in 0..=rounds {
            for (subject, times) in subjects.iter().zip(&mut times) {
                let took = psql(subject, command)?;
                if round > 0 {
                    times.push(took);
                }
            }
        }
        lines.push(line(&format!("psql {what}"), &times));
    }
    if std::path::Path::new(JDBC).exists() {
        println!("syncing {SYNCED} tables as Metabase does ...");
        let mut times = Vec::new();
        for subject in &subjects {
            times.push(sync(subject, rounds)?);
        }
        lines.push(line(&format!("Metabase's sync of {SYNCED} tables"), &times));
    } else {
        println!("pgjdbc is not installed: no sync is measured");
    }
    Ok(lines)
}

/// The time of one command of psql, without psql's start.
fn psql(subject: &Subject, command: &str) -> Result<Duration> {
    let (host, port) = subject.address.split_once(':').ok_or("an address without a port")?;
    let run = |count: usize| -> Result<Duration> {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-h", host, "-p", port, "-U", "bench", "-d", "postgres"]);
        for _ in 0..count {
            psql.args(["-c", command]);
        }
        let started = Instant::now();
        let done = psql.output()?;
        let took = started.elapsed();
        if !done.status.success() || done.stdout.is_empty() && count > 0 {
            return Err(String::from_utf8_lossy(&done.stderr).into_owned().into());
        }
        Ok(took)
    };
    let (one, all) = (run(1)?, run(1 + COMMANDS)?);
    Ok(all.saturating_sub(one) / u32::try_from(COMMANDS)?)
}

fn sync(subject: &Subject, rounds: usize) -> Result<Vec<Duration>> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/java/Sync.java");
    let done = Command::new("java")
        .args(["-cp", JDBC, source, &subject.address, "bench", "synced", &rounds.to_string()])
        .output()?;
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned().into());
    }
    let text = String::from_utf8(done.stdout)?;
    let times = text.lines().skip(1).map(|line| {
        let milliseconds: f64 = line.split(' ').next().unwrap_or_default().parse()?;
        Ok(Duration::from_secs_f64(milliseconds / 1e3))
    });
    times.collect()
}

fn line(what: &str, times: &[Vec<Duration>]) -> Line {
    let shown = |times: &Vec<Duration>| milliseconds(median(times));
    Line {
        what: what.to_owned(),
        teatree: shown(&times[0]),
        embedded: None,
        postgres: times.get(1).map(shown),
        ratio: times.get(1).map(|others| Ratio {
            of: "PostgreSQL",
            value: median(&times[0]).as_secs_f64() / median(others).as_secs_f64(),
            limit: None,
        }),
    }
}
