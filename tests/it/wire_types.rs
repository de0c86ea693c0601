//! Every type, text and binary, both ways, against what PostgreSQL 15 sends.
//!
//! `goldens/types.tsv` was recorded from PostgreSQL (`TEATREE_TEST_ADDR=… TEATREE_TEST_ORACLE=1
//! TEATREE_TEST_REFRESH=1`, which rewrites it from its first column) and is checked against it
//! whenever the oracle is tested. A line: expression, type OID, typmod, text, binary in hex digits.

use std::path::PathBuf;

use tokio_postgres::types::ToSql;

use crate::harness::{block_on, connect, driver, is_oracle, shared, unique};
use crate::messages::{Out, hex, unhex};
use crate::raw_client::RawClient;

struct Golden {
    expression: String,
    oid: u32,
    typmod: i32,
    text: String,
    binary: String,
}

fn golden_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/goldens/types.tsv")
}

fn goldens() -> Vec<Golden> {
    let file = std::fs::read_to_string(golden_path()).unwrap();
    let lines = file.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let golden = |line: &str| {
        let parts: Vec<&str> = line.split('\t').collect();
        let at = |index: usize| parts.get(index).copied().unwrap_or_default();
        Golden {
            expression: at(0).to_owned(),
            oid: at(1).parse().unwrap_or_default(),
            typmod: at(2).parse().unwrap_or_default(),
            text: at(3).to_owned(),
            binary: at(4).to_owned(),
        }
    };
    lines.map(golden).collect()
}

/// Asks for one value: its type, its typmod and its bytes.
fn ask(client: &mut RawClient, out: Out) -> Result<(u32, i32, Vec<u8>), String> {
    client.send(out);
    let replies = client.read_until_ready();
    if let Some(error) = replies.iter().find(|message| message.tag == b'E') {
        return Err(format!("{:?}", error.error()));
    }
    let find = |tag| replies.iter().find(|message| message.tag == tag);
    let field = find(b'T').ok_or("no RowDescription")?.fields().remove(0);
    let value = find(b'D').ok_or("no row")?.values().remove(0);
    Ok((field.type_oid, field.typmod, value.ok_or("NULL")?))
}

fn select(expression: &str, format: i16) -> Out {
    Out::new()
        .parse("", &format!("SELECT {expression} AS v"), &[])
        .bind_formats("", "", &[], &[], &[format])
        .describe_portal("")
        .execute("", 0)
        .sync()
}

/// Sends a value as a parameter and asks for it back in the other format.
fn echo(oid: u32, format: i16, value: &[u8], back: i16) -> Out {
    Out::new()
        .parse("", "SELECT $1 AS v", &[oid])
        .bind_formats("", "", &[format], &[Some(value)], &[back])
        .describe_portal("")
        .execute("", 0)
        .sync()
}

/// Fails with all differences at once, so that one run shows the whole distance.
fn report(what: &str, total: usize, wrong: &[String]) {
    assert!(wrong.is_empty(), "{what}: {} of {total} differ\n{}", wrong.len(), wrong.join("\n"));
}

fn at_utc() -> RawClient {
    RawClient::connect_with(shared(), &[("TimeZone", "UTC"), ("extra_float_digits", "1")])
}

#[test]
fn results_have_postgresqls_bytes() {
    let mut client = at_utc();
    if is_oracle() && std::env::var("TEATREE_TEST_REFRESH").is_ok_and(|value| value == "1") {
        refresh(&mut client);
    }
    let goldens = goldens();
    let mut wrong = Vec::new();
    for golden in &goldens {
        let want_text = (golden.oid, golden.typmod, golden.text.clone());
        let text = ask(&mut client, select(&golden.expression, 0)).map(|(oid, typmod, bytes)| {
            (oid, typmod, String::from_utf8_lossy(&bytes).into_owned())
        });
        if text.as_ref() != Ok(&want_text) {
            wrong.push(format!("{} as text: {text:?}, want {want_text:?}", golden.expression));
        }
        let binary =
            ask(&mut client, select(&golden.expression, 1)).map(|(_, _, bytes)| hex(&bytes));
        if binary.as_ref() != Ok(&golden.binary) {
            let (name, want) = (&golden.expression, &golden.binary);
            wrong.push(format!("{name} as binary: {binary:?}, want {want}"));
        }
    }
    report("results", goldens.len(), &wrong);
}

