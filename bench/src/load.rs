//! Puts the same rows into both servers, over the wire, by the same SQL.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::measure::{Size, Subject};
use crate::wire::Client;

/// Makes and fills the tables, from nothing.
pub fn load(subject: &Subject, size: &Size) -> Result<()> {
    println!("loading {} ...", subject.name);
    let mut client = Client::connect(&subject.address)?;
    let statements = [
        "CREATE TABLE measurements (id int, device bigint, value double precision, label text, \
         taken_at timestamp)"
            .to_owned(),
        format!(
            "INSERT INTO measurements SELECT CAST(i AS int), CAST(i % 1000 AS bigint) * 7919, \
             sqrt(i), 'label ' || CAST(i % 5000 AS text), \
             timestamp '2024-01-01 00:00:00' + i * interval '1 second' \
             FROM generate_series(1, {}) AS g(i)",
            size.rows
        ),
        "CREATE TABLE points (id int PRIMARY KEY, value double precision, label text)".to_owned(),
        format!(
            "INSERT INTO points SELECT CAST(i AS int), sqrt(i), 'label ' || CAST(i % 5000 AS text) \
             FROM generate_series(1, {}) AS g(i)",
            size.points
        ),
        "CREATE TABLE events (id bigint, taken_at timestamp, note text)".to_owned(),
        "CREATE TABLE keyed_events (id bigint PRIMARY KEY, taken_at timestamp, note text)"
            .to_owned(),
        "CREATE TABLE probes (id int)".to_owned(),
    ];
    for statement in statements {
        client
            .run(&statement)
            .map_err(|error| format!("{}: {error}: {statement}", subject.name))?;
    }
    for (table, wanted) in [("measurements", size.rows), ("points", size.points)] {
        let found = client.value(&format!("SELECT count(*) FROM {table}"))?;
        if found != wanted.to_string() {
            return Err(format!("{}: {table} has {found} rows, not {wanted}", subject.name).into());
        }
    }
    Ok(())
}

/// Does for PostgreSQL what its own background work would do soon, so that it is not measured.
pub fn settle_postgres(postgres: &Subject) -> Result<()> {
    let mut client = Client::connect(&postgres.address)?;
    client.run("VACUUM ANALYZE")?;
    client.run("CHECKPOINT").map(drop)
}

/// Publishes a version, and returns its file: the very data that embedded DuckDB is measured on.
pub fn publish(teatree: &Subject, data_dir: &Path) -> Result<PathBuf> {
    Client::connect(&teatree.address)?.run("CALL teatree.publish_version('bench')")?;
    let folder = data_dir.join("versions");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "duckdb") {
            files.push(path);
        }
    }
    files.sort();
    files.pop().ok_or_else(|| format!("no version in {}", folder.display()).into())
}

/// PostgreSQL's version, as a user would say it: `15.18`.
pub fn server_version(postgres: &Subject) -> Result<String> {
    let version = Client::connect(&postgres.address)?.value("SHOW server_version")?;
    Ok(version.split(' ').next().unwrap_or_default().to_owned())
}
