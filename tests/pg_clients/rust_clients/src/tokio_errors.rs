//! tokio-postgres: errors and what constraints say of them, notices, cancelling.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use tokio::time::sleep;
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{AsyncMessage, NoTls};

use crate::checks::{Check, Faults, Outcome, equal, holds};
use crate::place;
use crate::tokio_session::{client, client_with_messages, fails, number, server_error};

pub fn checks() -> Vec<Check> {
    crate::checks![
        tokio_error_codes,
        tokio_error_messages,
        tokio_error_positions,
        tokio_constraints,
        tokio_notices,
        tokio_cancel,
        tokio_statement_timeout,
    ]
}

const ERRORS: &[(&str, &str, &str)] = &[
    ("SELECT nope FROM t", "42703", "column \"nope\" does not exist"),
    ("SELECT * FROM nope", "42P01", "relation \"nope\" does not exist"),
    ("SELECT nope(1)", "42883", "function nope(integer) does not exist"),
    ("SELECT 1 / 0", "22012", "division by zero"),
    ("SELECT 'x'::int", "22P02", "invalid input syntax for type integer: \"x\""),
    ("SELECT '2024-02-30'::date", "22008", "date/time field value out of range: \"2024-02-30\""),
    ("SELECT 2147483647 + 1", "22003", "integer out of range"),
    ("SELEC 1", "42601", "syntax error at or near \"SELEC\""),
    (
        "SELECT name, count(*) FROM t",
        "42803",
        "column \"t.name\" must appear in the GROUP BY \
      clause or be used in an aggregate function",
    ),
    ("CREATE TABLE t (id int)", "42P07", "relation \"t\" already exists"),
    (
        "INSERT INTO t (nope) VALUES (1)",
        "42703",
        "column \"nope\" of relation \"t\" does not exist",
    ),
    (
        "SELECT (SELECT id FROM t)",
        "21000",
        "more than one row returned by a subquery used as an \
      expression",
    ),
    ("SELECT id FROM t a, t b", "42702", "column reference \"id\" is ambiguous"),
    ("SELECT 'a'::nope", "42704", "type \"nope\" does not exist"),
    ("SET nope = 1", "42704", "unrecognized configuration parameter \"nope\""),
];

async fn tokio_error_codes() -> Outcome {
    let client = client().await?;
    let mut faults = Faults::default();
    for (query, code, _) in ERRORS {
        faults.part(query, fails(client.query(*query, &[]).await, code));
    }
    faults.end()
}

async fn tokio_error_messages() -> Outcome {
    let client = client().await?;
    let mut faults = Faults::default();
    for (query, _, message) in ERRORS {
        let error = server_error(client.query(*query, &[]).await)?;
        faults.part(query, equal(error.message(), *message));
    }
    let error = server_error(client.query("SELECT nam FROM t", &[]).await)?;
    let hint = "Perhaps you meant to reference the column \"t.name\".";
    faults.part("hint", equal(error.hint(), Some(hint)));
    faults.part("severity", equal(error.severity(), "ERROR"));
    faults.end()
}

async fn tokio_error_positions() -> Outcome {
    let client = client().await?;
    let wanted = [
        ("SELECT nope FROM t", 8),
        ("SELECT 'é', nope FROM t", 13),
        ("SELECT * FROM nope", 15),
        ("SELECT 1 FROM t WHERE id = 'x'", 28),
        ("SELECT nope(1)", 8),
        ("SELECT 1 +", 11),
        ("SELECT 1 FROM t\n WHERE nope = $1", 24),
        ("INSERT INTO t (nope) VALUES (1)", 16),
    ];
    let mut faults = Faults::default();
    for (query, at) in wanted {
        let found = server_error(client.prepare(query).await);
        let found = found.map(|one| one.position().cloned()).unwrap_or_default();
        faults.part(query, equal(found, Some(ErrorPosition::Original(at))));
    }
    faults.end()
}