fn refresh(client: &mut RawClient) {
    let old = std::fs::read_to_string(golden_path()).unwrap();
    let mut new = String::new();
    for line in old.lines() {
        let expression = line.split('\t').next().unwrap();
        if line.starts_with('#') || line.is_empty() {
            new.push_str(line);
        } else {
            let (oid, typmod, text) = ask(client, select(expression, 0)).unwrap();
            let (_, _, binary) = ask(client, select(expression, 1)).unwrap();
            let text = String::from_utf8(text).unwrap();
            assert!(!text.contains(['\t', '\n']), "{expression}: the file has no escapes");
            new.push_str(&format!("{expression}\t{oid}\t{typmod}\t{text}\t{}", hex(&binary)));
        }
        new.push('\n');
    }
    std::fs::write(golden_path(), new).unwrap();
}

#[test]
fn parameters_are_read_in_text_and_binary() {
    let mut client = at_utc();
    let mut goldens = goldens();
    // An array parameter has one dimension, and its decimals no common scale to be typed by.
    goldens.retain(|golden| {
        is_oracle() || !(golden.expression.contains("[[") || golden.oid == NUMERIC_ARRAY)
    });
    let mut wrong = Vec::new();
    for golden in &goldens {
        let name = &golden.expression;
        let back = ask(&mut client, echo(golden.oid, 0, golden.text.as_bytes(), 1));
        if back.as_ref().map(|value| hex(&value.2)) != Ok(golden.binary.clone()) {
            wrong.push(format!("text {name} ({}): {back:?}, want {}", golden.text, golden.binary));
        }
        let back = ask(&mut client, echo(golden.oid, 1, &unhex(&golden.binary), 0));
        if back.as_ref().map(|value| value.2.clone()) != Ok(golden.text.clone().into_bytes()) {
            wrong.push(format!("binary {name}: {back:?}, want {}", golden.text));
        }
    }
    report("parameters", goldens.len(), &wrong);
}

/// The OID of `numeric[]`.
const NUMERIC_ARRAY: u32 = 1231;

