//! What a statement costs before an engine sees it: parse, classify, type, rewrite. Measured in
//! this process, on the server's own code.

use std::sync::Arc;
use std::time::{Duration, Instant};

use teatree::catalog::Catalog;
use teatree::sql::rewrite::{Drawn, NameContext, SessionFacts, SessionIntents, SessionRoles};
use teatree::sql::{ParsedTexts, RelationColumn, Relations, TableRef};
use teatree::types::PgType;

use crate::Result;
use crate::report::Line;
use crate::stats::percentile;

/// Questions of dashboards, over one table of measurements.
const QUESTIONS: [&str; 5] = [
    "SELECT device, count(*) AS n, sum(value) AS total, min(taken_at) AS first_taken \
     FROM measurements GROUP BY device ORDER BY total DESC LIMIT 10",
    "SELECT date_trunc('day', taken_at) AS day, avg(value) AS mean, count(DISTINCT device) AS \
     devices FROM measurements WHERE taken_at >= '2024-01-01' AND taken_at < '2024-02-01' \
     GROUP BY 1 ORDER BY 1",
    "SELECT \"source\".\"label\" AS \"label\", sum(\"source\".\"value\") AS \"sum\" FROM (SELECT \
     \"public\".\"measurements\".\"label\" AS \"label\", \"public\".\"measurements\".\"value\" AS \
     \"value\" FROM \"public\".\"measurements\" WHERE \"public\".\"measurements\".\"device\" = 5) \
     AS \"source\" GROUP BY \"source\".\"label\" ORDER BY \"source\".\"label\" ASC LIMIT 2000",
    "SELECT floor(extract(epoch FROM taken_at) / 300) * 300 AS time, label AS metric, \
     avg(value) AS value FROM measurements WHERE taken_at BETWEEN '2024-01-01T00:00:00Z' AND \
     '2024-01-02T00:00:00Z' AND device IN (1, 2, 3) GROUP BY 1, 2 ORDER BY 1",
    "WITH monthly AS (SELECT to_char(taken_at, 'YYYY-MM') AS month, device, sum(value) AS total \
     FROM measurements GROUP BY 1, 2) SELECT month, total, total - lag(total) OVER (PARTITION BY \
     device ORDER BY month) AS change, rank() OVER (ORDER BY total DESC) FROM monthly \
     WHERE total > 100 ORDER BY month, device",
];

fn names() -> NameContext {
    let columns = [
        ("id", PgType::INT8),
        ("device", PgType::INT4),
        ("value", PgType::FLOAT8),
        ("label", PgType::TEXT),
        ("taken_at", PgType::TIMESTAMP),
    ];
    let columns: Vec<RelationColumn> = columns
        .into_iter()
        .map(|(name, pg_type)| RelationColumn {
            name: name.to_owned(),
            is_key: name == "id",
            pg_type: Some((pg_type, -1)),
            enum_name: None,
            origin: None,
        })
        .collect();
    let columns = Arc::new(columns);
    let named = |schema: Option<&str>| TableRef {
        database: None,
        schema: schema.map(str::to_owned),
        table: "measurements".to_owned(),
    };
    let mut relations = Relations::default();
    for table in [named(None), named(Some("public"))] {
        relations.insert(table, Arc::clone(&columns));
    }
    NameContext {
        database: "postgres".to_owned(),
        search_path: vec!["public".to_owned()],
        session: SessionFacts::new(
            SessionRoles::default(),
            1,
            SessionIntents::default(),
            None,
            Drawn::default(),
        ),
        input_style: chrono_tz::Tz::UTC.into(),
        relations: Arc::new(relations),
        param_types: Vec::new(),
        catalog: &Catalog,
        kept: None,
    }
}

/// Times the way of a dashboard's question, new and repeated.
pub fn plan(rounds: usize) -> Result<Vec<Line>> {
    println!("parsing and rewriting {rounds} times ...");
    let names = names();
    let (mut new, mut again) = (Vec::new(), Vec::new());
    let texts = ParsedTexts::default();
    for round in 0..rounds + 10 {
        for question in QUESTIONS {
            let (took, repeated) = once(question, &names, &texts)?;
            if round >= 10 {
                new.push(took);
                again.push(repeated);
            }
        }
    }
    let line = |what: &str, times: &[Duration]| Line {
        what: format!("{what}, p50 / p99 (at most 100 µs)"),
        teatree: format!(
            "{:.1} / {:.1} µs",
            percentile(times, 0.5).as_secs_f64() * 1e6,
            percentile(times, 0.99).as_secs_f64() * 1e6
        ),
        embedded: None,
        postgres: None,
        ratio: None,
    };
    Ok(vec![
        line("parse, classify, type and rewrite of a dashboard's question", &new),
        line("the same text again: finding what was kept", &again),
    ])
}

fn once(question: &str, names: &NameContext, texts: &ParsedTexts) -> Result<(Duration, Duration)> {
    let started = Instant::now();
    let parsed = teatree::sql::parse(question).map_err(|error| error.to_string())?;
    for statement in &parsed {
        std::hint::black_box(statement.analyze(&names.relations, &[]));
        let sql = statement.duckdb_sql(names, &[]).map_err(|error| error.to_string())?;
        std::hint::black_box(sql);
    }
    let new = started.elapsed();
    let started = Instant::now();
    std::hint::black_box(texts.parse(question).map_err(|error| error.to_string())?);
    Ok((new, started.elapsed()))
}