async fn tokio_constraints() -> Outcome {
    let client = client().await?;
    let tables = "CREATE TABLE pots (id int PRIMARY KEY, size int NOT NULL CHECK (size > 0), \
                  code varchar(3) UNIQUE); INSERT INTO pots VALUES (1, 1, 'a'); \
                  CREATE TABLE cups (id int, pot int REFERENCES pots)";
    client.batch_execute(tables).await?;
    let wanted = [
        (
            "INSERT INTO pots VALUES (1, 2, 'b')",
            "23505",
            "pots",
            "",
            "pots_pkey",
            "Key (id)=(1) already exists.",
        ),
        (
            "INSERT INTO pots VALUES (2, 2, 'a')",
            "23505",
            "pots",
            "",
            "pots_code_key",
            "Key (code)=(a) already exists.",
        ),
        (
            "INSERT INTO pots VALUES (2, NULL, 'b')",
            "23502",
            "pots",
            "size",
            "",
            "Failing row contains (2, null, b).",
        ),
        (
            "INSERT INTO pots VALUES (2, 0, 'b')",
            "23514",
            "pots",
            "",
            "pots_size_check",
            "Failing row contains (2, 0, b).",
        ),
        (
            "UPDATE pots SET size = -1",
            "23514",
            "pots",
            "",
            "pots_size_check",
            "Failing row contains (1, -1, a).",
        ),
        (
            "INSERT INTO cups VALUES (1, 5)",
            "23503",
            "cups",
            "",
            "cups_pot_fkey",
            "Key (pot)=(5) is not present in table \"pots\".",
        ),
        ("INSERT INTO pots VALUES (2, 2, 'long')", "22001", "", "", "", ""),
    ];
    let mut faults = Faults::default();
    for (query, code, table, column, constraint, detail) in wanted {
        let schema = if table.is_empty() { String::new() } else { place().schema };
        let one = server_error(client.execute(query, &[]).await)?;
        equal(one.code().code(), code)?;
        let found = [one.schema(), one.table(), one.column(), one.constraint(), one.detail()];
        let wanted = [&schema, table, column, constraint, detail];
        faults.part(query, equal(found.map(Option::unwrap_or_default), wanted));
    }
    client.execute("INSERT INTO cups VALUES (1, 1)", &[]).await?;
    faults.part("referred to", fails(client.execute("DELETE FROM pots", &[]).await, "23503"));
    faults.end()
}

async fn tokio_notices() -> Outcome {
    let (client, mut messages) = client_with_messages().await?;
    let wanted = [
        ("DROP TABLE IF EXISTS nope", "NOTICE 00000 table \"nope\" does not exist, skipping"),
        (
            "CREATE TABLE IF NOT EXISTS t (id int)",
            "NOTICE 42P07 relation \"t\" already exists, skipping",
        ),
        ("ROLLBACK", "WARNING 25P01 there is no transaction in progress"),
        ("BEGIN; BEGIN; ROLLBACK", "WARNING 25001 there is already a transaction in progress"),
        (
            "DO $$ BEGIN RAISE NOTICE 'tea is %', 7 USING HINT = 'drink'; END $$",
            "NOTICE 00000 tea is 7",
        ),
    ];
    let mut faults = Faults::default();
    for (query, text) in wanted {
        let mut found = match client.batch_execute(query).await {
            Ok(()) => "none".to_owned(),
            Err(error) => crate::checks::whole(&error),
        };
        while let Ok(message) = messages.try_recv() {
            if let AsyncMessage::Notice(one) = message {
                found = format!("{} {} {}", one.severity(), one.code().code(), one.message());
            }
        }
        faults.part(query, equal(found.as_str(), text));
    }
    faults.end()
}

async fn tokio_cancel() -> Outcome {
    let client = client().await?;
    client.batch_execute("SET statement_timeout = '20s'").await?;
    let token = client.cancel_token();
    let mut faults = Faults::default();
    let long = "SELECT count(*) FROM generate_series(1, 300000) a, generate_series(1, 300000) b";
    for query in ["SELECT pg_sleep(15)", long] {
        let started = Instant::now();
        let canceller = async {
            // One that comes before the statement runs is lost, so it is sent again.
            loop {
                sleep(Duration::from_millis(300)).await;
                token.cancel_query(NoTls).await?;
            }
        };
        let result = match select(pin!(client.query(query, &[])), pin!(canceller)).await {
            Either::Left((result, _)) => result,
            Either::Right((sent, _)) => sent,
        };
        faults.part(query, fails(result, "57014"));
        faults.part(query, holds("it ends at once", started.elapsed().as_secs() < 10));
    }
    sleep(Duration::from_millis(300)).await;
    token.cancel_query(NoTls).await?; // of nothing
    sleep(Duration::from_millis(100)).await;
    equal(number(&client, "SELECT 2::int8").await?, 2)?;
    faults.end()
}

async fn tokio_statement_timeout() -> Outcome {
    let client = client().await?;
    client.batch_execute("SET statement_timeout = '200ms'").await?;
    let error = server_error(client.query("SELECT pg_sleep(10)", &[]).await)?;
    equal(error.code().code(), "57014")?;
    equal(error.message(), "canceling statement due to statement timeout")?;
    client.batch_execute("RESET statement_timeout").await?;
    equal(number(&client, "SELECT 1::int8").await?, 1)
}