/// Types of table columns, with two values each as PostgreSQL prints them.
const COLUMNS: &[(&str, &str, &str)] = &[
    ("bool", "t", "f"),
    ("int2", "-32768", "32767"),
    ("int4", "-2147483648", "2147483647"),
    ("int8", "-9223372036854775808", "9223372036854775807"),
    ("float4", "1.5", "-0.1"),
    ("float8", "1e-300", "0.30000000000000004"),
    ("numeric(12,4)", "12345678.9000", "-0.0001"),
    ("text", "tea 🍵", ""),
    ("varchar(10)", "ten chars!", "x"),
    ("bytea", "\\x00ff", "\\x"),
    ("date", "1999-12-31", "2024-02-29"),
    ("time", "23:59:59.999999", "00:00:00"),
    ("timestamp", "2024-02-29 12:34:56.789", "1900-01-01 00:00:00"),
    ("timestamptz", "2024-02-29 12:34:56.789+00", "1969-12-31 23:59:59+00"),
    ("interval", "1 year 2 mons 3 days 04:05:06", "-00:00:01"),
    ("uuid", "00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("json", "{\"a\": [1, 2.5, null, \"x\"]}", "[]"),
    ("int4[]", "{1,NULL,3}", "{}"),
    ("text[]", "{a,\"b c\",NULL,\"\"}", "{}"),
    ("float8[]", "{0.5,-1}", "{}"),
];

fn stores_every_type(suffix: &str) {
    let mut client = at_utc();
    let table = unique("all_types");
    // Polars has no interval, so a dataset refuses it by name.
    let kept: Vec<_> =
        COLUMNS.iter().filter(|column| suffix.is_empty() || column.0 != "interval").collect();
    let columns: Vec<String> =
        kept.iter().enumerate().map(|(at, column)| format!("c{at} {}", column.0)).collect();
    client.run(&format!("CREATE TABLE {table} (id int4, {}){suffix}", columns.join(", ")));
    let marks: Vec<String> = (2..kept.len() + 2).map(|n| format!("${n}")).collect();
    let insert = format!("INSERT INTO {table} VALUES ($1, {})", marks.join(", "));
    client.talk(Out::new().parse("ins", &insert, &[]).sync());
    let rows: [Vec<Option<&str>>; 3] = [
        kept.iter().map(|column| Some(column.1)).collect(),
        kept.iter().map(|column| Some(column.2)).collect(),
        kept.iter().map(|_| None).collect(),
    ];
    for (id, row) in rows.iter().enumerate() {
        let id = id.to_string();
        let mut params = vec![Some(id.as_bytes())];
        params.extend(row.iter().map(|value| value.map(str::as_bytes)));
        let replies = client.talk(Out::new().bind("", "ins", &params).execute("", 0).sync());
        assert_eq!(replies, ["2", "C INSERT 0 1", "Z I"]);
    }
    let mut wrong = Vec::new();
    for (at, column) in kept.iter().enumerate() {
        let got = client.rows(&format!("SELECT c{at} FROM {table} ORDER BY id"));
        for (row, values) in rows.iter().zip(&got) {
            if values[0].as_deref() != row[at] {
                wrong.push(format!("{}: {:?}, want {:?}", column.0, values[0], row[at]));
            }
        }
    }
    report("stored values", kept.len(), &wrong);
    client.run(&format!("DROP TABLE {table}"));
}

#[test]
fn a_table_stores_every_type() {
    stores_every_type("");
}

#[test]
fn a_dataset_stores_every_type() {
    if crate::harness::skip_on_oracle("USING arrow") {
        return;
    }
    stores_every_type(" USING arrow");
}

#[test]
fn a_binary_only_driver_agrees() {
    block_on(async {
        let client = driver(shared()).await;
        let row = client
            .query_one(
                "SELECT $1::int8 + 1 AS a, $2::text AS b, $3::float8 * 2 AS c, NOT $4::bool AS d",
                &[&41i64 as &(dyn ToSql + Sync), &"tea", &1.25f64, &true],
            )
            .await
            .unwrap();
        assert_eq!(row.get::<_, i64>("a"), 42);
        assert_eq!(row.get::<_, &str>("b"), "tea");
        assert_eq!(row.get::<_, f64>("c").to_bits(), 2.5f64.to_bits());
        assert!(!row.get::<_, bool>("d"));
        let error = client.query("SELECT * FROM no_such_table", &[]).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "42P01");
        let row = client.query_one("SELECT ARRAY[1, 2, 3] AS a", &[]).await.unwrap();
        assert_eq!(row.get::<_, Vec<i32>>(0), [1, 2, 3]);
    });
}

#[test]
fn the_time_zone_of_the_session_shows_in_text_and_not_in_binary() {
    let mut client = connect();
    client.run("SET timezone = 'America/New_York'");
    let instant = "timestamptz '2024-07-01 12:00:00+00'";
    let text = ask(&mut client, select(instant, 0)).unwrap().2;
    assert_eq!(String::from_utf8(text).unwrap(), "2024-07-01 08:00:00-04");
    let there = ask(&mut client, select(instant, 1)).unwrap().2;
    client.run("SET timezone = 'Asia/Kolkata'");
    let text = ask(&mut client, select(instant, 0)).unwrap().2;
    assert_eq!(String::from_utf8(text).unwrap(), "2024-07-01 17:30:00+05:30");
    assert_eq!(ask(&mut client, select(instant, 1)).unwrap().2, there);
    assert_eq!(
        client.value("SELECT timestamptz '2024-01-01 00:00' AT TIME ZONE 'UTC'"),
        "2023-12-31 18:30:00"
    );
}

#[test]
fn a_uuid_that_ends_like_an_era_is_a_uuid() {
    let mut client = connect();
    let text = "0f609b10-ec31-42cf-b7ec-f1abd84d14bc";
    assert_eq!(client.value(&format!("SELECT '{text}'::uuid")), text);
    assert_eq!(client.value(&format!("SELECT uuid '{text}' = '{text}'")), "t");
    assert_eq!(client.value("SELECT '0044-03-15 BC'::date"), "0044-03-15 BC");
}
