//! `teatree-bench`: measures Teatree beside embedded DuckDB and PostgreSQL, in one run, and writes
//! a Markdown table.
//!
//! The servers are started by `bench/run.sh`; this program only speaks to them, with the same
//! client code for both. What is compared is measured in turns (A, B, A, B …), so that a slow
//! minute of the machine falls on both.

mod copy;
mod embedded;
mod load;
mod measure;
mod pipelines;
mod plan;
mod report;
mod stats;
mod structure;
mod traces;
mod wire;
mod writes;

use std::path::PathBuf;
use std::time::Duration;

use measure::Subject;

/// The server's: its own code is measured in here, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Any failure ends the run: half a table is worth nothing.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Where the servers are, and where the table goes.
struct Arguments {
    teatree: String,
    data_dir: PathBuf,
    postgres: Option<String>,
    report: PathBuf,
    quick: bool,
    /// Only what is about writing; leaves the report as it is.
    writes: bool,
    /// Only what is about the structure and about planning; leaves the report as it is.
    structure: bool,
    /// Only what is about pipelines and traces; leaves the report as it is.
    pipelines: bool,
    /// A server that exports traces, and where to.
    traced: Option<(String, String)>,
    /// The server's process, whose memory is looked at.
    pid: Option<u32>,
    /// How long events stream into pipelines, instead of half a minute.
    minutes: Option<u64>,
}

const USAGE: &str = "teatree-bench --teatree ADDR:PORT --data-dir DIR --report FILE.md \
                     [--postgres ADDR:PORT] [--quick] [--writes] [--structure] \
                     [--pipelines] [--traced ADDR:PORT --sink ADDR:PORT] [--pid PID] [--minutes N]";

fn arguments() -> Result<Arguments> {
    let (mut teatree, mut data_dir, mut postgres, mut report) = (None, None, None, None);
    let (mut quick, mut writes, mut structure, mut pipelines) = (false, false, false, false);
    let (mut traced, mut sink, mut pid, mut minutes) = (None, None, None, None);
    let mut given = std::env::args().skip(1);
    while let Some(flag) = given.next() {
        if flag == "--quick" {
            quick = true;
            continue;
        }
        if flag == "--writes" {
            writes = true;
            continue;
        }
        if flag == "--pipelines" {
            pipelines = true;
            continue;
        }
        if flag == "--structure" {
            structure = true;
            continue;
        }
        let value = given.next().ok_or_else(|| format!("{flag} needs a value\n{USAGE}"))?;
        match flag.as_str() {
            "--teatree" => teatree = Some(value),
            "--data-dir" => data_dir = Some(PathBuf::from(value)),
            "--postgres" => postgres = Some(value),
            "--traced" => traced = Some(value),
            "--sink" => sink = Some(value),
            "--pid" => pid = Some(value.parse()?),
            "--minutes" => minutes = Some(value.parse()?),
            "--report" => report = Some(PathBuf::from(value)),
            _ => return Err(format!("unknown flag {flag}\n{USAGE}").into()),
        }
    }
    Ok(Arguments {
        teatree: teatree.ok_or(USAGE)?,
        data_dir: data_dir.ok_or(USAGE)?,
        postgres,
        report: report.ok_or(USAGE)?,
        quick,
        writes,
        structure,
        pipelines,
        traced: traced.zip(sink),
        pid,
        minutes,
    })
}

/// What is about pipelines and traces.
fn of_pipelines(
    teatree: &Subject,
    arguments: &Arguments,
    size: &measure::Size,
) -> Result<Vec<report::Line>> {
    let mut lines = pipelines::rollup(teatree, size)?;
    let time = arguments.minutes.map(|minutes| Duration::from_secs(60 * minutes));
    let time = time.unwrap_or(size.insert_time * 4);
    lines.extend(pipelines::notified(teatree, time, arguments.pid)?);
    if let Some((traced, sink)) = &arguments.traced {
        let traced = Subject { name: "Teatree", address: traced.clone() };
        lines.extend(traces::cost(teatree, &traced, sink, size)?);
    }
    Ok(lines)
}

fn main() -> Result<()> {
    let arguments = arguments()?;
    let size = if arguments.quick { measure::QUICK } else { measure::FULL };
    let teatree = Subject { name: "Teatree", address: arguments.teatree.clone() };
    let postgres =
        arguments.postgres.clone().map(|address| Subject { name: "PostgreSQL", address });

    let other = postgres.as_ref();
    let mut lines = plan::plan(size.aggregates * 20)?;
    if arguments.structure {
        lines.extend(structure::structure(&teatree, other, size.streams)?);
        println!("{}", report::table(&lines, other.map(load::server_version).transpose()?));
        return Ok(());
    }
    if arguments.pipelines {
        let lines = of_pipelines(&teatree, &arguments, &size)?;
        println!("{}", report::table(&lines, None));
        return Ok(());
    }
    load::load(&teatree, &size)?;
    if let Some(postgres) = &postgres {
        load::load(postgres, &size)?;
        load::settle_postgres(postgres)?;
    }
    if !arguments.writes {
        let version = load::publish(&teatree, &arguments.data_dir)?;
        lines.push(measure::aggregate(&teatree, &version, other, &size)?);
        lines.extend(measure::stream(&teatree, other, &size)?);
        lines.extend(measure::latency(&teatree, other, &size)?);
    }
    lines.extend(writes::inserts(&teatree, other, &size)?);
    lines.extend(writes::visibility(&teatree, other, &size)?);
    lines.extend(writes::dashboard(&teatree, other, &size)?);
    lines.extend(copy::copy(&teatree, other, &size)?);
    lines.extend(of_pipelines(&teatree, &arguments, &size)?);
    let stages = writes::stages(&teatree, size.insert_time)?;

    let table = report::table(&lines, postgres.as_ref().map(load::server_version).transpose()?);
    let table = format!("{table}\nThe way of one of 64 rows, medians:\n\n{stages}");
    println!("{table}");
    if arguments.quick || arguments.writes {
        println!("A quick run: {} is left as it is.", arguments.report.display());
        return Ok(());
    }
    report::replace(&arguments.report, &table)
}
