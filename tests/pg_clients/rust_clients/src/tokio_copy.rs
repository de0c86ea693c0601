//! tokio-postgres: COPY in and out, as text and in binary.

use std::pin::pin;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use futures_util::{SinkExt, TryStreamExt};
use postgres_types::Type;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio_postgres::binary_copy::{BinaryCopyInWriter, BinaryCopyOutStream};

use crate::checks::{Check, Faults, Outcome, equal};
use crate::tokio_session::{client, fails, number};

pub fn checks() -> Vec<Check> {
    crate::checks![
        tokio_copy_in,
        tokio_copy_in_fails,
        tokio_copy_in_binary,
        tokio_copy_out,
        tokio_copy_out_binary,
    ]
}

const COPIED: [Type; 7] = [
    Type::INT4,
    Type::TEXT,
    Type::NUMERIC,
    Type::TIMESTAMPTZ,
    Type::DATE,
    Type::JSONB,
    Type::TEXT_ARRAY,
];

async fn tokio_copy_in() -> Outcome {
    let client = client().await?;
    client.batch_execute("CREATE TABLE copied (id int, name text, price numeric)").await?;
    let mut sink = pin!(client.copy_in("COPY copied FROM STDIN").await?);
    for at in 0..1000 {
        sink.send(Bytes::from(format!("{at}\tna\\tme {at}\t{at}.5\n"))).await?;
    }
    sink.send(Bytes::from_static(b"1000\t\\N\t")).await?;
    sink.send(Bytes::from_static(b"\\N\n\\.\n")).await?;
    equal(sink.finish().await?, 1001)?;
    let row = client.query_one("SELECT name, price FROM copied WHERE id = 7", &[]).await?;
    equal(row.try_get::<_, &str>(0)?, "na\tme 7")?;
    let query =
        "COPY copied (name, id) FROM STDIN WITH (FORMAT csv, HEADER, DELIMITER ';', NULL '-')";
    let mut sink = pin!(client.copy_in(query).await?);
    sink.send(Bytes::from_static(b"name;id\n\"a;\"\"b\"\"\";-1\n-;-2\n")).await?;
    equal(sink.finish().await?, 2)?;
    let query = "SELECT name FROM copied WHERE id = -1";
    equal(client.query_one_scalar::<String, _>(query, &[]).await?.as_str(), "a;\"b\"")
}

async fn tokio_copy_in_fails() -> Outcome {
    let mut client = client().await?;
    client.batch_execute("CREATE TABLE half (id int PRIMARY KEY)").await?;
    let mut sink = pin!(client.copy_in("COPY half FROM STDIN").await?);
    sink.send(Bytes::from_static(b"1\nx\n")).await?;
    let error = crate::tokio_session::server_error(sink.finish().await)?;
    equal(error.code().code(), "22P02")?;
    equal(error.where_(), Some("COPY half, line 2, column id: \"x\""))?;
    {
        let mut dropped = pin!(client.copy_in("COPY half FROM STDIN").await?);
        dropped.send(Bytes::from_static(b"5\n")).await?;
    }
    equal(number(&client, "SELECT count(*) FROM half").await?, 0)?;
    let transaction = client.transaction().await?;
    let mut sink = pin!(transaction.copy_in("COPY half FROM STDIN").await?);
    sink.send(Bytes::from_static(b"1\n1\n")).await?;
    fails(sink.finish().await, "23505")?;
    transaction.rollback().await?;
    fails(client.copy_in::<_, Bytes>("COPY no_such_tea FROM STDIN").await, "42P01")
}

async fn tokio_copy_in_binary() -> Outcome {
    let client = client().await?;
    let query = "CREATE TABLE binaries (id int, name text, price numeric, at timestamptz, \
                 day date, doc jsonb, tags text[])";
    client.batch_execute(query).await?;
    let sink = client.copy_in("COPY binaries FROM STDIN BINARY").await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &COPIED));
    let at: DateTime<Utc> = "2024-02-29T01:02:03Z".parse()?;
    let day: NaiveDate = "2024-02-29".parse()?;
    let (price, doc) = ("1.50".parse::<Decimal>()?, json!({"a": 1}));
    for id in 0..500 {
        let name = format!("tea {id}");
        let tags = vec!["a", "b"];
        writer.as_mut().write(&[&id, &name, &price, &at, &day, &doc, &tags]).await?;
    }
    let no: Option<&str> = None;
    let tags = None::<Vec<&str>>;
    let empty = (None::<Decimal>, None::<DateTime<Utc>>, None::<NaiveDate>, None::<Value>);
    writer.as_mut().write(&[&500, &no, &empty.0, &empty.1, &empty.2, &empty.3, &tags]).await?;
    equal(writer.finish().await?, 501)?;
    let row = client.query_one("SELECT * FROM binaries WHERE id = 7", &[]).await?;
    equal(row.try_get::<_, Decimal>(2)?, price)?;
    equal(row.try_get::<_, DateTime<Utc>>(3)?, at)?;
    equal(row.try_get::<_, Value>(5)?, doc)?;
    equal(row.try_get::<_, Vec<&str>>(6)?, ["a", "b"])?;
    equal(number(&client, "SELECT count(*) FROM binaries WHERE name IS NULL").await?, 1)
}

async fn tokio_copy_out() -> Outcome {
    let client = client().await?;
    client.batch_execute("CREATE TEMP TABLE outs (id int, name text)").await?;
    client.batch_execute("INSERT INTO outs VALUES (1, E'a\\tb'), (2, NULL), (3, '\"')").await?;
    let mut faults = Faults::default();
    for (query, wanted) in [
        ("COPY outs TO STDOUT", "1\ta\\tb\n2\t\\N\n3\t\"\n"),
        (
            "COPY outs (name) TO STDOUT WITH (FORMAT csv, HEADER, NULL '-')",
            "name\na\tb\n-\n\"\"\"\"\n",
        ),
        ("COPY (SELECT id * 2 FROM outs ORDER BY id DESC) TO STDOUT", "6\n4\n2\n"),
        ("COPY (SELECT 1 WHERE false) TO STDOUT", ""),
    ] {
        let stream = client.copy_out(query).await?;
        let parts: Vec<Bytes> = stream.try_collect().await?;
        faults.part(query, equal(String::from_utf8(parts.concat())?.as_str(), wanted));
    }
    faults.end()
}

async fn tokio_copy_out_binary() -> Outcome {
    let client = client().await?;
    let query = "COPY (SELECT g, 'tea ' || g, g / 4.0, '2024-02-29'::timestamptz, \
                 '2024-02-29'::date, jsonb_build_object('g', g), \
                 CASE WHEN g < 100 THEN ARRAY['x', NULL] END \
                 FROM generate_series(1, 100) g) TO STDOUT (FORMAT binary)";
    let stream = client.copy_out(query).await?;
    let rows: Vec<_> = BinaryCopyOutStream::new(stream, &COPIED).try_collect().await?;
    equal(rows.len(), 100)?;
    equal(rows[6].try_get::<i32>(0)?, 7)?;
    equal(rows[6].try_get::<&str>(1)?, "tea 7")?;
    equal(rows[6].try_get::<Decimal>(2)?, "1.75".parse::<Decimal>()?)?;
    equal(rows[6].try_get::<Value>(5)?, json!({"g": 7}))?;
    equal(rows[6].try_get::<Vec<Option<&str>>>(6)?, [Some("x"), None])?;
    equal(rows[99].try_get::<Option<Vec<&str>>>(6)?, None)
}
